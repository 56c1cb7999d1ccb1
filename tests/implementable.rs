//! `implementable`: the published verdicts of the corpus, and a small selection held here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "common/shared.rs"]
mod shared;

use std::collections::BTreeMap;

use polylogue::{
    event::{Limit, Verdict},
    load::Loaded,
    protocol::{NoImports, Spec},
    verify::{self, Condition, Detail, Options, Outcome, Property},
};
use serde_json::Value;

#[path = "implementable/brute.rs"]
mod brute;
#[path = "implementable/complete.rs"]
mod complete;
#[path = "implementable/families.rs"]
mod families;
#[path = "implementable/known.rs"]
mod known;
#[path = "implementable/symbolic.rs"]
mod symbolic;
#[path = "implementable/synthesized.rs"]
mod synthesized;
#[path = "implementable/values.rs"]
mod values;

fn ask(text: &str, protocol: &str) -> Result<Outcome, String> {
    let loaded = Loaded::new("test", text, &mut NoImports);
    let broken = |spec: &Spec| spec.protocols.iter().any(|p| &*p.header.name == protocol && p.header.broken);
    // With errors in its data there is still the flow of control.
    let meaningless = broken(&loaded.spec) && loaded.spec.outline.as_ref().is_none_or(|outline| broken(outline));
    let Some(target) = loaded.spec.find(protocol).filter(|_| !meaningless) else {
        let errors: Vec<&str> =
            loaded.diagnostics.iter().filter(|found| found.is_error()).map(|found| &*found.text).collect();
        return Err(errors.join("; "));
    };
    Ok(verify::check(&loaded.spec, Property::Implementable, target, &Options::default(), &mut |_| None).unwrap())
}

fn word(outcome: &Outcome) -> String {
    match &outcome.verdict {
        Verdict::Holds => "holds".into(),
        Verdict::Violated(_) => "violated".into(),
        Verdict::Unknown(Limit::Undecided(why)) => format!("unknown: {why}"),
        Verdict::Unknown(limit) => format!("unknown: {limit:?}"),
    }
}

/// Every verdict of the corpus: what is decided there is decided here, and so; what is outside of the theory there is
/// unknown here. Rows whose data mean nothing in this language are counted apart.
#[test]
fn the_corpus() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in shared::rows("corpus/globals.jsonl") {
        let id = row["id"].as_str().unwrap();
        let kernel = row["kernel"].as_bool().unwrap();
        let expected = &row["reference"]["implementable"];
        let outcome = match ask(row["mpst"].as_str().unwrap(), row["protocol"].as_str().unwrap()) {
            Ok(outcome) => outcome,
            Err(errors) => {
                if expected.is_null() {
                    *counts.entry("null: errors".to_owned()).or_default() += 1;
                } else {
                    let kind = if kernel { "kernel" } else { "beyond" };
                    println!("{id}: {expected} there, has errors here: {errors}");
                    *counts.entry(format!("{expected}: errors, {kind}")).or_default() += 1;
                }
                continue;
            }
        };
        let ours = word(&outcome);
        let short = ours.split(':').next().unwrap();
        match expected {
            Value::Bool(true) if short == "holds" => {}
            Value::Bool(false) if short == "violated" => {
                let Some(Detail::NotImplementable { indistinct, .. }) = &outcome.detail else { panic!("{id}") };
                let initials = match indistinct.condition {
                    Condition::SendValidity => "SV",
                    Condition::ReceiveValidity => "RV",
                    Condition::NoMixedChoice => "NMC",
                    Condition::NoOptionalTermination => "OT",
                };
                let text = &outcome.diagnostics[0].text;
                let mine = |role: &Value| text.starts_with(&format!("role `{}` ", role.as_str().unwrap()));
                let roles = row["reference"]["failing_roles"].as_array().unwrap();
                assert!(roles.iter().any(mine), "{id}: {text}; there {roles:?}");
                // There the list is cut at three.
                let named = row["reference"]["violations"].as_array().unwrap();
                let found = named.iter().any(|violation| violation[1] == initials && mine(&violation[0]));
                assert!(found || named.len() >= 3, "{id}: {initials} {text}; there {named:?}");
            }
            Value::Null if short == "unknown" => {}
            // There constructs are unknown that are known here.
            Value::Null if !kernel && row["reference"]["sender_driven"].is_null() => {}
            _ => {
                println!("{id}: {expected} there, here {ours}");
                *counts.entry("disagree".to_owned()).or_default() += 1;
                if std::env::var_os("POLYLOGUE_SHOW").is_some() {
                    println!("{}", row["mpst"].as_str().unwrap());
                }
            }
        }
        *counts.entry(format!("{expected}: {short}")).or_default() += 1;
    }
    println!("{counts:?}");
    assert_eq!(counts.get("disagree"), None);
    if !counts.is_empty() {
        // Every row that is judged there is judged here.
        assert_eq!((counts["true: holds"], counts["false: violated"]), (403, 13));
        assert!(counts.keys().all(|key| !key.starts_with("true: errors") && !key.starts_with("false: errors")));
    }
}

/// A few that tell: the condition that fails, for whom, and the two runs.
#[test]
fn a_selection() {
    let told = |text: &str| {
        let outcome = ask(text, "P").unwrap();
        match &outcome.detail {
            Some(Detail::NotImplementable { indistinct, text }) => format!(
                "{} {text} | {} {} {}",
                indistinct.condition.name(),
                indistinct.first.len(),
                indistinct.second.len(),
                indistinct.then.len()
            ),
            _ => word(&outcome),
        }
    };
    // Nobody tells C.
    assert_eq!(
        told(
            "protocol P(role A, role B, role C) {
                choice at A { A -> B: ok(); B -> C: go(); } or { A -> B: no(); C -> B: bye(); } }"
        ),
        "No Mixed Choice role `C` cannot tell two runs apart: after one it sends `C -> B: bye()`, after the other it \
         waits for `B -> C: go()` | 1 1 0"
    );
    // Merging refuses it, and yet C may stop where it could still receive.
    assert_eq!(
        told(
            "protocol P(role A, role B, role C) {
                choice at A { A -> B: ok(); B -> C: go(); } or { A -> B: no(); } }"
        ),
        "holds"
    );
    // C takes from A or from B; what A sends may be there before what B says.
    assert_eq!(
        told(
            "protocol P(role A, role B, role C) {
                choice at A { A -> B: l(); A -> C: m(); B -> C: m(); } or { A -> B: r(); B -> C: m(); A -> C: m(); } }"
        ),
        "Receive Validity role `C` cannot tell two runs apart: after one it takes `A -> C: m()`, after the other \
         `B -> C: m()`, and then a message like the first may be there already | 1 1 1"
    );
    // Only the third condition objects.
    assert!(
        told(
            "protocol P(role A, role B, role C) {
                rec X { B -> C: 1(); choice at A { A -> C: 1(); continue X; } or { A -> B: 2(); A -> C: 2(); } } }"
        )
        .starts_with("No Mixed Choice role `B`")
    );
    // Different receivers of one choice, and a loop in front of it.
    assert_eq!(
        told(
            "protocol P(role A, role B, role C) {
                rec X { choice at A { A -> B: b(); B -> A: k(); continue X; } or { A -> C: c(); C -> B: d(); } } }"
        ),
        "holds"
    );
    // What is outside of the theory is named.
    assert!(
        told("protocol P(role A, role B) { choice at A { A -> B: m(); } or { A -> B: m(); A -> B: n(); } }")
            .starts_with("unknown: two branches begin with `A -> B: m()`")
    );
    // A queue that blocks does not make it worse.
    assert_eq!(told("protocol P(role A, role B) { channel A -> B: sync; A -> B: m(); B -> A: n(); }"), "holds");
}

//! The rows of the public corpus of systems, against the verdicts of the published checker.
//!
//! Where the two differ, by the definitions:
//!
//! * S0010 (`CloudSystemVFour`): `r0` may send `access` to `r1` again and again, or `logout` to `r2`. With k messages
//!   `access` under way there is room for `logout` and none for `access`: it is not k-OBI for any k. The published checker
//!   looks for that in its reduced system only, in which `r1` always receives first.
//! * S0021, S0022, S0153 (elevators): which of two messages comes first is left to chance, and two roles send again and
//!   again: for no k does the theorem speak.
//! * S0090 (`notrecvbisim-result`): `R` has a mixed state, so the theorem says nothing; but from k = 2 on no send ever lacks
//!   room, so every configuration was looked at, and it is safe. The published checker says so too, without the theorem.

use std::collections::BTreeMap;

use polylogue::{
    event::Verdict,
    verify::{Evidence, Options, Outcome, Property},
};

use super::common::{bound, machines, raw, word};

/// Row and k, and what is right.
const SETTLED: &[(&str, u32, &str)] =
    &[("S0010", 2, "violated"), ("S0010", 3, "violated"), ("S0090", 2, "holds"), ("S0090", 3, "holds")];

/// What the published checker leaves undecided, or says nothing of: the least k, or what is wrong.
const DECIDED: &[(&str, &str)] = &[
    ("S0004", "2"),
    ("S0010", "PL0524"),
    ("S0021", "PL0524"),
    ("S0022", "PL0524"),
    ("S0047", "PL0512"),
    ("S0055", "PL0524"),
    ("S0056", "PL0511"),
    ("S0062", "PL0524"),
    ("S0066", "PL0511"),
    ("S0069", "8"),
    ("S0071", "24"),
    ("S0091", "PL0510"),
    ("S0096", "PL0511"),
    ("S0114", "PL0510"),
    ("S0116", "PL0510"),
    ("S0133", "PL0511"),
    ("S0147", "PL0512"),
    ("S0153", "PL0524"),
    ("S0160", "PL0510"),
    ("S0166", "PL0524"),
    ("S0188", "1"),
    ("S0190", "PL0510"),
    ("S0193", "1"),
    ("S0196", "PL0510"),
    ("S0198", "1"),
    ("S0200", "1"),
    ("S0204", "1"),
    ("S0206", "PL0510"),
    ("S0207", "1"),
];

fn least(outcome: &Outcome) -> Option<u64> {
    match outcome.evidence {
        Some(Evidence::Compatible(found)) if outcome.verdict == Verdict::Holds => Some(found.bound.into()),
        _ => None,
    }
}

#[test]
fn verdicts_agree_with_the_published_checker() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let (mut compared, mut leasts, mut decided) = (0, 0, BTreeMap::new());
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let published = &row["kmc"];
        let machines = machines(row["mpst"].as_str().unwrap());
        for k in 1..=3 {
            let theirs = &published[format!("k{k}")];
            if theirs["csa"].is_null() {
                continue;
            }
            let is = |name: &str| theirs[name] == true;
            let independent = is("basic") || is("obi") && (is("sibi") || is("cibi"));
            let yes = is("csa") && independent && is("exhaustive") && is("safe");
            let outcome = machines.check(Property::Kmc, &bound(k));
            let ours = word(&outcome.verdict);
            compared += 1;
            match SETTLED.iter().find(|&&(row, at, _)| (row, at) == (id, k)) {
                Some(&(_, _, right)) => assert_eq!(ours, right, "{id} k={k}"),
                None => assert_eq!(ours == "holds", yes, "{id} k={k}: {theirs} {}", machines.detail(&outcome)),
            }
            assert_eq!(word(&machines.check(Property::Kmc, &raw(bound(k))).verdict), ours, "{id} k={k}, not reduced");
        }
        let outcome = machines.check(Property::Kmc, &Options::default());
        let theirs = &published["least1-6"];
        let ours = match (least(&outcome), &outcome.detail) {
            (Some(k), _) => k.to_string(),
            (None, Some(detail)) => detail.code().id().to_owned(),
            (None, None) => "unknown".to_owned(),
        };
        if theirs["least_k"].is_null() || id == "S0010" {
            if ours == "unknown" {
                println!("{id}: {:?} {} configurations", outcome.verdict, outcome.configurations);
                println!("{}", machines.detail(&machines.check(Property::Kmc, &bound(1))));
            }
            decided.insert(id.to_owned(), ours);
            continue;
        }
        leasts += 1;
        match theirs["kmc_safe"] == true {
            true => assert_eq!(least(&outcome), theirs["least_k"].as_u64(), "{id}: {theirs}"),
            false => assert_eq!(word(&outcome.verdict), "violated", "{id}: {theirs}"),
        }
    }
    println!("{compared} verdicts, {leasts} least bounds, decided besides: {decided:?}");
    let expected: BTreeMap<String, String> =
        DECIDED.iter().map(|&(id, what)| (id.to_owned(), what.to_owned())).collect();
    assert_eq!(decided, expected);
    assert_eq!((compared, leasts), (265, 71));
}

#[test]
fn the_seven_properties_are_those_of_the_reference_checker() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let mut compared = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let reference = &row["reference"]["sync"];
        if reference.is_null() {
            continue;
        }
        let machines = machines(row["mpst"].as_str().unwrap());
        for (name, property) in [
            ("safety", Property::CommunicationSafe),
            ("deadlock-freedom", Property::DeadlockFree),
            ("liveness", Property::Live),
            ("liveness+", Property::LivePlus),
            ("liveness++", Property::LivePlusPlus),
            ("never-termination", Property::NeverTerminating),
            ("termination", Property::Terminating),
        ] {
            for options in [bound(0), raw(bound(0))] {
                let outcome = machines.check(property, &options);
                assert_eq!(word(&outcome.verdict) == "holds", reference[name] == true, "{id} {name}");
            }
            compared += 1;
        }
    }
    println!("{compared} verdicts");
    assert_eq!(compared, 63);
}

//! The rows of the public corpus of systems, against the verdicts of the published checker.

use std::time::Instant;

use polylogue::{
    event::{Limit, Verdict},
    verify::{Evidence, Options, Outcome, Property},
};

use super::common::{bound, machines, shared, word};

/// Rows in which the published checker and this one differ, with the k, and who is right.
const SETTLED: &[(&str, u32, &str)] = &[];

fn least(outcome: &Outcome) -> Option<u32> {
    match outcome.evidence {
        Some(Evidence::Compatible(found)) if outcome.verdict == Verdict::Holds => Some(found.bound),
        _ => None,
    }
}

#[test]
fn verdicts_agree_with_the_published_checker() {
    let Some(text) = shared("corpus/systems.jsonl") else { return };
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
            let yes =
                is("csa") && (is("basic") || is("obi") && (is("sibi") || is("cibi"))) && is("exhaustive") && is("safe");
            let outcome = machines.check(Property::Kmc, &bound(k));
            let ours = word(&outcome.verdict);
            if (ours == "holds") != yes {
                println!(
                    "{id} {} k={k}: {theirs} here {ours} {:?} {}",
                    row["name"],
                    outcome.evidence,
                    machines.detail(&outcome)
                );
            }
        }
        let start = Instant::now();
        let outcome = machines.check(Property::Kmc, &Options::default());
        let ms = start.elapsed().as_millis();
        let theirs = &published["least1-6"];
        let agree = least(&outcome).map(u64::from) == theirs["least_k"].as_u64() && (theirs["kmc_safe"] == true);
        let no = word(&outcome.verdict) == "violated" && theirs["kmc_safe"] == false;
        let why = match &outcome.verdict {
            Verdict::Unknown(Limit::Undecided(why)) => why.clone(),
            other => format!("{}", word(other)),
        };
        if !(agree || no) || ms > 20 {
            println!(
                "{id} {} least: {theirs} here {:?} {why} {} ({} configurations, {ms} ms)",
                row["name"],
                least(&outcome),
                machines.detail(&outcome),
                outcome.configurations
            );
        }
    }
    let _ = SETTLED;
}

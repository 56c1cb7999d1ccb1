//! The rows of the public corpus of systems, against the counts of its reference checker.
//!
//! What that checker counts, found by comparison (all closed rows without mixed states, and those with, agree):
//! * `deadlock`: nothing can happen, no send only lacks room, and some role may not stop. Configurations that are an
//!   unspecified reception too are counted in both.
//! * `unspec`: some role only receives, from each peer it waits for there is a head, and it takes none.
//! * `orphan`: nothing can happen, all roles have ended, and a queue is not empty. LANGUAGE says "a queued message whose
//!   receiver has ended": that is so in more configurations, before the others have ended ([`Counts::orphans`]; the
//!   corpus's number is [`Counts::ended_orphans`]). The difference makes a verdict only where the orphan's sender never
//!   ends: row S0056 (r2 and r3 send for ever to roles that may end), and S0104 at k = 1, whose orphan the checker sees
//!   only at k = 2. A message to somebody who has gone is lost whoever else goes on, so here both are unsafe.
//! * `full`: nothing can happen, but some send only lacks room.

use polylogue::{
    event::Verdict,
    verify::{Counts, Options, Property},
};

use super::common::{bound, machines, raw, word};

/// Rows whose `safe` differs from the corpus's counts, by the definition of an orphan above.
const ORPHANS_BEFORE_THE_END: &[(&str, u32)] = &[("S0056", 1), ("S0056", 2), ("S0104", 1)];

#[test]
fn counts_agree_with_the_corpus() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let (mut rows, mut levels, mut capped) = (0, 0, 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let reference = &row["reference"]["async"];
        if row["closed"] != true || reference.is_null() {
            continue;
        }
        let machines = machines(row["mpst"].as_str().unwrap());
        assert_eq!(machines.header.roles.len(), row["roles"].as_array().unwrap().len(), "{id}");
        rows += 1;
        for k in [1, 2] {
            let expected = &reference[format!("k{k}")];
            if expected["capped"] == true {
                capped += 1;
                continue;
            }
            levels += 1;
            let number = |name: &str| usize::try_from(expected[name].as_u64().unwrap()).unwrap();
            let outcome = machines.check(Property::Safe, &raw(bound(k)));
            let Counts { deadlocks, unspecified, ended_orphans, full, orphans } = outcome.counts;
            assert_eq!(outcome.configurations, number("states"), "{id} k={k}: configurations");
            assert_eq!(deadlocks, number("deadlock"), "{id} k={k}: deadlocks");
            assert_eq!(unspecified, number("unspec"), "{id} k={k}: unspecified receptions");
            assert_eq!(ended_orphans, number("orphan"), "{id} k={k}: orphans");
            assert_eq!(full, number("full"), "{id} k={k}: full");
            let unsafe_there = number("deadlock") + number("unspec") + number("orphan") > 0;
            let unsafe_here = matches!(outcome.verdict, Verdict::Violated(_));
            let excused = ORPHANS_BEFORE_THE_END.contains(&(id, k));
            assert_eq!(unsafe_here, unsafe_there || excused, "{id} k={k}: safe");
            assert_eq!(excused, orphans > 0 && !unsafe_there, "{id} k={k}: the list of exceptions");
            let free = machines.check(Property::DeadlockFree, &raw(bound(k)));
            assert_eq!(word(&free.verdict) == "holds", number("deadlock") == 0, "{id} k={k}: deadlock-free");
        }
    }
    println!("{rows} rows, {levels} explorations, {capped} capped ones apart");
    assert_eq!((rows, levels, capped), (91, 180, 2));
}

#[test]
fn minimized_machines_give_the_verdicts_of_those_as_written() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let mut fewer = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let machines = machines(row["mpst"].as_str().unwrap());
        for k in [0, 1, 2] {
            for property in
                [Property::Safe, Property::DeadlockFree, Property::Terminating, Property::Live, Property::Bounded]
            {
                let options = Options { max_states: 20_000, ..bound(k) };
                let small = machines.check(property, &options);
                let written = machines.check(property, &raw(options));
                if [&small, &written].iter().any(|outcome| word(&outcome.verdict) == "unknown") {
                    continue;
                }
                assert_eq!(word(&small.verdict), word(&written.verdict), "{id} k={k} {property:?}");
                if word(&small.verdict) == "holds" {
                    assert_eq!(small.exhaustive, written.exhaustive, "{id} k={k} {property:?}");
                }
                // A cycle is as long as the machines that are explored make it.
                let finite = !matches!(property, Property::Live | Property::Terminating);
                if let (Verdict::Violated(small), Verdict::Violated(written), true) =
                    (&small.verdict, &written.verdict, finite)
                {
                    assert_eq!(small.run.len(), written.run.len(), "{id} k={k} {property:?}");
                }
                fewer += usize::from(small.configurations < written.configurations);
            }
        }
    }
    assert!(fewer > 100, "minimization made {fewer} explorations smaller");
}

/// `reference.sync` against bound 0.
///
/// Its safety (a partner that waits is never offered what it does not take) is stronger than `safe` under bound 0, where
/// nothing is queued and so only deadlocks are unsafe; it is not compared. The others agree on all rows.
#[test]
fn synchronous_properties_agree_with_the_corpus() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let mut rows = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let reference = &row["reference"]["sync"];
        if reference.is_null() {
            continue;
        }
        rows += 1;
        let machines = machines(row["mpst"].as_str().unwrap());
        for (name, property) in [
            ("deadlock-freedom", Property::DeadlockFree),
            ("liveness", Property::Live),
            ("termination", Property::Terminating),
        ] {
            let outcome = machines.check(property, &raw(bound(0)));
            assert_eq!(word(&outcome.verdict) == "holds", reference[name] == true, "{id} {name}");
            assert_eq!(outcome.configurations, reference["states"].as_u64().unwrap() as usize, "{id} {name}");
        }
    }
    assert_eq!(rows, 9);
}

/// Without a bound: no verdict contradicts what the corpus found at some bound.
#[test]
fn growing_bounds_find_what_the_corpus_found() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let mut verdicts = std::collections::BTreeMap::<_, usize>::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        if row["closed"] != true || row["reference"]["async"].is_null() {
            continue;
        }
        let machines = machines(row["mpst"].as_str().unwrap());
        let outcome = machines.check(Property::Safe, &Options { max_states: 50_000, ..Options::default() });
        *verdicts.entry(word(&outcome.verdict)).or_default() += 1;
        let found = row["reference"]["unsafe"].as_str().is_some_and(|text| text.contains("k="))
            && !row["reference"]["unsafe"].as_str().unwrap().starts_with("none");
        let unsafe_here = matches!(outcome.verdict, Verdict::Violated(_));
        assert_eq!(unsafe_here, found || id == "S0056", "{id}: {:?}", outcome.verdict);
    }
    println!("{verdicts:?}");
    assert_eq!((verdicts["holds"], verdicts["violated"]), (53, 26), "{verdicts:?}");
}

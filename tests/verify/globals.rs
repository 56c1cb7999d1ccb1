//! The rows of the public corpus of global protocols.

use std::collections::BTreeMap;

use polylogue::{
    event::Verdict,
    generate::{Global, GlobalShape, Rng},
    id::IdVec,
    load::Loaded,
    machine::minimize,
    protocol::{EdgeKind, Graph, Loader, NoImports, Origin, Target, project},
    verify::{Counts, Options, Property, Subject, check, check_subject},
};

use super::common::{bound, raw, word};

fn load(name: &str, text: &str) -> Loaded {
    let mut none: Box<dyn Loader> = Box::new(NoImports);
    Loaded::new(name, text, &mut *none)
}

/// `choice at A { rec X { A -> B: 1(); continue X; } } or { A -> B: 2(); B -> C: 2(); }`: implementable, since every
/// *finite* run is that of a machine per role; and C, who waits for B, is starved by the loop.
const STARVES: &str = "G0209";

#[test]
fn what_is_implementable_gets_no_counterexample() {
    let Some(text) = crate::shared::text("corpus/globals.jsonl") else { return };
    let mut verdicts = BTreeMap::<_, usize>::new();
    let (mut same, mut fewer) = (0, 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        if row["kernel"] != true {
            continue;
        }
        let loaded = load(id, row["mpst"].as_str().unwrap());
        let name = row["protocol"].as_str().unwrap();
        let Some(at) = loaded.spec.protocols.iter().position(|protocol| &*protocol.header.name == name) else {
            panic!("{id}: no protocol {name}");
        };
        let header = &loaded.spec.protocols[at].header;
        if header.broken || header.generic {
            *verdicts.entry(("no meaning", "", "")).or_default() += 1;
            continue;
        }
        let implementable = match &row["reference"]["implementable"] {
            serde_json::Value::Bool(true) => "implementable",
            serde_json::Value::Bool(false) => "not implementable",
            _ => "unclassified",
        };
        let options = Options { max_states: 20_000, ..Options::default() };
        for property in [
            Property::Projectable,
            Property::Safe,
            Property::DeadlockFree,
            Property::Live,
            Property::Terminating,
            Property::Bounded,
        ] {
            let outcome = check(&loaded.spec, property, Target::Protocol(at), &options, &mut |_| None)
                .unwrap_or_else(|error| panic!("{id}: {error:?}"));
            *verdicts.entry((implementable, property.name(), word(&outcome.verdict))).or_default() += 1;
            let Verdict::Violated(counterexample) = &outcome.verdict else { continue };
            assert!(counterexample.cone.iter().all(|&at| at < counterexample.run.len()), "{id}");
            if implementable == "implementable" {
                match property {
                    // Merge is not complete; but nothing goes wrong.
                    Property::Projectable => assert_eq!(counterexample.run, [], "{id}"),
                    Property::Safe | Property::DeadlockFree => panic!("{id}: {property:?} {outcome:?}"),
                    Property::Live => assert_eq!(id, STARVES, "{outcome:?}"),
                    _ => {}
                }
            }
        }
        // The same machines with queues of two: those of the subset construction.
        let expected = &row["reference"]["bounded_k2"];
        if expected.is_null() || expected["capped"] == true {
            continue;
        }
        let graph = Graph::of(&loaded.spec.protocols[at].term).unwrap();
        let locals = header.roles.ids().map(|role| project::canonical(&graph, role)).collect::<Result<Vec<_>, _>>();
        let locals: Vec<_> = locals.unwrap().iter().map(|local| minimize(local).unwrap()).collect();
        let subject = Subject::written(IdVec::from(locals), &header.channels);
        let outcome = check_subject(&subject, Property::Safe, &raw(bound(2)), &mut |_| None).unwrap();
        let number = |name: &str| usize::try_from(expected[name].as_u64().unwrap()).unwrap();
        let Counts { deadlocks, unspecified, ended_orphans, full, .. } = outcome.counts;
        // It minimizes the global automaton and determinizes that; minimized machines are as small or smaller.
        assert_eq!(deadlocks, number("deadlock"), "{id}: deadlocks");
        assert_eq!(unspecified, number("unspec"), "{id}: unspecified receptions");
        assert_eq!(ended_orphans, number("orphan"), "{id}: orphans");
        assert_eq!(full, number("full"), "{id}: full");
        assert!(outcome.configurations <= number("states"), "{id}: configurations");
        if outcome.configurations == number("states") { same += 1 } else { fewer += 1 }
    }
    for (verdict, n) in &verdicts {
        println!("{verdict:?}: {n}");
    }
    println!("{same} explorations of the same size as the corpus's, {fewer} smaller");
    assert!(same >= 300 && same + fewer >= 370);
    let count = |key| verdicts.get(&key).copied().unwrap_or(0);
    assert_eq!(count(("no meaning", "", "")), 11, "generic protocols");
    assert_eq!(count(("implementable", "safe", "holds")), 352, "by exploration, or by the conditions");
    assert_eq!(count(("implementable", "safe", "unknown")), 0);
    assert_eq!(count(("implementable", "projectable", "holds")), 336);
    assert_eq!(count(("not implementable", "projectable", "violated")), 11);
    assert_eq!(count(("not implementable", "safe", "violated")), 7);
}

/// The theorem, tried: what projects is safe and live under every bound, synchronous and declared ones included.
#[test]
fn what_projects_is_safe_and_live() {
    let rounds = if std::env::var_os("POLYLOGUE_LONG").is_some() { 20_000 } else { 800 };
    let (mut projected, mut explored, mut largest) = (0, 0, 0);
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let shape = GlobalShape::any(&mut rng);
        let global = Global::any(&mut rng, shape);
        let Ok(graph) = Graph::of(&global.term()) else { continue };
        let Ok(locals) = project::project_all(&graph, global.roles(), project::Discipline::Full) else { continue };
        projected += 1;
        // Said to be written by hand, so that no theorem speaks for it.
        let mut channels = global.channels().to_vec();
        // What is lost or replaced may make it go wrong.
        channels.retain(|(.., kind)| !matches!(kind, EdgeKind::Lossy | EdgeKind::Latest));
        let mut subject = Subject::written(locals, &channels);
        for k in [0, 1, 2] {
            for property in [Property::Safe, Property::Live] {
                let options = Options { max_states: 3000, ..bound(k) };
                let outcome = check_subject(&subject, property, &options, &mut |_| None).unwrap();
                assert!(
                    !matches!(outcome.verdict, Verdict::Violated(_)),
                    "seed {seed}, {property:?} {k}: {outcome:?}\n{}",
                    global.text()
                );
                explored += usize::from(outcome.verdict == Verdict::Holds);
                largest = largest.max(outcome.configurations);
            }
        }
        subject.origin = Origin::Projected;
        let outcome = check_subject(&subject, Property::Live, &Options::default(), &mut |_| None).unwrap();
        assert_eq!(outcome.verdict, Verdict::Holds, "seed {seed}");
        assert!(outcome.exhaustive && outcome.bound.is_none());
    }
    println!("{projected} projected, {explored} explored to the end, the largest with {largest} configurations");
    assert!(projected > 200 && explored > 1000 && largest > 1000);
}

//! The machines of complete projection: the corpus says which of them may stop too early, and what they do with queues of
//! two.

use polylogue::{
    event::Verdict,
    load::Loaded,
    protocol::{NoImports, Target},
    verify::{self, Counts, Options, Property, Subject},
};
use serde_json::Value;

use super::brute::{Machine, Whole};

/// Every row in the class of the theory: optional termination exactly, and the explored machines exactly, for protocols
/// that are implementable and for those that are not.
#[test]
fn machines_do_what_the_corpus_says() {
    let (mut rows, mut optional, mut explored, mut capped, mut bad) = (0, 0, 0, 0, 0);
    for row in crate::shared::rows("corpus/globals.jsonl") {
        let id = row["id"].as_str().unwrap();
        let name = row["protocol"].as_str().unwrap();
        if row["reference"]["implementable"].is_null() {
            continue;
        }
        let loaded = Loaded::new("test", row["mpst"].as_str().unwrap(), &mut NoImports);
        let spec = &loaded.spec;
        let Some(Target::Protocol(at)) = spec.find(name) else { continue };
        let header = &spec.protocols[at].header;
        if header.broken || !spec.protocols[at].is_plain() {
            continue;
        }
        rows += 1;
        let (outcome, machines) = verify::complete(spec, at, &Options::default(), &mut |_| None).unwrap();
        let machines = machines.unwrap_or_else(|| panic!("{id}: no machines: {outcome:?}"));
        let mut ours: Vec<&str> = machines.optional.iter().map(|found| header.role_name(found.role)).collect();
        ours.sort_unstable();
        let theirs = row["reference"]["optional_termination_roles"].as_array().unwrap();
        let mut theirs: Vec<&str> = theirs.iter().map(|role| role.as_str().unwrap()).collect();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{id}");
        optional += ours.len();

        // By full determinization optional termination is forbidden if that is said.
        let strict = Options { optional_termination: Some(false), ..Options::default() };
        let (strict, _) = verify::complete(spec, at, &strict, &mut |_| None).unwrap();
        let holds = matches!(outcome.verdict, Verdict::Holds);
        assert_eq!(matches!(strict.verdict, Verdict::Holds), holds && ours.is_empty(), "{id}");

        // The same by brute force, and they do the same.
        let whole = Whole::of(&spec.protocols[at].term, &spec.names).smallest();
        let literal: Vec<Machine> = header.roles.ids().map(|role| whole.machine(role)).collect();
        let ends: Vec<&str> =
            literal.iter().filter(|machine| machine.stops_early()).map(|m| header.role_name(m.role)).collect();
        for (machine, local) in literal.iter().zip(machines.locals.values()) {
            machine.does_the_same(local, &spec.names);
        }
        assert_eq!(ends.len(), theirs.len(), "{id}");

        let expected = &row["reference"]["bounded_k2"];
        let number = |name: &str| expected[name].as_u64().map_or(usize::MAX, |n| n as usize);
        if expected.is_null() || expected["capped"] == Value::Bool(true) {
            capped += 1;
            continue;
        }
        explored += 1;
        // The corpus counts the subsets themselves; ours are only told apart where a role has steps of its own.
        let counts = |locals| {
            let subject = Subject::written(locals, &header.channels);
            let options = Options { bound: Some(2), raw: true, ..Options::default() };
            let outcome = verify::check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap();
            (outcome.configurations, outcome.counts)
        };
        let (configurations, literal) = counts(literal.iter().map(Machine::local).collect());
        let (fewer, ours) = counts(machines.locals);
        let faults = |counts: Counts| [counts.deadlocks, counts.unspecified, counts.ended_orphans, counts.full];
        let theirs = ["deadlock", "unspec", "orphan", "full"].map(number);
        assert_eq!(configurations, number("states"), "{id}: configurations");
        assert_eq!(faults(literal), theirs, "{id}: deadlocks, unspecified receptions, orphans, full");
        let bad_at_all = |faults: [usize; 4]| faults.map(|count| count > 0);
        assert_eq!(
            bad_at_all(faults(ours)),
            bad_at_all(theirs),
            "{id}: deadlocks, unspecified receptions, orphans, full"
        );
        assert!(fewer <= configurations, "{id}");
        let Counts { deadlocks, unspecified, ended_orphans, .. } = literal;
        bad += usize::from(deadlocks + unspecified + ended_orphans > 0);
    }
    if rows == 0 {
        return;
    }
    println!(
        "{rows} rows, {optional} roles that may stop too early, {explored} explored ({bad} go wrong), {capped} capped"
    );
    assert!(rows >= 380);
}

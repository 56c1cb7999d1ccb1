//! Several threads against one: the same outcome to the last event and count, the same limits, the same progress.
#![cfg(feature = "parallel")]

use std::collections::BTreeMap;

use polylogue::{
    event::{Limit, Verdict},
    generate::{Rng, WildShape, channels, wild},
    id::{IdVec, RoleId},
    protocol::{EdgeKind, Local},
    verify::{Error, Options, Outcome, Progress, Property, Subject, check_subject},
};

use super::common::{bound, machines, raw, word};

/// An outcome, and everything that was said of the progress on the way.
fn run(
    subject: &Subject<'_>,
    property: Property,
    options: &Options,
    patience: usize,
) -> (Result<Outcome, Error>, Vec<Progress>) {
    let mut said = Vec::new();
    let outcome = check_subject(subject, property, options, &mut |progress| {
        said.push(*progress);
        (said.len() > patience).then_some(Limit::Time)
    });
    (outcome, said)
}

/// Several threads, each with such small chunks that even small systems are shared out.
fn crews(options: &Options) -> impl Iterator<Item = Options> + '_ {
    [(2, 1), (3, 2), (8, 1), (2, 16)].into_iter().map(|(threads, chunk)| Options { threads, chunk, ..options.clone() })
}

const PROPERTIES: [Property; 6] = [
    Property::Safe,
    Property::DeadlockFree,
    Property::Live,
    Property::Terminating,
    Property::Bounded,
    Property::LivePlus,
];

#[test]
fn generated_systems() {
    let (mut compared, mut verdicts) = (0, BTreeMap::<_, usize>::new());
    for seed in 0..2_400u64 {
        let mut rng = Rng::new(5_000_000 + seed);
        let shape = WildShape::any(&mut rng);
        let locals: IdVec<RoleId, Local> = wild(&mut rng, shape);
        let kinds: Vec<(RoleId, RoleId, EdgeKind)> =
            if rng.chance(40) { channels(&mut rng, locals.len()) } else { Vec::new() };
        let subject = Subject::written(locals, &kinds);
        let property = PROPERTIES[seed as usize % PROPERTIES.len()];
        let limited = Options { max_states: 4_000, ..Options::default() };
        // Without a bound, under one, to the end, out of configurations, out of memory.
        let options = match seed / 6 % 5 {
            0 => limited,
            1 => Options { max_states: 4_000, ..bound(2) },
            2 => raw(Options { max_states: 4_000, ..bound(1) }),
            3 => Options { max_states: 30, ..bound(3) },
            _ => Options { max_states: 4_000, max_memory: 1 << (12 + seed % 6), ..bound(3) },
        };
        let (alone, said) = run(&subject, property, &options, usize::MAX);
        let outcome = alone.as_ref().unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        *verdicts.entry(word(&outcome.verdict)).or_default() += 1;
        for options in crews(&options) {
            compared += 1;
            let (together, also) = run(&subject, property, &options, usize::MAX);
            let what = format!("seed {seed}, {property:?}, {} threads, chunks of {}", options.threads, options.chunk);
            assert_eq!(alone, together, "{what}");
            assert_eq!(said, also, "{what}");
        }
    }
    println!("{compared} comparisons, {verdicts:?}");
    assert!(compared == 9_600 && verdicts.len() == 3 && verdicts.values().all(|&n| n > 200), "{verdicts:?}");
}

#[test]
fn the_corpus() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let (mut compared, mut verdicts) = (0, BTreeMap::<_, usize>::new());
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let machines = machines(row["mpst"].as_str().unwrap());
        let subject = Subject::written(machines.locals.clone(), &machines.header.channels);
        for property in [Property::Safe, Property::Live] {
            for options in [Options { max_states: 6_000, ..Options::default() }, raw(bound(1))] {
                let options = Options { max_states: options.max_states.min(6_000), ..options };
                let (alone, said) = run(&subject, property, &options, usize::MAX);
                *verdicts.entry(word(&alone.as_ref().unwrap().verdict)).or_default() += 1;
                for options in crews(&options) {
                    compared += 1;
                    let (together, also) = run(&subject, property, &options, usize::MAX);
                    assert_eq!(alone, together, "{} {property:?} {options:?}", row["id"]);
                    assert_eq!(said, also, "{} {property:?}", row["id"]);
                }
            }
        }
    }
    println!("{compared} comparisons, {verdicts:?}");
    assert!(compared == 100 * 16 && verdicts.len() == 3, "{compared} {verdicts:?}");
}

/// A search that is told to stop stops at the same place, and one that runs out of memory too.
#[test]
fn limits_are_met_at_the_same_place() {
    let flood = machines(
        "a: q0 = +{ b!m. q0, b!n. q0 }
         b: q0 = &{ a?m. q1, a?n. q0 }; q1 = +{ c!m. q0 }
         c: q0 = &{ b?m. q0 }",
    );
    let subject = Subject::written(flood.locals.clone(), &flood.header.channels);
    let mut limits = BTreeMap::<_, usize>::new();
    for patience in [0, 1, 2, 5, 9, usize::MAX] {
        for memory in [1 << 16, 1 << 18, 1 << 22] {
            let options = Options { max_memory: memory, max_states: 9_000, ..raw(bound(9)) };
            let (alone, said) = run(&subject, Property::Safe, &options, patience);
            let Ok(Outcome { verdict: Verdict::Unknown(limit), .. }) = &alone else { panic!("{alone:?}") };
            *limits.entry(format!("{limit:?}")).or_default() += 1;
            for chunk in [1, 64, 256] {
                for threads in [2, 3, 8] {
                    let options = Options { threads, chunk, ..options.clone() };
                    let (together, also) = run(&subject, Property::Safe, &options, patience);
                    assert_eq!((&alone, &said), (&together, &also), "{threads} threads, chunks of {chunk}");
                }
            }
        }
    }
    println!("{limits:?}");
    assert!(limits.len() >= 4, "{limits:?}");
}

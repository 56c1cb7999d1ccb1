//! The public corpus of binary pairs under the fair relation.
//!
//! The rows that name it in `expect` agree. For all others there is the verdict of the published tool: it agrees on all of
//! them as well.

use std::time::Instant;

use polylogue::{
    load::Loaded,
    protocol::{NoImports, Spec},
    verify::{
        Options, Progress,
        subtype::{Answer, Certificate, Meter, Pair, Part, Relation, ahead::certifies, closed, decide, fair::refutes},
    },
};

fn pair(spec: &Spec) -> Pair {
    let part = |name: &str| {
        let own = spec.locals.iter().find(|own| &*own.header.name == name).unwrap();
        Part { names: &spec.names, header: &own.header, local: own.local.as_ref().unwrap() }
    };
    Pair::of(part("Sub"), part("Sup")).unwrap()
}

#[test]
fn the_fair_rows_and_the_published_tool() {
    let (mut expected, mut measured, mut count) = ([0, 0], [0, 0], 0);
    for row in crate::shared::rows("corpus/subtyping.jsonl") {
        let id = row["id"].as_str().unwrap();
        let loaded = Loaded::new(id, row["mpst"].as_str().unwrap(), &mut NoImports).sound().unwrap();
        let pair = pair(&loaded.spec);
        let mut poll = |_: &Progress| None;
        let begun = Instant::now();
        let answer = decide(&pair, Relation::Fair, &mut Meter::new(&Options::default(), &mut poll));
        let took = begun.elapsed();
        let verdict = match &answer {
            Answer::Yes(Certificate::Ahead(sets)) => {
                assert!(certifies(&pair, sets), "{id}");
                Some(true)
            }
            Answer::Yes(Certificate::Regular(regular)) => {
                closed::check(&pair, regular, true).unwrap_or_else(|why| panic!("{id}: {why}"));
                Some(true)
            }
            Answer::Yes(_) => Some(true),
            Answer::No(refutation) => {
                assert!(refutes(&pair, refutation), "{id}");
                Some(false)
            }
            Answer::Unknown(_) => None,
        };
        if took.as_millis() > 20 {
            println!("{id}: {took:?}");
        }
        if let Some(expect) = row["expect"]["fair async (CONCUR21)"].as_bool() {
            assert_eq!(verdict, Some(expect), "{id}: {answer:?}");
            expected[usize::from(expect)] += 1;
        }
        if let Some(tool) = row["measured"]["fair(CONCUR21)"].as_str() {
            assert_eq!(verdict, Some(tool == "True"), "{id}: {answer:?}\n{} <: {}", row["sub"], row["sup"]);
            measured[usize::from(tool == "True")] += 1;
        }
        count += 1;
    }
    println!("fair: {count} rows, expected {expected:?}, measured {measured:?} (no, yes)");
    if count > 0 {
        assert_eq!((expected, measured), ([4, 3], [24, 62]));
    }
}

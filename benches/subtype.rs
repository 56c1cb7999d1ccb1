//! How long does it take to decide asynchronous subtyping, with no bound given?
//!
//! The families are those that the literature measures its tools on, shuffled by a seed; each has a near miss, one
//! transition changed, that is no subtype. Types are read, projected to machines and minimized before the clock runs; a
//! pair is one question.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use polylogue::{
    diag::Sources,
    generate::{Twist, family},
    protocol::{ClaimKind, NoImports, Spec, Target, read},
    verify::{
        Options,
        subtype::{Answer, Meter, Pair, Part, Relation, decide},
    },
};

fn part(spec: &Spec, target: Target) -> Part<'_> {
    match target {
        Target::Local(at) => {
            let local = &spec.locals[at];
            Part { names: &spec.names, header: &local.header, local: local.local.as_ref().unwrap() }
        }
        other => panic!("{other:?} is no local type"),
    }
}

/// The pairs of the claims of a member of a family.
fn pairs(name: &str, n: usize, near_miss: bool) -> Vec<Pair> {
    let text = family(name, &[n], Twist { seed: Some(7), near_miss, ..Twist::default() }).unwrap();
    let mut sources = Sources::new();
    let file = sources.add("family.mpst", &*text).unwrap();
    let (_, spec, _) = read(&mut sources, file, &mut NoImports);
    let pair = |kind: &ClaimKind| match kind {
        ClaimKind::Subtype { sub, sup, .. } => Some(Pair::of(part(&spec, *sub), part(&spec, *sup)).unwrap()),
        ClaimKind::Property { .. } => None,
    };
    spec.claims.iter().filter_map(|claim| pair(&claim.kind)).collect()
}

/// The time for all pairs, the shortest of some rounds, and how many are related and not.
fn time(pairs: &[Pair]) -> (Duration, usize, usize) {
    let mut best = Duration::MAX;
    let (mut yes, mut no) = (0, 0);
    let begun = Instant::now();
    for round in 0..200 {
        (yes, no) = (0, 0);
        let start = Instant::now();
        for pair in pairs {
            let mut poll = |_: &polylogue::verify::Progress| None;
            match decide(black_box(pair), Relation::Async, &mut Meter::new(&Options::default(), &mut poll)) {
                Answer::Yes(_) => yes = usize::saturating_add(yes, 1),
                Answer::No(_) => no = usize::saturating_add(no, 1),
                Answer::Unknown(tried) => panic!("{tried:?}"),
            }
        }
        best = best.min(start.elapsed());
        if round > 2 && begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    (best, yes, no)
}

fn main() {
    let goals = [
        ("streaming", 100, Some(50)),
        ("streaming", 1_000, None),
        ("streaming", 100_000, Some(1_000_000)),
        ("nested-choice", 5, Some(1_000)),
        ("nested-choice", 12, Some(5_000)),
        ("ring", 1_000, Some(10_000)),
        ("double-buffering", 100, None),
        ("double-buffering", 400, Some(1_000)),
        ("fft", 8, None),
    ];
    println!("{:<24} {:>8} {:>14} {:>14} {:>12}", "family", "pairs", "related", "near miss", "goal");
    for (name, n, goal) in goals {
        let (good, near) = (pairs(name, n, false), pairs(name, n, true));
        let (yes, all, _) = time(&good);
        assert_eq!(all, good.len(), "{name}({n}) is related");
        let (no, _, refuted) = time(&near);
        assert!(refuted > 0, "a near miss of {name}({n}) is not related");
        let goal = goal.map_or_else(|| "-".to_owned(), |goal: u64| format!("{:?}", Duration::from_micros(goal)));
        println!("{:<24} {all:>8} {yes:>14.2?} {no:>14.2?} {goal:>12}", format!("{name}({n})"));
    }
}

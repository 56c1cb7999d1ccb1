//! How much faster do several threads explore than one, and how much is left where roles can be exchanged?
//!
//! Large spaces, explored to the end by one thread and by as many as there are cores, in turn, in one run; the median of
//! each, and the ratio. Before anything is measured, all must give the same outcome, to the last event.
//!
//! Then the family `workers`, as it is and with one configuration for all that differ in who is who; with the near miss, in
//! which one worker is not like the others. Before anything is measured, both must give the same verdict.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "bench"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use polylogue::{
    event::Verdict,
    generate::{Twist, family},
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    load::Loaded,
    protocol::{Act, Arm, Local, NoImports, State, Target},
    verify::{Options, Outcome, Property, Subject, check, check_subject},
};

/// States as lists of (act, label, next), the first state is 1.
fn local(role: u32, states: &[Vec<(Act, u32, u32)>]) -> Local {
    let arm = |&(act, label, then): &(Act, u32, u32)| Arm {
        act,
        label: LabelId::from_raw(label),
        sort: SortId::from_raw(0),
        then: StateId::from_raw(then),
        span: Default::default(),
    };
    let mut all = vec![State::default()];
    all.extend(states.iter().map(|arms| State { arms: arms.iter().map(arm).collect(), ..State::default() }));
    Local { role: RoleId::from_raw(role), initial: StateId::from_raw(1), states: all.into() }
}

fn send(to: u32) -> Act {
    Act::Send(RoleId::from_raw(to))
}

fn receive(from: u32) -> Act {
    Act::Receive(RoleId::from_raw(from))
}

/// A ring in which everybody sends before receiving.
fn ring(n: u32) -> IdVec<RoleId, Local> {
    (0..n).map(|p| local(p, &[vec![(send((p + 1) % n), 0, 2)], vec![(receive((p + n - 1) % n), 0, 1)]])).collect()
}

/// Two producers with two kinds of items, one consumer that takes them in turn.
fn producers() -> IdVec<RoleId, Local> {
    let producer = |p| local(p, &[vec![(send(2), 0, 1), (send(2), 1, 1)]]);
    let consumer =
        local(2, &[vec![(receive(0), 0, 2), (receive(0), 1, 2)], vec![(receive(1), 0, 1), (receive(1), 1, 1)]]);
    [producer(0), producer(1), consumer].into_iter().collect()
}

fn explore(locals: &IdVec<RoleId, Local>, property: Property, bound: u32, threads: usize) -> Outcome {
    let subject = Subject::written(locals.clone(), &[]);
    let options = Options { bound: Some(bound), raw: true, threads, ..Options::default() };
    check_subject(&subject, property, &options, &mut |_| None).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = !std::env::args().any(|arg| arg == "--bench");
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let turns = if quick { 1 } else { 9 };
    let small = |bound: u32| if quick { bound.div_ceil(2) } else { bound };
    let systems = [
        ("ring of 6", ring(6), Property::Safe, 7),
        ("ring of 9", ring(9), Property::Safe, 2),
        ("two producers", producers(), Property::Safe, 9),
        ("ring of 6, live", ring(6), Property::Live, 5),
    ];
    println!("{:<18} {:>14} {:>12} {:>16} {:>6}", "system", "configurations", "one thread", "threads", "ratio");
    for (name, locals, property, bound) in systems {
        let bound = small(bound);
        let alone = explore(&locals, property, bound, 1);
        assert_eq!(alone, explore(&locals, property, bound, threads));
        let (mut one, mut many) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            for (threads, times) in [(1, &mut one), (threads, &mut many)] {
                let begun = Instant::now();
                black_box(explore(&locals, property, bound, threads));
                times.push(begun.elapsed());
            }
        }
        let (one, many) = (median(one).as_secs_f64() * 1e3, median(many).as_secs_f64() * 1e3);
        let count = alone.configurations;
        println!("{name:<18} {count:>14} {one:>9.1} ms {many:>9.1} ms ({threads}) {:>6.2}", one / many);
    }
    workers(quick, turns.min(5));
}

fn pool(loaded: &Loaded, symmetry: bool) -> Outcome {
    let options = Options { symmetry, ..Options::default() };
    check(&loaded.spec, Property::Safe, Target::System(0), &options, &mut |_| None).unwrap()
}

fn workers(quick: bool, turns: usize) {
    println!("\n{:<18} {:>14} {:>12} {:>14} {:>12} {:>8}", "workers", "configurations", "", "exchanged", "", "ratio");
    for n in [3, 5, 6, 7, 8, 20] {
        if quick && n > 3 {
            break;
        }
        for near_miss in [false, true] {
            let text = family("workers", &[n], Twist { near_miss, seed: Some(1), ..Twist::default() }).unwrap();
            let loaded = Loaded::new("family", &text, &mut NoImports).sound().unwrap_or_else(|_| panic!("{text}"));
            let name = format!("{n}{}", if near_miss { ", near miss" } else { "" });
            let exchanged = pool(&loaded, true);
            let mut few = Vec::new();
            let mut all = Vec::new();
            // All of them, as long as they can be counted.
            let whole = (n < 8).then(|| pool(&loaded, false));
            for _ in 0..turns {
                let time = |symmetry, times: &mut Vec<Duration>| {
                    let begun = Instant::now();
                    black_box(pool(&loaded, symmetry));
                    times.push(begun.elapsed());
                };
                time(true, &mut few);
                if whole.is_some() {
                    time(false, &mut all);
                }
            }
            let few = median(few).as_secs_f64() * 1e3;
            let count = exchanged.configurations;
            let Some(whole) = whole else {
                println!("{name:<18} {:>14} {:>12} {count:>14} {few:>9.2} ms", "", "");
                continue;
            };
            match (&whole.verdict, &exchanged.verdict) {
                (Verdict::Holds, Verdict::Holds) => {}
                (Verdict::Violated(run), Verdict::Violated(image)) => assert_eq!(run.run.len(), image.run.len()),
                other => panic!("{other:?}"),
            }
            let all = median(all).as_secs_f64() * 1e3;
            let ratio = all / few;
            println!("{name:<18} {:>14} {all:>9.2} ms {count:>14} {few:>9.2} ms {ratio:>8.1}", whole.configurations);
        }
    }
}

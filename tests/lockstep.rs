//! Machine against reference: at every pair of configurations that a run leads to, every event is taken by both or
//! refused by both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use polylogue::{
    crosscheck::{Budget, Stats, crosscheck},
    generate::{Rng, WildShape, channels, wild},
    id::{IdVec, RoleId},
    machine::{Semantics, System},
    protocol::{EdgeKind, Local, Term},
    reference::{self, Bad, Rule},
};

/// How many random systems; more with `POLYLOGUE_LONG` set.
fn rounds(quick: u64) -> u64 {
    if std::env::var_os("POLYLOGUE_LONG").is_some() { quick * 50 } else { quick }
}

fn kind(channels: &[(RoleId, RoleId, EdgeKind)], from: RoleId, to: RoleId) -> EdgeKind {
    channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to)).map_or(EdgeKind::Fifo, |&(.., kind)| kind)
}

fn terms(locals: &IdVec<RoleId, Local>) -> IdVec<RoleId, Term> {
    locals.values().map(|local| reference::equations(local).unwrap()).collect()
}

/// One lockstep; panics with the disagreement.
fn check(
    locals: &IdVec<RoleId, Local>,
    terms: &IdVec<RoleId, Term>,
    channels: &[(RoleId, RoleId, EdgeKind)],
    bound: Option<u32>,
    pairs: usize,
    what: &dyn std::fmt::Display,
) -> Stats {
    let system = System::of(locals, |from, to| kind(channels, from, to)).unwrap();
    let budget = Budget { pairs, ..Budget::default() };
    match crosscheck(&system, terms, channels, Semantics { bound }, budget) {
        Ok(stats) => stats,
        Err(disagreement) => panic!("{what}: {disagreement}\n{locals:#?}\n{channels:?}"),
    }
}

fn report(what: &str, stats: &Stats) {
    println!(
        "{what}: {} pairs, {} events offered, {} admitted; final {}, bad {:?}, cut {}, forked {}, longest queue {}",
        stats.pairs,
        stats.offered,
        stats.admitted,
        stats.finals,
        stats.bad,
        stats.cut,
        stats.forked,
        stats.longest_queue
    );
    for rule in Rule::ALL {
        println!("  [{}] {}", rule.name(), stats.fired.count(rule));
    }
}

fn bound(rng: &mut Rng) -> Option<u32> {
    [None, Some(0), Some(1), Some(2), Some(3)][rng.below(5)]
}

#[test]
fn wild_systems() {
    let mut total = Stats::default();
    for seed in 0..rounds(1500) {
        let mut rng = Rng::new(seed);
        let shape = WildShape::any(&mut rng);
        let locals = wild(&mut rng, shape);
        let channels = if rng.chance(30) { channels(&mut rng, shape.roles) } else { Vec::new() };
        let bound = bound(&mut rng);
        total.absorb(&check(&locals, &terms(&locals), &channels, bound, 40, &format!("seed {seed}, bound {bound:?}")));
    }
    report("wild systems", &total);
    for bad in Bad::ALL {
        assert!(total.bad.get(&bad).is_some_and(|&count| count > 100), "no {bad:?}");
    }
    for rule in [Rule::Send, Rule::Receive, Rule::Sync, Rule::Act, Rule::Choice, Rule::States, Rule::Continue] {
        assert!(total.fired.count(rule) > 0, "[{}] is never used", rule.name());
    }
    assert!(total.finals > 0 && total.cut > 0 && total.forked > 0 && total.longest_queue > 2);
}

//! What must not change an answer, or changes it in a known way: other names, unrolled loops, the dual types the other way
//! round, something in front of both; and what must follow from answers: every type is below itself, and what is below
//! what is below is below.

use std::collections::BTreeMap;

use polylogue::verify::{
    Options, Progress,
    subtype::{Answer, Certificate, Meter, Relation, closed, control::controllable, decide, fair::refutes},
};

use super::{
    common::{shown, verify, word},
    machines::{M, Rng, S, World, canonical, dual, random},
};

const LABELS: usize = 3;

fn long() -> bool {
    std::env::var_os("POLYLOGUE_LONG").is_some()
}

fn ask(world: &World, sub: &M, sup: &M, relation: Relation) -> Answer {
    let pair = world.pair(sub, sup);
    let options = Options { max_states: 60_000, ..Options::default() };
    let answer = decide(&pair, relation, &mut Meter::new(&options, &mut |_: &Progress| None));
    match (&answer, relation) {
        (_, Relation::Async) => verify(&pair, &answer),
        (Answer::No(refutation), _) => {
            let told = || format!("{sub:?} <: {sup:?}: {}", shown(&pair, &answer));
            assert!(refutes(&pair, refutation), "{}", told());
        }
        (Answer::Yes(Certificate::Regular(regular)), _) => {
            assert_eq!(closed::check(&pair, regular, true), Ok(()));
        }
        _ => {}
    }
    answer
}

/// Labels, peers and states under other names.
fn renamed(rng: &mut Rng, machine: &M, peers: &[usize], labels: &[usize]) -> M {
    // The first state stays the first.
    let mut order: Vec<usize> = (1..machine.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    order.insert(0, 0);
    let place = |state: usize| order.iter().position(|&s| s == state).unwrap();
    let arms = |arms: &[(usize, usize)]| {
        let mut arms: Vec<_> = arms.iter().map(|&(label, then)| (labels[label], place(then))).collect();
        arms.sort_unstable();
        arms
    };
    let state = |&state: &usize| match &machine[state] {
        S::End => S::End,
        S::Send(peer, all) => S::Send(peers[*peer], arms(all)),
        S::Receive(peer, all) => S::Receive(peers[*peer], arms(all)),
    };
    order.iter().map(state).collect()
}

/// Every arm of some states goes to a copy of where it went.
fn unrolled(rng: &mut Rng, machine: &M) -> M {
    let mut more = machine.clone();
    for _ in 0..2 {
        let at = rng.below(more.len());
        let mut state = more[at].clone();
        if let S::Send(_, arms) | S::Receive(_, arms) = &mut state {
            for arm in arms {
                more.push(more[arm.1].clone());
                arm.1 = more.len() - 1;
            }
        }
        more[at] = state;
    }
    more
}

/// The same action in front of both.
fn behind(action: &S, machine: &M) -> M {
    let shift = |arms: &[(usize, usize)]| arms.iter().map(|&(label, then)| (label, then + 1)).collect();
    let front = match action {
        S::Send(peer, _) => S::Send(*peer, vec![(0, 1)]),
        _ => S::Receive(0, vec![(0, 1)]),
    };
    let rest = machine.iter().map(|state| match state {
        S::End => S::End,
        S::Send(peer, arms) => S::Send(*peer, shift(arms)),
        S::Receive(peer, arms) => S::Receive(*peer, shift(arms)),
    });
    std::iter::once(front).chain(rest).collect()
}

/// A machine with a change or two.
fn near(rng: &mut Rng, machine: &M) -> M {
    let mut machine = machine.clone();
    for _ in 0..=rng.below(2) {
        let (at, states) = (rng.below(machine.len()), machine.len());
        let copy = machine.clone();
        let swaps = rng.below(4);
        let (S::Send(_, arms) | S::Receive(_, arms)) = &mut machine[at] else { continue };
        match swaps {
            0 if arms.len() > 1 => _ = arms.remove(rng.below(arms.len())),
            1 => {
                let label = rng.below(LABELS);
                if arms.iter().all(|&(known, _)| known != label) {
                    arms.push((label, rng.below(states)));
                    arms.sort_unstable();
                }
            }
            2 => {
                let which = rng.below(arms.len());
                arms[which].1 = rng.below(states);
            }
            // Two actions, each the only one of its state, change places.
            _ => {
                let (label, then) = arms[0];
                let (one, mut other) = (arms.len() == 1 && then != at, copy[then].clone());
                if let (true, S::Send(_, inner) | S::Receive(_, inner)) = (one, &mut other)
                    && inner.len() == 1
                {
                    let after = inner[0].1;
                    inner[0].1 = machine.len();
                    let mut moved = copy[at].clone();
                    if let S::Send(_, arms) | S::Receive(_, arms) = &mut moved {
                        *arms = vec![(label, after)];
                    }
                    machine[at] = other;
                    machine.push(moved);
                }
            }
        }
    }
    machine
}

/// Only the order of messages of several peers, or how far a search goes, may make an answer unknown.
fn agrees(what: &str, one: &Answer, other: &Answer, told: impl Fn() -> String) -> usize {
    let (one, other) = (word(one), word(other));
    if [one, other].contains(&"unknown") {
        return 1;
    }
    assert_eq!(one, other, "{what}: {}", told());
    0
}

fn run(relation: Relation, peers: usize, rounds: usize, seed: u64) -> BTreeMap<&'static str, usize> {
    let world = World::new();
    let mut rng = Rng(seed);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for round in 0..rounds {
        let sup = loop {
            let sup = canonical(&random(&mut rng, 3 + round % 3, peers, LABELS - 1));
            if relation != Relation::Fair {
                break sup;
            }
            // What nobody can lead to its end is above everything in the fair relation.
            let pair = world.pair(&sup, &sup);
            if sup.len() > 2 && controllable(&pair.sup)[pair.sup.initial() as usize] {
                break sup;
            }
        };
        let sub = canonical(&near(&mut rng, &sup));
        let told = || format!("{sub:?} <: {sup:?}");
        let answer = ask(&world, &sub, &sup, relation);
        *counts.entry(word(&answer)).or_default() += 1;
        if let Answer::Unknown(tried) = &answer {
            println!("unknown: {}: {tried:?}", told());
        }
        let mut lost = 0;
        let names = |rng: &mut Rng, n: usize| {
            let mut all: Vec<usize> = (0..n).collect();
            for at in (1..n).rev() {
                all.swap(at, rng.below(at + 1));
            }
            all
        };
        let (roles, labels) = (names(&mut rng, peers), names(&mut rng, LABELS));
        let other =
            ask(&world, &renamed(&mut rng, &sub, &roles, &labels), &renamed(&mut rng, &sup, &roles, &labels), relation);
        lost += agrees("renamed", &answer, &other, told);
        let other = ask(&world, &unrolled(&mut rng, &sub), &unrolled(&mut rng, &sup), relation);
        lost += agrees("unrolled", &answer, &other, told);
        // What both do first changes nothing, unless it can be overtaken: then what was no subtype stays none.
        for action in [S::Send(0, Vec::new()), S::Receive(0, Vec::new())] {
            let other = ask(&world, &behind(&action, &sub), &behind(&action, &sup), relation);
            lost += agrees("behind", &answer, &other, told);
        }
        if relation == Relation::Async {
            let other = ask(&world, &dual(&sup), &dual(&sub), relation);
            lost += agrees("dual", &answer, &other, told);
        }
        let same = ask(&world, &sup, &sup, relation);
        assert_eq!(word(&same), "yes", "{sup:?} is below itself");
        let third = canonical(&near(&mut rng, &sub));
        if let (Answer::Yes(_), Answer::Yes(_)) = (&answer, ask(&world, &third, &sub, relation)) {
            *counts.entry("chains").or_default() += 1;
            let through = ask(&world, &third, &sup, relation);
            if let Answer::No(refutation) = &through {
                panic!("{third:?} <: {sub:?} <: {sup:?}, and yet {refutation:?}");
            }
        }
        *counts.entry("one known, one not").or_default() += lost;
    }
    println!("{relation:?}, {peers} peers, {rounds} rounds: {counts:?}");
    counts
}

fn check(relation: Relation, peers: usize, seed: u64) {
    let rounds = if long() { 100_000 } else { 1_200 };
    let counts = run(relation, peers, rounds, seed);
    let of = |name| counts.get(name).copied().unwrap_or(0);
    assert!(of("yes") > rounds / 10 && of("no") > rounds / 10 && of("chains") > rounds / 30, "{counts:?}");
    assert!(of("unknown") * 400 <= rounds && of("one known, one not") * 200 <= rounds, "{counts:?}");
}

#[test]
fn asynchronous_between_two() {
    check(Relation::Async, 1, 101);
}

#[test]
fn asynchronous_among_several() {
    check(Relation::Async, 2, 102);
    check(Relation::Async, 3, 103);
}

#[test]
fn fair_between_two() {
    check(Relation::Fair, 1, 104);
}

#[test]
fn fair_among_several() {
    check(Relation::Fair, 2, 105);
}

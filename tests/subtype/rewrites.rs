//! Pairs with a known answer: what sound rewrites make of a type is a subtype of it, and safe among its partners.

use polylogue::{
    event::Verdict,
    id::IdVec,
    verify::{Options, Property, Subject, check_subject, subtype::Answer},
};

use super::{
    common::ask,
    game::wrong,
    machines::{M, Rng, S, World, canonical, random},
};

fn options() -> Options {
    Options { max_states: 200_000, ..Options::default() }
}

/// One sound rewrite somewhere, if there is a place for one there; which one.
fn rewrite(rng: &mut Rng, machine: &mut M) -> Option<usize> {
    let at = rng.below(machine.len());
    let which = rng.below(5);
    match (which, machine[at].clone()) {
        // Drop an output.
        (0, S::Send(_, arms)) if arms.len() > 1 => {
            let out = rng.below(arms.len());
            let S::Send(_, arms) = &mut machine[at] else { return None };
            arms.remove(out);
        }
        // Add an input.
        (1, S::Receive(_, arms)) => {
            let label = 4 + rng.below(2);
            if arms.iter().any(|&(known, _)| known == label) {
                return None;
            }
            let then = rng.below(machine.len());
            let S::Receive(_, arms) = &mut machine[at] else { return None };
            arms.push((label, then));
        }
        // Anticipate an output over inputs, or over one output to somebody else; commute inputs.
        (2 | 3, S::Receive(_, arms) | S::Send(_, arms)) => {
            let first = machine[at].clone();
            let inner = machine[arms[0].1].clone();
            let (peer, label) = match &inner {
                S::Send(peer, inner) | S::Receive(peer, inner) if inner.len() == 1 => (*peer, inner[0].0),
                _ => return None,
            };
            let sends = matches!(inner, S::Send(..));
            let allowed = match &first {
                S::Receive(own, _) => sends || *own != peer,
                S::Send(own, arms) => sends && *own != peer && arms.len() == 1,
                S::End => false,
            };
            let mut behind = Vec::new();
            for &(outer, then) in &arms {
                match &machine[then] {
                    S::Send(p, inner) if sends && *p == peer && inner.len() == 1 && inner[0].0 == label => {
                        behind.push((outer, inner[0].1));
                    }
                    S::Receive(p, inner) if !sends && *p == peer && inner.len() == 1 && inner[0].0 == label => {
                        behind.push((outer, inner[0].1));
                    }
                    _ => return None,
                }
            }
            if !allowed || arms.iter().any(|&(_, then)| then == at) {
                return None;
            }
            let new = machine.len();
            machine.push(match first {
                S::Receive(own, _) => S::Receive(own, behind),
                _ => S::Send(
                    match first {
                        S::Send(own, _) => own,
                        _ => 0,
                    },
                    behind,
                ),
            });
            machine[at] = if sends { S::Send(peer, vec![(label, new)]) } else { S::Receive(peer, vec![(label, new)]) };
        }
        // Unroll: one arm goes to a copy of its target.
        (4, S::Send(_, arms) | S::Receive(_, arms)) => {
            let arm = rng.below(arms.len());
            let copy = machine[arms[arm].1].clone();
            let new = machine.len();
            machine.push(copy);
            let (S::Send(_, arms) | S::Receive(_, arms)) = &mut machine[at] else { return None };
            arms[arm].1 = new;
        }
        _ => return None,
    }
    Some(which)
}

#[test]
fn rewritten_types_are_subtypes() {
    let world = World::new();
    let mut rng = Rng(29);
    let mut counts = [0usize; 5];
    let (mut yes, mut unknown, mut broken, mut caught) = (0, 0, 0, 0);
    let rounds = if std::env::var_os("POLYLOGUE_LONG").is_some() { 300_000 } else { 10_000 };
    for round in 0..rounds {
        let (states, peers, labels) = [(3, 1, 2), (4, 2, 2), (5, 2, 1), (5, 3, 1), (4, 1, 1)][round % 5];
        let sup = canonical(&random(&mut rng, states, peers, labels));
        let mut sub = sup.clone();
        let mut done = Vec::new();
        for _ in 0..12 {
            if sub.len() < 16
                && let Some(which) = rewrite(&mut rng, &mut sub)
            {
                done.push(which);
            }
        }
        for &which in &done {
            counts[which] += 1;
        }
        let sub = canonical(&sub);
        match ask(&world.pair(&sub, &sup), &options()) {
            Answer::Yes(_) => yes += 1,
            Answer::Unknown(tried) => {
                unknown += 1;
                println!("unknown: {sub:?}\n   <: {sup:?}\n{tried:?}");
            }
            Answer::No(no) => panic!("{sub:?} <: {sup:?} by {done:?}, and yet {no:?}"),
        }
        // The same with one transition changed: kept if the game sees that it goes wrong.
        let mut spoiled = sub.clone();
        let at = rng.below(spoiled.len());
        let target = rng.below(spoiled.len());
        if let S::Send(_, arms) | S::Receive(_, arms) = &mut spoiled[at] {
            let which = rng.below(arms.len());
            if rng.one_in(2) {
                arms[which].0 = 3
            } else {
                arms[which].1 = target
            }
            let spoiled = canonical(&spoiled);
            if wrong(&spoiled, &sup, 7) {
                broken += 1;
                match ask(&world.pair(&spoiled, &sup), &options()) {
                    Answer::No(_) => caught += 1,
                    Answer::Yes(_) => panic!("{spoiled:?} <: {sup:?} goes wrong"),
                    Answer::Unknown(_) => {}
                }
            }
        }
    }
    println!("{rounds} rounds, rewrites {counts:?}: {yes} yes, {unknown} unknown; {broken} broken, {caught} caught");
    assert!(counts.iter().all(|&count| count > rounds / 50), "{counts:?}");
    assert!(unknown * 1_000 <= rounds, "{unknown} unknown");
    assert!(broken > rounds / 10 && caught == broken, "{caught} of {broken}");
}

/// A round of messages among three roles; each role's part of it, again and again.
fn part(round: &[(usize, usize, usize)], role: usize) -> M {
    let own: Vec<_> = round.iter().filter(|(from, to, _)| *from == role || *to == role).collect();
    if own.is_empty() {
        return vec![S::End];
    }
    let n = own.len();
    own.iter()
        .enumerate()
        .map(|(at, &&(from, to, label))| {
            let arm = vec![(label, (at + 1) % n)];
            if from == role { S::Send(to, arm) } else { S::Receive(from, arm) }
        })
        .collect()
}

/// Whatever is found to be a subtype of one role's part is safe among the others.
#[test]
fn among_partners() {
    let world = World::new();
    let mut rng = Rng(31);
    let (mut yes, mut no, mut unsafe_) = (0, 0, 0);
    let rounds = if std::env::var_os("POLYLOGUE_LONG").is_some() { 30_000 } else { 1_500 };
    for _ in 0..rounds {
        let round: Vec<(usize, usize, usize)> = (0..2 + rng.below(4))
            .map(|_| {
                let from = rng.below(3);
                (from, (from + 1 + rng.below(2)) % 3, rng.below(2))
            })
            .collect();
        let parts: Vec<M> = (0..3).map(|role| part(&round, role)).collect();
        // Any order of what role 0 does, and perhaps more in front of the loop.
        let mut sub = parts[0].clone();
        if sub.len() < 2 {
            continue;
        }
        for _ in 0..3 {
            let (a, b) = (rng.below(sub.len()), rng.below(sub.len()));
            let (x, y) = (sub[a].clone(), sub[b].clone());
            let moved = |what: S, place: &S| match (what, place) {
                (S::Send(peer, arms), S::Send(_, old) | S::Receive(_, old)) => {
                    S::Send(peer, vec![(arms[0].0, old[0].1)])
                }
                (S::Receive(peer, arms), S::Send(_, old) | S::Receive(_, old)) => {
                    S::Receive(peer, vec![(arms[0].0, old[0].1)])
                }
                (other, _) => other,
            };
            if a != b && rng.one_in(2) {
                sub[a] = moved(y.clone(), &x);
                sub[b] = moved(x, &y);
            }
        }
        let same = |machine: &M| world.local_at(machine, 0, &[0, 1, 2]);
        let pair = {
            let (sub, sup) = (same(&sub), same(&parts[0]));
            let part = |local| polylogue::verify::subtype::Part { names: &world.names, header: &world.header, local };
            polylogue::verify::subtype::Pair::of(part(&sub), part(&sup)).unwrap()
        };
        let answer = ask(&pair, &options());
        let locals =
            vec![same(&sub), world.local_at(&parts[1], 1, &[0, 1, 2]), world.local_at(&parts[2], 2, &[0, 1, 2])];
        let subject = Subject::written(IdVec::from(locals), &[]);
        let options = Options { max_states: 20_000, max_bound: 3, ..Options::default() };
        let outcome = check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap();
        let violated = matches!(outcome.verdict, Verdict::Violated(_));
        match answer {
            Answer::Yes(_) => {
                yes += 1;
                assert!(!violated, "{round:?}: {sub:?} is a subtype, and yet {:?}", outcome.verdict);
            }
            Answer::No(_) => {
                no += 1;
                unsafe_ += usize::from(violated);
            }
            Answer::Unknown(tried) => panic!("{round:?}: {sub:?}: {tried:?}"),
        }
    }
    println!("{yes} subtypes, all safe; {no} others, {unsafe_} of them unsafe");
    assert!(yes > rounds / 10 && unsafe_ > rounds / 20, "{yes} {no} {unsafe_}");
}

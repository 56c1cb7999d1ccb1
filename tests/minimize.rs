//! Minimization against the machine before: the same behaviour, no two states alike, the same result for all that
//! behave the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use polylogue::{
    crosscheck::{Budget, crosscheck},
    generate::{Rng, WildShape, wild, wild_local},
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    machine::{Semantics, System, minimize},
    protocol::{Act, Arm, EdgeKind, Local, State},
    reference,
};

fn arm(act: Act, label: u32, then: usize) -> Arm {
    Arm {
        act,
        label: LabelId::from_raw(label),
        sort: SortId::from_raw(0),
        then: StateId::new(then).unwrap(),
        span: Default::default(),
    }
}

fn peer() -> RoleId {
    RoleId::from_raw(1)
}

fn local(states: Vec<State>) -> Local {
    Local { role: RoleId::from_raw(0), initial: StateId::from_raw(1), states: states.into() }
}

fn state(arms: Vec<Arm>) -> State {
    State { may_stop: arms.is_empty(), arms, span: Default::default() }
}

/// The number of classes by the textbook: all states in one, and rounds of signatures until nothing changes.
fn classes(local: &Local) -> usize {
    let mut reachable = BTreeSet::from([local.initial]);
    let mut open = vec![local.initial];
    while let Some(at) = open.pop() {
        for arm in &local.states[at].arms {
            if reachable.insert(arm.then) {
                open.push(arm.then);
            }
        }
    }
    let mut class: BTreeMap<StateId, usize> = reachable.iter().map(|&state| (state, 0)).collect();
    loop {
        let mut names = BTreeMap::new();
        let mut next = BTreeMap::new();
        for &at in &reachable {
            let state = &local.states[at];
            let offers: BTreeSet<_> =
                state.arms.iter().map(|arm| (arm.act, arm.label, arm.sort, class[&arm.then])).collect();
            let fresh = names.len();
            next.insert(at, *names.entry((class[&at], state.may_stop, offers)).or_insert(fresh));
        }
        if names.len() == class.values().collect::<BTreeSet<_>>().len() {
            return names.len();
        }
        class = next;
    }
}

/// Each state in several copies, in random order; every arm leads to one of the copies of its target, sometimes twice.
fn blown_up(rng: &mut Rng, of: &Local) -> Local {
    let live = of.states.len() - 1;
    let copies = rng.between(2, 4);
    let mut numbers: Vec<usize> = (1..=live * copies).collect();
    rng.shuffle(&mut numbers);
    let number = |state: usize, copy: usize| numbers[(state - 1) * copies + copy];
    let mut states = vec![State::default(); live * copies + 1];
    for at in 1..=live {
        for copy in 0..copies {
            let mut state = of.states[StateId::new(at).unwrap()].clone();
            let mut more = Vec::new();
            for arm in &mut state.arms {
                let then = arm.then.index();
                arm.then = StateId::new(number(then, rng.below(copies))).unwrap();
                if rng.chance(20) {
                    more.push(Arm { then: StateId::new(number(then, rng.below(copies))).unwrap(), ..*arm });
                }
            }
            state.arms.extend(more);
            rng.shuffle(&mut state.arms);
            states[number(at, copy)] = state;
        }
    }
    Local { role: of.role, initial: StateId::new(number(of.initial.index(), 0)).unwrap(), states: states.into() }
}

/// Without the order in which arms are written.
fn sorted(local: &Local) -> Local {
    let mut local = local.clone();
    for state in local.states.values_mut() {
        state.arms.sort_by_key(|arm| (arm.act, arm.label, arm.sort, arm.then));
    }
    local
}

#[test]
fn random_automata() {
    let (mut merged, mut kept, mut unreachable) = (0, 0, 0);
    for seed in 0..4000 {
        let mut rng = Rng::new(seed);
        let shape = WildShape { size: rng.between(1, 12), ..WildShape::any(&mut rng) };
        let small = wild_local(&mut rng, shape, RoleId::from_raw(0));
        let large = blown_up(&mut rng, &small);
        let least = minimize(&small).unwrap();
        assert_eq!(least.states.len() - 1, classes(&small), "seed {seed}");
        assert_eq!(least, minimize(&least).unwrap(), "seed {seed}: once more changes something");
        let again = minimize(&large).unwrap();
        assert_eq!(again.states.len(), least.states.len(), "seed {seed}");
        if shape.twins == 0 {
            assert_eq!(sorted(&again), sorted(&least), "seed {seed}");
        }
        if least.states.len() < small.states.len() {
            merged += 1
        } else {
            kept += 1
        }
        unreachable += usize::from(classes(&small) < small.states.len() - 1);
    }
    println!("{merged} have fewer states than they were written with, {kept} as many; {unreachable} had other classes");
    assert!(merged > 100 && kept > 100);
}

#[test]
fn behaves_as_before() {
    let mut pairs = 0;
    let mut twins = 0;
    for seed in 0..600 {
        let mut rng = Rng::new(seed);
        let shape = WildShape::any(&mut rng);
        let before: IdVec<RoleId, Local> = wild(&mut rng, shape).values().map(|l| blown_up(&mut rng, l)).collect();
        let after: IdVec<RoleId, Local> = before.values().map(|local| minimize(local).unwrap()).collect();
        twins += usize::from(shape.twins > 0);
        let terms = before.values().map(|local| reference::equations(local).unwrap()).collect();
        let system = System::of(&after, |_, _| EdgeKind::Fifo).unwrap();
        let bound = [Some(0), Some(1), Some(2)][rng.below(3)];
        let budget = Budget { pairs: 30, ..Budget::default() };
        match crosscheck(&system, &terms, &[], Semantics { bound }, budget) {
            Ok(stats) => pairs += stats.pairs,
            Err(disagreement) => panic!("seed {seed}: {disagreement}\n{before:#?}"),
        }
    }
    println!("{pairs} pairs; {twins} systems with twins");
    assert!(pairs > 1000 && twins > 50);
}

#[test]
fn where_a_role_may_stop_counts() {
    // Two states that differ only in that: X. a!; Y. a!; X, and Y may stop.
    let mut y = state(vec![arm(Act::Send(peer()), 0, 1)]);
    let x = state(vec![arm(Act::Send(peer()), 0, 2)]);
    assert_eq!(minimize(&local(vec![State::default(), x.clone(), y.clone()])).unwrap().states.len(), 2);
    y.may_stop = true;
    assert_eq!(minimize(&local(vec![State::default(), x, y])).unwrap().states.len(), 3);
}

#[test]
fn dead_from_the_start() {
    let mut dead = local(vec![State::default()]);
    dead.initial = StateId::default();
    assert_eq!(minimize(&dead).unwrap(), dead);
}

#[test]
fn deep_automata() {
    const N: usize = 1_000_000;
    // A chain: no two states alike.
    let mut chain = vec![State::default()];
    chain.extend((1..N).map(|at| state(vec![arm(Act::Send(peer()), 0, at + 1)])));
    chain.push(state(Vec::new()));
    assert_eq!(minimize(&local(chain)).unwrap().states.len(), N + 1);
    // A loop of a thousand states, written a thousand times.
    let mut turns = vec![State::default()];
    turns.extend((0..N).map(|at| state(vec![arm(Act::Receive(peer()), u32::from(at % 1000 == 0), (at + 1) % N + 1)])));
    assert_eq!(minimize(&local(turns)).unwrap().states.len(), 1001);
    // A choice tree: each level is one state.
    let mut tree = vec![State::default()];
    let half = 1 << 19;
    tree.extend(
        (1..half).map(|at| state(vec![arm(Act::Send(peer()), 0, 2 * at), arm(Act::Send(peer()), 1, 2 * at + 1)])),
    );
    tree.resize(2 * half, state(Vec::new()));
    assert_eq!(minimize(&local(tree)).unwrap().states.len(), 21);
    // Many arms, each into a chain of another length.
    let mut fan = vec![State::default(), state(Vec::new()), state(Vec::new())];
    for at in 2..2000 {
        fan.push(state(vec![arm(Act::Send(peer()), 0, at)]));
    }
    let head = (2..2000).map(|at| arm(Act::Send(peer()), 7, at)).collect();
    fan[1] = state(head);
    assert_eq!(minimize(&local(fan)).unwrap().states.len(), 2000);
}

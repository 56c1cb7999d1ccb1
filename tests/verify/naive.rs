//! The verifier against the plain search over the reference, and against plain closures over plain configurations.

use std::collections::{BTreeMap, HashMap, VecDeque};

use polylogue::{
    event::Verdict,
    generate::{Rng, WildShape, channels, wild},
    id::{EdgeId, IdVec, RoleId},
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{EdgeKind, Local},
    reference::{self, Bad},
    verify::{Options, Property},
};

use super::common::{bound, check, raw, system, word};

type Channels = Vec<(RoleId, RoleId, EdgeKind)>;

/// How many random systems; more with `POLYLOGUE_LONG` set.
fn rounds(quick: u64) -> u64 {
    if std::env::var_os("POLYLOGUE_LONG").is_some() { quick * 30 } else { quick }
}

fn draw(seed: u64) -> (IdVec<RoleId, Local>, Channels) {
    let mut rng = Rng::new(seed);
    let shape = WildShape::any(&mut rng);
    let locals = wild(&mut rng, shape);
    let channels = if rng.chance(40) { channels(&mut rng, locals.len()) } else { Vec::new() };
    (locals, channels)
}

#[test]
fn safety_is_that_of_the_plain_search() {
    const LIMIT: usize = 400;
    let (mut compared, mut bad, mut deepest) = (0, BTreeMap::<_, usize>::new(), 0);
    for seed in 0..rounds(2500) {
        let (locals, channels) = draw(seed);
        let terms = locals.values().map(|local| reference::equations(local).unwrap()).collect();
        for k in [0, 1, 2] {
            let plain = reference::System::new(&terms, &channels, Some(k));
            let explored = reference::explore(&plain, LIMIT);
            if explored.capped {
                continue;
            }
            compared += 1;
            let what = format!("seed {seed}, bound {k}");
            let outcome = check(&locals, &channels, Property::Safe, &raw(bound(k))).expect(&what);
            // A state of the machine and its term are one to one, but `end` by two names is one term.
            let counts = outcome.counts;
            let minimal = check(&locals, &channels, Property::Safe, &bound(k)).expect(&what);
            let first = explored.bad.values().filter_map(|all| all.first()).min();
            assert_eq!(word(&outcome.verdict) == "violated", first.is_some(), "{what}: safe");
            assert_eq!(word(&minimal.verdict), word(&outcome.verdict), "{what}: minimized");
            if let Some(&first) = first {
                let shortest = explored.run_to(first).len();
                deepest = deepest.max(shortest);
                for outcome in [&outcome, &minimal] {
                    let Verdict::Violated(counterexample) = &outcome.verdict else { panic!("{what}") };
                    assert_eq!(counterexample.run.len(), shortest, "{what}: shortest");
                    *bad.entry(outcome.detail.as_ref().unwrap().code().id()).or_default() += 1;
                    assert!(counterexample.cone.is_sorted() && counterexample.cone.iter().all(|&at| at < shortest));
                }
            }
            assert_eq!(counts.deadlocks > 0 || counts.ended_orphans > 0, explored.count(Bad::Deadlock) > 0, "{what}");
            assert_eq!(counts.unspecified > 0, explored.count(Bad::UnspecifiedReception) > 0, "{what}");
            assert_eq!(counts.full > 0, !explored.full.is_empty(), "{what}");
            let free = check(&locals, &channels, Property::DeadlockFree, &bound(k)).expect(&what);
            assert_eq!(word(&free.verdict) == "violated", counts.deadlocks > 0, "{what}: deadlock-free");
        }
    }
    println!("{compared} explorations, {bad:?}, longest counterexample {deepest}");
    assert!(compared > 2000 && bad.len() == 3 && deepest >= 8, "{compared}, {bad:?}, {deepest}");
}

/// Without a bound, the counterexample is as short as that of the plain search under a bound that is larger than it.
#[test]
fn the_shortest_run_over_all_bounds_is_found() {
    let mut gained = 0;
    for seed in 0..rounds(1500) {
        let (locals, channels) = draw(1_000_000 + seed);
        let what = format!("seed {seed}");
        let small = Options { max_states: 20_000, ..Options::default() };
        let free = check(&locals, &channels, Property::Safe, &small).expect(&what);
        let Verdict::Violated(counterexample) = &free.verdict else { continue };
        let length = counterexample.run.len();
        assert!(free.shortest, "{what}");
        if length > 7 {
            continue;
        }
        let wide = check(&locals, &channels, Property::Safe, &bound(8)).expect(&what);
        let Verdict::Violated(shortest) = &wide.verdict else { panic!("{what}: not violated under 8") };
        assert_eq!(length, shortest.run.len(), "{what}");
        let one = check(&locals, &channels, Property::Safe, &bound(1)).expect(&what);
        gained += usize::from(matches!(&one.verdict, Verdict::Violated(one) if one.run.len() > length));
    }
    assert!(gained > 0, "no system needs room for its shortest counterexample");
}

/// A plain graph of plain configurations.
struct Graph {
    configurations: Vec<Configuration>,
    steps: Vec<Vec<(Move, usize)>>,
    /// The roles with a send that only lacks the bound's room.
    cut: Vec<Vec<RoleId>>,
}

fn graph(system: &System, k: u32, limit: usize) -> Option<Graph> {
    let semantics = Semantics { bound: Some(k) };
    let start = Configuration::initial(system);
    let mut known = HashMap::from([(start.clone(), 0)]);
    let mut graph = Graph { configurations: vec![start], steps: Vec::new(), cut: Vec::new() };
    let mut open = VecDeque::from([0]);
    while let Some(at) = open.pop_front() {
        let mut moves = Vec::new();
        let mut cut = Vec::new();
        system.enabled(semantics, &graph.configurations[at], &mut moves, |edge: EdgeId, by_the_bound| {
            if by_the_bound {
                cut.push(system.edges()[edge].from);
            }
        });
        let mut steps = Vec::new();
        for step in moves {
            let mut then = graph.configurations[at].clone();
            system.step(&mut then, step);
            let next = graph.configurations.len();
            let to = *known.entry(then.clone()).or_insert(next);
            if to == next {
                if next >= limit {
                    return None;
                }
                graph.configurations.push(then);
                open.push_back(to);
            }
            steps.push((step, to));
        }
        graph.steps.push(steps);
        graph.cut.push(cut);
    }
    Some(graph)
}

impl Graph {
    /// From which configurations such a move can still happen, by repeated passes.
    fn can(&self, goal: impl Fn(Move) -> bool) -> Vec<bool> {
        let mut can: Vec<bool> = self.steps.iter().map(|steps| steps.iter().any(|&(step, _)| goal(step))).collect();
        loop {
            let before = can.iter().filter(|&&can| can).count();
            for (at, steps) in self.steps.iter().enumerate().rev() {
                can[at] = can[at] || steps.iter().any(|&(_, to)| can[to]);
            }
            if can.iter().filter(|&&can| can).count() == before {
                return can;
            }
        }
    }

    fn live(&self, system: &System) -> bool {
        let roles = system.machines().ids().all(|role| {
            let can = self.can(|step| system.event(step).involves(role));
            self.configurations.iter().enumerate().all(|(at, conf)| {
                can[at] || system.machines()[role].may_stop(conf.state(role)) || self.cut[at].contains(&role)
            })
        });
        roles
            && system.edges().ids().all(|edge| {
                let can = self.can(|step| matches!(step, Move::Receive { edge: e, .. } if e == edge));
                self.configurations.iter().enumerate().all(|(at, conf)| can[at] || conf.queued(edge) == 0)
            })
    }

    /// Whether configurations without steps can be taken away until none is left, and all of those were final or cut.
    fn terminates(&self, system: &System) -> bool {
        let mut gone = vec![false; self.steps.len()];
        loop {
            let mut more = false;
            for (at, steps) in self.steps.iter().enumerate() {
                if !gone[at] && steps.iter().all(|&(_, to)| gone[to]) {
                    (gone[at], more) = (true, true);
                }
            }
            if !more {
                break;
            }
        }
        let ends = self.steps.iter().enumerate().filter(|(_, steps)| steps.is_empty());
        let well =
            ends.map(|(at, _)| at).all(|at| !self.cut[at].is_empty() || system.is_final(&self.configurations[at]));
        well && gone.iter().all(|&gone| gone)
    }
}

#[test]
fn liveness_and_termination_are_those_of_plain_closures() {
    let (mut compared, mut verdicts) = (0, BTreeMap::<_, usize>::new());
    for seed in 0..rounds(2500) {
        let (locals, channels) = draw(2_000_000 + seed);
        let plain = system(&locals, &channels);
        for k in [0, 1, 2] {
            let Some(graph) = graph(&plain, k, 500) else { continue };
            compared += 1;
            let what = format!("seed {seed}, bound {k}");
            for (property, expected) in
                [(Property::Live, graph.live(&plain)), (Property::Terminating, graph.terminates(&plain))]
            {
                for options in [bound(k), raw(bound(k))] {
                    let outcome = check(&locals, &channels, property, &options).expect(&what);
                    assert_eq!(word(&outcome.verdict) == "holds", expected, "{what}: {property:?} {outcome:?}");
                    assert_ne!(word(&outcome.verdict), "unknown", "{what}");
                    if options.raw {
                        assert_eq!(outcome.configurations, graph.configurations.len(), "{what}");
                        let code = outcome.detail.map_or("holds", |detail| detail.code().id());
                        *verdicts.entry((property.name(), code)).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("{compared} explorations, {verdicts:?}");
    assert!(compared > 3000 && verdicts.values().all(|&n| n > 50), "{verdicts:?}");
}

/// What is said without a bound is never taken back by an exploration under some bound.
#[test]
fn verdicts_without_a_bound_hold_under_every_bound() {
    let mut verdicts = BTreeMap::<_, usize>::new();
    for seed in 0..rounds(1500) {
        let (locals, channels) = draw(3_000_000 + seed);
        let what = format!("seed {seed}");
        for property in
            [Property::Safe, Property::DeadlockFree, Property::Live, Property::Terminating, Property::Bounded]
        {
            let options = Options { max_states: 3000, ..Options::default() };
            let free = check(&locals, &channels, property, &options).expect(&what);
            *verdicts.entry((property, word(&free.verdict))).or_default() += 1;
            if property == Property::Bounded {
                // A pump overflows any bound, unbounded or not declared so.
                for k in [1, 3, 5] {
                    let bounded = check(&locals, &channels, property, &Options { max_states: 3000, ..bound(k) });
                    let bounded = bounded.expect(&what);
                    if word(&free.verdict) == "violated" && word(&bounded.verdict) != "unknown" {
                        assert_eq!(word(&bounded.verdict), "violated", "{what}: k={k} {free:?}");
                    }
                }
                continue;
            }
            for k in [3, 5, 9] {
                let bounded =
                    check(&locals, &channels, property, &Options { max_states: 3000, ..bound(k) }).expect(&what);
                match (word(&free.verdict), word(&bounded.verdict)) {
                    ("holds", "violated") => panic!("{what}: {property:?} holds, but not under {k}: {bounded:?}"),
                    // What is lost may need the room to be met.
                    ("violated", "holds") if bounded.exhaustive => {
                        panic!("{what}: {property:?} is violated, but not under {k}: {free:?}")
                    }
                    _ => {}
                }
            }
        }
    }
    println!("{verdicts:?}");
    assert!(verdicts.len() >= 12, "{verdicts:?}");
}

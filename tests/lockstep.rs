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
    generate::{Global, GlobalShape, Mutation, Rng, WildShape, channels, mutate, wild, wild_terms},
    id::{Id, IdVec, RoleId, StateId},
    machine::{Semantics, System, minimize},
    protocol::{
        Act, Arm, EdgeKind, Graph, Local, Node, State, Step, Term,
        project::{Discipline, project_all},
    },
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

/// The automaton of a local graph: a state per node, and its arms are the steps behind the forks.
fn automaton(graph: &Graph, role: RoleId) -> Local {
    let state_of = |node: polylogue::id::NodeId| StateId::new(node.index() + 1).unwrap();
    let mut states = vec![State::default()];
    for node in graph.nodes.ids() {
        let mut state = State::default();
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            match &graph.nodes[at] {
                Node::End => state.may_stop = true,
                Node::Fork { arms, .. } => open.extend(arms.iter().rev()),
                &Node::Step { step, label, sort, then } => {
                    let act = match step {
                        Step::Send(to) => Act::Send(to),
                        Step::Receive(from) => Act::Receive(from),
                        Step::Act(_) => Act::Act,
                        Step::Message { .. } => panic!("a global step in a local type"),
                    };
                    state.arms.push(Arm { act, label, sort, then: state_of(then), span: graph.spans[at] });
                }
            }
        }
        states.push(state);
    }
    Local { role, initial: state_of(graph.start), states: states.into() }
}

fn minimized(locals: &IdVec<RoleId, Local>) -> IdVec<RoleId, Local> {
    locals.values().map(|local| minimize(local).unwrap()).collect()
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

/// Local types as somebody writes them: loops in loops whose names shadow each other, statements behind loops, calls.
#[test]
fn wild_terms_in_lockstep() {
    let mut total = Stats::default();
    let mut shadowed = 0;
    for seed in 0..rounds(1500) {
        let mut rng = Rng::new(seed);
        let shape = WildShape { size: rng.between(4, 20), twins: 0, ..WildShape::any(&mut rng) };
        let terms = wild_terms(&mut rng, shape);
        let what = format!("seed {seed}");
        let locals: IdVec<RoleId, Local> = terms
            .iter()
            .map(|(role, term)| automaton(&Graph::of(term).unwrap_or_else(|e| panic!("{what}: {e:?}")), role))
            .collect();
        shadowed += terms.values().filter(|term| shadows(term)).count();
        let channels = if rng.chance(30) { channels(&mut rng, shape.roles) } else { Vec::new() };
        let bound = bound(&mut rng);
        total.absorb(&check(&locals, &terms, &channels, bound, 40, &what));
        total.absorb(&check(&minimized(&locals), &terms, &channels, bound, 40, &what));
    }
    report("wild terms", &total);
    println!("  {shadowed} terms with a shadowed name");
    assert!(shadowed > 100);
    for bad in Bad::ALL {
        assert!(total.bad.get(&bad).is_some_and(|&count| count > 100), "no {bad:?}");
    }
    for rule in [
        Rule::Send,
        Rule::Receive,
        Rule::Sync,
        Rule::Act,
        Rule::Choice,
        Rule::Rec,
        Rule::States,
        Rule::Continue,
        Rule::Call,
        Rule::End,
    ] {
        assert!(total.fired.count(rule) > 0, "[{}] is never used", rule.name());
    }
    assert!(total.finals > 0 && total.cut > 0 && total.forked > 0);
}

/// Whether a loop stands in a loop of the same name.
fn shadows(term: &Term) -> bool {
    use polylogue::protocol::Stmt;
    let mut open: Vec<_> = term.bodies.values().map(|&block| (block, Vec::new())).collect();
    while let Some((block, names)) = open.pop() {
        for stmt in &term.blocks[block] {
            match stmt {
                Stmt::Choice { arms, .. } => open.extend(arms.iter().map(|&arm| (arm, names.clone()))),
                Stmt::Rec { var, body, .. } => {
                    if names.contains(var) {
                        return true;
                    }
                    let mut names = names.clone();
                    names.push(*var);
                    open.push((*body, names));
                }
                Stmt::States { blocks, .. } => open.extend(blocks.iter().map(|&(_, block)| (block, names.clone()))),
                _ => {}
            }
        }
    }
    false
}

/// Projected systems, as they are, and spoiled in one place or more.
#[test]
fn projected_and_spoiled_systems() {
    let (mut projected, mut merged) = (0, 0);
    let mut right = Stats::default();
    let mut spoiled = Stats::default();
    let mut mutations = std::collections::BTreeMap::new();
    for seed in 0..rounds(1500) {
        let mut rng = Rng::new(seed);
        let shape = GlobalShape::any(&mut rng);
        let drawn = Global::any(&mut rng, shape);
        let graph = Graph::of(&drawn.term()).unwrap();
        let Ok(locals) = project_all(&graph, drawn.roles(), Discipline::Full) else { continue };
        projected += 1;
        merged += usize::from(project_all(&graph, drawn.roles(), Discipline::Plain).is_err());
        let channels = drawn.channels();
        let what = format!("seed {seed}\n{}", drawn.text());
        let bound = bound(&mut rng);
        right.absorb(&check(&locals, &terms(&locals), channels, bound, 30, &what));
        right.absorb(&check(&minimized(&locals), &terms(&locals), channels, bound, 30, &what));
        let mut other = locals.clone();
        for _ in 0..rng.between(1, 3) {
            if let Some((_, mutation)) = mutate(&mut rng, &mut other) {
                *mutations.entry(mutation).or_insert(0) += 1;
            }
        }
        spoiled.absorb(&check(&other, &terms(&other), channels, bound, 60, &what));
    }
    println!("{projected} protocols project, {merged} of them need a real merge; spoiled by {mutations:?}");
    report("projected", &right);
    report("spoiled", &spoiled);
    assert!(projected > 500 && merged > 100);
    assert!(Mutation::ALL.iter().all(|mutation| mutations.contains_key(mutation)));
    for bad in [Bad::Orphan, Bad::UnspecifiedReception] {
        assert_eq!(right.bad.get(&bad), None, "a projected system has a {bad:?}");
    }
    for bad in Bad::ALL {
        assert!(spoiled.bad.get(&bad).is_some_and(|&count| count > 20), "no {bad:?}");
    }
    assert!(right.finals > 100 && spoiled.finals > 20);
}

/// Two twins that lead to different places: both must be followed.
#[test]
fn twins() {
    let (p, q) = (RoleId::from_raw(0), RoleId::from_raw(1));
    let arm = |act, label, then| Arm {
        act,
        label: Id::from_raw(label),
        sort: Id::from_raw(0),
        then: StateId::from_raw(then),
        span: Default::default(),
    };
    let state = |arms: Vec<Arm>| State { may_stop: arms.is_empty(), arms, span: Default::default() };
    let local = |role, states: Vec<State>| Local { role, initial: StateId::from_raw(1), states: states.into() };
    let sender = vec![
        State::default(),
        state(vec![arm(Act::Send(q), 0, 2), arm(Act::Send(q), 0, 3), arm(Act::Send(q), 0, 2)]),
        state(vec![arm(Act::Send(q), 1, 4)]),
        state(vec![arm(Act::Send(q), 2, 4)]),
        state(vec![]),
    ];
    let receiver = vec![
        State::default(),
        state(vec![arm(Act::Receive(p), 0, 2), arm(Act::Receive(p), 0, 3)]),
        state(vec![arm(Act::Receive(p), 1, 4)]),
        state(vec![arm(Act::Receive(p), 2, 4)]),
        state(vec![]),
    ];
    let locals: IdVec<RoleId, Local> = vec![local(p, sender), local(q, receiver)].into();
    for bound in [None, Some(0), Some(1)] {
        let stats = check(&locals, &terms(&locals), &[], bound, 1000, &"twins");
        assert!(stats.complete && stats.forked > 0 && stats.finals == 1, "{stats:?}");
        assert_eq!(stats.bad.contains_key(&Bad::UnspecifiedReception), bound != Some(0));
        assert_eq!(stats.bad.contains_key(&Bad::Deadlock), true);
    }
}

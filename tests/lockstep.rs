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

#[path = "common/shared.rs"]
mod shared;

use polylogue::{
    crosscheck::{Budget, Stats, crosscheck},
    generate::{Global, GlobalShape, Mutation, Rng, WildShape, channels, local_text, mutate, wild, wild_terms},
    id::{Id, IdVec, RoleId, StateId},
    load::Loaded,
    machine::{Semantics, System, minimize},
    protocol::{
        Act, Arm, EdgeKind, Graph, Header, Local, Names, NoImports, Spec, State, Stmt, Term,
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
        let locals: IdVec<RoleId, Local> =
            terms.iter().map(|(role, term)| Local::of_graph(role, &Graph::of(term).expect(&what)).unwrap()).collect();
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
        // What is lost or replaced may make a projected system go wrong.
        let mut safe = channels.to_vec();
        safe.retain(|(.., kind)| !matches!(kind, EdgeKind::Lossy | EdgeKind::Latest));
        right.absorb(&check(&locals, &terms(&locals), &safe, bound, 30, &what));
        right.absorb(&check(&minimized(&locals), &terms(&locals), &safe, bound, 30, &what));
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
        assert!(stats.bad.contains_key(&Bad::Deadlock));
    }
}

/// Machines too large for a dense table look their offers up in another way.
#[test]
fn beyond_the_dense_table() {
    const N: u32 = 4200;
    let (p, q) = (RoleId::from_raw(0), RoleId::from_raw(1));
    let chain = |role, act| {
        let mut states = vec![State::default()];
        for at in 0..N {
            let arm = |label| Arm {
                act,
                label: Id::from_raw(label),
                sort: Id::from_raw(0),
                then: StateId::from_raw(at + 2),
                span: Default::default(),
            };
            // Every state has a label of its own, and one of the next state's.
            states.push(State { arms: vec![arm(at + 1), arm(at)], may_stop: false, span: Default::default() });
        }
        states.push(State { may_stop: true, ..State::default() });
        Local { role, initial: StateId::from_raw(1), states: states.into() }
    };
    let locals: IdVec<RoleId, Local> = vec![chain(p, Act::Send(q)), chain(q, Act::Receive(p))].into();
    let stats = check(&locals, &terms(&locals), &[], Some(1), 12, &"large");
    assert!(stats.pairs == 12 && stats.admitted > 12);
    let machine = System::of(&locals, |_, _| EdgeKind::Fifo).unwrap().machines()[p].clone();
    assert_eq!(machine.next(StateId::from_raw(1), Id::from_raw(1)), StateId::from_raw(2));
    assert_eq!(machine.next(StateId::from_raw(1), Id::from_raw(2)), StateId::default());
}

/// A column that a machine does not have is no way out of its row.
#[test]
fn foreign_columns() {
    let mut rng = Rng::new(7);
    let shape = WildShape { roles: 3, size: 5, labels: 3, sorts: 2, twins: 0 };
    let locals = wild(&mut rng, shape);
    for machine in System::of(&locals, |_, _| EdgeKind::Fifo).unwrap().machines().values() {
        for state in 0..machine.states() {
            for column in machine.actions().len()..64 {
                assert_eq!(machine.next(StateId::new(state).unwrap(), Id::new(column).unwrap()), StateId::default());
            }
        }
    }
}

fn load(name: &str, text: &str) -> Spec {
    Loaded::new(name, text, &mut NoImports).spec
}

fn has_meaning(header: &Header) -> bool {
    !header.broken && !header.generic
}

/// Lockstep of everything that a specification declares, in a few semantics.
fn declared(spec: &Spec, name: &str, total: &mut Stats) -> usize {
    let mut systems = 0;
    for system in spec.systems.iter().filter(|system| has_meaning(&system.header)) {
        systems += 1;
        let channels = &system.header.channels;
        let what = format!("{name}: {}", system.header.name);
        for bound in [None, Some(0), Some(1), Some(2)] {
            total.absorb(&check(&system.locals, &system.terms, channels, bound, 60, &what));
        }
        total.absorb(&check(&minimized(&system.locals), &system.terms, channels, Some(2), 60, &what));
    }
    for protocol in spec.protocols.iter().filter(|protocol| has_meaning(&protocol.header)) {
        if !protocol.is_plain() {
            // With data or scopes it is a program and has no tables: `lockstep_full.rs` has those.
            continue;
        }
        let graph = Graph::of(&protocol.term).unwrap();
        let Ok(locals) = project_all(&graph, protocol.header.roles.len(), Discipline::Full) else { continue };
        systems += 1;
        let what = format!("{name}: {}", protocol.header.name);
        total.absorb(&check(&locals, &terms(&locals), &protocol.header.channels, Some(2), 40, &what));
        total.absorb(&check(&minimized(&locals), &terms(&locals), &protocol.header.channels, None, 20, &what));
    }
    systems
}

#[test]
fn the_corpus_of_systems() {
    let Some(text) = shared::text("corpus/systems.jsonl") else { return };
    let mut total = Stats::default();
    let (mut rows, mut compared) = (0, 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let spec = load(id, row["mpst"].as_str().unwrap());
        rows += declared(&spec, id, &mut total);
        // The plain search finds what the corpus's own checker found.
        let system = &spec.systems[0];
        for bound in [1, 2] {
            let counts = &row["reference"]["async"][format!("k{bound}")];
            if row["closed"] != true || counts.is_null() || counts["capped"] == true {
                continue;
            }
            let reference = reference::System::new(&system.terms, &system.header.channels, Some(bound));
            let explored = reference::explore(&reference, 3000);
            if explored.capped {
                continue;
            }
            compared += 1;
            let count = |name: &str| usize::try_from(counts[name].as_u64().unwrap()).unwrap();
            // Two ends of one role are one end here, so there may be fewer configurations, but as many kinds.
            assert!(explored.configurations.len() <= count("states"), "{id}");
            // A role whose message nobody takes any more has ended beside others that have not: the corpus counts an
            // orphan when all have ended, the language as soon as the receiver has.
            assert!(explored.count(Bad::Orphan) > 0 || count("orphan") == 0, "{id} {bound}");
            assert_eq!(explored.count(Bad::UnspecifiedReception) > 0, count("unspec") > 0, "{id} {bound}");
            assert_eq!(explored.full.is_empty(), count("full") == 0, "{id} {bound}");
            let stuck = explored.count(Bad::Deadlock) > 0;
            assert_eq!(stuck, count("deadlock") + count("orphan") > 0, "{id} {bound}: {counts}");
        }
    }
    println!("{rows} systems, {compared} of them with the corpus's counts");
    report("corpus of systems", &total);
    assert!(rows >= 100 && compared > 100 && total.pairs > 10_000);
}

#[test]
fn the_corpus_of_protocols() {
    let Some(text) = shared::text("corpus/globals.jsonl") else { return };
    let mut total = Stats::default();
    let mut systems = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        systems += declared(&load(id, row["mpst"].as_str().unwrap()), id, &mut total);
    }
    println!("{systems} protocols project");
    report("corpus of protocols", &total);
    assert!(systems > 100);
    assert_eq!(total.bad.get(&Bad::UnspecifiedReception), None);
    assert_eq!(total.bad.get(&Bad::Orphan), None);
}

/// The protocols of the gallery.
#[test]
fn the_gallery() {
    let Ok(folder) = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/specs")) else {
        println!("skipped: no gallery");
        return;
    };
    let mut total = Stats::default();
    let mut systems = 0;
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "mpst")) {
        let text = std::fs::read_to_string(path).unwrap();
        systems += declared(&load(&path.display().to_string(), &text), &path.display().to_string(), &mut total);
    }
    println!("{systems} systems of the gallery");
    report("gallery", &total);
}

/// A ring of so many roles that not every event can be offered: near misses are.
#[test]
fn a_large_ring() {
    const N: u32 = 300;
    let arm = |act, label, then| Arm {
        act,
        label: Id::from_raw(label),
        sort: Id::from_raw(0),
        then: StateId::from_raw(then),
        span: Default::default(),
    };
    let state = |arm: Arm| State { arms: vec![arm], ..State::default() };
    let ring = (0..N).map(|at| {
        let send = |then| state(arm(Act::Send(RoleId::from_raw((at + 1) % N)), at, then));
        let receive = |then| state(arm(Act::Receive(RoleId::from_raw((at + N - 1) % N)), (at + N - 1) % N, then));
        let states = if at == 0 { [send(2), receive(1)] } else { [receive(2), send(1)] };
        let states: Vec<State> = [State::default()].into_iter().chain(states).collect();
        Local { role: RoleId::from_raw(at), initial: StateId::from_raw(1), states: states.into() }
    });
    let locals: IdVec<RoleId, Local> = ring.collect();
    let stats = check(&locals, &terms(&locals), &[], None, 1000, &"ring");
    assert!(stats.complete && stats.pairs == 600 && stats.admitted == 600, "{stats:?}");
    assert!(stats.offered > 600 * 5000 && stats.bad.is_empty());
}

/// Local protocols as texts: machines of what was read, against the terms that were written.
#[test]
fn local_texts_mean_their_terms() {
    let mut total = Stats::default();
    for seed in 0..rounds(500) {
        let mut rng = Rng::new(seed);
        let shape = WildShape { size: rng.between(4, 20), twins: 0, ..WildShape::any(&mut rng) };
        let mut terms = wild_terms(&mut rng, shape);
        let texts: Vec<String> = terms.iter().map(|(role, term)| local_text(term, role, shape.roles)).collect();
        let text = texts.concat();
        let loaded = Loaded::new("wild", text.as_str(), &mut NoImports);
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
        assert!(errors.is_empty(), "seed {seed}: {errors:?}\n{text}");
        let mut names = loaded.spec.names.clone();
        for term in terms.values_mut() {
            rename(term, &mut names);
        }
        let locals: Vec<Local> = terms
            .ids()
            .map(|role| {
                let name = format!("L{}", role.raw());
                let read = loaded.spec.locals.iter().find(|read| *read.header.name == *name).unwrap();
                // Its own role comes first there.
                let meant = |role| RoleId::new(read.header.role_name(role)[1..].parse().unwrap()).unwrap();
                assert_eq!(meant(read.role), role);
                let mut local = read.local.clone().unwrap();
                local.role = role;
                for arm in local.states.values_mut().flat_map(|state| &mut state.arms) {
                    arm.act = match arm.act {
                        Act::Send(to) => Act::Send(meant(to)),
                        Act::Receive(from) => Act::Receive(meant(from)),
                        Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => Act::Act,
                    };
                }
                local
            })
            .collect();
        total.absorb(&check(&locals.into(), &terms, &[], Some(2), 40, &format!("seed {seed}\n{text}")));
    }
    report("local texts", &total);
    assert!(total.pairs > 3000);
}

/// Labels and payloads by the ids that they have in a specification.
fn rename(term: &mut Term, names: &mut Names) {
    use polylogue::protocol::{Builtin, Field, Payload, Sort};
    let field = Field { name: None, optional: false, sort: Sort::Builtin(Builtin::Int) };
    let int = names.sort(Some(Payload { fields: [field].into(), open: false })).unwrap();
    for stmt in term.blocks.values_mut().flatten() {
        if let Stmt::Send { label, sort, .. } | Stmt::Receive { label, sort, .. } | Stmt::Act { label, sort, .. } = stmt
        {
            *label = names.label(&format!("l{}", label.raw())).unwrap();
            *sort = if sort.raw() == 0 { Names::empty() } else { int };
        }
    }
}

/// What the fuzz target runs, on bytes of all lengths.
#[test]
fn any_bytes() {
    for seed in 0..rounds(1500) {
        let mut rng = Rng::new(seed);
        let length = rng.below(300);
        let bytes: Vec<u8> = (0..length).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        polylogue::fuzz::lockstep(&bytes);
    }
    polylogue::fuzz::lockstep(&[]);
    polylogue::fuzz::lockstep(&[0; 10_000]);
    polylogue::fuzz::lockstep(&[255; 10_000]);
}

//! Runs of a global protocol are the runs of its projections: every word of it is one, and every run of the projected
//! system is explained by a word.

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

use std::collections::{BTreeMap, BTreeSet};

use polylogue::{
    event::Event,
    generate::{Global, GlobalShape, Rng},
    id::{Id, IdVec, LabelId, RoleId, SortId, VarId},
    load::Loaded,
    machine::{Cells, Configuration, Move, Semantics, System, minimize},
    protocol::{
        Chooser, EdgeKind, Graph, Local, Names, NoImports, Stmt, Term,
        project::{Discipline, project_all},
    },
    reference::{self, Fired, Rule},
};

/// How many random protocols; more with `POLYLOGUE_LONG` set.
fn rounds(quick: u64) -> u64 {
    if std::env::var_os("POLYLOGUE_LONG").is_some() { quick * 50 } else { quick }
}

const FREE: Semantics = Semantics { bound: None };

fn take(system: &System, conf: &Configuration, event: Event) -> Option<Configuration> {
    let step = system.admits(FREE, conf, event)?;
    let mut then = conf.clone();
    system.step(&mut then, step);
    Some(then)
}

fn enabled(system: &System, conf: &Configuration) -> Vec<Event> {
    let mut moves: Vec<Move> = Vec::new();
    system.enabled(FREE, conf, &mut moves, |_, _| {});
    moves.into_iter().map(|step| system.event(step)).collect()
}

/// Each word of the protocol is a run of the system, as sends each with its receive behind it, and where the protocol
/// may be over the system is final. The number of configurations that were compared.
fn words(term: &Term, system: &System, limit: usize, what: &dyn std::fmt::Display) -> (usize, Fired) {
    let global = reference::Global::new(term);
    let mut seen = BTreeSet::new();
    let mut open = vec![(global.initial(), Configuration::initial(system), Vec::new())];
    while let Some((rest, conf, word)) = open.pop() {
        let states: Vec<u32> = system.machines().ids().map(|role| conf.state(role).raw()).collect();
        if seen.len() >= limit || !seen.insert((rest.clone(), states)) {
            continue;
        }
        if global.is_final(&rest) {
            assert!(system.is_final(&conf), "{what}: not over after {word:?}");
        }
        for (letter, then) in global.steps(&rest) {
            let mut word = word.clone();
            word.push(letter);
            let after = match letter {
                Event::Sync { from, to, label, sort } => take(system, &conf, Event::Send { from, to, label, sort })
                    .and_then(|conf| take(system, &conf, Event::Receive { from, to, label, sort })),
                other => take(system, &conf, other),
            };
            let Some(after) = after else { panic!("{what}: the last of {word:?} is refused") };
            open.push((then, after, word));
        }
    }
    (seen.len(), global.fired().clone())
}

/// Everything that anybody might do, but for receives.
fn acts(term: &Term) -> BTreeSet<Event> {
    let mut events = BTreeSet::new();
    for stmt in term.blocks.values().flatten() {
        match *stmt {
            Stmt::Message { from, ref to, label, sort, .. } => {
                events.extend(to.iter().map(|&to| Event::Send { from, to, label, sort }));
            }
            Stmt::Act { role, label, sort, .. } => {
                events.insert(Event::Act { role, label, sort });
            }
            _ => {}
        }
    }
    events
}

/// A random run of the system: at each point, what is enabled is what a word explains.
fn runs(rng: &mut Rng, term: &Term, system: &System, length: usize, what: &dyn std::fmt::Display) -> usize {
    let global = reference::Global::new(term);
    let acts = acts(term);
    let mut conf = Configuration::initial(system);
    let mut run = Vec::new();
    let mut compared = 0;
    while run.len() < length {
        let enabled = enabled(system, &conf);
        let heads = system.edges().ids().filter_map(|edge| conf.head(edge)).map(|head| system.receive_event(head));
        for event in acts.iter().copied().chain(heads) {
            run.push(event);
            let explained = global.explain(&run);
            let admitted = enabled.contains(&event);
            assert_eq!(explained.is_some(), admitted, "{what}: the last of {run:?}: explained by {explained:?}");
            run.pop();
            compared += 1;
        }
        let Some(&event) = rng.pick(&enabled) else { break };
        conf = take(system, &conf, event).unwrap();
        run.push(event);
    }
    compared
}

fn system(locals: &IdVec<RoleId, Local>) -> System {
    System::of(locals, |_, _| EdgeKind::Fifo).unwrap()
}

#[test]
fn random_protocols() {
    let (mut projected, mut merged, mut words_seen, mut compared) = (0, 0, 0, 0);
    let fired = Fired::default();
    let total = rounds(3000);
    for seed in 0..total {
        let mut rng = Rng::new(seed);
        let shape = GlobalShape { channels: false, ..GlobalShape::any(&mut rng) };
        let drawn = Global::any(&mut rng, shape);
        let term = drawn.term();
        let graph = Graph::of(&term).unwrap();
        let Ok(locals) = project_all(&graph, drawn.roles(), Discipline::Full) else { continue };
        projected += 1;
        merged += usize::from(project_all(&graph, drawn.roles(), Discipline::Plain).is_err());
        let what = format!("seed {seed}\n{}", drawn.text());
        let system = system(&locals);
        let (seen, rules) = words(&term, &system, 400, &what);
        words_seen += seen;
        fired.absorb(&rules);
        compared += runs(&mut rng, &term, &system, 24, &what);
        // The same of the minimized machines.
        let least: IdVec<RoleId, Local> = locals.values().map(|local| minimize(local).unwrap()).collect();
        words(&term, &self::system(&least), 400, &what);
    }
    println!("{total} protocols, {projected} project, {merged} of them need a real merge");
    println!("{words_seen} configurations of words, {compared} events of runs compared");
    for rule in Rule::ALL {
        println!("  [{}] {}", rule.name(), fired.count(rule));
    }
    assert!(projected > 500 && merged > 100 && compared > 50_000);
    for rule in [
        Rule::Choice,
        Rule::Rec,
        Rule::Continue,
        Rule::Call,
        Rule::End,
        Rule::GlobalMessage,
        Rule::GlobalMulticast,
        Rule::GlobalAct,
    ] {
        assert!(fired.count(rule) > 0, "[{}] is never used", rule.name());
    }
}

fn message(from: u32, to: u32, label: u32) -> Stmt {
    Stmt::Message {
        from: RoleId::from_raw(from),
        to: [RoleId::from_raw(to)].into(),
        label: LabelId::from_raw(label),
        sort: SortId::from_raw(1),
        span: Default::default(),
    }
}

/// `rec X. A->B:a. rec Y. A->B:{c. X, b. Y}`: after a and c the next is a.
#[test]
fn an_inner_loop_continues_the_outer_one() {
    let (x, y) = (VarId::from_raw(0), VarId::from_raw(1));
    let span = Default::default();
    for names in [(x, y), (y, x)] {
        let mut term = Term::default();
        let outer = term.blocks.push(vec![message(0, 1, 2), Stmt::Continue { var: names.0, span }]).unwrap();
        let inner = term.blocks.push(vec![message(0, 1, 1), Stmt::Continue { var: names.1, span }]).unwrap();
        let at = Chooser::Role(RoleId::from_raw(0));
        let choice = Stmt::Choice { at, arms: [outer, inner].into(), span };
        let body = term.blocks.push(vec![choice]).unwrap();
        let rec = Stmt::Rec { var: names.1, body, span };
        let body = term.blocks.push(vec![message(0, 1, 0), rec]).unwrap();
        let main = term.blocks.push(vec![Stmt::Rec { var: names.0, body, span }]).unwrap();
        term.start = term.bodies.push(main).unwrap();

        let locals = project_all(&Graph::of(&term).unwrap(), 2, Discipline::Full).unwrap();
        let system = system(&locals);
        assert_eq!(words(&term, &system, 100, &"nested").0, 2);
        let (from, to, sort) = (RoleId::from_raw(0), RoleId::from_raw(1), SortId::from_raw(1));
        let send = |label| Event::Send { from, to, label: LabelId::from_raw(label), sort };
        let mut conf = Configuration::initial(&system);
        for label in [0, 2, 0, 1, 1, 2] {
            conf = take(&system, &conf, send(label)).unwrap();
        }
        assert_eq!(enabled(&system, &conf).into_iter().filter(|e| matches!(e, Event::Send { .. })).count(), 1);
        assert!(take(&system, &conf, send(0)).is_some());
    }
}

/// The same name for both loops: the inner one is meant.
#[test]
fn a_shadowed_name_means_the_inner_loop() {
    let var = VarId::from_raw(0);
    let span = Default::default();
    let mut term = Term::default();
    let again = term.blocks.push(vec![message(0, 1, 1), Stmt::Continue { var, span }]).unwrap();
    let leave = term.blocks.push(vec![message(0, 1, 2)]).unwrap();
    let choice = Stmt::Choice { at: Chooser::Role(RoleId::from_raw(0)), arms: [again, leave].into(), span };
    let body = term.blocks.push(vec![choice]).unwrap();
    // rec X { A->B:0; rec X { choice { A->B:1; X } or { A->B:2 } } A->B:3; X }
    let rec = Stmt::Rec { var, body, span };
    let body = term.blocks.push(vec![message(0, 1, 0), rec, message(0, 1, 3), Stmt::Continue { var, span }]).unwrap();
    let main = term.blocks.push(vec![Stmt::Rec { var, body, span }]).unwrap();
    term.start = term.bodies.push(main).unwrap();
    let locals = project_all(&Graph::of(&term).unwrap(), 2, Discipline::Full).unwrap();
    assert_eq!(words(&term, &system(&locals), 100, &"shadowed").0, 3);
    let global = reference::Global::new(&term);
    let event = |label: u32| Event::Send {
        from: RoleId::from_raw(0),
        to: RoleId::from_raw(1),
        label: LabelId::from_raw(label),
        sort: SortId::from_raw(1),
    };
    let word = |labels: &[u32]| labels.iter().map(|&label| event(label)).collect::<Vec<_>>();
    assert!(global.explain(&word(&[0, 1, 1, 2, 3, 0, 2, 3])).is_some());
    assert!(global.explain(&word(&[0, 1, 0])).is_none());
    assert!(global.explain(&word(&[0, 2, 2])).is_none());
}

/// The protocols of the corpus.
#[test]
fn the_corpus() {
    let Some(text) = shared::text("corpus/globals.jsonl") else { return };
    let (mut rows, mut projected, mut compared) = (0, 0, 0);
    for (seed, line) in (0u64..).zip(text.lines()) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        if row["kernel"] != true {
            continue;
        }
        rows += 1;
        let id = row["id"].as_str().unwrap();
        let spec = Loaded::new(id, row["mpst"].as_str().unwrap(), &mut NoImports).spec;
        for protocol in &spec.protocols {
            let header = &protocol.header;
            if header.broken || header.generic || header.roles.len() > 12 {
                continue;
            }
            let graph = Graph::of(&protocol.term).unwrap();
            let Ok(locals) = project_all(&graph, header.roles.len(), Discipline::Full) else { continue };
            projected += 1;
            let system = system(&locals);
            words(&protocol.term, &system, 400, &id);
            compared += runs(&mut Rng::new(seed), &protocol.term, &system, 16, &id);
        }
    }
    println!("{rows} rows, {projected} protocols project, {compared} events of runs compared");
    assert!(projected > 100);
}

/// What a step says, by names.
fn said(names: &Names, event: Event) -> (u32, u32, String) {
    match event {
        Event::Sync { from, to, label, sort } => (from.raw(), to.raw(), names.message(label, sort)),
        Event::Act { role, label, sort } => (role.raw(), role.raw(), names.message(label, sort)),
        other => panic!("{other:?}"),
    }
}

/// The text of a random protocol, parsed and lowered, has the words of its term.
#[test]
fn texts_mean_their_terms() {
    let mut compared = 0;
    for seed in 0..rounds(600) {
        let mut rng = Rng::new(seed);
        let shape = GlobalShape::any(&mut rng);
        let drawn = Global::any(&mut rng, shape);
        let text = drawn.text();
        let loaded = Loaded::new("random", text.as_str(), &mut NoImports);
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
        assert!(errors.is_empty(), "seed {seed}: {errors:?}\n{text}");
        let read = &loaded.spec.protocols[0];
        assert_eq!(read.header.channels.len(), drawn.channels().len());
        for &(from, to, kind) in drawn.channels() {
            assert_eq!(read.header.edge_kind(from, to), kind);
        }
        let term = drawn.term();
        let (one, two) = (reference::Global::new(&term), reference::Global::new(&read.term));
        let mut names = Names::new();
        let payloads = [None, Some("()"), Some("(int)")];
        for label in 0..20 {
            names.label(&format!("l{label}")).unwrap();
        }
        let said_by_term = |event| {
            let (label, sort) = match event {
                Event::Sync { label, sort, .. } | Event::Act { label, sort, .. } => (label, sort),
                other => panic!("{other:?}"),
            };
            let (from, to, _) = said(&names, event);
            (from, to, format!("{}{}", names.label_text(label), payloads[sort.index()].unwrap_or("")))
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![(BTreeSet::from([one.initial()]), BTreeSet::from([two.initial()]))];
        while let Some((a, b)) = open.pop() {
            if seen.len() > 60 || !seen.insert((a.clone(), b.clone())) {
                continue;
            }
            assert_eq!(
                a.iter().any(|rest| one.is_final(rest)),
                b.iter().any(|rest| two.is_final(rest)),
                "seed {seed}\n{text}"
            );
            let mut by_term: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for (event, then) in a.iter().flat_map(|rest| one.steps(rest)) {
                by_term.entry(said_by_term(event)).or_default().insert(then);
            }
            let mut by_text: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for (event, then) in b.iter().flat_map(|rest| two.steps(rest)) {
                by_text.entry(said(&loaded.spec.names, event)).or_default().insert(then);
            }
            compared += 1;
            assert!(by_term.keys().eq(by_text.keys()), "seed {seed}: {by_term:?} {by_text:?}\n{text}");
            open.extend(by_term.into_values().zip(by_text.into_values()));
        }
    }
    println!("{compared} points of words compared");
    assert!(compared > 5000);
}

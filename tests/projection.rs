//! Projection: the rules case by case, against its naive twin, over the corpus, and mended where it fails.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "tests"
)]
#![allow(missing_docs, unreachable_pub, reason = "tests")]

#[path = "projection/build.rs"]
mod build;
#[path = "projection/naive.rs"]
mod naive;
#[path = "common/shared.rs"]
mod shared;
#[path = "projection/text.rs"]
mod text;

use build::{Wild, choice_tree, graph, header, names, ring, role};
use naive::{Naive, Refused, unfold};
use polylogue::{
    id::{LabelId, NodeId, RoleId, SortId},
    protocol::{
        Act, Graph, Node, Step, Term,
        project::{Discipline, Does, Kind, Limit, Mismatch, ProjectionError, Side, canonical, project, project_all},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Both ways to project a role give the same answer, to a depth of events.
fn agree(graph: &Graph, role: RoleId, discipline: Discipline, seed: u64) -> (bool, usize) {
    const DEPTH: usize = 7;
    let mut naive = Naive { graph, role, discipline, merges: 0, fuel: 200_000 };
    let slow = if naive::well_formed(graph, role) { naive.tree(graph.start, DEPTH) } else { Err(Refused) };
    let fast = project(graph, role, discipline);
    if naive.fuel == 0 {
        return (fast.is_ok(), 0);
    }
    match (&fast, slow) {
        (Ok(local), Ok(tree)) => {
            let ours = unfold(local, local.initial, DEPTH);
            // Where the naive tree is cut off inside a merge, it is less deep.
            assert!(prefix(&tree, &ours), "seed {seed}, {role:?}, {discipline:?}:\n{graph:?}\n{tree:?}\n{ours:?}");
        }
        (Err(_), Err(Refused)) => {}
        (Err(error), Ok(_)) => {
            // A misfit beyond the depth.
            let Kind::Clash(clash) = &error.kind else { panic!("seed {seed}: {error:?}") };
            let events = clash.first.run.iter().filter(|&&node| takes_part(graph, role, node)).count();
            assert!(events >= DEPTH, "seed {seed}, {role:?}, {discipline:?}: {error:?}\n{graph:?}");
        }
        (Ok(_), Err(Refused)) => panic!("seed {seed}, {role:?}, {discipline:?}: refused by the rules\n{graph:?}"),
    }
    (fast.is_ok(), naive.merges)
}

fn takes_part(graph: &Graph, role: RoleId, node: NodeId) -> bool {
    match graph.nodes[node] {
        Node::Step { step: Step::Message { from, to }, .. } => from == role || to == role,
        Node::Step { step: Step::Act(actor), .. } => actor == role,
        _ => false,
    }
}

fn prefix(tree: &naive::Tree, ours: &naive::Tree) -> bool {
    use naive::Tree;
    match (tree, ours) {
        (Tree::Cut, _) => true,
        (Tree::End, Tree::End) => true,
        (Tree::Own(one), Tree::Own(other)) => {
            one.keys().eq(other.keys()) && one.values().zip(other.values()).all(|(one, other)| prefix(one, other))
        }
        (Tree::Branch(one_peer, one), Tree::Branch(other_peer, other)) => {
            one_peer == other_peer
                && one.keys().eq(other.keys())
                && one.values().zip(other.values()).all(|(one, other)| one.0 == other.0 && prefix(&one.1, &other.1))
        }
        _ => false,
    }
}

#[test]
fn agrees_with_the_rules_on_random_protocols() {
    let seeds = std::env::var("POLYLOGUE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000u64);
    let (mut plain, mut full, mut refused, mut merges) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let mut wild = Wild::new(seed);
        let (_, graph) = wild.term();
        for r in 0..wild.roles {
            let (in_full, merged) = agree(&graph, role(r), Discipline::Full, seed);
            let (in_plain, _) = agree(&graph, role(r), Discipline::Plain, seed);
            assert!(in_full || !in_plain, "seed {seed}: plain accepts more than full");
            plain += usize::from(in_plain);
            full += usize::from(in_full);
            refused += usize::from(!in_full);
            merges += merged;
        }
    }
    println!(
        "{seeds} protocols: {plain} roles by plain merge, {full} by full merge, {refused} refused, {merges} real merges"
    );
    assert!(refused > 100 && full > plain && plain > 100 && merges > 100, "the generator does not reach the rules");
}

#[test]
fn large_protocols_in_time() {
    let ring = graph(&ring(2_000));
    let start = std::time::Instant::now();
    let locals = project_all(&ring, 2_000, Discipline::Full).unwrap();
    println!("ring of 2,000 roles: {:?}", start.elapsed());
    assert!(locals.values().all(|local| local.states.len() == 3));
    let tree = graph(&choice_tree(14));
    let start = std::time::Instant::now();
    let locals = project_all(&tree, 3, Discipline::Full).unwrap();
    println!("choice tree of depth 14: {:?}", start.elapsed());
    for local in locals.values() {
        println!("  {} states", local.states.len());
    }
}

/// Mends a term again and again; the number of messages it took, or `None` where arms begin alike and only their author
/// can say what is meant.
fn mend_all(wild: &Wild, mut term: Term, seed: u64) -> Option<usize> {
    let header = header(wild.roles);
    let mut names = names(8);
    let mut messages = 0;
    for _ in 0..200 {
        let graph = graph(&term);
        let Err(errors) = project_all(&graph, wild.roles, Discipline::Full) else { return Some(messages) };
        let mut mended = false;
        for error in &errors {
            // The text must not be empty, whatever the error is.
            assert!(!error.diagnostic(&graph, &header, &names).text.is_empty());
            let Kind::Clash(clash) = &error.kind else {
                assert!(matches!(error.kind, Kind::Alike { .. }), "seed {seed}: {error:?}");
                continue;
            };
            assert_ne!(clash.first.run, clash.second.run, "seed {seed}: {error:?}");
            assert_eq!(seen(&graph, error.role, &clash.first), seen(&graph, error.role, &clash.second), "seed {seed}");
            let Some(mend) = &clash.mend else {
                let alike = [&clash.first, &clash.second].map(|side| match graph.nodes[side.arm.unwrap()] {
                    Node::Step { step, label, sort, .. } => (step, label, sort),
                    _ => panic!("an arm begins with a step"),
                });
                let [first, second] = alike;
                assert!(first == second || matches!(clash.why, Mismatch::Payload(_)), "seed {seed}: {error:?}");
                continue;
            };
            build::apply(mend, &mut term, &graph, &header, &mut names);
            messages += mend.after.len();
            mended = true;
            break;
        }
        if !mended {
            return None;
        }
    }
    panic!("seed {seed}: mending does not end");
}

/// What a role has seen of a run, which must be a run of the graph.
fn seen(graph: &Graph, role: RoleId, side: &Side) -> Vec<(Act, LabelId)> {
    let mut seen = Vec::new();
    let mut reached = BTreeSet::from([graph.start]);
    for &node in &side.run {
        assert!(behind(graph, &reached).contains(&node), "not a run of the protocol");
        let Node::Step { step, label, then, .. } = graph.nodes[node] else { panic!("a run has steps alone") };
        reached = BTreeSet::from([then]);
        match step {
            Step::Message { from, to } if from == role => seen.push((Act::Send(to), label)),
            Step::Message { from, to } if to == role => seen.push((Act::Receive(from), label)),
            Step::Act(actor) if actor == role => seen.push((Act::Act, label)),
            _ => {}
        }
    }
    let idles = matches!(side.does, Does::Idles);
    let at = behind(graph, &reached);
    let inside = |node: &NodeId| at.iter().any(|&fork| at_fork(graph, fork, *node));
    assert!(idles || at.contains(&side.node) || inside(&side.node), "the run does not lead there");
    seen
}

fn at_fork(graph: &Graph, fork: NodeId, node: NodeId) -> bool {
    matches!(&graph.nodes[fork], Node::Fork { arms, .. } if arms.contains(&node))
}

/// Some nodes with what is behind them without a step.
fn behind(graph: &Graph, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut all = BTreeSet::new();
    let mut stack: Vec<NodeId> = nodes.iter().copied().collect();
    while let Some(node) = stack.pop() {
        if all.insert(node)
            && let Node::Fork { arms, .. } = &graph.nodes[node]
        {
            stack.extend(arms.iter());
        }
    }
    all
}

#[test]
fn mends_random_protocols() {
    let seeds = std::env::var("POLYLOGUE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000u64);
    let (mut fine, mut mended, mut messages, mut left) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let mut wild = Wild::new(seed);
        let (term, graph) = wild.term();
        if (0..wild.roles).any(|r| !naive::well_formed(&graph, role(r))) {
            continue;
        }
        match mend_all(&wild, term, seed) {
            Some(0) => fine += 1,
            Some(n) => {
                mended += 1;
                messages += n;
            }
            None => left += 1,
        }
    }
    println!("{fine} project, {mended} do with {messages} more messages, {left} are the author's to mend");
    assert!(mended > 300 && fine > 300);
}

/// The words of a role in a graph, to a length, with whether the protocol may have ended behind each.
fn words(graph: &Graph, role: RoleId, length: usize) -> BTreeMap<Vec<(Act, LabelId, SortId)>, bool> {
    let mut all = BTreeMap::new();
    let mut met = BTreeSet::new();
    let mut stack = vec![(graph.start, Vec::new())];
    while let Some((node, word)) = stack.pop() {
        if !met.insert((node, word.clone())) {
            continue;
        }
        let ended = all.entry(word.clone()).or_insert(false);
        match &graph.nodes[node] {
            Node::End => *ended = true,
            Node::Set { .. } => panic!("no assignments are generated"),
            Node::Fork { arms, .. } => stack.extend(arms.iter().map(|&arm| (arm, word.clone()))),
            &Node::Step { step, label, sort, then } => {
                let act = match step {
                    Step::Message { from, to } if from == role => Some(Act::Send(to)),
                    Step::Message { from, to } if to == role => Some(Act::Receive(from)),
                    Step::Act(actor) if actor == role => Some(Act::Act),
                    _ => None,
                };
                let mut word = word;
                if let Some(act) = act {
                    if word.len() == length {
                        continue;
                    }
                    word.push((act, label, sort));
                }
                stack.push((then, word));
            }
        }
    }
    all
}

#[test]
fn the_subset_construction_has_the_words_of_the_protocol() {
    const LENGTH: usize = 5;
    let mut mixed = 0;
    for seed in 0..2_000 {
        let mut wild = Wild::new(seed);
        let (_, graph) = wild.term();
        for r in 0..wild.roles {
            let role = role(r);
            let local = canonical(&graph, role).unwrap();
            let mut ours = BTreeMap::new();
            let mut stack = vec![(local.initial, Vec::new())];
            while let Some((state, word)) = stack.pop() {
                let state = &local.states[state];
                assert!(state.may_stop || !state.arms.is_empty());
                for arm in &state.arms {
                    let mut word: Vec<_> = word.clone();
                    word.push((arm.act, arm.label, arm.sort));
                    if word.len() <= LENGTH {
                        stack.push((arm.then, word));
                    }
                }
                mixed += usize::from(state.may_stop && !state.arms.is_empty());
                let twice = ours.insert(word, (state.may_stop, state.arms.is_empty()));
                assert_eq!(twice, None, "seed {seed}: not deterministic");
            }
            let theirs = words(&graph, role, LENGTH);
            assert!(ours.keys().eq(theirs.keys()), "seed {seed}, {role:?}");
            for (word, (may_stop, is_end)) in ours {
                // A role at the end may stop also where the others go on for ever.
                assert!(may_stop == theirs[&word] || (is_end && may_stop), "seed {seed}, {role:?}, {word:?}");
            }
            if let Ok(projected) = project(&graph, role, Discipline::Full) {
                let tree = unfold(&projected, projected.initial, 6);
                assert_eq!(tree, unfold(&local, local.initial, 6), "seed {seed}, {role:?}");
            }
        }
    }
    assert!(mixed > 100);
}

/// Every case of `projection/cases.txt`: under full merge, where plain merge differs also under that, and mended where
/// that is offered. `POLYLOGUE_BLESS=1` writes the answers down.
#[test]
fn cases() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/projection/cases.txt");
    let file = std::fs::read_to_string(path).unwrap();
    let mut answers = String::new();
    let mut codes = BTreeSet::new();
    let mut others = Vec::new();
    for case in file.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let protocol = rest.split("\n--- ").next().unwrap().trim_end();
        answers += &format!("=== {name}\n{protocol}\n");
        let read = text::read(protocol);
        assert_eq!(read.errors(), Vec::<String>::new(), "{name}");
        let it = read.protocol(None).unwrap();
        let full = text::report(&read, it, Discipline::Full);
        let plain = text::report(&read, it, Discipline::Plain);
        answers += &format!("--- full\n{full}");
        if plain != full && !full.starts_with("PL") {
            answers += &format!("--- plain\n{plain}");
        }
        if full.starts_with("PL") {
            match text::mend(protocol, None) {
                Ok((mended, _)) => answers += &format!("--- mended\n{mended}\n"),
                Err(left) => assert_eq!(left, full, "{name}: mended in part"),
            }
        }
        answers.push('\n');
        let plain = if full.starts_with("PL") { "" } else { &plain };
        for line in full.lines().chain(plain.lines()).filter(|line| line.starts_with("PL")) {
            codes.insert(line.split_once(' ').unwrap().0.to_owned());
            let expected = name.split_once(':').map_or("PL0406", |(code, _)| code);
            if !line.starts_with(expected) && !line.starts_with("PL0406") {
                others.push(format!("{name}: {line}"));
            }
        }
    }
    if std::env::var_os("POLYLOGUE_BLESS").is_some() {
        std::fs::write(path, answers).unwrap();
    } else {
        assert_eq!(file, answers, "with POLYLOGUE_BLESS=1 the new answers are written down");
    }
    assert_eq!(others, Vec::<String>::new(), "the code is not that of the case");
    assert_eq!(codes.len(), 6, "{codes:?}");
}

/// Which of the last `n` messages were `a`: a deterministic automaton must remember all of them.
fn remembers(n: usize) -> String {
    let two = |then: &str| {
        format!("choice at A {{ A -> B: a(); B -> C: a(); {then} }} or {{ A -> B: b(); B -> C: b(); {then} }}\n")
    };
    let rest = two("").repeat(n);
    let guess = two("continue X;").trim_end().to_owned();
    let forever = two("continue Y;");
    format!(
        "protocol P(role A, role B, role C) {{\nrec X {{ {guess} or {{ A -> B: now(); B -> C: a(); }} }}\n{rest}rec Y {{ {forever} }} }}"
    )
}

#[test]
fn a_local_type_that_grows_exponentially_is_given_up() {
    let read = text::read(&remembers(9));
    assert_eq!(read.errors(), Vec::<String>::new());
    let it = read.protocol(None).unwrap();
    let graph = graph(&it.term);
    let locals = project_all(&graph, 3, Discipline::Full).unwrap();
    assert!(locals[role(2)].states.len() > 1 << 9);

    let read = text::read(&remembers(40));
    let it = read.protocol(None).unwrap();
    let told = text::report(&read, it, Discipline::Full);
    assert!(told.starts_with("PL0407 the local type of `C` is too large: more than "), "{told}");
    assert!(matches!(
        canonical(&build::graph(&it.term), role(2)),
        Err(ProjectionError { kind: Kind::TooLarge(Limit::States(_)), .. })
    ));
}

/// A row of the corpus.
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    protocol: String,
    kernel: bool,
    mpst: String,
    reference: Reference,
}

#[derive(serde::Deserialize)]
struct Reference {
    implementable: Option<bool>,
    optional_termination_roles: Option<Vec<String>>,
}

/// Rows that merge accepts and the reference does not, each with the reason.
const EXPLAINED: &[(&str, &str)] = &[];

/// Over the published protocols: plain ⊆ full ⊆ implementable, and every mend mends.
#[test]
fn corpus() {
    let Some(file) = shared::text("corpus/globals.jsonl") else { return };
    let verbose = std::env::var_os("POLYLOGUE_VERBOSE").is_some();
    let (mut plain, mut full, mut implementable, mut refused, mut mended, mut unmended, mut unread) =
        (0, 0, 0, 0, 0, 0, 0);
    let mut outside = 0;
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in file.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let read = text::read(&row.mpst);
        let Some(it) = read.protocol(Some(&row.protocol)) else {
            assert!(!row.kernel, "{}: {:?}", row.id, read.errors());
            unread += 1;
            continue;
        };
        if it.header.broken || it.header.generic {
            if verbose && row.kernel {
                println!("{}: not read: {:?}", row.id, read.errors());
            }
            unread += 1;
            continue;
        }
        let (graph, errors) = text::errors_of(it, Discipline::Full);
        let is_plain = text::errors_of(it, Discipline::Plain).1.is_empty();
        let is_full = errors.is_empty();
        assert!(is_full || !is_plain, "{}: plain accepts more than full", row.id);
        plain += usize::from(is_plain);
        full += usize::from(is_full);
        match row.reference.implementable {
            Some(true) => implementable += 1,
            Some(false) => {
                refused += 1;
                let explained = EXPLAINED.iter().any(|(id, _)| *id == row.id);
                assert!(!is_full || explained, "{}: projects, but is not implementable\n{}", row.id, row.mpst);
            }
            None => outside += 1,
        }
        for error in &errors {
            let told = text::tell(&error.diagnostic(&graph, &it.header, &read.spec.names), &read.sources);
            let code = told.split_once(' ').unwrap().0.to_owned();
            let ends = row.reference.optional_termination_roles.iter().flatten().count();
            if row.reference.implementable == Some(true) && ends == 0 {
                reasons.entry(code).or_default().push(row.id.clone());
                if verbose {
                    println!("{}: implementable, refused by full merge: {told}{}", row.id, row.mpst);
                }
            }
        }
        if !is_full {
            // What is called stands elsewhere, under other names; there the mend is the author's to place.
            let calls = row.mpst.contains("do ") || row.mpst.contains("import");
            if !calls && errors.iter().all(|error| matches!(error.kind, Kind::Clash(_))) {
                match text::mend(&row.mpst, Some(&row.protocol)) {
                    Ok(_) => mended += 1,
                    Err(left) => {
                        unmended += 1;
                        println!("{}: not mended: {left}", row.id);
                    }
                }
            }
        }
    }
    println!("{implementable} implementable, {refused} not, {outside} outside the class, {unread} not read");
    println!("{plain} project by plain merge, {full} by full merge; {mended} others mended, {unmended} not");
    for (code, rows) in &reasons {
        println!("implementable, not projectable, {code}: {rows:?}");
    }
    assert!(full > 300 && mended > 20, "{full} {mended}");
}

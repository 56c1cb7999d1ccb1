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

use build::{Wild, choice_tree, graph, header, names, ring, role};
use naive::{Naive, Refused, unfold};
use polylogue::{
    id::{LabelId, NodeId, RoleId, SortId},
    protocol::{
        Act, Graph, Node, Step, Term,
        project::{Discipline, Does, Kind, Mismatch, Side, canonical, project, project_all},
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

/// Mends a term again and again; the number of messages it took, or `None` where a payload clash has to be settled by
/// its author.
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
            let Kind::Clash(clash) = &error.kind else { panic!("seed {seed}: {error:?}") };
            assert_ne!(clash.first.run, clash.second.run, "seed {seed}: {error:?}");
            assert_eq!(seen(&graph, error.role, &clash.first), seen(&graph, error.role, &clash.second), "seed {seed}");
            let Some(mend) = &clash.mend else {
                assert!(matches!(clash.why, Mismatch::Payload(_)), "seed {seed}: {error:?}");
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
    let (mut fine, mut mended, mut messages, mut payload) = (0, 0, 0, 0);
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
            None => payload += 1,
        }
    }
    println!("{fine} project, {mended} do with {messages} more messages, {payload} have clashing payloads");
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

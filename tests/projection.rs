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

use build::{Wild, choice_tree, graph, ring, role};
use naive::{Naive, Refused, unfold};
use polylogue::protocol::{
    Graph,
    project::{Discipline, project, project_all},
};

/// Both ways to project a role give the same answer, to a depth of events.
fn agree(graph: &Graph, role: polylogue::id::RoleId, discipline: Discipline, seed: u64) -> (bool, usize) {
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
            let polylogue::protocol::project::Kind::Clash(clash) = &error.kind else {
                panic!("seed {seed}: {error:?}")
            };
            let events = clash.first.run.iter().filter(|&&node| takes_part(graph, role, node)).count();
            assert!(events >= DEPTH, "seed {seed}, {role:?}, {discipline:?}: {error:?}\n{graph:?}");
        }
        (Ok(_), Err(Refused)) => panic!("seed {seed}, {role:?}, {discipline:?}: refused by the rules\n{graph:?}"),
    }
    (fast.is_ok(), naive.merges)
}

fn takes_part(graph: &Graph, role: polylogue::id::RoleId, node: polylogue::id::NodeId) -> bool {
    use polylogue::protocol::{Node, Step};
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

//! Endless runs on which something that is pending is never matched.
//!
//! In a finite graph of configurations: is there, for some queue, a cycle of nodes in which it is not empty and of edges
//! that do not pop it? If contents are exact, such a cycle is a run. If they are an over-approximation it need not be one;
//! but a cycle that pops some queue and never pushes it cannot be gone round for ever, so such edges do not count.

use super::{
    contents::Words,
    explore::{Edge, Explored},
};

/// A cycle that starves a queue: the nodes it begins in, and its edges' numbers.
pub(super) struct Cycle {
    pub(super) start: u32,
    pub(super) edges: Vec<u32>,
    pub(super) queue: u32,
}

/// The components of a graph with more than one node, or with an edge from their one node to itself.
///
/// `edges` calls back with the numbers and targets of a node's edges. Iterative (Tarjan, 1972).
pub(super) fn components(nodes: &[u32], len: usize, mut edges: impl FnMut(u32, &mut Vec<u32>)) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let mut index = vec![NEW; len];
    let mut low = vec![0u32; len];
    let mut on_stack = vec![false; len];
    let mut inside = vec![false; len];
    for &node in nodes {
        if let Some(inside) = inside.get_mut(node as usize) {
            *inside = true;
        }
    }
    let mut counter = 0u32;
    let mut stack: Vec<u32> = Vec::new();
    let mut found = Vec::new();
    let mut targets: Vec<u32> = Vec::new();
    // A node, and its targets that are still to be visited: `targets[from..]` of the innermost.
    let mut calls: Vec<(u32, usize)> = Vec::new();
    let get = |all: &[u32], node: u32| all.get(node as usize).copied().unwrap_or(0);
    for &root in nodes {
        if get(&index, root) != NEW {
            continue;
        }
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                set(&mut index, node, counter);
                set(&mut low, node, counter);
                counter = counter.saturating_add(1);
                stack.push(node);
                set(&mut on_stack, node, true);
                calls.push((node, targets.len()));
                edges(node, &mut targets);
            }
            let Some(&(node, from)) = calls.last() else { break };
            if targets.len() > from {
                let Some(to) = targets.pop() else { break };
                if !inside.get(to as usize).copied().unwrap_or(false) {
                    continue;
                }
                if get(&index, to) == NEW {
                    enter = Some(to);
                } else if on_stack.get(to as usize).copied().unwrap_or(false) {
                    let least = get(&low, node).min(get(&index, to));
                    set(&mut low, node, least);
                }
                continue;
            }
            calls.pop();
            if let Some(&(above, _)) = calls.last() {
                let least = get(&low, above).min(get(&low, node));
                set(&mut low, above, least);
            }
            if get(&low, node) == get(&index, node) {
                let mut part = Vec::new();
                while let Some(top) = stack.pop() {
                    set(&mut on_stack, top, false);
                    part.push(top);
                    if top == node {
                        break;
                    }
                }
                let mut own = Vec::new();
                if part.len() == 1 {
                    edges(node, &mut own);
                }
                if part.len() > 1 || own.contains(&node) {
                    part.sort_unstable();
                    found.push(part);
                }
            }
        }
    }
    found
}

fn set<T>(all: &mut [T], at: u32, value: T) {
    if let Some(place) = all.get_mut(at as usize) {
        *place = value;
    }
}

/// A cycle that starves a queue, if there is one; of several one that begins early.
pub(super) fn starving<D: Words>(explored: &Explored<D>) -> Option<Cycle> {
    let len = explored.nodes.len();
    let all: Vec<u32> = (0u32..).zip(&explored.nodes).map(|(at, _)| at).collect();
    let every = |node: u32, out: &mut Vec<u32>| out.extend(explored.edges(node).iter().map(|edge| edge.to));
    let mut best: Option<Cycle> = None;
    for part in components(&all, len, every) {
        let mut queues: Vec<u32> =
            part.iter().flat_map(|&node| explored.queues(node)).map(|&(queue, _)| queue).collect();
        queues.sort_unstable();
        queues.dedup();
        for queue in queues {
            let nodes: Vec<u32> = part.iter().copied().filter(|&node| explored.queue(node, queue).is_some()).collect();
            if let Some(cycle) = cycle(explored, nodes, queue)
                && best.as_ref().is_none_or(|best| cycle.start < best.start)
            {
                best = Some(cycle);
            }
        }
    }
    best
}

/// A cycle among these nodes, in all of which the queue is not empty.
fn cycle<D: Words>(explored: &Explored<D>, nodes: Vec<u32>, queue: u32) -> Option<Cycle> {
    let len = explored.nodes.len();
    // Sets of nodes, and the queues whose pops do not count among them.
    let mut open: Vec<(Vec<u32>, Vec<u32>)> = vec![(nodes, vec![queue])];
    let mut inside = vec![false; len];
    while let Some((nodes, unpopped)) = open.pop() {
        let counts = |edge: &&Edge| !edge.what.pops().is_some_and(|queue| unpopped.contains(&queue));
        let parts = components(&nodes, len, |node, out| {
            out.extend(explored.edges(node).iter().filter(counts).map(|edge| edge.to));
        });
        for part in parts {
            for &node in &part {
                set(&mut inside, node, true);
            }
            let within = |node: u32| inside.get(node as usize).copied().unwrap_or(false);
            let edges =
                || part.iter().flat_map(|&node| explored.edges(node)).filter(counts).filter(|edge| within(edge.to));
            let mut shrinking: Vec<u32> = edges()
                .filter_map(|edge| edge.what.pops())
                .filter(|&popped| !edges().any(|edge| edge.what.pushes() == Some(popped)))
                .collect();
            shrinking.sort_unstable();
            shrinking.dedup();
            if shrinking.is_empty() {
                return around(explored, &part, &unpopped, queue);
            }
            for &node in &part {
                set(&mut inside, node, false);
            }
            shrinking.extend(&unpopped);
            open.push((part, shrinking));
        }
    }
    None
}

/// The shortest way from the first node of a component back to it.
fn around<D: Words>(explored: &Explored<D>, part: &[u32], unpopped: &[u32], queue: u32) -> Option<Cycle> {
    let start = *part.first()?;
    let mut by: rustc_hash::FxHashMap<u32, (u32, u32)> = rustc_hash::FxHashMap::default();
    let mut todo = std::collections::VecDeque::from([start]);
    while let Some(node) = todo.pop_front() {
        let from = explored.first.get(node as usize).copied().unwrap_or(0);
        for (number, edge) in (from..).zip(explored.edges(node)) {
            let counts = !edge.what.pops().is_some_and(|queue| unpopped.contains(&queue));
            if !counts || part.binary_search(&edge.to).is_err() || by.contains_key(&edge.to) {
                continue;
            }
            by.insert(edge.to, (node, number));
            if edge.to != start {
                todo.push_back(edge.to);
                continue;
            }
            let mut edges = Vec::new();
            let mut at = start;
            while let Some(&(before, number)) = by.get(&at) {
                edges.push(number);
                at = before;
                if at == start {
                    break;
                }
            }
            edges.reverse();
            return Some(Cycle { start, edges, queue });
        }
    }
    None
}

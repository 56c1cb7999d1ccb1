//! Endless runs on which something that is pending is never matched.
//!
//! In a finite graph of configurations: is there, for some queue, a cycle of nodes in which it is not empty and of edges
//! that do not pop it? If contents are exact, such a cycle is a run. If they are an over-approximation it need not be one;
//! but a cycle that pops some queue and never pushes it cannot be gone round for ever, so such edges do not count.

use super::{
    contents::Words,
    explore::{Edge, Explored},
};

/// A graph of configurations, or of sets of them: the edges of node `n` are `edges[first[n]..first[n + 1]]`, where
/// there are any yet; `queues[first_queue[n]..first_queue[n + 1]]` are not empty in it.
pub(super) struct Graph<'g> {
    pub(super) edges: &'g [Edge],
    pub(super) first: &'g [u32],
    pub(super) queues: Vec<u32>,
    pub(super) first_queue: Vec<u32>,
}

fn part<'v, T>(all: &'v [T], first: &[u32], at: u32) -> &'v [T] {
    match (first.get(at as usize), first.get((at as usize).saturating_add(1))) {
        (Some(&from), Some(&to)) => all.get(from as usize..to as usize).unwrap_or(&[]),
        _ => &[],
    }
}

impl Graph<'_> {
    fn edges(&self, node: u32) -> &[Edge] {
        part(self.edges, self.first, node)
    }

    fn queues(&self, node: u32) -> &[u32] {
        part(&self.queues, &self.first_queue, node)
    }
}

/// A cycle that starves a queue: the nodes it begins in, and its edges' numbers.
pub(super) struct Cycle {
    pub(super) start: u32,
    pub(super) edges: Vec<u32>,
    pub(super) queue: u32,
}

/// The components of a graph with more than one node, or with an edge from their one node to itself.
///
/// `nodes` are sorted; `edges` calls back with the targets of a node's edges, of which those that are no such nodes do
/// not count. What it takes depends on these nodes alone. Iterative (Tarjan, 1972).
pub(super) fn components(nodes: &[u32], mut edges: impl FnMut(u32, &mut Vec<u32>)) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let len = nodes.len();
    let mut index = vec![NEW; len];
    let mut low = vec![0u32; len];
    let mut on_stack = vec![false; len];
    // All nodes from the first to the last one are their own places.
    let dense = nodes.last().is_none_or(|&last| (last as usize) < len);
    let place = |node: u32| match dense {
        true => ((node as usize) < len).then_some(node),
        false => nodes.binary_search(&node).ok().and_then(|at| u32::try_from(at).ok()),
    };
    let mut edges = |at: u32, out: &mut Vec<u32>| {
        let from = out.len();
        edges(nodes.get(at as usize).copied().unwrap_or(NEW), out);
        let mut kept = from;
        for next in from..out.len() {
            if let Some(to) = out.get(next).and_then(|&node| place(node)) {
                set(out, u32::try_from(kept).unwrap_or(NEW), to);
                kept = kept.saturating_add(1);
            }
        }
        out.truncate(kept);
    };
    let mut counter = 0u32;
    let mut stack: Vec<u32> = Vec::new();
    let mut found = Vec::new();
    let mut targets: Vec<u32> = Vec::new();
    // A node, and its targets that are still to be visited: `targets[from..]` of the innermost.
    let mut calls: Vec<(u32, usize)> = Vec::new();
    let get = |all: &[u32], node: u32| all.get(node as usize).copied().unwrap_or(0);
    for (root, _) in (0u32..).zip(nodes) {
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
                    found.push(part.iter().map(|&at| get(nodes, at)).collect());
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

/// A cycle that starves a queue, if there is one; of several one that begins early. Of an exploration that has not ended
/// only what was looked at counts.
pub(super) fn starving<D: Words>(explored: &Explored<D>) -> Option<Cycle> {
    let (mut queues, mut first_queue) = (Vec::new(), vec![0u32]);
    for (at, _) in (0u32..).zip(&explored.nodes) {
        queues.extend(explored.queues(at).iter().map(|&(queue, _)| queue));
        first_queue.push(u32::try_from(queues.len()).unwrap_or(u32::MAX));
    }
    starved(&Graph { edges: &explored.edges, first: &explored.first, queues, first_queue })
}

/// The same in any graph.
pub(super) fn starved(graph: &Graph<'_>) -> Option<Cycle> {
    let all: Vec<u32> = (0u32..).zip(graph.first_queue.iter().skip(1)).map(|(at, _)| at).collect();
    let every = |node: u32, out: &mut Vec<u32>| out.extend(graph.edges(node).iter().map(|edge| edge.to));
    let mut best: Option<Cycle> = None;
    for part in components(&all, every) {
        let mut queues: Vec<u32> = part.iter().flat_map(|&node| graph.queues(node)).copied().collect();
        queues.sort_unstable();
        queues.dedup();
        for queue in queues {
            let nodes = part.iter().copied().filter(|&node| graph.queues(node).contains(&queue)).collect();
            if let Some(cycle) = cycle(graph, nodes, queue)
                && best.as_ref().is_none_or(|best| cycle.start < best.start)
            {
                best = Some(cycle);
            }
        }
    }
    best
}

/// A cycle among these nodes, in all of which the queue is not empty.
fn cycle(graph: &Graph<'_>, nodes: Vec<u32>, queue: u32) -> Option<Cycle> {
    // Sets of nodes, and the queues whose pops do not count among them.
    let mut open: Vec<(Vec<u32>, Vec<u32>)> = vec![(nodes, vec![queue])];
    while let Some((nodes, unpopped)) = open.pop() {
        let counts = |edge: &&Edge| !edge.what.pops().is_some_and(|queue| unpopped.contains(&queue));
        let parts =
            components(&nodes, |node, out| out.extend(graph.edges(node).iter().filter(counts).map(|edge| edge.to)));
        for part in parts {
            let edges = || {
                let own = part.iter().flat_map(|&node| graph.edges(node)).filter(counts);
                own.filter(|edge| part.binary_search(&edge.to).is_ok())
            };
            let mut pushed: Vec<u32> = edges().filter_map(|edge| edge.what.pushes()).collect();
            pushed.sort_unstable();
            pushed.dedup();
            let mut shrinking: Vec<u32> =
                edges().filter_map(|edge| edge.what.pops()).filter(|popped| !pushed.contains(popped)).collect();
            shrinking.sort_unstable();
            shrinking.dedup();
            if shrinking.is_empty() {
                return around(graph, &part, &unpopped, queue);
            }
            shrinking.extend(&unpopped);
            open.push((part, shrinking));
        }
    }
    None
}

/// The shortest way from the first node of a component back to it.
fn around(graph: &Graph<'_>, part: &[u32], unpopped: &[u32], queue: u32) -> Option<Cycle> {
    let start = *part.first()?;
    let mut by: rustc_hash::FxHashMap<u32, (u32, u32)> = rustc_hash::FxHashMap::default();
    let mut todo = std::collections::VecDeque::from([start]);
    while let Some(node) = todo.pop_front() {
        let from = graph.first.get(node as usize).copied().unwrap_or(0);
        for (number, edge) in (from..).zip(graph.edges(node)) {
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

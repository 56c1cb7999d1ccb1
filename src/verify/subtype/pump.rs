//! Endless runs through ever new configurations, found in an exploration that has not ended.
//!
//! A node and an ancestor of it in the same pair of states: the moves between them can be made again if each queue they
//! pop is, whatever was in it, popped the same again, and if the same queues are empty. What lies in a queue is `x`, what
//! the moves pop `u`, what they push `y`. They can be popped for ever iff `x y y y …` begins with `u u u …`, so iff
//! nothing is popped or `|y| ≥ |u|` and both are one word. Queues that do not grow are empty at the same moves again;
//! those that grow must not be empty at any. A queue that is not empty, and that they do not pop, then starves.

use rustc_hash::FxHashMap;

use super::{
    contents::Exact,
    explore::{Explored, Move},
};

/// How far back an ancestor is looked for, and how many in the same states are asked.
const BACK: usize = 256;
const ASKED: usize = 4;
/// Longer contents are not compared.
const LONGEST: usize = 4_096;

/// A run that starves a queue: to `node`, and then `moves` for ever. It is not empty in `node` already.
pub(super) struct Pumped {
    pub(super) node: u32,
    pub(super) moves: Vec<Move>,
    pub(super) queue: u32,
}

/// The first such run that begins with nodes from `from` on.
pub(super) fn pumped(explored: &Explored<Exact>, from: usize) -> Option<Pumped> {
    let looked = u32::try_from(explored.looked()).unwrap_or(u32::MAX);
    (u32::try_from(from).unwrap_or(u32::MAX)..looked).find_map(|node| behind(explored, node))
}

fn behind(explored: &Explored<Exact>, node: u32) -> Option<Pumped> {
    let here = explored.nodes.get(node as usize)?;
    let mut at = node;
    let mut asked = 0usize;
    let mut backwards = Vec::new();
    // Queues that are empty in none of the nodes so far.
    let mut never: Vec<u32> = explored.queues(node).iter().map(|&(queue, _)| queue).collect();
    for _ in 0..BACK {
        let (above, step) = explored.before(at)?;
        at = above;
        backwards.push(step);
        never.retain(|&queue| explored.queue(at, queue).is_some());
        if never.is_empty() {
            // What starves is never empty.
            return None;
        }
        let there = explored.nodes.get(at as usize)?;
        if (there.sub, there.sup) != (here.sub, here.sup) {
            continue;
        }
        let moves = backwards.iter().rev().copied().collect();
        if let Some(pumped) = between(explored, (at, node), moves, &never) {
            return Some(pumped);
        }
        asked = asked.saturating_add(1);
        if asked >= ASKED {
            return None;
        }
    }
    None
}

/// Whether the moves from a node to a later one can be made for ever, and starve a queue; `never` are the queues that are
/// empty nowhere in between.
fn between(explored: &Explored<Exact>, (early, late): (u32, u32), moves: Vec<Move>, never: &[u32]) -> Option<Pumped> {
    // Mostly there is none, and no more need be asked.
    let popped = |queue: &u32| moves.iter().any(|step| step.pops() == Some(*queue));
    let starved = never.iter().copied().find(|queue| !popped(queue))?;
    let queues = |node: u32| explored.queues(node).iter().map(|&(queue, word)| (queue, word.len()));
    let length = |node: u32, queue: u32| queues(node).find(|&(q, _)| q == queue).map_or(0, |(_, len)| len);
    if queues(early).any(|(queue, len)| length(late, queue) < len) {
        return None;
    }
    if queues(late).any(|(queue, len)| len > length(early, queue) && !never.contains(&queue)) {
        return None;
    }
    let mut pops: FxHashMap<u32, usize> = FxHashMap::default();
    let mut pushed: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for step in &moves {
        if let Some(queue) = step.pops() {
            let count = pops.entry(queue).or_default();
            *count = count.saturating_add(1);
        }
        match *step {
            Move::Push { queue, letter } | Move::Pass { queue, letter } => {
                pushed.entry(queue).or_default().push(letter);
            }
            _ => {}
        }
    }
    for (queue, &count) in &pops {
        let mut content = match explored.queue(early, *queue) {
            Some(word) if word.len() > LONGEST => return None,
            Some(word) => explored.words.letters(word),
            None => Vec::new(),
        };
        let pushed = pushed.get(queue).map_or(&[][..], Vec::as_slice);
        if pushed.len() < count {
            return None;
        }
        content.extend_from_slice(pushed);
        let popped: Vec<u32> = content.get(..count)?.to_vec();
        let enough = content.len().saturating_add(count);
        let repeated = content.iter().chain(pushed.iter().cycle()).take(enough);
        if !repeated.eq(popped.iter().cycle().take(enough)) {
            return None;
        }
    }
    Some(Pumped { node: early, moves, queue: starved })
}

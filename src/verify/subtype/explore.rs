//! The run of the smaller type against the larger: every choice that matters for precise asynchronous subtyping.
//!
//! On types whose states have one direction (and one peer, where a choice is to be matched) the definition's "for every
//! single-output tree and every single-input tree there are …" leaves no choice to the one who wants to prove it: which
//! input the smaller type takes follows from what the larger one offers, which output the larger one selects from what
//! the smaller one sends. So the relation is a property of one system, in which all choices are the adversary's:
//!
//! ```text
//! configuration   the states s and q of the smaller and the larger type
//!                 w[p]: what the smaller has sent to p and the larger has not reached yet
//!                 v[r]: inputs from r that the larger has passed over, because the smaller waits for another peer
//!
//! [pop]    q selects p, w[p] = l w'       the larger goes on by l; if it does not have it: wrong (extra)
//! [push]   else, s selects p!l            w[p] grows by l
//! [take]   else, s waits for p, v[p] = l v'   the smaller goes on by l; if it does not take it: wrong (unhandled)
//! [both]   else, q branches on p          both go on by l, for every l of the larger; unhandled as before
//! [pass]   or q branches on r, not p      v[r] grows by l, for every l of the larger
//!          else, q selects                wrong: an input would overtake an output
//! [end]    s has ended                    q must have, and nothing may be left
//! ```
//!
//! The types are related iff no run goes wrong and on no endless run a queue stays, from some point on, not empty and is
//! never popped (what is pending would be forgotten: the `act` conditions of the definition; see [`super::starve`]).
//!
//! Breadth-first, over any domain of queue contents; in an over-approximation going wrong means nothing.

use rustc_hash::FxHashMap;

use super::{
    Meter, Why,
    contents::Words,
    pair::{Fit, Half, Kind, Pair, Way},
};
use crate::event::Limit;

/// What an edge does: with which queue, and by which letter of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The smaller sends ahead.
    Push { queue: u32, letter: u32 },
    /// The larger does what was sent ahead: its own letter.
    Pop { queue: u32, letter: u32 },
    /// The larger passes over an input.
    Pass { queue: u32, letter: u32 },
    /// The smaller takes what was passed over: its own letter.
    Take { queue: u32, letter: u32 },
    /// Both receive: the smaller's and the larger's letter.
    Both { sub: u32, sup: u32 },
}

impl Move {
    pub(super) fn pops(self) -> Option<u32> {
        match self {
            Self::Pop { queue, .. } | Self::Take { queue, .. } => Some(queue),
            _ => None,
        }
    }

    pub(super) fn pushes(self) -> Option<u32> {
        match self {
            Self::Push { queue, .. } | Self::Pass { queue, .. } => Some(queue),
            _ => None,
        }
    }

    /// The smaller type's letter, and the larger's.
    pub(super) fn letters(self) -> (Option<u32>, Option<u32>) {
        match self {
            Self::Push { letter, .. } | Self::Take { letter, .. } => (Some(letter), None),
            Self::Pop { letter, .. } | Self::Pass { letter, .. } => (None, Some(letter)),
            Self::Both { sub, sup } => (Some(sub), Some(sup)),
        }
    }
}

/// The queue of what is sent ahead to a peer.
pub(super) fn ahead(peer: u32) -> u32 {
    peer.saturating_mul(2)
}

/// The queue of inputs from a peer that are passed over.
pub(super) fn passed(peer: u32) -> u32 {
    peer.saturating_mul(2).saturating_add(1)
}

/// A configuration; its queues are `cells[cells..]` up to the next node's, sorted by queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) sub: u32,
    pub(super) sup: u32,
    cells: u32,
    /// The node that it was met from, and by which of its edges; the first is its own parent.
    pub(super) parent: u32,
    by: u32,
    /// The next node with the same hash, plus one.
    chain: u32,
}

/// An edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) what: Move,
    pub(super) to: u32,
}

/// Why a run goes wrong, or nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Wrong(Why),
    /// Whether these letters fit was not decided.
    Undecided(u32, u32),
}

/// How an exploration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All was looked at, and nothing goes wrong.
    Closed,
    /// In this node something goes wrong.
    Trouble(u32, Trouble),
    /// So many nodes were looked at.
    Paused,
    /// The search may not go on.
    Limit(Limit),
}

/// What was explored. Nodes are in the order in which they were met; edges of node `n` are
/// `edges[first[n]..first[n + 1]]`, for those that were looked at.
pub(super) struct Explored<D: Words> {
    pub(super) words: D,
    pub(super) nodes: Vec<Node>,
    cells: Vec<(u32, D::Word)>,
    pub(super) edges: Vec<Edge>,
    pub(super) first: Vec<u32>,
    by_hash: FxHashMap<u64, u32>,
    buffer: Vec<(u32, D::Word)>,
    popped: Vec<(u32, Option<D::Word>)>,
}

/// Finds the arm that answers a letter of the other side.
fn answer(half: &Half, pair: &Pair, state: u32, letter: u32, mine_is_sub: bool) -> Result<Option<(u32, u32)>, Trouble> {
    let symbol = pair.symbol(letter);
    for arm in half.arms(state) {
        if arm.letter != letter && pair.symbol(arm.letter) != symbol {
            continue;
        }
        let (sub, sup) = if mine_is_sub { (arm.letter, letter) } else { (letter, arm.letter) };
        match pair.fit(sub, sup) {
            Fit::Yes => return Ok(Some((arm.letter, arm.then))),
            Fit::No => {}
            Fit::Unknown => return Err(Trouble::Undecided(sub, sup)),
        }
    }
    Ok(None)
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "nodes, cells and edges are numbered by 32 bits, and `push` ends the search before there are more; every \
              index is of a node, cell or edge that is there"
)]
impl<D: Words> Explored<D> {
    pub(super) fn new(pair: &Pair, words: D) -> Self {
        let mut explored = Self {
            words,
            nodes: Vec::new(),
            cells: Vec::new(),
            edges: Vec::new(),
            first: vec![0],
            by_hash: FxHashMap::default(),
            buffer: Vec::new(),
            popped: Vec::new(),
        };
        explored.meet(pair.sub.initial(), pair.sup.initial(), 0, 0);
        explored
    }

    /// How many nodes were looked at.
    pub(super) fn looked(&self) -> usize {
        self.first.len() - 1
    }

    pub(super) fn queues(&self, node: u32) -> &[(u32, D::Word)] {
        let from = self.nodes[node as usize].cells as usize;
        let to = self.nodes.get(node as usize + 1).map_or(self.cells.len(), |next| next.cells as usize);
        &self.cells[from..to]
    }

    pub(super) fn queue(&self, node: u32, queue: u32) -> Option<D::Word> {
        self.queues(node).iter().find(|(q, _)| *q == queue).map(|&(_, word)| word)
    }

    /// The edges that lead to a node, from the first one.
    pub(super) fn path(&self, node: u32) -> Vec<Move> {
        let mut at = node;
        let mut moves = Vec::new();
        while at != 0 {
            let node = self.nodes[at as usize];
            moves.push(self.edges[node.by as usize].what);
            at = node.parent;
        }
        moves.reverse();
        moves
    }

    /// The node that a node was met from, and the move; none for the first.
    pub(super) fn before(&self, node: u32) -> Option<(u32, Move)> {
        let Node { parent, by, .. } = *self.nodes.get(node as usize)?;
        (node != 0).then(|| (parent, self.edges[by as usize].what))
    }

    pub(super) fn bytes(&self) -> usize {
        self.nodes.len() * (size_of::<Node>() + 24)
            + self.cells.len() * size_of::<(u32, D::Word)>()
            + self.edges.len() * size_of::<Edge>()
            + self.words.bytes()
    }

    /// Goes on until so many nodes have been looked at.
    pub(super) fn run(&mut self, pair: &Pair, pause: usize, meter: &mut Meter<'_, '_>) -> Ended {
        while self.looked() < self.nodes.len() {
            if self.looked() >= pause {
                return Ended::Paused;
            }
            if let Err(limit) = meter.step(self.nodes.len() - self.looked(), self.bytes()) {
                return Ended::Limit(limit);
            }
            if self.edges.len() > MOST {
                return Ended::Limit(Limit::States(MOST));
            }
            let at = self.looked() as u32;
            let done = self.look(pair, at);
            self.first.push(self.edges.len() as u32);
            if let Err(trouble) = done {
                return Ended::Trouble(at, trouble);
            }
        }
        Ended::Closed
    }

    /// All moves from a node.
    fn look(&mut self, pair: &Pair, at: u32) -> Result<(), Trouble> {
        let Node { sub, sup, .. } = self.nodes[at as usize];
        let wrong = |why| Err(Trouble::Wrong(why));
        match pair.sup.kind(sup) {
            Kind::Select(peer) => {
                if let Some(word) = self.queue(at, ahead(peer)) {
                    return self.owed(pair, at, ahead(peer), word, false);
                }
            }
            Kind::End => {
                let left = self.queues(at).iter().find(|(queue, _)| queue.is_multiple_of(2)).copied();
                if let Some((queue, word)) = left {
                    let mut popped = std::mem::take(&mut self.popped);
                    popped.clear();
                    self.words.pop(queue, word, &mut popped);
                    let letter = popped.first().map_or(0, |&(letter, _)| letter);
                    self.popped = popped;
                    return wrong(Why::Extra { letter, at: sup });
                }
            }
            _ => {}
        }
        match pair.sub.kind(sub) {
            Kind::End => {
                if pair.sup.kind(sup) == Kind::End && self.queues(at).is_empty() {
                    return Ok(());
                }
                wrong(Why::Ends { sub, sup })
            }
            Kind::Select(_) | Kind::SelectMany => {
                for at_arm in 0..pair.sub.arms(sub).len() {
                    let arm = pair.sub.arms(sub)[at_arm];
                    let queue = ahead(pair.letter(arm.letter).map_or(0, |letter| letter.peer));
                    let letter = arm.letter;
                    self.load(at);
                    let slot = self.buffer.binary_search_by_key(&queue, |&(q, _)| q);
                    let word = slot.ok().map(|slot| self.buffer[slot].1);
                    let word = self.words.push(queue, word, letter, (sub, sup));
                    match slot {
                        Ok(slot) => self.buffer[slot].1 = word,
                        Err(slot) => self.buffer.insert(slot, (queue, word)),
                    }
                    self.edge(at, Move::Push { queue, letter }, arm.then, sup);
                }
                Ok(())
            }
            Kind::Branch(peer) => self.receive(pair, at, peer),
            // Not of the class; whoever explores has looked.
            Kind::BranchMany | Kind::Mixed => wrong(Why::Ends { sub, sup }),
        }
    }

    fn receive(&mut self, pair: &Pair, at: u32, peer: u32) -> Result<(), Trouble> {
        let Node { sub, sup, .. } = self.nodes[at as usize];
        let wrong = |why| Err(Trouble::Wrong(why));
        if let Some(word) = self.queue(at, passed(peer)) {
            return self.owed(pair, at, passed(peer), word, true);
        }
        match pair.sup.kind(sup) {
            Kind::Branch(_) | Kind::BranchMany => {
                for at_arm in 0..pair.sup.arms(sup).len() {
                    let arm = pair.sup.arms(sup)[at_arm];
                    let from = pair.letter(arm.letter).map_or(0, |letter| letter.peer);
                    self.load(at);
                    if from == peer {
                        let Some((letter, then)) = answer(&pair.sub, pair, sub, arm.letter, true)? else {
                            return wrong(Why::Unhandled { letter: arm.letter, at: sub });
                        };
                        self.edge(at, Move::Both { sub: letter, sup: arm.letter }, then, arm.then);
                        continue;
                    }
                    let queue = passed(from);
                    let slot = self.buffer.binary_search_by_key(&queue, |&(q, _)| q);
                    let word = slot.ok().map(|slot| self.buffer[slot].1);
                    let word = self.words.push(queue, word, arm.letter, (sup, sub));
                    match slot {
                        Ok(slot) => self.buffer[slot].1 = word,
                        Err(slot) => self.buffer.insert(slot, (queue, word)),
                    }
                    self.edge(at, Move::Pass { queue, letter: arm.letter }, sub, arm.then);
                }
                Ok(())
            }
            Kind::End => wrong(Why::Ends { sub, sup }),
            Kind::Select(_) | Kind::SelectMany | Kind::Mixed => wrong(Why::Overtakes { sub, sup }),
        }
    }

    /// What stands first in a queue is done by the type that owes it: the larger does what was sent ahead (`late` false),
    /// the smaller takes what the larger has passed over.
    fn owed(&mut self, pair: &Pair, at: u32, queue: u32, word: D::Word, late: bool) -> Result<(), Trouble> {
        let Node { sub, sup, .. } = self.nodes[at as usize];
        let (half, state) = if late { (&pair.sub, sub) } else { (&pair.sup, sup) };
        let mut popped = std::mem::take(&mut self.popped);
        popped.clear();
        self.words.pop(queue, word, &mut popped);
        let mut done = Ok(());
        for &(letter, rest) in &popped {
            match answer(half, pair, state, letter, late) {
                Ok(Some((mine, then))) => {
                    self.load(at);
                    self.replace(queue, rest);
                    match late {
                        true => self.edge(at, Move::Take { queue, letter: mine }, then, sup),
                        false => self.edge(at, Move::Pop { queue, letter: mine }, sub, then),
                    }
                }
                Ok(None) if late => done = Err(Trouble::Wrong(Why::Unhandled { letter, at: sub })),
                Ok(None) => done = Err(Trouble::Wrong(Why::Extra { letter, at: sup })),
                Err(trouble) => done = Err(trouble),
            }
            if done.is_err() {
                break;
            }
        }
        self.popped = popped;
        done
    }

    /// Puts the queues of a node into the buffer.
    fn load(&mut self, node: u32) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(self.queues(node));
        self.buffer = buffer;
    }

    fn replace(&mut self, queue: u32, rest: Option<D::Word>) {
        if let Ok(slot) = self.buffer.binary_search_by_key(&queue, |&(q, _)| q) {
            match rest {
                Some(word) => self.buffer[slot].1 = word,
                None => {
                    self.buffer.remove(slot);
                }
            }
        }
    }

    /// An edge from a node to the configuration with the queues in the buffer.
    fn edge(&mut self, from: u32, what: Move, sub: u32, sup: u32) {
        let by = self.edges.len() as u32;
        self.edges.push(Edge { what, to: 0 });
        let to = self.meet(sub, sup, from, by);
        self.edges[by as usize].to = to;
    }

    /// The node of the configuration with the queues in the buffer, new or known.
    fn meet(&mut self, sub: u32, sup: u32, parent: u32, by: u32) -> u32 {
        let mut hash = (u64::from(sub) << 32 | u64::from(sup)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for &(queue, word) in &self.buffer {
            hash =
                (hash.rotate_left(23) ^ self.words.hash(word) ^ u64::from(queue)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let new = self.nodes.len() as u32;
        let slot = self.by_hash.entry(hash).or_insert(new + 1);
        let chain = if *slot == new + 1 { 0 } else { *slot };
        let mut at = chain;
        while at != 0 {
            let node = self.nodes[at as usize - 1];
            if (node.sub, node.sup) == (sub, sup) {
                let from = node.cells as usize;
                let to = self.nodes.get(at as usize).map_or(self.cells.len(), |next| next.cells as usize);
                let there = &self.cells[from..to];
                let same = there.len() == self.buffer.len()
                    && there.iter().zip(&self.buffer).all(|(a, b)| a.0 == b.0 && self.words.same(a.1, b.1));
                if same {
                    return at - 1;
                }
            }
            at = node.chain;
        }
        *slot = new + 1;
        self.nodes.push(Node { sub, sup, cells: self.cells.len() as u32, parent, by, chain });
        self.cells.extend_from_slice(&self.buffer);
        new
    }
}

/// No exploration has more edges.
const MOST: usize = 1 << 30;

/// Whether the types are of the class for which [`Explored`] is exact: no state mixes directions or has local actions,
/// the smaller type waits for one peer at a time and the larger selects to one at a time, and a role stops only where it
/// can do nothing else. Otherwise in a few words what is not.
pub(super) fn outside(pair: &Pair) -> Option<&'static str> {
    let states = |half: &Half| {
        (0..u32::try_from(half.len()).unwrap_or(u32::MAX)).map(|state| half.kind(state)).collect::<Vec<_>>()
    };
    for (half, kinds, is_sub) in [(&pair.sub, states(&pair.sub), true), (&pair.sup, states(&pair.sup), false)] {
        for (state, kind) in (0u32..).zip(kinds) {
            match kind {
                Kind::Mixed
                    if half
                        .arms(state)
                        .iter()
                        .any(|arm| pair.letter(arm.letter).is_some_and(|l| l.way == Way::Act)) =>
                {
                    return Some("a local action is never anticipated");
                }
                Kind::Mixed => return Some("a state both sends and receives"),
                Kind::BranchMany if is_sub => return Some("the smaller type waits for several peers at once"),
                Kind::SelectMany if !is_sub => return Some("the larger type selects among several peers at once"),
                _ => {}
            }
            if (kind == Kind::End) != half.may_stop(state) {
                return Some("a role may stop where it could go on");
            }
            let arms = half.arms(state);
            let twins =
                arms.iter().zip(arms.iter().skip(1)).any(|(a, b)| pair.symbol(a.letter) == pair.symbol(b.letter));
            if twins {
                return Some("a state offers one label twice");
            }
        }
    }
    if !pair.is_plain() {
        return Some("a message with conditions, time or witnesses is never anticipated");
    }
    None
}

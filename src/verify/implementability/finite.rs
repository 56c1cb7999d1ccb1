//! The conditions without data, on the product of the automaton with itself.
//!
//! In: an automaton. Out: [`Found`]. For one role a *segment* is what can be reached from a state by steps without the
//! role; the product is looked at segment by segment: a pair of segments is met if two runs that look the same to the
//! role lead to where they begin. So the work is in the pairs of a role's own steps, not of all states: a ring of a
//! thousand roles has one pair of segments per role, and what lies between its steps is jumped over ([`super::chains`]).
//!
//! Pairs are taken in the order of the lengths of their runs, and of all violations the one with the shortest runs is
//! kept. O(pairs of segments × their steps) per role; *available* messages are found by a search over states and blocked
//! roles, which is exponential in the roles at worst and bounded ([`MAX_BLOCKED`]).

use std::{cmp::Reverse, collections::BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Ask, Condition, Found, Indistinct,
    automaton::{Automaton, Transition},
    chains::{Chains, Skip},
};
use crate::{
    event::Limit,
    id::{NodeId, RoleId},
    protocol::Header,
};

/// Pairs of segments of one role.
const MAX_PAIRS: usize = 1_000_000;
/// Pairs of steps that are compared for one role.
const MAX_WORK: usize = 50_000_000;
/// States with blocked roles of one search for available messages.
const MAX_BLOCKED: usize = 200_000;

/// Checks all conditions for all roles.
pub(super) fn check(automaton: &Automaton, header: &Header, ask: &mut Ask<'_>) -> Found {
    let mut best: Option<(usize, Indistinct)> = None;
    let mut seen = 0_usize;
    let chains = Chains::of(automaton);
    for role in header.roles.ids() {
        let mut search = Search {
            automaton,
            chains: &chains,
            role,
            segments: FxHashMap::default(),
            available: FxHashMap::default(),
        };
        match search.run(best.as_ref().map(|(cost, _)| *cost), &mut seen, ask) {
            Ok(Some(found)) => best = Some(found),
            Ok(None) => {}
            Err(limit) if best.is_none() => return Found::Unknown(limit),
            Err(_) => break,
        }
    }
    best.map_or(Found::Holds { stuck: None }, |(_, found)| Found::Violated(Box::new(found)))
}

/// By which step from which place.
type From = Option<(usize, NodeId)>;

/// How a state of a segment is reached from another.
#[derive(Clone, Copy)]
enum Hop {
    /// By one step.
    Step(NodeId),
    /// Along a chain, from place to place.
    Chain(usize, usize),
}

/// A state by its place, and how one goes on from there.
type Behind = (usize, Hop);

/// What can be reached from a state by steps without the role. States inside of chains are left out: what can be reached
/// from them can be reached from where the chain is entered.
#[derive(Default)]
struct Segment {
    /// The states: how from which of them, and how far.
    states: Vec<(NodeId, Option<Behind>, usize)>,
    /// The role's own steps, with the place of their state.
    own: Vec<(usize, Transition)>,
    /// Per letter: the nearest state from which it can not be reached; none if it can from everywhere.
    lacking: FxHashMap<u32, Option<usize>>,
}

impl Segment {
    fn of(automaton: &Automaton, chains: &Chains, role: RoleId, entry: NodeId) -> Self {
        let mut segment = Self::default();
        let mut place: FxHashMap<NodeId, usize> = FxHashMap::default();
        place.insert(entry, 0);
        segment.states.push((entry, None, 0));
        let mut before: Vec<Vec<usize>> = vec![Vec::new()];
        // Nearest first: chains are of different lengths.
        let mut heap = BinaryHeap::from([Reverse((0_usize, 0_usize))]);
        let mut settled: FxHashSet<usize> = FxHashSet::default();
        while let Some(Reverse((far, at))) = heap.pop() {
            if !settled.insert(at) {
                continue;
            }
            let Some(&(state, ..)) = segment.states.get(at) else { continue };
            let mut reach = |segment: &mut Self, then: NodeId, hop: Hop, length: usize| {
                let next = segment.states.len();
                let to = *place.entry(then).or_insert(next);
                let there = far.saturating_add(length);
                if to == next {
                    segment.states.push((then, Some((at, hop)), there));
                    before.push(Vec::new());
                    heap.push(Reverse((there, to)));
                } else if let Some(known) = segment.states.get_mut(to).filter(|(.., known)| there < *known) {
                    *known = (then, Some((at, hop)), there);
                    heap.push(Reverse((there, to)));
                }
                if let Some(before) = before.get_mut(to) {
                    before.push(at);
                }
            };
            let from = chains.place(state);
            match from.and_then(|from| Some((from, chains.skip(role, from)?))) {
                Some((from, Skip::Own(own))) if own > from => {
                    if let Some(then) = chains.state(own) {
                        reach(&mut segment, then, Hop::Chain(from, own), own.saturating_sub(from));
                    }
                }
                Some((from, Skip::Out(end, then))) => {
                    reach(&mut segment, then, Hop::Chain(from, end), end.saturating_sub(from));
                }
                _ => {
                    for step in automaton.steps(state) {
                        if step.involves(role) {
                            segment.own.push((at, *step));
                        } else {
                            reach(&mut segment, step.then, Hop::Step(step.node), 1);
                        }
                    }
                }
            }
        }
        let letters: FxHashSet<u32> =
            segment.own.iter().filter(|(_, step)| step.from == role).map(|(_, step)| step.letter).collect();
        for letter in letters {
            let mut can = vec![false; segment.states.len()];
            let mut todo: Vec<usize> =
                segment.own.iter().filter(|(_, step)| step.letter == letter).map(|(at, _)| *at).collect();
            while let Some(at) = todo.pop() {
                if let Some(known @ false) = can.get_mut(at) {
                    *known = true;
                    todo.extend(before.get(at).into_iter().flatten());
                }
            }
            let lacking = can.iter().zip(&segment.states).enumerate().filter(|(_, (can, _))| !**can);
            let nearest = lacking.min_by_key(|(_, (_, (.., far)))| *far).map(|(at, _)| at);
            segment.lacking.insert(letter, nearest);
        }
        segment
    }

    /// The nearest state from which a letter cannot be reached.
    fn lacks(&self, letter: u32) -> Option<usize> {
        self.lacking.get(&letter).copied().unwrap_or(Some(0))
    }

    fn far(&self, at: usize) -> usize {
        self.states.get(at).map_or(0, |(.., far)| *far)
    }

    /// The steps from the entry to a state.
    fn way(&self, chains: &Chains, mut at: usize) -> Vec<NodeId> {
        let mut way = Vec::new();
        while let Some(&(_, Some((before, hop)), _)) = self.states.get(at) {
            match hop {
                Hop::Step(node) => way.push(node),
                Hop::Chain(from, to) => way.extend(chains.steps(from, to).rev()),
            }
            at = before;
        }
        way.reverse();
        way
    }
}

type Pair = (NodeId, NodeId);

/// How a pair was met: from which, by which of its two segments' own steps.
struct Met {
    from: Pair,
    one: (usize, NodeId),
    other: (usize, NodeId),
}

/// The messages to a blocked role that may be there, with the steps that lead to them.
type Available = FxHashMap<u32, Vec<NodeId>>;

struct Search<'a> {
    automaton: &'a Automaton,
    chains: &'a Chains,
    role: RoleId,
    segments: FxHashMap<NodeId, std::rc::Rc<Segment>>,
    available: FxHashMap<(NodeId, RoleId), std::rc::Rc<Available>>,
}

impl Search<'_> {
    fn segment(&mut self, entry: NodeId) -> std::rc::Rc<Segment> {
        let (automaton, chains, role) = (self.automaton, self.chains, self.role);
        let made = self.segments.entry(entry).or_insert_with(|| Segment::of(automaton, chains, role, entry).into());
        std::rc::Rc::clone(made)
    }

    /// The violation with the shortest runs, if it is better than what is known.
    fn run(
        &mut self,
        known: Option<usize>,
        seen: &mut usize,
        ask: &mut Ask<'_>,
    ) -> Result<Option<(usize, Indistinct)>, Limit> {
        let role = self.role;
        let start = (self.automaton.start, self.automaton.start);
        let mut best: Option<(usize, Indistinct)> = None;
        let mut met: FxHashMap<Pair, Option<Met>> = FxHashMap::default();
        let mut costs: FxHashMap<Pair, usize> = FxHashMap::default();
        let mut done: FxHashSet<Pair> = FxHashSet::default();
        let mut heap = BinaryHeap::from([Reverse((0_usize, start))]);
        met.insert(start, None);
        costs.insert(start, 0);
        let mut work = 0_usize;
        while let Some(Reverse((cost, pair))) = heap.pop() {
            let limit = best.as_ref().map(|(cost, _)| *cost).or(known);
            if limit.is_some_and(|limit| cost >= limit) {
                break;
            }
            if !done.insert(pair) {
                continue;
            }
            *seen = seen.saturating_add(1);
            if seen.is_multiple_of(1000)
                && let Some(limit) = ask(*seen)
            {
                return Err(limit);
            }
            if done.len() > MAX_PAIRS {
                return Err(Limit::States(MAX_PAIRS));
            }
            let (one, other) = (self.segment(pair.0), self.segment(pair.1));
            let better = |extra: usize, best: &Option<(usize, Indistinct)>| {
                let total = cost.saturating_add(extra);
                best.as_ref().map(|(cost, _)| *cost).or(known).is_none_or(|known| total < known).then_some(total)
            };
            for (at, step) in &one.own {
                for (place, against) in other.own.iter().filter(|(_, against)| against.from != role) {
                    work = work.saturating_add(1);
                    let extra = one.far(*at).saturating_add(other.far(*place));
                    let sides = ((*at, step), (*place, Some(against)));
                    if step.from == self.role {
                        // No Mixed Choice
                        if let Some(total) = better(extra, &best) {
                            let found = self.found(Condition::NoMixedChoice, pair, &met, sides.0, sides.1, &[]);
                            best = Some((total, found));
                        }
                    } else if against.from != step.from {
                        // Receive Validity
                        let available = self.available(against.then, step.from)?;
                        if let Some(then) = available.get(&step.letter)
                            && let Some(total) = better(extra.saturating_add(then.len()), &best)
                        {
                            let found = self.found(Condition::ReceiveValidity, pair, &met, sides.0, sides.1, then);
                            best = Some((total, found));
                        }
                    }
                }
                // Send Validity
                if step.from == self.role
                    && let Some(place) = other.lacks(step.letter)
                    && let Some(total) = better(one.far(*at).saturating_add(other.far(place)), &best)
                {
                    let found = self.found(Condition::SendValidity, pair, &met, (*at, step), (place, None), &[]);
                    best = Some((total, found));
                }
            }
            for (at, step) in &one.own {
                for (place, same) in &other.own {
                    work = work.saturating_add(1);
                    if step.letter != same.letter {
                        continue;
                    }
                    let next = (step.then, same.then);
                    let far = one.far(*at).saturating_add(other.far(*place)).saturating_add(2);
                    let far = cost.saturating_add(far);
                    if costs.get(&next).is_none_or(|&known| far < known) {
                        costs.insert(next, far);
                        let how = Met { from: pair, one: (*at, step.node), other: (*place, same.node) };
                        met.insert(next, Some(how));
                        heap.push(Reverse((far, next)));
                    }
                }
            }
            if work > MAX_WORK {
                return Err(Limit::Undecided(
                    "there are too many pairs of runs that look the same to a role".to_owned(),
                ));
            }
        }
        Ok(best)
    }

    fn found(
        &mut self,
        condition: Condition,
        pair: Pair,
        met: &FxHashMap<Pair, Option<Met>>,
        does: (usize, &Transition),
        but: (usize, Option<&Transition>),
        then: &[NodeId],
    ) -> Indistinct {
        let mut first = self.segment(pair.0).way(self.chains, does.0);
        let mut second = self.segment(pair.1).way(self.chains, but.0);
        first.reverse();
        second.reverse();
        let mut at = pair;
        while let Some(Some(how)) = met.get(&at) {
            first.push(how.one.1);
            second.push(how.other.1);
            at = how.from;
            first.extend(self.segment(at.0).way(self.chains, how.one.0).iter().rev());
            second.extend(self.segment(at.1).way(self.chains, how.other.0).iter().rev());
        }
        first.reverse();
        second.reverse();
        Indistinct {
            role: self.role,
            condition,
            first,
            second,
            does: does.1.node,
            but: but.1.map(|step| step.node),
            then: then.to_vec(),
            values: Vec::new(),
        }
    }

    /// The first messages from a role that may come to the search's own while that one is blocked.
    fn available(&mut self, state: NodeId, from: RoleId) -> Result<std::rc::Rc<Available>, Limit> {
        if let Some(known) = self.available.get(&(state, from)) {
            return Ok(std::rc::Rc::clone(known));
        }
        let mut found = Available::default();
        for (letter, way) in available(self.automaton, self.role, state, from)? {
            found.entry(letter).or_insert(way);
        }
        let found = std::rc::Rc::new(found);
        self.available.insert((state, from), std::rc::Rc::clone(&found));
        Ok(found)
    }
}

/// The first messages from `from` to `role`, which is blocked: with it every role that would have to wait for it, or for
/// a role that is blocked.
fn available(
    automaton: &Automaton,
    role: RoleId,
    state: NodeId,
    from: RoleId,
) -> Result<Vec<(u32, Vec<NodeId>)>, Limit> {
    let mut found = Vec::new();
    let mut seen: FxHashSet<(NodeId, Vec<RoleId>)> = FxHashSet::default();
    let mut order: Vec<((NodeId, Vec<RoleId>), From)> = Vec::new();
    let first = (state, vec![role]);
    seen.insert(first.clone());
    order.push((first, None));
    let mut at = 0_usize;
    while let Some(((state, blocked), _)) = order.get(at).cloned() {
        for step in automaton.steps(state) {
            let mut next = blocked.clone();
            if blocked.binary_search(&step.from).is_ok() {
                if let Err(place) = next.binary_search(&step.to) {
                    next.insert(place, step.to);
                }
            } else if step.from == from && step.to == role {
                // A later one lies behind it.
                let mut way = vec![step.node];
                let mut back = at;
                while let Some((_, Some((before, node)))) = order.get(back) {
                    way.push(*node);
                    back = *before;
                }
                way.reverse();
                found.push((step.letter, way));
                continue;
            }
            // Once the sender itself is blocked nothing more comes from it.
            if next.binary_search(&from).is_ok() {
                continue;
            }
            let next = (step.then, next);
            if seen.insert(next.clone()) {
                order.push((next, Some((at, step.node))));
            }
        }
        if order.len() > MAX_BLOCKED {
            return Err(Limit::States(MAX_BLOCKED));
        }
        at = at.saturating_add(1);
    }
    Ok(found)
}

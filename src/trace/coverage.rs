//! Which states, transitions and pairs of transitions of each role a trace has seen.
//!
//! A *transition* is an offer of a state; a *pair* is two transitions that one role took one after the other. What can
//! be covered is what a machine reaches from its initial state. Where several configurations explain an event, nothing
//! is counted for it: what was certainly seen is counted, nothing else.
//!
//! Beyond the kernel the same is counted per region (the protocol itself, and each block of a scope): instances of a
//! family are not told apart, and a pair is two transitions that a role took one after the other in the same region.

use rustc_hash::{FxHashMap, FxHashSet};

use super::observe::Trail;
use crate::{
    diag::Span,
    id::{ActionId, Id, IdVec, RegionId, RoleId, StateId},
    machine::{Automaton, Machine, Program, System, live::Passage},
};

/// A transition of a role's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    /// Whose.
    pub role: RoleId,
    /// From which state.
    pub state: StateId,
    /// Which column.
    pub action: ActionId,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// States that each role can reach.
    reachable: IdVec<RoleId, Vec<StateId>>,
    transitions: FxHashSet<Transition>,
    pairs: FxHashSet<(Transition, Transition)>,
    /// The last transition of each role in each session.
    last: FxHashMap<(u32, RoleId), Transition>,
    passages: FxHashSet<Passage>,
    passage_pairs: FxHashSet<(Passage, Passage)>,
    /// The last passage of each role in each region, by session.
    last_passages: FxHashMap<u32, FxHashMap<(RoleId, RegionId), Passage>>,
}

/// How much of a kind was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Seen.
    pub seen: usize,
    /// There.
    pub all: usize,
}

/// A place of the specification that was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// A role was never in this state.
    State(RoleId, StateId, Span),
    /// A role never took this transition.
    Transition(Transition, Span),
    /// A role took these, but never one right after the other.
    Pair(Transition, Transition, Span, Span),
    /// A role was never at this place of a region.
    Place(RoleId, Span),
    /// A role never took this transition of a region.
    Passage(Passage),
    /// A role took these, but never one right after the other.
    Passages(Passage, Passage),
}

fn reachable(machine: &Machine) -> Vec<StateId> {
    let mut known: FxHashSet<StateId> = FxHashSet::from_iter([machine.initial()]);
    let mut all = vec![machine.initial()];
    let mut at = 0;
    while let Some(&state) = all.get(at) {
        for offer in machine.offers(state) {
            if known.insert(offer.then) {
                all.push(offer.then);
            }
        }
        at = at.saturating_add(1);
    }
    all
}

/// The states that a role's automaton of a region reaches.
fn places(automaton: &Automaton) -> Vec<StateId> {
    let mut known: FxHashSet<StateId> = FxHashSet::from_iter([automaton.initial]);
    let mut all = vec![automaton.initial];
    let mut at = 0;
    while let Some(row) = all.get(at).map(|&state| automaton.rows.entry(state)) {
        at = at.saturating_add(1);
        let Some(row) = row else { continue };
        let behind = row.scopes.iter().map(|&(_, during)| during).chain(row.leaves.iter().map(|&(_, then)| then));
        for then in row.arms.iter().map(|arm| arm.then).chain(behind) {
            if known.insert(then) {
                all.push(then);
            }
        }
    }
    all
}

impl Coverage {
    pub(super) fn new(system: &System) -> Self {
        Self {
            reachable: system.machines().values().map(reachable).collect(),
            transitions: FxHashSet::default(),
            pairs: FxHashSet::default(),
            last: FxHashMap::default(),
            passages: FxHashSet::default(),
            passage_pairs: FxHashSet::default(),
            last_passages: FxHashMap::default(),
        }
    }

    /// The same beyond the kernel.
    pub(super) fn pass(&mut self, slot: u32, passages: impl IntoIterator<Item = Passage>) {
        let last = self.last_passages.entry(slot).or_default();
        for now in passages {
            self.passages.insert(now);
            if let Some(before) = last.insert((now.role, now.region), now) {
                self.passage_pairs.insert((before, now));
            }
        }
    }

    pub(super) fn see(&mut self, slot: u32, trail: &Trail) {
        for &(role, state, action) in trail {
            let now = Transition { role, state, action };
            self.transitions.insert(now);
            if let Some(before) = self.last.insert((slot, role), now) {
                self.pairs.insert((before, now));
            }
        }
    }

    /// A session is over, and its number may be another's next.
    pub(super) fn forget(&mut self, slot: u32) {
        for role in self.reachable.ids() {
            self.last.remove(&(slot, role));
        }
        self.last_passages.remove(&slot);
    }

    /// Adds what another log has covered of the same system.
    pub fn merge(&mut self, other: &Self) {
        self.transitions.extend(&other.transitions);
        self.pairs.extend(&other.pairs);
        self.passages.extend(&other.passages);
        self.passage_pairs.extend(&other.passage_pairs);
    }

    /// As [`Coverage::report`], of a program.
    #[must_use]
    pub fn report_program(&self, program: &Program) -> (Share, Share, Share, Vec<Unseen>) {
        let mut shares = [Share::default(); 3];
        let mut unseen = Vec::new();
        let mut count = |at: usize, seen: bool, otherwise: Unseen| {
            if let Some(share) = shares.get_mut(at) {
                share.all = share.all.saturating_add(1);
                share.seen = share.seen.saturating_add(usize::from(seen));
            }
            if !seen {
                unseen.push(otherwise);
            }
        };
        let begun: FxHashSet<(RoleId, RegionId)> = self.passages.iter().map(|one| (one.role, one.region)).collect();
        let entered: FxHashSet<(RoleId, RegionId, StateId)> =
            self.passages.iter().map(|one| (one.role, one.region, one.then)).collect();
        for (role, region, _, automaton) in program.placed() {
            let passage = |state: StateId| {
                let arms = automaton.rows.entry(state).map_or(&[][..], |row| &row.arms);
                arms.iter().map(move |arm| Passage {
                    role,
                    region,
                    message: arm.message,
                    end: arm.end,
                    then: arm.then,
                    span: arm.span,
                })
            };
            let mut known: FxHashSet<Passage> = FxHashSet::default();
            for state in places(automaton) {
                // Behind a scope nothing shows that a role is there but what it does next.
                let by_step = automaton.rows.values().flat_map(|row| &row.arms).any(|arm| arm.then == state);
                if state == automaton.initial || by_step {
                    let start = state == automaton.initial && (region.index() == 0 || begun.contains(&(role, region)));
                    let seen = start || entered.contains(&(role, region, state));
                    let span = automaton.rows.entry(state).map(|row| row.span).unwrap_or_default();
                    count(0, seen, Unseen::Place(role, span));
                }
                for first in passage(state) {
                    // Copies of one statement that lead to the same place are one.
                    if !known.insert(first) {
                        continue;
                    }
                    count(1, self.passages.contains(&first), Unseen::Passage(first));
                    for second in passage(first.then) {
                        let seen = self.passage_pairs.contains(&(first, second));
                        count(2, seen, Unseen::Passages(first, second));
                    }
                }
            }
        }
        let [states, transitions, pairs] = shares;
        (states, transitions, pairs, unseen)
    }

    /// Shares of states, transitions and pairs, and everything unseen, by role and state.
    #[must_use]
    pub fn report(&self, system: &System) -> (Share, Share, Share, Vec<Unseen>) {
        let mut shares = [Share::default(); 3];
        let mut unseen = Vec::new();
        let mut count = |at: usize, seen: bool, otherwise: Unseen| {
            if let Some(share) = shares.get_mut(at) {
                share.all = share.all.saturating_add(1);
                share.seen = share.seen.saturating_add(usize::from(seen));
            }
            if !seen {
                unseen.push(otherwise);
            }
        };
        for (role, machine) in system.machines().iter() {
            let mut entered: FxHashSet<StateId> = FxHashSet::from_iter([machine.initial()]);
            for seen in self.transitions.iter().filter(|seen| seen.role == role) {
                entered.insert(machine.next(seen.state, seen.action));
            }
            for &state in &self.reachable[role] {
                count(0, entered.contains(&state), Unseen::State(role, state, machine.span(state)));
                for first in machine.offers(state) {
                    let one = Transition { role, state, action: first.action };
                    let seen = self.transitions.contains(&one);
                    count(1, seen, Unseen::Transition(one, first.span));
                    for second in machine.offers(first.then) {
                        let two = Transition { role, state: first.then, action: second.action };
                        let seen = self.pairs.contains(&(one, two));
                        count(2, seen, Unseen::Pair(one, two, first.span, second.span));
                    }
                }
            }
        }
        let [states, transitions, pairs] = shares;
        (states, transitions, pairs, unseen)
    }
}

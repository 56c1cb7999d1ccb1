//! Which states, transitions and pairs of transitions of each role a trace has seen.
//!
//! A *transition* is an offer of a state; a *pair* is two transitions that one role took one after the other. What can
//! be covered is what a machine reaches from its initial state. Where several configurations explain an event, nothing
//! is counted for it: what was certainly seen is counted, nothing else.

use rustc_hash::{FxHashMap, FxHashSet};

use super::observe::Trail;
use crate::{
    diag::Span,
    id::{ActionId, IdVec, RoleId, StateId},
    machine::{Machine, System},
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

impl Coverage {
    pub(super) fn new(system: &System) -> Self {
        Self {
            reachable: system.machines().values().map(reachable).collect(),
            transitions: FxHashSet::default(),
            pairs: FxHashSet::default(),
            last: FxHashMap::default(),
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
    }

    /// Adds what another log has covered of the same system.
    pub fn merge(&mut self, other: &Self) {
        self.transitions.extend(&other.transitions);
        self.pairs.extend(&other.pairs);
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

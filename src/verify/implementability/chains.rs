//! Runs of states with one step each, so that a role can jump over what is none of its business.
//!
//! In: an automaton. Out: [`Chains`]: the states with one step in an order in which those of a chain lie side by side, and
//! for each role the places of its own steps in it. A chain is entered only at its first state, so along it the next step
//! of a role is found by bisection: a ring of n roles costs n look-ups, not n².
//!
//! INVARIANT (chain): each state with one step has one place; `ends` gives for each place one past the end of its chain.

use rustc_hash::FxHashMap;

use super::automaton::{Automaton, Transition};
use crate::id::{NodeId, RoleId};

/// See the module.
pub(super) struct Chains {
    order: Vec<(NodeId, Transition)>,
    ends: Vec<usize>,
    place: FxHashMap<NodeId, usize>,
    places: FxHashMap<RoleId, Vec<usize>>,
}

/// A way along a chain that a role takes no part in.
pub(super) enum Skip {
    /// Up to its own step, at this place.
    Own(usize),
    /// To the end of the chain, one past its last place, and to what follows it.
    Out(usize, NodeId),
}

impl Chains {
    /// O(states).
    pub(super) fn of(automaton: &Automaton) -> Self {
        // How often a state is entered: once by a state with one step, or otherwise.
        let mut entered: FxHashMap<NodeId, usize> = FxHashMap::default();
        entered.insert(automaton.start, 2);
        for &state in &automaton.order {
            let steps = automaton.steps(state);
            let weight = if steps.len() == 1 { 1 } else { 2 };
            for step in steps {
                let count = entered.entry(step.then).or_default();
                *count = count.saturating_add(weight);
            }
        }
        let mut chains = Self {
            order: Vec::with_capacity(automaton.order.len()),
            ends: Vec::with_capacity(automaton.order.len()),
            place: FxHashMap::default(),
            places: FxHashMap::default(),
        };
        for &first in &automaton.order {
            // Every cycle has a state that is entered from elsewhere: the start reaches all of them.
            if entered.get(&first) == Some(&1) {
                continue;
            }
            let from = chains.order.len();
            let mut state = first;
            while let [step] = automaton.steps(state) {
                let place = chains.order.len();
                chains.place.insert(state, place);
                chains.places.entry(step.from).or_default().push(place);
                if step.to != step.from {
                    chains.places.entry(step.to).or_default().push(place);
                }
                chains.order.push((state, *step));
                if entered.get(&step.then) != Some(&1) {
                    break;
                }
                state = step.then;
            }
            let end = chains.order.len();
            chains.ends.extend(std::iter::repeat_n(end, end.saturating_sub(from)));
        }
        chains
    }

    /// The place of a state with one step.
    pub(super) fn place(&self, state: NodeId) -> Option<usize> {
        self.place.get(&state).copied()
    }

    /// The state at a place.
    pub(super) fn state(&self, place: usize) -> Option<NodeId> {
        self.order.get(place).map(|(state, _)| *state)
    }

    /// Where a role goes on from a place.
    pub(super) fn skip(&self, role: RoleId, from: usize) -> Option<Skip> {
        let end = self.ends.get(from).copied()?;
        let own = self.places.get(&role).map_or(&[][..], Vec::as_slice);
        let next = own.partition_point(|&place| place < from);
        match own.get(next) {
            Some(&place) if place < end => Some(Skip::Own(place)),
            _ => self.order.get(end.checked_sub(1)?).map(|(_, step)| Skip::Out(end, step.then)),
        }
    }

    /// The steps between two places.
    pub(super) fn steps(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.order.get(from..to).unwrap_or(&[]).iter().map(|(_, step)| step.node)
    }
}

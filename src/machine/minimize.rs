//! The smallest automaton with the same behaviour: bisimilar states become one.
//!
//! Comes in: a local type as an automaton. Goes out: its quotient, with unreachable states left out. Behaviour is kept
//! exactly, for automata that offer one event twice as well: two states become one if they may both stop or may both not
//! and each arm of the one has an arm of the other that is the same action and leads to the same class.
//!
//! Partition refinement by signatures: a state's signature is what it offers and to which class each offer leads. When
//! a class falls apart, its largest part keeps its number and only the states with an arm into one of the others are
//! looked at again. So a state is looked at once for each time that a class one of its arms leads into shrinks to half
//! or less: O(arms · log states) looks.
//!
//! INVARIANT (clean): the states of a class that are not waiting to be looked at have one signature.
//!
//! It is the same for the same automaton: classes are numbered breadth-first from the start, by what is offered.

use crate::{
    id::{Id, IdVec, StateId, TooMany},
    protocol::{Act, Arm, Local, State},
};

type ActionKey = (Act, u32, u32);

/// What a state offers, and to which class each offer leads; and whether the role may stop.
type Signature = (bool, Vec<(u32, u32)>);

/// The smallest automaton with the same behaviour. A class keeps the places and the order of arms of its first state.
pub fn minimize(local: &Local) -> Result<Local, TooMany> {
    let reachable = reachable(local);
    let mut partition = Partition::of(local, &reachable);
    partition.refine();
    quotient(local, &reachable, &partition)
}

fn key(arm: &Arm) -> ActionKey {
    (arm.act, arm.label.raw(), arm.sort.raw())
}

/// The arms of a state that lead somewhere.
fn arms(local: &Local, state: StateId) -> impl Iterator<Item = &Arm> {
    let live = move |arm: &&Arm| arm.then != StateId::default() && local.states.entry(arm.then).is_some();
    local.states.entry(state).into_iter().flat_map(|state| &state.arms).filter(live)
}

/// The states that a run can lead to, ascending; none, if the automaton is dead from the start.
fn reachable(local: &Local) -> Vec<StateId> {
    let mut seen: IdVec<StateId, bool> = IdVec::filled(false, local.states.len());
    let mut open = Vec::new();
    let mut visit = |state: StateId, open: &mut Vec<StateId>| {
        if state != StateId::default()
            && let Some(seen) = seen.entry_mut(state)
            && !*seen
        {
            *seen = true;
            open.push(state);
        }
    };
    visit(local.initial, &mut open);
    while let Some(state) = open.pop() {
        for arm in arms(local, state) {
            visit(arm.then, &mut open);
        }
    }
    seen.iter().filter(|(_, seen)| **seen).map(|(state, _)| state).collect()
}

/// A partition of `0..n`, the reachable states in order. Indices into its tables are 32 bits wide as ids are.
struct Partition {
    /// Of each state: whether the role may stop there.
    may_stop: Vec<bool>,
    /// Of each state: action and target. Arms of state `s` are `arms[first[s]..first[s + 1]]`.
    arms: Vec<(u32, u32)>,
    first: Vec<usize>,
    /// Of each state: the sources of arms into it, in the same layout.
    sources: Vec<u32>,
    first_source: Vec<usize>,
    /// The states, class by class; within a class first those that wait to be looked at.
    order: Vec<u32>,
    /// Where in `order` each state is.
    place: Vec<usize>,
    /// The class of each state.
    class: Vec<u32>,
    classes: Vec<Class>,
    /// The classes in which somebody waits.
    open: Vec<u32>,
}

/// A part of `order`: `start..end`, of which `start..clean` wait to be looked at.
#[derive(Clone, Copy)]
struct Class {
    start: usize,
    clean: usize,
    end: usize,
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "states are below n, classes below the number of classes, places within `order`, and none reaches 2^32"
)]
impl Partition {
    fn of(local: &Local, reachable: &[StateId]) -> Self {
        let n = reachable.len();
        let mut number: IdVec<StateId, u32> = IdVec::filled(0, local.states.len());
        for (at, &state) in (0u32..).zip(reachable) {
            number[state] = at;
        }
        let mut actions: Vec<ActionKey> = reachable.iter().flat_map(|&state| arms(local, state)).map(key).collect();
        actions.sort_unstable();
        actions.dedup();
        let mut flat = Vec::new();
        let mut first = vec![0];
        let mut incoming = vec![0usize; n + 1];
        for &state in reachable {
            for arm in arms(local, state) {
                let action = actions.binary_search(&key(arm)).unwrap_or_else(|at| at);
                let target = number[arm.then];
                // There are no more actions than arms, and arms are fewer than 2^32 in any memory this runs in.
                flat.push((u32::try_from(action).unwrap_or(u32::MAX), target));
                incoming[target as usize + 1] += 1;
            }
            first.push(flat.len());
        }
        for at in 0..n {
            incoming[at + 1] += incoming[at];
        }
        let mut sources = vec![0; flat.len()];
        let mut fill = incoming.clone();
        for (state, bounds) in (0u32..).zip(first.windows(2)) {
            for &(_, target) in &flat[bounds[0]..bounds[1]] {
                sources[fill[target as usize]] = state;
                fill[target as usize] += 1;
            }
        }
        let states = (0u32..).zip(reachable).map(|(at, _)| at);
        Self {
            may_stop: reachable.iter().map(|&state| local.states[state].may_stop).collect(),
            arms: flat,
            first,
            sources,
            first_source: incoming,
            order: states.collect(),
            place: (0..n).collect(),
            class: vec![0; n],
            // Everybody waits to be looked at.
            classes: vec![Class { start: 0, clean: n, end: n }],
            open: if n > 0 { vec![0] } else { Vec::new() },
        }
    }

    fn refine(&mut self) {
        let mut moved = Vec::new();
        while let Some(class) = self.open.pop() {
            self.split(class, &mut moved);
            for state in moved.drain(..) {
                for at in self.first_source[state as usize]..self.first_source[state as usize + 1] {
                    self.look_again(self.sources[at]);
                }
            }
        }
    }

    fn signature(&self, state: u32) -> Signature {
        let state = state as usize;
        let arms = &self.arms[self.first[state]..self.first[state + 1]];
        let mut offers: Vec<(u32, u32)> =
            arms.iter().map(|&(action, target)| (action, self.class[target as usize])).collect();
        offers.sort_unstable();
        offers.dedup();
        (self.may_stop[state], offers)
    }

    /// Looks at the states of a class that wait, and makes classes of those that differ. The states that have left the
    /// class come out in `moved`.
    fn split(&mut self, class: u32, moved: &mut Vec<u32>) {
        let Class { start, clean, end } = self.classes[class as usize];
        let waiting = &self.order[start..clean];
        let mut looked: Vec<(Signature, u32)> = waiting.iter().map(|&state| (self.signature(state), state)).collect();
        looked.sort_unstable();
        // Those that do not wait are one part: they have one signature, by INVARIANT (clean), and none of those that wait
        // has the same, because an arm of it leads into a class that was not there when they were looked at last.
        let mut parts = Vec::new();
        let mut from = start;
        let mut last: Option<&Signature> = None;
        for (at, (signature, state)) in (start..).zip(&looked) {
            if last.is_some_and(|last| last != signature) {
                parts.push((from, at));
                from = at;
            }
            last = Some(signature);
            self.order[at] = *state;
            self.place[*state as usize] = at;
        }
        if from < clean {
            parts.push((from, clean));
        }
        if clean < end {
            parts.push((clean, end));
        }
        let Some(largest) = (0..parts.len()).max_by_key(|&part| parts[part].1 - parts[part].0) else { return };
        for (part, &(start, end)) in parts.iter().enumerate() {
            let fresh = Class { start, clean: start, end };
            if part == largest {
                self.classes[class as usize] = fresh;
                continue;
            }
            let name = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
            self.classes.push(fresh);
            for &state in &self.order[start..end] {
                self.class[state as usize] = name;
                moved.push(state);
            }
        }
    }

    /// One of the state's arms leads to a class that it did not lead to before.
    fn look_again(&mut self, state: u32) {
        let class = self.class[state as usize];
        let Class { start, clean, .. } = self.classes[class as usize];
        let place = self.place[state as usize];
        if place < clean {
            return;
        }
        if start == clean {
            self.open.push(class);
        }
        let other = self.order[clean];
        self.order.swap(place, clean);
        self.place[other as usize] = place;
        self.place[state as usize] = clean;
        self.classes[class as usize].clean = clean + 1;
    }
}

/// One state per class, numbered breadth-first from the start.
#[expect(
    clippy::indexing_slicing,
    reason = "every reachable state has a number below n, every class a first state and, when asked for, an id"
)]
fn quotient(local: &Local, reachable: &[StateId], partition: &Partition) -> Result<Local, TooMany> {
    let mut states: IdVec<StateId, State> = IdVec::new();
    states.push(State::default())?;
    let class_of = |state: StateId| {
        let at = reachable.binary_search(&state).ok()?;
        partition.class.get(at).map(|&class| class as usize)
    };
    // Each class is shown by its first state.
    let mut first: Vec<Option<StateId>> = vec![None; partition.classes.len()];
    for (&state, &class) in reachable.iter().zip(&partition.class) {
        first[class as usize].get_or_insert(state);
    }
    let mut ids: Vec<Option<StateId>> = vec![None; partition.classes.len()];
    let mut open = std::collections::VecDeque::new();
    let mut next = 1usize;
    let mut visit = |class: usize, open: &mut std::collections::VecDeque<usize>| -> Result<StateId, TooMany> {
        if let Some(id) = ids[class] {
            return Ok(id);
        }
        let id = StateId::new(next)?;
        next = next.saturating_add(1);
        ids[class] = Some(id);
        open.push_back(class);
        Ok(id)
    };
    let Some(start) = class_of(local.initial) else {
        return Ok(Local { role: local.role, initial: StateId::default(), states });
    };
    let initial = visit(start, &mut open)?;
    while let Some(class) = open.pop_front() {
        let Some(shown) = first[class] else { continue };
        let state = &local.states[shown];
        let mut sorted: Vec<&Arm> = arms(local, shown).collect();
        sorted.sort_by_key(|arm| key(arm));
        for arm in sorted {
            if let Some(class) = class_of(arm.then) {
                visit(class, &mut open)?;
            }
        }
        let mut kept: Vec<Arm> = Vec::with_capacity(state.arms.len());
        let mut known = std::collections::BTreeSet::new();
        for arm in arms(local, shown) {
            let Some(class) = class_of(arm.then) else { continue };
            let then = visit(class, &mut open)?;
            if known.insert((key(arm), then)) {
                kept.push(Arm { then, ..*arm });
            }
        }
        states.push(State { arms: kept, may_stop: state.may_stop, span: state.span })?;
    }
    Ok(Local { role: local.role, initial, states })
}

//! The synchronous runs of machines, one partner group at a time.
//!
//! In: machines and the roles of one part. Out: a [`Product`]: states in each of which one role sends, with all its
//! choices; or why there is no such automaton. A *group* is a role that only sends (or acts) in its state, with every
//! message that it may send awaited by its receiver. Groups of one state are independent, unless two want the same
//! receiver, and that is found out when the result is projected back.
//!
//! INVARIANT (closed): every `then` is an index of `states`.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::NoGlobal;
use crate::{
    event::{Event, Limit},
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId, TooMany},
    machine::minimize,
    protocol::{Act, Arm, Local, State},
    verify::{Progress, search::Poll},
};

/// More states than this are not looked at.
const MAX_STATES: usize = 200_000;

/// Which of several groups goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Who was just spoken to, then who just spoke: what people would write. A group may be put off for ever.
    Talk,
    /// The senders by turns: no group is put off for ever.
    Turns,
}

/// What shows that there is no sequential global type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody can send all that it may send, and not everybody may stop: what these would do.
    Stuck(Vec<super::super::Waiting>),
    /// Everybody may stop, and this role may go on.
    MayEnd(RoleId),
    /// The protocol of the synchronous runs gives this role another machine.
    Differs {
        /// Who.
        role: RoleId,
        /// What it does before they differ, as its own events.
        word: Vec<Event>,
        /// What its machine can do then that the other cannot, in words.
        only_given: Vec<String>,
        /// What the other can do then that its machine cannot.
        only_projected: Vec<String>,
    },
    /// The protocol of the synchronous runs is not implementable, by this condition.
    NotImplementable(Box<str>),
}

/// Why there is no product.
pub(super) enum Stop {
    None(Box<NoGlobal>),
    Limit(Limit),
}

/// A message or a local action of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: RoleId,
    /// The same as `from` for a local action.
    pub(super) to: RoleId,
    pub(super) label: LabelId,
    pub(super) sort: SortId,
    pub(super) then: usize,
}

impl Step {
    fn event(&self) -> Event {
        let Self { from, to, label, sort, .. } = *self;
        if from == to { Event::Act { role: from, label, sort } } else { Event::Sync { from, to, label, sort } }
    }
}

/// See the module. A state without steps is the end; the first is the start.
pub(super) struct Product {
    pub(super) states: Vec<Vec<Step>>,
}

/// The states of all roles of the part, and who spoke last to whom.
type Key = (Box<[StateId]>, Option<(RoleId, RoleId)>);

struct Search<'a> {
    machines: &'a IdVec<RoleId, Local>,
    part: &'a [RoleId],
    /// The place of each role in the part.
    place: FxHashMap<RoleId, usize>,
    order: Order,
}

impl Product {
    /// The product of the machines of some roles.
    pub(super) fn of(
        machines: &IdVec<RoleId, Local>,
        part: &[RoleId],
        order: Order,
        poll: &mut Poll<'_>,
    ) -> Result<Self, Stop> {
        let place = part.iter().enumerate().map(|(at, &role)| (role, at)).collect();
        let search = Search { machines, part, place, order };
        let start: Box<[StateId]> = part.iter().map(|&role| machines[role].initial).collect();
        let start: Key = (start, None);
        let mut number: FxHashMap<Key, usize> = FxHashMap::default();
        let mut states: Vec<Vec<Step>> = Vec::new();
        let mut parents: Vec<Option<(usize, Event)>> = vec![None];
        let mut open = VecDeque::from([start.clone()]);
        number.insert(start, 0);
        while let Some(key) = open.pop_front() {
            let at = states.len();
            if at.is_multiple_of(1000) {
                let progress =
                    Progress { bound: Some(0), configurations: at, frontier: open.len(), depth: 0, bytes: 0 };
                if let Some(limit) = poll(&progress) {
                    return Err(Stop::Limit(limit));
                }
            }
            if at >= MAX_STATES {
                return Err(Stop::Limit(Limit::States(MAX_STATES)));
            }
            let group = search.group(&key).map_err(|why| {
                let mut run = Vec::new();
                let mut back = at;
                while let Some(Some((from, event))) = parents.get(back) {
                    run.push(*event);
                    back = *from;
                }
                run.reverse();
                Stop::None(Box::new(NoGlobal { run, why }))
            })?;
            let mut steps = Vec::with_capacity(group.len());
            for (mut step, next) in group {
                let fresh = number.len();
                step.then = *number.entry(next).or_insert_with_key(|key| {
                    open.push_back(key.clone());
                    fresh
                });
                if step.then == fresh {
                    parents.push(Some((at, step.event())));
                }
                steps.push(step);
            }
            states.push(steps);
        }
        Ok(Self { states })
    }

    /// Bisimilar states made one.
    pub(super) fn smallest(&self) -> Result<Vec<Vec<Step>>, TooMany> {
        let mut letters: indexmap::IndexSet<(RoleId, RoleId, LabelId, SortId)> = indexmap::IndexSet::new();
        let mut states: IdVec<StateId, State> = vec![State::default()].into();
        for steps in &self.states {
            let mut arms = Vec::with_capacity(steps.len());
            for step in steps {
                let (letter, _) = letters.insert_full((step.from, step.to, step.label, step.sort));
                let then = StateId::new(step.then.saturating_add(1))?;
                arms.push(Arm {
                    act: Act::Act,
                    label: LabelId::new(letter)?,
                    sort: SortId::default(),
                    then,
                    span: crate::diag::Span::default(),
                });
            }
            states.push(State { may_stop: arms.is_empty(), arms, span: crate::diag::Span::default() })?;
        }
        let all = Local { role: RoleId::default(), initial: StateId::from_raw(1), states };
        let small = minimize(&all)?;
        let step = |arm: &Arm| {
            let &(from, to, label, sort) = letters.get_index(arm.label.index())?;
            Some(Step { from, to, label, sort, then: arm.then.index().saturating_sub(1) })
        };
        Ok(small.states.values().skip(1).map(|state| state.arms.iter().filter_map(step).collect()).collect())
    }
}

impl Search<'_> {
    fn state<'a>(&'a self, key: &Key, role: RoleId) -> Option<&'a State> {
        let at = key.0.get(*self.place.get(&role)?)?;
        self.machines[role].states.entry(*at)
    }

    /// The group that goes first in a state, with what it leads to; nothing at the end.
    fn group(&self, key: &Key) -> Result<Vec<(Step, Key)>, Why> {
        let ready: Vec<RoleId> = self.part.iter().copied().filter(|&role| self.ready(key, role)).collect();
        let all_stop = self.part.iter().all(|&role| self.state(key, role).is_some_and(|state| state.may_stop));
        let Some(first) = self.first(key, &ready) else {
            return if all_stop { Ok(Vec::new()) } else { Err(Why::Stuck(self.waiting(key))) };
        };
        if all_stop {
            return Err(Why::MayEnd(first));
        }
        let arms = self.state(key, first).map_or(&[][..], |state| &state.arms);
        Ok(arms.iter().filter_map(|arm| self.step(key, first, arm)).collect())
    }

    /// Whether all that a role may do is to send or to act, and everybody it may send to awaits it.
    fn ready(&self, key: &Key, role: RoleId) -> bool {
        let Some(state) = self.state(key, role).filter(|state| !state.arms.is_empty()) else { return false };
        state.arms.iter().all(|arm| self.step(key, role, arm).is_some())
    }

    fn step(&self, key: &Key, from: RoleId, arm: &Arm) -> Option<(Step, Key)> {
        let mut next = key.0.clone();
        *next.get_mut(*self.place.get(&from)?)? = arm.then;
        let to = match arm.act {
            Act::Act => from,
            Act::Send(to) => {
                let taken =
                    self.state(key, to)?.arms.iter().find(|other| {
                        (other.act, other.label, other.sort) == (Act::Receive(from), arm.label, arm.sort)
                    })?;
                *next.get_mut(*self.place.get(&to)?)? = taken.then;
                to
            }
            _ => return None,
        };
        let step = Step { from, to, label: arm.label, sort: arm.sort, then: 0 };
        Some((step, (next, Some((from, to)))))
    }

    fn first(&self, key: &Key, ready: &[RoleId]) -> Option<RoleId> {
        let Some((from, to)) = key.1 else { return ready.first().copied() };
        match self.order {
            Order::Talk => {
                let wanted = [to, from].into_iter().find(|role| ready.contains(role));
                wanted.or_else(|| ready.first().copied())
            }
            Order::Turns => ready.iter().copied().find(|&role| role > from).or_else(|| ready.first().copied()),
        }
    }

    /// What the roles that may not stop, or want to send, wait for.
    fn waiting(&self, key: &Key) -> Vec<super::super::Waiting> {
        let mut all = Vec::new();
        for &role in self.part {
            let Some(state) = self.state(key, role) else { continue };
            let sends = state.arms.iter().any(|arm| matches!(arm.act, Act::Send(_)));
            if state.may_stop && !sends {
                continue;
            }
            let offers = state.arms.iter().filter_map(|arm| own_event(role, arm)).collect();
            all.push(super::super::Waiting { role, offers });
        }
        all
    }
}

/// An arm as an event of its role.
pub(super) fn own_event(role: RoleId, arm: &Arm) -> Option<Event> {
    let Arm { act, label, sort, .. } = *arm;
    match act {
        Act::Send(to) => Some(Event::Send { from: role, to, label, sort }),
        Act::Receive(from) => Some(Event::Receive { from, to: role, label, sort }),
        Act::Act => Some(Event::Act { role, label, sort }),
        _ => None,
    }
}

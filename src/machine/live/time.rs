//! Obligations: who must have left a state until when.
//!
//! A heap of deadlines with lazy removal: arming and meeting an obligation cost O(log n) each, asking whether any has
//! lapsed costs O(1) amortized.

use std::{cmp::Reverse, collections::BinaryHeap};

use rustc_hash::FxHashMap;

use super::{Activation, Attempt, Inside, Live, Parts, Round, Time, mover::obligations};
use crate::{
    diag::Span,
    id::RoleId,
    machine::program::{Program, ScopeParts},
    protocol::Trigger,
};

/// An obligation that was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    /// Who is late.
    pub role: RoleId,
    /// Since when.
    pub deadline: Time,
    /// What it owes.
    pub span: Span,
}

/// All obligations of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Time, u32)>>,
    armed: FxHashMap<u32, Lapse>,
    next: u32,
}

/// What was met and still lies in the heap does not count.
impl PartialEq for Timers {
    fn eq(&self, other: &Self) -> bool {
        self.armed == other.armed
    }
}

impl Timers {
    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        let heap = self.heap.capacity().saturating_mul(size_of::<Reverse<(Time, u32)>>());
        heap.saturating_add(crate::data::table(self.armed.capacity(), size_of::<(u32, Lapse)>()))
    }

    /// A new obligation; its number is never 0.
    pub(super) fn arm(&mut self, role: RoleId, deadline: Time, span: Span) -> u32 {
        self.next = self.next.wrapping_add(1).max(1);
        self.armed.insert(self.next, Lapse { role, deadline, span });
        self.heap.push(Reverse((deadline, self.next)));
        self.next
    }

    /// An obligation was met, or is none any more.
    #[inline]
    pub(super) fn disarm(&mut self, number: u32) {
        if number != 0 {
            self.armed.remove(&number);
        }
        // What was met leaves the heap with the next look; a heap of nothing else is cleared at once.
        if self.armed.is_empty() && !self.heap.is_empty() {
            self.heap.clear();
        }
    }

    /// The earliest is forgotten.
    fn drop_earliest(&mut self) {
        if let Some(Reverse((_, number))) = self.heap.pop() {
            self.armed.remove(&number);
        }
    }

    /// A role owes nothing any more.
    pub(super) fn release(&mut self, role: RoleId) {
        self.armed.retain(|_, lapse| lapse.role != role);
        self.disarm(0);
    }

    fn earliest(&mut self) -> Option<Lapse> {
        loop {
            let Reverse((_, number)) = *self.heap.peek()?;
            if let Some(&lapse) = self.armed.get(&number) {
                return Some(lapse);
            }
            self.heap.pop();
        }
    }
}

impl Live {
    /// The earliest obligation, if there is one.
    pub fn next_deadline(&mut self) -> Option<Time> {
        self.timers.earliest().map(|lapse| lapse.deadline)
    }

    /// The earliest obligation that lapsed before a time; it is told once.
    pub fn lapse(&mut self, before: Time) -> Option<Lapse> {
        let lapse = self.lapsed(before)?;
        self.timers.drop_earliest();
        Some(lapse)
    }

    /// The earliest obligation that lapsed before a time.
    pub fn lapsed(&mut self, before: Time) -> Option<Lapse> {
        self.timers.earliest().filter(|lapse| lapse.deadline < before)
    }
}

impl Live {
    /// A time limit of a role has run out, and the role notices: it leaves the body of the outermost `try` with such a
    /// limit for its handler. False if no limit has run out.
    pub fn expire(&mut self, program: &Program, role: RoleId, now: Time) -> bool {
        self.now = self.now.max(now);
        let now = self.now;
        let Some(seat) = self.seats.entry_mut(role).filter(|seat| !seat.crashed) else { return false };
        let mut armed = Vec::new();
        let found = expire(program, role, &mut seat.act, now, &mut armed);
        armed.into_iter().for_each(|number| self.timers.disarm(number));
        found
    }
}

fn expire(program: &Program, role: RoleId, act: &mut Activation, now: Time, armed: &mut Vec<u32>) -> bool {
    act.inside.as_deref_mut().is_some_and(|inside| expire_in(program, role, inside, now, armed))
}

fn expire_in(program: &Program, role: RoleId, inside: &mut Inside, now: Time, armed: &mut Vec<u32>) -> bool {
    let handlers = match program.scopes.entry(inside.scope).and_then(Option::as_ref).map(|info| &info.parts) {
        Some(ScopeParts::Try(_, handlers)) => &**handlers,
        _ => &[],
    };
    match &mut inside.parts {
        Parts::Par(parts) => parts.iter_mut().any(|part| expire(program, role, part, now, armed)),
        Parts::During { main, rounds } => {
            main.as_mut().is_some_and(|main| expire(program, role, main, now, armed))
                || rounds.iter_mut().any(|round| match round {
                    Round::One { act, .. } => act.as_mut().is_some_and(|act| expire(program, role, act, now, armed)),
                    Round::Family(family) => {
                        family.live.values_mut().any(|one| expire(program, role, &mut one.act, now, armed))
                    }
                })
        }
        Parts::Try { at, act, limits, .. } => {
            let own = |trigger: &Trigger| matches!(trigger, Trigger::Timeout(who, _) | Trigger::Idle(who, _) | Trigger::Deadline(who, _) if *who == role);
            let open = at.open(handlers.len());
            let due = handlers
                .iter()
                .zip(&*limits)
                .take(open)
                .position(|(handler, limit)| own(&handler.trigger) && limit.is_some_and(|(_, until)| until <= now));
            match due {
                Some(number) if *at != Attempt::Expired(number) => {
                    *at = Attempt::Expired(number);
                    armed.push(act.arm(0));
                    act.scopes().for_each(|inside| obligations(inside, armed));
                    true
                }
                _ => expire(program, role, act, now, armed),
            }
        }
    }
}

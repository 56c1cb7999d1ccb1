//! Obligations: who must have left a state until when.
//!
//! A heap of deadlines with lazy removal: arming and meeting an obligation cost O(log n) each, asking whether any has
//! lapsed costs O(1) amortized.

use std::{cmp::Reverse, collections::BinaryHeap};

use rustc_hash::FxHashMap;

use super::{Live, Time};
use crate::{diag::Span, id::RoleId};

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
    /// A new obligation; its number is never 0.
    pub(super) fn arm(&mut self, role: RoleId, deadline: Time, span: Span) -> u32 {
        self.next = self.next.wrapping_add(1).max(1);
        self.armed.insert(self.next, Lapse { role, deadline, span });
        self.heap.push(Reverse((deadline, self.next)));
        self.next
    }

    /// An obligation was met, or is none any more.
    pub(super) fn disarm(&mut self, number: u32) {
        if number != 0 {
            self.armed.remove(&number);
        }
        // What was met leaves the heap with the next look; a heap of nothing else is cleared at once.
        if self.armed.is_empty() {
            self.heap.clear();
        }
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
    /// The earliest obligation that lapsed before a time.
    pub fn lapsed(&mut self, before: Time) -> Option<Lapse> {
        self.timers.earliest().filter(|lapse| lapse.deadline < before)
    }
}

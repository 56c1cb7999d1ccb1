//! Refusals of one session for one reason, of which only the first few are records of their own.
//!
//! In: a refusal. Out: whether it is to be recorded or was counted, and at settling, one record for all that were counted.
//! A caller who is refused without end costs one entry here, not the ring.
//!
//! INVARIANT (few): every entry stands for at least [`FIRST`] records or has one in the open batch, so there are no
//! more entries than records in a batch.

use indexmap::{IndexMap, map::Entry};
use rustc_hash::FxBuildHasher;

use super::record::{Record, SessionRef};

/// So many refusals of one session and code are records of their own.
pub const FIRST: u32 = 8;

/// How many there were since the last seal, and those not yet recorded.
struct Tally {
    recorded: u32,
    waiting: u32,
    /// The latest of those waiting.
    latest: Record,
}

/// What is to be done about a refusal.
pub(super) enum Next {
    /// Make it a record of its own, then say so by [`Refusals::recorded`].
    Record,
    /// It is counted among others.
    Counted,
    /// It would be the first that waits: it needs a place in the batch, see [`Refusals::wait`].
    Wait,
    /// No more can be counted: settle first.
    Settle,
}

/// The refusals since the last seal.
#[derive(Default)]
pub(super) struct Refusals {
    tallies: IndexMap<(SessionRef, u16), Tally, FxBuildHasher>,
    waiting: usize,
}

impl Refusals {
    pub(super) fn note(&mut self, record: &Record) -> Next {
        let Some(tally) = self.tallies.get_mut(&(record.session, record.code)) else { return Next::Record };
        if tally.recorded < FIRST {
            return Next::Record;
        }
        if tally.waiting == 0 {
            return Next::Wait;
        }
        let Some(sum) = tally.waiting.checked_add(record.count) else { return Next::Settle };
        tally.waiting = sum;
        tally.latest = *record;
        Next::Counted
    }

    /// The refusal became a record.
    pub(super) fn recorded(&mut self, record: &Record) {
        match self.tallies.entry((record.session, record.code)) {
            Entry::Occupied(mut tally) => {
                let tally = tally.get_mut();
                tally.recorded = tally.recorded.saturating_add(1);
            }
            Entry::Vacant(place) => {
                place.insert(Tally { recorded: 1, waiting: 0, latest: *record });
            }
        }
    }

    /// The refusal waits, and has a place in the batch.
    pub(super) fn wait(&mut self, record: &Record) {
        if let Some(tally) = self.tallies.get_mut(&(record.session, record.code)) {
            tally.waiting = record.count;
            tally.latest = *record;
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    /// How many records settling will make.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// One record for all that wait, of each session and code, in the order of their first refusal.
    pub(super) fn settle(&mut self, mut put: impl FnMut(Record)) {
        if self.waiting == 0 {
            return;
        }
        for tally in self.tallies.values_mut().filter(|tally| tally.waiting > 0) {
            put(Record { count: tally.waiting, ..tally.latest });
            tally.waiting = 0;
        }
        self.waiting = 0;
    }

    /// The batch is sealed: counting begins anew. Nothing may wait.
    pub(super) fn clear(&mut self) {
        debug_assert_eq!(self.waiting, 0, "what waits is settled before a seal");
        if !self.tallies.is_empty() {
            self.tallies.clear();
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        // An entry with its hash, and the index of the table with a control byte, at 7/8 load.
        let entry = size_of::<(usize, (SessionRef, u16), Tally)>();
        self.tallies.capacity().saturating_mul(entry.saturating_add(size_of::<usize>()).saturating_add(2))
    }
}

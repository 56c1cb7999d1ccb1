//! The bounded ring of a store: records go in, sealed batches come out.
//!
//! ```text
//!   closed segments, oldest first                       open segment
//!   ┌──────────────────────┐ ┌────────┬────┬─────────┐ ┌───────┬────────────┬──── ─ ─ ─ ─┬──────────┐
//!   │ batch 0              │ │ 1      │ 2  │ 3       │ │ 4     │ open batch │            │ promised │
//!   └──────────────────────┘ └────────┴────┴─────────┘ └───────┴────────────┴──── ─ ─ ─ ─┴──────────┘
//!     delivered: may go        delivered: up to 2        0       sealed       len          limit      1,024
//! ```
//!
//! A segment holds 1,024 records, in one batch or in several when seals were asked for. A full segment is sealed and
//! closed; its room is used again when the sink has taken all its batches, or at once when there is no sink.
//!
//! INVARIANT (room): `sealed <= len <= limit <= 1,024`, and `limit` leaves a place for each refusal that waits to be
//! recorded, so that settling never fails. A record that takes the last place seals the batch.
//! INVARIANT (dense): records of a segment have consecutive sequences; what is dropped is dropped between segments.

use std::{collections::VecDeque, error, fmt, num::NonZeroU32};

use super::{
    digest::{Contexts, Digest, Secrets},
    record::{Bytes, Record, SIZE, Verdict},
    refusals::{Next, Refusals},
    seal::{Anchor, BATCH, Seal},
    tree,
};

/// The ring is full of records that are not sealed or not delivered: nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditFull;

impl fmt::Display for AuditFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the audit is full of records that its sink has not taken")
    }
}

impl error::Error for AuditFull {}

/// The sink does not take the batch now; it is offered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later;

/// Where sealed batches go, each once and in order.
pub trait Sink {
    /// Takes a batch.
    ///
    /// # Errors
    ///
    /// When it cannot be taken now: it is offered again at the next seal, or when room is needed.
    fn deliver(&mut self, batch: Batch<'_>) -> Result<(), Later>;
}

impl<F: FnMut(Batch<'_>) -> Result<(), Later>> Sink for F {
    fn deliver(&mut self, batch: Batch<'_>) -> Result<(), Later> {
        self(batch)
    }
}

/// A sealed batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub(super) seal: &'a Seal,
    pub(super) records: &'a [Bytes],
}

impl<'a> Batch<'a> {
    /// Its seal.
    #[must_use]
    pub fn seal(&self) -> &'a Seal {
        self.seal
    }

    /// Its records, as bytes.
    #[must_use]
    pub fn records(&self) -> &'a [Bytes] {
        self.records
    }

    /// Appends it to a log, as [`Log`](super::Log) lays it out.
    pub fn write(&self, log: &mut Vec<u8>) {
        super::log::write_batch(log, self.seal, self.records);
    }
}

/// What an audit is made from.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which store this is. Seals say it. Two audits of one number under one secret cannot be told apart: give a new
    /// number to a store that does not [resume](Audit::resume) an earlier chain.
    pub store: u64,
    /// How many segments of 1,024 records (64 KiB) the ring may hold, at least 1. They are allocated as needed.
    pub segments: usize,
    /// Whether records are dropped, and counted, when the ring is full.
    pub lossy: bool,
    /// With these, seals have authenticators.
    pub secrets: Option<Secrets>,
}

/// Where a record goes; beyond all places if it is only counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// What became of a refusal that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is a record of its own.
    Recorded,
    /// It is counted with others, which will be one record by the next seal.
    Counted,
}

/// Bytes of 1,024 records.
type Records = Box<[Bytes; BATCH]>;

fn allocate() -> Records {
    vec![[0; SIZE]; BATCH].into_boxed_slice().try_into().expect("the vector has 1,024 elements")
}

/// A segment that is full and sealed.
pub(super) struct Segment {
    pub(super) records: Records,
    pub(super) len: usize,
    /// At least one.
    pub(super) seals: Vec<Seal>,
}

/// The audit of a store.
pub struct Audit {
    pub(super) records: Records,
    pub(super) len: usize,
    pub(super) limit: usize,
    /// The next sequence.
    pub(super) next: u64,
    /// Records of the open segment that are in its sealed batches.
    pub(super) sealed: usize,
    pub(super) seals: Vec<Seal>,
    pub(super) closed: VecDeque<Segment>,
    pub(super) refusals: Refusals,
    pub(super) segments: usize,
    pub(super) lossy: bool,
    /// Nothing is kept, all is counted.
    pub(super) silent: bool,
    pub(super) dropped: u64,
    pub(super) store: u64,
    /// The number of the next batch.
    pub(super) batch: u64,
    /// The chain value of the last one.
    pub(super) head: Digest,
    pub(super) last: Option<Seal>,
    /// The number of the first batch that was not delivered.
    pub(super) delivered: u64,
    pub(super) sink: Option<Box<dyn Sink + Send>>,
    pub(super) contexts: Contexts,
    pub(super) secrets: Option<Secrets>,
}

impl Audit {
    /// An audit that keeps the latest batches and the head of the chain.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::start(options, None)
    }

    /// An audit that keeps nothing and counts what it drops: for hosts that keep a journal of their own, and for measuring
    /// what records cost.
    #[must_use]
    pub fn silent() -> Self {
        Self { silent: true, limit: 0, ..Self::start(Options { lossy: true, ..Options::default() }, None) }
    }

    /// An audit whose sealed batches go to a sink.
    #[must_use]
    pub fn with_sink(options: Options, sink: Box<dyn Sink + Send>) -> Self {
        Self::start(options, Some(sink))
    }

    fn start(options: Options, sink: Option<Box<dyn Sink + Send>>) -> Self {
        Self {
            records: allocate(),
            len: 0,
            limit: BATCH,
            next: 0,
            sealed: 0,
            seals: Vec::new(),
            closed: VecDeque::new(),
            refusals: Refusals::default(),
            segments: options.segments.max(1),
            lossy: options.lossy,
            silent: false,
            dropped: 0,
            store: options.store,
            batch: 0,
            head: Contexts::genesis(options.store),
            last: None,
            delivered: 0,
            sink,
            contexts: Contexts::new(),
            secrets: options.secrets,
        }
    }

    /// Goes on with the chain and the numbers after a seal, as after a restart. Only for an audit without records.
    ///
    /// # Errors
    ///
    /// Gives the audit back when it has records already, is of another store, or there are no numbers after this seal.
    pub fn resume(mut self, after: &Seal) -> Result<Self, Box<Self>> {
        let fresh = self.next == 0 && self.store == after.store;
        match (after.well_formed() && fresh, after.batch.checked_add(1)) {
            (true, Some(batch)) => {
                self.next = after.end();
                self.batch = batch;
                self.delivered = batch;
                self.dropped = after.dropped;
                self.head = after.chain;
                self.last = Some(*after);
                if self.numbers_left() { Ok(self) } else { Err(Box::new(self)) }
            }
            _ => Err(Box::new(self)),
        }
    }

    /// Records something; its sequence is given here.
    ///
    /// # Errors
    ///
    /// When the ring is full, unless it is lossy.
    #[inline(always)]
    pub fn push(&mut self, mut record: Record) -> Result<(), AuditFull> {
        // One comparison: the last place is for the slow path.
        if self.len.wrapping_add(1) < self.limit {
            record.sequence = self.next;
            self.put(&record);
            Ok(())
        } else {
            self.push_last(record)
        }
    }

    /// Where the next record goes, if that needs nothing else: no seal, no room to be made.
    #[inline(always)]
    pub(crate) fn place(&self) -> Option<Place> {
        if self.len.wrapping_add(1) < self.limit {
            Some(Place(self.len))
        } else if self.silent {
            Some(Place(usize::MAX))
        } else {
            None
        }
    }

    /// Records something at the place that was just given, and gives its sequence.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "1,023 at most")]
    pub(crate) fn put_at(&mut self, Place(at): Place, mut record: Record) -> u64 {
        let number = self.next;
        // Segments are only begun when 1,024 numbers are left.
        self.next = number.wrapping_add(1);
        if at == usize::MAX {
            self.dropped = self.dropped.wrapping_add(1);
        } else {
            record.sequence = number;
            self.records[at & (BATCH - 1)] = record.to_bytes();
            self.len = at.wrapping_add(1);
        }
        number
    }

    /// Records a refusal: the first eight of a session and code each, the others together by the next seal.
    ///
    /// # Errors
    ///
    /// When the ring is full, unless it is lossy.
    pub fn reject(&mut self, mut record: Record) -> Result<Noted, AuditFull> {
        if self.silent {
            return self.push_last(record).map(|()| Noted::Counted);
        }
        record.verdict = Verdict::Rejected;
        record.count = record.count.max(1);
        let mut next = self.refusals.note(&record);
        if matches!(next, Next::Settle) {
            self.settle();
            next = self.refusals.note(&record);
        }
        match next {
            Next::Counted => Ok(Noted::Counted),
            Next::Wait if self.len < self.limit => {
                self.refusals.wait(&record);
                // By INVARIANT (room): one more waits, one place less.
                self.limit = self.limit.saturating_sub(1);
                if self.len == self.limit {
                    self.turn();
                }
                Ok(Noted::Counted)
            }
            Next::Record | Next::Wait | Next::Settle => {
                if self.len >= self.limit {
                    self.turn();
                }
                if self.len < self.limit {
                    // Before the push, which may seal the batch and begin to count anew.
                    self.refusals.recorded(&record);
                }
                self.push(record).map(|()| Noted::Recorded)
            }
        }
    }

    /// Whether this many records and refusals can be taken, whatever happens in between. Asks the sink to take batches
    /// when there is no room.
    #[inline]
    pub fn has_room(&mut self, records: usize) -> bool {
        self.limit.saturating_sub(self.len) >= records || self.make_room(records)
    }

    /// Seals what is open, and offers what is sealed to the sink. Returns the last seal.
    pub fn seal(&mut self) -> Option<&Seal> {
        self.seal_open();
        self.deliver();
        self.last.as_ref()
    }

    /// Offers sealed batches to the sink, in order, until it refuses. Returns how many it has yet to take.
    pub fn deliver(&mut self) -> u64 {
        let Some(mut sink) = self.sink.take() else {
            self.delivered = self.batch;
            return 0;
        };
        while self.delivered < self.batch {
            let taken = self.batch(self.delivered).is_none_or(|batch| sink.deliver(batch).is_ok());
            if !taken {
                break;
            }
            self.delivered = self.delivered.saturating_add(1);
        }
        self.sink = Some(sink);
        self.batch.saturating_sub(self.delivered)
    }

    /// From now on seals are authenticated under this secret.
    pub fn rotate(&mut self, id: NonZeroU32, secret: &[u8; 32]) {
        match &mut self.secrets {
            Some(secrets) => secrets.rotate(id, secret),
            none => *none = Some(Secrets::new(id, secret)),
        }
    }

    /// The last seal.
    #[must_use]
    pub fn last_seal(&self) -> Option<&Seal> {
        self.last.as_ref()
    }

    /// The chain value of the last seal, or the start of the chain.
    #[must_use]
    pub fn head(&self) -> Digest {
        self.head
    }

    /// What to keep elsewhere: the last seal, and how far back the ring reaches.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        let from = self.seals().next().map_or(self.next, |seal| seal.first);
        self.last.map(|seal| Anchor::new(seal).since(from))
    }

    /// Which store this is.
    #[must_use]
    pub fn store(&self) -> u64 {
        self.store
    }

    /// The sequence of the next record.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Records that are in no sealed batch yet.
    #[must_use]
    pub fn unsealed(&self) -> usize {
        self.len.saturating_sub(self.sealed)
    }

    /// Records dropped since the store began.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes held, sink aside.
    #[must_use]
    pub fn memory(&self) -> usize {
        let segment = BATCH.saturating_mul(SIZE);
        let seals = |seals: &Vec<Seal>| seals.capacity().saturating_mul(size_of::<Seal>());
        self.closed
            .iter()
            .map(|closed| segment.saturating_add(seals(&closed.seals)))
            .fold(segment, usize::saturating_add)
            .saturating_add(seals(&self.seals))
            .saturating_add(self.closed.capacity().saturating_mul(size_of::<Segment>()))
            .saturating_add(self.refusals.memory())
    }

    /// Writes a record to the next place.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "1,023 at most")]
    fn put(&mut self, record: &Record) {
        debug_assert!(self.len < BATCH, "by INVARIANT (room)");
        self.records[self.len & (BATCH - 1)] = record.to_bytes();
        self.len = self.len.wrapping_add(1);
        // Segments are only begun when 1,024 numbers are left.
        self.next = self.next.wrapping_add(1);
    }

    /// Takes the last place and seals, or makes room, or refuses, or drops.
    #[cold]
    #[inline(never)]
    fn push_last(&mut self, mut record: Record) -> Result<(), AuditFull> {
        if self.silent {
            self.dropped = self.dropped.saturating_add(1);
            self.next = self.next.saturating_add(1);
            return Ok(());
        }
        if self.len >= self.limit {
            self.turn();
        }
        if self.len < self.limit {
            record.sequence = self.next;
            self.put(&record);
            if self.len == self.limit {
                self.turn();
            }
            return Ok(());
        }
        if !self.lossy || !self.numbers_left() {
            return Err(AuditFull);
        }
        self.dropped = self.dropped.saturating_add(1);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, records: usize) -> bool {
        if self.silent {
            return true;
        }
        if self.len == self.limit {
            self.turn();
        }
        let enough = |audit: &Self| audit.room() >= records;
        if enough(self) {
            return true;
        }
        self.deliver();
        enough(self) || (self.begin_anew() && enough(self))
    }

    /// A ring of one segment has no other to go on in: its open part is sealed before it is full, and if the sink takes
    /// it, the segment begins anew.
    fn begin_anew(&mut self) -> bool {
        if self.segments > 1 || !self.numbers_left() {
            return false;
        }
        self.seal_open();
        self.deliver();
        let goes = self.may_go(&self.seals);
        if goes {
            self.seals.clear();
            self.begin();
        }
        goes
    }

    /// The records that can be taken without anybody's help.
    fn room(&self) -> usize {
        if !self.numbers_left() {
            return self.limit.saturating_sub(self.len);
        }
        if self.lossy || self.sink.is_none() {
            return usize::MAX;
        }
        let unused = self.segments.saturating_sub(self.closed.len()).saturating_sub(1);
        let reusable = self.closed.iter().take_while(|segment| self.may_go(&segment.seals)).count();
        let segments = unused.saturating_add(reusable).saturating_mul(BATCH);
        segments.saturating_add(self.limit.saturating_sub(self.len))
    }

    /// Enough numbers for the segments of any ring that fits into memory.
    fn numbers_left(&self) -> bool {
        self.next < u64::MAX >> 1
    }

    /// The open segment is full: seals it, offers it, and begins another if there is room.
    #[cold]
    #[inline(never)]
    fn turn(&mut self) {
        self.seal_open();
        self.deliver();
        self.advance();
    }

    /// The open segment is full and sealed: begins another, if there is room.
    fn advance(&mut self) {
        if self.len < BATCH || !self.numbers_left() {
            return;
        }
        let (records, mut seals) = if self.closed.len().saturating_add(1) < self.segments {
            (allocate(), Vec::new())
        } else if self.closed.front().is_some_and(|oldest| self.may_go(&oldest.seals))
            && let Some(oldest) = self.closed.pop_front()
        {
            (oldest.records, oldest.seals)
        } else if self.segments == 1 && self.may_go(&self.seals) {
            self.seals.clear();
            self.begin();
            return;
        } else {
            return;
        };
        seals.clear();
        let records = std::mem::replace(&mut self.records, records);
        let seals = std::mem::replace(&mut self.seals, seals);
        self.closed.push_back(Segment { records, len: self.len, seals });
        self.begin();
    }

    fn begin(&mut self) {
        self.len = 0;
        self.sealed = 0;
        self.limit = BATCH;
    }

    fn may_go(&self, seals: &[Seal]) -> bool {
        seals.last().is_none_or(|last| last.batch < self.delivered)
    }

    /// Records the refusals that wait.
    pub(super) fn settle(&mut self) {
        let mut refusals = std::mem::take(&mut self.refusals);
        // By INVARIANT (room): each has its place.
        self.limit = self.limit.saturating_add(refusals.waiting()).min(BATCH);
        refusals.settle(|mut record| {
            record.sequence = self.next;
            self.put(&record);
        });
        self.refusals = refusals;
    }

    /// Seals the open batch, if it has records.
    fn seal_open(&mut self) {
        self.settle();
        let Some(open) = self.records.get(self.sealed..self.len) else { return };
        let Ok(count) = u32::try_from(open.len()) else { return };
        if count == 0 {
            return;
        }
        let mut seal = Seal {
            store: self.store,
            batch: self.batch,
            first: self.next.saturating_sub(u64::from(count)),
            dropped: self.dropped,
            count,
            key: 0,
            root: tree::root(open),
            previous: self.head,
            authenticator: Digest::ZERO,
            chain: Digest::ZERO,
        };
        seal.close(&self.contexts, self.secrets.as_ref());
        self.head = seal.chain;
        self.batch = self.batch.saturating_add(1);
        self.last = Some(seal);
        self.seals.push(seal);
        self.sealed = self.len;
        self.refusals.clear();
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("store", &self.store)
            .field("next", &self.next)
            .field("batch", &self.batch)
            .field("unsealed", &self.unsealed())
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

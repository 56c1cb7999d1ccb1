//! Looking back: the records, seals, batches and proofs that the ring of an [`Audit`] still has, and its log.

use super::{
    log::{End, Log},
    proof::Proof,
    record::{Bytes, Record},
    ring::{Audit, Batch, Segment},
    seal::{BATCH, Seal},
};

impl Audit {
    /// The record of this sequence, if the ring still has it.
    #[must_use]
    pub fn record(&self, sequence: u64) -> Option<Record> {
        let (records, first) = self.segment_of(sequence)?;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        Record::from_bytes(records.get(index)?).ok()
    }

    /// The records of the ring, latest first.
    pub fn latest(&self) -> impl Iterator<Item = Record> {
        let closed = self.closed.iter().rev().map(|segment| segment.records.get(..segment.len));
        let open = self.records.get(..self.len);
        let records = std::iter::once(open).chain(closed).flatten();
        records.flat_map(|records| records.iter().rev()).filter_map(|bytes| Record::from_bytes(bytes).ok())
    }

    /// The seals of the batches that the ring still has, oldest first.
    pub fn seals(&self) -> impl Iterator<Item = &Seal> {
        self.closed.iter().flat_map(|segment| &segment.seals).chain(&self.seals)
    }

    /// The sealed batches that the ring still has, oldest first.
    pub fn batches(&self) -> impl Iterator<Item = Batch<'_>> {
        let closed = self.closed.iter().map(|segment| (&*segment.records, &segment.seals));
        closed.chain(std::iter::once((&*self.records, &self.seals))).flat_map(|(records, seals)| {
            let first = seals.first().map_or(0, |seal| seal.first);
            seals.iter().filter_map(move |seal| batch_in(records, first, seal))
        })
    }

    /// A proof that a record is in its sealed batch. `None` when it is not sealed yet, or the ring has it no more.
    #[must_use]
    pub fn prove(&self, sequence: u64) -> Option<Proof> {
        self.prove_until(sequence, 0)
    }

    /// A proof that can be verified against the seal of batch `until`, if that is after the record's own.
    #[must_use]
    pub fn prove_until(&self, sequence: u64, until: u64) -> Option<Proof> {
        let seals = self.seals_of(sequence)?;
        let seal = seals.get(seals.partition_point(|seal| seal.end() <= sequence))?;
        let batch = self.batch(seal.batch)?;
        if until >= self.batch {
            return None;
        }
        let later = self.seals().filter(|later| later.batch > seal.batch && later.batch <= until).copied().collect();
        Proof::new(batch.records, usize::try_from(sequence.checked_sub(seal.first)?).ok()?, *seal, later)
    }

    /// The log of what the ring holds: its sealed batches, then the open records. Refusals that were only counted are
    /// recorded first.
    pub fn log(&mut self) -> Log {
        self.settle();
        let seals = self.seals().count();
        let records = self.closed.len().saturating_add(1).saturating_mul(BATCH);
        let mut bytes = Log::begin(self.store, records, seals);
        let first = self.seals().next().map_or(self.batch, |seal| seal.batch);
        for batch in self.batches() {
            batch.write(&mut bytes);
        }
        self.write_end(&mut bytes, first);
        Log::of(bytes)
    }

    /// What ends a log of the batches from number `first` on, as a sink collects them: the open records, and that there
    /// is no more. Refusals that were only counted are recorded first.
    pub fn end(&mut self, first: u64) -> Vec<u8> {
        self.settle();
        let mut bytes = Vec::new();
        self.write_end(&mut bytes, first);
        bytes
    }

    fn write_end(&self, bytes: &mut Vec<u8>, first: u64) {
        let open = self.records.get(self.sealed..self.len).unwrap_or_default();
        let end = End::new(self.store, first, self.head, self.dropped, open);
        end.write(bytes, open, &self.contexts, self.secrets.as_ref());
    }

    /// A sealed batch of the ring.
    pub(super) fn batch(&self, number: u64) -> Option<Batch<'_>> {
        let at = self.closed.partition_point(|segment| segment.seals.last().is_some_and(|last| last.batch < number));
        let (records, seals) =
            self.closed.get(at).map_or((&*self.records, &self.seals), |segment| (&*segment.records, &segment.seals));
        let seal = seals.get(seals.partition_point(|seal| seal.batch < number))?;
        if seal.batch == number { batch_in(records, seals.first()?.first, seal) } else { None }
    }

    /// The closed segment that has this sequence, or the open one.
    fn segment(&self, sequence: u64) -> Option<&Segment> {
        let before = |segment: &Segment| segment.seals.last().is_some_and(|last| last.end() <= sequence);
        self.closed.get(self.closed.partition_point(before))
    }

    fn seals_of(&self, sequence: u64) -> Option<&[Seal]> {
        let seals = self.segment(sequence).map_or(&*self.seals, |segment| &segment.seals);
        (seals.first()?.first <= sequence).then_some(seals)
    }

    /// The records of the segment that has this sequence, and the sequence of the first of them.
    fn segment_of(&self, sequence: u64) -> Option<(&[Bytes], u64)> {
        match self.segment(sequence) {
            Some(segment) => Some((segment.records.get(..segment.len)?, segment.seals.first()?.first)),
            None => {
                let open = self.records.get(..self.len)?;
                let first = match self.seals.first() {
                    Some(seal) => seal.first,
                    None => self.next.checked_sub(u64::try_from(self.len).ok()?)?,
                };
                Some((open, first))
            }
        }
    }
}

/// The records of a seal in its segment. By INVARIANT (dense), they are as far from its start as their sequences say.
fn batch_in<'a>(records: &'a [Bytes; BATCH], first: u64, seal: &'a Seal) -> Option<Batch<'a>> {
    let start = usize::try_from(seal.first.checked_sub(first)?).ok()?;
    let end = start.checked_add(usize::try_from(seal.count).ok()?)?;
    Some(Batch { seal, records: records.get(start..end)? })
}

//! Whether a log is what a store sealed, and how far that can be told.
//!
//! | given | found is | not found is |
//! |---|---|---|
//! | an [`Anchor`]: a seal kept elsewhere | any change up to that seal: flip, removal, insertion, exchange, cut, recomputed chain | what was done to later records together with their chain |
//! | [`Secrets`] | any change to the log as it was exported, its end and its open records too | that it is an earlier log of the same store |
//! | both | either | that it is an earlier log, but not from before the anchor |
//! | neither | any change by one who did not recompute the chain to the end | all that is recomputed; a log cut at a seal and ended anew |
//!
//! In: bytes. Out: what was checked up to which record, what was not checked, and the first thing that is wrong, with its
//! place. It allocates nothing that grows with the log. Nothing is trusted: not the lengths, not the numbers.

use std::{error, fmt};

use serde::{Serialize, Serializer};

use super::{
    digest::{Contexts, Digest, Secrets},
    log::{Block, Blocks, End},
    record::{Bytes, UnknownNumber, sequence_of},
    seal::{Anchor, Seal},
    tree,
};

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It does not begin as an audit log does.
    Header,
    /// It has a version that is not known.
    Version(u32),
    /// The bytes end in the middle.
    Cut,
    /// Something that is neither a batch nor an end.
    Tag,
    /// The numbers of a seal cannot be a seal's.
    Seal,
    /// The end is not what it says.
    End,
    /// A record that no store writes.
    Record(UnknownNumber),
    /// A record whose sequence is not the next one.
    Sequence,
    /// The records are not those that were sealed.
    Root,
    /// The seal does not come after the one before.
    Link,
    /// The chain value of the seal is not that of its contents.
    Chain,
    /// The authenticator is not that of the secret.
    Authenticator,
    /// There is no secret of this id.
    UnknownSecret(u32),
    /// The seal is not the one that was kept.
    Anchor,
    /// The log ends before the seal that was kept.
    BeforeAnchor,
    /// The log begins with this record, later than it must.
    Begins(u64),
    /// There is no end: the log may have been cut at a seal.
    NoEnd,
    /// There is something after the end.
    AfterEnd,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("this is no audit log"),
            Self::Version(version) => write!(f, "version {version} is not known"),
            Self::Cut => f.write_str("the bytes end in the middle"),
            Self::Tag => f.write_str("neither a batch nor an end"),
            Self::Seal => f.write_str("the numbers of the seal cannot be"),
            Self::End => f.write_str("the end is not what it says"),
            Self::Record(why) => write!(f, "no record: {why}"),
            Self::Sequence => f.write_str("the sequence of the record is not the next one"),
            Self::Root => f.write_str("the records are not those that were sealed"),
            Self::Link => f.write_str("the seal does not come after the one before"),
            Self::Chain => f.write_str("the chain value of the seal is not that of its contents"),
            Self::Authenticator => f.write_str("the authenticator is not that of the secret"),
            Self::UnknownSecret(0) => f.write_str("there is no authenticator"),
            Self::UnknownSecret(key) => write!(f, "there is no secret {key}"),
            Self::Anchor => f.write_str("the seal is not the one that was kept"),
            Self::BeforeAnchor => f.write_str("the log ends before the seal that was kept"),
            Self::Begins(first) => write!(f, "the log begins only with record {first}"),
            Self::NoEnd => f.write_str("the log has no end, it may be cut at a seal"),
            Self::AfterEnd => f.write_str("there is something after the end"),
        }
    }
}

/// The first thing that is wrong with a log, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The byte at which the batch, the end or the header begins.
    pub at: usize,
    /// The batch, as its seal says.
    pub batch: Option<u64>,
    /// The record, by the sequence that it should have.
    pub sequence: Option<u64>,
    /// What is wrong.
    #[serde(serialize_with = "in_words")]
    pub problem: Problem,
}

impl Fault {
    pub(super) const fn new(at: usize, problem: Problem) -> Self {
        Self { at, batch: None, sequence: None, problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.at)?;
        if let Some(batch) = self.batch {
            write!(f, ", batch {batch}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, ", record {sequence}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl error::Error for Fault {}

fn in_words<S: Serializer>(problem: &Problem, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(problem)
}

/// What a log that holds may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unchecked {
    /// From this record on, the chain may have been recomputed after a change.
    Recomputed(u64),
    /// After what was checked, it may have been cut at a seal and ended anew.
    CutAtSeal,
    /// It may be an earlier log of the same store.
    Earlier,
    /// The records before this one are not in the log.
    Beginning(u64),
    /// So many open records are not sealed, and may have been changed.
    Open(u64),
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recomputed(from) => write!(f, "whether the chain was recomputed from record {from} on"),
            Self::CutAtSeal => f.write_str("whether the log was cut at a seal"),
            Self::Earlier => f.write_str("whether there is a later log of the same store"),
            Self::Beginning(first) => write!(f, "the records before {first}, which are not in the log"),
            Self::Open(open) => write!(f, "{open} open records, which are not sealed"),
        }
    }
}

/// What is known of a log. Records are given by sequence; `…_to` is the sequence after the last one checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The store that the log is from, as it says.
    pub store: u64,
    /// The first record of the log.
    pub first: u64,
    /// The batches read without a fault.
    pub batches: u64,
    /// Records dropped since the store began, as the last seal read says.
    pub dropped: u64,
    /// Open records, not sealed.
    pub unsealed: u64,
    /// Up to where the chain holds.
    pub chain_to: Option<u64>,
    /// Up to where authenticators hold, if there was a secret.
    pub authentic_to: Option<u64>,
    /// Up to where it leads to the seal that was kept, if there was one.
    pub anchor_to: Option<u64>,
    /// Whether the end was read, and is right.
    pub ended: bool,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

impl Verification {
    /// Whether nothing is wrong, as far as could be checked: see [`unchecked`](Self::unchecked).
    #[must_use]
    pub fn holds(&self) -> bool {
        self.fault.is_none()
    }

    /// What could not be checked.
    #[must_use]
    pub fn unchecked(&self) -> Vec<Unchecked> {
        let mut all = Vec::new();
        if self.first > 0 {
            all.push(Unchecked::Beginning(self.first));
        }
        let sure_to = self.anchor_to.max(self.authentic_to).unwrap_or(self.first);
        if self.chain_to.is_some_and(|to| to > sure_to) {
            all.push(Unchecked::Recomputed(sure_to));
        }
        let authentic = self.authentic_to.is_some() && self.ended;
        all.push(if authentic { Unchecked::Earlier } else { Unchecked::CutAtSeal });
        if self.unsealed > 0 && !authentic {
            all.push(Unchecked::Open(self.unsealed));
        }
        all
    }
}

/// Verifies the bytes of a log.
#[must_use]
pub fn verify(bytes: &[u8], anchor: Option<&Anchor>, secrets: Option<&Secrets>) -> Verification {
    let mut walk = Walk {
        contexts: Contexts::new(),
        anchor,
        secrets,
        last: None,
        found: Verification {
            store: 0,
            first: 0,
            batches: 0,
            dropped: 0,
            unsealed: 0,
            chain_to: None,
            authentic_to: None,
            anchor_to: None,
            ended: false,
            fault: None,
        },
    };
    walk.found.fault = walk.log(bytes).err();
    walk.found
}

struct Walk<'a> {
    contexts: Contexts,
    anchor: Option<&'a Anchor>,
    secrets: Option<&'a Secrets>,
    /// The first batch of the log, and the last seal read.
    last: Option<(u64, Seal)>,
    found: Verification,
}

impl Walk<'_> {
    fn log(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut blocks = Blocks::new(bytes)?;
        self.found.store = blocks.store;
        loop {
            let at = blocks.at();
            match blocks.next()? {
                Some(Block::Batch(seal, records)) => {
                    self.batch(&seal, records).map_err(|fault| Fault { at, batch: Some(seal.batch), ..fault })?;
                }
                Some(Block::End(end, records)) => {
                    self.reached(at)?;
                    self.end(&end, records).map_err(|fault| Fault { at, ..fault })?;
                    let at = blocks.at();
                    return if at == bytes.len() { Ok(()) } else { Err(Fault::new(at, Problem::AfterEnd)) };
                }
                None => {
                    self.reached(at)?;
                    return Err(Fault::new(at, Problem::NoEnd));
                }
            }
        }
    }

    /// The log is over: has it come to the anchor?
    fn reached(&self, at: usize) -> Result<(), Fault> {
        match self.anchor {
            Some(_) if self.found.anchor_to.is_none() => Err(Fault::new(at, Problem::BeforeAnchor)),
            _ => Ok(()),
        }
    }

    fn batch(&mut self, seal: &Seal, records: &[Bytes]) -> Result<(), Fault> {
        let wrong = |problem| Err(Fault::new(0, problem));
        match &self.last {
            _ if seal.store != self.found.store => return wrong(Problem::Link),
            Some((_, before)) if !seal.follows(before) => return wrong(Problem::Link),
            None if seal.batch == 0 && !self.begins_chain(seal) => return wrong(Problem::Link),
            None if seal.batch > 0 && self.anchor.is_some_and(|anchor| seal.first > anchor.from) => {
                return wrong(Problem::Begins(seal.first));
            }
            _ => {}
        }
        self.records(records, seal.first)?;
        if tree::root(records) != seal.root {
            return wrong(Problem::Root);
        }
        if seal.chain != seal.chain_value(&self.contexts) {
            return wrong(Problem::Chain);
        }
        if let Some(secrets) = self.secrets {
            authentic(seal.authenticator, seal.authenticator_value(secrets), seal.key)?;
        }
        if let Some(anchor) = self.anchor
            && anchor.seal.batch == seal.batch
        {
            if anchor.seal != *seal {
                return wrong(Problem::Anchor);
            }
            self.found.anchor_to = Some(seal.end());
        }
        if self.last.is_none() {
            self.found.first = seal.first;
        }
        self.found.batches = self.found.batches.saturating_add(1);
        self.found.dropped = seal.dropped;
        self.found.chain_to = Some(seal.end());
        self.found.authentic_to = self.secrets.map(|_| seal.end());
        let first = self.last.map_or(seal.batch, |(first, _)| first);
        self.last = Some((first, *seal));
        Ok(())
    }

    fn begins_chain(&self, seal: &Seal) -> bool {
        seal.previous == Contexts::genesis(self.found.store) && seal.starts_after(0, 0)
    }

    fn end(&mut self, end: &End, open: &[Bytes]) -> Result<(), Fault> {
        let wrong = |problem| Err(Fault::new(0, problem));
        if end.digest != end.digest_value(&self.contexts) || end.root != tree::root(open) {
            return wrong(Problem::End);
        }
        if let Some(secrets) = self.secrets {
            authentic(end.authenticator, end.authenticator_value(secrets), end.key)?;
        }
        // Where the open records begin; of a log without batches only they themselves can say.
        let begins = match &self.last {
            Some((first, last)) => {
                let gap = end.dropped.checked_sub(last.dropped);
                if end.head != last.chain || end.first != *first || gap.is_none() {
                    return wrong(Problem::Link);
                }
                gap.and_then(|gap| last.end().checked_add(gap))
            }
            None if end.first == 0 => {
                if end.head != Contexts::genesis(end.store) {
                    return wrong(Problem::Link);
                }
                Some(end.dropped)
            }
            None => open.first().and_then(|record| sequence_of(record).ok()),
        };
        match begins {
            Some(begins) => self.records(open, begins)?,
            None if open.is_empty() => {}
            None => return wrong(Problem::Sequence),
        }
        if self.last.is_none() {
            self.found.first = begins.unwrap_or(0);
        }
        self.found.dropped = end.dropped;
        self.found.unsealed = u64::from(end.open);
        self.found.ended = true;
        if self.last.is_none() && self.secrets.is_some() {
            self.found.authentic_to = begins;
        }
        Ok(())
    }

    /// Records that are records, numbered from `first` on.
    fn records(&self, records: &[Bytes], first: u64) -> Result<(), Fault> {
        for (bytes, index) in records.iter().zip(0u64..) {
            let sequence = first.checked_add(index);
            let fault = |problem| Fault { sequence, ..Fault::new(0, problem) };
            let given = sequence_of(bytes).map_err(|why| fault(Problem::Record(why)))?;
            if Some(given) != sequence {
                return Err(fault(Problem::Sequence));
            }
        }
        Ok(())
    }
}

fn authentic(given: Digest, value: Option<Digest>, key: u32) -> Result<(), Fault> {
    match value {
        None => Err(Fault::new(0, Problem::UnknownSecret(key))),
        Some(value) if value != given => Err(Fault::new(0, Problem::Authenticator)),
        Some(_) => Ok(()),
    }
}

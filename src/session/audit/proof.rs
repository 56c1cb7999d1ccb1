//! That one record is in a sealed batch, without the others.
//!
//! A proof holds the record, the up to 15 others of its chunk, the chaining values from there to the root, and the seal;
//! and, if it is to be verified against a later seal, the seals in between. It says nothing twice, so that there is no
//! bit of it which may be altered: the place of the record in the batch is its own sequence, and the number of
//! neighbours and chaining values follows from the seal.
//!
//! As bytes: `PLGPROOF`, the seal, the record, its neighbours in order, the path from the root down, later seals.

use std::{error, fmt};

use serde::{Deserialize, Serialize};

use super::{
    digest::{Contexts, Digest, Secrets},
    read::Reader,
    record::{Bytes, Record, SIZE},
    seal::{Anchor, SEAL_SIZE, Seal},
    tree,
};

const MAGIC: &[u8; 8] = b"PLGPROOF";

/// A proof that a record is in a sealed batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The record.
    record: Record,
    /// The others of its chunk, in order.
    neighbours: Vec<Record>,
    /// The chaining values of the other halves, from the root down.
    path: Vec<Digest>,
    /// The seal of the batch.
    seal: Seal,
    /// The seals after it, up to that of the anchor.
    later: Vec<Seal>,
}

impl Proof {
    /// A proof for record `index` of a batch; `None` if there is no such record or the batch holds what is no record.
    pub(super) fn new(records: &[Bytes], index: usize, seal: Seal, later: Vec<Seal>) -> Option<Self> {
        let (first, len) = tree::chunk_of(index, records.len())?;
        let chunk = records.get(first..first.checked_add(len)?)?;
        let mut neighbours = chunk.iter().map(Record::from_bytes).collect::<Result<Vec<_>, _>>().ok()?;
        let record = neighbours.remove(index.checked_sub(first)?);
        Some(Self { record, neighbours, path: tree::path(records, index)?, seal, later })
    }

    /// The record, as the proof has it. What [`verify`](Self::verify) returns is proven.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The seal of the record's batch.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The record, proven to be in the log that the anchor's seal closes.
    ///
    /// # Errors
    ///
    /// When the record is not in the batch as sealed, or its seal does not lead to the anchor.
    pub fn verify(&self, anchor: &Anchor) -> Result<&Record, ProofError> {
        self.included()?;
        if *self.last() == anchor.seal { Ok(&self.record) } else { Err(ProofError::Anchor) }
    }

    /// The record, proven to be in a log that was sealed under one of the secrets.
    ///
    /// # Errors
    ///
    /// When the record is not in the batch as sealed, or a seal has no authenticator of these secrets.
    pub fn verify_secret(&self, secrets: &Secrets) -> Result<&Record, ProofError> {
        self.included()?;
        let mut seals = std::iter::once(&self.seal).chain(&self.later);
        let authentic = seals.all(|seal| seal.authenticator_value(secrets) == Some(seal.authenticator));
        if authentic { Ok(&self.record) } else { Err(ProofError::Authenticator) }
    }

    fn last(&self) -> &Seal {
        self.later.last().unwrap_or(&self.seal)
    }

    fn index(&self) -> Option<usize> {
        index(&self.record, &self.seal)
    }

    /// The record leads to the root, and each seal to the next.
    fn included(&self) -> Result<(), ProofError> {
        let root = || {
            let index = self.index()?;
            let count = usize::try_from(self.seal.count).ok()?;
            let (first, len) = tree::chunk_of(index, count)?;
            if self.neighbours.len().checked_add(1)? != len {
                return None;
            }
            let mut chunk: Vec<Bytes> = self.neighbours.iter().map(Record::to_bytes).collect();
            chunk.insert(index.checked_sub(first)?, self.record.to_bytes());
            tree::climb(&chunk, &self.path, index, count)
        };
        if !self.seal.well_formed() || root() != Some(self.seal.root) {
            return Err(ProofError::Record);
        }
        let contexts = Contexts::new();
        let mut before: Option<&Seal> = None;
        for seal in std::iter::once(&self.seal).chain(&self.later) {
            let linked = before.is_none_or(|before| seal.follows(before));
            if !linked || !seal.well_formed() || seal.chain != seal.chain_value(&contexts) {
                return Err(ProofError::Chain);
            }
            before = Some(seal);
        }
        Ok(())
    }

    /// The byte form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.seal.to_bytes());
        for record in std::iter::once(&self.record).chain(&self.neighbours) {
            bytes.extend_from_slice(&record.to_bytes());
        }
        for value in &self.path {
            bytes.extend_from_slice(value.as_bytes());
        }
        for seal in &self.later {
            bytes.extend_from_slice(&seal.to_bytes());
        }
        bytes
    }

    /// Reads the byte form. That it can be read says nothing about whether it proves anything.
    ///
    /// # Errors
    ///
    /// When the bytes do not have the shape of a proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        Self::read(bytes).ok_or(ProofError::Malformed)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array::<8>()? != MAGIC {
            return None;
        }
        let seal = Seal::from_bytes(reader.array::<SEAL_SIZE>()?)?;
        let record = Record::from_bytes(reader.array()?).ok()?;
        let index = index(&record, &seal)?;
        let count = usize::try_from(seal.count).ok()?;
        let (_, len) = tree::chunk_of(index, count)?;
        let neighbours = reader.arrays::<SIZE>(len.checked_sub(1)?)?;
        let neighbours = neighbours.iter().map(Record::from_bytes).collect::<Result<_, _>>().ok()?;
        let path = reader.arrays::<{ Digest::SIZE }>(tree::path_len(index, count)?)?;
        let path = path.iter().map(|value| Digest::new(*value)).collect();
        if !reader.left().is_multiple_of(SEAL_SIZE) {
            return None;
        }
        let later = reader.arrays::<SEAL_SIZE>(reader.left() / SEAL_SIZE)?;
        let later = later.iter().map(Seal::from_bytes).collect::<Option<_>>()?;
        Some(Self { record, neighbours, path, seal, later })
    }
}

fn index(record: &Record, seal: &Seal) -> Option<usize> {
    usize::try_from(record.sequence.checked_sub(seal.first)?).ok()
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The bytes are no proof.
    Malformed,
    /// The record is not in the batch that the seal closes.
    Record,
    /// The seals do not lead from one to the next.
    Chain,
    /// The last seal is not the anchor's.
    Anchor,
    /// A seal was not made under one of the secrets.
    Authenticator,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the bytes do not have the shape of a proof",
            Self::Record => "the record is not in the batch that the seal closes",
            Self::Chain => "the seals do not lead from one to the next",
            Self::Anchor => "the last seal is not the one that was kept",
            Self::Authenticator => "a seal was not made under one of the secrets",
        })
    }
}

impl error::Error for ProofError {}

//! The seal of a batch, and what of it is kept elsewhere.
//!
//! As bytes, little endian:
//!
//! | at | size | field |
//! |---:|---:|---|
//! | 0 | 8 | number of the store |
//! | 8 | 8 | number of the batch, from 0 |
//! | 16 | 8 | sequence of its first record |
//! | 24 | 8 | records dropped since the store began |
//! | 32 | 4 | number of records, 1 to 1,024 |
//! | 36 | 4 | id of the secret, 0 for none |
//! | 40 | 32 | Merkle root of the records |
//! | 72 | 32 | chain value of the seal before, or the start of the store's chain |
//! | 104 | 32 | authenticator: keyed hash of bytes 0 to 104, zero for none |
//! | 136 | 32 | chain value: hash of bytes 0 to 136 |
//!
//! INVARIANT (consecutive): the batch after this one begins at the sequence where this one ends, plus the records that
//! were dropped in between.

use serde::{Deserialize, Serialize};

use super::{
    digest::{Contexts, Digest, KeyId, Secrets},
    read::Reader,
};

/// Records of a full batch.
pub const BATCH: usize = 1024;

/// Bytes of a seal.
pub const SEAL_SIZE: usize = 168;

/// What seals one batch of records and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Number of the store.
    pub store: u64,
    /// Number of the batch, from 0.
    pub batch: u64,
    /// Sequence of its first record.
    pub first: u64,
    /// Records dropped since the store began, all before this batch.
    pub dropped: u64,
    /// Number of records, 1 to 1,024.
    pub count: u32,
    /// Id of the secret that made the authenticator, 0 for none.
    pub key: KeyId,
    /// Merkle root of the records.
    pub root: Digest,
    /// Chain value of the seal before.
    pub previous: Digest,
    /// Authenticator of all above, zero for none.
    pub authenticator: Digest,
    /// Chain value: a hash of all above.
    pub chain: Digest,
}

impl Seal {
    /// The sequence after the last record.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The byte form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SEAL_SIZE] {
        let mut bytes = [0; SEAL_SIZE];
        bytes[0..8].copy_from_slice(&self.store.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.batch.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.dropped.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.count.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.key.to_le_bytes());
        bytes[40..72].copy_from_slice(self.root.as_bytes());
        bytes[72..104].copy_from_slice(self.previous.as_bytes());
        bytes[104..136].copy_from_slice(self.authenticator.as_bytes());
        bytes[136..168].copy_from_slice(self.chain.as_bytes());
        bytes
    }

    /// Reads the byte form; `None` when the numbers cannot be a seal's. Whether the values are right is for
    /// [`verify`](super::verify()) to say.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SEAL_SIZE]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let seal = Self {
            store: reader.u64()?,
            batch: reader.u64()?,
            first: reader.u64()?,
            dropped: reader.u64()?,
            count: reader.u32()?,
            key: reader.u32()?,
            root: reader.digest()?,
            previous: reader.digest()?,
            authenticator: reader.digest()?,
            chain: reader.digest()?,
        };
        seal.well_formed().then_some(seal)
    }

    /// 1 to 1,024 records, numbered below the end of numbers; an authenticator only with a secret.
    pub(super) fn well_formed(&self) -> bool {
        (1..=BATCH).contains(&(self.count as usize))
            && self.first.checked_add(u64::from(self.count)).is_some()
            && (self.key != 0 || self.authenticator == Digest::ZERO)
    }

    /// Fills in the authenticator and the chain value.
    pub(super) fn close(&mut self, contexts: &Contexts, secrets: Option<&Secrets>) {
        self.key = secrets.map_or(0, |secrets| secrets.current().get());
        let bytes = self.to_bytes();
        self.authenticator = secrets.and_then(|secrets| secrets.seal(self.key, &bytes[..104])).unwrap_or(Digest::ZERO);
        self.chain = self.chain_value(contexts);
    }

    /// What the chain value should be.
    pub(super) fn chain_value(&self, contexts: &Contexts) -> Digest {
        contexts.chain(&self.to_bytes()[..136])
    }

    /// What the authenticator should be, if there is such a secret.
    pub(super) fn authenticator_value(&self, secrets: &Secrets) -> Option<Digest> {
        secrets.seal(self.key, &self.to_bytes()[..104])
    }

    /// Whether this seal comes right after that one.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.previous == before.chain
            && self.store == before.store
            && before.batch.checked_add(1) == Some(self.batch)
            && self.starts_after(before.end(), before.dropped)
    }

    /// Whether the sequence goes on where it ended, but for the records that were dropped. By INVARIANT (consecutive).
    pub(super) fn starts_after(&self, end: u64, dropped: u64) -> bool {
        self.dropped.checked_sub(dropped).and_then(|gap| end.checked_add(gap)) == Some(self.first)
    }
}

/// What is known of a log from elsewhere: one seal of it, and how far back it must reach.
///
/// Everything up to the seal is verified against it. Keep the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The seal that was kept.
    pub seal: Seal,
    /// The log must begin with this record or an earlier one.
    pub from: u64,
}

impl Anchor {
    /// The log must be whole, from the first record to this seal and beyond.
    #[must_use]
    pub const fn new(seal: Seal) -> Self {
        Self { seal, from: 0 }
    }

    /// The log need only reach back to this record, as that of a ring which has let go of earlier batches.
    #[must_use]
    pub const fn since(self, from: u64) -> Self {
        Self { from, ..self }
    }
}

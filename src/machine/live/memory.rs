//! Keys that `unique by` and `idempotent by` remember, as digests.
//!
//! Cost: one hash per option and event; 48 bytes or so per key. At the cap nothing is forgotten and nothing new is
//! accepted: the answer is then `unknown`, or a refusal.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::Time;
use crate::{
    data::{Sort, Value},
    id::MemoryId,
};

/// Keys remembered by one session unless told otherwise.
pub(super) const MOST: usize = 1_000_000;

/// A key as it is remembered: the option, and a digest of the instance and of the key's values.
pub(super) type Digest = (MemoryId, u128);

/// What was accepted under a key.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Accepted {
    content: u128,
    at: Time,
}

/// All keys of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memories {
    keys: FxHashMap<Digest, Accepted>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    New,
    Same,
    Other,
}

impl Memories {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        crate::data::table(self.keys.capacity(), size_of::<(Digest, Accepted)>())
    }

    pub(super) fn is_full(&self) -> bool {
        self.keys.len() >= MOST
    }

    /// What is known of a key; what is older than `lasts` is forgotten.
    pub(super) fn known(&self, digest: Digest, content: u128, now: Time, lasts: Option<Time>) -> Known {
        match self.keys.get(&digest) {
            Some(accepted) if lasts.is_some_and(|lasts| now.saturating_sub(accepted.at) > lasts) => Known::New,
            Some(accepted) if accepted.content == content => Known::Same,
            Some(_) => Known::Other,
            None => Known::New,
        }
    }

    pub(super) fn remember(&mut self, digest: Digest, content: u128, now: Time) {
        self.keys.insert(digest, Accepted { content, at: now });
    }
}

/// A digest of values, the same whenever they are equal.
pub fn digest<'v>(values: impl Iterator<Item = &'v Value> + Clone) -> u128 {
    let half = |seed: u64| {
        let mut hasher = FxHasher::default();
        seed.hash(&mut hasher);
        for value in values.clone() {
            value.hash(&mut hasher);
        }
        u128::from(hasher.finish())
    };
    (half(0x9E37_79B9_7F4A_7C15) << 64) | half(0xD1B5_4A32_D192_ED03)
}

/// A digest of a payload, as JSON text, without the fields that do not count; equal for texts that mean the same.
#[must_use]
pub fn content(payload: &str, except: &[Box<str>]) -> u128 {
    if payload.is_empty() {
        return 0;
    }
    match crate::data::read(&Sort::ANY, payload.as_bytes()) {
        Ok(Value::Record(record)) => {
            let counts = record.iter().filter(|(name, _)| !except.iter().any(|one| **one == ***name));
            let parts: Vec<Value> =
                counts.flat_map(|(name, value)| [Value::Text(name.clone()), value.clone()]).collect();
            digest(parts.iter())
        }
        Ok(value) => digest([value].iter()),
        // Too large to be built: the text itself.
        Err(_) => digest([Value::text(payload)].iter()),
    }
}

//! From bytes that come from outside to numbers: an open-addressed table over a keyed hash.
//!
//! The table holds half of each hash and a number; whoever owns the names compares them. The key of the hash is taken
//! from the standard library's random source, so that nobody can prepare names that collide. Nothing that is reported
//! depends on it.
//!
//! INVARIANT (room): at most three quarters of the entries are taken, so every search meets an empty one.
#![expect(clippy::arithmetic_side_effects, reason = "positions are masked, and sizes are bounded by memory")]

use std::hash::{BuildHasher, Hasher, RandomState};

/// A keyed hash of short texts: folded multiplications over words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64, u64);

impl Default for Key {
    fn default() -> Self {
        let word = || RandomState::new().build_hasher().finish();
        Self(word(), word() | 1)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Key {
    #[inline]
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        let mut hash = self.0 ^ (bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut rest = bytes;
        while let Some((word, more)) = rest.split_first_chunk::<8>() {
            hash = fold(hash ^ u64::from_le_bytes(*word), self.1 ^ 0xA076_1D64_78BD_642F);
            rest = more;
        }
        let mut last = 0;
        if let (Some(word), true) = (bytes.last_chunk::<8>(), !rest.is_empty()) {
            // The words overlap; the length keeps such texts apart.
            last = u64::from_le_bytes(*word);
        } else {
            for &byte in rest {
                last = last << 8 | u64::from(byte);
            }
        }
        fold(hash ^ last, self.1 ^ 0xE703_7ED1_A0B4_28DB)
    }
}

/// Numbers by the hashes of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// The upper half is that of the hash, the lower one more than the number; 0 is empty.
    entries: Vec<u64>,
    len: usize,
}

/// Numbers below this can be held.
pub(crate) const MOST: u32 = u32::MAX - 1;

impl Index {
    fn at(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.entries.len().wrapping_sub(1)
    }

    /// The number whose name it is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.at(hash);
        loop {
            let entry = *self.entries.get(at)?;
            if entry == 0 {
                return None;
            }
            if entry >> 32 == hash >> 32 {
                let number = (entry as u32).wrapping_sub(1);
                if is(number) {
                    return Some(number);
                }
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// The number whose name a search would compare first, if any.
    #[inline]
    pub(crate) fn hint(&self, hash: u64) -> Option<u32> {
        let mut at = self.at(hash);
        loop {
            let entry = *self.entries.get(at)?;
            if entry == 0 {
                return None;
            }
            if entry >> 32 == hash >> 32 {
                return Some((entry as u32).wrapping_sub(1));
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// Asks memory for the entry at which a search begins.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u64 {
        self.entries.get(self.at(hash)).copied().unwrap_or_default()
    }

    /// Adds a number, which must be less than [`MOST`] and whose name must not be there yet.
    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        if self.len >= self.entries.len() / 4 * 3 {
            let larger = (self.entries.len() * 2).max(64);
            let old = std::mem::replace(&mut self.entries, vec![0; larger]);
            for entry in old.into_iter().filter(|&entry| entry != 0) {
                self.put(entry);
            }
        }
        self.len += 1;
        self.put(hash >> 32 << 32 | u64::from(number + 1));
    }

    fn put(&mut self, entry: u64) {
        let mut at = self.at(entry);
        while let Some(slot) = self.entries.get_mut(at) {
            if *slot == 0 {
                *slot = entry;
                return;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// Gives the name of one number to another.
    pub(crate) fn renumber(&mut self, hash: u64, from: u32, to: u32) {
        let mut at = self.at(hash);
        let old = hash >> 32 << 32 | u64::from(from + 1);
        while let Some(slot) = self.entries.get_mut(at) {
            if *slot == old {
                *slot = hash >> 32 << 32 | u64::from(to + 1);
                return;
            }
            if *slot == 0 {
                return;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }
}

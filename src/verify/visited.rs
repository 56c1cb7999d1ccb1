//! The set of configurations that a search has met, in the order in which it met them.
//!
//! Configurations are numbered from 0. Their words stand one behind the other in an arena; a hash table of numbers
//! finds them again. Short ones take their full width; long ones (many roles, large bounds) are stored without their
//! zero words:
//!
//! ```text
//! up to 6 words   w0 w1 w2
//! longer          one bit per word: is it other than 0? · the words that are
//! ```
//!
//! With each number stands its parent and which of the parent's moves led to it, so that the run can be rebuilt.
//! All memory is accounted for before it is taken.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "numbers index the vectors that gave them out; sizes are checked against the memory limit before they grow"
)]

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Where a configuration was met first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    /// The configuration before it; its own number for the first one.
    pub(super) from: u32,
    /// Which of that one's moves, in the order of [`System::enabled`](crate::machine::System::enabled).
    pub(super) nth: u32,
}

/// No more fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The number of configurations.
    States,
    /// The memory.
    Memory,
}

/// Configurations longer than this are stored without their zero words.
const DENSE: usize = 6;

pub(super) struct Visited {
    /// Words per configuration as the layout has them.
    width: usize,
    arena: Vec<u64>,
    /// Of long ones: where each begins, and where the last ends.
    starts: Vec<usize>,
    table: HashTable<u32>,
    parents: Vec<Parent>,
    /// A long one being stored.
    scratch: Vec<u64>,
    max_states: usize,
    max_memory: usize,
    /// What others hold of the memory.
    pub(super) elsewhere: usize,
}

/// The hash of a configuration as it is stored.
#[inline]
pub(super) fn hash(words: &[u64]) -> u64 {
    let mut hasher = FxHasher::default();
    for &word in words {
        hasher.write_u64(word);
    }
    hasher.finish()
}

/// An item stored in the table takes its number and a control byte, at a load of at most 7/8.
const fn table_bytes(capacity: usize) -> usize {
    capacity.saturating_mul(size_of::<u32>() + 1).saturating_mul(8) / 7
}

impl Visited {
    pub(super) fn new(width: usize, max_states: usize, max_memory: usize, elsewhere: usize) -> Self {
        Self {
            width,
            arena: Vec::new(),
            starts: vec![0],
            table: HashTable::new(),
            parents: Vec::new(),
            scratch: Vec::new(),
            max_states: max_states.min(u32::MAX as usize),
            max_memory,
            elsewhere,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// Words per configuration as the layout has them.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Bytes in use, those held elsewhere included.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() * size_of::<u64>()
            + self.starts.capacity() * size_of::<usize>()
            + self.parents.capacity() * size_of::<Parent>()
            + table_bytes(self.table.capacity())
            + self.elsewhere
    }

    pub(super) fn parent(&self, at: u32) -> Parent {
        self.parents[at as usize]
    }

    #[inline]
    fn stored(&self, at: u32) -> &[u64] {
        let at = at as usize;
        if self.width <= DENSE {
            &self.arena[at * self.width..(at + 1) * self.width]
        } else {
            &self.arena[self.starts[at]..self.starts[at + 1]]
        }
    }

    /// Unpacks a configuration into as many words as the layout has.
    #[inline]
    pub(super) fn load(&self, at: u32, words: &mut [u64]) {
        let stored = self.stored(at);
        if self.width <= DENSE {
            words.copy_from_slice(stored);
            return;
        }
        let (present, mut rest) = stored.split_at(self.width.div_ceil(64));
        words.fill(0);
        for (block, &bits) in present.iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let n = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some((&word, more)) = rest.split_first() {
                    words[block * 64 + n] = word;
                    rest = more;
                }
            }
        }
    }

    /// The number of a configuration, and whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, words: &[u64], parent: Parent) -> Result<(u32, bool), Full> {
        if self.width <= DENSE {
            return self.insert_key(words, hash(words), parent);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        self.key(words, &mut scratch);
        let result = self.insert_key(&scratch, hash(&scratch), parent);
        self.scratch = scratch;
        result
    }

    /// Appends a configuration as it is stored.
    #[inline]
    pub(super) fn key(&self, words: &[u64], key: &mut Vec<u64>) {
        if self.width <= DENSE {
            key.extend_from_slice(words);
            return;
        }
        for block in words.chunks(64) {
            let present = block.iter().rev().fold(0u64, |bits, &word| (bits << 1) | u64::from(word != 0));
            key.push(present);
        }
        key.extend(words.iter().copied().filter(|&word| word != 0));
    }

    /// The number of a configuration as it is stored, with this hash, if it was met.
    #[inline]
    pub(super) fn find(&self, key: &[u64], hash: u64) -> Option<u32> {
        self.table.find(hash, |&at| self.stored(at) == key).copied()
    }

    /// [`Visited::insert`] for one as it is stored, with its hash.
    #[inline]
    pub(super) fn insert_key(&mut self, key: &[u64], hash: u64, parent: Parent) -> Result<(u32, bool), Full> {
        if let Some(at) = self.find(key, hash) {
            return Ok((at, false));
        }
        self.make_room(key.len())?;
        let at = u32::try_from(self.parents.len()).map_err(|_| Full::States)?;
        self.arena.extend_from_slice(key);
        if self.width > DENSE {
            self.starts.push(self.arena.len());
        }
        self.parents.push(parent);
        let Self { table, arena, starts, width, .. } = self;
        table.insert_unique(hash, at, |&at| {
            let at = at as usize;
            let stored = if *width <= DENSE {
                &arena[at * *width..(at + 1) * *width]
            } else {
                &arena[starts[at]..starts[at + 1]]
            };
            self::hash(stored)
        });
        Ok((at, true))
    }

    /// Refuses what would not fit; what grows is old and new at once while it is copied.
    fn make_room(&mut self, words: usize) -> Result<(), Full> {
        if self.parents.len() >= self.max_states {
            return Err(Full::States);
        }
        let mut more = 0usize;
        if self.arena.capacity() - self.arena.len() < words {
            more = more.saturating_add(self.arena.capacity().max(words).saturating_mul(2 * size_of::<u64>()));
        }
        if self.parents.len() == self.parents.capacity() {
            more = more.saturating_add(self.parents.capacity().saturating_mul(2 * size_of::<Parent>()));
        }
        if self.width > DENSE && self.starts.len() == self.starts.capacity() {
            more = more.saturating_add(self.starts.capacity().saturating_mul(2 * size_of::<usize>()));
        }
        if self.table.len() == self.table.capacity() {
            more = more.saturating_add(table_bytes(self.table.capacity().max(4).saturating_mul(2)));
        }
        if more > 0 && self.bytes().saturating_add(more) > self.max_memory {
            return Err(Full::Memory);
        }
        Ok(())
    }
}

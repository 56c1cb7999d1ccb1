//! Sorted entries in chunks: what sets and maps are made of.
//!
//! An only copy is changed where it is; of one that is shared, a change copies the chunk it is in and the list of chunks.
//! So a change of n entries costs O(log n) comparisons, and O(n / [`MOST`]) reference counts at worst.
//!
//! ```text
//! chunks   [ 1 2 5 | 7 8 9 12 | 15 18 ]     a key is in the last chunk whose first key is not greater
//! ```
//!
//! INVARIANT (sorted): keys rise strictly, within a chunk and from chunk to chunk; no chunk is empty.

use std::{cmp::Ordering, sync::Arc};

use super::{Value, Weigher};

/// Entries of a chunk.
const MOST: usize = 64;

/// Keys with values, in the order of the keys.
#[derive(Clone, Debug)]
pub(super) struct Ordered<V> {
    chunks: Vec<Arc<Vec<(Value, V)>>>,
    len: usize,
}

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<V: Clone> Ordered<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher, inner: impl Fn(&V, &mut Weigher)) {
        all.block(self.chunks.capacity().saturating_mul(size_of::<Arc<Vec<(Value, V)>>>()));
        for chunk in &self.chunks {
            let bytes = chunk.capacity().saturating_mul(size_of::<(Value, V)>());
            if all.shared(Arc::as_ptr(chunk).cast(), size_of::<Vec<(Value, V)>>().saturating_add(bytes)) {
                for (key, value) in chunk.iter() {
                    all.value(key);
                    inner(value, all);
                }
            }
        }
    }

    /// In order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &(Value, V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The chunk in which a key is, or would be; the last one is looked at first.
    fn chunk_of(&self, key: &Value) -> usize {
        let begins = |chunk: &Arc<Vec<(Value, V)>>| chunk.first().is_some_and(|(first, _)| first <= key);
        let last = self.chunks.len().saturating_sub(1);
        if self.chunks.last().is_none_or(begins) {
            return last;
        }
        if !self.chunks.first().is_some_and(begins) {
            return 0;
        }
        self.chunks.partition_point(begins).saturating_sub(1)
    }

    /// The entry of a key.
    pub(super) fn get(&self, key: &Value) -> Option<&(Value, V)> {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        chunk.get(place(chunk, key).ok()?)
    }

    /// Sets the value of a key, and returns what it had.
    pub(super) fn insert(&mut self, key: Value, value: V) -> Option<V> {
        let number = self.chunk_of(&key);
        let Some(chunk) = self.chunks.get_mut(number) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            self.len = 1;
            return None;
        };
        let at = match place(chunk, &key) {
            Ok(at) => {
                let (_, old) = Arc::make_mut(chunk).get_mut(at)?;
                return Some(std::mem::replace(old, value));
            }
            Err(at) => at,
        };
        self.len = self.len.saturating_add(1);
        let full = chunk.len() >= MOST;
        if full && at == chunk.len() {
            // What only grows at its end leaves full chunks behind.
            let mut next = Vec::with_capacity(MOST);
            next.push((key, value));
            self.chunks.insert(number.saturating_add(1), Arc::new(next));
            return None;
        }
        let chunk = Arc::make_mut(chunk);
        if !full {
            chunk.insert(at, (key, value));
            return None;
        }
        let mut upper = chunk.split_off(MOST / 2);
        match at.checked_sub(chunk.len()) {
            Some(at) => upper.insert(at, (key, value)),
            None => chunk.insert(at, (key, value)),
        }
        self.chunks.insert(number.saturating_add(1), Arc::new(upper));
        None
    }

    /// Removes a key, and returns its entry.
    pub(super) fn remove(&mut self, key: &Value) -> Option<(Value, V)> {
        let number = self.chunk_of(key);
        let chunk = self.chunks.get_mut(number)?;
        let at = place(chunk, key).ok()?;
        self.len = self.len.saturating_sub(1);
        let chunk = Arc::make_mut(chunk);
        let entry = chunk.remove(at);
        if chunk.is_empty() {
            self.chunks.remove(number);
        } else if chunk.len() < MOST / 4 {
            self.join(number);
            if let Some(before) = number.checked_sub(1) {
                self.join(before);
            }
        }
        Some(entry)
    }

    /// A small chunk takes the next one in, if both together are small too: so chunks are not many for what they hold.
    fn join(&mut self, number: usize) {
        let next = number.saturating_add(1);
        let len = |at: usize| self.chunks.get(at).map(|chunk| chunk.len());
        if let (Some(own), Some(more)) = (len(number), len(next))
            && own.saturating_add(more) <= MOST / 2
        {
            let upper = self.chunks.remove(next);
            if let Some(chunk) = self.chunks.get_mut(number) {
                Arc::make_mut(chunk).extend(Arc::unwrap_or_clone(upper));
            }
        }
    }
}

/// Where a key is in a chunk, or would be.
fn place<V>(chunk: &[(Value, V)], key: &Value) -> Result<usize, usize> {
    // What comes last, and what came first, are asked for most; and what is not there at all.
    if let Some((last, _)) = chunk.last()
        && last < key
    {
        return Err(chunk.len());
    }
    match chunk.first().map(|(first, _)| first.cmp(key)) {
        Some(Ordering::Equal) => Ok(0),
        Some(Ordering::Greater) => Err(0),
        _ => chunk.binary_search_by(|(known, _)| known.cmp(key)),
    }
}

//! Values in order, in chunks: what long lists are made of.
//!
//! An only copy is changed where it is; of one that is shared, a change copies the chunk it is in and the list of chunks.
//!
//! INVARIANT (full): every chunk but the first and the last holds [`MOST`] values, and none is empty; so a place is found
//! by division.

use std::sync::Arc;

use super::{Value, Weigher};

/// Values of a chunk.
const MOST: usize = 64;

/// Values in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    chunks: Vec<Arc<Vec<Value>>>,
    len: usize,
}

impl Sequence {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        all.block(self.chunks.capacity().saturating_mul(size_of::<Arc<Vec<Value>>>()));
        for chunk in &self.chunks {
            let bytes = chunk.capacity().saturating_mul(size_of::<Value>());
            if all.shared(Arc::as_ptr(chunk).cast(), size_of::<Vec<Value>>().saturating_add(bytes)) {
                chunk.iter().for_each(|value| all.value(value));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub(super) fn get(&self, at: usize) -> Option<&Value> {
        let first = self.chunks.first()?;
        match at.checked_sub(first.len()) {
            None => first.get(at),
            Some(rest) => self.chunks.get((rest / MOST).saturating_add(1))?.get(rest % MOST),
        }
    }

    pub(super) fn push(&mut self, value: Value) {
        self.len = self.len.saturating_add(1);
        // The first chunk may be short at its beginning only: as the only one it may grow, later it may not.
        match self.chunks.last_mut() {
            Some(last) if last.len() < MOST => Arc::make_mut(last).push(value),
            _ => {
                let mut next = Vec::with_capacity(MOST);
                next.push(value);
                self.chunks.push(Arc::new(next));
            }
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<Value> {
        let first = Arc::make_mut(self.chunks.first_mut()?);
        if first.is_empty() {
            return None;
        }
        let value = first.remove(0);
        if first.is_empty() {
            self.chunks.remove(0);
        }
        self.len = self.len.saturating_sub(1);
        Some(value)
    }
}

impl FromIterator<Value> for Sequence {
    fn from_iter<T: IntoIterator<Item = Value>>(values: T) -> Self {
        let mut all = Self::default();
        values.into_iter().for_each(|value| all.push(value));
        all
    }
}

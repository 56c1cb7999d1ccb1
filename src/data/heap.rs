//! What values hold on the heap, for whoever accounts for memory.
//!
//! What several values share is counted once by one [`Weigher`].

use std::mem::size_of_val;

use rustc_hash::FxHashSet;

use super::Value;

/// An `Arc` has two counters before what it holds.
const COUNTERS: usize = 16;

/// Adds up what values hold.
#[derive(Debug, Default)]
pub struct Weigher {
    seen: FxHashSet<usize>,
    /// Bytes, as allocated.
    pub bytes: usize,
    /// How many things were looked at: what it cost.
    pub parts: usize,
}

impl Weigher {
    /// A vector of values, or what else has an allocation of its own.
    pub fn block(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.parts = self.parts.saturating_add(1);
    }

    /// Something that may be shared: whether it is new, and so to be looked into.
    pub fn shared(&mut self, at: *const (), bytes: usize) -> bool {
        let new = self.seen.insert(at.addr());
        self.parts = self.parts.saturating_add(1);
        if new {
            self.bytes = self.bytes.saturating_add(bytes).saturating_add(COUNTERS);
        }
        new
    }

    /// The values of a frame or of a payload.
    pub fn values<'v>(&mut self, values: impl IntoIterator<Item = &'v Option<Value>>) {
        values.into_iter().flatten().for_each(|value| self.value(value));
    }

    /// What a value holds. As deep as collections nest.
    pub fn value(&mut self, value: &Value) {
        self.parts = self.parts.saturating_add(1);
        match value {
            Value::Unit
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Small(_)
            | Value::Float(_)
            | Value::Uuid(_)
            | Value::Timestamp(_)
            | Value::Duration(_) => {}
            Value::Exact(exact) => {
                self.shared(std::sync::Arc::as_ptr(exact).cast(), size_of_val(&**exact).saturating_add(exact.heap()));
            }
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => {
                self.shared(std::sync::Arc::as_ptr(bytes).cast(), bytes.len());
            }
            Value::List(list) => {
                if self.shared(std::sync::Arc::as_ptr(list).cast(), size_of_val(&**list)) {
                    list.weigh(self);
                }
            }
            Value::Set(set) => {
                if self.shared(std::sync::Arc::as_ptr(set).cast(), size_of_val(&**set)) {
                    set.weigh(self);
                }
            }
            Value::Map(map) => {
                if self.shared(std::sync::Arc::as_ptr(map).cast(), size_of_val(&**map)) {
                    map.weigh(self);
                }
            }
            Value::Record(record) => {
                if self.shared(std::sync::Arc::as_ptr(record).cast(), size_of_val(&**record)) {
                    record.weigh(self);
                }
            }
        }
    }

    /// A text that may be shared.
    pub(super) fn text(&mut self, text: &std::sync::Arc<str>) {
        self.shared(std::sync::Arc::as_ptr(text).cast(), text.len());
    }
}

/// Bytes of a hash table that holds so many entries of a size before it grows: at most 7 of 8 places are used, their number
/// is a power of two, and each has a byte of its own.
#[must_use]
pub fn table(capacity: usize, entry: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let places = if capacity < 8 {
        capacity.saturating_add(1).next_power_of_two().max(4)
    } else {
        (capacity / 7).saturating_mul(8).next_power_of_two()
    };
    places.saturating_mul(entry.saturating_add(1)).saturating_add(16)
}

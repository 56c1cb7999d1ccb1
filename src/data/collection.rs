//! Lists, sets, maps and records: in chunks that copies share, so that a change copies few of them, and an only copy is
//! changed where it is.
//!
//! Each knows its [`Extent`]: how much there is in it, and how deep. INVARIANT (bounded): no collection has a weight beyond
//! [`MAX_WEIGHT`] or a depth beyond [`MAX_DEPTH`]; so whoever walks a value needs no other bound, even where one part
//! is shared many times.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::{Weigher, ordered::Ordered, sequence::Sequence, value::Value};

/// The greatest weight: one for each value inside, and one for every 32 bytes of text.
pub const MAX_WEIGHT: u32 = 1 << 20;
/// How deep collections nest.
pub const MAX_DEPTH: u16 = 128;

/// A collection that would be too large or too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversize;

/// How much there is in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// One for each value inside and for every 32 bytes of text.
    pub weight: u32,
    /// An upper bound of the levels.
    pub depth: u16,
}

impl Extent {
    /// Of an empty collection.
    const NONE: Self = Self { weight: 1, depth: 1 };

    pub(super) fn text(bytes: usize) -> Self {
        Self { weight: u32::try_from(bytes / 32).unwrap_or(u32::MAX).saturating_add(1), depth: 0 }
    }

    fn with(self, inner: Self) -> Result<Self, Oversize> {
        let weight = self.weight.saturating_add(inner.weight);
        let depth = self.depth.max(inner.depth.saturating_add(1));
        if weight > MAX_WEIGHT || depth > MAX_DEPTH { Err(Oversize) } else { Ok(Self { weight, depth }) }
    }

    fn without(self, inner: Self) -> Self {
        Self { weight: self.weight.saturating_sub(inner.weight).max(1), depth: self.depth }
    }
}

/// Values in order.
#[derive(Clone, Debug)]
pub struct List {
    items: Items,
    extent: Extent,
}

/// Short lists are copied: that is cheaper than to share parts of them.
#[derive(Clone, Debug)]
enum Items {
    Few(Vec<Value>),
    Many(Sequence),
}

/// Up to this many are few.
const FEW: usize = 16;

impl Items {
    /// As those that are shared.
    fn many(&mut self) -> &mut Sequence {
        loop {
            match self {
                Self::Many(many) => return many,
                Self::Few(few) => *self = Self::Many(std::mem::take(few).into_iter().collect()),
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Value> {
        let (few, many) = match self {
            Self::Few(few) => (&**few, None),
            Self::Many(many) => (&[][..], Some(many)),
        };
        few.iter().chain(many.into_iter().flat_map(Sequence::iter))
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }
}

/// Values without repeats, in their order.
#[derive(Clone, Debug)]
pub struct Set {
    items: Ordered<()>,
    extent: Extent,
}

/// Keys with values, in the order of the keys.
#[derive(Clone, Debug)]
pub struct Map {
    entries: Ordered<Value>,
    extent: Extent,
}

/// Fields with values.
type Known = Box<[(Arc<str>, Value)]>;

/// Fields with values, in the order of their names.
///
/// INVARIANT (sorted): names rise strictly. INVARIANT (late): what has no fields yet has a text that gives them.
#[derive(Clone)]
pub struct Record {
    fields: OnceLock<Known>,
    /// What it was read from, if that was kept.
    text: Option<Box<str>>,
    extent: Extent,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("fields", &self.fields()).field("extent", &self.extent).finish()
    }
}

impl List {
    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        match &self.items {
            Items::Few(few) => {
                all.block(few.capacity().saturating_mul(size_of::<Value>()));
                few.iter().for_each(|value| all.value(value));
            }
            Items::Many(many) => many.weigh(all),
        }
    }
}

impl Set {
    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        self.items.weigh(all, |(), _| {});
    }
}

impl Map {
    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        self.entries.weigh(all, |value, all| all.value(value));
    }
}

impl Record {
    /// Adds what it holds.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        all.block(self.text.as_ref().map_or(0, |text| text.len()));
        let Some(fields) = self.fields.get() else { return };
        all.block(size_of_val(&**fields));
        for (name, value) in fields {
            all.text(name);
            all.value(value);
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self { items: Items::Few(Vec::new()), extent: Extent::NONE }
    }
}

impl List {
    /// Of values in order.
    pub fn of(values: impl IntoIterator<Item = Value>) -> Result<Self, Oversize> {
        let mut list = Self::default();
        for value in values {
            list.push(value)?;
        }
        Ok(list)
    }

    /// One value more, at the end.
    pub fn push(&mut self, value: Value) -> Result<(), Oversize> {
        self.extent = self.extent.with(value.extent())?;
        match &mut self.items {
            Items::Few(few) if few.len() < FEW => few.push(value),
            items => items.many().push(value),
        }
        Ok(())
    }

    /// All of another list behind this one.
    pub fn append(&mut self, other: &Self) -> Result<(), Oversize> {
        let weight = self.extent.weight.saturating_add(other.extent.weight);
        let depth = self.extent.depth.max(other.extent.depth);
        if weight > MAX_WEIGHT {
            return Err(Oversize);
        }
        self.extent = Extent { weight, depth };
        match (&mut self.items, &other.items) {
            (Items::Few(few), Items::Few(more)) if few.len().saturating_add(more.len()) <= FEW => {
                few.extend_from_slice(more);
            }
            (items, more) => {
                let many = items.many();
                more.iter().for_each(|value| many.push(value.clone()));
            }
        }
        Ok(())
    }

    /// Without the first.
    pub fn pop(&mut self) -> Option<Value> {
        let first = match &mut self.items {
            Items::Few(few) if few.is_empty() => return None,
            Items::Few(few) => few.remove(0),
            Items::Many(many) => many.pop_front()?,
        };
        self.extent = self.extent.without(first.extent());
        Some(first)
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Value> {
        match &self.items {
            Items::Few(few) => few.get(at),
            Items::Many(many) => many.get(at),
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.len() == 0
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.items.iter()
    }

    /// How much.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }
}

impl Default for Set {
    fn default() -> Self {
        Self { items: Ordered::default(), extent: Extent::NONE }
    }
}

impl Set {
    /// Adds a value; whether it is new.
    pub fn add(&mut self, value: Value) -> Result<bool, Oversize> {
        if self.contains(&value) {
            return Ok(false);
        }
        self.extent = self.extent.with(value.extent())?;
        self.items.insert(value, ());
        Ok(true)
    }

    /// Removes a value, if it is in it.
    pub fn remove(&mut self, value: &Value) {
        if let Some((old, ())) = self.items.remove(value) {
            self.extent = self.extent.without(old.extent());
        }
    }

    /// Whether it is in it.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.items.get(value).is_some()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.len() == 0
    }

    /// In order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.items.iter().map(|(value, ())| value)
    }

    /// How much.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }
}

impl Default for Map {
    fn default() -> Self {
        Self { entries: Ordered::default(), extent: Extent::NONE }
    }
}

impl Map {
    /// Sets the value of a key; whether the key is new.
    pub fn put(&mut self, key: Value, value: Value) -> Result<bool, Oversize> {
        let new = value.extent();
        // Most often there is room, whatever the key held: then it need not be looked for beforehand.
        if let Ok(more) = self.extent.with(key.extent()).and_then(|more| more.with(new)) {
            let old = self.entries.insert(key, value);
            self.extent = match &old {
                None => more,
                Some(old) => self.extent.without(old.extent()).with(new)?,
            };
            return Ok(old.is_none());
        }
        let known = self.get(&key).map(Value::extent);
        let base = match known {
            Some(old) => self.extent.without(old),
            None => self.extent.with(key.extent())?,
        };
        self.extent = base.with(new)?;
        self.entries.insert(key, value);
        Ok(known.is_none())
    }

    /// Removes a key, if it has it.
    pub fn remove(&mut self, key: &Value) {
        if let Some((key, value)) = self.entries.remove(key) {
            self.extent = self.extent.without(key.extent()).without(value.extent());
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// How much.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }
}

/// The fields of a record while it is built: few, most often.
pub type Fields = SmallVec<[(Arc<str>, Value); 8]>;

/// Fields that do not make a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// A name stands twice.
    Twice(Arc<str>),
    /// There is too much in them.
    Oversize,
}

impl Record {
    /// Of fields in any order.
    pub fn of(fields: impl Into<Fields>) -> Result<Self, BadRecord> {
        let mut fields = fields.into();
        let sorted = fields.is_sorted_by(|(a, _), (b, _)| a < b);
        if !sorted {
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut pairs = fields.iter().zip(fields.iter().skip(1));
            if let Some(((name, _), _)) = pairs.find(|((a, _), (b, _))| a == b) {
                return Err(BadRecord::Twice(name.clone()));
            }
        }
        let mut extent = Extent::NONE;
        for (_, value) in &fields {
            extent = extent.with(value.extent()).map_err(|Oversize| BadRecord::Oversize)?;
        }
        Ok(Self { fields: OnceLock::from(fields.into_boxed_slice()), text: None, extent })
    }

    /// Of an object as it was written, and how much is in it; built when somebody looks.
    pub(super) fn late(text: &str, extent: Extent) -> Self {
        Self { fields: OnceLock::new(), text: Some(text.into()), extent }
    }

    fn fields(&self) -> &[(Arc<str>, Value)] {
        self.fields.get_or_init(|| self.text.as_deref().map(super::read::fields).unwrap_or_default())
    }

    /// Whether it was not built yet.
    #[cfg(test)]
    pub(super) fn is_late(&self) -> bool {
        self.fields.get().is_none()
    }

    /// Whether it is the same by a look: by the text that it was read from. If not, it may still be equal.
    pub(super) fn is_surely(&self, other: &Self) -> bool {
        matches!((&self.text, &other.text), (Some(a), Some(b)) if a == b)
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let fields = self.fields();
        if fields.len() <= 8 {
            return fields.iter().find(|(known, _)| **known == *name).map(|(_, value)| value);
        }
        let at = fields.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        fields.get(at).map(|(_, value)| value)
    }

    /// How many fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, &Value)> {
        self.fields().iter().map(|(name, value)| (name, value))
    }

    /// How much.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The same as a map.
    pub fn to_map(&self) -> Result<Map, Oversize> {
        let mut map = Map::default();
        for (name, value) in self.fields() {
            map.put(Value::Text(name.clone()), value.clone())?;
        }
        Ok(map)
    }
}

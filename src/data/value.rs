//! Values of sorts: cheap to clone, totally ordered, equal when they mean the same.
//!
//! An enum's value is its text, the `none` of an option is unit (`null`), a field that is absent is not in its record, and
//! any JSON is a value without further ado. `1`, `1.0` and `1e0` are one integer; numbers of all kinds compare by what
//! they are worth; a record equals the map of its fields.
//!
//! INVARIANT (finite): a float is finite. INVARIANT (one form): a number has one form, see [`super::number`].

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{
    collection::{Extent, List, Map, Record, Set},
    number::{Exact, Small},
};

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// The one value of `unit`; JSON's null; the none of an option.
    Unit,
    /// `true`, `false`
    Bool(bool),
    /// An integer that fits a word.
    Int(i64),
    /// A decimal that fits a word and is no integer.
    Small(Small),
    /// A number that fits neither.
    Exact(Arc<Exact>),
    /// A float, finite.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Octets.
    Bytes(Arc<[u8]>),
    /// A UUID.
    Uuid([u8; 16]),
    /// A point in time, in microseconds since 1970.
    Timestamp(i64),
    /// A span of time, in microseconds.
    Duration(i64),
    /// A list.
    List(Arc<List>),
    /// A set.
    Set(Arc<Set>),
    /// A map.
    Map(Arc<Map>),
    /// A record.
    Record(Arc<Record>),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// How much there is in it.
    #[must_use]
    pub fn extent(&self) -> Extent {
        match self {
            Self::Text(text) => Extent::text(text.len()),
            Self::Bytes(bytes) => Extent::text(bytes.len()),
            Self::List(list) => list.extent(),
            Self::Set(set) => set.extent(),
            Self::Map(map) => map.extent(),
            Self::Record(record) => record.extent(),
            Self::Exact(_) => Extent { weight: 16, depth: 0 },
            _ => Extent { weight: 1, depth: 0 },
        }
    }

    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unit => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Exact(exact) if exact.is_integer() => "an integer",
            Self::Small(_) | Self::Exact(_) => "a decimal",
            Self::Float(_) => "a float",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "a uuid",
            Self::Timestamp(_) => "a timestamp",
            Self::Duration(_) => "a duration",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Record(_) => "a record",
        }
    }

    /// Whether it is an integer of any size.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Exact(exact) => exact.is_integer(),
            _ => false,
        }
    }

    /// Whether it is an exact number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Small(_) | Self::Exact(_))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Unit => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Small(_) | Self::Exact(_) | Self::Float(_) => 2,
            Self::Text(_) => 3,
            Self::Bytes(_) => 4,
            Self::Uuid(_) => 5,
            Self::Timestamp(_) => 6,
            Self::Duration(_) => 7,
            Self::List(_) => 8,
            Self::Set(_) => 9,
            Self::Map(_) | Self::Record(_) => 10,
        }
    }

    /// The exact number that it is, a float's included.
    pub(super) fn exact(&self) -> Option<Exact> {
        match self {
            Self::Float(float) => Some(Exact::of_float(*float)),
            other => Exact::of(other),
        }
    }
}

impl PartialEq for Value {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.order(other),
        }
    }
}

impl Value {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (Self::Small(a), Self::Small(b)) if a.parts().1 == b.parts().1 => a.parts().0.cmp(&b.parts().0),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::List(a), Self::List(b)) => {
                if Arc::ptr_eq(a, b) {
                    Ordering::Equal
                } else {
                    a.iter().cmp(b.iter())
                }
            }
            (Self::Set(a), Self::Set(b)) => {
                if Arc::ptr_eq(a, b) {
                    Ordering::Equal
                } else {
                    a.iter().cmp(b.iter())
                }
            }
            (Self::Map(a), Self::Map(b)) => {
                if Arc::ptr_eq(a, b) {
                    Ordering::Equal
                } else {
                    a.iter().cmp(b.iter())
                }
            }
            (Self::Record(a), Self::Record(b)) => {
                if Arc::ptr_eq(a, b) || a.is_surely(b) {
                    Ordering::Equal
                } else {
                    a.iter().cmp(b.iter())
                }
            }
            (Self::Record(a), Self::Map(b)) => mixed(a, b),
            (Self::Map(a), Self::Record(b)) => mixed(b, a).reverse(),
            _ => match self.rank().cmp(&other.rank()) {
                Ordering::Equal => match (self.exact(), other.exact()) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    _ => Ordering::Equal,
                },
                unlike => unlike,
            },
        }
    }
}

fn mixed(record: &Record, map: &Map) -> Ordering {
    let mut entries = map.iter();
    for (name, value) in record.iter() {
        let Some((key, other)) = entries.next() else { return Ordering::Greater };
        let order = match key {
            Value::Text(key) => (**name).cmp(key),
            other => Value::Text(name.clone()).cmp(other),
        };
        match order.then_with(|| value.cmp(other)) {
            Ordering::Equal => {}
            unlike => return unlike,
        }
    }
    if entries.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.rank());
        match self {
            Self::Unit => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(int) => int.hash(state),
            Self::Small(small) => small.hash(state),
            Self::Exact(exact) => exact.hash(state),
            Self::Float(float) => {
                let exact = Exact::of_float(*float);
                // The form that an equal exact number has; beyond the limits there is none.
                match exact.clone().value() {
                    Ok(Self::Int(int)) => int.hash(state),
                    Ok(Self::Small(small)) => small.hash(state),
                    _ => exact.hash(state),
                }
            }
            Self::Text(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Uuid(uuid) => uuid.hash(state),
            Self::Timestamp(micros) | Self::Duration(micros) => micros.hash(state),
            Self::List(list) => {
                state.write_usize(list.len());
                list.iter().for_each(|value| value.hash(state));
            }
            Self::Set(set) => {
                state.write_usize(set.len());
                set.iter().for_each(|value| value.hash(state));
            }
            Self::Map(map) => {
                state.write_usize(map.len());
                for (key, value) in map.iter() {
                    key.hash(state);
                    value.hash(state);
                }
            }
            Self::Record(record) => {
                state.write_usize(record.len());
                for (name, value) in record.iter() {
                    state.write_u8(3);
                    name.hash(state);
                    value.hash(state);
                }
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

//! Dense ids: 32-bit numbers that index one table each.
//!
//! Lowering gives every role, label, sort, variable, state and edge of a specification a dense id; everything after it
//! speaks in ids, and only a report turns them back into names. An id indexes only its own table: indexing an
//! `IdVec<StateId, _>` with a [`RoleId`] does not compile.
//!
//! INVARIANT (dense): the ids of a table of `n` entries are `0..n`, in the order in which they were pushed.
//!
//! Ids have no arithmetic. More than `u32::MAX` entries is an error where the id is made ([`TooMany`]), never a wrap.

use std::{fmt, marker::PhantomData, ops};

/// More entries than an id can number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// What there are too many of, for example `state`.
    pub what: &'static str,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} entries of kind `{}`", u32::MAX, self.what)
    }
}

impl std::error::Error for TooMany {}

/// What all ids have in common.
pub trait Id: Copy + Eq + Ord + std::hash::Hash + fmt::Debug {
    /// What the id numbers, for messages.
    const WHAT: &'static str;
    /// The id with this number, if it fits 32 bits.
    fn new(index: usize) -> Result<Self, TooMany>;
    /// The number, as an index.
    fn index(self) -> usize;
    /// The number.
    fn raw(self) -> u32;
    /// The id of a number that was an id before.
    fn from_raw(raw: u32) -> Self;
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(u32);

        impl Id for $name {
            const WHAT: &'static str = $what;

            #[inline]
            fn new(index: usize) -> Result<Self, TooMany> {
                u32::try_from(index).map(Self).map_err(|_| TooMany { what: $what })
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }

            #[inline]
            fn raw(self) -> u32 {
                self.0
            }

            #[inline]
            fn from_raw(raw: u32) -> Self {
                Self(raw)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}#{}", $what, self.0)
            }
        }
    )*};
}

id! {
    /// A source text.
    FileId = "file";
    /// A file of a specification, while it is lowered.
    ModuleId = "module";
    /// A declaration of a specification, while it is lowered.
    DeclId = "declaration";
    /// A declaration at given constants, while it is lowered.
    DraftId = "draft";
    /// A role of one protocol or system.
    RoleId = "role";
    /// A message label; one table for a whole specification.
    LabelId = "label";
    /// A payload signature, such as `(name: string, int)`; one table for a whole specification.
    SortId = "sort";
    /// A recursion variable, or the name of a block of a `states`; the id is that of its *text*, so shadowing is
    /// resolved by whoever reads the term.
    VarId = "variable";
    /// A protocol at given roles and arguments: what `do` calls.
    BodyId = "instance";
    /// A sequence of statements.
    BlockId = "block";
    /// A `par`, `during` or `try` of a term.
    ScopeId = "scope";
    /// A region of a protocol: statements with an end of their own, such as a part of a `par` or a handler.
    RegionId = "region";
    /// A frame of variables: one for the session, and one for each family.
    FrameId = "frame";
    /// A place where `unique by` or `idempotent by` remembers keys.
    MemoryId = "memory";
    /// A node of a control-flow graph.
    NodeId = "node";
    /// A state of one role's machine. Id 0 is the dead state.
    StateId = "state";
    /// A column of one role's machine: something that the role can do.
    ActionId = "action";
    /// A directed pair of roles that communicates, and its queue.
    EdgeId = "edge";
    /// A label with a payload signature, as it travels in a queue of one system.
    MessageId = "message";
}

/// A table indexed by one kind of id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdVec<K, V> {
    entries: Vec<V>,
    key: PhantomData<fn(K) -> K>,
}

impl<K: Id, V> IdVec<K, V> {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Vec::new(), key: PhantomData }
    }

    /// The table of `n` copies of a value.
    #[must_use]
    pub fn filled(value: V, n: usize) -> Self
    where
        V: Clone,
    {
        Self { entries: vec![value; n], key: PhantomData }
    }

    /// Appends an entry and returns its id.
    pub fn push(&mut self, value: V) -> Result<K, TooMany> {
        let id = K::new(self.entries.len())?;
        self.entries.push(value);
        Ok(id)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry, if the id is one of this table.
    #[inline]
    pub fn entry(&self, id: K) -> Option<&V> {
        self.entries.get(id.index())
    }

    /// The entry, to be changed.
    #[inline]
    pub fn entry_mut(&mut self, id: K) -> Option<&mut V> {
        self.entries.get_mut(id.index())
    }

    /// The entries in order.
    pub fn values(&self) -> std::slice::Iter<'_, V> {
        self.entries.iter()
    }

    /// The entries in order, to be changed.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, V> {
        self.entries.iter_mut()
    }

    /// The ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.entries.len()).map(|i| K::from_raw(u32::try_from(i).unwrap_or(u32::MAX)))
    }

    /// The entries with their ids, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        self.ids().zip(self.entries.iter())
    }

    /// The entries as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[V] {
        &self.entries
    }
}

impl<K: Id, V> ops::Index<K> for IdVec<K, V> {
    type Output = V;

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "by INVARIANT (dense): an id indexes only the table that gave it out")]
    fn index(&self, id: K) -> &V {
        &self.entries[id.index()]
    }
}

impl<K: Id, V> ops::IndexMut<K> for IdVec<K, V> {
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "by INVARIANT (dense): an id indexes only the table that gave it out")]
    fn index_mut(&mut self, id: K) -> &mut V {
        &mut self.entries[id.index()]
    }
}

impl<K: Id, V> Default for IdVec<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Id, V: fmt::Debug> fmt::Debug for IdVec<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl<K: Id, V> FromIterator<V> for IdVec<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { entries: values.into_iter().collect(), key: PhantomData }
    }
}

impl<K: Id, V> From<Vec<V>> for IdVec<K, V> {
    fn from(entries: Vec<V>) -> Self {
        Self { entries, key: PhantomData }
    }
}

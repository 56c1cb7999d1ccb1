//! Messages by their ends and label, and edges by their ends: dense tables while they are small, else by hash.

use rustc_hash::FxHashMap;

use crate::id::{EdgeId, Id, LabelId, RoleId};

/// Where the messages of an edge and label begin.
#[derive(Debug)]
pub(super) enum Lookup {
    /// `by[(from · roles + to) · labels + label]`, plus one.
    Dense {
        roles: usize,
        labels: usize,
        by: Box<[u32]>,
    },
    Sparse(FxHashMap<(RoleId, RoleId, LabelId), u32>),
}

/// The largest table for looking messages up.
const MAX_DENSE: usize = 1 << 16;

impl Lookup {
    pub(super) fn new(
        roles: usize,
        labels: usize,
        keys: impl Iterator<Item = ((RoleId, RoleId, LabelId), u32)>,
    ) -> Self {
        let size = roles.checked_mul(roles).and_then(|size| size.checked_mul(labels));
        if let Some(size) = size.filter(|&size| size <= MAX_DENSE) {
            let mut by = vec![0_u32; size];
            for ((from, to, label), first) in keys {
                let at = Self::at(roles, labels, from, to, label);
                if let Some(place) = by.get_mut(at).filter(|place| **place == 0) {
                    *place = first.saturating_add(1);
                }
            }
            return Self::Dense { roles, labels, by: by.into() };
        }
        let mut by = FxHashMap::default();
        for (key, first) in keys {
            by.entry(key).or_insert(first);
        }
        Self::Sparse(by)
    }

    #[inline]
    fn at(roles: usize, labels: usize, from: RoleId, to: RoleId, label: LabelId) -> usize {
        let pair = from.index().wrapping_mul(roles).wrapping_add(to.index());
        pair.wrapping_mul(labels).wrapping_add(label.index())
    }

    #[inline]
    pub(super) fn find(&self, from: RoleId, to: RoleId, label: LabelId) -> Option<u32> {
        match self {
            Self::Dense { roles, labels, by } => {
                if to.index() >= *roles || label.index() >= *labels {
                    return None;
                }
                by.get(Self::at(*roles, *labels, from, to, label))?.checked_sub(1)
            }
            Self::Sparse(by) => by.get(&(from, to, label)).copied(),
        }
    }
}

/// Edges by their ends.
#[derive(Debug)]
pub(super) enum Pairs {
    /// `by[from · roles + to]`, plus one.
    Dense {
        roles: usize,
        by: Box<[u32]>,
    },
    Sparse(FxHashMap<(RoleId, RoleId), EdgeId>),
}

impl Pairs {
    pub(super) fn new(roles: usize) -> Self {
        match roles.checked_mul(roles).filter(|&size| size <= MAX_DENSE) {
            Some(size) => Self::Dense { roles, by: vec![0; size].into() },
            None => Self::Sparse(FxHashMap::default()),
        }
    }

    pub(super) fn insert(&mut self, from: RoleId, to: RoleId, edge: EdgeId) {
        match self {
            Self::Dense { roles, by } => {
                let at = from.index().wrapping_mul(*roles).wrapping_add(to.index());
                if let Some(place) = by.get_mut(at) {
                    *place = edge.raw().saturating_add(1);
                }
            }
            Self::Sparse(by) => drop(by.insert((from, to), edge)),
        }
    }

    #[inline]
    pub(super) fn find(&self, from: RoleId, to: RoleId) -> Option<EdgeId> {
        match self {
            Self::Dense { roles, by } => {
                if to.index() >= *roles {
                    return None;
                }
                let at = from.index().wrapping_mul(*roles).wrapping_add(to.index());
                by.get(at)?.checked_sub(1).map(EdgeId::from_raw)
            }
            Self::Sparse(by) => by.get(&(from, to)).copied(),
        }
    }
}

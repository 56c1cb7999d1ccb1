//! Where a role is: what is left of its block, and what is open inside, as a tree of plain lists.

use std::collections::BTreeMap;

use super::rest::Rest;
use crate::{
    data::Value,
    id::{BlockId, LabelId, RoleId, ScopeId, SortId},
};

/// Microseconds since 1970.
pub type Time = i64;

/// The values of a frame, by the index of the slot.
pub(super) type Frame = BTreeMap<u32, Value>;

/// A role in a block with an end of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// What is left of the block; while a scope is open, that scope is what comes next.
    pub(super) rest: Rest,
    /// The scope that the role is in.
    pub(super) open: Option<Box<Open>>,
    /// Scopes that it has left, in which something may still happen.
    pub(super) left: Vec<Open>,
    /// When it last took a step here or in something inside.
    pub(super) since: Time,
}

/// A scope that a role is in, or has left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Open {
    pub(super) scope: ScopeId,
    pub(super) parts: Parts,
    /// Once it has left: who was heard from beyond it.
    pub(super) heard: Vec<RoleId>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Parts {
    Par(Vec<Place>),
    During {
        main: Option<Place>,
        rounds: Vec<Round>,
    },
    Try {
        /// The handler that the role is in; none is the body.
        at: Option<usize>,
        place: Place,
        /// When the role came here, and when it last received something in it.
        came: Time,
        heard: Time,
        /// The time limits of the role's own handlers, as they were when it came.
        limits: Vec<Option<Time>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Round {
    /// The round that is open, and by when the role has to begin the next (`every`).
    One(Option<Place>, Option<Time>),
    Family(Family),
}

/// The instances of a family, oldest first, and every key that was ever given to one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family {
    pub(super) live: Vec<Instance>,
    pub(super) used: Vec<(u16, Value)>,
    /// By when the role has to begin the next instance (`every`).
    pub(super) until: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instance {
    /// By the number of the key.
    pub(super) keys: BTreeMap<u16, Value>,
    pub(super) frame: Frame,
    pub(super) place: Place,
}

/// What a role has abandoned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stale {
    /// Whatever is said in these blocks is stale,
    pub(super) blocks: Vec<BlockId>,
    /// but no longer from these,
    pub(super) heard: Vec<RoleId>,
    /// nor what is newer than this (`@epoch`); and what is not is, wherever else it could have a place.
    pub(super) epoch: Option<Value>,
}

/// Counted by scope.
pub(super) type Entries = BTreeMap<ScopeId, u32>;

/// One role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    pub(super) frame: Frame,
    pub(super) place: Place,
    pub(super) stale: Vec<Stale>,
    pub(super) crashed: bool,
    /// The newest `@epoch` that it has sent or received.
    pub(super) epoch: Option<Value>,
    /// Which times scopes were entered it was there, or has come by.
    pub(super) came: Entries,
}

/// A message that travels, or is remembered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Letter {
    pub(super) label: LabelId,
    pub(super) sort: SortId,
    pub(super) values: Vec<Option<Value>>,
}

//! What hosts hold: session ids, authorities, receipts and witnesses.
//!
//! INVARIANT (opaque): authorities have no public constructor and are not `Clone`; knowing what one says is not having
//! it. Each names the store that gave it out, so that it means nothing to another.

use std::fmt;

use fixedbitset::FixedBitSet;

use crate::id::{Id, RoleId};

/// The name of a session, never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// Its place in the store.
    pub slot: u32,
    /// Which session of this place it is, counted from 1.
    pub generation: u32,
}

impl SessionId {
    /// The id as one number; later ids of a new place are greater.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        (u64::from(self.slot) << 32) | u64::from(self.generation)
    }

    /// The id of a number.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self { slot: (number >> 32) as u32, generation: number as u32 }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

impl std::str::FromStr for SessionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (slot, generation) = text.split_once('.').ok_or(())?;
        Ok(Self { slot: slot.parse().map_err(|_| ())?, generation: generation.parse().map_err(|_| ())? })
    }
}

/// By what an application knows a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A number.
    Number(u64),
    /// A text.
    Text(Box<str>),
    /// Octets.
    Bytes(Box<[u8]>),
}

impl Key {
    /// Bytes that it holds elsewhere.
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl From<u64> for Key {
    fn from(key: u64) -> Self {
        Self::Number(key)
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self::Text(key.into())
    }
}

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        Self::Bytes(key.into())
    }
}

/// Whoever holds capabilities, by a number of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Owner(pub u64);

/// A set of roles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Roles {
    /// Of the first 64, as bits.
    Few(u64),
    Many(Box<FixedBitSet>),
}

impl Roles {
    pub(super) fn new(roles: impl IntoIterator<Item = RoleId>) -> Self {
        let mut few = 0_u64;
        let mut many: Option<Box<FixedBitSet>> = None;
        for role in roles {
            match (&mut many, 1_u64.checked_shl(role.raw())) {
                (None, Some(bit)) => few |= bit,
                (many, _) => {
                    let set = many.get_or_insert_with(|| {
                        let low = (0..64_usize).filter(|at| few >> at & 1 == 1);
                        let mut set = FixedBitSet::with_capacity(64);
                        low.for_each(|at| set.insert(at));
                        Box::new(set)
                    });
                    set.grow_and_insert(role.index());
                }
            }
        }
        many.map_or(Self::Few(few), Self::Many)
    }

    pub(super) fn contains(&self, role: RoleId) -> bool {
        match self {
            Self::Few(bits) => 1_u64.checked_shl(role.raw()).is_some_and(|bit| bits & bit != 0),
            Self::Many(set) => set.contains(role.index()),
        }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = RoleId> + '_ {
        let (mut bits, set) = match self {
            Self::Few(bits) => (*bits, None),
            Self::Many(set) => (0, Some(set)),
        };
        let mut many = set.map(|set| set.ones());
        std::iter::from_fn(move || {
            if let Some(many) = &mut many {
                return many.next().and_then(|at| RoleId::new(at).ok());
            }
            // One turn per role, not per bit.
            let role = (bits != 0).then(|| RoleId::from_raw(bits.trailing_zeros()));
            bits &= bits.wrapping_sub(1);
            role
        })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(bits) => bits.count_ones() as usize,
            Self::Many(set) => set.count_ones(..),
        }
    }

    #[inline]
    pub(super) fn is_subset(&self, of: &Self) -> bool {
        match (self, of) {
            (Self::Few(some), Self::Few(all)) => some & !all == 0,
            _ => self.iter().all(|role| of.contains(role)),
        }
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Few(all), Self::Few(some)) => Self::Few(all & !some),
            _ => Self::new(self.iter().filter(|&role| !other.contains(role))),
        }
    }
}

/// Which roles of a session are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Session,
    /// These.
    Fragment(Vec<RoleId>),
}

/// The right to act for roles of a session.
///
/// INVARIANT (one stamp): the generations of all roles of a capability are given out, and go, together; so it is live
/// exactly if the stamp of any of its roles is its own.
#[derive(Debug)]
#[must_use = "without its capability nobody can act for the roles"]
pub struct Capability {
    pub(super) store: u32,
    pub(super) stamp: u32,
    pub(super) session: SessionId,
    pub(super) roles: Roles,
    pub(super) owner: Owner,
}

impl Capability {
    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The generation of its roles.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.stamp
    }

    /// Who holds it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// For which roles.
    pub fn roles(&self) -> impl Iterator<Item = RoleId> + '_ {
        self.roles.iter()
    }
}

/// The right of whoever opened a session: to give roles to owners, and to end it.
#[derive(Debug)]
#[must_use = "without its opener nobody can claim the roles of a session"]
pub struct Opener {
    pub(super) store: u32,
    pub(super) session: SessionId,
}

impl Opener {
    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }
}

/// The right over a whole store: time, and the removal of what has ended.
#[derive(Debug)]
#[must_use = "without its supervisor nobody can tick or reap a store"]
pub struct Supervisor {
    pub(super) store: u32,
}

/// A transfer that has begun.
#[derive(Debug)]
#[must_use = "a transfer is committed, rolled back, abandoned or failed by its receipt"]
pub struct Receipt {
    pub(super) store: u32,
    pub(super) session: SessionId,
    /// The number of the transfer.
    pub(super) claim: u64,
    pub(super) from: Owner,
    pub(super) to: Owner,
    pub(super) stamp: u32,
    pub(super) roles: Roles,
}

impl Receipt {
    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The number of the transfer.
    #[must_use]
    pub fn claim(&self) -> u64 {
        self.claim
    }

    /// Who gives.
    #[must_use]
    pub fn from(&self) -> Owner {
        self.from
    }

    /// Who is to have it.
    #[must_use]
    pub fn to(&self) -> Owner {
        self.to
    }

    /// Which roles.
    pub fn roles(&self) -> impl Iterator<Item = RoleId> + '_ {
        self.roles.iter()
    }
}

/// A predicate was true when this was issued; one step that requires it consumes it.
#[derive(Debug)]
#[must_use = "a witness that no step consumes witnesses nothing"]
pub struct Readiness {
    pub(super) store: u32,
    pub(super) session: SessionId,
    /// Its number: a place among the witnesses of the store, and which of this place.
    pub(super) number: u64,
}

impl Readiness {
    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Its number in the audit.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Why a session ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// Which session.
    pub session: SessionId,
    /// Its number in the audit.
    pub number: u64,
    /// Why.
    pub reason: Box<str>,
    /// When.
    pub at: i64,
}

/// A deadline of a session that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// Which session.
    pub session: SessionId,
    /// Its number in the audit.
    pub number: u64,
    /// What waits.
    pub site: u32,
    /// Until when.
    pub until: i64,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// It goes on.
    Active = 1,
    /// No new sends; what is queued may be received.
    Draining = 2,
    /// Every role had finished.
    Closed = 3,
    /// It was ended before its end.
    Cancelled = 4,
    /// Something went wrong.
    Faulted = 5,
}

impl Status {
    /// Whether nothing can happen any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled | Self::Faulted)
    }

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Faulted => "faulted",
        }
    }

    #[inline]
    pub(super) fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Draining),
            3 => Some(Self::Closed),
            4 => Some(Self::Cancelled),
            5 => Some(Self::Faulted),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

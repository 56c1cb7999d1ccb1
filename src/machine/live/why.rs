//! Why an event may not happen: of all that stands against it, the nearest miss.

use super::Time;
use crate::{
    data::Value,
    id::{FrameId, RoleId},
};

/// Why an event may not happen, from the nearest miss.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// Who is to blame: whose state, copy or time it is.
    pub role: RoleId,
}

/// Why an event may not happen. Later ones are nearer misses.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The message is nowhere in what the role may ever do from here.
    NotHere,
    /// The role is in another state.
    NotNow,
    /// No instance has the key that it names, and none may begin with it.
    NoInstance {
        /// The family.
        family: FrameId,
        /// The key.
        key: Value,
        /// It was used before.
        used: bool,
    },
    /// The edge is full.
    Full,
    /// Nothing, or something else, is at the head of the edge.
    NotSent,
    /// A handler may not be entered yet.
    TooEarlyToHandle {
        /// From when on.
        from: Time,
    },
    /// A condition is false.
    False {
        /// Which of the rule's.
        condition: usize,
    },
    /// What a witness is required of is false.
    Unwitnessed {
        /// Which of the rule's requirements.
        requirement: usize,
    },
    /// A condition or an assigned value cannot be computed.
    Fault(crate::data::Fault),
    /// An assigned value does not fit its variable.
    Unfit {
        /// The variable.
        slot: crate::data::Slot,
    },
    /// An invariant of a variable is false after it.
    Broken {
        /// The variable.
        slot: crate::data::Slot,
    },
    /// Not before a time.
    TooEarly {
        /// From when on.
        from: Time,
    },
    /// Not after a time.
    TooLate {
        /// Until when.
        until: Time,
    },
    /// The key was used under `unique by` before.
    NotUnique {
        /// Which of the rule's.
        option: usize,
    },
    /// The key was used under `idempotent by` with other content.
    OtherContent {
        /// Which of the rule's.
        option: usize,
    },
    /// More keys than may be remembered.
    MemoryFull,
    /// An attempt that failed, of a step that does not say that it may.
    MayNotFail,
}

impl Why {
    /// From this rank on the message has its place here, and only data or time stand against it.
    pub const NEAR: u8 = 5;

    /// How near a miss it is: more is nearer.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::NotHere => 0,
            Self::NotNow => 1,
            // Whoever names a key means its instance.
            Self::NoInstance { .. } => 2,
            Self::Full | Self::NotSent => 3,
            Self::TooEarlyToHandle { .. } => 4,
            Self::Fault(_) => 5,
            Self::False { .. } | Self::Unwitnessed { .. } => 6,
            Self::Unfit { .. } | Self::Broken { .. } => 7,
            Self::TooEarly { .. } | Self::TooLate { .. } => 8,
            Self::NotUnique { .. } | Self::OtherContent { .. } | Self::MemoryFull | Self::MayNotFail => 9,
        }
    }
}

/// Keeps the nearest miss.
pub(super) fn nearer(best: &mut Option<Refused>, role: RoleId, why: Why) {
    if best.as_ref().is_none_or(|known| known.why.rank() < why.rank()) {
        *best = Some(Refused { why, role });
    }
}

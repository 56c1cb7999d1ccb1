//! Places in a role's tree of activations, the ways to them, and what whoever finds one knows of it.

use smallvec::SmallVec;

use super::{Activation, Attempt, Beat, Frame, Inside, Time, ends::Due};
use crate::{
    data::{Code, Value},
    diag::Span,
    id::{FrameId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{Program, ScopeInfo},
    protocol::Set,
};

/// A part of the way from a role's root to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// Into a scope that was not open; the state while it lasts.
    Enter(ScopeId, StateId),
    /// Out of the scope that is open, by a way, to a state.
    Leave(u32, StateId),
    /// Out of a scope that is left behind with rounds still open.
    Part(u32),
    /// The main part.
    Main,
    /// A round; begun anew if it says so.
    One(u32, bool),
    /// An instance.
    Instance(u32, u32),
    /// A new instance.
    Create(u32),
    /// Where a `try` is.
    Current,
    /// Into a handler.
    Handler(u32),
    /// Into a scope that was left.
    Linger(u32),
}

/// A place at which what nobody knows is assigned: the start of a region, or the way out of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Passed {
    Into(RegionId),
    Behind(ScopeId, u32),
}

/// A place at which a role can take a step, on the way of whoever found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'f, 'a> {
    pub(super) hops: &'f [Hop],
    pub(super) then: StateId,
    pub(super) region: RegionId,
    pub(super) span: Span,
    pub(super) frames: &'f [&'a Frame],
    /// Which frames these are.
    pub(super) path: &'f [FrameId],
    /// Assignments in front of the step, group by group.
    pub(super) before: &'f [&'a [Set]],
    /// Places on the way at which what nobody knows is assigned, by whoever comes there first.
    pub(super) passed: &'f [Passed],
    /// Since when the role could.
    pub(super) since: Time,
    /// 0, or the place among alternatives of which the first wins.
    pub(super) rank: u32,
    /// What belongs to a scope that was left is discarded.
    pub(super) discard: bool,
    /// Time limits that must have passed, with when the role came to their scopes.
    pub(super) dues: &'f [(Due, Time)],
    /// The rounds that the step begins, from the outside in, as far as they have a beat.
    pub(super) begun: &'f [Begun<'a>],
}

/// A round that a step begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun<'a> {
    /// In what time the next one begins.
    pub(super) every: &'a Code,
    pub(super) span: Span,
    /// By when this one had to begin; unless the scope itself begins with this step.
    pub(super) beat: Option<Beat>,
}

/// A region that is open, or would be.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Live(&'a Activation),
    Fresh(RegionId),
}

/// A scope that is open, or would be.
#[derive(Clone, Copy)]
pub(super) enum In<'a> {
    Live(&'a Inside),
    Fresh(ScopeId),
}

impl<'a> At<'a> {
    pub(super) fn region(self) -> RegionId {
        match self {
            Self::Live(act) => act.region,
            Self::Fresh(region) => region,
        }
    }

    pub(super) fn state(self, program: &Program, role: RoleId) -> StateId {
        match self {
            Self::Live(act) => act.state,
            Self::Fresh(region) => {
                program.automaton_of(role, region).map_or(StateId::default(), |automaton| automaton.initial)
            }
        }
    }

    pub(super) fn inside(self) -> Option<&'a Inside> {
        match self {
            Self::Live(act) => act.inside.as_deref(),
            Self::Fresh(_) => None,
        }
    }
}

impl In<'_> {
    pub(super) fn scope(self) -> ScopeId {
        match self {
            Self::Live(inside) => inside.scope,
            Self::Fresh(scope) => scope,
        }
    }
}

pub(super) fn info(program: &Program, scope: ScopeId) -> Option<&ScopeInfo> {
    program.scopes.entry(scope)?.as_ref()
}

/// The keys that a message names: depth of the family, number of the key, value.
pub(super) type Keys = SmallVec<[(u8, u16, Value); 2]>;

/// What the `@epoch` field of a message says.
#[derive(Clone, Copy)]
pub(super) enum Epoch<'a> {
    /// It has none.
    None,
    /// It has one, but its value is not looked at.
    Unknown,
    Known(&'a Value),
}

/// Whether a message with this `@epoch` comes from no later than when the other was the newest.
pub(super) fn is_old(epoch: &Value, newest: &Value) -> bool {
    match epoch {
        // Texts have no order in time.
        Value::Text(_) | Value::Uuid(_) | Value::Bytes(_) => epoch == newest,
        _ => epoch <= newest,
    }
}

/// Whether a `try` is still in its body.
pub(super) fn in_body(at: Attempt) -> bool {
    matches!(at, Attempt::Body | Attempt::Expired(_))
}

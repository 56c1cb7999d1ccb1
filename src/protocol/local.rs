//! Local types as automata: what one role may do, state by state.
//!
//! The local type of a role is projected to, or read from a local declaration as, a [`Local`]. It keeps places of the
//! specification; the machine is compiled from it.
//!
//! INVARIANT (closed): `initial` and every arm's `then` are ids of `states`; state 0 is dead: it has no arm, may not
//! stop, and no arm leads to it.

use crate::{
    diag::Span,
    id::{IdVec, LabelId, RoleId, SortId, StateId},
};

/// What a role does with its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// `q!`
    Send(RoleId),
    /// `q?`
    Receive(RoleId),
    /// Something that nobody else sees.
    Act,
}

/// One thing that a role can do in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arm {
    /// What, and with whom.
    pub act: Act,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
    /// Where it leads.
    pub then: StateId,
    /// Where it is written.
    pub span: Span,
}

/// A state of a local type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What the role can do. A state without arms that may stop is `end`.
    pub arms: Vec<Arm>,
    /// The role may stop here.
    pub may_stop: bool,
    /// Where the state is entered in the specification.
    pub span: Span,
}

/// A local type as an automaton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Whose it is.
    pub role: RoleId,
    /// Where it begins.
    pub initial: StateId,
    /// All states; the first is dead.
    pub states: IdVec<StateId, State>,
}

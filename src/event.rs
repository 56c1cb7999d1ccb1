//! Events, runs and what is said about them: the one record that the whole crate speaks.
//!
//! A counterexample, a trace and a generated run are lists of [`Event`]s. [`Verdict`] is the answer about a protocol,
//! [`Limit`] the reason for an answer that could not be given; `Unknown` is never reported as "holds".

use crate::id::{LabelId, RoleId, SortId};

/// Whether a role gives or takes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dir {
    /// `p!q:l`
    Send,
    /// `q?p:l`
    Receive,
}

/// One step of a session, as anybody may see it: `p!q:l<payload>`, `q?p:l<payload>` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// `from` puts a message on the edge to `to`.
    Send {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// `to` takes the head of the edge from `from`.
    Receive {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// Both at once, on a `sync` edge.
    Sync {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// A local action, which nobody else sees.
    Act {
        /// The role that acts.
        role: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// A handled time limit of `role` ran out.
    Timeout {
        /// The role that waited.
        role: RoleId,
    },
    /// An obligation of `role` was not met in time.
    Lapse {
        /// The role that is late.
        role: RoleId,
    },
    /// An unreliable role crashed.
    Crash {
        /// The role.
        role: RoleId,
    },
    /// `role` left a scope by an interrupt.
    Interrupt {
        /// The role.
        role: RoleId,
        /// The label of the message that says so.
        label: LabelId,
    },
}

impl Event {
    /// The role whose step it is; of a [`Event::Sync`] the sender.
    #[must_use]
    pub fn subject(self) -> RoleId {
        match self {
            Self::Send { from, .. } | Self::Sync { from, .. } => from,
            Self::Receive { to, .. } => to,
            Self::Act { role, .. }
            | Self::Timeout { role }
            | Self::Lapse { role }
            | Self::Crash { role }
            | Self::Interrupt { role, .. } => role,
        }
    }

    /// Whether the role takes part in it.
    #[must_use]
    pub fn involves(self, role: RoleId) -> bool {
        match self {
            Self::Sync { from, to, .. } => from == role || to == role,
            other => other.subject() == role,
        }
    }

    /// The same of other roles.
    #[must_use]
    pub fn rename(mut self, name: impl Fn(RoleId) -> RoleId) -> Self {
        match &mut self {
            Self::Send { from, to, .. } | Self::Receive { from, to, .. } | Self::Sync { from, to, .. } => {
                (*from, *to) = (name(*from), name(*to));
            }
            Self::Act { role, .. }
            | Self::Timeout { role }
            | Self::Lapse { role }
            | Self::Crash { role }
            | Self::Interrupt { role, .. } => *role = name(*role),
        }
        self
    }
}

/// An answer about a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is so, within the scope that the answer names.
    Holds,
    /// It is not so, and this shows it.
    Violated(Counterexample),
    /// Not known, and why.
    Unknown(Limit),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This many configurations were explored.
    States(usize),
    /// This many bytes were used.
    Memory(usize),
    /// The time given was used up.
    Time,
    /// Somebody asked to stop.
    Interrupted,
    /// Sends were cut by the largest queue bound that was tried.
    Bound(u32),
    /// Parts of the specification have no meaning yet; their code.
    NotSupported(&'static str),
    /// The question has no answer of this tool; the reason in words.
    Undecided(String),
}

/// A run that shows a violation. It has been replayed by the reference semantics before anybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Counterexample {
    /// From the start. Shortest, where the search was breadth-first.
    pub run: Vec<Event>,
    /// For an infinite run: it goes back to the configuration before this index, again and again.
    pub cycle_at: Option<usize>,
    /// The events of `run` that the violation causally depends on, ascending.
    pub cone: Vec<usize>,
}

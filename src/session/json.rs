//! Stable JSON forms of what hosts name: edges, and descriptions of authorities. Ids, records, seals and summaries
//! serialize themselves.
//!
//! A description is not the thing: a capability cannot be made of one.

use serde::{Deserialize, Serialize};

use super::{Cancellation, Capability, OpenPlan, Readiness, Receipt, SessionId, Timeout};
use crate::id::RoleId;

/// An edge of a session, by names: `{"session": "0.1", "from": "A", "to": "B"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgeName {
    /// Of which session.
    pub session: SessionId,
    /// The sender.
    pub from: Box<str>,
    /// The receiver.
    pub to: Box<str>,
}

/// Why a text is no edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeError {
    /// A field is absent, and there is no hint for it.
    Missing(&'static str),
    /// A field is not what it should be.
    Invalid(&'static str),
    /// It is no JSON object of an edge.
    Malformed(String),
}

impl std::fmt::Display for EdgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "field `{field}` is missing"),
            Self::Invalid(field) => write!(f, "field `{field}` is not valid"),
            Self::Malformed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for EdgeError {}

impl EdgeName {
    /// The name of an edge.
    #[must_use]
    pub fn new(plan: &OpenPlan, session: SessionId, from: RoleId, to: RoleId) -> Self {
        Self { session, from: plan.role_name(from).into(), to: plan.role_name(to).into() }
    }

    /// Reads one; without a session of its own it is of the hint's.
    ///
    /// # Errors
    ///
    /// It is no edge, or has no session and there is no hint: then the error names the field.
    pub fn read(json: &str, hint: Option<SessionId>) -> Result<Self, EdgeError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            session: Option<String>,
            from: Option<Box<str>>,
            to: Option<Box<str>>,
        }
        let raw: Raw = serde_json::from_str(json).map_err(|error| EdgeError::Malformed(error.to_string()))?;
        let session = match raw.session {
            Some(text) => text.parse().map_err(|()| EdgeError::Invalid("session"))?,
            None => hint.ok_or(EdgeError::Missing("session"))?,
        };
        let from = raw.from.ok_or(EdgeError::Missing("from"))?;
        Ok(Self { session, from, to: raw.to.ok_or(EdgeError::Missing("to"))? })
    }

    /// The ends of the edge in a plan, if it has it.
    #[must_use]
    pub fn ends(&self, plan: &OpenPlan) -> Option<(RoleId, RoleId)> {
        let (from, to) = (plan.role(&self.from)?, plan.role(&self.to)?);
        plan.edge(from, to).map(|_| (from, to))
    }
}

/// What there is to say about an authority or a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Described {
    /// A capability.
    Capability {
        /// Of which session.
        session: SessionId,
        /// Whose.
        owner: u64,
        /// For which roles.
        roles: Vec<Box<str>>,
        /// Of which generation.
        generation: u32,
    },
    /// The receipt of a transfer.
    Receipt {
        /// Of which session.
        session: SessionId,
        /// The number of the transfer.
        claim: u64,
        /// Who gives.
        from: u64,
        /// Who is to have it.
        to: u64,
        /// Which roles.
        roles: Vec<Box<str>>,
    },
    /// A readiness witness.
    Readiness {
        /// Of which session.
        session: SessionId,
        /// Its number in the audit.
        number: u64,
    },
    /// Why a session ended before its end.
    Cancellation {
        /// Which session.
        session: SessionId,
        /// Its number in the audit.
        number: u64,
        /// Why.
        reason: Box<str>,
        /// When.
        at: i64,
    },
    /// A deadline that is watched.
    Timeout {
        /// Of which session.
        session: SessionId,
        /// Its number in the audit.
        number: u64,
        /// What waits.
        site: u32,
        /// Until when.
        until: i64,
    },
}

fn names(plan: &OpenPlan, roles: impl Iterator<Item = RoleId>) -> Vec<Box<str>> {
    roles.map(|role| plan.role_name(role).into()).collect()
}

impl Capability {
    /// What there is to say about it.
    #[must_use]
    pub fn describe(&self, plan: &OpenPlan) -> Described {
        Described::Capability {
            session: self.session(),
            owner: self.owner().0,
            roles: names(plan, self.roles()),
            generation: self.generation(),
        }
    }
}

impl Receipt {
    /// What there is to say about it.
    #[must_use]
    pub fn describe(&self, plan: &OpenPlan) -> Described {
        let (from, to) = (self.from().0, self.to().0);
        Described::Receipt { session: self.session(), claim: self.claim(), from, to, roles: names(plan, self.roles()) }
    }
}

impl Readiness {
    /// What there is to say about it.
    #[must_use]
    pub fn describe(&self) -> Described {
        Described::Readiness { session: self.session(), number: self.number() }
    }
}

impl Cancellation {
    /// What there is to say about it.
    #[must_use]
    pub fn describe(&self) -> Described {
        let Self { session, number, reason, at } = self;
        Described::Cancellation { session: *session, number: *number, reason: reason.clone(), at: *at }
    }
}

impl Timeout {
    /// What there is to say about it.
    #[must_use]
    pub fn describe(&self) -> Described {
        let Self { session, number, site, until } = *self;
        Described::Timeout { session, number, site, until }
    }
}

//! Guards: running code held to a protocol.
//!
//! | here | what it is |
//! |---|---|
//! | [`Plan`], [`Monitor`] | one role's type on the message path of one endpoint; shares nothing with other endpoints |
//! | `channel` | guarded channels of a tokio process, one monitor per endpoint (feature `tokio`) |
//! | [`Shared`] | a session store for many threads |
//! | [`tester`] | plays all other roles against an implementation of one |
//! | [`Mode`], [`Verdict`], [`Violation`] | what is done about a step that the type does not allow, and what is said |
//!
//! ```
//! use polylogue::guard::{Mode, Options, Verdict};
//! use polylogue::session::Payload;
//!
//! let spec = polylogue::parse("
//!     protocol Order(role Buyer, role Shop) {
//!       Buyer -> Shop: order(item: string, count: int{this > 0});
//!       choice at Shop { Shop -> Buyer: shipped(); } or { Shop -> Buyer: refused(why: string); }
//!     }
//! ")?;
//! let plan = spec.guard("Order", "Shop", Options { mode: Mode::Block, ..Options::default() })?;
//! let mut monitor = plan.monitor("session 7", 0);
//!
//! let verdict = monitor.sending("Buyer", "shipped", Payload::default(), 1);
//! let violation = verdict.violation().expect("nothing was ordered yet");
//! assert_eq!(violation.blame.as_deref(), Some("Shop"));
//! assert_eq!(violation.expected[0].to_string(), "Buyer?order(item: string, count: int{this > 0})");
//!
//! // Refused steps change nothing.
//! assert!(!monitor.received("Buyer", "order", Payload::Json(r#"{"item":"tea","count":0}"#), 2).passes());
//! assert!(monitor.received("Buyer", "order", Payload::Json(r#"{"item":"tea","count":2}"#), 3).passes());
//!
//! // Resolved once, a step is a look-up.
//! let shipped = plan.sends("Buyer", "shipped").expect("the shop ships");
//! assert_eq!(monitor.step(shipped, Payload::default(), 4), Verdict::Conforms);
//! assert!(monitor.is_finished());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! INVARIANT (all or nothing): a step that is not let pass changes nothing but what is counted. INVARIANT (prompt): no
//! call waits for anything, and a session in quarantine answers every call with the violation that brought it there.
//!
//! Not here: files and sockets, which are the host's.

#[cfg(feature = "tokio")]
pub mod channel;
mod judge;
mod monitor;
mod plan;
pub mod shared;
pub mod tester;
mod violation;

use std::sync::Arc;

pub use monitor::Monitor;
pub use plan::{Handle, Options, Plan, PlanError, Report};
pub use shared::Shared;
pub use violation::{Allowed, Observed, Place, Violation};

/// What is done about a step that the type does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It passes; it is counted, and the last one is kept.
    Observe,
    /// It passes, and is reported.
    Warn,
    /// It is refused, and nothing changes: whoever asked may do something else.
    #[default]
    Block,
    /// The message is to be dropped as if it had never been, and the session goes on.
    Suppress,
    /// The session goes into quarantine: this step and every later one is refused.
    FailClosed,
}

/// What is to become of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a step that is not let pass must not happen"]
pub enum Verdict {
    /// It is allowed, and was taken.
    Conforms,
    /// It is not allowed; it passes, and the endpoint stands where it stood ([`Mode::Observe`], [`Mode::Warn`]).
    Passed(Arc<Violation>),
    /// It must not happen ([`Mode::Block`]).
    Blocked(Arc<Violation>),
    /// The message is to be dropped, silently ([`Mode::Suppress`]).
    Dropped(Arc<Violation>),
    /// It must not happen, nor anything else in this session: this is what brought it into quarantine
    /// ([`Mode::FailClosed`]).
    Quarantined(Arc<Violation>),
}

impl Verdict {
    /// Whether the message goes on its way, or to the application.
    #[inline]
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Conforms | Self::Passed(_))
    }

    /// What is wrong, if anything is.
    #[must_use]
    pub fn violation(&self) -> Option<&Arc<Violation>> {
        match self {
            Self::Conforms => None,
            Self::Passed(violation)
            | Self::Blocked(violation)
            | Self::Dropped(violation)
            | Self::Quarantined(violation) => Some(violation),
        }
    }

    /// For `?`: an error if it does not pass.
    ///
    /// # Errors
    ///
    /// The violation.
    pub fn into_result(self) -> Result<(), Arc<Violation>> {
        match self {
            Self::Conforms | Self::Passed(_) => Ok(()),
            Self::Blocked(violation) | Self::Dropped(violation) | Self::Quarantined(violation) => Err(violation),
        }
    }
}

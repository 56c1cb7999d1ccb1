//! The session store: where every endpoint of every live session stands, who may move it, and a record of each step.
//!
//! Comes in: an [`OpenPlan`] of a specification, and steps under a [`Capability`]. Goes out: what a step did ([`Done`]),
//! or a [`Refused`] with everything that would have been possible; and an [`audit`] that shows afterwards what happened.
//!
//! ```
//! use polylogue::session::{Config, Owner, Scope, Send, Store};
//!
//! let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(); B -> A: bye(); }")?;
//! let plan = spec.plan("Greet")?;
//! let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
//! let (hello, bye) = (plan.label("hello").unwrap(), plan.label("bye").unwrap());
//!
//! let (mut store, supervisor) = Store::new(Config::default());
//! let (session, opener) = store.open(&plan, 0)?;
//! let ann = store.claim(&opener, Owner(1), &Scope::Fragment(vec![a]))?;
//! let bob = store.claim(&opener, Owner(2), &Scope::Fragment(vec![b]))?;
//!
//! let send = |from, to, label| Send { from, to, label, payload: Default::default(), witnesses: &[], at: 1 };
//! store.send(&ann, send(a, b, hello))?;
//! let refused = store.send(&bob, send(b, a, bye)).unwrap_err();
//! assert!(refused.to_string().contains("expected B?A:hello()"), "{refused}");
//! store.receive(&bob, b, a, 2)?;
//! store.send(&bob, send(b, a, bye))?;
//! store.receive(&ann, a, b, 3)?;
//! store.close(polylogue::session::By::Opener(&opener), 4)?;
//! assert_eq!(store.reap(&supervisor, 10)?, 1);
//! assert_eq!(store.status(session), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | `plan`, `lookup`, `reading` | what is known of a protocol's sessions before the first is opened |
//! | `pages`, `block`, `queue` | where sessions are: 64 bytes and 64 bytes for the usual ones |
//! | `step`, `hot`, `table`, `judge`, `tree`, `trees`, `reserve` | advancing, in tables or as trees, at once or in phases |
//! | `claims`, `own`, `transfer`, `quick`, `token`, `witness`, `timer` | capabilities and how they change hands, what steps require, time |
//! | `watch`, `mountain` | coherence and authentication of what edges carry |
//! | `close`, `archive` | how sessions end, and what is left of them |
//! | `refuse`, `explain`, `inspect`, `show` | what is said, and what can be seen |
//! | [`audit`] | every step, refusal and change of authority, sealed |
//!
//! INVARIANT (all or nothing): what is refused changes nothing but the audit. INVARIANT (rising): the generation of a role
//! never falls. INVARIANT (once): no witness is consumed twice, and every accepted step has exactly one record.
//!
//! Not here: threads, clocks, files and payload bytes, which are the host's.

mod archive;
pub mod audit;
mod block;
mod claims;
mod close;
mod explain;
#[cfg(feature = "cli")]
mod ghost;
mod handle;
mod handlers;
mod hot;
mod inspect;
mod json;
mod judge;
mod lookup;
mod memory;
mod mountain;
mod own;
mod pages;
mod plan;
mod queue;
mod quick;
mod reading;
mod refuse;
mod reserve;
mod show;
mod step;
mod store;
mod table;
mod timer;
mod token;
mod transfer;
mod tree;
mod trees;
mod watch;
mod witness;

pub use archive::{Archive, Summary};
pub use close::By;
#[cfg(feature = "cli")]
pub(crate) use ghost::{Ghost, Mortal};
pub use handle::{
    Cancellation, Capability, Key, Opener, Owner, Readiness, Receipt, Scope, SessionId, Status, Supervisor, Timeout,
};
pub use json::{Described, EdgeError, EdgeName};
pub use memory::{Bytes, Counts, Memory};
pub use mountain::MessageProof;
pub use own::Returned;
pub use plan::{Blueprint, Compat, OpenPlan, PlanError, PlanOptions, QueuePolicy};
pub use refuse::{Asked, Code, Detail, Refusal, Refused};
pub use reserve::{Checked, Reserved, Ticket};
pub use show::Waiting;
pub use step::{Act, Direction, Done, Expected, Payload, Receive, Send, Step};
pub use store::{Config, Host, Store};
pub use timer::Due;
pub use token::Secrets;
pub(crate) use token::named;
pub use transfer::Committed;
pub use watch::{Coherence, Incoherent};

//! Machines: local types compiled to dense tables, systems of them, and the one way in which they step.
//!
//! Comes in: a [`Local`](crate::protocol::Local) per role. Goes out: a [`Machine`] per role, a [`System`] of all, and
//! configurations that only [`System::admits`] and [`System::step`] judge and change. The verifier, the trace checker
//! and the session store all ask these two; they differ only in how they hold the [`Cells`] of a configuration.
//!
//! A protocol with data, time, scopes or families is a [`Program`]: an automaton for each role and region, and the rules
//! of its messages. [`live`] runs it ([`Live::admits`], [`Live::take`]); [`flatten`](mod@flatten) unrolls its scopes and
//! leaves its data out, for the checks that explore.

mod configuration;
mod edits;
pub mod flatten;
pub mod live;
mod minimize;
mod program;
mod quiet;
mod shared;
mod system;
mod table;
mod timeless;

pub use configuration::{Cells, Configuration, Move, Semantics};
pub use live::Live;
pub use minimize::minimize;
pub use program::{
    Arm, Automaton, End, HandlerInfo, Program, ProgramError, RegionInfo, RoundInfo, Row, ScopeInfo, ScopeParts, Travel,
};
pub use shared::Shared;
pub use system::{Edge, Message, System, SystemError};
pub use table::{Action, Machine, Offer, TableError};

//! Traces: does what was recorded follow the protocol?
//!
//! Comes in: the bytes of a log of JSON lines (from whoever opened the file), a [`Subject`] (a system and its names)
//! and a [`Map`] from the log's names to the specification's. Goes out: a [`Finding`] for each session and for each
//! line that is no event.
//!
//! ```text
//! bytes ──► scan ──► kinds (names to ids, once) ──► sessions (name to block) ──► observe ──► verdict
//!            lines     map: drop, derive, rename       states, last events        admits, step
//!                                                            └─ with data, time or scopes: live ─┘
//! ```
//!
//! * A verdict comes with the line, everything that would have been allowed, who is to blame, and the events before.
//! * A line that is no event is an error of the log; the next line is read as usual.
//! * Nothing here panics, opens a file, looks at a clock, or grows with the length of a log whose sessions end.
//!
//! What it deliberately does not do: order events by `ts` or `seq` (the order of the lines counts), join logs (one
//! checker per log), look at a clock (time is the `ts` of events, and what [`Checker`] is told of the end).

mod conform;
mod coverage;
mod declared;
mod index;
use crate::data::json;
mod kinds;
pub(crate) mod live;
#[cfg_attr(not(feature = "maps"), allow(dead_code, reason = "what only the text of a map can say"))]
mod map;
mod near;
mod observe;
mod payload;
mod report;
mod scan;
mod sessions;
mod subject;

pub use conform::{Checker, Report, conform};
pub use coverage::{Coverage, Share, Transition, Unseen};
pub use declared::{Declared, Outcome, check_trace};
pub use map::{Map, MapError, Place, Placed};
pub use payload::Misfit;
pub use report::{BadLine, Expected, Finding, Judgement, Past, Session, Totals, Way};
pub use scan::{Fault, Flaw, MAX_LINE};
pub use subject::{Machines, NoSubject, Subject, target};

//! polylogue: a multiparty session-type runtime and verifier.
//!
//! A protocol is written once, as global or local session types. The verifier says whether it can go wrong and shows a
//! shortest run that does; the trace checker says whether recorded traffic follows it.
//!
//! ```
//! let spec = polylogue::parse("
//!     protocol Order(role Buyer, role Shop) {
//!       Buyer -> Shop: order(item: string);
//!       choice at Shop { Shop -> Buyer: shipped(); } or { Shop -> Buyer: refused(why: string); }
//!     }
//! ")?;
//! assert!(spec.check("safe", "Order")?.holds());
//!
//! let log = r#"
//!     {"session":"7","from":"Buyer","to":"Shop","label":"order","payload":{"item":"tea"}}
//!     {"session":"7","from":"Buyer","to":"Shop","label":"order","payload":{"item":"tea"}}"#;
//! let report = spec.conform("Order", log)?;
//! assert_eq!(report.sessions[0].line(), Some(3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The map
//!
//! ```text
//!               ┌────────┐   ┌──────────┐   ┌─────────┐      ┌────────► verify ─┐
//!  spec text ──►│ syntax │──►│ protocol │──►│ machine │──────┤                  ├──► report ──► cli
//!               │  tree  │   │   G, L   │   │ tables, │      └────────► trace  ─┘
//!               │        │   │          │   │ programs│
//!               └────────┘   └────┬─────┘   └────┬────┘
//!                                 │              │
//!                                 └► reference ──┴─► crosscheck   (the slow oracle, and the judge)
//!
//!   wherever data is:    data (sorts, values, compiled conditions)  ·  solve (whether they can be true)
//!   spoken everywhere:   id (dense numbers)  ·  event (p!q:l<payload>)  ·  diag (code, span, text)
//! ```
//!
//! A module imports only from the layers above it in this table; a test reads the imports and enforces it.
//!
//! | module | what it is |
//! |---|---|
//! | [`id`] | dense 32-bit ids, each of one table |
//! | [`event`], [`diag`] | the one record of a step, verdicts; codes, spans, diagnostics |
//! | [`syntax`] | text to tree and back |
//! | [`data`] | sorts, values; expressions checked, compiled, evaluated; payloads read out of JSON |
//! | [`protocol`] | names to ids; terms, graphs, local types, rules; form; projection |
//! | [`solve`] | whether conditions can be true |
//! | [`machine`] | dense tables that step; [programs](machine::Program) with data, time and scopes, their [live](machine::live) configurations, and their flat machines |
//! | [`reference`](mod@reference) | terms that are rewritten, slow and obviously correct |
//! | [`crosscheck`], [`generate`] | the two in lockstep; random protocols and systems |
//! | [`verify`], [`trace`] | claims; traces |
//! | [`load`] | a text to a lowered specification, with all its findings |
//! | [`report`] | what people and programs read |
//! | [`api`] | the short way in |
//! | `cli` | the command line (feature `cli`) |
//!
//! # Invariants of the whole
//!
//! * Names become ids once, in lowering, and names again once, in a report. No step looks up a string.
//! * One function decides whether an event may happen ([`machine::System::admits`], and [`machine::System::enabled`] which lists
//!   them all), one changes a configuration ([`machine::System::step`]); with data [`machine::Live::admits`] and
//!   [`machine::Live::take`]. Verifier and traces ask these.
//! * No counterexample is shown before the reference semantics has replayed it.
//! * [`Verdict::Unknown`] is never reported as "holds".
//! * The core has no clock, no I/O, no threads; `cli` alone has. No input reaches a panic.

pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
pub mod crosscheck;
pub mod data;
pub mod diag;
pub mod event;
#[doc(hidden)]
pub mod fuzz;
pub mod generate;
pub mod id;
pub mod load;
pub mod machine;
pub mod protocol;
pub mod reference;
pub mod report;
pub mod solve;
pub mod syntax;
pub mod trace;
pub mod verify;

pub use api::{Answer, Error, Specification, check, conform, parse};
pub use event::{Counterexample, Event, Limit, Verdict};
pub use load::{Errors, Loaded};
pub use machine::System;
pub use protocol::Protocol;

/// The code of the readme is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

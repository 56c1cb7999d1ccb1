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
//! With data, each role has its own copies of the variables that it knows, and what is refused comes with the reason:
//!
//! ```
//! let spec = polylogue::parse("
//!     protocol Prepaid(role Client, role Meter) {
//!       Client -> Meter: open(deposit: decimal{this > 0});
//!       rec Serve [balance<Client, Meter>: decimal{balance >= 0} = deposit] {
//!         choice at Client {
//!           Client -> Meter: call(cost: decimal{this > 0}) where cost <= balance;
//!           continue Serve [balance - cost];
//!         } or {
//!           Client -> Meter: close();
//!           Meter -> Client: refund(rest: decimal) where rest == balance;
//!         }
//!       }
//!     }
//! ")?;
//! assert!(spec.check("projectable", "Prepaid")?.holds());
//!
//! let log = r#"
//!     {"from":"Client","to":"Meter","label":"open","payload":{"deposit":"1.00"}}
//!     {"from":"Client","to":"Meter","label":"call","payload":{"cost":"0.30"}}
//!     {"from":"Client","to":"Meter","label":"close","payload":{}}
//!     {"from":"Meter","to":"Client","label":"refund","payload":{"rest":"0.69"}}"#;
//! let report = spec.conform("Prepaid", log)?;
//! let session = &report.sessions[0];
//! assert_eq!((session.line(), session.blame.as_deref()), (Some(5), Some("Meter")));
//! assert!(session.message.as_ref().is_some_and(|why| why.ends_with("is false; balance = 0.7, rest = 0.69")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The map
//!
//! ```text
//!               ┌────────┐   ┌──────────┐   ┌─────────────────┐      ┌────────► verify ─┐
//!  spec text ──►│ syntax │──►│ protocol │──►│ machine         │──────┤                  ├──► report ──► cli
//!               │  tree  │   │   G, L   │   │ tables, program │      └────────► trace  ─┘
//!               └───┬────┘   └────┬─────┘   └────┬────────────┘
//!                   ▼             │              │
//!                 data ◄── solve  └► reference ──┴─► crosscheck   (the slow oracle, and the judge)
//!
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
//! | [`data`] | sorts, values, expressions compiled to code over slots, payloads read from JSON |
//! | [`protocol`], [`solve`] | names to ids; terms, rules, graphs, local types; form; projection · whether conditions can be true |
//! | [`machine`], [`reference`](mod@reference) | tables and programs that step; terms that are rewritten, slow and obviously correct |
//! | [`crosscheck`], [`generate`], [`verify`], [`trace`], [`session`] | the two in lockstep; random protocols and systems; claims; logs; sessions and their audit |
//! | [`load`] | a text to a lowered specification, with all its findings |
//! | [`report`], [`guard`] | what people and programs read; running code held to a protocol |
//! | [`api`] | the short way in |
//! | `cli` | the command line (feature `cli`) |
//!
//! # The kernel and what is beyond it
//!
//! Messages, choice, loops and calls are the *kernel*: a role is one automaton, a configuration is states and queues.
//! Data, time, scopes (`try`, `during`, `par`) and families are *beyond* it, and have rooms of their own:
//!
//! | | kernel | beyond |
//! |---|---|---|
//! | a message | label and payload | and a `protocol::Rule`: conditions, required witnesses, assignments, keys, time, memory; interned with the payload, so that projection, queues and dispatch need not know data |
//! | a role | [`machine::Machine`], a table | [`machine::Program`]: one automaton per region of the protocol, and the frames of variables; where rules only look at payloads, still a table (`protocol::Spec::tables`) |
//! | a configuration | [`machine::Configuration`] | [`machine::live`]: a tree of activations per role, its copies of variables, what is remembered, timers |
//! | all runs | [`machine::System`] | [`machine::flatten`]: regions unrolled to one automaton, data and time left out, families at a bound; [`verify::expand`] does that for a specification, and `verify::data` decides what can be said of conditions without looking at runs, by [`solve`] |
//! | a log | `trace::observe` | `trace::live`: a session is the set of live configurations that explain what was seen |
//! | the oracle | [`reference`](mod@reference) | `reference::full`, in lockstep with programs by [`crosscheck::full`] |
//!
//! # Invariants of the whole
//!
//! * Names become ids once, in lowering, and names again once, in a report. No step looks up a string.
//! * One function decides whether an event may happen ([`machine::System::admits`], and [`machine::System::enabled`] which lists
//!   them all), one changes a configuration ([`machine::System::step`]). Verifier and traces ask these. Beyond the kernel
//!   they are [`machine::Live::admits`] and [`machine::Live::take`].
//! * A condition that cannot be computed is never true; evaluation takes a bounded number of steps.
//! * A role uses its own copies of variables, and those of nobody else.
//! * No counterexample is shown before the reference semantics has replayed it.
//! * [`Verdict::Unknown`] is never reported as "holds".
//! * The core has no clock and no I/O; `cli` alone has. Threads it has with the feature `parallel`, where
//!   [`verify::Options::threads`] asks for them. No input reaches a panic.

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
pub mod guard;
pub mod id;
pub mod load;
pub mod machine;
pub mod protocol;
pub mod reference;
pub mod report;
pub mod session;
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

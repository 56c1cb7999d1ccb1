//! Reports: findings as text for people and as records for programs.
//!
//! Comes in: diagnostics, verdicts, traces and sessions, with the [`Sources`] they speak of. Goes out: text on a
//! writer. [`record`] turns ids and spans into names, lines and columns, once; every `Reporter` writes the same records.
//! A [`Reporter`] writes as findings arrive where the format allows that, and ends with a [`Summary`].
//!
//! Drawings of machines and protocols go through one model, [`diagram::Diagram`], which `dot`, `mermaid` and `svg`
//! print.
//!
//! A report never decides anything: what is a finding, and the exit code, is the caller's to say.

pub mod diagram;
pub mod dot;
mod github;
#[cfg(feature = "cli")]
mod human;
mod json;
mod junit;
mod layout;
pub mod mermaid;
#[cfg(feature = "cli")]
mod pair;
pub mod record;
mod sarif;
pub mod sequence;
pub mod story;
pub mod svg;
mod text;

use std::io;

use crate::diag::{Diagnostic, Sources};

pub use github::Github;
#[cfg(feature = "cli")]
pub use human::{Human, render};
pub use json::Json;
pub use junit::Junit;
pub use record::{
    BasisRecord, CoverageRecord, DiagnosticRecord, EventRecord, ExpectedRecord, LabelRecord, PairRecord, Record,
    SessionRecord, ShareRecord, StepRecord, Summary, TraceRecord, UnseenRecord, VerdictRecord, WordsRecord,
};
pub use sarif::Sarif;
pub use text::clean;

/// Writes findings in one format.
pub trait Reporter {
    /// What follows is about this specification. Formats whose records name their file leave it out.
    fn file(&mut self, name: &str) -> io::Result<()> {
        let _ = name;
        Ok(())
    }

    /// A finding about a specification.
    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()>;

    /// A claim and what came of it.
    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()>;

    /// A trace of a specification and what came of it.
    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()>;

    /// A session of a recorded trace and what came of it.
    fn session(&mut self, session: &SessionRecord) -> io::Result<()>;

    /// A line of a log that is no event.
    fn bad_line(&mut self, line: &DiagnosticRecord) -> io::Result<()>;

    /// Which parts of a protocol were seen. Formats for findings leave it out.
    fn coverage(&mut self, coverage: &CoverageRecord) -> io::Result<()> {
        let _ = coverage;
        Ok(())
    }

    /// The end: formats that are one document write it now.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

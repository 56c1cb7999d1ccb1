//! One JSON object per line.

use std::io::{self, Write};

use serde::Serialize;

use super::{CoverageRecord, DiagnosticRecord, Record, Reporter, SessionRecord, Summary, TraceRecord, VerdictRecord};
use crate::diag::{Diagnostic, Sources};

/// Writes one object per line, as findings arrive.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

/// A record by reference, with its `reason`.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "lowercase")]
enum Line<'a> {
    Diagnostic(&'a DiagnosticRecord),
    Verdict(&'a VerdictRecord),
    Trace(&'a TraceRecord),
    Session(&'a SessionRecord),
    Coverage(&'a CoverageRecord),
    Summary(&'a Summary),
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes any record.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Reporter for Json<W> {
    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.line(&Line::Diagnostic(&DiagnosticRecord::of(sources, diagnostic)))
    }

    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        self.line(&Line::Verdict(verdict))
    }

    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()> {
        self.line(&Line::Trace(trace))
    }

    fn session(&mut self, session: &SessionRecord) -> io::Result<()> {
        self.line(&Line::Session(session))
    }

    fn bad_line(&mut self, line: &DiagnosticRecord) -> io::Result<()> {
        self.line(&Line::Diagnostic(line))
    }

    fn coverage(&mut self, coverage: &CoverageRecord) -> io::Result<()> {
        self.line(&Line::Coverage(coverage))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.line(&Line::Summary(summary))?;
        self.out.flush()
    }
}

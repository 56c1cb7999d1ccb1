//! Counts findings, remembers the worst, and hands each to the reporter.
//!
//! What a finding means for the exit code is settled before it is written, so a reader that goes away early still
//! leaves the right code behind.

use std::time::Instant;

use super::{Failure, Status, output::Format};
use crate::{
    diag::{Diagnostic, Severity, Sources},
    load::Loaded,
    report::{
        CoverageRecord, DiagnosticRecord, Human, Reporter, SessionRecord, Summary, TraceRecord, VerdictRecord,
        record::Answer,
    },
};

/// One command's findings.
pub(super) struct Tally {
    reporter: Box<dyn Reporter>,
    summary: Summary,
    status: Status,
    begun: Instant,
}

impl Tally {
    /// None yet, to be reported on standard output.
    pub(super) fn new(format: Format) -> Self {
        Self::with(format.reporter())
    }

    /// None yet, to be told on standard error: for commands whose result is a text of another kind.
    pub(super) fn quiet() -> Self {
        Self::with(Box::new(Human::new(anstream::stderr(), super::output::style())))
    }

    fn with(reporter: Box<dyn Reporter>) -> Self {
        Self { reporter, summary: Summary::default(), status: Status::AsStated, begun: Instant::now() }
    }

    /// Remembers a status that has no record of its own.
    pub(super) fn meet(&mut self, status: Status) {
        self.status.meet(status);
    }

    /// Says on standard error what stopped the work on one file, unless it stops everything.
    pub(super) fn failure(&mut self, failure: Failure) -> Result<(), Failure> {
        match failure {
            Failure::Pipe(_) | Failure::Output(_) => Err(failure),
            Failure::Usage(_) | Failure::File { .. } => {
                self.meet(Status::Usage);
                super::output::complain(&failure.to_string());
                Ok(())
            }
        }
    }

    /// What follows is about this file.
    pub(super) fn file(&mut self, name: &str) -> Result<(), Failure> {
        self.reporter.file(name).map_err(|error| Failure::output(error, self.status))
    }

    /// Diagnostics of a specification.
    pub(super) fn diagnostics(&mut self, sources: &Sources, found: &[Diagnostic]) -> Result<(), Failure> {
        for diagnostic in found {
            match diagnostic.severity {
                Severity::Error => {
                    self.summary.errors = self.summary.errors.saturating_add(1);
                    self.meet(Status::Findings);
                }
                Severity::Warning => self.summary.warnings = self.summary.warnings.saturating_add(1),
                Severity::Note => {}
            }
            self.reporter.diagnostic(sources, diagnostic).map_err(|error| Failure::output(error, self.status))?;
        }
        Ok(())
    }

    /// The errors of a specification alone: for commands that are about something else.
    pub(super) fn errors(&mut self, loaded: &Loaded) -> Result<(), Failure> {
        let errors: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
        self.diagnostics(&loaded.sources, &errors)
    }

    /// What came of a claim.
    pub(super) fn verdict(&mut self, verdict: &VerdictRecord) -> Result<(), Failure> {
        self.summary.claims = self.summary.claims.saturating_add(1);
        self.judged(verdict.as_stated(), verdict.verdict == Answer::Unknown);
        self.reporter.verdict(verdict).map_err(|error| Failure::output(error, self.status))
    }

    /// What came of a trace of a specification.
    pub(super) fn trace(&mut self, trace: &TraceRecord) -> Result<(), Failure> {
        self.summary.traces = self.summary.traces.saturating_add(1);
        self.judged(trace.as_stated, trace.actual == "unknown");
        self.reporter.trace(trace).map_err(|error| Failure::output(error, self.status))
    }

    fn judged(&mut self, as_stated: bool, unknown: bool) {
        if as_stated {
            return;
        }
        if unknown {
            self.summary.unknown = self.summary.unknown.saturating_add(1);
            self.meet(Status::Inconclusive);
        } else {
            self.summary.violated = self.summary.violated.saturating_add(1);
            self.meet(Status::Findings);
        }
    }

    /// What came of a session.
    pub(super) fn session(&mut self, session: &SessionRecord) -> Result<(), Failure> {
        let summary = &mut self.summary;
        summary.sessions = summary.sessions.saturating_add(1);
        match session.verdict {
            "conforms" => summary.conforming = summary.conforming.saturating_add(1),
            "incomplete" => {
                summary.incomplete = summary.incomplete.saturating_add(1);
                if session.finding {
                    self.judged(false, false);
                }
            }
            "violates" => {
                summary.violating = summary.violating.saturating_add(1);
                self.judged(false, false);
            }
            _ => self.judged(false, true),
        }
        self.reporter.session(session).map_err(|error| Failure::output(error, self.status))
    }

    /// A line of a log that is no event.
    pub(super) fn bad_line(&mut self, line: &DiagnosticRecord) -> Result<(), Failure> {
        self.summary.errors = self.summary.errors.saturating_add(1);
        self.meet(Status::Findings);
        self.reporter.bad_line(line).map_err(|error| Failure::output(error, self.status))
    }

    /// Which parts of a protocol were seen.
    pub(super) fn coverage(&mut self, coverage: &CoverageRecord) -> Result<(), Failure> {
        self.reporter.coverage(coverage).map_err(|error| Failure::output(error, self.status))
    }

    /// Why a claim came out as it did: shown, but not counted besides the claim.
    pub(super) fn because(&mut self, sources: &Sources, found: &[Diagnostic]) -> Result<(), Failure> {
        for diagnostic in found {
            self.reporter.diagnostic(sources, diagnostic).map_err(|error| Failure::output(error, self.status))?;
        }
        Ok(())
    }

    /// The worst so far.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Events that were read.
    pub(super) fn events(&mut self, n: u64) {
        self.summary.events = self.summary.events.saturating_add(n);
    }

    /// Ends the report.
    pub(super) fn finish(mut self) -> Result<Status, Failure> {
        self.summary.millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter.finish(&self.summary).map_err(|error| Failure::output(error, self.status))?;
        Ok(self.status)
    }
}

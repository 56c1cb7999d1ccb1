//! Workflow commands, which GitHub shows beside the lines of a change: `::error file=…,line=…,col=…::text`.

use std::io::{self, Write};

use super::{
    DiagnosticRecord, Reporter, SessionRecord, Summary, TraceRecord, VerdictRecord,
    record::{Answer, Place},
};
use crate::diag::{Diagnostic, Sources};

/// Writes a workflow command per finding; what came out as stated is not mentioned.
#[derive(Debug)]
pub struct Github<W> {
    out: W,
}

impl<W: Write> Github<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn command(&mut self, level: &str, place: &Place, title: &str, text: &str) -> io::Result<()> {
        write!(self.out, "::{level} file={},line={}", property(&place.file), place.line)?;
        if place.column > 0 {
            write!(self.out, ",col={}", place.column)?;
        }
        if place.end_line == place.line && place.end_column > place.column {
            // Columns are inclusive here.
            write!(self.out, ",endColumn={}", place.end_column.saturating_sub(1))?;
        }
        writeln!(self.out, ",title={}::{}", property(title), data(text))
    }
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn line_of(file: &str, line: u32) -> Place {
    Place { file: file.to_owned(), line, ..Place::default() }
}

impl<W: Write> Reporter for Github<W> {
    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.bad_line(&DiagnosticRecord::of(sources, diagnostic))
    }

    fn bad_line(&mut self, record: &DiagnosticRecord) -> io::Result<()> {
        let level = if record.severity == "note" { "notice" } else { record.severity };
        let mut text = record.message.clone();
        for label in &record.labels {
            text.push_str(&format!("\n{}:{}: {}", label.place.file, label.place.line, label.message));
        }
        for note in &record.notes {
            text.push_str(&format!("\nnote: {note}"));
        }
        if let Some(help) = &record.help {
            text.push_str(&format!("\nhelp: {help}"));
        }
        self.command(level, &record.place, record.code, &text)
    }

    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        if verdict.as_stated() {
            return Ok(());
        }
        let level = if verdict.verdict == Answer::Unknown { "warning" } else { "error" };
        let mut text = verdict.sentence();
        if let Some(detail) = &verdict.detail {
            text.push_str(&format!(": {detail}"));
        }
        for (i, step) in verdict.counterexample.iter().flatten().enumerate() {
            text.push_str(&format!("\n{}. {}", i.saturating_add(1), step.words()));
        }
        for line in &verdict.situation {
            text.push_str(&format!("\n{line}"));
        }
        self.command(level, &line_of(&verdict.file, verdict.line), &verdict.claim(), &text)
    }

    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()> {
        if trace.as_stated {
            return Ok(());
        }
        let level = if trace.actual == "unknown" { "warning" } else { "error" };
        let place = trace.place.clone().unwrap_or_else(|| line_of(&trace.file, trace.line));
        self.command(level, &place, &trace.name, &trace.told())
    }

    fn session(&mut self, session: &SessionRecord) -> io::Result<()> {
        let level = match session.verdict {
            "unknown" => "warning",
            _ if session.finding => "error",
            _ => return Ok(()),
        };
        let line = session.at.map_or(0, |at| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1));
        let text = session.message.clone().unwrap_or_else(|| session.verdict.to_owned());
        self.command(level, &line_of(&session.file, line.max(1)), &format!("session {}", session.session), &text)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.out.flush()
    }
}

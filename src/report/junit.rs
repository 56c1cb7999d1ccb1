//! JUnit XML: a test suite per file, a test case per claim, trace and session.
//!
//! Errors of a specification are a failed case of their file's suite. What could not be answered is an `<error>`, so
//! that no reader takes it for a success; incomplete sessions pass.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::{
    DiagnosticRecord, Reporter, SessionRecord, Summary, TraceRecord, VerdictRecord, record::Answer, text::xml,
};
use crate::diag::{Diagnostic, Sources};

/// Gathers test cases and writes them at the end.
#[derive(Debug)]
pub struct Junit<W> {
    out: W,
    suites: IndexMap<String, Vec<Case>>,
}

#[derive(Debug)]
struct Case {
    name: String,
    class: &'static str,
    result: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed { message: String, text: String },
    Error { message: String },
}

impl<W: Write> Junit<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, suites: IndexMap::new() }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn case(&mut self, file: &str, name: String, class: &'static str, result: Outcome) {
        // A file without cases is a suite too, so the entry is made first.
        self.suites.entry(file.to_owned()).or_default().push(Case { name, class, result });
    }
}

impl<W: Write> Reporter for Junit<W> {
    fn file(&mut self, name: &str) -> io::Result<()> {
        self.suites.entry(name.to_owned()).or_default();
        Ok(())
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        if diagnostic.is_error() { self.bad_line(&DiagnosticRecord::of(sources, diagnostic)) } else { Ok(()) }
    }

    fn bad_line(&mut self, record: &DiagnosticRecord) -> io::Result<()> {
        let place = format!("{}:{}:{}", record.place.file, record.place.line, record.place.column);
        let text = format!("{place}: {}[{}]: {}", record.severity, record.code, record.message);
        let name = format!("{} at {}:{}", record.code, record.place.line, record.place.column);
        let message = record.message.clone();
        self.case(&record.place.file, name, "diagnostic", Outcome::Failed { message, text });
        Ok(())
    }

    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        let result = if verdict.as_stated() {
            Outcome::Passed
        } else if verdict.verdict == Answer::Unknown {
            let detail = verdict.detail.clone().unwrap_or_default();
            Outcome::Error { message: format!("{}: {detail}", verdict.sentence()) }
        } else {
            let mut text = verdict.detail.clone().unwrap_or_default();
            for (i, step) in verdict.counterexample.iter().flatten().enumerate() {
                text.push_str(&format!("\n{}. {}", i.saturating_add(1), step.words()));
            }
            for line in &verdict.situation {
                text.push_str(&format!("\n{line}"));
            }
            Outcome::Failed { message: verdict.sentence(), text }
        };
        self.case(&verdict.file, verdict.claim(), "claim", result);
        Ok(())
    }

    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()> {
        let result = if trace.as_stated {
            Outcome::Passed
        } else {
            let message = trace.sentence();
            let text = trace.detail.clone().unwrap_or_default();
            if trace.actual == "unknown" {
                Outcome::Error { message: format!("{message}: {text}") }
            } else {
                Outcome::Failed { message, text }
            }
        };
        self.case(&trace.file, trace.name.clone(), "trace", result);
        Ok(())
    }

    fn session(&mut self, session: &SessionRecord) -> io::Result<()> {
        let message = session.message.clone().unwrap_or_default();
        let result = match session.verdict {
            "unknown" => Outcome::Error { message },
            _ if session.finding => {
                let at = session.at.map_or_else(String::new, |at| format!("line {}: ", at.saturating_add(1)));
                let instead = session.expected.iter().map(|e| format!("\nexpected {}", e.words()));
                Outcome::Failed { text: format!("{at}{message}{}", instead.collect::<String>()), message }
            }
            _ => Outcome::Passed,
        };
        self.case(&session.file, session.session.clone(), "session", result);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<testsuites name=\"polylogue\">")?;
        for (file, cases) in &self.suites {
            let failures = cases.iter().filter(|case| matches!(case.result, Outcome::Failed { .. })).count();
            let errors = cases.iter().filter(|case| matches!(case.result, Outcome::Error { .. })).count();
            let name = xml(file);
            let tests = cases.len();
            writeln!(
                out,
                "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
            )?;
            for case in cases {
                write!(out, "    <testcase name=\"{}\" classname=\"{}\"", xml(&case.name), case.class)?;
                match &case.result {
                    Outcome::Passed => writeln!(out, "/>")?,
                    Outcome::Failed { message, text } => {
                        writeln!(out, ">")?;
                        writeln!(out, "      <failure message=\"{}\">{}</failure>", xml(message), xml(text))?;
                        writeln!(out, "    </testcase>")?;
                    }
                    Outcome::Error { message } => {
                        writeln!(out, ">")?;
                        writeln!(out, "      <error message=\"{}\"/>", xml(message))?;
                        writeln!(out, "    </testcase>")?;
                    }
                }
            }
            writeln!(out, "  </testsuite>")?;
        }
        writeln!(out, "</testsuites>")?;
        out.flush()
    }
}

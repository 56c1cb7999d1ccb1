//! SARIF 2.1.0, for code scanning: one result per finding, one thread flow per role of a counterexample.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{
    DiagnosticRecord, Reporter, SessionRecord, Summary, TraceRecord, VerdictRecord,
    record::{Answer, Place},
};
use crate::diag::{Code, Diagnostic, Sources};

/// Gathers results and writes the document at the end.
#[derive(Debug)]
pub struct Sarif<W> {
    out: W,
    results: Vec<Value>,
    /// By id: the rules that results refer to.
    rules: BTreeMap<String, Value>,
}

impl<W: Write> Sarif<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, results: Vec::new(), rules: BTreeMap::new() }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn rule(&mut self, id: &str, title: &str, text: &str) {
        let rule = || {
            json!({
                "id": id,
                "shortDescription": { "text": title },
                "fullDescription": { "text": title },
                "help": { "text": text, "markdown": text },
            })
        };
        self.rules.entry(id.to_owned()).or_insert_with(rule);
    }
}

fn location(place: &Place, text: Option<&str>) -> Value {
    let mut region = json!({ "startLine": place.line.max(1) });
    if place.column > 0
        && let Some(region) = region.as_object_mut()
    {
        region.insert("startColumn".into(), place.column.into());
        region.insert("endLine".into(), place.end_line.into());
        region.insert("endColumn".into(), place.end_column.into());
    }
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(&place.file) }, "region": region },
    });
    if let (Some(text), Some(object)) = (text, location.as_object_mut()) {
        object.insert("message".into(), json!({ "text": text }));
    }
    location
}

/// A path as a URI reference: what a URI cannot hold is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn line_of(file: &str, line: u32) -> Place {
    Place { file: file.to_owned(), line, ..Place::default() }
}

fn code_flow(verdict: &VerdictRecord) -> Option<Value> {
    let steps = verdict.counterexample.as_ref().filter(|steps| !steps.is_empty())?;
    let flow = |role: &String| {
        let own = steps.iter().enumerate().filter(|(_, step)| match step.dir {
            "send" => step.from == *role,
            "receive" => step.to == *role,
            _ => step.from == *role || step.to == *role,
        });
        let locations: Vec<Value> = own
            .map(|(i, step)| {
                let place = step.place.clone().unwrap_or_else(|| line_of(&verdict.file, verdict.line));
                let number = i.saturating_add(1);
                json!({
                    "location": location(&place, Some(&format!("{number}. {}", step.words()))),
                    "executionOrder": number,
                    "importance": if verdict.cone.as_ref().is_none_or(|cone| cone.contains(&i)) {
                        "essential"
                    } else {
                        "unimportant"
                    },
                })
            })
            .collect();
        // A thread flow without locations is not allowed.
        (!locations.is_empty()).then(|| json!({ "id": role, "message": { "text": role }, "locations": locations }))
    };
    let flows: Vec<Value> = verdict.roles.iter().filter_map(flow).collect();
    Some(json!([{ "threadFlows": flows }]))
}

impl<W: Write> Reporter for Sarif<W> {
    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.bad_line(&DiagnosticRecord::of(sources, diagnostic))
    }

    fn bad_line(&mut self, record: &DiagnosticRecord) -> io::Result<()> {
        if let Some(code) = Code::find(record.code) {
            self.rule(record.code, code.explanation().title, code.explanation().text);
        }
        let mut text = record.message.clone();
        for note in record.notes.iter().map(|note| format!("note: {note}")) {
            text.push_str(&format!("\n{note}"));
        }
        if let Some(help) = &record.help {
            text.push_str(&format!("\nhelp: {help}"));
        }
        let related: Vec<Value> =
            record.labels.iter().map(|label| location(&label.place, Some(&label.message))).collect();
        self.results.push(json!({
            "ruleId": record.code,
            "level": record.severity,
            "message": { "text": text },
            "locations": [location(&record.place, None)],
            "relatedLocations": related,
        }));
        Ok(())
    }

    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        if verdict.as_stated() {
            return Ok(());
        }
        let id = format!("check/{}", verdict.check);
        self.rule(&id, &format!("the claim `{}` came out otherwise than stated", verdict.check), "");
        let mut text = verdict.sentence();
        if let Some(detail) = &verdict.detail {
            text.push_str(&format!(": {detail}"));
        }
        for line in &verdict.situation {
            text.push_str(&format!("\n{line}"));
        }
        let mut result = json!({
            "ruleId": id,
            "level": if verdict.verdict == Answer::Unknown { "warning" } else { "error" },
            "message": { "text": text },
            "locations": [location(&line_of(&verdict.file, verdict.line), None)],
        });
        if let (Some(flow), Some(object)) = (code_flow(verdict), result.as_object_mut()) {
            object.insert("codeFlows".into(), flow);
        }
        self.results.push(result);
        Ok(())
    }

    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()> {
        if trace.as_stated {
            return Ok(());
        }
        self.rule("trace", "a trace came out otherwise than stated", "");
        let place = trace.place.clone().unwrap_or_else(|| line_of(&trace.file, trace.line));
        self.results.push(json!({
            "ruleId": "trace",
            "level": if trace.actual == "unknown" { "warning" } else { "error" },
            "message": { "text": trace.told() },
            "locations": [location(&place, None)],
        }));
        Ok(())
    }

    fn session(&mut self, session: &SessionRecord) -> io::Result<()> {
        let level = match session.verdict {
            "unknown" => "warning",
            _ if session.finding => "error",
            _ => return Ok(()),
        };
        let id = session.code.unwrap_or("session");
        match Code::find(id) {
            Some(code) => self.rule(id, code.explanation().title, code.explanation().text),
            None => self.rule(id, "a recorded session does not follow its protocol", ""),
        }
        let line = session.at.map_or(0, |at| u32::try_from(at).unwrap_or(u32::MAX)).saturating_add(1);
        let mut text =
            format!("session `{}`: {}", session.session, session.message.as_deref().unwrap_or(session.verdict));
        for expected in &session.expected {
            text.push_str(&format!("\nexpected {}", expected.words()));
        }
        self.results.push(json!({
            "ruleId": id,
            "level": level,
            "message": { "text": text },
            "locations": [location(&line_of(&session.file, line), None)],
        }));
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        let rules: Vec<&Value> = self.rules.values().collect();
        let document = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "polylogue",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        });
        serde_json::to_writer_pretty(&mut self.out, &document)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

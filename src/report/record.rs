//! Findings with names, lines and columns instead of ids and spans: what every format writes.
//!
//! Serialized, a [`Record`] is one line of `--format json`. Fields may be added to that, never changed or dropped;
//! `schema/report.schema.json` says what there is. Lines and columns count from 1, columns in characters.

use serde::Serialize;

use crate::{
    diag::{Diagnostic, Sources, Span},
    event::{Limit, Verdict},
    protocol::Expected,
};

/// One line of `--format json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Record {
    /// A finding about a specification.
    Diagnostic(DiagnosticRecord),
    /// A claim and what came of it.
    Verdict(VerdictRecord),
    /// A trace of a specification and what came of it.
    Trace(TraceRecord),
    /// A session of a recorded trace and what came of it.
    Session(SessionRecord),
    /// Which parts of a protocol were seen.
    Coverage(CoverageRecord),
    /// The last line.
    Summary(Summary),
}

/// A range of a source text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The source's name.
    pub file: String,
    /// Where it begins.
    pub line: u32,
    /// In characters.
    pub column: u32,
    /// Where it ends.
    pub end_line: u32,
    /// One past the last character.
    pub end_column: u32,
}

impl Place {
    /// The place of a span.
    #[must_use]
    pub fn of(sources: &Sources, span: Span) -> Self {
        let (start, end) = (sources.start(span), sources.end(span));
        Self {
            file: sources.name(span).to_owned(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

/// A finding about a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticRecord {
    /// `note`, `warning`, `error`.
    pub severity: &'static str,
    /// Its stable code.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Further places.
    pub labels: Vec<LabelRecord>,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// The way out.
    pub help: Option<String>,
}

/// A further place of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelRecord {
    /// What is to be seen there.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
}

impl DiagnosticRecord {
    /// A diagnostic with its places looked up.
    #[must_use]
    pub fn of(sources: &Sources, diagnostic: &Diagnostic) -> Self {
        let label = |label: &crate::diag::Label| LabelRecord {
            message: label.text.clone(),
            place: Place::of(sources, label.span),
        };
        Self {
            severity: diagnostic.severity.word(),
            code: diagnostic.code.id(),
            message: diagnostic.text.clone(),
            place: Place::of(sources, diagnostic.span),
            labels: diagnostic.labels.iter().map(label).collect(),
            notes: diagnostic.notes.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

/// An answer about a protocol, without its counterexample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is so.
    Holds,
    /// It is not so.
    Violated,
    /// Not known.
    Unknown,
}

impl Answer {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Unknown => "unknown",
        }
    }
}

impl From<&Verdict> for Answer {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::Holds,
            Verdict::Violated(_) => Self::Violated,
            Verdict::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<Expected> for Answer {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Holds => Self::Holds,
            Expected::Violated => Self::Violated,
            Expected::Unknown => Self::Unknown,
        }
    }
}

/// A claim and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictRecord {
    /// The other solver's command, if the verdict rests on its word.
    pub by: Option<String>,
    /// The specification.
    pub file: String,
    /// The claim's line, or that of the target's name if nobody wrote the claim down.
    pub line: u32,
    /// `safe` and so on.
    pub check: String,
    /// What it is about, as the author wrote it.
    pub target: String,
    /// What came of it.
    pub verdict: Answer,
    /// What the claim says.
    pub expected: Answer,
    /// The queue bound up to which the verdict was found, if one was used.
    pub bound: Option<u32>,
    /// Whether no send was cut by that bound; absent where nothing was explored.
    pub exhaustive: Option<bool>,
    /// Why it is unknown: `states`, `memory`, `time`, `interrupted`, `bound`, `not supported`, `undecided`.
    pub limit: Option<&'static str>,
    /// The code of what was found, which `explain` knows.
    pub code: Option<&'static str>,
    /// What was found, in words.
    pub detail: Option<String>,
    /// The roles of the target, in the order of their declaration.
    pub roles: Vec<String>,
    /// How many configurations were explored; absent where none were.
    pub configurations: Option<usize>,
    /// The run, from the start.
    pub counterexample: Option<Vec<StepRecord>>,
    /// The steps of the run that the violation depends on.
    pub cone: Option<Vec<usize>>,
    /// For an infinite run: the step to which it goes back, again and again.
    pub cycle_at: Option<usize>,
    /// How things stand after the run, a sentence per role and queue.
    pub situation: Vec<String>,
    /// Of two local types, what each does until it shows that one is no subtype of the other.
    pub words: Option<Box<WordsRecord>>,
    /// The way out.
    pub help: Option<String>,
    /// Two runs that a role cannot tell apart.
    pub pair: Option<PairRecord>,
    /// What the verdict rests on.
    pub basis: Option<BasisRecord>,
    /// Whether people are told what it rests on, too.
    #[serde(skip)]
    pub explain: bool,
}

/// Two runs of a protocol that look the same to a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairRecord {
    /// Who.
    pub role: String,
    /// The published name of the condition that is violated.
    pub condition: &'static str,
    /// One run, up to and with the step that tells them apart.
    pub first: Vec<StepRecord>,
    /// What the role does at its end, in words.
    pub first_then: String,
    /// The other run.
    pub second: Vec<StepRecord>,
    /// What the role does at its end, in words.
    pub second_then: String,
}

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BasisRecord {
    /// The kind of evidence, in one word; `limit` if there is no answer.
    pub by: &'static str,
    /// The theorem, or what was done.
    pub theorem: String,
    /// Where it was published, if it was.
    pub source: Option<&'static str>,
    /// For which queues it holds.
    pub queues: String,
    /// Of which part of the language it speaks, and what was left out.
    pub fragment: String,
    /// What was looked at.
    pub looked_at: String,
}

/// Two words that show that one type is no subtype of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WordsRecord {
    /// What the smaller type does.
    pub smaller: Vec<String>,
    /// What the larger type makes of it.
    pub larger: Vec<String>,
    /// From these steps on the words are repeated for ever.
    pub cycle_at: Option<[usize; 2]>,
    /// What the smaller type does next, and the larger cannot match.
    pub blocked: Option<String>,
    /// What the larger type does next, and the smaller cannot match.
    pub missed: Option<String>,
}

impl VerdictRecord {
    /// Whether the claim came out as stated.
    #[must_use]
    pub fn as_stated(&self) -> bool {
        self.verdict == self.expected
    }

    /// `safe(P)`, `S <: T`.
    #[must_use]
    pub fn claim(&self) -> String {
        if self.check == "subtype" { self.target.clone() } else { format!("{}({})", self.check, self.target) }
    }

    /// What was said beside what was found, in one line: ``` `safe(P)` is violated ```.
    #[must_use]
    pub fn sentence(&self) -> String {
        let is = match self.verdict {
            Answer::Holds => "holds",
            Answer::Violated => "is violated",
            Answer::Unknown => "is unknown",
        };
        let mut text = format!("`{}` {is}", self.claim());
        if !self.as_stated() && self.expected != Answer::Holds {
            text.push_str(&format!(", but the claim says `is {}`", self.expected.word()));
        }
        text
    }
}

/// The word for a limit.
#[must_use]
pub fn limit_word(limit: &Limit) -> &'static str {
    match limit {
        Limit::States(_) => "states",
        Limit::Memory(_) => "memory",
        Limit::Time => "time",
        Limit::Interrupted => "interrupted",
        Limit::Bound(_) => "bound",
        Limit::NotSupported(_) => "not supported",
        Limit::Undecided(_) => "undecided",
    }
}

/// A step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// `send`, `receive`, `sync`, `act`; later also `timeout`, `lapse`, `crash`, `interrupt`.
    pub dir: &'static str,
    /// The sender, or the role that acts.
    pub from: String,
    /// The receiver, or the role that acts.
    pub to: String,
    /// The label; empty where there is none.
    pub label: String,
    /// The message as the author wrote it, with the sorts of its payload.
    pub message: String,
    /// Where the step stands in the specification, if that is known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl StepRecord {
    /// `A ! B: l(x: int)`, as a trace of the specification language writes it.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { dir, from, to, message, .. } = self;
        match *dir {
            "send" => format!("{from} ! {to}: {message}"),
            "receive" => format!("{to} ? {from}: {message}"),
            "sync" => format!("{from} -> {to}: {message}"),
            "act" | "interrupt" => format!("{from}: {message}"),
            other => format!("{other} {from}"),
        }
    }
}

/// A trace of a specification and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceRecord {
    /// The specification.
    pub file: String,
    /// The trace's line.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// What it is about, as the author wrote it.
    pub target: String,
    /// `accepts` or `rejects`.
    pub expected: &'static str,
    /// `accepts`, `rejects`, `incomplete` (accepted, but the session is not over at its `end`) or `unknown`.
    pub actual: &'static str,
    /// The 0-based event that was refused.
    pub at: Option<usize>,
    /// What was found, in words.
    pub detail: Option<String>,
    /// Where the event of `at` is written.
    #[serde(skip)]
    pub place: Option<Place>,
    /// Whether it came out as stated: a `rejects` at its last event.
    pub as_stated: bool,
}

impl TraceRecord {
    /// How it came out otherwise than stated.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { name, target, expected, actual, .. } = self;
        match *actual {
            "unknown" => format!("trace `{name}`: whether `{target}` {expected} it is unknown"),
            "incomplete" => format!("trace `{name}` ends where `{target}` is not over"),
            actual if actual == *expected => format!("trace `{name}`: `{target}` rejects it too early"),
            actual => format!("trace `{name}` says that `{target}` {expected} it, but it {actual} it"),
        }
    }

    /// The same with what was found.
    #[must_use]
    pub fn told(&self) -> String {
        self.detail.as_ref().map_or_else(|| self.sentence(), |detail| format!("{}: {detail}", self.sentence()))
    }
}

/// An event of a recorded trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// The label.
    pub label: String,
}

/// What could have come instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedRecord {
    /// Whose step it is.
    pub role: String,
    /// `send`, `receive`, `act`, `end`.
    pub dir: &'static str,
    /// The other role; absent for a local action and for the end.
    pub peer: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// The message as the author wrote it, with the sorts of its payload.
    pub message: Option<String>,
    /// Where it stands in the specification: `file:line`.
    #[serde(rename = "where")]
    pub place: Option<String>,
}

impl ExpectedRecord {
    /// `A ! B: l` and so on.
    #[must_use]
    pub fn words(&self) -> String {
        let label = self.message.as_deref().or(self.label.as_deref()).unwrap_or("");
        match (self.dir, &self.peer) {
            ("send", Some(peer)) => format!("{} -> {peer}: {label}", self.role),
            ("receive", Some(peer)) => format!("{} ? {peer}: {label}", self.role),
            ("end", _) => "the end of the session".to_owned(),
            _ => format!("{}: {label}", self.role),
        }
    }
}

/// A session of a recorded trace and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRecord {
    /// The trace file.
    pub file: String,
    /// The session's name.
    pub session: String,
    /// The protocol it was held to.
    pub protocol: String,
    /// `conforms`, `violates`, `incomplete`, `unknown`.
    pub verdict: &'static str,
    /// How many of its events were read.
    pub events: u64,
    /// The 0-based line of the offending event.
    pub at: Option<u64>,
    /// The offending event.
    pub event: Option<EventRecord>,
    /// The complete set of what could have come instead.
    pub expected: Vec<ExpectedRecord>,
    /// The role to blame.
    pub blame: Option<String>,
    /// A code that `explain` knows.
    pub code: Option<&'static str>,
    /// What is wrong, in one line.
    pub message: Option<String>,
    /// The way out.
    pub help: Option<String>,
    /// What could not be checked and was taken for granted.
    pub assumed: Vec<String>,
    /// The last events before it, oldest first.
    pub last: Vec<String>,
    /// The payload of the offending event, if it is short and nothing in it is secret.
    pub payload: Option<String>,
    /// Whether it counts as a finding: a violation does, and a session that stopped early where that was forbidden.
    #[serde(skip)]
    pub finding: bool,
}

/// How much of a kind was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShareRecord {
    /// Seen.
    pub seen: usize,
    /// There.
    pub all: usize,
}

/// What was never seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnseenRecord {
    /// `state`, `transition`, `pair`.
    pub kind: &'static str,
    /// Whose.
    pub role: String,
    /// In words.
    pub what: String,
    /// Where it stands in the specification.
    pub file: String,
    /// Its line there.
    pub line: u32,
}

/// Which parts of a protocol the recorded traces went through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CoverageRecord {
    /// Of which protocol.
    pub protocol: String,
    /// States of all roles.
    pub states: ShareRecord,
    /// Transitions of all roles.
    pub transitions: ShareRecord,
    /// Pairs of transitions that a role can take one after the other.
    pub pairs: ShareRecord,
    /// What was never seen, by role.
    pub unseen: Vec<UnseenRecord>,
}

/// The last line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Diagnostics that are errors.
    pub errors: usize,
    /// Claims, traces and sessions that came out otherwise than stated.
    pub violated: usize,
    /// Claims, traces and sessions for which there is no answer.
    pub unknown: usize,
    /// Sessions that were read.
    pub sessions: u64,
    /// Events that were read.
    pub events: u64,
    /// Wall clock.
    pub millis: u64,
    /// Diagnostics that are warnings.
    pub warnings: usize,
    /// Claims that were judged.
    pub claims: usize,
    /// Traces of specifications that were judged.
    pub traces: usize,
    /// Sessions that conform.
    pub conforming: u64,
    /// Sessions that violate their protocol.
    pub violating: u64,
    /// Sessions that stopped early.
    pub incomplete: u64,
}

//! What is found in a trace: verdicts about sessions, and lines that are no events. Names, not ids: reports print them
//! as they are.

use super::{
    kinds::Kind,
    observe::Offered,
    scan::{Fault, Flaw, MAX_LINE},
    subject::Subject,
};
use crate::{
    diag::{Code, Span, catalogue::trace as codes},
    protocol::Act,
};

/// What can be said about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// Everything seen is allowed, and the session may be over.
    Conforms,
    /// An event is not allowed.
    Violates,
    /// Everything seen is allowed, but the session is not over.
    Incomplete,
    /// Not known.
    Unknown,
}

impl Judgement {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Violates => "violates",
            Self::Incomplete => "incomplete",
            Self::Unknown => "unknown",
        }
    }
}

/// How a role takes part in what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// It sends.
    Send,
    /// It receives.
    Receive,
    /// It does something on its own.
    Act,
}

impl Way {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Act => "act",
        }
    }
}

/// Something that would have been allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Whose step.
    pub role: String,
    /// Which.
    pub way: Way,
    /// With whom; nobody in a local action.
    pub peer: Option<String>,
    /// The label.
    pub label: String,
    /// The label with its payload, as it is written.
    pub message: String,
    /// Where it is written.
    pub span: Span,
}

/// An event as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The line, from 0.
    pub at: u64,
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// The label.
    pub label: String,
}

/// The verdict about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name; empty if lines have none.
    pub name: String,
    /// What is said.
    pub verdict: Judgement,
    /// Events of it, up to the offending one.
    pub events: u64,
    /// The line of the offending event, from 0.
    pub at: Option<u64>,
    /// The offending event.
    pub event: Option<Past>,
    /// Its payload, if it is short and nothing in it is secret.
    pub payload: Option<String>,
    /// Everything that would have been allowed instead, or would be next.
    pub expected: Vec<Expected>,
    /// The session might have been over.
    pub may_end: bool,
    /// The role that is to blame.
    pub blame: Option<String>,
    /// The finding's code.
    pub code: Option<Code>,
    /// One line.
    pub message: Option<String>,
    /// The way out.
    pub help: Option<String>,
    /// Where the condition that is not met is written, if it is one.
    pub span: Option<Span>,
    /// Extern predicates that were taken for true.
    pub assumed: Vec<String>,
    /// The last events before the offending one, or of all; oldest first.
    pub last: Vec<Past>,
}

impl Session {
    /// The line of the offending event, counted from 1 as editors do.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.at.map(|at| at.saturating_add(1))
    }
}

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, from 0.
    pub at: u64,
    /// The finding's code.
    pub code: Code,
    /// One line.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl BadLine {
    pub(super) fn of(at: u64, fault: Fault) -> Self {
        let (code, message, help) = match fault {
            Fault::Json(byte, what) => {
                (codes::LINE_JSON, format!("not JSON: expected {what} at byte {}", byte.saturating_add(1)), None)
            }
            Fault::NotAnObject => (codes::LINE_SHAPE, "an event is an object, and this is not".to_owned(), None),
            Fault::Missing(key) => (
                codes::LINE_SHAPE,
                format!("the event has no `{key}`"),
                Some("every event has the strings `from`, `to` and `label`".to_owned()),
            ),
            Fault::Type(key, wanted) => (codes::LINE_SHAPE, format!("`{key}` must be {wanted}"), None),
            Fault::DuplicateKey(key) => (codes::LINE_TWICE, format!("the key `{key}` stands twice"), None),
            Fault::Surrogate => (codes::LINE_TEXT, "half of a surrogate pair is no text".to_owned(), None),
            Fault::Utf8 => (codes::LINE_TEXT, "the bytes are not UTF-8".to_owned(), None),
            Fault::TooLong => (codes::LINE_LONG, format!("the line is longer than {MAX_LINE} bytes"), None),
        };
        Self { at, code, message, help }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A line that is no event.
    Line(BadLine),
    /// A verdict.
    Session(Box<Session>),
}

/// How much was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Lines, blank ones included.
    pub lines: u64,
    /// Events that were checked.
    pub events: u64,
    /// Events that are none of the protocol's, or not in the observer's sight.
    pub dropped: u64,
    /// Events of sessions that were judged already.
    pub after: u64,
    /// Lines that are no events.
    pub bad: u64,
    /// Sessions by verdict.
    pub conforms: u64,
    /// Sessions by verdict.
    pub violates: u64,
    /// Sessions by verdict.
    pub incomplete: u64,
    /// Sessions by verdict.
    pub unknown: u64,
}

impl Totals {
    pub(super) fn count(&mut self, verdict: Judgement) {
        let of = match verdict {
            Judgement::Conforms => &mut self.conforms,
            Judgement::Violates => &mut self.violates,
            Judgement::Incomplete => &mut self.incomplete,
            Judgement::Unknown => &mut self.unknown,
        };
        *of = of.saturating_add(1);
    }

    /// The sum of both.
    pub(super) fn with(mut self, other: &Self) -> Self {
        let Self { lines, events, dropped, after, bad, conforms, violates, incomplete, unknown } = other;
        for (sum, more) in [
            (&mut self.lines, lines),
            (&mut self.events, events),
            (&mut self.dropped, dropped),
            (&mut self.after, after),
            (&mut self.bad, bad),
            (&mut self.conforms, conforms),
            (&mut self.violates, violates),
            (&mut self.incomplete, incomplete),
            (&mut self.unknown, unknown),
        ] {
            *sum = sum.saturating_add(*more);
        }
        self
    }

    /// Sessions with a verdict.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.conforms.saturating_add(self.violates).saturating_add(self.incomplete).saturating_add(self.unknown)
    }
}

/// What is wrong with an event, and whose fault it is.
pub(super) struct Offence {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) blame: Option<String>,
    /// The condition or option that is not met.
    pub(super) span: Option<Span>,
}

impl Offence {
    pub(super) fn flaw(flaw: &Flaw) -> Self {
        let (code, message) = match flaw {
            Flaw::DuplicateKey(key) => (codes::LINE_TWICE, format!("the payload has the key `{key}` twice")),
            Flaw::Surrogate => (codes::LINE_TEXT, "the payload has half of a surrogate pair".to_owned()),
            Flaw::Utf8 => (codes::LINE_TEXT, "the payload has bytes that are not UTF-8".to_owned()),
        };
        Self { code, message, help: None, blame: None, span: None }
    }

    pub(super) fn refusal(kind: &Kind, refusal: super::observe::Refusal) -> Self {
        use super::observe::Refusal;
        let Kind { from, to, label, .. } = kind;
        let own = from == to;
        let (code, message) = match refusal {
            Refusal::Sender if own => (codes::SENDER, format!("`{from}` may not do `{label}` here")),
            Refusal::Sender => (codes::SENDER, format!("`{from}` may not send `{label}` to `{to}` here")),
            Refusal::Receiver => (codes::RECEIVER, format!("`{to}` may not receive `{label}` from `{from}` here")),
            Refusal::Full => {
                let text = format!("`{label}` from `{from}` to `{to}`: the edge is full");
                (codes::FULL, text)
            }
            Refusal::Unsent => {
                let text = format!("`{label}` is not the next message on its way from `{from}` to `{to}`");
                (codes::UNSENT, text)
            }
            Refusal::Payload(misfit) => (codes::PAYLOAD, format!("`{label}` from `{from}` to `{to}`: {misfit}")),
        };
        Self { code, message, help: None, blame: None, span: None }
    }
}

impl Expected {
    pub(super) fn of(subject: Subject<'_>, offered: Offered) -> Self {
        let name = |role| subject.header.role_name(role).to_owned();
        let (way, peer) = match offered.act {
            Act::Send(to) => (Way::Send, Some(name(to))),
            Act::Receive(from) => (Way::Receive, Some(name(from))),
            Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => (Way::Act, None),
        };
        Self {
            role: name(offered.role),
            way,
            peer,
            label: subject.names.label_text(offered.label).to_owned(),
            message: subject.names.message(offered.label, offered.sort),
            span: offered.span,
        }
    }
}

//! What a guard says when an endpoint does what its type does not allow. Names, not ids: whoever reads it has no tables.
//!
//! Its text is one line; serialized, it is one JSON object. Payloads are not in it, and of what a condition reads secrets
//! are shown as keyed digests.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{
    diag::{Code, Sources, Span},
    session::Direction,
};

/// A step as an endpoint sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Which way.
    #[serde(serialize_with = "word")]
    pub direction: Direction,
    /// With whom; nobody, if the role acts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Arc<str>>,
    /// The label.
    pub label: Arc<str>,
    /// When, in microseconds.
    pub at: i64,
}

/// A step that would have been allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// Which way.
    #[serde(serialize_with = "word")]
    pub direction: Direction,
    /// With whom; nobody, if the role acts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Box<str>>,
    /// The label.
    pub label: Box<str>,
    /// The label with its payload, as it is written.
    pub message: Box<str>,
}

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The source's name.
    pub file: Box<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Place {
    pub(super) fn of(sources: Option<&Sources>, span: Span) -> Option<Self> {
        let sources = sources.filter(|_| span != Span::default())?;
        let start = sources.start(span);
        Some(Self { file: sources.name(span).into(), line: start.line, column: start.column })
    }
}

/// What an endpoint did that its type does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// The finding's stable code, which `polylogue explain` knows.
    #[serde(serialize_with = "id")]
    pub code: Code,
    /// One line.
    pub message: Box<str>,
    /// The protocol.
    pub protocol: Box<str>,
    /// The session, as whoever made the monitor calls it.
    pub session: Arc<str>,
    /// Whose endpoint it is.
    pub role: Box<str>,
    /// What it did; nothing, if it did not do what it had to.
    pub observed: Option<Observed>,
    /// Everything that it could have done instead.
    pub expected: Vec<Allowed>,
    /// It might have stopped here.
    pub may_stop: bool,
    /// The role that is to blame, if it is one's fault.
    pub blame: Option<Box<str>>,
    /// The condition that is not met, or where the endpoint stands.
    pub place: Option<Place>,
    /// The same as byte offsets.
    #[serde(serialize_with = "offsets")]
    pub span: Span,
    /// Its last steps before, oldest first.
    pub recent: Vec<Observed>,
    /// How many steps it took before.
    pub steps: u64,
    /// When, in microseconds.
    pub at: i64,
}

impl Violation {
    /// One line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column }) = &self.place {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        write!(f, "{}", self.message)?;
        if !self.session.is_empty() {
            write!(f, "; session `{}`", self.session)?;
        }
        f.write_str("; expected ")?;
        for (at, one) in self.expected.iter().enumerate() {
            write!(f, "{}{one}", if at == 0 { "" } else { ", " })?;
        }
        match (self.expected.is_empty(), self.may_stop) {
            (true, true) => f.write_str("nothing more")?,
            (true, false) => f.write_str("nothing")?,
            (false, true) => f.write_str(", or the end")?,
            (false, false) => {}
        }
        if let Some(blame) = &self.blame {
            write!(f, "; to blame: `{blame}`")?;
        }
        write!(f, " [{}]", self.code)
    }
}

impl std::error::Error for Violation {}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.peer.as_deref().unwrap_or_default();
        write!(f, "{peer}{}{}", mark(self.direction), self.message)
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.peer.as_deref().unwrap_or_default();
        write!(f, "{peer}{}{}", mark(self.direction), self.label)
    }
}

/// `q!l`, `q?l`, `l`: as in a local type.
fn mark(direction: Direction) -> &'static str {
    match direction {
        Direction::Send => "!",
        Direction::Receive => "?",
        Direction::Act => "",
    }
}

fn word<S: Serializer>(direction: &Direction, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match direction {
        Direction::Send => "send",
        Direction::Receive => "receive",
        Direction::Act => "act",
    })
}

fn id<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id())
}

fn offsets<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
    (span.start, span.end).serialize(serializer)
}

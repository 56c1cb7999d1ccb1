//! Diagnostics: what is wrong with a specification, where, and the way out.
//!
//! A [`Diagnostic`] has a stable [`Code`], a primary [`Span`], a text, further labelled places, notes and a help line.
//! Texts are lower case, one line, without a full stop, with names in backticks. Parsing and lowering never stop at
//! the first one. [`Sources`] turns spans into lines and columns, once, in the report.

pub mod catalogue;
mod source;

pub use catalogue::{CATALOGUE, Code, Explanation};
pub use source::{Position, Source, Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the reader's information.
    Note,
    /// The specification has a meaning, but probably not the intended one; or part of its meaning is not built yet.
    Warning,
    /// The specification has no meaning.
    Error,
}

impl Severity {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A further place that a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// One finding about a specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code, which `polylogue explain` knows.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The place.
    pub span: Span,
    /// One line: what is wrong.
    pub text: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding with the severity that its code has by default.
    #[must_use]
    pub fn new(code: Code, span: Span, text: impl Into<String>) -> Self {
        let severity = code.severity();
        Self { code, severity, span, text: text.into(), labels: Vec::new(), notes: Vec::new(), help: None }
    }

    /// With a further place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// With a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// With the way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Whether the specification has no meaning because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

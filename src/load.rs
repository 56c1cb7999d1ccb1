//! From a text to a specification: parsed, lowered, and everything that is wrong with it.
//!
//! Comes in: a text, its name, and a [`Loader`] for its imports. Goes out: a [`Loaded`] specification, always, with its
//! findings; whoever wants a specification without errors or none asks [`Loaded::sound`].

use std::fmt;

use crate::{
    diag::{Diagnostic, Sources},
    id::FileId,
    protocol::{self, Loader, Spec},
    syntax::tree,
};

/// A specification, its text, and what was found in it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The text itself, as its spans name it.
    pub file: FileId,
    /// It and its imports.
    pub sources: Sources,
    /// As written.
    pub tree: tree::File,
    /// Lowered. A declaration with errors is there, but broken.
    pub spec: Spec,
    /// Everything that was found, by place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Parses and lowers a text. Any text gives a specification and findings.
    pub fn new(name: impl Into<String>, text: impl Into<String>, loader: &mut dyn Loader) -> Self {
        let mut sources = Sources::new();
        let file = sources.add(name, text).expect("the first text of a table has an id");
        let (tree, spec, diagnostics) = protocol::read(&mut sources, file, loader);
        Self { file, sources, tree, spec, diagnostics }
    }

    /// Whether something in it has no meaning.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Itself if it has no errors.
    pub fn sound(self) -> Result<Self, Errors> {
        if self.has_errors() { Err(Errors(Box::new(self))) } else { Ok(self) }
    }
}

/// A specification that has errors. Its text is one line per error, with its place.
#[derive(Clone, Debug)]
pub struct Errors(Box<Loaded>);

impl Errors {
    /// The specification as far as it goes, with all findings.
    #[must_use]
    pub fn into_loaded(self) -> Loaded {
        *self.0
    }

    /// The errors, by place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.diagnostics.iter().filter(|diagnostic| diagnostic.is_error())
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, found) in self.iter().enumerate() {
            let place = self.0.sources.start(found.span);
            let name = self.0.sources.name(found.span);
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}{name}:{}:{}: {} [{}]", place.line, place.column, found.text, found.code)?;
            if let Some(help) = &found.help {
                write!(f, "; {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

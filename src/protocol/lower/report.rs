//! What is found while one declaration is read: diagnostics, and whether it keeps a meaning.

use rustc_hash::FxHashMap;

use crate::diag::{Code, Diagnostic, Severity};

/// Findings about one declaration.
#[derive(Default)]
pub(super) struct Report {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// It has no meaning.
    pub(super) broken: bool,
    /// Names about which something was said, so that it is said once.
    said: FxHashMap<(&'static str, Box<str>), Severity>,
}

impl Report {
    /// Adds a finding; the declaration has no meaning if it is an error.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        self.broken |= diagnostic.is_error();
        self.diagnostics.push(diagnostic);
    }

    /// Adds a finding about a name unless one was added before.
    pub(super) fn once(&mut self, code: Code, name: &str, diagnostic: impl FnOnce() -> Diagnostic) {
        let key = (code.id(), name.into());
        match self.said.get(&key) {
            // It may have been said of something that was left out; the name is wrong here, too.
            Some(&severity) => self.broken |= severity == Severity::Error,
            None => {
                let diagnostic = diagnostic();
                self.said.insert(key, diagnostic.severity);
                self.add(diagnostic);
            }
        }
    }
}

//! Where diagnostics are collected: in order of place and not without end.

use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};

/// How many diagnostics one text may have; the last one says how many more there are.
pub const MAX_DIAGNOSTICS: usize = 200;

/// Collects the diagnostics of one text.
pub(super) struct Sink {
    found: Vec<Diagnostic>,
    /// How many were not kept.
    more: usize,
}

impl Sink {
    pub(super) fn new() -> Self {
        Self { found: Vec::new(), more: 0 }
    }

    /// Makes and keeps a diagnostic, if there is room for it.
    pub(super) fn push(&mut self, make: impl FnOnce() -> Diagnostic) {
        // Lexing comes before parsing: either may fill the list, the cut comes when both are known.
        if self.found.len() < MAX_DIAGNOSTICS.saturating_mul(2) {
            self.found.push(make());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// The diagnostics, by place.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| found.span.start);
        let more = self.more.saturating_add(self.found.len().saturating_sub(MAX_DIAGNOSTICS));
        if more > 0 {
            // The last place is taken by the notice.
            self.found.truncate(MAX_DIAGNOSTICS.saturating_sub(1));
            let span = self.found.last().map_or_else(Span::default, |last| last.span);
            let more = more.saturating_add(1);
            let text = format!("{more} more errors were left out");
            self.found.push(Diagnostic::new(code::TOO_MANY, span, text).help("mend the first ones and look again"));
        }
        self.found
    }
}

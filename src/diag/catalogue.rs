//! Every code, and what `polylogue explain CODE` says of it.
//!
//! One file per hundred: 01 syntax, 02 names and form, 03 data, 04 projection, 05 verdicts, 06 traces,
//! 07 the store, 09 not supported yet. Codes are stable: a number is never given to another finding.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $severity:ident, $title:literal, $text:literal;)*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub const $name: $crate::diag::Code = $crate::diag::Code::of(&$crate::diag::Explanation {
                id: $id,
                severity: $crate::diag::Severity::$severity,
                title: $title,
                text: $text,
            });
        )*

        /// All codes of this file, in order.
        pub(super) const ALL: &[$crate::diag::Code] = &[$($name),*];
    };
}

pub mod data;
pub mod form;
pub mod projection;
pub mod store;
pub mod syntax;
pub mod trace;
pub mod verdict;

/// What there is to know about a code.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Explanation {
    /// `PL0101` and so on.
    pub id: &'static str,
    /// How bad findings with this code are, if nothing else is said.
    pub severity: Severity,
    /// The finding in a few words.
    pub title: &'static str,
    /// What it means, an example and the way out; Markdown.
    pub text: &'static str,
}

/// A stable code.
#[derive(Clone, Copy)]
pub struct Code(&'static Explanation);

impl Code {
    pub(super) const fn of(explanation: &'static Explanation) -> Self {
        Self(explanation)
    }

    /// `PL0101` and so on.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// How bad findings with this code are by default.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.0.severity
    }

    /// The long text.
    #[must_use]
    pub fn explanation(self) -> &'static Explanation {
        self.0
    }

    /// The code with this id, in upper or lower case.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        CATALOGUE.iter().copied().flatten().copied().find(|code| code.id().eq_ignore_ascii_case(id))
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Every code, by hundreds.
pub const CATALOGUE: &[&[Code]] =
    &[syntax::ALL, form::ALL, data::ALL, projection::ALL, verdict::ALL, trace::ALL, store::ALL];

//! When a name needs backquotes, and how strings are written.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::lexer::{is_ident, is_int_word};
use super::super::parser::{GLOBAL_WORDS, INNER_WORDS, LOCAL_WORDS, OPTION_WORDS};

/// The words that are keywords where a name is to be printed.
#[derive(Clone, Copy)]
pub(in crate::syntax) struct Taken(&'static [&'static [&'static str]]);

impl Taken {
    pub(in crate::syntax) const NOTHING: Self = Self(&[]);
    /// The first word of a statement behind others.
    pub(super) const GLOBAL: Self = Self(&[GLOBAL_WORDS]);
    /// The first word of a block.
    pub(super) const GLOBAL_FIRST: Self = Self(&[GLOBAL_WORDS, &["var"]]);
    /// The first word of a protocol.
    pub(super) const PROTOCOL_FIRST: Self = Self(&[GLOBAL_WORDS, INNER_WORDS]);
    pub(super) const LOCAL: Self = Self(&[LOCAL_WORDS]);
    pub(super) const LOCAL_FIRST: Self = Self(&[LOCAL_WORDS, &["var"]]);
    /// The first word of a payload field.
    pub(super) const FIELD: Self = Self(&[&["own", "lend", "return", "enum"]]);
    pub(super) const SORT: Self = Self(&[&["enum"]]);
    /// The first word of an argument of a `do`.
    pub(super) const ARGUMENT: Self = Self(&[&["enum", "true", "false", "null"]]);
    /// The first word of an expression.
    pub(super) const EXPR: Self = Self(&[&["true", "false", "null", "not"]]);
    /// The first word of a compact local type.
    pub(super) const LTYPE: Self = Self(&[&["end", "rec", "states"]]);
    /// The name of a family.
    pub(super) const FAMILY: Self = Self(&[OPTION_WORDS, &["each"]]);
    /// The first word of an entry of a system.
    pub(super) const ENTRY: Self = Self(&[&["var", "channel"]]);
    /// The first word of an event of a trace.
    pub(super) const EVENT: Self = Self(&[&["crash", "timeout", "end"]]);
    /// Behind `seen at`.
    pub(super) const SEEN: Self = Self(&[&["once", "send"]]);
    /// Behind `<:`.
    pub(super) const RELATION: Self = Self(&[&["sync", "async", "fair"]]);
    pub(super) const ATTRIBUTE: Self = Self(&[&["edition"]]);

    fn contains(self, word: &str) -> bool {
        self.0.iter().any(|words| words.contains(&word))
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    Cow::Owned(format!("`{text}`"))
}

/// An identifier, in backquotes if need be.
pub(super) fn name(text: &str, taken: Taken) -> Cow<'_, str> {
    if is_ident(text) && !taken.contains(text) { Cow::Borrowed(text) } else { quoted(text) }
}

/// A label, in backquotes if need be.
pub(super) fn label(text: &str, dotted: bool, taken: Taken) -> Cow<'_, str> {
    let plain = is_int_word(text)
        || (is_ident(text) && !taken.contains(text))
        || (dotted
            && text.split('.').all(is_ident)
            && text.split('.').next().is_some_and(|first| !taken.contains(first)));
    if plain { Cow::Borrowed(text) } else { quoted(text) }
}

/// A string literal.
pub(super) fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len().saturating_add(2));
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

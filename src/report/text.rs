//! Text helpers that the formats share.

use std::fmt::Write as _;

/// A text for a terminal: control characters and those that change the direction of writing are shown as escapes.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// A text inside XML, attribute values included. Characters that XML cannot hold become U+FFFD.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// How many columns a text takes, taking every character for one column wide.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text cut to at most so many columns, with `…` or `~` for what is missing.
pub(super) fn cut(text: &str, most: usize, ascii: bool) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push(if ascii { '~' } else { '…' });
    out
}

/// `1 step`, `2 steps`, `12,345 steps`.
#[cfg(feature = "cli")]
pub(super) fn count(n: u64, what: &str) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(i);
        if i > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    if n == 1 { format!("{text} {what}") } else { format!("{text} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "cli")]
    #[test]
    fn counts_have_groups_and_plurals() {
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!(count(0, "step"), "0 steps");
        assert_eq!(count(1_234_567, "step"), "1,234,567 steps");
        assert_eq!(count(123, "step"), "123 steps");
    }

    #[test]
    fn nothing_hidden_reaches_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
        assert_eq!(xml("<a & 'b'\u{1}>"), "&lt;a &amp; &#39;b&#39;\u{fffd}&gt;");
    }

    #[test]
    fn cutting_keeps_the_width() {
        assert_eq!(cut("überraschung", 6, false), "überr…");
        assert_eq!(cut("short", 6, true), "short");
    }
}

//! JSONL event lines: bytes in chunks of any size go in, one [`Raw`] or [`Fault`] per line comes out.
//!
//! A line is an object with the keys `from`, `to` and `label` (strings), and, if they are there, `session` (string or
//! number), `seq` and `ts` (numbers or strings), `dir` (a string) and `payload` (any value); null is as good as absent.
//! Key order does not matter, further keys are skipped. Lines of white space alone are ignored.
//!
//! Two ways lead to the same answer: [`fast()`] knows one order of keys and no escapes, and gives up on everything else;
//! [`general()`] is exact. INVARIANT (same): where `fast` answers, `general` says the same.
//!
//! A line that is no event is a fault of its own, and the next line is read as usual. Where only the payload is flawed
//! (a key twice, half a surrogate pair, bytes that are not UTF-8), the line still says who sends what in which
//! session: it is an event with a `flaw`, to be refused.
//!
//! Memory: one line at most is kept between chunks, and none longer than [`MAX_LINE`].

mod fast;
mod general;

use std::borrow::Cow;

pub(super) use self::{
    fast::{Outline, fast},
    general::general,
};
pub use super::json::Flaw;
use super::json::Malformed;

/// Lines longer than this many bytes are faults.
pub const MAX_LINE: usize = 64 << 20;

/// An event as its line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    /// The session's name; numbers as they are written.
    pub(crate) session: Option<Cow<'a, str>>,
    /// The number or string behind `ts` as it stands; empty if there is none.
    pub(crate) ts: &'a str,
    pub(crate) from: Cow<'a, str>,
    pub(crate) to: Cow<'a, str>,
    pub(crate) label: Cow<'a, str>,
    /// Valid JSON, or empty if there is none.
    pub(crate) payload: &'a str,
    pub(crate) dir: Option<Cow<'a, str>>,
    pub(crate) flaw: Option<Box<Flaw>>,
}

/// Why a line is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not JSON: what was expected, and at which byte of the line.
    Json(usize, &'static str),
    /// It is JSON, but not an object.
    NotAnObject,
    /// It lacks a key that every event has.
    Missing(&'static str),
    /// The value of this key is none that an event can have; what it should be.
    Type(&'static str, &'static str),
    /// It has this key twice.
    DuplicateKey(String),
    /// Half of a surrogate pair, outside of the payload.
    Surrogate,
    /// Bytes that are not UTF-8, outside of the payload.
    Utf8,
    /// It is longer than [`MAX_LINE`].
    TooLong,
}

impl From<Malformed> for Fault {
    fn from(Malformed { at, what }: Malformed) -> Self {
        Self::Json(at, what)
    }
}

/// A point in time in microseconds since 1970, from the text behind `ts`: a number of milliseconds, or a string with one
/// or with a date.
pub(crate) fn micros(ts: &str) -> Option<i64> {
    // Thirteen digits and three behind the point: what recorders write.
    if let Some(micros) = plain_micros(ts.as_bytes()) {
        return Some(micros);
    }
    match crate::data::read(&crate::data::Sort::Builtin(crate::data::Builtin::Timestamp), ts.as_bytes()) {
        Ok(crate::data::Value::Timestamp(micros)) => Some(micros),
        _ => None,
    }
}

/// At most fifteen digits, and at most three more behind a point.
fn plain_micros(ts: &[u8]) -> Option<i64> {
    let mut at = ts.iter();
    let (mut micros, mut digits, mut scale) = (0_i64, 0_u8, 1_000_i64);
    let next = |micros: i64, b: u8| micros.wrapping_mul(10).wrapping_add(i64::from(b & 15));
    while let Some(&b) = at.next() {
        match b {
            b'0'..=b'9' if digits < 15 => (micros, digits) = (next(micros, b), digits.saturating_add(1)),
            b'.' if digits > 0 => {
                let fraction = at.as_slice();
                if !(1..=3).contains(&fraction.len()) || !fraction.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                for &b in fraction {
                    (micros, scale) = (next(micros, b), scale.wrapping_div(10));
                }
                break;
            }
            _ => return None,
        }
    }
    if digits > 0 { micros.checked_mul(scale) } else { None }
}

/// Cuts chunks of bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The line in `partial` is too long; the rest of it is skipped.
    overlong: bool,
    /// How many lines have ended.
    number: u64,
}

/// A line, or why there is none.
pub(crate) enum Cut<'a> {
    Text(&'a str),
    /// Bytes that were not looked at yet.
    Line(&'a [u8]),
    TooLong,
}

impl Lines {
    /// Completes the line that the last chunk began, if this one does, and returns the rest of the chunk.
    pub(crate) fn complete<'c>(&mut self, chunk: &'c [u8], each: &mut impl FnMut(u64, Cut<'_>)) -> &'c [u8] {
        if self.partial.is_empty() && !self.overlong {
            return chunk;
        }
        let Some(end) = memchr::memchr(b'\n', chunk) else {
            self.keep(chunk);
            return &[];
        };
        let (head, rest) = chunk.split_at(end);
        self.keep(head);
        self.flush(each);
        rest.get(1..).unwrap_or(&[])
    }

    /// Calls `each` with every line that ends in what [`Lines::complete`] has left, without its end, and its number
    /// from 0.
    #[inline]
    pub(crate) fn feed<'c>(&mut self, mut chunk: &'c [u8], each: &mut impl FnMut(u64, Cut<'c>)) {
        // Whether bytes are text is cheaper to say of many lines at once.
        let whole = memchr::memrchr(b'\n', chunk).map_or(0, |last| last.saturating_add(1));
        let (lines, rest) = chunk.split_at(whole);
        if let Ok(mut lines) = std::str::from_utf8(lines) {
            while let Some(end) = memchr::memchr(b'\n', lines.as_bytes()) {
                let (line, rest) = lines.split_at(end);
                let number = self.number;
                self.number = number.wrapping_add(1);
                each(number, if line.len() > MAX_LINE { Cut::TooLong } else { Cut::Text(line) });
                lines = rest.get(1..).unwrap_or("");
            }
            return self.keep(rest);
        }
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end);
            let number = self.number;
            self.number = number.wrapping_add(1);
            each(number, if line.len() > MAX_LINE { Cut::TooLong } else { Cut::Line(line) });
            chunk = rest.get(1..).unwrap_or(&[]);
        }
        self.keep(chunk);
    }

    /// The last line, if it has no line end.
    pub(crate) fn finish(&mut self, each: &mut impl FnMut(u64, Cut<'_>)) {
        if !self.partial.is_empty() || self.overlong {
            self.flush(each);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.overlong || self.partial.len().saturating_add(part.len()) > MAX_LINE {
            self.overlong = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(part);
        }
    }

    fn flush(&mut self, each: &mut impl FnMut(u64, Cut<'_>)) {
        let number = self.number;
        self.number = number.wrapping_add(1);
        let line = std::mem::take(&mut self.partial);
        each(number, if std::mem::take(&mut self.overlong) { Cut::TooLong } else { Cut::Line(&line) });
        self.partial = line;
        self.partial.clear();
        self.partial.shrink_to(1 << 16);
    }
}

//! Strict JSON, read in place: values are skipped and cut out of the text, never built.
//!
//! Comes in: text that is known to be UTF-8. Goes out: ranges of it. A [`Reader`] tells syntax errors, which end the
//! reading, from *flaws*: JSON that can be read but does not mean one thing (a key twice in one object, half of a
//! surrogate pair). It goes on after a flaw and keeps the first.
//!
//! Nesting is kept on a heap stack, so no depth overflows anything; looking for repeated keys costs a comparison per
//! pair of keys in small objects and a hash in large ones.
#![expect(clippy::indexing_slicing, reason = "by INVARIANT (inside): 0 <= start <= at <= text.len()")]
#![expect(clippy::arithmetic_side_effects, reason = "by INVARIANT (inside): sums stay within a text in memory")]

use std::{borrow::Cow, collections::HashSet};

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The byte at which it is noticed.
    pub(crate) at: usize,
    /// What was expected there.
    pub(crate) what: &'static str,
}

/// Why JSON that can be read does not mean one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// An object has this key twice.
    DuplicateKey(String),
    /// A string has half of a surrogate pair.
    Surrogate,
    /// The bytes are not UTF-8.
    Utf8,
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// What it says. Half surrogates become the replacement character; whoever minds has seen the flaw.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(kind) = rest.chars().next() else { break };
        rest = &rest[kind.len_utf8()..];
        out.push(match kind {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = hex4(rest.as_bytes()).unwrap_or(0xFFFD);
                rest = rest.get(4..).unwrap_or("");
                let low = rest.strip_prefix("\\u").and_then(|low| hex4(low.as_bytes()));
                match (high, low) {
                    (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
                        rest = rest.get(6..).unwrap_or("");
                        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{FFFD}')
                    }
                    _ => char::from_u32(high).unwrap_or('\u{FFFD}'),
                }
            }
            other => other,
        });
    }
    out.push_str(rest);
    out
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.iter().try_fold(0, |n, &b| Some(n << 4 | char::from(b).to_digit(16)?))
}

/// Keys of the objects that are open while a value is skipped; kept to be used again.
#[derive(Default)]
pub(crate) struct Scratch {
    /// The keys of all open objects.
    keys: Vec<Key>,
    frames: Vec<Frame>,
}

/// A key as it stands in the text.
#[derive(Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
    escaped: bool,
    /// Its length and how it begins: most keys differ in it.
    sign: u64,
}

struct Frame {
    object: bool,
    first: usize,
    /// What the keys say, once there are more than [`FEW`].
    #[expect(clippy::box_collection, reason = "frames stay small for the many objects that have no set")]
    set: Option<Box<HashSet<String>>>,
}

const FEW: usize = 16;

/// Reads one JSON text from front to back.
///
/// INVARIANT (inside): `at <= text.len()`, and `at` is on a character's boundary wherever text is cut.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    flaw: Option<Flaw>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, flaw: None }
    }

    /// At a byte, which must be on a character's boundary.
    pub(crate) fn from(text: &'a str, at: usize) -> Self {
        Self { text, at, flaw: None }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Back, or on, to a byte, which must be on a character's boundary.
    #[inline]
    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    /// The first flaw so far, taken out.
    pub(crate) fn take_flaw(&mut self) -> Option<Flaw> {
        self.flaw.take()
    }

    pub(crate) fn fail(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(crate) fn ws(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes this byte, if it is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Whether only white space is left.
    pub(crate) fn done(&mut self) -> bool {
        self.ws();
        self.at == self.text.len()
    }

    /// A string; the next byte must be its quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Text<'a>, Malformed> {
        if !self.take(b'"') {
            return Err(self.fail("a string"));
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at = plain(bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fail("no control character in a string")),
                None => return Err(self.fail("the end of the string")),
            }
        }
    }

    /// One escape, or the two of a surrogate pair.
    #[inline(never)]
    fn escape(&mut self) -> Result<(), Malformed> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let Some(high) = bytes.get(self.at + 2..).and_then(hex4) else {
                    return Err(self.fail("four hexadecimal digits"));
                };
                self.at += 6;
                let low = bytes.get(self.at..).and_then(|b| b.strip_prefix(b"\\u")).and_then(hex4);
                match (high, low) {
                    (0xD800..0xDC00, Some(0xDC00..0xE000)) => self.at += 6,
                    (0xD800..0xE000, _) => {
                        self.flaw.get_or_insert(Flaw::Surrogate);
                    }
                    _ => {}
                }
            }
            _ => return Err(self.fail("an escape")),
        }
        Ok(())
    }

    /// A number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        self.take(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fail("a digit")),
        }
        if self.take(b'.') {
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.fail("a digit"));
        }
        self.digits();
        Ok(())
    }

    #[inline]
    fn digits(&mut self) {
        self.at = digits(self.text.as_bytes(), self.at);
    }

    #[inline]
    fn word(&mut self, word: &'static str) -> Result<(), Malformed> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.fail("a value"))
        }
    }

    /// A value without insides.
    #[inline]
    fn scalar(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.fail("a value")),
        }
    }

    /// Any value; returns its text. White space before it is skipped, after it left.
    #[inline]
    pub(crate) fn value(&mut self, scratch: &mut Scratch) -> Result<&'a str, Malformed> {
        self.ws();
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') => self.composite(scratch)?,
            _ => self.scalar()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Any value of a text that is known to be valid: nothing is checked again. White space before it is skipped.
    #[inline]
    pub(crate) fn pass(&mut self) -> Result<&'a str, Malformed> {
        self.ws();
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') => self.at = closing(self.text.as_bytes(), self.at),
            _ => self.scalar()?,
        }
        self.text.get(start..self.at).ok_or(Malformed { at: start, what: "a value" })
    }

    /// On to the value of a key of the object that is next.
    fn member(&mut self, name: &str) -> Option<()> {
        let bytes = self.text.as_bytes();
        self.take(b'{');
        loop {
            self.ws();
            if self.peek() != Some(b'"') {
                return None;
            }
            let start = self.at + 1;
            let end = plain(bytes, start);
            let found = if bytes.get(end) == Some(&b'"') {
                self.at = end + 1;
                &bytes[start..end] == name.as_bytes()
            } else {
                *self.string().ok()?.decode() == *name
            };
            self.ws();
            self.take(b':');
            self.ws();
            if found {
                return Some(());
            }
            match self.peek()? {
                b'"' => self.at = string_end(bytes, self.at + 1),
                b'{' | b'[' => self.at = closing(bytes, self.at),
                // Numbers and words end before what stands behind values.
                _ => {
                    while !matches!(self.peek()?, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
            }
            self.ws();
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// On to an element of the array that is next.
    fn element(&mut self, at: usize) -> Option<()> {
        self.take(b'[');
        for _ in 0..at {
            self.pass().ok()?;
            self.ws();
            if !self.take(b',') {
                return None;
            }
        }
        self.ws();
        (self.peek()? != b']').then_some(())
    }

    fn composite(&mut self, scratch: &mut Scratch) -> Result<(), Malformed> {
        scratch.frames.clear();
        scratch.keys.clear();
        loop {
            // A value starts here.
            self.ws();
            let opened = match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    let object = open == b'{';
                    scratch.frames.push(Frame { object, first: scratch.keys.len(), set: None });
                    true
                }
                _ => {
                    self.scalar()?;
                    false
                }
            };
            // A value, or what opens one, ended here.
            let mut fresh = opened;
            loop {
                let Some(frame) = scratch.frames.last() else { return Ok(()) };
                let (object, first) = (frame.object, frame.first);
                self.ws();
                if self.take(if object { b'}' } else { b']' }) {
                    scratch.keys.truncate(first);
                    scratch.frames.pop();
                    fresh = false;
                    continue;
                }
                if !fresh {
                    if !self.take(b',') {
                        return Err(self.fail("a comma or the end"));
                    }
                    self.ws();
                }
                if object {
                    let start = self.at + 1;
                    let key = self.string()?;
                    let sign = sign(key.raw.as_bytes());
                    self.remember(scratch, Key { start, end: self.at - 1, escaped: key.escaped, sign });
                    self.ws();
                    if !self.take(b':') {
                        return Err(self.fail("a colon"));
                    }
                }
                break;
            }
        }
    }

    fn key(&self, Key { start, end, escaped, .. }: Key) -> Cow<'a, str> {
        Text { raw: &self.text[start..end], escaped }.decode()
    }

    /// Notes a key of the innermost object; a flaw if it has it already.
    #[inline]
    fn remember(&mut self, scratch: &mut Scratch, key: Key) {
        let Some(frame) = scratch.frames.last_mut() else { return };
        let known = &scratch.keys[frame.first..];
        let twice = if let Some(set) = &mut frame.set {
            !set.insert(self.key(key).into_owned())
        } else if known.len() >= FEW {
            let mut set: HashSet<String> = known.iter().map(|&known| self.key(known).into_owned()).collect();
            let twice = !set.insert(self.key(key).into_owned());
            frame.set = Some(Box::new(set));
            twice
        } else {
            known.iter().any(|&known| {
                if known.escaped || key.escaped {
                    self.key(known) == self.key(key)
                } else {
                    known.sign == key.sign && self.text[known.start..known.end] == self.text[key.start..key.end]
                }
            })
        };
        if twice && self.flaw.is_none() {
            self.flaw = Some(Flaw::DuplicateKey(self.key(key).into_owned()));
        }
        if frame.set.is_none() {
            scratch.keys.push(key);
        }
    }
}

/// The length of a key and its first bytes in a word.
#[inline(always)]
fn sign(key: &[u8]) -> u64 {
    let begins = match key.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => key.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    begins ^ (key.len() as u64) << 56
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The first byte from `at` on that ends the plain part of a string: a quote, a backslash or a control character.
/// Eight bytes at a time: each test sets the top bit of the bytes that pass, exactly up to the first that does.
#[inline(always)]
pub(crate) fn plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let zero = |x: u64| x.wrapping_sub(ONES) & !x;
        let quote = zero(word ^ (ONES * b'"' as u64));
        let slash = zero(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quote | slash | control) & TOPS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&b) = bytes.get(at) {
        if b == b'"' || b == b'\\' || b < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

/// Behind the string whose text begins at `at` in a text that is known to be valid.
#[inline(always)]
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at = plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Behind the object or array that opens at `at` in a text that is known to be valid.
fn closing(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// The first quote from `at` on, or the end; eight bytes at a time.
#[inline(always)]
pub(crate) fn quote(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk) ^ (ONES * b'"' as u64);
        let found = word.wrapping_sub(ONES) & !word & TOPS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&b| b != b'"') {
        at += 1;
    }
    at
}

/// The first byte from `at` on that is no digit; eight bytes at a time.
#[inline(always)]
pub(crate) fn digits(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let high = ONES * 0xF0;
        // Digits have the upper half 3, also after adding 6, which carries for `:` to `?`.
        let other = ((word & high) ^ (ONES * 0x30)) | ((word.wrapping_add(ONES * 6) & high) ^ (ONES * 0x30));
        if other != 0 {
            break;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The members of an object, or the elements of an array (with an empty key), of valid JSON; nothing of other values.
pub(crate) struct Members<'a> {
    reader: Reader<'a>,
    object: bool,
    first: bool,
}

/// Of a value that was read as valid JSON before.
pub(crate) fn members(value: &str) -> Members<'_> {
    let mut reader = Reader::new(value);
    reader.ws();
    let object = reader.take(b'{');
    let array = !object && reader.take(b'[');
    if !object && !array {
        reader.at = value.len();
    }
    Members { reader, object, first: true }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.ws();
        if !std::mem::take(&mut self.first) && !self.reader.take(b',') {
            return None;
        }
        self.reader.ws();
        let mut key = Cow::Borrowed("");
        if self.object {
            key = self.reader.string().ok()?.decode();
            self.reader.ws();
            self.reader.take(b':');
        }
        let value = self.reader.pass().ok()?;
        Some((key, value))
    }
}

/// What a JSON pointer (RFC 6901) finds in a value that was read as valid JSON before; the first of repeated keys.
pub(crate) fn pointer<'a>(value: &'a str, path: &[Box<str>]) -> Option<&'a str> {
    let mut reader = Reader::new(value);
    for step in path {
        reader.ws();
        match reader.peek() {
            Some(b'{') => reader.member(step)?,
            Some(b'[') if step.len() == 1 || !step.starts_with('0') => {
                reader.element(step.parse().ok().filter(|_| !step.starts_with('+'))?)?;
            }
            _ => return None,
        }
    }
    reader.pass().ok()
}

/// The content of a string value, the text of another scalar; `None` for null, objects and arrays.
pub(crate) fn scalar_text(value: &str) -> Option<Cow<'_, str>> {
    match value.as_bytes().first()? {
        b'"' => Reader::new(value).string().ok().map(Text::decode),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(value)),
    }
}

/// What a value is, in words.
pub(crate) fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        _ => "a number",
    }
}

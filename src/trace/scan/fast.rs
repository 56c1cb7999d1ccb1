//! The one order of keys in which recorders write, without white space, escapes or surprises: no searching, no
//! copying, one pass. Everything else is left to [`super::general()`].
//!
//! ```text
//! {"session":"…","seq":N,"ts":N,"from":"…","to":"…","label":"…","payload":…}
//! ```
//!
//! `session`, `seq` and `ts` may each be missing; behind the payload there may be `at` and `dir`, in this order.
#![expect(clippy::indexing_slicing, reason = "ends found by `plain` and the reader lie within the line")]
#![expect(clippy::arithmetic_side_effects, reason = "positions within a line")]

use super::super::json::{Flaw, Reader, Scratch, digits, plain, quote};

/// What [`fast`] reads. Absent names are empty, as they are for whoever asks.
pub(in super::super) struct Fast<'a> {
    pub(in super::super) session: &'a str,
    /// The same with its quotes.
    pub(in super::super) quoted: &'a str,
    /// The number behind `ts`; empty if there is none.
    pub(in super::super) ts: &'a str,
    /// The kind, if whoever asks knew it; then `piece` and `names` are empty.
    pub(in super::super) known: Option<u32>,
    /// From the text of `from` to that of `label`: it says the same whenever it is the same.
    pub(in super::super) piece: &'a [u8],
    /// Where `from`, `to` and `label` are.
    pub(in super::super) names: [(usize, usize); 3],
    pub(in super::super) payload: &'a str,
    pub(in super::super) dir: Option<&'a str>,
    pub(in super::super) flaw: Option<Box<Flaw>>,
}

/// So many bytes are looked at together.
const WIDE: usize = 32;

/// Whether a line has neither escapes nor control characters: then its strings end at the next quote. One pass without
/// branches, which compilers turn into one over many bytes at a time.
#[inline(always)]
fn is_clean(line: &[u8]) -> bool {
    let unclean = |b: u8| u8::from(b < 0x20) | u8::from(b == b'\\');
    let Some(last) = line.last_chunk::<WIDE>() else { return line.iter().fold(0, |sum, &b| sum | unclean(b)) == 0 };
    let mut sums = [0_u8; WIDE];
    let (chunks, _) = line.as_chunks::<WIDE>();
    for chunk in chunks {
        for at in 0..WIDE {
            sums[at] |= unclean(chunk[at]);
        }
    }
    // The last chunk may overlap the one before.
    for at in 0..WIDE {
        sums[at] |= unclean(last[at]);
    }
    sums == [0; WIDE]
}

/// Where a string ends.
#[inline(always)]
fn end<const CLEAN: bool>(bytes: &[u8], at: usize) -> usize {
    if CLEAN { quote(bytes, at) } else { plain(bytes, at) }
}

struct At<'a, const CLEAN: bool> {
    line: &'a str,
    at: usize,
}

impl<const CLEAN: bool> At<'_, CLEAN> {
    /// Takes this text, if it is next.
    #[inline(always)]
    fn take<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let next = self.line.as_bytes()[self.at..].first_chunk::<N>() == Some(text);
        next.then(|| self.at += N)
    }

    /// Up to the closing quote, which is taken too; `None` if there is an escape or a control character.
    #[inline(always)]
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        let end = end::<CLEAN>(self.line.as_bytes(), start);
        if self.line.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some((start, end))
    }

    /// Digits without a leading zero, and perhaps a fraction.
    #[inline(always)]
    fn number(&mut self) -> Option<()> {
        let bytes = self.line.as_bytes();
        let start = self.at;
        self.at = digits(bytes, start);
        if self.at == start || bytes[start] == b'0' && self.at > start + 1 {
            return None;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            let fraction = self.at;
            self.at = digits(bytes, fraction);
            if self.at == fraction {
                return None;
            }
        }
        Some(())
    }
}

/// Members of an object that [`object`] reads.
const FLAT: usize = 8;

/// Where the members of a payload are in its line, if it is an object that was read the fast way: for whoever looks for
/// one of them. Keys stand there without escapes, each once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outline {
    members: [Member; FLAT],
    len: usize,
    /// All of them are known.
    whole: bool,
}

/// Beginnings and ends of a key and its value; lines are shorter than such numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    key: (u32, u32),
    value: (u32, u32),
}

impl Outline {
    /// What stands behind a key of the payload of a line: none if there is no such key. None if it is not known.
    #[inline]
    pub(crate) fn find<'l>(&self, line: &'l str, key: &str) -> Option<Option<&'l str>> {
        let is = |member: &&Member| {
            let (from, to) = (member.key.0 as usize, member.key.1 as usize);
            to - from == key.len() && line.as_bytes()[from..to] == *key.as_bytes()
        };
        let found = || {
            let member = self.members[..self.len].iter().find(is)?;
            Some(&line[member.value.0 as usize..member.value.1 as usize])
        };
        self.whole.then(found)
    }
}
/// How deep it goes.
const DEEP: usize = 8;

/// The end of an object of a few members, no key twice, of plain strings, numbers and words, and of objects and arrays
/// of the same kind up to a depth; `None` says nothing about the value.
#[inline(always)]
fn object<const CLEAN: bool>(bytes: &[u8], start: usize, depth: usize, outline: &mut Outline) -> Option<usize> {
    let Outline { members, len, whole } = outline;
    (*len, *whole) = (0, false);
    let mut at = start + 1;
    if *bytes.get(start)? != b'{' {
        return None;
    }
    if *bytes.get(at)? == b'}' {
        *whole = true;
        return Some(at + 1);
    }
    for n in 0..FLAT {
        if *bytes.get(at)? != b'"' {
            return None;
        }
        let key = (at + 1, end::<CLEAN>(bytes, at + 1));
        if *bytes.get(key.1)? != b'"' || *bytes.get(key.1 + 1)? != b':' {
            return None;
        }
        let text = &bytes[key.0..key.1];
        let mut m = 0;
        while m < n {
            let (from, to) = (members[m].key.0 as usize, members[m].key.1 as usize);
            if to - from == text.len() && &bytes[from..to] == text {
                return None;
            }
            m += 1;
        }
        at = value::<CLEAN>(bytes, key.1 + 2, depth)?;
        members[n] = Member { key: (key.0 as u32, key.1 as u32), value: (key.1 as u32 + 2, at as u32) };
        *len = n + 1;
        match *bytes.get(at)? {
            b',' => at += 1,
            b'}' => {
                *whole = true;
                return Some(at + 1);
            }
            _ => return None,
        }
    }
    None
}

/// The end of a value.
#[inline(always)]
fn value<const CLEAN: bool>(bytes: &[u8], mut at: usize, depth: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' => {
            at = end::<CLEAN>(bytes, at + 1);
            if *bytes.get(at)? != b'"' {
                return None;
            }
            Some(at + 1)
        }
        first @ (b'-' | b'0'..=b'9') => {
            let from = at + usize::from(first == b'-');
            at = digits(bytes, from);
            if at == from || bytes[from] == b'0' && at > from + 1 {
                return None;
            }
            if *bytes.get(at)? == b'.' {
                let from = at + 1;
                at = digits(bytes, from);
                if at == from {
                    return None;
                }
            }
            Some(at)
        }
        b'{' => inner_object::<CLEAN>(bytes, at, depth.checked_sub(1)?),
        b'[' => array::<CLEAN>(bytes, at, depth.checked_sub(1)?),
        _ => {
            let rest = &bytes[at..];
            if let Some(b"true" | b"null") = rest.first_chunk::<4>() {
                return Some(at + 4);
            }
            (rest.first_chunk::<5>() == Some(b"false")).then_some(at + 5)
        }
    }
}

#[inline(never)]
fn inner_object<const CLEAN: bool>(bytes: &[u8], start: usize, depth: usize) -> Option<usize> {
    object::<CLEAN>(bytes, start, depth, &mut Outline::default())
}

#[inline(never)]
fn array<const CLEAN: bool>(bytes: &[u8], start: usize, depth: usize) -> Option<usize> {
    let mut at = start + 1;
    if *bytes.get(at)? == b']' {
        return Some(at + 1);
    }
    loop {
        at = value::<CLEAN>(bytes, at, depth)?;
        match *bytes.get(at)? {
            b',' => at += 1,
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// The event of a line in the known order; `None` says nothing about the line. Of the text from that of `from` on,
/// `begins` may say that it goes on with a known piece and a quote.
#[inline(always)]
pub(in super::super) fn fast<'a>(
    line: &'a str,
    scratch: &mut Scratch,
    outline: &mut Outline,
    begins: impl Fn(&[u8]) -> Option<(u32, usize)>,
) -> Option<Fast<'a>> {
    if is_clean(line.as_bytes()) {
        read::<true>(line, scratch, outline, begins)
    } else {
        slower(line, scratch, outline)
    }
}

#[inline(never)]
fn slower<'a>(line: &'a str, scratch: &mut Scratch, outline: &mut Outline) -> Option<Fast<'a>> {
    read::<false>(line, scratch, outline, |_| None)
}

#[inline(always)]
fn read<'a, const CLEAN: bool>(
    line: &'a str,
    scratch: &mut Scratch,
    outline: &mut Outline,
    begins: impl Fn(&[u8]) -> Option<(u32, usize)>,
) -> Option<Fast<'a>> {
    outline.whole = false;
    let mut at = At::<CLEAN> { line, at: 0 };
    at.take(b"{")?;
    let (mut session, mut quoted) = ("", "");
    if at.take(b"\"session\":\"").is_some() {
        let (from, to) = at.string()?;
        session = &line[from..to];
        quoted = &line[from - 1..=to];
        at.take(b",")?;
    }
    if at.take(b"\"seq\":").is_some() {
        at.number()?;
        at.take(b",")?;
    }
    let mut ts = "";
    if at.take(b"\"ts\":").is_some() {
        let from = at.at;
        at.number()?;
        ts = &line[from..at.at];
        at.take(b",")?;
    }
    at.take(b"\"from\":\"")?;
    let mut known = None;
    let [mut from, mut to, mut label] = [(0, 0); 3];
    if let Some((kind, len)) = begins(&line.as_bytes()[at.at..]) {
        known = Some(kind);
        at.at += len + 1;
    } else {
        from = at.string()?;
        at.take(b",\"to\":\"")?;
        to = at.string()?;
        at.take(b",\"label\":\"")?;
        label = at.string()?;
    }
    at.take(b",\"payload\":")?;
    let mut flaw = None;
    let start = at.at;
    match object::<CLEAN>(line.as_bytes(), start, DEEP, outline) {
        Some(end) => at.at = end,
        None => {
            outline.whole = false;
            let mut reader = Reader::from(line, start);
            reader.value(scratch).ok()?;
            flaw = reader.take_flaw().map(Box::new);
            at.at = reader.at();
        }
    }
    let payload = &line[start..at.at];
    if at.take(b",\"at\":\"").is_some() {
        at.string()?;
    }
    let mut dir = None;
    if at.take(b",\"dir\":\"").is_some() {
        let (from, to) = at.string()?;
        dir = Some(&line[from..to]);
    }
    at.take(b"}")?;
    if at.at != line.len() {
        return None;
    }
    let payload = if payload == "null" { "" } else { payload };
    let piece = &line.as_bytes()[from.0..label.1];
    Some(Fast { session, quoted, ts, known, piece, names: [from, to, label], payload, dir, flaw })
}

//! From lines to pending events: which session they belong to, what of them is none.

use super::{BATCH, Checker};
use crate::protocol::Side;
use crate::trace::json::Flaw;
use crate::trace::json::Scratch;
use crate::trace::kinds::Class;
use crate::trace::kinds::Joint;
use crate::trace::kinds::SPARE;
use crate::trace::map::Line;
use crate::trace::map::Map;
use crate::trace::report::BadLine;
use crate::trace::report::Finding;
use crate::trace::scan;
use crate::trace::scan::Cut;
use crate::trace::scan::Fault;
use crate::trace::scan::Outline;
use crate::trace::scan::Raw;
use std::borrow::Cow;

impl Checker<'_> {
    /// Scans a line. What is an event is put into the batch; all else is settled at once, behind the batch.
    #[inline]
    pub(super) fn line<'l>(
        &mut self,
        at: u64,
        cut: Cut<'l>,
        batch: &mut Vec<Pending<'l>>,
        found: &mut impl FnMut(Finding),
    ) {
        self.totals.lines = self.totals.lines.saturating_add(1);
        let line = match cut {
            Cut::Text(line) => line,
            Cut::Line(bytes) => match std::str::from_utf8(bytes) {
                Ok(line) => line,
                Err(_) => {
                    self.flush(batch, found);
                    return self.line_of_bytes(at, bytes, found);
                }
            },
            Cut::TooLong => {
                self.flush(batch, found);
                return self.bad(at, Fault::TooLong, found);
            }
        };
        // A carriage return before the line's end, and a mark at the very beginning, belong to the file.
        let line = if line.as_bytes().last() == Some(&b'\r') { line.trim_end_matches('\r') } else { line };
        let line = if at == 0 { line.strip_prefix('\u{FEFF}').unwrap_or(line) } else { line };
        let mut outline = Outline::default();
        if !self.general
            && self.endpoints.is_empty()
            && let Some(fast) = scan::fast(line, &mut self.scratch, &mut outline, |rest| self.kinds.begins(rest))
        {
            let kind = match fast.known.or_else(|| self.kinds.of_piece(fast.piece)) {
                Some(kind) => kind,
                None => {
                    let [from, to, label] = fast.names.map(|(from, to)| line.get(from..to).unwrap_or(""));
                    let kind = self.kinds.of(from, to, label);
                    self.kinds.remember(fast.piece, kind);
                    kind
                }
            };
            let session = Cow::Borrowed(fast.session);
            let line = Line { text: line, session: fast.quoted, payload: fast.payload, outline: None };
            let parts = (fast.ts, fast.dir, fast.payload, fast.flaw);
            let pending = self.pending(at, line, &outline, kind, session, parts);
            return self.put(pending, batch, found);
        }
        match scan::general(line, &mut self.scratch) {
            Ok(raw) if !self.endpoints.is_empty() => self.event_of_recorder(at, line, raw, found),
            Ok(raw) => {
                let pending = self.pending_raw(at, line, raw);
                self.put(pending, batch, found);
            }
            Err(_) if line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r')) => {}
            Err(fault) => {
                self.flush(batch, found);
                self.bad(at, fault, found);
            }
        }
    }

    /// Judges the events of a batch, in order. With many sessions, nearly every look-up misses the caches; so all of
    /// a batch's are asked for before the first is needed, and the misses overlap.
    #[inline]
    pub(super) fn flush(&mut self, batch: &mut Vec<Pending<'_>>, found: &mut impl FnMut(Finding)) {
        if batch.len() > 1 {
            let asked = batch.iter().fold(0, |sum: u64, pending| sum ^ self.sessions.ask(pending.hash));
            std::hint::black_box(asked);
            let mut places = [0; BATCH];
            for (place, pending) in places.iter_mut().zip(batch.iter()) {
                *place = self.sessions.hint(pending.hash);
            }
            let touched = places.iter().take(batch.len()).fold(0, |sum: u64, &place| sum ^ self.sessions.touch(place));
            std::hint::black_box(touched);
        }
        for pending in batch.drain(..) {
            self.event(&pending, found);
        }
    }

    #[inline]
    pub(super) fn put<'l>(
        &mut self,
        pending: Pending<'l>,
        batch: &mut Vec<Pending<'l>>,
        found: &mut impl FnMut(Finding),
    ) {
        // The spare kind means something else as soon as the next one is looked up.
        let spare = pending.kind == SPARE;
        batch.push(pending);
        if spare {
            self.flush(batch, found);
        }
    }

    pub(super) fn pending_raw<'l>(&mut self, at: u64, line: &'l str, raw: Raw<'l>) -> Pending<'l> {
        let kind = self.kinds.of(&raw.from, &raw.to, &raw.label);
        let session = raw.session.unwrap_or_default();
        let parts = (raw.ts, raw.dir.as_deref(), raw.payload, raw.flaw);
        self.pending(at, Line::new(line), &Outline::default(), kind, session, parts)
    }

    #[inline(always)]
    pub(super) fn pending<'l>(
        &mut self,
        at: u64,
        line: Line<'l>,
        outline: &Outline,
        mut kind: u32,
        session: Cow<'l, str>,
        (ts, dir, payload, flaw): (&'l str, Option<&str>, &'l str, Option<Box<Flaw>>),
    ) -> Pending<'l> {
        let known = self.kinds.get(kind);
        if let Class::Derived(rule) = known.class
            && let Some(rule) = self.map.derive(rule)
        {
            let value = rule.value(Line { outline: Some(outline), ..line });
            kind = self.kinds.derived(kind, rule, value.as_deref());
        }
        // Which side of a message the line shows; none if it should say and does not.
        let side = match dir {
            _ if !self.map.sides || self.kinds.get(kind).own => Some(Side::Both),
            Some("send") => Some(Side::Send),
            Some("receive") => Some(Side::Receive),
            _ => None,
        };
        let mut session = session_name(self.map, line, session);
        if self.map.join().is_some() {
            session = self.joined(line, kind, session);
        }
        let payload = match self.map.payload() {
            Some(path) => line.pointer(path).filter(|text| *text != "null").unwrap_or(""),
            None => payload,
        };
        let hash = self.sessions.hash(&session);
        Pending { at, line, kind, side, session, hash, ts, payload, flaw }
    }

    /// The session that a line's own session is a part of.
    pub(super) fn joined<'l>(&mut self, line: Line<'l>, kind: u32, own: Cow<'l, str>) -> Cow<'l, str> {
        let Some(join) = self.map.join() else { return own };
        let known = self.joined.get(&*own).map(|name| Cow::Owned(name.to_string()));
        match self.kinds.get(kind).joint {
            Joint::None => known.unwrap_or(own),
            Joint::Name => {
                let name = known.unwrap_or(own);
                if let Some(id) = join.name.1.find(line) {
                    // What is said first counts.
                    self.named.entry(id.into()).or_insert_with(|| name.as_ref().into());
                }
                name
            }
            Joint::With => {
                let asked = join.with.1.find(line).and_then(|id| self.named.get(&*id));
                match asked {
                    Some(name) if **name != *own => {
                        let name = name.clone();
                        self.joined.insert(own.as_ref().into(), name.clone());
                        Cow::Owned(name.into())
                    }
                    _ => known.unwrap_or(own),
                }
            }
        }
    }

    /// A line that is not UTF-8: an event to be refused if only its payload is to blame.
    #[cold]
    pub(super) fn line_of_bytes(&mut self, at: u64, bytes: &[u8], found: &mut impl FnMut(Finding)) {
        let text = String::from_utf8_lossy(bytes);
        let mut scratch = Scratch::default();
        let replaced = |text: &str| text.contains('\u{FFFD}');
        match scan::general(text.trim_end_matches('\r'), &mut scratch) {
            Ok(mut raw)
                if replaced(raw.payload)
                    && ![&raw.from, &raw.to, &raw.label].into_iter().chain(&raw.session).any(|text| replaced(text)) =>
            {
                raw.flaw = Some(Box::new(Flaw::Utf8));
                let line = text.trim_end_matches('\r');
                if !self.endpoints.is_empty() {
                    return self.event_of_recorder(at, line, raw, found);
                }
                let pending = self.pending_raw(at, line, raw);
                self.event(&pending, found);
            }
            _ => self.bad(at, Fault::Utf8, found),
        }
    }

    #[cold]
    pub(super) fn bad(&mut self, at: u64, fault: Fault, found: &mut impl FnMut(Finding)) {
        self.totals.bad = self.totals.bad.saturating_add(1);
        found(Finding::Line(BadLine::of(at, fault)));
    }
}

/// An event that was scanned, and not judged yet.
pub(super) struct Pending<'l> {
    pub(super) at: u64,
    /// All of it, for whatever the map wants to know.
    pub(super) line: Line<'l>,
    pub(super) kind: u32,
    pub(super) side: Option<Side>,
    pub(super) session: Cow<'l, str>,
    /// Of the session's name.
    pub(super) hash: u64,
    /// The number or string behind `ts`; empty if there is none.
    pub(super) ts: &'l str,
    pub(super) payload: &'l str,
    pub(super) flaw: Option<Box<Flaw>>,
}

#[inline]
fn session_name<'l>(map: &Map, line: Line<'l>, named: Cow<'l, str>) -> Cow<'l, str> {
    if map.whole {
        return Cow::Borrowed("");
    }
    match map.session() {
        Some(lookup) if line.session.is_empty() || !lookup.is_session() => lookup.find(line).unwrap_or(named),
        _ => named,
    }
}

//! The checker: bytes of a log go in, findings come out while it runs and at its end.
//!
//! Many sessions may be interleaved; each gets one verdict. A session is judged no further after its first violation;
//! its name is remembered and its later events are skipped. A line that is no event is a finding of its own, and the
//! next line is read as usual: the log has an error, whatever its sessions say.
//!
//! One checker reads one log, in order. Several logs are several checkers, which share nothing but what they borrow,
//! so they can run side by side.

use std::{borrow::Cow, collections::HashMap};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    coverage::Coverage,
    json::{Flaw, Scratch},
    kinds::{Class, Joint, Kind, Kinds, SPARE, Shapes},
    live::{self, Judge},
    map::{Line, Map, Watch},
    observe::{Refusal, Seen, Step, Trail, Watcher, flat},
    payload::{Injected, Misfit, Shape},
    report::{BadLine, Expected, Finding, Judgement, Offence, Past, Session, Totals},
    scan::{self, Cut, Fault, Lines, Raw},
    sessions::{Place, Sessions},
    subject::Subject,
};
use crate::{
    data::Redaction,
    diag::catalogue::trace as codes,
    id::{Id, IdVec, RoleId, SortId, StateId},
    machine::{Configuration, Machine},
    protocol::{Observer, Side},
};

/// Events that are scanned before they are judged.
const BATCH: usize = 32;
/// Combinations of states of which it is kept what comes next.
const MOST_AHEAD: usize = 1 << 10;
/// Payloads up to this length are shown.
const SHOWN: usize = 2_000;

/// Checks one log against a system.
pub struct Checker<'a> {
    subject: Subject<'a>,
    map: &'a Map,
    watcher: Watcher<'a>,
    kinds: Kinds<'a>,
    shapes: Shapes,
    sessions: Sessions,
    scratch: Scratch,
    lines: Lines,
    totals: Totals,
    coverage: Option<Coverage>,
    /// Judges instead of the watcher what is beyond the kernel.
    live: Option<Box<Judge<'a>>>,
    /// Until when the log is complete.
    until: Option<i64>,
    general: bool,
    /// Sessions that are parts of others, and of which.
    joined: HashMap<Box<str>, Box<str>>,
    /// Sessions by the ids that were said for them.
    named: HashMap<Box<str>, Box<str>>,
    /// By the states of sessions: whether that may be the end, and what is expected if not.
    ahead: FxHashMap<Box<[StateId]>, (bool, Vec<Expected>)>,
    /// If each line names the role that recorded it: a checker for every role's endpoint, and nothing is checked here.
    endpoints: Vec<(RoleId, Checker<'a>)>,
}

impl<'a> Checker<'a> {
    /// A checker for a log that a map makes readable. What the map names that the specification does not have is the
    /// business of [`Map::check`]; an unknown observer's role makes this the observer `total`.
    #[must_use]
    pub fn new(subject: Subject<'a>, map: &'a Map) -> Self {
        let role = map.role().and_then(|role| subject.header.role(&role.text));
        let observer = match (map.watch(), role) {
            (Watch::Wire, _) => Observer::Wire,
            (Watch::Endpoint, Some(role)) => Observer::Endpoint(role),
            _ => Observer::Total,
        };
        let mut checker = Self::observed(subject, map, observer);
        if map.recorder().is_some() {
            let endpoint = |role| (role, Self::observed(subject, map, Observer::Endpoint(role)));
            checker.endpoints = subject.header.roles.ids().map(endpoint).collect();
        }
        checker
    }

    /// The same with another observer than the map's.
    #[must_use]
    pub fn observed(subject: Subject<'a>, map: &'a Map, observer: Observer) -> Self {
        let kinds = Kinds::new(subject, map, observer);
        let sorts = kinds.sorts();
        let most = sorts.last().map_or(0, |sort| sort.index().saturating_add(1));
        let mut shapes: Shapes = IdVec::filled(Shape::Any, most);
        for sort in sorts {
            shapes[sort] = Shape::of(subject.names.payload(sort));
        }
        let initial: Box<[StateId]> = subject.system.machines().values().map(Machine::initial).collect();
        Self {
            subject,
            map,
            watcher: Watcher::new(subject.system, observer, map.sides),
            kinds,
            shapes,
            sessions: Sessions::new(initial),
            scratch: Scratch::default(),
            lines: Lines::default(),
            totals: Totals::default(),
            coverage: None,
            live: subject.program.map(|program| {
                let hidden = map.redacted().map(Into::into).collect();
                Box::new(Judge::new(subject, program, observer, map.sides, hidden))
            }),
            until: None,
            general: false,
            joined: HashMap::new(),
            named: HashMap::new(),
            ahead: FxHashMap::default(),
            endpoints: Vec::new(),
        }
    }

    /// Counts which states, transitions and pairs are seen.
    #[must_use]
    pub fn with_coverage(mut self) -> Self {
        self.coverage = Some(Coverage::new(self.subject.system));
        for (_, endpoint) in &mut self.endpoints {
            endpoint.coverage = Some(Coverage::new(self.subject.system));
        }
        self
    }

    /// Clocks may differ by so many microseconds: what is late by no more is in time.
    #[must_use]
    pub fn with_slack(mut self, slack: i64) -> Self {
        for checker in self.all() {
            if let Some(live) = &mut checker.live {
                live.set_slack(slack);
            }
        }
        self
    }

    /// The log goes on until this time, in microseconds since 1970: what is owed by then and was not seen has lapsed.
    #[must_use]
    pub fn with_until(mut self, until: i64) -> Self {
        for checker in self.all() {
            checker.until = Some(until);
        }
        self
    }

    /// The key of the digests that stand for what must not be shown.
    #[must_use]
    pub fn with_redaction(mut self, redaction: &Redaction) -> Self {
        for checker in self.all() {
            if let Some(live) = &mut checker.live {
                live.set_redaction(redaction.clone());
            }
        }
        self
    }

    /// Itself, and the checkers of every role's endpoint.
    fn all(&mut self) -> Vec<&mut Self> {
        if self.endpoints.is_empty() {
            return vec![self];
        }
        self.endpoints.iter_mut().map(|(_, checker)| checker).collect()
    }

    /// Reads every line the general way: the same findings, slower. For comparison.
    #[must_use]
    pub fn general(mut self) -> Self {
        self.general = true;
        self
    }

    /// What was seen so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.endpoints.iter().fold(self.totals, |sum, (_, endpoint)| sum.with(&endpoint.totals))
    }

    /// How many sessions there are so far.
    #[must_use]
    pub fn sessions(&self) -> usize {
        let of = |(_, endpoint): &(RoleId, Checker<'_>)| endpoint.sessions.len();
        self.endpoints.iter().map(of).fold(self.sessions.len(), usize::saturating_add)
    }

    /// What was covered, if it is counted; with an observer per line, after [`Self::finish`].
    #[must_use]
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// Reads the next bytes of the log; a line may be cut anywhere. Findings go to `found` as soon as they are sure.
    pub fn feed(&mut self, bytes: &[u8], found: &mut impl FnMut(Finding)) {
        let mut lines = std::mem::take(&mut self.lines);
        let rest = lines.complete(bytes, &mut |at, cut| {
            let mut batch = Vec::new();
            self.line(at, cut, &mut batch, found);
            self.flush(&mut batch, found);
        });
        let mut batch = Vec::with_capacity(BATCH);
        lines.feed(rest, &mut |at, cut| {
            self.line(at, cut, &mut batch, found);
            if batch.len() >= BATCH {
                self.flush(&mut batch, found);
            }
        });
        self.flush(&mut batch, found);
        self.lines = lines;
    }

    /// The log is over: verdicts about all sessions that have none yet, in the order of their first events.
    pub fn finish(&mut self, found: &mut impl FnMut(Finding)) -> Totals {
        let mut lines = std::mem::take(&mut self.lines);
        lines.finish(&mut |at, cut| {
            let mut batch = Vec::new();
            self.line(at, cut, &mut batch, found);
            self.flush(&mut batch, found);
        });
        let mut endpoints = std::mem::take(&mut self.endpoints);
        let of = |checker: &Self, at| {
            let open = checker.sessions.open_ones();
            open.into_iter().map(move |(born, place)| (born, at, place))
        };
        let mut open: Vec<_> = of(self, usize::MAX).collect();
        open.extend(endpoints.iter().enumerate().flat_map(|(at, (_, endpoint))| of(endpoint, at)));
        open.sort_unstable_by_key(|&(born, at, _)| (born, at));
        for (_, at, place) in open {
            let checker = endpoints.get_mut(at).map_or(&mut *self, |(_, endpoint)| endpoint);
            let session = checker.last_word(place);
            checker.totals.count(session.verdict);
            found(Finding::Session(Box::new(session)));
        }
        for (_, endpoint) in &endpoints {
            if let (Some(coverage), Some(more)) = (&mut self.coverage, &endpoint.coverage) {
                coverage.merge(more);
            }
        }
        self.endpoints = endpoints;
        self.totals()
    }

    /// Scans a line. What is an event is put into the batch; all else is settled at once, behind the batch.
    #[inline]
    fn line<'l>(&mut self, at: u64, cut: Cut<'l>, batch: &mut Vec<Pending<'l>>, found: &mut impl FnMut(Finding)) {
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
        if !self.general
            && self.endpoints.is_empty()
            && let Some(fast) = scan::fast(line, &mut self.scratch, |rest| self.kinds.begins(rest))
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
            let line = Line { text: line, session: fast.quoted, payload: fast.payload };
            let pending = self.pending(at, line, kind, session, fast.ts, fast.dir, fast.payload, fast.flaw);
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
    fn flush(&mut self, batch: &mut Vec<Pending<'_>>, found: &mut impl FnMut(Finding)) {
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
    fn put<'l>(&mut self, pending: Pending<'l>, batch: &mut Vec<Pending<'l>>, found: &mut impl FnMut(Finding)) {
        // The spare kind means something else as soon as the next one is looked up.
        let spare = pending.kind == SPARE;
        batch.push(pending);
        if spare {
            self.flush(batch, found);
        }
    }

    fn pending_raw<'l>(&mut self, at: u64, line: &'l str, raw: Raw<'l>) -> Pending<'l> {
        let kind = self.kinds.of(&raw.from, &raw.to, &raw.label);
        let session = raw.session.unwrap_or_default();
        self.pending(at, Line::new(line), kind, session, raw.ts, raw.dir.as_deref(), raw.payload, raw.flaw)
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line, however it was read")]
    fn pending<'l>(
        &mut self,
        at: u64,
        line: Line<'l>,
        mut kind: u32,
        session: Cow<'l, str>,
        ts: &'l str,
        dir: Option<&str>,
        payload: &'l str,
        flaw: Option<Box<Flaw>>,
    ) -> Pending<'l> {
        let known = self.kinds.get(kind);
        if let Class::Derived(rule) = known.class
            && let Some(rule) = self.map.derive(rule)
        {
            let value = rule.value(line);
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
    fn joined<'l>(&mut self, line: Line<'l>, kind: u32, own: Cow<'l, str>) -> Cow<'l, str> {
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
    fn line_of_bytes(&mut self, at: u64, bytes: &[u8], found: &mut impl FnMut(Finding)) {
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
    fn bad(&mut self, at: u64, fault: Fault, found: &mut impl FnMut(Finding)) {
        self.totals.bad = self.totals.bad.saturating_add(1);
        found(Finding::Line(BadLine::of(at, fault)));
    }

    #[inline]
    fn event(&mut self, pending: &Pending<'_>, found: &mut impl FnMut(Finding)) {
        let &Pending { at, kind, side, ref session, hash, .. } = pending;
        if !self.in_sight(kind, side) {
            self.totals.dropped = self.totals.dropped.saturating_add(1);
            return;
        }
        let slot = match self.sessions.find(session, hash) {
            Some(Place::Live(slot)) => slot,
            Some(Place::Past(past)) => return self.after_end(past, pending, found),
            None => match self.sessions.open(session, hash, at) {
                Some(slot) => slot,
                None => return self.bad(at, Fault::Type("session", "one of fewer than 2147483648 names"), found),
            },
        };
        self.totals.events = self.totals.events.saturating_add(1);
        match if self.live.is_some() { self.live_step(slot, pending) } else { self.step(slot, pending) } {
            Ok(ended) => {
                self.sessions.block_mut(slot).note(at, kind);
                if ended {
                    self.retire_if_over(slot, at);
                }
            }
            Err(offence) => self.violates(slot, pending, *offence, found),
        }
    }

    /// Gives the event to the checker of the endpoint that recorded it.
    fn event_of_recorder(&mut self, at: u64, line: &str, raw: Raw<'_>, found: &mut impl FnMut(Finding)) {
        let name = self.map.recorder().and_then(|lookup| lookup.find(Line::new(line)));
        let role = name.and_then(|name| self.subject.header.role(self.map.rename_role(&name)));
        match self.endpoints.iter_mut().find(|(own, _)| Some(*own) == role) {
            Some((_, endpoint)) => {
                let pending = endpoint.pending_raw(at, line, raw);
                endpoint.event(&pending, found);
            }
            None => self.bad(at, Fault::Type("role", "the name of a role, where the map looks for it"), found),
        }
    }

    #[inline]
    fn in_sight(&self, kind: u32, side: Option<Side>) -> bool {
        match (&self.kinds.get(kind).class, self.watcher.observer) {
            (Class::Dropped, _) => false,
            (&Class::Message { from, .. }, Observer::Endpoint(own)) => match side {
                Some(Side::Send) => own == from,
                Some(Side::Receive) => own != from,
                _ => true,
            },
            _ => true,
        }
    }

    /// Lets an event happen in a session, or says what is wrong with it. True if some role may have ended.
    #[inline]
    fn step(&mut self, slot: u32, pending: &Pending<'_>) -> Result<bool, Box<Offence>> {
        let &Pending { line, kind, side, payload, ref flaw, .. } = pending;
        let Self { kinds, shapes, sessions, watcher, coverage, map, .. } = self;
        let known = kinds.get(kind);
        let offend = |refusal| Box::new(Offence::refusal(known, refusal));
        if let Some(flaw) = flaw {
            return Err(Box::new(Offence::flaw(flaw)));
        }
        let Some(side) = side else {
            return Err(no_side());
        };
        let fits = |sort: SortId| -> Result<(), Misfit> {
            match &shapes[sort] {
                Shape::Any => Ok(()),
                shape => {
                    let found = injected(map, known, line);
                    let injected: Vec<(&str, &str)> = found.iter().map(|(field, text)| (*field, &**text)).collect();
                    shape.fit(payload, &injected)
                }
            }
        };
        let seen = match &known.class {
            Class::Unknown(unknown) => {
                return Err(Box::new(Offence {
                    code: unknown.code,
                    message: unknown.text.clone(),
                    help: unknown.help.clone(),
                    blame: None,
                    span: None,
                }));
            }
            // Whoever asks has left these out.
            Class::Dropped | Class::Derived(_) | Class::Happens { .. } => return Ok(false),
            Class::Act { role, label, sorts, .. } => Seen::Act { role: *role, label: *label, sorts },
            Class::Message { messages, .. } => Seen::Message { messages, side },
        };
        let mut trail = coverage.is_some().then(Trail::new);
        let simple = side == Side::Both || matches!(watcher.observer, Observer::Endpoint(_));
        if watcher.observer != Observer::Wire && simple && !watcher.twins && !sessions.block(slot).heavy {
            let states = sessions.states_mut(slot);
            match seen {
                Seen::Message { messages: &[message], .. } => {
                    let sort = watcher.system.messages()[message].sort;
                    let free = matches!(shapes[sort], Shape::Any);
                    let before: Option<Box<[StateId]>> = if free { None } else { Some((&*states).into()) };
                    let ended = flat::message(watcher.system, watcher.observer, states, message, trail.as_mut())
                        .map_err(offend)?;
                    if let Some(before) = before
                        && let Err(misfit) = fits(sort)
                    {
                        states.copy_from_slice(&before);
                        return Err(offend(Refusal::Payload(misfit)));
                    }
                    if trail.is_some() {
                        cover(coverage, slot, trail);
                    }
                    return Ok(ended);
                }
                Seen::Act { role, label, sorts: &[sort] } => {
                    let mut after: Box<[StateId]> = (&*states).into();
                    let ended =
                        flat::act(watcher.system, &mut after, role, (label, sort), trail.as_mut()).map_err(offend)?;
                    fits(sort).map_err(Refusal::Payload).map_err(offend)?;
                    states.copy_from_slice(&after);
                    if trail.is_some() {
                        cover(coverage, slot, trail);
                    }
                    return Ok(ended);
                }
                _ => {}
            }
        }
        let set = configurations(watcher, sessions, slot);
        match watcher.next(&set, seen, &mut { fits }) {
            Step::Explained(next, trail) => {
                let flat = watcher.observer != Observer::Wire
                    && matches!(&*next, [only] if flat::flatten(watcher.system, only, sessions.states_mut(slot)));
                if flat {
                    sessions.heavy.remove(&slot);
                } else {
                    sessions.heavy.insert(slot, next);
                }
                sessions.block_mut(slot).heavy = !flat;
                cover(coverage, slot, Some(trail));
                Ok(true)
            }
            Step::Refused(refusal) => {
                sessions.heavy.insert(slot, set);
                sessions.block_mut(slot).heavy = true;
                Err(offend(refusal))
            }
            Step::Unknown => {
                sessions.heavy.insert(slot, set);
                sessions.block_mut(slot).heavy = true;
                Err(Box::new(Offence {
                    code: codes::TOO_MANY,
                    message: "too many configurations explain what was seen".to_owned(),
                    help: None,
                    blame: None,
                    span: None,
                }))
            }
        }
    }

    /// What is beyond the kernel.
    fn live_step(&mut self, slot: u32, pending: &Pending<'_>) -> Result<bool, Box<Offence>> {
        let known = self.kinds.get(pending.kind);
        if let Some(flaw) = &pending.flaw {
            return Err(Box::new(Offence::flaw(flaw)));
        }
        if let Class::Unknown(unknown) = &known.class {
            return Err(Box::new(Offence {
                code: unknown.code,
                message: unknown.text.clone(),
                help: unknown.help.clone(),
                blame: None,
                span: None,
            }));
        }
        if pending.side.is_none() {
            return Err(no_side());
        }
        if let Class::Happens { crash, role } = known.class {
            let now = scan::micros(pending.ts);
            if let Some(live) = &mut self.live {
                return live.happens(slot, crash, role, now).map(|()| true);
            }
        }
        let found = injected(self.map, known, pending.line);
        let injected: SmallVec<[(&str, &str); 2]> = found.iter().map(|(field, text)| (*field, &**text)).collect();
        let Some(mut event) = event_of(known, pending, &injected) else { return Ok(false) };
        match &mut self.live {
            Some(live) => {
                // Where nothing can fail, and the map does not speak of it, the line may mean anything by it.
                event.failed =
                    (self.map.names_failures() || live.may_fail(event.candidates)) && self.map.failed(pending.line);
                live.step(slot, &event)
            }
            None => Ok(false),
        }
    }

    #[cold]
    fn violates(&mut self, slot: u32, pending: &Pending<'_>, offence: Offence, found: &mut impl FnMut(Finding)) {
        let unknown = [codes::TOO_MANY, codes::MEMORY_FULL].contains(&offence.code);
        let verdict = if unknown { Judgement::Unknown } else { Judgement::Violates };
        let set = configurations(&self.watcher, &mut self.sessions, slot);
        let mut session = self.session(Place::Live(slot), verdict);
        session.last = self.recent(slot);
        session.events = session.events.saturating_add(1);
        self.describe(&mut session, pending, offence);
        if verdict == Judgement::Violates {
            match &self.live {
                Some(live) => {
                    session.expected = live.expected(slot);
                    session.may_end = live.is_final(slot);
                }
                None => self.expect(&mut session, &set),
            }
        }
        self.totals.count(verdict);
        found(Finding::Session(Box::new(session)));
        self.sessions.heavy.remove(&slot);
        self.forget(slot);
        self.sessions.retire(slot, pending.at, true);
    }

    #[cold]
    fn after_end(&mut self, past: u32, pending: &Pending<'_>, found: &mut impl FnMut(Finding)) {
        let known = *self.sessions.past(past);
        if known.judged {
            self.totals.after = self.totals.after.saturating_add(1);
            return;
        }
        self.totals.events = self.totals.events.saturating_add(1);
        let mut session = self.session(Place::Past(past), Judgement::Violates);
        session.events = session.events.saturating_add(1);
        let unknown = match &self.kinds.get(pending.kind).class {
            Class::Unknown(unknown) => Some((unknown.code, unknown.text.clone(), unknown.help.clone())),
            _ => None,
        };
        let (code, message, help) = unknown.unwrap_or_else(|| {
            let text = format!("the session was over after line {}", known.last.saturating_add(1));
            (codes::AFTER_END, text, None)
        });
        self.describe(&mut session, pending, Offence { code, message, help, blame: None, span: None });
        session.may_end = true;
        self.totals.count(Judgement::Violates);
        self.sessions.judge(past);
        found(Finding::Session(Box::new(session)));
    }

    /// Says what is wrong with the offending event, and who is to blame: the receiver, if it is its type that refuses,
    /// else the sender.
    fn describe(&self, session: &mut Session, pending: &Pending<'_>, offence: Offence) {
        let &Pending { at, kind, payload, .. } = pending;
        let known = self.kinds.get(kind);
        session.at = Some(at);
        session.event =
            Some(Past { at, from: known.from.to_string(), to: known.to.to_string(), label: known.label.to_string() });
        session.payload = match &self.live {
            Some(live) => {
                let shown = event_of(known, pending, &[]).and_then(|event| live.shown(&event));
                shown.filter(|shown| shown.len() <= SHOWN)
            }
            None => self.shown(kind, payload),
        };
        session.code = Some(offence.code);
        session.message = Some(offence.message);
        session.help = offence.help;
        session.span = offence.span;
        session.blame = offence.blame.or_else(|| {
            let endpoint = matches!(self.watcher.observer, Observer::Endpoint(_));
            let receiver = (offence.code == codes::RECEIVER && !endpoint) || offence.code == codes::UNSENT;
            let name = if receiver { &known.to } else { &known.from };
            let unknown = [codes::TOO_MANY, codes::MEMORY_FULL].contains(&offence.code);
            if unknown { None } else { Some(name.to_string()) }
        });
    }

    fn shown(&self, kind: u32, payload: &str) -> Option<String> {
        let sorts: Vec<SortId> = match &self.kinds.get(kind).class {
            Class::Message { messages, .. } => {
                messages.iter().map(|&message| self.subject.system.messages()[message].sort).collect()
            }
            Class::Act { sorts, .. } => sorts.to_vec(),
            _ => Vec::new(),
        };
        let secret = sorts.iter().any(|&sort| self.subject.names.payload(sort).is_some_and(has_secret));
        (!secret && !payload.is_empty() && payload.len() <= SHOWN).then(|| payload.to_owned())
    }

    /// What comes next in these states, and whether nothing has to; asked for once per combination of states.
    fn ahead(&mut self, slot: u32) -> &(bool, Vec<Expected>) {
        let states = self.sessions.states(slot);
        if !self.ahead.contains_key(states) {
            if self.ahead.len() >= MOST_AHEAD {
                self.ahead.clear();
            }
            let set = [flat::raise(self.watcher.system, states)];
            let over = self.watcher.is_final(&set);
            let offered = if over { Vec::new() } else { self.watcher.expected(&set) };
            let expected = offered.into_iter().map(|offered| Expected::of(self.subject, offered)).collect();
            self.ahead.insert(states.into(), (over, expected));
        }
        self.ahead.get(states).expect("it is there, or was just put there")
    }

    fn expect(&self, session: &mut Session, set: &[Configuration]) {
        let offered = self.watcher.expected(set);
        session.expected = offered.into_iter().map(|offered| Expected::of(self.subject, offered)).collect();
        session.may_end = self.watcher.is_final(set);
    }

    fn session(&self, place: Place, verdict: Judgement) -> Session {
        let events = match place {
            Place::Live(slot) => self.sessions.block(slot).events,
            Place::Past(past) => self.sessions.past(past).events,
        };
        Session {
            name: self.sessions.name(place),
            verdict,
            events,
            at: None,
            event: None,
            payload: None,
            expected: Vec::new(),
            may_end: verdict == Judgement::Conforms,
            blame: None,
            code: None,
            message: None,
            help: None,
            span: None,
            assumed: self.live.as_ref().map(|live| live.assumed().to_vec()).unwrap_or_default(),
            last: Vec::new(),
        }
    }

    fn recent(&self, slot: u32) -> Vec<Past> {
        let event = |(at, kind)| {
            let known = self.kinds.get(kind);
            let text = |text: &str| if kind == SPARE { "…".to_owned() } else { text.to_owned() };
            Past { at, from: text(&known.from), to: text(&known.to), label: text(&known.label) }
        };
        self.sessions.block(slot).recent().map(event).collect()
    }

    /// The verdict about a session when the log is over.
    fn last_word(&mut self, place: Place) -> Session {
        let Place::Live(slot) = place else { return self.session(place, Judgement::Conforms) };
        if let (Some(live), Some(until)) = (&mut self.live, self.until)
            && let Some(offence) = live.lapsed(slot, until)
        {
            let mut session = self.session(place, Judgement::Violates);
            session.last = self.recent(slot);
            session.at = session.last.last().map(|past| past.at);
            session.code = Some(offence.code);
            session.message = Some(offence.message);
            session.span = offence.span;
            session.blame = offence.blame;
            return session;
        }
        if let Some(live) = &self.live {
            let over = live.is_final(slot);
            let expected = if over { Vec::new() } else { live.expected(slot) };
            return self.ended(place, slot, over, expected);
        }
        if !self.sessions.block(slot).heavy {
            let &(over, ref expected) = self.ahead(slot);
            let expected = if over { Vec::new() } else { expected.clone() };
            return self.ended(place, slot, over, expected);
        }
        let set = configurations(&self.watcher, &mut self.sessions, slot);
        let over = self.watcher.is_final(&set);
        let mut session = self.ended(place, slot, over, Vec::new());
        if !over {
            self.expect(&mut session, &set);
        }
        self.sessions.heavy.insert(slot, set);
        session
    }

    /// The verdict about a session that ends with the log, where it may be over or where something is still expected.
    fn ended(&mut self, place: Place, slot: u32, over: bool, expected: Vec<Expected>) -> Session {
        let mut session = self.session(place, if over { Judgement::Conforms } else { Judgement::Incomplete });
        if !over {
            session.code = Some(codes::INCOMPLETE);
            session.message = Some("the trace stops before the end of the session".to_owned());
            session.last = self.recent(slot);
        }
        session.expected = expected;
        session
    }

    /// Gives a block back when no role can do anything more.
    #[inline]
    fn retire_if_over(&mut self, slot: u32, at: u64) {
        if let Some(live) = &self.live {
            if live.is_over(slot) {
                self.forget(slot);
                self.sessions.retire(slot, at, false);
            }
            return;
        }
        let block = self.sessions.block(slot);
        if block.heavy || block.events == 0 {
            return;
        }
        let machines = self.subject.system.machines();
        let over = match self.watcher.observer {
            Observer::Endpoint(role) => {
                let state = self.sessions.states(slot).get(role.index()).copied().unwrap_or_default();
                machines.entry(role).is_some_and(|machine| machine.is_end(state))
            }
            _ => self.sessions.states(slot).iter().zip(machines.values()).all(|(&state, m)| m.is_end(state)),
        };
        if over {
            self.forget(slot);
            self.sessions.retire(slot, at, false);
        }
    }

    fn forget(&mut self, slot: u32) {
        if let Some(live) = &mut self.live {
            live.forget(slot);
        }
        if let Some(coverage) = &mut self.coverage {
            coverage.forget(slot);
        }
    }
}

/// An event that was scanned, and not judged yet.
struct Pending<'l> {
    at: u64,
    /// All of it, for whatever the map wants to know.
    line: Line<'l>,
    kind: u32,
    side: Option<Side>,
    session: Cow<'l, str>,
    /// Of the session's name.
    hash: u64,
    /// The number or string behind `ts`; empty if there is none.
    ts: &'l str,
    payload: &'l str,
    flaw: Option<Box<Flaw>>,
}

/// A scanned event in terms of the program; none of what is none of its events.
fn event_of<'e>(kind: &'e Kind, pending: &'e Pending<'_>, injected: &'e Injected<'e>) -> Option<live::Event<'e>> {
    let (from, to, label, candidates) = match &kind.class {
        Class::Act { role, label, messages, .. } => (*role, *role, *label, messages),
        Class::Message { from, to, label, messages } => (*from, *to, *label, messages),
        _ => return None,
    };
    let side = pending.side.unwrap_or(Side::Both);
    let now = scan::micros(pending.ts);
    Some(live::Event {
        from,
        to,
        label,
        candidates,
        side,
        payload: pending.payload,
        injected,
        written: false,
        blank: false,
        failed: false,
        now,
    })
}

/// The payload fields that the map takes from elsewhere in a line.
fn injected<'l>(map: &'l Map, kind: &'l Kind, line: Line<'l>) -> SmallVec<[(&'l str, Cow<'l, str>); 2]> {
    let of = |&at: &usize| {
        let (field, source) = map.source(at)?;
        Some((&*field.text, source.find(line)?))
    };
    let fixed = kind.fixed.iter().map(|(field, text)| (&**field, Cow::Borrowed(&**text)));
    fixed.chain(kind.sources.iter().filter_map(of)).collect()
}

#[inline]
fn session_name<'l>(map: &Map, line: Line<'l>, named: Cow<'l, str>) -> Cow<'l, str> {
    if map.whole {
        return Cow::Borrowed("");
    }
    if let Some(found) = map.session().and_then(|lookup| lookup.find(line)) {
        return found;
    }
    named
}

#[cold]
fn no_side() -> Box<Offence> {
    Box::new(Offence {
        code: codes::SIDE,
        message: "the line does not say which side of the message it shows".to_owned(),
        help: Some("add `\"dir\":\"send\"` or `\"dir\":\"receive\"`".to_owned()),
        blame: None,
        span: None,
    })
}

/// The configurations of a session; those of a heavy one are taken out, to be put back.
fn configurations(watcher: &Watcher<'_>, sessions: &mut Sessions, slot: u32) -> Vec<Configuration> {
    if sessions.block(slot).heavy {
        sessions.heavy.remove(&slot).unwrap_or_default()
    } else {
        vec![flat::raise(watcher.system, sessions.states(slot))]
    }
}

fn cover(coverage: &mut Option<Coverage>, slot: u32, trail: Option<Trail>) {
    if let (Some(coverage), Some(trail)) = (coverage, trail) {
        coverage.see(slot, &trail);
    }
}

fn has_secret(payload: &crate::protocol::Payload) -> bool {
    use crate::protocol::Sort;
    fn has_secret_sort(sort: &Sort) -> bool {
        match sort {
            Sort::Secret(_) => true,
            Sort::List(of) | Sort::Set(of) | Sort::Option(of) | Sort::Refined(of, _) => has_secret_sort(of),
            Sort::Map(key, value) => has_secret_sort(key) || has_secret_sort(value),
            Sort::Record(fields) => has_secret(fields),
            Sort::Builtin(_) | Sort::Opaque(_) | Sort::Enum(_) => false,
        }
    }
    payload.fields.iter().any(|field| has_secret_sort(&field.sort))
}

/// A whole log at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Verdicts: violations as they were found, then all others by first event.
    pub sessions: Vec<Session>,
    /// Lines that are no events.
    pub bad: Vec<BadLine>,
    /// How much was seen.
    pub totals: Totals,
}

impl Report {
    /// Whether every line was an event and every session conforms, or stopped early.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.totals.bad == 0 && self.totals.violates == 0 && self.totals.unknown == 0
    }
}

/// Checks a whole log.
#[must_use]
pub fn conform(subject: Subject<'_>, map: &Map, log: &[u8]) -> Report {
    let mut report = Report { sessions: Vec::new(), bad: Vec::new(), totals: Totals::default() };
    let mut checker = Checker::new(subject, map);
    let mut found = |finding| match finding {
        Finding::Line(line) => report.bad.push(line),
        Finding::Session(session) => report.sessions.push(*session),
    };
    checker.feed(log, &mut found);
    let totals = checker.finish(&mut found);
    report.totals = totals;
    report
}

//! The checker: bytes of a log go in, findings come out while it runs and at its end.
//!
//! Many sessions may be interleaved; each gets one verdict. A session is judged no further after its first violation;
//! its name is remembered and its later events are skipped. A line that is no event is a finding of its own, and the
//! next line is read as usual: the log has an error, whatever its sessions say.
//!
//! One checker reads one log, in order. Several logs are several checkers, which share nothing but what they borrow,
//! so they can run side by side.

mod lines;
mod step;
mod tell;

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::{
    coverage::Coverage,
    json::Scratch,
    kinds::{Kinds, Shapes},
    live::Judge,
    map::{Map, Watch},
    observe::Watcher,
    payload::Shape,
    report::{BadLine, Expected, Finding, Session, Totals},
    scan::Lines,
    sessions::Sessions,
    subject::Subject,
};
use crate::{
    data::Redaction,
    id::{Id, IdVec, RoleId, StateId},
    machine::Machine,
    protocol::Observer,
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
        let system = self.subject.system;
        self.coverage = Some(Coverage::new(system));
        for checker in self.all() {
            checker.coverage = Some(Coverage::new(system));
            if let Some(live) = &mut checker.live {
                live.keep_trail();
            }
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

    /// Reads every line the general way, and takes every step anew: the same findings, slower. For comparison.
    #[must_use]
    pub fn general(mut self) -> Self {
        self.general = true;
        for checker in self.all() {
            if let Some(live) = &mut checker.live {
                live.take_anew();
            }
        }
        self
    }

    /// What was seen so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.endpoints.iter().fold(self.totals, |sum, (_, endpoint)| sum.with(&endpoint.totals))
    }

    /// How many events were steps that had been taken before, and were looked up.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        let own = self.live.as_ref().map_or(0, |live| live.repeated());
        self.endpoints.iter().fold(own, |sum, (_, endpoint)| sum.saturating_add(endpoint.repeated()))
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

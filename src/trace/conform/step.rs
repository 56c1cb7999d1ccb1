//! One event of one session: whether some legal run goes on with it.

use super::{Checker, lines::Pending};
use crate::diag::catalogue::trace as codes;
use crate::id::SortId;
use crate::id::StateId;
use crate::machine::Configuration;
use crate::protocol::Observer;
use crate::protocol::Side;
use crate::trace::coverage::Coverage;
use crate::trace::kinds::Class;
use crate::trace::kinds::Kind;
use crate::trace::live;
use crate::trace::map::Line;
use crate::trace::map::Map;
use crate::trace::observe::Refusal;
use crate::trace::observe::Seen;
use crate::trace::observe::Step;
use crate::trace::observe::Trail;
use crate::trace::observe::Watcher;
use crate::trace::observe::flat;
use crate::trace::payload::Injected;
use crate::trace::payload::Misfit;
use crate::trace::payload::Shape;
use crate::trace::report::Finding;
use crate::trace::report::Offence;
use crate::trace::scan;
use crate::trace::scan::Fault;
use crate::trace::scan::Raw;
use crate::trace::sessions::Place;
use crate::trace::sessions::Sessions;
use smallvec::SmallVec;
use std::borrow::Cow;

impl Checker<'_> {
    #[inline]
    pub(super) fn event(&mut self, pending: &Pending<'_>, found: &mut impl FnMut(Finding)) {
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
    pub(super) fn event_of_recorder(&mut self, at: u64, line: &str, raw: Raw<'_>, found: &mut impl FnMut(Finding)) {
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
    pub(super) fn in_sight(&self, kind: u32, side: Option<Side>) -> bool {
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
    pub(super) fn step(&mut self, slot: u32, pending: &Pending<'_>) -> Result<bool, Box<Offence>> {
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
    pub(super) fn live_step(&mut self, slot: u32, pending: &Pending<'_>) -> Result<bool, Box<Offence>> {
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
                let found = live.step(slot, &event);
                if let Some(coverage) = &mut self.coverage {
                    let trail = live.trail();
                    if found.is_ok() {
                        coverage.pass(slot, trail);
                    }
                }
                found
            }
            None => Ok(false),
        }
    }
}

/// A scanned event in terms of the program; none of what is none of its events.
pub(super) fn event_of<'e>(
    kind: &'e Kind,
    pending: &'e Pending<'_>,
    injected: &'e Injected<'e>,
) -> Option<live::Event<'e>> {
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
    if kind.fixed.is_empty() && kind.sources.is_empty() {
        return SmallVec::new();
    }
    let of = |&at: &usize| {
        let (field, source) = map.source(at)?;
        Some((&*field.text, source.find(line)?))
    };
    let fixed = kind.fixed.iter().map(|(field, text)| (&**field, Cow::Borrowed(&**text)));
    fixed.chain(kind.sources.iter().filter_map(of)).collect()
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
pub(super) fn configurations(watcher: &Watcher<'_>, sessions: &mut Sessions, slot: u32) -> Vec<Configuration> {
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

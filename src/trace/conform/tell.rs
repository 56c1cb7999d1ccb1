//! What is told of a session: its violation, what would have been accepted, what came before, and its last word.

use super::{
    Checker, MOST_AHEAD, SHOWN,
    lines::Pending,
    step::{configurations, event_of},
};
use crate::diag::catalogue::trace as codes;
use crate::id::Id;
use crate::id::SortId;
use crate::machine::Configuration;
use crate::protocol::Observer;
use crate::trace::kinds::Class;
use crate::trace::kinds::SPARE;
use crate::trace::observe::flat;
use crate::trace::report::Expected;
use crate::trace::report::Finding;
use crate::trace::report::Judgement;
use crate::trace::report::Offence;
use crate::trace::report::Past;
use crate::trace::report::Session;
use crate::trace::sessions::Place;

impl Checker<'_> {
    #[cold]
    pub(super) fn violates(
        &mut self,
        slot: u32,
        pending: &Pending<'_>,
        offence: Offence,
        found: &mut impl FnMut(Finding),
    ) {
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
    pub(super) fn after_end(&mut self, past: u32, pending: &Pending<'_>, found: &mut impl FnMut(Finding)) {
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
    pub(super) fn describe(&self, session: &mut Session, pending: &Pending<'_>, offence: Offence) {
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

    pub(super) fn shown(&self, kind: u32, payload: &str) -> Option<String> {
        let sorts: Vec<SortId> = match &self.kinds.get(kind).class {
            Class::Message { messages, .. } => {
                messages.iter().map(|&message| self.subject.system.messages()[message].sort).collect()
            }
            Class::Act { sorts, .. } => sorts.to_vec(),
            _ => Vec::new(),
        };
        let secret = sorts
            .iter()
            .any(|&sort| self.subject.names.payload(sort).is_some_and(crate::protocol::Payload::has_secret));
        (!secret && !payload.is_empty() && payload.len() <= SHOWN).then(|| payload.to_owned())
    }

    /// What comes next in these states, and whether nothing has to; asked for once per combination of states.
    pub(super) fn ahead(&mut self, slot: u32) -> &(bool, Vec<Expected>) {
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

    pub(super) fn expect(&self, session: &mut Session, set: &[Configuration]) {
        let offered = self.watcher.expected(set);
        session.expected = offered.into_iter().map(|offered| Expected::of(self.subject, offered)).collect();
        session.may_end = self.watcher.is_final(set);
    }

    pub(super) fn session(&self, place: Place, verdict: Judgement) -> Session {
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

    pub(super) fn recent(&self, slot: u32) -> Vec<Past> {
        let event = |(at, kind)| {
            let known = self.kinds.get(kind);
            let text = |text: &str| if kind == SPARE { "…".to_owned() } else { text.to_owned() };
            Past { at, from: text(&known.from), to: text(&known.to), label: text(&known.label) }
        };
        self.sessions.block(slot).recent().map(event).collect()
    }

    /// The verdict about a session when the log is over.
    pub(super) fn last_word(&mut self, place: Place) -> Session {
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
    pub(super) fn ended(&mut self, place: Place, slot: u32, over: bool, expected: Vec<Expected>) -> Session {
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
    pub(super) fn retire_if_over(&mut self, slot: u32, at: u64) {
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

    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(live) = &mut self.live {
            live.forget(slot);
        }
        if let Some(coverage) = &mut self.coverage {
            coverage.forget(slot);
        }
    }
}

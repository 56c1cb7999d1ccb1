//! The judge of what is beyond the kernel: sessions as sets of live configurations of a [`Program`].
//!
//! Comes in: an event's roles and label as ids, the text of its payload, its time, and which sides of it were seen. Goes
//! out: nothing, or the [`Offence`]. What may happen is decided by [`Live::admits`] and changed by [`Live::take`] alone;
//! here is only which messages an event can be, what an observer knows, and how a refusal is said.
//!
//! INVARIANT (set): a session's set is never empty. It has more than one configuration only where the specification
//! leaves open what an event is, or the observer does not see it; it is capped, and beyond the cap nothing is claimed.

mod again;
pub(crate) mod endpoint;
pub(crate) mod observe;
mod repeat;
mod why;

use std::sync::Arc;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use self::{
    again::{Again, Number},
    observe::{Config, Room, Watch},
    repeat::Repeated,
};
use super::{
    payload::Injected,
    report::{Expected, Offence, Way},
    subject::Subject,
};
use crate::{
    data::{Code, Env, Extract, Misfit, Redaction, Slot, Sort, Value},
    diag::catalogue::trace as codes,
    id::{IdVec, LabelId, MessageId, RoleId},
    machine::{
        End, Live, Program, Shared,
        live::{Lapse, Passage, Refused, Time, Why, content},
    },
    protocol::{Observer, PAYLOAD, Payload, Rule, Side, place},
};

/// An event, as far as it is known before its payload is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'e> {
    pub(crate) from: RoleId,
    /// The sender itself, if it is a local action.
    pub(crate) to: RoleId,
    pub(crate) label: LabelId,
    /// Which messages it can be.
    pub(crate) candidates: &'e [MessageId],
    pub(crate) side: Side,
    /// Valid JSON without flaws; empty if there is none.
    pub(crate) payload: &'e str,
    pub(crate) injected: &'e Injected<'e>,
    /// The payload is as written in a specification.
    pub(crate) written: bool,
    /// Nothing is known of the payload.
    pub(crate) blank: bool,
    /// It is an attempt that failed.
    pub(crate) failed: bool,
    /// When, if it says so.
    pub(crate) now: Option<Time>,
}

/// What was seen of one session.
#[derive(Clone, Debug)]
struct Sitting {
    /// Empty if it is `known`.
    set: Vec<Config>,
    /// Of `again`.
    known: Option<Number>,
    /// The latest time seen.
    now: Time,
}

/// Why an event is refused.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// The nearest miss.
    Refused(MessageId, Refused),
    /// It may come here, but not with this payload.
    Payload(MessageId, Misfit),
    /// Something else should have happened before.
    Lapsed(Lapse),
    /// More configurations than are followed.
    TooMany,
    /// No message has this label between these roles.
    Nothing,
}

impl Refusal {
    /// Whether it says that nothing is known: too much to follow, or too little said (`blank`: no payload).
    pub(super) fn is_unknown(&self, blank: bool) -> bool {
        match self {
            Self::TooMany => true,
            Self::Refused(_, refused) => match &refused.why {
                Why::MemoryFull => true,
                Why::Fault(fault) => blank && matches!(fault.why(), crate::data::Why::Unset(_)),
                _ => false,
            },
            _ => false,
        }
    }
}

/// What is to be known of a message to read its payload.
#[derive(Clone, Debug)]
struct Entry {
    /// Of `readings`.
    reading: usize,
    /// Fields that do not count as content, if the content counts at all.
    except: Option<Vec<Box<str>>>,
}

/// Judges the sessions of one log.
pub(crate) struct Judge<'a> {
    program: &'a Program,
    subject: Subject<'a>,
    watch: Watch,
    room: Room,
    spare: Vec<Arc<Values>>,
    /// Some message `may retry`.
    retries: bool,
    /// Messages that no event shows (`connect` and its like), as far as the observer takes part in them.
    tacit: Vec<MessageId>,
    slack: Time,
    /// One per distinct payload.
    readings: Vec<Extract>,
    entries: IdVec<MessageId, Entry>,
    /// Steps that were taken before, if they may come again.
    again: Option<Again>,
    /// How often one of them did.
    repeated: u64,
    /// By the slot of the session.
    sittings: Vec<Option<Box<Sitting>>>,
    redaction: Redaction,
    hidden: Vec<Box<str>>,
    /// Slots that got something hidden or secret.
    tainted: FxHashSet<Slot>,
    assumed: Vec<String>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        subject: Subject<'a>,
        program: &'a Program,
        observer: Observer,
        sided: bool,
        hidden: Vec<Box<str>>,
    ) -> Self {
        let mut known: Vec<(Option<&Payload>, Vec<bool>)> = Vec::new();
        let mut entries = IdVec::new();
        for travel in program.messages().values() {
            let payload = subject.names.payload(travel.sort);
            let at = match known.iter().position(|(known, _)| *known == payload) {
                Some(at) => at,
                None => {
                    known.push((payload, vec![false; payload.map_or(0, |payload| payload.fields.len())]));
                    known.len().saturating_sub(1)
                }
            };
            if let Some((_, needed)) = known.get_mut(at) {
                need(&travel.rule, needed);
                need(&travel.taken, needed);
                if let Some(place) = travel.epoch.and_then(|at| needed.get_mut(at)) {
                    *place = true;
                }
                for round in program.scopes().values().flatten().flat_map(|scope| scope.rounds()) {
                    round.every.iter().for_each(|every| read_by(every, needed));
                }
            }
            let counts = !travel.rule.idempotent.is_empty();
            let except = travel.rule.idempotent.iter().flat_map(|memory| memory.except.iter().cloned()).collect();
            // There are as many entries as messages, which have ids.
            let _: Result<MessageId, _> = entries.push(Entry { reading: at, except: counts.then_some(except) });
        }
        let extract = |(payload, needed): &(Option<&Payload>, Vec<bool>)| {
            Extract::new(*payload, |at| needed.get(at).copied().unwrap_or(false))
        };
        Self {
            program,
            subject,
            watch: Watch::new(observer, sided, &subject.header.pipelined),
            room: Room::default(),
            spare: Vec::new(),
            retries: program.messages().values().any(|travel| travel.rule.may_retry),
            tacit: program
                .messages()
                .iter()
                .filter(|(_, travel)| subject.names.is_tacit(travel.label))
                .filter(|(_, travel)| match observer {
                    Observer::Endpoint(own) => own == travel.from || own == travel.to,
                    Observer::Total | Observer::Wire => true,
                })
                .map(|(id, _)| id)
                .collect(),
            slack: 0,
            readings: known.iter().map(extract).collect(),
            entries,
            again: match observer {
                Observer::Wire => None,
                // Nor where steps are taken ahead, or are not shown.
                _ => {
                    let shown = program.messages().values().all(|travel| !subject.names.is_tacit(travel.label));
                    Again::of(program).filter(|_| shown && subject.header.pipelined.is_empty())
                }
            },
            repeated: 0,
            sittings: Vec::new(),
            redaction: Redaction::new(b""),
            tainted: tainted(subject, program, &hidden),
            hidden,
            assumed: assumed(subject, program),
        }
    }

    /// Clocks may differ by this much.
    pub(super) fn set_slack(&mut self, slack: Time) {
        self.slack = slack;
    }

    /// A key for what stands for secrets.
    pub(super) fn set_redaction(&mut self, redaction: Redaction) {
        self.redaction = redaction;
    }

    fn sitting(&mut self, slot: u32, now: Time) -> &mut Sitting {
        let at = slot as usize;
        if self.sittings.len() <= at {
            self.sittings.resize_with(at.saturating_add(1), || None);
        }
        let (program, known) = (self.program, self.again.as_ref().map(|_| 0));
        let fresh = || {
            let set = if known.is_some() { Vec::new() } else { vec![Config::from(Live::new(program, now))] };
            Box::new(Sitting { set, known, now })
        };
        self.sittings.get_mut(at).expect("it was just made long enough").get_or_insert_with(fresh)
    }

    /// The session gives its memory back.
    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(place) = self.sittings.get_mut(slot as usize) {
            *place = None;
        }
    }

    fn set(&self, slot: u32) -> &[Config] {
        let Some(Some(sitting)) = self.sittings.get(slot as usize) else { return &[] };
        match (sitting.known, &self.again) {
            (Some(number), Some(again)) => again.config(number),
            _ => &sitting.set,
        }
    }

    /// The transitions that events take are kept, for who asks.
    pub(super) fn keep_trail(&mut self) {
        self.room.trail = Some(Vec::new());
        // What is looked up has no trail.
        self.give_up();
    }

    /// The transitions that were taken since the last time.
    pub(super) fn trail(&mut self) -> Vec<Passage> {
        self.room.trail.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A session begins, before any event of it.
    pub(super) fn open(&mut self, slot: u32) {
        self.sitting(slot, 0);
    }

    /// As [`Judge::step`], with the bare reason: for traces of specifications.
    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), Refusal> {
        self.judge(0, event)
    }

    /// Lets an event happen in a session, or says why it may not. True if some role may have ended.
    pub(super) fn step(&mut self, slot: u32, event: &Event<'_>) -> Result<bool, Box<Offence>> {
        match self.judge(slot, event) {
            Ok(()) => Ok(true),
            Err(refusal) => Err(Box::new(self.offence(slot, event, &refusal))),
        }
    }

    /// A role crashes, or notices that its time is over.
    pub(super) fn happens(
        &mut self,
        slot: u32,
        crash: bool,
        role: RoleId,
        now: Option<Time>,
    ) -> Result<(), Box<Offence>> {
        match self.on_time(slot, now) {
            Ok(_) => {}
            Err(refusal) => {
                let event = Event {
                    from: role,
                    to: role,
                    label: LabelId::default(),
                    candidates: &[],
                    side: Side::Both,
                    payload: "",
                    injected: &[],
                    written: false,
                    blank: false,
                    failed: false,
                    now,
                };
                return Err(Box::new(self.offence(slot, &event, &refusal)));
            }
        }
        let (program, header) = (self.program, self.subject.header);
        self.unfold(slot);
        let Some(Some(sitting)) = self.sittings.get_mut(slot as usize) else { return Ok(()) };
        if crash {
            sitting.set.iter_mut().for_each(|config| config.live.crash(program, role));
            return Ok(());
        }
        let now = sitting.now;
        let mut expired = sitting.set.clone();
        expired.retain_mut(|config| config.live.expire(program, role, now));
        if expired.is_empty() {
            let name = header.role_name(role);
            return Err(Box::new(Offence {
                code: codes::TOO_EARLY,
                message: format!("no time limit of `{name}` has run out"),
                help: None,
                blame: Some(name.to_owned()),
                span: None,
            }));
        }
        sitting.set = expired;
        Ok(())
    }

    /// Whether everything that should have happened before an event has.
    fn on_time(&mut self, slot: u32, given: Option<Time>) -> Result<Time, Refusal> {
        let slack = self.slack;
        let sitting = self.sitting(slot, given.unwrap_or(0));
        let now = given.map_or(sitting.now, |now| now.max(sitting.now));
        sitting.now = now;
        // What should have happened before has not.
        let before = now.saturating_sub(slack);
        let mut lapse = None;
        let mut lapsed = 0_usize;
        for config in &mut sitting.set {
            if let Some(found) = config.live.lapsed(before) {
                lapse.get_or_insert(found);
                lapsed = lapsed.saturating_add(1);
            }
        }
        if let Some(lapse) = lapse {
            if lapsed == sitting.set.len() {
                return Err(Refusal::Lapsed(lapse));
            }
            sitting.set.retain_mut(|config| config.live.lapsed(before).is_none());
        }
        Ok(now)
    }

    fn judge(&mut self, slot: u32, event: &Event<'_>) -> Result<(), Refusal> {
        let refusal = match self.judge_shown(slot, event) {
            Err(refusal) if !self.tacit.is_empty() => refusal,
            found => return found,
        };
        // Steps that no event shows may lie in front of it; as few as do.
        for set in self.tacitly(slot) {
            let before = match self.sittings.get_mut(slot as usize) {
                Some(Some(sitting)) => std::mem::replace(&mut sitting.set, set),
                _ => break,
            };
            if self.judge_shown(slot, event).is_ok() {
                return Ok(());
            }
            if let Some(Some(sitting)) = self.sittings.get_mut(slot as usize) {
                sitting.set = before;
            }
        }
        Err(refusal)
    }

    /// The configurations that tacit steps lead to, by how many there are.
    fn tacitly(&self, slot: u32) -> Vec<Vec<Config>> {
        let mut rounds: Vec<Vec<Config>> = Vec::new();
        if self.tacit.is_empty() {
            return rounds;
        }
        let mut known: Vec<Config> = self.set(slot).to_vec();
        let mut last = known.clone();
        while known.len() < MAX_TACIT {
            let mut next: Vec<Config> = Vec::new();
            for config in &last {
                for &message in &self.tacit {
                    let Some(travel) = self.program.messages().entry(message) else { continue };
                    let candidates = [message];
                    let event = Event {
                        from: travel.from,
                        to: travel.to,
                        label: travel.label,
                        candidates: &candidates,
                        side: match self.watch.observer {
                            Observer::Endpoint(own) if own == travel.to => Side::Receive,
                            Observer::Endpoint(_) => Side::Send,
                            _ => Side::Both,
                        },
                        payload: "",
                        injected: &[],
                        written: false,
                        blank: true,
                        failed: false,
                        now: None,
                    };
                    let candidate = observe::Candidate { message, values: Ok(Arc::default()), content: 0, known: 0 };
                    let mut set = vec![config.clone()];
                    let now = config.live.now();
                    let one = observe::Candidates::from_iter([candidate]);
                    if observe::next(self.program, &self.watch, &mut set, &event, one, now).is_ok() {
                        next.extend(set);
                    }
                }
            }
            next.retain(|config| !known.contains(config));
            let mut fresh: Vec<Config> = Vec::new();
            for config in next {
                if !fresh.contains(&config) {
                    fresh.push(config);
                }
            }
            if fresh.is_empty() {
                break;
            }
            known.extend(fresh.iter().cloned());
            last.clone_from(&fresh);
            rounds.push(fresh);
        }
        rounds
    }

    /// What an event that is shown does.
    fn judge_shown(&mut self, slot: u32, event: &Event<'_>) -> Result<(), Refusal> {
        let now = self.on_time(slot, event.now)?;
        let candidates = event.candidates;
        if candidates.is_empty() {
            return Err(Refusal::Nothing);
        }
        // At the other end nothing is seen of it.
        if event.failed && matches!(self.watch.observer, Observer::Endpoint(own) if own != event.from) {
            return if self.may_fail(candidates) { Ok(()) } else { Err(Refusal::Nothing) };
        }
        match self.step_again(slot, event, now) {
            Repeated::No => self.slowly(slot, event, now),
            Repeated::Yes => Ok(()),
            Repeated::New(from, sides, read) => {
                let found = self.slowly(slot, event, now);
                self.keep(slot, from, (sides, &read), found.is_ok());
                spare(read, &mut self.spare);
                found
            }
        }
    }

    fn slowly(&mut self, slot: u32, event: &Event<'_>, now: Time) -> Result<(), Refusal> {
        self.unfold(slot);
        let (program, candidates) = (self.program, event.candidates);
        let Some(Some(sitting)) = self.sittings.get_mut(slot as usize) else { return Err(Refusal::Nothing) };
        // Most of what an event might be is out of the question by a look at variables. If nothing is left, all is
        // looked at again, to say why.
        if let ([config], true) = (&*sitting.set, candidates.len() > 1) {
            let sides = self.watch.sides(event);
            let mut left: SmallVec<[(MessageId, u64); 4]> = SmallVec::new();
            let mut shared = Shared::default();
            for &message in candidates {
                if let Some(known) = config.live.blindly(program, message, sides, now, &mut shared) {
                    left.push((message, known));
                }
            }
            if !left.is_empty() {
                let all = left.len() == candidates.len();
                let mut read = Self::read(&self.readings, &self.entries, left, event, now, &mut self.spare);
                let found =
                    observe::next_in(program, &self.watch, &mut sitting.set, event, &mut read, now, &mut self.room);
                spare(read, &mut self.spare);
                if all || found.is_ok() {
                    return found;
                }
            }
        }
        let all = candidates.iter().map(|&message| (message, 0));
        let mut read = Self::read(&self.readings, &self.entries, all, event, now, &mut self.spare);
        let found = observe::next_in(program, &self.watch, &mut sitting.set, event, &mut read, now, &mut self.room);
        spare(read, &mut self.spare);
        found
    }

    /// Whether one of these messages may fail and be tried again.
    pub(super) fn may_fail(&self, candidates: &[MessageId]) -> bool {
        self.retries
            && candidates.iter().any(|&id| self.program.messages().entry(id).is_some_and(|one| one.rule.may_retry))
    }

    /// What each candidate's payload holds; read once per signature. With each message comes what is known of it.
    fn read(
        readings: &[Extract],
        entries: &IdVec<MessageId, Entry>,
        candidates: impl IntoIterator<Item = (MessageId, u64)>,
        event: &Event<'_>,
        now: Time,
        spare: &mut Vec<Arc<Values>>,
    ) -> observe::Candidates {
        let mut done: SmallVec<[Read; 2]> = SmallVec::new();
        let mut contents: SmallVec<[Content<'_>; 1]> = SmallVec::new();
        let mut out = observe::Candidates::new();
        for (message, known) in candidates {
            let Some(entry) = entries.entry(message) else { continue };
            let values = match done.iter().find(|(at, _)| *at == entry.reading) {
                Some((_, values)) => values.clone(),
                None => {
                    let Some(reading) = readings.get(entry.reading) else { continue };
                    let values = read(reading, event, now, spare.pop());
                    done.push((entry.reading, values.clone()));
                    values
                }
            };
            let content = match &entry.except {
                None => 0,
                Some(except) => match contents.iter().find(|(known, _)| *known == &**except) {
                    Some((_, content)) => *content,
                    None => {
                        let content = content(event.payload, except);
                        contents.push((except, content));
                        content
                    }
                },
            };
            out.push(observe::Candidate { message, values, content, known });
        }
        out
    }

    /// Whether the session may be over.
    pub(super) fn is_final(&self, slot: u32) -> bool {
        let set = self.set(slot);
        let is_final = |config: &Config| observe::is_final(self.program, &self.watch, config);
        set.is_empty() || set.iter().any(is_final) || self.tacitly(slot).iter().flatten().any(is_final)
    }

    /// Whether nothing can happen in it any more.
    pub(super) fn is_over(&self, slot: u32) -> bool {
        if let (Some(again), Some(Some(sitting))) = (&self.again, self.sittings.get(slot as usize))
            && let Some(known) = sitting.known
        {
            return again.is_over(known);
        }
        let set = self.set(slot);
        !set.is_empty() && set.iter().all(|config| config.ahead.is_empty() && config.live.is_over(self.program))
    }

    /// Everything that would be accepted next, whatever the data says.
    pub(super) fn expected(&self, slot: u32) -> Vec<Expected> {
        let mut known = FxHashSet::default();
        let mut all = Vec::new();
        let behind = self.tacitly(slot);
        for Config { live, .. } in self.set(slot).iter().chain(behind.iter().flatten()) {
            for role in self.subject.header.roles.ids() {
                if matches!(self.watch.observer, Observer::Endpoint(only) if only != role) {
                    continue;
                }
                for offer in live.offers(self.program, role) {
                    let Some(travel) = self.program.messages().entry(offer.message) else { continue };
                    if (offer.end == End::To && !self.watch.shows_receives()) || self.tacit.contains(&offer.message) {
                        continue;
                    }
                    if !known.insert((offer.message, offer.end)) {
                        continue;
                    }
                    let name = |role| self.subject.header.role_name(role).to_owned();
                    let (way, peer) = match offer.end {
                        End::From if travel.from == travel.to => (Way::Act, None),
                        End::From => (Way::Send, Some(name(travel.to))),
                        End::To => (Way::Receive, Some(name(travel.from))),
                    };
                    all.push(Expected {
                        role: name(role),
                        way,
                        peer,
                        label: self.subject.names.label_text(travel.label).to_owned(),
                        message: self.subject.names.message(travel.label, travel.sort),
                        span: offer.span,
                    });
                }
            }
        }
        // One line for each that reads the same.
        let mut shown = FxHashSet::default();
        all.retain(|one: &Expected| shown.insert((one.role.clone(), one.way, one.peer.clone(), one.message.clone())));
        all
    }

    /// The names of the extern predicates that are taken for true.
    pub(super) fn assumed(&self) -> &[String] {
        &self.assumed
    }

    /// The obligation of a session that lapsed before a time, if in every explanation one did.
    pub(super) fn lapsed(&mut self, slot: u32, until: Time) -> Option<Box<Offence>> {
        let before = until.saturating_sub(self.slack);
        let sitting = self.sittings.get_mut(slot as usize)?.as_mut()?;
        let lapses: Vec<Option<Lapse>> = sitting.set.iter_mut().map(|config| config.live.lapsed(before)).collect();
        let lapse = *lapses.first()?;
        let lapse = if lapses.iter().all(Option::is_some) { lapse? } else { return None };
        Some(Box::new(self.late(&lapse)))
    }
}

/// What a payload holds under a signature, by the number of its reading.
type Read = (usize, Result<Arc<Values>, Misfit>);
/// A digest of a payload without some fields.
type Content<'e> = (&'e [Box<str>], u128);

/// So many configurations are looked at behind steps that no event shows.
const MAX_TACIT: usize = 64;
/// So many lists of values are kept to be used again.
const SPARE: usize = 8;

/// The values of payload fields, by index.
pub(crate) type Values = Vec<Option<Value>>;

/// The time, for conditions of sorts that ask for it.
struct At(Time);

impl Env for At {
    fn slot(&self, _slot: Slot) -> Option<&Value> {
        None
    }

    fn now(&self) -> Option<i64> {
        Some(self.0)
    }

    fn external(&self, _id: crate::data::ExternId, _args: &[Value]) -> Option<bool> {
        // As for conditions of messages: what the host would say is taken for true, and listed.
        Some(true)
    }
}

/// What an event's payload holds under a signature; in memory that was used before, if there is some.
fn read(reading: &Extract, event: &Event<'_>, now: Time, spare: Option<Arc<Values>>) -> Result<Arc<Values>, Misfit> {
    let mut shared = spare.unwrap_or_default();
    let values = Arc::make_mut(&mut shared);
    if event.blank {
        values.clear();
        values.resize(reading.len(), None);
        return Ok(shared);
    }
    reading.read_valid(event.payload, event.injected, event.written, &At(now), values)?;
    Ok(shared)
}

/// What nobody has kept of the values of an event is memory for those of the next.
fn spare(read: observe::Candidates, spare: &mut Vec<Arc<Values>>) {
    for candidate in read {
        if let Ok(mut values) = candidate.values
            && spare.len() < SPARE
            && let Some(only) = Arc::get_mut(&mut values)
        {
            only.clear();
            spare.push(values);
        }
    }
}

/// Slots that are computed from payload fields that must not be shown. Truth values show nothing.
fn tainted(subject: Subject<'_>, program: &Program, hidden: &[Box<str>]) -> FxHashSet<Slot> {
    let mut all: FxHashSet<Slot> = FxHashSet::default();
    loop {
        let before = all.len();
        for travel in program.messages().values() {
            let payload = subject.names.payload(travel.sort);
            let fields = payload.map_or(&[][..], |payload| &payload.fields);
            let field = |index: u32| {
                let field = fields.get(index as usize);
                field.is_some_and(|field| {
                    field.sort.has_secret()
                        || field.name.as_deref().is_some_and(|name| hidden.iter().any(|one| **one == *name))
                })
            };
            let rules = [&travel.rule, &travel.taken];
            let binds = rules.iter().flat_map(|rule| &rule.binds);
            all.extend(binds.filter(|(at, _)| field(*at)).map(|(_, slot)| *slot));
            let sets =
                rules.iter().flat_map(|rule| rule.sets.iter().chain(rule.after.iter().flat_map(|group| group.iter())));
            for set in sets.filter(|set| *set.value.sort().plain() != Sort::BOOL) {
                let reads = set.value.slots().iter().any(|slot| {
                    let (depth, index) = place(*slot);
                    if depth == PAYLOAD { field(index) } else { all.contains(slot) }
                });
                if reads {
                    all.insert(set.slot);
                }
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// The extern predicates that some rule asks, in their order.
fn assumed(subject: Subject<'_>, program: &Program) -> Vec<String> {
    let mut asked: Vec<usize> = Vec::new();
    for travel in program.messages().values() {
        let rule = &travel.rule;
        let sets = rule.sets.iter().chain(rule.after.iter().flat_map(|group| group.iter()));
        let codes = rule.demands().chain(sets.map(|set| &set.value));
        asked.extend(codes.flat_map(|code| code.externals().iter().map(|id| id.0 as usize)));
    }
    asked.sort_unstable();
    asked.dedup();
    asked.into_iter().filter_map(|at| subject.externs.get(at)).map(ToString::to_string).collect()
}

/// Marks the payload fields that a rule reads.
fn need(rule: &Rule, needed: &mut [bool]) {
    let mut mark = |index: u32| {
        if let Some(place) = needed.get_mut(index as usize) {
            *place = true;
        }
    };
    for &(field, _) in &rule.binds {
        mark(field);
    }
    let sets = rule.sets.iter().chain(rule.after.iter().flat_map(|group| group.iter()));
    let within = rule.within.iter().flat_map(|(from, to)| from.iter().chain([to]));
    let memories = rule.unique.iter().chain(&rule.idempotent);
    let args = rule.requires.iter().flat_map(|requirement| &requirement.args);
    let codes = rule.demands().chain(args);
    let codes = codes.chain(sets.map(|set| &set.value)).chain(rule.keys.iter().map(|key| &key.value)).chain(within);
    let codes = codes.chain(memories.flat_map(|memory| memory.by.iter().chain(&memory.lasts)));
    for code in codes {
        read_by(code, needed);
    }
}

/// Marks the payload fields that an expression reads.
fn read_by(code: &Code, needed: &mut [bool]) {
    for &slot in code.slots() {
        let (depth, index) = place(slot);
        if depth == PAYLOAD
            && let Some(place) = needed.get_mut(index as usize)
        {
            *place = true;
        }
    }
}

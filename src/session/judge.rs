//! Steps of table sessions that are more than a label in a queue: payloads with conditions, several messages under one
//! label, witnesses, offers on synchronous edges, payload ids, handlers.
//!
//! All of it is looked at before anything changes.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{
    Code, OpenPlan, Readiness,
    audit::{Kind, Record, Verdict},
    block::{self, Head, Words},
    queue::View,
    reading::Reading,
    refuse::Detail,
    step::{Act, Direction, Done, Expected, Miss, Payload, Receive, Send},
    store::{Keep, Pending, Rest},
    table::{Admitted, Table, sendable},
    witness::{Brought, Matched, Use},
};
use crate::{
    data::{Env, ExternId, Externs, Fault, Slot, Value, fits},
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::{Cells, Move, Semantics, System},
    protocol::{Act as Does, EdgeKind, PAYLOAD, PredicateBody, place},
};

/// The values of a payload's fields.
pub(super) type Values = SmallVec<[Option<Value>; 4]>;

/// What conditions on a payload read.
pub(super) struct Shown<'a> {
    pub(super) values: &'a [Option<Value>],
    pub(super) now: i64,
    pub(super) externs: &'a dyn Externs,
}

impl Env for Shown<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        if depth == PAYLOAD { self.values.get(index as usize)?.as_ref() } else { None }
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.externs.ask(id, args)
    }
}

/// What a predicate reads: its arguments, as if they were fields.
pub(super) struct Given<'a> {
    pub(super) args: &'a [Value],
    pub(super) now: i64,
    pub(super) externs: &'a dyn Externs,
}

impl Env for Given<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        self.args.get(index as usize).filter(|_| depth == PAYLOAD)
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.externs.ask(id, args)
    }
}

/// What a payload holds under a signature; nothing if it is not shown and need not be. What is given as values is not
/// copied.
pub(super) fn read<'p>(
    reading: &Reading,
    payload: Payload<'p>,
    now: i64,
    externs: &dyn Externs,
) -> Result<Option<Cow<'p, [Option<Value>]>>, Miss> {
    let env = Shown { values: &[], now, externs };
    let misfit = |misfit| Miss::with(Code::Payload, Detail::Misfit(misfit));
    match payload {
        Payload::Unseen(_) if reading.judged => Err(Miss::with(
            Code::Payload,
            Detail::Text("there are conditions on the payload, so it must be shown".into()),
        )),
        Payload::Unseen(_) => Ok(None),
        Payload::Json(text) => {
            let mut values = Vec::new();
            reading.extract.read(text.as_bytes(), &env, &mut values).map_err(misfit)?;
            Ok(Some(Cow::Owned(values)))
        }
        Payload::Values(values) => {
            let fields = reading.fields.as_deref().unwrap_or(&[]);
            if values.len() != fields.len() && reading.fields.is_some() {
                let text = format!("{} values were given for {} fields", values.len(), fields.len());
                return Err(Miss::with(Code::Payload, Detail::Text(text.into())));
            }
            for (field, value) in fields.iter().zip(values) {
                match value {
                    None if field.optional => {}
                    None => {
                        let name = field.name.as_deref().unwrap_or("a field");
                        return Err(Miss::with(Code::Payload, Detail::Text(format!("`{name}` is absent").into())));
                    }
                    Some(value) => fits(&field.sort, value, &env).map_err(misfit)?,
                }
            }
            Ok(Some(Cow::Borrowed(values)))
        }
    }
}

/// Whether the conditions on a payload hold.
fn conditions(
    plan: &OpenPlan,
    reading: &Reading,
    message: MessageId,
    env: &Shown<'_>,
    rest: &Rest,
) -> Result<(), Miss> {
    for condition in &reading.rule.conditions {
        match condition.code.holds(env) {
            Ok(true) => {}
            Ok(false) => {
                let detail = super::explain::condition(plan, message, &condition.code, env, &rest.redaction);
                return Err(Miss::with(Code::Condition, detail));
            }
            Err(fault) => return Err(faulted(fault)),
        }
    }
    Ok(())
}

/// What cannot be computed; what takes too long or grows too large is a limit.
pub(super) fn faulted(fault: Fault) -> Miss {
    Miss::with(Code::Fault, Detail::Fault(fault))
}

/// A send that may be taken.
pub(super) struct Chosen {
    message: MessageId,
    /// None on a synchronous edge, where it is offered.
    admitted: Option<Admitted>,
    consumed: Use,
}

impl Table<'_> {
    /// Which of the messages under a label a send is, if it may be taken; nothing changes.
    pub(super) fn choose_send(&mut self, send: &Send<'_>, first: MessageId) -> Result<Chosen, Miss> {
        let (planned, plan, system) = (self.planned(), self.plan, self.system);
        let now = block::now(self.words).max(send.at);
        let mut miss: Option<Miss> = None;
        let mut chosen = None;
        let mut at = first;
        loop {
            let reading = &planned.readings[at];
            let admitted = match sendable(planned, system, &self.view(), at) {
                Ok(admitted) => Ok(Some(admitted)),
                Err(Code::Offered) => Ok(None),
                Err(code) => Err(code),
            };
            match admitted {
                Ok(admitted) => match judged(plan, reading, at, send.payload, now, self.rest) {
                    Ok(values) => {
                        chosen = Some((at, admitted, values));
                        break;
                    }
                    Err(why) => further(&mut miss, why),
                },
                Err(code) => further(&mut miss, code.into()),
            }
            if !reading.more {
                break;
            }
            at = MessageId::from_raw(at.raw().saturating_add(1));
        }
        let Some((message, admitted, values)) = chosen else {
            return Err(miss.unwrap_or_else(|| Code::NotEnabled.into()));
        };
        if admitted.is_none()
            && let Some(offer) = self.rest.offers.get(&(self.slot(), system.messages()[message].edge))
            && block::generation(self.words, send.from) == offer.stamp
        {
            return Err(Code::Offered.into());
        }
        let reading = &planned.readings[message];
        let consumed = self.check_witnesses(send.from, reading, &values, send.witnesses, now)?;
        // An offer is no step yet, and has no record.
        if admitted.is_some() {
            self.room(&[send.from], &consumed)?;
        }
        Ok(Chosen { message, admitted, consumed })
    }

    /// A send that must be looked at more closely.
    #[inline(never)]
    pub(super) fn send_judged(&mut self, send: &Send<'_>, first: MessageId) -> Result<Done, Miss> {
        let Chosen { message, admitted, consumed } = self.choose_send(send, first)?;
        let (slot, session) = (self.slot(), self.asker.cap.session);
        let Some(admitted) = admitted else {
            let edge = self.system.messages()[message].edge;
            let (payload, stamp) = (id_of(send.payload), self.asker.cap.stamp);
            let offer = Pending { message, stamp, payload, witnesses: consumed.numbers(), shown: None };
            self.rest.offers.insert((slot, edge), offer);
            let head = Head::read(self.words);
            Head { flags: head.flags | block::OFFERS, ..head }.write(self.words);
            return Ok(Done { offered: true, payload, ..Done::plain(message, send.label, 0) });
        };
        let now = self.commit(&admitted, send.at);
        if let Some(edge) = admitted.edge {
            // Also if there is none: an earlier message may have had one at this place.
            self.view().set_last_payload(edge, id_of(send.payload));
        }
        if let Some(edge) = admitted.edge.filter(|_| Head::read(self.words).flags & block::WATCHED != 0) {
            self.rest.watch.sent(session, self.plan, edge, message, send.payload);
        }
        let entry = consuming(self.record(Kind::Send, now, send.from, send.to, message), &consumed);
        let number = self.rest.audit.accepted(entry);
        self.rest.use_witness(self.words, self.asker, &[send.from], &consumed, now);
        Ok(Done::plain(message, send.label, number))
    }

    /// Whether the audit takes a step of these roles, with the witnesses that die of it.
    fn room(&mut self, roles: &[RoleId], used: &Use) -> Result<(), Code> {
        self.rest.room(self.words, self.slot(), roles, used)
    }

    /// Whether the witnesses that a step of a role brings are those that it requires, one each and in that order.
    #[inline(always)]
    fn check_witnesses(
        &self,
        role: RoleId,
        reading: &Reading,
        values: &[Option<Value>],
        witnesses: &[&Readiness],
        now: i64,
    ) -> Result<Use, Miss> {
        let brought = Brought::Handles(witnesses);
        let mut used = Use::default();
        let externs = &*self.rest.externs;
        let env = Shown { values, now, externs };
        for need in &reading.rule.requires {
            let mut args: SmallVec<[Value; 2]> = SmallVec::new();
            for code in &need.args {
                args.push(code.eval(&env).map_err(faulted)?);
            }
            // What only the host knows was asked when the witness was issued.
            let predicate = self.planned().header.predicates.get(need.predicate).ok_or(Code::NoPredicate)?;
            let again = match &predicate.body {
                PredicateBody::Extern(_) => true,
                PredicateBody::Def(code) => code.holds(&Given { args: &args, now, externs }).map_err(faulted)?,
            };
            let asked = Matched { role, predicate: need.predicate, args: &args, again, now };
            self.rest.match_next(self.words, self.asker, &asked, brought, &mut used)?;
        }
        // What is not required is not consumed.
        Rest::match_all(brought, used)
    }

    /// A receive that may be taken: of a queue, or of an offer.
    pub(super) fn choose_receive(
        &mut self,
        receive: &Receive,
        edge: EdgeId,
    ) -> Result<(Admitted, Option<(Pending, Use)>), Miss> {
        let (plan, system) = (self.plan, self.system);
        if self.planned().edges[edge].kind == EdgeKind::Sync {
            return self.choose_offer(receive, edge).map(|(admitted, offer)| (admitted, Some(offer)));
        }
        let view = self.view();
        let Some(message) = view.head(edge) else { return Err(Code::Empty.into()) };
        let Some(step) = system.admits_receive(&view, message) else { return Err(Code::Unexpected.into()) };
        if Head::read(self.words).flags & block::WATCHED != 0 {
            self.rest.watch.authentic(self.asker.cap.session, plan, edge, message, None)?;
        }
        self.room(&[receive.role], &Use::default())?;
        Ok((Admitted { step, message, edge: Some(edge) }, None))
    }

    /// The offer on a synchronous edge, if it may be taken.
    fn choose_offer(&mut self, receive: &Receive, edge: EdgeId) -> Result<(Admitted, (Pending, Use)), Miss> {
        let system = self.system;
        let now = block::now(self.words).max(receive.at);
        let offer = self.rest.offers.get(&(self.slot(), edge)).cloned();
        // An offer dies with the capability under which it was made.
        let offer = offer.filter(|offer| block::generation(self.words, receive.from) == offer.stamp);
        let Some(offer) = offer else { return Err(Code::Empty.into()) };
        let message = offer.message;
        let view = self.view();
        let Some(step) = system.admits_sync(Semantics::default(), &view, message) else {
            return Err(match system.messages()[message].receive {
                // Its sender has moved on.
                Some(action) if takes(system, &view, receive.role, action) => Code::Empty,
                _ => Code::Unexpected,
            }
            .into());
        };
        let consumed = self.rest.still_good(self.words, receive.from, &offer.witnesses, now)?;
        self.room(&[receive.from, receive.role], &consumed)?;
        Ok((Admitted { step, message, edge: Some(edge) }, (offer, consumed)))
    }

    /// A receive of a session with more than labels in its queues.
    #[inline(never)]
    pub(super) fn receive_watched(&mut self, receive: &Receive, edge: EdgeId) -> Result<Done, Miss> {
        let (slot, session) = (self.slot(), self.asker.cap.session);
        let (admitted, offer) = self.choose_receive(receive, edge)?;
        let queued = self.view().head_payload(edge);
        let now = self.commit(&admitted, receive.at);
        let message = admitted.message;
        let (number, payload) = match &offer {
            Some((offer, consumed)) => {
                self.rest.synced(slot);
                let entry = self.record(Kind::Sync, now, receive.role, receive.from, message);
                // Both generations.
                let entry = consuming(Record { detail: offer.stamp, ..entry }, consumed);
                let number = self.rest.audit.accepted(entry);
                self.rest.end_offers(self.words, self.plan, session, None, Some(edge));
                self.rest.use_witness(self.words, self.asker, &[receive.from, receive.role], consumed, now);
                (number, offer.payload)
            }
            None => {
                self.rest.watch.received(slot, edge);
                let entry = self.record(Kind::Receive, now, receive.role, receive.from, message);
                let number = self.rest.audit.accepted(entry);
                self.rest.use_witness(self.words, self.asker, &[receive.role], &Use::default(), now);
                (number, queued)
            }
        };
        let handler = self.rest.handler(slot, edge);
        Ok(Done { payload, handler, ..Done::plain(message, self.system.messages()[message].label, number) })
    }

    /// An action that may be taken.
    #[inline(always)]
    pub(super) fn choose_act(&mut self, act: &Act<'_>) -> Result<(Admitted, Use), Miss> {
        self.may(act.role, true)?;
        let (planned, plan) = (self.planned(), self.plan);
        let now = block::now(self.words).max(act.at);
        let machine = &self.system.machines()[act.role];
        let mut miss: Option<Miss> = None;
        for offer in machine.offers(planned.layout.state(self.words, act.role)) {
            let action = machine.actions()[offer.action];
            if action.act != Does::Act || action.label != act.label {
                continue;
            }
            let Some(reading) = planned.acts.get(&action.sort) else { continue };
            let message = MessageId::from_raw(offer.action.raw());
            let values = match judged(plan, reading, message, act.payload, now, self.rest) {
                Ok(values) => values,
                Err(why) => {
                    further(&mut miss, why);
                    continue;
                }
            };
            let consumed = self.check_witnesses(act.role, reading, &values, act.witnesses, now)?;
            self.room(&[act.role], &consumed)?;
            let step = Move::Act { role: act.role, action: offer.action, then: offer.then };
            return Ok((Admitted { step, message, edge: None }, consumed));
        }
        Err(miss.unwrap_or_else(|| Code::NotEnabled.into()))
    }

    /// `[act]`
    #[inline(always)]
    pub(super) fn act(&mut self, act: &Act<'_>) -> Result<Done, Miss> {
        let (admitted, consumed) = self.choose_act(act)?;
        let now = self.commit(&admitted, act.at);
        let entry = consuming(self.record(Kind::Act, now, act.role, act.role, admitted.message), &consumed);
        let number = self.rest.audit.accepted(entry);
        self.rest.use_witness(self.words, self.asker, &[act.role], &consumed, now);
        self.rest.others(self.slot());
        Ok(Done::plain(admitted.message, act.label, number))
    }
}

/// Of several messages under a label, the one that got furthest is what is said: the first of these.
fn further(known: &mut Option<Miss>, miss: Miss) {
    let rank = |code: Code| match code {
        Code::NotEnabled => 0,
        Code::WouldBlock | Code::Full => 1,
        Code::Payload => 2,
        _ => 3,
    };
    if known.as_ref().is_none_or(|known| rank(known.code) < rank(miss.code)) {
        *known = Some(miss);
    }
}

impl Rest {
    /// Whether the audit takes a step of these roles, with the witnesses that die of it.
    pub(super) fn room<W: Words + ?Sized>(
        &mut self,
        words: &W,
        slot: u32,
        roles: &[RoleId],
        used: &Use,
    ) -> Result<(), Code> {
        let mut records = 1_usize;
        if Head::read(words).flags & block::WITNESSED != 0 {
            records = records.saturating_add(self.witnesses.stepping(slot, roles, used));
        }
        if self.audit.has_room(records) { Ok(()) } else { Err(Code::AuditFull) }
    }

    /// Offers of a session are worth nothing any more: all, or those under one stamp, or of one edge.
    pub(super) fn end_offers<W: Words + ?Sized>(
        &mut self,
        words: &mut W,
        plan: &OpenPlan,
        session: super::SessionId,
        stamp: Option<u32>,
        edge: Option<EdgeId>,
    ) {
        let mut head = Head::read(words);
        if head.flags & block::OFFERS == 0 {
            return;
        }
        let mut left = false;
        for at in plan.edges().ids() {
            match self.offers.get(&(session.slot, at)) {
                Some(offer) if stamp.is_none_or(|stamp| offer.stamp == stamp) && edge.is_none_or(|edge| edge == at) => {
                    self.offers.remove(&(session.slot, at));
                }
                other => left |= other.is_some(),
            }
        }
        if !left {
            head.flags &= !block::OFFERS;
            head.write(words);
        }
    }
}

/// The record of a step that consumes a witness says so; of several, it names the first.
pub(super) fn consuming(record: Record, consumed: &Use) -> Record {
    match consumed.first() {
        0 => record,
        witness => Record { witness, verdict: Verdict::Consumed, ..record },
    }
}

fn id_of(payload: Payload<'_>) -> u64 {
    if let Payload::Unseen(id) = payload { id } else { 0 }
}

/// The values of a payload that fits and satisfies what is demanded of it.
#[inline(always)]
fn judged<'p>(
    plan: &OpenPlan,
    reading: &Reading,
    message: MessageId,
    payload: Payload<'p>,
    now: i64,
    rest: &Rest,
) -> Result<Cow<'p, [Option<Value>]>, Miss> {
    let values = read(reading, payload, now, &*rest.externs)?.unwrap_or_default();
    let env = Shown { values: &values, now, externs: &*rest.externs };
    conditions(plan, reading, message, &env, rest)?;
    Ok(values)
}

fn takes<W: Words + ?Sized>(system: &System, view: &View<'_, W>, role: RoleId, action: crate::id::ActionId) -> bool {
    system.machines()[role].next(view.state(role), action) != StateId::default()
}

/// Everything that a role of a table session could do.
pub(super) fn expected<W: Words + ?Sized>(
    plan: &OpenPlan,
    system: &System,
    view: &View<'_, W>,
    role: RoleId,
    out: &mut Vec<Expected>,
) {
    let Some(machine) = system.machines().entry(role) else { return };
    for offer in machine.offers(view.state(role)) {
        let action = machine.actions()[offer.action];
        let (direction, peer, ready) = match action.act {
            Does::Send(to) => {
                let message = system.message_of(role, offer.action);
                let ready = message.is_some_and(
                    |message| !matches!(sendable(&plan.0, system, view, message), Err(code) if code != Code::Offered),
                );
                (Direction::Send, to, ready)
            }
            Does::Receive(from) => {
                let edge = plan.edge(from, role);
                let head = edge.and_then(|edge| view.head(edge));
                (Direction::Receive, from, head.is_some() && head == system.message_of(role, offer.action))
            }
            Does::Act => (Direction::Act, role, true),
            Does::Scope(_) | Does::Leave(..) | Does::Exit(..) => continue,
        };
        out.push(Expected { role, direction, peer, label: action.label, sort: action.sort, ready });
    }
}

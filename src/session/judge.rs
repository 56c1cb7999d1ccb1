//! Steps of table sessions that are more than a label in a queue: payloads with conditions, several messages under one
//! label, witnesses, offers on synchronous edges, payload ids, handlers.
//!
//! All of it is looked at before anything changes.

use smallvec::SmallVec;

use super::{
    Code, Externs, OpenPlan,
    audit::Kind,
    block::{self, Head, Words},
    plan::Reading,
    queue::View,
    refuse::Detail,
    step::{Act, Admitted, Asker, Direction, Done, Expected, Miss, Payload, Receive, Send, alive, commit, covers, record, sendable},
    store::Rest,
    witness::Use,
};
use crate::{
    data::{Env, ExternId, Fault, Slot, Value, fits},
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::{Cells, Move, Semantics, System},
    protocol::{Act as Does, EdgeKind, PAYLOAD, place},
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
        self.externs.holds(id, args)
    }
}

/// What a payload holds under a signature; nothing if it is not shown and need not be.
pub(super) fn read(
    reading: &Reading,
    payload: Payload<'_>,
    now: i64,
    externs: &dyn Externs,
) -> Result<Option<Values>, Miss> {
    let env = Shown { values: &[], now, externs };
    let misfit = |misfit| Miss::with(Code::Payload, Detail::Misfit(misfit));
    match payload {
        Payload::Unseen(_) if reading.judged => {
            Err(Miss::with(Code::Payload, Detail::Text("there are conditions on the payload, so it must be shown".into())))
        }
        Payload::Unseen(_) => Ok(None),
        Payload::Json(text) => {
            let mut values = Vec::new();
            reading.extract.read(text.as_bytes(), &env, &mut values).map_err(misfit)?;
            Ok(Some(values.into()))
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
                    Some(value) => fits(value, &field.sort, &env).map_err(misfit)?,
                }
            }
            Ok(Some(values.iter().cloned().collect()))
        }
    }
}

/// Whether the conditions on a payload hold.
fn conditions(plan: &OpenPlan, reading: &Reading, message: MessageId, env: &Shown<'_>, rest: &Rest) -> Result<(), Miss> {
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

/// A send that must be looked at more closely.
#[expect(clippy::too_many_arguments, reason = "who sends what, in which session of which plan")]
pub(super) fn send_judged<W: Words + ?Sized>(
    words: &mut W,
    plan: &OpenPlan,
    system: &System,
    rest: &mut Rest,
    asker: Asker<'_>,
    send: &Send<'_>,
    first: MessageId,
) -> Result<Done, Miss> {
    let planned = &*plan.0;
    let slot = asker.cap.session.slot;
    let now = block::now(words).max(send.at);
    let head = Head::read(words);
    let mut miss: Option<Miss> = None;
    let mut chosen = None;
    let mut at = first;
    loop {
        let reading = &planned.readings[at];
        let view = View { words: &mut *words, layout: &planned.layout, spill: &mut rest.spill, slot };
        match sendable(planned, system, &view, at) {
            Ok(admitted) => match judged(plan, reading, at, send.payload, now, rest) {
                Ok(values) => {
                    chosen = Some((at, Some(admitted), values));
                    break;
                }
                Err(why) => miss = Some(why),
            },
            // Two roles take this step together: see `receive_offer`.
            Err(Code::Offered) => match judged(plan, reading, at, send.payload, now, rest) {
                Ok(values) => {
                    chosen = Some((at, None, values));
                    break;
                }
                Err(why) => miss = Some(why),
            },
            Err(code) => {
                if miss.as_ref().is_none_or(|miss| miss.code == Code::NotEnabled) {
                    miss = Some(code.into());
                }
            }
        }
        if !reading.more {
            break;
        }
        at = MessageId::from_raw(at.raw().saturating_add(1));
    }
    let Some((message, admitted, values)) = chosen else {
        return Err(miss.unwrap_or_else(|| Code::NotEnabled.into()));
    };
    let reading = &planned.readings[message];
    let consumed = rest.check_witness(plan, words, asker, send.from, reading, &values, send.witness, now)?;
    if let (None, true) = (admitted, head.flags & block::OFFERS != 0)
        && rest.offers.contains_key(&(slot, system.messages()[message].edge))
    {
        return Err(Code::Offered.into());
    }
    if !rest.audit.has_room(4) {
        return Err(Code::AuditFull.into());
    }
    let Some(admitted) = admitted else {
        let edge = system.messages()[message].edge;
        rest.offers.insert((slot, edge), super::store::Pending { message, stamp: asker.cap.stamp, payload: id_of(send.payload), witness: consumed.number() });
        let head = Head { flags: head.flags | block::OFFERS, ..head };
        head.write(words);
        return Ok(Done { offered: true, payload: id_of(send.payload), ..Done::plain(message, send.label, 0) });
    };
    let view = View { words: &mut *words, layout: &planned.layout, spill: &mut rest.spill, slot };
    let before = admitted.edge.map_or(0, |edge| view.queued(edge));
    let now = commit(system, view, &admitted, send.at);
    let mut head = Head::read(words);
    if let (Payload::Unseen(id), Some(edge)) = (send.payload, admitted.edge)
        && (id != 0 || head.flags & block::PAYLOADS != 0)
    {
        rest.spill.push_payload(slot, edge, before, id);
        head.flags |= block::PAYLOADS;
        head.write(words);
    }
    let mut entry = record(asker, Kind::Send, now, send.from, send.to, message.raw());
    rest.use_witness(words, asker, send.from, &consumed, now);
    entry.witness = consumed.number();
    Ok(Done::plain(message, send.label, rest.audit.accepted(entry)))
}

fn id_of(payload: Payload<'_>) -> u64 {
    if let Payload::Unseen(id) = payload { id } else { 0 }
}

/// The values of a payload that fits and satisfies what is demanded of it.
fn judged(
    plan: &OpenPlan,
    reading: &Reading,
    message: MessageId,
    payload: Payload<'_>,
    now: i64,
    rest: &Rest,
) -> Result<Values, Miss> {
    let values = read(reading, payload, now, &*rest.externs)?.unwrap_or_default();
    let env = Shown { values: &values, now, externs: &*rest.externs };
    conditions(plan, reading, message, &env, rest)?;
    Ok(values)
}

/// A receive of a session with more than labels in its queues.
pub(super) fn receive_watched<W: Words + ?Sized>(
    words: &mut W,
    plan: &OpenPlan,
    system: &System,
    rest: &mut Rest,
    asker: Asker<'_>,
    receive: &Receive,
    edge: EdgeId,
) -> Result<Done, Miss> {
    let planned = &*plan.0;
    let slot = asker.cap.session.slot;
    if planned.edges[edge].kind == EdgeKind::Sync {
        return receive_offer(words, plan, system, rest, asker, receive, edge);
    }
    let view = View { words: &mut *words, layout: &planned.layout, spill: &mut rest.spill, slot };
    let Some(message) = view.head(edge) else { return Err(Code::Empty.into()) };
    let Some(step) = system.admits_receive(&view, message) else { return Err(Code::Unexpected.into()) };
    if !rest.audit.has_room(4) {
        return Err(Code::AuditFull.into());
    }
    let now = commit(system, view, &Admitted { step, message, edge: Some(edge) }, receive.at);
    let head = Head::read(words);
    let payload = if head.flags & block::PAYLOADS == 0 { 0 } else { rest.spill.pop_payload(slot, edge) };
    let entry = record(asker, Kind::Receive, now, receive.role, receive.from, message.raw());
    rest.use_witness(words, asker, receive.role, &Use::default(), now);
    let handler = rest.handler(slot, edge);
    let label = system.messages()[message].label;
    Ok(Done { payload, handler, ..Done::plain(message, label, rest.audit.accepted(entry)) })
}

/// Both steps of a message on a synchronous edge, whose sender has offered it.
fn receive_offer<W: Words + ?Sized>(
    words: &mut W,
    plan: &OpenPlan,
    system: &System,
    rest: &mut Rest,
    asker: Asker<'_>,
    receive: &Receive,
    edge: EdgeId,
) -> Result<Done, Miss> {
    let planned = &*plan.0;
    let slot = asker.cap.session.slot;
    let Some(offer) = rest.offers.get(&(slot, edge)).copied() else { return Err(Code::Empty.into()) };
    // An offer dies with the capability under which it was made.
    if block::generation(words, receive.from) != offer.stamp {
        rest.offers.remove(&(slot, edge));
        return Err(Code::Empty.into());
    }
    let view = View { words: &mut *words, layout: &planned.layout, spill: &mut rest.spill, slot };
    let message = offer.message;
    let Some(step) = system.admits_sync(Semantics::default(), &view, message) else {
        return Err(match system.messages()[message].receive {
            Some(action) if takes(system, &view, receive.role, action) => Code::Empty,
            _ => Code::Unexpected,
        }
        .into());
    };
    if !rest.audit.has_room(4) {
        return Err(Code::AuditFull.into());
    }
    let now = commit(system, view, &Admitted { step, message, edge: Some(edge) }, receive.at);
    rest.offers.remove(&(slot, edge));
    let mut entry = record(asker, Kind::Sync, now, receive.role, receive.from, message.raw());
    entry.detail = offer.stamp;
    entry.witness = offer.witness;
    let handler = rest.handler(slot, edge);
    let label = system.messages()[message].label;
    Ok(Done { payload: offer.payload, handler, ..Done::plain(message, label, rest.audit.accepted(entry)) })
}

fn takes<W: Words + ?Sized>(system: &System, view: &View<'_, W>, role: RoleId, action: crate::id::ActionId) -> bool {
    system.machines()[role].next(view.state(role), action) != StateId::default()
}

/// `[act]`
pub(super) fn act_in<W: Words + ?Sized>(
    words: &mut W,
    plan: &OpenPlan,
    system: &System,
    rest: &mut Rest,
    asker: Asker<'_>,
    act: &Act<'_>,
) -> Result<Done, Miss> {
    let planned = &*plan.0;
    let cap = asker.cap;
    alive(Head::read(words), cap.session, true)?;
    covers(words, planned, cap, act.role)?;
    let slot = cap.session.slot;
    let now = block::now(words).max(act.at);
    let machine = &system.machines()[act.role];
    let mut miss: Miss = Code::NotEnabled.into();
    let offers = machine.offers(planned.layout.state(words, act.role));
    for offer in offers {
        let action = machine.actions()[offer.action];
        if action.act != Does::Act || action.label != act.label {
            continue;
        }
        let Some(reading) = planned.acts.get(&action.sort) else { continue };
        let message = MessageId::from_raw(offer.action.raw());
        let values = match judged(plan, reading, message, act.payload, now, rest) {
            Ok(values) => values,
            Err(why) => {
                miss = why;
                continue;
            }
        };
        let consumed = rest.check_witness(plan, words, asker, act.role, reading, &values, act.witness, now)?;
        if !rest.audit.has_room(4) {
            return Err(Code::AuditFull.into());
        }
        let step = Move::Act { role: act.role, action: offer.action, then: offer.then };
        let view = View { words: &mut *words, layout: &planned.layout, spill: &mut rest.spill, slot };
        let now = commit(system, view, &Admitted { step, message, edge: None }, act.at);
        let mut entry = record(asker, Kind::Act, now, act.role, act.role, message.raw());
        rest.use_witness(words, asker, act.role, &consumed, now);
        entry.witness = consumed.number();
        rest.others(slot);
        return Ok(Done::plain(message, act.label, rest.audit.accepted(entry)));
    }
    Err(miss)
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
                let ready = message.is_some_and(|message| sendable(&plan.0, system, view, message) .is_ok_and(|_| true) || is_sync(plan, system, message));
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

fn is_sync(plan: &OpenPlan, system: &System, message: MessageId) -> bool {
    plan.0.edges[system.messages()[message].edge].kind == EdgeKind::Sync
}

//! A table session at hand: its block, its plan, and who asks for a step.
//!
//! Here is the plain step, a label in a queue and nothing else; what must be looked at more closely is in
//! [`judge`](super::judge).

use super::{
    Code, OpenPlan,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Head, Line, Words},
    plan::{Planned, QueuePolicy},
    queue::View,
    reading::Reading,
    step::{Asker, Done, Miss, Payload, Receive, Send, alive, covers, edge, first},
    store::{Keep, Rest},
};
use crate::{
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::{Cells, Move, Semantics, System},
    protocol::EdgeKind,
};

/// A step of a table session that type and queues allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) step: Move,
    /// The message; of an action its column.
    pub(super) message: MessageId,
    pub(super) edge: Option<EdgeId>,
}

/// A session that is stepped in tables, and who asks.
pub(super) struct Table<'a> {
    pub(super) words: &'a mut [Line],
    pub(super) plan: &'a OpenPlan,
    pub(super) system: &'a System,
    pub(super) rest: &'a mut Rest,
    pub(super) asker: Asker<'a>,
}

impl<'a> Table<'a> {
    /// What is known of all sessions of the plan.
    pub(super) fn planned(&self) -> &'a Planned {
        &self.plan.0
    }

    pub(super) fn slot(&self) -> u32 {
        self.asker.cap.session.slot
    }

    /// The block as a configuration.
    pub(super) fn view(&mut self) -> View<'_, [Line]> {
        let slot = self.slot();
        View { words: &mut *self.words, layout: &self.plan.0.layout, spill: &mut self.rest.spill, slot }
    }

    /// Whether a role may step at all, now and under this capability.
    pub(super) fn may(&self, role: RoleId, sends: bool) -> Result<Head, Code> {
        let head = Head::read(self.words);
        alive(head, self.asker.cap.session, sends)?;
        covers(self.words, self.planned(), self.asker.cap, role)?;
        Ok(head)
    }

    /// The record of a step of a role.
    pub(super) fn record(&self, kind: Kind, time: i64, role: RoleId, peer: RoleId, message: MessageId) -> Record {
        record(self.asker, kind, time, role, peer, message.raw())
    }

    /// `[send]`
    pub(super) fn send(&mut self, send: &Send<'_>) -> Result<Done, Miss> {
        let head = self.may(send.from, true)?;
        let planned = self.planned();
        let first = first(planned, send)?;
        let reading: &Reading = &planned.readings[first];
        // Whatever is not just a label in a queue is judged elsewhere.
        if !reading.simple
            || !matches!(send.payload, Payload::Unseen(0))
            || !send.witnesses.is_empty()
            || head.flags & block::WATCHFUL != 0
        {
            return self.send_judged(send, first);
        }
        let system = self.system;
        let admitted = sendable(planned, system, &self.view(), first)?;
        if !self.rest.audit.has_room(1) {
            return Err(Code::AuditFull.into());
        }
        let now = self.commit(&admitted, send.at);
        let record = self.record(Kind::Send, now, send.from, send.to, first);
        Ok(Done::plain(first, send.label, self.rest.audit.accepted(record)))
    }

    /// `[receive]`
    pub(super) fn receive(&mut self, receive: &Receive) -> Result<Done, Miss> {
        let head = self.may(receive.role, false)?;
        let edge = edge(self.planned(), receive)?;
        if head.flags & block::WATCHFUL != 0 {
            return self.receive_watched(receive, edge);
        }
        let system = self.system;
        let view = self.view();
        let Some(message) = view.head(edge) else { return Err(Code::Empty.into()) };
        let Some(step) = system.admits_receive(&view, message) else { return Err(Code::Unexpected.into()) };
        if !self.rest.audit.has_room(1) {
            return Err(Code::AuditFull.into());
        }
        let now = self.commit(&Admitted { step, message, edge: Some(edge) }, receive.at);
        let record = self.record(Kind::Receive, now, receive.role, receive.from, message);
        let label = system.messages()[message].label;
        Ok(Done::plain(message, label, self.rest.audit.accepted(record)))
    }

    /// Takes an admitted step, and gives its time.
    pub(super) fn commit(&mut self, admitted: &Admitted, at: i64) -> i64 {
        let system = self.system;
        let mut view = self.view();
        system.step(&mut view, admitted.step);
        let now = block::now(view.words).max(at);
        block::set_now(view.words, now);
        let mut head = Head::read(view.words);
        head.steps = head.steps.wrapping_add(1);
        head.write(view.words);
        if head.steps == 0 {
            view.spill.carry(view.slot);
        }
        now
    }
}

/// Whether type and queue allow a message to be sent.
#[inline]
pub(super) fn sendable<W: Words + ?Sized>(
    plan: &Planned,
    system: &System,
    view: &View<'_, W>,
    message: MessageId,
) -> Result<Admitted, Code> {
    let info = &system.messages()[message];
    let blueprint = &plan.edges[info.edge];
    match system.admits_send(Semantics::default(), view, message) {
        Some(step) if view.queued(info.edge) < blueprint.bound as usize => {
            Ok(Admitted { step, message, edge: Some(info.edge) })
        }
        _ => Err(unsendable(plan, system, view, message)),
    }
}

#[cold]
fn unsendable<W: Words + ?Sized>(plan: &Planned, system: &System, view: &View<'_, W>, message: MessageId) -> Code {
    let info = &system.messages()[message];
    let blueprint = &plan.edges[info.edge];
    let next = |action| system.machines()[blueprint.from].next(view.state(blueprint.from), action);
    if info.send.is_none_or(|action| next(action) == StateId::default()) {
        return Code::NotEnabled;
    }
    match (blueprint.kind, blueprint.policy) {
        // On a synchronous edge it is offered.
        (EdgeKind::Sync, _) => Code::Offered,
        (_, QueuePolicy::Block) => Code::WouldBlock,
        _ => Code::Full,
    }
}

/// The record of a step.
#[inline]
pub(super) fn record(asker: Asker<'_>, kind: Kind, time: i64, role: RoleId, peer: RoleId, message: u32) -> Record {
    let session = asker.cap.session;
    Record {
        session: SessionRef { slot: session.slot, generation: session.generation },
        sequence: 0,
        time,
        witness: 0,
        role: role.raw(),
        peer: peer.raw(),
        message,
        generation: asker.cap.stamp,
        detail: 0,
        count: 1,
        plan: asker.number,
        code: 0,
        kind,
        verdict: Verdict::Accepted,
    }
}

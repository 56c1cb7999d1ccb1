//! The short way of a step: a label in the ring of a session that fits one line.
//!
//! What [`step`](super::step) looks up in the plan's tables is laid out here for one look each: per message where its
//! roles' states and generations and its edge's ring are in the block, and where its column is in one table of all
//! machines. Whatever is not the usual case (no such message, not enabled, no room, a payload, a witness, a flag of the
//! block) is left to the long way, which decides it from the beginning; so the short way takes steps and never refuses.
//!
//! INVARIANT (same): a step that the short way takes is the step that the long way would take; a test runs both.

use super::{
    Capability,
    audit::{Audit, Kind, Record, SessionRef, Verdict},
    block::{self, Layout, Line, Width},
    plan::Blueprint,
    queue::Spill,
    reading::Reading,
    step::{Done, Payload, Receive, Send},
};
use crate::{
    id::{ActionId, EdgeId, Id, IdVec, LabelId, MessageId, RoleId, StateId},
    machine::System,
};

/// What a message needs.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    /// Where the column of the sender is in `next`, and that of the receiver.
    send: u32,
    receive: u32,
    /// Its number in the ring.
    entry: u32,
    edge: u32,
    label: u32,
    /// Bytes in the block: of the sender's and the receiver's state, and of the ring.
    from_state: u8,
    to_state: u8,
    ring: u8,
    first: u8,
    size: u8,
    /// How many the ring may hold; 0 if its sends go the long way.
    room: u8,
}

/// The queue of an edge.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    ring: u8,
    first: u8,
    size: u8,
    /// The first of its messages; one more, so that 0 is no edge.
    base: u32,
}

/// The tables of a plan whose sessions fit one line.
#[derive(Debug)]
pub(super) struct Hot {
    roles: usize,
    labels: usize,
    /// How many edges there are.
    rings: usize,
    /// By sender, receiver and label: the message, plus one.
    by: Box<[u32]>,
    messages: Box<[Message]>,
    /// By sender and receiver.
    edges: Box<[Edge]>,
    /// Of each message, where it leads from each state of its sender, and of its receiver; 0 is nowhere.
    next: Box<[u32]>,
    state: Width,
    entry: Width,
}

/// What a step changes besides its block, and who takes it.
pub(super) struct Around<'a> {
    pub(super) spill: &'a mut Spill,
    pub(super) audit: &'a mut Audit,
    /// The plan's number in the store.
    pub(super) plan: u32,
    pub(super) cap: &'a Capability,
}

/// Larger tables are left to the long way.
const MOST: usize = 1 << 20;

/// The bits of a block's first word that must be as expected: generation, status and the flags that matter.
const HEAD: u64 = 0x0000_00ff_ffff_ffff | ((block::UNUSUAL as u64) << 40);
/// Queued messages carry payload ids.
const PAYLOADS: u64 = (block::PAYLOADS as u64) << 40;
const ACTIVE: u64 = (super::Status::Active as u64) << 32;
/// One step.
const STEP: u64 = 1 << 48;
/// The step at which the low bits of their number begin anew is left to the long way.
const LAST: u64 = 0xffff << 48;

impl Hot {
    /// The tables, if sessions fit one line and the tables are not too large.
    pub(super) fn of(
        system: &System,
        layout: &Layout,
        blueprints: &IdVec<EdgeId, Blueprint>,
        readings: &IdVec<MessageId, Reading>,
        labels: usize,
    ) -> Option<Self> {
        let roles = system.machines().len();
        let size = roles.checked_mul(roles)?.checked_mul(labels)?;
        if layout.lines != 1 || size > MOST {
            return None;
        }
        let mut hot = Self {
            roles,
            labels,
            rings: layout.rings.len(),
            by: vec![0; size].into(),
            messages: vec![Message::default(); system.messages().len()].into(),
            edges: vec![Edge::default(); roles.checked_mul(roles)?].into(),
            next: Box::default(),
            state: layout.state_width(),
            entry: layout.entry_width(),
        };
        let mut next = Vec::new();
        for (id, edge) in system.edges().iter() {
            let ring = &layout.rings[id];
            let (head, first) = ring.bytes();
            let at = edge.from.index().checked_mul(roles)?.checked_add(edge.to.index())?;
            *hot.edges.get_mut(at)? = Edge {
                ring: u8::try_from(head).ok()?,
                first: u8::try_from(first).ok()?,
                size: ring.size,
                base: if blueprints[id].bound == 0 { 0 } else { ring.base.checked_add(1)? },
            };
        }
        for (id, message) in system.messages().iter() {
            let edge = system.edges()[message.edge];
            let ring = &layout.rings[message.edge];
            let (head, first) = ring.bytes();
            let bound = blueprints[message.edge].bound;
            let mut column = |role: RoleId, action: Option<ActionId>| {
                let machine = &system.machines()[role];
                // Without a column nothing is ever enabled: an index out of the table.
                let Some(action) = action else { return Some(u32::MAX) };
                let at = u32::try_from(next.len()).ok()?;
                let states =
                    (0..machine.states()).map(|state| StateId::new(state).map(|at| machine.next(at, action).raw()));
                next.extend(states.collect::<Result<Vec<u32>, _>>().ok()?);
                (next.len() <= MOST).then_some(at)
            };
            let simple = readings[id].simple && bound > 0;
            *hot.messages.get_mut(id.index())? = Message {
                send: column(edge.from, message.send)?,
                receive: column(edge.to, message.receive)?,
                entry: id.raw().checked_sub(ring.base)?,
                edge: message.edge.raw(),
                label: message.label.raw(),
                from_state: u8::try_from(layout.state_byte(edge.from)).ok()?,
                to_state: u8::try_from(layout.state_byte(edge.to)).ok()?,
                ring: u8::try_from(head).ok()?,
                first: u8::try_from(first).ok()?,
                size: ring.size,
                room: if simple { ring.size.min(u8::try_from(bound).unwrap_or(u8::MAX)) } else { 0 },
            };
            if simple {
                let pair = edge.from.index().checked_mul(roles)?.checked_add(edge.to.index())?;
                let at = pair.checked_mul(labels)?.checked_add(message.label.index())?;
                *hot.by.get_mut(at)? = id.raw().checked_add(1)?;
            }
        }
        hot.next = next.into();
        Some(hot)
    }

    /// Takes a send in the usual case.
    #[inline(always)]
    pub(super) fn send(&self, line: &mut Line, around: Around<'_>, send: &Send<'_>) -> Option<Done> {
        if matches!((self.state, self.entry), (Width::Byte, Width::Byte)) {
            self.send_as::<true>(line, around, send)
        } else {
            self.send_wide(line, around, send)
        }
    }

    /// Takes a receive in the usual case.
    #[inline(always)]
    pub(super) fn receive(&self, line: &mut Line, around: Around<'_>, receive: &Receive) -> Option<Done> {
        if matches!((self.state, self.entry), (Width::Byte, Width::Byte)) {
            self.receive_as::<true>(line, around, receive)
        } else {
            self.receive_wide(line, around, receive)
        }
    }

    #[inline(never)]
    fn send_wide(&self, line: &mut Line, around: Around<'_>, send: &Send<'_>) -> Option<Done> {
        self.send_as::<false>(line, around, send)
    }

    #[inline(never)]
    fn receive_wide(&self, line: &mut Line, around: Around<'_>, receive: &Receive) -> Option<Done> {
        self.receive_as::<false>(line, around, receive)
    }

    /// `BYTES`: states and entries are a byte each.
    #[inline(always)]
    fn send_as<const BYTES: bool>(&self, line: &mut Line, around: Around<'_>, send: &Send<'_>) -> Option<Done> {
        let Around { spill, audit, plan, cap } = around;
        let (state_width, entry_width) = self.widths::<BYTES>();
        if send.to.index() >= self.roles || send.label.index() >= self.labels || !send.witnesses.is_empty() {
            return None;
        }
        let pair = send.from.index().wrapping_mul(self.roles).wrapping_add(send.to.index());
        let number = self.by.get(pair.wrapping_mul(self.labels).wrapping_add(send.label.index()))?.checked_sub(1)?;
        let message = self.messages.get(number as usize)?;
        let Payload::Unseen(payload) = send.payload else { return None };
        let head = ready(line, cap, send.from)?;
        let state = block::get(line, usize::from(message.from_state), state_width) as usize;
        let then = *self.next.get((message.send as usize).wrapping_add(state))?;
        let len = block::get(line, usize::from(message.ring).wrapping_add(1), Width::Byte);
        if then == 0 || len >= u32::from(message.room) {
            return None;
        }
        let place = audit.place()?;
        let first = block::get(line, usize::from(message.ring), Width::Byte);
        let mut at = first.wrapping_add(len);
        if at >= u32::from(message.size) {
            at = at.wrapping_sub(u32::from(message.size));
        }
        block::put(line, usize::from(message.from_state), state_width, then);
        let byte = usize::from(message.first).wrapping_add((at as usize).wrapping_mul(entry_width.bytes()));
        block::put(line, byte, entry_width, message.entry);
        block::put(line, usize::from(message.ring).wrapping_add(1), Width::Byte, len.wrapping_add(1));
        let now = moved(line, if payload == 0 { head } else { head | PAYLOADS }, send.at);
        let record = step(cap, plan, now, (Kind::Send, send.from.raw(), send.to.raw(), number));
        let record = audit.put_at(place, record);
        if payload != 0 || head & PAYLOADS != 0 {
            spill.set_payload(cap.session.slot, self.rings, message.edge, at, payload);
        }
        Some(Done::plain(MessageId::from_raw(number), send.label, record))
    }

    #[inline(always)]
    fn receive_as<const BYTES: bool>(&self, line: &mut Line, around: Around<'_>, receive: &Receive) -> Option<Done> {
        let Around { spill, audit, plan, cap } = around;
        let (state_width, entry_width) = self.widths::<BYTES>();
        if receive.role.index() >= self.roles {
            return None;
        }
        let pair = receive.from.index().wrapping_mul(self.roles).wrapping_add(receive.role.index());
        let edge = self.edges.get(pair)?;
        let base = edge.base.checked_sub(1)?;
        let len = block::get(line, usize::from(edge.ring).wrapping_add(1), Width::Byte);
        if len == 0 {
            return None;
        }
        let first = block::get(line, usize::from(edge.ring), Width::Byte);
        let byte = usize::from(edge.first).wrapping_add((first as usize).wrapping_mul(entry_width.bytes()));
        let number = base.wrapping_add(block::get(line, byte, entry_width));
        let message = self.messages.get(number as usize)?;
        let head = ready(line, cap, receive.role)?;
        let state = block::get(line, usize::from(message.to_state), state_width) as usize;
        let then = *self.next.get((message.receive as usize).wrapping_add(state))?;
        if then == 0 {
            return None;
        }
        let place = audit.place()?;
        block::put(line, usize::from(message.to_state), state_width, then);
        let after = first.wrapping_add(1);
        let after = if after >= u32::from(edge.size) { 0 } else { after };
        block::put(line, usize::from(edge.ring), Width::Byte, after);
        block::put(line, usize::from(edge.ring).wrapping_add(1), Width::Byte, len.wrapping_sub(1));
        let now = moved(line, head, receive.at);
        let record = step(cap, plan, now, (Kind::Receive, receive.role.raw(), receive.from.raw(), number));
        let record = audit.put_at(place, record);
        let payload = if head & PAYLOADS == 0 { 0 } else { spill.payload(cap.session.slot, message.edge, first) };
        Some(Done { payload, ..Done::plain(MessageId::from_raw(number), LabelId::from_raw(message.label), record) })
    }

    #[inline(always)]
    fn widths<const BYTES: bool>(&self) -> (Width, Width) {
        if BYTES { (Width::Byte, Width::Byte) } else { (self.state, self.entry) }
    }
}

/// The first word of a block whose session is active without anything unusual, under a live capability for a role.
#[inline(always)]
fn ready(line: &Line, cap: &Capability, role: RoleId) -> Option<u64> {
    let head = block::Words::word(line, 0);
    let live = head & HEAD == ACTIVE | u64::from(cap.session.generation) && head < LAST;
    // By INVARIANT (one stamp) of capabilities.
    let owned = block::near_generation(line, role) == cap.stamp;
    (live && owned).then_some(head)
}

/// One step more, at a time.
#[inline(always)]
fn moved(line: &mut Line, head: u64, at: i64) -> i64 {
    block::Words::put(line, 0, head.wrapping_add(STEP));
    let now = block::now(line).max(at);
    block::set_now(line, now);
    now
}

/// The record of a step.
#[inline(always)]
fn step(cap: &Capability, plan: u32, time: i64, (kind, role, peer, message): (Kind, u32, u32, u32)) -> Record {
    let session = SessionRef { slot: cap.session.slot, generation: cap.session.generation };
    let generation = cap.stamp;
    Record { time, role, peer, message, generation, plan, ..Record::new(session, kind, Verdict::Accepted) }
}

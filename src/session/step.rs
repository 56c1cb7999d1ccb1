//! Advancing: one step of one session, or nothing at all.
//!
//! A step is looked at in this order, and the first thing that fails is the refusal: the session is live, the capability
//! is live and covers the role, the endpoint's type, the queue, the payload's sorts, its conditions, the witness if the
//! message requires one, limits. Then type, queue, variables and audit advance together.
//!
//! This is the long way, which decides everything; of most steps [`hot`](super::hot) takes the short one, which touches the
//! block, one table of the plan and the audit's ring, and allocates nothing. What is rare (payloads to be judged,
//! witnesses, offers on synchronous edges, handlers) is in [`judge`](super::judge).

use super::{
    Capability, Code, OpenPlan, Readiness, Refused, SessionId, Status,
    block::{self, Head, Words},
    hot::Around,
    plan::{Engine, Planned},
    refuse::Detail,
    store::Store,
    table::Table,
};
use crate::{
    data::Value,
    id::{EdgeId, Id, LabelId, MessageId, RoleId, SortId},
};

/// What a message carries, as far as the host shows it.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Not shown: nothing is said about it, and what has conditions on it is refused. The number is the host's, and
    /// comes back with the receive.
    Unseen(u64),
    /// JSON text.
    Json(&'a str),
    /// A value per field of the signature, in order; none for what is absent.
    Values(&'a [Option<Value>]),
}

impl Default for Payload<'_> {
    fn default() -> Self {
        Self::Unseen(0)
    }
}

/// `from` sends to `to`.
#[derive(Clone, Copy, Debug)]
pub struct Send<'a> {
    /// Who.
    pub from: RoleId,
    /// To whom.
    pub to: RoleId,
    /// What.
    pub label: LabelId,
    /// With what.
    pub payload: Payload<'a>,
    /// The witnesses that the message requires: one for each `requires`, in the order in which they are written.
    pub witnesses: &'a [&'a Readiness],
    /// When, in microseconds; what is earlier than the session's latest event counts as its time.
    pub at: i64,
}

/// `role` takes the oldest message from `from`.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// Who.
    pub role: RoleId,
    /// From whom.
    pub from: RoleId,
    /// When.
    pub at: i64,
}

/// `role` acts by itself.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who.
    pub role: RoleId,
    /// What.
    pub label: LabelId,
    /// With what.
    pub payload: Payload<'a>,
    /// The witnesses that the action requires, as those of a message.
    pub witnesses: &'a [&'a Readiness],
    /// When.
    pub at: i64,
}

/// A step that is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A send.
    Send(Send<'a>),
    /// A receive.
    Receive(Receive),
    /// A local action.
    Act(Act<'a>),
}

/// Which way a message goes, as its role sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// `!`
    Send,
    /// `?`
    Receive,
    /// By itself.
    Act,
}

/// Something that a role could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expected {
    /// Who.
    pub role: RoleId,
    /// Which way.
    pub direction: Direction,
    /// With whom; itself, if it acts alone.
    pub peer: RoleId,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
    /// Whether it could be done right now: there is room, or the message is at the head of its queue. What data and
    /// time demand is not looked at.
    pub ready: bool,
}

impl Expected {
    /// As in `A!B:l(x: int)`.
    #[must_use]
    pub fn text(&self, plan: &OpenPlan) -> String {
        let message = plan.0.names.message(self.label, self.sort);
        let (role, peer) = (plan.role_name(self.role), plan.role_name(self.peer));
        match self.direction {
            Direction::Send => format!("{role}!{peer}:{message}"),
            Direction::Receive => format!("{role}?{peer}:{message}"),
            Direction::Act => format!("{role}:{message}"),
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The message or action; of a table's action its column.
    pub message: MessageId,
    /// The label.
    pub label: LabelId,
    /// The number of its record in the audit.
    pub record: u64,
    /// Of a receive: what the sender gave with it.
    pub payload: u64,
    /// Of a receive: the host's handler for the edge, or the session's default.
    pub handler: Option<u32>,
    /// The message waits on a synchronous edge for its receiver: nothing has changed.
    pub offered: bool,
    /// A repetition of something accepted before, under `idempotent by`: nothing has changed.
    pub repeated: bool,
}

/// Why a step is not taken; what is more to say is found out when it is told.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) code: Code,
    pub(super) detail: Option<Box<Detail>>,
    pub(super) blame: Option<RoleId>,
}

impl From<Code> for Miss {
    #[inline]
    fn from(code: Code) -> Self {
        Self { code, detail: None, blame: None }
    }
}

impl Miss {
    pub(super) fn with(code: Code, detail: Detail) -> Self {
        Self { code, detail: Some(Box::new(detail)), blame: None }
    }
}

/// Who asks, of what.
#[derive(Clone, Copy)]
pub(super) struct Asker<'c> {
    pub(super) cap: &'c Capability,
    /// The plan's number in the store.
    pub(super) number: u32,
}

impl Store {
    /// A role sends. O(1) in the number of branches, in the size of the rest of the protocol, in the session's history and
    /// in the number of other sessions.
    ///
    /// # Errors
    ///
    /// The first of the checks that failed; nothing has changed then, and the refusal is audited.
    #[inline]
    pub fn send(&mut self, cap: &Capability, send: Send<'_>) -> Result<Done, Refused> {
        if let Some(done) = self.hot_send(cap, &send) {
            return Ok(done);
        }
        self.long_send(cap, send)
    }

    #[inline(never)]
    fn long_send(&mut self, cap: &Capability, send: Send<'_>) -> Result<Done, Refused> {
        match self.try_send(cap, &send) {
            Ok(done) => {
                self.agrees(cap, send.from, send.to);
                Ok(done)
            }
            Err(miss) => Err(self.refused_step(cap, &Step::Send(send), miss)),
        }
    }

    /// The cache beside the truth is looked at in debug builds.
    #[inline(always)]
    fn agrees(&self, cap: &Capability, from: RoleId, to: RoleId) {
        debug_assert_eq!(self.coheres(cap.session, from, to), Ok(()), "the store disagrees with itself");
    }

    /// A role takes the oldest message from another.
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    #[inline]
    pub fn receive(&mut self, cap: &Capability, role: RoleId, from: RoleId, at: i64) -> Result<Done, Refused> {
        let receive = Receive { role, from, at };
        if let Some(done) = self.hot_receive(cap, &receive) {
            return Ok(done);
        }
        self.long_receive(cap, receive)
    }

    #[inline(never)]
    fn long_receive(&mut self, cap: &Capability, receive: Receive) -> Result<Done, Refused> {
        match self.try_receive(cap, &receive) {
            Ok(done) => {
                self.agrees(cap, receive.from, receive.role);
                Ok(done)
            }
            Err(miss) => Err(self.refused_step(cap, &Step::Receive(receive), miss)),
        }
    }

    /// The short way of a send, in the usual case.
    #[inline(always)]
    fn hot_send(&mut self, cap: &Capability, send: &Send<'_>) -> Option<Done> {
        let (spill, audit) = (&mut self.rest.spill, &mut self.rest.audit);
        let (page, at) = self.pages.place(cap.session).filter(|_| cap.store == self.id)?;
        let around = Around { spill, audit, plan: page.number, cap };
        let (plan, line) = page.line(at)?;
        let done = plan.0.hot.as_ref()?.send(line, around, send)?;
        self.agrees(cap, send.from, send.to);
        Some(done)
    }

    /// The short way of a receive, in the usual case.
    #[inline(always)]
    fn hot_receive(&mut self, cap: &Capability, receive: &Receive) -> Option<Done> {
        let (spill, audit) = (&mut self.rest.spill, &mut self.rest.audit);
        let (page, at) = self.pages.place(cap.session).filter(|_| cap.store == self.id)?;
        let around = Around { spill, audit, plan: page.number, cap };
        let (plan, line) = page.line(at)?;
        let done = plan.0.hot.as_ref()?.receive(line, around, receive)?;
        self.agrees(cap, receive.from, receive.role);
        Some(done)
    }

    /// A role acts by itself.
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    pub fn act(&mut self, cap: &Capability, act: Act<'_>) -> Result<Done, Refused> {
        match self.try_act(cap, &act) {
            Ok(done) => Ok(done),
            Err(miss) => Err(self.refused_step(cap, &Step::Act(act), miss)),
        }
    }

    /// Any of the three.
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    #[inline]
    pub fn step(&mut self, cap: &Capability, step: Step<'_>) -> Result<Done, Refused> {
        match step {
            Step::Send(send) => self.send(cap, send),
            Step::Receive(receive) => self.receive(cap, receive.role, receive.from, receive.at),
            Step::Act(act) => self.act(cap, act),
        }
    }

    /// Many steps, of any sessions, in order; answers are appended to `out`. Chunks are read ahead, so that sessions that
    /// are far apart in memory are waited for together: for many sessions a good deal faster than one by one.
    pub fn step_batch(&mut self, steps: &[(&Capability, Step<'_>)], out: &mut Vec<Result<Done, Refused>>) {
        out.reserve(steps.len());
        for chunk in steps.chunks(CHUNK) {
            let mut near = 0_u64;
            for (cap, _) in chunk {
                near ^= self.pages.touch(cap.session);
            }
            std::hint::black_box(near);
            for (cap, step) in chunk {
                out.push(self.step(cap, *step));
            }
        }
    }

    #[inline]
    fn try_send(&mut self, cap: &Capability, send: &Send<'_>) -> Result<Done, Miss> {
        if cap.store != self.id {
            return Err(Code::Foreign.into());
        }
        let Some((page, at)) = self.pages.place(cap.session) else { return Err(Code::UnknownSession.into()) };
        let asker = Asker { cap, number: page.number };
        let (plan, block) = page.split(at);
        let Engine::Table(system) = &plan.0.engine else { return self.tree_send(cap, send) };
        Table { words: block, plan, system, rest: &mut self.rest, asker }.send(send)
    }

    #[inline]
    fn try_receive(&mut self, cap: &Capability, receive: &Receive) -> Result<Done, Miss> {
        if cap.store != self.id {
            return Err(Code::Foreign.into());
        }
        let Some((page, at)) = self.pages.place(cap.session) else { return Err(Code::UnknownSession.into()) };
        let asker = Asker { cap, number: page.number };
        let (plan, block) = page.split(at);
        if block.first().is_some_and(|first| Head::read(first).status == Status::Draining as u8) {
            return self.receive_last(cap, receive);
        }
        let Engine::Table(system) = &plan.0.engine else { return self.tree_receive(cap, receive) };
        Table { words: block, plan, system, rest: &mut self.rest, asker }.receive(receive)
    }

    /// A receive of a draining session, which may end it: there must be room for what is then to be recorded.
    #[cold]
    fn receive_last(&mut self, cap: &Capability, receive: &Receive) -> Result<Done, Miss> {
        self.try_dry(cap, &Step::Receive(*receive))?;
        if !self.rest.audit.has_room(self.ending(cap.session).saturating_add(1)) {
            return Err(Code::AuditFull.into());
        }
        let Some((page, at)) = self.pages.place(cap.session) else { return Err(Code::UnknownSession.into()) };
        let asker = Asker { cap, number: page.number };
        let (plan, block) = page.split(at);
        let done = match &plan.0.engine {
            Engine::Table(system) => {
                Table { words: block, plan, system, rest: &mut self.rest, asker }.receive(receive)?
            }
            Engine::Tree(_) => self.tree_receive(cap, receive)?,
        };
        self.drained(cap.session, receive.at);
        Ok(done)
    }

    /// Whether a step may be taken now; nothing changes.
    pub(super) fn try_dry(&mut self, cap: &Capability, step: &Step<'_>) -> Result<(), Miss> {
        let Some((page, at)) = self.pages.place(cap.session) else { return Err(Code::UnknownSession.into()) };
        let asker = Asker { cap, number: page.number };
        let (plan, block) = page.split(at);
        let Engine::Table(system) = &plan.0.engine else { return self.tree_dry(cap, step) };
        let mut table = Table { words: block, plan, system, rest: &mut self.rest, asker };
        match step {
            Step::Send(send) => {
                table.may(send.from, true)?;
                let first = first(&plan.0, send)?;
                table.choose_send(send, first).map(drop)
            }
            Step::Receive(receive) => {
                table.may(receive.role, false)?;
                let edge = edge(&plan.0, receive)?;
                table.choose_receive(receive, edge).map(drop)
            }
            Step::Act(act) => table.choose_act(act).map(drop),
        }
    }

    #[inline(always)]
    fn try_act(&mut self, cap: &Capability, act: &Act<'_>) -> Result<Done, Miss> {
        if cap.store != self.id {
            return Err(Code::Foreign.into());
        }
        let Some((page, at)) = self.pages.place(cap.session) else { return Err(Code::UnknownSession.into()) };
        let asker = Asker { cap, number: page.number };
        let (plan, block) = page.split(at);
        let Engine::Table(system) = &plan.0.engine else { return self.tree_act(cap, act) };
        Table { words: block, plan, system, rest: &mut self.rest, asker }.act(act)
    }
}

/// The first message under a label.
#[inline]
pub(super) fn first(planned: &Planned, send: &Send<'_>) -> Result<MessageId, Code> {
    let none = if send.to.index() < planned.roles { Code::NoMessage } else { Code::NoRole };
    planned.first(send.from, send.to, send.label).ok_or(none)
}

/// The edge from which a role receives.
#[inline]
pub(super) fn edge(planned: &Planned, receive: &Receive) -> Result<EdgeId, Code> {
    let none = if receive.from.index() < planned.roles { Code::NoEdge } else { Code::NoRole };
    planned.edge_of(receive.from, receive.role).ok_or(none)
}

/// Sessions that are read ahead together.
const CHUNK: usize = 128;

/// Whether steps of a session may be taken at all.
#[inline]
pub(super) fn alive(head: Head, session: SessionId, sends: bool) -> Result<(), Code> {
    if head.generation == session.generation && head.status == Status::Active as u8 {
        return Ok(());
    }
    if head.generation != session.generation {
        return Err(Code::UnknownSession);
    }
    match Status::of(head.status) {
        None => Err(Code::UnknownSession),
        Some(Status::Active) => Ok(()),
        Some(Status::Draining) if !sends => Ok(()),
        Some(Status::Draining) => Err(Code::Draining),
        Some(_) => Err(Code::Terminal),
    }
}

/// Whether a capability is live and covers a role.
#[inline]
pub(super) fn covers<W: Words + ?Sized>(words: &W, plan: &Planned, cap: &Capability, role: RoleId) -> Result<(), Code> {
    // By INVARIANT (one stamp) of capabilities the stamp of the role says it all; no capability has stamp 0.
    if role.index() < plan.roles && block::generation(words, role) == cap.stamp {
        return Ok(());
    }
    if role.index() >= plan.roles {
        return Err(Code::NoRole);
    }
    Err(if cap.roles.contains(role) { Code::Stale } else { stale_or_out(words, cap) })
}

/// What is to be said of a capability that does not cover a role.
#[cold]
fn stale_or_out<W: Words + ?Sized>(words: &W, cap: &Capability) -> Code {
    let live = cap.roles.iter().any(|role| block::generation(words, role) == cap.stamp);
    if live { Code::OutOfScope } else { Code::Stale }
}

impl Done {
    #[inline]
    pub(super) fn plain(message: MessageId, label: LabelId, record: u64) -> Self {
        Self { message, label, record, payload: 0, handler: None, offered: false, repeated: false }
    }
}

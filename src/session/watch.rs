//! What plans ask to be watched: the traffic of edges, for coherence, and its authentication.
//!
//! A watched edge has, beside its queue, what was sent and not yet received (kept apart from the queue, so that the two can
//! be compared), a bounded trace of what it carried, and a Merkle tree over all messages ever sent on it. A leaf says
//! session, edge, number, message and a digest of the payload; what arrives is compared with it before it is taken.
//!
//! INVARIANT (side by side): what is in flight here is what the queue holds.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{
    Capability, Code, MessageProof, OpenPlan, Receive, Refused, SessionId,
    audit::Kind,
    block::{self, Head},
    close::By,
    mountain::{Hash, Mountain},
    plan::Engine,
    step::{Done, Payload, Step},
    store::{Rest, Store},
};
use crate::{
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    protocol::{Act, EdgeKind},
};

const LEAF: &str = "polylogue 2026 message leaf v1";
/// Machines with more states are not looked through.
const STATES: usize = 1 << 8;

/// A message that is on its way.
#[derive(Clone, Copy, Debug)]
struct Flying {
    message: MessageId,
    number: u64,
    content: Hash,
    leaf: Hash,
}

/// What goes over an edge.
#[derive(Clone, Debug, Default)]
struct Traffic {
    flying: VecDeque<Flying>,
    carried: VecDeque<MessageId>,
    sent: u64,
    tree: Mountain,
}

/// The watched edges of a store, by slot.
#[derive(Debug, Default)]
pub(super) struct Watch {
    edges: FxHashMap<(u32, EdgeId), Traffic>,
    /// Leaves that are kept.
    pub(super) leaves: usize,
    /// What all edges hold beside the table.
    heap: usize,
}

impl Traffic {
    /// Bytes that it holds elsewhere.
    fn heap(&self) -> usize {
        let flying = self.flying.capacity().saturating_mul(std::mem::size_of::<Flying>());
        let carried = self.carried.capacity().saturating_mul(std::mem::size_of::<MessageId>());
        flying.saturating_add(carried).saturating_add(self.tree.bytes())
    }
}

/// What a payload says, as far as it is shown.
fn digest(payload: Payload<'_>) -> Hash {
    match payload {
        Payload::Unseen(id) => *blake3::Hasher::new().update(&[0]).update(&id.to_le_bytes()).finalize().as_bytes(),
        Payload::Json(text) => *blake3::Hasher::new().update(&[1]).update(text.as_bytes()).finalize().as_bytes(),
        Payload::Values(values) => {
            let text = format!("{values:?}");
            *blake3::Hasher::new().update(&[2]).update(text.as_bytes()).finalize().as_bytes()
        }
    }
}

fn leaf(session: SessionId, edge: EdgeId, number: u64, message: MessageId, content: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(LEAF);
    hasher.update(&session.to_u64().to_le_bytes());
    hasher.update(&edge.raw().to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(&message.raw().to_le_bytes());
    hasher.update(content);
    *hasher.finalize().as_bytes()
}

impl Watch {
    /// A message was put on an edge.
    pub(super) fn sent(
        &mut self,
        session: SessionId,
        plan: &OpenPlan,
        edge: EdgeId,
        message: MessageId,
        payload: Payload<'_>,
    ) {
        let traffic = self.edges.entry((session.slot, edge)).or_default();
        let before = traffic.heap();
        let number = traffic.sent;
        traffic.sent = traffic.sent.saturating_add(1);
        let (mut content, mut own) = ([0; 32], [0; 32]);
        if plan.options().authenticate {
            content = digest(payload);
            own = leaf(session, edge, number, message, &content);
            traffic.tree.push(own);
            self.leaves = self.leaves.saturating_add(1);
        }
        traffic.flying.push_back(Flying { message, number, content, leaf: own });
        let most = usize::from(plan.options().traced);
        traffic.carried.push_back(message);
        while traffic.carried.len() > most {
            traffic.carried.pop_front();
        }
        self.heap = self.heap.saturating_sub(before).saturating_add(traffic.heap());
    }

    /// The oldest message of an edge was taken.
    pub(super) fn received(&mut self, slot: u32, edge: EdgeId) {
        if let Some(traffic) = self.edges.get_mut(&(slot, edge)) {
            traffic.flying.pop_front();
        }
    }

    /// So many messages are left of an edge: those before vanished.
    pub(super) fn align(&mut self, slot: u32, edge: EdgeId, left: usize) {
        if let Some(traffic) = self.edges.get_mut(&(slot, edge)) {
            while traffic.flying.len() > left {
                traffic.flying.pop_front();
            }
        }
    }

    /// Whether the oldest message of an edge is what was sent; and carries what is shown, if something is.
    pub(super) fn authentic(
        &self,
        session: SessionId,
        plan: &OpenPlan,
        edge: EdgeId,
        message: MessageId,
        shown: Option<Payload<'_>>,
    ) -> Result<(), Code> {
        if !plan.options().authenticate {
            return Ok(());
        }
        let flying = self.edges.get(&(session.slot, edge)).and_then(|traffic| traffic.flying.front());
        let Some(flying) = flying else { return Err(Code::Unauthentic) };
        let content = shown.map_or(flying.content, digest);
        let own = leaf(session, edge, flying.number, message, &content);
        // In constant time.
        if blake3::Hash::from_bytes(own) == blake3::Hash::from_bytes(flying.leaf) {
            Ok(())
        } else {
            Err(Code::Unauthentic)
        }
    }

    fn traffic(&self, slot: u32, edge: EdgeId) -> Option<&Traffic> {
        self.edges.get(&(slot, edge))
    }

    /// A session is gone.
    pub(super) fn forget(&mut self, slot: u32, plan: &OpenPlan) {
        if self.edges.is_empty() {
            return;
        }
        for edge in plan.edges().ids() {
            if let Some(traffic) = self.edges.remove(&(slot, edge)) {
                self.leaves = self.leaves.saturating_sub(traffic.tree.kept());
                self.heap = self.heap.saturating_sub(traffic.heap());
            }
        }
    }

    /// How many trees there are.
    pub(super) fn trees(&self) -> usize {
        self.edges.len()
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        let table = super::memory::table(self.edges.capacity(), std::mem::size_of::<((u32, EdgeId), Traffic)>());
        table.saturating_add(self.heap)
    }
}

/// What an edge holds and has carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coherence {
    /// What is on its way, oldest first, with its sorts.
    pub in_flight: Vec<String>,
    /// What was sent latest, oldest first; as much as the plan traces.
    pub carried: Vec<String>,
}

/// Where a session does not agree with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoherent {
    /// An edge holds more than its bound, or another's messages.
    Queue(EdgeId),
    /// What was watched is not what is queued.
    Watched(EdgeId),
    /// The sender could not have sent what is queued and be where it is.
    Sender(EdgeId),
    /// The receiver will never take what is queued, although the protocol is safe.
    Receiver(EdgeId),
}

impl Store {
    /// What the edge between two roles holds and has carried.
    #[must_use]
    pub fn coherence(&self, session: SessionId, from: RoleId, to: RoleId) -> Option<Coherence> {
        let plan = self.plan(session)?;
        let edge = plan.edge(from, to)?;
        let in_flight = self.messages(session, edge).into_iter().map(|message| plan.message_text(message)).collect();
        let carried = self
            .rest
            .watch
            .traffic(session.slot, edge)
            .map(|traffic| traffic.carried.iter().map(|&message| plan.message_text(message)).collect());
        Some(Coherence { in_flight, carried: carried.unwrap_or_default() })
    }

    /// Forgets what the edge between two roles has carried.
    ///
    /// # Errors
    ///
    /// As for a step, for session and capability, which must be over the whole session; there is no such edge.
    pub fn reset_trace(&mut self, capability: &Capability, from: RoleId, to: RoleId) -> Result<(), Refused> {
        let id = capability.session;
        let found = self.over(By::Capability(capability)).and_then(|()| {
            let edge = self.plan(id).and_then(|plan| plan.edge(from, to));
            edge.ok_or_else(|| Refused::new(Code::NoEdge))
        });
        match found {
            Ok(edge) => {
                if let Some(traffic) = self.rest.watch.edges.get_mut(&(id.slot, edge)) {
                    traffic.carried.clear();
                }
                Ok(())
            }
            Err(refused) => Err(self.rejected(id, capability.stamp, Kind::Capability, refused)),
        }
    }

    /// Whether a session agrees with itself: every queue is within its bound, is what was watched, could have been sent by
    /// where its sender is, and, in a protocol that was found safe, can be taken from where its receiver is.
    pub fn cohere(&self, session: SessionId) -> Result<(), Incoherent> {
        let Some(plan) = self.plan(session) else { return Ok(()) };
        plan.edges().ids().try_for_each(|edge| self.cohere_edge(session, edge))
    }

    /// The edge between two roles, as far as it can be looked at after every step.
    pub(super) fn coheres(&self, session: SessionId, from: RoleId, to: RoleId) -> Result<(), Incoherent> {
        let small = self.plan(session).is_some_and(|plan| plan.0.roles <= 64);
        let edge = self.plan(session).and_then(|plan| plan.edge(from, to));
        edge.filter(|_| small).map_or(Ok(()), |edge| self.cohere_edge(session, edge))
    }

    pub(super) fn cohere_edge(&self, session: SessionId, edge: EdgeId) -> Result<(), Incoherent> {
        let Some((page, at)) = self.pages.look(session) else { return Ok(()) };
        let plan = &page.plan;
        let Some(ends) = plan.edges().entry(edge) else { return Ok(()) };
        let queue = self.messages(session, edge);
        if queue.len() > ends.bound as usize && ends.kind != EdgeKind::Latest {
            return Err(Incoherent::Queue(edge));
        }
        let watched = page.block(at).first().is_some_and(|first| Head::read(first).flags & block::WATCHED != 0);
        if watched {
            let flying = self.rest.watch.traffic(session.slot, edge).map(|traffic| &traffic.flying);
            let same = flying.map_or(0, VecDeque::len) == queue.len()
                && flying.into_iter().flatten().zip(&queue).all(|(flying, message)| flying.message == *message);
            if !same {
                return Err(Incoherent::Watched(edge));
            }
        }
        let Engine::Table(system) = &plan.0.engine else { return Ok(()) };
        if !queue.iter().all(|&message| system.messages().entry(message).is_some_and(|one| one.edge == edge)) {
            return Err(Incoherent::Queue(edge));
        }
        if queue.is_empty() {
            return Ok(());
        }
        let small = |role: RoleId| plan.0.locals.entry(role).is_some_and(|local| local.states.len() <= STATES);
        let state = |role: RoleId| plan.0.layout.state(page.block(at), role);
        if small(ends.from) {
            // Backwards: where the sender can have been before each of them.
            let mut here = vec![state(ends.from)];
            for &message in queue.iter().rev() {
                let before = past(plan, ends.from, here, |act| act == Act::Send(ends.to));
                here = past_by(plan, ends.from, &before, message, |act| act == Act::Send(ends.to));
                if here.is_empty() {
                    return Err(Incoherent::Sender(edge));
                }
            }
        }
        if plan.0.safe && small(ends.to) {
            let mut here = vec![state(ends.to)];
            for &message in &queue {
                let then = future(plan, ends.to, here, |act| act == Act::Receive(ends.from));
                here = future_by(plan, ends.to, &then, message, |act| act == Act::Receive(ends.from));
                if here.is_empty() {
                    return Err(Incoherent::Receiver(edge));
                }
            }
        }
        Ok(())
    }

    /// The root over all messages that were sent between two roles, if they are authenticated.
    #[must_use]
    pub fn message_root(&self, session: SessionId, from: RoleId, to: RoleId) -> Option<[u8; 32]> {
        let plan = self.plan(session).filter(|plan| plan.options().authenticate)?;
        let edge = plan.edge(from, to)?;
        Some(
            self.rest
                .watch
                .traffic(session.slot, edge)
                .map_or_else(|| Mountain::default().root(), |one| one.tree.root()),
        )
    }

    /// A proof that a message was sent between two roles, by its number on that edge, counted from 0. None before it was
    /// sent, and once its leaf was released.
    #[must_use]
    pub fn prove_message(&self, session: SessionId, from: RoleId, to: RoleId, number: u64) -> Option<MessageProof> {
        let edge = self.plan(session)?.edge(from, to)?;
        self.head(session)?;
        self.rest.watch.traffic(session.slot, edge)?.tree.prove(number)
    }

    /// As [`Store::receive`], when the receiver shows what arrived: on an authenticated edge it must be what was sent.
    ///
    /// # Errors
    ///
    /// As [`Store::receive`], and [`Code::Unauthentic`]: the message stays in the queue.
    pub fn receive_shown(&mut self, cap: &Capability, receive: Receive, shown: Payload<'_>) -> Result<Done, Refused> {
        let step = Step::Receive(receive);
        let checked = if cap.store == self.id { self.try_dry(cap, &step) } else { Err(Code::Foreign.into()) };
        let checked = checked.and_then(|()| {
            let id = cap.session;
            let plan = self.plan(id).ok_or(Code::UnknownSession)?;
            let edge = plan.edge(receive.from, receive.role).ok_or(Code::NoEdge)?;
            let message = self.messages(id, edge).first().copied();
            // What is handed over on a synchronous edge was never on its way.
            message.map_or(Ok(()), |message| self.rest.watch.authentic(id, plan, edge, message, Some(shown)))?;
            Ok(())
        });
        match checked {
            Ok(()) => self.step(cap, step),
            Err(miss) => Err(self.refused_step(cap, &step, miss)),
        }
    }

    /// Seals the audit, and lets go of the leaves of messages that were received. Roots stay what they are.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; no authority over the whole session.
    pub fn checkpoint(&mut self, by: By<'_>) -> Result<(), Refused> {
        let id = by.session();
        if let Err(refused) = self.over(by) {
            return Err(self.rejected(id, 0, Kind::Capability, refused));
        }
        self.rest.audit.seal();
        let Rest { watch, .. } = &mut self.rest;
        let Some((page, _)) = self.pages.look(id) else { return Ok(()) };
        for edge in page.plan.edges().ids() {
            if let Some(traffic) = watch.edges.get_mut(&(id.slot, edge)) {
                let (before, held) = (traffic.tree.kept(), traffic.heap());
                traffic.tree.release(traffic.tree.count().saturating_sub(traffic.flying.len() as u64));
                watch.leaves = watch.leaves.saturating_sub(before.saturating_sub(traffic.tree.kept()));
                watch.heap = watch.heap.saturating_sub(held).saturating_add(traffic.heap());
            }
        }
        Ok(())
    }

    /// How many messages the trees of a session are over, and their roots.
    pub(super) fn roots(&self, session: SessionId) -> (u64, Vec<[u8; 32]>) {
        let Some(plan) = self.plan(session).filter(|plan| plan.options().authenticate) else { return (0, Vec::new()) };
        let all = plan.edges().ids().filter_map(|edge| self.rest.watch.traffic(session.slot, edge));
        all.fold((0, Vec::new()), |(count, mut roots), traffic| {
            roots.push(traffic.tree.root());
            (count.saturating_add(traffic.tree.count()), roots)
        })
    }
}

/// States from which a role comes to some without doing a thing.
fn past(plan: &OpenPlan, role: RoleId, mut here: Vec<StateId>, not: impl Fn(Act) -> bool) -> Vec<StateId> {
    let Some(local) = plan.0.locals.entry(role) else { return here };
    loop {
        let before = here.len();
        for (state, at) in local.states.iter() {
            if !here.contains(&state) && at.arms.iter().any(|arm| !not(arm.act) && here.contains(&arm.then)) {
                here.push(state);
            }
        }
        if here.len() == before {
            return here;
        }
    }
}

/// States from which a role comes to some by a message.
fn past_by(
    plan: &OpenPlan,
    role: RoleId,
    to: &[StateId],
    message: MessageId,
    by: impl Fn(Act) -> bool,
) -> Vec<StateId> {
    let (label, sort) = (plan.label_of(message), plan.sort_of(message));
    let Some(local) = plan.0.locals.entry(role) else { return Vec::new() };
    let comes = |state: &crate::protocol::State| {
        state
            .arms
            .iter()
            .any(|arm| by(arm.act) && arm.label == label && Some(arm.sort) == sort && to.contains(&arm.then))
    };
    local.states.iter().filter(|(_, state)| comes(state)).map(|(state, _)| state).collect()
}

/// States to which a role comes without doing a thing.
fn future(plan: &OpenPlan, role: RoleId, mut here: Vec<StateId>, not: impl Fn(Act) -> bool) -> Vec<StateId> {
    let Some(local) = plan.0.locals.entry(role) else { return here };
    let mut at = 0_usize;
    while let Some(&state) = here.get(at) {
        at = at.saturating_add(1);
        for arm in local.states.entry(state).map_or(&[][..], |state| &state.arms) {
            if !not(arm.act) && !here.contains(&arm.then) {
                here.push(arm.then);
            }
        }
    }
    here
}

/// States to which a role comes by a message.
fn future_by(
    plan: &OpenPlan,
    role: RoleId,
    from: &[StateId],
    message: MessageId,
    by: impl Fn(Act) -> bool,
) -> Vec<StateId> {
    let (label, sort) = (plan.label_of(message), plan.sort_of(message));
    let Some(local) = plan.0.locals.entry(role) else { return Vec::new() };
    let arms = from.iter().filter_map(|&state| local.states.entry(state)).flat_map(|state| &state.arms);
    arms.filter(|arm| by(arm.act) && arm.label == label && Some(arm.sort) == sort).map(|arm| arm.then).collect()
}

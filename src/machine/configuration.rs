//! Configurations, and the two functions that everything asks: whether an event may happen, and what it changes.
//!
//! A configuration is a state per role and a queue per edge. Whoever keeps one (a search, a trace, a store) lays it out
//! as it likes and implements [`Cells`]; what may happen and what it changes is decided here alone.
//!
//! ```text
//! [send]     p: ⊕ q!l.L   --p!q:l-->  p: L,  pq := pq·l      when pq has room
//! [receive]  q: & p?l.L   --q?p:l-->  q: L,  pq := w         when pq = l·w
//! [sync]     p: ⊕ q!l.L, q: & p?l.M   --(p,q):l-->  p: L, q: M   on a sync edge
//! [act]      p: l.L       --p:l-->    p: L
//! ```

use std::collections::VecDeque;

use super::{system::System, table::Offer};
use crate::{
    event::Event,
    id::{ActionId, EdgeId, IdVec, MessageId, RoleId, StateId},
    protocol::{Act, EdgeKind},
};

/// The state per role and the queue per edge of one configuration.
pub trait Cells {
    /// The state of a role.
    fn state(&self, role: RoleId) -> StateId;
    /// Puts a role into a state.
    fn set_state(&mut self, role: RoleId, state: StateId);
    /// How many messages an edge holds.
    fn queued(&self, edge: EdgeId) -> usize;
    /// The oldest message of an edge.
    fn head(&self, edge: EdgeId) -> Option<MessageId>;
    /// Appends a message to an edge.
    fn push(&mut self, edge: EdgeId, message: MessageId);
    /// Takes the oldest message of an edge away.
    fn pop(&mut self, edge: EdgeId);
}

/// Under which rules a system runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Semantics {
    /// Every edge holds at most this many messages; 0 makes every edge synchronous. A declared bound that is smaller
    /// stays what it is.
    pub bound: Option<u32>,
}

impl Semantics {
    /// What an edge holds; `None` is any number, 0 a synchronous edge.
    #[inline]
    #[must_use]
    pub fn capacity(self, kind: EdgeKind) -> Option<u32> {
        let declared = match kind {
            EdgeKind::Fifo | EdgeKind::Lossy | EdgeKind::Latest => None,
            EdgeKind::Bounded(n) => Some(n),
            EdgeKind::Sync => Some(0),
        };
        match (declared, self.bound) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// A step that may be taken, resolved to columns and target states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// `role` sends.
    Send {
        /// Who.
        role: RoleId,
        /// Its column.
        action: ActionId,
        /// Its next state.
        then: StateId,
        /// What.
        message: MessageId,
        /// On which edge.
        edge: EdgeId,
    },
    /// `role` sends, and what it sends is lost on a `lossy` edge. What is lost later might as well be lost at once.
    Lose {
        /// Who.
        role: RoleId,
        /// Its column.
        action: ActionId,
        /// Its next state.
        then: StateId,
        /// What.
        message: MessageId,
    },
    /// `role` receives.
    Receive {
        /// Who.
        role: RoleId,
        /// Its column.
        action: ActionId,
        /// Its next state.
        then: StateId,
        /// What.
        message: MessageId,
        /// On which edge.
        edge: EdgeId,
    },
    /// Sender and receiver step together.
    Sync {
        /// The sender, its column and next state.
        sender: (RoleId, ActionId, StateId),
        /// The receiver, its column and next state.
        receiver: (RoleId, ActionId, StateId),
        /// What.
        message: MessageId,
    },
    /// A local action.
    Act {
        /// Who.
        role: RoleId,
        /// Its column.
        action: ActionId,
        /// Its next state.
        then: StateId,
    },
}

impl System {
    /// The event that others see of a move.
    #[must_use]
    pub fn event(&self, step: Move) -> Event {
        match step {
            Move::Send { message, .. } | Move::Lose { message, .. } => self.send_event(message),
            Move::Receive { message, .. } => self.receive_event(message),
            Move::Sync { message, .. } => self.sync_event(message),
            Move::Act { role, action, .. } => {
                let action = self.machines()[role].actions()[action];
                Event::Act { role, label: action.label, sort: action.sort }
            }
        }
    }

    /// The first move by which an event may happen, if it may: there is more than one only in machines with twins,
    /// whose further moves [`System::enabled`] lists. O(1).
    #[inline]
    pub fn admits<C: Cells + ?Sized>(&self, semantics: Semantics, cells: &C, event: Event) -> Option<Move> {
        match event {
            Event::Send { from, to, label, sort } => {
                self.admits_send(semantics, cells, self.message(from, to, label, sort)?)
            }
            Event::Receive { from, to, label, sort } => {
                self.admits_receive(cells, self.message(from, to, label, sort)?)
            }
            Event::Sync { from, to, label, sort } => {
                self.admits_sync(semantics, cells, self.message(from, to, label, sort)?)
            }
            Event::Act { role, label, sort } => {
                let machine = self.machines().entry(role)?;
                let offers = machine.offers(cells.state(role));
                let same = |offer: &&Offer| {
                    let action = machine.actions()[offer.action];
                    action.act == Act::Act && action.label == label && action.sort == sort
                };
                let offer = offers.iter().find(same)?;
                Some(Move::Act { role, action: offer.action, then: offer.then })
            }
            // Time, failure and scopes have no rule yet; a system that has them is not built.
            Event::Timeout { .. } | Event::Lapse { .. } | Event::Crash { .. } | Event::Interrupt { .. } => None,
        }
    }

    /// `[send]`, by message. O(1).
    #[inline]
    pub fn admits_send<C: Cells + ?Sized>(&self, semantics: Semantics, cells: &C, message: MessageId) -> Option<Move> {
        let info = self.messages()[message];
        let edge = self.edges()[info.edge];
        let action = info.send?;
        let then = self.first_twin(edge.from, cells.state(edge.from), action)?;
        let (role, (action, then)) = (edge.from, then);
        match self.has_room(semantics, cells, info.edge) {
            true => Some(Move::Send { role, action, then, message, edge: info.edge }),
            false => (edge.kind == EdgeKind::Lossy && semantics.capacity(edge.kind) != Some(0)).then_some(Move::Lose {
                role,
                action,
                then,
                message,
            }),
        }
    }

    /// `[receive]`, by message. O(1).
    #[inline]
    pub fn admits_receive<C: Cells + ?Sized>(&self, cells: &C, message: MessageId) -> Option<Move> {
        let info = self.messages()[message];
        if cells.head(info.edge) != Some(message) {
            return None;
        }
        let to = self.edges()[info.edge].to;
        let (action, then) = self.first_twin(to, cells.state(to), info.receive?)?;
        Some(Move::Receive { role: to, action, then, message, edge: info.edge })
    }

    /// `[sync]`, by message. O(1).
    #[inline]
    pub fn admits_sync<C: Cells + ?Sized>(&self, semantics: Semantics, cells: &C, message: MessageId) -> Option<Move> {
        let info = self.messages()[message];
        let edge = self.edges()[info.edge];
        if semantics.capacity(edge.kind) != Some(0) || edge.from == edge.to {
            return None;
        }
        let sender = self.first_twin(edge.from, cells.state(edge.from), info.send?)?;
        let receiver = self.first_twin(edge.to, cells.state(edge.to), info.receive?)?;
        Some(Move::Sync {
            sender: (edge.from, sender.0, sender.1),
            receiver: (edge.to, receiver.0, receiver.1),
            message,
        })
    }

    /// The target of a column or, in a machine with twins, of the first twin that the state offers.
    #[inline]
    fn first_twin(&self, role: RoleId, state: StateId, action: ActionId) -> Option<(ActionId, StateId)> {
        // Twins are numbered within a state, so a state that offers an action at all offers its twin 0.
        let then = self.machines()[role].next(state, action);
        (then != StateId::default()).then_some((action, then))
    }

    #[inline]
    fn has_room<C: Cells + ?Sized>(&self, semantics: Semantics, cells: &C, edge: EdgeId) -> bool {
        let kind = self.edges()[edge].kind;
        match semantics.capacity(kind) {
            None => true,
            // The latest takes the place of what is there.
            Some(capacity) if kind == EdgeKind::Latest => capacity > 0,
            // On a synchronous edge nothing is ever queued.
            Some(capacity) => cells.queued(edge) < capacity as usize,
        }
    }

    /// Takes a move that was admitted here: states and queues change, nothing else. O(1).
    #[inline]
    pub fn step<C: Cells + ?Sized>(&self, cells: &mut C, step: Move) {
        match step {
            Move::Send { role, then, message, edge, .. } => {
                if self.edges()[edge].kind == EdgeKind::Latest {
                    while cells.queued(edge) > 0 {
                        cells.pop(edge);
                    }
                }
                cells.push(edge, message);
                cells.set_state(role, then);
            }
            Move::Lose { role, then, .. } => cells.set_state(role, then),
            Move::Receive { role, then, edge, .. } => {
                cells.pop(edge);
                cells.set_state(role, then);
            }
            Move::Sync { sender, receiver, .. } => {
                cells.set_state(sender.0, sender.2);
                cells.set_state(receiver.0, receiver.2);
            }
            Move::Act { role, then, .. } => cells.set_state(role, then),
        }
    }

    /// Every move that may be taken, by role and column; twins included. `full` is told each send that only lacks
    /// room: its edge and whether the room is short by the exploration's bound alone (not by a declared one).
    pub fn enabled<C: Cells + ?Sized>(
        &self,
        semantics: Semantics,
        cells: &C,
        moves: &mut Vec<Move>,
        mut full: impl FnMut(EdgeId, bool),
    ) {
        for role in self.machines().ids() {
            self.enabled_of(role, semantics, cells, moves, &mut full);
        }
    }

    /// The same, for one role alone.
    #[inline]
    pub fn enabled_of<C: Cells + ?Sized>(
        &self,
        role: RoleId,
        semantics: Semantics,
        cells: &C,
        moves: &mut Vec<Move>,
        mut full: impl FnMut(EdgeId, bool),
    ) {
        let machine = &self.machines()[role];
        for &Offer { action, then, .. } in machine.offers(cells.state(role)) {
            let Some(message) = self.message_of(role, action) else {
                moves.push(Move::Act { role, action, then });
                continue;
            };
            let edge_id = self.messages()[message].edge;
            let edge = self.edges()[edge_id];
            let capacity = semantics.capacity(edge.kind);
            match machine.actions()[action].act {
                Act::Send(_) if capacity == Some(0) => {
                    let Some(column) = self.messages()[message].receive.filter(|_| edge.from != edge.to) else {
                        continue;
                    };
                    self.receivers(edge.to, cells.state(edge.to), column, |receiver| {
                        let sender = (role, action, then);
                        moves.push(Move::Sync { sender, receiver, message });
                    });
                }
                Act::Send(_) => {
                    if self.has_room(semantics, cells, edge_id) {
                        moves.push(Move::Send { role, action, then, message, edge: edge_id });
                    } else {
                        let declared = Semantics::default().capacity(edge.kind);
                        full(edge_id, declared != capacity);
                    }
                    if edge.kind == EdgeKind::Lossy {
                        moves.push(Move::Lose { role, action, then, message });
                    }
                }
                Act::Receive(_) => {
                    if cells.head(edge_id) == Some(message) {
                        moves.push(Move::Receive { role, action, then, message, edge: edge_id });
                    }
                }
                Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => {}
            }
        }
    }

    /// Every twin of a receiver's column that its state offers.
    fn receivers(
        &self,
        role: RoleId,
        state: StateId,
        column: ActionId,
        mut found: impl FnMut((RoleId, ActionId, StateId)),
    ) {
        let machine = &self.machines()[role];
        let wanted = machine.actions()[column];
        for offer in machine.offers(state) {
            let action = machine.actions()[offer.action];
            if (action.act, action.label, action.sort) == (wanted.act, wanted.label, wanted.sort) {
                found((role, offer.action, offer.then));
            }
        }
    }

    /// Whether every role may stop and every queue is empty.
    pub fn is_final<C: Cells + ?Sized>(&self, cells: &C) -> bool {
        self.machines().iter().all(|(role, machine)| machine.may_stop(cells.state(role)))
            && self.edges().ids().all(|edge| cells.queued(edge) == 0)
    }
}

/// A configuration in plain vectors: for traces, replays and tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Configuration {
    states: IdVec<RoleId, StateId>,
    queues: IdVec<EdgeId, VecDeque<MessageId>>,
}

impl Configuration {
    /// Every role at its start, every queue empty.
    #[must_use]
    pub fn initial(system: &System) -> Self {
        Self {
            states: system.machines().values().map(super::Machine::initial).collect(),
            queues: system.edges().values().map(|_| VecDeque::new()).collect(),
        }
    }

    /// The messages of an edge, oldest first.
    pub fn queue(&self, edge: EdgeId) -> impl Iterator<Item = MessageId> + '_ {
        self.queues[edge].iter().copied()
    }
}

impl Cells for Configuration {
    #[inline]
    fn state(&self, role: RoleId) -> StateId {
        self.states[role]
    }

    #[inline]
    fn set_state(&mut self, role: RoleId, state: StateId) {
        self.states[role] = state;
    }

    #[inline]
    fn queued(&self, edge: EdgeId) -> usize {
        self.queues[edge].len()
    }

    #[inline]
    fn head(&self, edge: EdgeId) -> Option<MessageId> {
        self.queues[edge].front().copied()
    }

    #[inline]
    fn push(&mut self, edge: EdgeId, message: MessageId) {
        self.queues[edge].push_back(message);
    }

    #[inline]
    fn pop(&mut self, edge: EdgeId) {
        self.queues[edge].pop_front();
    }
}

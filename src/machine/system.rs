//! All roles' machines and the edges between them.
//!
//! A message that can travel is numbered once for the whole system: a [`MessageId`] is an edge, a label and a payload
//! signature, with the sender's and the receiver's columns for it. Queues hold message ids.
//!
//! INVARIANT (edges): edges are sorted by (from, to) and are exactly the pairs for which some machine has an action.

use rustc_hash::FxHashMap;

use super::table::{Machine, TableError};
use crate::{
    event::{Dir, Event},
    id::{ActionId, EdgeId, IdVec, LabelId, MessageId, RoleId, SortId, TooMany},
    protocol::{Act, EdgeKind, Local},
};

/// A directed pair of roles that communicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The sender.
    pub from: RoleId,
    /// The receiver.
    pub to: RoleId,
    /// Its queue.
    pub kind: EdgeKind,
}

/// What can travel on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The edge.
    pub edge: EdgeId,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
    /// The sender's column (of its first twin), if it ever sends it.
    pub send: Option<ActionId>,
    /// The receiver's column (of its first twin), if it ever takes it.
    pub receive: Option<ActionId>,
}

/// Why machines do not make a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemError {
    /// More of something than ids.
    TooMany(TooMany),
}

impl From<TooMany> for SystemError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

impl From<TableError> for SystemError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::TooMany(error) => Self::TooMany(error),
        }
    }
}

/// All machines and edges of a protocol or system.
#[derive(Clone, Debug)]
pub struct System {
    machines: IdVec<RoleId, Machine>,
    edges: IdVec<EdgeId, Edge>,
    messages: IdVec<MessageId, Message>,
    /// Per role and column: the message, for actions that communicate.
    message_of: IdVec<RoleId, IdVec<ActionId, Option<MessageId>>>,
    find: FxHashMap<(RoleId, RoleId, LabelId, SortId), MessageId>,
}

impl System {
    /// The system of one local type per role, in role order. `kind` gives the declared kind of an edge.
    pub fn of(
        locals: &IdVec<RoleId, Local>,
        kind: impl FnMut(RoleId, RoleId) -> EdgeKind,
    ) -> Result<Self, SystemError> {
        let machines = locals.values().map(Machine::of).collect::<Result<Vec<_>, _>>()?;
        Self::new(machines.into(), kind)
    }

    /// The system of one machine per role, in role order.
    pub fn new(
        machines: IdVec<RoleId, Machine>,
        mut kind: impl FnMut(RoleId, RoleId) -> EdgeKind,
    ) -> Result<Self, SystemError> {
        // (from, to, label, sort) of everything that anybody sends or receives.
        let ends = |role: RoleId, act: Act| match act {
            Act::Send(to) => Some((role, to, Dir::Send)),
            Act::Receive(from) => Some((from, role, Dir::Receive)),
            Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => None,
        };
        let mut travels = Vec::new();
        for (role, machine) in machines.iter() {
            for action in machine.actions().values() {
                if let Some((from, to, _)) = ends(role, action.act) {
                    travels.push((from, to, action.label, action.sort));
                }
            }
        }
        travels.sort_unstable();
        travels.dedup();
        let mut edges: IdVec<EdgeId, Edge> = IdVec::new();
        let mut messages: IdVec<MessageId, Message> = IdVec::new();
        let mut find = FxHashMap::default();
        let mut last: Option<(RoleId, RoleId, EdgeId)> = None;
        for (from, to, label, sort) in travels {
            let edge = match last {
                Some((f, t, edge)) if (f, t) == (from, to) => edge,
                _ => edges.push(Edge { from, to, kind: kind(from, to) })?,
            };
            last = Some((from, to, edge));
            let id = messages.push(Message { edge, label, sort, send: None, receive: None })?;
            find.insert((from, to, label, sort), id);
        }
        let mut message_of = IdVec::new();
        for (role, machine) in machines.iter() {
            let mut row = IdVec::new();
            for (column, action) in machine.actions().iter() {
                let travel = ends(role, action.act);
                let id = travel.and_then(|(from, to, _)| find.get(&(from, to, action.label, action.sort)).copied());
                if let (Some(id), Some((_, _, dir)), 0) = (id, travel, action.twin) {
                    match dir {
                        Dir::Send => messages[id].send = Some(column),
                        Dir::Receive => messages[id].receive = Some(column),
                    }
                }
                row.push(id)?;
            }
            message_of.push(row)?;
        }
        Ok(Self { machines, edges, messages, message_of, find })
    }

    /// The machines, in role order.
    #[must_use]
    pub fn machines(&self) -> &IdVec<RoleId, Machine> {
        &self.machines
    }

    /// The edges, sorted by (from, to).
    #[must_use]
    pub fn edges(&self) -> &IdVec<EdgeId, Edge> {
        &self.edges
    }

    /// Everything that can travel.
    #[must_use]
    pub fn messages(&self) -> &IdVec<MessageId, Message> {
        &self.messages
    }

    /// The edge between two roles. O(log edges).
    #[must_use]
    pub fn edge(&self, from: RoleId, to: RoleId) -> Option<EdgeId> {
        let at = self.edges.as_slice().binary_search_by_key(&(from, to), |edge| (edge.from, edge.to)).ok()?;
        self.edges.ids().nth(at)
    }

    /// The message with these ends, label and payload.
    #[must_use]
    pub fn message(&self, from: RoleId, to: RoleId, label: LabelId, sort: SortId) -> Option<MessageId> {
        self.find.get(&(from, to, label, sort)).copied()
    }

    /// The message that a role's column sends or receives.
    #[inline]
    #[must_use]
    pub fn message_of(&self, role: RoleId, action: ActionId) -> Option<MessageId> {
        self.message_of[role].entry(action).copied().flatten()
    }

    /// The event of sending a message.
    #[must_use]
    pub fn send_event(&self, message: MessageId) -> Event {
        let Message { edge, label, sort, .. } = self.messages[message];
        let Edge { from, to, .. } = self.edges[edge];
        Event::Send { from, to, label, sort }
    }

    /// The event of receiving a message.
    #[must_use]
    pub fn receive_event(&self, message: MessageId) -> Event {
        let Message { edge, label, sort, .. } = self.messages[message];
        let Edge { from, to, .. } = self.edges[edge];
        Event::Receive { from, to, label, sort }
    }

    /// The event of sending and receiving a message at once.
    #[must_use]
    pub fn sync_event(&self, message: MessageId) -> Event {
        let Message { edge, label, sort, .. } = self.messages[message];
        let Edge { from, to, .. } = self.edges[edge];
        Event::Sync { from, to, label, sort }
    }
}

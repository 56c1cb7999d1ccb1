//! Queues of table sessions: a ring in the block, and a spill for what exceeds it.
//!
//! INVARIANT (order): the messages of an edge are those of its ring, then those of its spill; the spill of an edge holds
//! something only if its ring is full.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::block::{self, Layout, Words};
use crate::{
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::Cells,
};

/// Queues beyond their rings, and what hosts gave with messages; by slot and edge.
#[derive(Debug, Default)]
pub(super) struct Spill {
    messages: FxHashMap<(u32, EdgeId), VecDeque<u32>>,
    /// One per queued message, where any has one.
    payloads: FxHashMap<(u32, EdgeId), VecDeque<u64>>,
    /// High bits of the number of steps, by slot.
    carries: FxHashMap<u32, u32>,
    /// How many messages are in it.
    pub(super) count: usize,
    pub(super) bytes: usize,
}

impl Spill {
    fn push(&mut self, slot: u32, edge: EdgeId, message: u32) {
        let queue = self.messages.entry((slot, edge)).or_default();
        let before = queue.capacity();
        queue.push_back(message);
        self.bytes = self.bytes.saturating_add(queue.capacity().saturating_sub(before).saturating_mul(4));
        self.count = self.count.saturating_add(1);
    }

    fn pop(&mut self, slot: u32, edge: EdgeId) -> Option<u32> {
        let queue = self.messages.get_mut(&(slot, edge))?;
        let message = queue.pop_front();
        if queue.is_empty() {
            self.bytes = self.bytes.saturating_sub(queue.capacity().saturating_mul(4));
            self.messages.remove(&(slot, edge));
        }
        if message.is_some() {
            self.count = self.count.saturating_sub(1);
        }
        message
    }

    pub(super) fn len(&self, slot: u32, edge: EdgeId) -> usize {
        self.messages.get(&(slot, edge)).map_or(0, VecDeque::len)
    }

    /// What is beyond the ring, oldest first.
    pub(super) fn iter(&self, slot: u32, edge: EdgeId) -> impl Iterator<Item = u32> + '_ {
        self.messages.get(&(slot, edge)).into_iter().flatten().copied()
    }

    /// A message goes in that brings a payload; `before` messages are queued already.
    pub(super) fn push_payload(&mut self, slot: u32, edge: EdgeId, before: usize, payload: u64) {
        let queue = self.payloads.entry((slot, edge)).or_default();
        let known = queue.capacity();
        while queue.len() < before {
            queue.push_back(0);
        }
        queue.push_back(payload);
        self.bytes = self.bytes.saturating_add(queue.capacity().saturating_sub(known).saturating_mul(8));
    }

    /// The payload of the message that is taken.
    pub(super) fn pop_payload(&mut self, slot: u32, edge: EdgeId) -> u64 {
        let Some(queue) = self.payloads.get_mut(&(slot, edge)) else { return 0 };
        let payload = queue.pop_front().unwrap_or(0);
        if queue.is_empty() {
            self.bytes = self.bytes.saturating_sub(queue.capacity().saturating_mul(8));
            self.payloads.remove(&(slot, edge));
        }
        payload
    }

    /// What hosts gave with the messages of an edge, as far as any did.
    pub(super) fn payloads(&self, slot: u32, edge: EdgeId) -> impl Iterator<Item = u64> + '_ {
        self.payloads.get(&(slot, edge)).into_iter().flatten().copied()
    }

    /// So many messages are left of an edge: what was given with those before is dropped.
    pub(super) fn align(&mut self, slot: u32, edge: EdgeId, left: usize) {
        let Some(queue) = self.payloads.get(&(slot, edge)) else { return };
        for _ in left..queue.len() {
            self.pop_payload(slot, edge);
        }
    }

    /// What another holds of an edge.
    pub(super) fn copy(&mut self, other: &Self, slot: u32, edge: EdgeId) {
        if let Some(queue) = other.messages.get(&(slot, edge)) {
            self.messages.insert((slot, edge), queue.clone());
        }
    }

    /// The low bits of a session's number of steps began anew.
    #[cold]
    pub(super) fn carry(&mut self, slot: u32) {
        let carried = self.carries.entry(slot).or_default();
        *carried = carried.saturating_add(1);
    }

    /// How often they did.
    pub(super) fn carried(&self, slot: u32) -> u32 {
        self.carries.get(&slot).copied().unwrap_or(0)
    }

    /// A session is gone, with its edges.
    pub(super) fn forget(&mut self, slot: u32, edges: impl Iterator<Item = EdgeId>) {
        self.carries.remove(&slot);
        for edge in edges {
            if let Some(queue) = self.messages.remove(&(slot, edge)) {
                self.bytes = self.bytes.saturating_sub(queue.capacity().saturating_mul(4));
                self.count = self.count.saturating_sub(queue.len());
            }
            if let Some(queue) = self.payloads.remove(&(slot, edge)) {
                self.bytes = self.bytes.saturating_sub(queue.capacity().saturating_mul(8));
            }
        }
    }
}

/// A block as a configuration.
pub(super) struct View<'a, W: Words + ?Sized> {
    pub(super) words: &'a mut W,
    pub(super) layout: &'a Layout,
    pub(super) spill: &'a mut Spill,
    pub(super) slot: u32,
}

impl<W: Words + ?Sized> View<'_, W> {
    #[inline]
    fn spills(&self) -> bool {
        block::Head::read(self.words).flags & block::SPILLS != 0
    }

    /// The messages of an edge, oldest first.
    pub(super) fn messages(&self, edge: EdgeId) -> impl Iterator<Item = MessageId> + '_ {
        let ring = (0..self.layout.len(self.words, edge)).map(move |at| self.layout.entry(self.words, edge, at));
        ring.chain(self.spill.iter(self.slot, edge)).map(MessageId::from_raw)
    }
}

impl<W: Words + ?Sized> Cells for View<'_, W> {
    #[inline]
    fn state(&self, role: RoleId) -> StateId {
        self.layout.state(self.words, role)
    }

    #[inline]
    fn set_state(&mut self, role: RoleId, state: StateId) {
        self.layout.set_state(self.words, role, state);
    }

    #[inline]
    fn queued(&self, edge: EdgeId) -> usize {
        let ring = self.layout.len(self.words, edge);
        if self.spills() { ring.saturating_add(self.spill.len(self.slot, edge)) } else { ring }
    }

    #[inline]
    fn head(&self, edge: EdgeId) -> Option<MessageId> {
        if self.layout.len(self.words, edge) == 0 {
            return None;
        }
        Some(MessageId::from_raw(self.layout.entry(self.words, edge, 0)))
    }

    #[inline]
    fn push(&mut self, edge: EdgeId, message: MessageId) {
        if self.layout.len(self.words, edge) < usize::from(self.layout.rings[edge].size) {
            self.layout.push(self.words, edge, message.raw());
        } else {
            self.spill.push(self.slot, edge, message.raw());
            let mut head = block::Head::read(self.words);
            head.flags |= block::SPILLS;
            head.write(self.words);
        }
    }

    #[inline]
    fn pop(&mut self, edge: EdgeId) {
        self.layout.pop(self.words, edge);
        if self.spills()
            && let Some(message) = self.spill.pop(self.slot, edge)
        {
            self.layout.push(self.words, edge, message);
        }
    }
}

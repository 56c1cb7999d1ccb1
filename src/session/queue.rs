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
    /// Messages with their payload ids.
    messages: FxHashMap<(u32, EdgeId), VecDeque<(u32, u64)>>,
    /// Where the payload ids of a session's rings are in the arena: a place for each entry of each ring.
    chunks: FxHashMap<u32, u32>,
    arena: Vec<u64>,
    /// Chunks that are not used any more, by their size.
    free: FxHashMap<u32, Vec<u32>>,
    /// Payload ids of the queues of trees: one per queued message, where any has one.
    given: FxHashMap<(u32, EdgeId), VecDeque<u64>>,
    /// High bits of the number of steps, by slot.
    carries: FxHashMap<u32, u32>,
    /// How many messages are in it.
    pub(super) count: usize,
    queues: usize,
}

impl Spill {
    fn push(&mut self, slot: u32, edge: EdgeId, message: u32) {
        let queue = self.messages.entry((slot, edge)).or_default();
        let before = queue.capacity();
        queue.push_back((message, 0));
        self.queues = self.queues.saturating_add(queue.capacity().saturating_sub(before).saturating_mul(16));
        self.count = self.count.saturating_add(1);
    }

    fn pop(&mut self, slot: u32, edge: EdgeId) -> Option<(u32, u64)> {
        let queue = self.messages.get_mut(&(slot, edge))?;
        let message = queue.pop_front();
        if queue.is_empty() {
            self.queues = self.queues.saturating_sub(queue.capacity().saturating_mul(16));
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
        self.messages.get(&(slot, edge)).into_iter().flatten().map(|(message, _)| *message)
    }

    /// The payload id at a place of a ring.
    #[inline]
    pub(super) fn payload(&self, slot: u32, edge: u32, place: u32) -> u64 {
        let at = self.chunks.get(&slot).map(|chunk| at(*chunk, edge, place));
        at.and_then(|at| self.arena.get(at)).copied().unwrap_or(0)
    }

    /// Puts a payload id at a place of a ring; `edges` is how many the session has.
    #[inline]
    pub(super) fn set_payload(&mut self, slot: u32, edges: usize, edge: u32, place: u32, payload: u64) {
        let chunk = match self.chunks.get(&slot) {
            Some(&chunk) => chunk,
            None => self.chunk(slot, edges),
        };
        if let Some(entry) = self.arena.get_mut(at(chunk, edge, place)) {
            *entry = payload;
        }
    }

    /// A place for the payload ids of a session.
    #[cold]
    fn chunk(&mut self, slot: u32, edges: usize) -> u32 {
        let size = u32::try_from(edges).unwrap_or(u32::MAX).saturating_mul(u32::from(block::RING));
        let chunk = match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(chunk) => chunk,
            None => {
                let chunk = u32::try_from(self.arena.len()).unwrap_or(u32::MAX);
                self.arena.resize(self.arena.len().saturating_add(size as usize), 0);
                chunk
            }
        };
        self.chunks.insert(slot, chunk);
        chunk
    }

    /// The last message of an edge carries a payload id; it is at this place of the ring, or beyond.
    pub(super) fn set_last(&mut self, slot: u32, edges: usize, edge: EdgeId, place: Option<u32>, payload: u64) {
        if !self.chunks.contains_key(&slot) {
            self.chunk(slot, edges);
        }
        match place {
            Some(place) => self.set_payload(slot, edges, edge.raw(), place, payload),
            None => {
                if let Some((_, known)) = self.messages.get_mut(&(slot, edge)).and_then(VecDeque::back_mut) {
                    *known = payload;
                }
            }
        }
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        use super::memory::table;
        table(self.messages.capacity(), std::mem::size_of::<((u32, EdgeId), VecDeque<(u32, u64)>)>())
            .saturating_add(table(self.given.capacity(), std::mem::size_of::<((u32, EdgeId), VecDeque<u64>)>()))
            .saturating_add(table(self.chunks.capacity(), std::mem::size_of::<(u32, u32)>()))
            .saturating_add(table(self.carries.capacity(), std::mem::size_of::<(u32, u32)>()))
            .saturating_add(self.arena.capacity().saturating_mul(8))
            .saturating_add(self.queues)
    }

    /// What hosts gave with the messages of an edge of a tree, as far as any did.
    pub(super) fn given(&self, slot: u32, edge: EdgeId) -> impl Iterator<Item = u64> + '_ {
        self.given.get(&(slot, edge)).into_iter().flatten().copied()
    }

    /// A message goes into a queue of a tree with a payload id; `before` are queued already.
    pub(super) fn push_given(&mut self, slot: u32, edge: EdgeId, before: usize, payload: u64) {
        let queue = self.given.entry((slot, edge)).or_default();
        let known = queue.capacity();
        while queue.len() < before {
            queue.push_back(0);
        }
        queue.push_back(payload);
        self.queues = self.queues.saturating_add(queue.capacity().saturating_sub(known).saturating_mul(8));
    }

    /// The payload id of the message of a tree that is taken.
    pub(super) fn pop_given(&mut self, slot: u32, edge: EdgeId) -> u64 {
        let Some(queue) = self.given.get_mut(&(slot, edge)) else { return 0 };
        let payload = queue.pop_front().unwrap_or(0);
        if queue.is_empty() {
            self.queues = self.queues.saturating_sub(queue.capacity().saturating_mul(8));
            self.given.remove(&(slot, edge));
        }
        payload
    }

    /// So many messages are left of an edge of a tree: what was given with those before is dropped.
    pub(super) fn align(&mut self, slot: u32, edge: EdgeId, left: usize) {
        let Some(queue) = self.given.get(&(slot, edge)) else { return };
        for _ in left..queue.len() {
            self.pop_given(slot, edge);
        }
    }

    /// What is beyond the ring, with its payload ids, oldest first.
    fn beyond(&self, slot: u32, edge: EdgeId) -> impl Iterator<Item = u64> + '_ {
        self.messages.get(&(slot, edge)).into_iter().flatten().map(|(_, payload)| *payload)
    }

    /// What another holds of an edge.
    pub(super) fn copy(&mut self, other: &Self, slot: u32, edge: EdgeId) {
        if let Some(queue) = other.messages.get(&(slot, edge)) {
            self.messages.insert((slot, edge), queue.clone());
        }
    }

    /// The payload ids that another holds of a session's rings.
    pub(super) fn copy_payloads(&mut self, other: &Self, slot: u32, edges: usize) {
        let Some(&chunk) = other.chunks.get(&slot) else { return };
        let from = chunk as usize;
        let to = from.saturating_add(edges.saturating_mul(usize::from(block::RING)));
        self.arena.extend_from_slice(other.arena.get(from..to).unwrap_or(&[]));
        self.chunks.insert(slot, 0);
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
        if !self.carries.is_empty() {
            self.carries.remove(&slot);
        }
        let mut size = 0_u32;
        for edge in edges {
            size = size.saturating_add(u32::from(block::RING));
            if !self.given.is_empty()
                && let Some(queue) = self.given.remove(&(slot, edge))
            {
                self.queues = self.queues.saturating_sub(queue.capacity().saturating_mul(8));
            }
            if self.messages.is_empty() {
                continue;
            }
            if let Some(queue) = self.messages.remove(&(slot, edge)) {
                self.queues = self.queues.saturating_sub(queue.capacity().saturating_mul(16));
                self.count = self.count.saturating_sub(queue.len());
            }
        }
        if !self.chunks.is_empty()
            && let Some(chunk) = self.chunks.remove(&slot)
        {
            self.free.entry(size).or_default().push(chunk);
        }
    }
}

/// Where in the arena the payload id of a ring's place is.
#[inline]
fn at(chunk: u32, edge: u32, place: u32) -> usize {
    (chunk as usize).wrapping_add((edge as usize).wrapping_mul(usize::from(block::RING))).wrapping_add(place as usize)
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

    fn carries_payloads(&self) -> bool {
        block::Head::read(self.words).flags & block::PAYLOADS != 0
    }

    /// The payload id of the oldest message of an edge.
    pub(super) fn head_payload(&self, edge: EdgeId) -> u64 {
        if !self.carries_payloads() {
            return 0;
        }
        self.spill.payload(self.slot, edge.raw(), self.layout.place(self.words, edge, 0))
    }

    /// The payload ids of the messages of an edge, oldest first.
    pub(super) fn payloads(&self, edge: EdgeId) -> impl Iterator<Item = u64> + '_ {
        let len = if self.carries_payloads() { self.layout.len(self.words, edge) } else { 0 };
        let ring =
            (0..len).map(move |at| self.spill.payload(self.slot, edge.raw(), self.layout.place(self.words, edge, at)));
        ring.chain(self.spill.beyond(self.slot, edge))
    }

    /// The message that was just sent carries a payload id.
    pub(super) fn set_last_payload(&mut self, edge: EdgeId, payload: u64) {
        let mut head = block::Head::read(self.words);
        if payload == 0 && head.flags & block::PAYLOADS == 0 {
            return;
        }
        head.flags |= block::PAYLOADS;
        head.write(self.words);
        let len = self.layout.len(self.words, edge);
        let spilled = self.spills() && self.spill.len(self.slot, edge) > 0;
        let place = (!spilled).then(|| self.layout.place(self.words, edge, len.saturating_sub(1)));
        self.spill.set_last(self.slot, self.layout.rings.len(), edge, place, payload);
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
            if self.carries_payloads() {
                // What the place held before is not this message's.
                let last = self.layout.len(self.words, edge).saturating_sub(1);
                let place = self.layout.place(self.words, edge, last);
                self.spill.set_payload(self.slot, self.layout.rings.len(), edge.raw(), place, 0);
            }
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
            && let Some((message, payload)) = self.spill.pop(self.slot, edge)
        {
            self.layout.push(self.words, edge, message);
            if self.carries_payloads() {
                let last = self.layout.len(self.words, edge).saturating_sub(1);
                let place = self.layout.place(self.words, edge, last);
                self.spill.set_payload(self.slot, self.layout.rings.len(), edge.raw(), place, payload);
            }
        }
    }
}

//! What a store holds, and how many bytes that takes; O(1), from running totals and capacities.

use serde::Serialize;

use super::{Key, SessionId, store::Store};

/// How much of what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sessions that have not ended.
    pub live: usize,
    /// Sessions that have ended and are not reaped.
    pub ended: usize,
    /// Summaries of reaped sessions.
    pub archived: usize,
    /// Messages queued beyond the rings of blocks.
    pub spilled: usize,
    /// Sessions to which the host bound handlers.
    pub handled: usize,
    /// Readiness witnesses that wait.
    pub witnesses: usize,
    /// Transfers that are pending.
    pub transfers: usize,
    /// Messages offered on synchronous edges.
    pub offers: usize,
    /// Leaves of authenticated messages.
    pub leaves: usize,
    /// Trees over them, of watched edges.
    pub trees: usize,
    /// Application keys.
    pub keys: usize,
    /// Plans.
    pub plans: usize,
}

/// Bytes, as allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Hot and cold blocks, claims and trees.
    pub sessions: usize,
    /// What exceeds the rings of blocks, and payload ids.
    pub queues: usize,
    /// Handlers.
    pub handlers: usize,
    /// Witnesses, transfers, tokens, alarms.
    pub authority: usize,
    /// The audit's ring.
    pub audit: usize,
    /// Traffic of watched edges, and its trees.
    pub auth: usize,
    /// Summaries.
    pub archive: usize,
    /// Application keys.
    pub keys: usize,
    /// All of it.
    pub total: usize,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// How much of what.
    pub counts: Counts,
    /// Bytes.
    pub bytes: Bytes,
}

pub(super) use crate::data::table;

impl Store {
    /// What the store holds, and how many bytes that takes. What plans hold is shared with whoever made them, and is not
    /// counted. O(1).
    #[must_use]
    pub fn memory(&self) -> Memory {
        let counts = Counts {
            live: self.sessions(),
            ended: self.ended.len(),
            archived: self.archive.len(),
            spilled: self.rest.spill.count,
            handled: self.rest.handlers.len(),
            witnesses: self.rest.witnesses.waiting,
            transfers: self.transfers.len(),
            offers: self.rest.offers.len(),
            leaves: self.rest.watch.leaves,
            trees: self.rest.watch.trees(),
            keys: self.keys.len(),
            plans: self.plans().len(),
        };
        let mut bytes = Bytes {
            sessions: self
                .pages
                .bytes
                .saturating_add(self.claims.bytes())
                .saturating_add(self.trees.bytes())
                .saturating_add(self.ended.capacity().saturating_mul(std::mem::size_of::<SessionId>()))
                .saturating_add(table(self.reasons.capacity(), std::mem::size_of::<(u32, Box<str>)>()))
                .saturating_add(self.reason_bytes),
            queues: self.rest.spill.bytes(),
            handlers: self.rest.handlers_bytes(),
            authority: self
                .rest
                .witnesses
                .bytes()
                .saturating_add(self.transfers.bytes())
                .saturating_add(self.tokens.bytes())
                .saturating_add(self.timeouts.bytes())
                .saturating_add(self.alarms.bytes()),
            audit: self.rest.audit.memory(),
            auth: self.rest.watch.bytes(),
            archive: self.archive.bytes(),
            keys: table(self.keys.capacity(), std::mem::size_of::<(Key, SessionId)>())
                .saturating_add(table(self.key_of.capacity(), std::mem::size_of::<(u32, Key)>()))
                .saturating_add(self.key_bytes.saturating_mul(2)),
            total: 0,
        };
        let all = [
            bytes.sessions,
            bytes.queues,
            bytes.handlers,
            bytes.authority,
            bytes.audit,
            bytes.auth,
            bytes.archive,
            bytes.keys,
        ];
        bytes.total = all.into_iter().fold(0, usize::saturating_add);
        Memory { counts, bytes }
    }

    /// Summaries of reaped sessions.
    #[must_use]
    pub fn archive(&self) -> &super::Archive {
        &self.archive
    }
}

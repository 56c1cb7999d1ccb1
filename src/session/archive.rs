//! What is kept of sessions that were reaped: bounded summaries.

use std::collections::VecDeque;

use serde::{Serialize, Serializer};

use super::{Key, SessionId, Status};

/// What there is to say about a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Which.
    pub session: SessionId,
    /// By what the application knew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The protocol.
    pub plan: Box<str>,
    /// Where it was in its life.
    pub status: Status,
    /// Why it ended before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// How many roles it had.
    pub roles: usize,
    /// How many of them had finished.
    pub finished: usize,
    /// How many edges it had.
    pub edges: usize,
    /// How many handlers were bound.
    pub handlers: usize,
    /// Messages sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// Messages that nobody received.
    pub queued: usize,
    /// Records in the audit, refusals left out.
    pub records: u64,
    /// How many messages were authenticated.
    pub authenticated: u64,
    /// The roots over them, one for each edge that carried any.
    pub roots: Vec<[u8; 32]>,
    /// The last generation that was given to a role.
    pub generation: u32,
    /// How often its status changed.
    pub epoch: u32,
    /// When it was opened.
    pub opened: i64,
    /// When it ended.
    pub closed: i64,
}

impl Summary {
    /// Bytes that it holds elsewhere.
    fn heap(&self) -> usize {
        let key = self.key.as_ref().map_or(0, Key::heap);
        let reason = self.reason.as_ref().map_or(0, |reason| reason.len());
        let roots = self.roots.capacity().saturating_mul(32);
        [self.plan.len(), key, reason, roots].into_iter().fold(0, usize::saturating_add)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => to.serialize_u64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::Bytes(bytes) => to.serialize_bytes(bytes),
        }
    }
}

/// The latest summaries.
#[derive(Debug, Default)]
pub struct Archive {
    kept: VecDeque<Summary>,
    most: usize,
    dropped: u64,
    /// What summaries hold beside the ring.
    heap: usize,
}

impl Archive {
    pub(super) fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, dropped: 0, heap: 0 }
    }

    pub(super) fn push(&mut self, summary: Summary) {
        if self.most == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        if self.kept.len() >= self.most {
            if let Some(gone) = self.kept.pop_front() {
                self.heap = self.heap.saturating_sub(gone.heap());
            }
            self.dropped = self.dropped.saturating_add(1);
        }
        self.heap = self.heap.saturating_add(summary.heap());
        self.kept.push_back(summary);
    }

    /// The summaries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Summary> + ExactSizeIterator {
        self.kept.iter()
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many had to go for newer ones.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn bytes(&self) -> usize {
        self.kept.capacity().saturating_mul(std::mem::size_of::<Summary>()).saturating_add(self.heap)
    }
}

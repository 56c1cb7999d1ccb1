//! The store: sessions, who owns them, and the one place where they change.
//!
//! A session is a hot block and a cold one in a page of its plan's ([`pages`](super::pages)); what only some sessions
//! have (spilled queues, witnesses, offers, trees) is beside them. Everything that is asked of the store with an authority
//! is answered in a time that does not depend on how many other sessions there are.
//!
//! No clock, no input or output, no threads: time is an argument, and whoever shares a store puts it behind a lock of
//! their own, or behind [`guard::Shared`](crate::guard).

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use rustc_hash::FxHashMap;

use super::{
    Code, Key, OpenPlan, Opener, Refused, SessionId, Status, Supervisor,
    archive::Archive,
    audit::{Audit, Kind, Record, SessionRef, Verdict},
    block::{self, Head},
    claims::Claims,
    pages::{NONE, Pages},
    queue::Spill,
    refuse::Detail,
    token::Secrets,
    transfer::Transfers,
    trees::Trees,
    witness::Witnesses,
};
use crate::{
    data::{Externs, Redaction, Value},
    id::{EdgeId, MessageId},
};

/// What the host says of extern predicates, shared by all sessions of a store.
pub type Host = Arc<dyn Externs + Send + Sync>;

/// Records are numbered as they are kept.
pub(super) trait Keep {
    /// Keeps a record for which there is room, and gives its number.
    fn accepted(&mut self, record: Record) -> u64;
    /// Keeps a refusal, and gives the number of its record if it has one of its own.
    fn refused(&mut self, record: Record) -> Option<u64>;
    /// Seals what is open, or lets it wait for a few more records: whoever looks at the audit seals first, and so does
    /// every [`Store::tick`].
    fn seal_now(&mut self);
}

/// An end, a transfer or a violation is sealed with at most this many records before it: the fewest that fill the widest
/// hashing there is (16 chunks side by side).
const SHARED: usize = 256;

impl Keep for Audit {
    #[inline]
    fn accepted(&mut self, record: Record) -> u64 {
        let number = self.next_sequence();
        // Whoever changes a session asks for room first; a lossy audit counts what it drops.
        let _: Result<(), super::audit::AuditFull> = self.push(record);
        number
    }

    fn refused(&mut self, record: Record) -> Option<u64> {
        let number = self.next_sequence();
        matches!(self.reject(record), Ok(super::audit::Noted::Recorded)).then_some(number)
    }

    fn seal_now(&mut self) {
        // Many ends in a row share a seal.
        if self.unsealed() >= SHARED {
            self.seal();
        }
    }
}

/// What a store is made with.
pub struct Config {
    /// Sessions at once, at most; each place costs nothing before it is used.
    pub sessions: u32,
    /// The number of the first slot: stores whose ids are to be told apart get ranges of their own. It is rounded down to
    /// a multiple of 1,024.
    pub first: u32,
    /// How many slots from the first one on are this store's.
    pub span: u32,
    /// Summaries of reaped sessions that are kept.
    pub archive: usize,
    /// The audit.
    pub audit: Audit,
    /// Secrets for tokens, the newest last; none, and nothing can be exported.
    pub secrets: Secrets,
    /// What the host says of extern predicates.
    pub externs: Host,
    /// Hides secrets in refusals.
    pub redaction: Redaction,
    /// Tokens that were imported and are not past their time, remembered at most.
    pub tokens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sessions: 1 << 24,
            first: 0,
            span: u32::MAX,
            archive: 1_024,
            audit: Audit::new(super::audit::Options { segments: 16, ..super::audit::Options::default() }),
            secrets: Secrets::default(),
            externs: Arc::new(|_, _: &[Value]| None),
            redaction: Redaction::new(b""),
            tokens: 1 << 16,
        }
    }
}

/// A message that waits on a synchronous edge.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) message: MessageId,
    pub(super) stamp: u32,
    pub(super) payload: u64,
    pub(super) witnesses: super::witness::Numbers,
    /// In a tree session: what was shown of the payload, and the digest of its content.
    pub(super) shown: Option<Box<(super::judge::Values, u128)>>,
}

/// Everything but the pages, so that a step can have a block and this side by side.
pub(super) struct Rest {
    pub(super) audit: Audit,
    pub(super) spill: Spill,
    pub(super) witnesses: Witnesses,
    pub(super) offers: FxHashMap<(u32, EdgeId), Pending>,
    pub(super) externs: Host,
    pub(super) redaction: Redaction,
    /// The traffic of watched edges.
    pub(super) watch: super::watch::Watch,
    /// Bound handlers, by slot: the default, and those of edges.
    pub(super) handlers: FxHashMap<u32, Handlers>,
    /// Bytes of the tables of edges in these.
    pub(super) handler_tables: usize,
    /// Records and steps that the block does not count, by slot.
    counts: FxHashMap<u32, Counts>,
}

/// What hosts bound to the edges of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    pub(super) default: Option<u32>,
    pub(super) edges: FxHashMap<EdgeId, u32>,
}

/// What a session did besides sends and receives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Records that are no steps.
    pub(super) records: u32,
    /// Steps that are neither sends nor receives.
    pub(super) others: u32,
    /// Messages handed over on synchronous edges.
    pub(super) syncs: u32,
}

impl Handlers {
    /// Bytes of the table of edges.
    pub(super) fn bytes(&self) -> usize {
        super::memory::table(self.edges.capacity(), std::mem::size_of::<(EdgeId, u32)>())
    }
}

impl Rest {
    /// Bytes of what hosts bound, and of counters.
    pub(super) fn handlers_bytes(&self) -> usize {
        super::memory::table(self.handlers.capacity(), std::mem::size_of::<(u32, Handlers)>())
            .saturating_add(self.handler_tables)
            .saturating_add(super::memory::table(self.counts.capacity(), std::mem::size_of::<(u32, Counts)>()))
    }

    /// The handler of an edge.
    pub(super) fn handler(&self, slot: u32, edge: EdgeId) -> Option<u32> {
        let handlers = self.handlers.get(&slot)?;
        handlers.edges.get(&edge).copied().or(handlers.default)
    }

    /// A step that is neither a send nor a receive.
    pub(super) fn others(&mut self, slot: u32) {
        let counts = self.counts.entry(slot).or_default();
        counts.others = counts.others.saturating_add(1);
    }

    /// A record that is no step.
    pub(super) fn entry(&mut self, slot: u32) {
        let counts = self.counts.entry(slot).or_default();
        counts.records = counts.records.saturating_add(1);
    }

    /// A message was handed over.
    pub(super) fn synced(&mut self, slot: u32) {
        let counts = self.counts.entry(slot).or_default();
        counts.syncs = counts.syncs.saturating_add(1);
    }

    /// A session is gone.
    pub(super) fn forget(&mut self, slot: u32, plan: &OpenPlan) {
        self.spill.forget(slot, plan.edges().ids());
        if !self.offers.is_empty() {
            for edge in plan.edges().ids() {
                self.offers.remove(&(slot, edge));
            }
        }
        self.watch.forget(slot, plan);
        self.witnesses.forget(slot);
        if let Some(handlers) = self.handlers.remove(&slot) {
            self.handler_tables = self.handler_tables.saturating_sub(handlers.bytes());
        }
        self.counts.remove(&slot);
    }

    pub(super) fn counts(&self, slot: u32) -> Counts {
        self.counts.get(&slot).copied().unwrap_or_default()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("id", &self.id).field("live", &self.live).finish_non_exhaustive()
    }
}

/// A session store.
pub struct Store {
    /// Differs between any two stores of a process.
    pub(super) id: u32,
    pub(super) pages: Pages,
    pub(super) rest: Rest,
    plans: Vec<OpenPlan>,
    by_uid: FxHashMap<u64, u32>,
    pub(super) claims: Claims,
    pub(super) transfers: Transfers,
    pub(super) trees: Trees,
    // Keys come from outside: std's hasher.
    pub(super) keys: HashMap<Key, SessionId>,
    pub(super) key_of: FxHashMap<u32, Key>,
    /// What keys and reasons hold beside their tables.
    pub(super) key_bytes: usize,
    pub(super) reason_bytes: usize,
    pub(super) reasons: FxHashMap<u32, Box<str>>,
    /// Sessions that have ended and are not reaped.
    pub(super) ended: VecDeque<SessionId>,
    pub(super) archive: Archive,
    /// When something is to be looked at.
    pub(super) alarms: super::timer::Alarms,
    pub(super) timeouts: super::timer::Timeouts,
    pub(super) secrets: Secrets,
    pub(super) tokens: super::token::Imported,
    /// Cancellation and timeout witnesses are numbered.
    pub(super) numbers: u64,
    pub(super) live: usize,
}

impl Store {
    /// An empty store, and the authority over it.
    pub fn new(config: Config) -> (Self, Supervisor) {
        /// Stores of a process, for telling them apart: nothing else depends on it.
        static STORES: AtomicU32 = AtomicU32::new(1);
        let id = STORES.fetch_add(1, Ordering::Relaxed);
        let store = Self {
            id,
            pages: Pages::new(config.first, config.span, config.sessions),
            rest: Rest {
                audit: config.audit,
                spill: Spill::default(),
                witnesses: Witnesses::default(),
                offers: FxHashMap::default(),
                externs: config.externs,
                redaction: config.redaction,
                watch: super::watch::Watch::default(),
                handlers: FxHashMap::default(),
                handler_tables: 0,
                counts: FxHashMap::default(),
            },
            plans: Vec::new(),
            by_uid: FxHashMap::default(),
            claims: Claims::default(),
            transfers: Transfers::default(),
            trees: Trees::default(),
            keys: HashMap::new(),
            key_of: FxHashMap::default(),
            key_bytes: 0,
            reason_bytes: 0,
            reasons: FxHashMap::default(),
            ended: VecDeque::new(),
            archive: Archive::new(config.archive),
            alarms: super::timer::Alarms::default(),
            timeouts: super::timer::Timeouts::default(),
            secrets: config.secrets,
            tokens: super::token::Imported::new(config.tokens),
            numbers: 0,
            live: 0,
        };
        (store, Supervisor { store: id })
    }

    /// The number that a plan has in this store, or will have with its first session.
    fn number(&self, plan: &OpenPlan) -> u32 {
        let next = || u32::try_from(self.plans.len()).unwrap_or(NONE);
        self.by_uid.get(&plan.0.uid).copied().unwrap_or_else(next)
    }

    /// Opens a session. O(size of its block).
    ///
    /// # Errors
    ///
    /// [`Code::Limit`] if there are as many sessions as the store holds, [`Code::AuditFull`].
    pub fn open(&mut self, plan: &OpenPlan, at: i64) -> Result<(SessionId, Opener), Refused> {
        self.room(1)?;
        let number = self.number(plan);
        let Some(id) = self.pages.open(plan, number, at) else {
            return Err(Refused::with(Code::Limit, Detail::Text("the store holds no more sessions".into())));
        };
        Ok((id, self.opened(plan, number, id, at)))
    }

    /// Opens a session that the application knows by a key; the key is free again when the session was reaped.
    ///
    /// # Errors
    ///
    /// As [`Store::open`], and [`Code::KeyInUse`].
    pub fn open_keyed(
        &mut self,
        plan: &OpenPlan,
        key: impl Into<Key>,
        at: i64,
    ) -> Result<(SessionId, Opener), Refused> {
        let key = key.into();
        if let Some(&known) = self.keys.get(&key) {
            let mut refused = Refused::new(Code::KeyInUse);
            refused.0.session = Some(known);
            return Err(refused);
        }
        let (id, opener) = self.open(plan, at)?;
        self.key_bytes = self.key_bytes.saturating_add(key.heap());
        self.keys.insert(key.clone(), id);
        self.key_of.insert(id.slot, key);
        Ok((id, opener))
    }

    /// Opens a session under an id of the caller's, which is above every id that was given out so far
    /// ([`SessionId::to_u64`]): for recovery, where ids are known, and come in order.
    ///
    /// # Errors
    ///
    /// As [`Store::open`], and [`Code::NotFresh`] with the next fresh id.
    pub fn open_with_id(&mut self, plan: &OpenPlan, id: SessionId, at: i64) -> Result<Opener, Refused> {
        self.room(1)?;
        if self.pages.is_full() {
            return Err(Refused::with(Code::Limit, Detail::Text("the store holds no more sessions".into())));
        }
        let number = self.number(plan);
        match self.pages.open_at(plan, number, id, at) {
            Some(id) => Ok(self.opened(plan, number, id, at)),
            None => {
                let next = self.pages.next(number);
                Err(Refused::with(Code::NotFresh, Detail::Fresh { given: id, next }))
            }
        }
    }

    fn opened(&mut self, plan: &OpenPlan, number: u32, id: SessionId, at: i64) -> Opener {
        self.live = self.live.saturating_add(1);
        if self.plans.len() <= number as usize {
            self.plans.push(plan.clone());
            self.by_uid.insert(plan.0.uid, number);
        }
        if let super::plan::Engine::Tree(program) = &plan.0.engine {
            let tree = self.trees.open(program, at, &*self.rest.externs);
            if let Some((page, place)) = self.pages.place(id)
                && let Some(cold) = page.cold.get_mut(place)
            {
                cold.tree = tree;
            }
            self.arm(id);
        }
        if let Some((page, place)) = self.pages.place(id)
            && let Some(cold) = page.cold.get_mut(place)
        {
            // The one that says that it was opened.
            cold.records = 1;
        }
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let record = Record { time: at, plan: number, ..Record::new(session, Kind::Open, Verdict::Accepted) };
        self.rest.audit.accepted(record);
        Opener { store: self.id, session: id }
    }

    /// The session that an application key stands for. One hash.
    #[must_use]
    pub fn resolve(&self, key: &Key) -> Option<SessionId> {
        self.keys.get(key).copied()
    }

    /// The plan of a session.
    #[must_use]
    pub fn plan(&self, session: SessionId) -> Option<&OpenPlan> {
        let (page, at) = self.pages.look(session)?;
        let [first, ..] = page.block(at) else { return None };
        (Head::read(first).generation == session.generation).then_some(&page.plan)
    }

    /// Where a session is in its life; none once it was reaped.
    #[must_use]
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.head(session).and_then(|head| Status::of(head.status))
    }

    /// The head of a session's block, if there is such a session.
    pub(super) fn head(&self, session: SessionId) -> Option<Head> {
        let (page, at) = self.pages.look(session)?;
        let [first, ..] = page.block(at) else { return None };
        let head = Head::read(first);
        (head.generation == session.generation && head.status != 0).then_some(head)
    }

    /// The time of a session's latest event.
    #[must_use]
    pub fn now(&self, session: SessionId) -> Option<i64> {
        self.head(session)?;
        let (page, at) = self.pages.look(session)?;
        let [first, ..] = page.block(at) else { return None };
        Some(block::now(first))
    }

    /// The audit.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.rest.audit
    }

    /// The audit, to be sealed, exported or given a sink.
    pub fn audit_mut(&mut self) -> &mut Audit {
        self.rest.audit.seal();
        &mut self.rest.audit
    }

    /// How many sessions have not ended.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.live
    }

    /// The plans of which sessions were opened, by their numbers in records.
    #[must_use]
    pub fn plans(&self) -> &[OpenPlan] {
        &self.plans
    }

    /// A number for a cancellation or timeout witness.
    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }
}

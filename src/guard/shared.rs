//! A session store for many threads: as many stores as there are shards, each behind a lock of its own.
//!
//! ```text
//! slot of a session = shard (highest bits) | slot in the shard's store
//! ```
//!
//! A session lives and dies in one shard, and every call but those of the [`Supervisor`] takes the one lock of its
//! session's shard, so calls about one session happen one after the other, and calls about sessions of different shards
//! side by side. INVARIANT (told apart): the stores' ranges of slots are disjoint, so an id says its shard, and an
//! authority of one store means nothing to another.
//!
//! A host whose sink or predicate panics in a call leaves that session as the store's steps do, before or after it; the
//! lock is not poisoned for the others.
//!
//! ```
//! use polylogue::guard::Shared;
//! use polylogue::session::{Compat, Config, Owner, PlanOptions, Scope, Send};
//!
//! let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(); }")?;
//! let plan = spec.plan_with("Greet", &Compat::Unchecked, PlanOptions::default())?;
//! let (shared, _supervisor) = Shared::new(8, |_| Config::default());
//! let (a, b) = (plan.role("A").expect("declared"), plan.role("B").expect("declared"));
//! let hello = plan.label("hello").expect("declared");
//!
//! std::thread::scope(|threads| {
//!     for _ in 0..2 {
//!         threads.spawn(|| {
//!             let (id, opener) = shared.open(&plan, 0).expect("there is room");
//!             let all = shared.claim(&opener, Owner(1), &Scope::Session).expect("nobody else has it");
//!             let send = Send { from: a, to: b, label: hello, payload: Default::default(), witnesses: &[], at: 1 };
//!             shared.send(&all, send).expect("it is A's turn");
//!             shared.receive(&all, b, a, 2).expect("it is on its way");
//!             assert!(shared.with(id, |store| store.is_finished(id, b)));
//!         });
//!     }
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    id::RoleId,
    session::{
        self, Act, Capability, Committed, Config, Done, Due, Key, OpenPlan, Opener, Owner, Receipt, Refused, Returned,
        Scope, Send, SessionId, Status, Step, Store,
    },
};

/// Shards at most.
const MOST: u32 = 1 << 12;

/// A store, on lines of its own, so that two of them never meet in a cache.
#[repr(align(128))]
struct Shard(Mutex<Store>);

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Inner {
    shards: Box<[Shard]>,
    /// How far the shard's number stands to the left in a slot's.
    shift: u32,
    keys: RandomState,
    /// Where the next session without a key is opened. It spreads the load; nothing depends on it.
    next: AtomicU32,
}

/// A handle to a store that is shared; cheap to clone.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

/// The authority over all shards.
#[must_use = "without its supervisor nobody can tick or reap a store"]
pub struct Supervisor(Box<[session::Supervisor]>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("shards", &self.0.shards.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("shards", &self.0.len()).finish_non_exhaustive()
    }
}

impl Shared {
    /// At least so many shards (a power of two, at most 4,096), each with a store made like this; [`Config::first`] is
    /// overwritten. Several per thread keep threads out of each other's way.
    pub fn new(shards: u32, mut config: impl FnMut(u32) -> Config) -> (Self, Supervisor) {
        let count = shards.clamp(1, MOST).next_power_of_two();
        // One shard has all 32 bits.
        let shift = u32::BITS.saturating_sub(count.trailing_zeros());
        let span = 1_u32.checked_shl(shift).unwrap_or(u32::MAX);
        let made = (0..count).map(|at| {
            let config = config(at);
            let sessions = config.sessions.min(span.saturating_sub(1));
            let (store, supervisor) =
                Store::new(Config { first: at.checked_shl(shift).unwrap_or(0), span, sessions, ..config });
            (Shard(Mutex::new(store)), supervisor)
        });
        let (shards, supervisors): (Vec<Shard>, Vec<session::Supervisor>) = made.unzip();
        let inner = Inner { shards: shards.into(), shift, keys: RandomState::new(), next: AtomicU32::new(0) };
        (Self(Arc::new(inner)), Supervisor(supervisors.into()))
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.0.shards.len()
    }

    /// The shard of a session, from 0.
    #[inline]
    #[must_use]
    pub fn shard_of(&self, session: SessionId) -> usize {
        session.slot.checked_shr(self.0.shift).unwrap_or(0) as usize
    }

    #[inline]
    fn of(&self, session: SessionId) -> MutexGuard<'_, Store> {
        self.at(self.shard_of(session))
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the number is below that of the shards, a power of two, by the mask")]
    fn at(&self, shard: usize) -> MutexGuard<'_, Store> {
        let shards = &self.0.shards;
        shards[shard & shards.len().wrapping_sub(1)].lock()
    }

    fn shard_of_key(&self, key: &Key) -> usize {
        self.0.keys.hash_one(key) as usize
    }

    /// Anything that a store does, in the shard of a session; its lock is held meanwhile.
    pub fn with<R>(&self, session: SessionId, ask: impl FnOnce(&mut Store) -> R) -> R {
        ask(&mut self.of(session))
    }

    /// The same in each shard, one after the other: not at one instant.
    pub fn each<R>(&self, mut ask: impl FnMut(&mut Store) -> R) -> Vec<R> {
        self.0.shards.iter().map(|shard| ask(&mut shard.lock())).collect()
    }

    /// As [`Store::open`], in one shard after the other.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open(&self, plan: &OpenPlan, at: i64) -> Result<(SessionId, Opener), Refused> {
        self.at(self.0.next.fetch_add(1, Ordering::Relaxed) as usize).open(plan, at)
    }

    /// As [`Store::open_keyed`].
    ///
    /// # Errors
    ///
    /// As [`Store::open_keyed`].
    pub fn open_keyed(&self, plan: &OpenPlan, key: impl Into<Key>, at: i64) -> Result<(SessionId, Opener), Refused> {
        let key = key.into();
        self.at(self.shard_of_key(&key)).open_keyed(plan, key, at)
    }

    /// As [`Store::resolve`].
    #[must_use]
    pub fn resolve(&self, key: &Key) -> Option<SessionId> {
        self.at(self.shard_of_key(key)).resolve(key)
    }

    /// As [`Store::claim`].
    ///
    /// # Errors
    ///
    /// As [`Store::claim`].
    pub fn claim(&self, opener: &Opener, owner: Owner, scope: &Scope) -> Result<Capability, Refused> {
        self.of(opener.session()).claim(opener, owner, scope)
    }

    /// As [`Store::release`].
    ///
    /// # Errors
    ///
    /// As [`Store::release`].
    pub fn release(&self, capability: Capability) -> Result<(), Box<Returned<Capability>>> {
        self.of(capability.session()).release(capability)
    }

    /// As [`Store::attenuate`].
    ///
    /// # Errors
    ///
    /// As [`Store::attenuate`].
    pub fn attenuate(&self, capability: Capability, scope: &Scope) -> Result<Capability, Box<Returned<Capability>>> {
        self.of(capability.session()).attenuate(capability, scope)
    }

    /// As [`Store::begin_transfer`].
    ///
    /// # Errors
    ///
    /// As [`Store::begin_transfer`].
    pub fn begin_transfer(&self, capability: &Capability, to: Owner, scope: &Scope) -> Result<Receipt, Refused> {
        self.of(capability.session()).begin_transfer(capability, to, scope)
    }

    /// As [`Store::commit_transfer`].
    ///
    /// # Errors
    ///
    /// As [`Store::commit_transfer`].
    pub fn commit_transfer(&self, by: Owner, receipt: Receipt) -> Result<Committed, Box<Returned<Receipt>>> {
        self.of(receipt.session()).commit_transfer(by, receipt)
    }

    /// As [`Store::import`], in the shard of the session that the token names.
    ///
    /// # Errors
    ///
    /// As [`Store::import`].
    pub fn import(&self, token: &[u8], purpose: &str, now: i64) -> Result<Capability, Refused> {
        let shard = session::named(token).map_or(0, |session| self.shard_of(session));
        self.at(shard).import(token, purpose, now)
    }

    /// As [`Store::send`].
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    #[inline]
    pub fn send(&self, capability: &Capability, send: Send<'_>) -> Result<Done, Refused> {
        self.of(capability.session()).send(capability, send)
    }

    /// As [`Store::receive`].
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    #[inline]
    pub fn receive(&self, capability: &Capability, role: RoleId, from: RoleId, at: i64) -> Result<Done, Refused> {
        self.of(capability.session()).receive(capability, role, from, at)
    }

    /// As [`Store::act`].
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    pub fn act(&self, capability: &Capability, act: Act<'_>) -> Result<Done, Refused> {
        self.of(capability.session()).act(capability, act)
    }

    /// As [`Store::step`].
    ///
    /// # Errors
    ///
    /// As [`Store::send`].
    #[inline]
    pub fn step(&self, capability: &Capability, step: Step<'_>) -> Result<Done, Refused> {
        self.of(capability.session()).step(capability, step)
    }

    /// As [`Store::status`].
    #[must_use]
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.of(session).status(session)
    }

    /// As [`Store::local_type`].
    #[must_use]
    pub fn local_type(&self, session: SessionId, role: RoleId) -> Option<String> {
        self.of(session).local_type(session, role)
    }

    /// How many sessions have not ended; each shard is asked at its own instant.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.each(|store| store.sessions()).into_iter().fold(0, usize::saturating_add)
    }

    /// As [`Store::tick`], shard by shard.
    ///
    /// # Errors
    ///
    /// As [`Store::tick`]; what was due in the shards before is lost then, so the supervisor must be this store's.
    pub fn tick(&self, supervisor: &Supervisor, now: i64) -> Result<Vec<Due>, Refused> {
        let mut all = Vec::new();
        for (shard, supervisor) in self.0.shards.iter().zip(&supervisor.0) {
            all.extend(shard.lock().tick(supervisor, now)?);
        }
        all.sort_by_key(Due::at);
        Ok(all)
    }

    /// As [`Store::next_deadline`], of all shards.
    #[must_use]
    pub fn next_deadline(&self) -> Option<i64> {
        self.each(|store| store.next_deadline()).into_iter().flatten().min()
    }

    /// As [`Store::reap`], so many of each shard.
    ///
    /// # Errors
    ///
    /// As [`Store::reap`].
    pub fn reap(&self, supervisor: &Supervisor, most: usize) -> Result<usize, Refused> {
        let mut count = 0_usize;
        for (shard, supervisor) in self.0.shards.iter().zip(&supervisor.0) {
            count = count.saturating_add(shard.lock().reap(supervisor, most)?);
        }
        Ok(count)
    }
}

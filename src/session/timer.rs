//! Time: deadlines of obligations, of witnesses and of timeout witnesses, driven by the caller's clock.
//!
//! Every session has at most one alarm, for the earliest of what it waits for; so asking for what is due costs
//! O(due · log sessions), however much there is to wait for.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{
    Code, Opener, Refused, SessionId, Supervisor, Timeout,
    audit::{Kind, Record, SessionRef, Verdict},
    plan::Engine,
    store::{Keep, Store},
};
use crate::{diag::Span, id::RoleId};

/// What came due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// A role owed a step until now, and has not taken it.
    Lapsed {
        /// In which session.
        session: SessionId,
        /// Who is late.
        role: RoleId,
        /// Since when.
        deadline: i64,
        /// What it owes.
        span: Span,
    },
    /// A time limit of a `try` has run out, and its role has left the body for the handler.
    Handler {
        /// In which session.
        session: SessionId,
        /// Whose limit it was.
        role: RoleId,
        /// Since when.
        until: i64,
    },
    /// A readiness witness expired.
    Witness {
        /// In which session.
        session: SessionId,
        /// Until when it was good.
        until: i64,
    },
    /// A timeout witness expired: what it watched did not happen in time.
    Timeout(Timeout),
}

impl Due {
    /// When it came due.
    #[must_use]
    pub fn at(&self) -> i64 {
        match self {
            Self::Lapsed { deadline, .. } => *deadline,
            Self::Handler { until, .. } | Self::Witness { until, .. } => *until,
            Self::Timeout(timeout) => timeout.until,
        }
    }

    /// In which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Self::Lapsed { session, .. } | Self::Handler { session, .. } | Self::Witness { session, .. } => *session,
            Self::Timeout(timeout) => timeout.session,
        }
    }
}

/// When to look at which session next; one alarm a session at most.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    by_time: BTreeSet<(i64, SessionId)>,
    of: FxHashMap<u32, (i64, u32)>,
}

impl Alarms {
    /// A session is to be looked at then, or not at all.
    pub(super) fn set(&mut self, id: SessionId, at: Option<i64>) {
        let known = self.of.get(&id.slot).copied();
        if known == at.map(|at| (at, id.generation)) {
            return;
        }
        if let Some((at, generation)) = known {
            self.by_time.remove(&(at, SessionId { slot: id.slot, generation }));
            self.of.remove(&id.slot);
        }
        if let Some(at) = at {
            self.by_time.insert((at, id));
            self.of.insert(id.slot, (at, id.generation));
        }
    }

    fn first(&self) -> Option<(i64, SessionId)> {
        self.by_time.first().copied()
    }

    pub(super) fn bytes(&self) -> usize {
        // Nodes of the tree are two thirds full, and have a head.
        let tree = self.by_time.len().saturating_mul(26);
        tree.saturating_add(super::memory::table(self.of.capacity(), std::mem::size_of::<(u32, (i64, u32))>()))
    }
}

/// Timeout witnesses that wait, by session and site.
#[derive(Debug, Default)]
pub(super) struct Timeouts {
    waiting: FxHashMap<u32, Vec<Timeout>>,
}

impl Timeouts {
    /// Those of a session.
    pub(super) fn of(&self, slot: u32) -> impl Iterator<Item = &Timeout> {
        self.waiting.get(&slot).into_iter().flatten()
    }

    pub(super) fn forget(&mut self, slot: u32) {
        self.waiting.remove(&slot);
    }

    pub(super) fn bytes(&self) -> usize {
        super::memory::table(self.waiting.capacity(), std::mem::size_of::<(u32, Vec<Timeout>)>())
    }
}

impl Store {
    /// Watches a deadline of a session: a newer witness for the same site takes the place of the older.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; the time is not after that of the session.
    pub fn issue_timeout(&mut self, opener: &Opener, site: u32, until: i64) -> Result<Timeout, Refused> {
        let id = opener.session;
        let why = self.authority(opener.store, id).and_then(|()| self.not_terminal(id)).and_then(|()| {
            if self.now(id).is_some_and(|now| until <= now) { Err(Refused::new(Code::Past)) } else { Ok(()) }
        });
        let why = match why {
            Ok(()) => {
                let older =
                    self.timeouts.waiting.get(&id.slot).is_some_and(|all| all.iter().any(|one| one.site == site));
                self.room(1_usize.saturating_add(usize::from(older)))
            }
            Err(refused) => Err(refused),
        };
        if let Err(refused) = why {
            return Err(self.rejected(id, 0, Kind::TimeoutWitness, refused));
        }
        let number = self.next_number();
        let timeout = Timeout { session: id, number, site, until };
        let waiting = self.timeouts.waiting.entry(id.slot).or_default();
        let older = waiting.iter().position(|one| one.site == site).map(|at| waiting.swap_remove(at));
        waiting.push(timeout.clone());
        if let Some(older) = older {
            self.authority_record(id, Kind::TimeoutWitness, Verdict::Invalidated, 0, older.number);
        }
        self.authority_record(id, Kind::TimeoutWitness, Verdict::Issued, 0, number);
        self.arm(id);
        Ok(timeout)
    }

    /// When something comes due next, if anything does.
    #[must_use]
    pub fn next_deadline(&self) -> Option<i64> {
        self.alarms.first().map(|(at, _)| at)
    }

    /// Everything that is due by now, in the order of its time: witnesses expire, obligations lapse, handlers of time
    /// limits are entered. What lapsed is told once: what follows from it is the host's.
    ///
    /// # Errors
    ///
    /// [`Code::Foreign`].
    pub fn tick(&mut self, supervisor: &Supervisor, now: i64) -> Result<Vec<Due>, Refused> {
        if supervisor.store != self.id {
            return Err(Refused::new(Code::Foreign));
        }
        let mut due = Vec::new();
        self.rest.audit.seal();
        let mut looked = Vec::new();
        while let Some((at, id)) = self.alarms.first() {
            if at > now || !self.rest.audit.has_room(1) {
                break;
            }
            self.alarms.set(id, None);
            self.look(id, now, &mut due);
            looked.push(id);
        }
        // Once each, whatever they wait for next.
        looked.into_iter().for_each(|id| self.arm(id));
        due.sort_by_key(|one| (one.at(), one.session()));
        Ok(due)
    }

    /// As [`Store::tick`]: the name that the contract has for what expires.
    ///
    /// # Errors
    ///
    /// As [`Store::tick`].
    pub fn expire(&mut self, supervisor: &Supervisor, now: i64) -> Result<Vec<Due>, Refused> {
        self.tick(supervisor, now)
    }

    /// Something of a session may be due. Stops where the audit has no room.
    fn look(&mut self, id: SessionId, now: i64, due: &mut Vec<Due>) {
        if self.status(id).is_none_or(super::Status::is_terminal) {
            return;
        }
        let before = due.len();
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let Some((page, place)) = self.pages.place(id) else { return };
        let number = page.number;
        let (plan, block) = page.split(place);
        let plan = plan.clone();
        let mut old: Vec<(i64, u32)> =
            self.rest.witnesses.timed(id).filter(|(_, until)| *until < now).map(|(at, until)| (until, at)).collect();
        old.sort_unstable();
        for (until, at) in old {
            if !self.rest.audit.has_room(1) {
                break;
            }
            self.rest.expire_witness(block, id, at, now);
            due.push(Due::Witness { session: id, until });
        }
        if let Some(waiting) = self.timeouts.waiting.get_mut(&id.slot) {
            waiting.sort_by_key(|one| (one.until, one.number));
            while waiting.first().is_some_and(|one| one.until <= now) && self.rest.audit.has_room(1) {
                let one = waiting.remove(0);
                let record = Record {
                    time: now,
                    plan: number,
                    witness: one.number,
                    detail: one.site,
                    ..Record::new(session, Kind::TimeoutWitness, Verdict::Expired)
                };
                self.rest.audit.accepted(record);
                self.rest.entry(id.slot);
                due.push(Due::Timeout(one));
            }
            if waiting.is_empty() {
                self.timeouts.waiting.remove(&id.slot);
            }
        }
        let tree = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        if let Engine::Tree(program) = &plan.0.engine
            && let Some(live) = self.trees.live_mut(tree)
        {
            let step = |kind, role: RoleId| Record {
                time: now,
                plan: number,
                role: crate::id::Id::raw(role),
                ..Record::new(session, kind, Verdict::Accepted)
            };
            while self.rest.audit.has_room(1)
                && let Some(lapse) = live.lapse(now)
            {
                self.rest.audit.accepted(step(Kind::Lapse, lapse.role));
                self.rest.entry(id.slot);
                due.push(Due::Lapsed { session: id, role: lapse.role, deadline: lapse.deadline, span: lapse.span });
            }
            while self.rest.audit.has_room(1)
                && let Some((until, role)) = live.next_limit(program).filter(|(until, _)| *until <= now)
                && live.expire(program, role, now)
            {
                self.rest.audit.accepted(step(Kind::Timeout, role));
                self.rest.entry(id.slot);
                due.push(Due::Handler { session: id, role, until });
            }
        }
        if due.len() > before
            && let Some((page, place)) = self.pages.place(id)
            && let [first, ..] = page.block_mut(place)
        {
            // Time does not run backwards: what lapsed has lapsed.
            super::block::set_now(first, super::block::now(first).max(now));
        }
    }

    /// The next alarm of a session.
    pub(super) fn arm(&mut self, id: SessionId) {
        let Some((page, place)) = self.pages.look(id) else { return };
        let tree = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let program = match &page.plan.0.engine {
            Engine::Tree(program) => Some(program),
            Engine::Table(_) => None,
        };
        let live = self.trees.live_mut(tree);
        let (lapse, limit) = match (live, program) {
            (Some(live), Some(program)) => {
                let lapse = live.next_deadline().map(|at| at.saturating_add(1));
                (lapse, live.next_limit(program).map(|(at, _)| at))
            }
            _ => (None, None),
        };
        let witness = self.rest.witnesses.timed(id).map(|(_, until)| until.saturating_add(1)).min();
        let timeout = self.timeouts.waiting.get(&id.slot).and_then(|all| all.iter().map(|one| one.until).min());
        let next = [lapse, limit, witness, timeout].into_iter().flatten().min();
        self.alarms.set(id, next);
        self.trees.weigh(tree);
    }
}

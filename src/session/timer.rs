//! Time: deadlines of obligations, of witnesses and of timeout witnesses, driven by the caller's clock.
//!
//! One heap of alarms says which session to look at next; an alarm that is out of date is dropped when it comes up. So
//! asking for what is due costs O(due · log alarms), however many sessions there are.

use std::cmp::Reverse;

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
            Self::Witness { until, .. } => *until,
            Self::Timeout(timeout) => timeout.until,
        }
    }

    /// In which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Self::Lapsed { session, .. } | Self::Witness { session, .. } => *session,
            Self::Timeout(timeout) => timeout.session,
        }
    }
}

/// Timeout witnesses that wait, by session and site.
#[derive(Debug, Default)]
pub(super) struct Timeouts {
    waiting: FxHashMap<u32, Vec<Timeout>>,
}

impl Timeouts {
    pub(super) fn forget(&mut self, slot: u32) {
        self.waiting.remove(&slot);
    }

    pub(super) fn bytes(&self) -> usize {
        self.waiting.capacity().saturating_mul(std::mem::size_of::<(u32, Vec<Timeout>)>().saturating_add(1))
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
            if !self.rest.audit.has_room(2) {
                return Err(Refused::new(Code::AuditFull));
            }
            if self.now(id).is_some_and(|now| until <= now) { Err(Refused::new(Code::Past)) } else { Ok(()) }
        });
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
        self.alarms.push(Reverse((until, id)));
        Ok(timeout)
    }

    /// When something comes due next, if anything does.
    #[must_use]
    pub fn next_deadline(&self) -> Option<i64> {
        self.alarms.peek().map(|Reverse((at, _))| *at)
    }

    /// Everything that is due by now, in the order of its time; witnesses expire, obligations lapse. What lapsed is told
    /// once: what follows from it is the host's.
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
        while let Some(&Reverse((at, id))) = self.alarms.peek() {
            if at > now || !self.rest.audit.has_room(8) {
                break;
            }
            self.alarms.pop();
            self.look(id, now, &mut due);
        }
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

    /// Something of a session may be due.
    fn look(&mut self, id: SessionId, now: i64, due: &mut Vec<Due>) {
        if self.status(id).is_none_or(super::Status::is_terminal) {
            return;
        }
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let Some((page, place)) = self.pages.place(id) else { return };
        let number = page.number;
        let old: Vec<(u32, i64)> = self.rest.witnesses.timed(id).filter(|(_, until)| *until < now).collect();
        for (at, until) in old {
            self.rest.expire_witness(page.block_mut(place), id, at, now);
            due.push(Due::Witness { session: id, until });
        }
        if let Some(waiting) = self.timeouts.waiting.get_mut(&id.slot) {
            let mut at = 0_usize;
            while let Some(one) = waiting.get(at) {
                if one.until > now {
                    at = at.saturating_add(1);
                    continue;
                }
                let one = waiting.swap_remove(at);
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
        }
        let tree = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        if let Engine::Tree(_) = &page.plan.0.engine
            && let Some(live) = self.trees.live_mut(tree)
        {
            while let Some(lapse) = live.lapse(now) {
                let record = Record {
                    time: now,
                    plan: number,
                    role: crate::id::Id::raw(lapse.role),
                    ..Record::new(session, Kind::Lapse, Verdict::Accepted)
                };
                self.rest.audit.accepted(record);
                self.rest.entry(id.slot);
                due.push(Due::Lapsed { session: id, role: lapse.role, deadline: lapse.deadline, span: lapse.span });
            }
        }
        self.arm(id);
    }

    /// The next alarm of a session.
    pub(super) fn arm(&mut self, id: SessionId) {
        let Some((page, place)) = self.pages.look(id) else { return };
        let tree = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let lapse = self.trees.live_mut(tree).and_then(crate::machine::Live::next_deadline);
        let witness = self.rest.witnesses.timed(id).map(|(_, until)| until.saturating_add(1)).min();
        let timeout = self.timeouts.waiting.get(&id.slot).and_then(|all| all.iter().map(|one| one.until).min());
        if let Some(next) = [lapse, witness, timeout].into_iter().flatten().min() {
            self.alarms.push(Reverse((next, id)));
        }
    }
}

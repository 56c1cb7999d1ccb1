//! How sessions end, and what is left of them.

use super::{
    Cancellation, Capability, Code, Opener, Refused, SessionId, Status, Supervisor,
    archive::Summary,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Head},
    own::EACH,
    pages::NONE,
    plan::Engine,
    refuse::Detail,
    store::{Keep, Store},
};
use crate::id::{EdgeId, RoleId};

/// Longer reasons are cut.
const REASON: usize = 1_024;

/// As much of a reason as is kept.
fn bounded(reason: &str) -> &str {
    let end = (0..=REASON.min(reason.len())).rev().find(|&at| reason.is_char_boundary(at)).unwrap_or(0);
    reason.get(..end).unwrap_or("")
}

/// Who may end a session.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Whoever opened it.
    Opener(&'a Opener),
    /// Whoever acts for all its roles.
    Capability(&'a Capability),
}

impl By<'_> {
    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Self::Opener(opener) => opener.session,
            Self::Capability(capability) => capability.session,
        }
    }

    fn stamp(&self) -> u32 {
        match self {
            Self::Opener(_) => 0,
            Self::Capability(capability) => capability.stamp,
        }
    }
}

impl Store {
    /// Whether an authority is over a whole session.
    pub(super) fn over(&self, by: By<'_>) -> Result<(), Refused> {
        match by {
            By::Opener(opener) => {
                self.authority(opener.store, opener.session)?;
                self.not_terminal(opener.session)
            }
            By::Capability(capability) => {
                self.authority(capability.store, capability.session)?;
                self.not_terminal(capability.session)?;
                let (_, claim) = self.live(capability)?;
                let roles = self.plan(capability.session).map_or(0, |plan| plan.0.roles);
                if claim.roles.len() == roles { Ok(()) } else { Err(Refused::new(Code::OutOfScope)) }
            }
        }
    }

    /// Ends a session whose roles have all finished and whose queues are empty.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal, with the state that it is in; no authority over the whole session; a role that has
    /// not finished, with what it waits for; a queue that holds something.
    pub fn close(&mut self, by: By<'_>, at: i64) -> Result<(), Refused> {
        if self.quick_close(by, at).is_some() {
            return Ok(());
        }
        let id = by.session();
        let why = match self.over(by).and_then(|()| self.is_done(id)) {
            // One less than before its end: there is nothing to say why.
            Ok(()) => self.room(self.ending(id).saturating_sub(1)),
            Err(refused) => Err(refused),
        };
        match why {
            Ok(()) => {
                self.turn(id, Status::Closed, None, at);
                Ok(())
            }
            Err(refused) => Err(self.rejected(id, by.stamp(), Kind::Closed, refused)),
        }
    }

    /// Ends a session wherever it is. What is queued is dropped, and counted.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; no authority over the whole session.
    pub fn cancel(&mut self, by: By<'_>, reason: &str, at: i64) -> Result<Cancellation, Refused> {
        let id = by.session();
        let why = match self.over(by) {
            Ok(()) => self.room(self.ending(id)),
            Err(refused) => Err(refused),
        };
        match why {
            Ok(()) => Ok(self.ends(id, Status::Cancelled, reason, at)),
            Err(refused) => Err(self.rejected(id, by.stamp(), Kind::Cancelled, refused)),
        }
    }

    /// Something is wrong with a session that the host found out: it is quarantined, and no other is touched.
    ///
    /// # Errors
    ///
    /// As [`Store::cancel`].
    pub fn fault(&mut self, by: By<'_>, reason: &str, at: i64) -> Result<Cancellation, Refused> {
        let id = by.session();
        let why = match self.over(by) {
            Ok(()) => self.room(self.ending(id)),
            Err(refused) => Err(refused),
        };
        match why {
            Ok(()) => Ok(self.ends(id, Status::Faulted, reason, at)),
            Err(refused) => Err(self.rejected(id, by.stamp(), Kind::Faulted, refused)),
        }
    }

    /// No new sends from now on; what is queued may be received. When the queues are empty the session is closed if every
    /// role has finished, and cancelled if not; both may be at once. Gives the state that it is in then.
    ///
    /// # Errors
    ///
    /// As [`Store::cancel`]; draining already.
    pub fn drain(&mut self, by: By<'_>, at: i64) -> Result<Status, Refused> {
        let id = by.session();
        let why = self.over(by).and_then(|()| match self.status(id) {
            Some(Status::Draining) => Err(Refused::with(Code::Draining, Detail::Status(Status::Draining))),
            _ => Ok(()),
        });
        let why = match why {
            Ok(()) => self.room(self.ending(id).saturating_add(1)),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = why {
            return Err(self.rejected(id, by.stamp(), Kind::Drained, refused));
        }
        self.turn(id, Status::Draining, None, at);
        self.drained(id, at);
        Ok(self.status(id).unwrap_or(Status::Draining))
    }

    /// A draining session whose queues are empty comes to its end.
    pub(super) fn drained(&mut self, id: SessionId, at: i64) {
        if self.queued_in(id).next().is_some() {
            return;
        }
        match self.unfinished(id) {
            None => self.turn(id, Status::Closed, None, at),
            Some(role) => {
                let name = self.plan(id).map_or("?", |plan| plan.role_name(role));
                let reason = format!("drained before role `{name}` had finished");
                self.ends(id, Status::Cancelled, &reason, at);
            }
        }
    }

    /// Every role has finished, and every queue is empty.
    fn is_done(&self, id: SessionId) -> Result<(), Refused> {
        if let Some(role) = self.unfinished(id) {
            let mut refused = Refused::with(Code::Unfinished, Detail::Role(role));
            refused.0.blame = Some(role);
            refused.0.expected = self.enabled(id, role);
            return Err(refused);
        }
        if let Some((edge, messages)) = self.queued_in(id).next() {
            let ends = self.plan(id).and_then(|plan| plan.edges().entry(edge).copied());
            let (from, to) = ends.map_or_else(Default::default, |edge| (edge.from, edge.to));
            return Err(Refused::with(Code::NotEmpty, Detail::Queue { from, to, messages }));
        }
        Ok(())
    }

    /// A role that may not stop where it is.
    pub(super) fn unfinished(&self, id: SessionId) -> Option<RoleId> {
        let plan = self.plan(id)?;
        plan.roles().find(|&role| !self.is_finished(id, role))
    }

    /// Edges that hold something, and how much.
    pub(super) fn queued_in(&self, id: SessionId) -> impl Iterator<Item = (EdgeId, usize)> + '_ {
        let edges = self.plan(id).map(|plan| plan.edges().ids());
        edges.into_iter().flatten().filter_map(move |edge| {
            let messages = self.queue_len(id, edge);
            (messages > 0).then_some((edge, messages))
        })
    }

    /// A session ends before its end: its capabilities are worth nothing, and a cancellation witness says why.
    pub(super) fn ends(&mut self, id: SessionId, status: Status, reason: &str, at: i64) -> Cancellation {
        self.turn(id, status, Some(reason), at);
        let number = self.next_number();
        self.authority_record(id, Kind::Cancellation, Verdict::Issued, 0, number);
        let at = self.now(id).unwrap_or(at);
        Cancellation { session: id, number, reason: bounded(reason).into(), at }
    }

    /// The session goes into another state.
    fn turn(&mut self, id: SessionId, status: Status, reason: Option<&str>, at: i64) {
        let Some((page, place)) = self.pages.place(id) else { return };
        let number = page.number;
        let (plan, block) = page.split(place);
        let [first, ..] = block else { return };
        let now = block::now(first).max(at);
        block::set_now(first, now);
        Head { status: status as u8, ..Head::read(first) }.write(first);
        if status.is_terminal() {
            self.rest.end_witnesses(block, id, None, now);
        }
        if status != Status::Active {
            // Taking an offer is a send.
            self.rest.end_offers(block, plan, id, None, None);
        }
        if let Some(cold) = page.cold.get_mut(place) {
            cold.epoch = cold.epoch.saturating_add(1);
            cold.records = cold.records.saturating_add(1);
            if status.is_terminal() {
                cold.closed = now;
            }
        }
        if let Some(reason) = reason {
            let reason = bounded(reason);
            let before = self.reasons.insert(id.slot, reason.into()).map_or(0, |before| before.len());
            self.reason_bytes = self.reason_bytes.saturating_sub(before).saturating_add(reason.len());
        }
        let kind = match status {
            Status::Closed => Kind::Closed,
            Status::Cancelled => Kind::Cancelled,
            Status::Faulted => Kind::Faulted,
            Status::Active | Status::Draining => Kind::Drained,
        };
        let session = SessionRef { slot: id.slot, generation: id.generation };
        self.rest.audit.accepted(Record { time: now, plan: number, ..Record::new(session, kind, Verdict::Accepted) });
        if status.is_terminal() {
            self.live = self.live.saturating_sub(1);
            self.revoke_all(id);
            self.alarms.set(id, None);
            self.ended.push_back(id);
            self.rest.audit.seal_now();
        }
    }

    /// All claims of a session that has ended go.
    fn revoke_all(&mut self, id: SessionId) {
        let claims: Vec<(u32, u64)> =
            self.claims.of(self.first_claim(id)).map(|(at, claim)| (at, claim.transfer)).collect();
        let each = claims.len() <= EACH;
        let mut pending = 0_usize;
        for &(at, transfer) in &claims {
            if transfer != 0 {
                pending = pending.saturating_add(1);
                self.transfers.remove(transfer);
                if each {
                    self.authority_record(id, Kind::Receipt, Verdict::RolledBack, 0, transfer);
                }
            }
            if each {
                self.revoke(id, at);
            } else {
                self.unclaim(id, at);
            }
        }
        if !each {
            if pending > 0 {
                self.counted_record(id, Kind::Receipt, Verdict::RolledBack, pending);
            }
            self.counted_record(id, Kind::Capability, Verdict::Invalidated, claims.len());
        }
    }

    /// Why a session ended before its end.
    #[must_use]
    pub fn reason(&self, session: SessionId) -> Option<&str> {
        self.head(session)?;
        self.reasons.get(&session.slot).map(|reason| &**reason)
    }

    /// Moves sessions that have ended to the archive; at most so many. Gives how many were moved. O(1) each, in the size of
    /// the store.
    ///
    /// # Errors
    ///
    /// [`Code::Foreign`], [`Code::AuditFull`].
    pub fn reap(&mut self, supervisor: &Supervisor, most: usize) -> Result<usize, Refused> {
        if supervisor.store != self.id {
            return Err(Refused::new(Code::Foreign));
        }
        let mut count = 0_usize;
        while count < most {
            if !self.rest.audit.has_room(1) {
                return if count == 0 && !self.ended.is_empty() {
                    Err(Refused::new(Code::AuditFull))
                } else {
                    Ok(count)
                };
            }
            let Some(id) = self.ended.pop_front() else { break };
            self.reap_one(id);
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    fn reap_one(&mut self, id: SessionId) {
        let Some(summary) = self.summary(id) else { return };
        self.authority_record(id, Kind::Reaped, Verdict::Accepted, 0, 0);
        let Some((page, place)) = self.pages.place(id) else { return };
        let plan = page.plan.clone();
        if let Some(cold) = page.cold.get_mut(place) {
            self.claims.clear(&mut cold.claims);
            if cold.tree != NONE {
                self.trees.remove(cold.tree);
                cold.tree = NONE;
            }
        }
        self.rest.forget(id.slot, &plan);
        self.timeouts.forget(id.slot);
        if let Some(reason) = self.reasons.remove(&id.slot) {
            self.reason_bytes = self.reason_bytes.saturating_sub(reason.len());
        }
        if let Some(key) = self.key_of.remove(&id.slot) {
            self.key_bytes = self.key_bytes.saturating_sub(key.heap());
            self.keys.remove(&key);
        }
        self.pages.free(id);
        self.archive.push(summary);
    }

    /// What there is to say about a session.
    #[must_use]
    pub fn summary(&self, session: SessionId) -> Option<Summary> {
        let head = self.head(session)?;
        let (page, place) = self.pages.look(session)?;
        let cold = page.cold.get(place)?;
        let plan = &page.plan;
        let queued: usize = self.queued_in(session).map(|(_, messages)| messages).fold(0, usize::saturating_add);
        let counts = self.rest.counts(session.slot);
        let steps = (u64::from(self.rest.spill.carried(session.slot)) << 16) | u64::from(head.steps);
        let (sent, received) = match &plan.0.engine {
            Engine::Table(_) => {
                // A step that is no send, receive or hand-over is counted apart; what was sent is received or queued.
                let moved = steps.saturating_sub(u64::from(counts.others)).saturating_sub(u64::from(counts.syncs));
                let received = moved.saturating_sub(queued as u64) / 2;
                let syncs = u64::from(counts.syncs);
                (received.saturating_add(queued as u64).saturating_add(syncs), received.saturating_add(syncs))
            }
            Engine::Tree(_) => self.trees.counts(cold.tree),
        };
        let roots = self.roots(session);
        let finished = plan.roles().filter(|&role| self.is_finished(session, role)).count();
        Some(Summary {
            session,
            key: self.key_of.get(&session.slot).cloned(),
            plan: plan.name().into(),
            status: Status::of(head.status)?,
            reason: self.reasons.get(&session.slot).cloned(),
            roles: plan.roles().len(),
            finished,
            edges: plan.edges().len(),
            handlers: self
                .rest
                .handlers
                .get(&session.slot)
                .map_or(0, |handlers| handlers.edges.len().saturating_add(usize::from(handlers.default.is_some()))),
            sent,
            received,
            queued,
            records: steps.saturating_add(u64::from(cold.records)).saturating_add(u64::from(counts.records)),
            authenticated: roots.0,
            roots: roots.1,
            generation: cold.stamp,
            epoch: cold.epoch,
            opened: cold.opened,
            closed: cold.closed,
        })
    }
}

/// The queue of an edge of a table session.
pub(super) fn table_queue(store: &Store, id: SessionId, edge: EdgeId) -> usize {
    let Some((page, place)) = store.pages.look(id) else { return 0 };
    let (layout, block) = (&page.plan.0.layout, page.block(place));
    let ring = layout.len(block, edge);
    ring.saturating_add(store.rest.spill.len(id.slot, edge))
}

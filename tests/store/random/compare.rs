//! One operation, and everything that must be so after it.

use super::*;

impl World<'_> {
    pub(super) fn operate(&mut self, tally: &mut Tally) {
        // What is full is mostly made empty again soon.
        let often = if self.refuses.is_some() && self.audit_is_full() { 60 } else { 10 };
        if let Some(refuses) = &self.refuses {
            // Sometimes the sink takes nothing for a while.
            if self.rng.chance(1) {
                refuses.store(true, Ordering::Relaxed);
            } else if self.rng.chance(1) && self.rng.chance(often) {
                refuses.store(false, Ordering::Relaxed);
            }
        }
        let counts = self.store.memory().counts;
        let before: u64 = tally.done.values().sum();
        let mut touched: Vec<SessionId> = match self.rng.below(100) {
            0..5 => self.open(tally).into_iter().collect(),
            5..13 => self.claim(tally).into_iter().collect(),
            13..17 => self.release(tally).into_iter().collect(),
            17..20 => self.attenuate(tally).into_iter().collect(),
            20..24 => self.begin(tally).into_iter().collect(),
            24..28 => self.settle(tally).into_iter().collect(),
            28 if self.rng.chance(30) => self.died(tally).into_iter().collect(),
            29..31 => self.export(tally).into_iter().collect(),
            31..34 => self.import(tally).into_iter().collect(),
            34..40 => self.issue_readiness(tally).into_iter().collect(),
            40..43 => self.issue_timeout(tally).into_iter().collect(),
            43..46 => self.tick(tally),
            46..49 => self.bind(tally).into_iter().collect(),
            49..51 => self.withdraw(tally).into_iter().collect(),
            51..54 if self.rng.chance(45) => self.end_somehow(tally).into_iter().collect(),
            54..56 => self.reap(tally).into_iter().collect(),
            56 if self.rng.chance(15) => self.wind().into_iter().collect(),
            57..59 => self.stepping(|world| world.furnish(tally)),
            _ => self.stepping(|world| world.step(tally).into_iter().collect()),
        };
        let accepted: u64 = tally.done.values().sum::<u64>() - before;
        if accepted == 0 {
            assert_eq!(self.store.memory().counts, counts, "what is refused changes nothing");
        }
        // Between the phases others stepped.
        touched.sort_unstable();
        touched.dedup();
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in sessions {
            let digest = self.store.digest(session).expect("it is not reaped");
            if !touched.contains(&session) {
                let known = self.digests.get(&session);
                assert_eq!(
                    known,
                    Some(&digest),
                    "{session} was touched\n{}",
                    self.trail.iter().rev().take(10).rev().cloned().collect::<Vec<_>>().join("\n")
                );
                continue;
            }
            self.digests.insert(session, digest);
            self.compare(session);
        }
        self.bound();
    }

    /// The ring takes no more.
    fn audit_is_full(&mut self) -> bool {
        self.room() < 2
    }

    /// The sessions that steps touched, also those in between.
    fn stepping(&mut self, go: impl FnOnce(&mut Self) -> Vec<SessionId>) -> Vec<SessionId> {
        let before: Vec<(SessionId, u64, usize)> =
            self.sessions.iter().map(|(session, sess)| (*session, sess.steps, sess.offers.len())).collect();
        let sessions = go(self);
        let mut touched: Vec<SessionId> = before
            .into_iter()
            .filter(|(session, steps, offers)| {
                let sess = &self.sessions[session];
                sess.steps != *steps || sess.offers.len() != *offers
            })
            .map(|one| one.0)
            .collect();
        touched.extend(sessions);
        touched
    }

    /// The whole of a session.
    fn compare(&mut self, session: SessionId) {
        let sess = &self.sessions[&session];
        let known = &self.known[sess.known];
        let store = &self.store;
        assert_eq!(store.status(session), Some(sess.status));
        assert_eq!(store.now(session), Some(sess.now));
        assert_eq!(store.reason(session).is_some(), matches!(sess.status, Status::Cancelled | Status::Faulted));
        for &role in &known.roles {
            let (owner, generation) =
                sess.holder(role).map_or((None, 0), |(stamp, claim)| (Some(Owner(claim.owner)), stamp));
            assert_eq!(store.owner(session, role), Some((owner, generation)));
            // It never falls: what is given is above all before.
            let last = self.generations.entry((session, role)).or_default();
            assert!(generation == 0 || generation >= *last, "a generation fell");
            *last = (*last).max(generation);
            assert_eq!(store.is_finished(session, role), sess.finished(known, role));
            let mut enabled = store.enabled(session, role);
            enabled.sort_unstable();
            assert_eq!(enabled, self.offers(sess, role), "{}", self.trail.join("\n"));
        }
        for (edge, ends) in known.plan.edges().iter() {
            let ours: Vec<String> = sess
                .queues
                .get(&(ends.from, ends.to))
                .map_or_else(Vec::new, |queue| queue.iter().map(|one| known.text(one.0, one.1)).collect());
            assert_eq!(store.queue_len(session, edge), ours.len());
            assert_eq!(store.has_message(session, ends.from, ends.to), !ours.is_empty());
            assert_eq!(store.queue(session, ends.from, ends.to), ours);
        }
        let summary = store.summary(session).unwrap();
        assert_eq!((summary.sent, summary.received), (sess.sent, sess.received));
        assert_eq!(
            (summary.records, summary.epoch, summary.generation),
            (sess.records, sess.epoch, sess.stamp),
            "{}",
            self.trail.join("\n")
        );
        let counts = store.memory().counts;
        assert_eq!(counts.live, self.sessions.values().filter(|sess| !sess.status.is_terminal()).count());
        assert_eq!(counts.ended, self.ended.len());
        assert_eq!(counts.archived, self.archived.min(5));
        assert_eq!(counts.handled, self.sessions.values().filter(|sess| !sess.handlers.is_empty()).count());
        assert_eq!(counts.witnesses, self.wits.values().filter(|one| one.fate == Fate::Waiting).count());
        assert_eq!(counts.transfers, self.transfers.len());
        assert_eq!(counts.offers, self.sessions.values().map(|sess| sess.offers.len()).sum::<usize>());
        assert_eq!(counts.keys, self.keys.len());
    }

    /// Hands hold a bounded number of things; what goes is from sessions that were reaped, mostly.
    fn bound(&mut self) {
        while self.openers.len() > 40 {
            let at = self
                .openers
                .iter()
                .position(|(opener, foreign)| !foreign && !self.sessions.contains_key(&opener.session()));
            match at {
                Some(at) => drop(self.openers.remove(at)),
                None => break,
            }
        }
        let gone = |sessions: &BTreeMap<SessionId, Sess>, session: SessionId, stamp: u32| {
            sessions.get(&session).is_none_or(|sess| !sess.claims.contains_key(&stamp))
        };
        while self.caps.len() > 60 {
            let stale = |cap: &Cap| !cap.foreign && gone(&self.sessions, cap.cap.session(), cap.cap.generation());
            match self.caps.iter().position(stale) {
                Some(at) => drop(self.caps.remove(at)),
                None => break,
            }
        }
        if self.receipts.len() > 40 {
            let done = |one: &(Receipt, bool)| !one.1 && !self.transfers.contains_key(&one.0.claim());
            if let Some(at) = self.receipts.iter().position(done) {
                drop(self.receipts.remove(at));
            }
        }
        if self.tokens.len() > 40 {
            self.tokens.remove(8);
        }
        if self.trail.len() > 400 {
            self.trail.drain(..200);
        }
    }

    /// All records, as the sink was given them: exactly one for every step, and as many as are counted.
    pub(super) fn finish(mut self, tally: &mut Tally) {
        if let Some(refuses) = &self.refuses {
            refuses.store(false, Ordering::Relaxed);
        }
        self.store.audit_mut().seal();
        assert_eq!(self.store.audit_mut().deliver(), 0);
        let log = self.log.lock().unwrap();
        for (session, sess) in &self.sessions {
            self.history.insert(*session, (sess.records, sess.steps));
        }
        for (session, counted) in &self.history {
            assert_eq!(log.get(session), Some(counted), "{session}");
            tally.records += counted.0;
        }
        assert_eq!(log.len(), self.history.len());
    }
}

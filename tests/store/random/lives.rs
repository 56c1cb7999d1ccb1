//! Opening, ending, time, handlers.

use super::*;

impl World<'_> {
    pub(super) fn open(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let index = self.rng.below(self.known.len());
        let plan = &self.known[index].plan;
        let time = self.at();
        let full = self.sessions.len() >= self.most;
        let how = self.rng.below(10);
        let room = self.room();
        let expected = match () {
            () if room < 1 => Err(Code::AuditFull),
            () if full => Err(Code::Limit),
            () => Ok(()),
        };
        let mut key = None;
        let (expected, got) = match how {
            0..5 => (expected, code(self.store.open(plan, time))),
            5..8 => {
                let number = self.rng.below(6) as u64;
                let expected = if self.keys.contains_key(&number) { Err(Code::KeyInUse) } else { expected };
                key = Some(number);
                (expected, code(self.store.open_keyed(plan, number, time)))
            }
            _ => {
                let slots: Vec<u32> = self.issued.keys().copied().collect();
                // Above all that were given out, any, or one that was given out.
                let above = slots.last().map_or(0, |slot| slot + self.rng.below(3) as u32);
                let slot = match self.rng.below(10) {
                    0..3 if above < 2_500 => above,
                    3..6 => self.rng.below(2_500) as u32,
                    _ if slots.is_empty() => 0,
                    _ => slots[self.rng.below(slots.len())],
                };
                let known = self.issued.get(&slot).copied().unwrap_or(0);
                let generation = (known + self.rng.below(3) as u32).saturating_sub(self.rng.below(2) as u32);
                let id = SessionId { slot, generation };
                let used = self.sessions.keys().any(|session| session.slot == slot);
                let other = self.pages.get(&(slot >> 10)).is_some_and(|page| *page != index);
                let highest = self.issued.last_key_value().map(|(&slot, &generation)| SessionId { slot, generation });
                let fresh = generation > 0 && highest.is_none_or(|highest| id > highest) && !used && !other;
                let expected = match expected {
                    Ok(()) if !fresh => Err(Code::NotFresh),
                    other => other,
                };
                (expected, code(self.store.open_with_id(plan, id, time).map(|opener| (id, opener))))
            }
        };
        self.trail.push(format!("open {how} {}: {expected:?}", plan.name()));
        if !self.agree(
            ["open", "open_keyed", "open_with_id"][(how >= 5) as usize + (how >= 8) as usize],
            expected,
            &got,
            tally,
        ) {
            return None;
        }
        let (session, opener) = got.unwrap();
        let last = self.issued.insert(session.slot, session.generation);
        assert!(last.is_none_or(|last| last < session.generation), "{session} was given out before");
        assert_eq!(*self.pages.entry(session.slot >> 10).or_insert(index), index);
        let mut sess = Sess::new(index, &self.known[index], time);
        sess.key = key;
        if let Some(key) = key {
            assert_eq!(self.store.resolve(&Key::Number(key)), Some(session));
            self.keys.insert(key, session);
        }
        assert!(self.sessions.insert(session, sess).is_none());
        self.openers.push((opener, false));
        Some(session)
    }

    pub(super) fn end_somehow(&mut self, tally: &mut Tally) -> Option<SessionId> {
        // Now and then a session that is done, if there is one.
        let done = |one: &(Opener, bool)| {
            self.not_ended(one.1, one.0.session()).is_ok_and(|sess| {
                let known = &self.known[sess.known];
                known.roles.iter().all(|&role| sess.finished(known, role))
            })
        };
        let done: Vec<usize> = (0..self.openers.len()).filter(|&at| done(&self.openers[at])).collect();
        let done = self.rng.pick(&done).copied().filter(|_| self.rng.chance(60));
        let by_opener = done.is_some() || self.rng.chance(70);
        let (session, foreign, by) = if by_opener {
            let at = match done {
                Some(at) => at,
                None => self.pick_opener()?,
            };
            let (opener, foreign) = &self.openers[at];
            (opener.session(), *foreign, By::Opener(opener))
        } else {
            let at = self.pick_cap()?;
            let cap = &self.caps[at];
            (cap.cap.session(), cap.foreign, By::Capability(&cap.cap))
        };
        let over = self.over(&by, foreign);
        let what = ["close", "close", "close", "close", "drain", "drain", "cancel", "fault"][self.rng.below(8)];
        let time = self.clock;
        let records = self.ending(session);
        let expected = over.and_then(|()| {
            let sess = &self.sessions[&session];
            let known = self.known_of(session);
            match what {
                "close" if !known.roles.iter().all(|&role| sess.finished(known, role)) => Err(Code::Unfinished),
                "close" if sess.queues.values().any(|queue| !queue.is_empty()) => Err(Code::NotEmpty),
                "close" => Ok(records - 1),
                "drain" if sess.status == Status::Draining => Err(Code::Draining),
                "drain" => Ok(records + 1),
                _ => Ok(records),
            }
        });
        let room = if self.refuses.is_none() {
            usize::MAX
        } else {
            let audit = self.store.audit_mut();
            (0..300).rev().find(|&records| audit.has_room(records)).unwrap_or(0)
        };
        let expected = expected.and_then(|records| if room < records { Err(Code::AuditFull) } else { Ok(()) });
        let got = match what {
            "close" => code(self.store.close(by, time)),
            "drain" => code(self.store.drain(by, time)).map(drop),
            "cancel" => code(self.store.cancel(by, "enough", time)).map(drop),
            _ => code(self.store.fault(by, "broken", time)).map(drop),
        };
        self.trail.push(format!("{what} {session}: {expected:?}"));
        if !self.agree(what, expected, &got, tally) {
            return None;
        }
        match what {
            "close" => self.end(session, Status::Closed, time),
            "cancel" => self.end(session, Status::Cancelled, time),
            "fault" => self.end(session, Status::Faulted, time),
            _ => {
                let sess = self.sessions.get_mut(&session).unwrap();
                sess.status = Status::Draining;
                sess.epoch += 1;
                sess.records += 1;
                sess.now = sess.now.max(time);
                sess.offers.clear();
                self.drained(session, time);
            }
        }
        Some(session)
    }

    pub(super) fn reap(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let foreign = self.rng.chance(15);
        let most = self.rng.below(4);
        let room = self.room();
        let expected = match () {
            () if foreign => Err(Code::Foreign),
            () if most > 0 && !self.ended.is_empty() && room < 1 => Err(Code::AuditFull),
            () => Ok(()),
        };
        let supervisor = if foreign { &self.other.1 } else { &self.supervisor };
        let got = code(self.store.reap(supervisor, most));
        self.trail.push(format!("reap {most}: {expected:?}"));
        if !self.agree("reap", expected, &got, tally) {
            return None;
        }
        let count = got.unwrap();
        assert_eq!(count, most.min(self.ended.len()).min(room));
        for session in self.ended.drain(..count) {
            let sess = self.sessions.remove(&session).unwrap();
            let summary = self.store.archive().iter().rev().find(|summary| summary.session == session).unwrap();
            assert_eq!((summary.status, summary.sent, summary.received), (sess.status, sess.sent, sess.received));
            assert_eq!((summary.records, summary.epoch, summary.generation), (sess.records, sess.epoch, sess.stamp));
            assert_eq!((summary.opened, summary.closed), (sess.opened, sess.closed));
            assert_eq!(summary.key, sess.key.map(Key::Number));
            assert_eq!(summary.handlers, sess.handlers.len());
            assert_eq!(summary.queued, sess.queues.values().map(|queue| queue.len()).sum::<usize>());
            if let Some(key) = sess.key {
                self.keys.remove(&key);
                assert_eq!(self.store.resolve(&Key::Number(key)), None);
            }
            assert_eq!(self.store.status(session), None);
            self.digests.remove(&session);
            // And the one that says that it was reaped.
            self.history.insert(session, (sess.records + 1, sess.steps));
            self.archived += 1;
        }
        assert_eq!(self.store.archive().len(), self.archived.min(5));
        None
    }

    pub(super) fn issue_timeout(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_opener()?;
        let (session, foreign) = (self.openers[at].0.session(), self.openers[at].1);
        let site = self.rng.below(3) as u32;
        let until = self.clock - 3 + self.rng.below(12) as i64;
        let expected = self.not_ended(foreign, session).and_then(|sess| {
            if until <= sess.now { Err(Code::Past) } else { Ok(1 + usize::from(sess.timeouts.contains_key(&site))) }
        });
        let room = self.room();
        let expected = expected.and_then(|records| if room < records { Err(Code::AuditFull) } else { Ok(records) });
        let got = code(self.store.issue_timeout(&self.openers[at].0, site, until));
        self.trail.push(format!("timeout {session} {site} {until}: {expected:?}"));
        if self.agree("issue_timeout", expected.map(drop), &got, tally) {
            let sess = self.sessions.get_mut(&session).unwrap();
            sess.records += expected.unwrap() as u64;
            sess.timeouts.insert(site, (until, got.unwrap().number));
            return Some(session);
        }
        None
    }

    /// Time goes on; gives the sessions in which something came due.
    pub(super) fn tick(&mut self, tally: &mut Tally) -> Vec<SessionId> {
        let foreign = self.rng.chance(10);
        let now = self.at();
        // Which of what is due finds room depends on the order; with a ring that is nearly full it is not asked.
        if self.room() < 100 {
            return Vec::new();
        }
        let supervisor = if foreign { &self.other.1 } else { &self.supervisor };
        let got = code(self.store.tick(supervisor, now));
        self.trail.push(format!("tick {now}"));
        if !self.agree("tick", if foreign { Err(Code::Foreign) } else { Ok(()) }, &got, tally) {
            return Vec::new();
        }
        let mut expected: Vec<(i64, SessionId, bool, u64)> = Vec::new();
        let mut touched = BTreeSet::new();
        for (number, witness) in &self.wits {
            if witness.fate == Fate::Waiting && witness.until.is_some_and(|until| until < now) {
                expected.push((witness.until.unwrap(), witness.session, false, *number));
            }
        }
        for (session, sess) in self.sessions.iter().filter(|(_, sess)| !sess.status.is_terminal()) {
            for (until, number) in sess.timeouts.values().filter(|(until, _)| *until <= now) {
                expected.push((*until, *session, true, *number));
            }
        }
        for &(_, session, timeout, number) in &expected {
            touched.insert(session);
            let sess = self.sessions.get_mut(&session).unwrap();
            sess.records += 1;
            sess.now = sess.now.max(now);
            if timeout {
                sess.timeouts.retain(|_, one| one.1 != number);
            } else {
                self.wits.get_mut(&number).unwrap().fate = Fate::Expired;
            }
        }
        let mut expected: Vec<_> =
            expected.into_iter().map(|(at, session, timeout, _)| (at, session, timeout)).collect();
        expected.sort_unstable();
        let mut due: Vec<_> =
            got.unwrap().iter().map(|due| (due.at(), due.session(), matches!(due, Due::Timeout(_)))).collect();
        assert!(due.is_sorted_by_key(|one| one.0));
        due.sort_unstable();
        assert_eq!(due, expected, "{}", self.trail.join("\n"));
        let next = self
            .sessions
            .iter()
            .filter(|(_, sess)| !sess.status.is_terminal())
            .flat_map(|(session, sess)| {
                let witnesses = self.wits.values().filter(|one| one.session == *session && one.fate == Fate::Waiting);
                let witnesses = witnesses.filter_map(|one| one.until).map(|until| until + 1);
                witnesses.chain(sess.timeouts.values().map(|one| one.0)).collect::<Vec<_>>()
            })
            .min();
        if let Some(next) = next {
            assert!(self.store.next_deadline().is_some_and(|at| at <= next), "woken too late");
        }
        touched.into_iter().collect()
    }

    pub(super) fn bind(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let known = &self.known[0];
        let edge = self.rng.chance(75).then(|| (ends(known, false, &mut self.rng), ends(known, false, &mut self.rng)));
        let handler = self.rng.chance(70).then(|| self.rng.below(100) as u32);
        let cap = &self.caps[at];
        let session = cap.cap.session();
        let expected = self.over(&By::Capability(&cap.cap), cap.foreign).and_then(|()| match edge {
            Some((from, to)) if self.known_of(session).edge(from, to).is_none() => Err(Code::NoEdge),
            _ => Ok(()),
        });
        let got = code(self.store.bind_handler(&self.caps[at].cap, edge, handler));
        self.trail.push(format!("bind {session}: {expected:?}"));
        if self.agree("bind_handler", expected, &got, tally) {
            let handlers = &mut self.sessions.get_mut(&session).unwrap().handlers;
            match handler {
                Some(handler) => drop(handlers.insert(edge, handler)),
                None => drop(handlers.remove(&edge)),
            }
            return Some(session);
        }
        None
    }
}

//! Capabilities, receipts, tokens, witnesses.

use super::*;

impl World<'_> {
    fn scope(&mut self, around: Option<usize>) -> Scope {
        if self.rng.chance(25) {
            return Scope::Session;
        }
        if self.rng.chance(4) {
            return Scope::Fragment(Vec::new());
        }
        let mut roles: Vec<RoleId> = match around {
            // Mostly some of what is held.
            Some(at) if self.rng.chance(75) => self.caps[at].cap.roles().collect(),
            _ => self.known[0].roles.clone(),
        };
        self.rng.shuffle(&mut roles);
        let keep = self.rng.between(1, roles.len());
        roles.truncate(keep);
        if self.rng.chance(4) {
            roles.push(RoleId::from_raw(9));
        }
        Scope::Fragment(roles)
    }

    pub(super) fn pick<T>(rng: &mut Rng, from: &[T]) -> Option<usize> {
        // Mostly what is young.
        match from.len() {
            0 => None,
            n if rng.chance(70) => Some(n - 1 - rng.below(n.min(4))),
            n => Some(rng.below(n)),
        }
    }

    /// Mostly one that is live.
    pub(super) fn pick_cap(&mut self) -> Option<usize> {
        if self.rng.chance(92) {
            let live = |cap: &Cap| self.live(cap.foreign, cap.cap.session(), cap.cap.generation()).is_ok();
            let live: Vec<usize> = (0..self.caps.len()).filter(|&at| live(&self.caps[at])).collect();
            if let Some(at) = self.rng.pick(&live) {
                return Some(*at);
            }
        }
        Self::pick(&mut self.rng, &self.caps)
    }

    /// Mostly one of a session that has not ended.
    pub(super) fn pick_opener(&mut self) -> Option<usize> {
        if self.rng.chance(90) {
            let live = |one: &(Opener, bool)| self.not_ended(one.1, one.0.session()).is_ok();
            let live: Vec<usize> = (0..self.openers.len()).filter(|&at| live(&self.openers[at])).collect();
            if let Some(at) = self.rng.pick(&live) {
                return Some(*at);
            }
        }
        Self::pick(&mut self.rng, &self.openers)
    }

    pub(super) fn claim(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_opener()?;
        let scope = self.scope(None);
        let foreign = self.openers[at].1;
        let session = self.openers[at].0.session();
        let owner = self.rng.below(3) as u64;
        let expected = self.not_ended(foreign, session).and_then(|sess| {
            let roles = Self::scope_of(&self.known[sess.known], &scope)?;
            let taken: Vec<bool> =
                roles.iter().filter_map(|role| sess.holder(*role)).map(|(_, claim)| claim.transfer.is_some()).collect();
            match taken.iter().min() {
                Some(false) => Err(Code::AlreadyClaimed),
                Some(true) => Err(Code::TransferPending),
                None => Ok((roles, sess.stamp)),
            }
        });
        let room = self.room();
        let expected = expected.and_then(|(roles, stamp)| match stamp {
            _ if room < 1 => Err(Code::AuditFull),
            u32::MAX => Err(Code::Exhausted),
            _ => Ok(roles),
        });
        let got = code(self.store.claim(&self.openers[at].0, Owner(owner), &scope));
        self.trail.push(format!("claim {session} {owner} {scope:?}: {expected:?}"));
        let ok = self.agree("claim", expected.as_ref().map(drop).map_err(|code| *code), &got, tally);
        if let (true, Ok(cap), Ok(roles)) = (ok, got, expected) {
            self.issue(cap, roles);
        }
        ok.then_some(session)
    }

    pub(super) fn release(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let cap = self.caps.swap_remove(at);
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let expected = self.held(cap.foreign, session, stamp).map(drop);
        let records = self.revoking(session, stamp);
        let expected = expected.and_then(|()| self.need(records));
        let got = self.store.release(cap.cap);
        self.trail.push(format!("release {session} {stamp}: {expected:?}"));
        let (got, back) = match got {
            Ok(()) => (Ok(()), None),
            Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
        };
        if let Some(back) = back {
            self.caps.push(Cap { cap: back, foreign: cap.foreign });
        }
        if self.agree("release", expected, &got, tally) {
            self.revoke(session, stamp);
            return Some(session);
        }
        None
    }

    pub(super) fn attenuate(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let scope = self.scope(Some(at));
        let cap = self.caps.swap_remove(at);
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let had: Roles = cap.cap.roles().collect();
        let expected = self.held(cap.foreign, session, stamp).map(drop).and_then(|()| {
            let roles = Self::scope_of(self.known_of(session), &scope)?;
            if roles.is_subset(&had) && roles != had { Ok(roles) } else { Err(Code::NotNarrower) }
        });
        let records = self.revoking(session, stamp) + 1;
        let room = self.room();
        let expected = expected.and_then(|roles| match self.sessions[&session].stamp {
            _ if room < records => Err(Code::AuditFull),
            u32::MAX => Err(Code::Exhausted),
            _ => Ok(roles),
        });
        self.trail.push(format!("attenuate {session} {stamp} {scope:?}: {expected:?}"));
        let (got, back) = match self.store.attenuate(cap.cap, &scope) {
            Ok(narrower) => (Ok(narrower), None),
            Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
        };
        if let Some(back) = back {
            self.caps.push(Cap { cap: back, foreign: cap.foreign });
        }
        if self.agree("attenuate", expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            self.revoke(session, stamp);
            self.issue(got.unwrap(), expected.unwrap());
            return Some(session);
        }
        None
    }

    pub(super) fn begin(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let scope = self.scope(Some(at));
        let cap = &self.caps[at];
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let had: Roles = cap.cap.roles().collect();
        let expected = self.held(cap.foreign, session, stamp).map(drop).and_then(|()| {
            let roles = match scope {
                Scope::Session => had.clone(),
                Scope::Fragment(_) => Self::scope_of(self.known_of(session), &scope)?,
            };
            if roles.is_subset(&had) { Ok(roles) } else { Err(Code::Wider) }
        });
        let room = self.room();
        let expected = if room < 1 { expected.and(Err(Code::AuditFull)) } else { expected };
        let to = self.rng.below(3) as u64;
        let got = code(self.store.begin_transfer(&self.caps[at].cap, Owner(to), &scope));
        self.trail.push(format!("begin {session} {stamp} {scope:?} to {to}: {expected:?}"));
        if self.agree("begin", expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            let receipt = got.unwrap();
            let roles = expected.unwrap();
            assert_eq!(receipt.roles().collect::<Roles>(), roles);
            let sess = self.sessions.get_mut(&session).unwrap();
            sess.records += 1;
            let claim = sess.claims.get_mut(&stamp).unwrap();
            claim.transfer = Some(receipt.claim());
            let transfer = Transfer { session, from: claim.owner, to, stamp, roles };
            assert!(self.transfers.insert(receipt.claim(), transfer).is_none());
            self.receipts.push((receipt, false));
            return Some(session);
        }
        None
    }

    fn pending(&self, receipt: &Receipt, foreign: bool, by: Option<u64>) -> Result<Transfer, Code> {
        self.not_ended(foreign, receipt.session())?;
        let transfer = self.transfers.get(&receipt.claim()).ok_or(Code::NotPending)?;
        if by.is_some_and(|by| by != transfer.to) { Err(Code::Mismatch) } else { Ok(transfer.clone()) }
    }

    pub(super) fn settle(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let pending: Vec<usize> = (0..self.receipts.len())
            .filter(|&at| self.pending(&self.receipts[at].0, self.receipts[at].1, None).is_ok())
            .collect();
        let at = match self.rng.pick(&pending) {
            Some(at) if self.rng.chance(85) => *at,
            _ => Self::pick(&mut self.rng, &self.receipts)?,
        };
        let (receipt, foreign) = self.receipts.swap_remove(at);
        let session = receipt.session();
        let how = if self.rng.chance(60) { self.rng.below(8) } else { self.rng.below(10) };
        if how < 5 {
            let by = if self.rng.chance(80) { receipt.to().0 } else { self.rng.below(3) as u64 };
            let expected = self.pending(&receipt, foreign, Some(by));
            let room = self.room();
            let expected = expected.and_then(|transfer| {
                let sess = &self.sessions[&session];
                let issued = if sess.claims[&transfer.stamp].roles == transfer.roles { 1 } else { 2 };
                let records = self.revoking(session, transfer.stamp) + 1 + issued;
                match sess.stamp.checked_add(issued as u32) {
                    _ if room < records => Err(Code::AuditFull),
                    None => Err(Code::Exhausted),
                    Some(_) => Ok(transfer),
                }
            });
            self.trail.push(format!("commit {session} {} by {by}: {expected:?}", receipt.claim()));
            let number = receipt.claim();
            let (got, back) = match self.store.commit_transfer(Owner(by), receipt) {
                Ok(committed) => (Ok(committed), None),
                Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
            };
            self.receipts.extend(back.map(|back| (back, foreign)));
            if self.agree("commit", expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
                let (committed, transfer) = (got.unwrap(), expected.unwrap());
                let kept: Roles = &self.sessions[&session].claims[&transfer.stamp].roles - &transfer.roles;
                self.transfers.remove(&number);
                self.revoke(session, transfer.stamp);
                self.sessions.get_mut(&session).unwrap().records += 1;
                assert_eq!(committed.capability.owner().0, transfer.to);
                self.issue(committed.capability, transfer.roles);
                assert_eq!(committed.remainder.is_some(), !kept.is_empty());
                if let Some(remainder) = committed.remainder {
                    assert_eq!(remainder.owner().0, transfer.from);
                    self.issue(remainder, kept);
                }
                return Some(session);
            }
            return None;
        }
        let expected = self.pending(&receipt, foreign, None);
        let rolls_back = how < 8;
        let records = if rolls_back { 1 } else { self.ending(session) };
        let room = self.room();
        let expected = if room < records { expected.and(Err(Code::AuditFull)) } else { expected };
        self.trail.push(format!("settle {session} {} {how}: {expected:?}", receipt.claim()));
        let time = self.at();
        let (got, back) = match how {
            5..8 => match self.store.rollback_transfer(receipt) {
                Ok(()) => (Ok(None), None),
                Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
            },
            8 => match self.store.abandon_transfer(receipt, time) {
                Ok(witness) => (Ok(Some(witness)), None),
                Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
            },
            _ => match self.store.fail_transfer(receipt, "it failed", time) {
                Ok(witness) => (Ok(Some(witness)), None),
                Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
            },
        };
        self.receipts.extend(back.map(|back| (back, foreign)));
        let what = ["rollback", "abandon", "fail"][how.saturating_sub(7).min(2)];
        if self.agree(what, expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            let transfer = expected.unwrap();
            if rolls_back {
                self.transfers.retain(|_, one| !(one.session == session && one.stamp == transfer.stamp));
                let sess = self.sessions.get_mut(&session).unwrap();
                sess.records += 1;
                sess.claims.get_mut(&transfer.stamp).unwrap().transfer = None;
            } else {
                assert_eq!(got.unwrap().unwrap().session, session);
                self.end(session, if how == 8 { Status::Cancelled } else { Status::Faulted }, time);
            }
            return Some(session);
        }
        None
    }

    pub(super) fn died(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_opener()?;
        let (session, foreign) = (self.openers[at].0.session(), self.openers[at].1);
        let owner = self.rng.below(3) as u64;
        let expected = self.not_ended(foreign, session).and_then(|sess| {
            if sess.claims.values().any(|claim| claim.owner == owner) { Ok(()) } else { Err(Code::Unclaimed) }
        });
        let records = self.ending(session);
        let expected = expected.and_then(|()| self.need(records));
        let time = self.at();
        self.trail.push(format!("died {session} {owner}: {expected:?}"));
        let got = code(self.store.owner_died(&self.openers[at].0, Owner(owner), "gone", time));
        if self.agree("owner_died", expected, &got, tally) {
            self.end(session, Status::Faulted, time);
            return Some(session);
        }
        None
    }

    pub(super) fn export(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let cap = self.caps.swap_remove(at);
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let expected = self.held(cap.foreign, session, stamp).map(drop);
        let secret = self.secret;
        let expected = expected.and(if secret { Ok(()) } else { Err(Code::NoSecret) });
        let expected = expected.and_then(|()| self.need(1));
        let not_after = self.clock + self.rng.below(60) as i64;
        self.trail.push(format!("export {session} {stamp}: {expected:?}"));
        let (got, back) = match self.store.export(cap.cap, not_after, "move") {
            Ok(bytes) => (Ok(bytes), None),
            Err(returned) => (Err(returned.refused.code()), Some(returned.value)),
        };
        if let Some(back) = back {
            self.caps.push(Cap { cap: back, foreign: cap.foreign });
        }
        if self.agree("export", expected, &got, tally) {
            self.sessions.get_mut(&session).unwrap().records += 1;
            self.tokens.push(Token { bytes: got.unwrap(), session, stamp, not_after, used: false, foreign: false });
            return Some(session);
        }
        None
    }

    pub(super) fn import(&mut self, tally: &mut Tally) -> Option<SessionId> {
        // Now and then one that was imported before.
        let used: Vec<usize> = (0..self.tokens.len()).filter(|&at| self.tokens[at].used).collect();
        let at = match self.rng.pick(&used) {
            Some(at) if self.rng.chance(15) => *at,
            _ => Self::pick(&mut self.rng, &self.tokens)?,
        };
        let token = &self.tokens[at];
        let (session, stamp, foreign) = (token.session, token.stamp, token.foreign);
        let mut bytes = token.bytes.clone();
        let altered = self.rng.chance(8);
        if altered {
            match self.rng.below(3) {
                0 => {
                    let keep = self.rng.below(bytes.len());
                    bytes.truncate(keep);
                }
                1 => bytes.push(0),
                _ => {
                    let byte = self.rng.below(bytes.len());
                    bytes[byte] ^= 1 << self.rng.below(8);
                }
            }
        }
        let purpose = if self.rng.chance(5) { "other" } else { "move" };
        let now = self.at().max(self.clock);
        let expected = match &self.tokens[at] {
            _ if altered || !self.secret => Err(Code::BadToken),
            token if token.foreign => Err(Code::Foreign),
            _ if purpose != "move" => Err(Code::BadToken),
            token if now > token.not_after => Err(Code::TokenExpired),
            token if token.used => Err(Code::TokenUsed),
            _ => self.held(false, session, stamp).map(|claim| claim.roles.clone()),
        };
        let records = self.revoking(session, stamp) + 1;
        let room = self.room();
        let expected = expected.and_then(|roles| match self.sessions[&session].stamp {
            _ if room < records => Err(Code::AuditFull),
            u32::MAX => Err(Code::Exhausted),
            _ => Ok(roles),
        });
        self.trail.push(format!("import {session} {stamp} at {now}: {expected:?}"));
        let got = code(self.store.import(&bytes, purpose, now));
        if self.agree("import", expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            self.tokens[at].used = true;
            assert!(!foreign);
            self.revoke(session, stamp);
            self.issue(got.unwrap(), expected.unwrap());
            return Some(session);
        }
        None
    }

    pub(super) fn issue_readiness(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let wanted = ["checked", "checked", "checked", "small", "small", "nothing"][self.rng.below(6)];
        let args: Vec<Value> = match self.rng.below(8) {
            0 => vec![],
            1 => vec![Value::from("x")],
            _ => vec![Value::Int([4, 4, 4, 20, 3][self.rng.below(5)])],
        };
        let until = match self.rng.below(3) {
            0 => None,
            1 => Some(self.clock + self.rng.below(20) as i64),
            _ => Some(self.clock - 4 + self.rng.below(6) as i64),
        };
        self.issue_with(at, wanted, args, until, tally)
    }

    /// What steps that require several witnesses need; then a few steps.
    pub(super) fn furnish(&mut self, tally: &mut Tally) -> Vec<SessionId> {
        let Some(mut at) = self.pick_cap() else { return Vec::new() };
        let until = Some(self.clock + 30);
        let mut touched = Vec::new();
        for wanted in ["checked", "small", "checked"] {
            touched.extend(self.issue_with(at, wanted, vec![Value::Int(4)], until, tally));
        }
        if !touched.is_empty() {
            for _ in 0..8 {
                touched.extend(self.step_under(at, tally));
                at = self.caps.len() - 1;
            }
        }
        touched
    }

    fn issue_with(
        &mut self,
        at: usize,
        wanted: &str,
        args: Vec<Value>,
        until: Option<i64>,
        tally: &mut Tally,
    ) -> Option<SessionId> {
        let cap = &self.caps[at];
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let roles: Roles = cap.cap.roles().collect();
        let expected = self.not_ended(cap.foreign, session).and_then(|sess| {
            if sess.status == Status::Draining {
                return Err(Code::Draining);
            }
            if !sess.claims.contains_key(&stamp) {
                return Err(Code::Stale);
            }
            let need = match wanted {
                "checked" => Need::Checked,
                "small" => Need::Small,
                _ => return Err(Code::NoPredicate),
            };
            if self.known[sess.known].plan.name() != "Wild" {
                return Err(Code::NoPredicate);
            }
            let name = |role: &RoleId| self.known[sess.known].plan.role_name(*role).to_owned();
            let covered = roles.iter().map(name).any(|name| match need {
                Need::Checked => name == "A" || name == "C",
                Need::Small => name == "A",
            });
            if !covered {
                return Err(Code::OutOfScope);
            }
            let [Value::Int(arg)] = args[..] else { return Err(Code::Payload) };
            let holds = match need {
                Need::Checked => arg == 4 || arg == 20,
                Need::Small => arg <= 10,
            };
            if !holds {
                return Err(Code::PredicateFalse);
            }
            if until.is_some_and(|until| until < sess.now) {
                return Err(Code::Past);
            }
            Ok((need, arg))
        });
        let room = self.room();
        let expected = if room < 1 { expected.and(Err(Code::AuditFull)) } else { expected };
        self.trail.push(format!("issue {session} {stamp} {wanted} {args:?} until {until:?}: {expected:?}"));
        let got = code(self.store.issue_readiness(&self.caps[at].cap, wanted, &args, until));
        if self.agree("issue", expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            let (readiness, (need, arg)) = (got.unwrap(), expected.unwrap());
            let witness = Witness { session, stamp, roles, need, arg, until, fate: Fate::Waiting };
            assert!(self.wits.insert(readiness.number(), witness).is_none(), "a number is not given out again");
            self.sessions.get_mut(&session).unwrap().records += 1;
            self.witnesses.push((readiness, false));
            return Some(session);
        }
        None
    }

    pub(super) fn wind(&mut self) -> Option<SessionId> {
        // Near the end of the counter.
        let session = *self.sessions.keys().next()?;
        let sess = self.sessions.get_mut(&session)?;
        let to = u32::MAX - self.rng.below(3) as u32;
        if sess.stamp < to {
            self.store.wind_generations(&self.supervisor, session, to);
            sess.stamp = to;
        }
        Some(session)
    }
}

//! Sends, receives, actions: at once, in a batch, in phases.

use super::*;

#[derive(Clone, Debug)]
struct Intent {
    role: RoleId,
    what: What,
    at: i64,
}

#[derive(Clone, Debug)]
enum What {
    Send { to: RoleId, label: LabelId, given: Given },
    Receive { from: RoleId },
    Act { label: LabelId, given: Given },
}

/// Numbers of witnesses, and whether they are of another store.
type Brought<'a> = &'a [(u64, bool)];

/// A step that is right: where it leads.
struct Right {
    label: LabelId,
    offered: bool,
    /// Which witnesses it uses, by number.
    used: Vec<u64>,
    /// Who steps.
    roles: Vec<RoleId>,
    payload: u64,
    handler: Option<u32>,
    event: Option<Event>,
    then: Vec<(RoleId, polylogue::id::StateId)>,
    offer: Option<Offer>,
    sort: polylogue::id::SortId,
    records: usize,
}

impl World<'_> {
    fn intent(&mut self, at: usize) -> Intent {
        let cap = &self.caps[at];
        let session = cap.cap.session();
        let held: Vec<RoleId> = cap.cap.roles().collect();
        let foreign = cap.foreign;
        let time = self.at();
        let known = if foreign {
            &self.known[0]
        } else {
            self.sessions.get(&session).map_or(&self.known[0], |sess| &self.known[sess.known])
        };
        let role = if self.rng.chance(90) { *self.rng.pick(&held).unwrap() } else { ends(known, false, &mut self.rng) };
        let given = match self.rng.below(12) {
            0..4 => Given::Unseen(0),
            4 => Given::Unseen(self.rng.bits() % 5),
            5 => Given::Text,
            6 => Given::Nothing,
            7 => Given::Torn,
            _ => Given::Int([4, 4, 20, 3, -1, 0, 7, 1000][self.rng.below(8)]),
        };
        let arms = match self.sessions.get(&session) {
            Some(sess) if !foreign && role.index() < known.roles.len() && self.rng.chance(85) => {
                known.arms(role, sess.states[role.index()])
            }
            _ => Vec::new(),
        };
        if let Some(&(act, label, sort, _)) = self.rng.pick(&arms) {
            // Mostly with what fits.
            let text = known.text(label, sort);
            let given = match self.rng.chance(80) {
                false => given,
                true if text.contains("string") => {
                    [Given::Text, Given::Unseen(0), Given::Unseen(9)][self.rng.below(3)].clone()
                }
                true if text.contains("n:") => Given::Int([4, 4, 4, 20, 3, 0, -1][self.rng.below(7)]),
                true => [Given::Unseen(0), Given::Unseen(3), Given::Nothing][self.rng.below(3)].clone(),
            };
            let what = match act {
                Does::Send(to) => What::Send { to, label, given },
                Does::Receive(from) => What::Receive { from },
                _ => What::Act { label, given },
            };
            return Intent { role, what, at: time };
        }
        let label = *self.rng.pick(&known.labels).unwrap();
        let peer = ends(known, false, &mut self.rng);
        let what = match self.rng.below(3) {
            0 => What::Send { to: peer, label, given },
            1 => What::Receive { from: peer },
            _ => What::Act { label, given },
        };
        Intent { role, what, at: time }
    }

    fn may_step(&self, cap: &Cap, intent: &Intent) -> Result<&Sess, Code> {
        let sess = self.not_ended(cap.foreign, cap.cap.session())?;
        if sess.status == Status::Draining && !matches!(intent.what, What::Receive { .. }) {
            return Err(Code::Draining);
        }
        if intent.role.index() >= self.known[sess.known].roles.len() {
            return Err(Code::NoRole);
        }
        match sess.claims.get(&cap.cap.generation()) {
            None => Err(Code::Stale),
            Some(claim) if !claim.roles.contains(&intent.role) => Err(Code::OutOfScope),
            Some(_) => Ok(sess),
        }
    }

    /// The witnesses that a step needs, if what it brings are they.
    fn used(&self, cap: &Cap, role: RoleId, needs: Needs, brought: Brought<'_>, now: i64) -> Result<Vec<u64>, Code> {
        let mut used = Vec::new();
        for (at, need) in needs.into_iter().enumerate() {
            let &(number, foreign) = brought.get(at).ok_or(Code::WitnessMissing)?;
            if foreign {
                return Err(Code::Foreign);
            }
            if used.contains(&number) {
                return Err(Code::WitnessConsumed);
            }
            self.fits(cap, role, need, number, now)?;
            used.push(number);
        }
        if brought.len() > used.len() { Err(Code::WitnessMismatch) } else { Ok(used) }
    }

    fn fits(&self, cap: &Cap, role: RoleId, (need, arg): (Need, i64), number: u64, now: i64) -> Result<(), Code> {
        let one = &self.wits[&number];
        match one.fate {
            Fate::Consumed => return Err(Code::WitnessConsumed),
            Fate::Stale => return Err(Code::WitnessStale),
            Fate::Expired => return Err(Code::WitnessExpired),
            Fate::Waiting => {}
        }
        if (one.session, one.need, one.arg) != (cap.cap.session(), need, arg) || !one.roles.contains(&role) {
            return Err(Code::WitnessMismatch);
        }
        if one.stamp != cap.cap.generation() {
            return Err(Code::WitnessStale);
        }
        if one.until.is_some_and(|until| now > until) {
            return Err(Code::WitnessExpired);
        }
        if need == Need::Small && arg > 10 {
            return Err(Code::WitnessFalse);
        }
        Ok(())
    }

    fn right(&self, cap: &Cap, intent: &Intent, brought: Brought<'_>) -> Result<Right, Code> {
        let sess = self.may_step(cap, intent)?;
        let known = &self.known[sess.known];
        let session = cap.cap.session();
        let now = sess.now.max(intent.at);
        let role = intent.role;
        let dying = |roles: &[RoleId], used: &[u64]| {
            let waiting = self.waiting(session, |one| one.brief() && roles.iter().any(|role| one.roles.contains(role)));
            let dying = waiting.into_iter().filter(|number| !used.contains(number)).count();
            // The first is named by the step's record, the others have their own.
            dying + used.len().saturating_sub(1)
        };
        let number = |given: &Given| if let Given::Unseen(id) = given { *id } else { 0 };
        match &intent.what {
            What::Send { to, label, given } => {
                let (moved, needs) = sess.send(known, role, *to, *label, given)?;
                if moved.offers && sess.offers.contains_key(&(role, *to)) {
                    return Err(Code::Offered);
                }
                let used = self.used(cap, role, needs, brought, now)?;
                let event = Event::Send { from: role, to: *to, label: moved.label, sort: moved.sort };
                let offer = moved.offers.then(|| Offer {
                    label: moved.label,
                    sort: moved.sort,
                    stamp: cap.cap.generation(),
                    payload: number(given),
                    witnesses: used.clone(),
                });
                Ok(Right {
                    label: *label,
                    sort: moved.sort,
                    offered: moved.offers,
                    roles: vec![role],
                    payload: number(given),
                    handler: None,
                    event: (!moved.offers).then_some(event),
                    then: vec![(role, moved.then)],
                    records: if moved.offers { 0 } else { 1 + dying(&[role], &used) },
                    used,
                    offer,
                })
            }
            What::Receive { from } => {
                let (moved, sender) = sess.receive(known, role, *from)?;
                let handlers = &sess.handlers;
                let handler = handlers.get(&Some((*from, role))).or_else(|| handlers.get(&None)).copied();
                let (mut used, payload, mut then) = (Vec::new(), None, vec![(role, moved.then)]);
                let (label, sort) = (moved.label, moved.sort);
                let mut event = Event::Receive { from: *from, to: role, label, sort };
                let mut roles = vec![role];
                if let Some(sender) = sender {
                    let offer = &sess.offers[&(*from, role)];
                    used = offer.witnesses.clone();
                    for number in &used {
                        let one = &self.wits[number];
                        match one.fate {
                            Fate::Consumed => return Err(Code::WitnessConsumed),
                            Fate::Stale => return Err(Code::WitnessStale),
                            Fate::Expired => return Err(Code::WitnessExpired),
                            Fate::Waiting => {}
                        }
                        if one.until.is_some_and(|until| now > until) {
                            return Err(Code::WitnessExpired);
                        }
                    }
                    then.push((*from, sender));
                    roles.push(*from);
                    event = Event::Sync { from: *from, to: role, label, sort };
                }
                let payload = payload.unwrap_or_else(|| match sender {
                    Some(_) => sess.offers[&(*from, role)].payload,
                    None => sess.queues[&(*from, role)][0].2,
                });
                let records = 1 + dying(&roles, &used);
                Ok(Right {
                    label,
                    sort,
                    offered: false,
                    used,
                    roles,
                    payload,
                    handler,
                    event: Some(event),
                    then,
                    offer: None,
                    records,
                })
            }
            What::Act { label, given } => {
                let (moved, needs) = sess.act(known, role, *label, given)?;
                let used = self.used(cap, role, needs, brought, now)?;
                let event = Event::Act { role, label: moved.label, sort: moved.sort };
                Ok(Right {
                    label: *label,
                    sort: moved.sort,
                    offered: false,
                    roles: vec![role],
                    payload: 0,
                    handler: None,
                    event: Some(event),
                    then: vec![(role, moved.then)],
                    offer: None,
                    records: 1 + dying(&[role], &used),
                    used,
                })
            }
        }
    }

    /// As [`World::right`], with the audit's room; `taken`: the step is taken, not only looked at.
    fn expected(&mut self, cap: &Cap, intent: &Intent, brought: Brought<'_>, taken: bool) -> Result<Right, Code> {
        let right = self.right(cap, intent, brought)?;
        let draining = self.sessions[&cap.cap.session()].status == Status::Draining;
        let records =
            if draining && taken { (self.ending(cap.cap.session()) + 1).max(right.records) } else { right.records };
        self.need(records).map(|()| right)
    }

    fn done(&mut self, cap: &Cap, intent: &Intent, right: Right, done: &Done) {
        let session = cap.cap.session();
        assert_eq!((done.label, done.offered, done.repeated), (right.label, right.offered, false));
        assert_eq!(done.handler, right.handler, "{intent:?}");
        if matches!(intent.what, What::Receive { .. }) {
            assert_eq!(done.payload, right.payload, "{intent:?}");
        }
        if let Some(offer) = right.offer {
            let What::Send { to, .. } = intent.what else { panic!() };
            self.sessions.get_mut(&session).unwrap().offers.insert((intent.role, to), offer);
            return;
        }
        let now = self.sessions[&session].now.max(intent.at);
        for number in &right.used {
            let one = self.wits.get_mut(number).unwrap();
            assert_eq!(one.fate, Fate::Waiting, "no witness is consumed twice");
            one.fate = Fate::Consumed;
        }
        let roles = right.roles.clone();
        self.die(session, |one| one.brief() && roles.iter().any(|role| one.roles.contains(role)), Fate::Stale);
        let known = self.known_of(session);
        let sess = self.sessions.get_mut(&session).unwrap();
        sess.now = now;
        sess.records += right.used.len().max(1) as u64;
        sess.steps += 1;
        for (role, then) in &right.then {
            sess.states[role.index()] = *then;
        }
        let kind = match right.event.unwrap() {
            Event::Send { from, to, .. } => {
                sess.queues.entry((from, to)).or_default().push_back((right.label, right.sort, right.payload));
                sess.sent += 1;
                Kind::Send
            }
            Event::Receive { from, to, .. } => {
                sess.queues.get_mut(&(from, to)).unwrap().pop_front();
                sess.received += 1;
                Kind::Receive
            }
            Event::Sync { from, to, .. } => {
                sess.offers.remove(&(from, to));
                sess.sent += 1;
                sess.received += 1;
                Kind::Sync
            }
            _ => Kind::Act,
        };
        sess.follow(known, right.event.unwrap());
        // Exactly one record, which says it.
        if let Some(record) = self.store.audit().record(done.record) {
            let SessionRef { slot, generation } = record.session;
            assert_eq!((SessionId { slot, generation }, record.kind, record.role), (session, kind, intent.role.raw()));
            assert_eq!((record.generation, record.time), (cap.cap.generation(), now));
            let verdict = if right.used.is_empty() { Verdict::Accepted } else { Verdict::Consumed };
            assert_eq!((record.verdict, record.witness), (verdict, right.used.first().copied().unwrap_or(0)));
            for (number, at) in right.used.iter().zip(done.record..).skip(1) {
                let Some(record) = self.store.audit().record(at) else { continue };
                assert_eq!(
                    (record.kind, record.verdict, record.witness),
                    (Kind::Readiness, Verdict::Consumed, *number)
                );
            }
        }
        self.drained(session, intent.at);
    }

    pub(super) fn step(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        self.step_under(at, tally)
    }

    pub(super) fn step_under(&mut self, at: usize, tally: &mut Tally) -> Option<SessionId> {
        let intent = self.intent(at);
        let cap = self.caps.swap_remove(at);
        // Witnesses are mostly brought where they are needed.
        let (needs, arg): (&[Need], i64) = match &intent.what {
            What::Send { label, given, .. } | What::Act { label, given } => {
                let arg = if let Given::Int(n) = given { *n } else { 0 };
                let needs: &[Need] = match self.known[0].plan.label_text(*label) {
                    "pay" | "sign" => &[Need::Checked],
                    "fee" | "swear" => &[Need::Small],
                    "both" => &[Need::Checked, Need::Small],
                    "bond" => &[Need::Checked, Need::Checked],
                    "oath" => &[Need::Small, Need::Checked],
                    _ if self.rng.chance(3) => &[Need::Small],
                    _ => &[],
                };
                (needs, arg)
            }
            What::Receive { .. } => (&[], 0),
        };
        let mut brought: Vec<(Readiness, bool)> = Vec::new();
        let count = match needs.len() {
            0 => 0,
            count if self.rng.chance(4) => count + 1,
            count => count,
        };
        for need in needs.iter().copied().chain([Need::Small]).take(count) {
            if !self.rng.chance(85) {
                continue;
            }
            // Mostly one of this session, waiting or not; of several, mostly those that are right.
            let right = count > 1 && self.rng.chance(80);
            let own: Vec<usize> = (0..self.witnesses.len())
                .filter(|&at| {
                    let (one, foreign) = &self.witnesses[at];
                    let fits = |one: &Witness| {
                        (one.need, one.arg, one.stamp, one.fate) == (need, arg, cap.cap.generation(), Fate::Waiting)
                    };
                    !foreign
                        && one.session() == cap.cap.session()
                        && (!right || self.wits.get(&one.number()).is_some_and(fits))
                })
                .collect();
            let at = match self.rng.pick(&own) {
                Some(at) if self.rng.chance(85) => Some(*at),
                _ => Self::pick(&mut self.rng, &self.witnesses),
            };
            brought.extend(at.map(|at| self.witnesses.swap_remove(at)));
        }
        let mut given: Vec<&(Readiness, bool)> = brought.iter().collect();
        if let [first, second] = &mut given[..]
            && self.rng.chance(8)
        {
            // One for two.
            *second = first;
        }
        let out = self.step_with(&cap, &intent, &given, tally);
        // Consumed witnesses stay in hand, to be brought again.
        self.witnesses.extend(brought);
        if self.witnesses.len() > 40 {
            drop(self.witnesses.remove(0));
        }
        self.caps.push(cap);
        out
    }

    fn step_with(
        &mut self,
        cap: &Cap,
        intent: &Intent,
        brought: &[&(Readiness, bool)],
        tally: &mut Tally,
    ) -> Option<SessionId> {
        let json = match &intent.what {
            What::Send { given, .. } | What::Act { given, .. } => given.json(),
            What::Receive { .. } => None,
        };
        let payload = match (&json, &intent.what) {
            (Some(json), _) => Payload::Json(json),
            (None, What::Send { given: Given::Unseen(id), .. } | What::Act { given: Given::Unseen(id), .. }) => {
                Payload::Unseen(*id)
            }
            _ => Payload::default(),
        };
        let witnesses: Vec<&Readiness> = brought.iter().map(|one| &one.0).collect();
        let witnesses = &witnesses[..];
        let (role, at) = (intent.role, intent.at);
        let step = match intent.what {
            What::Send { to, label, .. } => Step::Send(Send { from: role, to, label, payload, witnesses, at }),
            What::Receive { from } => Step::Receive(Receive { role, from, at }),
            What::Act { label, .. } => Step::Act(Act { role, label, payload, witnesses, at }),
        };
        let numbers: Vec<(u64, bool)> = brought.iter().map(|one| (one.0.number(), one.1)).collect();
        let numbers = &numbers[..];
        let session = cap.cap.session();
        match self.rng.below(10) {
            0..7 => {}
            7 => {
                let expected = self.expected(cap, intent, numbers, true);
                let mut out = Vec::new();
                self.store.step_batch(&[(&cap.cap, step)], &mut out);
                let got = code(out.pop().unwrap());
                return self.stepped("batch", cap, intent, expected, got, tally);
            }
            _ => {
                let expected = self.may_step(cap, intent).map(drop);
                let reserved = code(self.store.reserve(&cap.cap, step));
                self.trail.push(format!("reserve {session} {intent:?}: {expected:?}"));
                if !self.agree("reserve", expected, &reserved, tally) {
                    return None;
                }
                let steps = self.sessions[&session].steps;
                // Others may step in between, twice.
                if self.rng.chance(40) {
                    self.step(tally);
                }
                let moved = |world: &Self| world.sessions.get(&session).is_some_and(|sess| sess.steps != steps);
                let mut expected = self.may_step(cap, intent).map(drop);
                if expected.is_ok() && moved(self) {
                    expected = Err(Code::Moved);
                }
                let expected = expected.and_then(|()| self.expected(cap, intent, numbers, false).map(drop));
                let checked = code(self.store.check(reserved.unwrap()));
                self.trail.push(format!("check {session}: {expected:?}"));
                if !self.agree("check", expected, &checked, tally) {
                    return None;
                }
                if self.rng.chance(20) {
                    // Dropped: a rollback.
                    return None;
                }
                if self.rng.chance(30) {
                    self.step(tally);
                }
                let mut before = self.may_step(cap, intent).map(drop);
                if before.is_ok() && moved(self) {
                    before = Err(Code::Moved);
                }
                let expected = before.and_then(|()| self.expected(cap, intent, numbers, true));
                let got = code(self.store.commit(checked.unwrap()));
                return self.stepped("commit_step", cap, intent, expected, got, tally);
            }
        }
        let expected = self.expected(cap, intent, numbers, true);
        let got = match step {
            Step::Send(send) => code(self.said(step, |store| store.send(&cap.cap, send))),
            Step::Receive(receive) => {
                code(self.said(step, |store| store.receive(&cap.cap, receive.role, receive.from, receive.at)))
            }
            Step::Act(act) => code(self.said(step, |store| store.act(&cap.cap, act))),
        };
        self.stepped("step", cap, intent, expected, got, tally)
    }

    /// A refusal has the complete expected set.
    fn said(&mut self, step: Step<'_>, go: impl FnOnce(&mut Store) -> Result<Done, Refused>) -> Result<Done, Refused> {
        let result = go(&mut self.store);
        if let Err(refused) = &result
            && let (Some(session), Some(asked)) = (refused.session, refused.asked)
            && refused.code() != Code::Foreign
            && let Some(sess) = self.sessions.get(&session)
        {
            let mut expected = refused.expected.clone();
            expected.sort_unstable();
            assert_eq!(expected, self.offers(sess, asked.role), "{step:?}");
            assert_eq!(asked.direction == Direction::Receive, matches!(step, Step::Receive(_)));
        }
        result
    }

    fn stepped(
        &mut self,
        what: &'static str,
        cap: &Cap,
        intent: &Intent,
        expected: Result<Right, Code>,
        got: Result<Done, Code>,
        tally: &mut Tally,
    ) -> Option<SessionId> {
        let session = cap.cap.session();
        self.trail.push(format!(
            "{what} {session} by {}: {intent:?}: {:?}",
            cap.cap.generation(),
            expected.as_ref().map(|right| right.event).map_err(|code| *code)
        ));
        if !self.agree(what, expected.as_ref().map(drop).map_err(|code| *code), &got, tally) {
            return None;
        }
        let right = expected.ok().unwrap();
        if right.used.len() > 1 && !right.offered {
            *tally.done.entry("several witnesses").or_default() += 1;
        }
        self.done(cap, intent, right, &got.unwrap());
        Some(session)
    }

    pub(super) fn withdraw(&mut self, tally: &mut Tally) -> Option<SessionId> {
        let at = self.pick_cap()?;
        let cap = &self.caps[at];
        let (session, stamp) = (cap.cap.session(), cap.cap.generation());
        let waits = self.sessions.get(&session).and_then(|sess| sess.offers.keys().next().copied());
        let known = &self.known[0];
        let (from, to) = match waits {
            Some(edge) if self.rng.chance(80) => edge,
            _ => (ends(known, false, &mut self.rng), ends(known, false, &mut self.rng)),
        };
        let cap = &self.caps[at];
        let expected = self.live(cap.foreign, session, stamp).and_then(|claim| {
            if !claim.roles.contains(&from) {
                return Err(Code::OutOfScope);
            }
            self.known_of(session).edge(from, to).map(drop).ok_or(Code::NoEdge)
        });
        let got = code(self.store.withdraw(&self.caps[at].cap, from, to));
        self.trail.push(format!("withdraw {session} {from:?} {to:?}: {expected:?}"));
        if self.agree("withdraw", expected, &got, tally) {
            let sess = self.sessions.get_mut(&session).unwrap();
            assert_eq!(got.unwrap(), sess.offers.remove(&(from, to)).is_some());
            return Some(session);
        }
        None
    }

    /// What a role could do, as the slow store has it.
    pub(super) fn offers(&self, sess: &Sess, role: RoleId) -> Vec<Expected> {
        let known = &self.known[sess.known];
        if role.index() >= known.roles.len() {
            return Vec::new();
        }
        let arms = known.arms(role, sess.states[role.index()]);
        let mut all: Vec<Expected> = arms
            .into_iter()
            .map(|(act, label, sort, _)| {
                let (direction, peer, ready) = match act {
                    Does::Send(to) => {
                        let (kind, bound, _) = known.edge(role, to).unwrap();
                        (Direction::Send, to, kind == EdgeKind::Sync || sess.queue(role, to) < bound)
                    }
                    Does::Receive(from) => {
                        let head = sess.queues.get(&(from, role)).and_then(|queue| queue.front());
                        let offer = sess.offers.get(&(from, role));
                        let offered = offer.is_some_and(|offer| {
                            (offer.label, offer.sort) == (label, sort) && sess.receive(known, role, from).is_ok()
                        });
                        (
                            Direction::Receive,
                            from,
                            offered || head.is_some_and(|head| (head.0, head.1) == (label, sort)),
                        )
                    }
                    _ => (Direction::Act, role, true),
                };
                Expected { role, direction, peer, label, sort, ready }
            })
            .collect();
        all.sort_unstable();
        all
    }
}

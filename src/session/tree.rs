//! Sessions of protocols with data that steers them, time, scopes or families: stepped as trees of activations.
//!
//! The same contract as for table sessions, over [`Live`]: [`Live::admits`] says whether, [`Live::take`] does it. Where an
//! event can be a step in more than one way (the language allows up to eight), a store, which must know where it stands,
//! takes none of them.

use super::{
    Code, OpenPlan, Opener, Refused, SessionId,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Head},
    judge::{Values, faulted, read},
    plan::Engine,
    refuse::Detail,
    step::{Act, Asker, Done, Miss, Payload, Receive, Send, Step, alive, covers},
    store::{Keep, Pending, Rest, Store},
    table::record,
    witness::{Brought, Matched, Use},
};
use crate::{
    data::Redaction,
    id::{EdgeId, Id, MessageId, RoleId},
    machine::{
        End, Live, Program,
        live::{Refused as Against, Seen, Sides, Way, Why},
    },
    protocol::EdgeKind,
};

/// What is asked of a tree.
struct Request<'a> {
    role: RoleId,
    peer: RoleId,
    kind: Kind,
    sides: Sides,
    /// The messages that it can be.
    candidates: Result<Vec<MessageId>, Code>,
    payload: Payload<'a>,
    witnesses: &'a [&'a super::Readiness],
    /// The edge, if there is one.
    edge: Option<EdgeId>,
    at: i64,
}

/// The one way in which a request may be met.
struct Met {
    message: MessageId,
    way: Way,
    consumed: Use,
    /// What is offered on a synchronous edge.
    offer: Option<Box<(Values, u128)>>,
    /// The number that the sender of an offer gave with it.
    payload: u64,
}

impl Store {
    fn send_request<'a>(&self, cap: &super::Capability, send: &Send<'a>) -> Result<Request<'a>, Miss> {
        let plan = self.plan(cap.session).ok_or(Code::UnknownSession)?;
        let edge = plan.edge(send.from, send.to);
        Ok(Request {
            role: send.from,
            peer: send.to,
            kind: Kind::Send,
            // What is offered is judged as its sender's alone.
            sides: if is_sync(plan, edge) { Sides::Give } else { Sides::Send },
            candidates: candidates(plan, send.from, send.to, send.label),
            payload: send.payload,
            witnesses: send.witnesses,
            edge,
            at: send.at,
        })
    }

    pub(super) fn tree_send(&mut self, cap: &super::Capability, send: &Send<'_>) -> Result<Done, Miss> {
        let request = self.send_request(cap, send)?;
        self.tree_step(cap, &request)
    }

    /// Whether a step of a tree session may be taken; nothing changes.
    pub(super) fn tree_dry(&mut self, cap: &super::Capability, step: &Step<'_>) -> Result<(), Miss> {
        let request = match step {
            Step::Send(send) => self.send_request(cap, send)?,
            Step::Receive(receive) => self.receive_request(cap, receive)?,
            Step::Act(act) => self.act_request(cap, act)?,
        };
        self.tree_choose(cap, &request).map(drop)
    }

    fn act_request<'a>(&self, cap: &super::Capability, act: &Act<'a>) -> Result<Request<'a>, Miss> {
        let plan = self.plan(cap.session).ok_or(Code::UnknownSession)?;
        Ok(Request {
            role: act.role,
            peer: act.role,
            kind: Kind::Act,
            sides: Sides::Both,
            candidates: candidates(plan, act.role, act.role, act.label),
            payload: act.payload,
            witnesses: act.witnesses,
            edge: None,
            at: act.at,
        })
    }

    pub(super) fn tree_act(&mut self, cap: &super::Capability, act: &Act<'_>) -> Result<Done, Miss> {
        let request = self.act_request(cap, act)?;
        self.tree_step(cap, &request)
    }

    fn receive_request(&self, cap: &super::Capability, receive: &Receive) -> Result<Request<'static>, Miss> {
        let plan = self.plan(cap.session).ok_or(Code::UnknownSession)?;
        let edge = plan.edge(receive.from, receive.role);
        let sync = is_sync(plan, edge);
        let candidates = match edge {
            _ if receive.from.index() >= plan.0.roles => Err(Code::NoRole),
            None => Err(Code::NoEdge),
            Some(edge) if sync => {
                // An offer dies with the capability under which it was made.
                let offer = self.rest.offers.get(&(cap.session.slot, edge));
                Ok(offer.map(|offer| offer.message).into_iter().collect())
            }
            Some(edge) => Ok(self.messages(cap.session, edge).first().copied().into_iter().collect()),
        };
        Ok(Request {
            role: receive.role,
            peer: receive.from,
            kind: Kind::Receive,
            sides: if sync { Sides::Both } else { Sides::Receive },
            candidates,
            payload: Payload::default(),
            witnesses: &[],
            edge,
            at: receive.at,
        })
    }

    pub(super) fn tree_receive(&mut self, cap: &super::Capability, receive: &Receive) -> Result<Done, Miss> {
        let request = self.receive_request(cap, receive)?;
        let done = self.tree_step(cap, &request)?;
        let handler = request.edge.and_then(|edge| self.rest.handler(cap.session.slot, edge));
        Ok(Done { handler, ..done })
    }

    /// The one way in which a request may be met; nothing changes.
    fn tree_choose(&mut self, cap: &super::Capability, request: &Request<'_>) -> Result<Met, Miss> {
        let slot = cap.session.slot;
        let (page, place) = self.pages.place(cap.session).ok_or(Code::UnknownSession)?;
        let asker = Asker { cap, number: page.number };
        let plan = page.plan.clone();
        let Engine::Tree(program) = &plan.0.engine else { return Err(Code::UnknownSession.into()) };
        let number = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let block = page.block_mut(place);
        let head = Head::read(block);
        let receives = request.kind == Kind::Receive;
        alive(head, cap.session, !receives)?;
        covers(block, &plan.0, cap, request.role)?;
        let candidates = request.candidates.as_ref().map_err(|&code| code)?;
        if candidates.is_empty() {
            return Err(if receives { Code::Empty } else { Code::NoMessage }.into());
        }
        let now = block::now(block).max(request.at);
        let Some(tree) = self.trees.get_mut(number) else { return Err(Code::UnknownSession.into()) };
        let offer = request.edge.filter(|_| receives && request.sides == Sides::Both);
        let offer = offer.and_then(|edge| self.rest.offers.get(&(slot, edge)).cloned());
        let full = request.edge.filter(|_| request.sides == Sides::Send).and_then(|edge| full(&plan, &tree.live, edge));
        let mut nearest: Option<(u8, Miss)> = None;
        let mut nearer = |rank: u8, miss: Miss| {
            if nearest.as_ref().is_none_or(|(known, _)| *known < rank) {
                nearest = Some((rank, miss));
            }
        };
        let mut found = None;
        for &message in candidates {
            let Some(reading) = plan.0.readings.entry(message) else { continue };
            let (values, content): (Values, u128) = if request.sides == Sides::Receive {
                let queued = request.edge.and_then(|edge| tree.live.head(edge));
                (queued.map(|(_, payload)| payload.iter().cloned().collect()).unwrap_or_default(), 0)
            } else if receives {
                offer.as_ref().and_then(|offer| offer.shown.as_deref().cloned()).unwrap_or_default()
            } else {
                match read(reading, request.payload, now, &*self.rest.externs) {
                    Ok(Some(values)) => {
                        (values.into_owned().into(), content(request.payload, reading.except.as_deref()))
                    }
                    Ok(None) => (Values::from_elem(None, reading.extract.len()), 0),
                    Err(miss) => {
                        // Whether the type allows it is said first.
                        let offers = tree.live.offers(program, request.role);
                        if offers.iter().any(|offer| offer.message == message && offer.end == End::From) {
                            nearer(Why::NEAR, miss);
                        } else {
                            nearer(0, Code::NotEnabled.into());
                        }
                        continue;
                    }
                }
            };
            let seen =
                Seen { message, sides: request.sides, payload: &values, content, now, externs: &*self.rest.externs };
            match tree.live.admits(program, seen) {
                Ok(ways) if ways.len() == 1 => {
                    found = ways.into_iter().next().map(|way| (message, way, values, content));
                    break;
                }
                Ok(_) => {
                    let text = "the event can be more than one step, and a store must know which".into();
                    nearer(u8::MAX, Miss::with(Code::NotEnabled, Detail::Text(text)));
                }
                Err(refused) => {
                    let miss = against(&plan, program, &tree.live, seen, &refused, &self.rest.redaction);
                    let given = Seen { sides: Sides::Give, ..seen };
                    let miss = match miss.code {
                        // Its sender has moved on, or its receiver takes something else.
                        Code::NotEnabled if receives && tree.live.admits(program, given).is_err() => Code::Empty.into(),
                        Code::NotEnabled if receives => Code::Unexpected.into(),
                        _ => miss,
                    };
                    nearer(refused.why.rank(), miss);
                }
            }
        }
        // The queue is looked at before the payload, and a repetition needs no room in it.
        let refused = match (&found, &nearest) {
            (Some((_, way, ..)), _) => full.filter(|_| !way.is_duplicate()),
            (None, Some((_, miss))) => full.filter(|_| miss.code != Code::NotEnabled),
            (None, None) => None,
        };
        if let Some(code) = refused {
            return Err(code.into());
        }
        let Some((message, way, values, content)) = found else {
            return Err(nearest.map_or_else(|| Code::NotEnabled.into(), |(_, miss)| miss));
        };
        let sender = if receives { request.peer } else { request.role };
        let consumed = match (way.required(), &offer) {
            ([], Some(offer)) => self.rest.still_good(block, sender, &offer.witnesses, now)?,
            (required, offer) => {
                let rule = &program.messages().entry(message).ok_or(Code::NoMessage)?.rule;
                let brought = match offer {
                    Some(offer) => Brought::Numbers(&offer.witnesses),
                    None => Brought::Handles(request.witnesses),
                };
                let mut used = Use::default();
                for (requirement, args) in required {
                    let predicate = rule.requires.get(*requirement).map_or(usize::MAX, |need| need.predicate);
                    // That the predicate is true now was a condition of the step.
                    let asked = Matched { role: sender, predicate, args, again: true, now };
                    self.rest.match_next(block, asker, &asked, brought, &mut used)?;
                }
                Rest::match_all(brought, used)?
            }
        };
        if request.sides == Sides::Give {
            if let Some(edge) = request.edge
                && self.rest.offers.contains_key(&(slot, edge))
            {
                return Err(Code::Offered.into());
            }
            return Ok(Met { message, way, consumed, offer: Some(Box::new((values, content))), payload: 0 });
        }
        if let Some(edge) = request.edge.filter(|_| request.sides == Sides::Receive && head.flags & block::WATCHED != 0)
        {
            self.rest.watch.authentic(cap.session, &plan, edge, message, None)?;
        }
        let roles: &[RoleId] = if offer.is_some() { &[request.peer, request.role] } else { &[request.role] };
        self.rest.room(block, slot, roles, &consumed)?;
        Ok(Met { message, way, consumed, offer: None, payload: offer.map_or(0, |offer| offer.payload) })
    }

    fn tree_step(&mut self, cap: &super::Capability, request: &Request<'_>) -> Result<Done, Miss> {
        let slot = cap.session.slot;
        let Met { message, way, consumed, offer, mut payload } = self.tree_choose(cap, request)?;
        let (page, place) = self.pages.place(cap.session).ok_or(Code::UnknownSession)?;
        let asker = Asker { cap, number: page.number };
        let plan = page.plan.clone();
        let Engine::Tree(program) = &plan.0.engine else { return Err(Code::UnknownSession.into()) };
        let number = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let block = page.block_mut(place);
        let label = plan.label_of(message);
        let given = if let Payload::Unseen(id) = request.payload { id } else { 0 };
        if let (Some(shown), Some(edge)) = (offer, request.edge) {
            let witnesses = consumed.numbers();
            let pending = Pending { message, stamp: cap.stamp, payload: given, witnesses, shown: Some(shown) };
            self.rest.offers.insert((slot, edge), pending);
            let head = Head::read(block);
            Head { flags: head.flags | block::OFFERS, ..head }.write(block);
            return Ok(Done { offered: true, payload: given, ..Done::plain(message, label, 0) });
        }
        let now = block::now(block).max(request.at);
        let Some(tree) = self.trees.get_mut(number) else { return Err(Code::UnknownSession.into()) };
        let repeated = way.is_duplicate();
        let before = request.edge.map_or(0, |edge| tree.live.queue(edge).count());
        tree.live.take(program, &way);
        let receives = request.kind == Kind::Receive;
        let handed = receives && request.sides == Sides::Both;
        tree.sent = tree.sent.saturating_add(u64::from((request.kind == Kind::Send || handed) && !repeated));
        tree.received = tree.received.saturating_add(u64::from(receives && !repeated));
        let mut head = Head::read(block);
        if let Some(edge) = request.edge
            && (given != 0 || head.flags & block::PAYLOADS != 0)
        {
            head.flags |= block::PAYLOADS;
            let after = tree.live.queue(edge).count();
            if request.kind == Kind::Send && after > before {
                self.rest.spill.push_given(slot, edge, before, given);
            } else if request.sides == Sides::Receive {
                payload = self.rest.spill.pop_given(slot, edge);
            }
            // What became stale is discarded with the step.
            for edge in plan.edges().ids() {
                self.rest.spill.align(slot, edge, tree.live.queue(edge).count());
            }
        }
        if let Some(edge) = request.edge.filter(|_| head.flags & block::WATCHED != 0) {
            if request.kind == Kind::Send && tree.live.queue(edge).count() > before {
                self.rest.watch.sent(cap.session, &plan, edge, message, request.payload);
            } else if request.sides == Sides::Receive {
                self.rest.watch.received(slot, edge);
            }
            for edge in plan.edges().ids() {
                self.rest.watch.align(slot, edge, tree.live.queue(edge).count());
            }
        }
        block::set_now(block, now);
        head.steps = head.steps.wrapping_add(1);
        head.write(block);
        if head.steps == 0 {
            self.rest.spill.carry(slot);
        }
        let kind = if handed { Kind::Sync } else { request.kind };
        let mut entry = record(asker, kind, now, request.role, request.peer, message.raw());
        let roles: &[RoleId] = if handed { &[request.peer, request.role] } else { &[request.role] };
        if handed && let Some(edge) = request.edge {
            // Both generations.
            entry.detail = block::generation(block, request.peer);
            self.rest.end_offers(block, &plan, cap.session, None, Some(edge));
        }
        let record = self.rest.audit.accepted(super::judge::consuming(entry, &consumed));
        self.rest.use_witness(block, asker, roles, &consumed, now);
        self.arm(cap.session);
        Ok(Done { record, repeated, payload, ..Done::plain(message, label, 0) })
    }

    /// A role that may crash has crashed: it does nothing more, what is on its way to it vanishes, and its peers learn of
    /// it each on its own.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; no such role; the role is not `unreliable`, or has crashed before.
    pub fn crash(&mut self, opener: &Opener, role: RoleId, at: i64) -> Result<(), Refused> {
        let id = opener.session;
        let why = self.authority(opener.store, id).and_then(|()| self.not_terminal(id)).and_then(|()| {
            let plan = self.plan(id).ok_or_else(|| Refused::new(Code::UnknownSession))?;
            let Some(one) = plan.0.header.roles.entry(role) else { return Err(Refused::new(Code::NoRole)) };
            let not = |text: &str| Err(Refused::with(Code::NotEnabled, Detail::Text(text.into())));
            let Engine::Tree(_) = &plan.0.engine else { return not("the role is not `unreliable`") };
            if !one.unreliable {
                return not("the role is not `unreliable`");
            }
            let crashed = self.tree_of(id).is_some_and(|live| live.is_crashed(role));
            if crashed { not("the role has crashed before") } else { Ok(()) }
        });
        let why = match why {
            Ok(()) => self.room(1),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = why {
            return Err(self.rejected(id, 0, Kind::Crash, refused));
        }
        let Some((page, place)) = self.pages.place(id) else { return Ok(()) };
        let plan = page.plan.clone();
        let Engine::Tree(program) = &plan.0.engine else { return Ok(()) };
        let cold = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let number = page.number;
        let block = page.block_mut(place);
        let now = block::now(block).max(at);
        block::set_now(block, now);
        if let Some(tree) = self.trees.get_mut(cold) {
            tree.live.crash(program, role);
            for (edge, ends) in plan.edges().iter() {
                if ends.to == role {
                    self.rest.spill.align(id.slot, edge, 0);
                    self.rest.watch.align(id.slot, edge, 0);
                }
            }
        }
        for (edge, ends) in plan.edges().iter() {
            if ends.from == role || ends.to == role {
                self.rest.end_offers(block, &plan, id, None, Some(edge));
            }
        }
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let entry = Record {
            time: now,
            plan: number,
            role: role.raw(),
            ..Record::new(session, Kind::Crash, Verdict::Accepted)
        };
        self.rest.audit.accepted(entry);
        self.rest.entry(id.slot);
        self.arm(id);
        Ok(())
    }

    /// The configuration of a tree session.
    fn tree_of(&self, id: SessionId) -> Option<&Live> {
        let (page, place) = self.pages.look(id)?;
        self.trees.live(page.cold.get(place)?.tree)
    }
}

fn is_sync(plan: &OpenPlan, edge: Option<EdgeId>) -> bool {
    edge.and_then(|edge| plan.edges().entry(edge)).is_some_and(|edge| edge.kind == EdgeKind::Sync)
}

/// What is said of a send for which its edge has no room.
fn full(plan: &OpenPlan, live: &Live, edge: EdgeId) -> Option<Code> {
    let blueprint = plan.edges().entry(edge)?;
    if live.queue(edge).count() < blueprint.bound as usize || blueprint.kind == EdgeKind::Latest {
        return None;
    }
    Some(if blueprint.policy == super::QueuePolicy::Block { Code::WouldBlock } else { Code::Full })
}

/// The messages that a label can be between two roles.
fn candidates(plan: &OpenPlan, from: RoleId, to: RoleId, label: crate::id::LabelId) -> Result<Vec<MessageId>, Code> {
    if to.index() >= plan.0.roles {
        return Err(Code::NoRole);
    }
    let Engine::Tree(program) = &plan.0.engine else { return Ok(Vec::new()) };
    Ok(program.find(from, to, label).to_vec())
}

/// A digest of what a payload says.
fn content(payload: Payload<'_>, except: Option<&[Box<str>]>) -> u128 {
    let Some(except) = except else { return 0 };
    match payload {
        Payload::Json(text) => crate::machine::live::content(text, except),
        Payload::Values(values) => crate::machine::live::digest(values.iter().flatten()),
        Payload::Unseen(id) => u128::from(id),
    }
}

/// What a tree has against a step, as the store says it.
fn against(
    plan: &OpenPlan,
    program: &Program,
    live: &Live,
    seen: Seen<'_>,
    refused: &Against,
    redaction: &Redaction,
) -> Miss {
    let detail = || super::explain::reads(plan, program, live, seen, refused, redaction);
    let mut miss = match &refused.why {
        // Nothing is tried in a store that may fail.
        Why::NotHere | Why::NotNow | Why::TooEarlyToHandle { .. } | Why::MayNotFail => Code::NotEnabled.into(),
        Why::NoInstance { used, .. } => {
            let text =
                if *used { "the instance with this key has ended" } else { "there is no instance with this key" };
            Miss::with(Code::NotEnabled, Detail::Text(text.into()))
        }
        Why::Full => Code::Full.into(),
        Why::NotSent => Code::Unexpected.into(),
        Why::Fault(fault) => faulted(fault.clone()),
        Why::Unwitnessed { .. } => Miss::with(Code::WitnessFalse, detail()),
        Why::False { .. } | Why::Unfit { .. } | Why::Broken { .. } => Miss::with(Code::Condition, detail()),
        Why::TooEarly { from } => {
            Miss::with(Code::Condition, Detail::Text(format!("too early, from {from} on").into()))
        }
        Why::TooLate { until } => Miss::with(Code::Condition, Detail::Text(format!("too late, until {until}").into())),
        Why::NotUnique { .. } => {
            Miss::with(Code::Condition, Detail::Text("a message with this key was there before (`unique by`)".into()))
        }
        Why::OtherContent { .. } => {
            let text = "a message with this key but other content was there before (`idempotent by`)";
            Miss::with(Code::Condition, Detail::Text(text.into()))
        }
        Why::MemoryFull => Miss::with(Code::Limit, Detail::Text("more keys than are remembered".into())),
    };
    miss.blame = Some(refused.role);
    miss
}

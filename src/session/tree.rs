//! Sessions of protocols with data that steers them, time, scopes or families: stepped as trees of activations.
//!
//! The same contract as for table sessions, over [`Live`]: [`Live::admits`] says whether, [`Live::take`] does it. Where an
//! event can be a step in more than one way (the language allows up to eight), a store, which must know where it stands,
//! takes none of them.

use std::hash::Hasher;

use super::{
    Code, OpenPlan, SessionId,
    audit::Kind,
    block::{self, Head},
    judge::{Values, faulted, read},
    plan::Engine,
    refuse::Detail,
    step::{Act, Asker, Direction, Done, Expected, Miss, Payload, Receive, Send, Step, alive, covers, record},
    store::{Keep, Store},
    witness::Use,
};
use crate::{
    data::{Externs, Redaction},
    id::{EdgeId, Id, MessageId, RoleId},
    machine::{
        End, Live, Program,
        live::{Refused as Against, Seen, Sides, Way, Why},
    },
};

/// A configuration, and how many messages it sent and received.
#[derive(Clone, Debug)]
struct Tree {
    live: Live,
    sent: u64,
    received: u64,
}

/// The configurations of a store.
#[derive(Debug, Default)]
pub(super) struct Trees {
    trees: Vec<Option<Box<Tree>>>,
    free: Vec<u32>,
}

impl Trees {
    pub(super) fn open(&mut self, program: &Program, at: i64, externs: &dyn Externs) -> u32 {
        let tree = Some(Box::new(Tree { live: Live::open(program, at, externs), sent: 0, received: 0 }));
        match self.free.pop() {
            Some(number) => {
                if let Some(place) = self.trees.get_mut(number as usize) {
                    *place = tree;
                }
                number
            }
            None => {
                let number = u32::try_from(self.trees.len()).unwrap_or(super::pages::NONE);
                self.trees.push(tree);
                number
            }
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some(place) = self.trees.get_mut(number as usize)
            && place.take().is_some()
        {
            self.free.push(number);
        }
    }

    fn get(&self, number: u32) -> Option<&Tree> {
        self.trees.get(number as usize)?.as_deref()
    }

    fn get_mut(&mut self, number: u32) -> Option<&mut Tree> {
        self.trees.get_mut(number as usize)?.as_deref_mut()
    }

    /// The configuration, to look at.
    pub(super) fn live(&self, number: u32) -> Option<&Live> {
        self.get(number).map(|tree| &tree.live)
    }

    pub(super) fn live_mut(&mut self, number: u32) -> Option<&mut Live> {
        self.get_mut(number).map(|tree| &mut tree.live)
    }

    /// Messages sent and received.
    pub(super) fn counts(&self, number: u32) -> (u64, u64) {
        self.get(number).map_or((0, 0), |tree| (tree.sent, tree.received))
    }

    pub(super) fn may_stop(&self, program: &Program, number: u32, role: RoleId) -> bool {
        self.live(number).is_some_and(|live| live.may_stop(program, role))
    }

    /// The messages of an edge, oldest first.
    pub(super) fn queue(&self, number: u32, edge: EdgeId) -> Vec<MessageId> {
        self.live(number).map_or_else(Vec::new, |live| live.queue(edge).collect())
    }

    pub(super) fn expected(&self, plan: &OpenPlan, program: &Program, number: u32, role: RoleId, out: &mut Vec<Expected>) {
        let Some(live) = self.live(number) else { return };
        for offer in live.offers(program, role) {
            let Some(travel) = program.messages().entry(offer.message) else { continue };
            let (direction, peer) = match offer.end {
                End::From if travel.from == travel.to => (Direction::Act, role),
                End::From => (Direction::Send, travel.to),
                End::To => (Direction::Receive, travel.from),
            };
            let ready = match (offer.end, travel.edge) {
                (End::To, Some(edge)) => live.head(edge).is_some_and(|(head, _)| head == offer.message),
                (End::From, Some(edge)) => {
                    let bound = plan.edges().entry(edge).map_or(u32::MAX, |edge| edge.bound.max(1));
                    live.queue(edge).count() < bound as usize
                }
                _ => true,
            };
            let one = Expected { role, direction, peer, label: travel.label, sort: travel.sort, ready };
            if !out.contains(&one) {
                out.push(one);
            }
        }
    }

    /// What a role does from here on, as far as it can be said in a line: what it may do next.
    pub(super) fn local_type(&self, plan: &OpenPlan, program: &Program, number: u32, role: RoleId) -> Option<String> {
        let live = self.live(number)?;
        let mut out = Vec::new();
        self.expected(plan, program, number, role, &mut out);
        let mut parts: Vec<String> = out.iter().map(|one| format!("{}. …", one.text(plan))).collect();
        parts.dedup();
        if live.may_stop(program, role) {
            parts.push("end".to_owned());
        }
        Some(match parts.len() {
            0 => "…".to_owned(),
            1 => parts.concat(),
            _ => format!("{{ {} }}", parts.join(", ")),
        })
    }

    pub(super) fn digest<H: Hasher>(&self, number: u32, hasher: &mut H) {
        if let Some(tree) = self.get(number) {
            hasher.write(format!("{:?}", tree.live).as_bytes());
        }
    }

    /// Bytes of the table, without what trees hold.
    pub(super) fn bytes(&self) -> usize {
        let place = std::mem::size_of::<Option<Box<Tree>>>();
        let trees = self.trees.len().saturating_sub(self.free.len()).saturating_mul(std::mem::size_of::<Tree>());
        self.trees.capacity().saturating_mul(place).saturating_add(self.free.capacity().saturating_mul(4)).saturating_add(trees)
    }
}

/// What is asked of a tree.
struct Request<'a> {
    role: RoleId,
    peer: RoleId,
    kind: Kind,
    sides: Sides,
    candidates: Vec<MessageId>,
    payload: Payload<'a>,
    witness: Option<&'a super::Readiness>,
    at: i64,
}

impl Store {
    fn send_request<'a>(&self, cap: &super::Capability, send: &Send<'a>) -> Result<Request<'a>, Miss> {
        let candidates = self.candidates(cap.session, send.from, send.to, send.label)?;
        let sync = self.plan(cap.session).and_then(|plan| {
            let edge = plan.edge(send.from, send.to)?;
            Some(plan.edges().entry(edge)?.bound == 0)
        });
        Ok(Request {
            role: send.from,
            peer: send.to,
            kind: Kind::Send,
            sides: if sync == Some(true) { Sides::Both } else { Sides::Send },
            candidates,
            payload: send.payload,
            witness: send.witness,
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
            Step::Receive(receive) => self.receive_request(cap, receive)?.0,
            Step::Act(act) => self.act_request(cap, act)?,
        };
        self.tree_choose(cap, &request).map(drop)
    }

    fn act_request<'a>(&self, cap: &super::Capability, act: &Act<'a>) -> Result<Request<'a>, Miss> {
        let candidates = self.candidates(cap.session, act.role, act.role, act.label)?;
        Ok(Request {
            role: act.role,
            peer: act.role,
            kind: Kind::Act,
            sides: Sides::Both,
            candidates,
            payload: act.payload,
            witness: act.witness,
            at: act.at,
        })
    }

    pub(super) fn tree_act(&mut self, cap: &super::Capability, act: &Act<'_>) -> Result<Done, Miss> {
        let request = self.act_request(cap, act)?;
        self.tree_step(cap, &request)
    }

    fn receive_request(
        &self,
        cap: &super::Capability,
        receive: &Receive,
    ) -> Result<(Request<'static>, EdgeId), Miss> {
        let plan = self.plan(cap.session).ok_or(Code::UnknownSession)?.clone();
        if receive.role.index() >= plan.0.roles || receive.from.index() >= plan.0.roles {
            return Err(Code::NoRole.into());
        }
        let edge = plan.edge(receive.from, receive.role).ok_or(Code::NoEdge)?;
        let request = Request {
            role: receive.role,
            peer: receive.from,
            kind: Kind::Receive,
            sides: Sides::Receive,
            candidates: self.messages(cap.session, edge).first().copied().into_iter().collect(),
            payload: Payload::default(),
            witness: None,
            at: receive.at,
        };
        Ok((request, edge))
    }

    pub(super) fn tree_receive(&mut self, cap: &super::Capability, receive: &Receive) -> Result<Done, Miss> {
        let (request, edge) = self.receive_request(cap, receive)?;
        let done = self.tree_step(cap, &request)?;
        if self.status(cap.session) == Some(super::Status::Draining) {
            self.drained(cap.session, receive.at);
        }
        Ok(Done { handler: self.rest.handler(cap.session.slot, edge), ..done })
    }

    /// The messages that a label can be between two roles.
    fn candidates(
        &self,
        session: SessionId,
        from: RoleId,
        to: RoleId,
        label: crate::id::LabelId,
    ) -> Result<Vec<MessageId>, Miss> {
        let plan = self.plan(session).ok_or(Code::UnknownSession)?;
        if from.index() >= plan.0.roles || to.index() >= plan.0.roles {
            return Err(Code::NoRole.into());
        }
        let Engine::Tree(program) = &plan.0.engine else { return Ok(Vec::new()) };
        Ok(program.find(from, to, label).to_vec())
    }

    /// The one way in which a request may be met; nothing changes.
    fn tree_choose(&mut self, cap: &super::Capability, request: &Request<'_>) -> Result<(MessageId, Way, Use), Miss> {
        let (page, place) = self.pages.place(cap.session).ok_or(Code::UnknownSession)?;
        let asker = Asker { cap, number: page.number };
        let plan = page.plan.clone();
        let Engine::Tree(program) = &plan.0.engine else { return Err(Code::UnknownSession.into()) };
        let number = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let block = page.block_mut(place);
        let head = Head::read(block);
        let sends = request.kind != Kind::Receive;
        alive(head, cap.session, sends)?;
        covers(block, &plan.0, cap, request.role)?;
        let now = block::now(block).max(request.at);
        let Some(tree) = self.trees.get_mut(number) else { return Err(Code::UnknownSession.into()) };
        if request.candidates.is_empty() {
            return Err(if sends { Code::NoMessage } else { Code::Empty }.into());
        }
        if request.sides == Sides::Send
            && let Some(edge) = plan.edge(request.role, request.peer)
            && let Some(blueprint) = plan.edges().entry(edge)
            && tree.live.queue(edge).count() >= blueprint.bound as usize
            && !matches!(blueprint.kind, crate::protocol::EdgeKind::Latest)
        {
            let block = blueprint.policy == super::QueuePolicy::Block;
            return Err(if block { Code::WouldBlock } else { Code::Full }.into());
        }
        let mut nearest: Option<(u8, Miss)> = None;
        let mut nearer = |rank: u8, miss: Miss| {
            if nearest.as_ref().is_none_or(|(known, _)| *known < rank) {
                nearest = Some((rank, miss));
            }
        };
        let mut found = None;
        for &message in &request.candidates {
            let Some(reading) = plan.0.readings.entry(message) else { continue };
            let queued;
            let (values, content): (Values, u128) = if request.sides == Sides::Receive {
                queued = plan.edge(request.peer, request.role).and_then(|edge| tree.live.head(edge));
                (queued.map(|(_, payload)| payload.iter().cloned().collect()).unwrap_or_default(), 0)
            } else {
                match read(reading, request.payload, now, &*self.rest.externs) {
                    Ok(Some(values)) => {
                        let content = content(request.payload, reading.except.as_deref());
                        (values, content)
                    }
                    Ok(None) => (Values::from_elem(None, reading.extract.len()), 0),
                    Err(miss) => {
                        nearer(Why::NEAR, miss);
                        continue;
                    }
                }
            };
            let seen = Seen { message, sides: request.sides, payload: &values, content, now, externs: &*self.rest.externs };
            match tree.live.admits(program, seen) {
                Ok(ways) if ways.len() == 1 => {
                    found = ways.into_iter().next().map(|way| (message, way));
                    break;
                }
                Ok(_) => {
                    let text = "the event can be more than one step, and a store must know which".into();
                    nearer(u8::MAX, Miss::with(Code::NotEnabled, Detail::Text(text)));
                }
                Err(refused) => {
                    let miss = against(&plan, program, &tree.live, seen, &refused, &self.rest.redaction);
                    nearer(refused.why.rank(), miss);
                }
            }
        }
        let Some((message, way)) = found else {
            return Err(nearest.map_or_else(|| Code::NotEnabled.into(), |(_, miss)| miss));
        };
        let consumed = match (way.required(), request.witness) {
            ([], None) => Use::default(),
            ([], Some(_)) => return Err(Code::WitnessMismatch.into()),
            ([(requirement, args), ..], witness) => {
                let rule = &program.messages().entry(message).ok_or(Code::NoMessage)?.rule;
                let predicate = rule.requires.get(*requirement).map_or(usize::MAX, |need| need.predicate);
                // That the predicate is true now was a condition of the step.
                self.rest.match_witness(block, asker, request.role, predicate, args, true, witness, now)?
            }
        };
        if !self.rest.audit.has_room(8) {
            return Err(Code::AuditFull.into());
        }
        Ok((message, way, consumed))
    }

    fn tree_step(&mut self, cap: &super::Capability, request: &Request<'_>) -> Result<Done, Miss> {
        let (message, way, consumed) = self.tree_choose(cap, request)?;
        let (page, place) = self.pages.place(cap.session).ok_or(Code::UnknownSession)?;
        let asker = Asker { cap, number: page.number };
        let plan = page.plan.clone();
        let Engine::Tree(program) = &plan.0.engine else { return Err(Code::UnknownSession.into()) };
        let number = page.cold.get(place).map_or(super::pages::NONE, |cold| cold.tree);
        let block = page.block_mut(place);
        let now = block::now(block).max(request.at);
        let Some(tree) = self.trees.get_mut(number) else { return Err(Code::UnknownSession.into()) };
        let repeated = way.is_duplicate();
        tree.live.take(program, &way);
        let done = match request.kind {
            Kind::Send => {
                if !repeated {
                    tree.sent = tree.sent.saturating_add(1);
                    if request.sides == Sides::Both {
                        tree.received = tree.received.saturating_add(1);
                    }
                }
                Done::plain(message, plan.label_of(message), 0)
            }
            Kind::Receive => {
                tree.received = tree.received.saturating_add(1);
                Done::plain(message, plan.label_of(message), 0)
            }
            _ => Done::plain(message, plan.label_of(message), 0),
        };
        block::set_now(block, now);
        let mut head = Head::read(block);
        head.steps = head.steps.wrapping_add(1);
        head.write(block);
        if head.steps == 0 {
            self.rest.spill.carry(cap.session.slot);
        }
        let entry = record(asker, request.kind, now, request.role, request.peer, message.raw());
        let record = self.rest.audit.accepted(super::judge::consuming(entry, &consumed));
        self.rest.use_witness(block, asker, request.role, &consumed, now);
        self.arm(cap.session);
        Ok(Done { record, repeated, ..done })
    }
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
            let text = if *used { "the instance with this key has ended" } else { "there is no instance with this key" };
            Miss::with(Code::NotEnabled, Detail::Text(text.into()))
        }
        Why::Full => Code::Full.into(),
        Why::NotSent => Code::Unexpected.into(),
        Why::Fault(fault) => faulted(fault.clone()),
        Why::Unwitnessed { .. } => Miss::with(Code::WitnessFalse, detail()),
        Why::False { .. } | Why::Unfit { .. } | Why::Broken { .. } => Miss::with(Code::Condition, detail()),
        Why::TooEarly { from } => Miss::with(Code::Condition, Detail::Text(format!("too early, from {from} on").into())),
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

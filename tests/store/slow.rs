//! The slow store: plain maps, and the reference beside them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use polylogue::{
    event::Event,
    id::{Id, LabelId, RoleId, SortId, StateId},
    protocol::{Act, EdgeKind},
    reference::{self, Configuration},
    session::{Code, SessionId, Status},
};

use crate::protocols::{Given, Known, Need, Needs};

/// Labels, signatures and payload ids, oldest first.
pub type Queue = VecDeque<(LabelId, SortId, u64)>;

pub type Roles = BTreeSet<RoleId>;

#[derive(Clone, Debug)]
pub struct Claim {
    pub owner: u64,
    pub roles: Roles,
    pub transfer: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Offer {
    pub label: LabelId,
    pub sort: SortId,
    pub stamp: u32,
    pub payload: u64,
    pub witnesses: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Waiting,
    Consumed,
    Stale,
    Expired,
}

#[derive(Clone, Debug)]
pub struct Witness {
    pub session: SessionId,
    pub stamp: u32,
    pub roles: Roles,
    pub need: Need,
    pub arg: i64,
    pub until: Option<i64>,
    pub fate: Fate,
}

impl Witness {
    pub fn brief(&self) -> bool {
        self.need == Need::Checked && self.until.is_none()
    }
}

#[derive(Clone, Debug)]
pub struct Transfer {
    pub session: SessionId,
    pub from: u64,
    pub to: u64,
    pub stamp: u32,
    pub roles: Roles,
}

pub struct Sess {
    pub known: usize,
    pub status: Status,
    pub now: i64,
    pub opened: i64,
    pub closed: i64,
    pub epoch: u32,
    pub stamp: u32,
    pub claims: BTreeMap<u32, Claim>,
    pub states: Vec<StateId>,
    pub queues: BTreeMap<(RoleId, RoleId), Queue>,
    pub conf: Configuration,
    pub offers: BTreeMap<(RoleId, RoleId), Offer>,
    pub handlers: BTreeMap<Option<(RoleId, RoleId)>, u32>,
    pub timeouts: BTreeMap<u32, (i64, u64)>,
    pub sent: u64,
    pub received: u64,
    pub records: u64,
    pub steps: u64,
    pub key: Option<u64>,
}

/// A step of a role that its type and the queues allow: what it is, and where it leads.
#[derive(Clone, Debug)]
pub struct Moved {
    pub label: LabelId,
    pub sort: SortId,
    pub then: StateId,
    pub offers: bool,
}

impl Sess {
    pub fn new(index: usize, known: &Known, at: i64) -> Self {
        let system = reference::System::new(&known.terms, &known.channels, None);
        Self {
            known: index,
            status: Status::Active,
            now: at,
            opened: at,
            closed: 0,
            epoch: 0,
            stamp: 0,
            claims: BTreeMap::new(),
            states: known.locals.values().map(|local| local.initial).collect(),
            queues: BTreeMap::new(),
            conf: system.initial(),
            offers: BTreeMap::new(),
            handlers: BTreeMap::new(),
            timeouts: BTreeMap::new(),
            sent: 0,
            received: 0,
            records: 1,
            steps: 0,
            key: None,
        }
    }

    pub fn queue(&self, from: RoleId, to: RoleId) -> usize {
        self.queues.get(&(from, to)).map_or(0, VecDeque::len)
    }

    pub fn holder(&self, role: RoleId) -> Option<(u32, &Claim)> {
        self.claims.iter().find(|(_, claim)| claim.roles.contains(&role)).map(|(stamp, claim)| (*stamp, claim))
    }

    pub fn finished(&self, known: &Known, role: RoleId) -> bool {
        known.locals[role].states[self.states[role.index()]].may_stop
    }

    fn leads(&self, known: &Known, role: RoleId, act: Act, label: LabelId, sort: SortId) -> Option<StateId> {
        let arms = known.arms(role, self.states[role.index()]);
        arms.into_iter().find(|arm| (arm.0, arm.1, arm.2) == (act, label, sort)).map(|arm| arm.3)
    }

    /// What a send is: the furthest of its failures, of several the first.
    pub fn send(
        &self,
        known: &Known,
        from: RoleId,
        to: RoleId,
        label: LabelId,
        given: &Given,
    ) -> Result<(Moved, Needs), Code> {
        if to.index() >= known.roles.len() {
            return Err(Code::NoRole);
        }
        let mut miss: Option<(u8, Code)> = None;
        let mut none = true;
        for &(_, _, _, sort) in known.messages.iter().filter(|one| (one.0, one.1, one.2) == (from, to, label)) {
            none = false;
            let (kind, bound, beyond) = known.edge(from, to).unwrap();
            let sync = kind == EdgeKind::Sync;
            let (rank, code) = match self.leads(known, from, Act::Send(to), label, sort) {
                None => (0, Code::NotEnabled),
                Some(_) if !sync && self.queue(from, to) >= bound => (1, beyond),
                Some(then) => match known.judge(label, sort, given) {
                    (Ok(()), need) => return Ok((Moved { label, sort, then, offers: sync }, need)),
                    (Err(Code::Payload), _) => (2, Code::Payload),
                    (Err(code), _) => (3, code),
                },
            };
            if miss.is_none_or(|known| known.0 < rank) {
                miss = Some((rank, code));
            }
        }
        Err(if none { Code::NoMessage } else { miss.unwrap().1 })
    }

    pub fn act(&self, known: &Known, role: RoleId, label: LabelId, given: &Given) -> Result<(Moved, Needs), Code> {
        let mut code = Code::NotEnabled;
        for (act, other, sort, then) in known.arms(role, self.states[role.index()]) {
            if act == Act::Act && other == label {
                match known.judge(label, sort, given) {
                    (Ok(()), need) => return Ok((Moved { label, sort, then, offers: false }, need)),
                    (Err(why), _) => code = why,
                }
            }
        }
        Err(code)
    }

    /// What a receive takes; of an offer with where its sender goes.
    pub fn receive(&self, known: &Known, role: RoleId, from: RoleId) -> Result<(Moved, Option<StateId>), Code> {
        if from.index() >= known.roles.len() {
            return Err(Code::NoRole);
        }
        let (kind, ..) = known.edge(from, role).ok_or(Code::NoEdge)?;
        if kind == EdgeKind::Sync {
            let offer = self.offers.get(&(from, role)).ok_or(Code::Empty)?;
            let (label, sort) = (offer.label, offer.sort);
            let sender = self.leads(known, from, Act::Send(role), label, sort);
            let receiver = self.leads(known, role, Act::Receive(from), label, sort);
            return match (sender, receiver) {
                (Some(sender), Some(then)) => Ok((Moved { label, sort, then, offers: true }, Some(sender))),
                (_, None) => Err(Code::Unexpected),
                (None, _) => Err(Code::Empty),
            };
        }
        let &(label, sort, _) = self.queues.get(&(from, role)).and_then(VecDeque::front).ok_or(Code::Empty)?;
        let then = self.leads(known, role, Act::Receive(from), label, sort).ok_or(Code::Unexpected)?;
        Ok((Moved { label, sort, then, offers: false }, None))
    }

    /// The reference takes the event as well, in exactly one way.
    pub fn follow(&mut self, known: &Known, event: Event) {
        let system = reference::System::new(&known.terms, &known.channels, None);
        let mut next = system.successors(&self.conf, event);
        assert_eq!(next.len(), 1, "{event:?} is not the reference's");
        self.conf = next.pop().unwrap();
        for (from, to, queue) in self.conf.queues() {
            let ours: Vec<_> = self.queues[&(from, to)].iter().map(|one| (one.0, one.1)).collect();
            assert_eq!(queue.collect::<Vec<_>>(), ours);
        }
    }
}

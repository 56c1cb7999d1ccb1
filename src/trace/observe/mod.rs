//! Observers: which configurations explain what was seen (LANGUAGE, "Observation").
//!
//! Comes in: a set of configurations that explain the events so far, and what the next event may be. Goes out: the set
//! that explains this one too, or why there is none.
//!
//! * `total`: each message is sent and received in one instant, unless the event says which side it shows.
//! * `endpoint` of a role: what the role itself sent and received, in its order; its machine runs alone.
//! * `wire`: a message proves its send; its receive lies anywhere between then and the receiver's first act that
//!   presupposes it ([`wire`]).
//!
//! The set has more than one configuration only where a machine has twins, where a label stands with several payload
//! signatures that fit the same payload, or where the observer cannot see receives. It is capped; beyond the cap
//! nothing is claimed.
//!
//! What may happen and what it changes is decided by [`System::admits_send`] and its siblings, and by
//! [`System::step`]; here is only what an observer knows about it.

pub(crate) mod flat;
mod wire;

use rustc_hash::FxHashSet;

use super::payload::Misfit;
use crate::{
    id::{ActionId, EdgeId, IdVec, LabelId, MessageId, RoleId, SortId, StateId},
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{Act, Observer, Side},
};

/// With everything in sight, only the specification itself can leave open what happened.
const MAX_TOTAL: usize = 8;
/// As many explanations as are followed when receives are out of sight.
const MAX_WIRE: usize = 1_024;

/// What an event may be, in terms of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'k> {
    /// One of these messages, between the same roles with the same label.
    Message { messages: &'k [MessageId], side: Side },
    /// A local action with one of these payloads.
    Act { role: RoleId, label: LabelId, sorts: &'k [SortId] },
}

/// Why no configuration explains an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The sender, or the role that acts, may not.
    Sender,
    /// The receiver may not.
    Receiver,
    /// The sender may, but for the edge, which has no room.
    Full,
    /// It is not the next message on its way.
    Unsent,
    /// It may happen, but not with this payload.
    Payload(Misfit),
}

/// More explanations than are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Steps of roles: the state, and the column taken in it.
pub(crate) type Trail = Vec<(RoleId, StateId, ActionId)>;

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Step {
    /// These configurations explain it, and all that came before. The trail is empty unless there is just one.
    Explained(Vec<Configuration>, Trail),
    /// None does.
    Refused(Refusal),
    /// Too many do.
    Unknown,
}

/// A configuration on the way, and the way.
#[derive(Clone, Debug)]
struct Found {
    at: Configuration,
    trail: Trail,
}

impl Found {
    fn of(at: &Configuration) -> Self {
        Self { at: at.clone(), trail: Trail::new() }
    }
}

/// An observer of one system.
#[derive(Clone, Debug)]
pub(crate) struct Watcher<'a> {
    pub(crate) system: &'a System,
    pub(crate) observer: Observer,
    /// Events may show one side of a message.
    pub(crate) sided: bool,
    /// Whether some machine may answer one event in two ways.
    pub(crate) twins: bool,
    /// The edges on which each role receives.
    into: IdVec<RoleId, Vec<EdgeId>>,
}

/// Asks whether a payload fits a signature.
pub(crate) type Fit<'f> = dyn FnMut(SortId) -> Result<(), Misfit> + 'f;

const SEMANTICS: Semantics = Semantics { bound: None };

impl<'a> Watcher<'a> {
    pub(crate) fn new(system: &'a System, observer: Observer, sided: bool) -> Self {
        let mut into: IdVec<RoleId, Vec<EdgeId>> = IdVec::filled(Vec::new(), system.machines().len());
        for (id, edge) in system.edges().iter() {
            if let Some(edges) = into.entry_mut(edge.to) {
                edges.push(id);
            }
        }
        let twins = system.machines().values().any(|m| m.actions().values().any(|action| action.twin > 0));
        Self { system, observer, sided, twins, into }
    }

    /// Takes a move, and notes who went where.
    fn take(&self, found: &mut Found, step: Move) {
        match step {
            Move::Send { role, action, .. }
            | Move::Lose { role, action, .. }
            | Move::Receive { role, action, .. }
            | Move::Act { role, action, .. } => {
                found.trail.push((role, found.at.state(role), action));
            }
            Move::Sync { sender, receiver, .. } => {
                found.trail.push((sender.0, found.at.state(sender.0), sender.1));
                found.trail.push((receiver.0, found.at.state(receiver.0), receiver.1));
            }
        }
        self.system.step(&mut found.at, step);
    }

    /// Every move of a kind; more than one only with twins, which `enabled` lists.
    fn moves(&self, at: &Configuration, first: Option<Move>, same: impl Fn(&Move) -> bool) -> Vec<Move> {
        if !self.twins {
            return first.into_iter().collect();
        }
        let mut moves = Vec::new();
        self.system.enabled(SEMANTICS, at, &mut moves, |_, _| {});
        moves.retain(same);
        moves
    }

    fn sends(&self, at: &Configuration, wanted: MessageId) -> Vec<Move> {
        let first = self.system.admits_send(SEMANTICS, at, wanted);
        self.moves(at, first, |step| matches!(*step, Move::Send { message, .. } if message == wanted))
    }

    fn syncs(&self, at: &Configuration, wanted: MessageId) -> Vec<Move> {
        let first = self.system.admits_sync(SEMANTICS, at, wanted);
        self.moves(at, first, |step| matches!(*step, Move::Sync { message, .. } if message == wanted))
    }

    fn takes(&self, at: &Configuration, wanted: MessageId) -> Vec<Move> {
        let first = self.system.admits_receive(at, wanted);
        self.moves(at, first, |step| matches!(*step, Move::Receive { message, .. } if message == wanted))
    }

    fn acts(&self, at: &Configuration, who: RoleId, label: LabelId, sort: SortId) -> Vec<Move> {
        self.offers(at.state(who), who, Act::Act, label, sort)
            .map(|(action, then)| Move::Act { role: who, action, then })
            .collect()
    }

    /// What a state of a role offers under a name.
    fn offers(
        &self,
        state: StateId,
        role: RoleId,
        act: Act,
        label: LabelId,
        sort: SortId,
    ) -> impl Iterator<Item = (ActionId, StateId)> {
        let machine = self.system.machines().entry(role);
        let offers = machine.map_or(&[][..], |machine| machine.offers(state));
        offers.iter().filter_map(move |offer| {
            let action = machine?.actions()[offer.action];
            ((action.act, action.label, action.sort) == (act, label, sort)).then_some((offer.action, offer.then))
        })
    }

    fn is_sync(&self, message: MessageId) -> bool {
        let edge = self.system.messages()[message].edge;
        SEMANTICS.capacity(self.system.edges()[edge].kind) == Some(0)
    }

    fn ends(&self, message: MessageId) -> (RoleId, RoleId) {
        let edge = self.system.edges()[self.system.messages()[message].edge];
        (edge.from, edge.to)
    }

    fn offers_receive(&self, at: &Configuration, message: MessageId) -> bool {
        let info = self.system.messages()[message];
        let (from, to) = self.ends(message);
        self.offers(at.state(to), to, Act::Receive(from), info.label, info.sort).next().is_some()
    }

    /// If only room is missing to send a message, that is why it is refused.
    fn full(&self, at: &Configuration, message: MessageId, refusal: &mut Refusal) {
        let edge = self.system.messages()[message].edge;
        let room = SEMANTICS.capacity(self.system.edges()[edge].kind);
        if *refusal == Refusal::Sender && room.is_some_and(|room| room > 0 && at.queued(edge) >= room as usize) {
            let (from, to) = self.ends(message);
            let sends = Act::Send(to);
            if self.offers(at.state(from), from, sends, self.label(message), self.sort(message)).next().is_some() {
                *refusal = Refusal::Full;
            }
        }
    }

    /// The configurations that explain an event after those of `set`.
    pub(crate) fn next(&self, set: &[Configuration], seen: Seen<'_>, fit: &mut Fit<'_>) -> Step {
        let mut found = Vec::new();
        let mut refusal = Refusal::Sender;
        // Once per payload signature: who may, and whether the payload fits.
        let signatures = match seen {
            Seen::Message { messages, .. } => messages.len(),
            Seen::Act { sorts, .. } => sorts.len(),
        };
        for at in 0..signatures {
            let before = found.len();
            let reached = match seen {
                Seen::Message { messages, side } => match messages.get(at) {
                    Some(&message) => self.message(set, message, side, &mut found, &mut refusal),
                    None => Ok(()),
                },
                Seen::Act { role, label, sorts } => match sorts.get(at) {
                    Some(&sort) => self.act(set, role, label, sort, &mut found),
                    None => Ok(()),
                },
            };
            if reached.is_err() {
                return Step::Unknown;
            }
            if found.len() == before {
                continue;
            }
            let sort = match seen {
                Seen::Message { messages, .. } => messages.get(at).map(|&message| self.system.messages()[message].sort),
                Seen::Act { sorts, .. } => sorts.get(at).copied(),
            };
            if let Some(Err(misfit)) = sort.map(&mut *fit) {
                found.truncate(before);
                if !matches!(refusal, Refusal::Payload(_)) {
                    refusal = Refusal::Payload(misfit);
                }
            }
        }
        self.prune(&mut found);
        let most = if self.observer == Observer::Wire { MAX_WIRE } else { MAX_TOTAL };
        match &mut *found {
            [] => Step::Refused(refusal),
            [only] => {
                let trail = std::mem::take(&mut only.trail);
                Step::Explained(found.into_iter().map(|found| found.at).collect(), trail)
            }
            more if more.len() > most => Step::Unknown,
            _ => Step::Explained(found.into_iter().map(|found| found.at).collect(), Trail::new()),
        }
    }

    fn prune(&self, found: &mut Vec<Found>) {
        if found.len() < 2 {
            return;
        }
        let mut known = FxHashSet::default();
        found.retain(|found| known.insert(found.at.clone()));
        if self.observer == Observer::Wire {
            self.prune_subsumed(found);
        }
    }

    fn message(
        &self,
        set: &[Configuration],
        message: MessageId,
        side: Side,
        found: &mut Vec<Found>,
        refusal: &mut Refusal,
    ) -> Result<(), TooMany> {
        let (from, to) = self.ends(message);
        for at in set {
            match (self.observer, side) {
                (Observer::Endpoint(role), _) => {
                    let info = self.system.messages()[message];
                    let sends = role == from && side != Side::Receive;
                    let act = if sends { Act::Send(to) } else { Act::Receive(from) };
                    if !sends && *refusal == Refusal::Sender {
                        *refusal = Refusal::Receiver;
                    }
                    for (action, then) in self.offers(at.state(role), role, act, info.label, info.sort) {
                        let mut next = Found::of(at);
                        next.trail.push((role, at.state(role), action));
                        next.at.set_state(role, then);
                        found.push(next);
                    }
                }
                (Observer::Total, Side::Both | Side::Send) if self.is_sync(message) => {
                    for step in self.syncs(at, message) {
                        let mut next = Found::of(at);
                        self.take(&mut next, step);
                        found.push(next);
                    }
                    if self
                        .offers(at.state(from), from, Act::Send(to), self.label(message), self.sort(message))
                        .next()
                        .is_some()
                        && *refusal == Refusal::Sender
                    {
                        *refusal = Refusal::Receiver;
                    }
                }
                (Observer::Total, Side::Both) => {
                    self.full(at, message, refusal);
                    for step in self.sends(at, message) {
                        let mut sent = Found::of(at);
                        self.take(&mut sent, step);
                        let takes = self.takes(&sent.at, message);
                        if takes.is_empty() && *refusal == Refusal::Sender {
                            let takes_it = self.offers_receive(&sent.at, message);
                            *refusal = if takes_it { Refusal::Unsent } else { Refusal::Receiver };
                        }
                        for step in takes {
                            let mut next = sent.clone();
                            self.take(&mut next, step);
                            found.push(next);
                        }
                    }
                }
                (Observer::Total, Side::Send) => {
                    self.full(at, message, refusal);
                    for step in self.sends(at, message) {
                        let mut next = Found::of(at);
                        self.take(&mut next, step);
                        found.push(next);
                    }
                }
                (Observer::Wire, Side::Both | Side::Send) => {
                    let before = found.len();
                    self.wire_send(at, message, found)?;
                    if found.len() == before {
                        self.full(at, message, refusal);
                    }
                }
                (Observer::Total | Observer::Wire, Side::Receive) => {
                    let starts = match self.observer {
                        Observer::Wire => self.receives(Found::of(at), to)?,
                        _ => vec![Found::of(at)],
                    };
                    for start in starts {
                        if self.offers_receive(&start.at, message) {
                            *refusal = Refusal::Unsent;
                        } else if *refusal == Refusal::Sender {
                            *refusal = Refusal::Receiver;
                        }
                        for step in self.takes(&start.at, message) {
                            let mut next = start.clone();
                            self.take(&mut next, step);
                            found.push(next);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn label(&self, message: MessageId) -> LabelId {
        self.system.messages()[message].label
    }

    fn sort(&self, message: MessageId) -> SortId {
        self.system.messages()[message].sort
    }

    fn act(
        &self,
        set: &[Configuration],
        role: RoleId,
        label: LabelId,
        sort: SortId,
        found: &mut Vec<Found>,
    ) -> Result<(), TooMany> {
        for at in set {
            let starts = match self.observer {
                Observer::Wire => self.receives(Found::of(at), role)?,
                _ => vec![Found::of(at)],
            };
            for start in starts {
                for step in self.acts(&start.at, role, label, sort) {
                    let mut next = start.clone();
                    self.take(&mut next, step);
                    self.settle(&mut next, role);
                    found.push(next);
                }
            }
        }
        Ok(())
    }

    /// Whether the session may be over.
    pub(crate) fn is_final(&self, set: &[Configuration]) -> bool {
        set.iter().any(|at| match self.observer {
            Observer::Total => self.system.is_final(at),
            Observer::Endpoint(role) => {
                self.system.machines().entry(role).is_some_and(|machine| machine.may_stop(at.state(role)))
            }
            Observer::Wire => self.wire_final(at),
        })
    }

    /// Everything that would be accepted next, each once: who, how, label, payload, and where it is written.
    pub(crate) fn expected(&self, set: &[Configuration]) -> Vec<Offered> {
        let mut all: Vec<Offered> = Vec::new();
        let mut known = FxHashSet::default();
        for at in set {
            for (role, machine) in self.system.machines().iter() {
                if matches!(self.observer, Observer::Endpoint(only) if only != role) {
                    continue;
                }
                let starts = match self.observer {
                    Observer::Wire => self.receives(Found::of(at), role).unwrap_or_else(|_| vec![Found::of(at)]),
                    _ => vec![Found::of(at)],
                };
                for start in starts {
                    for offer in machine.offers(start.at.state(role)) {
                        let action = machine.actions()[offer.action];
                        let offered =
                            Offered { role, act: action.act, label: action.label, sort: action.sort, span: offer.span };
                        let seen = match (action.act, self.system.message_of(role, offer.action)) {
                            (Act::Act, _) => {
                                Seen::Act { role, label: action.label, sorts: std::slice::from_ref(&action.sort) }
                            }
                            (Act::Receive(_), _) if !self.shows_receives() => continue,
                            (Act::Scope(_) | Act::Leave(..) | Act::Exit(..), _) | (_, None) => continue,
                            (Act::Send(_), Some(ref message)) => {
                                let side = if self.sided { Side::Send } else { Side::Both };
                                let seen = Seen::Message { messages: std::slice::from_ref(message), side };
                                if self.accepts(&start.at, seen)
                                    && known.insert((role, offered.act, offered.label, offered.sort))
                                {
                                    all.push(offered);
                                }
                                continue;
                            }
                            (Act::Receive(_), Some(ref message)) => {
                                let seen =
                                    Seen::Message { messages: std::slice::from_ref(message), side: Side::Receive };
                                if self.accepts(&start.at, seen)
                                    && known.insert((role, offered.act, offered.label, offered.sort))
                                {
                                    all.push(offered);
                                }
                                continue;
                            }
                        };
                        if self.accepts(&start.at, seen)
                            && known.insert((role, offered.act, offered.label, offered.sort))
                        {
                            all.push(offered);
                        }
                    }
                }
            }
        }
        all
    }

    fn shows_receives(&self) -> bool {
        self.sided || matches!(self.observer, Observer::Endpoint(_))
    }

    fn accepts(&self, at: &Configuration, seen: Seen<'_>) -> bool {
        !matches!(self.next(std::slice::from_ref(at), seen, &mut |_| Ok(())), Step::Refused(_))
    }
}

/// Something that would have been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) role: RoleId,
    pub(crate) act: Act,
    pub(crate) label: LabelId,
    pub(crate) sort: SortId,
    pub(crate) span: crate::diag::Span,
}

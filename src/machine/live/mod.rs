//! Live configurations of a [`Program`]: where every role is, what its variables hold, what is on its way.
//!
//! A role is at a tree of *activations*: a state of a region's automaton, and while it is in a scope, the activations
//! of the scope's regions; a family holds an activation and a frame of variables per instance. What may happen is
//! decided by [`Live::admits`] alone, what it changes by [`Live::take`] alone, for traces, stores and checks alike.
//!
//! ```text
//! [step]    L(s) --p!q:l--> L(t)               an arm of the row of s, if its rule holds
//! [enter]   s: in(C, u).  C's parts at their start --a--> C'   ⟹   s --a--> u with C' inside
//! [inside]  C --a--> C'                        ⟹   u with C  --a-->  u with C'
//! [leave]   C may end by way n, u: out(n, v), v --a--> w       ⟹   u with C  --a-->  w
//! [open]    a family without instance k, its start --a--> R      ⟹   an instance k at R
//! [close]   an instance whose block has ended is gone; its key stays used
//! [handle]  a handler's first step leaves the body, and all later handlers, behind
//! [stale]   what belongs to a scope that its receiver has left is discarded
//! ```
//!
//! A step looks, then changes: nothing is changed by what is refused. Evaluation is bounded (see [`crate::data`]).

mod bare;
mod ends;
mod env;
mod explain;
mod find;
mod memory;
mod mover;
mod offer;
mod step;
mod time;
mod witness;

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

pub use self::{
    bare::Tree,
    explain::Reads,
    find::{Refused, Why},
    memory::digest,
    offer::Offer,
    step::Way,
    time::Lapse,
    witness::Required,
};
use super::program::{End, Program, ScopeParts};
use crate::{
    data::{Assumed, Externs, Value},
    id::{EdgeId, IdVec, MessageId, RegionId, RoleId, ScopeId, StateId},
    protocol::{EdgeKind, KeyUse},
};

/// The values of a frame; a slot without one has not been assigned.
pub(super) type Frame = Vec<Option<Value>>;

/// Microseconds since 1970, by the clock of whoever calls.
pub type Time = i64;

/// What is seen: a message or a local action, with the values of its payload.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Which message; of several that it can be, one is asked for after the other.
    pub message: MessageId,
    /// Which sides happen.
    pub sides: Sides,
    /// The payload fields by their index, as far as the rule reads them.
    pub payload: &'a [Option<Value>],
    /// A digest of everything in the payload that counts as its content.
    pub content: u128,
    /// When.
    pub now: Time,
    /// What the host says of extern predicates.
    pub externs: &'a dyn Externs,
}

/// Which sides of a message happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Send and receive in one instant.
    Both,
    /// The send; the message is then on its way.
    Send,
    /// The receive of the oldest message on the edge.
    Receive,
    /// The receive of one role whose peers are not watched: nothing need be on its way.
    Take,
    /// The send of one role whose peers are not watched.
    Give,
    /// The receive of a message whose sender's type is behind: what the sender must know is judged when it catches up.
    Early,
    /// The send of a message that was received already.
    Behind,
    /// An attempt at a step by its sender that failed: it may be made, and moves nothing.
    Attempt,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Queued {
    pub(super) message: MessageId,
    pub(super) payload: Arc<[Option<Value>]>,
}

/// A region that a role is in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Activation {
    pub(super) region: RegionId,
    pub(super) state: StateId,
    /// Since when it is in this state.
    pub(super) since: Time,
    /// The scope that it is in.
    pub(super) inside: Option<Box<Inside>>,
    /// Scopes that it has left, in which rounds are still open, or may begin.
    pub(super) lingering: Vec<Inside>,
    /// The obligation to leave this state in time.
    pub(super) armed: u32,
}

/// A scope that a role is in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inside {
    pub(super) scope: ScopeId,
    pub(super) parts: Parts,
    /// Once it was left: who was heard from beyond it.
    pub(super) heard: Vec<RoleId>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parts {
    Par(Vec<Activation>),
    During { main: Option<Activation>, rounds: Vec<Round> },
    Try { at: Attempt, act: Activation, received: Time, limits: Vec<Option<(Time, Time)>> },
}

/// Which part of a `try` a role is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Body,
    Handler(usize),
    /// Out of the body, on the way to this handler: its time limit is known to have run out.
    Expired(usize),
}

impl Attempt {
    /// How many handlers may still be entered.
    pub(super) fn open(self, handlers: usize) -> usize {
        match self {
            Self::Body => handlers,
            Self::Handler(at) => at.min(handlers),
            Self::Expired(at) => at.saturating_add(1).min(handlers),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Round {
    One { act: Option<Activation>, beat: Beat },
    Family(Box<Family>),
}

/// By when a role must begin the next round (`every`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Beat {
    pub(super) until: Option<Time>,
    /// The obligation.
    pub(super) armed: u32,
}

/// The instances of a family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Family {
    pub(super) live: FxHashMap<u32, Instance>,
    /// Per key, where its values lead.
    pub(super) by_key: Vec<FxHashMap<Value, u32>>,
    /// Instances that lack a key, oldest first.
    pub(super) waiting: VecDeque<u32>,
    /// Per key, values that must not come again.
    pub(super) used: Vec<FxHashSet<Value>>,
    /// Per key, the greatest value so far.
    pub(super) highest: Vec<Option<Value>>,
    pub(super) next: u32,
    pub(super) beat: Beat,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instance {
    pub(super) frame: Frame,
    pub(super) act: Activation,
}

/// What of an abandoned scope may still arrive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stale {
    pub(super) regions: Arc<[RegionId]>,
    /// Peers from which something newer has arrived.
    pub(super) heard: Vec<RoleId>,
    /// What is no newer than this is of the abandoned scope, wherever else it could have a place (`@epoch`).
    pub(super) epoch: Option<Value>,
}

/// One role.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seat {
    pub(super) frame: Frame,
    pub(super) act: Activation,
    pub(super) stale: Vec<Stale>,
    pub(super) crashed: bool,
    /// The newest value of an `@epoch` field in what it sent or received.
    pub(super) epoch: Option<Value>,
}

/// A configuration of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub(super) seats: IdVec<RoleId, Seat>,
    /// Variables that nobody knows: the session's, and by role instance those of families.
    pub(super) nobody: Frame,
    pub(super) queues: IdVec<EdgeId, VecDeque<Queued>>,
    memory: memory::Memories,
    pub(super) now: Time,
    timers: time::Timers,
    /// How often what nobody knows was assigned at a place, and which of these times each role has come by.
    passed: FxHashMap<find::Passed, u32>,
    came_by: FxHashMap<(RoleId, find::Passed), u32>,
}

impl Live {
    /// Every role at its start, all that the host would be asked assumed to be true.
    #[must_use]
    pub fn new(program: &Program, now: Time) -> Self {
        Self::open(program, now, &Assumed)
    }

    /// Every role at its start. The faults of initial values show when they are read.
    #[must_use]
    pub fn open(program: &Program, now: Time, externs: &dyn Externs) -> Self {
        let size = program.frames.values().next().map_or(0, |frame| frame.slots.len());
        let slots = |role| program.frames.entry(program.root_frame(role)).map_or(0, |frame| frame.slots.len());
        let seats = program.automata.ids().map(|role| Seat {
            frame: vec![None; slots(role)],
            act: Activation::start(program, role, program.root(role), now),
            stale: Vec::new(),
            crashed: false,
            epoch: None,
        });
        let mut live = Self {
            seats: seats.collect(),
            nobody: vec![None; size],
            queues: program.edges.values().map(|_| VecDeque::new()).collect(),
            memory: memory::Memories::default(),
            now,
            timers: time::Timers::default(),
            passed: FxHashMap::default(),
            came_by: FxHashMap::default(),
        };
        live.begin(program, externs);
        live
    }

    /// The time of the latest event.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Whether every role may stop, no round is open and nothing is on its way.
    #[must_use]
    pub fn is_final(&self, program: &Program) -> bool {
        self.nothing_comes(program) && self.seats.ids().all(|role| self.may_stop(program, role))
    }

    /// Whether a role may stop here.
    #[must_use]
    pub fn may_stop(&self, program: &Program, role: RoleId) -> bool {
        let Some(seat) = self.seats.entry(role) else { return true };
        seat.crashed || ends::exits(program, role, find::At::Live(&seat.act)).contains(&0)
    }

    /// How many messages are on their way.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queues.values().map(VecDeque::len).fold(0, usize::saturating_add)
    }

    /// The oldest message on an edge.
    #[must_use]
    pub fn head(&self, edge: EdgeId) -> Option<(MessageId, Arc<[Option<Value>]>)> {
        self.queues.entry(edge)?.front().map(|queued| (queued.message, Arc::clone(&queued.payload)))
    }

    /// The oldest message on each edge to a role.
    #[must_use]
    pub fn heads(&self, program: &Program, role: RoleId) -> Vec<(MessageId, Arc<[Option<Value>]>)> {
        let edges = program.edges.iter().filter(|(_, (_, to, _))| *to == role);
        edges.flat_map(|(edge, _)| self.arriving(program, edge)).collect()
    }

    /// What may be received next from an edge: its head; if it may drop what is in it, any message.
    #[must_use]
    pub fn arriving(&self, program: &Program, edge: EdgeId) -> Vec<(MessageId, Arc<[Option<Value>]>)> {
        let most = if self.is_lossy(program, edge) { usize::MAX } else { 1 };
        let queue = self.queues.entry(edge).into_iter().flatten().take(most);
        queue.map(|queued| (queued.message, Arc::clone(&queued.payload))).collect()
    }

    fn is_lossy(&self, program: &Program, edge: EdgeId) -> bool {
        program.edges.entry(edge).is_some_and(|(_, _, kind)| *kind == EdgeKind::Lossy)
    }

    /// Whether nothing is on its way, but for what may be lost.
    fn nothing_comes(&self, program: &Program) -> bool {
        self.queues.iter().all(|(edge, queue)| queue.is_empty() || self.is_lossy(program, edge))
    }

    /// Whether nothing can happen any more: nobody has a step left, and nothing is on its way.
    #[must_use]
    pub fn is_over(&self, program: &Program) -> bool {
        self.nothing_comes(program)
            && self.seats.iter().all(|(role, seat)| seat.crashed || ends::is_over(program, role, &seat.act))
    }

    /// How many instances of families are live, over all roles.
    #[must_use]
    pub fn instances(&self) -> usize {
        let mut count = 0_usize;
        for seat in self.seats.values() {
            seat.act.visit(&mut |inside| {
                if let Parts::During { rounds, .. } = &inside.parts {
                    for round in rounds {
                        if let Round::Family(family) = round {
                            count = count.saturating_add(family.live.len());
                        }
                    }
                }
            });
        }
        count
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    /// Whether a role that sends its way through a place is the first to come there, again: it has come by every time
    /// that somebody did.
    fn is_first(&self, role: RoleId, place: find::Passed) -> bool {
        self.passed.get(&place) == self.came_by.get(&(role, place))
    }

    /// A role comes by a place.
    fn come_by(&mut self, role: RoleId, place: find::Passed, sends: bool) {
        let first = sends && self.is_first(role, place);
        let times = self.passed.entry(place).or_default();
        if first {
            *times = times.wrapping_add(1);
        }
        self.came_by.insert((role, place), *times);
    }

    /// Whether an edge has room for one more.
    pub(super) fn has_room(&self, program: &Program, edge: EdgeId) -> bool {
        match program.edges.entry(edge) {
            Some((_, _, EdgeKind::Bounded(most))) => {
                self.queues.entry(edge).is_none_or(|queue| queue.len() < *most as usize)
            }
            _ => true,
        }
    }
}

impl Activation {
    /// A role at the start of a region.
    pub(super) fn start(program: &Program, role: RoleId, region: RegionId, now: Time) -> Self {
        let state = program.automaton_of(role, region).map_or(StateId::default(), |automaton| automaton.initial);
        Self { region, state, since: now, inside: None, lingering: Vec::new(), armed: 0 }
    }

    /// The scope that it is in, and those that it has left with rounds still open.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &Inside> {
        self.inside.as_deref().into_iter().chain(&self.lingering)
    }

    /// Every scope that is open in it, outermost first.
    pub(super) fn visit(&self, seen: &mut impl FnMut(&Inside)) {
        let mut todo = vec![self];
        while let Some(act) = todo.pop() {
            for inside in act.scopes() {
                seen(inside);
                inside.activations(&mut todo);
            }
        }
    }
}

impl Inside {
    /// The activations right inside.
    pub(super) fn activations<'i>(&'i self, found: &mut Vec<&'i Activation>) {
        match &self.parts {
            Parts::Par(parts) => found.extend(parts),
            Parts::During { main, rounds } => {
                found.extend(main);
                for round in rounds {
                    match round {
                        Round::One { act, .. } => found.extend(act),
                        Round::Family(family) => found.extend(family.live.values().map(|one| &one.act)),
                    }
                }
            }
            Parts::Try { act, .. } => found.push(act),
        }
    }

    /// A scope at its start, for one role.
    pub(super) fn start(program: &Program, role: RoleId, scope: ScopeId, now: Time) -> Option<Self> {
        let info = program.scopes.entry(scope)?.as_ref()?;
        let parts = match &info.parts {
            ScopeParts::Par(parts) => {
                Parts::Par(parts.iter().map(|&part| Activation::start(program, role, part, now)).collect())
            }
            ScopeParts::During(main, rounds) => Parts::During {
                main: main.map(|main| Activation::start(program, role, main, now)),
                rounds: rounds
                    .iter()
                    .map(|round| match round.family {
                        None => Round::One { act: None, beat: Beat::default() },
                        Some(frame) => Round::Family(Box::new(Family::new(program, frame))),
                    })
                    .collect(),
            },
            ScopeParts::Try(body, handlers) => Parts::Try {
                at: Attempt::Body,
                act: Activation::start(program, role, *body, now),
                received: now,
                limits: vec![None; handlers.len()],
            },
        };
        Some(Self { scope, parts, heard: Vec::new() })
    }
}

impl Family {
    pub(super) fn new(program: &Program, frame: crate::id::FrameId) -> Self {
        let keys = program.frames.entry(frame).map_or(0, |frame| frame.keys.len());
        Self {
            by_key: vec![FxHashMap::default(); keys],
            used: vec![FxHashSet::default(); keys],
            highest: vec![None; keys],
            ..Self::default()
        }
    }

    /// The instance that a key names.
    pub(super) fn named(&self, key: usize, value: &Value) -> Option<u32> {
        self.by_key.get(key)?.get(value).copied()
    }

    /// Whether a key may be given to an instance.
    pub(super) fn is_free(&self, key: usize, value: &Value, use_: KeyUse) -> bool {
        match use_ {
            KeyUse::Once => self.used.get(key).is_none_or(|used| !used.contains(value)),
            KeyUse::Reusable => true,
            KeyUse::Rising => {
                let highest = self.highest.get(key).and_then(Option::as_ref);
                highest.is_none_or(|highest| value > highest)
            }
        }
    }

    /// Gives a key to an instance.
    pub(super) fn name(&mut self, id: u32, key: usize, value: Value, use_: KeyUse) {
        match use_ {
            KeyUse::Once => {
                if let Some(used) = self.used.get_mut(key) {
                    used.insert(value.clone());
                }
            }
            KeyUse::Reusable => {}
            KeyUse::Rising => {
                if let Some(highest) = self.highest.get_mut(key) {
                    *highest = Some(value.clone());
                }
            }
        }
        if let Some(by_key) = self.by_key.get_mut(key) {
            by_key.insert(value, id);
        }
    }
}

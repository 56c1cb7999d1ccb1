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
mod evaluate;
mod explain;
mod family;
mod find;
mod find_instance;
mod footprint;
mod heap;
mod limits;
mod look;
mod memory;
mod mover;
mod offer;
mod place;
mod settle;
mod step;
mod straight;
mod time;
mod why;
mod witness;

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;

use self::family::Family;
pub use self::{
    bare::Tree,
    explain::Reads,
    footprint::Footprint,
    memory::{content, digest},
    offer::Offer,
    step::{Passage, Way},
    straight::Straight,
    time::Lapse,
    why::{Refused, Why},
    witness::Required,
};
use super::program::{End, Program, ScopeParts};
use crate::{
    data::{Assumed, Externs, Value},
    id::{EdgeId, IdVec, MessageId, RegionId, RoleId, ScopeId, StateId},
    protocol::EdgeKind,
};

/// The values of a frame; a slot without one has not been assigned.
pub(super) type Frame = [Option<Value>];

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
    rare: Option<Box<Rare>>,
}

/// What most activations do not have: there are many of them, one for each instance of a family.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    lingering: Vec<Inside>,
    armed: u32,
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
    pub(super) frame: Box<Frame>,
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
    pub(super) nobody: Box<Frame>,
    pub(super) queues: IdVec<EdgeId, VecDeque<Queued>>,
    memory: memory::Memories,
    pub(super) now: Time,
    timers: time::Timers,
    /// How often what nobody knows was assigned at a place, and which of these times each role has come by.
    passed: FxHashMap<place::Passed, u32>,
    came_by: FxHashMap<(RoleId, place::Passed), u32>,
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
            frame: vec![None; slots(role)].into(),
            act: Activation::start(program, role, program.root(role), now),
            stale: Vec::new(),
            crashed: false,
            epoch: None,
        });
        let mut live = Self {
            seats: seats.collect(),
            nobody: vec![None; size].into(),
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
        seat.crashed || ends::exits(program, role, place::At::Live(&seat.act)).contains(&0)
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

    /// The messages on an edge, oldest first.
    pub fn queue(&self, edge: EdgeId) -> impl Iterator<Item = MessageId> + '_ {
        self.queues.entry(edge).into_iter().flatten().map(|queued| queued.message)
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
        // Most often the first role is not at its end.
        self.seats.iter().all(|(role, seat)| seat.crashed || ends::is_over(program, role, &seat.act))
            && self.nothing_comes(program)
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
    fn is_first(&self, role: RoleId, place: place::Passed) -> bool {
        self.passed.get(&place) == self.came_by.get(&(role, place))
    }

    /// A role comes by a place.
    fn come_by(&mut self, role: RoleId, place: place::Passed, sends: bool) {
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
        Self { region, state, since: now, inside: None, rare: None }
    }

    /// The scope that it is in, and those that it has left with rounds still open.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &Inside> {
        self.inside.as_deref().into_iter().chain(self.lingering())
    }

    /// Scopes that it has left, in which rounds are still open, or may begin.
    pub(super) fn lingering(&self) -> &[Inside] {
        self.rare.as_ref().map_or(&[], |rare| &rare.lingering)
    }

    /// The same, to be changed.
    pub(super) fn lingering_mut(&mut self) -> &mut [Inside] {
        self.rare.as_mut().map_or(&mut [], |rare| &mut rare.lingering)
    }

    /// It has left a scope.
    pub(super) fn linger(&mut self, left: Inside) {
        self.rare.get_or_insert_default().lingering.push(left);
    }

    /// What it has left is over.
    pub(super) fn forget(&mut self, at: usize) -> Option<Inside> {
        let lingering = &mut self.rare.as_mut()?.lingering;
        let left = (at < lingering.len()).then(|| lingering.remove(at));
        self.tidy();
        left
    }

    /// The obligation to leave its state in time; 0 if there is none.
    pub(super) fn armed(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.armed)
    }

    /// It has another obligation, or none any more; returns the one that it had.
    pub(super) fn arm(&mut self, armed: u32) -> u32 {
        if armed == 0 && self.rare.is_none() {
            return 0;
        }
        let before = std::mem::replace(&mut self.rare.get_or_insert_default().armed, armed);
        self.tidy();
        before
    }

    /// What it takes for what most activations do not have.
    pub(super) fn rare_bytes(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| {
            size_of::<Rare>().saturating_add(rare.lingering.capacity().saturating_mul(size_of::<Inside>()))
        })
    }

    /// INVARIANT (one form): what is not there has no place, so that equal activations are equal.
    fn tidy(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| rare.lingering.is_empty() && rare.armed == 0) {
            self.rare = None;
        }
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

//! Where an event can happen: every place in a role's tree of activations at which an arm takes a message.
//!
//! In: a role, a message and a side, and the keys that the message names. Out: [`Hit`]s, each with the way to it. Nothing
//! is evaluated here but conditions of time on handlers; rules are checked where steps are made. Regions that do not
//! mention the message are not entered.

use smallvec::SmallVec;

use super::{
    Activation, Attempt, Family, Frame, Inside, Instance, Live, Parts, Round, Stale, Time,
    ends::{Due, exits, is_over, owes_in, scope_exits},
    env::Frames,
};
use crate::{
    data::{Code, Value},
    diag::Span,
    id::{FrameId, MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{End, HandlerInfo, Program, RoundInfo, ScopeInfo, ScopeParts},
    protocol::{Key, Set, Trigger},
};

/// A scope is skipped, entered and left at most this often on the way to one step.
pub(super) const MAX_DEPTH: usize = 64;

/// A fresh instance has assigned nothing.
static EMPTY: Frame = Vec::new();

/// Why an event may not happen, from the nearest miss.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// Who is to blame: whose state, copy or time it is.
    pub role: RoleId,
}

/// Why an event may not happen. Later ones are nearer misses.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The message is nowhere in what the role may ever do from here.
    NotHere,
    /// The role is in another state.
    NotNow,
    /// No instance has the key that it names, and none may begin with it.
    NoInstance {
        /// The family.
        family: FrameId,
        /// The key.
        key: Value,
        /// It was used before.
        used: bool,
    },
    /// The edge is full.
    Full,
    /// Nothing, or something else, is at the head of the edge.
    NotSent,
    /// A handler may not be entered yet.
    TooEarlyToHandle {
        /// From when on.
        from: Time,
    },
    /// A condition is false.
    False {
        /// Which of the rule's.
        condition: usize,
    },
    /// What a witness is required of is false.
    Unwitnessed {
        /// Which of the rule's requirements.
        requirement: usize,
    },
    /// A condition or an assigned value cannot be computed.
    Fault(crate::data::Fault),
    /// An assigned value does not fit its variable.
    Unfit {
        /// The variable.
        slot: crate::data::Slot,
    },
    /// An invariant of a variable is false after it.
    Broken {
        /// The variable.
        slot: crate::data::Slot,
    },
    /// Not before a time.
    TooEarly {
        /// From when on.
        from: Time,
    },
    /// Not after a time.
    TooLate {
        /// Until when.
        until: Time,
    },
    /// The key was used under `unique by` before.
    NotUnique {
        /// Which of the rule's.
        option: usize,
    },
    /// The key was used under `idempotent by` with other content.
    OtherContent {
        /// Which of the rule's.
        option: usize,
    },
    /// More keys than may be remembered.
    MemoryFull,
    /// An attempt that failed, of a step that does not say that it may.
    MayNotFail,
}

impl Why {
    /// From this rank on the message has its place here, and only data or time stand against it.
    pub const NEAR: u8 = 5;

    /// How near a miss it is: more is nearer.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::NotHere => 0,
            Self::NotNow => 1,
            // Whoever names a key means its instance.
            Self::NoInstance { .. } => 2,
            Self::Full | Self::NotSent => 3,
            Self::TooEarlyToHandle { .. } => 4,
            Self::Fault(_) => 5,
            Self::False { .. } | Self::Unwitnessed { .. } => 6,
            Self::Unfit { .. } | Self::Broken { .. } => 7,
            Self::TooEarly { .. } | Self::TooLate { .. } => 8,
            Self::NotUnique { .. } | Self::OtherContent { .. } | Self::MemoryFull | Self::MayNotFail => 9,
        }
    }
}

/// Keeps the nearest miss.
pub(super) fn nearer(best: &mut Option<Refused>, role: RoleId, why: Why) {
    if best.as_ref().is_none_or(|known| known.why.rank() < why.rank()) {
        *best = Some(Refused { why, role });
    }
}

/// A part of the way from a role's root to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// Into a scope that was not open; the state while it lasts.
    Enter(ScopeId, StateId),
    /// Out of the scope that is open, by a way, to a state.
    Leave(u32, StateId),
    /// Out of a scope that is left behind with rounds still open.
    Part(u32),
    /// The main part.
    Main,
    /// A round; begun anew if it says so.
    One(u32, bool),
    /// An instance.
    Instance(u32, u32),
    /// A new instance.
    Create(u32),
    /// Where a `try` is.
    Current,
    /// Into a handler.
    Handler(u32),
    /// Into a scope that was left.
    Linger(u32),
}

/// A place at which what nobody knows is assigned: the start of a region, or the way out of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Passed {
    Into(RegionId),
    Behind(ScopeId, u32),
}

/// A place at which a role can take a step.
#[derive(Clone, Debug)]
pub(super) struct Hit<'a> {
    pub(super) hops: SmallVec<[Hop; 8]>,
    pub(super) then: StateId,
    pub(super) region: RegionId,
    pub(super) span: Span,
    pub(super) frames: Frames<'a>,
    /// Which frames these are.
    pub(super) path: SmallVec<[FrameId; 4]>,
    /// Assignments in front of the step, group by group.
    pub(super) before: SmallVec<[&'a [Set]; 2]>,
    /// Places on the way at which what nobody knows is assigned, by whoever comes there first.
    pub(super) passed: SmallVec<[Passed; 2]>,
    /// Since when the role could.
    pub(super) since: Time,
    /// 0, or the place among alternatives of which the first wins.
    pub(super) rank: u32,
    /// What belongs to a scope that was left is discarded.
    pub(super) discard: bool,
    /// Time limits that must have passed, with when the role came to their scopes.
    pub(super) dues: SmallVec<[(Due, Time); 1]>,
    /// The rounds that the step begins, from the outside in, as far as they have a beat.
    pub(super) begun: SmallVec<[Begun<'a>; 1]>,
}

/// A round that a step begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun<'a> {
    /// In what time the next one begins.
    pub(super) every: &'a Code,
    pub(super) span: Span,
    /// By when this one had to begin; unless the scope itself begins with this step.
    pub(super) beat: Option<super::Beat>,
}

/// A region that is open, or would be.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Live(&'a Activation),
    Fresh(RegionId),
}

/// A scope that is open, or would be.
#[derive(Clone, Copy)]
pub(super) enum In<'a> {
    Live(&'a Inside),
    Fresh(ScopeId),
}

impl<'a> At<'a> {
    pub(super) fn region(self) -> RegionId {
        match self {
            Self::Live(act) => act.region,
            Self::Fresh(region) => region,
        }
    }

    pub(super) fn state(self, program: &Program, role: RoleId) -> StateId {
        match self {
            Self::Live(act) => act.state,
            Self::Fresh(region) => {
                program.automaton_of(role, region).map_or(StateId::default(), |automaton| automaton.initial)
            }
        }
    }

    pub(super) fn inside(self) -> Option<&'a Inside> {
        match self {
            Self::Live(act) => act.inside.as_deref(),
            Self::Fresh(_) => None,
        }
    }
}

impl In<'_> {
    pub(super) fn scope(self) -> ScopeId {
        match self {
            Self::Live(inside) => inside.scope,
            Self::Fresh(scope) => scope,
        }
    }
}

pub(super) fn info(program: &Program, scope: ScopeId) -> Option<&ScopeInfo> {
    program.scopes.entry(scope)?.as_ref()
}

/// The keys that a message names: depth of the family, number of the key, value.
pub(super) type Keys = SmallVec<[(u8, u16, Value); 2]>;

/// What the `@epoch` field of a message says.
#[derive(Clone, Copy)]
pub(super) enum Epoch<'a> {
    /// It has none.
    None,
    /// It has one, but its value is not looked at.
    Unknown,
    Known(&'a Value),
}

/// Whether a message with this `@epoch` comes from no later than when the other was the newest.
pub(super) fn is_old(epoch: &Value, newest: &Value) -> bool {
    match epoch {
        // Texts have no order in time.
        Value::Text(_) | Value::Uuid(_) | Value::Bytes(_) => epoch == newest,
        _ => epoch <= newest,
    }
}

/// Looks for a message in a role's tree.
pub(super) struct Finder<'a> {
    pub(super) program: &'a Program,
    pub(super) live: &'a Live,
    pub(super) role: RoleId,
    pub(super) message: MessageId,
    pub(super) end: End,
    pub(super) keys: &'a Keys,
    pub(super) now: Time,
    pub(super) hops: SmallVec<[Hop; 8]>,
    pub(super) frames: Frames<'a>,
    pub(super) path: SmallVec<[FrameId; 4]>,
    pub(super) before: SmallVec<[&'a [Set]; 2]>,
    pub(super) passed: SmallVec<[Passed; 2]>,
    pub(super) since: Time,
    pub(super) rank: u32,
    pub(super) dues: SmallVec<[(Due, Time); 1]>,
    pub(super) begun: SmallVec<[Begun<'a>; 1]>,
    /// Rounds of scopes that were left may begin: only if the message has no place elsewhere.
    pub(super) late: bool,
    /// States come by on the way: a way round brings nothing new.
    pub(super) round: SmallVec<[(RegionId, StateId); 4]>,
    pub(super) hits: Vec<Hit<'a>>,
    pub(super) miss: Option<Refused>,
    /// When the message was sent, if an `@epoch` field says that.
    pub(super) epoch: Epoch<'a>,
    /// Only hits are wanted: why there is none may be said less well than it could be.
    pub(super) brief: bool,
}

impl<'a> Finder<'a> {
    /// Ready to look.
    pub(super) fn new(
        program: &'a Program,
        live: &'a Live,
        role: RoleId,
        message: MessageId,
        end: End,
        keys: &'a Keys,
        now: Time,
    ) -> Self {
        Self {
            program,
            live,
            role,
            message,
            end,
            keys,
            now,
            hops: SmallVec::new(),
            frames: SmallVec::new(),
            path: SmallVec::new(),
            before: SmallVec::new(),
            passed: SmallVec::new(),
            since: live.now,
            rank: 0,
            dues: SmallVec::new(),
            begun: SmallVec::new(),
            late: false,
            round: SmallVec::new(),
            hits: Vec::new(),
            miss: None,
            epoch: Epoch::None,
            brief: false,
        }
    }

    /// All places, in the order of the specification.
    pub(super) fn run(mut self) -> (Vec<Hit<'a>>, Option<Refused>) {
        let Some(seat) = self.live.seats.entry(self.role) else { return (Vec::new(), None) };
        if seat.crashed {
            nearer(&mut self.miss, self.role, Why::NotHere);
            return (Vec::new(), self.miss);
        }
        self.frames.push(&seat.frame);
        self.path.push(self.program.root_frame(self.role));
        let epoch = self.epoch;
        let left = |stale: &Stale| {
            let mentioned = stale.regions.iter().any(|&region| self.mentions(region));
            let from = self.program.messages.entry(self.message).map(|travel| travel.from);
            mentioned && from.is_some_and(|from| !stale.heard.contains(&from))
        };
        // What its epoch says counts more than where it could have a place.
        let (mut old, mut open, mut stale) = (false, false, false);
        for left in seat.stale.iter().filter(|stale| self.end == End::To && left(stale)) {
            match (epoch, &left.epoch) {
                (Epoch::Known(epoch), Some(newest)) => old |= is_old(epoch, newest),
                (Epoch::Unknown, _) => open = true,
                _ => stale = true,
            }
        }
        if old || open {
            self.discard();
        }
        if old {
            return (self.hits, self.miss);
        }
        let discarded = self.hits.len();
        self.region(At::Live(&seat.act), false, 0);
        if self.hits.len() == discarded && self.end == End::To {
            self.late = true;
            self.region(At::Live(&seat.act), false, 0);
        }
        if self.hits.is_empty() && stale {
            self.discard();
        }
        if self.hits.is_empty() {
            nearer(&mut self.miss, self.role, Why::NotHere);
        }
        (self.hits, self.miss)
    }

    /// The message is taken and forgotten.
    fn discard(&mut self) {
        self.hits.push(Hit {
            hops: SmallVec::new(),
            then: StateId::default(),
            region: RegionId::default(),
            span: Span::default(),
            frames: self.frames.clone(),
            path: self.path.clone(),
            before: SmallVec::new(),
            passed: SmallVec::new(),
            since: self.now,
            rank: 0,
            discard: true,
            dues: SmallVec::new(),
            begun: SmallVec::new(),
        });
    }

    fn mentions(&self, region: RegionId) -> bool {
        self.program.automaton_of(self.role, region).is_some_and(|automaton| automaton.mentions(self.message, self.end))
    }

    fn region(&mut self, at: At<'a>, left: bool, depth: usize) {
        let region = at.region();
        if depth > MAX_DEPTH || !self.mentions(region) {
            return;
        }
        let since = self.since;
        let mut owes = false;
        if let At::Live(act) = at {
            self.since = act.since;
            for (number, inside) in act.lingering.iter().enumerate() {
                self.hops.push(Hop::Linger(short(number)));
                self.scope(In::Live(inside), true, depth);
                self.hops.pop();
                // A role may not send beyond a scope while it owes a message of a round.
                owes |= self.end == End::From && owes_in(self.program, self.role, In::Live(inside), depth);
            }
        }
        let state = at.state(self.program, self.role);
        match at.inside() {
            _ if owes => nearer(&mut self.miss, self.role, Why::NotNow),
            None if !left => {
                self.state(region, state, depth);
            }
            None => {}
            Some(inside) => {
                self.scope(In::Live(inside), left, depth);
                if !left {
                    self.beyond(region, state, In::Live(inside), inside.scope, depth);
                }
            }
        }
        self.since = since;
    }

    fn entry(&mut self, entry: &'a crate::protocol::Entry, place: Passed) {
        // What nobody knows is held once: whoever comes first assigns it, by a send, as others come by its messages.
        let first = self.end == End::From && self.live.is_first(self.role, place);
        let mut passes = false;
        for (who, sets) in entry {
            let once = who.is_none() && sets.first().is_some_and(|set| crate::protocol::place(set.slot).0 == 0);
            passes |= once;
            if if once { first } else { who.is_none_or(|who| who == self.role) } {
                self.before.push(sets);
            }
        }
        if passes {
            self.passed.push(place);
        }
    }

    /// The start of a region.
    fn start(&mut self, region: RegionId) {
        if let Some(info) = self.program.regions.entry(region)
            && !info.entry.is_empty()
        {
            self.entry(&info.entry, Passed::Into(region));
        }
    }

    /// Whether the message may have a place in a state without an open scope.
    fn leads_on(&self, region: RegionId, state: StateId) -> bool {
        let row = self.program.row(self.role, region, state);
        row.is_some_and(|row| !row.scopes.is_empty() || row.arms(self.message, self.end).next().is_some())
    }

    /// What stands behind a scope, if it may be left.
    fn beyond(&mut self, region: RegionId, inner: StateId, at: In<'a>, scope: ScopeId, depth: usize) {
        let Some(row) = self.program.row(self.role, region, inner) else { return };
        if self.brief && !row.leaves.iter().any(|&(_, then)| self.leads_on(region, then)) {
            return;
        }
        let came = self.since;
        for (way, dues) in scope_exits(self.program, self.role, at, Some(self.end), depth) {
            for &(_, then) in row.leaves.iter().filter(|(number, _)| *number == way) {
                let (before, passed) = (self.before.len(), self.passed.len());
                if let Some(info) = info(self.program, scope) {
                    for (_, entry) in info.behind.iter().filter(|(number, _)| *number == way) {
                        self.entry(entry, Passed::Behind(scope, way));
                    }
                }
                let known = self.dues.len();
                self.dues.extend(dues.iter().map(|&due| (due, came)));
                self.hops.push(Hop::Leave(way, then));
                self.state(region, then, depth.saturating_add(1));
                self.hops.pop();
                self.dues.truncate(known);
                self.before.truncate(before);
                self.passed.truncate(passed);
            }
        }
    }

    /// A state without an open scope.
    fn state(&mut self, region: RegionId, state: StateId, depth: usize) {
        if depth > MAX_DEPTH || self.round.contains(&(region, state)) {
            return;
        }
        let Some(row) = self.program.row(self.role, region, state) else { return };
        self.round.push((region, state));
        for arm in row.arms(self.message, self.end) {
            if self.hits.is_empty() {
                self.hits.reserve_exact(1);
            }
            self.hits.push(Hit {
                hops: SmallVec::from_slice(&self.hops),
                then: arm.then,
                region,
                span: arm.span,
                frames: SmallVec::from_slice(&self.frames),
                path: SmallVec::from_slice(&self.path),
                before: SmallVec::from_slice(&self.before),
                passed: SmallVec::from_slice(&self.passed),
                since: self.since,
                rank: self.rank,
                discard: false,
                dues: SmallVec::from_slice(&self.dues),
                begun: SmallVec::from_slice(&self.begun),
            });
        }
        for &(scope, inner) in &row.scopes {
            self.hops.push(Hop::Enter(scope, inner));
            self.scope(In::Fresh(scope), false, depth.saturating_add(1));
            self.beyond(region, inner, In::Fresh(scope), scope, depth.saturating_add(1));
            self.hops.pop();
        }
        self.round.pop();
        // Where a scope begins, what is inside says more.
        if row.scopes.is_empty() {
            nearer(&mut self.miss, self.role, Why::NotNow);
        }
    }

    fn hop(&mut self, hop: Hop, at: At<'a>, left: bool, depth: usize) {
        self.hops.push(hop);
        self.region(at, left, depth.saturating_add(1));
        self.hops.pop();
    }

    /// Into a region that begins with this very step.
    fn begin(&mut self, hop: Hop, region: RegionId, depth: usize) {
        if !self.mentions(region) {
            return;
        }
        let (before, passed) = (self.before.len(), self.passed.len());
        self.start(region);
        self.hop(hop, At::Fresh(region), false, depth);
        self.before.truncate(before);
        self.passed.truncate(passed);
    }

    /// Into a round that begins with this very step.
    fn begin_round(&mut self, hop: Hop, info: &'a RoundInfo, beat: Option<super::Beat>, depth: usize) {
        let known = self.begun.len();
        if let (Some(every), End::From) = (&info.every, self.end) {
            self.begun.push(Begun { every, span: info.span, beat });
        }
        self.begin(hop, info.region, depth);
        self.begun.truncate(known);
    }

    /// A step inside a scope; `left` if the role is past it and only finishes rounds.
    fn scope(&mut self, at: In<'a>, left: bool, depth: usize) {
        let scope = match at {
            In::Live(inside) => inside.scope,
            In::Fresh(scope) => scope,
        };
        let Some(info) = info(self.program, scope) else { return };
        let (before, passed) = (self.before.len(), self.passed.len());
        match (&info.parts, at) {
            // All parts begin with the scope.
            (ScopeParts::Par(parts), In::Fresh(_)) => {
                parts.iter().for_each(|&part| self.start(part));
                for (number, &part) in parts.iter().enumerate() {
                    self.hop(Hop::Part(short(number)), At::Fresh(part), false, depth);
                }
            }
            (ScopeParts::During(main, rounds), In::Fresh(_)) => {
                if let Some(main) = main {
                    self.start(*main);
                    self.hop(Hop::Main, At::Fresh(*main), false, depth);
                }
                for (number, round) in rounds.iter().enumerate() {
                    self.round(number, round, None, true, depth);
                }
            }
            (ScopeParts::Try(body, handlers), In::Fresh(_)) => {
                self.start(*body);
                self.hop(Hop::Current, At::Fresh(*body), false, depth);
                self.handlers(scope, handlers, handlers.len(), None, depth);
            }
            (parts, In::Live(inside)) => match (&inside.parts, parts) {
                (Parts::Par(acts), _) => {
                    for (number, act) in acts.iter().enumerate() {
                        self.hop(Hop::Part(short(number)), At::Live(act), left, depth);
                    }
                }
                (Parts::During { main, rounds }, ScopeParts::During(_, infos)) => {
                    if let Some(main) = main {
                        self.hop(Hop::Main, At::Live(main), left, depth);
                    }
                    let mut opens = None;
                    for (number, (info, round)) in infos.iter().zip(rounds).enumerate() {
                        if self.mentions(info.region) {
                            let opens = *opens.get_or_insert_with(|| self.opens(inside, main.as_ref(), left));
                            self.round(number, info, Some(round), opens, depth);
                        }
                    }
                }
                (Parts::Try { at, act, .. }, ScopeParts::Try(_, handlers)) => {
                    if !matches!(at, Attempt::Expired(_)) {
                        self.hop(Hop::Current, At::Live(act), left, depth);
                    }
                    if !left {
                        self.handlers(scope, handlers, at.open(handlers.len()), Some(inside), depth);
                    }
                }
                _ => {}
            },
        }
        self.before.truncate(before);
        self.passed.truncate(passed);
    }

    /// Whether a round may begin.
    fn opens(&self, inside: &Inside, main: Option<&Activation>, left: bool) -> bool {
        let from = || self.program.messages.entry(self.message).map(|travel| travel.from);
        match (left, self.end) {
            // Who has left takes what others begin who have not been heard from beyond.
            (true, End::To) => self.late && from().is_some_and(|from| !inside.heard.contains(&from)),
            (true, End::From) => false,
            (false, End::To) => true,
            // Whose part of the main part is over begins none. Who has no part in it is not bound by it.
            (false, End::From) => main.is_none_or(|main| {
                self.program.automaton_of(self.role, main.region).is_none_or(crate::machine::Automaton::is_idle)
                    || !is_over(self.program, self.role, main)
            }),
        }
    }

    fn handlers(
        &mut self,
        scope_of: ScopeId,
        handlers: &'a [HandlerInfo],
        open: usize,
        inside: Option<&'a Inside>,
        depth: usize,
    ) {
        for (number, handler) in handlers.iter().take(open).enumerate() {
            if !self.mentions(handler.region) {
                continue;
            }
            let limited = !matches!(handler.trigger, Trigger::Interrupt(_) | Trigger::Crash(_));
            // Whoever it does not happen to learns of it from a message.
            let (own, limit) = match &handler.trigger {
                Trigger::Interrupt(at) => (*at == self.role, None),
                Trigger::Crash(other) => (*other != self.role, None),
                Trigger::Timeout(at, _) | Trigger::Idle(at, _) | Trigger::Deadline(at, _) => {
                    let limit = inside.and_then(|inside| match &inside.parts {
                        Parts::Try { limits, .. } => limits.get(number).copied().flatten().map(|(_, until)| until),
                        _ => None,
                    });
                    (*at == self.role, limit)
                }
            };
            if !own && self.end == End::From {
                continue;
            }
            if own
                && let Some(from) = limit
                && self.now < from
            {
                nearer(&mut self.miss, self.role, Why::TooEarlyToHandle { from });
                continue;
            }
            let known = self.dues.len();
            // Of a scope that this very step enters the limit is known only then.
            if own && inside.is_none() && limited {
                self.dues.push((Due::Limit(scope_of, number, None), self.since));
            }
            self.begin(Hop::Handler(short(number)), handler.region, depth);
            self.dues.truncate(known);
        }
    }

    fn round(&mut self, number: usize, info: &'a RoundInfo, round: Option<&'a Round>, opens: bool, depth: usize) {
        if !self.mentions(info.region) {
            return;
        }
        match (info.family, round) {
            (None, None) if opens => self.begin_round(Hop::One(short(number), true), info, None, depth),
            (None, None) => {}
            (None, Some(Round::One { act, beat })) => {
                let mut anew = opens;
                if let Some(act) = act {
                    self.hop(Hop::One(short(number), false), At::Live(act), false, depth);
                    anew &= exits(self.program, self.role, At::Live(act)).contains(&0);
                }
                if anew {
                    self.begin_round(Hop::One(short(number), true), info, Some(*beat), depth);
                }
            }
            (Some(frame), None) => self.family(number, info, frame, None, opens, depth),
            (Some(frame), Some(Round::Family(family))) => {
                self.family(number, info, frame, Some(family), opens, depth);
            }
            _ => {}
        }
    }

    fn family(
        &mut self,
        number: usize,
        info: &'a RoundInfo,
        frame: FrameId,
        family: Option<&'a Family>,
        opens: bool,
        depth: usize,
    ) {
        let Some(declared) = self.program.frames.entry(frame) else { return };
        let keys = self.keys;
        let mine = || keys.iter().filter(|(at, ..)| *at == declared.depth);
        let rank = self.rank;
        let mut named = None;
        if let Some(family) = family {
            for (_, key, value) in mine() {
                match (family.named(usize::from(*key), value), named) {
                    (Some(id), None) => named = Some(id),
                    // Keys of two instances name neither.
                    (Some(id), Some(other)) if id != other => return,
                    _ => {}
                }
            }
            if let Some(instance) = named.and_then(|id| family.live.get(&id)) {
                let fits = |(_, key, value): &(u8, u16, Value)| {
                    family.named(usize::from(*key), value).is_some()
                        || declared.keys.get(usize::from(*key)).is_some_and(|declared| {
                            self.lacks(instance, declared) && family.is_free(usize::from(*key), value, declared.use_)
                        })
                };
                if mine().all(fits) {
                    self.instance(number, frame, named.unwrap_or_default(), instance, depth);
                }
                // A key may come again only after the end of what it named.
                let reusable = declared.keys.iter().all(|key| key.use_ == crate::protocol::KeyUse::Reusable);
                if !(reusable && exits(self.program, self.role, At::Live(&instance.act)).contains(&0)) {
                    return;
                }
            } else if mine().next().is_none() && keys.iter().any(|(at, ..)| *at > declared.depth) {
                // Only an inner family's key: it names one inner instance, of whichever outer one.
                let mut found = false;
                for (&id, instance) in &family.live {
                    if inner_named(self.program, &instance.act, keys) {
                        found = true;
                        self.instance(number, frame, id, instance, depth);
                    }
                }
                if found {
                    return;
                }
            }
            if named.is_none() {
                for (age, &id) in family.waiting.iter().enumerate() {
                    if let Some(instance) = family.live.get(&id)
                        && mine().all(|(_, key, value)| {
                            declared.keys.get(usize::from(*key)).is_some_and(|declared| {
                                self.lacks(instance, declared)
                                    && family.is_free(usize::from(*key), value, declared.use_)
                            })
                        })
                    {
                        self.rank = u32::try_from(age.saturating_add(1)).unwrap_or(u32::MAX);
                        self.instance(number, frame, id, instance, depth);
                        self.rank = rank;
                    }
                }
            }
        }
        let used = |(_, key, value): &&(u8, u16, Value)| {
            let declared = declared.keys.get(usize::from(*key));
            !declared.is_none_or(|declared| {
                family.is_none_or(|family| family.is_free(usize::from(*key), value, declared.use_))
            })
        };
        if let Some((_, _, key)) = mine().find(used) {
            // A key that was used is to blame only for a message with which an instance may begin.
            let initial = self.program.automaton_of(self.role, info.region).map(|automaton| automaton.initial);
            let row = initial.and_then(|initial| self.program.row(self.role, info.region, initial));
            let begins =
                row.is_some_and(|row| !row.scopes.is_empty() || row.arms(self.message, self.end).next().is_some());
            let why = Why::NoInstance { family: frame, key: key.clone(), used: begins };
            nearer(&mut self.miss, self.role, why);
            return;
        }
        if opens {
            self.rank = if named.is_none() && family.is_some_and(|family| !family.waiting.is_empty()) {
                u32::MAX
            } else {
                rank
            };
            let hits = self.hits.len();
            self.frames.push(&EMPTY);
            self.path.push(frame);
            self.begin_round(Hop::Create(short(number)), info, family.map(|family| family.beat), depth);
            self.path.pop();
            self.frames.pop();
            self.rank = rank;
            if self.hits.len() > hits {
                return;
            }
        }
        if named.is_none()
            && let Some((_, _, key)) = mine().next()
        {
            let why = Why::NoInstance { family: frame, key: key.clone(), used: false };
            nearer(&mut self.miss, self.role, why);
        }
    }

    fn lacks(&self, instance: &Instance, key: &Key) -> bool {
        let (_, at) = crate::protocol::place(key.slot);
        instance.frame.get(at as usize).is_none_or(Option::is_none)
    }

    fn instance(&mut self, number: usize, frame: FrameId, id: u32, instance: &'a Instance, depth: usize) {
        self.frames.push(&instance.frame);
        self.path.push(frame);
        self.hop(Hop::Instance(short(number), id), At::Live(&instance.act), false, depth);
        self.path.pop();
        self.frames.pop();
    }
}

/// The number of a part, in few bytes; there are fewer parts than ids.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether some key of an inner family names an instance in an activation.
fn inner_named(program: &Program, act: &Activation, keys: &Keys) -> bool {
    let mut found = false;
    act.visit(&mut |inside| {
        let Some(info) = info(program, inside.scope) else { return };
        let (Parts::During { rounds, .. }, ScopeParts::During(_, infos)) = (&inside.parts, &info.parts) else {
            return;
        };
        for (info, round) in infos.iter().zip(rounds) {
            let depth = info.family.and_then(|frame| program.frames.entry(frame)).map(|frame| frame.depth);
            if let (Round::Family(family), Some(depth)) = (round, depth) {
                found |= keys
                    .iter()
                    .any(|(at, key, value)| *at == depth && family.named(usize::from(*key), value).is_some());
            }
        }
    });
    found
}

/// Whether a `try` is still in its body.
pub(super) fn in_body(at: Attempt) -> bool {
    matches!(at, Attempt::Body | Attempt::Expired(_))
}

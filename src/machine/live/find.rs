//! Where an event can happen: every place in a role's tree of activations at which an arm takes a message.
//!
//! In: a role, a message and a side, and the keys that the message names. Out: [`Hit`]s, each with the way to it. Nothing
//! is evaluated here but conditions of time on handlers; rules are checked where steps are made. Regions that do not
//! mention the message are not entered.

use smallvec::SmallVec;

use super::{
    Activation, Attempt, Beat, Inside, Live, Parts, Round, Stale, Time,
    ends::{Due, exits, is_over, owes_in, scope_exits},
    env::Frames,
    place::{At, Begun, Epoch, Hit, Hop, In, Keys, Passed, info, is_old},
    why::{Refused, Why, nearer},
};
use crate::{
    diag::Span,
    id::{FrameId, MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{End, HandlerInfo, Program, RoundInfo, ScopeParts},
    protocol::{Set, Trigger},
};

/// A scope is skipped, entered and left at most this often on the way to one step.
pub(super) const MAX_DEPTH: usize = 64;

/// Looks for a message in a role's tree.
pub(super) struct Finder<'a, 'e> {
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
    /// How many places were found.
    pub(super) hits: usize,
    /// What is done with each.
    pub(super) each: &'e mut dyn FnMut(&Hit<'_, 'a>),
    pub(super) miss: Option<Refused>,
    /// When the message was sent, if an `@epoch` field says that.
    pub(super) epoch: Epoch<'a>,
    /// Only hits are wanted: why there is none may be said less well than it could be.
    pub(super) brief: bool,
}

impl<'a, 'e> Finder<'a, 'e> {
    /// Ready to look.
    #[expect(clippy::too_many_arguments, reason = "what, where, and what for")]
    pub(super) fn new(
        program: &'a Program,
        live: &'a Live,
        role: RoleId,
        message: MessageId,
        end: End,
        keys: &'a Keys,
        now: Time,
        each: &'e mut dyn FnMut(&Hit<'_, 'a>),
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
            hits: 0,
            each,
            miss: None,
            epoch: Epoch::None,
            brief: false,
        }
    }

    /// All places, in the order of the specification; why there is none, or others are none.
    pub(super) fn run(mut self) -> Option<Refused> {
        let seat = self.live.seats.entry(self.role)?;
        if seat.crashed {
            nearer(&mut self.miss, self.role, Why::NotHere);
            return self.miss;
        }
        self.frames.push(&seat.frame);
        self.path.push(self.program.root_frame(self.role));
        // What its epoch says counts more than where it could have a place.
        let (mut old, mut open, mut stale) = (false, false, false);
        if self.end == End::To {
            for left in seat.stale.iter().filter(|stale| self.may_hold(stale)) {
                match (self.epoch, &left.epoch) {
                    (Epoch::Known(epoch), Some(newest)) => old |= is_old(epoch, newest),
                    (Epoch::Unknown, _) => open = true,
                    _ => stale = true,
                }
            }
        }
        if old || open {
            self.discard();
        }
        if old {
            return self.miss;
        }
        let discarded = self.hits;
        self.region(At::Live(&seat.act), false, 0);
        if self.hits == discarded && self.end == End::To {
            self.late = true;
            self.region(At::Live(&seat.act), false, 0);
        }
        if self.hits == 0 && stale {
            self.discard();
        }
        if self.hits == 0 {
            nearer(&mut self.miss, self.role, Why::NotHere);
        }
        self.miss
    }

    /// Whether the message may still come from what was left: its sender was not heard from beyond.
    fn may_hold(&self, left: &Stale) -> bool {
        let from = self.program.messages.entry(self.message).map(|travel| travel.from);
        from.is_some_and(|from| !left.heard.contains(&from)) && left.regions.iter().any(|&region| self.mentions(region))
    }

    /// The message is taken and forgotten.
    fn discard(&mut self) {
        self.hits = self.hits.saturating_add(1);
        (self.each)(&Hit {
            hops: &[],
            then: StateId::default(),
            region: RegionId::default(),
            span: Span::default(),
            frames: &self.frames,
            path: &self.path,
            before: &[],
            passed: &[],
            since: self.now,
            rank: 0,
            discard: true,
            dues: &[],
            begun: &[],
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
            for (number, inside) in act.lingering().iter().enumerate() {
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
            self.hits = self.hits.saturating_add(1);
            (self.each)(&Hit {
                hops: &self.hops,
                then: arm.then,
                region,
                span: arm.span,
                frames: &self.frames,
                path: &self.path,
                before: &self.before,
                passed: &self.passed,
                since: self.since,
                rank: self.rank,
                discard: false,
                dues: &self.dues,
                begun: &self.begun,
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

    pub(super) fn hop(&mut self, hop: Hop, at: At<'a>, left: bool, depth: usize) {
        self.hops.push(hop);
        self.region(at, left, depth.saturating_add(1));
        self.hops.pop();
    }

    /// Into a region that begins with this very step.
    pub(super) fn begin(&mut self, hop: Hop, region: RegionId, depth: usize) {
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
    pub(super) fn begin_round(&mut self, hop: Hop, info: &'a RoundInfo, beat: Option<Beat>, depth: usize) {
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
                for number in self.program.rounds_with(scope, self.message, self.end).iter().map(|&at| at as usize) {
                    if let Some(round) = rounds.get(number) {
                        self.round(number, round, None, true, depth);
                    }
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
                    let mentioned = self.program.rounds_with(scope, self.message, self.end);
                    let opens = !mentioned.is_empty() && self.opens(inside, main.as_ref(), left);
                    for number in mentioned.iter().map(|&number| number as usize) {
                        if let (Some(info), Some(round)) = (infos.get(number), rounds.get(number)) {
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
            (false, end) => may_open(self.program, self.role, end, main),
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
}

/// Whether a role that is in a scope may begin a round in it, or take what others begin.
pub(super) fn may_open(program: &Program, role: RoleId, end: End, main: Option<&Activation>) -> bool {
    // Whose part of the main part is over begins none. Who has no part in it is not bound by it.
    end == End::To
        || main.is_none_or(|main| {
            program.automaton_of(role, main.region).is_none_or(crate::machine::Automaton::is_idle)
                || !is_over(program, role, main)
        })
}

/// The number of a part, in few bytes; there are fewer parts than ids.
pub(super) fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

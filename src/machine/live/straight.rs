//! The straight way: where an event has one place on each side, which is found without a doubt, and without what is rare.
//!
//! Most events of most sessions are such. [`Live::straight`] then says what [`Live::ways`] says, at a fraction of the cost:
//! the tree is walked without a list of what lies on the way, and the step is put together in memory that is used again.
//! Whatever is not straight (a scope that is entered or left by the step, an instance that begins, two places, what was
//! left behind, a crash) is [`Straight::Unsure`], and asked for the long way. Rules are evaluated by the same code.
//!
//! INVARIANT (same): `None` only if there is no way, `One` only if there is one, and then it is that one.

use smallvec::SmallVec;

use super::{
    Activation, Attempt, Inside, Live, Parts, Round, Seen, Sides, Time, Way,
    ends::exits,
    env::Frames,
    family::Family,
    find::{may_open, short},
    memory::Known,
    place::{At, Hit, Hop, Keys, info},
    step::Taken,
};
use crate::{
    id::{FrameId, MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{Arm, Automaton, End, Program, RoundInfo, Row, ScopeParts},
    protocol::KeyUse,
};

/// Deeper trees go the long way.
const MAX_DEPTH: usize = 24;

/// In which ways an event may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Straight {
    /// In none.
    None,
    /// In this one.
    One,
    /// To be asked for the long way.
    Unsure,
}

/// There may be more to it.
struct Unsure;

impl Live {
    /// The way in which an event may happen, if it is the only one and a straight one. What `way` was before does not
    /// count; what it is afterwards counts only with [`Straight::One`]. Of the message's conditions some may be known to
    /// hold, from [`Live::blindly`]; else 0.
    pub fn straight(&self, program: &Program, seen: &Seen<'_>, known: u64, way: &mut Way) -> Straight {
        match self.try_straight(program, seen, known, way) {
            Ok(true) => Straight::One,
            Ok(false) => Straight::None,
            Err(Unsure) => Straight::Unsure,
        }
    }

    fn try_straight(&self, program: &Program, seen: &Seen<'_>, known: u64, way: &mut Way) -> Result<bool, Unsure> {
        let travel = program.messages.entry(seen.message).ok_or(Unsure)?;
        let (from, to) = (travel.from, travel.to);
        let takes = match seen.sides {
            Sides::Both => from != to,
            Sides::Give => false,
            _ => return Err(Unsure),
        };
        let plain = |role| self.seats.entry(role).is_some_and(|seat| !seat.crashed && seat.stale.is_empty());
        if program.written || !plain(from) || !plain(to) {
            return Err(Unsure);
        }
        let now = seen.now.max(self.now);
        let rule = &*travel.rule;
        way.remember.clear();
        for memory in &rule.idempotent {
            let Some((key, lasts)) = self.key_of(program, from, memory, seen, now) else { continue };
            match self.memory.known(key, seen.content, now, lasts) {
                Known::New if !self.memory.is_full() => way.remember.push((key, seen.content)),
                _ => return Err(Unsure),
            }
        }
        let Some(holds) = self.early(program, travel, seen.payload, now, known) else { return Ok(false) };
        let keys = self.keys(program, rule, seen, now);
        let sides = 1_usize.saturating_add(usize::from(takes));
        way.taken.resize_with(sides, Taken::blank);
        let ends = [(from, End::From, holds), (to, End::To, 0)];
        for (taken, (role, end, holds)) in way.taken.iter_mut().zip(ends) {
            let mut walk = Walk::new(program, (role, end), seen.message, &keys, self.now);
            walk.run(self)?;
            let Some((region, arm)) = walk.found else { return Ok(false) };
            // Nothing of its own to be judged or assigned.
            let still =
                end == End::To && keys.is_empty() && travel.is_quiet(end) && travel.epoch.is_none() && !program.timed;
            let hit = Hit {
                hops: &walk.hops,
                then: arm.then,
                region,
                span: arm.span,
                frames: &walk.frames,
                path: &walk.path,
                before: &[],
                passed: &[],
                since: walk.since,
                rank: 0,
                discard: false,
                dues: &[],
                begun: &[],
            };
            if still {
                taken.move_to(role, end, &hit);
            } else if self.evaluate(program, seen, role, end, &keys, (now, holds), &hit, taken).is_err() {
                return Ok(false);
            }
        }
        for memory in &rule.unique {
            let Some((key, lasts)) = self.key_of(program, from, memory, seen, now) else { continue };
            match self.memory.known(key, seen.content, now, lasts) {
                Known::New if !self.memory.is_full() => way.remember.push((key, seen.content)),
                Known::Same | Known::Other => return Ok(false),
                Known::New => return Err(Unsure),
            }
        }
        way.message = seen.message;
        way.sides = seen.sides;
        way.now = now;
        way.payload = None;
        way.before = 0;
        way.duplicate = false;
        Ok(true)
    }
}

/// On the way through a role's tree, to the one place at which it can take a message. From where that is found the way
/// stays as it is, and whether there is another is all that is asked.
struct Walk<'a> {
    program: &'a Program,
    role: RoleId,
    message: MessageId,
    end: End,
    keys: &'a Keys,
    hops: SmallVec<[Hop; 8]>,
    frames: Frames<'a>,
    path: SmallVec<[FrameId; 4]>,
    since: Time,
    found: Option<(RegionId, &'a Arm)>,
}

impl<'a> Walk<'a> {
    #[inline]
    fn new(program: &'a Program, (role, end): (RoleId, End), message: MessageId, keys: &'a Keys, since: Time) -> Self {
        let (hops, frames, path) = (SmallVec::new(), SmallVec::new(), SmallVec::new());
        Self { program, role, message, end, keys, hops, frames, path, since, found: None }
    }

    fn run(&mut self, live: &'a Live) -> Result<(), Unsure> {
        let seat = live.seats.entry(self.role).ok_or(Unsure)?;
        self.frames.push(&seat.frame);
        self.path.push(self.program.root_frame(self.role));
        self.region(&seat.act, 0)
    }

    /// The role's automaton of a region, if it mentions the message.
    fn mentioning(&self, region: RegionId) -> Option<&'a Automaton> {
        self.program.automaton_of(self.role, region).filter(|automaton| automaton.mentions(self.message, self.end))
    }

    fn region(&mut self, act: &'a Activation, depth: usize) -> Result<(), Unsure> {
        let Some(automaton) = self.mentioning(act.region) else { return Ok(()) };
        if depth > MAX_DEPTH || !act.lingering().is_empty() {
            return Err(Unsure);
        }
        let came = self.since;
        if self.found.is_none() {
            self.since = act.since;
        }
        let row = automaton.rows.entry(act.state);
        match act.inside.as_deref() {
            None => {
                if let Some(row) = row {
                    self.state(act.region, automaton, row)?;
                }
            }
            Some(inside) => {
                self.scope(inside, depth)?;
                if row.is_some_and(|row| self.goes_on(automaton, row)) {
                    return Err(Unsure);
                }
            }
        }
        if self.found.is_none() {
            self.since = came;
        }
        Ok(())
    }

    /// Whether the message may have a place behind a scope that is left.
    fn goes_on(&self, automaton: &Automaton, row: &Row) -> bool {
        row.leaves.iter().any(|&(_, then)| self.leads_on(automaton, then))
    }

    /// Whether the message may have a place in a state, or behind it without another step.
    fn leads_on(&self, automaton: &Automaton, state: StateId) -> bool {
        let row = automaton.rows.entry(state);
        row.is_some_and(|row| !row.scopes.is_empty() || row.arms(self.message, self.end).next().is_some())
    }

    fn state(&mut self, region: RegionId, automaton: &Automaton, row: &'a Row) -> Result<(), Unsure> {
        for &(scope, inner) in &row.scopes {
            let behind = automaton.rows.entry(inner).is_some_and(|row| self.goes_on(automaton, row));
            if behind || self.may_enter(scope) {
                return Err(Unsure);
            }
        }
        for arm in row.arms(self.message, self.end) {
            if self.found.is_some() {
                return Err(Unsure);
            }
            self.found = Some((region, arm));
        }
        Ok(())
    }

    /// Whether the message may have a place in a scope that is not open yet.
    fn may_enter(&self, scope: ScopeId) -> bool {
        let mentions = |region: &RegionId| self.mentioning(*region).is_some();
        match info(self.program, scope).map(|info| &info.parts) {
            None => false,
            Some(ScopeParts::Par(parts)) => parts.iter().any(mentions),
            Some(ScopeParts::During(main, rounds)) => {
                main.iter().any(mentions) || rounds.iter().any(|round| mentions(&round.region))
            }
            Some(ScopeParts::Try(body, handlers)) => {
                mentions(body) || handlers.iter().any(|handler| mentions(&handler.region))
            }
        }
    }

    fn hop(&mut self, hop: Hop, act: &'a Activation, depth: usize) -> Result<(), Unsure> {
        let deeper = depth.saturating_add(1);
        if self.found.is_some() {
            return self.region(act, deeper);
        }
        self.hops.push(hop);
        self.region(act, deeper)?;
        if self.found.is_none() {
            self.hops.pop();
        }
        Ok(())
    }

    fn scope(&mut self, inside: &'a Inside, depth: usize) -> Result<(), Unsure> {
        let Some(info) = info(self.program, inside.scope) else { return Ok(()) };
        match (&inside.parts, &info.parts) {
            (Parts::Par(acts), _) => {
                for (number, act) in acts.iter().enumerate() {
                    self.hop(Hop::Part(short(number)), act, depth)?;
                }
            }
            (Parts::During { main, rounds }, ScopeParts::During(_, infos)) => {
                if let Some(main) = main {
                    self.hop(Hop::Main, main, depth)?;
                }
                let mentioned = self.program.rounds_with(inside.scope, self.message, self.end);
                let opens = !mentioned.is_empty() && may_open(self.program, self.role, self.end, main.as_ref());
                for &number in mentioned {
                    if let (Some(info), Some(round)) = (infos.get(number as usize), rounds.get(number as usize)) {
                        self.round(number, info, round, opens, depth)?;
                    }
                }
            }
            (Parts::Try { at, act, .. }, ScopeParts::Try(_, handlers)) => {
                if matches!(at, Attempt::Expired(_)) {
                    return Err(Unsure);
                }
                self.hop(Hop::Current, act, depth)?;
                let mut open = handlers.iter().take(at.open(handlers.len()));
                if open.any(|handler| self.mentioning(handler.region).is_some()) {
                    return Err(Unsure);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn round(
        &mut self,
        number: u32,
        info: &'a RoundInfo,
        round: &'a Round,
        opens: bool,
        depth: usize,
    ) -> Result<(), Unsure> {
        match (info.family, round) {
            (None, Round::One { act, .. }) => {
                let mut anew = opens;
                if let Some(act) = act {
                    self.hop(Hop::One(number, false), act, depth)?;
                    anew &= exits(self.program, self.role, At::Live(act)).contains(&0);
                }
                if anew { self.anew(Hop::One(number, true), info) } else { Ok(()) }
            }
            (Some(frame), Round::Family(family)) => self.family(number, info, frame, family, opens, depth),
            _ => Ok(()),
        }
    }

    /// In a round that begins with this very step.
    fn anew(&mut self, hop: Hop, info: &'a RoundInfo) -> Result<(), Unsure> {
        let Some(automaton) = self.mentioning(info.region) else { return Ok(()) };
        let bare = self.program.regions.entry(info.region).is_some_and(|region| region.entry.is_empty());
        if !bare || info.every.is_some() {
            return Err(Unsure);
        }
        if let Some(row) = automaton.rows.entry(automaton.initial) {
            if self.found.is_none() {
                self.hops.push(hop);
            }
            self.state(info.region, automaton, row)?;
            if self.found.is_none() {
                self.hops.pop();
            }
        }
        Ok(())
    }

    fn family(
        &mut self,
        number: u32,
        info: &'a RoundInfo,
        frame: FrameId,
        family: &'a Family,
        opens: bool,
        depth: usize,
    ) -> Result<(), Unsure> {
        let Some(declared) = self.program.frames.entry(frame) else { return Ok(()) };
        let mut named = None;
        let (mut mine, mut lacks, mut deeper) = (false, false, false);
        for (at, key, value) in self.keys {
            deeper |= *at > declared.depth;
            if *at != declared.depth {
                continue;
            }
            mine = true;
            match (family.named(usize::from(*key), value), named) {
                (Some(id), None) => named = Some(id),
                // Keys of two instances name neither.
                (Some(id), Some(other)) if id != other => return Ok(()),
                (Some(_), Some(_)) => {}
                (None, _) => lacks = true,
            }
        }
        if let Some(id) = named {
            let instance = family.live.get(id).ok_or(Unsure)?;
            if lacks || declared.keys.iter().all(|key| key.use_ == KeyUse::Reusable) {
                return Err(Unsure);
            }
            let hop = Hop::Instance(number, id);
            if self.found.is_some() {
                return self.hop(hop, &instance.act, depth);
            }
            self.frames.push(&instance.frame);
            self.path.push(frame);
            self.hop(hop, &instance.act, depth)?;
            if self.found.is_none() {
                self.path.pop();
                self.frames.pop();
            }
            return Ok(());
        }
        if !mine && deeper && !family.live.is_empty() {
            return Err(Unsure);
        }
        let waits = |&id: &u32| family.live.get(id).is_some_and(|instance| self.may_take(&instance.act));
        let begins = || self.mentioning(info.region).is_some_and(|found| self.leads_on(found, found.initial));
        if family.waiting.iter().any(waits) || opens && begins() { Err(Unsure) } else { Ok(()) }
    }

    /// Whether the message may have a place in an instance.
    fn may_take(&self, act: &Activation) -> bool {
        let Some(automaton) = self.mentioning(act.region) else { return false };
        act.inside.is_some() || !act.lingering().is_empty() || self.leads_on(automaton, act.state)
    }
}

//! Steps: whether an event may happen, with all that it assigns. What it then changes is made by `mover`.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Live, Queued, Refused, Seat, Seen, Sides, Time, Why,
    ends::Due,
    env::{Pending, View},
    find::{Epoch, Finder, Hit, Hop, Keys, Passed, is_old, nearer},
    memory::{Digest, Known, digest},
    mover::Mover,
    witness::{self, Required},
};
use crate::{
    data::{Code, Env, Externs, Fault, Slot, Sort, Value},
    diag::Span,
    id::{EdgeId, FrameId, MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{End, HandlerInfo, Program, RoundInfo, ScopeParts},
    protocol::{Condition, EdgeKind, Memory, Rule, Set, Trigger, Who, place},
};

/// A way in which an event may happen, with all that it changes.
#[derive(Clone, Debug)]
pub struct Way {
    message: MessageId,
    sides: Sides,
    now: Time,
    /// What goes on its way.
    payload: Option<Arc<[Option<Value>]>>,
    /// The sender's part, then the receiver's.
    pub(super) taken: Vec<Taken>,
    remember: SmallVec<[(Digest, u128); 1]>,
    /// How many messages in front of it were lost.
    before: usize,
    duplicate: bool,
}

impl Way {
    /// Whether it is a repetition that changes nothing.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.duplicate
    }

    /// One role's step, without data.
    pub(super) fn of_one(message: MessageId, sides: Sides, taken: Taken) -> Self {
        Self {
            message,
            sides,
            now: 0,
            payload: None,
            taken: vec![taken],
            remember: SmallVec::new(),
            before: 0,
            duplicate: false,
        }
    }

    /// Where the step is written, as the role that takes it first sees it.
    #[must_use]
    pub fn span(&self) -> Span {
        self.taken.first().map(|taken| taken.span).unwrap_or_default()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> MessageId {
        self.message
    }
}

/// In what time something has to happen, and where that is written.
pub(super) type Owed = Option<(Time, Span)>;

/// One role's part of a step.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) role: RoleId,
    pub(super) end: End,
    pub(super) hops: SmallVec<[Hop; 8]>,
    pub(super) then: StateId,
    pub(super) span: Span,
    pub(super) pending: Vec<Pending>,
    pub(super) names: Keys,
    /// Witnesses that it consumes.
    pub(super) required: Vec<Required>,
    /// Durations of what is owed in the scopes that are entered, in order.
    pub(super) limits: Vec<Vec<Owed>>,
    /// In what time the next of the rounds that are begun must begin.
    pub(super) beats: SmallVec<[Owed; 1]>,
    /// Until when the state behind must be left, and what is owed.
    pub(super) deadline: Option<(Time, Span)>,
    pub(super) rank: u32,
    /// The role doubts whether this instance is meant.
    pub(super) doubtful: bool,
    pub(super) discard: bool,
    pub(super) passed: SmallVec<[Passed; 2]>,
    /// What its `@epoch` field holds.
    pub(super) epoch: Option<Value>,
}

impl Taken {
    /// A step at a place, before anything is assigned.
    pub(super) fn at(role: RoleId, end: End, hit: &Hit<'_>) -> Self {
        Self {
            role,
            end,
            hops: SmallVec::from_slice(&hit.hops),
            then: hit.then,
            span: hit.span,
            pending: Vec::new(),
            names: SmallVec::new(),
            required: Vec::new(),
            limits: Vec::new(),
            beats: SmallVec::new(),
            deadline: None,
            rank: hit.rank,
            doubtful: false,
            discard: hit.discard,
            passed: SmallVec::from_slice(&hit.passed),
            epoch: None,
        }
    }
}

impl Live {
    /// Assigns what stands in front of every role's first step.
    pub(super) fn begin(&mut self, program: &Program, externs: &dyn Externs) {
        // What is at the start of the protocol itself holds from its start, not from a role's first step.
        let mut roots: Vec<RegionId> = self.seats.ids().map(|role| program.root(role)).collect();
        roots.dedup();
        let entries = roots.into_iter().filter_map(|root| program.regions.entry(root)).flat_map(|root| &root.entry);
        for (who, sets) in entries {
            let mut made: Vec<Pending> = Vec::new();
            {
                let role = who.or_else(|| self.seats.ids().next());
                let Some(seat) = role.and_then(|role| self.seats.entry(role)) else { continue };
                let frames = [&seat.frame];
                let view = View {
                    program,
                    live: self,
                    role: *who,
                    frames: &frames,
                    pending: &[],
                    payload: &[],
                    now: self.now,
                    externs,
                };
                for set in sets {
                    made.push((set.slot, set.value.eval(&view).ok()));
                }
            }
            for (slot, value) in made {
                let (_, at) = place(slot);
                let frame = match who {
                    Some(role) => self.seats.entry_mut(*role).map(|seat| &mut seat.frame),
                    None => Some(&mut self.nobody),
                };
                if let Some(cell) = frame.and_then(|frame| frame.get_mut(at as usize)) {
                    *cell = value;
                }
            }
        }
        let owed: Vec<(RoleId, Owed)> =
            self.seats.iter().map(|(role, seat)| (role, self.at_first(program, role, seat, externs))).collect();
        for (role, owed) in owed {
            if let (Some((deadline, span)), Some(seat)) = (owed, self.seats.entry_mut(role)) {
                seat.act.armed = self.timers.arm(role, deadline, span);
            }
        }
    }

    /// What a role owes from the start.
    fn at_first(&self, program: &Program, role: RoleId, seat: &Seat, externs: &dyn Externs) -> Owed {
        let view = |pending: &[Pending], code: &Code| {
            let frames = &[&seat.frame];
            let now = self.now;
            code.eval(&View { program, live: self, role: Some(role), frames, pending, payload: &[], now, externs })
        };
        deadline(program, role, seat.act.region, seat.act.state, self.now, &[], &view)
    }

    /// Whether a message is out of the question wherever its place might be: one of its conditions is false that depends
    /// on the session's own variables and, if it is given, the payload. A quick look before [`Live::admits`], which
    /// would say the same, and why.
    #[must_use]
    pub fn excludes(
        &self,
        program: &Program,
        message: MessageId,
        sides: Sides,
        payload: Option<&[Option<Value>]>,
        now: Time,
    ) -> bool {
        let Some(travel) = program.messages.entry(message) else { return true };
        let sends = matches!(sides, Sides::Both | Sides::Send | Sides::Give | Sides::Attempt);
        // A repetition is recognized before conditions are looked at.
        if travel.early.is_empty() || !sends || !travel.rule.idempotent.is_empty() {
            return false;
        }
        let Some(seat) = self.seats.entry(travel.from) else { return true };
        let frames = [&seat.frame];
        let view = View {
            program,
            live: self,
            role: Some(travel.from),
            frames: &frames,
            pending: &[],
            payload: payload.unwrap_or_default(),
            now: now.max(self.now),
            // What asks the host is not decided early.
            externs: &|_, _: &[Value]| None,
        };
        let (blind, sighted) = travel.early.split_at(travel.blind.min(travel.early.len()));
        let asked = if payload.is_some() { sighted } else { blind };
        asked
            .iter()
            .filter_map(|&at| travel.rule.conditions.get(at))
            .any(|condition| condition.code.eval(&view) == Ok(Value::Bool(false)))
    }

    /// Every way in which an event may happen; if there is none, why the nearest one fails.
    pub fn admits(&self, program: &Program, seen: Seen<'_>) -> Result<Vec<Way>, Refused> {
        self.look(program, seen, false)
    }

    /// As [`Live::admits`], for whoever does not ask why: what cannot be is given up sooner.
    #[must_use]
    pub fn ways(&self, program: &Program, seen: Seen<'_>) -> Vec<Way> {
        self.look(program, seen, true).unwrap_or_default()
    }

    fn look(&self, program: &Program, seen: Seen<'_>, brief: bool) -> Result<Vec<Way>, Refused> {
        let Some(travel) = program.messages.entry(seen.message) else {
            return Err(Refused { why: Why::NotHere, role: RoleId::default() });
        };
        let now = seen.now.max(self.now);
        let rule = &*travel.rule;
        let mut remember: SmallVec<[(Digest, u128); 1]> = SmallVec::new();
        let sends = matches!(seen.sides, Sides::Both | Sides::Send | Sides::Give | Sides::Behind | Sides::Attempt);
        // Whoever is seen first remembers; of a message that is seen twice the second side does not.
        let remembers = matches!(seen.sides, Sides::Both | Sides::Send | Sides::Give | Sides::Take | Sides::Early);
        let watched = if sends { travel.from } else { travel.to };
        if remembers {
            for (option, memory) in rule.idempotent.iter().enumerate() {
                let Some((key, lasts)) = self.key_of(program, watched, memory, &seen, now) else { continue };
                match self.memory.known(key, seen.content, now, lasts) {
                    Known::Same => {
                        return Ok(vec![Way {
                            message: seen.message,
                            sides: seen.sides,
                            now,
                            payload: None,
                            taken: Vec::new(),
                            remember: SmallVec::new(),
                            before: 0,
                            duplicate: true,
                        }]);
                    }
                    Known::Other => return Err(Refused { why: Why::OtherContent { option }, role: travel.from }),
                    Known::New if self.memory.is_full() => {
                        return Err(Refused { why: Why::MemoryFull, role: travel.from });
                    }
                    Known::New => remember.push((key, seen.content)),
                }
            }
        }
        let keys = self.keys(program, rule, &seen, now);
        let mut miss: Option<Refused> = None;
        let mut senders: Vec<Taken> = Vec::new();
        let mut receivers: Vec<Taken> = Vec::new();
        let local = travel.from == travel.to;
        let mut before = 0;
        if sends {
            if seen.sides == Sides::Send && travel.edge.is_some_and(|edge| !self.has_room(program, edge)) {
                return Err(Refused { why: Why::Full, role: travel.from });
            }
            senders = self.side(program, &seen, (travel.from, End::From), &keys, now, &mut miss, brief);
            if senders.is_empty() {
                return Err(miss.unwrap_or(Refused { why: Why::NotHere, role: travel.from }));
            }
            if seen.sides == Sides::Attempt {
                if !rule.may_retry {
                    return Err(Refused { why: Why::MayNotFail, role: travel.from });
                }
                // What failed has consumed nothing.
                senders.iter_mut().for_each(|one| one.required.clear());
            }
        }
        // What is sent to a role that crashed vanishes.
        let gone = sends && self.seats.entry(travel.to).is_some_and(|seat| seat.crashed);
        if !local && !gone && matches!(seen.sides, Sides::Both | Sides::Receive | Sides::Take | Sides::Early) {
            if seen.sides == Sides::Receive {
                match travel.edge.and_then(|edge| self.taken_from(program, edge, &seen)) {
                    Some(at) => before = at,
                    None => return Err(Refused { why: Why::NotSent, role: travel.to }),
                }
            }
            let mut miss = None;
            receivers = self.side(program, &seen, (travel.to, End::To), &keys, now, &mut miss, brief);
            if receivers.is_empty() {
                return Err(miss.unwrap_or(Refused { why: Why::NotHere, role: travel.to }));
            }
        }
        if remembers {
            for (option, memory) in rule.unique.iter().enumerate() {
                let Some((key, lasts)) = self.key_of(program, watched, memory, &seen, now) else { continue };
                match self.memory.known(key, seen.content, now, lasts) {
                    Known::New if self.memory.is_full() => {
                        return Err(Refused { why: Why::MemoryFull, role: travel.from });
                    }
                    Known::New => remember.push((key, seen.content)),
                    Known::Same | Known::Other => {
                        return Err(Refused { why: Why::NotUnique { option }, role: travel.from });
                    }
                }
            }
        }
        let payload: Option<Arc<[Option<Value>]>> = (seen.sides == Sides::Send).then(|| seen.payload.into());
        let way = |taken: Vec<Taken>| Way {
            message: seen.message,
            sides: seen.sides,
            now,
            payload: payload.clone(),
            taken,
            remember: remember.clone(),
            before,
            duplicate: false,
        };
        let mut ways = Vec::with_capacity(1);
        match (senders.is_empty(), receivers.is_empty()) {
            (false, false) if senders.len() == 1 && receivers.len() == 1 => {
                senders.append(&mut receivers);
                ways.push(way(senders));
            }
            (false, false) => {
                for sender in &senders {
                    for receiver in &receivers {
                        ways.push(way(vec![sender.clone(), receiver.clone()]));
                    }
                }
            }
            _ => ways.extend(senders.into_iter().chain(receivers).map(|one| way(vec![one]))),
        }
        Ok(ways)
    }

    /// How many messages are in front of one that is received: none, unless the edge may have lost them.
    fn taken_from(&self, program: &Program, edge: EdgeId, seen: &Seen<'_>) -> Option<usize> {
        let queue = self.queues.entry(edge)?;
        if !self.is_lossy(program, edge) {
            return queue.front().filter(|head| head.message == seen.message).map(|_| 0);
        }
        // Of equal ones the first: it leaves open what the others do, and more.
        let mut same = queue.iter().enumerate().filter(|(_, queued)| queued.message == seen.message);
        let exact = same.clone().find(|(_, queued)| *queued.payload == *seen.payload);
        exact.or_else(|| same.next()).map(|(at, _)| at)
    }

    /// The places where one side can take a message, with what each assigns.
    #[expect(clippy::too_many_arguments, reason = "what is seen, and by whom")]
    fn side(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        (role, end): (RoleId, End),
        keys: &Keys,
        now: Time,
        miss: &mut Option<Refused>,
        brief: bool,
    ) -> Vec<Taken> {
        let mut finder = Finder::new(program, self, role, seen.message, end, keys, now);
        finder.brief = brief;
        let epoch = program.messages.entry(seen.message).and_then(|travel| travel.epoch);
        if let Some(value) = epoch.and_then(|at| seen.payload.get(at)?.as_ref()) {
            finder.epoch = Epoch::Known(value);
        }
        let (hits, missed) = finder.run();
        let mut taken: Vec<Taken> = Vec::new();
        for hit in hits {
            match self.evaluate(program, seen, role, end, keys, now, &hit) {
                Ok(one) => {
                    // Most often it is the one, and the other side's comes behind it.
                    if taken.is_empty() {
                        taken.reserve_exact(2);
                    }
                    taken.push(one);
                }
                Err(why) => nearer(miss, role, why),
            }
        }
        if taken.is_empty() {
            if let Some(missed) = missed {
                nearer(miss, missed.role, missed.why);
            }
            return taken;
        }
        // Of instances that wait for a key, and a new one, the first that fits.
        let place = |one: &Taken| (one.doubtful, one.rank);
        if let Some(best) = taken.iter().filter(|one| one.rank > 0).map(place).min() {
            taken.retain(|one| one.rank == 0 || place(one) == best);
        }
        taken
    }

    #[expect(clippy::too_many_arguments, reason = "what is seen, by whom, and where")]
    pub(super) fn evaluate(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        role: RoleId,
        end: End,
        keys: &Keys,
        now: Time,
        hit: &Hit<'_>,
    ) -> Result<Taken, Why> {
        let mut one = Taken::at(role, end, hit);
        if hit.discard {
            return Ok(one);
        }
        let Some(travel) = program.messages.entry(seen.message) else { return Err(Why::NotHere) };
        one.epoch = travel.epoch.and_then(|at| seen.payload.get(at).cloned().flatten());
        let rule = travel.rule_of(end);
        let view = |pending: &[Pending], code: &Code| -> Result<Value, Fault> {
            let view = View {
                program,
                live: self,
                role: Some(role),
                frames: &hit.frames,
                pending,
                payload: seen.payload,
                now,
                externs: seen.externs,
            };
            code.eval(&view)
        };
        let path = &*hit.path;
        let mut names = Keys::new();
        let mut pending = Vec::new();
        self.prepare(program, seen, (role, end), keys, now, hit, &mut pending, &mut |name| names.push(name))?;
        one.pending = pending;
        one.names = names;
        for &(due, came) in &hit.dues {
            let from = match due {
                Due::From(from) => from,
                Due::Limit(scope, handler, since) => {
                    let came = since.unwrap_or(came);
                    let limits = owed(program, role, scope, &one.pending, &view);
                    let limit = limits.get(handler).copied().flatten();
                    limit.map_or(Time::MIN, |(limit, _)| came.saturating_add(limit))
                }
            };
            if now < from {
                return Err(Why::TooEarlyToHandle { from });
            }
        }
        if end == End::From
            && let Some((from, to)) = &rule.within
        {
            if let Some(from) = from {
                let from = hit.since.saturating_add(duration(view(&one.pending, from))?);
                if now < from {
                    return Err(Why::TooEarly { from });
                }
            }
            let until = hit.since.saturating_add(duration(view(&one.pending, to))?);
            if now > until {
                return Err(Why::TooLate { until });
            }
        }
        for begun in &hit.begun {
            let until = match begun.beat {
                Some(beat) => beat.until,
                // The scope begins with this step; its clock began with the role's step before.
                None => spoken(view(&one.pending, begun.every)).map(|time| hit.since.saturating_add(time)),
            };
            if let Some(until) = until.filter(|&until| now > until) {
                return Err(Why::TooLate { until });
            }
        }
        for hop in &hit.hops {
            if let Hop::Enter(scope, _) = hop {
                one.limits.push(owed(program, role, *scope, &one.pending, &view));
            }
        }
        let alone = end == End::To && seen.sides == Sides::Take;
        // Which of the instances that lack a key is meant a receiver too finds by the conditions, as far as it can.
        if end == End::To && hit.rank > 0 {
            let fails = |condition: &Condition| match view(&one.pending, &condition.code) {
                Ok(value) => value != Value::Bool(true),
                Err(fault) => !is_unset(&fault),
            };
            one.doubtful = rule.conditions.iter().any(fails);
        }
        if end == End::From || alone || program.written {
            for (at, condition) in rule.conditions.iter().enumerate() {
                match view(&one.pending, &condition.code) {
                    Ok(Value::Bool(true)) => {}
                    Ok(_) => return Err(Why::False { condition: at }),
                    // A receiver alone cannot check what the sender knows and it does not.
                    Err(fault) if alone && !program.written && is_unset(&fault) => {}
                    Err(fault) => return Err(Why::Fault(fault)),
                }
            }
        }
        if !rule.requires.is_empty() && (end == End::From || alone || program.written) {
            let lenient = |fault: &Fault| alone && !program.written && is_unset(fault);
            one.required = witness::required(rule, lenient, |code| view(&one.pending, code))?;
        }
        self.assign(program, role, end, path, &rule.sets, (&view, now, seen.externs), &mut one.pending)?;
        for &(field, slot) in &rule.binds {
            let value = seen.payload.get(field as usize).cloned().flatten();
            one.pending.push((slot, value));
        }
        for group in &rule.after {
            self.assign(program, role, end, path, group, (&view, now, seen.externs), &mut one.pending)?;
        }
        self.invariants(program, role, path, &view, &one.pending)?;
        for begun in &hit.begun {
            one.beats.push(spoken(view(&one.pending, begun.every)).map(|time| (time, begun.span)));
        }
        one.deadline = deadline(program, role, hit.region, hit.then, now, &one.pending, &view);
        Ok(one)
    }

    /// What is assigned before a step's own rule: in front of it, and the keys that it gives to instances.
    #[expect(clippy::too_many_arguments, reason = "what is seen, by whom, and where")]
    pub(super) fn prepare(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        (role, end): (RoleId, End),
        keys: &Keys,
        now: Time,
        hit: &Hit<'_>,
        pending: &mut Vec<Pending>,
        named: &mut dyn FnMut((u8, u16, Value)),
    ) -> Result<(), Why> {
        for (depth, key, value) in keys {
            let declared = hit.path.get(usize::from(*depth)).and_then(|&frame| program.frames.entry(frame));
            let Some(key_slot) = declared.and_then(|frame| frame.keys.get(usize::from(*key))) else { continue };
            let (_, at) = place(key_slot.slot);
            let held = hit.frames.get(usize::from(*depth)).and_then(|frame| frame.get(at as usize));
            if held.is_none_or(Option::is_none) {
                pending.push((key_slot.slot, Some(value.clone())));
                named((*depth, *key, value.clone()));
            }
        }
        let view = |pending: &[Pending], code: &Code| -> Result<Value, Fault> {
            let (frames, externs) = (&*hit.frames, seen.externs);
            let payload = seen.payload;
            code.eval(&View { program, live: self, role: Some(role), frames, pending, payload, now, externs })
        };
        for sets in &hit.before {
            self.assign(program, role, end, &hit.path, sets, (&view, now, seen.externs), pending)?;
        }
        Ok(())
    }

    /// Simultaneous assignments, as far as a role makes them.
    #[expect(clippy::too_many_arguments, reason = "whose, where and how")]
    fn assign(
        &self,
        program: &Program,
        role: RoleId,
        end: End,
        path: &[FrameId],
        sets: &[Set],
        (view, now, externs): (&impl Fn(&[Pending], &Code) -> Result<Value, Fault>, Time, &dyn Externs),
        pending: &mut Vec<Pending>,
    ) -> Result<(), Why> {
        if sets.is_empty() {
            return Ok(());
        }
        // What is pending before the group is what the group sees.
        let known = pending.len();
        pending.reserve(sets.len());
        let mut fails = Ok(());
        for set in sets {
            let (depth, at) = place(set.slot);
            let info = path
                .get(usize::from(depth))
                .and_then(|&frame| program.frames.entry(frame))
                .and_then(|frame| frame.slots.get(at as usize));
            let nobodys = info.is_some_and(|info| info.roles.is_empty());
            let mine = match &set.who {
                // What nobody knows is held once in the session, and with the instances of a family by both ends.
                _ if nobodys => depth > 0 || end == End::From,
                Who::Ends => info.is_none_or(|info| info.roles.contains(&role)),
                Who::Roles(roles) => roles.contains(&role),
            };
            if !mine {
                continue;
            }
            let before = pending.get(..known).unwrap_or_default();
            let value = view(before, &set.value).map_err(Why::Fault).and_then(|value| {
                info.map_or(Ok(()), |info| refined(&info.sort, &value, set.slot, (now, externs))).map(|()| value)
            });
            match value {
                Ok(value) => pending.push((set.slot, Some(value))),
                Err(why) => {
                    fails = Err(why);
                    break;
                }
            }
        }
        if fails.is_err() {
            pending.truncate(known);
        }
        fails
    }

    /// What must hold of a variable holds after each step that assigns it, or anything that it speaks of.
    fn invariants(
        &self,
        program: &Program,
        role: RoleId,
        path: &[FrameId],
        view: &impl Fn(&[Pending], &Code) -> Result<Value, Fault>,
        pending: &[Pending],
    ) -> Result<(), Why> {
        for (depth, &frame) in path.iter().enumerate() {
            let Some(frame) = program.frames.entry(frame) else { continue };
            for &index in program.invariants_of(path, depth) {
                let Some(info) = frame.slots.get(index as usize) else { continue };
                let Some(invariant) = &info.invariant else { continue };
                let own = crate::protocol::slot(frame.depth, index);
                let touched = pending.iter().any(|(slot, _)| *slot == own || invariant.slots().contains(slot));
                if !touched || !(info.roles.is_empty() || info.roles.contains(&role)) {
                    continue;
                }
                match view(pending, invariant) {
                    Ok(Value::Bool(true)) => {}
                    Ok(_) => return Err(Why::Broken { slot: own }),
                    Err(fault) if is_unset(&fault) => {}
                    Err(fault) => return Err(Why::Fault(fault)),
                }
            }
        }
        Ok(())
    }

    /// The keys that a message names; what has no value names nothing.
    pub(super) fn keys(&self, program: &Program, rule: &Rule, seen: &Seen<'_>, now: Time) -> Keys {
        let (payload, externs) = (seen.payload, seen.externs);
        let mut keys = Keys::new();
        for key in &rule.keys {
            let view = View { program, live: self, role: None, frames: &[], pending: &[], payload, now, externs };
            if let Ok(value) = key.value.eval(&view)
                && value != Value::Unit
                && !keys.iter().any(|(depth, number, _)| (*depth, *number) == (key.depth, key.key))
            {
                keys.push((key.depth, key.key, value));
            }
        }
        keys
    }

    /// The digest of a remembered key, and for how long; none if a part of it is absent.
    fn key_of(
        &self,
        program: &Program,
        role: RoleId,
        memory: &Memory,
        seen: &Seen<'_>,
        now: Time,
    ) -> Option<(Digest, Option<Time>)> {
        let seat = self.seats.entry(role)?;
        let frames = [&seat.frame];
        let (payload, externs) = (seen.payload, seen.externs);
        let view = View { program, live: self, role: Some(role), frames: &frames, pending: &[], payload, now, externs };
        let mut values: SmallVec<[Value; 4]> = SmallVec::new();
        for code in &memory.by {
            values.push(code.eval(&view).ok()?);
        }
        let lasts = memory.lasts.as_ref().and_then(|code| duration(code.eval(&view)).ok());
        Some(((memory.id, digest(values.iter())), lasts))
    }

    /// Makes a step that was admitted in this very configuration.
    pub fn take(&mut self, program: &Program, way: &Way) {
        self.now = self.now.max(way.now);
        if way.duplicate || way.sides == Sides::Attempt {
            return;
        }
        let Some(travel) = program.messages.entry(way.message) else { return };
        for (key, content) in &way.remember {
            self.memory.remember(*key, *content, self.now);
        }
        let gone = self.seats.entry(travel.to).is_some_and(|seat| seat.crashed);
        let kind = travel.edge.and_then(|edge| program.edges.entry(edge)).map(|(_, _, kind)| *kind);
        let keeps_latest = kind == Some(EdgeKind::Latest);
        if let Some(queue) = travel.edge.and_then(|edge| self.queues.entry_mut(edge)) {
            match way.sides {
                Sides::Send if gone => {}
                Sides::Send => {
                    let payload = way.payload.clone().unwrap_or_default();
                    if keeps_latest {
                        queue.clear();
                    }
                    queue.push_back(Queued { message: way.message, payload });
                }
                Sides::Receive => drop(queue.drain(..=way.before.min(queue.len().saturating_sub(1)))),
                Sides::Both | Sides::Take | Sides::Give | Sides::Early | Sides::Behind | Sides::Attempt => {}
            }
        }
        for taken in &way.taken {
            self.take_one(program, taken, travel.from);
        }
    }

    fn take_one(&mut self, program: &Program, taken: &Taken, from: RoleId) {
        if taken.discard {
            return;
        }
        let now = self.now;
        for &place in &taken.passed {
            self.come_by(taken.role, place, taken.end == End::From);
        }
        let Some(seat) = self.seats.entry_mut(taken.role) else { return };
        for (slot, value) in &taken.pending {
            let (depth, at) = place(*slot);
            if depth == 0 {
                let frame = if program.is_nobodys(at as usize) { &mut self.nobody } else { &mut seat.frame };
                if let Some(cell) = frame.get_mut(at as usize) {
                    cell.clone_from(value);
                }
            }
        }
        let mut mover = Mover {
            program,
            taken,
            now,
            timers: &mut self.timers,
            limits: taken.limits.iter(),
            beats: taken.beats.iter(),
            stale: Vec::new(),
            received: (taken.end == End::To && from != taken.role).then_some(from),
            epoch: seat.epoch.clone(),
            since: now,
            crashed: Vec::new(),
        };
        mover.region(&mut seat.act, &taken.hops, 0);
        let (stale, crashed) = (mover.stale, mover.crashed);
        seat.stale.extend(stale);
        if let Some(epoch) = &taken.epoch
            && !seat.epoch.as_ref().is_some_and(|newest| is_old(epoch, newest))
        {
            seat.epoch = Some(epoch.clone());
        }
        if taken.end == End::To && from != taken.role {
            for stale in &mut seat.stale {
                if !stale.heard.contains(&from) {
                    stale.heard.push(from);
                }
            }
            seat.stale.retain(|stale| stale.heard.len() < program.roles().saturating_sub(1));
        }
        crashed.into_iter().for_each(|role| self.crash(program, role));
    }

    /// A role crashed: it does nothing more, and what is on its way to it vanishes.
    pub fn crash(&mut self, program: &Program, role: RoleId) {
        if let Some(seat) = self.seats.entry_mut(role) {
            seat.crashed = true;
        }
        self.timers.release(role);
        for (edge, queue) in program.edges.values().zip(self.queues.values_mut()) {
            if edge.1 == role {
                queue.clear();
            }
        }
    }
}

/// Whether a value satisfies the condition of its variable's sort. That it is of the sort otherwise is known from the
/// expression that gives it.
fn refined(sort: &Sort, value: &Value, slot: Slot, (now, externs): (Time, &dyn Externs)) -> Result<(), Why> {
    struct This<'a>(&'a Value, Time, &'a dyn Externs);
    impl Env for This<'_> {
        fn slot(&self, slot: Slot) -> Option<&Value> {
            (slot == Slot::THIS).then_some(self.0)
        }

        fn now(&self) -> Option<i64> {
            Some(self.1)
        }

        fn external(&self, id: crate::data::ExternId, args: &[Value]) -> Option<bool> {
            self.2.ask(id, args)
        }
    }
    let mut at = sort;
    loop {
        at = match at {
            Sort::Secret(of) => of,
            Sort::Option(of) if *value != Value::Unit => of,
            Sort::Refined(of, condition) => {
                match condition.eval(&This(value, now, externs)) {
                    Ok(Value::Bool(true)) => {}
                    Ok(_) => return Err(Why::Unfit { slot }),
                    Err(fault) => return Err(Why::Fault(fault)),
                }
                of
            }
            _ => return Ok(()),
        };
    }
}

/// Whether a name held nothing.
fn is_unset(fault: &Fault) -> bool {
    matches!(fault.why(), crate::data::Why::Unset(_))
}

/// A span of time, in microseconds; by its sort an expression that is asked for one gives nothing else.
fn duration(value: Result<Value, Fault>) -> Result<Time, Why> {
    match value.map_err(Why::Fault)? {
        Value::Duration(micros) => Ok(micros),
        _ => Ok(Time::MAX),
    }
}

/// A span of time, if there is one.
fn spoken(value: Result<Value, Fault>) -> Option<Time> {
    duration(value).ok()
}

/// In what time a role that comes to a scope has to do something in it: by part, by round and then for the main part, or
/// by handler its own time limits.
fn owed(
    program: &Program,
    role: RoleId,
    scope: ScopeId,
    pending: &[Pending],
    view: &impl Fn(&[Pending], &Code) -> Result<Value, Fault>,
) -> Vec<Owed> {
    let Some(Some(info)) = program.scopes.entry(scope) else { return Vec::new() };
    let start = |region: RegionId| {
        let initial = program.automaton_of(role, region)?.initial;
        deadline(program, role, region, initial, 0, pending, view)
    };
    match &info.parts {
        ScopeParts::Par(parts) => parts.iter().map(|&part| start(part)).collect(),
        ScopeParts::During(main, rounds) => {
            let beat = |round: &RoundInfo| {
                let every = round.every.as_ref().filter(|_| program.begins(role, round.region))?;
                Some((spoken(view(pending, every))?, round.span))
            };
            rounds.iter().map(beat).chain(main.iter().map(|&main| start(main))).collect()
        }
        ScopeParts::Try(_, handlers) => {
            let limit = |handler: &HandlerInfo| match &handler.trigger {
                Trigger::Timeout(at, code) | Trigger::Idle(at, code) | Trigger::Deadline(at, code) if *at == role => {
                    Some((spoken(view(pending, code))?, Span::default()))
                }
                _ => None,
            };
            handlers.iter().map(limit).collect()
        }
    }
}

/// Until when a role must have left a state: if all that it can do there by itself is in time only, the latest of it; and
/// where a scope begins, the earliest that is owed in it.
pub(super) fn deadline(
    program: &Program,
    role: RoleId,
    region: RegionId,
    state: StateId,
    now: Time,
    pending: &[Pending],
    view: &impl Fn(&[Pending], &Code) -> Result<Value, Fault>,
) -> Owed {
    let row = program.row(role, region, state)?;
    if row.exits.contains(&0) {
        return None;
    }
    if let ([(scope, _)], true) = (&*row.scopes, row.arms.is_empty()) {
        let later = |(time, span): (Time, Span)| (now.saturating_add(time), span);
        return match &program.scopes.entry(*scope)?.as_ref()?.parts {
            ScopeParts::Try(body, _) => {
                let initial = program.automaton_of(role, *body)?.initial;
                deadline(program, role, *body, initial, now, pending, view)
            }
            _ => owed(program, role, *scope, pending, view).into_iter().flatten().map(later).min_by_key(|owed| owed.0),
        };
    }
    if !row.scopes.is_empty() {
        return None;
    }
    let mut latest: Option<(Time, Span)> = None;
    for arm in row.arms.iter().filter(|arm| arm.end == End::From) {
        let rule = &program.messages.entry(arm.message)?.rule;
        let (_, until) = rule.within.as_ref()?;
        let until = now.saturating_add(duration(view(pending, until)).ok()?);
        if latest.is_none_or(|(known, _)| known < until) {
            latest = Some((until, arm.span));
        }
    }
    latest
}

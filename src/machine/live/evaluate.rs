//! What a role's part of a step is at one place: its conditions and times checked, its assignments evaluated. Nothing is
//! changed here.

use super::{
    Live, Seen, Sides, Time, Why,
    ends::Due,
    env::{New, Pending, View},
    place::{Begun, Hit, Hop, Keys},
    step::{Owed, Taken},
    witness,
};
use crate::{
    data::{Edit, Env, Externs, Fault, Slot, Sort, Value},
    diag::Span,
    id::{FrameId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{End, HandlerInfo, Program, RoundInfo, ScopeParts},
    protocol::{Condition, Set, Trigger, Who, place},
};

impl Live {
    /// What a role's part of a step is at one place; it is put into `one`, whatever that was before.
    #[expect(clippy::too_many_arguments, reason = "what is seen, by whom, and where")]
    pub(super) fn evaluate(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        role: RoleId,
        end: End,
        keys: &Keys,
        (now, holds): (Time, u64),
        hit: &Hit<'_, '_>,
        one: &mut Taken,
    ) -> Result<(), Why> {
        one.move_to(role, end, hit);
        if hit.discard {
            return Ok(());
        }
        let Some(travel) = program.messages.entry(seen.message) else { return Err(Why::NotHere) };
        let rule = travel.rule_of(end);
        let view = View {
            program,
            live: self,
            role: Some(role),
            frames: hit.frames,
            pending: &[],
            payload: seen.payload,
            now,
            externs: seen.externs,
        };
        let Taken { names, pending, required, limits, beats, doubtful, deadline: due, epoch, .. } = one;
        if !(keys.is_empty() && hit.before.is_empty()) {
            prepare(end, keys, hit, view, pending, &mut |name| names.push(name))?;
        }
        for &(due, came) in hit.dues {
            let from = match due {
                Due::From(from) => from,
                Due::Limit(scope, handler, since) => {
                    let limit = owed(role, scope, view.with(pending)).get(handler).copied().flatten();
                    limit.map_or(Time::MIN, |(limit, _)| since.unwrap_or(came).saturating_add(limit))
                }
            };
            if now < from {
                return Err(Why::TooEarlyToHandle { from });
            }
        }
        let alone = end == End::To && seen.sides == Sides::Take;
        // In front of the step's own assignments: what is owed in a scope is told by what it begins with.
        {
            let view = view.with(pending);
            if end == End::From
                && let Some((from, to)) = &rule.within
            {
                if let Some(from) = from {
                    let from = hit.since.saturating_add(duration(from.eval(&view))?);
                    if now < from {
                        return Err(Why::TooEarly { from });
                    }
                }
                let until = hit.since.saturating_add(duration(to.eval(&view))?);
                if now > until {
                    return Err(Why::TooLate { until });
                }
            }
            for begun in hit.begun {
                let until = match begun.beat {
                    Some(beat) => beat.until,
                    // The scope begins with this step; its clock began with the role's step before.
                    None => spoken(begun.every.eval(&view)).map(|time| hit.since.saturating_add(time)),
                };
                if let Some(until) = until.filter(|&until| now > until) {
                    return Err(Why::TooLate { until });
                }
            }
            for hop in hit.hops {
                if let Hop::Enter(scope, _) = hop {
                    limits.push(owed(role, *scope, view));
                }
            }
            // Which of the instances that lack a key is meant a receiver too finds by the conditions, as far as it can.
            if end == End::To && hit.rank > 0 {
                let fails = |condition: &Condition| match condition.code.eval(&view) {
                    Ok(value) => value != Value::Bool(true),
                    Err(fault) => !is_unset(&fault),
                };
                *doubtful = rule.conditions.iter().any(fails);
            }
            if end == End::From || alone || program.written {
                // They are one conjunction: what is false decides, though something else has no value.
                let mut faulty = None;
                for (at, condition) in rule.conditions.iter().enumerate() {
                    if at < 64 && holds & (1 << at) != 0 {
                        continue;
                    }
                    match condition.code.holds(&view) {
                        Ok(true) => {}
                        Ok(false) => return Err(Why::False { condition: at }),
                        // A receiver alone cannot check what the sender knows and it does not.
                        Err(fault) if alone && !program.written && is_unset(&fault) => {}
                        Err(fault) => faulty = faulty.or(Some(fault)),
                    }
                }
                if let Some(fault) = faulty {
                    return Err(Why::Fault(fault));
                }
            }
        }
        if !rule.requires.is_empty() && (end == End::From || alone || program.written) {
            let lenient = |fault: &Fault| alone && !program.written && is_unset(fault);
            *required = witness::required(rule, lenient, |code| code.eval(&view.with(pending)))?;
        }
        if !travel.is_quiet(end) {
            let mut edits = travel.edits_of(end).iter().map(|group| &**group);
            assign(end, hit.path, &rule.sets, edits.next().unwrap_or_default(), view, pending)?;
            for &(field, slot) in &rule.binds {
                let value = seen.payload.get(field as usize).cloned().flatten();
                pending.push(Pending::value(slot, value));
            }
            for group in &rule.after {
                assign(end, hit.path, group, edits.next().unwrap_or_default(), view, pending)?;
            }
        }
        let view = view.with(pending);
        // Nothing is assigned, nothing breaks.
        if !pending.is_empty() {
            invariants(role, hit.path, view)?;
        }
        let next = |begun: &Begun<'_>| spoken(begun.every.eval(&view)).map(|time| (time, begun.span));
        beats.extend(hit.begun.iter().map(next));
        *due = deadline(role, hit.region, hit.then, now, view);
        *epoch = travel.epoch.and_then(|at| seen.payload.get(at).cloned().flatten());
        Ok(())
    }
}

/// What is assigned before a step's own rule: in front of it, and the keys that it gives to instances.
pub(super) fn prepare(
    end: End,
    keys: &Keys,
    hit: &Hit<'_, '_>,
    view: View<'_>,
    pending: &mut Vec<Pending>,
    named: &mut dyn FnMut((u8, u16, Value)),
) -> Result<(), Why> {
    for (depth, key, value) in keys {
        let declared = hit.path.get(usize::from(*depth)).and_then(|&frame| view.program.frames.entry(frame));
        let Some(key_slot) = declared.and_then(|frame| frame.keys.get(usize::from(*key))) else { continue };
        let (_, at) = place(key_slot.slot);
        let held = hit.frames.get(usize::from(*depth)).and_then(|frame| frame.get(at as usize));
        if held.is_none_or(Option::is_none) {
            pending.push(Pending::value(key_slot.slot, Some(value.clone())));
            named((*depth, *key, value.clone()));
        }
    }
    for sets in hit.before {
        assign(end, hit.path, sets, &[], view, pending)?;
    }
    Ok(())
}

/// Simultaneous assignments, as far as a role makes them; those that can be are made in place, later.
fn assign(
    end: End,
    path: &[FrameId],
    sets: &[Set],
    edits: &[Option<Edit>],
    view: View<'_>,
    pending: &mut Vec<Pending>,
) -> Result<(), Why> {
    if sets.is_empty() {
        return Ok(());
    }
    // What is pending before the group is what the group sees.
    let known = pending.len();
    pending.reserve(sets.len());
    for (number, set) in sets.iter().enumerate() {
        let (depth, at) = place(set.slot);
        let info = path
            .get(usize::from(depth))
            .and_then(|&frame| view.program.frames.entry(frame))
            .and_then(|frame| frame.slots.get(at as usize));
        let nobodys = info.is_some_and(|info| info.roles.is_empty());
        let role = view.role.unwrap_or_default();
        let mine = match &set.who {
            // What nobody knows is held once in the session, and with the instances of a family by both ends.
            _ if nobodys => depth > 0 || end == End::From,
            Who::Ends => info.is_none_or(|info| info.roles.contains(&role)),
            Who::Roles(roles) => roles.contains(&role),
        };
        if !mine {
            continue;
        }
        let before = view.with(pending.get(..known).unwrap_or_default());
        let edit = edits.get(number).and_then(Option::as_ref);
        if let (Some(edit), Some(info)) = (edit, info)
            && matches!(info.sort, Sort::List(_) | Sort::Set(_) | Sort::Map(..))
            && !before.pending.iter().any(|other| other.slot == set.slot)
            && let Some(change) = before.slot(set.slot).and_then(|held| edit.plan(&before, held))
        {
            pending.push(Pending { slot: set.slot, new: New::Change(change) });
            continue;
        }
        let value = set.value.eval(&before).map_err(Why::Fault).and_then(|value| {
            info.map_or(Ok(()), |info| refined(&info.sort, &value, set.slot, (view.now, view.externs))).map(|()| value)
        });
        match value {
            Ok(value) => pending.push(Pending::value(set.slot, Some(value))),
            Err(why) => {
                pending.truncate(known);
                return Err(why);
            }
        }
    }
    Ok(())
}

/// What must hold of a variable holds after each step that assigns it, or anything that it speaks of.
fn invariants(role: RoleId, path: &[FrameId], view: View<'_>) -> Result<(), Why> {
    for (depth, &frame) in path.iter().enumerate() {
        let Some(frame) = view.program.frames.entry(frame) else { continue };
        for &index in view.program.invariants_of(path, depth) {
            let Some(info) = frame.slots.get(index as usize) else { continue };
            let Some(invariant) = &info.invariant else { continue };
            let own = crate::protocol::slot(frame.depth, index);
            let touched = view.pending.iter().any(|one| one.slot == own || invariant.slots().contains(&one.slot));
            if !touched || !(info.roles.is_empty() || info.roles.contains(&role)) {
                continue;
            }
            match invariant.holds(&view) {
                Ok(true) => {}
                Ok(false) => return Err(Why::Broken { slot: own }),
                Err(fault) if is_unset(&fault) => {}
                Err(fault) => return Err(Why::Fault(fault)),
            }
        }
    }
    Ok(())
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
pub(super) fn duration(value: Result<Value, Fault>) -> Result<Time, Why> {
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
fn owed(role: RoleId, scope: ScopeId, view: View<'_>) -> Vec<Owed> {
    let program = view.program;
    let Some(Some(info)) = program.scopes.entry(scope) else { return Vec::new() };
    let start = |region: RegionId| {
        let initial = program.automaton_of(role, region)?.initial;
        deadline(role, region, initial, 0, view)
    };
    match &info.parts {
        ScopeParts::Par(parts) => parts.iter().map(|&part| start(part)).collect(),
        ScopeParts::During(main, rounds) => {
            let beat = |round: &RoundInfo| {
                let every = round.every.as_ref().filter(|_| program.begins(role, round.region))?;
                Some((spoken(every.eval(&view))?, round.span))
            };
            rounds.iter().map(beat).chain(main.iter().map(|&main| start(main))).collect()
        }
        ScopeParts::Try(_, handlers) => {
            let limit = |handler: &HandlerInfo| match &handler.trigger {
                Trigger::Timeout(at, code) | Trigger::Idle(at, code) | Trigger::Deadline(at, code) if *at == role => {
                    Some((spoken(code.eval(&view))?, Span::default()))
                }
                _ => None,
            };
            handlers.iter().map(limit).collect()
        }
    }
}

/// Until when a role must have left a state: if all that it can do there by itself is in time only, the latest of it; and
/// where a scope begins, the earliest that is owed in it.
pub(super) fn deadline(role: RoleId, region: RegionId, state: StateId, now: Time, view: View<'_>) -> Owed {
    let program = view.program;
    let row = program.row(role, region, state).filter(|_| program.timed)?;
    if row.exits.contains(&0) {
        return None;
    }
    if let ([(scope, _)], true) = (&*row.scopes, row.arms.is_empty()) {
        let later = |(time, span): (Time, Span)| (now.saturating_add(time), span);
        return match &program.scopes.entry(*scope)?.as_ref()?.parts {
            ScopeParts::Try(body, _) => {
                let initial = program.automaton_of(role, *body)?.initial;
                deadline(role, *body, initial, now, view)
            }
            _ => owed(role, *scope, view).into_iter().flatten().map(later).min_by_key(|owed| owed.0),
        };
    }
    if !row.scopes.is_empty() {
        return None;
    }
    let mut latest: Owed = None;
    for arm in row.arms.iter().filter(|arm| arm.end == End::From) {
        let rule = &program.messages.entry(arm.message)?.rule;
        let (_, until) = rule.within.as_ref()?;
        let until = now.saturating_add(duration(until.eval(&view)).ok()?);
        if latest.is_none_or(|(known, _)| known < until) {
            latest = Some((until, arm.span));
        }
    }
    latest
}

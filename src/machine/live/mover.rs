//! Making one role's part of a step: along the way that was found, scopes are entered and left, instances opened and closed,
//! clocks started and met. What may happen is decided in `step`; nothing is decided here.

use super::{
    Activation, Attempt, Frame, Inside, Parts, Round, Stale, Time,
    ends::{is_over, is_quiet, may_begin},
    env::Pending,
    family::{Family, Instance},
    place::{Hop, in_body},
    step::Taken,
};
use crate::{
    id::{FrameId, RegionId, RoleId, ScopeId},
    machine::program::{HandlerInfo, Program, ScopeParts},
    protocol::{PAYLOAD, Trigger, place},
};

/// Makes one role's part of a step, along the way to it.
pub(super) struct Mover<'a> {
    pub(super) program: &'a Program,
    pub(super) taken: &'a Taken,
    pub(super) now: Time,
    pub(super) timers: &'a mut super::time::Timers,
    pub(super) limits: std::slice::Iter<'a, Vec<Option<Time>>>,
    pub(super) stale: Vec<Stale>,
    /// From whom, if it is a receive.
    pub(super) received: Option<RoleId>,
    /// When the role came to what the step is in.
    pub(super) since: Time,
    /// Whose crash the step proves.
    pub(super) crashed: Vec<RoleId>,
}

impl Mover<'_> {
    pub(super) fn region(&mut self, act: &mut Activation, hops: &[Hop], depth: u8) {
        self.since = std::mem::replace(&mut act.since, self.now);
        if let Some(from) = self.received
            && !matches!(hops.first(), Some(Hop::Linger(_)))
        {
            for left in act.lingering_mut().iter_mut().filter(|left| !left.heard.contains(&from)) {
                left.heard.push(from);
            }
        }
        self.inner(act, hops, depth);
        self.forget(act);
    }

    /// Drops what was left and in which nothing can happen any more; of the same scope the latest is kept.
    fn forget(&mut self, act: &mut Activation) {
        if act.lingering().is_empty() {
            return;
        }
        let (program, role) = (self.program, self.taken.role);
        let mut seen: Vec<ScopeId> = Vec::new();
        for at in (0..act.lingering().len()).rev() {
            let Some(left) = act.lingering().get(at) else { continue };
            let later = seen.contains(&left.scope);
            seen.push(left.scope);
            let over = is_quiet(program, role, left) && (later || !may_begin(program, role, left));
            if let Some(left) = over.then(|| act.forget(at)).flatten() {
                self.disarm(&left);
            }
        }
    }

    fn inner(&mut self, act: &mut Activation, hops: &[Hop], depth: u8) {
        match hops.split_first() {
            None => {
                act.state = self.taken.then;
                self.timers.disarm(act.arm(0));
                if let Some((deadline, span)) = self.taken.deadline {
                    act.arm(self.timers.arm(self.taken.role, deadline, span));
                }
            }
            Some((&Hop::Enter(scope, inner), rest)) => {
                self.timers.disarm(act.arm(0));
                let Some(mut inside) = Inside::start(self.program, self.taken.role, scope, self.since) else { return };
                let durations = self.limits.next();
                if let (Parts::Try { limits, .. }, Some(durations)) = (&mut inside.parts, durations) {
                    *limits = durations.iter().map(|limit| limit.map(|d| (d, self.since.saturating_add(d)))).collect();
                }
                act.state = inner;
                act.inside = Some(Box::new(inside));
                match rest.first() {
                    Some(Hop::Leave(..)) => self.inner(act, rest, depth),
                    _ => {
                        if let Some(inside) = act.inside.as_deref_mut() {
                            self.scope(inside, rest, depth);
                        }
                    }
                }
            }
            Some((&Hop::Leave(_, then), rest)) => {
                if let Some(inside) = act.inside.take() {
                    let mut inside = *inside;
                    inside.heard.extend(self.received);
                    act.linger(inside);
                }
                act.state = then;
                self.inner(act, rest, depth);
            }
            Some((&Hop::Linger(number), rest)) => {
                if let Some(inside) = act.lingering_mut().get_mut(number as usize) {
                    self.scope(inside, rest, depth);
                }
            }
            Some(_) => {
                if let Some(inside) = act.inside.as_deref_mut() {
                    self.scope(inside, hops, depth);
                }
            }
        }
    }

    fn disarm(&mut self, inside: &Inside) {
        let mut armed = Vec::new();
        let mut note = |act: &Activation| {
            if act.armed() != 0 {
                armed.push(act.armed());
            }
        };
        each(inside, &mut note);
        armed.into_iter().for_each(|number| self.timers.disarm(number));
    }

    fn scope(&mut self, inside: &mut Inside, hops: &[Hop], depth: u8) {
        let Some((&hop, rest)) = hops.split_first() else { return };
        let (program, role, now) = (self.program, self.taken.role, self.now);
        let Some(Some(info)) = program.scopes.entry(inside.scope) else { return };
        match (&mut inside.parts, &info.parts, hop) {
            (Parts::Par(parts), _, Hop::Part(number)) => {
                if let Some(act) = parts.get_mut(number as usize) {
                    self.region(act, rest, depth);
                }
            }
            (Parts::During { main: Some(main), .. }, _, Hop::Main) => self.region(main, rest, depth),
            (Parts::During { rounds, .. }, ScopeParts::During(_, infos), Hop::One(number, anew)) => {
                let (Some(Round::One { act, opened }), Some(info)) =
                    (rounds.get_mut(number as usize), infos.get(number as usize))
                else {
                    return;
                };
                if anew {
                    *act = Some(Activation::start(program, role, info.region, self.since));
                    *opened = now;
                }
                if let Some(open) = act {
                    self.region(open, rest, depth);
                    if is_over(program, role, open) {
                        self.timers.disarm(open.armed());
                        *act = None;
                    }
                }
            }
            (
                Parts::During { rounds, .. },
                ScopeParts::During(_, infos),
                Hop::Instance(number, _) | Hop::Create(number),
            ) => {
                let (Some(Round::Family(family)), Some(info)) =
                    (rounds.get_mut(number as usize), infos.get(number as usize))
                else {
                    return;
                };
                let Some(frame) = info.family else { return };
                self.instance(family, frame, info.region, hop, rest);
            }
            (Parts::Try { act, received, limits, .. }, ScopeParts::Try(_, handlers), Hop::Current) => {
                self.region(act, rest, depth);
                self.heard(received, limits, handlers);
            }
            (Parts::Try { at, act, received, limits }, ScopeParts::Try(body, handlers), Hop::Handler(number)) => {
                let Some(handler) = handlers.get(number as usize) else { return };
                self.heard(received, limits, handlers);
                let mut regions = vec![];
                if in_body(*at) {
                    regions.push(*body);
                }
                let number = number as usize;
                regions.extend(handlers.iter().skip(number.saturating_add(1)).map(|handler| handler.region));
                self.stale.push(Stale { regions: regions.into(), heard: Vec::new() });
                if let Trigger::Crash(other) = handler.trigger
                    && other != role
                {
                    self.crashed.push(other);
                }
                *at = Attempt::Handler(number);
                let abandoned = std::mem::replace(act, Activation::start(program, role, handler.region, self.since));
                if let Some(inside) = &abandoned.inside {
                    self.disarm(inside);
                }
                self.timers.disarm(abandoned.armed());
                self.region(act, rest, depth);
            }
            _ => {}
        }
    }

    /// A receive in a `try` starts the clocks of its silences anew.
    fn heard(&self, received: &mut Time, limits: &mut [Option<(Time, Time)>], handlers: &[HandlerInfo]) {
        if self.received.is_none() {
            return;
        }
        *received = self.now;
        for (limit, handler) in limits.iter_mut().zip(handlers) {
            if let (Some((duration, until)), Trigger::Timeout(..) | Trigger::Idle(..)) = (limit, &handler.trigger) {
                *until = self.now.saturating_add(*duration);
            }
        }
    }

    fn instance(&mut self, family: &mut Family, frame: FrameId, region: RegionId, hop: Hop, rest: &[Hop]) {
        let (program, role, now) = (self.program, self.taken.role, self.now);
        let Some(declared) = program.frames.entry(frame) else { return };
        let depth = declared.depth;
        let id = match hop {
            Hop::Instance(_, id) => id,
            _ => {
                family.opened = now;
                let act = Activation::start(program, role, region, self.since);
                let frame = vec![None; declared.slots.len()].into();
                let Some(id) = family.live.insert(Instance { frame, act }) else { return };
                if !declared.keys.is_empty() {
                    family.waiting.push_back(id);
                }
                id
            }
        };
        let Some(instance) = family.live.get_mut(id) else { return };
        assign(&mut instance.frame, depth, &self.taken.pending);
        for (_, key, value) in self.taken.names.iter().filter(|(at, ..)| *at == depth) {
            let use_ = declared.keys.get(usize::from(*key)).map(|key| key.use_).unwrap_or_default();
            family.name(id, usize::from(*key), value, use_);
        }
        let Some(instance) = family.live.get_mut(id) else { return };
        let named = |frame: &Frame| {
            declared.keys.iter().all(|key| {
                let (_, at) = place(key.slot);
                frame.get(at as usize).is_some_and(Option::is_some)
            })
        };
        if named(&instance.frame) && !family.waiting.is_empty() {
            family.waiting.retain(|&waiting| waiting != id);
        }
        self.region(&mut instance.act, rest, depth);
        // [close]
        if is_over(program, role, &instance.act)
            && let Some(instance) = family.close(id)
        {
            self.timers.disarm(instance.act.armed());
        }
    }
}

fn assign(frame: &mut Frame, depth: u8, pending: &[Pending]) {
    for one in pending {
        let (at_depth, at) = place(one.slot);
        if at_depth == depth
            && at_depth != PAYLOAD
            && let Some(cell) = frame.get_mut(at as usize)
        {
            one.make(cell);
        }
    }
}

/// Every activation in a scope.
fn each(inside: &Inside, seen: &mut impl FnMut(&Activation)) {
    let mut todo: Vec<&Activation> = Vec::new();
    inside.activations(&mut todo);
    while let Some(act) = todo.pop() {
        seen(act);
        for inside in act.scopes() {
            inside.activations(&mut todo);
        }
    }
}

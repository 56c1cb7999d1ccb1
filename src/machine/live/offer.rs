//! What a role may do next, whatever the data says: for reports, which show what would have been allowed.
//!
//! Every arm that the role can reach without another step of its own is listed once. Of a family only the first
//! instances are looked at, and work is bounded: a list for people need not be complete.

use rustc_hash::FxHashSet;

use super::{
    Activation, Attempt, Live, Parts, Round,
    ends::scope_exits,
    place::{At, In, info},
};
use crate::{
    diag::Span,
    id::{MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::program::{End, HandlerInfo, Program, RoundInfo, Row, ScopeParts},
    protocol::Trigger,
};

/// Instances of a family that are looked at.
const INSTANCES: usize = 64;
/// Regions that are looked at.
const WORK: usize = 1 << 14;
const MAX_DEPTH: usize = 64;

/// Something that a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which message.
    pub message: MessageId,
    /// Which side.
    pub end: End,
    /// Where it is written.
    pub span: Span,
}

impl Live {
    /// What a role may do next, whatever the data says; each message and side once.
    #[must_use]
    pub fn offers(&self, program: &Program, role: RoleId) -> Vec<Offer> {
        let mut list = List { program, role, known: FxHashSet::default(), work: WORK, out: Vec::new() };
        if let Some(seat) = self.seats.entry(role).filter(|seat| !seat.crashed) {
            list.region(At::Live(&seat.act), 0, true);
        }
        list.out
    }
}

struct List<'a> {
    program: &'a Program,
    role: RoleId,
    known: FxHashSet<(MessageId, End)>,
    work: usize,
    out: Vec<Offer>,
}

impl List<'_> {
    fn region(&mut self, at: At<'_>, depth: usize, sends: bool) {
        if depth > MAX_DEPTH || self.work == 0 {
            return;
        }
        self.work = self.work.saturating_sub(1);
        let (region, state, inside) = match at {
            At::Live(act) => {
                for inside in act.lingering() {
                    self.scope(In::Live(inside), true, depth, sends);
                }
                (act.region, act.state, act.inside.as_deref())
            }
            At::Fresh(region) => match self.program.automaton_of(self.role, region) {
                Some(automaton) => (region, automaton.initial, None),
                None => return,
            },
        };
        match inside {
            None => self.state(region, state, depth, sends),
            Some(inside) => {
                self.scope(In::Live(inside), false, depth, sends);
                self.beyond(region, state, In::Live(inside), depth, sends);
            }
        }
    }

    fn state(&mut self, region: RegionId, state: StateId, depth: usize, sends: bool) {
        if depth > MAX_DEPTH || self.work == 0 {
            return;
        }
        self.work = self.work.saturating_sub(1);
        let Some(row) = self.program.row(self.role, region, state) else { return };
        for arm in row.arms.iter().filter(|arm| sends || arm.end == End::To) {
            if self.known.insert((arm.message, arm.end)) {
                self.out.push(Offer { message: arm.message, end: arm.end, span: arm.span });
            }
        }
        for &(scope, inner) in &row.scopes {
            self.scope(In::Fresh(scope), false, depth.saturating_add(1), sends);
            self.beyond(region, inner, In::Fresh(scope), depth.saturating_add(1), sends);
        }
    }

    fn beyond(&mut self, region: RegionId, inner: StateId, at: In<'_>, depth: usize, sends: bool) {
        let Some(row) = self.program.row(self.role, region, inner) else { return };
        let sendable = scope_exits(self.program, self.role, at, Some(End::From), depth);
        for (way, _) in scope_exits(self.program, self.role, at, Some(End::To), depth) {
            let sends = sends && sendable.iter().any(|(number, _)| *number == way);
            for &(_, then) in row.leaves.iter().filter(|(number, _)| *number == way) {
                self.state(region, then, depth.saturating_add(1), sends);
            }
        }
    }

    fn scope(&mut self, at: In<'_>, left: bool, depth: usize, sends: bool) {
        let deeper = depth.saturating_add(1);
        let scope: ScopeId = match at {
            In::Live(inside) => inside.scope,
            In::Fresh(scope) => scope,
        };
        let Some(info) = info(self.program, scope) else { return };
        match (&info.parts, at) {
            (ScopeParts::Par(parts), In::Fresh(_)) => {
                parts.iter().for_each(|&part| self.region(At::Fresh(part), deeper, sends));
            }
            (ScopeParts::During(main, rounds), In::Fresh(_)) => {
                if let Some(main) = main {
                    self.region(At::Fresh(*main), deeper, sends);
                }
                rounds.iter().for_each(|round| self.region(At::Fresh(round.region), deeper, sends));
            }
            (ScopeParts::Try(body, handlers), In::Fresh(_)) => {
                self.region(At::Fresh(*body), deeper, sends);
                self.handlers(handlers, handlers.len(), deeper, sends);
            }
            (parts, In::Live(inside)) => match (&inside.parts, parts) {
                (Parts::Par(acts), _) => acts.iter().for_each(|act| self.region(At::Live(act), deeper, sends)),
                (Parts::During { main, rounds }, ScopeParts::During(_, infos)) => {
                    let over = main.as_ref().is_some_and(|main| {
                        let idle = self
                            .program
                            .automaton_of(self.role, main.region)
                            .is_none_or(crate::machine::Automaton::is_idle);
                        !idle && self.is_over(main)
                    });
                    if let Some(main) = main.as_ref().filter(|_| !left) {
                        self.region(At::Live(main), deeper, sends);
                    }
                    let opens = !(over || left);
                    for (info, round) in infos.iter().zip(rounds) {
                        self.round(info, round, opens, deeper, sends);
                    }
                }
                (Parts::Try { at, act, .. }, ScopeParts::Try(_, handlers)) => {
                    if !matches!(at, Attempt::Expired(_)) {
                        self.region(At::Live(act), deeper, sends);
                    }
                    self.handlers(handlers, at.open(handlers.len()), deeper, sends);
                }
                _ => {}
            },
        }
    }

    fn is_over(&self, main: &Activation) -> bool {
        main.inside.is_none() && self.program.row(self.role, main.region, main.state).is_none_or(Row::is_over)
    }

    fn round(&mut self, info: &RoundInfo, round: &Round, opens: bool, depth: usize, sends: bool) {
        let mut anew = true;
        match round {
            Round::One { act: Some(act), .. } => {
                self.region(At::Live(act), depth, sends);
                anew = self.is_over(act);
            }
            Round::One { act: None, .. } => {}
            Round::Family(family) => {
                for instance in family.live.values().take(INSTANCES) {
                    self.region(At::Live(&instance.act), depth, sends);
                }
            }
        }
        if anew {
            self.region(At::Fresh(info.region), depth, sends && opens);
        }
    }

    fn handlers(&mut self, handlers: &[HandlerInfo], open: usize, depth: usize, sends: bool) {
        for handler in handlers.iter().take(open) {
            let own = match &handler.trigger {
                Trigger::Crash(other) => *other != self.role,
                Trigger::Interrupt(at) | Trigger::Timeout(at, _) | Trigger::Idle(at, _) | Trigger::Deadline(at, _) => {
                    *at == self.role
                }
            };
            self.region(At::Fresh(handler.region), depth, sends && own);
        }
    }
}

//! Labels that cannot be told apart: what an abandoned scope may have left on an edge, and what may come first behind it.
//!
//! In: a program. Out: a warning per edge and label. When a handler is entered, what was sent in the body, or in a later
//! handler, may still be on its way; its receiver, once out, discards everything before the sender's first message from
//! beyond (LANGUAGE, `try … on`). So that first message must have another label, or an `@epoch` field that says which it is.
//!
//! Which messages may be first is over-approximated by leaving out data and time.

use rustc_hash::FxHashSet;

use super::World;
use crate::{
    diag::{Diagnostic, catalogue::verdict as codes},
    id::{LabelId, MessageId, RegionId, RoleId, ScopeId, StateId},
    machine::{Arm, End, Row, ScopeParts},
};

/// Looks at what one role sends to another.
struct Walk<'w, 'p> {
    world: &'w World<'p>,
    from: RoleId,
    to: RoleId,
    seen: FxHashSet<(RegionId, StateId)>,
    /// What is sent first.
    first: Vec<Arm>,
}

impl<'p> Walk<'_, 'p> {
    fn row(&self, region: RegionId, state: StateId) -> Option<&'p Row> {
        self.world.program.row(self.from, region, state)
    }

    /// From the start of a region: whether its end can be reached with nothing sent.
    fn region(&mut self, region: RegionId) -> bool {
        match self.world.program.automaton_of(self.from, region) {
            Some(automaton) => self.states(region, vec![automaton.initial]),
            None => true,
        }
    }

    /// From states of a region.
    fn states(&mut self, region: RegionId, mut todo: Vec<StateId>) -> bool {
        let mut ends = false;
        while let Some(state) = todo.pop() {
            if !self.seen.insert((region, state)) {
                continue;
            }
            let Some(row) = self.row(region, state) else { continue };
            ends |= !row.exits.is_empty();
            for arm in &row.arms {
                let travel = self.world.program.messages().entry(arm.message);
                if arm.end == End::From && travel.is_some_and(|travel| travel.to == self.to) {
                    self.first.push(*arm);
                } else {
                    todo.push(arm.then);
                }
            }
            for &(scope, inner) in &row.scopes {
                if self.scope(scope) {
                    todo.extend(self.behind(region, inner));
                }
            }
        }
        ends
    }

    fn behind(&self, region: RegionId, inner: StateId) -> Vec<StateId> {
        self.row(region, inner).map_or(Vec::new(), |row| row.leaves.iter().map(|&(_, then)| then).collect())
    }

    /// From the start of a scope: whether it can be left with nothing sent.
    fn scope(&mut self, scope: ScopeId) -> bool {
        let Some(Some(info)) = self.world.program.scopes().entry(scope) else { return true };
        match &info.parts {
            ScopeParts::Par(parts) => parts.iter().fold(true, |ends, &part| self.region(part) & ends),
            ScopeParts::During(main, rounds) => {
                rounds.iter().for_each(|round| {
                    self.region(round.region);
                });
                main.is_some_and(|main| self.region(main))
            }
            ScopeParts::Try(body, handlers) => {
                handlers.iter().fold(self.region(*body), |ends, handler| self.region(handler.region) | ends)
            }
        }
    }

    /// Behind a scope that stands in a region, and behind the scopes that it is in, as far as nothing is sent.
    fn beyond(&mut self, region: RegionId, inner: StateId) {
        let mut todo = vec![(region, inner)];
        let mut known: FxHashSet<(RegionId, StateId)> = FxHashSet::default();
        while let Some((region, inner)) = todo.pop() {
            if !known.insert((region, inner)) {
                continue;
            }
            let behind = self.behind(region, inner);
            if !self.states(region, behind) {
                continue;
            }
            for (role, outer, _, automaton) in self.world.program.placed() {
                let holds = |scope: ScopeId| {
                    let info = self.world.program.scopes().entry(scope).and_then(Option::as_ref);
                    info.is_some_and(|info| info.regions().contains(&region))
                };
                let rows = automaton.rows.values().filter(|_| role == self.from);
                todo.extend(
                    rows.flat_map(|row| &row.scopes)
                        .filter(|(scope, _)| holds(*scope))
                        .map(|&(_, inner)| (outer, inner)),
                );
            }
        }
    }
}

/// Every pair of labels that a receiver could confuse.
pub(super) fn clashes(world: &World<'_>, found: &mut Vec<Diagnostic>) {
    let mut told: FxHashSet<(RoleId, RoleId, LabelId)> = FxHashSet::default();
    for (from, region, _, automaton) in world.program.placed() {
        let scopes = automaton.rows.values().flat_map(|row| &row.scopes);
        for &(scope, inner) in scopes {
            let Some(Some(info)) = world.program.scopes().entry(scope) else { continue };
            let ScopeParts::Try(body, handlers) = &info.parts else { continue };
            for &to in info.roles.iter().filter(|&&to| to != from) {
                for (number, handler) in handlers.iter().enumerate() {
                    let later = handlers.iter().skip(number.saturating_add(1)).map(|later| later.region);
                    let left: Vec<RegionId> = std::iter::once(*body).chain(later).collect();
                    let mut walk = Walk { world, from, to, seen: FxHashSet::default(), first: Vec::new() };
                    if walk.region(handler.region) {
                        walk.beyond(region, inner);
                    }
                    for arm in walk.first {
                        let Some(travel) = world.program.messages().entry(arm.message) else { continue };
                        let stale = |&id: &MessageId| {
                            let automata = left.iter().filter_map(|&left| world.program.automaton_of(from, left));
                            automata.into_iter().any(|automaton| automaton.mentions(id, End::From))
                        };
                        let alike = world.program.find(from, to, travel.label);
                        if travel.epoch.is_none() && alike.iter().any(stale) && told.insert((from, to, travel.label)) {
                            found.push(clash(world, (from, to), arm, info.span));
                        }
                    }
                }
            }
        }
    }
}

fn clash(world: &World<'_>, (from, to): (RoleId, RoleId), arm: Arm, scope: crate::diag::Span) -> Diagnostic {
    let name = |role| world.header.role_name(role);
    let label = world.label(arm.message);
    let text = format!(
        "behind a scope that was left, `{}` cannot tell this `{label}` of `{}` from one that was sent in it",
        name(to),
        name(from)
    );
    Diagnostic::new(codes::CLASH, arm.span, text)
        .label(scope, format!("a `{label}` from here may still be on its way"))
        .help("give them different labels, or say in an `@epoch` field from which round a message is")
}

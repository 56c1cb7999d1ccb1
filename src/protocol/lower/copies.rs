//! Copies of variables: who reads one that it was not told of, and who assigns to the same variable without an order.
//!
//! In: a term of a global protocol, with its rules. Out: findings. Every role has its own copy of a variable; `set`
//! without `@` assigns at both ends of a message, and leaves the copies of all others behind. Only what is so on every
//! way is reported as stale: what may have been told in the meantime, in a loop, a call or another part of a scope, is
//! not. Assignments of different senders in parts that run side by side have no order at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    data::Code,
    diag::{Diagnostic, Span, catalogue::data},
    id::{BlockId, FrameId, IdVec, RoleId},
    protocol::{
        Names, Role,
        rule::{PAYLOAD, Rule, Set, SlotInfo, Who, place},
        term::{Scope, Stmt, Term},
    },
};

/// A variable: its frame and index.
type Variable = (FrameId, u32);

/// What is known at a place.
#[derive(Clone, Default, PartialEq)]
struct State {
    /// Copies that are behind, with where the variable was assigned without them.
    stale: BTreeMap<(Variable, RoleId), Span>,
    /// Per variable, where it was assigned last, and who has heard of something behind that.
    written: BTreeMap<Variable, (Span, BTreeSet<RoleId>)>,
}

/// An assignment at both ends of a message.
#[derive(Clone, Copy)]
struct Write {
    variable: Variable,
    sender: RoleId,
    span: Span,
}

struct Copies<'a> {
    names: &'a Names,
    term: &'a Term,
    roles: &'a IdVec<RoleId, Role>,
    found: Vec<Diagnostic>,
    /// Pairs that were reported.
    said: BTreeSet<(Span, Span)>,
}

/// What is wrong with the copies of variables.
pub(super) fn check(names: &Names, term: &Term, roles: &IdVec<RoleId, Role>) -> Vec<Diagnostic> {
    let shared = term.frames.values().flat_map(|frame| &frame.slots).any(|slot| slot.variable && slot.roles.len() > 1);
    if !shared {
        return Vec::new();
    }
    let mut copies = Copies { names, term, roles, found: Vec::new(), said: BTreeSet::new() };
    for (at, &block) in term.bodies.values().enumerate() {
        // What is called is called from several places: nothing is known of what was before.
        let frame = (at == 0).then_some(FrameId::default());
        copies.block(block, State::default(), frame, &mut Vec::new());
    }
    copies.found
}

impl Copies<'_> {
    fn info(&self, (frame, index): Variable) -> Option<&SlotInfo> {
        let index = usize::try_from(index).ok()?;
        self.term.frames.entry(frame)?.slots.get(index).filter(|slot| slot.variable)
    }

    /// The variable of a slot, seen from a frame.
    fn variable(&self, slot: crate::data::Slot, frame: Option<FrameId>) -> Option<Variable> {
        let (depth, index) = place(slot);
        if depth == PAYLOAD {
            return None;
        }
        if depth == 0 {
            return Some((FrameId::default(), index));
        }
        let mut frame = frame?;
        loop {
            let found = self.term.frames.entry(frame)?;
            if found.depth == depth {
                return Some((frame, index));
            }
            frame = found.parent?;
        }
    }

    /// Recurses once per level of nesting.
    fn block(
        &mut self,
        block: BlockId,
        state: State,
        frame: Option<FrameId>,
        writes: &mut Vec<Write>,
    ) -> Option<State> {
        let term = self.term;
        let mut now = Some(state);
        for stmt in &term.blocks[block] {
            now = self.stmt(stmt, now?, frame, writes);
        }
        now
    }

    fn stmt(
        &mut self,
        stmt: &Stmt,
        mut state: State,
        frame: Option<FrameId>,
        writes: &mut Vec<Write>,
    ) -> Option<State> {
        match stmt {
            Stmt::Message { from, to, sort, span, .. } => {
                let rule = self.names.rule(*sort);
                for &to in to {
                    self.message(rule, (*from, to), *span, &mut state, frame, writes);
                }
            }
            Stmt::Act { role, sort, span, .. } => {
                self.message(self.names.rule(*sort), (*role, *role), *span, &mut state, frame, writes);
            }
            Stmt::Set { sets, span, .. } => {
                for set in sets {
                    let Who::Roles(roles) = &set.who else { continue };
                    for &role in roles {
                        self.read(&set.value, role, *span, &state, frame);
                    }
                }
                for set in sets {
                    let Some(variable) = self.variable(set.slot, frame) else { continue };
                    state.stale.retain(|(known, _), _| *known != variable);
                    state.written.remove(&variable);
                }
            }
            Stmt::Choice { arms, .. } => {
                let ways = arms.iter().filter_map(|&arm| self.block(arm, state.clone(), frame, writes));
                return join(ways.collect());
            }
            Stmt::Rec { body, .. } => return self.block(*body, state, frame, writes),
            Stmt::States { blocks, .. } => {
                let ways = blocks.iter().filter_map(|&(_, block)| self.block(block, State::default(), frame, writes));
                return join(ways.collect());
            }
            Stmt::Continue { .. } => return None,
            Stmt::Call { .. } => return Some(State::default()),
            Stmt::Send { .. } | Stmt::Receive { .. } => {}
            Stmt::Scope { scope, .. } => {
                self.scope(&self.term.scopes[*scope], frame, writes);
                return Some(State::default());
            }
        }
        Some(state)
    }

    fn scope(&mut self, scope: &Scope, frame: Option<FrameId>, writes: &mut Vec<Write>) {
        let mut parts: Vec<(BlockId, Option<FrameId>)> = Vec::new();
        match scope {
            Scope::Par { parts: own } => parts.extend(own.iter().map(|&part| (part, frame))),
            Scope::During { main, rounds } => {
                parts.extend(main.iter().map(|&main| (main, frame)));
                parts.extend(rounds.iter().map(|round| (round.body, round.family.or(frame))));
            }
            Scope::Try { body, handlers } => {
                self.block(*body, State::default(), frame, writes);
                for handler in handlers {
                    self.block(handler.body, State::default(), frame, writes);
                }
                return;
            }
        }
        // Per variable the first assignment of each of two senders; more would say the same again.
        let mut before: BTreeMap<Variable, Vec<Write>> = BTreeMap::new();
        let mut told: BTreeSet<Variable> = BTreeSet::new();
        let mut all: Vec<Write> = Vec::new();
        for (part, frame) in parts {
            let mut own = Vec::new();
            self.block(part, State::default(), frame, &mut own);
            let mut seen: BTreeSet<(Variable, RoleId)> = BTreeSet::new();
            own.retain(|write| seen.insert((write.variable, write.sender)));
            for one in &own {
                let others = before.get(&one.variable);
                let other = others.and_then(|others| others.iter().find(|other| other.sender != one.sender)).copied();
                if let Some(other) = other.filter(|_| told.insert(one.variable)) {
                    self.unordered(one.variable, (one.span, one.sender), (other.span, other.sender));
                }
            }
            for &one in &own {
                let known = before.entry(one.variable).or_default();
                if known.len() < 2 && known.iter().all(|other| other.sender != one.sender) {
                    known.push(one);
                }
            }
            all.append(&mut own);
        }
        writes.append(&mut all);
    }

    fn message(
        &mut self,
        rule: Option<&Rule>,
        (from, to): (RoleId, RoleId),
        span: Span,
        state: &mut State,
        frame: Option<FrameId>,
        writes: &mut Vec<Write>,
    ) {
        let empty = Rule::default();
        let rule = rule.unwrap_or(&empty);
        let own = rule.demands();
        let times = rule.within.iter().flat_map(|(least, most)| least.iter().chain([most]));
        for code in own.chain(times) {
            self.read(code, from, span, state, frame);
        }
        for set in &rule.sets {
            for role in self.assigning(set, from, to, frame) {
                self.read(&set.value, role, span, state, frame);
            }
        }
        for (_, heard) in state.written.values_mut() {
            if heard.contains(&from) {
                heard.insert(to);
            }
        }
        for set in &rule.sets {
            let Some(variable) = self.variable(set.slot, frame) else { continue };
            let assigning = self.assigning(set, from, to, frame);
            for &role in &assigning {
                state.stale.remove(&(variable, role));
            }
            let Some(info) = self.info(variable).filter(|info| set.who == Who::Ends && info.roles.len() > 1) else {
                continue;
            };
            for &role in info.roles.iter().filter(|role| !assigning.contains(role)) {
                state.stale.insert((variable, role), span);
            }
            let before = state.written.get(&variable).filter(|(_, heard)| !heard.contains(&from));
            if let Some((before, who)) = before.map(|(before, heard)| (*before, heard.first().copied().unwrap_or(from)))
            {
                self.unordered(variable, (before, who), (span, from));
            }
            state.written.insert(variable, (span, BTreeSet::from([from, to])));
            writes.push(Write { variable, sender: from, span });
        }
    }

    /// Who makes an assignment of a message.
    fn assigning(&self, set: &Set, from: RoleId, to: RoleId, frame: Option<FrameId>) -> Vec<RoleId> {
        match &set.who {
            Who::Roles(roles) => roles.to_vec(),
            Who::Ends => {
                let info = self.variable(set.slot, frame).and_then(|variable| self.info(variable));
                let knows = |role: &RoleId| info.is_none_or(|info| info.roles.contains(role));
                let mut ends = vec![from, to];
                ends.dedup();
                ends.retain(knows);
                ends
            }
        }
    }

    /// A role reads its copies.
    fn read(&mut self, code: &Code, role: RoleId, span: Span, state: &State, frame: Option<FrameId>) {
        for &slot in code.slots() {
            let Some(variable) = self.variable(slot, frame) else { continue };
            let Some(&at) = state.stale.get(&(variable, role)) else { continue };
            if !self.said.insert((span, at)) {
                continue;
            }
            let Some(info) = self.info(variable) else { continue };
            let name = |role: RoleId| self.roles.entry(role).map_or("?", |role| &*role.name);
            let text = format!("`{}` reads its copy of `{}`, which nobody has told it of", name(role), info.name);
            let fresh: Vec<RoleId> = info
                .roles
                .iter()
                .copied()
                .filter(|&other| other != role && !state.stale.contains_key(&(variable, other)))
                .collect();
            let teller = fresh.first().map_or("somebody", |&other| name(other));
            let help = format!(
                "let a message of `{teller}` to `{}` carry the value and `set {}`, or declare who has a copy: `var {}<…>`",
                name(role),
                info.name,
                info.name
            );
            let found = Diagnostic::new(data::STALE, span, text).label(at, "it was assigned here, without that role");
            self.found.push(found.help(help));
        }
    }

    fn unordered(&mut self, variable: Variable, one: (Span, RoleId), other: (Span, RoleId)) {
        let (first, second) = if one.0 <= other.0 { (one, other) } else { (other, one) };
        if !self.said.insert((first.0, second.0)) {
            return;
        }
        let Some(info) = self.info(variable) else { return };
        let name = |role: RoleId| self.roles.entry(role).map_or("?", |role| &*role.name);
        let (one, other) = (name(first.1), name(second.1));
        let text = format!("`{one}` and `{other}` may both set `{}`, and no message orders them", info.name);
        let found = Diagnostic::new(data::UNORDERED, second.0, text).label(first.0, "the other assignment is here");
        let help = "let one of them tell the other first, or give each a variable of its own";
        self.found.push(found.help(help));
    }
}

/// What is so whichever way was taken.
fn join(ways: Vec<State>) -> Option<State> {
    let mut ways = ways.into_iter();
    let mut all = ways.next()?;
    for way in ways {
        all.stale.retain(|key, _| way.stale.contains_key(key));
        all.written.retain(|key, written| way.written.get(key) == Some(written));
    }
    Some(all)
}

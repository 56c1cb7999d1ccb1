//! One role's steps: every place at which it can take a message, and where it is then.
//!
//! A step is looked for from the outside in and built from the inside out: what comes back is the whole place anew. A
//! refusal is no step; why is the fast machine's to say.

use super::{
    Full,
    place::{Letter, Open, Parts, Place, Seat, Stale, Time},
    rest::{First, Front, Passed, Rest, Way},
    rules::Rule,
    view::{Copies, View, is_unset},
};
use crate::{
    data::{Op, Slot, Value},
    id::RoleId,
    protocol::{PAYLOAD, Set, Who, place},
};

/// Which side of a message a role takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It sends it, or does it by itself.
    Gives,
    /// It receives it.
    Takes,
}

/// What a role is asked to do.
pub(super) struct Query<'a> {
    pub(super) role: RoleId,
    pub(super) side: Side,
    pub(super) from: RoleId,
    pub(super) to: RoleId,
    pub(super) letter: &'a Letter,
    /// The keys that it names: depth of the family, number of the key, value.
    pub(super) keys: &'a [(u8, u16, Value)],
    pub(super) now: Time,
    pub(super) seat: &'a Seat,
    /// Rounds of scopes that were left may begin: only if the role can take it nowhere else.
    pub(super) late: bool,
}

/// A step: the place behind it, the copies behind it, and what else came of it.
#[derive(Clone, Debug)]
pub(super) struct Done<P> {
    pub(super) at: P,
    pub(super) copies: Copies,
    pub(super) stale: Vec<Stale>,
    /// Whose crash it proves.
    pub(super) crashed: Vec<RoleId>,
}

impl<P> Done<P> {
    pub(super) fn map<Q>(self, then: impl FnOnce(P) -> Q) -> Done<Q> {
        Done { at: then(self.at), copies: self.copies, stale: self.stale, crashed: self.crashed }
    }
}

/// Where a role looks for a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    /// In what it is doing.
    In,
    /// In what it has left.
    Left,
}

impl<'a> Full<'a> {
    /// A role at the beginning of a block.
    pub(super) fn fresh(block: crate::id::BlockId, since: Time) -> Place {
        Place { rest: Self::block(block), open: None, left: Vec::new(), since }
    }

    /// Every way to take a message somewhere in a place.
    pub(super) fn steps(&self, q: &Query<'_>, at: &Place, copies: &Copies, here: Here) -> Vec<Done<Place>> {
        let mut found = Vec::new();
        // [finish]  what was left goes on as far as it was begun
        for (number, left) in at.left.iter().enumerate() {
            for done in self.scope_steps(q, left, copies, (Here::Left, at.since)) {
                self.fired.note(Rule::Finish);
                found.push(done.map(|open| {
                    let mut then = Place { since: q.now, ..at.clone() };
                    if let Some(slot) = then.left.get_mut(number) {
                        *slot = open;
                    }
                    self.forget(q.role, &mut then);
                    then
                }));
            }
        }
        let mut beyond = Vec::new();
        // A role may not send beyond a scope while it owes a message of a round.
        let owes = q.side == Side::Gives && at.left.iter().any(|left| self.owes_in(q.role, left));
        match &at.open {
            Some(open) => {
                // [enter]  C --a--> C'  ⟹  C; L --a--> C'; L
                for done in self.scope_steps(q, open, copies, (here, at.since)) {
                    beyond.push(done.map(|open| Place { open: Some(Box::new(open)), since: q.now, ..at.clone() }));
                }
                if here == Here::In {
                    // [leave]  C; L --a--> L', when C may end and L --a--> L'
                    for (way, due) in self.scope_ends(q.role, open, Some((q, copies))) {
                        if due.is_none_or(|due| due <= q.now) {
                            self.fired.note(if way == Way::End { Rule::Leave } else { Rule::Jump });
                            let rest = self.go(&at.rest, way);
                            let mut left = at.left.clone();
                            left.push((**open).clone());
                            beyond.extend(self.first(q, &rest, left, copies, at.since, &mut Vec::new()));
                        }
                    }
                }
            }
            None if here == Here::In => {
                beyond.extend(self.first(q, &at.rest, at.left.clone(), copies, at.since, &mut Vec::new()))
            }
            None => {}
        }
        for mut done in beyond.into_iter().filter(|_| !owes) {
            if q.side == Side::Takes && q.from != q.role {
                for left in done.at.left.iter_mut().filter(|left| !left.heard.contains(&q.from)) {
                    left.heard.push(q.from);
                }
            }
            self.forget(q.role, &mut done.at);
            found.push(done);
        }
        found
    }

    /// Every way to take a message at what comes first in a rest.
    fn first(
        &self,
        q: &Query<'_>,
        rest: &Rest,
        left: Vec<Open>,
        copies: &Copies,
        since: Time,
        round: &mut Vec<Rest>,
    ) -> Vec<Done<Place>> {
        let mut found = Vec::new();
        // A way round through scopes that go by brings nothing new.
        if round.contains(rest) {
            return found;
        }
        round.push(rest.clone());
        for Front { first, rest, sets } in self.fronts(rest, q.role) {
            let mut copies = copies.clone();
            match first {
                First::Way(_) => {}
                First::Message { from, to, label, sort } => {
                    if (from, to, label, sort) == (q.from, q.to, q.letter.label, q.letter.sort)
                        && self.pass(q, &mut copies, &sets).is_some()
                        && let Some(rest) = self.step(q, &rest, &mut copies, since)
                    {
                        let at = Place { rest, open: None, left: left.clone(), since: q.now };
                        found.push(Done { at, copies, stale: Vec::new(), crashed: Vec::new() });
                    }
                }
                First::Scope(scope) => {
                    if self.pass(q, &mut copies, &sets).is_none() {
                        continue;
                    }
                    let before = copies.clone();
                    let Some(open) = self.enter(q, scope, &mut copies, since) else { continue };
                    // [enter]  scope C; L --a--> C'; L, when C --a--> C'
                    for done in self.scope_steps(q, &open, &copies, (Here::In, since)) {
                        self.fired.note(Rule::Enter);
                        let (rest, left) = (rest.clone(), left.clone());
                        found.push(done.map(|open| Place { rest, open: Some(Box::new(open)), left, since: q.now }));
                    }
                    // [skip]  scope C; L --a--> L', when C may end at once and L --a--> L'
                    for (way, due) in self.scope_ends(q.role, &open, Some((q, &before))) {
                        if due.is_none_or(|due| due <= q.now) {
                            self.fired.note(Rule::Skip);
                            let mut left = left.clone();
                            left.push(open.clone());
                            let rest = self.go(&rest, way);
                            found.extend(self.first(q, &rest, left, &before, since, round));
                        }
                    }
                }
            }
        }
        round.pop();
        found
    }

    /// `[step]`: p: q!l(S).L under its rule.
    fn step(&self, q: &Query<'_>, rest: &Rest, copies: &mut Copies, since: Time) -> Option<Rest> {
        self.fired.note(Rule::Step);
        let rule = self.rule(q.letter.sort);
        let gives = q.side == Side::Gives;
        // [within]  not before, and at most, this long since the role could
        if gives && let Some((from, to)) = &rule.within {
            self.fired.note(Rule::Within);
            if let Some(from) = from {
                let from = self.view(q, copies).duration(from)?;
                if q.now < since.saturating_add(from) {
                    return None;
                }
            }
            let to = self.view(q, copies).duration(to)?;
            if q.now > since.saturating_add(to) {
                return None;
            }
        }
        if gives {
            for condition in &rule.conditions {
                if self.view(q, copies).value(&condition.code) != Ok(Value::Bool(true)) {
                    return None;
                }
            }
        }
        if gives {
            self.witness(q, copies, rule)?;
        }
        // [set]  all values are those before the step
        self.assign(q, copies, &rule.sets, (Rule::Set, true))?;
        // [bind]  payload fields are remembered by both ends
        for &(field, slot) in &rule.binds {
            self.fired.note(Rule::Bind);
            let value = q.letter.values.get(field as usize).cloned().flatten();
            self.put(copies, slot, value);
        }
        let mut rest = rest.clone();
        self.behind(&mut rest);
        // [assign]  jumps and block heads on the way to what comes next
        let passed = self.settle(&mut rest, q.role);
        self.pass(q, copies, &passed)?;
        self.invariants(q, copies)?;
        Some(rest)
    }

    /// `[witness]`: what a `def` says must be true of the arguments; what the host says is the witness's to say.
    fn witness(&self, q: &Query<'_>, copies: &mut Copies, rule: &crate::protocol::Rule) -> Option<()> {
        let mut required = Vec::new();
        for requirement in &rule.requires {
            self.fired.note(Rule::Witness);
            let view = self.view(q, copies);
            let values: Result<Vec<Value>, _> = requirement.args.iter().map(|arg| view.value(arg)).collect();
            let asked = !matches!(requirement.holds.tree().op, Op::Extern(..));
            if asked && view.value(&requirement.holds) != Ok(Value::Bool(true)) {
                return None;
            }
            required.push(values.ok()?);
        }
        copies.required = required;
        Some(())
    }

    /// Makes the assignments on the way.
    pub(super) fn pass(&self, q: &Query<'_>, copies: &mut Copies, passed: &[Passed<'_>]) -> Option<()> {
        passed.iter().try_for_each(|passed| self.assign(q, copies, passed.sets, (Rule::Assign, passed.first)))
    }

    /// Simultaneous assignments, as far as the role makes them.
    fn assign(&self, q: &Query<'_>, copies: &mut Copies, sets: &[Set], (rule, first): (Rule, bool)) -> Option<()> {
        let mut made = Vec::new();
        for set in sets {
            let nobodys = self.is_nobodys(&copies.path, set.slot);
            let info = self.slot_info(&copies.path, set.slot);
            let (depth, _) = place(set.slot);
            let mine = match &set.who {
                // What nobody knows of the session is held once: with the send. In an instance both ends note it.
                _ if nobodys => first && (depth > 0 || q.side == Side::Gives),
                Who::Ends => info.is_none_or(|info| info.roles.contains(&q.role)),
                Who::Roles(roles) => roles.contains(&q.role),
            };
            if mine {
                self.fired.note(rule);
                let value = self.view(q, copies).value(&set.value).ok()?;
                if let Some(info) = info {
                    self.view(q, copies).fits(&value, &info.sort)?;
                }
                made.push((set.slot, value));
            }
        }
        for (slot, value) in made {
            self.put(copies, slot, Some(value));
        }
        Some(())
    }

    /// What must hold of a variable holds after each step that assigns it, or anything that it speaks of.
    fn invariants(&self, q: &Query<'_>, copies: &Copies) -> Option<()> {
        for &frame in &copies.path {
            let Some(frame) = self.term.frames.entry(frame) else { continue };
            for (index, info) in frame.slots.iter().enumerate() {
                let Some(invariant) = &info.invariant else { continue };
                let own = crate::protocol::slot(frame.depth, u32::try_from(index).ok()?);
                if !copies.touched.iter().any(|slot| *slot == own || invariant.slots().contains(slot)) {
                    continue;
                }
                if !(info.roles.contains(&q.role) || info.roles.is_empty()) {
                    continue;
                }
                match self.view(q, copies).value(invariant) {
                    Ok(Value::Bool(true)) => {}
                    Err(fault) if is_unset(&fault) => {}
                    _ => return None,
                }
            }
        }
        Some(())
    }

    pub(super) fn put(&self, copies: &mut Copies, slot: Slot, value: Option<Value>) {
        let (depth, index) = place(slot);
        if depth == PAYLOAD {
            return;
        }
        copies.touched.push(slot);
        let frame = match depth {
            0 if self.is_nobodys(&copies.path, slot) => Some(&mut copies.nobody),
            _ => copies.frames.get_mut(usize::from(depth)),
        };
        match (frame, value) {
            (Some(frame), Some(value)) => drop(frame.insert(index, value)),
            (Some(frame), None) => drop(frame.remove(&index)),
            _ => {}
        }
    }

    pub(super) fn view<'v>(&'v self, q: &'v Query<'_>, copies: &'v Copies) -> View<'v> {
        View { full: self, seat: q.seat, copies, payload: &q.letter.values, now: q.now }
    }

    /// Drops what was left and in which nothing can happen any more; of the same scope the latest is kept.
    fn forget(&self, role: RoleId, at: &mut Place) {
        let left = std::mem::take(&mut at.left);
        for (number, open) in left.iter().enumerate() {
            let quiet = self.is_quiet(role, open);
            let later = left.iter().skip(number.saturating_add(1)).any(|other| other.scope == open.scope);
            if !quiet || (!later && self.may_begin(role, open)) {
                at.left.push(open.clone());
            }
        }
    }

    /// Whether somebody who was not heard from beyond a scope that was left may still begin a round in it.
    fn may_begin(&self, role: RoleId, left: &Open) -> bool {
        match &left.parts {
            Parts::Par(parts) => parts.iter().any(|part| self.may_begin_at(role, part)),
            Parts::Try { place, .. } => self.may_begin_at(role, place),
            Parts::During { main, .. } => {
                let Some(crate::protocol::Scope::During { rounds, .. }) = self.term.scopes.entry(left.scope) else {
                    return false;
                };
                let mut peers = Vec::new();
                for round in rounds {
                    self.visit(&[round.body], &mut |_, _, stmt| {
                        if let crate::protocol::Stmt::Message { from, to, .. } = stmt
                            && to.contains(&role)
                        {
                            peers.push(*from);
                        }
                    });
                }
                peers.iter().any(|peer| !left.heard.contains(peer))
                    || main.as_ref().is_some_and(|main| self.may_begin_at(role, main))
            }
        }
    }

    fn may_begin_at(&self, role: RoleId, at: &Place) -> bool {
        at.open.as_deref().into_iter().chain(&at.left).any(|open| self.may_begin(role, open))
    }
}

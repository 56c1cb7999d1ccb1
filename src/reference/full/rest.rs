//! What is left of a block as one role sees it: rewritten until something of the role's own comes first.
//!
//! As in the kernel's rewriting a rest is a list, what comes next last. Others' messages are skipped at once; a choice is
//! not resolved before a step of the role's own needs it, since others decide in it what the role does not see.

use std::collections::BTreeSet;

use super::{Full, rules::Rule};
use crate::{
    id::{BlockId, BodyId, Id, LabelId, RoleId, ScopeId, SortId, VarId},
    protocol::{Scope, Set, Stmt},
};

/// What is left to do; empty is the end of the block.
pub(super) type Rest = Vec<Item>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// The statements of a block, from this one on.
    Block(BlockId, usize),
    /// A message to several, from this receiver on.
    To(BlockId, usize, usize),
    /// Above this mark, the given `rec` or `states` is being executed.
    Inside(BlockId, usize),
    /// Above this mark is the body of a call, which sees nothing that is below.
    Called,
}

/// How a block can end without another step of the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// It is over.
    End,
    /// With this jump, to a loop outside.
    Jump(BlockId, usize),
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum First {
    /// A message, or, if both are the same, a local action.
    Message { from: RoleId, to: RoleId, label: LabelId, sort: SortId },
    /// A scope that the role takes part in.
    Scope(ScopeId),
    /// Nothing: the block ends.
    Way(Way),
}

/// One way to what comes first.
#[derive(Clone, Debug)]
pub(super) struct Front<'a> {
    pub(super) first: First,
    /// What is left, with what comes first on top.
    pub(super) rest: Rest,
    /// The assignments that are passed on the way.
    pub(super) sets: Vec<Passed<'a>>,
}

/// An assignment that is passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed<'a> {
    pub(super) sets: &'a [Set],
    /// No step of others was skipped before it: what nobody knows is assigned with the step right in front.
    pub(super) first: bool,
}

/// As far as a rest can be rewritten without a decision.
enum Stop {
    First(First),
    Choice(BlockId, usize),
    /// A scope without the role, with jumps that leave it.
    Absent(ScopeId),
    /// Others go round in circles for ever.
    Never,
}

impl<'a> Full<'a> {
    pub(super) fn stmt(&self, block: BlockId, at: usize) -> Option<&'a Stmt> {
        self.term.blocks.entry(block).and_then(|stmts| stmts.get(at))
    }

    /// A block from its beginning.
    pub(super) fn block(block: BlockId) -> Rest {
        vec![Item::Block(block, 0)]
    }

    /// The whole protocol.
    pub(super) fn whole(&self) -> Rest {
        let mut rest = Rest::new();
        self.call(&mut rest, self.term.start);
        rest
    }

    fn call(&self, rest: &mut Rest, body: BodyId) {
        if let Some(&block) = self.term.bodies.entry(body) {
            rest.extend([Item::Called, Item::Block(block, 0)]);
        }
    }

    /// Drops what comes next.
    pub(super) fn behind(&self, rest: &mut Rest) {
        match rest.pop() {
            Some(Item::Block(block, at)) => {
                let next = at.saturating_add(1);
                if self.stmt(block, next).is_some() {
                    rest.push(Item::Block(block, next));
                }
            }
            Some(Item::To(block, at, number)) => {
                let next = number.saturating_add(1);
                match self.stmt(block, at) {
                    Some(Stmt::Message { to, .. }) if next < to.len() => rest.push(Item::To(block, at, next)),
                    _ => {
                        rest.push(Item::Block(block, at));
                        self.behind(rest);
                    }
                }
            }
            _ => {}
        }
    }

    /// Goes on as a way out of the scope on top says.
    pub(super) fn go(&self, rest: &Rest, way: Way) -> Rest {
        let mut rest = rest.clone();
        self.behind(&mut rest);
        if let Way::Jump(block, at) = way {
            self.jump(&mut rest, block, at);
        }
        rest
    }

    /// To the loop that a jump means; if it is further out, the jump is all that is left.
    fn jump(&self, rest: &mut Rest, block: BlockId, at: usize) -> bool {
        let Some(&Stmt::Continue { var, .. }) = self.stmt(block, at) else { return false };
        match self.binder(rest, var) {
            Some((depth, target)) => {
                rest.truncate(depth);
                rest.push(Item::Block(target, 0));
                true
            }
            None => {
                *rest = vec![Item::Block(block, at)];
                false
            }
        }
    }

    fn binder(&self, rest: &Rest, var: VarId) -> Option<(usize, BlockId)> {
        for (depth, item) in rest.iter().enumerate().rev() {
            let target = match *item {
                Item::Called => return None,
                Item::Inside(block, at) => match self.stmt(block, at)? {
                    Stmt::Rec { var: bound, body, .. } => (*bound == var).then_some(*body),
                    Stmt::States { blocks, .. } => {
                        blocks.iter().find(|(bound, _)| *bound == var).map(|&(_, body)| body)
                    }
                    _ => None,
                },
                _ => None,
            };
            if let Some(target) = target {
                return Some((depth.saturating_add(1), target));
            }
        }
        None
    }

    /// Rewrites until the role decides or does something.
    fn advance(&self, rest: &mut Rest, role: RoleId, sets: &mut Vec<Passed<'a>>, skipped: &mut bool) -> Stop {
        let mut seen = BTreeSet::new();
        loop {
            let Some(&item) = rest.last() else { return Stop::First(First::Way(Way::End)) };
            let (block, at, number) = match item {
                Item::Block(block, at) => (block, at, 0),
                Item::To(block, at, number) => (block, at, number),
                // [end]  what was executed is over
                Item::Inside(..) | Item::Called => {
                    rest.pop();
                    continue;
                }
            };
            let Some(stmt) = self.stmt(block, at) else {
                rest.pop();
                continue;
            };
            match *stmt {
                Stmt::Message { from, ref to, label, sort, .. } => match to.get(number) {
                    Some(&to) if from == role || to == role => {
                        return Stop::First(First::Message { from, to, label, sort });
                    }
                    Some(_) => {
                        *skipped = true;
                        rest.pop();
                        rest.push(Item::To(block, at, number));
                        self.behind(rest);
                    }
                    None => self.behind(rest),
                },
                Stmt::Act { role: actor, label, sort, .. } => {
                    if actor == role {
                        return Stop::First(First::Message { from: role, to: role, label, sort });
                    }
                    *skipped = true;
                    self.behind(rest);
                }
                Stmt::Choice { .. } => return Stop::Choice(block, at),
                Stmt::Scope { scope, .. } => {
                    if self.takes_part(scope, role) {
                        return Stop::First(First::Scope(scope));
                    }
                    if !self.jumps(scope).is_empty() {
                        return Stop::Absent(scope);
                    }
                    self.fired.note(Rule::Absent);
                    self.behind(rest);
                }
                Stmt::Set { sets: ref group, .. } => {
                    sets.push(Passed { sets: group, first: !*skipped });
                    self.behind(rest);
                }
                Stmt::Rec { body, .. } => {
                    if !seen.insert(rest.clone()) {
                        return Stop::Never;
                    }
                    self.behind(rest);
                    rest.extend([Item::Inside(block, at), Item::Block(body, 0)]);
                }
                Stmt::States { ref blocks, .. } => {
                    if !seen.insert(rest.clone()) {
                        return Stop::Never;
                    }
                    self.behind(rest);
                    if let Some(&(_, first)) = blocks.first() {
                        rest.extend([Item::Inside(block, at), Item::Block(first, 0)]);
                    }
                }
                Stmt::Continue { .. } => {
                    if !seen.insert(rest.clone()) {
                        return Stop::Never;
                    }
                    if !self.jump(rest, block, at) {
                        return Stop::First(First::Way(Way::Jump(block, at)));
                    }
                }
                Stmt::Call { body, .. } => {
                    if !seen.insert(rest.clone()) {
                        return Stop::Never;
                    }
                    self.behind(rest);
                    // Marks with nothing left to do above them are out of sight: else recursion would pile them up.
                    while let Some(Item::Inside(..) | Item::Called) = rest.last() {
                        rest.pop();
                    }
                    self.call(rest, body);
                }
                // Of a local type: whoever it belongs to; here are global ones.
                Stmt::Send { .. } | Stmt::Receive { .. } => return Stop::Never,
            }
        }
    }

    /// What a role does on its way from one step towards the next, as far as nothing is decided.
    pub(super) fn settle(&self, rest: &mut Rest, role: RoleId) -> Vec<Passed<'a>> {
        let mut sets = Vec::new();
        self.advance(rest, role, &mut sets, &mut false);
        sets
    }

    /// Every way to something of the role's own.
    pub(super) fn fronts(&self, rest: &Rest, role: RoleId) -> Vec<Front<'a>> {
        let mut fronts = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![(rest.clone(), Vec::new(), false)];
        while let Some((mut rest, mut sets, mut skipped)) = todo.pop() {
            let stop = self.advance(&mut rest, role, &mut sets, &mut skipped);
            if !seen.insert(rest.clone()) {
                continue;
            }
            match stop {
                Stop::First(first) => fronts.push(Front { first, rest, sets }),
                // [choice]  L1 or … or Ln --a--> M, when Li --a--> M for some i
                Stop::Choice(block, at) => {
                    let Some(Stmt::Choice { arms, .. }) = self.stmt(block, at) else { continue };
                    self.fired.note(Rule::Choice);
                    self.behind(&mut rest);
                    for &arm in arms.iter().rev() {
                        let mut chosen = rest.clone();
                        chosen.push(Item::Block(arm, 0));
                        todo.push((chosen, sets.clone(), skipped));
                    }
                }
                // [absent]  a scope without the role goes by, whichever way it ends
                Stop::Absent(scope) => {
                    self.fired.note(Rule::Absent);
                    for &(block, at) in &self.jumps(scope) {
                        todo.push((self.go(&rest, Way::Jump(block, at)), sets.clone(), skipped));
                    }
                    todo.push((self.go(&rest, Way::End), sets, skipped));
                }
                Stop::Never => {}
            }
        }
        fronts
    }

    /// The ways by which a block can end from here without another step of the role.
    pub(super) fn blocks_of(&self, scope: ScopeId) -> Vec<BlockId> {
        match self.term.scopes.entry(scope) {
            None => Vec::new(),
            Some(Scope::Par { parts }) => parts.to_vec(),
            Some(Scope::During { main, rounds }) => {
                main.iter().copied().chain(rounds.iter().map(|round| round.body)).collect()
            }
            Some(Scope::Try { body, handlers }) => {
                std::iter::once(*body).chain(handlers.iter().map(|handler| handler.body)).collect()
            }
        }
    }

    /// Every statement in some blocks and in all that they contain.
    pub(super) fn visit(&self, blocks: &[BlockId], seen: &mut impl FnMut(BlockId, usize, &'a Stmt)) {
        let mut known = BTreeSet::new();
        let mut todo = blocks.to_vec();
        while let Some(block) = todo.pop() {
            if !known.insert(block) {
                continue;
            }
            let Some(stmts) = self.term.blocks.entry(block) else { continue };
            for (at, stmt) in stmts.iter().enumerate() {
                seen(block, at, stmt);
                match stmt {
                    Stmt::Choice { arms, .. } => todo.extend(arms.iter().copied()),
                    Stmt::Rec { body, .. } => todo.push(*body),
                    Stmt::States { blocks, .. } => todo.extend(blocks.iter().map(|&(_, block)| block)),
                    Stmt::Call { body, .. } => todo.extend(self.term.bodies.entry(*body)),
                    Stmt::Scope { scope, .. } => todo.extend(self.blocks_of(*scope)),
                    _ => {}
                }
            }
        }
    }

    /// Whether a role does something in a scope.
    pub(super) fn takes_part(&self, scope: ScopeId, role: RoleId) -> bool {
        let mut blocks = self.blocks_of(scope);
        let mut found = false;
        // Whose event a handler is, of the scope itself or of one inside, takes part.
        let mut scopes = vec![scope];
        self.visit(&blocks, &mut |_, _, stmt| {
            if let Stmt::Scope { scope, .. } = stmt {
                scopes.push(*scope);
            }
        });
        for scope in scopes {
            if let Some(Scope::Try { handlers, .. }) = self.term.scopes.entry(scope) {
                found |= handlers.iter().any(|handler| handler.trigger.role() == role);
            }
        }
        blocks.sort_unstable_by_key(|block| block.raw());
        self.visit(&blocks, &mut |_, _, stmt| {
            found |= match stmt {
                Stmt::Message { from, to, .. } => *from == role || to.contains(&role),
                Stmt::Act { role: actor, .. } => *actor == role,
                _ => false,
            };
        });
        found
    }

    /// The jumps that leave a scope.
    fn jumps(&self, scope: ScopeId) -> Vec<(BlockId, usize)> {
        let mut found = Vec::new();
        for block in self.blocks_of(scope) {
            self.jumps_of(block, &mut Vec::new(), &mut found);
        }
        found
    }

    fn jumps_of(&self, block: BlockId, bound: &mut Vec<VarId>, found: &mut Vec<(BlockId, usize)>) {
        let Some(stmts) = self.term.blocks.entry(block) else { return };
        for (at, stmt) in stmts.iter().enumerate() {
            let depth = bound.len();
            match stmt {
                Stmt::Continue { var, .. } if !bound.contains(var) => found.push((block, at)),
                Stmt::Choice { arms, .. } => arms.iter().for_each(|&arm| self.jumps_of(arm, bound, found)),
                Stmt::Rec { var, body, .. } => {
                    bound.push(*var);
                    self.jumps_of(*body, bound, found);
                }
                Stmt::States { blocks, .. } => {
                    bound.extend(blocks.iter().map(|&(var, _)| var));
                    blocks.iter().for_each(|&(_, block)| self.jumps_of(block, bound, found));
                }
                Stmt::Scope { scope, .. } => {
                    self.blocks_of(*scope).into_iter().for_each(|block| self.jumps_of(block, bound, found));
                }
                _ => {}
            }
            bound.truncate(depth);
        }
    }

    /// Whether a message is said somewhere in some blocks.
    pub(super) fn says(&self, blocks: &[BlockId], message: (RoleId, RoleId, LabelId, SortId)) -> bool {
        let mut found = false;
        self.visit(blocks, &mut |_, _, stmt| {
            if let Stmt::Message { from, to, label, sort, .. } = stmt {
                found |= (*from, *label, *sort) == (message.0, message.2, message.3) && to.contains(&message.1);
            }
        });
        found
    }
}

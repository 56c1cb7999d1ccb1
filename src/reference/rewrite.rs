//! Rewriting one term: what is left of it, what it can do next, and what is left then.
//!
//! What is left ([`Rest`]) is a list: on top the statements that come next, below them what stands behind the statement
//! they stand in, and so on outwards. A `rec` that is being executed leaves a mark in the list, so a `continue` finds
//! the innermost binder of its name by looking downwards, and drops what lies above it. Since blocks nest, the list
//! never holds more than one entry per nesting of braces.
//!
//! INVARIANT (normal): a `Rest` that leaves this module begins with a message, a local action or a choice, or is
//! empty; rules that are equations (`=`) have been applied. So equal terms are equal values.

use std::collections::BTreeSet;

use super::rules::{Fired, Rule};
use crate::{
    event::Event,
    id::{BlockId, BodyId, LabelId, RoleId, SortId, VarId},
    protocol::{Stmt, Term},
};

/// What is left to do of a term. Empty is `end`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rest(
    /// Outermost first, what comes next last.
    Vec<Item>,
);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Item {
    /// The statements of a block, from this one on.
    Block(BlockId, usize),
    /// Of a multicast, the receivers from the given one on: block, statement, receiver.
    Multicast(BlockId, usize, usize),
    /// Above this mark, the given `rec` or `states` is being executed.
    Inside(BlockId, usize),
    /// Above this mark is the body of a call, which sees nothing that is below.
    Called,
}

/// One step of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Global: a message of one role to another.
    Message {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// Local: the own role sends.
    Send {
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// Local: the own role receives.
    Receive {
        /// The sender.
        from: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
    /// A local action.
    Act {
        /// Who acts.
        role: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
    },
}

impl Step {
    /// What others see when `role` takes it.
    pub(super) fn event(self, role: RoleId) -> Event {
        match self {
            Self::Message { from, to, label, sort } => Event::Sync { from, to, label, sort },
            Self::Send { to, label, sort } => Event::Send { from: role, to, label, sort },
            Self::Receive { from, label, sort } => Event::Receive { from, to: role, label, sort },
            Self::Act { role, label, sort } => Event::Act { role, label, sort },
        }
    }
}

/// What a term can do next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    /// Each possible step with what is left then.
    pub(super) steps: BTreeSet<(Step, Rest)>,
    /// It may be over.
    pub(super) may_stop: bool,
}

impl Next {
    /// What is left after a step, in all possible ways.
    pub(super) fn after(&self, step: Step) -> impl Iterator<Item = &Rest> {
        self.steps.iter().filter(move |(s, _)| *s == step).map(|(_, rest)| rest)
    }

    /// It is over.
    pub(super) fn is_end(&self) -> bool {
        self.may_stop && self.steps.is_empty()
    }
}

/// A term that comes to no step after this many equations has none: by INVARIANTS (guarded, tail) of [`Term`] there is
/// no such term, and a term that breaks them must not hang the program.
const MAX_UNFOLDINGS: usize = 10_000_000;

/// A term and the rules by which it is rewritten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewriter<'a> {
    pub(super) term: &'a Term,
    pub(super) fired: &'a Fired,
}

impl<'a> Rewriter<'a> {
    /// The whole term.
    pub(super) fn start(self) -> Rest {
        let mut rest = Vec::new();
        self.call(&mut rest, self.term.start);
        self.normal(rest)
    }

    fn stmt(self, block: BlockId, at: usize) -> Option<&'a Stmt> {
        self.term.blocks.entry(block).and_then(|stmts| stmts.get(at))
    }

    fn call(self, rest: &mut Vec<Item>, body: BodyId) {
        if let Some(&block) = self.term.bodies.entry(body) {
            rest.extend([Item::Called, Item::Block(block, 0)]);
        }
    }

    /// Applies the rules that are equations until a step comes first, or nothing is left.
    fn normal(self, mut rest: Vec<Item>) -> Rest {
        for _ in 0..MAX_UNFOLDINGS {
            let Some(&item) = rest.last() else { return Rest(rest) };
            let (block, at) = match item {
                Item::Block(block, at) => (block, at),
                Item::Multicast(..) => return Rest(rest),
                // [end]  what was executed is over: go on with what stands behind it
                Item::Inside(..) | Item::Called => {
                    self.fired.note(Rule::End);
                    rest.pop();
                    continue;
                }
            };
            let Some(stmt) = self.stmt(block, at) else {
                // [end]  a block that ends  =  what stands behind the statement it stands in
                self.fired.note(Rule::End);
                rest.pop();
                continue;
            };
            match *stmt {
                Stmt::Message { .. }
                | Stmt::Send { .. }
                | Stmt::Receive { .. }
                | Stmt::Act { .. }
                | Stmt::Choice { .. }
                | Stmt::Scope { .. } => return Rest(rest),
                Stmt::Set { .. } => self.behind(&mut rest),
                // [rec]  rec X {L}; M  =  L[X := rec X {L}; M]; M
                Stmt::Rec { body, .. } => {
                    self.fired.note(Rule::Rec);
                    self.behind(&mut rest);
                    rest.extend([Item::Inside(block, at), Item::Block(body, 0)]);
                }
                // [states]  states {X1 L1 … Xn Ln}; M  =  L1[Xi := states with Li first; M]; M
                Stmt::States { ref blocks, .. } => {
                    self.fired.note(Rule::States);
                    self.behind(&mut rest);
                    if let Some(&(_, first)) = blocks.first() {
                        rest.extend([Item::Inside(block, at), Item::Block(first, 0)]);
                    }
                }
                // [continue]  continue X  =  the innermost X around it, begun anew
                Stmt::Continue { var, .. } => {
                    self.fired.note(Rule::Continue);
                    match self.binder(&rest, var) {
                        Some((depth, target)) => {
                            rest.truncate(depth);
                            rest.push(Item::Block(target, 0));
                        }
                        // By INVARIANT (bound) of the term there is a binder; without one, nothing can happen.
                        None => return Rest(rest),
                    }
                }
                // [call]  do P(…); M  =  the body of P; M, where the body sees no name of its caller
                Stmt::Call { body, .. } => {
                    self.fired.note(Rule::Call);
                    self.behind(&mut rest);
                    // Marks of the caller with nothing left to do above them are out of sight: without this, a body
                    // that calls itself would pile them up.
                    while let Some(Item::Inside(..) | Item::Called) = rest.last() {
                        rest.pop();
                    }
                    self.call(&mut rest, body);
                }
            }
        }
        Rest(rest)
    }

    /// Drops the statement that comes next; a block with nothing left is dropped with it.
    fn behind(self, rest: &mut Vec<Item>) {
        if let Some(Item::Block(block, at)) = rest.pop() {
            let next = at.saturating_add(1);
            if self.stmt(block, next).is_some() {
                rest.push(Item::Block(block, next));
            }
        }
    }

    /// The innermost binder of a name: how much of the list it leaves (its own mark included), and the block it means.
    fn binder(self, rest: &[Item], var: VarId) -> Option<(usize, BlockId)> {
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

    /// Every step that can come first, and what is left after it.
    pub(super) fn next(self, rest: &Rest) -> Next {
        let mut next = Next::default();
        let mut seen = BTreeSet::new();
        let mut open = vec![rest.clone()];
        while let Some(rest) = open.pop() {
            if !seen.insert(rest.clone()) {
                continue;
            }
            let (block, at, done) = match rest.0.last() {
                None => {
                    next.may_stop = true;
                    continue;
                }
                Some(&Item::Block(block, at)) => (block, at, 0),
                Some(&Item::Multicast(block, at, done)) => (block, at, done),
                Some(Item::Inside(..) | Item::Called) => continue,
            };
            let mut behind = rest.0;
            let Some(stmt) = self.stmt(block, at) else { continue };
            match *stmt {
                // [choice]  L1 or … or Ln --a--> M, when Li --a--> M for some i
                Stmt::Choice { ref arms, .. } => {
                    self.fired.note(Rule::Choice);
                    self.behind(&mut behind);
                    for &arm in arms {
                        let mut chosen = behind.clone();
                        chosen.push(Item::Block(arm, 0));
                        open.push(self.normal(chosen));
                    }
                }
                // [g-multi]  p -> q, r…: l(S). G --(p,q):l--> p -> r…: l(S). G
                Stmt::Message { from, ref to, label, sort, .. } => {
                    let Some(&receiver) = to.get(done) else { continue };
                    let following = done.saturating_add(1);
                    behind.pop();
                    if following < to.len() {
                        self.fired.note(Rule::GlobalMulticast);
                        behind.push(Item::Multicast(block, at, following));
                    } else {
                        behind.push(Item::Block(block, at));
                        self.behind(&mut behind);
                    }
                    next.steps.insert((Step::Message { from, to: receiver, label, sort }, self.normal(behind)));
                }
                Stmt::Send { to, label, sort, .. } => {
                    self.behind(&mut behind);
                    next.steps.insert((Step::Send { to, label, sort }, self.normal(behind)));
                }
                Stmt::Receive { from, label, sort, .. } => {
                    self.behind(&mut behind);
                    next.steps.insert((Step::Receive { from, label, sort }, self.normal(behind)));
                }
                Stmt::Act { role, label, sort, .. } => {
                    self.behind(&mut behind);
                    next.steps.insert((Step::Act { role, label, sort }, self.normal(behind)));
                }
                // By INVARIANT (normal) nothing else comes first.
                Stmt::Rec { .. }
                | Stmt::States { .. }
                | Stmt::Continue { .. }
                | Stmt::Call { .. }
                | Stmt::Scope { .. }
                | Stmt::Set { .. } => {}
            }
        }
        next
    }
}

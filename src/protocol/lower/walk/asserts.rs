//! Assertions whose next event is not the next statement: in front of a loop, a call or a scope, and at the end of a
//! block.
//!
//! `assert e` is a condition on the next event of the role that decides. Where that event is the next message, the walk
//! puts the condition there. Elsewhere the same message may also be reached without passing the assertion, so the role
//! that sends it keeps what came of `e` where the assertion stands, in a slot of its own, and the message asks the slot:
//!
//! ```text
//! assert x > 0; rec X { A -> B: m(); … }     [set slot@A = x > 0]  rec X { A -> B: m() where !has(slot) || slot set slot@A = true; … }
//! ```
//!
//! With the event, or with another that the role decides for instead, the assertion is done with: the slot is true again.
//!
//! In: the term without rules, with an empty [`Stmt::Set`] where such an assertion stands. Out: the sets filled in, and
//! the rules of the messages that may come next. O(assertions and choices × size).

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Compiling, Data, Site, Writer};
use crate::{
    data::{Code, Sort},
    diag::{Diagnostic, catalogue::data},
    id::{BlockId, BodyId, DraftId, FrameId, Id, IdVec, RoleId, ScopeId, SortId},
    protocol::{
        lower::{
            expr::Around,
            frames::{Binding, Env, Kind, Table},
            instantiate::Making,
            message::push,
            scope::Here,
            sorts::Sorts,
            template::Draft,
        },
        rule::{Condition, ConditionKind, Rule, Set, Who},
        term::{Scope, Stmt},
    },
    syntax::tree,
};

/// An assertion whose event is not known where it stands.
pub(in crate::protocol::lower) struct Ahead<'t> {
    /// Its statement.
    pub(super) at: Place,
    pub(super) expr: &'t tree::Expr,
    pub(super) env: Env,
    pub(super) writer: Writer<'t>,
    pub(super) frame: FrameId,
    /// Whose statements they are, if they are one role's.
    pub(super) own: Option<RoleId>,
}

/// A statement: its block and its index there.
pub(super) type Place = (BlockId, usize);

/// The slot's name while its expression is compiled.
const SLOT: &str = "assertion";

/// Gives each assertion to the messages that may come next.
pub(in crate::protocol::lower) fn settle<'t>(
    making: &mut Making<'_, 't>,
    drafts: &IdVec<DraftId, Draft<'t>>,
    sorts: &Sorts<'t>,
) {
    let asserts = std::mem::take(&mut making.data.ahead);
    if asserts.is_empty() {
        return;
    }
    let flow = Flow::new(&making.blocks, &making.data.scopes, &making.bodies);
    let numbers: FxHashMap<Place, usize> = asserts.iter().enumerate().map(|(at, assert)| (assert.at, at)).collect();
    // What comes next, and what else its senders may decide for in the choices that it stands in.
    let mut next: Vec<Vec<Place>> = Vec::with_capacity(asserts.len());
    let mut instead: Vec<FxHashSet<Place>> = Vec::with_capacity(asserts.len());
    for assert in &asserts {
        let (block, at) = assert.at;
        let (firsts, _) = flow.firsts((block, at.saturating_add(1)));
        instead.push(firsts.iter().copied().collect());
        next.push(firsts);
    }
    for choice in flow.choices() {
        let (firsts, passed) = flow.firsts(choice);
        for number in passed.iter().filter_map(|place| numbers.get(place)) {
            if let Some(instead) = instead.get_mut(*number) {
                instead.extend(firsts.iter().copied());
            }
        }
    }
    // Who decides for each of these messages, and its payload.
    let own = asserts.first().and_then(|assert| assert.own);
    let about: FxHashMap<Place, (Option<RoleId>, SortId)> = instead
        .iter()
        .flatten()
        .filter_map(|&place| match *flow.stmt(place)? {
            Stmt::Message { from, sort, .. } | Stmt::Receive { from, sort, .. } => Some((place, (Some(from), sort))),
            Stmt::Act { role, sort, .. } => Some((place, (Some(role), sort))),
            Stmt::Send { sort, .. } => Some((place, (own, sort))),
            _ => None,
        })
        .collect();
    let sender = |place: Place| about.get(&place).and_then(|&(sender, _)| sender);
    let mut filled: Vec<(Place, Set)> = Vec::new();
    let mut demands: Vec<(Place, Condition)> = Vec::new();
    let mut resets: Vec<(Place, Set)> = Vec::new();
    for (number, assert) in asserts.iter().enumerate() {
        let firsts = next.get(number).map_or(&[][..], Vec::as_slice);
        let mut deciders: Vec<RoleId> = firsts.iter().filter_map(|&place| sender(place)).collect();
        deciders.sort_unstable();
        deciders.dedup();
        if deciders.is_empty() {
            let text = "nothing happens behind this assertion, so it says nothing";
            let help = "state it with `where` at the message before";
            making.data.add(Diagnostic::new(data::NOTHING_BEHIND, assert.expr.span, text).help(help));
            continue;
        }
        let mut open = Open { data: &mut making.data, drafts, sorts, roles: making.roles };
        let asked = open.compile(&assert.writer, &assert.env, assert.expr, &deciders);
        let Some(value) = asked else { continue };
        let binding = Binding {
            name: format!("assert {}", value.text()).into(),
            // Nothing binds it, and nobody but this assertion speaks of it.
            kind: Kind::Join(Box::default()),
            frame: assert.frame,
            sort: Sort::BOOL,
            roles: deciders.clone().into(),
            span: assert.expr.span,
            slot: None,
        };
        let table = open.data.table.get_mut();
        let id = table.declare(binding);
        let Some(slot) = table.get(id).and_then(|binding| binding.slot) else { continue };
        let mut env = Env::default();
        env.field(&SLOT.into(), id);
        let (asks, holds) = (asks(assert.expr), truth(assert.expr));
        let condition = open.compile(&assert.writer, &env, &asks, &deciders);
        let reset = open.compile(&assert.writer, &env, &holds, &[]);
        let (Some(condition), Some(reset)) = (condition, reset) else { continue };
        filled.push((assert.at, Set { slot, who: Who::Roles(deciders.clone().into()), value }));
        for &place in firsts {
            demands.push((place, Condition { code: condition.clone(), kind: ConditionKind::Assert }));
        }
        for &place in instead.get(number).into_iter().flatten() {
            let Some(role) = sender(place).filter(|role| deciders.contains(role)) else { continue };
            resets.push((place, Set { slot, who: Who::Roles([role].into()), value: reset.clone() }));
        }
    }
    let mut sites: FxHashMap<Place, usize> = FxHashMap::default();
    for (number, site) in making.data.sites.iter().enumerate() {
        sites.extend(site.at.iter().filter(|(.., receiver)| receiver.is_none()).map(|&(b, i, _)| ((b, i), number)));
    }
    let mut rule = |data: &mut Data<'t>, place: Place, change: &mut dyn FnMut(&mut Rule)| {
        let number = match (sites.get(&place), about.get(&place)) {
            (Some(&number), _) => number,
            (None, Some(&(_, sort))) => {
                // A message of a protocol without data.
                let number = data.sites.len();
                let (block, at) = place;
                data.sites.push(Site { sort, rule: Rule::default(), at: vec![(block, at, None)] });
                sites.insert(place, number);
                number
            }
            (None, None) => return,
        };
        if let Some(site) = data.sites.get_mut(number) {
            change(&mut site.rule);
        }
    };
    for (place, condition) in demands {
        rule(&mut making.data, place, &mut |rule| push(&mut rule.conditions, condition.clone()));
    }
    resets.sort_by_key(|(place, set)| (*place, set.slot));
    for (place, set) in resets {
        rule(&mut making.data, place, &mut |rule| push(&mut rule.sets, set.clone()));
    }
    for ((block, at), set) in filled {
        let stmt = making.blocks.get_mut(block.index()).and_then(|block| block.get_mut(at));
        if let Some(Stmt::Set { sets, .. }) = stmt {
            *sets = [set].into();
        }
    }
}

/// `!has(slot) || slot`
fn asks(of: &tree::Expr) -> tree::Expr {
    let span = of.span;
    let at = |kind| tree::Expr { kind, span };
    let name = |text: &str| tree::Name { text: text.into(), span };
    let slot = || at(tree::ExprKind::Name(name(SLOT)));
    let has = at(tree::ExprKind::Call(name("has"), vec![slot()]));
    let without = at(tree::ExprKind::Unary(tree::UnaryOp::Not, Box::new(has)));
    at(tree::ExprKind::Binary(Box::new(without), vec![(tree::BinaryOp::Or, slot())]))
}

/// `true`
fn truth(of: &tree::Expr) -> tree::Expr {
    tree::Expr { kind: tree::ExprKind::Literal(tree::Literal::Bool(true)), span: of.span }
}

/// What compiling needs when all instances were walked.
struct Open<'o, 'n, 't> {
    data: &'o mut Data<'t>,
    drafts: &'o IdVec<DraftId, Draft<'t>>,
    sorts: &'o Sorts<'t>,
    roles: &'n IdVec<RoleId, crate::protocol::Role>,
}

impl<'t> Open<'_, '_, 't> {
    fn compile(&mut self, writer: &Writer<'t>, env: &Env, expr: &tree::Expr, roles: &[RoleId]) -> Option<Code> {
        let module = self.drafts[writer.draft].module;
        let around = Around { functions: &self.sorts.functions, sorts: self.sorts, module, consts: &writer.consts };
        let table: &RefCell<Table> = &self.data.table;
        let here = Here::new(around, table, env);
        let compiling = Compiling { names: self.roles, sorts: self.sorts };
        let (code, found) = compiling.compile(expr, &Sort::BOOL, &here, roles, "this assertion");
        let failed = here.failed.get();
        drop(here);
        self.data.broken |= failed;
        for diagnostic in found {
            self.data.add(diagnostic);
        }
        code
    }
}

/// What follows what in a term.
struct Flow<'b> {
    blocks: &'b [Vec<Stmt>],
    scopes: &'b IdVec<ScopeId, Scope>,
    bodies: &'b [BlockId],
    /// The statement that a block belongs to.
    parents: FxHashMap<BlockId, Place>,
    /// Where it goes on behind the end of a block.
    behind: FxHashMap<BlockId, Vec<Place>>,
}

impl<'b> Flow<'b> {
    fn new(blocks: &'b [Vec<Stmt>], scopes: &'b IdVec<ScopeId, Scope>, bodies: &'b [BlockId]) -> Self {
        let mut flow = Self { blocks, scopes, bodies, parents: FxHashMap::default(), behind: FxHashMap::default() };
        for (number, block) in blocks.iter().enumerate() {
            let Ok(id) = BlockId::new(number) else { break };
            for (at, stmt) in block.iter().enumerate() {
                let then = (id, at.saturating_add(1));
                let rounds: &[_] = match stmt {
                    Stmt::Scope { scope, .. } => match flow.scopes.entry(*scope) {
                        Some(Scope::During { rounds, .. }) => rounds,
                        _ => &[],
                    },
                    _ => &[],
                };
                // A round that is over goes nowhere.
                for round in rounds {
                    flow.parents.insert(round.body, (id, at));
                }
                for inner in flow.inner(stmt) {
                    flow.parents.insert(inner, (id, at));
                    flow.behind.entry(inner).or_default().push(then);
                }
                if let Stmt::Call { body, .. } = stmt
                    && let Some(&callee) = bodies.get(body.index())
                {
                    flow.behind.entry(callee).or_default().push(then);
                }
            }
        }
        flow
    }

    /// The blocks of a statement behind whose ends it goes on.
    fn inner(&self, stmt: &Stmt) -> Vec<BlockId> {
        match stmt {
            Stmt::Choice { arms, .. } => arms.to_vec(),
            Stmt::Rec { body, .. } => vec![*body],
            Stmt::States { blocks, .. } => blocks.iter().map(|&(_, block)| block).collect(),
            Stmt::Scope { scope, .. } => match self.scopes.entry(*scope) {
                Some(Scope::Par { parts }) => parts.to_vec(),
                Some(Scope::During { main, .. }) => main.iter().copied().collect(),
                Some(Scope::Try { body, handlers }) => {
                    std::iter::once(*body).chain(handlers.iter().map(|handler| handler.body)).collect()
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn stmt(&self, (block, at): Place) -> Option<&'b Stmt> {
        self.blocks.get(block.index())?.get(at)
    }

    fn choices(&self) -> Vec<Place> {
        let mut all = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            let Ok(id) = BlockId::new(number) else { break };
            let choices = block.iter().enumerate().filter(|(_, stmt)| matches!(stmt, Stmt::Choice { .. }));
            all.extend(choices.map(|(at, _)| (id, at)));
        }
        all
    }

    /// The messages that may come next at a place, and the assignments on the way to them.
    fn firsts(&self, from: Place) -> (Vec<Place>, Vec<Place>) {
        let (mut found, mut passed) = (Vec::new(), Vec::new());
        let mut seen: FxHashSet<Place> = FxHashSet::default();
        let mut todo = vec![from];
        while let Some(place) = todo.pop() {
            if !seen.insert(place) {
                continue;
            }
            let (block, at) = place;
            let begin = |block: BlockId| (block, 0);
            match self.stmt(place) {
                None => todo.extend(self.behind.get(&block).into_iter().flatten().copied()),
                Some(Stmt::Message { .. } | Stmt::Send { .. } | Stmt::Receive { .. } | Stmt::Act { .. }) => {
                    found.push(place);
                }
                Some(Stmt::Set { .. }) => {
                    passed.push(place);
                    todo.push((block, at.saturating_add(1)));
                }
                Some(Stmt::Choice { arms, .. }) => todo.extend(arms.iter().map(|&arm| begin(arm))),
                Some(Stmt::Rec { body, .. }) => todo.push(begin(*body)),
                Some(Stmt::States { blocks, .. }) => todo.extend(blocks.first().map(|&(_, block)| begin(block))),
                Some(Stmt::Continue { var, .. }) => todo.extend(self.head(block, *var).map(begin)),
                Some(Stmt::Call { body, .. }) => todo.extend(self.body(*body).map(begin)),
                Some(Stmt::Scope { scope, .. }) => match self.scopes.entry(*scope) {
                    Some(Scope::Par { parts }) => todo.extend(parts.iter().map(|&part| begin(part))),
                    Some(Scope::During { main: Some(main), .. }) => todo.push(begin(*main)),
                    Some(Scope::During { main: None, rounds }) => {
                        todo.extend(rounds.iter().map(|round| begin(round.body)));
                    }
                    Some(Scope::Try { body, .. }) => todo.push(begin(*body)),
                    None => {}
                },
            }
        }
        found.sort_unstable();
        (found, passed)
    }

    fn body(&self, body: BodyId) -> Option<BlockId> {
        self.bodies.get(body.index()).copied()
    }

    /// What a jump leads to.
    fn head(&self, mut block: BlockId, wanted: crate::id::VarId) -> Option<BlockId> {
        loop {
            let &place = self.parents.get(&block)?;
            match self.stmt(place) {
                Some(&Stmt::Rec { var, body, .. }) if var == wanted => return Some(body),
                Some(Stmt::States { blocks, .. }) => {
                    if let Some(&(_, block)) = blocks.iter().find(|&&(var, _)| var == wanted) {
                        return Some(block);
                    }
                }
                _ => {}
            }
            (block, _) = place;
        }
    }
}

//! Wild systems: local types that nobody projected. They get stuck, lose messages and misunderstand each other, which
//! projected ones never do.

use std::fmt::Write as _;

use super::rng::Rng;
use crate::{
    id::{BlockId, Id, IdVec, LabelId, RoleId, SortId, StateId, VarId},
    protocol::{Act, Arm, Chooser, EdgeKind, Local, State, Stmt, Term},
};

/// How large a wild system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WildShape {
    /// How many roles.
    pub roles: usize,
    /// How many states or statements per role, at most.
    pub size: usize,
    /// How many labels; few of them make roles understand each other now and then.
    pub labels: usize,
    /// How many payloads.
    pub sorts: usize,
    /// Of 100 arms, how many repeat the action of another arm of the state.
    pub twins: usize,
}

impl WildShape {
    /// A small random shape.
    pub fn any(rng: &mut Rng) -> Self {
        Self {
            roles: rng.between(2, 4),
            size: rng.between(1, 7),
            labels: rng.between(1, 3),
            sorts: rng.between(1, 2),
            twins: if rng.chance(20) { 30 } else { 0 },
        }
    }
}

fn label(rng: &mut Rng, shape: WildShape) -> (LabelId, SortId) {
    (
        LabelId::new(rng.below(shape.labels)).unwrap_or_default(),
        SortId::new(if rng.chance(80) { 0 } else { rng.below(shape.sorts) }).unwrap_or_default(),
    )
}

fn peer(rng: &mut Rng, shape: WildShape, role: RoleId) -> RoleId {
    let drawn = rng.below(shape.roles.saturating_sub(1).max(1));
    let other = if drawn >= role.index() { drawn.saturating_add(1) } else { drawn };
    // In a system of one role there is nobody else.
    RoleId::new(if other < shape.roles { other } else { 0 }).unwrap_or_default()
}

/// A random automaton of one role.
pub fn wild_local(rng: &mut Rng, shape: WildShape, role: RoleId) -> Local {
    let count = rng.between(1, shape.size.max(1));
    let target = |rng: &mut Rng| StateId::new(rng.between(1, count)).unwrap_or_default();
    let mut states = vec![State::default()];
    for _ in 0..count {
        let mut state = State::default();
        // Internal, external, mixed; now and then an end, or a dead end.
        let kind = rng.below(20);
        let arms = match kind {
            0..=3 => 0,
            _ => rng.between(1, 3),
        };
        for _ in 0..arms {
            let with = peer(rng, shape, role);
            let sends = match kind {
                4..=9 => true,
                10..=16 => false,
                _ => rng.chance(50),
            };
            let act = match sends {
                _ if rng.chance(6) => Act::Act,
                true => Act::Send(with),
                false => Act::Receive(with),
            };
            let (label, sort) = label(rng, shape);
            let arm = Arm { act, label, sort, then: target(rng), span: Default::default() };
            let same = |other: &Arm| (other.act, other.label, other.sort) == (act, label, sort);
            if !state.arms.iter().any(same) {
                state.arms.push(arm);
            }
            if rng.chance(shape.twins) {
                state.arms.push(Arm { then: target(rng), ..arm });
            }
        }
        state.may_stop = if state.arms.is_empty() { kind != 0 } else { rng.chance(12) };
        states.push(state);
    }
    Local { role, initial: target(rng), states: states.into() }
}

/// A random automaton per role.
pub fn wild(rng: &mut Rng, shape: WildShape) -> IdVec<RoleId, Local> {
    let roles = (0..shape.roles).map(|at| RoleId::new(at).unwrap_or_default());
    roles.map(|role| wild_local(rng, shape, role)).collect()
}

/// Random declared kinds of edges for some of the pairs of roles.
pub fn channels(rng: &mut Rng, roles: usize) -> Vec<(RoleId, RoleId, EdgeKind)> {
    let mut channels = Vec::new();
    for from in 0..roles {
        for to in (0..roles).filter(|&to| to != from) {
            let kind = match rng.below(10) {
                0 | 1 => EdgeKind::Sync,
                2 => EdgeKind::Bounded(1),
                3 => EdgeKind::Bounded(2),
                4 => EdgeKind::Fifo,
                5 => EdgeKind::Lossy,
                6 => EdgeKind::Latest,
                _ => continue,
            };
            channels.push((RoleId::new(from).unwrap_or_default(), RoleId::new(to).unwrap_or_default(), kind));
        }
    }
    channels
}

/// A random local term per role: choices, calls, local actions, and loops up to four deep whose names are few, so that
/// inner ones shadow outer ones, with statements behind them.
pub fn wild_terms(rng: &mut Rng, shape: WildShape) -> IdVec<RoleId, Term> {
    let roles = (0..shape.roles).map(|at| RoleId::new(at).unwrap_or_default());
    roles.map(|role| Writer { rng: &mut *rng, shape, role, term: Term::default(), left: shape.size }.write()).collect()
}

/// A local term of [`wild_terms`] as a local protocol `L`, with what it calls as `B`. Label `n` is `ln`; payload 0 is
/// `()`, others are `(int)`.
#[must_use]
pub fn local_text(term: &Term, role: RoleId, roles: usize) -> String {
    let params: Vec<String> = (0..roles).map(|at| format!("role R{at}")).collect();
    let mut text = String::new();
    for (body, &block) in term.bodies.iter() {
        let name = if body == term.start { "L" } else { "B" };
        let _ = writeln!(text, "local protocol {name}{0} at R{0}({1}) {{", role.raw(), params.join(", "));
        print(&mut text, term, block, role, roles);
        text.push_str("}\n");
    }
    text
}

fn print(text: &mut String, term: &Term, block: BlockId, role: RoleId, roles: usize) {
    let said =
        |label: LabelId, sort: SortId| format!("l{}{}", label.raw(), if sort.raw() == 0 { "()" } else { "(int)" });
    for stmt in term.blocks.entry(block).into_iter().flatten() {
        let _ = match stmt {
            Stmt::Send { to, label, sort, .. } => writeln!(text, "{} to R{};", said(*label, *sort), to.raw()),
            Stmt::Receive { from, label, sort, .. } => writeln!(text, "{} from R{};", said(*label, *sort), from.raw()),
            Stmt::Act { label, sort, .. } => writeln!(text, "R{}: {};", role.raw(), said(*label, *sort)),
            Stmt::Scope { .. } | Stmt::Set { .. } => Ok(()),
            Stmt::Choice { arms, .. } => {
                let _ = write!(text, "choice at R{}", role.raw());
                for (n, &arm) in arms.iter().enumerate() {
                    text.push_str(if n == 0 { " {\n" } else { " or {\n" });
                    print(text, term, arm, role, roles);
                    text.push('}');
                }
                writeln!(text)
            }
            Stmt::Rec { var, body, .. } => {
                let _ = writeln!(text, "rec X{} {{", var.raw());
                print(text, term, *body, role, roles);
                writeln!(text, "}}")
            }
            Stmt::States { blocks, .. } => {
                text.push_str("states {\n");
                for &(var, block) in blocks {
                    let _ = writeln!(text, "X{} {{", var.raw());
                    print(text, term, block, role, roles);
                    text.push_str("}\n");
                }
                writeln!(text, "}}")
            }
            Stmt::Continue { var, .. } => writeln!(text, "continue X{};", var.raw()),
            Stmt::Call { .. } => {
                let given: Vec<String> = (0..roles).map(|at| format!("R{at}")).collect();
                writeln!(text, "do B{}({});", role.raw(), given.join(", "))
            }
            Stmt::Message { .. } => Ok(()),
        };
    }
}

struct Writer<'a> {
    rng: &'a mut Rng,
    shape: WildShape,
    role: RoleId,
    term: Term,
    /// How many more statements may be written.
    left: usize,
}

/// A name in sight, and whether a step lies between its binder and here.
type Scope = Vec<(VarId, bool)>;

impl Writer<'_> {
    fn write(mut self) -> Term {
        let calls = self.rng.chance(30);
        if calls {
            // The body that is called: a step, and perhaps itself again, in tail position.
            let mut stmts = vec![self.step()];
            if self.rng.chance(50) {
                let again = self.push(vec![Stmt::Call { body: Id::from_raw(0), span: Default::default() }]);
                let step = self.step();
                let over = self.push(vec![step]);
                stmts.push(self.choice(vec![again, over]));
            }
            let block = self.push(stmts);
            let _ = self.term.bodies.push(block);
        }
        self.left = self.shape.size;
        let block = self.block(4, &mut Vec::new(), calls);
        if let Ok(start) = self.term.bodies.push(block) {
            self.term.start = start;
        }
        self.term
    }

    fn push(&mut self, stmts: Vec<Stmt>) -> BlockId {
        self.term.blocks.push(stmts).unwrap_or_default()
    }

    fn step(&mut self) -> Stmt {
        let with = peer(self.rng, self.shape, self.role);
        let (label, sort) = label(self.rng, self.shape);
        let span = Default::default();
        match self.rng.below(20) {
            0 => Stmt::Act { role: self.role, label, sort, span },
            1..=9 => Stmt::Send { to: with, label, sort, span },
            _ => Stmt::Receive { from: with, label, sort, span },
        }
    }

    fn choice(&mut self, arms: Vec<BlockId>) -> Stmt {
        let at = match self.rng.below(3) {
            0 => Chooser::Internal,
            1 => Chooser::External,
            _ => Chooser::Mixed,
        };
        Stmt::Choice { at, arms: arms.into(), span: Default::default() }
    }

    fn name(&mut self) -> VarId {
        VarId::from_raw(u32::from(self.rng.chance(50)))
    }

    /// A block; loops may be `depth` deep in it. Afterwards `scope` says what its end has a step behind it for.
    fn block(&mut self, depth: usize, scope: &mut Scope, calls: bool) -> BlockId {
        let mut stmts = Vec::new();
        let count = self.rng.between(1, 3);
        for _ in 0..count {
            if self.left == 0 {
                break;
            }
            self.left = self.left.saturating_sub(1);
            let span = Default::default();
            match self.rng.below(10) {
                0..=3 => {
                    stmts.push(self.step());
                    passed(scope);
                }
                4 | 5 => {
                    let mut arms = Vec::new();
                    let mut ends = Vec::new();
                    for _ in 0..self.rng.between(2, 3) {
                        let mut inner = scope.clone();
                        arms.push(self.block(depth, &mut inner, calls));
                        ends.push(inner);
                    }
                    stmts.push(self.choice(arms));
                    for (at, entry) in scope.iter_mut().enumerate() {
                        entry.1 = ends.iter().all(|end| end.get(at).is_some_and(|&(_, passed)| passed));
                    }
                }
                6 | 7 if depth > 0 => {
                    let var = self.name();
                    scope.push((var, false));
                    let body = self.block(depth.saturating_sub(1), scope, calls);
                    scope.pop();
                    stmts.push(Stmt::Rec { var, body, span });
                }
                8 if depth > 0 => {
                    let (one, two) = (VarId::from_raw(0), VarId::from_raw(1));
                    let mut ends = Vec::new();
                    let mut blocks = Vec::new();
                    for var in [one, two] {
                        let mut inner = scope.clone();
                        inner.extend([(one, false), (two, false)]);
                        blocks.push((var, self.block(depth.saturating_sub(1), &mut inner, calls)));
                        ends.push(inner);
                    }
                    stmts.push(Stmt::States { blocks: blocks.into(), span });
                    for (at, entry) in scope.iter_mut().enumerate() {
                        entry.1 = ends.iter().all(|end| end.get(at).is_some_and(|&(_, passed)| passed));
                    }
                }
                9 if calls => {
                    stmts.push(Stmt::Call { body: Id::from_raw(0), span });
                    passed(scope);
                }
                _ => {
                    let var = self.name();
                    // The innermost binder is meant, so its flag counts.
                    if let Some((_, true)) = scope.iter().rev().find(|(name, _)| *name == var) {
                        stmts.push(Stmt::Continue { var, span });
                        break;
                    }
                    stmts.push(self.step());
                    passed(scope);
                }
            }
        }
        self.push(stmts)
    }
}

fn passed(scope: &mut Scope) {
    for entry in scope {
        entry.1 = true;
    }
}

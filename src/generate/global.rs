//! Random global protocols. The chooser of a choice announces it to the others, each in its own label, or lets the
//! first one it tells pass it on, so that most of them can be projected and many need a real merge; now and then
//! somebody is told nothing.

use std::fmt::Write as _;

use super::{rng::Rng, wild::channels};
use crate::{
    id::{BlockId, BodyId, Id, LabelId, RoleId, SortId, VarId},
    protocol::{Chooser, EdgeKind, Stmt, Term},
};

/// How large a random protocol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalShape {
    /// How many roles, at least two.
    pub roles: usize,
    /// How many statements, roughly.
    pub size: usize,
    /// How deep loops may be in each other.
    pub loops: usize,
    /// Of 100 choices, how many are announced to everybody by the chooser.
    pub told: usize,
    /// Whether edges may be declared synchronous or bounded.
    pub channels: bool,
}

impl GlobalShape {
    /// A small random shape.
    pub fn any(rng: &mut Rng) -> Self {
        Self { roles: rng.between(2, 5), size: rng.between(3, 16), loops: 4, told: 70, channels: rng.chance(15) }
    }
}

enum Tree {
    Message {
        from: usize,
        to: Vec<usize>,
        label: u32,
        sort: u32,
    },
    Act {
        role: usize,
        label: u32,
        sort: u32,
    },
    Choice {
        at: usize,
        arms: Vec<Vec<Tree>>,
    },
    Rec {
        var: u32,
        body: Vec<Tree>,
    },
    Continue {
        var: u32,
    },
    /// The callee's roles, in order, are these of the caller.
    Call {
        body: usize,
        roles: Vec<usize>,
    },
}

/// A random global protocol.
pub struct Global {
    roles: usize,
    channels: Vec<(RoleId, RoleId, EdgeKind)>,
    /// The first is the protocol; the others are what it calls.
    bodies: Vec<Vec<Tree>>,
}

impl Global {
    /// Draws a protocol.
    #[must_use]
    pub fn any(rng: &mut Rng, shape: GlobalShape) -> Self {
        let roles = shape.roles.max(2);
        let called = if rng.chance(25) { rng.between(1, 2) } else { 0 };
        let mut bodies = Vec::new();
        for body in 0..=called {
            let size = if body == 0 { shape.size } else { shape.size / 2 };
            let mut writer = Writer {
                rng,
                shape: GlobalShape { roles, ..shape },
                left: size,
                body,
                bodies: called.saturating_add(1),
            };
            bodies.push(writer.block(shape.loops, &mut Vec::new(), body > 0));
        }
        let channels = if shape.channels { channels(rng, roles) } else { Vec::new() };
        Self { roles, channels, bodies }
    }

    /// How many roles it has.
    #[must_use]
    pub fn roles(&self) -> usize {
        self.roles
    }

    /// The declared kinds of edges.
    #[must_use]
    pub fn channels(&self) -> &[(RoleId, RoleId, EdgeKind)] {
        &self.channels
    }

    /// It as a term. Label `n` is `ln` in the text; payload 0 is a bare label, 1 is `()`, 2 is `(int)`.
    #[must_use]
    pub fn term(&self) -> Term {
        let mut lowering = Lowering {
            term: Term::default(),
            // Every body at the roles at which it is called; the protocol itself at its own.
            instances: vec![(0, (0..self.roles).collect())],
        };
        let mut next = 0usize;
        while let Some((body, roles)) = lowering.instances.get(next).cloned() {
            next = next.saturating_add(1);
            let stmts = self.bodies.get(body).map_or(&[][..], |stmts| stmts);
            let block = lowering.block(stmts, &roles);
            let _ = lowering.term.bodies.push(block);
        }
        lowering.term
    }

    /// It as a source text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (at, body) in self.bodies.iter().enumerate() {
            let roles: Vec<String> = (0..self.roles).map(|role| format!("role R{role}")).collect();
            let head = if at == 0 { "protocol" } else { "aux protocol" };
            let _ = writeln!(text, "{head} P{at}({}) {{", roles.join(", "));
            for &(from, to, kind) in if at == 0 { &*self.channels } else { &[] } {
                let kind = match kind {
                    EdgeKind::Fifo => "fifo".to_owned(),
                    EdgeKind::Bounded(n) => format!("bounded({n})"),
                    EdgeKind::Sync => "sync".to_owned(),
                    EdgeKind::Lossy => "lossy".to_owned(),
                    EdgeKind::Latest => "latest".to_owned(),
                };
                let _ = writeln!(text, "  channel R{} -> R{}: {kind};", from.raw(), to.raw());
            }
            self.print(&mut text, body, 1);
            text.push_str("}\n");
        }
        text
    }

    fn print(&self, text: &mut String, stmts: &[Tree], depth: usize) {
        let payload = |sort: &u32| match sort {
            0 => "",
            1 => "()",
            _ => "(int)",
        };
        let pad = "  ".repeat(depth);
        let inner = depth.saturating_add(1);
        for stmt in stmts {
            let _ = match stmt {
                Tree::Message { from, to, label, sort } => {
                    let to: Vec<String> = to.iter().map(|to| format!("R{to}")).collect();
                    writeln!(text, "{pad}R{from} -> {}: l{label}{};", to.join(", "), payload(sort))
                }
                Tree::Act { role, label, sort } => writeln!(text, "{pad}R{role}: l{label}{};", payload(sort)),
                Tree::Choice { at, arms } => {
                    let _ = write!(text, "{pad}choice at R{at}");
                    for (n, arm) in arms.iter().enumerate() {
                        text.push_str(if n == 0 { " {\n" } else { " or {\n" });
                        self.print(text, arm, inner);
                        let _ = write!(text, "{pad}}}");
                    }
                    writeln!(text)
                }
                Tree::Rec { var, body } => {
                    let _ = writeln!(text, "{pad}rec X{var} {{");
                    self.print(text, body, inner);
                    writeln!(text, "{pad}}}")
                }
                Tree::Continue { var } => writeln!(text, "{pad}continue X{var};"),
                Tree::Call { body, roles } => {
                    let roles: Vec<String> = roles.iter().map(|role| format!("R{role}")).collect();
                    writeln!(text, "{pad}do P{body}({});", roles.join(", "))
                }
            };
        }
    }
}

fn role(at: usize) -> RoleId {
    RoleId::new(at).unwrap_or_default()
}

struct Lowering {
    term: Term,
    /// Bodies, and which roles they are at; as many as `do` reaches.
    instances: Vec<(usize, Vec<usize>)>,
}

impl Lowering {
    fn block(&mut self, stmts: &[Tree], roles: &[usize]) -> BlockId {
        let span = Default::default();
        let meant = |at: &usize| roles.get(*at).copied().unwrap_or(*at);
        let at = |at: &usize| role(meant(at));
        let mut block = Vec::new();
        for stmt in stmts {
            block.push(match stmt {
                Tree::Message { from, to, label, sort } => Stmt::Message {
                    from: at(from),
                    to: to.iter().map(at).collect(),
                    label: LabelId::from_raw(*label),
                    sort: SortId::from_raw(*sort),
                    span,
                },
                Tree::Act { role, label, sort } => {
                    Stmt::Act { role: at(role), label: LabelId::from_raw(*label), sort: SortId::from_raw(*sort), span }
                }
                Tree::Choice { at: chooser, arms } => {
                    let arms = arms.iter().map(|arm| self.block(arm, roles)).collect();
                    Stmt::Choice { at: Chooser::Role(at(chooser)), arms, span }
                }
                Tree::Rec { var, body } => {
                    Stmt::Rec { var: VarId::from_raw(*var), body: self.block(body, roles), span }
                }
                Tree::Continue { var } => Stmt::Continue { var: VarId::from_raw(*var), span },
                Tree::Call { body, roles: given } => {
                    let wanted = (*body, given.iter().map(meant).collect::<Vec<_>>());
                    let known = self.instances.iter().position(|instance| *instance == wanted);
                    let instance = known.unwrap_or_else(|| {
                        self.instances.push(wanted);
                        self.instances.len().saturating_sub(1)
                    });
                    Stmt::Call { body: BodyId::new(instance).unwrap_or_default(), span }
                }
            });
        }
        self.term.blocks.push(block).unwrap_or_default()
    }
}

struct Writer<'a> {
    rng: &'a mut Rng,
    shape: GlobalShape,
    /// How many more statements may be written.
    left: usize,
    /// Which body is written, and how many there are: one calls only later ones, and itself in tail position.
    body: usize,
    bodies: usize,
}

/// Labels from here on are not those of an announcement.
const FREE: u32 = 4;

impl Writer<'_> {
    fn others(&mut self, role: usize) -> Vec<usize> {
        let mut others: Vec<usize> = (0..self.shape.roles).filter(|&other| other != role).collect();
        self.rng.shuffle(&mut others);
        others
    }

    /// All roles, mostly in order.
    fn permutation(&mut self) -> Vec<usize> {
        let mut roles: Vec<usize> = (0..self.shape.roles).collect();
        if self.rng.chance(40) {
            self.rng.shuffle(&mut roles);
        }
        roles
    }

    fn free(&mut self) -> (u32, u32) {
        let label = u32::try_from(self.rng.below(3)).unwrap_or(0).saturating_add(FREE);
        let sort = if self.rng.chance(70) { 1 } else { u32::try_from(self.rng.below(3)).unwrap_or(0) };
        (label, sort)
    }

    fn message(&mut self) -> Tree {
        let from = self.rng.below(self.shape.roles);
        let mut to = self.others(from);
        to.truncate(if self.rng.chance(15) { 2 } else { 1 });
        let (label, sort) = self.free();
        Tree::Message { from, to, label, sort }
    }

    /// A block that begins with a step and may end with a jump. `scope`: the names in sight; every binder of it has a
    /// step behind it where `Some`. `tail`: nothing stands behind the block in its body.
    fn block(&mut self, loops: usize, scope: &mut Vec<(u32, bool)>, tail: bool) -> Vec<Tree> {
        let mut stmts = Vec::new();
        let count = self.rng.between(1, 4);
        for at in 0..count {
            let last = at.saturating_add(1) == count;
            if self.left == 0 && !stmts.is_empty() {
                break;
            }
            self.left = self.left.saturating_sub(1);
            let stmt = match self.rng.below(12) {
                0..=4 => self.message(),
                5..=7 => self.choice(loops, scope, tail && last),
                8 | 9 if loops > 0 => {
                    let var = u32::from(self.rng.chance(50));
                    scope.push((var, false));
                    let body = self.block(loops.saturating_sub(1), scope, tail && last);
                    scope.pop();
                    Tree::Rec { var, body }
                }
                10 if self.body.saturating_add(1) < self.bodies => {
                    let body = self.rng.between(self.body.saturating_add(1), self.bodies.saturating_sub(1));
                    Tree::Call { body, roles: self.permutation() }
                }
                11 if self.rng.chance(60) => {
                    let (label, sort) = self.free();
                    Tree::Act { role: self.rng.below(self.shape.roles), label, sort }
                }
                _ => self.message(),
            };
            stmts.push(stmt);
            for entry in scope.iter_mut() {
                entry.1 = true;
            }
        }
        stmts
    }

    fn choice(&mut self, loops: usize, scope: &mut [(u32, bool)], tail: bool) -> Tree {
        let at = self.rng.below(self.shape.roles);
        let others = self.others(at);
        let told = self.rng.below(100);
        let multicast = self.rng.chance(25);
        let arms = self.rng.between(2, 3);
        let mut written = Vec::new();
        for arm in 0..arms {
            let label = u32::try_from(arm).unwrap_or(0);
            let say = |from, to| Tree::Message { from, to, label, sort: 1 };
            let mut stmts = Vec::new();
            if told < self.shape.told {
                if multicast {
                    stmts.push(say(at, others.clone()));
                } else {
                    stmts.extend(others.iter().map(|&to| say(at, vec![to])));
                }
            } else if told < self.shape.told.saturating_add(20) {
                // Passed on from one to the next.
                let mut from = at;
                for &to in &others {
                    stmts.push(say(from, vec![to]));
                    from = to;
                }
            } else {
                stmts.extend(others.first().map(|&to| say(at, vec![to])));
            }
            let mut inner: Vec<(u32, bool)> = scope.iter().map(|&(var, _)| (var, true)).collect();
            if self.left > 0 && self.rng.chance(60) {
                stmts.extend(self.block(loops, &mut inner, false));
            }
            if !inner.is_empty() && self.rng.chance(55) {
                let var = inner.get(self.rng.below(inner.len())).map_or(0, |&(var, _)| var);
                stmts.push(Tree::Continue { var });
            } else if tail && self.rng.chance(50) {
                let roles = self.permutation();
                stmts.push(Tree::Call { body: self.body, roles });
            }
            written.push(stmts);
        }
        Tree::Choice { at, arms: written }
    }
}

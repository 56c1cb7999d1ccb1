//! Protocols made in the test: random terms, and two families.

use polylogue::{
    diag::Span,
    id::{BlockId, Id, LabelId, RoleId, SortId, VarId},
    protocol::{Chooser, Graph, Header, Names, Role, Stmt, Term, project::Mend},
};

/// A small deterministic generator of numbers (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

pub fn role(n: usize) -> RoleId {
    RoleId::new(n).unwrap()
}

pub fn label(n: usize) -> LabelId {
    LabelId::new(n).unwrap()
}

pub fn sort(n: usize) -> SortId {
    SortId::new(n).unwrap()
}

pub fn message(from: usize, to: usize, l: usize) -> Stmt {
    Stmt::Message { from: role(from), to: [role(to)].into(), label: label(l), sort: sort(0), span: Span::default() }
}

pub fn graph(term: &Term) -> Graph {
    Graph::of(term).unwrap()
}

/// `rec X { R0 -> R1: m; … R(n-1) -> R0: m; continue X; }`
pub fn ring(n: usize) -> Term {
    let mut term = Term::default();
    let var = VarId::from_raw(0);
    let mut body: Vec<Stmt> = (0..n).map(|i| message(i, (i + 1) % n, 0)).collect();
    body.push(Stmt::Continue { var, span: Span::default() });
    let body = term.blocks.push(body).unwrap();
    let block = term.blocks.push(vec![Stmt::Rec { var, body, span: Span::default() }]).unwrap();
    term.start = term.bodies.push(block).unwrap();
    term
}

/// A binary choice, told on from the first role to the second and the third; who decides changes with the depth.
pub fn choice_tree(depth: usize) -> Term {
    let mut term = Term::default();
    let block = tree_block(&mut term, depth, 0);
    term.start = term.bodies.push(block).unwrap();
    term
}

fn tree_block(term: &mut Term, depth: usize, turn: usize) -> BlockId {
    let mut stmts = Vec::new();
    if depth > 0 {
        let (a, b, c) = (turn % 3, (turn + 1) % 3, (turn + 2) % 3);
        let arms: Vec<BlockId> = (0..2)
            .map(|arm| {
                let rest = tree_block(term, depth - 1, turn + 1);
                let rest = std::mem::take(&mut term.blocks[rest]);
                let mut stmts = vec![message(a, b, arm), message(b, c, arm)];
                stmts.extend(rest);
                term.blocks.push(stmts).unwrap()
            })
            .collect();
        stmts.push(Stmt::Choice { at: Chooser::Role(role(a)), arms: arms.into(), span: Span::default() });
    }
    term.blocks.push(stmts).unwrap()
}

/// A random protocol. With `tell` percent the one who decides tells everybody first; unguarded ones are `None`.
pub struct Wild {
    pub dice: Dice,
    pub roles: usize,
    pub labels: usize,
    pub sorts: usize,
    pub tell: usize,
    /// Statements still to be made.
    pub fuel: usize,
    /// Every statement has a place of its own, like in a text.
    place: u32,
}

impl Wild {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let roles = 2 + dice.roll(3);
        let labels = 1 + dice.roll(4);
        let sorts = if dice.chance(30) { 2 } else { 1 };
        let tell = [0, 40, 80, 100][dice.roll(4)];
        let fuel = 3 + dice.roll(14);
        Self { dice, roles, labels, sorts, tell, fuel, place: 0 }
    }

    pub fn term(&mut self) -> (Term, Graph) {
        loop {
            let mut term = Term::default();
            let fuel = self.fuel;
            let block = self.block(&mut term, &mut Vec::new(), 0);
            self.fuel = fuel;
            term.start = term.bodies.push(block).unwrap();
            // Loops without a step are refused by the graph; then roll again.
            if let Ok(graph) = Graph::of(&term) {
                return (term, graph);
            }
        }
    }

    fn span(&mut self) -> Span {
        self.place += 1;
        Span { start: self.place, end: self.place, ..Span::default() }
    }

    fn two(&mut self) -> (usize, usize) {
        let from = self.dice.roll(self.roles);
        (from, (from + 1 + self.dice.roll(self.roles - 1)) % self.roles)
    }

    fn msg(&mut self, from: usize, to: usize, l: usize) -> Stmt {
        let sort = sort(self.dice.roll(self.sorts));
        Stmt::Message { from: role(from), to: [role(to)].into(), label: label(l), sort, span: self.span() }
    }

    fn block(&mut self, term: &mut Term, vars: &mut Vec<VarId>, depth: usize) -> BlockId {
        let mut stmts = Vec::new();
        let count = self.dice.roll(4);
        for _ in 0..count {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            let what = self.dice.roll(10);
            if what < 4 || depth > 5 {
                let (from, to) = self.two();
                let l = self.dice.roll(self.labels);
                stmts.push(self.msg(from, to, l));
            } else if what < 5 {
                let actor = role(self.dice.roll(self.roles));
                let label = label(self.dice.roll(self.labels));
                stmts.push(Stmt::Act { role: actor, label, sort: sort(0), span: self.span() });
            } else if what < 8 {
                stmts.push(self.choice(term, vars, depth));
            } else {
                // Few texts, so that binders shadow each other.
                let var = VarId::from_raw(self.dice.roll(2) as u32);
                vars.push(var);
                let body = self.block(term, vars, depth + 1);
                vars.pop();
                stmts.push(Stmt::Rec { var, body, span: self.span() });
            }
        }
        if !vars.is_empty() && self.dice.chance(35) {
            let var = vars[self.dice.roll(vars.len())];
            stmts.push(Stmt::Continue { var, span: self.span() });
        }
        term.blocks.push(stmts).unwrap()
    }

    fn choice(&mut self, term: &mut Term, vars: &mut Vec<VarId>, depth: usize) -> Stmt {
        let (at, usual) = self.two();
        let tells = self.dice.chance(self.tell);
        // Now and then an arm does not begin as it should.
        let sloppy = self.dice.chance(4);
        let arms = (0..2 + self.dice.roll(2))
            .map(|arm| {
                let body = self.block(term, vars, depth + 1);
                let body = std::mem::take(&mut term.blocks[body]);
                let mut stmts = Vec::new();
                if tells {
                    for to in (0..self.roles).filter(|&to| to != at) {
                        stmts.push(self.msg(at, to, arm));
                    }
                } else if !sloppy {
                    let to = if self.dice.chance(80) {
                        usual
                    } else {
                        (at + 1 + self.dice.roll(self.roles - 1)) % self.roles
                    };
                    stmts.push(self.msg(at, to, arm));
                }
                stmts.extend(body);
                term.blocks.push(stmts).unwrap()
            })
            .collect();
        Stmt::Choice { at: Chooser::Role(role(at)), arms, span: self.span() }
    }
}

/// The header of roles `R0`, `R1` and so on.
pub fn header(roles: usize) -> Header {
    let role = |n| Role { name: format!("R{n}").into(), span: Span::default(), unreliable: false };
    Header { roles: (0..roles).map(role).collect(), ..Header::default() }
}

/// Labels `l0`, `l1` and so on.
pub fn names(labels: usize) -> Names {
    let mut names = Names::default();
    for n in 0..labels {
        names.label(&format!("l{n}")).unwrap();
    }
    names.sort(None).unwrap();
    names
}

/// The statements with the messages of a mend.
pub fn apply(mend: &Mend, term: &mut Term, graph: &Graph, header: &Header, names: &mut Names) {
    let labels = mend.labels(graph, header, names);
    for (&node, label) in mend.after.iter().zip(labels) {
        let place = graph.spans[node];
        let label = names.label(&label).unwrap();
        let message =
            Stmt::Message { from: mend.from, to: [mend.to].into(), label, sort: sort(0), span: Span::default() };
        let mut found = 0;
        for block in term.blocks.values_mut() {
            let is_it = |stmt: &Stmt| match *stmt {
                Stmt::Message { span, .. } | Stmt::Act { span, .. } => span == place,
                _ => false,
            };
            if let Some(at) = block.iter().position(is_it) {
                block.insert(at + 1, message.clone());
                found += 1;
            }
        }
        assert_eq!(found, 1, "a mend is behind a statement");
    }
}

//! From a tree to its program: each node is assembled once, and leaves one value on the stack.

use super::{
    super::{Macro, Node, Op, Operator, tree::Spot},
    Arg, Handler, Ins, NOBODY, Program,
};

fn number(n: usize) -> u32 {
    u32::try_from(n).expect("a tree has far fewer nodes than this: see its limits")
}

struct Assembler {
    program: Program,
    height: u32,
    /// The handler of what is assembled now.
    handler: u32,
    /// The first register of the `def` that is written out now.
    base: u32,
    /// Loops that are open.
    depth: u32,
    /// Connectives and loops that are open.
    open: u32,
}

impl Program {
    pub(in crate::data) fn new(tree: &Node) -> Self {
        let mut assembler =
            Assembler { program: Self::default(), height: 0, handler: NOBODY, base: 0, depth: 0, open: 0 };
        assembler.node(tree, 0);
        assembler.program
    }
}

impl Assembler {
    fn here(&self) -> u32 {
        number(self.program.code.len())
    }

    fn emit(&mut self, ins: Ins, spot: Spot) -> usize {
        let at = self.program.code.len();
        self.program.code.push(ins);
        self.program.spots.push(spot);
        self.program.handled.push(self.handler);
        at
    }

    /// With so many taken from the stack, and one put there.
    fn gives(&mut self, taken: usize) {
        self.height = self.height.saturating_sub(number(taken)).saturating_add(1);
    }

    /// A jump that is known now.
    fn land(&mut self, at: usize) {
        let here = self.here();
        match self.program.code.get_mut(at) {
            Some(
                Ins::Decide { end: to, .. }
                | Ins::Test { end: to, .. }
                | Ins::Jump(to)
                | Ins::Branch(to)
                | Ins::Next { done: to, .. }
                | Ins::Take { end: to, .. },
            ) => *to = here,
            _ => debug_assert!(false, "only jumps land"),
        }
    }

    fn register(&mut self, level: u32) -> u32 {
        let register = self.base.saturating_add(level);
        self.program.registers =
            self.program.registers.max(register as usize).max((register as usize).saturating_add(1));
        register
    }

    fn fault(&mut self) -> u32 {
        let fault = self.open;
        self.open = self.open.saturating_add(1);
        self.program.faults = self.program.faults.max(self.open as usize);
        fault
    }

    /// The operand of a node that is nowhere but in a place of its own.
    fn simple(&mut self, node: &Node) -> Option<Arg> {
        Some(match &node.op {
            Op::Const(value) => {
                self.program.constants.push(value.clone());
                Arg::Const(number(self.program.constants.len().saturating_sub(1)))
            }
            Op::Slot(slot, name) => {
                self.program.slots.push((*slot, name.clone(), node.spot));
                Arg::Slot(number(self.program.slots.len().saturating_sub(1)))
            }
            Op::Local(level) => Arg::Register(self.register(*level)),
            _ => return None,
        })
    }

    /// An operand, put on the stack if it has no place.
    fn operand(&mut self, node: &Node, levels: u32) -> Arg {
        match self.simple(node) {
            Some(arg) => arg,
            None => {
                self.node(node, levels);
                Arg::Pop
            }
        }
    }

    /// Two operands. The left one is looked at first: a slot that holds nothing is the fault that counts.
    fn operands(&mut self, a: &Node, b: &Node, levels: u32) -> (Arg, Arg, usize) {
        let complex = !matches!(b.op, Op::Const(_) | Op::Slot(..) | Op::Local(_));
        let a = if complex && matches!(a.op, Op::Slot(..)) {
            self.node(a, levels);
            Arg::Pop
        } else {
            self.operand(a, levels)
        };
        let b = self.operand(b, levels);
        let popped = [a, b].iter().filter(|arg| matches!(arg, Arg::Pop)).count();
        (a, b, popped)
    }

    fn nodes(&mut self, nodes: &[Node], levels: u32) -> u32 {
        for node in nodes {
            self.node(node, levels);
        }
        number(nodes.len())
    }

    /// Code that puts the value of a node on the stack; `levels` locals are known.
    fn node(&mut self, node: &Node, levels: u32) {
        let spot = node.spot;
        match &node.op {
            Op::Const(_) | Op::Slot(..) | Op::Local(_) => {
                let arg = self.simple(node).unwrap_or(Arg::Pop);
                self.emit(Ins::Push(arg), spot);
                self.gives(0);
            }
            Op::Now => {
                self.emit(Ins::Now, spot);
                self.gives(0);
            }
            Op::Has(of) => self.has(node, of, levels),
            Op::Member(..) => {
                let mut names = Vec::new();
                let mut of = node;
                while let Op::Member(inner, name) = &of.op {
                    names.push((name.clone(), of.spot));
                    of = inner;
                }
                names.reverse();
                let of = self.operand(of, levels);
                self.emit(Ins::Path(of, names.into()), spot);
                self.gives(usize::from(matches!(of, Arg::Pop)));
            }
            Op::Index(a, b) => {
                let (a, b, popped) = self.operands(a, b, levels);
                self.emit(Ins::Index(a, b), spot);
                self.gives(popped);
            }
            Op::Not(of) => {
                self.node(of, levels);
                self.emit(Ins::Not, spot);
            }
            Op::Negate(of) => {
                self.node(of, levels);
                self.emit(Ins::Negate, spot);
            }
            Op::All(of) => self.connective(of, false, spot, levels),
            Op::Any(of) => self.connective(of, true, spot, levels),
            Op::Binary(operator, a, b) => {
                let (a, b, popped) = self.operands(a, b, levels);
                self.emit(Ins::Binary(*operator, a, b), spot);
                self.gives(popped);
            }
            Op::Conditional(condition, then, other) => {
                self.node(condition, levels);
                let branch = self.emit(Ins::Branch(0), condition.spot);
                self.height = self.height.saturating_sub(1);
                self.node(then, levels);
                let jump = self.emit(Ins::Jump(0), spot);
                self.land(branch);
                self.height = self.height.saturating_sub(1);
                self.node(other, levels);
                self.land(jump);
            }
            Op::List(of) => {
                let count = self.nodes(of, levels);
                self.emit(Ins::List(count), spot);
                self.gives(of.len());
            }
            Op::Set(of) => {
                let count = self.nodes(of, levels);
                self.emit(Ins::Set(count), spot);
                self.gives(of.len());
            }
            Op::Map(entries) => {
                for (key, value) in entries {
                    self.node(key, levels);
                    self.node(value, levels);
                }
                self.emit(Ins::Map(number(entries.len())), spot);
                self.gives(entries.len().saturating_mul(2));
            }
            Op::Record(fields) => {
                for (_, value) in fields {
                    self.node(value, levels);
                }
                self.emit(Ins::Record(fields.iter().map(|(name, _)| name.clone()).collect()), spot);
                self.gives(fields.len());
            }
            Op::Call(function, args) => {
                let count = self.nodes(args, levels);
                self.emit(Ins::Call(*function, count), spot);
                self.gives(args.len());
            }
            Op::Matches(of, pattern) => {
                self.node(of, levels);
                self.emit(Ins::Matches(pattern.clone()), spot);
            }
            Op::Macro(kind, over, body) => self.each(*kind, over, body, spot, levels),
            Op::Apply(def, args) => {
                let count = self.nodes(args, levels);
                let outer = self.base;
                self.base = outer.saturating_add(levels);
                for level in (0..count).rev() {
                    let register = self.register(level);
                    self.emit(Ins::Store(register), spot);
                }
                self.height = self.height.saturating_sub(count);
                self.node(def.body(), count);
                self.base = outer;
            }
            Op::Extern(id, args) => {
                let count = self.nodes(args, levels);
                self.emit(Ins::Extern(*id, count), spot);
                self.gives(args.len());
            }
            Op::Cast { of, sort, soft } => {
                self.node(of, levels);
                self.emit(Ins::Cast { sort: Box::new(sort.clone()), soft: *soft }, spot);
            }
            Op::Is(of, sort) => {
                self.node(of, levels);
                self.emit(Ins::Is(Box::new(sort.clone())), spot);
            }
            Op::Lives(family, keys) => {
                let count = self.nodes(keys, levels);
                self.emit(Ins::Lives(*family, count), spot);
                self.gives(keys.len());
            }
            Op::Instance(family, keys, variable, name) => {
                let count = self.nodes(keys, levels);
                self.emit(Ins::Instance(*family, count, *variable, name.clone()), spot);
                self.gives(keys.len());
            }
        }
    }

    fn has(&mut self, node: &Node, of: &Node, levels: u32) {
        let option = of.sort.is_option();
        let mut names = Vec::new();
        let mut root = of;
        while let Op::Member(inner, name) = &root.op {
            names.push(name.clone());
            root = inner;
        }
        names.reverse();
        if let Op::Instance(family, keys, variable, _) = &root.op {
            let count = self.nodes(keys, levels);
            let (family, variable, names) = (*family, *variable, names.into());
            self.emit(Ins::HasInstance { family, keys: count, variable, names, option }, node.spot);
            self.gives(keys.len());
            return;
        }
        let of = self.operand(root, levels);
        self.emit(Ins::Has { of, names: names.into(), option }, node.spot);
        self.gives(usize::from(matches!(of, Arg::Pop)));
    }

    fn connective(&mut self, of: &[Node], decides: bool, spot: Spot, levels: u32) {
        let fault = self.fault();
        let (outer, height) = (self.handler, self.height);
        let mut exits = Vec::new();
        for node in of {
            // Where the next operand begins is known when this one is assembled.
            let handler = self.program.handlers.len();
            self.program.handlers.push(Handler { goes_on: 0, height, fault });
            self.handler = number(handler);
            exits.push(match &node.op {
                Op::Binary(operator, a, b) if *operator <= Operator::In => {
                    let (a, b, popped) = self.operands(a, b, levels);
                    self.height = self.height.saturating_sub(number(popped));
                    self.emit(Ins::Test { operator: *operator, a, b, decides, fault, end: 0 }, node.spot)
                }
                _ => {
                    self.node(node, levels);
                    self.height = self.height.saturating_sub(1);
                    self.emit(Ins::Decide { decides, fault, end: 0 }, node.spot)
                }
            });
            let here = self.here();
            if let Some(handler) = self.program.handlers.get_mut(handler) {
                handler.goes_on = here;
            }
        }
        self.handler = outer;
        self.emit(Ins::Close { otherwise: !decides, fault }, spot);
        for exit in exits {
            self.land(exit);
        }
        self.gives(0);
        self.open = fault;
    }

    fn each(&mut self, kind: Macro, over: &Node, body: &Node, spot: Spot, levels: u32) {
        self.node(over, levels);
        let fault = self.fault();
        let turn = self.depth;
        self.depth = self.depth.saturating_add(1);
        self.program.turns = self.program.turns.max(self.depth as usize);
        let register = self.register(levels);
        self.emit(Ins::Each { turn, fault }, spot);
        self.height = self.height.saturating_sub(1);
        let next = self.here();
        let head = self.emit(Ins::Next { turn, register, done: 0, cost: 0 }, spot);
        let outer = self.handler;
        if matches!(kind, Macro::All | Macro::Exists) {
            self.handler = number(self.program.handlers.len());
            self.program.handlers.push(Handler { goes_on: next, height: self.height, fault });
        }
        self.node(body, levels.saturating_add(1));
        self.height = self.height.saturating_sub(1);
        let exit = self.emit(Ins::Take { kind, turn, register, fault, next, end: 0 }, body.spot);
        self.handler = outer;
        let length = self.here().saturating_sub(next);
        if let Some(Ins::Next { cost, .. }) = self.program.code.get_mut(head) {
            *cost = length;
        }
        self.land(head);
        self.emit(Ins::Done { kind, turn, fault }, spot);
        self.land(exit);
        self.gives(0);
        self.depth = turn;
        self.open = fault;
    }
}

//! Trees as straight code for a stack machine: `def`s written out, slots and constants read where they are.
//!
//! Comes in: a checked tree. Goes out: a [`Program`], and from it and an environment the same value, or the same fault,
//! that walking the tree gives; only the moment at which the steps run out may differ.
//!
//! INVARIANT (stacked): at every instruction the height of the stack is the same, whichever way led there. Registers,
//! loops and absorbed faults have fixed places. A fault looks up the handler of its instruction: the connective or the
//! macro around it that absorbs it, the height of the stack there, and where it goes on.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Env, ExternId, FamilyId, Fault, Function, Macro, Node, Op, Operator, Pattern, Slot, Sort, Value,
    collection::{List, Map, Oversize, Record, Set},
    conform,
    fault::Why,
    function::{self, Meter},
    tree::Spot,
    walk::collect,
};

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
enum Arg {
    /// On the stack; it is taken from there.
    Pop,
    /// In a slot, by its place in [`Program::slots`].
    Slot(u32),
    /// In [`Program::constants`].
    Const(u32),
    /// In a register.
    Register(u32),
}

#[derive(Clone, Debug)]
enum Ins {
    Push(Arg),
    Now,
    Binary(Operator, Arg, Arg),
    Not,
    Negate,
    /// One operand of a connective is on the stack: if it decides, that is the result.
    Decide {
        decides: bool,
        fault: u32,
        end: u32,
    },
    /// The same of a comparison that is not made a value.
    Test {
        operator: Operator,
        a: Arg,
        b: Arg,
        decides: bool,
        fault: u32,
        end: u32,
    },
    /// No operand decided: the first fault, or else this.
    Close {
        otherwise: bool,
        fault: u32,
    },
    Jump(u32),
    /// Jumps if what is on the stack is false.
    Branch(u32),
    /// Members of members.
    Path(Arg, Box<[(Arc<str>, Spot)]>),
    /// Whether they are there.
    Has {
        of: Arg,
        names: Box<[Arc<str>]>,
        option: bool,
    },
    HasInstance {
        family: FamilyId,
        keys: u32,
        variable: u32,
        names: Box<[Arc<str>]>,
        option: bool,
    },
    Index(Arg, Arg),
    List(u32),
    Set(u32),
    Map(u32),
    Record(Box<[Arc<str>]>),
    Call(Function, u32),
    Matches(Pattern),
    Cast {
        sort: Box<Sort>,
        soft: bool,
    },
    Is(Box<Sort>),
    Extern(ExternId, u32),
    Lives(FamilyId, u32),
    Instance(FamilyId, u32, u32, Arc<str>),
    Store(u32),
    /// A loop over the collection on the stack begins.
    Each {
        turn: u32,
        fault: u32,
    },
    /// The next element, or the end.
    Next {
        turn: u32,
        register: u32,
        done: u32,
        cost: u32,
    },
    /// What the body says of an element is on the stack.
    Take {
        kind: Macro,
        turn: u32,
        register: u32,
        fault: u32,
        next: u32,
        end: u32,
    },
    Done {
        kind: Macro,
        turn: u32,
        fault: u32,
    },
}

/// Who absorbs a fault.
#[derive(Clone, Copy, Debug)]
struct Handler {
    goes_on: u32,
    height: u32,
    fault: u32,
}

const NOBODY: u32 = u32::MAX;

/// Straight code.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    code: Vec<Ins>,
    spots: Vec<Spot>,
    /// For each instruction, its place in `handlers`.
    handled: Vec<u32>,
    handlers: Vec<Handler>,
    slots: Vec<(Slot, Arc<str>, Spot)>,
    constants: Vec<Value>,
    registers: usize,
    turns: usize,
    faults: usize,
}

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
    pub(super) fn new(tree: &Node) -> Self {
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

/// A loop that is open.
struct Turn {
    rest: std::vec::IntoIter<Value>,
    over: Value,
    kept: Vec<Value>,
}

struct Machine<'p, E> {
    program: &'p Program,
    env: &'p E,
    stack: SmallVec<[Value; 6]>,
    registers: Vec<Value>,
    turns: Vec<Option<Turn>>,
    faults: SmallVec<[Option<Fault>; 4]>,
    meter: Meter,
    at: usize,
}

/// What the program gives in an environment.
pub(super) fn run<E: Env>(program: &Program, env: &E) -> Result<Value, Fault> {
    let mut machine = Machine {
        program,
        env,
        stack: SmallVec::new(),
        registers: vec![Value::Unit; program.registers],
        turns: Vec::new(),
        faults: SmallVec::new(),
        meter: Meter::full(),
        at: 0,
    };
    machine.turns.resize_with(program.turns, || None);
    machine.faults.resize_with(program.faults, || None);
    loop {
        match machine.go() {
            Ok(value) => return Ok(value),
            Err(fault) => machine.absorb(fault)?,
        }
    }
}

impl<E: Env> Machine<'_, E> {
    /// Goes on where a fault is absorbed, if it is.
    #[cold]
    fn absorb(&mut self, fault: Fault) -> Result<(), Fault> {
        let program = self.program;
        let handler = program.handled.get(self.at).and_then(|&number| program.handlers.get(number as usize));
        let Some(handler) = handler else { return Err(fault) };
        self.stack.truncate(handler.height as usize);
        if let Some(first) = self.faults.get_mut(handler.fault as usize) {
            first.get_or_insert(fault);
        }
        self.at = handler.goes_on as usize;
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn blame(&self, why: Why) -> Fault {
        Fault::new(why, self.program.spots.get(self.at).copied().unwrap_or_default())
    }

    #[cold]
    #[inline(never)]
    fn unset(&self, slot: u32) -> Fault {
        match self.program.slots.get(slot as usize) {
            Some((_, name, spot)) => Fault::new(Why::Unset(name.clone()), *spot),
            None => self.blame(Why::Empty),
        }
    }

    #[inline]
    fn pop(&mut self) -> Value {
        self.stack.pop().expect("by INVARIANT (stacked): what is taken was put there")
    }

    /// What an operand is, without taking it.
    #[inline]
    fn look<'m>(&'m self, arg: Arg, popped: &'m Value) -> Result<&'m Value, Fault> {
        match arg {
            Arg::Pop => Ok(popped),
            Arg::Slot(slot) => {
                let known = self.program.slots.get(slot as usize).and_then(|(of, ..)| self.env.slot(*of));
                known.ok_or_else(|| self.unset(slot))
            }
            Arg::Const(at) => {
                Ok(self.program.constants.get(at as usize).expect("the assembler numbers its own constants"))
            }
            Arg::Register(at) => {
                Ok(self.registers.get(at as usize).expect("the assembler counts the registers that it uses"))
            }
        }
    }

    #[inline]
    fn take(&mut self, arg: Arg) -> Value {
        if matches!(arg, Arg::Pop) { self.pop() } else { Value::Unit }
    }

    /// An operator between two operands.
    #[inline]
    fn binary(&mut self, operator: Operator, a: Arg, b: Arg) -> Result<Value, Fault> {
        // What was put there last is the right one.
        let right = self.take(b);
        let left = self.take(a);
        let (x, y) = (self.look(a, &left)?, self.look(b, &right)?);
        if let (Value::Int(x), Value::Int(y)) = (x, y)
            && let Some(value) = ints(operator, *x, *y)
        {
            return Ok(value);
        }
        let mut meter = self.meter.clone();
        let result = function::binary(operator, x, y, &mut meter).map_err(|why| self.blame(why));
        self.meter = meter;
        result
    }

    /// The last values on the stack, as arguments.
    fn call<R>(&mut self, count: u32, call: impl FnOnce(&mut Self, &[Value]) -> R) -> R {
        let first = self.stack.len().saturating_sub(count as usize);
        let args: SmallVec<[Value; 4]> = self.stack.drain(first..).collect();
        call(self, &args)
    }

    fn truth(&self, value: &Value) -> Result<bool, Fault> {
        match value {
            Value::Bool(value) => Ok(*value),
            other => function::truth(other).map_err(|why| self.blame(why)),
        }
    }

    /// Forgets what a connective absorbed: an operand decided it.
    #[inline]
    fn forget(&mut self, fault: u32) -> Option<Fault> {
        self.faults.get_mut(fault as usize).and_then(Option::take)
    }

    fn go(&mut self) -> Result<Value, Fault> {
        let program = self.program;
        while let Some(ins) = program.code.get(self.at) {
            let value = match ins {
                Ins::Binary(operator, a, b) => self.binary(*operator, *a, *b)?,
                Ins::Test { operator, a, b, decides, fault, end } => {
                    let value = self.binary(*operator, *a, *b)?;
                    if matches!(value, Value::Bool(value) if value == *decides) {
                        self.forget(*fault);
                        self.stack.push(Value::Bool(*decides));
                        self.at = *end as usize;
                    } else {
                        self.at = self.at.saturating_add(1);
                    }
                    continue;
                }
                Ins::Decide { decides, fault, end } => {
                    let value = self.pop();
                    if self.truth(&value)? == *decides {
                        self.forget(*fault);
                        self.stack.push(Value::Bool(*decides));
                        self.at = *end as usize;
                    } else {
                        self.at = self.at.saturating_add(1);
                    }
                    continue;
                }
                Ins::Close { otherwise, fault } => match self.forget(*fault) {
                    None => Value::Bool(*otherwise),
                    Some(fault) => return Err(fault),
                },
                Ins::Push(arg) => self.look(*arg, &Value::Unit)?.clone(),
                Ins::Now => match self.env.now() {
                    Some(now) => Value::Timestamp(now),
                    None => return Err(self.blame(Why::NoTime)),
                },
                Ins::Jump(to) => {
                    self.at = *to as usize;
                    continue;
                }
                Ins::Branch(to) => {
                    let value = self.pop();
                    let holds = self.truth(&value)?;
                    self.at = if holds { self.at.saturating_add(1) } else { *to as usize };
                    continue;
                }
                Ins::Path(of, names) => {
                    let root = self.take(*of);
                    let mut value = self.look(*of, &root)?;
                    for (name, spot) in names {
                        value = function::member(value, name).map_err(|why| Fault::new(why, *spot))?;
                    }
                    value.clone()
                }
                other => match self.rare(other)? {
                    Some(value) => value,
                    None => continue,
                },
            };
            self.stack.push(value);
            self.at = self.at.saturating_add(1);
        }
        Ok(self.pop())
    }

    /// The instructions that take their time. `None` if the machine is elsewhere already.
    #[inline(never)]
    fn rare(&mut self, ins: &Ins) -> Result<Option<Value>, Fault> {
        Ok(Some(match ins {
            Ins::Not => {
                let value = self.pop();
                function::invert(&value).map_err(|why| self.blame(why))?
            }
            Ins::Negate => {
                let value = self.pop();
                function::negate(&value).map_err(|why| self.blame(why))?
            }
            Ins::Has { of, names, option } => {
                let root = self.take(*of);
                let mut value = match of {
                    Arg::Slot(at) => self.program.slots.get(*at as usize).and_then(|(slot, ..)| self.env.slot(*slot)),
                    other => Some(self.look(*other, &root)?),
                };
                for name in names {
                    value = value.and_then(|value| function::find(value, name));
                }
                Value::Bool(value.is_some_and(|value| !(*option && matches!(value, Value::Unit))))
            }
            Ins::HasInstance { family, keys, variable, names, option } => self.call(*keys, |machine, keys| {
                let mut value = machine.env.instance(*family, keys, *variable);
                for name in names {
                    value = value.and_then(|value| function::find(value, name));
                }
                Value::Bool(value.is_some_and(|value| !(*option && matches!(value, Value::Unit))))
            }),
            Ins::Index(of, at) => {
                let right = self.take(*at);
                let left = self.take(*of);
                let (of, at) = (self.look(*of, &left)?, self.look(*at, &right)?);
                function::index(of, at).map_err(|why| self.blame(why))?.clone()
            }
            Ins::List(count) => {
                let first = self.stack.len().saturating_sub(*count as usize);
                let list = List::of(self.stack.drain(first..));
                Value::List(Arc::new(list.map_err(|over| self.blame(over.into()))?))
            }
            Ins::Set(count) => {
                let set = self.call(*count, |_, values| {
                    let mut set = Set::default();
                    values.iter().try_for_each(|value| set.add(value.clone()).map(|_| ())).map(|()| set)
                });
                Value::Set(Arc::new(set.map_err(|over| self.blame(over.into()))?))
            }
            Ins::Map(count) => {
                let map = self.call(count.saturating_mul(2), |_, values| {
                    let mut map = Map::default();
                    for pair in values.chunks_exact(2) {
                        if let [key, value] = pair
                            && !map.put(key.clone(), value.clone())?
                        {
                            return Err(Why::KeyTwice);
                        }
                    }
                    Ok(map)
                });
                Value::Map(Arc::new(map.map_err(|why| self.blame(why))?))
            }
            Ins::Record(names) => {
                let first = self.stack.len().saturating_sub(names.len());
                let fields = names.iter().cloned().zip(self.stack.drain(first..)).collect();
                Value::Record(Arc::new(Record::of(fields).map_err(|_| self.blame(Oversize.into()))?))
            }
            Ins::Call(function, count) => {
                let mut meter = self.meter.clone();
                let result = self.call(*count, |_, args| function::call(*function, args, &mut meter));
                self.meter = meter;
                result.map_err(|why| self.blame(why))?
            }
            Ins::Matches(pattern) => match self.pop() {
                Value::Text(text) => {
                    let mut meter = self.meter.clone();
                    let result = function::matches(&text, &pattern.0, &mut meter);
                    self.meter = meter;
                    result.map_err(|why| self.blame(why))?
                }
                other => return Err(self.blame(Why::Not { wanted: "a string", found: other.kind() })),
            },
            Ins::Cast { sort, soft } => {
                let value = self.pop();
                match conform::conform(&value, sort, self.env, &mut self.meter) {
                    Ok(value) => value,
                    Err(_) if *soft => value,
                    Err(misfit) => return Err(self.blame(Why::Misfit(misfit))),
                }
            }
            Ins::Is(sort) => {
                let value = self.pop();
                Value::Bool(conform::conform(&value, sort, self.env, &mut self.meter).is_ok())
            }
            Ins::Extern(id, count) => {
                let answer = self.call(*count, |machine, args| machine.env.external(*id, args));
                Value::Bool(answer.ok_or_else(|| self.blame(Why::NoAnswer))?)
            }
            Ins::Lives(family, count) => {
                Value::Bool(self.call(*count, |machine, keys| machine.env.lives(*family, keys)))
            }
            Ins::Instance(family, count, variable, name) => {
                let env = self.env;
                let value = self.call(*count, |_, keys| env.instance(*family, keys, *variable));
                value.ok_or_else(|| self.blame(Why::NoInstance(name.clone())))?.clone()
            }
            Ins::Store(register) => {
                let value = self.pop();
                if let Some(known) = self.registers.get_mut(*register as usize) {
                    *known = value;
                }
                return self.on();
            }
            Ins::Each { turn, fault } => {
                self.forget(*fault);
                let over = self.pop();
                let elements = function::elements(&over).map_err(|why| self.blame(why))?;
                self.meter.pay(elements.len()).map_err(|why| self.blame(why))?;
                if let Some(known) = self.turns.get_mut(*turn as usize) {
                    *known = Some(Turn { rest: elements.into_iter(), over, kept: Vec::new() });
                }
                return self.on();
            }
            Ins::Next { turn, register, done, cost } => {
                let next = self.turns.get_mut(*turn as usize).and_then(|turn| turn.as_mut()?.rest.next());
                match (next, self.registers.get_mut(*register as usize)) {
                    (Some(value), Some(known)) => {
                        *known = value;
                        self.meter.pay(*cost as usize).map_err(|why| self.blame(why))?;
                        return self.on();
                    }
                    _ => {
                        self.at = *done as usize;
                        return Ok(None);
                    }
                }
            }
            Ins::Take { kind, turn, register, fault, next, end } => {
                let value = self.pop();
                let decided = match kind {
                    Macro::Map => {
                        if let Some(Some(turn)) = self.turns.get_mut(*turn as usize) {
                            turn.kept.push(value);
                        }
                        false
                    }
                    Macro::Filter => {
                        if self.truth(&value)?
                            && let (Some(Some(turn)), Some(element)) =
                                (self.turns.get_mut(*turn as usize), self.registers.get(*register as usize))
                        {
                            turn.kept.push(element.clone());
                        }
                        false
                    }
                    Macro::All => !self.truth(&value)?,
                    Macro::Exists => self.truth(&value)?,
                };
                if decided {
                    self.forget(*fault);
                    self.stack.push(Value::Bool(*kind == Macro::Exists));
                    self.at = *end as usize;
                } else {
                    self.at = *next as usize;
                }
                return Ok(None);
            }
            Ins::Done { kind, turn, fault } => {
                if let Some(fault) = self.forget(*fault) {
                    return Err(fault);
                }
                match (kind, self.turns.get_mut(*turn as usize).and_then(Option::take)) {
                    (Macro::All, _) => Value::Bool(true),
                    (Macro::Exists, _) => Value::Bool(false),
                    (_, Some(turn)) => collect(*kind, &turn.over, turn.kept).map_err(|why| self.blame(why))?,
                    (_, None) => return Err(self.blame(Why::Empty)),
                }
            }
            Ins::Binary(..)
            | Ins::Test { .. }
            | Ins::Decide { .. }
            | Ins::Close { .. }
            | Ins::Push(_)
            | Ins::Now
            | Ins::Jump(_)
            | Ins::Branch(_)
            | Ins::Path(..) => return Err(self.blame(Why::Empty)),
        }))
    }

    /// To the next instruction, with nothing to put on the stack.
    #[expect(clippy::unnecessary_wraps, reason = "it ends arms that give a value or not, or a fault")]
    fn on(&mut self) -> Result<Option<Value>, Fault> {
        self.at = self.at.saturating_add(1);
        Ok(None)
    }
}

/// An operator between small integers, if the result is one.
#[inline(always)]
fn ints(operator: Operator, x: i64, y: i64) -> Option<Value> {
    Some(match operator {
        Operator::Eq => Value::Bool(x == y),
        Operator::Ne => Value::Bool(x != y),
        Operator::Lt => Value::Bool(x < y),
        Operator::Le => Value::Bool(x <= y),
        Operator::Gt => Value::Bool(x > y),
        Operator::Ge => Value::Bool(x >= y),
        Operator::Add => Value::Int(x.checked_add(y)?),
        Operator::Sub => Value::Int(x.checked_sub(y)?),
        Operator::Mul => Value::Int(x.checked_mul(y)?),
        Operator::In | Operator::Div | Operator::Quotient | Operator::Rem => return None,
    })
}

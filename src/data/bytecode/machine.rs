//! What runs a program in an environment.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    super::{
        Env, Fault, Macro, Operator, Value,
        collection::{Fields, List, Map, Oversize, Record, Set},
        conform,
        fault::Why,
        function,
        meter::Meter,
        operator,
        walk::collect,
    },
    Arg, Ins, Program,
};

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
pub(in crate::data) fn run<E: Env>(program: &Program, env: &E) -> Result<Value, Fault> {
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
        let result = operator::binary(operator, x, y, &mut meter).map_err(|why| self.blame(why));
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
            other => operator::truth(other).map_err(|why| self.blame(why)),
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
                        value = operator::member(value, name).map_err(|why| Fault::new(why, *spot))?;
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
                operator::invert(&value).map_err(|why| self.blame(why))?
            }
            Ins::Negate => {
                let value = self.pop();
                operator::negate(&value).map_err(|why| self.blame(why))?
            }
            Ins::Has { of, names, option } => {
                let root = self.take(*of);
                let mut value = match of {
                    Arg::Slot(at) => self.program.slots.get(*at as usize).and_then(|(slot, ..)| self.env.slot(*slot)),
                    other => Some(self.look(*other, &root)?),
                };
                for name in names {
                    value = value.and_then(|value| operator::find(value, name));
                }
                Value::Bool(value.is_some_and(|value| !(*option && matches!(value, Value::Unit))))
            }
            Ins::HasInstance { family, keys, variable, names, option } => self.call(*keys, |machine, keys| {
                let mut value = machine.env.instance(*family, keys, *variable);
                for name in names {
                    value = value.and_then(|value| operator::find(value, name));
                }
                Value::Bool(value.is_some_and(|value| !(*option && matches!(value, Value::Unit))))
            }),
            Ins::Index(of, at) => {
                let right = self.take(*at);
                let left = self.take(*of);
                let (of, at) = (self.look(*of, &left)?, self.look(*at, &right)?);
                operator::index(of, at).map_err(|why| self.blame(why))?.clone()
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
                let fields: Fields = names.iter().cloned().zip(self.stack.drain(first..)).collect();
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
                let elements = operator::elements(&over).map_err(|why| self.blame(why))?;
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

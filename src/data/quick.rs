//! The quick way through the common case: comparisons, arithmetic on small integers, members and connectives, by
//! reference, without a copy and without a stack.
//!
//! What it gives is what the [`Program`] gives. Where it cannot go on (a fault, a number beyond 64 bits, a part that is
//! not made for it) it gives up, and the program does all of it, faults and their absorption included. A part of sort
//! `bool` that is not made for it is a program of its own.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Env, List, Node, Op, Operator, Pattern, Slot, Value,
    bytecode::{self, Program},
    function::{self, Function},
    meter::Meter,
    operator,
};

/// A value that is not owned.
#[derive(Clone, Copy)]
enum Lite<'e> {
    Int(i64),
    Bool(bool),
    Time(i64),
    Of(&'e Value),
}

#[derive(Clone, Debug)]
pub(super) enum Quick {
    Int(i64),
    Const(Value),
    Slot(Slot),
    Now,
    Path(Box<Quick>, Box<[Arc<str>]>),
    Has(Box<Quick>, Box<[Arc<str>]>, bool),
    Compare(Operator, Box<(Quick, Quick)>),
    /// `==` or `!=` with a text.
    Is(Operator, Box<Quick>, Arc<str>),
    /// `in` a list of texts; the same as a value.
    OneOf(Box<Quick>, Box<[Arc<str>]>, Value),
    Compute(Operator, Box<(Quick, Quick)>),
    Not(Box<Quick>),
    All(Box<[Quick]>),
    Any(Box<[Quick]>),
    If(Box<(Quick, Quick, Quick)>),
    Index(Box<(Quick, Quick)>),
    Size(Box<Quick>),
    Matches(Box<Quick>, Pattern),
    Call(Function, Box<[Quick]>),
    List(Box<[Quick]>),
    Sub(Box<Program>),
}

impl Quick {
    /// Of a tree; none if most of the work is not for it.
    pub(super) fn new(node: &Node) -> Option<Self> {
        let pair = |a: &Node, b: &Node| Some(Box::new((Self::new(a)?, Self::new(b)?)));
        Some(match &node.op {
            Op::Const(Value::Int(int)) => Self::Int(*int),
            Op::Const(value) => Self::Const(value.clone()),
            Op::Slot(slot, _) => Self::Slot(*slot),
            Op::Now => Self::Now,
            Op::Member(..) => {
                let (root, names) = path(node);
                Self::Path(Box::new(Self::new(root)?), names)
            }
            Op::Has(of) => {
                let (root, names) = path(of);
                match root.op {
                    Op::Slot(..) => Self::Has(Box::new(Self::new(root)?), names, of.sort.is_option()),
                    _ => return None,
                }
            }
            Op::Binary(operator @ (Operator::Add | Operator::Sub | Operator::Mul), a, b) => {
                Self::Compute(*operator, pair(a, b)?)
            }
            Op::Binary(operator, a, b) if *operator <= Operator::In => {
                Self::compare(*operator, Self::new(a)?, Self::new(b)?)
            }
            Op::Not(of) => Self::Not(Box::new(Self::part(of))),
            Op::All(of) => Self::All(of.iter().map(Self::part).collect()),
            Op::Any(of) => Self::Any(of.iter().map(Self::part).collect()),
            Op::Conditional(c, a, b) => Self::If(Box::new((Self::part(c), Self::part(a), Self::part(b)))),
            Op::Index(of, at) => Self::Index(pair(of, at)?),
            Op::Call(Function::Size, of) => match &**of {
                [of] => Self::Size(Box::new(Self::new(of)?)),
                _ => return None,
            },
            Op::Call(function @ (Function::Tail | Function::Add | Function::Remove | Function::Put), of) => {
                Self::Call(*function, of.iter().map(Self::part).collect())
            }
            Op::Matches(of, pattern) => Self::Matches(Box::new(Self::new(of)?), pattern.clone()),
            Op::List(of) => {
                let constant = |node: &Node| match &node.op {
                    Op::Const(value) => Some(value.clone()),
                    _ => None,
                };
                let values: Vec<Value> = of.iter().map(constant).collect::<Option<_>>()?;
                Self::Const(Value::List(Arc::new(List::of(values).ok()?)))
            }
            _ => return None,
        })
    }

    /// A comparison; with texts that are known, most often, and then without a look at what they are.
    fn compare(operator: Operator, a: Self, b: Self) -> Self {
        let texts = |list: &List| -> Option<Box<[Arc<str>]>> {
            let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
            list.iter().map(text).collect()
        };
        match (operator, b) {
            (Operator::Eq | Operator::Ne, Self::Const(Value::Text(text))) => Self::Is(operator, Box::new(a), text),
            (Operator::In, Self::Const(Value::List(list))) if list.len() <= 64 => match texts(&list) {
                Some(texts) => Self::OneOf(Box::new(a), texts, Value::List(list)),
                None => Self::Compare(operator, Box::new((a, Self::Const(Value::List(list))))),
            },
            (operator, b) => Self::Compare(operator, Box::new((a, b))),
        }
    }

    pub(super) fn part(node: &Node) -> Self {
        match (Self::new(node), &node.op) {
            (Some(quick), _) => quick,
            (None, Op::List(of)) => Self::List(of.iter().map(Self::part).collect()),
            (None, _) => Self::Sub(Box::new(Program::new(node))),
        }
    }

    /// The value, if it is had this way.
    #[inline]
    pub(super) fn eval<E: Env>(&self, env: &E) -> Option<Value> {
        match self {
            Self::Compute(operator, pair) => match (pair.0.get(env)?, pair.1.get(env)?) {
                (Lite::Of(a), Lite::Of(b)) => operator::binary(*operator, a, b, &mut Meter::full()).ok(),
                _ => self.deep(env).map(own),
            },
            Self::If(parts) => {
                let (condition, then, other) = &**parts;
                if condition.truth(env)? { then.eval(env) } else { other.eval(env) }
            }
            Self::Call(function, of) => {
                let mut args: SmallVec<[Value; 3]> = SmallVec::new();
                for part in of {
                    args.push(part.eval(env)?);
                }
                function::call(*function, &args, &mut Meter::full()).ok()
            }
            Self::List(of) => {
                let mut list = List::default();
                for part in of {
                    list.push(part.eval(env)?).ok()?;
                }
                Some(Value::List(Arc::new(list)))
            }
            Self::Sub(program) => bytecode::run(program, env).ok(),
            other => other.get(env).map(own),
        }
    }

    /// Whether it holds, if that is had this way.
    #[inline]
    pub(super) fn holds<E: Env>(&self, env: &E) -> Option<bool> {
        match self.get(env)? {
            Lite::Bool(value) => Some(value),
            Lite::Of(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Leaves are looked at in place, the rest is a call.
    #[inline(always)]
    fn get<'e, E: Env>(&'e self, env: &'e E) -> Option<Lite<'e>> {
        match self {
            Self::Int(int) => Some(Lite::Int(*int)),
            Self::Slot(slot) => Some(match env.slot(*slot)? {
                Value::Int(int) => Lite::Int(*int),
                value => Lite::Of(value),
            }),
            other => other.deep(env),
        }
    }

    pub(super) fn truth<E: Env>(&self, env: &E) -> Option<bool> {
        match self {
            Self::Compare(operator, pair) => compare(*operator, pair.0.get(env)?, pair.1.get(env)?),
            Self::Is(operator, of, text) => match of.get(env)? {
                Lite::Of(Value::Text(found)) => Some((**found == **text) == (*operator == Operator::Eq)),
                found => compare_deep(*operator, found, Lite::Of(&Value::Text(text.clone()))),
            },
            Self::OneOf(of, texts, list) => match of.get(env)? {
                Lite::Of(Value::Text(found)) if found.len() <= 1_024 => {
                    Some(texts.iter().any(|text| **text == **found))
                }
                found => compare_deep(Operator::In, found, Lite::Of(list)),
            },
            Self::Slot(slot) => match env.slot(*slot)? {
                Value::Bool(value) => Some(*value),
                _ => None,
            },
            Self::Not(of) => Some(!of.truth(env)?),
            Self::All(of) => {
                for part in of {
                    if !part.truth(env)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Any(of) => {
                for part in of {
                    if part.truth(env)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            other => other.holds(env),
        }
    }

    fn deep<'e, E: Env>(&'e self, env: &'e E) -> Option<Lite<'e>> {
        Some(match self {
            Self::Int(int) => Lite::Int(*int),
            Self::Const(value) => Lite::Of(value),
            Self::Slot(slot) => Lite::Of(env.slot(*slot)?),
            Self::Now => Lite::Time(env.now()?),
            Self::Path(root, names) => {
                let Lite::Of(mut value) = root.get(env)? else { return None };
                for name in names {
                    value = operator::member(value, name).ok()?;
                }
                match value {
                    Value::Int(int) => Lite::Int(*int),
                    value => Lite::Of(value),
                }
            }
            Self::Has(root, names, option) => {
                let Self::Slot(slot) = &**root else { return None };
                let mut value = env.slot(*slot);
                for name in names {
                    value = value.and_then(|value| operator::find(value, name));
                }
                Lite::Bool(value.is_some_and(|value| !(*option && matches!(value, Value::Unit))))
            }
            Self::Compare(operator, pair) => Lite::Bool(compare(*operator, pair.0.get(env)?, pair.1.get(env)?)?),
            Self::Compute(operator, pair) => match (pair.0.get(env)?, pair.1.get(env)?) {
                (Lite::Int(x), Lite::Int(y)) => Lite::Int(match operator {
                    Operator::Add => x.checked_add(y)?,
                    Operator::Sub => x.checked_sub(y)?,
                    _ => x.checked_mul(y)?,
                }),
                (Lite::Time(x), Lite::Of(Value::Duration(y))) if *operator == Operator::Add => {
                    Lite::Time(x.checked_add(*y)?)
                }
                (Lite::Of(Value::Timestamp(x)), Lite::Of(Value::Duration(y))) if *operator == Operator::Add => {
                    Lite::Time(x.checked_add(*y)?)
                }
                _ => return None,
            },
            Self::Is(..) | Self::OneOf(..) | Self::Not(_) | Self::All(_) | Self::Any(_) => Lite::Bool(self.truth(env)?),
            Self::If(parts) => {
                let (condition, then, other) = &**parts;
                return if condition.truth(env)? { then.get(env) } else { other.get(env) };
            }
            Self::Index(pair) => {
                let (Lite::Of(of), at) = (pair.0.get(env)?, pair.1.get(env)?) else { return None };
                let found = match (of, at) {
                    (Value::List(list), Lite::Int(at)) => list.get(usize::try_from(at).ok()?)?,
                    (Value::Map(map), Lite::Of(at)) if at.extent().weight <= 64 => map.get(at)?,
                    _ => return None,
                };
                match found {
                    Value::Int(int) => Lite::Int(*int),
                    value => Lite::Of(value),
                }
            }
            Self::Size(of) => match of.get(env)? {
                Lite::Of(Value::List(list)) => Lite::Int(i64::try_from(list.len()).ok()?),
                Lite::Of(Value::Set(set)) => Lite::Int(i64::try_from(set.len()).ok()?),
                Lite::Of(Value::Map(map)) => Lite::Int(i64::try_from(map.len()).ok()?),
                _ => return None,
            },
            Self::Matches(of, pattern) => match of.get(env)? {
                Lite::Of(Value::Text(text)) => match function::matches(text, &pattern.0, &mut Meter::full()).ok()? {
                    Value::Bool(value) => Lite::Bool(value),
                    _ => return None,
                },
                _ => return None,
            },
            Self::Call(..) | Self::List(_) => return None,
            Self::Sub(program) => match bytecode::run(program, env).ok()? {
                Value::Bool(value) => Lite::Bool(value),
                _ => return None,
            },
        })
    }
}

/// The members of members that a node names, and of what.
fn path(node: &Node) -> (&Node, Box<[Arc<str>]>) {
    let mut names = Vec::new();
    let mut root = node;
    while let Op::Member(inner, name) = &root.op {
        names.push(name.clone());
        root = inner;
    }
    names.reverse();
    (root, names.into())
}

#[inline(always)]
fn compare(operator: Operator, a: Lite<'_>, b: Lite<'_>) -> Option<bool> {
    use Operator as O;
    match (a, b) {
        (Lite::Int(x), Lite::Int(y)) => Some(match operator {
            O::Eq => x == y,
            O::Ne => x != y,
            O::Lt => x < y,
            O::Le => x <= y,
            O::Gt => x > y,
            O::Ge => x >= y,
            _ => return None,
        }),
        (a, b) => compare_deep(operator, a, b),
    }
}

fn compare_deep(operator: Operator, a: Lite<'_>, b: Lite<'_>) -> Option<bool> {
    use Operator as O;
    if let (Lite::Of(Value::Text(x)), Lite::Of(Value::Text(y)), O::Eq | O::Ne) = (a, b, operator) {
        return Some((x == y) == (operator == O::Eq));
    }
    let (held_a, held_b);
    let a = match a {
        Lite::Of(value) => value,
        other => {
            held_a = own(other);
            &held_a
        }
    };
    let b = match b {
        Lite::Of(value) => value,
        other => {
            held_b = own(other);
            &held_b
        }
    };
    // Small work only: what is counted is the program's.
    if a.extent().weight.min(b.extent().weight) > 64 && operator != O::In {
        return None;
    }
    match (operator, b) {
        (O::In, Value::Set(set)) if a.extent().weight <= 64 => Some(set.contains(a)),
        (O::In, Value::Map(map)) if a.extent().weight <= 64 => Some(map.get(a).is_some()),
        (O::In, Value::List(list)) if list.len() <= 64 && a.extent().weight <= 64 => Some(list.iter().any(|b| a == b)),
        (O::In, _) => None,
        _ => match operator::binary(operator, a, b, &mut Meter::full()) {
            Ok(Value::Bool(value)) => Some(value),
            _ => None,
        },
    }
}

fn own(value: Lite<'_>) -> Value {
    match value {
        Lite::Int(int) => Value::Int(int),
        Lite::Bool(value) => Value::Bool(value),
        Lite::Time(micros) => Value::Timestamp(micros),
        Lite::Of(value) => value.clone(),
    }
}

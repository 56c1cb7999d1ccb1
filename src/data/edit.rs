//! Changes in place: what `set x = put(x, k, v)` and its like do to what `x` holds.
//!
//! Comes in: an expression that is a chain of `put`, `add`, `remove`, `tail` and `+` on a slot, or a choice between such
//! chains and the slot itself. Goes out: an [`Edit`]; planned in an environment, a [`Change`] with its operands. Who holds
//! the only copy of a collection then changes it where it is; one that is shared is copied first.
//!
//! INVARIANT (same): a change that was planned cannot fail, and leaves what [`Code::eval`] gives. Where that is not known
//! beforehand (a fault, a collection near its limits) there is no plan, and the expression is evaluated as any other.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Code, Env, Function, List, MAX_DEPTH, MAX_WEIGHT, Node, Op, Operator, Slot, Value, collection::Extent, quick::Quick,
};

/// The greatest weight of what is looked for in a collection.
const SMALL: u32 = 64;

/// An assignment that changes what its own variable holds.
#[derive(Clone, Debug)]
pub struct Edit(Shape);

#[derive(Clone, Debug)]
enum Shape {
    Steps(Box<[Step]>),
    If(Box<(Quick, Shape, Shape)>),
}

#[derive(Clone, Debug)]
enum Step {
    Put(Quick, Quick),
    Add(Quick),
    Remove(Quick),
    Tail,
    Append(Quick),
}

/// What is to be done to a collection.
#[derive(Clone, Debug)]
pub struct Change(SmallVec<[Done; 2]>);

#[derive(Clone, Debug)]
enum Done {
    Put(Value, Value),
    Add(Value),
    Remove(Value),
    Tail,
    Append(Arc<List>),
}

impl Edit {
    /// Of an expression that is assigned to a slot, if it is one.
    #[must_use]
    pub fn of(code: &Code, slot: Slot) -> Option<Self> {
        match shape(code.tree(), slot)? {
            Shape::Steps(steps) if steps.is_empty() => None,
            shape => Some(Self(shape)),
        }
    }

    /// What it does to what the slot holds.
    pub fn plan<E: Env>(&self, env: &E, held: &Value) -> Option<Change> {
        let mut shape = &self.0;
        let steps = loop {
            match shape {
                Shape::Steps(steps) => break steps,
                Shape::If(parts) => shape = if parts.0.holds(env)? { &parts.1 } else { &parts.2 },
            }
        };
        let Extent { mut weight, mut depth } = held.extent();
        let mut left = match held {
            Value::List(list) => list.len(),
            _ => 0,
        };
        let mut grow = |inner: Extent| {
            weight = weight.saturating_add(inner.weight);
            depth = depth.max(inner.depth.saturating_add(1));
            (weight <= MAX_WEIGHT && depth <= MAX_DEPTH).then_some(())
        };
        let small = |value: Value| (value.extent().weight <= SMALL).then_some(value);
        let mut change = SmallVec::new();
        for step in steps {
            change.push(match (step, held) {
                (Step::Put(key, value), Value::Map(_)) => {
                    let (key, value) = (small(key.eval(env)?)?, value.eval(env)?);
                    grow(key.extent())?;
                    grow(value.extent())?;
                    Done::Put(key, value)
                }
                (Step::Add(value), Value::Set(_)) => {
                    let value = small(value.eval(env)?)?;
                    grow(value.extent())?;
                    Done::Add(value)
                }
                (Step::Remove(key), Value::Map(_) | Value::Set(_)) => Done::Remove(small(key.eval(env)?)?),
                (Step::Tail, Value::List(_)) => {
                    left = left.checked_sub(1)?;
                    Done::Tail
                }
                (Step::Append(more), Value::List(_)) => {
                    let Value::List(more) = more.eval(env)? else { return None };
                    if more.len() > SMALL as usize {
                        return None;
                    }
                    left = left.saturating_add(more.len());
                    grow(more.extent())?;
                    Done::Append(more)
                }
                _ => return None,
            });
        }
        Some(Change(change))
    }
}

impl Change {
    /// Changes what a place holds.
    pub fn apply(&self, place: &mut Option<Value>) {
        self.clone().apply_last(place);
    }

    /// The same for the last time: what it puts there is no longer its own.
    pub fn apply_last(&mut self, place: &mut Option<Value>) {
        let give = |value: &mut Value| std::mem::replace(value, Value::Unit);
        for done in &mut self.0 {
            // By INVARIANT (same) nothing here is too large, and the collection is of the kind that was planned for.
            match (done, place.as_mut()) {
                (Done::Put(key, value), Some(Value::Map(map))) => {
                    let _ = Arc::make_mut(map).put(give(key), give(value));
                }
                (Done::Remove(key), Some(Value::Map(map))) => Arc::make_mut(map).remove(key),
                (Done::Add(value), Some(Value::Set(set))) => {
                    let _ = Arc::make_mut(set).add(give(value));
                }
                (Done::Remove(value), Some(Value::Set(set))) => Arc::make_mut(set).remove(value),
                (Done::Tail, Some(Value::List(list))) => {
                    Arc::make_mut(list).pop();
                }
                (Done::Append(more), Some(Value::List(list))) => {
                    let _ = Arc::make_mut(list).append(more);
                }
                _ => {}
            }
        }
    }
}

fn shape(node: &Node, slot: Slot) -> Option<Shape> {
    if let Op::Conditional(condition, then, other) = &node.op {
        return Some(Shape::If(Box::new((Quick::part(condition), shape(then, slot)?, shape(other, slot)?))));
    }
    let mut steps = Vec::new();
    let mut at = node;
    loop {
        at = match &at.op {
            Op::Slot(own, _) if *own == slot => break,
            Op::Call(function, of) => {
                let (below, step) = match (function, &**of) {
                    (Function::Put, [below, key, value]) => (below, Step::Put(Quick::part(key), Quick::part(value))),
                    (Function::Add, [below, value]) => (below, Step::Add(Quick::part(value))),
                    (Function::Remove, [below, key]) => (below, Step::Remove(Quick::part(key))),
                    (Function::Tail, [below]) => (below, Step::Tail),
                    _ => return None,
                };
                steps.push(step);
                below
            }
            Op::Binary(Operator::Add, below, more) => {
                steps.push(Step::Append(Quick::part(more)));
                below
            }
            _ => return None,
        };
    }
    steps.reverse();
    Some(Shape::Steps(steps.into()))
}

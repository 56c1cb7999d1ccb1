//! Evaluation by walking the tree: one arm per construct, as the language page says it; slow, and the judge of the bytecode.

use std::sync::Arc;

use super::{
    Env, Fault, Node, Op, Slot, Value,
    collection::{List, Map, Record, Set},
    conform,
    fault::Why,
    function,
    meter::Meter,
    operator,
    tree::{Macro, Spot},
};

/// The environment of a sort's condition: `this`, and the time and the host of the environment around.
pub(super) struct OfThis<'a> {
    pub(super) this: &'a Value,
    pub(super) around: &'a dyn Env,
}

impl Env for OfThis<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        (slot == Slot::THIS).then_some(self.this)
    }

    fn now(&self) -> Option<i64> {
        self.around.now()
    }

    fn external(&self, id: super::ExternId, args: &[Value]) -> Option<bool> {
        self.around.external(id, args)
    }
}

pub(super) fn eval(tree: &Node, env: &dyn Env) -> Result<Value, Fault> {
    eval_in(tree, env, &mut Meter::full())
}

pub(super) fn eval_in(tree: &Node, env: &dyn Env, meter: &mut Meter) -> Result<Value, Fault> {
    Walk { env, meter }.node(tree, &mut Vec::new())
}

struct Walk<'a> {
    env: &'a dyn Env,
    meter: &'a mut Meter,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, locals: &mut Vec<Value>) -> Result<Value, Fault> {
        let spot = node.spot;
        let fault = |why: Why| Fault::new(why, spot);
        self.meter.pay(1).map_err(fault)?;
        match &node.op {
            Op::Const(value) => Ok(value.clone()),
            Op::Slot(slot, name) => match self.env.slot(*slot) {
                Some(value) => Ok(value.clone()),
                None => Err(fault(Why::Unset(name.clone()))),
            },
            Op::Local(level) => {
                let value = locals.get(*level as usize);
                Ok(value.expect("the checker gives every local a level below").clone())
            }
            Op::Now => self.env.now().map(Value::Timestamp).ok_or_else(|| fault(Why::NoTime)),
            Op::Has(of) => {
                let found = self.presence(of, locals)?;
                Ok(Value::Bool(found.is_some_and(|value| !(of.sort.is_option() && matches!(value, Value::Unit)))))
            }
            Op::Member(of, name) => {
                let of = self.node(of, locals)?;
                operator::member(&of, name).cloned().map_err(fault)
            }
            Op::Index(of, at) => {
                let (of, at) = (self.node(of, locals)?, self.node(at, locals)?);
                operator::index(&of, &at).cloned().map_err(fault)
            }
            Op::Not(of) => {
                let of = self.node(of, locals)?;
                operator::invert(&of).map_err(fault)
            }
            Op::Negate(of) => {
                let of = self.node(of, locals)?;
                operator::negate(&of).map_err(fault)
            }
            Op::All(of) => self.connective(of, false, locals),
            Op::Any(of) => self.connective(of, true, locals),
            Op::Binary(operator, a, b) => {
                let (a, b) = (self.node(a, locals)?, self.node(b, locals)?);
                operator::binary(*operator, &a, &b, self.meter).map_err(fault)
            }
            Op::Conditional(condition, then, other) => {
                let value = self.node(condition, locals)?;
                let holds = operator::truth(&value).map_err(|why| Fault::new(why, condition.spot))?;
                self.node(if holds { then } else { other }, locals)
            }
            Op::List(of) => {
                let values = self.nodes(of, locals)?;
                List::of(values).map(|list| Value::List(Arc::new(list))).map_err(|over| fault(over.into()))
            }
            Op::Set(of) => {
                let mut set = Set::default();
                for value in self.nodes(of, locals)? {
                    set.add(value).map_err(|over| fault(over.into()))?;
                }
                Ok(Value::Set(Arc::new(set)))
            }
            Op::Map(entries) => {
                let mut map = Map::default();
                for (key, value) in entries {
                    let (key, value) = (self.node(key, locals)?, self.node(value, locals)?);
                    if !map.put(key, value).map_err(|over| fault(over.into()))? {
                        return Err(fault(Why::KeyTwice));
                    }
                }
                Ok(Value::Map(Arc::new(map)))
            }
            Op::Record(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    values.push((name.clone(), self.node(value, locals)?));
                }
                Record::of(values)
                    .map(|record| Value::Record(Arc::new(record)))
                    .map_err(|_| fault(super::collection::Oversize.into()))
            }
            Op::Call(function, args) => {
                let args = self.nodes(args, locals)?;
                function::call(*function, &args, self.meter).map_err(fault)
            }
            Op::Matches(text, pattern) => match self.node(text, locals)? {
                Value::Text(text) => function::matches(&text, &pattern.0, self.meter).map_err(fault),
                other => Err(fault(Why::Not { wanted: "a string", found: other.kind() })),
            },
            Op::Macro(kind, over, body) => {
                let over = self.node(over, locals)?;
                self.each(*kind, &over, body, spot, locals)
            }
            Op::Apply(def, args) => {
                let mut args = self.nodes(args, locals)?;
                self.node(def.body(), &mut args)
            }
            Op::Extern(id, args) => {
                let args = self.nodes(args, locals)?;
                self.env.external(*id, &args).map(Value::Bool).ok_or_else(|| fault(Why::NoAnswer))
            }
            Op::Cast { of, sort, soft } => {
                let value = self.node(of, locals)?;
                match conform::conform(&value, sort, self.env, self.meter) {
                    Ok(value) => Ok(value),
                    Err(_) if *soft => Ok(value),
                    Err(misfit) => Err(fault(Why::Misfit(misfit))),
                }
            }
            Op::Is(of, sort) => {
                let value = self.node(of, locals)?;
                Ok(Value::Bool(conform::conform(&value, sort, self.env, self.meter).is_ok()))
            }
            Op::Lives(family, keys) => {
                let keys = self.nodes(keys, locals)?;
                Ok(Value::Bool(self.env.lives(*family, &keys)))
            }
            Op::Instance(family, keys, variable, name) => {
                let keys = self.nodes(keys, locals)?;
                let value = self.env.instance(*family, &keys, *variable);
                value.cloned().ok_or_else(|| fault(Why::NoInstance(name.clone())))
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node], locals: &mut Vec<Value>) -> Result<Vec<Value>, Fault> {
        nodes.iter().map(|node| self.node(node, locals)).collect()
    }

    /// What is there, if it is.
    fn presence(&mut self, node: &Node, locals: &mut Vec<Value>) -> Result<Option<Value>, Fault> {
        self.meter.pay(1).map_err(|why| Fault::new(why, node.spot))?;
        match &node.op {
            Op::Slot(slot, _) => Ok(self.env.slot(*slot).cloned()),
            Op::Member(of, name) => Ok(self.presence(of, locals)?.and_then(|of| operator::find(&of, name).cloned())),
            Op::Instance(family, keys, variable, _) => {
                let keys = self.nodes(keys, locals)?;
                Ok(self.env.instance(*family, &keys, *variable).cloned())
            }
            _ => self.node(node, locals).map(Some),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true).
    fn connective(&mut self, of: &[Node], decides: bool, locals: &mut Vec<Value>) -> Result<Value, Fault> {
        let mut first = None;
        for node in of {
            let value = self.node(node, locals);
            match value.and_then(|value| operator::truth(&value).map_err(|why| Fault::new(why, node.spot))) {
                Ok(value) if value == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(fault) => {
                    first.get_or_insert(fault);
                }
            }
        }
        first.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn each(
        &mut self,
        kind: Macro,
        over: &Value,
        body: &Node,
        spot: Spot,
        locals: &mut Vec<Value>,
    ) -> Result<Value, Fault> {
        let fault = |why: Why| Fault::new(why, spot);
        let elements = operator::elements(over).map_err(fault)?;
        self.meter.pay(elements.len()).map_err(fault)?;
        let mut first = None;
        let mut kept = Vec::new();
        for element in elements {
            locals.push(element.clone());
            let value = self.node(body, locals);
            locals.pop();
            if kind == Macro::Map {
                kept.push(value?);
                continue;
            }
            let truth = value.and_then(|value| operator::truth(&value).map_err(|why| Fault::new(why, body.spot)));
            match (kind, truth) {
                (Macro::All, Ok(false)) => return Ok(Value::Bool(false)),
                (Macro::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (Macro::Filter, Ok(true)) => kept.push(element),
                (Macro::Filter, Err(fault)) => return Err(fault),
                (_, Err(fault)) => {
                    first.get_or_insert(fault);
                }
                _ => {}
            }
        }
        if let Some(fault) = first {
            return Err(fault);
        }
        match kind {
            Macro::All => Ok(Value::Bool(true)),
            Macro::Exists => Ok(Value::Bool(false)),
            Macro::Filter | Macro::Map => collect(kind, over, kept).map_err(fault),
        }
    }
}

/// What a macro kept: a set of a set that was filtered, a list otherwise.
pub(super) fn collect(kind: Macro, over: &Value, kept: Vec<Value>) -> Result<Value, Why> {
    if kind == Macro::Filter && matches!(over, Value::Set(_)) {
        let mut set = Set::default();
        for value in kept {
            set.add(value)?;
        }
        return Ok(Value::Set(Arc::new(set)));
    }
    Ok(Value::List(Arc::new(List::of(kept)?)))
}

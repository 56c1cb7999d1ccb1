//! Indices that may be out of range.
//!
//! In: a step. Out: notes, with values: for `xs[i]` that `i` may be below 0 or not below the size of `xs`, for `m[k]` of a map that
//! is written out that `k` may be none of its keys. What makes the index harmless is known: beside `xs[i] > 0` in one
//! conjunction all other conditions of the step are true, in a disjunction the alternatives are false. Only what is
//! decided is told; what stands in the body of a macro or of a `def` is not looked at.

use rustc_hash::FxHashSet;

use super::{World, shown};
use crate::{
    data::{Function, Node, Op, Operator, Sort, Value},
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    id::FrameId,
    machine::Arm,
    protocol::Rule,
    solve::Answer,
};

/// An index, and what is true and false when it matters.
struct Found<'n> {
    index: &'n Node,
    path: Vec<(&'n Node, bool)>,
}

/// The indices of a step.
pub(super) fn indices(
    world: &World<'_>,
    frame: FrameId,
    arm: &Arm,
    told: &mut FxHashSet<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(rule) = world.rule(arm.message) else { return };
    let mut all = Vec::new();
    let demands: Vec<&Node> = rule.demands().map(crate::data::Code::tree).collect();
    for &demand in &demands {
        let mut path: Vec<(&Node, bool)> =
            demands.iter().filter(|other| !std::ptr::eq(**other, demand)).map(|other| (*other, true)).collect();
        walk(demand, &mut path, &mut all);
    }
    for set in &rule.sets {
        let mut path: Vec<(&Node, bool)> = demands.iter().map(|demand| (*demand, true)).collect();
        walk(set.value.tree(), &mut path, &mut all);
    }
    for one in all {
        if told.contains(&one.index.spot.0) {
            continue;
        }
        if let Some(diagnostic) = judge(world, frame, arm, rule, &one) {
            told.insert(one.index.spot.0);
            found.push(diagnostic);
        }
    }
}

fn walk<'n>(node: &'n Node, path: &mut Vec<(&'n Node, bool)>, found: &mut Vec<Found<'n>>) {
    let kept = path.len();
    match &node.op {
        Op::All(parts) | Op::Any(parts) => {
            let holds = matches!(node.op, Op::All(_));
            for (at, part) in parts.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != at);
                path.extend(others.map(|(_, other)| (other, holds)));
                walk(part, path, found);
                path.truncate(kept);
            }
        }
        Op::Conditional(test, yes, no) => {
            walk(test, path, found);
            for (part, holds) in [(yes, true), (no, false)] {
                path.push((test, holds));
                walk(part, path, found);
                path.truncate(kept);
            }
        }
        // Its body speaks of what has no name outside.
        Op::Macro(_, of, _) => walk(of, path, found),
        // Whether it is there is what is asked.
        Op::Has(_) => {}
        _ => {
            if matches!(node.op, Op::Index(..)) {
                found.push(Found { index: node, path: path.clone() });
            }
            node.children().into_iter().for_each(|child| walk(child, path, found));
        }
    }
}

/// A node like another that computes something else.
fn with(like: &Node, op: Op) -> Node {
    let mut node = like.clone();
    node.op = op;
    node
}

/// The condition under which an index is in range; none if nothing is known of it.
fn in_range(of: &Node, at: &Node) -> Option<Node> {
    let boolean = |op: Op| with(&Node::constant(Value::Bool(true), Sort::BOOL), op);
    match of.sort.plain() {
        Sort::List(_) => {
            let number = |value: usize| Some(with(at, Op::Const(Value::Int(i64::try_from(value).ok()?))));
            let size = match &of.op {
                Op::Const(Value::List(items)) => number(items.len())?,
                Op::List(items) => number(items.len())?,
                Op::Slot(..) => with(at, Op::Call(Function::Size, vec![of.clone()])),
                _ => return None,
            };
            let compare =
                |operator, left: Node, right: Node| boolean(Op::Binary(operator, Box::new(left), Box::new(right)));
            let low = compare(Operator::Ge, at.clone(), number(0)?);
            Some(boolean(Op::All(vec![low, compare(Operator::Lt, at.clone(), size)])))
        }
        Sort::Map(..) => {
            let keys: Vec<Node> = match &of.op {
                Op::Const(Value::Map(entries)) => {
                    entries.iter().map(|(key, _)| Node::constant(key.clone(), at.sort.clone())).collect()
                }
                Op::Map(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
                _ => return None,
            };
            let known = with(of, Op::List(keys));
            Some(boolean(Op::Binary(Operator::In, Box::new(at.clone()), Box::new(known))))
        }
        _ => None,
    }
}

fn judge(world: &World<'_>, frame: FrameId, arm: &Arm, rule: &Rule, one: &Found<'_>) -> Option<Diagnostic> {
    let Op::Index(of, at) = &one.index.op else { return None };
    let inside = in_range(of, at)?;
    let mut premises = super::Premises::new();
    for (node, holds) in &one.path {
        premises.sorts(world, arm.message, frame, node);
        let formula = premises.atoms.formula(node);
        premises.parts.push(if *holds { formula } else { formula.negated() });
    }
    // What the sorts say of what the index is made of.
    premises.sorts(world, arm.message, frame, &inside);
    let inside = premises.atoms.formula(&inside);
    let mut never = premises.clone();
    never.parts.push(inside.clone());
    premises.parts.push(inside.negated());
    let Answer::Yes(values) = premises.ask(world) else { return None };
    let is_map = matches!(of.sort.plain(), Sort::Map(..));
    let what = if is_map { "not among the keys" } else { "out of range" };
    let is = if never.ask(world) == Answer::No { "is always" } else { "may be" };
    let assigns = !rule.demands().any(|code| contains(code.tree(), one.index));
    let then = if assigns { "such an event is refused" } else { "the condition is then not true" };
    let mut diagnostic = Diagnostic::new(codes::OUT_OF_RANGE, one.index.spot.0, format!("this index {is} {what}"));
    let values = shown(&values);
    if !values.is_empty() {
        diagnostic = diagnostic.note(format!("for example with {values}"));
    }
    Some(diagnostic.help(format!("{then}; say in a condition, or in the sort of a variable, why it does not happen")))
}

fn contains(node: &Node, wanted: &Node) -> bool {
    let mut any = false;
    node.visit(&mut |node| any |= std::ptr::eq(node, wanted));
    any
}

//! The conditions, asked of every pair of states that look the same to a role.

use rustc_hash::FxHashSet;

use super::{
    super::{Condition, automaton::Transition},
    invariant::{Invariants, Pair, known},
    model::Model,
    query::{Can, Query},
    undecided,
};
use crate::{
    event::Limit,
    id::{NodeId, RoleId},
    solve::{Formula, Linear},
};

/// Ways on which a message may come too early, that are looked at.
const MAX_WAYS: usize = 64;
/// Steps of such a way.
const MAX_STEPS: usize = 12;

/// The fields of a step on each side.
pub(super) type Fields = (Vec<Linear>, Vec<Linear>);

/// A condition that was not proved of a pair.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) role: RoleId,
    pub(super) condition: Condition,
    pub(super) pair: Pair,
    /// What the role does in the first state.
    pub(super) one: Transition,
    /// What it does in the second.
    pub(super) other: Option<Transition>,
}

/// A way on which a message comes early.
pub(super) struct Way {
    /// What must hold for it, and for the message to be the one that is meant.
    pub(super) demands: Vec<Formula>,
    pub(super) steps: Vec<(NodeId, Vec<Linear>)>,
}

/// What could not be proved.
pub(super) fn check(
    model: &Model<'_>,
    alone: &Invariants<NodeId>,
    pairs: &Invariants<Pair>,
    role: RoleId,
) -> Result<Vec<Open>, Limit> {
    let mut open = Vec::new();
    let mut all: Vec<Pair> = pairs.known.keys().copied().collect();
    all.sort_unstable();
    for pair in all {
        let steps = (model.automaton.steps(pair.0), model.automaton.steps(pair.1));
        if !steps.0.iter().any(|step| step.involves(role)) {
            continue;
        }
        let large = || undecided("a number is too large");
        let (query, first, second) = known(model, alone, pairs, pair).ok_or_else(large)?;
        for one in steps.0.iter().filter(|step| step.involves(role)) {
            let mut note = |condition, other| open.push(Open { role, condition, pair, one: *one, other });
            if one.from == role {
                let (_, holds) = cannot(&query, model, role, pair, one, (&first, &second)).ok_or_else(large)?;
                if !holds.never(&[]) {
                    note(Condition::SendValidity, None);
                }
            }
            for other in steps.1.iter().filter(|step| step.to == role && step.from != role) {
                if one.from == role {
                    if !both(&query, model, one, other, (&first, &second)).ok_or_else(large)?.1.never(&[]) {
                        note(Condition::NoMixedChoice, Some(*other));
                    }
                } else if one.from != other.from {
                    let (ways, cut, query) =
                        early(&query, model, role, one, other, (&first, &second)).ok_or_else(large)?;
                    if cut || !ways.iter().all(|way| query.never(&way.demands)) {
                        note(Condition::ReceiveValidity, Some(*other));
                    }
                }
            }
        }
    }
    Ok(open)
}

/// The fields of a step of the role in the first state, and the question whether it can not do the same in the second;
/// none of the fields if the question is not exact.
pub(super) fn cannot(
    query: &Query,
    model: &Model<'_>,
    role: RoleId,
    pair: Pair,
    one: &Transition,
    (first, second): (&[Linear], &[Linear]),
) -> Option<(Option<Vec<Linear>>, Query)> {
    let mut query = query.clone();
    let fired = query.fire(model.rules.get(&one.node)?, first, None)?;
    query.add(fired.guard);
    let mut can = Can { model, role: Some(role), exact: true, on_way: FxHashSet::default() };
    let formula = can.letter(&mut query, pair.1, second, one.letter, &fired.fields)?;
    query.add(formula.negated());
    Some((can.exact.then_some(fired.fields), query))
}

/// The question whether both can be done; with the fields of each.
pub(super) fn both(
    query: &Query,
    model: &Model<'_>,
    one: &Transition,
    other: &Transition,
    (first, second): (&[Linear], &[Linear]),
) -> Option<(Fields, Query)> {
    let mut query = query.clone();
    let a = query.fire(model.rules.get(&one.node)?, first, None)?;
    let b = query.fire(model.rules.get(&other.node)?, second, None)?;
    query.add(a.guard);
    query.add(b.guard);
    Some(((a.fields, b.fields), query))
}

/// What is still to be looked at on the ways of an early message.
struct Place {
    state: NodeId,
    registers: Vec<Linear>,
    blocked: Vec<RoleId>,
    demands: Vec<Formula>,
    steps: Vec<(NodeId, Vec<Linear>)>,
    been: Vec<(NodeId, Vec<RoleId>)>,
}

/// The ways on which, after the second state's message, a message like the first state's comes while the role is
/// blocked; whether some were left out; and the question that they are about. Each way's last step is that message, the
/// fields of both states' messages come first.
pub(super) fn early(
    query: &Query,
    model: &Model<'_>,
    role: RoleId,
    one: &Transition,
    other: &Transition,
    (first, second): (&[Linear], &[Linear]),
) -> Option<(Vec<Way>, bool, Query)> {
    let mut query = query.clone();
    let a = query.fire(model.rules.get(&one.node)?, first, None)?;
    let b = query.fire(model.rules.get(&other.node)?, second, None)?;
    query.add(a.guard);
    query.add(b.guard);
    let begin = vec![(one.node, a.fields.clone()), (other.node, b.fields)];
    let mut ways = Vec::new();
    let mut cut = false;
    let mut todo = vec![Place {
        state: other.then,
        registers: b.after,
        blocked: vec![role],
        demands: Vec::new(),
        steps: begin,
        been: Vec::new(),
    }];
    while let Some(place) = todo.pop() {
        let here = (place.state, place.blocked.clone());
        // Whatever the values are, nothing like it comes from here.
        if !comes(model, role, one, &here) {
            continue;
        }
        if place.been.contains(&here) || place.steps.len() > MAX_STEPS || ways.len() > MAX_WAYS {
            cut = true;
            continue;
        }
        for step in model.automaton.steps(place.state) {
            let Some(rule) = model.rules.get(&step.node) else { continue };
            let mut blocked = place.blocked.clone();
            let waits = blocked.binary_search(&step.from).is_ok();
            if waits && let Err(at) = blocked.binary_search(&step.to) {
                blocked.insert(at, step.to);
            }
            let arrives = !waits && step.from == one.from && step.to == role;
            if arrives && step.letter != one.letter {
                continue;
            }
            let fields = arrives.then_some(a.fields.as_slice());
            let fired = query.fire(rule, &place.registers, fields)?;
            let mut demands = place.demands.clone();
            demands.push(fired.guard);
            let mut steps = place.steps.clone();
            steps.push((step.node, fired.fields));
            if arrives {
                ways.push(Way { demands, steps });
            } else if blocked.binary_search(&one.from).is_err() {
                let mut been = place.been.clone();
                been.push(here.clone());
                todo.push(Place { state: step.then, registers: fired.after, blocked, demands, steps, been });
            }
        }
    }
    Some((ways, cut, query))
}

/// Whether such a message can come at all, whatever the data.
fn comes(model: &Model<'_>, role: RoleId, one: &Transition, from: &(NodeId, Vec<RoleId>)) -> bool {
    let mut seen = FxHashSet::default();
    let mut todo = vec![from.clone()];
    while let Some((state, blocked)) = todo.pop() {
        if blocked.binary_search(&one.from).is_ok() || !seen.insert((state, blocked.clone())) {
            continue;
        }
        // More than this is not looked at: then it may.
        if seen.len() > 10_000 {
            return true;
        }
        for step in model.automaton.steps(state) {
            let mut blocked = blocked.clone();
            if blocked.binary_search(&step.from).is_ok() {
                if let Err(at) = blocked.binary_search(&step.to) {
                    blocked.insert(at, step.to);
                }
            } else if step.from == one.from && step.to == role {
                if step.letter == one.letter {
                    return true;
                }
                continue;
            }
            todo.push((step.then, blocked));
        }
    }
    false
}

//! What always holds: candidates are taken to hold in every state and dropped where a step may break them, until no
//! more are (Flanagan and Leino, "Houdini", 2001).
//!
//! In: a model. Out: per state, or per pair of states that look the same to a role, the candidates that hold whenever it
//! is reached; what has no entry is never reached. Candidates say that a register lies below, at or above a number of
//! the specification, that two registers are ordered, or, of a pair, that registers of both sides are equal: what a
//! role has seen or sent itself is equal in runs that look the same to it.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    super::{Ask, automaton::Transition},
    model::{Model, equal, is, var},
    query::{Query, place, same},
};
use crate::{
    event::Limit,
    id::{NodeId, RoleId},
    solve::{Formula, Linear, Relation, Solution},
};

/// Numbers that one register is compared with.
const MAX_NUMBERS: usize = 8;
/// Pairs of states that look the same to one role.
const MAX_PAIRS: usize = 10_000;

/// Per state or pair: the candidates that hold, by their numbers.
pub(super) struct Invariants<S> {
    pub(super) candidates: Vec<Formula>,
    pub(super) known: FxHashMap<S, Vec<usize>>,
    /// Which is reached from which by one step.
    pub(super) steps: Vec<(S, S)>,
}

impl<S: Copy + Eq + Hash> Invariants<S> {
    /// What holds of registers.
    pub(super) fn holding(&self, at: S, registers: &[Linear]) -> Option<Formula> {
        let known = self.known.get(&at).map_or(&[][..], Vec::as_slice);
        let all = known.iter().filter_map(|&at| self.candidates.get(at));
        Some(Formula::All(all.map(|candidate| place(candidate, registers)).collect::<Option<_>>()?))
    }

    /// Comes to a state: what does not hold there is dropped. Whether anything changed.
    fn come(&mut self, at: S, query: &Query, registers: &[Linear]) -> Option<bool> {
        let before = self.known.get(&at).map(Vec::len);
        let all = match self.known.get(&at) {
            Some(known) => known.clone(),
            None => (0..self.candidates.len()).collect(),
        };
        let mut left: Vec<(usize, Formula)> = Vec::with_capacity(all.len());
        for at in all {
            left.push((at, place(self.candidates.get(at)?, registers)?));
        }
        let mut holds = Vec::new();
        // What no step changes need not be proved again.
        let given = query.given();
        left.retain(|(at, candidate)| {
            let known = matches!(candidate, Formula::Is(bound) if given.contains(bound));
            if known {
                holds.push(*at);
            }
            !known
        });
        while let Some((at, candidate)) = left.pop() {
            match query.ask(&[candidate.negated()]) {
                Solution::None => holds.push(at),
                Solution::Values(values) => left.retain(|(_, other)| other.holds(&values)),
                Solution::Unknown(_) => {}
            }
        }
        holds.sort_unstable();
        let changed = before != Some(holds.len());
        self.known.insert(at, holds);
        Some(changed)
    }
}

fn too_large() -> Limit {
    Limit::Undecided("a number is too large".to_owned())
}

/// What always holds in each state.
pub(super) fn single(model: &Model<'_>, ask: &mut Ask<'_>) -> Result<Invariants<NodeId>, Limit> {
    let mut found = Invariants { candidates: candidates(model), known: FxHashMap::default(), steps: Vec::new() };
    let start = model.automaton.start;
    let mut query = Query::about(model);
    let any = query.registers(model).ok_or_else(too_large)?;
    let registers = at_start(model, &any).ok_or_else(too_large)?;
    found.come(start, &query, &registers).ok_or_else(too_large)?;
    let mut todo = vec![start];
    let mut turns = 0_usize;
    while let Some(state) = todo.pop() {
        turns = turns.saturating_add(1);
        if let Some(limit) = ask(turns) {
            return Err(limit);
        }
        let mut query = Query::about(model);
        let registers = query.registers(model).ok_or_else(too_large)?;
        query.add(found.holding(state, &registers).ok_or_else(too_large)?);
        for step in model.automaton.steps(state) {
            let Some(rule) = model.rules.get(&step.node) else { continue };
            let mut query = query.clone();
            let fired = query.fire(rule, &registers, None).ok_or_else(too_large)?;
            query.add(fired.guard);
            if query.never(&[]) {
                continue;
            }
            if found.come(step.then, &query, &fired.after).ok_or_else(too_large)? && !todo.contains(&step.then) {
                todo.push(step.then);
            }
        }
    }
    Ok(found)
}

/// The registers at the start; those without a value have any.
pub(super) fn at_start(model: &Model<'_>, any: &[Linear]) -> Option<Vec<Linear>> {
    model.start.iter().map(|value| value.substitute(&|at| any.get(at as usize).cloned())).collect()
}

/// A pair of states that look the same to a role.
pub(super) type Pair = (NodeId, NodeId);

/// A step of a pair.
#[derive(Clone, Copy)]
pub(super) enum Move {
    Both(Transition, Transition),
    First(Transition),
    Second(Transition),
}

impl Move {
    pub(super) fn then(self, (one, other): Pair) -> Pair {
        match self {
            Self::Both(a, b) => (a.then, b.then),
            Self::First(a) => (a.then, other),
            Self::Second(b) => (one, b.then),
        }
    }
}

/// The steps of a pair: a role's own are taken by both, all others by one.
pub(super) fn moves(model: &Model<'_>, role: RoleId, (one, other): Pair) -> Vec<Move> {
    let mut all = Vec::new();
    let (first, second) = (model.automaton.steps(one), model.automaton.steps(other));
    for a in first.iter().filter(|a| a.involves(role)) {
        all.extend(second.iter().filter(|b| b.letter == a.letter).map(|b| Move::Both(*a, *b)));
    }
    all.extend(first.iter().filter(|a| !a.involves(role)).map(|a| Move::First(*a)));
    all.extend(second.iter().filter(|b| !b.involves(role)).map(|b| Move::Second(*b)));
    all
}

/// What a step of a pair makes of the registers of both sides, and the fields of what was fired.
pub(super) type Moved = (Vec<Linear>, Vec<Linear>, Vec<Linear>);

/// Takes a step of a pair; its guards are added to the query. The fields are those of the step, equal on both sides.
pub(super) fn take(
    query: &mut Query,
    model: &Model<'_>,
    step: Move,
    one: &[Linear],
    other: &[Linear],
) -> Option<Moved> {
    let mut fire = |step: &Transition, before: &[Linear], fields: Option<&[Linear]>| {
        let fired = query.fire(model.rules.get(&step.node)?, before, fields)?;
        query.add(fired.guard);
        Some((fired.after, fired.fields))
    };
    match step {
        Move::Both(a, b) => {
            let (first, fields) = fire(&a, one, None)?;
            let (second, _) = fire(&b, other, Some(&fields))?;
            Some((first, second, fields))
        }
        Move::First(a) => fire(&a, one, None).map(|(first, fields)| (first, other.to_vec(), fields)),
        Move::Second(b) => fire(&b, other, None).map(|(second, fields)| (one.to_vec(), second, fields)),
    }
}

/// A pair with what is known of it, ready to be asked about.
pub(super) fn known(
    model: &Model<'_>,
    alone: &Invariants<NodeId>,
    pairs: &Invariants<Pair>,
    pair: Pair,
) -> Option<(Query, Vec<Linear>, Vec<Linear>)> {
    let mut query = Query::about(model);
    let one = query.registers(model)?;
    let other = query.registers(model)?;
    query.add(alone.holding(pair.0, &one)?);
    query.add(alone.holding(pair.1, &other)?);
    let both: Vec<Linear> = one.iter().chain(&other).cloned().collect();
    query.add(pairs.holding(pair, &both)?);
    Some((query, one, other))
}

/// What always holds of pairs of states that look the same to a role.
pub(super) fn pairs(
    model: &Model<'_>,
    alone: &Invariants<NodeId>,
    role: RoleId,
    ask: &mut Ask<'_>,
) -> Result<Invariants<Pair>, Limit> {
    let count = model.registers.len();
    let mut all = Vec::new();
    for one in 0..count {
        for other in 0..count {
            if model.whole.get(one) == model.whole.get(other) {
                all.extend(equal(&var(one), &var(count.saturating_add(other))));
            }
        }
    }
    let right: Vec<Linear> = (count..count.saturating_mul(2)).map(var).collect();
    for candidate in &alone.candidates {
        all.push(candidate.clone());
        all.extend(place(candidate, &right));
    }
    let mut found = Invariants { candidates: all, known: FxHashMap::default(), steps: Vec::new() };
    let start = (model.automaton.start, model.automaton.start);
    let mut query = Query::about(model);
    let any = query.registers(model).ok_or_else(too_large)?;
    let one = at_start(model, &any).ok_or_else(too_large)?;
    let both: Vec<Linear> = one.iter().chain(&one).cloned().collect();
    found.come(start, &query, &both).ok_or_else(too_large)?;
    let mut todo = std::collections::VecDeque::from([start]);
    let mut steps: FxHashSet<(Pair, Pair)> = FxHashSet::default();
    let mut turns = 0_usize;
    while let Some(pair) = todo.pop_front() {
        turns = turns.saturating_add(1);
        if let Some(limit) = ask(turns) {
            return Err(limit);
        }
        if found.known.len() > MAX_PAIRS {
            return Err(Limit::States(MAX_PAIRS));
        }
        let (query, one, other) = known(model, alone, &found, pair).ok_or_else(too_large)?;
        for step in moves(model, role, pair) {
            let mut query = query.clone();
            let (one, other, _) = take(&mut query, model, step, &one, &other).ok_or_else(too_large)?;
            if query.never(&[]) {
                continue;
            }
            let then = step.then(pair);
            steps.insert((pair, then));
            let both: Vec<Linear> = one.into_iter().chain(other).collect();
            if found.come(then, &query, &both).ok_or_else(too_large)? && !todo.contains(&then) {
                todo.push_back(then);
            }
        }
    }
    found.steps = steps.into_iter().collect();
    Ok(found)
}

/// What may hold of the registers of one state.
fn candidates(model: &Model<'_>) -> Vec<Formula> {
    let count = model.registers.len();
    let mut numbers: Vec<Vec<i128>> = vec![Vec::new(); count];
    let mut atoms: Vec<Formula> = Vec::new();
    let mut nodes: Vec<&NodeId> = model.rules.keys().collect();
    nodes.sort_unstable();
    let rules: Vec<_> = nodes.iter().filter_map(|node| model.rules.get(node)).collect();
    for (at, value) in model.start.iter().enumerate() {
        if value.terms.is_empty()
            && let Some(numbers) = numbers.get_mut(at)
        {
            numbers.push(value.constant);
        }
    }
    for rule in &rules {
        rule.guard.each(&mut |bound| {
            let only = bound.sum.terms.iter().next().filter(|_| bound.sum.terms.len() == 1);
            if let Some((&at, &factor)) = only
                && factor.abs() == 1
                && let Some(number) = bound.sum.constant.checked_mul(factor).and_then(i128::checked_neg)
            {
                // Of a register, or of a field that becomes one.
                for (register, value) in rule.after.iter().enumerate() {
                    if let Some(constant) = value.plus(-1, &Linear::variable(at)).filter(|rest| rest.terms.is_empty())
                        && let Some(number) = number.checked_add(constant.constant)
                        && let Some(numbers) = numbers.get_mut(register)
                    {
                        numbers.push(number);
                    }
                }
                if let Some(numbers) = numbers.get_mut(at as usize) {
                    numbers.push(number);
                }
            } else if bound.sum.terms.len() > 1 && bound.sum.terms.keys().all(|&at| (at as usize) < count) {
                let atom = Formula::Is(bound.clone());
                for atom in [atom.clone().negated(), atom] {
                    if !atoms.contains(&atom) && atoms.len() < 40 {
                        atoms.push(atom);
                    }
                }
            }
        });
        for (register, value) in rule.after.iter().enumerate() {
            if value.terms.is_empty()
                && let Some(numbers) = numbers.get_mut(register)
            {
                numbers.push(value.constant);
            }
        }
    }
    // A copy is compared with what its original is.
    for rule in &rules {
        for (register, value) in rule.after.iter().enumerate() {
            for original in 0..count {
                if original != register && *value == var(original) {
                    let more = numbers.get(original).cloned().unwrap_or_default();
                    if let Some(numbers) = numbers.get_mut(register) {
                        numbers.extend(more);
                    }
                }
            }
        }
    }
    let mut all = atoms;
    for (register, numbers) in numbers.iter_mut().enumerate() {
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(MAX_NUMBERS);
        for &number in numbers.iter() {
            let Some(above) = var(register).plus(-1, &Linear::constant(number)) else { continue };
            let below = above.times(-1);
            all.extend(is(Some(above.clone()), Relation::Zero));
            all.extend(is(below.clone(), Relation::AtMost));
            all.extend(is(below, Relation::Below));
            all.extend(is(Some(above.clone()), Relation::AtMost));
            all.extend(is(Some(above), Relation::Below));
        }
    }
    for one in 0..count {
        for other in 0..count {
            if one == other || model.whole.get(one) != model.whole.get(other) {
                continue;
            }
            let difference = var(one).plus(-1, &var(other));
            if one < other {
                all.extend(same(&[var(one)], &[var(other)]));
            }
            all.extend(is(difference.clone(), Relation::AtMost));
            all.extend(is(difference, Relation::Below));
        }
    }
    all
}

//! Two runs that violate a condition, from the start, shortest first.
//!
//! In: the conditions that were not proved. Out: two runs with values, made again by `replay`. Runs are grown together,
//! with conditions over the values instead of values; only pairs of states are visited from which a pair in question can
//! be reached. Between two steps of the role itself the first run goes on before the second does.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    super::{Ask, Condition, Indistinct},
    World,
    condition::{Open, both, cannot, early},
    invariant::{Invariants, Move, Pair, at_start, moves, take},
    model::Model,
    query::Query,
    replay, undecided,
};
use crate::{
    event::Limit,
    id::{NodeId, RoleId},
    solve::{Linear, Solution, Values},
};

/// Pairs of runs that are grown.
const MAX_RUNS: usize = 1_000;

pub(super) enum Answer {
    Shown(Indistinct),
    Nothing,
    Bug(String),
}

/// A run: its steps with their fields.
pub(super) type Run = Vec<(NodeId, Vec<Linear>)>;

#[derive(Clone)]
struct Grown {
    pair: Pair,
    query: Query,
    registers: [Vec<Linear>; 2],
    runs: [Run; 2],
    second: bool,
}

pub(super) fn search(
    world: World<'_>,
    model: &Model<'_>,
    open: &[Open],
    pairs: &FxHashMap<RoleId, Invariants<Pair>>,
    ask: &mut Ask<'_>,
) -> Result<Answer, Limit> {
    let mut best: Option<(usize, Indistinct)> = None;
    let mut roles: Vec<RoleId> = pairs.keys().copied().collect();
    roles.sort_unstable();
    for role in roles {
        let Some(known) = pairs.get(&role) else { continue };
        let mine: Vec<&Open> = open.iter().filter(|open| open.role == role).collect();
        let most = best.as_ref().map(|(length, _)| *length);
        match grow(world, model, role, &mine, known, most, ask)? {
            Answer::Shown(found) => best = Some((found.first.len().saturating_add(found.second.len()), found)),
            Answer::Nothing => {}
            bug @ Answer::Bug(_) => return Ok(bug),
        }
    }
    Ok(best.map_or(Answer::Nothing, |(_, found)| Answer::Shown(found)))
}

/// From which pairs one in question can be reached.
fn toward(mine: &[&Open], known: &Invariants<Pair>) -> FxHashSet<Pair> {
    let mut before: FxHashMap<Pair, Vec<Pair>> = FxHashMap::default();
    for &(from, to) in &known.steps {
        before.entry(to).or_default().push(from);
    }
    let mut found = FxHashSet::default();
    let mut todo: Vec<Pair> = mine.iter().map(|open| open.pair).collect();
    while let Some(pair) = todo.pop() {
        if found.insert(pair) {
            todo.extend(before.get(&pair).into_iter().flatten());
        }
    }
    found
}

fn grow(
    world: World<'_>,
    model: &Model<'_>,
    role: RoleId,
    mine: &[&Open],
    known: &Invariants<Pair>,
    most: Option<usize>,
    ask: &mut Ask<'_>,
) -> Result<Answer, Limit> {
    let large = || undecided("a number is too large");
    let toward = toward(mine, known);
    let mut query = Query::about(model);
    let any = query.registers(model).ok_or_else(large)?;
    let start = at_start(model, &any).ok_or_else(large)?;
    let at = model.automaton.start;
    let mut todo = VecDeque::from([Grown {
        pair: (at, at),
        query,
        registers: [start.clone(), start],
        runs: [Vec::new(), Vec::new()],
        second: false,
    }]);
    let mut grown = 0_usize;
    while let Some(here) = todo.pop_front() {
        grown = grown.saturating_add(1);
        if let Some(limit) = ask(grown) {
            return Err(limit);
        }
        let length = here.runs.iter().map(Vec::len).fold(0, usize::saturating_add);
        if grown > MAX_RUNS || most.is_some_and(|most| length >= most) {
            return Ok(Answer::Nothing);
        }
        for open in mine.iter().filter(|open| open.pair == here.pair) {
            if let Some(found) = violates(model, role, open, &here).ok_or_else(large)? {
                return Ok(match replay::replay(world, model, &found) {
                    Ok(indistinct) => Answer::Shown(indistinct),
                    Err(text) => Answer::Bug(text),
                });
            }
        }
        for step in moves(model, role, here.pair) {
            let then = step.then(here.pair);
            if !toward.contains(&then) || here.second && matches!(step, Move::First(_)) {
                continue;
            }
            let mut next = here.clone();
            let [one, other] = &here.registers;
            let (one, other, fields) = take(&mut next.query, model, step, one, other).ok_or_else(large)?;
            if next.query.never(&[]) {
                continue;
            }
            next.pair = then;
            next.registers = [one, other];
            let [first, second] = &mut next.runs;
            match step {
                Move::Both(a, b) => {
                    first.push((a.node, fields.clone()));
                    second.push((b.node, fields));
                }
                Move::First(a) => first.push((a.node, fields)),
                Move::Second(b) => second.push((b.node, fields)),
            }
            next.second = matches!(step, Move::Second(_));
            todo.push_back(next);
        }
    }
    Ok(Answer::Nothing)
}

/// Two runs with values.
pub(super) struct Shown {
    pub(super) open: Open,
    pub(super) values: Values,
    pub(super) runs: [Run; 2],
    /// What the role does after the first run.
    pub(super) does: (NodeId, Vec<Linear>),
    /// What it does after the second, and what follows.
    pub(super) but: Run,
}

/// Whether two runs to a pair violate a condition in question.
fn violates(model: &Model<'_>, role: RoleId, open: &Open, here: &Grown) -> Option<Option<Shown>> {
    let [one, other] = &here.registers;
    let sides = (one.as_slice(), other.as_slice());
    let shown = |values: Values, does: (NodeId, Vec<Linear>), but: Run| {
        Some(Some(Shown { open: *open, values, runs: here.runs.clone(), does, but }))
    };
    match (open.condition, open.other) {
        (Condition::SendValidity, _) => {
            let (fields, query) = cannot(&here.query, model, role, open.pair, &open.one, sides)?;
            if let (Some(fields), Solution::Values(values)) = (fields, query.ask(&[])) {
                return shown(values, (open.one.node, fields), Vec::new());
            }
        }
        (Condition::NoMixedChoice, Some(other)) => {
            let ((does, but), query) = both(&here.query, model, &open.one, &other, sides)?;
            if let Solution::Values(values) = query.ask(&[]) {
                return shown(values, (open.one.node, does), vec![(other.node, but)]);
            }
        }
        (Condition::ReceiveValidity, Some(other)) => {
            let (ways, _, query) = early(&here.query, model, role, &open.one, &other, sides)?;
            for way in ways {
                if let Solution::Values(values) = query.ask(&way.demands)
                    && let Some((does, but)) = way.steps.split_first()
                {
                    return shown(values, does.clone(), but.to_vec());
                }
            }
        }
        _ => {}
    }
    Some(None)
}

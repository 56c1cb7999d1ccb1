//! The conditions with data: letters carry values, states carry registers.
//!
//! In: the automaton, the rules of its messages, the frame of its variables. Out: [`Found`]. First it is proved that the
//! protocol is one that the theory speaks of: of different steps with equal letters only one can be meant by a value, and
//! one role goes first. (Where all conditions may be false at once the protocol itself is stuck, and so are the roles:
//! that is told, and no matter of implementability.) Then, for every role, each condition is asked of every pair of
//! states that look the same to it, with what always holds of the pair (`invariant`) as premise. Where a condition
//! cannot be proved, two runs that violate it are looked for from the start, shortest first (`search`), and made again
//! with their values by the rules themselves (`replay`). What is neither proved nor shown stays unknown.

mod condition;
mod invariant;
mod model;
mod query;
mod replay;
mod search;

use rustc_hash::FxHashMap;

use self::{
    condition::Open,
    invariant::Invariants,
    model::{Beyond, Model},
    query::{Can, Query, same},
};
use super::{Ask, Found, automaton::Automaton, tell};
use crate::{
    event::Limit,
    id::NodeId,
    protocol::{Frame, Graph, Header, Names},
    solve::{Outside, Solution},
};

/// What the whole is about.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) automaton: &'a Automaton,
    pub(super) graph: &'a Graph,
    pub(super) header: &'a Header,
    pub(super) names: &'a Names,
    pub(super) frame: Option<&'a Frame>,
    pub(super) outside: &'a Outside,
}

/// Checks all conditions for all roles.
pub(super) fn check(world: World<'_>, ask: &mut Ask<'_>) -> Found {
    match decide(world, ask) {
        Ok(found) => found,
        Err(limit) => Found::Unknown(limit),
    }
}

fn undecided(text: impl Into<String>) -> Limit {
    Limit::Undecided(text.into())
}

fn decide(world: World<'_>, ask: &mut Ask<'_>) -> Result<Found, Limit> {
    let World { automaton, graph, header, names, frame, outside } = world;
    let model = Model::of(automaton, graph, names, frame, outside).map_err(|Beyond(what)| {
        undecided(format!("a condition depends on {what}, which is beyond sums and comparisons"))
    })?;
    let alone = invariant::single(&model, ask)?;
    let stuck = in_class(world, &model, &alone)?;
    let mut open: Vec<Open> = Vec::new();
    let mut pairs = FxHashMap::default();
    for role in header.roles.ids() {
        let known = invariant::pairs(&model, &alone, role, ask)?;
        let found = condition::check(&model, &alone, &known, role)?;
        if !found.is_empty() {
            pairs.insert(role, known);
            open.extend(found);
        }
    }
    if open.is_empty() {
        return Ok(Found::Holds { stuck });
    }
    match search::search(world, &model, &open, &pairs, ask)? {
        search::Answer::Shown(indistinct) => Ok(Found::Violated(Box::new(indistinct))),
        search::Answer::Bug(text) => Ok(Found::Bug(text)),
        search::Answer::Nothing => {
            let first = open.first().map(|open| {
                format!(
                    "{} of role `{}` at `{}`",
                    open.condition.name(),
                    header.role_name(open.role),
                    tell::step(graph, header, names, open.one.node)
                )
            });
            let first = first.unwrap_or_default();
            Err(undecided(format!(
                "{first} was neither proved nor refuted: a condition in the sort of a variable that says what always \
                 holds there would help"
            )))
        }
    }
}

/// That the theory speaks of the protocol; and where the protocol itself may be stuck, if that was not excluded.
fn in_class(world: World<'_>, model: &Model<'_>, alone: &Invariants<NodeId>) -> Result<Option<NodeId>, Limit> {
    let step = |node: NodeId| tell::step(world.graph, world.header, world.names, node);
    let large = || undecided("a number is too large");
    let mut reached: Vec<NodeId> = alone.known.keys().copied().collect();
    reached.sort_unstable();
    let mut stuck = None;
    for state in reached {
        let mut query = Query::about(model);
        let registers = query.registers(model).ok_or_else(large)?;
        query.add(alone.holding(state, &registers).ok_or_else(large)?);
        let steps = model.automaton.steps(state);
        for (at, one) in steps.iter().enumerate() {
            for other in steps.iter().skip(at.saturating_add(1)) {
                let (Some(a), Some(b)) = (model.rules.get(&one.node), model.rules.get(&other.node)) else { continue };
                let mut query = query.clone();
                let first = query.fire(a, &registers, None).ok_or_else(large)?;
                let alike = one.letter == other.letter;
                let fields = alike.then_some(first.fields.as_slice());
                if one.from == other.from && !alike {
                    continue;
                }
                let second = query.fire(b, &registers, fields).ok_or_else(large)?;
                query.add(first.guard);
                query.add(second.guard);
                if alike && one.then == other.then {
                    query.add(same(&first.after, &second.after).ok_or_else(large)?.negated());
                }
                if !query.never(&[]) {
                    let (one, other) = (step(one.node), step(other.node));
                    return Err(undecided(if alike {
                        format!(
                            "one message may be both `{one}` and `{other}`: conditions that exclude each other tell them apart"
                        )
                    } else {
                        format!(
                            "different roles may go first in one choice, `{one}` or `{other}`, and the conditions of \
                             implementability speak of choices of one sender"
                        )
                    }));
                }
            }
        }
        if let Some(first) = steps.first() {
            let mut can = Can { model, role: None, exact: true, on_way: rustc_hash::FxHashSet::default() };
            let any = can.anything(&mut query, state, &registers).ok_or_else(large)?;
            if !matches!(query.ask(&[any.negated()]), Solution::None) {
                stuck = stuck.or(Some(first.node));
            }
        }
    }
    Ok(stuck)
}

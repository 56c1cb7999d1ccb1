//! Systems that lack the independence that the theorem asks for under every bound, with a reason.
//!
//! Comes in: the graph of one bound k. Goes out: what is so for k and for all larger bounds, because a role that only sends
//! needs nobody: under a larger bound it gets to the same configuration, and from there sends until there is no room.
//!
//! * [`half`]: a role that can send on one edge for ever, and could in each state on its way send on another one that has
//!   room as well: when the first is full it has room for one of its messages and none for another, so it is not k-OBI.
//! * [`flood`]: a role that can send for ever: no bound is so large that no send lacks room.

use super::{super::judge::Finding, finding, graph::Graph};
use crate::{
    event::Event,
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::{Cells, System},
    protocol::Act,
};

/// The sends of a role in a state, and where they lead.
fn sends(system: &System, role: RoleId, state: StateId) -> impl Iterator<Item = (MessageId, EdgeId, StateId)> + '_ {
    let machine = &system.machines()[role];
    let sends =
        machine.offers(state).iter().filter(|offer| matches!(machine.actions()[offer.action].act, Act::Send(_)));
    sends.filter_map(move |offer| {
        let message = system.message_of(role, offer.action)?;
        Some((message, system.messages()[message].edge, offer.then))
    })
}

/// The states in which a role can go on for ever by sends that are wanted, and that are fit; by their numbers.
fn lasting(system: &System, role: RoleId, fit: impl Fn(StateId) -> bool, wanted: impl Fn(EdgeId) -> bool) -> Vec<bool> {
    let machine = &system.machines()[role];
    let mut last: Vec<bool> = Vec::new();
    for state in machine.state_ids() {
        let at = state.index();
        if last.len() <= at {
            last.resize(at.saturating_add(1), false);
        }
        if let Some(place) = last.get_mut(at) {
            *place = fit(state);
        }
    }
    let is = |last: &[bool], state: StateId| last.get(state.index()).copied().unwrap_or(false);
    loop {
        let leaves = |state: &StateId| {
            is(&last, *state) && !sends(system, role, *state).any(|(_, edge, then)| wanted(edge) && is(&last, then))
        };
        let gone: Vec<StateId> = machine.state_ids().filter(leaves).collect();
        if gone.is_empty() {
            return last;
        }
        for state in gone {
            if let Some(place) = last.get_mut(state.index()) {
                *place = false;
            }
        }
    }
}

/// A run to where a role has room for one of its messages and none for another, if there is one for this and every larger
/// bound.
pub(super) fn half(graph: &Graph<'_>) -> Option<Finding> {
    let system = graph.system;
    let mut words = graph.words();
    for &role in graph.roles {
        let own = || system.edges().iter().filter(move |(_, edge)| edge.from == role).map(|(id, _)| id);
        for full in own() {
            for room in own().filter(|&room| room != full) {
                let fit = |state: StateId| sends(system, role, state).any(|(_, edge, _)| edge == room);
                let last = lasting(system, role, fit, |edge| edge == full);
                let is = |state: StateId| last.get(state.index()).copied().unwrap_or(false);
                if !last.contains(&true) {
                    continue;
                }
                for &at in graph.order() {
                    let cells = graph.load(at, &mut words);
                    if !is(cells.state(role)) || cells.queued(room) >= graph.bound as usize {
                        continue;
                    }
                    let (run, _) = graph.run_to(at);
                    let (more, state) = sends_until_full(graph, &cells, role, full, &is)?;
                    return finding::half(system, graph.bound, run, (role, state), more, (room, full));
                }
            }
        }
    }
    None
}

/// The sends of a role on an edge, until there is no room, and the state that it is in then.
fn sends_until_full(
    graph: &Graph<'_>,
    cells: &impl Cells,
    role: RoleId,
    full: EdgeId,
    is: &impl Fn(StateId) -> bool,
) -> Option<(Vec<Event>, StateId)> {
    let system = graph.system;
    let mut state = cells.state(role);
    let mut more = Vec::new();
    for _ in cells.queued(full)..graph.bound as usize {
        let next = sends(system, role, state).find(|&(_, edge, then)| edge == full && is(then));
        let (message, _, then) = next?;
        more.push(system.send_event(message));
        state = then;
    }
    Some((more, state))
}

/// A message that some role can send again and again, whatever the others do.
pub(super) fn flood(graph: &Graph<'_>) -> Option<MessageId> {
    let system = graph.system;
    let mut words = graph.words();
    for &role in graph.roles {
        let last = lasting(system, role, |_| true, |_| true);
        let is = |state: StateId| last.get(state.index()).copied().unwrap_or(false);
        if !last.contains(&true) {
            continue;
        }
        for &at in graph.order() {
            let state = graph.load(at, &mut words).state(role);
            if is(state) {
                return sends(system, role, state).find(|&(.., then)| is(then)).map(|(message, ..)| message);
            }
        }
    }
    None
}

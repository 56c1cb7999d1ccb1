//! What can never happen any more under any bound, by the control flow alone.
//!
//! An exploration whose bound cuts sends says nothing about what would happen with more room. But what is out of reach
//! even if every role may get wherever its machine leads, whatever the others do, stays out of reach.
//!
//! Goals are numbered as in `liveness`: a role takes a step, or, behind the roles, the head of an edge is received.

#![expect(
    clippy::indexing_slicing,
    reason = "all tables here have one entry for each role, state, edge or message of one system"
)]

use super::search::Explored;
use crate::{
    id::{Id, IdVec, MessageId, RoleId, StateId},
    machine::Cells,
    protocol::Act,
};

/// Whether a goal is out of reach of a configuration under every bound, by the control flow alone.
///
/// Everything that might happen is collected: a role may be in each state that it can get to, an edge may offer each
/// message that was ever sent on it, in any order, once its present head is one that the receiver might take. What
/// cannot happen even so never happens.
pub(super) fn hopeless(explored: &Explored<'_>, at: u32, goal: usize) -> bool {
    let system = explored.system;
    let roles = system.machines().len();
    let (start, heads, held) = explored.with(at, |cells| {
        let start: Vec<StateId> = system.machines().ids().map(|role| cells.state(role)).collect();
        let heads: Vec<Option<MessageId>> = system.edges().ids().map(|edge| cells.head(edge)).collect();
        let held: Vec<Vec<MessageId>> = system.edges().ids().map(|edge| explored.queue(cells, edge)).collect();
        (start, heads, held)
    });
    let mut may_be: IdVec<RoleId, IdVec<StateId, bool>> =
        system.machines().values().map(|machine| IdVec::filled(false, machine.states())).collect();
    let mut open: Vec<(RoleId, StateId)> = system.machines().ids().zip(start.iter().copied()).collect();
    let mut seen_states = Vec::new();
    // Messages that may head their edge, and those that wait behind a head that nobody may take.
    let mut offered = vec![false; system.messages().len()];
    let mut behind = offered.clone();
    for (head, held) in heads.iter().zip(&held) {
        for message in held {
            behind[message.index()] = true;
        }
        if let Some(head) = head {
            offered[head.index()] = true;
        }
    }
    let mut freed: Vec<bool> = heads.iter().map(Option::is_none).collect();
    // Repeated until nothing is new; each round finds a state, a message or a freed edge.
    loop {
        let mut news = false;
        for (role, state) in open.drain(..) {
            if !may_be[role][state] {
                may_be[role][state] = true;
                seen_states.push((role, state));
                news = true;
            }
        }
        for &(role, state) in &seen_states {
            let machine = &system.machines()[role];
            for offer in machine.offers(state) {
                let Some(message) = system.message_of(role, offer.action) else {
                    open.push((role, offer.then));
                    continue;
                };
                let edge_id = system.messages()[message].edge;
                let edge = system.edges()[edge_id];
                let is_send = matches!(machine.actions()[offer.action].act, Act::Send(_));
                if explored.semantics.capacity(edge.kind) == Some(0) {
                    let other = if is_send { edge.to } else { edge.from };
                    let partner = &system.machines()[other];
                    let meets = seen_states.iter().any(|&(role, state)| {
                        let mut offers = partner.offers(state).iter();
                        let same = |action| {
                            system.message_of(other, action) == Some(message)
                                && matches!(partner.actions()[action].act, Act::Send(_)) != is_send
                        };
                        role == other && offers.any(|offer| same(offer.action))
                    });
                    if meets {
                        open.push((role, offer.then));
                    }
                } else if is_send {
                    behind[message.index()] = true;
                    open.push((role, offer.then));
                } else if offered[message.index()] {
                    freed[edge_id.index()] = true;
                    open.push((role, offer.then));
                }
            }
        }
        for (message, info) in system.messages().iter() {
            let at = message.index();
            if freed[info.edge.index()] && behind[at] && !offered[at] {
                offered[at] = true;
                news = true;
            }
        }
        open.retain(|&(role, state)| !may_be[role][state]);
        if !news && open.is_empty() {
            break;
        }
    }
    match goal.checked_sub(roles) {
        // A head is taken if its edge is freed.
        Some(edge) => !freed[edge],
        // A role is served if it gets anywhere, itself again included.
        None => {
            let role = RoleId::from_raw(u32::try_from(goal).unwrap_or(u32::MAX));
            let machine = &system.machines()[role];
            !machine.offers(start[goal]).iter().any(|offer| {
                let Some(message) = system.message_of(role, offer.action) else { return true };
                let edge = system.edges()[system.messages()[message].edge];
                let is_send = matches!(machine.actions()[offer.action].act, Act::Send(_));
                if explored.semantics.capacity(edge.kind) == Some(0) {
                    // Reached or not, the next state alone does not tell; whoever might meet it, might.
                    return true;
                }
                is_send || offered[message.index()]
            })
        }
    }
}

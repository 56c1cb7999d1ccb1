//! What kind of system it is: which of the theorem's hypotheses hold by the machines' looks alone.
//!
//! A *communicating session automaton* is deterministic and has no mixed state: each state only sends, only receives, or
//! is the end. It is *directed* if, besides, each state speaks with one peer; then output and input bound independence
//! hold by themselves, and the reduction is right. The theorem knows no local actions, no state in which a role may stop
//! and may go on, and only unbounded queues.

use std::collections::BTreeMap;

use crate::{
    id::{Id, IdVec, RoleId, StateId},
    machine::{Machine, System},
    protocol::{Act, EdgeKind, Local, State},
};

/// Why the theorem says nothing about a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// The role has a state that sends and receives.
    Mixed(RoleId),
    /// The role acts by itself.
    Acts(RoleId),
    /// The role has a state with one action that leads to two states.
    Twins(RoleId),
    /// The role has a state in which it may stop or go on.
    Optional(RoleId),
    /// The queue between these is not an unbounded one.
    Channel(RoleId, RoleId),
}

/// The looks of a system.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The first reason why the theorem says nothing.
    pub(super) outside: Option<Outside>,
    /// Every state speaks with one peer in one direction, or acts: what one role can do is independent of what others
    /// do.
    pub(super) directed: bool,
}

impl Shape {
    /// The looks of some roles of a system and of the edges between them.
    pub(super) fn of(system: &System, roles: &[RoleId]) -> Self {
        let mut shape = Self { outside: None, directed: true };
        for edge in system.edges().values() {
            if edge.kind != EdgeKind::Fifo && roles.binary_search(&edge.from).is_ok() {
                shape.outside = shape.outside.or(Some(Outside::Channel(edge.from, edge.to)));
                shape.directed = false;
            }
        }
        for &role in roles {
            let machine = &system.machines()[role];
            for state in machine.state_ids() {
                let acts = machine.offers(state).iter().map(|offer| machine.actions()[offer.action]);
                let (mut sends, mut receives, mut own, mut twins) = (false, false, false, false);
                let mut peer: Option<Act> = None;
                for action in acts {
                    twins |= action.twin > 0;
                    match action.act {
                        Act::Send(_) => sends = true,
                        Act::Receive(_) => receives = true,
                        Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => own = true,
                    }
                    shape.directed &= peer.is_none_or(|peer| peer == action.act);
                    peer = Some(action.act);
                }
                let reasons = [
                    (sends && receives, Outside::Mixed(role)),
                    (own, Outside::Acts(role)),
                    (twins, Outside::Twins(role)),
                    (machine.may_stop(state) && peer.is_some(), Outside::Optional(role)),
                ];
                let reason = reasons.into_iter().find(|&(is, _)| is).map(|(_, reason)| reason);
                shape.outside = shape.outside.or(reason);
            }
        }
        shape
    }
}

/// The roles that speak with each other, directly or through others; groups by their first role, roles ascending.
pub(super) fn groups(system: &System) -> Vec<Vec<RoleId>> {
    let mut leader: IdVec<RoleId, RoleId> = system.machines().ids().collect();
    let find = |leader: &IdVec<RoleId, RoleId>, mut role: RoleId| {
        while leader[role] != role {
            role = leader[role];
        }
        role
    };
    for edge in system.edges().values() {
        let (a, b) = (find(&leader, edge.from), find(&leader, edge.to));
        leader[a.max(b)] = a.min(b);
        // Short ways for those who come next.
        leader[edge.from] = a.min(b);
        leader[edge.to] = a.min(b);
    }
    let mut groups: BTreeMap<RoleId, Vec<RoleId>> = BTreeMap::new();
    for role in system.machines().ids() {
        groups.entry(find(&leader, role)).or_default().push(role);
    }
    groups.into_values().collect()
}

/// The system in which only some roles do anything; the others have ended before they began.
pub(super) fn alone(system: &System, roles: &[RoleId]) -> Option<System> {
    let machines = system
        .machines()
        .iter()
        .map(|(role, machine)| if roles.binary_search(&role).is_ok() { Some(machine.clone()) } else { ended(role) });
    let machines: Option<Vec<_>> = machines.collect();
    let kind = |from, to| {
        system.edges().values().find(|edge| (edge.from, edge.to) == (from, to)).map_or(EdgeKind::Fifo, |edge| edge.kind)
    };
    System::new(machines?.into(), kind).ok()
}

fn ended(role: RoleId) -> Option<Machine> {
    let end = State { may_stop: true, ..State::default() };
    let states = vec![State::default(), end];
    Machine::of(&Local { role, initial: StateId::new(1).ok()?, states: states.into() }).ok()
}

//! Small spoilings of a system: one arm or one state of one role is changed.

use super::rng::Rng;
use crate::{
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Local},
};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mutation {
    /// An arm is gone.
    Drop,
    /// An arm has another label.
    Rename,
    /// An arm has another payload.
    Resort,
    /// An arm leads to another state.
    Redirect,
    /// An arm goes to or comes from another peer.
    Repeer,
    /// Two arms of a state have changed their targets.
    Swap,
    /// Sending has become receiving, or the other way round.
    Turn,
    /// An arm stands twice, the second time with another target.
    Twin,
    /// The role may stop, or may not any more.
    Stop,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Drop,
        Self::Rename,
        Self::Resort,
        Self::Redirect,
        Self::Repeer,
        Self::Swap,
        Self::Turn,
        Self::Twin,
        Self::Stop,
    ];
}

/// Spoils one random place; `None` if it hit a place where there is nothing to spoil.
pub fn mutate(rng: &mut Rng, locals: &mut IdVec<RoleId, Local>) -> Option<(RoleId, Mutation)> {
    let mutation = *rng.pick(&Mutation::ALL)?;
    let roles = locals.len();
    let role = RoleId::new(rng.below(roles)).ok()?;
    let messages: Vec<(LabelId, SortId)> = locals
        .values()
        .flat_map(|local| local.states.values())
        .flat_map(|state| state.arms.iter().map(|arm| (arm.label, arm.sort)))
        .collect();
    let local = locals.entry_mut(role)?;
    // State 0 is dead and stays so.
    let live = local.states.len().checked_sub(1).filter(|&live| live > 0)?;
    let target = StateId::new(rng.between(1, live)).ok()?;
    let state = local.states.entry_mut(StateId::new(rng.between(1, live)).ok()?)?;
    if mutation == Mutation::Stop {
        state.may_stop = !state.may_stop;
        return Some((role, mutation));
    }
    let at = rng.below(state.arms.len());
    let mut arm = *state.arms.get(at)?;
    let before = arm;
    match mutation {
        Mutation::Drop => {
            state.arms.remove(at);
            return Some((role, mutation));
        }
        Mutation::Swap => {
            let other = rng.below(state.arms.len());
            let others = state.arms.get_mut(other)?;
            arm.then = std::mem::replace(&mut others.then, arm.then);
        }
        Mutation::Rename => arm.label = rng.pick(&messages)?.0,
        Mutation::Resort => arm.sort = rng.pick(&messages)?.1,
        Mutation::Redirect | Mutation::Twin => arm.then = target,
        Mutation::Repeer => {
            let peer = RoleId::new(rng.below(roles)).ok().filter(|&peer| peer != role)?;
            arm.act = match arm.act {
                Act::Send(_) => Act::Send(peer),
                Act::Receive(_) => Act::Receive(peer),
                Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => return None,
            };
        }
        Mutation::Turn => {
            arm.act = match arm.act {
                Act::Send(peer) => Act::Receive(peer),
                Act::Receive(peer) => Act::Send(peer),
                Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => return None,
            };
        }
        Mutation::Stop => {}
    }
    if arm == before {
        return None;
    }
    if mutation == Mutation::Twin {
        state.arms.push(arm);
    } else if let Some(slot) = state.arms.get_mut(at) {
        *slot = arm;
    }
    Some((role, mutation))
}

//! The configuration that stands for all that differ in who is who.

#![expect(
    clippy::indexing_slicing,
    reason = "members, swaps and tables of one family were made together, and states are those of the family's machines"
)]

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::{
    super::packed::{Layout, Packed},
    Family, Symmetry, Tells,
};
use crate::{
    id::{EdgeId, Id, IdVec, MessageId, RoleId, StateId},
    machine::{Cells, System},
};

/// What is needed on the way, kept for the next time.
#[derive(Debug, Default)]
pub(in super::super) struct Scratch {
    keys: Vec<u64>,
    /// The role that is now at each one's place.
    pub(in super::super) who: Vec<RoleId>,
    place: Vec<RoleId>,
    states: Vec<StateId>,
    turned: Vec<(RoleId, StateId)>,
    /// As it was, and the same to read its queues from.
    before: Vec<u64>,
}

impl Symmetry {
    /// Sorts the members of each family. Whether anything moved; then [`Scratch::who`] tells who went where.
    pub(in super::super) fn settle(
        &self,
        system: &System,
        layout: &Layout,
        words: &mut [u64],
        scratch: &mut Scratch,
    ) -> bool {
        let mut any = false;
        for family in &self.families {
            self.keys(family, &Packed { layout, words }, scratch);
            if scratch.keys.is_sorted() {
                continue;
            }
            if !any {
                any = true;
                scratch.who.clear();
                scratch.who.extend(system.machines().ids());
            }
            self.sort(family, system, layout, words, scratch);
        }
        any
    }

    /// What each member is in a configuration: the same for two that could change places.
    fn keys(&self, family: &Family, cells: &Packed<'_>, scratch: &mut Scratch) {
        let Scratch { keys, before, .. } = scratch;
        keys.clear();
        for (at, tells) in family.tells.iter().enumerate() {
            let mut hasher = FxHasher::default();
            speak(tells, cells, &mut hasher);
            for &edge in &family.edges[at] {
                self.queue(edge, cells, before, &mut hasher);
            }
            let mut sum = 0u64;
            for (tells, edges) in family.others.get(at).into_iter().flatten() {
                let mut hasher = FxHasher::default();
                speak(tells, cells, &mut hasher);
                for &edge in edges {
                    self.queue(edge, cells, before, &mut hasher);
                }
                // In any order.
                sum = sum.wrapping_add(hasher.finish());
            }
            hasher.write_u64(sum);
            keys.push(hasher.finish());
        }
    }

    /// What an edge holds, by the place of each message among those of the edge.
    fn queue(&self, edge: EdgeId, cells: &Packed<'_>, copy: &mut Vec<u64>, hasher: &mut FxHasher) {
        let queued = cells.queued(edge);
        hasher.write_usize(queued);
        let code = |head: Option<MessageId>| head.map_or(0, |head| head.raw().wrapping_sub(self.first[edge].raw()));
        if queued < 2 {
            hasher.write_u32(code(cells.head(edge)));
            return;
        }
        copy.clear();
        copy.extend_from_slice(cells.words);
        let mut cells = Packed { layout: cells.layout, words: copy };
        for _ in 0..queued {
            hasher.write_u32(code(cells.head(edge)));
            cells.pop(edge);
        }
    }

    /// Puts the members in the order of their keys, swap by swap.
    fn sort(&self, family: &Family, system: &System, layout: &Layout, words: &mut [u64], scratch: &mut Scratch) {
        let Scratch { keys, who, place, states, turned, before } = scratch;
        before.clear();
        before.extend_from_slice(words);
        let mut cells = Packed { layout, words };
        states.clear();
        states.extend(system.machines().ids().map(|role| cells.state(role)));
        // Where each role goes, in this family.
        place.clear();
        place.extend(system.machines().ids());
        let mut here: Vec<RoleId> = place.clone();
        for end in 1..keys.len() {
            let mut at = end;
            while let Some(down) = at.checked_sub(1) {
                if keys[down] <= keys[at] {
                    break;
                }
                keys.swap(down, at);
                turned.clear();
                for turn in &family.swaps[down].turns {
                    let state = states[turn.from.index()];
                    let state = turn.states.as_ref().map_or(state, |states| states[state.index()]);
                    turned.push((turn.to, state));
                    if turn.from < turn.to {
                        here.swap(turn.from.index(), turn.to.index());
                        who.swap(turn.from.index(), turn.to.index());
                    }
                }
                for &(role, state) in turned.iter() {
                    states[role.index()] = state;
                }
                at = down;
            }
        }
        for (role, &state) in system.machines().ids().zip(states.iter()) {
            cells.set_state(role, state);
        }
        for (role, &from) in system.machines().ids().zip(&here) {
            place[from.index()] = role;
        }
        let image = |edge: EdgeId| {
            let edge = system.edges()[edge];
            system.edge(place[edge.from.index()], place[edge.to.index()])
        };
        let mut old = Packed { layout, words: before };
        for &edge in &self.edges {
            if image(edge) != Some(edge) {
                while cells.queued(edge) > 0 {
                    cells.pop(edge);
                }
            }
        }
        for &edge in &self.edges {
            let Some(to) = image(edge).filter(|&to| to != edge) else { continue };
            while let Some(message) = old.head(edge) {
                let nth = message.raw().wrapping_sub(self.first[edge].raw());
                cells.push(to, MessageId::from_raw(self.first[to].raw().wrapping_add(nth)));
                old.pop(edge);
            }
        }
    }
}

/// How the states of these roles speak of a member.
fn speak(tells: &[Tells], cells: &Packed<'_>, hasher: &mut FxHasher) {
    for Tells { role, colours } in tells {
        hasher.write_u32(colours[cells.state(*role).index()]);
    }
}

/// The roles that run under other names now: who is at each place, if those are who were.
pub(in super::super) fn follow(names: &IdVec<RoleId, RoleId>, who: &[RoleId]) -> IdVec<RoleId, RoleId> {
    who.iter().map(|&role| names[role]).collect()
}

//! What somebody waits for in each configuration, where it is met, and from where it is sure to be met.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "configurations are numbered densely, goals are below `count`, all tables have an entry (or `width` words) for each"
)]

use super::{
    super::{
        detail::Waiting,
        fault::Watch,
        search::{Explored, Poll},
    },
    Bottoms, index, number,
};
use crate::{
    event::{Event, Limit},
    id::{EdgeId, Id, MessageId, RoleId},
    machine::{Cells, Move},
    protocol::Act,
};

/// Synchronous: an edge is received from, then a message is sent. Otherwise: a role takes a step, then an edge is received
/// from.
pub(super) struct Goals {
    synchronous: bool,
    pub(super) count: usize,
    width: usize,
    /// Per configuration: what is waited for, and what is met.
    needs: Vec<u64>,
    met: Vec<u64>,
    /// The steps turned round: those into `n` are `from[first[n]..first[n + 1]]`; where they begin, and by whom they are,
    /// as a number that is the same for all steps of a role in a configuration.
    first: Vec<u32>,
    from: Vec<(u32, u32)>,
    /// How many steps each such number has, and each configuration.
    of_role: Vec<u32>,
    of_all: Vec<u32>,
}

impl Goals {
    pub(super) fn new(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Self, Limit> {
        let system = explored.system;
        let synchronous = explored.semantics.bound == Some(0);
        let (roles, edges) = (system.machines().len(), system.edges().len());
        let count = if synchronous { edges + system.messages().len() } else { roles + edges };
        let width = count.div_ceil(64).max(1);
        let n = explored.len();
        let watch = Watch::new(system);
        let (mut needs, mut met) = (vec![0u64; n * width], vec![0u64; n * width]);
        let mut first = vec![0u32; n + 1];
        for at in 0..n {
            for &to in explored.steps.of(index(at)) {
                first[to as usize + 1] += 1;
            }
        }
        for at in 0..n {
            first[at + 1] += first[at];
        }
        let mut fill = first.clone();
        let mut from = vec![(0u32, 0u32); first[n] as usize];
        let mut of_role: Vec<u32> = Vec::new();
        let mut of_all = vec![0u32; n];
        explored.scan(poll, |at, cells, moves, blocked| {
            let row = at as usize * width;
            let mut met = |goal: usize| met[row + goal / 64] |= 1 << (goal % 64);
            for &step in moves {
                if synchronous {
                    if let Move::Sync { message, .. } = step {
                        met(number(system.messages()[message].edge));
                        met(edges + number(message));
                    }
                    continue;
                }
                match step {
                    Move::Receive { role, edge, .. } => {
                        met(number(role));
                        met(roles + number(edge));
                    }
                    Move::Send { role, .. } | Move::Lose { role, .. } | Move::Act { role, .. } => met(number(role)),
                    Move::Sync { sender, receiver, .. } => {
                        met(number(sender.0));
                        met(number(receiver.0));
                    }
                }
            }
            let mut need = |goal: usize| needs[row + goal / 64] |= 1 << (goal % 64);
            for (role, machine) in system.machines().iter() {
                if watch.may_stop(cells, role) {
                    continue;
                }
                if !synchronous {
                    if !blocked.contains(&role) {
                        need(number(role));
                    }
                    continue;
                }
                for offer in machine.offers(cells.state(role)) {
                    let Some(message) = system.message_of(role, offer.action) else { continue };
                    match machine.actions()[offer.action].act {
                        Act::Send(_) => need(edges + number(message)),
                        _ => need(number(system.messages()[message].edge)),
                    }
                }
            }
            if !synchronous {
                for edge in system.edges().ids().filter(|&edge| cells.queued(edge) > 0) {
                    need(roles + number(edge));
                }
            }
            // The steps of one role stand together.
            let mut last: Option<RoleId> = None;
            for (&step, &to) in moves.iter().zip(explored.steps.of(at)) {
                let role = actor(step);
                if last != Some(role) {
                    of_role.push(0);
                    last = Some(role);
                }
                let group = of_role.len() - 1;
                of_role[group] += 1;
                of_all[at as usize] += 1;
                from[fill[to as usize] as usize] = (at, index(group));
                fill[to as usize] += 1;
            }
        })?;
        Ok(Self { synchronous, count, width, needs, met, first, from, of_role, of_all })
    }

    pub(super) fn needs(&self, at: u32, goal: usize) -> bool {
        self.needs[at as usize * self.width + goal / 64] >> (goal % 64) & 1 == 1
    }

    fn met(&self, at: usize, goal: usize) -> bool {
        self.met[at * self.width + goal / 64] >> (goal % 64) & 1 == 1
    }

    /// Whether anybody ever waits for it.
    pub(super) fn is_needed(&self, goal: usize) -> bool {
        self.needs.chunks(self.width).any(|row| row[goal / 64] >> (goal % 64) & 1 == 1)
    }

    fn into(&self, at: u32) -> &[(u32, u32)] {
        &self.from[self.first[at as usize] as usize..self.first[at as usize + 1] as usize]
    }

    /// From where a goal is met on every run, or, if `by_role`, where in each configuration on the way some role's steps
    /// all lead on to it.
    pub(super) fn attractor(&self, explored: &Explored<'_>, goal: usize, by_role: bool, last: bool) -> Vec<bool> {
        let n = explored.len();
        let mut sure: Vec<bool> = (0..n).map(|at| self.met(at, goal)).collect();
        for &at in explored.cuts.iter().filter(|_| !last) {
            sure[at as usize] = true;
        }
        let mut left = if by_role { self.of_role.clone() } else { self.of_all.clone() };
        let mut open: Vec<u32> = (0..n).filter(|&at| sure[at]).map(index).collect();
        while let Some(at) = open.pop() {
            for &(source, group) in self.into(at) {
                if sure[source as usize] {
                    continue;
                }
                let counter = &mut left[if by_role { group } else { source } as usize];
                *counter -= 1;
                if *counter == 0 {
                    sure[source as usize] = true;
                    open.push(source);
                }
            }
        }
        sure
    }

    /// From where a goal is met on every fair run.
    pub(super) fn fair(&self, explored: &Explored<'_>, goal: usize, bottoms: &Bottoms, last: bool) -> Vec<bool> {
        let n = explored.len();
        let mut met_in = vec![false; bottoms.bottom.len()];
        for at in (0..n).filter(|&at| self.met(at, goal)) {
            met_in[bottoms.of(index(at))] = true;
        }
        let mut sure = vec![true; n];
        let mut open = Vec::new();
        for at in 0..n {
            if bottoms.is_in(index(at)) && !met_in[bottoms.of(index(at))] {
                sure[at] = false;
                open.push(index(at));
            }
        }
        while let Some(at) = open.pop() {
            for &(source, _) in self.into(at) {
                let cut = !last && explored.cuts.binary_search(&source).is_ok();
                if sure[source as usize] && !self.met(source as usize, goal) && !cut {
                    sure[source as usize] = false;
                    open.push(source);
                }
            }
        }
        sure
    }

    /// Who waits for a goal, and for what.
    pub(super) fn waiting(&self, explored: &Explored<'_>, at: u32, goal: usize) -> Waiting {
        let system = explored.system;
        let watch = Watch::new(system);
        let first = if self.synchronous { system.edges().len() } else { system.machines().len() };
        explored.with(at, |cells| match (self.synchronous, goal.checked_sub(first)) {
            (true, None) => {
                let edge = system.edges()[EdgeId::from_raw(index(goal))];
                let mut offers = watch.offers(cells, edge.to);
                offers.retain(|event| matches!(event, Event::Receive { from, .. } if *from == edge.from));
                Waiting { role: edge.to, offers }
            }
            (true, Some(message)) => {
                let message = MessageId::from_raw(index(message));
                let role = system.edges()[system.messages()[message].edge].from;
                Waiting { role, offers: vec![system.send_event(message)] }
            }
            (false, None) => {
                let role = RoleId::from_raw(index(goal));
                Waiting { role, offers: watch.offers(cells, role) }
            }
            (false, Some(edge)) => {
                let edge = EdgeId::from_raw(index(edge));
                let head = cells.head(edge).map(|head| system.receive_event(head));
                Waiting { role: system.edges()[edge].to, offers: head.into_iter().collect() }
            }
        })
    }
}

/// Whose step it is; of a synchronous one the sender, who has the choice.
fn actor(step: Move) -> RoleId {
    match step {
        Move::Send { role, .. } | Move::Lose { role, .. } | Move::Receive { role, .. } | Move::Act { role, .. } => role,
        Move::Sync { sender, .. } => sender.0,
    }
}

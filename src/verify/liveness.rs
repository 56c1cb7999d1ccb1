//! Properties of the whole graph of configurations: `live` and `terminating`.
//!
//! One pass over the strongly connected components, which come out in reverse topological order: what can still happen
//! from a component is what happens in it or can still happen from a component that it leads to. So "from every
//! configuration each waiting role can be served" costs one set of bits per component and no search per goal. All
//! passes are linear and keep their stacks themselves.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "configurations are numbered densely and all tables here have one entry (or `width` words) for each"
)]

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{
    cone::Seeds,
    detail::{Detail, Queued, Waiting},
    fault::Watch,
    hopeless::hopeless,
    judge::Finding,
    packed::Packed,
    search::{Explored, Poll},
};
use crate::{
    event::{Event, Limit},
    id::{EdgeId, Id, RoleId},
    machine::{Cells, Move},
};

/// Bytes that the passes need per configuration, for systems with so many goals.
pub(super) fn overhead(goals: usize) -> usize {
    24usize.saturating_add(goals.div_ceil(64).saturating_mul(24))
}

/// The strongly connected component of each configuration, numbered in reverse topological order.
pub(super) struct Components {
    pub(super) of: Vec<u32>,
    pub(super) count: usize,
}

impl Components {
    /// Of the whole graph.
    pub(super) fn new(explored: &Explored<'_>) -> Self {
        Self::within(explored, |_| true)
    }

    /// Of a part of the graph; what is not in it has no component. Tarjan's algorithm with an explicit stack.
    pub(super) fn within(explored: &Explored<'_>, inside: impl Fn(u32) -> bool) -> Self {
        const NEW: u32 = u32::MAX;
        let n = explored.len();
        let mut of = vec![NEW; n];
        let mut low = vec![NEW; n];
        let mut stack: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, usize)> = Vec::new();
        let mut next: u32 = 0;
        let mut count: usize = 0;
        // Entry number of a configuration on the stack; those that have a component are told by `of`.
        let mut entry = vec![NEW; n];
        for root in 0..u32::try_from(n).unwrap_or(u32::MAX) {
            if entry[root as usize] != NEW || !inside(root) {
                continue;
            }
            calls.push((root, 0));
            while let Some(&mut (at, ref mut nth)) = calls.last_mut() {
                let me = at as usize;
                if *nth == 0 {
                    entry[me] = next;
                    low[me] = next;
                    next += 1;
                    stack.push(at);
                }
                if let Some(&to) = explored.steps.of(at).get(*nth) {
                    *nth += 1;
                    let to_index = to as usize;
                    if !inside(to) {
                        continue;
                    }
                    if entry[to_index] == NEW {
                        calls.push((to, 0));
                    } else if of[to_index] == NEW {
                        low[me] = low[me].min(entry[to_index]);
                    }
                    continue;
                }
                calls.pop();
                if let Some(&(parent, _)) = calls.last() {
                    low[parent as usize] = low[parent as usize].min(low[me]);
                }
                if low[me] == entry[me] {
                    while let Some(member) = stack.pop() {
                        of[member as usize] = u32::try_from(count).unwrap_or(u32::MAX);
                        if member == at {
                            break;
                        }
                    }
                    count += 1;
                }
            }
        }
        Self { of, count }
    }

    /// Whether a configuration lies on a cycle.
    fn cyclic(&self, explored: &Explored<'_>, size: &[u32], at: u32) -> bool {
        size[self.of[at as usize] as usize] > 1 || explored.steps.of(at).contains(&at)
    }

    pub(super) fn sizes(&self) -> Vec<u32> {
        let mut size = vec![0u32; self.count];
        for &component in self.of.iter().filter(|&&component| component != u32::MAX) {
            size[component as usize] += 1;
        }
        size
    }
}

/// A configuration from which some waiting role can never be served or some queued message never be received.
///
/// If `last`, under this bound. Otherwise under every bound: where a send lacks only the exploration's room, everything
/// might still happen, unless a look at the control flow alone says that it cannot ([`hopeless`]).
pub(super) fn live(explored: &Explored<'_>, last: bool, poll: &mut Poll<'_>) -> Result<Option<Finding>, Limit> {
    let goals = Goals::new(explored, poll)?;
    if last || !explored.cut {
        return Ok(goals.lost(explored, false, |_, _| true).and_then(|lost| starved(explored, lost, last)));
    }
    let mut tries: usize = 0;
    let lost = goals.lost(explored, true, |_, _| true).or_else(|| {
        goals.lost(explored, false, |at, goal| {
            tries += 1;
            tries <= MAX_TRIES && hopeless(explored, at, goal)
        })
    });
    Ok(lost.and_then(|lost| starved(explored, lost, last)))
}

/// So many configurations are looked at for a goal that is out of reach of the control flow.
const MAX_TRIES: usize = 2_000;

/// What each configuration needs, and what happens in each component. Goals are numbered: a role takes a step, then an
/// edge's head is received; `width` words hold a bit for each.
struct Goals {
    components: Components,
    width: usize,
    /// Per configuration.
    needs: Vec<u64>,
    /// Per component.
    happens: Vec<u64>,
}

impl Goals {
    fn new(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Self, Limit> {
        let system = explored.system;
        let roles = system.machines().len();
        let width = (roles + system.edges().len()).div_ceil(64);
        let components = Components::new(explored);
        let watch = Watch::new(system);
        let mut happens = vec![0u64; components.count * width];
        let mut needs = vec![0u64; explored.len() * width];
        explored.scan(poll, |at, cells, moves, blocked| {
            let at = at as usize;
            let own = components.of[at] as usize * width;
            for step in moves {
                let mut set = |goal: usize| happens[own + goal / 64] |= 1 << (goal % 64);
                match *step {
                    Move::Send { role, .. } | Move::Lose { role, .. } | Move::Act { role, .. } => set(role.index()),
                    Move::Receive { role, edge, .. } => {
                        set(role.index());
                        set(roles + edge.index());
                    }
                    Move::Sync { sender, receiver, .. } => {
                        set(sender.0.index());
                        set(receiver.0.index());
                    }
                }
            }
            let mut need = |goal: usize| needs[at * width + goal / 64] |= 1 << (goal % 64);
            for role in system.machines().ids() {
                if !watch.may_stop(cells, role) && !blocked.contains(&role) {
                    need(role.index());
                }
            }
            for edge in system.edges().ids() {
                if cells.queued(edge) > 0 {
                    need(roles + edge.index());
                }
            }
        })?;
        Ok(Self { components, width, needs, happens })
    }

    /// The first configuration with a goal that is out of reach, if `sure` agrees. If `optimistic`, everything is in
    /// reach of a send that lacks only room.
    fn lost(
        &self,
        explored: &Explored<'_>,
        optimistic: bool,
        mut sure: impl FnMut(u32, usize) -> bool,
    ) -> Option<(u32, usize)> {
        let width = self.width;
        let mut can = self.happens.clone();
        for &at in explored.cuts.iter().filter(|_| optimistic) {
            let own = self.components.of[at as usize] as usize * width;
            can[own..own + width].fill(u64::MAX);
        }
        // Components that a component leads to have smaller numbers, so theirs is complete when its turn comes.
        let n = explored.len();
        let mut members: Vec<u32> = (0..n).map(index).collect();
        members.sort_unstable_by_key(|&at| self.components.of[at as usize]);
        for &at in &members {
            let own = self.components.of[at as usize] as usize;
            for &to in explored.steps.of(at) {
                let other = self.components.of[to as usize] as usize;
                if other != own {
                    for word in 0..width {
                        can[own * width + word] |= can[other * width + word];
                    }
                }
            }
        }
        (0..n).find_map(|at| {
            let own = self.components.of[at] as usize * width;
            let mut goals = (0..width).filter_map(|word| {
                let lost = self.needs[at * width + word] & !can[own + word];
                (lost != 0).then(|| word * 64 + lost.trailing_zeros() as usize)
            });
            goals.next().map(|goal| (index(at), goal)).filter(|&(at, goal)| sure(at, goal))
        })
    }
}

/// The run to where a goal is lost, and on from there for ever.
fn starved(explored: &Explored<'_>, (at, goal): (u32, usize), last: bool) -> Option<Finding> {
    let roles = explored.system.machines().len();
    let watch = Watch::new(explored.system);
    let mut run = explored.run_to(at);
    let lost_at = run.len();
    let (more, cycle) = afterwards(explored, at, last);
    run.extend(more);
    let detail = explored.with(at, |cells| {
        if let Some(edge) = goal.checked_sub(roles) {
            let message = cells.head(EdgeId::from_raw(index(edge)))?;
            Some(Detail::Unreceived { message: queued(explored, message), lost_at })
        } else {
            let role = RoleId::from_raw(index(goal));
            Some(Detail::Starved { waiting: Waiting { role, offers: watch.offers(cells, role) }, lost_at })
        }
    })?;
    let seeds = match &detail {
        Detail::Unreceived { message, .. } => {
            Seeds { roles: vec![message.to], heads: vec![(message.from, message.to)], ..Seeds::default() }
        }
        _ => Seeds { roles: detail.roles(), ..Seeds::default() },
    };
    let cycle_at = cycle.map(|cycle| lost_at + cycle);
    Some(Finding { run, cycle_at, detail, seeds })
}

/// A run that does not end, or ends where it may not.
pub(super) fn terminating(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Option<Finding>, Limit> {
    let system = explored.system;
    let watch = Watch::new(system);
    let mut stuck = None;
    explored.scan(poll, |at, cells, moves, blocked| {
        if stuck.is_none() && moves.is_empty() && blocked.is_empty() && !system.is_final(cells) {
            stuck = Some(at);
        }
    })?;
    let components = Components::new(explored);
    let size = components.sizes();
    let cyclic = (0..explored.len()).map(index).find(|&at| components.cyclic(explored, &size, at));
    let endless = cyclic.map(|at| {
        let mut run = explored.run_to(at);
        let start = run.len();
        run.extend(cycle(explored, at));
        (run, start)
    });
    let stuck = stuck.map(|at| (explored.run_to(at), at));
    Ok(match (stuck, endless) {
        (Some((run, at)), endless) if endless.as_ref().is_none_or(|(cycle, _)| run.len() <= cycle.len()) => {
            Some(explored.with(at, |cells| {
                let waiting = waiting(&watch, cells);
                let seeds = Seeds {
                    roles: waiting.iter().map(|waiting| waiting.role).collect(),
                    heads: heads(explored, cells),
                    events: Vec::new(),
                };
                Finding { run, cycle_at: None, detail: Detail::Stuck(waiting), seeds }
            }))
        }
        (_, Some((run, start))) => {
            Some(Finding { run, cycle_at: Some(start), detail: Detail::Endless, seeds: Seeds::default() })
        }
        _ => None,
    })
}

/// The roles that may not stop, with what they wait for.
pub(super) fn waiting(watch: &Watch<'_>, cells: &Packed<'_>) -> Vec<Waiting> {
    let waits = |role| Waiting { role, offers: watch.offers(cells, role) };
    watch.stuck(cells).into_iter().map(waits).collect()
}

/// The edges with a message, by their ends.
pub(super) fn heads(explored: &Explored<'_>, cells: &Packed<'_>) -> Vec<(RoleId, RoleId)> {
    let edges = explored.system.edges().iter().filter(|&(id, _)| cells.queued(id) > 0);
    edges.map(|(_, edge)| (edge.from, edge.to)).collect()
}

pub(super) fn queued(explored: &Explored<'_>, message: crate::id::MessageId) -> Queued {
    let info = explored.system.messages()[message];
    let edge = explored.system.edges()[info.edge];
    Queued { from: edge.from, to: edge.to, label: info.label, sort: info.sort }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A shortest way from a configuration back to itself.
fn cycle(explored: &Explored<'_>, start: u32) -> Vec<Event> {
    let mut from: FxHashMap<u32, (u32, usize)> = FxHashMap::default();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (nth, &to) in explored.steps.of(at).iter().enumerate() {
            if to == start {
                let mut run: Vec<Event> = explored.event(at, nth).into_iter().collect();
                let mut at = at;
                while let Some(&(before, nth)) = from.get(&at) {
                    run.extend(explored.event(before, nth));
                    at = before;
                }
                run.reverse();
                return run;
            }
            if to != start && !from.contains_key(&to) {
                from.insert(to, (at, nth));
                queue.push_back(to);
            }
        }
    }
    Vec::new()
}

/// How things go on from a configuration for ever: a shortest way to one where nothing happens any more, or into a
/// cycle, which begins so many events later.
///
/// A configuration in which a send lacks only room is an end only if the verdict is about this bound.
fn afterwards(explored: &Explored<'_>, start: u32, last: bool) -> (Vec<Event>, Option<usize>) {
    // Depth in the tree of the search, the parent and the move.
    let mut seen: FxHashMap<u32, (usize, u32, usize)> = FxHashMap::default();
    seen.insert(start, (0, start, 0));
    let mut queue = VecDeque::from([start]);
    let run_to = |seen: &FxHashMap<u32, (usize, u32, usize)>, mut at: u32| {
        let mut run = Vec::new();
        while let Some(&(depth, before, nth)) = seen.get(&at) {
            if depth == 0 {
                break;
            }
            run.extend(explored.event(before, nth));
            at = before;
        }
        run.reverse();
        run
    };
    while let Some(at) = queue.pop_front() {
        let steps = explored.steps.of(at);
        if steps.is_empty() && (last || explored.cuts.binary_search(&at).is_err()) {
            return (run_to(&seen, at), None);
        }
        for (nth, &to) in steps.iter().enumerate() {
            let Some(&(depth, ..)) = seen.get(&to) else {
                let depth = seen.get(&at).map_or(0, |&(depth, ..)| depth + 1);
                seen.insert(to, (depth, at, nth));
                queue.push_back(to);
                continue;
            };
            // A cycle only if `to` lies on the way to `at`.
            let mut above = at;
            while let Some(&(d, before, _)) = seen.get(&above) {
                if d <= depth {
                    break;
                }
                above = before;
            }
            if above == to {
                let mut run = run_to(&seen, at);
                run.extend(explored.event(at, nth));
                return (run, Some(depth));
            }
        }
    }
    (Vec::new(), None)
}

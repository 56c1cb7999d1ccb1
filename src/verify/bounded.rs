//! Whether queues are bounded: runs that can be repeated for ever and leave more in a queue each time.
//!
//! A *pump* is a run from a configuration c to a configuration c' with the same states, whose queues hold at least as
//! much, and more on some edge, such that the run can follow itself for ever. For an edge that holds w in c, on which
//! the run sends x and receives y, it can if y is empty, or if the infinite words w·x·x·x… and y·y·y… are equal: then
//! what is received in each turn is what the turns before have left. (What is received within a turn before it is sent
//! is there, since a queue is never shorter than it was a turn earlier.) By Fine and Wilf two such words are equal
//! if their first |w| + |x| + |y| letters are. Cf. Jéron and Jard, "Testing for unboundedness of FIFO channels", 1993.
//!
//! Pumps are looked for along the shortest runs to all configurations of an exploration, shortest first. Not finding one
//! proves nothing.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    cone::Seeds,
    detail::Detail,
    judge::Finding,
    search::{Explored, Poll},
};
use crate::{
    event::{Event, Limit},
    id::{IdVec, LabelId, RoleId, SortId, StateId},
    machine::{Cells, Semantics},
    protocol::EdgeKind,
};

/// Pairs of configurations that are looked at before giving up.
const MAX_PAIRS: usize = 4_000_000;

type Letter = (LabelId, SortId);

/// A shortest run into a pump, among those along the shortest runs of the exploration.
pub(super) fn pump(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Option<Finding>, Limit> {
    let system = explored.system;
    let mut numbers: FxHashMap<Box<[StateId]>, u32> = FxHashMap::default();
    let mut states: Vec<StateId> = Vec::new();
    // Per configuration: its states as one number, and how many messages it holds.
    let mut facts: Vec<(u32, usize)> = Vec::with_capacity(explored.len());
    explored.scan(poll, |_, cells, _, _| {
        states.clear();
        states.extend(system.machines().ids().map(|role| cells.state(role)));
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let number = match numbers.get(states.as_slice()) {
            Some(&number) => number,
            None => *numbers.entry(states.as_slice().into()).or_insert(next),
        };
        facts.push((number, system.edges().ids().map(|edge| cells.queued(edge)).sum()));
    })?;
    let mut pairs: usize = 0;
    for (at, &(number, queued)) in (0..).zip(&facts) {
        let mut above = explored.before(at);
        while let Some(before) = above {
            pairs = pairs.saturating_add(1);
            if pairs > MAX_PAIRS {
                return Ok(None);
            }
            if facts.get(before as usize).is_some_and(|&(n, held)| n == number && held < queued)
                && let Some(finding) = check(explored, before, at)
            {
                return Ok(Some(finding));
            }
            above = explored.before(before);
        }
    }
    Ok(None)
}

/// Whether the way from one configuration to a later one on its shortest run is a pump.
fn check(explored: &Explored<'_>, from: u32, to: u32) -> Option<Finding> {
    let run = explored.run_to(to);
    let start = explored.run_to(from).len();
    let cycle = run.get(start..)?;
    let mut grows = None;
    for edge in explored.system.edges().values() {
        let ends = (edge.from, edge.to);
        let letters = |wanted: fn(Event) -> Option<(RoleId, RoleId, Letter)>, events: &[Event]| -> Vec<Letter> {
            let all = events.iter().filter_map(|&event| wanted(event));
            all.filter(|&(from, to, _)| (from, to) == ends).map(|(.., letter)| letter).collect()
        };
        let sent = letters(sent, cycle);
        let received = letters(received, cycle);
        let before = run.get(..start)?;
        let held: Vec<Letter> = super::cone::queues(before).remove(&ends).map_or(Vec::new(), VecDeque::into);
        // A declared bound is a real one: there a queue may not grow.
        // What was lost or replaced is not seen in a run.
        if matches!(edge.kind, EdgeKind::Lossy | EdgeKind::Latest) && sent.len().max(received.len()) > 0 {
            return None;
        }
        let fixed = Semantics::default().capacity(edge.kind).is_some() && sent.len() != received.len();
        if fixed || !repeats(&held, &sent, &received) {
            return None;
        }
        if sent.len() > received.len() {
            grows = grows.or(Some(ends));
        }
    }
    let (from, to) = grows?;
    Some(Finding { cycle_at: Some(start), detail: Detail::Unbounded { from, to }, seeds: Seeds::default(), run })
}

/// Whether a queue that holds `held` can be sent `sent` and received `received` from, again and again.
pub(super) fn repeats<T: PartialEq>(held: &[T], sent: &[T], received: &[T]) -> bool {
    if received.is_empty() {
        return true;
    }
    if sent.len() < received.len() {
        return false;
    }
    let all = held.len().saturating_add(sent.len()).saturating_add(received.len());
    held.iter().chain(sent.iter().cycle()).zip(received.iter().cycle()).take(all).all(|(a, b)| a == b)
}

fn sent(event: Event) -> Option<(RoleId, RoleId, Letter)> {
    match event {
        Event::Send { from, to, label, sort } => Some((from, to, (label, sort))),
        _ => None,
    }
}

fn received(event: Event) -> Option<(RoleId, RoleId, Letter)> {
    match event {
        Event::Receive { from, to, label, sort } => Some((from, to, (label, sort))),
        _ => None,
    }
}

/// A shortest run whose last send makes some queue hold more than `bound`.
pub(super) fn overflow(explored: &Explored<'_>, at: u32, bound: u32) -> Option<Finding> {
    let system = explored.system;
    let mut run = explored.run_to(at);
    // The roles that have a send for which there is no room.
    let mut full: FxHashSet<_> = FxHashSet::default();
    explored.with_moves(at, &mut Vec::new(), |edge, by_the_bound| {
        if by_the_bound {
            full.insert(edge);
        }
    });
    let (message, edge) = system.edges().iter().filter(|(id, _)| full.contains(id)).find_map(|(id, edge)| {
        let machine = &system.machines()[edge.from];
        let state = explored.with(at, |cells| cells.state(edge.from));
        let messages = machine.offers(state).iter().filter_map(|offer| system.message_of(edge.from, offer.action));
        messages.filter(|&message| system.messages()[message].edge == id).map(|message| (message, edge)).next()
    })?;
    run.push(system.send_event(message));
    let seeds = Seeds { roles: vec![edge.from], ..Seeds::default() };
    let detail = Detail::Overflow { from: edge.from, to: edge.to, bound };
    Some(Finding { run, cycle_at: None, detail, seeds })
}

/// For a claim that nothing is ever queued: the run to the first message in a queue.
pub(super) fn queued(explored: &Explored<'_>, at: u32) -> Option<Finding> {
    let edges: IdVec<_, _> = explored.system.edges().values().copied().collect();
    let edge = explored.with(at, |cells| edges.iter().find(|&(id, _)| cells.queued(id) > 0).map(|(_, edge)| *edge))?;
    let seeds = Seeds { roles: vec![edge.from], ..Seeds::default() };
    let detail = Detail::Overflow { from: edge.from, to: edge.to, bound: 0 };
    Some(Finding { run: explored.run_to(at), cycle_at: None, detail, seeds })
}

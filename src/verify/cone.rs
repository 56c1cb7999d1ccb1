//! The causal cone: the events of a run that a failure depends on.
//!
//! An event depends on the event before it of each role that takes part in it, and a receive on the send that it
//! takes from the queue. The cone of a failure are the last events of what it names (roles, queued messages) and all
//! that they depend on, computed in one pass backward.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    event::Event,
    id::{LabelId, RoleId, SortId},
};

/// What a failure consists in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seeds {
    /// These roles are where they are.
    pub(super) roles: Vec<RoleId>,
    /// The heads of the queues between these are what they are.
    pub(super) heads: Vec<(RoleId, RoleId)>,
    /// These events themselves, by index.
    pub(super) events: Vec<usize>,
}

/// The indices of the events that the seeds depend on, ascending.
pub(super) fn cone(run: &[Event], seeds: &Seeds) -> Vec<usize> {
    let mut last: FxHashMap<RoleId, usize> = FxHashMap::default();
    let mut queued: FxHashMap<(RoleId, RoleId), VecDeque<usize>> = FxHashMap::default();
    // What each event depends on directly.
    let mut direct: Vec<Vec<usize>> = Vec::with_capacity(run.len());
    for (at, &event) in run.iter().enumerate() {
        let mut on = Vec::new();
        let (first, second) = match event {
            Event::Sync { from, to, .. } => (from, Some(to)),
            other => (other.subject(), None),
        };
        for role in [Some(first), second].into_iter().flatten() {
            on.extend(last.insert(role, at));
        }
        match event {
            Event::Send { from, to, .. } => queued.entry((from, to)).or_default().push_back(at),
            Event::Receive { from, to, label, sort } => {
                // On an edge that loses or replaces, what was in front is gone.
                let queue = queued.entry((from, to)).or_default();
                while let Some(sent) = queue.pop_front() {
                    if run.get(sent) == Some(&Event::Send { from, to, label, sort }) {
                        on.push(sent);
                        break;
                    }
                }
            }
            _ => {}
        }
        direct.push(on);
    }
    let mut wanted: FxHashSet<usize> = seeds.events.iter().copied().collect();
    wanted.extend(seeds.roles.iter().filter_map(|role| last.get(role)));
    wanted.extend(seeds.heads.iter().filter_map(|edge| queued.get(edge)?.front()));
    let mut cone = Vec::new();
    for (at, on) in direct.iter().enumerate().rev() {
        if wanted.contains(&at) {
            cone.push(at);
            wanted.extend(on);
        }
    }
    cone.reverse();
    cone
}

/// What each edge's queue holds after a run, the head first.
pub(super) fn queues(run: &[Event]) -> FxHashMap<(RoleId, RoleId), VecDeque<(LabelId, SortId)>> {
    let mut queues: FxHashMap<_, VecDeque<_>> = FxHashMap::default();
    for &event in run {
        match event {
            Event::Send { from, to, label, sort } => queues.entry((from, to)).or_default().push_back((label, sort)),
            Event::Receive { from, to, label, sort } => {
                let queue = queues.entry((from, to)).or_default();
                while queue.pop_front().is_some_and(|head| head != (label, sort)) {}
            }
            _ => {}
        }
    }
    queues
}

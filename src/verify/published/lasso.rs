//! A run that stays where a goal is missed, for ever: a shortest way, and a shortest cycle from there.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::super::{liveness::Components, search::Explored};
use crate::event::Event;

/// Where a way came from: a configuration, and which of its steps.
type From = FxHashMap<u32, (u32, usize)>;

/// The shortest way inside of a set to a configuration that nothing leads on from, or that lies on a cycle inside of the
/// set and is at `home`; then a shortest such cycle, and after how many events it begins.
pub(super) fn lasso(
    explored: &Explored<'_>,
    start: u32,
    inside: impl Fn(u32) -> bool,
    home: impl Fn(u32) -> bool,
) -> (Vec<Event>, Option<usize>) {
    let components = Components::within(explored, &inside);
    let size = components.sizes();
    let cyclic = |at: u32| {
        let own = components.of.get(at as usize).and_then(|&component| size.get(component as usize));
        own.is_some_and(|&size| size > 1) || explored.steps.of(at).contains(&at)
    };
    let mut from: From = FxHashMap::default();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let steps = explored.steps.of(at);
        if home(at) && (steps.is_empty() || cyclic(at)) {
            let mut run = back(explored, &from, start, at);
            if steps.is_empty() {
                return (run, None);
            }
            let begins = run.len();
            run.extend(cycle(explored, at, &inside));
            return (run, Some(begins));
        }
        for (nth, &to) in steps.iter().enumerate() {
            if to != start && inside(to) && !from.contains_key(&to) {
                from.insert(to, (at, nth));
                queue.push_back(to);
            }
        }
    }
    (Vec::new(), None)
}

/// A shortest way inside of a set from a configuration back to itself.
pub(super) fn cycle(explored: &Explored<'_>, start: u32, inside: impl Fn(u32) -> bool) -> Vec<Event> {
    let mut from: From = FxHashMap::default();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (nth, &to) in explored.steps.of(at).iter().enumerate() {
            if to == start {
                let mut run = back(explored, &from, start, at);
                run.extend(explored.event(at, nth));
                return run;
            }
            if inside(to) && !from.contains_key(&to) {
                from.insert(to, (at, nth));
                queue.push_back(to);
            }
        }
    }
    Vec::new()
}

fn back(explored: &Explored<'_>, from: &From, start: u32, mut at: u32) -> Vec<Event> {
    let mut run = Vec::new();
    while at != start {
        let Some(&(before, nth)) = from.get(&at) else { break };
        run.extend(explored.event(before, nth));
        at = before;
    }
    run.reverse();
    run
}

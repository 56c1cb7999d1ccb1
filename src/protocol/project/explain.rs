//! From a misfit back to the start: two whole runs that look the same to the role, and the choice where they part.
//!
//! In: the builder at the moment of the misfit. Out: a [`Clash`]. States remember how they were first entered; going
//! back, a run is chosen for each of the two heads, and as soon as both can have come from the same step they stay
//! together, so the runs part as late as possible.

use rustc_hash::FxHashMap;
use std::collections::VecDeque;

use super::{
    Clash, Discipline, Does, Kind, Mend, Mismatch, ProjectionError, Side,
    build::{Builder, entry},
    index::successor,
    merge::Misfit,
};
use crate::{
    id::{NodeId, StateId},
    protocol::{Act, Chooser, Node},
};

/// The error of a role at a state whose heads do not fit.
pub(super) fn clash(builder: &mut Builder<'_, '_, '_>, state: StateId, misfit: &Misfit) -> ProjectionError {
    let role = builder.view.role;
    let heads = builder.states.heads(state);
    let start = builder.index.graph.start;
    let first = heads.get(misfit.first).copied().unwrap_or(start);
    let second = heads.get(misfit.second).copied().unwrap_or(start);
    let (one, other) = runs(builder, state, first, second);
    let common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let fork = common.checked_sub(1).and_then(|last| outermost(builder, &one, last));
    let mut first = side(builder, misfit.why, first, one, common);
    let mut second = side(builder, misfit.why, second, other, common);
    // As they are written.
    let place = |side: &Side| side.arm.map(|arm| builder.index.graph.spans[arm]);
    if place(&second) < place(&first) {
        std::mem::swap(&mut first, &mut second);
    }
    // The arms of a choice of its own that begin alike are one arm to the role itself.
    if let (Some(fork), Some(first), Some(second)) = (fork, first.arm, second.arm)
        && matches!(builder.index.graph.nodes[fork], Node::Fork { at: Chooser::Role(at), .. } if at == role)
    {
        return ProjectionError { role, kind: Kind::Alike { fork, first, second } };
    }
    let mend = match (builder.discipline(), fork) {
        (Some(Discipline::Full), Some(fork)) => {
            Mend::of(builder.index, builder.scratch, fork, role, misfit.why, [&first, &second])
        }
        _ => None,
    };
    ProjectionError { role, kind: Kind::Clash(Box::new(Clash { why: misfit.why, first, second, fork, mend })) }
}

/// The choice at a position of a run, with the choices of the same role that it stands right inside of.
fn outermost(builder: &Builder<'_, '_, '_>, run: &[NodeId], last: usize) -> Option<NodeId> {
    let chooser = |node: &NodeId| match builder.index.graph.nodes[*node] {
        Node::Fork { at: Chooser::Role(role), .. } => Some(role),
        _ => None,
    };
    let upto = run.get(..=last)?;
    let at = upto.last().and_then(chooser)?;
    upto.iter().rev().take_while(|node| chooser(node) == Some(at)).last().copied()
}

fn side(builder: &mut Builder<'_, '_, '_>, why: Mismatch, head: NodeId, path: Vec<NodeId>, common: usize) -> Side {
    let graph = builder.index.graph;
    let is_step = |node: &&NodeId| matches!(graph.nodes[**node], Node::Step { .. });
    let mut arm = path.get(common..).unwrap_or(&[]).iter().find(is_step).copied();
    let (mut node, mut does) = (head, Does::Ends);
    if builder.index.quiet(head, builder.view.role).is_some() {
        does = Does::Idles;
    } else if !matches!(graph.nodes[head], Node::End) {
        let steps = steps_of(builder, head);
        if let Mismatch::Payload(label) = why {
            let has_label = |step: &&NodeId| matches!(graph.nodes[**step], Node::Step { label: l, .. } if l == label);
            node = steps.iter().find(has_label).copied().unwrap_or(head);
        }
        arm = arm.or(steps.first().copied());
        let first = if node == head { steps.first().copied() } else { Some(node) };
        does = match first.and_then(|step| entry(builder.index, builder.view.role, step, 0, 0)) {
            Some(entry) => match entry.act {
                Act::Receive(peer) => Does::Waits(peer),
                _ if node == head && steps.len() > 1 => Does::Decides,
                Act::Send(to) => Does::Sends(to, entry.label, entry.sort),
                Act::Act => Does::Acts(entry.label, entry.sort),
                Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => Does::Decides,
            },
            None => Does::Ends,
        };
    }
    // The last node of the path is where the role would go on: not part of what happened.
    let happened = path.len().saturating_sub(1);
    let run = path.iter().take(happened).filter(is_step).copied().collect();
    Side { node, does, arm, run }
}

/// The steps that a head stands for.
fn steps_of(builder: &mut Builder<'_, '_, '_>, head: NodeId) -> Vec<NodeId> {
    match builder.index.graph.nodes[head] {
        Node::Step { .. } => vec![head],
        Node::Fork { .. } => {
            let mut steps = Vec::new();
            builder.index.firsts(head, builder.scratch, &mut steps);
            steps
        }
        Node::End | Node::Set { .. } => Vec::new(),
    }
}

/// The nodes from the start to two heads of a state, by way of the states that led there first.
fn runs(
    builder: &mut Builder<'_, '_, '_>,
    state: StateId,
    first: NodeId,
    second: NodeId,
) -> (Vec<NodeId>, Vec<NodeId>) {
    // Both runs from behind; once they are one, only the first grows, from `joined` on.
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let (mut first, mut second) = (first, second);
    let mut joined: Option<usize> = None;
    let mut at = state;
    loop {
        let origin = builder.states.origins[at];
        let (from_first, from_second) = if origin.state == StateId::default() {
            let start = (None, builder.index.graph.start);
            (start, start)
        } else {
            let (one, other) = sources(builder, origin.state, origin.step, first, second);
            (with_then(builder, one), with_then(builder, other))
        };
        one.extend(path(builder, from_first.1, first).into_iter().rev());
        if joined.is_none() {
            other.extend(path(builder, from_second.1, second).into_iter().rev());
            if from_first == from_second {
                joined = Some(one.len());
            }
        }
        let (Some((head, step)), Some((second_head, second_step))) = (from_first.0, from_second.0) else { break };
        // The path of the next turn ends with the head itself; what a choice leads to is still missing.
        if step != head {
            one.push(step);
        }
        if joined.is_none() && second_step != second_head {
            other.push(second_step);
        }
        (first, second) = (head, second_head);
        at = origin.state;
    }
    other.extend(one.iter().skip(joined.unwrap_or(one.len())).copied());
    one.reverse();
    other.reverse();
    (one, other)
}

type Source = Option<(NodeId, NodeId)>;

fn with_then(builder: &Builder<'_, '_, '_>, source: Source) -> (Source, NodeId) {
    let then = source.and_then(|(_, step)| successor(builder.index.graph, step, 0));
    (source, then.unwrap_or(builder.index.graph.start))
}

/// The heads and steps of a state that, by the same action as `like`, lead to two heads: the same for both if there is
/// one.
fn sources(
    builder: &mut Builder<'_, '_, '_>,
    state: StateId,
    like: NodeId,
    first: NodeId,
    second: NodeId,
) -> (Source, Source) {
    let role = builder.view.role;
    let key = entry(builder.index, role, like, 0, 0).map(|entry| entry.key());
    let (mut to_first, mut to_second) = (None, None);
    let mut heads = Vec::new();
    for head in builder.states.heads(state).to_vec() {
        for step in steps_of(builder, head) {
            if entry(builder.index, role, step, 0, 0).map(|entry| entry.key()) != key {
                continue;
            }
            let Some(then) = successor(builder.index.graph, step, 0) else { continue };
            builder.index.close(builder.view, &[then], builder.scratch, &mut heads);
            let (one, other) = (heads.binary_search(&first).is_ok(), heads.binary_search(&second).is_ok());
            if one && other {
                return (Some((head, step)), Some((head, step)));
            }
            if one && to_first.is_none() {
                to_first = Some((head, step));
            }
            if other && to_second.is_none() {
                to_second = Some((head, step));
            }
        }
    }
    (to_first, to_second)
}

/// A shortest path over what the role does not see, both ends included.
fn path(builder: &Builder<'_, '_, '_>, from: NodeId, head: NodeId) -> Vec<NodeId> {
    let (index, view) = (builder.index, builder.view);
    let mut parents: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    let mut queue = VecDeque::from([from]);
    parents.insert(from, from);
    while let Some(node) = queue.pop_front() {
        match index.head(view, node) {
            Some(found) if found == head => {
                let mut path = vec![node];
                let mut at = node;
                while let Some(&parent) = parents.get(&at).filter(|&&parent| parent != at) {
                    path.push(parent);
                    at = parent;
                }
                path.reverse();
                return path;
            }
            Some(_) => {}
            None => {
                let mut i = 0;
                while let Some(next) = successor(index.graph, node, i) {
                    i = i.saturating_add(1);
                    parents.entry(next).or_insert_with(|| {
                        queue.push_back(next);
                        node
                    });
                }
            }
        }
    }
    vec![from]
}

//! Chained input bound independence: when a role has received from one of several peers, whatever another of them sends
//! that the role could have received instead was sent because of that.
//!
//! If it was sent for another reason, it might have come first, and the role would have gone another way; under larger
//! bounds perhaps only then. Because: by the order of each role's steps, and of a message's sending and receiving
//! (what a role does after its reception, what others do after they have received what it sent then, and so on). The
//! search follows, from each such reception on, who knows of it and which of the messages under way tell of it, and
//! looks for a rival message that is sent by somebody who does not know. Messages that tell of it are behind those that do
//! not, on every edge.
//!
//! What is found under one bound is found under every larger one: the run is one there too.

use rustc_hash::FxHashMap;

use super::{
    super::{Progress, search::Poll},
    graph::{Graph, Step},
};
use crate::{
    event::{Event, Limit},
    id::{EdgeId, Id, MessageId, RoleId, StateId},
    machine::{Cells, System},
    protocol::Act,
};

/// A rival message that has nothing to do with the reception.
#[derive(Clone, Debug)]
pub(super) struct Race {
    /// What the role received.
    pub(super) taken: MessageId,
    /// What it could have received instead.
    pub(super) rival: MessageId,
    /// Up to the sending of the rival, and where in it the reception is.
    pub(super) run: Vec<Event>,
    pub(super) taken_at: usize,
}

/// A reception among rivals: who, where, and from whom.
type Choice = (RoleId, StateId, EdgeId);

/// Who knows, in bits; and how many messages of each edge tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    at: u32,
    choice: u32,
    knows: Box<[u64]>,
    tell: Box<[u32]>,
}

/// A shortest race of those that are found first; none, if there is none.
pub(super) fn race(graph: &Graph<'_>, limit: usize, poll: &mut Poll<'_>) -> Result<Option<Race>, Limit> {
    let system = graph.system;
    let mut choices: FxHashMap<Choice, u32> = FxHashMap::default();
    let mut rivals: Vec<Vec<MessageId>> = Vec::new();
    let mut known: FxHashMap<Node, u32> = FxHashMap::default();
    // Each node with the one before it and the step between; of the first ones, the configuration before the reception.
    let mut nodes: Vec<(Node, u32, Step)> = Vec::new();
    let mut words = graph.words();
    for &at in graph.order() {
        for (step, to) in graph.steps(at) {
            let Step::Receive(message) = step else { continue };
            let edge = system.messages()[message].edge;
            let role = system.edges()[edge].to;
            let state = graph.load(at, &mut words).state(role);
            let choice = match choices.get(&(role, state, edge)) {
                Some(&choice) => choice,
                None => {
                    rivals.push(others(system, role, state, edge));
                    let choice = u32::try_from(rivals.len().saturating_sub(1)).unwrap_or(u32::MAX);
                    choices.insert((role, state, edge), choice);
                    choice
                }
            };
            if rivals.get(choice as usize).is_none_or(Vec::is_empty) {
                continue;
            }
            let mut knows = vec![0u64; system.machines().len().div_ceil(64)].into_boxed_slice();
            mark(&mut knows, role);
            let node = Node { at: to, choice, knows, tell: vec![0; system.edges().len()].into() };
            let number = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            if !known.contains_key(&node) {
                known.insert(node.clone(), number);
                nodes.push((node, at, step));
            }
        }
    }
    let starts = nodes.len();
    let mut next = 0;
    while let Some((node, ..)) = nodes.get(next).cloned() {
        if next.is_multiple_of(1024)
            && let Some(limit) = poll(&Progress {
                bound: Some(graph.bound),
                configurations: nodes.len(),
                frontier: nodes.len().saturating_sub(next),
                depth: 0,
                bytes: 0,
            })
        {
            return Err(limit);
        }
        let empty = Vec::new();
        let rivals = rivals.get(node.choice as usize).unwrap_or(&empty);
        let number = u32::try_from(next).unwrap_or(u32::MAX);
        next = next.saturating_add(1);
        let sender = |&message: &MessageId| system.edges()[system.messages()[message].edge].from;
        if rivals.iter().map(sender).all(|role| marked(&node.knows, role)) {
            continue;
        }
        for (step, to) in graph.steps(node.at) {
            if let Step::Send(message) = step
                && rivals.contains(&message)
                && !marked(&node.knows, sender(&message))
            {
                return Ok(Some(report(graph, &nodes, starts, number, message)));
            }
            let queued = |edge: EdgeId, words: &mut [u64]| graph.load(node.at, words).queued(edge);
            let Some(then) = after(system, &node, step, to, |edge| queued(edge, &mut words)) else { continue };
            if known.contains_key(&then) {
                continue;
            }
            if nodes.len() >= limit {
                return Err(Limit::States(limit));
            }
            known.insert(then.clone(), u32::try_from(nodes.len()).unwrap_or(u32::MAX));
            nodes.push((then, number, step));
        }
    }
    Ok(None)
}

/// What the role could receive there from somebody else.
fn others(system: &System, role: RoleId, state: StateId, edge: EdgeId) -> Vec<MessageId> {
    let machine = &system.machines()[role];
    let receives =
        machine.offers(state).iter().filter(|offer| matches!(machine.actions()[offer.action].act, Act::Receive(_)));
    let messages = receives.filter_map(|offer| system.message_of(role, offer.action));
    messages.filter(|&message| system.messages()[message].edge != edge).collect()
}

fn mark(knows: &mut [u64], role: RoleId) {
    if let Some(word) = knows.get_mut(role.index() >> 6) {
        *word |= 1u64.wrapping_shl(role.raw());
    }
}

fn marked(knows: &[u64], role: RoleId) -> bool {
    knows.get(role.index() >> 6).is_some_and(|word| word & 1u64.wrapping_shl(role.raw()) != 0)
}

/// Who knows after a step.
fn after(system: &System, node: &Node, step: Step, to: u32, mut queued: impl FnMut(EdgeId) -> usize) -> Option<Node> {
    let mut then = Node { at: to, ..node.clone() };
    match step {
        Step::Send(message) => {
            let edge = system.messages()[message].edge;
            if marked(&node.knows, system.edges()[edge].from) {
                let tell = then.tell.get_mut(edge.index())?;
                *tell = tell.checked_add(1)?;
            }
        }
        Step::Receive(message) => {
            let edge = system.messages()[message].edge;
            let tell = then.tell.get_mut(edge.index())?;
            if *tell as usize >= queued(edge) {
                *tell = tell.checked_sub(1)?;
                mark(&mut then.knows, system.edges()[edge].to);
            }
        }
        Step::Sync(message) => {
            let edge = system.edges()[system.messages()[message].edge];
            if marked(&node.knows, edge.from) || marked(&node.knows, edge.to) {
                mark(&mut then.knows, edge.from);
                mark(&mut then.knows, edge.to);
            }
        }
        Step::Act(..) => {}
    }
    Some(then)
}

fn report(graph: &Graph<'_>, nodes: &[(Node, u32, Step)], starts: usize, last: u32, rival: MessageId) -> Race {
    let system = graph.system;
    let mut after = vec![system.send_event(rival)];
    let mut taken = rival;
    let mut run = Vec::new();
    let mut at = last;
    while let Some((_, before, step)) = nodes.get(at as usize) {
        after.push(step.event(system));
        if (at as usize) < starts {
            if let Step::Receive(message) = step {
                taken = *message;
            }
            run = graph.run_to(*before).0;
            break;
        }
        at = *before;
    }
    let taken_at = run.len();
    run.extend(after.into_iter().rev());
    Race { taken, rival, run, taken_at }
}

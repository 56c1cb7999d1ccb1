//! The roles' machines of a protocol by complete projection: what each role sees, determinized.
//!
//! In: an automaton in the class of the theory. Out: [`Machines`], one local type per role, whether the conditions hold
//! or not: only if they do the machines together do what the protocol says. The automaton is minimized first, so that
//! equal branches do not make different states, and every letter has one payload signature; then the steps without a
//! role are erased and what remains is determinized ([`Projector::canonical`]). A state may stop if some state of the
//! protocol in it is an end, or if nothing but loops without the role remain.
//!
//! A role that may stop where it could still receive has *optional termination*; the theory allows it, merging does not.
//! [`Machines::optional`] has the two runs that show it.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Condition, Indistinct,
    automaton::{Automaton, Transition},
};
use crate::{
    id::{FrameId, Id, IdVec, LabelId, NodeId, RoleId, SortId, StateId, TooMany},
    machine::minimize,
    protocol::{
        Act, Arm, Chooser, Graph, Header, Local, Node, Region, State, Step,
        project::{Kind, Limit as Size, Projector},
    },
};

/// One local type per role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machines {
    /// In role order.
    pub locals: IdVec<RoleId, Local>,
    /// The roles that may stop where they could still receive, with two runs that look the same to them: after the first
    /// the role receives, after the second all is over.
    pub optional: Vec<Indistinct>,
    /// Every letter has one label and signature: no two messages differ in the names of their fields alone.
    pub one_signature: bool,
}

/// The machines, or why they are too large.
pub(super) fn machines(automaton: &Automaton, graph: &Graph, header: &Header) -> Result<Machines, String> {
    let letters = letters(automaton, graph);
    let small = smallest(automaton, graph, &letters).map_err(|error| error.to_string())?;
    let mut projector = Projector::new(&small);
    let mut locals = IdVec::new();
    let mut optional = Vec::new();
    for role in header.roles.ids() {
        let local = projector.canonical(role).map_err(|error| match error.kind {
            Kind::TooLarge(Size::States(states)) => {
                format!("the machine of `{}` has more than {states} states", header.role_name(role))
            }
            _ => "the machines take too many steps to build".to_owned(),
        })?;
        optional.extend(stops_early(automaton, &letters, &local));
        locals.push(local).map_err(|error| error.to_string())?;
    }
    let one_signature = automaton
        .order
        .iter()
        .flat_map(|&state| automaton.steps(state))
        .all(|step| letters.get(&step.letter).is_some_and(|&(.., sort)| sort == step.sort));
    Ok(Machines { locals, optional, one_signature })
}

/// What a letter is called: the step, label and signature of the first transition with it.
type Letters = FxHashMap<u32, (Step, LabelId, SortId)>;

fn letters(automaton: &Automaton, graph: &Graph) -> Letters {
    let mut letters = Letters::default();
    for transition in automaton.order.iter().flat_map(|&state| automaton.steps(state)) {
        if let Node::Step { step, label, sort, .. } = graph.nodes[transition.node] {
            letters.entry(transition.letter).or_insert((step, label, sort));
        }
    }
    letters
}

/// The smallest automaton as a graph, in which every letter has one label and signature.
fn smallest(automaton: &Automaton, graph: &Graph, letters: &Letters) -> Result<Graph, TooMany> {
    let mut number: FxHashMap<NodeId, StateId> = FxHashMap::default();
    for (at, &state) in automaton.order.iter().enumerate() {
        number.insert(state, StateId::new(at.saturating_add(1))?);
    }
    let to = |node: &NodeId| number.get(node).copied().unwrap_or_default();
    let mut states: IdVec<StateId, State> = vec![State::default()].into();
    for &state in &automaton.order {
        let mut arms = Vec::new();
        for step in automaton.steps(state) {
            let (label, span) = (LabelId::from_raw(step.letter), graph.spans[step.node]);
            arms.push(Arm { act: Act::Act, label, sort: SortId::default(), then: to(&step.then), span });
        }
        let may_stop = arms.is_empty();
        states.push(State { arms, may_stop, span: graph.spans[state] })?;
    }
    let all = Local { role: RoleId::default(), initial: to(&automaton.start), states };
    let small = minimize(&all)?;

    let mut nodes: IdVec<NodeId, Node> = IdVec::new();
    let mut spans = IdVec::new();
    // A state is the node of its number less one; steps of choices follow behind all states.
    for state in small.states.values().skip(1) {
        nodes.push(Node::End)?;
        spans.push(state.span)?;
    }
    let node = |state: StateId| NodeId::new(state.index().saturating_sub(1));
    for (id, state) in small.states.iter().skip(1) {
        let mut steps = Vec::with_capacity(state.arms.len());
        for arm in &state.arms {
            let Some(&(step, label, sort)) = letters.get(&arm.label.raw()) else { continue };
            let (Step::Message { from, .. } | Step::Act(from)) = step else { continue };
            steps.push((Node::Step { step, label, sort, then: node(arm.then)? }, arm.span, from));
        }
        let made = match steps.as_slice() {
            [] => continue,
            [(step, span, _)] => {
                spans[node(id)?] = *span;
                step.clone()
            }
            [(.., from), ..] => {
                let mut arms = Vec::with_capacity(steps.len());
                for (step, span, _) in &steps {
                    arms.push(nodes.push(step.clone())?);
                    spans.push(*span)?;
                }
                Node::Fork { at: Chooser::Role(*from), arms: arms.into() }
            }
        };
        nodes[node(id)?] = made;
    }
    let start = node(small.initial)?;
    let region = Region { start, scope: None, frame: FrameId::default(), entry: Vec::new() };
    let regions = vec![region].into();
    Ok(Graph { start, nodes, spans, regions, scopes: IdVec::new(), guarded: FxHashSet::default() })
}

/// Two runs that look the same to the role: after one it may receive, after the other all is over. The shortest word of
/// the role's own that has them, and of that the shortest runs.
fn stops_early(automaton: &Automaton, letters: &Letters, local: &Local) -> Option<Indistinct> {
    // The role's words, breadth first, to a state that may stop and goes on.
    let mut before: FxHashMap<StateId, (StateId, Arm)> = FxHashMap::default();
    let mut open = VecDeque::from([local.initial]);
    let mut seen = FxHashSet::from_iter([local.initial]);
    let stops = |state: StateId| {
        local.states.entry(state).filter(|state| state.may_stop).and_then(|state| state.arms.first()).copied()
    };
    let found = loop {
        let state = open.pop_front()?;
        if let Some(arm) = stops(state) {
            break (state, arm);
        }
        for &arm in local.states.entry(state).map_or(&[][..], |state| &state.arms) {
            if seen.insert(arm.then) {
                before.insert(arm.then, (state, arm));
                open.push_back(arm.then);
            }
        }
    };
    let mut word = Vec::new();
    let mut at = found.0;
    while let Some(&(from, arm)) = before.get(&at) {
        word.push(arm);
        at = from;
    }
    word.reverse();
    let role = local.role;
    let second = run(automaton, letters, role, &word, true)?;
    word.push(found.1);
    let mut first = run(automaton, letters, role, &word, false)?;
    let does = first.pop()?;
    let condition = Condition::NoOptionalTermination;
    Some(Indistinct { role, condition, first, second, does, but: None, then: Vec::new(), values: Vec::new() })
}

/// A state, and how much of a word was done.
type Place = (NodeId, usize);

/// The shortest run of the protocol in which the role does this word, up to the word's last step, or to an end of the
/// protocol.
fn run(automaton: &Automaton, letters: &Letters, role: RoleId, word: &[Arm], to_end: bool) -> Option<Vec<NodeId>> {
    let mut order: Vec<(Place, Option<(usize, NodeId)>)> = vec![((automaton.start, 0), None)];
    let mut seen = FxHashSet::from_iter([(automaton.start, 0_usize)]);
    let mut at = 0_usize;
    let same = |arm: &Arm, step: &Transition| {
        let Some(&(step, label, sort)) = letters.get(&step.letter) else { return false };
        let act = match step {
            Step::Message { from, to } if from == role => Act::Send(to),
            Step::Message { from, .. } => Act::Receive(from),
            _ => Act::Act,
        };
        (arm.act, arm.label, arm.sort) == (act, label, sort)
    };
    while let Some(&((state, done), _)) = order.get(at) {
        let over = done == word.len() && (!to_end || automaton.steps(state).is_empty());
        if over {
            let mut way = Vec::new();
            let mut back = at;
            while let Some((_, Some((from, node)))) = order.get(back) {
                way.push(*node);
                back = *from;
            }
            way.reverse();
            return Some(way);
        }
        for step in automaton.steps(state) {
            let next = if !step.involves(role) {
                (step.then, done)
            } else if word.get(done).is_some_and(|arm| same(arm, step)) {
                (step.then, done.saturating_add(1))
            } else {
                continue;
            };
            if seen.insert(next) {
                order.push((next, Some((at, step.node))));
            }
        }
        at = at.saturating_add(1);
    }
    None
}

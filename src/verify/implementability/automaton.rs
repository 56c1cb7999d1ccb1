//! The protocol as one automaton: its states are the nodes of the graph at which something may happen next.
//!
//! In: a graph. Out: an [`Automaton`] of the class that the theory speaks of, or what is [`Outside`] of it. Two messages
//! are the same letter if their roles, labels and the sorts of their fields are: the name of a field tells nobody
//! anything, and its condition is one on its value.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::{
    data::Sort,
    id::{IdVec, LabelId, NodeId, RoleId, SortId},
    protocol::{Graph, Header, Names, Node, Step},
};

/// A message as the roles see it: who, to whom, which label, and the sorts of its fields, if it says anything of them.
pub(super) type Letter = (RoleId, RoleId, LabelId, Option<(Box<[(bool, Sort)]>, bool)>);

/// A step of the automaton; a local action goes from its role to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) from: RoleId,
    pub(super) to: RoleId,
    /// Its number among all letters.
    pub(super) letter: u32,
    pub(super) sort: SortId,
    /// Where it is written.
    pub(super) node: NodeId,
    pub(super) then: NodeId,
}

impl Transition {
    pub(super) fn involves(&self, role: RoleId) -> bool {
        self.from == role || self.to == role
    }
}

/// A state: what may happen; the end, if nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) steps: Box<[Transition]>,
}

/// The automaton of a protocol.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    pub(super) start: NodeId,
    /// Nodes that are no states have no entry.
    pub(super) states: IdVec<NodeId, Option<State>>,
    /// All states, in the order in which they were met.
    pub(super) order: Vec<NodeId>,
}

/// Why the theory says nothing about a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// It has scopes.
    Scopes,
    /// In one state one of two roles may send first.
    Senders(NodeId, NodeId),
    /// Two equal letters lead to different states.
    Alike(NodeId, NodeId),
    /// It may end, or go on.
    MayEnd(NodeId),
}

impl Outside {
    /// In words.
    pub(super) fn text(&self, graph: &Graph, header: &Header, names: &Names) -> String {
        let step = |node: NodeId| super::tell::step(graph, header, names, node);
        match self {
            Self::Scopes => {
                "it has `par`, `during` or `try`, of which the conditions of implementability say nothing: \
                             `projectable` and `safe` look at those"
                    .to_owned()
            }
            Self::Senders(one, other) => format!(
                "different roles may go first in one choice, `{}` or `{}`, and the conditions of implementability speak \
                 of choices of one sender",
                step(*one),
                step(*other)
            ),
            Self::Alike(one, other) => {
                let (one, other) = (step(*one), step(*other));
                let which = if one == other { one } else { format!("{one}` and `{other}") };
                format!(
                    "two branches begin with `{which}`: take what they share out of the choice, or give it two labels"
                )
            }
            Self::MayEnd(node) => format!(
                "where `{}` is next the protocol may also end, and nobody says which: give the end a message",
                step(*node)
            ),
        }
    }
}

impl Automaton {
    /// The automaton of a graph. O(states × their branches).
    pub(super) fn of(graph: &Graph, names: &Names) -> Result<Self, Outside> {
        if !graph.is_flat() {
            return Err(Outside::Scopes);
        }
        let mut letters: IndexSet<Letter, FxBuildHasher> = IndexSet::default();
        let mut states: IdVec<NodeId, Option<State>> = IdVec::filled(None, graph.nodes.len());
        let mut order = Vec::new();
        let mut todo = vec![graph.start];
        let mut at = 0_usize;
        while let Some(&node) = todo.get(at) {
            at = at.saturating_add(1);
            if states[node].is_some() {
                continue;
            }
            let state = state(graph, names, node, &mut letters)?;
            todo.extend(state.steps.iter().map(|step| step.then));
            states[node] = Some(state);
            order.push(node);
        }
        Ok(Self { start: graph.start, states, order })
    }

    /// Whether values decide which letters there are: some step has a condition or changes a variable, or equal letters
    /// stand with different conditions on their fields.
    pub(super) fn has_data(&self, names: &Names) -> bool {
        let mut sorts: FxHashMap<u32, SortId> = FxHashMap::default();
        let mut steps = self.order.iter().flat_map(|&state| self.steps(state));
        steps.any(|step| {
            let empty = names.rule(step.sort).is_none_or(|rule| {
                rule.conditions.is_empty()
                    && rule.sets.is_empty()
                    && rule.after.is_empty()
                    && rule.unique.is_empty()
                    && rule.idempotent.is_empty()
                    && rule.keys.is_empty()
            });
            let fields = |sort| names.payload(sort).map(|payload| payload.fields.iter().map(|field| &field.sort));
            let first = *sorts.entry(step.letter).or_insert(step.sort);
            let same = match (fields(first), fields(step.sort)) {
                (Some(one), Some(other)) => one.eq(other),
                _ => true,
            };
            !(empty && same)
        })
    }

    /// What may happen in a state.
    pub(super) fn steps(&self, state: NodeId) -> &[Transition] {
        self.states.entry(state).and_then(Option::as_ref).map_or(&[], |state| &state.steps)
    }
}

fn state(
    graph: &Graph,
    names: &Names,
    node: NodeId,
    letters: &mut IndexSet<Letter, FxBuildHasher>,
) -> Result<State, Outside> {
    let mut steps: Vec<Transition> = Vec::new();
    let mut last = false;
    let mut seen = FxHashSet::default();
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        if !seen.insert(node) {
            continue;
        }
        match &graph.nodes[node] {
            Node::End => last = true,
            Node::Set { then, .. } => todo.push(*then),
            Node::Fork { arms, .. } => todo.extend(arms.iter().rev()),
            &Node::Step { step, label, sort, then } => {
                let (from, to) = match step {
                    Step::Message { from, to } => (from, to),
                    Step::Act(role) => (role, role),
                    Step::Send(_) | Step::Receive(_) | Step::Scope(_) | Step::Leave(..) | Step::Exit(..) => {
                        return Err(Outside::Scopes);
                    }
                };
                let payload = names.payload(sort).map(|payload| {
                    let fields = payload.fields.iter().map(|field| (field.optional, field.sort.plain().clone()));
                    (fields.collect(), payload.open)
                });
                let (letter, _) = letters.insert_full((from, to, label, payload));
                let letter = u32::try_from(letter).unwrap_or(u32::MAX);
                steps.push(Transition { from, to, letter, sort, node, then });
            }
        }
    }
    if let (true, Some(first)) = (last, steps.first()) {
        return Err(Outside::MayEnd(first.node));
    }
    Ok(State { steps: steps.into() })
}

impl Automaton {
    /// That choices have one sender and equal letters lead to equal states, whatever the data. Of equal branches one is
    /// kept.
    pub(super) fn in_class(&mut self) -> Result<(), Outside> {
        let mut classes: Option<FxHashMap<NodeId, usize>> = None;
        for at in 0..self.order.len() {
            let Some(&state) = self.order.get(at) else { break };
            let steps = self.steps(state);
            let mut kept: Vec<Transition> = Vec::with_capacity(steps.len());
            for &step in steps {
                if let Some(first) = kept.first().filter(|first| first.from != step.from) {
                    return Err(Outside::Senders(first.node, step.node));
                }
                let Some(other) = kept.iter().find(|other| other.letter == step.letter) else {
                    kept.push(step);
                    continue;
                };
                if other.then != step.then {
                    let classes = classes.get_or_insert_with(|| self.classes());
                    if classes.get(&other.then) != classes.get(&step.then) {
                        return Err(Outside::Alike(other.node, step.node));
                    }
                }
            }
            if kept.len() < steps.len()
                && let Some(Some(state)) = self.states.entry_mut(state)
            {
                state.steps = kept.into();
            }
        }
        Ok(())
    }

    /// Which states do the same: by refinement, until nothing more falls apart.
    fn classes(&self) -> FxHashMap<NodeId, usize> {
        let mut classes: FxHashMap<NodeId, usize> = self.order.iter().map(|&state| (state, 0)).collect();
        let mut count = 1;
        loop {
            let mut known: FxHashMap<(usize, Vec<(u32, usize)>), usize> = FxHashMap::default();
            let mut next = FxHashMap::default();
            for &state in &self.order {
                let class = |state: &NodeId| classes.get(state).copied().unwrap_or(0);
                let steps = self.steps(state);
                let mut does: Vec<(u32, usize)> = steps.iter().map(|step| (step.letter, class(&step.then))).collect();
                does.sort_unstable();
                does.dedup();
                let fresh = known.len();
                next.insert(state, *known.entry((class(&state), does)).or_insert(fresh));
            }
            if known.len() == count {
                return next;
            }
            (classes, count) = (next, known.len());
        }
    }
}

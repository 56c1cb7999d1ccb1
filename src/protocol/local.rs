//! Local types as automata: what one role may do, state by state.
//!
//! The local type of a role is projected to, or read from a local declaration as, a [`Local`]. It keeps places of the
//! specification; the machine is compiled from it.
//!
//! INVARIANT (closed): `initial` and every arm's `then` are ids of `states`; state 0 is dead: it has no arm, may not
//! stop, and no arm leads to it.

use std::{collections::VecDeque, fmt};

use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::{Graph, Node, Step};
use crate::{
    diag::Span,
    id::{IdVec, LabelId, NodeId, RoleId, ScopeId, SortId, StateId, TooMany},
};

/// What a role does with its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// `q!`
    Send(RoleId),
    /// `q?`
    Receive(RoleId),
    /// Something that nobody else sees.
    Act,
    /// Into a scope: no event, but the way to the first step in it.
    Scope(ScopeId),
    /// Out of a scope, by the number of the way.
    Leave(ScopeId, u32),
    /// In a region: it ends by a jump out of its scope.
    Exit(ScopeId, u32),
}

impl Act {
    /// Whether it is an event, not the way into or out of a scope.
    #[must_use]
    pub fn is_event(self) -> bool {
        matches!(self, Self::Send(_) | Self::Receive(_) | Self::Act)
    }
}

/// One thing that a role can do in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arm {
    /// What, and with whom.
    pub act: Act,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
    /// Where it leads.
    pub then: StateId,
    /// Where it is written.
    pub span: Span,
}

/// A state of a local type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What the role can do. A state without arms that may stop is `end`.
    pub arms: Vec<Arm>,
    /// The role may stop here.
    pub may_stop: bool,
    /// Where the state is entered in the specification.
    pub span: Span,
}

/// A local type as an automaton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Whose it is.
    pub role: RoleId,
    /// Where it begins.
    pub initial: StateId,
    /// All states; the first is dead.
    pub states: IdVec<StateId, State>,
}

/// The largest number of arms of one automaton: flattening nested choices can multiply them.
pub const MAX_ARMS: usize = 16_000_000;

/// Why a graph has no automaton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalError {
    /// More states than ids.
    TooMany(TooMany),
    /// More than [`MAX_ARMS`] arms.
    TooManyArms,
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(error) => error.fmt(f),
            Self::TooManyArms => write!(f, "more than {MAX_ARMS} arms"),
        }
    }
}

impl std::error::Error for LocalError {}

impl From<TooMany> for LocalError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

impl Local {
    /// The automaton of a local term's graph, as it is written: a state for the start and for every node that some step
    /// leads to, in the order in which they are met, breadth-first. The arms of nested choices are flattened into those
    /// of the state in front of them; steps of a global term are left out.
    pub fn of_graph(role: RoleId, graph: &Graph) -> Result<Self, LocalError> {
        Self::of_region(role, graph, graph.start)
    }

    /// The same for one region.
    pub fn of_region(role: RoleId, graph: &Graph, begin: NodeId) -> Result<Self, LocalError> {
        let mut states: IdVec<StateId, State> = IdVec::new();
        states.push(State::default())?;
        let mut number: FxHashMap<NodeId, StateId> = FxHashMap::default();
        let initial = states.push(State { span: graph.spans[begin], ..State::default() })?;
        number.insert(begin, initial);
        let mut todo = VecDeque::from([(begin, initial)]);
        let mut total = 0usize;
        let mut seen: FxHashSet<NodeId> = FxHashSet::default();
        while let Some((start, state)) = todo.pop_front() {
            let mut arms = Vec::new();
            let mut may_stop = false;
            seen.clear();
            // INVARIANT (guarded) of the graph: forks do not go round in a circle.
            let mut stack = vec![start];
            while let Some(node) = stack.pop() {
                if !seen.insert(node) {
                    continue;
                }
                let (step, label, sort, then) = match &graph.nodes[node] {
                    Node::End => {
                        may_stop = true;
                        continue;
                    }
                    Node::Fork { arms, .. } => {
                        stack.extend(arms.iter().rev());
                        continue;
                    }
                    Node::Set { then, .. } => {
                        stack.push(*then);
                        continue;
                    }
                    &Node::Step { step, label, sort, then } => (step, label, sort, then),
                };
                let act = match step {
                    Step::Send(to) => Act::Send(to),
                    Step::Receive(from) => Act::Receive(from),
                    Step::Act(_) => Act::Act,
                    Step::Scope(scope) => Act::Scope(scope),
                    Step::Leave(scope, number) => Act::Leave(scope, number),
                    Step::Exit(scope, number) => Act::Exit(scope, number),
                    Step::Message { .. } => continue,
                };
                let then = match number.get(&then) {
                    Some(&known) => known,
                    None => {
                        let new = states.push(State { span: graph.spans[then], ..State::default() })?;
                        number.insert(then, new);
                        todo.push_back((then, new));
                        new
                    }
                };
                arms.push(Arm { act, label, sort, then, span: graph.spans[node] });
            }
            total = total.saturating_add(arms.len());
            if total > MAX_ARMS {
                return Err(LocalError::TooManyArms);
            }
            let place = &mut states[state];
            place.arms = arms;
            place.may_stop = may_stop;
        }
        Ok(Self { role, initial, states })
    }
}

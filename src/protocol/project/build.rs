//! The state construction: from the heads behind the start, state by state, to a [`Local`].
//!
//! A state is a set of heads; a step that the role can do at some of them leads to the set of heads behind it. With
//! a merging discipline the heads of every state must fit ([`super::merge`]); without one every set is taken as it
//! comes, which is the subset construction. States are numbered breadth first, so the first misfit found is one of
//! the shortest for the role.

use super::{
    Discipline, Kind, Limit, ProjectionError, explain,
    index::{Index, Scratch, View},
    merge::{Entry, merge},
    states::{Memo, Origin, States},
};
use crate::{
    id::{Id, IdVec, NodeId, RoleId, StateId, TooMany},
    protocol::{Act, Arm, Local, Node, State, Step},
};

impl From<TooMany> for Limit {
    fn from(_: TooMany) -> Self {
        Self::States(u32::MAX as usize)
    }
}

pub(super) struct Builder<'i, 'g, 's> {
    pub(super) index: &'i Index<'g>,
    pub(super) scratch: &'s mut Scratch,
    pub(super) view: View<'i>,
    pub(super) states: States<'s>,
    discipline: Option<Discipline>,
}

/// The local type of a role: merged under a discipline, or by the subset construction.
pub(super) fn build(
    index: &Index<'_>,
    scratch: &mut Scratch,
    memo: &mut Memo,
    role: RoleId,
    discipline: Option<Discipline>,
    start: NodeId,
) -> Result<Local, ProjectionError> {
    let view = index.view(role, discipline.is_some(), discipline == Some(Discipline::Plain));
    let states = States::new(memo, start);
    Builder { index, scratch, view, states, discipline }.run(start)
}

impl Builder<'_, '_, '_> {
    pub(super) fn discipline(&self) -> Option<Discipline> {
        self.discipline
    }

    fn run(mut self, start: NodeId) -> Result<Local, ProjectionError> {
        let role = self.view.role;
        let too_large = |limit: Limit| ProjectionError { role, kind: Kind::TooLarge(limit) };
        let mut buffers = Buffers::default();
        let dead = Origin { state: StateId::default(), step: start };
        let initial = self.enter(&[start], dead, &mut buffers.heads).map_err(too_large)?;
        let mut local: IdVec<StateId, State> = vec![State::default()].into();
        while local.len() < self.states.len() {
            let id = StateId::new(local.len()).map_err(|error| too_large(error.into()))?;
            self.collect(id, &mut buffers);
            let heads = self.states.heads(id).len();
            // One head with one thing to do is the usual case.
            if let Some(discipline) = self.discipline
                && heads.max(buffers.entries.len()) > 1
                && let Err(misfit) = merge(discipline, heads, &mut buffers.entries, &self.index.graph.guarded)
            {
                return Err(explain::clash(&mut self, id, &misfit));
            }
            let state = self.state(id, &mut buffers).map_err(too_large)?;
            local.push(state).map_err(|error| too_large(error.into()))?;
        }
        Ok(Local { role, initial, states: local })
    }

    /// The state behind some nodes.
    fn enter(&mut self, roots: &[NodeId], origin: Origin, heads: &mut Vec<NodeId>) -> Result<StateId, Limit> {
        let alone = if let &[root] = roots { Some(root) } else { None };
        if let Some(state) = alone.and_then(|root| self.states.memo.entered(root)) {
            return Ok(state);
        }
        self.index.close(self.view, roots, self.scratch, heads);
        if self.scratch.exhausted() {
            return Err(Limit::Work);
        }
        let state = self.states.intern(heads, origin)?;
        if self.states.is_too_large() {
            return Err(Limit::States(self.states.limit));
        }
        if let Some(root) = alone {
            self.states.memo.enter(root, state);
        }
        Ok(state)
    }

    /// What the role can do at each head of a state.
    fn collect(&mut self, id: StateId, buffers: &mut Buffers) {
        buffers.entries.clear();
        for (head, &node) in self.states.heads(id).iter().enumerate() {
            buffers.steps.clear();
            match &self.index.graph.nodes[node] {
                Node::Step { .. } => buffers.steps.push(node),
                Node::Fork { .. } => self.index.firsts(node, self.scratch, &mut buffers.steps),
                Node::End | Node::Set { .. } => {}
            }
            for &step in &buffers.steps {
                let rank = u32::try_from(buffers.entries.len()).unwrap_or(u32::MAX);
                buffers.entries.extend(entry(self.index, self.view.role, step, head, rank));
            }
        }
        self.scratch.spend(buffers.entries.len());
    }

    /// The state itself: entries that are the same for the role become one arm.
    fn state(&mut self, id: StateId, buffers: &mut Buffers) -> Result<State, Limit> {
        let nodes = &self.index.graph.nodes;
        let heads = self.states.heads(id);
        let quiet = |&&head: &&NodeId| self.index.quiet(head, self.view.role).is_some();
        let ends = heads.iter().any(|&head| matches!(nodes[head], Node::End));
        let may_stop = ends || heads.iter().filter(quiet).count() == heads.len();
        let span = heads.first().map(|&head| self.index.graph.spans[head]).unwrap_or_default();
        let entries = &mut buffers.entries;
        entries.sort_unstable_by_key(|entry| (entry.key(), entry.rank));
        let mut arms: Vec<(u32, Arm)> = Vec::with_capacity(entries.len());
        for group in entries.chunk_by(|one, other| one.key() == other.key()) {
            let Some(first) = group.first() else { continue };
            buffers.roots.clear();
            for entry in group {
                if let Node::Step { then, .. } = nodes[entry.step] {
                    buffers.roots.push(then);
                }
            }
            buffers.roots.dedup();
            let origin = Origin { state: id, step: first.step };
            let then = self.enter(&buffers.roots, origin, &mut buffers.heads)?;
            let span = self.index.graph.spans[first.step];
            arms.push((first.rank, Arm { act: first.act, label: first.label, sort: first.sort, then, span }));
        }
        // As they are written.
        arms.sort_unstable_by_key(|&(rank, _)| rank);
        Ok(State { arms: arms.into_iter().map(|(_, arm)| arm).collect(), may_stop, span })
    }
}

#[derive(Default)]
struct Buffers {
    entries: Vec<Entry>,
    steps: Vec<NodeId>,
    roots: Vec<NodeId>,
    heads: Vec<NodeId>,
}

/// What a step is to a role that takes part in it.
pub(super) fn entry(index: &Index<'_>, role: RoleId, step: NodeId, head: usize, rank: u32) -> Option<Entry> {
    let Node::Step { step: what, label, sort, .. } = index.graph.nodes[step] else { return None };
    let act = match what {
        Step::Message { from, to } if from == role => Act::Send(to),
        Step::Message { from, to } if to == role => Act::Receive(from),
        Step::Act(actor) if actor == role => Act::Act,
        Step::Scope(scope) if index.graph.takes_part(what, role) => Act::Scope(scope),
        Step::Leave(scope, number) if index.graph.takes_part(what, role) => Act::Leave(scope, number),
        Step::Exit(scope, number) if index.graph.takes_part(what, role) => Act::Exit(scope, number),
        _ => return None,
    };
    Some(Entry { act, label, sort, step, rank, head })
}

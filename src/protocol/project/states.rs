//! The states of a local type while it is being made: sets of heads, each kept once.
//!
//! In: closures. Out: a [`StateId`] per set, in the order of their discovery, with the state and the step from which
//! each was first entered, so that a failure can be traced back to the start.
//!
//! INVARIANT (ranges): the heads of state `s` are `heads[ranges[s].0..ranges[s].1]`, sorted; state 0 is dead and has
//! none.

use rustc_hash::FxHashMap;

use crate::id::{Id, IdVec, NodeId, StateId, TooMany};

/// A role may have this many states, and four for each node of the graph: a local type that is much larger than its
/// protocol is growing exponentially.
const MAX_STATES: usize = 1 << 18;

/// More heads than this, over all states of one role, are refused.
const MAX_HEADS: usize = 1 << 24;

/// Look-ups by node, kept from role to role: an entry counts only in the round in which it was made.
pub(super) struct Memo {
    round: u32,
    /// The state of the set with this one head.
    single: IdVec<NodeId, (u32, StateId)>,
    /// The state that is entered in front of this node.
    entered: IdVec<NodeId, (u32, StateId)>,
}

impl Memo {
    pub(super) fn new(nodes: usize) -> Self {
        let none = (0, StateId::default());
        Self { round: 0, single: IdVec::filled(none, nodes), entered: IdVec::filled(none, nodes) }
    }

    /// The state that is entered in front of a node, if it is known.
    pub(super) fn entered(&self, node: NodeId) -> Option<StateId> {
        let (round, state) = self.entered[node];
        (round == self.round).then_some(state)
    }

    pub(super) fn enter(&mut self, node: NodeId, state: StateId) {
        self.entered[node] = (self.round, state);
    }
}

/// How a state was first entered.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// From which state; dead for the first.
    pub(super) state: StateId,
    /// By which step.
    pub(super) step: NodeId,
}

/// See the module.
pub(super) struct States<'m> {
    pub(super) memo: &'m mut Memo,
    heads: Vec<NodeId>,
    ranges: IdVec<StateId, (u32, u32)>,
    pub(super) origins: IdVec<StateId, Origin>,
    several: FxHashMap<Box<[NodeId]>, StateId>,
    /// More states than this are refused.
    pub(super) limit: usize,
}

impl<'m> States<'m> {
    pub(super) fn new(memo: &'m mut Memo, start: NodeId) -> Self {
        memo.round = memo.round.wrapping_add(1);
        let limit = memo.single.len().saturating_mul(4).saturating_add(MAX_STATES);
        Self {
            memo,
            heads: Vec::new(),
            ranges: vec![(0, 0)].into(),
            origins: vec![Origin { state: StateId::default(), step: start }].into(),
            several: FxHashMap::default(),
            limit,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.len() > self.limit || self.heads.len() > MAX_HEADS
    }

    pub(super) fn heads(&self, state: StateId) -> &[NodeId] {
        let (from, to) = self.ranges[state];
        self.heads.get(from as usize..to as usize).unwrap_or(&[])
    }

    /// The state of a set of heads, and whether it is new.
    pub(super) fn intern(&mut self, heads: &[NodeId], origin: Origin) -> Result<StateId, TooMany> {
        if let &[head] = heads {
            let (round, state) = self.memo.single[head];
            if round == self.memo.round {
                return Ok(state);
            }
            let state = self.push(heads, origin)?;
            self.memo.single[head] = (self.memo.round, state);
            return Ok(state);
        }
        if let Some(&state) = self.several.get(heads) {
            return Ok(state);
        }
        let state = self.push(heads, origin)?;
        self.several.insert(heads.into(), state);
        Ok(state)
    }

    fn push(&mut self, heads: &[NodeId], origin: Origin) -> Result<StateId, TooMany> {
        let from = NodeId::new(self.heads.len())?.raw();
        self.heads.extend_from_slice(heads);
        let to = NodeId::new(self.heads.len())?.raw();
        self.origins.push(origin)?;
        self.ranges.push((from, to))
    }
}

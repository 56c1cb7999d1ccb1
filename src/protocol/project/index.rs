//! What all roles share when a graph is projected: who takes part where, how to jump over runs of steps that are
//! none of a role's business, and where a role can be left out for ever.
//!
//! In: a [`Graph`]. Out: an [`Index`], linear in it, and the closure of nodes for one role.
//!
//! The *heads* of a role behind a node are the next nodes that mean something to it: its own steps and choices, the
//! end, and *pits*. A pit is a loop without exit; for a role that takes no part in it, it is as good as the end.
//!
//! Steps lie in *chains*: runs of steps that can only be entered at their first. Along a chain the next step of a
//! role is found by bisection in the role's own list of places, so a ring of n roles costs n look-ups and not n².
//!
//! INVARIANT (chain): `order` has each reachable step once; those of a chain lie side by side, in order, and
//! `ends` gives for each place where its chain ends.

use rustc_hash::FxHashMap;

use super::super::{
    graph::{Graph, Node, Step},
    term::Chooser,
};
use crate::id::{Id, IdVec, NodeId, RoleId};

/// More look-ups than this for one graph are refused: the projections of a graph may be exponentially large.
const MAX_WORK: usize = 1 << 28;

/// A loop that is never left.
struct Pit {
    /// The node that stands for it.
    node: NodeId,
    /// Who takes part, sorted.
    roles: Vec<RoleId>,
}

/// See the module.
pub(super) struct Index<'g> {
    pub(super) graph: &'g Graph,
    reachable: IdVec<NodeId, bool>,
    order: Vec<NodeId>,
    ends: Vec<u32>,
    place: IdVec<NodeId, u32>,
    places: FxHashMap<RoleId, Vec<u32>>,
    pits: Vec<Pit>,
    pit: IdVec<NodeId, Option<u32>>,
    direct: IdVec<NodeId, Option<RoleId>>,
}

/// How one role looks at a graph.
#[derive(Clone, Copy)]
pub(super) struct View<'i> {
    pub(super) role: RoleId,
    /// Its own choices are heads; otherwise their arms are.
    pub(super) own: bool,
    /// Choices whose every arm begins with a message to it are heads; otherwise their arms are.
    pub(super) directed: bool,
    places: &'i [u32],
}

/// Working memory, kept from role to role.
pub(super) struct Scratch {
    seen: IdVec<NodeId, u32>,
    round: u32,
    stack: Vec<NodeId>,
    /// Look-ups so far; at most [`MAX_WORK`] are made.
    work: usize,
}

impl Scratch {
    pub(super) fn new(graph: &Graph) -> Self {
        Self { seen: IdVec::filled(0, graph.nodes.len()), round: 0, stack: Vec::new(), work: 0 }
    }

    fn begin(&mut self) {
        // There are fewer rounds than look-ups, so the numbers do not wrap before the work is cut off.
        self.round = self.round.wrapping_add(1);
        self.work = self.work.saturating_add(1);
        self.stack.clear();
    }

    /// Whether a node is met for the first time in this round.
    fn visit(&mut self, node: NodeId) -> bool {
        self.work = self.work.saturating_add(1);
        let seen = &mut self.seen[node];
        let new = *seen != self.round;
        *seen = self.round;
        new
    }

    /// Counts what is done outside of look-ups.
    pub(super) fn spend(&mut self, work: usize) {
        self.work = self.work.saturating_add(work);
    }

    pub(super) fn exhausted(&self) -> bool {
        self.work >= MAX_WORK
    }
}

/// The `i`-th node behind a node.
pub(super) fn successor(graph: &Graph, node: NodeId, i: usize) -> Option<NodeId> {
    match &graph.nodes[node] {
        Node::End => None,
        Node::Step { then, .. } | Node::Set { then, .. } => (i == 0).then_some(*then),
        Node::Fork { arms, .. } => arms.get(i).copied(),
    }
}

impl<'g> Index<'g> {
    /// O(size of the graph).
    pub(super) fn of(graph: &'g Graph) -> Self {
        let n = graph.nodes.len();
        let mut index = Self {
            graph,
            reachable: IdVec::filled(false, n),
            order: Vec::new(),
            ends: Vec::new(),
            place: IdVec::filled(0, n),
            places: FxHashMap::default(),
            pits: Vec::new(),
            pit: IdVec::filled(None, n),
            direct: IdVec::filled(None, n),
        };
        index.find_pits();
        index.find_chains();
        index.find_direct();
        index
    }

    /// The nodes that the start reaches, in order.
    pub(super) fn reachable(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.reachable.iter().filter(|&(_, &reachable)| reachable).map(|(id, _)| id)
    }

    /// Strongly connected components, by Tarjan's algorithm with an explicit stack; those without a way out are pits.
    fn find_pits(&mut self) {
        let graph = self.graph;
        let n = graph.nodes.len();
        // The order of discovery from 1; 0 is undiscovered, and `DONE` belongs to a finished component.
        const DONE: usize = usize::MAX;
        let mut low: IdVec<NodeId, usize> = IdVec::filled(0, n);
        let mut component: IdVec<NodeId, usize> = IdVec::filled(0, n);
        let mut open: Vec<NodeId> = Vec::new();
        let mut stack: Vec<(NodeId, usize, usize)> = Vec::new();
        let (mut discovered, mut components) = (0usize, 0usize);
        // Regions share no nodes, and within one everything is reached from its start.
        for root in graph.regions.values().map(|region| region.start) {
            if low[root] != 0 {
                continue;
            }
            discovered = discovered.saturating_add(1);
            low[root] = discovered;
            open.push(root);
            self.reachable[root] = true;
            stack.push((root, 0, discovered));
            while let Some((node, i, number)) = stack.pop() {
                if let Some(next) = successor(graph, node, i) {
                    stack.push((node, i.saturating_add(1), number));
                    if low[next] == 0 {
                        discovered = discovered.saturating_add(1);
                        low[next] = discovered;
                        open.push(next);
                        self.reachable[next] = true;
                        stack.push((next, 0, discovered));
                    } else if low[next] != DONE {
                        low[node] = low[node].min(low[next]);
                    }
                    continue;
                }
                let lowest = low[node];
                if let Some(&(parent, ..)) = stack.last() {
                    low[parent] = low[parent].min(lowest);
                }
                if lowest != number {
                    continue;
                }
                components = components.saturating_add(1);
                let from = open.iter().rposition(|&other| other == node).unwrap_or(0);
                let members = open.get(from..).unwrap_or(&[]);
                for &member in members {
                    low[member] = DONE;
                    component[member] = components;
                }
                self.close_component(members, components, &component);
                open.truncate(from);
            }
        }
    }

    fn close_component(&mut self, members: &[NodeId], number: usize, component: &IdVec<NodeId, usize>) {
        let graph = self.graph;
        let leaves = |&node: &NodeId| match &graph.nodes[node] {
            Node::End => true,
            Node::Step { then, .. } | Node::Set { then, .. } => component[*then] != number,
            Node::Fork { arms, .. } => arms.iter().any(|&arm| component[arm] != number),
        };
        if members.iter().any(leaves) {
            return;
        }
        let mut roles: Vec<RoleId> = Vec::new();
        for &member in members {
            if let Node::Step { step, .. } = graph.nodes[member] {
                roles.extend(graph.roles_of(step));
            }
        }
        roles.sort_unstable();
        roles.dedup();
        let (Ok(number), Some(&node)) = (u32::try_from(self.pits.len()), members.iter().min()) else { return };
        for &member in members {
            self.pit[member] = Some(number);
        }
        self.pits.push(Pit { node, roles });
    }

    fn find_chains(&mut self) {
        let graph = self.graph;
        // How often a node is entered, and whether only by a step.
        let mut entered: IdVec<NodeId, u32> = IdVec::filled(0, graph.nodes.len());
        graph.regions.values().for_each(|region| entered[region.start] = 2);
        for id in self.reachable.ids().filter(|&id| self.reachable[id]) {
            match &graph.nodes[id] {
                Node::End => {}
                Node::Step { then, .. } => entered[*then] = entered[*then].saturating_add(1),
                Node::Set { then, .. } => entered[*then] = entered[*then].saturating_add(2),
                Node::Fork { arms, .. } => arms.iter().for_each(|&arm| entered[arm] = entered[arm].saturating_add(2)),
            }
        }
        for id in self.reachable.ids() {
            if !self.reachable[id] || entered[id] == 1 {
                continue;
            }
            let from = self.order.len();
            let mut at = id;
            while let Node::Step { step, then, .. } = graph.nodes[at] {
                let place = NodeId::new(self.order.len()).map_or(u32::MAX, Id::raw);
                self.place[at] = place;
                for role in graph.roles_of(step) {
                    self.places.entry(role).or_default().push(place);
                }
                self.order.push(at);
                if entered[then] != 1 {
                    break;
                }
                at = then;
            }
            let end = NodeId::new(self.order.len()).map_or(u32::MAX, Id::raw);
            let length = self.order.len().saturating_sub(from);
            self.ends.extend(std::iter::repeat_n(end, length));
        }
    }

    /// For each choice, the one role to which every arm begins with a message of the chooser.
    fn find_direct(&mut self) {
        let graph = self.graph;
        let mut done: IdVec<NodeId, bool> = IdVec::filled(false, graph.nodes.len());
        let mut stack = Vec::new();
        for root in graph.nodes.ids() {
            stack.push(root);
            while let Some(&node) = stack.last() {
                let Node::Fork { at, arms } = &graph.nodes[node] else {
                    stack.pop();
                    continue;
                };
                if done[node] {
                    stack.pop();
                    continue;
                }
                // By INVARIANT (guarded) of the graph forks alone make no cycle.
                let before = stack.len();
                stack.extend(
                    arms.iter().filter(|&&arm| matches!(graph.nodes[arm], Node::Fork { .. }) && !done[arm]).copied(),
                );
                if stack.len() == before {
                    self.direct[node] = self.direct_of(*at, arms);
                    done[node] = true;
                    stack.pop();
                }
            }
        }
    }

    fn direct_of(&self, at: Chooser, arms: &[NodeId]) -> Option<RoleId> {
        let mut receivers = arms.iter().map(|&arm| match &self.graph.nodes[arm] {
            Node::Step { step: Step::Message { from, to }, .. } if Chooser::Role(*from) == at => Some(*to),
            Node::Fork { at: inner, .. } if *inner == at => self.direct[arm],
            _ => None,
        });
        let first = receivers.next()??;
        receivers.all(|receiver| receiver == Some(first)).then_some(first)
    }

    /// How a role looks at the graph.
    pub(super) fn view(&self, role: RoleId, own: bool, directed: bool) -> View<'_> {
        View { role, own, directed, places: self.places.get(&role).map_or(&[], Vec::as_slice) }
    }

    /// The node that stands for the loop without exit in which a node lies, if the role takes no part in it.
    pub(super) fn quiet(&self, node: NodeId, role: RoleId) -> Option<NodeId> {
        let pit = self.pits.get(self.pit[node]? as usize)?;
        pit.roles.binary_search(&role).is_err().then_some(pit.node)
    }

    /// Whether a node is a head for a role, and under which name.
    pub(super) fn head(&self, view: View<'_>, node: NodeId) -> Option<NodeId> {
        if let Some(pit) = self.quiet(node, view.role) {
            return Some(pit);
        }
        let is_head = match &self.graph.nodes[node] {
            Node::End => true,
            Node::Set { .. } => false,
            Node::Step { step, .. } => self.graph.takes_part(*step, view.role),
            Node::Fork { at, .. } => {
                (view.own && *at == Chooser::Role(view.role)) || (view.directed && self.direct[node] == Some(view.role))
            }
        };
        is_head.then_some(node)
    }

    /// The next step of the role along the chain of a step that is not its own, or where the chain leads.
    fn skip(&self, view: View<'_>, node: NodeId, then: NodeId) -> NodeId {
        let place = self.place[node];
        let Some(&end) = self.ends.get(place as usize) else { return then };
        let next = view.places.partition_point(|&other| other < place);
        let last = match view.places.get(next) {
            Some(&next) if next < end => return self.order.get(next as usize).copied().unwrap_or(then),
            _ => self.order.get((end as usize).saturating_sub(1)),
        };
        match last.map(|&last| &self.graph.nodes[last]) {
            Some(Node::Step { then, .. }) => *then,
            _ => then,
        }
    }

    /// The heads of a role behind some nodes, sorted.
    pub(super) fn close(&self, view: View<'_>, roots: &[NodeId], scratch: &mut Scratch, heads: &mut Vec<NodeId>) {
        heads.clear();
        scratch.begin();
        let mut pushed = roots.iter().copied().rev();
        let mut next = pushed.next();
        scratch.stack.extend(pushed);
        while let Some(node) = next {
            next = None;
            if scratch.visit(node) && !scratch.exhausted() {
                if let Some(head) = self.head(view, node) {
                    heads.push(head);
                } else {
                    match &self.graph.nodes[node] {
                        Node::End => {}
                        Node::Step { then, .. } => next = Some(self.skip(view, node, *then)),
                        Node::Set { then, .. } => next = Some(*then),
                        Node::Fork { arms, .. } => scratch.stack.extend(arms.iter().rev()),
                    }
                }
            }
            next = next.or_else(|| scratch.stack.pop());
        }
        if heads.len() > 1 {
            heads.sort_unstable();
            heads.dedup();
        }
    }

    /// What the arms of a choice begin with, in order; choices of the same role right inside are part of it.
    pub(super) fn firsts(&self, fork: NodeId, scratch: &mut Scratch, firsts: &mut Vec<NodeId>) {
        let Node::Fork { at: chooser, .. } = &self.graph.nodes[fork] else { return };
        scratch.begin();
        scratch.stack.push(fork);
        while let Some(node) = scratch.stack.pop() {
            if !scratch.visit(node) || scratch.exhausted() {
                continue;
            }
            match &self.graph.nodes[node] {
                Node::Fork { at, arms } if at == chooser => scratch.stack.extend(arms.iter().rev()),
                _ => firsts.push(node),
            }
        }
    }
}

//! What every `choice at R` owes to R: each arm begins with something that R does, and a label to one receiver has one
//! payload signature.
//!
//! In: the [`Index`] of a graph. Out: an error per offending arm. Two arms may begin with the very same message; they
//! are then merged behind it, for R as for all others. Whether that, and the other roles, work out is not asked here.

use super::{
    Kind, ProjectionError,
    index::{Index, Scratch, successor},
};
use crate::{
    id::{IdVec, NodeId, RoleId},
    protocol::{Chooser, Node, Step},
};

/// More errors than this about one graph help nobody.
const MAX_ERRORS: usize = 100;

/// All errors of this kind, in the order of the specification.
pub(super) fn check(index: &Index<'_>, scratch: &mut Scratch) -> Vec<ProjectionError> {
    let mut errors = Vec::new();
    for fork in outermost(index) {
        let Node::Fork { at: Chooser::Role(role), .. } = index.graph.nodes[fork] else { continue };
        if errors.len() >= MAX_ERRORS || scratch.exhausted() {
            break;
        }
        check_fork(index, scratch, fork, role, &mut errors);
    }
    errors
}

/// Choices that are entered from elsewhere than an arm of a choice of the same role: the others are part of those.
fn outermost(index: &Index<'_>) -> Vec<NodeId> {
    let graph = index.graph;
    let mut outer: IdVec<NodeId, bool> = IdVec::filled(false, graph.nodes.len());
    graph.regions.values().for_each(|region| outer[region.start] = true);
    for node in index.reachable() {
        let mut i = 0;
        while let Some(next) = successor(graph, node, i) {
            i = i.saturating_add(1);
            let nested = match (&graph.nodes[node], &graph.nodes[next]) {
                (Node::Fork { at: one, .. }, Node::Fork { at: other, .. }) => one == other,
                _ => false,
            };
            if !nested {
                outer[next] = true;
            }
        }
    }
    index.reachable().filter(|&node| outer[node] && matches!(graph.nodes[node], Node::Fork { .. })).collect()
}

fn check_fork(index: &Index<'_>, scratch: &mut Scratch, fork: NodeId, role: RoleId, errors: &mut Vec<ProjectionError>) {
    let mut firsts = Vec::new();
    index.firsts(fork, scratch, &mut firsts);
    let mut keys = Vec::with_capacity(firsts.len());
    for (rank, &first) in firsts.iter().enumerate() {
        match index.graph.nodes[first] {
            Node::Step { step: Step::Message { from, to }, label, sort, .. } if from == role => {
                keys.push((Some(to), label, sort, rank, first));
            }
            Node::Step { step: Step::Act(actor), label, sort, .. } if actor == role => {
                keys.push((None, label, sort, rank, first));
            }
            // In a scope it is the role's first step there that shows the arm.
            Node::Step { step: step @ Step::Scope(_), label, sort, .. } if index.graph.takes_part(step, role) => {
                keys.push((None, label, sort, rank, first));
            }
            _ => errors.push(ProjectionError { role, kind: Kind::Begins { fork, first } }),
        }
    }
    keys.sort_unstable();
    let mut alike = Vec::new();
    for (&(to, label, sort, _, first), &(next_to, next_label, next_sort, rank, second)) in
        keys.iter().zip(keys.iter().skip(1))
    {
        let told = index.graph.guarded.contains(&sort) || index.graph.guarded.contains(&next_sort);
        if (to, label) == (next_to, next_label) && sort != next_sort && !told {
            alike.push((rank, first, second));
        }
    }
    alike.sort_unstable();
    errors.extend(
        alike.into_iter().map(|(_, first, second)| ProjectionError { role, kind: Kind::Alike { fork, first, second } }),
    );
    errors.truncate(MAX_ERRORS);
}

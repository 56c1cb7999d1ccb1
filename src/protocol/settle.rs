//! Assignments that no message makes, given to the steps in front of them.
//!
//! A `var`, a `rec` with values and a `continue` with values stand between messages. Each role makes such an assignment
//! on its own way from one of its steps to the next, so it can be made together with the step in front: it is put into
//! that step's rule ([`Rule::after`](super::Rule)), or, in front of the first step, into the entry of the region. After
//! a choice of another role, whose outcome the role does not know yet, only what gives a new variable its first value
//! is made: whichever way the choice goes, nobody can have seen it.
//!
//! A jump behind such a choice cannot give the role its value: what would be lost is told ([`Lost`]), and is an error.
//!
//! In: a graph with [`Node::Set`]. Out: the same without. O(steps × length of the ways between them).

use rustc_hash::FxHashSet;

use super::{
    graph::{Graph, Node, Step},
    names::Names,
    rule::{Set, Who},
};
use crate::{
    data::{Op, Slot},
    id::{IdVec, NodeId, RoleId, SortId, TooMany},
};

/// Who makes an assignment.
#[derive(Clone, Copy)]
enum By {
    /// A role, its own copy.
    Role(RoleId),
    /// The specification's own bookkeeping, with the step right in front.
    Nobody,
}

/// A value that a jump gives to a copy of a role (or to nobody's) that does not notice the jump when it happens.
pub(super) type Lost = (Option<RoleId>, Slot);

/// What is found on the ways from one step to the next.
#[derive(Default)]
struct Found {
    groups: Vec<Box<[Set]>>,
    lost: Vec<Slot>,
}

impl Graph {
    /// Gives every assignment to the steps in front of it; tells what it cannot give.
    pub(super) fn settle(
        &mut self,
        names: &mut Names,
        roles: usize,
        own: Option<RoleId>,
    ) -> Result<Vec<Lost>, TooMany> {
        if let Some(own) = own {
            // In one role's type everything is its own.
            for shape in self.scopes.values_mut().flatten() {
                shape.roles = [own].into();
            }
        }
        let lost = self.settle_sets(names, roles, own)?;
        let sorts = self.nodes.values().filter_map(|node| match node {
            Node::Step { sort, .. } => Some(*sort),
            _ => None,
        });
        let guarded =
            |sort: &SortId| names.rule(*sort).is_some_and(|rule| !(rule.conditions.is_empty() && rule.keys.is_empty()));
        self.guarded = sorts.filter(guarded).collect();
        Ok(lost)
    }

    fn settle_sets(&mut self, names: &mut Names, roles: usize, own: Option<RoleId>) -> Result<Vec<Lost>, TooMany> {
        let mut lost: Vec<Lost> = Vec::new();
        if !self.nodes.values().any(|node| matches!(node, Node::Set { .. })) {
            return Ok(lost);
        }
        let mut gather = |at: NodeId, by: By| {
            let mut found = Found::default();
            self.gather(at, by, false, &mut FxHashSet::default(), &mut found);
            let role = if let By::Role(role) = by { Some(role) } else { None };
            lost.extend(found.lost.into_iter().map(|slot| (role, slot)));
            found.groups
        };
        let mut changed = Vec::new();
        for (id, node) in self.nodes.iter() {
            let &Node::Step { step, label, sort, then } = node else { continue };
            if matches!(step, Step::Scope(_) | Step::Leave(..) | Step::Exit(..)) {
                continue;
            }
            let mut after: Vec<Box<[Set]>> = Vec::new();
            let acting: Vec<RoleId> = own.map_or_else(|| self.roles_of(step).collect(), |own| vec![own]);
            for role in acting {
                after.extend(gather(then, By::Role(role)));
            }
            after.extend(gather(then, By::Nobody));
            if after.is_empty() {
                continue;
            }
            let payload = names.payload(sort).cloned();
            let mut rule = names.rule(sort).cloned().unwrap_or_default();
            rule.after = rule.after.into_vec().into_iter().chain(after).collect();
            changed.push((id, Node::Step { step, label, sort: names.signature(payload, rule)?, then }));
        }
        let mut entries = Vec::new();
        for (id, region) in self.regions.iter() {
            let mut entry = Vec::new();
            let roles = (0..roles).map_while(|role| crate::id::Id::new(role).ok()).map(By::Role);
            for by in roles.chain([By::Nobody]) {
                let role = if let By::Role(role) = by { Some(role) } else { None };
                entry.extend(gather(region.start, by).into_iter().map(|sets| (role, sets)));
            }
            entries.push((id, entry));
        }
        // What stands behind a scope is on the way out of it.
        let mut leaves = Vec::new();
        for (id, node) in self.nodes.iter() {
            let &Node::Step { step: Step::Leave(scope, number), then, .. } = node else { continue };
            let Some(shape) = self.scopes[scope].as_ref() else { continue };
            let mut entry = Vec::new();
            for by in shape.roles.iter().map(|&role| By::Role(role)).chain([By::Nobody]) {
                let role = if let By::Role(role) = by { Some(role) } else { None };
                entry.extend(gather(then, by).into_iter().map(|sets| (role, sets)));
            }
            if !entry.is_empty() {
                leaves.push((scope, number, entry));
            }
            let _ = id;
        }
        for (id, node) in changed {
            self.nodes[id] = node;
        }
        for (id, entry) in entries {
            self.regions[id].entry = entry;
        }
        for (scope, number, entry) in leaves {
            if let Some(shape) = &mut self.scopes[scope] {
                shape.behind.push((number, entry));
            }
        }
        self.drop_sets();
        lost.sort_unstable();
        lost.dedup();
        Ok(lost)
    }

    /// What a role assigns between a node and its next step.
    fn gather(&self, mut node: NodeId, by: By, mut forked: bool, seen: &mut FxHashSet<NodeId>, out: &mut Found) {
        let mut todo = Vec::new();
        loop {
            let next = if !seen.insert(node) {
                None
            } else {
                match &self.nodes[node] {
                    Node::End => None,
                    Node::Set { sets, jump, then } => {
                        let mine: Box<[Set]> = sets.iter().filter_map(|set| own(set, by)).collect();
                        if !(forked && *jump) {
                            if !mine.is_empty() {
                                out.groups.push(mine);
                            }
                            Some(*then)
                        } else {
                            let changes = mine.iter().filter(|set| !keeps(set));
                            out.lost.extend(changes.map(|set| set.slot));
                            None
                        }
                    }
                    Node::Step { step, then, .. } => match by {
                        By::Role(role) if !self.takes_part(*step, role) => Some(*then),
                        _ => None,
                    },
                    Node::Fork { arms, .. } => {
                        forked |= arms.len() > 1;
                        todo.extend(arms.iter().rev().copied());
                        None
                    }
                }
            };
            match next.or_else(|| todo.pop()) {
                Some(next) => node = next,
                None => return,
            }
        }
    }

    /// Takes the assignments out of the graph.
    fn drop_sets(&mut self) {
        let goal: IdVec<NodeId, NodeId> = self
            .nodes
            .ids()
            .map(|id| {
                // By INVARIANT (guarded) assignments make no circle.
                let mut at = id;
                while let Node::Set { then, .. } = &self.nodes[at] {
                    at = *then;
                }
                at
            })
            .collect();
        let to = |node: &mut NodeId| *node = goal[*node];
        for node in self.nodes.values_mut() {
            match node {
                Node::End | Node::Set { .. } => {}
                Node::Step { then, .. } => to(then),
                Node::Fork { arms, .. } => arms.iter_mut().for_each(to),
            }
        }
        to(&mut self.start);
        self.regions.values_mut().for_each(|region| to(&mut region.start));
        // Nothing leads to them any more.
        for node in self.nodes.values_mut() {
            if matches!(node, Node::Set { .. }) {
                *node = Node::End;
            }
        }
    }
}

/// An assignment as one role makes it.
fn own(set: &Set, by: By) -> Option<Set> {
    match (&set.who, by) {
        (Who::Roles(roles), By::Role(role)) if roles.contains(&role) => {
            Some(Set { who: Who::Roles([role].into()), ..set.clone() })
        }
        (Who::Roles(roles), By::Nobody) if roles.is_empty() => Some(set.clone()),
        _ => None,
    }
}

/// Whether a variable is given the value that it has.
fn keeps(set: &Set) -> bool {
    matches!(&set.value.tree().op, Op::Slot(slot, _) if *slot == set.slot)
}

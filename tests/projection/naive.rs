//! The rules of projection as they are written: by recursion over the protocol, type by type, arm by arm, to a depth.
//!
//! Types are finite trees, cut off at a depth of events of the role; whatever is cut off fits everything.

use polylogue::{
    id::{LabelId, NodeId, RoleId, SortId, StateId},
    protocol::{Act, Chooser, Graph, Local, Node, Step, project::Discipline},
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    Cut,
    End,
    /// Sends and local actions.
    Own(BTreeMap<(Act, LabelId, SortId), Tree>),
    /// All from one peer.
    Branch(RoleId, BTreeMap<LabelId, (SortId, Tree)>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused;

pub struct Naive<'g> {
    pub graph: &'g Graph,
    pub role: RoleId,
    pub discipline: Discipline,
    /// Merges of two different types that went well.
    pub merges: usize,
    /// Steps that may still be taken; the trees are exponentially large.
    pub fuel: usize,
}

/// What is found behind a node: nothing but ways back to nodes that are being looked at (the outermost given by its
/// depth), or a type.
enum Found {
    Back(usize),
    Type(Tree),
}

impl Naive<'_> {
    pub fn tree(&mut self, node: NodeId, depth: usize) -> Result<Tree, Refused> {
        match self.find(node, depth, &mut Vec::new())? {
            Found::Type(tree) => Ok(tree),
            Found::Back(_) => unreachable!("there is no way back beyond the first node"),
        }
    }

    fn find(&mut self, node: NodeId, depth: usize, path: &mut Vec<NodeId>) -> Result<Found, Refused> {
        if self.fuel == 0 {
            return Ok(Found::Type(Tree::Cut));
        }
        self.fuel -= 1;
        if let Some(at) = path.iter().position(|&other| other == node) {
            return Ok(Found::Back(at));
        }
        path.push(node);
        let found = self.unfold(node, depth, path);
        path.pop();
        // rec t. t is end
        match found? {
            Found::Back(at) if at == path.len() => Ok(Found::Type(Tree::End)),
            found => Ok(found),
        }
    }

    fn unfold(&mut self, node: NodeId, depth: usize, path: &mut Vec<NodeId>) -> Result<Found, Refused> {
        match &self.graph.nodes[node] {
            Node::End => Ok(Found::Type(Tree::End)),
            Node::Set { .. } => panic!("no assignments are generated"),
            &Node::Step { step, label, sort, then } => {
                let act = match step {
                    Step::Message { from, to } if from == self.role => Act::Send(to),
                    Step::Message { from, to } if to == self.role => Act::Receive(from),
                    Step::Act(role) if role == self.role => Act::Act,
                    _ => return self.find(then, depth, path),
                };
                if depth == 0 {
                    return Ok(Found::Type(Tree::Cut));
                }
                let then = self.tree(then, depth - 1)?;
                Ok(Found::Type(match act {
                    Act::Receive(peer) => Tree::Branch(peer, [(label, (sort, then))].into()),
                    act => Tree::Own([((act, label, sort), then)].into()),
                }))
            }
            Node::Fork { at: Chooser::Role(at), arms } if *at == self.role => {
                if depth == 0 {
                    return Ok(Found::Type(Tree::Cut));
                }
                let mut all = BTreeMap::new();
                for &arm in arms {
                    match self.find(arm, depth, path)? {
                        Found::Type(Tree::Own(own)) => {
                            for (key, then) in own {
                                let then = match all.remove(&key) {
                                    None => then,
                                    Some(one) => self.merge(one, then)?,
                                };
                                all.insert(key, then);
                            }
                        }
                        Found::Type(Tree::Cut) => return Ok(Found::Type(Tree::Cut)),
                        _ => return Err(Refused),
                    }
                }
                Ok(Found::Type(Tree::Own(all)))
            }
            Node::Fork { at, arms } => {
                let direct = self.discipline == Discipline::Plain && self.direct(*at, arms) == Some(self.role);
                let mut merged: Option<Tree> = None;
                let mut back: Option<usize> = None;
                for &arm in arms {
                    match self.find(arm, depth, path)? {
                        Found::Back(at) => back = Some(back.map_or(at, |other| other.min(at))),
                        Found::Type(tree) => {
                            merged = Some(match merged {
                                None => tree,
                                Some(other) if direct => self.unite(other, tree)?,
                                Some(other) => self.merge(other, tree)?,
                            });
                        }
                    }
                }
                Ok(match (merged, back) {
                    (Some(tree), _) => Found::Type(tree),
                    (None, Some(at)) => Found::Back(at),
                    (None, None) => Found::Type(Tree::End),
                })
            }
        }
    }

    fn direct(&self, at: Chooser, arms: &[NodeId]) -> Option<RoleId> {
        let receivers: BTreeSet<Option<RoleId>> = arms
            .iter()
            .map(|&arm| match &self.graph.nodes[arm] {
                Node::Step { step: Step::Message { from, to }, .. } if Chooser::Role(*from) == at => Some(*to),
                Node::Fork { at: inner, arms } if *inner == at => self.direct(at, arms),
                _ => None,
            })
            .collect();
        if receivers.len() == 1 { receivers.into_iter().next().flatten() } else { None }
    }

    /// The arms of one choice that is directed at the role. (If the choice has form, all labels differ.)
    fn unite(&mut self, one: Tree, other: Tree) -> Result<Tree, Refused> {
        match (one, other) {
            (Tree::Cut, _) | (_, Tree::Cut) => Ok(Tree::Cut),
            (Tree::Branch(peer, mut all), Tree::Branch(_, other)) => {
                for (label, (sort, then)) in other {
                    let then = match all.remove(&label) {
                        None => then,
                        Some((same, one)) if same == sort => self.merge(one, then)?,
                        Some(_) => return Err(Refused),
                    };
                    all.insert(label, (sort, then));
                }
                Ok(Tree::Branch(peer, all))
            }
            _ => Err(Refused),
        }
    }

    pub fn merge(&mut self, one: Tree, other: Tree) -> Result<Tree, Refused> {
        match (one, other) {
            (Tree::Cut, _) | (_, Tree::Cut) => Ok(Tree::Cut),
            (Tree::End, Tree::End) => Ok(Tree::End),
            (Tree::Own(one), Tree::Own(other)) => {
                if one.keys().ne(other.keys()) {
                    return Err(Refused);
                }
                let pairs = one.into_iter().zip(other.into_values());
                pairs
                    .map(|((key, one), other)| Ok((key, self.merge(one, other)?)))
                    .collect::<Result<_, _>>()
                    .map(Tree::Own)
            }
            (Tree::Branch(peer, one), Tree::Branch(from, mut other)) => {
                let labels = one.keys().eq(other.keys());
                if peer != from || (self.discipline == Discipline::Plain && !labels) {
                    return Err(Refused);
                }
                if !labels {
                    self.merges += 1;
                }
                let mut all = BTreeMap::new();
                for (label, (sort, then)) in one {
                    let then = match other.remove(&label) {
                        None => then,
                        Some((other, _)) if other != sort => return Err(Refused),
                        Some((_, other)) => self.merge(then, other)?,
                    };
                    all.insert(label, (sort, then));
                }
                all.extend(other);
                Ok(Tree::Branch(peer, all))
            }
            _ => Err(Refused),
        }
    }
}

/// Whether every choice of the part that is reached begins as it should: the rule, choice by choice.
pub fn well_formed(graph: &Graph, role: RoleId) -> bool {
    let mut seen = BTreeSet::new();
    let mut stack = vec![graph.start];
    while let Some(node) = stack.pop() {
        if !seen.insert(node) {
            continue;
        }
        match &graph.nodes[node] {
            Node::End => {}
            Node::Step { then, .. } | Node::Set { then, .. } => stack.push(*then),
            Node::Fork { at, arms } => {
                stack.extend(arms.iter().copied());
                let mut firsts = BTreeSet::new();
                collect_firsts(graph, node, &mut firsts);
                let mut sorts = BTreeMap::new();
                let good = |&first: &NodeId| match graph.nodes[first] {
                    Node::Step { step: Step::Message { from, to }, label, sort, .. } if from == role => {
                        *sorts.entry((Some(to), label)).or_insert(sort) == sort
                    }
                    Node::Step { step: Step::Act(actor), label, sort, .. } if actor == role => {
                        *sorts.entry((None, label)).or_insert(sort) == sort
                    }
                    _ => false,
                };
                if *at == Chooser::Role(role) && !firsts.iter().all(good) {
                    return false;
                }
            }
        }
    }
    true
}

fn collect_firsts(graph: &Graph, fork: NodeId, firsts: &mut BTreeSet<NodeId>) {
    let Node::Fork { at: chooser, arms } = &graph.nodes[fork] else { return };
    for &arm in arms {
        match &graph.nodes[arm] {
            Node::Fork { at, .. } if at == chooser => collect_firsts(graph, arm, firsts),
            _ => drop(firsts.insert(arm)),
        }
    }
}

/// The tree of a local type to the same depth.
pub fn unfold(local: &Local, state: StateId, depth: usize) -> Tree {
    let state = &local.states[state];
    let Some(first) = state.arms.first() else {
        assert!(state.may_stop, "a state without arms that may not stop");
        return Tree::End;
    };
    assert!(!state.may_stop, "a merged state that may stop and go on");
    if depth == 0 {
        return Tree::Cut;
    }
    match first.act {
        Act::Receive(peer) => Tree::Branch(
            peer,
            state
                .arms
                .iter()
                .map(|arm| {
                    assert_eq!(arm.act, Act::Receive(peer));
                    (arm.label, (arm.sort, unfold(local, arm.then, depth - 1)))
                })
                .collect(),
        ),
        _ => Tree::Own(
            state.arms.iter().map(|arm| ((arm.act, arm.label, arm.sort), unfold(local, arm.then, depth - 1))).collect(),
        ),
    }
}

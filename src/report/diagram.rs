//! Machines and protocols as nodes and arrows: the one model that DOT, Mermaid and SVG print.
//!
//! INVARIANT (closed): the ends of an arrow are indices of its group's nodes.

use rustc_hash::FxHashMap;

use crate::{
    id::{IdVec, NodeId, StateId},
    machine::Machine,
    protocol::{Act, Chooser, Graph, Header, Names, Node, Step},
};

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// What it shows.
    pub title: String,
    /// Parts without arrows between them: a machine each.
    pub groups: Vec<Group>,
}

/// A part of a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What it shows.
    pub title: String,
    /// The nodes.
    pub nodes: Vec<Vertex>,
    /// The arrows.
    pub arrows: Vec<Arrow>,
    /// The node where it begins.
    pub initial: usize,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vertex {
    /// What is written in it.
    pub text: String,
    /// Whether it may end here.
    pub may_stop: bool,
    /// Whether it is a decision rather than a state.
    pub fork: bool,
}

/// An arrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrow {
    /// From this node.
    pub from: usize,
    /// To this node.
    pub to: usize,
    /// What is written beside it, a line per action.
    pub lines: Vec<String>,
}

impl Group {
    /// Adds a line to the arrow between two nodes, which is made if it is not there.
    fn arrow(&mut self, found: &mut FxHashMap<(usize, usize), usize>, from: usize, to: usize, line: Option<String>) {
        let next = self.arrows.len();
        let at = *found.entry((from, to)).or_insert(next);
        if at == next {
            self.arrows.push(Arrow { from, to, lines: Vec::new() });
        }
        if let Some(arrow) = self.arrows.get_mut(at) {
            arrow.lines.extend(line);
        }
    }
}

/// A machine: its states, numbered from 0 in breadth-first order, and what leads from one to the other. States that
/// are never reached are left out.
#[must_use]
pub fn machine(machine: &Machine, header: &Header, names: &Names) -> Group {
    let mut group = Group { title: header.role_name(machine.role()).to_owned(), ..Group::default() };
    let mut number: IdVec<StateId, Option<usize>> = IdVec::filled(None, machine.states());
    let mut order = vec![machine.initial()];
    number[machine.initial()] = Some(0);
    let mut found = FxHashMap::default();
    let mut at = 0_usize;
    while let Some(&state) = order.get(at) {
        group.nodes.push(Vertex { text: at.to_string(), may_stop: machine.may_stop(state), fork: false });
        for offer in machine.offers(state) {
            let to = *number[offer.then].get_or_insert_with(|| {
                order.push(offer.then);
                order.len().saturating_sub(1)
            });
            let action = machine.actions()[offer.action];
            let message = names.message(action.label, action.sort);
            let line = match action.act {
                Act::Send(peer) => format!("{}!{message}", header.role_name(peer)),
                Act::Receive(peer) => format!("{}?{message}", header.role_name(peer)),
                Act::Act => message,
                Act::Scope(_) => "in".to_owned(),
                Act::Leave(..) | Act::Exit(..) => "out".to_owned(),
            };
            group.arrow(&mut found, at, to, Some(line));
        }
        at = at.saturating_add(1);
    }
    group
}

/// A protocol's flow of messages: a node between any two, a diamond where a role decides.
#[must_use]
pub fn flow(graph: &Graph, header: &Header, names: &Names) -> Group {
    let mut group = Group { title: header.name.to_string(), ..Group::default() };
    let mut number: IdVec<NodeId, Option<usize>> = IdVec::filled(None, graph.nodes.len());
    let mut order = vec![graph.start];
    if let Some(start) = number.entry_mut(graph.start) {
        *start = Some(0);
    }
    let mut found = FxHashMap::default();
    let mut at = 0_usize;
    while let Some(&id) = order.get(at) {
        let mut go = |then: NodeId, line: Option<String>, group: &mut Group| {
            let to = *number[then].get_or_insert_with(|| {
                order.push(then);
                order.len().saturating_sub(1)
            });
            group.arrow(&mut found, at, to, line);
        };
        match &graph.nodes[id] {
            Node::End => group.nodes.push(Vertex { text: "end".to_owned(), may_stop: true, fork: false }),
            Node::Step { step, label, sort, then } => {
                group.nodes.push(Vertex::default());
                let message = names.message(*label, *sort);
                let role = |role| header.role_name(role);
                let line = match *step {
                    Step::Message { from, to } => format!("{} -> {}: {message}", role(from), role(to)),
                    Step::Send(to) => format!("{}!{message}", role(to)),
                    Step::Receive(from) => format!("{}?{message}", role(from)),
                    Step::Act(own) => format!("{}: {message}", role(own)),
                    Step::Scope(_) => "in".to_owned(),
                    Step::Leave(..) | Step::Exit(..) => "out".to_owned(),
                };
                go(*then, Some(line), &mut group);
            }
            Node::Set { then, .. } => {
                group.nodes.push(Vertex::default());
                go(*then, None, &mut group);
            }
            Node::Fork { at: chooser, arms } => {
                let text = match chooser {
                    Chooser::Role(role) => header.role_name(*role).to_owned(),
                    Chooser::Internal => "+".to_owned(),
                    Chooser::External => "&".to_owned(),
                    Chooser::Mixed => "*".to_owned(),
                };
                group.nodes.push(Vertex { text, may_stop: false, fork: true });
                for &arm in arms {
                    go(arm, None, &mut group);
                }
            }
        }
        at = at.saturating_add(1);
    }
    group
}

//! The messages that would let a role tell the arms of a choice apart.
//!
//! In: the choice where two runs part. Out: a [`Mend`]: behind the first step of each arm, the one who decides tells
//! the role, with a label of its own for each arm; an arm that begins with a message to the role needs none, and arms
//! that begin alike count as one. After it
//! the role learns of this choice before anything else behind it, so mending what fails, again and again, ends after
//! at most one mend per choice and role.

use super::{
    Mismatch, Side,
    index::{Index, Scratch},
};
use crate::{
    diag::Span,
    id::{LabelId, NodeId, RoleId},
    protocol::{Chooser, Graph, Header, Names, Node, Step},
};

/// Messages that would mend a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// The choice.
    pub fork: NodeId,
    /// Who decides, and should tell.
    pub from: RoleId,
    /// Who should be told.
    pub to: RoleId,
    /// The steps behind which a message is missing: each is what an arm begins with.
    pub after: Vec<NodeId>,
    /// What arms begin with that tell the role already.
    pub told: Vec<NodeId>,
}

/// A text to be inserted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// Where; the span is empty.
    pub at: Span,
    /// What.
    pub text: String,
}

impl Mend {
    pub(super) fn of(
        index: &Index<'_>,
        scratch: &mut Scratch,
        fork: NodeId,
        to: RoleId,
        why: Mismatch,
        sides: [&Side; 2],
    ) -> Option<Self> {
        let graph = index.graph;
        let Node::Fork { at: Chooser::Role(from), .. } = graph.nodes[fork] else { return None };
        if from == to {
            return None;
        }
        let mut firsts = Vec::new();
        index.firsts(fork, scratch, &mut firsts);
        let (mut after, mut told) = (Vec::new(), Vec::new());
        for first in firsts {
            match graph.nodes[first] {
                Node::Step { step: Step::Message { from: sender, to: receiver }, .. } if sender == from => {
                    if receiver == to { told.push(first) } else { after.push(first) }
                }
                Node::Step { step: Step::Act(actor), .. } if actor == from => after.push(first),
                _ => return None,
            }
        }
        // Nothing that follows tells apart what begins alike: whoever decides has taken one decision, not two.
        if let [Some(first), Some(second)] = sides.map(|side| side.arm)
            && alike(graph, first, second)
        {
            return None;
        }
        // A label that has two payloads in the very messages with which the arms begin is not mended by more messages.
        let span = |node: NodeId| graph.spans[node];
        let begins = |side: &Side| side.arm.is_some_and(|arm| span(arm) == span(side.node));
        if matches!(why, Mismatch::Payload(_)) && sides.into_iter().all(begins) {
            return None;
        }
        (!after.is_empty()).then_some(Self { fork, from, to, after, told })
    }

    /// The labels to be sent, in the order of [`Self::after`]: that of the step where it is not taken.
    #[must_use]
    pub fn labels(&self, graph: &Graph, header: &Header, names: &Names) -> Vec<String> {
        let label = |node: NodeId| label_of(graph, node).map_or("", |label| names.label_text(label));
        let mut taken: Vec<String> = self.told.iter().map(|&node| label(node).to_owned()).collect();
        let first = taken.len();
        for (at, &node) in self.after.iter().enumerate() {
            let same = self.after.iter().take(at).position(|&other| alike(graph, other, node));
            if let Some(text) = same.and_then(|same| taken.get(first.saturating_add(same)).cloned()) {
                taken.push(text);
                continue;
            }
            let own = label(node).to_owned();
            let by_receiver = match graph.nodes[node] {
                Node::Step { step: Step::Message { to, .. }, .. } => format!("{own}_{}", header.role_name(to)),
                _ => format!("{own}_done"),
            };
            let numbered = (2..=u32::MAX).map(|n| format!("{own}_{n}"));
            let free = [own.clone(), by_receiver].into_iter().chain(numbered).find(|text| !taken.contains(text));
            taken.push(free.unwrap_or(own));
        }
        taken.split_off(first)
    }

    /// The messages as text, each with where it belongs in the source text of its file: behind the statement of its
    /// step, or into the block of an arm of `A -> B: {…}`, which gets one if it has none.
    #[must_use]
    pub fn edits(&self, graph: &Graph, header: &Header, names: &Names, source: &str) -> Vec<Edit> {
        let (from, to) = (word(header.role_name(self.from)), word(header.role_name(self.to)));
        let labels = self.labels(graph, header, names);
        let edit = |(&node, label): (&NodeId, &String)| {
            let message = format!(" {from} -> {to}: {}();", word(label));
            place(graph.spans[node], source, message)
        };
        self.after.iter().zip(&labels).map(edit).collect()
    }
}

/// Whether two steps are the same to everybody.
pub(super) fn alike(graph: &Graph, one: NodeId, other: NodeId) -> bool {
    match (&graph.nodes[one], &graph.nodes[other]) {
        (
            Node::Step { step: one, label: one_label, sort: one_sort, .. },
            Node::Step { step: other, label: other_label, sort: other_sort, .. },
        ) => (one, one_label, one_sort) == (other, other_label, other_sort),
        _ => false,
    }
}

fn label_of(graph: &Graph, node: NodeId) -> Option<LabelId> {
    match graph.nodes[node] {
        Node::Step { label, .. } => Some(label),
        _ => None,
    }
}

/// Where a message behind a statement belongs, and what it looks like there.
fn place(span: Span, source: &str, message: String) -> Edit {
    let at = |offset: usize| {
        let offset = u32::try_from(offset).unwrap_or(span.end);
        Span { file: span.file, start: offset, end: offset }
    };
    let end = span.end as usize;
    let inside = source.get(span.start as usize..end).unwrap_or("");
    if inside.ends_with([';', '}']) {
        return Edit { at: at(end), text: message };
    }
    let rest = source.get(end..).unwrap_or("");
    let behind = rest.trim_start();
    let gap = rest.len().saturating_sub(behind.len());
    if behind.starts_with(';') {
        Edit { at: at(end.saturating_add(gap).saturating_add(1)), text: message }
    } else if let Some(brace) = rest.find('{').filter(|_| behind.starts_with("=>")) {
        Edit { at: at(end.saturating_add(brace).saturating_add(1)), text: message }
    } else {
        Edit { at: at(end), text: format!(" => {{{message} }}") }
    }
}

/// A name as it is written: in backquotes if it is not a plain identifier or number.
fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { text.to_owned() } else { format!("`{text}`") }
}

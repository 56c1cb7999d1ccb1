//! Two runs that a role cannot tell apart, in the words of the author.

use super::{Condition, Indistinct};
use crate::{
    diag::{Diagnostic, catalogue::projection as codes},
    event::Event,
    id::{NodeId, RoleId},
    protocol::{Graph, Header, Names, Node, Step},
};

/// Longer runs are shown by their ends.
const MAX_RUN: usize = 16;

/// `A -> B: m(x: int)` of a step.
pub(super) fn step(graph: &Graph, header: &Header, names: &Names, node: NodeId) -> String {
    let Node::Step { step, label, sort, .. } = graph.nodes[node] else { return String::new() };
    let message = names.message(label, sort);
    match step {
        Step::Message { from, to } => format!("{} -> {}: {message}", header.role_name(from), header.role_name(to)),
        Step::Act(role) => format!("{}: {message}", header.role_name(role)),
        Step::Send(_) | Step::Receive(_) | Step::Scope(_) | Step::Leave(..) | Step::Exit(..) => message,
    }
}

impl Indistinct {
    /// Both runs, each with what the role does behind it; and that in words.
    #[must_use]
    pub fn runs(&self, header: &Header) -> [(Vec<NodeId>, String); 2] {
        let role = header.role_name(self.role);
        let first: Vec<NodeId> = self.first.iter().chain([&self.does]).copied().collect();
        let second: Vec<NodeId> = self.second.iter().chain(&self.but).chain(&self.then).copied().collect();
        let [does, but] = match self.condition {
            Condition::SendValidity => [format!("then `{role}` sends this"), format!("then `{role}` cannot send it")],
            Condition::ReceiveValidity => {
                let n = self.second.len().saturating_add(1);
                [
                    format!("then `{role}` takes this"),
                    format!("`{role}` should take step {n}, but the last may be there"),
                ]
            }
            Condition::NoMixedChoice => [format!("then `{role}` sends this"), format!("then `{role}` waits for this")],
            Condition::NoOptionalTermination => {
                [format!("then `{role}` takes this"), format!("then all is over, and `{role}` still waits")]
            }
        };
        [(first, does), (second, but)]
    }

    /// Both runs as words of the protocol, each with what the role does behind it.
    pub(in crate::verify) fn words(&self, graph: &Graph) -> [Vec<Event>; 2] {
        let event = |&node: &NodeId| match graph.nodes[node] {
            Node::Step { step: Step::Message { from, to }, label, sort, .. } => {
                Some(Event::Sync { from, to, label, sort })
            }
            Node::Step { step: Step::Act(role), label, sort, .. } => Some(Event::Act { role, label, sort }),
            _ => None,
        };
        let first = self.first.iter().chain([&self.does]);
        let second = self.second.iter().chain(&self.but).chain(&self.then);
        [first.filter_map(event).collect(), second.filter_map(event).collect()]
    }

    /// In one line.
    #[must_use]
    pub fn text(&self, graph: &Graph, header: &Header, names: &Names) -> String {
        let role = header.role_name(self.role);
        let what = |node: NodeId| step(graph, header, names, node);
        let does = what(self.does);
        match (self.condition, self.but) {
            (Condition::NoMixedChoice, Some(but)) => format!(
                "role `{role}` cannot tell two runs apart: after one it sends `{does}`, after the other it waits for \
                 `{}`",
                what(but)
            ),
            (Condition::ReceiveValidity, Some(but)) => format!(
                "role `{role}` cannot tell two runs apart: after one it takes `{does}`, after the other `{}`, and then \
                 a message like the first may be there already",
                what(but)
            ),
            (Condition::NoOptionalTermination, _) => format!(
                "role `{role}` cannot tell whether it has ended: after one run it takes `{does}`, after the other all is \
                 over"
            ),
            _ => format!(
                "role `{role}` cannot tell two runs apart: after one it may send `{does}`, after the other it may not"
            ),
        }
    }

    /// What to tell the author.
    #[must_use]
    pub fn diagnostic(&self, graph: &Graph, header: &Header, names: &Names) -> Diagnostic {
        let role = header.role_name(self.role);
        let mut values = self.values.iter();
        let run = |nodes: &[NodeId], values: &mut dyn Iterator<Item = &String>| {
            let steps: Vec<String> = nodes
                .iter()
                .map(|&node| match values.next().filter(|text| !text.is_empty()) {
                    Some(text) => format!("{} with {text}", step(graph, header, names, node)),
                    None => step(graph, header, names, node),
                })
                .collect();
            match steps.len().checked_sub(MAX_RUN) {
                _ if steps.is_empty() => "nothing yet".to_owned(),
                Some(out @ 1..) => {
                    let half = MAX_RUN / 2;
                    let head = steps.get(..half).unwrap_or(&[]).join(", ");
                    let tail = steps.get(steps.len().saturating_sub(half)..).unwrap_or(&[]).join(", ");
                    format!("{head}, … {out} more …, {tail}")
                }
                _ => steps.join(", "),
            }
        };
        let first = run(&self.first, &mut values);
        let second = run(&self.second, &mut values);
        let doing = run(&[self.does], &mut values);
        let span = graph.spans[self.does];
        let does = match self.condition {
            Condition::SendValidity | Condition::NoMixedChoice => format!("after one run `{role}` sends this"),
            Condition::ReceiveValidity | Condition::NoOptionalTermination => {
                format!("after one run `{role}` takes this")
            }
        };
        let code = match self.condition {
            Condition::NoOptionalTermination => codes::MAY_STOP,
            _ => codes::NOT_IMPLEMENTABLE,
        };
        let mut found = Diagnostic::new(code, span, self.text(graph, header, names))
            .label(span, does)
            .note(format!("violated: {}", self.condition.name()))
            .note(format!("one run: {first}; next: {doing}"));
        match (self.condition, self.but) {
            (Condition::ReceiveValidity, Some(but)) => {
                let but_text = run(&[but], &mut values);
                let then = run(&self.then, &mut values);
                found = found.note(format!("the other: {second}; next: {but_text}, {then}"));
                found = found.label(graph.spans[but], format!("after the other run `{role}` takes this"));
            }
            (Condition::NoMixedChoice, Some(but)) => {
                let but_text = run(&[but], &mut values);
                found = found.note(format!("the other: {second}; next: {but_text}"));
                found = found.label(graph.spans[but], format!("after the other run `{role}` waits for this"));
            }
            (Condition::NoOptionalTermination, _) => {
                found = found.note(format!("the other: {second}; then nothing is left to come"));
            }
            _ => found = found.note(format!("the other: {second}; `{role}` can then not send it")),
        }
        let by = first_apart(self.role, &self.first, &self.second, graph);
        let who = match by {
            Some(who) => {
                format!("let `{}`, or somebody who knows, tell `{role}` which run it is", header.role_name(who))
            }
            None => format!("let somebody who knows tell `{role}` which run it is"),
        };
        found.help(format!("{who}, before `{role}` has to act"))
    }
}

/// Who made the first step in which two runs differ.
fn first_apart(role: RoleId, first: &[NodeId], second: &[NodeId], graph: &Graph) -> Option<RoleId> {
    let at = first.iter().zip(second).position(|(one, other)| one != other)?;
    let from = |node: Option<&NodeId>| match graph.nodes[*node?] {
        Node::Step { step: Step::Message { from, .. } | Step::Act(from), .. } => Some(from),
        _ => None,
    };
    let (one, other) = (from(first.get(at))?, from(second.get(at))?);
    (one == other && one != role).then_some(one)
}

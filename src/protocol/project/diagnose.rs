//! Projection errors as diagnostics, with the names of the author.

use super::{Clash, Does, Kind, Limit, Mend, Mismatch, ProjectionError, Side, mend::alike};
use crate::{
    diag::{Diagnostic, Span, catalogue::projection as codes},
    id::{NodeId, RoleId},
    protocol::{Graph, Header, Names, Node, Step},
};

/// Longer runs are shown by their ends.
const MAX_RUN: usize = 12;

impl ProjectionError {
    /// What to tell the author. The header and the names are those of the protocol of the graph.
    #[must_use]
    pub fn diagnostic(&self, graph: &Graph, header: &Header, names: &Names) -> Diagnostic {
        let teller = Teller { graph, header, names, role: header.role_name(self.role) };
        match &self.kind {
            Kind::Clash(clash) => teller.clash(clash),
            Kind::Begins { fork, first } => teller.begins(*fork, *first),
            Kind::Alike { fork, first, second } => teller.alike(*fork, *first, *second),
            Kind::TooLarge(limit) => teller.too_large(*limit),
        }
    }
}

struct Teller<'a> {
    graph: &'a Graph,
    header: &'a Header,
    names: &'a Names,
    role: &'a str,
}

impl Teller<'_> {
    fn role(&self, role: RoleId) -> &str {
        self.header.role_name(role)
    }

    /// `A -> B: m(x: int)` of a step.
    fn step(&self, node: NodeId) -> String {
        let Node::Step { step, label, sort, .. } = self.graph.nodes[node] else { return String::new() };
        let message = self.names.message(label, sort);
        match step {
            Step::Message { from, to } => format!("{} -> {}: {message}", self.role(from), self.role(to)),
            Step::Act(role) => format!("{}: {message}", self.role(role)),
            Step::Send(to) => format!("{} ! {message}", self.role(to)),
            Step::Receive(from) => format!("{} ? {message}", self.role(from)),
            Step::Scope(_) => "what the scope holds".to_owned(),
            Step::Leave(..) | Step::Exit(..) => "the end of the scope".to_owned(),
        }
    }

    /// Names for the arms of two runs: their first labels, or their first steps where the labels are the same.
    fn arms(&self, first: &Side, second: &Side) -> [String; 2] {
        let label = |side: &Side| match side.arm.map(|arm| &self.graph.nodes[arm]) {
            Some(Node::Step { label, .. }) => Some(*label),
            _ => None,
        };
        let alike = label(first) == label(second);
        [first, second].map(|side| match (side.arm, label(side)) {
            (Some(arm), _) if alike => self.step(arm),
            (_, Some(label)) => self.names.label_text(label).to_owned(),
            _ => "end".to_owned(),
        })
    }

    /// `waits for A in one and …`: what comes after "it".
    fn does(&self, side: &Side) -> String {
        match side.does {
            Does::Ends => "has ended".to_owned(),
            Does::Idles => "has nothing more to do".to_owned(),
            Does::Waits(peer) => format!("waits for `{}`", self.role(peer)),
            Does::Sends(to, label, sort) => {
                format!("sends `{}` to `{}`", self.names.message(label, sort), self.role(to))
            }
            Does::Acts(label, sort) => format!("does `{}`", self.names.message(label, sort)),
            Does::Decides => "takes a decision".to_owned(),
        }
    }

    /// Where a side is to be seen: a role that has ended does nothing anywhere, so there it is the arm.
    fn place(&self, side: &Side, fork: Option<NodeId>) -> Span {
        let node = match side.does {
            Does::Ends | Does::Idles => side.arm.or(fork).unwrap_or(side.node),
            _ => side.node,
        };
        self.graph.spans[node]
    }

    fn run(&self, side: &Side) -> String {
        let shown = |nodes: &[NodeId]| nodes.iter().map(|&node| self.step(node)).collect::<Vec<_>>().join(", ");
        let run = &side.run;
        if run.is_empty() {
            return "nothing yet".to_owned();
        }
        let half = MAX_RUN / 2;
        match (run.get(..half), run.len().checked_sub(MAX_RUN), run.get(run.len().saturating_sub(half)..)) {
            (Some(head), Some(left_out @ 1..), Some(tail)) => {
                format!("{}, … {left_out} more …, {}", shown(head), shown(tail))
            }
            _ => shown(run),
        }
    }

    fn clash(&self, clash: &Clash) -> Diagnostic {
        let (first, second) = (&clash.first, &clash.second);
        let role = self.role;
        let [one, other] = self.arms(first, second);
        let code = match clash.why {
            Mismatch::Turns => codes::INDISTINCT,
            Mismatch::Ends => codes::OPTIONAL_END,
            Mismatch::Payload(_) => codes::PAYLOADS_DIFFER,
            Mismatch::Labels => codes::NOT_PLAIN,
        };
        let (in_first, in_second) = match clash.why {
            Mismatch::Payload(_) | Mismatch::Labels => (self.message(first), self.message(second)),
            Mismatch::Turns | Mismatch::Ends => (self.does(first), self.does(second)),
        };
        let who = if one == other {
            format!("role `{role}` cannot tell two arms that begin with `{one}` apart")
        } else {
            format!("role `{role}` cannot tell arm `{one}` from arm `{other}`")
        };
        let text = if in_first == in_second {
            format!("{who}: what it would have to do differs")
        } else {
            format!("{who}: it {in_first} in one and {in_second} in the other")
        };
        let span = clash.fork.map_or_else(|| self.place(first, None), |fork| self.graph.spans[fork]);
        Diagnostic::new(code, span, text)
            .label(self.place(first, clash.fork), format!("in arm `{one}`, `{role}` {in_first}"))
            .label(self.place(second, clash.fork), format!("in arm `{other}`, `{role}` {in_second}"))
            .note(format!("one run: {}", self.run(first)))
            .note(format!("the other: {}", self.run(second)))
            .help(self.help(clash))
    }

    /// Like [`Self::does`], where which message it waits for matters more than from whom.
    fn message(&self, side: &Side) -> String {
        let node = match &self.graph.nodes[side.node] {
            Node::Fork { .. } => side.arm.unwrap_or(side.node),
            _ => side.node,
        };
        match (side.does, &self.graph.nodes[node]) {
            (Does::Waits(_), Node::Step { label, sort, .. }) => {
                format!("waits for `{}`", self.names.message(*label, *sort))
            }
            _ => self.does(side),
        }
    }

    fn help(&self, clash: &Clash) -> String {
        match (&clash.mend, clash.why) {
            (Some(mend), _) => self.mend(mend),
            (None, Mismatch::Labels) if !self.begin_alike(clash) => {
                "plain merge asks for the same labels in every arm; full merge unites them".to_owned()
            }
            (None, _) if self.begin_alike(clash) => "give each arm a label of its own".to_owned(),
            (None, Mismatch::Payload(_)) => "give one of the two messages a label of its own".to_owned(),
            (None, _) => format!("let every arm begin with a message that tells `{}` which it is", self.role),
        }
    }

    fn begin_alike(&self, clash: &Clash) -> bool {
        let (Some(first), Some(second)) = (clash.first.arm, clash.second.arm) else { return false };
        alike(self.graph, first, second)
    }

    fn mend(&self, mend: &Mend) -> String {
        let (from, to) = (self.role(mend.from), self.role(mend.to));
        let messages: Vec<String> = mend
            .labels(self.graph, self.header, self.names)
            .iter()
            .take(3)
            .map(|label| format!("`{from} -> {to}: {label}();`"))
            .collect();
        let more = if mend.after.len() > messages.len() { " and so on" } else { "" };
        let arms = if mend.told.is_empty() { "of each arm" } else { "of each arm that does not yet" };
        format!(
            "let `{from}` tell `{to}` which arm it took: add {}{more} behind the first step {arms}",
            messages.join(", ")
        )
    }

    fn begins(&self, fork: NodeId, first: NodeId) -> Diagnostic {
        let role = self.role;
        let (text, label, help) = match self.graph.nodes[first] {
            Node::Step { step: Step::Message { from, to }, .. } => {
                let waits = if self.role(to) == role { "waits for" } else { "does not see" };
                (
                    format!("`choice at {role}` has an arm that does not begin with a step of `{role}`"),
                    format!("`{}` sends this, which `{role}` {waits}", self.role(from)),
                    format!(
                        "begin the arm with a message of `{role}`, or write `choice at {}` if `{}` decides",
                        self.role(from),
                        self.role(from)
                    ),
                )
            }
            Node::Step { step: Step::Act(actor), .. } => (
                format!("`choice at {role}` has an arm that does not begin with a step of `{role}`"),
                format!("`{}` does this by itself", self.role(actor)),
                format!("begin the arm with a message of `{role}`"),
            ),
            Node::Fork { at, .. } => {
                let who = match at {
                    super::super::term::Chooser::Role(other) => self.role(other),
                    _ => "another role",
                };
                (
                    format!("`choice at {role}` has an arm that begins with a choice of `{who}`"),
                    format!("`{who}` decides here"),
                    format!("begin the arm with a message of `{role}`"),
                )
            }
            _ => (
                format!("`choice at {role}` has an arm in which nothing happens"),
                String::new(),
                format!("let `{role}` say so: begin the arm with a message of `{role}`"),
            ),
        };
        let span = self.graph.spans[fork];
        let diagnostic = Diagnostic::new(codes::ARM_BEGINS, span, text).help(help);
        if label.is_empty() { diagnostic } else { diagnostic.label(self.graph.spans[first], label) }
    }

    fn alike(&self, fork: NodeId, first: NodeId, second: NodeId) -> Diagnostic {
        let (one, other) = (self.step(first), self.step(second));
        let text = if alike(self.graph, first, second) {
            format!("two arms of `choice at {}` begin with `{one}` and go on differently", self.role)
        } else {
            format!(
                "two arms of `choice at {}` begin with one label and two payloads: `{one}` and `{other}`",
                self.role
            )
        };
        let help = match self.graph.nodes[second] {
            Node::Step { step: Step::Message { to, .. }, .. } => {
                format!("to `{}` they are one: give each arm a label of its own", self.role(to))
            }
            _ => "give each arm a label of its own".to_owned(),
        };
        Diagnostic::new(codes::ARMS_ALIKE, self.graph.spans[fork], text)
            .label(self.graph.spans[first], "one of them")
            .label(self.graph.spans[second], "the other")
            .help(help)
    }

    fn too_large(&self, limit: Limit) -> Diagnostic {
        let what = match limit {
            Limit::States(states) => format!("more than {states} states"),
            Limit::Work => "too many ways to get there".to_owned(),
        };
        let span = self.header.span;
        Diagnostic::new(codes::TOO_LARGE, span, format!("the local type of `{}` is too large: {what}", self.role))
    }
}

//! Traces that are written in a specification, beside the protocol that they belong to.
//!
//! `accepts` wants every event accepted, and, with `end;`, that the session may be over behind the last. `rejects`
//! wants every event but the last accepted and the last refused.

use super::{
    live::{Event, Judge},
    observe::{Seen, Step, Watcher},
    payload::Shape,
    subject::Subject,
};
use crate::{
    id::{MessageId, RoleId, SortId},
    machine::{Configuration, Program},
    protocol::{Act, Observer, Side, TraceDecl, TraceEvent, TraceKind},
};

/// How a trace came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every event was accepted, and the session may be over if that was asked.
    Accepts,
    /// An event was refused.
    Rejects,
    /// Every event was accepted, but the session is not over.
    Incomplete,
    /// Not known: too many configurations explain it.
    Unknown,
}

impl Outcome {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Rejects => "rejects",
            Self::Incomplete => "incomplete",
            Self::Unknown => "unknown",
        }
    }
}

/// What was stated about a trace and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// As stated: `accepts` or `rejects`.
    pub expected: Outcome,
    /// As it came out.
    pub actual: Outcome,
    /// The index of the refused event, or of the first that nothing can be said about.
    pub at: Option<usize>,
    /// It came out as stated: a `rejects` at its last event.
    pub as_stated: bool,
}

/// Checks a trace. `role` is that of the target, if the target is one role's type: then the trace is what this role
/// sees.
#[must_use]
pub fn check_trace(subject: Subject<'_>, role: Option<RoleId>, trace: &TraceDecl) -> Declared {
    let (actual, at) = outcome(subject, role, trace);
    let expected = if trace.accepts { Outcome::Accepts } else { Outcome::Rejects };
    let last = trace.events.len().checked_sub(1);
    let as_stated = actual == expected && (trace.accepts || at == last);
    Declared { expected, actual, at, as_stated }
}

fn outcome(subject: Subject<'_>, role: Option<RoleId>, trace: &TraceDecl) -> (Outcome, Option<usize>) {
    let observer = role.map_or(trace.observer, Observer::Endpoint);
    if let Some(program) = subject.program {
        return live_outcome(subject, program, observer, trace);
    }
    let sided = trace.events.iter().any(|event| event.side != Side::Both);
    let watcher = Watcher::new(subject.system, observer, sided);
    let mut set = vec![Configuration::initial(subject.system)];
    for (at, event) in trace.events.iter().enumerate() {
        if let Observer::Endpoint(own) = observer {
            let seen = match event.side {
                Side::Both => own == event.from || own == event.to,
                Side::Send => own == event.from,
                Side::Receive => own == event.to,
            };
            if !seen {
                continue;
            }
        }
        let (messages, sorts) = candidates(subject, event);
        let seen = if event.from == event.to {
            let Some(label) = event.label else { return (Outcome::Rejects, Some(at)) };
            Seen::Act { role: event.from, label, sorts: &sorts }
        } else {
            Seen::Message { messages: &messages, side: event.side }
        };
        let payload = event.payload.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut fit = |sort: SortId| match (&event.payload, Shape::of(subject.names.payload(sort))) {
            // An event without parentheses says nothing about its payload.
            (None, _) => Ok(()),
            (Some(_), shape) => shape.fit_written(&payload),
        };
        match watcher.next(&set, seen, &mut fit) {
            Step::Explained(next, _) => set = next,
            Step::Refused(_) => return (Outcome::Rejects, Some(at)),
            Step::Unknown => return (Outcome::Unknown, Some(at)),
        }
    }
    if trace.ends && !watcher.is_final(&set) {
        return (Outcome::Incomplete, None);
    }
    (Outcome::Accepts, None)
}

/// The same for what is beyond the kernel.
fn live_outcome(
    subject: Subject<'_>,
    program: &Program,
    observer: Observer,
    trace: &TraceDecl,
) -> (Outcome, Option<usize>) {
    let sided = trace.events.iter().any(|event| event.side != Side::Both);
    let mut judge = Judge::new(subject, program, observer, sided, Vec::new());
    judge.set_slack(trace.slack);
    if trace.events.is_empty() {
        judge.open(0);
    }
    for (at, event) in trace.events.iter().enumerate() {
        if let Observer::Endpoint(own) = observer
            && !match event.side {
                Side::Both => own == event.from || own == event.to,
                Side::Send => own == event.from,
                Side::Receive => own == event.to,
            }
        {
            continue;
        }
        if event.kind != TraceKind::Message {
            if judge.happens(0, event.kind == TraceKind::Crash, event.from, event.at).is_err() {
                return (Outcome::Rejects, Some(at));
            }
            continue;
        }
        let Some(label) = event.label else { return (Outcome::Rejects, Some(at)) };
        let payload = event.payload.as_ref().map(ToString::to_string).unwrap_or_default();
        let seen = Event {
            from: event.from,
            to: event.to,
            label,
            candidates: program.find(event.from, event.to, label),
            side: event.side,
            payload: &payload,
            injected: &[],
            written: true,
            blank: event.payload.is_none(),
            failed: false,
            now: event.at,
        };
        match judge.take(&seen) {
            Ok(()) => {}
            Err(refusal) if refusal.is_unknown(seen.blank) => return (Outcome::Unknown, Some(at)),
            Err(_) => return (Outcome::Rejects, Some(at)),
        }
    }
    if trace.ends && !judge.is_final(0) {
        return (Outcome::Incomplete, None);
    }
    (Outcome::Accepts, None)
}

/// The messages, or the payloads of local actions, that an event can be.
fn candidates(subject: Subject<'_>, event: &TraceEvent) -> (Vec<MessageId>, Vec<SortId>) {
    let system = subject.system;
    let Some(label) = event.label else { return Default::default() };
    if event.from == event.to {
        let Some(machine) = system.machines().entry(event.from) else { return Default::default() };
        let mut sorts: Vec<SortId> = Vec::new();
        for action in machine.actions().values().filter(|action| action.act == Act::Act && action.label == label) {
            if !sorts.contains(&action.sort) {
                sorts.push(action.sort);
            }
        }
        return (Vec::new(), sorts);
    }
    let Some(edge) = system.edge(event.from, event.to) else { return Default::default() };
    let of_edge = system.messages().iter().filter(|(_, message)| message.edge == edge && message.label == label);
    (of_edge.map(|(id, _)| id).collect(), Vec::new())
}

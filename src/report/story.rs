//! What a run does, step by step, and how things stand after it.
//!
//! Comes in: a system (the machines as written, whose offers keep their places), and a run of it. Goes out: the steps
//! with names and places, and sentences about the configuration at the end: who waits for what, what nobody takes.
//! A run that the system does not admit is told without places from where it fails; a counterexample has been
//! replayed before and always is admitted.

use super::record::{Place, StepRecord};
use crate::{
    diag::{Sources, Span},
    event::Event,
    id::RoleId,
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{Act, EdgeKind, Header, Names},
};

/// A run with names.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The steps.
    pub steps: Vec<StepRecord>,
    /// How things stand after them, a sentence per role and queue.
    pub situation: Vec<String>,
}

/// What is needed to speak about a system.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// The source texts.
    pub sources: &'a Sources,
    /// Labels and sorts.
    pub names: &'a Names,
    /// Roles.
    pub header: &'a Header,
    /// The machines as written.
    pub system: &'a System,
    /// The rules under which the run was found.
    pub semantics: Semantics,
}

/// At most this many configurations are followed at once in machines with twins.
const MOST: usize = 256;

impl Teller<'_> {
    /// The run, told.
    #[must_use]
    pub fn tell(self, run: &[Event]) -> Story {
        let (end, spans) = self.replay(run);
        let step = |(i, &event): (usize, &Event)| {
            let mut record = self.step(event);
            record.place = spans.get(i).map(|&span| Place::of(self.sources, span));
            record
        };
        Story {
            steps: run.iter().enumerate().map(step).collect(),
            situation: end.map(|end| self.situation(&end)).unwrap_or_default(),
        }
    }

    /// An event with names.
    #[must_use]
    pub fn step(self, event: Event) -> StepRecord {
        let name = |role: RoleId| self.header.role_name(role).to_owned();
        let (dir, from, to, what) = match event {
            Event::Send { from, to, label, sort } => ("send", from, to, Some((label, Some(sort)))),
            Event::Receive { from, to, label, sort } => ("receive", from, to, Some((label, Some(sort)))),
            Event::Sync { from, to, label, sort } => ("sync", from, to, Some((label, Some(sort)))),
            Event::Act { role, label, sort } => ("act", role, role, Some((label, Some(sort)))),
            Event::Timeout { role } => ("timeout", role, role, None),
            Event::Lapse { role } => ("lapse", role, role, None),
            Event::Crash { role } => ("crash", role, role, None),
            Event::Interrupt { role, label } => ("interrupt", role, role, Some((label, None))),
        };
        let label = what.map_or_else(String::new, |(label, _)| self.names.label_text(label).to_owned());
        let message = match what {
            Some((label, Some(sort))) => self.names.message(label, sort),
            _ => label.clone(),
        };
        StepRecord { dir, from: name(from), to: name(to), label, message, place: None }
    }

    /// The configuration after the run, and where each of its steps stands. Machines with twins may take an event in
    /// several ways; all are followed, and the first that takes the whole run is told.
    fn replay(self, run: &[Event]) -> (Option<Configuration>, Vec<Span>) {
        let lossy = self.system.edges().values().any(|edge| edge.kind == EdgeKind::Lossy);
        let twins = lossy || self.system.machines().values().any(|m| m.actions().values().any(|a| a.twin > 0));
        let mut heads = vec![(Configuration::initial(self.system), Vec::with_capacity(run.len()))];
        for &event in run {
            if !twins {
                let Some((cells, spans)) = heads.first_mut() else { break };
                let Some(step) = self.system.admits(self.semantics, cells, event) else {
                    return (None, std::mem::take(spans));
                };
                spans.push(self.span(cells, step));
                self.system.step(cells, step);
                continue;
            }
            let mut next: Vec<(Configuration, Vec<Span>)> = Vec::new();
            for (cells, spans) in &heads {
                let mut moves = Vec::new();
                self.system.enabled(self.semantics, cells, &mut moves, |_, _| {});
                for step in moves.into_iter().filter(|&step| self.system.event(step) == event) {
                    let mut after = cells.clone();
                    self.system.step(&mut after, step);
                    if next.len() < MOST && next.iter().all(|(other, _)| *other != after) {
                        let mut spans = spans.clone();
                        spans.push(self.span(cells, step));
                        next.push((after, spans));
                    }
                }
            }
            if next.is_empty() {
                return (None, heads.into_iter().next().map(|(_, spans)| spans).unwrap_or_default());
            }
            heads = next;
        }
        // Where something may have been lost: the end at which nothing can happen any more, if there is one.
        let is_stuck = |(cells, _): &(Configuration, Vec<Span>)| {
            let mut moves = Vec::new();
            self.system.enabled(self.semantics, cells, &mut moves, |_, _| {});
            moves.is_empty()
        };
        let at = heads.iter().position(|head| lossy && is_stuck(head)).unwrap_or(0);
        heads.into_iter().nth(at).map_or((None, Vec::new()), |(end, spans)| (Some(end), spans))
    }

    fn span(self, cells: &Configuration, step: Move) -> Span {
        let (role, action, then) = match step {
            Move::Send { role, action, then, .. }
            | Move::Lose { role, action, then, .. }
            | Move::Receive { role, action, then, .. }
            | Move::Act { role, action, then } => (role, action, then),
            Move::Sync { sender, .. } => sender,
        };
        let offers = self.system.machines().entry(role).map_or(&[][..], |machine| machine.offers(cells.state(role)));
        let offer = offers.iter().find(|offer| (offer.action, offer.then) == (action, then));
        offer.map(|offer| offer.span).unwrap_or_default()
    }

    /// Who waits for what, and what nobody takes.
    fn situation(self, cells: &Configuration) -> Vec<String> {
        let mut lines = Vec::new();
        for (role, machine) in self.system.machines().iter() {
            let name = self.header.role_name(role);
            let state = cells.state(role);
            if machine.is_end(state) {
                lines.push(format!("`{name}` has ended"));
                continue;
            }
            let mut takes = Vec::new();
            let mut sends = Vec::new();
            let mut acts = Vec::new();
            for offer in machine.offers(state) {
                let action = machine.actions()[offer.action];
                let label = self.names.label_text(action.label);
                match action.act {
                    Act::Receive(peer) => takes.push(format!("`{label}` from `{}`", self.header.role_name(peer))),
                    Act::Send(peer) => sends.push(format!("`{label}` to `{}`", self.header.role_name(peer))),
                    Act::Act => acts.push(format!("`{label}`")),
                    Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => {}
                }
            }
            let mut parts = Vec::new();
            if !takes.is_empty() {
                parts.push(format!("waits for {}", either(&takes)));
            }
            if !sends.is_empty() {
                parts.push(format!("is about to send {}", either(&sends)));
            }
            if !acts.is_empty() {
                parts.push(format!("can do {}", either(&acts)));
            }
            if machine.may_stop(state) {
                parts.push("may stop".to_owned());
            }
            lines.push(format!("`{name}` {}", parts.join(" or ")));
        }
        for (id, edge) in self.system.edges().iter() {
            let queue: Vec<String> = cells
                .queue(id)
                .take(MOST_NAMED)
                .map(|message| format!("`{}`", self.names.label_text(self.system.messages()[message].label)))
                .collect();
            if !queue.is_empty() {
                let more = cells.queued(id).saturating_sub(queue.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let (from, to) = (self.header.role_name(edge.from), self.header.role_name(edge.to));
                lines.push(format!("on the way from `{from}` to `{to}`: {}{more}", queue.join(", ")));
            }
        }
        lines
    }
}

/// More alternatives or messages than this are counted, not named.
const MOST_NAMED: usize = 8;

/// `a`, `a or b`, `a, b or c`.
fn either(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if items.len() <= MOST_NAMED => format!("{} or {last}", first.join(", ")),
        items => {
            let named: Vec<&str> = items.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = items.len().saturating_sub(named.len());
            format!("{} or {more} more", named.join(", "))
        }
    }
}

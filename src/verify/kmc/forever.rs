//! Systems that are not k-exhaustive for any k, with a reason: a run σ τ ρ whose middle can be run again and again.
//!
//! Comes in: a configuration in which nothing can happen because all that could be sent lacks room. If on the way to it
//! all roles came back to the states they had been in (τ), and the queues only grew, then the way σ τ τ … τ ρ leads to
//! such an end as well, with longer queues. If the queues that are full grow by the same number of messages with each τ
//! and no other grows faster, there is such an end for larger and larger k; and a directed system of session automata
//! that is k-exhaustive for some k is so for all larger ones, so it is for none.
//!
//! Not by trust: τ must repeat ([`repeats`]), with as many turns taken as one as it takes until what is received from a
//! growing queue is where it was; then the way is run twice, with one turn more, and compared.

use rustc_hash::FxHashMap;

use super::{
    super::{bounded::repeats, detail::Detail, judge::Finding},
    conditions::only_room,
    finding,
    graph::Graph,
};
use crate::{
    event::Event,
    id::{EdgeId, IdVec, MessageId, StateId},
    machine::{Cells, Configuration, Semantics, System},
};

/// So many pairs of configurations with the same states are tried.
const MAX_PAIRS: usize = 400;

/// So long a run is looked at.
const MAX_RUN: usize = 4_000;

/// So many events a way may have.
const MAX_EVENTS: usize = 20_000;

/// A certificate, from one full configuration.
pub(super) fn forever(graph: &Graph<'_>, at: u32) -> Option<Finding> {
    let system = graph.system;
    let (run, over) = graph.run_to(at);
    if run.len() > MAX_RUN {
        return None;
    }
    let mut words = graph.words();
    // The states of all roles as one number.
    let mut numbers: FxHashMap<Vec<StateId>, usize> = FxHashMap::default();
    let mut number = |at: u32| -> usize {
        let cells = graph.load(at, &mut words);
        let states = graph.roles.iter().map(|&role| cells.state(role)).collect();
        let next = numbers.len();
        *numbers.entry(states).or_insert(next)
    };
    let all: Vec<usize> = std::iter::once(0).chain(over).map(&mut number).collect();
    let mut pairs: usize = 0;
    for (to, after) in all.iter().enumerate() {
        for (from, _) in all.iter().enumerate().take(to).filter(|&(_, before)| before == after) {
            pairs = pairs.saturating_add(1);
            if pairs > MAX_PAIRS {
                return None;
            }
            let (Some(before), Some(turn), Some(rest)) = (run.get(..from), run.get(from..to), run.get(to..)) else {
                continue;
            };
            if let Some(way) = Way::of(system, before, turn, rest)
                && let Some(found) = way.certify(graph)
            {
                return Some(found);
            }
        }
    }
    None
}

/// The parts of a way.
struct Way<'a> {
    system: &'a System,
    before: Vec<Event>,
    turn: Vec<Event>,
    rest: &'a [Event],
}

/// What a way comes to.
struct End {
    /// The queues before the rest, and how many messages the rest receives from each.
    queues: IdVec<EdgeId, Vec<MessageId>>,
    taken: IdVec<EdgeId, usize>,
    /// The most that ever lay on any edge.
    peak: usize,
    last: Configuration,
}

impl<'a> Way<'a> {
    /// The way with as many turns taken as one as it takes.
    fn of(system: &'a System, before: &[Event], turn: &[Event], rest: &'a [Event]) -> Option<Self> {
        let start = run(system, &[before])?;
        let mut around: usize = 1;
        let mut first: usize = 1;
        let mut grows = false;
        for (id, edge) in system.edges().iter() {
            let ends = (edge.from, edge.to);
            let letters = |sending: bool| -> Vec<MessageId> {
                let all = turn.iter().filter_map(|&event| match event {
                    Event::Send { from, to, label, sort } if sending && (from, to) == ends => {
                        system.message(from, to, label, sort)
                    }
                    Event::Receive { from, to, label, sort } if !sending && (from, to) == ends => {
                        system.message(from, to, label, sort)
                    }
                    _ => None,
                });
                all.collect()
            };
            let (sent, received) = (letters(true), letters(false));
            let held: Vec<MessageId> = start.queue(id).collect();
            if !repeats(&held, &sent, &received) {
                return None;
            }
            if !received.is_empty() {
                // Until what was held at the start is gone, and then until the first letter is the same again.
                first = first.max(held.len().div_ceil(received.len()).saturating_add(1));
                let common = gcd(sent.len(), received.len());
                around = lcm(around, sent.len().checked_div(common)?)?;
            }
            grows |= sent.len() > received.len();
        }
        let turns = around.checked_mul(turn.len())?;
        let length = first.checked_mul(turn.len())?.checked_add(before.len())?.checked_add(turns.checked_mul(3)?)?;
        if !grows || length.checked_add(rest.len())? > MAX_EVENTS {
            return None;
        }
        let mut way = Self { system, before: before.to_vec(), turn: turn.repeat(around), rest };
        for _ in 0..first {
            way.before.extend_from_slice(turn);
        }
        Some(way)
    }

    /// Runs the way with so many turns.
    fn run(&self, turns: usize) -> Option<End> {
        let head: Vec<Event> = self.before.iter().copied().chain(self.turn.repeat(turns)).collect();
        let system = self.system;
        let mut at = run(system, &[&head])?;
        let queues = system.edges().ids().map(|edge| at.queue(edge).collect()).collect();
        let mut taken: IdVec<EdgeId, usize> = IdVec::filled(0, system.edges().len());
        let mut peak = 0;
        for &event in self.rest {
            if let Event::Receive { from, to, .. } = event {
                let count = taken.entry_mut(system.edge(from, to)?)?;
                *count = count.saturating_add(1);
            }
            step(system, &mut at, event)?;
            peak = peak.max(longest(system, &at));
        }
        // In a turn a queue may be longer than before and after it.
        let mut over = run(system, &[&self.before])?;
        for &event in self.turn.repeat(turns).iter() {
            peak = peak.max(longest(system, &over));
            step(system, &mut over, event)?;
        }
        let mut over = Configuration::initial(system);
        for &event in &self.before {
            step(system, &mut over, event)?;
            peak = peak.max(longest(system, &over));
        }
        Some(End { queues, taken, peak, last: at })
    }

    fn certify(&self, graph: &Graph<'_>) -> Option<Finding> {
        let system = self.system;
        let (one, two) = (self.run(1)?, self.run(2)?);
        // The queue that is full, by which it is known how much room there is.
        let room = |end: &End| -> Option<(EdgeId, usize)> { full(graph, &end.last) };
        let ((edge, small), (same, large)) = (room(&one)?, room(&two)?);
        let more = large.checked_sub(small).filter(|&more| more > 0)?;
        if edge != same || one.peak > small || two.peak > large {
            return None;
        }
        for role in graph.roles {
            if one.last.state(*role) != two.last.state(*role) {
                return None;
            }
        }
        for edge in system.edges().ids() {
            let (before, after, taken) = (&one.queues[edge], &two.queues[edge], one.taken[edge]);
            let growth = after.len().checked_sub(before.len())?;
            if growth > more || !after.starts_with(before) {
                return None;
            }
            // What the rest reads of a growing queue, and the head that it leaves, is there from the first turn on.
            if growth > 0 && taken >= before.len() {
                return None;
            }
        }
        let mut run = self.before.clone();
        let start = run.len();
        run.extend_from_slice(&self.turn);
        let again = Some((start, run.len()));
        run.extend_from_slice(self.rest);
        let found = finding::offer(system, &one.last, edge)?;
        let bound = u32::try_from(small).ok()?;
        Some(finding::finding(run, Detail::NoRoom { send: found, bound, again }, vec![(found.from, found.to)]))
    }
}

/// If nothing can happen but for want of room: an edge of which a sender waits for room, and how much it holds; all such
/// edges hold the same.
fn full(graph: &Graph<'_>, at: &Configuration) -> Option<(EdgeId, usize)> {
    let mut found: Option<(EdgeId, usize)> = None;
    for &role in graph.roles {
        for edge in only_room(graph.system, at, role)? {
            let held = at.queued(edge);
            if found.is_some_and(|(_, other)| other != held) {
                return None;
            }
            found = found.or(Some((edge, held)));
        }
    }
    found
}

fn run(system: &System, parts: &[&[Event]]) -> Option<Configuration> {
    let mut at = Configuration::initial(system);
    for &event in parts.iter().copied().flatten() {
        step(system, &mut at, event)?;
    }
    Some(at)
}

fn step(system: &System, at: &mut Configuration, event: Event) -> Option<()> {
    let step = system.admits(Semantics::default(), at, event)?;
    system.step(at, step);
    Some(())
}

fn longest(system: &System, at: &Configuration) -> usize {
    system.edges().ids().map(|edge| at.queued(edge)).max().unwrap_or(0)
}

fn gcd(a: usize, b: usize) -> usize {
    let (mut a, mut b) = (a, b);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

fn lcm(a: usize, b: usize) -> Option<usize> {
    a.checked_div(gcd(a, b))?.checked_mul(b).filter(|&all| all <= 64)
}

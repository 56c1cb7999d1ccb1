//! The stronger published liveness properties, and the fair ones.
//!
//! A *goal* is something that somebody waits for. On the synchronous semantics (bound 0) goals are those of Scalas and
//! Yoshida ("Less is more", POPL 2019): a role that would receive from a peer gets something from that peer; each message
//! that a role would send is taken. Elsewhere they are those of `live`: each waiting role takes a step, each queued
//! message is received. For every configuration that the start leads to, and every goal there:
//!
//! ```text
//! live_plus        μY. met ∨ some role has steps, and all of its steps lead to Y        a role can bring it about
//! live_plus_plus   μY. met ∨ there are steps, and all of them lead to Y                 it comes about on every run
//! fair_live        it comes about on every run on which what can happen again and again does
//! fair_terminating every such run ends, and ends final
//! ```
//!
//! Met: a step that meets it is enabled. Each is one pass backward per goal, with a counter for each configuration or for
//! each role that has steps there. A fair run ends up in a strongly connected component that nothing leads out of, and goes
//! everywhere in it: so a goal may be missed if such a component, in which it is never met, can be reached without meeting
//! it.
//!
//! Where a send lacks only the room that the exploration's bound takes from it, everything counts as met, unless the answer
//! is about that bound: what is missed all the same is missed under every bound.

mod goals;
mod lasso;

use self::goals::Goals;
use super::{
    cone::Seeds,
    detail::Detail,
    fault::Watch,
    judge::Finding,
    liveness::{self, Components},
    search::{Explored, Poll},
};
use crate::{
    event::Limit,
    id::Id,
    machine::{Cells, Semantics},
    protocol::Act,
};

/// What is asked of each goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Some role can bring it about.
    Role,
    /// It comes about on every run.
    Every,
    /// It comes about on every fair run.
    Fair,
}

/// Bytes that the passes need per configuration.
pub(super) fn overhead(goals: usize) -> usize {
    48usize.saturating_add(goals.div_ceil(64).saturating_mul(16))
}

/// A configuration from which a goal may be missed, and a run that misses it. `last`: the answer is about this bound.
pub(super) fn live(
    explored: &Explored<'_>,
    strength: Strength,
    last: bool,
    poll: &mut Poll<'_>,
) -> Result<Option<Finding>, Limit> {
    let goals = Goals::new(explored, poll)?;
    let ends = if strength == Strength::Fair { Some(Bottoms::new(explored, last)) } else { None };
    let mut found: Option<(u32, usize, Vec<bool>)> = None;
    for goal in 0..goals.count {
        if let Some(limit) = poll(&explored.progress()) {
            return Err(limit);
        }
        if !goals.is_needed(goal) {
            continue;
        }
        let sure = match &ends {
            None => goals.attractor(explored, goal, strength == Strength::Role, last),
            Some(bottoms) => goals.fair(explored, goal, bottoms, last),
        };
        let first = (0..).zip(&sure).find(|&(at, &sure)| !sure && goals.needs(at, goal)).map(|(at, _)| at);
        if let Some(at) = first
            && found.as_ref().is_none_or(|&(other, ..)| at < other)
        {
            found = Some((at, goal, sure));
        }
    }
    let Some((at, goal, sure)) = found else { return Ok(None) };
    let mut run = explored.run_to(at);
    let lost_at = run.len();
    let missed = |at: u32| sure.get(at as usize) == Some(&false);
    let home = |at: u32| ends.as_ref().is_none_or(|bottoms| bottoms.is_in(at));
    let (more, cycle) = lasso::lasso(explored, at, missed, home);
    run.extend(more);
    let waiting = goals.waiting(explored, at, goal);
    let cycle_at = cycle.map(|cycle| lost_at.saturating_add(cycle));
    let seeds = Seeds { roles: vec![waiting.role], ..Seeds::default() };
    Ok(Some(Finding { run, cycle_at, detail: Detail::Unserved { waiting, lost_at }, seeds }))
}

/// The components that nothing leads out of.
struct Bottoms {
    components: Components,
    bottom: Vec<bool>,
}

impl Bottoms {
    /// Those in which no send lacks only room, unless the answer is about this bound.
    fn new(explored: &Explored<'_>, last: bool) -> Self {
        let components = Components::new(explored);
        let mut bottom = vec![true; components.count];
        for (at, &own) in (0u32..).zip(&components.of) {
            let leaves = explored.steps.of(at).iter().any(|&to| components.of.get(to as usize) != Some(&own));
            let cut = !last && explored.cuts.binary_search(&at).is_ok();
            if let Some(bottom) = bottom.get_mut(own as usize).filter(|_| leaves || cut) {
                *bottom = false;
            }
        }
        Self { components, bottom }
    }

    fn of(&self, at: u32) -> usize {
        self.components.of.get(at as usize).map_or(usize::MAX, |&component| component as usize)
    }

    fn is_in(&self, at: u32) -> bool {
        self.bottom.get(self.of(at)).copied().unwrap_or(false)
    }
}

/// A fair run that does not end, or ends where it may not.
pub(super) fn fair_terminating(
    explored: &Explored<'_>,
    last: bool,
    poll: &mut Poll<'_>,
) -> Result<Option<Finding>, Limit> {
    let system = explored.system;
    let watch = Watch::new(system);
    let bottoms = Bottoms::new(explored, last);
    let mut wrong = None;
    explored.scan(poll, |at, cells, moves, blocked| {
        let stuck = moves.is_empty() && blocked.is_empty() && !system.is_final(cells);
        if wrong.is_none() && (stuck || !moves.is_empty() && bottoms.is_in(at)) {
            wrong = Some((at, stuck));
        }
    })?;
    Ok(wrong.map(|(at, stuck)| {
        let mut run = explored.run_to(at);
        if stuck {
            let waiting = explored.with(at, |cells| liveness::waiting(&watch, cells));
            let roles = waiting.iter().map(|waiting| waiting.role).collect();
            let heads = explored.with(at, |cells| liveness::heads(explored, cells));
            let seeds = Seeds { roles, heads, events: Vec::new() };
            return Finding { run, cycle_at: None, detail: Detail::Stuck(waiting), seeds };
        }
        let start = run.len();
        run.extend(lasso::cycle(explored, at, |_| true));
        Finding { run, cycle_at: Some(start), detail: Detail::Endless, seeds: Seeds::default() }
    }))
}

/// A run that ends.
pub(super) fn never_terminating(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Option<Finding>, Limit> {
    let mut ends = None;
    explored.scan(poll, |at, _, moves, blocked| {
        if ends.is_none() && moves.is_empty() && blocked.is_empty() {
            ends = Some(at);
        }
    })?;
    let finding =
        |at| Finding { run: explored.run_to(at), cycle_at: None, detail: Detail::Ends, seeds: Seeds::default() };
    Ok(ends.map(finding))
}

/// A role that would receive from a peer, which sends it something else.
///
/// On a synchronous edge what the peer would send counts, elsewhere the head of the queue. This is the safety of typing
/// contexts of Scalas and Yoshida; a deadlock alone does not violate it.
pub(super) fn communication_safe(explored: &Explored<'_>, poll: &mut Poll<'_>) -> Result<Option<Finding>, Limit> {
    let system = explored.system;
    let watch = Watch::new(system);
    let mut wrong = None;
    explored.scan(poll, |at, cells, _, _| {
        if wrong.is_some() {
            return;
        }
        for (id, edge) in system.edges().iter() {
            let takes = |message| {
                let machine = &system.machines()[edge.to];
                let mut offers = machine
                    .offers(cells.state(edge.to))
                    .iter()
                    .filter(|offer| machine.actions()[offer.action].act == Act::Receive(edge.from));
                let mut any = false;
                let takes = offers.by_ref().any(|offer| {
                    any = true;
                    system.message_of(edge.to, offer.action) == Some(message)
                });
                !any || takes
            };
            let wrong_one = if explored.semantics.capacity(edge.kind) == Some(0) {
                let machine = &system.machines()[edge.from];
                let sends = machine
                    .offers(cells.state(edge.from))
                    .iter()
                    .filter(|offer| machine.actions()[offer.action].act == Act::Send(edge.to));
                let mut messages = sends.filter_map(|offer| system.message_of(edge.from, offer.action));
                messages.find(|&message| !takes(message))
            } else {
                cells.head(id).filter(|&head| !takes(head))
            };
            if let Some(message) = wrong_one {
                wrong = Some((at, message));
                return;
            }
        }
    })?;
    Ok(wrong.map(|(at, message)| {
        let message = liveness::queued(explored, message);
        let mut offers = explored.with(at, |cells| watch.offers(cells, message.to));
        offers.retain(|event| matches!(event, crate::event::Event::Receive { from, .. } if *from == message.from));
        let waiting = super::detail::Waiting { role: message.to, offers };
        let synchronous = explored.semantics == Semantics { bound: Some(0) };
        let heads = if synchronous { Vec::new() } else { vec![(message.from, message.to)] };
        let seeds = Seeds { roles: vec![message.to, message.from], heads, events: Vec::new() };
        let detail = Detail::Misunderstood { waiting, message };
        Finding { run: explored.run_to(at), cycle_at: None, detail, seeds }
    }))
}

/// The number of a table's entry.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Of an id.
fn number(id: impl Id) -> usize {
    id.index()
}

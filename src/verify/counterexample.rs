//! The last look at a counterexample: the reference semantics runs it, and must see what it is said to show.
//!
//! This is the one place of the verifier that knows the reference. What it does not confirm is a bug of ours and leaves
//! as such ([`Bug`]), never as a verdict. A run is replayed on the terms as they were written, so a machine that was
//! compiled or minimized wrongly is found out here too.

use std::collections::{BTreeSet, VecDeque};

use super::detail::{Detail, Queued, Waiting};
use crate::{
    event::{Counterexample, Event},
    id::{IdVec, RoleId},
    protocol::{EdgeKind, Local, Term},
    reference::{Bad, Configuration, Global, System, equations},
};

/// The verifier contradicts the reference, or itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug(pub String);

impl std::fmt::Display for Bug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Bug {}

/// Configurations that are looked at to confirm that something can never happen any more.
const NEVER: usize = 300;

/// So many events a run may get when its cycle is unrolled.
const MAX_UNROLLED: usize = 10_000;

/// How often a cycle is run before the terms as written are as they were some turns ago, and how many turns ago.
///
/// A cycle is found on minimized machines; a role may need several turns to come back to the very same term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// Turns before it repeats itself.
    pub(super) before: usize,
    /// Turns until it does.
    pub(super) around: usize,
}

/// Lets the reference run a counterexample on the terms as written, or on the local types if there are no terms. Of a
/// run with a cycle in which everything comes back, says after how many turns.
pub(super) fn confirm(
    terms: Option<&IdVec<RoleId, Term>>,
    locals: &IdVec<RoleId, Local>,
    channels: &[(RoleId, RoleId, EdgeKind)],
    bound: Option<u32>,
    counterexample: &Counterexample,
    detail: &Detail,
) -> Result<Option<Turns>, Bug> {
    let own: IdVec<RoleId, Term>;
    let terms = match terms {
        Some(terms) => terms,
        None => {
            let all = locals.values().map(equations).collect::<Result<Vec<_>, _>>();
            own = all.map_err(|error| Bug(error.to_string()))?.into();
            &own
        }
    };
    // A run that overflows a claimed bound is one of the semantics without it.
    let bound = if matches!(detail, Detail::Overflow { .. }) { None } else { bound };
    let system = System::new(terms, channels, bound);
    let ends = replay(&system, BTreeSet::from([system.initial()]), &counterexample.run)?;
    let shown = match detail {
        Detail::NotProjectable { shown: None, .. } | Detail::NotImplementable { .. } | Detail::NotSubtype(_) => true,
        Detail::NotProjectable { shown: Some(shown), .. } => {
            return confirm(Some(terms), locals, channels, bound, counterexample, shown);
        }
        Detail::Deadlock(_) => any(&ends, |end| system.is(end, Bad::Deadlock)),
        // All may stop with a message left: for the reference nothing is enabled and it is not final.
        Detail::Orphan(_) => any(&ends, |end| system.is(end, Bad::Orphan) || system.is(end, Bad::Deadlock)),
        Detail::Unspecified { .. } => any(&ends, |end| system.is(end, Bad::UnspecifiedReception)),
        Detail::Stuck(_) => any(&ends, |end| system.enabled(end).is_empty() && !system.is_final(end)),
        // That the cycle can be run again and again is tried below.
        Detail::Endless => counterexample.cycle_at.is_some(),
        Detail::Unbounded { .. } => match counterexample.cycle_at.and_then(|at| counterexample.run.get(at..)) {
            Some(cycle) => growth(counterexample, cycle) > 0,
            None => false,
        },
        Detail::Overflow { from, to, bound } => any(&ends, |end| end.queue(*from, *to).count() > *bound as usize),
        Detail::Ends => any(&ends, |end| system.enabled(end).is_empty() && system.cut(end).is_empty()),
        Detail::Misunderstood { waiting, message } => {
            let sent = Event::Send { from: message.from, to: message.to, label: message.label, sort: message.sort };
            let takes = |event: Event| Some(message) == carried(event).as_ref() && !matches!(event, Event::Send { .. });
            let free = System::new(terms, channels, None);
            let would = waiting.offers.iter().all(|&event| event.subject() == message.to);
            let there = |end: &Configuration| {
                let head = end.queue(message.from, message.to).next() == Some((message.label, message.sort));
                head || free.admits(end, sent)
            };
            would && any(&ends, |end| there(end) && !system.enabled(end).into_iter().any(takes))
        }
        Detail::Unserved { waiting, lost_at } => unserved(&system, counterexample, waiting, *lost_at)?,
        Detail::NoRoom { send, bound, again } => {
            let wants = Event::Send { from: send.from, to: send.to, label: send.label, sort: send.sort };
            let full: BTreeSet<Configuration> = ends
                .iter()
                .filter(|end| {
                    end.queue(send.from, send.to).count() >= *bound as usize && system.cut(end).contains(&wants)
                })
                .cloned()
                .collect();
            if again.is_some() {
                any(&full, |end| system.enabled(end).is_empty())
            } else {
                full.into_iter()
                    .any(|end| nothing(&system, end, |event| !event.involves(send.from), |event| taken(event, send)))
            }
        }
        Detail::HalfChoice { can, cannot, .. } => {
            let wants = |of: &Queued| Event::Send { from: of.from, to: of.to, label: of.label, sort: of.sort };
            any(&ends, |end| system.admits(end, wants(can)) && system.cut(end).contains(&wants(cannot)))
        }
        Detail::Race { taken, rival, taken_at, .. } => {
            let gets = |of: &Queued| Event::Receive { from: of.from, to: of.to, label: of.label, sort: of.sort };
            match taken_at {
                None => any(&ends, |end| system.admits(end, gets(taken)) && system.admits(end, gets(rival))),
                Some(at) => {
                    let sent = Event::Send { from: rival.from, to: rival.to, label: rival.label, sort: rival.sort };
                    let run = &counterexample.run;
                    // Nothing that leads to the rival has to do with the reception.
                    let seeds = super::cone::Seeds { events: vec![run.len().saturating_sub(1)], ..Default::default() };
                    run.get(*at) == Some(&gets(taken))
                        && run.last() == Some(&sent)
                        && !super::cone::cone(run, &seeds).contains(at)
                }
            }
        }
        Detail::Starved { waiting, lost_at } => {
            never(&system, counterexample, *lost_at, |event| event.involves(waiting.role))?
        }
        Detail::Unreceived { message, lost_at } => {
            never(&system, counterexample, *lost_at, |event| taken(event, message))?
        }
    };
    if !shown {
        return Err(Bug(format!("the reference does not see `{}` after the run", detail.code())));
    }
    turns(&system, ends, counterexample)
}

/// Lets the reference run two words of a protocol; both must be words of it.
pub(super) fn words(term: &Term, runs: [&[Event]; 2]) -> Result<(), Bug> {
    let global = Global::new(term);
    for run in runs {
        let mut at = BTreeSet::from([global.initial()]);
        for (index, event) in run.iter().enumerate() {
            let next = at.iter().flat_map(|rest| global.steps(rest));
            at = next.filter(|(step, _)| step == event).map(|(_, then)| then).collect();
            if at.is_empty() {
                return Err(Bug(format!("the reference refuses step {index} of the run: {event:?}")));
            }
        }
    }
    Ok(())
}

fn any(ends: &BTreeSet<Configuration>, test: impl Fn(&Configuration) -> bool) -> bool {
    ends.iter().any(test)
}

fn replay(system: &System<'_>, mut at: BTreeSet<Configuration>, run: &[Event]) -> Result<BTreeSet<Configuration>, Bug> {
    for (index, &event) in run.iter().enumerate() {
        at = at.iter().flat_map(|conf| system.successors(conf, event)).collect();
        if at.is_empty() {
            return Err(Bug(format!("the reference refuses event {index} of the run: {event:?}")));
        }
    }
    Ok(at)
}

/// Runs the cycle again and again, until everything is as it was some turns ago; queues may hold more each turn if they
/// `grow`, and then nothing ever is.
fn turns(
    system: &System<'_>,
    mut ends: BTreeSet<Configuration>,
    counterexample: &Counterexample,
) -> Result<Option<Turns>, Bug> {
    let Some(cycle) = counterexample.cycle_at.and_then(|at| counterexample.run.get(at..)) else { return Ok(None) };
    if cycle.is_empty() {
        return Err(Bug("a cycle without an event".to_owned()));
    }
    let grows = growth(counterexample, cycle) > 0;
    let start = counterexample.cycle_at.unwrap_or(0);
    let before = counterexample.run.get(..start).unwrap_or(&[]);
    let mut seen = vec![replay(system, BTreeSet::from([system.initial()]), before)?];
    // The cycle is there once already.
    for turn in 1..=MAX_UNROLLED.checked_div(cycle.len()).unwrap_or(0).max(3) {
        if let Some(before) = seen.iter().position(|earlier| *earlier == ends) {
            return Ok(Some(Turns { before, around: turn.saturating_sub(before) }));
        }
        if grows && turn >= 3 {
            break;
        }
        seen.push(ends.clone());
        ends = replay(system, ends, cycle)?;
    }
    Ok(None)
}

/// How many messages a cycle leaves behind.
fn growth(counterexample: &Counterexample, cycle: &[Event]) -> usize {
    let held = |run: &[Event]| super::cone::queues(run).values().map(VecDeque::len).sum::<usize>();
    let mut more = counterexample.run.clone();
    more.extend_from_slice(cycle);
    held(&more).saturating_sub(held(&counterexample.run))
}

/// Whether such an event neither happens in the rest of the run, nor, as far as a short search sees, at all any more.
fn never(
    system: &System<'_>,
    counterexample: &Counterexample,
    lost_at: usize,
    wanted: impl Fn(Event) -> bool,
) -> Result<bool, Bug> {
    let (before, after) = counterexample.run.split_at_checked(lost_at).unwrap_or((&counterexample.run, &[]));
    if after.iter().any(|&event| wanted(event)) {
        return Ok(false);
    }
    let start = replay(system, BTreeSet::from([system.initial()]), before)?;
    // With twins a run leads to several configurations; in one of them it is lost.
    Ok(start.into_iter().any(|conf| nothing(system, conf, |_| true, &wanted)))
}

/// What an event carries.
fn carried(event: Event) -> Option<Queued> {
    match event {
        Event::Send { from, to, label, sort }
        | Event::Receive { from, to, label, sort }
        | Event::Sync { from, to, label, sort } => Some(Queued { from, to, label, sort }),
        _ => None,
    }
}

/// Whether nothing that is waited for is ever possible on the rest of the run, which goes round, or ends where nothing is
/// possible at all.
fn unserved(
    system: &System<'_>,
    counterexample: &Counterexample,
    waiting: &Waiting,
    lost_at: usize,
) -> Result<bool, Bug> {
    let (before, after) = counterexample.run.split_at_checked(lost_at).unwrap_or((&counterexample.run, &[]));
    let serves = |event: Event| {
        let same = |offer: &Event| match (event, *offer) {
            (Event::Sync { .. }, Event::Send { .. } | Event::Receive { .. }) => carried(event) == carried(*offer),
            (event, offer) => event == offer,
        };
        waiting.offers.iter().any(same)
    };
    let mut at = replay(system, BTreeSet::from([system.initial()]), before)?;
    for &event in after {
        at.retain(|conf| !system.enabled(conf).into_iter().any(serves));
        at = replay(system, at, &[event])?;
    }
    at.retain(|conf| !system.enabled(conf).into_iter().any(serves));
    let over = counterexample.cycle_at.is_some() || any(&at, |conf| system.enabled(conf).is_empty());
    Ok(!at.is_empty() && over)
}

/// Whether the edge of a message is received from.
fn taken(event: Event, message: &Queued) -> bool {
    matches!(event, Event::Receive { from, to, .. } if (from, to) == (message.from, message.to))
}

/// Whether, as far as a short search sees, nothing that is wanted happens by events that are allowed.
fn nothing(
    system: &System<'_>,
    start: Configuration,
    allowed: impl Fn(Event) -> bool,
    wanted: impl Fn(Event) -> bool,
) -> bool {
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(conf) = open.pop() {
        for event in system.enabled(&conf) {
            if wanted(event) {
                return false;
            }
            if !allowed(event) {
                continue;
            }
            for then in system.successors(&conf, event) {
                if seen.len() < NEVER && seen.insert(then.clone()) {
                    open.push(then);
                }
            }
        }
    }
    true
}

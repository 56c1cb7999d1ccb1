//! From a system and a property to an answer: which bounds are explored, and what an exploration says about all bounds.
//!
//! **With a bound K** the answer is about the semantics in which every edge holds at most K messages; 0 makes every
//! edge synchronous. Large bounds are approached by doubling, because a level that cuts no send has the same
//! configurations under every larger bound.
//!
//! **Without** the bound grows 1, 2, 4, 8, and:
//! * a level that cuts no send *is* the unbounded semantics: the answer is exact;
//! * a bad configuration is bad without regard to room (a deadlock with a send that only lacks room is none), and the run
//!   to it stays a run under every larger bound: `safe` and `deadlock_free` are violated for good;
//! * so are cycles and stuck ends for `terminating`;
//! * for `live`, a configuration with a cut send counts as one from which everything is still possible, so what is lost
//!   all the same is lost under every bound;
//! * otherwise, after the last level, the answer is unknown.
//!
//! **Shortest.** At one level the first bad configuration met is at a least distance d. A shorter run, if a larger bound
//! has one, has at most d - 1 events, so no queue of it ever holds more than d - 1 messages: where d - 1 exceeds the
//! level's bound, searches under larger bounds up to d - 1, no further than d - 1 steps from the start, decide it. If
//! one of them meets a limit, the run already found is kept, and the outcome does not say that it is shortest.

use super::{
    Options, bounded, cone,
    detail::{Detail, Waiting},
    fault::{Counts, Fault, Watch},
    liveness,
    property::Property,
    published::{self, Strength},
    search::{Crew, Explored, Plan, Poll, Seek},
    symmetry::Symmetry,
};
use crate::{
    event::{Counterexample, Event, Limit},
    id::RoleId,
    machine::{Cells, Semantics, System},
    protocol::EdgeKind,
};

/// A violation, before it is replayed.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) run: Vec<Event>,
    pub(super) cycle_at: Option<usize>,
    pub(super) detail: Detail,
    pub(super) seeds: cone::Seeds,
}

impl Finding {
    pub(super) fn counterexample(&self) -> (Counterexample, Detail) {
        let mut seeds = self.seeds.clone();
        seeds.events.extend(self.cycle_at.map_or(0..0, |at| at..self.run.len()));
        let cone = cone::cone(&self.run, &seeds);
        (Counterexample { run: self.run.clone(), cycle_at: self.cycle_at, cone }, self.detail.clone())
    }

    /// Runs the cycle some times before it, and makes it so many turns long.
    pub(super) fn unroll(&mut self, before: usize, around: usize) {
        let Some(at) = self.cycle_at else { return };
        let cycle: Vec<Event> = self.run.drain(at..).collect();
        self.cycle_at = Some(at.saturating_add(before.saturating_mul(cycle.len())));
        for _ in 0..before.saturating_add(around) {
            self.run.extend_from_slice(&cycle);
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Holds,
    Violated(Box<Finding>),
    Unknown(Limit),
}

/// An answer and what it rests on.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) answer: Answer,
    /// The bound that the answer is about, or that was reached; `None`: every bound.
    pub(super) bound: Option<u32>,
    /// No send was cut.
    pub(super) exhaustive: bool,
    pub(super) configurations: usize,
    pub(super) counts: Counts,
    /// No run to such a violation is shorter.
    pub(super) shortest: bool,
    /// Families of roles of which only one order was looked at.
    pub(super) families: Vec<Vec<RoleId>>,
}

/// Under a large bound, the first level.
const FIRST: u32 = 16;

/// The bounds to explore, ascending.
fn levels(system: &System, options: &Options) -> Vec<u32> {
    let (first, last) = match options.bound {
        Some(bound) => (FIRST.min(bound), bound),
        None => {
            let mut last = options.max_bound.max(1);
            // Declared bounds are finite anyway: explore them to the end.
            if system.edges().values().all(|edge| !matches!(edge.kind, EdgeKind::Fifo | EdgeKind::Lossy)) {
                let declared = system.edges().values().map(|edge| match edge.kind {
                    EdgeKind::Bounded(n) => n,
                    EdgeKind::Fifo | EdgeKind::Sync | EdgeKind::Lossy | EdgeKind::Latest => 1,
                });
                last = last.max(declared.max().unwrap_or(1));
            }
            (1, last)
        }
    };
    let mut levels = Vec::new();
    let mut level = first;
    while level < last {
        levels.push(level);
        level = level.saturating_mul(2);
    }
    levels.push(last);
    levels
}

/// Whether the synchronous semantics is not the declared one.
fn made_synchronous(system: &System, bound: Option<u32>) -> bool {
    bound == Some(0) && system.edges().values().any(|edge| Semantics::default().capacity(edge.kind) != Some(0))
}

/// Answers.
pub(super) fn judge(system: &System, property: Property, options: &Options, poll: &mut Poll<'_>) -> Judgement {
    let mut judgement = Judgement {
        answer: Answer::Unknown(Limit::Bound(options.bound.unwrap_or(options.max_bound))),
        bound: options.bound,
        exhaustive: false,
        configurations: 0,
        counts: Counts::default(),
        shortest: false,
        families: Vec::new(),
    };
    if let (Property::Bounded, Some(bound)) = (property, options.bound) {
        return within(system, bound, options, poll);
    }
    let single = matches!(property, Property::Safe | Property::DeadlockFree);
    let symmetry = if single && options.symmetry && !options.raw { Symmetry::of(system) } else { None };
    judgement.families = symmetry.as_ref().map_or_else(Vec::new, Symmetry::roles);
    for level in levels(system, options) {
        let last = options.bound == Some(level);
        let plan = Plan { symmetry: symmetry.as_ref(), ..plan(system, property, level, options) };
        let explored = Explored::of(system, plan, poll);
        let cut = explored.cut || made_synchronous(system, Some(level));
        judgement.exhaustive = !cut;
        judgement.configurations = explored.len();
        judgement.counts = explored.counts;
        let mut limit = explored.limit.clone();
        let finding = examine(&explored, property, last, poll).unwrap_or_else(|met| {
            limit = limit.take().or(Some(met));
            None
        });
        if let Some(finding) = finding {
            let (finding, shortest) = match property {
                Property::Safe | Property::DeadlockFree => shorten(system, finding, plan, options, poll),
                // The way to it is, at this level; a cycle is a shortest one through where it begins.
                _ => (finding, false),
            };
            judgement.shortest = shortest;
            judgement.answer = Answer::Violated(Box::new(finding));
            return judgement;
        }
        if let Some(limit) = limit {
            judgement.answer = Answer::Unknown(limit);
            judgement.bound = Some(level);
            judgement.exhaustive = false;
            return judgement;
        }
        if !cut || last {
            judgement.answer = Answer::Holds;
            return judgement;
        }
        judgement.bound = Some(level);
        judgement.answer = Answer::Unknown(Limit::Bound(level));
    }
    judgement
}

fn plan(system: &System, property: Property, level: u32, options: &Options) -> Plan<'static> {
    let seek = match property {
        Property::Safe => Seek::Fault,
        Property::DeadlockFree => Seek::Deadlock,
        _ => Seek::Nothing,
    };
    let goals = system.machines().len().saturating_add(system.edges().len());
    let published = matches!(
        property,
        Property::LivePlus | Property::LivePlusPlus | Property::FairLive | Property::FairTerminating
    );
    let graph = published || matches!(property, Property::Live | Property::Terminating);
    let goals = if published { goals.saturating_add(system.messages().len()) } else { goals };
    Plan {
        semantics: Semantics { bound: Some(level) },
        seek,
        exhaust: options.raw,
        graph,
        depth: None,
        max_states: options.max_states,
        max_memory: options.max_memory,
        overhead: match (graph, published) {
            (_, true) => published::overhead(goals),
            (true, _) => liveness::overhead(goals),
            _ => 0,
        },
        crew: Crew::new(options),
        symmetry: None,
    }
}

/// What an exploration says. `last`: the answer is about this bound, otherwise about all.
fn examine(
    explored: &Explored<'_>,
    property: Property,
    last: bool,
    poll: &mut Poll<'_>,
) -> Result<Option<Finding>, Limit> {
    match property {
        Property::Safe | Property::DeadlockFree => Ok(bad(explored)),
        // Half a graph says nothing about what can still happen.
        Property::Live if explored.limit.is_none() => liveness::live(explored, last, poll),
        Property::Terminating if explored.limit.is_none() => {
            let finding = liveness::terminating(explored, poll)?;
            if finding.is_some() || !explored.cut || last {
                return Ok(finding);
            }
            Ok(bounded::pump(explored, poll)?.map(|finding| Finding { detail: Detail::Endless, ..finding }))
        }
        Property::LivePlus if explored.limit.is_none() => published::live(explored, Strength::Role, last, poll),
        Property::LivePlusPlus if explored.limit.is_none() => published::live(explored, Strength::Every, last, poll),
        Property::FairLive if explored.limit.is_none() => published::live(explored, Strength::Fair, last, poll),
        Property::FairTerminating if explored.limit.is_none() => published::fair_terminating(explored, last, poll),
        Property::NeverTerminating => published::never_terminating(explored, poll),
        Property::CommunicationSafe => published::communication_safe(explored, poll),
        Property::Bounded if explored.cut => bounded::pump(explored, poll),
        _ => Ok(None),
    }
}

/// The bad configuration that was found.
pub(super) fn bad(explored: &Explored<'_>) -> Option<Finding> {
    let (at, Some(fault)) = explored.found? else { return None };
    let watch = Watch::new(explored.system);
    let (run, mut words) = explored.lifted(at);
    explored.within(&mut words, |cells| {
        // Whoever stands for another has the same faults under other names.
        let fault = match fault {
            Fault::Deadlock => fault,
            _ => watch.wrong(cells, explored.is_idle(cells), false).fault()?,
        };
        let mut seeds = cone::Seeds::default();
        let detail = match fault {
            Fault::Deadlock => {
                let waiting = liveness::waiting(&watch, cells);
                seeds.heads = liveness::heads(explored, cells);
                seeds.heads.retain(|&(_, to)| waiting.iter().any(|waiting| waiting.role == to));
                Detail::Deadlock(waiting)
            }
            Fault::Orphan(edge) => {
                let message = liveness::queued(explored, cells.head(edge)?);
                seeds.heads.push((message.from, message.to));
                Detail::Orphan(message)
            }
            Fault::Unspecified(role) => {
                let heads = watch.waits_on(cells, role).iter().filter_map(|&edge| cells.head(edge));
                let heads: Vec<_> = heads.map(|message| liveness::queued(explored, message)).collect();
                seeds.heads.extend(heads.iter().map(|head| (head.from, head.to)));
                Detail::Unspecified { waiting: Waiting { role, offers: watch.offers(cells, role) }, heads }
            }
        };
        seeds.roles = detail.roles();
        Some(Finding { run, cycle_at: None, detail, seeds })
    })
}

/// So many configurations are looked at per bound for a run that is shorter than the one that was found.
const SHORTEN: usize = 200_000;

/// A shorter run under a larger bound, if there is one, and whether it is known to be shortest.
fn shorten(
    system: &System,
    mut finding: Finding,
    plan: Plan<'_>,
    options: &Options,
    poll: &mut Poll<'_>,
) -> (Finding, bool) {
    let mut explored = plan.semantics.bound.unwrap_or(u32::MAX);
    loop {
        // The bound 0 is another semantics.
        let needed = u32::try_from(finding.run.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let needed = options.bound.map_or(needed, |bound| bound.min(needed));
        if explored >= needed {
            return (finding, true);
        }
        // Little by little: what is found under a small bound makes the searches under larger ones shorter.
        explored = explored.saturating_mul(2).min(needed);
        let semantics = Semantics { bound: Some(explored) };
        let depth = Some(finding.run.len().saturating_sub(1));
        let max_states = plan.max_states.min(SHORTEN);
        let plan = Plan { semantics, exhaust: false, depth, max_states, ..plan };
        let wider = Explored::of(system, plan, poll);
        match bad(&wider) {
            Some(shorter) => finding = shorter,
            None if wider.limit.is_some() => return (finding, false),
            None => {}
        }
    }
}

/// Whether no run ever puts more than `bound` messages on an edge.
fn within(system: &System, bound: u32, options: &Options, poll: &mut Poll<'_>) -> Judgement {
    let seek = if bound == 0 { Seek::Queued } else { Seek::Cut };
    let base = plan(system, Property::Bounded, 1, options);
    let mut judgement = None;
    let levels = if bound == 0 { vec![1] } else { levels(system, options) };
    for level in levels {
        let plan = Plan { semantics: Semantics { bound: Some(level) }, seek, exhaust: false, ..base };
        let explored = Explored::of(system, plan, poll);
        let done = level >= bound;
        let finding = match explored.found {
            Some((at, _)) if bound == 0 => bounded::queued(&explored, at),
            Some((at, _)) if done => bounded::overflow(&explored, at, bound),
            _ => None,
        };
        let answer = match (finding, &explored.limit) {
            (Some(finding), _) => Some(Answer::Violated(Box::new(finding))),
            (None, Some(limit)) => Some(Answer::Unknown(limit.clone())),
            (None, None) if !explored.cut || done => Some(Answer::Holds),
            (None, None) => None,
        };
        let settled = answer.is_some();
        judgement = Some(Judgement {
            exhaustive: matches!(answer, Some(Answer::Holds)),
            answer: answer.unwrap_or(Answer::Unknown(Limit::Bound(level))),
            bound: Some(bound),
            configurations: explored.len(),
            counts: explored.counts,
            shortest: true,
            families: Vec::new(),
        });
        if settled {
            break;
        }
    }
    judgement.unwrap_or(Judgement {
        answer: Answer::Unknown(Limit::Bound(bound)),
        bound: Some(bound),
        exhaustive: false,
        configurations: 0,
        counts: Counts::default(),
        shortest: false,
        families: Vec::new(),
    })
}

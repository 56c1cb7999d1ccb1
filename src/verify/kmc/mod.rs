//! k-multiparty compatibility: one bound that speaks for all.
//!
//! Comes in: a system. Goes out: whether, for one k or for the least k there is, the system is k-safe and k-exhaustive
//! ([`conditions`]). Then, if it consists of session automata ([`shape`]) that are k-OBI and k-CIBI ([`causal`]; directed
//! ones always are), every run under any bound is one under bound k with independent events in another order, and
//! the system is safe under every bound (Lange and Yoshida, "Verifying asynchronous interactions via communicating
//! session automata", CAV 2019). A level on which no send lacks room needs no theorem: it is the whole system.
//!
//! * Groups of roles that do not speak with each other are looked at apart: their conditions are about themselves.
//! * Directed groups are reduced ([`graph`]).
//! * Without a k it grows by one; the graph of k + 1 is made from that of k.
//! * What is wrong whatever the bound is wrong for good; so is what is not k-safe while k-exhaustive, within the theorem;
//!   so is a system that some run shows not to be k-exhaustive for any k ([`forever`]), or not to be k-OBI or k-CIBI for
//!   any ([`never`]).
//! * What is outside of the theorem (mixed states, local actions, channels with a bound) gets an answer all the same where
//!   its conditions fail under the k that was asked for, or where no send ever lacks room; otherwise the answer is
//!   unknown, and says why.
//!
//! A run that shows something is a shortest one of the graph that was explored; in a reduced one there may be shorter ones
//! with the same events in another order left out, and a small full graph is looked at for them.

mod causal;
mod conditions;
mod finding;
mod forever;
mod graph;
mod never;
mod shape;

use self::{
    conditions::{Conditions, Found},
    graph::Graph,
    shape::{Outside, Shape},
};
use super::{
    Options,
    detail::Detail,
    fault::{Counts, Watch},
    judge::{self, Answer, Finding, Judgement},
    search::{Crew, Explored, Plan, Poll, Seek},
};
use crate::{
    event::Limit,
    id::RoleId,
    machine::{Semantics, System},
};

/// What a "holds" rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compatible {
    /// The least k, or the one that was asked for.
    pub bound: u32,
    /// No smaller k will do.
    pub least: bool,
    /// No send lacked room, so no theorem is needed.
    pub whole: bool,
    /// Receptions went first: not every order of independent steps was looked at.
    pub reduced: bool,
    /// All states speak with one peer: k-OBI and k-CIBI hold by that.
    pub directed: bool,
}

/// An answer, what a "holds" rests on, and under which bound a counterexample is to be replayed.
pub(super) struct Judged {
    pub(super) judgement: Judgement,
    pub(super) compatible: Option<Compatible>,
    pub(super) replay: Option<u32>,
}

/// So many configurations are looked at for a shorter run.
const SHORTEN: usize = 4_000;

/// And so many roles in all of them.
const WORK: usize = 200_000;

/// So many configurations are looked at where the theorem is known not to help.
const HELPLESS: usize = 20_000;

/// The largest k that is tried where the theorem may help.
const MAX_K: u32 = 10_000;

/// What became of a group of roles.
enum Part {
    Holds(Compatible),
    /// With the bound under which it is to be replayed, and whether no shorter run shows such a thing.
    Violated(Box<Finding>, Option<u32>, bool),
    Unknown(Limit, u32),
}

/// Answers.
pub(super) fn kmc(system: &System, options: &Options, name: &dyn Fn(RoleId) -> String, poll: &mut Poll<'_>) -> Judged {
    let mut judged = Judged {
        judgement: Judgement {
            answer: Answer::Holds,
            bound: options.bound,
            exhaustive: true,
            configurations: 0,
            counts: Counts::default(),
            shortest: false,
            families: Vec::new(),
        },
        compatible: Some(Compatible {
            bound: 1,
            least: options.bound.is_none(),
            whole: true,
            reduced: false,
            directed: true,
        }),
        replay: None,
    };
    if options.bound == Some(0) {
        let why = "k-multiparty compatibility is about queues that hold one message or more".to_owned();
        judged.judgement.answer = Answer::Unknown(Limit::Undecided(why));
        return judged;
    }
    let groups = shape::groups(system);
    for roles in &groups {
        let own;
        let system = if groups.len() == 1 {
            system
        } else {
            match shape::alone(system, roles) {
                Some(alone) => {
                    own = alone;
                    &own
                }
                None => {
                    judged.compatible = None;
                    judged.judgement.answer = Answer::Unknown(Limit::Undecided("the system is too large".to_owned()));
                    return judged;
                }
            }
        };
        let part = group(system, roles, options, name, poll, &mut judged.judgement);
        match part {
            Part::Holds(one) => {
                if let Some(all) = &mut judged.compatible {
                    all.bound = all.bound.max(one.bound);
                    all.least &= one.least;
                    all.whole &= one.whole;
                    all.reduced |= one.reduced;
                    all.directed &= one.directed;
                }
            }
            Part::Violated(finding, replay, shortest) => {
                judged.judgement.answer = Answer::Violated(finding);
                judged.judgement.shortest = shortest;
                // What is shown may be about this bound alone.
                judged.judgement.exhaustive = replay.is_none();
                judged.judgement.bound = options.bound;
                judged.replay = replay;
                judged.compatible = None;
                return judged;
            }
            Part::Unknown(limit, bound) => {
                if judged.compatible.take().is_some() {
                    judged.judgement.exhaustive = false;
                    judged.judgement.bound = options.bound.or(Some(bound));
                    judged.judgement.answer = Answer::Unknown(limit);
                }
            }
        }
        if let Answer::Unknown(Limit::Time | Limit::Interrupted) = judged.judgement.answer {
            break;
        }
    }
    if let (Answer::Holds, Some(bound)) = (&judged.judgement.answer, options.bound)
        && let Some(all) = &mut judged.compatible
    {
        all.bound = bound;
        judged.judgement.exhaustive = all.whole && !all.reduced;
    }
    judged
}

/// One group of roles, for one k or for growing ones.
fn group(
    system: &System,
    roles: &[RoleId],
    options: &Options,
    name: &dyn Fn(RoleId) -> String,
    poll: &mut Poll<'_>,
    judgement: &mut Judgement,
) -> Part {
    let shape = Shape::of(system, roles);
    let (conditions, watch) = (Conditions::new(system, roles), Watch::new(system));
    let mut graph = Graph::new(system, roles, shape.directed && !options.raw, options);
    let mut work: usize = 0;
    let others = roles.len() < system.machines().len();
    let mut raced = false;
    let mut race: Option<(Finding, u32)> = None;
    let mut half: u32 = 0;
    let mut k = options.bound.unwrap_or(1);
    loop {
        if let Err(limit) = graph.extend(k, options.bound.is_some(), &watch, poll) {
            return Part::Unknown(limit, k);
        }
        let size = graph.order().len();
        work = work.saturating_add(size);
        judgement.configurations = judgement.configurations.saturating_add(size);
        if let Some(finding) = graph.fault.and_then(|(at, fault)| finding::fault(&graph, at, fault, others)) {
            return shortest_fault(system, options, finding, poll);
        }
        let found = conditions.look(&graph);
        let within = shape.outside.is_none();
        let holds = |whole| {
            let least = options.bound.is_none();
            let (reduced, directed) = (graph.is_reduced(), within && shape.directed);
            Part::Holds(Compatible { bound: k, least, whole, reduced, directed })
        };
        let lost = |found: &Found, poll: &mut Poll<'_>| {
            let finding = found.unsafe_at.and_then(|(at, goal)| finding::lost(&graph, at, goal));
            finding.map(|finding| shorter(&conditions, &graph, options, finding, Some(k), poll))
        };
        if !found.cut {
            return lost(&found, poll).unwrap_or_else(|| holds(true));
        }
        // One k only: what fails first.
        if options.bound.is_some() {
            if let Some(finding) = found.no_room_at.and_then(|(at, edge)| finding::no_room(&graph, at, edge)) {
                return shorter(&conditions, &graph, options, finding, Some(k), poll);
            }
            if let Some(part) = lost(&found, poll) {
                return part;
            }
            if let Some(outside) = shape.outside {
                return Part::Unknown(Limit::Undecided(beyond(outside, k, name)), k);
            }
        }
        // A race under a smaller bound is one under this bound.
        let mut independent = within && !raced;
        if within && !shape.directed {
            match dependent(&graph, &found, raced, options, poll) {
                Ok(None) => {}
                Ok(Some(finding)) if options.bound.is_some() => {
                    return Part::Violated(Box::new(finding), Some(k), true);
                }
                Ok(Some(finding)) => {
                    independent = false;
                    if matches!(finding.detail, Detail::Race { .. }) {
                        race = race.or(Some((finding, k)));
                    }
                }
                Err(limit) => return Part::Unknown(limit, k),
            }
            raced |= found.race.is_some() || !independent && found.output.is_none();
            half = if found.output.is_some() { half.saturating_add(1) } else { 0 };
        }
        if independent && found.no_room_at.is_none() {
            return lost(&found, poll).unwrap_or_else(|| holds(false));
        }
        if shape.directed
            && within
            && (k.is_power_of_two() || k == 3)
            && let Some(finding) = found.full.iter().find_map(|&at| forever::forever(&graph, at))
        {
            let bound = match finding.detail {
                Detail::NoRoom { bound, .. } => Some(bound),
                _ => Some(k),
            };
            return Part::Violated(Box::new(finding), bound, false);
        }
        // Of the smaller bounds each failed somehow; if all larger ones do, no k is left.
        if race.is_some()
            && let Some(flood) = never::flood(&graph)
            && let Some((race, k)) = race.take()
        {
            return Part::Violated(Box::new(finding::always(&graph, race, flood)), Some(k), false);
        }
        if !shape.directed
            && within
            && found.output.is_some()
            && let Some(finding) = never::half(&graph)
        {
            return Part::Violated(Box::new(finding), Some(k), false);
        }
        let helpless = raced || !within || half > 3;
        let largest = if helpless || !shape.directed { options.max_bound.max(1) } else { MAX_K };
        let over = work > if helpless { HELPLESS.min(options.max_states) } else { options.max_states };
        if k >= largest || over {
            return Part::Unknown(why_not(&shape, (raced, half > 0), over && !helpless, k, options, name), k);
        }
        k = k.saturating_add(1);
    }
}

/// What the theorem asks of systems with states that speak with several peers.
fn dependent(
    graph: &Graph<'_>,
    found: &Found,
    raced: bool,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Option<Finding>, Limit> {
    if let Some((at, one, other)) = found.race {
        return Ok(Some(finding::both(graph, at, one, other)));
    }
    if let Some((at, room, full)) = found.output {
        return Ok(finding::output(graph, at, room, full));
    }
    // What was found under a smaller bound is there under this one.
    let race = if raced { None } else { causal::race(graph, options.max_states, poll)? };
    Ok(race.map(|race| finding::race(graph, race)))
}

fn why_not(
    shape: &Shape,
    (raced, half): (bool, bool),
    over: bool,
    k: u32,
    options: &Options,
    name: &dyn Fn(RoleId) -> String,
) -> Limit {
    if let Some(outside) = shape.outside {
        return Limit::Undecided(beyond(outside, k, name));
    }
    let reason = if raced {
        Some("it is k-CIBI for no larger k either (which of two messages comes first is left to chance)")
    } else if half && !over {
        Some("it is not k-OBI (a role has room for one of its messages and none for another)")
    } else {
        None
    };
    if let Some(reason) = reason {
        let why = format!(
            "nothing goes wrong with queues up to {k}, but they can grow further, and the theorem does not apply: {reason}"
        );
        return Limit::Undecided(why);
    }
    if over { Limit::States(options.max_states) } else { Limit::Bound(k) }
}

/// Why the theorem does not speak of a system.
fn beyond(outside: Outside, k: u32, name: &dyn Fn(RoleId) -> String) -> String {
    let what = match outside {
        Outside::Mixed(role) => format!("`{}` has a state that sends and receives", name(role)),
        Outside::Acts(role) => format!("`{}` has local actions", name(role)),
        Outside::Twins(role) => format!("`{}` has a state with one action that leads to two states", name(role)),
        Outside::Optional(role) => format!("`{}` has a state in which it may stop or go on", name(role)),
        Outside::Channel(from, to) => {
            format!("the channel from `{}` to `{}` is not an unbounded queue", name(from), name(to))
        }
    };
    format!(
        "nothing goes wrong with queues up to {k}, but they can grow further, and the theorem is about session automata: {what}"
    )
}

/// A run to a fault that is as short as any, if that is found soon.
fn shortest_fault(system: &System, options: &Options, finding: Finding, poll: &mut Poll<'_>) -> Part {
    let length = finding.run.len();
    let Some(depth) = length.checked_sub(1) else { return Part::Violated(Box::new(finding), None, true) };
    if matches!(finding.detail, Detail::Starved { .. }) {
        return Part::Violated(Box::new(finding), None, false);
    }
    let bound = u32::try_from(length).unwrap_or(u32::MAX);
    let plan = Plan {
        semantics: Semantics { bound: Some(bound) },
        seek: Seek::Fault,
        exhaust: false,
        graph: false,
        depth: Some(depth),
        // Looking at one costs as much as there are roles.
        max_states: options.max_states.min(SHORTEN).min(WORK.checked_div(system.machines().len()).unwrap_or(1)),
        max_memory: options.max_memory,
        overhead: 0,
        crew: Crew::new(options),
        symmetry: None,
    };
    let explored = Explored::of(system, plan, poll);
    match judge::bad(&explored) {
        Some(shorter) => Part::Violated(Box::new(shorter), None, true),
        None => Part::Violated(Box::new(finding), None, explored.limit.is_none()),
    }
}

/// A shorter run to the same kind of finding under the same bound, if the reduction left it out and it is found soon.
fn shorter(
    conditions: &Conditions<'_>,
    graph: &Graph<'_>,
    options: &Options,
    finding: Finding,
    replay: Option<u32>,
    poll: &mut Poll<'_>,
) -> Part {
    if !graph.is_reduced() {
        return Part::Violated(Box::new(finding), replay, true);
    }
    let options = Options { max_states: options.max_states.min(SHORTEN), ..options.clone() };
    let mut full = Graph::new(graph.system, graph.roles, false, &options);
    if full.extend(graph.bound, true, &Watch::new(graph.system), poll).is_err() || full.fault.is_some() {
        return Part::Violated(Box::new(finding), replay, false);
    }
    let found = conditions.look(&full);
    let other = match finding.detail {
        Detail::NoRoom { .. } => found.no_room_at.and_then(|(at, edge)| finding::no_room(&full, at, edge)),
        _ => found.unsafe_at.and_then(|(at, goal)| finding::lost(&full, at, goal)),
    };
    match other {
        Some(other) => Part::Violated(Box::new(other), replay, true),
        None => Part::Violated(Box::new(finding), replay, false),
    }
}

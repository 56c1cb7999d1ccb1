//! From a configuration in which something is wrong to a run that shows it.

use super::{
    super::{
        cone::{self, Seeds},
        detail::{Detail, Queued, Waiting},
        fault::{Fault, Watch},
        judge::Finding,
    },
    causal::Race,
    conditions::Goal,
    graph::Graph,
};
use crate::{
    event::Event,
    id::{EdgeId, MessageId, RoleId, StateId},
    machine::{Cells, System},
    protocol::Act,
};

fn queued(system: &System, message: MessageId) -> Queued {
    let info = system.messages()[message];
    let edge = system.edges()[info.edge];
    Queued { from: edge.from, to: edge.to, label: info.label, sort: info.sort }
}

fn waiting(watch: &Watch<'_>, cells: &impl Cells, role: RoleId) -> Waiting {
    Waiting { role, offers: watch.offers(cells, role) }
}

pub(super) fn finding(run: Vec<Event>, detail: Detail, heads: Vec<(RoleId, RoleId)>) -> Finding {
    let seeds = Seeds { roles: detail.roles(), heads, events: Vec::new() };
    Finding { run, cycle_at: None, detail, seeds }
}

/// What is wrong whatever the bound. Where nothing can happen in one group of roles but perhaps in another, nobody will
/// ever serve those who wait.
pub(super) fn fault(graph: &Graph<'_>, at: u32, fault: Fault, others: bool) -> Option<Finding> {
    let system = graph.system;
    let watch = Watch::new(system);
    let mut words = graph.words();
    let cells = graph.load(at, &mut words);
    let (mut run, _) = graph.run_to(at);
    let ends = |edge: EdgeId| (system.edges()[edge].from, system.edges()[edge].to);
    Some(match fault {
        Fault::Deadlock if others => {
            let role = *watch.stuck(&cells).first()?;
            let lost_at = run.len();
            finding(run, Detail::Starved { waiting: waiting(&watch, &cells, role), lost_at }, Vec::new())
        }
        Fault::Deadlock => {
            let all: Vec<Waiting> = watch.stuck(&cells).into_iter().map(|role| waiting(&watch, &cells, role)).collect();
            let heads = system.edges().ids().filter(|&edge| cells.queued(edge) > 0).map(ends);
            let heads = heads.filter(|&(_, to)| all.iter().any(|waiting| waiting.role == to)).collect();
            finding(run, Detail::Deadlock(all), heads)
        }
        Fault::Orphan(edge) => {
            let heads = vec![ends(edge)];
            let detail = Detail::Orphan(queued(system, cells.head(edge)?));
            if watch.has_ended(&cells, system.edges()[edge].to) {
                alone(&mut run, &detail, &heads);
            }
            finding(run, detail, heads)
        }
        Fault::Unspecified(role) => {
            let heads = watch.waits_on(&cells, role).iter().filter_map(|&edge| cells.head(edge));
            let heads: Vec<Queued> = heads.map(|message| queued(system, message)).collect();
            let ends: Vec<(RoleId, RoleId)> = heads.iter().map(|head| (head.from, head.to)).collect();
            let detail = Detail::Unspecified { waiting: waiting(&watch, &cells, role), heads };
            alone(&mut run, &detail, &ends);
            finding(run, detail, ends)
        }
    })
}

/// Not k-safe.
pub(super) fn lost(graph: &Graph<'_>, at: u32, goal: Goal) -> Option<Finding> {
    let system = graph.system;
    let mut words = graph.words();
    let cells = graph.load(at, &mut words);
    let (run, _) = graph.run_to(at);
    let lost_at = run.len();
    match goal {
        Goal::Serve(role) => {
            let waiting = waiting(&Watch::new(system), &cells, role);
            Some(finding(run, Detail::Starved { waiting, lost_at }, Vec::new()))
        }
        Goal::Receive(edge) => {
            let message = queued(system, cells.head(edge)?);
            Some(finding(run, Detail::Unreceived { message, lost_at }, vec![(message.from, message.to)]))
        }
        Goal::Room(_) => None,
    }
}

/// Leaves of a run only what the failure depends on: that is a run as well, and shows it as well, where it is about where
/// some roles are and some heads, and not about where others are not.
fn alone(run: &mut Vec<Event>, detail: &Detail, heads: &[(RoleId, RoleId)]) {
    let seeds = Seeds { roles: detail.roles(), heads: heads.to_vec(), events: Vec::new() };
    let cone = cone::cone(run, &seeds);
    *run = cone.into_iter().filter_map(|at| run.get(at).copied()).collect();
}

/// What a role wants to send on an edge.
pub(super) fn offer(system: &System, cells: &impl Cells, edge: EdgeId) -> Option<Queued> {
    let role = system.edges()[edge].from;
    offered(system, role, cells.state(role), edge)
}

fn offered(system: &System, role: RoleId, state: StateId, edge: EdgeId) -> Option<Queued> {
    let machine = &system.machines()[role];
    let sends =
        machine.offers(state).iter().filter(|offer| matches!(machine.actions()[offer.action].act, Act::Send(_)));
    let mut messages = sends.filter_map(|offer| system.message_of(role, offer.action));
    messages.find(|&message| system.messages()[message].edge == edge).map(|message| queued(system, message))
}

/// Not k-exhaustive.
pub(super) fn no_room(graph: &Graph<'_>, at: u32, edge: EdgeId) -> Option<Finding> {
    let mut words = graph.words();
    let send = offer(graph.system, &graph.load(at, &mut words), edge)?;
    let (run, _) = graph.run_to(at);
    let detail = Detail::NoRoom { send, bound: graph.bound, again: None };
    Some(finding(run, detail, vec![(send.from, send.to)]))
}

/// Not k-OBI.
pub(super) fn output(graph: &Graph<'_>, at: u32, room: EdgeId, full: EdgeId) -> Option<Finding> {
    let mut words = graph.words();
    let cells = graph.load(at, &mut words);
    let detail = Detail::HalfChoice {
        can: offer(graph.system, &cells, room)?,
        cannot: offer(graph.system, &cells, full)?,
        bound: graph.bound,
        always: false,
    };
    let heads = vec![(graph.system.edges()[full].from, graph.system.edges()[full].to)];
    Some(finding(graph.run_to(at).0, detail, heads))
}

/// Not k-OBI for any k from this one on: the run to where a role has sent on an edge until it was full, and the state it is
/// in then.
pub(super) fn half(
    system: &System,
    bound: u32,
    mut run: Vec<Event>,
    (role, state): (RoleId, StateId),
    more: Vec<Event>,
    (room, full): (EdgeId, EdgeId),
) -> Option<Finding> {
    let detail = Detail::HalfChoice {
        can: offered(system, role, state, room)?,
        cannot: offered(system, role, state, full)?,
        bound,
        always: true,
    };
    let heads = vec![(system.edges()[full].from, system.edges()[full].to)];
    run.extend(more);
    Some(finding(run, detail, heads))
}

/// Not k-IBI.
pub(super) fn both(graph: &Graph<'_>, at: u32, one: MessageId, other: MessageId) -> Finding {
    let (one, other) = (queued(graph.system, one), queued(graph.system, other));
    let detail = Detail::Race { taken: one, rival: other, taken_at: None, always: None };
    finding(graph.run_to(at).0, detail, vec![(one.from, one.to), (other.from, other.to)])
}

/// Not k-CIBI.
pub(super) fn race(graph: &Graph<'_>, race: Race) -> Finding {
    let (taken, rival) = (queued(graph.system, race.taken), queued(graph.system, race.rival));
    let detail = Detail::Race { taken, rival, taken_at: Some(race.taken_at), always: None };
    finding(race.run, detail, vec![(rival.from, rival.to)])
}

/// Says of a race that it is one for every k, because of a message that can be sent again and again.
pub(super) fn always(graph: &Graph<'_>, mut race: Finding, flood: MessageId) -> Finding {
    if let Detail::Race { always, .. } = &mut race.detail {
        *always = Some(queued(graph.system, flood));
    }
    race
}

//! Roles that never talk to each other, not even through others, apart: what is explored is the sum of the parts, not their
//! product.
//!
//! In: machines and a property. Out: what the parts, each explored by itself, say about the whole; nothing, if there is
//! one part only, or if they do not settle it. What is so for each part:
//!
//! * a queued message, a role that waits and a queue that grows belong to one part, so `safe`, `live` and `bounded` hold
//!   of the whole if they hold of every part, and an unspecified reception, a message to somebody who has ended, a role
//!   or message that is lost and a queue that grows in one part are such in the whole;
//! * a role that is lost in a part when all of the part stands still is lost in the whole too, but there the run goes on:
//!   then the whole is explored;
//! * every run of the whole is a run of each part, so if all parts end, the whole does, and a part that goes on for ever
//!   does so in the whole;
//! * a deadlock is one of the whole only if the other parts can come to an end too: then the whole is explored.

use super::{
    Options,
    detail::Detail,
    judge::{Answer, Judgement, judge},
    property::Property,
    search::Poll,
    subject::Subject,
};
use crate::{
    diag::Span,
    id::{Id, IdVec, RoleId, StateId},
    machine::SystemError,
    protocol::{Act, Local, State},
};

/// Roles that talk to each other, directly or through others, part by part; roles that do nothing and may stop are in none.
pub(super) fn parts(machines: &IdVec<RoleId, Local>) -> Vec<Vec<RoleId>> {
    let mut part: IdVec<RoleId, RoleId> = machines.ids().collect();
    let mut busy: IdVec<RoleId, bool> = IdVec::filled(false, machines.len());
    for (role, machine) in machines.iter() {
        busy[role] = machine.states.entry(machine.initial).is_none_or(|state| !state.may_stop);
        for arm in machine.states.values().flat_map(|state| &state.arms) {
            busy[role] = true;
            let (Act::Send(peer) | Act::Receive(peer)) = arm.act else { continue };
            let (Some(&one), Some(&other)) = (part.entry(role), part.entry(peer)) else { continue };
            if one != other {
                part.values_mut().filter(|part| **part == other).for_each(|part| *part = one);
            }
        }
    }
    let mut parts: Vec<(RoleId, Vec<RoleId>)> = Vec::new();
    for (role, &of) in part.iter().filter(|&(role, _)| busy[role]) {
        match parts.iter_mut().find(|(known, _)| *known == of) {
            Some((_, roles)) => roles.push(role),
            None => parts.push((of, vec![role])),
        }
    }
    parts.into_iter().map(|(_, roles)| roles).collect()
}

/// A role that has nothing to do.
fn idle(role: RoleId) -> Local {
    let end = State { arms: Vec::new(), may_stop: true, span: Span::default() };
    Local { role, initial: StateId::from_raw(1), states: vec![State::default(), end].into() }
}

/// What the parts say about the whole, if there are several and they settle it.
pub(super) fn judge_parts(
    subject: &Subject<'_>,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Option<Judgement>, SystemError> {
    let parts = parts(&subject.locals);
    let sums = matches!(
        property,
        Property::Safe | Property::DeadlockFree | Property::Live | Property::Terminating | Property::Bounded
    );
    if options.raw || !sums || parts.len() < 2 {
        return Ok(None);
    }
    let mut whole: Option<Judgement> = None;
    for part in parts {
        let locals = subject
            .locals
            .iter()
            .map(|(role, local)| if part.binary_search(&role).is_ok() { local.clone() } else { idle(role) });
        let locals: Vec<Local> = locals.collect();
        let alone = Subject::written(locals.into(), subject.channels).system(false)?;
        let found = judge(&alone, property, options, poll);
        if let Answer::Violated(finding) = &found.answer {
            let settled = match finding.detail {
                // Also said of a message that is left when a whole part is over.
                Detail::Deadlock(_) | Detail::Stuck(_) | Detail::Orphan(_) => false,
                // A run that ends in its part goes on in the others, if they do.
                Detail::Starved { .. } | Detail::Unreceived { .. } => finding.cycle_at.is_some(),
                _ => true,
            };
            if !settled {
                return Ok(None);
            }
        }
        whole = Some(match whole.take() {
            None => found,
            Some(before) => both(before, found),
        });
    }
    Ok(whole)
}

/// The worse of two; of two violations the shorter.
fn both(one: Judgement, other: Judgement) -> Judgement {
    let rank = |judgement: &Judgement| match &judgement.answer {
        Answer::Violated(finding) => (0, finding.run.len()),
        Answer::Unknown(_) => (1, 0),
        Answer::Holds => (2, 0),
    };
    let (shortest, exhaustive) = (one.shortest && other.shortest, one.exhaustive && other.exhaustive);
    let configurations = one.configurations.saturating_add(other.configurations);
    let holds = matches!((&one.answer, &other.answer), (Answer::Holds, Answer::Holds));
    let (one_families, other_families) = (one.families.clone(), other.families.clone());
    let worse = if rank(&one) <= rank(&other) { one } else { other };
    let exhaustive = if holds { exhaustive } else { worse.exhaustive };
    let shortest = if holds { shortest } else { worse.shortest };
    let families = [one_families, other_families].concat();
    Judgement { configurations, exhaustive, shortest, families, ..worse }
}

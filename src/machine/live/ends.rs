//! When something is over: the ways out of regions and scopes, what is owed, and what may still come.
//!
//! Nothing is evaluated here: a way out through a time limit names the limits that must have passed ([`Due`]).

use smallvec::SmallVec;

use super::{
    Activation, Attempt, Inside, Parts, Round, Time,
    find::MAX_DEPTH,
    place::{At, In, info},
};
use crate::{
    id::{RegionId, RoleId, ScopeId},
    machine::program::{End, HandlerInfo, Program, Row, ScopeParts},
    protocol::Trigger,
};

/// A time limit that must have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// From then on.
    From(Time),
    /// The limit of a handler of a scope that the step itself enters: from when the role came there, if that is not when
    /// it came to what the step is in.
    Limit(ScopeId, usize, Option<Time>),
}

pub(super) type Dues = SmallVec<[Due; 1]>;

/// A way out, and the time limits that must have passed. Way 0 is the end.
pub(super) type Out = (u32, Dues);

type Outs = SmallVec<[Out; 2]>;

/// Rows that were come by already: a way round brings nothing new.
type Rows<'p> = SmallVec<[&'p Row; 4]>;

fn again<'p>(seen: &mut Rows<'p>, row: &'p Row) -> bool {
    let known = seen.iter().any(|other| std::ptr::eq(*other, row));
    seen.push(row);
    known
}

/// The ways by which a region may end for good, without another step of the role, whatever the time.
pub(super) fn exits(program: &Program, role: RoleId, at: At<'_>) -> SmallVec<[u32; 2]> {
    let mut out = SmallVec::new();
    exits_at(program, role, at, None, 0, &mut out);
    let mut ways = SmallVec::new();
    for (way, _) in out {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

fn note(out: &mut Outs, way: u32, dues: &Dues) {
    if !out.iter().any(|(known, needs)| *known == way && needs.iter().all(|due| dues.contains(due))) {
        out.push((way, dues.clone()));
    }
}

/// To send behind it, to receive from behind it, or (`None`) for good.
fn exits_at(program: &Program, role: RoleId, at: At<'_>, to: Option<End>, depth: usize, out: &mut Outs) {
    if let At::Live(act) = at {
        let blocks = |inside: &Inside| match to {
            None => !is_quiet(program, role, inside),
            Some(End::From) => owes_in(program, role, In::Live(inside), depth),
            Some(End::To) => false,
        };
        if act.lingering().iter().any(blocks) {
            return;
        }
    }
    let (region, state) = (at.region(), at.state(program, role));
    let Some(row) = program.row(role, region, state) else {
        // A role that takes no part in a region is through with it.
        if program.automaton_of(role, region).is_none() {
            note(out, 0, &Dues::new());
        }
        return;
    };
    match at.inside() {
        None => exits_of_row(program, role, (region, row), to, (depth, &Dues::new()), &mut Rows::new(), out),
        Some(inside) => {
            for (way, dues) in scope_exits(program, role, In::Live(inside), to, depth) {
                for &(_, then) in row.leaves.iter().filter(|(number, _)| *number == way) {
                    if let Some(row) = program.row(role, region, then) {
                        exits_of_row(
                            program,
                            role,
                            (region, row),
                            to,
                            (depth.saturating_add(1), &dues),
                            &mut Rows::new(),
                            out,
                        );
                    }
                }
            }
        }
    }
    // The clock of a scope that is not entered yet started with the role's last step in front of it.
    if let At::Live(act) = at {
        for due in out.iter_mut().flat_map(|(_, dues)| dues) {
            if let Due::Limit(_, _, since @ None) = due {
                *since = Some(act.since);
            }
        }
    }
}

fn exits_of_row<'p>(
    program: &'p Program,
    role: RoleId,
    (region, row): (RegionId, &'p Row),
    to: Option<End>,
    (depth, dues): (usize, &Dues),
    seen: &mut Rows<'p>,
    out: &mut Outs,
) {
    if depth > MAX_DEPTH || again(seen, row) {
        return;
    }
    for &exit in &row.exits {
        note(out, exit, dues);
    }
    let deeper = depth.saturating_add(1);
    for &(scope, inner) in &row.scopes {
        let Some(behind) = program.row(role, region, inner) else { continue };
        for (way, more) in scope_exits(program, role, In::Fresh(scope), to, deeper) {
            let mut dues = dues.clone();
            dues.extend(more);
            for &(_, then) in behind.leaves.iter().filter(|(number, _)| *number == way) {
                if let Some(row) = program.row(role, region, then) {
                    exits_of_row(program, role, (region, row), to, (deeper, &dues), seen, out);
                }
            }
        }
    }
}

/// The ways by which a scope may be left: to send or to receive behind it, or (`None`) for good.
pub(super) fn scope_exits(program: &Program, role: RoleId, at: In<'_>, to: Option<End>, depth: usize) -> Outs {
    let mut out = Outs::new();
    if depth > MAX_DEPTH {
        return out;
    }
    let deeper = depth.saturating_add(1);
    let end = |at: At<'_>| -> Option<Dues> {
        let mut found = Outs::new();
        exits_at(program, role, at, to, deeper, &mut found);
        found.into_iter().filter(|(way, _)| *way == 0).map(|(_, dues)| dues).min_by_key(SmallVec::len)
    };
    let all = |parts: &mut dyn Iterator<Item = At<'_>>| -> Option<Dues> {
        let mut dues = Dues::new();
        for part in parts {
            dues.extend(end(part)?);
        }
        Some(dues)
    };
    let Some(info) = info(program, at.scope()) else { return out };
    match (&info.parts, at) {
        (ScopeParts::Par(parts), In::Fresh(_)) => {
            out.extend(all(&mut parts.iter().map(|&part| At::Fresh(part))).map(|dues| (0, dues)));
        }
        (ScopeParts::During(main, _), In::Fresh(_)) => {
            out.extend(all(&mut main.iter().map(|&main| At::Fresh(main))).map(|dues| (0, dues)));
        }
        (ScopeParts::Try(body, handlers), In::Fresh(_)) => {
            exits_at(program, role, At::Fresh(*body), to, deeper, &mut out);
            let limit = |number| Some(Due::Limit(at.scope(), number, None));
            handler_exits(program, role, (handlers, handlers.len()), &limit, (to, deeper), &mut out);
        }
        (_, In::Live(inside)) => match &inside.parts {
            Parts::Par(parts) => {
                out.extend(all(&mut parts.iter().map(At::Live)).map(|dues| (0, dues)));
            }
            Parts::During { main, rounds } => {
                let blocks = |act: &Activation| match to {
                    None => !may_end(program, role, At::Live(act), deeper),
                    // A role may not send beyond while it owes a message of a round.
                    Some(End::From) => {
                        !may_end(program, role, At::Live(act), deeper) && owes(program, role, At::Live(act), deeper)
                    }
                    Some(End::To) => false,
                };
                let blocked = rounds.iter().any(|round| match round {
                    Round::One { act, .. } => act.as_ref().is_some_and(blocks),
                    Round::Family(family) => family.live.values().any(|one| blocks(&one.act)),
                });
                if !blocked {
                    out.extend(all(&mut main.iter().map(At::Live)).map(|dues| (0, dues)));
                }
            }
            Parts::Try { at, act, limits, .. } => {
                if !matches!(at, Attempt::Expired(_)) {
                    exits_at(program, role, At::Live(act), to, deeper, &mut out);
                }
                if let ScopeParts::Try(_, handlers) = &info.parts {
                    let limit = |number| {
                        let limit: Option<(Time, Time)> = limits.get(number).copied().flatten();
                        limit.map(|(_, until)| Due::From(until))
                    };
                    let open = at.open(handlers.len());
                    handler_exits(program, role, (handlers, open), &limit, (to, deeper), &mut out);
                }
            }
        },
    }
    out
}

/// A handler of a crash, or of a time limit of the role's own, in which the role has nothing to do is a way out.
fn handler_exits(
    program: &Program,
    role: RoleId,
    (handlers, open): (&[HandlerInfo], usize),
    limit: &dyn Fn(usize) -> Option<Due>,
    (to, depth): (Option<End>, usize),
    out: &mut Outs,
) {
    for (number, handler) in handlers.iter().enumerate().take(open) {
        let due = match &handler.trigger {
            Trigger::Crash(other) if *other != role => None,
            Trigger::Timeout(at, _) | Trigger::Idle(at, _) | Trigger::Deadline(at, _) if *at == role => limit(number),
            _ => continue,
        };
        let mut found = Outs::new();
        exits_at(program, role, At::Fresh(handler.region), to, depth, &mut found);
        for (way, mut dues) in found {
            dues.extend(due);
            note(out, way, &dues);
        }
    }
}

fn may_end(program: &Program, role: RoleId, at: At<'_>, depth: usize) -> bool {
    let mut out = Outs::new();
    exits_at(program, role, at, None, depth, &mut out);
    out.iter().any(|(way, _)| *way == 0)
}

/// Whether no round that was begun in a scope must go on.
pub(super) fn is_quiet(program: &Program, role: RoleId, inside: &Inside) -> bool {
    let within = |act: &Activation| {
        act.inside.as_deref().into_iter().chain(act.lingering()).all(|inside| is_quiet(program, role, inside))
    };
    let may = |act: &Activation| may_end(program, role, At::Live(act), 0);
    match &inside.parts {
        Parts::Par(parts) => parts.iter().all(within),
        Parts::Try { act, .. } => within(act),
        Parts::During { main, rounds } => {
            main.as_ref().is_none_or(within)
                && rounds.iter().all(|round| match round {
                    Round::One { act, .. } => act.as_ref().is_none_or(may),
                    Round::Family(family) => family.live.values().all(|one| may(&one.act)),
                })
        }
    }
}

/// Whether it is a role's turn in a region: what comes next can be a message or an action of its own.
fn owes(program: &Program, role: RoleId, at: At<'_>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let deeper = depth.saturating_add(1);
    if let At::Live(act) = at
        && act.lingering().iter().any(|inside| owes_in(program, role, In::Live(inside), deeper))
    {
        return true;
    }
    let (region, state) = (at.region(), at.state(program, role));
    let Some(row) = program.row(role, region, state) else { return false };
    match at.inside() {
        None => owes_row(program, role, region, row, deeper, &mut Rows::new()),
        Some(inside) => {
            owes_in(program, role, In::Live(inside), deeper)
                || owes_behind(program, role, (region, row), In::Live(inside), deeper, &mut Rows::new())
        }
    }
}

fn owes_behind<'p>(
    program: &'p Program,
    role: RoleId,
    (region, row): (RegionId, &'p Row),
    at: In<'_>,
    depth: usize,
    seen: &mut Rows<'p>,
) -> bool {
    scope_exits(program, role, at, None, depth).into_iter().any(|(way, _)| {
        row.leaves.iter().filter(|(number, _)| *number == way).any(|&(_, then)| {
            program.row(role, region, then).is_some_and(|row| owes_row(program, role, region, row, depth, seen))
        })
    })
}

fn owes_row<'p>(
    program: &'p Program,
    role: RoleId,
    region: RegionId,
    row: &'p Row,
    depth: usize,
    seen: &mut Rows<'p>,
) -> bool {
    if depth > MAX_DEPTH || again(seen, row) {
        return false;
    }
    let deeper = depth.saturating_add(1);
    row.arms.iter().any(|arm| arm.end == End::From)
        || row.scopes.iter().any(|&(scope, inner)| {
            owes_in(program, role, In::Fresh(scope), deeper)
                || program
                    .row(role, region, inner)
                    .is_some_and(|row| owes_behind(program, role, (region, row), In::Fresh(scope), deeper, seen))
        })
}

/// Whether it is a role's turn somewhere in a scope; what it merely may begin or interrupt it does not owe.
pub(super) fn owes_in(program: &Program, role: RoleId, at: In<'_>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let deeper = depth.saturating_add(1);
    let turn = |at: At<'_>| !may_end(program, role, at, deeper) && owes(program, role, at, deeper);
    let live = |act: &Activation| turn(At::Live(act));
    match at {
        In::Fresh(scope) => match info(program, scope).map(|info| &info.parts) {
            Some(ScopeParts::Par(parts)) => parts.iter().any(|&part| turn(At::Fresh(part))),
            Some(ScopeParts::During(main, _)) => main.is_some_and(|main| turn(At::Fresh(main))),
            Some(ScopeParts::Try(body, _)) => turn(At::Fresh(*body)),
            None => false,
        },
        In::Live(inside) => match &inside.parts {
            Parts::Par(parts) => parts.iter().any(live),
            Parts::Try { act, .. } => live(act),
            Parts::During { main, rounds } => {
                main.as_ref().is_some_and(live)
                    || rounds.iter().any(|round| match round {
                        Round::One { act, .. } => act.as_ref().is_some_and(live),
                        Round::Family(family) => family.live.values().any(|one| live(&one.act)),
                    })
            }
        },
    }
}

/// Whether somebody who was not heard from beyond a scope that was left may still begin a round in it.
pub(super) fn may_begin(program: &Program, role: RoleId, inside: &Inside) -> bool {
    let within = |act: &Activation| {
        act.inside.as_deref().into_iter().chain(act.lingering()).any(|inside| may_begin(program, role, inside))
    };
    match &inside.parts {
        Parts::Par(parts) => parts.iter().any(within),
        Parts::Try { act, .. } => within(act),
        Parts::During { main, .. } => {
            let Some(ScopeParts::During(_, rounds)) = info(program, inside.scope).map(|info| &info.parts) else {
                return false;
            };
            let begins = rounds.iter().filter_map(|round| program.automaton_of(role, round.region)).any(|automaton| {
                automaton.taken().any(|message| {
                    let from = program.messages.entry(message).map(|travel| travel.from);
                    from.is_some_and(|from| !inside.heard.contains(&from))
                })
            });
            begins || main.as_ref().is_some_and(within)
        }
    }
}

/// Whether a round or an instance has ended: its block is over, and nothing in it is open.
pub(super) fn is_over(program: &Program, role: RoleId, act: &Activation) -> bool {
    if act.lingering().iter().any(|inside| !is_quiet(program, role, inside)) {
        return false;
    }
    let Some(row) = program.row(role, act.region, act.state) else { return true };
    let Some(inside) = act.inside.as_deref() else { return row.is_over() };
    is_spent(program, role, inside)
        && scope_exits(program, role, In::Live(inside), None, 0).into_iter().all(|(way, _)| {
            row.leaves
                .iter()
                .filter(|(number, _)| *number == way)
                .all(|&(_, then)| program.row(role, act.region, then).is_none_or(Row::is_over))
        })
}

/// Whether nothing can happen in a scope any more. A handler of a body that is over does not keep it open.
fn is_spent(program: &Program, role: RoleId, inside: &Inside) -> bool {
    match &inside.parts {
        Parts::Par(parts) => parts.iter().all(|part| is_over(program, role, part)),
        Parts::During { main, rounds } => {
            main.as_ref().is_some_and(|main| is_over(program, role, main))
                && rounds.iter().all(|round| match round {
                    Round::One { act, .. } => act.is_none(),
                    Round::Family(family) => family.live.is_empty(),
                })
        }
        Parts::Try { act, .. } => is_over(program, role, act),
    }
}

//! What is beyond the kernel, made ready for the checks: scopes and families are unrolled, and what can be said without
//! looking at runs is said.
//!
//! In: a specification. Out: the same with a [`Flat`] for each protocol that has more than the kernel. Every region of
//! it is projected by itself: `projectable` asks no more. All other properties look at the runs of the flat automata,
//! which leave data out: they have every run of the protocol, and perhaps more. So a run that goes wrong there is proof
//! only if no step has a condition, and "nothing goes wrong" is proof for what data cannot make worse: whether a role
//! can be stuck because all that it might send is excluded is asked here ([`Flat::blocked`]).

use crate::{
    id::{IdVec, RoleId},
    machine::{
        Program, ProgramError, ScopeParts,
        flatten::{FlattenError, Limits, flatten},
    },
    protocol::{Discipline, Flat, Graph, Header, Names, Projector, Protocol, Spec, Trigger},
    solve::Outside,
};

/// Says of every protocol that has more than the kernel what can be said without looking at runs; and unrolls it, with so
/// many keys per family, if runs are going to be looked at.
///
/// What [`crate::solve`] does not decide of their conditions, the other solver is asked.
pub fn expand(spec: &mut Spec, keys: Option<u32>, outside: &Outside) {
    let Spec { protocols, systems, names, .. } = spec;
    for protocol in protocols {
        if protocol.flat.is_none()
            && let Some(graph) = &protocol.graph
            && protocol.header.usable().is_ok()
        {
            let mut flat = Flat::default();
            project(protocol, graph, names, &mut flat);
            let program = Program::of(names, &protocol.header, &protocol.term, graph);
            protocol.flat = Some(unroll(flat, program, &protocol.header, names, keys, outside));
        }
    }
    for system in systems {
        if system.flat.is_none() && !system.graphs.is_empty() && system.header.usable().is_ok() {
            let types = system.terms.iter().zip(system.graphs.values());
            let types = types.map(|((role, term), graph)| (role, term, graph));
            let program = Program::written(names, &system.header, types);
            system.flat = Some(unroll(Flat::default(), program, &system.header, names, keys, outside));
        }
    }
}

fn unroll(
    mut flat: Flat,
    program: Result<Program, ProgramError>,
    header: &Header,
    names: &mut Names,
    keys: Option<u32>,
    outside: &Outside,
) -> Flat {
    let program = match program {
        Ok(program) => program,
        Err(error) => {
            flat.limit = Some(match error {
                ProgramError::TooMany(error) => error.to_string(),
                ProgramError::Projection(_) | ProgramError::TooManyArms => {
                    "the roles' automata are too large".to_owned()
                }
                ProgramError::TooDeep => "families are nested too deep".to_owned(),
            });
            return flat;
        }
    };
    flat.keys = keys.filter(|_| program.frames().values().any(|frame| !frame.keys.is_empty()));
    rules(&program, &mut flat);
    flat.notes = super::data::conditions(&program, header, names, outside);
    let Some(keys) = keys else {
        flat.limit = Some("its runs were not looked at".to_owned());
        return flat;
    };
    // Who asks about runs wants to know where a role may be stuck.
    let before = outside.believed();
    if let Some(stuck) = super::data::may_be_stuck(&program, header, names, outside) {
        flat.blocked = Some(stuck.found.span);
        flat.wanted = stuck.wanted;
        flat.notes.push(stuck.found);
    }
    flat.outside = outside.believed() > before;
    let limits = Limits { keys, ..Limits::default() };
    let mut locals: IdVec<RoleId, _> = IdVec::new();
    for role in header.roles.ids() {
        match flatten(&program, role, names, limits) {
            Ok(local) => {
                if locals.push(local).is_err() {
                    return flat;
                }
            }
            Err(error) => {
                let role = header.role_name(role);
                flat.limit = Some(match error {
                    FlattenError::TooMany(error) => error.to_string(),
                    FlattenError::States(most) => {
                        format!("with its scopes unrolled, `{role}` has more than {most} states")
                    }
                    FlattenError::Arms(most) => {
                        format!("with its scopes unrolled, `{role}` has more than {most} transitions")
                    }
                });
                return flat;
            }
        }
    }
    flat.locals = locals;
    flat
}

/// Projects every region for every role that takes part in it.
fn project(protocol: &Protocol, graph: &Graph, names: &Names, flat: &mut Flat) {
    let header = &protocol.header;
    let mut projector = Projector::new(graph);
    let mut errors = projector.form().to_vec();
    for region in graph.regions.values() {
        let roles: Vec<RoleId> = match region.scope.and_then(|scope| graph.scopes.entry(scope)?.as_ref()) {
            Some(shape) => shape.roles.to_vec(),
            None => header.roles.ids().collect(),
        };
        for role in roles {
            if errors.iter().any(|error| error.role == role) {
                continue;
            }
            if let Err(error) = projector.project_region(role, Discipline::Full, region.start) {
                errors.push(error);
            }
        }
    }
    flat.roles = errors.iter().map(|error| error.role).collect();
    flat.roles.sort_unstable();
    flat.roles.dedup();
    flat.diagnostics = errors.iter().map(|error| error.diagnostic(graph, header, names)).collect();
}

/// What rules there are, and whether one of them may leave a role with nothing to do.
fn rules(program: &Program, flat: &mut Flat) {
    for travel in program.messages().values() {
        let rule = &travel.rule;
        flat.conditions |= !(rule.demands().next().is_none() && rule.unique.is_empty() && rule.idempotent.is_empty())
            || travel.epoch.is_some();
        flat.timed |= rule.within.is_some();
    }
    for scope in program.scopes().values().flatten() {
        if let ScopeParts::During(_, rounds) = &scope.parts {
            flat.timed |= rounds.iter().any(|round| round.every.is_some());
        }
        if let ScopeParts::Try(_, handlers) = &scope.parts {
            flat.timed |= handlers.iter().any(|handler| {
                matches!(handler.trigger, Trigger::Timeout(..) | Trigger::Idle(..) | Trigger::Deadline(..))
            });
        }
    }
}

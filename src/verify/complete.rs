//! Claims about projection that are not answered by full merge: `implementable`, and `projectable` by plain merge or by
//! determinization.
//!
//! In: a protocol. Out: an [`Outcome`]; of [`complete`] also the roles' machines. Whether a role may stop where it could
//! still receive is asked of the machines: `implementable` allows it, `projectable` does not, unless the caller says
//! otherwise ([`Options::optional_termination`]).

use super::{
    Options, Progress, Projection,
    check::{Error, Evidence, Outcome},
    counterexample::words,
    detail::Detail,
    implementability::{self, Indistinct, Machines},
    property::Property,
    search::Poll,
};
use crate::{
    diag::{Diagnostic, catalogue::verdict as codes},
    event::{Counterexample, Limit, Verdict},
    id::RoleId,
    protocol::{Discipline, Graph, GraphError, Protocol, Spec, project},
};

/// Answers what is asked of a protocol's projection, unless full merge answers it.
pub(super) fn asked(
    spec: &Spec,
    at: usize,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Option<Outcome>, Error> {
    let Some(protocol) = spec.protocols.get(at) else {
        return Err(Error::Bug("a target is not one of its specification".to_owned()));
    };
    let forbidden = |default: bool| !options.optional_termination.unwrap_or(default);
    let outcome = match (property, options.projection) {
        (Property::Implementable, _) => implementable(spec, protocol, forbidden(true), options, poll)?.0,
        (Property::Projectable, Projection::Complete) => {
            implementable(spec, protocol, forbidden(false), options, poll)?.0
        }
        (Property::Projectable, Projection::Plain) if protocol.is_plain() => plain(spec, protocol)?,
        (Property::Projectable, Projection::Plain) => {
            Outcome::unknown(Limit::Undecided("plain merge is defined for messages, choice and recursion".to_owned()))
        }
        _ => return Ok(None),
    };
    Ok(Some(outcome))
}

/// Whether a protocol is implementable, and the roles' machines by complete projection. There are machines for every
/// protocol that the theory speaks of; only if the outcome holds do they together do what the protocol says.
pub fn complete(
    spec: &Spec,
    protocol: usize,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<(Outcome, Option<Machines>), Error> {
    let Some(protocol) = spec.protocols.get(protocol) else {
        return Err(Error::Bug("a target is not one of its specification".to_owned()));
    };
    if let Some(limit) = super::subject::refused(&protocol.header) {
        return Ok((Outcome::unknown(limit), None));
    }
    let forbidden = !options.optional_termination.unwrap_or(true);
    let (mut outcome, machines) = implementable(spec, protocol, forbidden, options, poll)?;
    match machines {
        Ok(machines) => Ok((outcome, Some(machines))),
        Err(why) => {
            if outcome.verdict == Verdict::Holds {
                let why = format!("it is implementable, but {why}");
                outcome = Outcome { verdict: Verdict::Unknown(Limit::Undecided(why)), evidence: None, ..outcome };
            }
            Ok((outcome, None))
        }
    }
}

/// Where exploration gives up on machines that merging does not find, the conditions may speak for them: what is
/// implementable is safe, whatever the queues hold.
pub(super) fn speak(
    spec: &Spec,
    at: usize,
    property: Property,
    options: &Options,
    outcome: &mut Outcome,
    poll: &mut Poll<'_>,
) -> Result<(), Error> {
    let asked = matches!(property, Property::Safe | Property::DeadlockFree) && options.bound.is_none() && !options.raw;
    let (true, Verdict::Unknown(_), Some(protocol)) = (asked, &outcome.verdict, spec.protocols.get(at)) else {
        return Ok(());
    };
    let (found, machines) = implementable(spec, protocol, false, options, poll)?;
    // The machines that were explored tell signatures apart, the theory letters.
    if let (Verdict::Holds, Ok(Machines { one_signature: true, .. })) = (&found.verdict, machines) {
        let configurations = outcome.configurations;
        *outcome = Outcome { configurations, diagnostics: std::mem::take(&mut outcome.diagnostics), ..found };
    }
    Ok(())
}

/// The graph of a sound protocol, or why it is too large.
fn graph(protocol: &Protocol) -> Result<Result<Graph, Limit>, Error> {
    match protocol.graph.clone().map_or_else(|| Graph::of(&protocol.term), Ok) {
        Ok(graph) => Ok(Ok(graph)),
        Err(GraphError::TooMany(error)) => Ok(Err(Limit::Undecided(error.to_string()))),
        Err(error) => Err(Error::Bug(format!("a sound protocol has no graph: {error:?}"))),
    }
}

type Found = (Outcome, Result<Machines, String>);

/// Whether any local types do what a protocol says, and, if so, which; if optional termination is `forbidden`, whether
/// these have none.
fn implementable(
    spec: &Spec,
    protocol: &Protocol,
    forbidden: bool,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Found, Error> {
    let (header, names) = (&protocol.header, &spec.names);
    let graph = match graph(protocol)? {
        Ok(graph) => graph,
        Err(limit) => return Ok((Outcome::unknown(limit), Err("it is too large".to_owned()))),
    };
    let mut ask = |pairs: usize| {
        if pairs > options.max_states {
            return Some(Limit::States(options.max_states));
        }
        poll(&Progress { bound: None, configurations: pairs, frontier: 0, depth: 0, bytes: 0 })
    };
    let frame = protocol.term.frames.values().next();
    let before = options.outside.believed();
    let found = implementability::implementable(&graph, header, names, frame, &options.outside, &mut ask);
    let machines = implementability::machines(&graph, header, names);
    let mut outcome = match found {
        implementability::Found::Holds { stuck } => {
            let outside = options.outside.believed() > before;
            let text = "here all conditions may be false, and then the protocol itself is stuck, and with it the roles";
            let note = stuck.map(|node| Diagnostic::new(codes::MAY_BE_STUCK, graph.spans[node], text));
            let mut outcome = Outcome::of(Verdict::Holds);
            outcome.exhaustive = true;
            outcome.evidence = Some(Evidence::Conditions);
            outcome.diagnostics = note.into_iter().collect();
            outcome.outside = outside;
            outcome
        }
        implementability::Found::Bug(text) => return Err(Error::Bug(text)),
        implementability::Found::Unknown(limit) => Outcome::unknown(limit),
        implementability::Found::Violated(indistinct) => violated(spec, protocol, &graph, indistinct)?,
    };
    let optional = machines.as_ref().map_or(&[][..], |machines| &machines.optional);
    let may_stop: Vec<RoleId> = optional.iter().map(|found| found.role).collect();
    if forbidden && outcome.verdict == Verdict::Holds {
        let least = optional.iter().min_by_key(|found| (found.first.len(), found.second.len()));
        match (least, &machines) {
            (Some(found), _) => {
                outcome = violated(spec, protocol, &graph, Box::new(found.clone()))?;
                outcome.roles.clone_from(&may_stop);
            }
            (None, Err(why)) => {
                let why = format!("it is implementable; whether a role may stop too early was not decided: {why}");
                outcome = Outcome::unknown(Limit::Undecided(why));
            }
            (None, Ok(_)) => {}
        }
    }
    outcome.may_stop = may_stop;
    Ok((outcome, machines))
}

/// A condition is violated: both runs are replayed.
fn violated(spec: &Spec, protocol: &Protocol, graph: &Graph, indistinct: Box<Indistinct>) -> Result<Outcome, Error> {
    let (header, names) = (&protocol.header, &spec.names);
    if protocol.graph.is_none() {
        let runs = indistinct.words(graph);
        words(&protocol.term, [&runs[0], &runs[1]])?;
    }
    let text = indistinct.text(graph, header, names).into();
    let mut outcome = Outcome::of(Verdict::Violated(Counterexample::default()));
    outcome.exhaustive = true;
    // With values a shorter pair may have been left undecided.
    outcome.shortest = indistinct.values.is_empty();
    outcome.roles = vec![indistinct.role];
    outcome.diagnostics = vec![indistinct.diagnostic(graph, header, names)];
    outcome.detail = Some(Detail::NotImplementable { indistinct, text });
    Ok(outcome)
}

/// Whether every role projects by plain merge.
fn plain(spec: &Spec, protocol: &Protocol) -> Result<Outcome, Error> {
    let header = &protocol.header;
    let graph = match graph(protocol)? {
        Ok(graph) => graph,
        Err(limit) => return Ok(Outcome::unknown(limit)),
    };
    let errors = match project::project_all(&graph, header.roles.len(), Discipline::Plain) {
        Ok(_) => {
            let mut outcome = Outcome::of(Verdict::Holds);
            (outcome.exhaustive, outcome.evidence) = (true, Some(Evidence::Plain));
            return Ok(outcome);
        }
        Err(errors) => errors,
    };
    if errors.iter().any(|error| matches!(error.kind, project::Kind::TooLarge(_))) {
        return Ok(Outcome::unknown(Limit::Undecided("the local types are too large".to_owned())));
    }
    let mut outcome = Outcome::of(Verdict::Violated(Counterexample::default()));
    outcome.exhaustive = true;
    outcome.roles = errors.iter().map(|error| error.role).collect();
    outcome.roles.sort_unstable();
    outcome.roles.dedup();
    outcome.diagnostics = errors.iter().map(|error| error.diagnostic(&graph, header, &spec.names)).collect();
    outcome.detail = Some(super::subject::not_projectable(&outcome.roles, None));
    Ok(outcome)
}

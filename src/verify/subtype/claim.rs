//! From a claim of a specification to an outcome.

use super::{
    Answer, Certificate, Meter, Pair, PairError, Part, Relation, Shown, Tried, ahead, certificate, closed,
    control::controllable, decide, fair, limit, settle, sync,
};
use crate::{
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    event::{Counterexample, Limit, Verdict},
    id::RoleId,
    protocol::{EdgeKind, Graph, Header, Local, ProjectionError, Spec, Target, project},
    verify::{
        Options,
        check::{Error, Evidence, Outcome},
        detail::Detail,
        search::Poll,
        subject,
    },
};

/// A local type to compare, or why there is none.
enum Side<'a> {
    Local(&'a Header, Local),
    Limit(Limit),
}

/// The local type that a claim names.
fn side(spec: &Spec, target: Target, span: Span) -> Result<Side<'_>, Error> {
    let bug = || Error::Bug("a target is not one of its specification".to_owned());
    let header = spec.header(target).ok_or_else(bug)?;
    if let Some(limit) = subject::refused(header) {
        return Ok(Side::Limit(limit));
    }
    let local = match target {
        Target::Protocol(_) | Target::System(_) => {
            let text = format!("`{}` is many local types: subtyping is about one", header.name);
            let first = header.roles.values().next().map_or("R", |role| &role.name);
            let found = Diagnostic::new(codes::WRONG_TARGET, span, text);
            return Err(Error::Claim(Box::new(found.help(format!("name a role: `{}@{first}`", header.name)))));
        }
        Target::Local(at) => spec.locals.get(at).ok_or_else(bug)?.local.clone(),
        Target::SystemRole(at, role) => {
            let system = spec.systems.get(at).ok_or_else(bug)?;
            if system.graphs.is_empty() { system.locals.entry(role).cloned() } else { None }
        }
        Target::ProtocolRole(at, role) => match projected(spec, at, role)? {
            Ok(local) => local,
            Err(why) => return Ok(Side::Limit(Limit::Undecided(why))),
        },
    };
    Ok(local.map_or_else(
        || Side::Limit(Limit::Undecided(format!("`{}` has scopes or data that its types cannot show", header.name))),
        |local| Side::Local(header, local),
    ))
}

/// The local type of one role of a protocol; none if the protocol has more than the kernel.
fn projected(spec: &Spec, at: usize, role: RoleId) -> Result<Result<Option<Local>, String>, Error> {
    let protocol = spec.protocols.get(at).ok_or_else(|| Error::Bug("a target is no protocol".to_owned()))?;
    if protocol.graph.is_some() {
        return Ok(Ok(None));
    }
    let graph = match Graph::of(&protocol.term) {
        Ok(graph) => graph,
        Err(error) => return Ok(Err(format!("`{}` has no graph: {error:?}", protocol.header.name))),
    };
    let role_name = protocol.header.role_name(role);
    Ok(match project::project(&graph, role, project::Discipline::Full) {
        Ok(local) => Ok(Some(local)),
        Err(ProjectionError { .. }) => Err(format!("`{}` does not project to `{role_name}`", protocol.header.name)),
    })
}

/// Answers `S <: T`.
pub(in crate::verify) fn subtype(
    spec: &Spec,
    (sub_target, sup_target): (Target, Target),
    relation: Option<&str>,
    span: Span,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    let Some(relation) = Relation::find(relation) else {
        return Err(Error::Bug("a relation that the parser does not know".to_owned()));
    };
    let (small, large) = (side(spec, sub_target, span)?, side(spec, sup_target, span)?);
    let ((sub_header, sub), (sup_header, sup)) = match (small, large) {
        (Side::Limit(limit), _) | (_, Side::Limit(limit)) => return Ok(Outcome::unknown(limit)),
        (Side::Local(sub_header, sub), Side::Local(sup_header, sup)) => ((sub_header, sub), (sup_header, sup)),
    };
    let part = |header, local| Part { names: &spec.names, header, local };
    let mut pair = match Pair::of(part(sub_header, &sub), part(sup_header, &sup)) {
        Ok(pair) => pair,
        Err(PairError::TooMany(error)) => return Ok(Outcome::unknown(Limit::Undecided(error.to_string()))),
        Err(PairError::Scopes) => {
            return Ok(Outcome::unknown(Limit::Undecided("scopes have no place in a local type alone".to_owned())));
        }
    };
    let mut meter = Meter::new(options, poll);
    settle(&mut pair, spec, spec, relation, &options.outside, &mut meter);
    let reorders = matches!(relation, Relation::Async | Relation::Fair);
    let answer = if reorders && !(unbounded(spec, sub_target, sub.role) && unbounded(spec, sup_target, sup.role)) {
        in_order(&pair, relation, &mut meter)
    } else {
        decide(&pair, relation, &mut meter)
    };
    second_opinion(&pair, relation, &answer)?;
    let configurations = meter.spent();
    let outcome = match answer {
        Answer::Yes(certificate) => {
            let evidence = Some(Evidence::Subtyping(certificate.text()));
            Outcome { exhaustive: true, evidence, ..Outcome::of(Verdict::Holds) }
        }
        Answer::No(refutation) => {
            let detail = Some(Detail::NotSubtype(Box::new(Shown::of(&pair, &refutation))));
            Outcome { exhaustive: true, detail, ..Outcome::of(Verdict::Violated(Counterexample::default())) }
        }
        Answer::Unknown(tried) => Outcome::unknown(limit(&tried)),
    };
    Ok(Outcome { configurations, ..outcome })
}

/// Whether all that a role sends and receives goes through queues without a bound, in its order and without loss.
fn unbounded(spec: &Spec, target: Target, role: RoleId) -> bool {
    let within = match target {
        Target::Local(at) => spec.locals.get(at).and_then(|local| spec.protocols.get(local.within?)),
        _ => None,
    };
    let headers = [spec.header(target), within.map(|protocol| &protocol.header)];
    headers.into_iter().flatten().all(|header| {
        let own = |&&(from, to, _): &&(RoleId, RoleId, EdgeKind)| from == role || to == role;
        header.is_plain() && header.channels.iter().filter(own).all(|(.., kind)| *kind == EdgeKind::Fifo)
    })
}

/// What may be said where not all queues are unbounded: without reordering, what the smaller type does is what the larger
/// does, whatever the queues hold.
fn in_order(pair: &Pair, relation: Relation, meter: &mut Meter<'_, '_>) -> Answer {
    if relation == Relation::Async
        && let Answer::Yes(certificate) = decide(pair, Relation::Sync, meter)
    {
        return Answer::Yes(certificate);
    }
    let why = "an edge is no unbounded queue without loss, or a role may crash or pipeline, so nothing is reordered";
    Answer::Unknown(vec![Tried { what: relation.name().to_owned(), limit: Limit::Undecided(why.to_owned()) }])
}

/// Certificates with more rows are not looked at again: reading long words again and again takes its time.
const ROWS: usize = 10_000;

/// What was found is not told before other means have confirmed it.
fn second_opinion(pair: &Pair, relation: Relation, answer: &Answer) -> Result<(), Error> {
    let says = |holds: bool| if holds { Ok(()) } else { Err("it is not confirmed".to_owned()) };
    let checked = match (relation, answer) {
        (_, Answer::Unknown(_)) => Ok(()),
        (Relation::Async, Answer::Yes(Certificate::Queues(queues))) if queues.rows.len() <= ROWS => {
            certificate::check(pair, queues)
        }
        (Relation::Async, Answer::No(refutation)) => certificate::refutes(pair, refutation),
        (Relation::Async | Relation::Sync, Answer::Yes(Certificate::Relation(pairs))) => {
            says(sync::certifies(pair, pairs))
        }
        (Relation::Async | Relation::Fair, Answer::Yes(Certificate::Regular(regular))) => {
            closed::check(pair, regular, relation == Relation::Fair)
        }
        (Relation::Async, Answer::Yes(_)) => Ok(()),
        (Relation::Channel, Answer::Yes(Certificate::Relation(pairs))) => {
            let turned: Vec<(u32, u32)> = pairs.iter().map(|&(s, t)| (t, s)).collect();
            says(sync::certifies(&pair.reversed(), &turned))
        }
        (Relation::Sync, Answer::No(refutation)) => says(sync::refutes(pair, refutation)),
        (Relation::Channel, Answer::No(refutation)) => says(sync::refutes(&pair.reversed(), refutation)),
        (Relation::Fair, Answer::Yes(Certificate::Ahead(sets))) => says(ahead::certifies(pair, sets)),
        (Relation::Fair, Answer::Yes(Certificate::Uncontrollable)) => {
            says(!controllable(&pair.sup).get(pair.sup.initial() as usize).copied().unwrap_or(false))
        }
        (Relation::Fair, Answer::No(refutation)) => says(fair::refutes(pair, refutation)),
        (_, Answer::Yes(_)) => says(false),
    };
    checked.map_err(|why| Error::Bug(format!("what is said about subtyping does not hold: {why}")))
}

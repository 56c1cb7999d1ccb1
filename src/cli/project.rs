//! `polylogue project FILE`

use std::io::Write as _;

use super::{Failure, Status, args, args::Merge, load, machines, machines::NoLocals, output, tally::Tally};
use crate::{
    event::Verdict,
    id::{IdVec, RoleId},
    machine::minimize,
    protocol::{Header, Local, Protocol, Spec, project::Discipline},
    verify,
};

pub(super) fn run(args: &args::Project) -> Result<Status, Failure> {
    let mut loaded = load::load(&args.file, &args.search_path)?;
    crate::verify::expand(&mut loaded.spec, Some(2), &crate::solve::Outside::default());
    let mut tally = Tally::quiet();
    tally.errors(&loaded)?;
    let spec = &loaded.spec;
    let subjects: Vec<machines::Subject<'_>> = match &args.protocol {
        Some(_) => {
            vec![
                machines::choose(spec, args.protocol.as_deref(), load::name(&loaded), |_| true)
                    .map_err(Failure::Usage)?,
            ]
        }
        None => machines::Subject::all(spec).into_iter().filter(|subject| !subject.is_aux()).collect(),
    };
    if subjects.is_empty() && !loaded.has_errors() {
        return Err(Failure::Usage(format!("`{}` declares no protocol", load::name(&loaded))));
    }
    if let Some(role) = &args.role {
        role_exists(role, &subjects, load::name(&loaded))?;
    }
    let discipline = if args.projection == Merge::Plain { Discipline::Plain } else { Discipline::Full };
    let mut text = String::new();
    for subject in subjects {
        let header = subject.header();
        if let (machines::Subject::Protocol(protocol), Merge::Complete) = (subject, args.projection) {
            for (role, local) in complete(&loaded, protocol, args, &mut tally)?.iter() {
                if wanted(subject, header, role, args) {
                    print(&mut text, spec, subject, role, local, args.minimize)?;
                }
            }
            continue;
        }
        let locals = match subject {
            machines::Subject::Protocol(protocol) => machines::project(protocol, discipline),
            other => machines::locals(other),
        };
        match locals {
            Ok(locals) => {
                for (role, local) in locals.iter().filter(|&(role, _)| wanted(subject, header, role, args)) {
                    print(&mut text, spec, subject, role, local, args.minimize)?;
                }
            }
            Err(NoLocals::Projection(graph, errors)) => {
                let chosen = |error: &&crate::protocol::project::ProjectionError| {
                    args.role.as_ref().is_none_or(|role| header.role_name(error.role) == role)
                };
                let errors: Vec<_> = errors.iter().filter(chosen).cloned().collect();
                let found = machines::diagnostics(&graph, &errors, header, &spec.names);
                tally.diagnostics(&loaded.sources, &found)?;
                // The roles that can follow it are printed all the same.
                let mut projector = crate::protocol::project::Projector::new(&graph);
                for role in header.roles.ids().filter(|&role| wanted(subject, header, role, args)) {
                    if let Ok(local) = projector.project(role, discipline) {
                        print(&mut text, spec, subject, role, &local, args.minimize)?;
                    }
                }
            }
            Err(NoLocals::Broken) => tally.meet(Status::Findings),
            Err(why) => {
                output::complain(&machines::reason(header, &why));
                tally.meet(Status::Inconclusive);
            }
        }
    }
    let status = tally.status();
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(error, status))?;
    Ok(status)
}

/// The roles' machines by determinization; none, if it is not implementable or that is not known, and why is told.
fn complete(
    loaded: &crate::load::Loaded,
    protocol: &Protocol,
    args: &args::Project,
    tally: &mut Tally,
) -> Result<IdVec<RoleId, Local>, Failure> {
    let name = &protocol.header.name;
    if protocol.header.broken {
        tally.meet(Status::Findings);
        return Ok(IdVec::new());
    }
    let at = loaded.spec.protocols.iter().position(|other| std::ptr::eq(other, protocol)).unwrap_or(usize::MAX);
    let may = Some(args.optional_termination == args::Optional::Allow);
    let options = verify::Options { optional_termination: may, ..verify::Options::default() };
    match verify::complete(&loaded.spec, at, &options, &mut |_| None) {
        Ok((verify::Outcome { verdict: Verdict::Holds, .. }, Some(machines))) => return Ok(machines.locals),
        Ok((verify::Outcome { verdict: Verdict::Unknown(limit), .. }, _)) => {
            output::complain(&format!("`{name}`: {}", super::check::because(&limit)));
            tally.meet(Status::Inconclusive);
        }
        Ok((outcome, _)) => tally.diagnostics(&loaded.sources, &outcome.diagnostics)?,
        Err(verify::Error::Claim(found)) => tally.diagnostics(&loaded.sources, &[*found])?,
        Err(verify::Error::Bug(text)) => {
            output::complain(&format!("this is a bug of polylogue, not of your specification: `{name}`: {text}"));
            tally.meet(Status::Bug);
        }
    }
    Ok(IdVec::new())
}

fn role_exists(role: &str, subjects: &[machines::Subject<'_>], file: &str) -> Result<(), Failure> {
    if subjects.iter().any(|subject| subject.header().role(role).is_some()) {
        return Ok(());
    }
    let mut known: Vec<&str> =
        subjects.iter().flat_map(|subject| subject.header().roles.values()).map(|role| &*role.name).collect();
    known.sort_unstable();
    known.dedup();
    Err(Failure::Usage(machines::no_such(role, file, &known)))
}

/// Whether a role is to be printed. Of a local type alone only its own role is.
fn wanted(subject: machines::Subject<'_>, header: &Header, role: RoleId, args: &args::Project) -> bool {
    let own = !matches!(subject, machines::Subject::Local(local) if local.role != role);
    own && args.role.as_ref().is_none_or(|wanted| header.role_name(role) == wanted)
}

fn print(
    text: &mut String,
    spec: &Spec,
    subject: machines::Subject<'_>,
    role: RoleId,
    local: &Local,
    small: bool,
) -> Result<(), Failure> {
    let header = subject.header();
    let small = small.then(|| minimize(local)).transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let local = small.as_ref().unwrap_or(local);
    let (name, within) = match subject {
        machines::Subject::Protocol(_) => (format!("{}_{}", header.name, header.role_name(role)), Some(&*header.name)),
        machines::Subject::System(_) => (format!("{}_{}", header.name, header.role_name(role)), None),
        machines::Subject::Local(local) => {
            let within = local.within.and_then(|at| spec.protocols.get(at)).map(|protocol| &*protocol.header.name);
            (header.name.to_string(), within)
        }
    };
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&crate::protocol::show::declaration(local, header, &spec.names, &name, within));
    Ok(())
}

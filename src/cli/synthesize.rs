//! `polylogue synthesize SPEC`

use std::{io::Write as _, time::Instant};

use super::{Failure, Status, args, load, machines, output, tally::Tally};
use crate::{
    event::Limit,
    id::{IdVec, RoleId},
    load::Loaded,
    protocol::{Header, Local, LocalDecl, SystemDecl},
    verify::{
        self,
        synthesize::{Certificate, Synthesized, synthesize},
    },
};

pub(super) fn run(args: &args::Synthesize) -> Result<Status, Failure> {
    let loaded = load::load(&args.file, &args.search_path)?;
    let mut tally = Tally::quiet();
    tally.errors(&loaded)?;
    let Some((header, locals)) = given(&loaded, args, &mut tally)? else { return Ok(tally.status()) };
    let name = args.name.clone().unwrap_or_else(|| header.name.to_string());
    let begun = Instant::now();
    let mut poll = |_: &verify::Progress| {
        let late = args.time_limit.is_some_and(|limit| begun.elapsed() >= limit);
        late.then_some(Limit::Time)
    };
    let found = match synthesize(&locals, &header, &loaded.spec.names, &name, &mut poll) {
        Ok(found) => found,
        Err(verify::Error::Claim(found)) => {
            tally.diagnostics(&loaded.sources, &[*found])?;
            return Ok(tally.status());
        }
        Err(verify::Error::Bug(text)) => {
            output::complain(&format!("this is a bug of polylogue, not of your specification: {text}"));
            return Ok(Status::Bug);
        }
    };
    match found {
        Synthesized::Found(found) => {
            for (role, certificate) in found.certificates.iter() {
                if *certificate == Certificate::TakesMore {
                    let role = header.role_name(role);
                    output::complain(&format!("the machine of `{role}` also takes messages that never come"));
                }
            }
            let status = tally.status();
            let mut out = std::io::stdout().lock();
            let written = out.write_all(found.text.as_bytes()).and_then(|()| out.flush());
            written.map_err(|error| Failure::output(error, status))?;
        }
        Synthesized::None(none) => {
            tally.diagnostics(&loaded.sources, &[none.diagnostic(&header, &loaded.spec.names)])?;
        }
        Synthesized::Unknown(limit) => {
            output::complain(&format!("`{}`: {}", header.name, super::check::because(&limit)));
            tally.meet(Status::Inconclusive);
        }
    }
    Ok(tally.status())
}

/// Machines, and whose they are.
type Given = (Header, IdVec<RoleId, Local>);

/// The machines that are meant: of a system, or of all local types of a protocol.
fn given(loaded: &Loaded, args: &args::Synthesize, tally: &mut Tally) -> Result<Option<Given>, Failure> {
    let spec = &loaded.spec;
    let file = load::name(loaded);
    let system: Option<&SystemDecl> = match (&args.system, spec.systems.as_slice()) {
        (Some(name), systems) => systems.iter().find(|system| *system.header.name == **name),
        (None, [only]) => Some(only),
        (None, _) => spec.systems.iter().find(|system| system.header.main),
    };
    if let Some(system) = system {
        if system.header.broken {
            tally.meet(Status::Findings);
            return Ok(None);
        }
        return match machines::usable(&system.header) {
            Ok(()) if system.graphs.is_empty() => Ok(Some((system.header.clone(), system.locals.clone()))),
            Ok(()) => {
                output::complain(&format!("`{}` has scopes or data, which are not synthesized", system.header.name));
                tally.meet(Status::Inconclusive);
                Ok(None)
            }
            Err(why) => {
                output::complain(&machines::reason(&system.header, &why));
                tally.meet(Status::Inconclusive);
                Ok(None)
            }
        };
    }
    let of = |local: &&LocalDecl| {
        let protocol = local.within.and_then(|at| spec.protocols.get(at));
        args.system.as_ref().is_none_or(|name| protocol.is_some_and(|protocol| *protocol.header.name == **name))
    };
    let locals: Vec<&LocalDecl> = spec.locals.iter().filter(of).collect();
    if locals.is_empty() {
        let known: Vec<&str> = spec.systems.iter().map(|system| &*system.header.name).collect();
        return Err(Failure::Usage(match &args.system {
            Some(name) => machines::no_such(name, file, &known),
            None if known.is_empty() => format!("`{file}` declares no system and no local types"),
            None => format!("`{file}` declares {}; say which one is meant", quoted(&known)),
        }));
    }
    together(&locals, file, tally)
}

/// Local types as one system; their roles are told by name.
fn together(locals: &[&LocalDecl], file: &str, tally: &mut Tally) -> Result<Option<Given>, Failure> {
    let mut header = Header::default();
    let mut machines: IdVec<RoleId, Option<Local>> = IdVec::new();
    let large = |error: crate::id::TooMany| Failure::Usage(error.to_string());
    for local in locals {
        if local.header.broken {
            tally.meet(Status::Findings);
            return Ok(None);
        }
        for role in local.header.roles.values() {
            if header.role(&role.name).is_none() {
                header.roles.push(role.clone()).map_err(large)?;
                machines.push(None).map_err(large)?;
            }
        }
    }
    for local in locals {
        let own = local.header.role_name(local.role);
        let Some(machine) = local.local.as_ref().filter(|_| local.graph.is_none()) else {
            output::complain(&format!("`{}` has scopes or data, which are not synthesized", local.header.name));
            tally.meet(Status::Inconclusive);
            return Ok(None);
        };
        let Some(role) = header.role(own) else { continue };
        if machines[role].is_some() {
            return Err(Failure::Usage(format!(
                "`{file}` has more than one local type for `{own}`; name its protocol"
            )));
        }
        let mut machine = machine.clone();
        machine.role = role;
        for arm in machine.states.values_mut().flat_map(|state| &mut state.arms) {
            use crate::protocol::Act;
            let renamed = |peer: RoleId| header.role(local.header.role_name(peer)).unwrap_or(peer);
            arm.act = match arm.act {
                Act::Send(peer) => Act::Send(renamed(peer)),
                Act::Receive(peer) => Act::Receive(renamed(peer)),
                other => other,
            };
        }
        machines[role] = Some(machine);
    }
    let missing: Vec<&str> =
        machines.iter().filter(|(_, machine)| machine.is_none()).map(|(role, _)| header.role_name(role)).collect();
    if !missing.is_empty() {
        return Err(Failure::Usage(format!("`{file}` has no local type for {}", quoted(&missing))));
    }
    header.name = match locals.first() {
        Some(first) if locals.len() == 1 => first.header.name.clone(),
        _ => "Synthesized".into(),
    };
    header.span = locals.first().map(|local| local.header.span).unwrap_or_default();
    Ok(Some((header, machines.values().flatten().cloned().collect())))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

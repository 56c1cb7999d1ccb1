//! `polylogue synthesize SPEC`

use std::{io::Write as _, time::Instant};

use serde::Serialize;

use super::{Failure, Status, args, args::Lines, load, machines, output, tally::Tally};
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

/// What was found, for programs: the line in front of the summary.
#[derive(Debug, Default, Serialize)]
struct SynthesisRecord<'a> {
    reason: &'static str,
    file: &'a str,
    name: &'a str,
    verdict: &'static str,
    /// The protocol, if one was found.
    protocol: Option<&'a str>,
    states: Option<usize>,
    parts: Option<usize>,
    /// How each role's machine compares with what the protocol projects to.
    roles: Vec<RoleRecord<'a>>,
    /// Why there is none, or it is not known.
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
struct RoleRecord<'a> {
    role: &'a str,
    certificate: &'static str,
}

fn certificate(certificate: Certificate) -> &'static str {
    match certificate {
        Certificate::Equal => "equal",
        Certificate::TakesMore => "takes more",
    }
}

pub(super) fn run(args: &args::Synthesize) -> Result<Status, Failure> {
    let loaded = load::load(&args.file, &args.search_path)?;
    match args.format {
        Lines::Human => {
            let mut tally = Tally::quiet();
            tally.errors(&loaded)?;
            let text = |record: &SynthesisRecord<'_>| {
                for RoleRecord { role, .. } in record.roles.iter().filter(|role| role.certificate != "equal") {
                    output::complain(&format!("the machine of `{role}` also takes messages that never come"));
                }
                if let Some(why) = record.detail.as_ref().filter(|_| record.verdict == "unknown") {
                    output::complain(why);
                }
                record.protocol.unwrap_or_default().to_owned()
            };
            found(&loaded, args, &mut tally, &text)?;
            Ok(tally.status())
        }
        Lines::Json => {
            let mut tally = Tally::new(output::Format::Json);
            tally.errors(&loaded)?;
            let text = |record: &SynthesisRecord<'_>| {
                let line = serde_json::to_string(record).unwrap_or_default();
                format!("{line}\n")
            };
            found(&loaded, args, &mut tally, &text)?;
            tally.finish()
        }
    }
}

/// Looks for it, and tells what came of it.
fn found(
    loaded: &Loaded,
    args: &args::Synthesize,
    tally: &mut Tally,
    text: &dyn Fn(&SynthesisRecord<'_>) -> String,
) -> Result<(), Failure> {
    let file = load::name(loaded);
    let tell = |record: SynthesisRecord<'_>, status: Status| -> Result<(), Failure> {
        let record = SynthesisRecord { reason: "synthesis", file, ..record };
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text(&record).as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Failure::output(error, status))
    };
    let asked = args.name.as_deref().or(args.system.as_deref()).unwrap_or_default();
    let (header, locals) = match given(loaded, args)? {
        Ok(given) => given,
        Err(Lack::Errors) => {
            tally.meet(Status::Findings);
            return Ok(());
        }
        Err(Lack::Beyond(why)) => {
            tally.meet(Status::Inconclusive);
            let record =
                SynthesisRecord { name: asked, verdict: "unknown", detail: Some(why), ..SynthesisRecord::default() };
            return tell(record, tally.status());
        }
    };
    let name = args.name.clone().unwrap_or_else(|| header.name.to_string());
    let begun = Instant::now();
    let mut poll = |_: &verify::Progress| {
        let late = args.time_limit.is_some_and(|limit| begun.elapsed() >= limit);
        late.then_some(Limit::Time)
    };
    let record = SynthesisRecord { name: &name, ..SynthesisRecord::default() };
    match synthesize(&locals, &header, &loaded.spec.names, &name, &mut poll) {
        Ok(Synthesized::Found(found)) => {
            let roles = found.certificates.iter();
            let roles =
                roles.map(|(role, &own)| RoleRecord { role: header.role_name(role), certificate: certificate(own) });
            let record = SynthesisRecord {
                verdict: "found",
                protocol: Some(&found.text),
                states: Some(found.states),
                parts: Some(found.parts),
                roles: roles.collect(),
                ..record
            };
            tell(record, tally.status())
        }
        Ok(Synthesized::None(none)) => {
            let diagnostic = none.diagnostic(&header, &loaded.spec.names);
            let detail = Some(diagnostic.text.to_string());
            tally.diagnostics(&loaded.sources, &[diagnostic])?;
            tell(SynthesisRecord { verdict: "none", detail, ..record }, tally.status())
        }
        Ok(Synthesized::Unknown(limit)) => {
            tally.meet(Status::Inconclusive);
            let detail = Some(format!("`{}`: {}", header.name, super::check::because(&limit)));
            tell(SynthesisRecord { verdict: "unknown", detail, ..record }, tally.status())
        }
        Err(verify::Error::Claim(found)) => tally.diagnostics(&loaded.sources, &[*found]),
        Err(verify::Error::Bug(text)) => {
            output::complain(&format!("this is a bug of polylogue, not of your specification: {text}"));
            tally.meet(Status::Bug);
            Ok(())
        }
    }
}

/// Why there is nothing to synthesize from.
enum Lack {
    /// What is meant has errors, which were told.
    Errors,
    /// It is beyond what is synthesized.
    Beyond(String),
}

/// Machines, and whose they are.
type Given = (Header, IdVec<RoleId, Local>);

/// The machines that are meant: of a system, or of all local types of a protocol.
fn given(loaded: &Loaded, args: &args::Synthesize) -> Result<Result<Given, Lack>, Failure> {
    let spec = &loaded.spec;
    let file = load::name(loaded);
    let system: Option<&SystemDecl> = match (&args.system, spec.systems.as_slice()) {
        (Some(name), systems) => systems.iter().find(|system| *system.header.name == **name),
        (None, [only]) => Some(only),
        (None, _) => spec.systems.iter().find(|system| system.header.main),
    };
    if let Some(system) = system {
        if system.header.broken {
            return Ok(Err(Lack::Errors));
        }
        return match machines::usable(&system.header) {
            Ok(()) if system.graphs.is_empty() => Ok(Ok((system.header.clone(), system.locals.clone()))),
            Ok(()) => Ok(Err(data(&system.header.name))),
            Err(why) => Ok(Err(Lack::Beyond(machines::reason(&system.header, &why)))),
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
    together(&locals, file)
}

/// Local types as one system; their roles are told by name.
fn together(locals: &[&LocalDecl], file: &str) -> Result<Result<Given, Lack>, Failure> {
    let mut header = Header::default();
    let mut machines: IdVec<RoleId, Option<Local>> = IdVec::new();
    let large = |error: crate::id::TooMany| Failure::Usage(error.to_string());
    for local in locals {
        if local.header.broken {
            return Ok(Err(Lack::Errors));
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
            return Ok(Err(data(&local.header.name)));
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
    Ok(Ok((header, machines.values().flatten().cloned().collect())))
}

fn data(name: &str) -> Lack {
    Lack::Beyond(format!("`{name}` has scopes or data, which are not synthesized"))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

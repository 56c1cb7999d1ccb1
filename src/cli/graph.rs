//! `polylogue graph FILE`

use std::io::Write as _;

use super::{Failure, Status, args, args::Drawing, load, machines, machines::NoLocals, output, tally::Tally};
use crate::{
    machine::Machine,
    protocol::project::{Discipline, Projector},
    report::{
        diagram::{self, Diagram},
        dot, mermaid, svg,
    },
};

pub(super) fn run(args: &args::Graph) -> Result<Status, Failure> {
    let mut loaded = load::load(&args.file, &args.search_path)?;
    crate::verify::expand(&mut loaded.spec, Some(2), &crate::solve::Outside::default());
    let mut tally = Tally::quiet();
    tally.errors(&loaded)?;
    let spec = &loaded.spec;
    if loaded.has_errors() && machines::Subject::all(spec).is_empty() {
        return Ok(tally.status());
    }
    let subject =
        machines::choose(spec, args.target.as_deref(), load::name(&loaded), |_| true).map_err(Failure::Usage)?;
    let header = subject.header();
    let names = &spec.names;
    let role = match &args.role {
        None => None,
        Some(name) => {
            let known: Vec<&str> = header.roles.values().map(|role| &*role.name).collect();
            let found = header.role(name);
            Some(found.ok_or_else(|| Failure::Usage(machines::no_such(name, &header.name, &known)))?)
        }
    };
    let drawn = match (subject, role) {
        (machines::Subject::Protocol(protocol), None) if args.format == Drawing::Mermaid => {
            machines::usable(header).map(|()| mermaid::sequence(&protocol.term, header, names))
        }
        (machines::Subject::Protocol(protocol), None) => machines::graph(protocol).map(|graph| {
            let group = diagram::flow(&graph, header, names);
            print(args.format, &Diagram { title: header.name.to_string(), groups: vec![group] })
        }),
        (machines::Subject::Protocol(protocol), Some(role)) => machines::graph(protocol).and_then(|graph| {
            let local = Projector::new(&graph).project(role, Discipline::Full);
            local.map_err(|error| NoLocals::Projection(Box::new(graph), vec![error])).and_then(|local| {
                let machine = Machine::of(&local).map_err(|error| NoLocals::TooLarge(format!("{error:?}")))?;
                let title = format!("{} at {}", header.name, header.role_name(role));
                let group = diagram::machine(&machine, header, names);
                Ok(print(args.format, &Diagram { title, groups: vec![group] }))
            })
        }),
        (subject, role) => machines::system(subject).map(|system| {
            let own = match subject {
                machines::Subject::Local(local) => Some(local.role),
                _ => role,
            };
            let chosen = system.machines().values().filter(|machine| own.is_none_or(|own| machine.role() == own));
            let groups = chosen.map(|machine| diagram::machine(machine, header, names)).collect();
            print(args.format, &Diagram { title: header.name.to_string(), groups })
        }),
    };
    let text = match drawn {
        Ok(text) => text,
        Err(NoLocals::Broken) => return Ok(Status::Findings),
        Err(NoLocals::Projection(graph, errors)) => {
            tally.diagnostics(&loaded.sources, &machines::diagnostics(&graph, &errors, header, names))?;
            return Ok(Status::Findings);
        }
        Err(why) => {
            output::complain(&machines::reason(header, &why));
            return Ok(Status::Inconclusive);
        }
    };
    let mut out = std::io::stdout().lock();
    let status = tally.status();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(error, status))?;
    Ok(status)
}

fn print(format: Drawing, diagram: &Diagram) -> String {
    match format {
        Drawing::Dot => dot::print(diagram),
        Drawing::Mermaid => mermaid::states(diagram),
        Drawing::Svg => svg::print(diagram),
    }
}

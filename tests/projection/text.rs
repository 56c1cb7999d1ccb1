//! Protocols as texts: reading, printing local types and diagnostics, applying mends.

use polylogue::{
    diag::{Diagnostic, Sources},
    id::FileId,
    protocol::{
        Act, Graph, Header, Local, Names, NoImports, Protocol, Spec, lower,
        project::{Discipline, Kind, ProjectionError, project_all},
    },
    syntax,
};

pub struct Read {
    pub spec: Spec,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a text; errors in its form stay in the diagnostics.
pub fn read(text: &str) -> Read {
    let mut sources = Sources::new();
    let file = sources.add("test.mpst", text).unwrap();
    let (tree, mut diagnostics) = syntax::parse(file, text);
    let (spec, more) = lower(&mut sources, file, &tree, &mut NoImports);
    diagnostics.extend(more);
    Read { spec, sources, diagnostics }
}

impl Read {
    /// What is wrong with the form of the text.
    pub fn errors(&self) -> Vec<String> {
        self.diagnostics.iter().filter(|d| d.is_error()).map(|d| format!("{} {}", d.code, d.text)).collect()
    }

    pub fn protocol(&self, name: Option<&str>) -> Option<&Protocol> {
        let mut protocols = self.spec.protocols.iter();
        match name {
            None => protocols.next(),
            Some(name) => protocols.find(|protocol| &*protocol.header.name == name),
        }
    }
}

/// `1 = B!ok. 2; 2 = end`, by equations.
pub fn show(local: &Local, header: &Header, names: &Names) -> String {
    let state = |id| {
        let state = &local.states[id];
        if state.arms.is_empty() && state.may_stop { "end".to_owned() } else { polylogue::id::Id::raw(id).to_string() }
    };
    let mut equations = vec![format!("{}", state(local.initial))];
    for (id, it) in local.states.iter().skip(1) {
        if it.arms.is_empty() {
            continue;
        }
        let arms: Vec<String> = it
            .arms
            .iter()
            .map(|arm| {
                let message = names.message(arm.label, arm.sort);
                let then = state(arm.then);
                match arm.act {
                    Act::Send(to) => format!("{}!{message}.{then}", header.role_name(to)),
                    Act::Receive(from) => format!("{}?{message}.{then}", header.role_name(from)),
                    Act::Act => format!(":{message}.{then}"),
                    other => panic!("{other:?} in a kernel protocol"),
                }
            })
            .collect();
        let stop = if it.may_stop { " or stop" } else { "" };
        equations.push(format!("{} = {}{stop}", polylogue::id::Id::raw(id), arms.join(" | ")));
    }
    equations.join("; ")
}

/// A diagnostic, with the text that it points at.
pub fn tell(found: &Diagnostic, sources: &Sources) -> String {
    let line = |span| {
        let text = sources.slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = text.chars().take(40).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        format!("{}:{} `{short}{more}`", sources.start(span).line, sources.start(span).column)
    };
    let mut out = format!("{} {}\n    at {}\n", found.code, found.text, line(found.span));
    for label in &found.labels {
        out += &format!("    {}: {}\n", line(label.span), label.text);
    }
    for note in &found.notes {
        out += &format!("    note: {note}\n");
    }
    if let Some(help) = &found.help {
        out += &format!("    help: {help}\n");
    }
    out
}

/// All projections of a protocol, or why there are none.
pub fn report(read: &Read, protocol: &Protocol, discipline: Discipline) -> String {
    let (header, names) = (&protocol.header, &read.spec.names);
    let graph = Graph::of(&protocol.term).unwrap();
    match project_all(&graph, header.roles.len(), discipline) {
        Ok(locals) => locals
            .iter()
            .map(|(role, local)| format!("{}: {}\n", header.role_name(role), show(local, header, names)))
            .collect(),
        Err(errors) => {
            errors.iter().map(|error| tell(&error.diagnostic(&graph, header, names), &read.sources)).collect()
        }
    }
}

pub fn errors_of(protocol: &Protocol, discipline: Discipline) -> (Graph, Vec<ProjectionError>) {
    let graph = Graph::of(&protocol.term).unwrap();
    let errors = project_all(&graph, protocol.header.roles.len(), discipline).err().unwrap_or_default();
    (graph, errors)
}

/// Applies every mend that is offered, again and again: the mended text and how many rounds it took, or the errors
/// that no message mends.
pub fn mend(text: &str, name: Option<&str>) -> Result<(String, usize), String> {
    let mut text = text.to_owned();
    for round in 0..100 {
        let read = read(&text);
        assert_eq!(read.errors(), Vec::<String>::new(), "{text}");
        let protocol = read.protocol(name).unwrap();
        let (graph, errors) = errors_of(protocol, Discipline::Full);
        if errors.is_empty() {
            return Ok((text, round));
        }
        let mends = errors.iter().filter_map(|error| match &error.kind {
            Kind::Clash(clash) => clash.mend.as_ref(),
            _ => None,
        });
        let mut edits: Vec<_> =
            mends.flat_map(|mend| mend.edits(&graph, &protocol.header, &read.spec.names, &text)).collect();
        edits.sort();
        edits.dedup();
        if edits.is_empty() {
            let told = errors
                .iter()
                .map(|error| tell(&error.diagnostic(&graph, &protocol.header, &read.spec.names), &read.sources));
            return Err(told.collect());
        }
        for edit in edits.iter().rev() {
            assert_eq!(edit.at.file, FileId::default());
            text.insert_str(edit.at.start as usize, &edit.text);
        }
    }
    panic!("mending does not end:\n{text}");
}

//! The machines of what a specification declares, for the commands that show or run them.

use crate::{
    id::{Id, IdVec, RoleId},
    machine::System,
    protocol::{
        Flat, Graph, Header, Local, Names, Protocol, Spec, SystemDecl, Target,
        project::{self, ProjectionError},
    },
};

/// Something with roles that can be named on the command line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    /// A global protocol.
    Protocol(&'a Protocol),
    /// A system.
    System(&'a SystemDecl),
    /// A local type.
    Local(&'a crate::protocol::LocalDecl),
}

impl<'a> Subject<'a> {
    /// Its header.
    pub(super) fn header(self) -> &'a Header {
        match self {
            Self::Protocol(protocol) => &protocol.header,
            Self::System(system) => &system.header,
            Self::Local(local) => &local.header,
        }
    }

    /// What a claim or trace is about.
    pub(super) fn of(spec: &'a Spec, target: Target) -> Option<Self> {
        match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => spec.protocols.get(at).map(Self::Protocol),
            Target::System(at) | Target::SystemRole(at, _) => spec.systems.get(at).map(Self::System),
            Target::Local(at) => spec.locals.get(at).map(Self::Local),
        }
    }

    /// Everything that has a name.
    pub(super) fn all(spec: &'a Spec) -> Vec<Self> {
        let protocols = spec.protocols.iter().map(Self::Protocol);
        let systems = spec.systems.iter().map(Self::System);
        protocols.chain(systems).chain(spec.locals.iter().map(Self::Local)).collect()
    }

    /// Whether it has nothing beyond the kernel.
    pub(super) fn is_plain(self) -> bool {
        match self {
            Self::Protocol(protocol) => protocol.is_plain(),
            Self::System(system) => system.graphs.is_empty(),
            Self::Local(local) => local.graph.is_none(),
        }
    }

    /// Whether it is only to be called by others.
    pub(super) fn is_aux(self) -> bool {
        matches!(self, Self::Protocol(protocol) if protocol.aux)
    }
}

/// Why there are no local types.
#[derive(Debug)]
pub(super) enum NoLocals {
    /// Its form has errors, which are reported.
    Broken,
    /// It has parameters without values.
    Generic,
    /// It has constructs without a meaning yet.
    Unsupported(&'static str),
    /// Some roles cannot follow it.
    Projection(Box<Graph>, Vec<ProjectionError>),
    /// It is too large.
    TooLarge(String),
}

/// Whether a subject can be shown as machines at all.
pub(super) fn usable(header: &Header) -> Result<(), NoLocals> {
    if header.broken {
        return Err(NoLocals::Broken);
    }
    if header.generic {
        return Err(NoLocals::Generic);
    }
    Ok(())
}

/// The control flow of a global protocol.
pub(super) fn graph(protocol: &Protocol) -> Result<Graph, NoLocals> {
    usable(&protocol.header)?;
    if let Some(graph) = &protocol.graph {
        return Ok(graph.clone());
    }
    Graph::of(&protocol.term).map_err(|error| NoLocals::TooLarge(format!("{error:?}")))
}

/// The local type of every role of a protocol; reasons for all that are missing.
pub(super) fn project(protocol: &Protocol, discipline: project::Discipline) -> Result<IdVec<RoleId, Local>, NoLocals> {
    let graph = graph(protocol)?;
    if protocol.graph.is_some() {
        return unrolled(protocol.flat.as_ref());
    }
    project::project_all(&graph, protocol.header.roles.len(), discipline)
        .map_err(|errors| NoLocals::Projection(Box::new(graph), errors))
}

/// What is beyond the kernel, if it was unrolled.
fn unrolled(flat: Option<&Flat>) -> Result<IdVec<RoleId, Local>, NoLocals> {
    match flat {
        Some(Flat { limit: Some(limit), .. }) => Err(NoLocals::TooLarge(limit.clone())),
        Some(flat) => Ok(flat.locals.clone()),
        None => Err(NoLocals::Unsupported("scopes and data")),
    }
}

/// The local types of a protocol or system, in role order.
pub(super) fn locals(subject: Subject<'_>) -> Result<IdVec<RoleId, Local>, NoLocals> {
    usable(subject.header())?;
    match subject {
        Subject::Protocol(protocol) => project(protocol, project::Discipline::Full),
        Subject::System(system) if !system.graphs.is_empty() => unrolled(system.flat.as_ref()),
        Subject::System(system) => Ok(system.locals.clone()),
        Subject::Local(local) => {
            // Alone it is a system in which the other roles do nothing.
            let own = local.local.clone().ok_or(NoLocals::Broken)?;
            let idle = |role: RoleId| Local {
                role,
                initial: crate::id::StateId::from_raw(1),
                states: IdVec::from(vec![
                    crate::protocol::State::default(),
                    crate::protocol::State { may_stop: true, ..crate::protocol::State::default() },
                ]),
            };
            let roles = local.header.roles.ids();
            Ok(roles.map(|role| if role == local.role { own.clone() } else { idle(role) }).collect())
        }
    }
}

/// The machines of a protocol or system as written, with its edges.
pub(super) fn system(subject: Subject<'_>) -> Result<System, NoLocals> {
    let locals = locals(subject)?;
    let header = subject.header();
    System::of(&locals, |from, to| header.edge_kind(from, to)).map_err(|error| NoLocals::TooLarge(format!("{error:?}")))
}

/// The machines that a run is shown on: where a role has no local type, the automata that do what each role sees.
pub(super) fn shown(subject: Subject<'_>) -> Option<System> {
    match (system(subject), subject) {
        (Ok(system), _) => Some(system),
        (Err(NoLocals::Projection(graph, _)), Subject::Protocol(protocol)) => {
            let header = &protocol.header;
            let mut projector = project::Projector::new(&graph);
            let locals = header.roles.ids().map(|role| projector.canonical(role)).collect::<Result<Vec<_>, _>>();
            System::of(&locals.ok()?.into(), |from, to| header.edge_kind(from, to)).ok()
        }
        _ => None,
    }
}

/// The one that a command is about: the one named, else the file's only one, else the one marked `@main`.
pub(super) fn choose<'a>(
    spec: &'a Spec,
    named: Option<&str>,
    file: &str,
    fits: impl Fn(Subject<'a>) -> bool,
) -> Result<Subject<'a>, String> {
    let all: Vec<Subject<'a>> = Subject::all(spec).into_iter().filter(|&subject| fits(subject)).collect();
    let name = |subject: &Subject<'a>| &*subject.header().name;
    if let Some(named) = named {
        let found = all.iter().find(|subject| name(subject) == named);
        return found.copied().ok_or_else(|| no_such(named, file, &all.iter().map(name).collect::<Vec<_>>()));
    }
    let main: Vec<&Subject<'a>> = all.iter().filter(|subject| subject.header().main).collect();
    let open: Vec<&Subject<'a>> = all.iter().filter(|subject| !subject.is_aux()).collect();
    match (main.as_slice(), open.as_slice(), all.as_slice()) {
        ([one], ..) | (_, [one], _) => Ok(**one),
        (_, _, [one]) => Ok(*one),
        (_, _, []) => Err(format!("`{file}` declares nothing that could be meant")),
        (_, _, all) => {
            let names: Vec<String> = all.iter().map(|subject| format!("`{}`", name(subject))).collect();
            Err(format!("`{file}` declares {}; say which one is meant", names.join(", ")))
        }
    }
}

/// The text for a name that is not there.
pub(super) fn no_such(named: &str, file: &str, known: &[&str]) -> String {
    let lower: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    let near = crate::syntax::nearest(named, &words).and_then(|near| lower.iter().position(|name| name == near));
    match near.and_then(|at| known.get(at)) {
        Some(near) => format!("`{file}` has no `{named}`; did you mean `{near}`?"),
        None if known.is_empty() => format!("`{file}` has no `{named}`"),
        None => {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("`{file}` has no `{named}`, but {}", known.join(", "))
        }
    }
}

/// The reason in words, for reasons that have no diagnostics.
pub(super) fn reason(header: &Header, why: &NoLocals) -> String {
    let name = &header.name;
    match why {
        NoLocals::Broken => format!("`{name}` has errors"),
        NoLocals::Generic => format!("`{name}` has parameters without values"),
        NoLocals::Unsupported(what) => format!("`{name}` uses `{what}`, which has no meaning yet"),
        NoLocals::Projection(..) => format!("some roles cannot follow `{name}`"),
        NoLocals::TooLarge(why) => format!("`{name}` is too large: {why}"),
    }
}

/// What to print for roles that cannot follow a protocol.
pub(super) fn diagnostics(
    graph: &Graph,
    errors: &[ProjectionError],
    header: &Header,
    names: &Names,
) -> Vec<crate::diag::Diagnostic> {
    errors.iter().map(|error| error.diagnostic(graph, header, names)).collect()
}

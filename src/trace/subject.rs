//! What a trace is checked against.

use std::fmt;

use crate::{
    id::{Id, IdVec, RoleId, StateId},
    machine::{Program, ProgramError, System, SystemError},
    protocol::{EdgeKind, Graph, Header, Local, Names, NoEndpoints, Spec, State, Stmt, Target, Term},
};

/// A system with its names.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub(crate) system: &'a System,
    /// What is beyond the kernel; the system is then without machines.
    pub(crate) program: Option<&'a Program>,
    pub(crate) names: &'a Names,
    pub(crate) header: &'a Header,
    /// The extern predicates of the specification, by id.
    pub(crate) externs: &'a [Box<str>],
}

/// Why nothing can be checked against a protocol or system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSubject {
    /// It has no local types.
    NoEndpoints(NoEndpoints),
    /// There is none, or more than one, and nothing says which.
    Which(String),
}

impl From<NoEndpoints> for NoSubject {
    fn from(why: NoEndpoints) -> Self {
        Self::NoEndpoints(why)
    }
}

impl fmt::Display for NoSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoints(why) => why.fmt(f),
            Self::Which(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NoSubject {}

impl<'a> Subject<'a> {
    /// A system, the names of its specification, and what declares it: its roles have the ids of the system's.
    pub fn new(system: &'a System, names: &'a Names, header: &'a Header) -> Result<Self, NoSubject> {
        header.usable()?;
        Ok(Self { system, program: None, names, header, externs: &[] })
    }

    /// The machines; none if it is a program.
    #[must_use]
    pub fn system(&self) -> &'a System {
        self.system
    }

    /// The program, if it is one.
    #[must_use]
    pub fn program(&self) -> Option<&'a Program> {
        self.program
    }
}

/// The machines of a protocol, a system or a local type, built to check traces.
#[derive(Clone, Debug)]
pub struct Machines<'a> {
    system: System,
    program: Option<Program>,
    names: &'a Names,
    header: &'a Header,
    externs: &'a [Box<str>],
    role: Option<RoleId>,
}

/// What traces belong to if nothing is said: the protocol or system with this name; else the one marked `@main`; else
/// the only protocol that is not `aux`; else the only system.
pub fn target(spec: &Spec, name: Option<&str>) -> Result<Target, NoSubject> {
    let protocols = || spec.protocols.iter().enumerate();
    let systems = || spec.systems.iter().enumerate();
    let all = || {
        let protocols = protocols().map(|(at, protocol)| (Target::Protocol(at), &protocol.header));
        let systems = systems().map(|(at, system)| (Target::System(at), &system.header));
        let locals = spec.locals.iter().enumerate().map(|(at, local)| (Target::Local(at), &local.header));
        protocols.chain(systems).chain(locals)
    };
    if let Some(name) = name {
        let found = all().find(|(_, header)| *header.name == *name);
        return found.map(|(target, _)| target).ok_or_else(|| {
            let near = super::near::near(name, all().map(|(_, header)| &*header.name));
            let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            NoSubject::Which(format!("there is no protocol `{name}`{help}"))
        });
    }
    if let Some((target, _)) = all().find(|(_, header)| header.main) {
        return Ok(target);
    }
    let mut main = protocols().filter(|(_, protocol)| !protocol.aux);
    match (main.next(), main.next(), systems().next(), systems().nth(1)) {
        (Some((at, _)), None, ..) => Ok(Target::Protocol(at)),
        (None, _, Some((at, _)), None) => Ok(Target::System(at)),
        (None, _, None, _) => Err(NoSubject::Which("there is no protocol to check against".to_owned())),
        _ => {
            let names = super::map::listed(all().map(|(_, header)| &*header.name));
            Err(NoSubject::Which(format!(
                "there is more than one protocol: {names}; mark one with `@main`, or name it"
            )))
        }
    }
}

impl<'a> Machines<'a> {
    /// The machines of a target. A protocol that cannot be projected is watched by what its roles do in its runs.
    pub fn of(spec: &'a Spec, target: Target) -> Result<Self, NoSubject> {
        let gone = || NoSubject::Which("there is no such declaration".to_owned());
        let beyond = match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => {
                let protocol = spec.protocols.get(at).ok_or_else(gone)?;
                let header = &protocol.header;
                let program = |graph| Program::of(&spec.names, header, &protocol.term, graph);
                protocol.graph.as_ref().map(|graph| (header, program(graph), None))
            }
            Target::System(at) | Target::SystemRole(at, _) => {
                let system = spec.systems.get(at).ok_or_else(gone)?;
                let types = system.terms.iter().zip(system.graphs.values());
                let types = types.map(|((role, term), graph)| (role, term, graph));
                let program = || Program::written(&spec.names, &system.header, types);
                (!system.graphs.is_empty()).then(|| (&system.header, program(), None))
            }
            Target::Local(at) => {
                let decl = spec.locals.get(at).ok_or_else(gone)?;
                let header = &decl.header;
                let program = |graph| Program::written(&spec.names, header, [(decl.role, &decl.term, graph)]);
                decl.graph.as_ref().map(|graph| (header, program(graph), Some(decl.role)))
            }
        };
        let beyond = match (beyond, target) {
            (None, Target::Protocol(at) | Target::ProtocolRole(at, _)) => spec
                .protocols
                .get(at)
                .filter(|protocol| !protocol.header.broken && has_tacit(spec, &protocol.term))
                .and_then(|protocol| {
                    // Steps that no event shows are followed by who follows scopes.
                    let graph = Graph::of(&protocol.term).ok()?;
                    let program = Program::of(&spec.names, &protocol.header, &protocol.term, &graph).ok()?;
                    Some((&protocol.header, Ok(program), None))
                }),
            (beyond, _) => beyond,
        };
        if let Some((header, program, own)) = beyond {
            header.usable()?;
            let program = program.map_err(too_large)?;
            let role = match target {
                Target::ProtocolRole(_, role) | Target::SystemRole(_, role) => Some(role),
                _ => own,
            };
            let system = System::of(&IdVec::new(), |_, _| EdgeKind::Fifo)
                .map_err(|SystemError::TooMany(error)| NoEndpoints::TooLarge(error.to_string()))?;
            return Ok(Self {
                system,
                program: Some(program),
                names: &spec.names,
                header,
                externs: &spec.externs,
                role,
            });
        }
        let (header, locals, role) = match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => {
                let role = if let Target::ProtocolRole(_, role) = target { Some(role) } else { None };
                let endpoints = spec.endpoints(Target::Protocol(at))?;
                (endpoints.header, endpoints.locals, role)
            }
            Target::System(at) | Target::SystemRole(at, _) => {
                let role = if let Target::SystemRole(_, role) = target { Some(role) } else { None };
                let endpoints = spec.endpoints(Target::System(at))?;
                (endpoints.header, endpoints.locals, role)
            }
            Target::Local(at) => {
                let decl = spec.locals.get(at).ok_or_else(gone)?;
                decl.header.usable()?;
                let local = decl.local.as_ref().ok_or(NoEndpoints::Broken)?;
                // The others are not looked at; each may stop at once.
                let other = |role| Local {
                    role,
                    initial: StateId::from_raw(1),
                    states: vec![State::default(), State { may_stop: true, ..State::default() }].into(),
                };
                let locals =
                    decl.header.roles.ids().map(|role| if role == decl.role { local.clone() } else { other(role) });
                (&decl.header, locals.collect(), Some(decl.role))
            }
        };
        let system = System::of(&locals, |from, to| header.edge_kind(from, to))
            .map_err(|SystemError::TooMany(error)| NoEndpoints::TooLarge(error.to_string()))?;
        Ok(Self { system, program: None, names: &spec.names, header, externs: &spec.externs, role })
    }

    /// The machines.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The program, if it has more than the kernel; the machines are then none.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// What declares it.
    #[must_use]
    pub fn header(&self) -> &'a Header {
        self.header
    }

    /// The one role whose type it is, if it is one role's.
    #[must_use]
    pub fn role(&self) -> Option<RoleId> {
        self.role
    }

    /// To be checked against.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            system: &self.system,
            program: self.program.as_ref(),
            names: self.names,
            header: self.header,
            externs: self.externs,
        }
    }
}

/// Whether a term has messages that no event shows.
fn has_tacit(spec: &Spec, term: &Term) -> bool {
    let tacit = |stmt: &Stmt| matches!(*stmt, Stmt::Message { label, .. } if spec.names.is_tacit(label));
    term.blocks.values().flatten().any(tacit)
}

fn too_large(error: ProgramError) -> NoEndpoints {
    NoEndpoints::TooLarge(match error {
        ProgramError::TooMany(error) => error.to_string(),
        ProgramError::Projection(_) => "a role has too many states".to_owned(),
        ProgramError::TooManyArms => "a role has too many transitions".to_owned(),
        ProgramError::TooDeep => "families are nested more than 250 deep".to_owned(),
    })
}

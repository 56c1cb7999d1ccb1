//! What a trace is checked against.

use std::fmt;

use crate::{
    id::{Id, IdVec, RoleId, StateId},
    machine::{System, SystemError},
    protocol::{
        Graph, Header, Local, Names, Spec, State, Target, Unsupported,
        project::{Discipline, Projector},
    },
};

/// A system with its names.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub(crate) system: &'a System,
    pub(crate) names: &'a Names,
    pub(crate) header: &'a Header,
}

/// Why nothing can be checked against a protocol or system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSubject {
    /// It has errors.
    Broken,
    /// It has parameters without values.
    Generic,
    /// It has constructs without a meaning yet, on which the verdict would depend.
    Unsupported(Vec<Unsupported>),
    /// It has no local types; the reason in words.
    Unprojectable(String),
    /// There is none, or more than one, and nothing says which.
    Which(String),
}

impl fmt::Display for NoSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("it has errors"),
            Self::Generic => f.write_str("it has parameters without values"),
            Self::Unsupported(all) => match all.first() {
                Some(first) => write!(f, "`{}` has no meaning yet ({})", first.what, first.code),
                None => f.write_str("some of it has no meaning yet"),
            },
            Self::Unprojectable(why) | Self::Which(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NoSubject {}

impl<'a> Subject<'a> {
    /// A system, the names of its specification, and what declares it: its roles have the ids of the system's.
    pub fn new(system: &'a System, names: &'a Names, header: &'a Header) -> Result<Self, NoSubject> {
        Self::judgeable(header)?;
        Ok(Self { system, names, header })
    }

    fn judgeable(header: &Header) -> Result<(), NoSubject> {
        if header.broken {
            return Err(NoSubject::Broken);
        }
        if header.generic {
            return Err(NoSubject::Generic);
        }
        if !header.unsupported.is_empty() {
            return Err(NoSubject::Unsupported(header.unsupported.clone()));
        }
        Ok(())
    }
}

/// The machines of a protocol, a system or a local type, built to check traces.
#[derive(Clone, Debug)]
pub struct Machines<'a> {
    system: System,
    names: &'a Names,
    header: &'a Header,
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
        let (header, locals, role) = match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => {
                let protocol = spec.protocols.get(at).ok_or_else(gone)?;
                Subject::judgeable(&protocol.header)?;
                let graph = Graph::of(&protocol.term).map_err(|_| NoSubject::Broken)?;
                let mut projector = Projector::new(&graph);
                let mut locals: IdVec<RoleId, Local> = IdVec::new();
                for role in protocol.header.roles.ids() {
                    let local = projector.project(role, Discipline::Full).or_else(|_| projector.canonical(role));
                    let local = local.map_err(|_| {
                        let name = protocol.header.role_name(role);
                        NoSubject::Unprojectable(format!("`{name}` has no local type in `{}`", protocol.header.name))
                    })?;
                    locals.push(local).map_err(|_| NoSubject::Broken)?;
                }
                let role = if let Target::ProtocolRole(_, role) = target { Some(role) } else { None };
                (&protocol.header, locals, role)
            }
            Target::System(at) | Target::SystemRole(at, _) => {
                let system = spec.systems.get(at).ok_or_else(gone)?;
                let role = if let Target::SystemRole(_, role) = target { Some(role) } else { None };
                (&system.header, system.locals.clone(), role)
            }
            Target::Local(at) => {
                let decl = spec.locals.get(at).ok_or_else(gone)?;
                Subject::judgeable(&decl.header)?;
                let local = decl.local.as_ref().ok_or(NoSubject::Broken)?;
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
        Subject::judgeable(header)?;
        let system = System::of(&locals, |from, to| header.edge_kind(from, to))
            .map_err(|SystemError::TooMany(error)| NoSubject::Unprojectable(error.to_string()))?;
        Ok(Self { system, names: &spec.names, header, role })
    }

    /// The machines.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The one role whose type it is, if it is one role's.
    #[must_use]
    pub fn role(&self) -> Option<RoleId> {
        self.role
    }

    /// To be checked against.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject { system: &self.system, names: self.names, header: self.header }
    }
}

//! The local type of every role of a declaration: as written, or as projected.
//!
//! Whoever runs or checks a protocol begins here. A protocol whose roles do not all project by full merge still has an
//! automaton per role that does what the role can see ([`Origin::Canonical`]): with these a run can be shown in which
//! it goes wrong, and traces can be judged.

use std::fmt;

use super::{
    graph::{Graph, GraphError},
    local::Local,
    project::{self, Discipline, Kind, ProjectionError},
    spec::{Flat, Header, Spec, Target},
};
use crate::{
    diag::Diagnostic,
    id::{IdVec, RoleId},
};

/// One local type per role, in role order.
#[derive(Clone, Debug)]
pub struct Endpoints<'a> {
    /// Name, roles, channels.
    pub header: &'a Header,
    /// The local types.
    pub locals: IdVec<RoleId, Local>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where local types come from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Written by hand: nothing is known of them.
    Written,
    /// Projected by full merge.
    Projected,
    /// Beyond the kernel: scopes and families are unrolled, data is left out.
    Unrolled(Box<Flat>),
    /// Some role does not project: these are the automata that do what each role can see.
    Canonical {
        /// Who does not project.
        roles: Vec<RoleId>,
        /// Why.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Why a declaration has no local types to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoEndpoints {
    /// It has errors, which are reported.
    Broken,
    /// It has parameters without values.
    Generic,
    /// It is one role's type alone.
    OneRole,
    /// It has scopes or data, and was not unrolled: it runs as a program, not as machines.
    Beyond,
    /// It is too large.
    TooLarge(String),
    /// Some roles do not project, and their automata are too large as well.
    NotProjectable {
        /// Who does not project.
        roles: Vec<RoleId>,
        /// Why.
        diagnostics: Vec<Diagnostic>,
    },
}

impl fmt::Display for NoEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("it has errors"),
            Self::Generic => f.write_str("it has parameters without values"),
            Self::Beyond => f.write_str("it has scopes or data, which a system of machines does not show"),
            Self::OneRole => f.write_str("one role alone has no runs; name the whole protocol or system"),
            Self::TooLarge(why) => write!(f, "it is too large: {why}"),
            Self::NotProjectable { .. } => f.write_str("some roles do not project"),
        }
    }
}

impl std::error::Error for NoEndpoints {}

impl Header {
    /// Whether it can have a meaning at all, as it stands.
    pub fn usable(&self) -> Result<(), NoEndpoints> {
        if self.broken {
            return Err(NoEndpoints::Broken);
        }
        if self.generic { Err(NoEndpoints::Generic) } else { Ok(()) }
    }
}

impl Spec {
    /// What a claim or trace is about.
    #[must_use]
    pub fn header(&self, target: Target) -> Option<&Header> {
        match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => self.protocols.get(at).map(|found| &found.header),
            Target::System(at) | Target::SystemRole(at, _) => self.systems.get(at).map(|found| &found.header),
            Target::Local(at) => self.locals.get(at).map(|found| &found.header),
        }
    }

    /// The protocol, system or local type with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Target> {
        let at = |header: &Header| &*header.name == name;
        let protocols = self.protocols.iter().position(|found| at(&found.header)).map(Target::Protocol);
        let systems = || self.systems.iter().position(|found| at(&found.header)).map(Target::System);
        let locals = || self.locals.iter().position(|found| at(&found.header)).map(Target::Local);
        protocols.or_else(systems).or_else(locals)
    }

    /// The names of all protocols, systems and local types.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        let protocols = self.protocols.iter().map(|found| &found.header);
        let systems = self.systems.iter().map(|found| &found.header);
        let locals = self.locals.iter().map(|found| &found.header);
        protocols.chain(systems).chain(locals).map(|header| &*header.name)
    }

    /// The local type of every role of a protocol or system.
    pub fn endpoints(&self, target: Target) -> Result<Endpoints<'_>, NoEndpoints> {
        let header = self.header(target).ok_or(NoEndpoints::Broken)?;
        header.usable()?;
        match target {
            Target::System(at) => {
                let system = self.systems.get(at).ok_or(NoEndpoints::Broken)?;
                if !system.graphs.is_empty() {
                    return Self::unrolled(header, system.flat.as_ref());
                }
                Ok(Endpoints { header, locals: system.locals.clone(), origin: Origin::Written })
            }
            Target::Protocol(at) => {
                let protocol = self.protocols.get(at).ok_or(NoEndpoints::Broken)?;
                if protocol.graph.is_some() {
                    return Self::unrolled(header, protocol.flat.as_ref());
                }
                let graph = Graph::of(&protocol.term).map_err(too_large)?;
                let (locals, origin) = self.projected(header, &graph)?;
                Ok(Endpoints { header, locals, origin })
            }
            Target::Local(_) | Target::ProtocolRole(..) | Target::SystemRole(..) => Err(NoEndpoints::OneRole),
        }
    }

    /// What is beyond the kernel, if it was unrolled.
    fn unrolled<'a>(header: &'a Header, flat: Option<&Flat>) -> Result<Endpoints<'a>, NoEndpoints> {
        let flat = flat.ok_or(NoEndpoints::Beyond)?;
        let origin = Origin::Unrolled(Box::new(Flat { locals: IdVec::new(), ..flat.clone() }));
        Ok(Endpoints { header, locals: flat.locals.clone(), origin })
    }

    pub(super) fn projected(
        &self,
        header: &Header,
        graph: &Graph,
    ) -> Result<(IdVec<RoleId, Local>, Origin), NoEndpoints> {
        let errors = match project::project_all(graph, header.roles.len(), Discipline::Full) {
            Ok(locals) => return Ok((locals, Origin::Projected)),
            Err(errors) => errors,
        };
        if let Some(why) = errors.iter().find_map(limit) {
            return Err(NoEndpoints::TooLarge(why));
        }
        let mut roles: Vec<RoleId> = errors.iter().map(|error| error.role).collect();
        roles.sort_unstable();
        roles.dedup();
        let diagnostics = errors.iter().map(|error| error.diagnostic(graph, header, &self.names)).collect();
        let mut projector = project::Projector::new(graph);
        let locals: Result<Vec<Local>, ProjectionError> =
            header.roles.ids().map(|role| projector.canonical(role)).collect();
        match locals {
            Ok(locals) => Ok((locals.into(), Origin::Canonical { roles, diagnostics })),
            Err(_) => Err(NoEndpoints::NotProjectable { roles, diagnostics }),
        }
    }
}

fn too_large(error: GraphError) -> NoEndpoints {
    match error {
        GraphError::TooMany(error) => NoEndpoints::TooLarge(error.to_string()),
        // By INVARIANTs (guarded), (bound) and (tail) of a term that was lowered without errors.
        GraphError::Unguarded(_) | GraphError::Unbound(_) | GraphError::NotTail(_) | GraphError::JumpsOut(_) => {
            NoEndpoints::Broken
        }
    }
}

fn limit(error: &ProjectionError) -> Option<String> {
    match &error.kind {
        Kind::TooLarge(project::Limit::States(states)) => Some(format!("a role has more than {states} states")),
        Kind::TooLarge(project::Limit::Work) => Some("projection takes too many steps".to_owned()),
        _ => None,
    }
}

//! What a claim is about: one machine per role, and what is known of them before anything is explored.

use super::{check::Error, detail::Detail};
use crate::{
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    event::Limit,
    id::{IdVec, RoleId},
    machine,
    protocol::{EdgeKind, Header, Local, NoEndpoints, Origin, Spec, Target, Term},
};

/// One local type per role, and where they come from.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Name, roles, channels; nothing if the machines were given by hand.
    pub header: Option<&'a Header>,
    /// The local types, as written or as projected.
    pub locals: IdVec<RoleId, Local>,
    /// The terms as written, of a system.
    pub terms: Option<&'a IdVec<RoleId, Term>>,
    /// The declared kinds of edges.
    pub channels: &'a [(RoleId, RoleId, EdgeKind)],
    /// Where the local types come from.
    pub origin: Origin,
}

impl<'a> Subject<'a> {
    /// Machines given by hand.
    #[must_use]
    pub fn written(locals: IdVec<RoleId, Local>, channels: &'a [(RoleId, RoleId, EdgeKind)]) -> Self {
        Self { header: None, locals, terms: None, channels, origin: Origin::Written }
    }

    /// The machines, as they are if `raw`, else the smallest ones with the same behaviour.
    pub fn system(&self, raw: bool) -> Result<machine::System, machine::SystemError> {
        let kind = |from: RoleId, to: RoleId| {
            let declared = self.channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
            declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
        };
        if raw {
            return machine::System::of(&self.locals, kind);
        }
        let small = self.locals.values().map(machine::minimize).collect::<Result<Vec<_>, _>>()?;
        machine::System::of(&small.into(), kind)
    }
}

/// What a declaration is about, or why nothing can be said about it.
pub(super) enum Found<'a> {
    Subject(Subject<'a>),
    Limit(Limit),
}

/// The header of what a claim is about, and whether all roles are there; an error for one role alone.
pub(super) fn header(spec: &Spec, target: Target, span: Span) -> Result<&Header, Error> {
    let header = match target {
        Target::Protocol(at) => spec.protocols.get(at).map(|protocol| &protocol.header),
        Target::System(at) => spec.systems.get(at).map(|system| &system.header),
        Target::Local(_) | Target::ProtocolRole(..) | Target::SystemRole(..) => {
            let text = "one role alone has no runs to check";
            let found = Diagnostic::new(codes::WRONG_TARGET, span, text);
            return Err(Error::Claim(Box::new(found.help("name the whole protocol or system"))));
        }
    };
    header.ok_or_else(|| Error::Bug("a target is not one of its specification".to_owned()))
}

/// Why no verdict is given about a declaration, whatever is claimed.
pub(super) fn refused(header: &Header) -> Option<Limit> {
    if header.broken {
        return Some(Limit::Undecided("the declaration has errors".to_owned()));
    }
    header.generic.then(|| Limit::NotSupported(codes::GENERIC.id()))
}

/// The machines of a protocol or system.
pub(super) fn subject(spec: &Spec, target: Target, span: Span) -> Result<Found<'_>, Error> {
    let header = header(spec, target, span)?;
    if let Some(limit) = refused(header) {
        return Ok(Found::Limit(limit));
    }
    let terms = match target {
        Target::System(at) => {
            spec.systems.get(at).filter(|system| system.graphs.is_empty()).map(|system| &system.terms)
        }
        _ => None,
    };
    let (locals, origin) = match spec.endpoints(target) {
        Ok(endpoints) => (endpoints.locals, endpoints.origin),
        // There is still the reason why it does not project.
        Err(NoEndpoints::NotProjectable { roles, diagnostics }) => {
            (IdVec::new(), Origin::Canonical { roles, diagnostics })
        }
        // Whoever asks decides how far families are unrolled: see `expand`.
        Err(NoEndpoints::Beyond) => {
            return Ok(Found::Limit(Limit::Undecided("its scopes and families were not unrolled".to_owned())));
        }
        Err(NoEndpoints::TooLarge(why)) => return Ok(Found::Limit(Limit::Undecided(why))),
        Err(why) => return Err(Error::Bug(format!("a sound declaration has no local types: {why}"))),
    };
    Ok(Found::Subject(Subject { header: Some(header), locals, terms, channels: &header.channels, origin }))
}

/// What the roles that do not project show, if anything was shown.
pub(super) fn not_projectable(roles: &[RoleId], shown: Option<Detail>) -> Detail {
    Detail::NotProjectable { roles: roles.to_vec(), shown: shown.map(Box::new) }
}

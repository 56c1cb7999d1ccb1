//! The words of a judge for guards: why an endpoint that is watched where it is may not do something. Asked for once per
//! violation, so that steps need not prepare them.

use super::{Event, Judge, Refusal, Sitting, Time, observe::Config};
use crate::{
    data::Redaction,
    diag::{Code, Span},
    id::RoleId,
    machine::Program,
    protocol::Observer,
    trace::Subject,
};

/// What is said of a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) blame: Option<String>,
    /// The condition or option that is not met.
    pub(crate) span: Option<Span>,
}

/// What is to be said of a refused event of a role, given where the role stands.
pub(crate) fn said(
    (subject, program): (Subject<'_>, &Program),
    role: RoleId,
    redaction: &Redaction,
    (set, now): (&[Config], Time),
    event: &Event<'_>,
    refusal: &Refusal,
) -> Said {
    let mut judge = Judge::new(subject, program, Observer::Endpoint(role), true, Vec::new());
    judge.set_redaction(redaction.clone());
    judge.sittings.push(Some(Box::new(Sitting { set: set.to_vec(), known: None, now })));
    let offence = judge.offence(0, event, refusal);
    Said { code: offence.code, message: offence.message, blame: offence.blame, span: offence.span }
}

//! Steps as callers write them: names of roles and labels, payloads as JSON, witnesses by their handles.

use super::{
    fields::{Fields, missing},
    wrong::Wrong,
};
use crate::{
    id::{LabelId, RoleId},
    session::{Act, Direction, OpenPlan, Payload, Readiness, Receive, Send, Step, Ticket},
};

/// What a message carries.
#[derive(Clone, Debug)]
pub(super) enum Load {
    /// A number of the caller's, which comes back with the receive.
    Unseen(u64),
    /// JSON text.
    Json(String),
}

/// A step that owns what it says.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    pub(super) direction: Direction,
    pub(super) role: RoleId,
    pub(super) peer: RoleId,
    label: Option<LabelId>,
    load: Load,
    /// The handles of witnesses.
    pub(super) witnesses: Vec<String>,
    pub(super) at: i64,
}

/// A step that was reserved.
#[derive(Debug)]
pub(super) struct Kept {
    /// The handle of its capability.
    pub(super) cap: String,
    pub(super) step: Spoken,
    pub(super) ticket: Ticket,
    pub(super) checked: bool,
}

impl Spoken {
    pub(super) fn send(from: RoleId, to: RoleId, label: LabelId, load: Load, witnesses: Vec<String>, at: i64) -> Self {
        Self { direction: Direction::Send, role: from, peer: to, label: Some(label), load, witnesses, at }
    }

    pub(super) fn receive(role: RoleId, from: RoleId, at: i64) -> Self {
        let load = Load::Unseen(0);
        Self { direction: Direction::Receive, role, peer: from, label: None, load, witnesses: Vec::new(), at }
    }

    pub(super) fn act(role: RoleId, label: LabelId, load: Load, witnesses: Vec<String>, at: i64) -> Self {
        Self { direction: Direction::Act, role, peer: role, label: Some(label), load, witnesses, at }
    }

    /// The step of a request.
    pub(super) fn read(kind: &str, plan: &OpenPlan, fields: &Fields<'_>, at: i64) -> Result<Self, Wrong> {
        let at_role = |name: &str| role(plan, &fields.need(name)?);
        let load = || match (fields.raw("payload"), fields.number("payload_id")?) {
            (Some(_), Some(_)) => Err(Wrong::new("wrong-type", "either `payload` or `payload_id`, not both")),
            (Some(json), None) => Ok(Load::Json(json.get().to_owned())),
            (None, id) => Ok(Load::Unseen(id.unwrap_or(0))),
        };
        let witnesses = || fields.one_or_more("witness");
        match kind {
            "send" => {
                let (from, to) = (at_role("from")?, at_role("to")?);
                Ok(Self::send(from, to, label(plan, &fields.need("label")?)?, load()?, witnesses()?, at))
            }
            "receive" => Ok(Self::receive(at_role("role")?, at_role("from")?, at)),
            "act" => Ok(Self::act(at_role("role")?, label(plan, &fields.need("label")?)?, load()?, witnesses()?, at)),
            other => {
                let known = ["send", "receive", "act"].map(str::to_owned).to_vec();
                Err(Wrong::unknown("wrong-type", "step", other, known))
            }
        }
    }

    /// As the store takes it.
    pub(super) fn step<'s>(&'s self, witnesses: &'s [&'s Readiness]) -> Step<'s> {
        let payload = match &self.load {
            Load::Unseen(id) => Payload::Unseen(*id),
            Load::Json(text) => Payload::Json(text),
        };
        let (role, peer, at) = (self.role, self.peer, self.at);
        match (self.direction, self.label) {
            (Direction::Send, Some(label)) => Step::Send(Send { from: role, to: peer, label, payload, witnesses, at }),
            (Direction::Act, Some(label)) => Step::Act(Act { role, label, payload, witnesses, at }),
            _ => Step::Receive(Receive { role, from: peer, at }),
        }
    }
}

/// The role with a name.
pub(super) fn role(plan: &OpenPlan, name: &str) -> Result<RoleId, Wrong> {
    plan.role(name).ok_or_else(|| {
        let known = plan.roles().take(100).map(|role| plan.role_name(role).to_owned()).collect();
        Wrong::unknown("unknown-role", "role", name, known)
    })
}

/// The label with a name.
pub(super) fn label(plan: &OpenPlan, name: &str) -> Result<LabelId, Wrong> {
    plan.label(name).ok_or_else(|| {
        let known = plan.labels().into_iter().take(200).map(|label| plan.label_text(label).to_owned()).collect();
        Wrong::unknown("unknown-label", "label", name, known)
    })
}

/// The roles of a field; all of them without it.
pub(super) fn scope(plan: &OpenPlan, fields: &Fields<'_>) -> Result<crate::session::Scope, Wrong> {
    use crate::session::Scope;
    match fields.names_in("roles")? {
        None => Ok(Scope::Session),
        Some(names) => Ok(Scope::Fragment(names.iter().map(|name| role(plan, name)).collect::<Result<_, _>>()?)),
    }
}

/// A field with a name or a number for an owner.
pub(super) fn owner(
    owners: &mut super::world::Owners,
    fields: &Fields<'_>,
    name: &str,
) -> Result<crate::session::Owner, Wrong> {
    let Some(raw) = fields.raw(name) else { return Err(missing(name)) };
    if raw.get().starts_with('"') {
        owners.named(&fields.need(name)?)
    } else {
        super::world::Owners::numbered(fields.number(name)?.unwrap_or(0))
    }
}

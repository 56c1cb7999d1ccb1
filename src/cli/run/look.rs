//! Looking, which changes nothing: `enabled`, `local_type`, `status`, `queue`, `resolve`, `summary`, `memory`.

use serde_json::{Value, json};

use super::{fields::Fields, lifecycle, ops::Answer, reply, steps::role, world::World, wrong::Wrong};
use crate::{
    id::RoleId,
    session::{OpenPlan, SessionId, Summary},
};

/// The session of a request.
fn session(world: &World<'_>, fields: &Fields<'_>) -> Result<(SessionId, OpenPlan), Wrong> {
    world.session(fields.text("session")?.as_deref())
}

pub(super) fn enabled(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan) = session(world, fields)?;
    let roles: Vec<RoleId> = match fields.text("role")? {
        Some(name) => vec![role(&plan, &name)?],
        None => plan.roles().collect(),
    };
    let all: Vec<reply::ExpectedRecord> = roles
        .into_iter()
        .flat_map(|role| world.store.enabled(id, role))
        .map(|one| reply::expected(world, id, &plan, &one))
        .collect();
    Ok(json!({ "session": id, "enabled": all }))
}

pub(super) fn local_type(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan) = session(world, fields)?;
    let role = role(&plan, &fields.need("role")?)?;
    Ok(json!({
        "session": id,
        "role": plan.role_name(role),
        "type": world.store.local_type(id, role),
        "finished": world.store.is_finished(id, role),
    }))
}

pub(super) fn status(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan) = session(world, fields)?;
    let one = |role: RoleId| {
        let (owner, generation) = world.store.owner(id, role).unwrap_or((None, 0));
        json!({
            "role": plan.role_name(role),
            "owner": owner.map(|owner| world.owners.json(owner)),
            "generation": generation,
            "finished": world.store.is_finished(id, role),
        })
    };
    let witnesses: Vec<Value> = world
        .store
        .witnesses(id)
        .iter()
        .map(|one| {
            let roles: Vec<&str> = one.roles.iter().map(|&role| plan.role_name(role)).collect();
            json!({ "number": one.number, "of": one.text, "roles": roles, "until": one.until })
        })
        .collect();
    Ok(json!({
        "session": id,
        "protocol": plan.name(),
        "status": world.store.status(id),
        "reason": world.store.reason(id),
        "at": world.store.now(id),
        "roles": plan.roles().map(one).collect::<Vec<_>>(),
        "queues": queues(world, id, &plan),
        "witnesses": witnesses,
    }))
}

/// The queues that hold something.
pub(super) fn queues(world: &World<'_>, id: SessionId, plan: &OpenPlan) -> Vec<Value> {
    let edges = plan.edges().iter().filter(|&(edge, _)| world.store.queue_len(id, edge) > 0);
    edges
        .map(|(_, edge)| {
            let (from, to) = (plan.role_name(edge.from), plan.role_name(edge.to));
            json!({ "from": from, "to": to, "messages": world.store.queue(id, edge.from, edge.to) })
        })
        .collect()
}

pub(super) fn queue(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan) = session(world, fields)?;
    match (fields.text("from")?, fields.text("to")?) {
        (None, None) => Ok(json!({ "session": id, "queues": queues(world, id, &plan) })),
        (Some(from), Some(to)) => {
            let (from, to) = (role(&plan, &from)?, role(&plan, &to)?);
            if plan.edge(from, to).is_none() {
                let text = format!("`{}` sends nothing to `{}`", plan.role_name(from), plan.role_name(to));
                return Err(Wrong::new("no-edge", text).into());
            }
            Ok(json!({ "session": id, "messages": world.store.queue(id, from, to) }))
        }
        _ => Err(Wrong::new("missing-field", "an edge has both `from` and `to`").into()),
    }
}

pub(super) fn resolve(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let key = lifecycle::key(fields)?;
    Ok(json!({ "session": world.store.resolve(&key) }))
}

pub(super) fn summary(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let named = fields.text("session")?;
    let id = match &named {
        Some(text) => text.parse().ok(),
        None => world.session,
    };
    let summary = id.and_then(|id| {
        let archived = || world.store.archive().iter().find(|summary| summary.session == id).cloned();
        world.store.summary(id).or_else(archived)
    });
    match summary {
        Some(summary) => Ok(told(&summary)),
        // Says what there is instead.
        None => world.session(named.as_deref()).map(|_| Value::Null).map_err(Into::into),
    }
}

fn told(summary: &Summary) -> Value {
    serde_json::to_value(summary).unwrap_or(Value::Null)
}

pub(super) fn memory(world: &mut World<'_>, _: &Fields<'_>) -> Answer {
    Ok(json!(world.store.memory()))
}

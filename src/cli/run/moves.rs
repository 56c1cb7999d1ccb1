//! Steps: `send`, `receive`, `act`, `withdraw`, the two-phase `reserve`, `check`, `commit`, and `bind_handler`.

use serde_json::{Value, json};

use super::{
    fields::Fields,
    ops::Answer,
    reply::put,
    steps::{Kept, Spoken, role},
    world::World,
    wrong::{No, Wrong},
};
use crate::session::{Direction, Done, OpenPlan, SessionId};

pub(super) fn send(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    stepped(world, fields, "send")
}

pub(super) fn receive(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    stepped(world, fields, "receive")
}

pub(super) fn act(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    stepped(world, fields, "act")
}

fn stepped(world: &mut World<'_>, fields: &Fields<'_>, kind: &str) -> Answer {
    let cap = fields.need("cap")?;
    let plan = world.caps.wake(&cap, &world.store)?.0.plan.clone();
    let at = fields.time("at")?.unwrap_or(world.now);
    let step = Spoken::read(kind, &plan, fields, at)?;
    let (session, done) = take(world, &cap, &step)?;
    Ok(told(world, &plan, session, &step, &done))
}

/// Takes a step.
pub(super) fn take(world: &mut World<'_>, cap: &str, step: &Spoken) -> Result<(SessionId, Done), No> {
    let witnesses = world.witnesses.all(&step.witnesses)?;
    let (entry, cap) = world.caps.wake(cap, &world.store)?;
    let done = world.store.step(cap, step.step(&witnesses));
    world.now = world.now.max(step.at);
    Ok((entry.session, done?))
}

/// What a step did.
fn told(world: &World<'_>, plan: &OpenPlan, session: SessionId, step: &Spoken, done: &Done) -> Value {
    let mut out = json!({
        "session": session,
        "event": event(plan, step, done),
        "label": plan.label_text(done.label),
    });
    if done.offered || done.repeated {
        // Nothing has changed, so there is no record.
        put(&mut out, "offered", done.offered);
        put(&mut out, "repeated", done.repeated);
    } else {
        put(&mut out, "record", done.record);
    }
    if step.direction == Direction::Receive {
        put(&mut out, "payload_id", done.payload);
        put(&mut out, "handler", done.handler);
    }
    if let Some(status) = world.store.status(session).filter(|status| status.word() != "active") {
        put(&mut out, "status", status.word());
    }
    out
}

/// A step that was taken, in words.
pub(super) fn event(plan: &OpenPlan, step: &Spoken, done: &Done) -> String {
    let (who, with, label) = (plan.role_name(step.role), plan.role_name(step.peer), plan.label_text(done.label));
    match step.direction {
        Direction::Send => format!("{who}!{with}:{label}"),
        Direction::Receive => format!("{who}?{with}:{label}"),
        Direction::Act => format!("{who}:{label}"),
    }
}

pub(super) fn withdraw(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (entry, cap) = world.caps.wake(&fields.need("cap")?, &world.store)?;
    let from = role(&entry.plan, &fields.need("from")?)?;
    let to = role(&entry.plan, &fields.need("to")?)?;
    let withdrawn = world.store.withdraw(cap, from, to)?;
    Ok(json!({ "withdrawn": withdrawn }))
}

pub(super) fn bind_handler(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let handler = fields.small("handler")?;
    let (entry, cap) = world.caps.wake(&fields.need("cap")?, &world.store)?;
    let edge = match (fields.text("from")?, fields.text("to")?) {
        (Some(from), Some(to)) => Some((role(&entry.plan, &from)?, role(&entry.plan, &to)?)),
        (None, None) => None,
        _ => return Err(Wrong::new("missing-field", "an edge has both `from` and `to`").into()),
    };
    world.store.bind_handler(cap, edge, handler)?;
    Ok(json!({ "handler": handler }))
}

pub(super) fn reserve(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.reservations.room(&world.store)?;
    let name = fields.need("cap")?;
    let at = fields.time("at")?.unwrap_or(world.now);
    let (entry, cap) = world.caps.wake(&name, &world.store)?;
    let (plan, session) = (entry.plan.clone(), entry.session);
    let step = Spoken::read(&fields.need("step")?, &plan, fields, at)?;
    let witnesses = world.witnesses.all(&step.witnesses)?;
    let ticket = world.store.reserve(cap, step.step(&witnesses))?.ticket();
    world.now = world.now.max(at);
    let kept = Kept { cap: name, step, ticket, checked: false };
    let name = world.reservations.add(plan, session, kept);
    Ok(json!({ "reservation": name, "session": session }))
}

/// Checks a reserved step; `then` is done with what was checked.
fn phase(world: &mut World<'_>, name: &str, commits: bool) -> Answer {
    let (entry, kept) = world.reservations.get(name)?;
    if commits && !kept.checked {
        return Err(Wrong::new("not-checked", format!("`{name}` is reserved, and not checked yet")).into());
    }
    let (plan, session) = (entry.plan.clone(), entry.session);
    let witnesses = world.witnesses.all(&kept.step.witnesses)?;
    let (_, cap) = world.caps.wake(&kept.cap, &world.store)?;
    let reserved = kept.ticket.attach(cap, kept.step.step(&witnesses));
    let checked = world.store.check(reserved)?;
    if !commits {
        world.reservations.change(name, |kept| kept.checked = true);
        return Ok(json!({ "checked": name, "session": session }));
    }
    let step = kept.step.clone();
    let done = world.store.commit(checked)?;
    Ok(told(world, &plan, session, &step, &done))
}

pub(super) fn check(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    phase(world, &fields.need("reservation")?, false)
}

pub(super) fn commit(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    phase(world, &fields.need("reservation")?, true)
}

//! Who may act: capabilities, tokens, transfers, readiness witnesses, and what the caller says of extern predicates.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    fields::Fields,
    lifecycle::cancelled,
    ops::Answer,
    steps::{owner, scope},
    world::{Owners, World},
    wrong::{No, Wrong},
};
use crate::{
    data::{self, Builtin, Sort},
    session::{Capability, OpenPlan, Returned, SessionId},
};

/// Gives a capability a name, and says what it is.
pub(super) fn named(world: &mut World<'_>, plan: OpenPlan, cap: Capability) -> Value {
    let roles: Vec<String> = cap.roles().map(|role| plan.role_name(role).to_owned()).collect();
    let (owner, generation, session) = (world.owners.json(cap.owner()), cap.generation(), cap.session());
    let name = world.caps.add(plan, session, cap);
    json!({ "cap": name, "session": session, "owner": owner, "roles": roles, "generation": generation })
}

/// What was handed in by value comes back with the refusal.
fn back<T>(returned: Box<Returned<T>>) -> (T, No) {
    let Returned { refused, value } = *returned;
    (value, No::Refused(refused))
}

/// The plan and session of a capability.
fn of(world: &mut World<'_>, cap: &str) -> Result<(OpenPlan, SessionId), Wrong> {
    let (entry, _) = world.caps.wake(cap, &world.store)?;
    Ok((entry.plan.clone(), entry.session))
}

pub(super) fn claim(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.caps.room(&world.store)?;
    let owner = owner(&mut world.owners, fields, "owner")?;
    let (entry, opener) = world.openers.get(&fields.need("opener")?)?;
    let plan = entry.plan.clone();
    let scope = scope(&plan, fields)?;
    let cap = world.store.claim(opener, owner, &scope)?;
    Ok(named(world, plan, cap))
}

pub(super) fn release(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let cap = fields.need("cap")?;
    world.caps.hand(&cap, &mut world.store, "release", |store, cap| store.release(cap), back)?;
    Ok(json!({ "released": cap }))
}

pub(super) fn attenuate(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.caps.room(&world.store)?;
    let cap = fields.need("cap")?;
    let (plan, _) = of(world, &cap)?;
    let scope = scope(&plan, fields)?;
    let kept = world.caps.hand(&cap, &mut world.store, "attenuate", |store, cap| store.attenuate(cap, &scope), back)?;
    Ok(named(world, plan, kept))
}

pub(super) fn export(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let cap = fields.need("cap")?;
    let until = fields.time("until")?.unwrap_or(i64::MAX);
    let purpose = fields.text("purpose")?.unwrap_or_default();
    let over = |store: &mut crate::session::Store, cap| store.export(cap, until, &purpose);
    let token = world.caps.hand(&cap, &mut world.store, "export", over, back)?;
    Ok(json!({ "token": STANDARD.encode(token) }))
}

pub(super) fn import(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.caps.room(&world.store)?;
    let token = fields.bytes("token")?.unwrap_or_default();
    let purpose = fields.text("purpose")?.unwrap_or_default();
    let said = fields.time("at")?;
    let at = world.at(said);
    let cap = world.store.import(&token, &purpose, at)?;
    let plan = world.store.plan(cap.session()).cloned();
    // What was imported is of a session that there is.
    let plan = plan.ok_or_else(|| Wrong::new("unknown-session", "the session of the token is gone"))?;
    Ok(named(world, plan, cap))
}

pub(super) fn begin_transfer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.receipts.room(&world.store)?;
    let to = owner(&mut world.owners, fields, "to")?;
    let (entry, cap) = world.caps.wake(&fields.need("cap")?, &world.store)?;
    let (plan, session) = (entry.plan.clone(), entry.session);
    let scope = scope(&plan, fields)?;
    let receipt = world.store.begin_transfer(cap, to, &scope)?;
    let roles: Vec<String> = receipt.roles().map(|role| plan.role_name(role).to_owned()).collect();
    let (from, claim) = (world.owners.json(receipt.from()), receipt.claim());
    let to = world.owners.json(receipt.to());
    let name = world.receipts.add(plan, session, receipt);
    Ok(json!({ "receipt": name, "session": session, "transfer": claim, "from": from, "to": to, "roles": roles }))
}

pub(super) fn commit_transfer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.caps.room(&world.store)?;
    let by = owner(&mut world.owners, fields, "owner")?;
    let name = fields.need("receipt")?;
    let plan = world.receipts.wake(&name, &world.store)?.0.plan.clone();
    let over = |store: &mut crate::session::Store, receipt| store.commit_transfer(by, receipt);
    let done = world.receipts.hand(&name, &mut world.store, "commit_transfer", over, back)?;
    let mut given = named(world, plan.clone(), done.capability);
    given["remainder"] = done.remainder.map_or(Value::Null, |cap| named(world, plan, cap));
    Ok(given)
}

pub(super) fn rollback_transfer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let name = fields.need("receipt")?;
    let over = |store: &mut crate::session::Store, receipt| store.rollback_transfer(receipt);
    world.receipts.hand(&name, &mut world.store, "rollback_transfer", over, back)?;
    Ok(json!({ "rolled_back": name }))
}

pub(super) fn abandon_transfer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let name = fields.need("receipt")?;
    let said = fields.time("at")?;
    let at = world.at(said);
    let over = |store: &mut crate::session::Store, receipt| store.abandon_transfer(receipt, at);
    let ended = world.receipts.hand(&name, &mut world.store, "abandon_transfer", over, back)?;
    Ok(cancelled(world, &ended))
}

pub(super) fn fail_transfer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let name = fields.need("receipt")?;
    let reason = fields.text("reason")?.unwrap_or_else(|| "the transfer failed".to_owned());
    let said = fields.time("at")?;
    let at = world.at(said);
    let over = |store: &mut crate::session::Store, receipt| store.fail_transfer(receipt, &reason, at);
    let ended = world.receipts.hand(&name, &mut world.store, "fail_transfer", over, back)?;
    Ok(cancelled(world, &ended))
}

pub(super) fn owner_died(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let owner = owner(&mut world.owners, fields, "owner")?;
    let reason = fields.text("reason")?.unwrap_or_else(|| "its owner died".to_owned());
    let said = fields.time("at")?;
    let at = world.at(said);
    let (_, opener) = world.openers.get(&fields.need("opener")?)?;
    let ended = world.store.owner_died(opener, owner, &reason, at)?;
    Ok(cancelled(world, &ended))
}

pub(super) fn answer(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let name = fields.need("predicate")?;
    let holds = fields.flag("holds")?.unwrap_or(false);
    world.answers.set(&name, holds)?;
    Ok(json!({ "predicate": name, "holds": holds }))
}

pub(super) fn issue_readiness(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.witnesses.room(&world.store)?;
    let predicate = fields.need("predicate")?;
    let until = fields.time("until")?;
    let (entry, cap) = world.caps.wake(&fields.need("cap")?, &world.store)?;
    let (plan, session) = (entry.plan.clone(), entry.session);
    let given: Vec<&str> = fields.array("args")?.unwrap_or_default().into_iter().map(|raw| raw.get()).collect();
    let args = arguments(&plan, &predicate, &given)?;
    let witness = world.store.issue_readiness(cap, &predicate, &args, until)?;
    let number = witness.number();
    let name = world.witnesses.add(plan, session, witness);
    Ok(json!({ "witness": name, "session": session, "number": number }))
}

/// Arguments by the sorts of a predicate's parameters. What does not fit is read as what it is: the store refuses it.
pub(super) fn arguments(plan: &OpenPlan, predicate: &str, given: &[&str]) -> Result<Vec<data::Value>, Wrong> {
    let params = plan.parameters(predicate).unwrap_or_default();
    let any = Sort::Builtin(Builtin::Json);
    let read = |(at, json): (usize, &&str)| {
        let sort = params.get(at).map_or(&any, |(_, sort)| sort);
        let value = data::read(sort, json.as_bytes()).or_else(|_| data::read(&any, json.as_bytes()));
        value.map_err(|misfit| Wrong::new("wrong-type", format!("argument {}: {misfit}", at.saturating_add(1))))
    };
    given.iter().enumerate().map(read).collect()
}

/// The owner with a name or number, as a person writes it.
pub(super) fn owner_named(owners: &mut Owners, text: &str) -> Result<crate::session::Owner, Wrong> {
    match text.parse() {
        Ok(number) => Owners::numbered(number),
        Err(_) => owners.named(text),
    }
}

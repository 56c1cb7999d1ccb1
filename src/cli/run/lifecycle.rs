//! How sessions begin and end: `open`, `close`, `cancel`, `fault`, `drain`, `reap`.

use serde_json::{Value, json};

use super::{
    fields::Fields,
    ops::Answer,
    reply::put,
    world::World,
    wrong::{No, Wrong},
};
use crate::session::{By, Cancellation, Key, Refused, Status, Store};

pub(super) fn open(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    world.openers.room(&world.store)?;
    let watch = super::plans::Watched {
        authenticate: fields.flag("authenticate")?.unwrap_or(false),
        traced: fields.object("traced", "a number from 0 to 65535")?.unwrap_or(0),
    };
    let (plan, assurance) = world.plans.watched(fields.text("protocol")?.as_deref(), watch)?;
    let said = fields.time("at")?;
    let key = fields.raw("key").map(|_| key(fields)).transpose()?;
    let with_id = fields.text("with_id")?;
    let at = world.at(said);
    let (session, opener) = match (key, with_id) {
        (None, None) => world.store.open(&plan, at)?,
        (Some(key), None) => world.store.open_keyed(&plan, key, at)?,
        (None, Some(text)) => {
            let id =
                text.parse().map_err(|()| Wrong::new("wrong-type", "`with_id` should be a session, like \"3.1\""))?;
            (id, world.store.open_with_id(&plan, id, at)?)
        }
        (Some(_), Some(_)) => return Err(Wrong::new("wrong-type", "either `key` or `with_id`, not both").into()),
    };
    world.session = Some(session);
    let roles: Vec<&str> = plan.roles().map(|role| plan.role_name(role)).collect();
    let mut opened = json!({ "session": session, "protocol": plan.name(), "roles": roles, "safe": assurance.word });
    put(&mut opened, "opener", world.openers.add(plan.clone(), session, opener));
    Ok(opened)
}

/// An application key: a number, a text, or octets.
pub(super) fn key(fields: &Fields<'_>) -> Result<Key, Wrong> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
        Bytes { base64: String },
    }
    let what = "a number from 0 on, a string, or {\"base64\":\"…\"}";
    let written = fields.object::<Written>("key", what)?.ok_or_else(|| super::fields::missing("key"))?;
    Ok(match written {
        Written::Number(number) => Key::Number(number),
        Written::Text(text) => Key::Text(text.into()),
        Written::Bytes { base64: text } => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            Key::Bytes(bytes.map_err(|error| Wrong::new("wrong-type", format!("`key` is not base64: {error}")))?.into())
        }
    })
}

/// Does something with the authority that a request names.
pub(super) fn by<R>(
    world: &mut World<'_>,
    fields: &Fields<'_>,
    does: impl FnOnce(&mut Store, By<'_>, i64) -> Result<R, Refused>,
) -> Result<R, No> {
    let said = fields.time("at")?;
    let (cap, opener) = (fields.text("cap")?, fields.text("opener")?);
    let at = said.unwrap_or(world.now);
    let done = match (cap, opener) {
        (Some(cap), None) => {
            let (_, cap) = world.caps.wake(&cap, &world.store)?;
            does(&mut world.store, By::Capability(cap), at)
        }
        (None, Some(opener)) => {
            let (_, opener) = world.openers.get(&opener)?;
            does(&mut world.store, By::Opener(opener), at)
        }
        (None, None) => {
            return Err(Wrong::new("missing-field", "one of the fields `cap` and `opener` is missing").into());
        }
        (Some(_), Some(_)) => return Err(Wrong::new("wrong-type", "either `cap` or `opener`, not both").into()),
    };
    world.at(Some(at));
    Ok(done?)
}

/// A cancellation witness, as it is told.
pub(super) fn cancelled(world: &World<'_>, ended: &Cancellation) -> Value {
    json!({
        "session": ended.session,
        "status": world.store.status(ended.session),
        "cancellation": ended.number,
        "reason": ended.reason,
        "at": ended.at,
    })
}

pub(super) fn close(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    by(world, fields, |store, by, at| store.close(by, at))?;
    Ok(json!({ "status": Status::Closed }))
}

pub(super) fn cancel(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let reason = fields.text("reason")?.unwrap_or_else(|| "cancelled on request".to_owned());
    let ended = by(world, fields, |store, by, at| store.cancel(by, &reason, at))?;
    Ok(cancelled(world, &ended))
}

pub(super) fn fault(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let reason = fields.text("reason")?.unwrap_or_else(|| "faulted on request".to_owned());
    let ended = by(world, fields, |store, by, at| store.fault(by, &reason, at))?;
    Ok(cancelled(world, &ended))
}

pub(super) fn drain(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let status = by(world, fields, |store, by, at| store.drain(by, at))?;
    Ok(json!({ "status": status }))
}

pub(super) fn reap(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let most = fields.small("most")?.unwrap_or(u32::MAX) as usize;
    let reaped = world.store.reap(&world.supervisor, most)?;
    Ok(json!({ "reaped": reaped, "archived": world.store.archive().len() }))
}

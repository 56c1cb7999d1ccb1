//! Time: `issue_timeout`, `tick`, `expire`.

use serde_json::{Value, json};

use super::{fields::Fields, ops::Answer, reply, world::World};
use crate::session::Due;

pub(super) fn issue_timeout(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let site = fields.small("site")?.unwrap_or(0);
    let until = fields.time("until")?.unwrap_or(0);
    let (_, opener) = world.openers.get(&fields.need("opener")?)?;
    let timeout = world.store.issue_timeout(opener, site, until)?;
    Ok(json!({
        "session": timeout.session, "number": timeout.number, "site": timeout.site, "until": timeout.until,
    }))
}

pub(super) fn tick(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let said = fields.time("at")?;
    let at = world.at(said);
    let due = world.store.tick(&world.supervisor, at)?;
    Ok(told(world, &due))
}

pub(super) fn expire(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let said = fields.time("at")?;
    let at = world.at(said);
    let due = world.store.expire(&world.supervisor, at)?;
    Ok(told(world, &due))
}

fn told(world: &World<'_>, due: &[Due]) -> Value {
    let one = |due: &Due| match due {
        Due::Lapsed { session, role, deadline, span } => json!({
            "what": "lapsed",
            "session": session,
            "role": world.store.plan(*session).map(|plan| plan.role_name(*role)),
            "at": deadline,
            "span": reply::place(world, *span),
        }),
        Due::Handler { session, role, until } => json!({
            "what": "handler",
            "session": session,
            "role": world.store.plan(*session).map(|plan| plan.role_name(*role)),
            "at": until,
        }),
        Due::Witness { session, until } => json!({ "what": "witness", "session": session, "at": until }),
        Due::Timeout(timeout) => json!({
            "what": "timeout",
            "session": timeout.session,
            "number": timeout.number,
            "site": timeout.site,
            "at": timeout.until,
        }),
    };
    json!({ "due": due.iter().map(one).collect::<Vec<_>>(), "next": world.store.next_deadline(), "at": world.now })
}

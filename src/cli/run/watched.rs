//! What edges carry: `coherence`, `reset_trace`, and the authentication of messages: `message_root`, `prove_message`,
//! `verify_message`, `checkpoint`. A session is watched as `open` asked for it (`traced`, `authenticate`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    fields::{Fields, missing},
    lifecycle::by,
    ops::Answer,
    reply::put,
    steps::role,
    world::World,
    wrong::Wrong,
};
use crate::{
    id::{EdgeId, RoleId},
    session::{Incoherent, MessageProof, OpenPlan, SessionId},
};

/// An edge of a session, as a request names it.
fn edge(world: &World<'_>, fields: &Fields<'_>) -> Result<(SessionId, OpenPlan, RoleId, RoleId), Wrong> {
    let (id, plan) = world.session(fields.text("session")?.as_deref())?;
    let (from, to) = (role(&plan, &fields.need("from")?)?, role(&plan, &fields.need("to")?)?);
    if plan.edge(from, to).is_none() {
        let text = format!("`{}` sends nothing to `{}`", plan.role_name(from), plan.role_name(to));
        return Err(Wrong::new("no-edge", text));
    }
    Ok((id, plan, from, to))
}

pub(super) fn coherence(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan) = world.session(fields.text("session")?.as_deref())?;
    let edges: Vec<(RoleId, RoleId)> = match (fields.raw("from"), fields.raw("to")) {
        (None, None) => plan.edges().values().map(|edge| (edge.from, edge.to)).collect(),
        _ => {
            let (_, _, from, to) = edge(world, fields)?;
            vec![(from, to)]
        }
    };
    let one = |(from, to): (RoleId, RoleId)| {
        let seen = world.store.coherence(id, from, to)?;
        let ends = (plan.role_name(from), plan.role_name(to));
        Some(json!({ "from": ends.0, "to": ends.1, "in_flight": seen.in_flight, "carried": seen.carried }))
    };
    let edges: Vec<Value> = edges.into_iter().filter_map(one).collect();
    let found = world.store.cohere(id);
    let mut out = json!({ "session": id, "coherent": found.is_ok(), "edges": edges });
    if let Err(why) = found {
        put(&mut out, "why", incoherent(&plan, why));
    }
    Ok(out)
}

fn incoherent(plan: &OpenPlan, why: Incoherent) -> Value {
    let (what, edge): (&str, EdgeId) = match why {
        Incoherent::Queue(edge) => ("queue", edge),
        Incoherent::Watched(edge) => ("watched", edge),
        Incoherent::Sender(edge) => ("sender", edge),
        Incoherent::Receiver(edge) => ("receiver", edge),
    };
    let ends = plan.edges().entry(edge).map(|edge| (plan.role_name(edge.from), plan.role_name(edge.to)));
    json!({ "what": what, "from": ends.map(|ends| ends.0), "to": ends.map(|ends| ends.1) })
}

pub(super) fn reset_trace(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (entry, cap) = world.caps.wake(&fields.need("cap")?, &world.store)?;
    let (from, to) = (role(&entry.plan, &fields.need("from")?)?, role(&entry.plan, &fields.need("to")?)?);
    let session = entry.session;
    world.store.reset_trace(cap, from, to)?;
    Ok(json!({ "session": session, "reset": true }))
}

/// A proof as JSON: hashes in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    leaf: String,
    index: u64,
    count: u64,
    path: Vec<String>,
    tops: Vec<String>,
}

/// A tree over 2^64 messages is this high: no proof has more hashes.
const HIGHEST: usize = 64;

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

fn read_hash(field: &str, text: &str) -> Result<[u8; 32], Wrong> {
    let hash = blake3::Hash::from_hex(text);
    hash.map(|hash| *hash.as_bytes())
        .map_err(|_| Wrong::new("wrong-type", format!("a hash of `{field}` is not 64 hexadecimal digits")))
}

fn not_authenticated(plan: &OpenPlan) -> Wrong {
    let text =
        format!("messages of this session of `{}` are not authenticated; `open` it with `authenticate`", plan.name());
    Wrong::new("not-authenticated", text)
}

pub(super) fn message_root(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan, from, to) = edge(world, fields)?;
    let root = world.store.message_root(id, from, to).ok_or_else(|| not_authenticated(&plan))?;
    Ok(json!({ "session": id, "root": hex(&root) }))
}

pub(super) fn prove_message(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let (id, plan, from, to) = edge(world, fields)?;
    let number = fields.number("number")?.ok_or_else(|| missing("number"))?;
    let root = world.store.message_root(id, from, to).ok_or_else(|| not_authenticated(&plan))?;
    let Some(proof) = world.store.prove_message(id, from, to, number) else {
        let text = format!("message {number} of this edge was not sent yet, or its leaf was released");
        return Err(Wrong::new("unknown-message", text).into());
    };
    let written = Written {
        leaf: hex(&proof.leaf),
        index: proof.index,
        count: proof.count,
        path: proof.path.iter().map(hex).collect(),
        tops: proof.tops.iter().map(hex).collect(),
    };
    Ok(json!({ "session": id, "proof": written, "root": hex(&root) }))
}

pub(super) fn verify_message(_: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let written = fields.object::<Written>("proof", "a proof, as `prove_message` gives it")?;
    let written = written.ok_or_else(|| missing("proof"))?;
    let root = read_hash("root", &fields.need("root")?)?;
    if written.path.len() > HIGHEST || written.tops.len() > HIGHEST {
        return Err(Wrong::new("wrong-type", format!("no proof has more than {HIGHEST} hashes in a row")).into());
    }
    let all = |hashes: &[String]| hashes.iter().map(|text| read_hash("proof", text)).collect::<Result<Vec<_>, _>>();
    let proof = MessageProof {
        leaf: read_hash("proof", &written.leaf)?,
        index: written.index,
        count: written.count,
        path: all(&written.path)?,
        tops: all(&written.tops)?,
    };
    Ok(json!({ "holds": proof.verify(&root) }))
}

pub(super) fn checkpoint(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    by(world, fields, |store, by, _| store.checkpoint(by))?;
    let counts = world.store.memory().counts;
    Ok(json!({ "leaves": counts.leaves, "head": world.store.audit().head().to_string() }))
}

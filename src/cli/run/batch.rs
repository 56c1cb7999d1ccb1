//! `batch`: many steps in one request, of any sessions and under any capabilities, in order.
//!
//! All of them are understood before the first is taken: what is no step is an error, and nothing happened. What the store
//! refuses is the answer of that step alone.

use serde_json::{Value, json};

use super::{fields::Fields, moves, ops::Answer, reply, steps::Spoken, world::World, wrong::Wrong};
use crate::session::{Capability, OpenPlan, SessionId, Step};

/// Steps of one request, at most.
const MOST: usize = 4_096;
const FIELDS: &[&str] = &["cap", "step", "from", "to", "role", "label", "payload", "payload_id", "witness", "at"];

/// A step that is understood.
struct Read {
    cap: String,
    plan: OpenPlan,
    session: SessionId,
    step: Spoken,
}

fn read(world: &mut World<'_>, json: &str) -> Result<Read, Wrong> {
    let fields = Fields::of(json)?;
    if let Some(name) = fields.names().find(|name| !FIELDS.contains(name)) {
        return Err(Wrong::unknown(
            "unknown-field",
            "field of a step",
            name,
            FIELDS.iter().map(|&one| one.to_owned()).collect(),
        ));
    }
    let cap = fields.need("cap")?;
    let at = fields.time("at")?.unwrap_or(world.now);
    let (entry, _) = world.caps.wake(&cap, &world.store)?;
    let (plan, session) = (entry.plan.clone(), entry.session);
    let step = Spoken::read(&fields.need("step")?, &plan, &fields, at)?;
    world.witnesses.all(&step.witnesses)?;
    step.shows_nothing()?;
    Ok(Read { cap, plan, session, step })
}

pub(super) fn batch(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let given = fields.array("steps")?.unwrap_or_default();
    if given.len() > MOST {
        return Err(Wrong::new("too-long", format!("a batch has at most {MOST} steps")).into());
    }
    let mut steps = Vec::with_capacity(given.len());
    for (number, json) in given.iter().enumerate() {
        let step = read(world, json.get()).map_err(|mut wrong| {
            wrong.message = format!("step {number}: {}", wrong.message);
            wrong
        })?;
        steps.push(step);
    }
    let mut out = Vec::new();
    {
        let World { store, caps, witnesses, .. } = &mut *world;
        let brought = steps.iter().map(|one| witnesses.all(&one.step.witnesses)).collect::<Result<Vec<_>, _>>()?;
        let all: Vec<(&Capability, Step<'_>)> = steps
            .iter()
            .zip(&brought)
            .map(|(one, brought)| Ok((caps.get(&one.cap)?.1, one.step.step(brought))))
            .collect::<Result<_, Wrong>>()?;
        store.step_batch(&all, &mut out);
    }
    world.now = steps.iter().map(|one| one.step.at).fold(world.now, i64::max);
    let told = |(one, result): (&Read, Result<_, _>)| match result {
        Ok(done) => json!({ "ok": moves::told(world, &one.plan, one.session, &one.step, &done) }),
        Err(refused) => json!({ "refused": reply::refusal(world, &refused) }),
    };
    let results: Vec<Value> = steps.iter().zip(out).map(told).collect();
    Ok(json!({ "results": results }))
}

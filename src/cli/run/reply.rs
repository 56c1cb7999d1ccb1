//! What is answered: results, refusals in full, mistakes; each one line of JSON.

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    world::World,
    wrong::{No, Wrong},
};
use crate::{
    diag::Span,
    report::record::Place,
    session::{
        Detail, Direction, Expected, OpenPlan, Refused, SessionId,
        audit::{Record, Verdict},
    },
};

/// Events of the session that a refusal tells.
const RECENT: usize = 8;
/// Records that are looked through for them.
const LOOKED: usize = 4_096;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusalRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Wrong>,
}

/// A refusal.
#[derive(Serialize)]
pub(super) struct RefusalRecord {
    code: &'static str,
    name: String,
    message: String,
    detail: Value,
    session: Option<String>,
    role: Option<String>,
    event: Option<String>,
    pub(super) expected: Vec<ExpectedRecord>,
    pub(super) head: Option<String>,
    pub(super) blame: Option<String>,
    pub(super) span: Option<PlaceRecord>,
    recent: Vec<EventRecord>,
    record: Option<u64>,
}

/// Something that a role could do.
#[derive(Serialize)]
pub(super) struct ExpectedRecord {
    pub(super) event: String,
    role: String,
    direction: &'static str,
    peer: Option<String>,
    label: String,
    pub(super) ready: bool,
    span: Option<PlaceRecord>,
}

/// A place in the specification.
#[derive(Serialize)]
pub(super) struct PlaceRecord {
    file: String,
    line: u32,
    column: u32,
}

impl std::fmt::Display for PlaceRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A record of the audit.
#[derive(Serialize)]
pub(super) struct EventRecord {
    pub(super) record: u64,
    session: String,
    pub(super) event: String,
    pub(super) verdict: Verdict,
    time: i64,
    generation: u32,
    #[serde(skip_serializing_if = "is_none")]
    witness: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(skip_serializing_if = "is_one")]
    count: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

/// The line of an answer.
pub(super) fn line(world: &World<'_>, id: Option<&RawValue>, answer: Result<Value, No>) -> String {
    let mut line = Line { id, ok: None, refused: None, error: None };
    match answer {
        Ok(value) => line.ok = Some(value),
        Err(No::Refused(refused)) => line.refused = Some(refusal(world, &refused)),
        Err(No::Wrong(wrong)) => line.error = Some(wrong),
    }
    // All keys are strings, so it can be written.
    serde_json::to_string(&line).unwrap_or_else(|_| "{\"error\":{\"code\":\"json\"}}".to_owned())
}

/// A place.
pub(super) fn place(world: &World<'_>, span: Span) -> PlaceRecord {
    let at = Place::of(&world.plans.loaded.sources, span);
    PlaceRecord { file: at.file, line: at.line, column: at.column }
}

/// What a role could do.
pub(super) fn expected(world: &World<'_>, session: SessionId, plan: &OpenPlan, one: &Expected) -> ExpectedRecord {
    ExpectedRecord {
        event: one.text(plan),
        role: plan.role_name(one.role).to_owned(),
        direction: match one.direction {
            Direction::Send => "send",
            Direction::Receive => "receive",
            Direction::Act => "act",
        },
        peer: (one.direction != Direction::Act).then(|| plan.role_name(one.peer).to_owned()),
        label: plan.label_text(one.label).to_owned(),
        ready: one.ready,
        span: world.store.span(session, one).map(|span| place(world, span)),
    }
}

/// The name of a session.
pub(super) fn session_name(session: SessionId) -> String {
    if session.generation == 0 { "unknown".to_owned() } else { session.to_string() }
}

/// A record.
pub(super) fn event(world: &World<'_>, record: &Record) -> EventRecord {
    let session = SessionId { slot: record.session.slot, generation: record.session.generation };
    let plan = world.store.plans().get(record.plan as usize);
    let code = crate::session::Code::ALL.iter().find(|code| code.number() == record.code);
    EventRecord {
        record: record.sequence,
        session: session_name(session),
        event: plan.map_or_else(|| format!("{:?}", record.kind).to_lowercase(), |plan| plan.record_text(record)),
        verdict: record.verdict,
        time: record.time,
        generation: record.generation,
        witness: record.witness,
        code: code.map(|code| code.word().to_owned()),
        count: record.count,
    }
}

/// The latest records of a session, oldest first.
pub(super) fn recent(world: &World<'_>, session: Option<SessionId>, most: usize, looked: usize) -> Vec<EventRecord> {
    let of = |record: &Record| {
        session.is_none_or(|id| (record.session.slot, record.session.generation) == (id.slot, id.generation))
    };
    let mut all: Vec<EventRecord> =
        world.store.audit().latest().take(looked).filter(of).take(most).map(|record| event(world, &record)).collect();
    all.reverse();
    all
}

/// The text of a refusal, with the names of owners.
pub(super) fn message(world: &World<'_>, refused: &Refused) -> String {
    let text = refused.to_string();
    match &refused.detail {
        Detail::Owner { owner, .. } => text
            .replace(&format!("belongs to owner {}", owner.0), &format!("belongs to `{}`", world.owners.name(*owner))),
        _ => text,
    }
}

/// A refusal in full.
pub(super) fn refusal(world: &World<'_>, refused: &Refused) -> RefusalRecord {
    let plan = refused.plan();
    let role = |role| plan.map(|plan| plan.role_name(role).to_owned());
    let asked = refused.asked;
    // What was refused might be a step that is written here in the same words; else it is the place of the role.
    let same = |one: &&Expected| {
        asked.is_some_and(|asked| {
            asked.direction == one.direction
                && asked.peer == one.peer
                && asked.label.is_none_or(|label| label == one.label)
        })
    };
    let span = refused.session.and_then(|session| {
        let exact = refused.expected.iter().find(same).and_then(|one| world.store.span(session, one));
        exact.or_else(|| world.store.place(session, asked?.role))
    });
    RefusalRecord {
        code: refused.code().word(),
        name: refused.code().name(),
        message: message(world, refused),
        detail: detail(world, plan, &refused.detail),
        session: refused.session.map(session_name),
        role: asked.and_then(|asked| role(asked.role)).or(match &refused.detail {
            Detail::Role(whose) | Detail::Owner { role: whose, .. } => role(*whose),
            _ => None,
        }),
        event: plan.zip(asked).map(|(plan, asked)| {
            let label = asked.label.map_or_else(String::new, |label| format!(":{}", plan.label_text(label)));
            let (who, with) = (plan.role_name(asked.role), plan.role_name(asked.peer));
            match asked.direction {
                Direction::Send => format!("{who}!{with}{label}"),
                Direction::Receive => format!("{who}?{with}{label}"),
                Direction::Act => format!("{who}{label}"),
            }
        }),
        expected: match (plan, refused.session) {
            (Some(plan), Some(session)) => {
                refused.expected.iter().map(|one| expected(world, session, plan, one)).collect()
            }
            _ => Vec::new(),
        },
        head: plan.zip(refused.head).map(|(plan, head)| plan.message_text(head)),
        blame: refused.blame.and_then(role),
        span: span.map(|span| place(world, span)),
        recent: match refused.session {
            Some(session) if world.store.plan(session).is_some() => {
                let mut all = recent(world, Some(session), RECENT.saturating_add(1), LOOKED);
                // What happened before, not the refusal itself.
                all.retain(|one| Some(one.record) != refused.record);
                let more = all.len().saturating_sub(RECENT);
                all.drain(..more);
                all
            }
            _ => Vec::new(),
        },
        record: refused.record,
    }
}

/// What a refusal says besides its code, for programs.
fn detail(world: &World<'_>, plan: Option<&OpenPlan>, detail: &Detail) -> Value {
    let role = |role| plan.map_or_else(|| format!("{role:?}"), |plan| plan.role_name(role).to_owned());
    match detail {
        Detail::Status(status) => json!({ "status": status }),
        Detail::Generation { expected, actual } => json!({ "generation": { "expected": expected, "actual": actual } }),
        Detail::Owner { role: whose, owner } => json!({ "role": role(*whose), "owner": world.owners.json(*owner) }),
        Detail::Role(whose) => json!({ "role": role(*whose) }),
        Detail::Queue { from, to, messages } => {
            json!({ "queue": { "from": role(*from), "to": role(*to), "messages": messages } })
        }
        Detail::Fresh { given, next } => json!({ "given": given, "next": next }),
        Detail::Misfit(misfit) => json!({ "misfit": misfit.to_string() }),
        Detail::Fault(fault) => json!({ "fault": fault.to_string() }),
        Detail::Condition { text, values } => {
            let values: serde_json::Map<String, Value> =
                values.iter().map(|(name, value)| (name.to_string(), (&**value).into())).collect();
            json!({ "condition": text, "values": values })
        }
        Detail::Text(text) => json!({ "text": text }),
        Detail::None => Value::Null,
    }
}

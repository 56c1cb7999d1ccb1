//! The operations of `polylogue run --format json`: one table that says what each is called, takes and does.

use serde_json::{Value, json, value::RawValue};

use super::{
    batch, clock, evidence,
    fields::Fields,
    lifecycle, look, moves, own, reply, watched,
    world::World,
    wrong::{No, Wrong},
};

/// What an operation gives.
pub(super) type Answer = Result<Value, No>;

/// An operation.
pub(super) struct Op {
    pub(super) name: &'static str,
    /// Fields that must be there.
    needs: &'static [&'static str],
    /// Fields that may be there.
    takes: &'static [&'static str],
    what: &'static str,
    run: fn(&mut World<'_>, &Fields<'_>) -> Answer,
}

/// Shorter to write in the table.
const fn op(
    name: &'static str,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
    what: &'static str,
    run: fn(&mut World<'_>, &Fields<'_>) -> Answer,
) -> Op {
    Op { name, needs, takes, what, run }
}

/// All of them.
pub(super) const OPS: &[Op] = &[
    op(
        "open",
        &[],
        &["protocol", "key", "with_id", "authenticate", "traced", "at"],
        "opens a session",
        lifecycle::open,
    ),
    op("claim", &["opener", "owner"], &["roles"], "gives unowned roles to an owner", own::claim),
    op("release", &["cap"], &[], "gives the roles of a capability back", own::release),
    op("attenuate", &["cap", "roles"], &[], "keeps some roles of a capability", own::attenuate),
    op("export", &["cap"], &["until", "purpose"], "turns a capability into a token", own::export),
    op("import", &["token"], &["purpose", "at"], "turns a token back into a capability, once", own::import),
    op("begin_transfer", &["cap", "to"], &["roles"], "offers roles to another owner", own::begin_transfer),
    op("commit_transfer", &["receipt", "owner"], &[], "the new owner takes what it was offered", own::commit_transfer),
    op("rollback_transfer", &["receipt"], &[], "takes the offer back", own::rollback_transfer),
    op("abandon_transfer", &["receipt"], &["at"], "gives the transfer up, and the session", own::abandon_transfer),
    op(
        "fail_transfer",
        &["receipt"],
        &["reason", "at"],
        "the transfer went wrong, and the session",
        own::fail_transfer,
    ),
    op(
        "owner_died",
        &["opener", "owner"],
        &["reason", "at"],
        "an owner is gone: its session is faulted",
        own::owner_died,
    ),
    op("answer", &["predicate", "holds"], &[], "what an extern predicate is from now on", own::answer),
    op("issue_readiness", &["cap", "predicate"], &["args", "until"], "a witness for one step", own::issue_readiness),
    op("issue_timeout", &["opener", "site", "until"], &[], "watches a deadline of a session", clock::issue_timeout),
    op("expire", &[], &["at"], "as `tick`", clock::expire),
    op("tick", &[], &["at"], "what is due by now: obligations, witnesses, timeouts", clock::tick),
    op("bind_handler", &["cap"], &["from", "to", "handler"], "a number that receives give back", moves::bind_handler),
    op(
        "send",
        &["cap", "from", "to", "label"],
        &["payload", "payload_id", "witness", "at"],
        "a role sends",
        moves::send,
    ),
    op(
        "receive",
        &["cap", "role", "from"],
        &["payload", "payload_id", "at"],
        "a role takes the oldest message; of what is authenticated it may show what arrived",
        moves::receive,
    ),
    op("act", &["cap", "role", "label"], &["payload", "payload_id", "witness", "at"], "a role acts alone", moves::act),
    op("withdraw", &["cap", "from", "to"], &[], "takes back what waits on a synchronous edge", moves::withdraw),
    op(
        "reserve",
        &["cap", "step"],
        &["from", "to", "role", "label", "payload", "payload_id", "witness", "at"],
        "asks for a `send`, `receive` or `act`, to be checked and committed",
        moves::reserve,
    ),
    op("batch", &["steps"], &[], "many steps of any sessions, in order", batch::batch),
    op("check", &["reservation"], &[], "checks a reserved step; nothing changes", moves::check),
    op("commit", &["reservation"], &[], "takes a checked step, unless the session moved", moves::commit),
    op("enabled", &[], &["session", "role"], "what roles could do next", look::enabled),
    op("local_type", &["role"], &["session"], "the type at which a role is", look::local_type),
    op("status", &[], &["session"], "where a session is: roles, owners, queues, witnesses", look::status),
    op("queue", &[], &["session", "from", "to"], "messages on the way, oldest first", look::queue),
    op("resolve", &["key"], &[], "the session with an application key", look::resolve),
    op("summary", &[], &["session"], "what there is to say about a session, also when it was reaped", look::summary),
    op("close", &[], &["cap", "opener", "at"], "ends a session that is done", lifecycle::close),
    op("cancel", &[], &["cap", "opener", "reason", "at"], "ends a session wherever it is", lifecycle::cancel),
    op("fault", &[], &["cap", "opener", "reason", "at"], "quarantines a session", lifecycle::fault),
    op("drain", &[], &["cap", "opener", "at"], "no new sends; ends when the queues are empty", lifecycle::drain),
    op("reap", &[], &["most"], "moves sessions that have ended to the archive", lifecycle::reap),
    op("memory", &[], &[], "what the store holds, in counts and bytes", look::memory),
    op("audit", &[], &["session", "last", "seal", "log"], "the latest records; seals; the log", evidence::audit),
    op("verify_audit", &[], &["log", "file", "anchor"], "verifies the live log or another", evidence::verify_audit),
    op("prove", &[], &["record", "until", "proof", "anchor"], "that a record is in the log", evidence::prove),
    op("coherence", &[], &["session", "from", "to"], "whether a session agrees with itself", watched::coherence),
    op("reset_trace", &["cap", "from", "to"], &[], "forgets what an edge carried", watched::reset_trace),
    op("message_root", &["from", "to"], &["session"], "the root over all messages of an edge", watched::message_root),
    op("prove_message", &["from", "to", "number"], &["session"], "that a message was sent", watched::prove_message),
    op("verify_message", &["proof", "root"], &[], "whether such a proof leads to a root", watched::verify_message),
    op("checkpoint", &[], &["cap", "opener", "at"], "seals the audit, lets go of old leaves", watched::checkpoint),
    op("help", &[], &["about"], "lists the operations", help),
];

/// Answers a line with a line.
pub(super) fn answer(world: &mut World<'_>, line: &str) -> String {
    let mut id: Option<&RawValue> = None;
    let answer = match Fields::of(line) {
        // What callers could not read again does not come back to them.
        Ok(fields) => match fields.object::<Value>("id", "a JSON value that can be read back") {
            Ok(_) => {
                id = fields.raw("id");
                apply(world, &fields)
            }
            Err(wrong) => Err(wrong.into()),
        },
        Err(wrong) => Err(wrong.into()),
    };
    reply::line(world, id, answer)
}

fn apply(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let op = find(&fields.need("op")?)?;
    let allowed = || op.needs.iter().chain(op.takes).copied();
    for name in fields.names().filter(|name| !["op", "id"].contains(name)) {
        if !allowed().any(|known| known == name) {
            let known = allowed().map(str::to_owned).collect();
            return Err(Wrong::unknown("unknown-field", &format!("field of `{}`", op.name), name, known).into());
        }
    }
    if let Some(name) = op.needs.iter().find(|name| fields.raw(name).is_none()) {
        return Err(super::fields::missing(name).into());
    }
    (op.run)(world, fields)
}

fn find(name: &str) -> Result<&'static Op, Wrong> {
    OPS.iter().find(|op| op.name == name).ok_or_else(|| {
        let known = OPS.iter().map(|op| op.name.to_owned()).collect();
        Wrong::unknown("unknown-op", "op", name, known)
    })
}

fn help(_: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let one = |op: &Op| json!({ "op": op.name, "needs": op.needs, "takes": op.takes, "what": op.what });
    match fields.text("about")? {
        Some(name) => Ok(one(find(&name)?)),
        None => Ok(json!({ "ops": OPS.iter().map(one).collect::<Vec<_>>() })),
    }
}

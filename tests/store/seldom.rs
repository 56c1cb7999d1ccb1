//! What random runs seldom meet, each by hand; a seeded fault in each of these places is found here.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use polylogue::{
    data::Value,
    generate::Rng,
    session::{
        By, Code, Compat, Config, OpenPlan, Owner, Payload, PlanOptions, QueuePolicy, Scope, Send, Status, Store,
        audit::{Audit, Batch, Later, Options},
    },
};

fn plan(text: &str, options: PlanOptions) -> OpenPlan {
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = spec.plan_with("P", &Compat::Unchecked, options).unwrap();
    assert!(plan.is_table());
    plan
}

fn store() -> Store {
    Store::new(Config { externs: Arc::new(|_, _: &[Value]| Some(true)), ..Config::default() }).0
}

/// Payload ids come back with their messages, also those of messages that wait beyond the ring, and a message without one
/// does not get that of an earlier one; the short way and the long one.
#[test]
fn payload_ids_are_those_of_their_messages() {
    let text =
        "protocol P(role A, role B) { rec X { choice at A { A -> B: m(n: int); continue X; } or { A -> B: e(); } } }";
    for long in [false, true] {
        for queue in [QueuePolicy::Grow(5), QueuePolicy::Grow(8), QueuePolicy::Grow(30)] {
            let plan = plan(text, PlanOptions { queue, long, ..PlanOptions::default() });
            let (a, b, m) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("m").unwrap());
            let mut store = store();
            let (session, opener) = store.open(&plan, 0).unwrap();
            let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
            let mut rng = Rng::new(7);
            let mut queued: VecDeque<u64> = VecDeque::new();
            let (mut most, mut full) = (0, 0);
            for turn in 0..6_000 {
                // Long runs of sends, then long runs of receives.
                if rng.chance(if turn / 50 % 2 == 0 { 70 } else { 30 }) {
                    let id = if rng.chance(50) { 0 } else { rng.bits() };
                    let payload = Payload::Unseen(id);
                    match store.send(&cap, Send { from: a, to: b, label: m, payload, witnesses: &[], at: 0 }) {
                        Ok(_) => queued.push_back(id),
                        Err(refused) => {
                            assert_eq!(refused.code(), Code::Full);
                            full += 1;
                        }
                    }
                } else {
                    let got = store.receive(&cap, b, a, 0).ok().map(|done| done.payload);
                    assert_eq!(got, queued.pop_front(), "turn {turn}, long {long}");
                }
                most = most.max(queued.len());
                assert_eq!(store.queue_len(session, plan.edge(a, b).unwrap()), queued.len());
            }
            assert!(full > 0 && most == usize::try_from(if let QueuePolicy::Grow(n) = queue { n } else { 0 }).unwrap());
        }
    }
}

/// A witness is for the roles of the capability under which it was issued.
#[test]
fn a_witness_of_another_role() {
    let text = "extern predicate checked(int);
        system P(role A, role B) { A = rec X. *{A:a(n: int) requires checked(n). X}; B = rec X. *{B:b(n: int) requires checked(n). X}; }";
    let plan = plan(text, PlanOptions::default());
    let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
    let mut store = store();
    let (_, opener) = store.open(&plan, 0).unwrap();
    let ann = store.claim(&opener, Owner(1), &Scope::Fragment(vec![a])).unwrap();
    let bob = store.claim(&opener, Owner(2), &Scope::Fragment(vec![b])).unwrap();
    let witness = store.issue_readiness(&ann, "checked", &[Value::Int(3)], None).unwrap();
    let (values, brought) = ([Some(Value::Int(3))], [&witness]);
    let act = |role, label: &str| polylogue::session::Act {
        role,
        label: plan.label(label).unwrap(),
        payload: Payload::Values(&values),
        witnesses: &brought,
        at: 0,
    };
    assert_eq!(store.act(&bob, act(b, "b")).unwrap_err().code(), Code::WitnessMismatch);
    store.act(&ann, act(a, "a")).unwrap();
    assert_eq!(store.act(&ann, act(a, "a")).unwrap_err().code(), Code::WitnessConsumed);
}

/// The last receive of a draining session ends it, for which the audit must have room.
#[test]
fn the_last_receive_needs_room_for_the_end() {
    let plan = plan("protocol P(role A, role B) { A -> B: m(); }", PlanOptions::default());
    let (a, b, m) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("m").unwrap());
    let takes = Arc::new(AtomicBool::new(false));
    let sink = {
        let takes = takes.clone();
        move |_: Batch<'_>| if takes.load(Ordering::Relaxed) { Ok(()) } else { Err(Later) }
    };
    let audit = Audit::with_sink(Options { segments: 2, ..Options::default() }, Box::new(sink));
    let (mut store, _supervisor) = Store::new(Config { audit, ..Config::default() });
    let (session, opener) = store.open(&plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    store.send(&cap, Send { from: a, to: b, label: m, payload: Payload::default(), witnesses: &[], at: 0 }).unwrap();
    assert_eq!(store.drain(By::Opener(&opener), 0).unwrap(), Status::Draining);
    // The step, the end, and the capability that goes with it; with the witness of an end before the end.
    while store.audit_mut().has_room(4) {
        let _opener = store.open(&plan, 0).unwrap();
    }
    assert!(store.audit_mut().has_room(3));
    let before = store.digest(session);
    assert_eq!(store.receive(&cap, b, a, 0).unwrap_err().code(), Code::AuditFull);
    assert_eq!((store.digest(session), store.audit().dropped()), (before, 0));
    takes.store(true, Ordering::Relaxed);
    store.receive(&cap, b, a, 0).unwrap();
    assert_eq!(store.status(session), Some(Status::Closed));
}

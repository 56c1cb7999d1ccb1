//! Coherence and authentication.

use polylogue::{
    generate::Rng,
    session::{
        By, Capability, Code, Compat, Config, Opener, Owner, Payload, PlanOptions, Receive, Scope, Send, Store,
        Supervisor,
    },
};

fn open(options: PlanOptions) -> (polylogue::session::OpenPlan, Store, Supervisor, Opener, Capability) {
    let text = "system Two(role A, role B) { A = rec X. +{ B!a(). X, B!b(n: int). X }; B = rec X. &{ A?a(). X, A?b(n: int). X }; }";
    let spec = polylogue::parse(text).unwrap();
    let plan = spec.plan_with("Two", &Compat::Unchecked, options).unwrap();
    let (mut store, supervisor) = Store::new(Config::default());
    let (_, opener) = store.open(&plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    (plan, store, supervisor, opener, cap)
}

/// What arrives must be what was sent: else it stays in the queue, and is reported. Every proof verifies, altered ones do
/// not; roots do not change when leaves are let go.
#[test]
fn what_arrives_is_what_was_sent() {
    let (plan, mut store, supervisor, opener, cap) = open(PlanOptions { authenticate: true, ..PlanOptions::default() });
    let session = cap.session();
    let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
    let labels = [plan.label("a").unwrap(), plan.label("b").unwrap()];
    let mut rng = Rng::new(1);
    let mut queue: std::collections::VecDeque<String> = Default::default();
    let (mut unauthentic, mut proved, mut received, mut sent) = (0, 0, 0_u64, 0_u64);
    let mut known = 0;
    for _ in 0..2_000 {
        match rng.below(8) {
            0..3 if queue.len() < 20 => {
                let (label, json) = if rng.chance(50) {
                    (labels[0], "{}".to_owned())
                } else {
                    (labels[1], format!("{{\"n\": {}}}", rng.below(9)))
                };
                store
                    .send(&cap, Send { from: a, to: b, label, payload: Payload::Json(&json), witnesses: &[], at: 0 })
                    .unwrap();
                queue.push_back(json);
                sent += 1;
            }
            3..6 if !queue.is_empty() => {
                let receive = Receive { role: b, from: a, at: 0 };
                let before = store.digest(session);
                let refused = store.receive_shown(&cap, receive, Payload::Json("{\"n\": 77}")).unwrap_err();
                assert_eq!(refused.code(), Code::Unauthentic);
                assert_eq!((store.digest(session), store.queue(session, a, b).len()), (before, queue.len()));
                unauthentic += 1;
                match rng.chance(50) {
                    true => store.receive_shown(&cap, receive, Payload::Json(&queue[0])).unwrap(),
                    false => store.receive(&cap, b, a, 0).unwrap(),
                };
                queue.pop_front();
                received += 1;
            }
            6 if rng.chance(20) => {
                let root = store.message_root(session, a, b).unwrap();
                store.checkpoint(By::Opener(&opener)).unwrap();
                assert_eq!(store.message_root(session, a, b), Some(root));
                assert_eq!(store.memory().counts.leaves as u64, sent - received);
                known = received;
            }
            _ if sent > 0 => {
                let root = store.message_root(session, a, b).unwrap();
                let number = rng.bits() % sent;
                let Some(proof) = store.prove_message(session, a, b, number) else {
                    assert!(number < known, "{number} was not let go");
                    continue;
                };
                assert!(number >= known && proof.verify(&root));
                let mut altered = proof.clone();
                match rng.below(5) {
                    0 => altered.leaf[rng.below(32)] ^= 1,
                    1 => altered.index = (altered.index + 1) % altered.count.max(2),
                    2 => altered.count += 1,
                    3 if !altered.path.is_empty() => altered.path[0][3] ^= 4,
                    _ => altered.tops[0][9] ^= 2,
                }
                assert!(altered == proof || !altered.verify(&root), "{altered:?}");
                assert!(!proof.verify(&[0; 32]));
                proved += 1;
            }
            _ => {}
        }
        assert_eq!(store.cohere(session), Ok(()));
    }
    println!("{sent} sent, {unauthentic} unauthentic, {proved} proved");
    assert!(unauthentic > 100 && proved > 50);
    let root = store.message_root(session, a, b).unwrap();
    store.cancel(By::Opener(&opener), "enough", 1).unwrap();
    store.reap(&supervisor, 1).unwrap();
    let summary = store.archive().iter().next().unwrap();
    assert_eq!((summary.authenticated, &summary.roots[..]), (sent, &[root][..]));
    assert_eq!(store.memory().counts.leaves, 0);
    assert_eq!(store.message_root(session, a, b), None);
}

#[test]
fn what_was_carried_is_remembered() {
    let (plan, mut store, _supervisor, _opener, cap) = open(PlanOptions { traced: 3, ..PlanOptions::default() });
    let session = cap.session();
    let (a, b, label) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("a").unwrap());
    for _ in 0..5 {
        store.send(&cap, Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: 0 }).unwrap();
    }
    let coherence = store.coherence(session, a, b).unwrap();
    assert_eq!((coherence.in_flight.len(), coherence.carried.len()), (5, 3));
    store.receive(&cap, b, a, 0).unwrap();
    store.reset_trace(&cap, a, b).unwrap();
    assert_eq!(store.reset_trace(&cap, b, a).unwrap_err().code(), Code::NoEdge);
    let coherence = store.coherence(session, a, b).unwrap();
    assert_eq!((coherence.in_flight.len(), coherence.carried.len()), (4, 0));
    assert_eq!(store.cohere(session), Ok(()));
}

/// What is written is what is read; an edge without a session takes the hint, else the field is named.
#[test]
fn forms_in_json() {
    use polylogue::session::{EdgeError, EdgeName, SessionId};
    let (plan, mut store, _supervisor, opener, cap) = open(PlanOptions::default());
    let session = cap.session();
    let edge = EdgeName::new(&plan, session, plan.role("A").unwrap(), plan.role("B").unwrap());
    let text = serde_json::to_string(&edge).unwrap();
    assert_eq!(text, format!("{{\"session\":\"{session}\",\"from\":\"A\",\"to\":\"B\"}}"));
    assert_eq!(EdgeName::read(&text, None).unwrap(), edge);
    let bare = "{\"from\":\"A\",\"to\":\"B\"}";
    assert_eq!(EdgeName::read(bare, Some(session)).unwrap(), edge);
    assert_eq!(EdgeName::read(bare, None).unwrap_err().to_string(), "field `session` is missing");
    assert_eq!(EdgeName::read("{\"session\":\"0.1\",\"from\":\"A\"}", None), Err(EdgeError::Missing("to")));
    assert_eq!(
        EdgeName::read("{\"session\":\"x\",\"from\":\"A\",\"to\":\"B\"}", Some(session)),
        Err(EdgeError::Invalid("session"))
    );
    assert!(matches!(EdgeName::read("[]", None), Err(EdgeError::Malformed(_))));
    assert_eq!(edge.ends(&plan), Some((plan.role("A").unwrap(), plan.role("B").unwrap())));
    let other = EdgeName { from: "B".into(), to: "A".into(), ..edge };
    assert_eq!(other.ends(&plan), None);
    assert_eq!(format!("{session}").parse::<SessionId>(), Ok(session));
    let said = serde_json::to_string(&cap.describe(&plan)).unwrap();
    assert_eq!(
        said,
        format!(
            "{{\"kind\":\"capability\",\"session\":\"{session}\",\"owner\":1,\"roles\":[\"A\",\"B\"],\"generation\":1}}"
        )
    );
    let ended = store.cancel(By::Opener(&opener), "enough", 3).unwrap();
    let said = serde_json::to_value(ended.describe()).unwrap();
    assert_eq!(
        (said["kind"].as_str(), said["reason"].as_str(), said["at"].as_i64()),
        (Some("cancellation"), Some("enough"), Some(3))
    );
    let record = store.audit().latest().next().unwrap();
    let line = serde_json::to_string(&record).unwrap();
    let back: polylogue::session::audit::Record = serde_json::from_str(&line).unwrap();
    assert_eq!(back, record);
    assert_eq!(serde_json::to_value(store.summary(session).unwrap()).unwrap()["status"], "cancelled");
}

//! Protocols with data, time, failure and synchronous edges: the store beside the full reference.

use polylogue::{
    data::Value,
    generate::Rng,
    id::{RoleId, SortId},
    protocol::Target,
    reference::full::{Full, Seen, Sides},
    session::{
        Capability, Code, Compat, Config, Direction, Due, Opener, Owner, Payload, PlanOptions, Receive, Scope, Send,
        Step, Store, Supervisor,
    },
};

const METER: &str = "
extern predicate checked(int);
def soon(t: timestamp) = now <= t;
protocol Meter(role P, role Q, unreliable role R) {
  channel P -> Q: sync;
  channel Q -> P: bounded(1);
  var total<P, Q>: int = 0;
  try { R -> Q: news(); } on crash R { }
  rec L {
    choice at P {
      P -> Q: add(n: int) where total + n <= 20 set total = total + n;
      Q -> P: left(n: int) where n == 20 - total;
      continue L;
    } or {
      P -> Q: pay(n: int) where n == total requires checked(n);
      continue L;
    } or {
      P -> Q: hurry(t: timestamp) requires soon(t);
      continue L;
    } or {
      P -> Q: stop();
    }
  }
}
";

struct Tree {
    store: Store,
    supervisor: Supervisor,
    opener: Opener,
    cap: Capability,
}

fn open(text: &str, name: &str) -> (polylogue::Specification, polylogue::session::OpenPlan, Tree) {
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = spec.plan_with(name, &Compat::Unchecked, PlanOptions::default()).unwrap();
    assert!(!plan.is_table());
    let externs = std::sync::Arc::new(|_, _: &[Value]| Some(true));
    let (mut store, supervisor) = Store::new(Config { externs, ..Config::default() });
    let (_, opener) = store.open(&plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    (spec, plan, Tree { store, supervisor, opener, cap })
}

/// What is offered on a synchronous edge changes nothing until it is received; conditions, sets and the witness are those
/// of both; every answer is the reference's.
#[test]
fn the_meter_is_the_reference() {
    let mut codes: std::collections::BTreeMap<Code, u64> = Default::default();
    let mut taken = 0;
    for seed in 0..150 {
        let (spec, plan, mut tree) = open(METER, "Meter");
        let session = tree.cap.session();
        let loaded = &spec.loaded().spec;
        let Some(Target::Protocol(at)) = loaded.find("Meter") else { panic!() };
        let protocol = &loaded.protocols[at];
        let full = Full::new(&protocol.term, &loaded.names, &protocol.header);
        let mut conf = full.initial(0);
        let mut rng = Rng::new(seed);
        let role = |name| plan.role(name).unwrap();
        let (p, q, r) = (role("P"), role("Q"), role("R"));
        let sort = |label: &str| -> SortId {
            let text = |sort: &SortId| loaded.names.message(plan.label(label).unwrap(), *sort);
            let wanted = match label {
                "add" | "left" | "pay" => "(n: int)",
                "hurry" => "(t: timestamp)",
                _ => "()",
            };
            loaded.names.sorts().find(|sort| text(sort) == format!("{label}{wanted}")).unwrap()
        };
        let mut clock = 0_i64;
        let mut offered: Option<(&str, Vec<Option<Value>>)> = None;
        let mut crashed = false;
        let mut total = 0_i64;
        for _ in 0..120 {
            clock += rng.below(400) as i64;
            let before = tree.store.digest(session);
            let mut untouched = true;
            match rng.below(12) {
                0..6 => {
                    // P offers.
                    let last = if rng.chance(5) { 6 } else { rng.below(6) };
                    let label = ["add", "add", "pay", "pay", "hurry", "hurry", "stop"][last.min(6)];
                    let n = match label {
                        "pay" if rng.chance(80) => total,
                        _ => rng.between(0, 12) as i64,
                    };
                    let t = (clock + rng.below(700) as i64 - 100) / 1_000 * 1_000;
                    let (json, values) = match label {
                        "stop" => ("{}".to_owned(), vec![]),
                        "hurry" => (format!("{{\"t\": {}}}", t / 1_000), vec![Some(Value::Timestamp(t))]),
                        _ => (format!("{{\"n\": {n}}}"), vec![Some(Value::Int(n))]),
                    };
                    let witness = match label {
                        "pay" => {
                            tree.store.issue_readiness(&tree.cap, "checked", &[Value::Int(n)], Some(clock + 5_000)).ok()
                        }
                        "hurry" => tree.store.issue_readiness(&tree.cap, "soon", &[Value::Timestamp(t)], None).ok(),
                        _ => None,
                    };
                    let brought: Vec<_> = witness.iter().collect();
                    // Time passes: it may be too late.
                    clock += rng.below(600) as i64;
                    let send = Send {
                        from: p,
                        to: q,
                        label: plan.label(label).unwrap(),
                        payload: Payload::Json(&json),
                        witnesses: &brought,
                        at: clock,
                    };
                    let before = tree.store.digest(session);
                    match tree.store.send(&tree.cap, send) {
                        Ok(done) => {
                            assert!(done.offered && offered.is_none());
                            assert_eq!(tree.store.queue_len(session, plan.edge(p, q).unwrap()), 0);
                            offered = Some((label, values));
                        }
                        Err(refused) => {
                            *codes.entry(refused.code()).or_default() += 1;
                            assert_eq!(tree.store.digest(session), before);
                            let seen = Seen {
                                from: p,
                                to: q,
                                label: plan.label(label).unwrap(),
                                like: sort(label),
                                values,
                                sides: Sides::Both,
                                now: clock,
                            };
                            let ready = full.successors(&conf, &seen).len();
                            let protocol_says_no =
                                matches!(refused.code(), Code::NotEnabled | Code::Condition | Code::Payload);
                            assert!(!protocol_says_no || ready == 0, "{refused}");
                        }
                    }
                    untouched = false;
                }
                6..9 => {
                    // Q takes what is offered.
                    let got = tree.store.receive(&tree.cap, q, p, clock);
                    match (&offered, got) {
                        (None, got) => {
                            let code = got.unwrap_err().code();
                            assert_eq!(code, Code::Empty);
                            *codes.entry(code).or_default() += 1;
                        }
                        (Some((label, values)), got) => {
                            let seen = Seen {
                                from: p,
                                to: q,
                                label: plan.label(label).unwrap(),
                                like: sort(label),
                                values: values.clone(),
                                sides: Sides::Both,
                                now: clock,
                            };
                            let mut next = full.successors(&conf, &seen);
                            match got {
                                Ok(_) => {
                                    assert_eq!(next.len(), 1, "{label} {values:?}");
                                    conf = next.pop().unwrap().then;
                                    if let ("add", [Some(Value::Int(n))]) = (*label, &values[..]) {
                                        total += n;
                                    }
                                    offered = None;
                                    taken += 1;
                                    untouched = false;
                                }
                                Err(refused) => {
                                    let code = refused.code();
                                    *codes.entry(code).or_default() += 1;
                                    let witness =
                                        matches!(code, Code::WitnessExpired | Code::WitnessStale | Code::WitnessFalse);
                                    assert!(next.is_empty() || witness, "{refused}");
                                }
                            }
                        }
                    }
                }
                9 => {
                    // Q answers, P takes the answer.
                    let n = if rng.chance(70) { 20 - total } else { rng.below(20) as i64 };
                    let json = format!("{{\"n\": {n}}}");
                    let send = Send {
                        from: q,
                        to: p,
                        label: plan.label("left").unwrap(),
                        payload: Payload::Json(&json),
                        witnesses: &[],
                        at: clock,
                    };
                    let seen = |sides| Seen {
                        from: q,
                        to: p,
                        label: send.label,
                        like: sort("left"),
                        values: vec![Some(Value::Int(n))],
                        sides,
                        now: clock,
                    };
                    let mut next = full.successors(&conf, &seen(Sides::Send));
                    let got = tree.store.send(&tree.cap, send);
                    assert_eq!(got.is_ok(), !next.is_empty(), "{got:?}");
                    if let Err(refused) = got {
                        *codes.entry(refused.code()).or_default() += 1;
                    } else {
                        conf = next.pop().unwrap().then;
                        untouched = false;
                        taken += 1;
                    }
                }
                10 => {
                    let got = tree.store.receive(&tree.cap, p, q, clock);
                    let seen = full.arriving(&conf, q, p).into_iter().next().map(|(label, like, values)| Seen {
                        from: q,
                        to: p,
                        label,
                        like,
                        values,
                        sides: Sides::Receive,
                        now: clock,
                    });
                    let mut next = seen.map_or_else(Vec::new, |seen| full.successors(&conf, &seen));
                    assert_eq!(got.is_ok(), !next.is_empty(), "{got:?}");
                    if got.is_ok() {
                        conf = next.pop().unwrap().then;
                        untouched = false;
                        taken += 1;
                    }
                }
                _ if rng.chance(30) => {
                    let waits = offered.take().is_some();
                    assert_eq!(tree.store.withdraw(&tree.cap, p, q).unwrap(), waits);
                    untouched = false;
                }
                _ if rng.chance(50) => {
                    // R speaks, or crashes.
                    if rng.chance(50) {
                        let got = tree.store.crash(&tree.opener, r, clock);
                        assert_eq!(got.is_ok(), !crashed);
                        assert_eq!(tree.store.crash(&tree.opener, q, clock).unwrap_err().code(), Code::NotEnabled);
                        if !crashed {
                            conf = full.crash(&conf, r);
                            crashed = true;
                            untouched = false;
                        }
                    } else {
                        let send = Send {
                            from: r,
                            to: q,
                            label: plan.label("news").unwrap(),
                            payload: Payload::Unseen(77),
                            witnesses: &[],
                            at: clock,
                        };
                        let seen = |sides| Seen {
                            from: r,
                            to: q,
                            label: send.label,
                            like: sort("news"),
                            values: vec![],
                            sides,
                            now: clock,
                        };
                        let mut next = full.successors(&conf, &seen(Sides::Send));
                        let got = tree.store.send(&tree.cap, send);
                        assert_eq!(got.is_ok(), !next.is_empty(), "{got:?}");
                        if got.is_ok() {
                            conf = next.pop().unwrap().then;
                            untouched = false;
                        }
                    }
                }
                _ => {
                    let got = tree.store.receive(&tree.cap, q, r, clock);
                    let seen = full.arriving(&conf, r, q).into_iter().next().map(|(label, like, values)| Seen {
                        from: r,
                        to: q,
                        label,
                        like,
                        values,
                        sides: Sides::Receive,
                        now: clock,
                    });
                    let mut next = seen.map_or_else(Vec::new, |seen| full.successors(&conf, &seen));
                    assert_eq!(got.is_ok(), !next.is_empty(), "{got:?}");
                    if let Ok(done) = got {
                        assert_eq!(done.payload, 77, "what the sender gave comes back");
                        conf = next.pop().unwrap().then;
                        untouched = false;
                    }
                }
            }
            if untouched {
                assert_eq!(tree.store.digest(session), before, "what is refused changes nothing");
            }
            for role in plan.roles() {
                for one in tree.store.enabled(session, role) {
                    if one.direction == Direction::Receive && one.peer == p {
                        assert_eq!(
                            one.ready,
                            offered.as_ref().is_some_and(|(label, _)| plan.label(label) == Some(one.label))
                        );
                    }
                }
            }
        }
    }
    println!("{taken} taken, refused: {codes:?}");
    assert!(taken > 1_000);
    for code in [Code::Condition, Code::NotEnabled, Code::Offered, Code::Empty, Code::WitnessFalse] {
        assert!(codes.get(&code).is_some_and(|&count| count >= 100), "{code:?}: {codes:?}");
    }
}

/// A handler's time limit is noticed by the tick, and its role then takes the handler, not what came late.
#[test]
fn a_tick_enters_the_handler() {
    let text = "protocol T(role P, role Q) { try { P -> Q: ask(); Q -> P: answer(); } on timeout 3s at P { P -> Q: late(); } }";
    let (_, plan, mut tree) = open(text, "T");
    let session = tree.cap.session();
    let (p, q) = (plan.role("P").unwrap(), plan.role("Q").unwrap());
    let send = |from: RoleId, to: RoleId, label: &str, at| {
        Step::Send(Send {
            from,
            to,
            label: plan.label(label).unwrap(),
            payload: Default::default(),
            witnesses: &[],
            at,
        })
    };
    tree.store.step(&tree.cap, send(p, q, "ask", 0)).unwrap();
    let at = tree.store.next_deadline().expect("the limit is waited for");
    assert_eq!(at, 3_000_000);
    assert!(tree.store.tick(&tree.supervisor, at - 1).unwrap().is_empty());
    let due = tree.store.tick(&tree.supervisor, at).unwrap();
    assert_eq!(due, [Due::Handler { session, role: p, until: at }]);
    assert!(tree.store.tick(&tree.supervisor, at + 1).unwrap().is_empty(), "told once");
    assert_eq!(tree.store.now(session), Some(at));
    tree.store.step(&tree.cap, send(p, q, "late", at)).unwrap();
    for _ in 0..2 {
        tree.store.step(&tree.cap, Step::Receive(Receive { role: q, from: p, at })).unwrap();
    }
    assert!(tree.store.is_finished(session, p) && tree.store.is_finished(session, q));
    assert_eq!(tree.store.next_deadline(), None);
}

/// An obligation that lapses is told by the tick, once; steps do not pile up alarms.
#[test]
fn lapses_and_alarms() {
    let text = "protocol W(role P, role Q) { rec L { P -> Q: ask(); Q -> P: answer() within 5s; continue L; } }";
    let (_, plan, mut tree) = open(text, "W");
    let session = tree.cap.session();
    let (p, q) = (plan.role("P").unwrap(), plan.role("Q").unwrap());
    let send = |from: RoleId, to: RoleId, label: &str, at| Send {
        from,
        to,
        label: plan.label(label).unwrap(),
        payload: Default::default(),
        witnesses: &[],
        at,
    };
    let mut bytes = 0;
    for round in 0..2_000_i64 {
        let at = round * 1_000;
        tree.store.send(&tree.cap, send(p, q, "ask", at)).unwrap();
        tree.store.receive(&tree.cap, q, p, at).unwrap();
        tree.store.send(&tree.cap, send(q, p, "answer", at)).unwrap();
        tree.store.receive(&tree.cap, p, q, at).unwrap();
        if round == 10 {
            bytes = tree.store.memory().bytes.authority;
        }
    }
    assert_eq!(tree.store.memory().bytes.authority, bytes, "alarms pile up");
    let at = 2_000 * 1_000;
    tree.store.send(&tree.cap, send(p, q, "ask", at)).unwrap();
    tree.store.receive(&tree.cap, q, p, at).unwrap();
    let due = tree.store.tick(&tree.supervisor, at + 5_000_001).unwrap();
    assert!(
        matches!(&due[..], [Due::Lapsed { role, deadline, .. }] if *role == q && *deadline == at + 5_000_000),
        "{due:?}"
    );
    assert!(tree.store.tick(&tree.supervisor, i64::MAX).unwrap().is_empty(), "told once");
    assert_eq!(tree.store.now(session), Some(at + 5_000_001));
}

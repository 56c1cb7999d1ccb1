//! Monitors: what an endpoint may do, what is said of what it may not, and what each mode makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::sync::{Arc, Mutex};

use polylogue::{
    data::Value,
    guard::{Mode, Monitor, Options, Plan, Verdict},
    session::{Compat, Direction, Payload, PlanOptions},
};

const ORDER: &str = "protocol Order(role Buyer, role Shop) {
  Buyer -> Shop: order(item: string, count: int{this > 0});
  choice at Shop { Shop -> Buyer: shipped(); } or { Shop -> Buyer: refused(why: string); }
}";

const METER: &str = "protocol Prepaid(role Client, role Meter) {
  Client -> Meter: open(deposit: int{this > 0});
  rec Serve [balance<Client, Meter>: int{balance >= 0} = deposit] {
    choice at Client {
      Client -> Meter: spend(cost: int{cost > 0}) where cost <= balance;
      Meter -> Client: receipt(left: int{left == balance - cost});
      continue Serve [balance - cost];
    } or {
      Client -> Meter: close();
      Meter -> Client: refund(rest: int{rest == balance});
    }
  }
}";

fn plan(text: &str, target: &str, role: &str, mode: Mode) -> Plan {
    polylogue::parse(text).unwrap().guard(target, role, Options { mode, ..Options::default() }).unwrap()
}

fn none() -> Payload<'static> {
    Payload::default()
}

#[test]
fn a_table_judges_order_sorts_and_conditions() {
    let plan = plan(ORDER, "Order", "Shop", Mode::Block);
    assert!(plan.is_table());
    let mut monitor = plan.monitor("7", 0);
    assert_eq!(monitor.local_type().lines().next().unwrap(), "Buyer?order(item: string, count: int{this > 0}).");
    let early = monitor.sending("Buyer", "shipped", none(), 1);
    let violation = early.violation().unwrap();
    assert_eq!(
        violation.to_string(),
        "spec:2:3: `Shop` may not send `shipped` to `Buyer` here; session `7`; expected \
         Buyer?order(item: string, count: int{this > 0}); to blame: `Shop` [PL0610]"
    );
    let wrong = monitor.received("Buyer", "order", Payload::Json(r#"{"item":"tea","count":0}"#), 3);
    let violation = wrong.violation().unwrap();
    assert_eq!(violation.blame.as_deref(), Some("Buyer"));
    assert!(violation.message.contains("count"), "{violation}");
    let misfit = monitor.received("Buyer", "order", Payload::Json(r#"{"item":7,"count":1}"#), 4);
    assert_eq!(misfit.violation().unwrap().code.id(), "PL0615");
    assert_eq!((monitor.steps(), monitor.violations()), (0, 3));
    let values = [Some(Value::text("tea")), Some(Value::Int(2))];
    assert_eq!(monitor.received("Buyer", "order", Payload::Values(&values), 5), Verdict::Conforms);
    assert!(!monitor.is_finished());
    assert_eq!(monitor.closing(6).violation().unwrap().code.id(), "PL0620");
    let refused = plan.sends("Buyer", "refused").unwrap();
    assert!(monitor.check(refused, none(), 7).is_ok());
    assert!(monitor.check(refused, Payload::Json(r#"{"why":1}"#), 7).is_err());
    assert_eq!(monitor.step(refused, Payload::Json(r#"{"why":"none left"}"#), 7), Verdict::Conforms);
    assert!(monitor.is_finished());
    assert_eq!(monitor.closing(8), Verdict::Conforms);
    let after = monitor.step(refused, none(), 9);
    let violation = after.violation().unwrap();
    assert!(violation.expected.is_empty() && violation.may_stop);
    let recent: Vec<String> = violation.recent.iter().map(ToString::to_string).collect();
    assert_eq!(recent, ["Buyer?order", "Buyer!refused"]);
}

#[test]
fn names_that_mean_nothing() {
    let mut monitor = plan(ORDER, "Order", "Buyer", Mode::Block).monitor("", 0);
    let code = |verdict: Verdict| verdict.violation().unwrap().code.id();
    assert_eq!(code(monitor.sending("Nobody", "order", none(), 0)), "PL0612");
    assert_eq!(code(monitor.sending("Shop", "pay", none(), 0)), "PL0613");
    assert_eq!(code(monitor.sending("Shop", "shipped", none(), 0)), "PL0614");
    assert_eq!(code(monitor.acted("order", none(), 0)), "PL0614");
    let other = plan(ORDER, "Order", "Buyer", Mode::Block).sends("Shop", "order").unwrap();
    assert_eq!(code(monitor.step(other, none(), 0)), "PL0614");
    assert!(monitor.check(other, none(), 0).is_err());
    assert_eq!(monitor.steps(), 0);
    let spec = polylogue::parse(ORDER).unwrap();
    let error = spec.guard("Order", "Thief", Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no role `Thief`; declared: `Buyer`, `Shop`");
}

#[test]
fn data_is_judged_by_the_copies_of_the_role() {
    let plan = plan(METER, "Prepaid", "Meter", Mode::Block);
    assert!(!plan.is_table());
    let mut monitor = plan.monitor("m", 0);
    let take = |monitor: &mut Monitor, way: Direction, label: &str, json: &str| match way {
        Direction::Receive => monitor.received("Client", label, Payload::Json(json), 0),
        _ => monitor.sending("Client", label, Payload::Json(json), 0),
    };
    assert!(take(&mut monitor, Direction::Receive, "open", r#"{"deposit":10}"#).passes());
    assert!(take(&mut monitor, Direction::Receive, "spend", r#"{"cost":4}"#).passes());
    let wrong = take(&mut monitor, Direction::Send, "receipt", r#"{"left":7}"#);
    let violation = wrong.violation().unwrap();
    assert_eq!((violation.code.id(), violation.blame.as_deref()), ("PL0650", Some("Meter")));
    assert!(violation.message.ends_with("is false; balance = 10, cost = 4, left = 7"), "{violation}");
    // What must be judged must be shown.
    assert_eq!(monitor.sending("Client", "receipt", none(), 0).violation().unwrap().code.id(), "PL0671");
    let left = [Some(Value::Int(5))];
    let violation = monitor.sending("Client", "receipt", Payload::Values(&left), 0);
    assert!(violation.violation().unwrap().message.contains("left = 5"), "{violation:?}");
    assert!(take(&mut monitor, Direction::Send, "receipt", r#"{"left":6}"#).passes());
    // Seven is more than is left, and the client is to blame for it.
    let over = take(&mut monitor, Direction::Receive, "spend", r#"{"cost":7}"#);
    assert_eq!(over.violation().unwrap().blame.as_deref(), Some("Client"));
    assert_eq!(monitor.local_type(), "{ Client?spend(cost: int). …, Client?close(). … }");
    assert!(take(&mut monitor, Direction::Receive, "close", "{}").passes());
    assert!(take(&mut monitor, Direction::Send, "refund", r#"{"rest":6}"#).passes());
    assert!(monitor.is_finished());
}

#[test]
fn modes() {
    for mode in [Mode::Observe, Mode::Warn, Mode::Block, Mode::Suppress, Mode::FailClosed] {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&told);
        let options = Options {
            mode,
            report: Some(Arc::new(move |violation| sink.lock().unwrap().push(violation.code.id().to_owned()))),
            ..Options::default()
        };
        let plan = polylogue::parse(ORDER).unwrap().guard("Order", "Buyer", options).unwrap();
        let mut monitor = plan.monitor("s", 0);
        let verdict = monitor.received("Shop", "shipped", none(), 1);
        let order = Payload::Json(r#"{"item":"tea","count":1}"#);
        let next = monitor.sending("Shop", "order", order, 2);
        match mode {
            Mode::Observe | Mode::Warn => assert!(matches!(verdict, Verdict::Passed(_)) && verdict.passes()),
            Mode::Block => assert!(matches!(verdict, Verdict::Blocked(_))),
            Mode::Suppress => assert!(matches!(verdict, Verdict::Dropped(_))),
            Mode::FailClosed => {
                let Verdict::Quarantined(first) = &verdict else { panic!("{verdict:?}") };
                // The same answer to everything, at once.
                for _ in 0..3 {
                    assert_eq!(monitor.sending("Shop", "order", order, 3), Verdict::Quarantined(Arc::clone(first)));
                }
                let handle = plan.sends("Shop", "order").unwrap();
                assert_eq!(monitor.step(handle, none(), 3), verdict);
                assert_eq!(monitor.check(handle, order, 3).unwrap_err(), *first);
                assert_eq!((monitor.tick(9), monitor.closing(9)), (verdict.clone(), verdict.clone()));
                assert_eq!(monitor.sending("Nobody", "order", order, 3), verdict);
                assert!(monitor.is_quarantined() && monitor.violations() == 1);
                assert_eq!(next, verdict);
                continue;
            }
        }
        assert_eq!(next, Verdict::Conforms, "{mode:?}");
        let told = told.lock().unwrap().clone();
        assert_eq!(told, if mode == Mode::Observe { vec![] } else { vec!["PL0611"] });
        assert_eq!(monitor.violations(), 1);
    }
}

#[test]
fn the_host_may_close_a_session() {
    let plan = plan(ORDER, "Order", "Buyer", Mode::Observe);
    let mut monitor = plan.monitor("s", 0);
    let reason = monitor.quarantine("the peer is gone", 5);
    assert_eq!(reason.code.id(), "PL0670");
    assert_eq!(monitor.sending("Shop", "order", none(), 6), Verdict::Quarantined(reason));
}

#[test]
fn a_violation_as_json() {
    let mut monitor = plan(ORDER, "Order", "Shop", Mode::Block).monitor("7", 0);
    let verdict = monitor.sending("Buyer", "shipped", none(), 41);
    let json: serde_json::Value = serde_json::from_str(&verdict.violation().unwrap().to_json()).unwrap();
    let expected = serde_json::json!({
        "code": "PL0610",
        "message": "`Shop` may not send `shipped` to `Buyer` here",
        "protocol": "Order", "session": "7", "role": "Shop",
        "observed": {"direction": "send", "peer": "Buyer", "label": "shipped", "at": 41},
        "expected": [{"direction": "receive", "peer": "Buyer", "label": "order",
            "message": "order(item: string, count: int{this > 0})"}],
        "may_stop": false, "blame": "Shop",
        "place": {"file": "spec", "line": 2, "column": 3},
        "span": json["span"], "recent": [], "steps": 0, "at": 41
    });
    assert_eq!(json, expected);
}

#[test]
fn secrets_stay_secret() {
    let text = "protocol P(role A, role B) { A -> B: login(pin: secret<int{this > 999}>); }";
    let mut monitor = plan(text, "P", "B", Mode::Block).monitor("s", 0);
    for json in [r#"{"pin":123}"#, r#"{"pin":"x456y"}"#] {
        let verdict = monitor.received("A", "login", Payload::Json(json), 1);
        let text = verdict.violation().unwrap().to_json();
        assert!(!text.contains("123") && !text.contains("x456y"), "{text}");
    }
}

#[test]
fn time() {
    let text = "protocol Timed(role A, role B) {
      A -> B: ask();
      B -> A: answer() within 5s;
    }";
    let second = 1_000_000;
    let mut monitor = plan(text, "Timed", "B", Mode::Block).monitor("t", 0);
    assert!(monitor.received("A", "ask", none(), second).passes());
    assert_eq!(monitor.next_deadline(), Some(6 * second));
    assert_eq!(monitor.tick(6 * second), Verdict::Conforms);
    let late = monitor.tick(7 * second);
    let violation = late.violation().unwrap();
    assert_eq!((violation.code.id(), violation.blame.as_deref()), ("PL0657", Some("B")));
    // Told once.
    assert_eq!(monitor.tick(8 * second), Verdict::Conforms);
    let verdict = monitor.sending("A", "answer", none(), 9 * second);
    assert_eq!(verdict.violation().unwrap().code.id(), "PL0656");
    // In time.
    let mut monitor = plan(text, "Timed", "B", Mode::FailClosed).monitor("t", 0);
    assert!(monitor.received("A", "ask", none(), second).passes());
    assert!(monitor.sending("A", "answer", none(), 2 * second).passes());
    assert!(monitor.tick(100 * second).passes() && monitor.is_finished());
}

#[test]
fn a_handled_timeout() {
    let text = "protocol Try(role A, role B) {
      try { A -> B: work(); B -> A: done(); } on timeout 5s at A { A -> B: cancel(); }
    }";
    let mut monitor = plan(text, "Try", "A", Mode::Block).monitor("t", 0);
    assert!(monitor.sending("B", "work", none(), 0).passes());
    assert!(!monitor.timed_out(1_000_000));
    assert!(!monitor.sending("B", "cancel", none(), 1_000_000).passes());
    assert!(monitor.timed_out(6_000_000));
    assert!(monitor.sending("B", "cancel", none(), 6_000_000).passes());
    assert!(monitor.is_finished());
}

#[test]
fn families_and_pipelines() {
    let text = "protocol Jobs(role C, role S) {
      try { during interleave jobs each id: string {
        C -> S: submit(id: string);
        S -> C: result(id: string, ok: bool);
      } } on interrupt stop() by C { S -> C: stopped(); }
    }";
    let mut monitor = plan(text, "Jobs", "S", Mode::Block).monitor("j", 0);
    let id = |id: &str| format!(r#"{{"id":"{id}"}}"#);
    assert!(monitor.received("C", "submit", Payload::Json(&id("a")), 0).passes());
    assert!(monitor.received("C", "submit", Payload::Json(&id("b")), 0).passes());
    let unknown = monitor.sending("C", "result", Payload::Json(r#"{"id":"c","ok":true}"#), 0);
    assert_eq!(unknown.violation().unwrap().code.id(), "PL0653");
    assert!(monitor.sending("C", "result", Payload::Json(r#"{"id":"b","ok":true}"#), 0).passes());
    assert!(monitor.received("C", "stop", none(), 0).passes());
    assert!(!monitor.is_finished());
    assert!(monitor.sending("C", "stopped", none(), 0).passes());
    assert!(monitor.is_finished());

    let text = "@pipelined(C) protocol Pipe(role C, role S) {
      rec X { choice at C { C -> S: get(n: int); S -> C: got(n: int); continue X; } or { C -> S: quit(); } }
    }";
    let mut monitor = plan(text, "Pipe", "C", Mode::Block).monitor("p", 0);
    let one = Payload::Json(r#"{"n":1}"#);
    for _ in 0..3 {
        assert!(monitor.sending("S", "get", one, 0).passes());
    }
    assert!(!monitor.is_finished());
    for _ in 0..3 {
        assert!(monitor.received("S", "got", one, 0).passes());
    }
    assert!(!monitor.received("S", "got", one, 0).passes());
    assert!(monitor.sending("S", "quit", none(), 0).passes() && monitor.is_finished());
}

#[test]
fn a_local_type_alone_and_an_open_plan() {
    let text = "system Ping(role P, role Q) { P = rec X. Q!ping(). Q?pong(). X; Q = rec Y. P?ping(). P!pong(). Y; }
      local type Impl at P(role Q) = Q!ping(). Q?pong(). end;";
    let spec = polylogue::parse(text);
    if let Ok(spec) = &spec {
        let plan = spec.guard("Impl", "P", Options::default()).unwrap();
        let mut monitor = plan.monitor("l", 0);
        assert!(monitor.sending("Q", "ping", none(), 0).passes() && monitor.received("Q", "pong", none(), 0).passes());
        assert!(monitor.is_finished() && !monitor.sending("Q", "ping", none(), 0).passes());
    }
    let text = "system Ping(role P, role Q) { P = rec X. Q!ping(). Q?pong(). X; Q = rec Y. P?ping(). P!pong(). Y; }";
    let spec = polylogue::parse(text).unwrap();
    let open = spec.plan_with("Ping", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let plan = Plan::of_open(&open, open.role("Q").unwrap(), Options::default()).unwrap();
    let mut monitor = plan.monitor("o", 0);
    let (ping, pong) = (plan.receives("P", "ping").unwrap(), plan.sends("P", "pong").unwrap());
    for at in 0..100 {
        assert_eq!(monitor.step(ping, Payload::Unseen(at), 0), Verdict::Conforms);
        assert_eq!(monitor.step(pong, Payload::Unseen(at), 0), Verdict::Conforms);
    }
    assert_eq!(monitor.steps(), 200);
    assert!(!monitor.step(pong, none(), 0).passes());
    assert_eq!(monitor.last_violation().unwrap().recent.len(), 8);
}

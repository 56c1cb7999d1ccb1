//! Traces of what is beyond the kernel: conditions, families, time, memories, observers, redaction; each refusal at its
//! event, with its code.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "tests"
)]

use std::{collections::BTreeSet, fmt::Write as _};

use polylogue::{
    data::Redaction,
    load::Loaded,
    protocol::NoImports,
    trace::{Checker, Finding, Judgement, Machines, Map, Session, check_trace, target},
};
use proptest::prelude::*;

/// Everything that is found in a log, with the checker made to taste.
fn found(spec: &str, map: &str, log: &str, taste: impl FnOnce(Checker<'_>) -> Checker<'_>) -> Vec<Session> {
    let loaded = Loaded::new("spec", spec, &mut NoImports);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let map = Map::parse(map).unwrap();
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    assert!(machines.program().is_some(), "it is more than the kernel");
    let header = loaded.spec.header(target(&loaded.spec, None).unwrap()).unwrap();
    assert_eq!(map.check(header, &loaded.spec.names), []);
    let mut checker = taste(Checker::new(machines.subject(), &map));
    let mut sessions = Vec::new();
    let mut put = |finding| match finding {
        Finding::Session(session) => sessions.push(*session),
        Finding::Line(line) => panic!("{line:?}"),
    };
    checker.feed(log.as_bytes(), &mut put);
    checker.finish(&mut put);
    sessions
}

/// The log of events like `A B label {"x":1} @5000.001`: from, to, label, and if they are there a payload without
/// blanks and a time.
fn log(events: &[&str]) -> String {
    let mut text = String::new();
    for event in events {
        let mut parts = event.split_whitespace();
        let (from, to, label) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let mut line = format!(r#""from":"{from}","to":"{to}","label":"{label}""#);
        for part in parts {
            match part.strip_prefix('@') {
                Some(ts) => line = format!(r#""ts":{ts},{line}"#),
                None if part == "send" || part == "receive" => write!(line, r#","dir":"{part}""#).unwrap(),
                None => write!(line, r#","payload":{part}"#).unwrap(),
            }
        }
        writeln!(text, r#"{{"session":"s",{line}}}"#).unwrap();
    }
    text
}

/// The verdict about the one session: its word, and if it is refused the event's number and the code.
fn verdict(spec: &str, events: &[&str]) -> String {
    verdict_with(spec, "", events, |checker| checker)
}

fn verdict_with(spec: &str, map: &str, events: &[&str], taste: impl FnOnce(Checker<'_>) -> Checker<'_>) -> String {
    let sessions = found(spec, map, &log(events), taste);
    let [session] = &*sessions else { panic!("one session: {sessions:?}") };
    match session.verdict {
        Judgement::Violates | Judgement::Unknown => format!(
            "{} {} {}",
            session.verdict.word(),
            session.at.map_or(-1, |at| i64::try_from(at).unwrap()),
            session.code.unwrap().id()
        ),
        other => other.word().to_owned(),
    }
}

#[track_caller]
fn check(spec: &str, events: &[&str], expect: &str) {
    assert_eq!(verdict(spec, events), expect, "{events:?}");
}

const METER: &str = "
    protocol Meter(role C, role M) {
      C -> M: open(deposit: int{deposit > 0});
      rec Serve [balance<C, M>: int{balance >= 0} = deposit] {
        choice at C {
          C -> M: spend(cost: int{cost > 0}) where cost <= balance;
          M -> C: receipt(left: int) where left == balance - cost;
          continue Serve [balance - cost];
        } or {
          C -> M: close();
          M -> C: refund(rest: int) where rest == balance;
        }
      }
    }";

#[test]
fn rounds_come_in_time() {
    let spec = "
        protocol Beats(role C, role S) {
          C -> S: hello();
          during { C -> S: bye(); }
          interleave { S -> C: ping() every 10s; C -> S: pong(); }
          S -> C: last();
        }";
    let hello = ["C S hello @1000"];
    let then = |events: &[&str], expect: &str| check(spec, &[&hello, events].concat(), expect);
    // From the scope's start, and from each opening message; the first event behind the deadline shows the lapse.
    then(&["S C ping @11000", "C S pong @11001", "S C ping @21000"], "incomplete");
    then(&["S C ping @11001"], "violates 1 PL0657");
    then(&["C S bye @11001"], "violates 1 PL0657");
    then(&["S C ping @11000", "C S pong @21001"], "violates 2 PL0657");
    // The clock stops with the scope, as far as the role is in it.
    then(&["S C ping @5000", "C S pong @5001", "C S bye @5002", "S C last @14000"], "conforms");
    then(&["S C ping @5000", "C S pong @5001", "C S bye @5002", "S C last @15001"], "conforms");
    let until =
        |events: &[&str], until: i64| verdict_with(spec, "", events, |checker| checker.with_until(until * 1000));
    assert_eq!(until(&["C S hello @1000"], 11_000), "incomplete");
    assert_eq!(until(&["C S hello @1000"], 11_001), "violates 0 PL0657");
    // From the start of the session, and for a family too.
    let spec = "protocol P(role A, role B) { during interleave jobs each k: int every 5s { A -> B: go(k: int); B -> A: ok(k: int); } }";
    check(spec, &[r#"A B go {"k":1} @0"#, r#"A B go {"k":2} @5000"#, r#"B A ok {"k":1} @10000"#], "incomplete");
    check(spec, &[r#"A B go {"k":1} @0"#, r#"A B go {"k":2} @5000"#, r#"B A ok {"k":1} @10001"#], "violates 2 PL0657");
    // In a part that another part's step begins.
    let spec = "protocol P(role A, role B) { par { B -> A: x(); A -> B: y(); } and { during { B -> A: z(); } interleave { A -> B: p() every 5s; } } }";
    check(spec, &["B A x @0", "A B y @5000", "A B p @5001"], "violates 2 PL0657");
    check(spec, &["B A x @0", "B A z @1", "A B y @9000"], "conforms");
}

#[test]
fn edges_lose_and_replace() {
    let spec = |kind: &str| {
        format!(
            "protocol P(role A, role B) {{ channel A -> B: {kind}; var n: int = 0;
               rec X {{ choice at A {{ A -> B: m(x: int) set n = x; continue X; }} or {{ A -> B: end(); }} }} }}"
        )
    };
    let (one, two, end) = (r#"A B m {"x":1} send"#, r#"A B m {"x":2} send"#, "A B end send");
    let (one_in, two_in, end_in) = (r#"A B m {"x":1} receive"#, r#"A B m {"x":2} receive"#, "A B end receive");
    let sided = |kind: &str, events: &[&str]| verdict_with(&spec(kind), "sides = true", events, |checker| checker);
    // Any message may be lost; what is lost does not come any more.
    assert_eq!(sided("lossy", &[one, two, end, end_in]), "conforms");
    assert_eq!(sided("lossy", &[one, two, end, one_in, end_in]), "conforms");
    assert_eq!(sided("lossy", &[one, two, two_in, one_in]), "violates 3 PL0618");
    assert_eq!(sided("fifo", &[one, two, end, end_in]), "violates 3 PL0618");
    // The newest replaces what is there.
    assert_eq!(sided("latest", &[one, two, two_in, end, end_in]), "conforms");
    assert_eq!(sided("latest", &[one, one_in, two, end, end_in]), "conforms");
    assert_eq!(sided("latest", &[one, end, one_in]), "violates 2 PL0618");
    // On the wire nothing shows what arrived; a lossy edge need not be empty at the end.
    let wire =
        |kind: &str, events: &[&str]| verdict_with(&spec(kind), "observer = \"wire\"", events, |checker| checker);
    assert_eq!(wire("lossy", &["A B m {\"x\":1}", "A B m {\"x\":2}", "A B end"]), "conforms");
    assert_eq!(wire("latest", &["A B m {\"x\":1}", "A B m {\"x\":2}", "A B end"]), "conforms");
}

#[test]
fn attempts_may_fail() {
    let spec = "protocol P(role A, role B) { var n: int = 0; A: fetch(x: int) may retry where x > n; A -> B: done(); }";
    let log = |lines: &[(&str, &str)]| -> String {
        let line = |(label, more): &(&str, &str)| {
            let to = if *label == "fetch" { "A" } else { "B" };
            format!("{{\"session\":\"s\",\"from\":\"A\",\"to\":\"{to}\",\"label\":\"{label}\"{more}}}\n")
        };
        lines.iter().map(line).collect()
    };
    let one = r#","payload":{"x":1}"#;
    let failed = r#","payload":{"x":1},"retry":true"#;
    let verdict = |map: &str, lines: &[(&str, &str)]| {
        let sessions = found(spec, map, &log(lines), |checker| checker);
        (sessions[0].verdict, sessions[0].at, sessions[0].code.map(|code| code.id().to_owned()))
    };
    let at = |line, code: &str| (Judgement::Violates, Some(line), Some(code.to_owned()));
    // It moves nothing, and may come again and again; what fails must be possible all the same.
    assert_eq!(
        verdict("", &[("fetch", failed), ("fetch", failed), ("fetch", one), ("done", "")]).0,
        Judgement::Conforms
    );
    assert_eq!(verdict("", &[("fetch", failed), ("done", "")]), at(1, "PL0610"));
    let false_one = r#","payload":{"x":0},"retry":true"#;
    assert_eq!(verdict("", &[("fetch", false_one)]), at(0, "PL0650"));
    assert_eq!(verdict("", &[("fetch", one), ("fetch", failed)]), at(1, "PL0610"));
    // Of what may not fail, the default key means nothing; what the map names does.
    let done = r#","retry":true"#;
    assert_eq!(verdict("", &[("fetch", one), ("done", done)]).0, Judgement::Conforms);
    assert_eq!(verdict("retry = \"retry\"", &[("fetch", one), ("done", done)]), at(1, "PL0663"));
    let outcome = r#","payload":{"x":1},"outcome":"retry""#;
    let map = "retry = { pointer = \"/outcome\", pattern = \"^retry$\" }";
    assert_eq!(verdict(map, &[("fetch", outcome), ("fetch", one), ("done", "")]).0, Judgement::Conforms);
}

#[test]
fn epochs_tell_what_is_stale() {
    let spec = |epoch: &str| {
        format!(
            "{epoch} protocol P(role A, role B) {{
               rec X {{
                 try {{ rec Y {{ B -> A: tick(e: int); A -> B: tock(e: int); continue Y; }} }}
                 on interrupt stop(e: int) by A {{ }}
                 continue X;
               }}
             }}"
        )
    };
    let map = "sides = true";
    let events = |last: &str| {
        let last = format!(r#"B A tick {{"e":{last}}} receive"#);
        let mut all: Vec<String> = [
            r#"B A tick {"e":1} send"#,
            r#"B A tick {"e":1} receive"#,
            r#"A B tock {"e":1} send"#,
            r#"A B tock {"e":1} receive"#,
            r#"B A tick {"e":1} send"#,
            r#"A B stop {"e":1} send"#,
        ]
        .map(str::to_owned)
        .to_vec();
        all.push(last);
        all
    };
    let judge = |spec: &str, last: &[&str]| {
        let mut all = events("1");
        all.extend(last.iter().map(|&event| event.to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        verdict_with(spec, map, &all, |checker| checker)
    };
    // The late `tick` is of the round that was left: A does not owe a `tock` for it.
    let tock = r#"A B tock {"e":1} send"#;
    assert_eq!(judge(&spec("@epoch(e)"), &[tock]), "violates 7 PL0610");
    assert_eq!(judge(&spec(""), &[tock]), "incomplete");
    let anew = [r#"A B stop {"e":1} receive"#, r#"B A tick {"e":2} send"#, r#"B A tick {"e":2} receive"#, tock];
    assert_eq!(judge(&spec("@epoch(e)"), &anew), "incomplete");
}

#[test]
fn the_edges_of_conditions() {
    for (cost, expect) in [(0, "violates 1 PL0650"), (1, "incomplete"), (9, "incomplete"), (10, "incomplete")] {
        check(METER, &[r#"C M open {"deposit":10}"#, &format!(r#"C M spend {{"cost":{cost}}}"#)], expect);
    }
    check(METER, &[r#"C M open {"deposit":10}"#, r#"C M spend {"cost":11}"#], "violates 1 PL0650");
    check(METER, &[r#"C M open {"deposit":0}"#], "violates 0 PL0650");
    for (left, expect) in [(5, "violates 2 PL0650"), (6, "incomplete"), (7, "violates 2 PL0650")] {
        let receipt = format!(r#"M C receipt {{"left":{left}}}"#);
        check(METER, &[r#"C M open {"deposit":10}"#, r#"C M spend {"cost":4}"#, &receipt], expect);
    }
    let big = "1000000000000000000000000000000";
    check(
        METER,
        &[&format!(r#"C M open {{"deposit":{big}}}"#), &format!(r#"C M spend {{"cost":"{big}"}}"#)],
        "incomplete",
    );
    check(METER, &[r#"C M open {"deposit":1}"#, "C M close", r#"M C refund {"rest":1}"#], "conforms");
    check(
        METER,
        &[r#"C M open {"deposit":1}"#, "C M close", r#"M C refund {"rest":1}"#, "C M close"],
        "violates 3 PL0616",
    );
}

#[test]
fn a_refusal_says_what_was_read() {
    let sessions =
        found(METER, "", &log(&[r#"C M open {"deposit":10}"#, r#"C M spend {"cost":11}"#]), |checker| checker);
    let [session] = &*sessions else { panic!() };
    assert_eq!(
        session.message.as_deref(),
        Some("`spend` from `C` to `M`: `cost <= balance` is false; balance = 10, cost = 11")
    );
    assert_eq!(session.blame.as_deref(), Some("C"));
    let expected: BTreeSet<&str> = session.expected.iter().map(|one| &*one.label).collect();
    assert_eq!(expected, BTreeSet::from(["spend", "close"]));
}

const JOBS: &str = "
    protocol Jobs(role C, role R) {
      var seq: int = 0;
      during {
        C -> R: bye();
      } interleave jobs each job: string {
        var mine: int = 0;
        C -> R: submit(job: string, n: int) set mine = n;
        rec Run {
          choice at R {
            R -> C: event(job: string, k: int) where k == seq + 1 set seq = k;
            continue Run;
          } or {
            R -> C: result(job: string, total: int) where total == mine;
          }
        }
      }
    }";

#[test]
fn families() {
    let a = r#"C R submit {"job":"a","n":1}"#;
    let b = r#"C R submit {"job":"b","n":2}"#;
    check(
        JOBS,
        &[
            a,
            b,
            r#"R C event {"job":"b","k":1}"#,
            r#"R C event {"job":"a","k":2}"#,
            r#"R C result {"job":"b","total":2}"#,
            r#"R C result {"job":"a","total":1}"#,
            "C R bye",
        ],
        "conforms",
    );
    // Never opened, used before, after its end (an event opens none); the own variables of each; the counter of all.
    check(JOBS, &[r#"R C event {"job":"a","k":1}"#], "violates 0 PL0653");
    check(JOBS, &[a, a], "violates 1 PL0610");
    check(JOBS, &[a, r#"R C result {"job":"a","total":1}"#, a], "violates 2 PL0654");
    check(JOBS, &[a, r#"R C result {"job":"a","total":1}"#, r#"R C event {"job":"a","k":1}"#], "violates 2 PL0653");
    check(JOBS, &[a, b, r#"R C result {"job":"a","total":2}"#], "violates 2 PL0650");
    check(JOBS, &[a, b, r#"R C event {"job":"a","k":1}"#, r#"R C event {"job":"b","k":1}"#], "violates 3 PL0650");
    check(JOBS, &["C R bye", a], "violates 1 PL0616");
    check(JOBS, &[a, "C R bye"], "incomplete");
}

#[test]
fn keys_that_come_late() {
    let spec = "
        protocol Late(role C, role R) {
          during interleave jobs each job: string {
            C -> R: submit(agent: string);
            R -> C: accepted(job: string, agent: string) where var.asked == agent;
            R -> C: done(job: string);
          }
        }";
    let spec = spec.replace(
        "C -> R: submit(agent: string);",
        "var asked: string = \"\"; C -> R: submit(agent: string) set asked = agent;",
    );
    let (x, y) = (r#"C R submit {"agent":"x"}"#, r#"C R submit {"agent":"y"}"#);
    let named = |job: &str, agent: &str| format!(r#"R C accepted {{"job":"{job}","agent":"{agent}"}}"#);
    let done = |job: &str| format!(r#"R C done {{"job":"{job}"}}"#);
    // The oldest that waits and whose condition admits the message.
    check(&spec, &[x, y, &named("1", "y"), &named("2", "x"), &done("2"), &done("1")], "conforms");
    check(&spec, &[x, &named("1", "y")], "violates 1 PL0650");
    check(&spec, &[x, y, &named("1", "x"), &named("1", "y")], "violates 3 PL0610");
    check(&spec, &[&named("1", "x")], "violates 0 PL0653");
    check(&spec, &[x, &named("1", "x"), &done("2")], "violates 2 PL0653");
}

#[test]
fn memories() {
    let idempotent = "protocol P(role A, role B) { var n: int = 0;
        rec L { choice at A { A -> B: put(id: string, v: int, at?: int) idempotent by (id) set n = n + v; continue L; }
                or { A -> B: end(sum: int) where sum == n; } } }";
    let put = r#"A B put {"id":"1","v":5}"#;
    check(idempotent, &[put, put, r#"A B put {"v":5,"id":"1"}"#, r#"A B end {"sum":5}"#], "conforms");
    check(idempotent, &[put, r#"A B put {"id":"1","v":6}"#], "violates 1 PL0659");
    check(idempotent, &[put, r#"A B put {"id":"1","v":5,"at":1}"#], "violates 1 PL0659");
    check(idempotent, &[put, r#"A B put {"id":"2","v":5}"#, r#"A B end {"sum":10}"#], "conforms");
    let unique = "protocol P(role A, role B) {
        rec L { choice at A { A -> B: put(id: string) unique by (id) for 5s; continue L; } or { A -> B: end(); } } }";
    check(unique, &[r#"A B put {"id":"1"} @0"#, r#"A B put {"id":"1"} @5000"#], "violates 1 PL0658");
    check(unique, &[r#"A B put {"id":"1"} @0"#, r#"A B put {"id":"1"} @5000.001"#, "A B end @5000.001"], "conforms");
}

const TIMED: &str = "protocol P(role A, role B) { A -> B: a(); B -> A: b() within [1s, 5s]; A -> B: c(); }";

#[test]
fn a_microsecond_past_each_deadline() {
    for (at, expect) in [
        ("999.999", "violates 1 PL0655"),
        ("1000", "incomplete"),
        ("5000", "incomplete"),
        ("5000.001", "violates 1 PL0657"),
    ] {
        check(TIMED, &["A B a @0", &format!("B A b @{at}")], expect);
    }
    // Time never runs backwards, and without it none passes.
    check(TIMED, &["A B a @2000", "B A b @1000"], "violates 1 PL0655");
    check(TIMED, &["A B a", "B A b"], "violates 1 PL0655");
    let late = &["A B a @0", "B A b @5000.001"];
    assert_eq!(verdict_with(TIMED, "", late, |checker| checker.with_slack(1)), "violates 1 PL0656");
    // What was owed shows at the end only if the log is said to be complete until then.
    assert_eq!(verdict(TIMED, &["A B a @0"]), "incomplete");
    assert_eq!(verdict_with(TIMED, "", &["A B a @0"], |checker| checker.with_until(5_000_000)), "incomplete");
    assert_eq!(verdict_with(TIMED, "", &["A B a @0"], |checker| checker.with_until(5_000_001)), "violates 0 PL0657");
    assert_eq!(
        verdict_with(TIMED, "", &["A B a @0"], |checker| checker.with_until(5_000_001).with_slack(1)),
        "incomplete"
    );
}

#[test]
fn faults_and_unfit_values() {
    let fault = "protocol P(role A, role B) { var m: map<string, int> = {}; A -> B: a(k: string) where m[k] == 1; }";
    check(fault, &[r#"A B a {"k":"x"}"#], "violates 0 PL0651");
    let unfit =
        "protocol P(role A, role B) { var n: int{n < 3} = 0; rec L { A -> B: a() set n = n + 1; continue L; } }";
    check(unfit, &["A B a", "A B a", "A B a"], "violates 2 PL0652");
    let wrong = "protocol P(role A, role B) { A -> B: a(n: int) where n > 0; }";
    check(wrong, &[r#"A B a {"n":"x"}"#], "violates 0 PL0615");
    check(wrong, &["A B a {}"], "violates 0 PL0615");
}

#[test]
fn what_an_event_may_be_is_followed_and_pruned() {
    // The same message in two branches: which it was shows later.
    let spec = "protocol P(role A, role B) {
        var n: int = 0;
        choice at A { A -> B: go(x: int) where x > 0 set n = 1; A -> B: one(k: int) where k == n; }
        or { A -> B: go(x: int) where x < 10 set n = 2; A -> B: two(k: int) where k == n; } }";
    check(spec, &[r#"A B go {"x":5}"#, r#"A B one {"k":1}"#], "conforms");
    check(spec, &[r#"A B go {"x":5}"#, r#"A B two {"k":2}"#], "conforms");
    check(spec, &[r#"A B go {"x":5}"#, r#"A B two {"k":1}"#], "violates 1 PL0650");
    check(spec, &[r#"A B go {"x":10}"#, r#"A B two {"k":2}"#], "violates 1 PL0610");
    check(spec, &[r#"A B go {"x":0}"#, r#"A B one {"k":1}"#], "violates 1 PL0610");
    // More than eight at once are not followed.
    let mut many = "protocol P(role A, role B) { var n: int = 0; choice at A {".to_owned();
    for k in 0..9 {
        let or = if k == 0 { "" } else { "} or {" };
        write!(many, "{or} A -> B: go() set n = {k}; A -> B: l{k}();").unwrap();
    }
    many.push_str("} }");
    check(&many, &["A B go"], "unknown 0 PL0621");
}

#[test]
fn interrupts_cross() {
    let spec = "protocol P(role A, role B) {
        try { rec L { A -> B: tick(n: int) where n > 0; continue L; } } on interrupt stop(why: string) by B { A -> B: bye(); } }";
    check(spec, &[r#"A B tick {"n":1}"#, r#"B A stop {"why":"x"}"#, "A B bye"], "conforms");
    check(spec, &[r#"B A stop {"why":"x"}"#, r#"A B tick {"n":1}"#], "violates 1 PL0610");
    // By its sides: a tick on its way when B stops is stale, and one behind the stop's arrival is wrong.
    let sided = |events: &[&str]| verdict_with(spec, "sides = true", events, |checker| checker);
    let (stop, tick) = (r#"B A stop {"why":"x"}"#, r#"A B tick {"n":1}"#);
    assert_eq!(
        sided(&[
            &format!("{tick} send"),
            &format!("{stop} send"),
            &format!("{tick} send"),
            &format!("{stop} receive"),
            "A B bye send",
            &format!("{tick} receive"),
            &format!("{tick} receive"),
            "A B bye receive",
        ]),
        "conforms"
    );
    assert_eq!(
        sided(&[&format!("{stop} send"), &format!("{stop} receive"), &format!("{tick} send")]),
        "violates 2 PL0610"
    );
}

#[test]
fn a_timeout_is_handled() {
    let spec = "protocol P(role A, role B) {
        try { A -> B: ask(); B -> A: answer(n: int) where n > 0; } on timeout 5s at A { A -> B: cancel(); } }";
    check(spec, &["A B ask @0", r#"B A answer {"n":1} @9000"#], "conforms");
    check(spec, &["A B ask @0", "A B cancel @4999.999"], "violates 1 PL0655");
    check(spec, &["A B ask @0", "A B cancel @5000"], "conforms");
    let map = "[events]\n\"@late\" = \"timeout A\"";
    assert_eq!(verdict_with(spec, map, &["A B ask @0", "A A @late @5000", "A B cancel @6000"], |c| c), "conforms");
    assert_eq!(verdict_with(spec, map, &["A B ask @0", "A A @late @4000"], |c| c), "violates 1 PL0655");
}

#[test]
fn crashes() {
    let spec = "protocol P(role A, unreliable role B) {
        try { A -> B: ask(n: int) where n > 0; B -> A: answer(); } on crash B { } }";
    let map = "[events]\n\"@kill\" = \"crash B\"";
    let ask = r#"A B ask {"n":1}"#;
    assert_eq!(verdict_with(spec, map, &[ask, "B B @kill"], |c| c), "conforms");
    assert_eq!(verdict_with(spec, map, &[ask, "B B @kill", "B A answer"], |c| c), "violates 2 PL0610");
}

#[test]
fn wires_and_endpoints() {
    let spec = "protocol P(role A, role B) {
        var sum<A>: int = 0;
        par { rec L { choice at A { A -> B: a(x: int) where x > 0; continue L; } or { A -> B: stop(); } } }
        and { rec M { choice at B { B -> A: b(y: int) set sum@A = sum + y; continue M; } or { B -> A: end(); } } }
        A -> B: total(n: int) where n == sum; }";
    let (b, end, stop) = (r#"B A b {"y":2}"#, "B A end", "A B stop");
    let total = r#"A B total {"n":4}"#;
    check(spec, &[b, stop, b, end, total], "conforms");
    check(spec, &[b, stop, end, total], "violates 3 PL0650");
    let wire = |events: &[&str]| verdict_with(spec, "observer = \"wire\"", events, |c| c);
    assert_eq!(wire(&[b, stop, b, end, total]), "conforms");
    assert_eq!(wire(&[b, b, total]), "violates 2 PL0610");
    assert_eq!(wire(&[b, stop, end, total]), "violates 3 PL0650");
    let at = |role: &str, events: &[&str]| verdict_with(spec, &format!("role = \"{role}\""), events, |c| c);
    assert_eq!(at("A", &[b, stop, b, end, total]), "conforms");
    assert_eq!(at("A", &[stop, b, end, total]), "violates 3 PL0650");
    // What B does not know it cannot check.
    assert_eq!(at("B", &[stop, b, end, total]), "conforms");
    assert_eq!(at("B", &[stop, r#"A B a {"x":1}"#]), "violates 1 PL0611");
}

#[test]
fn pipelining() {
    let spec = "@pipelined(C) protocol P(role C, role S) {
        var open<C, S>: bool = false;
        rec L { choice at C {
          C -> S: mail() where !open; choice at S { S -> C: ok() set open = true; } or { S -> C: no(); } continue L;
        } or {
          C -> S: data() where open; S -> C: go(); continue L;
        } or { C -> S: quit(); S -> C: bye(); } } }";
    check(spec, &["C S mail", "S C ok", "C S data", "S C go", "C S quit", "S C bye"], "conforms");
    // The first answer is not there yet when the second command is sent: whether it may is judged when it is.
    let spec_free = spec
        .replace("choice at S { S -> C: ok() set open = true; } or { S -> C: no(); }", "S -> C: ok() set open = true;");
    let without = spec_free.replace("@pipelined(C) ", "");
    check(&without, &["C S mail", "C S data"], "violates 1 PL0610");
    let ahead = verdict(&spec_free, &["C S mail", "C S quit", "S C ok", "S C bye"]);
    assert_eq!(ahead, "violates 1 PL0610", "the server takes one command at a time");
    let queue = "@pipelined(C) protocol P(role C, role S) {
        var todo<>: int = 0;
        par { rec L { choice at C { C -> S: cmd(); continue L; } or { C -> S: quit(); } } }
        and { rec M { choice at S { S -> C: ok(n: int) where n > 0; continue M; } or { S -> C: bye(); } } } }";
    check(queue, &["C S cmd", "C S cmd", r#"S C ok {"n":1}"#, "C S quit", r#"S C ok {"n":2}"#, "S C bye"], "conforms");
}

const FUNDS: &str = "
    extern predicate checked(int);
    def covered(cost: int, left: int) = cost <= left;
    protocol Funds(role A, role B) {
      var left: int = 10;
      rec X { choice at A {
        A -> B: pay(cost: int) requires covered(cost, left) requires checked(cost) set left = left - cost;
        continue X;
      } or { A -> B: share(n: int) requires checked(left / n); } }
    }";

#[test]
fn witnesses() {
    let (four, seven) = (r#"A B pay {"cost":4}"#, r#"A B pay {"cost":7}"#);
    check(FUNDS, &[four, four, r#"A B share {"n":2}"#], "conforms");
    check(FUNDS, &[four, seven], "violates 1 PL0662");
    // What is asked of the host is assumed, but its arguments must have values.
    check(FUNDS, &[four, r#"A B share {"n":0}"#], "violates 1 PL0651");
    let sessions = found(FUNDS, "", &log(&[four, seven]), |checker| checker);
    let [session] = &*sessions else { panic!() };
    assert_eq!(
        session.message.as_deref(),
        Some(
            "`pay` from `A` to `B`: it requires a witness of `covered(cost, left)`, which is false; left = 6, cost = 7"
        )
    );
    assert_eq!(session.assumed, ["checked"]);
    // By itself a receiver looks as far as it knows.
    let at = |role: &str, spec: &str, events: &[&str]| {
        verdict_with(spec, &format!("role = \"{role}\""), events, |checker| checker)
    };
    assert_eq!(at("B", FUNDS, &[four, seven]), "violates 1 PL0662");
    let own = FUNDS.replace("var left:", "var left<A>:");
    assert_eq!(at("A", &own, &[four, seven]), "violates 1 PL0662");
    assert_eq!(at("B", &own, &[four, seven]), "incomplete");
    check(&own, &[four, seven], "violates 1 PL0662");
}

/// A witness is its sender's, also of an action and of types that are written by hand.
#[test]
fn witnesses_of_actions_and_systems() {
    let spec = "
        def even(x: int) = x % 2 == 0;
        protocol P(role A, role B) { A: think(x: int) requires even(x); A -> B: tell(y: int) requires even(x + y); }";
    let think = |x: i64| format!(r#"A A think {{"x":{x}}}"#);
    let tell = |y: i64| format!(r#"A B tell {{"y":{y}}}"#);
    check(spec, &[&think(2), &tell(4)], "conforms");
    check(spec, &[&think(1)], "violates 0 PL0662");
    check(spec, &[&think(2), &tell(3)], "violates 1 PL0662");
    let system = "
        def even(x: int) = x % 2 == 0;
        system S(role A, role B) { A = B!tell(y: int) requires even(y). end; B = A?tell(y: int). end; }";
    check(system, &[&tell(4)], "conforms");
    check(system, &[&tell(3)], "violates 0 PL0662");
}

#[test]
fn secrets_are_never_shown() {
    let spec = "protocol P(role A, role B) {
        var kept: string = \"\"; var token: secret<string> = \"\";
        A -> B: login(user: string, password: string, key: secret<string>) set kept = password set token = key;
        A -> B: again(password: string, key: secret<string>) where password == kept where key == token;
        during interleave f each k: secret<string> { A -> B: open(k: secret<string>, n: int); A -> B: shut(k: secret<string>); } }";
    let map = "[redact]\nfields = [\"password\"]";
    let login = r#"A B login {"user":"ann","password":"hunter2","key":"sesame"}"#;
    let good = r#"A B again {"password":"hunter2","key":"sesame"}"#;
    for events in [
        vec![login, r#"A B again {"password":"hunter3","key":"sesame"}"#],
        vec![login, r#"A B again {"password":"hunter2","key":"sesame2"}"#],
        vec![login, r#"A B again {"password":"hunter2","key":["sesame"]}"#],
        vec![login, r#"A B again {"password":["hunter2"],"key":"sesame"}"#],
        vec![login, good, r#"A B open {"k":"sesame3","n":1}"#, r#"A B open {"k":"sesame3","n":1}"#],
        vec![login, good, r#"A B shut {"k":"sesame4"}"#],
    ] {
        let redaction = Redaction::new(b"key");
        let sessions = found(spec, map, &log(&events), |checker| checker.with_redaction(&redaction));
        let [session] = &*sessions else { panic!() };
        assert_eq!(session.verdict, Judgement::Violates, "{events:?}");
        let shown = format!("{session:?}");
        for secret in ["hunter", "sesame"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("secret:") || session.message.as_ref().unwrap().contains("fit"), "{shown}");
    }
}

#[test]
fn sessions_that_join() {
    let spec = "protocol P(role C, role S) {
        rec L [seq<C, S>: int = 0] {
          choice at C {
            C -> S: hello(...); S -> C: welcome(...); continue L [seq];
          } or {
            C -> S: say(n: int, ...) where n == seq + 1; continue L [seq + 1];
          } } }";
    let map = "
        [session.join]
        name = { label = \"welcome\", pointer = \"/payload/id\" }
        with = { label = \"hello\", pointer = \"/payload/resume\" }";
    let line = |session: &str, from: &str, to: &str, label: &str, payload: &str| {
        format!(r#"{{"session":"{session}","from":"{from}","to":"{to}","label":"{label}","payload":{payload}}}"#)
    };
    let text = |last: &str| {
        [
            line("c1", "C", "S", "hello", "{}"),
            line("c1", "S", "C", "welcome", r#"{"id":"S1"}"#),
            line("c1", "C", "S", "say", r#"{"n":1}"#),
            line("c2", "C", "S", "hello", r#"{"resume":"S1"}"#),
            line("c2", "S", "C", "welcome", r#"{"id":"S1"}"#),
            line("c2", "C", "S", "say", last),
            line("c3", "C", "S", "hello", r#"{"resume":"S9"}"#),
        ]
        .join("\n")
    };
    let words = |text: String| -> Vec<(String, &str, Option<u64>)> {
        let sessions = found(spec, map, &text, |checker| checker);
        sessions.into_iter().map(|session| (session.name, session.verdict.word(), session.at)).collect()
    };
    assert_eq!(
        words(text(r#"{"n":2}"#)),
        [("c1".to_owned(), "incomplete", None), ("c3".to_owned(), "incomplete", None)]
    );
    assert_eq!(words(text(r#"{"n":1}"#))[0], ("c1".to_owned(), "violates", Some(5)));
}

#[test]
fn fields_from_elsewhere() {
    let spec = "protocol P(role C, role S) {
        during interleave links each link: string {
          C -> S: open(link: string, id: int, ...);
          S -> C: close(link: string, id: int, ...) where true && true;
        } }";
    let map = "
        payload = \"/body\"
        [roles]
        \"client*\" = \"C\"
        server = \"S\"
        [inject.link]
        pointer = [\"/from\", \"/to\"]
        except = \"^server$\"
        join = [\"/body/conn\"]
        [fields.close]
        id = [\"/nowhere\", \"/about/id\"]";
    let text = r#"
        {"session":"s","from":"client1","to":"server","label":"open","body":{"conn":1,"id":7}}
        {"session":"s","from":"client2","to":"server","label":"open","body":{"conn":1,"id":7}}
        {"session":"s","from":"server","to":"client2","label":"close","body":{"conn":1},"about":{"id":7}}
        {"session":"s","from":"server","to":"client1","label":"close","body":{"conn":2},"about":{"id":7}}"#;
    let sessions = found(spec, map, text, |checker| checker);
    assert_eq!(sessions[0].at, Some(4));
    assert!(sessions[0].message.as_ref().unwrap().contains("client1/2"), "{:?}", sessions[0].message);
}

#[test]
fn labels_by_their_beginnings() {
    let spec = "protocol P(role A, role B) {
        var n: int = 0;
        during interleave f { A -> B: go() set n = n + 1; A -> B: a.x(); } interleave g { A -> B: `a.*`() where n < 2; } }";
    check(spec, &["A B a.y", "A B a.x", "A B go", "A B a.x"], "conforms");
    check(spec, &["A B go", "A B a.x", "A B go", "A B a.x", "A B a.x"], "violates 4 PL0650");
    check(spec, &["A B b.x"], "violates 0 PL0613");
}

#[test]
fn traces_in_specifications() {
    let spec = format!(
        "{METER}
        trace good accepts Meter {{ C -> M: open(10); C -> M: spend(4); M -> C: receipt(6); C -> M: close(); M -> C: refund(6); end; }}
        trace bad rejects Meter {{ C -> M: open(10); C -> M: spend(11); }}
        trace short accepts Meter {{ C -> M: open(10); end; }}
        trace blank accepts Meter {{ C -> M: open; C -> M: spend; }}"
    );
    let loaded = Loaded::new("spec", spec, &mut NoImports);
    let stated: Vec<(&str, bool)> = loaded
        .spec
        .traces
        .iter()
        .map(|trace| {
            let machines = Machines::of(&loaded.spec, trace.target).unwrap();
            let declared = check_trace(machines.subject(), machines.role(), trace);
            (declared.actual.word(), declared.as_stated)
        })
        .collect();
    assert_eq!(stated, [("accepts", true), ("rejects", true), ("incomplete", false), ("unknown", false)]);
}

/// All traces of a specification, as they are stated.
#[track_caller]
fn as_stated(spec: &str, count: usize) {
    let loaded = Loaded::new("spec", spec, &mut NoImports);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(loaded.spec.traces.len(), count);
    for trace in &loaded.spec.traces {
        let machines = Machines::of(&loaded.spec, trace.target).unwrap();
        let declared = check_trace(machines.subject(), machines.role(), trace);
        assert!(declared.as_stated, "`{}`: {declared:?}", trace.name);
    }
}

/// An assertion in front of a loop, a call, a scope, a jump, and at the end of a block: the event that it is about is
/// refused, no other is, and the next turn does not ask again.
#[test]
fn assertions_ahead() {
    as_stated(
        "
        protocol L(role A, role B) {
          A -> B: m(x: int);
          assert x > 0;
          rec X { choice at A { A -> B: n(); continue X; } or { A -> B: e(); } }
        }
        trace ok accepts L { A -> B: m(1); A -> B: n(); A -> B: e(); end; }
        trace ok1 accepts L { A -> B: m(1); A -> B: e(); end; }
        trace bad0 rejects L { A -> B: m(0); A -> B: n(); }
        trace bad1 rejects L { A -> B: m(0); A -> B: e(); }
        aux protocol Plain(role X, role Y) { X -> Y: p(); Y -> X: q(); }
        protocol C(role A, role B) { B -> A: m(x: int); assert x != 3; do Plain(A, B); do Plain(B, A); }
        trace c1 accepts C { B -> A: m(2); A -> B: p(); B -> A: q(); B -> A: p(); A -> B: q(); end; }
        trace c2 rejects C { B -> A: m(3); A -> B: p(); }
        protocol S(role A, role B, role D) {
          A -> B: m(x: int);
          assert x > 0;
          par { A -> B: n(); } and { A -> D: o(); D -> A: q(); }
        }
        trace s1 accepts S { A -> B: m(1); A -> D: o(); A -> B: n(); D -> A: q(); end; }
        trace s2 rejects S { A -> B: m(0); A -> D: o(); }
        trace s3 rejects S { A -> B: m(0); A -> B: n(); }
        protocol E(role A, role B) {
          rec X {
            choice at A { A -> B: m(x: int); assert x > 0; } or { A -> B: k(); }
            choice at A { assert 2 > 1; A -> B: again(); continue X; } or { A -> B: done(); }
          }
        }
        trace e1 accepts E { A -> B: m(1); A -> B: again(); A -> B: k(); A -> B: done(); end; }
        trace e2 rejects E { A -> B: m(0); A -> B: again(); }
        trace e3 rejects E { A -> B: m(0); A -> B: done(); }
        trace e4 rejects E { A -> B: m(1); A -> B: again(); A -> B: m(0); A -> B: done(); }
        protocol F(role A, role B) {
          A -> B: m(x: int);
          choice at A { assert x > 0; rec Y { A -> B: n(); choice at B { B -> A: more(); continue Y; } or { B -> A: stop(); } } }
          or { A -> B: q(); rec Y { A -> B: n(); choice at B { B -> A: more(); continue Y; } or { B -> A: stop(); } } }
        }
        trace f1 accepts F { A -> B: m(0); A -> B: q(); A -> B: n(); B -> A: more(); A -> B: n(); }
        trace f2 rejects F { A -> B: m(0); A -> B: n(); }
        trace f3 accepts F { A -> B: m(1); A -> B: n(); }
        protocol J(role A, role B) {
          rec X [t<A>: int = 0] { A -> B: m(); choice at A { A -> B: go(); assert t < 2; continue X [t + 1]; } or { A -> B: stop(); } }
        }
        trace j1 accepts J { A -> B: m(); A -> B: go(); A -> B: m(); A -> B: go(); A -> B: m(); A -> B: go(); }
        trace j2 rejects J { A -> B: m(); A -> B: go(); A -> B: m(); A -> B: go(); A -> B: m(); A -> B: go(); A -> B: m(); }",
        18,
    );
}

/// Who calls invites, and nobody need show that; the roles that a callee creates are there, one for each call as it is
/// written.
#[test]
fn calls_invite_and_create() {
    as_stated(
        "
        protocol P(role A, role B, role C) {
          nested protocol Q(role X, role Y; new role W) { X -> W: m(); W -> Y: n(); }
          A -> B: hi();
          A calls Q(B, C);
          rec L { choice at A { A calls Q(A, B); A -> C: x(); continue L; } or { A -> B: bye(); A -> C: bye(); } }
        }
        trace t accepts P { A -> B: hi(); B -> W: m(); W -> C: n(); A -> B: bye(); A -> C: bye(); end; }
        trace u accepts P { A -> B: hi(); B -> W: m(); W -> C: n(); A -> W2: m(); W2 -> B: n(); A -> C: x(); A -> B: bye(); A -> C: bye(); end; }
        trace v rejects P { A -> B: hi(); W -> C: n(); }
        protocol D(role A, role B) { do E(A, B); do E(B, A); }
        aux protocol E(role X, role Y; new role W) { X -> W: m(); W -> Y: n(); }
        trace d accepts D { A -> W: m(); W -> B: n(); B -> W2: m(); W2 -> A: n(); end; }
        explicit protocol Open(role A, role B) { connect A to B; A -> B: m(); disconnect A and B; }
        trace shown accepts Open { A -> B: m(); end; }
        trace twice rejects Open { A -> B: m(); A -> B: m(); }
        trace own accepts Open@B { A -> B: m(); end; }
        trace wire accepts Open seen at send { A -> B: m(); end; }",
        8,
    );
}

/// A label that ends in `*` stands for all that begin so, in a trace of a specification as in a log.
#[test]
fn labels_by_their_beginnings_in_specifications() {
    as_stated(
        "protocol Wild(role A, role B) {
           rec X { choice at A { A -> B: `x-*`(v: int{v > 0}); continue X; } or { A -> B: session.hello(); } }
         }
         trace some accepts Wild { A -> B: `x-foo`(1); A -> B: `x-`(2); A -> B: session.hello(); end; }
         trace other rejects Wild { A -> B: `y-foo`(1); }
         trace edge rejects Wild { A -> B: `x-foo`(0); }",
        3,
    );
}

/// What is beyond the kernel is covered by region; nothing is counted twice, and nothing that was not seen.
#[test]
fn coverage_beyond_the_kernel() {
    let spec = "protocol P(role A, role B) {
        during { A -> B: open(); A -> B: close(); }
        interleave jobs each k: int { A -> B: job(k: int); choice at B { B -> A: done(k: int); } or { B -> A: lost(k: int); } }
      }";
    let shares = |events: &[&str]| {
        let loaded = Loaded::new("spec", spec, &mut NoImports);
        let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
        let map = Map::default();
        let mut checker = Checker::new(machines.subject(), &map).with_coverage();
        let mut none = |_: Finding| {};
        checker.feed(log(events).as_bytes(), &mut none);
        checker.finish(&mut none);
        let (states, transitions, pairs, unseen) =
            checker.coverage().unwrap().report_program(machines.program().unwrap());
        let missing = [states, transitions, pairs].iter().map(|share| share.all - share.seen).sum::<usize>();
        assert_eq!(missing, unseen.len());
        ((transitions.seen, transitions.all), (pairs.seen, pairs.all))
    };
    // Each role: open, close, job, done, lost.
    assert_eq!(shares(&[]).0, (0, 10));
    assert_eq!(shares(&["A B open"]), ((2, 10), (0, 6)));
    let job = r#"A B job {"k":1}"#;
    let done = r#"B A done {"k":1}"#;
    assert_eq!(shares(&["A B open", job, done, "A B close"]), ((8, 10), (4, 6)));
    // What is refused is not counted.
    assert_eq!(shares(&["A B open", job, job]).0, (4, 10));
    let other = [r#"A B job {"k":2}"#, r#"B A lost {"k":2}"#];
    assert_eq!(shares(&["A B open", job, done, other[0], other[1], "A B close"]), ((10, 10), (6, 6)));
}

#[test]
fn memory_does_not_grow_with_the_log() {
    let instances: u64 = if std::env::var_os("POLYLOGUE_LONG").is_some() { 250_000 } else { 2_500 };
    let spec = "protocol P(role A, role B) {
        during interleave f each k: int rising {
          var n: int = 0;
          A -> B: open(k: int, x: int) set n = x;
          B -> A: step(k: int, y: int) where y == n + 1;
          B -> A: shut(k: int);
        } }";
    let loaded = Loaded::new("spec", spec, &mut NoImports);
    let map = Map::default();
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    let mut checker = Checker::new(machines.subject(), &map);
    let mut none = |finding: Finding| panic!("{finding:?}");
    let line = |from: &str, to: &str, label: &str, payload: &str| {
        format!("{{\"from\":\"{from}\",\"to\":\"{to}\",\"label\":\"{label}\",\"payload\":{payload}}}\n")
    };
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).map(str::to_owned);
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    let mut warm = 0;
    for k in 1..=instances {
        checker.feed(line("A", "B", "open", &format!("{{\"k\":{k},\"x\":{k}}}")).as_bytes(), &mut none);
        checker.feed(line("B", "A", "step", &format!("{{\"k\":{k},\"y\":{}}}", k + 1)).as_bytes(), &mut none);
        checker.feed(line("B", "A", "shut", &format!("{{\"k\":{k}}}")).as_bytes(), &mut none);
        if k == instances / 10 {
            warm = resident();
        }
    }
    let grown = resident().saturating_sub(warm);
    assert!(grown < 4_096, "{grown} kB more after {instances} instances");
    assert_eq!(checker.totals().events, 3 * instances);
}

/// Any JSON.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?",
        "[a-zA-Z0-9 ./:-]{0,12}".prop_map(|text| serde_json::Value::String(text).to_string()),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(("(deposit|cost|left|rest|job|n|k|total|x)", inner), 0..4).prop_map(|all| {
                let mut known = BTreeSet::new();
                let fields = all.into_iter().filter(|(name, _)| known.insert(name.clone()));
                let fields: Vec<String> = fields.map(|(name, value)| format!("{name:?}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any payload anywhere gives an answer, and the general way to read lines gives the same.
    #[test]
    fn any_payload_gives_an_answer(payloads in prop::collection::vec((0..8_usize, json()), 1..6)) {
        let labels = ["C M open", "C M spend", "M C receipt", "C R submit", "R C event", "R C result", "C M close", "C R bye"];
        for (spec, names) in [(METER, ["C", "M"]), (JOBS, ["C", "R"])] {
            let mut text = String::new();
            for (at, payload) in &payloads {
                let mut parts = labels[*at].split(' ');
                let (from, to, label) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
                if names.contains(&from) && names.contains(&to) {
                    let line = format!(r#"{{"from":"{from}","to":"{to}","label":"{label}","payload":{payload}}}"#);
                    writeln!(text, "{line}").unwrap();
                }
            }
            let fast = found(spec, "", &text, |checker| checker);
            let general = found(spec, "", &text, |checker| checker.general());
            prop_assert_eq!(fast, general);
        }
    }
}

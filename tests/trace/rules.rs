//! What is refused because of data, time or keys: the code, the rule that is named, and what the names in it held.

use polylogue::{
    diag::Code,
    trace::{Checker, Finding, Machines, Map, target},
};

use super::common::{check, spec, text};

/// `TIME A->B:label {payload}`, one per line, as a log of one session.
fn timed(events: &str) -> String {
    let mut out = String::new();
    for event in events.split(';').map(str::trim).filter(|event| !event.is_empty()) {
        let (time, event) = event.split_once(' ').unwrap();
        let (ends, rest) = event.split_once(':').unwrap();
        let (from, to) = ends.split_once("->").unwrap_or((ends, ends));
        let (label, payload) = rest.split_once(' ').unwrap_or((rest, "{}"));
        out += &format!(
            "{{\"session\":\"s\",\"ts\":{time},\"from\":\"{from}\",\"to\":\"{to}\",\"label\":\"{label}\",\"payload\":{payload}}}\n"
        );
    }
    out
}

/// What is found, without what was expected instead.
fn found(spec: &str, events: &str) -> String {
    let found = text(&check(spec, "", timed(events)));
    found.split(" expected [").next().unwrap().trim_end().to_owned()
}

/// A specification, a log that conforms, and one with a refused last event: the code, and what is said besides.
const RULES: &[(&str, &str, &str, &str, &[&str])] = &[
    // A `where` that reads a variable.
    (
        "protocol P(role A, role B) { var left: int = 10; rec X { A -> B: take(k: int) where k <= left set left = left - k; continue X; } }",
        "0 A->B:take {\"k\":3}; 1 A->B:take {\"k\":7}; 2 A->B:take {\"k\":0}",
        "0 A->B:take {\"k\":3}; 1 A->B:take {\"k\":8}",
        "PL0650",
        &["`k <= left` is false", "k = 8", "left = 7"],
    ),
    // A condition that cannot be computed.
    (
        "protocol P(role A, role B) { var m: map<string, int> = {\"a\": 1}; A -> B: ask(k: string, n: int) where m[k] == n; }",
        "0 A->B:ask {\"k\":\"a\",\"n\":1}",
        "0 A->B:ask {\"k\":\"b\",\"n\":1}",
        "PL0651",
        &["`ask` from `A` to `B`", "`m[k] == n`"],
    ),
    // What is false decides over what has no value, in whatever order they are written.
    (
        "protocol P(role A, role B) { var todo: list<int> = [1]; during where size(todo) > 0 interleave x { A -> B: ask(k: int) where todo[0] == k set todo = tail(todo); } }",
        "0 A->B:ask {\"k\":1}",
        "0 A->B:ask {\"k\":1}; 1 A->B:ask {\"k\":1}",
        "PL0650",
        &["`size(todo) > 0` is false", "todo = []"],
    ),
    // A value that a variable cannot have.
    (
        "protocol P(role A, role B) { var left: int{left >= 0} = 10; A -> B: take(k: int) set left = left - k; }",
        "0 A->B:take {\"k\":10}",
        "0 A->B:take {\"k\":11}",
        "PL0652",
        &["an invariant would not hold any more", "`left >= 0`"],
    ),
    // No such instance.
    (
        "protocol P(role A, role B) { during interleave jobs each id: int { A -> B: open(id: int); A -> B: close(id: int); } }",
        "0 A->B:open {\"id\":1}; 1 A->B:open {\"id\":2}; 2 A->B:close {\"id\":1}",
        "0 A->B:open {\"id\":1}; 1 A->B:open {\"id\":2}; 2 A->B:close {\"id\":3}",
        "PL0653",
        &["`jobs` has no instance 3"],
    ),
    // A key twice.
    (
        "protocol P(role A, role B) { during interleave jobs each id: int { A -> B: open(id: int); A -> B: close(id: int); } }",
        "0 A->B:open {\"id\":1}; 1 A->B:close {\"id\":1}; 2 A->B:open {\"id\":2}",
        "0 A->B:open {\"id\":1}; 1 A->B:close {\"id\":1}; 2 A->B:open {\"id\":1}",
        "PL0654",
        &["the key 1 of `jobs` was used before"],
    ),
    // Before the window, and behind it, one tick each.
    (
        "protocol P(role A, role B) { A -> B: a(); B -> A: b() within [5ms, 8ms]; }",
        "0 A->B:a; 5 B->A:b",
        "0 A->B:a; 4 B->A:b",
        "PL0655",
        &["it may not come before"],
    ),
    (
        "protocol P(role A, role B) { A -> B: a(); choice at B { B -> A: b() within 8ms; } or { B -> A: late(); } }",
        "0 A->B:a; 8 B->A:b",
        "0 A->B:a; 9 B->A:b",
        "PL0656",
        &["it had to come by"],
    ),
    // All that a role could do has a time, which is over.
    (
        "protocol P(role A, role B, role C) { par { A -> B: a(); B -> A: b() within 8ms; } and { C: c; C: d; } }",
        "0 C:c; 1 A->B:a; 9 C:d",
        "0 C:c; 1 A->B:a; 10 C:d",
        "PL0657",
        &["`B` owed a step until"],
    ),
    // A key that must be unique, with its time.
    (
        "protocol P(role A, role B) { rec X { A -> B: m(id: int) unique by (id) for 10ms; continue X; } }",
        "0 A->B:m {\"id\":1}; 1 A->B:m {\"id\":2}; 11 A->B:m {\"id\":1}",
        "0 A->B:m {\"id\":1}; 1 A->B:m {\"id\":2}; 9 A->B:m {\"id\":1}",
        "PL0658",
        &["the key of `unique by (id)` came before"],
    ),
    // A repetition changes nothing; with other content it is none.
    (
        "protocol P(role A, role B) { A -> B: m(id: int, n: int) idempotent by (id); B -> A: done(); }",
        "0 A->B:m {\"id\":1,\"n\":2}; 1 A->B:m {\"id\":1,\"n\":2}; 2 B->A:done",
        "0 A->B:m {\"id\":1,\"n\":2}; 1 A->B:m {\"id\":1,\"n\":3}",
        "PL0659",
        &["the key of `idempotent by (id)` came before with other content"],
    ),
];

#[test]
fn rules_are_named() {
    let mut wrong = Vec::new();
    for (spec, good, bad, code, said) in RULES {
        let report = check(spec, "", timed(good));
        assert!(report.conforms() && report.bad.is_empty(), "{spec}\n{good}\n{}", text(&report));
        let events = bad.split(';').count();
        let shown = found(spec, bad);
        let as_expected = shown.starts_with(&format!("s violates {events} at {} {code} ", events - 1));
        if !as_expected || !said.iter().all(|said| shown.contains(said)) {
            wrong.push(format!("{spec}\n{bad}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A declared bound is a bound on what is on its way.
#[test]
fn a_full_edge() {
    let bounded = "protocol P(role A, role B) { channel A -> B: bounded(1); var n: int = 0; A -> B: m() set n = 1; A -> B: n(); }";
    let report =
        check(bounded, "sides = true", timed("0 A->B:m; 1 A->B:n").replace("\"ts\"", "\"dir\":\"send\",\"ts\""));
    assert_eq!(report.sessions[0].code.map(Code::id), Some("PL0661"), "{}", text(&report));
}

/// Without data too.
#[test]
fn a_full_edge_of_the_kernel() {
    let bounded = "protocol P(role A, role B) { channel A -> B: bounded(1); A -> B: m(); A -> B: n(); }";
    let log = timed("0 A->B:m; 1 A->B:n").replace("\"ts\"", "\"dir\":\"send\",\"ts\"");
    let report = check(bounded, "sides = true", log);
    assert_eq!(report.sessions[0].code.map(Code::id), Some("PL0661"), "{}", text(&report));
}

/// What requires a witness of something false, and what failed although it may not.
#[test]
fn witnesses_and_attempts() {
    let spec =
        "def small(x: int) = x < 2; protocol P(role A, role B) { var n: int = 3; A -> B: m() requires small(n); }";
    let report = check(spec, "", timed("0 A->B:m"));
    assert_eq!(report.sessions[0].code.map(Code::id), Some("PL0662"), "{}", text(&report));
    let spec = "protocol P(role A, role B) { var n: int = 0; A -> B: m() set n = 1; }";
    let log = timed("0 A->B:m").replace("\"ts\"", "\"retry\":true,\"ts\"");
    let report = check(spec, "retry = \"retry\"", log);
    assert_eq!(report.sessions[0].code.map(Code::id), Some("PL0663"), "{}", text(&report));
}

/// A million keys are remembered; beyond, nothing can be said.
#[test]
fn remembered_keys_are_limited() {
    let spec = spec("protocol P(role A, role B) { rec X { A -> B: m(id: int) unique by (id); continue X; } }");
    let machines = Machines::of(&spec, target(&spec, None).unwrap()).unwrap();
    let map = Map::default();
    let mut checker = Checker::new(machines.subject(), &map);
    let mut sessions = Vec::new();
    let mut note = |finding| match finding {
        Finding::Session(session) => sessions.push(session),
        Finding::Line(line) => panic!("{line:?}"),
    };
    for chunk in 0..1_001 {
        let lines: String = (0..1_000)
            .map(|n| {
                format!(
                    "{{\"from\":\"A\",\"to\":\"B\",\"label\":\"m\",\"payload\":{{\"id\":{}}}}}\n",
                    chunk * 1_000 + n
                )
            })
            .collect();
        checker.feed(lines.as_bytes(), &mut note);
    }
    checker.finish(&mut note);
    let [session] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!(
        (session.verdict.word(), session.code.map(Code::id), session.at),
        ("unknown", Some("PL0660"), Some(1_000_000))
    );
}

#[test]
fn maps_of_events_and_fields() {
    let wrong = Map::parse("[events]\nx = \"reboot A\"").unwrap_err();
    assert_eq!(format!("{wrong} {}", wrong.code), "2:5: `reboot A` is no event PL0635");
    let spec = spec("protocol P(role A, role B) { A -> B: m(amount: int); }");
    let map = Map::parse("[fields.\"m\"]\namout = \"/total\"").unwrap();
    let found = map.check(&spec.protocols[0].header, &spec.names);
    let found: Vec<String> = found.iter().map(|error| format!("{error} {} {:?}", error.code, error.help)).collect();
    assert_eq!(
        found,
        ["2:1: no message of the specification has the field `amout` PL0636 Some(\"did you mean `amount`?\")"]
    );
}

//! The text of every finding, who is to blame, and what would have been allowed.

use polylogue::{
    diag::CATALOGUE,
    trace::{Checker, Machines, Map, Unseen, check_trace, target},
};

use super::common::{check, log, spec, text};

const BUYERS: &str = "protocol TwoBuyer(role Alice, role Bob, role Seller) {
  Alice -> Seller: title(name: string);
  Seller -> Alice: quote(price: int);
  Seller -> Bob: quote(price: int);
  Bob: think;
  choice at Bob { Bob -> Seller: ok(address?: string); Bob -> Alice: ok(); }
  or { Bob -> Seller: quit(); Bob -> Alice: quit(); }
}";
const GOOD: &str = "Alice->Seller:title {\"name\":\"x\"}; Seller->Alice:quote {\"price\":30}; Seller->Bob:quote {\"price\":3e1}; \
                    Bob:think; Bob->Seller:ok; Bob->Alice:ok";

fn after(events: usize, then: &str) -> String {
    let events: Vec<&str> = GOOD.split(';').take(events).chain([then]).collect();
    text(&check(BUYERS, "", log(&events.join(";")))).trim_end().to_owned()
}

#[test]
fn a_good_run_conforms() {
    assert_eq!(after(6, ""), "s conforms 6");
    assert_eq!(
        after(4, ""),
        "s incomplete 4 PL0620 the trace stops before the end of the session expected [Bob send Seller ok(address?: string), \
         Bob send Seller quit()]"
    );
}

#[test]
fn every_finding_says_what_and_who() {
    assert_eq!(
        after(1, "Seller->Bob:quote {\"price\":1}"),
        "s violates 2 at 1 PL0610 `Seller` may not send `quote` to `Bob` here blame Seller expected [Seller send Alice \
         quote(price: int)]"
    );
    assert_eq!(
        after(3, "Bob->Seller:quit"),
        "s violates 4 at 3 PL0610 `Bob` may not send `quit` to `Seller` here blame Bob expected [Bob act - think]"
    );
    assert_eq!(
        after(4, "Bob:think"),
        "s violates 5 at 4 PL0610 `Bob` may not do `think` here blame Bob expected [Bob send Seller ok(address?: string), Bob \
         send Seller quit()]"
    );
    assert_eq!(
        after(0, "Alize->Seller:title"),
        "s violates 1 at 0 PL0612 `TwoBuyer` has no role `Alize` (did you mean `Alice`?) blame Alize expected [Alice send \
         Seller title(name: string)]"
    );
    assert_eq!(
        after(0, "Alice->Seller:titel"),
        "s violates 1 at 0 PL0613 `TwoBuyer` has no message `titel` (did you mean `title`?) blame Alice expected [Alice send \
         Seller title(name: string)]"
    );
    assert_eq!(
        after(0, "Seller->Alice:title"),
        "s violates 1 at 0 PL0614 `Seller` never sends `title` to `Alice` (`Alice` sends it to `Seller`) blame Seller expected \
         [Alice send Seller title(name: string)]"
    );
    assert_eq!(
        after(0, "Alice->Seller:title {\"name\":5}"),
        "s violates 1 at 0 PL0615 `title` from `Alice` to `Seller`: field `name` is `5`, not `string` blame Alice expected \
         [Alice send Seller title(name: string)]"
    );
    assert_eq!(
        after(6, "Alice->Seller:title {\"name\":\"x\"}"),
        "s violates 7 at 6 PL0616 the session was over after line 6 blame Alice expected [end]"
    );
    assert_eq!(
        after(0, "Alice->Seller:title {\"name\":\"x\",\"name\":\"y\"}"),
        "s violates 1 at 0 PL0603 the payload has the key `name` twice blame Alice expected [Alice send Seller title(name: \
         string)]"
    );
    assert_eq!(
        after(0, "Alice->Seller:title {\"name\":\"\\ud800\"}").split(" expected").next().unwrap(),
        "s violates 1 at 0 PL0604 the payload has half of a surrogate pair blame Alice"
    );
    let system = "system T(role P, role Q) { P = Q!a(). end; Q = P?b(). end; }";
    assert_eq!(
        text(&check(system, "", log("P->Q:a"))),
        "s violates 1 at 0 PL0611 `Q` may not receive `a` from `P` here blame Q\n"
    );
}

#[test]
fn lines_that_are_no_events() {
    let good = log("Alice->Seller:title {\"name\":\"x\"}");
    let mut bytes = Vec::new();
    for line in [
        "{\"from\":",
        "[1]",
        "{\"from\":\"a\",\"to\":\"b\"}",
        "{\"from\":1,\"to\":\"b\",\"label\":\"c\"}",
        "{\"session\":[],\"from\":\"a\",\"to\":\"b\",\"label\":\"c\"}",
        "{\"from\":\"a\",\"from\":\"b\"}",
        "{\"from\":\"\\udc00\",\"to\":\"b\",\"label\":\"c\"}",
        "",
        "  ",
        "{} x",
        "7 7",
    ] {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(b"{\"from\":\"\xff\"}\n");
    bytes.extend_from_slice(good.as_bytes());
    let spoiled = good.replace("\"x\"", "\"x?\"");
    let at = spoiled.find('?').unwrap();
    let mut spoiled = spoiled.into_bytes();
    spoiled[at] = 0xff;
    bytes.extend_from_slice(&spoiled);
    assert_eq!(
        text(&check(BUYERS, "", &bytes)),
        "line 0 PL0601 not JSON: expected a value at byte 9\n\
         line 1 PL0602 an event is an object, and this is not\n\
         line 2 PL0602 the event has no `label` (every event has the strings `from`, `to` and `label`)\n\
         line 3 PL0602 `from` must be a string\n\
         line 4 PL0602 `session` must be a number or a string\n\
         line 5 PL0603 the key `from` stands twice\n\
         line 6 PL0604 half of a surrogate pair is no text\n\
         line 9 PL0601 not JSON: expected the end of the line at byte 4\n\
         line 10 PL0601 not JSON: expected the end of the line at byte 3\n\
         line 11 PL0604 the bytes are not UTF-8\n\
         s violates 2 at 13 PL0604 the payload has bytes that are not UTF-8 blame Alice expected [Seller send Alice \
         quote(price: int)]\n"
    );
}

#[test]
fn last_events_are_kept() {
    let loop_of = "protocol L(role A, role B) { rec X { A -> B: a(); B -> A: b(); continue X; } }";
    let events = "A->B:a;B->A:b;".repeat(10) + "B->A:b";
    let report = check(loop_of, "", log(&events));
    let last: Vec<(u64, &str)> = report.sessions[0].last.iter().map(|past| (past.at, &*past.label)).collect();
    assert_eq!(last, [(12, "a"), (13, "b"), (14, "a"), (15, "b"), (16, "a"), (17, "b"), (18, "a"), (19, "b")]);
    assert_eq!(report.sessions[0].at, Some(20));
}

#[test]
fn secrets_are_not_shown() {
    let secret = "protocol P(role A, role B) { A -> B: login(pin: secret<int>, note?: {deep: list<secret<string>>}); }";
    for payload in ["{\"pin\":\"hunter2\"}", "{\"pin\":1,\"note\":{\"deep\":[7]}}"] {
        let report = check(secret, "", log(&format!("A->B:login {payload}")));
        assert_eq!(report.sessions[0].payload, None);
        let all = format!("{:?}", report.sessions[0]);
        assert!(all.contains("PL0615") && !all.contains("hunter2") && !all.contains("`7`"), "{all}");
    }
    let open = "protocol P(role A, role B) { A -> B: login(pin: int); }";
    let report = check(open, "", log("A->B:login {\"pin\":\"hunter2\"}"));
    assert_eq!(report.sessions[0].payload.as_deref(), Some("{\"pin\":\"hunter2\"}"));
}

/// Sort, values that fit, values that do not.
const SORTS: &[(&str, &[&str], &[&str])] = &[
    ("unit", &["null", "{}"], &["1", "{\"a\":1}"]),
    ("bool", &["true", "false"], &["\"true\"", "0", "null"]),
    (
        "int",
        &["0", "-0", "1.0", "1e3", "\"12\"", "\"-1.50e1\"", "1e999999999", "10e-1", "123456789012345678901234567890"],
        &["1.5", "1e-1", "\"1.5\"", "\" 1\"", "\"\"", "\"01\"", "\"+1\"", "true", "null", "[1]", "15e-2"],
    ),
    ("uint", &["0", "-0", "1", "\"7\"", "-0.0e5"], &["-1", "\"-1\"", "0.5"]),
    ("decimal", &["1.5", "\"1.50\"", "-1e-7", "3"], &["\"1,5\"", "\"NaN\"", "null"]),
    ("float", &["1.5", "1", "-1e300"], &["\"1.5\"", "null"]),
    ("string", &["\"\"", "\"é\\n\""], &["1", "null"]),
    ("bytes", &["\"\"", "\"aGk=\"", "\"aGk\"", "\"_-_-\""], &["\"a\"", "\"aGk==\"", "\"a b=\"", "\"+_==\"", "1"]),
    ("uuid", &["\"123e4567-e89b-12d3-A456-426614174000\""], &["\"123e4567e89b12d3a456426614174000\"", "\"\"", "1"]),
    (
        "timestamp",
        &["1795229347639", "1.5", "\"2026-11-21T02:11:11.234Z\"", "\"2024-02-29t00:00:60+01:30\""],
        &[
            "\"2026-02-29T00:00:00Z\"",
            "\"2026-11-21\"",
            "\"2026-11-21T25:00:00Z\"",
            "\"2026-11-21T02:11:11\"",
            "\"2026-11-21T02:11:11.Z\"",
            "null",
        ],
    ),
    (
        "duration",
        &["\"5s\"", "\"250ms\"", "\"2m\"", "\"1h\"", "1500"],
        &["\"5\"", "\"s\"", "\"5 s\"", "\"5d\"", "null"],
    ),
    ("json", &["1", "null", "{\"a\":[1,{}]}"], &[]),
    ("list<int>", &["[]", "[1,\"2\"]"], &["[1,\"x\"]", "{}", "null"]),
    ("set<int>", &["[]", "[1,2]"], &["[1,1.0]", "[1,\"10e-1\"]"]),
    ("set<json>", &["[{\"a\":1,\"b\":2},{\"a\":1}]", "[1,\"1\"]"], &["[{\"a\":1,\"b\":2},{\"b\":2.0,\"a\":1}]"]),
    (
        "map<string, int>",
        &["{}", "{\"a\":1}", "[[\"a\",1]]"],
        &["{\"a\":\"x\"}", "[[\"a\",1],[\"a\",2]]", "[[\"a\"]]", "1"],
    ),
    ("map<int, bool>", &["[[1,true],[2,false]]", "{\"1\":true}"], &["[[1,true],[1.0,false]]", "{\"x\":true}"]),
    ("option<int>", &["null", "1"], &["\"x\""]),
    ("secret<int>", &["1"], &["\"x\""]),
    (
        "{a: int, b?: string}",
        &["{\"a\":1}", "{\"b\":\"\",\"a\":1}"],
        &["{}", "{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":null}", "[]"],
    ),
    ("{a: int, ...}", &["{\"a\":1,\"c\":1}"], &["{\"c\":1}"]),
    ("enum {red, green}", &["\"red\""], &["\"blue\"", "0"]),
    ("Unknown.Java", &["1", "null", "[{}]"], &[]),
];

#[test]
fn sorts_in_json() {
    for &(sort, good, bad) in SORTS {
        let named = format!("protocol P(role A, role B) {{ A -> B: m(x: {sort}); }}");
        let bare = format!("protocol P(role A, role B) {{ A -> B: m({sort}); }}");
        let two = format!("protocol P(role A, role B) {{ A -> B: m({sort}, int); }}");
        for (values, fits) in [(good, true), (bad, false)] {
            for value in values {
                let ways = [(&named, format!("{{\"x\":{value}}}")), (&two, format!("[{value},1]"))];
                for (spec, payload) in &ways {
                    let report = check(spec, "", log(&format!("A->B:m {payload}")));
                    assert_eq!(report.conforms(), fits, "{sort}: {payload}: {}", text(&report));
                    let code = report.sessions[0].code.map(|code| code.id());
                    assert!(fits || code == Some("PL0615"), "{sort} {payload} {code:?}");
                }
                if fits {
                    let report = check(&bare, "", log(&format!("A->B:m {value}")));
                    assert!(report.conforms(), "{sort}: {value}");
                }
            }
        }
    }
}

#[test]
fn payloads_that_are_free_or_empty() {
    let of = |signature: &str, payload: &str| {
        let spec = format!("protocol P(role A, role B) {{ A -> B: m{signature}; }}");
        check(&spec, "", log(&format!("A->B:m {payload}"))).conforms()
    };
    for payload in ["null", "{}", "[]", "1", "{\"a\":1}"] {
        assert!(of("", payload) && of("(...)", payload));
        assert_eq!(of("()", payload), ["null", "{}", "[]"].contains(&payload));
    }
    // Where one label stands with several signatures, each that fits is followed.
    let spec = "protocol P(role A, role B) { choice at A { A -> B: m(x: int); A -> B: one(); } or { A -> B: m(y: string); A -> \
                B: two(); } }";
    assert!(check(spec, "", log("A->B:m {\"x\":1}; A->B:one")).conforms());
    assert!(check(spec, "", log("A->B:m {\"y\":\"\"}; A->B:two")).conforms());
    assert_eq!(check(spec, "", log("A->B:m {\"y\":\"\"}; A->B:one")).sessions[0].at, Some(1));
    let paths = "protocol P(role A, role B) { A -> B: m(items: list<{price: int}>, of: map<string, int>); }";
    let report = check(paths, "", log("A->B:m {\"items\":[{\"price\":1},{\"price\":[]}],\"of\":{}}"));
    assert!(text(&report).contains("field `items[1].price` is an array, not `int`"), "{}", text(&report));
    let report = check(paths, "", log("A->B:m {\"items\":[],\"of\":{\"a b\":true}}"));
    assert!(text(&report).contains("field `of[\"a b\"]` is `true`, not `int`"), "{}", text(&report));
}

#[test]
fn traces_in_specifications() {
    let spec = spec(
        "protocol P(role A, role B, role C) { A -> B: a(x: int); A -> C: b(); B -> C: c(); }
        trace t0 accepts P { A -> B: a(1); A -> C: b(); B -> C: c(); end; }
        trace t1 accepts P { A -> B: a(x: 1); }
        trace t2 accepts P { A -> B: a(1); end; }
        trace t3 rejects P { A -> B: a(1); B -> C: c(); }
        trace t4 rejects P { A -> B: a(\"x\"); }
        trace t5 rejects P { B -> C: c(); A -> B: a(1); }
        trace t6 rejects P { A -> B: a(1); A -> C: b(); }
        trace t7 accepts P seen at send { A -> B: a; B -> C: c(); A -> C: b(); end; }
        trace t8 accepts P seen at C { A -> C: b(); B -> C: c(); end; }
        trace t9 accepts P { A ! B: a(1); A ! C: b(); B ? A: a(1); C ? A: b(); B -> C: c(); end; }
        trace t10 rejects P { A ! B: a(1); B -> C: c(); }
        trace t11 rejects P { A -> B: a(1); B -> C: nothing(); }
        trace t12 accepts P@B { A -> B: a(1); B -> C: c(); end; }",
    );
    let results: Vec<String> = spec
        .traces
        .iter()
        .map(|trace| {
            let machines = Machines::of(&spec, trace.target).unwrap();
            let result = check_trace(machines.subject(), machines.role(), trace);
            format!("{} {} {:?} {}", trace.name, result.actual.word(), result.at, result.as_stated)
        })
        .collect();
    assert_eq!(
        results,
        [
            "t0 accepts None true",
            "t1 accepts None true",
            "t2 incomplete None false",
            "t3 rejects Some(1) true",
            "t4 rejects Some(0) true",
            "t5 rejects Some(0) false",
            "t6 accepts None false",
            "t7 accepts None true",
            "t8 accepts None true",
            "t9 accepts None true",
            "t10 rejects Some(1) true",
            "t11 rejects Some(1) true",
            "t12 accepts None true",
        ]
    );
}

#[test]
fn coverage_says_what_was_not_seen() {
    let spec = spec(BUYERS);
    let machines = Machines::of(&spec, target(&spec, None).unwrap()).unwrap();
    let map = Map::default();
    let mut checker = Checker::new(machines.subject(), &map).with_coverage();
    checker.feed(log(GOOD).as_bytes(), &mut |_| {});
    checker.finish(&mut |_| {});
    let (states, transitions, pairs, unseen) = checker.coverage().unwrap().report(machines.system());
    // Bob's state behind `quit`, and the two `quit`s of Bob, one of Alice, one of the seller.
    assert_eq!((transitions.all - transitions.seen, pairs.all - pairs.seen), (4, 4));
    assert_eq!(states.all - states.seen, unseen.iter().filter(|unseen| matches!(unseen, Unseen::State(..))).count());
    assert_eq!(unseen.len(), states.all - states.seen + 8);
    for unseen in &unseen {
        if let Unseen::Transition(_, span) = unseen {
            assert!(BUYERS[span.start as usize..span.end as usize].contains("quit"));
        }
    }
}

#[test]
fn which_protocol() {
    let of = |text: &str, name| target(&spec(text), name).map_err(|error| error.to_string());
    let two = "protocol P(role A, role B) { A -> B: a(); } protocol Q(role A, role B) { A -> B: a(); }";
    assert!(of(&two.replace("protocol P", "aux protocol P"), None).is_ok());
    assert!(of(&two.replace("protocol Q", "@main protocol Q"), None).is_ok());
    assert_eq!(
        of(two, None).unwrap_err(),
        "there is more than one protocol: `P` and `Q`; mark one with `@main`, or name it"
    );
    assert_eq!(of(two, Some("p")).unwrap_err(), "there is no protocol `p`; did you mean `P`?");
    assert!(of(two, Some("Q")).is_ok());
}

/// Every code of traces appears in these tests by its number.
#[test]
fn every_code_is_triggered() {
    let tests = [
        include_str!("findings.rs"),
        include_str!("maps.rs"),
        include_str!("replay.rs"),
        include_str!("rules.rs"),
        include_str!("sizes.rs"),
        // Guards speak of what they see in the same words.
        include_str!("../guard.rs"),
    ];
    for code in CATALOGUE.iter().copied().flatten().filter(|code| code.id().starts_with("PL06")) {
        // A trace that comes out otherwise is a finding of whoever reports it.
        let found = tests.iter().any(|test| test.contains(code.id())) || code.id() == "PL0640";
        assert!(found, "{code} has no test");
        let explained = code.explanation();
        assert!(!explained.title.ends_with('.') && explained.text.len() > 20);
    }
}

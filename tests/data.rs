//! Sorts, values and expressions: what the language page says of each, at every edge.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "data/bench.rs"]
mod bench;
#[path = "common/shared.rs"]
mod shared;

#[path = "data/generate.rs"]
mod generate;

use bench::{Bench, sort};
use generate::{Choices, Kind};
use polylogue::{
    data::{
        Builtin, Empty, Env, ExternId, External, Extract, Family, FamilyId, Field, Named, Payload, Place, Redaction,
        Scope, Slot, Sort, Value, coerce, compile, read, write,
    },
    diag::{Diagnostic, Sources},
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

/// Each expression with the JSON of what it gives, or the reason why it has no value.
fn gives(bench: &Bench, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expect) in cases {
        let found = bench.show(text);
        if found != *expect {
            wrong.push(format!("{text}\n  gives  {found}\n  expect {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_are_exact() {
    let big = "9".repeat(400);
    let bench = Bench::new()
        .with("x", "int", "9223372036854775807")
        .with("y", "int", "-9223372036854775808")
        .with("d", "decimal", "\"0.1\"")
        .with("huge", "int", &big);
    gives(
        &bench,
        &[
            ("x + 1", "9223372036854775808"),
            ("x + 1 - 1 == x", "true"),
            ("-y", "9223372036854775808"),
            ("y / -1", "9223372036854775808"),
            ("y % -1", "0"),
            ("y - 1", "-9223372036854775809"),
            ("(x + 1) * 0", "0"),
            ("x * x", "85070591730234615847396907784232501249"),
            ("x + 1 > x && y - 1 < y", "true"),
            ("-7 / 2", "-3"),
            ("-7 % 2", "-1"),
            ("7 % -2", "1"),
            ("1 / 0", "fault: division by zero"),
            ("1 % 0", "fault: division by zero"),
            ("d + d + d == 0.3", "true"),
            ("d * 3", "0.3"),
            ("d / 4", "0.025"),
            ("d / 3", "fault: the quotient has no end"),
            ("1.5 / 0", "fault: division by zero"),
            ("div(d, 3, 5)", "0.03333"),
            ("div(2, 3, 2)", "0.67"),
            ("div(-1, 2, 0)", "-1"),
            ("div(1, 0, 2)", "fault: division by zero"),
            ("div(1, 3, 2000)", "fault: these are too many digits, or fewer than none"),
            ("1.0 == 1 && 1.0 in [1, 2]", "true"),
            ("7 / 2.0", "3.5"),
            ("int(7.9)", "7"),
            ("int(-7.9)", "-7"),
            ("int(\"12\") + 1", "13"),
            ("int(\"1e3\")", "1000"),
            ("int(\"1.5\")", "fault: this is not an integer"),
            ("int(\"x\")", "fault: this is not a number"),
            ("decimal(\"1.50\")", "1.5"),
            ("string(1.50)", "\"1.5\""),
            ("huge + 1 - huge", "1"),
            ("huge * huge * huge * huge", "fault: the number is too large"),
            ("min(3, 1.5, 2)", "1.5"),
            ("max([3, 7, 5])", "7"),
        ],
    );
}

#[test]
fn faults_are_absorbed_by_the_side_that_decides() {
    let bench = Bench::new().with("x", "int", "0").unset("u", "bool");
    gives(
        &bench,
        &[
            ("1 / x == 1 || true", "true"),
            ("true || 1 / x == 1", "true"),
            ("1 / x == 1 && false", "false"),
            ("false && u", "false"),
            ("u && false", "false"),
            ("u || false", "fault: `u` has no value"),
            ("u && true && 1 / x == 1", "fault: `u` has no value"),
            ("x == 0 ? 5 : 1 / x", "5"),
            ("u ? 1 : 2", "fault: `u` has no value"),
            ("[1, 0].all(y, 1 / y == 2)", "false"),
            ("[0, 1].exists(y, 1 / y == 1)", "true"),
            ("[0, 1].all(y, 1 / y == 1)", "fault: division by zero"),
            ("[0, 1].filter(y, 1 / y == 1)", "fault: division by zero"),
            ("has(u)", "false"),
            ("!has(x)", "false"),
        ],
    );
}

#[test]
fn collections_and_texts() {
    let bench = Bench::new()
        .with("s", "set<string>", r#"["b","a"]"#)
        .with("m", "map<string, decimal>", r#"{"eur":1.5,"usd":2}"#)
        .with("l", "list<int>", "[1,2,3]")
        .with("r", "{ a: int, b?: { c: int, ... }, ... }", r#"{"a":1,"z":{"q":7}}"#)
        .with("j", "json", r#"{"a":{"b":[1,{"c":null}]},"n":"5","t":"2026-01-01T00:00:00Z"}"#)
        .with("o", "option<int>", "null")
        .with("e", "enum { open, closed }", "\"open\"");
    gives(
        &bench,
        &[
            ("add(s, \"c\")", r#"["a","b","c"]"#),
            ("add(s, \"a\") == s", "true"),
            ("remove(s, \"a\")", r#"["b"]"#),
            ("\"a\" in s && !(\"x\" in s)", "true"),
            ("size(s) == 2 && s.size() == 2", "true"),
            ("s.map(x, x + x)", r#"["aa","bb"]"#),
            ("s.filter(x, x > \"a\")", r#"["b"]"#),
            ("put(m, \"gbp\", 3)", r#"{"eur":1.5,"gbp":3,"usd":2}"#),
            ("remove(m, \"eur\")", r#"{"usd":2}"#),
            ("get(m, \"x\", 0)", "0"),
            ("m[\"x\"]", "fault: the map does not have this key"),
            ("m.eur + m[\"usd\"]", "3.5"),
            ("m.all(k, m[k] > 1)", "true"),
            ("m.map(k, k)", r#"["eur","usd"]"#),
            ("l + [4]", "[1,2,3,4]"),
            ("tail(l)", "[2,3]"),
            ("tail(tail(tail(tail(l))))", "fault: there is no element"),
            ("l[3]", "fault: the index is not one of a list of 3"),
            ("l[-1]", "fault: the index is not one of a list of 3"),
            ("l.map(x, x * x)", "[1,4,9]"),
            ("l.exists(x, l.exists(y, x + y == 6))", "true"),
            ("min(l) + max(l)", "4"),
            ("r.a == 1 && !has(r.b) && !has(r.b.c) && has(r.z.q)", "true"),
            ("r.b.c", "fault: there is no field `b`"),
            ("r.z.q + 1", "8"),
            ("j.a.b[0]", "1"),
            ("j.a.b[1].c == null", "true"),
            ("has(j.a.x.y)", "false"),
            ("has(j.n.x)", "false"),
            ("has(j.a.b)", "true"),
            ("j.n == 5 && j.n == \"5\" && j.n + 1 == 6", "true"),
            ("j.a == 5", "false"),
            ("j.t == timestamp(\"2026-01-01T00:00:00Z\")", "true"),
            ("j.a < 5", "fault: the value is a record, not `decimal`"),
            ("has(o) || o == null", "true"),
            ("o + 1", "fault: `+` is not for null and an integer"),
            ("e == \"open\"", "true"),
            ("{\"x\": 1, \"y\": l}.y == l", "true"),
            ("{\"open\": \"closed\", \"closed\": \"open\"}[e]", "\"closed\""),
            ("split(\"usd:5:\", \":\")", r#"["usd","5",""]"#),
            ("lower(\"ÄB\")", "\"äb\""),
            ("size(\"äb\")", "2"),
            ("glob(\"cost.*\", \"cost.usd\")", "true"),
            ("matches(\"abc123\", \"[0-9]+$\") && \"x\".matches(\"^x$\")", "true"),
            ("hex(sha256(\"abc\"))", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""),
            ("j is json && !(j is int) && j.n is int && j.n is string && l is json", "true"),
            ("\"abc\".startsWith(\"ab\") && \"abc\".endsWith(\"c\") && \"abc\".contains(\"b\")", "true"),
        ],
    );
}

#[test]
fn time() {
    let bench = Bench::new().at("2026-03-01T00:00:00Z").with("t", "timestamp", "\"2026-02-28T23:59:00.5Z\"");
    gives(
        &bench,
        &[
            ("now - t", "\"59500ms\""),
            ("t + 90s > now", "true"),
            ("now - 1m + 500ms == t", "true"),
            ("2 * 90m", "\"3h\""),
            ("1s * 9223372036854775807", "fault: the duration is too long"),
            ("t + 2562047788h", "fault: the timestamp is too far away"),
            ("int(now)", "1772323200"),
            ("-5s < 0s", "true"),
        ],
    );
}

#[test]
fn json_is_read_by_sort() {
    let cases = [
        ("int", "1.0", "1"),
        ("int", "1e3", "1000"),
        ("int", "\"12\"", "12"),
        ("int", "1.5", "the value is `1.5`, not `int`"),
        ("int", "1e999999", "the value is too large a number"),
        ("int", "-0", "0"),
        ("uint", "-1", "the value is `-1`, not `uint`"),
        ("decimal", "0.10", "0.1"),
        ("decimal", "1e-2000", "the value is too large a number"),
        ("bytes", "\"AAE=\"", "\"AAE=\""),
        ("bytes", "\"A\"", "the value is `\"A\"`, not `bytes`"),
        ("timestamp", "1500.5", "\"1970-01-01T00:00:01.500500Z\""),
        ("timestamp", "\"2026-01-01T00:00:00+01:00\"", "\"2025-12-31T23:00:00Z\""),
        ("duration", "\"250ms\"", "\"250ms\""),
        ("duration", "1500", "\"1500ms\""),
        ("set<int>", "[1, 1.0]", "field `[1]` is in `set<int>` already"),
        (
            "map<int, bool>",
            r#"{"1": true, "1.0": false}"#,
            "field `[\"1.0\"]` has a key that is in `map<int, bool>` already",
        ),
        ("map<int, bool>", "[[1, true]]", "[[1,true]]"),
        ("map<int, bool>", "[[1]]", "field `[0]` is not a pair of a key and a value"),
        ("map<int, bool>", "[[1,true,2]]", "field `[0]` is not a pair of a key and a value"),
        ("{ a: int }", r#"{"a": 1, "b": 2}"#, "field `b` is not declared"),
        ("{ a: int, ... }", r#"{"a": 1, "b": 2}"#, r#"{"a":1,"b":2}"#),
        ("{ a: int }", "{}", "field `a` is missing"),
        ("{ a?: int }", "{}", "{}"),
        ("{ a: list<{ b: int }> }", r#"{"a": [{"b": 1}, {"b": "x"}]}"#, "field `a[1].b` is `\"x\"`, not `int`"),
        ("json", r#"{"a": 1, "a": 2}"#, "the value has the key `a` twice in one object"),
        ("json", r#""\ud800""#, "the value has half of a surrogate pair"),
        ("json", "[1,", "the value is not JSON: byte 3 should be a value"),
        ("enum { a, b }", "\"c\"", "the value is `\"c\"`, not `enum {a, b}`"),
        ("option<int>", "null", "null"),
        ("secret<int>", "\"hunter2\"", "the value is a string, which does not fit `secret<int>`"),
        ("int{this > 3}", "3", "the value does not satisfy `this > 3`"),
        ("int{this > 3}", "4", "4"),
        ("list<int{this > 3}>", "[5, 2]", "field `[1]` does not satisfy `this > 3`"),
        ("uuid", "\"123E4567-e89b-12d3-a456-426614174000\"", "\"123e4567-e89b-12d3-a456-426614174000\""),
        ("unit", "{}", "null"),
        ("float", "1", "1.0"),
        ("float", "1e400", "the value is `1e400`, not `float`"),
    ];
    let mut wrong = Vec::new();
    for (of, json, expect) in cases {
        let found = match read(&sort(of), json.as_bytes()) {
            Ok(value) => bench::json(&value),
            Err(misfit) => misfit.to_string(),
        };
        if found != expect {
            wrong.push(format!("{of} {json}\n  gives  {found}\n  expect {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read(&Sort::ANY, b"\"\xff\"").is_err());
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(read(&Sort::ANY, deep(128).as_bytes()).is_ok());
    assert!(read(&Sort::ANY, deep(129).as_bytes()).is_err());
    assert!(read(&Sort::ANY, deep(1_000_000).as_bytes()).is_err());
}

// ---- two evaluators and a judge from outside

/// Names of every kind, the same for both engines; `o` and `unset` hold nothing.
fn env(i: i64, j: i64) -> Bench {
    Bench::new()
        .with("b", "bool", "true")
        .unset("unset", "bool")
        .with("i", "int", &i.to_string())
        .with("j", "int", &j.to_string())
        .unset("o", "int")
        .with("s", "string", "\"ab\"")
        .with("t", "string", "\"äx\"")
        .with("l", "list<int>", "[2,0,-3]")
        .with("m", "map<string, int>", r#"{"a":1,"ab":5}"#)
        .with("z", "set<string>", r#"["a","b"]"#)
        .with("d", "decimal", "0.75")
        .with("r", "{ a: int, b?: { c: int }, c?: int, n: string, l: list<int> }", r#"{"a":4,"n":"cost.a","l":[1,1]}"#)
        .with("x", "json", r#"{"k":{"k":1},"l":[1,"2",null,2.5]}"#)
        .defs("def twice(x: int) = x + x; def even(x: int) = x % 2 == 0 && twice(x) > [x].map(y, twice(y) - 1)[0];")
        .unwrap()
}

const KINDS: [Kind; 8] =
    [Kind::Bool, Kind::Int, Kind::Text, Kind::Ints, Kind::Map, Kind::Set, Kind::Decimal, Kind::Json];

fn runs() -> u32 {
    std::env::var("POLYLOGUE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(4_000)
}

#[test]
fn bytecode_gives_what_walking_gives() {
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: runs(), failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let counts = std::cell::RefCell::new((0u32, 0u32, std::collections::BTreeSet::new()));
    let small = prop_oneof![-2i64..4, Just(i64::MAX), Just(i64::MIN)];
    let input = (0usize..KINDS.len(), proptest::collection::vec(any::<u8>(), 0..80), small.clone(), small);
    runner
        .run(&input, |(kind, choices, i, j)| {
            let text = Choices::new(&choices, false).expr(KINDS[kind], 5);
            let bench = env(i, j);
            let code = bench.compile(&text, None).map_err(|found| {
                TestCaseError::fail(format!("{text}: {:?}", found.iter().map(|found| &found.text).collect::<Vec<_>>()))
            })?;
            let mut counts = counts.borrow_mut();
            match bench.both(&code) {
                Ok(_) => counts.0 += 1,
                Err(fault) => {
                    counts.1 += 1;
                    let why = format!("{:?}", fault.why());
                    counts.2.insert(why.split(['(', ' ']).next().unwrap().to_owned());
                }
            }
            Ok(())
        })
        .unwrap();
    let (values, faults, kinds) = counts.into_inner();
    println!("{values} values, {faults} faults of kinds {kinds:?}");
    assert!(values > runs() / 4 && faults > runs() / 10 && kinds.len() >= 7, "{values} {faults} {kinds:?}");
}

fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Int(int) => cel::Value::Int(*int),
        Value::Text(text) => cel::Value::String(std::sync::Arc::new(text.to_string())),
        Value::List(list) => cel::Value::List(std::sync::Arc::new(list.iter().map(to_cel).collect())),
        Value::Map(map) => {
            let entry = |(key, value): (&Value, &Value)| match key {
                Value::Text(name) => (cel::objects::Key::from(name.to_string()), to_cel(value)),
                _ => panic!("keys are strings here"),
            };
            cel::Value::Map(cel::objects::Map { map: std::sync::Arc::new(map.iter().map(entry).collect()) })
        }
        Value::Record(record) => {
            let entry = |(name, value): (&std::sync::Arc<str>, &Value)| {
                (cel::objects::Key::from(name.to_string()), to_cel(value))
            };
            cel::Value::Map(cel::objects::Map { map: std::sync::Arc::new(record.iter().map(entry).collect()) })
        }
        other => panic!("{other:?} is not common"),
    }
}

/// Where both are defined, the published engine gives the same; its faults are ours but for numbers beyond its range.
#[test]
fn the_published_engine_agrees() {
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: runs(), failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let counts = std::cell::RefCell::new([0u32; 3]);
    let kinds = [Kind::Bool, Kind::Bool, Kind::Int, Kind::Text, Kind::Ints, Kind::Map];
    let small = prop_oneof![-2i64..4, Just(i64::MAX)];
    let input = (0usize..kinds.len(), proptest::collection::vec(any::<u8>(), 0..80), small.clone(), small);
    runner
        .run(&input, |(kind, choices, i, j)| {
            let text = Choices::new(&choices, true).expr(kinds[kind], 5);
            let bench = env(i, j);
            let code = bench.compile(&text, None).unwrap();
            let ours = bench.both(&code);
            let mut context = cel::Context::default();
            for name in ["b", "i", "j", "s", "t", "l", "m", "r"] {
                context.add_variable_from_value(name, to_cel(bench.value(name)));
            }
            let program = cel::Program::compile(&text).unwrap();
            let theirs = program.execute(&context);
            let mut counts = counts.borrow_mut();
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => {
                    prop_assert_eq!(to_cel(&ours), theirs, "{}", text);
                    counts[0] += 1;
                }
                (Err(_), Err(_)) => counts[1] += 1,
                // Numbers beyond 64 bits are values here and faults there; what that leads to is not comparable.
                (_, Err(error)) if format!("{error:?}").contains("verflow") => counts[2] += 1,
                (ours, theirs) => {
                    let big =
                        format!("{:?}", code.walk(&bench)).contains("Exact") || text.contains("922337203685477580");
                    let big = big || i == i64::MAX || j == i64::MAX;
                    prop_assert!(big, "{text}\n{ours:?}\n{theirs:?}");
                    counts[2] += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    let [equal, faults, beyond] = counts.into_inner();
    println!("{equal} equal values, {faults} faults in both, {beyond} beyond the range of one");
    assert!(equal > runs() / 3 && faults > runs() / 20, "{equal} {faults} {beyond}");
}

// ---- payloads

#[test]
fn payloads_are_judged_whole_and_built_in_part() {
    let Sort::Record(payload) = sort("{ a: int{this > 0}, b?: list<string>, c: { d: set<int>, ... }, e: secret<int> }")
    else {
        panic!()
    };
    let extract = |read: &dyn Fn(usize) -> bool, json: &str, beside: &[(&str, &str)], written: bool| {
        let mut values = Vec::new();
        let extract = Extract::new(Some(&payload), read);
        match extract.read_valid(json, beside, written, &Empty, &mut values) {
            Ok(()) => values
                .iter()
                .map(|value| value.as_ref().map_or_else(|| "-".to_owned(), bench::json))
                .collect::<Vec<_>>()
                .join(" "),
            Err(misfit) => misfit.to_string(),
        }
    };
    let whole = r#"{"c":{"d":[2,1],"z":"\u00e4"},"e":7,"a":1}"#;
    for (json, all, none) in [
        (whole, r#"1 - {"d":[1,2],"z":"ä"} 7"#, "- - - -"),
        (r#"{"a":0,"c":{"d":[]},"e":7}"#, "", "field `a` does not satisfy `this > 0`"),
        (r#"{"a":1,"c":{"d":[1,1.0]},"e":7}"#, "", "field `c.d[1]` is in `set<int>` already"),
        (r#"{"a":1,"c":{"d":[]},"e":"hunter2"}"#, "", "field `e` is a string, which does not fit `secret<int>`"),
        (r#"{"a":1,"c":{"d":[]},"e":7,"f":8}"#, "", "field `f` is not declared"),
        (r#"{"a":1,"b":["x",5],"c":{"d":[]},"e":7}"#, "", "field `b[1]` is `5`, not `string`"),
        (r#"{"a":1,"e":7}"#, "", "field `c` is missing"),
        ("[1]", "", "the value is an array, not an object with the declared fields"),
        ("", "", "field `a` is missing"),
    ] {
        let all = if all.is_empty() { none } else { all };
        assert_eq!(extract(&|_| true, json, &[], false), all, "{json}");
        assert_eq!(extract(&|_| false, json, &[], false), none, "{json}");
    }
    // What comes from elsewhere hides what the payload says, and is judged itself.
    assert_eq!(extract(&|at| at == 0, whole, &[("a", "5"), ("q", "1")], false), "5 - - -");
    assert_eq!(extract(&|at| at == 0, whole, &[("a", "-5")], false), "field `a` does not satisfy `this > 0`");
    assert_eq!(extract(&|_| true, r#"[1, ["x"], {"d": []}, 7]"#, &[], true), r#"1 ["x"] {"d":[]} 7"#);
    assert_eq!(extract(&|_| true, r#"[1, ["x"], {"d": []}]"#, &[], true), "field `e` is missing");

    let unnamed = |sorts: &[&str]| Payload {
        fields: sorts.iter().map(|of| Field { name: None, optional: false, sort: sort(of) }).collect(),
        open: false,
    };
    for (sorts, json, expect) in [
        (&["int"][..], "5", "5"),
        (&["int"], "[5]", "5"),
        (&["list<int>"], "[5]", "[5]"),
        (&["list<int>"], "[[5]]", "[5]"),
        (&["int"], "", "the value is null, not `int`"),
        (&["option<int>"], "", "null"),
        (&["int", "string"], r#"[5, "x"]"#, r#"5 "x""#),
        (&["int", "string"], r#"[5]"#, "field `[1]` is missing"),
        (&["int", "string"], r#"[5, "x", 1]"#, "the value has more than the declared 2 values"),
        (&["int", "string"], "5", "the value is a number, not an array of the declared values"),
        (&[], "{ }", ""),
        (&[], "null", ""),
        (&[], "[1]", "the value is an array, but the message has none"),
    ] {
        let mut values = Vec::new();
        let found = match Extract::new(Some(&unnamed(sorts)), |_| true).read(json.as_bytes(), &Empty, &mut values) {
            Ok(()) => values.iter().map(|value| bench::json(value.as_ref().unwrap())).collect::<Vec<_>>().join(" "),
            Err(misfit) => misfit.to_string(),
        };
        assert_eq!(found, expect, "{sorts:?} {json}");
    }
    let bare = Extract::new(None, |_| true);
    assert!(bare.is_free() && bare.read(b"[1, {}]", &Empty, &mut Vec::new()).is_ok());
    assert!(bare.read(b"{\"a\":1,\"a\":2}", &Empty, &mut Vec::new()).is_err());
}

/// Judging without building says what building says, of any JSON and any sort.
#[test]
fn judging_is_reading_without_values() {
    let sorts = [
        "json",
        "int",
        "decimal",
        "set<decimal>",
        "map<int, list<string>>",
        "{ a: int, b?: json, ... }",
        "list<option<enum { a, b }>>",
        "secret<list<bytes>>",
        "{ a: set<json>{size(this) < 2} }",
        "timestamp",
        "duration",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        (-3i64..3).prop_map(|n| n.to_string()),
        Just("1.0".to_owned()),
        Just("1e999999".to_owned()),
        Just("0.1e-7".to_owned()),
        Just("\"a\"".to_owned()),
        Just("\"5\"".to_owned()),
        Just("\"\\u0061\"".to_owned()),
        Just("\"5s\"".to_owned()),
        Just("\"2026-01-01T00:00:00Z\"".to_owned()),
    ];
    let json = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[ab1]", inner, 0..3).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    });
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: runs(), failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let fitted = std::cell::Cell::new(0u32);
    let sorts: Vec<Sort> = sorts.iter().map(|text| sort(text)).collect();
    runner
        .run(&(0usize..sorts.len(), json), |(of, json)| {
            let field = Field { name: Some("x".into()), optional: false, sort: sorts[of].clone() };
            let payload = Payload { fields: [field].into(), open: false };
            let text = format!("{{\"x\": {json}}}");
            let judge = |read: bool| {
                let mut values = Vec::new();
                Extract::new(Some(&payload), |_| read)
                    .read(text.as_bytes(), &Empty, &mut values)
                    .map(|()| values[0].clone())
            };
            let alone = read(&sorts[of], json.as_bytes());
            // `json` is not looked into when its value is not read: only its numbers may be too large.
            let lenient = json.contains("999999");
            match (judge(true), judge(false), &alone) {
                (Ok(Some(value)), Ok(None), Ok(alone)) => {
                    prop_assert_eq!(&value, alone);
                    // What is written is read again as the same value.
                    let again = read(&sorts[of], bench::json(alone).as_bytes());
                    prop_assert_eq!(again.as_ref(), Ok(alone), "{}", json);
                    // And taking the JSON first, and then what it is as the sort, is the same.
                    let any = read(&Sort::ANY, json.as_bytes()).unwrap();
                    prop_assert_eq!(&coerce(&sorts[of], &any, &Empty), &Ok(alone.clone()), "{}", json);
                    fitted.set(fitted.get() + 1);
                }
                (Err(_), Err(_), Err(_)) => {
                    if let Ok(any) = read(&Sort::ANY, json.as_bytes()) {
                        prop_assert!(coerce(&sorts[of], &any, &Empty).is_err(), "{}", json);
                    }
                }
                (Err(_), Ok(None), Err(_)) if lenient => {}
                other => prop_assert!(false, "{json}: {other:?}"),
            }
            Ok(())
        })
        .unwrap();
    println!("{} of {} fit", fitted.get(), runs());
    assert!(fitted.get() > runs() / 10, "{}", fitted.get());
}

// ---- limits

#[test]
fn nothing_takes_long_or_grows_without_end() {
    let start = std::time::Instant::now();
    let many = format!("[{}]", (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let long = format!("\"{}\"", "a".repeat(1 << 20));
    let longer = format!("\"{}\"", "a".repeat(1 << 23));
    let bench = Bench::new().with("l", "list<int>", &many).with("s", "string", &long).with("t", "string", &longer);
    gives(
        &bench,
        &[
            ("l.all(a, l.all(b, a + b >= 0))", "fault: this takes too many steps"),
            ("l.map(a, l) == []", "fault: the value is too large"),
            ("l.map(a, l.map(b, a * b)) == []", "fault: this takes too many steps"),
            ("glob(\"*a*b*a*b\", s)", "false"),
            ("glob(s, s)", "fault: this takes too many steps"),
            ("matches(s, \"(a+a+)+b\")", "false"),
            ("matches(s, s)", "fault: this takes too many steps"),
            ("size(s + s + s + s)", "4194304"),
            ("t + t == \"\"", "false"),
            ("t + t + \"a\" == \"\"", "fault: the string is too long"),
            ("size(split(s, \"\"))", "fault: this takes too many steps"),
            ("l == l && size(l + l + l) == 150000", "true"),
        ],
    );
    // A value that doubles with every step, and what looks at all of it.
    let mut value = Value::Unit;
    let double = Bench::new().with("v", "json", "1").compile("[v, v]", None).unwrap();
    for _ in 0..200 {
        match double.eval(&One(&value)) {
            Ok(next) => value = next,
            Err(fault) => {
                assert!(fault.to_string().contains("too large"), "{fault}");
                break;
            }
        }
    }
    assert!(value.extent().weight > 100_000 && value.clone() == value);
    // Depth alone.
    let nest = Bench::new().with("v", "json", "1").compile("[v]", None).unwrap();
    let mut deep = Value::Unit;
    let steps = (0..10_000).take_while(|_| nest.eval(&One(&deep)).map(|next| deep = next).is_ok()).count();
    assert_eq!(steps, 128);
    // Digits.
    for (json, fits) in [
        ("1e1232".to_owned(), true),
        ("1e1234".to_owned(), false),
        ("1e-1000".to_owned(), true),
        ("1e-1001".to_owned(), false),
        ("0e999999999999999999999".to_owned(), true),
        ("1e999999999999999999999".to_owned(), false),
        ("1e-999999999999999999999".to_owned(), false),
        ("9".repeat(1_233), true),
        ("9".repeat(1_234), false),
        ("9".repeat(1 << 20), false),
        (format!("0.{}1", "0".repeat(1 << 20)), false),
        (format!("1{}", "0".repeat(1 << 20)), false),
        (format!("1.{}", "0".repeat(1 << 20)), true),
    ] {
        let short: String = json.chars().take(30).collect();
        assert_eq!(read(&sort("decimal"), json.as_bytes()).is_ok(), fits, "{short}");
        assert_eq!(read(&Sort::ANY, json.as_bytes()).is_ok(), fits, "{short}");
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// An environment of one slot.
struct One<'v>(&'v Value);

impl Env for One<'_> {
    fn slot(&self, _slot: Slot) -> Option<&Value> {
        Some(self.0)
    }
}

#[test]
fn numbers_of_all_kinds_have_one_order_and_one_hash() {
    use std::hash::{BuildHasher, RandomState};
    let texts = [
        ("decimal", "-1e30"),
        ("int", "-9223372036854775809"),
        ("int", "-9223372036854775808"),
        ("float", "-1.5"),
        ("decimal", "-1.5"),
        ("decimal", "-0.1"),
        ("float", "0"),
        ("int", "0"),
        ("decimal", "0.1"),
        ("float", "0.1"),
        ("decimal", "0.1000000000000000000000000001"),
        ("float", "0.5"),
        ("decimal", "0.5"),
        ("int", "1"),
        ("float", "1"),
        ("decimal", "1.0000000000000000001"),
        ("int", "9007199254740993"),
        ("float", "9007199254740992"),
        ("float", "9223372036854775808"),
        ("int", "9223372036854775807"),
        ("int", "9223372036854775808"),
        ("float", "1e300"),
        ("decimal", "1e300"),
    ];
    let values: Vec<Value> = texts.iter().map(|(of, text)| read(&sort(of), text.as_bytes()).unwrap()).collect();
    let state = RandomState::new();
    for (a, x) in values.iter().zip(&texts) {
        for (b, y) in values.iter().zip(&texts) {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{x:?} {y:?}");
            assert_eq!(a == b, a.cmp(b).is_eq(), "{x:?} {y:?}");
            if a == b {
                assert_eq!(state.hash_one(a), state.hash_one(b), "{x:?} {y:?}");
            }
            for c in &values {
                assert!(!(a <= b && b <= c) || a <= c, "{x:?} {y:?} {c:?}");
            }
        }
    }
    let equal = |a: (&str, &str), b: (&str, &str)| {
        read(&sort(a.0), a.1.as_bytes()).unwrap() == read(&sort(b.0), b.1.as_bytes()).unwrap()
    };
    assert!(equal(("float", "0.5"), ("decimal", "0.5")) && !equal(("float", "0.1"), ("decimal", "0.1")));
    assert!(equal(("json", r#"{"a":1,"b":2}"#), ("map<string, int>", r#"{"b":2,"a":1}"#)));
    assert_eq!(
        state.hash_one(read(&sort("json"), br#"{"a":1,"b":2}"#).unwrap()),
        state.hash_one(read(&sort("map<string, int>"), br#"{"b":2,"a":1}"#).unwrap())
    );
}

#[test]
fn secrets_are_digests() {
    let redaction = Redaction::new(b"key");
    let of = sort("{ user: string, pass: secret<string>, keys: map<string, secret<int>>, note?: string }");
    let value = read(&of, br#"{"user":"u","pass":"hunter2","keys":{"k":5},"note":"x"}"#).unwrap();
    let text = write(&value, Some(&of), &redaction, &|name| name == "note");
    assert!(!text.contains("hunter2") && !text.contains("\"x\"") && text.contains("\"user\":\"u\""), "{text}");
    assert_eq!(text.matches("secret:").count(), 3, "{text}");
    assert_eq!(text, write(&value, Some(&of), &Redaction::new(b"key"), &|name| name == "note"));
    assert_ne!(text, write(&value, Some(&of), &Redaction::new(b"other"), &|name| name == "note"));
}

// ---- families, extern predicates, variables behind fields

struct Host;

impl Scope for Host {
    fn resolve(&self, name: &str) -> Option<Named> {
        (name == "k").then(|| Named::Slot(Place { slot: Slot(0), sort: Sort::INT }))
    }

    fn variable(&self, name: &str) -> Option<Place> {
        (name == "k").then(|| Place { slot: Slot(1), sort: Sort::INT })
    }

    fn external(&self, name: &str) -> Option<External> {
        (name == "checked").then(|| External { id: ExternId(7), params: vec![Sort::INT] })
    }

    fn family(&self, name: &str) -> Option<Family> {
        let variables = vec![("v".into(), 3, Sort::INT), ("w".into(), 4, Sort::INT)];
        match name {
            "f" => Some(Family { id: FamilyId(1), keys: vec![Sort::INT], variables }),
            "g" => Some(Family { id: FamilyId(2), keys: vec![Sort::INT, Sort::Builtin(Builtin::String)], variables }),
            _ => None,
        }
    }
}

/// Slot 0 holds 5, slot 1 holds 6; the instances are `f[5]`, whose `v` is 40, and `g[[5, "a"]]`, whose `v` is 50.
struct Session([Value; 4]);

impl Env for Session {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot.0 as usize)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        (id == ExternId(7) && args != [Value::Int(9)]).then(|| args == [Value::Int(5)])
    }

    fn lives(&self, family: FamilyId, keys: &[Value]) -> bool {
        match family {
            FamilyId(1) => keys == [Value::Int(5)],
            _ => keys == [Value::Int(5), Value::text("a")],
        }
    }

    fn instance(&self, family: FamilyId, keys: &[Value], variable: u32) -> Option<&Value> {
        if !self.lives(family, keys) || variable != 3 {
            return None;
        }
        self.0.get(if family == FamilyId(1) { 2 } else { 3 })
    }
}

#[test]
fn families_and_the_host() {
    let session = Session([Value::Int(5), Value::Int(6), Value::Int(40), Value::Int(50)]);
    for (text, expect) in [
        ("k in f && f[k].v == 40", "true"),
        ("var.k == 6 && k == 5", "true"),
        ("6 in f", "false"),
        ("f[6].v", "fault: there is no instance with a value of `v`"),
        ("f[5].w", "fault: there is no instance with a value of `w`"),
        ("has(f[5].v) && !has(f[5].w) && !has(f[6].v)", "true"),
        ("[k, \"a\"] in g && g[[5, \"a\"]].v == 50", "true"),
        ("[k, \"b\"] in g", "false"),
        ("checked(k) && !checked(6)", "true"),
        ("checked(9)", "fault: the host does not answer"),
        ("checked(9) || k == 5", "true"),
        ("checked(\"a\")", "error: this is `string`, and `int` is wanted here"),
        ("checked(1, 2)", "error: `checked` takes 1 argument, not 2"),
        ("f[5]", "error: an instance of `f` is no value; its variables are"),
        ("f[5].u", "error: an instance of `f` has no variable `u`"),
        ("g[5].v", "error: this family has 2 keys: write them as a list"),
        ("var.z", "error: `z` is not known here"),
        ("k.all(x, true)", "error: `int` is no collection"),
    ] {
        let mut sources = Sources::new();
        let expr = bench::expr(text, &mut sources);
        let found = match compile(&expr, &Host, None, &sources) {
            Err(found) => format!("error: {}", found[0].text),
            Ok(code) => {
                let value = code.eval(&session);
                assert_eq!(value, code.walk(&session), "{text}");
                assert_eq!(value, code.run(&session), "{text}");
                if text.contains("checked") {
                    assert_eq!(code.externals(), [ExternId(7)]);
                }
                value.map_or_else(|fault| format!("fault: {fault}"), |value| bench::json(&value))
            }
        };
        assert_eq!(found, expect, "{text}");
    }
}

#[test]
fn what_is_wanted_is_what_comes_out() {
    let bench =
        Bench::new().with("x", "int", "-3").with("j", "json", r#"{"n":"7","l":["a","a"]}"#).at("2026-01-01T00:00:00Z");
    for (text, wanted, expect) in [
        ("[]", "set<string>", "[]"),
        ("{}", "map<string, int>", "{}"),
        ("{\"a\": 1}", "{ a: int, b?: string }", "{\"a\":1}"),
        ("j.n", "int", "7"),
        ("j.l", "set<string>", "fault: field `[1]` is in `set<string>` already"),
        ("x", "uint", "fault: the value is an integer, not `uint`"),
        ("x + 4", "int{this > 0}", "1"),
        ("x", "int{this > 0}", "fault: the value does not satisfy `this > 0`"),
        ("0", "int{this > 0}", "error: this value does not satisfy `this > 0`"),
        ("x > 0 ? [1] : []", "set<int>", "[]"),
        ("\"2026-01-01T00:00:00Z\"", "timestamp", "\"2026-01-01T00:00:00Z\""),
        ("1.5", "int", "error: this is `decimal`, and `int` is wanted here"),
        ("1.5", "float", "1.5"),
        ("null", "option<int>", "null"),
        ("add([], x)", "set<int>", "[-3]"),
        ("put({}, \"a\", x)", "map<string, decimal>", "{\"a\":-3}"),
        ("now", "timestamp", "\"2026-01-01T00:00:00Z\""),
        ("\"a\"", "enum { a, b }", "\"a\""),
        ("x", "json", "-3"),
    ] {
        let wanted = sort(wanted);
        let found = match bench.compile(text, Some(&wanted)) {
            Err(found) => format!("error: {}", found[0].text),
            Ok(code) => match bench.both(&code) {
                Ok(value) => bench::json(&value),
                Err(fault) => format!("fault: {fault}"),
            },
        };
        assert_eq!(found, expect, "{text} as {wanted}");
    }
}

/// Equal rules are one rule, wherever they are written.
#[test]
fn codes_are_equal_by_what_they_do() {
    use std::hash::{BuildHasher, RandomState};
    let bench = Bench::new().with("x", "int", "1").with("y", "int", "1");
    let code = |text: &str| bench.compile(text, None).unwrap();
    let state = RandomState::new();
    let (a, b) = (code("x  +  1 > 0"), code("(x + 1) > 0"));
    assert_eq!(a, b);
    assert_eq!(state.hash_one(&a), state.hash_one(&b));
    assert_ne!(a, code("y + 1 > 0"));
    assert_ne!(a, code("x + 2 > 0"));
    assert_eq!((a.text(), a.slots(), a.reads_now()), ("x + 1 > 0", &[Slot(0)][..], false));
    assert!(code("now > now").reads_now());
    assert_eq!(code("y == x").slots(), [Slot(0), Slot(1)]);
}

/// The `def`s of the drafts are checked without a finding.
#[test]
fn definitions_of_the_drafts_are_sound() {
    let Some(drafts) = shared::path("drafts") else { return };
    let files = std::fs::read_dir(drafts).unwrap();
    let mut count = 0;
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "mpst")) {
        let text = std::fs::read_to_string(&file).unwrap();
        // What the protocols do with them was written for another form of the language.
        let starts = text.match_indices("\ndef ").map(|(at, _)| at + 1);
        let definitions: Vec<_> = starts.map(|at| at..at + text[at..].find(';').unwrap()).collect();
        count += definitions.len();
        let found = bench::lowered(&text);
        let inside = |found: &&Diagnostic| definitions.iter().any(|range| range.contains(&(found.span.start as usize)));
        let data: Vec<_> = found.iter().filter(inside).collect();
        assert!(data.is_empty(), "{}: {data:#?}", file.display());
    }
    println!("{count} definitions");
    assert!(count > 10);
}

//! What a verdict rests on: each way to hold, and each way not to know, names its theorem, its bound and its fragment.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

const DECLARATIONS: &str = "
protocol Kernel(role A, role B) { rec X { choice at A { A -> B: more(int); continue X; } or { A -> B: done(); } } }
protocol Data(role A, role B) { A -> B: pay(x: int) where x > 0; }
protocol Family(role A, role B) { during { A -> B: begin(); } interleave each id: int { A -> B: ask(id: int); } }
protocol Late(role A, role B, role C) {
  choice at A { A -> B: l(); B -> C: m(); A -> C: l(); } or { A -> B: r(); B -> C: m(); A -> C: r(); }
}
system Stream(role P, role Q) { P = rec X. Q!m(). X; Q = rec X. P?m(). X; }
system Once(role P, role Q) { P = Q!m(). end; Q = P?m(). end; }
system Wide(role P, role Q, role R) {
  P = +{ Q!a(). end, R!a(). Q!b(). end };
  Q = &{ P?a(). R!c(). end, P?b(). end };
  R = &{ P?a(). end, Q?c(). end };
}
system Elevator(role S, role T, role E) {
  S = rec X. E!a(). X;
  T = rec X. E!b(). X;
  E = rec X. &{ S?a(). X, T?b(). X };
}
system Flood(role P, role Q) { P = rec X. Q!a(). Q!a(). Q?b(). X; Q = rec X. P!b(). P?a(). X; }
local type Ahead at K = P!x(). P?y(). end;
local type Behind at K = P?y(). P!x(). end;
";

/// A claim, options, what the verdict is, what it is by, and words of theorem, queues and fragment.
type Row = (&'static str, &'static [&'static str], &'static str, &'static str, [&'static str; 3]);

const ANY: &str = "of any length";

const ROWS: &[Row] = &[
    ("safe(Kernel)", &[], "holds", "projection", ["full merge", ANY, "recursion"]),
    ("projectable(Kernel)", &[], "holds", "projection", ["full merge", ANY, "recursion"]),
    ("projectable(Kernel)", &["--projection", "plain"], "holds", "projection", ["plain merge", ANY, "choice"]),
    ("implementable(Late)", &[], "holds", "conditions", ["Send Validity", ANY, "choices of one sender"]),
    ("projectable(Data)", &[], "holds", "projection", ["in every part", "as declared", "data"]),
    (
        "safe(Data)",
        &[],
        "holds",
        "unrolled",
        ["every reachable configuration", "as declared", "data and time left out"],
    ),
    ("safe(Family)", &[], "holds", "unrolled", ["every reachable configuration", "as declared", "at most 2 keys"]),
    ("safe(Stream)", &[], "holds", "kmc", ["directed session automata", ANY, "recursion"]),
    ("kmc(Stream, 3)", &[], "holds", "kmc", ["3-multiparty compatible: with receptions first", ANY, "recursion"]),
    ("kmc(Once)", &[], "holds", "kmc", ["independent events in another order", ANY, "recursion"]),
    ("kmc(Wide)", &[], "holds", "kmc", ["no queue ever holds more", "no send was cut", "recursion"]),
    ("live(Once)", &[], "holds", "exhaustive", ["every reachable configuration", "no send was cut", "recursion"]),
    ("live(Stream, 2)", &[], "holds", "bounded", ["queues up to 2", "up to 2", "recursion"]),
    ("live(Stream, 0)", &[], "holds", "bounded", ["synchronous messages", "synchronous", "recursion"]),
    ("Ahead <: Behind", &[], "holds", "certificate", ["sent ahead", ANY, "recursion"]),
    ("Ahead <: sync Ahead", &[], "holds", "certificate", ["simulation", "synchronous", "recursion"]),
    ("Ahead <: fair Behind", &[], "holds", "certificate", ["regular sets", ANY, "recursion"]),
    ("fair_live(Stream)", &[], "unknown", "limit", ["queues up to 8", "up to 8", "recursion"]),
    ("safe(Elevator)", &["--max-states", "5"], "unknown", "limit", ["5 configurations", "", "recursion"]),
    ("safe(Elevator)", &[], "unknown", "limit", ["queues up to", "up to", "recursion"]),
    ("kmc(Stream, 1)", &["--time-limit", "0s"], "unknown", "limit", ["time limit", "", "recursion"]),
    ("kmc(Elevator)", &[], "violated", "run", ["replayed", "", "recursion"]),
    ("kmc(Flood)", &[], "violated", "run", ["replayed", "", "recursion"]),
    ("Behind <: Ahead", &[], "violated", "words", ["two words", ANY, "recursion"]),
    ("Behind <: sync Ahead", &[], "violated", "words", ["two words", "synchronous", "recursion"]),
];

fn run(claim: &str, options: &[&str], format: &str) -> String {
    let dir = std::env::temp_dir().join(format!("polylogue-evidence-{}-{format}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("spec.mpst");
    std::fs::write(&file, format!("{DECLARATIONS}check {claim};\n")).unwrap();
    let name = claim.split('(').next().unwrap();
    let only = if claim.contains("<:") { Vec::new() } else { vec!["--check", name] };
    let output = Command::new(env!("CARGO_BIN_EXE_polylogue"))
        .args(["check", "--explain", "--format", format])
        .args(only)
        .args(options)
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_verdict_says_what_it_rests_on() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (claim, options, verdict, by, [theorem, queues, fragment]) in ROWS {
        let told = run(claim, options, "json");
        let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own = if claim.contains("<:") { "subtype" } else { claim.split('(').next().unwrap() };
        let verdicts: Vec<Value> = lines.filter(|line| line["check"] == own).collect();
        let [found] = verdicts.as_slice() else { panic!("{claim}: {told}") };
        let basis = &found["basis"];
        let word = |key: &str| basis[key].as_str().unwrap_or_else(|| panic!("{claim}: {key} in {basis}"));
        assert_eq!((found["verdict"].as_str().unwrap(), word("by")), (*verdict, *by), "{claim} {options:?}: {found:#}");
        for (key, part) in [("theorem", theorem), ("queues", queues), ("fragment", fragment)] {
            assert!(!word(key).is_empty() && word(key).contains(part), "{claim} {options:?}, {key}: {basis:#}");
        }
        // Who relies on a theorem says whose it is; what was counted is said where something was.
        let by_theorem = matches!(*by, "projection" | "conditions" | "certificate" | "kmc")
            && !matches!(*claim, "kmc(Wide)" | "projectable(Data)");
        assert_eq!(basis["source"].is_string(), by_theorem, "{claim}: {basis:#}");
        *seen.entry(format!("{verdict} by {by}")).or_default() += 1;
        let human = run(claim, options, "human");
        assert!(human.contains(word("theorem")), "{claim}: {human}");
        assert!(human.contains("queues") && human.contains("fragment"), "{claim}: {human}");
    }
    println!("{seen:?}");
    let all = [
        "holds by bounded",
        "holds by certificate",
        "holds by conditions",
        "holds by exhaustive",
        "holds by kmc",
        "holds by projection",
        "holds by unrolled",
        "unknown by limit",
        "violated by run",
        "violated by words",
    ];
    assert!(seen.keys().map(String::as_str).eq(all), "{seen:?}");
}

/// Specifications that are not what they claim: what is said, where, with which run, and what to do about it.
#[test]
fn what_is_wrong_is_said_with_its_place_a_run_and_a_way_out() {
    const BAD: &str = "system Ask(role P, role Q, role R) {
  P = rec X. +{ Q!more(). Q?ok(). X, Q!done(). end };
  Q = rec X. P?{ more(). P!ok(). X, done(). R!at_last(). end };
  R = Q?at_last(). end;
}
system Flood(role P, role Q) {
  P = rec X. Q!a(). Q!a(). Q?b(). X;
  Q = rec X. P!b(). P?a(). X;
}
system Race(role S, role T, role E) {
  S = rec X. E!a(). X;
  T = rec X. E!b(). X;
  E = rec X. &{ S?a(). X, T?b(). X };
}
system Half(role P, role Q, role R) {
  P = rec X. +{ Q!a(). X, R!b(). X };
  Q = rec X. P?a(). X;
  R = rec X. P?b(). X;
}
";
    let rows: &[(&str, &str, &str, &[&str])] = &[
        (
            "live_plus(Ask)",
            "PL0525",
            "`R` waits for `at_last()` from `Q`, and need never be served",
            &["again and again"],
        ),
        ("live_plus_plus(Ask)", "PL0525", "`R` waits for `at_last()` from `Q`", &["again and again"]),
        ("live_plus(Ask, 0)", "PL0525", "`R` waits for `at_last()` from `Q`", &["again and again"]),
        ("never_terminating(Ask)", "PL0526", "the run ends", &["R ? Q: at_last()", "`R` has ended"]),
        ("never_terminating(Ask, 0)", "PL0526", "the run ends", &["`R` has ended"]),
        ("kmc(Flood)", "PL0524", "not k-exhaustive for any k: when steps", &["Q ! P: b()"]),
        ("kmc(Flood, 1)", "PL0524", "not 1-exhaustive: `Q` wants to send `b()`, 1 message lies", &["Q ! P: b()"]),
        ("kmc(Race)", "PL0524", "that is so for every k", &["S ! E: a()", "T ! E: b()"]),
        ("kmc(Race, 2)", "PL0524", "race: `E` can receive", &["S ! E: a()", "T ! E: b()"]),
        ("kmc(Half)", "PL0524", "not k-output bound independent for any k", &["P ! Q: a()"]),
        ("kmc(Half, 1)", "PL0524", "not 1-output bound independent: `P` has room for", &["P ! "]),
    ];
    let dir = std::env::temp_dir().join(format!("polylogue-bad-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for (claim, code, text, run) in rows {
        let file = dir.join("bad.mpst");
        std::fs::write(&file, format!("{BAD}check {claim};\n")).unwrap();
        let name = claim.split('(').next().unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_polylogue")).args(["check", "--check", name]).arg(&file).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{claim}: {told}");
        assert!(told.contains(&format!("[{code}]")) && told.contains(text), "{claim}: {told}");
        assert!(run.iter().all(|step| told.contains(step)), "{claim}: {told}");
        assert!(told.contains(&format!("bad.mpst:{}", BAD.lines().count() + 1)), "{claim}: {told}");
        assert!(told.contains(&format!("polylogue explain {code}")), "{claim}: {told}");
        let explained = Command::new(env!("CARGO_BIN_EXE_polylogue")).args(["explain", code]).output().unwrap();
        let explained = String::from_utf8(explained.stdout).unwrap();
        let way_out = ["mends it", "or claim less", "instead"].iter().any(|word| explained.contains(word));
        assert!(way_out, "{code}: {explained}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

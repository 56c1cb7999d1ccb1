//! What the report writers print, for records that are made here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

use polylogue::{
    diag::{Code, Diagnostic, Sources, Span, catalogue::syntax},
    report::{
        EventRecord, ExpectedRecord, Github, Json, Junit, Reporter, Sarif, SessionRecord, StepRecord, Summary,
        TraceRecord, VerdictRecord,
        diagram::{Arrow, Diagram, Group, Vertex},
        dot, mermaid,
        record::{Answer, Place},
        sequence, svg,
    },
};

fn step(dir: &'static str, from: &str, to: &str, label: &str) -> StepRecord {
    StepRecord {
        dir,
        from: from.into(),
        to: to.into(),
        label: label.into(),
        message: format!("{label}(int)"),
        place: Some(Place { file: "a b.mpst".into(), line: 3, column: 5, end_line: 3, end_column: 9 }),
    }
}

fn verdict() -> VerdictRecord {
    VerdictRecord {
        by: None,
        file: "a b.mpst".into(),
        line: 9,
        check: "safe".into(),
        target: "P".into(),
        verdict: Answer::Violated,
        expected: Answer::Holds,
        bound: Some(1),
        exhaustive: Some(true),
        limit: None,
        code: None,
        detail: Some("deadlock: `A` waits; `B` waits".into()),
        roles: vec!["A".into(), "B".into(), "C".into()],
        configurations: Some(12),
        counterexample: Some(vec![step("send", "A", "B", "x"), step("receive", "A", "B", "x")]),
        cone: Some(vec![0]),
        cycle_at: None,
        situation: vec!["`A` waits for `y` from `B`".into()],
        words: None,
        help: None,
        pair: None,
        basis: None,
        explain: false,
    }
}

fn session() -> SessionRecord {
    SessionRecord {
        file: "log.jsonl".into(),
        session: "s<1>".into(),
        protocol: "P".into(),
        verdict: "violates",
        events: 3,
        at: Some(7),
        event: Some(EventRecord { from: "A".into(), to: "B".into(), label: "z".into() }),
        expected: vec![ExpectedRecord {
            role: "A".into(),
            dir: "send",
            peer: Some("B".into()),
            label: Some("x".into()),
            message: None,
            place: Some("a.mpst:3".into()),
        }],
        blame: Some("A".into()),
        code: None,
        message: Some("`A` may not send `z` now".into()),
        help: None,
        assumed: Vec::new(),
        last: vec!["A -> B: x".into()],
        payload: None,
        finding: true,
    }
}

fn trace() -> TraceRecord {
    TraceRecord {
        file: "a b.mpst".into(),
        line: 20,
        name: "happy".into(),
        target: "P".into(),
        expected: "accepts",
        actual: "rejects",
        at: Some(1),
        detail: Some("event 2 is refused".into()),
        place: None,
        as_stated: false,
    }
}

/// Feeds every kind of record to a reporter and returns what it wrote.
fn written<R: Reporter>(make: impl FnOnce(Vec<u8>) -> R, out: impl FnOnce(R) -> Vec<u8>) -> String {
    let mut sources = Sources::new();
    let file = sources.add("dir/ä,%.mpst", "protocol P(role A) {\n  ä -> B: x()\n}\n").unwrap();
    let code: Code = syntax::UNEXPECTED;
    let span = Span { file, start: 30, end: 31 };
    let diagnostic = Diagnostic::new(code, span, "expected `;`").label(span, "here\nand there").help("write `;`");
    let mut reporter = make(Vec::new());
    reporter.diagnostic(&sources, &diagnostic).unwrap();
    reporter.verdict(&verdict()).unwrap();
    reporter.verdict(&VerdictRecord { expected: Answer::Violated, ..verdict() }).unwrap();
    reporter.trace(&trace()).unwrap();
    reporter.session(&session()).unwrap();
    reporter.finish(&Summary { errors: 1, ..Summary::default() }).unwrap();
    String::from_utf8(out(reporter)).unwrap()
}

#[test]
fn json_lines() {
    let text = written(Json::new, Json::into_inner);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reasons: Vec<&str> = lines.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["diagnostic", "verdict", "verdict", "trace", "session", "summary"]);
    // Columns are characters from 1: the line is `  ä -> B: x()` and the span is its `:`.
    assert_eq!((lines[0]["line"].as_u64(), lines[0]["column"].as_u64()), (Some(2), Some(9)));
    assert_eq!(lines[0]["end_column"].as_u64(), Some(10));
    assert_eq!(lines[1]["counterexample"][0]["dir"], "send");
    assert_eq!(lines[1]["counterexample"][0]["line"], 3);
    assert_eq!(lines[1]["limit"], serde_json::Value::Null);
    assert_eq!(lines[4]["expected"][0]["where"], "a.mpst:3");
    assert_eq!(lines[5]["errors"], 1);
}

#[test]
fn github_commands_are_escaped() {
    let text = written(Github::new, Github::into_inner);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "::error file=dir/ä%2C%25.mpst,line=2,col=9,endColumn=9,title=PL0101::expected `;`%0A\
         dir/ä,%25.mpst:2: here%0Aand there%0Ahelp: write `;`"
    );
    assert!(lines[1].starts_with("::error file=a b.mpst,line=9,title=safe(P)::`safe(P)` is violated: deadlock"));
    assert!(lines[2].starts_with("::error file=a b.mpst,line=20,title=happy::trace `happy` says that `P` accepts it"));
    assert_eq!(lines[3], "::error file=log.jsonl,line=8,title=session s<1>::`A` may not send `z` now");
    assert_eq!(lines.len(), 4, "what is as stated is not mentioned");
}

#[test]
fn junit_counts_and_escapes() {
    let text = written(Junit::new, Junit::into_inner);
    assert!(text.contains("<testsuite name=\"a b.mpst\" tests=\"3\" failures=\"2\" errors=\"0\">"), "{text}");
    assert!(text.contains("<testcase name=\"s&lt;1&gt;\" classname=\"session\">"), "{text}");
    assert!(
        text.contains("<failure message=\"`safe(P)` is violated\">deadlock: `A` waits; `B` waits&#10;1. A ! B: x(int)")
    );
}

#[test]
fn sarif_has_a_thread_flow_per_role() {
    let text = written(Sarif::new, Sarif::into_inner);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let flows = results[1]["codeFlows"][0]["threadFlows"].as_array().unwrap();
    // C takes no step, and a thread flow must not be empty.
    assert_eq!(flows.iter().map(|flow| flow["id"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(flows[0]["locations"][0]["importance"], "essential");
    assert_eq!(flows[1]["locations"][0]["importance"], "unimportant");
    let uri = &results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b.mpst");
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
    }
}

const STEPS: [(&str, &str, &str, &str); 8] = [
    ("send", "Alice", "Seller", "title"),
    ("receive", "Alice", "Seller", "title"),
    ("send", "Seller", "Alice", "quote"),
    ("send", "Seller", "Bob", "quote"),
    ("receive", "Seller", "Alice", "quote"),
    ("sync", "Bob", "Alice", "nod"),
    ("act", "Bob", "Bob", "reckon"),
    ("send", "Bob", "Seller", "a_rather_long_label_for_such_a_thing"),
];

fn drawn(ascii: bool, cycle_at: Option<usize>) -> String {
    let roles = ["Alice", "Bob", "Seller", "Nobody"].map(str::to_owned);
    let steps: Vec<StepRecord> = STEPS.iter().map(|&(dir, from, to, label)| step(dir, from, to, label)).collect();
    let cone: Vec<usize> = (0..steps.len()).collect();
    let style = sequence::Style { ascii, ..sequence::Style::default() };
    let rows = sequence::draw(&roles, &steps, &cone, cycle_at, style).unwrap();
    format!("\n{}\n", rows.join("\n"))
}

#[test]
fn a_run_is_drawn_with_lifelines() {
    assert_eq!(drawn(false, None), include_str!("report/sequence.txt"));
    assert_eq!(drawn(true, Some(5)), include_str!("report/sequence.ascii.txt"));
}

#[test]
fn a_drawing_without_room_is_not_made() {
    let roles: Vec<String> = (0..40).map(|i| format!("Role{i}")).collect();
    let steps: Vec<StepRecord> = (0..39).map(|i| step("send", &roles[i], &roles[i + 1], "message")).collect();
    let cone: Vec<usize> = (0..39).collect();
    assert_eq!(sequence::draw(&roles, &steps, &cone, None, sequence::Style::default()), None);
}

/// Ten nodes with a long way, a way back, a twin arrow, a loop and arrows of several lines.
fn diagram() -> Diagram {
    let arrow = |from, to, lines: &[&str]| Arrow { from, to, lines: lines.iter().map(|&l| l.to_owned()).collect() };
    let vertex = |i: usize| Vertex { text: i.to_string(), may_stop: i == 6, fork: false };
    let first = Group {
        title: "Seller".into(),
        nodes: (0..8).map(vertex).collect(),
        arrows: vec![
            arrow(0, 1, &["Alice?title(name: string)"]),
            arrow(1, 2, &["Alice!quote(price: int)"]),
            arrow(2, 3, &["Bob!quote(price: int)"]),
            arrow(3, 4, &["Bob?ok(address: string)", "Bob?maybe()", "Bob?\"yes\" <b> & no"]),
            arrow(3, 5, &["Bob?quit()"]),
            arrow(4, 6, &["Bob!date(day: string)"]),
            arrow(5, 6, &["Alice?quit()"]),
            arrow(4, 1, &["Alice?again()"]),
            arrow(3, 2, &["Bob?what()"]),
            arrow(5, 5, &["Bob?really()"]),
            arrow(0, 6, &["Alice?never()"]),
            arrow(3, 7, &["Bob?x()"]),
            arrow(7, 6, &["Bob!y()"]),
        ],
        initial: 0,
    };
    let second = Group {
        title: "Bob".into(),
        nodes: vec![vertex(0), vertex(6)],
        arrows: vec![arrow(0, 1, &["go"])],
        initial: 0,
    };
    Diagram { title: "two \"buyers\"".into(), groups: vec![first, second] }
}

#[test]
fn a_machine_in_dot_mermaid_and_svg() {
    let text = dot::print(&diagram());
    assert!(text.starts_with("digraph \"two \\\"buyers\\\"\" {"), "{text}");
    assert!(
        text.contains("s0_3 -> s0_4 [label=\"Bob?ok(address: string)\\nBob?maybe()\\nBob?\\\"yes\\\" <b> & no\"];")
    );
    assert!(text.contains("s0_6 [label=\"6\", shape=doublecircle];"));
    let text = mermaid::states(&diagram());
    assert!(text.contains("s0_4 --> s0_6 : Bob!date(day#58; string)"), "{text}");
    assert!(text.contains("s0_6 --> [*]"));
    let text = svg::print(&diagram());
    // Every opening tag is closed, or closes itself.
    let opened = text.matches("<g").count() + text.matches("<text").count() + text.matches("<svg").count();
    let closed = text.matches("</g>").count() + text.matches("</text>").count() + text.matches("</svg>").count();
    assert_eq!(opened, closed);
    assert!(text.contains("Bob?&quot;yes&quot; &lt;b&gt; &amp; no"));
    if let Ok(path) = std::env::var("POLYLOGUE_SVG") {
        std::fs::write(path, text).unwrap();
    }
}

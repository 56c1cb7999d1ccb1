//! Large and deep input through all layers: a result or a clear limit, in bounded memory, and never a panic.
//! In unoptimized builds the sizes are a tenth.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::fmt::Write as _;

use polylogue::{
    Verdict,
    load::Loaded,
    protocol::NoImports,
    verify::{self, Options},
};

const SIZE: usize = if cfg!(debug_assertions) { 10 } else { 1 };

fn load(text: &str) -> Loaded {
    Loaded::new("large.mpst", text, &mut NoImports)
}

/// The verdicts of all claims, `H`, `V` or `U` each.
fn verdicts(loaded: &Loaded) -> String {
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics.first());
    let options = Options { max_states: 20_000, max_memory: 1 << 28, ..Options::default() };
    let answer = |claim| match verify::check_claim(&loaded.spec, claim, &options, &mut |_| None).unwrap().verdict {
        Verdict::Holds => 'H',
        Verdict::Violated(_) => 'V',
        Verdict::Unknown(_) => 'U',
    };
    verify::claims(&loaded.spec).iter().map(answer).collect()
}

fn errors(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.code.id()).collect()
}

#[test]
fn a_hundred_thousand_roles() {
    let roles = 100_000 / SIZE;
    let mut text = String::from("protocol Chain(");
    for role in 0..roles {
        write!(text, "{}role R{role}", if role == 0 { "" } else { ", " }).unwrap();
    }
    text.push_str(") {\n");
    for role in 1..roles {
        writeln!(text, "  R{} -> R{role}: m();", role - 1).unwrap();
    }
    text.push_str("}\ncheck projectable(Chain);\n");
    assert_eq!(verdicts(&load(&text)), "H");
}

#[test]
fn a_type_nested_a_million_deep() {
    let depth = 1_000_000 / SIZE;
    let mut text = String::from("system Deep(role A, role B) {\n  A = ");
    text.push_str(&"B!a(). ".repeat(depth));
    text.push_str("end;\n  B = ");
    text.push_str(&"A?a(). ".repeat(depth));
    text.push_str("end;\n}\ncheck safe(Deep, 1);\n");
    let loaded = load(&text);
    assert_eq!(loaded.spec.systems[0].locals.values().next().unwrap().states.len(), depth + 2);
    // More configurations than the limit given: a clear limit.
    assert_eq!(verdicts(&loaded), "U");
}

#[test]
fn loops_nested_a_million_deep() {
    let depth = 1_000_000 / SIZE;
    let mut text = String::from("system Loops(role A, role B) {\n  A = ");
    text.push_str(&"rec X. ".repeat(depth));
    text.push_str("B!a(). X;\n  B = rec X. A?a(). X;\n}\ncheck safe(Loops, 1);\n");
    // Read without trouble, and refused with the way out.
    assert_eq!(errors(&load(&text)), ["PL0233"]);
}

#[test]
fn a_million_braces() {
    for text in ["{", "protocol P(role A) {", "(", "protocol P(role A, role B) { choice at A {"] {
        let loaded = load(&text.repeat(1_000_000 / SIZE));
        assert!(loaded.has_errors());
        assert!(loaded.diagnostics.len() <= 300, "{}", loaded.diagnostics.len());
    }
}

#[test]
fn ten_megabytes() {
    let mut text = String::from("protocol Long(role A, role B) {\n");
    let line = "  A -> B: a_label_of_some_length(first: int, second: string);\n";
    text.push_str(&line.repeat(10_000_000 / line.len() / SIZE));
    text.push_str("}\ncheck projectable(Long);\n");
    assert_eq!(verdicts(&load(&text)), "H");
}

fn chain_of_do(depth: usize) -> Loaded {
    let mut text = String::from("protocol P0(role A, role B) { A -> B: l(); }\n");
    for at in 1..depth {
        writeln!(text, "aux protocol P{at}(role A, role B) {{ A -> B: l(); do P{}(B, A); }}", at - 1).unwrap();
    }
    writeln!(text, "protocol Top(role A, role B) {{ do P{}(A, B); }}\ncheck projectable(Top);", depth - 1).unwrap();
    load(&text)
}

#[test]
fn deep_chains_of_do() {
    assert_eq!(verdicts(&chain_of_do(1_000)), "H");
    // Every protocol is written out with all that it calls: a clear limit.
    assert_eq!(errors(&chain_of_do(9_000)), ["PL0223"]);
}

#[test]
fn a_protocol_that_grows_for_ever() {
    // Not in tail position: what is left to do grows with every turn.
    let loaded = load(
        "protocol Grow(role A, role B) { choice at A { A -> B: l(); do Grow(A, B); B -> A: r(); } or { A -> B: e(); } }",
    );
    assert!(loaded.has_errors());
    assert_eq!(loaded.diagnostics.iter().filter(|found| found.is_error()).count(), 1);
}

#[test]
fn any_end_of_line_and_any_script() {
    let text = "\u{feff}protocol Grüße(role Ärztin,\trole 患者) {\r\n\tÄrztin -> 患者: 你好(名: string);\r\n}\r\n";
    assert_eq!(verdicts(&load(text)), "H");
}

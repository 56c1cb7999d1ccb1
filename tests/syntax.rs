//! Text to tree and back: everything of the grammar, everything that is not, and everything too large.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "syntax/grow.rs"]
mod grow;
#[path = "common/shared.rs"]
mod shared;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polylogue::diag::{CATALOGUE, Diagnostic, Sources};
use polylogue::id::FileId;
use polylogue::syntax::tree::{Item, LPrefix};
use polylogue::syntax::{self, MAX_DEPTH, MAX_DIAGNOSTICS, Style, check};
use proptest::prelude::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax").join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(text: &str) -> (syntax::tree::File, Vec<Diagnostic>) {
    syntax::parse(FileId::default(), text)
}

fn print(text: &str, style: Style) -> String {
    let (file, found) = parse(text);
    assert!(found.is_empty(), "{found:?}");
    syntax::print(&file, text, style)
}

/// One line per diagnostic: place, code, text, further places, help.
fn report(text: &str) -> String {
    let mut sources = Sources::new();
    let file = sources.add("spec", text).unwrap();
    let (_, found) = syntax::parse(file, text);
    let place = |span| {
        let (start, end) = (sources.start(span), sources.end(span));
        format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
    };
    let mut out = String::new();
    for one in &found {
        write!(out, "{} {} {}: {}", place(one.span), one.code, one.severity.word(), one.text).unwrap();
        for label in &one.labels {
            write!(out, " [{} {}]", place(label.span), label.text).unwrap();
        }
        if let Some(help) = &one.help {
            write!(out, " => {help}").unwrap();
        }
        out.push('\n');
    }
    out
}

// ---- what is right ---------------------------------------------------------------------------------------------------

#[test]
fn files_round_trip() {
    let names = ["first_look.mpst", "examples.mpst", "constructs.mpst", "comments.mpst", "scribble.scr", "nuscr.nuscr"];
    for name in names {
        let text = read(&data(name));
        check::round_trip(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        check::round_trip(&text.replace('\n', "\r\n")).unwrap_or_else(|error| panic!("{name} with CRLF: {error}"));
    }
}

/// What is printed is compared with what stands beside the file; `UPDATE_EXPECT=1` rewrites it.
#[test]
fn files_print_as_expected() {
    let cases = [
        ("constructs.mpst", "constructs.arrows.txt", Style::Arrows),
        ("constructs.mpst", "constructs.scribble.txt", Style::Scribble),
        ("comments.mpst", "comments.arrows.txt", Style::Arrows),
        ("comments.mpst", "comments.scribble.txt", Style::Scribble),
        ("scribble.scr", "scribble.arrows.txt", Style::Arrows),
        ("scribble.scr", "scribble.scribble.txt", Style::Scribble),
        ("nuscr.nuscr", "nuscr.arrows.txt", Style::Arrows),
        ("examples.mpst", "examples.arrows.txt", Style::Arrows),
    ];
    for (from, to, style) in cases {
        let printed = print(&read(&data(from)), style);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(data(to), &printed).unwrap();
        }
        assert!(read(&data(to)) == printed, "{from} is not printed as {to}:\n{printed}");
    }
}

#[test]
fn the_corpus_round_trips() {
    let Some(corpus) = shared::path("corpus") else { return };
    for (name, expect) in
        [("globals.jsonl", 486), ("systems.jsonl", 100), ("subtyping.jsonl", 86), ("multiparty-subtyping.jsonl", 26)]
    {
        let mut read_ones = 0;
        for line in read(&corpus.join(name)).lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = row["mpst"].as_str().unwrap();
            check::round_trip(text).unwrap_or_else(|error| panic!("{name} {}: {error}", row["id"]));
            read_ones += 1;
        }
        assert_eq!(read_ones, expect, "{name}");
    }
}

#[test]
fn both_spellings_are_one_tree() {
    let (arrows, _) = parse("protocol P(role A, role B) { A -> B: l(x: int) where x > 0; }");
    let (scribble, _) = parse("global protocol P(role A, role B) { l(x: int) from A to B where x <> 0 || x > 0; }");
    assert_ne!(check::shape(&arrows), check::shape(&scribble));
    let (scribble, _) = parse("global protocol P(role A, role B) { l(x: int) from A to B where x > 0; }");
    assert_eq!(check::shape(&arrows), check::shape(&scribble));
}

#[test]
fn encodings() {
    for (text, items) in [
        ("\u{feff}check safe(P);", 1),
        ("check safe(P);\r\ncheck safe(Q);\r\n", 2),
        ("\tcheck\tsafe(P)\t;", 1),
        ("check safe(Größe);\u{c}check safe(数);", 2),
        ("", 0),
        ("\u{feff}", 0),
    ] {
        let (file, found) = parse(text);
        assert!(found.is_empty(), "{text:?}: {found:?}");
        assert_eq!(file.items.len(), items, "{text:?}");
        check::round_trip(text).unwrap();
    }
}

#[test]
fn backquotes_stand_where_they_are_needed() {
    for (text, expect) in [
        ("`choice` -> `B`: `choice`();", "`choice` -> B: choice();"),
        ("A -> B: x(); `var` -> B: x();", "A -> B: x();\n  var -> B: x();"),
        ("`var` -> B: x();", "`var` -> B: x();"),
        ("A -> B: `220`(); A -> B: `2fa`();", "A -> B: 220();\n  A -> B: 2fa();"),
        ("A -> B: `a.b`(); A -> B: `a-b`(); A -> B: `a.`();", "A -> B: a.b();\n  A -> B: `a-b`();\n  A -> B: `a.`();"),
        ("A -> `220`: l(`own`: `enum`, `x`: `own`);", "A -> `220`: l(`own`: `enum`, x: own);"),
        ("A -> B: l() where `true` == `in` && `not`(x);", "A -> B: l() where `true` == in && `not`(x);"),
    ] {
        let text = format!("protocol P(role A, role B) {{\n{text}\n}}");
        let expect = format!("protocol P(role A, role B) {{\n  {expect}\n}}\n");
        assert_eq!(print(&text, Style::Arrows), expect);
        check::round_trip(&text).unwrap();
    }
}

#[test]
fn small_printers() {
    let (file, found) =
        parse("local type T at A = rec X. B!l(x: int{this > (0)}, own y: list<int>) where (x = 1 + (2 * 3)). X;");
    assert!(found.is_empty(), "{found:?}");
    let Item::LocalType(local) = &file.items[0] else { panic!("a local type") };
    assert_eq!(
        syntax::print::ltype(&local.body),
        "rec X. B!l(x: int{this > 0}, own y: list<int>) where (x == 1 + 2 * 3). X"
    );
    let LPrefix::Action(action) = &local.body.prefix[1] else { panic!("an action") };
    assert_eq!(syntax::print::message(&action.message), "l(x: int{this > 0}, own y: list<int>)");
    let (file, _) = parse("type T = map<string, int{this >= -1}>; def f() = (a + b) * c;");
    let Item::Type(decl) = &file.items[0] else { panic!("a type") };
    assert_eq!(syntax::print::sort(&decl.sort), "map<string, int{this >= -1}>");
    let Item::Def(def) = &file.items[1] else { panic!("a def") };
    assert_eq!(syntax::print::expr(&def.body), "(a + b) * c");
}

// ---- what is wrong ---------------------------------------------------------------------------------------------------

/// `@@7(@@` stands for seven parentheses.
fn expand(text: &str) -> String {
    let mut parts = text.split("@@");
    let mut out = parts.next().unwrap_or("").to_owned();
    let mut repeated = true;
    for part in parts {
        if repeated {
            let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
            out.push_str(&part[digits.len()..].repeat(digits.parse().unwrap()));
        } else {
            out.push_str(part);
        }
        repeated = !repeated;
    }
    out
}

#[test]
fn bad_texts_are_reported() {
    let path = data("bad.txt");
    let mut actual = String::new();
    let expected = read(&path);
    let mut seen = std::collections::BTreeSet::new();
    for case in expected.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, _) = rest.split_once("--- found\n").unwrap();
        let expanded = expand(text);
        let found = report(&expanded);
        assert!(!found.is_empty(), "{name}: nothing is wrong");
        check::total(expanded.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        seen.extend(parse(&expanded).1.iter().map(|one| one.code.id()));
        write!(actual, "=== {name}\n{text}--- found\n{found}").unwrap();
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    assert!(actual == expected || std::env::var_os("UPDATE_EXPECT").is_some(), "{actual}");
    // Two have no place in a file of examples: they have tests of their own below.
    seen.extend(["PL0108", "PL0109"]);
    let all: std::collections::BTreeSet<_> =
        CATALOGUE.iter().copied().flatten().map(|code| code.id()).filter(|id| id.starts_with("PL01")).collect();
    assert_eq!(seen, all, "a code without an example");
}

#[test]
fn too_many_errors_are_cut() {
    let (_, found) = parse(&"? ;\n".repeat(1000));
    assert_eq!(found.len(), MAX_DIAGNOSTICS);
    let last = found.last().unwrap();
    assert_eq!((last.code.id(), last.text.as_str()), ("PL0109", "801 more errors were left out"));
}

#[test]
fn too_large_texts_are_refused() {
    assert!(syntax::too_large(FileId::default(), syntax::MAX_BYTES).is_none());
    let refusal = syntax::too_large(FileId::default(), 1 << 32).unwrap();
    assert_eq!(refusal.code.id(), "PL0108");
    assert_eq!(refusal.text, "the text has 4294967296 bytes; at most 4294967294 can be read");
}

// ---- what is large ---------------------------------------------------------------------------------------------------

/// How often the parts of large texts are repeated: a million in an optimized build.
const MANY: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// Parses within bounds that a quadratic step would exceed by far.
fn quick(text: &str) -> (syntax::tree::File, Vec<Diagnostic>) {
    let start = Instant::now();
    let parsed = parse(text);
    let limit = Duration::from_secs(20);
    assert!(start.elapsed() < limit, "{:?} for {} bytes", start.elapsed(), text.len());
    parsed
}

#[test]
fn long_sequences_are_flat() {
    for text in [
        format!("local type T at B = {}end;", "A!a(). ".repeat(MANY)),
        format!("local type T at B = {}X;", "rec X. ".repeat(MANY)),
        format!("protocol P(role A, role B) {{ {} }}", "A -> B: l();\n".repeat(MANY)),
        format!("protocol P({}role B) {{ A -> B: l(); }}", "role A, ".repeat(100_000)),
        format!("def f() = {}x;", "1 + ".repeat(MANY)),
        format!("def f() = x{};", ".y".repeat(MANY)),
        format!("local type T at B = A!{{ {} }};", "a(). end, ".repeat(MANY / 4)),
        format!("local type T at B = states {{ {} }};", "q = A!a(). q; ".repeat(MANY / 4)),
        format!("protocol P(role A, role B) {{ choice at A {{ }} {} }}", "or { }".repeat(MANY / 2)),
        format!("check {}(P);", "x".repeat(10 * MANY)),
        format!("check safe(P); //{}", " comment".repeat(MANY)),
        format!("check safe(P);{}", "/* c */".repeat(MANY)),
        "check safe(P);\n".repeat(MANY / 2),
    ] {
        let (file, found) = quick(&text);
        let head: String = text.chars().take(60).collect();
        assert!(found.is_empty(), "{head}: {found:?}");
        let start = Instant::now();
        let printed = syntax::print(&file, &text, Style::Arrows);
        assert!(start.elapsed() < Duration::from_secs(20), "{head}: {:?}", start.elapsed());
        let (again, found) = quick(&printed);
        assert!(found.is_empty(), "{head}: {found:?}");
        assert_eq!(again.items.len(), file.items.len());
        assert!(
            printed.lines().all(|line| line.len() <= 120
                || line.contains("xxx")
                || line.contains("or { }")
                || line.contains("/* c */")
                || line.contains(".y.y")
                || line.contains("comment")),
            "{head}"
        );
    }
}

#[test]
fn deep_nesting_is_one_error() {
    for (text, expect) in [
        (format!("def f() = {}1{}; check safe(P);", "(".repeat(MANY), ")".repeat(MANY)), 1),
        (format!("def f() = {}", "(".repeat(MANY)), 1),
        (format!("def f() = {}x; check safe(P);", "!".repeat(MANY)), 1),
        (format!("def f() = {}x; check safe(P);", "a ? b : ".repeat(MANY)), 1),
        (format!("type T = {}int{}; check safe(P);", "list<".repeat(MANY), ">".repeat(MANY)), 1),
        (format!("type T = {}", "{a: ".repeat(MANY)), 1),
        (format!("protocol P(role A) {{ {} {} }}", "choice at A {".repeat(MANY), "}".repeat(MANY)), 1),
        (format!("protocol P(role A) {{ {}", "par {".repeat(MANY)), 1),
        (format!("local type T at A = {}", "B!{a(). ".repeat(MANY)), 1),
        (format!("local type T at A = {}end{};", "(".repeat(MANY), ")".repeat(MANY)), 1),
        ("protocol P(role A) { ".repeat(MANY), 1),
    ] {
        let (_, found) = quick(&text);
        let head: String = text.chars().take(40).collect();
        let deep = found.iter().filter(|one| one.code.id() == "PL0107").count();
        assert_eq!((deep, found.len()), (expect, expect), "{head}: {found:?}");
    }
    for text in [
        "{".repeat(MANY),
        format!("protocol P(role A) {}", "{".repeat(MANY)),
        "(* ".repeat(MANY),
        ") ] } { ( [ ".repeat(MANY / 4),
    ] {
        let (_, found) = quick(&text);
        assert!(!found.is_empty());
    }
}

#[test]
fn the_deepest_tree_can_be_walked() {
    // Each construct nested as deeply as it may be: printed, shown, dropped on the stack of a test.
    let n = MAX_DEPTH;
    for (open, core, close) in [
        ("def f() = ", "(1 + ", ") * 2"),
        ("def f() = ", "!", ""),
        ("def f() = ", "[", "]"),
        ("def f() = ", "a ? b : ", ""),
        ("type T = ", "list<", ">"),
        ("type T = ", "{ a: ", "}"),
        ("protocol P(role A) { ", "choice at A { ", "}"),
        ("protocol P(role A) { ", "A -> B: { a() => { ", "} }"),
        ("protocol P(role A) { ", "try { } on crash A { ", "}"),
        ("protocol P(role A) { ", "protocol Q(role A) { ", "}"),
        ("local protocol P(role A) { ", "during { } interleave { ", "}"),
        ("local type T at A = ", "B!{ a(). ", "}"),
        ("local type T at A = ", "states { q = ", "; }"),
        ("local type T at A = ", "(end || ", ")"),
    ] {
        let tail = match open {
            "type T = " => ("int", ";"),
            open if open.starts_with("local type") => ("end", ";"),
            open if open.contains('{') => ("", "}"),
            _ => ("x", ";"),
        };
        let text = |depth: usize| format!("{open}{}{}{}{}", core.repeat(depth), tail.0, close.repeat(depth), tail.1);
        let deepest = (1..=n).rev().find(|&depth| parse(&text(depth)).1.is_empty());
        let depth = deepest.unwrap_or(0);
        assert!(depth >= n / 4, "{open}{core}: {depth}");
        check::round_trip(&text(depth)).unwrap();
        let (_, found) = parse(&text(n + 1));
        // Some have two blocks that are too deep.
        assert!(!found.is_empty() && found.len() <= 1 + usize::from(core.contains("{ }")), "{open}{core}: {found:?}");
        assert!(found.iter().all(|one| one.code.id() == "PL0107"), "{open}{core}: {found:?}");
    }
}

// ---- what is random --------------------------------------------------------------------------------------------------

const WORDS: &[&str] = &[
    "protocol",
    "global",
    "local",
    "type",
    "system",
    "check",
    "trace",
    "import",
    "def",
    "extern",
    "predicate",
    "aux",
    "nested",
    "choice",
    "at",
    "or",
    "rec",
    "continue",
    "do",
    "par",
    "and",
    "during",
    "interleave",
    "each",
    "try",
    "on",
    "crash",
    "timeout",
    "interrupt",
    "by",
    "where",
    "set",
    "requires",
    "within",
    "every",
    "unique",
    "states",
    "end",
    "from",
    "to",
    "connect",
    "A",
    "B",
    "x",
    "5s",
    "220",
    "1.5",
    "\"s\"",
    "`q`",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "<>",
    ">=",
    ",",
    ";",
    ":",
    ".",
    "..",
    "...",
    "@",
    "!",
    "?",
    "+",
    "-",
    "*",
    "&",
    "->",
    "=>",
    "=",
    "<:",
    "||",
    "&&",
    "//c\n",
    "/*c*/",
    "(*c*)",
    "(*",
    "\n",
    "enum",
    "var",
    "channel",
    "accepts",
    "is",
    "in",
    "own",
    "return",
    "foreach",
];

fn cases(n: u32) -> ProptestConfig {
    let factor = std::env::var("POLYLOGUE_LONG").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    ProptestConfig { cases: n * factor, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(check::total(&bytes), Ok(()));
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        prop_assert_eq!(check::total(text.as_bytes()), Ok(()));
    }

    #[test]
    fn token_soup_is_read(words in prop::collection::vec(prop::sample::select(WORDS), 0..120)) {
        prop_assert_eq!(check::total(words.join(" ").as_bytes()), Ok(()));
    }

    #[test]
    fn spoiled_texts_are_read(seed: u64, cut in any::<prop::sample::Index>(), with in prop::sample::select(WORDS), many in 0usize..6) {
        let text = grow::Grow::new(seed, 60).file(true);
        let at = (0..=cut.index(text.len() + 1)).rev().find(|&at| text.is_char_boundary(at)).unwrap();
        let end = (at..=text.len()).filter(|&end| text.is_char_boundary(end)).nth(many).unwrap_or(text.len());
        let spoiled = format!("{}{with}{}", &text[..at], &text[end..]);
        prop_assert_eq!(check::total(spoiled.as_bytes()), Ok(()));
    }

    #[test]
    fn grown_texts_round_trip(seed: u64) {
        let text = grow::Grow::new(seed, 60).file(false);
        prop_assert!(check::round_trip(&text).is_ok(), "{}\n{}", text, check::round_trip(&text).unwrap_err());
    }

    #[test]
    fn grown_texts_with_comments_round_trip(seed: u64) {
        let text = grow::Grow::new(seed, 40).file(true);
        prop_assert!(check::round_trip(&text).is_ok(), "{}\n{}", text, check::round_trip(&text).unwrap_err());
    }
}

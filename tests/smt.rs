//! Another solver beside our own: what it is asked, what of its answers is believed, what is said when it fails.
//!
//! The solvers here are scripts; a real one is asked as well where `z3` is installed.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

/// A product that two roles have to agree on: beyond sums.
const PRODUCT: &str = "
protocol P(role A, role B) {
  var x<A>: int{this > 1} = 2;
  var y<A>: int{this > 1} = 2;
  A -> B: more() where x * y > 3;
}
check safe(P);
";

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("polylogue-smt-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("p.mpst"), PRODUCT).unwrap();
        Self(dir)
    }

    fn script(&self, text: &str) -> String {
        let path = self.0.join("solver");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Exit code, standard output, standard error.
    fn check(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polylogue"));
        command.current_dir(&self.0).env("NO_COLOR", "1").arg("check").args(args).arg("p.mpst");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn with(&self, script: &str, more: &[&str]) -> (i32, String, String) {
        let solver = self.script(script);
        let mut args = vec!["--smt", &solver];
        args.extend(more);
        self.check(&args)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn without_one_a_product_is_not_decided() {
    let dir = Dir::new("without");
    let (code, out, _) = dir.check(&[]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("may be stuck"), "{out}");
}

#[test]
fn one_that_answers_is_believed_that_there_are_no_values() {
    let dir = Dir::new("answers");
    let (code, out, err) = dir.with("cat > asked; echo unsat", &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("by `") && out.contains("solver`"), "{out}");
    // It was asked about the product of the two variables, each above 1.
    let asked = fs::read_to_string(dir.0.join("asked")).unwrap();
    for part in ["(set-logic QF_NIA)", "(declare-fun x0 () Int)", "(assert (= ", "(check-sat)"] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert!(!asked.contains("(get-value"), "{asked}");
}

#[test]
fn values_that_are_none_change_nothing() {
    let dir = Dir::new("sat");
    for said in ["", "((x0 0) (x1 0) (x2 7))", "((x0 1", "((x0 (/ 1 0)))"] {
        let (code, out, _) = dir.with(&format!("cat > /dev/null; echo sat; echo '{said}'"), &[]);
        assert_eq!(code, 3, "{out}");
        assert!(!out.contains("by `"), "{out}");
    }
    let (code, out, err) = dir.with("cat > /dev/null; echo unknown", &[]);
    assert_eq!((code, err.as_str()), (3, ""), "{out}");
}

#[test]
fn one_that_hangs_is_left() {
    let dir = Dir::new("hangs");
    let begun = Instant::now();
    // It does not even read.
    let (code, out, err) = dir.with("exec sleep 60", &["--smt-limit", "300ms"]);
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(code, 3, "{out}");
    assert!(err.contains("without an answer in time"), "{err}");
}

#[test]
fn the_time_for_all_questions_is_bounded() {
    let dir = Dir::new("total");
    let script = "echo x >> count; exec sleep 60";
    let (code, _, err) = dir.with(script, &["--smt-limit", "300ms", "--smt-total", "300ms"]);
    assert_eq!(code, 3);
    assert!(err.contains("left 1 question without an answer in time"), "{err}");
    assert_eq!(fs::read_to_string(dir.0.join("count")).unwrap(), "x\n");
}

#[test]
fn nonsense_is_told_and_not_asked_again() {
    let dir = Dir::new("nonsense");
    for (script, why) in [
        ("cat > /dev/null; echo x >> count; echo satisfied", "it said `satisfied` instead of"),
        ("cat > /dev/null; echo x >> count; echo unsat or so", "it said `unsat or so` instead of"),
        ("cat > /dev/null; echo x >> count", "it said nothing instead of"),
        ("cat > /dev/null; echo x >> count; echo unsat; kill -9 $$", "it failed (signal: 9"),
        ("echo x >> count; exit 4", "it failed (exit status: 4)"),
        ("echo x >> count; exec yes unsat", "it failed (signal"),
    ] {
        let (code, out, err) = dir.with(script, &[]);
        assert_eq!(code, 3, "{script}: {out}");
        assert!(err.contains("is not asked any more") && err.contains(why), "{script}: {err}");
        assert!(!out.contains("by `"), "{out}");
        assert_eq!(fs::read_to_string(dir.0.join("count")).unwrap(), "x\n", "{script}");
        fs::remove_file(dir.0.join("count")).unwrap();
    }
}

#[test]
fn a_command_that_is_not_there_is_a_wrong_argument() {
    let dir = Dir::new("missing");
    let (code, _, err) = dir.check(&["--smt", "./no-such-solver -in"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("`./no-such-solver -in` of `--smt` cannot be run"), "{err}");
}

/// Whether `z3` is there.
fn z3() -> bool {
    let found = Command::new("z3").arg("--version").output().is_ok();
    if !found {
        println!("skipped: no `z3`");
    }
    found
}

#[test]
fn a_real_one_knows_products() {
    if !z3() {
        return;
    }
    let dir = Dir::new("z3");
    let (code, out, err) = dir.check(&["--smt", "z3 -in"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("by `z3 -in`"), "{out}");
    // One of the two may be 1: then the product may be below 4, and no more is excluded than what is.
    fs::write(dir.0.join("p.mpst"), PRODUCT.replacen("this > 1", "this >= 1", 1)).unwrap();
    let (code, out, _) = dir.check(&["--smt", "z3 -in"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("for example with `x` = 1, `y` = "), "{out}");
}

#[test]
fn implementable_by_another_solver() {
    if !z3() {
        return;
    }
    // B does not know `x`, but a square is never below 0: it may answer after every run.
    let text = "
protocol P(role A, role B, role C) {
  var x<>: int = 0;
  A -> C: pick(v: int) set x = v;
  C -> B: hello();
  B -> A: done() where x * x >= 0;
}
check implementable(P);
";
    let dir = Dir::new("square");
    fs::write(dir.0.join("p.mpst"), text).unwrap();
    let (code, out, _) = dir.check(&[]);
    assert_eq!(code, 3, "{out}");
    let (code, out, _) = dir.check(&["--smt", "z3 -in"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("by `z3 -in`"), "{out}");
    // With a sum of it that may be below 0 it may not; the run is made again with its values.
    fs::write(dir.0.join("p.mpst"), text.replace("x * x >= 0", "x * x > 3")).unwrap();
    let (code, out, _) = dir.check(&["--smt", "z3 -in"]);
    assert_eq!(code, 1, "{out}");
}

/// What is told of a protocol without another solver.
fn told(name: &str, text: &str) -> String {
    let dir = Dir::new(name);
    fs::write(dir.0.join("p.mpst"), text).unwrap();
    dir.check(&[]).1
}

const VOTES: &str = "
protocol Votes(role Coord, role P) {
  var yes<Coord>: int = 0;
  P -> Coord: vote(v: int) set yes@Coord = v;
  choice at Coord { Coord -> P: commit() where yes == 3; } or { Coord -> P: abort() where yes < 3; }
}
check safe(Votes);
";

#[test]
fn the_invariant_that_would_help_is_named() {
    let out = told("votes", VOTES);
    assert!(out.contains("it would hold if `yes <= 3` were an invariant"), "{out}");
    // And it does, once it is declared and nothing breaks it.
    let out = told("kept", &VOTES.replace("int = 0", "int{this <= 3} = 0").replace("v: int", "v: int{v <= 3}"));
    assert!(out.contains("ok        `safe(Votes)` holds"), "{out}");
}

#[test]
fn what_is_declared_excludes_steps_that_break_it() {
    let text = "
protocol Down(role A, role B) {
  var n<A>: int{n >= 0} = 3;
  rec L { A -> B: tick() set n = n - 1; B -> A: tock(); continue L; }
}
check safe(Down);
";
    let out = told("down", text);
    assert!(out.contains("`A` can only send here") && out.contains("for example with `n` = 0"), "{out}");
    assert!(out.contains("unknown   `safe(Down)`"), "{out}");
    // Nothing is excluded if it counts up, or if A may choose by how much.
    for kept in [text.replace("n - 1", "n + 1"), text.replace("tick()", "tick(k: int)").replace("n - 1", "n - k")] {
        let out = told("up", &kept);
        assert!(out.contains("ok        `safe(Down)` holds"), "{out}");
    }
}

#[test]
fn an_index_out_of_range() {
    let text = |condition: &str| {
        format!("protocol P(role A, role B) {{ var xs: list<int> = [1, 2]; A -> B: take(i: uint) where {condition}; }}")
    };
    let out = told("index", &text("xs[i] > 0"));
    assert!(out.contains("PL0523") && out.contains("this index may be out of range"), "{out}");
    assert!(out.contains("for example with `i` = 0, `size(xs)` = 0"), "{out}");
    for harmless in ["i < size(xs) && xs[i] > 0", "i >= size(xs) || xs[i] > 0", "i < size(xs) ? xs[i] > 0 : true"] {
        let out = told("harmless", &text(harmless));
        assert!(!out.contains("PL0523"), "{harmless}: {out}");
    }
    let out = told("always", &text("i > 2 && [1, 2, 3][i] > 0"));
    assert!(out.contains("this index is always out of range"), "{out}");
    let out = told("edge", &text("i < 3 && [1, 2, 3][i] > 0"));
    assert!(!out.contains("PL0523"), "{out}");
}

/// What may be late from a scope that was left, and what comes first behind it.
#[test]
fn labels_of_a_scope_and_behind_it_differ_or_are_reported() {
    let notes = |epoch: &str, body: &str| {
        told("clash", &format!("{epoch} protocol P(role A, role B) {{ {body} }}")).matches("PL0527").count()
    };
    let again = |handler: &str| {
        format!(
            "rec X {{ try {{ A -> B: ask(n: int); B -> A: answer(n: int); }} on timeout 5s at A {{ {handler} }} continue X; }}"
        )
    };
    // Both edges come round again.
    assert_eq!(notes("", &again("")), 2);
    // What is sent first behind the body says that it was left; the answer has nothing in front of it.
    assert_eq!(notes("", &again("A -> B: give_up(n: int);")), 1);
    assert_eq!(notes("", &again("A -> B: give_up(n: int); B -> A: sorry(n: int);")), 0);
    assert_eq!(notes("@epoch(n)", &again("")), 0);
    // In the handler itself, and behind the scopes around it.
    let once = "try { A -> B: ask(); B -> A: answer(); } on timeout 5s at A { A -> B: ask(); }";
    assert_eq!(notes("", once), 1);
    let nested = "par { try { B -> A: tick(); A -> B: tock(); } on interrupt stop() by A { } } and { A -> B: hello(); } B -> A: tick();";
    assert_eq!(notes("", nested), 1);
    let other = "try { B -> A: tick(); A -> B: tock(); } on interrupt stop() by A { } B -> A: done();";
    assert_eq!(notes("", other), 0);
}

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
  rec L {
    choice at A {
      A -> B: more(n: int) where x * y > 3;
      continue L;
    } or {
      A -> B: less() where x * y < 4;
    }
  }
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
    // With one of the two below 2 the product may be 0 to 3, and no more is excluded than what is.
    fs::write(dir.0.join("p.mpst"), PRODUCT.replace("x * y < 4", "x * y < 3").replace("this > 1", "this > 0")).unwrap();
    let (code, out, _) = dir.check(&["--smt", "z3 -in"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("for example with `x` = "), "{out}");
}

#[test]
fn implementable_by_another_solver() {
    if !z3() {
        return;
    }
    // B may go on after every run that looks the same to it, as a square is never below 0.
    let text = "
protocol P(role A, role B) {
  A -> B: root(x: int);
  B -> A: square(y: int) where y == x * x;
  A -> B: done() where y >= 0;
}
check implementable(P);
";
    let dir = Dir::new("square");
    fs::write(dir.0.join("p.mpst"), text).unwrap();
    let (_, own, _) = dir.check(&[]);
    let (code, out, err) = dir.check(&["--smt", "z3 -in"]);
    println!("{own}\n{out}\n{err}");
    assert_eq!(code, 0, "{out}");
}

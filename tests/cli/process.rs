//! What only a process shows: closed pipes, standard input, completions, drawings as documents.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
};

fn polylogue() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polylogue"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/check.in"));
    command
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = polylogue().arg("explain").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_closed_pipe_keeps_what_was_found() {
    let mut child = polylogue()
        .args(["check", "--format", "json", "wrong.mpst"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(1), ""));
}

fn fed(args: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut child =
        polylogue().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn standard_input_is_a_file() {
    let spec = b"\xef\xbb\xbfprotocol P(role A, role B) {\r\n  A -> B: x();\r\n}\r\n";
    let (code, text) = fed(&["check", "-"], spec);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("<stdin>\nok "), "{text}");
    let (code, text) = fed(&["fmt", "-"], spec);
    assert_eq!((code, text.as_str()), (Some(0), "protocol P(role A, role B) {\n  A -> B: x();\n}\n"));
    assert_eq!(fed(&["check", "-"], b"protocol \xff").0, Some(2));
}

#[test]
fn local_types_are_read_back() {
    for (file, protocol) in [("shop.mpst", "Shop"), ("wrong.mpst", "Again")] {
        let types = polylogue().args(["project", file, protocol]).output().unwrap();
        assert!(types.status.success());
        let text =
            std::fs::read_to_string(format!("{}/tests/cmd/check.in/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let whole = format!("{text}\n{}", String::from_utf8(types.stdout).unwrap());
        let (_, found) = fed(&["check", "--format", "json", "-"], whole.as_bytes());
        assert!(found.contains("\"errors\":0"), "{whole}\n{found}");
        // What was printed is what is projected from.
        let name = format!("{protocol}_{}", if protocol == "Shop" { "Depot" } else { "B" });
        let (code, again) = fed(&["project", "-", &name], whole.as_bytes());
        assert_eq!(code, Some(0));
        assert!(whole.contains(again.trim_end()), "{again}");
    }
}

#[test]
fn every_shell_gets_its_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = polylogue().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("conform"), "{shell}");
    }
}

#[test]
fn a_drawing_is_a_document() {
    let output = polylogue().args(["graph", "shop.mpst", "--role", "Shop", "--format", "svg"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    assert!(text.contains("Customer?order(item: string)"));
}

//! A conversation with a running `polylogue run`, line by line.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

pub(crate) fn polylogue() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polylogue"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run"));
    command.env("NO_COLOR", "1");
    command
}

/// A run that answers while it is talked to.
pub(crate) struct Talk {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Talk {
    pub(crate) fn with(args: &[&str]) -> Self {
        let mut child = polylogue()
            .args(["run", "kit.mpst", "--format", "json"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, to, from }
    }

    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Says a line, and gives the line that comes back: at once, or this waits for ever.
    pub(crate) fn say(&mut self, line: &str) -> Value {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{line}").unwrap();
        to.flush().unwrap();
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "no whole line for {line}: {answer:?}");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{line} gave {answer}: {error}"))
    }

    /// What an operation gives.
    #[track_caller]
    pub(crate) fn ok(&mut self, line: &str) -> Value {
        let answer = self.say(line);
        assert!(answer["ok"].is_object(), "{line} gave {answer}");
        answer["ok"].clone()
    }

    /// A name that an operation gives.
    #[track_caller]
    pub(crate) fn name(&mut self, field: &str, line: &str) -> String {
        let answer = self.ok(line);
        answer[field].as_str().unwrap_or_else(|| panic!("{line} gave {answer}")).to_owned()
    }

    /// The refusal of an operation.
    #[track_caller]
    pub(crate) fn refused(&mut self, code: &str, line: &str) -> Value {
        let answer = self.say(line);
        assert_eq!(answer["refused"]["code"], code, "{line} gave {answer}");
        let refused = answer["refused"].clone();
        let name = refused["name"].as_str().unwrap();
        assert!(name.starts_with("PL07") && refused["message"].as_str().unwrap().contains(name), "{refused}");
        refused
    }

    /// The mistake in what is no request.
    #[track_caller]
    pub(crate) fn wrong(&mut self, code: &str, line: &str) -> String {
        let answer = self.say(line);
        assert_eq!(answer["error"]["code"], code, "{line} gave {answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Opens a session and claims all its roles: the names of opener and capability.
    #[track_caller]
    pub(crate) fn opened(&mut self, protocol: &str) -> (String, String) {
        let opener = self.name("opener", &format!(r#"{{"op":"open","protocol":"{protocol}"}}"#));
        let cap = self.name("cap", &format!(r#"{{"op":"claim","opener":"{opener}","owner":"ann"}}"#));
        (opener, cap)
    }

    /// No more is said; the run ends with exit code 0 and without a word.
    pub(crate) fn end(mut self) {
        drop(self.to.take());
        let mut rest = String::new();
        self.from.read_line(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), rest.as_str()), (Some(0), ""), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What comes out for what goes in, and the exit code.
pub(crate) fn fed(args: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child =
        polylogue().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A run that does not start reads nothing.
        let _ = to.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The answers to lines, one each.
pub(crate) fn answers(input: &[u8]) -> Vec<Value> {
    let (code, out, said) = fed(&["run", "kit.mpst", "--format", "json"], input);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let text = String::from_utf8(out).unwrap();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for answer in &all {
        let kinds = ["ok", "refused", "error"].iter().filter(|kind| answer.get(**kind).is_some()).count();
        assert_eq!(kinds, 1, "{answer}");
    }
    all
}

//! `--smt CMD`: another solver, as a process per question.
//!
//! In: a script. Out: what the process says first, `sat`, `unsat` or `unknown`; anything else is none of our words, and
//! told. The process gets the script on its standard input and so much time; what it prints is read up to a limit, and it
//! has to end well: the word of a process that dies is not taken. A solver that fails is not asked again, and one that is
//! slow only until all of its time is spent. Equal questions are asked once.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::solve::{Oracle, Reply};

/// More is not read of an answer.
const MAX_OUTPUT: u64 = 1 << 20;
/// Bytes of questions whose answers are remembered.
const MAX_REMEMBERED: usize = 16 << 20;
/// How often it is looked whether the process ended or the user wants to stop.
const TURN: Duration = Duration::from_millis(20);

/// Another solver.
pub(super) struct Solver {
    command: String,
    /// For one question.
    limit: Duration,
    /// For all that are left.
    left: Duration,
    stop: fn() -> bool,
    known: HashMap<String, Reply>,
    remembered: usize,
    failed: Option<Failed>,
    told: bool,
    /// Questions without an answer in time.
    late: usize,
}

/// What a solver did instead of answering.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// It was not started.
    Start(String),
    /// It made no sense.
    Answer(String),
}

enum Ran {
    Said(Reply),
    Late,
    Failed(Failed),
}

impl Solver {
    /// A command with its arguments, split at blanks; no shell reads it.
    pub(super) fn new(command: &str, limit: Duration, total: Duration, stop: fn() -> bool) -> Self {
        Self {
            command: command.to_owned(),
            limit,
            left: total,
            stop,
            known: HashMap::new(),
            remembered: 0,
            failed: None,
            told: false,
            late: 0,
        }
    }

    /// The command as it was given.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// What went wrong, once.
    pub(super) fn failure(&mut self) -> Option<Failed> {
        let failed = self.failed.clone().filter(|_| !self.told);
        self.told |= failed.is_some();
        failed
    }

    /// How many questions it did not answer in time; forgotten by asking.
    pub(super) fn late(&mut self) -> usize {
        std::mem::take(&mut self.late)
    }

    fn run(&self, script: &str, limit: Duration) -> Ran {
        let deadline = Instant::now().checked_add(limit);
        let mut words = self.command.split_whitespace();
        let Some(program) = words.next() else {
            return Ran::Failed(Failed::Start("it is empty".to_owned()));
        };
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Ran::Failed(Failed::Start(error.to_string())),
        };
        let said = self.listen(&mut child, script, deadline);
        let ended = said.is_some().then(|| wait(&mut child, deadline)).flatten();
        if ended.is_none() {
            // It may have ended just now.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (Some(said), Some(ended)) = (said, ended) else { return Ran::Late };
        if !ended.success() {
            return Ran::Failed(Failed::Answer(format!("it failed ({ended})")));
        }
        match reply(&said) {
            Some(reply) => Ran::Said(reply),
            None => {
                let first: String = said.trim().lines().next().unwrap_or("").chars().take(80).collect();
                let what = if first.is_empty() { "it said nothing".to_owned() } else { format!("it said `{first}`") };
                Ran::Failed(Failed::Answer(format!("{what} instead of `sat`, `unsat` or `unknown`")))
            }
        }
    }

    /// Hands over the script and reads to the end of the output; none if that does not come in time.
    fn listen(&self, child: &mut Child, script: &str, deadline: Option<Instant>) -> Option<String> {
        let (mut input, output) = (child.stdin.take()?, child.stdout.take()?);
        let script = script.to_owned();
        // Who reads while it prints cannot wait for it to read: each side has a thread. They end with the process, or
        // with us if it left its ends of the pipes to somebody else.
        let write = thread::Builder::new().spawn(move || {
            // A process that has heard enough may close its input.
            let _ = input.write_all(script.as_bytes());
        });
        let (send, receive) = mpsc::channel();
        let read = thread::Builder::new().spawn(move || {
            let mut text = Vec::new();
            if output.take(MAX_OUTPUT).read_to_end(&mut text).is_ok() {
                let _ = send.send(text);
            }
        });
        if write.is_err() || read.is_err() {
            return None;
        }
        loop {
            match receive.recv_timeout(TURN) {
                Ok(text) => return Some(String::from_utf8_lossy(&text).into_owned()),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    if (self.stop)() || deadline.is_none_or(|deadline| Instant::now() >= deadline) {
                        return None;
                    }
                }
            }
        }
    }
}

/// Waits for the end of a process that prints no more.
fn wait(child: &mut Child, deadline: Option<Instant>) -> Option<std::process::ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if deadline.is_some_and(|deadline| Instant::now() < deadline) => thread::sleep(pause),
            Ok(None) | Err(_) => return None,
        }
        pause = pause.saturating_mul(2).min(TURN);
    }
}

/// The first word, and what follows it.
fn reply(said: &str) -> Option<Reply> {
    let said = said.trim();
    let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    match word {
        "sat" => Some(Reply::Sat(rest.to_owned())),
        "unsat" if rest.trim().is_empty() => Some(Reply::Unsat),
        "unknown" => Some(Reply::Unknown),
        _ => None,
    }
}

impl Oracle for Solver {
    fn ask(&mut self, smtlib: &str) -> Reply {
        if let Some(known) = self.known.get(smtlib) {
            return known.clone();
        }
        if self.failed.is_some() || self.left.is_zero() || (self.stop)() {
            return Reply::Unknown;
        }
        let begun = Instant::now();
        let ran = self.run(smtlib, self.limit.min(self.left));
        self.left = self.left.saturating_sub(begun.elapsed());
        let reply = match ran {
            Ran::Said(reply) => reply,
            Ran::Late => {
                self.late = self.late.saturating_add(1);
                Reply::Unknown
            }
            Ran::Failed(failed) => {
                self.failed = Some(failed);
                return Reply::Unknown;
            }
        };
        let answer = if let Reply::Sat(text) = &reply { text.len() } else { 0 };
        self.remembered = self.remembered.saturating_add(smtlib.len()).saturating_add(answer);
        if self.remembered <= MAX_REMEMBERED {
            self.known.insert(smtlib.to_owned(), reply.clone());
        }
        reply
    }
}

//! What a person types: a number, or a command with its words.

use super::wrong::Wrong;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// Nothing: an empty line, or a comment.
    Nothing,
    /// Takes an enabled step by its number.
    Take(usize, Said<'a>),
    Send {
        from: &'a str,
        to: &'a str,
        label: &'a str,
        said: Said<'a>,
    },
    Receive {
        role: &'a str,
        from: &'a str,
    },
    Act {
        role: &'a str,
        label: &'a str,
        said: Said<'a>,
    },
    Claim {
        owner: &'a str,
        roles: Vec<&'a str>,
    },
    Release(&'a str),
    Witness {
        role: &'a str,
        predicate: &'a str,
        args: &'a str,
    },
    Answer {
        predicate: &'a str,
        holds: bool,
    },
    At(&'a str),
    Close,
    Cancel(&'a str),
    Drain,
    Show,
    Enabled,
    Types(Option<&'a str>),
    Queues,
    Owners,
    Audit(usize),
    Help,
    Quit,
    /// A JSON object: as with `--format json`.
    Json(&'a str),
}

/// What a step carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) payload: Option<&'a str>,
    /// Names of witnesses, with commas between them.
    pub(super) witness: Option<&'a str>,
}

/// How each command is written, and what it does.
pub(super) const COMMANDS: &[(&str, &str)] = &[
    ("N [PAYLOAD]", "takes the step with this number; a payload is JSON"),
    ("send A B LABEL [PAYLOAD]", "A sends to B; `with witness-1,…` at the end brings witnesses"),
    ("receive B A", "B takes the oldest message from A"),
    ("act A LABEL [PAYLOAD]", "A acts by itself"),
    ("claim OWNER [ROLE…]", "gives unowned roles to an owner"),
    ("release ROLE", "gives back what the owner of a role holds with it"),
    ("witness ROLE PREDICATE [ARGS]", "issues a witness for a step of a role; ARGS is a JSON array"),
    ("answer PREDICATE yes|no", "what an extern predicate is from now on"),
    ("at TIME", "lets time pass: `+5s`, a date, or microseconds"),
    ("drain · close · cancel [WHY]", "ends the session: no new sends; when all is done; at once"),
    ("show", "everything there is to see"),
    ("enabled · types [ROLE] · queues · owners · audit [N]", "parts of it"),
    ("{\"op\":…}", "an operation in JSON, as with `--format json`"),
    ("help · quit", ""),
];

const NAMES: &[&str] = &[
    "send", "receive", "act", "claim", "release", "witness", "answer", "at", "close", "cancel", "drain", "show",
    "enabled", "types", "queues", "owners", "audit", "help", "quit",
];

/// Reads a line.
pub(super) fn read(line: &str) -> Result<Command<'_>, Wrong> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Command::Nothing);
    }
    if line.starts_with('{') {
        return Ok(Command::Json(line));
    }
    let (name, rest) = word(line);
    if let Ok(number) = name.parse() {
        return Ok(Command::Take(number, said(rest)));
    }
    let usage = |how: &str| Wrong::new("usage", format!("write `{how}`"));
    let one = |rest: &str| if rest.contains(char::is_whitespace) { Err(usage(name)) } else { Ok(()) };
    let bare = |command: Command<'static>| if rest.is_empty() { Ok(command) } else { Err(usage(name)) };
    match name {
        "send" => {
            let ((from, rest), how) = (word(rest), "send A B LABEL [PAYLOAD]");
            let (to, rest) = word(rest);
            let (label, rest) = word(rest);
            if label.is_empty() {
                return Err(usage(how));
            }
            Ok(Command::Send { from, to, label, said: said(rest) })
        }
        "receive" => {
            let (role, rest) = word(rest);
            let (from, rest) = word(rest);
            if from.is_empty() || !rest.is_empty() {
                return Err(usage("receive B A"));
            }
            Ok(Command::Receive { role, from })
        }
        "act" => {
            let (role, rest) = word(rest);
            let (label, rest) = word(rest);
            if label.is_empty() {
                return Err(usage("act A LABEL [PAYLOAD]"));
            }
            Ok(Command::Act { role, label, said: said(rest) })
        }
        "claim" => {
            let (owner, rest) = word(rest);
            if owner.is_empty() {
                return Err(usage("claim OWNER [ROLE…]"));
            }
            let roles = rest.split([' ', '\t', ',']).filter(|role| !role.is_empty()).collect();
            Ok(Command::Claim { owner, roles })
        }
        "release" if rest.is_empty() => Err(usage("release ROLE")),
        "release" => one(rest).map(|()| Command::Release(rest)),
        "witness" => {
            let (role, rest) = word(rest);
            let (predicate, args) = word(rest);
            if predicate.is_empty() {
                return Err(usage("witness ROLE PREDICATE [ARGS]"));
            }
            Ok(Command::Witness { role, predicate, args })
        }
        "answer" => match word(rest) {
            (predicate, "yes") => Ok(Command::Answer { predicate, holds: true }),
            (predicate, "no") => Ok(Command::Answer { predicate, holds: false }),
            _ => Err(usage("answer PREDICATE yes|no")),
        },
        "at" if rest.is_empty() => Err(usage("at TIME")),
        "at" => Ok(Command::At(rest)),
        "close" => bare(Command::Close),
        "cancel" => Ok(Command::Cancel(rest)),
        "drain" => bare(Command::Drain),
        "show" => bare(Command::Show),
        "enabled" => bare(Command::Enabled),
        "types" => one(rest).map(|()| Command::Types((!rest.is_empty()).then_some(rest))),
        "queues" => bare(Command::Queues),
        "owners" => bare(Command::Owners),
        "audit" if rest.is_empty() => Ok(Command::Audit(10)),
        "audit" => rest.parse().map(Command::Audit).map_err(|_| usage("audit [N]")),
        "help" | "?" => Ok(Command::Help),
        "quit" | "exit" => bare(Command::Quit),
        other => {
            let mut wrong =
                Wrong::unknown("unknown-command", "command", other, NAMES.iter().map(|&n| n.to_owned()).collect());
            wrong.message.push_str("; `help` lists them");
            Err(wrong)
        }
    }
}

/// The first word, and what comes after it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// A payload, and a witness after `with`.
fn said(text: &str) -> Said<'_> {
    let bare = text.strip_prefix("with ").map(|witness| ("", witness));
    let (payload, witness) = match bare.or_else(|| text.rsplit_once(" with ")) {
        // In a payload the word may stand too; a witness is one word without quotes.
        Some((payload, witness)) if !witness.contains(['"', '}', ']', ' ']) => (payload.trim_end(), Some(witness)),
        _ => (text, None),
    };
    Said { payload: (!payload.is_empty()).then_some(payload), witness }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(read("  "), Ok(Command::Nothing));
        assert_eq!(read("# a note"), Ok(Command::Nothing));
        assert_eq!(read("3"), Ok(Command::Take(3, Said::default())));
        let said = Said { payload: Some("{\"a\": \"x with y\"}"), witness: Some("witness-2") };
        assert_eq!(read("3 {\"a\": \"x with y\"} with witness-2"), Ok(Command::Take(3, said)));
        let said = Said { payload: Some("{\"a\": \"x with y\"}"), witness: None };
        assert_eq!(
            read("send A B l {\"a\": \"x with y\"}"),
            Ok(Command::Send { from: "A", to: "B", label: "l", said })
        );
        let said = Said { payload: None, witness: Some("witness-1") };
        assert_eq!(read("act A l with witness-1"), Ok(Command::Act { role: "A", label: "l", said }));
        assert_eq!(read("receive B A"), Ok(Command::Receive { role: "B", from: "A" }));
        assert_eq!(read("claim ann A,B C"), Ok(Command::Claim { owner: "ann", roles: vec!["A", "B", "C"] }));
        for wrong in ["send A B", "receive B", "claim", "answer p maybe", "close now", "audit x", "frobnicate", "at"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let near = read("recieve B A").expect_err("there is no such command").message;
        assert!(near.contains("did you mean `receive`?"), "{near}");
    }

    #[test]
    fn what_is_listed_is_read() {
        for name in NAMES {
            let known = COMMANDS.iter().any(|(how, _)| how.split([' ', '·']).any(|word| word == *name));
            assert!(known, "{name} is not in the help");
            let line = format!("{name} A p yes");
            assert!(
                read(&line).is_ok()
                    || read(name).is_ok()
                    || read(&format!("{name} A")).is_ok()
                    || read(&format!("{name} A B")).is_ok()
                    || read(&format!("{name} p yes")).is_ok(),
                "{name}"
            );
        }
    }
}

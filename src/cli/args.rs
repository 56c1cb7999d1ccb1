//! The arguments of every command.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::output::{Color, Format};

/// Check protocols, and traffic against them.
#[derive(Debug, Parser)]
#[command(
    name = "polylogue",
    version,
    about = "Write a protocol once, hear whether it can go wrong, check real traffic against it.",
    after_help = "\
Examples:
  polylogue new shop                            write a first specification, shop.mpst
  polylogue check shop.mpst                     judge its claims and traces
  polylogue conform shop.mpst log.jsonl         check recorded traffic against it
  polylogue explain PL0101                      what a code in a message means

Exit codes: 0 as stated; 1 findings; 2 wrong arguments, or a file that cannot be read or written;
3 something could not be answered; 70 a bug of polylogue.",
    disable_help_subcommand = false,
    max_term_width = 100
)]
pub(super) struct Cli {
    /// When to use colour; `auto` heeds NO_COLOR and whether the output is a terminal
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", display_order = 900)]
    pub(super) color: Color,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge the claims and traces of specifications
    Check(Check),
    /// Say which roles of a new version can replace the old ones, and what breaks
    Diff(Diff),
    /// Print the local type of each role
    Project(Project),
    /// Draw machines and protocols
    Graph(Graph),
    /// Find the protocol that machines follow together
    Synthesize(Synthesize),
    /// Check recorded traffic against a specification
    Conform(Conform),
    /// Open a session and step it, by hand or as JSON lines
    Run(Run),
    /// Print specifications in the canonical form
    Fmt(Fmt),
    /// Say what a code in a message means
    Explain(Explain),
    /// Write a first specification
    New(New),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print a member of a family of specifications that grow with a number
    #[command(hide = true)]
    BenchFamily(BenchFamily),
}

/// `bench-family`
#[derive(Debug, Args)]
pub(super) struct BenchFamily {
    /// Which family
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(crate::generate::FAMILIES))]
    pub(super) name: String,

    /// How large
    #[arg(required = true, value_name = "N")]
    pub(super) sizes: Vec<usize>,

    /// Shuffle roles, labels and states
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<u64>,

    /// Change one transition, so that the answer is no
    #[arg(long)]
    pub(super) near_miss: bool,

    /// A subtyping family as a system
    #[arg(long)]
    pub(super) system: bool,

    /// `nested-choice` without sharing
    #[arg(long)]
    pub(super) tree: bool,
}

/// `check`
#[derive(Debug, Args)]
#[command(after_help = "\
Without claims in a file, every protocol is asked whether it is projectable, and every
system whether it is safe. Without --bound, queues may grow: bounds 1, 2, 4, 8 are tried until one
of them cuts nothing.

Examples:
  polylogue check specs/two_buyer.mpst
  polylogue check --check deadlock_free --target Ring --bound 2 specs/ring.mpst
  polylogue check --format sarif specs/*.mpst > polylogue.sarif")]
pub(super) struct Check {
    /// Specifications; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Ask only this: projectable, implementable, kmc, safe, deadlock_free, terminating, live, bounded,
    /// and the other names that `polylogue explain PL0501` lists
    #[arg(long, value_name = "NAME")]
    pub(super) check: Vec<String>,

    /// Ask only about this protocol or system
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,

    /// Queues hold at most K messages; 0 makes every message one step of both roles
    #[arg(long, value_name = "K")]
    pub(super) bound: Option<u32>,

    /// Let families have so many keys
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) families: u32,

    /// How roles have to project to be `projectable`
    #[arg(long, value_enum, default_value_t)]
    pub(super) projection: Merge,

    /// Whether a role may stop where it could still receive; unless said, `implementable` allows it and `projectable`
    /// does not
    #[arg(long, value_enum, value_name = "WHETHER")]
    pub(super) optional_termination: Option<Optional>,

    /// Explore the machines as written instead of minimized ones
    #[arg(long)]
    pub(super) raw: bool,

    /// Look at every order of roles that can be exchanged one for another, not at one
    #[arg(long)]
    pub(super) no_symmetry: bool,

    /// Give up after so many configurations
    #[arg(long, value_name = "N")]
    pub(super) max_states: Option<usize>,

    /// Give up when the search holds so much memory: 512M, 2G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) max_memory: Option<usize>,

    /// Explore with so many threads; unless said, with one for each core. What is answered does not depend on it
    #[cfg(feature = "parallel")]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<std::num::NonZeroUsize>,

    /// Give up after so long, for each claim: 10s, 2m
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) time_limit: Option<Duration>,

    /// Ask another solver what this one does not decide: a command that reads SMT-LIB 2, like `z3 -in`
    #[arg(long, value_name = "CMD")]
    pub(super) smt: Option<String>,

    /// How long it may take, for each question
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "5s", requires = "smt")]
    pub(super) smt_limit: Duration,

    /// How long it may take for all questions together
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "2m", requires = "smt")]
    pub(super) smt_total: Duration,

    /// Say what each verdict rests on: by which theorem, for which queues, and what was looked at
    #[arg(long)]
    pub(super) explain: bool,

    /// Hold the machines against the reference semantics as well
    #[arg(long)]
    pub(super) cross_check: bool,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// How `diff` and `synthesize` print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Lines {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// `diff`
#[derive(Debug, Args)]
#[command(after_help = "\
Of every role that both files have, the new local type is held against the old:
  same          nobody could tell the two apart
  compatible    the new may replace the old while the others stay as they are
  breaking      it may not; the shortest word after which the two part is shown
  unknown       it was not decided
Exit code 1 if something breaks, a protocol or a role is gone; 3 if something is unknown; 2 if a
file has errors.

Examples:
  polylogue diff shop.mpst shop-next.mpst
  git show main:shop.mpst | polylogue diff - shop.mpst --format json")]
pub(super) struct Diff {
    /// The specification as it was; `-` is standard input
    #[arg(value_name = "OLD")]
    pub(super) old: PathBuf,

    /// The specification as it is to be
    #[arg(value_name = "NEW")]
    pub(super) new: PathBuf,

    /// Compare only this protocol, system or local type
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,

    /// Let families have so many keys
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) families: u32,

    /// Give up after so many configurations
    #[arg(long, value_name = "N")]
    pub(super) max_states: Option<usize>,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Lines,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// Which merge decides whether a role can follow a choice of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Merge {
    /// It must do the same in all branches, unless each begins with a message to it.
    Plain,
    /// Receives from one peer are united.
    #[default]
    Full,
    /// What it sees is determinized, if the protocol is implementable.
    Complete,
}

/// Whether a role may stop where it could still receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Optional {
    /// It may.
    Allow,
    /// It may not.
    Forbid,
}

impl Merge {
    /// What the verifier calls it.
    pub(super) fn projection(self) -> crate::verify::Projection {
        match self {
            Self::Plain => crate::verify::Projection::Plain,
            Self::Full => crate::verify::Projection::Full,
            Self::Complete => crate::verify::Projection::Complete,
        }
    }
}

/// `project`
#[derive(Debug, Args)]
#[command(after_help = "\
The types are printed in the compact form of the language, so they can be pasted into a
specification. Roles that cannot follow the protocol are explained on standard error, with the
message that would mend it.

Examples:
  polylogue project specs/two_buyer.mpst
  polylogue project specs/two_buyer.mpst TwoBuyer --role Seller --minimize")]
pub(super) struct Project {
    /// A specification; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Only this protocol, system or local type
    #[arg(value_name = "PROTOCOL")]
    pub(super) protocol: Option<String>,

    /// Only this role
    #[arg(long, value_name = "R")]
    pub(super) role: Option<String>,

    /// Which merge decides whether a role can follow a choice of another
    #[arg(long, value_enum, default_value_t)]
    pub(super) projection: Merge,

    /// Whether a role may stop where it could still receive, by complete projection
    #[arg(long, value_enum, default_value = "allow", value_name = "WHETHER")]
    pub(super) optional_termination: Optional,

    /// Print the smallest type with the same behaviour
    #[arg(long)]
    pub(super) minimize: bool,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// How `graph` draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Drawing {
    /// Graphviz.
    #[default]
    Dot,
    /// Mermaid: state diagrams, and a sequence diagram for a whole protocol.
    Mermaid,
    /// SVG, with nothing else to install.
    Svg,
}

/// `graph`
#[derive(Debug, Args)]
#[command(after_help = "\
A global protocol is drawn as its flow of messages; with --role, as that role's machine. Systems
and local types are drawn as machines.

Examples:
  polylogue graph specs/two_buyer.mpst --format mermaid
  polylogue graph specs/two_buyer.mpst --role Bob --format svg > bob.svg
  polylogue graph specs/ring.mpst Ring | dot -Tpng > ring.png")]
pub(super) struct Graph {
    /// A specification; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// The protocol, system or local type, if the file declares several
    #[arg(value_name = "TARGET")]
    pub(super) target: Option<String>,

    /// The machine of this role
    #[arg(long, value_name = "R")]
    pub(super) role: Option<String>,

    /// How to draw
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Drawing,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// `synthesize`
#[derive(Debug, Args)]
#[command(after_help = "\
The machines are those of a system, or the local types of a file, one for each role. The protocol is
printed as a specification; projecting it gives every role its machine back, which was checked. Where
there is no such protocol, the run is shown after which it cannot go on.

Examples:
  polylogue synthesize machines.mpst PingPong > ping_pong.mpst
  polylogue project specs/two_buyer.mpst > types.mpst && polylogue synthesize types.mpst")]
pub(super) struct Synthesize {
    /// A specification; `-` is standard input
    #[arg(value_name = "SPEC")]
    pub(super) file: PathBuf,

    /// The system, if the file declares several; or the protocol that its local types belong to
    #[arg(value_name = "SYSTEM")]
    pub(super) system: Option<String>,

    /// What to call the protocol
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Give up after so long: 10s, 2m
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) time_limit: Option<Duration>,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Lines,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// `conform`
#[derive(Debug, Args)]
#[command(after_help = "\
A log is JSON lines, one event each, with the keys session, seq, ts, from, to, label and payload
in any order; others are ignored. A map says what other fields mean; SPEC.toml beside SPEC.mpst is
read unasked. Each log is judged by itself, and a session no further after its first violation.

Examples:
  polylogue conform specs/pop3.mpst pop3.jsonl
  tail -f app.log | polylogue conform shop.mpst - --observer endpoint:Shop
  polylogue conform specs/tls.mpst *.jsonl.gz --format json --complete --coverage")]
pub(super) struct Conform {
    /// A specification
    #[arg(value_name = "SPEC")]
    pub(super) spec: PathBuf,

    /// Recorded traffic; `-` is standard input, `.gz` is unpacked
    #[arg(required = true, value_name = "LOG")]
    pub(super) logs: Vec<PathBuf>,

    /// The protocol or system, if the file declares several and none is marked `@main`
    #[arg(long, value_name = "P")]
    pub(super) protocol: Option<String>,

    /// What the fields, roles and labels of the log mean (TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) map: Option<PathBuf>,

    /// Where the log was taken: total, wire, endpoint:R
    #[arg(long, value_name = "OBSERVER")]
    pub(super) observer: Option<String>,

    /// A session that stopped early is a finding
    #[arg(long)]
    pub(super) complete: bool,

    /// Clocks differ by so much: what is late by no more is in time
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) slack: Option<Duration>,

    /// The log goes on until then: what is owed by then has lapsed (milliseconds since 1970, or RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = point, allow_hyphen_values = true)]
    pub(super) until: Option<i64>,

    /// Say which states, transitions and pairs of transitions were never seen
    #[arg(long)]
    pub(super) coverage: bool,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// Who talks to `run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Talk {
    /// A person.
    #[default]
    Human,
    /// A program: one JSON object per line in, one out.
    Json,
}

/// `run`
#[derive(Debug, Args)]
#[command(after_help = "\
A person types the number of a step, or a command; `help` lists them. Without a terminal there is
no prompt, only answers, and the exit code is 1 if something was refused or not understood.

With --format json, each line in is an object `{\"op\":…}` and each line out is one of
  {\"ok\":{…}}        what the operation gave
  {\"refused\":{…}}   what the session store says against it: code, expected, blame, place
  {\"error\":{…}}     it is no request: bad JSON, an unknown op, role, label or handle
`{\"op\":\"help\"}` lists the operations, --schema prints the form of all of it.

Examples:
  polylogue run specs/two_buyer.mpst
  polylogue run specs/two_buyer.mpst --owner ann=Alice --owner bob=Bob,Seller
  polylogue run specs/two_buyer.mpst ops.jsonl --format json --audit session.log")]
pub(super) struct Run {
    /// A specification
    #[arg(value_name = "SPEC", required_unless_present = "schema")]
    pub(super) spec: Option<PathBuf>,

    /// What is to be done, line by line; without it standard input
    #[arg(value_name = "SCRIPT")]
    pub(super) script: Option<PathBuf>,

    /// The protocol or system, if the file declares several and none is marked `@main`
    #[arg(long, value_name = "P")]
    pub(super) protocol: Option<String>,

    /// Who talks: a person, or a program in JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Talk,

    /// Do not ask first whether the protocol is safe
    #[arg(long)]
    pub(super) unchecked: bool,

    /// Who owns which roles, for a person's session: NAME=ROLE,ROLE; the others are yours
    #[arg(long, value_name = "NAME=ROLES", conflicts_with = "schema")]
    pub(super) owner: Vec<String>,

    /// Queues without a bound of their own hold at most K messages
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) queue: Option<u32>,

    /// Keep the audit: batches as they are sealed, and its end
    #[arg(long, value_name = "FILE")]
    pub(super) audit: Option<PathBuf>,

    /// A secret, 16 bytes or more, that authenticates tokens and the seals of the audit
    #[arg(long, value_name = "FILE")]
    pub(super) secret: Option<PathBuf>,

    /// Print the JSON schema of requests and answers
    #[arg(long)]
    pub(super) schema: bool,

    /// Look for imports here too, after the directory of the importing file
    #[arg(long, value_name = "DIR")]
    pub(super) search_path: Vec<PathBuf>,
}

/// Which spelling `fmt` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Spelling {
    /// `A -> B: hello();`
    #[default]
    Arrows,
    /// `hello() from A to B;`
    Scribble,
}

/// `fmt`
#[derive(Debug, Args)]
#[command(after_help = "\
Files are rewritten in place, at once or not at all, and never when they have syntax errors.
Comments are kept.

Examples:
  polylogue fmt specs/*.mpst
  polylogue fmt --check specs/*.mpst           exit code 1 if a file would change
  polylogue fmt --stdout --style scribble specs/two_buyer.mpst
  polylogue fmt - < draft.mpst")]
pub(super) struct Fmt {
    /// Specifications; `-` is standard input, printed to standard output
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Change nothing; name the files that would change
    #[arg(long, conflicts_with = "stdout")]
    pub(super) check: bool,

    /// Which spelling to print
    #[arg(long, value_enum, default_value_t)]
    pub(super) style: Spelling,

    /// Print to standard output instead of rewriting the files
    #[arg(long)]
    pub(super) stdout: bool,
}

/// `explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polylogue explain            list all codes
  polylogue explain PL0101")]
pub(super) struct Explain {
    /// A code, such as PL0101; without one, all codes are listed
    #[arg(value_name = "CODE")]
    pub(super) code: Option<String>,
}

/// `new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polylogue new shop           writes shop.mpst
  polylogue check shop.mpst")]
pub(super) struct New {
    /// What to call it; the file gets the ending .mpst
    #[arg(value_name = "NAME")]
    pub(super) name: PathBuf,
}

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polylogue completions bash > ~/.local/share/bash-completion/completions/polylogue
  polylogue completions zsh > ~/.zfunc/_polylogue")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// `512`, `64K`, `512M`, `2G`, also with `B` or `iB`; powers of 1024.
fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a size; write 512M or 2G");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor: usize = match text.get(digits.len()..).unwrap_or("").to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    digits.parse::<usize>().ok().and_then(|n| n.checked_mul(factor)).filter(|&n| n > 0).ok_or_else(wrong)
}

/// `250ms`, `5s`, `2m`, `1h`.
/// A point in time, in microseconds since 1970.
fn point(text: &str) -> Result<i64, String> {
    let quoted =
        if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.')) { text.to_owned() } else { format!("{text:?}") };
    match crate::data::read(&crate::data::Sort::Builtin(crate::data::Builtin::Timestamp), quoted.as_bytes()) {
        Ok(crate::data::Value::Timestamp(micros)) => Ok(micros),
        _ => Err("write milliseconds since 1970, or a date like 2026-01-31T12:00:00Z".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration; write 500ms, 10s, 2m or 1h");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let millis: u64 = match text.get(digits.len()..).unwrap_or("") {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(millis)).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("64KiB"), Ok(64 << 10));
        assert!(size("").is_err() && size("0").is_err() && size("5x").is_err() && size("99999999999G").is_err());
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("2").is_err() && duration("s").is_err() && duration("99999999999999999h").is_err());
    }
}

//! The command line: arguments in, reports and an exit code out. One file per command.
//!
//! This is the one room with a clock, files and threads. Results go to standard output, chatter and progress to
//! standard error. The exit code is the worst `Status` that a command met; a panic is a bug of ours and says so.

mod args;
mod basis;
mod bench_family;
mod check;
mod completions;
mod conform;
mod diff;
mod explain;
mod files;
mod fmt;
mod graph;
mod load;
mod machines;
mod new;
mod output;
mod project;
mod run;
mod solver;
mod status;
mod synthesize;
mod tally;

use std::{ffi::OsString, io, panic};

use clap::Parser as _;

use args::{Cli, Command};
pub(crate) use status::{Failure, Status};

/// Runs the command line and returns its exit code. Nothing is printed by the caller, and no panic leaves.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let said =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let what = said.unwrap_or("no message");
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        // Nobody is left to tell if standard error is closed.
        let _ = io::Write::write_fmt(
            &mut io::stderr(),
            format_args!(
                "polylogue: this is a bug of polylogue, not of your specification: {what}{place}\n\
                 polylogue: please report it, with the command and its input\n"
            ),
        );
    }));
    let args: Vec<OsString> = args.into_iter().collect();
    panic::catch_unwind(|| dispatch(args)).unwrap_or(Status::Bug).code()
}

fn dispatch(args: Vec<OsString>) -> Status {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let status = if error.use_stderr() { Status::Usage } else { Status::AsStated };
            // A closed pipe behind `--help` is not an error.
            let _ = error.print();
            return status;
        }
    };
    cli.color.apply();
    let done = match &cli.command {
        Command::Project(args) => project::run(args),
        Command::Graph(args) => graph::run(args),
        Command::Synthesize(args) => synthesize::run(args),
        Command::Conform(args) => conform::run(args),
        Command::Check(args) => check::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Run(args) => run::run(args),
        Command::Fmt(args) => fmt::run(args),
        Command::Explain(args) => explain::run(args),
        Command::New(args) => new::run(args),
        Command::Completions(args) => completions::run(args),
        Command::BenchFamily(args) => bench_family::run(args),
    };
    match done {
        Ok(status) | Err(Failure::Pipe(status)) => status,
        Err(failure) => {
            output::complain(&failure.to_string());
            Status::Usage
        }
    }
}

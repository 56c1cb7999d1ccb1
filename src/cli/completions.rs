//! `polylogue completions SHELL`

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::{Failure, Status, args};

pub(super) fn run(args: &args::Completions) -> Result<Status, Failure> {
    // Gathered first: the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::Cli::command(), "polylogue", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Status::AsStated)
}

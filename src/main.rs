//! The `polylogue` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(polylogue::cli::main(std::env::args_os()))
}

//! How long does the same work take on either store?

use std::process::ExitCode;

fn main() -> ExitCode {
    polylogue_peers::harness::times(&polylogue_peers::sides(), "the system's (std::alloc::System)")
}

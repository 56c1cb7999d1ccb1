//! `polylogue bench-family NAME N…`: hidden; so that anybody can repeat what is measured.

use std::io::{self, Write as _};

use super::{Failure, Status, args};
use crate::generate::{Twist, family};

pub(super) fn run(args: &args::BenchFamily) -> Result<Status, Failure> {
    let twist = Twist { seed: args.seed, near_miss: args.near_miss, system: args.system, tree: args.tree };
    let text = family(&args.name, &args.sizes, twist).map_err(|error| Failure::Usage(error.to_string()))?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Status::AsStated)
}

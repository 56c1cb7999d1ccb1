//! `polylogue fmt FILE…`

use std::{
    io::{self, Write as _},
    path::Path,
};

use super::{Failure, Status, args, args::Spelling, files, output, tally::Tally};
use crate::{
    diag::{Diagnostic, Sources},
    syntax::{self, Style},
};

pub(super) fn run(args: &args::Fmt) -> Result<Status, Failure> {
    // The text goes to standard output, so what is wrong with it is told on standard error.
    let mut tally = Tally::quiet();
    for path in &args.files {
        if let Err(failure) = file(path, args, &mut tally) {
            tally.failure(failure)?;
        }
    }
    Ok(tally.status())
}

fn file(path: &Path, args: &args::Fmt, tally: &mut Tally) -> Result<(), Failure> {
    let text = files::read_text(path)?;
    let name = files::name(path);
    let mut sources = Sources::new();
    let file = sources.add(name.clone(), text.clone()).map_err(|error| Failure::File {
        path: name.clone(),
        what: "read",
        reason: error.to_string(),
    })?;
    let (tree, found) = syntax::parse(file, &text);
    if found.iter().any(Diagnostic::is_error) {
        tally.diagnostics(&sources, &found)?;
        output::say(&format!("`{name}` is left as it is"));
        return Ok(());
    }
    let style = match args.style {
        Spelling::Arrows => Style::Arrows,
        Spelling::Scribble => Style::Scribble,
    };
    let printed = syntax::print(&tree, &text, style);
    if args.check {
        if printed != text {
            tally.meet(Status::Findings);
            writeln!(io::stdout(), "{name}").map_err(|error| Failure::output(error, tally.status()))?;
        }
    } else if args.stdout || files::is_stdin(path) {
        let mut out = io::stdout().lock();
        let written = out.write_all(printed.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Failure::output(error, tally.status()))?;
    } else if printed != text {
        files::replace(path, &printed)?;
        output::say(&format!("formatted {name}"));
    }
    Ok(())
}

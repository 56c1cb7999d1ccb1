//! Standard output and standard error: colour, character set, progress.

use std::{
    env,
    io::{self, BufWriter, IsTerminal, Write},
    time::{Duration, Instant},
};

use clap::ValueEnum;

use crate::report::{Github, Human, Json, Junit, Reporter, Sarif, clean, sequence::Style};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// From here on, for everything that is printed.
    pub(super) fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test reports.
    Junit,
    /// Workflow commands, for annotations on GitHub.
    Github,
}

impl Format {
    /// A reporter of this format on standard output.
    pub(super) fn reporter(self) -> Box<dyn Reporter> {
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        match self {
            Self::Human => Box::new(Human::new(BufWriter::new(anstream::stdout()), style())),
            Self::Json => Box::new(Json::new(out)),
            Self::Sarif => Box::new(Sarif::new(out)),
            Self::Junit => Box::new(Junit::new(out)),
            Self::Github => Box::new(Github::new(out)),
        }
    }
}

/// How to draw on this terminal.
pub(super) fn style() -> Style {
    let width = env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(110);
    Style { ascii: !utf8(), width, ..Style::default() }
}

/// Whether the environment says that text is UTF-8: the first of these that is set decides.
fn utf8() -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| env::var(name).ok()).find(|text| !text.is_empty());
    set.is_some_and(|text| {
        let text = text.to_ascii_lowercase();
        text.contains("utf-8") || text.contains("utf8")
    })
}

/// Says on standard error why something did not work.
pub(super) fn complain(text: &str) {
    let red = anstyle::AnsiColor::BrightRed.on_default().bold();
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(anstream::stderr(), "{red}polylogue{red:#}: {}", clean(text));
}

/// Chatter on standard error.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", clean(text));
}

/// A line on standard error that long work overwrites again and again; only on a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    begun: Instant,
    last: Option<Instant>,
}

impl Progress {
    /// Nothing is shown in the first moments.
    const QUIET: Duration = Duration::from_millis(400);
    const EVERY: Duration = Duration::from_millis(100);

    /// Begins now.
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), begun: Instant::now(), last: None }
    }

    /// Shows how far it is, if it is time to.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        if !self.terminal || self.begun.elapsed() < Self::QUIET {
            return;
        }
        if self.last.is_none_or(|last| last.elapsed() >= Self::EVERY) {
            self.last = Some(Instant::now());
            let _ = write!(io::stderr(), "\r\x1b[2K{} ({:.1} s)", clean(&text()), self.begun.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

//! Text for people: diagnostics with the source lines they speak of, and verdicts that can be understood from the
//! screen alone.
//!
//! A violated claim is told in this order: one line that says what, what is wrong in words, the numbered run with the
//! place of each step, the causal cone as a sequence diagram, how things stand in the end, and the way out. What came
//! out as stated gets one line. Styles are always written; whoever owns the terminal strips them where they are not
//! wanted.

use std::{
    io::{self, Write},
    ops::Range,
};

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet,
    renderer::{AnsiColor, DecorStyle, Style as Ansi},
};

use super::{
    CoverageRecord, DiagnosticRecord, Reporter, SessionRecord, StepRecord, Summary, TraceRecord, VerdictRecord, pair,
    record::Answer,
    sequence::{self, Style},
    text::{clean, count, width},
};
use crate::diag::{Diagnostic, Severity, Source, Sources, Span};

const GOOD: Ansi = AnsiColor::Green.on_default().bold();
const BAD: Ansi = AnsiColor::BrightRed.on_default().bold();
const UNSURE: Ansi = AnsiColor::Yellow.on_default().bold();
const HEAD: Ansi = Ansi::new().bold();
const FAINT: Ansi = Ansi::new().dimmed();

/// More source text than this around a finding is not shown.
const MOST_SOURCE: usize = 1 << 16;

/// Longer runs are shown by their first and last steps.
const MOST_STEPS: usize = 80;

/// Longer lists of alternatives are cut here.
const MOST_EXPECTED: usize = 40;

/// Longer lists of what was never seen are cut here.
const MOST_UNSEEN: usize = 60;

/// A diagnostic as text, with styles.
#[must_use]
pub fn render(sources: &Sources, diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = level.primary_title(clean(&diagnostic.text)).id(diagnostic.code.id()).elements(None::<Origin<'_>>);
    let mut files = vec![diagnostic.span.file];
    files.extend(diagnostic.labels.iter().map(|label| label.span.file));
    files.dedup();
    let mut seen = Vec::new();
    for file in files {
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let Some(source) = sources.get(file) else { continue };
        let labels = diagnostic.labels.iter().filter(|label| label.span.file == file);
        let mut marks: Vec<(Span, AnnotationKind, Option<&str>)> = Vec::new();
        if diagnostic.span.file == file {
            marks.push((diagnostic.span, AnnotationKind::Primary, None));
        }
        marks.extend(labels.map(|label| (label.span, AnnotationKind::Context, Some(&*label.text))));
        group = excerpt(group, source, &marks);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(clean(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let decor = if style.ascii { DecorStyle::Ascii } else { DecorStyle::Unicode };
    let mut text = Renderer::styled().decor_style(decor).term_width(style.width).render(&[group]);
    text.push('\n');
    text
}

/// Adds the lines around some places of one source; only where they stand, if that would be too much text.
fn excerpt<'a>(group: Group<'a>, source: &'a Source, marks: &[(Span, AnnotationKind, Option<&'a str>)]) -> Group<'a> {
    let ranges: Vec<Range<usize>> = marks.iter().map(|(span, ..)| range(&source.text, *span)).collect();
    let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let start = source.text.get(..start).and_then(|text| text.rfind('\n')).map_or(0, |at| at.saturating_add(1));
    let end =
        source.text.get(end..).and_then(|text| text.find('\n')).map_or(source.text.len(), |at| end.saturating_add(at));
    let first = marks.first().map_or(start, |(span, ..)| span.start as usize);
    let shown = source.text.get(start..end).filter(|text| text.len() <= MOST_SOURCE);
    let Some(shown) = shown else {
        let place = source.position(u32::try_from(first).unwrap_or(u32::MAX));
        let origin = Origin::path(clean(&source.name)).line(place.line as usize).char_column(place.column as usize);
        return group.element(origin);
    };
    let line = source.position(u32::try_from(start).unwrap_or(u32::MAX)).line;
    let mut snippet = Snippet::source(shown).line_start(line as usize).path(clean(&source.name)).fold(true);
    for ((_, kind, label), range) in marks.iter().zip(ranges) {
        let span = range.start.saturating_sub(start)..range.end.saturating_sub(start);
        snippet = snippet.annotation(kind.span(span).label(label.map(clean)));
    }
    group.element(snippet)
}

/// A span as a range of characters that exist.
fn range(text: &str, span: Span) -> Range<usize> {
    let floor = |at: u32| {
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at = at.saturating_sub(1);
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    start..end.max(start)
}

/// Writes text for people as findings arrive.
#[derive(Debug)]
pub struct Human<W> {
    out: W,
    style: Style,
    /// The last thing written was several lines, so an empty line separates it from what follows.
    block: bool,
    anything: bool,
    /// What follows is about this file, which was not named yet.
    file: Option<String>,
}

impl<W: Write> Human<W> {
    /// Writes to `out`.
    pub fn new(out: W, style: Style) -> Self {
        Self { out, style, block: false, anything: false, file: None }
    }

    fn begin(&mut self, block: bool) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            if self.anything {
                writeln!(self.out)?;
            }
            writeln!(self.out, "{HEAD}{}{HEAD:#}", clean(&file))?;
            self.anything = true;
            self.block = false;
        }
        if self.anything && (block || self.block) {
            writeln!(self.out)?;
        }
        self.anything = true;
        self.block = block;
        Ok(())
    }

    /// `word      text`, the word in a column of its own.
    fn headline(&mut self, style: Ansi, word: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "{style}{word:<9}{style:#} {}", clean(text))
    }

    fn indented(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "          {}", clean(line))?;
        }
        Ok(())
    }

    /// What a verdict rests on, for those who asked.
    fn basis(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        let Some(basis) = verdict.basis.as_ref().filter(|_| verdict.explain) else { return Ok(()) };
        let source = basis.source.map_or_else(String::new, |source| format!(" ({source})"));
        let rows = [
            ("by", format!("{}{source}", basis.theorem)),
            ("queues", basis.queues.clone()),
            ("fragment", basis.fragment.clone()),
            ("looked at", basis.looked_at.clone()),
        ];
        for (word, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
            writeln!(self.out, "          {FAINT}{word:<9}{FAINT:#} {}", clean(text))?;
        }
        Ok(())
    }

    fn place(&mut self, file: &str, line: u32) -> io::Result<()> {
        let arrow = if self.style.ascii { "-->" } else { "──▸" };
        writeln!(self.out, "          {FAINT}{arrow} {}:{line}{FAINT:#}", clean(file))
    }

    fn run(&mut self, verdict: &VerdictRecord, steps: &[StepRecord]) -> io::Result<()> {
        if steps.is_empty() {
            return writeln!(self.out, "\n  at the very start");
        }
        let whole: Vec<usize> = (0..steps.len()).collect();
        let cone = verdict.cone.as_deref().unwrap_or(&whole);
        let marked = cone.len() < steps.len();
        let of = count(steps.len() as u64, "step");
        let note = if marked {
            format!("; what matters is marked {}", if self.style.ascii { "*" } else { "•" })
        } else {
            String::new()
        };
        writeln!(self.out, "\n  {HEAD}the run{HEAD:#} ({of}{note})")?;
        let number = steps.len().to_string().len();
        let wide = steps.iter().map(|step| width(&clean(&step.words()))).max().unwrap_or(0).min(60);
        let hidden = steps.len().saturating_sub(MOST_STEPS);
        for (i, step) in steps.iter().enumerate() {
            if hidden > 0 && i >= MOST_STEPS / 2 && i < (MOST_STEPS / 2).saturating_add(hidden) {
                if i == MOST_STEPS / 2 {
                    let more = count(hidden as u64, "more step");
                    writeln!(self.out, "    {:number$}   {FAINT}{more}; `--format json` has all{FAINT:#}", "")?;
                }
                continue;
            }
            if verdict.cycle_at == Some(i) {
                writeln!(self.out, "    {:number$}   {FAINT}from here again and again:{FAINT:#}", "")?;
            }
            let mark = match (marked && cone.contains(&i), self.style.ascii) {
                (false, _) => ' ',
                (true, true) => '*',
                (true, false) => '•',
            };
            let text = clean(&step.words());
            let place = step.place.as_ref().filter(|place| !place.file.is_empty());
            let place = place.map_or_else(String::new, |at| format!("{}:{}:{}", clean(&at.file), at.line, at.column));
            let nth = i.saturating_add(1);
            writeln!(self.out, "    {nth:>number$} {mark} {text:<wide$}  {FAINT}{place}{FAINT:#}")?;
        }
        if let Some(rows) = sequence::draw(&verdict.roles, steps, cone, verdict.cycle_at, self.style) {
            writeln!(self.out)?;
            for row in rows {
                writeln!(self.out, "    {row}")?;
            }
        }
        Ok(())
    }

    fn story(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        if let Some(steps) = &verdict.counterexample {
            self.run(verdict, steps)?;
        }
        if let Some(pair) = &verdict.pair {
            let role = clean(&pair.role);
            writeln!(self.out, "\n  {HEAD}what looks the same to `{role}`{HEAD:#} ({})", pair.condition)?;
            for row in pair::draw(pair, &verdict.roles, self.style) {
                writeln!(self.out, "    {row}")?;
            }
        }
        if !verdict.situation.is_empty() {
            let when = if verdict.cycle_at.is_some() { "each time round" } else { "in the end" };
            writeln!(self.out, "\n  {HEAD}{when}{HEAD:#}")?;
            for line in &verdict.situation {
                writeln!(self.out, "    {}", clean(line))?;
            }
        }
        if let Some(help) = &verdict.help {
            writeln!(self.out, "\n  {HEAD}help{HEAD:#}: {}", clean(help))?;
        }
        Ok(())
    }
}

/// What was explored, in a few words: `(12 configurations, queues up to 2)`.
fn scope(verdict: &VerdictRecord) -> String {
    let mut parts = Vec::new();
    if let Some(n) = verdict.configurations {
        parts.push(count(n as u64, "configuration"));
    }
    match (verdict.bound, verdict.exhaustive) {
        (Some(0), _) => parts.push("synchronous".to_owned()),
        (Some(bound), Some(true)) => parts.push(format!("no queue needs more than {bound}")),
        (Some(bound), _) => parts.push(format!("queues up to {bound}")),
        (None, _) => {}
    }
    // What was left out belongs to the answer; by which theorem it holds is told by `--format json`.
    let left_out = verdict.detail.as_ref().filter(|detail| detail.starts_with("looked at with"));
    if let (Answer::Holds, Some(left_out)) = (verdict.verdict, left_out) {
        parts.push(left_out.clone());
    } else if let (Answer::Holds, Some(by)) = (verdict.verdict, &verdict.by) {
        parts.push(format!("by `{by}`"));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

impl<W: Write> Reporter for Human<W> {
    fn file(&mut self, name: &str) -> io::Result<()> {
        // Written with the first finding about it.
        self.file = Some(name.to_owned());
        Ok(())
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.begin(true)?;
        self.out.write_all(render(sources, diagnostic, self.style).as_bytes())
    }

    fn verdict(&mut self, verdict: &VerdictRecord) -> io::Result<()> {
        let claim = verdict.claim();
        if verdict.as_stated() {
            self.begin(false)?;
            let text = match verdict.verdict {
                Answer::Holds => format!("`{claim}` holds{}", scope(verdict)),
                Answer::Violated => {
                    let steps = verdict.counterexample.as_ref().map(Vec::len);
                    let steps = steps.map_or_else(String::new, |n| format!(" after {}", count(n as u64, "step")));
                    format!("`{claim}` is violated{steps}, as stated")
                }
                Answer::Unknown => format!("`{claim}` is unknown, as stated"),
            };
            self.headline(GOOD, "ok", &text)?;
            return self.basis(verdict);
        }
        self.begin(true)?;
        let (style, word) = match verdict.verdict {
            Answer::Holds => (BAD, "holds"),
            Answer::Violated => (BAD, "violated"),
            Answer::Unknown => (UNSURE, "unknown"),
        };
        let code = verdict.code.map_or_else(String::new, |code| format!(" [{code}]"));
        let but = match verdict.expected {
            Answer::Holds => String::new(),
            expected => format!(", but the claim says `is {}`", expected.word()),
        };
        self.headline(style, word, &format!("`{claim}`{code}{but}{}", scope(verdict)))?;
        self.place(&verdict.file, verdict.line)?;
        if let Some(detail) = &verdict.detail {
            self.indented(detail)?;
        }
        self.basis(verdict)?;
        self.story(verdict)
    }

    fn trace(&mut self, trace: &TraceRecord) -> io::Result<()> {
        let TraceRecord { name, target, actual, .. } = trace;
        if trace.as_stated {
            self.begin(false)?;
            return self.headline(GOOD, "ok", &format!("trace `{name}`: `{target}` {actual} it, as stated"));
        }
        self.begin(true)?;
        if *actual == "unknown" {
            self.headline(UNSURE, "unknown", &trace.sentence())?;
        } else {
            self.headline(BAD, "violated", &trace.sentence())?;
        }
        let line = trace.place.as_ref().map_or(trace.line, |place| place.line);
        self.place(&trace.file, line)?;
        match &trace.detail {
            Some(detail) => self.indented(detail),
            None => Ok(()),
        }
    }

    fn session(&mut self, session: &SessionRecord) -> io::Result<()> {
        let (style, word) = match session.verdict {
            "violates" => (BAD, "violates"),
            "unknown" => (UNSURE, "unknown"),
            "incomplete" if session.finding => (BAD, "stopped"),
            _ => return Ok(()),
        };
        self.begin(true)?;
        let message = session.message.as_deref().unwrap_or(match session.verdict {
            "incomplete" => "the trace stopped before the session was over",
            _ => "the session does not follow its protocol",
        });
        let code = session.code.map_or_else(String::new, |code| format!(" [{code}]"));
        let who = match &*session.session {
            "" => "the log's only session".to_owned(),
            name => format!("session `{name}`"),
        };
        self.headline(style, word, &format!("{who}{code}: {message}"))?;
        if let Some(at) = session.at {
            self.place(&session.file, u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1))?;
        }
        if let Some(EventText(text)) = session.event.as_ref().map(EventText::of) {
            self.indented(&format!("event {}: {text}", session.events))?;
        }
        if let Some(payload) = &session.payload {
            self.indented(&format!("payload: {payload}"))?;
        }
        if let Some(blame) = &session.blame {
            self.indented(&format!("to blame: `{blame}`"))?;
        }
        if !session.last.is_empty() {
            writeln!(self.out, "\n  {HEAD}before it{HEAD:#}")?;
            for event in &session.last {
                writeln!(self.out, "    {}", clean(event))?;
            }
        }
        expected_list(&mut self.out, &session.expected)?;
        if let Some(help) = &session.help {
            writeln!(self.out, "\n  {HEAD}help{HEAD:#}: {}", clean(help))?;
        }
        for assumed in &session.assumed {
            writeln!(self.out, "\n  {HEAD}taken for granted{HEAD:#}: {}", clean(assumed))?;
        }
        Ok(())
    }

    fn bad_line(&mut self, record: &DiagnosticRecord) -> io::Result<()> {
        self.begin(true)?;
        let head = format!("[{}]: {}", record.code, record.message);
        writeln!(self.out, "{BAD}{}{BAD:#}{}", record.severity, clean(&head))?;
        self.place(&record.place.file, record.place.line)?;
        match &record.help {
            Some(help) => self.indented(&format!("help: {help}")),
            None => Ok(()),
        }
    }

    fn coverage(&mut self, coverage: &CoverageRecord) -> io::Result<()> {
        self.begin(true)?;
        writeln!(self.out, "{HEAD}coverage of `{}`{HEAD:#}", clean(&coverage.protocol))?;
        let shares = [("states", coverage.states), ("transitions", coverage.transitions), ("pairs", coverage.pairs)];
        for (what, share) in shares {
            let percent = share.seen.saturating_mul(100).checked_div(share.all).unwrap_or(100);
            writeln!(self.out, "  {what:<12} {} of {} ({percent} %)", share.seen, share.all)?;
        }
        if !coverage.unseen.is_empty() {
            writeln!(self.out, "\n  {HEAD}never seen{HEAD:#}")?;
        }
        let wide = coverage.unseen.iter().map(|one| width(&clean(&one.what))).max().unwrap_or(0).min(60);
        for one in coverage.unseen.iter().take(MOST_UNSEEN) {
            let (what, file) = (clean(&one.what), clean(&one.file));
            writeln!(self.out, "    {what:<wide$}  {FAINT}{file}:{}{FAINT:#}", one.line)?;
        }
        if coverage.unseen.len() > MOST_UNSEEN {
            let more = coverage.unseen.len().saturating_sub(MOST_UNSEEN);
            writeln!(self.out, "    and {more} more; `--format json` has all")?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if summary.sessions > 0 {
            self.begin(true)?;
            let mut parts = Vec::new();
            let kinds = [
                (summary.conforming, "conforming"),
                (summary.violating, "violating"),
                (summary.incomplete, "stopped early"),
            ];
            for (n, what) in kinds {
                if n > 0 {
                    parts.push(format!("{} {what}", group(n)));
                }
            }
            let known = summary.conforming.saturating_add(summary.violating).saturating_add(summary.incomplete);
            let unknown = summary.sessions.saturating_sub(known);
            if unknown > 0 {
                parts.push(format!("{} unknown", group(unknown)));
            }
            let (sessions, events) = (count(summary.sessions, "session"), count(summary.events, "event"));
            writeln!(self.out, "{sessions}, {events}: {}", parts.join(", "))?;
        } else {
            let mut parts = Vec::new();
            let findings = [
                (summary.errors, "error"),
                (summary.warnings, "warning"),
                (summary.claims, "claim"),
                (summary.traces, "trace"),
            ];
            for (n, what) in findings {
                if n > 0 {
                    parts.push(count(n as u64, what));
                }
            }
            if summary.violated > 0 {
                parts.push(format!("{} otherwise than stated", group(summary.violated as u64)));
            }
            if summary.unknown > 0 {
                parts.push(format!("{} unknown", group(summary.unknown as u64)));
            }
            let judged = summary.claims > 0 || summary.traces > 0;
            if judged && summary.errors == 0 && summary.violated == 0 && summary.unknown == 0 {
                parts.push("all as stated".to_owned());
            }
            if !parts.is_empty() {
                self.begin(true)?;
                writeln!(self.out, "{}", parts.join(", "))?;
            }
        }
        self.out.flush()
    }
}

fn group(n: u64) -> String {
    count(n, "").trim_end_matches('s').trim_end().to_owned()
}

struct EventText(String);

impl EventText {
    fn of(event: &super::EventRecord) -> Self {
        Self(format!("{} -> {}: {}", event.from, event.to, event.label))
    }
}

fn expected_list(out: &mut impl Write, expected: &[super::ExpectedRecord]) -> io::Result<()> {
    if expected.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {HEAD}expected{HEAD:#}")?;
    let wide = expected.iter().map(|one| width(&clean(&one.words()))).max().unwrap_or(0).min(60);
    for one in expected.iter().take(MOST_EXPECTED) {
        let place = one.place.as_deref().map(clean).unwrap_or_default();
        writeln!(out, "    {:<wide$}  {FAINT}{place}{FAINT:#}", clean(&one.words()))?;
    }
    if expected.len() > MOST_EXPECTED {
        writeln!(out, "    and {} more", expected.len().saturating_sub(MOST_EXPECTED))?;
    }
    Ok(())
}

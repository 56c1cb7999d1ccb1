//! `polylogue conform SPEC LOG…`

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Read},
    mem::{self, ManuallyDrop},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{Failure, Status, args, files, load, machines, output::Progress, tally::Tally};
use crate::{
    data::Redaction,
    diag::{Diagnostic, Sources, Span},
    load::Loaded,
    machine::{End, Program, System, live::Passage},
    protocol::{Act, Header, Names, NoEndpoints},
    report::{
        CoverageRecord, DiagnosticRecord, EventRecord, ExpectedRecord, SessionRecord, ShareRecord, UnseenRecord,
        record::Place,
    },
    trace::{
        BadLine, Checker, Coverage, Finding, Judgement, Machines, Map, MapError, NoSubject, Past, Session, Share,
        Subject, Transition, Unseen,
    },
};

pub(super) fn run(args: &args::Conform) -> Result<Status, Failure> {
    // The process ends with this command: what is large need not be given back piece by piece.
    let loaded = ManuallyDrop::new(load::load(&args.spec, &args.search_path)?);
    let mut tally = Tally::new(args.format);
    tally.errors(&loaded)?;
    let map = match map(args)? {
        Some(map) => map,
        None => Text { name: String::new(), text: String::new() },
    };
    let mut parsed = match Map::parse(&map.text) {
        Ok(parsed) => parsed,
        Err(error) => {
            report(&mut tally, &map, &[error])?;
            return tally.finish();
        }
    };
    if let Some(observer) = &args.observer {
        let (kind, role) = observer.split_once(':').map_or((&**observer, None), |(kind, role)| (kind, Some(role)));
        parsed.observe(kind, role).map_err(|error| wrong_observer(&error))?;
    }
    let named = args.protocol.as_deref().or_else(|| parsed.protocol().map(|placed| &*placed.text));
    let has_all_roles = |subject| !matches!(subject, machines::Subject::Local(_));
    let subject = match machines::choose(&loaded.spec, named, load::name(&loaded), has_all_roles) {
        Ok(subject) => subject,
        // What is missing may be what the errors are about.
        Err(_) if loaded.has_errors() => return tally.finish(),
        Err(text) => return Err(Failure::Usage(text)),
    };
    let header = subject.header();
    let found = parsed.check(header, &loaded.spec.names);
    if !found.is_empty() {
        if let (Some(observer), true) = (&args.observer, map.text.is_empty()) {
            let text = found.iter().map(with_help).collect::<Vec<_>>().join("; ");
            return Err(Failure::Usage(format!("`--observer {observer}`: {text}")));
        }
        report(&mut tally, &map, &found)?;
        return tally.finish();
    }
    let built;
    let system;
    let subject = match subject {
        subject if !subject.is_plain() => {
            let target = loaded.spec.find(&header.name);
            match target.map(|target| Machines::of(&loaded.spec, target)) {
                Some(Ok(machines)) => {
                    built = ManuallyDrop::new(machines);
                    built.subject()
                }
                Some(Err(NoSubject::NoEndpoints(NoEndpoints::Broken))) => {
                    tally.meet(Status::Findings);
                    return tally.finish();
                }
                Some(Err(why)) => {
                    super::output::complain(&format!("`{}`: {why}", header.name));
                    tally.meet(Status::Inconclusive);
                    return tally.finish();
                }
                None => return Err(Failure::Usage(format!("`{}` cannot be checked against", header.name))),
            }
        }
        _ => {
            system = match machines::system(subject) {
                Ok(system) => system,
                Err(machines::NoLocals::Projection(graph, errors)) => {
                    let found = machines::diagnostics(&graph, &errors, header, &loaded.spec.names);
                    tally.diagnostics(&loaded.sources, &found)?;
                    return tally.finish();
                }
                Err(machines::NoLocals::Broken) => {
                    tally.meet(Status::Findings);
                    return tally.finish();
                }
                Err(why) => {
                    super::output::complain(&machines::reason(header, &why));
                    tally.meet(Status::Inconclusive);
                    return tally.finish();
                }
            };
            Subject::new(&system, &loaded.spec.names, header).map_err(|error| Failure::Usage(error.to_string()))?
        }
    };
    let slack = i64::try_from(args.slack.unwrap_or_default().as_micros()).unwrap_or(i64::MAX);
    let redaction = redaction();
    let mut coverage: Option<Coverage> = None;
    for (number, log) in args.logs.iter().enumerate() {
        let mut checker = Checker::new(subject, &parsed).with_slack(slack).with_redaction(&redaction);
        if let Some(until) = args.until {
            checker = checker.with_until(until);
        }
        if args.coverage {
            checker = checker.with_coverage();
        }
        let mut judge = Judge {
            loaded: &loaded,
            header,
            log: files::name(log),
            tally: &mut tally,
            stopped: None,
            complete: args.complete,
        };
        if let Err(failure) = read(log, &mut checker, &mut judge) {
            tally.failure(failure)?;
        }
        match (&mut coverage, checker.coverage()) {
            (Some(all), Some(more)) => all.merge(more),
            (None, Some(first)) => coverage = Some(first.clone()),
            (_, None) => {}
        }
        // Nor what is known of the last log.
        if number.saturating_add(1) == args.logs.len() {
            mem::forget(checker);
        }
    }
    if let Some(coverage) = coverage {
        tally.coverage(&covered(&coverage, subject, &loaded, header))?;
    }
    tally.finish()
}

/// What stands for secrets: digests under the key in the environment, which makes them the same in every run; else under
/// one that nobody knows.
fn redaction() -> Redaction {
    if let Some(key) = std::env::var_os("POLYLOGUE_REDACTION_KEY") {
        return Redaction::new(key.as_encoded_bytes());
    }
    let word = || RandomState::new().build_hasher().finish().to_le_bytes();
    Redaction::new(&[word(), word()].concat())
}

/// A text with a name.
struct Text {
    name: String,
    text: String,
}

/// The map that was named, or the one beside the specification.
fn map(args: &args::Conform) -> Result<Option<Text>, Failure> {
    let read = |path: &Path| Ok(Some(Text { name: files::name(path), text: files::read_text(path)? }));
    if let Some(path) = &args.map {
        return read(path);
    }
    let beside: PathBuf = args.spec.with_extension("toml");
    if !files::is_stdin(&args.spec) && beside.is_file() { read(&beside) } else { Ok(None) }
}

fn with_help(error: &MapError) -> String {
    let help = error.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
    format!("{}{help}", error.text)
}

fn wrong_observer(error: &MapError) -> Failure {
    Failure::Usage(with_help(error))
}

/// Reports what is wrong with a map, at its place there.
fn report(tally: &mut Tally, map: &Text, errors: &[MapError]) -> Result<(), Failure> {
    let mut sources = Sources::new();
    let Ok(file) = sources.add(&*map.name, &*map.text) else {
        return Err(Failure::Usage(format!("`{}` is too large", map.name)));
    };
    let found: Vec<Diagnostic> = errors
        .iter()
        .map(|error| {
            let start = offset(&map.text, error.place.line, error.place.column);
            let rest = map.text.get(start..).unwrap_or("");
            let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let span = Span { file, start: number(start), end: number(start.saturating_add(length)) };
            let diagnostic = Diagnostic::new(error.code, span, error.text.clone());
            match &error.help {
                Some(help) => diagnostic.help(help.clone()),
                None => diagnostic,
            }
        })
        .collect();
    tally.diagnostics(&sources, &found)
}

/// The byte offset of a line and column, both from 1.
fn offset(text: &str, line: u32, column: u32) -> usize {
    let skipped = (line as usize).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("");
    let along = rest.char_indices().nth((column as usize).saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    start.saturating_add(along)
}

/// Reads a log to its end.
fn read(path: &Path, checker: &mut Checker<'_>, judge: &mut Judge<'_>) -> Result<(), Failure> {
    let wrong = |error: &io::Error| files::failed(path, "read", error);
    let mut input: Box<dyn Read> = if files::is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        let file = fs::File::open(path).map_err(|error| wrong(&error))?;
        if file.metadata().map_err(|error| wrong(&error))?.is_dir() {
            return Err(Failure::File {
                path: judge.log.clone(),
                what: "read",
                reason: "it is a directory".to_owned(),
            });
        }
        if path.extension().is_some_and(|ending| ending == "gz") {
            Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file)))
        } else {
            Box::new(file)
        }
    };
    let mut progress = Progress::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                // What was read until here is judged all the same.
                judge.end(checker)?;
                return Err(wrong(&error));
            }
        };
        checker.feed(buffer.get(..n).unwrap_or(&[]), &mut |finding| judge.finding(finding));
        judge.stop()?;
        let log = &judge.log;
        progress.show(|| format!("{log}: {} events, {} sessions", checker.totals().events, checker.sessions()));
    }
    drop(progress);
    judge.end(checker)
}

/// Turns what is found in one log into records.
struct Judge<'a> {
    loaded: &'a Loaded,
    header: &'a Header,
    log: String,
    tally: &'a mut Tally,
    /// A session that stopped early is a finding.
    complete: bool,
    /// The first failure to write.
    stopped: Option<Failure>,
}

impl Judge<'_> {
    fn stop(&mut self) -> Result<(), Failure> {
        self.stopped.take().map_or(Ok(()), Err)
    }

    fn end(&mut self, checker: &mut Checker<'_>) -> Result<(), Failure> {
        let totals = checker.finish(&mut |finding| self.finding(finding));
        self.tally.events(totals.events);
        self.stop()
    }

    fn finding(&mut self, finding: Finding) {
        if self.stopped.is_some() {
            return;
        }
        let done = match finding {
            Finding::Line(line) => self.tally.bad_line(&bad_line(&self.log, line)),
            Finding::Session(session) => {
                let record = self.session(*session);
                self.tally.session(&record)
            }
        };
        self.stopped = done.err();
    }

    fn session(&self, session: Session) -> SessionRecord {
        let place = |span: Span| {
            let at = Place::of(&self.loaded.sources, span);
            format!("{}:{}", at.file, at.line)
        };
        let mut expected: Vec<ExpectedRecord> = session
            .expected
            .into_iter()
            .map(|one| ExpectedRecord {
                role: one.role,
                dir: one.way.word(),
                peer: one.peer,
                label: Some(one.label),
                message: Some(one.message),
                place: Some(place(one.span)),
            })
            .collect();
        if session.may_end {
            let end = ExpectedRecord { dir: "end", ..ExpectedRecord::default() };
            expected.push(end);
        }
        let past =
            |past: &Past| format!("line {}: {} -> {}: {}", past.at.saturating_add(1), past.from, past.to, past.label);
        SessionRecord {
            file: self.log.clone(),
            session: session.name,
            protocol: self.header.name.to_string(),
            verdict: session.verdict.word(),
            events: session.events,
            at: session.at,
            event: session.event.map(|event| EventRecord { from: event.from, to: event.to, label: event.label }),
            expected,
            blame: session.blame,
            code: session.code.map(|code| code.id()),
            message: session.message,
            help: session.help.or_else(|| session.span.map(|span| format!("it is stated at {}", place(span)))),
            assumed: session.assumed,
            last: session.last.iter().map(past).collect(),
            finding: session.verdict == Judgement::Violates
                || (session.verdict == Judgement::Incomplete && self.complete),
            payload: session.payload,
        }
    }
}

fn bad_line(log: &str, line: BadLine) -> DiagnosticRecord {
    let number = u32::try_from(line.at).unwrap_or(u32::MAX).saturating_add(1);
    DiagnosticRecord {
        severity: line.code.severity().word(),
        code: line.code.id(),
        message: line.message,
        place: Place { file: log.to_owned(), line: number, column: 1, end_line: number, end_column: 1 },
        labels: Vec::new(),
        notes: Vec::new(),
        help: line.help,
    }
}

fn covered(coverage: &Coverage, subject: Subject<'_>, loaded: &Loaded, header: &Header) -> CoverageRecord {
    let (system, program) = (subject.system(), subject.program());
    let (states, transitions, pairs, unseen) =
        program.map_or_else(|| coverage.report(system), |program| coverage.report_program(program));
    let share = |share: Share| ShareRecord { seen: share.seen, all: share.all };
    let names = &loaded.spec.names;
    let words = |transition: Transition| action(system, header, names, transition);
    let passed = |passage: Passage| passage_text(program, header, names, passage);
    let record = |one: &Unseen| {
        let (kind, role, what, span) = match *one {
            Unseen::State(role, _, span) => ("state", role, "a state entered here".to_owned(), span),
            Unseen::Transition(transition, span) => ("transition", transition.role, words(transition), span),
            Unseen::Pair(first, second, span, _) => {
                ("pair", first.role, format!("{}, then {}", words(first), words(second)), span)
            }
            Unseen::Place(role, span) => ("state", role, "a state entered here".to_owned(), span),
            Unseen::Passage(passage) => ("transition", passage.role, passed(passage), passage.span),
            Unseen::Passages(first, second) => {
                ("pair", first.role, format!("{}, then {}", passed(first), passed(second)), first.span)
            }
        };
        let place = Place::of(&loaded.sources, span);
        let role = header.role_name(role).to_owned();
        let what = if kind == "state" { format!("{role}: {what}") } else { what };
        UnseenRecord { kind, what, role, file: place.file, line: place.line }
    };
    CoverageRecord {
        protocol: header.name.to_string(),
        states: share(states),
        transitions: share(transitions),
        pairs: share(pairs),
        unseen: unseen.iter().map(record).collect(),
    }
}

/// The same beyond the kernel.
fn passage_text(program: Option<&Program>, header: &Header, names: &Names, passage: Passage) -> String {
    let own = header.role_name(passage.role);
    let Some(travel) = program.and_then(|program| program.messages().entry(passage.message)) else {
        return own.to_owned();
    };
    let label = names.label_text(travel.label);
    match passage.end {
        _ if travel.from == travel.to => format!("{own}: {label}"),
        End::From => format!("{own} ! {}: {label}", header.role_name(travel.to)),
        End::To => format!("{own} ? {}: {label}", header.role_name(travel.from)),
    }
}

/// `A ! B: l`
fn action(system: &System, header: &Header, names: &Names, transition: Transition) -> String {
    let own = header.role_name(transition.role);
    let Some(action) = system.machines().entry(transition.role).and_then(|m| m.actions().entry(transition.action))
    else {
        return own.to_owned();
    };
    let label = names.label_text(action.label);
    match action.act {
        Act::Send(to) => format!("{own} ! {}: {label}", header.role_name(to)),
        Act::Receive(from) => format!("{own} ? {}: {label}", header.role_name(from)),
        Act::Act => format!("{own}: {label}"),
        Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => own.to_owned(),
    }
}

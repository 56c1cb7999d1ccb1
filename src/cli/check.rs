//! `polylogue check FILE…`

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use super::{
    Failure, Status, args, load, machines,
    output::Progress,
    solver::{Failed, Solver},
    tally::Tally,
};
use crate::{
    crosscheck::{Budget, crosscheck},
    data::{Redaction, Value, write},
    diag::Diagnostic,
    event::{Event, Limit, Verdict},
    id::NodeId,
    load::Loaded,
    machine::{Semantics, System},
    protocol::{Claim, ClaimKind, Expected, Header, Node, Side, Spec, Step, Target, TraceDecl, TraceEvent, TraceKind},
    reference::equations,
    report::{
        PairRecord, StepRecord, TraceRecord, VerdictRecord, WordsRecord,
        record::{Answer, Place, limit_word},
        story::{Story, Teller},
    },
    solve::Outside,
    trace,
    verify::{self, Evidence, Options, Outcome},
};

/// What asks for no runs.
const STATIC: [&str; 2] = ["projectable", "implementable"];

/// What is said of a protocol with errors.
const OUTLINE: &str = "of the flow of control alone, as the rest has errors";

/// Set by Ctrl-C: everything that is being searched ends as unknown.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub(super) fn run(args: &args::Check) -> Result<Status, Failure> {
    // Without a handler Ctrl-C simply ends the process.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    for name in &args.check {
        known_check(name)?;
    }
    let solver = args.smt.as_deref().map(|command| {
        let stop = || INTERRUPTED.load(Ordering::Relaxed);
        Rc::new(RefCell::new(Solver::new(command, args.smt_limit, args.smt_total, stop)))
    });
    let outside = solver.as_ref().map_or_else(Outside::default, |solver| Outside::new(Rc::clone(solver) as _));
    let mut tally = Tally::new(args.format);
    let mut asked = false;
    for path in &args.files {
        let result = file(path, args, &outside, &mut tally);
        if let Some(solver) = &solver {
            tell(&mut solver.borrow_mut(), &mut tally);
        }
        match result {
            Ok(any) => asked |= any,
            Err(failure) => tally.failure(failure)?,
        }
    }
    if !asked && !args.target.is_empty() && tally.status() == Status::AsStated {
        let targets = args.target.join("`, `");
        return Err(Failure::Usage(format!("no file declares `{targets}`")));
    }
    tally.finish()
}

/// Says what the other solver did instead of answering.
fn tell(solver: &mut Solver, tally: &mut Tally) {
    let late = solver.late();
    if late > 0 {
        let questions = if late == 1 { "question" } else { "questions" };
        super::output::complain(&format!("`{}` left {late} {questions} without an answer in time", solver.command()));
    }
    let Some(failed) = solver.failure() else { return };
    let command = solver.command();
    match failed {
        Failed::Start(why) => {
            super::output::complain(&format!("`{command}` of `--smt` cannot be run: {why}"));
            tally.meet(Status::Usage);
        }
        Failed::Answer(why) => {
            super::output::complain(&format!("`{command}` of `--smt` is not asked any more: {why}"));
        }
    }
}

/// An unknown name on the command line is a wrong argument, not a finding.
fn known_check(name: &str) -> Result<(), Failure> {
    match verify::Property::parse(name, crate::diag::Span::default()) {
        Ok(_) => Ok(()),
        Err(found) => {
            let help = found.help.map_or_else(String::new, |help| format!("; {help}"));
            Err(Failure::Usage(format!("--check {name}: {}{help}", found.text)))
        }
    }
}

/// One file. Whether anything was asked about it.
fn file(path: &Path, args: &args::Check, outside: &Outside, tally: &mut Tally) -> Result<bool, Failure> {
    let mut loaded = load::load(path, &args.search_path)?;
    let asked = claims(&loaded.spec, args);
    let runs = args.cross_check
        || asked
            .iter()
            .any(|claim| !matches!(&claim.kind, ClaimKind::Property { name, .. } if STATIC.contains(&&**name)));
    verify::expand(&mut loaded.spec, runs.then_some(args.families), outside);
    tally.file(load::name(&loaded))?;
    tally.diagnostics(&loaded.sources, &loaded.diagnostics)?;
    let flats = loaded.spec.protocols.iter().filter_map(|protocol| protocol.flat.as_ref());
    let flats = flats.chain(loaded.spec.systems.iter().filter_map(|system| system.flat.as_ref()));
    let notes: Vec<Diagnostic> = flats.flat_map(|flat| flat.notes.iter().cloned()).collect();
    tally.diagnostics(&loaded.sources, &notes)?;
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for claim in &asked {
        judge(&loaded, claim, args, outside, tally, &mut shown)?;
    }
    let mut any = !asked.is_empty();
    if args.check.is_empty() {
        let wanted = |trace: &&TraceDecl| {
            let subject = machines::Subject::of(&loaded.spec, trace.target);
            args.target.is_empty() || subject.is_some_and(|subject| named(args, subject.header()))
        };
        for trace in loaded.spec.traces.iter().filter(wanted) {
            any = true;
            if let Some(record) = told(&loaded, trace) {
                tally.trace(&record)?;
            }
        }
    }
    if args.cross_check {
        for subject in machines::Subject::all(&loaded.spec) {
            if args.target.is_empty() || named(args, subject.header()) {
                lockstep(subject, args, tally)?;
            }
        }
    }
    Ok(any)
}

fn named(args: &args::Check, header: &Header) -> bool {
    args.target.iter().any(|name| *name == *header.name)
}

/// The claims to judge: those of the file that were asked for, or what was asked for about every target.
fn claims(spec: &Spec, args: &args::Check) -> Vec<Claim> {
    let about = |claim: &Claim| {
        let target = match &claim.kind {
            ClaimKind::Property { target, .. } => *target,
            ClaimKind::Subtype { sub, .. } => *sub,
        };
        machines::Subject::of(spec, target)
    };
    let right_target =
        |claim: &Claim| args.target.is_empty() || about(claim).is_some_and(|subject| named(args, subject.header()));
    let right_check = |claim: &Claim| {
        let name = match &claim.kind {
            ClaimKind::Property { name, .. } => &**name,
            ClaimKind::Subtype { .. } => "subtype",
        };
        args.check.is_empty() || args.check.iter().any(|wanted| wanted == name)
    };
    let all = verify::claims(spec);
    let mut claims: Vec<Claim> = all.into_iter().filter(|claim| right_target(claim) && right_check(claim)).collect();
    let name_of = |claim: &Claim| match &claim.kind {
        ClaimKind::Property { name, .. } => name.to_string(),
        ClaimKind::Subtype { .. } => "subtype".to_owned(),
    };
    let claimed_somewhere: BTreeSet<String> = claims.iter().map(name_of).collect();
    let missing = args.check.iter().any(|name| !claimed_somewhere.contains(name));
    if args.target.is_empty() && (args.check.is_empty() || !claims.is_empty() && !missing) {
        return claims;
    }
    // What nobody claims is asked as it stands.
    let protocols = spec.protocols.iter().enumerate();
    let protocols = protocols.map(|(at, protocol)| (Target::Protocol(at), &protocol.header, protocol.aux));
    let systems = spec.systems.iter().enumerate().map(|(at, system)| (Target::System(at), &system.header, false));
    for (target, header, aux) in protocols.chain(systems) {
        let unwanted = if args.target.is_empty() { aux || header.generic } else { !named(args, header) };
        if unwanted {
            continue;
        }
        let is_system = matches!(target, Target::System(_));
        let defaults: &[&str] = if is_system { &["safe"] } else { &["projectable", "safe"] };
        let claimed = |name: Option<&str>| {
            claims.iter().any(|claim| match &claim.kind {
                ClaimKind::Property { name: of, target: at, .. } => {
                    *at == target && name.is_none_or(|name| name == &**of)
                }
                ClaimKind::Subtype { .. } => false,
            })
        };
        let checks: Vec<&str> = match args.check.as_slice() {
            [] if claimed(None) => Vec::new(),
            [] => defaults.to_vec(),
            // A system has no global type to project.
            asked => {
                let asked = asked.iter().map(String::as_str);
                // Of what is claimed somewhere, only that is judged, unless a target is named.
                let asked = asked.filter(|&name| !args.target.is_empty() || !claimed_somewhere.contains(name));
                asked.filter(|name| !(claimed(Some(name)) || is_system && STATIC.contains(name))).collect()
            }
        };
        claims.extend(checks.into_iter().map(|name| Claim {
            kind: ClaimKind::Property { name: name.into(), target, bound: None },
            target_text: header.name.clone(),
            expected: Expected::Holds,
            span: header.span,
        }));
    }
    claims
}

fn judge(
    loaded: &Loaded,
    claim: &Claim,
    args: &args::Check,
    outside: &Outside,
    tally: &mut Tally,
    shown: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let spec = &loaded.spec;
    let target = match &claim.kind {
        ClaimKind::Property { target, .. } => *target,
        ClaimKind::Subtype { sub, .. } => *sub,
    };
    let Some(subject) = machines::Subject::of(spec, target) else { return Ok(()) };
    // What is wrong with it was said already.
    if subject.header().broken {
        if let Some((outline, claim)) = outlined(loaded, claim, subject) {
            return judge(&outline, &claim, args, outside, tally, shown);
        }
        // But a claim can be wrong in itself.
        let wrong = match &claim.kind {
            ClaimKind::Property { name, .. } => verify::Property::parse(name, claim.span).err(),
            ClaimKind::Subtype { .. } => None,
        };
        return wrong.map_or(Ok(()), |found| tally.diagnostics(&loaded.sources, &[found]));
    }
    let mut options = Options { bound: args.bound, raw: args.raw, outside: outside.clone(), ..Options::default() };
    options.projection = args.projection.projection();
    options.optional_termination = args.optional_termination.map(|may| may == args::Optional::Allow);
    options.max_states = args.max_states.unwrap_or(options.max_states);
    options.max_memory = args.max_memory.unwrap_or(options.max_memory);
    options.symmetry = !args.no_symmetry;
    #[cfg(feature = "parallel")]
    {
        let threads = args.threads.or_else(|| std::thread::available_parallelism().ok());
        options.threads = threads.map_or(1, usize::from);
    }
    let begun = Instant::now();
    let mut progress = Progress::new();
    let what = claim_text(claim);
    let mut poll = |at: &verify::Progress| {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Some(Limit::Interrupted);
        }
        if args.time_limit.is_some_and(|limit| begun.elapsed() >= limit) {
            return Some(Limit::Time);
        }
        progress.show(|| {
            let bound = at.bound.map_or_else(String::new, |bound| format!(", queues up to {bound}"));
            format!("{what}: {} configurations, {} to go{bound}", at.configurations, at.frontier)
        });
        None
    };
    let outcome = verify::check_claim(spec, claim, &options, &mut poll);
    drop(progress);
    match outcome {
        Ok(outcome) => {
            let mut record = record(loaded, claim, subject, &outcome, args.explain);
            if let (true, Some(command)) = (outcome.outside, &args.smt) {
                let detail = record.detail.take().map_or_else(String::new, |detail| format!("{detail}; "));
                record.detail = Some(format!("{detail}by `{command}`"));
                record.by = Some(command.clone());
            }
            if !record.as_stated() && shown.insert(subject.header().name.to_string()) {
                tally.because(&loaded.sources, &outcome.diagnostics)?;
            }
            tally.verdict(&record)
        }
        Err(verify::Error::Claim(found)) => tally.diagnostics(&loaded.sources, &[*found]),
        Err(verify::Error::Bug(text)) => {
            let text = format!("this is a bug of polylogue, not of your specification: `{what}`: {text}");
            super::output::complain(&text);
            tally.meet(Status::Bug);
            Ok(())
        }
    }
}

/// The flow of control alone, if that is all a claim is about and the rest has errors.
fn outlined(loaded: &Loaded, claim: &Claim, subject: machines::Subject<'_>) -> Option<(Loaded, Claim)> {
    let ClaimKind::Property { name, bound, .. } = &claim.kind else { return None };
    let outline = loaded.spec.outline.as_ref().filter(|_| **name == *"implementable")?;
    let target = outline.find(&subject.header().name)?;
    let Target::Protocol(at) = target else { return None };
    outline.protocols.get(at).filter(|protocol| !protocol.header.broken)?;
    let kind = ClaimKind::Property { name: name.clone(), target, bound: *bound };
    Some((Loaded { spec: (**outline).clone(), ..loaded.clone() }, Claim { kind, ..claim.clone() }))
}

/// `safe(P)`, `S <: T`
fn claim_text(claim: &Claim) -> String {
    match &claim.kind {
        ClaimKind::Property { name, .. } => format!("{name}({})", claim.target_text),
        ClaimKind::Subtype { .. } => claim.target_text.to_string(),
    }
}

fn record(
    loaded: &Loaded,
    claim: &Claim,
    subject: machines::Subject<'_>,
    outcome: &Outcome,
    explain: bool,
) -> VerdictRecord {
    let (spec, header) = (&loaded.spec, subject.header());
    let (check, bound) = match &claim.kind {
        ClaimKind::Property { name, bound, .. } => (name.to_string(), *bound),
        ClaimKind::Subtype { .. } => ("subtype".to_owned(), None),
    };
    let check_name = match &claim.kind {
        ClaimKind::Subtype { relation: Some(relation), .. } => format!("subtype {relation}"),
        _ => check.clone(),
    };
    let run = match &outcome.verdict {
        Verdict::Violated(counterexample) => Some(counterexample),
        Verdict::Holds | Verdict::Unknown(_) => None,
    };
    let shows = outcome.detail.as_ref();
    // A run that overflows a claimed bound is one of the semantics without it.
    let overflow = matches!(shows, Some(verify::Detail::Overflow { .. }));
    let semantics = Semantics { bound: if overflow { None } else { outcome.bound } };
    let told = run.map(|counterexample| {
        let Some(system) = machines::shown(subject) else { return Story::default() };
        let sources = &loaded.sources;
        Teller { sources, names: &spec.names, header, system: &system, semantics }.tell(&counterexample.run)
    });
    let story = told.unwrap_or_default();
    // Roles without a local type, and no run of their automata that goes wrong: nothing to be told.
    let nothing_shown = matches!(
        shows,
        Some(
            verify::Detail::NotProjectable { shown: None, .. }
                | verify::Detail::NotImplementable { .. }
                | verify::Detail::NotSubtype(_)
        )
    );
    let run = run.filter(|_| !nothing_shown);
    let limit = match &outcome.verdict {
        Verdict::Unknown(limit) => Some(limit),
        Verdict::Holds | Verdict::Violated(_) => None,
    };
    VerdictRecord {
        by: None,
        file: loaded.sources.name(claim.span).to_owned(),
        line: loaded.sources.start(claim.span).line,
        check,
        target: claim.target_text.to_string(),
        verdict: Answer::from(&outcome.verdict),
        expected: Answer::from(claim.expected),
        bound: outcome.bound.or(bound.filter(|_| limit.is_none())),
        exhaustive: (limit.is_none() || outcome.configurations > 0).then_some(outcome.exhaustive),
        limit: limit.map(limit_word),
        code: shows.map(|detail| detail.code().id()),
        detail: match limit {
            Some(limit) => Some(because(limit)),
            None => shows
                .map(|detail| with_values(detail.text(header, &spec.names), spec, outcome))
                .or_else(|| evidence(outcome))
                .map(|text| if spec.is_outline { format!("{OUTLINE}: {text}") } else { text }),
        },
        roles: header.roles.values().map(|role| role.name.to_string()).collect(),
        configurations: (outcome.configurations > 0).then_some(outcome.configurations),
        counterexample: run.map(|_| story.steps),
        cone: run.map(|counterexample| counterexample.cone.clone()),
        cycle_at: run.and_then(|counterexample| counterexample.cycle_at),
        situation: match (shows, nothing_shown) {
            (Some(verify::Detail::NotSubtype(shown)), _) => shown.lines(),
            (_, true) => Vec::new(),
            (_, false) => story.situation,
        },
        words: shows.and_then(|detail| match detail {
            verify::Detail::NotSubtype(shown) => Some(Box::new(words(shown))),
            _ => None,
        }),
        help: way_out(outcome, limit),
        pair: pair(loaded, subject, outcome),
        basis: Some(super::basis::of(outcome, &check_name, subject.is_plain(), spec.is_outline)),
        explain,
    }
}

/// Two words that show that one type is no subtype of another.
fn words(shown: &verify::subtype::Shown) -> WordsRecord {
    WordsRecord {
        smaller: shown.smaller.clone(),
        larger: shown.larger.clone(),
        cycle_at: shown.cycle.map(|(smaller, larger)| [smaller, larger]),
        blocked: shown.blocked.clone(),
        missed: shown.missed.clone(),
    }
}

/// Two runs that a role cannot tell apart, step by step.
fn pair(loaded: &Loaded, subject: machines::Subject<'_>, outcome: &Outcome) -> Option<PairRecord> {
    let Some(verify::Detail::NotImplementable { indistinct, .. }) = &outcome.detail else { return None };
    let machines::Subject::Protocol(protocol) = subject else { return None };
    let (header, names) = (&protocol.header, &loaded.spec.names);
    let graph = machines::graph(protocol).ok()?;
    let step = |&node: &NodeId| {
        let Node::Step { step, label, sort, .. } = graph.nodes[node] else { return StepRecord::default() };
        let (dir, from, to) = match step {
            Step::Message { from, to } => ("sync", from, to),
            Step::Act(role) => ("act", role, role),
            _ => return StepRecord::default(),
        };
        StepRecord {
            dir,
            from: header.role_name(from).to_owned(),
            to: header.role_name(to).to_owned(),
            label: names.label_text(label).to_owned(),
            message: names.message(label, sort),
            place: Some(Place::of(&loaded.sources, graph.spans[node])),
        }
    };
    let [(first, first_then), (second, second_then)] = indistinct.runs(header);
    Some(PairRecord {
        role: header.role_name(indistinct.role).to_owned(),
        condition: indistinct.condition.name(),
        first: first.iter().map(step).collect(),
        first_then,
        second: second.iter().map(step).collect(),
        second_then,
    })
}

/// What goes wrong, with the values with which it does.
fn with_values(text: String, spec: &Spec, outcome: &Outcome) -> String {
    let Verdict::Violated(counterexample) = &outcome.verdict else { return text };
    let step = |(at, (event, payload)): (usize, (&Event, &Vec<Option<Value>>))| {
        // What is received was sent before.
        let (Event::Send { sort, .. } | Event::Sync { sort, .. } | Event::Act { sort, .. }) = *event else {
            return None;
        };
        let fields = spec.names.payload(sort).map(|payload| &payload.fields)?;
        let values = fields.iter().zip(payload).filter_map(|(field, value)| {
            let text = write(value.as_ref()?, Some(&field.sort), &Redaction::new(b""), &|_| false);
            Some(field.name.as_deref().map_or(text.clone(), |name| format!("{name} = {text}")))
        });
        let values: Vec<String> = values.collect();
        (!values.is_empty()).then(|| format!("{} in step {}", values.join(", "), at.saturating_add(1)))
    };
    let steps: Vec<String> = counterexample.run.iter().zip(&outcome.payloads).enumerate().filter_map(step).collect();
    if steps.is_empty() { text } else { format!("{text} (with {})", steps.join("; ")) }
}

/// What "holds" rests on, where it is not plain exploration.
fn evidence(outcome: &Outcome) -> Option<String> {
    match &outcome.evidence {
        Some(Evidence::Projection) => Some("every role projects, for queues of any length".to_owned()),
        Some(Evidence::Bounded(0)) => Some("only what synchronous messages allow was looked at".to_owned()),
        Some(Evidence::Bounded(bound)) => Some(format!("only what queues up to {bound} allow was looked at")),
        Some(Evidence::Conditions) => {
            Some("Send Validity, Receive Validity and No Mixed Choice hold for every role".to_owned())
        }
        Some(Evidence::Plain) => Some("every role projects by plain merge, for queues of any length".to_owned()),
        Some(Evidence::Regions) => Some("every role projects, in every part".to_owned()),
        Some(Evidence::Unrolled(None)) => Some("looked at with data and time left out".to_owned()),
        Some(Evidence::Unrolled(Some(keys))) => {
            Some(format!("looked at with data and time left out, and with at most {keys} keys for each family"))
        }
        Some(Evidence::Subtyping(by)) => Some(by.clone()),
        Some(Evidence::Compatible(found)) => Some(compatible(*found)),
        Some(Evidence::Exhaustive) | None => None,
    }
}

/// By which theorem a system is safe under every bound.
pub(super) fn compatible(found: verify::Compatible) -> String {
    let verify::Compatible { bound, least, whole, reduced, directed } = found;
    let least = if least { ", and for no smaller k" } else { "" };
    let why = match (whole, directed) {
        (true, _) if reduced => {
            "with receptions first no queue holds more, and every run is one of these with independent events in another \
             order"
        }
        (true, _) => "no queue ever holds more, and every configuration was looked at",
        (_, true) => "safe under every bound, as directed session automata are that are k-safe and k-exhaustive",
        (..) => "safe under every bound, as session automata are that are k-OBI, k-CIBI, k-safe and k-exhaustive",
    };
    format!("{bound}-multiparty compatible{least}: {why}")
}

/// Why there is no answer, in words.
pub(super) fn because(limit: &Limit) -> String {
    match limit {
        Limit::States(n) => format!("gave up after {n} configurations"),
        Limit::Memory(bytes) => format!("gave up at {} MiB of memory", bytes >> 20),
        Limit::Time => "gave up when the time limit was reached".to_owned(),
        Limit::Interrupted => "interrupted".to_owned(),
        Limit::Bound(bound) => format!("nothing goes wrong with queues up to {bound}, but queues can grow further"),
        Limit::NotSupported(code) => format!("it depends on something that has no meaning yet ({code})"),
        Limit::Undecided(why) => why.clone(),
    }
}

fn way_out(outcome: &Outcome, limit: Option<&Limit>) -> Option<String> {
    match limit {
        Some(Limit::States(_)) => Some("a larger `--max-states` goes further".to_owned()),
        Some(Limit::Memory(_)) => Some("a larger `--max-memory` goes further".to_owned()),
        Some(Limit::Time) => Some("a larger `--time-limit` goes further".to_owned()),
        Some(Limit::Bound(bound)) => Some(format!(
            "`--bound {}` looks at longer queues, or declare what the queues hold: `channel A -> B: bounded({bound});`",
            bound.saturating_mul(2)
        )),
        Some(Limit::NotSupported(code)) => Some(format!("`polylogue explain {code}` says what is missing")),
        Some(Limit::Interrupted | Limit::Undecided(_)) => None,
        None => {
            let code = outcome.detail.as_ref()?.code();
            Some(format!("`polylogue explain {code}` says more about this, and how to mend it"))
        }
    }
}

/// A trace of the file and what came of it; nothing if its target has errors.
fn told(loaded: &Loaded, trace: &TraceDecl) -> Option<TraceRecord> {
    let spec = &loaded.spec;
    let subject = machines::Subject::of(spec, trace.target)?;
    let header = subject.header();
    if header.broken {
        return None;
    }
    let role = match trace.target {
        Target::ProtocolRole(_, role) | Target::SystemRole(_, role) => Some(role),
        Target::Local(at) => spec.locals.get(at).map(|local| local.role),
        Target::Protocol(_) | Target::System(_) => None,
    };
    let mut record = TraceRecord {
        file: loaded.sources.name(trace.span).to_owned(),
        line: loaded.sources.start(trace.span).line,
        name: trace.name.to_string(),
        target: trace.target_text.to_string(),
        expected: if trace.accepts { "accepts" } else { "rejects" },
        actual: "unknown",
        at: None,
        detail: None,
        place: None,
        as_stated: false,
    };
    let declared = if !subject.is_plain() {
        match trace::Machines::of(spec, trace.target) {
            Ok(machines) => trace::check_trace(machines.subject(), role, trace),
            Err(why) => {
                record.detail = Some(format!("`{}`: {why}", header.name));
                return Some(record);
            }
        }
    } else {
        let system: System = match machines::system(subject) {
            Ok(system) => system,
            Err(why) => {
                record.detail = Some(machines::reason(header, &why));
                return Some(record);
            }
        };
        match trace::Subject::new(&system, &spec.names, header) {
            Ok(subject) => trace::check_trace(subject, role, trace),
            Err(why) => {
                record.detail = Some(format!("`{}`: {why}", header.name));
                return Some(record);
            }
        }
    };
    let event = declared.at.and_then(|at| trace.events.get(at));
    record.actual = declared.actual.word();
    record.at = declared.at;
    record.as_stated = declared.as_stated;
    record.place = event.map(|event| Place::of(&loaded.sources, event.span));
    let number = declared.at.unwrap_or(0).saturating_add(1);
    let of = trace.events.len();
    record.detail = match (declared.actual, event) {
        (trace::Outcome::Rejects, Some(event)) if !declared.as_stated => {
            let early = if trace.accepts { "" } else { ", not only the last one" };
            Some(format!("event {number} of {of} is refused{early}: `{}`", event_text(header, event)))
        }
        (trace::Outcome::Incomplete, _) => {
            Some("some role still has something to do, or a message is under way".to_owned())
        }
        _ => None,
    };
    Some(record)
}

fn event_text(header: &Header, event: &TraceEvent) -> String {
    let (from, to) = (header.role_name(event.from), header.role_name(event.to));
    let label = &event.text;
    match event.side {
        _ if event.kind == TraceKind::Crash => format!("crash {from}"),
        _ if event.kind == TraceKind::Timeout => format!("timeout {from}"),
        _ if event.from == event.to => format!("{from}: {label}"),
        Side::Both => format!("{from} -> {to}: {label}"),
        Side::Send => format!("{from} ! {to}: {label}"),
        Side::Receive => format!("{to} ? {from}: {label}"),
    }
}

/// Machine and reference in lockstep on one subject.
fn lockstep(subject: machines::Subject<'_>, args: &args::Check, tally: &mut Tally) -> Result<(), Failure> {
    let header = subject.header();
    let Ok(locals) = machines::locals(subject) else { return Ok(()) };
    let Ok(system) = machines::system(subject) else { return Ok(()) };
    let name = &header.name;
    let terms = match subject {
        machines::Subject::System(system) => Ok(system.terms.clone()),
        _ => locals.values().map(equations).collect::<Result<Vec<_>, _>>().map(Into::into),
    };
    let Ok(terms) = terms else { return Ok(()) };
    let semantics = Semantics { bound: Some(args.bound.unwrap_or(2)) };
    match crosscheck(&system, &terms, &header.channels, semantics, Budget::default()) {
        Ok(stats) => super::output::say(&format!(
            "cross-check of `{name}`: machine and reference agree at {} configurations on {} events",
            stats.pairs, stats.offered
        )),
        Err(found) => {
            super::output::complain(&format!("this is a bug of polylogue: cross-check of `{name}`: {found}"));
            tally.meet(Status::Bug);
        }
    }
    Ok(())
}

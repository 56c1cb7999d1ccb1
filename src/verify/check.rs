//! Claims answered.

use super::{
    Options, complete,
    concrete::concrete,
    counterexample::{Bug, confirm},
    detail::Detail,
    fault::Counts,
    judge::{Answer, Judgement, judge},
    kmc::{Compatible, Judged, kmc},
    parts,
    property::Property,
    search::Poll,
    subject::{self, Found, Subject},
    subtype,
};
use crate::{
    data::Value,
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    event::{Counterexample, Limit, Verdict},
    id::{Id, RoleId},
    machine::{Program, System, SystemError},
    protocol::{Claim, ClaimKind, Expected, Flat, Origin, Spec, Target},
};

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Every configuration of the declared semantics was looked at.
    Exhaustive,
    /// Every configuration under this bound was looked at.
    Bounded(u32),
    /// Every role projects by full merge, and what is projected is safe, deadlock-free and live under every bound
    /// (Scalas and Yoshida, "Less is more", 2019; Deniélou and Yoshida, "Multiparty session types meet communicating
    /// automata", 2012). The first levels were explored all the same.
    Projection,
    /// Every region of every role projects by full merge.
    Regions,
    /// Send Validity, Receive Validity and No Mixed Choice hold for every role, so the machines of complete projection do
    /// together what the protocol says (Li, Stutz, Wies and Zufferey, "Complete multiparty session type projection with
    /// automata", 2023).
    Conditions,
    /// Every role projects by plain merge.
    Plain,
    /// k-multiparty compatible, and so safe under every bound.
    Compatible(Compatible),
    /// Every configuration was looked at, with data left out and scopes unrolled; families saw this many keys.
    Unrolled(Option<u32>),
    /// A certificate of subtyping, which was checked by other means than it was found; what it is.
    Subtyping(String),
}

/// An answer to a claim, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// The bound that the verdict is about, or the one that was reached if it is unknown; `None`: the declared
    /// semantics, whatever the queues hold.
    pub bound: Option<u32>,
    /// No send was cut by a bound, or the verdict does not depend on any.
    pub exhaustive: bool,
    /// How many configurations the deciding exploration met.
    pub configurations: usize,
    /// What was counted in it.
    pub counts: Counts,
    /// No run to a violation is shorter, under this bound or, without one, under any. Of a run with a cycle, or to a
    /// configuration from which something is lost, only the way there is shortest, under the bound that showed it.
    pub shortest: bool,
    /// The roles that fail, wait or starve.
    pub roles: Vec<RoleId>,
    /// What the counterexample shows.
    pub detail: Option<Detail>,
    /// What "holds" rests on.
    pub evidence: Option<Evidence>,
    /// Why roles do not project.
    pub diagnostics: Vec<Diagnostic>,
    /// A run that goes wrong with data left out, of which it is not known whether its conditions can be met.
    pub suspect: Option<Counterexample>,
    /// What it says rests on answers of another solver ([`Options::outside`]).
    pub outside: bool,
    /// Roles whose machine by complete projection may stop where it could still receive; known if it was made.
    pub may_stop: Vec<RoleId>,
    /// Roles that can be exchanged, family by family: configurations that differ only in which of them is which were counted
    /// as one ([`Options::symmetry`]).
    pub families: Vec<Vec<RoleId>>,
    /// Of a counterexample under conditions, the payload of each of its events, field by field.
    pub payloads: Vec<Vec<Option<Value>>>,
}

impl Outcome {
    /// An answer without an exploration.
    #[must_use]
    pub fn unknown(limit: Limit) -> Self {
        Self::of(Verdict::Unknown(limit))
    }

    pub(super) fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            bound: None,
            exhaustive: false,
            configurations: 0,
            counts: Counts::default(),
            shortest: false,
            roles: Vec::new(),
            detail: None,
            evidence: None,
            diagnostics: Vec::new(),
            suspect: None,
            outside: false,
            may_stop: Vec::new(),
            families: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// Whether the verdict is the expected one.
    #[must_use]
    pub fn is(&self, expected: Expected) -> bool {
        matches!(
            (&self.verdict, expected),
            (Verdict::Holds, Expected::Holds)
                | (Verdict::Violated(_), Expected::Violated)
                | (Verdict::Unknown(_), Expected::Unknown)
        )
    }
}

/// Why a claim has no outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The claim makes no sense.
    Claim(Box<Diagnostic>),
    /// The verifier contradicts the reference or itself. No input should reach this.
    Bug(String),
}

impl From<Bug> for Error {
    fn from(Bug(text): Bug) -> Self {
        Self::Bug(text)
    }
}

/// A projected protocol is explored so far although a theorem speaks for it.
const SELF_CHECK: usize = 4_000;

/// Explored to show what goes wrong in a protocol that does not project.
const EVIDENCE: usize = 200_000;

/// The claims of a specification; without any, every protocol that can stand alone should be projectable (which makes
/// it safe under every bound) and every system safe.
#[must_use]
pub fn claims(spec: &Spec) -> Vec<Claim> {
    if !spec.claims.is_empty() {
        return spec.claims.clone();
    }
    let claim = |property: Property, target: Target, name: &str, span: Span| Claim {
        kind: ClaimKind::Property { name: property.name().into(), target, bound: None },
        target_text: name.into(),
        expected: Expected::Holds,
        span,
    };
    let mut claims = Vec::new();
    for (at, protocol) in spec.protocols.iter().enumerate() {
        let header = &protocol.header;
        if protocol.aux || header.generic || header.broken {
            continue;
        }
        claims.push(claim(Property::Projectable, Target::Protocol(at), &header.name, header.span));
    }
    for (at, system) in spec.systems.iter().enumerate() {
        let header = &system.header;
        if !header.generic && !header.broken {
            claims.push(claim(Property::Safe, Target::System(at), &header.name, header.span));
        }
    }
    claims
}

/// Answers a claim. A bound in the claim goes before that of the options.
pub fn check_claim(spec: &Spec, claim: &Claim, options: &Options, poll: &mut Poll<'_>) -> Result<Outcome, Error> {
    match &claim.kind {
        ClaimKind::Subtype { sub, sup, relation } => {
            subtype::subtype(spec, (*sub, *sup), *relation, claim.span, options, poll)
        }
        ClaimKind::Property { name, target, bound } => {
            let property = Property::parse(name, claim.span).map_err(|found| Error::Claim(Box::new(found)))?;
            let options = Options { bound: bound.or(options.bound), ..options.clone() };
            check_at(spec, property, *target, claim.span, &options, poll)
        }
    }
}

/// Answers whether a protocol or system of a specification has a property.
pub fn check(
    spec: &Spec,
    property: Property,
    target: Target,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    check_at(spec, property, target, Span::default(), options, poll)
}

fn check_at(
    spec: &Spec,
    property: Property,
    target: Target,
    span: Span,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    let header = subject::header(spec, target, span)?;
    if matches!(property, Property::Projectable | Property::Implementable) && matches!(target, Target::System(_)) {
        let what = if property == Property::Projectable { "project" } else { "implement" };
        let text = format!("`{}` is a system: it has no global type to {what}", header.name);
        return Err(Error::Claim(Box::new(Diagnostic::new(codes::WRONG_TARGET, span, text))));
    }
    // What is wrong with its data does not matter to who sends what to whom.
    if let (true, Property::Implementable, Some(outline)) = (header.broken, property, &spec.outline)
        && let Some(target @ Target::Protocol(at)) = outline.find(&header.name)
        && outline.protocols.get(at).is_some_and(|protocol| !protocol.header.broken)
    {
        return check_at(outline, property, target, span, options, poll);
    }
    if let Some(limit) = subject::refused(header) {
        return Ok(Outcome::unknown(limit));
    }
    if let Target::Protocol(at) = target
        && let Some(outcome) = complete::asked(spec, at, property, options, poll)?
    {
        return Ok(outcome);
    }
    match subject::subject(spec, target, span)? {
        Found::Limit(limit) => Ok(Outcome::unknown(limit)),
        Found::Subject(subject) => {
            let mut outcome = check_subject(&subject, property, options, poll)?;
            if let (Origin::Canonical { .. }, Target::Protocol(at)) = (&subject.origin, target) {
                complete::speak(spec, at, property, options, &mut outcome, poll)?;
            }
            with_data(spec, target, property, &mut outcome);
            Ok(outcome)
        }
    }
}

/// Answers whether machines have a property.
pub fn check_subject(
    subject: &Subject<'_>,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    match (&subject.origin, property) {
        // Protocols are asked this by `check`; here there are machines alone.
        (_, Property::Implementable) | (Origin::Written, Property::Projectable) => {
            Ok(Outcome::unknown(Limit::Undecided("there is no global type to project".to_owned())))
        }
        (Origin::Projected, Property::Projectable) => {
            let evidence = Some(Evidence::Projection);
            Ok(Outcome { exhaustive: true, evidence, ..Outcome::of(Verdict::Holds) })
        }
        (Origin::Projected, Property::Safe | Property::DeadlockFree | Property::Live) => {
            projected(subject, property, options, poll)
        }
        (Origin::Unrolled(flat), Property::Projectable) if flat.roles.is_empty() => {
            let evidence = Some(Evidence::Regions);
            Ok(Outcome { exhaustive: true, evidence, ..Outcome::of(Verdict::Holds) })
        }
        (Origin::Unrolled(flat), Property::Projectable) => {
            let mut outcome = goes_wrong(subject, options, poll)?;
            outcome.roles.clone_from(&flat.roles);
            outcome.diagnostics.clone_from(&flat.diagnostics);
            // What the run shows may be excluded by a condition.
            let shown = outcome.detail.take().filter(|_| !flat.conditions);
            outcome.detail = Some(subject::not_projectable(&flat.roles, shown));
            Ok(outcome)
        }
        (Origin::Unrolled(flat), _) => unrolled(subject, flat, property, options, poll),
        (Origin::Canonical { roles, diagnostics }, Property::Projectable) => {
            let mut outcome = goes_wrong(subject, options, poll)?;
            outcome.roles.clone_from(roles);
            outcome.diagnostics.clone_from(diagnostics);
            outcome.detail = Some(subject::not_projectable(roles, outcome.detail.take()));
            Ok(outcome)
        }
        (Origin::Canonical { diagnostics, .. }, _) => {
            if subject.locals.is_empty() {
                return Ok(Outcome::unknown(Limit::Undecided("the roles' automata are too large".to_owned())));
            }
            Ok(Outcome { diagnostics: diagnostics.clone(), ..explore(subject, property, options, poll)? })
        }
        _ => explore(subject, property, options, poll),
    }
}

/// Beyond the kernel: the flat automata are explored; they leave data out, so not every answer carries over.
fn unrolled(
    subject: &Subject<'_>,
    flat: &Flat,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    if let Some(limit) = &flat.limit {
        return Ok(Outcome::unknown(Limit::Undecided(limit.clone())));
    }
    let mut outcome = explore(subject, property, options, poll)?;
    match outcome.verdict {
        Verdict::Holds => {
            let stuck = !matches!(property, Property::Bounded | Property::CommunicationSafe);
            if stuck && flat.blocked.is_some() {
                let why = "with data left out nothing goes wrong, but a role may be stuck where the conditions of all \
                           that it could send are false";
                let wanted = flat.wanted.as_ref();
                let wanted = wanted.map(|wanted| format!("; it would hold if `{wanted}` were an invariant"));
                outcome.verdict = Verdict::Unknown(Limit::Undecided(format!("{why}{}", wanted.unwrap_or_default())));
                outcome.evidence = None;
            } else {
                outcome.evidence = Some(Evidence::Unrolled(flat.keys));
                outcome.outside = stuck && flat.outside;
            }
        }
        Verdict::Violated(run) if flat.conditions || flat.timed => {
            let what = if flat.conditions { "conditions" } else { "time limits" };
            let why = format!(
                "with data and time left out a run goes wrong; whether its {what} can all be met was not decided"
            );
            outcome.verdict = Verdict::Unknown(Limit::Undecided(why));
            // With more keys, or another time, something might still happen.
            outcome.suspect = (flat.keys.is_none() && !flat.timed).then_some(run);
        }
        _ => {}
    }
    Ok(outcome)
}

/// A run that goes wrong with data left out is one that goes wrong, if values are found under which it can be made.
fn with_data(spec: &Spec, target: Target, property: Property, outcome: &mut Outcome) {
    if !matches!(property, Property::Safe | Property::DeadlockFree) {
        return;
    }
    let stuck = matches!(outcome.detail, Some(Detail::Deadlock(_) | Detail::Unspecified { .. } | Detail::Orphan(_)));
    let Some(run) = outcome.suspect.take_if(|run| stuck && run.cycle_at.is_none()) else { return };
    let names = &spec.names;
    let program = match target {
        Target::Protocol(at) => spec.protocols.get(at).and_then(|protocol| {
            let graph = protocol.graph.as_ref()?;
            Program::of(names, &protocol.header, &protocol.term, graph).ok()
        }),
        Target::System(at) => spec.systems.get(at).and_then(|system| {
            let types = system.terms.iter().zip(system.graphs.values());
            let types = types.map(|((role, term), graph)| (role, term, graph));
            Program::written(names, &system.header, types).ok()
        }),
        _ => None,
    };
    let payloads = program.and_then(|program| concrete(&program, names, &run.run));
    let Some(payloads) = payloads else {
        outcome.suspect = Some(run);
        return;
    };
    outcome.payloads = payloads;
    outcome.verdict = Verdict::Violated(run);
}

/// Without a local type for each role, what their automata do: a run that goes wrong, if one is found soon.
///
/// Only an unsafe one: a protocol that starves somebody may be what its author means, and still be implementable.
fn goes_wrong(subject: &Subject<'_>, options: &Options, poll: &mut Poll<'_>) -> Result<Outcome, Error> {
    let violated = Outcome { exhaustive: true, ..Outcome::of(Verdict::Violated(Counterexample::default())) };
    if subject.locals.is_empty() {
        return Ok(violated);
    }
    let max_states = options.max_states.min(EVIDENCE);
    let options = Options { max_states, max_bound: options.max_bound.min(2), raw: false, ..options.clone() };
    let outcome = explore(subject, Property::Safe, &options, poll)?;
    if matches!(outcome.verdict, Verdict::Violated(_)) {
        return Ok(outcome);
    }
    Ok(Outcome { configurations: outcome.configurations, ..violated })
}

/// A theorem speaks for it; some levels are explored to see that it is right.
fn projected(
    subject: &Subject<'_>,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    let free = options.bound.is_none() && !options.raw;
    let limited = if free {
        let max_states = options.max_states.min(SELF_CHECK);
        Options { max_states, max_bound: options.max_bound.min(2), ..options.clone() }
    } else {
        options.clone()
    };
    let outcome = explore(subject, property, &limited, poll)?;
    match outcome.verdict {
        Verdict::Holds => Ok(outcome),
        Verdict::Unknown(_) => Ok(Outcome {
            verdict: Verdict::Holds,
            bound: options.bound,
            exhaustive: true,
            evidence: Some(Evidence::Projection),
            ..outcome
        }),
        Verdict::Violated(_) => {
            let code = outcome.detail.map_or("", |detail| detail.code().id());
            Err(Error::Bug(format!("every role projects, and yet a run shows `{code}`")))
        }
    }
}

fn explore(
    subject: &Subject<'_>,
    property: Property,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Result<Outcome, Error> {
    let system: System = match subject.system(options.raw) {
        Ok(system) => system,
        Err(SystemError::TooMany(error)) => return Ok(Outcome::unknown(Limit::Undecided(error.to_string()))),
    };
    let name = |role: RoleId| match subject.header {
        Some(header) => header.role_name(role).to_owned(),
        None => format!("role {}", role.index()),
    };
    let apart = match property {
        Property::Kmc => Ok(None),
        _ => parts::judge_parts(subject, property, options, poll),
    };
    let Judged { judgement, compatible, replay } = match (apart, property) {
        (Ok(Some(judgement)), _) => Judged { judgement, compatible: None, replay: options.bound },
        (Ok(None), Property::Kmc) => kmc(&system, options, &name, poll),
        (Ok(None), _) => {
            let judgement = judge(&system, property, options, poll);
            // What projects is spoken for by projection.
            let asked = matches!(subject.origin, Origin::Written);
            let judged = asked.then(|| by_theorem(&system, property, &judgement, options, &name, poll)).flatten();
            match judged {
                Some(judged) => judged,
                None => Judged { judgement, compatible: None, replay: options.bound },
            }
        }
        (Err(SystemError::TooMany(error)), _) => {
            return Ok(Outcome::unknown(Limit::Undecided(error.to_string())));
        }
    };
    let Judgement { answer, bound, exhaustive, configurations, counts, shortest, families } = judgement;
    let mut outcome = Outcome { bound, exhaustive, configurations, counts, families, ..Outcome::of(Verdict::Holds) };
    match answer {
        Answer::Holds => {
            // Without a bound of the user's the level that decided cut nothing.
            outcome.bound = options.bound;
            outcome.evidence = Some(match (compatible, options.bound) {
                (Some(compatible), _) => Evidence::Compatible(compatible),
                (None, Some(bound)) if !exhaustive => Evidence::Bounded(bound),
                (None, _) => Evidence::Exhaustive,
            });
        }
        Answer::Unknown(limit) => outcome.verdict = Verdict::Unknown(limit),
        Answer::Violated(finding) => {
            let mut finding = *finding;
            let (counterexample, detail) = finding.counterexample();
            let channels = subject.channels;
            let turns = confirm(subject.terms, &subject.locals, channels, replay, &counterexample, &detail)?;
            if let Some(turns) = turns {
                finding.unroll(turns.before, turns.around);
            }
            let (counterexample, detail) = finding.counterexample();
            outcome.bound = if property == Property::Kmc { replay } else { options.bound };
            outcome.shortest = shortest;
            outcome.roles = detail.roles();
            outcome.detail = Some(detail);
            outcome.verdict = Verdict::Violated(counterexample);
        }
    }
    Ok(outcome)
}

/// Where queues grow further than they were followed, k-multiparty compatibility speaks for every bound: each message can
/// be received, and each waiting role be served (Lange and Yoshida, CAV 2019).
fn by_theorem(
    system: &System,
    property: Property,
    judgement: &Judgement,
    options: &Options,
    name: &dyn Fn(RoleId) -> String,
    poll: &mut Poll<'_>,
) -> Option<Judged> {
    let grows = matches!(judgement.answer, Answer::Unknown(Limit::Bound(_)));
    let says = matches!(property, Property::Safe | Property::DeadlockFree | Property::Live);
    if !grows || !says || options.bound.is_some() || options.raw {
        return None;
    }
    let judged = kmc(system, options, name, poll);
    let holds = matches!(judged.judgement.answer, Answer::Holds);
    judged.compatible.filter(|_| holds)?;
    Some(judged)
}

//! The short way in: load a specification, check it, check a trace, each in a line or two.
//!
//! Everything here is put together from the public rooms; whoever needs limits, maps, observers or progress uses
//! [`load`](mod@crate::load), [`verify`] and [`trace`] themselves.

use std::{fmt, sync::OnceLock};

use crate::{
    diag::Diagnostic,
    event::{Event, Limit, Verdict},
    load::{Errors, Loaded},
    machine::System,
    protocol::{Claim, Expected, Header, NoImports, Spec, Target},
    trace::{self, Judgement, Map, NoSubject, Report},
    verify::{self, Options, Outcome, Property},
};

/// A specification without errors, ready to be asked.
#[derive(Clone, Debug)]
pub struct Specification {
    loaded: Loaded,
    /// The same with what is beyond the kernel unrolled, for checks.
    expanded: OnceLock<Box<Spec>>,
}

/// Parses a specification that imports nothing; all its errors, if it has any.
///
/// ```
/// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
/// assert!(spec.check("safe", "Greet")?.holds());
///
/// let errors = polylogue::parse("protocol Greet(role A, role B) { A -> C: hello(); }").unwrap_err();
/// assert!(errors.to_string().starts_with("spec:1:39: "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse(text: &str) -> Result<Specification, Errors> {
    Loaded::new("spec", text, &mut NoImports).try_into()
}

/// Whether a protocol or system has a property; the same as [`Specification::check`].
///
/// ```
/// let spec = polylogue::parse("system Stuck(role P, role Q) { P = Q?a(). end; Q = P?b(). end; }")?;
/// let answer = polylogue::check(&spec, "deadlock_free", "Stuck")?;
/// assert!(matches!(answer.verdict(), polylogue::Verdict::Violated(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(spec: &Specification, property: &str, target: &str) -> Result<Answer, Error> {
    spec.check(property, target)
}

/// What a log of JSON lines shows about a protocol or system; the same as [`Specification::conform`].
///
/// ```
/// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
/// let report = polylogue::conform(&spec, "Greet", r#"{"from":"B","to":"A","label":"hello"}"#)?;
/// assert_eq!(report.sessions[0].blame.as_deref(), Some("B"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conform(spec: &Specification, target: &str, log: &str) -> Result<Report, Error> {
    spec.conform(target, log)
}

impl TryFrom<Loaded> for Specification {
    type Error = Errors;

    fn try_from(loaded: Loaded) -> Result<Self, Errors> {
        Ok(Self { loaded: loaded.sound()?, expanded: OnceLock::new() })
    }
}

impl Specification {
    /// Its text, tree, meaning and warnings.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// The open plan of a protocol or system that is `safe`, as far as that is known: what is violated has no plan, and what
    /// is unknown none either (see [`OpenPlan::new`](crate::session::OpenPlan::new), which leaves the choice).
    ///
    /// ```
    /// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
    /// assert_eq!(spec.plan("Greet")?.block_bytes(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan(&self, target: &str) -> Result<crate::session::OpenPlan, Error> {
        let verdict = self.check("safe", target)?.verdict().clone();
        self.plan_with(target, &crate::session::Compat::Checked(verdict), crate::session::PlanOptions::default())
    }

    /// What all monitors of a role share; of a local type, the role is its own.
    ///
    /// ```
    /// use polylogue::{guard::Options, session::Payload};
    ///
    /// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
    /// let mut monitor = spec.guard("Greet", "B", Options::default())?.monitor("7", 0);
    /// assert!(monitor.received("A", "hello", Payload::Json(r#"{"name":"Ann"}"#), 1).passes());
    /// assert!(monitor.is_finished());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn guard(&self, target: &str, role: &str, options: crate::guard::Options) -> Result<crate::guard::Plan, Error> {
        let (target, header) = self.target(target)?;
        let id = header.role(role).ok_or_else(|| {
            let declared = header.roles.values().map(|role| role.name.clone()).collect();
            Error::Guard(crate::guard::PlanError::NoRole { role: role.into(), declared })
        })?;
        let sources = Some(self.loaded.sources.clone());
        crate::guard::Plan::new(&self.loaded.spec, target, id, sources, options).map_err(Error::Guard)
    }

    /// A tester of implementations of a protocol's or system's roles: see [`tester`](crate::guard::tester).
    pub fn tester(&self, target: &str) -> Result<crate::guard::tester::Tester, Error> {
        let (target, _) = self.target(target)?;
        let sources = Some(self.loaded.sources.clone());
        crate::guard::tester::Tester::new(&self.loaded.spec, target, sources).map_err(Error::Guard)
    }

    /// What the specification is known by: a digest of its text and those of its imports.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for text in self.loaded.sources.texts() {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// As [`Specification::plan`], with what is demanded and with limits.
    pub fn plan_with(
        &self,
        target: &str,
        compat: &crate::session::Compat,
        mut options: crate::session::PlanOptions,
    ) -> Result<crate::session::OpenPlan, Error> {
        if options.fingerprint == [0; 32] {
            options.fingerprint = self.fingerprint();
        }
        let (target, _) = self.target(target)?;
        crate::session::OpenPlan::new(&self.loaded.spec, target, compat, options).map_err(Error::Plan)
    }

    /// The specification as checks look at it: with two keys for each family.
    fn expanded(&self) -> &Spec {
        self.expanded.get_or_init(|| {
            let mut spec = self.loaded.spec.clone();
            verify::expand(&mut spec, Some(2), &crate::solve::Outside::default());
            Box::new(spec)
        })
    }

    /// Whether a protocol or system has a property: `projectable`, `safe`, `deadlock_free`, `terminating`, `live` or
    /// `bounded`.
    pub fn check(&self, property: &str, target: &str) -> Result<Answer, Error> {
        let property = Property::parse(property, crate::diag::Span::default()).map_err(Error::Claim)?;
        let (at, header) = self.target(target)?;
        let outcome = verify::check(self.expanded(), property, at, &Options::default(), &mut |_| None)?;
        Ok(self.answer(format!("{}({target})", property.name()), Expected::Holds, Some(header), outcome))
    }

    /// Answers every claim of the specification; without any, whether each protocol is projectable and each system
    /// safe.
    ///
    /// ```
    /// let spec = polylogue::parse("
    ///     system Stuck(role P, role Q) { P = Q?a(). end; Q = P?b(). end; }
    ///     check deadlock_free(Stuck) is violated;
    /// ")?;
    /// assert!(spec.check_claims()?.iter().all(polylogue::Answer::as_stated));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_claims(&self) -> Result<Vec<Answer>, Error> {
        let spec = self.expanded();
        verify::claims(spec).iter().map(|claim| self.answer_claim(claim)).collect()
    }

    fn answer_claim(&self, claim: &Claim) -> Result<Answer, Error> {
        let spec = self.expanded();
        let outcome = verify::check_claim(spec, claim, &Options::default(), &mut |_| None)?;
        let (name, header) = match &claim.kind {
            crate::protocol::ClaimKind::Property { name, target, .. } => (&**name, spec.header(*target)),
            crate::protocol::ClaimKind::Subtype { sub, .. } => ("", spec.header(*sub)),
        };
        let text =
            if name.is_empty() { claim.target_text.to_string() } else { format!("{name}({})", claim.target_text) };
        Ok(self.answer(text, claim.expected, header, outcome))
    }

    /// What a log of JSON lines (`{"session","from","to","label","payload"}`) shows about a protocol or system.
    ///
    /// ```
    /// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
    /// assert!(spec.conform("Greet", r#"{"from":"A","to":"B","label":"hello","payload":{"name":"Ann"}}"#)?.conforms());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conform(&self, target: &str, log: &str) -> Result<Report, Error> {
        let (at, _) = self.target(target)?;
        let machines = trace::Machines::of(&self.loaded.spec, at).map_err(Error::NoSubject)?;
        Ok(trace::conform(machines.subject(), &Map::default(), log.as_bytes()))
    }

    /// The machines of a protocol or system, and the edges between them.
    pub fn system(&self, target: &str) -> Result<System, Error> {
        let (at, _) = self.target(target)?;
        let endpoints = self.expanded().endpoints(at).map_err(Error::NoEndpoints)?;
        let header = endpoints.header;
        System::of(&endpoints.locals, |from, to| header.edge_kind(from, to)).map_err(Error::System)
    }
}

impl Specification {
    fn target(&self, name: &str) -> Result<(Target, &Header), Error> {
        let spec = &self.loaded.spec;
        let found = spec.find(name).and_then(|target| Some((target, spec.header(target)?)));
        found.ok_or_else(|| Error::NoSuch {
            name: name.to_owned(),
            declared: spec.declared().map(str::to_owned).collect(),
        })
    }

    fn answer(&self, claim: String, expected: Expected, header: Option<&Header>, outcome: Outcome) -> Answer {
        let names = &self.loaded.spec.names;
        let role = |role| header.map_or("?", |header| header.role_name(role));
        let event = |event: Event| match event {
            Event::Send { from, to, label, .. } => format!("{}!{}:{}", role(from), role(to), names.label_text(label)),
            Event::Receive { from, to, label, .. } => {
                format!("{}?{}:{}", role(to), role(from), names.label_text(label))
            }
            Event::Sync { from, to, label, .. } => {
                format!("{}->{}:{}", role(from), role(to), names.label_text(label))
            }
            Event::Act { role: who, label, .. } => format!("{}:{}", role(who), names.label_text(label)),
            Event::Timeout { role: who } => format!("timeout {}", role(who)),
            Event::Lapse { role: who } => format!("lapse {}", role(who)),
            Event::Crash { role: who } => format!("crash {}", role(who)),
            Event::Interrupt { role: who, label } => format!("{} interrupts:{}", role(who), names.label_text(label)),
        };
        let run = match &outcome.verdict {
            Verdict::Violated(counterexample) => counterexample.run.iter().map(|&step| event(step)).collect(),
            Verdict::Holds | Verdict::Unknown(_) => Vec::new(),
        };
        let why = match (&outcome.detail, header) {
            (Some(detail), Some(header)) => Some(detail.text(header, names)),
            _ => None,
        };
        Answer { claim, expected, outcome, run, why }
    }
}

/// The answer to a claim, with the names of its specification. Its text is one line for people.
#[derive(Clone, Debug)]
pub struct Answer {
    claim: String,
    expected: Expected,
    outcome: Outcome,
    run: Vec<String>,
    why: Option<String>,
}

impl Answer {
    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.outcome.verdict
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.outcome.verdict == Verdict::Holds
    }

    /// Whether the verdict is the one that the claim expects.
    #[must_use]
    pub fn as_stated(&self) -> bool {
        self.outcome.is(self.expected)
    }

    /// The counterexample, an event each: `A!B:l` a send, `B?A:l` a receive, `A->B:l` both at once, `A:l` an action.
    #[must_use]
    pub fn run(&self) -> &[String] {
        &self.run
    }

    /// Everything that is known: bound, configurations, roles, evidence.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, run, .. } = self;
        match &self.outcome.verdict {
            Verdict::Holds => write!(f, "{claim} holds")?,
            Verdict::Violated(_) => write!(f, "{claim} is violated")?,
            Verdict::Unknown(limit) => {
                write!(f, "{claim} is unknown: ")?;
                match limit {
                    Limit::States(n) => write!(f, "{n} configurations were explored")?,
                    Limit::Memory(bytes) => write!(f, "{bytes} bytes were used")?,
                    Limit::Time => f.write_str("the time was used up")?,
                    Limit::Interrupted => f.write_str("interrupted")?,
                    Limit::Bound(k) => write!(f, "queues of {k} messages do not suffice")?,
                    Limit::NotSupported(code) => write!(f, "not supported yet ({code})")?,
                    Limit::Undecided(why) => f.write_str(why)?,
                }
            }
        }
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        if !run.is_empty() {
            write!(f, " (after {})", run.join(", "))?;
        }
        Ok(())
    }
}

/// Why there is no answer at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Nothing has this name.
    NoSuch {
        /// The name.
        name: String,
        /// What there is.
        declared: Vec<String>,
    },
    /// The claim makes no sense.
    Claim(Diagnostic),
    /// There are no local types to run.
    NoEndpoints(crate::protocol::NoEndpoints),
    /// There is nothing to judge a trace by.
    NoSubject(NoSubject),
    /// Sessions of it cannot be opened.
    Plan(crate::session::PlanError),
    /// A role cannot be guarded.
    Guard(crate::guard::PlanError),
    /// The machines do not make a system.
    System(crate::machine::SystemError),
    /// A bug of polylogue: two of its engines contradict each other.
    Bug(String),
}

impl From<verify::Error> for Error {
    fn from(error: verify::Error) -> Self {
        match error {
            verify::Error::Claim(found) => Self::Claim(*found),
            verify::Error::Bug(text) => Self::Bug(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuch { name, declared } => {
                let declared: Vec<String> = declared.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "nothing is called `{name}`; declared: {}", declared.join(", "))
            }
            Self::Claim(found) => write!(f, "{} [{}]", found.text, found.code),
            Self::NoEndpoints(why) => why.fmt(f),
            Self::NoSubject(why) => why.fmt(f),
            Self::Plan(why) => why.fmt(f),
            Self::Guard(why) => why.fmt(f),
            Self::System(why) => write!(f, "{why:?}"),
            Self::Bug(text) => write!(f, "a bug of polylogue: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// A report in words, for [`assert_conforms!`](crate::assert_conforms); nothing if everything conforms.
#[doc(hidden)]
#[must_use]
pub fn objections(report: &Report) -> Option<String> {
    let mut lines: Vec<String> = report.bad.iter().map(|bad| format!("line {}: {}", bad.at, bad.message)).collect();
    for session in &report.sessions {
        if matches!(session.verdict, Judgement::Violates | Judgement::Unknown) {
            let line = session.at.map_or_else(String::new, |at| format!("line {}: ", at.saturating_add(1)));
            let expected: Vec<&str> = session.expected.iter().map(|one| &*one.message).collect();
            let expected = if expected.is_empty() { "nothing".to_owned() } else { expected.join(", ") };
            let message = session.message.as_deref().unwrap_or("no legal run contains this event");
            lines.push(format!("{line}session `{}`: {message}; expected {expected}", session.name));
        }
    }
    if lines.is_empty() { None } else { Some(lines.join("\n")) }
}

/// Panics unless every session of a log conforms to a protocol or system, with the first offending lines.
///
/// ```
/// let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(name: string); }")?;
/// polylogue::assert_conforms!(spec, "Greet", r#"{"from":"A","to":"B","label":"hello","payload":{"name":"Ann"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! assert_conforms {
    ($spec:expr, $target:expr, $log:expr $(,)?) => {
        match $crate::conform(&$spec, $target, $log) {
            Ok(report) => {
                if let Some(objections) = $crate::api::objections(&report) {
                    ::core::panic!("the trace does not conform to `{}`:\n{}", $target, objections);
                }
            }
            Err(error) => ::core::panic!("the trace cannot be checked against `{}`: {}", $target, error),
        }
    };
}

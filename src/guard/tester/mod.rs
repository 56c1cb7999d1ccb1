//! A tester: implementations of some roles, run against the specification, which plays all others.
//!
//! An implementation is a function that talks through an [`Endpoint`], or, where several roles are tested together, a
//! [`Machine`] for each. What it may not do ends the run with the expected set and the place in the specification. The same
//! seed gives the same run.
//!
//! ```
//! use polylogue::guard::tester::{Driver, Endpoint, Error};
//!
//! let spec = polylogue::parse("
//!     protocol Trade(role Buyer, role Seller) {
//!       Buyer -> Seller: title(name: string);
//!       Seller -> Buyer: quote(price: int{this > 0});
//!       choice at Buyer { Buyer -> Seller: buy(); Seller -> Buyer: date(day: string); }
//!       or { Buyer -> Seller: quit(); }
//!     }
//! ")?;
//! fn seller(ep: &mut Endpoint<'_, '_>) -> Result<(), Error> {
//!     let title = ep.receive()?;
//!     if title.label != "title" { return ep.refuse(&title); }
//!     ep.send("Buyer", "quote", r#"{"price":30}"#)?;
//!     let answer = ep.receive()?;
//!     match answer.label.as_str() {
//!         "buy" => ep.send("Buyer", "date", r#"{"day":"Monday"}"#),
//!         "quit" => Ok(()),
//!         _ => ep.refuse(&answer),
//!     }
//! }
//! let report = spec.tester("Trade")?.runs(50).role("Seller", seller);
//! assert_eq!((report.runs, report.covered()), (50, 5));
//! report.assert_conforms();
//!
//! // One that forgets that a buyer may quit.
//! let report = spec.tester("Trade")?.role("Seller", |ep| {
//!     ep.receive()?;
//!     ep.send("Buyer", "quote", r#"{"price":30}"#)?;
//!     ep.receive()?;
//!     ep.send("Buyer", "date", r#"{"day":"Monday"}"#)
//! });
//! let failure = report.failure.expect("some buyer quits");
//! assert!(failure.to_string().contains("`Seller` may not send `date` to `Buyer` here"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod draw;
mod world;

use std::{fmt, sync::Arc};

use rustc_hash::FxHashSet;

pub use self::world::Received;
use self::world::{Arms, Stage, World};
use super::{Mode, Options, Plan, PlanError, Violation};
use crate::{
    diag::{Sources, Span},
    id::{IdVec, MessageId, RoleId},
    machine::Program,
    protocol::{Graph, NoEndpoints, Spec, Target},
};

/// Steps that the other roles take when the implementation has returned.
const AFTER: usize = 64;

/// How the other roles behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// As the specification says, where it was not seen yet with preference.
    #[default]
    Explore,
    /// The same, and now and then they send what they may not: the implementation must refuse it ([`Endpoint::refuse`], or
    /// an error).
    Hostile,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The implementation did what its type does not allow, or stopped too early.
    Violation(Arc<Violation>),
    /// It did what its own type allows, but no run of the whole protocol: a full edge, say.
    Stuck(String),
    /// It waits for a message, and nobody can send one.
    Deadlock,
    /// The run was too long.
    Steps,
    /// It took what it should have refused.
    Accepted(String),
    /// It refused what it should have taken.
    Refused(String),
    /// It left messages unread.
    Unread(Vec<String>),
    /// It says so itself.
    Implementation(String),
    /// The other roles, who follow the specification, sent what the role's type does not allow: the specification is not
    /// safe.
    Unsafe(Arc<Violation>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Stuck(why) => write!(f, "it may not happen now: {why}"),
            Self::Deadlock => f.write_str("it waits for a message, and nobody can send one"),
            Self::Steps => f.write_str("the run has too many steps"),
            Self::Accepted(what) => write!(f, "it took what it should have refused: {what}"),
            Self::Refused(what) => write!(f, "it refused what it should have taken: {what}"),
            Self::Unread(what) => write!(f, "it stopped, and left unread: {}", what.join(", ")),
            Self::Implementation(why) => f.write_str(why),
            Self::Unsafe(violation) => write!(f, "the specification is not safe: {violation}"),
        }
    }
}

/// A run that failed, and the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What is wrong.
    pub cause: Cause,
    /// The seed of this very run.
    pub seed: u64,
    /// The run, an event each: `A!B:l {…}` a send, `B?A:l` a receive.
    pub run: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, seed, run } = self;
        write!(f, "{cause} (seed {seed}, after {})", if run.is_empty() { "nothing".to_owned() } else { run.join(", ") })
    }
}

impl std::error::Error for Failure {}

/// The run is over for the implementation; why is in the [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// The implementation gives up.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// What came of all runs.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a report may tell of a failure"]
pub struct Report {
    /// Runs, the failed one included.
    pub runs: u64,
    /// The first run that failed.
    pub failure: Option<Failure>,
    /// Near misses that were refused.
    pub refusals: u64,
    covered: usize,
    /// Sends that no run has taken, as they are written, with their places.
    pub missing: Vec<(String, Span)>,
}

impl Report {
    /// How many of the sends that are written some run has taken.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.covered
    }

    /// How many sends are written.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.covered.saturating_add(self.missing.len())
    }

    /// Panics if a run failed, with the run.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is an assertion, for tests")]
    pub fn assert_conforms(&self) {
        if let Some(failure) = &self.failure {
            panic!("the implementation does not conform: {failure}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, {} of {} sends", self.runs, self.covered, self.arms())?;
        for (at, (missing, _)) in self.missing.iter().enumerate() {
            write!(f, "{}{missing}", if at == 0 { "; never " } else { ", " })?;
        }
        match &self.failure {
            Some(failure) => write!(f, "; failed: {failure}"),
            None => Ok(()),
        }
    }
}

/// What a [`Machine`] did in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something: it may have more to do.
    Acted,
    /// Nothing, before a message comes.
    Waiting,
    /// All that it had to.
    Done,
}

/// An implementation in steps, for runs with several.
pub trait Machine {
    /// Takes a message with [`Endpoint::poll`], sends, or both; it does not wait.
    ///
    /// # Errors
    ///
    /// What [`Endpoint`] says, or that it gives up.
    fn turn(&mut self, ep: &mut Endpoint<'_, '_>) -> Result<Turn, Error>;
}

impl<F: FnMut(&mut Endpoint<'_, '_>) -> Result<Turn, Error>> Machine for F {
    fn turn(&mut self, ep: &mut Endpoint<'_, '_>) -> Result<Turn, Error> {
        self(ep)
    }
}

/// One role's end of a run, for its implementation.
pub struct Endpoint<'w, 's> {
    world: &'w mut World<'s>,
    seat: usize,
}

impl Endpoint<'_, '_> {
    fn stop(&self) -> Error {
        Error(self.world.cause.as_ref().map_or_else(String::new, ToString::to_string))
    }

    /// What was to be refused and was not.
    fn provoked(&mut self) -> Result<(), Error> {
        let provoked = self.world.tested.get_mut(self.seat).and_then(|tested| tested.provoked.take());
        if let Some(what) = provoked {
            self.world.cause.get_or_insert(Cause::Accepted(what));
        }
        if self.world.cause.is_some() { Err(self.stop()) } else { Ok(()) }
    }

    /// The next message of any role; the others go on until there is one.
    ///
    /// # Errors
    ///
    /// The run is over.
    pub fn receive(&mut self) -> Result<Received, Error> {
        self.receive_some(None)
    }

    /// The next message of a role.
    ///
    /// # Errors
    ///
    /// The run is over.
    pub fn receive_from(&mut self, from: &str) -> Result<Received, Error> {
        self.receive_some(Some(from))
    }

    fn receive_some(&mut self, from: Option<&str>) -> Result<Received, Error> {
        self.provoked()?;
        // How far the others are ahead is left open.
        for _ in 0..self.world.rng.below(3) {
            self.world.advance();
        }
        loop {
            if self.world.driver == Driver::Hostile
                && self.world.rng.chance(15)
                && let Some(near) = self.world.near_miss(self.seat)
            {
                return Ok(near);
            }
            if let Some(message) = self.world.deliver(self.seat, from) {
                return Ok(message);
            }
            if self.world.cause.is_none() && !self.world.advance() {
                self.world.cause.get_or_insert(Cause::Deadlock);
            }
            if self.world.cause.is_some() {
                return Err(self.stop());
            }
        }
    }

    /// The next message, if there is one already: for a [`Machine`].
    ///
    /// # Errors
    ///
    /// The run is over.
    pub fn poll(&mut self) -> Result<Option<Received>, Error> {
        self.provoked()?;
        if self.world.driver == Driver::Hostile
            && self.world.rng.chance(10)
            && let Some(near) = self.world.near_miss(self.seat)
        {
            return Ok(Some(near));
        }
        let message = self.world.deliver(self.seat, None);
        if self.world.cause.is_some() { Err(self.stop()) } else { Ok(message) }
    }

    /// Sends; the payload is JSON.
    ///
    /// # Errors
    ///
    /// The run is over: it may not be sent here, say.
    pub fn send(&mut self, to: &str, label: &str, payload: &str) -> Result<(), Error> {
        self.provoked()?;
        if self.world.sent(self.seat, Some(to), label, payload) { Ok(()) } else { Err(self.stop()) }
    }

    /// Does something that nobody else sees.
    ///
    /// # Errors
    ///
    /// The run is over: it may not be done here, say.
    pub fn act(&mut self, label: &str, payload: &str) -> Result<(), Error> {
        self.provoked()?;
        if self.world.sent(self.seat, None, label, payload) { Ok(()) } else { Err(self.stop()) }
    }

    /// Refuses a message: right only if it may not come here. The run goes on as if it had not come.
    ///
    /// # Errors
    ///
    /// The run is over: it was a message like any other.
    pub fn refuse(&mut self, message: &Received) -> Result<(), Error> {
        let provoked = self.world.tested.get_mut(self.seat).and_then(|tested| tested.provoked.take());
        if provoked.is_some() {
            self.world.refusals = self.world.refusals.saturating_add(1);
            return Ok(());
        }
        let Received { from, label, payload } = message;
        self.world.cause.get_or_insert(Cause::Refused(format!("{label} {payload} from {from}")));
        Err(self.stop())
    }

    /// The type of the endpoint from here on.
    #[must_use]
    pub fn local_type(&self) -> String {
        self.world.tested.get(self.seat).map(|tested| tested.monitor.local_type()).unwrap_or_default()
    }
}

/// Tests implementations of roles of one protocol.
pub struct Tester {
    stage: Stage,
    spec: Spec,
    target: Target,
    sources: Option<Sources>,
    seed: u64,
    runs: u64,
    steps: usize,
    endless: bool,
    driver: Driver,
}

impl Tester {
    /// A tester of a protocol or system: 100 runs of at most 1,000 steps from seed 0.
    ///
    /// # Errors
    ///
    /// The declaration has no endpoints, or is one role's type alone.
    pub fn new(spec: &Spec, target: Target, sources: Option<Sources>) -> Result<Self, PlanError> {
        let none = || PlanError::NoEndpoints(NoEndpoints::Broken);
        let header = spec.header(target).ok_or_else(none)?;
        header.usable()?;
        let graph = |term| Graph::of(term).map_err(|error| PlanError::TooLarge(format!("{error:?}")));
        let program = match target {
            Target::Protocol(at) => {
                let protocol = spec.protocols.get(at).ok_or_else(none)?;
                let graph = protocol.graph.clone().map_or_else(|| graph(&protocol.term), Ok)?;
                Program::of(&spec.names, header, &protocol.term, &graph)?
            }
            Target::System(at) => {
                let system = spec.systems.get(at).ok_or_else(none)?;
                let graphs: IdVec<RoleId, Graph> = match system.graphs.is_empty() {
                    true => system.terms.values().map(graph).collect::<Result<_, _>>()?,
                    false => system.graphs.clone(),
                };
                let types = system.terms.iter().zip(graphs.values()).map(|((role, term), graph)| (role, term, graph));
                Program::written(&spec.names, header, types)?
            }
            Target::Local(_) | Target::ProtocolRole(..) | Target::SystemRole(..) => {
                return Err(PlanError::NoEndpoints(NoEndpoints::OneRole));
            }
        };
        let stage = Stage::new(program, spec.names.clone(), header.clone());
        let (seed, runs, steps, driver) = (0, 100, 1_000, Driver::default());
        Ok(Self { stage, spec: spec.clone(), target, sources, seed, runs, steps, endless: false, driver })
    }

    /// The seed of the first run; the next has the next.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many runs.
    #[must_use]
    pub fn runs(self, runs: u64) -> Self {
        Self { runs, ..self }
    }

    /// How many steps of all roles together a run has at most.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// A run that has all its steps is a good one: for protocols without an end.
    #[must_use]
    pub fn endless(self) -> Self {
        Self { endless: true, ..self }
    }

    /// How the other roles behave.
    #[must_use]
    pub fn driver(self, driver: Driver) -> Self {
        Self { driver, ..self }
    }

    /// Tests an implementation of one role, called once per run.
    pub fn role(
        &self,
        role: &str,
        mut implementation: impl FnMut(&mut Endpoint<'_, '_>) -> Result<(), Error>,
    ) -> Report {
        self.each(&[role], |world| {
            let ended = implementation(&mut Endpoint { world: &mut *world, seat: 0 });
            ends(world, 0, ended);
            if world.cause.is_some() {
                return;
            }
            // What the others still have to do without it; some go on for ever.
            for _ in 0..AFTER {
                if world.cause.is_some() || !world.advance() {
                    break;
                }
            }
            if world.cause == Some(Cause::Steps) {
                world.cause = None;
            }
            leaves(world, 0);
        })
    }

    /// Tests implementations of several roles together; `make` gives new ones for each run, in the order of the roles.
    pub fn machines(&self, roles: &[&str], mut make: impl FnMut() -> Vec<Box<dyn Machine>>) -> Report {
        self.each(roles, |world| {
            let mut machines: Vec<(Box<dyn Machine>, Turn)> =
                make().into_iter().take(roles.len()).map(|machine| (machine, Turn::Acted)).collect();
            let mut idle = 0_usize;
            while world.cause.is_none() {
                let seat = world.rng.below(machines.len().saturating_add(1));
                let acted = match machines.get_mut(seat) {
                    Some((_, Turn::Done)) => false,
                    Some((machine, last)) => {
                        let before = world.log.len();
                        match machine.turn(&mut Endpoint { world: &mut *world, seat }) {
                            Ok(turn) => {
                                *last = turn;
                                if turn == Turn::Done {
                                    ends(world, seat, Ok(()));
                                }
                            }
                            Err(error) => {
                                *last = Turn::Done;
                                ends(world, seat, Err(error));
                            }
                        }
                        world.log.len() > before
                    }
                    None => world.advance(),
                };
                idle = if acted { 0 } else { idle.saturating_add(1) };
                // Each has had its turn several times over, and nobody could do anything.
                if idle > machines.len().saturating_add(1).saturating_mul(16) {
                    break;
                }
            }
            for (seat, (_, turn)) in machines.iter().enumerate() {
                if *turn != Turn::Done && world.cause.is_none() {
                    world.cause = Some(Cause::Deadlock);
                }
                leaves(world, seat);
            }
        })
    }

    fn each(&self, roles: &[&str], mut run: impl FnMut(&mut World<'_>)) -> Report {
        let options = Options { mode: Mode::Block, ..Options::default() };
        let plan = |name: &&str| {
            let declared = || self.stage.header.roles.values().map(|role| role.name.clone()).collect();
            let none = || PlanError::NoRole { role: (*name).into(), declared: declared() };
            let role = self.stage.header.role(name).ok_or_else(none)?;
            let plan = Plan::new(&self.spec, self.target, role, self.sources.clone(), options.clone())?;
            Ok((role, plan))
        };
        let mut report = Report { runs: 0, failure: None, refusals: 0, covered: 0, missing: Vec::new() };
        let plans: Vec<(RoleId, Plan)> = match roles.iter().map(plan).collect::<Result<_, PlanError>>() {
            Ok(plans) => plans,
            Err(error) => {
                let cause = Cause::Implementation(error.to_string());
                report.failure = Some(Failure { cause, seed: self.seed, run: Vec::new() });
                return report;
            }
        };
        let mut covered: Arms = FxHashSet::default();
        for at in 0..self.runs {
            let seed = self.seed.wrapping_add(at);
            let mut world = World::new(&self.stage, &plans, seed, self.steps, self.driver, &mut covered);
            run(&mut world);
            report.runs = report.runs.saturating_add(1);
            report.refusals = report.refusals.saturating_add(world.refusals);
            if let Some(cause) = world.cause.take().filter(|cause| !(self.endless && *cause == Cause::Steps)) {
                report.failure = Some(Failure { cause, seed, run: std::mem::take(&mut world.log) });
                break;
            }
        }
        let mut missing: Vec<(MessageId, Span)> = self.stage.arms.difference(&covered).copied().collect();
        missing.sort_unstable_by_key(|(message, span)| (span.start, span.end, *message));
        report.covered = self.stage.arms.len().saturating_sub(missing.len());
        let text = |(message, span)| (self.stage.text(message, crate::machine::End::From, "null"), span);
        report.missing = missing.into_iter().map(text).collect();
        report
    }
}

impl fmt::Debug for Tester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tester").field("protocol", &self.stage.header.name).finish_non_exhaustive()
    }
}

/// An implementation has returned.
fn ends(world: &mut World<'_>, seat: usize, ended: Result<(), Error>) {
    let now = world.now;
    let Some(tested) = world.tested.get_mut(seat) else { return };
    let provoked = tested.provoked.take();
    let cause = match (ended, provoked) {
        // It gives up because of a near miss: that is a refusal, too.
        (Err(_), Some(_)) if world.cause.is_none() => {
            world.refusals = world.refusals.saturating_add(1);
            tested.monitor.quarantine("the implementation gave up", now);
            return;
        }
        (Ok(()), Some(what)) => Cause::Accepted(what),
        (Err(error), _) => Cause::Implementation(error.0),
        (Ok(()), None) => match tested.monitor.closing(now).violation() {
            Some(violation) => Cause::Violation(Arc::clone(violation)),
            None => return,
        },
    };
    world.cause.get_or_insert(cause);
}

/// Whether an implementation that has returned left something behind.
fn leaves(world: &mut World<'_>, seat: usize) {
    let gave_up = world.tested.get(seat).is_some_and(|tested| tested.monitor.is_quarantined());
    if world.cause.is_none() && !gave_up {
        let unread = world.unread(seat);
        if !unread.is_empty() {
            world.cause = Some(Cause::Unread(unread));
        }
    }
}

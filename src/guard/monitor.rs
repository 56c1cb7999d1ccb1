//! One endpoint's monitor: every step of the endpoint is shown to it before it happens, and it says what is to become
//! of it.
//!
//! It has no lock, shares nothing but its [`Plan`], and a plain step (a table, nothing demanded of the payload) is one
//! look-up without an allocation. INVARIANT (kind): its seat is of the plan's kind.

use std::sync::Arc;

use super::{
    Allowed, Handle, Mode, Observed, Place, Plan, Verdict, Violation,
    judge::{Found, Seat},
    plan::{Engine, Step, Unknown},
};
use crate::{
    diag::{Code, Span, catalogue::trace as codes},
    id::{ActionId, Id, StateId},
    machine::End,
    protocol::{Act, Local, show},
    session::{Direction, Payload},
};

/// Steps that are remembered for reports.
const RECENT: usize = 8;

/// The monitor of one endpoint of one session.
#[derive(Clone, Debug)]
pub struct Monitor {
    seat: Seat,
    /// That of its plan.
    uid: u32,
    /// Every call is refused: a quarantine.
    closed: bool,
    steps: u64,
    now: i64,
    plan: Plan,
    /// The last steps, by their number.
    recent: [(u32, i64); RECENT],
    session: Arc<str>,
    violations: u64,
    last: Option<Arc<Violation>>,
}

impl Plan {
    /// A monitor of an endpoint at its start, with the name that reports give to the session, at a time in
    /// microseconds.
    #[must_use]
    pub fn monitor(&self, session: &str, at: i64) -> Monitor {
        Monitor {
            seat: self.0.seat(at),
            uid: self.0.uid,
            closed: false,
            steps: 0,
            now: at,
            plan: self.clone(),
            recent: [(0, 0); RECENT],
            session: session.into(),
            violations: 0,
            last: None,
        }
    }
}

impl Monitor {
    /// The role is about to send.
    pub fn sending(&mut self, to: &str, label: &str, payload: Payload<'_>, at: i64) -> Verdict {
        self.named(Direction::Send, to, label, payload, at)
    }

    /// The role is handed what was sent to it.
    pub fn received(&mut self, from: &str, label: &str, payload: Payload<'_>, at: i64) -> Verdict {
        self.named(Direction::Receive, from, label, payload, at)
    }

    /// The role is about to do something by itself.
    pub fn acted(&mut self, label: &str, payload: Payload<'_>, at: i64) -> Verdict {
        let plan = self.plan.clone();
        self.named(Direction::Act, plan.role_name(), label, payload, at)
    }

    fn named(&mut self, direction: Direction, peer: &str, label: &str, payload: Payload<'_>, at: i64) -> Verdict {
        match self.plan.find(direction, peer, label) {
            Ok(handle) => self.step(handle, payload, at),
            Err(unknown) => self.unknown(direction, peer, label, unknown, at),
        }
    }

    /// A step by its handle: the same as the calls by name, without looking names up.
    ///
    /// `at` is in microseconds; what is earlier than the latest call counts as its time.
    #[inline]
    pub fn step(&mut self, handle: Handle, payload: Payload<'_>, at: i64) -> Verdict {
        if let (Seat::Table(state), Payload::Unseen(_), Engine::Table(table)) =
            (&mut self.seat, payload, &self.plan.0.engine)
            && handle.plan == self.uid
            && !self.closed
        {
            let then = table.machine.next(*state, ActionId::from_raw(handle.plain));
            if then != StateId::default() {
                *state = then;
                self.note(handle, at);
                return Verdict::Conforms;
            }
        }
        self.judge(handle, payload, at)
    }

    #[inline]
    fn note(&mut self, handle: Handle, at: i64) {
        self.now = self.now.max(at);
        if let Some(place) = self.recent.get_mut((self.steps as usize) % RECENT) {
            *place = (handle.step, self.now);
        }
        self.steps = self.steps.wrapping_add(1);
    }

    fn judge(&mut self, handle: Handle, payload: Payload<'_>, at: i64) -> Verdict {
        if let Verdict::Quarantined(why) = self.tick(at) {
            return Verdict::Quarantined(why);
        }
        let plan = self.plan.clone();
        let Some(step) = plan.0.step(handle) else { return self.foreign() };
        match plan.0.take(&mut self.seat, step, payload, self.now) {
            Ok(()) => {
                self.note(handle, at);
                Verdict::Conforms
            }
            Err(found) => {
                let observed = self.observed(step, self.now);
                self.violated(found, Some(observed), Some(step))
            }
        }
    }

    /// Whether a step would be allowed now; nothing changes, and nothing is counted or reported.
    ///
    /// # Errors
    ///
    /// The violation that it would be.
    pub fn check(&self, handle: Handle, payload: Payload<'_>, at: i64) -> Result<(), Arc<Violation>> {
        if let (true, Some(last)) = (self.closed, &self.last) {
            return Err(Arc::clone(last));
        }
        if let (Seat::Table(state), Payload::Unseen(_), Engine::Table(table)) =
            (&self.seat, payload, &self.plan.0.engine)
            && handle.plan == self.uid
            && table.machine.next(*state, ActionId::from_raw(handle.plain)) != StateId::default()
        {
            return Ok(());
        }
        let now = self.now.max(at);
        let Some(step) = self.plan.0.step(handle) else { return Err(self.violation(alien(), None, None)) };
        let mut seat = self.seat.clone();
        self.plan.0.take(&mut seat, step, payload, now).map_err(|found| {
            let observed = self.observed(step, now);
            self.violation(found, Some(observed), Some(step))
        })
    }

    /// Time has come to a point: says whether the role owes a step that it should have taken by now. Each obligation is
    /// told once. In a mode that does not fail closed, the endpoint goes on.
    pub fn tick(&mut self, now: i64) -> Verdict {
        if let (true, Some(last)) = (self.closed, &self.last) {
            return Verdict::Quarantined(Arc::clone(last));
        }
        self.now = self.now.max(now);
        let plan = self.plan.clone();
        let before = self.now.saturating_sub(plan.0.options.slack);
        match plan.0.lapsed(&mut self.seat, before) {
            Some(found) => self.violated(found, None, None),
            None => Verdict::Conforms,
        }
    }

    /// When [`Monitor::tick`] will have something to say if nothing happens before.
    pub fn next_deadline(&mut self) -> Option<i64> {
        self.plan.clone().0.next_deadline(&mut self.seat)
    }

    /// The role notices that a time limit of it (`timeout`, `idle`, `deadline`) has run out; false if none has.
    pub fn timed_out(&mut self, now: i64) -> bool {
        let plan = self.plan.clone();
        let (Engine::Tree(tree), Seat::Tree(set), false) = (&plan.0.engine, &mut self.seat, self.closed) else {
            return false;
        };
        self.now = self.now.max(now);
        let mut expired = set.clone();
        expired.retain_mut(|config| config.live.expire(&tree.program, plan.0.role, self.now));
        let some = !expired.is_empty();
        if some {
            *set = expired;
        }
        some
    }

    /// The connection is closed, or the role gone: a violation if it had to do more.
    pub fn closing(&mut self, at: i64) -> Verdict {
        if let Verdict::Quarantined(why) = self.tick(at) {
            return Verdict::Quarantined(why);
        }
        if self.is_finished() {
            return Verdict::Conforms;
        }
        let message = format!("`{}` stopped before its end", self.plan.role_name());
        let found = Found { code: codes::INCOMPLETE, message, blame: None, span: self.here() };
        self.violated(found, None, None)
    }

    /// The session goes into quarantine, because the host says so: every later call is refused with the reason.
    pub fn quarantine(&mut self, reason: &str, at: i64) -> Arc<Violation> {
        if let (true, Some(last)) = (self.closed, &self.last) {
            return Arc::clone(last);
        }
        self.now = self.now.max(at);
        let message = format!("the session is in quarantine: {reason}");
        let found = Found { code: codes::QUARANTINED, message, blame: None, span: self.here() };
        let violation = self.violation(found, None, None);
        self.closed = true;
        self.last = Some(Arc::clone(&violation));
        violation
    }

    /// Whether every call is refused.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.closed
    }

    /// Whether the role may stop here.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.plan.0.may_stop(&self.seat)
    }

    /// How many steps it took.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The latest time it was told.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// How many violations there were.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// The last violation; in quarantine, what brought it there.
    #[must_use]
    pub fn last_violation(&self) -> Option<&Arc<Violation>> {
        self.last.as_ref()
    }

    /// What it shares with the other monitors of its role.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The session, as whoever made it calls it.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The type of the endpoint from here on, as text; of a program, what it may do next.
    #[must_use]
    pub fn local_type(&self) -> String {
        let inner = &*self.plan.0;
        if let (Engine::Table(table), Seat::Table(state)) = (&inner.engine, &self.seat) {
            let here = Local { initial: *state, ..table.local.clone() };
            return show::print(&here, &inner.header, &inner.names, 0);
        }
        let mut parts: Vec<String> = self.expected().iter().map(|one| format!("{one}. …")).collect();
        if self.is_finished() {
            parts.push("end".to_owned());
        }
        match parts.len() {
            0 => "…".to_owned(),
            1 => parts.concat(),
            _ => format!("{{ {} }}", parts.join(", ")),
        }
    }

    /// Everything that the endpoint may do here, as far as its type says.
    #[must_use]
    pub fn expected(&self) -> Vec<Allowed> {
        let inner = &*self.plan.0;
        let mut all: Vec<Allowed> = Vec::new();
        let mut push = |direction, peer, label, sort| {
            let one = Allowed {
                direction,
                peer: (direction != Direction::Act).then(|| inner.header.role_name(peer).into()),
                label: inner.names.label_text(label).into(),
                message: inner.names.message(label, sort).into(),
            };
            if !all.contains(&one) {
                all.push(one);
            }
        };
        match (&inner.engine, &self.seat) {
            (Engine::Table(table), Seat::Table(state)) => {
                for offer in table.machine.offers(*state) {
                    let Some(action) = table.machine.actions().entry(offer.action) else { continue };
                    match action.act {
                        Act::Send(to) => push(Direction::Send, to, action.label, action.sort),
                        Act::Receive(from) => push(Direction::Receive, from, action.label, action.sort),
                        Act::Act => push(Direction::Act, inner.role, action.label, action.sort),
                        Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => {}
                    }
                }
            }
            (Engine::Tree(tree), Seat::Tree(set)) => {
                for offer in set.iter().flat_map(|config| config.live.offers(&tree.program, inner.role)) {
                    let Some(travel) = tree.program.messages().entry(offer.message) else { continue };
                    match offer.end {
                        End::From if travel.from == travel.to => {
                            push(Direction::Act, inner.role, travel.label, travel.sort)
                        }
                        End::From => push(Direction::Send, travel.to, travel.label, travel.sort),
                        End::To => push(Direction::Receive, travel.from, travel.label, travel.sort),
                    }
                }
            }
            _ => {}
        }
        all
    }

    /// Where the endpoint stands in the specification.
    fn here(&self) -> Span {
        let inner = &*self.plan.0;
        match (&inner.engine, &self.seat) {
            (Engine::Table(table), Seat::Table(state)) => match table.machine.offers(*state) {
                [first, ..] => first.span,
                [] => table.machine.span(*state),
            },
            (Engine::Tree(tree), Seat::Tree(set)) => {
                let offers = set.first().map(|config| config.live.offers(&tree.program, inner.role));
                offers.and_then(|offers| offers.first().map(|offer| offer.span)).unwrap_or(inner.header.span)
            }
            _ => inner.header.span,
        }
    }

    fn observed(&self, step: &Step, at: i64) -> Observed {
        Observed { direction: step.direction, peer: step.peer_name.clone(), label: Arc::clone(&step.label_text), at }
    }

    /// The last steps, oldest first.
    fn recent(&self) -> Vec<Observed> {
        let count = self.steps.min(RECENT as u64);
        let numbers = self.steps.saturating_sub(count)..self.steps;
        let place = |number: u64| self.recent.get(usize::try_from(number).ok()?.checked_rem(RECENT)?);
        let one = |&(step, at): &(u32, i64)| Some(self.observed(self.plan.0.steps.get(step as usize)?, at));
        numbers.filter_map(place).filter_map(one).collect()
    }

    /// A violation, as it is told.
    #[cold]
    fn violation(&self, found: Found, observed: Option<Observed>, step: Option<&Step>) -> Arc<Violation> {
        let inner = &*self.plan.0;
        let span = if found.span == Span::default() { self.here() } else { found.span };
        // Whoever sends what may not be sent is to blame, not who is handed it.
        let blame = found.blame.or_else(|| {
            let step = step?;
            let role = if step.direction == Direction::Receive { step.peer } else { inner.role };
            Some(inner.header.role_name(role).to_owned())
        });
        Arc::new(Violation {
            code: found.code,
            message: found.message.into(),
            protocol: inner.header.name.clone(),
            session: Arc::clone(&self.session),
            role: inner.header.role_name(inner.role).into(),
            observed,
            expected: self.expected(),
            may_stop: self.is_finished(),
            blame: blame.map(Into::into),
            place: Place::of(inner.sources.as_ref(), span),
            span,
            recent: self.recent(),
            steps: self.steps,
            at: self.now,
        })
    }

    /// What comes of a violation.
    #[cold]
    fn violated(&mut self, found: Found, observed: Option<Observed>, step: Option<&Step>) -> Verdict {
        let violation = self.violation(found, observed, step);
        self.violations = self.violations.saturating_add(1);
        self.last = Some(Arc::clone(&violation));
        let options = &self.plan.0.options;
        if let (Some(report), true) = (&options.report, options.mode != Mode::Observe) {
            report(&violation);
        }
        match options.mode {
            Mode::Observe | Mode::Warn => Verdict::Passed(violation),
            Mode::Block => Verdict::Blocked(violation),
            Mode::Suppress => Verdict::Dropped(violation),
            Mode::FailClosed => {
                self.closed = true;
                Verdict::Quarantined(violation)
            }
        }
    }

    #[cold]
    fn foreign(&mut self) -> Verdict {
        self.violated(alien(), None, None)
    }

    /// A step that the role never takes.
    #[cold]
    fn unknown(&mut self, direction: Direction, peer: &str, label: &str, unknown: Unknown, at: i64) -> Verdict {
        if let Verdict::Quarantined(why) = self.tick(at) {
            return Verdict::Quarantined(why);
        }
        let own = self.plan.role_name();
        let cut = |name: &str| name.chars().take(80).collect::<String>();
        let (code, message): (Code, String) = match unknown {
            Unknown::Role => (codes::ROLE, format!("there is no role `{}`", cut(peer))),
            Unknown::Label => (codes::LABEL, format!("there is no label `{}`", cut(label))),
            Unknown::Message => (
                codes::MESSAGE,
                match direction {
                    Direction::Send => format!("`{own}` never sends `{label}` to `{peer}`"),
                    Direction::Receive => format!("`{own}` never receives `{label}` from `{peer}`"),
                    Direction::Act => format!("`{own}` never does `{label}`"),
                },
            ),
        };
        let blamed = if direction == Direction::Receive { peer } else { own };
        let blame = (unknown != Unknown::Role).then(|| blamed.to_owned());
        let observed = Observed {
            direction,
            peer: (direction != Direction::Act).then(|| cut(peer).into()),
            label: cut(label).into(),
            at: self.now,
        };
        self.violated(Found { code, message, blame, span: Span::default() }, Some(observed), None)
    }
}

/// A handle that means nothing here.
fn alien() -> Found {
    let message = "the handle belongs to another plan".to_owned();
    Found { code: codes::MESSAGE, message, blame: None, span: Span::default() }
}

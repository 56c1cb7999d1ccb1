//! The world around an implementation under test: every other role, played by the specification itself.
//!
//! It is one configuration of the whole protocol. The other roles take steps that [`Live::admits`] at random; what the
//! implementation does goes through its [`Monitor`] first, so that a refusal says what was expected, and then through
//! [`Live::take`] as everything else.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Cause, Driver, draw::Pool};
use crate::{
    data::{Assumed, Extract, Value},
    diag::Span,
    generate::Rng,
    guard::{Handle, Monitor, Plan},
    id::{EdgeId, IdVec, MessageId, RoleId},
    machine::{
        End, Live, Program,
        live::{Seen, Sides, Way},
    },
    protocol::{Header, Names},
    session::Payload,
};

/// Tries to find a payload that a condition admits.
const TRIES: usize = 24;

/// Sends, by where they are written.
pub(super) type Arms = FxHashSet<(MessageId, Span)>;

/// What all runs share.
pub(super) struct Stage {
    pub(super) program: Program,
    pub(super) names: Names,
    pub(super) header: Header,
    pub(super) extracts: IdVec<MessageId, Extract>,
    pub(super) pool: Pool,
    /// Every send that is written.
    pub(super) arms: Arms,
}

impl Stage {
    pub(super) fn new(program: Program, names: Names, header: Header) -> Self {
        let messages = program.messages();
        let extracts = messages.values().map(|travel| Extract::new(names.payload(travel.sort), |_| true)).collect();
        let pool = Pool::of(&names, messages.values().map(|travel| travel.sort));
        let rows = program.automata().flat_map(|automaton| automaton.rows.values());
        let sends = rows.flat_map(|row| &row.arms).filter(|arm| arm.end == End::From);
        let arms = sends.map(|arm| (arm.message, arm.span)).collect();
        Self { program, names, header, extracts, pool, arms }
    }

    /// `A!B:l {…}` and its like.
    pub(super) fn text(&self, message: MessageId, end: End, payload: &str) -> String {
        let Some(travel) = self.program.messages().entry(message) else { return String::new() };
        let (from, to) = (self.header.role_name(travel.from), self.header.role_name(travel.to));
        let label = self.names.label_text(travel.label);
        let payload = if payload == "null" || payload == "{}" { String::new() } else { format!(" {payload}") };
        match end {
            _ if travel.from == travel.to => format!("{from}:{label}{payload}"),
            End::From => format!("{from}!{to}:{label}{payload}"),
            End::To => format!("{to}?{from}:{label}"),
        }
    }
}

/// A message as the implementation gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender.
    pub from: String,
    /// The label.
    pub label: String,
    /// The payload, as JSON.
    pub payload: String,
}

/// A seat that is not played by the world.
pub(super) struct Tested {
    pub(super) role: RoleId,
    pub(super) monitor: Monitor,
    /// A near miss that it was handed, and has not refused.
    pub(super) provoked: Option<String>,
}

/// One run.
pub(super) struct World<'s> {
    pub(super) stage: &'s Stage,
    pub(super) live: Live,
    /// The payloads of what is on its way.
    wires: FxHashMap<EdgeId, VecDeque<String>>,
    pub(super) rng: Rng,
    pub(super) now: i64,
    pub(super) tested: Vec<Tested>,
    pub(super) log: Vec<String>,
    left: usize,
    pub(super) driver: Driver,
    pub(super) covered: &'s mut Arms,
    pub(super) cause: Option<Cause>,
    pub(super) refusals: u64,
}

/// Something that can happen next.
struct Choice {
    way: Way,
    end: End,
    payload: String,
}

impl<'s> World<'s> {
    pub(super) fn new(
        stage: &'s Stage,
        plans: &[(RoleId, Plan)],
        seed: u64,
        steps: usize,
        driver: Driver,
        covered: &'s mut Arms,
    ) -> Self {
        let tested = |(role, plan): &(RoleId, Plan)| Tested {
            role: *role,
            monitor: plan.monitor(&format!("seed {seed}"), 0),
            provoked: None,
        };
        Self {
            stage,
            live: Live::new(&stage.program, 0),
            wires: FxHashMap::default(),
            rng: Rng::new(seed),
            now: 0,
            tested: plans.iter().map(tested).collect(),
            log: Vec::new(),
            left: steps,
            driver,
            covered,
            cause: None,
            refusals: 0,
        }
    }

    /// One step less; false if none is left.
    fn spend(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                self.cause.get_or_insert(Cause::Steps);
                return false;
            }
        }
        self.now = self.now.saturating_add(1);
        true
    }

    fn seen<'v>(&self, message: MessageId, sides: Sides, payload: &'v [Option<Value>]) -> Seen<'v> {
        Seen { message, sides, payload, content: 0, now: self.now, externs: &Assumed }
    }

    fn take(&mut self, choice: &Choice) {
        let stage = self.stage;
        let message = choice.way.message();
        self.log.push(stage.text(message, choice.end, &choice.payload));
        if choice.end == End::From {
            self.covered.insert((message, choice.way.span()));
        }
        self.live.take(&stage.program, &choice.way);
        if let Some(travel) = stage.program.messages().entry(message)
            && let Some(edge) = travel.edge
            && !choice.way.is_duplicate()
        {
            let wire = self.wires.entry(edge).or_default();
            match choice.end {
                End::From => wire.push_back(choice.payload.clone()),
                End::To => drop(wire.pop_front()),
            }
        }
    }

    /// What the other roles can do.
    fn choices(&mut self) -> Vec<Choice> {
        let stage = self.stage;
        let mut all = Vec::new();
        for role in stage.header.roles.ids() {
            if self.tested.iter().any(|tested| tested.role == role) {
                continue;
            }
            for (message, _) in self.live.heads(&stage.program, role) {
                all.extend(self.receive(message));
            }
            for offer in self.live.offers(&stage.program, role) {
                if offer.end == End::From {
                    all.extend(self.send(offer.message));
                }
            }
        }
        all
    }

    /// The receive of a message at the head of its edge.
    fn receive(&self, message: MessageId) -> Option<Choice> {
        let edge = self.stage.program.messages().entry(message)?.edge?;
        let (_, values) = self.live.head(edge)?;
        let seen = self.seen(message, Sides::Receive, &values);
        let way = self.live.ways(&self.stage.program, seen).into_iter().next()?;
        Some(Choice { way, end: End::To, payload: self.wires.get(&edge)?.front()?.clone() })
    }

    /// A send of a message, with a payload that is right.
    fn send(&mut self, message: MessageId) -> Option<Choice> {
        let stage = self.stage;
        let travel = stage.program.messages().entry(message)?;
        let sides = if travel.from == travel.to { Sides::Both } else { Sides::Send };
        let mut held: Vec<Value> = Vec::new();
        let mut values = Vec::new();
        for _ in 0..TRIES {
            let payload = stage.pool.payload(&mut self.rng, stage.names.payload(travel.sort), &held);
            if stage.extracts.entry(message)?.read(payload.as_bytes(), &crate::data::Empty, &mut values).is_err() {
                continue;
            }
            let seen = self.seen(message, sides, &values);
            match self.live.admits(&stage.program, seen) {
                Ok(ways) => {
                    let way = ways.into_iter().next()?;
                    return Some(Choice { way, end: End::From, payload });
                }
                Err(refused) => {
                    // What the condition compares with is worth a try, and what lies between.
                    if held.is_empty()
                        && let Some(reads) = self.live.explain(&stage.program, seen, &refused)
                    {
                        held = around(reads.values.into_iter().filter_map(|(_, value)| value).collect());
                    } else if values.is_empty() {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Lets the other roles take a step; false if they cannot.
    pub(super) fn advance(&mut self) -> bool {
        let choices = self.choices();
        if choices.is_empty() {
            return self.wait();
        }
        if !self.spend() {
            return false;
        }
        let fresh: Vec<usize> =
            (0..choices.len()).filter(|&at| choices.get(at).is_some_and(|one| self.is_fresh(one))).collect();
        let at = match self.rng.chance(60) {
            true if !fresh.is_empty() => self.rng.pick(&fresh).copied().unwrap_or(0),
            _ => self.rng.below(choices.len()),
        };
        if let Some(choice) = choices.get(at) {
            self.take(choice);
        }
        true
    }

    fn is_fresh(&self, choice: &Choice) -> bool {
        choice.end == End::From && !self.covered.contains(&(choice.way.message(), choice.way.span()))
    }

    /// Nobody can do anything: a time limit of another role may run out.
    fn wait(&mut self) -> bool {
        const HOUR: i64 = 3_600_000_000;
        let stage = self.stage;
        for role in stage.header.roles.ids() {
            if self.tested.iter().any(|tested| tested.role == role) {
                continue;
            }
            let mut later = self.live.clone();
            let now = self.now.saturating_add(HOUR);
            if later.expire(&stage.program, role, now) && self.spend() {
                self.live = later;
                self.now = now;
                self.log.push(format!("timeout {}", stage.header.role_name(role)));
                return true;
            }
        }
        false
    }

    /// Hands the implementation a message, if one is there for it.
    pub(super) fn deliver(&mut self, seat: usize, from: Option<&str>) -> Option<Received> {
        let stage = self.stage;
        let role = self.tested.get(seat)?.role;
        let mut heads: Vec<Choice> = Vec::new();
        for (message, _) in self.live.heads(&stage.program, role) {
            let travel = stage.program.messages().entry(message)?;
            if from.is_none_or(|from| stage.header.role_name(travel.from) == from) {
                heads.extend(self.receive(message));
            }
        }
        let at = self.rng.below(heads.len());
        let choice = heads.into_iter().nth(at)?;
        if !self.spend() {
            return None;
        }
        let travel = stage.program.messages().entry(choice.way.message())?;
        let (from, label) = (stage.header.role_name(travel.from), stage.names.label_text(travel.label));
        let now = self.now;
        let verdict = self.tested.get_mut(seat)?.monitor.received(from, label, Payload::Json(&choice.payload), now);
        if let Some(violation) = verdict.violation() {
            // The others are played by the specification: what they send is right, or the specification is not safe.
            self.cause = Some(Cause::Unsafe(violation.clone()));
            return None;
        }
        self.take(&choice);
        Some(Received { from: from.to_owned(), label: label.to_owned(), payload: choice.payload })
    }

    /// A message that must be refused: something that may not come now, or not with this payload.
    pub(super) fn near_miss(&mut self, seat: usize) -> Option<Received> {
        let stage = self.stage;
        let role = self.tested.get(seat)?.role;
        let kinds: Vec<MessageId> = stage
            .program
            .messages()
            .iter()
            .filter(|(_, one)| one.to == role && one.from != role)
            .map(|(id, _)| id)
            .collect();
        for _ in 0..8 {
            let message = *self.rng.pick(&kinds)?;
            let travel = stage.program.messages().entry(message)?;
            let payload = stage.pool.payload(&mut self.rng, stage.names.payload(travel.sort), &[]);
            let (from, label) = (stage.header.role_name(travel.from), stage.names.label_text(travel.label));
            let tested = self.tested.get_mut(seat)?;
            let handle: Handle = tested.monitor.plan().receives(from, label)?;
            if tested.monitor.check(handle, Payload::Json(&payload), self.now).is_err() {
                let text = stage.text(message, End::To, "");
                self.log.push(format!("{text} {payload} (a near miss)"));
                tested.provoked = Some(format!("{text} {payload}"));
                return Some(Received { from: from.to_owned(), label: label.to_owned(), payload });
            }
        }
        None
    }

    /// The implementation sends, or acts.
    pub(super) fn sent(&mut self, seat: usize, to: Option<&str>, label: &str, payload: &str) -> bool {
        if !self.spend() {
            return false;
        }
        let (stage, now) = (self.stage, self.now);
        let Some(tested) = self.tested.get_mut(seat) else { return false };
        let role = tested.role;
        let shown = Payload::Json(payload);
        let verdict = match to {
            Some(to) => tested.monitor.sending(to, label, shown, now),
            None => tested.monitor.acted(label, shown, now),
        };
        if let Some(violation) = verdict.violation() {
            self.cause = Some(Cause::Violation(violation.clone()));
            return false;
        }
        let peer = to.and_then(|to| stage.header.role(to)).unwrap_or(role);
        let Some(label) = stage.names.find_label(label) else { return false };
        let mut values = Vec::new();
        let sides = if peer == role { Sides::Both } else { Sides::Send };
        let mut why = "no configuration of the whole protocol takes it".to_owned();
        for &message in stage.program.find(role, peer, label) {
            let Some(extract) = stage.extracts.entry(message) else { continue };
            if extract.read(payload.as_bytes(), &crate::data::Empty, &mut values).is_err() {
                continue;
            }
            match self.live.admits(&stage.program, self.seen(message, sides, &values)) {
                Ok(ways) => {
                    if let Some(way) = ways.into_iter().next() {
                        self.take(&Choice { way, end: End::From, payload: payload.to_owned() });
                        return true;
                    }
                }
                Err(refused) => why = format!("{:?}", refused.why),
            }
        }
        self.cause = Some(Cause::Stuck(why));
        false
    }

    /// What the implementation leaves unread.
    pub(super) fn unread(&self, seat: usize) -> Vec<String> {
        let Some(tested) = self.tested.get(seat) else { return Vec::new() };
        let heads = self.live.heads(&self.stage.program, tested.role);
        heads.into_iter().map(|(message, _)| self.stage.text(message, End::To, "")).collect()
    }
}

/// Values, those beside them, and sums and differences.
fn around(values: Vec<Value>) -> Vec<Value> {
    let ints: Vec<i64> =
        values.iter().filter_map(|value| if let Value::Int(int) = value { Some(*int) } else { None }).collect();
    let mut all = values;
    for &a in ints.iter().take(6) {
        all.extend([a.saturating_sub(1), a.saturating_add(1)].map(Value::Int));
        for &b in ints.iter().take(6) {
            all.extend([a.saturating_sub(b), a.saturating_add(b)].map(Value::Int));
        }
    }
    all
}

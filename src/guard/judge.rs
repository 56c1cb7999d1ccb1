//! Whether a step may be taken, and where it leads: in a table, or in the configurations of a program; and if it may not,
//! why, in words.

use std::sync::Arc;

use super::plan::{Engine, Inner, Reading, Step, Table, Tree};
use crate::{
    data::{self, Assumed, Env, ExternId, Externs, Fault, Misfit, Slot, Value, fits},
    diag::{Code, Span, catalogue::trace as codes},
    id::{ActionId, StateId},
    machine::{
        Live,
        live::{self, Lapse},
    },
    protocol::{PAYLOAD, Side, place},
    session::{Direction, Payload},
    trace::{
        Subject,
        live::{
            Event, Refusal, Values,
            endpoint::said,
            observe::{self, Candidate, Config},
        },
    },
};

/// Where an endpoint stands.
#[derive(Clone, Debug)]
pub(super) enum Seat {
    Table(StateId),
    /// All configurations that explain what it did; never none.
    Tree(Vec<Config>),
}

/// What is wrong with a step.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) code: Code,
    pub(super) message: String,
    /// None, and it is the role that acts or sends.
    pub(super) blame: Option<String>,
    pub(super) span: Span,
}

/// Longer values are cut.
const SHOWN: usize = 120;

/// What conditions read.
struct Shown<'a> {
    values: &'a [Option<Value>],
    now: i64,
    host: &'a dyn Externs,
}

impl Env for Shown<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        self.values.get(index as usize).filter(|_| depth == PAYLOAD)?.as_ref()
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.host.ask(id, args)
    }
}

/// Why a payload is not one of a signature.
enum Unread {
    Misfit(Misfit),
    Unshown,
}

/// What a payload holds under a signature.
fn read(reading: &Reading, payload: Payload<'_>, now: i64, host: &dyn Externs) -> Result<Values, Unread> {
    let env = Shown { values: &[], now, host };
    match payload {
        Payload::Unseen(_) if reading.judged => Err(Unread::Unshown),
        Payload::Unseen(_) => Ok(vec![None; reading.extract.len()]),
        Payload::Json(text) => {
            let mut values = Values::new();
            reading.extract.read(text.as_bytes(), &env, &mut values).map_err(Unread::Misfit)?;
            Ok(values)
        }
        Payload::Values(values) => {
            let Some(fields) = &reading.fields else { return Ok(Values::new()) };
            let misfit = |path: &str, what: String| Unread::Misfit(Misfit { path: path.to_owned(), what });
            if values.len() != fields.len() {
                return Err(misfit("", format!("has {} values for {} fields", values.len(), fields.len())));
            }
            for (field, value) in fields.iter().zip(values) {
                match value {
                    None if field.optional => {}
                    None => return Err(misfit(field.name.as_deref().unwrap_or("[]"), "is missing".to_owned())),
                    Some(value) => fits(&field.sort, value, &env).map_err(|inner| {
                        Unread::Misfit(match &field.name {
                            Some(name) if inner.path.is_empty() => Misfit { path: name.to_string(), ..inner },
                            _ => inner,
                        })
                    })?,
                }
            }
            Ok(values.to_vec())
        }
    }
}

impl Inner {
    fn host(&self) -> &dyn Externs {
        match &self.options.host {
            Some(host) => &**host,
            None => &Assumed,
        }
    }

    /// Takes a step, or says why it may not be taken; then nothing has changed.
    pub(super) fn take(&self, seat: &mut Seat, step: &Step, payload: Payload<'_>, now: i64) -> Result<(), Found> {
        match (&self.engine, seat) {
            (Engine::Table(table), Seat::Table(state)) => {
                *state = self.take_in_table(table, *state, step, payload, now)?;
                Ok(())
            }
            (Engine::Tree(tree), Seat::Tree(set)) => self.take_in_tree(tree, set, step, payload, now),
            // By INVARIANT (kind): a seat is of its plan's kind.
            _ => Err(self.misplaced(step)),
        }
    }

    fn take_in_table(
        &self,
        table: &Table,
        state: StateId,
        step: &Step,
        payload: Payload<'_>,
        now: i64,
    ) -> Result<StateId, Found> {
        let mut found: Option<Found> = None;
        for &column in &step.columns {
            let then = table.machine.next(state, column);
            if then == StateId::default() {
                continue;
            }
            let Some(reading) = table.readings.entry(column) else { continue };
            match self.judge(reading, step, payload, now) {
                Ok(()) => return Ok(then),
                Err(why) => found = Some(self.at(table, state, column, why)),
            }
        }
        Err(found.unwrap_or_else(|| Found { span: table.machine.span(state), ..self.misplaced(step) }))
    }

    fn at(&self, table: &Table, state: StateId, column: ActionId, found: Found) -> Found {
        let offer = table.machine.offers(state).iter().find(|offer| offer.action == column);
        match offer {
            Some(offer) if found.span == Span::default() => Found { span: offer.span, ..found },
            _ => found,
        }
    }

    /// Sorts and conditions of a message whose rule reads the payload alone.
    fn judge(&self, reading: &Reading, step: &Step, payload: Payload<'_>, now: i64) -> Result<(), Found> {
        if reading.rule.is_empty() && matches!(payload, Payload::Unseen(_)) {
            return Ok(());
        }
        let found = |code, what: String, span| Found {
            code,
            message: format!("{}: {what}", self.what(step)),
            blame: None,
            span,
        };
        let values = match read(reading, payload, now, self.host()) {
            Ok(values) => values,
            Err(Unread::Unshown) => return Err(self.unshown(step)),
            Err(Unread::Misfit(misfit)) => {
                return Err(found(codes::PAYLOAD, self.misfit(reading, &misfit), Span::default()));
            }
        };
        let env = Shown { values: &values, now, host: self.host() };
        let needs =
            reading.rule.requires.iter().filter(|need| !need.is_extern()).map(|need| (codes::UNWITNESSED, &need.holds));
        let conditions = reading.rule.conditions.iter().map(|condition| (codes::CONDITION, &condition.code));
        for (code, condition) in conditions.chain(needs) {
            let span = condition.tree().spot.0;
            match condition.holds(&env) {
                Ok(true) => {}
                Ok(false) => {
                    let values = self.values(reading, condition, &values);
                    return Err(found(code, format!("`{}` is false{values}", condition.text()), span));
                }
                Err(fault) => return Err(found(codes::FAULT, fault_text(&fault), span)),
            }
        }
        Ok(())
    }

    /// `; count = 0`
    fn values(&self, reading: &Reading, condition: &data::Code, values: &[Option<Value>]) -> String {
        let mut text = String::new();
        for &slot in condition.slots() {
            let (depth, index) = place(slot);
            let field = reading.fields.as_deref().and_then(|fields| fields.get(index as usize));
            let Some(field) = field.filter(|_| depth == PAYLOAD) else { continue };
            text.push_str(if text.is_empty() { "; " } else { ", " });
            text.push_str(field.name.as_deref().unwrap_or("the value"));
            match values.get(index as usize) {
                Some(Some(value)) => {
                    let shown = data::write(value, Some(&field.sort), &self.options.redaction, &|_| false);
                    text.push_str(" = ");
                    text.extend(shown.chars().take(SHOWN));
                }
                _ => text.push_str(" is not set"),
            }
        }
        text
    }

    /// A misfit, without the value where that is secret.
    fn misfit(&self, reading: &Reading, misfit: &Misfit) -> String {
        let first = misfit.path.split(['.', '[']).next().unwrap_or_default();
        let field = reading.fields.iter().flatten().find(|field| field.name.as_deref() == Some(first));
        match field {
            Some(field) if field.sort.has_secret() => {
                format!("field `{}` does not fit `{}`", misfit.path, field.sort)
            }
            _ if misfit.path.is_empty() => format!("the payload {}", misfit.what),
            _ => misfit.to_string(),
        }
    }

    fn take_in_tree(
        &self,
        tree: &Tree,
        set: &mut Vec<Config>,
        step: &Step,
        payload: Payload<'_>,
        now: i64,
    ) -> Result<(), Found> {
        let mut candidates = Vec::with_capacity(step.messages.len());
        for &message in &step.messages {
            let Some(reading) = tree.readings.entry(message) else { continue };
            let values = match read(reading, payload, now, self.host()) {
                Ok(values) => Ok(Arc::new(values)),
                Err(Unread::Misfit(misfit)) => Err(misfit),
                Err(Unread::Unshown) => return Err(self.unshown(step)),
            };
            let content = match (&reading.except, payload) {
                (Some(except), Payload::Json(text)) => live::content(text, except),
                (Some(_), Payload::Values(values)) => live::digest(values.iter().flatten()),
                _ => 0,
            };
            candidates.push(Candidate { message, values, content, known: 0 });
        }
        let (from, to) = match step.direction {
            Direction::Send => (self.role, step.peer),
            Direction::Receive => (step.peer, self.role),
            Direction::Act => (self.role, self.role),
        };
        let mut event = Event {
            from,
            to,
            label: step.label,
            candidates: &step.messages,
            side: Side::Both,
            payload: "",
            injected: &[],
            written: true,
            blank: matches!(payload, Payload::Unseen(_)),
            failed: false,
            now: Some(now),
        };
        let Err(refusal) = observe::next(&tree.program, &tree.watch, set, &event, candidates.into(), now) else {
            return Ok(());
        };
        // Only of valid JSON there is more to say than that it is none.
        let written;
        match payload {
            Payload::Json(text) if !matches!(refusal, Refusal::Payload(..)) => event.payload = text,
            Payload::Values(values) => {
                written = self.written(values);
                event.payload = &written;
            }
            _ => {}
        }
        let subject = self.subject(tree);
        let said = said((subject, &tree.program), self.role, &self.options.redaction, (set, now), &event, &refusal);
        Err(Found { code: said.code, message: said.message, blame: said.blame, span: said.span.unwrap_or_default() })
    }

    /// Values as JSON, in order.
    fn written(&self, values: &[Option<Value>]) -> String {
        let plain = |value: &Option<Value>| {
            let value = value.as_ref().unwrap_or(&Value::Unit);
            data::write(value, None, &self.options.redaction, &|_| false)
        };
        format!("[{}]", values.iter().map(plain).collect::<Vec<_>>().join(","))
    }

    fn subject<'a>(&'a self, tree: &'a Tree) -> Subject<'a> {
        Subject {
            system: &tree.system,
            program: Some(&tree.program),
            names: &self.names,
            header: &self.header,
            externs: &[],
        }
    }

    /// An obligation of the role that lapsed before a time, in all that explains what it did; it is told once.
    pub(super) fn lapsed(&self, seat: &mut Seat, before: i64) -> Option<Found> {
        let Seat::Tree(set) = seat else { return None };
        let mut lapse: Option<Lapse> = None;
        let mut lapsed = 0_usize;
        for config in &mut *set {
            let found = loop {
                match config.live.lapsed(before) {
                    // What the others owe is not for this endpoint to say.
                    Some(other) if other.role != self.role => drop(config.live.lapse(before)),
                    found => break found,
                }
            };
            if let Some(found) = found {
                lapse.get_or_insert(found);
                lapsed = lapsed.saturating_add(1);
            }
        }
        let lapse = lapse?;
        if lapsed < set.len() {
            set.retain_mut(|config| config.live.lapsed(before).is_none());
            return None;
        }
        for config in &mut *set {
            config.live.lapse(before);
        }
        let role = self.header.role_name(lapse.role);
        let late = before.saturating_sub(lapse.deadline);
        let message = format!("`{role}` owed a step, and is {late} µs late");
        Some(Found { code: codes::LAPSED, message, blame: Some(role.to_owned()), span: lapse.span })
    }

    /// When something will have lapsed if nothing happens.
    pub(super) fn next_deadline(&self, seat: &mut Seat) -> Option<i64> {
        let Seat::Tree(set) = seat else { return None };
        let deadlines = set.iter_mut().filter_map(|config| config.live.next_deadline());
        deadlines.min().map(|deadline| deadline.saturating_add(self.options.slack))
    }

    /// Where an endpoint begins.
    pub(super) fn seat(&self, now: i64) -> Seat {
        match &self.engine {
            Engine::Table(table) => Seat::Table(table.machine.initial()),
            Engine::Tree(tree) => Seat::Tree(vec![Live::open(&tree.program, now, self.host()).into()]),
        }
    }

    /// Whether the role may stop.
    pub(super) fn may_stop(&self, seat: &Seat) -> bool {
        match (&self.engine, seat) {
            (Engine::Table(table), Seat::Table(state)) => table.machine.may_stop(*state),
            (Engine::Tree(tree), Seat::Tree(set)) => {
                set.iter().any(|config| observe::is_final(&tree.program, &tree.watch, config))
            }
            _ => false,
        }
    }

    /// What `q!l` and its like are called in messages.
    pub(super) fn what(&self, step: &Step) -> String {
        let own = self.header.role_name(self.role);
        let label = &step.label_text;
        match (step.direction, &step.peer_name) {
            (Direction::Send, Some(peer)) => format!("`{label}` from `{own}` to `{peer}`"),
            (Direction::Receive, Some(peer)) => format!("`{label}` from `{peer}` to `{own}`"),
            _ => format!("`{label}` of `{own}`"),
        }
    }

    fn unshown(&self, step: &Step) -> Found {
        let message = format!("{}: its payload must be judged, and was not shown", self.what(step));
        Found { code: codes::UNSHOWN, message, blame: None, span: Span::default() }
    }

    fn misplaced(&self, step: &Step) -> Found {
        let own = self.header.role_name(self.role);
        let label = &step.label_text;
        let (code, message) = match (step.direction, &step.peer_name) {
            (Direction::Send, Some(peer)) => {
                (codes::SENDER, format!("`{own}` may not send `{label}` to `{peer}` here"))
            }
            (Direction::Receive, Some(peer)) => {
                (codes::RECEIVER, format!("`{own}` may not receive `{label}` from `{peer}` here"))
            }
            _ => (codes::SENDER, format!("`{own}` may not do `{label}` here")),
        };
        Found { code, message, blame: None, span: Span::default() }
    }
}

fn fault_text(fault: &Fault) -> String {
    match fault.why() {
        data::Why::Misfit(misfit) if !misfit.path.is_empty() => {
            format!("field `{}` does not fit its sort", misfit.path)
        }
        why => format!("it cannot be decided: {why}"),
    }
}

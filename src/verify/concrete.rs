//! A run that goes wrong with data left out, made with data.
//!
//! In: a program and the events of such a run. Out: the payload of each event, if values are found under which the
//! program takes every event and is then stuck as the run says. Values are tried at the edges of what the conditions
//! compare with, and next to what was sent before; each event has to be admitted by [`Live`] before the next is looked at.
//! Not finding any proves nothing. With data there are no more steps than without, so where nothing was enabled nothing
//! is; that is looked at again all the same.

use crate::{
    data::{Builtin, Empty, Op, Payload, Sort, Value, fits},
    event::Event,
    id::{LabelId, MessageId, RoleId, SortId},
    machine::{Live, Program, live},
    protocol::Names,
};

/// Events that are offered to the program.
const MAX_OFFERS: usize = 50_000;
/// Payloads that are tried for one event.
const MAX_PAYLOADS: usize = 200;
/// Values that are tried for one field.
const MAX_VALUES: usize = 40;

/// A payload, field by field.
pub(super) type Fields = Vec<Option<Value>>;

struct Maker<'a> {
    program: &'a Program,
    names: &'a Names,
    left: usize,
    numbers: Vec<i64>,
    texts: Vec<Value>,
}

/// The payloads of a run that ends in a configuration in which nothing can happen and which is not final.
pub(super) fn concrete(program: &Program, names: &Names, run: &[Event]) -> Option<Vec<Fields>> {
    let mut maker = Maker { program, names, left: MAX_OFFERS, numbers: vec![0, 1, 2], texts: Vec::new() };
    maker.collect();
    let mut done = Vec::new();
    maker.go(&Live::new(program, 0), run, &mut done).then_some(done)
}

impl Maker<'_> {
    /// The values that conditions and assignments mention.
    fn collect(&mut self) {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for travel in self.program.messages().values() {
            let conditions = travel.rule.conditions.iter().map(|condition| &condition.code);
            let taken = travel.taken.conditions.iter().map(|condition| &condition.code);
            let sets = travel.rule.sets.iter().chain(travel.rule.after.iter().flatten()).map(|set| &set.value);
            for code in conditions.chain(taken).chain(sets) {
                code.tree().visit(&mut |node| match &node.op {
                    Op::Const(Value::Int(number)) => {
                        numbers.extend([number.saturating_sub(1), *number, number.saturating_add(1)]);
                    }
                    Op::Const(value @ Value::Text(_)) => texts.push(value.clone()),
                    _ => {}
                });
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        self.numbers.extend(numbers);
        self.texts.extend(texts);
        self.texts.push(Value::text("a"));
    }

    /// Makes the rest of a run. Recurses once per event.
    fn go(&mut self, live: &Live, run: &[Event], done: &mut Vec<Fields>) -> bool {
        // A longer run has more to go wrong than is worth trying.
        if done.len() > 200 {
            return false;
        }
        let Some((&event, rest)) = run.split_first() else { return self.is_stuck(live, done) };
        let (from, to, label, sort, sides) = match event {
            Event::Send { from, to, label, sort } => (from, to, label, sort, live::Sides::Send),
            Event::Receive { from, to, label, sort } => (from, to, label, sort, live::Sides::Receive),
            Event::Sync { from, to, label, sort } => (from, to, label, sort, live::Sides::Both),
            Event::Act { role, label, sort } => (role, role, label, sort, live::Sides::Both),
            Event::Timeout { .. } | Event::Lapse { .. } | Event::Crash { .. } | Event::Interrupt { .. } => {
                return false;
            }
        };
        for message in self.messages(from, to, label, sort) {
            let receives = sides == live::Sides::Receive;
            let payloads = if receives { self.head(live, message) } else { self.payloads(sort, done) };
            for payload in payloads {
                for next in self.offer(live, message, sides, &payload) {
                    done.push(payload.clone());
                    if self.go(&next, rest, done) {
                        return true;
                    }
                    done.pop();
                }
            }
        }
        false
    }

    /// The messages that an event can be: of that signature, or, where both ends are written by hand, of that payload.
    fn messages(&self, from: RoleId, to: RoleId, label: LabelId, sort: SortId) -> Vec<MessageId> {
        let all = self.program.find(from, to, label).iter().copied();
        let like = |same: &dyn Fn(SortId) -> bool| -> Vec<MessageId> {
            let same = |id: &MessageId| self.program.messages().entry(*id).is_some_and(|travel| same(travel.sort));
            all.clone().filter(same).collect()
        };
        let exact = like(&|of| of == sort);
        if exact.is_empty() { like(&|of| self.names.payload(of) == self.names.payload(sort)) } else { exact }
    }

    fn head(&self, live: &Live, message: MessageId) -> Vec<Fields> {
        let edge = self.program.messages().entry(message).and_then(|travel| travel.edge);
        let arriving = edge.map_or_else(Vec::new, |edge| live.arriving(self.program, edge));
        let same = arriving.into_iter().filter(|(next, _)| *next == message);
        same.map(|(_, payload)| payload.to_vec()).collect()
    }

    /// Every configuration that an event can lead to.
    fn offer(&mut self, live: &Live, message: MessageId, sides: live::Sides, payload: &Fields) -> Vec<Live> {
        let Some(left) = self.left.checked_sub(1) else { return Vec::new() };
        self.left = left;
        let seen = live::Seen { message, sides, payload, content: 0, now: 0, externs: &crate::data::Assumed };
        let ways = live.ways(self.program, seen);
        let make = |way: &live::Way| {
            let mut next = live.clone();
            next.take(self.program, way);
            next
        };
        ways.iter().filter(|way| !way.is_duplicate()).map(make).collect()
    }

    /// Payloads worth trying.
    fn payloads(&self, sort: SortId, done: &[Fields]) -> Vec<Fields> {
        let none = Payload::default();
        let payload = self.names.payload(sort).unwrap_or(&none);
        let mut all: Vec<Fields> = vec![Vec::new()];
        for field in &payload.fields {
            let mut values: Vec<Option<Value>> = Vec::new();
            let before = done.iter().rev().flatten().flatten().flat_map(|value| match value {
                Value::Int(number) => [0, 1, -1].iter().map(|by| Value::Int(number.saturating_add(*by))).collect(),
                value => vec![value.clone()],
            });
            for value in before.chain(self.values(&field.sort)) {
                let known = values.iter().flatten().any(|known| *known == value);
                if values.len() < MAX_VALUES && !known && fits(&field.sort, &value, &Empty).is_ok() {
                    values.push(Some(value));
                }
            }
            if field.optional {
                values.push(None);
            }
            let mut next = Vec::new();
            for value in &values {
                for fields in &all {
                    if next.len() < MAX_PAYLOADS {
                        let mut fields = fields.clone();
                        fields.push(value.clone());
                        next.push(fields);
                    }
                }
            }
            all = next;
        }
        all
    }

    fn values(&self, sort: &Sort) -> Vec<Value> {
        match sort {
            Sort::Builtin(Builtin::Bool) => vec![Value::Bool(true), Value::Bool(false)],
            Sort::Builtin(Builtin::Unit) => vec![Value::Unit],
            Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal) => {
                self.numbers.iter().map(|&number| Value::Int(number)).collect()
            }
            Sort::Builtin(Builtin::Duration) => self.numbers.iter().map(|&number| Value::Duration(number)).collect(),
            Sort::Builtin(Builtin::Timestamp) => self.numbers.iter().map(|&number| Value::Timestamp(number)).collect(),
            Sort::Enum(names) => names.iter().map(|name| Value::text(name)).collect(),
            Sort::Refined(of, condition) => {
                let mut values = self.values(of);
                condition.tree().visit(&mut |node| match &node.op {
                    Op::Const(Value::Int(number)) => {
                        let near = [number.saturating_sub(1), *number, number.saturating_add(1)];
                        values.extend(near.map(Value::Int));
                        let length = usize::try_from(*number).unwrap_or(0).min(256);
                        values.push(Value::text(&"a".repeat(length)));
                    }
                    Op::Const(value) => values.push(value.clone()),
                    _ => {}
                });
                values
            }
            Sort::Secret(of) => self.values(of),
            Sort::Option(of) => self.values(of).into_iter().chain([Value::Unit]).collect(),
            _ => self.texts.clone(),
        }
    }

    /// Whether nothing that is worth trying can happen, and not all is over.
    fn is_stuck(&mut self, live: &Live, done: &[Fields]) -> bool {
        if live.is_final(self.program) {
            return false;
        }
        let messages: Vec<(MessageId, SortId, bool)> =
            self.program.messages().iter().map(|(id, travel)| (id, travel.sort, travel.edge.is_none())).collect();
        for (message, sort, own) in messages {
            for payload in self.head(live, message) {
                if !self.offer(live, message, live::Sides::Receive, &payload).is_empty() {
                    return false;
                }
            }
            let sides = if own { live::Sides::Both } else { live::Sides::Send };
            for payload in self.payloads(sort, done) {
                if !self.offer(live, message, sides, &payload).is_empty() {
                    return false;
                }
            }
        }
        // What was not tried may be possible.
        self.left > 0
    }
}

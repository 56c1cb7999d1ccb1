//! Events worth asking for: what a protocol mentions, with values at the edges of what it compares, and repetitions.
//!
//! Comes in: a [`Term`] with its [`Names`], and what happened so far. Goes out: events ([`Seen`]), legal ones, near misses
//! and absurd ones mixed. What is a legal one is for others to say.

use std::collections::BTreeSet;

use super::Rng;
use crate::{
    data::{Builtin, Op, Sort, Value},
    id::{LabelId, RoleId, SortId},
    protocol::{Names, Stmt, Term},
    reference::full::{Seen, Sides},
};

/// What can be asked for in a protocol.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Sender, receiver, label, a signature with the payload.
    kinds: Vec<(RoleId, RoleId, LabelId, SortId)>,
    ints: Vec<i64>,
    texts: Vec<String>,
    durations: Vec<i64>,
}

impl Probe {
    /// Everything that a protocol mentions.
    #[must_use]
    pub fn of(term: &Term, names: &Names) -> Self {
        let mut kinds = BTreeSet::new();
        for stmt in term.blocks.values().flatten() {
            match stmt {
                Stmt::Message { from, to, label, sort, .. } => {
                    kinds.extend(to.iter().map(|&to| (*from, to, *label, *sort)));
                }
                Stmt::Act { role, label, sort, .. } => drop(kinds.insert((*role, *role, *label, *sort))),
                _ => {}
            }
        }
        // Of signatures with one payload one is enough.
        let mut different: Vec<(RoleId, RoleId, LabelId, SortId)> = Vec::new();
        for kind in kinds {
            let same = |known: &(RoleId, RoleId, LabelId, SortId)| {
                (known.0, known.1, known.2) == (kind.0, kind.1, kind.2)
                    && names.payload(known.3) == names.payload(kind.3)
            };
            if !different.iter().any(same) {
                different.push(kind);
            }
        }
        let (mut ints, mut texts, mut durations) = (BTreeSet::from([0, 1, 2, 3]), BTreeSet::new(), BTreeSet::new());
        let mut note = |value: &Value| match value {
            Value::Int(int) => {
                ints.extend([int.saturating_sub(1), *int, int.saturating_add(1)]);
            }
            Value::Text(text) => drop(texts.insert(text.to_string())),
            Value::Duration(micros) => {
                durations.extend([micros.saturating_sub(1), *micros, micros.saturating_add(1)]);
            }
            _ => {}
        };
        let mut of_code = |code: &crate::data::Code| {
            code.tree().visit(&mut |node| {
                if let Op::Const(value) = &node.op {
                    note(value);
                }
            });
        };
        for sort in names.sorts() {
            let Some(rule) = names.rule(sort) else { continue };
            rule.demands().for_each(&mut of_code);
            rule.sets.iter().for_each(|set| of_code(&set.value));
            if let Some((from, to)) = &rule.within {
                from.iter().for_each(&mut of_code);
                of_code(to);
            }
            let memories = rule.unique.iter().chain(&rule.idempotent);
            memories.filter_map(|memory| memory.lasts.as_ref()).for_each(&mut of_code);
        }
        for scope in term.scopes.values() {
            if let crate::protocol::Scope::During { rounds, .. } = scope {
                rounds.iter().filter_map(|round| round.every.as_ref()).for_each(&mut of_code);
            }
            if let crate::protocol::Scope::Try { handlers, .. } = scope {
                for handler in handlers {
                    use crate::protocol::Trigger::{Deadline, Idle, Timeout};
                    if let Timeout(_, code) | Idle(_, code) | Deadline(_, code) = &handler.trigger {
                        of_code(code);
                    }
                }
            }
        }
        texts.extend(["a".to_owned(), "b".to_owned()]);
        Self {
            kinds: different,
            ints: ints.into_iter().collect(),
            texts: texts.into_iter().collect(),
            durations: durations.into_iter().collect(),
        }
    }

    /// How many kinds of messages there are.
    #[must_use]
    pub fn kinds(&self) -> usize {
        self.kinds.len()
    }

    fn value(&self, rng: &mut Rng, sort: &Sort) -> Value {
        match sort {
            Sort::Builtin(Builtin::Bool) => Value::Bool(rng.chance(50)),
            Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal) => {
                let most = self.ints.len();
                // Small ones more often: they are keys and counters.
                let below = if rng.chance(60) { most.min(5) } else { most };
                Value::Int(self.ints.get(rng.below(below)).copied().unwrap_or(0))
            }
            Sort::Builtin(Builtin::Duration) => {
                Value::Duration(rng.pick(&self.durations).copied().unwrap_or(1_000_000))
            }
            Sort::Enum(names) => names.get(rng.below(names.len())).map_or(Value::Unit, |name| Value::text(name)),
            Sort::Refined(of, _) | Sort::Secret(of) => self.value(rng, of),
            Sort::Option(of) => {
                if rng.chance(30) {
                    Value::Unit
                } else {
                    self.value(rng, of)
                }
            }
            _ => Value::text(rng.pick(&self.texts).map_or("a", String::as_str)),
        }
    }

    /// A time not before the latest: now, or at the edge of something that began at an earlier event.
    fn time(&self, rng: &mut Rng, times: &[i64]) -> i64 {
        let latest = times.last().copied().unwrap_or(0);
        if self.durations.is_empty() || rng.chance(55) {
            return latest.saturating_add(i64::from(rng.chance(20)));
        }
        let from = times.get(times.len().saturating_sub(rng.between(1, 4))).copied().unwrap_or(latest);
        let after = rng.pick(&self.durations).copied().unwrap_or(0);
        from.saturating_add(after).max(latest)
    }

    /// Some events, of every kind at least so many; `past` is what happened so far, with its times.
    #[must_use]
    pub fn events(&self, rng: &mut Rng, names: &Names, past: &[Seen], each: usize) -> Vec<Seen> {
        let times: Vec<i64> = std::iter::once(0).chain(past.iter().map(|seen| seen.now)).collect();
        let mut events = Vec::new();
        for &(from, to, label, like) in &self.kinds {
            let fields = names.payload(like).map(|payload| &*payload.fields).unwrap_or_default();
            let many = if fields.is_empty() { 1 } else { each };
            for _ in 0..many {
                let values = fields.iter().map(|field| match field.optional && rng.chance(30) {
                    true => None,
                    false => Some(self.value(rng, &field.sort)),
                });
                let values = values.collect();
                let now = self.time(rng, &times);
                events.push(Seen { from, to, label, like, values, sides: Sides::Both, now });
            }
        }
        // Attempts that fail.
        if rng.chance(40)
            && let Some(event) = rng.pick(&events)
        {
            events.push(Seen { sides: Sides::Attempt, ..event.clone() });
        }
        // Repetitions, with the same and with other content.
        for _ in 0..2 {
            let Some(again) = rng.pick(past) else { break };
            let mut again = Seen { now: self.time(rng, &times), ..again.clone() };
            events.push(again.clone());
            let fields = names.payload(again.like).map(|payload| &*payload.fields).unwrap_or_default();
            let at = rng.below(fields.len());
            if let (Some(field), Some(value)) = (fields.get(at), again.values.get_mut(at)) {
                *value = Some(self.value(rng, &field.sort));
                events.push(again);
            }
        }
        events
    }
}

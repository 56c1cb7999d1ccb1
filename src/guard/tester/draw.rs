//! Payloads drawn from signatures: plain values of the sorts, the edges of what conditions compare, and what the roles'
//! copies hold. Whether a payload is right is for others to say.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::{
    data::{self, Builtin, Code, Op, Payload, Redaction, Sort, Value},
    generate::Rng,
    id::SortId,
    protocol::Names,
};

/// What is drawn from.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    ints: Vec<i64>,
    texts: Vec<String>,
    redaction: Redaction,
}

impl Pool {
    /// The edges of all conditions of these signatures.
    pub(super) fn of(names: &Names, sorts: impl Iterator<Item = SortId>) -> Self {
        let mut ints = BTreeSet::from([0, 1, 2, 3, 10]);
        let mut texts = BTreeSet::from(["a".to_owned(), "b".to_owned(), String::new()]);
        let mut note = |code: &Code| {
            code.tree().visit(&mut |node| match &node.op {
                Op::Const(Value::Int(int)) => ints.extend([int.saturating_sub(1), *int, int.saturating_add(1)]),
                Op::Const(Value::Text(text)) => drop(texts.insert(text.to_string())),
                _ => {}
            });
        };
        for sort in sorts {
            if let Some(rule) = names.rule(sort) {
                rule.demands().for_each(&mut note);
            }
            for field in names.payload(sort).iter().flat_map(|payload| &payload.fields) {
                let mut at = &field.sort;
                while let Sort::Refined(of, _) | Sort::Secret(of) | Sort::Option(of) | Sort::List(of) | Sort::Set(of) =
                    at
                {
                    if let Sort::Refined(_, code) = at {
                        note(code);
                    }
                    at = of;
                }
            }
        }
        let (ints, texts) = (ints.into_iter().collect(), texts.into_iter().collect());
        Self { ints, texts, redaction: Redaction::new(b"") }
    }

    /// A payload of a signature, as JSON; `held` are values that a condition compares with, to be met more often.
    pub(super) fn payload(&self, rng: &mut Rng, payload: Option<&Payload>, held: &[Value]) -> String {
        let Some(payload) = payload else { return "null".to_owned() };
        let present = |rng: &mut Rng, optional: bool| !optional || rng.chance(70);
        if payload.fields.iter().all(|field| field.name.is_some()) {
            let mut object = serde_json::Map::new();
            for field in &payload.fields {
                if let (Some(name), true) = (&field.name, present(rng, field.optional)) {
                    object.insert(name.to_string(), self.value(rng, &field.sort, held, 0));
                }
            }
            return Json::Object(object).to_string();
        }
        let values: Vec<Json> = payload.fields.iter().map(|field| self.value(rng, &field.sort, held, 0)).collect();
        Json::Array(values).to_string()
    }

    fn value(&self, rng: &mut Rng, sort: &Sort, held: &[Value], depth: usize) -> Json {
        if !held.is_empty() && rng.chance(60) {
            let fitting: Vec<&Value> =
                held.iter().filter(|value| data::fits(sort, value, &data::Empty).is_ok()).collect();
            if let Some(value) = rng.pick(&fitting) {
                let text = data::write(value, None, &self.redaction, &|_| false);
                if let Ok(json) = serde_json::from_str(&text) {
                    return json;
                }
            }
        }
        let many = |rng: &mut Rng| if depth > 3 { 0 } else { rng.below(3) };
        match sort {
            Sort::Refined(of, _) => {
                // A few tries to meet the condition; what does not meet it is a near miss.
                for _ in 0..8 {
                    let drawn = self.value(rng, of, &[], depth);
                    let read = data::read(sort, drawn.to_string().as_bytes());
                    if read.is_ok() {
                        return drawn;
                    }
                }
                self.value(rng, of, &[], depth)
            }
            Sort::Secret(of) => self.value(rng, of, held, depth),
            Sort::Option(of) if rng.chance(70) => self.value(rng, of, held, depth),
            Sort::Option(_) | Sort::Builtin(Builtin::Unit) => Json::Null,
            Sort::Builtin(Builtin::Bool) => json!(rng.chance(50)),
            Sort::Builtin(Builtin::Int | Builtin::Decimal | Builtin::Float) => json!(rng.pick(&self.ints)),
            Sort::Builtin(Builtin::Uint | Builtin::Timestamp | Builtin::Duration) => {
                json!(rng.pick(&self.ints).map(|int| int.unsigned_abs()))
            }
            Sort::Builtin(Builtin::Bytes) => json!(rng.pick(&["", "AA==", "AAEC"])),
            Sort::Builtin(Builtin::Uuid) => json!(format!("00000000-0000-4000-8000-{:012x}", rng.below(4))),
            Sort::Builtin(Builtin::String | Builtin::Json) | Sort::Opaque(_) => json!(rng.pick(&self.texts)),
            Sort::Enum(names) => json!(rng.pick(names).map(|name| &**name)),
            Sort::List(of) => (0..many(rng)).map(|_| self.value(rng, of, held, depth.saturating_add(1))).collect(),
            Sort::Set(of) => {
                let mut all: Vec<Json> =
                    (0..many(rng)).map(|_| self.value(rng, of, held, depth.saturating_add(1))).collect();
                all.dedup();
                Json::Array(all)
            }
            Sort::Map(key, of) => {
                let key = self.value(rng, key, held, depth.saturating_add(1));
                let value = self.value(rng, of, held, depth.saturating_add(1));
                match (key, rng.chance(60)) {
                    (Json::String(key), true) => json!({ key: value }),
                    (key, true) => json!([[key, value]]),
                    _ => json!({}),
                }
            }
            Sort::Record(payload) if depth < 8 => {
                let mut object = serde_json::Map::new();
                for field in &payload.fields {
                    if let (Some(name), true) = (&field.name, !field.optional || rng.chance(50)) {
                        object.insert(name.to_string(), self.value(rng, &field.sort, held, depth.saturating_add(1)));
                    }
                }
                Json::Object(object)
            }
            Sort::Record(_) => json!({}),
        }
    }
}

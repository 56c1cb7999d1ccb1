//! A value taken as one of a sort: what `json` holds becomes what is declared, by the rules for JSON texts.

use std::{fmt, sync::Arc};

use super::{
    Builtin, Env, Payload, Sort, Value,
    collection::{List, MAX_DEPTH, Map, Oversize, Record, Set},
    meter::Meter,
    number::Exact,
    scalar,
    walk::{self, OfThis},
};

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way to it from the whole, such as `items[2].price`; empty for the whole itself.
    pub path: String,
    /// What is wrong there, in words, with the sort in backticks.
    pub what: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "the value {}", self.what)
        } else {
            write!(f, "field `{}` {}", self.path, self.what)
        }
    }
}

impl Misfit {
    pub(crate) fn here(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same misfit, seen from one step further out.
    #[must_use]
    pub(crate) fn below(self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{step}{dot}{}", self.path), what: self.what }
    }

    pub(super) fn oversize() -> Self {
        Self::here(format!("is too large, or nests more than {MAX_DEPTH} levels deep"))
    }
}

impl From<Oversize> for Misfit {
    fn from(_: Oversize) -> Self {
        Self::oversize()
    }
}

/// Whether a value is one of a sort, as it stands: what is assigned to a variable, for example.
///
/// A sort's condition that asks for the time or for the host is judged by the environment.
pub fn fits(sort: &Sort, value: &Value, env: &dyn Env) -> Result<(), Misfit> {
    match (sort, value) {
        // Nothing is looked at, so nothing is copied to be looked at.
        (Sort::Builtin(Builtin::Int | Builtin::Decimal), Value::Int(_))
        | (Sort::Builtin(Builtin::Bool), Value::Bool(_))
        | (Sort::Builtin(Builtin::String), Value::Text(_)) => Ok(()),
        _ => conform(value, sort, env, &mut Meter::full()).map(|_| ()),
    }
}

/// A value taken as one of a sort: strings of numbers, timestamps and so on become what they spell, as in JSON.
pub fn coerce(sort: &Sort, value: &Value, env: &dyn Env) -> Result<Value, Misfit> {
    conform(value, sort, env, &mut Meter::full())
}

/// Whether the condition of a sort admits a value.
pub(super) fn admit(value: &Value, condition: &super::Code, env: &dyn Env, meter: &mut Meter) -> Result<(), Misfit> {
    let env = OfThis { this: value, around: env };
    if condition.quickly(&env) == Some(true) {
        return Ok(());
    }
    match walk::eval_in(condition.tree(), &env, meter) {
        Ok(Value::Bool(true)) => Ok(()),
        Ok(_) => Err(Misfit::here(format!("does not satisfy `{condition}`"))),
        Err(fault) => Err(Misfit::here(format!("does not satisfy `{condition}`: {fault}"))),
    }
}

/// The value as one of the sort.
pub(super) fn conform(value: &Value, sort: &Sort, env: &dyn Env, meter: &mut Meter) -> Result<Value, Misfit> {
    meter.pay(1).map_err(|why| Misfit::here(format!("cannot be judged: {why}")))?;
    let is_not = || Misfit::here(format!("is {}, not `{sort}`", value.kind()));
    match (sort, value) {
        (Sort::Opaque(_), _) => Ok(value.clone()),
        (Sort::Builtin(builtin), _) => builtin_of(value, *builtin).ok_or_else(is_not),
        (Sort::Refined(of, condition), _) => {
            let value = conform(value, of, env, meter)?;
            admit(&value, condition, env, meter)?;
            Ok(value)
        }
        (Sort::Secret(of), _) => conform(value, of, env, meter),
        (Sort::Option(_), Value::Unit) => Ok(Value::Unit),
        (Sort::Option(of), _) => conform(value, of, env, meter),
        (Sort::Enum(names), Value::Text(text)) => {
            if names.iter().any(|name| name == text) {
                Ok(value.clone())
            } else {
                Err(is_not())
            }
        }
        (Sort::List(of), Value::List(list)) => {
            let mut result = List::default();
            for (at, item) in list.iter().enumerate() {
                result.push(conform(item, of, env, meter).map_err(|inner| inner.below(&format!("[{at}]")))?)?;
            }
            Ok(Value::List(Arc::new(result)))
        }
        (Sort::Set(of), Value::Set(_) | Value::List(_)) => {
            let mut result = Set::default();
            let mut add = |at: usize, item: &Value| {
                let item = conform(item, of, env, meter).map_err(|inner| inner.below(&format!("[{at}]")))?;
                if result.add(item)? {
                    return Ok(());
                }
                Err(Misfit::here(format!("is in `{sort}` already")).below(&format!("[{at}]")))
            };
            match value {
                Value::Set(set) => set.iter().enumerate().try_for_each(|(at, item)| add(at, item))?,
                Value::List(list) => list.iter().enumerate().try_for_each(|(at, item)| add(at, item))?,
                _ => {}
            }
            Ok(Value::Set(Arc::new(result)))
        }
        (Sort::Map(key, of), Value::Map(map)) => {
            let mut result = Map::default();
            for (name, item) in map.iter() {
                put(&mut result, name, item, (key, of), env, meter)?;
            }
            Ok(Value::Map(Arc::new(result)))
        }
        (Sort::Map(key, of), Value::Record(record)) => {
            let mut result = Map::default();
            for (name, item) in record.iter() {
                put(&mut result, &Value::Text(name.clone()), item, (key, of), env, meter)?;
            }
            Ok(Value::Map(Arc::new(result)))
        }
        (Sort::Map(key, of), Value::List(pairs)) => {
            let mut result = Map::default();
            for (at, pair) in pairs.iter().enumerate() {
                let parts = match pair {
                    Value::List(pair) if pair.len() == 2 => pair.get(0).zip(pair.get(1)),
                    _ => None,
                };
                let step = format!("[{at}]");
                let Some((name, item)) = parts else {
                    return Err(Misfit::here("is not a pair of a key and a value").below(&step));
                };
                put(&mut result, name, item, (key, of), env, meter).map_err(|inner| inner.below(&step))?;
            }
            Ok(Value::Map(Arc::new(result)))
        }
        (Sort::Record(payload), Value::Record(record)) => {
            let fields = record.iter().map(|(name, value)| Ok((name.clone(), value)));
            fields_of(payload, fields, env, meter)
        }
        (Sort::Record(payload), Value::Map(map)) => {
            let fields = map.iter().map(|(key, value)| match key {
                Value::Text(name) => Ok((name.clone(), value)),
                _ => Err(is_not()),
            });
            fields_of(payload, fields, env, meter)
        }
        _ => Err(is_not()),
    }
}

fn put(
    result: &mut Map,
    name: &Value,
    item: &Value,
    (key, of): (&Sort, &Sort),
    env: &dyn Env,
    meter: &mut Meter,
) -> Result<(), Misfit> {
    let step = step(name);
    let name =
        conform(name, key, env, meter).map_err(|_| Misfit::here(format!("is no key of sort `{key}`")).below(&step))?;
    let item = conform(item, of, env, meter).map_err(|inner| inner.below(&step))?;
    if result.put(name, item)? {
        Ok(())
    } else {
        Err(Misfit::here("has a key that is in the map already").below(&step))
    }
}

/// A key, as a step of a path.
pub(super) fn step(key: &Value) -> String {
    match scalar::text(key) {
        Some(text) if matches!(key, Value::Text(_)) => format!("[{text:?}]"),
        Some(text) => format!("[{text}]"),
        None => "[…]".to_owned(),
    }
}

fn fields_of<'v>(
    payload: &Payload,
    values: impl Iterator<Item = Result<(Arc<str>, &'v Value), Misfit>>,
    env: &dyn Env,
    meter: &mut Meter,
) -> Result<Value, Misfit> {
    let mut result: Vec<(Arc<str>, Value)> = Vec::new();
    for entry in values {
        let (name, value) = entry?;
        match payload.field(&name) {
            Some(field) => {
                let value = conform(value, &field.sort, env, meter).map_err(|inner| inner.below(&name))?;
                result.push((name, value));
            }
            None if payload.open => result.push((name, value.clone())),
            None => return Err(Misfit::here("is not declared").below(&name)),
        }
    }
    for field in payload.fields.iter().filter(|field| !field.optional) {
        let Some(name) = &field.name else { continue };
        if !result.iter().any(|(known, _)| known == name) {
            return Err(Misfit::here("is missing").below(name));
        }
    }
    Ok(Value::Record(Arc::new(Record::of(result).map_err(|_| Misfit::oversize())?)))
}

/// A value as one of a built-in sort, if it is one.
pub(super) fn builtin_of(value: &Value, builtin: Builtin) -> Option<Value> {
    let same = |fits: bool| fits.then(|| value.clone());
    match (builtin, value) {
        (Builtin::Json, _) => Some(value.clone()),
        (Builtin::Unit, Value::Record(record)) => record.is_empty().then_some(Value::Unit),
        (Builtin::Unit, _) => same(matches!(value, Value::Unit)),
        (Builtin::Bool, _) => same(matches!(value, Value::Bool(_))),
        (Builtin::Int | Builtin::Uint | Builtin::Decimal, Value::Text(text)) => {
            scalar::number(text).ok().filter(|number| number_fits(number, builtin))
        }
        (Builtin::Int | Builtin::Uint | Builtin::Decimal, _) => same(number_fits(value, builtin)),
        (Builtin::Float, Value::Float(_)) => Some(value.clone()),
        (Builtin::Float, _) => {
            let exact: Exact = value.exact()?;
            exact.float().map(|float| Value::Float(if float == 0.0 { 0.0 } else { float }))
        }
        (Builtin::String, _) => same(matches!(value, Value::Text(_))),
        (Builtin::Bytes, Value::Text(text)) => scalar::bytes(text),
        (Builtin::Bytes, _) => same(matches!(value, Value::Bytes(_))),
        (Builtin::Uuid, Value::Text(text)) => scalar::uuid(text),
        (Builtin::Uuid, _) => same(matches!(value, Value::Uuid(_))),
        (Builtin::Timestamp, Value::Text(text)) => scalar::timestamp(text).map(Value::Timestamp),
        (Builtin::Timestamp, Value::Timestamp(_)) => Some(value.clone()),
        (Builtin::Timestamp, _) => scalar::millis(value).map(Value::Timestamp),
        (Builtin::Duration, Value::Text(text)) => scalar::duration(text).map(|(micros, _)| Value::Duration(micros)),
        (Builtin::Duration, Value::Duration(_)) => Some(value.clone()),
        (Builtin::Duration, _) => scalar::millis(value).map(Value::Duration),
    }
}

fn number_fits(value: &Value, builtin: Builtin) -> bool {
    match builtin {
        Builtin::Decimal => value.is_number(),
        Builtin::Int => value.is_integer(),
        _ => match value {
            Value::Int(int) => *int >= 0,
            Value::Exact(exact) => exact.is_integer() && !exact.is_negative(),
            _ => false,
        },
    }
}

//! Whether a payload fits the sorts that its message declares (LANGUAGE, "Sorts in JSON").
//!
//! Comes in: the text of valid JSON without flaws, or nothing; a payload signature. Goes out: nothing, or the
//! [`Misfit`] of the first field that does not fit. Values are looked at where they stand; nothing is built but what a
//! set needs to find repeats.
//!
//! A bare label says nothing about the payload, and `(...)` allows anything: such a [`Shape`] is free. `()` is fitted
//! by no payload, `null`, `{}` and `[]`. Recursion is as deep as the sort, never as deep as the value.

mod scalar;

use std::{borrow::Cow, collections::HashSet, fmt};

use super::json::{kind, members, scalar_text};
use crate::protocol::{Builtin, Field, Payload, Sort};

/// What a payload must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// Nothing, or something empty.
    Empty,
    /// An object with these fields.
    Named(Payload),
    /// An array of these, or the one value.
    Listed(Payload),
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way to it from the payload, such as `items[2].price`; empty for the payload itself.
    pub path: String,
    /// What is wrong there, in words, with the sort in backticks.
    pub what: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "the payload {}", self.what)
        } else {
            write!(f, "field `{}` {}", self.path, self.what)
        }
    }
}

/// Fields that come from elsewhere in the line and stand beside those of the payload.
pub(crate) type Injected<'a> = [(&'a str, &'a str)];

impl Shape {
    pub(crate) fn of(payload: Option<&Payload>) -> Self {
        match payload {
            None => Self::Any,
            Some(payload) if payload.fields.is_empty() && payload.open => Self::Any,
            Some(payload) if payload.fields.is_empty() => Self::Empty,
            Some(payload) if payload.fields.iter().all(|field| field.name.is_some()) => Self::Named(payload.clone()),
            Some(payload) => Self::Listed(payload.clone()),
        }
    }

    /// Whether a payload (empty text if there is none) fits.
    pub(crate) fn fit(&self, payload: &str, injected: &Injected<'_>) -> Result<(), Misfit> {
        match self {
            Self::Any => Ok(()),
            Self::Empty if payload.is_empty() || payload == "null" => Ok(()),
            Self::Empty if payload.starts_with(['{', '[']) && members(payload).next().is_none() => Ok(()),
            Self::Empty => misfit(format!("is {}, but the message has none", kind(payload))),
            Self::Named(fields) if payload.is_empty() => record(fields, "{}", injected),
            Self::Named(fields) => record(fields, payload, injected),
            Self::Listed(fields) => listed(fields, payload),
        }
    }

    /// As [`Shape::fit`], but an array may stand for an object: its elements are the fields in order. So are written
    /// the payloads of traces in specifications.
    pub(crate) fn fit_written(&self, payload: &str) -> Result<(), Misfit> {
        match self {
            Self::Named(fields) if payload.starts_with('[') => {
                // One field may be an array itself, and then may be meant by it.
                in_order(fields, payload)
            }
            _ => self.fit(payload, &[]),
        }
    }
}

fn misfit<T>(what: String) -> Result<T, Misfit> {
    Err(Misfit { path: String::new(), what })
}

/// The same misfit, seen from one step further out.
fn below(step: &str, inner: Misfit) -> Misfit {
    let dot = if inner.path.is_empty() || inner.path.starts_with('[') { "" } else { "." };
    Misfit { path: format!("{step}{dot}{}", inner.path), what: inner.what }
}

fn is_not(value: &str, sort: &dyn fmt::Display) -> Misfit {
    Misfit { path: String::new(), what: format!("is {}, not `{sort}`", shown(value)) }
}

/// A scalar as it stands if it is short, else what it is.
fn shown(value: &str) -> Cow<'_, str> {
    match value.as_bytes().first() {
        Some(b'{' | b'[' | b'n') => Cow::Borrowed(kind(value)),
        _ if value.len() <= 40 => Cow::Owned(format!("`{value}`")),
        _ => Cow::Borrowed(kind(value)),
    }
}

fn record(fields: &Payload, value: &str, injected: &Injected<'_>) -> Result<(), Misfit> {
    if !value.starts_with('{') {
        return misfit(format!("is {}, not an object with the declared fields", kind(value)));
    }
    let mut seen = vec![false; fields.fields.len()];
    let mut fit = |name: &str, value: &str, from_line: bool| {
        let found = fields.fields.iter().zip(&mut seen).find(|(field, _)| field.name.as_deref() == Some(name));
        match found {
            // What the map injects hides a field of the payload.
            Some((_, seen)) if *seen && !from_line => Ok(()),
            Some((field, seen)) => {
                *seen = true;
                sort(&field.sort, value).map_err(|inner| below(name, inner))
            }
            None if fields.open || from_line => Ok(()),
            None => Err(Misfit { path: name.to_owned(), what: "is not declared".to_owned() }),
        }
    };
    for &(name, value) in injected {
        fit(name, value, true)?;
    }
    for (name, value) in members(value) {
        fit(&name, value, false)?;
    }
    match fields.fields.iter().zip(&seen).find(|&(field, &seen)| !seen && !field.optional) {
        Some((Field { name: Some(name), .. }, _)) => {
            Err(Misfit { path: name.to_string(), what: "is missing".to_owned() })
        }
        _ => Ok(()),
    }
}

fn in_order(fields: &Payload, value: &str) -> Result<(), Misfit> {
    let mut values = members(value);
    for (at, field) in fields.fields.iter().enumerate() {
        let step = || field.name.as_deref().map_or_else(|| format!("[{at}]"), str::to_owned);
        match values.next() {
            Some((_, value)) => sort(&field.sort, value).map_err(|inner| below(&step(), inner))?,
            None if field.optional => {}
            None => return Err(Misfit { path: step(), what: "is missing".to_owned() }),
        }
    }
    if !fields.open && values.next().is_some() {
        return misfit(format!("has more than the declared {} values", fields.fields.len()));
    }
    Ok(())
}

fn listed(fields: &Payload, payload: &str) -> Result<(), Misfit> {
    let value = if payload.is_empty() { "null" } else { payload };
    // One unnamed sort is the bare value; if that is an array, it may also be the one element.
    if let [only] = &*fields.fields {
        let bare = sort(&only.sort, value);
        return match bare {
            Err(_) if value.starts_with('[') => in_order(fields, value),
            bare => bare,
        };
    }
    if !value.starts_with('[') {
        return misfit(format!("is {}, not an array of the declared values", kind(value)));
    }
    in_order(fields, value)
}

fn sort(wanted: &Sort, value: &str) -> Result<(), Misfit> {
    let test = |fits: bool| if fits { Ok(()) } else { Err(is_not(value, wanted)) };
    match wanted {
        Sort::Builtin(builtin) => test(builtin_fits(*builtin, value)),
        Sort::Opaque(_) => Ok(()),
        Sort::Option(_) if value == "null" => Ok(()),
        Sort::Option(of) => sort(of, value),
        Sort::Secret(of) => sort(of, value).map_err(|inner| Misfit {
            // The value itself, or a part of it, must not be shown.
            what: format!("is {}, which does not fit `{wanted}`", kind(value)),
            path: inner.path,
        }),
        Sort::Refined(..) => crate::data::read(wanted, value.as_bytes())
            .map(|_| ())
            .map_err(|inner| Misfit { path: inner.path, what: inner.what }),
        Sort::List(of) => {
            test(value.starts_with('['))?;
            elements(of, value)
        }
        Sort::Set(of) => {
            test(value.starts_with('['))?;
            elements(of, value)?;
            let mut seen = HashSet::new();
            for (at, (_, element)) in members(value).enumerate() {
                if !seen.insert(scalar::canonical(of, element)) {
                    return Err(Misfit { path: format!("[{at}]"), what: format!("is in `{wanted}` already") });
                }
            }
            Ok(())
        }
        Sort::Map(key, of) => map(key, of, wanted, value),
        Sort::Record(fields) => {
            test(value.starts_with('{'))?;
            record(fields, value, &[])
        }
        Sort::Enum(names) => {
            let text = value.starts_with('"').then(|| scalar_text(value)).flatten();
            test(text.is_some_and(|text| names.iter().any(|name| **name == *text)))
        }
    }
}

fn elements(of: &Sort, value: &str) -> Result<(), Misfit> {
    for (at, (_, element)) in members(value).enumerate() {
        sort(of, element).map_err(|inner| below(&format!("[{at}]"), inner))?;
    }
    Ok(())
}

/// An object, or an array of pairs.
fn map(key: &Sort, of: &Sort, wanted: &Sort, value: &str) -> Result<(), Misfit> {
    match value.as_bytes().first() {
        Some(b'{') => {
            for (name, value) in members(value) {
                let text = serde_json::Value::String(name.clone().into_owned()).to_string();
                let step = format!("[{text}]");
                sort(key, &text)
                    .map_err(|_| Misfit { path: step.clone(), what: format!("is no key of `{wanted}`") })?;
                sort(of, value).map_err(|inner| below(&step, inner))?;
            }
            Ok(())
        }
        Some(b'[') => {
            let mut seen = HashSet::new();
            for (at, (_, pair)) in members(value).enumerate() {
                let step = format!("[{at}]");
                let mut parts = members(pair);
                let (Some((_, name)), Some((_, value)), None) = (parts.next(), parts.next(), parts.next()) else {
                    return Err(Misfit { path: step, what: "is not a pair of a key and a value".to_owned() });
                };
                sort(key, name).map_err(|inner| below(&step, below("[0]", inner)))?;
                sort(of, value).map_err(|inner| below(&step, below("[1]", inner)))?;
                if !seen.insert(scalar::canonical(key, name)) {
                    return Err(Misfit { path: step, what: format!("has a key that is in `{wanted}` already") });
                }
            }
            Ok(())
        }
        _ => Err(is_not(value, wanted)),
    }
}

fn builtin_fits(builtin: Builtin, value: &str) -> bool {
    let first = value.as_bytes().first().copied().unwrap_or(b' ');
    let number = matches!(first, b'-' | b'0'..=b'9');
    let text = if first == b'"' { scalar_text(value) } else { None };
    // A number, or a string that is written like one.
    let numeral = || if number { Some(Cow::Borrowed(value)) } else { text.clone() };
    match builtin {
        Builtin::Unit => value == "null" || first == b'{' && members(value).next().is_none(),
        Builtin::Bool => matches!(first, b't' | b'f'),
        Builtin::Int => numeral().is_some_and(|text| scalar::Decimal::of(&text).is_some_and(|n| n.is_integer())),
        Builtin::Uint => {
            numeral().is_some_and(|text| scalar::Decimal::of(&text).is_some_and(|n| n.is_integer() && !n.is_negative()))
        }
        Builtin::Decimal => numeral().is_some_and(|text| scalar::Decimal::of(&text).is_some()),
        Builtin::Float => number,
        Builtin::String => first == b'"',
        Builtin::Bytes => text.is_some_and(|text| scalar::is_base64(&text)),
        Builtin::Uuid => text.is_some_and(|text| scalar::is_uuid(&text)),
        Builtin::Timestamp => number || text.is_some_and(|text| scalar::is_rfc3339(&text)),
        Builtin::Duration => number || text.is_some_and(|text| scalar::is_duration(&text)),
        Builtin::Json => true,
    }
}

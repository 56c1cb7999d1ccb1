//! The values of a payload that a rule reads; all the rest is only looked at.
//!
//! Comes in: a payload signature, which of its fields are needed, the text of valid JSON without flaws, and what the map
//! takes from elsewhere in the line. Goes out: a value per needed field that is there, or the [`Misfit`] of the first
//! field that does not fit. The rules are those of [`super::super::payload`].

use crate::{
    data::{self, Value},
    protocol::{Payload, Sort},
    trace::{
        json::{kind, members},
        payload::{Injected, Misfit, Shape, below, is_missing, is_not_declared, looks_like},
    },
};

/// A payload signature as it is read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) shape: Shape,
    /// By field: its value is asked for by some rule.
    pub(super) needed: Vec<bool>,
}

/// The values of the fields, by index.
pub(super) type Values = Vec<Option<Value>>;

impl Reading {
    pub(super) fn of(payload: Option<&Payload>) -> Self {
        let fields = payload.map_or(0, |payload| payload.fields.len());
        Self { shape: Shape::of(payload), needed: vec![false; fields] }
    }

    /// The values in a payload (empty text if there is none). `written`: an array may stand for an object, as in the
    /// traces of specifications.
    pub(super) fn read(&self, payload: &str, injected: &Injected<'_>, written: bool) -> Result<Values, Misfit> {
        let mut values: Values = vec![None; self.needed.len()];
        match &self.shape {
            Shape::Named(fields) if written && payload.starts_with('[') => {
                self.in_order(fields, payload, &mut values)?
            }
            Shape::Named(fields) => {
                self.named(fields, if payload.is_empty() { "{}" } else { payload }, injected, &mut values)?;
            }
            Shape::Listed(fields) => self.listed(fields, payload, &mut values)?,
            shape => shape.fit(payload, injected)?,
        }
        Ok(values)
    }

    fn value(&self, at: usize, sort: &Sort, text: &str) -> Result<Option<Value>, Misfit> {
        if !self.needed.get(at).copied().unwrap_or(true) {
            return looks_like(sort, text).map(|()| None);
        }
        match data::read(sort, text.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(misfit) => Err(Misfit { path: misfit.path, what: misfit.what }),
        }
    }

    fn named(&self, fields: &Payload, value: &str, injected: &Injected<'_>, values: &mut Values) -> Result<(), Misfit> {
        if !value.starts_with('{') {
            let what = format!("is {}, not an object with the declared fields", kind(value));
            return Err(Misfit { path: String::new(), what });
        }
        let mut seen = vec![false; fields.fields.len()];
        let mut put = |name: &str, text: &str, from_line: bool| {
            let found = fields.fields.iter().position(|field| field.name.as_deref() == Some(name));
            let place = found.and_then(|at| Some((at, fields.fields.get(at)?, seen.get_mut(at)?, values.get_mut(at)?)));
            match place {
                // What the map takes from elsewhere hides a field of the payload.
                Some((_, _, seen, _)) if *seen && !from_line => Ok(()),
                Some((at, field, seen, value)) => {
                    *seen = true;
                    *value = self.value(at, &field.sort, text).map_err(|inner| below(name, inner))?;
                    Ok(())
                }
                None if fields.open || from_line => Ok(()),
                None => Err(is_not_declared(name)),
            }
        };
        for (name, text) in injected {
            put(name, text, true)?;
        }
        for (name, text) in members(value) {
            put(&name, text, false)?;
        }
        match fields.fields.iter().zip(&seen).find(|&(field, &seen)| !seen && !field.optional) {
            Some((field, _)) => Err(is_missing(field.name.as_deref().unwrap_or_default())),
            None => Ok(()),
        }
    }

    fn in_order(&self, fields: &Payload, value: &str, values: &mut Values) -> Result<(), Misfit> {
        let mut elements = members(value);
        for (at, (field, place)) in fields.fields.iter().zip(values).enumerate() {
            let step = || field.name.as_deref().map_or_else(|| format!("[{at}]"), str::to_owned);
            match elements.next() {
                Some((_, text)) => {
                    *place = self.value(at, &field.sort, text).map_err(|inner| below(&step(), inner))?;
                }
                None if field.optional => {}
                None => return Err(is_missing(&step())),
            }
        }
        if !fields.open && elements.next().is_some() {
            let what = format!("has more than the declared {} values", fields.fields.len());
            return Err(Misfit { path: String::new(), what });
        }
        Ok(())
    }

    fn listed(&self, fields: &Payload, payload: &str, values: &mut Values) -> Result<(), Misfit> {
        let value = if payload.is_empty() { "null" } else { payload };
        // One unnamed sort is the bare value; if that is an array, it may also be the one element.
        if let ([only], [place]) = (&*fields.fields, &mut **values) {
            match self.value(0, &only.sort, value) {
                Ok(found) => {
                    *place = found;
                    return Ok(());
                }
                Err(bare) if !value.starts_with('[') => return Err(bare),
                Err(_) => {}
            }
            return self.in_order(fields, value, values);
        }
        if !value.starts_with('[') {
            let what = format!("is {}, not an array of the declared values", kind(value));
            return Err(Misfit { path: String::new(), what });
        }
        self.in_order(fields, value, values)
    }
}

//! Payloads: from the JSON of a message to the values of its fields, in one pass.
//!
//! Comes in: a payload signature, and which of its fields some rule reads; then, message by message, JSON text. Goes out:
//! the values of those fields, or the [`Misfit`] of the first part that does not fit. All of the payload is judged, only
//! what is read is built.
//!
//! A bare label says nothing about the payload, and `(...)` allows anything. `()` is fitted by no payload, `null`, `{}`
//! and `[]`. Named fields make an object; unnamed ones an array, or the bare value if there is just one.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{
    Env, Field, Misfit, Payload, Sort, Value,
    json::kind,
    read::{Build, valid},
    words::Words,
};

/// How the payloads of one signature are read.
#[derive(Clone, Debug)]
pub struct Extract {
    form: Form,
    fields: Box<[Wanted]>,
    open: bool,
    /// The payload as a sort, for messages.
    sort: Sort,
    /// By places in objects, the field that was there last: most often it is there again.
    order: Box<[Hint]>,
    /// Texts of payloads that were read before.
    words: Words,
}

/// Which field stood at a place the last time: where to look first, whoever looked.
#[derive(Debug, Default)]
struct Hint(AtomicU32);

impl Hint {
    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, field: u32) {
        self.0.store(field, Ordering::Relaxed);
    }
}

impl Clone for Hint {
    fn clone(&self) -> Self {
        Self(AtomicU32::new(self.get()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Anything.
    Any,
    /// Nothing, or something empty.
    Empty,
    /// An object.
    Named,
    /// An array, or the one value.
    Listed,
}

#[derive(Clone, Debug)]
struct Wanted {
    field: Field,
    /// Its value is read.
    read: bool,
}

/// Fields that come from elsewhere and stand beside those of the payload, which they hide: names and JSON texts.
pub type Beside<'a> = [(&'a str, &'a str)];

impl Extract {
    /// For a signature (`None` is that of a bare label), and which of its fields are read, by their places.
    #[must_use]
    pub fn new(payload: Option<&Payload>, read: impl Fn(usize) -> bool) -> Self {
        let fields: &[Field] = payload.map_or(&[], |payload| &payload.fields);
        let form = match payload {
            None => Form::Any,
            Some(payload) if fields.is_empty() && payload.open => Form::Any,
            Some(_) if fields.is_empty() => Form::Empty,
            Some(_) if fields.iter().all(|field| field.name.is_some()) => Form::Named,
            Some(_) => Form::Listed,
        };
        let wanted = |(at, field): (usize, &Field)| Wanted { field: field.clone(), read: read(at) };
        Self {
            form,
            fields: fields.iter().enumerate().map(wanted).collect(),
            open: payload.is_none_or(|payload| payload.open),
            sort: Sort::Record(payload.cloned().unwrap_or_default()),
            order: (0..fields.len().saturating_add(8)).map(|_| Hint::default()).collect(),
            words: Words::default(),
        }
    }

    /// Whether any payload at all fits.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.form == Form::Any
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Reads a payload of any bytes; none at all is no payload.
    pub fn read(&self, json: &[u8], env: &dyn Env, values: &mut Vec<Option<Value>>) -> Result<(), Misfit> {
        let text = std::str::from_utf8(json).map_err(|_| Misfit::here("is not UTF-8"))?;
        if !text.is_empty() {
            valid(text)?;
        }
        self.read_valid(text, &[], false, env, values)
    }

    /// Reads a payload that is known to be valid JSON without a flaw, or nothing. `written`: an array may stand for an
    /// object, its elements being the fields in order, as in the traces of specifications.
    ///
    /// Afterwards `values` has one entry for each field: what it holds if it is read and there.
    pub fn read_valid(
        &self,
        text: &str,
        beside: &Beside<'_>,
        written: bool,
        env: &dyn Env,
        values: &mut Vec<Option<Value>>,
    ) -> Result<(), Misfit> {
        values.clear();
        values.resize(self.fields.len(), None);
        let mut build = Build::new(text, env, Some(&self.words));
        match self.form {
            Form::Any => Ok(()),
            Form::Empty => {
                let (first, start) = build.next();
                let inner = || text.get(start.saturating_add(1)..).unwrap_or("").trim_start();
                let empty = match first {
                    None => true,
                    Some(b'n') => true,
                    Some(b'{') => inner().starts_with('}'),
                    Some(b'[') => inner().starts_with(']'),
                    Some(_) => false,
                };
                let what = || format!("is {}, but the message has none", kind(text.trim_start()));
                if empty { Ok(()) } else { Err(Misfit::here(what())) }
            }
            Form::Named if written && build.next().0 == Some(b'[') => self.in_order(&mut build, values),
            Form::Named => self.named(&mut build, beside, env, values),
            Form::Listed => self.listed(&mut build, values),
        }
    }

    fn named(
        &self,
        build: &mut Build<'_>,
        beside: &Beside<'_>,
        env: &dyn Env,
        values: &mut [Option<Value>],
    ) -> Result<(), Misfit> {
        let mut seen = Seen::new(self.fields.len());
        for &(name, text) in beside {
            if let Some((at, wanted)) = self.find(name, 0) {
                let mut build = Build::new(text, env, Some(&self.words));
                wanted.value(&mut build, at, values).map_err(|inner| inner.below(name))?;
                seen.see(at);
            }
        }
        let (first, start) = build.next();
        match first {
            None => {}
            Some(b'{') => {
                let mut place = 0_usize;
                build.object(&self.sort, |build, name: Cow<'_, str>| {
                    let hint = self.order.get(place).map_or(0, Hint::get);
                    let found = self.find(&name, hint as usize);
                    if let (Some((at, _)), Some(order)) = (found, self.order.get(place))
                        && let Ok(at) = u32::try_from(at)
                        && at != hint
                    {
                        order.set(at);
                    }
                    place = place.saturating_add(1);
                    match found {
                        // What comes from elsewhere hides a field of the payload.
                        Some((at, _)) if seen.has(at) => {
                            build.skip()?;
                        }
                        Some((at, wanted)) => {
                            wanted.value(build, at, values).map_err(|inner| inner.below(&name))?;
                            seen.see(at);
                        }
                        None if self.open || beside.iter().any(|(known, _)| *known == name) => {
                            build.skip()?;
                        }
                        None => return Err(Misfit::here("is not declared").below(&name)),
                    }
                    Ok(())
                })?;
            }
            Some(_) => {
                build.seek(start);
                let what = kind(build.skip()?);
                return Err(Misfit::here(format!("is {what}, not an object with the declared fields")));
            }
        }
        let missing = self.fields.iter().enumerate().find(|(at, wanted)| !wanted.field.optional && !seen.has(*at));
        match missing.and_then(|(_, wanted)| wanted.field.name.as_deref()) {
            Some(name) => Err(Misfit::here("is missing").below(name)),
            None => Ok(()),
        }
    }

    /// The field with a name; most often it is the one that is guessed.
    fn find(&self, name: &str, next: usize) -> Option<(usize, &Wanted)> {
        let is = |wanted: &Wanted| wanted.field.name.as_deref() == Some(name);
        if let Some(wanted) = self.fields.get(next).filter(|wanted| is(wanted)) {
            return Some((next, wanted));
        }
        self.fields.iter().enumerate().find(|(_, wanted)| is(wanted))
    }

    fn in_order(&self, build: &mut Build<'_>, values: &mut [Option<Value>]) -> Result<(), Misfit> {
        let mut count = 0;
        let step =
            |at: usize, wanted: &Wanted| wanted.field.name.as_deref().map_or_else(|| format!("[{at}]"), str::to_owned);
        build.array(&self.sort, |build, at| {
            count = at.saturating_add(1);
            match self.fields.get(at) {
                Some(wanted) => wanted.value(build, at, values).map_err(|inner| inner.below(&step(at, wanted))),
                None if self.open => build.skip().map(|_| ()),
                None => Err(Misfit::here(format!("has more than the declared {} values", self.fields.len()))),
            }
        })?;
        let missing = self.fields.iter().enumerate().skip(count).find(|(_, wanted)| !wanted.field.optional);
        match missing {
            Some((at, wanted)) => Err(Misfit::here("is missing").below(&step(at, wanted))),
            None => Ok(()),
        }
    }

    fn listed(&self, build: &mut Build<'_>, values: &mut [Option<Value>]) -> Result<(), Misfit> {
        let (first, start) = build.next();
        // One unnamed sort is the bare value; if that is an array, it may also be the one element.
        if let [only] = &*self.fields {
            if first.is_none() {
                // No payload is as good as `null`.
                let mut null = Build::new("null", &super::Empty, None);
                return only.value(&mut null, 0, values);
            }
            let bare = only.value(build, 0, values);
            return match bare {
                Err(_) if first == Some(b'[') => {
                    build.seek(start);
                    self.in_order(build, values)
                }
                bare => bare,
            };
        }
        if first != Some(b'[') {
            let what = if first.is_none() { "null" } else { kind(build.skip()?) };
            return Err(Misfit::here(format!("is {what}, not an array of the declared values")));
        }
        self.in_order(build, values)
    }
}

impl Wanted {
    /// Judges the value that stands here, and keeps it if it is read.
    fn value(&self, build: &mut Build<'_>, at: usize, values: &mut [Option<Value>]) -> Result<(), Misfit> {
        build.keep = self.read;
        let value = build.sort(&self.field.sort)?;
        if let (true, Some(place)) = (self.read, values.get_mut(at)) {
            *place = Some(value);
        }
        Ok(())
    }
}

/// Fields that were there: a word for most payloads.
struct Seen {
    first: u64,
    more: Vec<bool>,
}

impl Seen {
    fn new(fields: usize) -> Self {
        Self { first: 0, more: vec![false; fields.saturating_sub(64)] }
    }

    fn has(&self, at: usize) -> bool {
        match at.checked_sub(64) {
            None => self.first & 1 << at != 0,
            Some(at) => self.more.get(at).copied().unwrap_or(false),
        }
    }

    fn see(&mut self, at: usize) {
        match at.checked_sub(64) {
            None => self.first |= 1 << at,
            Some(at) => {
                if let Some(seen) = self.more.get_mut(at) {
                    *seen = true;
                }
            }
        }
    }
}

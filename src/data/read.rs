//! JSON texts to values of sorts (LANGUAGE, "Sorts in JSON").
//!
//! Comes in: a sort and a JSON text. Goes out: the value, or the [`Misfit`] of the first part that does not fit. Numbers are
//! read exactly from their digits; a text that is no JSON, has a key twice in an object, half of a surrogate pair or
//! bytes that are no UTF-8 fits nothing. What is not declared in an open record is kept as `json`.
//!
//! Recursion is as deep as the sort, and in `json` as deep as the value, which is limited.

use std::{borrow::Cow, sync::Arc};

use super::{
    Builtin, Env, Misfit, Payload, Slot, Sort, Value,
    collection::{Fields, List, MAX_DEPTH, Map, Record, Set},
    conform::{self, builtin_of},
    json::{Flaw, Malformed, Reader, Scratch, kind},
    late::{self, Measured},
    meter::Meter,
    number::NotNumber,
    scalar,
    words::Words,
};

/// No slot holds anything, and there is no time and no host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl Env for Empty {
    fn slot(&self, _slot: Slot) -> Option<&Value> {
        None
    }
}

/// The value of a sort that a JSON text is.
pub fn read(sort: &Sort, json: &[u8]) -> Result<Value, Misfit> {
    let text = std::str::from_utf8(json).map_err(|_| Misfit::here("is not UTF-8"))?;
    valid(text)?;
    let mut build = Build::new(text, &Empty, None);
    build.sort(sort)
}

/// Whether a text is JSON that means one thing.
pub(super) fn valid(text: &str) -> Result<(), Misfit> {
    let mut reader = Reader::new(text);
    let malformed = |Malformed { at, what }| Misfit::here(format!("is not JSON: byte {at} should be {what}"));
    reader.value(&mut Scratch::default()).map_err(malformed)?;
    if !reader.done() {
        return Err(malformed(reader.fail("the end")));
    }
    match reader.take_flaw() {
        None => Ok(()),
        Some(Flaw::DuplicateKey(key)) => Err(Misfit::here(format!("has the key `{key}` twice in one object"))),
        Some(Flaw::Surrogate) => Err(Misfit::here("has half of a surrogate pair")),
        Some(Flaw::Utf8) => Err(Misfit::here("is not UTF-8")),
    }
}

/// Builds values from a text that is known to be valid JSON.
pub(super) struct Build<'a> {
    reader: Reader<'a>,
    text: &'a str,
    meter: Meter,
    env: &'a dyn Env,
    words: Option<&'a Words>,
    /// How deep the value nests that is being built as `json`.
    depth: u16,
    /// Objects are built at once.
    soon: bool,
    /// Values are wanted; else they are judged only, and what is returned means nothing.
    pub(super) keep: bool,
}

fn not_json(_: Malformed) -> Misfit {
    Misfit::here("is not JSON")
}

impl<'a> Build<'a> {
    pub(super) fn new(text: &'a str, env: &'a dyn Env, words: Option<&'a Words>) -> Self {
        let meter = Meter::full();
        Self { reader: Reader::new(text), text, meter, env, words, depth: 0, soon: false, keep: true }
    }

    /// A text, shared with an equal one that was built before, if that is still known.
    fn word(&self, text: &str) -> Arc<str> {
        self.words.map_or_else(|| text.into(), |words| words.get(text))
    }

    /// With values, which are needed to judge.
    fn kept<R>(&mut self, build: impl FnOnce(&mut Self) -> R) -> R {
        let keep = std::mem::replace(&mut self.keep, true);
        let result = build(self);
        self.keep = keep;
        result
    }

    /// The next byte that is no white space, and where it is.
    pub(super) fn next(&mut self) -> (Option<u8>, usize) {
        self.reader.ws();
        (self.reader.peek(), self.reader.at())
    }

    /// Back, or on, to a byte.
    pub(super) fn seek(&mut self, at: usize) {
        self.reader.seek(at);
    }

    /// Into the object that stands here; false if it is empty.
    pub(super) fn enter(&mut self) -> bool {
        self.reader.ws();
        self.reader.take(b'{');
        self.reader.ws();
        !self.reader.take(b'}')
    }

    /// On to the next member of an object; false if there is none.
    #[inline]
    pub(super) fn comma(&mut self) -> Result<bool, Misfit> {
        self.reader.ws();
        if self.reader.take(b',') {
            self.reader.ws();
            return Ok(true);
        }
        if self.reader.take(b'}') { Ok(false) } else { Err(Misfit::here("is not JSON")) }
    }

    /// The name of a member, up to its value.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Misfit> {
        let name = self.reader.string().map_err(not_json)?.decode();
        self.reader.ws();
        self.reader.take(b':');
        self.reader.ws();
        Ok(name)
    }

    /// The text from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.reader.at()..).unwrap_or_default()
    }

    /// The text from a byte up to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.reader.at()).unwrap_or("")
    }

    /// Where it is.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.reader.at()
    }

    /// How much may still be done.
    #[inline]
    pub(super) fn left(&self) -> u64 {
        self.meter.left()
    }

    /// Pays for what was done before.
    #[inline]
    pub(super) fn pay(&mut self, cost: u64) -> Result<(), Misfit> {
        let cost = usize::try_from(cost).unwrap_or(usize::MAX);
        self.meter.pay(cost).map_err(|why| Misfit::here(format!("cannot be judged: {why}")))
    }

    /// The value that stands here.
    pub(super) fn sort(&mut self, sort: &Sort) -> Result<Value, Misfit> {
        self.meter.pay(1).map_err(|why| Misfit::here(format!("cannot be judged: {why}")))?;
        self.reader.ws();
        let first = self.reader.peek().unwrap_or(b' ');
        match sort {
            Sort::Builtin(Builtin::Json) | Sort::Opaque(_) => self.any(),
            Sort::Builtin(builtin) => self.builtin(*builtin),
            Sort::Option(_) if first == b'n' => {
                self.skip()?;
                Ok(Value::Unit)
            }
            Sort::Option(of) => self.sort(of),
            Sort::Secret(of) => {
                let start = self.reader.at();
                self.sort(of).map_err(|inner| {
                    // The value itself, or a part of it, must not be shown.
                    let text = self.text.get(start..).unwrap_or("");
                    Misfit { what: format!("is {}, which does not fit `{sort}`", kind(text)), path: inner.path }
                })
            }
            Sort::Refined(of, condition) => {
                let value = self.kept(|build| build.sort(of))?;
                conform::admit(&value, condition, self.env, &mut self.meter)?;
                Ok(value)
            }
            Sort::Enum(names) => {
                let start = self.reader.at();
                if first != b'"' {
                    return Err(self.is_not(start, sort));
                }
                let text = self.reader.string().map_err(not_json)?.decode();
                let known = names.iter().find(|name| ***name == *text);
                known.map(|name| Value::Text(name.clone())).ok_or_else(|| self.is_not(start, sort))
            }
            Sort::List(of) => {
                let mut list = List::default();
                self.array(sort, |build, at| {
                    let value = build.sort(of).map_err(|inner| inner.below(&format!("[{at}]")))?;
                    if build.keep { Ok(list.push(value)?) } else { Ok(()) }
                })?;
                Ok(if self.keep { Value::List(Arc::new(list)) } else { Value::Unit })
            }
            Sort::Set(of) => {
                let mut set = Set::default();
                self.array(sort, |build, at| {
                    let step = || format!("[{at}]");
                    let value = build.kept(|build| build.sort(of)).map_err(|inner| inner.below(&step()))?;
                    if set.add(value)? {
                        return Ok(());
                    }
                    Err(Misfit::here(format!("is in `{sort}` already")).below(&step()))
                })?;
                Ok(Value::Set(Arc::new(set)))
            }
            Sort::Map(key, of) if first == b'{' => {
                let mut map = Map::default();
                self.object(sort, |build, name| {
                    let name = Value::text(&name);
                    let step = conform::step(&name);
                    let known = conform::conform(&name, key, build.env, &mut build.meter);
                    let known = known.map_err(|_| Misfit::here(format!("is no key of `{sort}`")).below(&step))?;
                    let value = build.sort(of).map_err(|inner| inner.below(&step))?;
                    // Keys of different texts may mean the same.
                    if map.put(known, value)? {
                        return Ok(());
                    }
                    Err(Misfit::here(format!("has a key that is in `{sort}` already")).below(&step))
                })?;
                Ok(Value::Map(Arc::new(map)))
            }
            Sort::Map(key, of) => {
                let mut map = Map::default();
                self.array(sort, |build, at| {
                    let step = format!("[{at}]");
                    let start = build.reader.at();
                    let mut parts = [None, None];
                    let pair = || Misfit::here("is not a pair of a key and a value").below(&step);
                    if build.text.as_bytes().get(start) != Some(&b'[') {
                        return Err(pair());
                    }
                    build
                        .array(sort, |build, part| {
                            let of = if part == 0 { key } else { of };
                            let slot = parts.get_mut(part).ok_or_else(|| Misfit::here("?"))?;
                            *slot = Some(
                                build
                                    .kept(|build| build.sort(of))
                                    .map_err(|inner| inner.below(&format!("[{part}]")))?,
                            );
                            Ok(())
                        })
                        .map_err(|inner| if inner.what == "?" { pair() } else { inner.below(&step) })?;
                    let [Some(name), Some(value)] = parts else { return Err(pair()) };
                    if map.put(name, value)? {
                        return Ok(());
                    }
                    Err(Misfit::here(format!("has a key that is in `{sort}` already")).below(&step))
                })?;
                Ok(Value::Map(Arc::new(map)))
            }
            Sort::Record(payload) => self.record(payload, sort),
        }
    }

    fn record(&mut self, payload: &Payload, sort: &Sort) -> Result<Value, Misfit> {
        let mut fields = Fields::new();
        self.object(sort, |build, name| {
            let declared = payload.fields.iter().find(|field| field.name.as_deref() == Some(&*name));
            match declared.and_then(|field| Some((field, field.name.as_ref()?))) {
                Some((field, known)) => {
                    let value = build.sort(&field.sort).map_err(|inner| inner.below(&name))?;
                    fields.push((known.clone(), value));
                }
                None if payload.open && !build.keep => {
                    build.skip()?;
                }
                None if payload.open => {
                    let value = build.any().map_err(|inner| inner.below(&name))?;
                    fields.push((build.word(&name), value));
                }
                None => return Err(Misfit::here("is not declared").below(&name)),
            }
            Ok(())
        })?;
        for field in payload.fields.iter().filter(|field| !field.optional) {
            let Some(name) = &field.name else { continue };
            if !fields.iter().any(|(known, _)| known == name) {
                return Err(Misfit::here("is missing").below(name));
            }
        }
        if !self.keep {
            return Ok(Value::Unit);
        }
        Ok(Value::Record(Arc::new(Record::of(fields).map_err(|_| Misfit::oversize())?)))
    }

    /// Passes over the value that stands here.
    pub(super) fn skip(&mut self) -> Result<&'a str, Misfit> {
        self.reader.pass().map_err(not_json)
    }

    /// The value that began at a byte is not of the sort; it is read to its end.
    fn is_not(&mut self, start: usize, sort: &Sort) -> Misfit {
        let mut reader = Reader::from(self.text, start);
        let value = reader.pass().unwrap_or("");
        Misfit::here(format!("is {}, not `{sort}`", shown(value)))
    }

    pub(super) fn array(
        &mut self,
        sort: &Sort,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        self.reader.ws();
        let start = self.reader.at();
        if !self.reader.take(b'[') {
            return Err(self.is_not(start, sort));
        }
        self.reader.ws();
        if self.reader.take(b']') {
            return Ok(());
        }
        let mut at = 0usize;
        loop {
            self.reader.ws();
            each(self, at)?;
            at = at.saturating_add(1);
            self.reader.ws();
            if !self.reader.take(b',') {
                return if self.reader.take(b']') { Ok(()) } else { Err(Misfit::here("is not JSON")) };
            }
        }
    }

    pub(super) fn object(
        &mut self,
        sort: &Sort,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        self.reader.ws();
        let start = self.reader.at();
        if !self.reader.take(b'{') {
            return Err(self.is_not(start, sort));
        }
        self.reader.ws();
        if self.reader.take(b'}') {
            return Ok(());
        }
        loop {
            self.reader.ws();
            let name = self.reader.string().map_err(not_json)?.decode();
            self.reader.ws();
            self.reader.take(b':');
            self.reader.ws();
            each(self, name)?;
            self.reader.ws();
            if !self.reader.take(b',') {
                return if self.reader.take(b'}') { Ok(()) } else { Err(Misfit::here("is not JSON")) };
            }
        }
    }

    fn builtin(&mut self, builtin: Builtin) -> Result<Value, Misfit> {
        let start = self.reader.at();
        let value = match self.reader.peek() {
            Some(b'-' | b'0'..=b'9') => {
                let text = self.reader.number().map_err(not_json)?;
                match builtin {
                    Builtin::Float => scalar::float(text),
                    _ => match scalar::number(text) {
                        Ok(number) => builtin_of(&number, builtin),
                        Err(NotNumber::TooBig) if !matches!(builtin, Builtin::Bool | Builtin::String) => {
                            return Err(Misfit::here("is too large a number"));
                        }
                        Err(_) => None,
                    },
                }
            }
            Some(b'"') => {
                let text = self.reader.string().map_err(not_json)?;
                if builtin == Builtin::String && !self.keep {
                    return Ok(Value::Unit);
                }
                let text = text.decode();
                if builtin == Builtin::String { Some(Value::Text(self.word(&text))) } else { text_of(&text, builtin)? }
            }
            Some(b't' | b'f') => {
                let value = Value::Bool(self.skip()? == "true");
                (builtin == Builtin::Bool).then_some(value)
            }
            Some(b'n') => {
                self.skip()?;
                (builtin == Builtin::Unit).then_some(Value::Unit)
            }
            _ => {
                let text = self.skip()?;
                let empty = text.starts_with('{') && text.get(1..).is_some_and(|rest| rest.trim_start() == "}");
                (builtin == Builtin::Unit && empty).then_some(Value::Unit)
            }
        };
        value.ok_or_else(|| self.is_not(start, &Sort::Builtin(builtin)))
    }

    /// Any value.
    pub(super) fn any(&mut self) -> Result<Value, Misfit> {
        self.meter.pay(1).map_err(|why| Misfit::here(format!("cannot be judged: {why}")))?;
        self.reader.ws();
        if !self.keep {
            return self.skip().map(|_| Value::Unit);
        }
        match self.reader.peek() {
            Some(b'{') => {
                if let Some(late) = self.late() {
                    return Ok(late);
                }
                self.deeper()?;
                let mut fields = Fields::new();
                self.object(&Sort::ANY, |build, name| {
                    let value = build.any().map_err(|inner| inner.below(&name))?;
                    fields.push((build.word(&name), value));
                    Ok(())
                })?;
                self.depth = self.depth.saturating_sub(1);
                Ok(Value::Record(Arc::new(Record::of(fields).map_err(|_| Misfit::oversize())?)))
            }
            Some(b'[') => {
                self.deeper()?;
                let mut list = List::default();
                self.array(&Sort::ANY, |build, at| {
                    let value = build.any().map_err(|inner| inner.below(&format!("[{at}]")))?;
                    Ok(list.push(value)?)
                })?;
                self.depth = self.depth.saturating_sub(1);
                Ok(Value::List(Arc::new(list)))
            }
            Some(b'"') => {
                let text = self.reader.string().map_err(not_json)?.decode();
                Ok(Value::Text(self.word(&text)))
            }
            Some(b't' | b'f') => Ok(Value::Bool(self.skip()? == "true")),
            Some(b'n') => self.skip().map(|_| Value::Unit),
            _ => {
                let text = self.reader.number().map_err(not_json)?;
                scalar::number(text).map_err(|_| Misfit::here("is too large a number"))
            }
        }
    }

    /// The object that stands here, kept as it is written.
    fn late(&mut self) -> Option<Value> {
        if self.soon {
            return None;
        }
        let start = self.reader.at();
        let Measured { extent, values, end } = late::measure(self.text, start)?;
        // Its own was paid for.
        let cost = values.saturating_sub(1);
        if self.depth.saturating_add(extent.depth) > MAX_DEPTH || self.meter.left() < cost {
            return None;
        }
        self.pay(cost).ok()?;
        let text = self.text.get(start..end)?;
        self.seek(end);
        Some(Value::Record(Arc::new(Record::late(text, extent))))
    }

    /// Any value, built at once.
    #[cfg(test)]
    pub(super) fn soon(mut self) -> Result<Value, Misfit> {
        self.soon = true;
        self.any()
    }

    fn deeper(&mut self) -> Result<(), Misfit> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH { Err(Misfit::oversize()) } else { Ok(()) }
    }
}

/// The fields of an object that was kept as it was written: by INVARIANT (same) of [`late`] there is nothing wrong with it.
pub(super) fn fields(text: &str) -> Box<[(Arc<str>, Value)]> {
    let mut build = Build::new(text, &Empty, None);
    let mut fields = Fields::new();
    let read = build.object(&Sort::ANY, |build, name| {
        fields.push((Arc::from(&*name), build.any()?));
        Ok(())
    });
    debug_assert!(read.is_ok(), "it was measured");
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields.into_vec().into()
}

/// A built-in value from the text of a string.
fn text_of(text: &str, builtin: Builtin) -> Result<Option<Value>, Misfit> {
    Ok(match builtin {
        Builtin::Int | Builtin::Uint | Builtin::Decimal => match scalar::number(text) {
            Ok(number) => builtin_of(&number, builtin),
            Err(NotNumber::TooBig) => return Err(Misfit::here("is too large a number")),
            Err(NotNumber::Form) => None,
        },
        Builtin::Bytes => scalar::bytes(text),
        Builtin::Uuid => scalar::uuid(text),
        Builtin::Timestamp => scalar::timestamp(text).map(Value::Timestamp),
        Builtin::Duration => scalar::duration(text).map(|(micros, _)| Value::Duration(micros)),
        Builtin::Unit | Builtin::Bool | Builtin::Float | Builtin::String | Builtin::Json => None,
    })
}

/// A scalar as it stands if it is short, else what it is.
fn shown(value: &str) -> Cow<'_, str> {
    match value.as_bytes().first() {
        Some(b'{' | b'[' | b'n') | None => Cow::Borrowed(kind(value)),
        _ if value.len() <= 40 => Cow::Owned(format!("`{value}`")),
        _ => Cow::Borrowed(kind(value)),
    }
}

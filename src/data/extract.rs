//! Payloads: from the JSON of a message to the values of its fields, in one pass.
//!
//! Comes in: a payload signature, and which of its fields some rule reads; then, message by message, JSON text. Goes out:
//! the values of those fields, or the [`Misfit`] of the first part that does not fit. All of the payload is judged, only
//! what is read is built.
//!
//! A bare label says nothing about the payload, and `(...)` allows anything. `()` is fitted by no payload, `null`, `{}`
//! and `[]`. Named fields make an object; unnamed ones an array, or the bare value if there is just one.

use super::{
    Env, Field, Misfit, Payload, Sort, Value,
    json::kind,
    read::{Build, valid},
    recall::{self, Found, Recall},
    tree,
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
    /// Members of payloads that were read before.
    recall: Recall,
    /// Texts of payloads that were read before.
    words: Words,
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
    /// What its text says is always the same, and may be kept.
    pure: bool,
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
        let wanted = |(at, field): (usize, &Field)| {
            let mut asked = Vec::new();
            tree::conditions(&field.sort, &mut asked);
            let pure = asked.iter().all(|code| !code.reads_now() && code.externals().is_empty());
            Wanted { field: field.clone(), read: read(at), pure: pure && !field.sort.has_secret() }
        };
        Self {
            form,
            fields: fields.iter().enumerate().map(wanted).collect(),
            open: payload.is_none_or(|payload| payload.open),
            sort: Sort::Record(payload.cloned().unwrap_or_default()),
            recall: Recall::default(),
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
            if let Some((at, wanted)) = self.find(name) {
                let mut build = Build::new(text, env, Some(&self.words));
                wanted.value(&mut build, at, values).map_err(|inner| inner.below(name))?;
                seen.see(at);
            }
        }
        let (first, start) = build.next();
        match first {
            None => {}
            Some(b'{') => self.members(build, beside, values, &mut seen)?,
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

    /// The members of an object; what stands there as it stood before need not be read again.
    fn members(
        &self,
        build: &mut Build<'_>,
        beside: &Beside<'_>,
        values: &mut [Option<Value>],
        seen: &mut Seen,
    ) -> Result<(), Misfit> {
        if !build.enter() {
            return Ok(());
        }
        let mut known = self.recall.places();
        let mut place = 0_usize;
        loop {
            let start = build.at();
            let mut member = recall::at(&mut known, place);
            let found = match member.as_deref_mut().map_or(Found::Nothing, |member| member.find(build.rest())) {
                Found::All(field, length, value, cost) => {
                    build.seek(start.saturating_add(length));
                    // What comes from elsewhere hides a field of the payload.
                    if let Some((at, wanted)) = field.and_then(|at| Some((at, self.fields.get(at)?)))
                        && !seen.has(at)
                    {
                        let name = || wanted.field.name.as_deref().unwrap_or("?");
                        build.pay(cost).map_err(|inner| inner.below(name()))?;
                        if let (Some(value), Some(place)) = (value, values.get_mut(at)) {
                            *place = Some(value.clone());
                        }
                        seen.see(at);
                    }
                    place = place.saturating_add(1);
                    if build.comma()? {
                        continue;
                    }
                    return Ok(());
                }
                Found::Key(field, length) => {
                    build.seek(start.saturating_add(length));
                    field
                }
                Found::Nothing => {
                    let name = build.name()?;
                    let field = self.find(&name).map(|(at, _)| at);
                    if field.is_none() && !self.open {
                        if !beside.iter().any(|(known, _)| *known == name) {
                            return Err(Misfit::here("is not declared").below(&name));
                        }
                        // What hides it may be missing the next time.
                        member = None;
                    }
                    if let Some(member) = member.as_deref_mut() {
                        member.set(build.since(start), field);
                    }
                    field
                }
            };
            let (start, left) = (build.at(), build.left());
            match found.and_then(|at| Some((at, self.fields.get(at)?))) {
                Some((at, _)) if seen.has(at) => {
                    build.skip()?;
                }
                Some((at, wanted)) => {
                    let name = || wanted.field.name.as_deref().unwrap_or("?");
                    wanted.value(build, at, values).map_err(|inner| inner.below(name()))?;
                    seen.see(at);
                    if let Some(member) = member.filter(|_| wanted.pure) {
                        let value = values.get(at).and_then(Option::as_ref);
                        member.keep(build.since(start), value, left.saturating_sub(build.left()));
                    }
                }
                None => {
                    let text = build.skip()?;
                    if let Some(member) = member {
                        member.keep(text, None, 0);
                    }
                }
            }
            place = place.saturating_add(1);
            if !build.comma()? {
                return Ok(());
            }
        }
    }

    /// The field with a name.
    fn find(&self, name: &str) -> Option<(usize, &Wanted)> {
        let is = |wanted: &Wanted| wanted.field.name.as_deref() == Some(name);
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

//! Reading a map, with the place of whatever is wrong.

use regex::Regex;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Derive, Happening, Join, Lookup, Map, MapError, Path, Place, Placed, Source, listed, watch};
use crate::{
    diag::{Code, catalogue::trace as codes},
    trace::near::near,
};

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// Finds places in the text.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn place(&self, byte: usize) -> Place {
        let before = self.0.get(..byte.min(self.0.len())).unwrap_or(self.0);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        let line = before.rfind('\n').map_or(before, |at| before.get(at.saturating_add(1)..).unwrap_or(""));
        Place { line: number(before.matches('\n').count()), column: number(line.chars().count()) }
    }

    fn error(&self, code: Code, at: usize, text: String, help: Option<String>) -> MapError {
        MapError { code, place: self.place(at), text, help }
    }

    fn wrong(&self, value: &Value<'_>, key: &str, wanted: &str) -> MapError {
        let at = value.span().start;
        self.error(codes::MAP_VALUE, at, format!("`{key}` must be {wanted}, not {}", article(value)), None)
    }

    fn string(&self, key: &str, value: &Value<'_>) -> Result<Placed, MapError> {
        match value.get_ref().as_str() {
            Some(text) => Ok(Placed { text: text.into(), place: self.place(value.span().start) }),
            None => Err(self.wrong(value, key, "a string")),
        }
    }

    fn strings(&self, key: &str, value: &Value<'_>) -> Result<Vec<Placed>, MapError> {
        match value.get_ref().as_array() {
            Some(values) => values.iter().map(|value| self.string(key, value)).collect(),
            None => Err(self.wrong(value, key, "a list of strings")),
        }
    }

    fn bool(&self, key: &str, value: &Value<'_>) -> Result<bool, MapError> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong(value, key, "true or false"))
    }

    fn table<'t, 'i>(&self, key: &str, value: &'t Value<'i>) -> Result<&'t DeTable<'i>, MapError> {
        value.get_ref().as_table().ok_or_else(|| self.wrong(value, key, "a table"))
    }

    fn key(&self, key: &Key<'_>) -> Placed {
        Placed { text: key.get_ref().as_ref().into(), place: self.place(key.span().start) }
    }

    /// The table's strings, by key.
    fn pairs(&self, name: &str, value: &Value<'_>) -> Result<Vec<(Placed, Placed)>, MapError> {
        let entries = self.table(name, value)?.iter();
        entries.map(|(key, value)| Ok((self.key(key), self.string(key.get_ref(), value)?))).collect()
    }

    fn unknown(&self, key: &Key<'_>, section: &str, known: &[&'static str]) -> MapError {
        let name = key.get_ref();
        let help = match near(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", listed(known.iter().copied())),
        };
        let text = format!("{section} has no key `{name}`");
        self.error(codes::MAP_KEY, key.span().start, text, Some(help))
    }

    fn path(&self, text: &Placed) -> Result<Path, MapError> {
        let error = |what: &str| MapError {
            code: codes::MAP_VALUE,
            place: text.place,
            text: format!("`{}` is no JSON pointer: {what}", text.text),
            help: Some("write `/key/key`; `~1` is a `/` and `~0` a `~` in a key".to_owned()),
        };
        if text.text.is_empty() {
            return Ok(Path::default());
        }
        let rest = text.text.strip_prefix('/').ok_or_else(|| error("it does not start with `/`"))?;
        let step = |step: &str| {
            let plain = step.replace("~1", "").replace("~0", "");
            if plain.contains('~') {
                return Err(error("a `~` is not followed by `0` or `1`"));
            }
            Ok(step.replace("~1", "/").replace("~0", "~").into_boxed_str())
        };
        rest.split('/').map(step).collect()
    }

    fn pointers(&self, key: &str, value: &Value<'_>) -> Result<Vec<Path>, MapError> {
        if value.get_ref().is_array() {
            return self.strings(key, value)?.iter().map(|text| self.path(text)).collect();
        }
        Ok(vec![self.path(&self.string(key, value)?)?])
    }

    /// As [`Text::pointers`], but what does not begin with `/` is a key of the line.
    fn places(&self, key: &str, value: &Value<'_>) -> Result<Vec<Path>, MapError> {
        let place = |text: &Placed| {
            if text.text.starts_with('/') { self.path(text) } else { Ok([text.text.clone()].into()) }
        };
        if value.get_ref().is_array() {
            return self.strings(key, value)?.iter().map(place).collect();
        }
        Ok(vec![place(&self.string(key, value)?)?])
    }

    fn pattern(&self, key: &str, value: &Value<'_>) -> Result<Regex, MapError> {
        let text = self.string(key, value)?;
        Regex::new(&text.text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let text = format!("`{}` is no regular expression: {reason}", text.text);
            self.error(codes::MAP_VALUE, value.span().start, text, None)
        })
    }
}

fn article(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn map(source: &str) -> Result<Map, MapError> {
    let text = Text(source);
    let table = DeTable::parse(source).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        text.error(codes::MAP_SYNTAX, at, format!("not TOML: {message}"), None)
    })?;
    let mut map = Map::default();
    let (mut inject, mut fields) = (None, None);
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "protocol" => map.protocol = Some(text.string("protocol", value)?),
            "observer" => {
                let observer = text.string("observer", value)?;
                map.watch = Some(watch(&observer.text, observer.place)?);
            }
            "role" if value.get_ref().is_table() => map.recorder = Some(recorder(&text, value)?),
            "role" => map.role = Some(text.string("role", value)?),
            "sides" => map.sides = text.bool("sides", value)?,
            "session" => session(&text, &mut map, value)?,
            "payload" => map.payload = Some(text.path(&text.string("payload", value)?)?),
            "retry" => map.retry = Some(retry(&text, value)?),
            "inject" => inject = Some(value),
            "fields" => fields = Some(value),
            "events" => events(&text, &mut map, value)?,
            "redact" => redact(&text, &mut map, value)?,
            "roles" => map.roles = text.pairs("roles", value)?,
            "labels" => labels(&text, &mut map, value)?,
            _ => {
                let known = [
                    "protocol", "observer", "role", "sides", "payload", "retry", "session", "inject", "fields",
                    "roles", "events", "redact", "labels",
                ];
                return Err(text.unknown(key, "the map", &known));
            }
        }
    }
    if let Some(value) = inject {
        sources(&text, &mut map, "inject", value)?;
        map.inject = map.sources.len();
    }
    if let Some(value) = fields {
        for (label, value) in text.table("fields", value)? {
            let from = map.sources.len();
            sources(&text, &mut map, label.get_ref(), value)?;
            map.fields.push((text.key(label), from..map.sources.len()));
        }
    }
    Ok(map)
}

/// Where payload fields come from.
fn sources(text: &Text<'_>, map: &mut Map, name: &str, value: &Value<'_>) -> Result<(), MapError> {
    for (field, value) in text.table(name, value)? {
        let mut source =
            Source { lookup: Lookup { pointers: Vec::new(), pattern: None }, except: None, join: Vec::new() };
        if value.get_ref().is_table() {
            for (key, value) in text.table(field.get_ref(), value)? {
                match key.get_ref().as_ref() {
                    "pointer" => source.lookup.pointers = text.places("pointer", value)?,
                    "pattern" => source.lookup.pattern = Some(text.pattern("pattern", value)?),
                    "except" => source.except = Some(text.pattern("except", value)?),
                    "join" => source.join = text.places("join", value)?,
                    _ => {
                        let known = ["pointer", "pattern", "except", "join"];
                        return Err(text.unknown(key, "a field's source", &known));
                    }
                }
            }
        } else {
            source.lookup.pointers = text.places(field.get_ref(), value)?;
        }
        if source.lookup.pointers.is_empty() {
            let problem = format!("`{}` does not say where in a line the value is", field.get_ref());
            let help = Some("add `pointer = \"/payload/…\"`".to_owned());
            return Err(text.error(codes::MAP_VALUE, field.span().start, problem, help));
        }
        map.sources.push((text.key(field), source));
    }
    Ok(())
}

fn events(text: &Text<'_>, map: &mut Map, value: &Value<'_>) -> Result<(), MapError> {
    for (label, what) in text.pairs("events", value)? {
        let wrong = || MapError {
            code: codes::MAP_EVENT,
            place: what.place,
            text: format!("`{}` is no event", what.text),
            help: Some("there are `crash ROLE` and `timeout ROLE`".to_owned()),
        };
        let (kind, role) = what.text.split_once(' ').ok_or_else(wrong)?;
        let crash = match kind {
            "crash" => true,
            "timeout" => false,
            _ => return Err(wrong()),
        };
        let role = Placed { text: role.trim().into(), place: what.place };
        map.events.push((label, Happening { crash, role }));
    }
    Ok(())
}

fn redact(text: &Text<'_>, map: &mut Map, value: &Value<'_>) -> Result<(), MapError> {
    for (key, value) in text.table("redact", value)? {
        match key.get_ref().as_ref() {
            "fields" => map.redact = text.strings("fields", value)?,
            _ => return Err(text.unknown(key, "`[redact]`", &["fields"])),
        }
    }
    Ok(())
}

/// Which line says, or asks for, a session's id.
fn joint(text: &Text<'_>, name: &str, value: &Value<'_>) -> Result<(Placed, Lookup), MapError> {
    let mut lookup = Lookup { pointers: Vec::new(), pattern: None };
    let mut label = None;
    for (key, value) in text.table(name, value)? {
        match key.get_ref().as_ref() {
            "label" => label = Some(text.string("label", value)?),
            "pointer" => lookup.pointers = text.pointers("pointer", value)?,
            "pattern" => lookup.pattern = Some(text.pattern("pattern", value)?),
            _ => return Err(text.unknown(key, "a line that joins sessions", &["label", "pointer", "pattern"])),
        }
    }
    match label {
        Some(label) if !lookup.pointers.is_empty() => Ok((label, lookup)),
        _ => {
            let problem = format!("`{name}` does not say which line has the id, and where");
            let help = Some("write `{ label = \"…\", pointer = \"/…\" }`".to_owned());
            Err(text.error(codes::MAP_VALUE, value.span().start, problem, help))
        }
    }
}

fn join(text: &Text<'_>, map: &mut Map, value: &Value<'_>) -> Result<(), MapError> {
    let (mut name, mut with) = (None, None);
    for (key, value) in text.table("join", value)? {
        match key.get_ref().as_ref() {
            "name" => name = Some(joint(text, "name", value)?),
            "with" => with = Some(joint(text, "with", value)?),
            _ => return Err(text.unknown(key, "`[session.join]`", &["name", "with"])),
        }
    }
    match (name, with) {
        (Some(name), Some(with)) => map.join = Some(Join { name, with }),
        _ => {
            let problem = "`[session.join]` needs both `name` and `with`".to_owned();
            return Err(text.error(codes::MAP_VALUE, value.span().start, problem, None));
        }
    }
    Ok(())
}

/// What says that an attempt failed.
fn retry(text: &Text<'_>, value: &Value<'_>) -> Result<Lookup, MapError> {
    let mut lookup = Lookup { pointers: Vec::new(), pattern: None };
    if !value.get_ref().is_table() {
        lookup.pointers = text.places("retry", value)?;
        return Ok(lookup);
    }
    for (key, value) in text.table("retry", value)? {
        match key.get_ref().as_ref() {
            "pointer" => lookup.pointers = text.places("pointer", value)?,
            "pattern" => lookup.pattern = Some(text.pattern("pattern", value)?),
            _ => return Err(text.unknown(key, "`retry`", &["pointer", "pattern"])),
        }
    }
    if lookup.pointers.is_empty() {
        let problem = "`retry` does not say where a line tells of it".to_owned();
        let help = Some("add `pointer = \"/…\"`".to_owned());
        return Err(text.error(codes::MAP_VALUE, value.span().start, problem, help));
    }
    Ok(lookup)
}

fn recorder(text: &Text<'_>, value: &Value<'_>) -> Result<Lookup, MapError> {
    let mut lookup = Lookup { pointers: Vec::new(), pattern: None };
    for (key, value) in text.table("role", value)? {
        match key.get_ref().as_ref() {
            "pointer" => lookup.pointers = text.pointers("pointer", value)?,
            "pattern" => lookup.pattern = Some(text.pattern("pattern", value)?),
            _ => return Err(text.unknown(key, "`role`", &["pointer", "pattern"])),
        }
    }
    if lookup.pointers.is_empty() {
        let problem = "`role` does not say where a line names it".to_owned();
        let help = Some("add `pointer = \"/…\"`".to_owned());
        return Err(text.error(codes::MAP_VALUE, value.span().start, problem, help));
    }
    Ok(lookup)
}

fn session(text: &Text<'_>, map: &mut Map, value: &Value<'_>) -> Result<(), MapError> {
    let mut lookup = Lookup { pointers: Vec::new(), pattern: None };
    let mut pattern_at = None;
    for (key, value) in text.table("session", value)? {
        match key.get_ref().as_ref() {
            "pointer" => lookup.pointers = text.pointers("pointer", value)?,
            "pattern" => {
                pattern_at = Some(value.span().start);
                lookup.pattern = Some(text.pattern("pattern", value)?);
            }
            "key" => lookup.pointers = text.places("key", value)?,
            "whole" => map.whole = text.bool("whole", value)?,
            "join" => join(text, map, value)?,
            _ => return Err(text.unknown(key, "`[session]`", &["pointer", "pattern", "key", "whole", "join"])),
        }
    }
    if lookup.pointers.is_empty() {
        if pattern_at.is_none() {
            return Ok(());
        }
        lookup.pointers.push(["session".into()].into());
    }
    if map.whole {
        let at = value.span().start;
        let problem = "`[session]` says both that all lines are one session and where to find it".to_owned();
        return Err(text.error(codes::MAP_VALUE, at, problem, None));
    }
    map.session = Some(lookup);
    Ok(())
}

fn labels(text: &Text<'_>, map: &mut Map, value: &Value<'_>) -> Result<(), MapError> {
    for (key, value) in text.table("labels", value)? {
        match key.get_ref().as_ref() {
            "drop" => map.drop = Some(text.strings("drop", value)?),
            "keep" => map.keep = text.strings("keep", value)?,
            "local" => map.local = text.strings("local", value)?,
            "rename" => map.rename = text.pairs("rename", value)?,
            "derive" => {
                for (label, rule) in text.table("derive", value)? {
                    map.derive.push((text.key(label), derive(text, label, rule)?));
                }
            }
            _ => return Err(text.unknown(key, "`[labels]`", &["drop", "keep", "local", "rename", "derive"])),
        }
    }
    Ok(())
}

fn derive(text: &Text<'_>, label: &Key<'_>, value: &Value<'_>) -> Result<Derive, MapError> {
    let mut rule = Derive {
        lookup: Lookup { pointers: Vec::new(), pattern: None },
        when: Vec::new(),
        names: Vec::new(),
        label: "{label}.{value}".into(),
    };
    for (key, value) in text.table(label.get_ref(), value)? {
        match key.get_ref().as_ref() {
            "pointer" => rule.lookup.pointers = text.pointers("pointer", value)?,
            "pattern" => rule.lookup.pattern = Some(text.pattern("pattern", value)?),
            "names" => {
                rule.names = text.pairs("names", value)?.into_iter().map(|(of, name)| (of.text, name.text)).collect();
            }
            "when" => {
                for (pointer, pattern) in text.table("when", value)? {
                    let pointers = vec![text.path(&text.key(pointer))?];
                    let pattern = Some(text.pattern(pointer.get_ref(), pattern)?);
                    rule.when.push(Lookup { pointers, pattern });
                }
            }
            "label" => rule.label = text.string("label", value)?.text,
            _ => return Err(text.unknown(key, "a derived label", &["pointer", "pattern", "when", "names", "label"])),
        }
    }
    if rule.lookup.pointers.is_empty() {
        let problem = format!("the rule for `{}` does not say where the value is", label.get_ref());
        let help = Some("add `pointer = \"/payload/…\"`".to_owned());
        return Err(text.error(codes::MAP_VALUE, label.span().start, problem, help));
    }
    Ok(rule)
}

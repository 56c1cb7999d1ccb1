//! Any line: keys in any order, further keys, escapes, white space. Exact, and the one that decides.

use std::{borrow::Cow, collections::HashSet};

use super::{
    super::json::{Flaw, Reader, Scratch, scalar_text},
    Fault, Raw,
};

/// The event of a line, or why it is none.
#[inline(never)]
pub(in super::super) fn general<'a>(line: &'a str, scratch: &mut Scratch) -> Result<Raw<'a>, Fault> {
    let mut reader = Reader::new(line);
    reader.ws();
    if reader.peek() != Some(b'{') {
        // Say "not an object" only of what is JSON.
        reader.value(scratch)?;
        return Err(if reader.done() { Fault::NotAnObject } else { reader.fail("the end of the line").into() });
    }
    reader.take(b'{');
    let mut values: [Option<&'a str>; KEYS.len()] = [None; KEYS.len()];
    let mut extra: HashSet<String> = HashSet::new();
    let mut twice = None;
    let mut surrogate = false;
    let mut flaw = None;
    let mut first = true;
    loop {
        reader.ws();
        if reader.take(b'}') {
            break;
        }
        if !first {
            if !reader.take(b',') {
                return Err(reader.fail("a comma or the end").into());
            }
            reader.ws();
        }
        first = false;
        let key = reader.string()?.decode();
        reader.ws();
        if !reader.take(b':') {
            return Err(reader.fail("a colon").into());
        }
        // A flaw in a key or in the value of any key but the payload is one of the line.
        surrogate |= reader.take_flaw().is_some();
        let value = reader.value(scratch)?;
        let inside = reader.take_flaw();
        let known = KEYS.iter().position(|known| *known == key);
        let repeated = match known.and_then(|at| values.get_mut(at)) {
            Some(slot) => slot.replace(value).is_some(),
            None => !extra.insert(key.clone().into_owned()),
        };
        if repeated {
            twice.get_or_insert_with(|| key.clone().into_owned());
        }
        match inside {
            inside if known == Some(PAYLOAD) => flaw = inside,
            Some(Flaw::DuplicateKey(inside)) => {
                twice.get_or_insert(inside);
            }
            Some(Flaw::Surrogate | Flaw::Utf8) => surrogate = true,
            None => {}
        }
    }
    if !reader.done() {
        return Err(reader.fail("the end of the line").into());
    }
    if let Some(key) = twice {
        return Err(Fault::DuplicateKey(key));
    }
    if surrogate {
        return Err(Fault::Surrogate);
    }
    let [session, seq, ts, from, to, label, payload, dir] = values.map(|value| value.filter(|value| *value != "null"));
    for (name, value) in [("seq", seq), ("ts", ts)] {
        number_or_string(name, value)?;
    }
    let session = number_or_string("session", session)?;
    let dir = dir.map(|dir| string("dir", dir)).transpose()?;
    let from = string("from", from.ok_or(Fault::Missing("from"))?)?;
    let to = string("to", to.ok_or(Fault::Missing("to"))?)?;
    let label = string("label", label.ok_or(Fault::Missing("label"))?)?;
    Ok(Raw {
        session,
        ts: ts.unwrap_or(""),
        from,
        to,
        label,
        payload: payload.unwrap_or(""),
        dir,
        flaw: flaw.map(Box::new),
    })
}

const KEYS: [&str; 8] = ["session", "seq", "ts", "from", "to", "label", "payload", "dir"];
const PAYLOAD: usize = 6;

fn string<'a>(key: &'static str, value: &'a str) -> Result<Cow<'a, str>, Fault> {
    match scalar_text(value) {
        Some(text) if value.starts_with('"') => Ok(text),
        _ => Err(Fault::Type(key, "a string")),
    }
}

fn number_or_string<'a>(key: &'static str, value: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Fault> {
    let Some(value) = value else { return Ok(None) };
    match value.as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9') => Ok(scalar_text(value)),
        _ => Err(Fault::Type(key, "a number or a string")),
    }
}

//! A request: one line of JSON, taken apart and not yet understood.
//!
//! Values stay as they are written until somebody knows what they should be, so that numbers of a payload lose nothing
//! and what nests deeply costs nothing.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::wrong::Wrong;
use crate::data::{self, Builtin, Sort, Value};

/// The fields of an object, as they are written.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    all: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut all = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    all.push((name.0, map.next_value()?));
                }
                Ok(all)
            }
        }
        from.deserialize_map(Object).map(|all| Self { all })
    }
}

/// A key: borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        from.deserialize_str(Text).map(Self)
    }
}

impl<'a> Fields<'a> {
    /// Takes a line apart.
    pub(super) fn of(line: &'a str) -> Result<Self, Wrong> {
        if line.trim().is_empty() {
            return Err(Wrong::new("json", "the line is empty; write an object such as {\"op\":\"help\"}"));
        }
        let fields: Self = serde_json::from_str(line).map_err(|error| {
            Wrong::new("json", format!("this is no JSON object: {}", crate::report::clean(&short(&error.to_string()))))
        })?;
        let mut names: Vec<&str> = fields.all.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        }) {
            return Err(Wrong::new("json", format!("the field `{}` is there twice", short(twice))));
        }
        Ok(fields)
    }

    /// The names of the fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| &**name)
    }

    /// A field as it is written; `null` is as good as absent.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.all.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw);
        found.filter(|raw| raw.get() != "null")
    }

    /// A field, read.
    fn read<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<Option<T>, Wrong> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(wrong_type(name, what, raw)),
        }
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.read(name, "a string")
    }

    /// A text that must be there.
    pub(super) fn need(&self, name: &str) -> Result<String, Wrong> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// Names.
    pub(super) fn names_in(&self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        self.read(name, "an array of strings")
    }

    /// A name, or several.
    pub(super) fn one_or_more(&self, name: &str) -> Result<Vec<String>, Wrong> {
        match self.raw(name) {
            None => Ok(Vec::new()),
            Some(raw) if raw.get().starts_with('[') => Ok(self.names_in(name)?.unwrap_or_default()),
            Some(_) => Ok(vec![self.need(name)?]),
        }
    }

    /// A number that is not negative.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Wrong> {
        self.read(name, "a number from 0 on")
    }

    /// A number of 32 bits.
    pub(super) fn small(&self, name: &str) -> Result<Option<u32>, Wrong> {
        self.read(name, "a number from 0 to 4294967295")
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Wrong> {
        self.read(name, "true or false")
    }

    /// An object of a known form.
    pub(super) fn object<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<Option<T>, Wrong> {
        self.read(name, what)
    }

    /// Octets, in base64.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Wrong> {
        use base64::Engine as _;
        let Some(text) = self.text(name)? else { return Ok(None) };
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes.map(Some).map_err(|error| Wrong::new("wrong-type", format!("`{name}` is not base64: {error}")))
    }

    /// A point in time: microseconds, or a date.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Wrong> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let what = "microseconds since 1970, or a date like \"2026-01-31T12:00:00Z\"";
        point(raw.get()).map(Some).ok_or_else(|| wrong_type(name, what, raw))
    }

    /// The values of an array, as they are written.
    pub(super) fn array(&self, name: &str) -> Result<Option<Vec<&'a RawValue>>, Wrong> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| wrong_type(name, "an array", raw))
    }
}

/// A point in time: a number of microseconds, or a quoted date.
pub(super) fn point(json: &str) -> Option<i64> {
    if json.starts_with('"') {
        return match data::read(&Sort::Builtin(Builtin::Timestamp), json.as_bytes()) {
            Ok(Value::Timestamp(micros)) => Some(micros),
            _ => None,
        };
    }
    json.parse().ok()
}

pub(super) fn missing(name: &str) -> Wrong {
    Wrong::new("missing-field", format!("the field `{name}` is missing"))
}

fn wrong_type(name: &str, what: &str, raw: &RawValue) -> Wrong {
    Wrong::new("wrong-type", format!("`{name}` should be {what}, not {}", crate::report::clean(&short(raw.get()))))
}

/// The beginning of a text.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

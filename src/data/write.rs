//! Values as JSON text, for reports: what is secret is shown only as a short keyed digest.

use std::fmt::Write as _;

use super::{Sort, Value, scalar};

/// Hides secrets: the same value gives the same digest under one key, and another under another.
#[derive(Clone)]
pub struct Redaction {
    key: [u8; 32],
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redaction(…)")
    }
}

impl Redaction {
    /// With a key.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: hmac_sha256::Hash::hash(key) }
    }

    /// The digest that stands for a text, such as `secret:3f2a9c01`.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        let digest_of = hmac_sha256::HMAC::mac(text, self.key);
        let mut digest = "secret:".to_owned();
        for byte in digest_of.iter().take(4) {
            digest.push_str(&format!("{byte:02x}"));
        }
        digest
    }
}

/// A value as JSON text. With its sort the parts that are `secret` are known, and become digests; so are fields that the
/// function names as hidden, by their names.
#[must_use]
pub fn write(value: &Value, sort: Option<&Sort>, redaction: &Redaction, hidden: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::new();
    Writer { redaction, hidden, text: &mut text }.value(value, sort);
    text
}

struct Writer<'a> {
    redaction: &'a Redaction,
    hidden: &'a dyn Fn(&str) -> bool,
    text: &'a mut String,
}

impl Writer<'_> {
    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                c if (c as u32) < 0x20 => self.text.push_str(&format!("\\u{:04x}", c as u32)),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    /// What stands for a secret: the digest of its text without any redaction.
    fn secret(&mut self, value: &Value) {
        let mut plain = String::new();
        Writer { redaction: self.redaction, hidden: &|_| false, text: &mut plain }.value(value, None);
        let digest = self.redaction.digest(&plain);
        self.string(&digest);
    }

    fn items<'v>(&mut self, items: impl Iterator<Item = &'v Value>, of: Option<&Sort>) {
        self.text.push('[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.value(item, of);
        }
        self.text.push(']');
    }

    fn member(&mut self, at: usize, name: &str, value: &Value, sort: Option<&Sort>) {
        if at > 0 {
            self.text.push(',');
        }
        self.string(name);
        self.text.push(':');
        if (self.hidden)(name) { self.secret(value) } else { self.value(value, sort) }
    }

    fn value(&mut self, value: &Value, sort: Option<&Sort>) {
        match sort {
            Some(Sort::Secret(_)) => return self.secret(value),
            Some(Sort::Refined(of, _) | Sort::Option(of)) => return self.value(value, Some(of)),
            _ => {}
        }
        match value {
            Value::Unit => self.text.push_str("null"),
            Value::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Value::Int(_) | Value::Small(_) | Value::Exact(_) => {
                self.text.push_str(&scalar::text(value).unwrap_or_else(|| "0".into()));
            }
            // A float that happens to be whole stays one to the reader.
            Value::Float(float) => {
                let _ = write!(self.text, "{float:?}");
            }
            Value::Bytes(bytes) => self.string(&scalar::base64(bytes)),
            Value::Text(text) => self.string(text),
            Value::Uuid(_) | Value::Timestamp(_) | Value::Duration(_) => {
                self.string(&scalar::text(value).unwrap_or_else(|| "".into()));
            }
            Value::List(list) => {
                let of = match sort {
                    Some(Sort::List(of)) => Some(&**of),
                    _ => None,
                };
                self.items(list.iter(), of);
            }
            Value::Set(set) => {
                let of = match sort {
                    Some(Sort::Set(of)) => Some(&**of),
                    _ => None,
                };
                self.items(set.iter(), of);
            }
            Value::Record(record) => {
                self.text.push('{');
                for (at, (name, value)) in record.iter().enumerate() {
                    let of = match sort {
                        Some(Sort::Record(payload)) => payload.field(name).map(|field| &field.sort),
                        Some(Sort::Map(_, of)) => Some(&**of),
                        _ => None,
                    };
                    self.member(at, name, value, of);
                }
                self.text.push('}');
            }
            Value::Map(map) => {
                let (key, of) = match sort {
                    Some(Sort::Map(key, of)) => (Some(&**key), Some(&**of)),
                    _ => (None, None),
                };
                let named = map.iter().all(|(key, _)| matches!(key, Value::Text(_)));
                if named && !matches!(key, Some(Sort::Secret(_))) {
                    self.text.push('{');
                    for (at, (key, value)) in map.iter().enumerate() {
                        let Value::Text(name) = key else { continue };
                        let declared = match sort {
                            Some(Sort::Record(payload)) => payload.field(name).map(|field| &field.sort),
                            _ => of,
                        };
                        self.member(at, name, value, declared);
                    }
                    self.text.push('}');
                } else {
                    self.text.push('[');
                    for (at, (name, value)) in map.iter().enumerate() {
                        self.text.push_str(if at > 0 { ",[" } else { "[" });
                        self.value(name, key);
                        self.text.push(',');
                        self.value(value, of);
                        self.text.push(']');
                    }
                    self.text.push(']');
                }
            }
        }
    }
}

//! Built-in functions on values: one meaning, for the walker and the bytecode alike.

use std::{cmp::Ordering, sync::Arc};

use regex::{Regex, RegexBuilder};

use super::{
    Operator, Value,
    collection::{List, Map},
    fault::Why,
    meter::Meter,
    number::{Exact, MAX_SCALE, NotNumber},
    operator::{elements, float, index, not, order, to_float},
    scalar,
};

/// The largest compiled regular expression, in bytes.
const MAX_PATTERN: usize = 1 << 20;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $least:literal, $most:literal;)*) => {
        /// A built-in function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Function {
            $($(#[$doc])* $name,)*
        }

        impl Function {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its word in the language.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// How many arguments it takes, at least and at most.
            #[must_use]
            pub fn arity(self) -> (usize, usize) {
                match self {
                    $(Self::$name => ($least, $most),)*
                }
            }
        }
    };
}

functions! {
    /// Elements of a collection, characters of a string, octets of bytes.
    Size = "size", 1, 1;
    /// The least of the arguments, or of one collection.
    Min = "min", 1, 64;
    /// The greatest of the arguments, or of one collection.
    Max = "max", 1, 64;
    /// A list without its first element.
    Tail = "tail", 1, 1;
    /// The parts of a string between separators.
    Split = "split", 2, 2;
    /// In lower case.
    Lower = "lower", 1, 1;
    /// An integer: of a number without what is behind its point, of a text, of a timestamp in seconds.
    Int = "int", 1, 1;
    /// An exact number, of a number or a text.
    Decimal = "decimal", 1, 1;
    /// The nearest float.
    Float = "float", 1, 1;
    /// A text, of any scalar.
    String = "string", 1, 1;
    /// The UTF-8 of a text.
    Bytes = "bytes", 1, 1;
    /// A timestamp, of RFC 3339.
    Timestamp = "timestamp", 1, 1;
    /// A duration, of a text such as `5s`.
    Duration = "duration", 1, 1;
    /// Whether a pattern with `*` and `?` is all of a string.
    Glob = "glob", 2, 2;
    /// Whether a regular expression finds something in a string.
    Matches = "matches", 2, 2;
    /// The SHA-256 of bytes, or of the UTF-8 of a text.
    Sha256 = "sha256", 1, 1;
    /// Bytes in lower-case hexadecimal digits.
    Hex = "hex", 1, 1;
    /// A set with one element more.
    Add = "add", 2, 2;
    /// A set or a map without an element or key.
    Remove = "remove", 2, 2;
    /// A map with a value for a key.
    Put = "put", 3, 3;
    /// The value of a key, or else the default.
    Get = "get", 3, 3;
    /// A quotient with so many digits behind the point, rounded half away from zero.
    Div = "div", 3, 3;
    /// Whether a string has another in it.
    Contains = "contains", 2, 2;
    /// Whether a string begins with another.
    StartsWith = "startsWith", 2, 2;
    /// Whether a string ends with another.
    EndsWith = "endsWith", 2, 2;
}

impl Function {
    /// The function with this word.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.word() == word)
    }
}

/// A regular expression of bounded size.
pub(super) fn pattern(text: &str) -> Option<Regex> {
    if text.len() > 10_000 {
        return None;
    }
    RegexBuilder::new(text).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build().ok()
}

fn as_text(value: &Value) -> Result<&Arc<str>, Why> {
    match value {
        Value::Text(text) => Ok(text),
        other => not("a string", other),
    }
}

fn as_map(value: &Value) -> Result<Map, Why> {
    match value {
        Value::Map(map) => Ok(Map::clone(map)),
        Value::Record(record) => Ok(record.to_map()?),
        other => not("a map", other),
    }
}

fn parse(text: &str) -> Result<Value, Why> {
    scalar::number(text).map_err(|why| match why {
        NotNumber::Form => Why::Malformed("a number"),
        NotNumber::TooBig => Why::Limit("the number is too large"),
    })
}

/// A function of values.
pub(super) fn call(function: Function, args: &[Value], meter: &mut Meter) -> Result<Value, Why> {
    use Function as F;
    meter.pay(1)?;
    match (function, args) {
        (F::Min | F::Max, [of @ (Value::List(_) | Value::Set(_))]) => {
            meter.pay_for(of)?;
            extreme(function, &elements(of)?, meter)
        }
        (F::Min | F::Max, values) => extreme(function, values, meter),
        (_, [a]) => of_one(function, a, meter),
        (_, [a, b]) => of_two(function, a, b, meter),
        (F::Put, [map, key, value]) => {
            meter.pay(key.extent().weight as usize)?;
            if let Value::Record(record) = map {
                meter.pay(record.len())?;
            }
            let mut map = as_map(map)?;
            map.put(key.clone(), value.clone())?;
            Ok(Value::Map(Arc::new(map)))
        }
        (F::Get, [map, key, default]) => match index(map, key) {
            Ok(value) => Ok(value.clone()),
            Err(Why::NoKey | Why::OutOfRange { .. }) => Ok(default.clone()),
            Err(why) => Err(why),
        },
        (F::Div, [a, b, digits]) => {
            meter.pay(64)?;
            let scale = match digits {
                Value::Int(digits) => u32::try_from(*digits).ok().filter(|&digits| digits <= MAX_SCALE),
                other => return not("an integer", other),
            };
            let scale = scale.ok_or(Why::Limit("these are too many digits, or fewer than none"))?;
            let (Some(x), Some(y)) = (Exact::of(a), Exact::of(b)) else {
                return Err(Why::Operands { operator: "div", left: a.kind(), right: b.kind() });
            };
            Ok(x.rounded(&y, scale).ok_or(Why::ZeroDivisor)?.value()?)
        }
        _ => Err(Why::Malformed("a call with the right number of arguments")),
    }
}

fn extreme(function: Function, values: &[Value], meter: &mut Meter) -> Result<Value, Why> {
    let mut values = values.iter();
    let mut best = values.next().ok_or(Why::Empty)?;
    order(Operator::Lt, best, best, meter)?;
    for value in values {
        let order = order(Operator::Lt, value, best, meter)?;
        if order == if function == Function::Min { Ordering::Less } else { Ordering::Greater } {
            best = value;
        }
    }
    Ok(best.clone())
}

fn of_one(function: Function, a: &Value, meter: &mut Meter) -> Result<Value, Why> {
    use Function as F;
    let count = |n: usize| Ok(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)));
    match (function, a) {
        (F::Size, Value::Text(text)) => {
            meter.pay(text.len() / 32)?;
            count(text.chars().count())
        }
        (F::Size, Value::Bytes(bytes)) => count(bytes.len()),
        (F::Size, Value::List(list)) => count(list.len()),
        (F::Size, Value::Set(set)) => count(set.len()),
        (F::Size, Value::Map(map)) => count(map.len()),
        (F::Size, Value::Record(record)) => count(record.len()),
        (F::Size, other) => not("a collection or a string", other),
        (F::Tail, Value::List(list)) => {
            let mut list = List::clone(list);
            list.pop().ok_or(Why::Empty)?;
            Ok(Value::List(Arc::new(list)))
        }
        (F::Tail, other) => not("a list", other),
        (F::Lower, of) => {
            let text = as_text(of)?;
            meter.pay(text.len() / 16)?;
            Ok(Value::Text(text.to_lowercase().into()))
        }
        (F::Int, Value::Int(_)) => Ok(a.clone()),
        (F::Int, Value::Text(text)) => match parse(text)? {
            number if number.is_integer() => Ok(number),
            _ => Err(Why::Malformed("an integer")),
        },
        (F::Int, Value::Timestamp(micros)) => Ok(Value::Int(micros.div_euclid(1_000_000))),
        (F::Int, of) => match of.exact() {
            Some(exact) => Ok(exact.truncated().value()?),
            None => not("a number or a string", of),
        },
        (F::Decimal, Value::Text(text)) => parse(text),
        (F::Decimal, Value::Float(value)) => parse(&format!("{value}")),
        (F::Decimal, of) if of.is_number() => Ok(of.clone()),
        (F::Decimal, of) => not("a number or a string", of),
        (F::Float, Value::Text(text)) => {
            parse(text)?;
            scalar::float(text).ok_or(Why::Limit("the float is not finite"))
        }
        (F::Float, of) => match to_float(of) {
            Some(value) => float(value),
            None => not("a number or a string", of),
        },
        (F::String, of) => {
            meter.pay_for(of)?;
            match scalar::text(of) {
                Some(text) => Ok(Value::Text(text)),
                None if matches!(of, Value::Bytes(_)) => Err(Why::Malformed("UTF-8")),
                None => not("a scalar", of),
            }
        }
        (F::Bytes, Value::Bytes(_)) => Ok(a.clone()),
        (F::Bytes, of) => Ok(Value::Bytes(as_text(of)?.as_bytes().into())),
        (F::Timestamp, Value::Timestamp(_)) => Ok(a.clone()),
        (F::Timestamp, of) => {
            scalar::timestamp(as_text(of)?).map(Value::Timestamp).ok_or(Why::Malformed("an RFC 3339 timestamp"))
        }
        (F::Duration, Value::Duration(_)) => Ok(a.clone()),
        (F::Duration, of) => {
            let parsed = scalar::duration(as_text(of)?);
            parsed.map(|(micros, _)| Value::Duration(micros)).ok_or(Why::Malformed("a duration"))
        }
        (F::Sha256, of) => {
            let bytes = match of {
                Value::Bytes(bytes) => bytes,
                Value::Text(text) => text.as_bytes(),
                other => return not("bytes", other),
            };
            meter.pay(bytes.len() / 8)?;
            Ok(Value::Bytes(hmac_sha256::Hash::hash(bytes).as_slice().into()))
        }
        (F::Hex, Value::Bytes(bytes)) => {
            meter.pay(bytes.len())?;
            Ok(Value::Text(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()))
        }
        (F::Hex, other) => not("bytes", other),
        _ => Err(Why::Malformed("a call with the right number of arguments")),
    }
}

fn of_two(function: Function, a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Why> {
    use Function as F;
    match function {
        F::Add | F::Remove => {
            meter.pay(b.extent().weight as usize)?;
            match (function, a) {
                // What changes nothing copies nothing.
                (F::Add, Value::Set(set)) if set.contains(b) => Ok(a.clone()),
                (F::Remove, Value::Set(set)) if !set.contains(b) => Ok(a.clone()),
                (F::Remove, Value::Map(map)) if map.get(b).is_none() => Ok(a.clone()),
                (F::Add, Value::Set(set)) => {
                    let mut set = super::collection::Set::clone(set);
                    set.add(b.clone())?;
                    Ok(Value::Set(Arc::new(set)))
                }
                (F::Add, other) => not("a set", other),
                (_, Value::Set(set)) => {
                    let mut set = super::collection::Set::clone(set);
                    set.remove(b);
                    Ok(Value::Set(Arc::new(set)))
                }
                (_, Value::Map(_) | Value::Record(_)) => {
                    if let Value::Record(record) = a {
                        meter.pay(record.len())?;
                    }
                    let mut map = as_map(a)?;
                    map.remove(b);
                    Ok(Value::Map(Arc::new(map)))
                }
                (_, other) => not("a set or a map", other),
            }
        }
        F::Split => {
            let (text, by) = (as_text(a)?, as_text(b)?);
            meter.pay(text.len())?;
            let part = |part: &str| Value::text(part);
            // An empty separator stands between all characters.
            let list = if by.is_empty() {
                List::of(text.chars().map(|c| part(c.encode_utf8(&mut [0; 4]))))?
            } else {
                List::of(text.split(&**by).map(part))?
            };
            Ok(Value::List(Arc::new(list)))
        }
        F::Glob => {
            let (pattern, text) = (as_text(a)?, as_text(b)?);
            meter.pay(pattern.len().saturating_mul(text.len()) / 16)?;
            Ok(Value::Bool(glob(pattern, text)))
        }
        F::Matches => {
            let (text, expression) = (as_text(a)?, as_text(b)?);
            meter.pay(expression.len().saturating_mul(256))?;
            let regex = pattern(expression).ok_or(Why::Pattern)?;
            matches(text, &regex, meter)
        }
        F::Contains => {
            let (text, part) = (as_text(a)?, as_text(b)?);
            meter.pay(text.len().saturating_add(part.len()) / 8)?;
            Ok(Value::Bool(text.contains(&**part)))
        }
        F::StartsWith => Ok(Value::Bool(as_text(a)?.starts_with(&**as_text(b)?))),
        F::EndsWith => Ok(Value::Bool(as_text(a)?.ends_with(&**as_text(b)?))),
        _ => Err(Why::Malformed("a call with the right number of arguments")),
    }
}

/// Whether an expression finds something in a text.
pub(super) fn matches(text: &str, regex: &Regex, meter: &mut Meter) -> Result<Value, Why> {
    meter.pay((text.len() / 4).saturating_add(16))?;
    Ok(Value::Bool(regex.is_match(text)))
}

/// `*` stands for any text, `?` for one character. Only the last star is tried again, so the time is at most the product
/// of the lengths.
fn glob(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern.chars(), text.chars());
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut next_p, mut next_t) = (p.clone(), t.clone());
        match (next_p.next(), next_t.next()) {
            (Some('*'), _) => {
                star = Some((next_p.clone(), t.clone()));
                p = next_p;
                continue;
            }
            (Some(want), Some(is)) if want == '?' || want == is => {
                (p, t) = (next_p, next_t);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, from)) = &mut star else { return false };
        if from.next().is_none() {
            return false;
        }
        (p, t) = (after.clone(), from.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text, expect) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("cost.*", "cost.usd", true),
            ("?x", "äx", true),
            ("?", "", false),
            ("**", "abc", true),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), expect, "{pattern} {text}");
        }
    }
}

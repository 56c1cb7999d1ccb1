//! Operators and built-in functions on values: one meaning, for the walker and the bytecode alike.
//!
//! Work that grows with its operands is paid for on a [`Meter`], so no operand makes a step slow.

use std::{cmp::Ordering, sync::Arc};

use num_bigint::BigInt;
use regex::{Regex, RegexBuilder};

use super::{
    Operator, Value,
    collection::{List, Map},
    fault::Why,
    number::{Exact, MAX_SCALE, NotNumber, Small},
    scalar,
};

/// How much one evaluation may do, in steps of some nanoseconds.
pub const MAX_STEPS: u64 = 1_000_000;
/// The longest text that is built, in bytes.
pub const MAX_TEXT: usize = 1 << 24;
/// The largest compiled regular expression, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// What is left of the steps.
#[derive(Clone, Debug)]
pub(super) struct Meter(u64);

impl Meter {
    pub(super) fn full() -> Self {
        Self(MAX_STEPS)
    }

    /// Pays for so much work.
    #[inline]
    pub(super) fn pay(&mut self, steps: usize) -> Result<(), Why> {
        match self.0.checked_sub(steps as u64) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(Why::Limit("this takes too many steps"))
            }
        }
    }

    /// How much may still be done.
    pub(super) fn left(&self) -> u64 {
        self.0
    }

    /// Pays for looking at all of a value.
    fn pay_for(&mut self, value: &Value) -> Result<(), Why> {
        self.pay(value.extent().weight as usize)
    }
}

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

fn operands(operator: Operator, a: &Value, b: &Value) -> Why {
    Why::Operands { operator: operator.text(), left: a.kind(), right: b.kind() }
}

fn not<T>(wanted: &'static str, found: &Value) -> Result<T, Why> {
    Err(Why::Not { wanted, found: found.kind() })
}

/// Two values and an operator between them.
pub(super) fn binary(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Why> {
    use Operator as O;
    match operator {
        O::Eq | O::Ne => {
            if let (Value::Int(a), Value::Int(b)) = (a, b) {
                return Ok(Value::Bool((a == b) == (operator == O::Eq)));
            }
            meter.pay(a.extent().weight.min(b.extent().weight) as usize)?;
            Ok(Value::Bool((a == b) == (operator == O::Eq)))
        }
        O::Lt | O::Le | O::Gt | O::Ge => {
            let order = match (a, b) {
                (Value::Int(a), Value::Int(b)) => a.cmp(b),
                _ => order(operator, a, b, meter)?,
            };
            Ok(Value::Bool(match operator {
                O::Lt => order.is_lt(),
                O::Le => order.is_le(),
                O::Gt => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        O::In => contains(a, b, meter).map(Value::Bool),
        O::Add | O::Sub | O::Mul | O::Div | O::Quotient | O::Rem => {
            if let (Value::Int(x), Value::Int(y)) = (a, b) {
                let small = match operator {
                    O::Add => x.checked_add(*y),
                    O::Sub => x.checked_sub(*y),
                    O::Mul => x.checked_mul(*y),
                    O::Div => x.checked_div(*y),
                    O::Rem if *y == -1 => Some(0),
                    O::Rem => x.checked_rem(*y),
                    _ => None,
                };
                if let Some(small) = small {
                    return Ok(Value::Int(small));
                }
            }
            arithmetic(operator, a, b, meter)
        }
    }
}

fn order(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Ordering, Why> {
    let number = |value: &Value| value.is_number() || matches!(value, Value::Float(_));
    let alike = match (a, b) {
        (Value::Bool(_), Value::Bool(_))
        | (Value::Text(_), Value::Text(_))
        | (Value::Bytes(_), Value::Bytes(_))
        | (Value::Timestamp(_), Value::Timestamp(_))
        | (Value::Duration(_), Value::Duration(_)) => true,
        _ => number(a) && number(b),
    };
    if !alike {
        return Err(operands(operator, a, b));
    }
    meter.pay(a.extent().weight.min(b.extent().weight) as usize)?;
    Ok(a.cmp(b))
}

/// `a in b`
fn contains(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Why> {
    let weight = a.extent().weight as usize;
    match b {
        Value::List(list) => {
            meter.pay(list.len())?;
            for item in list.iter() {
                meter.pay(weight.min(item.extent().weight as usize))?;
                if item == a {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Set(set) => {
            meter.pay(weight.saturating_mul(16))?;
            Ok(set.contains(a))
        }
        Value::Map(map) => {
            meter.pay(weight.saturating_mul(16))?;
            Ok(map.get(a).is_some())
        }
        Value::Record(record) => match a {
            Value::Text(name) => Ok(record.get(name).is_some()),
            _ => Ok(false),
        },
        _ => Err(operands(Operator::In, a, b)),
    }
}

fn duration(micros: Option<i64>) -> Result<Value, Why> {
    micros.map(Value::Duration).ok_or(Why::Limit("the duration is too long"))
}

fn timestamp(micros: Option<i64>) -> Result<Value, Why> {
    micros.map(Value::Timestamp).ok_or(Why::Limit("the timestamp is too far away"))
}

fn arithmetic(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Why> {
    use Operator as O;
    match (operator, a, b) {
        (O::Add, Value::Text(x), Value::Text(y)) => {
            let length = x.len().saturating_add(y.len());
            if length > MAX_TEXT {
                return Err(Why::Limit("the string is too long"));
            }
            meter.pay(length / 32)?;
            Ok(Value::Text(format!("{x}{y}").into()))
        }
        (O::Add, Value::Bytes(x), Value::Bytes(y)) => {
            let length = x.len().saturating_add(y.len());
            if length > MAX_TEXT {
                return Err(Why::Limit("there are too many bytes"));
            }
            meter.pay(length / 32)?;
            Ok(Value::Bytes([&**x, &**y].concat().into()))
        }
        (O::Add, Value::List(x), Value::List(y)) => {
            meter.pay(y.len().max(64))?;
            let mut list = List::clone(x);
            list.append(y)?;
            Ok(Value::List(Arc::new(list)))
        }
        (O::Add, Value::Timestamp(at), Value::Duration(by)) | (O::Add, Value::Duration(by), Value::Timestamp(at)) => {
            timestamp(at.checked_add(*by))
        }
        (O::Sub, Value::Timestamp(at), Value::Duration(by)) => timestamp(at.checked_sub(*by)),
        (O::Sub, Value::Timestamp(x), Value::Timestamp(y)) => duration(x.checked_sub(*y)),
        (O::Add, Value::Duration(x), Value::Duration(y)) => duration(x.checked_add(*y)),
        (O::Sub, Value::Duration(x), Value::Duration(y)) => duration(x.checked_sub(*y)),
        (O::Mul, Value::Duration(x), factor) | (O::Mul, factor, Value::Duration(x)) if factor.is_number() => {
            let product = factor.exact().map(|factor| factor.mul(&Exact::integer(BigInt::from(*x))));
            match product.map(Exact::value) {
                Some(Ok(Value::Int(micros))) => duration(Some(micros)),
                Some(Ok(Value::Small(_))) => Err(Why::Inexact),
                _ => duration(None),
            }
        }
        (_, Value::Float(_), _) | (_, _, Value::Float(_)) => floats(operator, a, b),
        _ => numbers(operator, a, b, meter),
    }
}

fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(float) => Some(*float),
        other => other.exact()?.float(),
    }
}

fn floats(operator: Operator, a: &Value, b: &Value) -> Result<Value, Why> {
    let (Some(x), Some(y)) = (to_float(a), to_float(b)) else { return Err(operands(operator, a, b)) };
    let result = match operator {
        Operator::Add => x + y,
        Operator::Sub => x - y,
        Operator::Mul => x * y,
        Operator::Div | Operator::Quotient if y == 0.0 => return Err(Why::ZeroDivisor),
        Operator::Div | Operator::Quotient => x / y,
        _ => return Err(operands(operator, a, b)),
    };
    float(result)
}

fn float(float: f64) -> Result<Value, Why> {
    // One zero: the other has the same worth.
    if float.is_finite() {
        Ok(Value::Float(if float == 0.0 { 0.0 } else { float }))
    } else {
        Err(Why::Limit("the float is not finite"))
    }
}

/// Numbers as mantissa and scale, where both mantissas fit a word.
fn small(value: &Value) -> Option<(i128, u32)> {
    match value {
        Value::Int(int) => Some((i128::from(*int), 0)),
        Value::Small(small) => {
            let (mantissa, scale) = small.parts();
            Some((i128::from(mantissa), u32::from(scale)))
        }
        _ => None,
    }
}

fn numbers(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Why> {
    use Operator as O;
    if let (Some((x, p)), Some((y, q))) = (small(a), small(b)) {
        let scale = p.max(q);
        let lift = |n: i128, from: u32| n.checked_mul(10i128.checked_pow(scale.saturating_sub(from))?);
        let result = match operator {
            O::Add | O::Sub => lift(x, p).zip(lift(y, q)).and_then(|(x, y)| {
                let sum = if operator == O::Add { x.checked_add(y)? } else { x.checked_sub(y)? };
                Small::reduced(sum, scale)
            }),
            O::Mul => x.checked_mul(y).and_then(|product| Small::reduced(product, p.saturating_add(q))),
            O::Quotient if q == 0 && y != 0 => match x.checked_rem(y) {
                Some(0) => x.checked_div(y).and_then(|quotient| Small::reduced(quotient, p)),
                _ => None,
            },
            _ => None,
        };
        if let Some(result) = result {
            return Ok(result);
        }
    }
    meter.pay(64)?;
    let (Some(x), Some(y)) = (Exact::of(a), Exact::of(b)) else { return Err(operands(operator, a, b)) };
    let zero = matches!(b, Value::Int(0));
    let result = match operator {
        O::Add => x.add(&y),
        O::Sub => x.sub(&y),
        O::Mul => x.mul(&y),
        O::Quotient if zero => return Err(Why::ZeroDivisor),
        O::Quotient => x.quotient(&y).ok_or(Why::Inexact)?,
        O::Div | O::Rem => {
            if !x.is_integer() || !y.is_integer() {
                // Nothing says that these are to be divided without a rest.
                match operator {
                    O::Div if zero => return Err(Why::ZeroDivisor),
                    O::Div => return Ok(x.quotient(&y).ok_or(Why::Inexact)?.value()?),
                    _ => return Err(operands(operator, a, b)),
                }
            }
            let (quotient, rest) = x.div_rem(&y).ok_or(Why::ZeroDivisor)?;
            if operator == O::Div { quotient } else { rest }
        }
        _ => return Err(operands(operator, a, b)),
    };
    Ok(result.value()?)
}

/// `-a`
pub(super) fn negate(a: &Value) -> Result<Value, Why> {
    match a {
        Value::Int(int) => match int.checked_neg() {
            Some(int) => Ok(Value::Int(int)),
            None => Ok(Exact::integer(BigInt::from(*int)).neg().value()?),
        },
        Value::Small(_) | Value::Exact(_) => match Exact::of(a) {
            Some(exact) => Ok(exact.neg().value()?),
            None => not("a number", a),
        },
        Value::Float(value) => float(-value),
        Value::Duration(micros) => duration(micros.checked_neg()),
        other => not("a number", other),
    }
}

/// `!a`
pub(super) fn invert(a: &Value) -> Result<Value, Why> {
    truth(a).map(|value| Value::Bool(!value))
}

/// What a condition says.
pub(super) fn truth(value: &Value) -> Result<bool, Why> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => not("a boolean", other),
    }
}

/// `a.x`
pub(super) fn member<'v>(of: &'v Value, name: &Arc<str>) -> Result<&'v Value, Why> {
    let found = match of {
        Value::Record(record) => record.get(name),
        Value::Map(map) => map.get(&Value::Text(name.clone())),
        other => return not("a record", other),
    };
    found.ok_or_else(|| Why::NoField(name.clone()))
}

/// `a.x`, if it is there; whatever has no members has none.
pub(super) fn find<'v>(of: &'v Value, name: &Arc<str>) -> Option<&'v Value> {
    match of {
        Value::Record(record) => record.get(name),
        Value::Map(map) => map.get(&Value::Text(name.clone())),
        _ => None,
    }
}

/// `a[i]`
pub(super) fn index<'v>(of: &'v Value, at: &Value) -> Result<&'v Value, Why> {
    match of {
        Value::List(list) => {
            let place = match at {
                Value::Int(at) => usize::try_from(*at).ok(),
                Value::Exact(at) if at.is_integer() => None,
                other => return not("an integer", other),
            };
            place.and_then(|at| list.get(at)).ok_or(Why::OutOfRange { length: list.len() })
        }
        Value::Map(map) => map.get(at).ok_or(Why::NoKey),
        Value::Record(record) => match at {
            Value::Text(name) => record.get(name).ok_or(Why::NoKey),
            _ => Err(Why::NoKey),
        },
        other => not("a list or a map", other),
    }
}

/// What a macro goes through: elements of lists and sets, keys of maps.
pub(super) fn elements(of: &Value) -> Result<Vec<Value>, Why> {
    Ok(match of {
        Value::List(list) => list.iter().cloned().collect(),
        Value::Set(set) => set.iter().cloned().collect(),
        Value::Map(map) => map.iter().map(|(key, _)| key.clone()).collect(),
        Value::Record(record) => record.iter().map(|(name, _)| Value::Text(name.clone())).collect(),
        other => return not("a collection", other),
    })
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

//! Operators on values: one meaning, for the walker and the bytecode alike.

use std::{cmp::Ordering, sync::Arc};

use num_bigint::BigInt;

use super::{
    Operator, Value,
    collection::List,
    fault::Why,
    meter::{MAX_TEXT, Meter},
    number::{Exact, Small},
};

fn operands(operator: Operator, a: &Value, b: &Value) -> Why {
    Why::Operands { operator: operator.text(), left: a.kind(), right: b.kind() }
}

pub(super) fn not<T>(wanted: &'static str, found: &Value) -> Result<T, Why> {
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

pub(super) fn order(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Ordering, Why> {
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

pub(super) fn to_float(value: &Value) -> Option<f64> {
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

pub(super) fn float(float: f64) -> Result<Value, Why> {
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

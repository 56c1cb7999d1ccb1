//! Payloads of traces: expressions that are literals, as JSON.

use serde_json::{Map, Number, Value};

use crate::{
    diag::Span,
    syntax::tree::{Expr, ExprKind, Literal, UnaryOp},
};

/// The JSON value of a literal; the place of what is none.
///
/// Numbers that JSON readers would round are strings: the language reads decimal strings as exact numbers.
pub(super) fn value(expr: &Expr) -> Result<Value, Span> {
    match &expr.kind {
        ExprKind::Literal(literal) => Ok(match literal {
            Literal::Int(text) => number(text),
            Literal::Decimal(text) => decimal(text),
            Literal::String(text) | Literal::Duration(text) => Value::String(text.to_string()),
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Null => Value::Null,
        }),
        ExprKind::Unary(UnaryOp::Minus, of) => match &of.kind {
            ExprKind::Literal(Literal::Int(text)) => Ok(number(&format!("-{text}"))),
            ExprKind::Literal(Literal::Decimal(text)) => Ok(decimal(&format!("-{text}"))),
            _ => Err(expr.span),
        },
        ExprKind::List(items) => items.iter().map(value).collect::<Result<_, _>>().map(Value::Array),
        ExprKind::Map(items) => {
            let pairs = items.iter().map(|(key, item)| Ok((value(key)?, value(item)?)));
            let pairs: Vec<(Value, Value)> = pairs.collect::<Result<_, Span>>()?;
            if pairs.iter().all(|(key, _)| key.is_string()) {
                let entry = |(key, item): (Value, Value)| Some((key.as_str()?.to_owned(), item));
                return Ok(Value::Object(pairs.into_iter().filter_map(entry).collect::<Map<_, _>>()));
            }
            Ok(Value::Array(pairs.into_iter().map(|(key, item)| Value::Array(vec![key, item])).collect()))
        }
        _ => Err(expr.span),
    }
}

fn number(text: &str) -> Value {
    let small = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    small.map_or_else(|_| Value::String(text.to_owned()), Value::Number)
}

fn decimal(text: &str) -> Value {
    let float = text.parse::<f64>().ok().and_then(Number::from_f64);
    match float {
        Some(float) if float.to_string() == text => Value::Number(float),
        _ => Value::String(text.to_owned()),
    }
}

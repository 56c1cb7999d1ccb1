//! Constants: values of `const` parameters and `foreach` variables, known before anything is read.
//!
//! They count roles, bound channels and index families, so they are plain numbers here; expressions that are evaluated
//! when a session runs see them as values.

use std::fmt;

use crate::{
    diag::Span,
    syntax::tree::{BinaryOp, Expr, ExprKind, Literal, UnaryOp},
};

/// The value of a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::protocol) enum Const {
    Int(i128),
    Decimal(Box<str>),
    String(Box<str>),
    Duration(Box<str>),
    Bool(bool),
}

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Decimal(text) | Self::Duration(text) => f.write_str(text),
            Self::String(text) => write!(f, "\"{}\"", text.escape_default()),
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

impl Const {
    /// As a literal.
    pub(super) fn literal(&self) -> Literal {
        match self {
            Self::Int(value) => Literal::Int(value.to_string().into()),
            Self::Decimal(text) => Literal::Decimal(text.clone()),
            Self::String(text) => Literal::String(text.clone()),
            Self::Duration(text) => Literal::Duration(text.clone()),
            Self::Bool(value) => Literal::Bool(*value),
        }
    }
}

/// The value of a constant expression; the place of what is none, or has too many digits.
pub(super) fn evaluate<'c>(expr: &Expr, known: &dyn Fn(&str) -> Option<&'c Const>) -> Result<Const, Span> {
    let number = |expr: &Expr| match evaluate(expr, known)? {
        Const::Int(value) => Ok(value),
        _ => Err(expr.span),
    };
    Ok(match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Int(digits) => Const::Int(digits.parse().map_err(|_| expr.span)?),
            Literal::Decimal(text) => Const::Decimal(text.clone()),
            Literal::String(text) => Const::String(text.clone()),
            Literal::Duration(text) => Const::Duration(text.clone()),
            Literal::Bool(value) => Const::Bool(*value),
            Literal::Null => return Err(expr.span),
        },
        ExprKind::Name(name) => known(&name.text).cloned().ok_or(name.span)?,
        ExprKind::Unary(UnaryOp::Minus, of) => Const::Int(number(of)?.checked_neg().ok_or(expr.span)?),
        ExprKind::Binary(first, rest) => {
            let mut value = number(first)?;
            for (op, right) in rest {
                let with = number(right)?;
                value = match op {
                    BinaryOp::Add => value.checked_add(with),
                    BinaryOp::Sub => value.checked_sub(with),
                    BinaryOp::Mul => value.checked_mul(with),
                    BinaryOp::Div => value.checked_div(with),
                    BinaryOp::Rem => value.checked_rem(with),
                    _ => None,
                }
                .ok_or(expr.span)?;
            }
            Const::Int(value)
        }
        _ => return Err(expr.span),
    })
}

//! Why an expression has no value.

use std::{fmt, sync::Arc};

use super::{Misfit, collection::Oversize, number::TooBig, tree::Spot};
use crate::diag::Span;

/// An expression that has no value, and the part of it that is to blame. It is never "true".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Box<(Why, Span)>);

/// Why. No value is quoted: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A name that holds nothing: a variable not set yet, an optional field that is absent.
    Unset(Arc<str>),
    /// A record without this field.
    NoField(Arc<str>),
    /// A map without this key.
    NoKey,
    /// A list that ends before the index.
    OutOfRange {
        /// How long it is.
        length: usize,
    },
    /// A collection without elements, where one is needed.
    Empty,
    /// A division by zero.
    ZeroDivisor,
    /// A decimal quotient without end.
    Inexact,
    /// A value of the wrong kind.
    Not {
        /// What is needed.
        wanted: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// An operator that is not for these.
    Operands {
        /// The operator.
        operator: &'static str,
        /// The kind of the left one.
        left: &'static str,
        /// The kind of the right one.
        right: &'static str,
    },
    /// A value that does not fit a sort.
    Misfit(Misfit),
    /// A text that is not what it should be.
    Malformed(&'static str),
    /// A limit.
    Limit(&'static str),
    /// A map literal with a key twice.
    KeyTwice,
    /// A regular expression that is none, or too large.
    Pattern,
    /// No time is known.
    NoTime,
    /// The host did not answer.
    NoAnswer,
    /// A family without this instance, or an instance without a value yet.
    NoInstance(Arc<str>),
}

impl Fault {
    pub(crate) fn new(why: Why, spot: Spot) -> Self {
        Self(Box::new((why, spot.0)))
    }

    /// The reason.
    #[must_use]
    pub fn why(&self) -> &Why {
        &self.0.0
    }

    /// The part of the expression that has no value.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.1
    }
}

impl From<TooBig> for Why {
    fn from(_: TooBig) -> Self {
        Self::Limit("the number is too large")
    }
}

impl From<Oversize> for Why {
    fn from(_: Oversize) -> Self {
        Self::Limit("the value is too large")
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(f, "`{name}` has no value"),
            Self::NoField(name) => write!(f, "there is no field `{name}`"),
            Self::NoKey => f.write_str("the map does not have this key"),
            Self::OutOfRange { length } => write!(f, "the index is not one of a list of {length}"),
            Self::Empty => f.write_str("there is no element"),
            Self::ZeroDivisor => f.write_str("division by zero"),
            Self::Inexact => f.write_str("the quotient has no end"),
            Self::Not { wanted, found } => write!(f, "this is {found}, not {wanted}"),
            Self::Operands { operator, left, right } => write!(f, "`{operator}` is not for {left} and {right}"),
            Self::Misfit(misfit) => write!(f, "{misfit}"),
            Self::Malformed(what) => write!(f, "this is not {what}"),
            Self::Limit(what) => f.write_str(what),
            Self::KeyTwice => f.write_str("the map has a key twice"),
            Self::Pattern => f.write_str("this is no regular expression, or too large a one"),
            Self::NoTime => f.write_str("the time is not known"),
            Self::NoAnswer => f.write_str("the host does not answer"),
            Self::NoInstance(name) => write!(f, "there is no instance with a value of `{name}`"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why().fmt(f)
    }
}

impl std::error::Error for Fault {}

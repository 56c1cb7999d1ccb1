//! What the host says of extern predicates: asked while expressions are evaluated, and never kept.

use std::fmt;

use super::{ExternId, Value};

/// The answers of the host. A closure is one: `|id, args| Some(…)`.
pub trait Externs {
    /// Whether an extern predicate holds of some values; none if the host does not know, and what asks has then no value.
    fn ask(&self, id: ExternId, args: &[Value]) -> Option<bool>;
}

impl<F: Fn(ExternId, &[Value]) -> Option<bool>> Externs for F {
    fn ask(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self(id, args)
    }
}

impl fmt::Debug for dyn Externs + Send + Sync + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Externs")
    }
}

impl fmt::Debug for dyn Externs + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Externs")
    }
}

/// Everything is true: without a host. Whoever uses it lists what was assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed;

impl Externs for Assumed {
    fn ask(&self, _id: ExternId, _args: &[Value]) -> Option<bool> {
        Some(true)
    }
}

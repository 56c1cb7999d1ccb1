//! What a witness says: a predicate, asked of values before any message is sent.
//!
//! Comes in: values for its parameters, the time, and the host's answers. Goes out: whether it holds. `def`s are pure, so
//! no role's variables are read; which of a role's values are its arguments is said by the [`Requirement`] of a message.
//!
//! [`Requirement`]: super::Requirement

use smallvec::SmallVec;

use super::rule::{PAYLOAD, Predicate, PredicateBody, place};
use crate::data::{Env, ExternId, Externs, Fault, Slot, Spot, Value, Why, coerce};

/// Values for parameters, in their order.
pub type Args = SmallVec<[Value; 2]>;

/// The parameters as what they are in the code of a `def`: payload fields.
struct Asked<'a> {
    args: &'a [Value],
    now: i64,
    externs: &'a dyn Externs,
}

impl Env for Asked<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, at) = place(slot);
        self.args.get(at as usize).filter(|_| depth == PAYLOAD)
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.externs.ask(id, args)
    }
}

impl Predicate {
    /// The values as arguments: one for each parameter, as one of its sort. Two witnesses are of the same arguments if
    /// these are equal.
    pub fn arguments(&self, values: &[Value], now: i64, externs: &dyn Externs) -> Result<Args, Fault> {
        if values.len() != self.params.len() {
            return Err(Fault::new(Why::Malformed("a value for each parameter"), self.spot));
        }
        let env = Asked { args: &[], now, externs };
        let one = |(value, (_, sort)): (&Value, &(Box<str>, crate::data::Sort))| {
            coerce(sort, value, &env).map_err(|misfit| Fault::new(Why::Misfit(misfit), self.spot))
        };
        values.iter().zip(&self.params).map(one).collect()
    }

    /// Whether it holds of arguments, as [`Predicate::arguments`] gives them; a fault is never "true".
    pub fn holds(&self, args: &[Value], now: i64, externs: &dyn Externs) -> Result<bool, Fault> {
        match &self.body {
            PredicateBody::Def(code) => code.holds(&Asked { args, now, externs }),
            PredicateBody::Extern(id) => {
                externs.ask(*id, args).ok_or_else(|| Fault::new(Why::NoAnswer, Spot(self.spot.0)))
            }
        }
    }
}

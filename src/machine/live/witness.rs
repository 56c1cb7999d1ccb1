//! Witnesses that a step needs: of what, and with which values.
//!
//! What a `def` says is evaluated with the sender's copies when it sends, as its conditions are; what the host says was
//! asked when the witness was issued, and is not asked again. Whether there is a witness is for whoever keeps them: a
//! store matches what was handed in with [`Way::required`].

use super::{End, Why, step::Way};
use crate::{
    data::{Code, Fault, Value},
    protocol::{Args, Rule},
};

/// A witness that a step consumes: which of the rule's requirements it is for, and the values of the arguments.
pub type Required = (usize, Args);

impl Way {
    /// The witnesses that the sender's step consumes, in the order of [`Rule::requires`]. Of a repetition, and of what is
    /// received, there are none.
    #[must_use]
    pub fn required(&self) -> &[Required] {
        match self.taken.first() {
            Some(taken) if taken.end == End::From => &taken.required,
            _ => &[],
        }
    }
}

/// What a rule requires of a step, if that is true where it can be evaluated. `lenient` about names that hold nothing.
pub(super) fn required(
    rule: &Rule,
    lenient: impl Fn(&Fault) -> bool,
    view: impl Fn(&Code) -> Result<Value, Fault>,
) -> Result<Vec<Required>, Why> {
    let mut all = Vec::new();
    for (number, requirement) in rule.requires.iter().enumerate() {
        if !requirement.is_extern() {
            match view(&requirement.holds) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Err(Why::Unwitnessed { requirement: number }),
                Err(fault) if lenient(&fault) => continue,
                Err(fault) => return Err(Why::Fault(fault)),
            }
        }
        match requirement.args.iter().map(&view).collect::<Result<Args, Fault>>() {
            Ok(args) => all.push((number, args)),
            Err(fault) if lenient(&fault) => {}
            Err(fault) => return Err(Why::Fault(fault)),
        }
    }
    Ok(all)
}

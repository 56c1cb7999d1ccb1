//! What an evaluation may cost: work that grows with its operands is paid for, so that no operand makes a step slow.

use super::{Value, fault::Why};

/// How much one evaluation may do, in steps of some nanoseconds.
pub const MAX_STEPS: u64 = 1_000_000;
/// The longest text that is built, in bytes.
pub const MAX_TEXT: usize = 1 << 24;
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
    pub(super) fn pay_for(&mut self, value: &Value) -> Result<(), Why> {
        self.pay(value.extent().weight as usize)
    }
}

//! Conditions that several messages have in common: most often that of a block around them. Where they read no payload, they
//! are looked at once for all messages that an event may be.
//!
//! INVARIANT (same): two conditions have one number only if they are the same and of the same sender, so that they say the
//! same in one configuration and at one time.

/// What is known, in one configuration and at one time, of conditions that several messages share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shared {
    /// Those that hold, by their numbers.
    holds: u64,
    /// Those that are false.
    fails: u64,
}

impl Shared {
    /// No number.
    pub(super) const NONE: u8 = u8::MAX;
    /// Numbers are less.
    pub(super) const MOST: u8 = 64;

    /// Whether a condition holds, if that is known.
    #[inline]
    pub(super) fn get(&self, number: u8) -> Option<bool> {
        let bit = 1_u64.checked_shl(u32::from(number)).unwrap_or_default();
        if self.holds & bit != 0 {
            return Some(true);
        }
        (self.fails & bit != 0).then_some(false)
    }

    /// Whether a condition holds is known from now on.
    #[inline]
    pub(super) fn set(&mut self, number: u8, holds: bool) {
        let bit = 1_u64.checked_shl(u32::from(number)).unwrap_or_default();
        *(if holds { &mut self.holds } else { &mut self.fails }) |= bit;
    }
}

//! `polylogue run`: every operation of the JSON protocol, every refusal that can be had by it, and whatever is no request.
//!
//! One line out for each line in is asserted for all that is written here, by [`Talk::say`] and [`answers`].

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod run {
    mod malformed;
    mod ops;
    mod person;
    mod refusals;
    pub(crate) mod talk;
    mod watched;
}

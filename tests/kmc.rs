//! k-multiparty compatibility and the published properties: the corpus, brute force over small systems, families.
//!
//! Bugs that were put in on purpose, and a test that objects:
//!
//! | bug | test |
//! |---|---|

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "kmc/brute.rs"]
mod brute;
#[path = "verify/common.rs"]
#[allow(dead_code, reason = "shared with another target, which uses all of it")]
mod common;
#[path = "kmc/corpus.rs"]
mod corpus;
#[path = "kmc/families.rs"]
mod families;
#[path = "kmc/published.rs"]
mod published;
#[path = "kmc/slow.rs"]
mod slow;

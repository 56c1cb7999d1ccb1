//! The session store against a slow one: see `random`, `recursion`, `bounds`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod bounds;
mod forest;
mod protocols;
mod random;
mod recursion;
mod seldom;
#[path = "../common/shared.rs"]
mod shared;
mod slow;
mod trees;
mod watched;

//! The verifier: exact counts by hand, the public corpus, and the plain search over the reference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "verify/claims.rs"]
mod claims;
#[path = "verify/common.rs"]
mod common;
#[path = "verify/corpus.rs"]
mod corpus;
#[path = "verify/globals.rs"]
mod globals;
#[path = "verify/hand.rs"]
mod hand;
#[path = "verify/naive.rs"]
mod naive;

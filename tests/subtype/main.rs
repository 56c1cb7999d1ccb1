//! Asynchronous subtyping: the corpora, a plain game, generated pairs, certificates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod common;
mod corpus;
mod fair;
mod game;
mod hand;
mod machines;
mod metamorphic;
mod phases;
mod rewrites;
#[path = "../common/shared.rs"]
mod shared;
mod small;

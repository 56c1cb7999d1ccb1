//! Traces: the checker against replay from the start, the fast scanner against the slow one and against serde_json,
//! maps, payloads, and the text of every finding.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "tests"
)]

#[path = "trace/again.rs"]
mod again;
#[path = "trace/common.rs"]
mod common;
#[path = "trace/findings.rs"]
mod findings;
#[path = "trace/lines.rs"]
mod lines;
#[path = "trace/maps.rs"]
mod maps;
#[path = "trace/replay.rs"]
mod replay;
#[path = "trace/rules.rs"]
mod rules;
#[path = "common/shared.rs"]
mod shared;
#[path = "trace/sizes.rs"]
mod sizes;

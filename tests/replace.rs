//! Synchronous and fair subtyping: against their definitions on all small machines, against the public corpus, and
//! against what they promise: whoever is right for the larger type is right for the smaller.
//!
//! Bugs that were put in on purpose, and a test that objects:
//!
//! | bug | test |
//! |---|---|
//! | a label of the larger type need not be taken | `sync::all_small_pairs` |
//! | outputs may be left out in fair subtyping | `fair::all_small_pairs` |
//! | the end need not stay in reach to be controllable | `fair::all_small_pairs` |
//! | steps of words are lost when sets are joined | `fair::all_small_pairs` |
//! | payloads are compared the same way round when they are received | `payload::sent_less_received_more` |
//! | sessions are compared the same way round as values | `payload::sessions_that_are_handed_over` |
//! | a message with a smaller payload stays another message in a mixed system | `diff::subtypes_and_explored_systems_agree` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "replace/corpus.rs"]
mod corpus;
#[path = "replace/diff.rs"]
mod diff;
#[path = "replace/fair.rs"]
mod fair;
#[path = "replace/payload.rs"]
mod payload;
#[path = "common/shared.rs"]
mod shared;
#[path = "replace/small.rs"]
mod small;
#[path = "replace/sync.rs"]
mod sync;

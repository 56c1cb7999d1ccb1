//! Synchronous and fair subtyping: against their definitions on all small machines, against the public corpus, and
//! against what they promise: whoever is right for the larger type is right for the smaller.
//!
//! Bugs that were put in on purpose, and a test that objects:
//!
//! | bug | test |
//! |---|---|
//! | a label of the larger type need not be taken | `sync::all_small_pairs` |
//! | pairs are met depth-first | `sync::all_small_pairs` |
//! | outputs may be dropped in fair subtyping | `fair::all_small_pairs` |
//! | the end need not stay in reach to be controllable | `fair::controllable_is_to_have_a_partner` |
//! | words are cut at their first letter when they are joined | `fair::all_small_pairs` |
//! | a certificate is not asked whether words that are left are known | `fair::spoiled_certificates_are_refused` |
//! | payloads are compared the same way round when they are received | `payload::sent_less_received_more` |

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
#[path = "replace/small.rs"]
mod small;
#[path = "replace/sync.rs"]
mod sync;

//! k-multiparty compatibility and the published properties: the corpus, brute force over small systems, families.
//!
//! Bugs that were put in on purpose, and a test that objects:
//!
//! | bug | test |
//! |---|---|
//! | a sender may make room by its own steps | `brute::two_roles_two_states_one_label_mixed` |
//! | only what the actor needs is looked at after a step | `brute::two_roles_three_states_one_label` |
//! | a larger bound does not look again where a send lacked room | `corpus::verdicts_agree_with_the_published_checker` |
//! | the rest of the line is forgotten, or nobody stands behind the first | `brute::three_roles_two_states_one_label` |
//! | a race that a smaller bound showed is forgotten | `brute::session_automata` |
//! | any reception is as good as that of the head in question | `brute::two_roles_three_states_one_label` |
//! | live+ and live++ are mixed up | `published::properties_are_those_of_their_formulas` |
//! | a component in which the goal is met counts as missing it | `published::properties_are_those_of_their_formulas` |
//! | a fair run may meet the goal and still miss it | `published::properties_are_those_of_their_formulas` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "kmc/aimed.rs"]
mod aimed;
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
#[path = "common/shared.rs"]
mod shared;
#[path = "kmc/slow.rs"]
mod slow;

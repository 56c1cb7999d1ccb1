//! The verifier: exact counts by hand, the public corpus, and the plain search over the reference.
//!
//! Bugs that were put in on purpose, and a test that objects (many are caught by several):
//!
//! | bug | test |
//! |---|---|
//! | room for one message more than the bound | `hand::a_flood_is_cut_at_every_bound` |
//! | the last configuration is not looked at | `hand::ping_pong_has_four_configurations` |
//! | a parent's move, or the parent itself, is off by one | `naive::safety_is_that_of_the_plain_search` |
//! | a send that only lacks room makes a deadlock | `hand::each_fault_by_itself` |
//! | a role that may stop and go on counts as stuck | `naive::safety_is_that_of_the_plain_search` |
//! | messages left when all may stop are overlooked | `hand::optional_termination` |
//! | one wrong head suffices for an unspecified reception | `corpus::counts_agree_with_the_corpus` |
//! | a pop leaves the wrong length | `hand::starvation` |
//! | messages lost between the words of a long queue | `hand::a_queue_of_several_words` |
//! | configurations are equal if their first words are | `hand::a_queue_of_several_words` |
//! | zero words of long configurations are restored wrongly | `hand::a_queue_of_several_words` |
//! | no search for a shorter run; its depth off by one, either way | `naive::the_shortest_run_over_all_bounds_is_found` |
//! | a level that cut sends decides liveness | `naive::verdicts_without_a_bound_hold_under_every_bound` |
//! | out of reach under this bound is out of reach for good | `globals::what_is_implementable_gets_no_counterexample` |
//! | messages are no goals of liveness | `naive::liveness_and_termination_are_those_of_plain_closures` |
//! | components joined with ones that are complete | `naive::liveness_and_termination_are_those_of_plain_closures` |
//! | a step back to the same configuration is no cycle | `naive::liveness_and_termination_are_those_of_plain_closures` |
//! | a pump whose next turn receives something else | `hand::pumps` |
//! | a pump that a declared bound stops | `hand::a_flood_is_cut_at_every_bound` |
//! | a level that cut sends "holds" | `hand::a_flood_is_cut_at_every_bound` |
//! | a receive does not depend on its send | `claims::a_choice_that_a_third_role_cannot_see` |

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
#[path = "verify/parallel.rs"]
mod parallel;
#[path = "common/shared.rs"]
mod shared;
#[path = "verify/symmetric.rs"]
mod symmetric;

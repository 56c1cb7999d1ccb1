//! The same work on two session stores in one run: polylogue's, and the published `telltale-machine` 22.
//!
//! ```text
//! cargo bench                      # the release profile as Cargo has it
//! cargo bench --profile lto        # the same with link-time optimization of the whole graph
//! cargo bench --bench times        # nanoseconds alone; `-- message` measures the rows with this in their name
//! cargo bench --bench memory       # allocations, and resident bytes per session
//! PEERS_ROUNDS=15 cargo bench      # more rounds than 7
//! ```
//!
//! * [`rows`] says what is measured: how many operations, which result must come out, which ratio is the goal.
//! * [`side`] is what a store has to do for every row, and the meter that it does it under.
//! * [`telltale`] is the published store, [`polylogue`] ours.
//! * [`specs`] has the protocols, in polylogue's language.
//! * [`harness`] runs the rows on all sides in turn, A B A B, takes medians and prints them.
//!
//! # What keeps the comparison honest
//!
//! * The result of every run is checked against what [`rows`] computes without either store: sums of the payloads that
//!   were received, numbers of steps taken and of sessions that the store itself counts. Each side checks afterwards
//!   that its store still refuses what it must.
//! * Times are taken with the system's allocator as it is. Allocations are counted in another process (`memory`), since
//!   counting costs the side more that allocates more.
//! * Nothing is timed but the operation: plans, payloads and names are made before, stores are dropped after.
//! * What one store does and the other does not is said in the output, one sentence per row and side. In doubt the
//!   published store is spared: it is not asked who owns the session when a step is taken, sessions have a short history
//!   ([`rows::HISTORY`]), and its plan-making is timed only because there is no public way around it.
#![allow(
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench: a failed expectation is its result"
)]

pub mod harness;
pub mod polylogue;
pub mod rows;
pub mod side;
pub mod specs;
pub mod telltale;

use side::Side;

/// Everybody who is measured. The first is the one against which the others' ratios are.
#[must_use]
pub fn sides() -> Vec<Box<dyn Side>> {
    vec![Box::new(telltale::Telltale), Box::new(polylogue::Polylogue::Audited), Box::new(polylogue::Polylogue::Silent)]
}

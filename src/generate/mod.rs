//! Random protocols and systems, the same for the same seed: what tests and fuzzing feed to everything else.
//!
//! Comes in: a [`Rng`]. Goes out: global protocols that are often projectable and need real merges
//! ([`Global`], as a term and as a source text), wild systems that nobody projected and that get stuck, lose and
//! misunderstand messages ([`wild`]), and small spoilings of systems that were right ([`mutate`]); protocols with
//! data, time, scopes and families as texts ([`Rich`]), and events to ask them for ([`Probe`]); specifications that grow
//! with a number, as the literature measures its tools on ([`family`]).
//!
//! It draws nothing from anywhere but the seed, and makes no promise that what it gives is well behaved: only that it
//! keeps the invariants of [`Term`](crate::protocol::Term) and [`Local`](crate::protocol::Local).

mod families;
mod global;
mod mutate;
mod probe;
mod rich;
mod rng;
mod wild;

pub use families::{FAMILIES, FamilyError, Twist, family};
pub use global::{Global, GlobalShape};
pub use mutate::{Mutation, mutate};
pub use probe::Probe;
pub use rich::Rich;
pub use rng::Rng;
pub use wild::{WildShape, channels, local_text, wild, wild_local, wild_terms};

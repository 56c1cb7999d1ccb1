//! The verifier: does a protocol or a system have a property, and if not, a shortest run that shows it.
//!
//! Comes in: machines ([`System`](crate::machine::System)), or a [`Spec`](crate::protocol::Spec) and a claim. Goes out:
//! an [`Outcome`]: a verdict, what it rests on, and what went wrong in a structured [`Detail`]. `Unknown` names its
//! limit and is never a "holds".
//!
//! ```text
//! subject     what a claim is about: the machines, and whether a theorem says something about them
//! judge       which bounds are explored, and what one of them says about all
//! parts       roles that never talk to each other, apart
//! search      breadth first, over packed configurations (packed) in a set of words (visited)
//! symmetry    roles that can be exchanged, and one configuration for all that differ in who is who
//! ahead       several threads expand what the search will come to
//! fault       what is wrong with one configuration: unspecified reception, orphan, deadlock
//! liveness    what is wrong with the graph: starvation, endless runs
//! published   live+, live++ and the fair properties, by their published formulas
//! hopeless    what no bound changes
//! bounded     queues that grow without bound
//! cone        which events a failure depends on
//! counterexample   every run is replayed by the reference before anybody sees it
//! concrete    values for a run that was found with data left out
//! kmc         k-multiparty compatibility: one bound that speaks for all
//! implementability   whether any local types do what a protocol says, by runs that a role cannot tell apart
//! synthesize  a global type from machines, certified by projecting it back
//! complete    that, and the machines by determinization, as answers to claims
//! diff        two versions of a specification: which roles can be replaced
//! subtype     whether one local type can stand wherever another is expected
//! ```
//!
//! There is no clock here and nothing is printed: whoever calls passes a function that is asked every thousand
//! configurations whether to go on ([`Progress`]), and implements time limits and interruption with it.

mod ahead;
mod bounded;
mod check;
mod complete;
mod concrete;
mod cone;
mod counterexample;
mod data;
mod detail;
pub mod diff;
mod expand;
mod fault;
mod hopeless;
mod implementability;
mod judge;
mod kmc;
mod liveness;
mod packed;
mod parts;
mod property;
mod published;
mod search;
mod subject;
pub mod subtype;
mod symmetry;
pub mod synthesize;
mod visited;

pub use check::{Error, Evidence, Outcome, check, check_claim, check_subject, claims};
pub use complete::complete;
pub use detail::{Detail, Queued, Waiting};
pub use expand::expand;
pub use fault::Counts;
pub use implementability::{Condition, Indistinct, Machines};
pub use kmc::Compatible;
pub use property::Property;
pub use subject::Subject;

use crate::solve::Outside;

/// How far a search may go, and who helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Every edge holds at most this many messages, 0 makes every edge synchronous, and the verdict is about that. Without
    /// it the bound grows by itself and the verdict is about the declared semantics.
    pub bound: Option<u32>,
    /// Explore the machines as they are written, to the end even after a violation: the counts are then comparable
    /// with other tools'.
    pub raw: bool,
    /// How far the bound grows by itself.
    pub max_bound: u32,
    /// At most so many configurations per exploration.
    pub max_states: usize,
    /// At most so many bytes per exploration.
    pub max_memory: usize,
    /// How roles have to project to be `projectable`.
    pub projection: Projection,
    /// Whether a role may stop where it could still receive; if nobody says so, `implementable` allows it and
    /// `projectable` by determinization does not.
    pub optional_termination: Option<bool>,
    /// Of configurations that differ only in which of several interchangeable roles is which, look at one, where single
    /// bad configurations are sought. The answer does not depend on it, the counts do.
    pub symmetry: bool,
    /// So many threads explore together, with the feature `parallel`; without it there is one. Whatever is answered does
    /// not depend on it.
    pub threads: usize,
    /// A thread expands so many configurations at a time; where fewer are at hand than two of them would, one thread
    /// goes on alone.
    pub chunk: usize,
    /// Another solver, for what [`crate::solve`] does not decide.
    pub outside: Outside,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bound: None,
            raw: false,
            max_bound: 8,
            max_states: 5_000_000,
            max_memory: 1 << 30,
            projection: Projection::default(),
            optional_termination: None,
            symmetry: true,
            threads: 1,
            chunk: 256,
            outside: Outside::default(),
        }
    }
}

/// How a role's local type is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Projection {
    /// What it does must be the same in all arms, unless each begins with a message to it.
    Plain,
    /// Receives from one peer are united.
    #[default]
    Full,
    /// By determinization of what it sees, which loses nothing that is implementable.
    Complete,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Under which bound.
    pub bound: Option<u32>,
    /// How many configurations were met.
    pub configurations: usize,
    /// How many of them are still to be looked at.
    pub frontier: usize,
    /// How many steps from the start.
    pub depth: usize,
    /// Memory in use.
    pub bytes: usize,
}

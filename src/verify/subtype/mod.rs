//! Subtyping: can one local type stand wherever another is expected.
//!
//! Orientation: `S <: T` is the *process* one: S may select less and must accept more. [`Relation::Channel`] is the
//! converse of the synchronous one.
//!
//! Comes in: a [`Pair`] of local types over one alphabet and a [`Relation`]. Goes out: an [`Answer`]: yes with a
//! [`Certificate`] that [`certificate::check`] accepts, no with a [`Refutation`] that [`certificate::refutes`] accepts,
//! or unknown with what was tried.
//!
//! ```text
//! pair          both local types as minimized machines over one alphabet
//! payload       whether one message can stand for another with the same label
//! sessions      the same for sessions that messages hand over
//! sync, fair    the synchronous and the fair relation
//! control       which states some partner can lead to their end, for the fair relation
//! ahead         sets of words that prove the fair relation
//! precise       the asynchronous relation: what is tried, in which order
//! explore       the run of the smaller type against the larger, over contents of queues (contents, widen)
//! regular       sets of queue contents, one for each pair of states, that prove either (closed looks at them again)
//! starve, pump  endless runs that forget something: in a finite graph, in an infinite one
//! certificate   the second opinion: checks what the others claim
//! show          both in words
//! claim         from a claim of a specification to an outcome
//! ```
//!
//! Nothing here recurses on types, and nothing is unbounded: every search asks its [`Meter`] whether to go on.

pub mod ahead;
pub mod certificate;
mod claim;
pub mod closed;
mod contents;
pub mod control;
mod explore;
pub mod fair;
mod pair;
mod payload;
mod precise;
mod pump;
pub mod regular;
mod sessions;
mod show;
mod starve;
pub mod sync;
mod widen;

pub use pair::{Arm, Content, Fit, Half, Kind, Letter, Pair, PairError, Part, Way};
pub use payload::sort_below;
pub use sessions::settle;
pub use show::Shown;

pub(super) use claim::subtype;

use super::{Options, Progress, search::Poll};
use crate::event::Limit;

/// Which subtyping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Synchronous, process orientation (Gay and Hole, 2005, read by processes).
    Sync,
    /// Synchronous, channel orientation: the converse.
    Channel,
    /// Precise asynchronous multiparty subtyping (Ghilezan, Pantović, Prokić, Scalas, Yoshida, 2021); for two parties
    /// the orphan-free one.
    Async,
    /// Fair asynchronous subtyping (Bravetti, Lange, Zavattaro, 2021).
    Fair,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sync, Self::Channel, Self::Async, Self::Fair];

    /// Its name in a claim.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Channel => "channel",
            Self::Async => "async",
            Self::Fair => "fair",
        }
    }

    /// The relation with this name; asynchronous if nothing is said.
    #[must_use]
    pub fn find(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::Async) };
        Self::ALL.into_iter().find(|relation| relation.name() == name)
    }
}

/// Whether the smaller type is a subtype of the larger.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is, and this shows it.
    Yes(Certificate),
    /// It is not, and this shows it.
    No(Refutation),
    /// Not known, and what was tried.
    Unknown(Vec<Tried>),
}

/// What shows that one type is a subtype of another.
#[derive(Clone, Debug, PartialEq)]
pub enum Certificate {
    /// Pairs of states (smaller, larger), the initial ones among them, closed under what the relation demands of a pair.
    Relation(Vec<(u32, u32)>),
    /// For fair subtyping: what the smaller type may have sent ahead at each pair of states, closed under all moves.
    Ahead(Vec<ahead::Ahead>),
    /// For fair subtyping: nobody can lead the larger type to its end, so anything can stand in its place.
    Uncontrollable,
    /// A closed set of configurations of the run of the smaller type against the larger.
    Queues(Box<certificate::Queues>),
    /// For each pair of states regular sets of what lies in the queues, closed under all moves.
    Regular(Box<regular::Regular>),
}

/// What was tried in vain, and why it gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// In a few words.
    pub what: String,
    /// Why it gave no answer.
    pub limit: Limit,
}

/// Two words that show that one type is no subtype of another: what the smaller does, what the larger does with it, and
/// what then goes wrong. Letters are indices of [`Pair::letters`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refutation {
    /// What the smaller type does, in its order.
    pub sub: Vec<u32>,
    /// What the larger type does, in its order.
    pub sup: Vec<u32>,
    /// For what is forgotten: from these indices on, the words are repeated for ever.
    pub cycle: Option<(usize, usize)>,
    /// What goes wrong behind them.
    pub why: Why,
}

/// What goes wrong, and what blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The smaller type does `letter`, the larger in its state `at` does not.
    Extra {
        /// What the smaller type does.
        letter: u32,
        /// Where the larger type is.
        at: u32,
    },
    /// The larger type takes `letter`, the smaller in its state `at` does not.
    Unhandled {
        /// What the larger type takes.
        letter: u32,
        /// Where the smaller type is.
        at: u32,
    },
    /// The larger type may send `letter`, the smaller in its state `at` never does, and nothing may be left out.
    Dropped {
        /// What the larger type sends.
        letter: u32,
        /// Where the smaller type is.
        at: u32,
    },
    /// Nobody can lead the smaller type from `sub` to its end, whoever could lead the larger.
    Endless {
        /// Where the smaller type is.
        sub: u32,
    },
    /// The smaller type receives (or ends) at `sub` before it has sent what the larger at `sup` must send first.
    Overtakes {
        /// Where the smaller type is.
        sub: u32,
        /// Where the larger type is.
        sup: u32,
    },
    /// One of them has ended, the other has not.
    Ends {
        /// Where the smaller type is.
        sub: u32,
        /// Where the larger type is.
        sup: u32,
    },
    /// The smaller and the larger type go on for ever, and `letter` is never matched.
    Forgotten {
        /// What is pending.
        letter: u32,
    },
}

/// How much a search may do; every step of a search is counted by it.
pub struct Meter<'a, 'p> {
    max_states: usize,
    max_memory: usize,
    spent: usize,
    poll: &'a mut Poll<'p>,
}

/// The caller is asked every so many steps.
const EVERY: usize = 1_024;

impl<'a, 'p> Meter<'a, 'p> {
    /// A meter with the limits of the options.
    pub fn new(options: &Options, poll: &'a mut Poll<'p>) -> Self {
        Self { max_states: options.max_states, max_memory: options.max_memory, spent: 0, poll }
    }

    /// Another step; `frontier` are to go, `bytes` are in use. An error ends the search.
    #[inline]
    pub fn step(&mut self, frontier: usize, bytes: usize) -> Result<(), Limit> {
        self.spent = self.spent.saturating_add(1);
        if self.spent.is_multiple_of(EVERY) { self.ask(frontier, bytes) } else { Ok(()) }
    }

    fn ask(&mut self, frontier: usize, bytes: usize) -> Result<(), Limit> {
        if self.spent > self.max_states {
            return Err(Limit::States(self.max_states));
        }
        if bytes > self.max_memory {
            return Err(Limit::Memory(self.max_memory));
        }
        let progress = Progress { bound: None, configurations: self.spent, frontier, depth: 0, bytes };
        (self.poll)(&progress).map_or(Ok(()), Err)
    }

    /// How many steps were made.
    #[must_use]
    pub fn spent(&self) -> usize {
        self.spent
    }
}

/// Decides whether the smaller type of a pair is a subtype of the larger.
#[must_use]
pub fn decide(pair: &Pair, relation: Relation, meter: &mut Meter<'_, '_>) -> Answer {
    match relation {
        Relation::Sync => sync::process(pair, meter),
        Relation::Channel => sync::channel(pair, meter),
        Relation::Fair => fair::decide(pair, meter),
        // What is beyond the class of the precise relation may still be related without any reordering.
        Relation::Async => match precise::decide(pair, meter) {
            Answer::Unknown(mut tried) => match sync::process(pair, meter) {
                Answer::Yes(certificate) => Answer::Yes(certificate),
                Answer::No(_) => {
                    let limit = Limit::Undecided("they are not related".to_owned());
                    tried.push(Tried { what: "the synchronous relation".to_owned(), limit });
                    Answer::Unknown(tried)
                }
                Answer::Unknown(more) => {
                    tried.extend(more);
                    Answer::Unknown(tried)
                }
            },
            answered => answered,
        },
    }
}

/// What was tried, in one limit.
#[must_use]
pub fn limit(tried: &[Tried]) -> Limit {
    match tried {
        [only] if !matches!(only.limit, Limit::Undecided(_)) => only.limit.clone(),
        _ => {
            let each: Vec<String> = tried.iter().map(Tried::text).collect();
            Limit::Undecided(each.join("; "))
        }
    }
}

impl Tried {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let why = match &self.limit {
            Limit::States(states) => format!("{states} steps were not enough"),
            Limit::Memory(bytes) => format!("{bytes} bytes were not enough"),
            Limit::Time => "the time was not enough".to_owned(),
            Limit::Interrupted => "interrupted".to_owned(),
            Limit::Bound(bound) => format!("queues of {bound} were not enough"),
            Limit::NotSupported(code) => format!("not supported ({code})"),
            Limit::Undecided(why) => why.clone(),
        };
        format!("{}: {why}", self.what)
    }
}

//! Families of specifications that grow with a number: what the literature measures its tools on.
//!
//! Comes in: a name, sizes, and a [`Twist`]. Goes out: a specification as text, with the claim that is right for it. A
//! seed shuffles the order of roles, labels, states and arms, so that nothing is fast by the luck of an order; a near
//! miss has one transition changed, and the claim about it is `violated`. What is compared with published figures is
//! built as it was published:
//!
//! ```text
//! streaming n          t!value^n ; t?ready^n ; rec X. t?ready;{t!value;X | t!stop}   <:   the same with n = 0
//! nested-choice l      as a machine of 3l + 1 states, or as a tree of 5^l leaves
//! ring n               n - 1 roles: rec X. next!v;prev?v;X   <:   rec X. prev?v;next!v;X
//! double-buffering n   s!ready^n ; rec X. s!ready;s?value;t?ready;t!value;X   <:   the same with n = 0
//! fft n                n = 2^j roles exchange with the one whose number differs in bit 1, 2, … j; all sends first
//! k-buffer b k m       m pairs of roles; each sends k messages of b kinds, then receives k: k-MC exactly from k on
//! workers n            a pool and n workers that run the same machine: rec X. pool!ready;pool?job;pool!done;X
//! ring-global n        rec X { R0->R1:m; … R(n-1)->R0:m; X }
//! broadcast-choice n   rec X { choice at A { A->Bi:l for all i; X } or { A->Bi:r for all i } }
//! choice-tree d        three roles; a binary choice, relayed; the next role chooses; to a depth of d
//! chain n              n messages from A to B
//! ```

mod automaton;
mod global;
mod local;

use super::rng::Rng;

/// The names.
pub const FAMILIES: [&str; 11] = [
    "streaming",
    "nested-choice",
    "ring",
    "double-buffering",
    "k-buffer",
    "fft",
    "workers",
    "ring-global",
    "broadcast-choice",
    "choice-tree",
    "chain",
];

/// What is done to a member of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Twist {
    /// Shuffles roles, labels, states and arms.
    pub seed: Option<u64>,
    /// One transition is changed, so that the claim is violated.
    pub near_miss: bool,
    /// A subtyping family as a system with a claim of `kmc`: the subtypes, and who they talk to.
    pub system: bool,
    /// `nested-choice` without sharing.
    pub tree: bool,
}

/// Why there is no such member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FamilyError {
    /// No family has this name.
    Unknown(String),
    /// It takes other numbers; which.
    Sizes(&'static str),
    /// It would have too many states or statements.
    TooLarge,
    /// There is no such twist of it; which.
    Twist(&'static str),
}

impl std::fmt::Display for FamilyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no family `{name}`; there are `{}`", FAMILIES.join("`, `")),
            Self::Sizes(what) => write!(f, "this family takes {what}"),
            Self::TooLarge => write!(f, "this would have more than {MAX} states or statements"),
            Self::Twist(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for FamilyError {}

/// So many states or statements at most.
pub(super) const MAX: usize = 2_000_000;

/// A member of a family, as a specification.
pub fn family(name: &str, sizes: &[usize], twist: Twist) -> Result<String, FamilyError> {
    let at = FAMILIES.iter().position(|&known| known == name).ok_or_else(|| FamilyError::Unknown(name.to_owned()))?;
    if twist.tree && name != "nested-choice" {
        return Err(FamilyError::Twist("only `nested-choice` is a tree"));
    }
    let one = || match sizes {
        &[n] => Ok(n),
        _ => Err(FamilyError::Sizes("one number")),
    };
    match at {
        0 => local::streaming(small(one()?, 4)?).text(twist),
        1 => local::nested_choice(one()?, twist.tree)?.text(twist),
        2 => local::ring(small(one()?, 4)?)?.text(twist),
        3 => local::double_buffering(small(one()?, 4)?).text(twist),
        4 => match sizes {
            &[b, k, m] => {
                let states = small(k, 4)?.max(1).checked_mul(m.max(1)).and_then(|all| all.checked_mul(b.max(1)));
                small(states.ok_or(FamilyError::TooLarge)?, 4)?;
                local::k_buffer(b.max(1), k.max(1), m.max(1)).text(twist)
            }
            _ => Err(FamilyError::Sizes("three numbers: kinds of messages, messages, pairs")),
        },
        5 => local::fft(small(one()?, 64)?)?.text(twist),
        6 => local::workers(small(one()?, 8)?)?.text(twist),
        _ if twist.system => Err(FamilyError::Twist("a global family is no system")),
        7 => global::ring(small(one()?, 4)?, twist),
        8 => global::broadcast(small(one()?, 4)?, twist),
        9 => global::tree(one()?, twist),
        _ => global::chain(small(one()?, 4)?, twist),
    }
}

/// The number, if that many times `each` is not too large.
fn small(n: usize, each: usize) -> Result<usize, FamilyError> {
    match n.checked_mul(each) {
        Some(all) if all <= MAX => Ok(n),
        _ => Err(FamilyError::TooLarge),
    }
}

/// The generator of a twist, if it shuffles.
fn shuffler(twist: Twist) -> Option<Rng> {
    twist.seed.map(Rng::new)
}

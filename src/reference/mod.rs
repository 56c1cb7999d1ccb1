//! The slow, obviously correct semantics: types are rewritten as terms, rule by rule as they are published.
//!
//! Comes in: the [`Term`](crate::protocol::Term) of a global protocol ([`Global`]), or one local term per role
//! ([`System`]). Goes out: which events may happen, what they lead to, what is final and what is bad, and the plain
//! search over all of it ([`explore`]). Everything fast is judged by this: the machines by a lockstep, the verifier by
//! the search, every counterexample by a replay ([`System::replay`]), projection by the rules of global types.
//!
//! It knows `id`, `event` and `protocol` and nothing of graphs or machines. A rewriting term is a plain list
//! ([`Rest`]); queues are lists in an ordered map; being slow is its job.
//!
//! The rules ([`Rule`]), each with one match arm that bears its name:
//!
//! ```text
//! [send]      p: q!l(S).L              --p!q:l-->    L,  pq := pq·l(S)       when pq has room
//! [receive]   q: p?l(S).L, pq = l(S)·w --q?p:l-->    L,  pq := w
//! [sync]      p: q!l(S).L, q: p?l(S).M --(p,q):l-->  L, M                    on a synchronous edge, p ≠ q
//! [act]       p: l(S).L                --p:l-->      L
//! [choice]    L1 or … or Ln            --a-->        M                       when Li --a--> M for some i
//! [rec]       rec X {L}                  =           L, and after it what stands behind the rec
//! [states]    states {X1 L1 … Xn Ln}     =           L1, with all names in sight
//! [continue]  continue X                 =           L, where the innermost X around it is rec X {L}, or a block L
//! [call]      do P(…)                    =           the body of P, and after it what stands behind the do
//! [end]       a block that ends          =           what stands behind the statement it stands in
//! [g-msg]     p -> q: l(S). G          --(p,q):l-->  G
//! [g-multi]   p -> q, r…: l(S). G      --(p,q):l-->  p -> r…: l(S). G
//! [g-act]     p: l(S). G               --p:l-->      G
//! ```
//!
//! These do not know data, time, failure and scopes: events of these kinds are never admitted. What is beyond the kernel
//! is in [`full`].

mod configuration;
mod equations;
mod explore;
pub mod full;
mod global;
mod rewrite;
mod rules;

pub use configuration::{Bad, Configuration, System};
pub use equations::equations;
pub use explore::{Explored, explore};
pub use global::Global;
pub use rewrite::{Rest, Step};
pub use rules::{Fired, Rule};

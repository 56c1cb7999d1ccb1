//! The slow, obviously correct semantics of what is beyond the kernel: data, time, scopes, families, failure.
//!
//! Comes in: the [`Term`] of a global protocol with its [`Names`], and events with the values of their payload
//! ([`Seen`]). Goes out: everything that an event can lead to ([`Full::successors`]), and whether a session may end
//! ([`Full::is_final`]). The programs of [`machine`](crate::machine) are judged by this; it knows nothing of graphs,
//! projection, automata or bytecode. A role is a tree of what is left of its blocks; a step makes a new tree. Expressions
//! are walked. Being slow is its job.
//!
//! Every role sees the term in its own way: what others say to each other is skipped, what others choose is left open
//! until the role does something. The rules, each with one place that bears its name:
//!
//! ```text
//! [both]        p -> q: l(S)             both ends take the step at once
//! [send]        p!q:l                    the sender takes it, and it is queued
//! [receive]     q?p:l                    the receiver takes the head of the edge
//! [lose]        … or what is behind others, which a lossy edge has lost
//! [replace]     on an edge that keeps the latest it takes the place of what is there
//! [act]         p: l(S)                  the role takes it alone
//! [duplicate]   an idempotent message with a known key and the same content changes nothing
//! [unique]      a unique message with a known key is refused
//! [stale]       what was said in an abandoned scope is discarded, until its sender is heard from beyond
//! [epoch]       … whatever else it could be, if its `@epoch` says that it was said then; nothing, if it says that it was not
//! [retry]       an attempt that may fail moves nothing
//! [vanish]      what is sent to a crashed role is gone
//! [crash]       a crashed role does nothing more
//!
//! [step]        l(S).L under a rule  --a-->  L     when conditions and times hold
//! [within]      a time since the role could take the step
//! [witness]     a witness of a predicate that holds of the arguments, by the sender's copies
//! [set]         assignments of the step, of values before it
//! [bind]        fields are remembered by both ends
//! [assign]      assignments on the way to the next step, one group after the other
//! [choice]      L1 or … or Ln  --a-->  M           when Li --a--> M for some i
//! [absent]      a scope without the role goes by
//!
//! [enter]       C; L  --a-->  C'; L                when C --a--> C'
//! [skip]        C; L  --a-->  L'                   when C may end at once, and L --a--> L'
//! [leave]       C; L  --a-->  L'                   when the open C may end, and L --a--> L'
//! [jump]        the same by a jump out of C
//! [part]        C1 and … and Cn  --a-->  the same with Ci'
//! [main]        the main part of a during goes on
//! [round]       an open round goes on
//! [begin]       the next round begins
//! [every]       … in time, by whoever begins it: after the scope's start, or the beginning of the last
//! [over]        a round that has ended is gone
//! [finish]      rounds of a during that was left go on
//! [late round]  … or begin, from whom nothing was heard from beyond
//! [body]        what is tried, or a handler, goes on
//! [interrupt], [timeout], [idle], [deadline], [detect]     a handler is entered by whom it happens to
//! [told]        … by whoever receives its first message
//!
//! [open]        an instance begins
//! [named]       a key that is bound names the instance; a new one is given to it
//! [late key]    a new key names the oldest instance that waits and whose next step and conditions admit the message
//! [inner key]   the key of a family inside names the instance in which it is
//! [used]        a key that was given before must not come again
//! [close]       an instance ends with its block
//! ```
//!
//! Where the language page leaves it open, this holds:
//!
//! * A role that takes no part in the main part of a `during` may begin rounds as long as it is in it.
//! * A role owes a message of a round if its next step in it can be one of its own and the round may not be over.
//!   Only sending beyond is forbidden then; a receive from beyond is taken, and the round finished later.
//! * Whatever a role can take where it is, it takes there; only else it begins a late round, and only else it is stale.
//! * The clock of a scope starts when the role's step before it was taken; `within` behind a scope starts with the
//!   role's last step in it; durations are those of that moment.
//! * A handler with nothing to do for the role that its time limit happens to is a way out from that time on. Whether a
//!   session may end does not ask for the time, which goes on.
//! * Entering the handler of a crash proves the crash.
//! * The head of a block (its variables' first values) is assigned with the role's first step in it; a key that this
//!   message carries is known then. Variables that nobody knows are held once, and assigned with the send; in an
//!   instance they are held by both ends.
//! * Keys of `unique by` and `idempotent by` are of the session, wherever the option stands; content is edge, label and
//!   values.
//! * A receiver decides between instances without a key by the conditions, as far as it can evaluate them.
//! * An instance whose block is over for a role is gone for it, also if a handler of a `try` at its end could still come.

mod configuration;
mod family;
mod place;
mod rest;
mod rules;
mod scope;
mod step;
mod view;

pub use configuration::{Configuration, Next, Seen, Sides};
pub use place::Time;
pub use rules::{Fired, Rule};

use crate::{
    id::{RoleId, SortId},
    protocol::{self, EdgeKind, Header, Names, Term},
};

/// A protocol and the rules by which it runs.
#[derive(Debug)]
pub struct Full<'a> {
    term: &'a Term,
    names: &'a Names,
    roles: usize,
    channels: &'a [(RoleId, RoleId, EdgeKind)],
    epoch: &'a [Box<str>],
    fired: Fired,
    plain: protocol::Rule,
}

impl<'a> Full<'a> {
    /// The rules of a global term, for the roles of its header, with the declared kinds of edges.
    #[must_use]
    pub fn new(term: &'a Term, names: &'a Names, header: &'a Header) -> Self {
        Self {
            term,
            names,
            roles: header.roles.len(),
            channels: &header.channels,
            epoch: &header.epoch,
            fired: Fired::default(),
            plain: protocol::Rule::default(),
        }
    }

    /// How often each rule was used so far.
    #[must_use]
    pub fn fired(&self) -> &Fired {
        &self.fired
    }

    fn rule(&self, sort: SortId) -> &protocol::Rule {
        self.names.rule(sort).unwrap_or(&self.plain)
    }
}

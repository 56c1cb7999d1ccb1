//! Whether a protocol is implementable: whether some local types, one per role, do together what it says and no more.
//!
//! In: the control-flow graph of a global protocol, seen as one automaton whose letters are messages. Out: [`Found`]:
//! proof that the three conditions of sound and complete projection hold for every role, or one of them with two runs
//! that the role cannot tell apart ([`Indistinct`]), or why neither can be said.
//!
//! * *Send Validity*: what a role may send after one run it may send after every run that looks the same to it.
//! * *Receive Validity*: of two messages from different senders that a role may wait for, the one that was not meant
//!   cannot be there before the other was taken.
//! * *No Mixed Choice*: no two runs look the same to a role of which one wants it to send and the other to wait.
//!
//! (Li, Stutz, Wies, Zufferey, "Complete multiparty session type projection with automata", 2023, and "Characterizing
//! implementability of global protocols with infinite states and data", 2025.) Nothing is determinized for it: runs that
//! look the same are the runs of a product of the protocol with itself, in which a role's own letters are taken by both
//! and all others by one (`finite`). With data a letter carries values and a state carries variables: then
//! `symbolic` asks the same of all values, by invariants that it finds and by [`crate::solve`].
//!
//! The theory speaks of automata in which a state's letters have one sender, equal letters lead to equal states and
//! nothing follows an end; edges are queues. What is outside of that has no answer here, and is named.
//!
//! A role may stop where it could still receive. The roles' machines, and whether they do so, are made by `machines`, which
//! needs none of the conditions: these say whether the machines do together what the protocol says.

mod automaton;
mod chains;
mod finite;
mod machines;
mod symbolic;
mod tell;

pub use machines::Machines;

use crate::{
    event::Limit,
    id::{NodeId, RoleId},
    protocol::{EdgeKind, Frame, Graph, Header, Names},
    solve::Outside,
};

/// One of the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// What a role may send after one run it may send after every run that looks the same to it.
    SendValidity,
    /// A message that was not meant is not there before the one that was.
    ReceiveValidity,
    /// A role knows whether it sends or waits.
    NoMixedChoice,
    /// A role that may stop has nothing left to receive: not asked by the theory, but by merging.
    NoOptionalTermination,
}

impl Condition {
    /// Its published name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SendValidity => "Send Validity",
            Self::ReceiveValidity => "Receive Validity",
            Self::NoMixedChoice => "No Mixed Choice",
            Self::NoOptionalTermination => "No Optional Termination",
        }
    }
}

/// Two runs that look the same to a role, and what it would have to do after each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indistinct {
    /// Who.
    pub role: RoleId,
    /// Which condition is violated.
    pub condition: Condition,
    /// One run: the steps of the protocol, in order.
    pub first: Vec<NodeId>,
    /// The other.
    pub second: Vec<NodeId>,
    /// What the role does after the first run: sends this; for Receive Validity, waits for this.
    pub does: NodeId,
    /// What it does after the second: for No Mixed Choice waits for this, for Receive Validity takes this; for Send
    /// Validity nothing, it just cannot do the same.
    pub but: Option<NodeId>,
    /// For Receive Validity: what follows `but` until a message like `does` is sent, that step included.
    pub then: Vec<NodeId>,
    /// Where data decides: the payloads of the steps of both runs, of `does` and of `but`, as text.
    pub values: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The conditions hold for every role.
    Holds {
        /// Where the protocol itself may be stuck, as all conditions may be false.
        stuck: Option<NodeId>,
    },
    /// One does not.
    Violated(Box<Indistinct>),
    /// Neither was shown.
    Unknown(Limit),
    /// The tool contradicts itself.
    Bug(String),
}

/// Asked now and then with the number of pairs of states seen; the answer `Some` ends the search.
pub(super) type Ask<'a> = dyn FnMut(usize) -> Option<Limit> + 'a;

/// The roles' machines by determinization, of a protocol without data; or why there are none.
pub(super) fn machines(graph: &Graph, header: &Header, names: &Names) -> Result<Machines, String> {
    let mut automaton = automaton::Automaton::of(graph, names).map_err(|why| why.text(graph, header, names))?;
    if automaton.has_data(names) {
        return Err(
            "values decide in it which messages there are, and machines by determinization have none".to_owned()
        );
    }
    automaton.in_class().map_err(|why| why.text(graph, header, names))?;
    machines::machines(&automaton, graph, header)
}

/// Answers for a protocol.
pub(super) fn implementable(
    graph: &Graph,
    header: &Header,
    names: &Names,
    frame: Option<&Frame>,
    outside: &Outside,
    ask: &mut Ask<'_>,
) -> Found {
    let undecided = |why: &str| Found::Unknown(Limit::Undecided(why.to_owned()));
    if header.roles.values().any(|role| role.unreliable) {
        return undecided("it has a role that may crash, of which the conditions of implementability say nothing");
    }
    if header.channels.iter().any(|(.., kind)| matches!(kind, EdgeKind::Lossy | EdgeKind::Latest)) {
        return undecided(
            "it has an edge that loses messages, of which the conditions of implementability say nothing",
        );
    }
    if !header.pipelined.is_empty() {
        return undecided("it has a role that sends ahead, of which the conditions of implementability say nothing");
    }
    let mut automaton = match automaton::Automaton::of(graph, names) {
        Ok(automaton) => automaton,
        Err(why) => return Found::Unknown(Limit::Undecided(why.text(graph, header, names))),
    };
    let found = if automaton.has_data(names) {
        symbolic::check(symbolic::World { automaton: &automaton, graph, header, names, frame, outside }, ask)
    } else {
        match automaton.in_class() {
            Ok(()) => finite::check(&automaton, header, ask),
            Err(why) => return Found::Unknown(Limit::Undecided(why.text(graph, header, names))),
        }
    };
    // A queue that blocks its sender keeps some messages from coming too early; without one nothing changes.
    let blocks = header.channels.iter().any(|(.., kind)| *kind != EdgeKind::Fifo);
    match found {
        Found::Violated(_) if blocks => undecided(
            "with unbounded queues it is not implementable; whether its bounded ones mend that was not decided",
        ),
        found => found,
    }
}

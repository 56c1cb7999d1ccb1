//! What a file and its imports declare, after every name has been looked up.

use std::sync::Arc;

use super::{graph::Graph, local::Local, names::Names, rule::Predicate, term::Term};
use crate::{
    diag::{Diagnostic, Span},
    id::{FileId, IdVec, LabelId, RoleId},
};

/// Everything that a file declares, lowered.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// The file itself, not one of its imports.
    pub file: FileId,
    /// Labels, payload signatures and recursion variables of the whole specification.
    pub names: Names,
    /// Global protocols of the file, in order; imported ones are only reached by `do`.
    pub protocols: Vec<Protocol>,
    /// Systems, in order.
    pub systems: Vec<SystemDecl>,
    /// Local types and local protocols, in order.
    pub locals: Vec<LocalDecl>,
    /// Claims, in order.
    pub claims: Vec<Claim>,
    /// Traces, in order.
    pub traces: Vec<TraceDecl>,
    /// The names of extern predicates, by the numbers that expressions ask them by.
    pub externs: Vec<Box<str>>,
    /// The flow of control of its protocols alone, if something is wrong with some protocol but not with its syntax: who
    /// sends what to whom, without data, conditions and time.
    pub outline: Option<Box<Spec>>,
    /// It is such an outline.
    pub is_outline: bool,
}

/// What protocols, systems and local types have in common.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Its name.
    pub name: Box<str>,
    /// Where the name is written.
    pub span: Span,
    /// Its roles, in the order of their declaration.
    pub roles: IdVec<RoleId, Role>,
    /// The declared kinds of edges; all others are unbounded queues.
    pub channels: Vec<(RoleId, RoleId, EdgeKind)>,
    /// `@main`
    pub main: bool,
    /// `explicit`: connections are made by `connect`.
    pub explicit: bool,
    /// Roles that send ahead of what they still have to receive (`@pipelined`).
    pub pipelined: Vec<RoleId>,
    /// Fields that tell what comes from before an interrupt from what comes behind it (`@epoch`).
    pub epoch: Vec<Box<str>>,
    /// Fields that do not count as content of a message that comes again (`@except`).
    pub except: Vec<Box<str>>,
    /// What witnesses can be issued for: the predicates that `requires` names, in any declaration of the specification,
    /// so that equal rules of two declarations are equal.
    pub predicates: Arc<[Predicate]>,
    /// It has errors and therefore no meaning; its term is empty.
    pub broken: bool,
    /// It has parameters without values, so it stands for many protocols.
    pub generic: bool,
}

/// What kind of queue an edge has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EdgeKind {
    /// Unbounded.
    #[default]
    Fifo,
    /// Blocks the sender when it holds this many; not 0.
    Bounded(u32),
    /// Send and receive are one step.
    Sync,
    /// Unbounded, and may drop what is in it.
    Lossy,
    /// Keeps the latest alone.
    Latest,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: Box<str>,
    /// Where it is declared.
    pub span: Span,
    /// It may crash.
    pub unreliable: bool,
}

impl Header {
    /// Whether no role and no edge is more than the kernel knows.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.roles.values().all(|role| !role.unreliable)
            && self.channels.iter().all(|(.., kind)| !matches!(kind, EdgeKind::Lossy | EdgeKind::Latest))
            && self.pipelined.is_empty()
    }

    /// The role with this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<RoleId> {
        self.roles.iter().find(|(_, role)| &*role.name == name).map(|(id, _)| id)
    }

    /// The name of a role.
    #[must_use]
    pub fn role_name(&self, role: RoleId) -> &str {
        self.roles.entry(role).map_or("?", |role| &role.name)
    }

    /// The declared kind of an edge.
    #[must_use]
    pub fn edge_kind(&self, from: RoleId, to: RoleId) -> EdgeKind {
        let declared = self.channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
        declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
    }
}

/// A global protocol.
#[derive(Clone, Debug, Default)]
pub struct Protocol {
    /// Name, roles, channels.
    pub header: Header,
    /// Only to be called by `do`.
    pub aux: bool,
    /// Its statements, instances of `do` included.
    pub term: Term,
    /// Its graph with all assignments settled, if it has more than the kernel; made with the names, once.
    pub graph: Option<Graph>,
    /// What is beyond the kernel, unrolled for those who look at all runs; made on demand.
    pub flat: Option<Flat>,
}

/// The roles' behaviour with scopes and families unrolled, and without data.
#[derive(Clone, Debug, Default)]
pub struct Flat {
    /// One automaton per role; none if some role has no flat automaton.
    pub locals: IdVec<RoleId, Local>,
    /// How many keys a family sees, if there are families.
    pub keys: Option<u32>,
    /// Roles of which some region does not project.
    pub roles: Vec<RoleId>,
    /// Why.
    pub diagnostics: Vec<Diagnostic>,
    /// Some step has a condition, or is made at most once, so not all runs are runs of the protocol.
    pub conditions: bool,
    /// Some step has to be in time, or a time limit has a handler.
    pub timed: bool,
    /// A step that nobody makes if its conditions are false, and without which its role cannot go on.
    pub blocked: Option<Span>,
    /// What would exclude that if it always held.
    pub wanted: Option<String>,
    /// That there is no such step is what another solver says.
    pub outside: bool,
    /// What can be said of conditions without looking at runs.
    pub notes: Vec<Diagnostic>,
    /// Why there are no flat automata.
    pub limit: Option<String>,
}

impl Protocol {
    /// Whether it has nothing beyond the kernel: no scopes, no data that steers it, no time.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.graph.is_none()
    }
}

/// A system: one local type per role.
#[derive(Clone, Debug, Default)]
pub struct SystemDecl {
    /// Name, roles, channels.
    pub header: Header,
    /// The local type of each role, as a term.
    pub terms: IdVec<RoleId, Term>,
    /// The same as automata; empty if the declaration is broken.
    pub locals: IdVec<RoleId, Local>,
    /// The graph of each role's type with all assignments settled, if some has more than the kernel.
    pub graphs: IdVec<RoleId, Graph>,
    /// What is beyond the kernel, unrolled; made on demand.
    pub flat: Option<Flat>,
}

/// A local type or local protocol.
#[derive(Clone, Debug)]
pub struct LocalDecl {
    /// Name, and the roles that it mentions (those of its protocol, in their order, if it says which).
    pub header: Header,
    /// Whose it is.
    pub role: RoleId,
    /// The protocol it belongs to: an index of [`Spec::protocols`].
    pub within: Option<usize>,
    /// Its statements.
    pub term: Term,
    /// The same as an automaton.
    pub local: Option<Local>,
    /// Its graph with all assignments settled, if it has more than the kernel.
    pub graph: Option<Graph>,
}

/// What a claim or a trace is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An index of [`Spec::protocols`].
    Protocol(usize),
    /// An index of [`Spec::systems`].
    System(usize),
    /// An index of [`Spec::locals`].
    Local(usize),
    /// A role of a protocol.
    ProtocolRole(usize, RoleId),
    /// A role of a system.
    SystemRole(usize, RoleId),
}

/// The verdict that a claim expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Expected {
    /// `holds`, also if nothing is said.
    #[default]
    Holds,
    /// `violated`
    Violated,
    /// `unknown`
    Unknown,
}

/// `check …;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub kind: ClaimKind,
    /// As the author wrote the targets: `P`, `S <: T`.
    pub target_text: Box<str>,
    /// What is expected.
    pub expected: Expected,
    /// Where.
    pub span: Span,
}

/// What a claim claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// `name(P)` or `name(P, k)`.
    Property {
        /// Which, as written; whoever checks knows which there are.
        name: Box<str>,
        /// Of what.
        target: Target,
        /// The bound.
        bound: Option<u32>,
    },
    /// `S <: T`
    Subtype {
        /// The smaller.
        sub: Target,
        /// The larger.
        sup: Target,
        /// `sync`, `async`, `fair`; asynchronous if nothing is said.
        relation: Option<&'static str>,
    },
}

/// How a trace was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Observer {
    /// Each message is sent and received in one instant.
    #[default]
    Total,
    /// A message proves its send; its receive lies anywhere behind it.
    Wire,
    /// What one role itself sent and received, in its order.
    Endpoint(RoleId),
}

/// A trace written in the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceDecl {
    /// Its name.
    pub name: Box<str>,
    /// `accepts`, else `rejects`.
    pub accepts: bool,
    /// Of what.
    pub target: Target,
    /// As the author wrote it.
    pub target_text: Box<str>,
    /// How it was observed.
    pub observer: Observer,
    /// How late an event may be, in microseconds.
    pub slack: i64,
    /// In order.
    pub events: Vec<TraceEvent>,
    /// `end;` stands at the end: the session must be over then.
    pub ends: bool,
    /// Where.
    pub span: Span,
}

/// Which side of a message a trace event shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// `A -> B`: as the observer sees it.
    Both,
    /// `A ! B`: the send.
    Send,
    /// `B ? A`: the receive.
    Receive,
}

/// What kind of event a trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TraceKind {
    /// A message or a local action.
    #[default]
    Message,
    /// `crash R`: the role, which is both `from` and `to`, crashes.
    Crash,
    /// `timeout R`: a time limit of the role has run out, and it goes where the handler says.
    Timeout,
}

/// One event of a trace in a specification.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEvent {
    /// Which kind.
    pub kind: TraceKind,
    /// When, in microseconds since 1970; nothing if it does not say.
    pub at: Option<i64>,
    /// The sender; the role that acts, if it is also `to`.
    pub from: RoleId,
    /// The receiver.
    pub to: RoleId,
    /// Which side.
    pub side: Side,
    /// The label; `None` if no message of the specification has it.
    pub label: Option<LabelId>,
    /// Its text.
    pub text: Box<str>,
    /// The payload as JSON, if one was written: an object by field names, or an array.
    pub payload: Option<serde_json::Value>,
    /// Where.
    pub span: Span,
}

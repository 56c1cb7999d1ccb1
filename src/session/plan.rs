//! Open plans: everything about a protocol's sessions that is known before the first is opened.
//!
//! Comes in: a declaration of a specification, how far it was checked, and limits. Goes out: an [`OpenPlan`], computed
//! once and shared by all its sessions: role order, initial states, the edge blueprint, how payloads are read, and the
//! block that an opened session is a copy of.
//!
//! A protocol of messages, choices and loops, whose conditions read the payload alone, is stepped in its tables
//! ([`Engine::Table`]). Any other is a [`Program`] ([`Engine::Tree`]), whose configuration is a tree for each role.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustc_hash::FxHashMap;

use super::{
    block::{Layout, Line, set_generation},
    handle::Roles,
    hot::Hot,
    lookup::{Lookup, Pairs},
    reading::Reading,
};
use crate::{
    event::{Limit, Verdict},
    id::{EdgeId, Id, IdVec, LabelId, MessageId, RoleId, SortId, TooMany},
    machine::{Message, Program, ProgramError, System, SystemError},
    protocol::{Act, EdgeKind, Header, Local, Names, NoEndpoints, Spec, Target},
};

/// What is demanded before sessions are opened.
#[derive(Clone, Debug, Default)]
pub enum Compat {
    /// `safe` was asked, and this is the answer: it must hold.
    Checked(Verdict),
    /// As [`Compat::Checked`], but an answer that is not known is accepted.
    Accepted(Verdict),
    /// Nothing was asked: for systems whose other half is out of reach.
    #[default]
    Unchecked,
}

/// What happens to a message for which its edge has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuePolicy {
    /// It is refused for now: [`Code::WouldBlock`](super::Code::WouldBlock).
    Block,
    /// It is refused: [`Code::Full`](super::Code::Full).
    Error,
    /// The queue grows up to this many, and never past it; then as [`QueuePolicy::Error`].
    Grow(u32),
}

/// Limits and policies of a plan.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// What an edge without a declared bound holds.
    pub queue: QueuePolicy,
    /// Policies of single edges, by (from, to).
    pub edges: Vec<(RoleId, RoleId, QueuePolicy)>,
    /// What the specification is known by, in records and tokens.
    pub fingerprint: [u8; 32],
    /// Messages of every edge that is a queue are authenticated (see [`Store::message_root`](super::Store::message_root)).
    pub authenticate: bool,
    /// How many of the messages that an edge carried are remembered for [`Store::coherence`](super::Store::coherence).
    pub traced: u16,
    /// Steps take the long way alone: for tests, which hold the two to be the same.
    #[doc(hidden)]
    pub long: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            queue: QueuePolicy::Grow(1_024),
            edges: Vec::new(),
            fingerprint: [0; 32],
            authenticate: false,
            traced: 0,
            long: false,
        }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// There is no such declaration, or it has no endpoints.
    NoEndpoints(NoEndpoints),
    /// The target is one role's type: a store holds whole sessions.
    OneRole,
    /// `safe` is violated.
    Unsafe,
    /// `safe` is not known, and that was not accepted.
    NotKnown(Limit),
    /// More of something than ids, or more states than tables hold.
    TooLarge(String),
    /// A role has two offers for one message, so that a store could not tell where it leads.
    Ambiguous {
        /// Whose.
        role: Box<str>,
        /// The message.
        message: Box<str>,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoints(why) => why.fmt(f),
            Self::OneRole => f.write_str("a session has all roles of a protocol or system, not one role's type alone"),
            Self::Unsafe => f.write_str("the protocol is not safe; `polylogue check` shows a run that goes wrong"),
            Self::NotKnown(_) => {
                f.write_str("it is not known whether the protocol is safe; accept that, or open it unchecked")
            }
            Self::TooLarge(why) => f.write_str(why),
            Self::Ambiguous { role, message } => {
                write!(f, "role `{role}` may take `{message}` in two ways from one state")
            }
        }
    }
}

impl std::error::Error for PlanError {}

impl From<TooMany> for PlanError {
    fn from(error: TooMany) -> Self {
        Self::TooLarge(error.to_string())
    }
}

/// An edge of the blueprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// The sender.
    pub from: RoleId,
    /// The receiver.
    pub to: RoleId,
    /// The kind of channel.
    pub kind: EdgeKind,
    /// How many messages it holds at most; 0 on a synchronous edge.
    pub bound: u32,
    /// What happens beyond.
    pub policy: QueuePolicy,
}

/// How sessions of a plan are stepped.
#[derive(Debug)]
pub(super) enum Engine {
    /// In tables, in the hot block.
    Table(System),
    /// As a tree of activations per role.
    Tree(Box<Program>),
}

/// A compiled protocol, ready to be opened; a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenPlan(pub(super) Arc<Planned>);

/// What a plan is.
#[derive(Debug)]
pub(super) struct Planned {
    /// Differs between any two plans of a process.
    pub(super) uid: u64,
    /// How many roles there are.
    pub(super) roles: usize,
    /// All of them.
    pub(super) all: Roles,
    pub(super) names: Names,
    pub(super) header: Header,
    pub(super) externs: Box<[Box<str>]>,
    pub(super) engine: Engine,
    pub(super) edges: IdVec<EdgeId, Blueprint>,
    pairs: Pairs,
    pub(super) layout: Layout,
    /// What an opened session looks like.
    pub(super) block: Box<[Line]>,
    lookup: Lookup,
    /// The short way, if sessions fit one line.
    pub(super) hot: Option<Hot>,
    /// Per message.
    pub(super) readings: IdVec<MessageId, Reading>,
    /// Of local actions of a table, by signature.
    pub(super) acts: FxHashMap<SortId, Reading>,
    /// Local types, to be shown.
    pub(super) locals: IdVec<RoleId, Local>,
    /// Some sort is secret.
    pub(super) secretive: bool,
    /// Which roles need witnesses of which predicates.
    needs: Box<[(RoleId, usize)]>,
    pub(super) options: PlanOptions,
    /// It was found to be safe.
    pub(super) safe: bool,
    /// Flags of an opened session's block.
    pub(super) flags: u8,
}

impl OpenPlan {
    /// The plan of a declaration. O(size of its machines).
    pub fn new(spec: &Spec, target: Target, compat: &Compat, options: PlanOptions) -> Result<Self, PlanError> {
        match compat {
            Compat::Unchecked
            | Compat::Checked(Verdict::Holds)
            | Compat::Accepted(Verdict::Holds | Verdict::Unknown(_)) => {}
            Compat::Checked(Verdict::Unknown(limit)) => return Err(PlanError::NotKnown(limit.clone())),
            Compat::Checked(Verdict::Violated(_)) | Compat::Accepted(Verdict::Violated(_)) => {
                return Err(PlanError::Unsafe);
            }
        }
        let (header, engine, locals) = engine(spec, target)?;
        let safe = matches!(compat, Compat::Checked(Verdict::Holds) | Compat::Accepted(Verdict::Holds));
        Self::of(header, &spec.names, &spec.externs, engine, locals, options, safe)
    }

    fn of(
        header: &Header,
        names: &Names,
        externs: &[Box<str>],
        engine: Engine,
        locals: IdVec<RoleId, Local>,
        options: PlanOptions,
        safe: bool,
    ) -> Result<Self, PlanError> {
        /// Plans of a process, for telling them apart: nothing else depends on it.
        static PLANS: AtomicU64 = AtomicU64::new(1);
        let ends: Vec<(RoleId, RoleId, EdgeKind)> = match &engine {
            Engine::Table(system) => system.edges().values().map(|edge| (edge.from, edge.to, edge.kind)).collect(),
            Engine::Tree(program) => program.edges().collect(),
        };
        let mut edges = IdVec::new();
        let mut pairs = Pairs::new(header.roles.len());
        for (from, to, kind) in ends {
            let given = options.edges.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to)).map(|&(.., policy)| policy);
            let (bound, policy) = bounds(kind, given.unwrap_or(options.queue), given.is_some());
            pairs.insert(from, to, edges.push(Blueprint { from, to, kind, bound, policy })?);
        }
        let layout = match &engine {
            Engine::Table(system) => {
                Layout::of(system, |edge| edges.entry(edge).map_or(1, |edge: &Blueprint| edge.bound))
            }
            Engine::Tree(_) => Layout::bare(header.roles.len()),
        };
        let mut block = vec![Line::default(); layout.lines];
        if let Engine::Table(system) = &engine {
            for (role, machine) in system.machines().iter() {
                layout.set_state(&mut *block, role, machine.initial());
            }
        }
        for role in header.roles.ids() {
            set_generation(&mut *block, role, 0);
        }
        let mut readings = IdVec::new();
        let mut acts = FxHashMap::default();
        let mut needs: Vec<(RoleId, usize)> = Vec::new();
        let mut need = |role: RoleId, reading: &Reading| {
            needs.extend(reading.rule.requires.iter().map(|need| (role, need.predicate)));
        };
        let lookup = match &engine {
            Engine::Table(system) => {
                // Messages are sorted by edge and label, so what shares a label stands side by side.
                let all = system.messages().as_slice();
                let same = |one: Option<&Message>, other: &Message| {
                    one.is_some_and(|one| (one.edge, one.label) == (other.edge, other.label))
                };
                for (at, message) in all.iter().enumerate() {
                    let mut reading = Reading::of(names, message.sort);
                    let queued = edges.entry(message.edge).is_some_and(|edge: &Blueprint| edge.kind != EdgeKind::Sync);
                    let before = at.checked_sub(1).and_then(|at| all.get(at));
                    reading.more = same(all.get(at.saturating_add(1)), message);
                    reading.simple &= queued && !reading.more && !same(before, message);
                    if let Some(edge) = edges.entry(message.edge) {
                        need(edge.from, &reading);
                    }
                    readings.push(reading)?;
                }
                for machine in system.machines().values() {
                    for action in machine.actions().values().filter(|action| action.act == Act::Act) {
                        let reading = acts.entry(action.sort).or_insert_with(|| Reading::of(names, action.sort));
                        need(machine.role(), reading);
                    }
                }
                let keys = system.messages().iter().filter_map(|(id, message)| {
                    let edge = system.edges().entry(message.edge)?;
                    Some(((edge.from, edge.to, message.label), id.raw()))
                });
                Lookup::new(header.roles.len(), names.labels(), keys)
            }
            Engine::Tree(program) => {
                for travel in program.messages().values() {
                    let reading = Reading::of(names, travel.sort);
                    need(travel.from, &reading);
                    readings.push(reading)?;
                }
                Lookup::new(header.roles.len(), 1, std::iter::empty())
            }
        };
        let hot = match &engine {
            Engine::Table(system) if !options.long => Hot::of(system, &layout, &edges, &readings, names.labels()),
            _ => None,
        };
        Ok(Self(Arc::new(Planned {
            uid: PLANS.fetch_add(1, Ordering::Relaxed),
            roles: header.roles.len(),
            all: Roles::new(header.roles.ids()),
            names: names.clone(),
            header: header.clone(),
            externs: externs.into(),
            engine,
            edges,
            pairs,
            layout,
            block: block.into(),
            lookup,
            hot,
            readings,
            acts,
            locals,
            secretive: secretive(names),
            needs: needs.into(),
            flags: if options.authenticate || options.traced > 0 { super::block::WATCHED } else { 0 },
            safe,
            options,
        })))
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.header.name
    }

    /// The roles, in the order in which they are declared.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = RoleId> + use<> {
        self.0.header.roles.ids()
    }

    /// The role with this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<RoleId> {
        self.0.header.role(name)
    }

    /// The name of a role.
    #[must_use]
    pub fn role_name(&self, role: RoleId) -> &str {
        self.0.header.role_name(role)
    }

    /// The label with this text.
    #[must_use]
    pub fn label(&self, text: &str) -> Option<LabelId> {
        self.0.names.find_label(text)
    }

    /// The text of a label.
    #[must_use]
    pub fn label_text(&self, label: LabelId) -> &str {
        self.0.names.label_text(label)
    }

    /// The edge blueprint: every directed pair that communicates, by (from, to).
    #[must_use]
    pub fn edges(&self) -> &IdVec<EdgeId, Blueprint> {
        &self.0.edges
    }

    /// The edge between two roles.
    #[must_use]
    pub fn edge(&self, from: RoleId, to: RoleId) -> Option<EdgeId> {
        self.0.edge_of(from, to)
    }

    /// The names of the extern predicates of the specification, by their ids.
    #[must_use]
    pub fn externs(&self) -> &[Box<str>] {
        &self.0.externs
    }

    /// What the specification is known by.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.options.fingerprint
    }

    /// Limits and policies.
    #[must_use]
    pub fn options(&self) -> &PlanOptions {
        &self.0.options
    }

    /// Whether its sessions are stepped in tables, in a hot block of [`OpenPlan::block_bytes`].
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.0.engine, Engine::Table(_))
    }

    /// The size of a session's hot block in bytes: a multiple of 64.
    #[must_use]
    pub fn block_bytes(&self) -> usize {
        self.0.block.len().saturating_mul(64)
    }

    /// Roles whose first step is a choice of their own.
    #[must_use]
    pub fn initial_choices(&self) -> Vec<RoleId> {
        let chooses = |(role, local): (RoleId, &Local)| {
            let arms = local.states.entry(local.initial).map_or(&[][..], |state| &state.arms);
            let sends = arms.iter().filter(|arm| matches!(arm.act, Act::Send(_) | Act::Act)).count();
            (sends > 1).then_some(role)
        };
        self.0.locals.iter().filter_map(chooses).collect()
    }

    /// The local type at which a role begins, as text.
    #[must_use]
    pub fn initial_type(&self, role: RoleId) -> Option<String> {
        let local = self.0.locals.entry(role)?;
        Some(crate::protocol::show::print(local, &self.0.header, &self.0.names, 0))
    }
}

/// What guards of single endpoints are made from.
pub(crate) struct Parts<'a> {
    pub(crate) names: &'a Names,
    pub(crate) header: &'a Header,
    /// Per role, if it runs as tables.
    pub(crate) locals: &'a IdVec<RoleId, Local>,
    /// If it does not.
    pub(crate) program: Option<&'a Program>,
}

impl OpenPlan {
    /// What it was made from.
    pub(crate) fn parts(&self) -> Parts<'_> {
        let Planned { names, header, locals, engine, .. } = &*self.0;
        let program = if let Engine::Tree(program) = engine { Some(&**program) } else { None };
        Parts { names, header, locals, program }
    }

    /// The payload signature of a message.
    pub(super) fn sort_of(&self, message: MessageId) -> Option<SortId> {
        match &self.0.engine {
            Engine::Table(system) => system.messages().entry(message).map(|message| message.sort),
            Engine::Tree(program) => program.messages().entry(message).map(|travel| travel.sort),
        }
    }

    /// The label of a message.
    #[must_use]
    pub fn label_of(&self, message: MessageId) -> LabelId {
        let label = match &self.0.engine {
            Engine::Table(system) => system.messages().entry(message).map(|message| message.label),
            Engine::Tree(program) => program.messages().entry(message).map(|travel| travel.label),
        };
        label.unwrap_or_default()
    }

    /// A message as it is written, such as `pay(amount: int)`.
    #[must_use]
    pub fn message_text(&self, message: MessageId) -> String {
        self.sort_of(message).map_or_else(|| "?".to_owned(), |sort| self.0.names.message(self.label_of(message), sort))
    }

    /// The roles that take a step which requires a predicate.
    pub(super) fn requiring(&self, predicate: usize) -> impl Iterator<Item = RoleId> + '_ {
        self.0.needs.iter().filter(move |(_, need)| *need == predicate).map(|(role, _)| *role)
    }

    /// The number of a predicate for which witnesses can be issued.
    #[must_use]
    pub fn predicate(&self, name: &str) -> Option<usize> {
        self.0.header.predicates.iter().position(|predicate| *predicate.name == *name)
    }
}

fn secretive(names: &Names) -> bool {
    let payloads = names.sorts().filter_map(|sort| names.payload(sort));
    payloads.into_iter().any(crate::protocol::Payload::has_secret)
}

/// What an edge holds at most, and what happens then.
fn bounds(kind: EdgeKind, policy: QueuePolicy, given: bool) -> (u32, QueuePolicy) {
    match (kind, policy) {
        (EdgeKind::Sync, _) => (0, QueuePolicy::Block),
        // The language's bound is a bound; what happens at it may be chosen.
        (EdgeKind::Bounded(bound), QueuePolicy::Error) if given => (bound, QueuePolicy::Error),
        (EdgeKind::Bounded(bound), _) => (bound, QueuePolicy::Block),
        (EdgeKind::Latest, _) => (1, QueuePolicy::Error),
        (EdgeKind::Fifo | EdgeKind::Lossy, QueuePolicy::Grow(cap)) => (cap.max(1), policy),
        (EdgeKind::Fifo | EdgeKind::Lossy, policy) => (u32::from(super::block::RING), policy),
    }
}

impl Planned {
    /// The edge between two roles.
    #[inline]
    pub(super) fn edge_of(&self, from: RoleId, to: RoleId) -> Option<EdgeId> {
        self.pairs.find(from, to)
    }

    /// The message with these ends and this label; the first, if payloads tell several apart.
    #[inline]
    pub(super) fn first(&self, from: RoleId, to: RoleId, label: LabelId) -> Option<MessageId> {
        self.lookup.find(from, to, label).map(MessageId::from_raw)
    }
}

/// What is stepped, and the local types as far as they are flat.
fn engine(spec: &Spec, target: Target) -> Result<(&Header, Engine, IdVec<RoleId, Local>), PlanError> {
    let none = || PlanError::NoEndpoints(NoEndpoints::Broken);
    let usable = |header: &Header| header.usable().map_err(PlanError::NoEndpoints);
    let tree = |program: Result<Program, ProgramError>| match program {
        Ok(program) => Ok(Engine::Tree(Box::new(program))),
        Err(error) => Err(PlanError::TooLarge(format!("{error:?}"))),
    };
    match target {
        Target::Protocol(at) => {
            let protocol = spec.protocols.get(at).ok_or_else(none)?;
            if let Some(graph) = protocol.graph.as_ref().filter(|_| !protocol.is_table(&spec.names)) {
                usable(&protocol.header)?;
                let program = Program::of(&spec.names, &protocol.header, &protocol.term, graph);
                return Ok((&protocol.header, tree(program)?, IdVec::new()));
            }
        }
        Target::System(at) => {
            let system = spec.systems.get(at).ok_or_else(none)?;
            if !system.is_table(&spec.names) {
                usable(&system.header)?;
                let types = system.terms.iter().zip(system.graphs.values());
                let types = types.map(|((role, term), graph)| (role, term, graph));
                let program = Program::written(&spec.names, &system.header, types);
                return Ok((&system.header, tree(program)?, IdVec::new()));
            }
        }
        Target::Local(_) | Target::ProtocolRole(..) | Target::SystemRole(..) => return Err(PlanError::OneRole),
    }
    let endpoints = spec.tables(target).map_err(PlanError::NoEndpoints)?;
    let header = endpoints.header;
    let system = System::of(&endpoints.locals, |from, to| header.edge_kind(from, to))
        .map_err(|SystemError::TooMany(error)| PlanError::from(error))?;
    for (role, machine) in system.machines().iter() {
        if let Some(action) = machine.actions().values().find(|action| action.twin > 0) {
            return Err(PlanError::Ambiguous {
                role: header.role_name(role).into(),
                message: spec.names.message(action.label, action.sort).into(),
            });
        }
    }
    Ok((header, Engine::Table(system), endpoints.locals))
}

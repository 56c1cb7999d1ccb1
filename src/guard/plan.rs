//! What all monitors of one role of one protocol share: its table, or its program; how payloads are read; what is done
//! about a violation.
//!
//! A role whose steps say by direction, peer and label where they lead, and whose conditions read the payload alone, is
//! stepped in a table ([`Engine::Table`]). Any other is watched as a set of configurations of a
//! [`Program`] ([`Engine::Tree`]), as a trace seen at this endpoint would be.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Mode, Violation};
use crate::{
    data::{Assumed, Code, Extract, Field, Redaction},
    diag::Sources,
    id::{ActionId, Id, IdVec, LabelId, MessageId, RoleId, SortId, TooMany},
    machine::{Machine, Program, ProgramError, System, SystemError, TableError},
    protocol::{Act, EdgeKind, Graph, Header, Local, Names, NoEndpoints, Observer, Rule, Spec, Target},
    session::{Direction, Host, OpenPlan},
    trace::live::observe::Watch,
};

/// Who is told of a violation.
pub type Report = Arc<dyn Fn(&Violation) + Send + Sync>;

/// What monitors do, and whom they ask and tell.
#[derive(Clone)]
pub struct Options {
    /// What is done about a violation.
    pub mode: Mode,
    /// Clocks may differ by so many microseconds.
    pub slack: i64,
    /// What the host says of extern predicates; without one they are taken for true.
    pub host: Option<Host>,
    /// Hides secrets in messages.
    pub redaction: Redaction,
    /// Is told of each violation, but in [`Mode::Observe`].
    pub report: Option<Report>,
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Block, slack: 0, host: None, redaction: Redaction::new(b""), report: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("mode", &self.mode).field("slack", &self.slack).finish_non_exhaustive()
    }
}

/// Why a role cannot be guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// The declaration has no endpoints.
    NoEndpoints(NoEndpoints),
    /// It has no such role.
    NoRole {
        /// The role.
        role: Box<str>,
        /// Those that there are.
        declared: Vec<Box<str>>,
    },
    /// More of something than ids.
    TooLarge(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoints(why) => why.fmt(f),
            Self::NoRole { role, declared } => {
                let declared: Vec<String> = declared.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "there is no role `{role}`; declared: {}", declared.join(", "))
            }
            Self::TooLarge(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<NoEndpoints> for PlanError {
    fn from(why: NoEndpoints) -> Self {
        Self::NoEndpoints(why)
    }
}

impl From<TooMany> for PlanError {
    fn from(error: TooMany) -> Self {
        Self::TooLarge(error.to_string())
    }
}

impl From<ProgramError> for PlanError {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::TooMany(error) => error.into(),
            error => Self::TooLarge(format!("{error:?}")),
        }
    }
}

/// A step resolved to what it is: direction, peer and label. Of use to the plan that gave it, and its clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub(super) plan: u32,
    /// Of [`Inner::steps`].
    pub(super) step: u32,
    /// The only column of the table that it can be, if nothing is demanded of its payload; else a column that leads
    /// nowhere.
    pub(super) plain: u32,
}

/// A column that no table has.
const NOWHERE: u32 = u32::MAX;

/// A step of the role.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) direction: Direction,
    pub(super) peer: RoleId,
    pub(super) label: LabelId,
    /// As reports name them.
    pub(super) peer_name: Option<Arc<str>>,
    pub(super) label_text: Arc<str>,
    /// What it can be: columns of the table, or messages of the program.
    pub(super) columns: SmallVec<[ActionId; 2]>,
    pub(super) messages: Box<[MessageId]>,
    pub(super) plain: u32,
}

/// How the payloads of a signature are read and judged.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) extract: Extract,
    pub(super) fields: Option<Box<[Field]>>,
    pub(super) rule: Arc<Rule>,
    /// It cannot be judged without its payload.
    pub(super) judged: bool,
    /// Fields that do not count as content, if the content counts at all.
    pub(super) except: Option<Box<[Box<str>]>>,
}

impl Reading {
    fn of(names: &Names, sort: SortId, taken: Option<&Rule>) -> Self {
        let rule = names.shared_rule(sort).cloned().unwrap_or_default();
        let reads =
            |code: &Code| code.slots().iter().any(|&slot| crate::protocol::place(slot).0 == crate::protocol::PAYLOAD);
        let needs = |rule: &Rule| {
            let sets = rule.sets.iter().chain(rule.after.iter().flat_map(|group| group.iter()));
            !rule.binds.is_empty()
                || !rule.unique.is_empty()
                || !rule.idempotent.is_empty()
                || rule.demands().chain(sets.map(|set| &set.value)).any(reads)
                || rule.keys.iter().any(|key| reads(&key.value))
        };
        let except = rule.idempotent.iter().flat_map(|memory| memory.except.iter().cloned()).collect();
        Self {
            extract: Extract::new(names.payload(sort), |_| true),
            fields: names.payload(sort).map(|payload| payload.fields.clone()),
            judged: needs(&rule) || taken.is_some_and(needs),
            except: (!rule.idempotent.is_empty()).then_some(except),
            rule,
        }
    }
}

/// A role's automaton as a table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) machine: Machine,
    pub(super) local: Local,
    pub(super) readings: IdVec<ActionId, Reading>,
}

/// What is beyond tables.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) program: Program,
    /// Without machines, as reports of programs have it.
    pub(super) system: System,
    pub(super) watch: Watch,
    pub(super) readings: IdVec<MessageId, Reading>,
}

/// How a role is stepped.
#[derive(Debug)]
pub(super) enum Engine {
    Table(Box<Table>),
    Tree(Box<Tree>),
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) uid: u32,
    pub(super) role: RoleId,
    pub(super) names: Names,
    pub(super) header: Header,
    pub(super) sources: Option<Sources>,
    pub(super) engine: Engine,
    pub(super) steps: Vec<Step>,
    by: FxHashMap<(Direction, RoleId, LabelId), u32>,
    pub(super) options: Options,
}

/// What all monitors of a role share; a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Plan(pub(super) Arc<Inner>);

/// Where a role's behaviour comes from.
enum Source {
    Local(Local),
    Program(Box<Program>),
}

impl Plan {
    /// The plan of a role of a declaration, or of a local type (whose role it is then). `sources` are for places in
    /// reports. O(size of its machine).
    pub fn new(
        spec: &Spec,
        target: Target,
        role: RoleId,
        sources: Option<Sources>,
        options: Options,
    ) -> Result<Self, PlanError> {
        let none = || PlanError::NoEndpoints(NoEndpoints::Broken);
        let header = spec.header(target).ok_or_else(none)?;
        header.usable()?;
        if header.roles.entry(role).is_none() {
            return Err(PlanError::NoRole { role: "".into(), declared: declared(header) });
        }
        let done = |source| Self::of(&spec.names, header, role, source, sources.clone(), options.clone());
        let large = |why: String| PlanError::TooLarge(why);
        match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => {
                let protocol = spec.protocols.get(at).ok_or_else(none)?;
                if protocol.is_table(&spec.names) {
                    let endpoints = spec.tables(Target::Protocol(at))?;
                    let local = endpoints.locals.entry(role).ok_or_else(none)?;
                    if is_table(header, role, local) {
                        return done(Source::Local(local.clone()));
                    }
                }
                let made;
                let graph = match &protocol.graph {
                    Some(graph) => graph,
                    None => {
                        made = Graph::of(&protocol.term).map_err(|error| large(format!("{error:?}")))?;
                        &made
                    }
                };
                done(Source::Program(Box::new(Program::of(&spec.names, header, &protocol.term, graph)?)))
            }
            Target::System(at) | Target::SystemRole(at, _) => {
                let system = spec.systems.get(at).ok_or_else(none)?;
                if system.is_table(&spec.names)
                    && let Some(local) = system.locals.entry(role)
                    && is_table(header, role, local)
                {
                    return done(Source::Local(local.clone()));
                }
                let made: IdVec<RoleId, Graph>;
                let graphs = if system.graphs.is_empty() {
                    let graphs =
                        system.terms.values().map(|term| Graph::of(term).map_err(|error| large(format!("{error:?}"))));
                    made = graphs.collect::<Result<_, _>>()?;
                    &made
                } else {
                    &system.graphs
                };
                let types = system.terms.iter().zip(graphs.values()).map(|((role, term), graph)| (role, term, graph));
                done(Source::Program(Box::new(Program::written(&spec.names, header, types)?)))
            }
            Target::Local(at) => {
                let decl = spec.locals.get(at).ok_or_else(none)?;
                if let (None, Some(local)) = (&decl.graph, &decl.local)
                    && is_table(header, role, local)
                {
                    return done(Source::Local(local.clone()));
                }
                let made;
                let graph = match &decl.graph {
                    Some(graph) => graph,
                    None => {
                        made = Graph::of(&decl.term).map_err(|error| large(format!("{error:?}")))?;
                        &made
                    }
                };
                done(Source::Program(Box::new(Program::written(
                    &spec.names,
                    header,
                    [(decl.role, &decl.term, graph)],
                )?)))
            }
        }
    }

    /// The plan of a role of an open plan: the same types, for endpoints that a store does not see.
    pub fn of_open(open: &OpenPlan, role: RoleId, options: Options) -> Result<Self, PlanError> {
        let parts = open.parts();
        let source = match (parts.program, parts.locals.entry(role)) {
            (Some(program), _) => Source::Program(Box::new(program.clone())),
            (None, Some(local)) => Source::Local(local.clone()),
            (None, None) => return Err(PlanError::NoRole { role: "".into(), declared: declared(parts.header) }),
        };
        Self::of(parts.names, parts.header, role, source, None, options)
    }

    fn of(
        names: &Names,
        header: &Header,
        role: RoleId,
        source: Source,
        sources: Option<Sources>,
        options: Options,
    ) -> Result<Self, PlanError> {
        /// Plans of a process, for telling them apart: nothing else depends on it.
        static PLANS: AtomicU32 = AtomicU32::new(1);
        let mut maker = Maker { names, header, role, steps: Vec::new(), by: FxHashMap::default() };
        let engine = match source {
            Source::Local(local) => Engine::Table(Box::new(maker.table(&local)?)),
            Source::Program(program) => {
                let host = options.host.clone().unwrap_or_else(|| Arc::new(Assumed));
                Engine::Tree(Box::new(maker.tree(*program, host)?))
            }
        };
        let Maker { steps, by, .. } = maker;
        Ok(Self(Arc::new(Inner {
            uid: PLANS.fetch_add(1, Ordering::Relaxed),
            role,
            names: names.clone(),
            header: header.clone(),
            sources,
            engine,
            steps,
            by,
            options,
        })))
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.header.name
    }

    /// The role's name.
    #[must_use]
    pub fn role_name(&self) -> &str {
        self.0.header.role_name(self.0.role)
    }

    /// Whether it is stepped in a table: in a few nanoseconds, and without allocating.
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.0.engine, Engine::Table(_))
    }

    /// Options.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The names of the other roles.
    pub fn peers(&self) -> impl Iterator<Item = &str> {
        let own = self.0.role;
        self.0.header.roles.iter().filter(move |(role, _)| *role != own).map(|(_, role)| &*role.name)
    }

    /// The handle of a send, if the role ever does that.
    #[must_use]
    pub fn sends(&self, to: &str, label: &str) -> Option<Handle> {
        self.find(Direction::Send, to, label).ok()
    }

    /// The handle of a receive, if the role ever does that.
    #[must_use]
    pub fn receives(&self, from: &str, label: &str) -> Option<Handle> {
        self.find(Direction::Receive, from, label).ok()
    }

    /// The handle of a local action, if the role ever does that.
    #[must_use]
    pub fn acts(&self, label: &str) -> Option<Handle> {
        self.find(Direction::Act, self.role_name(), label).ok()
    }

    pub(super) fn find(&self, direction: Direction, peer: &str, label: &str) -> Result<Handle, Unknown> {
        let inner = &*self.0;
        let peer = inner.header.role(peer).ok_or(Unknown::Role)?;
        let label = inner.names.find_label(label).ok_or(Unknown::Label)?;
        inner.find(direction, peer, label).ok_or(Unknown::Message)
    }
}

/// What names do not stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    Role,
    Label,
    Message,
}

impl Inner {
    fn find(&self, direction: Direction, peer: RoleId, label: LabelId) -> Option<Handle> {
        let step = *self.by.get(&(direction, peer, label))?;
        let plain = self.steps.get(step as usize).map_or(NOWHERE, |step| step.plain);
        Some(Handle { plan: self.uid, step, plain })
    }

    /// The step of one of its handles.
    pub(super) fn step(&self, handle: Handle) -> Option<&Step> {
        self.steps.get(handle.step as usize).filter(|_| handle.plan == self.uid)
    }
}

fn declared(header: &Header) -> Vec<Box<str>> {
    header.roles.values().map(|role| role.name.clone()).collect()
}

/// Whether a role's steps say by direction, peer and label where they lead.
fn is_table(header: &Header, role: RoleId, local: &Local) -> bool {
    !header.pipelined.contains(&role)
        && local.states.values().all(|state| {
            let mut arms: Vec<_> = state.arms.iter().map(|arm| (arm.act, arm.label)).collect();
            arms.sort_unstable();
            let count = arms.len();
            arms.dedup();
            arms.len() == count && state.arms.iter().all(|arm| arm.act.is_event())
        })
}

struct Maker<'a> {
    names: &'a Names,
    header: &'a Header,
    role: RoleId,
    steps: Vec<Step>,
    by: FxHashMap<(Direction, RoleId, LabelId), u32>,
}

impl Maker<'_> {
    fn step(&mut self, direction: Direction, peer: RoleId, label: LabelId) -> Result<&mut Step, PlanError> {
        let next = self.steps.len();
        let at = match self.by.get(&(direction, peer, label)) {
            Some(&at) => at as usize,
            None => {
                self.by.insert((direction, peer, label), ActionId::new(next)?.raw());
                let peer_name = (direction != Direction::Act).then(|| self.header.role_name(peer).into());
                let label_text = self.names.label_text(label).into();
                let (columns, messages) = (SmallVec::new(), Box::default());
                self.steps.push(Step {
                    direction,
                    peer,
                    label,
                    peer_name,
                    label_text,
                    columns,
                    messages,
                    plain: NOWHERE,
                });
                next
            }
        };
        Ok(self
            .steps
            .get_mut(at)
            .expect("`at` was the length before the push, or is in `by`, which holds such numbers"))
    }

    fn table(&mut self, local: &Local) -> Result<Table, PlanError> {
        let machine = Machine::of(local).map_err(|TableError::TooMany(error)| PlanError::from(error))?;
        let mut readings = IdVec::new();
        for (column, action) in machine.actions().iter() {
            let reading = Reading::of(self.names, action.sort, None);
            let plain = reading.rule.is_empty();
            readings.push(reading)?;
            let (direction, peer) = match action.act {
                Act::Send(to) => (Direction::Send, to),
                Act::Receive(from) => (Direction::Receive, from),
                Act::Act => (Direction::Act, self.role),
                Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => continue,
            };
            let step = self.step(direction, peer, action.label)?;
            step.columns.push(column);
            step.plain = if plain && step.columns.len() == 1 { column.raw() } else { NOWHERE };
        }
        Ok(Table { machine, local: local.clone(), readings })
    }

    fn tree(&mut self, program: Program, host: Host) -> Result<Tree, PlanError> {
        let mut readings = IdVec::new();
        let mut found: Vec<(Direction, RoleId, LabelId, MessageId)> = Vec::new();
        for (message, travel) in program.messages().iter() {
            readings.push(Reading::of(self.names, travel.sort, Some(&travel.taken)))?;
            if travel.from == self.role && travel.to == self.role {
                found.push((Direction::Act, self.role, travel.label, message));
            } else if travel.from == self.role {
                found.push((Direction::Send, travel.to, travel.label, message));
            } else if travel.to == self.role {
                found.push((Direction::Receive, travel.from, travel.label, message));
            }
        }
        for (direction, peer, label, message) in found {
            let step = self.step(direction, peer, label)?;
            let mut messages = std::mem::take(&mut step.messages).into_vec();
            messages.push(message);
            step.messages = messages.into();
        }
        let watch = Watch::new(Observer::Endpoint(self.role), true, &self.header.pipelined).asking(host);
        let system = System::of(&IdVec::new(), |_, _| EdgeKind::Fifo)
            .map_err(|SystemError::TooMany(error)| PlanError::from(error))?;
        Ok(Tree { program, system, watch, readings })
    }
}

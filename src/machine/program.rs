//! Programs: what is beyond the kernel, compiled.
//!
//! A protocol with scopes or data has, for each role, one automaton per *region*: the protocol itself, and each block of
//! a `par`, `during` or `try` (see [`Graph`]). What a role may do is a tree of activations of these automata
//! ([`Live`](super::Live)). A message is an edge, a label and a signature, whose rule says what it demands of data.
//!
//! INVARIANT (closed): a state in a row, a region in a scope and a scope in a row are ids of their tables.
//! INVARIANT (mentions): `mentions` of a region holds every message that the role sends, takes or does in it or in a
//! scope inside, so what is not in it need not be searched.

use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;

use super::{edits::Edits, shared::Shared};
use crate::{
    data::Code,
    diag::Span,
    id::{EdgeId, FrameId, Id, IdVec, LabelId, MessageId, RegionId, RoleId, ScopeId, SortId, StateId, TooMany},
    protocol::{
        Act, EdgeKind, Entry, Frame, Graph, Header, Local, LocalError, Names, Payload, ProjectionError, Projector,
        Rule, Scope, Shape, ShapeKind, Term, Trigger, place,
    },
};

/// The side of a message that a role takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// It sends it, or does it by itself.
    From,
    /// It receives it.
    To,
}

/// A message that can travel, or a local action.
#[derive(Clone, Debug)]
pub struct Travel {
    /// The sender; who acts, if it is also `to`.
    pub from: RoleId,
    /// The receiver.
    pub to: RoleId,
    /// Its edge; none for a local action.
    pub edge: Option<EdgeId>,
    /// The label.
    pub label: LabelId,
    /// The signature.
    pub sort: SortId,
    /// What it demands and changes.
    pub rule: Arc<Rule>,
    /// The same as the receiver writes it, if both ends are written by hand.
    pub taken: Arc<Rule>,
    /// Conditions that can be decided before the place of the message is known: they read nothing but the payload and
    /// the session's own variables, and nothing on the way to any place assigns these. First those that read no payload.
    pub(super) early: Box<[usize]>,
    /// How many of them read no payload.
    pub(super) blind: usize,
    /// The numbers of these: what is the same for two messages of a sender has one. [`Shared::NONE`] if it has none.
    pub(super) shared: Box<[u8]>,
    /// What can be assigned in place, for each end.
    pub(super) edits: [Edits; 2],
    /// For each end, that it assigns nothing, wherever the message stands.
    pub(super) quiet: [bool; 2],
    /// The payload field that says from before or behind an interrupt it comes (`@epoch`).
    pub(crate) epoch: Option<usize>,
}

impl Travel {
    /// What it demands of one end, and changes there.
    #[must_use]
    pub fn rule_of(&self, end: End) -> &Rule {
        match end {
            End::From => &self.rule,
            End::To => &self.taken,
        }
    }

    /// Whether one end assigns nothing, wherever the message stands.
    pub(super) fn is_quiet(&self, end: End) -> bool {
        let [from, to] = self.quiet;
        if end == End::From { from } else { to }
    }

    /// What one end can assign in place, by group and place in it.
    pub(super) fn edits_of(&self, end: End) -> &Edits {
        let [from, to] = &self.edits;
        if end == End::From { from } else { to }
    }
}

/// Something that a role does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Which message.
    pub message: MessageId,
    /// Which side.
    pub end: End,
    /// Where it leads.
    pub then: StateId,
    /// Where it is written.
    pub span: Span,
}

/// A state of a role in a region.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Messages, sorted by message and side.
    pub arms: Box<[Arm]>,
    /// Scopes that begin here, and the state while they last.
    pub scopes: Box<[(ScopeId, StateId)]>,
    /// While a scope lasts: where its ways out lead.
    pub leaves: Box<[(u32, StateId)]>,
    /// The ways out of the region's own scope that are open here; 0 is its end.
    pub exits: Box<[u32]>,
    /// Where it is entered.
    pub span: Span,
}

impl Row {
    /// Whether nothing can happen here any more, and the region may end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.arms.is_empty() && self.scopes.is_empty() && self.leaves.is_empty()
    }

    /// What is done with a message here.
    #[inline]
    pub fn arms(&self, message: MessageId, end: End) -> impl Iterator<Item = &Arm> {
        let before = |arm: &Arm| arm.message < message || arm.message == message && arm.end < end;
        // Most rows are short.
        let from = match &*self.arms {
            [] => 0,
            [only] => usize::from(before(only)),
            arms => arms.partition_point(before),
        };
        let rest = self.arms.get(from..).unwrap_or(&[]);
        rest.iter().take_while(move |arm| arm.message == message && arm.end == end)
    }
}

/// A role's automaton of a region.
#[derive(Clone, Debug)]
pub struct Automaton {
    /// Where it begins.
    pub initial: StateId,
    /// Its states; the first is dead.
    pub rows: IdVec<StateId, Row>,
    mentions: [FixedBitSet; 2],
}

impl Automaton {
    /// Whether a message occurs in it, or in a scope inside.
    #[inline]
    #[must_use]
    pub fn mentions(&self, message: MessageId, end: End) -> bool {
        let [from, to] = &self.mentions;
        let set = if end == End::From { from } else { to };
        set.contains(message.index())
    }

    /// Every message that the role takes in it, or in a scope inside.
    pub fn taken(&self) -> impl Iterator<Item = MessageId> {
        let [_, to] = &self.mentions;
        to.ones().map_while(|at| MessageId::new(at).ok())
    }

    /// Whether the role does nothing in it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.mentions.iter().all(FixedBitSet::is_clear)
    }
}

/// A region.
#[derive(Clone, Debug)]
pub struct RegionInfo {
    /// The frame of its variables.
    pub frame: FrameId,
    /// Its depth.
    pub depth: u8,
    /// Assignments in front of each role's first step.
    pub entry: Entry,
}

/// A round of a `during`.
#[derive(Clone, Debug)]
pub struct RoundInfo {
    /// Its region.
    pub region: RegionId,
    /// The frame of an instance, if it is a family.
    pub family: Option<FrameId>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// In what time the next one begins.
    pub every: Option<Code>,
    /// Where it is written.
    pub span: Span,
}

/// A handler of a `try`.
#[derive(Clone, Debug)]
pub struct HandlerInfo {
    /// Its region.
    pub region: RegionId,
    /// What leads into it.
    pub trigger: Trigger,
}

/// What a scope is made of.
#[derive(Clone, Debug)]
pub enum ScopeParts {
    /// Parts.
    Par(Box<[RegionId]>),
    /// A main part and rounds.
    During(Option<RegionId>, Box<[RoundInfo]>),
    /// A body and handlers.
    Try(RegionId, Box<[HandlerInfo]>),
}

/// A scope.
#[derive(Clone, Debug)]
pub struct ScopeInfo {
    /// Its regions.
    pub parts: ScopeParts,
    /// Who takes part.
    pub roles: Box<[RoleId]>,
    /// Assignments behind it, by the number of the way out.
    pub behind: Vec<(u32, Entry)>,
    /// Where it is written.
    pub span: Span,
}

/// Why there is no program.
#[derive(Debug)]
pub enum ProgramError {
    /// More of something than ids.
    TooMany(TooMany),
    /// A role's automaton is too large.
    Projection(Box<ProjectionError>),
    /// More arms than are built.
    TooManyArms,
    /// Families are nested deeper than slots can say.
    TooDeep,
}

impl From<TooMany> for ProgramError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

/// A protocol beyond the kernel, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Per role and region the automaton, where the role takes part.
    pub(super) automata: IdVec<RoleId, IdVec<RegionId, Option<Automaton>>>,
    pub(super) edges: IdVec<EdgeId, (RoleId, RoleId, EdgeKind)>,
    pub(super) messages: IdVec<MessageId, Travel>,
    find: FxHashMap<(RoleId, RoleId, LabelId), Vec<MessageId>>,
    pub(super) regions: IdVec<RegionId, RegionInfo>,
    pub(super) scopes: IdVec<ScopeId, Option<ScopeInfo>>,
    pub(super) frames: IdVec<FrameId, Frame>,
    /// Slots of the session's frame that nobody knows.
    nobodys: FixedBitSet,
    /// Where each role begins.
    roots: IdVec<RoleId, RegionId>,
    /// Both ends of each edge are written by hand: each checks its own rule.
    pub(super) written: bool,
    /// Something has to happen in time.
    pub(super) timed: bool,
    /// Per frame, the slots of which something must hold.
    invariants: IdVec<FrameId, Box<[u32]>>,
    /// Per `during` and message of an end, the rounds that mention it; none is empty.
    rounds: IdVec<MessageId, [Mentioned; 2]>,
}

/// For one end of a message: the scopes of which rounds mention it, in order, and which.
type Mentioned = Box<[(ScopeId, Box<[u32]>)]>;

impl Program {
    /// The program of a protocol: what each role sees of its graph, determinized; nothing is refused for not being
    /// projectable.
    pub fn of(names: &Names, header: &Header, term: &Term, graph: &Graph) -> Result<Self, ProgramError> {
        let mut projector = Projector::new(graph);
        let mut roles = Vec::new();
        for role in header.roles.ids() {
            let mut row = Vec::new();
            for region in graph.regions.values() {
                let takes_part = region.scope.is_none_or(|scope| {
                    let shape = graph.scopes.entry(scope).and_then(Option::as_ref);
                    shape.is_some_and(|shape| shape.roles.binary_search(&role).is_ok())
                });
                row.push(match takes_part {
                    true => Some(
                        projector
                            .canonical_region(role, region.start)
                            .map_err(|error| ProgramError::Projection(Box::new(error)))?,
                    ),
                    false => None,
                });
            }
            roles.push((role, row));
        }
        Self::assemble(names, header, &[Source { term, graph, roles }], false)
    }

    /// The program of types that are written by hand, of all roles of a system or of one role alone.
    pub fn written<'t>(
        names: &Names,
        header: &Header,
        types: impl IntoIterator<Item = (RoleId, &'t Term, &'t Graph)>,
    ) -> Result<Self, ProgramError> {
        let mut sources = Vec::new();
        for (role, term, graph) in types {
            let mut row = Vec::new();
            for region in graph.regions.values() {
                let local = Local::of_region(role, graph, region.start).map_err(|error| match error {
                    LocalError::TooMany(error) => ProgramError::TooMany(error),
                    LocalError::TooManyArms => ProgramError::TooManyArms,
                })?;
                row.push(Some(local));
            }
            sources.push(Source { term, graph, roles: vec![(role, row)] });
        }
        Self::assemble(names, header, &sources, true)
    }

    fn assemble(names: &Names, header: &Header, sources: &[Source<'_>], written: bool) -> Result<Self, ProgramError> {
        let mut program = Self {
            automata: IdVec::new(),
            edges: IdVec::new(),
            messages: IdVec::new(),
            find: FxHashMap::default(),
            regions: IdVec::new(),
            scopes: IdVec::new(),
            frames: IdVec::new(),
            nobodys: FixedBitSet::new(),
            timed: false,
            invariants: IdVec::new(),
            rounds: IdVec::new(),
            roots: IdVec::filled(RegionId::default(), header.roles.len()),
            written,
        };
        let known = program.number_messages(names, header, sources)?;
        let count: usize = sources.iter().map(|source| source.graph.regions.len()).sum();
        let mut automata: IdVec<RoleId, IdVec<RegionId, Option<Automaton>>> =
            header.roles.values().map(|_| (0..count).map(|_| None).collect()).collect();
        for source in sources {
            let base = Base { region: program.regions.len(), scope: program.scopes.len(), frame: program.frames.len() };
            program.place(source, &base)?;
            for (role, locals) in &source.roles {
                if let Some(root) = program.roots.entry_mut(*role) {
                    *root = base.region(RegionId::default())?;
                }
                for (at, local) in locals.iter().enumerate() {
                    let Some(local) = local else { continue };
                    let region = base.region(RegionId::new(at)?)?;
                    let automaton = program.automaton(*role, local, &known, &base)?;
                    if let Some(place) = automata.entry_mut(*role).and_then(|row| row.entry_mut(region)) {
                        *place = Some(automaton);
                    }
                }
            }
        }
        for frame in program.frames.values() {
            let all = frame.slots.iter().enumerate().filter(|(_, slot)| slot.invariant.is_some());
            program.invariants.push(all.filter_map(|(at, _)| u32::try_from(at).ok()).collect())?;
        }
        program.automata = automata;
        if let Some(root) = program.frames.values().next().filter(|_| !written) {
            program.nobodys = FixedBitSet::with_capacity(root.slots.len());
            for (at, _) in root.slots.iter().enumerate().filter(|(_, slot)| slot.roles.is_empty()) {
                program.nobodys.insert(at);
            }
        }
        program.find_mentions();
        program.find_rounds();
        program.find_early();
        program.find_edits();
        program.find_quiet();
        Ok(program)
    }

    /// The frames, regions and scopes of a source, behind those of the sources before it.
    fn place(&mut self, source: &Source<'_>, base: &Base) -> Result<(), ProgramError> {
        let Source { term, graph, .. } = source;
        for frame in term.frames.values() {
            if frame.depth >= 250 {
                return Err(ProgramError::TooDeep);
            }
            let parent = frame.parent.map(|parent| base.frame(parent)).transpose()?;
            self.frames.push(Frame { parent, ..frame.clone() })?;
        }
        if term.frames.is_empty() {
            self.frames.push(Frame::default())?;
        }
        for region in graph.regions.values() {
            let frame = base.frame(region.frame)?;
            let depth = self.frames.entry(frame).map_or(0, |frame| frame.depth);
            self.regions.push(RegionInfo { frame, depth, entry: region.entry.clone() })?;
        }
        for (id, shape) in graph.scopes.iter() {
            let info = match shape.as_ref().zip(term.scopes.entry(id)) {
                Some((shape, scope)) => scope_info(scope, shape, base)?,
                None => None,
            };
            self.scopes.push(info)?;
        }
        Ok(())
    }

    /// Numbers everything that anybody sends, takes or does, in the order of (from, to, label, signature). Where both
    /// ends are written by hand, each way to send a payload meets each way to take it.
    fn number_messages(
        &mut self,
        names: &Names,
        header: &Header,
        sources: &[Source<'_>],
    ) -> Result<Known, ProgramError> {
        let mut ends_of: Vec<(RoleId, RoleId, LabelId, SortId, End)> = Vec::new();
        for (role, locals) in sources.iter().flat_map(|source| &source.roles) {
            let arms = locals.iter().flatten().flat_map(|local| local.states.values()).flat_map(|state| &state.arms);
            for arm in arms {
                if let Some((from, to, end)) = ends(*role, arm.act) {
                    ends_of.push((from, to, arm.label, arm.sort, end));
                }
            }
        }
        ends_of.sort_unstable();
        ends_of.dedup();
        let mut pairs: Vec<(RoleId, RoleId, LabelId, SortId, SortId)> = Vec::new();
        for &(from, to, label, sort, end) in &ends_of {
            if !self.written || from == to {
                pairs.push((from, to, label, sort, sort));
                continue;
            }
            let same = |other: &&(RoleId, RoleId, LabelId, SortId, End)| {
                (other.0, other.1, other.2) == (from, to, label)
                    && other.4 != end
                    && names.payload(other.3) == names.payload(sort)
            };
            let mut met = false;
            for other in ends_of.iter().filter(same) {
                met = true;
                pairs.push(match end {
                    End::From => (from, to, label, sort, other.3),
                    End::To => (from, to, label, other.3, sort),
                });
            }
            if !met {
                pairs.push((from, to, label, sort, sort));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut known = Known::default();
        let mut edge_of: FxHashMap<(RoleId, RoleId), EdgeId> = FxHashMap::default();
        for (from, to, label, sort, taken) in pairs {
            let edge = match edge_of.get(&(from, to)) {
                _ if from == to => None,
                Some(&edge) => Some(edge),
                None => {
                    let edge = self.edges.push((from, to, header.edge_kind(from, to)))?;
                    edge_of.insert((from, to), edge);
                    Some(edge)
                }
            };
            let rule = |sort| names.shared_rule(sort).cloned().unwrap_or_default();
            let travel = Travel {
                from,
                to,
                edge,
                label,
                sort,
                rule: rule(sort),
                taken: rule(taken),
                early: Box::default(),
                blind: 0,
                shared: Box::default(),
                edits: Default::default(),
                quiet: [false; 2],
                epoch: names.payload(sort).and_then(|payload| {
                    let is_epoch = |name: &str| header.epoch.iter().any(|epoch| **epoch == *name);
                    payload.fields.iter().position(|field| field.name.as_deref().is_some_and(is_epoch))
                }),
            };
            let id = self.messages.push(travel)?;
            self.find.entry((from, to, label)).or_default().push(id);
            known.entry((from, to, label, sort, End::From)).or_default().push(id);
            known.entry((from, to, label, taken, End::To)).or_default().push(id);
        }
        Ok(known)
    }

    fn automaton(&self, role: RoleId, local: &Local, known: &Known, base: &Base) -> Result<Automaton, ProgramError> {
        let mut mentions =
            [FixedBitSet::with_capacity(self.messages.len()), FixedBitSet::with_capacity(self.messages.len())];
        let mut rows = IdVec::new();
        for state in local.states.values() {
            let mut arms: Vec<Arm> = Vec::new();
            let (mut scopes, mut leaves, mut exits) = (Vec::new(), Vec::new(), Vec::new());
            if state.may_stop {
                exits.push(0);
            }
            for arm in &state.arms {
                match arm.act {
                    Act::Scope(scope) => scopes.push((base.scope(scope)?, arm.then)),
                    Act::Leave(_, number) => leaves.push((number, arm.then)),
                    Act::Exit(_, number) => exits.push(number),
                    Act::Send(_) | Act::Receive(_) | Act::Act => {
                        let Some((from, to, end)) = ends(role, arm.act) else { continue };
                        let [sent, taken] = &mut mentions;
                        let set = if end == End::From { sent } else { taken };
                        for &message in known.get(&(from, to, arm.label, arm.sort, end)).into_iter().flatten() {
                            set.insert(message.index());
                            arms.push(Arm { message, end, then: arm.then, span: arm.span });
                        }
                    }
                }
            }
            arms.sort_by_key(|arm| (arm.message, arm.end));
            rows.push(Row {
                arms: arms.into(),
                scopes: scopes.into(),
                leaves: leaves.into(),
                exits: exits.into(),
                span: state.span,
            })?;
        }
        Ok(Automaton { initial: local.initial, rows, mentions })
    }

    /// Which conditions can be decided early.
    fn find_early(&mut self) {
        let root = RegionId::default();
        let inner = self.regions.iter().filter(|(id, _)| *id != root).flat_map(|(_, region)| &region.entry);
        let behind = self.scopes.values().flatten().flat_map(|scope| scope.behind.iter().flat_map(|(_, entry)| entry));
        let assigned: rustc_hash::FxHashSet<crate::data::Slot> =
            inner.chain(behind).flat_map(|(_, sets)| sets.iter().map(|set| set.slot)).collect();
        let mut numbered: Vec<(RoleId, Code)> = Vec::new();
        for travel in self.messages.values_mut() {
            let payload = |slot: &crate::data::Slot| place(*slot).0 == crate::protocol::PAYLOAD;
            let (mut blind, mut sighted) = (Vec::new(), Vec::new());
            for (at, condition) in travel.rule.conditions.iter().enumerate() {
                let slots = condition.code.slots();
                let asks = !condition.code.externals().is_empty();
                if !asks && slots.iter().all(|slot| payload(slot) || place(*slot).0 == 0 && !assigned.contains(slot)) {
                    if slots.iter().any(payload) { &mut sighted } else { &mut blind }.push(at);
                }
            }
            travel.blind = blind.len();
            let number = |at: &usize| {
                let code = &travel.rule.conditions.get(*at)?.code;
                let known = numbered.iter().position(|(from, known)| *from == travel.from && known == code);
                if known.is_none() && numbered.len() < usize::from(Shared::MOST) {
                    numbered.push((travel.from, code.clone()));
                    return u8::try_from(numbered.len().saturating_sub(1)).ok();
                }
                known.and_then(|known| u8::try_from(known).ok())
            };
            travel.shared = blind.iter().map(number).map(|number| number.unwrap_or(Shared::NONE)).collect();
            blind.extend(sighted);
            travel.early = blind.into();
        }
    }

    /// INVARIANT (mentions): what scopes hold is handed on to the regions in which they stand, until nothing changes.
    fn find_mentions(&mut self) {
        let scopes = &self.scopes;
        for automata in self.automata.values_mut() {
            let inner: Vec<Vec<ScopeId>> = automata
                .values()
                .map(|automaton| {
                    let rows = automaton.iter().flat_map(|automaton| automaton.rows.values());
                    rows.flat_map(|row| row.scopes.iter().map(|&(scope, _)| scope)).collect()
                })
                .collect();
            let mut changed = true;
            while changed {
                changed = false;
                for (at, scopes_in) in inner.iter().enumerate() {
                    for &scope in scopes_in {
                        let regions = scopes.entry(scope).and_then(Option::as_ref).map(ScopeInfo::regions);
                        for region in regions.unwrap_or_default() {
                            let Some(more) =
                                automata.entry(region).and_then(Option::as_ref).map(|found| found.mentions.clone())
                            else {
                                continue;
                            };
                            let Some(Some(place)) = RegionId::new(at).ok().and_then(|at| automata.entry_mut(at)) else {
                                continue;
                            };
                            for (mine, more) in place.mentions.iter_mut().zip(&more) {
                                let before = mine.count_ones(..);
                                mine.union_with(more);
                                changed |= mine.count_ones(..) != before;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Which rounds mention what.
    fn find_rounds(&mut self) {
        type Found = [Vec<(ScopeId, Vec<u32>)>; 2];
        let mut found: IdVec<MessageId, Found> = self.messages.values().map(|_| Found::default()).collect();
        for automata in self.automata.values() {
            for (scope, info) in self.scopes.iter() {
                let Some(ScopeParts::During(_, rounds)) = info.as_ref().map(|info| &info.parts) else { continue };
                for (round, number) in rounds.iter().zip(0..) {
                    let Some(Some(automaton)) = automata.entry(round.region) else { continue };
                    for (at, set) in automaton.mentions.iter().enumerate() {
                        for message in set.ones().map_while(|at| MessageId::new(at).ok()) {
                            let Some(found) = found.entry_mut(message).and_then(|ends| ends.get_mut(at)) else {
                                continue;
                            };
                            match found.binary_search_by_key(&scope, |(scope, _)| *scope) {
                                Ok(at) => found.get_mut(at).into_iter().for_each(|(_, rounds)| rounds.push(number)),
                                Err(at) => found.insert(at, (scope, vec![number])),
                            }
                        }
                    }
                }
            }
        }
        let fixed = |found: &Vec<(ScopeId, Vec<u32>)>| -> Mentioned {
            found.iter().map(|(scope, rounds)| (*scope, rounds.as_slice().into())).collect()
        };
        self.rounds = found.values().map(|[from, to]| [fixed(from), fixed(to)]).collect();
    }

    /// The rounds of a `during` that mention a message, for the role at that end of it.
    #[inline]
    pub(super) fn rounds_with(&self, scope: ScopeId, message: MessageId, end: End) -> &[u32] {
        let Some([from, to]) = self.rounds.entry(message) else { return &[] };
        let scopes = if end == End::From { from } else { to };
        let found = match &**scopes {
            scopes if scopes.len() <= 8 => scopes.iter().find(|(known, _)| *known == scope),
            scopes => scopes.binary_search_by_key(&scope, |(known, _)| *known).ok().and_then(|at| scopes.get(at)),
        };
        found.map_or(&[], |(_, rounds)| &**rounds)
    }

    /// What a label between two roles can be: one message for each signature. A local action has the same role twice.
    #[must_use]
    pub fn find(&self, from: RoleId, to: RoleId, label: LabelId) -> &[MessageId] {
        self.find.get(&(from, to, label)).map_or(&[], Vec::as_slice)
    }

    /// Sender, receiver and kind of every edge, in the order of their ids.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = (RoleId, RoleId, EdgeKind)> + '_ {
        self.edges.values().copied()
    }

    /// All messages and local actions.
    #[must_use]
    pub fn messages(&self) -> &IdVec<MessageId, Travel> {
        &self.messages
    }

    /// The frames of variables.
    #[must_use]
    pub fn frames(&self) -> &IdVec<FrameId, Frame> {
        &self.frames
    }

    /// The scopes.
    #[must_use]
    pub fn scopes(&self) -> &IdVec<ScopeId, Option<ScopeInfo>> {
        &self.scopes
    }

    /// The automata of all roles and regions.
    pub fn automata(&self) -> impl Iterator<Item = &Automaton> {
        self.automata.values().flat_map(|regions| regions.values().flatten())
    }

    /// The same, with the role, the region and the innermost frame of each.
    pub fn placed(&self) -> impl Iterator<Item = (RoleId, RegionId, FrameId, &Automaton)> {
        self.automata.iter().flat_map(move |(role, regions)| {
            regions.iter().filter_map(move |(region, automaton)| {
                let frame = self.regions.entry(region)?.frame;
                automaton.as_ref().map(|automaton| (role, region, frame, automaton))
            })
        })
    }

    /// Regions that nobody has to begin: rounds and handlers.
    #[must_use]
    pub fn optional(&self) -> Vec<RegionId> {
        let mut found = Vec::new();
        for scope in self.scopes.values().flatten() {
            match &scope.parts {
                ScopeParts::Par(_) => {}
                ScopeParts::During(_, rounds) => found.extend(rounds.iter().map(|round| round.region)),
                ScopeParts::Try(_, handlers) => found.extend(handlers.iter().map(|handler| handler.region)),
            }
        }
        found
    }

    /// The automaton of a role in a region.
    #[inline]
    #[must_use]
    pub fn automaton_of(&self, role: RoleId, region: RegionId) -> Option<&Automaton> {
        self.automata.entry(role)?.entry(region)?.as_ref()
    }

    /// Whether a region can begin with a step of the role's own.
    #[must_use]
    pub(super) fn begins(&self, role: RoleId, region: RegionId) -> bool {
        // Regions stand in scopes, and scopes in regions, as a tree.
        let mut todo = vec![region];
        while let Some(region) = todo.pop() {
            let initial = self.automaton_of(role, region).map(|automaton| automaton.initial);
            let Some(row) = initial.and_then(|initial| self.row(role, region, initial)) else { continue };
            if row.arms.iter().any(|arm| arm.end == End::From) {
                return true;
            }
            let scopes = row.scopes.iter().filter_map(|&(scope, _)| self.scopes.entry(scope)?.as_ref());
            todo.extend(scopes.flat_map(|scope| match &scope.parts {
                ScopeParts::Try(body, _) => vec![*body],
                _ => scope.regions(),
            }));
        }
        false
    }

    /// A role's state in a region.
    #[inline]
    #[must_use]
    pub fn row(&self, role: RoleId, region: RegionId, state: StateId) -> Option<&Row> {
        self.automaton_of(role, region)?.rows.entry(state)
    }

    /// The slots of a frame on a way of which something must hold.
    #[inline]
    pub(super) fn invariants_of(&self, path: &[FrameId], depth: usize) -> &[u32] {
        path.get(depth).and_then(|&frame| self.invariants.entry(frame)).map_or(&[], |slots| &**slots)
    }

    /// Whether a slot of the session's frame is known to no role.
    #[inline]
    #[must_use]
    pub fn is_nobodys(&self, slot: usize) -> bool {
        self.nobodys.contains(slot)
    }

    /// Roles whose crash has a handler, sorted.
    #[must_use]
    pub fn crashing(&self) -> Vec<RoleId> {
        let mut found = Vec::new();
        for scope in self.scopes.values().flatten() {
            if let ScopeParts::Try(_, handlers) = &scope.parts {
                found.extend(handlers.iter().filter_map(|handler| match handler.trigger {
                    Trigger::Crash(role) => Some(role),
                    _ => None,
                }));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same where crashes are seen: nobody enters a handler of one by itself, only when told.
    pub(super) fn told_of_crashes(&self) -> Self {
        let mut told = self.clone();
        for scope in told.scopes.values_mut().flatten() {
            if let ScopeParts::Try(_, handlers) = &mut scope.parts {
                for handler in handlers {
                    if let Trigger::Crash(role) = handler.trigger {
                        handler.trigger = Trigger::Interrupt(role);
                    }
                }
            }
        }
        told
    }

    /// What is left for those who know that a role is gone: of every scope that handles that, the handler. `all` says
    /// which handlers are those of crashes.
    pub(super) fn without(&self, gone: RoleId, all: &Self) -> Self {
        let mut left = self.clone();
        for (scope, original) in left.scopes.values_mut().zip(all.scopes.values()) {
            let (Some(scope), Some(original)) = (scope, original) else { continue };
            let (ScopeParts::Try(body, handlers), ScopeParts::Try(_, originals)) = (&mut scope.parts, &original.parts)
            else {
                continue;
            };
            let number =
                originals.iter().position(|handler| matches!(handler.trigger, Trigger::Crash(role) if role == gone));
            if let Some(number) = number.filter(|&number| number < handlers.len())
                && let Some(handler) = handlers.get(number)
            {
                *body = handler.region;
                *handlers = handlers.iter().take(number).cloned().collect();
            }
        }
        left
    }

    /// Where a role begins.
    #[must_use]
    pub fn root(&self, role: RoleId) -> RegionId {
        self.roots.entry(role).copied().unwrap_or_default()
    }

    /// The frame of a role's session variables.
    #[must_use]
    pub fn root_frame(&self, role: RoleId) -> FrameId {
        self.regions.entry(self.root(role)).map_or(FrameId::default(), |region| region.frame)
    }

    /// How many roles there are.
    #[must_use]
    pub fn roles(&self) -> usize {
        self.automata.len()
    }

    /// The name of the variable or field in a slot of a message, for reports.
    #[must_use]
    pub fn slot_name<'n>(
        &'n self,
        names: &'n Names,
        message: MessageId,
        frame: FrameId,
        slot: crate::data::Slot,
    ) -> &'n str {
        let (depth, index) = place(slot);
        if depth == crate::protocol::PAYLOAD {
            let payload: Option<&Payload> = self.messages.entry(message).and_then(|travel| names.payload(travel.sort));
            let field = payload.and_then(|payload| payload.fields.get(index as usize));
            return field.and_then(|field| field.name.as_deref()).unwrap_or("?");
        }
        let mut at = Some(frame);
        while let Some(frame) = at.and_then(|at| self.frames.entry(at)) {
            if frame.depth == depth {
                return frame.slots.get(index as usize).map_or("?", |slot| &slot.name);
            }
            at = frame.parent;
        }
        "?"
    }
}

impl ScopeInfo {
    /// Its rounds, if it is a `during`.
    #[must_use]
    pub fn rounds(&self) -> &[RoundInfo] {
        match &self.parts {
            ScopeParts::During(_, rounds) => rounds,
            _ => &[],
        }
    }

    /// All regions.
    #[must_use]
    pub fn regions(&self) -> Vec<RegionId> {
        match &self.parts {
            ScopeParts::Par(parts) => parts.to_vec(),
            ScopeParts::During(main, rounds) => {
                main.iter().copied().chain(rounds.iter().map(|round| round.region)).collect()
            }
            ScopeParts::Try(body, handlers) => {
                std::iter::once(*body).chain(handlers.iter().map(|handler| handler.region)).collect()
            }
        }
    }
}

/// The types of some roles: of all, projected from one protocol, or of one, written by hand.
struct Source<'t> {
    term: &'t Term,
    graph: &'t Graph,
    roles: Vec<(RoleId, Vec<Option<Local>>)>,
}

/// The messages that an arm can be: by ends, label, signature and side.
type Known = FxHashMap<(RoleId, RoleId, LabelId, SortId, End), Vec<MessageId>>;

/// How many regions, scopes and frames stand before those of a source.
struct Base {
    region: usize,
    scope: usize,
    frame: usize,
}

impl Base {
    fn region(&self, id: RegionId) -> Result<RegionId, TooMany> {
        RegionId::new(self.region.saturating_add(id.index()))
    }

    fn scope(&self, id: ScopeId) -> Result<ScopeId, TooMany> {
        ScopeId::new(self.scope.saturating_add(id.index()))
    }

    fn frame(&self, id: FrameId) -> Result<FrameId, TooMany> {
        FrameId::new(self.frame.saturating_add(id.index()))
    }

    fn regions(&self, ids: &[RegionId]) -> Result<Box<[RegionId]>, TooMany> {
        ids.iter().map(|&id| self.region(id)).collect()
    }
}

fn scope_info(scope: &Scope, shape: &Shape, base: &Base) -> Result<Option<ScopeInfo>, TooMany> {
    let parts = match (scope, &shape.kind) {
        (Scope::Par { .. }, ShapeKind::Par(parts)) => ScopeParts::Par(base.regions(parts)?),
        (Scope::During { rounds, .. }, ShapeKind::During(main, regions)) => {
            let rounds = rounds.iter().zip(regions).map(|(round, &region)| {
                Ok(RoundInfo {
                    region: base.region(region)?,
                    family: round.family.map(|frame| base.frame(frame)).transpose()?,
                    name: round.name.clone(),
                    every: round.every.clone(),
                    span: round.span,
                })
            });
            ScopeParts::During(main.map(|main| base.region(main)).transpose()?, rounds.collect::<Result<_, TooMany>>()?)
        }
        (Scope::Try { handlers, .. }, ShapeKind::Try(body, regions)) => {
            let handlers = handlers.iter().zip(regions).map(|(handler, &region)| {
                Ok(HandlerInfo { region: base.region(region)?, trigger: handler.trigger.clone() })
            });
            ScopeParts::Try(base.region(*body)?, handlers.collect::<Result<_, TooMany>>()?)
        }
        _ => return Ok(None),
    };
    Ok(Some(ScopeInfo { parts, roles: shape.roles.clone(), behind: shape.behind.clone(), span: shape.span }))
}

fn ends(role: RoleId, act: Act) -> Option<(RoleId, RoleId, End)> {
    match act {
        Act::Send(to) => Some((role, to, End::From)),
        Act::Receive(from) => Some((from, role, End::To)),
        Act::Act => Some((role, role, End::From)),
        Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => None,
    }
}

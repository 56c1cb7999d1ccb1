//! Putting a program together: the automata of all roles and regions, numbered messages, and what is found out once so
//! that no step has to.

use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;

use super::{Arm, Automaton, End, HandlerInfo, Program, RegionInfo, RoundInfo, Row, ScopeInfo, ScopeParts, Travel};
use crate::{
    data::Code,
    id::{EdgeId, FrameId, Id, IdVec, LabelId, MessageId, RegionId, RoleId, ScopeId, SortId, TooMany},
    machine::Shared,
    protocol::{
        Act, Frame, Graph, Header, Local, LocalError, Names, ProjectionError, Projector, Scope, Shape, ShapeKind, Term,
        place,
    },
};

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
            rounds: FxHashMap::default(),
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
        let mut found: FxHashMap<(ScopeId, MessageId, End), Vec<u32>> = FxHashMap::default();
        for automata in self.automata.values() {
            for (scope, info) in self.scopes.iter() {
                let Some(ScopeParts::During(_, rounds)) = info.as_ref().map(|info| &info.parts) else { continue };
                for (round, number) in rounds.iter().zip(0..) {
                    let Some(Some(automaton)) = automata.entry(round.region) else { continue };
                    for (set, end) in automaton.mentions.iter().zip([End::From, End::To]) {
                        for message in set.ones().map_while(|at| MessageId::new(at).ok()) {
                            found.entry((scope, message, end)).or_default().push(number);
                        }
                    }
                }
            }
        }
        self.rounds = found.into_iter().map(|(key, rounds)| (key, rounds.into())).collect();
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

//! Programs: what is beyond the kernel, compiled.
//!
//! A protocol with scopes or data has, for each role, one automaton per *region*: the protocol itself, and each block of
//! a `par`, `during` or `try` (see [`Graph`](crate::protocol::Graph)). What a role may do is a tree of activations of these automata
//! ([`Live`](super::Live)). A message is an edge, a label and a signature, whose rule says what it demands of data.
//!
//! INVARIANT (closed): a state in a row, a region in a scope and a scope in a row are ids of their tables.
//! INVARIANT (mentions): `mentions` of a region holds every message that the role sends, takes or does in it or in a
//! scope inside, so what is not in it need not be searched.

mod assemble;
mod parts;

pub use assemble::ProgramError;
pub use parts::{Arm, Automaton, End, HandlerInfo, RegionInfo, RoundInfo, Row, ScopeInfo, ScopeParts, Travel};

use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;

use crate::{
    id::{EdgeId, FrameId, IdVec, LabelId, MessageId, RegionId, RoleId, ScopeId, StateId},
    protocol::{EdgeKind, Frame, Names, Payload, Trigger, place},
};

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
    rounds: FxHashMap<(ScopeId, MessageId, End), Box<[u32]>>,
}
impl Program {
    /// The rounds of a `during` that mention a message, for the role at that end of it.
    #[inline]
    pub(super) fn rounds_with(&self, scope: ScopeId, message: MessageId, end: End) -> &[u32] {
        self.rounds.get(&(scope, message, end)).map_or(&[], |rounds| &**rounds)
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

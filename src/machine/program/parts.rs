//! What a program is made of: messages, automata, regions, scopes.
//!
//! Plain data, closed under ids by [`Program`](super::Program): see its invariants.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::{
    data::Code,
    diag::Span,
    id::{EdgeId, FrameId, Id, IdVec, LabelId, MessageId, RegionId, RoleId, ScopeId, SortId, StateId},
    machine::edits::Edits,
    protocol::{Entry, Rule, Trigger},
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
    pub(in crate::machine) early: Box<[usize]>,
    /// How many of them read no payload.
    pub(in crate::machine) blind: usize,
    /// The numbers of these, or none: what is the same for two messages of a sender has one.
    pub(in crate::machine) shared: Box<[u8]>,
    /// What can be assigned in place, for each end.
    pub(in crate::machine) edits: [Edits; 2],
    /// For each end, that it assigns nothing, wherever the message stands.
    pub(in crate::machine) quiet: [bool; 2],
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
    pub(in crate::machine) fn is_quiet(&self, end: End) -> bool {
        let [from, to] = self.quiet;
        if end == End::From { from } else { to }
    }

    /// What one end can assign in place, by group and place in it.
    pub(in crate::machine) fn edits_of(&self, end: End) -> &Edits {
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
    pub(super) mentions: [FixedBitSet; 2],
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

//! Rules: what a step demands of data and time, and what it changes.
//!
//! A message signature ([`SortId`](crate::id::SortId)) is a payload and, where the message has options or its fields
//! are used later, a [`Rule`]. Rules are interned with the payload: the same label with different conditions is a
//! different message, so dispatch, projection and queues tell them apart without knowing about data.
//!
//! Values live in *frames*: the session's, and one per live instance of each family, nested as the families are. Every
//! role has its own copy of each frame; a [`Slot`] is a frame's depth and an index in it, or, with depth [`PAYLOAD`],
//! a field of the message at hand.
//!
//! ```text
//! slot = depth << 24 | index      depth 0 is the session's frame, 255 the payload
//! ```

use crate::{
    data::{Code, ExternId, Op, Slot, Sort, Spot},
    diag::Span,
    id::{FrameId, MemoryId, RoleId},
};

/// The depth of the slots that hold the payload fields of the message at hand.
pub const PAYLOAD: u8 = 255;
/// The largest index of a slot in its frame.
pub const MAX_INDEX: u32 = (1 << 24) - 1;

/// The slot at an index of the frame of a depth.
#[must_use]
pub fn slot(depth: u8, index: u32) -> Slot {
    Slot((u32::from(depth) << 24) | (index & MAX_INDEX))
}

/// Depth and index of a slot.
#[must_use]
pub fn place(slot: Slot) -> (u8, u32) {
    ((slot.0 >> 24) as u8, slot.0 & MAX_INDEX)
}

/// Who assigns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Both ends of the message, the sender when it sends and the receiver when it receives; each if it knows the
    /// variable.
    Ends,
    /// These roles, each its own copy. Nobody in particular if empty: the specification's own bookkeeping, held once.
    Roles(Box<[RoleId]>),
}

/// An assignment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// Where to.
    pub slot: Slot,
    /// Who.
    pub who: Who,
    /// The value, over the values before the step.
    pub value: Code,
}

/// What a step demands and changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rule {
    /// All must be true for the sender when it sends: `where`, `assert`, and refinements that mention other names.
    pub conditions: Box<[Condition]>,
    /// Witnesses that the sender's step consumes, one each.
    pub requires: Box<[Requirement]>,
    /// Payload fields that are remembered by both ends: the field's index, and where to.
    pub binds: Box<[(u32, Slot)]>,
    /// Assignments, simultaneous, with the values before the step.
    pub sets: Box<[Set]>,
    /// Assignments behind the step (jumps and block heads on the way to the next step), group by group.
    pub after: Box<[Box<[Set]>]>,
    /// The keys by which the message names its instance: the depth of the family, the number of the key, its value.
    pub keys: Box<[KeyOf]>,
    /// The time in which the sender sends, from when it could: not before, and at most.
    pub within: Option<(Option<Code>, Code)>,
    /// `unique by`
    pub unique: Box<[Memory]>,
    /// `idempotent by`
    pub idempotent: Box<[Memory]>,
    /// `may retry`
    pub may_retry: bool,
    /// Slots of `own` and `lend` fields, and what a `return` gives back.
    pub linear: Box<[Linear]>,
    /// Only where all runs are looked at: the keys of the one instance that the message belongs to, as text.
    pub instance: Option<Box<str>>,
}

/// A condition, and which words state it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Must be true.
    pub code: Code,
    /// What it is.
    pub kind: ConditionKind,
}

/// Where a condition comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionKind {
    /// `where`
    Where,
    /// `assert`
    Assert,
    /// The refinement of a payload field.
    Refinement(u32),
}

/// `requires w(e, …)`: the step consumes a witness for these values of the arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Of what: an index of [`Header::predicates`](super::Header::predicates), the same in all declarations.
    pub predicate: usize,
    /// The arguments, over the sender's copies and the payload, each of the sort of its parameter.
    pub args: Box<[Code]>,
    /// The predicate of the arguments. What the host is asked was asked when the witness was issued, so if
    /// [`Requirement::is_extern`], nobody evaluates it again.
    pub holds: Code,
    /// Where it is written.
    pub spot: Spot,
}

impl Requirement {
    /// Whether the host alone can answer: the witness is then the answer.
    #[must_use]
    pub fn is_extern(&self) -> bool {
        matches!(self.holds.tree().op, Op::Extern(..))
    }
}

/// What a witness can be issued for: a `def` of sort bool or an `extern predicate` that some `requires` names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Predicate {
    /// Its name.
    pub name: Box<str>,
    /// Its parameters; those of an extern predicate are named by their numbers.
    pub params: Box<[(Box<str>, Sort)]>,
    /// What it says.
    pub body: PredicateBody,
    /// Where it is declared.
    pub spot: Spot,
}

/// What a predicate says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PredicateBody {
    /// An expression that reads the arguments as if they were payload fields, and no variables: `def`s are pure.
    Def(Code),
    /// What the host says.
    Extern(ExternId),
}

/// Which instance of a family a message names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyOf {
    /// The depth of the family's frame.
    pub depth: u8,
    /// Which of its keys.
    pub key: u16,
    /// Its value, over the payload.
    pub value: Code,
}

/// Keys that are remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// Where: one per option as it is written, however many messages it holds for.
    pub id: MemoryId,
    /// The depth of the frame with which it is forgotten.
    pub depth: u8,
    /// The key.
    pub by: Box<[Code]>,
    /// For how long.
    pub lasts: Option<Code>,
    /// Fields that do not count as content (`@except`).
    pub except: Box<[Box<str>]>,
}

/// What a message does with something that may be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linear {
    /// The field's value is given away.
    Own(u32),
    /// The field's value is lent, and must come back.
    Lend(u32),
    /// What was lent under this name comes back.
    Return(Slot),
}

/// A frame of variables.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The frame of the enclosing family or of the session; none for the session's own.
    pub parent: Option<FrameId>,
    /// How many frames enclose it.
    pub depth: u8,
    /// The family's name.
    pub name: Option<Box<str>>,
    /// The keys; empty for the session's own.
    pub keys: Box<[Key]>,
    /// Variables and bound names, by slot index.
    pub slots: Vec<SlotInfo>,
}

/// A key of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Box<str>,
    /// Its sort.
    pub sort: Sort,
    /// Whether it may come again.
    pub use_: KeyUse,
    /// Its slot, of the family's own frame.
    pub slot: Slot,
}

/// Whether the key of an instance may come again after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KeyUse {
    /// Never in the life of what encloses the family.
    #[default]
    Once,
    /// Any time.
    Reusable,
    /// Each key is greater than all before: costs one number.
    Rising,
}

/// What is known of a slot.
#[derive(Clone, Debug)]
pub struct SlotInfo {
    /// The name.
    pub name: Box<str>,
    /// The sort; values are checked against it when they are assigned.
    pub sort: Sort,
    /// A refinement that mentions other names: true after every step that assigns any of them.
    pub invariant: Option<Code>,
    /// Who has a copy; nobody if it is the specification's own bookkeeping.
    pub roles: Box<[RoleId]>,
    /// Declared by `var` or `rec`, not bound by a payload field.
    pub variable: bool,
    /// Where it is declared.
    pub span: Span,
}

impl Rule {
    /// Whether it demands and changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that must be true for the sender when it sends, but for times: conditions, then what witnesses are
    /// required of.
    pub fn demands(&self) -> impl Iterator<Item = &Code> {
        let conditions = self.conditions.iter().map(|condition| &condition.code);
        conditions.chain(self.requires.iter().map(|requirement| &requirement.holds))
    }

    /// Whether it does no more than demand, of nothing but the payload: conditions and witnesses. Whoever steps tables
    /// can check that beside them.
    #[must_use]
    pub fn reads_payload_alone(&self) -> bool {
        let alone = |code: &Code| {
            code.slots().iter().all(|&slot| place(slot).0 == PAYLOAD) && code.families().is_empty() && !code.reads_now()
        };
        let args = self.requires.iter().flat_map(|requirement| &requirement.args);
        let bare = Self { conditions: Box::default(), requires: Box::default(), ..self.clone() };
        bare.is_empty() && self.demands().chain(args).all(alone)
    }
}

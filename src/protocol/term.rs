//! Statements over ids: the term that the reference semantics rewrites and that the graph is built from.
//!
//! Global protocols, local protocols and compact local types are the same kind of term. A compact local type is a
//! block whose last statement is a choice, a jump or nothing (`end`).
//!
//! Blocks live in one table and refer to each other by id, so a term of any depth is dropped without recursion.
//! Recursion variables keep the id of their *text*: a `continue` means the innermost enclosing `rec` (or block of a
//! `states`) of that text in its own body; a body sees no variable of its callers.
//!
//! INVARIANT (bound): every `Continue` has such an enclosing binder.
//! INVARIANT (guarded): no run of jumps and calls comes back to where it was without a step.
//! INVARIANT (tail): a body that calls itself, directly or through others, does so with nothing left to do.

use super::rule::{Frame, Set};
use crate::{
    data::Code,
    diag::Span,
    id::{BlockId, BodyId, FrameId, IdVec, LabelId, RoleId, ScopeId, SortId, VarId},
};

/// Who decides in a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chooser {
    /// `choice at R`, and the arms of `A -> B: {…}`.
    Role(RoleId),
    /// `+{…}`
    Internal,
    /// `&{…}`
    External,
    /// `*{…}`
    Mixed,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stmt {
    /// Global: `from -> to, …: label<sort>`, the sequence of its unicasts.
    Message {
        /// The sender.
        from: RoleId,
        /// The receivers, at least one.
        to: Box<[RoleId]>,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
        /// Where it is written.
        span: Span,
    },
    /// Local: the own role sends.
    Send {
        /// The receiver.
        to: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
        /// Where it is written.
        span: Span,
    },
    /// Local: the own role receives.
    Receive {
        /// The sender.
        from: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
        /// Where it is written.
        span: Span,
    },
    /// A local action.
    Act {
        /// Who acts.
        role: RoleId,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
        /// Where it is written.
        span: Span,
    },
    /// One of the arms happens.
    Choice {
        /// Who decides.
        at: Chooser,
        /// At least one.
        arms: Box<[BlockId]>,
        /// Where it is written.
        span: Span,
    },
    /// A loop; its body falls off its end to what stands behind it.
    Rec {
        /// Its variable.
        var: VarId,
        /// Its body.
        body: BlockId,
        /// Where it is written.
        span: Span,
    },
    /// Named blocks; the first is entered, each sees the names of all.
    States {
        /// At least one.
        blocks: Box<[(VarId, BlockId)]>,
        /// Where it is written.
        span: Span,
    },
    /// A jump; it never returns.
    Continue {
        /// To the innermost binder of this text.
        var: VarId,
        /// Where it is written.
        span: Span,
    },
    /// What `do` instantiates, in place.
    Call {
        /// The instance.
        body: BodyId,
        /// Where it is written.
        span: Span,
    },
    /// `par`, `during` or `try`.
    Scope {
        /// Which.
        scope: ScopeId,
        /// Where it is written.
        span: Span,
    },
    /// Assignments without a message: variables at the head of a block, the values of a `rec` and of a jump. All take
    /// their values before any is assigned; each role assigns its own copies, on its way to its next step.
    Set {
        /// In the order in which they are written.
        sets: Box<[Set]>,
        /// They belong to a jump, not to the head of a block or loop: what is assigned had a value before.
        jump: bool,
        /// Where it is written.
        span: Span,
    },
}

impl Trigger {
    /// Where it happens.
    #[must_use]
    pub fn role(&self) -> RoleId {
        match *self {
            Self::Timeout(role, _)
            | Self::Idle(role, _)
            | Self::Deadline(role, _)
            | Self::Crash(role)
            | Self::Interrupt(role) => role,
        }
    }
}

/// Statements in blocks with ends of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All parts happen, interleaved.
    Par {
        /// At least one.
        parts: Box<[BlockId]>,
    },
    /// Rounds happen between any two steps of the main part.
    During {
        /// Without one it lasts as long as what encloses it.
        main: Option<BlockId>,
        /// In order.
        rounds: Box<[Round]>,
    },
    /// The body happens, or a part of it and then a handler.
    Try {
        /// What is left at an event.
        body: BlockId,
        /// In order: the first wins.
        handlers: Box<[Handler]>,
    },
}

/// An `interleave`: rounds one after the other, or a family of instances by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its name.
    pub name: Option<Box<str>>,
    /// One round, or the life of one instance.
    pub body: BlockId,
    /// The frame of an instance, if it is a family; its keys are the frame's.
    pub family: Option<FrameId>,
    /// `every`: from the scope's start, and then from each opening message, the next one comes within this time.
    pub every: Option<Code>,
    /// Where it is written.
    pub span: Span,
}

/// An `on` of a `try`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// What leads into it.
    pub trigger: Trigger,
    /// What happens then; the message of an interrupt is its first.
    pub body: BlockId,
    /// Where it is written.
    pub span: Span,
}

/// What leads out of the body of a `try`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The role's next receive in the scope did not come in time.
    Timeout(RoleId, Code),
    /// The role received nothing in the scope for this time.
    Idle(RoleId, Code),
    /// The whole scope took longer.
    Deadline(RoleId, Code),
    /// The role, which is unreliable, crashed.
    Crash(RoleId),
    /// The role sends the handler's first message.
    Interrupt(RoleId),
}

/// A protocol's or a local type's statements.
#[derive(Clone, Debug, Default)]
pub struct Term {
    /// Every sequence of statements.
    pub blocks: IdVec<BlockId, Vec<Stmt>>,
    /// What the `Scope` statements mean.
    pub scopes: IdVec<ScopeId, Scope>,
    /// None if nothing beyond the kernel is in the term; else the session's frame, and the frame of each family behind the one that encloses it.
    pub frames: IdVec<FrameId, Frame>,
    /// How many places there are where `unique by` and `idempotent by` remember keys.
    pub memories: u32,
    /// Every instance: the start, and one for each protocol that a `do` reaches at given roles and arguments.
    pub bodies: IdVec<BodyId, BlockId>,
    /// Where it begins: always a valid id of `bodies` in a term that was lowered.
    pub start: BodyId,
    /// Whether it is a compact local type: each `end` is then a state of its own in the machine as written.
    pub compact: bool,
}

impl Term {
    /// Whether nothing beyond the kernel is in it: no data, no scopes, and all rules are empty.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.frames.is_empty()
    }
}

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

use crate::{
    diag::Span,
    id::{BlockId, BodyId, IdVec, LabelId, RoleId, SortId, VarId},
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
}

/// A protocol's or a local type's statements.
#[derive(Clone, Debug, Default)]
pub struct Term {
    /// Every sequence of statements.
    pub blocks: IdVec<BlockId, Vec<Stmt>>,
    /// Every instance: the start, and one for each protocol that a `do` reaches at given roles and arguments.
    pub bodies: IdVec<BodyId, BlockId>,
    /// Where it begins: always a valid id of `bodies` in a term that was lowered.
    pub start: BodyId,
    /// Whether it is a compact local type: each `end` is then a state of its own in the machine as written.
    pub compact: bool,
}

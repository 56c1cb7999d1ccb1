//! A declaration after its names were looked up, before it is instantiated: roles, sorts and callees may be parameters.
//!
//! INVARIANT (closed): block ids are indexes of `blocks`, and the `BodyId` of a [`Stmt::Call`] is an index of `calls`.
//! INVARIANT (bound): every `Continue` has an enclosing binder of its text.
//! INVARIANT (open): a payload that mentions a parameter is in `open`; a label that is a `sig` parameter in `sigs`.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    diag::Span,
    id::{BlockId, BodyId, DeclId, IdVec, LabelId, RoleId, SortId},
    protocol::{Role, names::Sort, term::Stmt},
};

/// What a parameter of a declaration ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum ParamKind {
    Sort,
    Sig,
    Const,
}

/// A value for a parameter; in a template it may mention the caller's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::protocol) enum Arg {
    Sort(Sort),
    /// A message: a label and a payload.
    Sig(LabelId, SortId),
    /// Something without a meaning yet.
    Nothing,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Param {
    pub(in crate::protocol) kind: ParamKind,
    pub(in crate::protocol) name: Box<str>,
}

/// A `do`.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Call {
    pub(in crate::protocol) callee: DeclId,
    /// The caller's role for each of the callee's.
    pub(in crate::protocol) roles: Box<[RoleId]>,
    /// A value for each of the callee's parameters.
    pub(in crate::protocol) args: Box<[Arg]>,
    pub(in crate::protocol) span: Span,
}

/// A declaration with its names looked up.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol) struct Template {
    /// Its roles; statements mean them by their index.
    pub(in crate::protocol) roles: IdVec<RoleId, Role>,
    pub(in crate::protocol) params: Vec<Param>,
    pub(in crate::protocol) blocks: IdVec<BlockId, Vec<Stmt>>,
    /// Where it begins.
    pub(in crate::protocol) start: BlockId,
    pub(in crate::protocol) calls: IdVec<BodyId, Call>,
    /// Payloads that mention a parameter.
    pub(in crate::protocol) open: FxHashSet<SortId>,
    /// Labels that are `sig` parameters, with their numbers.
    pub(in crate::protocol) sigs: FxHashMap<LabelId, usize>,
    /// Choices that only hold the parts of a construct without a meaning yet.
    pub(in crate::protocol) pseudo: FxHashSet<(BlockId, usize)>,
    /// It has such a construct: its statements are not what it means.
    pub(in crate::protocol) structural: bool,
    /// A compact local type.
    pub(in crate::protocol) compact: bool,
}

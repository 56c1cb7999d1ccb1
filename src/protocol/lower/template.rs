//! A declaration after its names were looked up, before it is instantiated: roles, sorts and callees may be parameters.
//!
//! INVARIANT (closed): block ids are indexes of `blocks`, and the `BodyId` of a [`Stmt::Call`] is an index of `calls`.
//! INVARIANT (bound): every `Continue` has an enclosing binder of its text.
//! INVARIANT (open): a payload that mentions a parameter is in `open`; a label that is a `sig` parameter in `sigs`.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    diag::Diagnostic,
    id::{BlockId, BodyId, DeclId, IdVec, LabelId, RoleId, SortId},
    protocol::{EdgeKind, Role, Sort, Unsupported, term::Stmt},
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
}

/// Statements with their names looked up: those of a protocol, or of one role.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol) struct Template {
    pub(in crate::protocol) blocks: IdVec<BlockId, Vec<Stmt>>,
    /// Where it begins.
    pub(in crate::protocol) start: BlockId,
    pub(in crate::protocol) calls: IdVec<BodyId, Call>,
    /// Choices that only hold the parts of a construct without a meaning yet.
    pub(in crate::protocol) pseudo: FxHashSet<(BlockId, usize)>,
    /// A compact local type.
    pub(in crate::protocol) compact: bool,
}

/// A declaration with its names looked up.
#[derive(Default)]
pub(in crate::protocol) struct Draft {
    /// Its roles; statements mean them by their index.
    pub(in crate::protocol) roles: IdVec<RoleId, Role>,
    /// For each of them the role of the header; the same, if empty.
    pub(in crate::protocol) outside: Vec<RoleId>,
    /// The roles of the header, if they are not the same.
    pub(in crate::protocol) outer_roles: Option<IdVec<RoleId, Role>>,
    pub(in crate::protocol) params: Vec<Param>,
    /// Payloads that mention a parameter.
    pub(in crate::protocol) open: FxHashSet<SortId>,
    /// Labels that are `sig` parameters, with their numbers.
    pub(in crate::protocol) sigs: FxHashMap<LabelId, usize>,
    /// One, or one for each role of a system; none if it is broken.
    pub(in crate::protocol) templates: Vec<Template>,
    pub(in crate::protocol) channels: Vec<(RoleId, RoleId, EdgeKind)>,
    pub(in crate::protocol) main: bool,
    /// The own role of a local type.
    pub(in crate::protocol) own: Option<RoleId>,
    /// The protocol that a local type belongs to.
    pub(in crate::protocol) within: Option<DeclId>,
    /// It has a construct without a meaning that steers what happens: its statements are not what it means.
    pub(in crate::protocol) structural: bool,
    /// It has no meaning.
    pub(in crate::protocol) broken: bool,
    /// Constructs without a meaning, one entry per kind.
    pub(in crate::protocol) unsupported: Vec<Unsupported>,
    pub(in crate::protocol) diagnostics: Vec<Diagnostic>,
}

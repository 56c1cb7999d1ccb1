//! A declaration after its names were looked up, before it is instantiated: roles, sorts and callees may be parameters.
//!
//! Constants have values already: there is one draft for each declaration and each choice of its `const` parameters, its
//! `foreach` written out and its role families counted. What depends on where the declaration is instantiated, the
//! names in expressions above all, is kept as a [`Note`] beside the statement.
//!
//! INVARIANT (closed): block ids are indexes of `blocks`, the `BodyId` of a [`Stmt::Call`] is an index of `calls`, and
//! the `ScopeId` of a [`Stmt::Scope`] one of `scopes`.
//! INVARIANT (bound): every `Continue` has an enclosing binder of its text.
//! INVARIANT (open): a payload that mentions a parameter is in `open`; a label that is a `sig` parameter in `sigs`.
//! INVARIANT (noted): a `Stmt::Set` of a template has no assignments; its note says what it stands for.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::constant::Const;
use crate::{
    data::Sort,
    diag::{Diagnostic, Span},
    id::{BlockId, BodyId, DeclId, DraftId, IdVec, LabelId, ModuleId, RoleId, ScopeId, SortId},
    protocol::{EdgeKind, Role, term::Stmt},
    syntax::tree,
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
    /// A constant: the draft has its value already.
    Const(Const),
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
    pub(in crate::protocol) callee: DraftId,
    /// The caller's role for each of the callee's.
    pub(in crate::protocol) roles: Box<[RoleId]>,
    /// A value for each of the callee's parameters.
    pub(in crate::protocol) args: Box<[Arg]>,
}

/// Constants by name.
pub(in crate::protocol) type Consts<'t> = Rc<FxHashMap<&'t str, Const>>;

/// What stands beside a statement until it is instantiated.
#[derive(Clone, Debug)]
pub(in crate::protocol) enum Note<'t> {
    /// A message: its options, and its fields as they are written.
    Message(&'t tree::Message, &'t [tree::Opt]),
    /// Variables at the head of a block.
    Vars(Vec<Variable<'t>>),
    /// Variables of a loop.
    Loop(Vec<Variable<'t>>),
    /// Values of a jump.
    Jump(&'t [tree::Expr]),
    /// A condition on the next event.
    Assert(&'t tree::Expr),
}

/// A variable that is declared.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Variable<'t> {
    pub(in crate::protocol) name: &'t tree::Name,
    /// nuScr's second name.
    pub(in crate::protocol) inner: Option<&'t tree::Name>,
    /// Who knows it; all roles of the declaration if it does not say.
    pub(in crate::protocol) roles: Option<Box<[RoleId]>>,
    /// Its sort, without a condition that mentions other names than `this`.
    pub(in crate::protocol) sort: Sort,
    /// That condition.
    pub(in crate::protocol) condition: Option<&'t tree::Expr>,
    pub(in crate::protocol) value: &'t tree::Expr,
    pub(in crate::protocol) span: Span,
}

/// `par`, `during` or `try`.
#[derive(Clone, Debug)]
pub(in crate::protocol) enum Scoped<'t> {
    Par(Vec<BlockId>),
    During { opts: &'t [tree::Opt], main: Option<BlockId>, rounds: Vec<Round<'t>>, consts: Consts<'t> },
    Try { body: BlockId, handlers: Vec<Handler<'t>>, consts: Consts<'t> },
}

/// An `interleave`.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Round<'t> {
    pub(in crate::protocol) name: Option<&'t tree::Name>,
    /// With their sorts.
    pub(in crate::protocol) keys: Vec<(&'t tree::Key, Sort)>,
    pub(in crate::protocol) opts: &'t [tree::Opt],
    pub(in crate::protocol) body: BlockId,
    pub(in crate::protocol) span: Span,
}

/// An `on`.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Handler<'t> {
    pub(in crate::protocol) on: On<'t>,
    pub(in crate::protocol) body: BlockId,
    pub(in crate::protocol) span: Span,
}

/// What a handler handles.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) enum On<'t> {
    Timeout(RoleId, &'t tree::Duration),
    Idle(RoleId, &'t tree::Duration),
    Deadline(RoleId, &'t tree::Duration),
    Crash(RoleId),
    Interrupt(RoleId),
}

/// Statements with their names looked up: those of a protocol, or of one role.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol) struct Template<'t> {
    pub(in crate::protocol) blocks: IdVec<BlockId, Vec<Stmt>>,
    /// Where it begins.
    pub(in crate::protocol) start: BlockId,
    pub(in crate::protocol) calls: IdVec<BodyId, Call>,
    pub(in crate::protocol) scopes: IdVec<ScopeId, Scoped<'t>>,
    /// By block and index in it, with the constants that were known there.
    pub(in crate::protocol) notes: FxHashMap<(BlockId, usize), (Note<'t>, Consts<'t>)>,
    /// Whose it is, if it is local.
    pub(in crate::protocol) own: Option<RoleId>,
    /// A compact local type.
    pub(in crate::protocol) compact: bool,
}

impl Template<'_> {
    /// Whether it says more than who sends what to whom.
    pub(in crate::protocol) fn has_data(&self) -> bool {
        !self.notes.is_empty() || !self.scopes.is_empty()
    }
}

/// A declaration with its names looked up.
#[derive(Default)]
pub(in crate::protocol) struct Draft<'t> {
    pub(in crate::protocol) decl: DeclId,
    pub(in crate::protocol) module: ModuleId,
    /// A `nested` protocol: it sees the names of where it is instantiated.
    pub(in crate::protocol) nested: bool,
    /// It, or something nested that it calls, has notes or scopes: its instances depend on where they stand.
    pub(in crate::protocol) data: bool,
    /// The constants that expressions may use.
    pub(in crate::protocol) consts: Consts<'t>,
    /// Role families: the number of the first member, and how many there are.
    pub(in crate::protocol) families: FxHashMap<&'t str, (usize, usize)>,
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
    pub(in crate::protocol) templates: Vec<Template<'t>>,
    pub(in crate::protocol) channels: Vec<(RoleId, RoleId, EdgeKind)>,
    pub(in crate::protocol) marks: Marks,
    /// The own role of a local type.
    pub(in crate::protocol) own: Option<RoleId>,
    /// The protocol that a local type belongs to.
    pub(in crate::protocol) within: Option<DeclId>,
    /// It has no meaning.
    pub(in crate::protocol) broken: bool,
    pub(in crate::protocol) diagnostics: Vec<Diagnostic>,
}

/// What attributes and words before the name say.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol) struct Marks {
    pub(in crate::protocol) main: bool,
    pub(in crate::protocol) explicit: bool,
    /// `@pipelined(R)`
    pub(in crate::protocol) pipelined: Vec<RoleId>,
    /// `@epoch(field)`
    pub(in crate::protocol) epoch: Vec<Box<str>>,
    /// `@except(field, …)`
    pub(in crate::protocol) except: Vec<Box<str>>,
}

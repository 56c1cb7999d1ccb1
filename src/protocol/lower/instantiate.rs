//! From templates to terms: every `do` becomes a call of an instance, a protocol at given roles and arguments.
//!
//! Instances are found breadth-first and never by recursion. A term has at most [`MAX_INSTANCES`] of them, and all terms
//! of a specification have at most [`MAX_STATEMENTS`] statements.
//!
//! INVARIANT (no parameters): the label and payload of a statement of a term are no parameters; those of a declaration
//! that is lowered without values are opaque sorts, and messages, of their own name.

use rustc_hash::FxHashMap;

use super::{
    sorts::{substitute, substitute_payload},
    template::{Arg, Draft, ParamKind, Template},
};
use crate::{
    diag::Span,
    id::{BlockId, BodyId, DeclId, Id, IdVec, LabelId, RoleId, SortId},
    protocol::{
        Builtin, Chooser, Role, Sort,
        names::Names,
        term::{Stmt, Term},
    },
};

/// The largest number of instances of one term.
pub(super) const MAX_INSTANCES: usize = 10_000;
/// The largest number of statements, and of roles passed, in all terms of a specification.
pub(super) const MAX_STATEMENTS: usize = 8_000_000;

/// What an instance counts besides its statements.
const INSTANCE: usize = 4;

/// Why there is no term.
pub(super) enum Failure {
    /// A call makes ever new instances of a declaration.
    Growth {
        /// The call.
        span: Span,
        /// What it calls.
        callee: DeclId,
        /// Its first instances, by what stands behind its name.
        instances: Vec<String>,
        /// Whether it has arguments, not only roles.
        args: bool,
    },
    /// All terms together are too large.
    TooLarge,
}

/// What an instance is an instance of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    decl: DeclId,
    roles: Box<[RoleId]>,
    args: Box<[Arg]>,
}

/// Makes terms, and counts how large they become in all.
pub(super) struct Instances<'d> {
    pub(super) drafts: &'d IdVec<DeclId, Draft>,
    left: usize,
}

/// A term that is being made.
struct Making<'n> {
    names: &'n mut Names,
    /// The roles of the declaration.
    roles: &'n IdVec<RoleId, Role>,
    blocks: Vec<Vec<Stmt>>,
    bodies: Vec<BlockId>,
    known: FxHashMap<Key, BodyId>,
    todo: std::collections::VecDeque<Key>,
}

/// The parameters of an instance, with what they stand for.
struct Values<'d> {
    draft: &'d Draft,
    sorts: Vec<Sort>,
    args: Box<[Arg]>,
    memo: FxHashMap<SortId, SortId>,
}

/// The values of a declaration's parameters when it has none: each stands for itself.
pub(super) fn itself(names: &mut Names, draft: &Draft) -> Box<[Arg]> {
    let args = draft.params.iter().map(|param| match param.kind {
        ParamKind::Sort => Arg::Sort(Sort::Opaque(param.name.clone())),
        ParamKind::Sig => match names.label(&param.name) {
            Ok(label) => Arg::Sig(label, Names::unspecified()),
            Err(_) => Arg::Nothing,
        },
        ParamKind::Const => Arg::Nothing,
    });
    args.collect()
}

/// A term without statements: of a declaration that has no meaning.
pub(super) fn nothing(compact: bool) -> Term {
    let blocks = IdVec::from(vec![Vec::new()]);
    Term { blocks, bodies: IdVec::from(vec![BlockId::default()]), start: BodyId::default(), compact, ..Term::default() }
}

impl<'d> Instances<'d> {
    pub(super) fn new(drafts: &'d IdVec<DeclId, Draft>) -> Self {
        Self { drafts, left: MAX_STATEMENTS }
    }

    /// The term of one template of a declaration, at given arguments.
    pub(super) fn term(
        &mut self,
        names: &mut Names,
        decl: DeclId,
        template: &Template,
        args: Box<[Arg]>,
    ) -> Result<Term, Failure> {
        let draft = &self.drafts[decl];
        let roles: Box<[RoleId]> = match draft.outside.is_empty() {
            true => draft.roles.ids().collect(),
            false => draft.outside.clone().into(),
        };
        let root = Key { decl, roles, args };
        let mut making = Making {
            names,
            roles: draft.outer_roles.as_ref().unwrap_or(&draft.roles),
            blocks: Vec::new(),
            bodies: Vec::new(),
            known: FxHashMap::default(),
            todo: std::collections::VecDeque::new(),
        };
        // A role's type in a system is no target of calls.
        if template.compact {
            self.copy(&mut making, template, root)?;
        } else {
            making.known.insert(root.clone(), BodyId::default());
            making.todo.push_back(root);
            while let Some(key) = making.todo.pop_front() {
                match self.drafts[key.decl].templates.first() {
                    Some(template) => self.copy(&mut making, template, key)?,
                    // The callee has no meaning, so the caller has none: its term is not used.
                    None => making.bodies.push(BlockId::default()),
                }
            }
        }
        let term = Term {
            blocks: making.blocks.into(),
            bodies: making.bodies.into(),
            start: BodyId::default(),
            compact: template.compact,
            ..Term::default()
        };
        Ok(term)
    }

    /// Copies a template into the term, with values for its parameters.
    fn copy(&mut self, making: &mut Making<'_>, template: &Template, key: Key) -> Result<(), Failure> {
        let size =
            template.blocks.values().map(|block| block.len().saturating_add(1)).fold(INSTANCE, usize::saturating_add);
        self.left = self.left.checked_sub(size).ok_or(Failure::TooLarge)?;
        let base = making.blocks.len();
        let draft = &self.drafts[key.decl];
        let sorts = key.args.iter().map(|arg| match arg {
            Arg::Sort(sort) => sort.clone(),
            Arg::Sig(..) | Arg::Nothing => Sort::Builtin(Builtin::Unit),
        });
        let mut values = Values { draft, sorts: sorts.collect(), args: key.args.clone(), memo: FxHashMap::default() };
        let block_id = |block: BlockId| BlockId::new(base.saturating_add(block.index())).map_err(|_| Failure::TooLarge);
        let role_id = |role: RoleId| key.roles.get(role.index()).copied().unwrap_or(role);
        making.bodies.push(block_id(template.start)?);
        for block in template.blocks.values() {
            let mut stmts = Vec::with_capacity(block.len());
            for stmt in block {
                stmts.push(match *stmt {
                    Stmt::Message { from, ref to, label, sort, span } => {
                        let (label, sort) =
                            values.message(making.names, label, sort).ok_or_else(|| making.growth(span, &key))?;
                        let to = to.iter().map(|&to| role_id(to)).collect();
                        Stmt::Message { from: role_id(from), to, label, sort, span }
                    }
                    Stmt::Send { to, label, sort, span } => {
                        let (label, sort) =
                            values.message(making.names, label, sort).ok_or_else(|| making.growth(span, &key))?;
                        Stmt::Send { to: role_id(to), label, sort, span }
                    }
                    Stmt::Receive { from, label, sort, span } => {
                        let (label, sort) =
                            values.message(making.names, label, sort).ok_or_else(|| making.growth(span, &key))?;
                        Stmt::Receive { from: role_id(from), label, sort, span }
                    }
                    Stmt::Act { role, label, sort, span } => {
                        let (label, sort) =
                            values.message(making.names, label, sort).ok_or_else(|| making.growth(span, &key))?;
                        Stmt::Act { role: role_id(role), label, sort, span }
                    }
                    Stmt::Choice { at, ref arms, span } => {
                        let arms = arms.iter().map(|&arm| block_id(arm)).collect::<Result<_, _>>()?;
                        let at = match at {
                            Chooser::Role(role) => Chooser::Role(role_id(role)),
                            other => other,
                        };
                        Stmt::Choice { at, arms, span }
                    }
                    Stmt::Rec { var, body, span } => Stmt::Rec { var, body: block_id(body)?, span },
                    Stmt::States { ref blocks, span } => {
                        let blocks = blocks.iter().map(|&(var, block)| Ok((var, block_id(block)?)));
                        Stmt::States { blocks: blocks.collect::<Result<_, Failure>>()?, span }
                    }
                    Stmt::Continue { var, span } => Stmt::Continue { var, span },
                    ref other @ (Stmt::Scope { .. } | Stmt::Set { .. }) => other.clone(),
                    Stmt::Call { body, span } => {
                        let call = &template.calls[body];
                        self.left = self.left.checked_sub(call.roles.len()).ok_or(Failure::TooLarge)?;
                        let args: Option<_> = call.args.iter().map(|arg| values.arg(making.names, arg)).collect();
                        let args = args.ok_or_else(|| making.growth(span, &key))?;
                        let roles = call.roles.iter().map(|&role| role_id(role)).collect();
                        let callee = Key { decl: call.callee, roles, args };
                        Stmt::Call { body: making.instance(callee, span)?, span }
                    }
                });
            }
            making.blocks.push(stmts);
        }
        Ok(())
    }
}

impl Making<'_> {
    /// The instance for a key, new or known.
    fn instance(&mut self, key: Key, span: Span) -> Result<BodyId, Failure> {
        if let Some(&body) = self.known.get(&key) {
            return Ok(body);
        }
        if self.known.len() >= MAX_INSTANCES {
            return Err(self.growth(span, &key));
        }
        let body = BodyId::new(self.known.len()).map_err(|_| Failure::TooLarge)?;
        self.known.insert(key.clone(), body);
        self.todo.push_back(key);
        Ok(body)
    }
}

impl Making<'_> {
    /// The first instances of a callee show what grows.
    fn growth(&self, span: Span, key: &Key) -> Failure {
        let same = self.known.iter().filter(|(known, _)| known.decl == key.decl);
        let mut first: Vec<(BodyId, &Key)> = same.map(|(known, &body)| (body, known)).collect();
        first.sort_unstable_by_key(|&(body, _)| body);
        let mut instances: Vec<String> = first.iter().take(3).map(|(_, key)| self.text(key)).collect();
        if instances.len() < 3 {
            instances.push(self.text(key));
        }
        Failure::Growth { span, callee: key.decl, instances, args: !key.args.is_empty() }
    }

    /// What an author would write behind the name, cut where it is long.
    fn text(&self, key: &Key) -> String {
        let args: Vec<String> = key
            .args
            .iter()
            .map(|arg| match arg {
                Arg::Sort(sort) => sort.to_string(),
                Arg::Sig(label, sort) => self.names.message(*label, *sort),
                Arg::Nothing => "_".to_owned(),
            })
            .collect();
        let text = match args.is_empty() {
            false => format!("<{}>", args.join(", ")),
            true => {
                let name = |role: &RoleId| self.roles.entry(*role).map_or("?", |role| &role.name);
                let roles: Vec<&str> = key.roles.iter().take(20).map(name).collect();
                format!("({})", roles.join(", "))
            }
        };
        match text.char_indices().nth(80) {
            Some((at, _)) => format!("{}…", text.get(..at).unwrap_or("")),
            None => text,
        }
    }
}

impl Values<'_> {
    /// A label and payload with values for parameters; nothing if the payload becomes too large.
    fn message(&mut self, names: &mut Names, label: LabelId, sort: SortId) -> Option<(LabelId, SortId)> {
        let sig = self.draft.sigs.get(&label).filter(|_| sort == Names::unspecified());
        if let Some(&Arg::Sig(label, sort)) = sig.and_then(|&number| self.args.get(number)) {
            return Some((label, sort));
        }
        if !self.draft.open.contains(&sort) {
            return Some((label, sort));
        }
        if let Some(&known) = self.memo.get(&sort) {
            return Some((label, known));
        }
        let payload = names.payload(sort).and_then(|payload| substitute_payload(payload, &self.sorts))?;
        let value = names.sort(Some(payload)).ok()?;
        self.memo.insert(sort, value);
        Some((label, value))
    }

    /// An argument with values for the caller's parameters.
    fn arg(&mut self, names: &mut Names, arg: &Arg) -> Option<Arg> {
        Some(match arg {
            Arg::Nothing => Arg::Nothing,
            Arg::Sig(label, sort) => {
                let (label, sort) = self.message(names, *label, *sort)?;
                Arg::Sig(label, sort)
            }
            Arg::Sort(sort) => Arg::Sort(substitute(sort, &self.sorts)?),
        })
    }
}

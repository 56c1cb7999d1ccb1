//! From templates to terms: every `do` becomes a call of an instance, a protocol at given roles and arguments.
//!
//! Instances are found breadth-first and never by recursion. A term has at most [`MAX_INSTANCES`] of them, and all terms
//! of a specification have at most [`MAX_STATEMENTS`] statements.
//!
//! INVARIANT (no parameters): the label and payload of a statement of a term are no parameters; those of a declaration
//! that is lowered without values are opaque sorts, and messages, of their own name.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    constant::Const,
    sorts::{Sorts, substitute, substitute_payload},
    template::{Arg, Draft, ParamKind, Template},
    walk::{self, Data},
};
use crate::{
    diag::{Diagnostic, Span},
    id::{BlockId, BodyId, DraftId, Id, IdVec, LabelId, RoleId, SortId},
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
        callee: DraftId,
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
pub(super) struct Key {
    pub(super) decl: DraftId,
    pub(super) roles: Box<[RoleId]>,
    pub(super) args: Box<[Arg]>,
    /// Where it stands: 0 is the outermost.
    pub(super) around: u32,
}

/// Makes terms, and counts how large they become in all.
pub(super) struct Instances<'d, 't> {
    pub(super) drafts: &'d IdVec<DraftId, Draft<'t>>,
    mentioned: &'d FxHashSet<&'t str>,
    left: usize,
}

/// A term, with what was found in it.
pub(super) struct Made {
    pub(super) term: Term,
    pub(super) found: Vec<Diagnostic>,
    /// It has no meaning.
    pub(super) broken: bool,
}

/// A term that is being made.
pub(super) struct Making<'n, 't> {
    pub(super) names: &'n mut Names,
    /// The roles of the declaration.
    pub(super) roles: &'n IdVec<RoleId, Role>,
    pub(super) blocks: Vec<Vec<Stmt>>,
    pub(super) data: Data<'t>,
    pub(super) bodies: Vec<BlockId>,
    known: FxHashMap<Key, BodyId>,
    todo: std::collections::VecDeque<Key>,
}

/// The parameters of an instance, with what they stand for.
pub(super) struct Values<'d, 't> {
    draft: &'d Draft<'t>,
    sorts: Vec<Sort>,
    args: Box<[Arg]>,
    memo: FxHashMap<SortId, SortId>,
}

/// The values of a declaration's parameters when it has none: each stands for itself.
pub(super) fn itself(names: &mut Names, draft: &Draft<'_>) -> Box<[Arg]> {
    let args = draft.params.iter().map(|param| match param.kind {
        ParamKind::Sort => Arg::Sort(Sort::Opaque(param.name.clone())),
        ParamKind::Sig => Arg::Sig(
            names.label(&param.name).expect("a text of less than 4 GiB has fewer labels than ids"),
            Names::unspecified(),
        ),
        // The draft has a value of its own.
        ParamKind::Const => Arg::Const(draft.consts.get(&*param.name).cloned().unwrap_or(Const::Bool(false))),
    });
    args.collect()
}

/// A term without statements: of a declaration that has no meaning.
pub(super) fn nothing(compact: bool) -> Term {
    let blocks = IdVec::from(vec![Vec::new()]);
    Term { blocks, bodies: IdVec::from(vec![BlockId::default()]), start: BodyId::default(), compact, ..Term::default() }
}

impl<'d, 't> Instances<'d, 't> {
    pub(super) fn new(drafts: &'d IdVec<DraftId, Draft<'t>>, mentioned: &'d FxHashSet<&'t str>) -> Self {
        Self { drafts, mentioned, left: MAX_STATEMENTS }
    }

    /// The term of one template of a declaration, at given arguments.
    pub(super) fn term(
        &mut self,
        names: &mut Names,
        sorts: &Sorts<'t>,
        decl: DraftId,
        template: &'d Template<'t>,
        args: Box<[Arg]>,
    ) -> Result<Made, Failure> {
        let draft = &self.drafts[decl];
        let roles: Box<[RoleId]> = match draft.outside.is_empty() {
            true => draft.roles.ids().collect(),
            false => draft.outside.clone().into(),
        };
        let root = Key { decl, roles, args, around: 0 };
        let mut making = Making {
            names,
            roles: draft.outer_roles.as_ref().unwrap_or(&draft.roles),
            blocks: Vec::new(),
            data: Data::new(),
            bodies: Vec::new(),
            known: FxHashMap::default(),
            todo: std::collections::VecDeque::new(),
        };
        // A role's type in a system is no target of calls.
        if template.compact {
            self.copy(&mut making, sorts, template, root)?;
        } else {
            making.known.insert(root.clone(), BodyId::default());
            making.todo.push_back(root);
            while let Some(key) = making.todo.pop_front() {
                match self.drafts[key.decl].templates.first() {
                    Some(template) => self.copy(&mut making, sorts, template, key)?,
                    // The callee has no meaning, so the caller has none: its term is not used.
                    None => making.bodies.push(BlockId::default()),
                }
            }
        }
        walk::settle(&mut making, self.drafts, sorts);
        let Making { names, mut blocks, bodies, mut data, .. } = making;
        data.families();
        let memories = u32::try_from(data.memories.len()).unwrap_or(u32::MAX);
        walk::finish(names, &data, &mut blocks);
        let Data { table, scopes, found, broken, .. } = data;
        let term = Term {
            blocks: blocks.into(),
            scopes,
            frames: table.into_inner().frames,
            memories,
            bodies: bodies.into(),
            start: BodyId::default(),
            compact: template.compact,
        };
        Ok(Made { term, found, broken })
    }

    /// Copies a template into the term, with values for its parameters.
    fn copy(
        &mut self,
        making: &mut Making<'_, 't>,
        sorts: &Sorts<'t>,
        template: &'d Template<'t>,
        key: Key,
    ) -> Result<(), Failure> {
        let size =
            template.blocks.values().map(|block| block.len().saturating_add(1)).fold(INSTANCE, usize::saturating_add);
        self.left = self.left.checked_sub(size).ok_or(Failure::TooLarge)?;
        let base = making.blocks.len();
        let draft = &self.drafts[key.decl];
        let given = key.args.iter().map(|arg| match arg {
            Arg::Sort(sort) => sort.clone(),
            Arg::Sig(..) | Arg::Const(_) => Sort::Builtin(Builtin::Unit),
        });
        let mut values = Values { draft, sorts: given.collect(), args: key.args.clone(), memo: FxHashMap::default() };
        let block_id = |block: BlockId| BlockId::new(base.saturating_add(block.index())).map_err(|_| Failure::TooLarge);
        let role_id = |role: RoleId| key.roles.get(role.index()).copied().unwrap_or(role);
        making.bodies.push(block_id(template.start)?);
        if draft.data || key.around != 0 {
            self.charge(template)?;
            return walk::instance(making, self.drafts, sorts, self.mentioned, template, &key, values, base);
        }
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
                    // By INVARIANT (noted) and `data`: a plain template has neither.
                    ref other @ (Stmt::Scope { .. } | Stmt::Set { .. }) => other.clone(),
                    Stmt::Call { body, span } => {
                        let call = &template.calls[body];
                        self.left = self.left.checked_sub(call.roles.len()).ok_or(Failure::TooLarge)?;
                        let args: Option<_> = call.args.iter().map(|arg| values.arg(making.names, arg)).collect();
                        let args = args.ok_or_else(|| making.growth(span, &key))?;
                        let roles = call.roles.iter().map(|&role| role_id(role)).collect();
                        let callee = Key { decl: call.callee, roles, args, around: 0 };
                        Stmt::Call { body: making.instance(callee, span)?, span }
                    }
                });
            }
            making.blocks.push(stmts);
        }
        Ok(())
    }
}

impl<'d, 't> Instances<'d, 't> {
    /// Counts the roles that the calls of a template pass.
    fn charge(&mut self, template: &Template<'t>) -> Result<(), Failure> {
        let size = template.calls.values().map(|call| call.roles.len()).fold(0, usize::saturating_add);
        self.left = self.left.checked_sub(size).ok_or(Failure::TooLarge)?;
        Ok(())
    }
}

impl Making<'_, '_> {
    /// The instance for a key, new or known.
    pub(super) fn instance(&mut self, key: Key, span: Span) -> Result<BodyId, Failure> {
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

impl Making<'_, '_> {
    /// The first instances of a callee show what grows.
    pub(super) fn growth(&self, span: Span, key: &Key) -> Failure {
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
                Arg::Const(value) => value.to_string(),
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

impl Values<'_, '_> {
    /// A label and payload with values for parameters; nothing if the payload becomes too large.
    pub(super) fn message(&mut self, names: &mut Names, label: LabelId, sort: SortId) -> Option<(LabelId, SortId)> {
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
    pub(super) fn arg(&mut self, names: &mut Names, arg: &Arg) -> Option<Arg> {
        Some(match arg {
            Arg::Const(value) => Arg::Const(value.clone()),
            Arg::Sig(label, sort) => {
                let (label, sort) = self.message(names, *label, *sort)?;
                Arg::Sig(label, sort)
            }
            Arg::Sort(sort) => Arg::Sort(substitute(sort, &self.sorts)?),
        })
    }
}

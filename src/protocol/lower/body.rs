//! A declaration while it is read: names become ids, everything wrong is reported, nothing is instantiated.
//!
//! This is what all kinds of declarations need: names, blocks, loops, payloads, parameters. `stmt` reads statements,
//! `compact` compact local types.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    report::Report,
    sorts::{Place, Sorts, is_open_payload},
    suggest::nearest,
    template::{Arg, Call, Draft, Param, ParamKind, Template},
    world::World,
};
use crate::{
    diag::{Code, Diagnostic, Severity, Span, catalogue::data, catalogue::form, catalogue::unsupported},
    id::{BlockId, DeclId, Id, IdVec, LabelId, ModuleId, RoleId, SortId, VarId},
    protocol::{Payload, Role, names::Names, term::Stmt},
    syntax::tree,
};

/// What all declarations share while they are read.
pub(super) struct Shared<'w, 't> {
    pub(super) world: &'w World<'t>,
    pub(super) names: Names,
    pub(super) sorts: Sorts<'t>,
}

/// How deep loops of compact local types nest; braces are bounded by the parser.
pub(super) const MAX_NESTING: usize = 1_000;

/// One side of messages between two roles: who sends what to whom, with which payload, first written where.
pub(super) type Signatures = FxHashMap<(RoleId, RoleId, LabelId), (SortId, Span)>;

/// Reads one declaration.
pub(super) struct Body<'b, 'w, 't> {
    pub(super) shared: &'b mut Shared<'w, 't>,
    pub(super) module: ModuleId,
    pub(super) decl: Option<DeclId>,
    pub(super) report: Report,
    /// Roles so far.
    pub(super) roles: IdVec<RoleId, Role>,
    /// Roles that were declared twice: which of them is meant is not known.
    pub(super) doubled: FxHashSet<RoleId>,
    pub(super) params: Vec<Param>,
    open: FxHashSet<SortId>,
    sigs: FxHashMap<LabelId, usize>,
    pub(super) structural: bool,
    pub(super) pseudo: FxHashSet<(BlockId, usize)>,
    /// Blocks so far; the ids are indexes.
    pub(super) blocks: Vec<Vec<Stmt>>,
    pub(super) calls: Vec<Call>,
    by_name: FxHashMap<Box<str>, RoleId>,
    /// Unknown roles join the declaration: a local type that belongs to no protocol.
    pub(super) grows: bool,
    /// The own role of a local protocol or local type.
    pub(super) own: Option<RoleId>,
    /// A self-message is only a warning: the edge exists, and nothing ever arrives.
    pub(super) lenient: bool,
    /// Which roles take part.
    pub(super) active: FxHashSet<RoleId>,
    /// Parameters that stand for sorts, with their numbers.
    pub(super) sort_params: FxHashMap<&'t str, usize>,
    /// How many enclosing loops have a text.
    bound: FxHashMap<VarId, usize>,
    /// The texts of the enclosing loops.
    scope: Vec<&'t str>,
    pub(super) signatures: Signatures,
    mismatched: FxHashSet<(RoleId, RoleId, LabelId)>,
    depth: usize,
}

impl<'b, 'w, 't> Body<'b, 'w, 't> {
    pub(super) fn new(shared: &'b mut Shared<'w, 't>, module: ModuleId, decl: Option<DeclId>) -> Self {
        Self {
            shared,
            module,
            decl,
            report: Report::default(),
            roles: IdVec::new(),
            doubled: FxHashSet::default(),
            params: Vec::new(),
            open: FxHashSet::default(),
            sigs: FxHashMap::default(),
            structural: false,
            pseudo: FxHashSet::default(),
            blocks: Vec::new(),
            calls: Vec::new(),
            by_name: FxHashMap::default(),
            grows: false,
            own: None,
            lenient: false,
            active: FxHashSet::default(),
            sort_params: FxHashMap::default(),
            bound: FxHashMap::default(),
            scope: Vec::new(),
            signatures: FxHashMap::default(),
            mismatched: FxHashSet::default(),
            depth: 0,
        }
    }

    // ---- names

    /// Declares a role.
    pub(super) fn declare(&mut self, name: &tree::Name) -> RoleId {
        if let Some(&first) = self.by_name.get(&*name.text) {
            let text = format!("role `{}` is declared twice", name.text);
            let first_span = self.roles.entry(first).map_or(name.span, |role| role.span);
            self.report
                .add(Diagnostic::new(form::DUPLICATE_ROLE, name.span, text).label(first_span, "the first one is here"));
            self.doubled.insert(first);
            return first;
        }
        self.add_role(&name.text, name.span)
    }

    /// Adds a role whose name is new.
    pub(super) fn add_role(&mut self, name: &str, span: Span) -> RoleId {
        let role = Role { name: name.into(), span };
        let id = self.roles.push(role).expect("a text of less than 4 GiB has fewer roles than ids");
        self.by_name.insert(name.into(), id);
        id
    }

    /// The role of this name, without a word if there is none.
    pub(super) fn known_role(&self, name: &str) -> Option<RoleId> {
        self.by_name.get(name).copied()
    }

    /// The role that is meant; reports one that is not declared.
    pub(super) fn role(&mut self, role: &'t tree::Role) -> Option<RoleId> {
        if role.index.is_some() {
            self.structural(unsupported::FAMILY, "role family", role.span);
        }
        self.role_name(&role.name)
    }

    pub(super) fn role_name(&mut self, name: &'t tree::Name) -> Option<RoleId> {
        if let Some(&role) = self.by_name.get(&*name.text) {
            return Some(role);
        }
        if self.grows {
            return Some(self.add_role(&name.text, name.span));
        }
        let roles = &self.roles;
        self.report.once(form::UNKNOWN_ROLE, &name.text, || {
            let found = Diagnostic::new(form::UNKNOWN_ROLE, name.span, format!("role `{}` is not declared", name.text));
            match nearest(&name.text, roles.values().map(|role| &*role.name)) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help("declare it between the parentheses behind the name"),
            }
        });
        None
    }

    pub(super) fn role_text(&self, role: RoleId) -> &str {
        self.roles.entry(role).map_or("?", |role| &role.name)
    }

    pub(super) fn label(&mut self, text: &str) -> LabelId {
        self.shared.names.label(text).expect("a text of less than 4 GiB has fewer labels than ids")
    }

    fn var(&mut self, text: &str) -> VarId {
        self.shared.names.var(text).expect("a text of less than 4 GiB has fewer variables than ids")
    }

    pub(super) fn sort_id(&mut self, payload: Option<Payload>) -> SortId {
        let open = payload.as_ref().is_some_and(is_open_payload);
        let id = self.shared.names.sort(payload).expect("a text of less than 4 GiB has fewer payloads than ids");
        if open {
            self.open.insert(id);
        }
        id
    }

    fn place<'a>(world: &'a World<'t>, module: ModuleId, params: &'a FxHashMap<&'t str, usize>) -> Place<'a, 't> {
        Place { world, module, params }
    }

    /// A sort of this declaration.
    pub(super) fn sort(&mut self, sort: &tree::Sort) -> crate::protocol::Sort {
        let place = Self::place(self.shared.world, self.module, &self.sort_params);
        self.shared.sorts.sort(place, sort, &mut self.report)
    }

    /// The label and payload of a message.
    pub(super) fn message(&mut self, message: &'t tree::Message) -> (LabelId, SortId) {
        let text = message.label.as_ref().map_or("", |label| &label.text);
        if let (Some(label), true) = (&message.label, text.ends_with('*')) {
            self.report.unsupported(unsupported::WILDCARD, "label pattern", label.span);
        }
        let label = self.label(text);
        let payload = message.payload.as_ref().map(|payload| {
            let place = Self::place(self.shared.world, self.module, &self.sort_params);
            self.shared.sorts.payload(place, payload, &mut self.report)
        });
        let sort = self.sort_id(payload);
        (label, sort)
    }

    /// Records the conditions and effects of a message.
    pub(super) fn opts(&mut self, opts: &'t [tree::Opt]) {
        for opt in opts {
            let (code, what): (Code, &'static str) = match &opt.kind {
                tree::OptKind::Where(e) => {
                    self.externs(e);
                    (unsupported::WHERE, "where")
                }
                tree::OptKind::Set { at, .. } => {
                    if let Some(at) = at {
                        self.role(at);
                    }
                    (unsupported::SET, "set")
                }
                tree::OptKind::Requires { name, .. } => {
                    if self.shared.world.modules[self.module].externs.contains(&*name.text) {
                        self.report.unsupported(unsupported::EXTERN, "extern", name.span);
                    }
                    (unsupported::REQUIRES, "requires")
                }
                tree::OptKind::Within(_) | tree::OptKind::Window(..) => (unsupported::WITHIN, "within"),
                tree::OptKind::Every(_) => (unsupported::EVERY, "every"),
                tree::OptKind::Idempotent(..) => (unsupported::IDEMPOTENT, "idempotent"),
                tree::OptKind::Unique(..) => (unsupported::UNIQUE, "unique"),
                tree::OptKind::MayRetry => (unsupported::RETRY, "may retry"),
            };
            self.report.unsupported(code, what, opt.span);
        }
    }

    /// Records external predicates that an expression asks.
    pub(super) fn externs(&mut self, expr: &tree::Expr) {
        let externs = &self.shared.world.modules[self.module].externs;
        if externs.is_empty() {
            return;
        }
        let mut stack = vec![expr];
        while let Some(expr) = stack.pop() {
            match &expr.kind {
                tree::ExprKind::Literal(_) | tree::ExprKind::Name(_) => {}
                tree::ExprKind::Call(name, args) => {
                    if externs.contains(&*name.text) {
                        self.report.unsupported(unsupported::EXTERN, "extern", name.span);
                    }
                    stack.extend(args);
                }
                tree::ExprKind::List(items) => stack.extend(items),
                tree::ExprKind::Map(items) => stack.extend(items.iter().flat_map(|(k, v)| [k, v])),
                tree::ExprKind::Unary(_, of) => stack.push(of),
                tree::ExprKind::Binary(first, rest) => {
                    stack.push(first);
                    stack.extend(rest.iter().map(|(_, e)| e));
                }
                tree::ExprKind::Conditional(a, b, c) => stack.extend([&**a, &**b, &**c]),
                tree::ExprKind::Postfix(of, posts) => {
                    stack.push(of);
                    for post in posts {
                        match post {
                            tree::Postfix::Method(_, args) => stack.extend(args),
                            tree::Postfix::Index(e) => stack.push(e),
                            tree::Postfix::Member(_) | tree::Postfix::Is(_) => {}
                        }
                    }
                }
            }
        }
    }

    /// Records variables; two of one name in one block are an error.
    pub(super) fn vars<'v>(&mut self, vars: impl IntoIterator<Item = &'v tree::Var>)
    where
        't: 'v,
    {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        for var in vars {
            self.report.unsupported(unsupported::VAR, "var", var.span);
            if let Some(&first) = seen.get(&*var.name.text) {
                self.report.add(super::world::twice(form::DUPLICATE_VAR, "variable", &var.name, first));
            }
            seen.entry(&var.name.text).or_insert(var.name.span);
        }
    }

    pub(super) fn rec_vars(&mut self, vars: &'t [tree::RecVar]) {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        for var in vars {
            self.report.unsupported(unsupported::REC_VAR, "rec variable", var.span);
            if let Some(&first) = seen.get(&*var.name.text) {
                self.report.add(super::world::twice(form::DUPLICATE_VAR, "variable", &var.name, first));
            }
            seen.entry(&var.name.text).or_insert(var.name.span);
            for role in &var.roles {
                self.role(role);
            }
        }
    }

    // ---- blocks

    /// Adds a block.
    pub(super) fn push(&mut self, stmts: Vec<Stmt>) -> BlockId {
        let id = BlockId::new(self.blocks.len()).expect("a text of less than 4 GiB has fewer blocks than ids");
        self.blocks.push(stmts);
        id
    }

    /// The id that the next block will have: a place for statements that are not read yet.
    pub(super) fn reserve(&mut self) -> BlockId {
        self.push(Vec::new())
    }

    pub(super) fn fill(&mut self, block: BlockId, stmts: Vec<Stmt>) {
        if let Some(place) = self.blocks.get_mut(block.index()) {
            *place = stmts;
        }
    }

    /// Opens a loop.
    pub(super) fn bind(&mut self, name: &'t tree::Name) -> VarId {
        let var = self.var(&name.text);
        let count = self.bound.entry(var).or_default();
        *count = count.saturating_add(1);
        self.scope.push(&name.text);
        var
    }

    /// Closes the loop that was opened last.
    pub(super) fn unbind(&mut self, var: VarId) {
        if let Some(count) = self.bound.get_mut(&var) {
            *count = count.saturating_sub(1);
        }
        self.scope.pop();
    }

    /// A jump.
    pub(super) fn jump(&mut self, name: &'t tree::Name, span: Span) -> Option<Stmt> {
        let var = self.var(&name.text);
        if self.bound.get(&var).copied().unwrap_or(0) > 0 {
            return Some(Stmt::Continue { var, span });
        }
        let scope = &self.scope;
        self.report.once(form::UNBOUND, &name.text, || {
            let text = format!("`{}` is not the name of an enclosing loop", name.text);
            let found = Diagnostic::new(form::UNBOUND, name.span, text);
            match (nearest(&name.text, scope.iter().rev().copied()), scope.last()) {
                (Some(near), _) => found.help(format!("did you mean `{near}`?")),
                (None, Some(last)) => found.help(format!("the innermost enclosing loop is `{last}`")),
                (None, None) => {
                    found.help("there is no enclosing loop: put what repeats between the braces of a `rec`")
                }
            }
        });
        None
    }

    /// One level deeper, if there is room.
    pub(super) fn deeper(&mut self, span: Span) -> bool {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_NESTING {
            self.report.once(form::TOO_DEEP, "", || {
                let text = format!("loops nest more than {MAX_NESTING} levels deep");
                Diagnostic::new(form::TOO_DEEP, span, text).help("write the type as `states { … }`")
            });
        }
        self.depth <= MAX_NESTING
    }

    pub(super) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Opens all blocks of a `states`.
    pub(super) fn bind_states(&mut self, blocks: impl Iterator<Item = &'t tree::Name>) -> Vec<VarId> {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        let mut vars = Vec::new();
        for name in blocks {
            if let Some(&first) = seen.get(&*name.text) {
                self.report.add(super::world::twice(form::DUPLICATE_BLOCK, "block", name, first));
            }
            seen.entry(&name.text).or_insert(name.span);
            vars.push(self.bind(name));
        }
        // The parser has reported a `states` without blocks.
        self.report.broken |= vars.is_empty();
        vars
    }

    /// Reports arms that begin with the same step.
    pub(super) fn distinct_blocks(&mut self, blocks: &[BlockId]) {
        let mut seen: FxHashMap<(RoleId, RoleId, u8, LabelId, SortId), Span> = FxHashMap::default();
        for block in blocks {
            let stmt = self.blocks.get(block.index()).and_then(|stmts| stmts.first());
            let (key, span) = match stmt {
                Some(&Stmt::Message { from, ref to, label, sort, span }) => match to.first() {
                    Some(&to) => ((from, to, 0, label, sort), span),
                    None => continue,
                },
                Some(&Stmt::Send { to, label, sort, span }) => ((to, to, 1, label, sort), span),
                Some(&Stmt::Receive { from, label, sort, span }) => ((from, from, 2, label, sort), span),
                Some(&Stmt::Act { role, label, sort, span }) => ((role, role, 3, label, sort), span),
                _ => continue,
            };
            match seen.get(&key) {
                None => {
                    seen.insert(key, span);
                }
                Some(&first) => {
                    let text = self.shared.names.message(key.3, key.4);
                    let text = format!("two arms of a choice begin with the same `{text}`");
                    let found = Diagnostic::new(form::SAME_ACTION, span, text).label(first, "the first one is here");
                    self.report
                        .add(found.help("give one of them another label, or put what they share before the choice"));
                }
            }
        }
    }

    /// Notes the payload with which a label travels between two roles.
    pub(super) fn signature(&mut self, from: RoleId, to: RoleId, label: LabelId, sort: SortId, span: Span) {
        if sort == Names::unspecified() {
            return;
        }
        let (first, at) = *self.signatures.entry((from, to, label)).or_insert((sort, span));
        if first == sort || same_sorts(self.shared.names.payload(first), self.shared.names.payload(sort)) {
            return;
        }
        if self.mismatched.insert((from, to, label)) {
            let names = &self.shared.names;
            let text = format!(
                "`{}` travels from `{}` to `{}` with different payloads: `{}` and `{}`",
                names.label_text(label),
                self.role_text(from),
                self.role_text(to),
                names.message(label, first),
                names.message(label, sort),
            );
            let mut found = Diagnostic::new(data::PAYLOADS_DIFFER, span, text).label(at, "the first one is here");
            if self.lenient {
                // The two ends of a system: what one sends the other may never take.
                found.severity = Severity::Warning;
            }
            self.report.add(found);
        }
    }

    // ---- parameters and calls

    /// The numbers of parameters, after those of the surroundings.
    pub(super) fn params(&mut self, params: &'t [tree::TParam]) {
        for param in params {
            let number = self.params.len();
            let kind = match &param.kind {
                tree::TParamKind::Type | tree::TParamKind::Data => ParamKind::Sort,
                tree::TParamKind::Sig => ParamKind::Sig,
                tree::TParamKind::Const(_) => {
                    self.report.unsupported(unsupported::CONST, "const", param.span);
                    ParamKind::Const
                }
            };
            if self.params.iter().any(|known| known.name == param.name.text) {
                let text = format!("parameter `{}` is declared twice", param.name.text);
                self.report.add(Diagnostic::new(form::DUPLICATE_PARAM, param.name.span, text));
            }
            match kind {
                ParamKind::Sort => {
                    self.sort_params.insert(&param.name.text, number);
                }
                ParamKind::Sig => {
                    let label = self.label(&param.name.text);
                    self.sigs.insert(label, number);
                }
                ParamKind::Const => {}
            }
            self.params.push(Param { kind, name: param.name.text.clone() });
        }
    }

    pub(super) fn call(
        &mut self,
        name: &'t tree::QName,
        args: &'t [tree::TArg],
        roles: &'t [tree::Role],
        span: Span,
    ) -> Option<Call> {
        let callee = super::callee::find(self, name);
        let given: Vec<Option<RoleId>> = roles
            .iter()
            .map(|role| match (&*role.name.text, self.own) {
                ("self", Some(own)) if self.known_role("self").is_none() => Some(own),
                _ => self.role(role),
            })
            .collect();
        self.active.extend(given.iter().flatten());
        let callee = callee?;
        let roles = super::callee::roles(self, callee, name, roles, &given);
        let args = super::callee::args(self, callee, name, args, span);
        Some(Call { callee, roles: roles?, args: args? })
    }

    /// A value for a parameter of a callee.
    pub(super) fn arg(&mut self, kind: ParamKind, arg: &'t tree::TArg) -> Option<Arg> {
        match (kind, arg) {
            (ParamKind::Const, _) => Some(Arg::Nothing),
            (ParamKind::Sort, tree::TArg::Sort(sort)) => Some(Arg::Sort(self.sort(sort))),
            (ParamKind::Sig, tree::TArg::Sig(message)) => {
                let (label, sort) = self.message(message);
                Some(Arg::Sig(label, sort))
            }
            (ParamKind::Sig, tree::TArg::Sort(tree::Sort { base: tree::Base::Named { name, args }, .. }))
                if args.is_empty() =>
            {
                let parts: Vec<&str> = name.parts.iter().map(|part| &*part.text).collect();
                let label = self.label(&parts.join("."));
                Some(Arg::Sig(label, Names::unspecified()))
            }
            _ => None,
        }
    }

    /// The statements that were read since the last time.
    pub(super) fn template(&mut self, start: BlockId, compact: bool) -> Template {
        Template {
            blocks: std::mem::take(&mut self.blocks).into(),
            start,
            calls: std::mem::take(&mut self.calls).into(),
            pseudo: std::mem::take(&mut self.pseudo),
            compact,
        }
    }

    /// What was read.
    pub(super) fn draft(self, templates: Vec<Template>) -> Draft {
        let Report { diagnostics, broken, unsupported, .. } = self.report;
        Draft {
            roles: self.roles,
            params: self.params,
            open: self.open,
            sigs: self.sigs,
            templates: if broken { Vec::new() } else { templates },
            own: self.own,
            structural: self.structural,
            broken,
            unsupported,
            diagnostics,
            ..Draft::default()
        }
    }
}

/// Whether two payloads have the same sorts, whatever their fields are called.
fn same_sorts(left: Option<&Payload>, right: Option<&Payload>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return true };
    let sorts = |payload: &Payload| payload.fields.iter().map(|field| field.sort.clone()).collect::<Vec<_>>();
    left.open || right.open || sorts(left) == sorts(right)
}

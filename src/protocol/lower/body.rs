//! A declaration while it is read: names become ids, everything wrong is reported, nothing is instantiated.
//!
//! This is what all kinds of declarations need: names, blocks, loops, payloads, parameters. `stmt` reads statements,
//! `compact` compact local types.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    constant::{self, Const},
    drafts::Requests,
    mention,
    report::Report,
    sorts::{Place, Sorts, is_open_payload},
    suggest::nearest,
    template::{Arg, Call, Consts, Draft, Note, Param, ParamKind, Scoped, Template, Variable},
    world::World,
};
use crate::{
    data::{Payload, Sort},
    diag::{Diagnostic, Severity, Span, catalogue::data, catalogue::form},
    id::{BlockId, DeclId, Id, IdVec, LabelId, ModuleId, RoleId, ScopeId, SortId, VarId},
    protocol::{Role, names::Names, term::Stmt},
    syntax::tree,
};

/// What all declarations share while they are read.
pub(super) struct Shared<'w, 't> {
    pub(super) world: &'w World<'t>,
    pub(super) names: Names,
    pub(super) sorts: Sorts<'t>,
    pub(super) requests: Requests,
    /// Names that some expression mentions.
    pub(super) mentioned: FxHashSet<&'t str>,
    /// How many statements of `foreach` blocks may still be written out.
    pub(super) unrolled: usize,
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
    /// The roles that each call creates, by where it is written; the callee's own first.
    pub(super) fresh: FxHashMap<Span, Vec<RoleId>>,
    pub(super) params: Vec<Param>,
    open: FxHashSet<SortId>,
    sigs: FxHashMap<LabelId, usize>,
    pub(super) notes: FxHashMap<(BlockId, usize), (Note<'t>, Consts<'t>)>,
    pub(super) scopes: Vec<Scoped<'t>>,
    /// Values of `const` parameters and `foreach` variables.
    pub(super) consts: Consts<'t>,
    /// The constants that were given for the own parameters; none if it is read by itself.
    given: Option<Box<[Const]>>,
    /// Role families: the number of the first member, and how many there are.
    pub(super) families: FxHashMap<&'t str, (usize, usize)>,
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
    /// The enclosing loops of a text, by how many loops are around each.
    bound: FxHashMap<VarId, Vec<usize>>,
    /// The texts of the enclosing loops.
    scope: Vec<&'t str>,
    /// Borders that no jump may cross: how many loops are around each, what it is and where.
    barriers: Vec<(usize, &'static str, Span)>,
    /// How many borders of `try … on crash P` there are around, by role.
    pub(super) caught: FxHashMap<RoleId, usize>,
    /// Unreliable roles.
    pub(super) unreliable: FxHashSet<RoleId>,
    /// How deep in an `interleave`, and its opening message is still to come.
    pub(super) opening: bool,
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
            fresh: FxHashMap::default(),
            params: Vec::new(),
            open: FxHashSet::default(),
            sigs: FxHashMap::default(),
            notes: FxHashMap::default(),
            scopes: Vec::new(),
            consts: Consts::default(),
            given: None,
            families: FxHashMap::default(),
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
            barriers: Vec::new(),
            caught: FxHashMap::default(),
            unreliable: FxHashSet::default(),
            opening: false,
            signatures: FxHashMap::default(),
            mismatched: FxHashSet::default(),
            depth: 0,
        }
    }

    /// With values for the `const` parameters of the declaration and those around it.
    pub(super) fn given(mut self, given: Option<Box<[Const]>>) -> Self {
        self.given = given;
        self
    }

    // ---- names

    /// The value of a constant expression; reports what is none.
    pub(super) fn constant(&mut self, expr: &tree::Expr) -> Option<Const> {
        match constant::evaluate(expr, &|name| self.consts.get(name)) {
            Ok(value) => Some(value),
            Err(span) => {
                let found = Diagnostic::new(form::BAD_NUMBER, span, "this is not a constant");
                let help =
                    "a constant is a literal, a `const` parameter or a `foreach` variable, or computed from these";
                self.report.add(found.help(help));
                None
            }
        }
    }

    /// A constant whole number.
    pub(super) fn number(&mut self, expr: &tree::Expr) -> Option<i128> {
        match self.constant(expr)? {
            Const::Int(value) => Some(value),
            other => {
                let text = format!("this is `{other}`, not a whole number");
                self.report.add(Diagnostic::new(form::BAD_NUMBER, expr.span, text));
                None
            }
        }
    }

    /// A constant that counts something.
    pub(super) fn count(&mut self, expr: &tree::Expr, most: usize) -> Option<usize> {
        let value = self.number(expr)?;
        let count = usize::try_from(value).ok().filter(|&count| count <= most);
        if count.is_none() {
            let text = format!("this is {value}, not a number from 0 to {most}");
            self.report.add(Diagnostic::new(form::BAD_NUMBER, expr.span, text));
        }
        count
    }

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
        let role = Role { name: name.into(), span, unreliable: false };
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
        let Some(&(first, count)) = self.families.get(&*role.name.text) else {
            if let Some(index) = &role.index {
                self.role_name(&role.name)?;
                let text = format!("role `{}` is no family: it has no index", role.name.text);
                self.report.add(Diagnostic::new(form::ROLE_INDEX, index.span, text));
                return None;
            }
            return self.role_name(&role.name);
        };
        let Some(index) = &role.index else {
            let text = format!("`{}` is a family of {count} roles, of which one is meant here", role.name.text);
            let help =
                format!("write `{}[0]`, or `foreach i in 0..{count} {{ … {}[i] … }}`", role.name.text, role.name.text);
            self.report.add(Diagnostic::new(form::ROLE_INDEX, role.span, text).help(help));
            return None;
        };
        let at = self.number(index)?;
        let member = usize::try_from(at).ok().filter(|&at| at < count).and_then(|at| first.checked_add(at));
        match member.and_then(|at| RoleId::new(at).ok()) {
            Some(role) => Some(role),
            None => {
                let text = format!("`{}[{at}]` is none of the {count} roles of `{}`", role.name.text, role.name.text);
                self.report.add(Diagnostic::new(form::ROLE_INDEX, index.span, text));
                None
            }
        }
    }

    /// The roles that are meant where a family may be passed as a whole.
    pub(super) fn roles_of(&mut self, role: &'t tree::Role) -> Vec<Option<RoleId>> {
        match (self.families.get(&*role.name.text), &role.index) {
            (Some(&(first, count)), None) => {
                (first..first.saturating_add(count)).map(|at| RoleId::new(at).ok()).collect()
            }
            _ => vec![self.role(role)],
        }
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

    /// A sort of this declaration.
    pub(super) fn sort(&mut self, sort: &'t tree::Sort) -> Sort {
        let place =
            Place { world: self.shared.world, module: self.module, params: &self.sort_params, consts: &self.consts };
        self.shared.sorts.sort(place, sort, &mut self.report)
    }

    /// A sort without a condition at its top that mentions other names than `this`, and that condition.
    fn bare_sort(&mut self, sort: &'t tree::Sort) -> (Sort, Option<&'t tree::Expr>) {
        let place =
            Place { world: self.shared.world, module: self.module, params: &self.sort_params, consts: &self.consts };
        let condition = sort.refinement.as_deref().filter(|e| !mention::only_this(e, &self.consts));
        let sort = match condition {
            Some(_) => self.shared.sorts.base(place, &sort.base, sort.span, &mut self.report),
            None => self.shared.sorts.sort(place, sort, &mut self.report),
        };
        (sort, condition)
    }

    /// The sort of a key.
    pub(super) fn base(&mut self, base: &'t tree::Base, span: Span) -> Sort {
        let place =
            Place { world: self.shared.world, module: self.module, params: &self.sort_params, consts: &self.consts };
        self.shared.sorts.base(place, base, span, &mut self.report)
    }

    /// The label and payload of a message.
    pub(super) fn message(&mut self, message: &'t tree::Message) -> (LabelId, SortId) {
        let text = message.label.as_ref().map_or("", |label| &label.text);
        let label = self.label(text);
        let payload = message.payload.as_ref().map(|payload| {
            let place = Place {
                world: self.shared.world,
                module: self.module,
                params: &self.sort_params,
                consts: &self.consts,
            };
            self.shared.sorts.payload(place, payload, &mut self.report)
        });
        let sort = self.sort_id(payload);
        (label, sort)
    }

    /// Keeps the options of a message, and the conditions on its fields, for when it is instantiated.
    pub(super) fn note(&mut self, at: (BlockId, usize), message: &'t tree::Message, opts: &'t [tree::Opt]) {
        let opening = std::mem::take(&mut self.opening);
        for opt in opts {
            match &opt.kind {
                tree::OptKind::Every(_) if !opening => {
                    let found = Diagnostic::new(data::EVERY_OUTSIDE, opt.span, "`every` stands outside of a round");
                    let help = "write it behind `interleave`, or at the first message of its block";
                    self.report.add(found.help(help));
                }
                _ => {}
            }
        }
        let fields = message.payload.iter().flat_map(|payload| &payload.fields);
        let mut fields = fields.filter(|field| match &field.kind {
            tree::FieldKind::Value { lend: None, sort, .. } => {
                sort.refinement.as_deref().is_some_and(|e| !mention::only_this(e, &self.consts))
            }
            tree::FieldKind::Delegation { lend: None, .. } => false,
            _ => true,
        });
        if !opts.is_empty() || fields.next().is_some() {
            self.mentions_of(message, opts);
            self.annotate(at, Note::Message(message, opts));
        }
    }

    /// Reads variables; two of one name in one block are an error.
    pub(super) fn vars<'v>(&mut self, vars: impl IntoIterator<Item = &'t tree::Var>) -> Vec<Variable<'t>> {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        let mut read = Vec::new();
        for var in vars {
            if let Some(&first) = seen.get(&*var.name.text) {
                self.report.add(super::world::twice(form::DUPLICATE_VAR, "variable", &var.name, first));
            }
            seen.entry(&var.name.text).or_insert(var.name.span);
            let roles = var.roles.as_ref().map(|roles| self.knowing(roles));
            let (sort, condition) = self.bare_sort(&var.sort);
            read.push(Variable {
                name: &var.name,
                inner: None,
                roles,
                sort,
                condition,
                value: &var.value,
                span: var.name.span,
            });
        }
        read
    }

    /// The roles that know a variable; a family stands for all its members.
    fn knowing(&mut self, roles: &'t [tree::Role]) -> Box<[RoleId]> {
        let mut known: Vec<RoleId> = roles.iter().flat_map(|role| self.roles_of(role)).flatten().collect();
        known.sort_unstable();
        known.dedup();
        known.into()
    }

    pub(super) fn rec_vars(&mut self, vars: &'t [tree::RecVar]) -> Vec<Variable<'t>> {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        let mut read = Vec::new();
        for var in vars {
            if let Some(&first) = seen.get(&*var.name.text) {
                self.report.add(super::world::twice(form::DUPLICATE_VAR, "variable", &var.name, first));
            }
            seen.entry(&var.name.text).or_insert(var.name.span);
            let roles = Some(self.knowing(&var.roles));
            let (sort, condition) = self.bare_sort(&var.sort);
            read.push(Variable {
                name: &var.name,
                inner: var.inner.as_ref(),
                roles,
                sort,
                condition,
                value: &var.value,
                span: var.name.span,
            });
        }
        read
    }

    /// Puts variables at the head of a block.
    pub(super) fn block_vars(&mut self, block: BlockId, vars: &'t [tree::Var], to: &mut Vec<Stmt>) {
        if !vars.is_empty() {
            let vars = self.vars(vars);
            self.hold(block, Note::Vars(vars), to);
        }
    }

    /// Puts a note where no statement is.
    pub(super) fn hold(&mut self, block: BlockId, note: Note<'t>, to: &mut Vec<Stmt>) {
        let span = match &note {
            Note::Vars(vars) | Note::Loop(vars) => vars.first().map_or(Span::default(), |var| var.span),
            Note::Assert(expr) => expr.span,
            Note::Message(message, _) => message.span,
            Note::Jump(_) => Span::default(),
        };
        self.annotate((block, to.len()), note);
        to.push(Stmt::Set { sets: Box::default(), jump: false, span });
    }

    /// Puts a note beside a statement.
    pub(super) fn annotate(&mut self, at: (BlockId, usize), note: Note<'t>) {
        match &note {
            Note::Message(..) => {}
            Note::Vars(vars) | Note::Loop(vars) => {
                for var in vars {
                    self.mentions(var.value);
                    if let Some(condition) = var.condition {
                        self.mentions(condition);
                    }
                }
            }
            Note::Jump(values) => values.iter().for_each(|value| self.mentions(value)),
            Note::Assert(expr) => self.mentions(expr),
        }
        self.notes.insert(at, (note, Rc::clone(&self.consts)));
    }

    /// Notes the names that an expression mentions: only these need a place when a payload binds them.
    pub(super) fn mentions(&mut self, expr: &'t tree::Expr) {
        mention::free(expr, &mut |name| {
            self.shared.mentioned.insert(&name.text);
        });
    }

    fn mentions_of(&mut self, message: &'t tree::Message, opts: &'t [tree::Opt]) {
        for field in message.payload.iter().flat_map(|payload| &payload.fields) {
            match &field.kind {
                tree::FieldKind::Value { sort, lend, name, .. } => {
                    if let Some(condition) = &sort.refinement {
                        self.mentions(condition);
                    }
                    if let (Some(_), Some(name)) = (lend, name) {
                        self.shared.mentioned.insert(&name.text);
                    }
                }
                tree::FieldKind::Delegation { lend: Some(_), name: Some(name), .. } | tree::FieldKind::Return(name) => {
                    self.shared.mentioned.insert(&name.text);
                }
                tree::FieldKind::Delegation { .. } => {}
            }
        }
        self.mentions_of_opts(opts);
    }

    pub(super) fn mentions_of_opts(&mut self, opts: &'t [tree::Opt]) {
        for opt in opts {
            match &opt.kind {
                tree::OptKind::Where(e) => self.mentions(e),
                tree::OptKind::Set { name, at, value } => {
                    self.shared.mentioned.insert(&name.text);
                    if let Some(at) = at {
                        self.role(at);
                    }
                    self.mentions(value);
                }
                tree::OptKind::Requires { args, .. } => args.iter().for_each(|e| self.mentions(e)),
                tree::OptKind::Within(after) | tree::OptKind::Every(after) => self.mentions_of_time(after),
                tree::OptKind::Window(from, after) => {
                    self.mentions_of_time(from);
                    self.mentions_of_time(after);
                }
                tree::OptKind::Idempotent(by, lasts) | tree::OptKind::Unique(by, lasts) => {
                    by.iter().for_each(|e| self.mentions(e));
                    lasts.iter().for_each(|lasts| self.mentions_of_time(lasts));
                }
                tree::OptKind::MayRetry => {}
            }
        }
    }

    pub(super) fn mentions_of_time(&mut self, time: &'t tree::Duration) {
        if let tree::Duration::Expr(expr) = time {
            self.mentions(expr);
        }
    }

    /// Adds a scope.
    pub(super) fn scope(&mut self, scope: Scoped<'t>, span: Span, to: &mut Vec<Stmt>) {
        let id = ScopeId::new(self.scopes.len()).expect("a text of less than 4 GiB has fewer scopes than ids");
        self.scopes.push(scope);
        to.push(Stmt::Scope { scope: id, span });
    }

    /// Enters something that no jump may leave.
    pub(super) fn enter(&mut self, what: &'static str, span: Span) {
        self.barriers.push((self.scope.len(), what, span));
    }

    pub(super) fn leave(&mut self) {
        self.barriers.pop();
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
        self.bound.entry(var).or_default().push(self.scope.len());
        self.scope.push(&name.text);
        var
    }

    /// Closes the loop that was opened last.
    pub(super) fn unbind(&mut self, var: VarId) {
        if let Some(bound) = self.bound.get_mut(&var) {
            bound.pop();
        }
        self.scope.pop();
    }

    /// A jump.
    pub(super) fn jump(&mut self, name: &'t tree::Name, span: Span) -> Option<Stmt> {
        let var = self.var(&name.text);
        if let Some(&level) = self.bound.get(&var).and_then(|levels| levels.last()) {
            let border = self.barriers.last().filter(|&&(around, ..)| level < around);
            if let Some(&(_, what, at)) = border {
                let text = format!("`continue {}` would leave {what}", name.text);
                let found = Diagnostic::new(form::JUMP_OUT, span, text).label(at, "which begins here");
                self.report.add(found.help("let it come to its end, and jump behind it"));
                return None;
            }
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
            let stmts = self.blocks.get(block.index()).map(Vec::as_slice).unwrap_or_default();
            let Some((at, stmt)) = stmts.iter().enumerate().find(|(_, stmt)| !matches!(stmt, Stmt::Set { .. })) else {
                continue;
            };
            if self.notes.contains_key(&(*block, at)) {
                // Conditions may tell it from others.
                continue;
            }
            let (key, span) = match Some(stmt) {
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
                tree::TParamKind::Const(_) => ParamKind::Const,
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
                ParamKind::Const => {
                    let count = self.params.iter().filter(|param| param.kind == ParamKind::Const).count();
                    let given = self.given.as_ref().and_then(|given| given.get(count)).cloned();
                    let value = given.unwrap_or_else(|| sample(&param.kind));
                    Rc::make_mut(&mut self.consts).insert(&param.name.text, value);
                }
            }
            self.params.push(Param { kind, name: param.name.text.clone() });
        }
    }

    pub(super) fn call(
        &mut self,
        name: &tree::QName,
        args: &'t [tree::TArg],
        roles: &'t [tree::Role],
        span: Span,
    ) -> Option<Call> {
        let callee = super::callee::find(self, name);
        let mut given: Vec<(&'t tree::Role, Option<RoleId>)> = Vec::with_capacity(roles.len());
        for role in roles {
            match (&*role.name.text, self.own) {
                ("self", Some(own)) if self.known_role("self").is_none() => given.push((role, Some(own))),
                _ => given.extend(self.roles_of(role).into_iter().map(|id| (role, id))),
            }
        }
        self.active.extend(given.iter().filter_map(|(_, id)| *id));
        let callee = callee?;
        let args = super::callee::args(self, callee, name, args, span)?;
        let consts = args.iter().filter_map(|arg| match arg {
            Arg::Const(value) => Some(value.clone()),
            _ => None,
        });
        let consts: Box<[Const]> = consts.collect();
        let mut roles = super::callee::roles(self, callee, &consts, name, &given)?;
        if let Some(fresh) = self.fresh.get(&span) {
            self.active.extend(fresh);
            roles = roles.iter().chain(fresh).copied().collect();
        }
        let draft = self.shared.requests.draft(callee, &consts);
        if draft.is_none() && self.shared.requests.report() {
            let text = format!(
                "this call would make more than {} instances of `{}`",
                super::drafts::MOST,
                super::callee::text(name)
            );
            let shown: Vec<String> = consts.iter().map(ToString::to_string).collect();
            let found = Diagnostic::new(form::TOO_MANY_INSTANCES, span, text);
            self.report.add(
                found.note(format!("it has reached `<{}>`", shown.join(", "))).help("pass the parameter on as it is"),
            );
        }
        if draft.is_none() {
            self.report.broken = true;
        }
        Some(Call { callee: draft?, roles, args })
    }

    /// A value for a parameter of a callee.
    pub(super) fn arg(&mut self, kind: ParamKind, arg: &'t tree::TArg) -> Option<Arg> {
        match (kind, arg) {
            (ParamKind::Const, tree::TArg::Literal(expr)) => self.constant(expr).map(Arg::Const),
            (
                ParamKind::Const,
                tree::TArg::Sort(tree::Sort { base: tree::Base::Named { name, args }, refinement: None, .. }),
            ) if args.is_empty() => match name.parts.as_slice() {
                [one] => self.consts.get(&*one.text).cloned().map(Arg::Const),
                _ => None,
            },
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
    pub(super) fn template(&mut self, start: BlockId, compact: bool) -> Template<'t> {
        Template {
            blocks: std::mem::take(&mut self.blocks).into(),
            start,
            calls: std::mem::take(&mut self.calls).into(),
            scopes: std::mem::take(&mut self.scopes).into(),
            notes: std::mem::take(&mut self.notes),
            own: self.own,
            compact,
        }
    }

    /// What was read.
    pub(super) fn draft(self, templates: Vec<Template<'t>>) -> Draft<'t> {
        let Report { diagnostics, broken, .. } = self.report;
        Draft {
            decl: self.decl.unwrap_or_default(),
            module: self.module,
            data: templates.iter().any(Template::has_data),
            consts: self.consts,
            families: self.families,
            roles: self.roles,
            params: self.params,
            open: self.open,
            sigs: self.sigs,
            templates: if broken { Vec::new() } else { templates },
            own: self.own,
            broken,
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

/// What a `const` parameter is taken for while a declaration is read without a value for it.
fn sample(kind: &tree::TParamKind) -> Const {
    let tree::TParamKind::Const(sort) = kind else { return Const::Int(SAMPLE) };
    let tree::Base::Named { name, .. } = &sort.base else { return Const::Int(SAMPLE) };
    match name.parts.last().map(|part| &*part.text) {
        Some("string") => Const::String("".into()),
        Some("bool") => Const::Bool(false),
        Some("decimal") => Const::Decimal("1.0".into()),
        Some("duration") => Const::Duration("1s".into()),
        _ => Const::Int(SAMPLE),
    }
}

/// How many of everything there are where nothing is said: enough for neighbours and for a first, a middle and a last.
const SAMPLE: i128 = 3;

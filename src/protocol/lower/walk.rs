//! Instances whose statements have data or scopes: walked from their start, with what is seen at each place.
//!
//! [`Walk::block`] copies a block of the template into the term and hands back what is seen at its end, or nothing if
//! its end is never reached. Options of messages, and of the blocks around them, become rules (`message`); variables
//! become slots and [`Stmt::Set`]s; scopes become [`Scope`]s, their families frames.
//!
//! Whoever is called is walked later, once for each place that matters to it: its roles and arguments, the family that
//! it is called in, the options that hold there, and for a `nested` protocol the names that are seen there. A protocol
//! that comes back to itself sees what it saw first: recursion is a jump.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    constant::{self, Const},
    expr::{self, Around},
    frames::{Binding, BindingId, Env, Kind, Table},
    instantiate::{Failure, Key, Making, Values},
    scope::Here,
    sorts::Sorts,
    template::{Consts, Draft, Note, On, Scoped, Template, Variable},
};
use crate::{
    data::{Code, Place, Slot, Sort},
    diag::{Diagnostic, Span, catalogue::data, catalogue::unsupported},
    id::{BlockId, DraftId, FrameId, Id, IdVec, MemoryId, RoleId, ScopeId, SortId, VarId},
    protocol::{
        Chooser, Unsupported,
        names::Names,
        rule::{self, Frame, KeyUse, Rule, Set, Who},
        term::{Handler, Round, Scope, Stmt, Trigger},
    },
    syntax::tree,
};

/// What all instances of a term share.
pub(super) struct Data<'t> {
    pub(super) table: RefCell<Table>,
    pub(super) sites: Vec<Site>,
    pub(super) scopes: IdVec<ScopeId, Scope>,
    /// Where instances stand; the first is the root.
    pub(super) arounds: Vec<Surround<'t>>,
    around_ids: FxHashMap<(FrameId, u32, u32), u32>,
    env_ids: FxHashMap<Vec<(Arc<str>, u8, usize)>, u32>,
    opts: u32,
    pub(super) memories: FxHashMap<(Span, FrameId), MemoryId>,
    pub(super) found: Vec<Diagnostic>,
    said: FxHashSet<(&'static str, Span, String)>,
    /// Some expression has no meaning.
    pub(super) broken: bool,
    pub(super) unsupported: Vec<Unsupported>,
    /// Families of which some message carries a key.
    pub(super) keyed: FxHashSet<FrameId>,
    /// What to say of a family if no message of it does; whoever is called in it may.
    pub(super) unkeyed: Vec<(FrameId, Diagnostic)>,
}

/// A message whose rule is being made.
pub(super) struct Site {
    pub(super) sort: SortId,
    pub(super) rule: Rule,
    /// Where it stands in the term; with the receiver, if it is one but the first of several.
    pub(super) at: Vec<(BlockId, usize, Option<RoleId>)>,
}

/// Where an instance stands.
#[derive(Clone)]
pub(super) struct Surround<'t> {
    pub(super) frame: FrameId,
    pub(super) opts: Option<Rc<Opts<'t>>>,
    env: Env,
    /// The instances that it is called from, for those that see their surroundings.
    chain: Option<Rc<Link>>,
}

struct Link {
    decl: DraftId,
    roles: Box<[RoleId]>,
    around: u32,
    outer: Option<Rc<Link>>,
}

/// Options that hold for all messages in a block.
pub(super) struct Opts<'t> {
    number: u32,
    pub(super) opts: &'t [tree::Opt],
    pub(super) writer: Writer<'t>,
    pub(super) env: Env,
    /// The frame with which their memories are forgotten.
    pub(super) home: FrameId,
    pub(super) outer: Option<Rc<Opts<'t>>>,
}

/// Who wrote an expression: what constants, functions and roles mean there.
#[derive(Clone)]
pub(super) struct Writer<'t> {
    pub(super) draft: DraftId,
    pub(super) consts: Consts<'t>,
    pub(super) roles: Rc<[RoleId]>,
}

/// What holds at a place besides names.
#[derive(Clone)]
pub(super) struct State<'t> {
    pub(super) frame: FrameId,
    pub(super) opts: Option<Rc<Opts<'t>>>,
}

/// Where variables are declared.
enum Head {
    /// Of a block: each sees those before it. They may have been declared already.
    Block(Option<Vec<BindingId>>),
    /// Of a loop: all take values from before it.
    Loop,
}

/// The walk of one instance.
pub(super) struct Walk<'m, 'n, 'd, 't> {
    pub(super) making: &'m mut Making<'n, 't>,
    pub(super) drafts: &'d IdVec<DraftId, Draft<'t>>,
    pub(super) sorts: &'m Sorts<'t>,
    pub(super) mentioned: &'m FxHashSet<&'t str>,
    pub(super) draft: &'d Draft<'t>,
    pub(super) template: &'d Template<'t>,
    pub(super) key: &'m Key,
    pub(super) values: Values<'d, 't>,
    pub(super) roles: Rc<[RoleId]>,
    base: usize,
    chain: Option<Rc<Link>>,
    loops: Vec<(VarId, Vec<BindingId>)>,
    /// Conditions on the next event.
    pub(super) pending: Vec<(&'t tree::Expr, Env, Consts<'t>)>,
    /// Variables of family blocks, declared before anything is walked.
    ahead: FxHashMap<BlockId, Vec<BindingId>>,
    /// The keys of families.
    keys: FxHashMap<FrameId, Vec<(Arc<str>, BindingId)>>,
    /// `every` of the opening message of the round at hand.
    pub(super) every: Option<Code>,
    /// Whom the message of an interrupt reaches, its sender among them.
    pub(super) told: Vec<RoleId>,
}

impl Data<'_> {
    pub(super) fn new() -> Self {
        let root = Surround { frame: FrameId::default(), opts: None, env: Env::default(), chain: None };
        Self {
            table: RefCell::default(),
            sites: Vec::new(),
            scopes: IdVec::new(),
            arounds: vec![root],
            around_ids: FxHashMap::from_iter([((FrameId::default(), 0, 0), 0)]),
            env_ids: FxHashMap::from_iter([(Vec::new(), 0)]),
            opts: 0,
            memories: FxHashMap::default(),
            found: Vec::new(),
            said: FxHashSet::default(),
            broken: false,
            unsupported: Vec::new(),
            keyed: FxHashSet::default(),
            unkeyed: Vec::new(),
        }
    }

    /// The session's frame, made when it is first needed.
    fn root(&mut self) {
        let table = self.table.get_mut();
        if table.frames.is_empty() {
            // The first of its table.
            let _ = table.frames.push(Frame::default());
        }
    }

    /// Says of which families no message carries a key, when all that is called in them was walked.
    pub(super) fn families(&mut self) {
        for (frame, diagnostic) in std::mem::take(&mut self.unkeyed) {
            if !self.keyed.contains(&frame) {
                self.add(diagnostic);
            }
        }
    }

    /// Adds a finding, once.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if self.said.insert((diagnostic.code.id(), diagnostic.span, diagnostic.text.clone())) {
            self.found.push(diagnostic);
        }
    }
}

/// Walks an instance of a template into the term.
#[expect(clippy::too_many_arguments, reason = "what an instance is made of, and where it goes")]
pub(super) fn instance<'d, 't>(
    making: &mut Making<'_, 't>,
    drafts: &'d IdVec<DraftId, Draft<'t>>,
    sorts: &Sorts<'t>,
    mentioned: &FxHashSet<&'t str>,
    template: &'d Template<'t>,
    key: &Key,
    values: Values<'d, 't>,
    base: usize,
) -> Result<(), Failure> {
    making.data.root();
    let around = usize::try_from(key.around).ok().and_then(|at| making.data.arounds.get(at)).cloned();
    let Some(Surround { frame, opts, env, chain }) = around else { return Ok(()) };
    let draft = &drafts[key.decl];
    let count = template.blocks.len();
    making.blocks.resize_with(base.saturating_add(count), Vec::new);
    let chain = Link { decl: key.decl, roles: key.roles.clone(), around: key.around, outer: chain };
    let mut walk = Walk {
        making,
        drafts,
        sorts,
        mentioned,
        draft,
        template,
        key,
        values,
        roles: key.roles.iter().copied().collect(),
        base,
        chain: Some(Rc::new(chain)),
        loops: Vec::new(),
        pending: Vec::new(),
        ahead: FxHashMap::default(),
        keys: FxHashMap::default(),
        every: None,
        told: Vec::new(),
    };
    let before = Rc::clone(&env.lent);
    let end = walk.block(template.start, env, &State { frame, opts })?;
    walk.pending.clear();
    if let Some(end) = end {
        walk.returned(&end, &before);
    }
    Ok(())
}

/// Gives each message its rule, now that it is known which fields are remembered where.
pub(super) fn finish(names: &mut Names, data: &Data<'_>, blocks: &mut [Vec<Stmt>]) {
    let table = data.table.borrow();
    let mut binds: Vec<Vec<(u32, Slot)>> = vec![Vec::new(); data.sites.len()];
    for &(site, field, slot) in &table.remembered {
        if let Some(binds) = binds.get_mut(site) {
            binds.push((field, slot));
        }
    }
    for (site, mut binds) in data.sites.iter().zip(binds) {
        binds.sort_unstable();
        binds.dedup();
        let rule = Rule { binds: binds.into(), ..site.rule.clone() };
        if rule.is_empty() {
            continue;
        }
        for &(block, at, receiver) in &site.at {
            let rule = match receiver {
                None => rule.clone(),
                Some(receiver) => repeated(&rule, receiver),
            };
            let payload = names.payload(site.sort).cloned();
            let own = names.signature(payload, rule).expect("a text of less than 4 GiB has fewer payloads than ids");
            let stmt = blocks.get_mut(block.index()).and_then(|block| block.get_mut(at));
            if let Some(
                Stmt::Message { sort, .. }
                | Stmt::Send { sort, .. }
                | Stmt::Receive { sort, .. }
                | Stmt::Act { sort, .. },
            ) = stmt
            {
                *sort = own;
            }
        }
    }
}

/// The rule for a further receiver of a message: what the sender does once is done, and what it assigned is changed.
fn repeated(rule: &Rule, receiver: RoleId) -> Rule {
    let assigned: Vec<Slot> = rule.sets.iter().map(|set| set.slot).collect();
    let conditions = rule.conditions.iter();
    let conditions = conditions.filter(|condition| !condition.code.slots().iter().any(|slot| assigned.contains(slot)));
    let sets = rule.sets.iter().filter_map(|set| match &set.who {
        Who::Ends => Some(Set { who: Who::Roles(Box::new([receiver])), ..set.clone() }),
        Who::Roles(roles) if roles.contains(&receiver) => {
            Some(Set { who: Who::Roles(Box::new([receiver])), ..set.clone() })
        }
        Who::Roles(_) => None,
    });
    Rule {
        conditions: conditions.cloned().collect(),
        sets: sets.collect(),
        // One message, one witness.
        requires: Box::default(),
        unique: Box::default(),
        idempotent: Box::default(),
        ..rule.clone()
    }
}

impl<'t> Walk<'_, '_, '_, 't> {
    pub(super) fn data(&mut self) -> &mut Data<'t> {
        &mut self.making.data
    }

    pub(super) fn role(&self, role: RoleId) -> RoleId {
        self.key.roles.get(role.index()).copied().unwrap_or(role)
    }

    pub(super) fn own(&self) -> Option<RoleId> {
        self.template.own.map(|own| self.role(own))
    }

    fn block_id(&self, block: BlockId) -> Result<BlockId, Failure> {
        BlockId::new(self.base.saturating_add(block.index())).map_err(|_| Failure::TooLarge)
    }

    pub(super) fn writer(&self, consts: &Consts<'t>) -> Writer<'t> {
        Writer { draft: self.key.decl, consts: Rc::clone(consts), roles: Rc::clone(&self.roles) }
    }

    /// Walks a block; what is seen at its end, if that is reached. Recurses once per level of nesting.
    fn block(&mut self, block: BlockId, env: Env, state: &State<'t>) -> Result<Option<Env>, Failure> {
        let id = self.block_id(block)?;
        let outer = env.clone();
        let mut now = Some(env);
        let mut out: Vec<Stmt> = Vec::with_capacity(self.template.blocks[block].len());
        let template = self.template;
        for (at, stmt) in template.blocks[block].iter().enumerate() {
            let Some(env) = now.take() else { break };
            now = self.stmt((block, at), id, stmt, env, state, &mut out)?;
        }
        if block != self.template.start && now.is_some() {
            self.no_asserts();
        }
        if let Some(place) = self.making.blocks.get_mut(id.index()) {
            *place = out;
        }
        Ok(now.map(|env| if block == template.start { env } else { env.leave(&outer) }))
    }

    /// A condition on the next event stands where that event is not known.
    fn no_asserts(&mut self) {
        for (expr, ..) in std::mem::take(&mut self.pending) {
            let construct = Unsupported { code: unsupported::ASSERT, what: "assert", span: expr.span };
            if !self.making.data.unsupported.contains(&construct) {
                self.making.data.unsupported.push(construct);
            }
        }
    }

    fn stmt(
        &mut self,
        at: (BlockId, usize),
        block: BlockId,
        stmt: &Stmt,
        mut env: Env,
        state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) -> Result<Option<Env>, Failure> {
        let note = self.template.notes.get(&at);
        match *stmt {
            Stmt::Message { .. } | Stmt::Send { .. } | Stmt::Receive { .. } | Stmt::Act { .. } => {
                let note = match note {
                    Some((Note::Message(message, opts), consts)) => Some((*message, *opts, consts)),
                    _ => None,
                };
                self.message(block, stmt, note, &mut env, state, out)?;
            }
            Stmt::Set { .. } => match note {
                Some((Note::Vars(vars), consts)) => {
                    let ahead = if at.1 == 0 { self.ahead.remove(&at.0) } else { None };
                    self.variables(vars, consts, Head::Block(ahead), &mut env, state, out);
                }
                Some((Note::Assert(expr), consts)) => {
                    self.pending.push((*expr, env.clone(), Rc::clone(consts)));
                }
                _ => {}
            },
            Stmt::Choice { at, ref arms, span } => {
                let pending = std::mem::take(&mut self.pending);
                let mut ways = Vec::with_capacity(arms.len());
                let mut ids = Vec::with_capacity(arms.len());
                for &arm in arms {
                    self.pending.clone_from(&pending);
                    ids.push(self.block_id(arm)?);
                    ways.extend(self.block(arm, env.clone(), state)?);
                }
                self.pending.clear();
                let at = match at {
                    Chooser::Role(role) => Chooser::Role(self.role(role)),
                    other => other,
                };
                out.push(Stmt::Choice { at, arms: ids.into(), span });
                return Ok(self.data().table.get_mut().join(ways));
            }
            Stmt::Rec { var, body, span } => {
                self.no_asserts();
                let mut inner = env.clone();
                let mut bound = Vec::new();
                if let Some((Note::Loop(vars), consts)) = note {
                    bound = self.variables(vars, consts, Head::Loop, &mut inner, state, out);
                }
                self.loops.push((var, bound));
                let end = self.block(body, inner, state)?;
                self.loops.pop();
                out.push(Stmt::Rec { var, body: self.block_id(body)?, span });
                return Ok(end.map(|end| end.leave(&env)));
            }
            Stmt::States { ref blocks, span } => {
                self.no_asserts();
                let mut ids = Vec::with_capacity(blocks.len());
                let mut ways = Vec::with_capacity(blocks.len());
                for &(var, _) in blocks {
                    self.loops.push((var, Vec::new()));
                }
                for &(var, body) in blocks {
                    ids.push((var, self.block_id(body)?));
                    ways.extend(self.block(body, env.clone(), state)?);
                }
                self.loops.truncate(self.loops.len().saturating_sub(blocks.len()));
                out.push(Stmt::States { blocks: ids.into(), span });
                return Ok(self.data().table.get_mut().join(ways));
            }
            Stmt::Continue { var, span } => {
                self.no_asserts();
                let values = match note {
                    Some((Note::Jump(values), consts)) => Some((*values, consts)),
                    _ => None,
                };
                self.jump(var, values, span, &env, state, out);
                out.push(Stmt::Continue { var, span });
                return Ok(None);
            }
            Stmt::Call { body, span } => {
                self.no_asserts();
                let call = &self.template.calls[body];
                let args: Option<_> = call.args.iter().map(|arg| self.values.arg(self.making.names, arg)).collect();
                let args = args.ok_or_else(|| self.making.growth(span, self.key))?;
                let roles: Box<[RoleId]> = call.roles.iter().map(|&role| self.role(role)).collect();
                let around = self.around(call.callee, &roles, &env, state);
                let callee = Key { decl: call.callee, roles, args, around };
                out.push(Stmt::Call { body: self.making.instance(callee, span)?, span });
            }
            Stmt::Scope { scope, span } => return self.scope(scope, span, env, state, out),
        }
        Ok(Some(env))
    }

    /// Where a callee stands.
    fn around(&mut self, callee: DraftId, roles: &[RoleId], env: &Env, state: &State<'t>) -> u32 {
        let sees = self.drafts[callee].nested && self.drafts[callee].data;
        let opts = state.opts.as_ref().map_or(0, |opts| opts.number);
        let frame = state.frame;
        let mut link = self.chain.as_ref();
        while let Some(Link { decl, roles: own, around, outer }) = link.map(Rc::as_ref) {
            if sees && *decl == callee && **own == *roles {
                return *around;
            }
            link = outer.as_ref();
        }
        let chain = if sees { self.chain.clone() } else { None };
        let data = &mut self.making.data;
        let env_id = match sees {
            true => {
                let fresh = u32::try_from(data.env_ids.len()).unwrap_or(u32::MAX);
                *data.env_ids.entry(env.key()).or_insert(fresh)
            }
            false => 0,
        };
        let fresh = u32::try_from(data.arounds.len()).unwrap_or(u32::MAX);
        let around = *data.around_ids.entry((frame, opts, env_id)).or_insert(fresh);
        if around == fresh {
            let env = if sees { env.clone() } else { Env::default() };
            data.arounds.push(Surround { frame, opts: state.opts.clone(), env, chain });
        }
        around
    }

    // ---- variables

    /// Declares variables and sets them to their first values.
    fn variables(
        &mut self,
        vars: &[Variable<'t>],
        consts: &Consts<'t>,
        head: Head,
        env: &mut Env,
        state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) -> Vec<BindingId> {
        let together = matches!(head, Head::Loop);
        let ids = match head {
            Head::Block(Some(ids)) => ids,
            Head::Block(None) | Head::Loop => vars.iter().map(|var| self.declare(var, state.frame)).collect(),
        };
        let before = env.clone();
        let mut group: Vec<Set> = Vec::new();
        let mut span = None;
        for (var, &id) in vars.iter().zip(&ids) {
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let seen = if together { &before } else { &*env };
            let value =
                self.expr(var.value, &sort, &self.writer(consts), seen, &roles, &format!("`{}`", var.name.text));
            env.variable(&var.name.text, id);
            if let Some(inner) = var.inner {
                env.variable(&inner.text, id);
            }
            let Some(value) = value else { continue };
            if group.iter().any(|set| value.slots().contains(&set.slot)) {
                out.push(Stmt::Set {
                    sets: std::mem::take(&mut group).into(),
                    jump: false,
                    span: span.take().unwrap_or(var.span),
                });
            }
            span.get_or_insert(var.span);
            group.push(Set { slot, who: Who::Roles(roles), value });
        }
        if let Some(span) = span.filter(|_| !group.is_empty()) {
            out.push(Stmt::Set { sets: group.into(), jump: false, span });
        }
        for (var, &id) in vars.iter().zip(&ids) {
            let Some(condition) = var.condition else { continue };
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let writer = self.writer(consts);
            let this = Place { slot, sort };
            let code = self.with(&writer, env, Some(this), |walk, here| {
                walk.compile(condition, &Sort::BOOL, here, &roles, &format!("`{}`", var.name.text))
            });
            if let Some(code) = code {
                self.data().table.get_mut().invariant(id, code);
            }
        }
        ids
    }

    fn declare(&mut self, var: &Variable<'t>, frame: FrameId) -> BindingId {
        let mut roles: Vec<RoleId> = match (&var.roles, self.own()) {
            (Some(roles), _) => roles.iter().map(|&role| self.role(role)).collect(),
            (None, Some(own)) => vec![own],
            (None, None) => self.roles.to_vec(),
        };
        roles.sort_unstable();
        roles.dedup();
        let binding = Binding {
            name: var.name.text.as_ref().into(),
            kind: Kind::Variable,
            frame,
            sort: var.sort.clone(),
            roles: roles.into(),
            span: var.span,
            slot: None,
        };
        self.data().table.get_mut().declare(binding)
    }

    /// The values of a jump.
    fn jump(
        &mut self,
        var: VarId,
        values: Option<(&'t [tree::Expr], &Consts<'t>)>,
        span: Span,
        env: &Env,
        _state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) {
        let vars = self.loops.iter().rfind(|(own, _)| *own == var).map(|(_, vars)| vars.clone()).unwrap_or_default();
        let given = values.map_or(0, |(values, _)| values.len());
        if given != vars.len() {
            let name = self.making.names.var_text(var).to_owned();
            let plural = super::sorts::plural(vars.len());
            let text = format!("`{name}` has {} variable{plural}, and this jump gives {given}", vars.len());
            let declared = vars.first().and_then(|&id| self.data().table.get_mut().get(id)).map(|b| b.span);
            let found = Diagnostic::new(data::JUMP_VALUES, span, text);
            self.data().add(match declared {
                Some(at) => found.label(at, "they are declared here"),
                None => found,
            });
            return;
        }
        let Some((values, consts)) = values else { return };
        let mut sets = Vec::with_capacity(vars.len());
        for (value, id) in values.iter().zip(vars) {
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { name, roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let writer = self.writer(consts);
            if let Some(value) = self.expr(value, &sort, &writer, env, &roles, &format!("`{name}`")) {
                sets.push(Set { slot, who: Who::Roles(roles), value });
            }
        }
        if !sets.is_empty() {
            out.push(Stmt::Set { sets: sets.into(), jump: true, span });
        }
    }

    // ---- expressions

    /// Compiles an expression without a payload, for roles that must know what it mentions.
    pub(super) fn expr(
        &mut self,
        expr: &tree::Expr,
        wanted: &Sort,
        writer: &Writer<'t>,
        env: &Env,
        roles: &[RoleId],
        what: &str,
    ) -> Option<Code> {
        self.with(writer, env, None, |walk, here| walk.compile(expr, wanted, here, roles, what))
    }

    /// A span of time, in the same way.
    pub(super) fn time(
        &mut self,
        time: &tree::Duration,
        writer: &Writer<'t>,
        env: &Env,
        roles: &[RoleId],
        what: &str,
    ) -> Option<Code> {
        let sort = Sort::Builtin(crate::data::Builtin::Duration);
        match time {
            tree::Duration::Expr(expr) => self.expr(expr, &sort, writer, env, roles, what),
            tree::Duration::Literal(name) => {
                let kind = tree::ExprKind::Literal(tree::Literal::Duration(name.text.clone()));
                self.expr(&tree::Expr { kind, span: name.span }, &sort, writer, env, roles, what)
            }
        }
    }

    /// Opens the names of a place.
    pub(super) fn with<R>(
        &mut self,
        writer: &Writer<'t>,
        env: &Env,
        this: Option<Place>,
        then: impl FnOnce(&Compiling<'_, 't>, &Here<'_, 't>) -> (R, Vec<Diagnostic>),
    ) -> R {
        self.with_all(writer, env, (None, None, this), then)
    }

    /// Opens the names of a place, those of where an option is written, a payload, and `this`.
    pub(super) fn with_all<R>(
        &mut self,
        writer: &Writer<'t>,
        env: &Env,
        (outer, payload, this): (Option<&Env>, Option<&crate::data::Payload>, Option<Place>),
        then: impl FnOnce(&Compiling<'_, 't>, &Here<'_, 't>) -> (R, Vec<Diagnostic>),
    ) -> R {
        let module = self.drafts[writer.draft].module;
        let around = Around { functions: &self.sorts.functions, sorts: self.sorts, module, consts: &writer.consts };
        let here = Here { outer, payload, this, ..Here::new(around, &self.making.data.table, env) };
        let compiling = Compiling { names: self.making.roles, sorts: self.sorts };
        let (result, found) = then(&compiling, &here);
        let failed = here.failed.get();
        drop(here);
        self.data().broken |= failed;
        for diagnostic in found {
            self.data().add(diagnostic);
        }
        result
    }

    /// The role that is meant where something is written.
    pub(super) fn role_at(&self, writer: &Writer<'t>, role: &tree::Role) -> Option<RoleId> {
        let draft = &self.drafts[writer.draft];
        let own = match (draft.families.get(&*role.name.text), &role.index) {
            (Some(&(first, count)), Some(index)) => {
                let value = constant::evaluate(index, &|name| writer.consts.get(name)).ok()?;
                let Const::Int(at) = value else { return None };
                let at = usize::try_from(at).ok().filter(|&at| at < count)?;
                RoleId::new(first.checked_add(at)?).ok()?
            }
            _ => draft.roles.iter().find(|(_, known)| known.name == role.name.text)?.0,
        };
        Some(writer.roles.get(own.index()).copied().unwrap_or(own))
    }

    // ---- scopes

    fn scope(
        &mut self,
        scope: ScopeId,
        span: Span,
        env: Env,
        state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) -> Result<Option<Env>, Failure> {
        let template = self.template;
        let (made, end) = match &template.scopes[scope] {
            Scoped::Par(parts) => {
                self.no_asserts();
                self.par(parts, &env, state)?
            }
            Scoped::During { opts, main, rounds, consts } => {
                self.no_asserts();
                self.during(opts, *main, rounds, consts, &env, state)?
            }
            Scoped::Try { body, handlers, consts } => self.attempt(*body, handlers, consts, &env, state)?,
        };
        let scope = self.data().scopes.push(made).map_err(|_| Failure::TooLarge)?;
        out.push(Stmt::Scope { scope, span });
        Ok(end.map(|end| end.leave(&env)))
    }

    fn par(&mut self, parts: &[BlockId], env: &Env, state: &State<'t>) -> Result<(Scope, Option<Env>), Failure> {
        let mut ids = Vec::with_capacity(parts.len());
        let mut after = env.clone();
        let mut ends = true;
        let mut changed: FxHashSet<Arc<str>> = FxHashSet::default();
        for &part in parts {
            ids.push(self.block_id(part)?);
            let Some(end) = self.block(part, env.clone(), state)? else {
                ends = false;
                continue;
            };
            let end = end.leave(env);
            let new: Vec<(Arc<str>, BindingId)> = end
                .names
                .iter()
                .filter(|(name, id)| env.names.get(*name) != Some(id))
                .map(|(name, &id)| (Arc::clone(name), id))
                .collect();
            for (name, id) in new {
                // Two parts that bind a name: which of them was last is not known.
                let id = match changed.insert(Arc::clone(&name)) {
                    true => id,
                    false => {
                        let table = self.data().table.get_mut();
                        match table.get(id).cloned() {
                            Some(binding) => table.bind(Binding { kind: Kind::Lost, slot: None, ..binding }),
                            None => continue,
                        }
                    }
                };
                after.field(&name, id);
            }
            let lent: std::collections::BTreeSet<BindingId> = after.lent.union(&end.lent).copied().collect();
            after.lent = Rc::new(lent);
        }
        Ok((Scope::Par { parts: ids.into() }, ends.then_some(after)))
    }

    fn options(
        &mut self,
        opts: &'t [tree::Opt],
        consts: &Consts<'t>,
        env: &Env,
        home: FrameId,
        outer: Option<Rc<Opts<'t>>>,
    ) -> Option<Rc<Opts<'t>>> {
        if opts.iter().all(|opt| matches!(opt.kind, tree::OptKind::Every(_))) {
            return outer;
        }
        let writer = self.writer(consts);
        let data = &mut self.making.data;
        data.opts = data.opts.saturating_add(1);
        Some(Rc::new(Opts { number: data.opts, opts, writer, env: env.clone(), home, outer }))
    }

    fn during(
        &mut self,
        opts: &'t [tree::Opt],
        main: Option<BlockId>,
        rounds: &[super::template::Round<'t>],
        consts: &Consts<'t>,
        env: &Env,
        state: &State<'t>,
    ) -> Result<(Scope, Option<Env>), Failure> {
        let opts = self.options(opts, consts, env, state.frame, state.opts.clone());
        let mut inner = env.clone();
        // Families are seen by all parts, so all are declared first.
        let mut frames: Vec<Option<FrameId>> = Vec::with_capacity(rounds.len());
        for round in rounds {
            let frame = if round.keys.is_empty() { None } else { Some(self.family(round, state.frame)?) };
            if let (Some(frame), Some(name)) = (frame, round.name) {
                Rc::make_mut(&mut inner.families).insert(name.text.as_ref().into(), frame);
            }
            frames.push(frame);
        }
        let within = State { frame: state.frame, opts: opts.clone() };
        let end = match main {
            Some(main) => self.block(main, inner.clone(), &within)?,
            None => Some(inner.clone()),
        };
        let mut made = Vec::with_capacity(rounds.len());
        for (round, frame) in rounds.iter().zip(frames) {
            let mut seen = inner.clone();
            if let Some(frame) = frame {
                let keys = self.keys.get(&frame).cloned().unwrap_or_default();
                for (name, id) in keys {
                    seen.variable(&name, id);
                }
            }
            let opts = self.options(round.opts, consts, &inner, state.frame, opts.clone());
            let every = round.opts.iter().find_map(|opt| match &opt.kind {
                tree::OptKind::Every(time) => Some(time),
                _ => None,
            });
            let writer = self.writer(consts);
            let every = every.and_then(|time| self.time(time, &writer, &inner, &[], "`every`"));
            let before = self.every.take();
            let lent = Rc::clone(&seen.lent);
            let ends = self.block(round.body, seen, &State { frame: frame.unwrap_or(state.frame), opts })?;
            if let Some(end) = ends {
                self.returned(&end, &lent);
            }
            let every = every.or(std::mem::replace(&mut self.every, before));
            if let Some(frame) = frame.filter(|frame| !self.making.data.keyed.contains(frame)) {
                self.unkeyed(round, frame);
            }
            made.push(Round {
                name: round.name.map(|name| name.text.clone()),
                body: self.block_id(round.body)?,
                family: frame,
                every,
                span: round.span,
            });
        }
        let main = main.map(|main| self.block_id(main)).transpose()?;
        Ok((Scope::During { main, rounds: made.into() }, end))
    }

    /// The frame of a family, with its keys and the variables of its block.
    fn family(&mut self, round: &super::template::Round<'t>, parent: FrameId) -> Result<FrameId, Failure> {
        let mut takes_part: Vec<RoleId> = Vec::new();
        self.participants(round.body, &mut takes_part);
        let table = self.making.data.table.get_mut();
        let depth = table.depth(parent).saturating_add(1);
        let name = round.name.map(|name| name.text.clone());
        let frame = Frame { parent: Some(parent), depth, name, ..Frame::default() };
        let id = table.frames.push(frame).map_err(|_| Failure::TooLarge)?;
        let mut keys = Vec::with_capacity(round.keys.len());
        let mut named = Vec::with_capacity(round.keys.len());
        for (key, sort) in &round.keys {
            let binding = Binding {
                name: key.name.text.as_ref().into(),
                kind: Kind::Key,
                frame: id,
                sort: sort.clone(),
                roles: takes_part.clone().into(),
                span: key.name.span,
                slot: None,
            };
            let own = table.declare(binding);
            named.push((Arc::from(&*key.name.text), own));
            let Some(slot) = table.get(own).and_then(|binding| binding.slot) else { continue };
            let use_ = match key.mode {
                tree::KeyMode::Once => KeyUse::Once,
                tree::KeyMode::Reusable => KeyUse::Reusable,
                tree::KeyMode::Rising => KeyUse::Rising,
            };
            keys.push(rule::Key { name: key.name.text.clone(), sort: sort.clone(), use_, slot });
        }
        if let Some(frame) = table.frames.entry_mut(id) {
            frame.keys = keys.into();
        }
        self.keys.insert(id, named);
        if let Some((Note::Vars(vars), _)) = self.template.notes.get(&(round.body, 0)) {
            let ids = vars.iter().map(|var| self.declare(var, id)).collect();
            self.ahead.insert(round.body, ids);
        }
        Ok(id)
    }

    /// No message of a family carries a key of it.
    fn unkeyed(&mut self, round: &super::template::Round<'t>, frame: FrameId) {
        let mut takes_part = Vec::new();
        self.participants(round.body, &mut takes_part);
        if takes_part.is_empty() {
            return;
        }
        let table = self.making.data.table.get_mut();
        let keys = table
            .frames
            .entry(frame)
            .map(|frame| frame.keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(" or "));
        let keys = keys.unwrap_or_default();
        let text = format!("no message of this family carries its key {keys}");
        let at = round.keys.first().map_or(round.span, |(key, _)| key.span);
        let found = Diagnostic::new(data::NO_KEY, at, text);
        let help = "give one of them a field of that name, or a condition `where field == key`";
        self.data().unkeyed.push((frame, found.help(help)));
    }

    fn attempt(
        &mut self,
        body: BlockId,
        handlers: &[super::template::Handler<'t>],
        consts: &Consts<'t>,
        env: &Env,
        state: &State<'t>,
    ) -> Result<(Scope, Option<Env>), Failure> {
        // Whom an interrupt must reach: all that take part in the scope.
        let mut takes_part: Vec<RoleId> = Vec::new();
        self.participants(body, &mut takes_part);
        for handler in handlers {
            self.participants(handler.body, &mut takes_part);
            if let On::Interrupt(role) = handler.on {
                takes_part.push(self.role(role));
            }
        }
        takes_part.sort_unstable();
        takes_part.dedup();
        let mut ways = Vec::with_capacity(handlers.len().saturating_add(1));
        ways.extend(self.block(body, env.clone(), state)?);
        self.no_asserts();
        let mut made = Vec::with_capacity(handlers.len());
        let writer = self.writer(consts);
        for handler in handlers {
            let timed = |walk: &mut Self, role: RoleId, time: &tree::Duration, what: &str| {
                let role = walk.role(role);
                walk.time(time, &writer, env, &[role], what).map(|time| (role, time))
            };
            let trigger = match handler.on {
                On::Timeout(role, time) => timed(self, role, time, "`timeout`").map(|(r, t)| Trigger::Timeout(r, t)),
                On::Idle(role, time) => timed(self, role, time, "`idle`").map(|(r, t)| Trigger::Idle(r, t)),
                On::Deadline(role, time) => timed(self, role, time, "`deadline`").map(|(r, t)| Trigger::Deadline(r, t)),
                On::Crash(role) => Some(Trigger::Crash(self.role(role))),
                On::Interrupt(role) => Some(Trigger::Interrupt(self.role(role))),
            };
            self.told.clone_from(&takes_part);
            ways.extend(self.block(handler.body, env.clone(), state)?.map(|end| end.leave(env)));
            self.no_asserts();
            if let Some(trigger) = trigger {
                made.push(Handler { trigger, body: self.block_id(handler.body)?, span: handler.span });
            }
        }
        let body = self.block_id(body)?;
        let end = self.data().table.get_mut().join(ways);
        Ok((Scope::Try { body, handlers: made.into() }, end))
    }

    /// The roles that take part in a block. Recurses once per level of nesting.
    fn participants(&self, block: BlockId, to: &mut Vec<RoleId>) {
        let own = self.own();
        let mut add = |role: RoleId| to.push(self.role(role));
        let mut inner: Vec<BlockId> = Vec::new();
        for stmt in &self.template.blocks[block] {
            match stmt {
                Stmt::Message { from, to: ends, .. } => {
                    add(*from);
                    ends.iter().for_each(|&end| add(end));
                }
                Stmt::Send { to: peer, .. } | Stmt::Receive { from: peer, .. } => {
                    add(*peer);
                    if let Some(own) = self.template.own {
                        add(own);
                    }
                }
                Stmt::Act { role, .. } => add(*role),
                Stmt::Choice { arms, .. } => inner.extend(arms.iter().copied()),
                Stmt::Rec { body, .. } => inner.push(*body),
                Stmt::States { blocks, .. } => inner.extend(blocks.iter().map(|&(_, block)| block)),
                Stmt::Call { body, .. } => self.template.calls[*body].roles.iter().for_each(|&role| add(role)),
                Stmt::Scope { scope, .. } => match &self.template.scopes[*scope] {
                    Scoped::Par(parts) => inner.extend(parts.iter().copied()),
                    Scoped::During { main, rounds, .. } => {
                        inner.extend(main.iter().copied());
                        inner.extend(rounds.iter().map(|round| round.body));
                    }
                    Scoped::Try { body, handlers, .. } => {
                        inner.push(*body);
                        inner.extend(handlers.iter().map(|handler| handler.body));
                    }
                },
                Stmt::Continue { .. } | Stmt::Set { .. } => {}
            }
        }
        to.extend(own.filter(|_| !self.template.blocks[block].is_empty()));
        for block in inner {
            self.participants(block, to);
        }
        to.sort_unstable();
        to.dedup();
    }

    /// What was lent must be back at the end of what it was lent in.
    fn returned(&mut self, end: &Env, before: &std::collections::BTreeSet<BindingId>) {
        for &id in end.lent.iter().filter(|id| !before.contains(id)) {
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(binding) = binding else { continue };
            let text = format!("`{}` is lent and does not come back on every way to the end", binding.name);
            let found = Diagnostic::new(data::NOT_RETURNED, binding.span, text);
            let help = format!("let a message with `return {}` give it back", binding.name);
            self.data().add(found.help(help));
        }
    }
}

/// What compiling needs of the walk while names are open.
pub(super) struct Compiling<'a, 't> {
    names: &'a IdVec<RoleId, crate::protocol::Role>,
    sorts: &'a Sorts<'t>,
}

impl<'t> Compiling<'_, 't> {
    /// Compiles an expression, and looks whether the roles that evaluate it know what it mentions.
    pub(super) fn compile(
        &self,
        expr: &tree::Expr,
        wanted: &Sort,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
    ) -> (Option<Code>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        here.used.borrow_mut().clear();
        let code = expr::compile(self.sorts, here.around.module, expr, Some(wanted), here, &mut found);
        (self.known(expr, code, here, roles, what, &mut found), found)
    }

    /// The same, whatever its sort.
    pub(super) fn compile_any(
        &self,
        expr: &tree::Expr,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
    ) -> (Option<Code>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        here.used.borrow_mut().clear();
        let code = expr::compile(self.sorts, here.around.module, expr, None, here, &mut found);
        (self.known(expr, code, here, roles, what, &mut found), found)
    }

    fn known(
        &self,
        expr: &tree::Expr,
        code: Option<Code>,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Code> {
        let table = here.table.borrow();
        let mut known = true;
        for &id in here.used.borrow().iter() {
            let Some(binding) = table.get(id) else { continue };
            if binding.roles.is_empty() || binding.kind == Kind::Key {
                continue;
            }
            for role in roles.iter().filter(|role| !binding.roles.contains(role)) {
                known = false;
                found.push(self.unknown_to(expr.span, *role, binding, what));
            }
        }
        here.failed.set(here.failed.get() || code.is_none() || !known);
        code.filter(|_| known)
    }

    /// A role must know something that nobody told it.
    fn unknown_to(&self, span: Span, role: RoleId, binding: &Binding, what: &str) -> Diagnostic {
        let name = |role: &RoleId| self.names.entry(*role).map_or("?", |role| &*role.name);
        let text = format!("`{}` needs `{}` for {what}, and does not know it", name(&role), binding.name);
        let who: Vec<String> = binding.roles.iter().take(4).map(|role| format!("`{}`", name(role))).collect();
        let more = if binding.roles.len() > 4 { " and others" } else { "" };
        let knows = match binding.roles.len() {
            1 => "knows it",
            _ => "know it",
        };
        let found = Diagnostic::new(data::NOT_KNOWN, span, text);
        let found = found.label(binding.span, format!("only {}{more} {knows}", who.join(" and ")));
        let teller = binding.roles.first().map_or("?", |role| name(role));
        let help = match binding.kind {
            Kind::Variable => {
                format!("let a message of `{teller}` to `{}` carry it, or declare that it knows it", name(&role))
            }
            _ => format!("let a message of `{teller}` to `{}` carry it", name(&role)),
        };
        found.help(help)
    }
}

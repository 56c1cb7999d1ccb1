//! Instances whose statements have data or scopes: walked from their start, with what is seen at each place.
//!
//! [`Walk::block`] copies a block of the template into the term and hands back what is seen at its end, or nothing if
//! its end is never reached. Options of messages, and of the blocks around them, become rules (`message`); variables
//! become slots and [`Stmt::Set`]s; scopes become [`Scope`]s, their families frames.
//!
//! Whoever is called is walked later, once for each place that matters to it: its roles and arguments, the family that
//! it is called in, the options that hold there, and for a `nested` protocol the names that are seen there. A protocol
//! that comes back to itself sees what it saw first: recursion is a jump.

mod asserts;
mod knows;
mod scopes;
mod variables;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

pub(super) use self::{asserts::settle, knows::Compiling};
use super::{
    constant::{self, Const},
    expr::Around,
    frames::{BindingId, Env, Table},
    instantiate::{Failure, Key, Making, Values},
    scope::Here,
    sorts::Sorts,
    template::{Consts, Draft, Note, Template},
};
use crate::{
    data::{Code, Place, Slot, Sort},
    diag::{Diagnostic, Span},
    id::{BlockId, DraftId, FrameId, Id, IdVec, MemoryId, RoleId, ScopeId, SortId, VarId},
    protocol::{
        Chooser,
        names::Names,
        rule::{Frame, Rule, Set, Who},
        term::{Scope, Stmt},
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
    /// Assertions whose events are found when everything was walked.
    ahead: Vec<asserts::Ahead<'t>>,
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
    /// Nothing has happened yet in the arm of a choice.
    fresh: bool,
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
            ahead: Vec::new(),
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
        fresh: false,
        ahead: FxHashMap::default(),
        keys: FxHashMap::default(),
        every: None,
        told: Vec::new(),
    };
    let before = Rc::clone(&env.lent);
    let end = walk.block(template.start, env, &State { frame, opts })?;
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
        self.look_ahead(id, state, &mut out);
        if let Some(place) = self.making.blocks.get_mut(id.index()) {
            *place = out;
        }
        Ok(now.map(|env| if block == template.start { env } else { env.leave(&outer) }))
    }

    /// Leaves the conditions on the next event to whoever finds it (`asserts`): it is not the next statement.
    pub(super) fn look_ahead(&mut self, block: BlockId, state: &State<'t>, out: &mut Vec<Stmt>) {
        for (expr, env, consts) in std::mem::take(&mut self.pending) {
            let (at, own) = ((block, out.len()), self.own());
            let writer = self.writer(&consts);
            self.making.data.ahead.push(asserts::Ahead { at, expr, env, writer, frame: state.frame, own });
            // In front of the first event of an arm it is asked by whoever decides, whichever arm is taken then.
            out.push(Stmt::Set { sets: Box::default(), jump: !self.fresh, span: expr.span });
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
                self.fresh = false;
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
                    self.fresh = true;
                    ids.push(self.block_id(arm)?);
                    ways.extend(self.block(arm, env.clone(), state)?);
                }
                self.pending.clear();
                self.fresh = false;
                let at = match at {
                    Chooser::Role(role) => Chooser::Role(self.role(role)),
                    other => other,
                };
                out.push(Stmt::Choice { at, arms: ids.into(), span });
                return Ok(self.data().table.get_mut().join(ways));
            }
            Stmt::Rec { var, body, span } => {
                self.look_ahead(block, state, out);
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
                self.look_ahead(block, state, out);
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
                self.look_ahead(block, state, out);
                let values = match note {
                    Some((Note::Jump(values), consts)) => Some((*values, consts)),
                    _ => None,
                };
                self.jump(var, values, span, &env, state, out);
                out.push(Stmt::Continue { var, span });
                return Ok(None);
            }
            Stmt::Call { body, span } => {
                self.look_ahead(block, state, out);
                let call = &self.template.calls[body];
                let args: Option<_> = call.args.iter().map(|arg| self.values.arg(self.making.names, arg)).collect();
                let args = args.ok_or_else(|| self.making.growth(span, self.key))?;
                let roles: Box<[RoleId]> = call.roles.iter().map(|&role| self.role(role)).collect();
                let around = self.around(call.callee, &roles, &env, state);
                let callee = Key { decl: call.callee, roles, args, around };
                out.push(Stmt::Call { body: self.making.instance(callee, span)?, span });
                self.fresh = false;
            }
            Stmt::Scope { scope, span } => return self.scope(scope, span, env, (block, state), out),
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
}

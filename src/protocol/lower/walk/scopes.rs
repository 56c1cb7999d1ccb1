//! Scopes: the parts of a `par`, the main part, rounds and families of a `during`, the body and handlers of a `try`.

use std::{rc::Rc, sync::Arc};

use rustc_hash::FxHashSet;

use super::{Opts, State, Walk};
use crate::{
    diag::{Diagnostic, Span, catalogue::data},
    id::{BlockId, FrameId, RoleId, ScopeId},
    protocol::{
        lower::{
            frames::{Binding, BindingId, Env, Kind},
            instantiate::Failure,
            template::{self, Consts, Note, On, Scoped},
        },
        rule::{self, Frame, KeyUse},
        term::{Handler, Round, Scope, Stmt, Trigger},
    },
    syntax::tree,
};

impl<'t> Walk<'_, '_, '_, 't> {
    pub(super) fn scope(
        &mut self,
        scope: ScopeId,
        span: Span,
        env: Env,
        (block, state): (BlockId, &State<'t>),
        out: &mut Vec<Stmt>,
    ) -> Result<Option<Env>, Failure> {
        let template = self.template;
        let (made, end) = match &template.scopes[scope] {
            Scoped::Par(parts) => {
                self.look_ahead(block, state, out);
                self.par(parts, &env, state)?
            }
            Scoped::During { opts, main, rounds, consts } => {
                self.look_ahead(block, state, out);
                self.during(opts, *main, rounds, consts, &env, state)?
            }
            Scoped::Try { body, handlers, consts } => self.attempt(*body, handlers, consts, &env, state)?,
        };
        let scope = self.data().scopes.push(made).map_err(|_| Failure::TooLarge)?;
        out.push(Stmt::Scope { scope, span });
        self.fresh = false;
        Ok(end.map(|end| end.leave(&env)))
    }

    pub(super) fn par(
        &mut self,
        parts: &[BlockId],
        env: &Env,
        state: &State<'t>,
    ) -> Result<(Scope, Option<Env>), Failure> {
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

    pub(super) fn options(
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

    pub(super) fn during(
        &mut self,
        opts: &'t [tree::Opt],
        main: Option<BlockId>,
        rounds: &[template::Round<'t>],
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
    pub(super) fn family(&mut self, round: &template::Round<'t>, parent: FrameId) -> Result<FrameId, Failure> {
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
    pub(super) fn unkeyed(&mut self, round: &template::Round<'t>, frame: FrameId) {
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

    pub(super) fn attempt(
        &mut self,
        body: BlockId,
        handlers: &[template::Handler<'t>],
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
            if let Some(trigger) = trigger {
                made.push(Handler { trigger, body: self.block_id(handler.body)?, span: handler.span });
            }
        }
        let body = self.block_id(body)?;
        let end = self.data().table.get_mut().join(ways);
        Ok((Scope::Try { body, handlers: made.into() }, end))
    }

    /// The roles that take part in a block. Recurses once per level of nesting.
    pub(super) fn participants(&self, block: BlockId, to: &mut Vec<RoleId>) {
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
    pub(super) fn returned(&mut self, end: &Env, before: &std::collections::BTreeSet<BindingId>) {
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

//! Reads statements, global and local.
//!
//! A statement behind one that never goes on is read for its errors and then left out. Constants are known, so `foreach`
//! is written out here. Options, variables and values become notes beside the statements.
//!
//! `connect`, `disconnect` and `wrap` are messages, and `calls` is the caller's invitations to all others that take part,
//! then what `do` is. One without a message of its own has a label that no identifier can
//! be ([`Names::is_tacit`](crate::protocol::Names::is_tacit)): no trace needs to show it.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::{
    body::Body,
    constant::Const,
    template::{Handler, Note, On, Round, Scoped},
};
use crate::{
    diag::{Diagnostic, Severity, Span, catalogue::data, catalogue::form},
    id::{BlockId, BodyId, Id, LabelId, RoleId, SortId},
    protocol::{
        names::{self, Names},
        term::{Chooser, Stmt},
    },
    syntax::tree,
};

/// How many statements of `foreach` blocks are written out in all.
pub(super) const MAX_UNROLLED: usize = 1_000_000;

impl<'t> Body<'_, '_, 't> {
    /// A block; whether it can come to its end.
    fn block(&mut self, block: &'t tree::Block) -> (BlockId, bool) {
        let id = self.reserve();
        let mut stmts = Vec::with_capacity(block.stmts.len());
        self.block_vars(id, &block.vars, &mut stmts);
        let goes_on = self.stmts(id, &block.stmts, &mut stmts);
        self.fill(id, stmts);
        (id, goes_on)
    }

    /// Reads statements to the end of a block; whether it can come to its end.
    pub(super) fn stmts(&mut self, block: BlockId, from: &'t [tree::Stmt], to: &mut Vec<Stmt>) -> bool {
        let mut stopped: Option<Span> = None;
        for stmt in from {
            if let Some(by) = stopped {
                // Read for its errors only.
                let (blocks, calls, length) = (self.blocks.len(), self.calls.len(), to.len());
                let scopes = self.scopes.len();
                let active = std::mem::take(&mut self.active);
                self.stmt(block, stmt, to);
                self.active = active;
                self.blocks.truncate(blocks);
                self.calls.truncate(calls);
                self.scopes.truncate(scopes);
                to.truncate(length);
                self.notes.retain(|&(at, index), _| at.index() < blocks && (at != block || index < length));
                self.report.once(form::UNREACHABLE, &format!("{}", by.start), || {
                    Diagnostic::new(form::UNREACHABLE, stmt.span, "this is never reached".to_owned())
                        .label(by, "nothing goes on behind this")
                });
            } else if !self.stmt(block, stmt, to) {
                stopped = Some(stmt.span);
            }
        }
        stopped.is_none()
    }

    /// Reads one statement; whether anything can happen behind it.
    fn stmt(&mut self, block: BlockId, stmt: &'t tree::Stmt, to: &mut Vec<Stmt>) -> bool {
        use tree::StmtKind as K;
        let span = stmt.span;
        match &stmt.kind {
            K::Message { from, to: receivers, message, opts, .. } => {
                self.global_only();
                to.extend(self.unicasts(from, receivers, message, span));
                self.note_last(block, to, message, opts);
            }
            K::Branches { from, to: receivers, arms } => {
                self.global_only();
                return self.branches(from, receivers, arms, span, to);
            }
            K::Send { to: receivers, message, opts } => {
                let (label, sort) = self.local_message(message);
                let mut seen = FxHashSet::default();
                for receiver in receivers {
                    if let Some(peer) = self.peer(receiver) {
                        if !seen.insert(peer) {
                            self.twice_named(receiver);
                        }
                        self.signature(self.own.unwrap_or(peer), peer, label, sort, span);
                        to.push(Stmt::Send { to: peer, label, sort, span });
                        self.note_last(block, to, message, opts);
                    }
                }
            }
            K::Receive { from, message, opts } => {
                let (label, sort) = self.local_message(message);
                if let Some(peer) = self.peer(from) {
                    self.signature(peer, self.own.unwrap_or(peer), label, sort, span);
                    to.push(Stmt::Receive { from: peer, label, sort, span });
                    self.note_last(block, to, message, opts);
                }
            }
            K::Act { role, message, opts } => {
                let (label, sort) = self.message(message);
                if let Some(id) = self.role(role) {
                    self.active.insert(id);
                    if self.own.is_some_and(|own| own != id) {
                        self.foreign_act(role);
                    }
                    to.push(Stmt::Act { role: id, label, sort, span });
                    self.note_last(block, to, message, opts);
                }
            }
            K::Choice { at, arms } => {
                let at_id = self.role(at);
                let mut goes_on = false;
                let mut blocks = Vec::with_capacity(arms.len());
                for arm in arms {
                    if arm.stmts.is_empty() {
                        let text = format!(
                            "an arm of the choice at `{}` is empty: nothing shows that it is taken",
                            at.name.text
                        );
                        self.report.add(Diagnostic::new(form::EMPTY_ARM, arm.span, text));
                    }
                    let (id, ends) = self.block(arm);
                    blocks.push(id);
                    goes_on |= ends;
                }
                self.distinct_blocks(&blocks);
                if let Some(at) = at_id {
                    to.push(Stmt::Choice { at: Chooser::Role(at), arms: blocks.into(), span });
                }
                return goes_on;
            }
            K::Rec { name, vars, body } => {
                if !vars.is_empty() {
                    let vars = self.rec_vars(vars);
                    self.annotate((block, to.len()), Note::Loop(vars));
                }
                let var = self.bind(name);
                let (body, goes_on) = self.block(body);
                self.unbind(var);
                to.push(Stmt::Rec { var, body, span: span_of_head(span, name) });
                return goes_on;
            }
            K::States { blocks } => return self.states(blocks, span, to),
            K::Continue { name, args, .. } => {
                if let Some(jump) = self.jump(name, span) {
                    if !args.is_empty() {
                        self.annotate((block, to.len()), Note::Jump(args));
                    }
                    to.push(jump);
                }
                return false;
            }
            K::Do { protocol, args, roles, .. } => {
                if let Some(call) = self.call(protocol, args, roles, span) {
                    let id = BodyId::new(self.calls.len()).expect("a text of less than 4 GiB has fewer calls than ids");
                    self.calls.push(call);
                    to.push(Stmt::Call { body: id, span });
                }
            }
            K::Calls { caller, protocol, roles, .. } => {
                let name = tree::QName { parts: vec![protocol.clone()], span: protocol.span };
                let from = self.role(caller);
                self.active.extend(from);
                let Some(call) = self.call(&name, &[], roles, span) else { return true };
                // Whom the caller has to tell that it begins: all that take part, and the roles that the callee creates.
                let count = super::callee::told(self, &name, roles.len());
                let told: Box<[RoleId]> =
                    call.roles.iter().take(count).copied().filter(|&role| Some(role) != from).collect();
                if let Some(from) = from.filter(|_| !told.is_empty()) {
                    let label = self.label(names::INVITE);
                    to.push(Stmt::Message { from, to: told, label, sort: Names::empty(), span });
                }
                let id = BodyId::new(self.calls.len()).expect("a text of less than 4 GiB has fewer calls than ids");
                self.calls.push(call);
                to.push(Stmt::Call { body: id, span });
            }
            K::Par { parts } => {
                self.enter("a part of a `par`", span);
                let mut goes_on = true;
                let mut blocks = Vec::with_capacity(parts.len());
                for part in parts {
                    let (id, ends) = self.block(part);
                    blocks.push(id);
                    goes_on &= ends;
                }
                self.leave();
                self.scope(Scoped::Par(blocks), span, to);
                return goes_on;
            }
            K::During { opts, main, rounds } => return self.during(opts, main.as_ref(), rounds, span, to),
            K::Try { body, handlers } => return self.attempt(body, handlers, span, to),
            K::Interruptible { body, with, .. } => {
                let (body, mut goes_on) = self.block(body);
                let mut read = Vec::with_capacity(with.len());
                for (message, opts, role) in with {
                    let id = self.reserve();
                    if let Some(handler) = self.interrupt(id, (message, opts, role), None, message.span) {
                        read.push(handler.0);
                        goes_on |= handler.1;
                    }
                }
                let consts = Rc::clone(&self.consts);
                self.scope(Scoped::Try { body, handlers: read, consts }, span, to);
                return goes_on;
            }
            K::Foreach { name, from, to: past, body } => {
                let (first, past) = (self.number(from), self.number(past));
                let (Some(first), Some(past)) = (first, past) else {
                    self.report.broken = true;
                    return true;
                };
                let before = self.consts.get(&*name.text).cloned();
                let mut goes_on = true;
                let mut at = first;
                while at < past && goes_on {
                    let size = body.stmts.len().saturating_add(1);
                    let Some(left) = self.shared.unrolled.checked_sub(size) else {
                        self.report.once(form::TOO_LARGE, "foreach", || {
                            let text = format!("more than {MAX_UNROLLED} statements when `foreach` is written out");
                            Diagnostic::new(form::TOO_LARGE, span, text)
                        });
                        break;
                    };
                    self.shared.unrolled = left;
                    Rc::make_mut(&mut self.consts).insert(&name.text, Const::Int(at));
                    self.block_vars(block, &body.vars, to);
                    goes_on = self.stmts(block, &body.stmts, to);
                    at = at.saturating_add(1);
                }
                match before {
                    Some(value) => Rc::make_mut(&mut self.consts).insert(&name.text, value),
                    None => Rc::make_mut(&mut self.consts).remove(&*name.text),
                };
                return goes_on;
            }
            K::Connect { message, from, to: other, .. } => match message {
                Some(message) => {
                    to.extend(self.unicasts(from, std::slice::from_ref(other), message, span));
                    self.note_last(block, to, message, &[]);
                }
                None => self.tacit(names::CONNECT, from, other, span, to),
            },
            K::Disconnect { left, right } => self.tacit(names::DISCONNECT, left, right, span, to),
            K::Wrap { from, to: other } => self.tacit(names::WRAP, from, other, span, to),
            K::Assert(expr) => self.hold(block, Note::Assert(expr), to),
        }
        true
    }

    /// Keeps the options of the message that was read last.
    fn note_last(&mut self, block: BlockId, to: &[Stmt], message: &'t tree::Message, opts: &'t [tree::Opt]) {
        if let Some(at) = to.len().checked_sub(1) {
            self.note((block, at), message, opts);
        }
    }

    /// A message without a label of the author's.
    fn tacit(&mut self, label: &str, from: &'t tree::Role, to: &'t tree::Role, span: Span, stmts: &mut Vec<Stmt>) {
        let label = self.label(label);
        let (from, ends) = self.ends(from, std::slice::from_ref(to));
        match (from, ends.is_empty()) {
            (Some(from), false) => {
                stmts.push(Stmt::Message { from, to: ends.into(), label, sort: Names::empty(), span });
            }
            // An error was reported.
            _ => self.report.broken = true,
        }
    }

    // ---- scopes

    fn during(
        &mut self,
        opts: &'t [tree::Opt],
        main: Option<&'t tree::Block>,
        rounds: &'t [tree::Interleave],
        span: Span,
        to: &mut Vec<Stmt>,
    ) -> bool {
        self.enter("a part of a `during`", span);
        self.block_opts(opts, false);
        let main = main.map(|main| self.block(main));
        let mut read = Vec::with_capacity(rounds.len());
        let mut names: Vec<&'t tree::Name> = Vec::new();
        for round in rounds {
            if let Some(name) = &round.name {
                match names.iter().find(|known| known.text == name.text) {
                    None => names.push(name),
                    Some(first) => {
                        let first = first.span;
                        self.report.add(super::world::twice(form::DUPLICATE_BLOCK, "round", name, first));
                    }
                }
            }
            self.block_opts(&round.opts, true);
            let mut keys: Vec<(&'t tree::Key, crate::data::Sort)> = Vec::with_capacity(round.keys.len());
            for key in &round.keys {
                if let Some((first, _)) = keys.iter().find(|(known, _)| known.name.text == key.name.text) {
                    self.report.add(super::world::twice(form::DUPLICATE_VAR, "key", &key.name, first.name.span));
                }
                let sort = self.base(&key.sort, key.span);
                keys.push((key, sort));
            }
            self.enter("an interleaved block", round.span);
            self.opening = true;
            let (body, _) = self.block(&round.body);
            self.opening = false;
            self.leave();
            let span = round.name.as_ref().map_or(round.span, |name| name.span);
            read.push(Round { name: round.name.as_ref(), keys, opts: &round.opts, body, span });
        }
        self.leave();
        let (main, goes_on) = (main.map(|(id, _)| id), main.is_none_or(|(_, goes_on)| goes_on));
        let consts = Rc::clone(&self.consts);
        self.scope(Scoped::During { opts, main, rounds: read, consts }, span, to);
        goes_on
    }

    /// Options of a block.
    fn block_opts(&mut self, opts: &'t [tree::Opt], round: bool) {
        self.mentions_of_opts(opts);
        for opt in opts {
            match &opt.kind {
                tree::OptKind::Every(_) if !round => {
                    let found = Diagnostic::new(data::EVERY_OUTSIDE, opt.span, "`every` stands outside of a round");
                    let help = "write it behind `interleave`, or at the first message of its block";
                    self.report.add(found.help(help));
                }
                _ => {}
            }
        }
    }

    fn attempt(
        &mut self,
        body: &'t tree::Block,
        handlers: &'t [(tree::Handler, tree::Block)],
        span: Span,
        to: &mut Vec<Stmt>,
    ) -> bool {
        let crashes: Vec<RoleId> = handlers
            .iter()
            .filter_map(|(handler, _)| match &handler.kind {
                tree::HandlerKind::Crash(role) => self.role(role),
                _ => None,
            })
            .collect();
        for &role in &crashes {
            let count = self.caught.entry(role).or_default();
            *count = count.saturating_add(1);
        }
        let (body, mut goes_on) = self.block(body);
        for role in &crashes {
            if let Some(count) = self.caught.get_mut(role) {
                *count = count.saturating_sub(1);
            }
        }
        let mut read = Vec::with_capacity(handlers.len());
        for (handler, then) in handlers {
            if let tree::HandlerKind::Timeout(after, _)
            | tree::HandlerKind::Idle(after, _)
            | tree::HandlerKind::Deadline(after, _) = &handler.kind
            {
                self.mentions_of_time(after);
            }
            let on = match &handler.kind {
                tree::HandlerKind::Timeout(after, role) => self.role(role).map(|role| On::Timeout(role, after)),
                tree::HandlerKind::Idle(after, role) => self.role(role).map(|role| On::Idle(role, after)),
                tree::HandlerKind::Deadline(after, role) => self.role(role).map(|role| On::Deadline(role, after)),
                tree::HandlerKind::Crash(role) => self.role(role).map(|id| {
                    if !self.unreliable.contains(&id) {
                        let text = format!("role `{}` is not `unreliable`: it does not crash", self.role_text(id));
                        let found = Diagnostic::new(data::NOT_UNRELIABLE, role.span, text);
                        let at = self.roles.entry(id).map_or(role.span, |role| role.span);
                        let help = format!("write `unreliable role {}` where it is declared", role.name.text);
                        self.report.add(found.label(at, "declared here").help(help));
                    }
                    On::Crash(id)
                }),
                tree::HandlerKind::Interrupt(message, opts, role) => {
                    let id = self.reserve();
                    let found = self.interrupt(id, (message, opts, role), Some(then), handler.span);
                    if let Some((handler, ends)) = found {
                        read.push(handler);
                        goes_on |= ends;
                    }
                    continue;
                }
            };
            let (body, ends) = self.block(then);
            goes_on |= ends;
            if let Some(on) = on {
                read.push(Handler { on, body, span: handler.span });
            }
        }
        let consts = Rc::clone(&self.consts);
        self.scope(Scoped::Try { body, handlers: read, consts }, span, to);
        goes_on
    }

    /// A handler whose block begins with the message that leads into it. To whom that goes is known when all roles of
    /// the scope are: the receivers are put in where it is instantiated.
    fn interrupt(
        &mut self,
        id: BlockId,
        (message, opts, role): (&'t tree::Message, &'t [tree::Opt], &'t tree::Role),
        then: Option<&'t tree::Block>,
        span: Span,
    ) -> Option<(Handler<'t>, bool)> {
        let mut stmts = Vec::new();
        let (label, sort) = self.message(message);
        let from = self.role(role);
        self.active.extend(from);
        if let Some(from) = from {
            stmts.push(Stmt::Message { from, to: Box::default(), label, sort, span: message.span });
            self.note_last(id, &stmts, message, opts);
        }
        let mut goes_on = true;
        if let Some(then) = then {
            self.block_vars(id, &then.vars, &mut stmts);
            goes_on = self.stmts(id, &then.stmts, &mut stmts);
        }
        self.fill(id, stmts);
        Some((Handler { on: On::Interrupt(from?), body: id, span }, goes_on))
    }

    // ---- statements

    /// A statement that names both ends. In a local protocol the parser has reported it.
    fn global_only(&mut self) {
        self.report.broken |= self.own.is_some();
    }

    fn local_message(&mut self, message: &'t tree::Message) -> (LabelId, SortId) {
        // In a global protocol the parser has reported it.
        self.report.broken |= self.own.is_none();
        self.message(message)
    }

    /// The peer of a local action.
    pub(super) fn peer(&mut self, role: &'t tree::Role) -> Option<RoleId> {
        let id = self.role(role)?;
        self.active.insert(id);
        if self.own == Some(id) && self.lenient {
            self.report.once(form::SELF_MESSAGE, &role.name.text, || {
                let text = format!("role `{}` speaks with itself: nothing ever arrives", role.name.text);
                let help = format!("a step that nobody else sees is written `{}: l()`", role.name.text);
                let mut found = Diagnostic::new(form::SELF_MESSAGE, role.span, text).help(help);
                found.severity = Severity::Warning;
                found
            });
        } else if self.own == Some(id) {
            self.report.once(form::OWN_PEER, &role.name.text, || {
                let text = format!("role `{}` cannot be its own peer", role.name.text);
                Diagnostic::new(form::OWN_PEER, role.span, text)
                    .help(format!("an action that nobody else sees is written `{}: l()`", role.name.text))
            });
        }
        Some(id)
    }

    pub(super) fn foreign_act(&mut self, role: &tree::Role) {
        let own = self.own.map(|own| self.role_text(own).to_owned()).unwrap_or_default();
        self.report.once(form::FOREIGN_ACT, &role.name.text, || {
            let text = format!("a local action of `{}` does not belong to the type of `{own}`", role.name.text);
            Diagnostic::new(form::FOREIGN_ACT, role.span, text)
        });
    }

    fn twice_named(&mut self, role: &tree::Role) {
        let text = format!("receiver `{}` is named twice", role.name.text);
        self.report.add(Diagnostic::new(form::RECEIVER_TWICE, role.span, text));
    }

    /// `A -> B, C: l()`
    fn unicasts(
        &mut self,
        from: &'t tree::Role,
        receivers: &'t [tree::Role],
        message: &'t tree::Message,
        span: Span,
    ) -> Option<Stmt> {
        let (label, sort) = self.message(message);
        let (from, to) = self.ends(from, receivers);
        let from = from?;
        for &to in &to {
            self.signature(from, to, label, sort, span);
        }
        if to.is_empty() || to.len() < receivers.len() {
            // An error was reported.
            self.report.broken = true;
            return None;
        }
        Some(Stmt::Message { from, to: to.into(), label, sort, span })
    }

    /// The ends of a message.
    fn ends(&mut self, sender: &'t tree::Role, receivers: &'t [tree::Role]) -> (Option<RoleId>, Vec<RoleId>) {
        let from = self.role(sender);
        self.active.extend(from);
        let caught = |role: &RoleId| self.caught.get(role).is_some_and(|&count| count > 0);
        if let Some(from) = from.filter(|from| self.unreliable.contains(from) && !caught(from)) {
            self.awaited(from, sender);
        }
        let mut seen = FxHashSet::default();
        let mut to = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            let Some(id) = self.role(receiver) else { continue };
            self.active.insert(id);
            if Some(id) == from && !self.doubled.contains(&id) {
                let text = format!("role `{}` sends a message to itself", sender.name.text);
                let help = format!("a step that nobody else sees is written `{}: l();`", sender.name.text);
                self.report.add(Diagnostic::new(form::SELF_MESSAGE, receiver.span, text).help(help));
            }
            if !seen.insert(id) && !self.doubled.contains(&id) {
                self.twice_named(receiver);
            }
            to.push(id);
        }
        (from, to)
    }

    /// A message of an unreliable role is waited for where nobody minds its crash.
    fn awaited(&mut self, role: RoleId, at: &tree::Role) {
        let name = self.role_text(role).to_owned();
        let declared = self.roles.entry(role).map_or(at.span, |role| role.span);
        self.report.once(data::AWAITED, &name, || {
            let text =
                format!("`{name}` is unreliable, and its message is awaited outside of a `try … on crash {name}`");
            let found = Diagnostic::new(data::AWAITED, at.span, text).label(declared, "declared here");
            found.help(format!("write `try {{ … }} on crash {name} {{ … }}` around it"))
        });
    }

    fn branches(
        &mut self,
        sender: &'t tree::Role,
        receivers: &'t [tree::Role],
        arms: &'t [tree::Branch],
        span: Span,
        to: &mut Vec<Stmt>,
    ) -> bool {
        let (from, ends) = self.ends(sender, receivers);
        let ends: Box<[RoleId]> = ends.into();
        let mut goes_on = false;
        let mut blocks = Vec::with_capacity(arms.len());
        for arm in arms {
            let (label, sort) = self.message(&arm.message);
            let id = self.reserve();
            let mut stmts = Vec::new();
            if let Some(from) = from {
                for &to in &ends {
                    self.signature(from, to, label, sort, arm.message.span);
                }
                let (to, span) = (ends.clone(), arm.message.span);
                stmts.push(Stmt::Message { from, to, label, sort, span });
                self.note_last(id, &stmts, &arm.message, &arm.opts);
            }
            match &arm.then {
                Some(then) => {
                    self.block_vars(id, &then.vars, &mut stmts);
                    goes_on |= self.stmts(id, &then.stmts, &mut stmts);
                }
                None => goes_on = true,
            }
            self.fill(id, stmts);
            blocks.push(id);
        }
        self.distinct_blocks(&blocks);
        if let Some(from) = from {
            to.push(Stmt::Choice { at: Chooser::Role(from), arms: blocks.into(), span });
        }
        goes_on || arms.is_empty()
    }

    fn states(&mut self, blocks: &'t [(tree::Name, tree::Block)], span: Span, to: &mut Vec<Stmt>) -> bool {
        let vars = self.bind_states(blocks.iter().map(|(name, _)| name));
        let mut goes_on = false;
        let mut read = Vec::with_capacity(blocks.len());
        for (&var, (_, block)) in vars.iter().zip(blocks) {
            let (id, ends) = self.block(block);
            goes_on |= ends;
            read.push((var, id));
        }
        for &var in vars.iter().rev() {
            self.unbind(var);
        }
        if !read.is_empty() {
            to.push(Stmt::States { blocks: read.into(), span });
        }
        goes_on
    }
}

/// The first words of a loop: its keyword and name.
fn span_of_head(span: Span, name: &tree::Name) -> Span {
    span.to(name.span)
}

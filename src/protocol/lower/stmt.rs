//! Reads statements, global and local.
//!
//! A statement behind one that never goes on is read for its errors and then left out. Constructs without a meaning yet
//! are recorded; where they hold blocks, those become arms of a pseudo choice, so that their names are looked up, and
//! the declaration is marked `structural`: its statements are not what it means.

use rustc_hash::FxHashSet;

use super::body::Body;
use crate::{
    diag::{Code, Diagnostic, Severity, Span, catalogue::form, catalogue::unsupported},
    id::{BlockId, BodyId, Id, LabelId, RoleId, SortId},
    protocol::term::{Chooser, Stmt},
    syntax::tree,
};

impl<'t> Body<'_, '_, 't> {
    /// A block; whether it can come to its end.
    fn block(&mut self, block: &'t tree::Block) -> (BlockId, bool) {
        self.vars(&block.vars);
        let id = self.reserve();
        let mut stmts = Vec::with_capacity(block.stmts.len());
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
                let active = std::mem::take(&mut self.active);
                self.stmt(block, stmt, to);
                self.active = active;
                self.blocks.truncate(blocks);
                self.calls.truncate(calls);
                to.truncate(length);
                self.pseudo.retain(|&(at, index)| at.index() < blocks && (at != block || index < length));
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
                self.opts(opts);
                to.extend(self.unicasts(from, receivers, message, span));
            }
            K::Branches { from, to: receivers, arms } => {
                self.global_only();
                return self.branches(from, receivers, arms, span, to);
            }
            K::Send { to: receivers, message, opts } => {
                let (label, sort) = self.local_message(message, opts);
                let mut seen = FxHashSet::default();
                for receiver in receivers {
                    if let Some(peer) = self.peer(receiver) {
                        if !seen.insert(peer) {
                            self.twice_named(receiver);
                        }
                        self.signature(self.own.unwrap_or(peer), peer, label, sort, span);
                        to.push(Stmt::Send { to: peer, label, sort, span });
                    }
                }
            }
            K::Receive { from, message, opts } => {
                let (label, sort) = self.local_message(message, opts);
                if let Some(peer) = self.peer(from) {
                    self.signature(peer, self.own.unwrap_or(peer), label, sort, span);
                    to.push(Stmt::Receive { from: peer, label, sort, span });
                }
            }
            K::Act { role, message, opts } => {
                self.opts(opts);
                let (label, sort) = self.message(message);
                if let Some(id) = self.role(role) {
                    self.active.insert(id);
                    if self.own.is_some_and(|own| own != id) {
                        self.foreign_act(role);
                    }
                    to.push(Stmt::Act { role: id, label, sort, span });
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
                self.rec_vars(vars);
                let var = self.bind(name);
                let (body, goes_on) = self.block(body);
                self.unbind(var);
                to.push(Stmt::Rec { var, body, span: span_of_head(span, name) });
                return goes_on;
            }
            K::States { blocks } => return self.states(blocks, span, to),
            K::Continue { name, args, .. } => {
                if !args.is_empty() {
                    self.report.unsupported(unsupported::CONTINUE_ARGS, "continue with values", span);
                }
                to.extend(self.jump(name, span));
                return false;
            }
            K::Do { protocol, args, roles, .. } => {
                if let Some(call) = self.call(protocol, args, roles, span) {
                    let id = BodyId::new(self.calls.len()).expect("a text of less than 4 GiB has fewer calls than ids");
                    self.calls.push(call);
                    to.push(Stmt::Call { body: id, span });
                }
            }
            K::Calls { caller, roles, .. } => {
                self.structural(unsupported::CALLS, "calls", span);
                self.takes_part(caller);
                roles.iter().for_each(|role| self.takes_part(role));
            }
            K::Par { parts } => {
                self.structural(unsupported::PAR, "par", span);
                self.pseudo(block, parts.iter(), span, to);
            }
            K::During { opts, main, rounds } => {
                self.structural(unsupported::DURING, "during", span);
                self.opts(opts);
                for round in rounds {
                    self.opts(&round.opts);
                }
                self.pseudo(block, main.iter().chain(rounds.iter().map(|round| &round.body)), span, to);
            }
            K::Try { body, handlers } => {
                self.structural(unsupported::TRY, "try", span);
                for (handler, _) in handlers {
                    match &handler.kind {
                        tree::HandlerKind::Timeout(_, role)
                        | tree::HandlerKind::Idle(_, role)
                        | tree::HandlerKind::Deadline(_, role)
                        | tree::HandlerKind::Crash(role) => {
                            self.role(role);
                        }
                        tree::HandlerKind::Interrupt(message, opts, role) => {
                            self.message(message);
                            self.opts(opts);
                            self.takes_part(role);
                        }
                    }
                }
                self.pseudo(block, std::iter::once(body).chain(handlers.iter().map(|(_, block)| block)), span, to);
            }
            K::Interruptible { body, with, .. } => {
                self.structural(unsupported::INTERRUPTIBLE, "interruptible", span);
                for (message, opts, role) in with {
                    self.message(message);
                    self.opts(opts);
                    self.takes_part(role);
                }
                self.pseudo(block, std::iter::once(body), span, to);
            }
            K::Foreach { body, .. } => {
                self.structural(unsupported::FOREACH, "foreach", span);
                self.pseudo(block, std::iter::once(body), span, to);
            }
            K::Connect { message, from, to, .. } => {
                self.structural(unsupported::CONNECT, "connect", span);
                if let Some(message) = message {
                    self.message(message);
                }
                self.takes_part(from);
                self.takes_part(to);
            }
            K::Disconnect { left, right } => {
                self.structural(unsupported::DISCONNECT, "disconnect", span);
                self.takes_part(left);
                self.takes_part(right);
            }
            K::Wrap { from, to } => {
                self.structural(unsupported::WRAP, "wrap", span);
                self.takes_part(from);
                self.takes_part(to);
            }
            K::Assert(expr) => {
                self.externs(expr);
                self.report.unsupported(unsupported::ASSERT, "assert", span);
            }
        }
        true
    }

    /// A construct without a meaning yet that steers what happens.
    pub(super) fn structural(&mut self, code: Code, what: &'static str, span: Span) {
        self.report.unsupported(code, what, span);
        self.structural = true;
    }

    fn takes_part(&mut self, role: &'t tree::Role) {
        if let Some(role) = self.role(role) {
            self.active.insert(role);
        }
    }

    /// The blocks of a construct without a meaning yet, so that their names are looked up.
    fn pseudo<'i>(
        &mut self,
        block: BlockId,
        blocks: impl Iterator<Item = &'i tree::Block>,
        span: Span,
        to: &mut Vec<Stmt>,
    ) where
        't: 'i,
        'i: 't,
    {
        let arms: Vec<BlockId> = blocks.map(|inner| self.block(inner).0).collect();
        self.pseudo.insert((block, to.len()));
        to.push(Stmt::Choice { at: Chooser::Mixed, arms: arms.into(), span });
    }

    // ---- statements

    /// A statement that names both ends. In a local protocol the parser has reported it.
    fn global_only(&mut self) {
        self.report.broken |= self.own.is_some();
    }

    fn local_message(&mut self, message: &'t tree::Message, opts: &'t [tree::Opt]) -> (LabelId, SortId) {
        self.opts(opts);
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
        let mut seen = FxHashSet::default();
        let mut to = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            let Some(id) = self.role(receiver) else { continue };
            self.active.insert(id);
            if Some(id) == from && receiver.index.is_none() && !self.doubled.contains(&id) {
                let text = format!("role `{}` sends a message to itself", sender.name.text);
                let help = format!("a step that nobody else sees is written `{}: l();`", sender.name.text);
                self.report.add(Diagnostic::new(form::SELF_MESSAGE, receiver.span, text).help(help));
            }
            if !seen.insert(id) && receiver.index.is_none() && !self.doubled.contains(&id) {
                self.twice_named(receiver);
            }
            to.push(id);
        }
        (from, to)
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
            self.opts(&arm.opts);
            let (label, sort) = self.message(&arm.message);
            let id = self.reserve();
            let mut stmts = Vec::new();
            if let Some(from) = from {
                for &to in &ends {
                    self.signature(from, to, label, sort, arm.message.span);
                }
                let (to, span) = (ends.clone(), arm.message.span);
                stmts.push(Stmt::Message { from, to, label, sort, span });
            }
            match &arm.then {
                Some(then) => {
                    self.vars(&then.vars);
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

//! Blocks and statements.

use super::super::tree::{
    Block, Branch, Handler, HandlerKind, Interleave, Key, KeyMode, Message, Opt, RecVar, Role, Stmt, StmtKind, Text,
    Var,
};
use super::layout::Op;
use super::{Printer, Style, Taken};
use crate::diag::Span;

impl<'t> Printer<'t> {
    /// Begins a logical line for what stands at a span.
    pub(super) fn begin(&mut self, span: Span) {
        self.layout.begin(span.start);
    }

    /// Ends a logical line that ended there in the source.
    pub(super) fn finish(&mut self, end: u32) {
        self.layout.finish(end);
    }

    /// `{`, which is the first one of the span, and the lines inside one level deeper; the closing brace begins the next logical line, which is left open.
    /// Nothing inside gives `{ }`.
    pub(super) fn braces(&mut self, span: Span, empty: bool, inside: impl FnOnce(&mut Self)) {
        let closer = span.end.saturating_sub(1);
        if empty && !self.comments_inside(span) {
            self.put("{ }");
            return;
        }
        self.put("{");
        let brace = self.layout.brace_from(span.start, closer);
        self.finish(brace.saturating_add(1));
        self.layout.level = self.layout.level.saturating_add(1);
        self.layout.opened = true;
        inside(self);
        self.layout.drain(closer);
        self.layout.level = self.layout.level.saturating_sub(1);
        self.layout.begin_plain();
        self.put("}");
    }

    /// Whether comments stand inside braces.
    fn comments_inside(&mut self, span: Span) -> bool {
        self.layout.waiting_inside(span.start, span.end.saturating_sub(1))
    }

    /// ` { … }`
    pub(super) fn block(&mut self, block: &'t Block) {
        self.put(" ");
        self.block_bare(block);
    }

    /// A head with options and its block. Where the head takes several lines the brace has its own.
    fn headed(&mut self, block: &'t Block, head: impl FnOnce(&mut Self)) {
        self.group(|printer| {
            printer.push(Op::Indent(1));
            head(printer);
            printer.push(Op::Indent(-1));
            printer.line();
            printer.place(block.span);
        });
        self.block_bare(block);
    }

    /// What stands behind a closing brace: on the same line, but behind comments, or if it does not fit there.
    fn behind_brace(&mut self, place: Span) {
        self.fill();
        self.place(place);
    }

    fn block_bare(&mut self, block: &'t Block) {
        self.braces(block.span, block.vars.is_empty() && block.stmts.is_empty(), |printer| {
            for var in &block.vars {
                printer.var(var);
            }
            let first = if printer.local { Taken::LOCAL_FIRST } else { Taken::GLOBAL_FIRST };
            printer.stmts(&block.stmts, first);
        });
    }

    /// Statements, one per line; `first` are the words that are taken at the first one.
    pub(super) fn stmts(&mut self, stmts: &'t [Stmt], first: Taken) {
        let others = if self.local { Taken::LOCAL } else { Taken::GLOBAL };
        for (number, stmt) in stmts.iter().enumerate() {
            self.stmt(stmt, if number == 0 { first } else { others });
        }
    }

    pub(super) fn var(&mut self, var: &'t Var) {
        self.begin(var.span);
        self.place(var.span);
        self.group(|printer| {
            printer.put("var ");
            printer.name(&var.name, Taken::NOTHING);
            if let Some(roles) = &var.roles {
                printer.put("<");
                printer.roles(roles);
                printer.put(">");
            }
            printer.put(": ");
            printer.sort(&var.sort, Taken::SORT);
            printer.put(" =");
            printer.push(Op::Indent(2));
            printer.line();
            printer.expr(&var.value);
            printer.push(Op::Indent(-2));
            printer.put(";");
        });
        self.finish(var.span.end);
    }

    fn annotation(&mut self, annotation: Option<&'t Text>) {
        if let Some(text) = annotation {
            self.put(" @");
            self.place(text.span);
            self.string(&text.value);
        }
    }

    fn stmt(&mut self, stmt: &'t Stmt, taken: Taken) {
        self.begin(stmt.span);
        let led = matches!(
            stmt.kind,
            StmtKind::Message { .. }
                | StmtKind::Branches { .. }
                | StmtKind::Send { .. }
                | StmtKind::Receive { .. }
                | StmtKind::Act { .. }
                | StmtKind::Calls { .. }
                | StmtKind::Connect { message: Some(_), .. }
        );
        if !led {
            // A keyword is first.
            self.place(stmt.span);
        }
        match &stmt.kind {
            StmtKind::Message { from, to, message, opts, annotation } => {
                self.simple(|printer| match printer.style {
                    Style::Arrows => {
                        printer.role(from, taken);
                        printer.put(" -> ");
                        printer.roles(to);
                        printer.put(": ");
                        printer.message(message, true, Taken::NOTHING);
                        printer.opts(opts, false);
                        printer.put(";");
                        printer.annotation(annotation.as_ref());
                    }
                    Style::Scribble => {
                        printer.message(message, true, taken);
                        printer.put(" from ");
                        printer.role(from, Taken::NOTHING);
                        printer.put(" to ");
                        printer.roles(to);
                        printer.opts(opts, false);
                        printer.put(";");
                        printer.annotation(annotation.as_ref());
                    }
                });
            }
            StmtKind::Branches { from, to, arms } => {
                self.role(from, taken);
                self.put(" -> ");
                self.roles(to);
                self.put(": ");
                let head = to.last().map_or(stmt.span, |role| role.span.after());
                self.branches(arms, head.to(stmt.span));
            }
            StmtKind::Send { to, message, opts } => self.simple(|printer| match to.as_slice() {
                [peer] if printer.style == Style::Arrows => printer.local_action(peer, "!", message, opts, taken),
                _ => {
                    printer.message(message, true, taken);
                    printer.put(" to ");
                    printer.roles(to);
                    printer.opts(opts, false);
                    printer.put(";");
                }
            }),
            StmtKind::Receive { from, message, opts } => self.simple(|printer| {
                if printer.style == Style::Arrows {
                    return printer.local_action(from, "?", message, opts, taken);
                }
                printer.message(message, true, taken);
                printer.put(" from ");
                printer.role(from, Taken::NOTHING);
                printer.opts(opts, false);
                printer.put(";");
            }),
            StmtKind::Act { role, message, opts } => {
                self.simple(|printer| printer.local_action(role, ": ", message, opts, taken));
            }
            StmtKind::Choice { at, arms } => {
                self.put("choice at ");
                self.role(at, Taken::NOTHING);
                self.blocks(arms, "or");
            }
            StmtKind::Rec { name, vars, body } => {
                self.put("rec ");
                self.name(name, Taken::NOTHING);
                self.rec_vars(vars);
                self.block(body);
            }
            StmtKind::States { blocks } => {
                self.put("states ");
                self.braces(stmt.span, false, |printer| {
                    for (name, block) in blocks {
                        printer.begin(name.span);
                        printer.name(name, Taken::NOTHING);
                        printer.block(block);
                        printer.finish(block.span.end);
                    }
                });
            }
            StmtKind::Continue { name, args, annotation } => self.simple(|printer| {
                printer.put("continue ");
                printer.name(name, Taken::NOTHING);
                printer.brackets(args, " ");
                printer.put(";");
                printer.annotation(annotation.as_ref());
            }),
            StmtKind::Do { label, protocol, args, roles, annotation } => self.simple(|printer| {
                printer.put("do ");
                if let Some(label) = label {
                    printer.name(label, Taken::NOTHING);
                    printer.put(": ");
                }
                printer.qname(protocol, Taken::NOTHING);
                printer.targs(args);
                printer.role_args(roles);
                printer.put(";");
                printer.annotation(annotation.as_ref());
            }),
            StmtKind::Calls { caller, protocol, roles, annotation } => self.simple(|printer| {
                printer.role(caller, taken);
                printer.put(" calls ");
                printer.name(protocol, Taken::NOTHING);
                printer.role_args(roles);
                printer.put(";");
                printer.annotation(annotation.as_ref());
            }),
            StmtKind::Par { parts } => {
                self.put("par");
                self.blocks(parts, "and");
            }
            StmtKind::During { opts, main, rounds } => {
                let head = |printer: &mut Self| {
                    printer.put("during");
                    printer.opts(opts, false);
                };
                match main {
                    Some(main) => self.headed(main, head),
                    None => self.group(|printer| {
                        printer.push(Op::Indent(1));
                        head(printer);
                        printer.push(Op::Indent(-1));
                    }),
                }
                for round in rounds {
                    self.behind_brace(round.span);
                    self.round(round);
                }
            }
            StmtKind::Try { body, handlers } => {
                self.put("try");
                self.block(body);
                for (handler, block) in handlers {
                    self.behind_brace(handler.span);
                    self.headed(block, |printer| printer.handler(handler));
                }
            }
            StmtKind::Interruptible { name, body, with } => {
                self.put("interruptible");
                if let Some(name) = name {
                    self.put(" ");
                    self.name(name, Taken::NOTHING);
                }
                self.block(body);
                self.put(" with ");
                let inside = Span { start: body.span.end, ..stmt.span };
                self.braces(inside, with.is_empty(), |printer| {
                    for (message, opts, role) in with {
                        printer.begin(message.span);
                        printer.simple(|printer| {
                            printer.message(message, true, Taken::NOTHING);
                            printer.opts(opts, false);
                            printer.put(" by ");
                            printer.role(role, Taken::NOTHING);
                            printer.put(";");
                        });
                        printer.finish(role.span.end);
                    }
                });
            }
            StmtKind::Foreach { name, from, to, body } => {
                self.put("foreach ");
                self.name(name, Taken::NOTHING);
                self.put(" in ");
                self.expr(from);
                self.put("..");
                self.expr(to);
                self.block(body);
            }
            StmtKind::Connect { message, from, to, annotation } => self.simple(|printer| {
                if let Some(message) = message {
                    printer.message(message, true, taken);
                    printer.put(" ");
                }
                printer.put("connect ");
                printer.role(from, Taken::NOTHING);
                printer.put(" to ");
                printer.role(to, Taken::NOTHING);
                printer.put(";");
                printer.annotation(annotation.as_ref());
            }),
            StmtKind::Disconnect { left, right } => self.pair("disconnect ", left, " and ", right),
            StmtKind::Wrap { from, to } => self.pair("wrap ", from, " to ", to),
            StmtKind::Assert(condition) => self.simple(|printer| {
                printer.put("assert ");
                printer.expr(condition);
                printer.put(";");
            }),
        }
        self.finish(stmt.span.end);
    }

    /// A statement without blocks.
    fn simple(&mut self, inside: impl FnOnce(&mut Self)) {
        self.group(|printer| {
            printer.push(Op::Indent(1));
            inside(printer);
            printer.push(Op::Indent(-1));
        });
    }

    fn pair(&mut self, word: &'static str, left: &'t Role, between: &'static str, right: &'t Role) {
        self.put(word);
        self.role(left, Taken::NOTHING);
        self.put(between);
        self.role(right, Taken::NOTHING);
        self.put(";");
    }

    /// `A!l() opts;`
    fn local_action(&mut self, role: &'t Role, act: &'static str, message: &'t Message, opts: &'t [Opt], taken: Taken) {
        self.role(role, taken);
        self.put(act);
        self.message(message, true, Taken::NOTHING);
        self.opts(opts, false);
        self.put(";");
    }

    fn role_args(&mut self, roles: &'t [Role]) {
        self.put("(");
        self.roles(roles);
        self.put(")");
    }

    /// ` { … } or { … }`
    fn blocks(&mut self, blocks: &'t [Block], word: &'static str) {
        for (number, block) in blocks.iter().enumerate() {
            if number > 0 {
                self.behind_brace(block.span);
                self.put(word);
            }
            self.block(block);
        }
    }

    /// `{ l1() => { … }, l2() }`: on one line if it fits and no arm has a block.
    fn branches(&mut self, arms: &'t [Branch], span: Span) {
        if arms.iter().all(|arm| arm.then.is_none()) {
            return self.group(|printer| {
                printer.put("{");
                printer.push(Op::Indent(1));
                printer.line();
                for (number, arm) in arms.iter().enumerate() {
                    if number > 0 {
                        printer.put(",");
                        printer.line();
                    }
                    printer.branch(arm);
                }
                printer.push(Op::Indent(-1));
                printer.line();
                printer.closer(span);
                printer.put("}");
            });
        }
        let last = arms.len().saturating_sub(1);
        self.braces(span, false, |printer| {
            for (number, arm) in arms.iter().enumerate() {
                printer.begin(arm.span);
                printer.branch(arm);
                if let Some(then) = &arm.then {
                    printer.put(" =>");
                    printer.block(then);
                }
                if number < last {
                    printer.put(",");
                }
                printer.finish(arm.span.end);
            }
        });
    }

    fn branch(&mut self, arm: &'t Branch) {
        self.place(arm.span);
        self.simple(|printer| {
            printer.message(&arm.message, true, Taken::NOTHING);
            printer.opts(&arm.opts, false);
        });
    }

    /// ` [v<R>: int = 0]`, or nothing.
    pub(super) fn rec_vars(&mut self, vars: &'t [RecVar]) {
        if vars.is_empty() {
            return;
        }
        self.put(" [");
        self.list(vars, |printer, var| {
            printer.name(&var.name, Taken::NOTHING);
            printer.put("<");
            printer.roles(&var.roles);
            printer.put(">: ");
            if let Some(inner) = &var.inner {
                printer.name(inner, Taken::NOTHING);
                printer.put(": ");
            }
            printer.sort(&var.sort, Taken::SORT);
            printer.put(" = ");
            printer.expr(&var.value);
        });
        self.put("]");
    }

    fn round(&mut self, round: &'t Interleave) {
        self.headed(&round.body, |printer| {
            printer.put("interleave");
            if let Some(name) = &round.name {
                printer.put(" ");
                printer.name(name, Taken::FAMILY);
            }
            match round.keys.as_slice() {
                [] => {}
                [key] => {
                    printer.put(" each ");
                    printer.key(key);
                }
                keys => {
                    printer.put(" each (");
                    printer.list(keys, Self::key);
                    printer.put(")");
                }
            }
            printer.opts(&round.opts, false);
        });
    }

    fn key(&mut self, key: &'t Key) {
        self.name(&key.name, Taken::NOTHING);
        self.put(": ");
        self.base(&key.sort, Taken::SORT);
        match key.mode {
            KeyMode::Once => {}
            KeyMode::Reusable => self.put(" reusable"),
            KeyMode::Rising => self.put(" rising"),
        }
    }

    fn handler(&mut self, handler: &'t Handler) {
        self.put("on ");
        match &handler.kind {
            HandlerKind::Timeout(duration, role)
            | HandlerKind::Idle(duration, role)
            | HandlerKind::Deadline(duration, role) => {
                self.put(match &handler.kind {
                    HandlerKind::Timeout(..) => "timeout ",
                    HandlerKind::Idle(..) => "idle ",
                    _ => "deadline ",
                });
                self.duration(duration);
                self.put(" at ");
                self.role(role, Taken::NOTHING);
            }
            HandlerKind::Crash(role) => {
                self.put("crash ");
                self.role(role, Taken::NOTHING);
            }
            HandlerKind::Interrupt(message, opts, role) => {
                self.put("interrupt ");
                self.message(message, true, Taken::NOTHING);
                self.opts(opts, false);
                self.put(" by ");
                self.role(role, Taken::NOTHING);
            }
        }
    }
}

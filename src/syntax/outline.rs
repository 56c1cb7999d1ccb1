//! The flow of control of a file alone: its protocols without data, conditions and time.
//!
//! In: a tree. Out: another, with the same places, that has what is known of who sends what to whom: messages, choices,
//! loops and calls. It is what can still be asked about when something is wrong with the data of a protocol. Besides
//! conditions, assignments and variables it leaves out an arm that only jumps back to the choice it stands in, and it
//! reads generously: a choice of nobody who is declared is one of who sends first in it, and a protocol of a module that
//! is not there is the one of that name in the file.

use std::collections::HashSet;

use super::tree::{
    Base, Block, Field, FieldKind, File, Inner, Item, Message, Name, Protocol, Role, Sort, Stmt, StmtKind,
};

/// The flow of control of a file.
pub(crate) fn outline(file: &File) -> File {
    let mut file = file.clone();
    file.items.retain(|item| matches!(item, Item::Import(_) | Item::Type(_) | Item::Foreign(_) | Item::Protocol(_)));
    let mut globals: HashSet<Box<str>> = HashSet::new();
    for item in &file.items {
        if let Item::Protocol(protocol) = item {
            globals.insert(protocol.name.text.clone());
        }
    }
    for item in &mut file.items {
        match item {
            Item::Protocol(protocol) => outline_protocol(protocol, &globals),
            Item::Type(declared) => plain(&mut declared.sort),
            _ => {}
        }
    }
    file
}

/// The parser bounds how deep protocols nest.
fn outline_protocol(protocol: &mut Protocol, globals: &HashSet<Box<str>>) {
    protocol.items.retain(|item| !matches!(item, Inner::Var(_)));
    let mut globals = globals.clone();
    for item in &protocol.items {
        if let Inner::Protocol(inner) = item {
            globals.insert(inner.name.text.clone());
        }
    }
    for item in &mut protocol.items {
        if let Inner::Protocol(inner) = item {
            outline_protocol(inner, &globals);
        }
    }
    let roles = protocol.roles.iter().chain(&protocol.new_roles).map(|role| role.name.text.clone()).collect();
    let mut outline = Outline { roles, globals: &globals, loops: Vec::new() };
    outline.stmts(&mut protocol.body);
}

struct Outline<'a> {
    roles: HashSet<Box<str>>,
    globals: &'a HashSet<Box<str>>,
    /// The loops around, and whether something happened since each was entered.
    loops: Vec<(Box<str>, bool)>,
}

impl Outline<'_> {
    fn block(&mut self, block: &mut Block) {
        block.vars.clear();
        self.stmts(&mut block.stmts);
    }

    /// A block that may or may not be gone through: what happens in it is not known behind it.
    fn inner(&mut self, block: &mut Block) {
        let before = self.loops.clone();
        self.block(block);
        self.loops = before;
    }

    /// Recurses once per level of braces, which the parser bounds.
    fn stmts(&mut self, stmts: &mut Vec<Stmt>) {
        stmts.retain(|stmt| !matches!(stmt.kind, StmtKind::Assert(_)));
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn happens(&mut self) {
        self.loops.iter_mut().for_each(|(_, stepped)| *stepped = true);
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Message { message, opts, .. } | StmtKind::Act { message, opts, .. } => {
                opts.clear();
                bare(message);
                self.happens();
            }
            StmtKind::Branches { arms, .. } => {
                self.happens();
                for arm in arms {
                    arm.opts.clear();
                    bare(&mut arm.message);
                    arm.then.iter_mut().for_each(|then| self.inner(then));
                }
            }
            StmtKind::Choice { at, arms } => {
                if !self.roles.contains(&at.name.text)
                    && let Some(first) =
                        arms.iter().find_map(|arm| first(&arm.stmts)).map(|role| role.name.text.clone())
                {
                    at.name = Name { text: first, span: at.name.span };
                }
                let idle = |arm: &Block| match arm.stmts.as_slice() {
                    [Stmt { kind: StmtKind::Continue { name, .. }, .. }] => {
                        let head = self.loops.iter().rev().find(|(known, _)| *known == name.text);
                        head.is_some_and(|(_, stepped)| !stepped)
                    }
                    _ => false,
                };
                if !arms.iter().all(idle) {
                    arms.retain(|arm| !idle(arm));
                }
                arms.iter_mut().for_each(|arm| self.inner(arm));
            }
            StmtKind::Rec { name, vars, body } => {
                vars.clear();
                self.loops.push((name.text.clone(), false));
                self.block(body);
                self.loops.pop();
            }
            StmtKind::States { blocks } => blocks.iter_mut().for_each(|(_, block)| self.inner(block)),
            StmtKind::Continue { args, .. } => args.clear(),
            StmtKind::Do { protocol, .. } => {
                let text: Vec<&str> = protocol.parts.iter().flat_map(|part| part.text.split('.')).collect();
                if let [_, .., last] = text.as_slice()
                    && self.globals.contains(*last)
                    && let Some(part) = protocol.parts.last()
                {
                    protocol.parts = vec![Name { text: (*last).into(), span: part.span }];
                }
                self.happens();
            }
            StmtKind::Par { parts } => parts.iter_mut().for_each(|part| self.inner(part)),
            StmtKind::Foreach { body, .. } => self.inner(body),
            _ => {}
        }
    }
}

/// Who sends or acts first.
fn first(stmts: &[Stmt]) -> Option<&Role> {
    stmts.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Message { from, .. } | StmtKind::Branches { from, .. } => Some(from),
        StmtKind::Act { role, .. } => Some(role),
        StmtKind::Choice { arms, .. } => arms.iter().find_map(|arm| first(&arm.stmts)),
        StmtKind::Rec { body, .. } => first(&body.stmts),
        _ => None,
    })
}

/// A message without conditions on its fields.
fn bare(message: &mut Message) {
    for field in message.payload.iter_mut().flat_map(|payload| &mut payload.fields) {
        if let Field { kind: FieldKind::Value { sort, .. }, .. } = field {
            plain(sort);
        }
    }
}

/// Recurses once per level of brackets, which the parser bounds.
fn plain(sort: &mut Sort) {
    sort.refinement = None;
    match &mut sort.base {
        Base::Named { args, .. } => args.iter_mut().for_each(plain),
        Base::Record { fields, .. } => fields.iter_mut().for_each(|field| plain(&mut field.sort)),
        Base::Enum(_) => {}
    }
}

//! Whether every role of a `try` learns that it was left.
//!
//! The role where a time limit runs out leaves first; every other role of the scope learns of it from a message, of the
//! handler or from beyond the scope. (The message of an interrupt goes to all, and a crash is noticed on each edge.)
//! In: a term of a global protocol. Out: a finding for each handler and role that no message reaches. What a call holds
//! is taken to reach everybody.

use std::collections::BTreeSet;

use crate::{
    diag::{Diagnostic, catalogue::data},
    id::{BlockId, IdVec, RoleId},
    protocol::{
        Role,
        term::{Scope, Stmt, Term, Trigger},
    },
};

type Roles = BTreeSet<RoleId>;

/// Roles of a scope that do not learn of one of its handlers.
pub(super) fn check(term: &Term, roles: &IdVec<RoleId, Role>) -> Vec<Diagnostic> {
    let limited = term.scopes.values().any(|scope| matches!(scope, Scope::Try { .. }));
    let mut learn = Learn { term, roles, found: Vec::new() };
    if let (true, Some(&start)) = (limited, term.bodies.values().next()) {
        learn.block(start, &Roles::new());
    }
    learn.found
}

struct Learn<'a> {
    term: &'a Term,
    roles: &'a IdVec<RoleId, Role>,
    found: Vec<Diagnostic>,
}

impl Learn<'_> {
    /// Looks at a block behind which these roles still receive something. Recurses once per level of nesting.
    fn block(&mut self, block: BlockId, behind: &Roles) {
        let mut later = behind.clone();
        let term = self.term;
        for stmt in term.blocks[block].iter().rev() {
            match stmt {
                Stmt::Rec { body, .. } => {
                    let mut again = later.clone();
                    self.receivers(*body, &mut again);
                    self.block(*body, &again);
                }
                Stmt::States { blocks, .. } => {
                    let mut again = later.clone();
                    blocks.iter().for_each(|&(_, body)| self.receivers(body, &mut again));
                    blocks.iter().for_each(|&(_, body)| self.block(body, &again));
                }
                Stmt::Choice { arms, .. } => arms.iter().for_each(|&arm| self.block(arm, &later)),
                Stmt::Scope { scope, .. } => self.scope(&term.scopes[*scope], &later),
                _ => {}
            }
            self.received(stmt, &mut later);
        }
    }

    fn scope(&mut self, scope: &Scope, later: &Roles) {
        match scope {
            Scope::Par { parts } => parts.iter().for_each(|&part| self.block(part, later)),
            Scope::During { main, rounds } => {
                // Rounds come again, and beside each other.
                let mut again = later.clone();
                main.iter().for_each(|&main| self.receivers(main, &mut again));
                rounds.iter().for_each(|round| self.receivers(round.body, &mut again));
                main.iter().for_each(|&main| self.block(main, later));
                rounds.iter().for_each(|round| self.block(round.body, &again));
            }
            Scope::Try { body, handlers } => {
                self.block(*body, later);
                let mut inside = Roles::new();
                self.participants(*body, &mut inside);
                for handler in handlers {
                    self.block(handler.body, later);
                    let (role, word) = match handler.trigger {
                        Trigger::Timeout(role, _) => (role, "timeout"),
                        Trigger::Idle(role, _) => (role, "idle"),
                        Trigger::Deadline(role, _) => (role, "deadline"),
                        Trigger::Crash(_) | Trigger::Interrupt(_) => continue,
                    };
                    let mut told = later.clone();
                    self.receivers(handler.body, &mut told);
                    for &other in inside.iter().filter(|&&other| other != role && !told.contains(&other)) {
                        let name = |role: RoleId| self.roles.entry(role).map_or("?", |role| &*role.name);
                        let (other, role) = (name(other), name(role));
                        let text =
                            format!("`{other}` takes part in this scope, and does not learn that `{role}` left it");
                        let found = Diagnostic::new(data::NOT_LEARNED, handler.span, text);
                        let help =
                            format!("let the handler of this `{word}` begin with a message of `{role}` to `{other}`");
                        self.found.push(found.help(help));
                    }
                }
            }
        }
    }

    fn inner(&self, stmt: &Stmt) -> Vec<BlockId> {
        match stmt {
            Stmt::Choice { arms, .. } => arms.to_vec(),
            Stmt::Rec { body, .. } => vec![*body],
            Stmt::States { blocks, .. } => blocks.iter().map(|&(_, block)| block).collect(),
            Stmt::Scope { scope, .. } => match &self.term.scopes[*scope] {
                Scope::Par { parts } => parts.to_vec(),
                Scope::During { main, rounds } => main.iter().copied().chain(rounds.iter().map(|r| r.body)).collect(),
                Scope::Try { body, handlers } => {
                    std::iter::once(*body).chain(handlers.iter().map(|handler| handler.body)).collect()
                }
            },
            _ => Vec::new(),
        }
    }

    fn received(&self, stmt: &Stmt, to: &mut Roles) {
        match stmt {
            Stmt::Message { to: ends, .. } => to.extend(ends.iter().copied()),
            Stmt::Call { .. } => to.extend(self.roles.ids()),
            _ => self.inner(stmt).into_iter().for_each(|block| self.receivers(block, to)),
        }
    }

    fn receivers(&self, block: BlockId, to: &mut Roles) {
        self.term.blocks[block].iter().for_each(|stmt| self.received(stmt, to));
    }

    fn participants(&self, block: BlockId, to: &mut Roles) {
        for stmt in &self.term.blocks[block] {
            match stmt {
                Stmt::Message { from, to: ends, .. } => {
                    to.insert(*from);
                    to.extend(ends.iter().copied());
                }
                Stmt::Act { role, .. } => drop(to.insert(*role)),
                _ => self.inner(stmt).into_iter().for_each(|block| self.participants(block, to)),
            }
        }
    }
}

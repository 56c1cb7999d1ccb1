//! Roles that calls create: those that the callee declares behind `new`, and those that its own calls create.
//!
//! In: a protocol. Out: for each call in it, by where it is written, the names of the roles that come into being with it.
//! They are further roles of the caller, one set for each call as it is written: who calls again in a loop finds the same
//! roles again. A protocol that creates roles each time it calls itself would have no end of them, and is an error.

use rustc_hash::FxHashMap;

use super::world::{Found, Kind, World};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{DeclId, ModuleId},
    syntax::tree::{self, StmtKind as K},
};

/// So many roles are created in all, at most.
const MOST: usize = 1_000;

/// A role that a call creates: its name and where it is declared.
pub(super) type Fresh<'t> = (&'t str, Span);

/// The roles that each call of a protocol creates, in the order in which the calls are written.
pub(super) type Created<'t> = Vec<(Span, Vec<Fresh<'t>>)>;

/// What the calls of a protocol create, or what is wrong with that.
pub(super) fn calls<'t>(
    world: &World<'t>,
    module: ModuleId,
    decl: Option<DeclId>,
    protocol: &'t tree::Protocol,
) -> Result<Created<'t>, Box<Diagnostic>> {
    let mut found = Created::new();
    let any = world.decls.values().any(|decl| matches!(decl.kind, Kind::Protocol(p) if !p.new_roles.is_empty()));
    if !any {
        return Ok(found);
    }
    let mut finder = Finder { world, known: FxHashMap::default(), path: decl.into_iter().collect() };
    let mut sites = Vec::new();
    collect(&protocol.body, &mut sites);
    let mut sum = 0_usize;
    for (span, name) in sites {
        let Some(callee) = callee(world, module, decl, &name) else { continue };
        let fresh = finder.created(callee, span)?;
        sum = sum.saturating_add(fresh.len());
        if sum > MOST {
            let text = format!("the calls of `{}` create more than {MOST} roles", protocol.name.text);
            return Err(Box::new(Diagnostic::new(form::TOO_LARGE, span, text)));
        }
        if !fresh.is_empty() {
            found.push((span, fresh));
        }
    }
    Ok(found)
}

struct Finder<'w, 't> {
    world: &'w World<'t>,
    known: FxHashMap<DeclId, Vec<Fresh<'t>>>,
    /// The protocols that are being looked at, each called by the one before.
    path: Vec<DeclId>,
}

impl<'t> Finder<'_, 't> {
    /// What an instance of a protocol brings: its own new roles first. Recurses once per call in a chain of calls.
    fn created(&mut self, callee: DeclId, at: Span) -> Result<Vec<Fresh<'t>>, Box<Diagnostic>> {
        if let Some(known) = self.known.get(&callee) {
            return Ok(known.clone());
        }
        let decl = &self.world.decls[callee];
        let Kind::Protocol(protocol) = decl.kind else { return Ok(Vec::new()) };
        let mut fresh: Vec<Fresh<'t>> =
            protocol.new_roles.iter().map(|role| (&*role.name.text, role.name.span)).collect();
        if self.path.contains(&callee) {
            // Round and round: what is on the way is created again with every turn.
            let turn = self.path.iter().skip_while(|&&decl| decl != callee);
            let creates = turn.filter_map(|&decl| match self.world.decls[decl].kind {
                Kind::Protocol(protocol) => protocol.new_roles.first(),
                _ => None,
            });
            let Some(role) = creates.last() else { return Ok(Vec::new()) };
            let text = format!("each turn of this recursion would create a new role `{}`", role.name.text);
            let found = Diagnostic::new(form::TOO_MANY_INSTANCES, at, text).label(role.name.span, "declared here");
            return Err(Box::new(found.help("create it outside of the recursion, and pass it on")));
        }
        if self.path.len() > MOST {
            let text = format!("calls nest more than {MOST} levels deep");
            return Err(Box::new(Diagnostic::new(form::TOO_LARGE, at, text)));
        }
        self.path.push(callee);
        let mut sites = Vec::new();
        collect(&protocol.body, &mut sites);
        for (span, name) in sites {
            let Some(inner) = self::callee(self.world, decl.module, Some(callee), &name) else { continue };
            fresh.extend(self.created(inner, span)?);
            if fresh.len() > MOST {
                let text = format!("the calls of `{}` create more than {MOST} roles", protocol.name.text);
                return Err(Box::new(Diagnostic::new(form::TOO_LARGE, span, text)));
            }
        }
        self.path.pop();
        self.known.insert(callee, fresh.clone());
        Ok(fresh)
    }
}

fn callee(world: &World<'_>, module: ModuleId, from: Option<DeclId>, name: &tree::QName) -> Option<DeclId> {
    match world.find(module, from, name) {
        Found::Decl(decl) => Some(decl),
        _ => None,
    }
}

/// All calls in statements, in the order in which they are written. Recurses once per level of nesting.
fn collect(stmts: &[tree::Stmt], to: &mut Vec<(Span, tree::QName)>) {
    for stmt in stmts {
        let mut blocks: Vec<&tree::Block> = Vec::new();
        match &stmt.kind {
            K::Do { protocol, .. } => to.push((stmt.span, protocol.clone())),
            K::Calls { protocol, .. } => {
                to.push((stmt.span, tree::QName { parts: vec![protocol.clone()], span: protocol.span }));
            }
            K::Branches { arms, .. } => blocks.extend(arms.iter().filter_map(|arm| arm.then.as_ref())),
            K::Choice { arms, .. } => blocks.extend(arms),
            K::Rec { body, .. } | K::Foreach { body, .. } => blocks.push(body),
            K::States { blocks: of } => blocks.extend(of.iter().map(|(_, block)| block)),
            K::Par { parts } => blocks.extend(parts),
            K::During { main, rounds, .. } => {
                blocks.extend(main);
                blocks.extend(rounds.iter().map(|round| &round.body));
            }
            K::Try { body, handlers } => {
                blocks.push(body);
                blocks.extend(handlers.iter().map(|(_, block)| block));
            }
            K::Interruptible { body, .. } => blocks.push(body),
            K::Message { .. }
            | K::Send { .. }
            | K::Receive { .. }
            | K::Act { .. }
            | K::Continue { .. }
            | K::Connect { .. }
            | K::Disconnect { .. }
            | K::Wrap { .. }
            | K::Assert(_) => {}
        }
        for block in blocks {
            collect(&block.stmts, to);
        }
    }
}

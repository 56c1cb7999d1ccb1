//! Reads compact local types, `P!a(). Q?{ b(). end, c(). X }`, into the same statements as local protocols.
//!
//! A chain of prefixes is one block. `rec X.` opens a block that takes the rest of its chain; how many may do so inside
//! each other is bounded, because whoever reads a term recurses once per block.

use super::{
    body::Body,
    template::{Note, Scoped},
};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{BlockId, RoleId, VarId},
    protocol::term::{Chooser, Stmt},
    syntax::tree::{self, LAct, LMix, LPrefix, LTail, LType},
};

/// A loop whose body is being read: the block around it, with the statements before it.
struct Open {
    block: BlockId,
    stmts: Vec<Stmt>,
    var: VarId,
    span: Span,
}

/// Reads a local type into a new block.
pub(super) fn ltype<'t>(body: &mut Body<'_, '_, 't>, ltype: &'t LType) -> BlockId {
    let block = body.reserve();
    chain(body, block, Vec::new(), ltype);
    block
}

/// Reads a local type behind statements of its block. Recurses once per level of braces, which the parser bounds.
pub(super) fn chain<'t>(body: &mut Body<'_, '_, 't>, block: BlockId, stmts: Vec<Stmt>, ltype: &'t LType) {
    let (mut block, mut stmts) = (block, stmts);
    let mut open: Vec<Open> = Vec::new();
    for prefix in &ltype.prefix {
        match prefix {
            LPrefix::Action(one) => stmts.extend(action(body, (block, stmts.len()), one)),
            LPrefix::Rec { name, vars, span } => {
                if !vars.is_empty() {
                    let vars = body.rec_vars(vars);
                    body.annotate((block, stmts.len()), Note::Loop(vars));
                }
                let var = body.bind(name);
                open.push(Open { block, stmts: std::mem::take(&mut stmts), var, span: *span });
                block = body.reserve();
                if !body.deeper(*span) {
                    break;
                }
            }
        }
    }
    if open.len() <= super::body::MAX_NESTING {
        tail(body, block, &mut stmts, &ltype.tail);
    }
    body.fill(block, stmts);
    while let Some(Open { block: outer, stmts: mut before, var, span }) = open.pop() {
        body.shallower();
        body.unbind(var);
        before.push(Stmt::Rec { var, body: block, span });
        body.fill(outer, before);
        block = outer;
    }
}

fn tail<'t>(body: &mut Body<'_, '_, 't>, block: BlockId, stmts: &mut Vec<Stmt>, tail: &'t LTail) {
    match tail {
        LTail::End(_) => {}
        LTail::Var { name, args } => {
            if let Some(jump) = body.jump(name, name.span) {
                if !args.is_empty() {
                    body.annotate((block, stmts.len()), Note::Jump(args));
                }
                stmts.push(jump);
            }
        }
        LTail::Select(arms, span) => {
            let internal = arms.iter().any(|arm| arm.action.act != LAct::Receive);
            let at = if internal { Chooser::Internal } else { Chooser::External };
            choice(body, stmts, at, arms, false, *span);
        }
        LTail::Mix(mix, arms, stop, span) => {
            let (at, sign, wrong, wants) = match mix {
                LMix::Internal => (Chooser::Internal, "+", Some(LAct::Receive), "sends"),
                LMix::External => (Chooser::External, "&", Some(LAct::Send), "receives"),
                LMix::Mixed => (Chooser::Mixed, "*", None, "anything"),
            };
            if let Some(arm) = arms.iter().find(|arm| Some(arm.action.act) == wrong) {
                let text = format!("an arm of `{sign}{{…}}` must be one that {wants}");
                let found = Diagnostic::new(form::WRONG_DIRECTION, arm.action.span, text);
                body.report.add(found.help("a choice between sends and receives is written `*{…}`"));
            }
            choice(body, stmts, at, arms, stop.is_some(), *span);
        }
        LTail::States(equations, span) => {
            let vars = body.bind_states(equations.iter().map(|(name, _)| name));
            let mut blocks = Vec::with_capacity(equations.len());
            for (&var, (_, equation)) in vars.iter().zip(equations) {
                blocks.push((var, ltype(body, equation)));
            }
            for &var in vars.iter().rev() {
                body.unbind(var);
            }
            if !blocks.is_empty() {
                stmts.push(Stmt::States { blocks: blocks.into(), span: *span });
            }
        }
        LTail::Par(parts, span) => {
            body.enter("a part of a `||`", *span);
            let parts = parts.iter().map(|part| ltype(body, part)).collect();
            body.leave();
            body.scope(Scoped::Par(parts), *span, stmts);
        }
    }
}

fn choice<'t>(
    body: &mut Body<'_, '_, 't>,
    stmts: &mut Vec<Stmt>,
    at: Chooser,
    arms: &'t [tree::LArm],
    stop: bool,
    span: Span,
) {
    let mut blocks = Vec::with_capacity(arms.len());
    for arm in arms {
        let block = body.reserve();
        let first = action(body, (block, 0), &arm.action);
        chain(body, block, first.into_iter().collect(), &arm.then);
        blocks.push(block);
    }
    body.distinct_blocks(&blocks);
    if stop {
        // An arm in which nothing happens: the type is over.
        let block = body.reserve();
        body.fill(block, Vec::new());
        blocks.push(block);
    }
    stmts.push(Stmt::Choice { at, arms: blocks.into(), span });
}

fn action<'t>(body: &mut Body<'_, '_, 't>, at: (BlockId, usize), action: &'t tree::LAction) -> Option<Stmt> {
    let (label, sort) = body.message(&action.message);
    body.note(at, &action.message, &action.opts);
    let span = action.span;
    match action.act {
        LAct::Act => {
            let role = body.role(&action.role)?;
            if body.own.is_some_and(|own| own != role) {
                body.foreign_act(&action.role);
            }
            body.active.insert(role);
            Some(Stmt::Act { role, label, sort, span })
        }
        LAct::Send => {
            let to: RoleId = body.peer(&action.role)?;
            body.signature(body.own.unwrap_or(to), to, label, sort, span);
            Some(Stmt::Send { to, label, sort, span })
        }
        LAct::Receive => {
            let from: RoleId = body.peer(&action.role)?;
            body.signature(from, body.own.unwrap_or(from), label, sort, span);
            Some(Stmt::Receive { from, label, sort, span })
        }
    }
}

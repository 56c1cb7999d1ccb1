//! Calls that never return: what stands behind them never happens, and is left out with a warning.
//!
//! In: the drafts. A protocol that calls itself on every way, whatever the last step of it is, never comes to its end, so
//! nothing is left to do behind the call and it is a jump like others. Where some way does come to the end, a call with
//! something behind it would have to be remembered, which `wellformed` reports.

use super::template::{Draft, Scoped, Template};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{BlockId, DraftId, IdVec},
    protocol::term::Stmt,
};

/// Leaves out what stands behind calls that never return.
pub(super) fn cut(drafts: &mut IdVec<DraftId, Draft<'_>>) {
    // Least fixpoint: a declaration returns if some way leads to its end, through calls that are known to return.
    let mut returns: IdVec<DraftId, bool> = drafts.values().map(|draft| draft.templates.len() != 1).collect();
    let mut callers: IdVec<DraftId, Vec<DraftId>> = drafts.values().map(|_| Vec::new()).collect();
    for (id, draft) in drafts.iter() {
        for call in draft.templates.iter().flat_map(|template| template.calls.values()) {
            if callers[call.callee].last() != Some(&id) {
                callers[call.callee].push(id);
            }
        }
    }
    let mut todo: Vec<DraftId> = drafts.ids().collect();
    while let Some(id) = todo.pop() {
        let found = |template: &Template<'_>| passes(template, template.start, &returns);
        if !returns[id] && drafts[id].templates.first().is_none_or(found) {
            returns[id] = true;
            todo.extend(&callers[id]);
        }
    }
    if returns.values().all(|returns| *returns) {
        return;
    }
    for draft in drafts.values_mut() {
        let mut cut_off: Vec<Span> = Vec::new();
        for template in &mut draft.templates {
            for block in template.blocks.ids() {
                let stmts = &template.blocks[block];
                let stop = stmts.iter().position(|stmt| !goes_on(template, stmt, &returns));
                let Some(kept) = stop.map(|stop| stop.saturating_add(1)).filter(|&kept| kept < stmts.len()) else {
                    continue;
                };
                cut_off.extend(stmts.get(kept).map(span));
                template.blocks[block].truncate(kept);
                template.notes.retain(|&(of, at), _| of != block || at < kept);
            }
        }
        for span in cut_off {
            let text = "this is never reached: the call before it never returns";
            draft.diagnostics.push(Diagnostic::new(form::UNREACHABLE, span, text));
        }
    }
}

/// Whether some way through a block comes to its end. Recurses once per level of nesting, which is bounded.
fn passes(template: &Template<'_>, block: BlockId, returns: &IdVec<DraftId, bool>) -> bool {
    template.blocks[block].iter().all(|stmt| goes_on(template, stmt, returns))
}

fn goes_on(template: &Template<'_>, stmt: &Stmt, returns: &IdVec<DraftId, bool>) -> bool {
    match stmt {
        Stmt::Message { .. } | Stmt::Send { .. } | Stmt::Receive { .. } | Stmt::Act { .. } | Stmt::Set { .. } => true,
        Stmt::Choice { arms, .. } => arms.iter().any(|&arm| passes(template, arm, returns)),
        Stmt::Rec { body, .. } => passes(template, *body, returns),
        Stmt::States { blocks, .. } => blocks.iter().any(|&(_, block)| passes(template, block, returns)),
        Stmt::Continue { .. } => false,
        Stmt::Call { body, .. } => template.calls.entry(*body).is_none_or(|call| returns[call.callee]),
        Stmt::Scope { scope, .. } => match &template.scopes[*scope] {
            Scoped::Par(parts) => parts.iter().all(|&part| passes(template, part, returns)),
            Scoped::During { .. } | Scoped::Try { .. } => true,
        },
    }
}

fn span(stmt: &Stmt) -> Span {
    match *stmt {
        Stmt::Message { span, .. }
        | Stmt::Send { span, .. }
        | Stmt::Receive { span, .. }
        | Stmt::Act { span, .. }
        | Stmt::Choice { span, .. }
        | Stmt::Rec { span, .. }
        | Stmt::States { span, .. }
        | Stmt::Continue { span, .. }
        | Stmt::Call { span, .. }
        | Stmt::Scope { span, .. } => span,
        Stmt::Set { .. } => Span::default(),
    }
}

//! Which names an expression mentions, before any of them is looked up.

use rustc_hash::FxHashMap;

use super::constant::Const;
use crate::syntax::tree::{Expr, ExprKind, Name, Postfix};

/// Methods whose first argument is a name of their own.
const BINDERS: [&str; 4] = ["all", "exists", "filter", "map"];

/// Calls `see` with every free plain name.
pub(super) fn free<'e>(expr: &'e Expr, see: &mut dyn FnMut(&'e Name)) {
    let mut bound: Vec<&'e str> = Vec::new();
    walk(expr, &mut bound, see);
}

/// Recurses once per level of nesting, which the parser bounds.
fn walk<'e>(expr: &'e Expr, bound: &mut Vec<&'e str>, see: &mut dyn FnMut(&'e Name)) {
    match &expr.kind {
        ExprKind::Literal(_) => {}
        ExprKind::Name(name) => {
            if !bound.contains(&&*name.text) {
                see(name);
            }
        }
        ExprKind::Call(_, args) | ExprKind::List(args) => args.iter().for_each(|arg| walk(arg, bound, see)),
        ExprKind::Map(items) => items.iter().flat_map(|(k, v)| [k, v]).for_each(|e| walk(e, bound, see)),
        ExprKind::Unary(_, of) => walk(of, bound, see),
        ExprKind::Binary(first, rest) => {
            walk(first, bound, see);
            rest.iter().for_each(|(_, e)| walk(e, bound, see));
        }
        ExprKind::Conditional(a, b, c) => [a, b, c].into_iter().for_each(|e| walk(e, bound, see)),
        ExprKind::Postfix(of, posts) => {
            // `var.x` mentions the variable x, whoever hides it.
            let own = matches!(&of.kind, ExprKind::Name(name) if &*name.text == "var");
            match posts.first() {
                Some(Postfix::Member(name)) if own => see(name),
                _ => walk(of, bound, see),
            }
            for post in posts {
                match post {
                    Postfix::Member(_) | Postfix::Is(_) => {}
                    Postfix::Index(e) => walk(e, bound, see),
                    Postfix::Method(name, args) => {
                        let binder = match args.first().map(|arg| &arg.kind) {
                            Some(ExprKind::Name(own)) if BINDERS.contains(&&*name.text) && args.len() > 1 => Some(own),
                            _ => None,
                        };
                        let depth = bound.len();
                        bound.extend(binder.map(|name| &*name.text));
                        args.iter().for_each(|arg| walk(arg, bound, see));
                        bound.truncate(depth);
                    }
                }
            }
        }
    }
}

/// Whether an expression mentions nothing but `this`, the time and constants.
pub(super) fn only_this(expr: &Expr, consts: &FxHashMap<&str, Const>) -> bool {
    let mut only = true;
    free(expr, &mut |name| only &= matches!(&*name.text, "this" | "now") || consts.contains_key(&*name.text));
    only
}

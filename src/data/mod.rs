//! Stand-in until the room of values lands.
mod scope;
mod sort;
pub use scope::*;
pub use sort::*;
use crate::syntax::tree::{Expr, ExprKind, Postfix};
use crate::diag::Diagnostic;
/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A whole number.
    Int(i128),
    /// Any other.
    Text(Box<str>),
}
/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code(std::sync::Arc<(String, Vec<Slot>)>);
impl Code {
    /// The slots that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.0.1
    }
}
impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.0)
    }
}
/// Compiles.
pub fn define(defs: &[Definition<'_>], _: &dyn Scope) -> (Vec<Option<std::sync::Arc<Def>>>, Vec<Diagnostic>) {
    (defs.iter().map(|_| None).collect(), Vec::new())
}
/// The value of a literal.
#[must_use]
pub fn constant(literal: &crate::syntax::tree::Literal) -> Option<Value> {
    match literal {
        crate::syntax::tree::Literal::Int(digits) => digits.parse().ok().map(Value::Int),
        other => Some(Value::Text(format!("{other:?}").into())),
    }
}
/// Compiles.
pub fn compile(expr: &Expr, _wanted: &Sort, scope: &dyn Scope) -> Result<Code, Vec<Diagnostic>> {
    let mut slots = Vec::new();
    let mut found = Vec::new();
    let text = walk(expr, scope, &mut slots, &mut found);
    slots.sort_unstable();
    slots.dedup();
    if found.is_empty() { Ok(Code(std::sync::Arc::new((text, slots)))) } else { Err(found) }
}
fn walk(expr: &Expr, scope: &dyn Scope, slots: &mut Vec<Slot>, found: &mut Vec<Diagnostic>) -> String {
    match &expr.kind {
        ExprKind::Literal(l) => format!("{l:?}"),
        ExprKind::Name(name) => match scope.resolve(&name.text) {
            Some(Named::Slot(place)) => {
                slots.push(place.slot);
                format!("{}#{}.{}", name.text, place.slot.0 >> 24, place.slot.0 & 0xff_ffff)
            }
            Some(Named::Const(value, _)) => format!("{value:?}"),
            None if scope.family(&name.text).is_some() => name.text.to_string(),
            None if &*name.text == "now" => "now".to_owned(),
            None => {
                found.extend(scope.unknown(&name.text, name.span));
                name.text.to_string()
            }
        },
        ExprKind::Call(name, args) => {
            let args: Vec<String> = args.iter().map(|e| walk(e, scope, slots, found)).collect();
            format!("{}({})", name.text, args.join(", "))
        }
        ExprKind::List(args) => {
            let args: Vec<String> = args.iter().map(|e| walk(e, scope, slots, found)).collect();
            format!("[{}]", args.join(", "))
        }
        ExprKind::Map(items) => {
            let args: Vec<String> = items.iter().flat_map(|(k, v)| [k, v]).map(|e| walk(e, scope, slots, found)).collect();
            format!("{{{}}}", args.join(", "))
        }
        ExprKind::Unary(op, of) => format!("{op:?} {}", walk(of, scope, slots, found)),
        ExprKind::Binary(first, rest) => {
            let mut text = walk(first, scope, slots, found);
            for (op, e) in rest {
                text = format!("{text} {op:?} {}", walk(e, scope, slots, found));
            }
            text
        }
        ExprKind::Conditional(a, b, c) => [a, b, c].map(|e| walk(e, scope, slots, found)).join("?"),
        ExprKind::Postfix(of, posts) => {
            let mut text = match (&of.kind, posts.first()) {
                (ExprKind::Name(name), Some(Postfix::Member(x))) if &*name.text == "var" => {
                    match scope.variable(&x.text) {
                        Some(place) => slots.push(place.slot),
                        None => found.extend(scope.unknown(&x.text, x.span)),
                    }
                    "var".to_owned()
                }
                _ => walk(of, scope, slots, found),
            };
            for post in posts {
                text = match post {
                    Postfix::Member(name) => format!("{text}.{}", name.text),
                    Postfix::Is(name) => format!("{text} is {}", name.text),
                    Postfix::Index(e) => format!("{text}[{}]", walk(e, scope, slots, found)),
                    Postfix::Method(name, args) => {
                        let args: Vec<String> = args.iter().skip(usize::from(args.len() > 1)).map(|e| walk(e, &Loose(scope), slots, found)).collect();
                        format!("{text}.{}({})", name.text, args.join(", "))
                    }
                };
            }
            text
        }
    }
}
struct Loose<'a>(&'a dyn Scope);
impl Scope for Loose<'_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        self.0.resolve(name)
    }
}

//! From syntax to typed trees: names are resolved, sorts checked, `def`s made ready to be called.
//!
//! What is known to be wrong is an error with its place; what depends on a value of a dynamic sort (`json`, opaque) becomes
//! a [`Op::Cast`] that is judged when the value is there. A sort that is wanted is a hint on the way down, so that `[]`
//! can be a set and `{}` a record, and is enforced on the way up.

mod call;
mod define;
mod operators;
mod sorts;

use std::sync::Arc;

use super::suggest::nearest;
use super::{
    Builtin, Code, Family, Named, Node, Op, Place, Scope, Sort, Value,
    conform::conform,
    meter::Meter,
    read::Empty,
    scalar,
    tree::{Spot, conditions},
};
use crate::{
    diag::{Code as DiagCode, Diagnostic, Sources, Span, catalogue::data as code},
    syntax::tree::{Expr, ExprKind, Literal, Name, Postfix, UnaryOp},
};

pub use define::{called, define, mentioned};
pub(super) use sorts::{Fit, fit};

/// How deep a tree is, `def`s and conditions of sorts written out.
const MAX_DEPTH: u32 = 300;
/// How many nodes it has, `def`s written out.
const MAX_NODES: u32 = 20_000;

/// Checks an expression. The result gives values of the sort that is wanted, if one is.
pub fn compile(
    expr: &Expr,
    scope: &dyn Scope,
    wanted: Option<&Sort>,
    sources: &Sources,
) -> Result<Code, Vec<Diagnostic>> {
    let mut check = Check::new(scope);
    let node = check.wanted(expr, wanted);
    match node {
        Some(node) if check.found.is_empty() => Ok(Code::new(node, sources.slice(expr.span))),
        _ => Err(check.found),
    }
}

/// One expression being checked.
struct Check<'s> {
    scope: &'s dyn Scope,
    /// Variables of macros and parameters of a `def`, outermost first.
    locals: Vec<(Box<str>, Sort)>,
    found: Vec<Diagnostic>,
    nodes: u32,
    /// In the body of this `def`, which sees no slots.
    within: Option<&'s str>,
}

/// The size of what a node stands for beyond itself, and its depth.
fn measure(op: &Op) -> (u32, u32) {
    let of_sort = |sort: &Sort| {
        let mut found = Vec::new();
        conditions(sort, &mut found);
        found.iter().map(|code| code.tree().depth).max().unwrap_or(0)
    };
    match op {
        Op::Apply(def, _) => (def.nodes, def.depth),
        Op::Cast { sort, .. } | Op::Is(_, sort) => (0, of_sort(sort)),
        _ => (0, 0),
    }
}

impl<'s> Check<'s> {
    fn new(scope: &'s dyn Scope) -> Self {
        Self { scope, locals: Vec::new(), found: Vec::new(), nodes: 0, within: None }
    }

    fn error<T>(&mut self, code: DiagCode, span: Span, text: impl Into<String>) -> Option<T> {
        self.found.push(Diagnostic::new(code, span, text));
        None
    }

    fn helped<T>(&mut self, code: DiagCode, span: Span, text: impl Into<String>, help: Option<String>) -> Option<T> {
        let mut found = Diagnostic::new(code, span, text);
        found.help = help;
        self.found.push(found);
        None
    }

    /// A node, if the tree does not become too large by it.
    fn node(&mut self, op: Op, sort: Sort, span: Span) -> Option<Node> {
        let (more, beyond) = measure(&op);
        let mut node = Node { op, sort, spot: Spot(span), depth: 0 };
        let below = node.children().iter().map(|child| child.depth).max().unwrap_or(0);
        node.depth = below.max(beyond).saturating_add(1);
        self.nodes = self.nodes.saturating_add(more).saturating_add(1);
        if node.depth > MAX_DEPTH || self.nodes > MAX_NODES {
            if self.found.iter().any(|found| found.code == code::EXPRESSION_TOO_LARGE) {
                return None;
            }
            let text = "this expression is too large when its `def`s are written out";
            let note = format!("at most {MAX_NODES} parts and {MAX_DEPTH} levels");
            self.found.push(Diagnostic::new(code::EXPRESSION_TOO_LARGE, span, text).note(note));
            return None;
        }
        Some(node)
    }

    /// An expression of the sort that is wanted.
    fn wanted(&mut self, expr: &Expr, wanted: Option<&Sort>) -> Option<Node> {
        let node = self.expr(expr, wanted)?;
        match wanted {
            Some(wanted) => self.coerce(node, wanted),
            None => Some(node),
        }
    }

    /// The node as one of a sort, if some of its values can be.
    fn coerce(&mut self, node: Node, wanted: &Sort) -> Option<Node> {
        let span = node.spot.0;
        match (fit(&node.sort, wanted), &node.op) {
            (Fit::All, _) => Some(node),
            (_, Op::Const(value)) => {
                let literal = readable(&node.sort, wanted);
                match (literal, conform(value, wanted, &Empty, &mut Meter::full())) {
                    (true, Ok(value)) => {
                        let sort = wanted.clone();
                        Some(Node { op: Op::Const(value), sort, spot: node.spot, depth: node.depth })
                    }
                    // A condition on the time cannot be judged before there is one.
                    (true, Err(_)) if judged_later(wanted) => self.cast(node, wanted, span),
                    (true, Err(misfit)) => self.unfit(value, wanted, &misfit.to_string(), span),
                    (false, _) => self.mismatch(&node.sort, wanted, span),
                }
            }
            (Fit::Some, _) => self.cast(node, wanted, span),
            (Fit::No, _) => self.mismatch(&node.sort, wanted, span),
        }
    }

    fn cast(&mut self, node: Node, wanted: &Sort, span: Span) -> Option<Node> {
        let op = Op::Cast { of: Box::new(node), sort: wanted.clone(), soft: false };
        self.node(op, wanted.clone(), span)
    }

    fn mismatch<T>(&mut self, is: &Sort, wanted: &Sort, span: Span) -> Option<T> {
        let help = match (sorts::bare(is), sorts::bare(wanted)) {
            (Sort::Builtin(Builtin::Decimal | Builtin::Float), Sort::Builtin(Builtin::Int | Builtin::Uint)) => {
                Some("`int(x)` cuts off what is behind the point")
            }
            (Sort::Builtin(Builtin::Float | Builtin::String), Sort::Builtin(Builtin::Decimal)) => {
                Some("`decimal(x)` makes an exact number of it")
            }
            (Sort::Builtin(Builtin::String), Sort::Builtin(Builtin::Int)) => {
                Some("`int(x)` reads a number from a string")
            }
            (_, Sort::Builtin(Builtin::String)) => Some("`string(x)` makes a string of a scalar"),
            _ => None,
        };
        let text = format!("this is `{is}`, and `{wanted}` is wanted here");
        self.helped(code::WRONG_SORT, span, text, help.map(ToOwned::to_owned))
    }

    /// A literal that the sort does not have.
    fn unfit<T>(&mut self, value: &Value, wanted: &Sort, why: &str, span: Span) -> Option<T> {
        if let (Sort::Enum(names), Value::Text(text)) = (sorts::bare(wanted), value) {
            let near = nearest(text, names.iter().map(|name| &**name));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let said = format!("`{text}` is none of `{wanted}`");
            return self.helped(code::NOT_IN_ENUM, span, said, help);
        }
        self.error(code::BAD_LITERAL, span, why.replacen("the value", "this value", 1))
    }

    fn expr(&mut self, expr: &Expr, hint: Option<&Sort>) -> Option<Node> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, span),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Call(name, args) => self.call(name, None, args, hint, span),
            ExprKind::List(items) => self.list(items, hint, span),
            ExprKind::Map(entries) => self.map(entries, hint, span),
            ExprKind::Unary(UnaryOp::Not, of) => {
                let of = self.wanted(of, Some(&Sort::BOOL))?;
                self.node(Op::Not(Box::new(of)), Sort::BOOL, span)
            }
            ExprKind::Unary(UnaryOp::Minus, of) => self.minus(of, hint, span),
            ExprKind::Binary(first, rest) => self.binary(first, rest, hint, span),
            ExprKind::Conditional(condition, then, other) => {
                let condition = self.wanted(condition, Some(&Sort::BOOL));
                let (then, other) = self.alike(then, other, hint);
                let (condition, mut then, mut other) = (condition?, then?, other?);
                if let Some(hint) = hint {
                    then = self.coerce(then, hint)?;
                    other = self.coerce(other, hint)?;
                }
                let Some(sort) = sorts::join(&then.sort, &other.sort) else {
                    let text = format!("one side is `{}`, the other `{}`", then.sort, other.sort);
                    return self.error(code::WRONG_SORT, span, text);
                };
                let sort = hint.cloned().unwrap_or(sort);
                self.node(Op::Conditional(Box::new(condition), Box::new(then), Box::new(other)), sort, span)
            }
            ExprKind::Postfix(first, rest) => self.postfix(first, rest, hint, span),
        }
    }

    /// Two expressions where the sort of one is a hint for the other, if that is a literal.
    fn alike(&mut self, a: &Expr, b: &Expr, hint: Option<&Sort>) -> (Option<Node>, Option<Node>) {
        if is_literal(a) && !is_literal(b) {
            let b = self.expr(b, hint);
            let hint = hint.or(b.as_ref().map(|b| &b.sort));
            return (self.expr(a, hint), b);
        }
        let a = self.expr(a, hint);
        let of_a = if is_literal(b) { a.as_ref().map(|a| &a.sort) } else { None };
        let b = self.expr(b, hint.or(of_a));
        (a, b)
    }

    fn constant(&mut self, value: Value, sort: Sort, span: Span) -> Option<Node> {
        self.node(Op::Const(value), sort, span)
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Option<Node> {
        let (value, builtin) = match literal {
            Literal::Int(text) | Literal::Decimal(text) => {
                let digits = text.trim_start_matches('0');
                let digits =
                    if digits.is_empty() || digits.starts_with('.') { format!("0{digits}") } else { digits.to_owned() };
                let Ok(number) = scalar::number(&digits) else {
                    return self.error(code::BAD_LITERAL, span, "this number has too many digits");
                };
                let int = matches!(literal, Literal::Int(_));
                (number, if int { Builtin::Int } else { Builtin::Decimal })
            }
            Literal::String(text) => (Value::text(text), Builtin::String),
            Literal::Bool(value) => (Value::Bool(*value), Builtin::Bool),
            Literal::Null => (Value::Unit, Builtin::Unit),
            Literal::Duration(text) => match scalar::duration(text) {
                Some((micros, true)) => (Value::Duration(micros), Builtin::Duration),
                Some((_, false)) => {
                    return self.error(
                        code::BAD_LITERAL,
                        span,
                        format!("`{text}` is not a whole number of microseconds"),
                    );
                }
                None => return self.error(code::BAD_LITERAL, span, format!("`{text}` is too long a duration")),
            },
        };
        self.constant(value, Sort::Builtin(builtin), span)
    }

    fn local(&self, name: &str) -> Option<(u32, Sort)> {
        let level = self.locals.iter().rposition(|(known, _)| **known == *name)?;
        let (_, sort) = self.locals.get(level)?;
        Some((u32::try_from(level).ok()?, sort.clone()))
    }

    fn name(&mut self, name: &Name) -> Option<Node> {
        let (text, span) = (&*name.text, name.span);
        if let Some((level, sort)) = self.local(text) {
            return self.node(Op::Local(level), sort, span);
        }
        match self.scope.resolve(text) {
            Some(Named::Const(value, sort)) => return self.constant(value, sort, span),
            Some(Named::Slot(place)) => match self.within {
                None => return self.place(place, text, span),
                Some(def) => {
                    let said = format!("`def {def}` is pure: it cannot speak of `{text}`");
                    let help = format!("give `{def}` a parameter for it");
                    return self.helped(code::UNKNOWN_NAME, span, said, Some(help));
                }
            },
            None => {}
        }
        if text == "now" {
            return self.node(Op::Now, Sort::Builtin(Builtin::Timestamp), span);
        }
        self.unknown(text, span)
    }

    fn place(&mut self, place: Place, name: &str, span: Span) -> Option<Node> {
        self.node(Op::Slot(place.slot, name.into()), place.sort, span)
    }

    fn unknown<T>(&mut self, name: &str, span: Span) -> Option<T> {
        if let Some(found) = self.scope.unknown(name, span) {
            self.found.push(found);
            return None;
        }
        let mut known: Vec<String> = self.locals.iter().map(|(name, _)| name.to_string()).collect();
        if self.within.is_none() {
            known.extend(self.scope.names());
        }
        known.push("now".to_owned());
        let near = nearest(name, known.iter().map(String::as_str));
        let help = match near {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.len() <= 6 => Some(format!("known here: `{}`", known.join("`, `"))),
            None => None,
        };
        self.helped(code::UNKNOWN_NAME, span, format!("`{name}` is not known here"), help)
    }

    fn list(&mut self, items: &[Expr], hint: Option<&Sort>, span: Span) -> Option<Node> {
        let (of, is_set) = match hint.map(sorts::bare) {
            Some(Sort::List(of)) => (Some(&**of), false),
            Some(Sort::Set(of)) => (Some(&**of), true),
            _ => (None, false),
        };
        let nodes: Vec<Option<Node>> = items.iter().map(|item| self.wanted(item, of)).collect();
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let sort = match of {
            Some(of) => of.clone(),
            None => common(nodes.iter().map(|node| &node.sort)),
        };
        let sort = if is_set { Sort::Set(Box::new(sort)) } else { Sort::List(Box::new(sort)) };
        let node = self.node(if is_set { Op::Set(nodes) } else { Op::List(nodes) }, sort, span)?;
        Some(fold(node))
    }

    fn map(&mut self, entries: &[(Expr, Expr)], hint: Option<&Sort>, span: Span) -> Option<Node> {
        match hint.map(sorts::bare) {
            Some(Sort::Record(payload)) => {
                let mut fields: Vec<(Arc<str>, Node)> = Vec::new();
                let mut sound = true;
                for (key, value) in entries {
                    let ExprKind::Literal(Literal::String(name)) = &key.kind else {
                        return self.error(code::WRONG_SORT, key.span, "a record's field is named by a literal string");
                    };
                    let declared = payload.field(name);
                    if declared.is_none() && !payload.open {
                        self.no_field(payload, name, key.span);
                        sound = false;
                    }
                    if fields.iter().any(|(known, _)| **known == **name) {
                        return self.error(code::BAD_LITERAL, key.span, format!("`{name}` stands here twice"));
                    }
                    let value = self.wanted(value, declared.map(|field| &field.sort))?;
                    fields.push((Arc::from(&**name), value));
                }
                let missing: Vec<&str> = payload
                    .fields
                    .iter()
                    .filter(|field| !field.optional)
                    .filter_map(|field| field.name.as_deref())
                    .filter(|name| !fields.iter().any(|(known, _)| **known == **name))
                    .collect();
                if !missing.is_empty() {
                    let text = format!("`{}` is missing in this record", missing.join("`, `"));
                    return self.error(code::NO_FIELD, span, text);
                }
                if !sound {
                    return None;
                }
                fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                let node = self.node(Op::Record(fields), Sort::Record(payload.clone()), span)?;
                Some(fold(node))
            }
            hint => {
                let (of_key, of_value) = match hint {
                    Some(Sort::Map(key, value)) => (Some(&**key), Some(&**value)),
                    _ => (None, None),
                };
                let mut nodes = Vec::new();
                for (key, value) in entries {
                    let key = self.wanted(key, of_key);
                    let value = self.wanted(value, of_value);
                    nodes.push((key?, value?));
                }
                let key = of_key.cloned().unwrap_or_else(|| match nodes.is_empty() {
                    true => Sort::Builtin(Builtin::String),
                    false => common(nodes.iter().map(|(key, _)| &key.sort)),
                });
                let value = of_value.cloned().unwrap_or_else(|| common(nodes.iter().map(|(_, value)| &value.sort)));
                let node = self.node(Op::Map(nodes), Sort::Map(Box::new(key), Box::new(value)), span)?;
                let literal = node.children().iter().all(|child| matches!(child.op, Op::Const(_)));
                let node = fold(node);
                if literal && matches!(node.op, Op::Map(_)) {
                    return self.error(code::BAD_LITERAL, span, "this map has a key twice, or is too large");
                }
                Some(node)
            }
        }
    }

    fn no_field(&mut self, payload: &super::Payload, name: &str, span: Span) {
        let known: Vec<&str> = payload.fields.iter().filter_map(|field| field.name.as_deref()).collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if !known.is_empty() && known.len() <= 8 => Some(format!("it has `{}`", known.join("`, `"))),
            None => None,
        };
        self.helped::<()>(code::NO_FIELD, span, format!("the record has no field `{name}`"), help);
    }

    fn postfix(&mut self, first: &Expr, rest: &[Postfix], hint: Option<&Sort>, span: Span) -> Option<Node> {
        let mut rest = rest.iter();
        let mut node = None;
        if let ExprKind::Name(name) = &first.kind
            && self.local(&name.text).is_none()
            && self.scope.resolve(&name.text).is_none()
        {
            if &*name.text == "var"
                && let Some(Postfix::Member(variable)) = rest.as_slice().first()
            {
                rest.next();
                let place = self.scope.variable(&variable.text).filter(|_| self.within.is_none());
                let Some(place) = place else { return self.unknown(&variable.text, variable.span) };
                node = Some(self.place(place, &variable.text, name.span.to(variable.span))?);
            } else if let Some(family) = self.scope.family(&name.text)
                && let Some(Postfix::Index(keys)) = rest.as_slice().first()
            {
                rest.next();
                let keys = self.keys(&family, keys)?;
                let Some(Postfix::Member(variable)) = rest.next() else {
                    let text = format!("an instance of `{}` is no value; its variables are", name.text);
                    let help = family.variables.first().map(|(of, ..)| format!("write `{}[k].{of}`", name.text));
                    return self.helped(code::WRONG_SORT, span, text, help);
                };
                let known = family.variables.iter().find(|(known, ..)| **known == *variable.text);
                let Some((of, index, sort)) = known else {
                    let names = family.variables.iter().map(|(name, ..)| &**name);
                    let help = nearest(&variable.text, names).map(|near| format!("did you mean `{near}`?"));
                    let text = format!("an instance of `{}` has no variable `{}`", name.text, variable.text);
                    return self.helped(code::NO_FIELD, variable.span, text, help);
                };
                let op = Op::Instance(family.id, keys, *index, of.clone());
                node = Some(self.node(op, sort.clone(), name.span.to(variable.span))?);
            }
        }
        let mut node = match node {
            Some(node) => node,
            None => {
                // The receiver of a function that gives what is wanted may well be of that sort itself.
                let is_receiver = matches!(rest.as_slice(), [Postfix::Method(..)]) && is_literal(first);
                self.expr(first, if is_receiver { hint } else { None })?
            }
        };
        for step in rest {
            let start = node.spot.0;
            node = match step {
                Postfix::Member(name) => self.member(node, name)?,
                Postfix::Index(at) => self.index(node, at, start.to(at.span))?,
                Postfix::Method(name, args) => {
                    let end = args.last().map_or(name.span, |arg| arg.span);
                    self.call(name, Some(node), args, None, start.to(end))?
                }
                Postfix::Is(name) => {
                    let sort = Builtin::ALL.into_iter().find(|builtin| builtin.word() == &*name.text);
                    let sort = self.scope.sort(&name.text).or(sort.map(Sort::Builtin));
                    let Some(sort) = sort else {
                        let text = format!("sort `{}` is not declared", name.text);
                        return self.error(code::UNKNOWN_NAME, name.span, text);
                    };
                    self.node(Op::Is(Box::new(node), sort), Sort::BOOL, start.to(name.span))?
                }
            };
        }
        Some(node)
    }

    /// The keys of an instance: one, or a list of several.
    fn keys(&mut self, family: &Family, keys: &Expr) -> Option<Vec<Node>> {
        match (family.keys.as_slice(), &keys.kind) {
            ([one], _) => Some(vec![self.wanted(keys, Some(one))?]),
            (several, ExprKind::List(items)) if items.len() == several.len() => {
                items.iter().zip(several).map(|(item, sort)| self.wanted(item, Some(sort))).collect()
            }
            (several, _) => {
                let text = format!("this family has {} keys: write them as a list", several.len());
                self.error(code::WRONG_SORT, keys.span, text)
            }
        }
    }

    fn member(&mut self, of: Node, name: &Name) -> Option<Node> {
        let span = of.spot.0.to(name.span);
        let sort = match sorts::bare(&of.sort) {
            Sort::Record(payload) => match payload.field(&name.text) {
                Some(field) => field.sort.clone(),
                None if payload.open => Sort::ANY,
                None => {
                    let payload = payload.clone();
                    self.no_field(&payload, &name.text, name.span);
                    return None;
                }
            },
            Sort::Map(key, value) if sorts::is_text(key) || key.is_dynamic() => (**value).clone(),
            sort if sort.is_dynamic() => Sort::ANY,
            other => {
                let text = format!("`{other}` has no fields");
                return self.error(code::WRONG_SORT, name.span, text);
            }
        };
        self.node(Op::Member(Box::new(of), Arc::from(&*name.text)), sort, span)
    }

    fn index(&mut self, of: Node, at: &Expr, span: Span) -> Option<Node> {
        let (key, sort) = match sorts::bare(&of.sort) {
            Sort::List(of) => (Some(Sort::INT), (**of).clone()),
            Sort::Map(key, value) => (Some((**key).clone()), (**value).clone()),
            Sort::Record(payload) => {
                if let ExprKind::Literal(Literal::String(name)) = &at.kind {
                    let name = Name { text: name.clone(), span: at.span };
                    return self.member(of, &name);
                }
                let sort = common(payload.fields.iter().map(|field| &field.sort));
                (Some(Sort::Builtin(Builtin::String)), if payload.open { Sort::ANY } else { sort })
            }
            sort if sort.is_dynamic() => (None, Sort::ANY),
            other => {
                let text = format!("`{other}` is neither a list nor a map");
                return self.error(code::WRONG_SORT, of.spot.0, text);
            }
        };
        let at = self.wanted(at, key.as_ref())?;
        self.node(Op::Index(Box::new(of), Box::new(at)), sort, span)
    }
}

/// Whether a literal of one sort can be written for a value of another.
fn readable(is: &Sort, wanted: &Sort) -> bool {
    match (sorts::bare(is), sorts::bare(wanted)) {
        (
            Sort::Builtin(Builtin::String),
            Sort::Builtin(Builtin::Timestamp | Builtin::Uuid | Builtin::Bytes | Builtin::Duration),
        )
        | (Sort::Builtin(Builtin::Int | Builtin::Decimal), Sort::Builtin(Builtin::Float)) => true,
        _ => fit(is, wanted) != Fit::No,
    }
}

/// Whether a sort has a condition that asks for the time or for the host.
fn judged_later(sort: &Sort) -> bool {
    let mut found = Vec::new();
    conditions(sort, &mut found);
    found.iter().any(|code| code.reads_now() || !code.externals().is_empty())
}

/// The sort that values of all these have in common.
fn common<'n>(sorts: impl Iterator<Item = &'n Sort>) -> Sort {
    let mut all: Option<Sort> = None;
    for sort in sorts {
        all = match all {
            None => Some(sort.clone()),
            Some(all) => Some(sorts::join(&all, sort).unwrap_or(Sort::ANY)),
        };
    }
    all.unwrap_or(Sort::ANY)
}

/// A literal, whose sort depends on where it stands.
fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::List(_) | ExprKind::Map(_) => true,
        ExprKind::Unary(UnaryOp::Minus, of) => is_literal(of),
        _ => false,
    }
}

/// A collection of constants as a constant.
fn fold(node: Node) -> Node {
    if !node.children().iter().all(|child| matches!(child.op, Op::Const(_))) {
        return node;
    }
    match super::walk::eval(&node, &Empty) {
        Ok(value) => Node { op: Op::Const(value), sort: node.sort, spot: node.spot, depth: 1 },
        Err(_) => node,
    }
}

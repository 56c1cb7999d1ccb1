//! Operators between expressions.

use super::super::{Builtin, Node, Op, Operator, Sort, Value, operator};
use super::{Check, ExprKind, code, is_literal, sorts};
use crate::{
    diag::Span,
    syntax::tree::{BinaryOp, Expr},
};

fn operator(op: BinaryOp) -> Option<Operator> {
    Some(match op {
        BinaryOp::Or | BinaryOp::And => return None,
        BinaryOp::Eq => Operator::Eq,
        BinaryOp::Ne => Operator::Ne,
        BinaryOp::Lt => Operator::Lt,
        BinaryOp::Le => Operator::Le,
        BinaryOp::Gt => Operator::Gt,
        BinaryOp::Ge => Operator::Ge,
        BinaryOp::In => Operator::In,
        BinaryOp::Add => Operator::Add,
        BinaryOp::Sub => Operator::Sub,
        BinaryOp::Mul => Operator::Mul,
        BinaryOp::Div => Operator::Div,
        BinaryOp::Rem => Operator::Rem,
    })
}

impl Check<'_> {
    /// `-a`
    pub(super) fn minus(&mut self, of: &Expr, hint: Option<&Sort>, span: Span) -> Option<Node> {
        let of = self.expr(of, hint)?;
        let sort = match sorts::bare(&of.sort) {
            Sort::Builtin(Builtin::Uint) => Sort::INT,
            sort if sorts::is_number(sort) || sort.is_dynamic() => sort.clone(),
            Sort::Builtin(Builtin::Duration) => Sort::Builtin(Builtin::Duration),
            other => {
                let text = format!("`-` is for numbers and durations, and this is `{other}`");
                return self.error(code::OPERANDS, span, text);
            }
        };
        if let Op::Const(value) = &of.op
            && let Ok(value) = operator::negate(value)
        {
            return self.constant(value, sort, span);
        }
        self.node(Op::Negate(Box::new(of)), sort, span)
    }

    /// A chain of operators of one precedence.
    pub(super) fn binary(
        &mut self,
        first: &Expr,
        rest: &[(BinaryOp, Expr)],
        hint: Option<&Sort>,
        span: Span,
    ) -> Option<Node> {
        if let Some((op @ (BinaryOp::And | BinaryOp::Or), _)) = rest.first() {
            let all = std::iter::once(first).chain(rest.iter().map(|(_, expr)| expr));
            let nodes: Vec<Option<Node>> = all.map(|expr| self.wanted(expr, Some(&Sort::BOOL))).collect();
            let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
            let op = if *op == BinaryOp::And { Op::All(nodes) } else { Op::Any(nodes) };
            return self.node(op, Sort::BOOL, span);
        }
        if let [(BinaryOp::In, family)] = rest
            && let ExprKind::Name(name) = &family.kind
            && self.local(&name.text).is_none()
            && self.scope.resolve(&name.text).is_none()
            && let Some(family) = self.scope.family(&name.text)
        {
            let keys = self.keys(&family, first)?;
            return self.node(Op::Lives(family.id, keys), Sort::BOOL, span);
        }
        // `[] + xs` and `[] == xs`: a literal is of the sort of the other side.
        let mut left: Option<(&Expr, Option<Node>)> = None;
        for (op, right) in rest {
            let operator = operator(*op)?;
            let comparison = matches!(
                operator,
                Operator::Eq | Operator::Ne | Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge
            );
            let hint = if comparison { None } else { hint.filter(|hint| matches!(sorts::bare(hint), Sort::List(_))) };
            let (a, b) = match left.take() {
                None if operator == Operator::In && is_literal(right) && !is_literal(first) => {
                    let a = self.expr(first, None);
                    // Strings may be the values of an enum, or spell a time; numbers of all kinds are alike anyway.
                    let of = a.as_ref().map(|a| sorts::bare(&a.sort)).filter(|of| !sorts::is_number(of));
                    let hint = of.filter(|of| !of.is_dynamic()).map(|of| Sort::List(Box::new(of.clone())));
                    let hint = hint.filter(|_| matches!(right.kind, ExprKind::List(_)));
                    let b = self.expr(right, hint.as_ref());
                    (a, b)
                }
                None if operator == Operator::In => {
                    let b = self.expr(right, None);
                    let of = b.as_ref().and_then(|b| element(&b.sort));
                    let of = of.filter(|_| is_literal(first));
                    (self.expr(first, of.as_ref()), b)
                }
                None => self.alike(first, right, hint),
                Some((_, a)) => {
                    let of_a = if is_literal(right) { a.as_ref().map(|a| a.sort.clone()) } else { None };
                    let b = self.expr(right, hint.or(of_a.as_ref()));
                    (a, b)
                }
            };
            let span = first.span.to(right.span);
            let node = self.operate(operator, a?, b?, span)?;
            left = Some((right, Some(node)));
        }
        left.and_then(|(_, node)| node)
    }

    fn refuse(&mut self, operator: Operator, a: &Sort, b: &Sort, span: Span) -> Option<Node> {
        let text = format!("`{}` is not for `{a}` and `{b}`", operator.text());
        let help = match (operator, sorts::bare(a), sorts::bare(b)) {
            (Operator::Add, Sort::Set(_), _) => Some("`add(set, x)` gives a set with one element more"),
            (Operator::Sub, Sort::Set(_) | Sort::Map(..), _) => Some("`remove(set, x)` gives a set or map without it"),
            (Operator::Add, Sort::Map(..), _) => Some("`put(map, key, value)` gives a map with a value for a key"),
            (Operator::Add, a, b) if sorts::is_text(a) || sorts::is_text(b) => {
                Some("`string(x)` makes a string of a scalar")
            }
            (Operator::Rem, ..) => Some("`%` is for integers"),
            _ => None,
        };
        self.helped(code::OPERANDS, span, text, help.map(ToOwned::to_owned))
    }

    /// Two operands of any sorts and an operator between them.
    fn operate(&mut self, operator: Operator, a: Node, b: Node, span: Span) -> Option<Node> {
        use Operator as O;
        match operator {
            O::Eq | O::Ne => {
                let (a, b) = self.meet(a, b, true)?;
                if !sorts::comparable(&a.sort, &b.sort) {
                    let text = format!("`{}` and `{}` have no value in common", a.sort, b.sort);
                    return self.error(code::NEVER_EQUAL, span, text);
                }
                self.node(Op::Binary(operator, Box::new(a), Box::new(b)), Sort::BOOL, span)
            }
            O::Lt | O::Le | O::Gt | O::Ge => {
                let (a, b) = self.meet(a, b, false)?;
                let (x, y) = (sorts::bare(&a.sort), sorts::bare(&b.sort));
                let ordered = |sort: &Sort| {
                    sort.is_dynamic()
                        || sorts::is_text(sort)
                        || sorts::is_number(sort)
                        || matches!(
                            sort,
                            Sort::Builtin(Builtin::Bool | Builtin::Bytes | Builtin::Timestamp | Builtin::Duration)
                        )
                };
                let alike = x.is_dynamic()
                    || y.is_dynamic()
                    || x == y
                    || sorts::is_number(x) && sorts::is_number(y)
                    || sorts::is_text(x) && sorts::is_text(y);
                if !ordered(x) || !ordered(y) || !alike {
                    return self.refuse(operator, &a.sort, &b.sort, span);
                }
                self.node(Op::Binary(operator, Box::new(a), Box::new(b)), Sort::BOOL, span)
            }
            O::In => self.within(a, b, span),
            _ => self.arithmetic(operator, a, b, span),
        }
    }

    /// Operands of a comparison: what is dynamic is taken as the sort of the other, a literal string as what it spells.
    fn meet(&mut self, a: Node, b: Node, soft: bool) -> Option<(Node, Node)> {
        let a = self.toward(a, &b.sort.clone(), soft)?;
        let b = self.toward(b, &a.sort.clone(), soft)?;
        Some((a, b))
    }

    fn toward(&mut self, node: Node, other: &Sort, soft: bool) -> Option<Node> {
        let span = node.spot.0;
        let target = sorts::bare(other);
        let scalar = match target {
            Sort::Builtin(builtin) => !matches!(builtin, Builtin::Json | Builtin::Unit),
            _ => false,
        };
        if node.sort.is_dynamic() && scalar {
            // All numbers are alike.
            let exact = matches!(target, Sort::Builtin(Builtin::Int | Builtin::Uint));
            let target = if exact { Sort::Builtin(Builtin::Decimal) } else { target.clone() };
            let sort = if soft { Sort::ANY } else { target.clone() };
            return self.node(Op::Cast { of: Box::new(node), sort: target, soft }, sort, span);
        }
        match &node.op {
            Op::Const(Value::Text(_)) if sorts::is_text(target) && !matches!(target, Sort::Enum(_)) => Some(node),
            Op::Const(Value::Text(_)) => match target {
                Sort::Enum(_)
                | Sort::Builtin(Builtin::Timestamp | Builtin::Uuid | Builtin::Bytes | Builtin::Duration) => {
                    self.coerce(node, &target.clone())
                }
                _ => Some(node),
            },
            _ => Some(node),
        }
    }

    /// `a in b`
    fn within(&mut self, a: Node, b: Node, span: Span) -> Option<Node> {
        let Some(of) = element(&b.sort) else { return self.refuse(Operator::In, &a.sort, &b.sort, span) };
        let a = self.toward(a, &of, true)?;
        if !sorts::comparable(&a.sort, &of) {
            let text = format!("`{}` has no element of sort `{}`", b.sort, a.sort);
            return self.error(code::NEVER_EQUAL, span, text);
        }
        self.node(Op::Binary(Operator::In, Box::new(a), Box::new(b)), Sort::BOOL, span)
    }

    fn arithmetic(&mut self, operator: Operator, a: Node, b: Node, span: Span) -> Option<Node> {
        use Operator as O;
        let (mut a, mut b) = (a, b);
        let is = |node: &Node, builtin: Builtin| sorts::bare(&node.sort) == &Sort::Builtin(builtin);
        let number = |node: &Node| sorts::is_number(&node.sort);
        let dynamic = |node: &Node| sorts::bare(&node.sort).is_dynamic();
        let text = |node: &Node| sorts::is_text(&node.sort);
        let (mut operator, mut sort) = (operator, None);
        if number(&a) && dynamic(&b) || dynamic(&a) && number(&b) {
            // What comes from JSON may be any number; what it becomes is known where it is wanted.
            let known = if number(&a) { sorts::bare(&a.sort) } else { sorts::bare(&b.sort) };
            let float = known == &Sort::Builtin(Builtin::Float);
            let exact = matches!(known, Sort::Builtin(Builtin::Decimal));
            if operator != O::Mul || float || exact {
                let target = Sort::Builtin(if float { Builtin::Float } else { Builtin::Decimal });
                let open = if dynamic(&a) { &mut a } else { &mut b };
                let spot = open.spot.0;
                let of = std::mem::replace(open, Node::unit());
                *open =
                    self.node(Op::Cast { of: Box::new(of), sort: target.clone(), soft: false }, target.clone(), spot)?;
                sort = Some(if float || exact { target } else { Sort::ANY });
            } else {
                sort = Some(Sort::ANY);
            }
            if exact && operator == O::Div {
                operator = O::Quotient;
            }
            if operator == O::Rem && (float || exact) {
                return self.refuse(operator, &a.sort, &b.sort, span);
            }
        } else if number(&a) && number(&b) {
            let result = sorts::numeric(&a.sort, &b.sort);
            if operator == O::Rem && result != Sort::INT {
                return self.refuse(operator, &a.sort, &b.sort, span);
            }
            if operator == O::Div && result == Sort::Builtin(Builtin::Decimal) {
                operator = O::Quotient;
            }
            sort = Some(result);
        } else if operator == O::Add && (text(&a) || dynamic(&a)) && (text(&b) || dynamic(&b)) && (text(&a) || text(&b))
        {
            sort = Some(Sort::Builtin(Builtin::String));
        } else if dynamic(&a) && dynamic(&b) {
            sort = Some(Sort::ANY);
        } else if let (Sort::List(x), Sort::List(y)) = (sorts::bare(&a.sort), sorts::bare(&b.sort))
            && operator == O::Add
        {
            sort = sorts::join(x, y).map(|of| Sort::List(Box::new(of)));
        } else {
            let (timestamp, duration) = (Builtin::Timestamp, Builtin::Duration);
            let result = match operator {
                O::Add if is(&a, Builtin::Bytes) && is(&b, Builtin::Bytes) => Some(Builtin::Bytes),
                O::Add | O::Sub if is(&a, timestamp) && is(&b, duration) => Some(timestamp),
                O::Add if is(&a, duration) && is(&b, timestamp) => Some(timestamp),
                O::Sub if is(&a, timestamp) && is(&b, timestamp) => Some(duration),
                O::Add | O::Sub if is(&a, duration) && is(&b, duration) => Some(duration),
                O::Mul if is(&a, duration) && (number(&b) || dynamic(&b)) => Some(duration),
                O::Mul if is(&b, duration) && (number(&a) || dynamic(&a)) => Some(duration),
                _ => None,
            };
            sort = sort.or(result.map(Sort::Builtin));
            let either = |builtin: Builtin| is(&a, builtin) || is(&b, builtin);
            // A dynamic value beside a time: what it becomes depends on what it is.
            if sort.is_none() && (dynamic(&a) || dynamic(&b)) && matches!(operator, O::Add | O::Sub) {
                let list =
                    matches!(sorts::bare(&a.sort), Sort::List(_)) || matches!(sorts::bare(&b.sort), Sort::List(_));
                if either(timestamp) || either(duration) || list && operator == O::Add {
                    sort = Some(Sort::ANY);
                }
            }
        }
        match sort {
            Some(sort) => self.node(Op::Binary(operator, Box::new(a), Box::new(b)), sort, span),
            None => self.refuse(operator, &a.sort, &b.sort, span),
        }
    }
}

/// What can be in a collection: elements, or keys.
pub(super) fn element(sort: &Sort) -> Option<Sort> {
    match sorts::bare(sort) {
        Sort::List(of) | Sort::Set(of) => Some((**of).clone()),
        Sort::Map(key, _) => Some((**key).clone()),
        Sort::Record(_) => Some(Sort::Builtin(Builtin::String)),
        sort if sort.is_dynamic() => Some(Sort::ANY),
        _ => None,
    }
}

//! Expressions, sorts, payloads and options.

use super::super::tree::{
    Base, BinaryOp, Duration, Expr, ExprKind, Field, FieldKind, Lend, Literal, Message, Opt, OptKind, Payload, Postfix,
    QName, Rest, Role, Sort, TArg, UnaryOp,
};
use super::layout::Op;
use super::{Printer, Taken};

/// How tightly an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bind {
    Conditional,
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Unary,
    Postfix,
    Primary,
}

fn bind(expr: &Expr) -> Bind {
    match &expr.kind {
        ExprKind::Conditional(..) => Bind::Conditional,
        ExprKind::Binary(first, rest) => rest.first().map_or_else(|| bind(first), |(op, _)| bind_of(*op)),
        ExprKind::Unary(..) => Bind::Unary,
        ExprKind::Postfix(first, rest) if rest.is_empty() => bind(first),
        ExprKind::Postfix(..) => Bind::Postfix,
        _ => Bind::Primary,
    }
}

fn bind_of(op: BinaryOp) -> Bind {
    match op {
        BinaryOp::Or => Bind::Or,
        BinaryOp::And => Bind::And,
        BinaryOp::Add | BinaryOp::Sub => Bind::Sum,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Bind::Product,
        _ => Bind::Comparison,
    }
}

fn tighter(bind: Bind) -> Bind {
    match bind {
        Bind::Conditional => Bind::Or,
        Bind::Or => Bind::And,
        Bind::And => Bind::Comparison,
        Bind::Comparison => Bind::Sum,
        Bind::Sum => Bind::Product,
        Bind::Product => Bind::Unary,
        Bind::Unary => Bind::Postfix,
        Bind::Postfix | Bind::Primary => Bind::Primary,
    }
}

fn op_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "|| ",
        BinaryOp::And => "&& ",
        BinaryOp::Eq => "== ",
        BinaryOp::Ne => "!= ",
        BinaryOp::Lt => "< ",
        BinaryOp::Le => "<= ",
        BinaryOp::Gt => "> ",
        BinaryOp::Ge => ">= ",
        BinaryOp::In => "in ",
        BinaryOp::Add => "+ ",
        BinaryOp::Sub => "- ",
        BinaryOp::Mul => "* ",
        BinaryOp::Div => "/ ",
        BinaryOp::Rem => "% ",
    }
}

impl<'t> Printer<'t> {
    pub(super) fn expr(&mut self, expr: &'t Expr) {
        self.expr_at(expr, Bind::Conditional);
    }

    /// An expression where only those that bind so tightly stand without parentheses.
    fn expr_at(&mut self, expr: &'t Expr, least: Bind) {
        if bind(expr) >= least {
            return self.bare(expr);
        }
        self.place(expr.span);
        self.put("(");
        self.bare(expr);
        self.put(")");
    }

    fn bare(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Literal(literal) => {
                self.place(expr.span);
                self.literal(literal);
            }
            ExprKind::Name(name) => self.name(name, Taken::EXPR),
            ExprKind::Call(name, args) => {
                self.name(name, Taken::EXPR);
                self.args(args);
            }
            ExprKind::List(items) => {
                self.place(expr.span);
                self.put("[");
                self.list(items, Self::expr);
                self.closer(expr.span);
                self.put("]");
            }
            ExprKind::Map(entries) => {
                self.place(expr.span);
                self.put("{");
                self.list(entries, |printer, (key, value)| {
                    printer.expr_at(key, Bind::Or);
                    printer.put(": ");
                    printer.expr(value);
                });
                self.closer(expr.span);
                self.put("}");
            }
            ExprKind::Unary(op, operand) => {
                self.place(expr.span);
                self.put(if *op == UnaryOp::Not { "!" } else { "-" });
                self.expr_at(operand, Bind::Unary);
            }
            ExprKind::Binary(first, rest) => {
                let own = bind(expr);
                let least = tighter(own);
                let fill = own > Bind::And;
                self.group(|printer| {
                    printer.expr_at(first, least);
                    printer.push(Op::Indent(1));
                    for (op, operand) in rest {
                        printer.push(Op::Line { flat: " ", fill });
                        printer.put(op_text(*op));
                        printer.expr_at(operand, least);
                    }
                    printer.push(Op::Indent(-1));
                });
            }
            ExprKind::Conditional(condition, then, other) => self.group(|printer| {
                printer.expr_at(condition, Bind::Or);
                printer.push(Op::Indent(1));
                printer.line();
                printer.put("? ");
                printer.expr(then);
                printer.line();
                printer.put(": ");
                printer.expr(other);
                printer.push(Op::Indent(-1));
            }),
            ExprKind::Postfix(first, rest) => {
                self.expr_at(first, Bind::Primary);
                for postfix in rest {
                    match postfix {
                        Postfix::Member(name) => {
                            self.put(".");
                            self.name(name, Taken::NOTHING);
                        }
                        Postfix::Method(name, args) => {
                            self.put(".");
                            self.name(name, Taken::NOTHING);
                            self.args(args);
                        }
                        Postfix::Index(index) => {
                            self.put("[");
                            self.expr(index);
                            self.put("]");
                        }
                        Postfix::Is(name) => {
                            self.put(" is ");
                            self.name(name, Taken::NOTHING);
                        }
                    }
                }
            }
        }
    }

    /// `(e, …)`
    pub(super) fn args(&mut self, args: &'t [Expr]) {
        self.put("(");
        self.list(args, Self::expr);
        self.put(")");
    }

    /// ` [e, …]`, or nothing.
    pub(super) fn brackets(&mut self, args: &'t [Expr], before: &'static str) {
        if !args.is_empty() {
            self.put(before);
            self.put("[");
            self.list(args, Self::expr);
            self.put("]");
        }
    }

    fn literal(&mut self, literal: &'t Literal) {
        match literal {
            Literal::Int(text) | Literal::Decimal(text) | Literal::Duration(text) => self.put_text(&**text),
            Literal::String(value) => self.string(value),
            Literal::Bool(true) => self.put("true"),
            Literal::Bool(false) => self.put("false"),
            Literal::Null => self.put("null"),
        }
    }

    pub(super) fn duration(&mut self, duration: &'t Duration) {
        match duration {
            Duration::Literal(name) => {
                self.place(name.span);
                self.put_text(&*name.text);
            }
            Duration::Expr(expr) => {
                self.put("(");
                self.expr(expr);
                self.put(")");
            }
        }
    }

    // ---- roles and qualified names -------------------------------------------------------------------------------

    pub(super) fn qname(&mut self, name: &'t QName, taken: Taken) {
        for (number, part) in name.parts.iter().enumerate() {
            if number > 0 {
                self.put(".");
            }
            self.name(part, if number == 0 { taken } else { Taken::NOTHING });
        }
    }

    pub(super) fn role(&mut self, role: &'t Role, taken: Taken) {
        self.name(&role.name, taken);
        if let Some(index) = &role.index {
            self.put("[");
            self.expr(index);
            self.put("]");
        }
    }

    pub(super) fn roles(&mut self, roles: &'t [Role]) {
        self.list(roles, |printer, role| printer.role(role, Taken::NOTHING));
    }

    // ---- sorts ---------------------------------------------------------------------------------------------------

    pub(super) fn sort(&mut self, sort: &'t Sort, taken: Taken) {
        self.base(&sort.base, taken);
        if let Some(condition) = &sort.refinement {
            self.put("{");
            self.expr(condition);
            self.closer(sort.span);
            self.put("}");
        }
    }

    pub(super) fn base(&mut self, base: &'t Base, taken: Taken) {
        match base {
            Base::Named { name, args } => {
                self.qname(name, taken);
                if !args.is_empty() {
                    self.put("<");
                    self.list(args, |printer, arg| printer.sort(arg, Taken::SORT));
                    self.put(">");
                }
            }
            Base::Record { fields, rest } if fields.is_empty() && rest.is_none() => self.put("{}"),
            Base::Record { fields, rest } => self.group(|printer| {
                printer.put("{");
                printer.push(Op::Indent(1));
                printer.line();
                for (number, field) in fields.iter().enumerate() {
                    if number > 0 {
                        printer.put(",");
                        printer.fill();
                    }
                    printer.name(&field.name, Taken::NOTHING);
                    printer.put(if field.optional { "?: " } else { ": " });
                    printer.sort(&field.sort, Taken::SORT);
                }
                printer.rest(rest.as_ref(), !fields.is_empty());
                printer.push(Op::Indent(-1));
                printer.line();
                printer.put("}");
            }),
            Base::Enum(names) => {
                self.put("enum { ");
                self.list(names, |printer, name| printer.name(name, Taken::NOTHING));
                self.put(" }");
            }
        }
    }

    /// `...Env`, behind fields or alone.
    fn rest(&mut self, rest: Option<&'t Rest>, behind: bool) {
        let Some(rest) = rest else { return };
        if behind {
            self.put(",");
            self.fill();
        }
        self.place(rest.span);
        self.put("...");
        if let Some(record) = &rest.record {
            self.qname(record, Taken::NOTHING);
        }
    }

    pub(super) fn targs(&mut self, args: &'t [TArg]) {
        if args.is_empty() {
            return;
        }
        self.put("<");
        self.list(args, |printer, arg| match arg {
            TArg::Sort(sort) => printer.sort(sort, Taken::ARGUMENT),
            TArg::Literal(literal) => printer.expr(literal),
            TArg::Sig(message) => printer.message(message, false, Taken::NOTHING),
        });
        self.put(">");
    }

    // ---- messages ------------------------------------------------------------------------------------------------

    pub(super) fn message(&mut self, message: &'t Message, dotted: bool, taken: Taken) {
        if let Some(label) = &message.label {
            self.label(label, dotted, taken);
        }
        if let Some(payload) = &message.payload {
            self.payload(payload);
        }
    }

    fn payload(&mut self, payload: &'t Payload) {
        self.place(payload.span);
        self.put("(");
        self.group(|printer| {
            printer.push(Op::Indent(1));
            printer.commas(&payload.fields, Self::field);
            printer.rest(payload.rest.as_deref(), !payload.fields.is_empty());
            printer.push(Op::Indent(-1));
            printer.closer(payload.span);
            printer.put(")");
        });
    }

    fn field(&mut self, field: &'t Field) {
        self.place(field.span);
        let first = |lend: Option<Lend>| if lend.is_some() { Taken::SORT } else { Taken::FIELD };
        match &field.kind {
            FieldKind::Value { lend, name, optional, sort } => {
                self.lend(*lend);
                match name {
                    Some(name) => {
                        self.name(name, first(*lend));
                        self.put(if *optional { "?: " } else { ": " });
                        self.sort(sort, Taken::SORT);
                    }
                    None => self.sort(sort, first(*lend)),
                }
            }
            FieldKind::Delegation { lend, name, protocol, role } => {
                self.lend(*lend);
                match name {
                    Some(name) => {
                        self.name(name, first(*lend));
                        self.put(": ");
                        self.name(protocol, Taken::SORT);
                    }
                    None => self.name(protocol, first(*lend)),
                }
                self.put("@");
                self.role(role, Taken::NOTHING);
            }
            FieldKind::Return(name) => {
                self.put("return ");
                self.name(name, Taken::NOTHING);
            }
        }
    }

    fn lend(&mut self, lend: Option<Lend>) {
        match lend {
            Some(Lend::Own) => self.put("own "),
            Some(Lend::Lend) => self.put("lend "),
            None => {}
        }
    }

    /// Options, each behind a space or on a line of its own.
    pub(super) fn opts(&mut self, opts: &'t [Opt], parens: bool) {
        for opt in opts {
            self.line();
            self.place(opt.span);
            self.opt(&opt.kind, parens);
        }
    }

    fn opt_expr(&mut self, expr: &'t Expr, parens: bool) {
        if parens {
            self.put("(");
        }
        self.expr(expr);
        if parens {
            self.put(")");
        }
    }

    fn opt(&mut self, opt: &'t OptKind, parens: bool) {
        match opt {
            OptKind::Where(condition) => {
                self.put("where ");
                self.opt_expr(condition, parens);
            }
            OptKind::Set { name, at, value } => {
                self.put("set ");
                self.name(name, Taken::NOTHING);
                if let Some(role) = at {
                    self.put("@");
                    self.role(role, Taken::NOTHING);
                }
                self.put(" = ");
                self.opt_expr(value, parens);
            }
            OptKind::Requires { name, args } => {
                self.put("requires ");
                self.name(name, Taken::NOTHING);
                if !args.is_empty() {
                    self.args(args);
                }
            }
            OptKind::Within(duration) => {
                self.put("within ");
                self.duration(duration);
            }
            OptKind::Window(from, to) => {
                self.put("within [");
                self.duration(from);
                self.put(", ");
                self.duration(to);
                self.put("]");
            }
            OptKind::Every(duration) => {
                self.put("every ");
                self.duration(duration);
            }
            OptKind::Idempotent(keys, span) | OptKind::Unique(keys, span) => {
                self.put(if matches!(opt, OptKind::Unique(..)) { "unique by " } else { "idempotent by " });
                self.args(keys);
                if let Some(span) = span {
                    self.put(" for ");
                    self.duration(span);
                }
            }
            OptKind::MayRetry => self.put("may retry"),
        }
    }
}

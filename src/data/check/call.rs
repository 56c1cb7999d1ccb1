//! Calls: `has`, macros, `def`s, extern predicates, built-in functions.

use super::super::{Builtin, Function, Macro, Node, Op, Sort, Value, function, tree::Pattern};
use super::{super::suggest::nearest, Check, ExprKind, code, operators::element, sorts};
use crate::{
    diag::Span,
    syntax::tree::{Expr, Name},
};

pub(super) const MACROS: [(&str, Macro); 4] =
    [("all", Macro::All), ("exists", Macro::Exists), ("filter", Macro::Filter), ("map", Macro::Map)];

/// An argument: checked already, as the receiver of `x.f(…)` is, or still to be.
enum Arg<'e> {
    Ready(Node),
    Open(&'e Expr),
}

impl Check<'_> {
    /// `f(e, …)`, or `x.f(e, …)`.
    pub(super) fn call(
        &mut self,
        name: &Name,
        receiver: Option<Node>,
        args: &[Expr],
        hint: Option<&Sort>,
        span: Span,
    ) -> Option<Node> {
        let text = &*name.text;
        if let Some(&(_, kind)) = MACROS.iter().find(|(word, _)| *word == text) {
            match (receiver, args) {
                (Some(over), [variable, body]) => return self.each(kind, over, variable, body, span),
                (None, [over, variable, body]) if self.scope.def(text).is_none() => {
                    let over = self.expr(over, None)?;
                    return self.each(kind, over, variable, body, span);
                }
                (receiver, args) if self.scope.def(text).is_none() => {
                    let given = args.len().saturating_add(usize::from(receiver.is_some()));
                    let said = format!("`{text}` takes a collection, a name and an expression, not {given} arguments");
                    let help = Some(format!("write `xs.{text}(x, …)`"));
                    return self.helped(code::ARGUMENTS, span, said, help);
                }
                (receiver, args) => return self.plain(name, receiver, args, hint, span),
            }
        }
        if text == "has"
            && let (None, [of]) = (&receiver, args)
        {
            return self.has(of, span);
        }
        self.plain(name, receiver, args, hint, span)
    }

    fn plain(
        &mut self,
        name: &Name,
        receiver: Option<Node>,
        args: &[Expr],
        hint: Option<&Sort>,
        span: Span,
    ) -> Option<Node> {
        let text = &*name.text;
        let args: Vec<Arg<'_>> = receiver.into_iter().map(Arg::Ready).chain(args.iter().map(Arg::Open)).collect();
        if let Some(def) = self.scope.def(text) {
            let sorts: Vec<Sort> = def.params().iter().map(|(_, sort)| sort.clone()).collect();
            let args = self.args(text, args, &sorts, span)?;
            let sort = def.sort().clone();
            return self.node(Op::Apply(def, args), sort, span);
        }
        if let Some(external) = self.scope.external(text) {
            let args = self.args(text, args, &external.params, span)?;
            return self.node(Op::Extern(external.id, args), Sort::BOOL, span);
        }
        let Some(function) = Function::find(text) else {
            let words = Function::ALL.iter().map(|function| function.word());
            let known = words.chain(MACROS.iter().map(|(word, _)| *word)).chain(["has"]);
            let help = nearest(text, known).map(|near| format!("did you mean `{near}`?"));
            return self.helped(code::UNKNOWN_FUNCTION, name.span, format!("there is no function `{text}`"), help);
        };
        let (least, most) = function.arity();
        if !(least..=most).contains(&args.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} or more") };
            let s = if wanted == "1" { "" } else { "s" };
            let said = format!("`{text}` takes {wanted} argument{s}, not {}", args.len());
            return self.error(code::ARGUMENTS, span, said);
        }
        self.builtin(function, args, hint, span)
    }

    fn arg(&mut self, arg: Arg<'_>, wanted: Option<&Sort>) -> Option<Node> {
        match arg {
            Arg::Open(expr) => self.wanted(expr, wanted),
            Arg::Ready(node) => match wanted {
                Some(wanted) => self.coerce(node, wanted),
                None => Some(node),
            },
        }
    }

    /// An argument with a hint that is not enforced.
    fn hinted(&mut self, arg: Arg<'_>, hint: Option<&Sort>) -> Option<Node> {
        match arg {
            Arg::Open(expr) => self.expr(expr, hint),
            Arg::Ready(node) => Some(node),
        }
    }

    fn args(&mut self, name: &str, args: Vec<Arg<'_>>, sorts: &[Sort], span: Span) -> Option<Vec<Node>> {
        if args.len() != sorts.len() {
            let s = if sorts.len() == 1 { "" } else { "s" };
            let said = format!("`{name}` takes {} argument{s}, not {}", sorts.len(), args.len());
            return self.error(code::ARGUMENTS, span, said);
        }
        let nodes: Vec<Option<Node>> =
            args.into_iter().zip(sorts).map(|(arg, sort)| self.arg(arg, Some(sort))).collect();
        nodes.into_iter().collect()
    }

    /// `has(a.b.c)`
    fn has(&mut self, of: &Expr, span: Span) -> Option<Node> {
        let node = self.expr(of, None)?;
        let open = matches!(node.op, Op::Slot(..) | Op::Member(..) | Op::Instance(..))
            || matches!(node.op, Op::Local(_)) && node.sort.is_option();
        if !open {
            let text = "`has` asks for a field, a variable or a member";
            return self.error(code::BAD_HAS, of.span, text);
        }
        self.node(Op::Has(Box::new(node)), Sort::BOOL, span)
    }

    /// `xs.all(x, p)`
    fn each(&mut self, kind: Macro, over: Node, variable: &Expr, body: &Expr, span: Span) -> Option<Node> {
        let ExprKind::Name(name) = &variable.kind else {
            return self.error(code::ARGUMENTS, variable.span, "this should be the name that stands for an element");
        };
        let Some(of) = element(&over.sort) else {
            let text = format!("`{}` is no collection", over.sort);
            return self.error(code::WRONG_SORT, over.spot.0, text);
        };
        self.locals.push((name.text.clone(), of.clone()));
        let wanted = (kind != Macro::Map).then_some(&Sort::BOOL);
        let body = self.wanted(body, wanted);
        self.locals.pop();
        let body = body?;
        let sort = match kind {
            Macro::All | Macro::Exists => Sort::BOOL,
            Macro::Filter => match sorts::bare(&over.sort) {
                Sort::Set(_) => Sort::Set(Box::new(of)),
                sort if sort.is_dynamic() => Sort::ANY,
                _ => Sort::List(Box::new(of)),
            },
            Macro::Map => Sort::List(Box::new(body.sort.clone())),
        };
        self.node(Op::Macro(kind, Box::new(over), Box::new(body)), sort, span)
    }

    fn unfitting(&mut self, function: Function, wanted: &str, node: &Node) -> Option<Node> {
        let text = format!("`{}` takes {wanted}, and this is `{}`", function.word(), node.sort);
        self.error(code::WRONG_SORT, node.spot.0, text)
    }

    fn builtin(&mut self, function: Function, args: Vec<Arg<'_>>, hint: Option<&Sort>, span: Span) -> Option<Node> {
        use Function as F;
        let text = Sort::Builtin(Builtin::String);
        let of = |builtin: Builtin| Sort::Builtin(builtin);
        let mut args = args.into_iter();
        let mut next = || args.next();
        let (nodes, sort) = match function {
            F::Size => {
                let a = self.arg(next()?, None)?;
                let bare = sorts::bare(&a.sort);
                let sized = element(bare).is_some() || sorts::is_text(bare) || *bare == of(Builtin::Bytes);
                if !sized {
                    return self.unfitting(function, "a collection, a string or bytes", &a);
                }
                (vec![a], Sort::INT)
            }
            F::Min | F::Max => {
                let first = self.arg(next()?, None)?;
                let mut nodes = vec![first];
                for arg in args {
                    let hint = nodes.first().map(|node| node.sort.clone());
                    let node = self.hinted(arg, hint.as_ref())?;
                    nodes.push(node);
                }
                let sort = match nodes.as_slice() {
                    [one] => match sorts::bare(&one.sort) {
                        Sort::List(of) | Sort::Set(of) => (**of).clone(),
                        sort if sort.is_dynamic() => Sort::ANY,
                        _ => return self.unfitting(function, "a list or a set, or several values", &one.clone()),
                    },
                    several => {
                        let sort = several
                            .iter()
                            .skip(1)
                            .try_fold(several.first()?.sort.clone(), |all, node| sorts::join(&all, &node.sort));
                        match sort {
                            Some(sort) => sort,
                            None => return self.error(code::WRONG_SORT, span, "the arguments have no sort in common"),
                        }
                    }
                };
                (nodes, sort)
            }
            F::Tail => {
                let a = self.hinted(next()?, hint)?;
                let sort = match sorts::bare(&a.sort) {
                    Sort::List(_) => sorts::bare(&a.sort).clone(),
                    sort if sort.is_dynamic() => Sort::ANY,
                    _ => return self.unfitting(function, "a list", &a),
                };
                (vec![a], sort)
            }
            F::Split => {
                (vec![self.arg(next()?, Some(&text))?, self.arg(next()?, Some(&text))?], Sort::List(Box::new(text)))
            }
            F::Lower => (vec![self.arg(next()?, Some(&text))?], text),
            F::Glob | F::Contains | F::StartsWith | F::EndsWith => {
                (vec![self.arg(next()?, Some(&text))?, self.arg(next()?, Some(&text))?], Sort::BOOL)
            }
            F::Matches => {
                let a = self.arg(next()?, Some(&text))?;
                let b = self.arg(next()?, Some(&text))?;
                if let Op::Const(Value::Text(expression)) = &b.op {
                    let Some(regex) = function::pattern(expression) else {
                        let said = "this is no regular expression, or too large a one";
                        return self.error(code::BAD_LITERAL, b.spot.0, said);
                    };
                    return self.node(Op::Matches(Box::new(a), Pattern(regex.into())), Sort::BOOL, span);
                }
                (vec![a, b], Sort::BOOL)
            }
            F::Int | F::Decimal | F::Float => {
                let a = self.arg(next()?, None)?;
                let bare = sorts::bare(&a.sort);
                let time = function == F::Int && *bare == of(Builtin::Timestamp);
                if !(sorts::is_number(bare) || sorts::is_text(bare) || bare.is_dynamic() || time) {
                    return self.unfitting(function, "a number or a string", &a);
                }
                let sort = match function {
                    F::Int => Builtin::Int,
                    F::Decimal => Builtin::Decimal,
                    _ => Builtin::Float,
                };
                (vec![a], of(sort))
            }
            F::String => {
                let a = self.arg(next()?, None)?;
                let bare = sorts::bare(&a.sort);
                if !matches!(bare, Sort::Builtin(_) | Sort::Enum(_) | Sort::Opaque(_)) {
                    return self.unfitting(function, "a scalar", &a);
                }
                (vec![a], text)
            }
            F::Bytes | F::Sha256 => {
                let a = self.arg(next()?, None)?;
                let bare = sorts::bare(&a.sort);
                if !(sorts::is_text(bare) || *bare == of(Builtin::Bytes) || bare.is_dynamic()) {
                    return self.unfitting(function, "bytes or a string", &a);
                }
                (vec![a], of(Builtin::Bytes))
            }
            F::Hex => (vec![self.arg(next()?, Some(&of(Builtin::Bytes)))?], text),
            F::Timestamp | F::Duration => {
                let sort = of(if function == F::Timestamp { Builtin::Timestamp } else { Builtin::Duration });
                let a = self.arg(next()?, None)?;
                let bare = sorts::bare(&a.sort);
                if !(sorts::is_text(bare) || *bare == sort || bare.is_dynamic()) {
                    return self.unfitting(function, "a string", &a);
                }
                (vec![a], sort)
            }
            F::Add => {
                let a = self.hinted(next()?, hint)?;
                match sorts::bare(&a.sort).clone() {
                    Sort::Set(element) => {
                        let b = self.arg(next()?, Some(&element))?;
                        (vec![a, b], Sort::Set(element))
                    }
                    sort if sort.is_dynamic() => (vec![a, self.arg(next()?, None)?], Sort::ANY),
                    Sort::List(_) => {
                        let said = format!("`add` takes a set, and this is `{}`", a.sort);
                        return self.helped(code::WRONG_SORT, a.spot.0, said, Some("write `xs + [x]`".to_owned()));
                    }
                    _ => return self.unfitting(function, "a set", &a),
                }
            }
            F::Remove => {
                let a = self.hinted(next()?, hint)?;
                match sorts::bare(&a.sort).clone() {
                    sort @ (Sort::Set(_) | Sort::Map(..)) => {
                        let b = self.arg(next()?, element(&sort).as_ref())?;
                        (vec![a, b], sort)
                    }
                    sort if sort.is_dynamic() => (vec![a, self.arg(next()?, None)?], Sort::ANY),
                    _ => return self.unfitting(function, "a set or a map", &a),
                }
            }
            F::Put => {
                let a = self.hinted(next()?, hint)?;
                match sorts::bare(&a.sort).clone() {
                    Sort::Map(key, value) => {
                        let k = self.arg(next()?, Some(&key));
                        let v = self.arg(next()?, Some(&value));
                        (vec![a, k?, v?], Sort::Map(key, value))
                    }
                    sort if sort.is_dynamic() => {
                        (vec![a, self.arg(next()?, None)?, self.arg(next()?, None)?], Sort::ANY)
                    }
                    _ => return self.unfitting(function, "a map", &a),
                }
            }
            F::Get => {
                let a = self.arg(next()?, None)?;
                match sorts::bare(&a.sort).clone() {
                    Sort::Map(key, value) => {
                        let k = self.arg(next()?, Some(&key));
                        let v = self.arg(next()?, Some(&value));
                        (vec![a, k?, v?], *value)
                    }
                    Sort::List(item) => {
                        let k = self.arg(next()?, Some(&Sort::INT));
                        let v = self.arg(next()?, Some(&item));
                        (vec![a, k?, v?], *item)
                    }
                    sort if sort.is_dynamic() => {
                        (vec![a, self.arg(next()?, None)?, self.arg(next()?, None)?], Sort::ANY)
                    }
                    _ => return self.unfitting(function, "a map", &a),
                }
            }
            F::Div => {
                let decimal = of(Builtin::Decimal);
                let a = self.arg(next()?, Some(&decimal));
                let b = self.arg(next()?, Some(&decimal));
                let digits = self.arg(next()?, Some(&Sort::INT));
                (vec![a?, b?, digits?], decimal)
            }
        };
        self.node(Op::Call(function, nodes), sort, span)
    }
}

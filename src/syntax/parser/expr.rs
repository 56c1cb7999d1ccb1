//! Expressions, durations and string literals.

use super::super::lexer::{Kind, is_duration};
use super::super::tree::{BinaryOp, Duration, Expr, ExprKind, Literal, Postfix, UnaryOp};
use super::{Parsed, Parser, Wanted};
use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};

/// How tightly binary operators bind, from the loosest.
const OR: u8 = 0;
const COMPARISON: u8 = 2;
const PRODUCT: u8 = 4;

impl Parser<'_, '_> {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let condition = self.binary(OR)?;
        let expr = if self.kind() == Kind::Question {
            self.bump();
            let then = self.expr()?;
            self.expect(Kind::Colon)?;
            let other = self.expr()?;
            let span = self.since(condition.span);
            let kind = ExprKind::Conditional(Box::new(condition), Box::new(then), Box::new(other));
            Expr { kind, span }
        } else {
            condition
        };
        self.shallower();
        Ok(expr)
    }

    /// A chain of operators that bind as tightly as `level`, or tighter.
    fn binary(&mut self, level: u8) -> Parsed<Expr> {
        let mut first = if level == PRODUCT { self.unary()? } else { self.binary(level.saturating_add(1))? };
        let mut rest = Vec::new();
        while let Some(op) = self.operator().filter(|&op| binds(op) == level) {
            if level == COMPARISON && !rest.is_empty() {
                self.complain(|parser| {
                    Diagnostic::new(code::CHAINED, parser.here(), "comparisons cannot be chained")
                        .help("join two comparisons by `&&`")
                });
            }
            self.bump();
            rest.push((op, if level == PRODUCT { self.unary()? } else { self.binary(level.saturating_add(1))? }));
        }
        if !rest.is_empty() {
            if level == COMPARISON {
                // Only the first comparison stays in the tree.
                rest.truncate(1);
            }
            let span = self.since(first.span);
            first = Expr { kind: ExprKind::Binary(Box::new(first), rest), span };
        }
        Ok(first)
    }

    fn operator(&self) -> Option<BinaryOp> {
        Some(match self.kind() {
            Kind::PipePipe => BinaryOp::Or,
            Kind::AmpAmp => BinaryOp::And,
            Kind::EqEq | Kind::Eq => BinaryOp::Eq,
            Kind::BangEq | Kind::LtGt => BinaryOp::Ne,
            Kind::Lt => BinaryOp::Lt,
            Kind::Le => BinaryOp::Le,
            Kind::Gt => BinaryOp::Gt,
            Kind::Ge => BinaryOp::Ge,
            Kind::Word if self.word() == "in" => BinaryOp::In,
            Kind::Plus => BinaryOp::Add,
            Kind::Minus => BinaryOp::Sub,
            Kind::Star => BinaryOp::Mul,
            Kind::Slash => BinaryOp::Div,
            Kind::Percent => BinaryOp::Rem,
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let op = match self.kind() {
            Kind::Bang => UnaryOp::Not,
            Kind::Minus => UnaryOp::Minus,
            Kind::Word if self.word() == "not" => UnaryOp::Not,
            _ => return self.postfix(),
        };
        self.bump();
        self.deeper()?;
        let operand = Box::new(self.unary()?);
        self.shallower();
        Ok(Expr { kind: ExprKind::Unary(op, operand), span: self.since(start) })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let first = self.primary()?;
        let mut rest = Vec::new();
        loop {
            if self.kind() == Kind::Dot {
                self.bump();
                let name = self.name("a member")?;
                rest.push(if self.kind() == Kind::LParen {
                    Postfix::Method(name, self.paren_exprs()?)
                } else {
                    Postfix::Member(name)
                });
            } else if self.kind() == Kind::LBracket {
                let open = self.open(Kind::LBracket)?;
                rest.push(Postfix::Index(self.expr()?));
                self.close(Kind::RBracket, open)?;
            } else if self.word() == "is" {
                self.bump();
                rest.push(Postfix::Is(self.name("a sort")?));
            } else {
                break;
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let span = self.since(first.span);
        Ok(Expr { kind: ExprKind::Postfix(Box::new(first), rest), span })
    }

    /// A literal, if one begins here.
    pub(super) fn literal(&mut self) -> Parsed<Option<Expr>> {
        let token = self.token();
        let text = self.slice(token);
        let literal = match token.kind {
            Kind::Int => Literal::Int(text.into()),
            Kind::Decimal => Literal::Decimal(text.into()),
            Kind::Str => Literal::String(self.unescape()),
            Kind::IntWord => {
                self.check_duration();
                Literal::Duration(text.into())
            }
            Kind::Word if text == "true" => Literal::Bool(true),
            Kind::Word if text == "false" => Literal::Bool(false),
            Kind::Word if text == "null" => Literal::Null,
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(Expr { kind: ExprKind::Literal(literal), span: self.span_of(token) }))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        let kind = match self.kind() {
            Kind::Word | Kind::Quoted => {
                let name = self.name("a name")?;
                if self.kind() == Kind::LParen {
                    ExprKind::Call(name, self.paren_exprs()?)
                } else {
                    ExprKind::Name(name)
                }
            }
            Kind::LParen => {
                let open = self.open(Kind::LParen)?;
                let mut inner = self.expr()?;
                self.close(Kind::RParen, open)?;
                inner.span = self.since(open);
                return Ok(inner);
            }
            Kind::LBracket => {
                let open = self.open(Kind::LBracket)?;
                let items = self.list(Kind::RBracket, Self::expr)?;
                self.close(Kind::RBracket, open)?;
                ExprKind::List(items)
            }
            Kind::LBrace => {
                let open = self.open(Kind::LBrace)?;
                let entries = self.list(Kind::RBrace, |parser| {
                    let key = parser.expr()?;
                    parser.expect(Kind::Colon)?;
                    Ok((key, parser.expr()?))
                })?;
                self.close(Kind::RBrace, open)?;
                ExprKind::Map(entries)
            }
            _ => {
                self.wanted.push(Wanted::Group("an expression", &[]));
                return self.unexpected();
            }
        };
        Ok(Expr { kind, span: self.since(start) })
    }

    /// `(e, …)`
    pub(super) fn paren_exprs(&mut self) -> Parsed<Vec<Expr>> {
        let open = self.open(Kind::LParen)?;
        let exprs = self.list(Kind::RParen, Self::expr)?;
        self.close(Kind::RParen, open)?;
        Ok(exprs)
    }

    /// `[e, …]`, or nothing.
    pub(super) fn bracketed_exprs(&mut self) -> Parsed<Vec<Expr>> {
        if self.kind() != Kind::LBracket {
            self.wanted.push(Wanted::Kind(Kind::LBracket));
            return Ok(Vec::new());
        }
        let open = self.open(Kind::LBracket)?;
        let exprs = self.list(Kind::RBracket, Self::expr)?;
        self.close(Kind::RBracket, open)?;
        Ok(exprs)
    }

    /// `5s` or `(e)`
    pub(super) fn duration(&mut self) -> Parsed<Duration> {
        match self.kind() {
            Kind::IntWord => {
                self.check_duration();
                let literal = self.name_of(self.token());
                self.bump();
                Ok(Duration::Literal(literal))
            }
            Kind::LParen => {
                let open = self.open(Kind::LParen)?;
                let expr = self.expr()?;
                self.close(Kind::RParen, open)?;
                Ok(Duration::Expr(expr))
            }
            Kind::Int => {
                let text = self.slice(self.token());
                let short = if text.len() <= 20 { text } else { "5" };
                self.complain(|parser| {
                    Diagnostic::new(code::BAD_DURATION, parser.here(), "this number needs a unit")
                        .help(format!("write `{short}s` for seconds; the units are ns, us, ms, s, m and h"))
                });
                // Read on: the unit is all that is missing.
                let literal = self.name_of(self.token());
                self.bump();
                Ok(Duration::Literal(literal))
            }
            _ => {
                self.wanted.push(Wanted::Group("a duration such as `5s`", &[]));
                self.wanted.push(Wanted::Kind(Kind::LParen));
                self.unexpected()
            }
        }
    }

    /// Digits followed by letters are a duration where an expression is expected.
    fn check_duration(&mut self) {
        if is_duration(self.slice(self.token())) {
            return;
        }
        self.complain(|parser| {
            Diagnostic::new(
                code::BAD_DURATION,
                parser.here(),
                format!("{} is neither a number nor a duration", parser.found()),
            )
            .help("the units of durations are ns, us, ms, s, m and h")
        });
    }

    // ---- strings -------------------------------------------------------------------------------------------------

    /// What the string here says.
    pub(super) fn unescape(&mut self) -> Box<str> {
        let token = self.token();
        let raw = self.slice(token);
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        if !inner.contains('\\') {
            return inner.strip_suffix('"').unwrap_or(inner).into();
        }
        let mut value = String::with_capacity(inner.len());
        let mut rest = inner;
        while let Some(at) = rest.find(['\\', '"']) {
            value.push_str(rest.get(..at).unwrap_or(""));
            let tail = rest.get(at..).unwrap_or("");
            if tail.starts_with('"') {
                return value.into();
            }
            let (c, length) = escape(tail);
            match c {
                Some(c) => value.push(c),
                None => {
                    self.bad_escape(tail, (token.end as usize).saturating_sub(tail.len()), length);
                    value.push('\u{fffd}');
                }
            }
            rest = tail.get(length..).unwrap_or("");
        }
        value.push_str(rest);
        value.into()
    }

    fn bad_escape(&mut self, tail: &str, start: usize, length: usize) {
        let shown = tail.get(..length).unwrap_or("\\").to_owned();
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let span = Span { file: self.file, start: offset(start), end: offset(start.saturating_add(length)) };
        self.sink.push(|| {
            Diagnostic::new(code::BAD_ESCAPE, span, format!("`{shown}` is no known escape"))
                .help("known are \\\" \\\\ \\/ \\n \\r \\t \\b \\f \\uXXXX and \\u{X…}")
        });
    }
}

/// The character that an escape at the start of the text stands for, if it is one, and how many bytes it takes.
fn escape(text: &str) -> (Option<char>, usize) {
    let Some(c) = text.chars().nth(1) else { return (None, 1) };
    let simple = match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        '"' | '\\' | '/' | '\'' => Some(c),
        _ => None,
    };
    if c != 'u' {
        return (simple, 1usize.saturating_add(c.len_utf8()));
    }
    let tail = text.get(2..).unwrap_or("");
    let (digits, length) = match tail.strip_prefix('{') {
        Some(braced) => {
            let end = braced.find('}').filter(|&end| end <= 6).unwrap_or(0);
            (braced.get(..end).unwrap_or(""), end.saturating_add(4))
        }
        None => (tail.get(..4).unwrap_or(""), 6),
    };
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    match number.and_then(char::from_u32) {
        Some(c) => (Some(c), length),
        None => (None, 2),
    }
}

fn binds(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => OR,
        BinaryOp::And => 1,
        BinaryOp::Add | BinaryOp::Sub => 3,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => PRODUCT,
        _ => COMPARISON,
    }
}

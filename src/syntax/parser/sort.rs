//! Sorts, payloads, messages and the arguments of a `do`.

use super::super::lexer::Kind;
use super::super::tree::{Base, Field, FieldKind, Lend, Message, Payload, QName, RecordField, Rest, Sort, TArg};
use super::{Parsed, Parser};

impl Parser<'_, '_> {
    /// `base{e}`
    pub(super) fn sort(&mut self) -> Parsed<Sort> {
        let start = self.here();
        let base = self.base()?;
        let refinement = if self.kind() == Kind::LBrace {
            let open = self.open(Kind::LBrace)?;
            let condition = self.expr()?;
            self.close(Kind::RBrace, open)?;
            Some(Box::new(condition))
        } else {
            None
        };
        Ok(Sort { base, refinement, span: self.since(start) })
    }

    /// A sort without refinement.
    pub(super) fn base(&mut self) -> Parsed<Base> {
        self.deeper()?;
        let base = if self.kind() == Kind::LBrace {
            self.record()?
        } else if self.word() == "enum" {
            self.bump();
            let open = self.open(Kind::LBrace)?;
            let names = self.list(Kind::RBrace, |parser| parser.name("a name"))?;
            self.close(Kind::RBrace, open)?;
            Base::Enum(self.some(names, open, "an `enum` needs at least one name")?)
        } else {
            let name = self.qname("a sort")?;
            let args = if self.kind() == Kind::Lt {
                self.bump();
                let mut args = vec![self.sort()?];
                while self.eat(Kind::Comma) {
                    args.push(self.sort()?);
                }
                self.expect_greater()?;
                args
            } else {
                Vec::new()
            };
            Base::Named { name, args }
        };
        self.shallower();
        Ok(base)
    }

    fn record(&mut self) -> Parsed<Base> {
        let open = self.open(Kind::LBrace)?;
        let mut fields = Vec::new();
        let mut rest = None;
        while self.kind() != Kind::RBrace {
            if self.kind() == Kind::Ellipsis {
                rest = Some(self.rest()?);
                break;
            }
            let name = self.name("a field")?;
            let optional = self.eat(Kind::Question);
            self.expect(Kind::Colon)?;
            let sort = self.sort()?;
            fields.push(RecordField { name, optional, sort });
            if !self.eat(Kind::Comma) {
                if self.kind() == Kind::Ellipsis {
                    continue;
                }
                break;
            }
        }
        self.close(Kind::RBrace, open)?;
        Ok(Base::Record { fields, rest })
    }

    /// `...` or `...Env`
    fn rest(&mut self) -> Parsed<Rest> {
        let start = self.here();
        self.expect(Kind::Ellipsis)?;
        let record: Option<QName> = if self.at_name() { Some(self.qname("a record sort")?) } else { None };
        Ok(Rest { record, span: self.since(start) })
    }

    /// `l`, `l(x: int)`, `(int)`
    pub(super) fn message(&mut self, dotted: bool) -> Parsed<Message> {
        let start = self.here();
        let label = if self.kind() == Kind::LParen { None } else { Some(self.label(dotted)?) };
        let payload = if self.kind() == Kind::LParen {
            Some(self.payload()?)
        } else {
            self.wanted.push(super::Wanted::Kind(Kind::LParen));
            None
        };
        Ok(Message { label, payload, span: self.since(start) })
    }

    fn payload(&mut self) -> Parsed<Payload> {
        let open = self.open(Kind::LParen)?;
        let mut fields = Vec::new();
        let mut rest = None;
        while self.kind() != Kind::RParen {
            if self.kind() == Kind::Ellipsis {
                rest = Some(Box::new(self.rest()?));
                break;
            }
            fields.push(self.field()?);
            if !self.eat(Kind::Comma) {
                if self.kind() == Kind::Ellipsis {
                    continue;
                }
                break;
            }
        }
        self.close(Kind::RParen, open)?;
        Ok(Payload { fields, rest, span: self.since(open) })
    }

    fn field(&mut self) -> Parsed<Field> {
        let start = self.here();
        let lend = match self.word() {
            "return" => {
                self.bump();
                let name = self.name("a name")?;
                return Ok(Field { kind: FieldKind::Return(name), span: self.since(start) });
            }
            "own" => Some(Lend::Own),
            "lend" => Some(Lend::Lend),
            _ => None,
        };
        if lend.is_some() {
            self.bump();
        }
        let mut kind = None;
        if self.at_name() && self.word() != "enum" {
            match (self.kind_ahead(1), self.kind_ahead(2)) {
                (Kind::At, _) if lend.is_none() => {
                    let protocol = self.name("a protocol")?;
                    self.bump();
                    kind = Some(FieldKind::Delegation { lend, name: None, protocol, role: self.role()? });
                }
                (Kind::Question, Kind::Colon) => {
                    let name = self.name("a field")?;
                    self.bump();
                    self.bump();
                    kind = Some(FieldKind::Value { lend, name: Some(name), optional: true, sort: self.sort()? });
                }
                (Kind::Colon, _) => {
                    let name = self.name("a field")?;
                    self.bump();
                    kind = Some(if self.at_name() && self.kind_ahead(1) == Kind::At && self.word() != "enum" {
                        let protocol = self.name("a protocol")?;
                        self.bump();
                        FieldKind::Delegation { lend, name: Some(name), protocol, role: self.role()? }
                    } else {
                        FieldKind::Value { lend, name: Some(name), optional: false, sort: self.sort()? }
                    });
                }
                _ => {}
            }
        }
        let kind = match kind {
            Some(kind) => kind,
            None => FieldKind::Value { lend, name: None, optional: false, sort: self.sort()? },
        };
        Ok(Field { kind, span: self.since(start) })
    }

    /// `<int, 3, l(int)>`, or nothing.
    pub(super) fn targs(&mut self) -> Parsed<Vec<TArg>> {
        if !self.eat_less() {
            return Ok(Vec::new());
        }
        let args = self.list(Kind::Gt, |parser| {
            let label = parser.at_label() && parser.kind_ahead(1) == Kind::LParen;
            if label || parser.kind() == Kind::LParen {
                return parser.message(false).map(TArg::Sig);
            }
            match parser.literal()? {
                Some(literal) => Ok(TArg::Literal(literal)),
                None => parser.sort().map(TArg::Sort),
            }
        })?;
        self.expect_greater()?;
        Ok(args)
    }
}

//! Claims and traces.

use super::super::lexer::Kind;
use super::super::suggest;
use super::super::tree::{
    Check, Claim, Expected, Expr, How, Item, LRef, Name, Relation, Seen, TEvent, TEventKind, Trace,
};
use super::{Parsed, Parser, Reported, Wanted};
use crate::diag::Span;

impl Parser<'_, '_> {
    /// `S <: T;` or `safe(P);`, behind `check`.
    pub(super) fn check(&mut self, start: Span) -> Parsed<Item> {
        let claim = if self.at_name() && self.kind_ahead(1) == Kind::LParen {
            let name = self.name("a property")?;
            let open = self.open(Kind::LParen)?;
            let target = self.lref()?;
            let mut args = Vec::new();
            while self.eat(Kind::Comma) {
                args.push(self.expr()?);
            }
            self.close(Kind::RParen, open)?;
            Claim::Property { name, target, args }
        } else {
            let sub = self.lref()?;
            if sub.args.is_empty() && sub.role.is_none() && sub.name.parts.len() == 1 {
                self.wanted.push(Wanted::Kind(Kind::LParen));
            }
            self.expect(Kind::Sub)?;
            let relation = match self.word() {
                "sync" => Relation::Sync,
                "async" => Relation::Async,
                "fair" => Relation::Fair,
                _ => Relation::Default,
            };
            if relation != Relation::Default {
                self.bump();
            }
            Claim::Subtype { sub, relation, sup: self.lref()? }
        };
        let expected = if self.eat_word("is") { Some(self.verdict()?) } else { None };
        self.semicolon()?;
        Ok(Item::Check(Check { claim, expected, span: self.since(start) }))
    }

    fn verdict(&mut self) -> Parsed<Expected> {
        const VERDICTS: &[&str] = &["holds", "violated", "unknown"];
        let mut word = self.word();
        if !VERDICTS.contains(&word) {
            for verdict in VERDICTS {
                self.wanted.push(Wanted::Word(verdict));
            }
            self.report();
            word = suggest::nearest(word, VERDICTS).ok_or(Reported)?;
        }
        self.bump();
        Ok(match word {
            "holds" => Expected::Holds,
            "violated" => Expected::Violated,
            _ => Expected::Unknown,
        })
    }

    /// `a.P<3>@R`
    fn lref(&mut self) -> Parsed<LRef> {
        let start = self.here();
        let name = self.qname("a protocol, local type or system")?;
        let args = self.targs()?;
        let role = if self.eat(Kind::At) { Some(self.role()?) } else { None };
        Ok(LRef { name, args, role, span: self.since(start) })
    }

    /// `t accepts P { … }`, behind `trace`.
    pub(super) fn trace(&mut self, start: Span) -> Parsed<Item> {
        let name = self.name("a name")?;
        let accepts = self.eat_word("accepts");
        if !accepts {
            self.expect_word("rejects")?;
        }
        let target = self.lref()?;
        let seen = if self.eat_word("seen") {
            self.expect_word("at")?;
            Some(match self.word() {
                "once" => {
                    self.bump();
                    Seen::Once
                }
                "send" => {
                    self.bump();
                    Seen::Send
                }
                _ => Seen::Role(self.role()?),
            })
        } else {
            None
        };
        let slack = if self.eat_word("slack") { Some(self.duration()?) } else { None };
        let open = self.open(Kind::LBrace)?;
        let mut events = Vec::new();
        while !matches!(self.kind(), Kind::RBrace | Kind::End) && !self.at_item() {
            let (start, depth) = (self.at, self.depth);
            match self.trace_event() {
                Ok(event) => events.push(event),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_entry(start);
                }
            }
        }
        self.close(Kind::RBrace, open)?;
        Ok(Item::Trace(Trace { name, accepts, target, seen, slack, events, span: self.since(start) }))
    }

    fn trace_event(&mut self) -> Parsed<TEvent> {
        let start = self.here();
        let mut at = None;
        let kind = match self.word() {
            "crash" => {
                self.bump();
                TEventKind::Crash(self.role()?)
            }
            "timeout" => {
                self.bump();
                TEventKind::Timeout(self.role()?)
            }
            "end" => {
                self.bump();
                TEventKind::End
            }
            _ => {
                if !self.at_name() {
                    self.wanted.push(Wanted::Group("an event", &["crash", "timeout", "end"]));
                    return self.unexpected();
                }
                let left = self.role()?;
                let how = [(Kind::Arrow, How::Both), (Kind::Bang, How::Send), (Kind::Question, How::Receive)]
                    .into_iter()
                    .find(|&(kind, _)| self.eat(kind));
                let kind = match how {
                    Some((_, how)) => {
                        let right = self.role()?;
                        self.expect(Kind::Colon)?;
                        let label = self.label(true)?;
                        TEventKind::Message { left, how, right, label, args: self.trace_args()? }
                    }
                    None => {
                        self.expect(Kind::Colon)?;
                        let label = self.label(true)?;
                        TEventKind::Act { role: left, label, args: self.trace_args()? }
                    }
                };
                at = if self.eat_word("at") { Some(self.expr()?) } else { None };
                kind
            }
        };
        self.semicolon()?;
        Ok(TEvent { kind, at, span: self.since(start) })
    }

    /// `(x: 1, "a")`, or nothing.
    #[expect(clippy::type_complexity, reason = "the tree's own type")]
    fn trace_args(&mut self) -> Parsed<Option<Vec<(Option<Name>, Expr)>>> {
        if self.kind() != Kind::LParen {
            return Ok(None);
        }
        let open = self.open(Kind::LParen)?;
        let args = self.list(Kind::RParen, |parser| {
            let keyword = matches!(parser.word(), "true" | "false" | "null" | "not");
            let name = if parser.at_name() && parser.kind_ahead(1) == Kind::Colon && !keyword {
                let name = parser.name("a name")?;
                parser.bump();
                Some(name)
            } else {
                None
            };
            Ok((name, parser.expr()?))
        })?;
        self.close(Kind::RParen, open)?;
        Ok(Some(args))
    }
}

//! Local protocols, compact local types and systems.

use super::super::lexer::Kind;
use super::super::tree::{
    Attr, Inner, Item, LAct, LAction, LArm, LMix, LPrefix, LTail, LType, LocalProtocol, LocalType, Name, QName, Role,
    System,
};
use super::stmt::{Mode, OptStyle};
use super::{Parsed, Parser, Reported, Wanted};
use crate::diag::Span;

impl Parser<'_, '_> {
    /// `local protocol …` or `local type …`, behind `local`.
    pub(super) fn local(&mut self, attrs: Vec<Attr>, start: Span) -> Parsed<Item> {
        if self.eat_word("type") {
            return self.local_type(attrs, start).map(|local| Item::LocalType(Box::new(local)));
        }
        self.expect_word("protocol")?;
        self.local_protocol(attrs, start).map(|local| Item::LocalProtocol(Box::new(local)))
    }

    fn local_protocol(&mut self, attrs: Vec<Attr>, start: Span) -> Parsed<LocalProtocol> {
        let name = self.name("a name")?;
        let at = if self.eat_word("at") { Some(self.role()?) } else { None };
        let params = self.tparams()?;
        let open = self.open(Kind::LParen)?;
        let mut roles = vec![self.local_role()?];
        while self.eat(Kind::Comma) {
            roles.push(self.local_role()?);
        }
        self.close(Kind::RParen, open)?;
        let within = self.within()?;
        let open = self.open(Kind::LBrace)?;
        let mut vars = self.vars();
        let (body, late) = self.statements(Mode::Local, open);
        vars.extend(late);
        self.close(Kind::RBrace, open)?;
        Ok(LocalProtocol { attrs, name, at, params, roles, within, vars, body, span: self.since(start) })
    }

    /// `role A` or `self A`
    fn local_role(&mut self) -> Parsed<(Name, bool)> {
        if self.eat_word("self") {
            return Ok((self.name("a role")?, true));
        }
        self.expect_word("role")?;
        Ok((self.name("a role")?, false))
    }

    /// `in a.P`, or nothing.
    fn within(&mut self) -> Parsed<Option<QName>> {
        if self.eat_word("in") { self.qname("a protocol").map(Some) } else { Ok(None) }
    }

    fn local_type(&mut self, attrs: Vec<Attr>, start: Span) -> Parsed<LocalType> {
        let name = self.name("a name")?;
        self.expect_word("at")?;
        let at = self.role()?;
        let within = self.within()?;
        self.expect(Kind::Eq)?;
        let body = self.ltype()?;
        self.semicolon()?;
        Ok(LocalType { attrs, name, at, within, body, span: self.since(start) })
    }

    /// `system S(role A) { … }`, behind `system`.
    pub(super) fn system(&mut self, attrs: Vec<Attr>, start: Span) -> Parsed<System> {
        let name = self.name("a name")?;
        let params = self.tparams()?;
        let open = self.open(Kind::LParen)?;
        let roles = self.role_decls()?;
        self.close(Kind::RParen, open)?;
        let open = self.open(Kind::LBrace)?;
        let (mut items, mut types) = (Vec::new(), Vec::new());
        while !matches!(self.kind(), Kind::RBrace | Kind::End) && !self.at_item() {
            let (start, depth) = (self.at, self.depth);
            let entry = match self.word() {
                "var" => self.var().map(|var| items.push(Inner::Var(var))),
                "channel" => self.channel().map(|channel| items.push(Inner::Channel(channel))),
                _ => self.role_type().map(|entry| types.push(entry)),
            };
            if let Err(Reported) = entry {
                self.depth = depth;
                self.recover_entry(start);
            }
        }
        self.close(Kind::RBrace, open)?;
        Ok(System { attrs, name, params, roles, items, types, span: self.since(start) })
    }

    /// `A = T;`
    fn role_type(&mut self) -> Parsed<(Role, LType)> {
        let role = self.role()?;
        self.expect(Kind::Eq)?;
        let local = self.ltype()?;
        self.semicolon()?;
        Ok((role, local))
    }

    /// A compact local type. Chains are flat; parentheses around a single type vanish.
    pub(super) fn ltype(&mut self) -> Parsed<LType> {
        let start = self.here();
        self.deeper()?;
        let mut prefix = Vec::new();
        let tail = loop {
            let here = self.here();
            match self.kind() {
                Kind::Word if self.word() == "end" => {
                    self.bump();
                    break LTail::End(here);
                }
                Kind::Word if self.word() == "rec" => {
                    self.bump();
                    let name = self.name("a name")?;
                    let vars = self.rec_vars()?;
                    let span = self.since(here);
                    self.expect(Kind::Dot)?;
                    prefix.push(LPrefix::Rec { name, vars, span });
                }
                Kind::Word if self.word() == "states" && self.kind_ahead(1) == Kind::LBrace => {
                    self.bump();
                    break self.equations(here)?;
                }
                Kind::Word | Kind::Quoted => match self.action_or_variable()? {
                    Link::Action(action) => prefix.push(LPrefix::Action(action)),
                    Link::Tail(tail) => break tail,
                },
                Kind::LParen => {
                    let mut parts = self.parts()?;
                    if parts.len() > 1 {
                        break LTail::Par(parts, self.since(here));
                    }
                    // `(T)` is T.
                    let Some(only) = parts.pop() else { return Err(Reported) };
                    prefix.extend(only.prefix);
                    break only.tail;
                }
                kind @ (Kind::Plus | Kind::Amp | Kind::Star) => {
                    self.bump();
                    let mix = match kind {
                        Kind::Plus => LMix::Internal,
                        Kind::Amp => LMix::External,
                        _ => LMix::Mixed,
                    };
                    let open = self.open(Kind::LBrace)?;
                    let mut stop = None;
                    let arms = self.elements(|parser| {
                        let start = parser.here();
                        let ends = matches!(parser.kind_ahead(1), Kind::Comma | Kind::RBrace);
                        if parser.kind() == Kind::Word && parser.word() == "end" && ends {
                            parser.bump();
                            stop = Some(start);
                            return Ok(None);
                        }
                        let role = parser.role()?;
                        let act = parser.act()?;
                        parser.arm(role, act, start).map(Some)
                    });
                    self.close(Kind::RBrace, open)?;
                    let arms = arms.into_iter().flatten().collect();
                    let arms = self.some(arms, open, "an arm is expected between these braces")?;
                    break LTail::Mix(mix, arms, stop, self.since(here));
                }
                _ => {
                    self.wanted.push(Wanted::Group("a local type", &["end", "rec", "states"]));
                    return self.unexpected();
                }
            }
        };
        self.shallower();
        Ok(LType { prefix, tail, span: self.since(start) })
    }

    /// `Q!l().`, `Q!{ … }` or `X[e]`
    fn action_or_variable(&mut self) -> Parsed<Link> {
        let start = self.here();
        let name = self.name("a role or a recursion variable")?;
        let mut args = self.bracketed_exprs()?;
        let act = match self.kind() {
            Kind::Bang | Kind::Question | Kind::Colon if args.len() <= 1 => self.act()?,
            _ => {
                for kind in [Kind::Bang, Kind::Question] {
                    self.wanted.push(Wanted::Kind(kind));
                }
                return Ok(Link::Tail(LTail::Var { name, args }));
            }
        };
        let role = Role { name, index: args.pop().map(Box::new), span: self.since(start) };
        let role = Role {
            span: role.index.as_ref().map_or(role.name.span, |index| role.name.span.to(index.span.after())),
            ..role
        };
        if self.kind() != Kind::LBrace {
            let action = self.action(role, act, start)?;
            self.expect(Kind::Dot)?;
            return Ok(Link::Action(action));
        }
        let open = self.open(Kind::LBrace)?;
        let arms = self.elements(|parser| {
            let start = parser.here();
            parser.arm(role.clone(), act, start)
        });
        self.close(Kind::RBrace, open)?;
        let arms = self.some(arms, open, "an arm is expected between these braces")?;
        Ok(Link::Tail(LTail::Select(arms, self.since(start))))
    }

    fn act(&mut self) -> Parsed<LAct> {
        for (kind, act) in [(Kind::Bang, LAct::Send), (Kind::Question, LAct::Receive), (Kind::Colon, LAct::Act)] {
            if self.eat(kind) {
                return Ok(act);
            }
        }
        self.unexpected()
    }

    /// The message of an action and its options.
    fn action(&mut self, role: Role, act: LAct, start: Span) -> Parsed<LAction> {
        let message = self.message(false)?;
        let opts = self.opts(OptStyle::Parens)?;
        Ok(LAction { role, act, message, opts, span: self.since(start) })
    }

    /// `l(). T`, behind the role.
    fn arm(&mut self, role: Role, act: LAct, start: Span) -> Parsed<LArm> {
        let action = self.action(role, act, start)?;
        self.expect(Kind::Dot)?;
        Ok(LArm { action, then: self.ltype()? })
    }

    /// `(T1 || T2)`
    fn parts(&mut self) -> Parsed<Vec<LType>> {
        let open = self.open(Kind::LParen)?;
        let mut parts = vec![self.ltype()?];
        while self.eat(Kind::PipePipe) {
            parts.push(self.ltype()?);
        }
        self.close(Kind::RParen, open)?;
        Ok(parts)
    }

    /// `{ a = T1; b = T2; }`, behind `states`.
    fn equations(&mut self, start: Span) -> Parsed<LTail> {
        let open = self.open(Kind::LBrace)?;
        let mut states = Vec::new();
        while !matches!(self.kind(), Kind::RBrace | Kind::End) && (!self.at_item() || !self.first_on_line()) {
            let (start, depth) = (self.at, self.depth);
            match self.equation() {
                Ok(state) => states.push(state),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_entry(start);
                }
            }
        }
        self.close(Kind::RBrace, open)?;
        let states = self.some(states, open, "`states` needs at least one state")?;
        Ok(LTail::States(states, self.since(start)))
    }

    fn equation(&mut self) -> Parsed<(Name, LType)> {
        let name = self.name("a state")?;
        self.expect(Kind::Eq)?;
        let local = self.ltype()?;
        self.semicolon()?;
        Ok((name, local))
    }
}

/// A piece of a chain.
enum Link {
    Action(LAction),
    Tail(LTail),
}

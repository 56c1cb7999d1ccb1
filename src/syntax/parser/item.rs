//! Files and declarations.

use super::super::lexer::Kind;
use super::super::tree::{
    Attr, Channel, ChannelKind, Def, Expr, ExprKind, Extern, File, Foreign, ForeignKind, Import, Inner, Item, Protocol,
    RoleDecl, TParam, TParamKind, Text, TypeDecl,
};
use super::stmt::Mode;
use super::{Parsed, Parser, Reported, Wanted};
use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};

/// Words that begin a declaration.
pub(crate) const ITEM_WORDS: &[&str] = &[
    "protocol", "local", "system", "check", "trace", "type", "import", "def", "extern", "global", "aux", "explicit",
    "data", "sig", "module", "nested",
];

/// Words that begin a declaration inside a protocol, before its statements.
pub(crate) const INNER_WORDS: &[&str] = &["protocol", "nested", "global", "aux", "explicit", "channel", "var"];

impl Parser<'_, '_> {
    pub(super) fn file(&mut self) -> File {
        let mut file = File::default();
        if self.kind() == Kind::Pragma {
            file.pragma = Some(self.pragma());
        }
        if self.kind() == Kind::At && self.word_ahead(1) == "edition" {
            let start = self.at;
            match self.edition() {
                Ok(edition) => file.edition = Some(edition),
                Err(Reported) => self.recover_entry(start),
            }
        }
        if self.word() == "module" {
            let start = self.at;
            match self.module() {
                Ok(name) => file.module = Some(name),
                Err(Reported) => self.recover_entry(start),
            }
        }
        while self.kind() != Kind::End {
            let start = self.at;
            self.depth = 0;
            match self.item() {
                Ok(Some(item)) => file.items.push(item),
                Ok(None) => {}
                Err(Reported) => self.recover_item(start),
            }
        }
        file
    }

    fn pragma(&mut self) -> Text {
        let token = self.token();
        let text = self.slice(token);
        let inner = text.strip_prefix("(*#").and_then(|text| text.strip_suffix("#*)")).unwrap_or("");
        let pragma = Text { value: inner.into(), span: self.span_of(token) };
        self.bump();
        pragma
    }

    fn edition(&mut self) -> Parsed<Text> {
        self.bump();
        self.bump();
        let open = self.open(Kind::LParen)?;
        let edition = self.string()?;
        self.close(Kind::RParen, open)?;
        self.semicolon()?;
        Ok(edition)
    }

    fn module(&mut self) -> Parsed<super::super::tree::QName> {
        self.bump();
        let name = self.qname("a module")?;
        self.semicolon()?;
        Ok(name)
    }

    /// One declaration; `None` if there was something else, which was reported and consumed.
    fn item(&mut self) -> Parsed<Option<Item>> {
        match self.kind() {
            Kind::RBrace => {
                self.unmatched();
                return Ok(None);
            }
            Kind::Pragma => {
                self.misplaced("a pragma stands at the very beginning of a file");
                self.bump();
                return Ok(None);
            }
            Kind::At if self.word_ahead(1) == "edition" => {
                self.misplaced("the edition stands before `module` and all declarations");
                self.edition()?;
                return Ok(None);
            }
            _ => {}
        }
        if self.word() == "module" {
            self.misplaced("`module` stands before all declarations");
            self.module()?;
            return Ok(None);
        }
        let start = self.here();
        let attrs = self.attrs()?;
        let mut word = self.word();
        if !ITEM_WORDS.contains(&word) {
            self.wanted.push(Wanted::Group("a declaration", ITEM_WORDS));
            self.report();
            word = super::super::suggest::nearest(word, ITEM_WORDS).ok_or(Reported)?;
        }
        if let Some(attr) = attrs.first()
            && !matches!(word, "protocol" | "global" | "aux" | "explicit" | "nested" | "local" | "system")
        {
            let span = attr.span;
            self.sink.push(|| {
                Diagnostic::new(code::STRAY_ATTRIBUTE, span, "this attribute belongs to nothing")
                    .help("attributes stand before protocols, local types and systems")
            });
        }
        if matches!(word, "protocol" | "global" | "aux" | "explicit" | "nested") {
            return self.protocol(attrs, start).map(|protocol| Some(Item::Protocol(Box::new(protocol))));
        }
        self.bump();
        let item = match word {
            "import" => {
                let name = self.qname("a module")?;
                let alias = if self.eat_word("as") { Some(self.name("a name")?) } else { None };
                self.semicolon()?;
                Item::Import(Import { name, alias, span: self.since(start) })
            }
            "type" if self.kind() != Kind::Lt => {
                let name = self.name("a name")?;
                let params = self.tparams()?;
                self.expect(Kind::Eq)?;
                let sort = self.sort()?;
                self.semicolon()?;
                Item::Type(TypeDecl { name, params, sort, span: self.since(start) })
            }
            "type" => self.foreign(ForeignKind::Type, start)?,
            "data" => self.foreign(ForeignKind::Data, start)?,
            "sig" => self.foreign(ForeignKind::Sig, start)?,
            "extern" => {
                self.expect_word("predicate")?;
                let name = self.name("a name")?;
                let open = self.open(Kind::LParen)?;
                let sorts = self.list(Kind::RParen, Self::sort)?;
                self.close(Kind::RParen, open)?;
                self.semicolon()?;
                Item::Extern(Extern { name, sorts, span: self.since(start) })
            }
            "def" => {
                let name = self.name("a name")?;
                let open = self.open(Kind::LParen)?;
                let params = self.list(Kind::RParen, |parser| {
                    let name = parser.name("a name")?;
                    parser.expect(Kind::Colon)?;
                    Ok((name, parser.sort()?))
                })?;
                self.close(Kind::RParen, open)?;
                self.expect(Kind::Eq)?;
                let body = self.expr()?;
                self.semicolon()?;
                Item::Def(Def { name, params, body, span: self.since(start) })
            }
            "local" => self.local(attrs, start)?,
            "system" => Item::System(Box::new(self.system(attrs, start)?)),
            "check" => self.check(start)?,
            _ => self.trace(start)?,
        };
        Ok(Some(item))
    }

    fn misplaced(&mut self, text: &'static str) {
        self.complain(|parser| Diagnostic::new(code::MISPLACED, parser.here(), text));
    }

    fn foreign(&mut self, kind: ForeignKind, start: Span) -> Parsed<Item> {
        self.expect(Kind::Lt)?;
        let schema = self.name("a language")?;
        self.expect(Kind::Gt)?;
        let external = self.string()?;
        self.expect_word("from")?;
        let source = self.string()?;
        self.expect_word("as")?;
        let name = self.label(false)?;
        self.semicolon()?;
        Ok(Item::Foreign(Foreign { kind, schema, external, source, name, span: self.since(start) }))
    }

    /// `@name(literal, …)` …
    fn attrs(&mut self) -> Parsed<Vec<Attr>> {
        let mut attrs = Vec::new();
        while self.kind() == Kind::At {
            let start = self.here();
            self.bump();
            let name = self.name("an attribute")?;
            let args = if self.kind() == Kind::LParen {
                let open = self.open(Kind::LParen)?;
                let args = self.list(Kind::RParen, Self::attr_arg)?;
                self.close(Kind::RParen, open)?;
                args
            } else {
                Vec::new()
            };
            attrs.push(Attr { name, args, span: self.since(start) });
        }
        Ok(attrs)
    }

    /// A literal, or the name of a role or field.
    fn attr_arg(&mut self) -> Parsed<Expr> {
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        let name = self.name("a literal or a name")?;
        let span = name.span;
        Ok(Expr { kind: ExprKind::Name(name), span })
    }

    /// A protocol from its first modifier on; attributes were read before.
    pub(super) fn protocol(&mut self, attrs: Vec<Attr>, start: Span) -> Parsed<Protocol> {
        let (mut aux, mut explicit) = (false, false);
        loop {
            match self.word() {
                "aux" => aux = true,
                "explicit" => explicit = true,
                _ => break,
            }
            self.bump();
        }
        let nested = self.word() == "nested";
        if nested {
            self.bump();
            self.expect_word("protocol")?;
        } else if self.word() == "global" {
            self.bump();
            self.eat_word("protocol");
        } else if self.word() == "protocol" {
            self.bump();
        } else {
            self.wanted.push(Wanted::Word("global"));
            self.expect_word("protocol")?;
        }
        let name = self.name("a protocol")?;
        let params = self.tparams()?;
        let open = self.open(Kind::LParen)?;
        let roles = self.role_decls()?;
        let mut new_roles = Vec::new();
        if self.eat(Kind::Semi) {
            self.expect_word("new")?;
            new_roles = self.role_decls()?;
        }
        self.close(Kind::RParen, open)?;
        let annotation = self.annotation()?;
        let open = self.open(Kind::LBrace)?;
        self.deeper()?;
        let mut items = self.inner_items();
        let (body, late) = self.statements(Mode::Global, open);
        items.extend(late.into_iter().map(Inner::Var));
        // What is inside was read: a missing brace is reported and the protocol kept.
        let _ = self.close(Kind::RBrace, open);
        self.shallower();
        let span = self.since(start);
        Ok(Protocol { attrs, aux, explicit, nested, name, params, roles, new_roles, annotation, items, body, span })
    }

    /// Declarations before the statements of a protocol.
    pub(super) fn inner_items(&mut self) -> Vec<Inner> {
        let mut items = Vec::new();
        loop {
            let attributed = self.kind() == Kind::At;
            if !attributed && !INNER_WORDS.contains(&self.word()) {
                return items;
            }
            let (start, depth) = (self.at, self.depth);
            match self.inner_item() {
                Ok(item) => items.push(item),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_statement(start, Mode::Global);
                }
            }
            if matches!(self.kind(), Kind::RBrace | Kind::End) {
                return items;
            }
        }
    }

    fn inner_item(&mut self) -> Parsed<Inner> {
        let start = self.here();
        match self.word() {
            "var" => self.var().map(Inner::Var),
            "channel" => self.channel().map(Inner::Channel),
            _ => {
                let attrs = self.attrs()?;
                self.protocol(attrs, start).map(|protocol| Inner::Protocol(Box::new(protocol)))
            }
        }
    }

    /// `channel A -> B: kind;`
    pub(super) fn channel(&mut self) -> Parsed<Channel> {
        const KINDS: &[&str] = &["fifo", "bounded", "sync", "lossy", "latest"];
        let start = self.here();
        self.expect_word("channel")?;
        let from = self.role()?;
        self.expect(Kind::Arrow)?;
        let to = self.role()?;
        self.expect(Kind::Colon)?;
        let mut word = self.word();
        if !KINDS.contains(&word) {
            for kind in KINDS {
                self.wanted.push(Wanted::Word(kind));
            }
            self.report();
            word = super::super::suggest::nearest(word, KINDS).ok_or(Reported)?;
        }
        self.bump();
        let kind = match word {
            "bounded" => {
                let open = self.open(Kind::LParen)?;
                let bound = self.expr()?;
                self.close(Kind::RParen, open)?;
                ChannelKind::Bounded(bound)
            }
            "sync" => ChannelKind::Sync,
            "lossy" => ChannelKind::Lossy,
            "latest" => ChannelKind::Latest,
            _ => ChannelKind::Fifo,
        };
        self.semicolon()?;
        Ok(Channel { from, to, kind, span: self.since(start) })
    }

    /// `<type T, const N: int>`, or nothing.
    pub(super) fn tparams(&mut self) -> Parsed<Vec<TParam>> {
        if !self.eat_less() {
            return Ok(Vec::new());
        }
        let params = self.list(Kind::Gt, |parser| {
            let start = parser.here();
            let word = ["type", "data", "sig", "const"].into_iter().find(|&word| parser.eat_word(word));
            let Some(word) = word else { return parser.unexpected() };
            let name = parser.name("a name")?;
            let kind = match word {
                "type" => TParamKind::Type,
                "data" => TParamKind::Data,
                "sig" => TParamKind::Sig,
                _ => {
                    parser.expect(Kind::Colon)?;
                    TParamKind::Const(parser.sort()?)
                }
            };
            Ok(TParam { kind, name, span: parser.since(start) })
        })?;
        self.expect_greater()?;
        Ok(params)
    }

    /// `role A, unreliable role W[N]`, at least one.
    pub(super) fn role_decls(&mut self) -> Parsed<Vec<RoleDecl>> {
        let mut roles = vec![self.role_decl()?];
        while self.eat(Kind::Comma) {
            roles.push(self.role_decl()?);
        }
        Ok(roles)
    }

    fn role_decl(&mut self) -> Parsed<RoleDecl> {
        let start = self.here();
        let unreliable = self.eat_word("unreliable");
        self.eat_word("role");
        let name = self.name("a role")?;
        let size = self.index()?.map(|size| *size);
        Ok(RoleDecl { unreliable, name, size, span: self.since(start) })
    }

    /// `[e]`, or nothing.
    pub(super) fn index(&mut self) -> Parsed<Option<Box<Expr>>> {
        if self.kind() != Kind::LBracket {
            return Ok(None);
        }
        let open = self.open(Kind::LBracket)?;
        let index = self.expr()?;
        self.close(Kind::RBracket, open)?;
        Ok(Some(Box::new(index)))
    }
}

//! Blocks and statements, global and local; messages' options.

use super::super::lexer::Kind;
use super::super::suggest;
use super::super::tree::{
    Block, Branch, Handler, HandlerKind, Interleave, Key, KeyMode, Message, Name, Opt, OptKind, RecVar, Role, Stmt,
    StmtKind, Var,
};
use super::{Parsed, Parser, Reported, Wanted};
use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};

/// Whether statements are of all roles or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Global,
    Local,
}

/// Words that begin a statement of a global protocol.
pub(crate) const GLOBAL_WORDS: &[&str] = &[
    "choice",
    "rec",
    "states",
    "continue",
    "do",
    "par",
    "during",
    "try",
    "interruptible",
    "foreach",
    "connect",
    "disconnect",
    "wrap",
    "assert",
];

/// Words that begin a statement of a local protocol.
pub(crate) const LOCAL_WORDS: &[&str] =
    &["choice", "rec", "states", "continue", "do", "par", "during", "try", "assert"];

/// Words that begin an option.
pub(crate) const OPTION_WORDS: &[&str] =
    &["where", "set", "requires", "within", "every", "idempotent", "unique", "may"];

/// Words that may be meant where a statement is expected but none of ours begins.
const MEANT_GLOBAL: &[&str] = &[
    "choice",
    "rec",
    "states",
    "continue",
    "do",
    "par",
    "during",
    "try",
    "interruptible",
    "foreach",
    "connect",
    "disconnect",
    "wrap",
    "assert",
    "or",
    "and",
    "on",
    "interleave",
];

/// Conditions and effects with expressions as they are, or in parentheses, as compact local types need them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OptStyle {
    Open,
    Parens,
}

impl Mode {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Global => GLOBAL_WORDS,
            Self::Local => LOCAL_WORDS,
        }
    }
}

impl Parser<'_, '_> {
    /// Whether a keyword of a statement stands here and what follows does not make it a label or role for certain.
    pub(super) fn at_statement_word(&self, mode: Mode) -> bool {
        mode.words().contains(&self.word())
    }

    /// `{ var … stmt … }`
    pub(super) fn block(&mut self, mode: Mode) -> Parsed<Block> {
        let open = self.open(Kind::LBrace)?;
        self.deeper()?;
        let mut vars = self.vars();
        let (stmts, late) = self.statements(mode, open);
        vars.extend(late);
        self.close(Kind::RBrace, open)?;
        self.shallower();
        Ok(Block { vars, stmts, span: self.since(open) })
    }

    /// `var x: int = 0;` …
    pub(super) fn vars(&mut self) -> Vec<Var> {
        let mut vars = Vec::new();
        while self.word() == "var" {
            let (start, depth) = (self.at, self.depth);
            match self.var() {
                Ok(var) => vars.push(var),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_entry(start);
                }
            }
        }
        vars
    }

    pub(super) fn var(&mut self) -> Parsed<Var> {
        let start = self.here();
        self.expect_word("var")?;
        let name = self.keyword_as_name("var", start)?;
        let roles = if self.eat_less() {
            let roles = self.list(Kind::Gt, Self::role)?;
            self.expect_greater()?;
            Some(roles)
        } else {
            None
        };
        self.expect(Kind::Colon)?;
        let sort = self.sort()?;
        self.expect(Kind::Eq)?;
        let value = self.expr()?;
        self.semicolon()?;
        Ok(Var { name, roles, sort, value, span: self.since(start) })
    }

    /// A name behind a keyword. If something else follows, the keyword may have been meant as a name.
    fn keyword_as_name(&mut self, word: &'static str, at: Span) -> Parsed<Name> {
        self.require_name(word, at)?;
        self.name("a name")
    }

    fn require_name(&mut self, word: &'static str, at: Span) -> Parsed<()> {
        if !self.at_name() {
            self.wanted.push(Wanted::Group("a name", &[]));
            return self.keyword_misplaced(word, at);
        }
        Ok(())
    }

    /// Reports what follows a keyword, with a word on backquotes if the keyword may have been meant as a name.
    fn keyword_misplaced<T>(&mut self, word: &'static str, at: Span) -> Parsed<T> {
        let name_like = matches!(self.kind(), Kind::LParen | Kind::Arrow | Kind::Colon | Kind::Bang | Kind::Question)
            || matches!(self.word(), "from" | "to");
        self.complain(|parser| {
            let found = Diagnostic::new(code::UNEXPECTED, parser.here(), parser.expectation());
            if name_like {
                found
                    .label(at, format!("`{word}` is a keyword here"))
                    .help(format!("write `` `{word}` `` in backquotes if it is a name"))
            } else {
                parser.with_help(found)
            }
        });
        Err(Reported)
    }

    /// Statements up to the closing brace, which stays; and variables declared too late.
    pub(super) fn statements(&mut self, mode: Mode, open: Span) -> (Vec<Stmt>, Vec<Var>) {
        let mut stmts = Vec::new();
        let mut late = Vec::new();
        loop {
            if matches!(self.kind(), Kind::RBrace | Kind::End) {
                break;
            }
            if self.at_item() {
                self.unclosed(open);
                break;
            }
            let (start, depth) = (self.at, self.depth);
            match self.statement(mode, &mut late) {
                Ok(Some(stmt)) => stmts.push(stmt),
                Ok(None) => {}
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_statement(start, mode);
                }
            }
        }
        (stmts, late)
    }

    /// One statement; `None` if it was reported and is to be left out.
    fn statement(&mut self, mode: Mode, late: &mut Vec<Var>) -> Parsed<Option<Stmt>> {
        let start = self.here();
        let mut word = self.word();
        if !mode.words().contains(&word) {
            if self.late_declaration(late)? {
                return Ok(None);
            }
            match self.misspelt(mode)? {
                Some(meant) => word = meant,
                None => return self.transfer(mode),
            }
        }
        self.bump();
        let kind = match word {
            "choice" => self.choice(mode, start)?,
            "rec" => self.rec(mode, start)?,
            "states" => self.states(mode)?,
            "continue" => {
                let name = self.keyword_as_name("continue", start)?;
                let args = self.bracketed_exprs()?;
                self.semicolon()?;
                StmtKind::Continue { name, args, annotation: self.annotation()? }
            }
            "do" => self.instance(start)?,
            "par" => {
                let mut parts = vec![self.block(mode)?];
                while self.eat_word("and") {
                    parts.push(self.block(mode)?);
                }
                StmtKind::Par { parts }
            }
            "during" => self.during(mode)?,
            "try" => self.attempt(mode)?,
            "interruptible" => self.interruptible(mode)?,
            "foreach" => {
                let name = self.keyword_as_name("foreach", start)?;
                self.expect_word("in")?;
                let from = self.expr()?;
                self.expect(Kind::DotDot)?;
                let to = self.expr()?;
                StmtKind::Foreach { name, from, to, body: self.block(mode)? }
            }
            "connect" => {
                self.require_name("connect", start)?;
                self.connect(None)?
            }
            "disconnect" => {
                self.require_name("disconnect", start)?;
                let left = self.role()?;
                self.expect_word("and")?;
                let right = self.role()?;
                self.semicolon()?;
                StmtKind::Disconnect { left, right }
            }
            "wrap" => {
                self.require_name("wrap", start)?;
                let from = self.role()?;
                self.expect_word("to")?;
                let to = self.role()?;
                self.semicolon()?;
                StmtKind::Wrap { from, to }
            }
            _ => {
                let condition = self.expr()?;
                self.semicolon()?;
                StmtKind::Assert(condition)
            }
        };
        Ok(Some(Stmt { kind, span: self.since(start) }))
    }

    /// `var`, `channel` and nested protocols stand before all statements; later ones are read, and reported.
    fn late_declaration(&mut self, late: &mut Vec<Var>) -> Parsed<bool> {
        let name = |ahead: usize, parser: &Self| matches!(parser.kind_ahead(ahead), Kind::Word | Kind::Quoted);
        let what = match self.word() {
            "var" if name(1, self) && matches!(self.kind_ahead(2), Kind::Colon | Kind::Lt | Kind::LtGt) => "a variable",
            "channel" if name(1, self) && matches!(self.kind_ahead(2), Kind::Arrow | Kind::LBracket) => "a channel",
            "nested" if self.word_ahead(1) == "protocol" => "a nested protocol",
            _ => return Ok(false),
        };
        self.complain(|parser| {
            Diagnostic::new(code::LATE, parser.here(), format!("{what} is declared behind a statement"))
                .help("declarations stand at the beginning of a block")
        });
        match what {
            "a variable" => late.push(self.var()?),
            "a channel" => drop(self.channel()?),
            _ => drop(self.protocol(Vec::new(), self.here())?),
        }
        Ok(true)
    }

    /// Whether the word here cannot be a role or label by what follows; reports it then. The keyword that was meant,
    /// if it is one that begins a statement.
    fn misspelt(&mut self, mode: Mode) -> Parsed<Option<&'static str>> {
        if self.kind() != Kind::Word {
            return Ok(None);
        }
        let follows = match self.kind_ahead(1) {
            Kind::LParen | Kind::Dot | Kind::Arrow | Kind::Colon | Kind::Bang | Kind::Question | Kind::LBracket => true,
            Kind::Word => matches!(self.word_ahead(1), "from" | "to" | "connect" | "calls"),
            _ => false,
        };
        // Asked first: nearly every statement begins like this, and suggestions are slow.
        if follows {
            return Ok(None);
        }
        let known = MEANT_GLOBAL.contains(&self.word());
        let meant = if known { Some("") } else { suggest::nearest(self.word(), MEANT_GLOBAL) };
        let Some(meant) = meant else { return Ok(None) };
        self.wanted.push(Wanted::Group("a statement", MEANT_GLOBAL));
        self.report();
        if mode.words().contains(&meant) { Ok(Some(meant)) } else { Err(Reported) }
    }

    /// A message in any of its forms, a local action or a call.
    fn transfer(&mut self, mode: Mode) -> Parsed<Option<Stmt>> {
        let start = self.here();
        if !self.at_label() && self.kind() != Kind::LParen {
            self.wanted.push(Wanted::Group("a statement", mode.words()));
            return self.unexpected();
        }
        let role = self.at_name()
            && match self.kind_ahead(1) {
                Kind::LBracket | Kind::Arrow | Kind::Colon | Kind::Bang | Kind::Question => true,
                _ => self.word_ahead(1) == "calls",
            };
        let (kind, made_for) = if role { self.led_by_role(mode)? } else { self.led_by_message(mode)? };
        let span = self.since(start);
        if made_for.is_some_and(|made_for| made_for != mode) {
            let (text, help) = match mode {
                Mode::Local => (
                    "a local protocol says only what its own role does",
                    "name one peer: `l() to B;` or `B!l();` sends, `l() from B;` or `B?l();` receives",
                ),
                Mode::Global => {
                    ("a global protocol names both ends of a message", "write `A -> B: l();` or `l() from A to B;`")
                }
            };
            self.sink.push(|| Diagnostic::new(code::WRONG_SIDE, span, text).help(help));
            return Ok(None);
        }
        Ok(Some(Stmt { kind, span }))
    }

    /// `A -> B: …`, `A: …`, `A calls …`, `A!…`, `A?…`
    fn led_by_role(&mut self, mode: Mode) -> Parsed<(StmtKind, Option<Mode>)> {
        let role = self.role()?;
        if self.eat(Kind::Arrow) {
            let to = self.roles()?;
            self.expect(Kind::Colon)?;
            if self.kind() == Kind::LBrace {
                let arms = self.branches(mode)?;
                return Ok((StmtKind::Branches { from: role, to, arms }, Some(Mode::Global)));
            }
            let (message, opts) = self.message_with_opts()?;
            self.semicolon()?;
            let annotation = self.annotation()?;
            return Ok((StmtKind::Message { from: role, to, message, opts, annotation }, Some(Mode::Global)));
        }
        if self.eat(Kind::Colon) {
            let (message, opts) = self.message_with_opts()?;
            self.semicolon()?;
            return Ok((StmtKind::Act { role, message, opts }, None));
        }
        if self.eat_word("calls") {
            let protocol = self.name("a protocol")?;
            let roles = self.role_args()?;
            self.semicolon()?;
            let annotation = self.annotation()?;
            return Ok((StmtKind::Calls { caller: role, protocol, roles, annotation }, Some(Mode::Global)));
        }
        if self.eat(Kind::Bang) {
            let (message, opts) = self.message_with_opts()?;
            self.semicolon()?;
            return Ok((StmtKind::Send { to: vec![role], message, opts }, Some(Mode::Local)));
        }
        if self.eat(Kind::Question) {
            let (message, opts) = self.message_with_opts()?;
            self.semicolon()?;
            return Ok((StmtKind::Receive { from: role, message, opts }, Some(Mode::Local)));
        }
        self.unexpected()
    }

    /// `l() from A to B;`, `l() connect A to B;`, `l() to B;`, `l() from A;`
    fn led_by_message(&mut self, mode: Mode) -> Parsed<(StmtKind, Option<Mode>)> {
        let message = self.message(true)?;
        if mode == Mode::Global && self.eat_word("connect") {
            return Ok((self.connect(Some(message))?, Some(Mode::Global)));
        }
        if self.eat_word("from") {
            let from = self.role()?;
            if (mode == Mode::Global && self.opts_end()) || (mode == Mode::Local && self.word() != "to") {
                // In a global protocol this is wrong, yet a whole statement of a local one.
                let opts = self.opts(OptStyle::Open)?;
                if mode == Mode::Local || self.kind() == Kind::Semi {
                    self.semicolon()?;
                    return Ok((StmtKind::Receive { from, message, opts }, Some(Mode::Local)));
                }
            }
            self.expect_word("to")?;
            let to = self.roles()?;
            let opts = self.opts(OptStyle::Open)?;
            self.semicolon()?;
            let annotation = self.annotation()?;
            return Ok((StmtKind::Message { from, to, message, opts, annotation }, Some(Mode::Global)));
        }
        if self.word() == "to" {
            self.bump();
            let to = self.roles()?;
            let opts = self.opts(OptStyle::Open)?;
            self.semicolon()?;
            return Ok((StmtKind::Send { to, message, opts }, Some(Mode::Local)));
        }
        if mode == Mode::Local {
            self.wanted.push(Wanted::Word("to"));
        }
        if message.payload.is_none() {
            for kind in [Kind::Arrow, Kind::Colon] {
                self.wanted.push(Wanted::Kind(kind));
            }
        }
        self.unexpected()
    }

    /// Whether an option or a semicolon comes next.
    fn opts_end(&self) -> bool {
        self.kind() == Kind::Semi || OPTION_WORDS.contains(&self.word())
    }

    fn message_with_opts(&mut self) -> Parsed<(Message, Vec<Opt>)> {
        let message = self.message(true)?;
        let opts = self.opts(OptStyle::Open)?;
        Ok((message, opts))
    }

    /// `{ l1() => { … }, l2() }`
    fn branches(&mut self, mode: Mode) -> Parsed<Vec<Branch>> {
        let open = self.open(Kind::LBrace)?;
        self.deeper()?;
        let arms = self.elements(|parser| {
            let start = parser.here();
            let (message, opts) = parser.message_with_opts()?;
            let then = if parser.eat(Kind::FatArrow) { Some(parser.block(mode)?) } else { None };
            Ok(Branch { message, opts, then, span: parser.since(start) })
        });
        self.close(Kind::RBrace, open)?;
        self.shallower();
        let arms = self.some(arms, open, "a message is expected between these braces");
        // `A -> B: {…};` is common and means the same.
        self.eat(Kind::Semi);
        arms
    }

    /// Elements with commas up to a brace, which stays; errors in one leave the others.
    pub(super) fn elements<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Vec<T> {
        let mut list = Vec::new();
        while !matches!(self.kind(), Kind::RBrace | Kind::End) {
            if self.at_item() && self.first_on_line() {
                break;
            }
            let (start, depth) = (self.at, self.depth);
            let done = match one(self) {
                Ok(element) => {
                    list.push(element);
                    let comma = self.eat(Kind::Comma);
                    if !comma && self.kind() != Kind::RBrace {
                        self.wanted.push(Wanted::Kind(Kind::RBrace));
                        self.report_element();
                        Err(Reported)
                    } else {
                        Ok(())
                    }
                }
                Err(Reported) => Err(Reported),
            };
            if done.is_err() {
                self.depth = depth;
                self.recover_element(start);
            }
        }
        list
    }

    /// A missing comma is reported unless the text ends here: then the brace is.
    fn report_element(&mut self) {
        if self.kind() != Kind::End {
            self.report();
        }
    }

    /// Nothing where at least one is needed is an error, unless one was reported there.
    pub(super) fn some<T>(&mut self, list: Vec<T>, open: Span, text: &'static str) -> Parsed<Vec<T>> {
        if !list.is_empty() {
            return Ok(list);
        }
        let span = self.since(open);
        let inside = self.text.get(open.end as usize..span.end.saturating_sub(1) as usize).unwrap_or("");
        if inside.trim().is_empty() {
            self.sink.push(|| Diagnostic::new(code::EMPTY, span, text));
        }
        Err(Reported)
    }

    fn choice(&mut self, mode: Mode, start: Span) -> Parsed<StmtKind> {
        if self.word() != "at" && self.kind() != Kind::Word {
            self.wanted.push(Wanted::Word("at"));
            return self.keyword_misplaced("choice", start);
        }
        self.expect_word("at")?;
        let at = self.role()?;
        let mut arms = vec![self.block(mode)?];
        while self.eat_word("or") {
            arms.push(self.block(mode)?);
        }
        Ok(StmtKind::Choice { at, arms })
    }

    fn rec(&mut self, mode: Mode, start: Span) -> Parsed<StmtKind> {
        let name = self.keyword_as_name("rec", start)?;
        let vars = self.rec_vars()?;
        Ok(StmtKind::Rec { name, vars, body: self.block(mode)? })
    }

    /// `[v<R>: int = 0, …]`, or nothing.
    pub(super) fn rec_vars(&mut self) -> Parsed<Vec<RecVar>> {
        if self.kind() != Kind::LBracket {
            self.wanted.push(Wanted::Kind(Kind::LBracket));
            return Ok(Vec::new());
        }
        let open = self.open(Kind::LBracket)?;
        let vars = self.list(Kind::RBracket, |parser| {
            let name = parser.name("a variable")?;
            if !parser.eat_less() {
                return parser.unexpected();
            }
            let roles = parser.list(Kind::Gt, Self::role)?;
            parser.expect_greater()?;
            parser.expect(Kind::Colon)?;
            let mut parens = Vec::new();
            while parser.kind() == Kind::LParen {
                parens.push(parser.open(Kind::LParen)?);
            }
            let inner = if parser.at_name() && parser.kind_ahead(1) == Kind::Colon {
                let inner = parser.name("a name")?;
                parser.expect(Kind::Colon)?;
                Some(inner)
            } else {
                None
            };
            while parser.kind() == Kind::LParen {
                parens.push(parser.open(Kind::LParen)?);
            }
            let sort = parser.sort()?;
            while let Some(open) = parens.pop() {
                parser.close(Kind::RParen, open)?;
            }
            parser.expect(Kind::Eq)?;
            let value = parser.expr()?;
            let span = parser.since(name.span);
            Ok(RecVar { name, roles, inner, sort, value, span })
        })?;
        self.close(Kind::RBracket, open)?;
        Ok(vars)
    }

    /// `states { a { … } b { … } }`, behind the keyword.
    fn states(&mut self, mode: Mode) -> Parsed<StmtKind> {
        let open = self.open(Kind::LBrace)?;
        self.deeper()?;
        let mut blocks = Vec::new();
        while !matches!(self.kind(), Kind::RBrace | Kind::End) && !self.at_item() {
            let (start, depth) = (self.at, self.depth);
            match self.name("a state").and_then(|name| Ok((name, self.block(mode)?))) {
                Ok(block) => blocks.push(block),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_statement(start, mode);
                }
            }
        }
        self.close(Kind::RBrace, open)?;
        self.shallower();
        let blocks = self.some(blocks, open, "`states` needs at least one state")?;
        Ok(StmtKind::States { blocks })
    }

    /// `l: a.P<…>(A, B);`, behind `do`.
    fn instance(&mut self, start: Span) -> Parsed<StmtKind> {
        self.require_name("do", start)?;
        let label = if self.kind_ahead(1) == Kind::Colon {
            let label = self.name("a name")?;
            self.bump();
            Some(label)
        } else {
            None
        };
        let protocol = self.qname("a protocol")?;
        let args = self.targs()?;
        let roles = self.role_args()?;
        self.semicolon()?;
        Ok(StmtKind::Do { label, protocol, args, roles, annotation: self.annotation()? })
    }

    fn during(&mut self, mode: Mode) -> Parsed<StmtKind> {
        let opts = self.opts(OptStyle::Open)?;
        let main = if self.kind() == Kind::LBrace { Some(self.block(mode)?) } else { None };
        let mut rounds = Vec::new();
        let mut start = self.here();
        self.expect_word("interleave")?;
        loop {
            rounds.push(self.interleave(mode, start)?);
            start = self.here();
            if !self.eat_word("interleave") {
                return Ok(StmtKind::During { opts, main, rounds });
            }
        }
    }

    fn interleave(&mut self, mode: Mode, start: Span) -> Parsed<Interleave> {
        let keyword = self.word() == "each" || OPTION_WORDS.contains(&self.word());
        let name = if self.at_name() && !keyword { Some(self.name("a name")?) } else { None };
        let mut keys = Vec::new();
        if self.eat_word("each") {
            if self.kind() == Kind::LParen {
                let open = self.open(Kind::LParen)?;
                keys.push(self.key()?);
                while self.eat(Kind::Comma) {
                    keys.push(self.key()?);
                }
                self.close(Kind::RParen, open)?;
            } else {
                keys.push(self.key()?);
            }
        }
        let opts = self.opts(OptStyle::Open)?;
        let body = self.block(mode)?;
        Ok(Interleave { name, keys, opts, body, span: self.since(start) })
    }

    fn key(&mut self) -> Parsed<Key> {
        let name = self.name("a key")?;
        self.expect(Kind::Colon)?;
        let sort = self.base()?;
        let mode = if self.eat_word("reusable") {
            KeyMode::Reusable
        } else if self.eat_word("rising") {
            KeyMode::Rising
        } else {
            KeyMode::Once
        };
        let span = self.since(name.span);
        Ok(Key { name, sort, mode, span })
    }

    /// `{ … } on event { … }`, behind `try`.
    fn attempt(&mut self, mode: Mode) -> Parsed<StmtKind> {
        let body = self.block(mode)?;
        let mut handlers = Vec::new();
        self.expect_word("on")?;
        loop {
            let handler = self.handler()?;
            handlers.push((handler, self.block(mode)?));
            if !self.eat_word("on") {
                return Ok(StmtKind::Try { body, handlers });
            }
        }
    }

    fn handler(&mut self) -> Parsed<Handler> {
        const EVENTS: &[&str] = &["timeout", "idle", "deadline", "crash", "interrupt"];
        let start = self.here();
        let mut word = self.word();
        if !EVENTS.contains(&word) {
            self.wanted.push(Wanted::Group("an event such as `timeout` or `crash`", EVENTS));
            self.report();
            word = suggest::nearest(word, EVENTS).ok_or(Reported)?;
        }
        self.bump();
        let kind = match word {
            "timeout" | "idle" | "deadline" => {
                let duration = self.duration()?;
                self.expect_word("at")?;
                let role = self.role()?;
                match word {
                    "timeout" => HandlerKind::Timeout(duration, role),
                    "idle" => HandlerKind::Idle(duration, role),
                    _ => HandlerKind::Deadline(duration, role),
                }
            }
            "crash" => HandlerKind::Crash(self.role()?),
            _ => {
                let (message, opts, role) = self.interruption()?;
                HandlerKind::Interrupt(message, opts, role)
            }
        };
        Ok(Handler { kind, span: self.since(start) })
    }

    /// `m() opts by R`
    fn interruption(&mut self) -> Parsed<(Message, Vec<Opt>, Role)> {
        let (message, opts) = self.message_with_opts()?;
        self.expect_word("by")?;
        Ok((message, opts, self.role()?))
    }

    /// `name { … } with { m() by R; }`, behind `interruptible`.
    fn interruptible(&mut self, mode: Mode) -> Parsed<StmtKind> {
        let name = if self.at_name() { Some(self.name("a name")?) } else { None };
        let body = self.block(mode)?;
        self.expect_word("with")?;
        let open = self.open(Kind::LBrace)?;
        let mut with = Vec::new();
        while !matches!(self.kind(), Kind::RBrace | Kind::End) && !self.at_item() {
            let (start, depth) = (self.at, self.depth);
            let one = self.interruption().and_then(|one| self.semicolon().map(|()| one));
            match one {
                Ok(one) => with.push(one),
                Err(Reported) => {
                    self.depth = depth;
                    self.recover_entry(start);
                }
            }
        }
        self.close(Kind::RBrace, open)?;
        Ok(StmtKind::Interruptible { name, body, with })
    }

    /// `A to B;`, behind `connect`.
    fn connect(&mut self, message: Option<Message>) -> Parsed<StmtKind> {
        let from = self.role()?;
        self.expect_word("to")?;
        let to = self.role()?;
        self.semicolon()?;
        Ok(StmtKind::Connect { message, from, to, annotation: self.annotation()? })
    }

    // ---- options -------------------------------------------------------------------------------------------------

    /// Conditions and effects, any number of them.
    pub(super) fn opts(&mut self, style: OptStyle) -> Parsed<Vec<Opt>> {
        let mut opts = Vec::new();
        loop {
            let start = self.here();
            let mut word = self.word();
            if !OPTION_WORDS.contains(&word) {
                let role = matches!(
                    self.kind_ahead(1),
                    Kind::Arrow | Kind::Colon | Kind::LBracket | Kind::Bang | Kind::Question | Kind::Dot
                );
                let statement = self.first_on_line()
                    && (role || self.at_statement_word(Mode::Global) || self.kind_ahead(1) == Kind::LParen);
                self.wanted.push(Wanted::Group("an option such as `where`", OPTION_WORDS));
                let set = opts.last().is_some_and(|opt: &Opt| matches!(opt.kind, OptKind::Set { .. }));
                if set && self.kind() == Kind::Comma && self.kind_ahead(2) == Kind::Eq {
                    self.complain(|parser| {
                        Diagnostic::new(code::UNEXPECTED, parser.here(), parser.expectation())
                            .help("each assignment has a `set` of its own: `set a = … set b = …`")
                    });
                    self.bump();
                    let start = self.here();
                    let kind = self.opt("set", style)?;
                    opts.push(Opt { kind, span: self.since(start) });
                    continue;
                }
                let name = matches!(self.word_ahead(1), "from" | "to" | "calls" | "connect");
                let Some(meant) = suggest::nearest(word, OPTION_WORDS).filter(|_| !statement && !name && word != "by")
                else {
                    return Ok(opts);
                };
                self.report();
                word = meant;
            }
            self.bump();
            let kind = self.opt(word, style)?;
            opts.push(Opt { kind, span: self.since(start) });
        }
    }

    fn opt(&mut self, word: &str, style: OptStyle) -> Parsed<OptKind> {
        Ok(match word {
            "where" => OptKind::Where(self.opt_expr(style)?),
            "set" => {
                let name = self.name("a variable")?;
                let at = if self.eat(Kind::At) { Some(self.role()?) } else { None };
                self.expect(Kind::Eq)?;
                OptKind::Set { name, at, value: self.opt_expr(style)? }
            }
            "requires" => {
                let name = self.name("a predicate")?;
                let args = if self.kind() == Kind::LParen { self.paren_exprs()? } else { Vec::new() };
                OptKind::Requires { name, args }
            }
            "within" if self.kind() == Kind::LBracket => {
                let open = self.open(Kind::LBracket)?;
                let from = self.duration()?;
                self.expect(Kind::Comma)?;
                let to = self.duration()?;
                self.close(Kind::RBracket, open)?;
                OptKind::Window(from, to)
            }
            "within" => {
                self.wanted.push(Wanted::Kind(Kind::LBracket));
                OptKind::Within(self.duration()?)
            }
            "every" => OptKind::Every(self.duration()?),
            "idempotent" | "unique" => {
                self.expect_word("by")?;
                let open = self.here();
                let keys = self.paren_exprs()?;
                let keys = self.some(keys, open, "a key is expected between these parentheses")?;
                let span = if self.eat_word("for") { Some(self.duration()?) } else { None };
                if word == "idempotent" { OptKind::Idempotent(keys, span) } else { OptKind::Unique(keys, span) }
            }
            _ => {
                self.expect_word("retry")?;
                OptKind::MayRetry
            }
        })
    }

    fn opt_expr(&mut self, style: OptStyle) -> Parsed<super::super::tree::Expr> {
        match style {
            OptStyle::Open => self.expr(),
            OptStyle::Parens => {
                let open = self.open(Kind::LParen)?;
                let expr = self.expr()?;
                self.close(Kind::RParen, open)?;
                Ok(expr)
            }
        }
    }
}

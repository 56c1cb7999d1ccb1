//! From tokens to a tree, by recursive descent with a few tokens of look-ahead.
//!
//! In goes a text, out come a tree and diagnostics; any text gives both. All keywords are contextual: where a word could
//! be a keyword or a name, it is the keyword, and backquotes make it a name.
//!
//! A parsing function that meets something unexpected reports it and returns [`Reported`]. Whoever parses a list of
//! things (declarations, statements, arms, events) catches it, skips to where the next one may begin, and goes on, so
//! that one run finds many independent errors. What could not be read is not in the tree; what is in the tree is whole
//! (a choice has an arm, a `try` a handler).
//!
//! INVARIANT (shallow): what nests counts [`MAX_DEPTH`] levels at most; sequences and chains do not nest.
//!
//! INVARIANT (forward): a list's loop consumes at least one token per turn, and skipping jumps over brackets by a
//! table of mates that is made once, so parsing is linear in the text.

mod claim;
mod expr;
mod item;
mod local;
mod recover;
mod sort;
mod stmt;

use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};
use crate::id::FileId;

use super::lexer::{Kind, Lexed, Token, lex};
use super::sink::Sink;
use super::suggest;
use super::tree::{File, Name, QName, Role, Text};
pub(super) use item::INNER_WORDS;
use recover::Mates;
pub(super) use stmt::{GLOBAL_WORDS, LOCAL_WORDS, OPTION_WORDS};

/// How deep braces, brackets, parentheses and operators may nest. Small enough for recursion over a tree on the stack
/// of a test thread, and far deeper than anybody writes.
pub const MAX_DEPTH: usize = 200;

/// The longest text whose places fit a span, in bytes.
pub const MAX_BYTES: usize = u32::MAX as usize - 1;

/// Reads a text. The result is a tree of what could be read, and everything that is wrong with the text, by place.
///
/// ```
/// use polylogue::{id::FileId, syntax};
///
/// let (file, found) = syntax::parse(FileId::default(), "protocol P(role A, role B) { A -> B: hello(); }");
/// assert!(found.is_empty());
/// assert_eq!(file.items.len(), 1);
/// ```
#[must_use]
pub fn parse(file: FileId, text: &str) -> (File, Vec<Diagnostic>) {
    if let Some(refusal) = too_large(file, text.len()) {
        return (File::default(), vec![refusal]);
    }
    let mut sink = Sink::new();
    let Lexed { tokens, comments } = lex(file, text, &mut sink);
    let mut parser = Parser {
        file,
        text,
        tokens,
        at: 0,
        depth: 0,
        silent_at: usize::MAX,
        wanted: Vec::new(),
        mates: None,
        sink: &mut sink,
    };
    let mut tree = parser.file();
    tree.comments = comments;
    (tree, sink.finish())
}

/// The refusal of a text with so many bytes, if that is too many.
#[must_use]
pub fn too_large(file: FileId, bytes: usize) -> Option<Diagnostic> {
    (bytes > MAX_BYTES).then(|| {
        let span = Span { file, start: 0, end: 0 };
        Diagnostic::new(code::TOO_LARGE, span, format!("the text has {bytes} bytes; at most {MAX_BYTES} can be read"))
            .help("split it into files that `import` each other")
    })
}

/// The error was reported; there is nothing more to say.
struct Reported;

type Parsed<T> = Result<T, Reported>;

/// What would have fitted where something else was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Kind(Kind),
    /// A keyword.
    Word(&'static str),
    /// One of several words that have a common name.
    Group(&'static str, &'static [&'static str]),
}

struct Parser<'a, 's> {
    file: FileId,
    text: &'a str,
    /// INVARIANT (ended): the last token is the end, and `at` never passes it.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The token at which an error was reported last: a second one there would be a consequence.
    silent_at: usize,
    /// What was looked for at `at` and not found.
    wanted: Vec<Wanted>,
    mates: Option<Mates>,
    sink: &'s mut Sink,
}

impl<'a> Parser<'a, '_> {
    // ---- looking -------------------------------------------------------------------------------------------------

    fn token_at(&self, at: usize) -> Token {
        let end = Token { kind: Kind::End, start: 0, end: 0 };
        self.tokens.get(at).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn token(&self) -> Token {
        self.token_at(self.at)
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn kind_ahead(&self, ahead: usize) -> Kind {
        self.token_at(self.at.saturating_add(ahead)).kind
    }

    fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// The word `ahead` tokens from here, empty if there is none.
    fn word_ahead(&self, ahead: usize) -> &'a str {
        let token = self.token_at(self.at.saturating_add(ahead));
        if token.kind == Kind::Word { self.slice(token) } else { "" }
    }

    fn word(&self) -> &'a str {
        self.word_ahead(0)
    }

    /// Whether here begins a name.
    fn at_name(&self) -> bool {
        matches!(self.kind(), Kind::Word | Kind::Quoted)
    }

    fn span_of(&self, token: Token) -> Span {
        Span { file: self.file, start: token.start, end: token.end }
    }

    fn here(&self) -> Span {
        self.span_of(self.token())
    }

    /// The token before this one.
    fn previous(&self) -> Span {
        match self.at.checked_sub(1) {
            Some(at) => self.span_of(self.token_at(at)),
            None => Span { file: self.file, start: 0, end: 0 },
        }
    }

    /// From a place to the end of the last consumed token.
    fn since(&self, start: Span) -> Span {
        start.to(self.previous())
    }

    /// Whether a line break stands before the token.
    fn first_on_line(&self) -> bool {
        let gap = self.previous().end as usize..self.token().start as usize;
        self.text.get(gap).is_some_and(|gap| gap.contains('\n'))
    }

    // ---- moving --------------------------------------------------------------------------------------------------

    fn bump(&mut self) {
        if self.kind() != Kind::End {
            self.at = self.at.saturating_add(1);
        }
        self.wanted.clear();
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        } else {
            self.wanted.push(Wanted::Kind(kind));
        }
        found
    }

    fn eat_word(&mut self, word: &'static str) -> bool {
        let found = self.word() == word;
        if found {
            self.bump();
        } else {
            self.wanted.push(Wanted::Word(word));
        }
        found
    }

    fn expect(&mut self, kind: Kind) -> Parsed<()> {
        if self.eat(kind) { Ok(()) } else { self.unexpected() }
    }

    /// A keyword; a misspelt one is reported and taken for it.
    fn expect_word(&mut self, word: &'static str) -> Parsed<()> {
        if self.eat_word(word) {
            return Ok(());
        }
        if self.kind() == Kind::Word && suggest::nearest(self.word(), &[word]).is_some() {
            self.report();
            self.bump();
            return Ok(());
        }
        self.unexpected()
    }

    /// `<`, also as the first half of `<>`.
    fn eat_less(&mut self) -> bool {
        if self.kind() == Kind::LtGt {
            self.halve(Kind::Gt);
            return true;
        }
        self.eat(Kind::Lt)
    }

    /// `>`, also as the first half of `>=`.
    fn expect_greater(&mut self) -> Parsed<()> {
        if self.kind() == Kind::Ge {
            self.halve(Kind::Eq);
            return Ok(());
        }
        self.expect(Kind::Gt)
    }

    /// Consumes the first character of a two-character token.
    fn halve(&mut self, rest: Kind) {
        if let Some(token) = self.tokens.get_mut(self.at) {
            token.kind = rest;
            token.start = token.start.saturating_add(1);
        }
        self.wanted.clear();
    }

    /// One level deeper. Whoever catches [`Reported`] restores the depth that it had.
    fn deeper(&mut self) -> Parsed<()> {
        if self.depth < MAX_DEPTH {
            self.depth = self.depth.saturating_add(1);
            return Ok(());
        }
        if self.silent_at != self.at {
            let span = self.here();
            self.sink.push(|| {
                Diagnostic::new(code::TOO_DEEP, span, format!("this is nested more than {MAX_DEPTH} levels deep"))
                    .help("give a part of it a name of its own")
            });
        }
        // What a bracket opened is passed over as a whole; a chain of operators is left to whoever catches this.
        self.skip_group_behind();
        self.silent_at = self.at;
        Err(Reported)
    }

    fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    // ---- saying no -----------------------------------------------------------------------------------------------

    /// Reports that none of what was looked for is here.
    fn unexpected<T>(&mut self) -> Parsed<T> {
        self.report();
        Err(Reported)
    }

    /// The same for one thing that has a name of its own.
    fn unexpected_for<T>(&mut self, what: &'static str) -> Parsed<T> {
        self.wanted.push(Wanted::Group(what, &[]));
        self.unexpected()
    }

    /// Makes a diagnostic unless one was made at this token before.
    fn complain(&mut self, make: impl FnOnce(&Self) -> Diagnostic) {
        if self.silent_at != self.at {
            self.silent_at = self.at;
            let found = make(self);
            self.sink.push(|| found);
        }
    }

    fn report(&mut self) {
        self.complain(|parser| {
            let found = Diagnostic::new(code::UNEXPECTED, parser.here(), parser.expectation());
            parser.with_help(found)
        });
    }

    /// ``expected `;` or `where`, found `x` ``
    fn expectation(&self) -> String {
        const SHOWN: usize = 6;
        let mut texts: Vec<String> = Vec::new();
        // What is alone first, groups last.
        for groups in [false, true] {
            for wanted in &self.wanted {
                let text = match *wanted {
                    Wanted::Kind(kind) if !groups => kind.text().to_owned(),
                    Wanted::Word(word) if !groups => format!("`{word}`"),
                    Wanted::Group(what, _) if groups => what.to_owned(),
                    _ => continue,
                };
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        let more = texts.len() > SHOWN;
        texts.truncate(SHOWN);
        let last = if more { Some("something else".to_owned()) } else { texts.pop() };
        let expected = match last {
            None => "something else".to_owned(),
            Some(last) if texts.is_empty() => last,
            Some(last) => format!("{} or {last}", texts.join(", ")),
        };
        format!("expected {expected}, found {}", self.found())
    }

    fn found(&self) -> String {
        let token = self.token();
        match token.kind {
            Kind::Word | Kind::Int | Kind::IntWord | Kind::Decimal => {
                let text = self.slice(token);
                let short: String = text.chars().take(40).collect();
                let dots = if short.len() < text.len() { "…" } else { "" };
                format!("`{short}{dots}`")
            }
            Kind::Quoted => "a name in backquotes".to_owned(),
            kind => kind.text().to_owned(),
        }
    }

    /// Did-you-mean, or a word on keywords that are used as names.
    fn with_help(&self, found: Diagnostic) -> Diagnostic {
        let word = self.word();
        let words = self.wanted.iter().flat_map(|wanted| match wanted {
            Wanted::Kind(_) => &[][..],
            Wanted::Word(word) => std::slice::from_ref(word),
            Wanted::Group(_, words) => words,
        });
        let words: Vec<&'static str> = words.copied().collect();
        match suggest::nearest(word, &words) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found,
        }
    }

    // ---- names ---------------------------------------------------------------------------------------------------

    fn name_of(&self, token: Token) -> Name {
        let mut text = self.slice(token);
        if token.kind == Kind::Quoted {
            text = text.strip_prefix('`').unwrap_or(text);
            text = text.strip_suffix('`').unwrap_or(text);
        }
        Name { text: text.into(), span: self.span_of(token) }
    }

    /// An identifier, such as `what`.
    fn name(&mut self, what: &'static str) -> Parsed<Name> {
        if !self.at_name() {
            return self.unexpected_for(what);
        }
        let name = self.name_of(self.token());
        self.bump();
        Ok(name)
    }

    fn at_label(&self) -> bool {
        matches!(self.kind(), Kind::Word | Kind::Quoted | Kind::Int | Kind::IntWord)
    }

    /// A label; dotted ones are one name, where `dotted` ones are allowed.
    fn label(&mut self, dotted: bool) -> Parsed<Name> {
        if !self.at_label() {
            return self.unexpected_for("a label");
        }
        let number = matches!(self.kind(), Kind::Int | Kind::IntWord);
        let mut name = self.name_of(self.token());
        self.bump();
        if dotted && !number && self.kind() == Kind::Dot {
            let mut text = name.text.into_string();
            while self.eat(Kind::Dot) {
                let part = self.name("a label")?;
                text.push('.');
                text.push_str(&part.text);
            }
            name = Name { text: text.into(), span: self.since(name.span) };
        }
        Ok(name)
    }

    /// `a.b.c`
    fn qname(&mut self, what: &'static str) -> Parsed<QName> {
        let first = self.name(what)?;
        let start = first.span;
        let mut parts = vec![first];
        while self.eat(Kind::Dot) {
            parts.push(self.name(what)?);
        }
        Ok(QName { parts, span: self.since(start) })
    }

    /// `A`, `W[i]`
    fn role(&mut self) -> Parsed<Role> {
        let name = self.name("a role")?;
        let index = self.index()?;
        let span = self.since(name.span);
        Ok(Role { name, index, span })
    }

    /// `A, W[i]`, at least one.
    fn roles(&mut self) -> Parsed<Vec<Role>> {
        let mut roles = vec![self.role()?];
        while self.eat(Kind::Comma) {
            roles.push(self.role()?);
        }
        Ok(roles)
    }

    /// `(A, B)`
    fn role_args(&mut self) -> Parsed<Vec<Role>> {
        let open = self.open(Kind::LParen)?;
        let roles = self.roles()?;
        self.close(Kind::RParen, open)?;
        Ok(roles)
    }

    /// A string, unescaped.
    fn string(&mut self) -> Parsed<Text> {
        if self.kind() != Kind::Str {
            self.wanted.push(Wanted::Kind(Kind::Str));
            return self.unexpected();
        }
        let span = self.here();
        let value = self.unescape();
        self.bump();
        Ok(Text { value, span })
    }

    /// nuScr's `@"…"`
    fn annotation(&mut self) -> Parsed<Option<Text>> {
        if self.kind() == Kind::At && self.kind_ahead(1) == Kind::Str {
            self.bump();
            return self.string().map(Some);
        }
        Ok(None)
    }

    // ---- brackets ------------------------------------------------------------------------------------------------

    /// Consumes an opening bracket and returns its place.
    fn open(&mut self, kind: Kind) -> Parsed<Span> {
        let open = self.here();
        self.expect(kind)?;
        Ok(open)
    }

    /// The bracket that closes what was opened there.
    fn close(&mut self, kind: Kind, open: Span) -> Parsed<()> {
        if self.eat(kind) {
            return Ok(());
        }
        if self.kind() == Kind::End || (kind == Kind::RBrace && self.at_item()) {
            self.unclosed(open);
            return Err(Reported);
        }
        self.unexpected()
    }

    /// Reports that an opened bracket is not closed before this token.
    fn unclosed(&mut self, open: Span) {
        self.complain(|parser| {
            let opener = parser.text.get(open.start as usize..open.end as usize).unwrap_or("");
            let closer = match opener {
                "{" => "}",
                "[" => "]",
                "<" => ">",
                _ => ")",
            };
            Diagnostic::new(code::UNCLOSED, open, format!("this `{opener}` is never closed"))
                .label(parser.here(), format!("expected `{closer}` before {}", parser.found()))
        });
    }

    /// The semicolon behind a statement or declaration. A missing one at the end of a line is put there in thought.
    fn semicolon(&mut self) -> Parsed<()> {
        if self.eat(Kind::Semi) {
            return Ok(());
        }
        if matches!(self.kind(), Kind::RBrace | Kind::End) || self.first_on_line() {
            self.complain(|parser| {
                let found = Diagnostic::new(code::UNEXPECTED, parser.previous().after(), parser.expectation());
                let helped = parser.with_help(found.clone());
                if helped.help.is_some() { helped } else { found.help("put `;` behind it") }
            });
            return Ok(());
        }
        self.unexpected()
    }

    /// A list `one, one, …` up to the closing bracket, which stays; a comma may stand before it.
    fn list<T>(&mut self, close: Kind, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut list = Vec::new();
        while self.kind() != close {
            list.push(one(self)?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        if self.kind() != close {
            self.wanted.push(Wanted::Kind(close));
        }
        Ok(list)
    }
}

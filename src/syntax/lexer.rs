//! From text to tokens and comments.
//!
//! A hand-written scanner: in goes a text of less than 4 GiB, out come the tokens in order (the last one is
//! [`Kind::End`]), the comments apart from them, and diagnostics. It is total and linear: what it cannot read is
//! reported and left out. Words are not told apart here: every keyword is contextual and comes out as an identifier.
//!
//! A letter is what [`char::is_alphanumeric`] says; an identifier is made of letters and `_` and does not begin with an
//! ASCII digit. Digits followed by letters (`5s`, `2fa`) are one token, which the parser takes as a duration or a label.
//! `(* … *)` nests, `/* … */` does not (as in Scribble). String escapes are checked by the parser.

use crate::diag::catalogue::syntax as code;
use crate::diag::{Diagnostic, Span};
use crate::id::FileId;

use super::sink::Sink;
use super::tree::{Comment, CommentKind};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or a contextual keyword.
    Word,
    /// `` `any text` ``
    Quoted,
    /// Digits.
    Int,
    /// Digits followed by letters.
    IntWord,
    /// Digits, a point, digits.
    Decimal,
    /// `"…"`
    Str,
    /// `(*# … #*)`
    Pragma,
    LParen,
    RParen,
    LBrace,
    RBrace,
    LBracket,
    RBracket,
    Comma,
    Semi,
    Colon,
    Dot,
    DotDot,
    Ellipsis,
    At,
    Bang,
    Question,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Amp,
    AmpAmp,
    PipePipe,
    Eq,
    EqEq,
    BangEq,
    /// `<>`
    LtGt,
    Lt,
    Le,
    Gt,
    Ge,
    /// `<:`
    Sub,
    /// `->`
    Arrow,
    /// `=>`
    FatArrow,
    /// The end of the text.
    End,
}

impl Kind {
    /// How a message names it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Word | Self::Quoted => "a name",
            Self::Int => "an integer",
            Self::IntWord => "a duration",
            Self::Decimal => "a decimal",
            Self::Str => "a string",
            Self::Pragma => "a pragma",
            Self::LParen => "`(`",
            Self::RParen => "`)`",
            Self::LBrace => "`{`",
            Self::RBrace => "`}`",
            Self::LBracket => "`[`",
            Self::RBracket => "`]`",
            Self::Comma => "`,`",
            Self::Semi => "`;`",
            Self::Colon => "`:`",
            Self::Dot => "`.`",
            Self::DotDot => "`..`",
            Self::Ellipsis => "`...`",
            Self::At => "`@`",
            Self::Bang => "`!`",
            Self::Question => "`?`",
            Self::Plus => "`+`",
            Self::Minus => "`-`",
            Self::Star => "`*`",
            Self::Slash => "`/`",
            Self::Percent => "`%`",
            Self::Amp => "`&`",
            Self::AmpAmp => "`&&`",
            Self::PipePipe => "`||`",
            Self::Eq => "`=`",
            Self::EqEq => "`==`",
            Self::BangEq => "`!=`",
            Self::LtGt => "`<>`",
            Self::Lt => "`<`",
            Self::Le => "`<=`",
            Self::Gt => "`>`",
            Self::Ge => "`>=`",
            Self::Sub => "`<:`",
            Self::Arrow => "`->`",
            Self::FatArrow => "`=>`",
            Self::End => "the end of the file",
        }
    }
}

/// A token: what it is and which bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a text consists of.
pub(super) struct Lexed {
    /// In order; never empty, the last one is the end.
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
}

/// Whether a character may stand in an identifier.
pub(super) fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether a text is an identifier without backquotes.
pub(super) fn is_ident(text: &str) -> bool {
    text.chars().next().is_some_and(|c| !c.is_ascii_digit()) && text.chars().all(is_letter)
}

/// Whether a text is digits, or digits followed by letters: a label that is no identifier.
pub(super) fn is_int_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_letter)
}

/// Whether digits followed by letters are a duration.
pub(super) fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "ns" | "us" | "ms" | "s" | "m" | "h")
}

/// Reads a text of less than 4 GiB.
pub(super) fn lex(file: FileId, text: &str, sink: &mut Sink) -> Lexed {
    let mut lexer =
        Lexer { file, text, at: 0, fresh: true, sink, out: Lexed { tokens: Vec::new(), comments: Vec::new() } };
    lexer.run();
    lexer.out
}

struct Lexer<'a, 's> {
    file: FileId,
    text: &'a str,
    /// The next byte, always at a character's start.
    at: usize,
    /// Whether only white space stands before `at` on its line.
    fresh: bool,
    sink: &'s mut Sink,
    out: Lexed,
}

impl<'a> Lexer<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at.saturating_add(ahead)).copied().unwrap_or(0)
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Skips characters as long as they fit.
    fn skip_while(&mut self, mut fits: impl FnMut(char) -> bool) {
        let rest = self.rest();
        self.skip(rest.find(|c| !fits(c)).unwrap_or(rest.len()));
    }

    /// Skips what stands before the next line break.
    fn skip_line(&mut self) {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or("");
        self.skip(line.strip_suffix('\r').unwrap_or(line).len());
    }

    fn span(&self, start: usize) -> Span {
        // Texts of 4 GiB are refused before they come here.
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(self.at) }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let span = self.span(start);
        self.out.tokens.push(Token { kind, start: span.start, end: span.end });
        self.fresh = false;
    }

    fn comment(&mut self, kind: CommentKind, start: usize) {
        let span = self.span(start);
        self.out.comments.push(Comment { kind, span, own_line: self.fresh });
    }

    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.skip('\u{feff}'.len_utf8());
        }
        while self.at < self.text.len() {
            let start = self.at;
            match self.byte(0) {
                b'\n' => {
                    self.skip(1);
                    self.fresh = true;
                }
                b' ' | b'\t' | b'\r' | 0x0c => self.skip(1),
                b'/' if self.byte(1) == b'/' => {
                    let doc = self.byte(2) == b'/' && self.byte(3) != b'/';
                    self.skip_line();
                    self.comment(if doc { CommentKind::Doc } else { CommentKind::Line }, start);
                }
                b'/' if self.byte(1) == b'*' => {
                    self.skip(2);
                    let end = memchr::memmem::find(self.rest().as_bytes(), b"*/");
                    self.block_comment(start, end, "`*/`");
                }
                b'(' if self.byte(1) == b'*' => self.paren_star(start),
                b'"' => self.string(start),
                b'`' => self.quoted(start),
                b'0'..=b'9' => self.number(start),
                _ => self.word_or_punctuation(start),
            }
        }
        self.push(Kind::End, self.at);
    }

    fn block_comment(&mut self, start: usize, end: Option<usize>, closer: &str) {
        match end {
            Some(end) => self.skip(end.saturating_add(2)),
            None => {
                let span = self.span(start);
                self.skip(self.text.len());
                self.sink.push(|| {
                    Diagnostic::new(code::UNCLOSED_COMMENT, span, "this comment is never closed")
                        .help(format!("close it with {closer}"))
                });
            }
        }
        self.comment(CommentKind::Block, start);
    }

    /// `(*# pragma #*)`, `(*) line comment`, `(* nested (* comment *) *)`.
    fn paren_star(&mut self, start: usize) {
        match self.byte(2) {
            b')' => {
                self.skip_line();
                self.comment(CommentKind::Line, start);
            }
            b'#' => {
                self.skip(3);
                match memchr::memmem::find(self.rest().as_bytes(), b"#*)") {
                    Some(end) => {
                        self.skip(end.saturating_add(3));
                        self.push(Kind::Pragma, start);
                    }
                    None => self.block_comment(start, None, "`#*)`"),
                }
            }
            _ => {
                self.skip(2);
                let bytes = self.rest().as_bytes();
                let mut depth = 1usize;
                let mut from = 0usize;
                let mut end = None;
                while let Some(star) = memchr::memchr(b'*', bytes.get(from..).unwrap_or(&[])) {
                    let star = from.saturating_add(star);
                    let before = star.checked_sub(1).filter(|&at| at >= from).and_then(|at| bytes.get(at));
                    from = star.saturating_add(1);
                    if before == Some(&b'(') {
                        depth = depth.saturating_add(1);
                    } else if bytes.get(from) == Some(&b')') {
                        from = from.saturating_add(1);
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(star);
                            break;
                        }
                    }
                }
                self.block_comment(start, end, "`*)`");
            }
        }
    }

    fn string(&mut self, start: usize) {
        self.skip(1);
        loop {
            let rest = self.rest();
            match memchr::memchr3(b'"', b'\\', b'\n', rest.as_bytes()) {
                Some(at) if rest.as_bytes().get(at) == Some(&b'"') => {
                    self.skip(at.saturating_add(1));
                    break self.push(Kind::Str, start);
                }
                Some(at) if rest.as_bytes().get(at) == Some(&b'\\') => {
                    self.skip(at.saturating_add(1));
                    // Whatever is escaped, except a line break: the string ends there anyway.
                    if let Some(c) = self.rest().chars().next().filter(|&c| c != '\n' && c != '\r') {
                        self.skip(c.len_utf8());
                    }
                }
                _ => {
                    self.skip_line();
                    let span = self.span(start);
                    self.sink.push(|| {
                        Diagnostic::new(code::UNCLOSED_STRING, span, "this string is not closed on its line")
                            .help("close it with `\"`; write a line break as `\\n`")
                    });
                    break self.push(Kind::Str, start);
                }
            }
        }
    }

    fn quoted(&mut self, start: usize) {
        self.skip(1);
        self.skip_while(|c| c != '`' && c != '\n' && c != '\r');
        let empty = self.at == start.saturating_add(1);
        if self.byte(0) == b'`' && !empty {
            self.skip(1);
            return self.push(Kind::Quoted, start);
        }
        let closed = self.byte(0) == b'`';
        self.skip(usize::from(closed));
        let span = self.span(start);
        self.sink.push(|| {
            let text =
                if closed { "a name in backquotes is empty" } else { "this backquote is not closed on its line" };
            Diagnostic::new(code::BAD_QUOTED_NAME, span, text)
        });
        // The parser takes it as a name all the same.
        self.push(Kind::Quoted, start);
    }

    fn number(&mut self, start: usize) {
        self.skip_while(|c| c.is_ascii_digit());
        let next = self.rest().chars().next();
        let kind = if next.is_some_and(is_letter) {
            self.skip_while(is_letter);
            Kind::IntWord
        } else if next == Some('.') && self.byte(1).is_ascii_digit() {
            self.skip(1);
            self.skip_while(|c| c.is_ascii_digit());
            Kind::Decimal
        } else {
            Kind::Int
        };
        self.push(kind, start);
    }

    fn word_or_punctuation(&mut self, start: usize) {
        if self.rest().starts_with(is_letter) {
            self.skip_while(is_letter);
            return self.push(Kind::Word, start);
        }
        let (kind, length) = match (self.byte(0), self.byte(1), self.byte(2)) {
            (b'.', b'.', b'.') => (Kind::Ellipsis, 3),
            (b'.', b'.', _) => (Kind::DotDot, 2),
            (b'.', ..) => (Kind::Dot, 1),
            (b'-', b'>', _) => (Kind::Arrow, 2),
            (b'-', ..) => (Kind::Minus, 1),
            (b'=', b'>', _) => (Kind::FatArrow, 2),
            (b'=', b'=', _) => (Kind::EqEq, 2),
            (b'=', ..) => (Kind::Eq, 1),
            (b'!', b'=', _) => (Kind::BangEq, 2),
            (b'!', ..) => (Kind::Bang, 1),
            (b'<', b'>', _) => (Kind::LtGt, 2),
            (b'<', b'=', _) => (Kind::Le, 2),
            (b'<', b':', _) => (Kind::Sub, 2),
            (b'<', ..) => (Kind::Lt, 1),
            (b'>', b'=', _) => (Kind::Ge, 2),
            (b'>', ..) => (Kind::Gt, 1),
            (b'&', b'&', _) => (Kind::AmpAmp, 2),
            (b'&', ..) => (Kind::Amp, 1),
            (b'|', b'|', _) => (Kind::PipePipe, 2),
            (b'(', ..) => (Kind::LParen, 1),
            (b')', ..) => (Kind::RParen, 1),
            (b'{', ..) => (Kind::LBrace, 1),
            (b'}', ..) => (Kind::RBrace, 1),
            (b'[', ..) => (Kind::LBracket, 1),
            (b']', ..) => (Kind::RBracket, 1),
            (b',', ..) => (Kind::Comma, 1),
            (b';', ..) => (Kind::Semi, 1),
            (b':', ..) => (Kind::Colon, 1),
            (b'@', ..) => (Kind::At, 1),
            (b'?', ..) => (Kind::Question, 1),
            (b'+', ..) => (Kind::Plus, 1),
            (b'*', ..) => (Kind::Star, 1),
            (b'/', ..) => (Kind::Slash, 1),
            (b'%', ..) => (Kind::Percent, 1),
            _ => return self.bad(start),
        };
        self.skip(length);
        self.push(kind, start);
    }

    /// A run of characters that no token begins with is one finding.
    fn bad(&mut self, start: usize) {
        let known = |c: char| is_letter(c) || c.is_ascii_whitespace() || "\"`().,;:@?+*/%-=!<>&[]{}".contains(c);
        let first = self.rest().chars().next().unwrap_or(' ');
        self.skip(first.len_utf8());
        self.skip_while(|c| !known(c) && c != '|');
        let span = self.span(start);
        let many = self.at > start.saturating_add(first.len_utf8());
        self.fresh = false;
        self.sink.push(|| {
            let shown = first.escape_debug();
            let text = if many {
                format!("`{shown}` and the characters behind it mean nothing here")
            } else {
                format!("the character `{shown}` means nothing here")
            };
            let found = Diagnostic::new(code::BAD_CHARACTER, span, text);
            match first {
                '|' => found.help("parts are separated by `||`"),
                '\'' | '‘' | '’' | '“' | '”' => found.help("strings stand in `\"`"),
                '→' => found.help("write `->`"),
                c if c.is_control() => found,
                _ => found.help("a name with unusual characters stands in backquotes"),
            }
        });
    }
}

//! Going on after an error: which bracket belongs to which, and where the next thing may begin.

use super::super::lexer::{Kind, Token};
use super::stmt::{Mode, OPTION_WORDS};
use super::{Parser, Reported};
use crate::diag::Diagnostic;
use crate::diag::catalogue::syntax as code;

/// Which bracket closes which, made at the first error. Brackets that do not fit are passed over: a brace closes every
/// parenthesis and square bracket that was opened inside it, and so does a semicolon (but for the one before `new`).
pub(super) struct Mates {
    /// For each opening bracket the token that closes it, or the end; for others nothing of use.
    mate: Vec<u32>,
    /// For each token the opening bracket that it stands in, or [`NONE`]. An opening bracket stands outside of its own
    /// pair, a closing one inside.
    outer: Vec<u32>,
}

/// Outside of all brackets.
pub(super) const NONE: u32 = u32::MAX;

impl Mates {
    fn new(tokens: &[Token], text: &str) -> Self {
        // A text has less than 2^32 bytes, hence tokens.
        let number = |n: usize| u32::try_from(n).unwrap_or(NONE);
        let end = number(tokens.len().saturating_sub(1));
        let mut mate = vec![end; tokens.len()];
        let mut outer = Vec::with_capacity(tokens.len());
        let mut open: Vec<(Kind, u32)> = Vec::new();
        // How many of each kind are open, the last two since the last brace: so no closer looks further than it pops.
        let mut braces = 0usize;
        let mut since: Vec<[usize; 2]> = vec![[0, 0]];
        for (at, token) in tokens.iter().enumerate() {
            let inside = |open: &[(Kind, u32)]| open.last().map_or(NONE, |&(_, at)| at);
            let (opener, slot) = match token.kind {
                Kind::LBrace => {
                    outer.push(inside(&open));
                    open.push((Kind::LBrace, number(at)));
                    braces = braces.saturating_add(1);
                    since.push([0, 0]);
                    continue;
                }
                kind @ (Kind::LParen | Kind::LBracket) => {
                    outer.push(inside(&open));
                    open.push((kind, number(at)));
                    if let Some([parens, brackets]) = since.last_mut() {
                        let count = if kind == Kind::LParen { parens } else { brackets };
                        *count = count.saturating_add(1);
                    }
                    continue;
                }
                Kind::Semi => {
                    let new = tokens.get(at.saturating_add(1)).is_some_and(|next| {
                        next.kind == Kind::Word && text.get(next.start as usize..next.end as usize) == Some("new")
                    });
                    if !new {
                        while let Some((_, from)) = open.pop_if(|(kind, _)| *kind != Kind::LBrace) {
                            if let Some(entry) = mate.get_mut(from as usize) {
                                *entry = number(at.saturating_sub(1));
                            }
                        }
                        if let Some(counts) = since.last_mut() {
                            *counts = [0, 0];
                        }
                    }
                    outer.push(inside(&open));
                    continue;
                }
                Kind::RBrace => (Kind::LBrace, 2),
                Kind::RParen => (Kind::LParen, 0),
                Kind::RBracket => (Kind::LBracket, 1),
                _ => {
                    outer.push(inside(&open));
                    continue;
                }
            };
            let fits = match slot {
                2 => braces > 0,
                _ => since.last().and_then(|counts| counts.get(slot)).is_some_and(|&count| count > 0),
            };
            let mut own = None;
            while let Some((kind, from)) = open.pop_if(|_| fits) {
                let closed = kind == opener;
                if let Some(entry) = mate.get_mut(from as usize) {
                    // One that is not closed ends before the closer of another.
                    *entry = if closed { number(at) } else { number(at.saturating_sub(1)) };
                }
                match kind {
                    Kind::LBrace => {
                        braces = braces.saturating_sub(1);
                        since.pop();
                    }
                    _ => {
                        if let Some([parens, brackets]) = since.last_mut() {
                            let count = if kind == Kind::LParen { parens } else { brackets };
                            *count = count.saturating_sub(1);
                        }
                    }
                }
                if closed {
                    own = Some(from);
                    break;
                }
            }
            outer.push(own.unwrap_or(inside(&open)));
        }
        Self { mate, outer }
    }

    fn closer(&self, open: u32) -> usize {
        self.mate.get(open as usize).or(self.mate.last()).copied().unwrap_or(0) as usize
    }
}

/// Words that begin a statement with blocks.
const WITH_BLOCKS: &[&str] =
    &["choice", "rec", "states", "par", "during", "try", "interruptible", "foreach", "or", "and", "on", "interleave"];

/// Words that continue one.
const CONTINUING: &[&str] = &["or", "and", "on", "interleave", "with"];

impl Parser<'_, '_> {
    fn mates(&mut self) -> &Mates {
        self.mates.get_or_insert_with(|| Mates::new(&self.tokens, self.text))
    }

    /// The opening bracket that the token stands in.
    pub(super) fn level_at(&mut self, at: usize) -> u32 {
        self.mates().outer.get(at).copied().unwrap_or(NONE)
    }

    /// The end of what a bracket opened.
    fn end_of(&mut self, level: u32) -> usize {
        let last = self.tokens.len().saturating_sub(1);
        if level == NONE { last } else { self.mates().closer(level) }
    }

    fn jump(&mut self, to: usize) {
        self.at = to.max(self.at).min(self.tokens.len().saturating_sub(1));
        self.wanted.clear();
    }

    /// If the last token opened a bracket, skips to behind the one that closes it.
    pub(super) fn skip_group_behind(&mut self) {
        let Some(open) = self.at.checked_sub(1) else { return };
        if matches!(self.token_at(open).kind, Kind::LBrace | Kind::LParen | Kind::LBracket) {
            let closer = self.end_of(u32::try_from(open).unwrap_or(NONE));
            self.jump(closer.saturating_add(1));
        }
    }

    /// Leaves brackets that were opened inside the level, and says whether there is more in it.
    fn climb(&mut self, level: u32) -> bool {
        let end = self.end_of(level);
        loop {
            if self.at >= end || self.kind() == Kind::End {
                return false;
            }
            let inner = self.level_at(self.at);
            if inner == level || inner == NONE || (level != NONE && inner < level) {
                return true;
            }
            let closer = self.end_of(inner);
            self.jump(closer.max(self.at).saturating_add(1));
        }
    }

    /// Skips a balanced group if one begins here, else one token.
    fn skip_one(&mut self) {
        if matches!(self.kind(), Kind::LBrace | Kind::LParen | Kind::LBracket) {
            let open = u32::try_from(self.at).unwrap_or(NONE);
            let closer = self.end_of(open);
            self.jump(closer.saturating_add(1));
        } else {
            self.bump();
        }
    }

    /// After an error in the statement that began at `start`: skips to where the next one may begin, or to the end of
    /// the block.
    pub(super) fn recover_statement(&mut self, start: usize, mode: Mode) {
        self.recover_statement_from(start, mode);
        self.hush();
    }

    fn recover_statement_from(&mut self, start: usize, mode: Mode) {
        let level = self.level_at(start);
        let first = self.token_at(start);
        let blocks = first.kind == Kind::Word && {
            let word = self.slice(first);
            WITH_BLOCKS.contains(&word) || super::super::suggest::nearest(word, WITH_BLOCKS).is_some()
        };
        if self.at == start && self.kind() != Kind::RBrace && !self.at_item() {
            // Its first token may be a semicolon or a brace of its own.
            let alone = matches!(self.kind(), Kind::Semi | Kind::LBrace);
            self.skip_one();
            if alone {
                return;
            }
        }
        let last = self.token_at(self.at.saturating_sub(1)).kind;
        if self.at > start
            && matches!(last, Kind::Semi | Kind::RBrace)
            && self.first_on_line()
            && self.level_at(self.at) == level
        {
            // The statement was read to its end.
            return;
        }
        while self.climb(level) {
            match self.kind() {
                Kind::Semi => return self.bump(),
                Kind::RBrace => return,
                Kind::LBrace if blocks => {
                    // What stands inside may have errors of its own.
                    let depth = self.depth;
                    let _ = self.block(mode);
                    self.depth = depth;
                    if !self.climb(level) || !CONTINUING.contains(&self.word()) {
                        return;
                    }
                }
                Kind::LBrace => {
                    self.skip_one();
                    if self.first_on_line() {
                        return;
                    }
                }
                Kind::Word if self.first_on_line() && (self.at_statement_word(mode) || self.at_item()) => return,
                _ => self.skip_one(),
            }
        }
    }

    /// After an error in a list with commas: skips to behind the next comma of the level, or to its end.
    pub(super) fn recover_element(&mut self, start: usize) {
        self.recover_element_from(start);
        self.hush();
    }

    fn recover_element_from(&mut self, start: usize) {
        let level = self.level_at(start);
        if self.at == start && !matches!(self.kind(), Kind::RBrace | Kind::Comma) {
            self.skip_one();
        }
        while self.climb(level) {
            match self.kind() {
                Kind::Comma => return self.bump(),
                Kind::RBrace => return,
                Kind::Word if self.first_on_line() && self.at_item() => return,
                _ => self.skip_one(),
            }
        }
    }

    /// After an error in something that ends with a semicolon: skips to behind it.
    pub(super) fn recover_entry(&mut self, start: usize) {
        self.recover_entry_from(start);
        self.hush();
    }

    fn recover_entry_from(&mut self, start: usize) {
        let level = self.level_at(start);
        if self.at == start && !matches!(self.kind(), Kind::RBrace | Kind::Semi) {
            self.skip_one();
        }
        while self.climb(level) {
            match self.kind() {
                Kind::Semi => return self.bump(),
                Kind::RBrace => return,
                Kind::Word if self.first_on_line() && self.at_item() => return,
                _ => self.skip_one(),
            }
        }
    }

    /// After an error in the declaration that began at `start`: skips to the next one. A body is still looked at.
    pub(super) fn recover_item(&mut self, start: usize) {
        self.recover_item_from(start);
        self.hush();
    }

    fn recover_item_from(&mut self, start: usize) {
        let protocol = self.slice(self.token_at(start));
        let body = match protocol {
            "protocol" | "global" | "aux" | "explicit" => Some(Mode::Global),
            "local" if self.slice(self.token_at(start.saturating_add(1))) == "protocol" => Some(Mode::Local),
            _ => None,
        };
        if self.at == start {
            self.skip_one();
        }
        while self.climb(NONE) {
            match self.kind() {
                Kind::Semi => return self.bump(),
                Kind::RBrace => {
                    self.unmatched();
                    return;
                }
                Kind::LBrace => {
                    match body {
                        Some(mode) => {
                            let _ = self.body(mode);
                        }
                        None => self.skip_one(),
                    }
                    return;
                }
                _ if self.at_item() => return,
                _ => self.skip_one(),
            }
        }
    }

    /// What was skipped may have had the closers that are missing at the end.
    fn hush(&mut self) {
        if self.kind() == Kind::End {
            self.silent_at = self.at;
        }
    }

    /// A brace that closes nothing.
    pub(super) fn unmatched(&mut self) {
        self.complain(|parser| {
            let text = format!("this {} closes nothing", parser.kind().text());
            Diagnostic::new(code::UNMATCHED, parser.here(), text)
        });
        self.bump();
    }

    /// A body of a declaration that is not kept.
    fn body(&mut self, mode: Mode) -> Result<(), Reported> {
        self.depth = 0;
        let open = self.open(Kind::LBrace)?;
        if mode == Mode::Global {
            self.inner_items();
        }
        self.statements(mode, open);
        self.close(Kind::RBrace, open)
    }

    /// Whether a declaration certainly begins here, whatever else might.
    pub(super) fn at_item(&self) -> bool {
        // `check where (e)` is a label with an option.
        let name = |ahead: usize| {
            matches!(self.kind_ahead(ahead), Kind::Word | Kind::Quoted)
                && !OPTION_WORDS.contains(&self.word_ahead(ahead))
        };
        match self.word() {
            "import" => name(1) && (matches!(self.kind_ahead(2), Kind::Semi | Kind::Dot) || self.word_ahead(2) == "as"),
            "protocol" => name(1) && matches!(self.kind_ahead(2), Kind::LParen | Kind::Lt | Kind::LtGt),
            "type" if name(1) => matches!(self.kind_ahead(2), Kind::Eq | Kind::Lt | Kind::LtGt),
            "type" => self.kind_ahead(1) == Kind::Lt,
            "data" | "sig" => self.kind_ahead(1) == Kind::Lt,
            "extern" => self.word_ahead(1) == "predicate",
            "def" => name(1) && self.kind_ahead(2) == Kind::LParen,
            "global" => {
                self.word_ahead(1) == "protocol" || (name(1) && matches!(self.kind_ahead(2), Kind::LParen | Kind::Lt))
            }
            "aux" | "explicit" => matches!(self.word_ahead(1), "protocol" | "global" | "explicit" | "aux" | "nested"),
            "local" => matches!(self.word_ahead(1), "protocol" | "type"),
            "system" => name(1) && matches!(self.kind_ahead(2), Kind::LParen | Kind::Lt),
            "check" => {
                name(1)
                    && matches!(
                        self.kind_ahead(2),
                        Kind::LParen | Kind::Lt | Kind::LtGt | Kind::Sub | Kind::At | Kind::Dot
                    )
            }
            "trace" => name(1) && matches!(self.word_ahead(2), "accepts" | "rejects"),
            _ => false,
        }
    }
}

//! Source texts and places in them.

use crate::id::{FileId, IdVec, TooMany};

/// A range of bytes in one source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range that begins where `self` begins and ends where `other` ends.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start, end: other.end.max(self.start) }
    }

    /// The empty range where this one ends.
    #[must_use]
    pub fn after(self) -> Span {
        Span { file: self.file, start: self.end, end: self.end }
    }
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// One source text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it, usually its path.
    pub name: String,
    /// The text; spans are byte ranges of it.
    pub text: String,
    /// Byte offsets at which lines start.
    lines: Vec<u32>,
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1));
        let lines = std::iter::once(0).chain(starts).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        Self { name, text, lines }
    }

    /// The line and column of a byte offset. O(log lines + length of the line).
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0) as usize;
        let end = (offset as usize).min(self.text.len());
        let column = self.text.get(start..end).map_or(0, |text| text.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column.saturating_add(1)) }
    }

    /// The text of a range, empty if it is not one of this text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// All source texts of a specification: the file and what it imports.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: IdVec<FileId, Source>,
}

impl Sources {
    /// The texts, in the order of their ids.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.values().map(|source| source.text.as_str())
    }

    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text. Texts of 4 GiB or more are the caller's to refuse.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> Result<FileId, TooMany> {
        self.files.push(Source::new(name.into(), text.into()))
    }

    /// The text with this id.
    #[must_use]
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.files.entry(file)
    }

    /// The text of a range.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).map_or("", |source| source.slice(span))
    }

    /// Where a range starts.
    #[must_use]
    pub fn start(&self, span: Span) -> Position {
        self.get(span.file).map_or(Position { line: 1, column: 1 }, |source| source.position(span.start))
    }

    /// Where a range ends (one past its last character).
    #[must_use]
    pub fn end(&self, span: Span) -> Position {
        self.get(span.file).map_or(Position { line: 1, column: 1 }, |source| source.position(span.end))
    }

    /// What the file of a range is called.
    #[must_use]
    pub fn name(&self, span: Span) -> &str {
        self.get(span.file).map_or("", |source| &source.name)
    }

    /// The texts with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter()
    }
}

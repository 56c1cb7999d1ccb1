//! Laying out one logical line: a flat stream of texts, places and possible breaks.
//!
//! A printing function pushes [`Op`]s; the layout decides which breaks become line breaks. Comments are put back here:
//! each place ([`Op::Place`]) says where the text behind it stood in the source, and the comments that stood before it
//! and have not been printed yet are printed at the first possible break since the last place, or right there.
//!
//! INVARIANT (stable): where a comment goes depends only on the places around it, on its kind, and on whether it stands
//! alone on its line; printing keeps all three, so printing what was printed changes nothing.
//!
//! The stream is laid out as it grows: memory does not depend on its length.

use std::borrow::Cow;

use super::super::tree::{Comment, CommentKind};

/// The width that lines should have at most.
pub(super) const WIDTH: usize = 100;

/// How many spaces a level is.
const STEP: usize = 2;

/// Lay out when so many operations wait …
const HIGH: usize = 8192;
/// … and leave so many for looking ahead: more than fit on a line.
const LOW: usize = 2048;

/// A piece of the stream.
#[derive(Debug)]
pub(super) enum Op<'t> {
    /// Text without line breaks.
    Text(Cow<'t, str>),
    /// What follows stood at this byte of the source.
    Place(u32),
    /// A space or a line break; in a filled group each is decided alone, otherwise all of a group are the same.
    Line {
        /// What it is on one line.
        flat: &'static str,
        /// Decided alone.
        fill: bool,
    },
    /// The beginning of a group: on one line if it fits.
    Begin,
    /// Its end.
    End,
    /// So many levels deeper (or less deep) after line breaks.
    Indent(i8),
}

#[derive(Clone, Copy)]
struct Group {
    flat: bool,
}

pub(super) struct Layout<'t> {
    text: &'t str,
    comments: &'t [Comment],
    /// How each comment stands.
    stands: Vec<Stand>,
    /// The first comment that was not printed yet.
    next: usize,
    pub(super) out: String,
    /// The level of the logical line.
    pub(super) level: usize,
    /// Nothing but an opening brace stands before: no blank line here.
    pub(super) opened: bool,
    ops: Vec<Op<'t>>,
    /// Where the output's last line starts.
    line: usize,
    groups: Vec<Group>,
    /// Levels within the logical line.
    inner: i32,
    /// Whether the logical line has begun.
    begun: bool,
    /// Where the statement of the logical line begins in the source: a blank line before it is kept.
    start: u32,
    /// Where in the output comments stand behind something, with the space before them.
    behind: Vec<usize>,
}

/// How a comment stands in the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// Alone on its line or lines.
    Alone,
    /// Behind something, and the last on its line.
    Behind,
    /// Before something on the same line.
    Before,
}

/// How the comments stand, from the last to the first: what follows one may be another.
fn stands(text: &str, comments: &[Comment]) -> Vec<Stand> {
    let mut stands = Vec::with_capacity(comments.len());
    let mut next: Option<(usize, bool)> = None;
    for comment in comments.iter().rev() {
        let behind = text.get(comment.span.end as usize..).unwrap_or("");
        let rest = behind.trim_start_matches([' ', '\t', '\r', '\u{c}']);
        let last = match next {
            _ if comment.kind != CommentKind::Block || rest.is_empty() || rest.starts_with('\n') => true,
            Some((start, last)) => last && start == text.len().saturating_sub(rest.len()),
            None => false,
        };
        next = Some((comment.span.start as usize, last));
        stands.push(match (last, comment.own_line) {
            (false, _) => Stand::Before,
            (true, true) => Stand::Alone,
            (true, false) => Stand::Behind,
        });
    }
    stands.reverse();
    stands
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str, comments: &'t [Comment]) -> Self {
        Self {
            text,
            comments,
            stands: stands(text, comments),
            next: 0,
            out: String::new(),
            level: 0,
            opened: true,
            ops: Vec::new(),
            line: 0,
            groups: Vec::new(),
            inner: 0,
            begun: false,
            start: 0,
            behind: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, op: Op<'t>) {
        self.ops.push(op);
        if self.ops.len() >= HIGH {
            self.lay_out(LOW);
        }
    }

    // ---- comments ------------------------------------------------------------------------------------------------

    /// The comment with this number, if it stands before a place.
    fn comment_before(&self, number: usize, place: u32) -> Option<&'t Comment> {
        self.comments.get(number).filter(|comment| comment.span.start < place)
    }

    /// Whether comments stand inside braces.
    pub(super) fn waiting_inside(&self, start: u32, end: u32) -> bool {
        let rest = self.comments.get(self.next..).unwrap_or(&[]);
        let first = rest.partition_point(|comment| comment.span.start < start);
        rest.get(first).is_some_and(|comment| comment.span.start < end)
    }

    /// The first brace from a place on that is not in a comment; the place itself if there is none.
    pub(super) fn brace_from(&self, place: u32, end: u32) -> u32 {
        let mut number = self.comments.partition_point(|comment| comment.span.end <= place);
        let mut at = place;
        while at < end {
            let comment = self.comments.get(number);
            let upto = comment.map_or(end, |comment| comment.span.start.clamp(at, end));
            if let Some(found) = self.source(at, upto).find('{') {
                return at.saturating_add(u32::try_from(found).unwrap_or(0));
            }
            at = comment.map_or(end, |comment| comment.span.end);
            number = number.saturating_add(1);
        }
        place
    }

    fn source(&self, start: u32, end: u32) -> &'t str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    fn comment_text(&self, comment: &Comment) -> Cow<'t, str> {
        let text = self.source(comment.span.start, comment.span.end);
        match comment.kind {
            CommentKind::Line | CommentKind::Doc => Cow::Borrowed(text.trim_end()),
            CommentKind::Block if text.contains('\r') => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
            CommentKind::Block => Cow::Borrowed(text),
        }
    }

    fn stand(&self, number: usize) -> Stand {
        self.stands.get(number).copied().unwrap_or(Stand::Alone)
    }

    /// Whether a line must break at a comment.
    fn breaks(&self, number: usize) -> bool {
        self.stand(number) != Stand::Before
            || self
                .comments
                .get(number)
                .is_some_and(|comment| self.source(comment.span.start, comment.span.end).contains('\n'))
    }

    /// Whether a blank line stands before a place of the source.
    pub(super) fn blank_before(&self, place: u32) -> bool {
        let before = self.text.get(..place as usize).unwrap_or("");
        let gap = before.get(before.trim_end().len()..).unwrap_or("");
        gap.bytes().filter(|&byte| byte == b'\n').count() >= 2
    }

    // ---- logical lines -------------------------------------------------------------------------------------------

    /// Begins a line at the current level.
    fn fresh_line(&mut self, blank: bool) {
        if !self.out.is_empty() {
            self.newline(0);
            if blank && !self.opened {
                self.out.push('\n');
            }
            self.line = self.out.len();
        }
        self.opened = false;
        self.spaces(self.level);
    }

    fn spaces(&mut self, levels: usize) {
        let spaces = levels.saturating_mul(STEP);
        self.out.extend(std::iter::repeat_n(' ', spaces));
    }

    fn newline(&mut self, levels: usize) {
        let length = self.out.trim_end_matches(' ').len();
        self.out.truncate(length);
        self.out.push('\n');
        self.line = self.out.len();
        self.spaces(levels);
    }

    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        if let Some(at) = text.rfind('\n') {
            self.line = self.out.len().saturating_sub(text.len()).saturating_add(at).saturating_add(1);
        }
    }

    /// Begins a logical line whose statement begins at a place of the source.
    pub(super) fn begin(&mut self, start: u32) {
        self.begun = false;
        self.start = start;
    }

    /// Begins a logical line without comments or a blank line before it, for example `}`.
    pub(super) fn begin_plain(&mut self) {
        self.fresh_line(false);
        self.begun = true;
    }

    /// Comments before a place, each on a line of its own; then the beginning of the logical line.
    fn lead(&mut self, place: u32) {
        let mut blank = self.blank_before(self.start);
        while let Some(comment) = self.comment_before(self.next, place) {
            let inside = comment.span.start >= self.start;
            let blank_here = self.blank_before(comment.span.start) || (inside && std::mem::take(&mut blank));
            self.own_line(comment, blank_here);
        }
        self.fresh_line(blank);
        self.begun = true;
    }

    fn own_line(&mut self, comment: &Comment, blank: bool) {
        self.fresh_line(blank);
        let text = self.comment_text(comment);
        self.write(&text);
        self.next = self.next.saturating_add(1);
    }

    /// All comments before a place on lines of their own: before a closing brace or the end.
    pub(super) fn drain(&mut self, place: u32) {
        while let Some(comment) = self.comment_before(self.next, place) {
            let blank = self.blank_before(comment.span.start);
            self.own_line(comment, blank);
        }
    }

    /// Ends a logical line whose source ended before the byte `end`: comments behind it stay behind it.
    pub(super) fn finish(&mut self, mut end: u32) {
        self.lay_out(0);
        self.groups.clear();
        self.inner = 0;
        while let Some(comment) = self.comments.get(self.next) {
            let behind = if comment.span.start < end {
                !comment.own_line
            } else {
                let gap = self.source(end, comment.span.start);
                self.stand(self.next) == Stand::Behind
                    && gap.len() < 200
                    && gap.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | ',' | ';' | ')' | '{'))
            };
            if !behind {
                break;
            }
            let text = self.comment_text(comment);
            self.note_behind(comment);
            self.write(" ");
            self.write(&text);
            self.next = self.next.saturating_add(1);
            end = end.max(comment.span.end);
            if comment.kind != CommentKind::Block {
                break;
            }
        }
    }

    /// A comment is about to be written behind something, up to the end of the line.
    fn note_behind(&mut self, comment: &Comment) {
        if comment.kind != CommentKind::Block {
            self.behind.push(self.out.len());
        }
    }

    /// The output, with comments that stand behind lines below each other aligned, as far as their lines are short.
    pub(super) fn aligned(self) -> String {
        let mut out = String::with_capacity(self.out.len());
        let mut notes = self.behind.iter().copied().peekable();
        // Lines below each other with a comment behind them: what stands before it, how wide that is, the comment.
        let mut run: Vec<(&str, usize, &str)> = Vec::new();
        let mut start = 0_usize;
        for line in self.out.split_inclusive('\n') {
            let end = start.saturating_add(line.len());
            let mut note = None;
            while let Some(at) = notes.next_if(|&at| at < end) {
                note = line.split_at_checked(at.saturating_sub(start));
            }
            // What opens or closes a block is not of the lines around it.
            let among = |code: &str| !code.ends_with('{') && !code.trim_start().starts_with('}');
            match note.filter(|(code, _)| among(code)) {
                Some((code, comment)) => run.push((code, code.chars().count(), comment)),
                None => {
                    align(&run, &mut out);
                    run.clear();
                    out.push_str(line);
                }
            }
            start = end;
        }
        align(&run, &mut out);
        out
    }

    // ---- layout --------------------------------------------------------------------------------------------------

    fn column(&self) -> usize {
        self.out.get(self.line..).map_or(0, |line| line.chars().count())
    }

    fn levels(&self) -> usize {
        usize::try_from(i64::try_from(self.level).unwrap_or(0).saturating_add(i64::from(self.inner))).unwrap_or(0)
    }

    /// Lays out all operations but the last `keep`.
    fn lay_out(&mut self, keep: usize) {
        let ops = std::mem::take(&mut self.ops);
        let end = ops.len().saturating_sub(keep);
        for at in 0..end {
            self.one(&ops, at);
        }
        self.ops = ops;
        self.ops.drain(..end);
    }

    fn one(&mut self, ops: &[Op<'t>], at: usize) {
        let Some(op) = ops.get(at) else { return };
        match op {
            Op::Text(text) => {
                if !self.begun {
                    self.lead(0);
                }
                self.write(text);
            }
            Op::Place(place) => {
                if self.begun {
                    self.comments_here(*place);
                } else {
                    self.lead(*place);
                }
            }
            Op::Begin => {
                if !self.begun {
                    self.lead(Self::place_behind(ops, at));
                }
                let outer = self.groups.last().is_some_and(|group| group.flat);
                let flat = outer || self.fits(ops, at.saturating_add(1), true);
                self.groups.push(Group { flat });
            }
            Op::End => {
                self.groups.pop();
            }
            Op::Indent(levels) => self.inner = self.inner.saturating_add(i32::from(*levels)),
            Op::Line { flat, fill } => {
                let group = self.groups.last().is_some_and(|group| group.flat);
                let broken = self.comments_at_break(ops, at);
                if broken || !(group || (*fill && self.fits(ops, at, false))) {
                    self.newline(self.levels());
                } else {
                    self.write(flat);
                }
            }
        }
    }

    /// The place behind an operation.
    fn place_behind(ops: &[Op<'t>], at: usize) -> u32 {
        // Only a few operations stand between a break and the next place.
        let behind = ops.get(at..).unwrap_or(&[]).iter().take(64);
        behind.filter_map(|op| if let Op::Place(place) = op { Some(*place) } else { None }).next().unwrap_or(0)
    }

    /// Prints the comments that belong to a possible break. Whether the line must break now.
    fn comments_at_break(&mut self, ops: &[Op<'t>], at: usize) -> bool {
        if self.next >= self.comments.len() {
            return false;
        }
        let place = Self::place_behind(ops, at);
        // Those before something stay with it, unless one behind them does not.
        let mut upto = self.next;
        let mut number = self.next;
        while self.comment_before(number, place).is_some() {
            let stays = self.stand(number) == Stand::Before;
            number = number.saturating_add(1);
            if !stays {
                upto = number;
            }
        }
        self.print_comments(upto)
    }

    /// Prints the comments that stand directly before a place.
    fn comments_here(&mut self, place: u32) {
        let mut upto = self.next;
        while self.comment_before(upto, place).is_some() {
            upto = upto.saturating_add(1);
        }
        if upto == self.next {
            return;
        }
        let glued = self.out.ends_with([' ', '(', '[', '{', '.', '!', '?', '@', '`', '-']);
        if self.print_comments_glued(upto, glued) {
            self.newline(self.levels());
        } else {
            self.write(" ");
        }
    }

    fn print_comments(&mut self, upto: usize) -> bool {
        self.print_comments_glued(upto, false)
    }

    /// Prints the comments up to a number. Whether the line must break behind them.
    fn print_comments_glued(&mut self, upto: usize, mut glued: bool) -> bool {
        let mut broken = false;
        let mut lined = false;
        while self.next < upto {
            let Some(comment) = self.comments.get(self.next) else { break };
            let stand = self.stand(self.next);
            self.next = self.next.saturating_add(1);
            // Once one is on a line of its own, so are those behind it.
            lined |= stand == Stand::Alone;
            if lined {
                self.newline(self.levels());
            } else if !glued && !self.out.ends_with(' ') {
                self.note_behind(comment);
                self.write(" ");
            }
            glued = false;
            let text = self.comment_text(comment);
            self.write(&text);
            lined |= comment.kind != CommentKind::Block;
            broken |= lined || stand != Stand::Before;
        }
        broken
    }

    /// Whether what follows fits on the line: up to the end of the group that begins here (`group`), or from this break
    /// to the next one; and what cannot be broken off behind it.
    fn fits(&self, ops: &[Op<'t>], from: usize, group: bool) -> bool {
        let mut room = WIDTH.saturating_sub(self.column());
        let mut depth = usize::from(group);
        let mut comment = self.next;
        let mut first = !group;
        for (at, op) in ops.get(from..).unwrap_or(&[]).iter().enumerate() {
            let width = match op {
                Op::Text(text) => text.chars().count(),
                Op::Begin => {
                    depth = depth.saturating_add(1);
                    0
                }
                Op::End => {
                    depth = depth.saturating_sub(1);
                    0
                }
                Op::Line { flat, .. } => {
                    if depth == 0 && !first {
                        return true;
                    }
                    if comment < self.comments.len() {
                        // A comment that stands at this break is behind what has to fit.
                        let place = Self::place_behind(ops, from.saturating_add(at));
                        let here = (comment..).take_while(|&one| self.comment_before(one, place).is_some());
                        if !first && here.take(64).any(|one| self.breaks(one)) {
                            return depth == 0;
                        }
                    }
                    first = false;
                    flat.len()
                }
                Op::Place(place) => {
                    let mut width = 0usize;
                    while let Some(here) = self.comment_before(comment, *place) {
                        if self.breaks(comment) {
                            return false;
                        }
                        let length = self.source(here.span.start, here.span.end).chars().count();
                        width = width.saturating_add(length).saturating_add(1);
                        comment = comment.saturating_add(1);
                    }
                    width
                }
                Op::Indent(_) => 0,
            };
            match room.checked_sub(width) {
                Some(left) => room = left,
                None => return false,
            }
        }
        true
    }
}

/// Writes lines with their comments below each other. A line that is longer than most are keeps its comment close.
fn align(run: &[(&str, usize, &str)], out: &mut String) {
    let column = run.iter().map(|(_, width, _)| *width).filter(|&width| width <= WIDTH).max().unwrap_or(0);
    for (code, width, comment) in run {
        out.push_str(code);
        out.extend(std::iter::repeat_n(' ', column.saturating_sub(*width)));
        out.push_str(comment);
    }
}

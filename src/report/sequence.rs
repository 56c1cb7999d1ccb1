//! A run as a sequence diagram in the terminal: a lifeline per role, a row per step.
//!
//! ```text
//!          Alice             Bob
//!            │                │
//!   1,2      ├─────title─────▶│     sent and taken
//!   3        ├─────price─────▷│     sent, still in the queue
//!   5        │┄┄┄┄┄price┄┄┄┄┄▶│     taken from the queue
//!   6        ╞═════quote═════▶│     both at once
//!   7        ■ reckon         │     a local action
//! ```
//!
//! Only the steps that the caller names are drawn, under their numbers in the run. Roles are those of these steps. A
//! drawing that would be wider than the caller's width is not made.

use super::{
    record::StepRecord,
    text::{clean, cut, width},
};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Only ASCII characters.
    pub ascii: bool,
    /// At most this many columns.
    pub width: usize,
    /// At most this many rows of steps; of more, the first and last are drawn.
    pub rows: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { ascii: false, width: 100, rows: 60 }
    }
}

struct Glyphs {
    line: char,
    cross: char,
    dash: char,
    dots: char,
    double: char,
    out_right: char,
    out_left: char,
    both_right: char,
    both_left: char,
    right: char,
    left: char,
    open_right: char,
    open_left: char,
    act: char,
    top: &'static str,
    side: &'static str,
    bottom: &'static str,
    more: char,
}

const UNICODE: Glyphs = Glyphs {
    line: '│',
    cross: '┼',
    dash: '─',
    dots: '┄',
    double: '═',
    out_right: '├',
    out_left: '┤',
    both_right: '╞',
    both_left: '╡',
    right: '▶',
    left: '◀',
    open_right: '▷',
    open_left: '◁',
    act: '■',
    top: "╭▸",
    side: "│ ",
    bottom: "╰╴",
    more: '⋮',
};

const ASCII: Glyphs = Glyphs {
    line: '|',
    cross: '+',
    dash: '-',
    dots: '.',
    double: '=',
    out_right: '|',
    out_left: '|',
    both_right: '|',
    both_left: '|',
    right: '>',
    left: '<',
    open_right: ')',
    open_left: '(',
    act: '#',
    top: "+>",
    side: "| ",
    bottom: "+-",
    more: ':',
};

/// One row.
enum Row {
    /// An arrow between two lifelines.
    Arrow { from: usize, to: usize, kind: Kind },
    /// A box on one.
    Act(usize),
    /// Steps left out here.
    Gap,
    /// The loop begins, or ends.
    Loop(bool),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sent and taken at once, or one after the other.
    Whole,
    /// Sent only.
    Sent,
    /// Taken only.
    Taken,
    /// On a synchronous edge.
    Sync,
}

struct Line {
    number: String,
    text: String,
    row: Row,
}

/// The longest label that is drawn in full.
const LABEL: usize = 28;

/// The drawing, a line per row; `None` if there is nothing to draw or no room for it.
///
/// `cone` are indices of `steps`, ascending; `cycle_at` is an index of `steps`.
#[must_use]
pub fn draw(
    roles: &[String],
    steps: &[StepRecord],
    cone: &[usize],
    cycle_at: Option<usize>,
    style: Style,
) -> Option<Vec<String>> {
    let drawn: Vec<(usize, &StepRecord)> = cone.iter().filter_map(|&i| Some((i, steps.get(i)?))).collect();
    let involved: Vec<&String> =
        roles.iter().filter(|role| drawn.iter().any(|(_, step)| step.from == **role || step.to == **role)).collect();
    if drawn.is_empty() || involved.is_empty() {
        return None;
    }
    let lines = lines(&involved, &drawn, cycle_at, style);
    [LABEL, 16, 9].iter().find_map(|&label| Canvas::new(&involved, &lines, label, style)?.render(&lines))
}

fn lines(roles: &[&String], drawn: &[(usize, &StepRecord)], cycle_at: Option<usize>, style: Style) -> Vec<Line> {
    let at = |name: &String| roles.iter().position(|role| *role == name).unwrap_or(0);
    let mut lines: Vec<Line> = Vec::new();
    let mut rest = drawn.iter().copied().peekable();
    let mut looping = false;
    while let Some((i, step)) = rest.next() {
        if !looping && cycle_at.is_some_and(|start| i >= start) {
            looping = true;
            lines.push(Line { number: String::new(), text: String::new(), row: Row::Loop(true) });
        }
        let mut number = i.saturating_add(1).to_string();
        let (from, to) = (at(&step.from), at(&step.to));
        let row = match step.dir {
            "send" => {
                let taken = |&(_, next): &(usize, &StepRecord)| {
                    next.dir == "receive" && (&next.from, &next.to, &next.label) == (&step.from, &step.to, &step.label)
                };
                // A loop that begins between the two keeps them apart.
                let apart = |&(j, _): &(usize, &StepRecord)| !looping && cycle_at.is_some_and(|start| j >= start);
                match rest.next_if(|next| taken(next) && !apart(next)) {
                    Some((j, _)) => {
                        number.push_str(&format!(",{}", j.saturating_add(1)));
                        Row::Arrow { from, to, kind: Kind::Whole }
                    }
                    None => Row::Arrow { from, to, kind: Kind::Sent },
                }
            }
            "receive" => Row::Arrow { from, to, kind: Kind::Taken },
            "sync" => Row::Arrow { from, to, kind: Kind::Sync },
            _ => Row::Act(from),
        };
        let text = if step.label.is_empty() { step.dir.to_owned() } else { clean(&step.label) };
        lines.push(Line { number, text, row });
    }
    if lines.len() > style.rows.max(2) {
        let head = style.rows / 2;
        let tail = lines.len().saturating_sub(style.rows.saturating_sub(head));
        let last = lines.split_off(tail);
        lines.truncate(head);
        lines.push(Line { number: String::new(), text: String::new(), row: Row::Gap });
        lines.extend(last);
    }
    if looping {
        lines.push(Line { number: String::new(), text: String::new(), row: Row::Loop(false) });
    }
    lines
}

struct Canvas<'a> {
    heads: Vec<String>,
    /// The column of each lifeline.
    at: Vec<usize>,
    numbers: usize,
    width: usize,
    label: usize,
    glyphs: &'a Glyphs,
    ascii: bool,
    loops: bool,
}

impl Canvas<'_> {
    /// Places the lifelines so that every label fits; `None` if that takes too much room.
    fn new(roles: &[&String], lines: &[Line], label: usize, style: Style) -> Option<Self> {
        let glyphs = if style.ascii { &ASCII } else { &UNICODE };
        let heads: Vec<String> = roles.iter().map(|role| cut(&clean(role), label, style.ascii)).collect();
        let numbers = lines.iter().map(|line| line.number.len()).max().unwrap_or(0);
        let half = |head: &String| width(head).div_ceil(2);
        let loops = lines.iter().any(|line| matches!(line.row, Row::Loop(_)));
        // Number, two spaces, the loop's bracket, and room for the left half of the first head.
        let first = numbers.saturating_add(4).saturating_add(heads.first().map_or(0, half));
        let mut gaps: Vec<usize> =
            heads.windows(2).map(|pair| pair.iter().map(half).sum::<usize>().saturating_add(2)).collect();
        let mut last = heads.last().map_or(0, half).saturating_add(1);
        // Short spans first: what they need, wider ones have too.
        let mut spans: Vec<(usize, usize, usize)> = Vec::new();
        for line in lines {
            let need = width(&line.text).min(label);
            match line.row {
                Row::Arrow { from, to, .. } if from != to => {
                    spans.push((from.min(to), from.max(to), need.saturating_add(6)))
                }
                Row::Arrow { from: role, .. } | Row::Act(role) => {
                    spans.push((role, role.saturating_add(1), need.saturating_add(4)))
                }
                Row::Gap | Row::Loop(_) => {}
            }
        }
        spans.sort_unstable_by_key(|&(from, to, _)| to.saturating_sub(from));
        for (from, to, need) in spans {
            if from >= gaps.len() {
                last = last.max(need);
                continue;
            }
            let have: usize = gaps.get(from..to).map_or(need, |gaps| gaps.iter().sum());
            if let Some(gap) = gaps.get_mut(to.saturating_sub(1)) {
                *gap = gap.saturating_add(need.saturating_sub(have));
            }
        }
        let mut at = vec![first];
        for gap in gaps {
            at.push(at.last().copied().unwrap_or(first).saturating_add(gap));
        }
        let total = at.last().copied().unwrap_or(first).saturating_add(last);
        (total <= style.width).then_some(Self {
            heads,
            at,
            numbers,
            width: total,
            label,
            glyphs,
            ascii: style.ascii,
            loops,
        })
    }

    fn lifelines(&self, glyph: char) -> Vec<char> {
        let mut row = vec![' '; self.width];
        for &x in &self.at {
            put(&mut row, x, glyph);
        }
        row
    }

    fn render(&self, lines: &[Line]) -> Option<Vec<String>> {
        let mut out = Vec::with_capacity(lines.len().saturating_add(3));
        let mut heads = vec![' '; self.width];
        for (&x, head) in self.at.iter().zip(&self.heads) {
            write(&mut heads, x.saturating_sub(width(head) / 2), head);
        }
        out.push(finish(&heads));
        out.push(finish(&self.lifelines(self.glyphs.line)));
        let mut inside = false;
        for line in lines {
            let mut row = self.lifelines(self.glyphs.line);
            let bracket = self.numbers.saturating_add(1);
            match line.row {
                Row::Arrow { from, to, kind } => {
                    self.arrow(&mut row, *self.at.get(from)?, *self.at.get(to)?, kind, &line.text)
                }
                Row::Act(role) => {
                    let x = *self.at.get(role)?;
                    put(&mut row, x, self.glyphs.act);
                    write(&mut row, x.saturating_add(2), &cut(&line.text, self.label, self.ascii));
                }
                Row::Gap => row = self.lifelines(self.glyphs.more),
                Row::Loop(opens) => {
                    inside = opens;
                    write(&mut row, bracket, if opens { self.glyphs.top } else { self.glyphs.bottom });
                }
            }
            if inside && self.loops && !matches!(line.row, Row::Loop(_)) {
                write(&mut row, bracket, self.glyphs.side);
            }
            write(&mut row, self.numbers.saturating_sub(line.number.len()), &line.number);
            out.push(finish(&row));
        }
        out.push(finish(&self.lifelines(self.glyphs.line)));
        Some(out)
    }

    fn arrow(&self, row: &mut [char], from: usize, to: usize, kind: Kind, text: &str) {
        let glyphs = self.glyphs;
        let text = cut(text, self.label, self.ascii);
        if from == to {
            // A message of a role to itself.
            put(row, from, glyphs.act);
            write(row, from.saturating_add(2), &text);
            return;
        }
        let (left, right) = (from.min(to), from.max(to));
        let stroke = match kind {
            Kind::Taken => glyphs.dots,
            Kind::Sync => glyphs.double,
            Kind::Whole | Kind::Sent => glyphs.dash,
        };
        for x in left.saturating_add(1)..right {
            let crossed = self.at.contains(&x) && stroke == glyphs.dash;
            if !self.at.contains(&x) || crossed {
                put(row, x, if crossed { glyphs.cross } else { stroke });
            }
        }
        let forth = to > from;
        let start = match (kind, forth) {
            (Kind::Taken, _) => glyphs.line,
            (Kind::Sync, true) => glyphs.both_right,
            (Kind::Sync, false) => glyphs.both_left,
            (_, true) => glyphs.out_right,
            (_, false) => glyphs.out_left,
        };
        put(row, from, start);
        let (head, x) = match (forth, kind == Kind::Sent) {
            (true, false) => (glyphs.right, right.saturating_sub(1)),
            (true, true) => (glyphs.open_right, right.saturating_sub(1)),
            (false, false) => (glyphs.left, left.saturating_add(1)),
            (false, true) => (glyphs.open_left, left.saturating_add(1)),
        };
        put(row, x, head);
        let room = right.saturating_sub(left).saturating_sub(1);
        let begin = left.saturating_add(1).saturating_add(room.saturating_sub(width(&text)) / 2);
        write(row, begin, &text);
    }
}

fn put(row: &mut [char], x: usize, glyph: char) {
    if let Some(cell) = row.get_mut(x) {
        *cell = glyph;
    }
}

fn write(row: &mut [char], x: usize, text: &str) {
    for (cell, c) in row.iter_mut().skip(x).zip(text.chars()) {
        *cell = c;
    }
}

fn finish(row: &[char]) -> String {
    row.iter().collect::<String>().trim_end().to_owned()
}

//! From a tree to its canonical text.
//!
//! [`print()`] gives a file one statement per line, two spaces per level, lines of about 100 characters, and backquotes
//! exactly where a name would otherwise be read as something else. Comments stay where they were: alone on a line before
//! what they preceded, or behind what they followed; single blank lines are kept. What is printed parses to the same
//! tree, and printing it again changes nothing.
//!
//! The small printers ([`sort`], [`message`], [`expr`], [`ltype`]) print a part for diagnostics and reports.

mod claim;
mod expr;
mod item;
mod layout;
mod ltype;
mod names;
mod stmt;

use std::borrow::Cow;

use super::tree::{Expr, File, LType, Message, Name, Sort};
use crate::diag::Span;
use layout::{Layout, Op};
pub(super) use names::Taken;

/// How messages are written where there are two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// `A -> B: l();`
    #[default]
    Arrows,
    /// `l() from A to B;`
    Scribble,
}

/// The canonical text of a file; `text` is what it was parsed from, for its comments and blank lines.
///
/// ```
/// use polylogue::{id::FileId, syntax::{self, Style}};
///
/// let text = "protocol P(role A,role B){hello() from A to B; // hi\n}";
/// let (file, _) = syntax::parse(FileId::default(), text);
/// let printed = syntax::print(&file, text, Style::Arrows);
/// assert_eq!(printed, "protocol P(role A, role B) {\n  A -> B: hello(); // hi\n}\n");
/// ```
#[must_use]
pub fn print(file: &File, text: &str, style: Style) -> String {
    let mut printer = Printer { layout: Layout::new(text, &file.comments), style, local: false };
    printer.file(file);
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    printer.layout.level = 0;
    printer.layout.drain(end.saturating_add(1));
    let mut out = printer.layout.aligned();
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// A sort, such as `int{this >= 0}`.
#[must_use]
pub fn sort(sort: &Sort) -> String {
    small(|printer| printer.sort(sort, Taken::SORT))
}

/// A message, such as `quote(price: int)`.
#[must_use]
pub fn message(message: &Message) -> String {
    small(|printer| printer.message(message, true, Taken::NOTHING))
}

/// An expression, such as `x + 1 <= y`.
#[must_use]
pub fn expr(expr: &Expr) -> String {
    small(|printer| printer.expr(expr))
}

/// A compact local type, such as `Q!ping(). Q?pong(). end`, on one line if it fits.
#[must_use]
pub fn ltype(local: &LType) -> String {
    small(|printer| printer.ltype(local))
}

fn small<'t>(print: impl FnOnce(&mut Printer<'t>)) -> String {
    let mut printer = Printer { layout: Layout::new("", &[]), style: Style::Arrows, local: false };
    printer.layout.begin(0);
    printer.group(|printer| {
        printer.push(Op::Indent(1));
        print(printer);
        printer.push(Op::Indent(-1));
    });
    printer.layout.finish(0);
    printer.layout.out
}

struct Printer<'t> {
    layout: Layout<'t>,
    style: Style,
    /// Inside a local protocol.
    local: bool,
}

impl<'t> Printer<'t> {
    fn push(&mut self, op: Op<'t>) {
        self.layout.push(op);
    }

    fn put(&mut self, text: &'static str) {
        self.push(Op::Text(Cow::Borrowed(text)));
    }

    fn put_text(&mut self, text: impl Into<Cow<'t, str>>) {
        self.push(Op::Text(text.into()));
    }

    fn place(&mut self, span: Span) {
        self.push(Op::Place(span.start));
    }

    /// The place of a closing bracket, which a span ends with.
    fn closer(&mut self, span: Span) {
        self.push(Op::Place(span.end.saturating_sub(1)));
    }

    /// A space that may become a line break, each decided alone.
    fn fill(&mut self) {
        self.push(Op::Line { flat: " ", fill: true });
    }

    /// A space that becomes a line break if its group does not fit.
    fn line(&mut self) {
        self.push(Op::Line { flat: " ", fill: false });
    }

    fn group(&mut self, inside: impl FnOnce(&mut Self)) {
        self.push(Op::Begin);
        inside(self);
        self.push(Op::End);
    }

    /// Elements with commas, as many on a line as fit.
    fn commas<T>(&mut self, list: impl IntoIterator<Item = T>, mut one: impl FnMut(&mut Self, T)) {
        for (number, element) in list.into_iter().enumerate() {
            if number > 0 {
                self.put(",");
                self.fill();
            }
            one(self, element);
        }
    }

    /// The same in a group, deeper where it breaks.
    fn list<T>(&mut self, list: impl IntoIterator<Item = T>, one: impl FnMut(&mut Self, T)) {
        self.group(|printer| {
            printer.push(Op::Indent(2));
            printer.commas(list, one);
            printer.push(Op::Indent(-2));
        });
    }

    /// A name that is an identifier in the text, or stands in backquotes; `taken` words would be keywords.
    fn name(&mut self, name: &'t Name, taken: Taken) {
        self.place(name.span);
        self.put_text(names::name(&name.text, taken));
    }

    /// A label.
    fn label(&mut self, name: &'t Name, dotted: bool, taken: Taken) {
        self.place(name.span);
        self.put_text(names::label(&name.text, dotted, taken));
    }

    /// A string in quotes.
    fn string(&mut self, value: &str) {
        self.put_text(names::quote(value));
    }
}

//! Mermaid, as Markdown viewers draw it: state diagrams of machines, flowcharts and sequence diagrams of protocols.

use std::fmt::Write as _;

use super::diagram::Diagram;
use crate::{
    id::{BlockId, BodyId, RoleId},
    protocol::{Chooser, Header, Names, Stmt, Term},
};

/// Machines as a state diagram, a composite state per group if there are several.
#[must_use]
pub fn states(diagram: &Diagram) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_states(diagram, &mut out);
    out
}

fn write_states(diagram: &Diagram, out: &mut String) -> std::fmt::Result {
    writeln!(out, "stateDiagram-v2\n  direction LR")?;
    let several = diagram.groups.len() > 1;
    for (g, group) in diagram.groups.iter().enumerate() {
        let pad = if several { "    " } else { "  " };
        if several {
            writeln!(out, "  state \"{}\" as g{g} {{", text(&group.title))?;
        }
        for (n, node) in group.nodes.iter().enumerate() {
            writeln!(out, "{pad}state \"{}\" as s{g}_{n}", text(&node.text))?;
        }
        writeln!(out, "{pad}[*] --> s{g}_{}", group.initial)?;
        for arrow in &group.arrows {
            write!(out, "{pad}s{g}_{} --> s{g}_{}", arrow.from, arrow.to)?;
            writeln!(
                out,
                "{}",
                if arrow.lines.is_empty() { String::new() } else { format!(" : {}", lines(&arrow.lines)) }
            )?;
        }
        for (n, _) in group.nodes.iter().enumerate().filter(|(_, node)| node.may_stop) {
            writeln!(out, "{pad}s{g}_{n} --> [*]")?;
        }
        if several {
            writeln!(out, "  }}")?;
        }
    }
    Ok(())
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| text(line)).collect::<Vec<_>>().join("<br/>")
}

/// A text inside a diagram: what Mermaid would read as its own syntax becomes an entity.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '#' | ';' | ':' | '"' | '{' | '}' | '[' | ']' | '%' | '`' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// More rows than this are not drawn: a protocol that calls others again and again is shown by its beginning.
const MOST_ROWS: usize = 5_000;

enum Work<'a> {
    Stmt(&'a Stmt),
    Line(String),
    Open,
    Close,
    Leave(BodyId),
}

/// A global protocol as a sequence diagram: `alt` for choices, `loop` for recursion.
#[must_use]
pub fn sequence(term: &Term, header: &Header, names: &Names) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for (role, declared) in header.roles.iter() {
        let _ = writeln!(out, "  participant {} as {}", id(role), text(&declared.name));
    }
    Walk { term, header, names, active: Vec::new(), stack: Vec::new() }.run(&mut out);
    out
}

fn id(role: RoleId) -> String {
    use crate::id::Id as _;
    format!("r{}", role.index())
}

struct Walk<'a> {
    term: &'a Term,
    header: &'a Header,
    names: &'a Names,
    /// Instances that are being written: a call of one of them goes back to it.
    active: Vec<BodyId>,
    /// What is still to be written, the next last: a term may be nested more deeply than a stack is.
    stack: Vec<Work<'a>>,
}

impl<'a> Walk<'a> {
    fn run(mut self, out: &mut String) {
        self.enter(self.term.start);
        let mut depth = 1_usize;
        let mut rows = 0_usize;
        while let Some(work) = self.stack.pop() {
            match work {
                Work::Open => depth = depth.saturating_add(1),
                Work::Close => depth = depth.saturating_sub(1),
                Work::Leave(body) => self.active.retain(|&other| other != body),
                Work::Line(line) => {
                    let _ = writeln!(out, "{}{line}", "  ".repeat(depth.min(40)));
                }
                Work::Stmt(_) if rows > MOST_ROWS => {}
                Work::Stmt(stmt) => {
                    rows = rows.saturating_add(1);
                    if rows > MOST_ROWS {
                        self.stack.push(Work::Line(self.note("and so on")));
                    } else {
                        self.stmt(stmt);
                    }
                }
            }
        }
    }

    fn note(&self, what: &str) -> String {
        let last = self.header.roles.ids().next_back().map(id);
        match (self.header.roles.ids().next().map(id), last) {
            (Some(first), Some(last)) if first != last => format!("Note over {first},{last}: {}", text(what)),
            (Some(first), _) => format!("Note over {first}: {}", text(what)),
            _ => format!("%% {}", text(what)),
        }
    }

    fn enter(&mut self, body: BodyId) {
        if self.active.contains(&body) {
            self.stack.push(Work::Line(self.note("again from the start of this protocol")));
            return;
        }
        self.active.push(body);
        self.stack.push(Work::Leave(body));
        if let Some(&block) = self.term.bodies.entry(body) {
            self.block(block);
        }
    }

    fn block(&mut self, block: BlockId) {
        if let Some(stmts) = self.term.blocks.entry(block) {
            self.stack.extend(stmts.iter().rev().map(Work::Stmt));
        }
    }

    /// Pushes a block between a line before and after it.
    fn framed(&mut self, first: String, block: BlockId) {
        self.stack.push(Work::Close);
        self.block(block);
        self.stack.push(Work::Open);
        self.stack.push(Work::Line(first));
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Message { from, to, label, sort, .. } => {
                let message = text(&self.names.message(*label, *sort));
                let line = |to: &RoleId| Work::Line(format!("{}->>{}: {message}", id(*from), id(*to)));
                self.stack.extend(to.iter().rev().map(line));
            }
            Stmt::Act { role, label, sort, .. } => {
                let message = text(&self.names.message(*label, *sort));
                self.stack.push(Work::Line(format!("{0}->>{0}: {message}", id(*role))));
            }
            // Local statements do not occur in a global term.
            Stmt::Send { .. } | Stmt::Receive { .. } => {}
            Stmt::Scope { .. } | Stmt::Set { .. } => {}
            Stmt::Choice { at, arms, .. } => {
                let who = match at {
                    Chooser::Role(role) => format!("{} decides", self.header.role_name(*role)),
                    Chooser::Internal | Chooser::External | Chooser::Mixed => "one of these".to_owned(),
                };
                self.stack.push(Work::Line("end".to_owned()));
                for (i, arm) in arms.iter().enumerate().rev() {
                    let first = if i == 0 { format!("alt {}", text(&who)) } else { "else".to_owned() };
                    self.framed(first, *arm);
                }
            }
            Stmt::Rec { var, body, .. } => {
                self.stack.push(Work::Line("end".to_owned()));
                self.framed(format!("loop {}", text(self.names.var_text(*var))), *body);
            }
            Stmt::States { blocks, .. } => {
                for (i, (var, block)) in blocks.iter().enumerate().rev() {
                    self.stack.push(Work::Line("end".to_owned()));
                    let first = if i == 0 { " (first)" } else { "" };
                    self.framed(format!("opt state {}{first}", text(self.names.var_text(*var))), *block);
                }
            }
            Stmt::Continue { var, .. } => {
                let line = self.note(&format!("continue {}", self.names.var_text(*var)));
                self.stack.push(Work::Line(line));
            }
            Stmt::Call { body, .. } => self.enter(*body),
        }
    }
}

//! Random protocols with data, time, scopes, families and failure, as source texts: lowering is exercised too.
//!
//! Most of them lower without errors, but not all: what an expression knows is not tracked closely. Whoever asks for one
//! drops those that do not. Of jumps with values only those are written that directly follow messages of their arm.

use std::{collections::BTreeMap, fmt::Write as _};

use super::Rng;

/// A protocol, as a text.
#[derive(Clone, Debug)]
pub struct Rich {
    /// The text of a file with one protocol, `P`.
    pub text: String,
    /// How often each construct is in it.
    pub constructs: BTreeMap<&'static str, u64>,
}

/// A loop, and the variable that it carries with the roles that know it.
type Loop = (String, Option<(String, usize, usize)>);

/// What is seen at a place.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Variables of sort int.
    vars: Vec<String>,
    /// Fields of messages before.
    bound: Vec<String>,
    /// The keys of the families around, outermost first.
    keys: Vec<String>,
    /// Loops that may be continued, with the variable that they carry and the roles that know it.
    loops: Vec<Loop>,
    /// Families whose instances may be looked up.
    families: Vec<String>,
}

struct Writer<'r> {
    rng: &'r mut Rng,
    text: String,
    constructs: BTreeMap<&'static str, u64>,
    roles: usize,
    names: usize,
    indent: usize,
    /// Messages say from when they are.
    epochs: bool,
}

const ROLES: [&str; 3] = ["A", "B", "C"];

impl Rich {
    /// A protocol of some size.
    #[must_use]
    pub fn draw(rng: &mut Rng, size: usize) -> Self {
        let roles = rng.between(2, 3);
        let epochs = rng.chance(15);
        let mut writer =
            Writer { rng, text: String::new(), constructs: BTreeMap::new(), roles, names: 0, indent: 1, epochs };
        writer.protocol(size);
        Self { text: writer.text, constructs: writer.constructs }
    }
}

impl Writer<'_> {
    fn note(&mut self, construct: &'static str) {
        let count = self.constructs.entry(construct).or_default();
        *count = count.saturating_add(1);
    }

    fn line(&mut self, line: &str) {
        let indent = "  ".repeat(self.indent);
        let _ = writeln!(self.text, "{indent}{line}");
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.names = self.names.saturating_add(1);
        format!("{prefix}{}", self.names)
    }

    fn role(&self, role: usize) -> &'static str {
        ROLES.get(role).copied().unwrap_or("A")
    }

    fn any(&mut self) -> usize {
        self.rng.below(self.roles)
    }

    fn other(&mut self, role: usize) -> usize {
        let step = self.rng.between(1, self.roles.saturating_sub(1));
        role.saturating_add(step).checked_rem(self.roles).unwrap_or(0)
    }

    fn pair(&mut self) -> (usize, usize) {
        let from = self.any();
        (from, self.other(from))
    }

    fn protocol(&mut self, size: usize) {
        let crashes = self.rng.chance(20);
        let roles: Vec<String> = (0..self.roles)
            .map(|role| {
                let weak = if crashes && role == 1 { "unreliable role " } else { "role " };
                format!("{weak}{}", self.role(role))
            })
            .collect();
        let _ = writeln!(self.text, "extern predicate checked(int);");
        let _ = writeln!(self.text, "def quiet() = true;");
        let _ = writeln!(self.text, "def near(x: int, y: int) = x <= y + 1;");
        if self.epochs {
            self.note("epochs");
            self.text.push_str("@epoch(e) ");
        }
        let _ = writeln!(self.text, "protocol P({}) {{", roles.join(", "));
        for from in 0..self.roles {
            let to = self.other(from);
            let kind = match self.rng.below(20) {
                0 | 1 => "lossy",
                2 | 3 => "latest",
                4 => "bounded(2)",
                _ => continue,
            };
            self.note(kind);
            self.line(&format!("channel {} -> {}: {kind};", self.role(from), self.role(to)));
        }
        let mut seen = Seen::default();
        for _ in 0..self.rng.between(0, 3) {
            self.variable(&mut seen);
        }
        if crashes {
            self.note("crash");
            self.line("try {");
            self.indent = self.indent.saturating_add(1);
            self.block(&mut seen.clone(), size);
            self.indent = self.indent.saturating_sub(1);
            self.line(&format!("}} on crash {} {{", self.role(1)));
            if self.roles > 2 && self.rng.chance(70) {
                let ends = if self.rng.chance(50) { (0, 2) } else { (2, 0) };
                self.message(&seen, ends, true, "");
            }
            self.line("}");
            if self.roles > 2 {
                self.message(&seen, (0, 2), true, "");
            }
        } else {
            self.block(&mut seen, size);
        }
        self.text.push_str("}\n");
    }

    /// A variable at the head of a block.
    fn variable(&mut self, seen: &mut Seen) {
        let name = self.fresh("v");
        let first = self.rng.between(0, 2);
        let whose = match self.rng.below(10) {
            0 | 1 => {
                self.note("nobody's variable");
                "<>"
            }
            2 => {
                self.note("a role's variable");
                "<A, B>"
            }
            _ => "",
        };
        let mut sort = "int".to_owned();
        if self.rng.chance(25) {
            self.note("refined variable");
            sort = match seen.vars.last().filter(|_| whose.is_empty() && self.rng.chance(40)) {
                Some(other) => format!("int{{this <= {other} + 1}}"),
                None => "int{this >= 0 && this <= 5}".to_owned(),
            };
        }
        self.note("variable");
        self.line(&format!("var {name}{whose}: {sort} = {first};"));
        seen.vars.push(name);
    }

    /// An expression of sort int over what is seen and the fields of a message.
    fn term(&mut self, seen: &Seen, fields: &[String]) -> String {
        let bound = seen.bound.iter().rev().take(2);
        let mut of: Vec<&String> = seen.vars.iter().chain(fields).chain(bound).collect();
        self.rng.shuffle(&mut of);
        let Some(name) = of.first() else { return self.rng.below(4).to_string() };
        match self.rng.below(5) {
            0 => self.rng.below(4).to_string(),
            1 => format!("{name} + 1"),
            _ => (*name).clone(),
        }
    }

    fn condition(&mut self, seen: &Seen, fields: &[String]) -> String {
        if let (Some(family), Some(field)) = (seen.families.last(), fields.last())
            && self.rng.chance(50)
        {
            let text = format!("{field} in {family}");
            self.note("lookup");
            return text;
        }
        let operator = self.rng.pick(&["<", "<=", "==", ">=", ">", "!="]).copied().unwrap_or("==");
        let left = fields.first().cloned().unwrap_or_else(|| "1".to_owned());
        let right = self.term(seen, &[]);
        format!("{left} {operator} {right}")
    }

    /// A message; `keyed` if it names the instances around.
    fn message(&mut self, seen: &Seen, (from, to): (usize, usize), keyed: bool, prefix: &str) -> Vec<String> {
        let label = self.fresh("l");
        self.labelled(seen, (from, to), keyed, prefix, &label, None)
    }

    fn labelled(
        &mut self,
        seen: &Seen,
        (from, to): (usize, usize),
        keyed: bool,
        prefix: &str,
        label: &str,
        condition: Option<&str>,
    ) -> Vec<String> {
        let mut fields = Vec::new();
        let mut sorts = Vec::new();
        if keyed {
            let inner = seen.keys.len() > 1 && self.rng.chance(30);
            for key in seen.keys.iter().skip(if inner { seen.keys.len().saturating_sub(1) } else { 0 }) {
                fields.push(key.clone());
                sorts.push(format!("{key}: int"));
            }
        }
        if self.epochs && condition.is_none() && self.rng.chance(70) {
            sorts.push("e: int".to_owned());
        }
        let own: Vec<String> = (0..self.rng.below(3)).map(|_| self.fresh("x")).collect();
        let own = if condition.is_some() && own.is_empty() { vec![self.fresh("x")] } else { own };
        for field in &own {
            let refined = self.rng.chance(15) && !seen.vars.is_empty();
            if refined {
                let other = self.rng.pick(&seen.vars).cloned().unwrap_or_default();
                self.note("refined field");
                sorts.push(format!("{field}: int{{this >= {other}}}"));
            } else {
                sorts.push(format!("{field}: int"));
            }
        }
        let mut opts = String::new();
        if let (Some(condition), Some(field)) = (condition, own.first()) {
            let _ = write!(opts, " where {field} {condition}");
        } else if self.rng.chance(if seen.families.is_empty() { 35 } else { 80 }) && !own.is_empty() {
            self.note("condition");
            let _ = write!(opts, " where {}", self.condition(seen, &own));
        }
        let mut requires = 0_u8;
        while requires < 2 && self.rng.chance(if requires == 0 { 12 } else { 30 }) {
            self.note(if requires == 0 { "requires" } else { "several requires" });
            requires = requires.saturating_add(1);
            let (one, other) = (self.term(seen, &own), self.term(seen, &own));
            let witness = match self.rng.below(3) {
                0 => format!("checked({one})"),
                1 => "quiet".to_owned(),
                _ => format!("near({one}, {other})"),
            };
            let _ = write!(opts, " requires {witness}");
        }
        let mut written: Vec<String> = Vec::new();
        while self.rng.chance(30) && written.len() < 2 {
            let Some(var) = self.rng.pick(&seen.vars).cloned() else { break };
            if written.contains(&var) {
                continue;
            }
            let value = self.term(seen, &own);
            if self.rng.chance(20) {
                self.note("set at a role");
                let at = if self.rng.chance(50) { from } else { to };
                let _ = write!(opts, " set {var}@{} = {value}", self.role(at));
            } else {
                self.note("set");
                let _ = write!(opts, " set {var} = {value}");
            }
            written.push(var);
        }
        if written.len() > 1 {
            self.note("simultaneous sets");
        }
        match self.rng.below(30) {
            0 => {
                self.note("within");
                opts.push_str(" within 3s");
            }
            1 => {
                self.note("window");
                opts.push_str(" within [1s, 4s]");
            }
            2 | 3 => {
                if let Some(field) = fields.first().or(own.first()) {
                    self.note("unique by");
                    let lasts = if self.rng.chance(40) { " for 2s" } else { "" };
                    let _ = write!(opts, " unique by ({field}){lasts}");
                }
            }
            4 | 5 => {
                if let Some(field) = fields.first().or(own.first()) {
                    self.note("idempotent by");
                    let lasts = if self.rng.chance(40) { " for 2s" } else { "" };
                    let _ = write!(opts, " idempotent by ({field}){lasts}");
                }
            }
            6 => {
                self.note("may retry");
                opts.push_str(" may retry");
            }
            _ => {}
        }
        let (from, to) = (self.role(from), self.role(to));
        let line = if from == to {
            self.note("local action");
            format!("{prefix}{from}: {label}({}){opts};", sorts.join(", "))
        } else {
            self.note("message");
            format!("{prefix}{from} -> {to}: {label}({}){opts};", sorts.join(", "))
        };
        self.line(&line);
        own
    }

    /// Statements, in front of them variables.
    fn block(&mut self, seen: &mut Seen, size: usize) {
        let mut left = size;
        while left > 0 {
            let most = left;
            let part = self.rng.between(1, most);
            self.stmt(seen, part);
            left = left.saturating_sub(part);
        }
    }

    fn braces(&mut self, seen: &Seen, size: usize, variables: bool) {
        self.indent = self.indent.saturating_add(1);
        let mut seen = seen.clone();
        if variables && self.rng.chance(25) {
            self.note("block variable");
            self.variable(&mut seen);
        }
        self.block(&mut seen, size);
        self.indent = self.indent.saturating_sub(1);
    }

    fn stmt(&mut self, seen: &mut Seen, size: usize) {
        if size < 3 {
            let (from, to) = self.pair();
            let to = if self.rng.chance(8) { from } else { to };
            if self.roles > 2 && self.rng.chance(8) && seen.keys.is_empty() {
                self.note("several receivers");
                let label = self.fresh("l");
                let tos: Vec<&str> = (0..self.roles).filter(|&role| role != from).map(|role| self.role(role)).collect();
                let opts = if self.rng.chance(30) { " requires near(x, 1)" } else { "" };
                let line = format!("{} -> {}: {label}(x: int){opts};", self.role(from), tos.join(", "));
                return self.line(&line);
            }
            let own = self.message(seen, (from, to), true, "");
            if from != to && self.rng.chance(50) {
                seen.bound.extend(own);
            }
            return;
        }
        match self.rng.below(10) {
            0 | 1 => self.choice(seen, size),
            2 => self.repeat(seen, size),
            3 => self.par(seen, size),
            4..=6 => self.during(seen, size),
            _ => self.attempt(seen, size),
        }
    }

    fn choice(&mut self, seen: &Seen, size: usize) {
        let (at, to) = self.pair();
        let arms = self.rng.between(2, 3);
        let dispatch = self.rng.chance(30);
        let label = self.fresh("d");
        for arm in 0..arms {
            let head = if arm == 0 { format!("choice at {} {{", self.role(at)) } else { "} or {".to_owned() };
            self.line(&head);
            self.indent = self.indent.saturating_add(1);
            if dispatch {
                self.note("dispatch");
                let condition = ["< 1", "== 1", "> 1"].get(arm).copied().unwrap_or("== 7");
                self.labelled(seen, (at, to), true, "", &label, Some(condition));
            } else {
                self.message(seen, (at, to), true, "");
            }
            let jump = self.rng.pick(&seen.loops).cloned();
            match jump {
                Some((name, None)) if self.rng.chance(60) => {
                    self.note("continue");
                    self.line(&format!("continue {name};"));
                }
                Some((name, Some((var, a, b))))
                    if self.rng.chance(70) && [a, b].contains(&at) && [a, b].contains(&to) =>
                {
                    self.note("continue with a value");
                    self.line(&format!("continue {name}[{var} + 1];"));
                }
                _ => {
                    let part = self.part(size, arms);
                    self.block(&mut seen.clone(), part);
                }
            }
            self.indent = self.indent.saturating_sub(1);
        }
        self.note("choice");
        self.line("}");
    }

    fn part(&mut self, size: usize, parts: usize) -> usize {
        self.rng.below(size.checked_div(parts).unwrap_or(0).saturating_add(1))
    }

    fn repeat(&mut self, seen: &Seen, size: usize) {
        let name = self.fresh("X");
        let mut inner = seen.clone();
        let (a, b) = self.pair();
        if self.rng.chance(50) {
            let var = self.fresh("n");
            self.note("loop with a value");
            self.line(&format!("rec {name} [{var}<{}, {}>: int = 0] {{", self.role(a), self.role(b)));
            inner.loops.push((name, Some((var, a, b))));
        } else {
            self.line(&format!("rec {name} {{"));
            inner.loops.push((name, None));
        }
        self.note("loop");
        self.indent = self.indent.saturating_add(1);
        if self.rng.chance(40) {
            self.message(&inner, (a, b), true, "");
        }
        if self.rng.chance(25) {
            self.attempt(&inner, size.saturating_sub(1));
        }
        self.choice(&inner, size.saturating_sub(1));
        self.indent = self.indent.saturating_sub(1);
        self.line("}");
    }

    fn par(&mut self, seen: &Seen, size: usize) {
        let inner = Seen { loops: Vec::new(), ..seen.clone() };
        self.note("par");
        self.line("par {");
        let half = size.checked_div(2).unwrap_or(1).max(1);
        self.braces(&inner, half, true);
        self.line("} and {");
        self.braces(&inner, half, true);
        self.line("}");
    }

    fn during(&mut self, seen: &Seen, size: usize) {
        let mut inner = Seen { loops: Vec::new(), ..seen.clone() };
        self.note("during");
        let part = size.checked_div(2).unwrap_or(1).max(1);
        let family = self.rng.chance(65);
        let name = self.fresh("f");
        if self.rng.chance(90) {
            self.line("during {");
            self.braces(&inner, part, true);
            self.text.push_str(&"  ".repeat(self.indent));
            self.text.push_str("} ");
        } else {
            self.note("during without a main part");
            self.text.push_str(&"  ".repeat(self.indent));
            self.text.push_str("during ");
        }
        if family {
            self.family(&inner, &name, part);
            inner.families.push(name);
        } else {
            self.note("rounds");
            if self.rng.chance(30) {
                self.note("every");
                self.text.push_str("interleave every 3s {\n");
            } else {
                self.text.push_str("interleave {\n");
            }
            self.round(&inner, part);
        }
        if self.rng.chance(50) {
            self.note("second interleave");
            self.text.push_str(&"  ".repeat(self.indent));
            self.text.push_str("} interleave {\n");
            self.round(&inner, 1);
        }
        self.line("}");
    }

    fn round(&mut self, seen: &Seen, size: usize) {
        self.indent = self.indent.saturating_add(1);
        let ends = self.pair();
        self.message(seen, ends, true, "");
        let mut inner = Seen { families: Vec::new(), ..seen.clone() };
        self.block(&mut inner, size.saturating_sub(1));
        self.indent = self.indent.saturating_sub(1);
    }

    fn family(&mut self, seen: &Seen, name: &str, size: usize) {
        let key = self.fresh("k");
        let use_ = match self.rng.below(5) {
            0 => {
                self.note("reusable key");
                " reusable"
            }
            1 => {
                self.note("rising key");
                " rising"
            }
            _ => "",
        };
        let mut inner = seen.clone();
        inner.keys.push(key.clone());
        if inner.keys.len() > 1 {
            self.note("nested family");
        }
        self.note("family");
        let several = self.rng.chance(20);
        let every = if self.rng.chance(20) {
            self.note("every");
            " every 2s"
        } else {
            ""
        };
        if several {
            let more = self.fresh("k");
            self.note("several keys");
            let _ = writeln!(self.text, "interleave {name} each ({key}: int{use_}, {more}: int){every} {{");
            inner.keys.push(more);
        } else {
            let _ = writeln!(self.text, "interleave {name} each {key}: int{use_}{every} {{");
        }
        self.indent = self.indent.saturating_add(1);
        if self.rng.chance(60) {
            self.note("family variable");
            self.variable(&mut inner);
        }
        let (from, to) = self.pair();
        if self.rng.chance(40) {
            self.note("late key");
            let outer = Seen { keys: seen.keys.clone(), ..inner.clone() };
            self.message(&outer, (from, to), true, "");
            self.message(&inner, (to, from), true, "");
        } else {
            self.message(&inner, (from, to), true, "");
        }
        self.block(&mut inner, size);
        self.indent = self.indent.saturating_sub(1);
    }

    fn attempt(&mut self, seen: &Seen, size: usize) {
        self.note("try");
        self.line("try {");
        if !seen.loops.is_empty() && self.rng.chance(60) {
            self.note("jump out of a try");
            self.indent = self.indent.saturating_add(1);
            self.choice(seen, 3);
            self.indent = self.indent.saturating_sub(1);
        }
        self.braces(seen, size.checked_div(2).unwrap_or(1).max(1), true);
        let handlers = self.rng.between(1, 2);
        for number in 0..handlers {
            let (at, to) = self.pair();
            let role = self.role(at);
            match self.rng.below(5) {
                0 | 1 => {
                    self.note("interrupt");
                    let label = self.fresh("i");
                    let condition = if self.rng.chance(40) { " where why > 0" } else { "" };
                    let epoch = if self.epochs { ", e: int" } else { "" };
                    self.line(&format!("}} on interrupt {label}(why: int{epoch}){condition} by {role} {{"));
                }
                kind => {
                    let (word, note) = match kind {
                        2 => ("timeout 3s", "timeout"),
                        3 => ("idle 4s", "idle"),
                        _ => ("deadline 5s", "deadline"),
                    };
                    self.note(note);
                    self.line(&format!("}} on {word} at {role} {{"));
                    if self.rng.chance(80) {
                        self.indent = self.indent.saturating_add(1);
                        self.message(seen, (at, to), true, "");
                        self.indent = self.indent.saturating_sub(1);
                    } else {
                        self.note("empty handler");
                        continue;
                    }
                }
            }
            let more = self.rng.below(3);
            self.braces(seen, more, true);
            if number > 0 {
                self.note("several handlers");
            }
        }
        self.line("}");
    }
}

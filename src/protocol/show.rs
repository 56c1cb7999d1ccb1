//! Local types printed back from automata, in the compact form that the parser reads.
//!
//! A type whose states are met once each, but for jumps back, becomes a term with `rec`; any other becomes equations
//! (`states {…}`), so the text is linear in the automaton. Names that are no identifiers stand in backquotes.
//!
//! A state in which the role may stop or go on has `end` among its arms.
//!
//! INVARIANT (bounded): terms nest no deeper than `DEEPEST`, far below what the parser refuses; deeper ones become
//! equations.

use std::fmt::Write as _;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    id::{IdVec, LabelId, SortId, StateId},
    protocol::{Act, Arm, Header, Local, Names},
};

const DEEPEST: usize = 24;

/// `local type NAME at R in P = …;`; `within` is the protocol, if there is one.
#[must_use]
pub fn declaration(local: &Local, header: &Header, names: &Names, name: &str, within: Option<&str>) -> String {
    let mut out = format!("local type {} at {}", identifier(name), identifier(header.role_name(local.role)));
    if let Some(within) = within {
        let _ = write!(out, " in {}", identifier(within));
    }
    let _ = write!(out, " =\n  {};\n", print(local, header, names, 1));
    out
}

/// The type alone; lines after the first are indented by so many steps.
#[must_use]
pub fn print(local: &Local, header: &Header, names: &Names, indent: usize) -> String {
    let mut printer = Printer {
        local,
        header,
        names,
        heads: FxHashMap::default(),
        written: FxHashSet::default(),
        out: String::new(),
    };
    if printer.is_term() {
        printer.term(local.initial, indent);
    } else {
        printer.equations(indent);
    }
    printer.out
}

/// An identifier, in backquotes where it would not be read as one.
pub(crate) fn identifier(name: &str) -> String {
    const WORDS: [&str; 8] = ["end", "rec", "states", "at", "in", "role", "self", "local"];
    let mut letters = name.chars();
    let plain = letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || c == '_')
        && !WORDS.contains(&name);
    if plain { name.to_owned() } else { format!("`{name}`") }
}

struct Printer<'a> {
    local: &'a Local,
    header: &'a Header,
    names: &'a Names,
    /// States that something jumps back to, with the number of their variable.
    heads: FxHashMap<StateId, usize>,
    /// Heads that were written: every further way to them is a jump.
    written: FxHashSet<StateId>,
    out: String,
}

impl Printer<'_> {
    fn arms(&self, state: StateId) -> &[Arm] {
        self.local.states.entry(state).map_or(&[], |state| &state.arms)
    }

    fn is_end(&self, state: StateId) -> bool {
        self.arms(state).is_empty()
    }

    /// Whether every state but ends is met once, jumps back aside, and nothing nests too deeply. Finds the heads of
    /// loops on the way.
    fn is_term(&mut self) -> bool {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Seen {
            Open,
            Done,
        }
        let mut seen: IdVec<StateId, Option<Seen>> = IdVec::filled(None, self.local.states.len());
        let mut stack = vec![(self.local.initial, 0_usize, 0_usize)];
        let mut heads = Vec::new();
        let mut mark = |state: StateId, as_what| {
            if let Some(entry) = seen.entry_mut(state) { entry.replace(as_what) } else { None }
        };
        mark(self.local.initial, Seen::Open);
        while let Some((state, next, depth)) = stack.last_mut() {
            let arms = self.local.states.entry(*state).map_or(&[][..], |state| &state.arms);
            let Some(arm) = arms.get(*next) else {
                mark(*state, Seen::Done);
                stack.pop();
                continue;
            };
            *next = next.saturating_add(1);
            let deeper = depth.saturating_add(usize::from(arms.len() > 1));
            if self.local.states.entry(arm.then).is_none_or(|state| state.arms.is_empty()) {
                continue;
            }
            match mark(arm.then, Seen::Open) {
                None if deeper > DEEPEST => return false,
                None => stack.push((arm.then, 0, deeper)),
                Some(Seen::Open) => heads.push(arm.then),
                Some(Seen::Done) => return false,
            }
        }
        heads.sort_unstable();
        heads.dedup();
        self.heads = heads.into_iter().enumerate().map(|(i, head)| (head, i)).collect();
        true
    }

    fn variable(&self, head: StateId) -> String {
        const LETTERS: [&str; 3] = ["X", "Y", "Z"];
        let number = self.heads.get(&head).copied().unwrap_or(0);
        let taken = |name: &str| self.header.role(name).is_some();
        match LETTERS.get(number) {
            Some(&letter) if self.heads.len() <= LETTERS.len() && !taken(letter) => letter.to_owned(),
            _ => format!("X{}", number.saturating_add(1)),
        }
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.push_str(&"  ".repeat(indent));
    }

    /// A term. By INVARIANT (bounded) only choices nest, and not deeply; sequences go on line by line.
    fn term(&mut self, from: StateId, indent: usize) {
        let mut state = from;
        let mut first = true;
        loop {
            if self.is_end(state) {
                self.out.push_str("end");
                return;
            }
            if self.heads.contains_key(&state) {
                if self.out.ends_with(". ") && !first {
                    self.out.pop();
                    self.line(indent);
                }
                let variable = self.variable(state);
                self.written.insert(state);
                let _ = write!(self.out, "rec {variable}.");
                self.line(indent);
            }
            let (arms, stops) = (self.arms(state).to_vec(), self.may_stop(state));
            let ([arm], false) = (arms.as_slice(), stops) else {
                self.choice(&arms, stops, indent, |printer, arm| printer.then(arm.then, indent.saturating_add(1)));
                return;
            };
            self.peer(*arm);
            self.message(*arm);
            self.out.push_str(". ");
            if self.jumps(arm.then) {
                return;
            }
            if !self.is_end(arm.then) && !self.heads.contains_key(&arm.then) {
                self.out.pop();
                self.line(indent);
            }
            state = arm.then;
            first = false;
        }
    }

    /// Writes a jump, if it is one.
    fn jumps(&mut self, to: StateId) -> bool {
        let written = self.written.contains(&to);
        if written {
            let variable = self.variable(to);
            self.out.push_str(&variable);
        }
        written
    }

    fn then(&mut self, to: StateId, indent: usize) {
        if !self.jumps(to) {
            self.term(to, indent);
        }
    }

    /// Whether the role may stop where it could go on.
    fn may_stop(&self, state: StateId) -> bool {
        self.local.states.entry(state).is_some_and(|state| state.may_stop) && !self.is_end(state)
    }

    /// `q!`, `q?`, `own:`
    fn peer(&mut self, arm: Arm) {
        let (role, act) = match arm.act {
            Act::Send(to) => (to, '!'),
            Act::Receive(from) => (from, '?'),
            Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => (self.local.role, ':'),
        };
        let _ = write!(self.out, "{}{act}", identifier(self.header.role_name(role)));
    }

    fn message(&mut self, arm: Arm) {
        let text = message(self.names, arm.label, arm.sort);
        self.out.push_str(&text);
    }

    fn choice(&mut self, arms: &[Arm], stops: bool, indent: usize, mut then: impl FnMut(&mut Self, Arm)) {
        let one_peer = !stops && arms.windows(2).all(|pair| matches!(pair, [a, b] if a.act == b.act));
        match arms.first() {
            Some(&arm) if one_peer => self.peer(arm),
            _ => {
                let all = |test: fn(&Arm) -> bool| arms.iter().all(test);
                self.out.push(match () {
                    () if all(|arm| matches!(arm.act, Act::Send(_))) => '+',
                    () if all(|arm| matches!(arm.act, Act::Receive(_))) => '&',
                    () => '*',
                });
            }
        }
        self.out.push('{');
        for (i, &arm) in arms.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.line(indent.saturating_add(1));
            if !one_peer {
                self.peer(arm);
            }
            self.message(arm);
            self.out.push_str(". ");
            then(self, arm);
        }
        if stops {
            self.out.push(',');
            self.line(indent.saturating_add(1));
            self.out.push_str("end");
        }
        self.line(indent);
        self.out.push('}');
    }

    fn equations(&mut self, indent: usize) {
        let mut number: FxHashMap<StateId, usize> = FxHashMap::default();
        let mut order = vec![self.local.initial];
        number.insert(self.local.initial, 0);
        let mut at = 0_usize;
        self.out.push_str("states {");
        while let Some(&state) = order.get(at) {
            let arms = self.arms(state).to_vec();
            for arm in arms.iter().filter(|arm| !self.is_end(arm.then)) {
                number.entry(arm.then).or_insert_with(|| {
                    order.push(arm.then);
                    order.len().saturating_sub(1)
                });
            }
            self.line(indent.saturating_add(1));
            let _ = write!(self.out, "s{at} = ");
            let stops = self.may_stop(state);
            let to = |state: StateId| number.get(&state).map_or_else(|| "end".to_owned(), |n| format!("s{n}"));
            match arms.as_slice() {
                [] => self.out.push_str("end"),
                [arm] if !stops => {
                    self.peer(*arm);
                    self.message(*arm);
                    let _ = write!(self.out, ". {}", to(arm.then));
                }
                arms => {
                    self.choice(arms, stops, indent.saturating_add(1), |printer, arm| {
                        printer.out.push_str(&to(arm.then))
                    });
                }
            }
            self.out.push(';');
            at = at.saturating_add(1);
        }
        self.line(indent);
        self.out.push('}');
    }
}

/// `label(x: int)`, the label in backquotes where `.` would split it.
fn message(names: &Names, label: LabelId, sort: SortId) -> String {
    let text = names.label_text(label);
    let number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let mut out = if text.is_empty() || number { text.to_owned() } else { identifier(text) };
    if let Some(payload) = names.payload(sort) {
        let _ = write!(out, "{payload}");
    }
    out
}

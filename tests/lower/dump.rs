//! A protocol after lowering, in words.

use std::fmt::Write as _;

use polylogue::{
    data::{Code, Slot},
    id::{BlockId, RoleId},
    protocol::{Chooser, Header, PAYLOAD, Protocol, Rule, Scope, Set, Spec, Stmt, Term, Trigger, Who, place},
};

pub(super) fn protocol(spec: &Spec, protocol: &Protocol) -> String {
    term(spec, &protocol.header, &protocol.term)
}

pub(super) fn term(spec: &Spec, header: &Header, term: &Term) -> String {
    let mut show = Show { spec, header, term, text: String::new() };
    show.head();
    for (body, &block) in term.bodies.iter() {
        writeln!(show.text, "body {}", polylogue::id::Id::raw(body)).unwrap();
        show.block(block, 1);
    }
    show.text
}

struct Show<'a> {
    spec: &'a Spec,
    header: &'a Header,
    term: &'a Term,
    text: String,
}

impl Show<'_> {
    fn head(&mut self) {
        writeln!(self.text, "protocol {}", self.header.name).unwrap();
        for (id, frame) in self.term.frames.iter() {
            let name = frame.name.as_deref().unwrap_or("session");
            let keys: Vec<String> = frame
                .keys
                .iter()
                .map(|key| format!("{}: {} {:?} at {}", key.name, key.sort, key.use_, at(key.slot)))
                .collect();
            writeln!(
                self.text,
                "frame {} {name} depth {} [{}]",
                polylogue::id::Id::raw(id),
                frame.depth,
                keys.join(", ")
            )
            .unwrap();
            for (index, slot) in frame.slots.iter().enumerate() {
                let roles: Vec<&str> = slot.roles.iter().map(|&role| self.role(role)).collect();
                let word = if slot.variable { "var" } else { "name" };
                write!(self.text, "  {index} {word} {}<{}>: {}", slot.name, roles.join(", "), slot.sort).unwrap();
                if let Some(code) = &slot.invariant {
                    write!(self.text, " always {code}").unwrap();
                }
                self.text.push('\n');
            }
        }
    }

    fn role(&self, role: RoleId) -> &str {
        self.header.role_name(role)
    }

    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.text, "{}{text}", "  ".repeat(depth)).unwrap();
    }

    fn block(&mut self, block: BlockId, depth: usize) {
        for stmt in &self.term.blocks[block] {
            self.stmt(stmt, depth);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, depth: usize) {
        match stmt {
            Stmt::Message { from, to, label, sort, .. } => {
                let to: Vec<&str> = to.iter().map(|&to| self.role(to)).collect();
                let message = self.spec.names.message(*label, *sort);
                let text = format!("{} -> {}: {message}", self.role(*from), to.join(", "));
                self.line(depth, &text);
                self.rule(self.spec.names.rule(*sort).unwrap(), depth + 2);
            }
            Stmt::Send { to, label, sort, .. } => {
                let text = format!("{}!{}", self.role(*to), self.spec.names.message(*label, *sort));
                self.line(depth, &text);
                self.rule(self.spec.names.rule(*sort).unwrap(), depth + 2);
            }
            Stmt::Receive { from, label, sort, .. } => {
                let text = format!("{}?{}", self.role(*from), self.spec.names.message(*label, *sort));
                self.line(depth, &text);
                self.rule(self.spec.names.rule(*sort).unwrap(), depth + 2);
            }
            Stmt::Act { role, label, sort, .. } => {
                let text = format!("{}: {}", self.role(*role), self.spec.names.message(*label, *sort));
                self.line(depth, &text);
                self.rule(self.spec.names.rule(*sort).unwrap(), depth + 2);
            }
            Stmt::Choice { at, arms, .. } => {
                let at = match at {
                    Chooser::Role(role) => self.role(*role).to_owned(),
                    other => format!("{other:?}"),
                };
                for &arm in arms {
                    self.line(depth, &format!("choice at {at}"));
                    self.block(arm, depth + 1);
                }
            }
            Stmt::Rec { var, body, .. } => {
                self.line(depth, &format!("rec {}", self.spec.names.var_text(*var)));
                self.block(*body, depth + 1);
            }
            Stmt::States { blocks, .. } => {
                for &(var, block) in blocks {
                    self.line(depth, &format!("state {}", self.spec.names.var_text(var)));
                    self.block(block, depth + 1);
                }
            }
            Stmt::Continue { var, .. } => self.line(depth, &format!("continue {}", self.spec.names.var_text(*var))),
            Stmt::Call { body, .. } => self.line(depth, &format!("call {}", polylogue::id::Id::raw(*body))),
            Stmt::Set { sets, jump, .. } => {
                let word = if *jump { "jump" } else { "init" };
                for set in sets {
                    let text = format!("{word} {}", self.set(set));
                    self.line(depth, &text);
                }
            }
            Stmt::Scope { scope, .. } => self.scope(&self.term.scopes[*scope], depth),
        }
    }

    fn scope(&mut self, scope: &Scope, depth: usize) {
        match scope {
            Scope::Par { parts } => {
                for &part in parts {
                    self.line(depth, "par");
                    self.block(part, depth + 1);
                }
            }
            Scope::During { main, rounds } => {
                self.line(depth, "during");
                if let Some(main) = main {
                    self.block(*main, depth + 1);
                }
                for round in rounds {
                    let mut text = format!("interleave {}", round.name.as_deref().unwrap_or("_"));
                    if let Some(family) = round.family {
                        write!(text, " frame {}", polylogue::id::Id::raw(family)).unwrap();
                    }
                    if let Some(every) = &round.every {
                        write!(text, " every {}", code(every)).unwrap();
                    }
                    self.line(depth, &text);
                    self.block(round.body, depth + 1);
                }
            }
            Scope::Try { body, handlers } => {
                self.line(depth, "try");
                self.block(*body, depth + 1);
                for handler in handlers {
                    let text = match &handler.trigger {
                        Trigger::Timeout(role, time) => format!("on timeout {} at {}", code(time), self.role(*role)),
                        Trigger::Idle(role, time) => format!("on idle {} at {}", code(time), self.role(*role)),
                        Trigger::Deadline(role, time) => format!("on deadline {} at {}", code(time), self.role(*role)),
                        Trigger::Crash(role) => format!("on crash {}", self.role(*role)),
                        Trigger::Interrupt(role) => format!("on interrupt by {}", self.role(*role)),
                    };
                    self.line(depth, &text);
                    self.block(handler.body, depth + 1);
                }
            }
        }
    }

    fn set(&self, set: &Set) -> String {
        let who = match &set.who {
            Who::Ends => "ends".to_owned(),
            Who::Roles(roles) => roles.iter().map(|&role| self.role(role)).collect::<Vec<_>>().join(", "),
        };
        format!("{}<{who}> = {}", at(set.slot), code(&set.value))
    }

    fn rule(&mut self, rule: &Rule, depth: usize) {
        for key in &rule.keys {
            self.line(depth, &format!("key {} of depth {}: {}", key.key, key.depth, code(&key.value)));
        }
        for condition in &rule.conditions {
            self.line(depth, &format!("{:?} {}", condition.kind, code(&condition.code)));
        }
        for requirement in &rule.requires {
            let args: Vec<String> = requirement.args.iter().map(code).collect();
            let text =
                format!("requires {} of {}: {}", requirement.predicate, args.join(", "), code(&requirement.holds));
            self.line(depth, &text);
        }
        for (field, slot) in &rule.binds {
            self.line(depth, &format!("bind field {field} to {}", at(*slot)));
        }
        for set in &rule.sets {
            let text = format!("set {}", self.set(set));
            self.line(depth, &text);
        }
        if let Some((least, most)) = &rule.within {
            let least = least.as_ref().map_or("0".to_owned(), code);
            self.line(depth, &format!("within {least} to {}", code(most)));
        }
        for (word, memories) in [("unique", &rule.unique), ("idempotent", &rule.idempotent)] {
            for memory in memories {
                let by: Vec<String> = memory.by.iter().map(code).collect();
                let lasts = memory.lasts.as_ref().map_or(String::new(), |lasts| format!(" for {}", code(lasts)));
                let id = polylogue::id::Id::raw(memory.id);
                self.line(depth, &format!("{word} {id} of depth {} by {}{lasts}", memory.depth, by.join(", ")));
            }
        }
        if rule.may_retry {
            self.line(depth, "may retry");
        }
        for linear in &rule.linear {
            self.line(depth, &format!("{linear:?}"));
        }
    }
}

/// A slot: depth and index, or the payload's field.
fn at(slot: Slot) -> String {
    match place(slot) {
        (PAYLOAD, index) => format!("field {index}"),
        (depth, index) => format!("{depth}.{index}"),
    }
}

/// An expression with the slots that it reads.
fn code(code: &Code) -> String {
    let slots: Vec<String> = code.slots().iter().map(|&slot| at(slot)).collect();
    match slots.is_empty() {
        true => format!("`{code}`"),
        false => format!("`{code}` reads {}", slots.join(", ")),
    }
}

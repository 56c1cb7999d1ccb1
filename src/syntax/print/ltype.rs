//! Compact local types.

use super::super::tree::{LAct, LAction, LArm, LMix, LPrefix, LTail, LType};
use super::layout::Op;
use super::{Printer, Taken};
use crate::diag::Span;

fn act_text(act: LAct) -> &'static str {
    match act {
        LAct::Send => "!",
        LAct::Receive => "?",
        LAct::Act => ": ",
    }
}

impl<'t> Printer<'t> {
    /// ` = T;`: on one line if it fits; what begins with a brace stays behind the `=`.
    pub(super) fn defined_as(&mut self, local: &'t LType) {
        self.put(" =");
        self.group(|printer| {
            let hug = local.prefix.is_empty();
            if hug {
                printer.put(" ");
                printer.ltype(local);
            } else {
                printer.push(Op::Indent(1));
                printer.line();
                printer.ltype(local);
                printer.push(Op::Indent(-1));
            }
            printer.put(";");
        });
    }

    pub(super) fn ltype(&mut self, local: &'t LType) {
        self.push(Op::Begin);
        for link in &local.prefix {
            match link {
                LPrefix::Action(action) => {
                    self.role(&action.role, Taken::LTYPE);
                    self.put(act_text(action.act));
                    self.action(action);
                }
                LPrefix::Rec { name, vars, span } => {
                    self.place(*span);
                    self.put("rec ");
                    self.name(name, Taken::NOTHING);
                    self.rec_vars(vars);
                }
            }
            self.put(".");
            self.fill();
        }
        self.tail(&local.tail);
        self.push(Op::End);
    }

    /// The message of an action and its options.
    fn action(&mut self, action: &'t LAction) {
        self.group(|printer| {
            printer.push(Op::Indent(1));
            printer.message(&action.message, false, Taken::NOTHING);
            printer.opts(&action.opts, true);
            printer.push(Op::Indent(-1));
        });
    }

    fn tail(&mut self, tail: &'t LTail) {
        match tail {
            LTail::End(span) => {
                self.place(*span);
                self.put("end");
            }
            LTail::Var { name, args } => {
                self.name(name, Taken::LTYPE);
                self.brackets(args, "");
            }
            LTail::Select(arms, span) => {
                if let Some(first) = arms.first() {
                    self.role(&first.action.role, Taken::LTYPE);
                    self.put(act_text(first.action.act));
                }
                self.arms(arms, None, *span, |printer, arm| {
                    printer.place(arm.action.message.span);
                    printer.arm(arm);
                });
            }
            LTail::Mix(mix, arms, stop, span) => {
                self.place(*span);
                self.put(match mix {
                    LMix::Internal => "+",
                    LMix::External => "&",
                    LMix::Mixed => "*",
                });
                self.arms(arms, *stop, *span, |printer, arm| {
                    printer.role(&arm.action.role, Taken::NOTHING);
                    printer.put(act_text(arm.action.act));
                    printer.arm(arm);
                });
            }
            LTail::States(states, span) => {
                self.place(*span);
                self.put("states ");
                self.group(|printer| {
                    printer.put("{");
                    printer.push(Op::Indent(1));
                    for (name, local) in states {
                        printer.line();
                        printer.name(name, Taken::NOTHING);
                        printer.defined_as(local);
                    }
                    printer.push(Op::Indent(-1));
                    printer.line();
                    printer.closer(*span);
                    printer.put("}");
                });
            }
            LTail::Par(parts, span) => self.group(|printer| {
                printer.place(*span);
                // Not `(*`, which would begin a comment.
                let star = parts
                    .first()
                    .is_some_and(|part| part.prefix.is_empty() && matches!(part.tail, LTail::Mix(LMix::Mixed, ..)));
                printer.put(if star { "( " } else { "(" });
                printer.push(Op::Indent(1));
                for (number, part) in parts.iter().enumerate() {
                    if number > 0 {
                        printer.line();
                        printer.put("|| ");
                    }
                    printer.ltype(part);
                }
                printer.push(Op::Indent(-1));
                printer.closer(*span);
                printer.put(")");
            }),
        }
    }

    fn arms(&mut self, arms: &'t [LArm], stop: Option<Span>, span: Span, mut one: impl FnMut(&mut Self, &'t LArm)) {
        self.group(|printer| {
            printer.put("{");
            printer.push(Op::Indent(1));
            for (number, arm) in arms.iter().enumerate() {
                if number > 0 {
                    printer.put(",");
                }
                printer.line();
                one(printer, arm);
            }
            if let Some(stop) = stop {
                printer.put(",");
                printer.line();
                printer.place(stop);
                printer.put("end");
            }
            printer.push(Op::Indent(-1));
            printer.line();
            printer.closer(span);
            printer.put("}");
        });
    }

    /// `l(). T`
    fn arm(&mut self, arm: &'t LArm) {
        self.group(|printer| {
            printer.push(Op::Indent(1));
            printer.action(&arm.action);
            printer.put(".");
            printer.fill();
            printer.ltype(&arm.then);
            printer.push(Op::Indent(-1));
        });
    }
}

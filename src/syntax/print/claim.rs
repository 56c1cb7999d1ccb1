//! Claims and traces.

use super::super::tree::{
    Check, Claim, Duration, Expected, Expr, How, LRef, Name, Relation, Seen, TEvent, TEventKind, Trace,
};
use super::{Printer, Taken};
use crate::diag::Span;

impl<'t> Printer<'t> {
    pub(super) fn check(&mut self, check: &'t Check) {
        self.declaration(check.span, |printer| {
            printer.put("check ");
            match &check.claim {
                Claim::Subtype { sub, relation, sup } => {
                    printer.lref(sub, Taken::NOTHING);
                    let (text, taken) = match relation {
                        Relation::Default => (" <: ", Taken::RELATION),
                        Relation::Sync => (" <: sync ", Taken::NOTHING),
                        Relation::Async => (" <: async ", Taken::NOTHING),
                        Relation::Fair => (" <: fair ", Taken::NOTHING),
                    };
                    printer.put(text);
                    printer.lref(sup, taken);
                }
                Claim::Property { name, target, args } => {
                    printer.name(name, Taken::NOTHING);
                    printer.put("(");
                    printer.lref(target, Taken::NOTHING);
                    for arg in args {
                        printer.put(", ");
                        printer.expr(arg);
                    }
                    printer.put(")");
                }
            }
            match check.expected {
                Some(Expected::Holds) => printer.put(" is holds"),
                Some(Expected::Violated) => printer.put(" is violated"),
                Some(Expected::Unknown) => printer.put(" is unknown"),
                None => {}
            }
        });
    }

    fn lref(&mut self, lref: &'t LRef, taken: Taken) {
        self.qname(&lref.name, taken);
        self.targs(&lref.args);
        if let Some(role) = &lref.role {
            self.put("@");
            self.role(role, Taken::NOTHING);
        }
    }

    pub(super) fn trace(&mut self, trace: &'t Trace) {
        self.begin(trace.span);
        self.place(trace.span);
        self.put("trace ");
        self.name(&trace.name, Taken::NOTHING);
        self.put(if trace.accepts { " accepts " } else { " rejects " });
        self.lref(&trace.target, Taken::NOTHING);
        match &trace.seen {
            None => {}
            Some(Seen::Once) => self.put(" seen at once"),
            Some(Seen::Send) => self.put(" seen at send"),
            Some(Seen::Role(role)) => {
                self.put(" seen at ");
                self.role(role, Taken::SEEN);
            }
        }
        if let Some(slack) = &trace.slack {
            self.put(" slack ");
            self.duration(slack);
        }
        self.put(" ");
        let seen = if let Some(Seen::Role(role)) = &trace.seen { role.span.end } else { 0 };
        let slack = match &trace.slack {
            Some(Duration::Literal(name)) => name.span.end,
            Some(Duration::Expr(expr)) => expr.span.end,
            None => 0,
        };
        let inside = Span { start: trace.target.span.end.max(seen).max(slack), ..trace.span };
        self.braces(inside, trace.events.is_empty(), |printer| {
            for event in &trace.events {
                printer.begin(event.span);
                printer.place(event.span);
                printer.group(|printer| printer.event(event));
                printer.finish(event.span.end);
            }
        });
        self.finish(trace.span.end);
    }

    fn event(&mut self, event: &'t TEvent) {
        match &event.kind {
            TEventKind::Message { left, how, right, label, args } => {
                self.role(left, Taken::EVENT);
                self.put(match how {
                    How::Both => " -> ",
                    How::Send => "!",
                    How::Receive => "?",
                });
                self.role(right, Taken::NOTHING);
                self.put(": ");
                self.label(label, true, Taken::NOTHING);
                self.event_args(args.as_deref());
            }
            TEventKind::Act { role, label, args } => {
                self.role(role, Taken::EVENT);
                self.put(": ");
                self.label(label, true, Taken::NOTHING);
                self.event_args(args.as_deref());
            }
            TEventKind::Crash(role) => {
                self.put("crash ");
                self.role(role, Taken::NOTHING);
            }
            TEventKind::Timeout(role) => {
                self.put("timeout ");
                self.role(role, Taken::NOTHING);
            }
            TEventKind::End => self.put("end"),
        }
        if let Some(at) = &event.at {
            self.put(" at ");
            self.expr(at);
        }
        self.put(";");
    }

    fn event_args(&mut self, args: Option<&'t [(Option<Name>, Expr)]>) {
        let Some(args) = args else { return };
        self.put("(");
        self.list(args, |printer, (name, value)| {
            if let Some(name) = name {
                printer.name(name, Taken::EXPR);
                printer.put(": ");
            }
            printer.expr(value);
        });
        self.put(")");
    }
}

//! Files and declarations.

use super::super::tree::{
    Attr, Channel, ChannelKind, File, ForeignKind, Inner, Item, LocalProtocol, LocalType, Protocol, RoleDecl, System,
    TParam, TParamKind, Text,
};
use super::layout::Op;
use super::{Printer, Style, Taken};
use crate::diag::Span;

impl<'t> Printer<'t> {
    pub(super) fn file(&mut self, file: &'t File) {
        if let Some(pragma) = &file.pragma {
            self.begin(pragma.span);
            self.place(pragma.span);
            self.put("(*#");
            self.put_text(&*pragma.value);
            self.put("#*)");
            self.finish(pragma.span.end);
        }
        if let Some(edition) = &file.edition {
            // The place of the keyword is not known: a blank line before it is not kept.
            self.layout.begin(0);
            self.place(edition.span);
            self.put("@edition(");
            self.string(&edition.value);
            self.put(");");
            self.finish(edition.span.end.saturating_add(1));
        }
        if let Some(module) = &file.module {
            self.layout.begin(0);
            self.place(module.span);
            self.put("module ");
            self.qname(module, Taken::NOTHING);
            self.put(";");
            self.finish(module.span.end);
        }
        for item in &file.items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &'t Item) {
        match item {
            Item::Import(import) => self.declaration(import.span, |printer| {
                printer.put("import ");
                printer.qname(&import.name, Taken::NOTHING);
                if let Some(alias) = &import.alias {
                    printer.put(" as ");
                    printer.name(alias, Taken::NOTHING);
                }
            }),
            Item::Type(decl) => self.declaration(decl.span, |printer| {
                printer.put("type ");
                printer.name(&decl.name, Taken::NOTHING);
                printer.tparams(&decl.params);
                printer.put(" = ");
                printer.sort(&decl.sort, Taken::SORT);
            }),
            Item::Foreign(foreign) => self.declaration(foreign.span, |printer| {
                printer.put(match foreign.kind {
                    ForeignKind::Type => "type <",
                    ForeignKind::Data => "data <",
                    ForeignKind::Sig => "sig <",
                });
                printer.name(&foreign.schema, Taken::NOTHING);
                printer.put("> ");
                printer.text(&foreign.external);
                printer.put(" from ");
                printer.text(&foreign.source);
                printer.put(" as ");
                printer.label(&foreign.name, false, Taken::NOTHING);
            }),
            Item::Extern(predicate) => self.declaration(predicate.span, |printer| {
                printer.put("extern predicate ");
                printer.name(&predicate.name, Taken::NOTHING);
                printer.put("(");
                printer.list(&predicate.sorts, |printer, sort| printer.sort(sort, Taken::SORT));
                printer.put(")");
            }),
            Item::Def(def) => self.declaration(def.span, |printer| {
                printer.put("def ");
                printer.name(&def.name, Taken::NOTHING);
                printer.put("(");
                printer.list(&def.params, |printer, (name, sort)| {
                    printer.name(name, Taken::NOTHING);
                    printer.put(": ");
                    printer.sort(sort, Taken::SORT);
                });
                printer.put(") =");
                printer.push(Op::Indent(1));
                printer.line();
                printer.expr(&def.body);
                printer.push(Op::Indent(-1));
            }),
            Item::Protocol(protocol) => self.protocol(protocol),
            Item::LocalProtocol(local) => self.local_protocol(local),
            Item::LocalType(local) => self.local_type(local),
            Item::System(system) => self.system(system),
            Item::Check(check) => self.check(check),
            Item::Trace(trace) => self.trace(trace),
        }
    }

    /// A declaration that ends with a semicolon.
    pub(super) fn declaration(&mut self, span: Span, inside: impl FnOnce(&mut Self)) {
        self.begin(span);
        self.place(span);
        self.group(|printer| {
            inside(printer);
            printer.put(";");
        });
        self.finish(span.end);
    }

    pub(super) fn text(&mut self, text: &'t Text) {
        self.place(text.span);
        self.string(&text.value);
    }

    /// Attributes, each on a line of its own; the first place of the declaration itself.
    fn attrs(&mut self, attrs: &'t [Attr], span: Span, name: Span) {
        for attr in attrs {
            self.begin(attr.span);
            self.place(attr.span);
            self.put("@");
            self.name(&attr.name, Taken::ATTRIBUTE);
            if !attr.args.is_empty() {
                self.args(&attr.args);
            }
            self.finish(attr.span.end);
        }
        match attrs.last() {
            // Comments behind the attributes stand before the declaration.
            Some(last) => {
                self.begin(last.span.after());
                self.place(name);
            }
            None => {
                self.begin(span);
                self.place(span);
            }
        }
    }

    fn protocol(&mut self, protocol: &'t Protocol) {
        self.attrs(&protocol.attrs, protocol.span, protocol.name.span);
        self.group(|printer| {
            if protocol.aux {
                printer.put("aux ");
            }
            if protocol.explicit {
                printer.put("explicit ");
            }
            printer.put(match (protocol.nested, printer.style) {
                (true, _) => "nested protocol ",
                (false, Style::Arrows) => "protocol ",
                (false, Style::Scribble) => "global protocol ",
            });
            printer.name(&protocol.name, Taken::NOTHING);
            printer.tparams(&protocol.params);
            printer.put("(");
            printer.push(Op::Indent(2));
            printer.commas(&protocol.roles, Self::role_decl);
            if !protocol.new_roles.is_empty() {
                printer.put(";");
                printer.fill();
                printer.put("new ");
                printer.commas(&protocol.new_roles, Self::role_decl);
            }
            printer.push(Op::Indent(-2));
            printer.put(")");
            if let Some(annotation) = &protocol.annotation {
                printer.put(" @");
                printer.text(annotation);
            }
            printer.put(" ");
        });
        let roles = protocol.new_roles.last().or(protocol.roles.last()).map(|role| role.span.end);
        let annotation = protocol.annotation.as_ref().map(|annotation| annotation.span.end);
        let inside = Span { start: annotation.or(roles).unwrap_or(protocol.span.start), ..protocol.span };
        self.braces(inside, protocol.items.is_empty() && protocol.body.is_empty(), |printer| {
            for item in &protocol.items {
                printer.inner(item);
            }
            let local = std::mem::replace(&mut printer.local, false);
            printer.stmts(&protocol.body, Taken::PROTOCOL_FIRST);
            printer.local = local;
        });
        self.finish(protocol.span.end);
    }

    fn inner(&mut self, item: &'t Inner) {
        match item {
            Inner::Protocol(protocol) => self.protocol(protocol),
            Inner::Channel(channel) => self.channel(channel),
            Inner::Var(var) => self.var(var),
        }
    }

    fn channel(&mut self, channel: &'t Channel) {
        self.declaration(channel.span, |printer| {
            printer.put("channel ");
            printer.role(&channel.from, Taken::NOTHING);
            printer.put(" -> ");
            printer.role(&channel.to, Taken::NOTHING);
            printer.put(": ");
            match &channel.kind {
                ChannelKind::Fifo => printer.put("fifo"),
                ChannelKind::Bounded(bound) => {
                    printer.put("bounded(");
                    printer.expr(bound);
                    printer.put(")");
                }
                ChannelKind::Sync => printer.put("sync"),
                ChannelKind::Lossy => printer.put("lossy"),
                ChannelKind::Latest => printer.put("latest"),
            }
        });
    }

    fn tparams(&mut self, params: &'t [TParam]) {
        if params.is_empty() {
            return;
        }
        self.put("<");
        self.list(params, |printer, param| {
            printer.place(param.span);
            printer.put(match &param.kind {
                TParamKind::Type => "type ",
                TParamKind::Data => "data ",
                TParamKind::Sig => "sig ",
                TParamKind::Const(_) => "const ",
            });
            printer.name(&param.name, Taken::NOTHING);
            if let TParamKind::Const(sort) = &param.kind {
                printer.put(": ");
                printer.sort(sort, Taken::SORT);
            }
        });
        self.put(">");
    }

    fn role_decl(&mut self, role: &'t RoleDecl) {
        self.place(role.span);
        if role.unreliable {
            self.put("unreliable ");
        }
        self.put("role ");
        self.name(&role.name, Taken::NOTHING);
        if let Some(size) = &role.size {
            self.put("[");
            self.expr(size);
            self.put("]");
        }
    }

    fn local_protocol(&mut self, local: &'t LocalProtocol) {
        self.attrs(&local.attrs, local.span, local.name.span);
        self.put("local protocol ");
        self.name(&local.name, Taken::NOTHING);
        if let Some(role) = &local.at {
            self.put(" at ");
            self.role(role, Taken::NOTHING);
        }
        self.tparams(&local.params);
        self.put("(");
        self.list(&local.roles, |printer, (name, own)| {
            printer.put(if *own { "self " } else { "role " });
            printer.name(name, Taken::NOTHING);
        });
        self.put(")");
        if let Some(within) = &local.within {
            self.put(" in ");
            self.qname(within, Taken::NOTHING);
        }
        self.put(" ");
        let roles = local.roles.last().map(|(name, _)| name.span.end);
        let within = local.within.as_ref().map(|within| within.span.end);
        let inside = Span { start: within.or(roles).unwrap_or(local.span.start), ..local.span };
        self.braces(inside, local.vars.is_empty() && local.body.is_empty(), |printer| {
            printer.local = true;
            for var in &local.vars {
                printer.var(var);
            }
            printer.stmts(&local.body, Taken::LOCAL_FIRST);
            printer.local = false;
        });
        self.finish(local.span.end);
    }

    fn local_type(&mut self, local: &'t LocalType) {
        self.attrs(&local.attrs, local.span, local.name.span);
        self.put("local type ");
        self.name(&local.name, Taken::NOTHING);
        self.put(" at ");
        self.role(&local.at, Taken::NOTHING);
        if let Some(within) = &local.within {
            self.put(" in ");
            self.qname(within, Taken::NOTHING);
        }
        self.defined_as(&local.body);
        self.finish(local.span.end);
    }

    fn system(&mut self, system: &'t System) {
        self.attrs(&system.attrs, system.span, system.name.span);
        self.put("system ");
        self.name(&system.name, Taken::NOTHING);
        self.tparams(&system.params);
        self.put("(");
        self.list(&system.roles, Self::role_decl);
        self.put(") ");
        let roles = system.roles.last().map_or(system.span.start, |role| role.span.end);
        let inside = Span { start: roles, ..system.span };
        self.braces(inside, system.items.is_empty() && system.types.is_empty(), |printer| {
            for item in &system.items {
                printer.inner(item);
            }
            for (role, local) in &system.types {
                printer.begin(role.span);
                printer.role(role, Taken::ENTRY);
                printer.defined_as(local);
                printer.finish(local.span.end);
            }
        });
        self.finish(system.span.end);
    }
}

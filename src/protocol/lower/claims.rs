//! Claims and traces: what they are about, and the events of traces.

use rustc_hash::FxHashMap;

use super::{
    Lowering, callee,
    declare::constant,
    literal,
    suggest::nearest,
    template::Arg,
    world::{Found, Kind},
};
use crate::{
    diag::{Diagnostic, Span, catalogue::data, catalogue::form},
    id::{DeclId, IdVec, ModuleId, RoleId},
    protocol::{Claim, ClaimKind, Expected, Header, Observer, Role, Side, Target, TraceDecl, TraceEvent, TraceKind},
    syntax::tree,
};

/// Roles of a target by name; made once per target, however many traces it has.
#[derive(Default)]
pub(super) struct RoleNames {
    known: FxHashMap<(u8, usize), FxHashMap<Box<str>, RoleId>>,
}

/// What numbers a claim without arguments is checked at.
const SIZES: [i128; 3] = [1, 2, 3];

/// The parameters of what claims and traces are about, so that there are drafts for them. What is wrong with them is
/// said later.
pub(super) fn request(shared: &mut super::body::Shared<'_, '_>, tree: &tree::File) {
    for item in &tree.items {
        let targets = match item {
            tree::Item::Check(tree::Check { claim: tree::Claim::Subtype { sub, sup, .. }, .. }) => vec![sub, sup],
            tree::Item::Check(tree::Check { claim: tree::Claim::Property { target, .. }, .. })
            | tree::Item::Trace(tree::Trace { target, .. }) => vec![target],
            _ => continue,
        };
        for target in targets {
            let Found::Decl(decl) = shared.world.find(ModuleId::default(), None, &target.name) else { continue };
            let consts = callee::constants(shared.world, decl, &target.args);
            match consts.filter(|consts| !consts.is_empty()) {
                Some(consts) => drop(shared.requests.draft(decl, &consts)),
                None if target.args.is_empty() => {
                    for number in SIZES {
                        if let Some(consts) = callee::sized(shared.world, decl, number) {
                            shared.requests.draft(decl, &consts);
                        }
                    }
                }
                None => {}
            }
        }
    }
}

impl<'t> Lowering<'_, 't> {
    /// A claim; one for each of a few sizes, if it is about a protocol with numbers as parameters and does not say which.
    pub(super) fn claims(&mut self, check: &'t tree::Check) -> Vec<Claim> {
        if let tree::Claim::Property { target, .. } = &check.claim
            && target.args.is_empty()
            && let Found::Decl(decl) = self.shared.world.find(ModuleId::default(), None, &target.name)
            && callee::sized(self.shared.world, decl, 1).is_some()
        {
            let sized = SIZES.map(|number| {
                let consts = callee::sized(self.shared.world, decl, number).unwrap_or_default();
                let shown: Vec<String> = consts.iter().map(ToString::to_string).collect();
                self.size = Some(consts.into_iter().map(Arg::Const).collect());
                let claim = self.claim(check);
                self.size = None;
                claim.map(|claim| Claim {
                    target_text: format!("{}<{}>", claim.target_text, shown.join(", ")).into(),
                    ..claim
                })
            });
            return sized.into_iter().flatten().collect();
        }
        self.claim(check).into_iter().collect()
    }

    fn claim(&mut self, check: &'t tree::Check) -> Option<Claim> {
        let expected = match check.expected {
            None | Some(tree::Expected::Holds) => Expected::Holds,
            Some(tree::Expected::Violated) => Expected::Violated,
            Some(tree::Expected::Unknown) => Expected::Unknown,
        };
        let (kind, target_text) = match &check.claim {
            tree::Claim::Subtype { sub, relation, sup } => {
                let relation = match relation {
                    tree::Relation::Default => None,
                    tree::Relation::Sync => Some("sync"),
                    tree::Relation::Async => Some("async"),
                    tree::Relation::Fair => Some("fair"),
                };
                let how = relation.map_or_else(String::new, |relation| format!("{relation} "));
                let text = format!("{} <: {how}{}", self.text(sub.span), self.text(sup.span));
                let (sub, sup) = (self.target(sub), self.target(sup));
                (ClaimKind::Subtype { sub: sub?, sup: sup?, relation }, text)
            }
            tree::Claim::Property { name, target, args } => {
                let text = self.text(target.span);
                let target = self.target(target);
                let bound = match args.as_slice() {
                    [] => None,
                    [bound] => match constant(bound).filter(|&bound| bound > 0 || synchronous(&name.text)) {
                        Some(bound) => Some(bound),
                        None => {
                            let from = if synchronous(&name.text) { "0 (synchronous)" } else { "1" };
                            let text = format!("a bound is a whole number from {from}, of at most 32 bits");
                            self.diagnostics.push(Diagnostic::new(form::BAD_NUMBER, bound.span, text));
                            return None;
                        }
                    },
                    [_, more, ..] => {
                        let text = format!("`{}` takes a protocol and at most one bound", name.text);
                        self.diagnostics.push(Diagnostic::new(form::BAD_NUMBER, more.span, text));
                        return None;
                    }
                };
                (ClaimKind::Property { name: name.text.clone(), target: target?, bound }, text)
            }
        };
        Some(Claim { kind, target_text: target_text.into(), expected, span: check.span })
    }

    fn text(&self, span: Span) -> String {
        self.sources.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What a claim or trace is about.
    fn target(&mut self, target: &'t tree::LRef) -> Option<Target> {
        let world = self.shared.world;
        let role = target.role.as_ref().map(|role| &role.name);
        let decl = match world.find(ModuleId::default(), None, &target.name) {
            Found::Decl(decl) => decl,
            Found::Many(many) => {
                let mine =
                    many.iter().copied().find(|&decl| role.is_some_and(|r| world.local_role(decl) == Some(&r.text)));
                match mine {
                    Some(decl) => decl,
                    None => {
                        let name = callee::text(&target.name);
                        let roles: Vec<String> = many
                            .iter()
                            .filter_map(|&decl| world.local_role(decl))
                            .map(|r| format!("`{name}@{r}`"))
                            .collect();
                        let text = format!("`{name}` is declared for several roles");
                        let found = Diagnostic::new(form::AMBIGUOUS, target.span, text);
                        self.diagnostics.push(found.help(format!("write {}", roles.join(" or "))));
                        return None;
                    }
                }
            }
            Found::Poisoned => return None,
            Found::Unknown => {
                let near = world.suggest(ModuleId::default(), None, &target.name);
                self.diagnostics.push(callee::unknown(&target.name, near));
                return None;
            }
        };
        let args = self.target_args(decl, target)?;
        let index = self.ensure(decl, args)?;
        let Some(name) = role else { return Some(index) };
        match index {
            Target::Protocol(at) => Some(Target::ProtocolRole(at, self.target_role(index, name)?)),
            Target::System(at) => Some(Target::SystemRole(at, self.target_role(index, name)?)),
            Target::Local(_) if world.local_role(decl) == Some(&name.text) => Some(index),
            _ => {
                let own = world.local_role(decl).unwrap_or("?");
                let text = format!("`{}` is the part of `{own}`, not of `{}`", callee::text(&target.name), name.text);
                self.diagnostics.push(Diagnostic::new(form::WRONG_KIND, name.span, text));
                None
            }
        }
    }

    /// The arguments of a target: none, or one for each parameter.
    fn target_args(&mut self, decl: DeclId, target: &'t tree::LRef) -> Option<Option<Box<[Arg]>>> {
        if target.args.is_empty() {
            return Some(self.size.clone());
        }
        // Read like the arguments of a `do` at the top of the file.
        let mut body = super::body::Body::new(&mut self.shared, ModuleId::default(), None);
        let args = callee::args(&mut body, decl, &target.name, &target.args, target.span);
        let super::report::Report { diagnostics, .. } = body.report;
        self.diagnostics.extend(diagnostics);
        args.map(Some)
    }

    pub(super) fn header(&self, target: Target) -> Option<&Header> {
        match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => self.spec.protocols.get(at).map(|p| &p.header),
            Target::System(at) | Target::SystemRole(at, _) => self.spec.systems.get(at).map(|s| &s.header),
            Target::Local(at) => self.spec.locals.get(at).map(|l| &l.header),
        }
    }

    /// A role of a target; reports one that it does not have.
    fn target_role(&mut self, target: Target, name: &tree::Name) -> Option<RoleId> {
        let key = match target {
            Target::Protocol(at) | Target::ProtocolRole(at, _) => (0, at),
            Target::System(at) | Target::SystemRole(at, _) => (1, at),
            Target::Local(at) => (2, at),
        };
        if !self.role_names.known.contains_key(&key) {
            let roles = self.header(target).map(|header| &header.roles);
            let names = roles.into_iter().flat_map(IdVec::iter).map(|(id, role)| (role.name.clone(), id)).collect();
            self.role_names.known.insert(key, names);
        }
        let known = self.role_names.known.get(&key)?;
        if let Some(&role) = known.get(&*name.text) {
            return Some(role);
        }
        let header = self.header(target)?;
        if header.broken && header.roles.is_empty() {
            return None;
        }
        let text = format!("`{}` has no role `{}`", header.name, name.text);
        let found = Diagnostic::new(form::UNKNOWN_ROLE, name.span, text);
        let near = nearest(&name.text, header.roles.values().map(|role: &Role| &*role.name));
        let found = match near {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found,
        };
        self.diagnostics.push(found);
        None
    }

    pub(super) fn trace(&mut self, trace: &'t tree::Trace) -> Option<TraceDecl> {
        let target = self.target(&trace.target)?;
        let mut sound = true;
        let slack = trace.slack.as_ref().map(|slack| match slack {
            tree::Duration::Literal(name) => {
                let kind = tree::ExprKind::Literal(tree::Literal::Duration(name.text.clone()));
                self.moment(&tree::Expr { kind, span: name.span })
            }
            tree::Duration::Expr(expr) => self.moment(expr),
        });
        sound &= slack != Some(None);
        let slack = slack.flatten().unwrap_or(0);
        let observer = match &trace.seen {
            None | Some(tree::Seen::Once) => Observer::Total,
            Some(tree::Seen::Send) => Observer::Wire,
            Some(tree::Seen::Role(role)) => match self.target_role(target, &role.name) {
                Some(role) => Observer::Endpoint(role),
                None => {
                    sound = false;
                    Observer::Total
                }
            },
        };
        let mut ends = false;
        let mut events = Vec::with_capacity(trace.events.len());
        let mut said: rustc_hash::FxHashSet<&str> = rustc_hash::FxHashSet::default();
        for (at, event) in trace.events.iter().enumerate() {
            let time = event.at.as_ref().map(|at| self.moment(at));
            sound &= time != Some(None);
            let time = time.flatten();
            let (left, how, right, label, args) = match &event.kind {
                tree::TEventKind::End => {
                    if at.saturating_add(1) < trace.events.len() {
                        let text = "`end` stands behind the last event";
                        self.diagnostics.push(Diagnostic::new(form::EARLY_END, event.span, text));
                        sound = false;
                    }
                    ends = true;
                    continue;
                }
                tree::TEventKind::Crash(role) => {
                    match self.trace_role(target, role) {
                        Some(id) => events.push(happening(TraceKind::Crash, id, time, &role.name.text, event.span)),
                        None => sound = false,
                    }
                    continue;
                }
                tree::TEventKind::Timeout(role) => {
                    match self.trace_role(target, role) {
                        Some(id) => events.push(happening(TraceKind::Timeout, id, time, &role.name.text, event.span)),
                        None => sound = false,
                    }
                    continue;
                }
                tree::TEventKind::Act { role, label, args } => (role, tree::How::Both, role, label, args),
                tree::TEventKind::Message { left, how, right, label, args } => (left, *how, right, label, args),
            };
            let mut ask = |role: &'t tree::Role, sound: &mut bool| {
                if said.contains(&*role.name.text) {
                    return None;
                }
                let id = self.trace_role(target, role);
                if id.is_none() {
                    said.insert(&role.name.text);
                    *sound = false;
                }
                id
            };
            let (left_id, right_id) = (ask(left, &mut sound), ask(right, &mut sound));
            let payload = args.as_ref().and_then(|args| self.payload(args, &mut sound));
            let (Some(left), Some(right)) = (left_id, right_id) else { continue };
            let (from, to, side) = match how {
                tree::How::Both => (left, right, Side::Both),
                tree::How::Send => (left, right, Side::Send),
                tree::How::Receive => (right, left, Side::Receive),
            };
            let id = self.shared.names.find_label_for(&label.text);
            if id.is_none() && trace.accepts && said.insert(&label.text) {
                let text = format!("no message is called `{}`", label.text);
                let found = Diagnostic::new(form::UNKNOWN_LABEL, label.span, text);
                let near = nearest(&label.text, self.shared.names.label_texts());
                self.diagnostics.push(match near {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found,
                });
            }
            let text = label.text.clone();
            let kind = TraceKind::Message;
            events.push(TraceEvent { kind, at: time, from, to, side, label: id, text, payload, span: event.span });
        }
        if !sound {
            return None;
        }
        Some(TraceDecl {
            name: trace.name.text.clone(),
            accepts: trace.accepts,
            target,
            target_text: self.text(trace.target.span).into(),
            observer,
            slack,
            events,
            ends,
            span: trace.span,
        })
    }

    /// The role that an event of a trace names; one of a family by its index.
    fn trace_role(&mut self, target: Target, role: &tree::Role) -> Option<RoleId> {
        let Some(index) = &role.index else { return self.target_role(target, &role.name) };
        match super::constant::evaluate(index, &|_| None) {
            Ok(at) => {
                let text = format!("{}[{at}]", role.name.text).into();
                self.target_role(target, &tree::Name { text, span: role.span })
            }
            Err(span) => {
                self.diagnostics.push(Diagnostic::new(form::BAD_NUMBER, span, "this is not a constant"));
                None
            }
        }
    }

    /// A point in time, or a span of it, in microseconds. Reports what is none.
    fn moment(&mut self, expr: &tree::Expr) -> Option<i64> {
        let found = super::expr::moment(&self.shared.sorts, expr);
        if found.is_none() {
            let text = "this is no time: write a timestamp, milliseconds since 1970, or a duration such as `5s`";
            self.diagnostics.push(Diagnostic::new(form::BAD_NUMBER, expr.span, text));
        }
        found
    }

    /// The payload of an event: an object if its fields are named, else an array.
    fn payload(&mut self, args: &[(Option<tree::Name>, tree::Expr)], sound: &mut bool) -> Option<serde_json::Value> {
        let mut object = serde_json::Map::new();
        let mut array = Vec::new();
        for (name, expr) in args {
            let value = match literal::value(expr) {
                Ok(value) => value,
                // What is computed from literals alone has a value, too.
                Err(_) => match super::expr::json(&self.shared.sorts, expr) {
                    Ok(value) => value,
                    Err(found) => {
                        self.diagnostics.extend(found);
                        *sound = false;
                        serde_json::Value::Null
                    }
                },
            };
            match name {
                None => array.push(value),
                Some(name) => {
                    if object.insert(name.text.to_string(), value).is_some() {
                        let text = format!("field `{}` stands here twice", name.text);
                        self.diagnostics.push(Diagnostic::new(data::DUPLICATE_FIELD, name.span, text));
                        *sound = false;
                    }
                }
            }
        }
        match (object.is_empty(), array.is_empty()) {
            (_, true) if !object.is_empty() => Some(serde_json::Value::Object(object)),
            (true, _) => Some(serde_json::Value::Array(array)),
            _ => {
                let span = args.first().map_or(Span::default(), |(_, expr)| expr.span);
                let text = "the fields of a payload are all named, or none is";
                self.diagnostics.push(Diagnostic::new(data::MIXED_FIELDS, span, text));
                *sound = false;
                None
            }
        }
    }

    /// What stands for a declaration in the specification; adds it if it is imported, nested, or has arguments.
    pub(super) fn ensure(&mut self, decl: DeclId, args: Option<Box<[Arg]>>) -> Option<Target> {
        let key = (decl, args);
        if let Some(&known) = self.targets.get(&key) {
            return Some(known);
        }
        let (decl, args) = key.clone();
        let target = match self.shared.world.decls[decl].kind {
            Kind::Protocol(protocol) => {
                let mut added = self.global(decl, protocol, args);
                // Nobody but who names it wants to hear about it.
                added.aux = true;
                self.spec.protocols.push(added);
                Target::Protocol(self.spec.protocols.len().saturating_sub(1))
            }
            Kind::System(_) => {
                let added = self.system(decl, args);
                self.spec.systems.push(added);
                Target::System(self.spec.systems.len().saturating_sub(1))
            }
            Kind::LocalProtocol(_) | Kind::LocalType(_) => {
                let added = self.local(decl, args)?;
                self.spec.locals.push(added);
                Target::Local(self.spec.locals.len().saturating_sub(1))
            }
        };
        self.targets.insert(key, target);
        Some(target)
    }
}

/// A crash or timeout.
fn happening(kind: TraceKind, role: RoleId, at: Option<i64>, text: &str, span: Span) -> TraceEvent {
    TraceEvent { kind, at, from: role, to: role, side: Side::Both, label: None, text: text.into(), payload: None, span }
}

/// Whether a property makes sense where every edge is synchronous.
fn synchronous(property: &str) -> bool {
    !matches!(property, "kmc" | "bounded")
}

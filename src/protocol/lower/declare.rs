//! Reads each kind of declaration: its head, its roles, its channels, and through [`Body`] its statements.

use rustc_hash::FxHashMap;

use super::{
    body::{Body, Shared},
    callee, compact,
    constant::Const,
    sorts::plural,
    suggest::nearest,
    template::{Draft, Marks, Note, Template},
    world::{Found, Kind, is_imported, own_role, twice},
};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{BlockId, DeclId, IdVec, RoleId},
    protocol::{EdgeKind, Role, term::Stmt},
    syntax::tree,
};

/// Reads a declaration at given constants, or by itself.
pub(super) fn declare<'t>(shared: &mut Shared<'_, 't>, decl: DeclId, consts: Option<Box<[Const]>>) -> Draft<'t> {
    let (kind, module, broken) = {
        let decl = &shared.world.decls[decl];
        (decl.kind, decl.module, decl.broken)
    };
    let mut body = Body::new(shared, module, Some(decl)).given(consts);
    body.report.broken = broken;
    let mut draft = match kind {
        Kind::Protocol(protocol) => global(body, protocol),
        Kind::System(tree) => system(body, tree),
        Kind::LocalType(tree) => local_type(body, tree),
        Kind::LocalProtocol(tree) => local_protocol(body, tree),
    };
    if is_imported(module) {
        draft.marks.main = false;
    }
    draft
}

/// Attributes, by name.
const ATTRIBUTES: [&str; 4] = ["main", "pipelined", "except", "epoch"];

/// Reads attributes; those that name roles stand before the roles, so this comes behind them.
fn attrs<'t>(body: &mut Body<'_, '_, 't>, attrs: &'t [tree::Attr]) -> Marks {
    let mut marks = Marks::default();
    for attr in attrs {
        match &*attr.name.text {
            "main" => marks.main = true,
            "pipelined" => {
                for arg in words(body, attr) {
                    marks.pipelined.extend(body.role_name(arg));
                }
            }
            "except" => marks.except.extend(words(body, attr).iter().map(|name| name.text.clone())),
            "epoch" => marks.epoch.extend(words(body, attr).iter().map(|name| name.text.clone())),
            name => {
                let text = format!("attribute `@{name}` is not known");
                let found = Diagnostic::new(form::UNKNOWN_ATTRIBUTE, attr.span, text);
                body.report.add(match nearest(name, ATTRIBUTES) {
                    Some(near) => found.help(format!("did you mean `@{near}`?")),
                    None => found,
                });
            }
        }
    }
    marks
}

/// The names that an attribute is about.
fn words<'t>(body: &mut Body<'_, '_, 't>, attr: &'t tree::Attr) -> Vec<&'t tree::Name> {
    let mut names = Vec::new();
    for arg in &attr.args {
        match &arg.kind {
            tree::ExprKind::Name(name) => names.push(name),
            _ => {
                let text = format!("`@{}` takes names", attr.name.text);
                body.report.add(Diagnostic::new(form::UNKNOWN_ATTRIBUTE, arg.span, text));
            }
        }
    }
    if attr.args.is_empty() {
        let text = format!("`@{}` does not say of what", attr.name.text);
        body.report.add(Diagnostic::new(form::UNKNOWN_ATTRIBUTE, attr.span, text));
    }
    names
}

/// The largest role family.
const MAX_FAMILY: usize = 1_000;

fn roles<'t>(body: &mut Body<'_, '_, 't>, roles: &'t [tree::RoleDecl]) {
    for role in roles {
        let mut declared = Vec::new();
        match &role.size {
            None => declared.push(body.declare(&role.name)),
            Some(size) => {
                let first = body.roles.len();
                let count = body.count(size, MAX_FAMILY).unwrap_or(0);
                for at in 0..count {
                    let name = format!("{}[{at}]", role.name.text);
                    declared.push(body.add_role(&name, role.name.span));
                }
                let twice = body.known_role(&role.name.text);
                if body.families.insert(&role.name.text, (first, count)).is_some() || twice.is_some() {
                    let text = format!("role `{}` is declared twice", role.name.text);
                    body.report.add(Diagnostic::new(form::DUPLICATE_ROLE, role.name.span, text));
                }
            }
        }
        if role.unreliable {
            for id in declared {
                body.unreliable.insert(id);
                if let Some(role) = body.roles.entry_mut(id) {
                    role.unreliable = true;
                }
            }
        }
    }
}

/// Declares the roles that calls create. The author's name for such a role is the callee's; a number tells it from
/// others of that name.
fn created<'t>(body: &mut Body<'_, '_, 't>, protocol: &'t tree::Protocol) {
    if let Some(role) = protocol.new_roles.iter().find(|role| role.size.is_some()) {
        let text = format!("`new role {}[…]`: what a call creates is one role", role.name.text);
        body.report.add(Diagnostic::new(form::BAD_NUMBER, role.name.span, text).help("declare each of them"));
    }
    let calls = match super::fresh::calls(body.shared.world, body.module, body.decl, protocol) {
        Ok(calls) => calls,
        Err(found) => {
            body.report.add(*found);
            return;
        }
    };
    for (span, fresh) in calls {
        let mut made = Vec::with_capacity(fresh.len());
        for (name, declared) in fresh {
            let mut own = name.to_owned();
            let mut number = 1_usize;
            while body.known_role(&own).is_some() {
                number = number.saturating_add(1);
                own = format!("{name}{number}");
            }
            made.push(body.add_role(&own, declared));
        }
        body.fresh.insert(span, made);
    }
}

/// The variables declared inside, put at the head of a block.
fn variables<'t>(body: &mut Body<'_, '_, 't>, items: &'t [tree::Inner], start: BlockId, to: &mut Vec<Stmt>) {
    let vars: Vec<&'t tree::Var> = items
        .iter()
        .filter_map(|item| match item {
            tree::Inner::Var(var) => Some(var),
            _ => None,
        })
        .collect();
    if !vars.is_empty() {
        let vars = body.vars(vars);
        body.hold(start, Note::Vars(vars), to);
    }
}

/// The channels declared inside.
fn channels<'t>(body: &mut Body<'_, '_, 't>, items: &'t [tree::Inner]) -> Vec<(RoleId, RoleId, EdgeKind)> {
    let mut channels = Vec::new();
    let mut seen: FxHashMap<(RoleId, RoleId), Span> = FxHashMap::default();
    for item in items {
        let tree::Inner::Channel(channel) = item else { continue };
        let (from, to) = (body.role(&channel.from), body.role(&channel.to));
        let kind = channel_kind(body, channel);
        let (Some(from), Some(to), Some(kind)) = (from, to, kind) else { continue };
        let name = || format!("{} -> {}", channel.from.name.text, channel.to.name.text);
        if from == to {
            let text = format!("channel `{}` leads from a role to itself", name());
            body.report.add(Diagnostic::new(form::CHANNEL, channel.span, text));
        } else if let Some(first) = seen.insert((from, to), channel.span) {
            let text = format!("channel `{}` is declared twice", name());
            body.report.add(Diagnostic::new(form::CHANNEL, channel.span, text).label(first, "the first one is here"));
        }
        channels.push((from, to, kind));
    }
    channels
}

fn channel_kind<'t>(body: &mut Body<'_, '_, 't>, channel: &'t tree::Channel) -> Option<EdgeKind> {
    match &channel.kind {
        tree::ChannelKind::Fifo => Some(EdgeKind::Fifo),
        tree::ChannelKind::Sync => Some(EdgeKind::Sync),
        tree::ChannelKind::Lossy => Some(EdgeKind::Lossy),
        tree::ChannelKind::Latest => Some(EdgeKind::Latest),
        tree::ChannelKind::Bounded(expr) => {
            let most = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
            match body.count(expr, most).and_then(|bound| u32::try_from(bound).ok())? {
                0 => Some(EdgeKind::Sync),
                bound => Some(EdgeKind::Bounded(bound)),
            }
        }
    }
}

/// The number that an expression of literals stands for.
pub(super) fn constant(expr: &tree::Expr) -> Option<u32> {
    match &expr.kind {
        tree::ExprKind::Literal(tree::Literal::Int(digits)) => digits.parse().ok(),
        tree::ExprKind::Binary(first, rest) => rest.iter().try_fold(constant(first)?, |left, (op, right)| {
            let right = constant(right)?;
            match op {
                tree::BinaryOp::Add => left.checked_add(right),
                tree::BinaryOp::Sub => left.checked_sub(right),
                tree::BinaryOp::Mul => left.checked_mul(right),
                _ => None,
            }
        }),
        _ => None,
    }
}

fn global<'t>(mut body: Body<'_, '_, 't>, protocol: &'t tree::Protocol) -> Draft<'t> {
    // Parameters of the protocols around a nested one come first.
    let mut around = Vec::new();
    let mut at = body.decl.and_then(|decl| body.shared.world.decls[decl].parent);
    while let Some(decl) = at {
        let decl = &body.shared.world.decls[decl];
        if let Kind::Protocol(outer) = decl.kind {
            around.push(outer);
        }
        at = decl.parent;
    }
    for outer in around.into_iter().rev() {
        body.params(&outer.params);
    }
    body.params(&protocol.params);
    roles(&mut body, &protocol.roles);
    roles(&mut body, &protocol.new_roles);
    created(&mut body, protocol);
    let marks = Marks { explicit: protocol.explicit, ..attrs(&mut body, &protocol.attrs) };
    let channels = channels(&mut body, &protocol.items);
    let start = body.reserve();
    let mut stmts = Vec::with_capacity(protocol.body.len());
    variables(&mut body, &protocol.items, start, &mut stmts);
    body.stmts(start, &protocol.body, &mut stmts);
    body.fill(start, stmts);
    if !body.report.broken {
        idle_roles(&mut body, &protocol.name);
    }
    let template = body.template(start, false);
    Draft { channels, marks, nested: protocol.nested, ..body.draft(vec![template]) }
}

/// Notes roles that never take part.
fn idle_roles(body: &mut Body<'_, '_, '_>, name: &tree::Name) {
    let idle: Vec<&Role> =
        body.roles.iter().filter(|(id, _)| !body.active.contains(id)).map(|(_, role)| role).collect();
    let Some(first) = idle.first() else { return };
    // A protocol without any message is empty on purpose.
    if body.active.is_empty() {
        return;
    }
    let text = match idle.len() {
        1 => format!("role `{}` never takes part in `{}`", first.name, name.text),
        count => {
            let others = count.saturating_sub(1);
            format!("role `{}` and {others} other{} never take part in `{}`", first.name, plural(others), name.text)
        }
    };
    let found = Diagnostic::new(form::IDLE_ROLE, first.span, text);
    let found = idle.iter().skip(1).take(3).fold(found, |found, role| found.label(role.span, "nor does this one"));
    body.report.add(found);
}

fn system<'t>(mut body: Body<'_, '_, 't>, system: &'t tree::System) -> Draft<'t> {
    body.params(&system.params);
    roles(&mut body, &system.roles);
    let marks = attrs(&mut body, &system.attrs);
    let channels = channels(&mut body, &system.items);
    body.lenient = true;
    let mut types: IdVec<RoleId, Option<(Template, Span)>> = body.roles.values().map(|_| None).collect();
    for (role, ltype) in &system.types {
        let id = body.role(role);
        body.own = id;
        let start = body.reserve();
        let mut stmts = Vec::new();
        variables(&mut body, &system.items, start, &mut stmts);
        compact::chain(&mut body, start, stmts, ltype);
        let template = body.template(start, true);
        let Some(place) = id.and_then(|id| types.entry_mut(id)) else { continue };
        match place {
            None => *place = Some((template, role.span)),
            Some((_, first)) => {
                let text = format!("role `{}` has two types", role.name.text);
                let found = Diagnostic::new(form::TYPED_TWICE, role.span, text);
                body.report.add(found.label(*first, "the first one is here"));
            }
        }
    }
    body.own = None;
    let untyped: Vec<Role> =
        body.roles.iter().filter(|&(id, _)| types[id].is_none()).map(|(_, role)| role.clone()).collect();
    for role in untyped {
        let text = format!("role `{}` has no type", role.name);
        let help = format!("write `{} = …;`, or `{} = end;` if it does nothing", role.name, role.name);
        body.report.add(Diagnostic::new(form::UNTYPED, role.span, text).help(help));
    }
    let mut templates: Vec<Template> = types.values_mut().filter_map(|place| place.take().map(|(t, _)| t)).collect();
    super::edges::agree(&mut body, &mut templates);
    Draft { channels, marks, ..body.draft(templates) }
}

/// The protocol behind `in`, with its roles.
fn within<'t>(body: &mut Body<'_, '_, 't>, name: Option<&'t tree::QName>) -> Option<(DeclId, IdVec<RoleId, Role>)> {
    let name = name?;
    let world = body.shared.world;
    match world.find(body.module, None, name) {
        Found::Decl(decl) => match world.decls[decl].kind {
            Kind::Protocol(protocol) => {
                let roles = protocol.roles.iter().chain(&protocol.new_roles);
                let roles = roles.map(|role| Role {
                    name: role.name.text.clone(),
                    span: role.name.span,
                    unreliable: role.unreliable,
                });
                return Some((decl, roles.collect()));
            }
            _ => {
                let text = format!("`{}` is {}, not a protocol", callee::text(name), world.decls[decl].word());
                let found = Diagnostic::new(form::WRONG_KIND, name.span, text);
                body.report.add(found.label(world.decls[decl].name.span, "declared here"));
            }
        },
        Found::Poisoned => body.report.broken = true,
        Found::Many(_) | Found::Unknown => {
            let near = world.suggest(body.module, None, name);
            body.report.add(callee::unknown(name, near));
        }
    }
    None
}

fn local_type<'t>(mut body: Body<'_, '_, 't>, tree: &'t tree::LocalType) -> Draft<'t> {
    let within = within(&mut body, tree.within.as_ref());
    match &within {
        Some((_, roles)) => {
            for role in roles.values() {
                if body.known_role(&role.name).is_none() {
                    body.add_role(&role.name, role.span);
                }
            }
        }
        None => body.grows = true,
    }
    body.own = body.role(&tree.at);
    let marks = attrs(&mut body, &tree.attrs);
    let start = compact::ltype(&mut body, &tree.body);
    let template = body.template(start, true);
    Draft { marks, within: within.map(|(decl, _)| decl), ..body.draft(vec![template]) }
}

fn local_protocol<'t>(mut body: Body<'_, '_, 't>, tree: &'t tree::LocalProtocol) -> Draft<'t> {
    let within = within(&mut body, tree.within.as_ref());
    body.params(&tree.params);
    let own = own_role(tree);
    match own {
        Some(own) => body.own = Some(body.add_role(&own.text, own.span)),
        None => {
            let text = format!("local protocol `{}` does not say whose it is", tree.name.text);
            let found = Diagnostic::new(form::NOBODYS, tree.name.span, text);
            body.report.add(found.help("write `at A` behind its name, or `self A` among its roles"));
        }
    }
    // The own role may stand among the others, once.
    let mut own_seen: Option<Span> = None;
    for (name, is_self) in &tree.roles {
        if own.is_some_and(|own| own.text == name.text) {
            if let Some(first) = own_seen {
                body.report.add(twice(form::DUPLICATE_ROLE, "role", name, first));
            }
            own_seen = Some(name.span);
        } else {
            if *is_self {
                let text = format!("`self {}` is not the role that the protocol is `at`", name.text);
                body.report.add(Diagnostic::new(form::NOBODYS, name.span, text));
            }
            body.declare(name);
        }
    }
    if body.own.is_none() {
        // Whose it is was asked for already; nothing else can be said of its messages.
        body.report.broken = true;
        return body.draft(Vec::new());
    }
    let marks = attrs(&mut body, &tree.attrs);
    let start = body.reserve();
    let mut stmts = Vec::with_capacity(tree.body.len());
    body.block_vars(start, &tree.vars, &mut stmts);
    body.stmts(start, &tree.body, &mut stmts);
    body.fill(start, stmts);
    let mut outside = Vec::new();
    if let Some((_, outer)) = &within {
        let by_name: FxHashMap<&str, RoleId> = outer.iter().map(|(id, role)| (&*role.name, id)).collect();
        let mut unknown = Vec::new();
        for role in body.roles.values() {
            match by_name.get(&*role.name) {
                Some(&id) => outside.push(id),
                None => unknown.push(role.clone()),
            }
        }
        for role in unknown {
            let text = format!("role `{}` is not one of the protocol's", role.name);
            let found = Diagnostic::new(form::UNKNOWN_ROLE, role.span, text);
            body.report.add(match nearest(&role.name, outer.values().map(|role| &*role.name)) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            });
        }
    }
    let template = body.template(start, false);
    let (decl, outer_roles) = within.map_or((None, None), |(decl, roles)| (Some(decl), Some(roles)));
    Draft { marks, outside, outer_roles, within: decl, ..body.draft(vec![template]) }
}

//! The callee of a `do`: which declaration it is, and what is passed for its roles and parameters.

use super::{
    body::Body,
    constant::{self, Const},
    sorts::{param, plural},
    template::{Arg, ParamKind},
    world::{Found, Kind, World, own_role},
};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{DeclId, RoleId},
    protocol::names::Names,
    syntax::tree,
};

/// Whether a declaration can be called from global, or from local, statements.
fn callable(world: &World<'_>, decl: DeclId, local: bool) -> bool {
    match world.decls[decl].kind {
        Kind::Protocol(_) => !local,
        Kind::LocalProtocol(_) => local,
        Kind::LocalType(_) | Kind::System(_) => false,
    }
}

/// What `do name` calls; reports a name that means nothing, or something that cannot be called.
pub(super) fn find(body: &mut Body<'_, '_, '_>, name: &tree::QName) -> Option<DeclId> {
    let world = body.shared.world;
    let local = body.own.is_some();
    let text = text(name);
    // Among local protocols of one name, that of the own role.
    let found = match world.find(body.module, body.decl, name) {
        Found::Many(many) => {
            let own = body.own.map(|own| body.role_text(own).to_owned());
            let mine = many.iter().find(|&&decl| local && world.local_role(decl) == own.as_deref());
            mine.or(many.first()).map_or(Found::Unknown, |&decl| Found::Decl(decl))
        }
        Found::Decl(decl) if local && !callable(world, decl, local) => {
            // A local protocol may have the name of the global one that it implements.
            let own = body.own.map(|own| body.role_text(own).to_owned());
            let mine = world
                .locals(body.module, name)
                .iter()
                .copied()
                .find(|&decl| callable(world, decl, local) && (world.local_role(decl) == own.as_deref()));
            Found::Decl(mine.unwrap_or(decl))
        }
        found => found,
    };
    match found {
        Found::Decl(decl) if callable(world, decl, local) => Some(decl),
        Found::Decl(decl) => {
            let (is, wants) = (world.decls[decl].word(), if local { "a local protocol" } else { "a protocol" });
            body.report.once(form::WRONG_KIND, &text, || {
                let text = format!("`{text}` is {is}; `do` needs {wants} here");
                Diagnostic::new(form::WRONG_KIND, name.span, text).label(world.decls[decl].name.span, "declared here")
            });
            None
        }
        Found::Poisoned => {
            body.report.broken = true;
            None
        }
        Found::Many(_) | Found::Unknown => {
            let near = world.suggest(body.module, body.decl, name);
            body.report.once(form::UNKNOWN_NAME, &text, || unknown(name, near));
            None
        }
    }
}

/// How many of the roles that a call passes are told of it: those that are given, and those that the callee creates.
pub(super) fn told(body: &Body<'_, '_, '_>, name: &tree::QName, given: usize) -> usize {
    match body.shared.world.find(body.module, body.decl, name) {
        Found::Decl(decl) => match body.shared.world.decls[decl].kind {
            Kind::Protocol(protocol) => given.saturating_add(protocol.new_roles.len()),
            _ => given,
        },
        _ => given,
    }
}

/// A name that nothing has.
pub(super) fn unknown(name: &tree::QName, near: Option<String>) -> Diagnostic {
    let text = text(name);
    let found = Diagnostic::new(form::UNKNOWN_NAME, name.span, format!("`{text}` is not declared"));
    match near {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None if text.contains('.') => found.help("is an `import` missing?"),
        None => found,
    }
}

/// A qualified name as it is written, without backquotes.
pub(super) fn text(name: &tree::QName) -> String {
    name.parts.iter().map(|part| &*part.text).collect::<Vec<_>>().join(".")
}

/// The caller's role for each role of the callee's template.
pub(super) fn roles(
    body: &mut Body<'_, '_, '_>,
    callee: DeclId,
    consts: &[Const],
    name: &tree::QName,
    given: &[(&tree::Role, Option<RoleId>)],
) -> Option<Box<[RoleId]>> {
    let world = body.shared.world;
    let declared = match world.decls[callee].kind {
        Kind::Protocol(protocol) => size(world, callee, &protocol.roles, consts),
        Kind::LocalProtocol(protocol) => protocol.roles.len(),
        Kind::LocalType(_) | Kind::System(_) => 0,
    };
    if declared != given.len() {
        let text = format!("`{}` takes {declared} role{}, not {}", text(name), plural(declared), given.len());
        let found = Diagnostic::new(form::ROLE_COUNT, name.span, text);
        body.report.add(found.label(world.decls[callee].name.span, "declared here"));
        return None;
    }
    let mut seen = rustc_hash::FxHashMap::default();
    for (role, id) in given {
        let Some(id) = id else { continue };
        if seen.insert(*id, role.span).is_some() {
            let text = format!("role `{}` is passed twice to `{}`", role.name.text, self::text(name));
            body.report.add(Diagnostic::new(form::ROLE_PASSED_TWICE, role.span, text));
            return None;
        }
    }
    let written: Vec<&tree::Role> = given.iter().map(|(role, _)| *role).collect();
    let given: Vec<RoleId> = given.iter().map(|(_, id)| *id).collect::<Option<_>>()?;
    let Kind::LocalProtocol(protocol) = world.decls[callee].kind else { return Some(given.into()) };
    let own = body.own?;
    let callee_own = own_role(protocol).map(|role| &*role.text);
    let mut roles = vec![own];
    for ((declared, _), (&id, role)) in protocol.roles.iter().zip(given.iter().zip(&written)) {
        if Some(&*declared.text) != callee_own {
            roles.push(id);
        } else if id != own {
            let (name, own) = (text(name), body.role_text(own).to_owned());
            let text = format!("`{name}` is the part of `{}`, which must be `{own}` here", declared.text);
            body.report.add(Diagnostic::new(form::NOT_OWN, role.span, text));
            return None;
        }
    }
    if roles.iter().skip(1).any(|&role| role == own) {
        let text = format!("`{}` cannot have its own role as a peer", text(name));
        body.report.add(Diagnostic::new(form::NOT_OWN, name.span, text));
        return None;
    }
    Some(roles.into())
}

/// How many roles there are when families are counted; one for a family whose size is no constant, which is said there.
fn size(world: &World<'_>, decl: DeclId, roles: &[tree::RoleDecl], consts: &[Const]) -> usize {
    let (params, _) = params(world, decl);
    let names: Vec<&str> =
        params.iter().filter(|param| kind(param) == ParamKind::Const).map(|param| &*param.name.text).collect();
    let known = |name: &str| names.iter().rposition(|own| *own == name).and_then(|at| consts.get(at));
    let sizes = roles.iter().map(|role| match &role.size {
        None => 1,
        Some(expr) => match constant::evaluate(expr, &known) {
            Ok(Const::Int(size)) => usize::try_from(size).unwrap_or(1),
            _ => 1,
        },
    });
    sizes.fold(0, usize::saturating_add)
}

/// Parameters of a declaration, after those of the declarations around it, with the number of the latter.
fn params<'t>(world: &World<'t>, decl: DeclId) -> (Vec<&'t tree::TParam>, usize) {
    let mut chain = Vec::new();
    let mut at = Some(decl);
    while let Some(decl) = at {
        let decl = &world.decls[decl];
        chain.push(match decl.kind {
            Kind::Protocol(protocol) => &protocol.params,
            Kind::LocalProtocol(protocol) => &protocol.params,
            Kind::System(system) => &system.params,
            Kind::LocalType(_) => break,
        });
        at = decl.parent;
    }
    let inherited = chain.iter().skip(1).map(|params| params.len()).fold(0usize, usize::saturating_add);
    (chain.into_iter().rev().flatten().collect(), inherited)
}

fn kind(param: &tree::TParam) -> ParamKind {
    match param.kind {
        tree::TParamKind::Type | tree::TParamKind::Data => ParamKind::Sort,
        tree::TParamKind::Sig => ParamKind::Sig,
        tree::TParamKind::Const(_) => ParamKind::Const,
    }
}

/// A value for each parameter of a declaration.
pub(super) fn args<'t>(
    body: &mut Body<'_, '_, 't>,
    callee: DeclId,
    name: &tree::QName,
    written: &'t [tree::TArg],
    span: Span,
) -> Option<Box<[Arg]>> {
    let world = body.shared.world;
    let (params, inherited) = params(world, callee);
    let (outer, own) = params.split_at_checked(inherited)?;
    if own.len() != written.len() {
        let text = format!("`{}` takes {} argument{}, not {}", text(name), own.len(), plural(own.len()), written.len());
        let found = Diagnostic::new(form::ARGUMENTS, span, text);
        body.report.add(found.label(world.decls[callee].name.span, "declared here"));
        return None;
    }
    let mut args = Vec::with_capacity(params.len());
    if !outer.is_empty() {
        // The parameters of the surroundings are passed on; only what is nested there sees them.
        if !encloses(world, world.decls[callee].parent, body.decl) {
            let text = format!("`{}` is nested in a protocol with parameters, which have no values here", text(name));
            body.report.add(Diagnostic::new(form::ARGUMENTS, span, text));
            return None;
        }
        for (number, outer) in outer.iter().enumerate() {
            args.push(match kind(outer) {
                ParamKind::Sort => Arg::Sort(param(number)),
                ParamKind::Sig => Arg::Sig(body.label(&outer.name.text), Names::unspecified()),
                ParamKind::Const => match body.consts.get(&*outer.name.text) {
                    Some(value) => Arg::Const(value.clone()),
                    None => return None,
                },
            });
        }
    }
    for (param, arg) in own.iter().zip(written) {
        let Some(value) = body.arg(kind(param), arg) else {
            let wants = match kind(param) {
                ParamKind::Sort => "a sort",
                ParamKind::Sig => "a message",
                ParamKind::Const => "a value",
            };
            let text = format!("parameter `{}` of `{}` wants {wants}", param.name.text, text(name));
            body.report.add(Diagnostic::new(form::ARGUMENTS, span, text).label(param.span, "declared here"));
            return None;
        };
        args.push(value);
    }
    Some(args.into())
}

/// The constants among the arguments of a declaration that is no other's.
pub(super) fn constants(world: &World<'_>, decl: DeclId, written: &[tree::TArg]) -> Option<Vec<Const>> {
    let (params, inherited) = params(world, decl);
    if inherited > 0 || params.len() != written.len() {
        return None;
    }
    let consts = params.iter().zip(written).filter(|(param, _)| kind(param) == ParamKind::Const);
    consts
        .map(|(_, arg)| match arg {
            tree::TArg::Literal(expr) => constant::evaluate(expr, &|_| None).ok(),
            _ => None,
        })
        .collect()
}

/// The same number for each parameter, if there are some and all of them are whole numbers.
pub(super) fn sized(world: &World<'_>, decl: DeclId, number: i128) -> Option<Vec<Const>> {
    let (params, inherited) = params(world, decl);
    let whole = |param: &&tree::TParam| match &param.kind {
        tree::TParamKind::Const(tree::Sort { base: tree::Base::Named { name, .. }, .. }) => {
            name.parts.last().is_some_and(|part| matches!(&*part.text, "int" | "uint"))
        }
        _ => false,
    };
    let all = inherited == 0 && !params.is_empty() && params.iter().all(whole);
    all.then(|| params.iter().map(|_| Const::Int(number)).collect())
}

/// Whether a declaration is, or is nested in, another.
fn encloses(world: &World<'_>, outer: Option<DeclId>, inner: Option<DeclId>) -> bool {
    let mut at = inner;
    while let Some(decl) = at {
        if Some(decl) == outer {
            return true;
        }
        at = world.decls[decl].parent;
    }
    false
}

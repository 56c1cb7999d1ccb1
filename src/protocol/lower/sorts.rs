//! Sorts and payload signatures: aliases are unfolded, so that equal sorts become equal values.
//!
//! Aliases of all files are resolved first, each after those that it mentions; one that mentions itself is an error.
//! A parameter of a declaration or of an alias is an opaque sort whose name begins with a backquote, which no
//! identifier can contain; [`Sorts::substitute`] puts a sort in its place.
//!
//! INVARIANT (small): a resolved sort has at most [`MAX_SIZE`] nodes and [`MAX_DEPTH`] levels.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    constant::Const,
    expr::{self, Functions},
    mention,
    report::Report,
    suggest::nearest,
    world::{TypeDef, World},
};
use crate::{
    data::{Builtin, Field, Payload, Sort},
    diag::{Diagnostic, Sources, Span, catalogue::data},
    id::ModuleId,
    syntax::tree,
};

/// The largest sort after unfolding, in nodes.
pub(super) const MAX_SIZE: usize = 10_000;
/// The deepest sort after unfolding; little enough to be dropped by recursion.
pub(super) const MAX_DEPTH: usize = 500;
/// How many nodes unfolding may make in all.
const MAX_TOTAL: usize = 20_000_000;

/// An alias, resolved.
struct Alias {
    params: usize,
    sort: Sort,
    size: Size,
    /// It has an error, which was reported.
    broken: bool,
}

#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

/// Where a sort is written.
#[derive(Clone, Copy)]
pub(super) struct Place<'a, 't> {
    pub(super) world: &'a World<'t>,
    pub(super) module: ModuleId,
    /// Parameters that stand for sorts, with their numbers.
    pub(super) params: &'a FxHashMap<&'t str, usize>,
    /// Constants that conditions may use.
    pub(super) consts: &'a FxHashMap<&'t str, Const>,
}

/// A declared type: its module and name.
type Key<'t> = (ModuleId, &'t str);

/// All aliases, resolved.
pub(super) struct Sorts<'t> {
    /// For the texts of conditions.
    pub(super) sources: &'t Sources,
    aliases: FxHashMap<Key<'t>, Alias>,
    total: usize,
    /// Conditions are left out: they may call functions whose parameters have these sorts.
    bare: bool,
    /// A condition was left out.
    refined: bool,
    /// `def`s and extern predicates.
    pub(super) functions: Functions<'t>,
}

/// The sort that stands for a parameter.
pub(super) fn param(number: usize) -> Sort {
    Sort::Opaque(format!("`{number}").into())
}

/// The number of the parameter that a sort stands for.
fn param_number(sort: &Sort) -> Option<usize> {
    match sort {
        Sort::Opaque(name) => name.strip_prefix('`').and_then(|number| number.parse().ok()),
        _ => None,
    }
}

/// Whether a sort mentions a parameter.
pub(super) fn is_open(sort: &Sort) -> bool {
    match sort {
        Sort::Builtin(_) | Sort::Enum(_) => false,
        Sort::Opaque(_) => param_number(sort).is_some(),
        Sort::List(of) | Sort::Set(of) | Sort::Option(of) | Sort::Secret(of) | Sort::Refined(of, _) => is_open(of),
        Sort::Map(key, value) => is_open(key) || is_open(value),
        Sort::Record(payload) => payload.fields.iter().any(|field| is_open(&field.sort)),
    }
}

fn measure(sort: &Sort) -> Size {
    let join = |sizes: &mut dyn Iterator<Item = Size>| {
        sizes.fold(Size { nodes: 1, depth: 1 }, |all, size| Size {
            nodes: all.nodes.saturating_add(size.nodes),
            depth: all.depth.max(size.depth.saturating_add(1)),
        })
    };
    match sort {
        Sort::Builtin(_) | Sort::Opaque(_) => join(&mut std::iter::empty()),
        Sort::Enum(values) => Size { nodes: values.len().saturating_add(1), depth: 1 },
        Sort::List(of) | Sort::Set(of) | Sort::Option(of) | Sort::Secret(of) | Sort::Refined(of, _) => {
            join(&mut std::iter::once(measure(of)))
        }
        Sort::Map(key, value) => join(&mut [measure(key), measure(value)].into_iter()),
        Sort::Record(payload) => join(&mut payload.fields.iter().map(|field| measure(&field.sort))),
    }
}

fn too_large(size: Size) -> bool {
    size.nodes > MAX_SIZE || size.depth > MAX_DEPTH
}

/// The sort with sorts in place of its parameters; `None` if it becomes too large.
pub(super) fn substitute(sort: &Sort, args: &[Sort]) -> Option<Sort> {
    let mut left = MAX_SIZE;
    replace(sort, args, &mut left, 0)
}

fn replace(sort: &Sort, args: &[Sort], left: &mut usize, depth: usize) -> Option<Sort> {
    *left = left.checked_sub(1)?;
    if depth > MAX_DEPTH {
        return None;
    }
    let depth = depth.saturating_add(1);
    let mut boxed = |of: &Sort| replace(of, args, left, depth).map(Box::new);
    Some(match sort {
        Sort::List(of) => Sort::List(boxed(of)?),
        Sort::Set(of) => Sort::Set(boxed(of)?),
        Sort::Option(of) => Sort::Option(boxed(of)?),
        Sort::Secret(of) => Sort::Secret(boxed(of)?),
        Sort::Refined(of, condition) => Sort::Refined(boxed(of)?, condition.clone()),
        Sort::Map(key, value) => Sort::Map(boxed(key)?, boxed(value)?),
        Sort::Record(payload) => Sort::Record(replace_payload(payload, args, left, depth)?),
        Sort::Builtin(_) | Sort::Enum(_) => sort.clone(),
        Sort::Opaque(_) => match param_number(sort).and_then(|number| args.get(number)) {
            Some(arg) => {
                let size = measure(arg);
                *left = left.checked_sub(size.nodes)?;
                if depth.saturating_add(size.depth) > MAX_DEPTH {
                    return None;
                }
                arg.clone()
            }
            None => sort.clone(),
        },
    })
}

/// A payload with sorts in place of its parameters; `None` if it becomes too large.
pub(super) fn substitute_payload(payload: &Payload, args: &[Sort]) -> Option<Payload> {
    let mut left = MAX_SIZE;
    replace_payload(payload, args, &mut left, 0)
}

fn replace_payload(payload: &Payload, args: &[Sort], left: &mut usize, depth: usize) -> Option<Payload> {
    let fields = payload.fields.iter().map(|field| {
        Some(Field {
            sort: replace(&field.sort, args, left, depth)?,
            name: field.name.clone(),
            optional: field.optional,
        })
    });
    Some(Payload { fields: fields.collect::<Option<_>>()?, open: payload.open })
}

impl<'t> Sorts<'t> {
    /// Resolves the aliases of all files, and the functions that their conditions may call.
    pub(super) fn new(world: &World<'t>, sources: &'t Sources, report: &mut Report) -> Self {
        let mut bare = Self {
            sources,
            aliases: FxHashMap::default(),
            total: 0,
            bare: true,
            refined: false,
            functions: Functions::default(),
        };
        bare.all(world, report);
        let mut functions = Functions::default();
        let mut early = Report::default();
        functions.declare(world, &mut bare, &mut early);
        let (refined, total) = (bare.refined, bare.total);
        let aliases = if refined { FxHashMap::default() } else { bare.aliases };
        let mut sorts = Self { sources, aliases, total, bare: false, refined, functions };
        if refined {
            // What is wrong with them was said before, but for their conditions.
            let mut again = Report::default();
            sorts.total = 0;
            sorts.all(world, &mut again);
            // Functions may ask whether something is of a sort, which has its conditions now.
            let mut functions = Functions::default();
            functions.declare(world, &mut sorts, &mut again);
            sorts.functions = functions;
            again.diagnostics.retain(|found| !report.diagnostics.contains(found));
            report.diagnostics.append(&mut again.diagnostics);
        } else {
            report.diagnostics.append(&mut early.diagnostics);
        }
        sorts
    }

    fn all(&mut self, world: &World<'t>, report: &mut Report) {
        for (module, names) in world.modules.iter() {
            let mut names: Vec<(Span, &'t str)> = names.types.iter().map(|(name, def)| (place(*def), *name)).collect();
            names.sort_unstable();
            for (_, name) in names {
                self.alias(world, module, name, report);
            }
        }
    }

    /// Where a name stands in a text, if it does.
    pub(super) fn word(&self, span: Span, name: &str) -> Span {
        let text = self.sources.slice(span);
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        let found = text.match_indices(name).find(|(at, _)| {
            let before = text.get(..*at).and_then(|text| text.chars().next_back());
            let after = text.get(at.saturating_add(name.len())..).and_then(|text| text.chars().next());
            !before.is_some_and(wordy) && !after.is_some_and(wordy)
        });
        let Some(start) = found.and_then(|(at, _)| span.start.checked_add(u32::try_from(at).ok()?)) else {
            return span;
        };
        let end = u32::try_from(name.len()).ok().and_then(|length| start.checked_add(length));
        Span { start, end: end.unwrap_or(span.end), ..span }
    }

    /// A declared type without parameters, for `x is T`.
    pub(super) fn declared<'s>(&'s self, module: ModuleId, name: &'s str) -> Option<&'s Sort> {
        self.aliases.get(&(module, name)).filter(|alias| alias.params == 0).map(|alias| &alias.sort)
    }

    /// Resolves an alias and what it mentions, without recursion.
    fn alias(&mut self, world: &World<'t>, module: ModuleId, name: &'t str, report: &mut Report) {
        // The chain of aliases that are being resolved, each with those that it mentions.
        let mut open: Vec<(Key<'t>, Vec<Key<'t>>)> = Vec::new();
        let mut on_chain: FxHashSet<Key<'t>> = FxHashSet::default();
        let mut enter = vec![(module, name)];
        loop {
            if let Some(key) = enter.pop() {
                if self.aliases.contains_key(&key) {
                    continue;
                }
                if on_chain.contains(&key) {
                    self.circle(world, &open, key, report);
                    continue;
                }
                let mentioned = match world.modules[key.0].types.get(key.1) {
                    Some(TypeDef::Alias(alias)) => mentions(world, key.0, alias),
                    _ => Vec::new(),
                };
                on_chain.insert(key);
                open.push((key, mentioned));
            }
            let Some((key, mentioned)) = open.last_mut() else { break };
            match mentioned.pop() {
                Some(next) => enter.push(next),
                None => {
                    let key = *key;
                    open.pop();
                    on_chain.remove(&key);
                    if !self.aliases.contains_key(&key) {
                        let alias = self.resolve(world, key.0, key.1, report);
                        self.aliases.insert(key, alias);
                    }
                }
            }
        }
    }

    fn circle(&mut self, world: &World<'t>, open: &[(Key<'t>, Vec<Key<'t>>)], key: Key<'t>, report: &mut Report) {
        let chain: Vec<Key<'t>> = open.iter().map(|(key, _)| *key).skip_while(|k| *k != key).collect();
        let mut names: Vec<&str> = chain.iter().take(10).map(|(_, name)| *name).collect();
        names.push(key.1);
        if let Some(TypeDef::Alias(alias)) = world.modules[key.0].types.get(key.1) {
            let text = format!("type `{}` stands for itself: `{}`", key.1, names.join("` -> `"));
            report.diagnostics.push(Diagnostic::new(data::RECURSIVE_TYPE, alias.name.span, text));
        }
        for key in chain {
            let sort = Sort::Opaque(key.1.into());
            let size = measure(&sort);
            self.aliases.insert(key, Alias { params: 0, sort, size, broken: true });
        }
    }

    fn resolve(&mut self, world: &World<'t>, module: ModuleId, name: &'t str, report: &mut Report) -> Alias {
        let opaque = Sort::Opaque(name.into());
        let alias = match world.modules[module].types.get(name) {
            Some(TypeDef::Alias(alias)) => alias,
            _ => {
                // A foreign declaration of a built-in word means the built-in sort.
                let sort = builtin(name).map_or(opaque, Sort::Builtin);
                return Alias { params: 0, size: measure(&sort), sort, broken: false };
            }
        };
        let mut own = Report::default();
        if builtin(name).is_some() || generic_arity(name).is_some() {
            let text = format!("`{name}` is built in");
            own.add(Diagnostic::new(data::BUILTIN, alias.name.span, text).help("give the type another name"));
        }
        let mut params: FxHashMap<&'t str, usize> = FxHashMap::default();
        for (number, param) in alias.params.iter().enumerate() {
            if params.insert(&param.name.text, number).is_some() {
                let text = format!("parameter `{}` is declared twice", param.name.text);
                own.add(Diagnostic::new(crate::diag::catalogue::form::DUPLICATE_PARAM, param.name.span, text));
            }
        }
        let consts = FxHashMap::default();
        let sort = self.sort(Place { world, module, params: &params, consts: &consts }, &alias.sort, &mut own);
        let size = measure(&sort);
        report.diagnostics.append(&mut own.diagnostics);
        Alias { params: alias.params.len(), sort, size, broken: own.broken }
    }

    /// A sort, its aliases unfolded. Recurses once per level that is written, which the parser bounds.
    pub(super) fn sort(&mut self, place: Place<'_, 't>, sort: &tree::Sort, report: &mut Report) -> Sort {
        let base = self.base(place, &sort.base, sort.span, report);
        let Some(condition) = &sort.refinement else { return base };
        self.refined = true;
        if self.bare {
            return base;
        }
        match expr::refinement(self, place.module, place.consts, &base, condition, report) {
            Some(code) => Sort::Refined(Box::new(base), code),
            None => base,
        }
    }

    /// A sort without a refinement of its own.
    pub(super) fn base(&mut self, place: Place<'_, 't>, base: &tree::Base, span: Span, report: &mut Report) -> Sort {
        match base {
            tree::Base::Enum(values) => {
                let mut seen = FxHashSet::default();
                for value in values {
                    if !seen.insert(&*value.text) {
                        let text = format!("`{}` stands twice in an enum", value.text);
                        report.add(Diagnostic::new(data::DUPLICATE_FIELD, value.span, text));
                    }
                }
                Sort::Enum(values.iter().map(|value| Arc::from(&*value.text)).collect())
            }
            tree::Base::Record { fields, rest } => {
                let mut payload = Fields::default();
                for field in fields {
                    let sort = self.sort(place, &field.sort, report);
                    payload.push(Some(&field.name), field.optional, sort, report);
                }
                Sort::Record(self.close(place, payload, rest.as_ref(), report))
            }
            tree::Base::Named { name, args } => self.named(place, name, args, span, report),
        }
    }

    fn named(
        &mut self,
        place: Place<'_, 't>,
        name: &tree::QName,
        args: &[tree::Sort],
        span: Span,
        report: &mut Report,
    ) -> Sort {
        let parts: Vec<&str> = name.parts.iter().map(|part| &*part.text).collect();
        let values: Vec<Sort> = args.iter().map(|arg| self.sort(place, arg, report)).collect();
        let text = parts.join(".");
        if let &[one] = parts.as_slice()
            && let Some(&number) = place.params.get(one)
        {
            self.arity(one, 0, values.len(), span, report);
            return param(number);
        }
        if let Some((module, name)) = find(place.world, place.module, &parts) {
            let Some(module) = module else {
                report.broken = true;
                return Sort::Opaque(text.into());
            };
            return self.unfold(module, name, &values, span, report);
        }
        if let &[one] = parts.as_slice() {
            if let Some(builtin) = builtin(one) {
                self.arity(one, 0, values.len(), span, report);
                return Sort::Builtin(builtin);
            }
            if let Some(arity) = generic_arity(one) {
                if !self.arity(one, arity, values.len(), span, report) {
                    return Sort::Opaque(one.into());
                }
                let mut values = values.into_iter().map(Box::new);
                return match (one, values.next(), values.next()) {
                    ("list", Some(of), _) => Sort::List(of),
                    ("set", Some(of), _) => Sort::Set(of),
                    ("option", Some(of), _) => Sort::Option(of),
                    ("secret", Some(of), _) => Sort::Secret(of),
                    ("map", Some(key), Some(value)) => Sort::Map(key, value),
                    _ => Sort::Opaque(one.into()),
                };
            }
        }
        report.once(data::UNDECLARED, &text, || {
            let declared = place.world.modules[place.module].types.keys().copied();
            let mut known: Vec<&str> = declared.chain(Builtin::ALL.map(Builtin::word)).collect();
            known.sort_unstable();
            let said = format!("sort `{text}` is not declared: it is taken as opaque, equal only to itself");
            let found = Diagnostic::new(data::UNDECLARED, span, said);
            match nearest(&text, known) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            }
        });
        match values.is_empty() {
            true => Sort::Opaque(text.into()),
            false => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                Sort::Opaque(format!("{text}<{}>", values.join(", ")).into())
            }
        }
    }

    /// What a declared name stands for.
    fn unfold(&mut self, module: ModuleId, name: &str, args: &[Sort], span: Span, report: &mut Report) -> Sort {
        let opaque = || Sort::Opaque(name.into());
        let Some(alias) = self.aliases.get(&(module, name)) else { return opaque() };
        if alias.broken {
            report.broken = true;
            return opaque();
        }
        self.total = self.total.saturating_add(alias.size.nodes);
        let (wanted, total) = (alias.params, self.total);
        let sort = if too_large(alias.size) || total > MAX_TOTAL { None } else { substitute(&alias.sort, args) };
        if !self.arity(name, wanted, args.len(), span, report) {
            return opaque();
        }
        sort.filter(|sort| !too_large(measure(sort))).unwrap_or_else(|| {
            let text = format!("sort `{name}` is too large when its types are written out");
            let note = format!("at most {MAX_SIZE} parts and {MAX_DEPTH} levels, and {MAX_TOTAL} parts in all");
            report.once(data::TOO_LARGE, name, || Diagnostic::new(data::TOO_LARGE, span, text).note(note));
            opaque()
        })
    }

    fn arity(&self, name: &str, wanted: usize, given: usize, span: Span, report: &mut Report) -> bool {
        if wanted != given {
            let text = format!("sort `{name}` takes {wanted} argument{}, not {given}", plural(wanted));
            report.add(Diagnostic::new(data::SORT_ARGUMENTS, span, text));
        }
        wanted == given
    }

    /// A payload signature.
    pub(super) fn payload(&mut self, place: Place<'_, 't>, payload: &tree::Payload, report: &mut Report) -> Payload {
        let mut fields = Fields::default();
        for field in &payload.fields {
            match &field.kind {
                tree::FieldKind::Value { name, optional, sort, .. } => {
                    // A condition that mentions other names is one of the message, not of the sort.
                    let others = sort.refinement.as_deref().is_some_and(|e| !mention::only_this(e, place.consts));
                    let sort = match others {
                        true => self.base(place, &sort.base, sort.span, report),
                        false => self.sort(place, sort, report),
                    };
                    fields.push(name.as_ref(), *optional, sort, report);
                }
                tree::FieldKind::Delegation { name, protocol, role, .. } => {
                    let sort = Sort::Opaque(format!("{}@{}", protocol.text, role.name.text).into());
                    fields.push(name.as_ref(), false, sort, report);
                }
                tree::FieldKind::Return(name) => {
                    fields.push(Some(name), false, Sort::Builtin(Builtin::Unit), report);
                }
            }
        }
        let rest = payload.rest.as_deref();
        self.close(place, fields, rest, report)
    }

    /// Adds what stands behind `...`.
    fn close(
        &mut self,
        place: Place<'_, 't>,
        mut fields: Fields,
        rest: Option<&tree::Rest>,
        report: &mut Report,
    ) -> Payload {
        let open = match rest {
            None => false,
            Some(tree::Rest { record: None, .. }) => true,
            Some(tree::Rest { record: Some(name), span }) => match self.named(place, name, &[], *span, report) {
                Sort::Record(record) => {
                    for field in record.fields {
                        if !fields.has(field.name.as_deref()) {
                            fields.list.push(field);
                        }
                    }
                    record.open
                }
                _ if report.broken => true,
                other => {
                    let text = format!("`...` takes the fields of a record type, and `{other}` is none");
                    report.add(Diagnostic::new(data::NOT_A_RECORD, *span, text));
                    true
                }
            },
        };
        let payload = Payload { fields: fields.list.into(), open };
        let nodes = payload.fields.iter().map(|field| measure(&field.sort).nodes).fold(1usize, usize::saturating_add);
        self.total = self.total.saturating_add(nodes);
        payload
    }
}

/// Fields of a payload or record that is being read.
#[derive(Default)]
struct Fields {
    list: Vec<Field>,
    names: FxHashSet<std::sync::Arc<str>>,
}

impl Fields {
    fn push(&mut self, name: Option<&tree::Name>, optional: bool, sort: Sort, report: &mut Report) {
        if let Some(name) = name.filter(|name| !self.names.insert(name.text.as_ref().into())) {
            let text = format!("field `{}` stands here twice", name.text);
            report.add(Diagnostic::new(data::DUPLICATE_FIELD, name.span, text));
        }
        self.list.push(Field { name: name.map(|name| Arc::from(&*name.text)), optional, sort });
    }

    fn has(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.names.contains(name))
    }
}

fn place(def: TypeDef<'_>) -> Span {
    match def {
        TypeDef::Alias(alias) => alias.span,
        TypeDef::Foreign(foreign) => foreign.span,
    }
}

/// The declared type that a qualified name means, if there is one; without module if its import has an error.
fn find<'t>(world: &World<'t>, module: ModuleId, parts: &[&str]) -> Option<(Option<ModuleId>, &'t str)> {
    let in_module = |module: ModuleId, name: &str| {
        world.modules[module].types.get_key_value(name).map(|(&name, _)| (Some(module), name))
    };
    match parts {
        [one] => in_module(module, one),
        _ => match world.module_of(module, parts)? {
            (Some(module), [one]) => in_module(module, one),
            (Some(_), _) => None,
            (None, _) => Some((None, "")),
        },
    }
}

/// The types that an alias mentions.
fn mentions<'t>(world: &World<'t>, module: ModuleId, alias: &tree::TypeDecl) -> Vec<(ModuleId, &'t str)> {
    let mut found = Vec::new();
    let name = |name: &tree::QName, found: &mut Vec<(ModuleId, &'t str)>| {
        let parts: Vec<&str> = name.parts.iter().map(|part| &*part.text).collect();
        let hidden = |one: &str| alias.params.iter().any(|param| &*param.name.text == one);
        if matches!(parts.as_slice(), &[one] if hidden(one)) {
            return;
        }
        if let Some((Some(module), name)) = find(world, module, &parts) {
            found.push((module, name));
        }
    };
    let mut stack = vec![&alias.sort];
    while let Some(sort) = stack.pop() {
        match &sort.base {
            tree::Base::Enum(_) => {}
            tree::Base::Named { name: of, args } => {
                name(of, &mut found);
                stack.extend(args);
            }
            tree::Base::Record { fields, rest } => {
                stack.extend(fields.iter().map(|field| &field.sort));
                if let Some(tree::Rest { record: Some(record), .. }) = rest {
                    name(record, &mut found);
                }
            }
        }
    }
    found
}

fn builtin(name: &str) -> Option<Builtin> {
    Builtin::ALL.into_iter().find(|builtin| builtin.word() == name)
}

fn generic_arity(name: &str) -> Option<usize> {
    match name {
        "list" | "set" | "option" | "secret" => Some(1),
        "map" => Some(2),
        _ => None,
    }
}

/// `s`, unless there is exactly one.
pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Whether ids of sorts may be shared: nothing in the payload is a parameter.
pub(super) fn is_open_payload(payload: &Payload) -> bool {
    payload.fields.iter().any(|field| is_open(&field.sort))
}

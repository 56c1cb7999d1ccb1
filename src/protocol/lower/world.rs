//! Everything that the files of a specification declare, by name: what `do`, `check`, `in` and sorts refer to.
//!
//! In: the parsed files. Out: a table of declarations and, per file, who is who. Duplicates are reported here; the
//! first of two declarations keeps the name.

use rustc_hash::FxHashMap;

use super::{
    load::{Import, Loaded},
    suggest::nearest,
};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{DeclId, Id, IdVec, ModuleId},
    syntax::tree,
};

/// What a declaration declares.
#[derive(Clone, Copy)]
pub(super) enum Kind<'t> {
    Protocol(&'t tree::Protocol),
    LocalProtocol(&'t tree::LocalProtocol),
    LocalType(&'t tree::LocalType),
    System(&'t tree::System),
}

/// A declaration that can be referred to.
pub(super) struct Decl<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) module: ModuleId,
    /// The protocol around a nested one.
    pub(super) parent: Option<DeclId>,
    pub(super) name: &'t tree::Name,
    /// Protocols nested in it.
    pub(super) nested: FxHashMap<&'t str, DeclId>,
    /// Another declaration has its name, or the parser found errors in it.
    pub(super) broken: bool,
    /// The first place where the parser found an error in it: parts of it may be missing.
    pub(super) torn: Option<Span>,
}

/// A named sort.
#[derive(Clone, Copy)]
pub(super) enum TypeDef<'t> {
    Alias(&'t tree::TypeDecl),
    Foreign(&'t tree::Foreign),
}

impl Decl<'_> {
    /// What it is, in words.
    pub(super) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Protocol(_) => "a global protocol",
            Kind::LocalProtocol(_) => "a local protocol",
            Kind::LocalType(_) => "a local type",
            Kind::System(_) => "a system",
        }
    }
}

/// One file of the specification.
pub(super) struct Module<'t> {
    /// `module a.b;`
    path: Option<String>,
    imports: &'t [Import],
    /// Imports by every text that names them.
    by_path: FxHashMap<&'t str, usize>,
    /// Protocols and systems.
    globals: FxHashMap<&'t str, DeclId>,
    /// Local protocols and local types: the same name may stand for several roles.
    locals: FxHashMap<&'t str, Vec<DeclId>>,
    pub(super) types: FxHashMap<&'t str, TypeDef<'t>>,
    pub(super) externs: FxHashMap<&'t str, &'t tree::Extern>,
    pub(super) defs: Vec<&'t tree::Def>,
    /// The parser found an error outside of all declarations that it read: there may be more of them.
    torn: bool,
}

/// All files and declarations.
pub(super) struct World<'t> {
    pub(super) modules: IdVec<ModuleId, Module<'t>>,
    pub(super) decls: IdVec<DeclId, Decl<'t>>,
    /// Declarations of the file itself that are not nested, in order.
    pub(super) own: Vec<DeclId>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Decl(DeclId),
    /// Several local types of that name.
    Many(Vec<DeclId>),
    /// Something whose declaration has an error that was reported.
    Poisoned,
    Unknown,
}

/// Parts of a qualified name beyond which no module is looked for.
const MAX_PATH: usize = 32;

impl<'t> World<'t> {
    pub(super) fn new(
        tree: &'t tree::File,
        files: &'t IdVec<ModuleId, Loaded>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut world = Self { modules: IdVec::new(), decls: IdVec::new(), own: Vec::new() };
        for (id, loaded) in files.iter() {
            let tree = loaded.tree.as_ref().unwrap_or(tree);
            let mut module = Module::new(tree, loaded, diagnostics);
            world.items(id, tree, loaded, &mut module, diagnostics);
            let pushed = world.modules.push(module);
            debug_assert_eq!(pushed, Ok(id), "modules keep the ids of their files");
        }
        world
    }

    fn add(&mut self, decl: Decl<'t>) -> DeclId {
        self.decls.push(decl).expect("texts that fit into memory have fewer declarations than ids")
    }

    fn items(
        &mut self,
        id: ModuleId,
        tree: &'t tree::File,
        loaded: &Loaded,
        module: &mut Module<'t>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut seen: FxHashMap<(&'static str, &'t str), Span> = FxHashMap::default();
        let mut fresh =
            |space: &'static str, name: &'t tree::Name, what: &str, diagnostics: &mut Vec<Diagnostic>| match seen
                .insert((space, &*name.text), name.span)
            {
                None => true,
                Some(first) => {
                    seen.insert((space, &*name.text), first);
                    diagnostics.push(twice(form::DUPLICATE, what, name, first));
                    false
                }
            };
        module.torn = torn(tree, &loaded.broken);
        for item in &tree.items {
            let (kind, name, span) = match item {
                tree::Item::Protocol(p) => (Kind::Protocol(p), &p.name, p.span),
                tree::Item::System(s) => (Kind::System(s), &s.name, s.span),
                tree::Item::LocalProtocol(p) => (Kind::LocalProtocol(p), &p.name, p.span),
                tree::Item::LocalType(t) => (Kind::LocalType(t), &t.name, t.span),
                tree::Item::Type(t) => {
                    if fresh("type", &t.name, "type", diagnostics) {
                        module.types.insert(&t.name.text, TypeDef::Alias(t));
                    }
                    continue;
                }
                tree::Item::Foreign(f) => {
                    if fresh("type", &f.name, "type", diagnostics) && f.kind != tree::ForeignKind::Sig {
                        module.types.insert(&f.name.text, TypeDef::Foreign(f));
                    }
                    continue;
                }
                tree::Item::Extern(e) => {
                    fresh("function", &e.name, "predicate", diagnostics);
                    module.externs.entry(&e.name.text).or_insert(e);
                    continue;
                }
                tree::Item::Def(d) => {
                    if fresh("function", &d.name, "definition", diagnostics) {
                        module.defs.push(d);
                    }
                    continue;
                }
                tree::Item::Trace(t) => {
                    fresh("trace", &t.name, "trace", diagnostics);
                    continue;
                }
                tree::Item::Import(_) | tree::Item::Check(_) => continue,
            };
            let (first, what) = match kind {
                Kind::Protocol(_) | Kind::System(_) => (fresh("global", name, "protocol", diagnostics), None),
                Kind::LocalProtocol(p) => (true, own_role(p).map(|role| &*role.text)),
                Kind::LocalType(t) => (true, Some(&*t.at.name.text)),
            };
            let after = loaded.broken.partition_point(|at| at.start < span.start);
            let torn = loaded.broken.get(after).copied().filter(|at| at.start < span.end);
            let decl = self.add(Decl {
                kind,
                module: id,
                parent: None,
                name,
                nested: FxHashMap::default(),
                broken: !first || torn.is_some(),
                torn,
            });
            if id == ModuleId::default() {
                self.own.push(decl);
            }
            match kind {
                Kind::Protocol(protocol) => {
                    if first {
                        module.globals.insert(&name.text, decl);
                    }
                    self.nested(decl, protocol, diagnostics);
                }
                Kind::System(_) => {
                    if first {
                        module.globals.insert(&name.text, decl);
                    }
                }
                Kind::LocalProtocol(_) | Kind::LocalType(_) => {
                    let known = module.locals.entry(&name.text).or_default();
                    let same = known.iter().find(|&&other| self.local_role(other) == what);
                    match same.and_then(|&other| self.decls.entry(other)).map(|other| other.name.span) {
                        None => known.push(decl),
                        Some(first) => {
                            diagnostics.push(twice(form::DUPLICATE, "local type", name, first));
                            self.decls[decl].broken = true;
                        }
                    }
                }
            }
        }
    }

    /// Adds the protocols that are nested in one. The parser bounds how deep they nest.
    fn nested(&mut self, parent: DeclId, protocol: &'t tree::Protocol, diagnostics: &mut Vec<Diagnostic>) {
        for item in &protocol.items {
            let tree::Inner::Protocol(inner) = item else { continue };
            let name = &inner.name;
            let first = self.decls[parent].nested.get(&*name.text).map(|&first| self.decls[first].name.span);
            if let Some(first) = first {
                diagnostics.push(twice(form::DUPLICATE, "protocol", name, first));
            }
            let decl = self.add(Decl {
                kind: Kind::Protocol(inner),
                module: self.decls[parent].module,
                parent: Some(parent),
                name,
                nested: FxHashMap::default(),
                broken: first.is_some() || self.decls[parent].broken,
                torn: self.decls[parent].torn,
            });
            if first.is_none() {
                self.decls[parent].nested.insert(&name.text, decl);
            }
            self.nested(decl, inner, diagnostics);
        }
    }

    /// The own role of a local protocol or local type.
    pub(super) fn local_role(&self, decl: DeclId) -> Option<&'t str> {
        match self.decls.entry(decl)?.kind {
            Kind::LocalProtocol(p) => own_role(p).map(|role| &*role.text),
            Kind::LocalType(t) => Some(&t.at.name.text),
            Kind::Protocol(_) | Kind::System(_) => None,
        }
    }

    /// What a qualified name means in a module, seen from a declaration if there is one.
    pub(super) fn find(&self, module: ModuleId, from: Option<DeclId>, name: &tree::QName) -> Found {
        match self.find_any(module, from, name) {
            // What it names may be what the parser could not read.
            Found::Unknown if self.modules[module].torn => Found::Poisoned,
            found => found,
        }
    }

    fn find_any(&self, module: ModuleId, from: Option<DeclId>, name: &tree::QName) -> Found {
        let parts: Vec<&str> = name.parts.iter().map(|part| &*part.text).collect();
        let found = self.find_parts(module, from, &parts);
        match parts.as_slice() {
            // Scribble files that were printed with backquotes: `a.b.P` as one name.
            [one] if found == Found::Unknown && one.contains('.') => {
                self.find_parts(module, from, &one.split('.').collect::<Vec<_>>())
            }
            _ => found,
        }
    }

    fn find_parts(&self, module: ModuleId, from: Option<DeclId>, parts: &[&str]) -> Found {
        let Some((first, rest)) = parts.split_first() else { return Found::Unknown };
        // Nested protocols of the surroundings, from the inside.
        let mut scope = from;
        while let Some(decl) = scope {
            let decl = &self.decls[decl];
            if let Some(&inner) = decl.nested.get(first) {
                return self.inside(inner, rest);
            }
            scope = decl.parent;
        }
        if let Some(&decl) = self.modules[module].globals.get(first) {
            let found = self.inside(decl, rest);
            if found != Found::Unknown {
                return found;
            }
        }
        if let (Some(locals), []) = (self.modules[module].locals.get(first), rest) {
            return match locals.as_slice() {
                [one] => Found::Decl(*one),
                many => Found::Many(many.to_vec()),
            };
        }
        match self.module_of(module, parts) {
            Some((Some(module), rest)) => {
                let target = &self.modules[module];
                match rest.split_first() {
                    Some((first, rest)) => match (target.globals.get(first), target.locals.get(first)) {
                        (Some(&decl), _) => self.inside(decl, rest),
                        (None, Some(locals)) if rest.is_empty() => match locals.as_slice() {
                            [one] => Found::Decl(*one),
                            many => Found::Many(many.to_vec()),
                        },
                        _ => Found::Unknown,
                    },
                    None => Found::Unknown,
                }
            }
            Some((None, _)) => Found::Poisoned,
            None => Found::Unknown,
        }
    }

    /// A protocol nested in another.
    fn inside(&self, decl: DeclId, parts: &[&str]) -> Found {
        let mut decl = decl;
        for part in parts {
            match self.decls[decl].nested.get(part) {
                Some(&inner) => decl = inner,
                None => return Found::Unknown,
            }
        }
        Found::Decl(decl)
    }

    /// The local protocols and local types of a module that have a plain name.
    pub(super) fn locals(&self, module: ModuleId, name: &tree::QName) -> &[DeclId] {
        match name.parts.as_slice() {
            [one] => self.modules[module].locals.get(&*one.text).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// The module that a qualified name begins with, and the rest of the name; at least one part is left over.
    /// `Some((None, …))`: the import is there, but its file could not be read.
    pub(super) fn module_of<'p>(
        &self,
        module: ModuleId,
        parts: &'p [&'p str],
    ) -> Option<(Option<ModuleId>, &'p [&'p str])> {
        let here = &self.modules[module];
        let longest = parts.len().saturating_sub(1).min(MAX_PATH);
        for length in (1..=longest).rev() {
            let (path, rest) = parts.split_at(length);
            let path = path.join(".");
            if here.path.as_ref() == Some(&path) {
                return Some((Some(module), rest));
            }
            if let Some(import) = here.by_path.get(path.as_str()).and_then(|&at| here.imports.get(at)) {
                import.used.set(true);
                return Some((import.target, rest));
            }
        }
        None
    }

    /// The declared name that an unknown one may mean.
    pub(super) fn suggest(&self, module: ModuleId, from: Option<DeclId>, name: &tree::QName) -> Option<String> {
        let last = name.parts.last()?;
        let last = last.text.rsplit('.').next()?;
        let mut names: Vec<&str> = Vec::new();
        let mut scope = from;
        while let Some(decl) = scope {
            let decl = &self.decls[decl];
            names.extend(decl.nested.keys());
            scope = decl.parent;
        }
        let here = &self.modules[module];
        names.extend(here.globals.keys());
        names.extend(here.locals.keys());
        names.sort_unstable();
        if let Some(near) = names.iter().find(|&&near| near == last).copied().or_else(|| nearest(last, names)) {
            return Some(near.to_owned());
        }
        let imported = here.imports.iter().filter_map(|import| {
            let target = self.modules.entry(import.target?)?;
            let mut names: Vec<&str> = target.globals.keys().copied().collect();
            names.sort_unstable();
            let near = names.iter().find(|&&near| near == last).copied().or_else(|| nearest(last, names))?;
            Some(format!("{}.{near}", import.alias.as_deref().unwrap_or(&import.path)))
        });
        imported.into_iter().next()
    }
}

impl<'t> Module<'t> {
    fn new(tree: &'t tree::File, loaded: &'t Loaded, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut by_path: FxHashMap<&'t str, usize> = FxHashMap::default();
        let mut aliases: FxHashMap<&'t str, Span> = FxHashMap::default();
        for (at, import) in loaded.imports.iter().enumerate() {
            if let Some(alias) = &import.alias {
                match aliases.get(&**alias) {
                    None => {
                        aliases.insert(alias, import.span);
                        by_path.insert(alias, at);
                    }
                    Some(&first) => {
                        let text = format!("two imports are called `{alias}`");
                        let found = Diagnostic::new(form::DUPLICATE, import.span, text);
                        diagnostics.push(found.label(first, "the first one is here"));
                    }
                }
            }
            by_path.entry(&import.path).or_insert(at);
        }
        // The last part alone names a module, too, where nothing else has that name.
        for (at, import) in loaded.imports.iter().enumerate() {
            if let Some((_, last)) = import.path.rsplit_once('.') {
                by_path.entry(last).or_insert(at);
            }
        }
        let path = tree.module.as_ref();
        Self {
            path: path.map(|path| path.parts.iter().map(|part| &*part.text).collect::<Vec<_>>().join(".")),
            imports: &loaded.imports,
            by_path,
            globals: FxHashMap::default(),
            locals: FxHashMap::default(),
            types: FxHashMap::default(),
            externs: FxHashMap::default(),
            defs: Vec::new(),
            torn: false,
        }
    }
}

/// Whether an error lies outside of all declarations that were read.
fn torn(tree: &tree::File, broken: &[Span]) -> bool {
    let spans = tree.items.iter().map(|item| match item {
        tree::Item::Import(i) => i.span,
        tree::Item::Type(t) => t.span,
        tree::Item::Foreign(f) => f.span,
        tree::Item::Extern(e) => e.span,
        tree::Item::Def(d) => d.span,
        tree::Item::Protocol(p) => p.span,
        tree::Item::LocalProtocol(p) => p.span,
        tree::Item::LocalType(t) => t.span,
        tree::Item::System(s) => s.span,
        tree::Item::Check(c) => c.span,
        tree::Item::Trace(t) => t.span,
    });
    // Both ascend.
    let mut spans = spans.peekable();
    broken.iter().any(|at| {
        while spans.next_if(|span| span.end <= at.start).is_some() {}
        spans.peek().is_none_or(|span| at.start < span.start)
    })
}

/// Whose a local protocol is.
pub(super) fn own_role(protocol: &tree::LocalProtocol) -> Option<&tree::Name> {
    let own = protocol.roles.iter().find(|&&(_, own)| own).map(|(name, _)| name);
    protocol.at.as_ref().map(|at| &at.name).or(own)
}

/// Something is declared twice.
pub(super) fn twice(code: crate::diag::Code, what: &str, name: &tree::Name, first: Span) -> Diagnostic {
    let text = format!("{what} `{}` is declared twice", name.text);
    Diagnostic::new(code, name.span, text).label(first, "the first one is here")
}

/// The place of a module that is not that of the file itself.
pub(super) fn is_imported(module: ModuleId) -> bool {
    module.index() != 0
}

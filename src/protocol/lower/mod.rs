//! Lowering: a syntax tree becomes a [`Spec`] over dense ids, and everything wrong with its names and form is reported.
//!
//! In: the tree of a file, and a [`Loader`] for what it imports. Out: protocols, systems, local types, claims and traces
//! with every name looked up, and diagnostics (PL02xx, PL03xx), all of them at once.
//!
//! It goes in five passes, each linear in what it reads:
//!
//! 1. `load` parses the imports, `world` tables all declarations, `sorts` unfolds all type aliases.
//! 2. `declare` reads every declaration once, by itself: its statements become a template, whose roles, sorts and callees
//!    may still be parameters.
//! 3. `returns` leaves out what stands behind calls that never return, and `wellformed` looks at the templates together: recursion without a step, recursion with something left to do. What
//!    is wrong with a callee is wrong with its callers.
//! 4. `instantiate` makes a term of each template, with one body for each protocol, roles and arguments that a `do`
//!    reaches.
//! 5. `claims` looks up what claims and traces are about.
//!
//! INVARIANT (said once): an error is reported where it is written, not where it is felt; a declaration that is broken
//! because of another one is marked so without a further word.

mod body;
mod callee;
mod claims;
mod compact;
mod constant;
mod copies;
mod declare;
mod drafts;
mod edges;
mod expr;
mod frames;
mod fresh;
mod instantiate;
mod learn;
mod literal;
mod load;
mod mention;
mod message;
mod report;
mod require;
mod returns;
mod scope;
mod sorts;
mod stmt;
use crate::data::suggest;
pub(super) mod template;
mod walk;
mod world;

pub use load::{InMemory, LoadError, Loader, NoImports};

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::{
    body::Shared,
    drafts::Requests,
    instantiate::{Failure, Instances, MAX_INSTANCES, MAX_STATEMENTS, Made, itself, nothing},
    report::Report,
    sorts::Sorts,
    template::{Arg, Draft, Template},
    world::{Decl, Kind, World, is_imported},
};
use super::{
    Graph, GraphError, Header, Local, LocalDecl, Names, Predicate, Protocol, Spec, SystemDecl, Target, Term,
    settle::Lost, wellformed,
};
use crate::{
    diag::{Code, Diagnostic, Severity, Sources, Span, catalogue::data, catalogue::form},
    id::{DeclId, DraftId, FileId, Id, IdVec, RoleId},
    syntax::{self, tree},
};

/// Parses and lowers a file of `sources`: its tree, its meaning, and all that is wrong with either, by place. A
/// declaration with a syntax error has no meaning, and nothing is said of what the error only hides.
pub fn read(sources: &mut Sources, file: FileId, loader: &mut dyn Loader) -> (tree::File, Spec, Vec<Diagnostic>) {
    let text = sources.get(file).map_or("", |source| &*source.text);
    let (tree, mut found) = syntax::parse(file, text);
    let (mut spec, more) = lower_torn(sources, file, &tree, &found, loader);
    if found.is_empty() && spec.protocols.iter().any(|protocol| protocol.header.broken) {
        let flow = syntax::outline(&tree);
        let (mut outline, _) = lower_torn(sources, file, &flow, &[], loader);
        outline.is_outline = true;
        spec.outline = Some(Box::new(outline));
    }
    found.extend(more);
    sort(&mut found);
    (tree, spec, found)
}

/// Lowers a file without syntax errors: looks up every name, reads its imports, and reports all that is wrong with its
/// form. See [`read`] for files that may have some.
pub fn lower(
    sources: &mut Sources,
    file: FileId,
    tree: &tree::File,
    loader: &mut dyn Loader,
) -> (Spec, Vec<Diagnostic>) {
    lower_torn(sources, file, tree, &[], loader)
}

fn lower_torn(
    sources: &mut Sources,
    file: FileId,
    tree: &tree::File,
    syntax: &[Diagnostic],
    loader: &mut dyn Loader,
) -> (Spec, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    edition(tree, &mut diagnostics);
    let files = load::load(sources, file, tree, syntax, loader, &mut diagnostics);
    let world = World::new(tree, &files, &mut diagnostics);
    let mut aliases = Report::default();
    let sources: &Sources = sources;
    let sorts = Sorts::new(&world, sources, &mut aliases);
    diagnostics.append(&mut aliases.diagnostics);
    let mut shared = Shared {
        world: &world,
        names: Names::new(),
        sorts,
        requests: Requests::new(world.decls.ids()),
        mentioned: FxHashSet::default(),
        unrolled: stmt::MAX_UNROLLED,
    };
    claims::request(&mut shared, tree);
    let mut drafts: IdVec<DraftId, Draft<'_>> = IdVec::new();
    while let Some((decl, consts)) = shared.requests.get(drafts.len()) {
        let draft = declare::declare(&mut shared, decl, consts);
        drafts.push(draft).expect("by `MOST` there are fewer drafts than ids");
    }
    returns::cut(&mut drafts);
    for finding in wellformed::recursion(&drafts, |draft| world.decls[drafts[draft].decl].name.text.to_string()) {
        for draft in finding.drafts {
            drafts[draft].broken = true;
        }
        if !diagnostics.contains(&finding.diagnostic) {
            diagnostics.push(finding.diagnostic);
        }
    }
    spread(&mut drafts);
    let reached = reached(&world, &drafts);
    let mentioned = std::mem::take(&mut shared.mentioned);
    let mut lowering = Lowering {
        sources,
        shared,
        instances: Instances::new(&drafts, &mentioned),
        spec: Spec { file, ..Spec::default() },
        diagnostics,
        said: FxHashSet::default(),
        targets: FxHashMap::default(),
        role_names: claims::RoleNames::default(),
        size: None,
        exhausted: false,
        failed: FxHashSet::default(),
        growing: FxHashSet::default(),
    };
    lowering.declarations();
    lowering.claims_and_traces(tree);
    lowering.several_main();
    let Lowering { shared, mut spec, mut diagnostics, .. } = lowering;
    let predicates: Arc<[Predicate]> = shared.names.predicates().cloned().collect();
    let protocols = spec.protocols.iter_mut().map(|found| &mut found.header);
    let systems = spec.systems.iter_mut().map(|found| &mut found.header);
    let locals = spec.locals.iter_mut().map(|found| &mut found.header);
    for header in protocols.chain(systems).chain(locals) {
        header.predicates = Arc::clone(&predicates);
    }
    spec.names = shared.names;
    spec.externs.clone_from(&shared.sorts.functions.extern_names);
    finish(&world, drafts, &reached, &mut diagnostics);
    for import in files.values().take(1).flat_map(|file| &file.imports) {
        if !import.used.get() && import.target.is_some() {
            let text = format!("import `{}` is not used", import.path);
            diagnostics.push(Diagnostic::new(form::UNUSED_IMPORT, import.span, text));
        }
    }
    sort(&mut diagnostics);
    (spec, diagnostics)
}

fn sort(found: &mut [Diagnostic]) {
    found.sort_by_key(|found| (found.span.file, found.span.start, found.span.end, found.code.id()));
}

/// The edition that this version speaks.
const EDITION: &str = "2026";

fn edition(tree: &tree::File, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(edition) = tree.edition.as_ref().filter(|edition| &*edition.value != EDITION) {
        let text = format!("edition `{}` is not known", edition.value);
        let found = Diagnostic::new(form::UNKNOWN_EDITION, edition.span, text);
        diagnostics.push(found.help(format!("this version speaks edition `{EDITION}`")));
    }
}

/// Hands on what is broken from callees to callers.
fn spread(drafts: &mut IdVec<DraftId, Draft<'_>>) {
    let mut callers: IdVec<DraftId, Vec<DraftId>> = drafts.values().map(|_| Vec::new()).collect();
    for (draft, read) in drafts.iter() {
        // A local type means what it means without the protocol that it belongs to.
        for call in read.templates.iter().flat_map(|template| template.calls.values()) {
            callers[call.callee].push(draft);
        }
    }
    let mut todo: Vec<DraftId> = drafts.ids().collect();
    while let Some(callee) = todo.pop() {
        for caller in std::mem::take(&mut callers[callee]) {
            let broken = drafts[callee].broken;
            let data = drafts[callee].nested && drafts[callee].data;
            let place = &mut drafts[caller];
            let before = (place.broken, place.data);
            place.broken |= broken;
            place.data |= data;
            if before != (place.broken, place.data) {
                todo.push(caller);
            }
            callers[callee].push(caller);
        }
    }
}

fn callees<'d>(draft: &'d Draft<'_>) -> impl Iterator<Item = DraftId> + use<'d> {
    draft
        .templates
        .iter()
        .flat_map(|template| template.calls.values())
        .map(|call| call.callee)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Declarations of the file itself, and what they call elsewhere.
fn reached(world: &World<'_>, drafts: &IdVec<DraftId, Draft<'_>>) -> FxHashSet<DraftId> {
    let own = drafts.iter().filter(|(_, draft)| world.decls.entry(draft.decl).is_some_and(|d| !is_imported(d.module)));
    let mut todo: Vec<DraftId> = own.map(|(id, _)| id).collect();
    let mut reached: FxHashSet<DraftId> = FxHashSet::default();
    while let Some(draft) = todo.pop() {
        if reached.insert(draft) {
            todo.extend(callees(&drafts[draft]));
        }
    }
    reached
}

/// A declaration, with values for its parameters if it has them.
type TargetKey = (DeclId, Option<Box<[Arg]>>);

/// The draft of a declaration that is read by itself.
fn itself_of(decl: DeclId) -> DraftId {
    DraftId::from_raw(decl.raw())
}

/// Declarations in an order in which callees, but for cycles, stand before their callers.
fn callees_first(own: &[DeclId], drafts: &IdVec<DraftId, Draft<'_>>) -> Vec<DeclId> {
    let callees = |draft: DraftId| -> Vec<DraftId> { callees(&drafts[draft]).collect() };
    let wanted: FxHashSet<DraftId> = own.iter().map(|&decl| itself_of(decl)).collect();
    let mut seen: FxHashSet<DraftId> = FxHashSet::default();
    let mut order = Vec::with_capacity(own.len());
    for &root in own {
        let root = itself_of(root);
        let mut path = Vec::new();
        if seen.insert(root) {
            path.push((root, callees(root)));
        }
        while let Some((draft, left)) = path.last_mut() {
            match left.pop() {
                Some(next) if seen.insert(next) => path.push((next, callees(next))),
                Some(_) => {}
                None => {
                    order.extend(wanted.get(draft).map(|&draft| drafts[draft].decl));
                    path.pop();
                }
            }
        }
    }
    order
}

/// What the passes that build the specification share.
struct Lowering<'w, 't> {
    sources: &'w Sources,
    shared: Shared<'w, 't>,
    instances: Instances<'w, 't>,
    spec: Spec,
    diagnostics: Vec<Diagnostic>,
    /// What was said about terms.
    said: FxHashSet<(&'static str, Span, String)>,
    /// What is in the specification already.
    targets: FxHashMap<TargetKey, Target>,
    role_names: claims::RoleNames,
    /// The arguments of a target that has none of its own.
    size: Option<Box<[Arg]>>,
    /// All terms together became too large, which was reported.
    exhausted: bool,
    /// Protocols without a term, which was reported.
    failed: FxHashSet<DraftId>,
    /// Calls that make ever new instances, which were reported.
    growing: FxHashSet<(Span, DraftId)>,
}

impl<'w, 't> Lowering<'w, 't> {
    fn declarations(&mut self) {
        let world = self.shared.world;
        // Callees first: what is too large is so in its callers, and need not be written out again.
        let mut made: FxHashMap<DeclId, Protocol> = FxHashMap::default();
        for decl in callees_first(&world.own, self.instances.drafts) {
            if let Kind::Protocol(protocol) = world.decls[decl].kind {
                made.insert(decl, self.global(decl, protocol, None));
            }
        }
        for &decl in &world.own {
            if let Some(added) = made.remove(&decl) {
                self.targets.insert((decl, None), Target::Protocol(self.spec.protocols.len()));
                self.spec.protocols.push(added);
            }
        }
        for &decl in &world.own {
            match world.decls[decl].kind {
                Kind::Protocol(_) => {}
                Kind::System(_) | Kind::LocalType(_) | Kind::LocalProtocol(_) => {
                    self.ensure(decl, None);
                }
            }
        }
    }

    fn claims_and_traces(&mut self, tree: &'t tree::File) {
        for item in &tree.items {
            match item {
                tree::Item::Check(check) => {
                    let claims = self.claims(check);
                    self.spec.claims.extend(claims);
                }
                tree::Item::Trace(trace) => {
                    let trace = self.trace(trace);
                    self.spec.traces.extend(trace);
                }
                _ => {}
            }
        }
    }

    /// At most one protocol is the main one.
    fn several_main(&mut self) {
        let protocols = self.spec.protocols.iter().filter(|p| !p.aux).map(|p| &p.header);
        let headers = protocols.chain(self.spec.systems.iter().map(|s| &s.header)).filter(|header| header.main);
        let mains: Vec<&Header> = headers.collect();
        if let [first, rest @ ..] = mains.as_slice() {
            for other in rest {
                let text = format!("`{}` and `{}` are both marked `@main`", first.name, other.name);
                let found = Diagnostic::new(form::SEVERAL_MAIN, other.span, text);
                self.diagnostics.push(found.label(first.span, "the first one is here"));
            }
        }
    }

    /// The draft of a declaration at given arguments.
    fn draft(&mut self, decl: DeclId, args: Option<&[Arg]>) -> DraftId {
        let consts: Vec<constant::Const> = args
            .unwrap_or_default()
            .iter()
            .filter_map(|arg| match arg {
                Arg::Const(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let draft = self.shared.requests.draft(decl, &consts);
        // What was not asked for before all drafts were made is not among them.
        draft.filter(|&draft| draft.index() < self.instances.drafts.len()).unwrap_or_else(|| itself_of(decl))
    }

    fn head(&self, draft: DraftId, given: bool) -> Header {
        let draft = &self.instances.drafts[draft];
        let name = self.shared.world.decls[draft.decl].name;
        let marks = draft.marks.clone();
        let outside = |role: &RoleId| draft.outside.get(role.index()).copied().unwrap_or(*role);
        Header {
            name: name.text.clone(),
            span: name.span,
            roles: draft.outer_roles.clone().unwrap_or_else(|| draft.roles.clone()),
            channels: draft.channels.clone(),
            main: marks.main,
            explicit: marks.explicit,
            pipelined: marks.pipelined.iter().map(outside).collect(),
            epoch: marks.epoch,
            except: marks.except,
            // Known when all declarations are lowered.
            predicates: Arc::default(),
            broken: draft.broken,
            generic: !draft.params.is_empty() && !given,
        }
    }

    /// Adds a finding, once: a declaration is lowered with each that calls it, and with other arguments.
    fn say(&mut self, diagnostic: Diagnostic) {
        if self.said.insert((diagnostic.code.id(), diagnostic.span, diagnostic.text.clone())) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The values of a declaration's parameters.
    fn values(&mut self, draft: DraftId, args: Option<Box<[Arg]>>) -> Box<[Arg]> {
        args.unwrap_or_else(|| itself(&mut self.shared.names, &self.instances.drafts[draft]))
    }

    /// The term of a template; an empty one, if the declaration has no meaning.
    fn term(
        &mut self,
        header: &mut Header,
        draft: DraftId,
        template: Option<&'w Template<'t>>,
        args: Box<[Arg]>,
    ) -> Term {
        let compact = template.is_some_and(|template| template.compact);
        let Some(template) = template.filter(|_| !header.broken) else {
            return nothing(compact);
        };
        if template.calls.values().any(|call| self.failed.contains(&call.callee)) {
            self.failed.insert(draft);
            header.broken = true;
            return nothing(compact);
        }
        match self.instances.term(&mut self.shared.names, &self.shared.sorts, draft, template, args) {
            Ok(Made { term, found, broken }) => {
                header.broken |= broken || found.iter().any(Diagnostic::is_error);
                for diagnostic in found {
                    self.say(diagnostic);
                }
                if template.own.is_none() {
                    let roles = &header.roles;
                    let copies = copies::check(&self.shared.names, &term, roles);
                    for diagnostic in copies.into_iter().chain(learn::check(&term, roles)) {
                        header.broken |= diagnostic.is_error();
                        self.say(diagnostic);
                    }
                }
                if header.broken {
                    return nothing(compact);
                }
                if compact || wellformed::graph_fits(&term) {
                    return term;
                }
                let most = grouped(wellformed::MAX_GRAPH);
                let text = format!("`{}` has more than {most} steps when its calls are written out", header.name);
                let found = Diagnostic::new(form::TOO_LARGE, header.span, text);
                self.diagnostics.push(found.help("let protocols call each other fewer times"));
            }
            Err(failure) => self.failure(header, failure),
        }
        self.failed.insert(draft);
        header.broken = true;
        nothing(compact)
    }

    fn failure(&mut self, header: &Header, failure: Failure) {
        match failure {
            Failure::Growth { span, callee, instances, args } => {
                if !self.growing.insert((span, callee)) {
                    return;
                }
                let name = &self.shared.world.decls[self.instances.drafts[callee].decl].name.text;
                let most = grouped(MAX_INSTANCES);
                let text = format!("this call would make more than {most} instances of `{name}`");
                let found = Diagnostic::new(form::TOO_MANY_INSTANCES, span, text);
                let instances: Vec<String> = instances.iter().map(|text| format!("`{name}{text}`")).collect();
                let found = found.note(format!("{}, and so on", instances.join(", then ")));
                self.diagnostics.push(match args {
                    true => found.help("pass the parameter on as it is"),
                    false => found.help("pass the roles on in fewer orders"),
                });
            }
            Failure::TooLarge if self.exhausted => {}
            Failure::TooLarge => {
                self.exhausted = true;
                let most = grouped(MAX_STATEMENTS);
                let text = format!("the protocols up to `{}` have more than {most} statements", header.name);
                let found = Diagnostic::new(form::TOO_LARGE, header.span, text);
                self.diagnostics.push(found.note("every protocol is written out with all that it calls"));
            }
        }
    }

    fn global(&mut self, decl: DeclId, protocol: &tree::Protocol, args: Option<Box<[Arg]>>) -> Protocol {
        let draft = self.draft(decl, args.as_deref());
        let mut header = self.head(draft, args.is_some());
        let args = self.values(draft, args);
        let drafts = self.instances.drafts;
        let term = self.term(&mut header, draft, drafts[draft].templates.first(), args);
        let graph = self.settled(&mut header, &term);
        Protocol { header, aux: protocol.aux, term, graph, flat: None }
    }

    /// The graph of a term with more than the kernel, with its assignments settled.
    fn settled(&mut self, header: &mut Header, term: &Term) -> Option<Graph> {
        let names = &mut self.shared.names;
        if header.broken || header.generic || (term.is_plain() && header.is_plain()) {
            return None;
        }
        let roles = header.roles.len();
        let error = match Graph::of(term) {
            Ok(mut graph) => match graph.settle(names, roles, None) {
                Ok(lost) if lost.is_empty() => return Some(graph),
                Ok(lost) => {
                    self.diagnostics.extend(lost.into_iter().filter_map(|lost| lost_value(header, term, lost)));
                    header.broken = true;
                    return None;
                }
                Err(error) => Diagnostic::new(form::TOO_LARGE, header.span, error.to_string()),
            },
            Err(error) => graph_error(header, error),
        };
        self.diagnostics.push(error);
        header.broken = true;
        None
    }

    fn system(&mut self, decl: DeclId, args: Option<Box<[Arg]>>) -> SystemDecl {
        let draft = self.draft(decl, args.as_deref());
        let mut header = self.head(draft, args.is_some());
        let args = self.values(draft, args);
        let drafts = self.instances.drafts;
        let mut terms: IdVec<RoleId, Term> = IdVec::new();
        let mut locals: IdVec<RoleId, Local> = IdVec::new();
        let mut graphs: IdVec<RoleId, Graph> = IdVec::new();
        if !header.broken {
            for (index, template) in drafts[draft].templates.iter().enumerate() {
                let Ok(role) = RoleId::new(index) else { break };
                let term = self.term(&mut header, draft, Some(template), args.clone());
                let local = if header.broken { None } else { self.automaton(&mut header, role, &term) };
                match local {
                    Some((local, graph)) => {
                        let pushed = terms.push(term).and(locals.push(local)).and(graphs.push(graph));
                        header.broken |= pushed.is_err();
                    }
                    None => break,
                }
            }
        }
        if header.broken {
            terms = header.roles.values().map(|_| nothing(true)).collect();
            locals = IdVec::new();
        }
        if header.broken || (header.is_plain() && terms.values().all(Term::is_plain)) {
            graphs = IdVec::new();
        }
        SystemDecl { header, terms, locals, graphs, flat: None }
    }

    fn local(&mut self, decl: DeclId, args: Option<Box<[Arg]>>) -> Option<LocalDecl> {
        let id = self.draft(decl, args.as_deref());
        let mut header = self.head(id, args.is_some());
        let args = self.values(id, args);
        let drafts = self.instances.drafts;
        let draft = &drafts[id];
        let within = match draft.within.and_then(|protocol| self.ensure(protocol, None)) {
            Some(Target::Protocol(at)) => Some(at),
            _ => None,
        };
        let role = draft.own.map(|own| draft.outside.get(own.index()).copied().unwrap_or(own)).unwrap_or_default();
        let term = self.term(&mut header, id, draft.templates.first(), args);
        let local = if !header.broken { self.automaton(&mut header, role, &term) } else { None };
        let (local, graph) = local.unzip();
        let graph = graph.filter(|_| !(term.is_plain() && header.is_plain()));
        Some(LocalDecl { header, role, within, term, local, graph })
    }

    fn automaton(&mut self, header: &mut Header, role: RoleId, term: &Term) -> Option<(Local, Graph)> {
        let names = &mut self.shared.names;
        let roles = header.roles.len();
        let settled = Graph::of(term).and_then(|mut graph| {
            let lost = if term.is_plain() { Vec::new() } else { graph.settle(names, roles, Some(role))? };
            Ok((graph, lost))
        });
        let error = match settled {
            Ok((_, lost)) if !lost.is_empty() => {
                self.diagnostics.extend(lost.into_iter().filter_map(|lost| lost_value(header, term, lost)));
                header.broken = true;
                return None;
            }
            Ok((graph, _)) => match Local::of_graph(role, &graph) {
                Ok(local) => return Some((local, graph)),
                Err(error) => Diagnostic::new(form::TOO_LARGE, header.span, format!("`{}` has {error}", header.name)),
            },
            Err(error) => graph_error(header, error),
        };
        self.diagnostics.push(error);
        header.broken = true;
        None
    }
}

/// A number with commas.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && digits.len().saturating_sub(at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether a finding may only be there because the parser could not read a part of the declaration: a role that is not
/// declared if the list of roles is torn, a loop that is not there if anything before it is.
fn hidden(decl: &Decl<'_>, found: &Diagnostic) -> bool {
    let Some(torn) = decl.torn else { return false };
    let body = match decl.kind {
        Kind::Protocol(protocol) => protocol.body.first().map(|stmt| stmt.span.start),
        Kind::LocalProtocol(protocol) => protocol.body.first().map(|stmt| stmt.span.start),
        Kind::System(system) => system.types.first().map(|(role, _)| role.span.start),
        Kind::LocalType(_) => None,
    };
    let head = body.is_none_or(|body| torn.start < body);
    found.severity != Severity::Error
        || found.code == form::UNTYPED
        || (found.code == form::UNKNOWN_ROLE && head)
        || (found.code == form::UNBOUND && torn.start < found.span.start)
}

/// Findings about declarations: of imported ones that nobody calls, only errors.
fn finish(
    world: &World<'_>,
    drafts: IdVec<DraftId, Draft<'_>>,
    reached: &FxHashSet<DraftId>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut opaque: FxHashSet<String> = FxHashSet::default();
    let once: Code = data::UNDECLARED;
    diagnostics.retain(|found| found.code != once || opaque.insert(found.text.clone()));
    for (id, draft) in drafts.iter() {
        for found in &draft.diagnostics {
            let heard = found.severity == Severity::Error || reached.contains(&id);
            let heard = heard && !hidden(&world.decls[draft.decl], found);
            // The drafts of one declaration at several constants say much the same.
            let heard = heard && (id.index() < world.decls.len() || !diagnostics.contains(found));
            if heard && (found.code != once || opaque.insert(found.text.clone())) {
                diagnostics.push(found.clone());
            }
        }
    }
}

/// A jump gives a variable a value, and nobody who could assign it notices the jump.
fn lost_value(header: &Header, term: &Term, (role, slot): Lost) -> Option<Diagnostic> {
    let (depth, at) = super::place(slot);
    let frames = term.frames.values().filter(|frame| frame.depth == depth);
    let info = frames.filter_map(|frame| frame.slots.get(at as usize)).find(|info| match role {
        Some(role) => info.roles.contains(&role),
        None => info.roles.is_empty(),
    })?;
    let name = &info.name;
    let (text, help) = match role {
        Some(role) => {
            let role = header.role_name(role);
            let text = format!("`{role}` does not notice the jump that gives `{name}` another value");
            (text, format!("tell `{role}` of the choice in front of the jump, or leave it out of `{name}<…>`"))
        }
        None => {
            let text = format!("no message says that the jump was made which gives `{name}` another value");
            (text, "let the arm with the jump have a message of its own".to_owned())
        }
    };
    Some(Diagnostic::new(data::LOST_JUMP, info.span, text).help(help))
}

/// What is wrong with a term that has no graph. Its invariants exclude most of it; saying so beats a panic.
fn graph_error(header: &Header, error: GraphError) -> Diagnostic {
    match error {
        GraphError::TooMany(error) => Diagnostic::new(form::TOO_LARGE, header.span, error.to_string()),
        GraphError::Unguarded(span) => Diagnostic::new(form::UNGUARDED, span, "this can come round without a step"),
        GraphError::Unbound(span) => Diagnostic::new(form::UNBOUND, span, "this jumps nowhere"),
        GraphError::JumpsOut(span) => Diagnostic::new(form::UNBOUND, span, "this jumps out of what no jump may leave"),
        GraphError::NotTail(span) => {
            Diagnostic::new(form::NOT_TAIL, span, "this calls itself with something left to do")
        }
    }
}

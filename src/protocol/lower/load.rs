//! Imports: how further files are read, and which of them a specification consists of.
//!
//! The core reads nothing itself: a [`Loader`] hands over texts. Every module is parsed once, however often it is
//! imported; a cycle of imports is an error that names the chain, and the import that closes it leads nowhere.

use std::{cell::Cell, collections::BTreeMap, fmt};

use rustc_hash::FxHashMap;

use crate::{
    diag::{Diagnostic, Sources, Span, catalogue::form},
    id::{FileId, IdVec, ModuleId},
    syntax::{self, tree},
};

/// Why an import could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such file; where it was looked for.
    NotFound(Vec<String>),
    /// There is one, but it cannot be read.
    Unreadable {
        /// Its name.
        name: String,
        /// What went wrong.
        reason: String,
    },
    /// Whoever lowers does not read files.
    NoImports,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(places) if places.is_empty() => f.write_str("there is no such module"),
            Self::NotFound(places) => write!(f, "looked for {}", places.join(", ")),
            Self::Unreadable { name, reason } => write!(f, "`{name}` cannot be read: {reason}"),
            Self::NoImports => f.write_str("imports are not read here"),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads what a file imports.
pub trait Loader {
    /// The name and the text of a module, such as `["a", "b", "C"]` for `a.b.C`, that the file called `importing`
    /// imports. The same module must come back under the same name.
    fn load(&mut self, importing: &str, module: &[&str]) -> Result<(String, String), LoadError>;
}

/// Knows no imports.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Loader for NoImports {
    fn load(&mut self, _importing: &str, _module: &[&str]) -> Result<(String, String), LoadError> {
        Err(LoadError::NoImports)
    }
}

/// Modules held in memory, by their dotted names; for tests and for embedding.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    texts: BTreeMap<String, String>,
}

impl InMemory {
    /// No modules yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a module; its name is dotted, such as `a.b.C`.
    #[must_use]
    pub fn with(mut self, module: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.insert(module.into(), text.into());
        self
    }
}

impl Loader for InMemory {
    fn load(&mut self, _importing: &str, module: &[&str]) -> Result<(String, String), LoadError> {
        let name = module.join(".");
        match self.texts.get(&name) {
            Some(text) => Ok((name, text.clone())),
            None => Err(LoadError::NotFound(self.texts.keys().cloned().collect())),
        }
    }
}

/// An import, after its file was looked for.
pub(super) struct Import {
    /// What it names, with dots.
    pub(super) path: String,
    /// `as …`
    pub(super) alias: Option<Box<str>>,
    /// Its module; `None` if there was an error, which is reported already.
    pub(super) target: Option<ModuleId>,
    /// Somebody used it.
    pub(super) used: Cell<bool>,
    /// Where.
    pub(super) span: Span,
}

/// A parsed file, before its declarations are looked at.
pub(super) struct Loaded {
    /// `None` for the file itself, whose tree the caller has.
    pub(super) tree: Option<tree::File>,
    pub(super) imports: Vec<Import>,
    /// Places with errors that the parser found, ascending.
    pub(super) broken: Vec<Span>,
}

/// How deep imports are followed.
const MAX_CHAIN: usize = 1_000;

/// Reads all files of a specification.
pub(super) fn load(
    sources: &mut Sources,
    file: FileId,
    tree: &tree::File,
    syntax: &[Diagnostic],
    loader: &mut dyn Loader,
    diagnostics: &mut Vec<Diagnostic>,
) -> IdVec<ModuleId, Loaded> {
    let mut files: Vec<Loaded> = vec![Loaded { tree: None, imports: Vec::new(), broken: errors(syntax) }];
    let mut by_name: FxHashMap<String, usize> = FxHashMap::default();
    let main = sources.get(file).map_or_else(String::new, |source| source.name.clone());
    by_name.insert(main.clone(), 0);
    // Depth first, so that the open modules are the chain of a cycle.
    let mut open: Vec<Open> = vec![Open { module: 0, name: main, wanted: wanted(tree), next: 0 }];
    while let Some(top) = open.last_mut() {
        let Some(Wanted { parts, alias, span }) = top.wanted.get(top.next).cloned() else {
            open.pop();
            continue;
        };
        top.next = top.next.saturating_add(1);
        let (module, importing) = (top.module, top.name.clone());
        let path = parts.join(".");
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        let target = match loader.load(&importing, &words) {
            Err(error) => {
                let text = format!("module `{path}` was not found");
                diagnostics.push(Diagnostic::new(form::MISSING_MODULE, span, text).note(error.to_string()));
                None
            }
            Ok((name, text)) => match by_name.get(&name) {
                Some(&known) if open.iter().any(|open| open.module == known) => {
                    diagnostics.push(cycle(&open, known, span));
                    None
                }
                Some(&known) => Some(known),
                None if open.len() >= MAX_CHAIN => {
                    let text = format!("imports more than {MAX_CHAIN} deep are not followed");
                    diagnostics.push(Diagnostic::new(form::MISSING_MODULE, span, text));
                    None
                }
                None => match sources.add(name.clone(), text.clone()) {
                    Err(error) => {
                        diagnostics.push(Diagnostic::new(form::MISSING_MODULE, span, error.to_string()));
                        None
                    }
                    Ok(file) => {
                        let (tree, found) = syntax::parse(file, &text);
                        let broken = errors(&found);
                        diagnostics.extend(found);
                        let id = files.len();
                        open.push(Open { module: id, name: name.clone(), wanted: wanted(&tree), next: 0 });
                        files.push(Loaded { tree: Some(tree), imports: Vec::new(), broken });
                        by_name.insert(name, id);
                        Some(id)
                    }
                },
            },
        };
        let target = target.and_then(|target| crate::id::Id::new(target).ok());
        if let Some(importer) = files.get_mut(module) {
            let alias = alias.map(String::into_boxed_str);
            importer.imports.push(Import { path, alias, target, used: Cell::new(false), span });
        }
    }
    files.into()
}

/// The places of errors, ascending.
fn errors(found: &[Diagnostic]) -> Vec<Span> {
    let mut errors: Vec<Span> = found.iter().filter(|found| found.is_error()).map(|found| found.span).collect();
    errors.sort_unstable();
    errors
}

/// A module whose imports are being read.
struct Open {
    module: usize,
    name: String,
    wanted: Vec<Wanted>,
    next: usize,
}

#[derive(Clone)]
struct Wanted {
    parts: Vec<String>,
    alias: Option<String>,
    span: Span,
}

fn wanted(tree: &tree::File) -> Vec<Wanted> {
    let imports = tree.items.iter().filter_map(|item| match item {
        tree::Item::Import(import) => Some(import),
        _ => None,
    });
    let wanted = imports.map(|import| Wanted {
        parts: import.name.parts.iter().map(|part| part.text.to_string()).collect(),
        alias: import.alias.as_ref().map(|alias| alias.text.to_string()),
        span: import.span,
    });
    wanted.collect()
}

fn cycle(open: &[Open], known: usize, span: Span) -> Diagnostic {
    let chain = open.iter().skip_while(|open| open.module != known);
    let mut names: Vec<&str> = chain.map(|open| &*open.name).collect();
    names.extend(names.first().copied());
    let text = format!("imports go round in a circle: `{}`", names.join("` -> `"));
    Diagnostic::new(form::IMPORT_CYCLE, span, text)
        .help("move what both files need into a third one that imports neither")
}

//! From a path to a lowered specification: the file, and the imports that it needs.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Failure, files};
use crate::{
    diag::{Diagnostic, Sources},
    protocol::{self, LoadError, Loader, Spec},
    syntax::tree,
};

/// A specification and what is wrong with it.
pub(super) struct Loaded {
    /// What reports call the file.
    pub(super) name: String,
    /// It and its imports.
    pub(super) sources: Sources,
    /// As written.
    pub(super) tree: tree::File,
    /// Lowered.
    pub(super) spec: Spec,
    /// Findings, by place.
    pub(super) found: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether something has no meaning.
    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }
}

/// Reads, parses and lowers.
pub(super) fn load(path: &Path, search: &[PathBuf]) -> Result<Loaded, Failure> {
    let text = files::read_text(path)?;
    let name = files::name(path);
    let mut sources = Sources::new();
    let too_many = |error: crate::id::TooMany| Failure::File {
        path: name.clone(),
        what: "read",
        reason: error.to_string(),
    };
    let file = sources.add(name.clone(), text).map_err(too_many)?;
    let mut loader = Files { search, known: HashMap::new() };
    loader.remember(path, &name);
    let (tree, spec, found) = protocol::read(&mut sources, file, &mut loader);
    Ok(Loaded { name, sources, tree, spec, found })
}

/// Looks for imports beside the importing file, then along the search path.
struct Files<'a> {
    search: &'a [PathBuf],
    /// The name under which a file was first read: the same file keeps it, whatever the way to it.
    known: HashMap<PathBuf, String>,
}

impl Files<'_> {
    fn remember(&mut self, path: &Path, name: &str) -> String {
        let Ok(real) = fs::canonicalize(path) else { return name.to_owned() };
        self.known.entry(real).or_insert_with(|| name.to_owned()).clone()
    }
}

impl Loader for Files<'_> {
    fn load(&mut self, importing: &str, module: &[&str]) -> Result<(String, String), LoadError> {
        let relative: PathBuf = module.iter().collect();
        // A module's name must not lead out of where it is looked for.
        if module.iter().any(|part| part.contains(['/', '\\']) || *part == ".." || part.is_empty()) {
            return Err(LoadError::NotFound(Vec::new()));
        }
        let beside = Path::new(importing).parent().unwrap_or(Path::new(""));
        // `a.b.C` imports `a.b.D` from its own directory: the root of the modules is some directories up.
        let roots = beside.ancestors().take(module.len()).map(Path::to_path_buf);
        let mut tried = Vec::new();
        for root in roots.chain(self.search.iter().cloned()) {
            for ending in ["mpst", "scr", "nuscr"] {
                let path = root.join(&relative).with_extension(ending);
                if path.is_file() {
                    let name = self.remember(&path, &path.display().to_string());
                    return match files::read_text(&path) {
                        Ok(text) => Ok((name, text)),
                        Err(failure) => Err(LoadError::Unreadable { name, reason: failure.to_string() }),
                    };
                }
                tried.push(format!("`{}`", path.display()));
            }
        }
        Err(LoadError::NotFound(tried))
    }
}

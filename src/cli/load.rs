//! From a path to a lowered specification: the file, and the imports that it needs.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Failure, files};
use crate::{
    load::Loaded,
    protocol::{LoadError, Loader},
};

/// Reads, parses and lowers.
pub(super) fn load(path: &Path, search: &[PathBuf]) -> Result<Loaded, Failure> {
    let text = files::read_text(path)?;
    let name = files::name(path);
    let mut loader = Files { search, known: HashMap::new() };
    loader.remember(path, &name);
    Ok(Loaded::new(name, text, &mut loader))
}

/// What reports call the file.
pub(super) fn name(loaded: &Loaded) -> &str {
    loaded.sources.get(loaded.file).map_or("", |source| &source.name)
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

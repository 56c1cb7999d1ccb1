//! Reading and writing files, with errors that name the path and the reason.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::Failure;
use crate::syntax;

/// The name under which standard input appears in reports.
pub(super) const STDIN: &str = "<stdin>";

/// Whether an argument means standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What reports call a path.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

fn fail(path: &Path, what: &'static str, reason: impl Into<String>) -> Failure {
    Failure::File { path: name(path), what, reason: reason.into() }
}

/// Why reading or writing a file failed.
pub(super) fn failed(path: &Path, what: &'static str, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => match similar(path) {
            Some(near) => format!("there is no such file; did you mean `{}`?", near.display()),
            None => "there is no such file".to_owned(),
        },
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    fail(path, what, reason)
}

/// The file of the same directory whose name is nearest to a path that does not exist.
fn similar(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?.to_lowercase();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(parent.unwrap_or(Path::new("."))).ok()?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).take(10_000).collect();
    names.sort();
    let same_stem = |name: &&String| Path::new(name.as_str()).file_stem().is_some_and(|stem| *stem == *wanted);
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let near = names.iter().find(same_stem).map(String::as_str).or_else(|| syntax::nearest(&wanted, &words))?;
    Some(parent.map_or_else(|| PathBuf::from(near), |parent| parent.join(near)))
}

/// A specification's text; `-` is standard input. A byte order mark is not part of it.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = if is_stdin(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(|error| failed(path, "read", &error))?;
        bytes
    } else {
        if fs::metadata(path).map_err(|error| failed(path, "read", &error))?.is_dir() {
            return Err(fail(path, "read", "it is a directory, not a specification"));
        }
        fs::read(path).map_err(|error| failed(path, "read", &error))?
    };
    let mut text = String::from_utf8(bytes).map_err(|error| {
        fail(
            path,
            "read",
            format!(
                "it is not UTF-8 text: the byte at offset {} does not belong there",
                error.utf8_error().valid_up_to()
            ),
        )
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Puts a new text in the place of a file's old one, at once or not at all. Links and permissions stay.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error: &io::Error| failed(path, "write", error);
    let target = fs::canonicalize(path).map_err(|error| wrong(&error))?;
    let permissions = fs::metadata(&target).map_err(|error| wrong(&error))?.permissions();
    if permissions.readonly() {
        return Err(fail(path, "write", "it is read-only"));
    }
    let mut temporary = target.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let write = || -> io::Result<()> {
        // Beside the target, so that the renaming stays within one file system.
        let mut file = fs::File::create_new(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        fs::rename(&temporary, &target)
    };
    write().map_err(|error| {
        // The old text is still there; what is left of the new one is not needed.
        let _ = fs::remove_file(&temporary);
        wrong(&error)
    })
}

/// Writes a file that must not be there yet.
pub(super) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let made = fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => fail(path, "write", "there is a file with this name already"),
        io::ErrorKind::NotFound => fail(path, "write", "the directory does not exist"),
        _ => failed(path, "write", &error),
    })
}

//! Reads what the manifests of a folder of recordings say: each log, and the line of its first violation.
//!
//! There are two forms. One `manifest.json` has an object `files` and an object `mutants`, each from a file name to an
//! entry; the other is a list of entries, with a second list in `violations/manifest.json`. An entry that is neither
//! conformant nor says where it goes wrong is an error: nothing is left out in silence.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// A log with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Where it is.
    pub log: PathBuf,
    /// The line of the first violation, from 0; none if there is none.
    pub at: Option<u64>,
    /// The rule that is broken there.
    pub rule: Option<String>,
    /// Whether it is a recording that was spoiled on purpose.
    pub mutant: bool,
}

impl Case {
    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        self.log.file_stem().and_then(|stem| stem.to_str()).unwrap_or("?")
    }
}

/// The cases of a folder, in the order of their files.
pub fn cases(folder: &Path) -> io::Result<Vec<Case>> {
    let manifest = read(&folder.join("manifest.json"))?;
    let violations = folder.join("violations");
    let mut cases = Vec::new();
    if let Value::Object(manifest) = &manifest {
        let entries = |key| manifest.get(key).and_then(Value::as_object).into_iter().flatten();
        for (name, entry) in entries("files") {
            cases.push(case(folder.join(name), entry, false)?);
        }
        for (name, entry) in entries("mutants") {
            cases.push(case(violations.join(name), entry, true)?);
        }
    } else {
        for (entry, name) in named(&manifest) {
            cases.push(case(folder.join(name), entry, false)?);
        }
        let second = violations.join("manifest.json");
        if second.is_file() {
            for (entry, name) in named(&read(&second)?) {
                cases.push(case(violations.join(name), entry, true)?);
            }
        }
    }
    cases.sort_by(|left, right| left.log.cmp(&right.log));
    Ok(cases)
}

fn read(path: &Path) -> io::Result<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The entries of a list that name a file.
fn named(list: &Value) -> impl Iterator<Item = (&Value, &str)> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| Some((entry, entry.get("file")?.as_str()?)))
}

fn case(log: PathBuf, entry: &Value, mutant: bool) -> io::Result<Case> {
    let verdict = entry.get("verdict");
    let said = |key| entry.get(key).or_else(|| verdict?.get(key));
    let at = said("first_violation").and_then(Value::as_u64);
    if at.is_some() == (verdict.and_then(Value::as_str) == Some("conformant")) {
        let text = format!("{}: the manifest does not say where it goes wrong", log.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let rule = said("rule").and_then(Value::as_str).map(str::to_owned);
    Ok(Case { log, at, rule, mutant })
}

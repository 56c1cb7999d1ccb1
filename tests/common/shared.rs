//! The shared cases, which are not part of the project: a test that wants them says so where they are not here.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::{fs, path::PathBuf};

/// A file or folder of theirs, if it is here: beside the project, or where `POLYLOGUE_SHARED` says.
pub fn path(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let found = std::env::var_os("POLYLOGUE_SHARED").map_or_else(beside, PathBuf::from).join(name);
    let here = found.exists();
    if !here {
        println!("skipped: there is no ../shared/{name} (POLYLOGUE_SHARED names another place than ../shared)");
    }
    here.then_some(found)
}

/// A file's text.
pub fn text(name: &str) -> Option<String> {
    path(name).map(|path| fs::read_to_string(path).unwrap())
}

/// A file's lines, each a JSON value; none if it is not here.
pub fn rows(name: &str) -> Vec<serde_json::Value> {
    let text = text(name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

//! Imports point down: a module uses only modules of layers below its own, and `reference` is nobody's tool but the
//! judges'.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The layers of `lib.rs`, from the bottom. Modules of one layer do not know each other.
const LAYERS: &[&[&str]] = &[
    &["id"],
    &["event", "diag"],
    &["syntax"],
    &["data"],
    &["protocol", "solve"],
    &["machine", "reference"],
    &["crosscheck", "generate", "verify", "session", "trace"],
    &["load"],
    &["report", "guard"],
    &["api", "fuzz"],
    &["cli"],
];

/// Who may know the reference semantics: its judges.
const MAY_USE_REFERENCE: &[&str] = &["crosscheck", "generate", "verify/counterexample", "fuzz", "cli"];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The modules behind every `crate::` of a text, braces one level deep included; comments left out.
fn uses(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push(std::mem::take(&mut item));
                        continue;
                    }
                    _ => {}
                }
                item.push(c);
            }
            found.push(item);
        } else {
            found.push(rest.to_owned());
        }
    }
    found
        .into_iter()
        .map(|item| item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .filter(|item: &String| !item.is_empty())
        .collect()
}

#[test]
fn imports_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    for path in all {
        let name = path.strip_prefix(&src).unwrap().with_extension("");
        let name = name.to_str().unwrap().replace('\\', "/");
        let module = name.split('/').next().unwrap().to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(own) = layer(&module) else {
            wrong.push(format!("`{module}` has no layer; give it one in this test"));
            continue;
        };
        for used in uses(&fs::read_to_string(&path).unwrap()) {
            *seen.entry((module.clone(), used.clone())).or_insert(0) += 1;
            if used == module {
                continue;
            }
            // Re-exports and macros of the crate root are not modules.
            let Some(theirs) = layer(&used) else { continue };
            if theirs >= own {
                wrong.push(format!("{name} imports `crate::{used}`, which is not below it"));
            }
            if used == "reference"
                && !MAY_USE_REFERENCE.iter().any(|m| name == *m || name.starts_with(&format!("{m}/")))
            {
                wrong.push(format!("{name} imports the reference semantics"));
            }
        }
    }
    assert!(!seen.is_empty(), "no imports were found: the test reads nothing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

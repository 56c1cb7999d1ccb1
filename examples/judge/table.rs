//! Specifications against recordings of real implementations: what is accepted, what is refused, and where.
//!
//! A folder of recordings has a `manifest.json` that says of each file whether it conforms, and the line of its first
//! violation if not, and `violations/`, where one rule is broken in each file. `specs/NAME.mpst` (with the map
//! `NAME.toml`, if there is one) judges the folder `NAME`, and `NAME-early` if that has no specification of its own.
//!
//! A rule's name stands in a comment at the end of the line that enforces it, or on a line of its own above that line:
//! `// [rule]`, several rules in several brackets. Without the lines of a rule at least one file that breaks it must
//! pass: no violation up to the line that its manifest names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    trace::{Judgement, Machines, Map, conform, target},
};
use serde_json::Value;

/// What a manifest says of a file.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The file.
    pub(crate) path: PathBuf,
    /// The line of its first violation, from 0.
    pub(crate) line: Option<u64>,
    /// The rule that it breaks.
    pub(crate) rule: Option<String>,
}

/// How a file came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It conforms, and should.
    Accepted,
    /// It is refused where the manifest says.
    Exact,
    /// It is refused before, at this line.
    Early(u64),
    /// It is refused behind, at this line.
    Late(u64),
    /// It is not refused, and should be.
    Missed,
    /// It is refused at this line, and should not be.
    Wrong(u64),
    /// Something in it could not be judged.
    Unsure,
}

impl Outcome {
    /// Whether it is as the manifest says.
    pub(crate) fn is_right(self) -> bool {
        matches!(self, Self::Accepted | Self::Exact)
    }
}

/// A specification with its map.
pub(crate) struct Spec {
    text: String,
    loaded: Loaded,
    map: Map,
}

impl Spec {
    /// The specification of a folder, if there is one.
    pub(crate) fn of(specs: &Path, folder: &str) -> io::Result<Option<Result<Self, String>>> {
        let names = [folder, folder.split('-').next().unwrap_or(folder)];
        let Some(path) = names.iter().map(|name| specs.join(format!("{name}.mpst"))).find(|path| path.is_file()) else {
            return Ok(None);
        };
        let map = path.with_extension("toml");
        let map = if map.is_file() { fs::read_to_string(&map)? } else { String::new() };
        Ok(Some(Self::new(fs::read_to_string(&path)?, &map)))
    }

    fn new(text: String, map: &str) -> Result<Self, String> {
        let loaded = Loaded::new("spec", text.clone(), &mut NoImports);
        if let Some(found) = loaded.diagnostics.iter().find(|found| found.is_error()) {
            let line = loaded.sources.start(found.span).line;
            return Err(format!("line {line}: {} [{}]", found.text, found.code));
        }
        let map = Map::parse(map).map_err(|error| format!("the map: {error}"))?;
        let spec = Self { text, loaded, map };
        spec.machines()?;
        Ok(spec)
    }

    fn machines(&self) -> Result<Machines<'_>, String> {
        let named = self.map.protocol().map(|placed| &*placed.text);
        let target = target(&self.loaded.spec, named).map_err(|error| error.to_string())?;
        Machines::of(&self.loaded.spec, target).map_err(|error| error.to_string())
    }

    /// The line of the first violation of each log, from 0; an error if something could not be judged.
    pub(crate) fn judge(&self, log: &[u8]) -> Result<Option<u64>, String> {
        let machines = self.machines()?;
        let report = conform(machines.subject(), &self.map, log);
        let refused = report.sessions.iter().filter(|session| session.verdict == Judgement::Violates);
        let first = refused.filter_map(|session| session.at).min();
        if first.is_none() && (report.totals.unknown > 0 || report.totals.bad > 0) {
            return Err("unknown, or not an event".to_owned());
        }
        Ok(first)
    }

    /// How a case comes out.
    pub(crate) fn outcome(&self, case: &Case) -> io::Result<Outcome> {
        let found = self.judge(&fs::read(&case.path)?);
        Ok(match (found, case.line) {
            (Err(_), _) => Outcome::Unsure,
            (Ok(None), None) => Outcome::Accepted,
            (Ok(Some(at)), None) => Outcome::Wrong(at),
            (Ok(None), Some(_)) => Outcome::Missed,
            (Ok(Some(at)), Some(line)) if at == line => Outcome::Exact,
            (Ok(Some(at)), Some(line)) if at < line => Outcome::Early(at),
            (Ok(Some(at)), Some(_)) => Outcome::Late(at),
        })
    }

    /// Rules, and the lines (from 0) at which what enforces them ends: those with its name in a comment behind them.
    pub(crate) fn rules(&self) -> BTreeMap<String, BTreeSet<usize>> {
        let mut rules: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let lines: Vec<&str> = self.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((code, comment)) = line.split_once("//") else { continue };
            let comment = comment.trim();
            if !comment.starts_with('[') || comment.starts_with("//") {
                continue;
            }
            // On a line of its own it belongs to the next line with something on it.
            let carrier = match code.trim().is_empty() {
                false => Some(at),
                true => (at + 1..lines.len()).find(|&next| {
                    let line = lines[next].trim();
                    !line.is_empty() && !line.starts_with("//")
                }),
            };
            for name in comment.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(name, _)| name) {
                rules.entry(name.to_owned()).or_default().extend(carrier);
            }
        }
        rules
    }

    /// The same without what ends at these lines: its last clause, or with `all` everything from its first line on.
    pub(crate) fn without(&self, ends: &BTreeSet<usize>, all: bool) -> Result<Self, String> {
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        for &end in ends {
            let first = first(&lines, end);
            let code = lines[end].split("//").next().unwrap_or("").trim_end().to_owned();
            let tail = code.get(code.trim_end_matches([';', ',', '{', ' ']).len()..).unwrap_or("").to_owned();
            let clause = ["where", "set", "&&", "||"].iter().any(|word| lines[first].trim_start().starts_with(word));
            let inline = lines[first].find(" where ").filter(|_| !clause && !all);
            let kept = inline.map_or("", |at| &lines[first][..at]).to_owned();
            lines[first..=end].fill(String::new());
            // What ends the statement stays.
            lines[first] = if clause || inline.is_some() { kept + &tail } else { kept };
        }
        let text = lines.join("\n");
        let loaded = Loaded::new("spec", text.clone(), &mut NoImports);
        if let Some(found) = loaded.diagnostics.iter().find(|found| found.is_error()) {
            let line = loaded.sources.start(found.span).line;
            return Err(format!("line {line}: {}", found.text));
        }
        let spec = Self { text, loaded, map: self.map.clone() };
        spec.machines()?;
        Ok(spec)
    }
}

/// The line at which that begins which ends at a line of a formatted text: what goes on is indented deeper.
fn first(lines: &[String], end: usize) -> usize {
    let indent = |at: usize| lines[at].len() - lines[at].trim_start().len();
    let mut first = end;
    loop {
        let code = lines[first].trim_start();
        let goes_on = ["||", "*", "+", "-", "<", ">", "=", "!=", "?", ":", "in ", ")"];
        let above = (0..first).rev().find(|&above| !lines[above].trim().is_empty() && indent(above) < indent(first));
        match above {
            Some(above) if goes_on.iter().any(|word| code.starts_with(word)) => first = above,
            _ => return first,
        }
    }
}

/// What the manifests of a folder say.
pub(crate) fn cases(folder: &Path) -> io::Result<Vec<Case>> {
    let mut all = Vec::new();
    let manifest: Value = serde_json::from_str(&fs::read_to_string(folder.join("manifest.json"))?)?;
    let mut add = |path: PathBuf, entry: &Value, mutant: bool| {
        let verdict = &entry["verdict"];
        let conforms = !mutant && (verdict == "conformant" || verdict["conformant"] == true);
        let of = |key: &str| [&entry[key], &verdict[key]].into_iter().find(|value| !value.is_null()).cloned();
        let first = of("first_violation").unwrap_or_default();
        let line = first.as_u64().or_else(|| first["line"].as_u64()).or_else(|| first["event"].as_u64());
        let rule = of("rule").or_else(|| Some(first["rule"].clone()));
        let rule = rule.and_then(|rule| rule.as_str().map(str::to_owned));
        if path.is_file() {
            all.push(Case { path, line: if conforms { None } else { line }, rule });
        }
    };
    match &manifest {
        Value::Array(entries) => {
            for entry in entries {
                add(folder.join(entry["file"].as_str().unwrap_or_default()), entry, false);
            }
            let more = folder.join("violations/manifest.json");
            if more.is_file() {
                let entries: Value = serde_json::from_str(&fs::read_to_string(more)?)?;
                for entry in entries.as_array().into_iter().flatten().filter(|entry| entry["file"].is_string()) {
                    let file = entry["file"].as_str().unwrap_or_default();
                    add(folder.join("violations").join(file), entry, true);
                }
            }
        }
        _ => {
            for (file, entry) in manifest["files"].as_object().into_iter().flatten() {
                add(folder.join(file), entry, false);
            }
            for (file, entry) in manifest["mutants"].as_object().into_iter().flatten() {
                let spoiled = folder.join("violations").join(file);
                add(if spoiled.is_file() { spoiled } else { folder.join(file) }, entry, true);
            }
        }
    }
    Ok(all)
}

/// The folders with a manifest, in order.
pub(crate) fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.join("manifest.json").is_file() {
            found.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    found.sort();
    Ok(found)
}

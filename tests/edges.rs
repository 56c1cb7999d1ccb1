//! Runs at the edges of the rules of the public protocols, made up by hand: what is just allowed, and what is just not.
//!
//! `edges/NAME.jsonl` holds sessions for `specs/NAME.mpst`, each under a name that says what it is about. The event that must
//! be refused carries the rule under `refused`; a session without one must conform.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{collections::BTreeMap, fs, path::Path};

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    trace::{Judgement, Machines, Map, conform, target},
};
use serde_json::Value;

/// By session, its events up to the one that must be refused, and that one's line.
fn expected(log: &str) -> BTreeMap<String, Option<u64>> {
    let mut sessions = BTreeMap::new();
    for (at, line) in (0..).zip(log.lines()) {
        let event: Value = serde_json::from_str(line).unwrap();
        let session = sessions.entry(event["session"].as_str().unwrap().to_owned()).or_insert(None);
        assert_eq!(*session, None, "{line}: nothing stands behind the event that is refused");
        if let Some(rule) = event.get("refused") {
            assert!(rule.as_str().unwrap().contains('-'), "{line}: a rule has a name");
            *session = Some(at);
        }
    }
    sessions
}

/// The sessions that are judged otherwise than they say, and how many conform and how many are refused.
fn judge(name: &str) -> (Vec<String>, usize, usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("specs").join(format!("{name}.mpst"))).unwrap();
    let loaded = Loaded::new(name, text, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let map = root.join("specs").join(format!("{name}.toml"));
    let map = if map.is_file() { fs::read_to_string(map).unwrap() } else { String::new() };
    let map = Map::parse(&map).unwrap();
    let named = map.protocol().map(|placed| &*placed.text);
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, named).unwrap()).unwrap();

    let log = fs::read_to_string(root.join("tests/edges").join(format!("{name}.jsonl"))).unwrap();
    let expected = expected(&log);
    let report = conform(machines.subject(), &map, log.as_bytes());
    assert_eq!(report.bad, [], "{name}");
    assert_eq!((report.totals.dropped, report.totals.unknown), (0, 0), "{name}");
    let mut found: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for session in &report.sessions {
        let at = if session.verdict == Judgement::Violates { session.at } else { None };
        assert_eq!(found.insert(session.name.clone(), at), None, "{name}: `{}` is judged twice", session.name);
    }
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{name}");
    let wrong = expected.iter().filter(|(session, at)| found[*session] != **at);
    let wrong = wrong.map(|(session, at)| format!("{name}: `{session}`: {:?}, not {at:?}", found[session])).collect();
    let refused = expected.values().flatten().count();
    (wrong, expected.len() - refused, refused)
}

#[test]
fn every_session_is_judged_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edges");
    let (mut wrong, mut conform, mut refused) = (Vec::new(), 0, 0);
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let (differ, good, bad) = judge(path.file_stem().unwrap().to_str().unwrap());
        assert!(good > 0 && bad > 0, "{}", path.display());
        wrong.extend(differ);
        conform += good;
        refused += bad;
        files += 1;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    println!("{files} protocols: {conform} sessions conform, {refused} are refused where they say");
    assert_eq!((files, conform, refused), (13, 100, 83));
}

//! What the fuzz targets run; each also runs as a property test on stable. A body panics when the property is broken.

#![expect(clippy::panic, reason = "a broken property must stop the fuzzer; nothing else calls this")]

mod lockstep;

pub use lockstep::lockstep;

use crate::{
    id::FileId,
    load::Loaded,
    protocol::{NoImports, Target},
    syntax::{self, check},
    trace::{Checker, Finding, Map, Subject},
};

/// Any bytes: a tree and diagnostics with places in the text, which lower and print; never a panic.
pub fn parse(bytes: &[u8]) {
    if let Err(broken) = check::total(bytes) {
        panic!("{broken}");
    }
    let loaded = Loaded::new("fuzz", String::from_utf8_lossy(bytes), &mut NoImports);
    assert!(loaded.diagnostics.iter().all(|found| !found.text.is_empty()), "a finding says nothing");
}

/// What is printed of a text without errors parses back to the same tree, and prints the same again.
pub fn round_trip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if !syntax::parse(FileId::default(), &text).1.is_empty() {
        return;
    }
    if let Err(broken) = check::round_trip(&text) {
        panic!("{broken}");
    }
}

/// Any bytes as a log: both ways of reading it find the same, however it is cut.
pub fn trace(bytes: &[u8]) {
    const SPEC: &str = "protocol P(role A, role B) {
        rec X { A -> B: n(x: int, s?: string); choice at B { B -> A: again; continue X; } or { B -> A: done(); } }
    }";
    let loaded = Loaded::new("fuzz", SPEC, &mut NoImports);
    let spec = &loaded.spec;
    let endpoints = spec.endpoints(Target::Protocol(0)).unwrap_or_else(|why| panic!("the fixed protocol: {why}"));
    let system = crate::machine::System::of(&endpoints.locals, |from, to| endpoints.header.edge_kind(from, to))
        .unwrap_or_else(|why| panic!("the fixed protocol: {why:?}"));
    let subject =
        Subject::new(&system, &spec.names, endpoints.header).unwrap_or_else(|why| panic!("the fixed protocol: {why}"));
    let map = Map::default();
    let run = |mut checker: Checker<'_>, chunk: usize| {
        let mut found: Vec<Finding> = Vec::new();
        for part in bytes.chunks(chunk) {
            checker.feed(part, &mut |one| found.push(one));
        }
        checker.finish(&mut |one| found.push(one));
        found
    };
    let whole = run(Checker::new(subject, &map), bytes.len().max(1));
    assert_eq!(whole, run(Checker::new(subject, &map).general(), bytes.len().max(1)), "the two ways differ");
    assert_eq!(whole, run(Checker::new(subject, &map), 7), "cutting the log changes what is found");
}

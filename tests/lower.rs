//! Lowering of data and scopes: frames, slots and rules of the examples of the language page and of the drafts, what a
//! name means where, and which message names which instance.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use polylogue::{
    diag::{Diagnostic, Sources},
    protocol::{NoImports, Spec, read},
};

#[path = "lower/dump.rs"]
mod dump;

fn load(text: &str) -> (Spec, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let file = sources.add("spec.mpst", text).unwrap();
    let (_, spec, found) = read(&mut sources, file, &mut NoImports);
    (spec, found, sources)
}

fn sound(text: &str) -> Spec {
    let (spec, found, sources) = load(text);
    let errors: Vec<String> = found
        .iter()
        .filter(|found| found.is_error())
        .map(|found| {
            let at = sources.start(found.span);
            format!("{}:{} {} {} {:?}", at.line, at.column, found.code, found.text, found.help)
        })
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    spec
}

#[test]
fn show() {
    let Ok(path) = std::env::var("SHOW") else { return };
    let spec = sound(&std::fs::read_to_string(path).unwrap());
    for protocol in &spec.protocols {
        println!("{}", dump::protocol(&spec, protocol));
    }
}

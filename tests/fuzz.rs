//! The bodies of the fuzz targets on random and on spoiled input, without a fuzzer. `POLYLOGUE_LONG=n` multiplies the
//! rounds.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::{fs, path::Path};

use polylogue::{fuzz, generate::Rng};

fn rounds(n: usize) -> usize {
    n * std::env::var("POLYLOGUE_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn seeds() -> Vec<Vec<u8>> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut found = Vec::new();
    for dir in [specs.clone(), specs.join("wrong")] {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "mpst") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 30);
    found.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A few bytes changed, cut, doubled or taken from another text.
fn spoil(rng: &mut Rng, text: &[u8], other: &[u8]) -> Vec<u8> {
    const TOKENS: [&str; 14] =
        ["{", "}", ";", "->", "choice at ", "rec X ", "continue X;", "(", ")", ".", "`", "\"", "\u{2028}", "do "];
    let mut bytes = text.to_vec();
    for _ in 0..rng.between(1, 4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len());
        match rng.below(5) {
            0 => bytes[at] = u8::try_from(rng.below(256)).unwrap(),
            1 => {
                let end = (at + rng.between(1, 40)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 => {
                let token = *rng.pick(&TOKENS).unwrap();
                bytes.splice(at..at, token.bytes());
            }
            3 => {
                let end = (at + rng.between(1, 60)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let from = rng.below(other.len().max(1));
                let end = (from + rng.between(1, 80)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn any_text_is_read() {
    let seeds = seeds();
    let mut rng = Rng::new(1);
    for _ in 0..rounds(1_500) {
        let text = rng.pick(&seeds).unwrap().clone();
        let other = rng.pick(&seeds).unwrap().clone();
        fuzz::parse(&spoil(&mut rng, &text, &other));
    }
    for _ in 0..rounds(500) {
        let noise: Vec<u8> = (0..rng.below(300)).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        fuzz::parse(&noise);
    }
}

#[test]
fn what_is_printed_is_read_back() {
    let seeds = seeds();
    for text in &seeds {
        fuzz::round_trip(text);
    }
    let mut rng = Rng::new(2);
    for _ in 0..rounds(300) {
        let text = rng.pick(&seeds).unwrap().clone();
        let other = rng.pick(&seeds).unwrap().clone();
        fuzz::round_trip(&spoil(&mut rng, &text, &other));
    }
}

#[test]
fn any_log_is_read() {
    const LOG: &str = r#"{"session":"a","seq":0,"ts":1,"from":"A","to":"B","label":"n","payload":{"x":1}}
{"label":"again","from":"B","to":"A","session":"a","payload":null,"extra":[1,{"k":"\u0041"}]}
{"session":"b","seq":1.5,"ts":"2026-01-01T00:00:00Z","from":"A","to":"B","label":"n","payload":{"x":1e3,"s":"\n"}}
{"session":"a","seq":2,"ts":3,"from":"A","to":"B","label":"n","payload":{"x":"7"}}
"#;
    let mut rng = Rng::new(3);
    for _ in 0..rounds(2_000) {
        fuzz::trace(&spoil(&mut rng, LOG.as_bytes(), LOG.as_bytes()));
    }
}

#[test]
fn machine_and_reference_agree() {
    let mut rng = Rng::new(4);
    for _ in 0..rounds(60) {
        let noise: Vec<u8> = (0..64).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        fuzz::lockstep(&noise);
    }
}

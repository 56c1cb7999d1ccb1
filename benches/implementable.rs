//! How long does it take to say whether a protocol is implementable, and to make the roles' machines?
//!
//! From the text: parsing, lowering, the conditions for every role, the machines by determinization; then the whole corpus
//! in one process. Published tools stand beside it with the times that were measured for them (as processes, on two
//! shared cores).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a benchmark")]
#![allow(missing_docs, unreachable_pub, reason = "shared with a test")]

#[path = "../tests/implementable/families.rs"]
mod families;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use families::Family;
use polylogue::{
    event::Verdict,
    load::Loaded,
    protocol::{NoImports, Target},
    verify::{self, Options},
};

/// What others need.
fn rivals(family: Family, n: usize) -> &'static str {
    match (family, n) {
        (Family::Ring, 200) => "nuScr 14 ms, scribble-java 39 s",
        (Family::Ring, 1000) => "nuScr 72 ms",
        (Family::Ring, 2000) => "nuScr 231 ms",
        (Family::Broadcast, 10) => "scribble-java 10.7 s",
        (Family::Broadcast, 2000) => "nuScr 259 ms",
        (Family::Tree, 8) => "nuScr 0.3-0.5 s, scribble-java 1.4 s",
        (Family::Tree, 10) => "nuScr 6.7-7.7 s, scribble-java 3.1 s",
        (Family::Tree, 12) => "nuScr > 60 s",
        (Family::Chain, 200) => "nuScr 10 ms, scribble-java 0.56 s",
        _ => "",
    }
}

fn best(mut run: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    let begun = Instant::now();
    for _ in 0..20 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        if begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    best
}

fn main() {
    println!(
        "{:<22} {:>6}  {:>10} {:>10} {:>10} {:>12}  rivals",
        "family", "n", "load", "verdict", "in all", "near miss"
    );
    for (family, n) in [
        (Family::Ring, 200),
        (Family::Ring, 1000),
        (Family::Ring, 2000),
        (Family::Broadcast, 10),
        (Family::Broadcast, 2000),
        (Family::Tree, 8),
        (Family::Tree, 10),
        (Family::Tree, 12),
        (Family::Tree, 14),
        (Family::SharedTree, 12),
        (Family::SharedTree, 400),
        (Family::Chain, 200),
        (Family::Chain, 20_000),
    ] {
        let mut times = Vec::new();
        for spoiled in [false, true] {
            let text = family.text(n, 7, spoiled);
            let load = best(|| drop(black_box(Loaded::new("bench", text.as_str(), &mut NoImports))));
            let loaded = Loaded::new("bench", text.as_str(), &mut NoImports);
            let Some(Target::Protocol(at)) = loaded.spec.find("P") else { panic_with(&loaded) };
            let verdict = best(|| {
                let (outcome, machines) =
                    verify::complete(&loaded.spec, at, &Options::default(), &mut |_| None).unwrap();
                let right = if spoiled {
                    matches!(outcome.verdict, Verdict::Violated(_))
                } else {
                    outcome.verdict == Verdict::Holds && machines.is_some()
                };
                assert!(right, "{} {n} {spoiled}: {outcome:?}", family.name());
            });
            times.push((load, verdict));
        }
        let [(load, verdict), near] = [times[0], times[1]];
        println!(
            "{:<22} {n:>6}  {load:>10.2?} {verdict:>10.2?} {:>10.2?} {:>12.2?}  {}",
            family.name(),
            load + verdict,
            near.0 + near.1,
            rivals(family, n)
        );
    }
    corpus();
}

#[expect(clippy::panic, reason = "a benchmark")]
fn panic_with(loaded: &Loaded) -> ! {
    panic!("{:?}", loaded.diagnostics)
}

/// All rows of the corpus, from their texts, one after the other.
fn corpus() {
    let shared = std::env::var_os("POLYLOGUE_SHARED")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").into(), std::path::PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("corpus/globals.jsonl")) else {
        return println!("there is no corpus");
    };
    let rows: Vec<(String, String)> = text
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            (row["mpst"].as_str().unwrap().to_owned(), row["protocol"].as_str().unwrap().to_owned())
        })
        .collect();
    let mut slowest = (Duration::ZERO, String::new());
    let all = best(|| {
        for (text, name) in &rows {
            let start = Instant::now();
            let loaded = Loaded::new("bench", text.as_str(), &mut NoImports);
            if let Some(Target::Protocol(at)) = loaded.spec.find(name) {
                black_box(verify::complete(&loaded.spec, at, &Options::default(), &mut |_| None).unwrap());
            }
            slowest = slowest.clone().max((start.elapsed(), name.clone()));
        }
    });
    println!(
        "{} rows of the corpus, loaded and judged: {all:.2?}; the slowest, `{}`: {:.2?}",
        rows.len(),
        slowest.1,
        slowest.0
    );
}

//! How long does k-multiparty compatibility take on the families and the corpus of the literature?
//!
//! In process, the best of several runs: the machines of a family, shuffled by a seed, then the whole check with
//! minimization, for the least k where none is given; beside it the near miss with one transition changed, which is
//! answered `no`; the goal; and what the published checker took for a whole process on two shared cores (for a least k it
//! had to be told where to begin and where to stop).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "bench"
)]

use std::time::{Duration, Instant};

use polylogue::{
    event::Verdict,
    generate::{Twist, family},
    load::Loaded,
    protocol::{NoImports, Target},
    verify::{Evidence, Options, Outcome, Property, check},
};

struct Row {
    name: &'static str,
    sizes: &'static [usize],
    /// Asked for, if not the least one.
    k: Option<u32>,
    least: u32,
    /// Milliseconds.
    goal: Option<f64>,
    published: &'static str,
}

const fn row(
    name: &'static str,
    sizes: &'static [usize],
    k: Option<u32>,
    least: u32,
    goal: Option<f64>,
    published: &'static str,
) -> Row {
    Row { name, sizes, k, least, goal, published }
}

const ROWS: &[Row] = &[
    row("k-buffer", &[1, 10, 5], None, 10, None, "2.4 s for k = 10 alone"),
    row("k-buffer", &[1, 20, 5], None, 20, Some(10.0), "38 s (8.4 s for k = 20 alone)"),
    row("k-buffer", &[1, 40, 5], None, 40, None, "> 120 s"),
    row("k-buffer", &[1, 100, 5], None, 100, Some(1000.0), ""),
    row("k-buffer", &[5, 2, 1], None, 2, None, "3.3 s for k = 2 alone"),
    row("k-buffer", &[20, 2, 1], Some(2), 2, Some(1000.0), "> 120 s for b = 10"),
    row("double-buffering", &[30], None, 15, None, "64 ms"),
    row("double-buffering", &[100], None, 50, Some(20.0), "2.9 s"),
    row("double-buffering", &[400], None, 200, None, ""),
    row("streaming", &[100], None, 50, None, "0.91 s"),
    row("streaming", &[200], None, 100, None, "6.8 s"),
    row("nested-choice", &[5], None, 1, None, "50.9 s, not minimized"),
    row("nested-choice", &[12], None, 1, None, ""),
    row("ring", &[24], None, 1, None, "1.49 s"),
    row("ring", &[1000], None, 1, Some(10.0), ""),
    row("fft", &[8], None, 1, None, ""),
];

fn load(text: &str) -> Loaded {
    Loaded::new("family", text, &mut NoImports).sound().unwrap_or_else(|errors| panic!("{errors}"))
}

fn ask(loaded: &Loaded, k: Option<u32>) -> Outcome {
    let options = Options { bound: k, ..Options::default() };
    check(&loaded.spec, Property::Kmc, Target::System(0), &options, &mut |_| None).unwrap()
}

/// The best of some runs; of few, if they are long.
fn best(mut run: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    let all = Instant::now();
    for _ in 0..20 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        if all.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    best
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() {
    // `cargo test --benches` asks for a look only.
    let quick = std::env::args().any(|arg| arg == "--test");
    println!("{:<26} {:>5} {:>10} {:>10} {:>10}  published", "family", "k", "yes ms", "no ms", "goal ms");
    for row in ROWS {
        if quick && row.sizes.iter().product::<usize>() > 100 {
            continue;
        }
        let twist = Twist { seed: Some(1), system: row.name != "k-buffer", ..Twist::default() };
        let yes = load(&family(row.name, row.sizes, twist).unwrap());
        let no = load(&family(row.name, row.sizes, Twist { near_miss: true, ..twist }).unwrap());
        let outcome = ask(&yes, row.k);
        let Some(Evidence::Compatible(found)) = outcome.evidence else { panic!("{}: {outcome:?}", row.name) };
        assert_eq!(found.bound, row.least, "{} {:?}", row.name, row.sizes);
        assert!(matches!(ask(&no, row.k).verdict, Verdict::Violated(_)), "{} {:?}", row.name, row.sizes);
        let (yes, no) = (best(|| drop(ask(&yes, row.k))), best(|| drop(ask(&no, row.k))));
        let name = format!("{} {:?}", row.name, row.sizes);
        let goal = row.goal.map_or(String::new(), |goal| format!("{goal}"));
        println!("{name:<26} {:>5} {:>10.3} {:>10.3} {goal:>10}  {}", found.bound, ms(yes), ms(no), row.published);
    }
    corpus();
}

/// Every system of the corpus, if it is there.
fn corpus() {
    let root = std::env::var("POLYLOGUE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{root}/corpus/systems.jsonl")) else { return };
    let mut all: Vec<(f64, String, usize)> = Vec::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let loaded = load(row["mpst"].as_str().unwrap());
        let outcome = ask(&loaded, None);
        let time = best(|| drop(ask(&loaded, None)));
        all.push((ms(time), format!("{} {}", row["id"], row["name"]), outcome.configurations));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let sum: f64 = all.iter().map(|(ms, ..)| ms).sum();
    println!("corpus: {} systems in {sum:.1} ms; the longest (goal 50 ms each):", all.len());
    for (ms, name, configurations) in all.iter().take(5) {
        println!("  {ms:>10.3} ms  {name} ({configurations} configurations)");
    }
}

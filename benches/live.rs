//! How many events per second does `conform` judge where data counts?
//!
//! The long recordings of ARCP and SMTP against `specs/`, all conditions on, each log in several sessions one after the
//! other; beside them lines of the same kind whose protocol has neither data nor scopes, which go the recorders' way
//! through the kernel. Without the shared recordings only these are measured.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench"
)]

use std::{env, fmt::Write, fs, hint::black_box, path::Path, time::Instant};

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    trace::{Checker, Machines, Map, Subject, target},
};

/// Rounds, of which the best counts.
const ROUNDS: usize = 5;

const PLAIN: &str = "protocol Plain(role client, role server) {
  rec Loop { client -> server: ask(...); server -> client: answer(...); continue Loop; }
}";

/// Millions of events per second.
fn rate(subject: Subject<'_>, map: &Map, log: &str) -> f64 {
    let once = || {
        let start = Instant::now();
        let mut checker = Checker::new(subject, map);
        let mut found = |finding| {
            black_box(&finding);
        };
        for chunk in log.as_bytes().chunks(1 << 16) {
            checker.feed(chunk, &mut found);
        }
        let totals = checker.finish(&mut found);
        assert_eq!((totals.bad, totals.violates, totals.unknown), (0, 0, 0));
        assert!(totals.conforms > 0);
        totals.events as f64 / start.elapsed().as_secs_f64() / 1e6
    };
    (0..ROUNDS).map(|_| once()).fold(0.0, f64::max)
}

/// A specification and its map.
fn measure(name: &str, text: String, map: &str, log: &str) {
    let loaded = Loaded::new(name, text, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let map = Map::parse(map).unwrap();
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    let bytes = log.len() as f64 / log.lines().count() as f64;
    let rate = rate(machines.subject(), &map, log);
    println!("{name}: {rate:.2} million events/s, {:.2} µs an event; {bytes:.0} bytes a line", 1.0 / rate);
}

/// What the kernel judges: two messages in turn.
fn plain() -> String {
    let mut log = String::new();
    for at in 0..200_000 {
        let (from, to, label) = if at % 2 == 0 { ("client", "server", "ask") } else { ("server", "client", "answer") };
        writeln!(
            log,
            "{{\"session\":\"plain-{:03}\",\"seq\":{at},\"ts\":1795228861815,\"from\":\"{from}\",\"to\":\"{to}\",\
             \"label\":\"{label}\",\"payload\":{{\"code\":250,\"text\":\"{}\"}}}}",
            at / 2_000,
            "x".repeat(20)
        )
        .unwrap();
    }
    log
}

fn main() {
    measure("plain (the kernel)", PLAIN.to_owned(), "", &plain());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = env::var_os("POLYLOGUE_SHARED").map_or_else(|| root.join("../shared"), Into::into);
    for (name, log, copies) in [("smtp", "smtp-103-long-aio", 8), ("arcp", "arcp-70-long", 8)] {
        let path = shared.join("traces").join(name).join(format!("{log}.jsonl"));
        let Ok(once) = fs::read_to_string(&path) else {
            println!("{name}: skipped, the shared recordings are not here");
            continue;
        };
        let spec = fs::read_to_string(root.join("specs").join(format!("{name}.mpst"))).unwrap();
        let map = fs::read_to_string(root.join("specs").join(format!("{name}.toml"))).unwrap_or_default();
        let copy = |at: usize| once.replace("\"session\":\"", &format!("\"session\":\"{at}-"));
        measure(name, spec, &map, &(0..copies).map(copy).collect::<String>());
    }
}

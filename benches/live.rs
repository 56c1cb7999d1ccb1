//! How many events per second does `conform` judge where data counts?
//!
//! The long recordings of ARCP and SMTP against `specs/`, all conditions on, each log in several sessions one after the
//! other. Beside each, in the same run and over the same bytes: the lines only scanned (all of them dropped by the map),
//! and the lines only parsed, by serde_json into borrowed structs and into trees. First, lines of the same kind whose
//! protocol has neither data nor scopes, which go the recorders' way through the kernel; without the shared recordings
//! only these are measured. Last, what an instance of a family takes in memory.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench"
)]

use std::{env, fmt::Write, fs, hint::black_box, path::Path, time::Instant};

use polylogue::{
    data::{Assumed, Value},
    load::Loaded,
    machine::{
        Live, Program,
        live::{Seen, Sides},
    },
    protocol::NoImports,
    trace::{Checker, Machines, Map, Subject, target},
};

/// Rounds, of which the best counts.
const ROUNDS: usize = 5;

const PLAIN: &str = "protocol Plain(role client, role server) {
  rec Loop { client -> server: ask(...); server -> client: answer(...); continue Loop; }
}";

/// A line, parsed and not judged.
#[derive(serde::Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    session: &'l str,
    from: &'l str,
    to: &'l str,
    label: &'l str,
    #[serde(borrow)]
    payload: Option<&'l serde_json::value::RawValue>,
}

/// The best of some rounds, in seconds.
fn best(mut once: impl FnMut()) -> f64 {
    let mut round = || {
        let start = Instant::now();
        once();
        start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// Checks a log; all of it must be judged, or all of it dropped.
fn check(subject: Subject<'_>, map: &Map, log: &str, judged: bool) {
    let mut checker = Checker::new(subject, map);
    let mut found = |finding| {
        black_box(&finding);
    };
    for chunk in log.as_bytes().chunks(1 << 16) {
        checker.feed(chunk, &mut found);
    }
    let totals = checker.finish(&mut found);
    assert_eq!((totals.bad, totals.violates, totals.unknown), (0, 0, 0));
    assert_eq!(totals.events > 0, judged);
}

/// A specification and its map, and beside it what the lines cost alone.
fn measure(name: &str, text: String, map: &str, log: &str) {
    let loaded = Loaded::new(name, text, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let map = Map::parse(map).unwrap();
    let dropped = Map::parse("[labels]\ndrop = [\"*\"]").unwrap();
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    let lines = log.lines().count() as f64;
    println!("{name}: {lines} lines of {:.0} bytes", log.len() as f64 / lines);
    let judged = best(|| check(machines.subject(), &map, log, true));
    let scanned = best(|| check(machines.subject(), &dropped, log, false));
    let structs = best(|| {
        for line in log.lines() {
            let line: Line<'_> = serde_json::from_str(line).unwrap();
            black_box((line.session, line.from, line.to, line.label, line.payload));
        }
    });
    let trees = best(|| {
        for line in log.lines() {
            black_box(serde_json::from_str::<serde_json::Value>(line).unwrap());
        }
    });
    let ways =
        [("judged", judged), ("scanned", scanned), ("serde_json, structs", structs), ("serde_json, trees", trees)];
    for (what, seconds) in ways {
        println!(
            "  {what:<20} {:>6.2} million/s {:>6.0} MB/s {:>6.2} of judging",
            lines / seconds / 1e6,
            log.len() as f64 / seconds / 1e6,
            seconds / judged
        );
    }
}

const JOBS: &str = "protocol Jobs(role client, role server) {
  during interleave jobs each job: int {
    var left: int = 3;
    client -> server: start(job: int);
    server -> client: progress(job: int) set left = left - 1;
    server -> client: done(job: int);
  }
}";

/// Opens instances, and says what they take.
fn instances(count: i64) {
    let loaded = Loaded::new("jobs", JOBS.to_owned(), &mut NoImports);
    let protocol = loaded.spec.protocols.first().unwrap();
    let graph = protocol.graph.as_ref().unwrap();
    let program = Program::of(&loaded.spec.names, &protocol.header, &protocol.term, graph).unwrap();
    let start = program.messages().iter().find(|(_, travel)| loaded.spec.names.label_text(travel.label) == "start");
    let (message, _) = start.unwrap();
    let mut live = Live::new(&program, 0);
    let begun = Instant::now();
    for job in 0..count {
        let payload = [Some(Value::Int(job))];
        let seen = Seen { message, sides: Sides::Both, payload: &payload, content: 0, now: 0, externs: &Assumed };
        let ways = live.ways(&program, seen);
        live.take(&program, ways.first().unwrap());
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64() / 1e6;
    let footprint = live.footprint();
    println!(
        "{count} instances: {} bytes each beside {} of variables, for each of two roles; {rate:.2} million opened/s",
        footprint.each(),
        footprint.variables / footprint.instances
    );
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
    for count in [1_000, 10_000, 100_000] {
        instances(count);
    }
}

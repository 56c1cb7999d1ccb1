//! One endpoint's monitor: nanoseconds per step.
//!
//! `cargo bench --bench monitor`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a benchmark")]

use std::{hint::black_box, time::Instant};

use polylogue::{guard::Options, session::Payload};

fn median(mut of: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..9).map(|_| of()).collect();
    all.sort_by(f64::total_cmp);
    all[4]
}

fn main() {
    let text = "
      protocol Ping(role P, role Q) { rec X { P -> Q: ping(); Q -> P: pong(); continue X; } }
      protocol Sorts(role P, role Q) { rec X { P -> Q: ping(n: int{this > 0}); Q -> P: pong(); continue X; } }
      protocol Data(role P, role Q) { rec X [n<P, Q>: int = 0] { P -> Q: ping(k: int) where k == n; Q -> P: pong(); continue X [n]; } }";
    let spec = polylogue::parse(text).unwrap();
    for (name, json) in [("Ping", None), ("Sorts", Some(r#"{"n":7}"#)), ("Data", Some(r#"{"k":0}"#))] {
        let plan = spec.guard(name, "P", Options::default()).unwrap();
        let (ping, pong) = (plan.sends("Q", "ping").unwrap(), plan.receives("Q", "pong").unwrap());
        let per = if plan.is_table() { 1_000_000 } else { 20_000 };
        let mut monitor = plan.monitor("bench", 0);
        let payload = json.map_or_else(Payload::default, Payload::Json);
        let step = median(|| {
            let start = Instant::now();
            for at in 0..per {
                assert!(black_box(monitor.step(black_box(ping), payload, at)).passes());
                assert!(black_box(monitor.step(black_box(pong), Payload::default(), at)).passes());
            }
            start.elapsed().as_nanos() as f64 / (2 * per) as f64
        });
        let kind = if plan.is_table() { "table" } else { "program" };
        println!("{name:6} ({kind}): {step:8.2} ns a step by handle");
        if json.is_none() {
            let step = median(|| {
                let start = Instant::now();
                for at in 0..per / 4 {
                    assert!(monitor.sending(black_box("Q"), black_box("ping"), payload, at).passes());
                    assert!(monitor.received(black_box("Q"), black_box("pong"), payload, at).passes());
                }
                start.elapsed().as_nanos() as f64 / (per / 2) as f64
            });
            println!("{name:6} ({kind}): {step:8.2} ns a step by names");
        }
        let refusal = median(|| {
            let start = Instant::now();
            for at in 0..1_000 {
                assert!(!black_box(monitor.step(pong, Payload::default(), at)).passes());
            }
            start.elapsed().as_nanos() as f64 / 1_000.0
        });
        println!("{name:6} ({kind}): {refusal:8.0} ns a refusal in full");
    }
}

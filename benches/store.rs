//! The session store: nanoseconds per step, hot and over many sessions.
//!
//! `cargo bench --bench store` prints each figure beside a bare loop over the same memory, measured in the same run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a benchmark")]

use std::{hint::black_box, time::Instant};

use polylogue::session::{
    Capability, Compat, Config, Done, Opener, Owner, PlanOptions, Receive, Refused, Scope, Send, Step, Store,
    audit::{Audit, Options},
};

const ROUNDS: usize = 9;

fn median(mut of: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..ROUNDS).map(|_| of()).collect();
    all.sort_by(f64::total_cmp);
    all[ROUNDS / 2]
}

fn send(
    from: polylogue::id::RoleId,
    to: polylogue::id::RoleId,
    label: polylogue::id::LabelId,
    at: i64,
) -> Send<'static> {
    Send { from, to, label, payload: Default::default(), witnesses: &[], at }
}

fn main() {
    let spec = polylogue::parse(
        "protocol Ping(role A, role B, role C) { rec X { A -> B: ping(); B -> C: pong(); C -> A: pang(); continue X; } }",
    )
    .unwrap();
    let plan = spec.plan_with("Ping", &Compat::Unchecked, PlanOptions::default()).unwrap();
    println!("block of three roles, three edges: {} bytes", plan.block_bytes());
    let roles: Vec<_> = ["A", "B", "C"].map(|name| plan.role(name).unwrap()).into();
    let labels: Vec<_> = ["ping", "pong", "pang"].map(|name| plan.label(name).unwrap()).into();
    let config = || Config { audit: Audit::new(Options { segments: 64, ..Options::default() }), ..Config::default() };
    {
        let (mut store, _supervisor) = Store::new(config());
        let (_, opener) = store.open(&plan, 0).unwrap();
        let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
        let per = 300_000;
        let hot = median(|| {
            let start = Instant::now();
            for turn in 0..per {
                let (from, to) = (turn % 3, (turn + 1) % 3);
                black_box(store.send(&cap, send(roles[from], roles[to], labels[from], 1)).unwrap());
                black_box(store.receive(&cap, roles[to], roles[from], 1).unwrap());
            }
            start.elapsed().as_nanos() as f64 / (2 * per) as f64
        });
        println!("hot session, step with capability, record and seals: {hot:.2} ns");
    }
    for count in [100_000_usize, 1_000_000] {
        let (mut store, _supervisor) = Store::new(config());
        let sessions: Vec<(Opener, Capability)> = (0..count)
            .map(|_| {
                let (_, opener) = store.open(&plan, 0).unwrap();
                let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
                (opener, cap)
            })
            .collect();
        let memory = store.memory();
        println!("{count} sessions: {} bytes each with blocks and claims", memory.bytes.sessions / count);
        let mut order: Vec<usize> = (0..count).collect();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for at in (1..count).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            order.swap(at, (seed >> 33) as usize % (at + 1));
        }
        let mut turn = 0;
        let mut out: Vec<Result<Done, Refused>> = Vec::new();
        let batch = median(|| {
            let from = turn % 3;
            let to = (from + 1) % 3;
            turn += 1;
            let start = Instant::now();
            let mut steps: Vec<(&Capability, Step<'_>)> = Vec::with_capacity(4_096);
            for chunk in order.chunks(4_096) {
                steps.clear();
                steps.extend(
                    chunk
                        .iter()
                        .map(|&at| (&sessions[at].1, Step::Send(send(roles[from], roles[to], labels[from], 1)))),
                );
                out.clear();
                store.step_batch(&steps, &mut out);
                assert!(out.iter().all(Result::is_ok));
                steps.clear();
                steps.extend(chunk.iter().map(|&at| {
                    (&sessions[at].1, Step::Receive(Receive { role: roles[to], from: roles[from], at: 1 }))
                }));
                out.clear();
                store.step_batch(&steps, &mut out);
                assert!(out.iter().all(Result::is_ok));
            }
            start.elapsed().as_nanos() as f64 / (2 * count) as f64
        });
        println!("{count} sessions in random order, batches: {batch:.1} ns a step, {:.1} M/s", 1_000.0 / batch);
    }
}

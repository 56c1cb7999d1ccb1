//! A store for many threads: steps per second with one thread and with two, each on sessions of its own.
//!
//! `cargo bench --bench shared`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a benchmark")]

use std::{sync::Barrier, time::Instant};

use polylogue::{
    guard::Shared,
    session::{Capability, Compat, Config, Opener, Owner, PlanOptions, Scope, Send},
};

const SESSIONS: usize = 1_000;
const ROUNDS: usize = 400;

fn main() {
    let spec = polylogue::parse("protocol Ping(role A, role B) { rec X { A -> B: a(); continue X; } }").unwrap();
    let plan = spec.plan_with("Ping", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let (a, b, label) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("a").unwrap());
    let (shared, _supervisor) = Shared::new(64, |_| Config::default());
    let owned: Vec<Vec<(Opener, Capability)>> = (0..2)
        .map(|_| {
            let open = |_| {
                let (_, opener) = shared.open(&plan, 0).unwrap();
                let cap = shared.claim(&opener, Owner(1), &Scope::Session).unwrap();
                (opener, cap)
            };
            (0..SESSIONS).map(open).collect()
        })
        .collect();
    let run = |threads: usize| {
        let barrier = Barrier::new(threads + 1);
        let mut seconds = 0.0;
        std::thread::scope(|scope| {
            let handles: Vec<_> = owned[..threads]
                .iter()
                .map(|own| {
                    let (shared, barrier) = (&shared, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        for _ in 0..ROUNDS {
                            for (_, cap) in own {
                                let send =
                                    Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: 1 };
                                shared.send(cap, send).unwrap();
                                shared.receive(cap, b, a, 1).unwrap();
                            }
                        }
                    })
                })
                .collect();
            barrier.wait();
            let start = Instant::now();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
            seconds = start.elapsed().as_secs_f64();
        });
        (threads * SESSIONS * ROUNDS * 2) as f64 / seconds / 1e6
    };
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        all[0].push(run(1));
        all[1].push(run(2));
    }
    let [one, two] = all.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[3]
    });
    println!("one thread {one:.1} M steps/s, two threads {two:.1} M steps/s: {:.2} x", two / one);
}

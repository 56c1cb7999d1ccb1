//! A guarded tokio channel beside the raw one: the same messages, the same tasks, one thread.
//!
//! `cargo bench --features tokio --bench channel`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a benchmark")]

use std::time::Instant;

use polylogue::{
    guard::{
        Options,
        channel::{self, Message},
    },
    session::{Compat, PlanOptions},
};

const MESSAGES: u64 = 200_000;
const ROOM: usize = 64;

struct Tick(u64);

impl Message for Tick {
    const LABELS: &'static [&'static str] = &["tick"];

    fn label(&self) -> usize {
        0
    }
}

async fn raw() -> u64 {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Tick>(ROOM);
    let sending = tokio::spawn(async move {
        for n in 0..MESSAGES {
            assert!(sender.send(Tick(n)).await.is_ok());
        }
    });
    let mut sum = 0_u64;
    for _ in 0..MESSAGES {
        sum = sum.wrapping_add(receiver.recv().await.unwrap().0);
    }
    sending.await.unwrap();
    sum
}

async fn guarded(plan: &polylogue::session::OpenPlan) -> u64 {
    let mut ends = channel::network::<Tick>(plan, ROOM, &Options::default()).unwrap().into_iter();
    let (mut a, mut b) = (ends.next().unwrap(), ends.next().unwrap());
    let sending = tokio::spawn(async move {
        for n in 0..MESSAGES {
            a.send("B", Tick(n)).await.unwrap();
        }
    });
    let mut sum = 0_u64;
    for _ in 0..MESSAGES {
        sum = sum.wrapping_add(b.receive("A").await.unwrap().0);
    }
    sending.await.unwrap();
    sum
}

fn main() {
    let spec = polylogue::parse("protocol Ticks(role A, role B) { rec X { A -> B: tick(); continue X; } }").unwrap();
    let plan = spec.plan_with("Ticks", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut all = [Vec::new(), Vec::new()];
    let expected = MESSAGES * (MESSAGES - 1) / 2;
    for _ in 0..11 {
        let start = Instant::now();
        assert_eq!(runtime.block_on(raw()), expected);
        all[0].push(start.elapsed().as_nanos() as f64 / MESSAGES as f64);
        let start = Instant::now();
        assert_eq!(runtime.block_on(guarded(&plan)), expected);
        all[1].push(start.elapsed().as_nanos() as f64 / MESSAGES as f64);
    }
    let [raw, guarded] = all.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[5]
    });
    println!("a message, sent and received: raw {raw:.1} ns, guarded {guarded:.1} ns: {:.2} x", guarded / raw);
}

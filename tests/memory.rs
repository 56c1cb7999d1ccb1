//! What the store says of its memory, beside an allocator that counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::alloc::System;

use polylogue::session::{
    By, Capability, Compat, Config, Opener, Owner, Payload, PlanOptions, QueuePolicy, Scope, Send, Store,
    audit::{Audit, Options},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SESSIONS: usize = 100_000;

fn off(what: &str, store: &Store, region: &Region<'_, System>) {
    let change = region.change();
    let counted = change.bytes_allocated - change.bytes_deallocated;
    let said = store.memory().bytes;
    println!("{what}: {} bytes said, {counted} counted; {said:?}", said.total);
    let apart = said.total.abs_diff(counted) * 100 / counted.max(1);
    assert!(apart <= 10, "{what}: {} said, {counted} counted", said.total);
}

#[test]
fn memory_is_what_is_allocated() {
    let text = "def small(x: int) = x < 10;
        protocol P(role A, role B, role C) {
            rec X { choice at A { A -> B: more(); B -> C: on(); continue X; }
                    or { A -> B: pay(n: int) requires small(n); B -> C: stop(); C -> A: bye(); } } }";
    let spec = polylogue::parse(text).unwrap();
    let options = PlanOptions { queue: QueuePolicy::Grow(64), ..PlanOptions::default() };
    let plan = spec.plan_with("P", &Compat::Unchecked, options).unwrap();
    assert!(plan.is_table());
    let mut openers: Vec<Opener> = Vec::with_capacity(SESSIONS);
    let mut caps: Vec<Capability> = Vec::with_capacity(SESSIONS);
    let mut witnesses = Vec::with_capacity(SESSIONS);
    let region = Region::new(GLOBAL);
    let audit = Audit::new(Options { segments: 4, ..Options::default() });
    let (mut store, supervisor) = Store::new(Config { audit, archive: SESSIONS, ..Config::default() });
    for at in 0..SESSIONS {
        let (_, opener) = if at % 2 == 0 {
            store.open_keyed(&plan, format!("application key {at}").as_str(), 0).unwrap()
        } else {
            store.open(&plan, 0).unwrap()
        };
        caps.push(store.claim(&opener, Owner(at as u64), &Scope::Session).unwrap());
        openers.push(opener);
    }
    off("opened and claimed", &store, &region);
    println!("{} bytes each in blocks and claims", store.memory().bytes.sessions / SESSIONS);
    let role = |name| plan.role(name).unwrap();
    let more = plan.label("more").unwrap();
    for (at, cap) in caps.iter().enumerate() {
        for turn in 0..at % 24 {
            let payload = Payload::Unseen(if at % 3 == 0 { turn as u64 } else { 0 });
            let send = Send { from: role("A"), to: role("B"), label: more, payload, witnesses: &[], at: 1 };
            store.send(cap, send).unwrap();
        }
    }
    off("with queues", &store, &region);
    for (at, cap) in caps.iter().enumerate().filter(|(at, _)| at % 4 == 0) {
        let until = (at % 8 == 0).then_some(at as i64 + 10);
        witnesses.push(store.issue_readiness(cap, "small", &[polylogue::data::Value::Int(3)], until).unwrap());
    }
    off("with witnesses", &store, &region);
    for cap in caps.iter().filter(|cap| cap.owner().0 % 5 == 0) {
        store.bind_handler(cap, Some((role("A"), role("B"))), Some(7)).unwrap();
        store.bind_handler(cap, None, Some(8)).unwrap();
    }
    off("with handlers", &store, &region);
    for opener in openers.iter().step_by(2) {
        drop(store.cancel(By::Opener(opener), "the host has had enough of it", 9).unwrap());
    }
    off("half of them ended", &store, &region);
    store.reap(&supervisor, usize::MAX).unwrap();
    off("and reaped", &store, &region);
    assert_eq!(store.memory().counts.archived, SESSIONS / 2);
}

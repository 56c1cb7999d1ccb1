//! What the store says of its memory, beside an allocator that counts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

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

/// One test, as the allocator counts for the whole process.
#[test]
fn memory_is_what_is_allocated() {
    tables();
    trees();
    watched();
}

fn tables() {
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

/// Sessions that run as trees: variables, queues, scopes, families, remembered keys; texts and collections.
fn trees() {
    const TREES: usize = 400;
    let text = "protocol Jobs(role C, role S) {
        var seen<C, S>: set<string> = [];
        var log<S>: list<string> = [];
        during {
            rec X { choice at C {
                C -> S: note(text: string) set seen = add(seen, text) set log@S = log + [text] unique by (text); continue X;
            } or { C -> S: bye(); } }
        } interleave jobs each job: int {
            var left: int = 3;
            C -> S: start(job: int, what: string) set left = left - 1;
            S -> C: done(job: int);
        } }";
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = spec.plan_with("Jobs", &Compat::Unchecked, PlanOptions::default()).unwrap();
    assert!(!plan.is_table());
    let mut openers: Vec<Opener> = Vec::with_capacity(TREES);
    let mut caps: Vec<Capability> = Vec::with_capacity(TREES);
    let role = |name| plan.role(name).unwrap();
    let (c, s) = (role("C"), role("S"));
    let [note, start, done] = ["note", "start", "done"].map(|label| plan.label(label).unwrap());
    let region = Region::new(GLOBAL);
    let audit = Audit::new(Options { segments: 1, ..Options::default() });
    let (mut store, supervisor) = Store::new(Config { audit, archive: 8, ..Config::default() });
    for at in 0..TREES {
        let (_, opener) = store.open(&plan, 0).unwrap();
        caps.push(store.claim(&opener, Owner(at as u64), &Scope::Session).unwrap());
        openers.push(opener);
    }
    off("trees opened", &store, &region);
    let send = |store: &mut Store, cap: &Capability, from, to, label, json: &str| {
        let payload = Payload::Json(json);
        store.send(cap, Send { from, to, label, payload, witnesses: &[], at: 1 }).unwrap();
    };
    for (at, cap) in caps.iter().enumerate() {
        for job in 0..at % 40 {
            send(&mut store, cap, c, s, start, &format!("{{\"job\": {job}, \"what\": \"something to do, {job}\"}}"));
        }
    }
    off("with messages on the way", &store, &region);
    for (at, cap) in caps.iter().enumerate() {
        for _ in 0..at % 40 {
            store.receive(cap, s, c, 1).unwrap();
        }
        for turn in 0..at % 90 {
            let text = format!("a text of some length, as they are, {turn}");
            send(&mut store, cap, c, s, note, &format!("{{\"text\": \"{text}\"}}"));
            store.receive(cap, s, c, 1).unwrap();
        }
    }
    off("with instances, keys and collections", &store, &region);
    for (at, cap) in caps.iter().enumerate() {
        for job in 0..(at % 40) / 2 {
            send(&mut store, cap, s, c, done, &format!("{{\"job\": {job}}}"));
            store.receive(cap, c, s, 1).unwrap();
        }
    }
    off("half of the instances ended", &store, &region);
    for opener in openers.iter().step_by(2) {
        drop(store.cancel(By::Opener(opener), "enough", 9).unwrap());
    }
    store.reap(&supervisor, usize::MAX).unwrap();
    off("half of the trees reaped", &store, &region);
}

/// Authenticated edges: what is in flight, what is remembered, and the leaves.
fn watched() {
    const WATCHED: usize = 200;
    let spec = polylogue::parse("protocol P(role A, role B) { rec X { A -> B: m(); continue X; } }").unwrap();
    let options = PlanOptions { authenticate: true, traced: 16, ..PlanOptions::default() };
    let plan = spec.plan_with("P", &Compat::Unchecked, options).unwrap();
    let (a, b, m) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("m").unwrap());
    let mut openers: Vec<Opener> = Vec::with_capacity(WATCHED);
    let mut caps: Vec<Capability> = Vec::with_capacity(WATCHED);
    let region = Region::new(GLOBAL);
    let audit = Audit::new(Options { segments: 1, ..Options::default() });
    let (mut store, supervisor) = Store::new(Config { audit, archive: 8, ..Config::default() });
    for at in 0..WATCHED {
        let (_, opener) = store.open(&plan, 0).unwrap();
        caps.push(store.claim(&opener, Owner(at as u64), &Scope::Session).unwrap());
        openers.push(opener);
    }
    for (at, cap) in caps.iter().enumerate() {
        for turn in 0..(at * 7) % 300 {
            let payload = Payload::Unseen(turn as u64);
            store.send(cap, Send { from: a, to: b, label: m, payload, witnesses: &[], at: 1 }).unwrap();
            if turn % 5 > 0 {
                store.receive(cap, b, a, 1).unwrap();
            }
        }
    }
    off("with leaves", &store, &region);
    let leaves = store.memory().counts.leaves;
    for opener in &openers {
        store.checkpoint(By::Opener(opener)).unwrap();
    }
    off("after a checkpoint", &store, &region);
    assert!(store.memory().counts.leaves < leaves / 2);
    for opener in openers.iter().step_by(2) {
        drop(store.cancel(By::Opener(opener), "enough", 9).unwrap());
    }
    store.reap(&supervisor, usize::MAX).unwrap();
    off("half of them reaped", &store, &region);
}

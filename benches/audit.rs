//! What does a sealed audit cost per event, beside the least that it must do?
//!
//! The least is a copy of 64 bytes, and one BLAKE3 of 64 KiB per 1,024 events. Rounds are interleaved, medians count.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench"
)]

use std::{hint::black_box, num::NonZeroU32, time::Instant};

use polylogue::session::audit::{
    Anchor, Audit, BATCH, Batch, Kind, Later, Options, Record, SIZE, Secrets, SessionRef, Verdict, verify,
};

/// Rounds, of which the median counts.
const ROUNDS: usize = 15;
/// Events of a round.
const EVENTS: usize = 1 << 20;

/// Nanoseconds of `work`, and what it gave.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let given = black_box(work());
    (start.elapsed().as_nanos() as f64, given)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// What a step would write: some fields change with every event.
#[inline]
fn record(n: u32) -> Record {
    Record {
        time: i64::from(n) * 17,
        role: n & 3,
        peer: (n + 1) & 3,
        message: n % 7,
        generation: 12,
        plan: 3,
        ..Record::new(SessionRef { slot: n & 0xfff, generation: 1 }, Kind::Send, Verdict::Accepted)
    }
}

fn options(segments: usize, secrets: Option<Secrets>) -> Options {
    Options { store: 1, segments, lossy: false, secrets }
}

fn secrets() -> Option<Secrets> {
    Some(Secrets::new(NonZeroU32::MIN, &[7; 32]))
}

/// Events whose cost is the push alone: as many as fit before the first seal.
fn push_only(rounds: usize) -> f64 {
    let mut ns = 0.0;
    for _ in 0..rounds {
        let mut audit = black_box(Audit::new(options(2, None)));
        for n in 0..BATCH as u32 - 1 {
            audit.push(record(n)).unwrap();
        }
        audit.seal();
        // The second segment is touched before it is timed.
        for n in 0..2 * BATCH as u32 - 1 {
            audit.push(record(n)).unwrap();
        }
        audit.push(record(0)).unwrap();
        audit.push(record(0)).unwrap();
        while audit.unsealed() > 0 {
            audit.push(record(0)).unwrap();
        }
        ns += timed(|| {
            for n in 0..BATCH as u32 - 1 {
                audit.push(record(black_box(n))).unwrap();
            }
        })
        .0;
        assert_eq!(audit.unsealed(), BATCH - 1);
    }
    ns / (rounds * (BATCH - 1)) as f64
}

/// The same loop, storing the record in a ring and nothing else.
fn copy_only(rounds: usize) -> f64 {
    let mut ring = vec![[0u8; SIZE]; BATCH];
    let mut ns = 0.0;
    for _ in 0..rounds {
        ns += timed(|| {
            for (n, place) in ring.iter_mut().enumerate() {
                *place = record(black_box(n as u32)).to_bytes();
            }
            black_box(&mut ring);
        })
        .0;
    }
    ns / (rounds * BATCH) as f64
}

fn hash_only(rounds: usize) -> f64 {
    let bytes: Vec<u8> = (0..BATCH * SIZE).map(|n| n as u8).collect();
    let (ns, _) = timed(|| {
        for _ in 0..rounds {
            black_box(blake3::hash(black_box(&bytes)));
        }
    });
    ns / (rounds * BATCH) as f64
}

fn sealed(mut audit: Audit) -> f64 {
    // Every segment is touched before it is timed.
    for n in 0..8 * BATCH as u32 {
        audit.push(record(n)).unwrap();
    }
    let (ns, ()) = timed(|| {
        for n in 0..EVENTS as u32 {
            audit.push(record(n)).unwrap();
        }
    });
    let batches = (EVENTS / BATCH) as u64 + 8;
    let last = *audit.last_seal().unwrap();
    assert_eq!((last.batch + 1, audit.next_sequence()), (batches, batches * BATCH as u64));
    let log = audit.log();
    let from = audit.anchor().unwrap().from;
    assert!(verify(log.as_bytes(), Some(&Anchor::new(last).since(from)), None).holds());
    ns / EVENTS as f64
}

/// A seal asked for after every so many events.
fn sealed_each(events: usize) -> f64 {
    let mut audit = Audit::new(options(4, secrets()));
    let all = EVENTS / 64;
    let (ns, ()) = timed(|| {
        for n in 0..all {
            audit.push(record(n as u32)).unwrap();
            if n % events == 0 {
                audit.seal();
            }
        }
    });
    ns / all as f64
}

fn refused(sessions: u32) -> f64 {
    let mut audit = Audit::new(options(4, secrets()));
    let all = EVENTS / 16;
    let (ns, ()) = timed(|| {
        for n in 0..all as u32 {
            let session = SessionRef { slot: n % sessions, generation: 1 };
            audit.reject(Record { code: 4, ..Record::new(session, Kind::Send, Verdict::Rejected) }).unwrap();
        }
    });
    ns / all as f64
}

fn verified() -> f64 {
    let mut audit = Audit::new(options(65, secrets()));
    for n in 0..64 * BATCH as u32 {
        audit.push(record(n)).unwrap();
    }
    let log = audit.log();
    let secrets = secrets();
    let (ns, found) = timed(|| verify(black_box(log.as_bytes()), None, secrets.as_ref()));
    assert!(found.holds() && found.authentic_to == Some(64 * BATCH as u64));
    ns / (64 * BATCH) as f64
}

fn proven() -> f64 {
    let mut audit = Audit::new(options(2, secrets()));
    for n in 0..BATCH as u32 {
        audit.push(record(n)).unwrap();
    }
    let anchor = audit.anchor().unwrap();
    let (ns, ()) = timed(|| {
        for n in (0..BATCH as u64).step_by(16) {
            assert!(audit.prove(n).unwrap().verify(&anchor).is_ok());
        }
    });
    ns / (BATCH / 16) as f64
}

fn main() {
    let names = [
        "copy of 64 bytes",
        "BLAKE3 of 64 KiB",
        "push",
        "push and seal",
        "push and seal, authenticator",
        "push and seal, authenticator, sink",
        "push, sealed at every 16",
        "refusal of one caller",
        "refusals of 1,000,000 sessions",
        "verify",
        "prove and verify one",
    ];
    let mut all = vec![Vec::new(); names.len()];
    for _ in 0..ROUNDS {
        let sink = |batch: Batch<'_>| {
            black_box(batch.records());
            Ok::<(), Later>(())
        };
        let round = [
            copy_only(64),
            hash_only(64),
            push_only(64),
            sealed(Audit::new(options(4, None))),
            sealed(Audit::new(options(4, secrets()))),
            sealed(Audit::with_sink(options(4, secrets()), Box::new(sink))),
            sealed_each(16),
            refused(1),
            refused(1_000_000),
            verified(),
            proven(),
        ];
        for (all, ns) in all.iter_mut().zip(round) {
            all.push(ns);
        }
    }
    let best = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
    let bests: Vec<f64> = all.iter().map(|all| best(all)).collect();
    let medians: Vec<f64> = all.into_iter().map(median).collect();
    let (copy, hash) = (medians[0], medians[1]);
    println!("ns per event, median of {ROUNDS} and best; beside a copy and a hash of the same bytes in the same run");
    for ((name, ns), best) in names.iter().zip(&medians).zip(&bests) {
        let (copies, both) = (ns / copy, ns / (copy + hash));
        println!("{name:36} {ns:9.2} ns  best {best:9.2} ns  {copies:9.2} x copy  {both:8.2} x (copy + hash)");
    }
}

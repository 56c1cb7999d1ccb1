//! How many configurations per second does a check explore?
//!
//! Small systems whose spaces are large enough to measure, under a bound, to the end; rate in configurations per second.
//! Beside it, the plain search over the reference on the same systems (a smaller bound: it is slow on purpose). Before
//! anything is measured, both must count the same.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "bench"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polylogue::{
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Arm, Local, State, Term},
    reference::{self, equations},
    verify::{Options, Property, Subject, check_subject},
};

/// States as lists of (act, label, next), the first state is 1.
fn local(role: u32, states: &[&[(Act, u32, u32)]]) -> Local {
    let arm = |&(act, label, then): &(Act, u32, u32)| Arm {
        act,
        label: LabelId::from_raw(label),
        sort: SortId::from_raw(0),
        then: StateId::from_raw(then),
        span: Default::default(),
    };
    let mut all = vec![State::default()];
    all.extend(states.iter().map(|arms| State { arms: arms.iter().map(arm).collect(), ..State::default() }));
    Local { role: RoleId::from_raw(role), initial: StateId::from_raw(1), states: all.into() }
}

fn send(to: u32) -> Act {
    Act::Send(RoleId::from_raw(to))
}

fn receive(from: u32) -> Act {
    Act::Receive(RoleId::from_raw(from))
}

/// A ring in which everybody sends before receiving.
fn ring(n: u32) -> IdVec<RoleId, Local> {
    (0..n).map(|p| local(p, &[&[(send((p + 1) % n), 0, 2)], &[(receive((p + n - 1) % n), 0, 1)]])).collect()
}

/// Two producers with two kinds of items, one consumer that takes them in turn.
fn producers() -> IdVec<RoleId, Local> {
    let producer = |p| local(p, &[&[(send(2), 0, 1), (send(2), 1, 1)]]);
    let consumer = local(2, &[&[(receive(0), 0, 2), (receive(0), 1, 2)], &[(receive(1), 0, 1), (receive(1), 1, 1)]]);
    [producer(0), producer(1), consumer].into_iter().collect()
}

fn configurations(locals: &IdVec<RoleId, Local>, bound: u32) -> usize {
    let subject = Subject::written(locals.clone(), &[]);
    let options = Options { bound: Some(bound), raw: true, ..Options::default() };
    check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap().configurations
}

fn plain(locals: &IdVec<RoleId, Local>, bound: u32) -> usize {
    let terms: IdVec<RoleId, Term> = locals.values().map(|local| equations(local).unwrap()).collect();
    let system = reference::System::new(&terms, &[], Some(bound));
    reference::explore(&system, usize::MAX).configurations.len()
}

fn check(c: &mut Criterion) {
    // What, how large a bound for the search, and for the reference.
    let systems = [("ring of 6", ring(6), 6, 1), ("ring of 9", ring(9), 2, 1), ("two producers", producers(), 8, 3)];
    let mut group = c.benchmark_group("configurations");
    group.sample_size(10);
    for (name, locals, bound, small) in &systems {
        assert_eq!(configurations(locals, *small), plain(locals, *small));
        let count = configurations(locals, *bound);
        println!("{name}: {count} configurations under {bound}");
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::new("search", name), locals, |b, locals| {
            b.iter(|| black_box(configurations(locals, *bound)));
        });
        group.throughput(Throughput::Elements(plain(locals, *small) as u64));
        group.bench_with_input(BenchmarkId::new("reference", name), locals, |b, locals| {
            b.iter(|| black_box(plain(locals, *small)));
        });
    }
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);

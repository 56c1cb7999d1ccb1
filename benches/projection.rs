//! How long does it take to project a protocol to all its roles?
//!
//! The naive rules beside it recurse over the protocol, which is what makes the tree family exponential elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unreachable,
    reason = "a benchmark"
)]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "shared with a test")]

#[path = "../tests/projection/build.rs"]
mod build;
#[path = "../tests/projection/naive.rs"]
mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polylogue::protocol::project::{Discipline, project_all};
use std::hint::black_box;

fn projection(c: &mut Criterion) {
    let mut group = c.benchmark_group("projection");
    group.sample_size(20);
    for n in [200, 2_000] {
        let graph = build::graph(&build::ring(n));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("ring", n), |b| {
            b.iter(|| project_all(black_box(&graph), n, Discipline::Full).unwrap());
        });
    }
    for depth in [6, 10, 14] {
        let graph = build::graph(&build::choice_tree(depth));
        group.throughput(Throughput::Elements(graph.nodes.len() as u64));
        group.bench_function(BenchmarkId::new("choice-tree", depth), |b| {
            b.iter(|| project_all(black_box(&graph), 3, Discipline::Full).unwrap());
        });
    }
    let graph = build::graph(&build::choice_tree(6));
    group.throughput(Throughput::Elements(graph.nodes.len() as u64));
    group.bench_function(BenchmarkId::new("choice-tree by the naive rules", 6), |b| {
        b.iter(|| {
            for role in 0..3 {
                let (graph, role) = (black_box(&graph), build::role(role));
                let discipline = Discipline::Full;
                let mut naive = naive::Naive { graph, role, discipline, merges: 0, fuel: usize::MAX };
                black_box(naive.tree(graph.start, 12)).unwrap();
            }
        });
    });
    group.finish();
}

criterion_group!(benches, projection);
criterion_main!(benches);

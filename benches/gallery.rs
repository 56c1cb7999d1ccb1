//! How long does a person wait? Every specification of the gallery is parsed, lowered and all its claims answered.
//!
//! The reading alone stands beside it. Divide by the number of files, which is printed, for one specification.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::{fs, hint::black_box, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use polylogue::{
    load::Loaded,
    protocol::NoImports,
    verify::{self, Options},
};

fn gallery() -> Vec<String> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut texts = Vec::new();
    for dir in [specs.clone(), specs.join("wrong")] {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "mpst") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

fn load(text: &str) -> Loaded {
    Loaded::new("spec.mpst", text, &mut NoImports)
}

fn bench(c: &mut Criterion) {
    let texts = gallery();
    println!("{} files", texts.len());
    let mut group = c.benchmark_group("gallery");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.sample_size(10);
    group.bench_function("read", |b| {
        b.iter(|| {
            for text in &texts {
                black_box(load(text));
            }
        });
    });
    group.bench_function("read and check", |b| {
        b.iter(|| {
            for text in &texts {
                let loaded = load(text);
                for claim in verify::claims(&loaded.spec) {
                    let _ = black_box(verify::check_claim(&loaded.spec, &claim, &Options::default(), &mut |_| None));
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

//! The store and the matrix with rows of 1,280 features, half of them zeros: one thread.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use finial_store::{
    ContentHash, DEFAULT_LIMIT_BYTES, FeatureMatrix, FeatureMatrixBuilder, FeatureStore,
    PipelineHash,
};

const FEATURES: usize = 1280;
/// Rows that are put and gathered together.
const ROWS: usize = 64;
const STORED: usize = 4096;

fn row(number: usize) -> Vec<f32> {
    (0..FEATURES)
        .map(|column| ((number * 31 + column * 17) % 256) as f32 - 128.0)
        .map(|value| value.max(0.0))
        .collect()
}

fn content(number: usize) -> ContentHash {
    ContentHash(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn storing(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), DEFAULT_LIMIT_BYTES).unwrap();
    let pipeline = PipelineHash::of(&[b"bench"]);
    let rows: Vec<Vec<f32>> = (0..ROWS).map(row).collect();
    let mut next = 0;
    let mut put = || {
        let contents = (next..next + ROWS).map(content);
        let items: Vec<_> = contents.zip(rows.iter().map(Vec::as_slice)).collect();
        store.put_many(&pipeline, &items).unwrap();
        next += ROWS;
    };
    (0..STORED / ROWS).for_each(|_| put());
    let mut group = criterion.benchmark_group("store");
    group.throughput(Throughput::Elements(ROWS as u64));
    let known: Vec<ContentHash> = (0..ROWS).map(|n| content(n * 61 % STORED)).collect();
    group.bench_function("get 64", |bench| {
        bench.iter(|| store.get_many(&pipeline, &known).unwrap());
    });
    group.bench_function("get 1", |bench| {
        bench.iter(|| store.get_many(&pipeline, &known[..1]).unwrap());
    });
    group.sample_size(20);
    group.bench_function("put 64", |bench| bench.iter(&mut put));
    group.finish();
}

fn gathering(criterion: &mut Criterion) {
    let filled = |budget: u64| -> FeatureMatrix {
        let mut builder = FeatureMatrixBuilder::new(FEATURES, budget).unwrap();
        (0..STORED).for_each(|n| builder.push_rows(&row(n)).unwrap());
        builder.finish().unwrap()
    };
    let scattered: Vec<usize> = (0..512).map(|n| n * 2_654_435_761 % STORED).collect();
    let mut group = criterion.benchmark_group("gather 512");
    group.throughput(Throughput::Elements(512));
    for (name, budget) in [("memory", u64::MAX), ("file", 0)] {
        let matrix = filled(budget);
        let mut out = Vec::new();
        group.bench_function(name, |bench| {
            bench.iter(|| matrix.gather(&scattered, &mut out).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, storing, gathering);
criterion_main!(benches);

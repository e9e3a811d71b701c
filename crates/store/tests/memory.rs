//! What a process holds while it goes through more features than it should hold.
//!
//! One test to a process, since both look at the process as a whole: this file holds the
//! store's.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Instant;

use finial_store::{ContentHash, FeatureMatrixBuilder, FeatureStore, PipelineHash};

const COLUMNS: usize = 1280;
const BATCH: usize = 512;
const MIB: u64 = 1 << 20;

/// Resident bytes of this process, pages of mapped files among them.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024
}

/// Writes, then reads, this many bytes of features; returns how far the process grew.
fn growth(feature_bytes: u64) -> u64 {
    // On the disk: the system's folder for temporary files may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = FeatureStore::open(folder.path(), 8 << 30).unwrap();
    let pipeline = PipelineHash::of(&[b"memory"]);
    let batches = (feature_bytes / (BATCH * COLUMNS * 4) as u64) as usize;
    let contents = |batch: usize| -> Vec<ContentHash> {
        (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| ContentHash::of(&number.to_le_bytes()))
            .collect()
    };
    let mut builder = FeatureMatrixBuilder::new(COLUMNS, MIB)
        .unwrap()
        .spill_folder(folder.path());
    let before = resident_bytes();
    let mut most = before;

    let started = Instant::now();
    for batch in 0..batches {
        let vectors: Vec<Vec<f32>> = (0..BATCH)
            .map(|item| vec![(batch * BATCH + item + 1) as f32; COLUMNS])
            .collect();
        let items: Vec<_> = contents(batch)
            .into_iter()
            .zip(vectors.iter().map(Vec::as_slice))
            .collect();
        store.put_many(&pipeline, &items).unwrap();
        most = most.max(resident_bytes());
    }
    let written = started.elapsed();

    let started = Instant::now();
    for batch in 0..batches {
        store
            .get_each(&pipeline, &contents(batch), |item, vector| {
                let vector = vector.unwrap();
                assert_eq!(vector[COLUMNS - 1], (batch * BATCH + item + 1) as f32);
                builder.push_rows(vector).unwrap();
            })
            .unwrap();
        most = most.max(resident_bytes());
    }
    let read = started.elapsed();

    store.stats().unwrap();
    most = most.max(resident_bytes());
    let matrix = builder.finish().unwrap();
    let mut rows = Vec::new();
    for batch in 0..batches {
        let scattered: Vec<usize> = (0..BATCH)
            .map(|item| (batch * BATCH + item) * 7919 % matrix.rows())
            .collect();
        matrix.gather(&scattered, &mut rows).unwrap();
        assert_eq!(rows[0], (scattered[0] + 1) as f32);
        most = most.max(resident_bytes());
    }
    let vectors = (batches * BATCH) as f64;
    println!(
        "{} vectors of {COLUMNS}: put {:.0}/s, get {:.0}/s, grew by {} MiB",
        vectors,
        vectors / written.as_secs_f64(),
        vectors / read.as_secs_f64(),
        (most - before) / MIB
    );
    most - before
}

#[test]
fn going_through_the_store_does_not_grow_the_process_with_it() {
    let grown = growth(300 * MIB);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
}

/// The same at the size of a large data set: `cargo test --release -- --ignored --nocapture`.
#[test]
#[ignore = "writes 3 GB"]
fn going_through_a_gibibyte_does_not_grow_the_process_with_it() {
    let grown = growth(1024 * MIB);
    assert!(grown < 100 * MIB, "{} MiB", grown / MIB);
}

//! The store in one process: what is put comes back, old entries go first, and files that do
//! not fit are dealt with.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use finial_store::{
    ContentHash, FeatureStore, LEAST_LIMIT_BYTES, Notice, PipelineHash, StoreError,
};

const LIMIT: u64 = 64 << 20;

fn pipeline(name: &str) -> PipelineHash {
    PipelineHash::of(&[name.as_bytes()])
}

fn content(number: usize) -> ContentHash {
    ContentHash::of(&number.to_le_bytes())
}

/// A vector that says whose it is, without zeros, so that it takes two pages.
fn vector(number: usize) -> Vec<f32> {
    (0..1280).map(|i| (number * 1280 + i + 1) as f32).collect()
}

fn put(store: &FeatureStore, pipeline: &PipelineHash, numbers: std::ops::Range<usize>) {
    let vectors: Vec<_> = numbers.clone().map(vector).collect();
    let items: Vec<_> = numbers
        .map(content)
        .zip(vectors.iter().map(Vec::as_slice))
        .collect();
    store.put_many(pipeline, &items).unwrap();
}

/// Which of the numbers are there; those that are must be right.
fn present(
    store: &FeatureStore,
    pipeline: &PipelineHash,
    numbers: std::ops::Range<usize>,
) -> Vec<usize> {
    let contents: Vec<_> = numbers.clone().map(content).collect();
    let found = store.get_many(pipeline, &contents).unwrap();
    let mut there = Vec::new();
    for (number, found) in numbers.zip(found) {
        if let Some(found) = found {
            assert_eq!(found, vector(number));
            there.push(number);
        }
    }
    there
}

/// Flips one bit of the file in each place where `pattern` lies.
fn damage(folder: &Path, pattern: &[u8]) {
    let path = folder.join("data.mdb");
    let mut bytes = fs::read(&path).unwrap();
    let places: Vec<_> = bytes
        .windows(pattern.len())
        .enumerate()
        .filter(|(_, window)| *window == pattern)
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place + pattern.len() - 1] ^= 2;
    }
    fs::write(&path, bytes).unwrap();
}

#[test]
fn vectors_come_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    put(&store, &pipeline("a"), 0..700);
    put(&store, &pipeline("b"), 3..5);
    drop(store);

    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(present(&store, &pipeline("a"), 0..702).len(), 700);
    assert_eq!(present(&store, &pipeline("b"), 0..702), [3, 4]);
    assert!(store.notice().is_none());
    let stats = store.stats().unwrap();
    assert_eq!((stats.entries, stats.corrupted_reads), (702, 0));
    let mut entries: Vec<_> = stats.pipelines.iter().map(|p| p.entries).collect();
    entries.sort_unstable();
    assert_eq!(entries, [2, 700]);
}

#[test]
fn a_vector_put_again_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    let key = pipeline("a");
    store.put_many(&key, &[(content(0), &[1.0, 0.0])]).unwrap();
    store
        .put_many(&key, &[(content(0), &[2.0]), (content(0), &[3.0])])
        .unwrap();
    let found = store.get_many(&key, &[content(0)]).unwrap();
    assert_eq!(found, [Some(vec![3.0])]);
    assert_eq!(store.stats().unwrap().entries, 1);
}

#[test]
fn a_folder_opened_twice_in_one_process_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let first = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    let second = FeatureStore::open(&folder.path().join("."), LIMIT).unwrap();
    put(&second, &pipeline("a"), 0..1000);
    assert!(present(&first, &pipeline("a"), 0..1000).len() == 1000);
    drop(second);
    assert_eq!(present(&first, &pipeline("a"), 0..10).len(), 10);
    drop(first.clone());
    drop(first);
    let third = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(present(&third, &pipeline("a"), 0..1000).len(), 1000);
}

#[test]
fn threads_open_and_close_one_folder_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                for round in 0..10 {
                    let store = FeatureStore::open(folder, LIMIT).unwrap();
                    let number = thread * 10 + round;
                    put(&store, &pipeline("a"), number..number + 1);
                }
            });
        }
    });
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(present(&store, &pipeline("a"), 0..40).len(), 40);
}

#[test]
fn threads_share_one_handle_while_it_evicts() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for start in (0..900).step_by(50) {
                    present(&store, &pipeline("a"), start..start + 50);
                }
            });
        }
        for start in (0..900).step_by(50) {
            put(&store, &pipeline("a"), start..start + 50);
        }
    });
    assert_eq!(store.stats().unwrap().corrupted_reads, 0);
    assert_eq!(present(&store, &pipeline("a"), 850..900).len(), 50);
}

#[test]
fn a_limit_beyond_all_addresses_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), u64::MAX).unwrap();
    put(&store, &pipeline("a"), 0..1);
    assert_eq!(present(&store, &pipeline("a"), 0..2), [0]);
}

#[test]
fn a_visit_may_use_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    put(&store, &pipeline("a"), 0..600);
    let contents: Vec<_> = (0..601).map(content).collect();
    let mut visited = Vec::new();
    store
        .get_each(&pipeline("a"), &contents, |index, vector| {
            let vector = vector.unwrap_or(&[9.0]);
            store
                .put_many(&pipeline("b"), &[(content(index), vector)])
                .unwrap();
            visited.push(index);
        })
        .unwrap();
    assert_eq!(visited, (0..601).collect::<Vec<_>>());
    assert_eq!(present(&store, &pipeline("b"), 0..600).len(), 600);
}

#[test]
fn the_file_stays_within_the_limit_and_the_newest_batch_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 16 << 20;
    let store = FeatureStore::open(folder.path(), limit).unwrap();
    for start in (0..8000).step_by(200) {
        put(&store, &pipeline("a"), start..start + 200);
        let stats = store.stats().unwrap();
        assert!(stats.live_bytes <= limit / 4 * 3, "{stats:?}");
        assert!(stats.file_bytes <= limit, "{stats:?}");
    }
    let kept = present(&store, &pipeline("a"), 0..8000).len();
    assert!((1000..1600).contains(&kept), "{kept}");
}

#[test]
fn one_call_may_put_more_than_fits() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    put(&store, &pipeline("a"), 0..2000);
    let kept = present(&store, &pipeline("a"), 0..2000).len();
    assert!((200..500).contains(&kept), "{kept}");
}

#[test]
fn entries_of_other_lengths_find_room_in_what_evicted_ones_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    let key = pipeline("a");
    for round in 0..24_usize {
        let columns = [100, 30_000, 1280, 50_000][round % 4];
        let vectors: Vec<_> = (0..20).map(|i| vec![(i + 1) as f32; columns]).collect();
        let items: Vec<_> = vectors
            .iter()
            .enumerate()
            .map(|(i, vector)| (content(round * 100 + i), vector.as_slice()))
            .collect();
        store.put_many(&key, &items).unwrap();
        let last = store.get_many(&key, &[content(round * 100 + 19)]).unwrap();
        assert_eq!(last[0].as_ref().map(Vec::len), Some(columns));
    }
    assert!(store.stats().unwrap().file_bytes <= LEAST_LIMIT_BYTES);
}

#[test]
fn what_was_read_in_a_later_run_outlives_what_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 16 << 20;
    let run = || FeatureStore::open(folder.path(), limit).unwrap();
    put(&run(), &pipeline("a"), 0..1000);
    assert_eq!(present(&run(), &pipeline("a"), 0..400).len(), 400);
    put(&run(), &pipeline("a"), 1000..1700);

    let store = run();
    assert_eq!(present(&store, &pipeline("a"), 0..400).len(), 400);
    let unused = present(&store, &pipeline("a"), 400..1000).len();
    assert!(unused < 600, "{unused}");
    assert_eq!(present(&store, &pipeline("a"), 1000..1700).len(), 700);
}

#[test]
fn a_damaged_vector_reads_as_absent_and_is_counted_until_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let key = pipeline("a");
    put(
        &FeatureStore::open(folder.path(), LIMIT).unwrap(),
        &key,
        0..3,
    );
    let pattern: Vec<u8> = vector(1)[5..20]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    damage(folder.path(), &pattern);

    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(present(&store, &key, 0..3), [0, 2]);
    assert_eq!(store.stats().unwrap().corrupted_reads, 1);
    put(&store, &key, 1..2);
    assert_eq!(present(&store, &key, 0..3), [0, 1, 2]);
}

#[test]
fn removing_a_pipeline_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    put(&store, &pipeline("a"), 0..1500);
    put(&store, &pipeline("b"), 0..20);
    assert_eq!(store.remove_pipeline(&pipeline("a")).unwrap(), 1500);
    assert_eq!(store.remove_pipeline(&pipeline("a")).unwrap(), 0);
    assert!(present(&store, &pipeline("a"), 0..1500).is_empty());
    assert_eq!(present(&store, &pipeline("b"), 0..20).len(), 20);
}

#[test]
fn a_cleared_store_gives_its_disk_space_back_when_closed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.mdb");
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    put(&store, &pipeline("a"), 0..1000);
    assert!(fs::metadata(&data).unwrap().len() > 8 << 20);
    store.clear().unwrap();
    assert_eq!(store.stats().unwrap().entries, 0);
    drop(store);
    assert!(!data.exists());
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    put(&store, &pipeline("a"), 0..1);
    assert_eq!(present(&store, &pipeline("a"), 0..2), [0]);
}

#[test]
fn a_store_of_another_format_is_cleared_with_a_notice() {
    let folder = tempfile::tempdir().unwrap();
    put(
        &FeatureStore::open(folder.path(), LIMIT).unwrap(),
        &pipeline("a"),
        0..3,
    );
    damage(folder.path(), b"finial features \0\0\0\x01");

    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(
        store.notice(),
        Some(&Notice::ClearedOtherFormat { found: 3 })
    );
    assert!(present(&store, &pipeline("a"), 0..3).is_empty());
    put(&store, &pipeline("a"), 0..3);
    assert_eq!(present(&store, &pipeline("a"), 0..3).len(), 3);
}

#[test]
fn files_that_are_no_feature_store_are_set_aside_whole() {
    for bytes in [vec![b'x'; 100], vec![b'x'; 100_000]] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("data.mdb"), &bytes).unwrap();
        let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
        let aside = folder
            .path()
            .canonicalize()
            .unwrap()
            .join("data.set-aside-1.mdb");
        assert_eq!(
            store.notice(),
            Some(&Notice::SetAside {
                path: aside.clone()
            })
        );
        assert_eq!(fs::read(aside).unwrap(), bytes);
        put(&store, &pipeline("a"), 0..1);
    }
}

#[test]
fn a_file_cut_short_never_gives_wrong_vectors_nor_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.mdb");
    put(
        &FeatureStore::open(folder.path(), LIMIT).unwrap(),
        &pipeline("a"),
        0..1000,
    );
    let whole = fs::read(&data).unwrap();
    for part in 1..40 {
        fs::write(&data, &whole[..whole.len() / 40 * part]).unwrap();
        let Ok(store) = FeatureStore::open(folder.path(), LIMIT) else {
            continue;
        };
        for number in 0..1000 {
            if let Ok(found) = store.get_many(&pipeline("a"), &[content(number)])
                && let Some(found) = &found[0]
            {
                assert_eq!(*found, vector(number));
            }
        }
    }
}

#[test]
fn limits_that_cannot_be_kept_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES - 1),
        Err(StoreError::LimitTooSmall { .. })
    ));
    let store = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    let large = vec![1.0; 1 << 16];
    assert!(matches!(
        store.put_many(
            &pipeline("a"),
            &[(content(0), &[1.0]), (content(1), &large)]
        ),
        Err(StoreError::TooLarge { columns: 65536, .. })
    ));
    assert_eq!(store.stats().unwrap().entries, 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = FeatureStore::open(&file.path().join("store"), LIMIT).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }));
    let name = file.path().file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("finial").join("features");
    let _store = FeatureStore::open(&folder, LIMIT).unwrap();
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.path());
    }
}

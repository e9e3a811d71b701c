//! The store in several processes: real ones, this test binary started again in a role that
//! [`child`] plays.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use finial_store::{ContentHash, FeatureStore, LEAST_LIMIT_BYTES, PipelineHash, StoreError};

const LIMIT: u64 = 64 << 20;
const SMALL_LIMIT: u64 = 16 << 20;
const BATCH: usize = 25;
const ROLE: &str = "FINIAL_STORE_TEST_ROLE";
const FOLDER: &str = "FINIAL_STORE_TEST_FOLDER";
/// Printed by a child before each number it reports: the test harness prints as well.
const REPORT: &str = "report ";

fn pipeline(name: &str) -> PipelineHash {
    PipelineHash::of(&[name.as_bytes()])
}

fn content(batch: usize, item: usize) -> ContentHash {
    ContentHash::of(format!("{batch} {item}").as_bytes())
}

fn vector(batch: usize, item: usize) -> Vec<f32> {
    (0..1280)
        .map(|i| (batch * 7919 + item * 1280 + i + 1) as f32)
        .collect()
}

fn try_put(store: &FeatureStore, pipeline: &PipelineHash, batch: usize) -> Result<(), StoreError> {
    let vectors: Vec<_> = (0..BATCH).map(|item| vector(batch, item)).collect();
    let items: Vec<_> = vectors
        .iter()
        .enumerate()
        .map(|(item, vector)| (content(batch, item), vector.as_slice()))
        .collect();
    store.put_many(pipeline, &items)
}

fn put(store: &FeatureStore, pipeline: &PipelineHash, batch: usize) {
    try_put(store, pipeline, batch).unwrap();
}

/// How many of a batch are there; those that are must be right.
fn present(store: &FeatureStore, pipeline: &PipelineHash, batch: usize) -> usize {
    let contents: Vec<_> = (0..BATCH).map(|item| content(batch, item)).collect();
    let mut there = 0;
    store
        .get_each(pipeline, &contents, |item, found| {
            if let Some(found) = found {
                assert_eq!(found, vector(batch, item));
                there += 1;
            }
        })
        .unwrap();
    there
}

fn assert_sound(store: &FeatureStore) {
    assert_eq!(store.stats().unwrap().corrupted_reads, 0);
}

fn start(role: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The numbers a child reports, as they come.
fn reports(child: &mut Child) -> impl Iterator<Item = usize> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| {
            let (_, number) = line.split_once(REPORT)?;
            number.parse().ok()
        })
}

fn report(number: usize) {
    println!("{REPORT}{number}");
}

/// Not a test: what the processes that the tests start do.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("share", own) => {
            let store = FeatureStore::open(folder, LIMIT).unwrap();
            for batch in 0..20 {
                put(&store, &pipeline(own), batch);
                for other in ["0", "1", "2", "3"] {
                    let there = present(&store, &pipeline(other), batch);
                    assert!(there == 0 || there == BATCH, "{there}");
                }
            }
            assert_sound(&store);
        }
        ("open", _) => {
            FeatureStore::open(folder, LIMIT).unwrap();
        }
        ("write", first) => {
            let store = FeatureStore::open(folder, LIMIT).unwrap();
            for batch in first.parse::<usize>().unwrap().. {
                put(&store, &pipeline("a"), batch);
                report(batch);
            }
        }
        ("read", _) => {
            let store = FeatureStore::open(folder, SMALL_LIMIT).unwrap();
            for round in 0.. {
                present(&store, &pipeline("a"), round % 10);
                report(round);
            }
        }
        ("grow", _) => {
            let store = FeatureStore::open(folder, LIMIT).unwrap();
            for batch in 0..60 {
                put(&store, &pipeline("a"), batch);
            }
        }
        ("hold", _) => {
            let _store = FeatureStore::open(folder, LIMIT).unwrap();
            report(0);
            std::io::stdin().read_exact(&mut [0]).unwrap();
        }
        ("fill", _) => {
            let store = FeatureStore::open(folder, LIMIT).unwrap();
            let mut put = 0;
            let error = loop {
                match try_put(&store, &pipeline("a"), put) {
                    Ok(()) => put += 1,
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
            for batch in 0..put {
                assert_eq!(present(&store, &pipeline("a"), batch), BATCH);
            }
            report(put);
        }
        _ => panic!("no such role: {role}"),
    }
}

#[test]
fn processes_write_and_read_one_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|own| start(&format!("share {own}"), folder.path()))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    for own in ["0", "1", "2", "3"] {
        for batch in 0..20 {
            assert_eq!(present(&store, &pipeline(own), batch), BATCH);
        }
    }
    assert_sound(&store);
}

#[test]
fn processes_that_open_a_new_folder_at_once_agree_on_it() {
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let children: Vec<_> = (0..6).map(|_| start("open", folder.path())).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
    }
}

#[test]
fn a_killed_writer_leaves_whole_batches_and_a_store_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    let mut first = 0;
    for round in 0..6_u64 {
        let mut child = start(&format!("write {first}"), folder.path());
        let mut committed = reports(&mut child);
        let last = committed.nth(3).unwrap();
        // At a different point of its next transaction each time.
        std::thread::sleep(std::time::Duration::from_micros(700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = committed.last().unwrap_or(last);

        for batch in first..=last {
            assert_eq!(present(&store, &pipeline("a"), batch), BATCH);
        }
        // The batch it was at is there or not, but not in part.
        let there = present(&store, &pipeline("a"), last + 1);
        assert!(there == 0 || there == BATCH, "{there}");
        first = last + 2;
        put(&store, &pipeline("b"), first);
    }
    assert_sound(&store);
    drop(store);
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert_eq!(present(&store, &pipeline("a"), 0), BATCH);
    assert!(store.notice().is_none());
}

#[test]
fn killed_readers_do_not_keep_pages_from_being_reused() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), SMALL_LIMIT).unwrap();
    for batch in 0..10 {
        put(&store, &pipeline("a"), batch);
    }
    for _ in 0..8 {
        let mut child = start("read", folder.path());
        assert!(reports(&mut child).nth(20).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for batch in 10..200 {
        put(&store, &pipeline("a"), batch);
    }
    assert_eq!(present(&store, &pipeline("a"), 199), BATCH);
    assert!(store.stats().unwrap().file_bytes <= SMALL_LIMIT);
}

#[test]
fn a_store_opened_with_a_lower_limit_reads_what_a_higher_one_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), LEAST_LIMIT_BYTES).unwrap();
    put(&store, &pipeline("b"), 0);
    assert!(start("grow", folder.path()).wait().unwrap().success());
    assert!(store.stats().unwrap().file_bytes > LEAST_LIMIT_BYTES);
    for batch in 0..60 {
        assert_eq!(present(&store, &pipeline("a"), batch), BATCH);
    }
    // Its own limit still holds for what it keeps.
    put(&store, &pipeline("b"), 1);
    assert!(store.stats().unwrap().live_bytes <= LEAST_LIMIT_BYTES / 4 * 3);
    assert_eq!(present(&store, &pipeline("b"), 1), BATCH);
}

#[test]
fn files_of_another_format_are_left_alone_while_another_process_has_them_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("hold", folder.path());
    // Kept: the child fails if nobody listens.
    let mut reported = reports(&mut child);
    assert!(reported.next().is_some());

    let path = folder.path().join("data.mdb");
    let mut bytes = Vec::new();
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let mark = b"finial features \0\0\0\x01";
    let places: Vec<_> = (0..bytes.len())
        .filter(|place| bytes[*place..].starts_with(mark))
        .collect();
    assert!(!places.is_empty());
    for place in places {
        let version = place + mark.len() - 1;
        file.seek(SeekFrom::Start(version as u64)).unwrap();
        file.write_all(&[2]).unwrap();
    }
    let error = FeatureStore::open(folder.path(), LIMIT).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");

    child.stdin.take().unwrap().write_all(&[0]).unwrap();
    assert!(child.wait().unwrap().success());
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    assert!(store.notice().is_some());
}

/// The shell's limit on file size stands in for a disk that is full.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_is_reported_as_such_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8192; exec \"$0\" --exact child --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(ROLE, "fill")
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let store = FeatureStore::open(folder.path(), LIMIT).unwrap();
    for batch in 0..5 {
        assert_eq!(present(&store, &pipeline("a"), batch), BATCH);
    }
    put(&store, &pipeline("b"), 0);
}

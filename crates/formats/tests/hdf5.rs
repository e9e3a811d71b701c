//! HDF5 files that h5py wrote, in its oldest and its newest layout, and those that we write.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::{Path, PathBuf};

use finial_formats::hdf5::{File, Group, Object, Value, Writer};
use finial_formats::{FormatError, NumberKind, Source};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hdf5")
        .join(name)
}

fn both() -> [Group; 2] {
    ["oldest.h5", "newest.h5"].map(|name| File::open(&fixture(name)).unwrap().root().unwrap())
}

/// The numbers that the script of the fixtures gives a tensor of so many.
fn numbers(count: usize) -> Vec<f32> {
    let number = |i: usize| ((i + count) as f64).sin() as f32;
    (0..count).map(number).collect()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{i}: {a} is not {b}");
    }
}

#[track_caller]
fn read(root: &Group, path: &str) -> Vec<f32> {
    root.dataset(path).unwrap().unwrap().read().unwrap()
}

#[test]
fn attributes_of_every_kind_are_read() {
    for root in both() {
        let group = root.group("attributes").unwrap().unwrap();
        let get = |name| group.attribute(name).unwrap().unwrap();
        let texts = |texts: &[&str]| Value::Texts(texts.iter().map(|&t| t.to_owned()).collect());
        assert_eq!(get("fixed"), Value::Text("of fixed length".into()));
        assert_eq!(get("variable"), Value::Text("of variable length, é".into()));
        assert_eq!(get("empty_string"), Value::Text(String::new()));
        assert_eq!(get("fixed_list"), texts(&["a", "bcd", "ef"]));
        assert_eq!(get("variable_list"), texts(&["first", "", "third"]));
        assert_eq!(get("empty_list"), Value::Empty);
        assert_eq!(get("integer"), Value::Number(-7.0));
        assert_eq!(get("small"), Value::Number(200.0));
        assert_eq!(get("float"), Value::Number(0.5));
        assert_eq!(get("flag"), Value::Number(1.0));
        assert_eq!(get("empty"), Value::Empty);
        assert_eq!(group.attribute("none").unwrap(), None);
    }
}

#[test]
fn each_of_many_attributes_is_found() {
    for root in both() {
        let group = root.group("many_attributes").unwrap().unwrap();
        for i in 0..40 {
            let value = group.attribute(&format!("name{i}")).unwrap();
            assert_eq!(value, Some(Value::Text(format!("value {i}"))));
        }
    }
}

#[test]
fn numbers_of_every_kind_become_single_precision() {
    for root in both() {
        for (name, tolerance) in [
            ("float16", 1e-3),
            ("float32", 1e-6),
            ("float64", 1e-6),
            ("big_f4", 1e-6),
            ("big_f8", 1e-6),
        ] {
            assert_near(
                &read(&root, &format!("kinds/{name}")),
                &numbers(15),
                tolerance,
            );
        }
        let rounded: Vec<f32> = numbers(15).iter().map(|v| (v * 100.0).round()).collect();
        for name in ["int8", "int32", "int64", "big_i2"] {
            assert_eq!(read(&root, &format!("kinds/{name}")), rounded);
        }
        let positive: Vec<f32> = rounded.iter().map(|v| v.abs()).collect();
        assert_eq!(read(&root, "kinds/uint8"), positive);
        assert_eq!(read(&root, "kinds/scalar"), [2.5]);
        let scalar = root.dataset("kinds/scalar").unwrap().unwrap();
        assert_eq!(scalar.shape(), [0usize; 0]);
        assert_eq!(scalar.kind(), Some(NumberKind::F32));
        assert_eq!(
            root.dataset("kinds/empty").unwrap().unwrap().shape(),
            [0, 4]
        );
        assert!(read(&root, "kinds/empty").is_empty());
        assert!(read(&root, "kinds/null").is_empty());
    }
}

#[test]
fn numbers_are_read_however_they_are_kept() {
    for root in both() {
        for name in [
            "contiguous",
            "chunked",
            "gzip",
            "shuffle",
            "fletcher32",
            "one_chunk",
            "one_chunk_gzip",
            "growing_both",
            "fine",
            "early",
        ] {
            let dataset = root.dataset(&format!("kept/{name}")).unwrap().unwrap();
            assert_eq!(dataset.shape(), [20, 13]);
            assert_near(&dataset.read().unwrap(), &numbers(260), 1e-6);
        }
        assert_near(&read(&root, "kept/compact"), &numbers(8), 1e-6);
        assert_eq!(read(&root, "kept/unwritten"), [0.0; 16]);
        assert_eq!(read(&root, "kept/unwritten_filled"), [1.5; 16]);
        let sparse = read(&root, "kept/sparse");
        let expected: Vec<f32> = numbers(260)
            .iter()
            .enumerate()
            .map(|(i, &v)| if i / 13 < 6 && i % 13 < 5 { v } else { -1.0 })
            .collect();
        assert_near(&sparse, &expected, 1e-6);
    }
}

#[test]
fn a_dataset_that_may_grow_is_read_in_the_oldest_layout_and_refused_in_the_newest() {
    let [oldest, newest] = both();
    for name in ["kept/growing", "kept/growing_gzip"] {
        assert_near(&read(&oldest, name), &numbers(260), 1e-6);
        let error = newest.dataset(name).unwrap().unwrap().read().unwrap_err();
        assert!(matches!(error, FormatError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    for root in both() {
        for (name, reason) in [("kept/lzf", "LZF"), ("kinds/text", "text")] {
            let error = root.dataset(name).unwrap().unwrap().read().unwrap_err();
            assert!(matches!(error, FormatError::Unsupported { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(name) && error.contains(reason), "{error}");
        }
        for name in ["links/soft", "links/external"] {
            let error = root.get(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("link"), "{error}");
        }
    }
}

#[test]
fn groups_wide_and_deep_are_read() {
    for root in both() {
        let wide = root.group("wide").unwrap().unwrap();
        assert_eq!(wide.names().count(), 60);
        for (i, name) in wide.names().enumerate() {
            assert_eq!(name, format!("dataset_{i:02}"));
            assert_near(&read(&wide, name), &numbers(2 * (1 + i % 3)), 1e-6);
        }
        assert_eq!(root.group("ordered").unwrap().unwrap().names().count(), 3);
        let ordered = root.group("ordered_wide").unwrap().unwrap();
        assert_eq!(ordered.names().count(), 30);
        let bottom: Vec<String> = (0..12).map(|i| format!("level{i}")).collect();
        let bottom = format!("{}/bottom", bottom.join("/"));
        assert_near(&read(&root, &bottom), &numbers(3), 1e-6);
        assert!(root.get("level0/none/bottom").unwrap().is_none());
        assert_near(&read(&root, "links/around/around/hard"), &numbers(15), 1e-6);
    }
}

#[test]
fn addresses_count_from_behind_a_user_block() {
    let root = File::open(&fixture("userblock.h5"))
        .unwrap()
        .root()
        .unwrap();
    let version = root.attribute("keras_version").unwrap();
    assert_eq!(version, Some(Value::Text("2.0".into())));
    assert_near(&read(&root, "numbers"), &numbers(6), 1e-6);
}

/// Reads all that can be reached, as far as it can be read.
fn walk(bytes: Vec<u8>) -> Result<usize, FormatError> {
    let file = File::read(Source::from(bytes), Path::new("crafted.h5"))?;
    let mut groups = vec![file.root()?];
    let mut seen = std::collections::HashSet::new();
    let mut count = 0;
    let mut fault = None;
    while let Some(group) = groups.pop() {
        if !seen.insert(group.address()) {
            continue;
        }
        for name in ["fixed", "variable_list", "name7"] {
            fault = group.attribute(name).err().or(fault);
        }
        for name in group.names() {
            match group.get(name) {
                Ok(Some(Object::Group(group))) => groups.push(group),
                Ok(Some(Object::Dataset(dataset))) => match dataset.read() {
                    Ok(values) => count += values.len(),
                    Err(error) => fault = Some(error),
                },
                Ok(None) => panic!("a name that is listed is there"),
                Err(error) => fault = Some(error),
            }
        }
    }
    fault.map_or(Ok(count), Err)
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let whole = std::fs::read(fixture("userblock.h5")).unwrap();
    assert_eq!(walk(whole.clone()).unwrap(), 6);
    let end = whole.len();
    for cut in 0..end {
        let result = walk(whole[..cut].to_vec());
        assert!(result.is_err(), "cut at {cut} of {end}");
    }
}

#[test]
fn a_file_with_any_byte_changed_neither_panics_nor_hangs() {
    for name in ["userblock.h5", "small.weights.h5"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for at in (0..whole.len()).step_by(3) {
            for value in [0, 0xFF, whole[at] ^ 1] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = walk(changed);
            }
        }
    }
}

/// The fixture with the first occurrence of `from` replaced.
fn crafted(name: &str, from: &[u8], into: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    bytes[at..at + into.len()].copy_from_slice(into);
    bytes
}

#[test]
fn a_shape_that_the_file_cannot_hold_is_refused_before_memory_is_asked_for() {
    // Contiguous: the layout says how many bytes there are.
    let dims = [3u64, 2].map(u64::to_le_bytes).concat();
    let huge = [1u64 << 40, 2].map(u64::to_le_bytes).concat();
    let error = walk(crafted("userblock.h5", &dims, &huge)).unwrap_err();
    assert!(error.to_string().contains("/numbers"), "{error}");

    // Chunked: nothing needs to be in the file.
    let bytes = std::fs::read(fixture("oldest.h5")).unwrap();
    let dims = [20u64, 13].map(u64::to_le_bytes).concat();
    let places = bytes.windows(16).enumerate();
    let places: Vec<usize> = places
        .filter(|(_, w)| *w == dims)
        .map(|(at, _)| at)
        .collect();
    assert!(places.len() > 5);
    for at in places {
        let mut changed = bytes.clone();
        changed[at..at + 16].copy_from_slice(&[1u64 << 40, 1 << 23].map(u64::to_le_bytes).concat());
        assert!(walk(changed).is_err());
    }
}

#[test]
fn an_object_that_continues_at_itself_is_an_error() {
    let mut writer = Writer::new();
    writer.root().text("a", "b");
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    // The attribute's message becomes one that continues at the header's own messages.
    let at = bytes
        .windows(4)
        .position(|w| w == [0x0C, 0, 40, 0])
        .unwrap();
    bytes[at..at + 2].copy_from_slice(&[0x10, 0]);
    bytes[at + 8..at + 16].copy_from_slice(&(96u64 + 16).to_le_bytes());
    bytes[at + 16..at + 24].copy_from_slice(&72u64.to_le_bytes());
    let error = walk(bytes).unwrap_err().to_string();
    assert!(error.contains("circles"), "{error}");
}

#[test]
fn what_is_written_is_read_again() {
    let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = (0..700)
        .map(|i| {
            (
                format!("{}", i * 7919 % 700),
                vec![i % 4, 3],
                numbers(i % 4 * 3),
            )
        })
        .collect();
    let mut writer = Writer::new();
    writer.root().text("version", "3, é");
    writer.root().text("nothing", "");
    let names = ["first".to_owned(), String::new()];
    writer.root().group("a").group("b").texts("names", names);
    for (name, shape, values) in &tensors {
        let group = writer.root().group("a").group("wide");
        group.dataset(name, shape, |write| {
            values.chunks(4).try_for_each(&mut *write)
        });
    }
    writer.root().dataset("scalar", &[], |write| write(&[0.5]));
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, writer.size());

    let file = File::read(Source::from(bytes), Path::new("written.h5")).unwrap();
    let root = file.root().unwrap();
    let text = |name| root.attribute(name).unwrap().unwrap();
    assert_eq!(text("version"), Value::Text("3, é".into()));
    assert_eq!(text("nothing"), Value::Text(String::new()));
    let names = root
        .group("a/b")
        .unwrap()
        .unwrap()
        .attribute("names")
        .unwrap();
    assert_eq!(
        names,
        Some(Value::Texts(vec!["first".into(), String::new()]))
    );
    assert_eq!(read(&root, "scalar"), [0.5]);
    let wide = root.group("a/wide").unwrap().unwrap();
    assert_eq!(wide.names().count(), 700);
    for (name, shape, values) in &tensors {
        let dataset = wide.dataset(name).unwrap().unwrap();
        assert_eq!(dataset.shape(), shape);
        assert_eq!(&dataset.read().unwrap(), values);
    }
}

#[test]
fn a_dataset_given_another_count_of_numbers_is_not_written() {
    let mut writer = Writer::new();
    writer
        .root()
        .dataset("short", &[2, 2], |write| write(&[1.0]));
    let error = writer.write(&mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("short") && error.contains("[2, 2]"),
        "{error}"
    );
}

#[test]
fn the_datasets_of_a_file_are_a_checkpoint() {
    for name in ["oldest.h5", "newest.h5"] {
        let checkpoint = finial_formats::Checkpoint::open(&fixture(name)).unwrap();
        let names: Vec<&str> = checkpoint
            .tensors()
            .iter()
            .map(|t| t.name.as_str())
            .collect();
        assert!(names.contains(&"kinds/float32") && names.contains(&"wide/dataset_59"));
        assert!(!names.contains(&"kinds/text"), "no numbers");
        assert_eq!(
            names
                .iter()
                .filter(|name| name.ends_with("float32"))
                .count(),
            1
        );
        let gzip = checkpoint
            .tensors()
            .iter()
            .find(|t| t.name == "kept/gzip")
            .unwrap();
        assert_near(gzip.read().unwrap().values(), &numbers(260), 1e-6);
    }
}

#[test]
fn zeros_take_no_room_in_a_file_and_are_read_as_zeros() {
    let mut writer = Writer::new();
    writer.root().zeros("mean", &[1000, 1000]);
    writer.root().zeros("count", &[]);
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, writer.size());
    assert!(bytes.len() < 4000);
    let file = File::read(bytes.into(), "zeros.h5".as_ref()).unwrap();
    let root = file.root().unwrap();
    let read = |name| root.dataset(name).unwrap().unwrap().read().unwrap();
    assert_eq!(read("count"), [0.0]);
    assert_eq!(read("mean"), vec![0.0; 1_000_000]);
}

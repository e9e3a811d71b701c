//! Files that PyTorch wrote, and files that lie.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use finial_formats::{Checkpoint, FormatError, Loading, NumberKind, Source, StoredTensor, load};
use finial_graph::{Graph, Op, Padding, Shape};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/pytorch")
        .join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn open_bytes(bytes: Vec<u8>) -> Result<Checkpoint, FormatError> {
    Checkpoint::from_source(&Source::from(bytes), Path::new("lie.pth"))
}

fn names(file: &Checkpoint) -> Vec<&str> {
    file.tensors()
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect()
}

fn tensor<'a>(file: &'a Checkpoint, name: &str) -> &'a StoredTensor {
    let found = file.tensors().iter().find(|tensor| tensor.name == name);
    found.unwrap_or_else(|| panic!("{name} is not among {:?}", names(file)))
}

fn values(file: &Checkpoint, name: &str) -> Vec<f32> {
    tensor(file, name).read().unwrap().values().to_vec()
}

fn counted(count: u16) -> Vec<f32> {
    (0..count).map(f32::from).collect()
}

#[test]
fn a_state_dict_reads_the_same_in_every_packing() {
    for name in [
        "zip.pth",
        "deflated.pth",
        "legacy.pth",
        "legacy4.pth",
        "protocol4.pth",
        "protocol5.pth",
        "training.pth",
    ] {
        let file = open(name);
        let expected = ["conv.weight", "conv.bias", "bn.num_batches_tracked"];
        assert_eq!(names(&file), expected, "{name}");
        let weight = tensor(&file, "conv.weight").read().unwrap();
        assert_eq!(weight.shape(), [2, 1, 2, 2], "{name}");
        let eighths: Vec<f32> = counted(8).iter().map(|n| n / 8.0).collect();
        assert_eq!(weight.values(), eighths, "{name}");
        assert_eq!(values(&file, "conv.bias"), [-1.0, 0.0], "{name}");
        assert_eq!(values(&file, "bn.num_batches_tracked"), [7.0], "{name}");
        assert_eq!(
            tensor(&file, "bn.num_batches_tracked").kind,
            NumberKind::I64
        );
    }
}

#[test]
fn each_kind_of_number_is_read() {
    let file = open("kinds.pth");
    for tensor in file.tensors() {
        let expected = match tensor.name.as_str() {
            "uint8" => [0.0, 1.0, 2.0],
            "uint16" => [1.0, 2.0, 3.0],
            "bool" => [1.0, 0.0, 1.0],
            _ => [-1.0, 0.0, 1.0],
        };
        assert_eq!(tensor.read().unwrap().values(), expected, "{}", tensor.name);
    }
    assert_eq!(file.tensors().len(), 11);
    for (name, kind) in [("f16.pth", NumberKind::F16), ("bf16.pth", NumberKind::BF16)] {
        let file = open(name);
        assert_eq!(tensor(&file, "w").kind, kind);
        assert_eq!(values(&file, "w"), [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]);
    }
}

#[test]
fn views_of_one_storage_are_read_as_pytorch_shows_them() {
    for name in ["views.pth", "views_legacy.pth"] {
        let file = open(name);
        assert_eq!(values(&file, "whole"), counted(24));
        assert_eq!(values(&file, "tied"), counted(24));
        let transposed = tensor(&file, "transposed").read().unwrap();
        assert_eq!(transposed.shape(), [6, 4]);
        assert_eq!(transposed.values()[..5], [0.0, 6.0, 12.0, 18.0, 1.0]);
        assert_eq!(values(&file, "column"), [2.0, 8.0, 14.0, 20.0]);
        assert_eq!(values(&file, "rows"), counted(24)[6..18]);
        assert_eq!(values(&file, "steps"), [1.0, 4.0, 13.0, 16.0]);
        assert_eq!(values(&file, "expanded"), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(values(&file, "channels_last"), counted(12));
        assert_eq!(values(&file, "scalar"), [23.0]);
        assert_eq!(tensor(&file, "scalar").shape, [0usize; 0]);
        assert_eq!(tensor(&file, "empty").shape, [0, 6]);
        assert!(values(&file, "empty").is_empty());
    }
}

#[test]
fn a_whole_module_gives_the_names_of_its_state_dict() {
    for name in ["module.pth", "module_legacy.pth"] {
        let file = open(name);
        let expected = [
            "block.kept",
            "block.conv.weight",
            "block.bn.weight",
            "block.bn.bias",
            "block.bn.running_mean",
            "block.bn.running_var",
            "block.bn.num_batches_tracked",
            "fc.weight",
            "fc.bias",
        ];
        assert_eq!(names(&file), expected, "{name}");
        assert_eq!(values(&file, "fc.weight"), counted(6));
        assert_eq!(values(&file, "block.conv.weight"), counted(24));
    }
    let scripted = open("scripted.pt");
    assert_eq!(values(&scripted, "weight"), counted(6));
    assert_eq!(values(&scripted, "inner.kept"), counted(3));
    let parameters = open("parameters.pth");
    assert_eq!(values(&parameters, "fc.weight"), counted(6));
}

#[test]
fn safetensors_are_read_by_the_header() {
    let file = open("kinds.safetensors");
    for (name, kind) in [
        ("a", NumberKind::F32),
        ("b", NumberKind::F16),
        ("c", NumberKind::BF16),
        ("d", NumberKind::F64),
    ] {
        assert_eq!(tensor(&file, name).kind, kind);
        let count: usize = tensor(&file, name).shape.iter().product();
        assert_eq!(values(&file, name), counted(count as u16));
    }
}

#[test]
fn tensors_that_are_no_weights_are_refused_by_name() {
    for (name, found) in [
        ("sparse.pth", "`torch._utils._rebuild_sparse_tensor`"),
        ("complex.pth", "`torch.ComplexFloatStorage`"),
    ] {
        let error = Checkpoint::open(&fixture(name)).unwrap_err().to_string();
        assert!(
            error.contains("tensor `w`") && error.contains(found),
            "{error}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for name in [
        "zip.pth",
        "legacy.pth",
        "module_legacy.pth",
        "kinds.safetensors",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for len in 0..bytes.len() {
            let error = open_bytes(bytes[..len].to_vec()).unwrap_err().to_string();
            assert!(
                error.starts_with("lie.pth: "),
                "{name} cut at {len}: {error}"
            );
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_read_or_refused() {
    for name in [
        "zip.pth",
        "deflated.pth",
        "legacy.pth",
        "views.pth",
        "kinds.safetensors",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                if let Ok(file) = open_bytes(bytes) {
                    for tensor in file.tensors() {
                        let _ = tensor.read();
                    }
                }
            }
        }
    }
}

/// A legacy file whose object is the given pickle, and which has no storages.
fn legacy(object: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    bytes.extend(b"\x80\x02M\xe9\x03.");
    bytes.extend(b"\x80\x02}.");
    bytes.extend(object);
    bytes.extend(b"\x80\x02].");
    bytes
}

fn refusal(object: &[u8]) -> String {
    open_bytes(legacy(object)).unwrap_err().to_string()
}

/// A pickled text.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'X'];
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

#[test]
fn an_object_that_would_run_a_program_is_named_and_not_run() {
    let place = tempfile::tempdir().unwrap();
    let trace = place.path().join("trace");
    let command = text(&format!("touch {}", trace.display()));
    let object = [b"\x80\x02cposix\nsystem\n".as_slice(), &command, b"\x85R."].concat();
    let error = refusal(&object);
    assert!(error.contains("`posix.system`"), "{error}");
    assert!(!trace.exists());
}

#[test]
fn an_object_beside_tensors_that_is_not_known_is_named() {
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".as_slice(),
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        b"K\x00tQK\x00K\x00\x85K\x01\x85\x89NtR",
    ]
    .concat();
    let object = [
        b"\x80\x02}(".as_slice(),
        &text("w"),
        &tensor,
        &text("x"),
        b"cevil\nThing\n)Ru.",
    ]
    .concat();
    let error = refusal(&object);
    assert!(
        error.contains("`x`") && error.contains("`evil.Thing`"),
        "{error}"
    );
}

#[test]
fn a_dictionary_that_holds_itself_is_refused() {
    let object = [b"\x80\x02}q\x00".as_slice(), &text("again"), b"h\x00s."].concat();
    let error = refusal(&object);
    assert!(
        error.contains("`again`") && error.contains("a circle"),
        "{error}"
    );
}

#[test]
fn a_list_that_holds_itself_is_refused() {
    let error = refusal(b"\x80\x02]q\x00h\x00a.");
    assert!(error.contains("a list without named tensors"), "{error}");
}

#[test]
fn parts_shared_without_end_are_refused() {
    // Each dictionary holds the one before it twice.
    let mut object = b"\x80\x02}q\x00".to_vec();
    for level in 0..60u8 {
        object.extend(b"0}(");
        for key in ["a", "b"] {
            object.extend(text(key));
            object.extend([b'h', level]);
        }
        object.extend([b'u', b'q', level + 1]);
    }
    object.push(b'.');
    let error = refusal(&object);
    assert!(error.contains("too many"), "{error}");
}

#[test]
fn deep_nesting_is_refused() {
    let mut object = b"\x80\x02".to_vec();
    for _ in 0..100_000 {
        object.push(b'}');
        object.extend(text("a"));
    }
    object.push(b'}');
    object.extend([b's'; 100_000]);
    object.push(b'.');
    let error = refusal(&object);
    assert!(error.contains("at most 200 objects"), "{error}");
    let mut tuples = b"\x80\x02)".to_vec();
    tuples.extend([0x85; 1_000_000]);
    tuples.push(b'.');
    assert!(refusal(&tuples).contains("a tuple without named tensors"));
}

#[test]
fn lengths_that_the_file_does_not_have_are_refused_at_their_place() {
    for object in [
        b"\x80\x02X\xff\xff\xff\xff.".as_slice(),
        b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02\x8b\xff\xff\xff\xff.",
    ] {
        let error = refusal(object);
        assert!(error.contains("the object's pickle at byte"), "{error}");
        assert!(error.contains("found the end"), "{error}");
    }
    assert!(refusal(b"\x80\x02h\x05.").contains("nothing in place 5"));
    assert!(refusal(b"\x80\x02.").contains("a value on the stack"));
    assert!(refusal(b"\x80\x02t.").contains("a mark on the stack"));
    assert!(refusal(b"\x80\x02P1\n.").contains("found `P`"));
}

/// The fixture with one run of bytes in place of another, each as long.
fn changed(name: &str, from: &[u8], to: &[u8]) -> Result<Checkpoint, FormatError> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    let at = bytes.windows(from.len()).position(|found| found == from);
    let at = at.unwrap_or_else(|| panic!("{name} does not have {from:?}"));
    bytes[at..at + to.len()].copy_from_slice(to);
    open_bytes(bytes)
}

#[test]
fn a_shape_that_its_storage_does_not_hold_is_refused_by_name() {
    // The shape (2, 1, 2, 2) and the count of 8 numbers.
    for name in ["legacy.pth", "zip.pth"] {
        let shape = changed(name, b"(K\x02K\x01K\x02K\x02t", b"(K\x02K\x01K\x7fK\x02t");
        let error = shape.unwrap_err().to_string();
        assert!(error.contains("tensor `conv.weight`"), "{error}");
        assert!(error.contains("the 8 of storage"), "{error}");
        let strides = changed(name, b"(K\x04K\x04K\x02K\x01t", b"(K\x04K\x04K\x7fK\x01t");
        assert!(
            strides
                .unwrap_err()
                .to_string()
                .contains("strides [4, 4, 127, 1]")
        );
    }
}

#[test]
fn a_storage_of_another_length_is_refused_by_name() {
    let error = changed("zip.pth", b"cpuq\x07K\x08t", b"cpuq\x07K\x09t").unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("data/0") && error.contains("32 bytes"),
        "{error}"
    );
}

#[test]
fn a_web_page_and_an_empty_file_are_said_to_be_that() {
    let page = open_bytes(b"<!DOCTYPE html><html>".to_vec()).unwrap_err();
    assert!(page.to_string().contains("a web page"), "{page}");
    let empty = open_bytes(Vec::new()).unwrap_err();
    assert!(empty.to_string().contains("the file is empty"), "{empty}");
}

/// The network of `module.pth`.
fn network() -> Graph {
    let mut graph = Graph::new(Shape::Map([2, 4, 4]));
    let convolution = Op::Conv2d {
        filters: 3,
        kernel: [2, 2],
        stride: [1, 1],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: false,
    };
    let norm = Op::BatchNorm {
        epsilon: 1e-5,
        scale: true,
    };
    graph.push("block.conv", convolution).unwrap();
    graph.push("block.bn", norm).unwrap();
    graph.push("pool", Op::GlobalAveragePool).unwrap();
    graph.push("fc", Op::Dense { units: 2 }).unwrap();
    graph
}

/// The names of its parameters are those of the file, which holds one tensor more.
fn without_kept(name: &str) -> Option<Cow<'_, str>> {
    (name != "block.kept").then_some(Cow::Borrowed(name))
}

#[test]
fn a_graph_takes_its_parameters_and_nothing_else() {
    let file = open("module.pth");
    let error = load(&file, &network(), &Loading::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`block.kept` [3] has no place"), "{error}");
    assert!(!error.contains("num_batches_tracked"), "{error}");

    let loading = Loading {
        rename: &without_kept,
        ..Loading::default()
    };
    let weights = load(&file, &network(), &loading).unwrap();
    assert_eq!(weights.get("fc.weight").unwrap().values(), counted(6));
    assert_eq!(weights.iter().count(), 7);

    let (features, top) = network().cut_at("pool").unwrap();
    let loading = Loading {
        behind_the_cut: &top.parameters(),
        ..loading
    };
    assert_eq!(load(&file, &features, &loading).unwrap().iter().count(), 5);
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    let nan = f32::NAN.to_le_bytes();
    let (four, five) = (4f32.to_le_bytes(), 5f32.to_le_bytes());
    let file = changed("module.pth", &[four, five].concat(), &[four, nan].concat()).unwrap();
    let loading = Loading {
        rename: &without_kept,
        ..Loading::default()
    };
    let error = load(&file, &network(), &loading).unwrap_err().to_string();
    assert!(error.contains("not finite"), "{error}");
}

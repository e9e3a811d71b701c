//! The embedded file is the one that `convert.py` writes, and holds the whole network.

use std::collections::BTreeSet;

use finial_efficientnet_lite0 as weights;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

fn tensors() -> Result<SafeTensors<'static>, SafeTensorError> {
    SafeTensors::deserialize(weights::WEIGHTS)
}

/// Name and shape of each tensor, written out from the architecture.
fn expected() -> BTreeSet<(String, Vec<usize>)> {
    // Expansion, kernel, input and output channels, repeats; the first of the repeats has the
    // stated input, the others have the output's width on both sides.
    const STAGES: [(usize, usize, usize, usize, usize); 7] = [
        (1, 3, 32, 16, 1),
        (6, 3, 16, 24, 2),
        (6, 5, 24, 40, 2),
        (6, 3, 40, 80, 3),
        (6, 5, 80, 112, 3),
        (6, 5, 112, 192, 4),
        (6, 3, 192, 320, 1),
    ];
    let mut all = BTreeSet::new();
    let mut convolution = |path: String, shape: [usize; 4], norm: String| {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            all.insert((format!("{norm}.{part}"), vec![shape[0]]));
        }
        all.insert((format!("{path}.weight"), shape.to_vec()));
    };
    convolution("_conv_stem".into(), [32, 3, 3, 3], "_bn0".into());
    let mut index = 0;
    for (expansion, kernel, first, output, repeats) in STAGES {
        for repeat in 0..repeats {
            let input = if repeat == 0 { first } else { output };
            let wide = input * expansion;
            let block = format!("_blocks.{index}");
            if expansion != 1 {
                convolution(
                    format!("{block}._expand_conv"),
                    [wide, input, 1, 1],
                    format!("{block}._bn0"),
                );
            }
            convolution(
                format!("{block}._depthwise_conv"),
                [wide, 1, kernel, kernel],
                format!("{block}._bn1"),
            );
            convolution(
                format!("{block}._project_conv"),
                [output, wide, 1, 1],
                format!("{block}._bn2"),
            );
            index += 1;
        }
    }
    convolution(
        "_conv_head".into(),
        [weights::FEATURES, 320, 1, 1],
        "_bn1".into(),
    );
    all.insert((
        "_fc.weight".into(),
        vec![weights::CLASSES, weights::FEATURES],
    ));
    all.insert(("_fc.bias".into(), vec![weights::CLASSES]));
    all
}

#[test]
fn the_file_is_the_one_whose_hash_is_stated() {
    let found = blake3::hash(weights::WEIGHTS).to_hex();
    assert_eq!(found.as_str(), weights::WEIGHTS_BLAKE3);
}

#[test]
fn the_file_stays_below_ten_megabytes() {
    assert!(weights::WEIGHTS.len() <= 10_000_000);
}

#[test]
fn names_and_shapes_are_those_of_the_architecture() {
    let found: BTreeSet<_> = tensors()
        .unwrap()
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
        .collect();
    assert_eq!(found, expected());
    assert_eq!(found.len(), 247);
}

/// A tensor's values, whichever precision it is stored in.
fn values(tensor: &TensorView<'_>) -> Vec<f32> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F16 => data
            .chunks_exact(2)
            .map(|bytes| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
            .collect(),
        _ => data
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect(),
    }
}

#[test]
fn large_tensors_are_of_half_precision_and_small_ones_of_full() {
    for (name, tensor) in tensors().unwrap().iter() {
        let count: usize = tensor.shape().iter().product();
        let expected = if count < 2048 { Dtype::F32 } else { Dtype::F16 };
        assert_eq!(tensor.dtype(), expected, "{name}");
    }
}

#[test]
fn every_value_is_finite_and_no_variance_is_negative() {
    for (name, tensor) in tensors().unwrap().iter() {
        let lowest = if name.ends_with(".running_var") {
            0.0
        } else {
            f32::MIN
        };
        for value in values(&tensor) {
            assert!(value.is_finite() && value >= lowest, "{name} holds {value}");
        }
    }
}

#[test]
fn tensor_data_starts_at_a_multiple_of_eight_bytes() {
    let (header, _) = SafeTensors::read_metadata(weights::WEIGHTS).unwrap();
    assert_eq!(weights::WEIGHTS.as_ptr().addr() % 8, 0);
    assert_eq!(header % 8, 0);
}

#[test]
fn the_header_states_the_same_facts_as_the_constants() {
    let (_, metadata) = SafeTensors::read_metadata(weights::WEIGHTS).unwrap();
    let facts = metadata.metadata().as_ref().unwrap();
    let [channels, height, width] = weights::INPUT;
    assert_eq!(facts["source"], weights::SOURCE);
    assert_eq!(facts["source_sha256"], weights::SOURCE_SHA256);
    assert_eq!(facts["licence"], weights::LICENCE);
    assert_eq!(facts["input"], format!("{channels},{height},{width}"));
    assert_eq!(facts["mean"], weights::MEAN.to_string());
    assert_eq!(facts["std"], weights::STD.to_string());
    assert_eq!(
        facts["batch_norm_epsilon"],
        weights::BATCH_NORM_EPSILON.to_string()
    );
}

//! Tensors of real checkpoints, listed by `golden/make_names.py`, are the parameters of the
//! backbones that they are for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs;

use finial_formats::Naming;
use finial_graph::Parameter;
use finial_graph::backbones::Backbone;

/// Backbone, library, and the tensors by name.
type List = (String, String, Vec<(String, Vec<usize>)>);

fn lists() -> Vec<List> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/names");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let list = files.map(|path| {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (backbone, library) = stem.rsplit_once('.').unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let tensors = text.lines().map(|line| {
            let (name, shape) = line.split_once(' ').unwrap();
            let dims = shape.split('x').filter(|dim| !dim.is_empty());
            (
                name.to_owned(),
                dims.map(|dim| dim.parse().unwrap()).collect(),
            )
        });
        (backbone.to_owned(), library.to_owned(), tensors.collect())
    });
    let lists: Vec<List> = list.collect();
    assert!(lists.len() > 10);
    lists
}

fn by_name(parameters: Vec<Parameter>) -> BTreeMap<String, Vec<usize>> {
    parameters
        .into_iter()
        .map(|p| (p.name, long(&p.shape)))
        .collect()
}

/// Without the axes of one, which do not matter to what a tensor is.
fn long(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&dim| dim != 1).collect()
}

fn naming(list: &List) -> Naming {
    let backbone = Backbone::named(&list.0).unwrap();
    let parameters = backbone.classifier().unwrap().parameters();
    let tensors = list.2.iter().map(|(name, _)| name.as_str());
    Naming::of(backbone.name, &parameters, tensors)
}

#[test]
fn every_parameter_of_the_features_is_found_in_its_shape_and_no_tensor_is_left_over() {
    for list in lists() {
        let (name, library, tensors) = &list;
        let backbone = Backbone::named(name).unwrap();
        let features = by_name(backbone.without_top().unwrap().parameters());
        let whole = by_name(backbone.classifier().unwrap().parameters());
        let naming = naming(&list);
        let counted = tensors
            .iter()
            .filter(|(t, _)| !t.ends_with("num_batches_tracked"));
        let mut found = BTreeMap::new();
        for (tensor, shape) in counted {
            let Some(parameter) = naming.parameter(tensor) else {
                continue;
            };
            assert!(
                whole.contains_key(&*parameter),
                "{name}, {library}: {tensor} is {parameter}"
            );
            let before = found.insert(parameter.into_owned(), long(shape));
            assert_eq!(before, None, "{name}, {library}: {tensor}");
        }
        for (parameter, shape) in &features {
            assert_eq!(
                found.get(parameter),
                Some(shape),
                "{name}, {library}: {parameter}"
            );
        }
    }
}

#[test]
fn the_library_is_told_by_the_names() {
    let by_timm = ["convnext", "efficientnet", "mobilenet", "vgg"];
    for list in lists() {
        let is_timm = list.1 == "timm" && by_timm.iter().any(|family| list.0.starts_with(family));
        assert_eq!(
            naming(&list).library == "timm",
            is_timm,
            "{} {}",
            list.0,
            list.1
        );
    }
}

#[test]
fn tensors_that_only_training_needs_are_left_out() {
    let naming = |backbone| Naming::of(backbone, &[], []);
    let inception = naming("inception-v3-torchvision");
    assert_eq!(inception.parameter("AuxLogits.fc.weight"), None);
    assert_eq!(naming("dinov2-small-14").parameter("mask_token"), None);
    assert!(
        naming("vgg16-torchvision")
            .parameter("mask_token")
            .is_some()
    );
}

#[test]
fn what_wraps_a_network_trained_on_several_devices_is_no_part_of_a_name() {
    let naming = Naming::of("resnet18", &[], []);
    assert_eq!(
        naming.parameter("module.fc.bias").as_deref(),
        Some("fc.bias")
    );
    assert_eq!(naming.parameter("fc.bias").as_deref(), Some("fc.bias"));
}

#[test]
fn a_name_of_no_library_is_left_as_it_is() {
    let tensors = ["stem.0.weight"];
    let parameters = [Parameter {
        name: "features.0.0.weight".into(),
        shape: vec![96, 3, 4, 4],
    }];
    let naming = Naming::of("convnext-tiny-torchvision", &parameters, tensors);
    assert_eq!(naming.library, "timm");
    for name in [
        "stages.300.downsample.0.weight",
        "stages.x.blocks.0.gamma",
        "",
        ".",
        "stem",
    ] {
        assert_eq!(naming.parameter(name).as_deref(), Some(name));
    }
}

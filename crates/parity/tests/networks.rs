//! Every backbone beside its original: the same weights, read from the publisher's kind of file,
//! and the same images must give the same features.

use std::path::Path;

use finial_formats::load_backbone;
use finial_graph::backbones::{BACKBONES, Backbone};
use finial_graph::{Graph, Op, Shape, Weights};
use finial_parity::{Failure, Reference, TOLERANCE, deviation, first_difference, folder, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = BACKBONES
        .iter()
        .map(|backbone| trial("networks", backbone.name, agrees))
        .collect();
    // With the classifier, at the size that they were published for.
    for name in ["vgg16", "resnet50", "inception-v3"] {
        trials.push(trial("full-size", name, agrees));
    }
    // Networks of torchvision under timm's names.
    for name in [
        "vgg16-torchvision",
        "resnet18",
        "resnet50-torchvision",
        "inception-v3-torchvision",
        "mobilenet-v2-torchvision",
        "densenet121-torchvision",
        "efficientnet-b0-torchvision",
        "efficientnet-b3-torchvision",
        "convnext-tiny-torchvision",
    ] {
        trials.push(trial("as-timm", name, agrees));
    }
    // Real weights.
    for name in [
        "squeezenet1.1-keras",
        "efficientnet-lite1",
        "efficientnet-lite2",
    ] {
        trials.push(trial("packaged", name, sees_the_same));
    }
    trials.push(trial("packaged", "mobilenet-v2-torchvision", agrees));
    libtest_mimic::run(&arguments, trials).exit();
}

/// One comparison; ignored unless asked for, since it needs the references.
fn trial(
    kind: &'static str,
    name: &'static str,
    check: fn(&Backbone, &Reference) -> Result<(), Failure>,
) -> Trial {
    let compare = move || {
        let backbone = Backbone::named(name).ok_or("there is no such backbone")?;
        let reference = Reference::open(&folder(kind).join(name)).map_err(failed)?;
        check(backbone, &reference).map_err(failed)
    };
    Trial::test(format!("{kind}::{name}"), compare).with_ignored_flag(true)
}

fn failed(failure: Failure) -> Failed {
    Failed::from(failure.to_string())
}

/// Features and, if the original was run to its end, what follows them.
fn agrees(backbone: &Backbone, reference: &Reference) -> Result<(), Failure> {
    let classifier = backbone.classifier()?.resized(reference.size())?;
    let (features, top) = classifier.cut_at(backbone.features)?;
    let main = &reference.main_file()?;
    let files = reference.files()?;

    let top = top.parameters();
    let weights = load_backbone(main, backbone, &features, &top)?;
    let apart = compare("features", &features, &weights, reference)?;
    let mut line = format!("{:32} features {apart:.1e}", backbone.name);
    if reference.tensor("pooled").is_some() {
        let apart = compare("pooled", &pooled(&features)?, &weights, reference)?;
        line += &format!(", pooled {apart:.1e}");
    }
    if reference.tensor("output").is_some() {
        let weights = load_backbone(main, backbone, &classifier, &[])?;
        let apart = compare("output", &classifier, &weights, reference)?;
        line += &format!(", output {apart:.1e}");
    }
    for other in files.iter().filter(|file| *file != main) {
        let found = load_backbone(other, backbone, &features, &top)?;
        same(&found, &weights, other)?;
    }
    println!("{line}, {} files", files.len());
    Ok(())
}

/// The features as one vector: what a network without its top gives with `pooling="avg"`.
fn pooled(features: &Graph) -> Result<Graph, Failure> {
    let mut graph = features.clone();
    if let Shape::Map(_) = graph.output_shape() {
        graph.push("pooled", Op::GlobalAveragePool)?;
    }
    Ok(graph)
}

/// Compares the end of a network.
fn compare(
    what: &str,
    graph: &Graph,
    weights: &Weights,
    reference: &Reference,
) -> Result<f32, Failure> {
    let (_, expected) = reference.tensor(what).ok_or(format!("no `{what}`"))?;
    let found = run(graph, weights, reference.images())?;
    let apart = deviation(&found, &expected);
    match apart {
        Ok(apart) if apart <= TOLERANCE => Ok(apart),
        _ => {
            let apart = apart.map_or_else(|why| why.to_string(), |apart| format!("{apart:.1e}"));
            let first = first_difference(graph, weights, reference)?;
            Err(format!("{what} differ by {apart}, more than {TOLERANCE}: {first}").into())
        }
    }
}

/// Every form of the same weights gives the same numbers.
fn same(found: &Weights, expected: &Weights, file: &Path) -> Result<(), Failure> {
    for (name, tensor) in expected.iter() {
        let other = found
            .get(name)
            .ok_or(format!("{}: no `{name}`", file.display()))?;
        if other.values() != tensor.values() || other.shape() != tensor.shape() {
            return Err(format!("{}: `{name}` has other numbers", file.display()).into());
        }
    }
    Ok(())
}

/// The five most probable classes of each picture, in their order.
fn sees_the_same(backbone: &Backbone, reference: &Reference) -> Result<(), Failure> {
    agrees(backbone, reference)?;
    let graph = backbone.classifier()?;
    let weights = load_backbone(&reference.main_file()?, backbone, &graph, &[])?;
    let found = run(&graph, &weights, reference.images())?;
    let (shape, expected) = reference.tensor("output").ok_or("no `output`")?;
    let classes = shape.last().copied().ok_or("no classes")?;
    let pictures = found.chunks(classes).zip(expected.chunks(classes));
    for (number, (found, expected)) in pictures.enumerate() {
        let (found, expected) = (top_5(found), top_5(expected));
        if found != expected {
            return Err(format!("picture {number}: {found:?}, expected {expected:?}").into());
        }
    }
    Ok(())
}

fn top_5(probabilities: &[f32]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    classes.truncate(5);
    classes
}

//! The training of the network from a layer on, with its head.

use std::collections::HashMap;

use finial_engine::{AdamWOptions, Precision};
use finial_graph::{Graph, Op};
use finial_report::format;
use finial_store::FeatureStore;
use finial_task::{Targets, near_names};

use super::feeds::Feeds;
use super::{TuneFrom, TuneOptions, Tuned};
use crate::checkpoint::Keeper;
use crate::course::{Course, Lessons, Phase};
use crate::extract::Extractor;
use crate::fit::Fit;
use crate::head::{Head, LOGITS};
use crate::loss::LossShape;
use crate::prepare::{Prepared, TrainOptions};
use crate::schedule::Schedule;
use crate::{LearnError, Progress};

/// The rate of the network's first block, as a share of the last one's.
const LEAST: f64 = 0.1;
/// The head's rate, times the last block's.
pub(super) const HEAD: f64 = 3.0;
/// Memory that a part of a step may take in the network, as far as it is known beforehand.
const PART_BYTES: usize = 192 << 20;
/// What a number in the network takes in training: itself, its gradient, and one between.
const BYTES_OF_NUMBER: usize = 3 * size_of::<f32>();
/// Images of a part, at the most.
const PART: usize = 8;

/// What a fine-tuning starts from.
pub(crate) struct Start<'a> {
    pub options: &'a TuneOptions,
    pub run: &'a TrainOptions,
    pub prepared: &'a Prepared,
    pub head: &'a Head,
    /// The trained head.
    pub fit: &'a Fit,
    /// Rows and standardised targets to learn from.
    pub train: (&'a [usize], &'a Targets),
    /// And to judge by.
    pub validation: (&'a [usize], &'a Targets),
    pub loss: &'a LossShape,
}

/// Trains the network from a layer on, together with its head.
///
/// # Errors
/// There is no such layer, nothing behind it can be trained, an image has changed, the settings
/// cannot work, or the device failed.
pub(crate) fn tune(
    start: &Start,
    store: Option<&FeatureStore>,
    keeper: &mut Keeper,
    progress: &dyn Progress,
) -> Result<Tuned, LearnError> {
    let Start {
        options,
        run,
        prepared,
        ..
    } = *start;
    let cut = place(&options.from, &prepared.frozen)?;
    let (before, behind) = prepared.frozen.cut_at(&cut)?;
    let parameters = count(&behind);
    if parameters == 0 {
        return Err(LearnError::Setting {
            expected: "a layer to fine-tune from that has weights behind it",
            found: options.from.to_string(),
        });
    }
    let mut graph = behind;
    graph.join(start.head.graph().cut_at(LOGITS)?.0)?;
    let multiplied = match prepared.engine.choice.precision {
        Precision::Bf16 => ", multiplied in bf16",
        Precision::F32 => "",
    };
    progress.say(&format!(
        "fine-tuning from `{cut}` on: {} of the network's {} weights, with the head{multiplied}",
        format::count(parameters),
        format::count(count(&prepared.frozen)),
    ));

    let extractor = match count(&before) {
        0 => None,
        _ => Some(Extractor::new(
            &before,
            &prepared.backbone.weights,
            prepared.backbone.fit,
            store,
            &run.device,
            run.engine,
            progress,
        )?),
    };
    let feeds = Feeds {
        start,
        before: &before,
        extractor,
        progress,
    };
    let wanted = start.train.0.len() + start.validation.0.len();
    let stored = feeds.fit_on_disk(wanted);
    let train = feeds.of(start.train.0, stored, run.augmentation.as_ref())?;
    let validation = feeds.of(start.validation.0, stored, None)?;
    let train_rows: Vec<usize> = (0..start.train.0.len()).collect();
    let validation_rows: Vec<usize> = (0..start.validation.0.len()).collect();

    let mut initial = prepared.backbone.weights.clone();
    initial.extend(start.fit.weights.clone());
    let rates = rates(&prepared.frozen, options.rate);
    let course = Course {
        phase: Phase::FineTuning,
        task: start.head.task(),
        graph: &graph,
        train: Lessons {
            feed: train.feed(),
            rows: &train_rows,
            targets: start.train.1,
            loss: start.loss,
        },
        validation: Lessons {
            feed: validation.feed(),
            rows: &validation_rows,
            targets: start.validation.1,
            loss: start.loss,
        },
        seed: run.fit.seed,
        epochs: options.epochs,
        patience: options.patience.unwrap_or(options.epochs),
        batch: options.batch,
        part: images_within(&graph).min(options.batch),
        optimiser: AdamWOptions {
            weight_decay: options.weight_decay,
            clip: Some(options.clip),
            ..AdamWOptions::default()
        },
        rate: &|name| rates.get(name).copied().unwrap_or(HEAD * options.rate),
        schedule: Schedule::WarmupCosine {
            warmup: options.warmup,
        },
        mixup: run.fit.mixup,
        counts_start: true,
        calibrates: run.certainty.calibrate && start.loss.is_plain(),
        device: &prepared.device,
        precision: start.prepared.engine.choice.precision,
    };
    let fit = course.run(&initial, keeper, progress)?;
    let tuned = Tuned {
        options: options.clone(),
        cut,
        parameters,
        stored: stored && run.augmentation.is_none(),
        before: fit.start_loss.unwrap_or(f64::NAN),
        fit,
    };
    progress.say(&tuned.in_words());
    Ok(tuned)
}

/// The node behind which everything is trained.
fn place(from: &TuneFrom, network: &Graph) -> Result<String, LearnError> {
    let input = network.nodes().first().map_or("", |node| &node.name);
    let cut = match from {
        TuneFrom::All => input,
        TuneFrom::LastBlock => network.last_block(),
        TuneFrom::Layer(layer) => {
            let unknown = || LearnError::NothingToTune {
                found: layer.clone(),
                nearest: near_layers(layer, network),
            };
            network.cut_before(layer).ok_or_else(unknown)?
        }
    };
    // Nothing to be frozen is nothing to be kept: images are read as they are.
    Ok(match count(&network.cut_at(cut)?.0) {
        0 => input.to_owned(),
        _ => cut.to_owned(),
    })
}

/// Names like that of a layer: of nodes with weights, and of the groups that they are in.
fn near_layers(layer: &str, network: &Graph) -> Vec<String> {
    let weighs = |node: &&finial_graph::Node| !network.parameters_of(node).is_empty();
    let mut names: Vec<&str> = Vec::new();
    for node in network.nodes().iter().filter(weighs) {
        let ends = node.name.match_indices(['.', '_', '/']);
        names.extend(ends.filter_map(|(at, _)| node.name.get(..at)));
        names.push(&node.name);
    }
    names.sort_unstable();
    names.dedup();
    let near = near_names(layer, names);
    near.into_iter().map(str::to_owned).collect()
}

/// Numbers that training moves: all but what was measured of the training images.
pub(super) fn count(graph: &Graph) -> usize {
    let learned = graph.nodes().iter();
    let learned = learned.filter(|node| !matches!(node.op, Op::Normalize));
    let learned = learned.flat_map(|node| graph.parameters_of(node));
    let learned = learned.filter(|parameter| !parameter.name.contains(".running_"));
    learned.map(|p| p.shape.iter().product::<usize>()).sum()
}

/// The rate of each parameter: that of the last block, and less the nearer it is to the image.
pub(super) fn rates(network: &Graph, last: f64) -> HashMap<String, f64> {
    let blocks = network.blocks();
    let most = blocks.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut rates = HashMap::new();
    for (node, block) in network.nodes().iter().zip(blocks) {
        let rate = last * LEAST.powf(1.0 - block as f64 / most);
        for parameter in network.parameters_of(node) {
            rates.insert(parameter.name, rate);
        }
    }
    rates
}

/// Images of which a network holds no more in training than a part of a step may take.
fn images_within(graph: &Graph) -> usize {
    let shapes = graph.nodes().iter().map(|node| graph.shape_of(&node.name));
    let numbers: usize = shapes
        .map(|shape| shape.map_or(0, |shape| shape.len()))
        .sum();
    (PART_BYTES / (numbers.max(1) * BYTES_OF_NUMBER)).clamp(1, PART)
}

#[cfg(test)]
mod tests {
    use finial_graph::Shape;

    use super::*;

    fn network() -> Graph {
        let convolution = |filters| Op::Conv2d {
            filters,
            kernel: [1; 2],
            stride: [1; 2],
            padding: finial_graph::Padding::Same,
            dilation: [1; 2],
            groups: 1,
            bias: true,
        };
        let mut graph = Graph::new(Shape::Map([3, 4, 4]));
        graph.push("stem", convolution(4)).unwrap();
        for block in ["block1", "block2"] {
            let from = graph.output().to_owned();
            graph.push(format!("{block}.conv"), convolution(4)).unwrap();
            graph.push(format!("{block}.relu"), Op::Relu).unwrap();
            let last = graph.output().to_owned();
            graph
                .push_after(format!("{block}.add"), Op::Add, &[&last, &from])
                .unwrap();
        }
        graph
    }

    #[test]
    fn everything_from_a_layer_on_is_behind_the_cut() {
        let graph = network();
        let at = |from: &str| place(&from.parse().unwrap(), &graph);
        assert_eq!(at("last-block").unwrap(), "block1.add");
        assert_eq!(at("block2").unwrap(), "block1.add");
        assert_eq!(at("block1").unwrap(), "stem");
        assert_eq!(at("all").unwrap(), "input");
        // Nothing would stay frozen.
        assert_eq!(at("stem").unwrap(), "input");
        let error = at("blok2").unwrap_err();
        assert!(
            matches!(&error, LearnError::NothingToTune { nearest, .. } if nearest[0] == "block2"),
            "{error}"
        );
    }

    #[test]
    fn deeper_layers_have_lower_rates() {
        let rates = rates(&network(), 1e-3);
        let of = |name: &str| rates[name];
        assert!((of("block2.conv.weight") - 1e-3).abs() < 1e-12);
        assert!((of("stem.weight") - 1e-4).abs() < 1e-12);
        let between = of("block1.conv.bias");
        assert!(between > 2e-4 && between < 5e-4, "{between}");
    }
}

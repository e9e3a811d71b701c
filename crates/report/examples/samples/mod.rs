//! Made-up reports, one for each kind of task, and some that try to break the page.

mod binary;
pub mod hostile;
mod multi_class;
mod multi_label;
mod noise;
mod regression;

use finial_report::{Command, Epoch, Fact, Layer, LayerRole, Report, Training};
use noise::Noise;

/// Every sample with a name for its file.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("multi-class", multi_class::report()),
        ("binary", binary::report()),
        ("multi-label", multi_label::report()),
        ("regression", regression::report()),
        ("many-classes", multi_class::many_classes()),
        ("doubtful", multi_class::doubtful()),
        ("evaluation", binary::evaluation()),
        ("hostile", hostile::report()),
        ("minimal", minimal()),
    ]
}

/// A report with nothing but a title and a task.
pub fn minimal() -> Report {
    Report {
        title: "Which flower is it?".into(),
        task: finial_report::Task {
            kind: "multi-class".into(),
            reason: "Every image lies in exactly one of 5 folders.".into(),
            ..finial_report::Task::default()
        },
        ..Report::default()
    }
}

fn backbone() -> Layer {
    Layer {
        name: "EfficientNet-Lite0".into(),
        kind: "backbone, up to its average pooling".into(),
        output_shape: vec![1280],
        parameters: 3_372_256,
        role: LayerRole::Frozen,
    }
}

fn layers(units: usize) -> Vec<Layer> {
    vec![
        backbone(),
        Layer {
            name: "dropout".into(),
            kind: "dropout 0.2 — in training, leaves out 20\u{a0}% of the numbers at random".into(),
            output_shape: vec![1280],
            parameters: 0,
            role: LayerRole::Trained,
        },
        Layer {
            name: "output".into(),
            kind: "dense — one weighted sum of the features for each unit".into(),
            output_shape: vec![units],
            parameters: 1280 * units + units,
            role: LayerRole::Final,
        },
    ]
}

/// A training that falls, then overfits a little.
fn training(start: f64, floor: f64, best: usize, noise: &mut Noise) -> Training {
    let epochs = (1..=best + 8)
        .map(|epoch| {
            let t = epoch as f64;
            let fall = (-t / (best as f64 / 3.5)).exp();
            let rise = 0.004 * (t - best as f64).max(0.0);
            Epoch {
                epoch,
                train_loss: Some(floor * 0.55 + (start - floor) * fall),
                validation_loss: Some(
                    floor + (start - floor) * 0.9 * fall + rise + 0.006 * noise.normal(),
                ),
            }
        })
        .collect();
    Training {
        epochs,
        best_epoch: Some(best),
        stopped: "Training ended because the validation loss had not improved for 8 epochs.".into(),
        seconds: 41.7,
        seed: 17,
        settings: vec![
            Fact::new("optimizer", "AdamW, weight decay 0.0001"),
            Fact::new("learning rate", "0.001, cosine decay"),
            Fact::new("batch size", "64 images"),
            Fact::new("patience", "8 epochs"),
        ],
        rate_range: None,
    }
}

fn provenance() -> Vec<Fact> {
    vec![
        Fact::new(
            "data fingerprint",
            "blake3 6f1ed002ab5595859014ebf0951522d9a1f0b3a3c5d0f2c1e7a9d5d4c3b2a190",
        ),
        Fact::new("backbone", "EfficientNet-Lite0, cut at its average pooling"),
        Fact::new(
            "weights fingerprint",
            "sha256 0c4f3a1be1b46a3bb86f1c6d5c1f6e0a7d3c2b1a09f8e7d6c5b4a39281706f5e",
        ),
        Fact::new("finial", "0.1.0"),
        Fact::new("device", "processor, 8 threads"),
        Fact::new("seed", "17"),
    ]
}

fn usage(model: &str, data: &str) -> Vec<Command> {
    vec![
        Command {
            purpose: "Ask the model about new images".into(),
            line: format!("finial predict {model} new-images/"),
        },
        Command {
            purpose: "Measure it on other images with labels".into(),
            line: format!("finial evaluate {model} {data}"),
        },
        Command {
            purpose: "Train it again, the same way".into(),
            line: format!("finial train {data} --out {model} --seed 17"),
        },
    ]
}

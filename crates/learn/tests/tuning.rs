//! Fine-tuning as a whole: what is trained, what stays, and what is kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use finial_graph::Weights;
use finial_graph::backbones::Backbone;
use finial_learn::pretrained::BackboneOptions;
use finial_learn::{
    Augmentation, CheckpointOptions, EngineOptions, EvaluateOptions, LearnError, Mixup, Model,
    Predictor, Progress, Quiet, Reserved, Stage, TrainOptions, Trained, TuneFrom, TuneOptions,
    evaluate, train,
};

/// Options for a head that learns too little, so that there is something left to tune.
fn options(data: &Path, backbone: &str) -> TrainOptions {
    let mut options = support::options(data).backbone(backbone);
    options.fit.epochs = 2;
    options.tune = Some(TuneOptions {
        epochs: 4,
        patience: Some(4),
        rate: 3e-3,
        batch: 8,
        ..TuneOptions::new(TuneFrom::LastBlock)
    });
    options
}

fn tuning(options: &mut TrainOptions) -> &mut TuneOptions {
    options.tune.as_mut().unwrap()
}

fn run(options: &TrainOptions) -> Trained {
    train(options, None, &Quiet).unwrap()
}

fn keras(folder: &Path) -> String {
    let (graph, weights) = support::residual_network();
    let path = folder.join("small.keras");
    let options = finial_formats::keras::ExportOptions::default();
    finial_formats::keras::export(&graph, &weights, &options, &path).unwrap();
    path.display().to_string()
}

/// Photos and a network in a file.
fn set_up(count: u32) -> (tempfile::TempDir, PathBuf, String) {
    let scratch = tempfile::tempdir().unwrap();
    let photos = scratch.path().join("photos");
    support::class_folders(&photos, &["a", "b", "c"], count);
    let network = keras(scratch.path());
    (scratch, photos, network)
}

/// Which parameters of the network differ from those of the file.
fn moved(before: &Weights, trained: &Trained) -> Vec<String> {
    let after = trained.model.weights();
    let differs = |(name, tensor): &(&str, &finial_graph::Tensor)| {
        after.get(name).is_some_and(|now| now != *tensor)
    };
    let moved = before.iter().filter(differs);
    moved.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn only_what_lies_behind_the_cut_moves_and_running_statistics_never_do() {
    let (_scratch, photos, network) = set_up(10);
    let (_, before) = support::residual_network();
    let of = |from: &str| {
        let mut options = options(&photos, &network);
        tuning(&mut options).from = from.parse().unwrap();
        let trained = run(&options);
        assert!(trained.tuned.as_ref().unwrap().is_better(), "{from}");
        moved(&before, &trained)
    };
    let block = |number| {
        ["conv.weight", "norm.bias", "norm.weight"].map(|part| format!("block{number}_{part}"))
    };
    assert_eq!(of("last-block"), block(2));
    assert_eq!(of("block2"), block(2));
    let mut all = [block(1), block(2)].concat();
    assert_eq!(of("block1"), all);
    all.push("stem.weight".to_owned());
    assert_eq!(of("all"), all);
}

#[test]
fn a_tuned_model_is_whole_and_answers_alike_wherever_it_is_used() {
    let (scratch, photos, network) = set_up(12);
    let mut trained = run(&options(&photos, &network));
    let folder = scratch.path().join("model");
    trained.save(Reserved::new(&folder).unwrap()).unwrap();
    // Nothing but the folder is needed.
    fs::remove_file(&network).unwrap();
    let model = Model::load(&folder).unwrap();
    assert_eq!(model, trained.model);
    let part = model.provenance().tuned.as_ref().unwrap();
    assert_eq!(part.options.from, TuneFrom::LastBlock);
    assert!(part.best_epoch > 0);
    let evaluated = evaluate(
        &EvaluateOptions {
            model: folder.clone(),
            data: photos.clone(),
            label_columns: Vec::new(),
            image_column: None,
            include_seen: false,
            allow_unreadable: false,
            device: "cpu".to_owned(),
            engine: EngineOptions::default(),
        },
        None,
        &Quiet,
    );
    assert_eq!(evaluated.unwrap().scores, trained.test);
    // An export is the tuned network: imported again, it has the tuned weights.
    let file = scratch.path().join("tuned.onnx");
    model
        .export(finial_learn::ExportFormat::Onnx, &file)
        .unwrap();
    let again = finial_formats::import(&file, &finial_formats::ImportOptions::default());
    let again = again.unwrap().weights;
    let values = |weights: &Weights| {
        let all = weights
            .iter()
            .flat_map(|(_, tensor)| tensor.values().to_vec());
        let mut all: Vec<f32> = all.collect();
        all.sort_unstable_by(f32::total_cmp);
        all
    };
    assert_eq!(values(&again), values(model.weights()));
    Predictor::new(model, "cpu")
        .unwrap()
        .predict(&photos.join("a/0.png"))
        .unwrap();
    let report = finial_report::render(&trained.report).unwrap();
    assert!(report.contains("fine-tuned from") && report.contains("block1_add"));
}

#[test]
fn networks_from_onnx_and_from_pytorch_weights_are_tuned_like_others() {
    let (scratch, photos, _) = set_up(8);
    let (graph, weights) = support::residual_network();
    let onnx = scratch.path().join("small.onnx");
    let description = finial_formats::onnx::Description {
        input: finial_formats::onnx::Input::Rgb8,
        output: "classes".to_owned(),
        task: None,
        classes: Vec::new(),
        thresholds: Vec::new(),
    };
    finial_formats::onnx::export(&graph, &weights, &description, &onnx).unwrap();
    let tuned = run(&options(&photos, onnx.to_str().unwrap()))
        .tuned
        .unwrap();
    assert!(
        tuned.is_better() && tuned.parameters == 8 * 8 * 9 + 16,
        "{tuned:?}"
    );

    let file = scratch.path().join("squeezenet.safetensors");
    let backbone = Backbone::named("squeezenet1.1").unwrap();
    let all = support::filled(&backbone.classifier().unwrap());
    fs::write(&file, all.to_safetensors().unwrap()).unwrap();
    let mut options = options(&photos, "squeezenet1.1");
    options.backbone = BackboneOptions {
        image_size: Some([48, 48]),
        ..BackboneOptions::from("squeezenet1.1").weights(Some(&file))
    };
    tuning(&mut options).epochs = 1;
    let tuned = run(&options).tuned.unwrap();
    assert!(tuned.cut.starts_with("features.12"), "{}", tuned.cut);
    assert_eq!(tuned.fit.curve.len(), 1);
}

#[test]
fn where_tuning_is_no_better_the_head_is_kept_and_that_is_said() {
    let (_scratch, photos, network) = set_up(8);
    let mut harmful = options(&photos, &network);
    harmful.fit.epochs = 40;
    tuning(&mut harmful).rate = 30.0;
    tuning(&mut harmful).patience = Some(1);
    let tuned = run(&harmful);
    let found = tuned.tuned.as_ref().unwrap();
    assert!(!found.is_better(), "{found:?}");
    let mut alone = harmful.clone();
    alone.tune = None;
    assert_eq!(run(&alone).model.weights(), tuned.model.weights());
    assert!(found.in_words().contains("left as it was"));
    assert!(
        tuned
            .report
            .training
            .unwrap()
            .stopped
            .contains("left as it was")
    );
}

#[test]
fn what_does_not_fit_the_disk_budget_is_said_and_computed_again() {
    struct Heard(std::sync::Mutex<Vec<String>>);
    impl Progress for Heard {
        fn begin(&self, _: Stage, _: u64) {}
        fn advance(&self, _: u64, _: &str) {}
        fn end(&self) {}
        fn say(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }
    let (_scratch, photos, network) = set_up(8);
    let mut options = options(&photos, &network);
    // The same engine for both: bits differ from one to the other.
    options.engine.engine = Some(finial_engine::Engine::Burn);
    let stored = run(&options);
    assert!(stored.tuned.as_ref().unwrap().stored);
    tuning(&mut options).disk_budget = 1000;
    let heard = Heard(std::sync::Mutex::default());
    let live = train(&options, None, &heard).unwrap();
    assert!(!live.tuned.as_ref().unwrap().stored);
    let said = heard.0.lock().unwrap().join("\n");
    assert!(said.contains("more than the disk budget"), "{said}");
    assert_eq!(stored.model.weights(), live.model.weights());
}

#[test]
fn changed_images_and_mixtures_are_drawn_from_the_seed() {
    let (_scratch, photos, network) = set_up(8);
    let mut options = options(&photos, &network);
    options.augmentation = Some(Augmentation::default());
    options.views = 3;
    options.fit.mixup = Some(Mixup { alpha: 0.4 });
    tuning(&mut options).epochs = 2;
    let (one, two) = (run(&options), run(&options));
    assert_eq!(one.model.weights(), two.model.weights());
    assert_eq!(one.fit.curve, two.fit.curve);
    options.augmentation = Some(Augmentation {
        flip: false,
        ..Augmentation::default()
    });
    assert_ne!(run(&options).fit.curve, one.fit.curve);
}

#[test]
fn an_unknown_layer_is_answered_with_near_names() {
    let (_scratch, photos, network) = set_up(8);
    let mut options = options(&photos, &network);
    tuning(&mut options).from = TuneFrom::Layer("blok2".to_owned());
    let error = train(&options, None, &Quiet).err().unwrap();
    assert!(
        error.to_string().contains("near names are block2"),
        "{error}"
    );
    tuning(&mut options).from = TuneFrom::Layer("block2_relu".to_owned());
    // Inside a block: all of the block is tuned.
    assert_eq!(run(&options).tuned.unwrap().cut, "block1_add");
}

#[test]
fn a_checkpoint_is_not_overwritten_and_not_taken_for_another_run() {
    let (scratch, photos, network) = set_up(8);
    let mut options = options(&photos, &network);
    let model = scratch.path().join("model");
    let checkpoint = CheckpointOptions {
        every: std::time::Duration::ZERO,
        ..CheckpointOptions::beside(&model)
    };
    options.checkpoint = Some(checkpoint.clone());
    let mut whole = run(&options);
    assert!(checkpoint.path.is_file());
    let error = train(&options, None, &Quiet).err().unwrap();
    assert!(matches!(error, LearnError::CheckpointExists(_)), "{error}");

    let resumed = CheckpointOptions {
        resume: true,
        ..checkpoint.clone()
    };
    options.checkpoint = Some(resumed);
    let again = run(&options);
    assert_eq!(again.model.weights(), whole.model.weights());
    options.fit.learning_rate = 0.5;
    let error = train(&options, None, &Quiet).err().unwrap().to_string();
    assert!(error.contains("its training is"), "{error}");

    whole.save(Reserved::new(&model).unwrap()).unwrap();
    assert!(!checkpoint.path.exists());
}

//! Training as a whole: what a user relies on without seeing it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use finial_learn::{
    EngineOptions, EvaluateOptions, LearnError, Pooling, Predictor, Quiet, Reserved, TrainOptions,
    Trained, evaluate, train,
};
use finial_task::{Calibration, Guaranteed, Metric, Prediction};

fn run(options: &TrainOptions) -> Trained {
    train(options, None, &Quiet).unwrap()
}

/// Trains and saves into `model`.
fn saved(options: &TrainOptions, model: &Path) -> Trained {
    let mut trained = run(options);
    trained.save(Reserved::new(model).unwrap()).unwrap();
    trained
}

fn evaluation(model: &Path, data: impl Into<PathBuf>) -> EvaluateOptions {
    EvaluateOptions {
        model: model.to_owned(),
        data: data.into(),
        label_columns: Vec::new(),
        image_column: None,
        include_seen: false,
        allow_unreadable: false,
        device: "cpu".to_owned(),
        engine: EngineOptions::default(),
    }
}

/// `folder/<name>` with a row of `cells` for each of `count` pictures.
fn table(folder: &Path, name: &str, heading: &str, count: u32, cells: impl Fn(u32) -> String) {
    let mut text = format!("image,{heading}\n");
    for number in 0..count {
        let path = folder.join(format!("{number}.png"));
        support::picture(&path, number as usize, number);
        writeln!(text, "{number}.png,{}", cells(number)).unwrap();
    }
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_weights_in_memory() {
    let scratch = tempfile::tempdir().unwrap();
    support::class_folders(scratch.path(), &["a", "b", "c"], 9);
    let options = support::options(scratch.path());
    let (one, two) = (run(&options), run(&options));
    assert_eq!(one.model.weights(), two.model.weights());
    assert_eq!(one.fit.curve, two.fit.curve);
    let mut other = support::options(scratch.path());
    other.fit.seed = 1;
    assert_ne!(run(&other).model.weights(), one.model.weights());
}

#[test]
fn numbers_are_learned_alike_in_every_unit() {
    let scratch = tempfile::tempdir().unwrap();
    let value = |number: u32| f64::from(number * 37 % 23) / 4.0;
    table(scratch.path(), "metres.csv", "height", 24, |n| {
        format!("{}", value(n))
    });
    table(scratch.path(), "offset.csv", "height", 24, |n| {
        format!("{}", 2000.0 + 500.0 * value(n))
    });
    let answers = |name: &str| -> Vec<f32> {
        let trained = run(&support::options(scratch.path().join(name)));
        // Nobody asked for intervals, so nothing is said of certainty.
        assert_eq!(trained.report.certainty, None);
        let predictor = Predictor::new(trained.model, "cpu").unwrap();
        let number = |i: u32| {
            let answer = predictor.predict(&scratch.path().join(format!("{i}.png")));
            match answer.unwrap() {
                Prediction::Numbers { values } => values[0].value,
                other => panic!("a number was expected, not {other:?}"),
            }
        };
        (0..24).map(number).collect()
    };
    for (metres, offset) in answers("metres.csv").into_iter().zip(answers("offset.csv")) {
        let expected = 2000.0 + 500.0 * metres;
        assert!((offset - expected).abs() < 1.0, "{offset} {expected}");
    }
}

#[test]
fn images_that_were_learned_from_are_left_out_of_an_evaluation() {
    let scratch = tempfile::tempdir().unwrap();
    let photos = scratch.path().join("photos");
    support::class_folders(&photos, &["a", "b"], 12);
    let model = scratch.path().join("model");
    let trained = saved(&support::options(&photos), &model);
    let mut options = evaluation(&model, &photos);
    let fresh = evaluate(&options, None, &Quiet).unwrap();
    assert_eq!(fresh.scores, trained.test);
    assert_eq!(fresh.seen + fresh.scores.images, 24);
    options.include_seen = true;
    assert_eq!(evaluate(&options, None, &Quiet).unwrap().scores.images, 24);

    // Without the table nobody can tell, and all are scored.
    let table = fs::read(model.join("split.csv")).unwrap();
    fs::remove_file(model.join("split.csv")).unwrap();
    options.include_seen = false;
    assert_eq!(evaluate(&options, None, &Quiet).unwrap().scores.images, 24);
    fs::write(model.join("split.csv"), table).unwrap();
    assert_eq!(
        evaluate(&options, None, &Quiet).unwrap().scores,
        trained.test
    );

    // A table that says nothing of what was seen must not pass for one that says "nothing".
    fs::write(model.join("split.csv"), "image\na.png\n").unwrap();
    options.include_seen = false;
    let error = evaluate(&options, None, &Quiet).err().unwrap();
    assert!(matches!(error, LearnError::NotAModel { .. }), "{error}");
}

#[test]
fn label_columns_in_another_order_give_the_same_scores() {
    let scratch = tempfile::tempdir().unwrap();
    let on = |yes: bool| u8::from(yes);
    table(scratch.path(), "labels.csv", "red,green,even", 30, |n| {
        format!("{},{},{}", on(n % 3 == 0), on(n % 3 == 1), on(n % 2 == 0))
    });
    table(scratch.path(), "turned.csv", "even,red,green", 30, |n| {
        format!("{},{},{}", on(n % 2 == 0), on(n % 3 == 0), on(n % 3 == 1))
    });
    let model = scratch.path().join("model");
    let trained = saved(&support::options(scratch.path().join("labels.csv")), &model);
    let turned = evaluation(&model, scratch.path().join("turned.csv"));
    let scores = evaluate(&turned, None, &Quiet).unwrap().scores;
    assert_eq!(scores, trained.test);
}

#[test]
fn two_of_three_classes_are_enough_to_evaluate() {
    let scratch = tempfile::tempdir().unwrap();
    let photos = scratch.path().join("photos");
    support::class_folders(&photos, &["a", "b", "c"], 9);
    let model = scratch.path().join("model");
    saved(&support::options(&photos), &model);
    let others = scratch.path().join("others");
    fs::create_dir(&others).unwrap();
    table(&others, "two.csv", "what", 8, |n| {
        if n % 2 == 0 { "a".into() } else { "b".into() }
    });
    let options = evaluation(&model, others.join("two.csv"));
    let scores = evaluate(&options, None, &Quiet).unwrap().scores;
    assert!(scores.get(Metric::Accuracy).is_some());
}

#[test]
fn a_flattened_map_and_a_linear_probe_can_be_trained() {
    let scratch = tempfile::tempdir().unwrap();
    support::class_folders(scratch.path(), &["a", "b"], 10);
    let mut options = support::options(scratch.path());
    options.head.pooling = Pooling::Flatten;
    options.head.hidden = None;
    options.fit.epochs = 2;
    let trained = run(&options);
    assert_eq!(
        trained.fit.weights.get("logits.weight").unwrap().shape(),
        [1, 62_720]
    );
}

#[test]
fn a_learning_rate_that_diverges_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    table(scratch.path(), "numbers.csv", "value", 20, |n| {
        format!("{n}.5")
    });
    let mut options = support::options(scratch.path().join("numbers.csv"));
    options.fit.learning_rate = 1e30;
    let error = train(&options, None, &Quiet).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("learning rate is too high"), "{said}");
    assert!(
        matches!(&error, LearnError::Diverged(found) if found.epoch == 1),
        "{error}"
    );
}

#[test]
fn what_was_learned_of_its_certainty_goes_with_the_model() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, model) = (scratch.path().join("data"), scratch.path().join("model"));
    support::class_folders(&data, &["a", "b", "c"], 20);
    let mut options = support::options(&data);
    options.certainty.coverage = Some(0.8);
    let trained = saved(&options, &model);
    // The stored weights are the calibrated ones: one temperature for the whole final layer.
    let logits =
        |weights: &finial_graph::Weights| weights.get("logits.weight").unwrap().values().to_vec();
    let Some(Calibration::Temperature { temperature }) = &trained.model.certainty().calibration
    else {
        panic!("classes have a temperature");
    };
    for (before, after) in logits(&trained.fit.weights)
        .iter()
        .zip(logits(trained.model.weights()))
    {
        let expected = f64::from(*before) / temperature;
        assert!((expected - f64::from(after)).abs() < 1e-6);
    }
    assert!(trained.observed.before.is_some());
    assert_eq!(trained.test.intervals.len(), trained.test.metrics.len());
    let kept = trained.observed.coverage.clone().unwrap();
    assert_eq!(kept.asked, 0.8);

    let predictor = Predictor::new(finial_learn::Model::load(&model).unwrap(), "cpu").unwrap();
    assert_eq!(predictor.coverage(), Some(0.8));
    let picture = [data.join("a/0.png")];
    let mut sets = Vec::new();
    let of = |predictor: &Predictor, sets: &mut Vec<Guaranteed>| {
        let seen = predictor.predict_each(&picture, |answers| {
            sets.extend(answers.into_iter().filter_map(|answer| answer.guaranteed));
            std::ops::ControlFlow::Continue(())
        });
        seen.unwrap();
    };
    of(&predictor, &mut sets);
    // More than nine validation images can promise: every class.
    let sure = predictor.with_coverage(0.999).unwrap();
    of(&sure, &mut sets);
    let [Guaranteed::Set { .. }, Guaranteed::Set { names }] = sets.as_slice() else {
        panic!("classes have sets: {sets:?}");
    };
    assert_eq!(names.len(), 3);
}

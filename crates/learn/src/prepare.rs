//! The first half of the story: open → infer → extract → split.

use std::path::{Path, PathBuf};

use finial_data::{
    ContentHash, Fractions, Source, SourceOptions, Split, SplitPlan, SplitRequest, Strata,
    check_class_sizes, open, split,
};
use finial_engine::{Device, device};
use finial_graph::Graph;
use finial_report::format::images;
use finial_store::{FeatureMatrix, FeatureStore};
use finial_task::{Inference, Request, Targets, Task, TaskKind, infer};

use crate::augment::Augmentation;
use crate::certainty::CertaintyOptions;
use crate::checkpoint::CheckpointOptions;
use crate::engine::{Decision, EngineOptions};
use crate::extract::{Extractor, Features};
use crate::fit::FitOptions;
use crate::head::{self, HeadOptions, Pooling};
use crate::loss::LossOptions;
use crate::pretrained::BackboneOptions;
use crate::tune::{TuneFrom, TuneOptions};
use crate::{LearnError, Pretrained, Progress};

/// What to train on, and how. Everything but the data has a default.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// A folder of class folders, or a table.
    pub data: PathBuf,
    /// What the user says about the task.
    pub request: Request,
    /// The column of a table that names the images.
    pub image_column: Option<String>,
    /// The pretrained network.
    pub backbone: BackboneOptions,
    /// The layers between cut and final layer.
    pub head: HeadOptions,
    /// How the head is trained; its seed also draws the split.
    pub fit: FitOptions,
    /// Whether hidden layer and weight decay are chosen by the validation images, in place of
    /// those given.
    pub choose_head: bool,
    /// Whether the learning rate is found by a range test, in place of the one given.
    pub find_rate: bool,
    /// How pretrained layers are trained with the head; none to leave them frozen.
    pub tune: Option<TuneOptions>,
    /// How training images are changed; none to take them as they are.
    pub augmentation: Option<Augmentation>,
    /// Views of each training image that the head learns from; 1 for the image as it is.
    pub views: usize,
    /// Where the training is kept while it runs; none to keep it nowhere.
    pub checkpoint: Option<CheckpointOptions>,
    /// How much classes weigh in the loss.
    pub loss: LossOptions,
    /// Calibration, thresholds, and the coverage of sets and intervals.
    pub certainty: CertaintyOptions,
    /// How much of the images each split gets where the data does not say.
    pub fractions: Fractions,
    /// Go on with the readable images however many cannot be read.
    pub allow_unreadable: bool,
    /// Where it runs, by name.
    pub device: String,
    /// What runs the frozen part.
    pub engine: EngineOptions,
}

impl TrainOptions {
    /// More views of each image are taken for a typing error.
    pub const MOST_VIEWS: usize = 64;

    /// Default options for data at that path.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        TrainOptions {
            data: data.into(),
            request: Request::default(),
            image_column: None,
            backbone: BackboneOptions::default(),
            head: HeadOptions::default(),
            fit: FitOptions::default(),
            choose_head: false,
            find_rate: false,
            tune: None,
            augmentation: None,
            views: 1,
            checkpoint: None,
            loss: LossOptions::default(),
            certainty: CertaintyOptions::default(),
            fractions: Fractions::default(),
            allow_unreadable: false,
            device: device::DEFAULT.to_owned(),
            engine: EngineOptions::default(),
        }
    }

    /// The same with this pretrained network: a name, or what else [`BackboneOptions`] has.
    #[must_use]
    pub fn backbone(mut self, backbone: impl Into<BackboneOptions>) -> Self {
        self.backbone = backbone.into();
        self
    }

    /// The same with another way from the network's last map to a vector.
    #[must_use]
    pub fn pooling(mut self, pooling: Pooling) -> Self {
        self.head.pooling = pooling;
        self
    }

    /// The same with a hidden layer of so many units with ReLU before the final layer.
    #[must_use]
    pub fn hidden(mut self, units: usize) -> Self {
        self.head.hidden = Some(units);
        self
    }

    /// The same with the network trained from there on, after the head.
    #[must_use]
    pub fn fine_tune(mut self, from: TuneFrom) -> Self {
        self.tune = Some(TuneOptions::new(from));
        self
    }

    /// The same with another share of features dropped while training.
    #[must_use]
    pub fn dropout(mut self, share: f64) -> Self {
        self.head.dropout = share;
        self
    }

    fn check(&self) -> Result<(), LearnError> {
        self.backbone.check()?;
        self.fit.check()?;
        if let Some(tune) = &self.tune {
            tune.check()?;
        }
        self.loss.check()?;
        self.certainty.check()?;
        let setting = |expected, found: String| Err(LearnError::Setting { expected, found });
        if !(1..=Self::MOST_VIEWS).contains(&self.views) {
            return setting("1 to 64 views of each image", self.views.to_string());
        }
        if !(0.0..1.0).contains(&self.head.dropout) {
            return setting(
                "a dropout of at least 0 and below 1",
                self.head.dropout.to_string(),
            );
        }
        if let Some(units) = self.head.hidden
            && !(1..=HeadOptions::MOST_HIDDEN).contains(&units)
        {
            return setting("a hidden layer of 1 to 65536 units", units.to_string());
        }
        Ok(())
    }
}

/// Images as features, labels as numbers, and who is in which split.
pub struct Prepared {
    /// The images and labels as they were found.
    pub source: Source,
    /// The task and the reason for it.
    pub inference: Inference,
    /// Where it runs.
    pub device: Device,
    /// What ran the frozen part.
    pub engine: Decision,
    /// The backbone.
    pub backbone: Pretrained,
    /// From the image to the cut.
    pub frozen: Graph,
    /// The features of the readable images.
    pub features: Features,
    /// Their labels: one row per readable image.
    pub targets: Targets,
    /// Their splits.
    pub plan: SplitPlan,
}

impl Prepared {
    /// The images of these rows, once more, through another part of a network; the rows of the
    /// result are in their order.
    ///
    /// # Errors
    /// An image is no longer what it was, or the engine failed.
    pub(crate) fn rows_again(
        &self,
        extractor: &Extractor,
        rows: &[usize],
        progress: &dyn Progress,
    ) -> Result<FeatureMatrix, LearnError> {
        let images: Vec<(PathBuf, ContentHash)> = self.images(rows);
        let paths: Vec<PathBuf> = images.iter().map(|(path, _)| path.clone()).collect();
        let features = extractor.run(&paths, true, progress)?;
        let changed = |at: usize, found| LearnError::ImageChanged {
            path: paths.get(at).cloned().unwrap_or_default(),
            found,
        };
        if let Some(unreadable) = features.unreadable.first() {
            return Err(changed(unreadable.index, "one that cannot be read"));
        }
        let mut same = features.hashes.iter().zip(&images);
        match same.position(|(now, (_, before))| now != before) {
            Some(at) => Err(changed(at, "another one")),
            None => Ok(features.matrix),
        }
    }

    /// Path and content of the images of these rows.
    pub(crate) fn images(&self, rows: &[usize]) -> Vec<(PathBuf, ContentHash)> {
        let image = |&row: &usize| {
            let sample = self.source.samples.get(*self.features.kept.get(row)?)?;
            Some((sample.path.clone(), *self.features.hashes.get(row)?))
        };
        rows.iter().filter_map(image).collect()
    }
}

/// Opens the data, infers the task, runs the frozen part once per image, and splits.
///
/// # Errors
/// [`LearnError`]; features computed so far stay in `store`.
pub fn prepare(
    options: &TrainOptions,
    store: Option<&FeatureStore>,
    progress: &dyn Progress,
) -> Result<Prepared, LearnError> {
    options.check()?;
    let device = device::named(&options.device)?;
    let columns = &options.request.label_columns;
    let source = open_source(&options.data, &options.image_column, columns, progress)?;
    let place = |sample: usize| place(&source, sample);
    let inference = infer(&source.labels, &options.request, &place)?;
    for warning in &inference.warnings {
        progress.say(&format!("note: {warning}"));
    }
    progress.say(&inference.reason);
    progress.say(&format!("  {}", inference.way_out));
    progress.say(&format!(
        "final layer: {}",
        inference.task.describe_final_layer()
    ));

    let task = &inference.task;
    // Also before the features, which may take an hour.
    check_class_sizes(
        &strata(task, &inference.targets),
        class_names(task),
        &source.samples.iter().map(|s| s.split).collect::<Vec<_>>(),
        options.fractions,
    )?;

    let backbone = Pretrained::open(&options.backbone, progress)?;
    let frozen = head::frozen(&backbone.graph, options.head.pooling)?;
    let extractor = Extractor::new(
        &frozen,
        &backbone.weights,
        backbone.fit,
        store,
        &options.device,
        options.engine,
        progress,
    )?;
    let features = features_of(&source, &extractor, options.allow_unreadable, progress)?;
    let engine = extractor.decision().clone();
    let targets = inference.targets.select(&features.kept);

    let plan = split_plan(&source, task, &targets, &features, options)?;
    progress.say(&plan.sentence);
    for note in &plan.notes {
        progress.say(&format!("note: {note}"));
    }
    let name = |row: usize| {
        let path = &source.samples[features.kept[row]].path;
        path.strip_prefix(&source.root)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    for sentence in plan.describe_set_aside(name) {
        progress.say(&format!("note: {sentence}"));
    }
    for (split, what) in [
        (Split::Train, "to learn from"),
        (Split::Validation, "for validation"),
        (Split::Test, "to test on"),
    ] {
        if plan.counts.get(split) == 0 {
            return Err(LearnError::NothingLeft(what));
        }
    }
    Ok(Prepared {
        source,
        inference,
        device,
        engine,
        backbone,
        frozen,
        features,
        targets,
        plan,
    })
}

/// What the labels of a data set call for; no image is read.
///
/// # Errors
/// [`LearnError`] if the data cannot be opened, or its labels are of no task.
pub fn labels(
    data: &Path,
    image_column: &Option<String>,
    request: &Request,
) -> Result<Inference, LearnError> {
    let source = open(
        data,
        &SourceOptions {
            image_column: image_column.clone(),
            label_columns: request.label_columns.clone(),
        },
    )?;
    let place = |sample: usize| place(&source, sample);
    Ok(infer(&source.labels, request, &place)?)
}

/// Opens the data and says what is there.
pub(crate) fn open_source(
    data: &Path,
    image_column: &Option<String>,
    label_columns: &[String],
    progress: &dyn Progress,
) -> Result<Source, LearnError> {
    let source = open(
        data,
        &SourceOptions {
            image_column: image_column.clone(),
            label_columns: label_columns.to_vec(),
        },
    )?;
    let count = images(source.samples.len());
    progress.say(&format!("{count}, {}", source.layout));
    // Before the labels are read: a note may say why they cannot be.
    for note in &source.notes {
        progress.say(&format!("note: {note}"));
    }
    Ok(source)
}

/// Runs the frozen part over the images of a source, and says which were set aside, and of which
/// a part was.
pub(crate) fn features_of(
    source: &Source,
    extractor: &Extractor,
    allow_unreadable: bool,
    progress: &dyn Progress,
) -> Result<Features, LearnError> {
    let paths: Vec<PathBuf> = source.samples.iter().map(|s| s.path.clone()).collect();
    let features = extractor.run(&paths, allow_unreadable, progress)?;
    for unreadable in &features.unreadable {
        let path = paths[unreadable.index].display();
        progress.say(&format!("set aside: {path}: {}", unreadable.reason));
    }
    if features.pages_left_out > 0 {
        progress.say(&format!(
            "note: the first page or frame is used of {} with several",
            images(features.pages_left_out)
        ));
    }
    Ok(features)
}

/// Where a sample stands: line of the table, or path.
pub(crate) fn place(source: &Source, sample: usize) -> String {
    let Some(found) = source.samples.get(sample) else {
        return format!("sample {sample}");
    };
    match (&source.layout, found.line) {
        (finial_data::Layout::Table { file, .. }, Some(line)) => {
            format!("{}:{line}", file.display())
        }
        _ => found.path.display().to_string(),
    }
}

/// The split of the readable images, alike in classes, labels or values.
fn split_plan(
    source: &Source,
    task: &Task,
    targets: &Targets,
    features: &Features,
    options: &TrainOptions,
) -> Result<SplitPlan, LearnError> {
    let given: Vec<Option<Split>> = features
        .kept
        .iter()
        .map(|&i| source.samples[i].split)
        .collect();
    let label_keys: Vec<u64> = targets.iter().map(label_key).collect();
    Ok(split(&SplitRequest {
        hashes: &features.hashes,
        label_keys: &label_keys,
        strata: strata(task, targets),
        class_names: class_names(task),
        given: &given,
        given_by: source.layout.gives_splits(),
        fractions: options.fractions,
        seed: options.fit.seed,
    })?)
}

/// What is to be alike in all splits.
fn strata(task: &Task, targets: &Targets) -> Strata {
    match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => {
            Strata::Classes(targets.iter().map(|row| row[0] as u32).collect())
        }
        TaskKind::MultiLabel => Strata::LabelSets(
            targets
                .iter()
                .map(|row| {
                    let held = row.iter().enumerate().filter(|(_, on)| **on > 0.5);
                    held.map(|(label, _)| label as u32).collect()
                })
                .collect(),
        ),
        TaskKind::Regression => {
            Strata::Values(targets.iter().map(|row| f64::from(row[0])).collect())
        }
    }
}

/// The names that the strata count; none for numbers.
fn class_names(task: &Task) -> &[String] {
    match task.kind() {
        TaskKind::Regression => &[],
        _ => task.names(),
    }
}

/// Equal for equal labels.
fn label_key(row: &[f32]) -> u64 {
    let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
    let digest = blake3::hash(&bytes);
    let (first, _) = digest.as_bytes().split_at(8);
    first
        .iter()
        .fold(0, |key, &byte| (key << 8) | u64::from(byte))
}

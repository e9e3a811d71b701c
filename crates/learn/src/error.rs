//! Everything that can stop the story, each error from the room it happened in.

use std::io;
use std::path::{Path, PathBuf};

use crate::course::Divergence;

/// Why training, evaluation or prediction stopped.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LearnError {
    /// The data cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] finial_data::SourceError),
    /// No task follows from the labels.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Infer(#[from] finial_task::InferError),
    /// A label does not fit the model's task.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Label(#[from] finial_task::LabelError),
    /// The images cannot be split.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Split(#[from] finial_data::SplitError),
    /// An image that was asked for by name cannot be read.
    #[error("{}: {reason}", path.display())]
    #[diagnostic(help("give an image that a viewer can open: JPEG, PNG, WebP, BMP, GIF or TIFF"))]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Too many images cannot be read.
    #[error("{failed} of {total} images cannot be read, more than one in ten; the first: {}", first.join("; "))]
    #[diagnostic(help(
        "look at these files; to train on the others all the same, say --allow-unreadable"
    ))]
    Unreadable {
        /// Images that cannot be read.
        failed: usize,
        /// Images in all.
        total: usize,
        /// The first of them, with their reasons.
        first: Vec<String>,
    },
    /// A model that cannot promise anything.
    #[error(
        "expected a model that knows how far off its answers are, found one of an older version"
    )]
    #[diagnostic(help("train it again with this version of finial; its features are still kept"))]
    NoCoverage,
    /// A network without places.
    #[error(
        "{backbone} keeps no map of places that could be shown: its features are a vector from the start, or tokens that are no square"
    )]
    #[diagnostic(help("train with a backbone that ends in a map, such as the default one"))]
    NoPlaces {
        /// The backbone.
        backbone: String,
    },
    /// A class, label or target that the model does not have.
    #[error("the model knows no `{found}`{}", near(nearest))]
    #[diagnostic(help("leave the name out for what the model answers"))]
    NoSuchName {
        /// What was asked for.
        found: String,
        /// Names like it.
        nearest: Vec<String>,
    },
    /// No image is left to learn from or to judge by.
    #[error("no image is left {0}")]
    #[diagnostic(help("add images, or look at those that were set aside"))]
    NothingLeft(&'static str),
    /// No such backbone.
    #[error("there is no backbone `{found}`{}", near(nearest))]
    #[diagnostic(help(
        "`finial backbones` lists them all; a model of your own is given as a file that ends in \
         .keras, .h5 or .onnx"
    ))]
    UnknownBackbone {
        /// The name asked for.
        found: String,
        /// Names like it.
        nearest: Vec<String>,
    },
    /// A cut behind a layer that the backbone does not have.
    #[error("{backbone} has no layer `{layer}`{}", near(nearest))]
    #[diagnostic(help("`finial backbones {backbone}` lists its layers; give one to --cut"))]
    UnknownLayer {
        /// The backbone.
        backbone: String,
        /// The layer asked for.
        layer: String,
        /// Names like it.
        nearest: Vec<String>,
    },
    /// A backbone that its publisher gives no file for.
    #[error("the weights of {name} are not published as a file by themselves")]
    #[diagnostic(help("{way_out}"))]
    NoFile {
        /// The backbone.
        name: String,
        /// How to get them.
        way_out: String,
    },
    /// Weights given for a file that has its own.
    #[error("{} is a whole model with weights of its own; expected a name beside --weights", .0.display())]
    #[diagnostic(help(
        "leave --weights out, or give --backbone a name that `finial backbones` lists"
    ))]
    WeightsTwice(PathBuf),
    /// A model that does not say how it wants its images.
    #[error("{} does not scale its images itself, and how it was trained on them is not in the file", .0.display())]
    #[diagnostic(help(
        "say what was done to the pixels: --preprocessing zero-to-one (divided by 255), \
         minus-one-to-one (Keras `tf`), imagenet (mean and deviation, PyTorch, Keras `torch`), \
         caffe (VGG and ResNet of Keras), or none (0 to 255)"
    ))]
    Preprocessing(PathBuf),
    /// Preprocessing given to a network that has its own.
    #[error("{name} scales its images itself; another --preprocessing would come on top of it")]
    #[diagnostic(help("leave --preprocessing out, or say --preprocessing none"))]
    PreprocessingTwice {
        /// The network.
        name: String,
    },
    /// A network that reads something else.
    #[error("{name} reads values of shape {found}; expected RGB images [3, H, W]")]
    #[diagnostic(help("a backbone for finial reads colour images of one size"))]
    NotForImages {
        /// The network.
        name: String,
        /// What it reads.
        found: finial_graph::Shape,
    },
    /// A file of a model or of weights.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Format(#[from] finial_formats::FormatError),
    /// Weights cannot be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Hub(#[from] finial_hub::HubError),
    /// Nothing says where caches belong on this machine.
    #[error("no folder for features and weights: neither FINIAL_CACHE nor a home folder is set")]
    #[diagnostic(help("set FINIAL_CACHE to a folder on a local disk"))]
    NoCacheFolder,
    /// A setting out of its range.
    #[error("expected {expected}, found {found}")]
    #[diagnostic(help("correct the setting, or leave it out for its default"))]
    Setting {
        /// The setting and its range.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// The frozen network lost or invented an image.
    #[error("the frozen network gave another number of results than it got images")]
    #[diagnostic(help(
        "this is a fault in finial; please report it with the model and the device"
    ))]
    ResultCount,
    /// Training gave numbers that are not finite.
    #[error("{0}")]
    #[diagnostic(help(
        "lower the learning rate with --learning-rate, or with --tune-rate if it was fine-tuning"
    ))]
    Diverged(Box<Divergence>),
    /// A range test that has seen enough; never given to a caller.
    #[error("the learning-rate range test is over")]
    TestOver,
    /// No such layer to fine-tune from.
    #[error("there is no layer `{found}` to fine-tune from{}", near(nearest))]
    #[diagnostic(help(
        "`finial backbones NAME` lists the layers of a network; last-block and all fit every one"
    ))]
    NothingToTune {
        /// The name asked for.
        found: String,
        /// Names like it.
        nearest: Vec<String>,
    },
    /// A checkpoint that nobody asked to go on from.
    #[error("there is a checkpoint of an unfinished training, {}", .0.display())]
    #[diagnostic(help(
        "--resume goes on with it; to train from the start, remove the file yourself"
    ))]
    CheckpointExists(PathBuf),
    /// A file that is no checkpoint.
    #[error("{} is not a whole checkpoint: {reason}", path.display())]
    #[diagnostic(help("remove the file and train from the start"))]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Expected and found.
        reason: String,
    },
    /// A checkpoint of other data or other settings.
    #[error(
        "{} is of another run: its {} is {}, here it is {}",
        path.display(), difference[0], difference[1], difference[2]
    )]
    #[diagnostic(help(
        "go on with the data and the settings of before, or remove the file and train from the start"
    ))]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs, what it was, and what it is.
        difference: Box<[String; 3]>,
    },
    /// An image that was there a moment ago.
    #[error("{}: expected the image that was read before, found {found}", path.display())]
    #[diagnostic(help("do not change the data while a model is trained on it"))]
    ImageChanged {
        /// The file.
        path: PathBuf,
        /// What is there now.
        found: &'static str,
    },
    /// The output is there already.
    #[error("the output {} exists already", .0.display())]
    #[diagnostic(help(
        "nothing was changed; give --out another name, or remove the old model yourself"
    ))]
    OutputExists(PathBuf),
    /// The output cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    #[diagnostic(help("choose another place for the output, or change the folder's permissions"))]
    Unwritable {
        /// The output.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
    /// A folder that should be a model is none.
    #[error("{} is not a finial model: {reason}", path.display())]
    #[diagnostic(help("give the folder that `finial train --out` wrote"))]
    NotAModel {
        /// The folder.
        path: PathBuf,
        /// Expected and found.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The graph does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] finial_graph::GraphError),
    /// Weights do not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] finial_graph::WeightsError),
    /// The network cannot be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] finial_engine::EngineError),
    /// Logits and targets do not belong together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Loss(#[from] crate::loss::LossError),
    /// A graph ends in another final layer than its task calls for.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Head(#[from] crate::head::WrongHead),
    /// Nothing runs the network as was asked for.
    #[error("no engine for {wanted}: {}", reasons.join("; "))]
    #[diagnostic(help(
        "leave --engine and --precision out for the fastest that is there; `finial doctor` lists \
         them all"
    ))]
    NoEngine {
        /// The options.
        wanted: String,
        /// For each engine, why not.
        reasons: Vec<String>,
    },
    /// The device is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] finial_engine::device::DeviceError),
    /// The feature store cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] finial_store::StoreError),
    /// The features of this run cannot be kept.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Matrix(#[from] finial_store::MatrixError),
    /// The outputs cannot be scored.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Metric(#[from] finial_task::metrics::MetricError),
    /// The report cannot be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] finial_report::ReportError),
}

fn near(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; near names are {}", names.join(", ")),
    }
}

impl LearnError {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> LearnError + '_ {
        move |error| LearnError::File {
            path: path.to_owned(),
            error,
        }
    }
}

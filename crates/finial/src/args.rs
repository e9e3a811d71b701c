//! What can be typed. Doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use finial::TaskKind;
use finial::engine::{Engine, Precision};
use finial::learn::ClassWeights;
use finial::learn::pretrained::Preprocessing;
use finial::task::ThresholdRule;

use crate::values::{self, Auto};

/// Transfer learning whose final layer is right.
///
/// A folder of labelled photos in, a trained model and an honest score out. The labels decide
/// the final layer, its loss and its metrics; everything runs on this machine, without a network.
#[derive(Debug, Parser)]
#[command(
    name = "finial",
    bin_name = "finial",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model on a folder of class folders, or on a table of images and labels
    Train(Box<TrainArgs>),
    /// Ask a model about images
    Predict(PredictArgs),
    /// Show where in a picture a model saw what it says
    ///
    /// Writes a heat map over each picture for each class that it names, for each label that it
    /// sees, or for each number.
    Explain(ExplainArgs),
    /// Score a model on labelled images
    Evaluate(EvaluateArgs),
    /// Find wrong labels, pictures that are there twice, and odd images in a data set
    ///
    /// Every image is asked about by a network that did not learn from it, and compared with every
    /// other. Nothing is changed.
    Inspect(InspectArgs),
    /// Show what a wrong final layer costs on a data set
    ///
    /// Trains the pairings of activation and loss that people use by mistake beside the right one,
    /// all on the same stored features, several times each, and says in a sentence what came of
    /// every one.
    Study(StudyArgs),
    /// Train four small models, one per kind of task, on pictures that are inside the program
    Demo(DemoArgs),
    /// Write what the frozen network sees in each image, for use with other tools
    ///
    /// The safetensors file holds `features` [N, D] and `targets` [N, W] in 32-bit floating point,
    /// `split` [N] in 8-bit integers (0 train, 1 validation, 2 test), and `images`: the paths
    /// within the data, in the same order, as bytes with a zero byte between them. In Python:
    /// bytes(tensors["images"]).decode().split("\0"). Its metadata name the task, the classes,
    /// labels or targets, the splits and the backbone.
    Features(FeaturesArgs),
    /// Write a model as a file of Keras, ONNX or safetensors
    ///
    /// Keras and ONNX files hold the whole network, from the image with its pixels from 0 to 255
    /// to the answer. The Keras model comes compiled with the loss, metrics and optimizer of its
    /// task; the ONNX file names task, classes and thresholds in its metadata.
    Export(ExportArgs),
    /// Find the wrong final layer in programs that others wrote
    ///
    /// Reads Python programs and notebooks that use Keras or PyTorch; nothing in them is run. The
    /// exit status is 0 when nothing was found, 1 when something was, 2 when a file could not be
    /// read.
    Check(CheckArgs),
    /// Explain a rule of `finial check`, or list them all
    Rule(RuleArgs),
    /// List the pretrained networks, or show the layers of one
    Backbones(BackbonesArgs),
    /// Show what this machine runs networks with: engines, their speed, devices, caches
    ///
    /// Every engine runs the network once, which takes a few seconds; its features are compared
    /// with those of the reference.
    Doctor(DoctorArgs),
    /// Show or clear the features kept from earlier runs
    Cache(CacheArgs),
}

/// Settings of every command that runs a network.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// No progress, no notes: only the result, and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Where to compute: cpu, or what else this build knows (cuda, vulkan, metal, rocm)
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub device: String,
    /// What runs the pretrained network: auto for the fastest that is there and agrees, burn,
    /// finial (its own kernels) or openvino
    #[arg(long, default_value = "auto", value_name = "ENGINE", value_parser = values::engine)]
    pub engine: Auto<Engine>,
    /// In what it multiplies, and fine-tuning with it: auto for bf16 where the features agree with those in
    /// f32, f32 or bf16
    #[arg(long, default_value = "auto", value_name = "PRECISION", value_parser = values::precision)]
    pub precision: Auto<Precision>,
}

/// Whether features are kept from run to run.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    /// Do not read or keep features of earlier runs
    #[arg(long)]
    pub no_cache: bool,
}

/// How to read the data.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The table's column that names the images [default: found by name]
    #[arg(long, value_name = "COLUMN")]
    pub image_column: Option<String>,
    /// The table's column that holds the label; several times for several labels
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Vec<String>,
    /// Go on even if more than one image in ten cannot be read
    #[arg(long)]
    pub allow_unreadable: bool,
}

/// How to see the task, split the images, and cut the network.
#[derive(Args, Clone, Debug)]
pub struct TaskArgs {
    /// The kind of task: multi-class, binary, multi-label or regression [default: inferred]
    #[arg(long, value_name = "KIND", value_parser = values::task_kind)]
    pub task: Option<TaskKind>,
    /// Which of two classes counts as yes [default: the one that does not mean no]
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    #[command(flatten)]
    pub backbone: BackboneArgs,
    /// How the network's last map becomes a list of numbers
    #[arg(long, value_enum, default_value_t = PoolingArg::Average)]
    pub pooling: PoolingArg,
    /// Draws the split, the first weights and the order of images
    #[arg(long, default_value_t = 0, value_parser = values::seed, allow_negative_numbers = true)]
    pub seed: u64,
}

/// Which pretrained network, and where its weights are.
#[derive(Args, Clone, Debug)]
pub struct BackboneArgs {
    /// The pretrained network: a name that `finial backbones` lists, or a whole model in a file
    /// (.keras, .h5, .onnx)
    #[arg(long, default_value = finial::learn::pretrained::DEFAULT, value_name = "NAME|FILE")]
    pub backbone: String,
    /// The network's weights: a file of Keras (.h5), PyTorch (.pth, .pt) or safetensors
    /// [default: fetched, unless they are inside the program]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// The layer behind which the network is cut [default: the last one before its old head]
    #[arg(long, value_name = "LAYER")]
    pub cut: Option<String>,
    /// What is done to the pixels before a model from a file that does not scale them itself:
    /// none (0 to 255), zero-to-one, minus-one-to-one, imagenet or caffe
    #[arg(long, value_name = "KIND", value_parser = values::preprocessing)]
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of the images that the network reads [default: as it was trained]
    #[arg(long, value_name = "PIXELS|HEIGHTxWIDTH", value_parser = values::image_size)]
    pub image_size: Option<[usize; 2]>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PoolingArg {
    /// The mean over the picture: small and robust
    Average,
    /// Every number: knows where in the picture, needs many images
    Flatten,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

#[derive(Args, Debug)]
pub struct TrainArgs {
    /// A folder of class folders, or a table (.csv, .tsv, .jsonl, .parquet)
    pub data: PathBuf,
    /// The model folder to write; it must not exist yet
    #[arg(long, short, value_name = "MODEL")]
    pub out: PathBuf,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub reading: DataArgs,
    /// Units of the hidden layer; 0 for none (a linear probe) [default: 128]
    #[arg(long, value_name = "UNITS", value_parser = values::hidden_units)]
    #[arg(allow_negative_numbers = true)]
    pub hidden: Option<usize>,
    /// Share of features dropped while training
    #[arg(long, default_value_t = finial::learn::HeadOptions::default().dropout)]
    #[arg(value_parser = values::dropout, allow_hyphen_values = true)]
    pub dropout: f64,
    /// Passes over the images at the most
    #[arg(long, default_value_t = finial::learn::fit::FitOptions::default().epochs)]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub epochs: usize,
    /// Passes without a better validation loss before training stops
    #[arg(long, default_value_t = finial::learn::fit::FitOptions::default().patience)]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub patience: usize,
    /// AdamW's step size, or auto for a range test: a short training at rising rates
    #[arg(long, alias = "lr", default_value = "0.001", value_name = "RATE|auto")]
    #[arg(value_parser = values::rate_or_auto, allow_hyphen_values = true)]
    pub learning_rate: Auto<f64>,
    /// Images per step [default: 32 or more, by the number of images]
    #[arg(long, value_name = "IMAGES")]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub batch: Option<usize>,
    /// auto: choose hidden layer and weight decay by the validation images; of few images by
    /// repeated cross-validation
    #[arg(long, default_value = "given", value_name = "given|auto", value_parser = ["given", "auto"])]
    pub head: String,
    /// AdamW's weight decay [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = values::not_negative)]
    #[arg(allow_hyphen_values = true)]
    pub weight_decay: Option<f64>,
    #[command(flatten)]
    pub tuning: TuningArgs,
    #[command(flatten)]
    pub augmenting: AugmentingArgs,
    #[command(flatten)]
    pub keeping: KeepingArgs,
    #[command(flatten)]
    pub honesty: HonestyArgs,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

/// How pretrained layers are trained with the head.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Fine-tuning")]
pub struct TuningArgs {
    /// After the head, train the network with it: from its last block, from a layer (or a group of
    /// layers, as conv5 or layer4) or all of it
    ///
    /// The better of the two, on the validation images and with calibrated answers, is kept.
    #[arg(long, value_name = "last-block|LAYER|all")]
    pub fine_tune: Option<String>,
    /// Passes of the fine-tuning; the rate goes down to 0 over them, and the best pass is kept
    #[arg(
        long,
        default_value_t = 10,
        value_name = "EPOCHS",
        requires = "fine_tune"
    )]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub tune_epochs: usize,
    /// Step size of the network's last block; deeper ones go down to a tenth, the head takes three
    /// times as much
    #[arg(
        long,
        default_value_t = 1e-4,
        value_name = "RATE",
        requires = "fine_tune"
    )]
    #[arg(value_parser = values::learning_rate, allow_hyphen_values = true)]
    pub tune_rate: f64,
    /// Images per step of the fine-tuning
    #[arg(
        long,
        default_value_t = 32,
        value_name = "IMAGES",
        requires = "fine_tune"
    )]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub tune_batch: usize,
    /// Gigabytes on disk for what the frozen part gives of each image; beyond, it runs again in
    /// every pass
    #[arg(long, default_value_t = 2.0, value_name = "GB", requires = "fine_tune")]
    #[arg(value_parser = values::not_negative, allow_hyphen_values = true)]
    pub disk_budget: f64,
}

/// How training images are changed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentingArgs {
    /// Change training images: mirror, crop, vary the light. In fine-tuning every pass sees them
    /// otherwise; the head alone needs --views
    #[arg(long)]
    pub augment: bool,
    /// Left and right are not the same: do not mirror images
    #[arg(long)]
    pub no_flip: bool,
    /// Views of each training image that the head learns from, the image itself and changed ones
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    #[arg(value_parser = values::views, allow_negative_numbers = true)]
    pub views: usize,
    /// Learn from mixtures of two images, how strongly: above 0 (0.2 is light) up to 1
    #[arg(long, value_name = "ALPHA", value_parser = values::mixup, allow_hyphen_values = true)]
    pub mixup: Option<f64>,
}

/// What is kept of a training that does not end.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Checkpoints")]
pub struct KeepingArgs {
    /// Go on with an earlier run of the same command that was killed; the model is the same, bit
    /// for bit, as that of a run that was never stopped
    #[arg(long)]
    pub resume: bool,
    /// Seconds between two checkpoints, in MODEL.checkpoint
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    #[arg(value_parser = values::not_negative, allow_hyphen_values = true)]
    pub checkpoint_every: f64,
}

/// What rare classes weigh, and how sure the answers may be.
#[derive(Args, Clone, Debug)]
pub struct HonestyArgs {
    /// Answers carry a set of classes or labels, or an interval, that holds the truth for this
    /// share of images of the same kind, such as 0.9
    #[arg(long, value_name = "SHARE", value_parser = values::coverage, allow_hyphen_values = true)]
    pub coverage: Option<f64>,
    /// From which probability on a yes-or-no question is answered yes: half, f1,
    /// costs=FALSE-ALARM:MISS, precision=SHARE or recall=SHARE
    #[arg(long, value_name = "RULE", value_parser = values::threshold_rule)]
    #[arg(default_value_t)]
    pub thresholds: ThresholdRule,
    /// What classes or labels weigh while training: off, auto (all alike), or NAME=WEIGHT,…
    #[arg(long, value_name = "off|auto|NAME=WEIGHT,…", default_value = "off")]
    #[arg(value_parser = values::class_weights)]
    pub class_weights: ClassWeights,
    /// Exponent of the focal loss, which turns to the images that are hard; 0 for none, 2 is usual
    #[arg(long, value_name = "GAMMA", default_value_t = 0.0)]
    #[arg(value_parser = values::focus, allow_hyphen_values = true)]
    pub focal: f64,
    /// Leave the probabilities as the network gives them
    #[arg(long)]
    pub no_calibration: bool,
}

#[derive(Args, Debug)]
pub struct PredictArgs {
    /// A model folder
    pub model: PathBuf,
    /// Image files, or folders of them
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pub images: Vec<PathBuf>,
    /// Answers carry a set or an interval that holds the truth for this share of images of the
    /// same kind [default: as the model was trained]
    #[arg(long, value_name = "SHARE", value_parser = values::coverage, allow_hyphen_values = true)]
    pub coverage: Option<f64>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: PredictFormat,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// A model folder
    pub model: PathBuf,
    /// Image files, or folders of them
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pub images: Vec<PathBuf>,
    /// The folder for the pictures, IMAGE.CLASS.png; nothing in it is overwritten
    #[arg(long, short, value_name = "DIR", default_value = "explained")]
    pub out: PathBuf,
    /// Explain this class, label or target in place of what the model answers; several times for
    /// several
    #[arg(long, value_name = "NAME")]
    pub class: Vec<String>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// No notes: only the result, and errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Where to compute: cpu, or what else this build knows (cuda, vulkan, metal, rocm)
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub device: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PredictFormat {
    /// A line per image
    #[default]
    Text,
    /// One JSON document
    Json,
    /// A table for a spreadsheet
    Csv,
}

#[derive(Args, Debug)]
pub struct EvaluateArgs {
    /// A model folder
    pub model: PathBuf,
    /// A folder of class folders, or a table
    pub data: PathBuf,
    #[command(flatten)]
    pub reading: DataArgs,
    /// Score images that the model has learned from, too
    #[arg(long)]
    pub include_seen: bool,
    /// Write a report to this file, which must not exist yet
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A folder of class folders, or a table
    pub data: PathBuf,
    /// Write a page with pictures to this file, which must not exist yet
    #[arg(long, short, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Write what is said of each image by a network that did not learn from it to this file, a table
    /// for other tools, which must not exist yet
    #[arg(long, value_name = "FILE.csv")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub reading: DataArgs,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct StudyArgs {
    /// A folder of class folders, or a table
    pub data: PathBuf,
    /// Write the table to this file, a page (.html) or Markdown (.md), which must not exist yet
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Trainings of each pairing, each from other weights
    #[arg(long, default_value_t = finial::learn::StudyOptions::default().seeds)]
    #[arg(value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub seeds: usize,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub reading: DataArgs,
    /// Units of the hidden layer, for all of them; 0 for none
    #[arg(long, default_value_t = 128, value_name = "UNITS", value_parser = values::hidden_units)]
    #[arg(allow_negative_numbers = true)]
    pub hidden: usize,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The folder for pictures, models and reports
    #[arg(long, short, default_value = "finial-demo", value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct FeaturesArgs {
    /// A folder of class folders, or a table
    pub data: PathBuf,
    /// The safetensors file to write; it must not exist yet
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub reading: DataArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args, Debug)]
pub struct ExportArgs {
    /// A model folder
    pub model: PathBuf,
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: ExportTo,
    /// The file to write; it must not exist yet [default: the model's name with the format's
    /// ending, beside it]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportTo {
    /// A .keras file that Keras 3 loads
    Keras,
    /// An .onnx file
    Onnx,
    /// The weights alone
    Safetensors,
}

#[derive(Args, Debug)]
pub struct BackbonesArgs {
    /// The network to show layer by layer: a name, or a whole model in a file (.keras, .h5, .onnx)
    /// [default: list them all]
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Args, Debug)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub backbone: BackboneArgs,
    /// Where to compute: cpu, or what else this build knows (cuda, vulkan, metal, rocm)
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub device: String,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Args, Debug)]
pub struct CacheArgs {
    #[command(subcommand)]
    pub action: CacheAction,
}

#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// Where the features are kept, and how much room they take
    Info,
    /// Remove them all; the next run computes them again
    Clear,
}

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Programs, notebooks, models (.keras, .h5, .onnx, finial's folders), or folders of them;
    /// folders respect .gitignore; - is a program on standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Compare final layers with these labels: a folder of class folders, or a table of images
    #[arg(long, value_name = "DIR|TABLE")]
    pub data: Option<PathBuf>,
    /// The table's column that names the images [default: found by name]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub image_column: Option<String>,
    /// The table's column that holds the label; several times for several labels
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub label_column: Vec<String>,
    /// The kind of task: multi-class, binary, multi-label or regression [default: inferred]
    #[arg(long, value_name = "KIND", value_parser = values::task_kind, requires = "data")]
    pub task: Option<TaskKind>,
    /// Only these rules: codes, beginnings of codes, names, or ALL
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub select: Vec<String>,
    /// Not these rules
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub ignore: Vec<String>,
    /// Repair what has one right repair; of a .keras model a repaired copy is written beside it
    #[arg(long, conflicts_with = "diff")]
    pub fix: bool,
    /// Show the repairs, change nothing
    #[arg(long, conflicts_with = "format")]
    pub diff: bool,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people, with the lines that are spoken of
    #[default]
    Text,
    /// One JSON list, an object a finding
    Json,
    /// A SARIF 2.1.0 log for code scanning
    Sarif,
    /// Annotations for GitHub Actions
    Github,
}

#[derive(Args, Debug)]
pub struct RuleArgs {
    /// A rule's code or name; without one, all rules are listed
    pub rule: Option<String>,
}

//! What can stop a command, and the exit status each fault has.

use std::io;
use std::path::PathBuf;

use finial::LearnError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CliError {
    /// Training, evaluation or prediction.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Learn(#[from] LearnError),
    /// The settings of a check.
    #[error(transparent)]
    #[diagnostic(transparent)]
    CheckOptions(#[from] finial_check::OptionsError),
    /// A repair that cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fix(#[from] finial_check::FixError),
    /// A program that is not in a file.
    #[error("expected files to repair, found a program on standard input")]
    #[diagnostic(help("`--diff` shows the repairs; apply them with `patch`"))]
    FixStandardInput,
    /// Standard input breaks off.
    #[error("cannot read standard input: {0}")]
    #[diagnostic(help("give the program as a file"))]
    StandardInput(io::Error),
    /// The demo's pictures.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Demo(#[from] finial_demo::DemoError),
    /// The feature store.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] finial::store::StoreError),
    /// Some images have no answer; the others were printed.
    #[error("{failed} of {total} images could not be read")]
    #[diagnostic(help("each is named above, with the reason"))]
    SomeUnreadable {
        /// Images without an answer.
        failed: usize,
        /// Images asked about.
        total: usize,
    },
    /// A folder without images.
    #[error("expected images, found none in {}", .0.display())]
    #[diagnostic(help("images end in .jpg, .jpeg, .png, .webp, .bmp, .gif, .tif or .tiff"))]
    NoImages(PathBuf),
    /// A model that is not there.
    #[error("expected a model folder, but {}: there is no such file", .0.display())]
    #[diagnostic(help("give the folder that `finial train --out` wrote"))]
    NoModel(PathBuf),
    /// The file to write is there already.
    #[error("the file {} exists already", .0.display())]
    #[diagnostic(help("nothing was changed; give another name, or remove it yourself"))]
    FileExists(PathBuf),
    /// The file to write has no folder that takes it.
    #[error("cannot write {} in the folder {}: {reason}", path.display(), folder.display())]
    #[diagnostic(help("create the folder, or choose another name for the file"))]
    NoRoomFor {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The models of an earlier demo are there.
    #[error("an earlier demo left its models in {}", models.display())]
    #[diagnostic(help(
        "nothing was changed; give --out another name, remove the folder yourself, or read the \
         reports that are there:{}",
        reports.iter().map(|path| format!("\n  {}", path.display())).collect::<String>()
    ))]
    DemoExists {
        /// The folder of models.
        models: PathBuf,
        /// The reports in it.
        reports: Vec<PathBuf>,
    },
    /// A setting of the head beside the wish that it be chosen.
    #[error("`--head auto` chooses hidden layer and weight decay itself, but `{0}` is given, too")]
    #[diagnostic(help("leave one of the two out"))]
    HeadGivenAndChosen(String),
    /// Reading or writing failed.
    #[error("{what}: {error}")]
    Io {
        /// The file, or what was done.
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

impl CliError {
    /// For `map_err` on writing to standard output.
    pub fn stdout(error: io::Error) -> Self {
        CliError::Io {
            what: "standard output".to_owned(),
            error,
        }
    }

    /// Whether the reader of our output has gone away, which is no fault.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, CliError::Io { error, .. } if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// 2 where the input or the command line is at fault, 1 where the machine is.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Learn(
                LearnError::Engine(_)
                | LearnError::Store(_)
                | LearnError::Matrix(_)
                | LearnError::Graph(_)
                | LearnError::Report(_)
                | LearnError::Loss(_)
                | LearnError::Metric(_)
                | LearnError::ResultCount
                | LearnError::File { .. },
            )
            | CliError::Store(_)
            | CliError::StandardInput(_)
            | CliError::Io { .. } => 1,
            CliError::Learn(_)
            | CliError::Demo(_)
            | CliError::CheckOptions(_)
            | CliError::Fix(_)
            | CliError::FixStandardInput
            | CliError::SomeUnreadable { .. }
            | CliError::NoImages(_)
            | CliError::NoModel(_)
            | CliError::FileExists(_)
            | CliError::NoRoomFor { .. }
            | CliError::HeadGivenAndChosen(_)
            | CliError::DemoExists { .. } => 2,
        }
    }
}

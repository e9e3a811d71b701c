//! What can stop a network.

use finial_graph::{FoldError, GraphError, Shape, WeightsError};
use finial_kernels::KernelError;

use crate::device::DeviceError;
use crate::frozen::Choice;

/// Why a network cannot be made, run or trained.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EngineError {
    /// The weights do not fit the graph.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] WeightsError),
    /// The folded graph does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// The batch has another shape than the graph's input.
    #[error("the network reads values of shape {expected}, found {found}")]
    #[diagnostic(help("give whole values of that shape, one behind the other"))]
    WrongInput {
        /// The graph's input.
        expected: Shape,
        /// The batch's shape.
        found: String,
    },
    /// The network answered with NaN or infinity.
    #[error("row {row} of the output `{node}` is {found}, expected finite numbers")]
    #[diagnostic(help(
        "the weights are too large for single precision: the file is damaged, or training diverged"
    ))]
    NotFinite {
        /// The last node.
        node: String,
        /// The value of the batch, from 0.
        row: usize,
        /// NaN or an infinity.
        found: f32,
    },
    /// A node got a value that it cannot take, which the graph had ruled out.
    #[error("node `{node}` expects {expected}, found another value")]
    #[diagnostic(help("this is a fault of finial, not of your data; please report it"))]
    WrongValue {
        /// The node.
        node: String,
        /// What it can take.
        expected: &'static str,
    },
    /// A step of training that would leave a parameter as it is.
    #[error("the loss gives no gradient for the parameter `{0}`")]
    #[diagnostic(help(
        "compute the loss from the output of this network, after `Network::trainable`"
    ))]
    NoGradient(String),
    /// A gradient that training cannot follow.
    #[error("the gradient of the parameter `{parameter}` is {norm}, expected finite numbers")]
    #[diagnostic(help("lower the learning rate, or clip gradients at a smaller norm"))]
    GradientNotFinite {
        /// The first parameter, in the order of names, whose gradient is not made of numbers.
        parameter: String,
        /// The norm of its gradient.
        norm: f64,
    },
    /// A state that belongs to another network.
    #[error("the optimiser's state does not fit the parameter `{0}`")]
    #[diagnostic(help("the checkpoint is of another network; train from the start"))]
    WrongState(String),
    /// The device is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NoDevice(#[from] DeviceError),
    /// An engine is not there, or does not take the graph.
    #[error("the engine {choice} cannot be used: {reason}")]
    #[diagnostic(help(
        "leave --engine and --precision out for the fastest that is there; `finial doctor` lists \
         them all"
    ))]
    Unavailable {
        /// What was asked for.
        choice: Choice,
        /// Why not.
        reason: String,
    },
    /// A layer that a kernel of finial's own engine refuses.
    #[error("node `{node}` cannot run on finial's own engine: {source}")]
    #[diagnostic(help("use another engine; Burn runs every network"))]
    Kernel {
        /// The node.
        node: String,
        /// Why.
        source: KernelError,
    },
    /// The device could not give its result.
    #[error("the device failed to compute: {0}")]
    #[diagnostic(help(
        "try again with smaller batches or on another device; `cpu` is there always"
    ))]
    Device(String),
}

impl EngineError {
    /// Why an engine cannot be used: the bare reason of [`Unavailable`](Self::Unavailable), the
    /// whole message of another error.
    pub fn reason(self) -> String {
        match self {
            EngineError::Unavailable { reason, .. } => reason,
            other => other.to_string(),
        }
    }
}

impl From<FoldError> for EngineError {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Graph(error) => EngineError::Graph(error),
            FoldError::Weights(error) => EngineError::Weights(error),
        }
    }
}

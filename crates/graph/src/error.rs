//! What can be wrong with a graph, and what with its weights.

use crate::{Arity, Shape};

/// A graph that does not hold together.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum GraphError {
    /// Two nodes of one name.
    #[error("two nodes are named `{0}`")]
    #[diagnostic(help("give each node a name of its own"))]
    DuplicateName(String),
    /// A node reads one that is not there, or stands after it.
    #[error("node `{node}` reads `{input}`, which is not among the nodes before it")]
    #[diagnostic(help("list nodes in the order in which they run"))]
    UnknownInput {
        /// The reader.
        node: String,
        /// What it reads.
        input: String,
    },
    /// No node of that name.
    #[error("there is no node `{name}`; near names are {near}")]
    #[diagnostic(help("name a node of the graph"))]
    UnknownNode {
        /// The name asked for.
        name: String,
        /// Names that are there.
        near: String,
    },
    /// An operation given the wrong number of inputs.
    #[error("node `{node}` ({op}) takes {expected} inputs, found {found}")]
    #[diagnostic(help("name as many nodes to read as the operation takes"))]
    WrongArity {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// Inputs that the operation takes.
        expected: Arity,
        /// Inputs listed.
        found: usize,
    },
    /// An operation given an input of a shape it cannot take.
    #[error("node `{node}` ({op}) expects {expected}, found {found}")]
    #[diagnostic(help(
        "change the node or those it reads; a stored graph that says this is damaged"
    ))]
    WrongShape {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// What it can take.
        expected: String,
        /// The shape it would get.
        found: Shape,
    },
    /// An operation with a setting that it is not defined for.
    #[error("node `{node}` ({op}) needs {expected}, found {found}")]
    #[diagnostic(help("correct the setting; a stored graph that says this is damaged"))]
    Setting {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// The setting and its range.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A node that would fill the memory.
    #[error("node `{node}` ({op}) may hold {most} numbers in {what}, found the shape {found}")]
    #[diagnostic(help(
        "make the layer or the image smaller; a stored graph that says this is damaged"
    ))]
    TooLarge {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// Its value or its parameters.
        what: &'static str,
        /// Numbers it may hold.
        most: usize,
        /// The shape or shapes it would have.
        found: String,
    },
    /// No nodes, no input, or several inputs.
    #[error("a graph needs exactly one input node, at its start; found {0}")]
    #[diagnostic(help("put the input first and have every other node read one before it"))]
    NotOneInput(usize),
    /// The cut does not divide the graph.
    #[error(
        "the graph cannot be cut at `{cut}`: `{node}` behind it also reads `{input}` before it"
    )]
    #[diagnostic(help("cut at a node through which everything passes"))]
    NotACut {
        /// Where it should be cut.
        cut: String,
        /// The node behind the cut.
        node: String,
        /// The node before the cut that it reads.
        input: String,
    },
}

/// Weights that do not fit a graph, or a file that does not hold weights.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WeightsError {
    /// Names or shapes differ.
    #[error("the weights do not fit the graph: {0}")]
    #[diagnostic(help("the file belongs to another network, or to another variant of this one"))]
    Mismatch(String),
    /// Not a safetensors file.
    #[error("expected a safetensors file, found one that cannot be read: {0}")]
    #[diagnostic(help("the file is damaged or of another format; copy or fetch it again"))]
    Unreadable(#[from] safetensors::SafeTensorError),
    /// A safetensors file that cannot be written.
    #[error("the weights cannot be written: {0}")]
    #[diagnostic(help("see that there is room, or choose another place"))]
    Unwritable(std::io::Error),
    /// A kind of number that weights do not come in.
    #[error("tensor `{name}` holds {found}; expected 16- or 32-bit floating-point numbers")]
    #[diagnostic(help("convert the file to float32, float16 or bfloat16"))]
    WrongType {
        /// The tensor.
        name: String,
        /// What it holds.
        found: String,
    },
    /// NaN or infinity.
    #[error("tensor `{name}` holds a number that is not finite")]
    #[diagnostic(help("the file is damaged, or its training diverged"))]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// A variance below zero, of which no root can be taken.
    #[error("tensor `{name}` holds variances, expected none below 0, found {found}")]
    #[diagnostic(help("the file is damaged, or not the weights of this network"))]
    NegativeVariance {
        /// The tensor.
        name: String,
        /// The first that is below zero.
        found: f32,
    },
    /// Values and shape disagree.
    #[error("tensor `{name}` has {found} numbers, its shape {shape:?} calls for another count")]
    #[diagnostic(help("give as many numbers as the product of the dimensions"))]
    WrongCount {
        /// The tensor.
        name: String,
        /// Numbers given.
        found: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
}

impl WeightsError {
    /// A parameter of a graph is not among the weights.
    pub(crate) fn missing(name: &str) -> Self {
        WeightsError::Mismatch(format!("`{name}` is missing"))
    }
}

//! What can be wrong with a graph, and what with its weights.

use crate::Shape;

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
    WrongArity {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// Inputs that the operation takes.
        expected: usize,
        /// Inputs listed.
        found: usize,
    },
    /// An operation given an input of a shape it cannot take.
    #[error("node `{node}` ({op}) expects {expected}, found {found}")]
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
    /// No nodes, no input, or several inputs.
    #[error("a graph needs exactly one input node, at its start; found {0}")]
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
    /// A kind of number that weights do not come in.
    #[error("tensor `{name}` holds {found}; expected 16- or 32-bit floating-point numbers")]
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
    /// Values and shape disagree.
    #[error("tensor `{name}` has {found} numbers, its shape {shape:?} calls for another count")]
    WrongCount {
        /// The tensor.
        name: String,
        /// Numbers given.
        found: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
}

//! What can be wrong with an operation or with what it is given.

use crate::Instructions;

/// An operation that cannot be made, or an input that does not fit it.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum KernelError {
    /// A slice of another length than the shape says.
    #[error("{what}: expected {expected} numbers, found {found}")]
    #[diagnostic(help("give as many numbers as the operation's shape says"))]
    WrongLength {
        /// Which slice.
        what: &'static str,
        /// Numbers that the shape says.
        expected: usize,
        /// Numbers in the slice.
        found: usize,
    },
    /// A shape for which the operation is not defined.
    #[error("{what}: expected {expected}, found {found}")]
    #[diagnostic(help("correct the shape"))]
    WrongShape {
        /// Which part of the shape.
        what: &'static str,
        /// What it can be.
        expected: &'static str,
        /// What it is.
        found: usize,
    },
    /// A shape with more numbers than memory can be addressed with.
    #[error("{what}: expected fewer numbers than this machine can address, found more")]
    #[diagnostic(help("make the shape smaller"))]
    TooLarge {
        /// Which tensor.
        what: &'static str,
    },
    /// A residual given to an operation that adds none, or missing where one is added.
    #[error("residual: expected {}, found {}", given(*expected), given(!*expected))]
    #[diagnostic(help("give a residual exactly where the epilogue says so"))]
    Residual {
        /// Whether the epilogue adds one.
        expected: bool,
    },
    /// Instructions that this machine lacks.
    #[error("instructions: expected those that this machine has, found {0}")]
    #[diagnostic(help("use `Instructions::detect`, or one of `Instructions::available`"))]
    Unavailable(Instructions),
    /// A name in the environment that is none of the instructions.
    #[error(
        "FINIAL_INSTRUCTIONS: expected portable, avx2, avx512, avx512-bf16, amx or neon, found `{0}`"
    )]
    #[diagnostic(help("unset it, or set it to one of these names"))]
    UnknownInstructions(String),
}

fn given(is: bool) -> &'static str {
    if is { "one" } else { "none" }
}

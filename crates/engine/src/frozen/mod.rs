//! A frozen network that is only run over images, by one of several engines.
//!
//! [`Frozen`] is what they have in common, so that who runs a network need not know which of them
//! it is. An engine is made ready once, for one graph with its weights, and is then asked for the
//! features of any number of images.
//!
//! Training needs gradients and goes through [`Network`](crate::Network).

mod burn;

use std::fmt;

use finial_graph::Shape;

use crate::EngineError;

pub use burn::Burn;

/// A graph and its weights, ready to run over images.
///
/// A call of [`run`](Self::run) keeps all cores busy by itself, if it is given as many images as
/// [`images_at_once`](Self::images_at_once) says. What an image gives depends neither on the
/// images beside it nor on the number of threads.
pub trait Frozen: Send + Sync {
    /// Which engine this is.
    fn engine(&self) -> Engine;

    /// In what it computes.
    fn precision(&self) -> Precision;

    /// What the last bits of its numbers depend on besides graph and weights: engine, version,
    /// precision, device. Features of two identities must not be mixed.
    fn identity(&self) -> String;

    /// How many images it takes to be at its fastest. More are run one part after the other, so
    /// memory does not grow with them beyond input and output.
    fn images_at_once(&self) -> usize;

    /// What the graph gives for each image, in order: rows `[N, output width]`.
    ///
    /// An image is 8-bit RGB `[H, W, 3]`, row-major, of the size that the graph reads.
    ///
    /// # Errors
    /// An image has another size, an output is not finite, or the engine failed.
    fn run(&self, images: &[&[u8]]) -> Result<Vec<f32>, EngineError>;
}

/// What can run a frozen graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Burn: always there, and the only one for other devices than the processor.
    Burn,
    /// finial's own, on its kernels for the processor.
    Finial,
    /// Intel's OpenVINO, if it is installed.
    OpenVino,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 3] = [Engine::Burn, Engine::Finial, Engine::OpenVino];

    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Burn => "burn",
            Engine::Finial => "finial",
            Engine::OpenVino => "openvino",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// In what an engine multiplies; it gives 32-bit numbers in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// Factors in bfloat16 (8 bits of mantissa), sums in 32 bits.
    Bf16,
}

impl Precision {
    /// Both of them.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Bf16];

    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes sure that every image has as many bytes as a graph of that input reads.
///
/// # Errors
/// [`EngineError::WrongInput`]: one has not, or the graph reads no RGB images.
pub(crate) fn expect_images(input: Shape, images: &[&[u8]]) -> Result<(), EngineError> {
    let wrong = |found: String| EngineError::WrongInput {
        expected: input,
        found,
    };
    let Shape::Map([3, _, _]) = input else {
        return Err(wrong("8-bit RGB images".to_owned()));
    };
    match images.iter().find(|image| image.len() != input.len()) {
        None => Ok(()),
        Some(image) => Err(wrong(format!("an image of {} bytes", image.len()))),
    }
}

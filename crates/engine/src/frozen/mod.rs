//! A frozen network that is only run over images, by one of several engines.
//!
//! [`Frozen`] is what they have in common, so that who runs a network need not know which of them
//! it is. A [`Choice`] names one and makes it ready for a graph with its weights; [`trial`] finds
//! out which are there, how fast they are on this machine and whether they agree.
//!
//! Training needs gradients and goes through [`Network`](crate::Network).

mod burn;
mod choice;
mod openvino;
mod probe;
pub mod trial;

use std::fmt;
use std::str::FromStr;

use finial_graph::Shape;
use serde::{Deserialize, Serialize};

use crate::EngineError;

pub use burn::Burn;
pub use choice::Choice;
pub use openvino::{Library, OpenVino, VARIABLE as OPENVINO_VARIABLE, library as openvino_library};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl FromStr for Engine {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let named = Engine::ALL.into_iter().find(|e| e.name() == name);
        named.ok_or(())
    }
}

/// In what an engine multiplies; it gives 32-bit numbers in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
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

impl FromStr for Precision {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let named = Precision::ALL.into_iter().find(|p| p.name() == name);
        named.ok_or(())
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

/// Makes sure that what the last `node` gave, a row of that shape for each image, is made of numbers.
///
/// # Errors
/// [`EngineError::NotFinite`].
pub(crate) fn expect_finite(node: &str, row: Shape, outputs: &[f32]) -> Result<(), EngineError> {
    match outputs.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        None => Ok(()),
        Some((at, &found)) => Err(EngineError::NotFinite {
            node: node.to_owned(),
            row: at / row.len().max(1),
            found,
        }),
    }
}

//! Intel's OpenVINO behind [`Frozen`], if it is on this machine.
//!
//! The graph goes over as an ONNX file. Each stream of OpenVINO runs one image at a
//! time, which keeps all cores busy and leaves nothing to wait for; there are twice as many
//! requests as streams, so that a stream that is done finds the next image waiting.

mod library;

use std::env;
use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use finial_formats::FormatError;
use finial_formats::onnx::{self, Description};
use finial_graph::{Graph, Weights, simplify};
use finial_kernels::trim_heap;
use openvino::{
    CompiledModel, Core, DeviceType, ElementType, InferRequest, InferenceError, PartialShape,
    PropertyKey, RwPropertyKey, SetupError,
};
use tempfile::NamedTempFile;

use super::{Choice, Engine, Frozen, Precision, expect_finite, expect_images};
use crate::EngineError;

pub use library::{Library, VARIABLE, library};

/// Milliseconds after which an image that does not come back counts as lost.
const PATIENCE: i64 = 600_000;

/// A graph compiled by OpenVINO for the processor.
pub struct OpenVino {
    graph: Graph,
    precision: Precision,
    requests: Mutex<Requests>,
    at_once: usize,
}

/// Requests, and what they need to live.
struct Requests {
    requests: Vec<InferRequest>,
    _compiled: CompiledModel,
    _core: Core,
}

/// The version, if the library is there and this machine's processor has that precision.
///
/// # Errors
/// Why it cannot be used.
pub(super) fn version(precision: Precision) -> Result<&'static str, String> {
    let library = library()?;
    if precision == Precision::Bf16 {
        let core = Core::new().map_err(setup)?;
        let has = core.get_property(&DeviceType::CPU, &PropertyKey::DeviceCapabilities);
        let has = has.map_err(|error| in_short(&error))?;
        if !has
            .split_whitespace()
            .any(|capability| capability == "BF16")
        {
            return Err("this processor has no instructions for bf16".to_owned());
        }
    }
    Ok(&library.version)
}

impl OpenVino {
    /// The graph with its weights, compiled for this machine's processor.
    ///
    /// # Errors
    /// OpenVINO is not there or does not take the graph, or the weights do not fit.
    pub fn new(
        graph: &Graph,
        weights: &Weights,
        precision: Precision,
    ) -> Result<Self, EngineError> {
        let unavailable = |reason: String| EngineError::Unavailable {
            choice: Choice {
                engine: Engine::OpenVino,
                precision,
            },
            reason,
        };
        let refused = |error: InferenceError| unavailable(in_short(&error));
        expect_images(graph.input_shape(), &[])?;
        graph.check_weights(weights)?;
        version(precision).map_err(unavailable)?;
        let mut core = Core::new().map_err(|error| unavailable(setup(error)))?;
        for (key, value) in [
            // On a processor that has it, bf16 would be the default.
            (RwPropertyKey::HintInferencePrecision, precision.name()),
            (RwPropertyKey::HintPerformanceMode, "THROUGHPUT"),
            // Images are decoded at the same time, on the same cores.
            (RwPropertyKey::HintEnableCpuPinning, "NO"),
        ] {
            core.set_property(&DeviceType::CPU, &key, value)
                .map_err(refused)?;
        }
        let network = written(graph, weights, &unavailable)?;
        let path = network.path().to_string_lossy();
        let mut model = core.read_model_from_file(&path, "").map_err(refused)?;
        trim_heap();
        let mut one = vec![1];
        one.extend(graph.input_shape().dims().iter().skip(1));
        one.push(3);
        let one: Vec<i64> = one.into_iter().map(|d| d as i64).collect();
        let one = PartialShape::new_static(one.len() as i64, &one).map_err(refused)?;
        model.reshape_single_input(&one).map_err(refused)?;
        let mut compiled = core
            .compile_model(&model, DeviceType::CPU)
            .map_err(refused)?;
        drop(model);
        drop(network);
        let streams = compiled.get_property(&PropertyKey::OptimalNumberOfInferRequests);
        let streams = streams.map_err(refused)?.parse().unwrap_or(1_usize);
        let requests = (0..streams.clamp(1, 256) * 2).map(|_| compiled.create_infer_request());
        let requests: Vec<InferRequest> = requests.collect::<Result<_, _>>().map_err(refused)?;
        Ok(OpenVino {
            graph: graph.clone(),
            precision,
            at_once: requests.len() * 4,
            requests: Mutex::new(Requests {
                requests,
                _compiled: compiled,
                _core: core,
            }),
        })
    }
}

/// The network as an ONNX file in the system's temporary folder, which goes when it is dropped.
///
/// OpenVINO holds a network that is given in memory four times while it reads it, and what it folds
/// itself before and after.
fn written(
    graph: &Graph,
    weights: &Weights,
    unavailable: &dyn Fn(String) -> EngineError,
) -> Result<NamedTempFile, EngineError> {
    let folder = env::temp_dir();
    let failed = |error: io::Error| {
        let folder = folder.display();
        unavailable(format!("it needs a file in {folder} for a moment: {error}"))
    };
    let mut file = tempfile::Builder::new();
    file.prefix("finial-").suffix(".onnx");
    let file = file.tempfile_in(&folder).map_err(failed)?;
    let description = Description {
        output: "features".to_owned(),
        ..Description::default()
    };
    let (graph, weights) = simplify(graph, weights)?;
    let mut out = BufWriter::new(file.as_file());
    match onnx::write(&graph, &weights, &description, &mut out) {
        Ok(()) => out.flush().map_err(failed)?,
        Err(FormatError::File { error, .. }) => return Err(failed(error)),
        Err(error) => return Err(unavailable(error.to_string())),
    }
    drop(out);
    Ok(file)
}

impl Frozen for OpenVino {
    fn engine(&self) -> Engine {
        Engine::OpenVino
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn images_at_once(&self) -> usize {
        self.at_once
    }

    fn run(&self, images: &[&[u8]]) -> Result<Vec<f32>, EngineError> {
        expect_images(self.graph.input_shape(), images)?;
        let width = self.graph.output_shape().len();
        // Whoever panicked with it waited for no request, which `answers` does.
        let mut held = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = &mut held.requests;
        let outputs = answers(requests, images, width);
        if outputs.is_err() {
            // None must be under way when the next call comes.
            for request in requests {
                let _ = request.wait(PATIENCE);
            }
        }
        let outputs = outputs?;
        expect_finite(self.graph.output(), self.graph.output_shape(), &outputs)?;
        Ok(outputs)
    }
}

/// Runs images through requests in turn; each is asked again as soon as its answer was read.
fn answers(
    requests: &mut [InferRequest],
    images: &[&[u8]],
    width: usize,
) -> Result<Vec<f32>, EngineError> {
    let mut outputs = Vec::with_capacity(images.len() * width);
    let count = requests.len().max(1);
    for at in 0..images.len() + count {
        let Some(request) = requests.get_mut(at % count) else {
            break;
        };
        // Its image is the one of the round before.
        if at >= count && at - count < images.len() {
            request.wait(PATIENCE).map_err(failed)?;
            let answer = request.get_output_tensor().map_err(failed)?;
            let kind = answer.get_element_type().map_err(failed)?;
            let bytes = answer.get_raw_data().map_err(failed)?;
            if kind != ElementType::F32 || bytes.len() != width * 4 {
                return Err(EngineError::Device(format!(
                    "openvino gave {} bytes for {width} numbers",
                    bytes.len()
                )));
            }
            let numbers = bytes.as_chunks().0.iter();
            outputs.extend(numbers.map(|four| f32::from_ne_bytes(*four)));
        }
        if let Some(image) = images.get(at) {
            let mut input = request.get_input_tensor().map_err(failed)?;
            let bytes = input.get_raw_data_mut().map_err(failed)?;
            if bytes.len() != image.len() {
                return Err(EngineError::Device(format!(
                    "openvino takes {} bytes for an image of {}",
                    bytes.len(),
                    image.len()
                )));
            }
            bytes.copy_from_slice(image);
            request.infer_async().map_err(failed)?;
        }
    }
    Ok(outputs)
}

fn failed(error: InferenceError) -> EngineError {
    EngineError::Device(format!("openvino: {}", in_short(&error)))
}

fn setup(error: SetupError) -> String {
    match error {
        SetupError::Inference(error) => in_short(&error),
        SetupError::Loading(error) => error.to_string(),
    }
}

/// The last line of what OpenVINO says: before it, it says where in its source it says so.
fn in_short(error: &InferenceError) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    let mut lines = message.lines().map(str::trim);
    match lines.rfind(|line| !line.is_empty()) {
        Some(line) => line.to_owned(),
        None => error.kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use openvino::InferenceErrorKind;

    use super::*;

    #[test]
    fn of_a_long_message_the_line_that_says_why_is_kept() {
        let error = |message: Option<&str>| InferenceError {
            kind: InferenceErrorKind::GeneralError,
            message: message.map(str::to_owned),
        };
        let long = "Exception from src/a.cpp:259:\nCheck 'x' failed at b.cpp:78:\nToo small.\n\n";
        assert_eq!(in_short(&error(Some(long))), "Too small.");
        assert_eq!(in_short(&error(None)), "general error");
    }
}

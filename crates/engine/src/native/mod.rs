//! finial's own engine for frozen networks, on the processor.
//!
//! [`lower`] makes steps of a graph once, for one precision; [`memory`] plans where their values
//! lie. Running is then a walk over the steps, which [`plan`] takes images on. What a step computes
//! is in `finial-kernels`.

mod lower;
mod memory;
mod plan;
mod step;
mod view;

use finial_graph::{Graph, Shape, Weights, simplify};
use finial_kernels::{Element, Instructions};
use half::bf16;

use crate::frozen::{expect_finite, expect_images};
use crate::{Engine, EngineError, Frozen, Precision};
use plan::{Context, Plan};

/// A graph with its weights, lowered for this machine's processor.
///
/// ```
/// use finial_engine::{Native, Precision};
/// use finial_graph::{Graph, Op, Shape, Tensor, Weights};
///
/// let mut graph = Graph::new(Shape::Vector([2]));
/// graph.push("logits", Op::Dense { units: 1 })?;
/// let mut weights = Weights::new();
/// weights.insert("logits.weight", Tensor::new("w", vec![1, 2], vec![2.0, 3.0])?);
/// weights.insert("logits.bias", Tensor::new("b", vec![1], vec![1.0])?);
///
/// let network = Native::new(&graph, &weights, Precision::F32)?;
/// assert_eq!(network.rows(&[1.0, 1.0, 0.0, 1.0])?, [6.0, 4.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Native {
    input: Shape,
    output: Shape,
    /// The last node's name.
    node: String,
    instructions: Instructions,
    plan: Plans,
}

#[derive(Debug)]
enum Plans {
    F32(Plan<f32>),
    Bf16(Plan<bf16>),
}

impl Native {
    /// Makes the graph ready, simplified, for the instructions that this machine has.
    ///
    /// # Errors
    /// The weights do not fit the graph, the environment names instructions that are not there, or
    /// a layer is one that this engine cannot run.
    pub fn new(
        graph: &Graph,
        weights: &Weights,
        precision: Precision,
    ) -> Result<Self, EngineError> {
        let instructions = Instructions::detect().map_err(|source| EngineError::Kernel {
            node: graph.output().to_owned(),
            source,
        })?;
        Native::with_instructions(graph, weights, precision, instructions)
    }

    /// As [`new`](Self::new), for these instructions.
    ///
    /// # Errors
    /// As [`new`](Self::new); or this machine lacks the instructions.
    pub fn with_instructions(
        graph: &Graph,
        weights: &Weights,
        precision: Precision,
        instructions: Instructions,
    ) -> Result<Self, EngineError> {
        let (graph, weights) = simplify(graph, weights)?;
        let plan = match precision {
            Precision::F32 => Plans::F32(Plan::new(&graph, &weights, instructions)?),
            Precision::Bf16 => Plans::Bf16(Plan::new(&graph, &weights, instructions)?),
        };
        Ok(Native {
            input: graph.input_shape(),
            output: graph.output_shape(),
            node: graph.output().to_owned(),
            instructions,
            plan,
        })
    }

    /// What the graph gives for any number of values of its input's shape, row-major, one behind
    /// the other.
    ///
    /// # Errors
    /// The numbers do not make whole values, or an output is not finite.
    pub fn rows(&self, numbers: &[f32]) -> Result<Vec<f32>, EngineError> {
        let length = self.input.len();
        if !numbers.len().is_multiple_of(length) {
            return Err(EngineError::WrongInput {
                expected: self.input,
                found: format!("{} numbers", numbers.len()),
            });
        }
        let values: Vec<&[f32]> = numbers.chunks_exact(length).collect();
        let outputs = match &self.plan {
            Plans::F32(plan) => self.all(plan, &values, Plan::enter_numbers),
            Plans::Bf16(plan) => self.all(plan, &values, Plan::enter_numbers),
        };
        let outputs = outputs?;
        expect_finite(&self.node, self.output, &outputs)?;
        Ok(outputs)
    }

    fn all<T: Element, V: Copy + Sync>(
        &self,
        plan: &Plan<T>,
        values: &[V],
        enter: impl Fn(&Plan<T>, V, &mut [T], Context) -> Result<(), EngineError> + Sync,
    ) -> Result<Vec<f32>, EngineError> {
        let mut outputs = vec![0.0; values.len() * self.output.len()];
        let context = Context {
            input: self.input,
            node: &self.node,
            instructions: self.instructions,
        };
        plan.run(values, enter, context, &mut outputs)?;
        Ok(outputs)
    }
}

impl Frozen for Native {
    fn engine(&self) -> Engine {
        Engine::Finial
    }

    fn precision(&self) -> Precision {
        match self.plan {
            Plans::F32(_) => Precision::F32,
            Plans::Bf16(_) => Precision::Bf16,
        }
    }

    fn images_at_once(&self) -> usize {
        plan::images_at_once()
    }

    fn run(&self, images: &[&[u8]]) -> Result<Vec<f32>, EngineError> {
        expect_images(self.input, images)?;
        let outputs = match &self.plan {
            Plans::F32(plan) => self.all(plan, images, Plan::enter_bytes),
            Plans::Bf16(plan) => self.all(plan, images, Plan::enter_bytes),
        };
        let outputs = outputs?;
        expect_finite(&self.node, self.output, &outputs)?;
        Ok(outputs)
    }
}

/// What this engine's numbers depend on besides graph and weights, on this machine.
///
/// # Errors
/// Why it is not there: the environment asks for instructions that the machine lacks, or bf16 would
/// only be slower.
pub(crate) fn identity(precision: Precision) -> Result<String, String> {
    let instructions = Instructions::detect().map_err(|error| error.to_string())?;
    let has_bf16 = matches!(instructions, Instructions::Avx512Bf16 | Instructions::Amx);
    if precision == Precision::Bf16 && !has_bf16 {
        return Err("this processor has no products of bf16".to_owned());
    }
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!(
        "{} {version} {instructions} {precision}",
        Engine::Finial
    ))
}

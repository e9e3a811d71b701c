//! finial's own engine for frozen networks, on the processor.
//!
//! [`lower`] makes steps of a graph once, for one precision; [`memory`] plans where their values
//! lie. Running is then a walk over the steps, each of which uses all cores by itself. What a
//! step computes is in `finial-kernels`.

mod lower;
mod memory;
mod step;
mod view;

use std::sync::{Mutex, PoisonError};

use finial_graph::{Graph, Shape, Weights, simplify};
use finial_kernels::{Element, Instructions};
use half::bf16;

use crate::frozen::{expect_finite, expect_images};
use crate::{Engine, EngineError, Frozen, Precision};
use lower::{Lowered, lower};
use memory::{Batch, Layout, Memory};
use view::{View, order};

/// Images in the network at a time: enough for the widest layers' weights to be worth reading,
/// few enough that a batch's values stay near the processor.
const AT_ONCE: usize = 4;

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

    /// Runs all values, a few at a time.
    fn all<T: Element, V: Copy>(
        &self,
        plan: &Plan<T>,
        values: &[V],
        enter: impl Fn(&Plan<T>, V, &mut [T], Context) -> Result<(), EngineError>,
    ) -> Result<Vec<f32>, EngineError> {
        let mut outputs = Vec::with_capacity(values.len() * self.output.len());
        let context = Context {
            input: self.input,
            node: &self.node,
            instructions: self.instructions,
        };
        for some in values.chunks(AT_ONCE) {
            plan.run(some, &enter, context, &mut outputs)?;
        }
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
        AT_ONCE
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

/// Steps of one precision, and memory for them.
#[derive(Debug)]
struct Plan<T: Element> {
    lowered: Lowered<T>,
    layout: Layout,
    /// One for each caller at a time.
    memories: Mutex<Vec<Memory<T>>>,
}

#[derive(Clone, Copy)]
struct Context<'a> {
    input: Shape,
    node: &'a str,
    instructions: Instructions,
}

impl Context<'_> {
    fn refused(self, source: finial_kernels::KernelError) -> EngineError {
        EngineError::Kernel {
            node: self.node.to_owned(),
            source,
        }
    }
}

impl<T: Element> Plan<T> {
    fn new(
        graph: &Graph,
        weights: &Weights,
        instructions: Instructions,
    ) -> Result<Self, EngineError> {
        let lowered = lower::<T>(graph, weights, instructions)?;
        let mut used = vec![vec![lowered.input.buffer]];
        used.extend(lowered.steps.iter().map(|step| step.buffers()));
        let layout = Layout::new(lowered.lengths.clone(), &used, lowered.output);
        Ok(Plan {
            lowered,
            layout,
            memories: Mutex::new(Vec::new()),
        })
    }

    /// Runs one batch and appends its rows to `outputs`.
    fn run<V: Copy>(
        &self,
        values: &[V],
        enter: impl Fn(&Self, V, &mut [T], Context) -> Result<(), EngineError>,
        context: Context,
        outputs: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        let kept = || self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = kept().pop().unwrap_or_else(Memory::new);
        let mut batch = Batch::new(values.len(), &self.layout, &mut memory);
        let input = &self.lowered.input;
        let length = batch.length(input.buffer);
        batch.write(input.buffer, |_, numbers| {
            let mut each = values.iter().zip(numbers.chunks_exact_mut(length));
            each.try_for_each(|(&value, numbers)| enter(self, value, numbers, context))
        })?;
        for step in &self.lowered.steps {
            let done = step.run(&mut batch, context.instructions);
            done.map_err(|source| context.refused(source))?;
        }
        let rows = batch.read(self.lowered.output);
        outputs.extend(rows.iter().map(|value| value.to_f32()));
        kept().push(memory);
        Ok(())
    }

    /// One image's bytes as the first step reads them.
    fn enter_bytes(
        &self,
        image: &[u8],
        numbers: &mut [T],
        context: Context,
    ) -> Result<(), EngineError> {
        let input = &self.lowered.input;
        let (factors, offsets) = (&input.factors, &input.offsets);
        let done =
            finial_kernels::from_bytes(image, numbers, factors, offsets, context.instructions);
        done.map_err(|source| context.refused(source))
    }

    /// One value, row-major, as the first step reads it.
    fn enter_numbers(
        &self,
        value: &[f32],
        numbers: &mut [T],
        context: Context,
    ) -> Result<(), EngineError> {
        let input = &self.lowered.input;
        let view = View::row_major(context.input.dims()).permuted(&order(context.input));
        let mut moved = vec![0.0; value.len()];
        view.gather(value, &mut moved);
        let channels = input.factors.len().max(1);
        for (place, numbers) in moved.chunks(channels).zip(numbers.chunks_mut(channels)) {
            let scaling = input.factors.iter().zip(&input.offsets);
            for ((to, x), (factor, offset)) in numbers.iter_mut().zip(place).zip(scaling) {
                *to = T::from_f32(x * factor + offset);
            }
        }
        Ok(())
    }
}

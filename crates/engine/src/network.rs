//! The executor: a graph and its weights, on a device.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor};
use finial_graph::{Graph, Tensor as Stored, Weights, fold_batch_norms};
#[cfg(feature = "cpu")]
use finial_kernels::Factors;
use rand::Rng;

use crate::frozen::expect_finite;
use crate::layer::{Layer, Parameter, Visitor};
use crate::{EngineError, Precision, Value};

#[cfg(feature = "cpu")]
mod blocks;

/// Whether a network is being used or trained.
pub enum Mode<'a> {
    /// Dropout does nothing.
    Inference,
    /// Dropout draws from this generator.
    Training(&'a mut dyn Rng),
}

/// A graph and its weights on a device.
///
/// ```
/// use finial_engine::{Network, device};
/// use finial_graph::{Graph, Op, Shape, Tensor, Weights};
///
/// let mut graph = Graph::new(Shape::Vector([2]));
/// graph.push("logits", Op::Dense { units: 1 })?;
/// let mut weights = Weights::new();
/// weights.insert("logits.weight", Tensor::new("w", vec![1, 2], vec![2.0, 3.0])?);
/// weights.insert("logits.bias", Tensor::new("b", vec![1], vec![1.0])?);
///
/// let network = Network::new(&graph, &weights, &device::named("cpu")?)?;
/// assert_eq!(network.run(vec![1.0, 1.0, 0.0, 1.0])?, [6.0, 4.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Network {
    graph: Graph,
    steps: Vec<Step>,
    device: Device,
}

/// A node and where its inputs come from.
#[derive(Clone)]
struct Step {
    node: String,
    layer: Layer,
    reads: Vec<Read>,
}

/// An input of a step.
#[derive(Clone, Copy)]
struct Read {
    /// The position of the step that gives it.
    from: usize,
    /// Whether nothing reads it afterwards, so that it can be given away and its memory used
    /// again.
    last: bool,
}

impl Network {
    /// A network for inference.
    ///
    /// # Errors
    /// The weights do not fit the graph ([`Graph::check_weights`]); what `weights` holds besides
    /// is ignored.
    pub fn new(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, EngineError> {
        Network::of(graph.clone(), weights.clone(), device)
    }

    /// A network that takes its weights over, so that they need not be in memory twice.
    fn of(graph: Graph, mut weights: Weights, device: &Device) -> Result<Self, EngineError> {
        graph.check_weights(&weights)?;
        Ok(Network {
            steps: steps(&graph, &mut weights, device)?,
            graph,
            device: device.clone(),
        })
    }

    /// A network that is only ever run: the same function with batch norms folded into
    /// convolutions, which agrees with [`Network::new`] to about 1e-6 and is faster.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn folded(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, EngineError> {
        let (graph, weights) = fold_batch_norms(graph, weights)?;
        Network::of(graph, weights, device)
    }

    /// The same network with every parameter recording gradients, except the running statistics
    /// of batch norms: those are measured, not learned. On the processor it runs on finial's own
    /// kernels as far as they go, and agrees with [`Network::new`] to rounding. In bf16, where the
    /// processor multiplies it, they round the factors of all products but the last layer's; sums,
    /// parameters and what lies between layers stay in 32 bits.
    #[must_use]
    pub fn trainable(mut self, precision: Precision) -> Self {
        struct Record;
        impl Visitor for Record {
            fn visit<const D: usize>(&mut self, p: &mut Parameter<D>) -> Result<(), EngineError> {
                if p.trained {
                    p.tensor = p.tensor.clone().autodiff().require_grad();
                }
                Ok(())
            }
        }
        // Recording cannot fail.
        let _ = self.visit(&mut Record);
        #[cfg(feature = "cpu")]
        if crate::device::is_host(&self.device) {
            let factors = match precision {
                Precision::F32 => Factors::F32,
                Precision::Bf16 => Factors::Bf16,
            };
            self.steps = blocks::joined(&self.graph, self.steps, factors);
        }
        #[cfg(not(feature = "cpu"))]
        let _ = precision;
        self
    }

    /// A copy that records nothing; it shares the parameters as they are now.
    #[must_use]
    pub fn frozen(&self) -> Self {
        struct Plain;
        impl Visitor for Plain {
            fn visit<const D: usize>(&mut self, p: &mut Parameter<D>) -> Result<(), EngineError> {
                p.tensor = p.tensor.clone().without_autodiff();
                Ok(())
            }
        }
        let mut copy = self.clone();
        // Leaving the record cannot fail.
        let _ = copy.visit(&mut Plain);
        copy
    }

    /// The graph that is run.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Shows every parameter to `visitor`, in running order.
    pub(crate) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        let mut layers = self.steps.iter_mut().map(|step| &mut step.layer);
        layers.try_for_each(|layer| layer.visit(visitor))
    }

    /// The parameters, read back from the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn weights(&self) -> Result<Weights, EngineError> {
        struct ReadBack(Weights);
        impl Visitor for ReadBack {
            fn visit<const D: usize>(&mut self, p: &mut Parameter<D>) -> Result<(), EngineError> {
                let shape = p.tensor.dims().to_vec();
                let values = read_back(p.tensor.clone())?;
                let stored = Stored::new(&p.name, shape, values)?;
                self.0.insert(p.name.clone(), stored);
                Ok(())
            }
        }
        let mut read = ReadBack(Weights::new());
        self.clone().visit(&mut read)?;
        Ok(read.0)
    }

    /// Numbers as a batch for this network: any number of values of its input's shape, row-major,
    /// one behind the other.
    ///
    /// # Errors
    /// The numbers do not make whole values.
    pub fn batch(&self, numbers: Vec<f32>) -> Result<Value, EngineError> {
        let shape = self.graph.input_shape();
        if !numbers.len().is_multiple_of(shape.len()) {
            return Err(EngineError::WrongInput {
                expected: shape,
                found: format!("{} numbers", numbers.len()),
            });
        }
        Ok(Value::from_numbers(numbers, shape, &self.device))
    }

    /// Runs a [batch](Self::batch) given as numbers and returns the last node's numbers, as many
    /// rows as it was given; of none, none.
    ///
    /// # Errors
    /// The numbers do not make whole values, an output is not finite, or the device failed.
    pub fn run(&self, numbers: Vec<f32>) -> Result<Vec<f32>, EngineError> {
        let batch = self.batch(numbers)?;
        let outputs = read_back(self.forward(batch, Mode::Inference)?.into_rows())?;
        expect_finite(self.graph.output(), self.graph.output_shape(), &outputs)?;
        Ok(outputs)
    }

    /// Runs a batch through all nodes; a batch of no rows gives one of no rows.
    ///
    /// # Errors
    /// The batch has another shape than the graph's input.
    pub fn forward(&self, batch: Value, mode: Mode) -> Result<Value, EngineError> {
        self.forward_past(batch, mode, |_, _| Ok(()))
    }

    /// The first node of which a value is NaN or infinite for a batch, in running order; none if
    /// all are numbers.
    ///
    /// # Errors
    /// As [`Network::forward`], or the device failed.
    pub fn first_not_finite(&self, batch: Value) -> Result<Option<String>, EngineError> {
        let mut found = None;
        self.forward_past(batch, Mode::Inference, |node, value| {
            if found.is_none() {
                let numbers = read_back(value.clone().into_rows())?;
                let wrong = numbers.iter().any(|number| !number.is_finite());
                found = wrong.then(|| node.to_owned());
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// [`Network::forward`], showing `look` what each node gives.
    fn forward_past(
        &self,
        batch: Value,
        mut mode: Mode,
        mut look: impl FnMut(&str, &Value) -> Result<(), EngineError>,
    ) -> Result<Value, EngineError> {
        if batch.shape() != self.graph.input_shape() {
            return Err(EngineError::WrongInput {
                expected: self.graph.input_shape(),
                found: batch.shape().to_string(),
            });
        }
        if batch.rows() == 0 {
            let shape = self.graph.output_shape();
            return Ok(Value::from_numbers(Vec::new(), shape, &self.device));
        }
        // The input node is the only one that reads nothing of the graph, and the first.
        let mut batch = Some(batch);
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let inputs = step.reads.iter().map(|read| {
                let value = values.get_mut(read.from)?;
                if read.last {
                    value.take()
                } else {
                    value.clone()
                }
            });
            let mut inputs: Vec<Value> = inputs.flatten().collect();
            if step.reads.is_empty() {
                inputs.extend(batch.take());
            }
            let wrong = |expected| EngineError::WrongValue {
                node: step.node.clone(),
                expected,
            };
            let value = step.layer.apply(inputs, &mut mode).map_err(wrong)?;
            look(&step.node, &value)?;
            values.push(Some(value));
        }
        let output = values.pop().flatten();
        output.ok_or_else(|| EngineError::WrongValue {
            node: self.graph.output().to_owned(),
            expected: "an input",
        })
    }
}

/// The nodes with their parameters on the device, and positions instead of names.
fn steps(graph: &Graph, weights: &mut Weights, device: &Device) -> Result<Vec<Step>, EngineError> {
    let nodes = graph.nodes();
    let positions: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| (node.name.as_str(), i))
        .collect();
    let mut steps = Vec::with_capacity(nodes.len());
    for node in nodes {
        let unknown = || EngineError::WrongValue {
            node: node.name.clone(),
            expected: "an input of its graph",
        };
        let reads = node.inputs.iter().map(|input| {
            let from = *positions.get(input.as_str()).ok_or_else(unknown)?;
            Ok(Read { from, last: false })
        });
        steps.push(Step {
            node: node.name.clone(),
            reads: reads.collect::<Result<_, EngineError>>()?,
            layer: Layer::new(graph, node, weights, device)?,
        });
    }
    mark_last_reads(&mut steps);
    Ok(steps)
}

/// Marks the last reader of each value.
fn mark_last_reads(steps: &mut [Step]) {
    // From the end, so that the first reader met of a value is its last.
    let mut read_later = vec![false; steps.len()];
    for step in steps.iter_mut().rev() {
        for read in step.reads.iter_mut().rev() {
            let later = read_later.get_mut(read.from);
            read.last = later.is_some_and(|later| !std::mem::replace(later, true));
        }
    }
}

/// The numbers of a tensor.
pub(crate) fn read_back<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| EngineError::Device(error.to_string()))
}

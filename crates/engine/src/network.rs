//! The executor: a graph and its weights, on a device.

use std::collections::{BTreeMap, HashMap};

use burn::tensor::module::{adaptive_avg_pool2d, conv2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData, activation};
use finial_graph::{
    FoldError, Graph, Op, Shape, Tensor as Stored, Weights, WeightsError, fold_batch_norms,
};
use rand::{Rng, RngExt};

use crate::Value;

/// Why a network cannot be made or run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EngineError {
    /// The weights do not fit the graph.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] WeightsError),
    /// The graph cannot be folded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fold(#[from] FoldError),
    /// The batch has another shape than the graph's input.
    #[error("the network reads values of shape {expected}, found {found}")]
    WrongInput {
        /// The graph's input.
        expected: Shape,
        /// The batch's shape.
        found: String,
    },
    /// The device could not give its result.
    #[error("the device failed to compute: {0}")]
    Device(String),
}

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
pub struct Network {
    graph: Graph,
    steps: Vec<Step>,
    parameters: BTreeMap<String, Parameter>,
    device: Device,
}

/// A node with its inputs as positions.
struct Step {
    op: Op,
    name: String,
    inputs: Vec<usize>,
    /// Values that no later step reads.
    spent: Vec<usize>,
}

/// A tensor of weights, by rank.
#[derive(Clone)]
pub(crate) enum Parameter {
    Vector(Tensor<1>),
    Matrix(Tensor<2>),
    Kernel(Tensor<4>),
}

impl Network {
    /// A network for inference.
    ///
    /// # Errors
    /// A parameter of the graph is missing from `weights` or has another shape; what `weights`
    /// holds besides is ignored.
    pub fn new(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, EngineError> {
        let expected = graph.parameters();
        weights.check(&expected)?;
        let mut parameters = BTreeMap::new();
        for parameter in expected {
            if let Some(tensor) = weights.get(&parameter.name) {
                let data = |values: &[f32], shape: &[usize]| {
                    TensorData::new(values.to_vec(), shape.to_vec())
                };
                let data = data(tensor.values(), tensor.shape());
                let on_device = match tensor.shape().len() {
                    1 => Parameter::Vector(Tensor::from_data(data, device)),
                    2 => Parameter::Matrix(Tensor::from_data(data, device)),
                    _ => Parameter::Kernel(Tensor::from_data(data, device)),
                };
                parameters.insert(parameter.name, on_device);
            }
        }
        Ok(Network {
            steps: steps(graph),
            graph: graph.clone(),
            parameters,
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
        Network::new(&graph, &weights, device)
    }

    /// The same network with every parameter recording gradients.
    #[must_use]
    pub fn trainable(mut self) -> Self {
        for parameter in self.parameters.values_mut() {
            *parameter = match parameter.clone() {
                Parameter::Vector(t) => Parameter::Vector(t.autodiff().require_grad()),
                Parameter::Matrix(t) => Parameter::Matrix(t.autodiff().require_grad()),
                Parameter::Kernel(t) => Parameter::Kernel(t.autodiff().require_grad()),
            };
        }
        self
    }

    /// A copy that records nothing; it shares the parameters as they are now.
    #[must_use]
    pub fn frozen(&self) -> Self {
        let parameters = self.parameters.iter().map(|(name, parameter)| {
            let plain = match parameter.clone() {
                Parameter::Vector(t) => Parameter::Vector(t.without_autodiff()),
                Parameter::Matrix(t) => Parameter::Matrix(t.without_autodiff()),
                Parameter::Kernel(t) => Parameter::Kernel(t.without_autodiff()),
            };
            (name.clone(), plain)
        });
        Network {
            parameters: parameters.collect(),
            steps: steps(&self.graph),
            graph: self.graph.clone(),
            device: self.device.clone(),
        }
    }

    /// The graph that is run.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut BTreeMap<String, Parameter> {
        &mut self.parameters
    }

    /// The parameters, read back from the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn weights(&self) -> Result<Weights, EngineError> {
        let mut weights = Weights::new();
        for (name, parameter) in &self.parameters {
            let (shape, values) = match parameter.clone() {
                Parameter::Vector(t) => (t.dims().to_vec(), read(t)?),
                Parameter::Matrix(t) => (t.dims().to_vec(), read(t)?),
                Parameter::Kernel(t) => (t.dims().to_vec(), read(t)?),
            };
            weights.insert(name.clone(), Stored::new(name, shape, values)?);
        }
        Ok(weights)
    }

    /// Runs a batch given as row-major numbers and returns the last node's numbers.
    ///
    /// # Errors
    /// The numbers do not make whole inputs, or the device failed.
    pub fn run(&self, numbers: Vec<f32>) -> Result<Vec<f32>, EngineError> {
        let shape = self.graph.input_shape();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        if !numbers.len().is_multiple_of(shape.len().max(1)) {
            return Err(EngineError::WrongInput {
                expected: shape,
                found: format!("{} numbers", numbers.len()),
            });
        }
        let batch = Value::from_numbers(numbers, shape, &self.device);
        match self.forward(batch, Mode::Inference)? {
            Value::Maps(x) => read(x),
            Value::Vectors(x) => read(x),
        }
    }

    /// Runs a batch through all nodes.
    ///
    /// # Errors
    /// The batch has another shape than the graph's input.
    pub fn forward(&self, batch: Value, mut mode: Mode) -> Result<Value, EngineError> {
        if batch.shape() != self.graph.input_shape() {
            return Err(EngineError::WrongInput {
                expected: self.graph.input_shape(),
                found: batch.shape().to_string(),
            });
        }
        let mut values: Vec<Option<Value>> = vec![None; self.steps.len()];
        let mut last = batch.clone();
        let mut batch = Some(batch);
        for (position, step) in self.steps.iter().enumerate() {
            let mut inputs = step.inputs.iter().filter_map(|&i| values[i].clone());
            let (first, second) = (inputs.next().or_else(|| batch.take()), inputs.next());
            for &spent in &step.spent {
                values[spent] = None;
            }
            if let Some(first) = first {
                last = self.apply(step, first, second, &mut mode);
                values[position] = Some(last.clone());
            }
        }
        Ok(last)
    }

    /// One node. Shapes fit, since the graph was checked when it was built.
    fn apply(&self, step: &Step, x: Value, other: Option<Value>, mode: &mut Mode) -> Value {
        match (&step.op, x) {
            (Op::Input { .. }, x) => x,
            (Op::Rescale { scale, offset }, Value::Maps(x)) => {
                let device = x.device();
                let along =
                    |v: &[f32]| Tensor::<1>::from_floats(v, &device).reshape([1, v.len(), 1, 1]);
                Value::Maps(x * along(scale) + along(offset))
            }
            (Op::Rescale { scale, offset }, Value::Vectors(x)) => {
                let device = x.device();
                let along = |v: &[f32]| Tensor::<1>::from_floats(v, &device).unsqueeze();
                Value::Vectors(x * along(scale) + along(offset))
            }
            (
                Op::Conv2d {
                    kernel,
                    stride,
                    padding,
                    groups,
                    ..
                },
                Value::Maps(x),
            ) => {
                let [_, _, h, w] = x.dims();
                let padding = padding.resolve([h, w], *kernel, *stride);
                let options = ConvOptions::new_with_padding(*stride, padding, [1, 1], *groups);
                let bias = self.vector(step, "bias");
                match self.kernel(step) {
                    Some(weight) => Value::Maps(conv2d(x, weight, bias, options)),
                    None => Value::Maps(x),
                }
            }
            (Op::BatchNorm { epsilon }, Value::Maps(x)) => {
                let channels = x.dims()[1];
                let along = |t: Tensor<1>| t.reshape([1, channels, 1, 1]);
                let parameter = |suffix| self.vector(step, suffix);
                match (
                    parameter("weight"),
                    parameter("bias"),
                    parameter("running_mean"),
                    parameter("running_var"),
                ) {
                    (Some(gamma), Some(beta), Some(mean), Some(variance)) => {
                        let scale = gamma / (variance + *epsilon).sqrt();
                        let offset = beta - mean * scale.clone();
                        Value::Maps(x * along(scale) + along(offset))
                    }
                    _ => Value::Maps(x),
                }
            }
            (Op::Relu, Value::Maps(x)) => Value::Maps(activation::relu(x)),
            (Op::Relu, Value::Vectors(x)) => Value::Vectors(activation::relu(x)),
            (Op::Relu6, Value::Maps(x)) => Value::Maps(x.clamp(0.0, 6.0)),
            (Op::Relu6, Value::Vectors(x)) => Value::Vectors(x.clamp(0.0, 6.0)),
            (Op::Add, Value::Maps(x)) => match other {
                Some(Value::Maps(y)) => Value::Maps(x + y),
                _ => Value::Maps(x),
            },
            (Op::Add, Value::Vectors(x)) => match other {
                Some(Value::Vectors(y)) => Value::Vectors(x + y),
                _ => Value::Vectors(x),
            },
            (Op::GlobalAveragePool, Value::Maps(x)) => {
                let [n, c, _, _] = x.dims();
                Value::Vectors(adaptive_avg_pool2d(x, [1, 1]).reshape([n, c]))
            }
            (Op::Flatten, Value::Maps(x)) => {
                let [n, c, h, w] = x.dims();
                Value::Vectors(x.reshape([n, c * h * w]))
            }
            (Op::Dropout { rate }, x) => match mode {
                Mode::Training(rng) if *rate > 0.0 => drop_out(x, *rate, *rng),
                _ => x,
            },
            (Op::Dense { .. }, Value::Vectors(x)) => {
                match (self.matrix(step), self.vector(step, "bias")) {
                    (Some(weight), Some(bias)) => {
                        Value::Vectors(x.matmul(weight.transpose()) + bias.unsqueeze())
                    }
                    _ => Value::Vectors(x),
                }
            }
            (Op::Softmax, Value::Vectors(x)) => Value::Vectors(activation::softmax(x, 1)),
            (Op::Sigmoid, Value::Maps(x)) => Value::Maps(activation::sigmoid(x)),
            (Op::Sigmoid, Value::Vectors(x)) => Value::Vectors(activation::sigmoid(x)),
            // Ruled out when the graph was built.
            (Op::Conv2d { .. } | Op::BatchNorm { .. }, x @ Value::Vectors(_))
            | (Op::GlobalAveragePool | Op::Flatten, x @ Value::Vectors(_))
            | (Op::Dense { .. } | Op::Softmax, x @ Value::Maps(_)) => x,
        }
    }

    fn parameter(&self, step: &Step, suffix: &str) -> Option<&Parameter> {
        self.parameters.get(&format!("{}.{suffix}", step.name))
    }

    fn vector(&self, step: &Step, suffix: &str) -> Option<Tensor<1>> {
        match self.parameter(step, suffix) {
            Some(Parameter::Vector(tensor)) => Some(tensor.clone()),
            _ => None,
        }
    }

    fn matrix(&self, step: &Step) -> Option<Tensor<2>> {
        match self.parameter(step, "weight") {
            Some(Parameter::Matrix(tensor)) => Some(tensor.clone()),
            _ => None,
        }
    }

    fn kernel(&self, step: &Step) -> Option<Tensor<4>> {
        match self.parameter(step, "weight") {
            Some(Parameter::Kernel(tensor)) => Some(tensor.clone()),
            _ => None,
        }
    }
}

/// The nodes with positions instead of names, and after which step each value is spent.
fn steps(graph: &Graph) -> Vec<Step> {
    let nodes = graph.nodes();
    let positions: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| (node.name.as_str(), i))
        .collect();
    let mut steps: Vec<Step> = nodes
        .iter()
        .map(|node| Step {
            op: node.op.clone(),
            name: node.name.clone(),
            inputs: node
                .inputs
                .iter()
                .filter_map(|name| positions.get(name.as_str()).copied())
                .collect(),
            spent: Vec::new(),
        })
        .collect();
    let mut last_reader = vec![None; steps.len()];
    for (position, step) in steps.iter().enumerate() {
        for &input in &step.inputs {
            last_reader[input] = Some(position);
        }
    }
    for (input, reader) in last_reader.into_iter().enumerate() {
        if let Some(reader) = reader {
            steps[reader].spent.push(input);
        }
    }
    steps
}

/// Zeroes a share of the numbers and scales the others so that the mean stays.
///
/// The mask is drawn on the host, so the same seed drops the same numbers on every device.
fn drop_out(x: Value, rate: f64, rng: &mut dyn Rng) -> Value {
    let keep = (1.0 / (1.0 - rate)) as f32;
    let mut mask = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| if rng.random_bool(rate) { 0.0 } else { keep })
            .collect()
    };
    match x {
        Value::Maps(x) => {
            let dims = x.dims();
            let data = TensorData::new(mask(dims.iter().product()), dims);
            let mask = Tensor::from_data(data, &x.device());
            Value::Maps(x * mask)
        }
        Value::Vectors(x) => {
            let dims = x.dims();
            let data = TensorData::new(mask(dims.iter().product()), dims);
            let mask = Tensor::from_data(data, &x.device());
            Value::Vectors(x * mask)
        }
    }
}

/// The numbers of a tensor.
fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| EngineError::Device(error.to_string()))
}

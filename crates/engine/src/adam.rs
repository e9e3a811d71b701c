//! AdamW over the parameters of a network.

use std::collections::{BTreeMap, HashSet};

use burn::tensor::{Tensor, TensorData};
use finial_graph::{Graph, Op, Tensor as Stored, Weights};
use rayon::prelude::*;

use crate::device::is_host;
use crate::gradients::Flat;
use crate::layer::{Parameter, Visitor};
use crate::{EngineError, Gradients, Network};

/// Numbers that one thread moves at a time.
const PIECE: usize = 1 << 14;

/// The constants of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// How much of the mean gradient stays from step to step.
    pub beta1: f64,
    /// How much of the mean square stays.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// The share of a weight that a step takes away, times the learning rate.
    pub weight_decay: f64,
    /// The norm that the gradients of a step have at the most, all together.
    pub clip: Option<f64>,
}

impl Default for AdamWOptions {
    /// Keras's constants for Adam; no decay, nothing clipped.
    fn default() -> Self {
        AdamWOptions {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            weight_decay: 0.0,
            clip: None,
        }
    }
}

/// AdamW: Adam with decoupled weight decay.
///
/// In step `t` with gradient `g` and rate `r`, each number `w` of a parameter becomes
/// `w − r·decay·w − r · m̂ / (√v̂ + ε)`, where `m ← β₁·m + (1 − β₁)·g`, `v ← β₂·v + (1 − β₂)·g²`,
/// `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)`. Only the weights of convolutions, dense layers
/// and attention decay; biases, norms, scales and embeddings do not.
///
/// In the processor's memory all of it is one pass over a parameter.
///
/// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, arXiv 1711.05101.
pub struct AdamW {
    options: AdamWOptions,
    /// The parameters that decay.
    decaying: HashSet<String>,
    steps: u64,
    moments: BTreeMap<String, Moments>,
}

struct Moments {
    first: Flat,
    second: Flat,
}

/// What an optimiser knows of the steps so far: with it, the next step is the same bit for bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdamState {
    /// Steps so far.
    pub steps: u64,
    /// The running mean of each parameter's gradient, flat.
    pub first: Weights,
    /// The running mean of its square.
    pub second: Weights,
}

impl AdamW {
    /// An optimiser for networks of that graph, before its first step.
    pub fn new(graph: &Graph, options: AdamWOptions) -> Self {
        AdamW {
            options,
            decaying: decaying(graph),
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// An optimiser that goes on from a state.
    ///
    /// # Errors
    /// The state has not the same parameters for both means, or of other lengths.
    pub fn resumed(
        network: &Network,
        options: AdamWOptions,
        state: AdamState,
    ) -> Result<Self, EngineError> {
        let device = network.device();
        let flat = |tensor: Stored| {
            let count = tensor.values().len();
            let data = TensorData::new(tensor.into_values(), [count]);
            Flat::of(Tensor::<1>::from_data(data, device), is_host(device))
        };
        let mut second = state.second;
        let mut adam = AdamW::new(network.graph(), options);
        adam.steps = state.steps;
        for (name, first) in state.first {
            let square = second.remove(&name);
            let square = square.filter(|square| square.values().len() == first.values().len());
            let square = square.ok_or_else(|| EngineError::WrongState(name.clone()))?;
            let moments = Moments {
                first: flat(first),
                second: flat(square),
            };
            adam.moments.insert(name, moments);
        }
        Ok(adam)
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What it knows.
    ///
    /// # Errors
    /// The device failed.
    pub fn state(&self) -> Result<AdamState, EngineError> {
        let mut state = AdamState {
            steps: self.steps,
            ..AdamState::default()
        };
        for (name, moments) in &self.moments {
            let stored = |flat: &Flat| {
                let values = flat.values()?;
                Ok::<_, EngineError>(Stored::new(name, vec![values.len()], values)?)
            };
            state.first.insert(name, stored(&moments.first)?);
            state.second.insert(name, stored(&moments.second)?);
        }
        Ok(state)
    }

    /// Moves the parameters of a network one step down their gradients, each at the rate that
    /// `rate` gives for its name; gives the norm of all gradients before they were clipped.
    ///
    /// # Errors
    /// A gradient is not made of finite numbers; then nothing has moved. Or one is missing, or
    /// of another length than its parameter, and the network is to be thrown away.
    pub fn step(
        &mut self,
        network: &mut Network,
        gradients: Gradients,
        rate: &dyn Fn(&str) -> f64,
    ) -> Result<f64, EngineError> {
        let norm = gradients.norm()?;
        self.steps += 1;
        let clipped = self.options.clip.map_or(1.0, |most| most / norm.max(most));
        let host = is_host(network.device());
        network.visit(&mut Step {
            adam: self,
            gradients,
            clipped,
            rate,
            host,
        })?;
        Ok(norm)
    }
}

/// The weights that are factors of what comes in.
fn decaying(graph: &Graph) -> HashSet<String> {
    let factors = graph
        .nodes()
        .iter()
        .filter(|node| {
            matches!(
                node.op,
                Op::Conv2d { .. } | Op::Dense { .. } | Op::Attention { .. }
            )
        })
        .flat_map(|node| graph.parameters_of(node));
    let names = factors.map(|parameter| parameter.name);
    names.filter(|name| name.ends_with("weight")).collect()
}

struct Step<'a> {
    adam: &'a mut AdamW,
    gradients: Gradients,
    clipped: f64,
    rate: &'a dyn Fn(&str) -> f64,
    host: bool,
}

/// The constants of a step for one parameter.
#[derive(Clone, Copy)]
struct Rule {
    beta1: f32,
    beta2: f32,
    /// The factor of the gradient in the mean, and in the mean of squares.
    new: [f32; 2],
    /// What is left of a weight.
    kept: f32,
    /// The rate over the correction of the mean.
    stride: f32,
    /// One over the root of the correction of the mean square.
    root: f32,
    epsilon: f32,
}

impl Visitor for Step<'_> {
    fn visit<const D: usize>(&mut self, parameter: &mut Parameter<D>) -> Result<(), EngineError> {
        if !parameter.trained {
            return Ok(());
        }
        let name = &parameter.name;
        let gradient = self.gradients.remove(name);
        let gradient = gradient.ok_or_else(|| EngineError::NoGradient(name.clone()))?;
        let rule = self.adam.rule(name, (self.rate)(name), self.clipped);
        let wrong = || EngineError::WrongState(name.clone());
        let shape = parameter.tensor.dims();
        let device = parameter.tensor.device().without_autodiff();
        let recorded = parameter.tensor.is_require_grad();
        // Nothing else holds it then, and its numbers can be moved where they are.
        let tensor = std::mem::replace(&mut parameter.tensor, Tensor::zeros([0; D], &device));
        let mut weight = Flat::of(tensor.without_autodiff(), self.host);
        let count = shape.iter().product::<usize>();
        let zeros = || Flat::of(Tensor::<1>::zeros([count], &device), self.host);
        let moments = self.adam.moments.entry(name.clone());
        let moments = moments.or_insert_with(|| Moments {
            first: zeros(),
            second: zeros(),
        });
        rule.apply(&mut weight, gradient, moments)
            .ok_or_else(wrong)?;
        let tensor = match weight {
            Flat::Host(data) => Tensor::from_data(data, &device),
            Flat::Device(tensor) => tensor.reshape(shape),
        };
        parameter.tensor = match recorded {
            true => tensor.autodiff().require_grad(),
            false => tensor,
        };
        Ok(())
    }
}

impl AdamW {
    fn rule(&self, name: &str, rate: f64, clipped: f64) -> Rule {
        let AdamWOptions { beta1, beta2, .. } = self.options;
        let decay = match self.decaying.contains(name) {
            true => self.options.weight_decay,
            false => 0.0,
        };
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        Rule {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            new: [
                ((1.0 - beta1) * clipped) as f32,
                ((1.0 - beta2) * clipped * clipped) as f32,
            ],
            kept: (1.0 - rate * decay) as f32,
            stride: (rate / correction(beta1)) as f32,
            root: (1.0 / correction(beta2).sqrt()) as f32,
            epsilon: self.options.epsilon as f32,
        }
    }
}

impl Rule {
    /// `None` if the lengths differ.
    fn apply(self, weight: &mut Flat, gradient: Flat, moments: &mut Moments) -> Option<()> {
        if let (Flat::Device(w), Flat::Device(g), Flat::Device(m), Flat::Device(v)) = (
            &mut *weight,
            &gradient,
            &mut moments.first,
            &mut moments.second,
        ) {
            *m = m.clone() * self.beta1 + g.clone() * self.new[0];
            *v = v.clone() * self.beta2 + g.clone() * g.clone() * self.new[1];
            let step = m.clone() / (v.clone().sqrt() * self.root + self.epsilon);
            *w = w.clone() * self.kept - step * self.stride;
            return Some(());
        }
        let (w, g) = (weight.slice_mut()?, gradient.slice()?);
        let (m, v) = (moments.first.slice_mut()?, moments.second.slice_mut()?);
        if [g.len(), m.len(), v.len()] != [w.len(); 3] {
            return None;
        }
        w.par_chunks_mut(PIECE)
            .zip(g.par_chunks(PIECE))
            .zip(m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE)))
            .for_each(|((w, g), (m, v))| self.move_piece(w, g, m, v));
        Some(())
    }

    fn move_piece(self, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            *m = *m * self.beta1 + g * self.new[0];
            *v = *v * self.beta2 + g * g * self.new[1];
            *w = *w * self.kept - *m / (v.sqrt() * self.root + self.epsilon) * self.stride;
        }
    }
}

#[cfg(test)]
mod tests {
    use finial_graph::{Graph, Op, Padding, Shape, Tensor as Stored, Weights};
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{Mode, Precision, Value, device};

    /// Two convolutions, the second depthwise, around a batch norm; then a dense layer.
    fn graph() -> Graph {
        let convolution = |groups: usize, bias: bool| Op::Conv2d {
            filters: 4,
            kernel: [3, 3],
            stride: [2, 1],
            padding: Padding::Same,
            dilation: [1, 1],
            groups,
            bias,
        };
        let mut graph = Graph::new(Shape::Map([2, 6, 5]));
        graph.push("conv", convolution(1, true)).unwrap();
        let norm = Op::BatchNorm {
            epsilon: 1e-3,
            scale: true,
        };
        graph.push("norm", norm).unwrap();
        graph.push("sigmoid", Op::Sigmoid).unwrap();
        graph.push("depthwise", convolution(4, false)).unwrap();
        graph.push("pool", Op::GlobalAveragePool).unwrap();
        graph.push("logits", Op::Dense { units: 3 }).unwrap();
        graph
    }

    fn uniform(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
        (0..count).map(|_| rng.random_range(0.2..1.0)).collect()
    }

    fn weights(graph: &Graph, seed: u64) -> Weights {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut weights = Weights::new();
        for parameter in graph.parameters() {
            let values = uniform(&mut rng, parameter.shape.iter().product());
            let tensor = Stored::new(&parameter.name, parameter.shape, values).unwrap();
            weights.insert(parameter.name, tensor);
        }
        weights
    }

    fn batch(network: &Network) -> Value {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        network.batch(uniform(&mut rng, 3 * 2 * 6 * 5)).unwrap()
    }

    /// The sum of the squares of all logits.
    fn loss(network: &Network) -> Tensor<1> {
        let logits = network.forward(batch(network), Mode::Inference);
        let logits = logits.unwrap().into_rows();
        (logits.clone() * logits).sum()
    }

    fn network(graph: &Graph, weights: &Weights) -> Network {
        Network::new(graph, weights, &device::named("cpu").unwrap()).unwrap()
    }

    #[test]
    fn every_trained_parameter_has_the_gradient_of_finite_differences() {
        let graph = graph();
        let weights = weights(&graph, 1);
        let mut recorded = network(&graph, &weights).trainable(Precision::F32);
        let first = loss(&recorded);
        let found = Gradients::of(&mut recorded, &first).unwrap().by_name;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            [
                "conv.bias",
                "conv.weight",
                "depthwise.weight",
                "logits.bias",
                "logits.weight",
                "norm.bias",
                "norm.weight",
            ]
        );
        for (name, gradient) in &found {
            let gradient = gradient.slice().unwrap();
            let old = weights.get(name).unwrap();
            let count = old.values().len();
            for entry in [0, count / 2, count - 1] {
                let at = |step: f32| {
                    let mut values = old.values().to_vec();
                    values[entry] += step;
                    let mut moved = weights.clone();
                    let tensor = Stored::new(name, old.shape().to_vec(), values).unwrap();
                    moved.insert(name, tensor);
                    f64::from(loss(&network(&graph, &moved)).into_scalar::<f32>())
                };
                let step = 1.0 / 128.0;
                let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
                let found = f64::from(gradient[entry]);
                assert!(
                    (found - slope).abs() < 1e-2 * slope.abs().max(1e-1),
                    "{name}[{entry}]: gradient {found}, slope {slope}"
                );
            }
        }
    }

    #[test]
    fn a_step_moves_every_parameter_but_the_running_statistics() {
        let graph = graph();
        let before = weights(&graph, 2);
        let mut network = network(&graph, &before).trainable(Precision::F32);
        let mut adam = AdamW::new(&graph, AdamWOptions::default());
        let mut step = || {
            let loss = loss(&network);
            let gradients = Gradients::of(&mut network, &loss).unwrap();
            adam.step(&mut network, gradients, &|_| 1e-3).unwrap();
            loss
        };
        let (first, second) = (step(), step());
        assert!(second.into_scalar::<f32>() < first.into_scalar::<f32>());
        let after = network.weights().unwrap();
        for (name, tensor) in before.iter() {
            let moved = after.get(name).unwrap();
            assert_eq!(moved.shape(), tensor.shape());
            let same = moved == tensor;
            assert_eq!(same, name.contains("running"), "{name}");
        }
    }

    #[test]
    fn a_loss_that_does_not_reach_a_parameter_is_an_error() {
        let graph = graph();
        let weights = weights(&graph, 3);
        let mut unrecorded = network(&graph, &weights);
        let untracked = loss(&unrecorded);
        let error = Gradients::of(&mut unrecorded, &untracked).err().unwrap();
        assert!(matches!(error, EngineError::NoGradient(name) if name == "conv.weight"));

        let mut one = network(&graph, &weights).trainable(Precision::F32);
        let other = network(&graph, &weights).trainable(Precision::F32);
        let of_other = loss(&other);
        let error = Gradients::of(&mut one, &of_other).err().unwrap();
        assert!(matches!(error, EngineError::NoGradient(_)));
    }

    #[test]
    fn the_gradients_of_two_halves_add_up_to_those_of_the_whole() {
        let graph = graph();
        let weights = weights(&graph, 5);
        let of = |first: usize, count: usize| {
            let mut network = network(&graph, &weights).trainable(Precision::F32);
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let numbers = uniform(&mut rng, 4 * 60)[60 * first..][..60 * count].to_vec();
            let batch = network.batch(numbers).unwrap();
            let logits = network.forward(batch, Mode::Inference).unwrap().into_rows();
            let loss = (logits.clone() * logits).sum();
            Gradients::of(&mut network, &loss).unwrap()
        };
        let whole = of(0, 4);
        let mut halves = of(0, 2);
        halves.add(of(2, 2)).unwrap();
        let (whole, halves) = (whole.norm().unwrap(), halves.norm().unwrap());
        assert!((whole - halves).abs() < 1e-5 * whole, "{whole} {halves}");
    }
}

//! Adam over the parameters of a network.

use std::collections::HashMap;

use burn::optim::{Adam as Rule, AdamConfig, AdamState, Optimizer};
use burn::tensor::{Gradients, Tensor};

use crate::layer::{Parameter, Visitor};
use crate::{EngineError, Network};

/// Adam (Kingma and Ba, 2014, arXiv 1412.6980) with Keras's defaults: β₁ 0.9, β₂ 0.999,
/// ε 10⁻⁷; Burn's implementation, one state per parameter.
pub struct Adam {
    rule: Rule,
    /// The rule works on each number by itself, so that parameters of every rank are kept flat.
    states: HashMap<String, AdamState<1>>,
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            rule: AdamConfig::new().with_epsilon(1e-7).build(),
            states: HashMap::new(),
        }
    }
}

impl Adam {
    /// Moves the parameters of a [trainable](Network::trainable) network one step down the
    /// gradient of `loss`; `rate` is the learning rate, and `loss` must have been computed from
    /// this network's output. A loss is good for one step.
    ///
    /// # Errors
    /// The loss gives no gradient for a parameter that training moves; the network is then to be
    /// thrown away, since other parameters may have moved already.
    pub fn step(
        &mut self,
        network: &mut Network,
        loss: &Tensor<1>,
        rate: f64,
    ) -> Result<(), EngineError> {
        // Burn panics on a loss that records nothing; the first parameter then has no gradient.
        let gradients = loss.is_tracked().then(|| loss.backward());
        network.visit(&mut Step {
            adam: self,
            gradients,
            rate,
        })
    }
}

struct Step<'a> {
    adam: &'a mut Adam,
    gradients: Option<Gradients>,
    rate: f64,
}

impl Visitor for Step<'_> {
    fn visit<const D: usize>(&mut self, parameter: &mut Parameter<D>) -> Result<(), EngineError> {
        if !parameter.trained {
            return Ok(());
        }
        let gradient = self
            .gradients
            .as_mut()
            .and_then(|all| parameter.tensor.grad_remove(all))
            .ok_or_else(|| EngineError::NoGradient(parameter.name.clone()))?;
        let shape = parameter.tensor.dims();
        let flat = [shape.iter().product::<usize>()];
        let tensor = parameter.tensor.clone().without_autodiff().reshape(flat);
        let state = self.adam.states.remove(&parameter.name);
        let rule = &self.adam.rule;
        let (moved, state) = rule.step(self.rate, tensor, gradient.reshape(flat), state);
        let states = &mut self.adam.states;
        states.extend(state.map(|state| (parameter.name.clone(), state)));
        parameter.tensor = moved.reshape(shape).autodiff().require_grad();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use finial_graph::{Graph, Op, Padding, Shape, Tensor as Stored, Weights};
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{Mode, Value, device};

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

    /// The gradient of every parameter that has one.
    struct Collect {
        all: Gradients,
        found: BTreeMap<String, Vec<f32>>,
    }

    impl Visitor for Collect {
        fn visit<const D: usize>(&mut self, p: &mut Parameter<D>) -> Result<(), EngineError> {
            if let Some(gradient) = p.tensor.grad(&self.all) {
                assert_eq!(gradient.dims(), p.tensor.dims());
                let values = gradient.try_into_vec_as::<f32>().unwrap();
                self.found.insert(p.name.clone(), values);
            }
            Ok(())
        }
    }

    #[test]
    fn every_trained_parameter_has_the_gradient_of_finite_differences() {
        let graph = graph();
        let weights = weights(&graph, 1);
        let mut recorded = network(&graph, &weights).trainable();
        let mut collect = Collect {
            all: loss(&recorded).backward(),
            found: BTreeMap::new(),
        };
        recorded.visit(&mut collect).unwrap();
        assert_eq!(
            collect.found.keys().collect::<Vec<_>>(),
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
        for (name, gradient) in &collect.found {
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
        let mut network = network(&graph, &before).trainable();
        let mut adam = Adam::default();
        let first = loss(&network);
        adam.step(&mut network, &first, 1e-3).unwrap();
        let second = loss(&network);
        adam.step(&mut network, &second, 1e-3).unwrap();
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
        let mut adam = Adam::default();

        let mut unrecorded = network(&graph, &weights);
        let untracked = loss(&unrecorded);
        let error = adam.step(&mut unrecorded, &untracked, 1e-3).unwrap_err();
        assert!(matches!(error, EngineError::NoGradient(name) if name == "conv.weight"));

        let mut one = network(&graph, &weights).trainable();
        let other = network(&graph, &weights).trainable();
        let of_other = loss(&other);
        let error = adam.step(&mut one, &of_other, 1e-3).unwrap_err();
        assert!(matches!(error, EngineError::NoGradient(_)));
    }
}

//! Adam over the parameters of a network.

use std::collections::HashMap;

use burn::optim::{Adam as Rule, AdamConfig, AdamState, Optimizer};
use burn::tensor::{Gradients, Tensor};

use crate::Network;
use crate::network::Parameter;

/// Adam (Kingma and Ba, 2014, arXiv 1412.6980) with Keras's defaults: β₁ 0.9, β₂ 0.999,
/// ε 10⁻⁷; Burn's implementation, one state per parameter.
pub struct Adam {
    rule: Rule,
    vectors: HashMap<String, AdamState<1>>,
    matrices: HashMap<String, AdamState<2>>,
    kernels: HashMap<String, AdamState<4>>,
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            rule: AdamConfig::new().with_epsilon(1e-7).build(),
            vectors: HashMap::new(),
            matrices: HashMap::new(),
            kernels: HashMap::new(),
        }
    }
}

impl Adam {
    /// Moves the parameters of a [trainable](Network::trainable) network one step down the
    /// gradient of `loss`; `rate` is the learning rate, and `loss` must have been computed from this network's output.
    pub fn step(&mut self, network: &mut Network, loss: &Tensor<1>, rate: f64) {
        let mut gradients = loss.backward();
        for (name, parameter) in network.parameters_mut() {
            *parameter = match parameter.clone() {
                Parameter::Vector(tensor) => {
                    let state = &mut self.vectors;
                    let step = step_one(&self.rule, rate, name, tensor, &mut gradients, state);
                    Parameter::Vector(step)
                }
                Parameter::Matrix(tensor) => {
                    let state = &mut self.matrices;
                    let step = step_one(&self.rule, rate, name, tensor, &mut gradients, state);
                    Parameter::Matrix(step)
                }
                Parameter::Kernel(tensor) => {
                    let state = &mut self.kernels;
                    let step = step_one(&self.rule, rate, name, tensor, &mut gradients, state);
                    Parameter::Kernel(step)
                }
            };
        }
    }
}

fn step_one<const D: usize>(
    rule: &Rule,
    rate: f64,
    name: &str,
    tensor: Tensor<D>,
    gradients: &mut Gradients,
    states: &mut HashMap<String, AdamState<D>>,
) -> Tensor<D> {
    let Some(gradient) = tensor.grad_remove(gradients) else {
        return tensor;
    };
    let state = states.remove(name);
    let (moved, state) = rule.step(rate, tensor.without_autodiff(), gradient, state);
    states.extend(state.map(|state| (name.to_owned(), state)));
    moved.autodiff().require_grad()
}

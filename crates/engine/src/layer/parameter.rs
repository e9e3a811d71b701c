//! Where the parameters of one node come from.

use burn::tensor::{Device, Tensor, TensorData};
use finial_graph::{Weights, WeightsError};

use crate::EngineError;

/// A tensor of weights, with its full name.
#[derive(Clone)]
pub(crate) struct Parameter<const D: usize> {
    pub(crate) name: String,
    pub(crate) tensor: Tensor<D>,
    /// Whether training moves it; running statistics it leaves alone.
    pub(crate) trained: bool,
}

/// What is done to every parameter of a network, whatever its rank.
pub(crate) trait Visitor {
    fn visit<const D: usize>(&mut self, parameter: &mut Parameter<D>) -> Result<(), EngineError>;
}

/// The parameters of a node.
pub(super) struct Own<'a> {
    pub(super) node: &'a str,
    /// What is taken from them goes to the device.
    pub(super) weights: &'a mut Weights,
    pub(super) device: &'a Device,
}

impl Own<'_> {
    pub(super) fn parameter<const D: usize>(
        &mut self,
        suffix: &str,
    ) -> Result<Parameter<D>, EngineError> {
        self.load(suffix, true)
    }

    pub(super) fn statistic<const D: usize>(
        &mut self,
        suffix: &str,
    ) -> Result<Parameter<D>, EngineError> {
        self.load(suffix, false)
    }

    fn load<const D: usize>(
        &mut self,
        suffix: &str,
        trained: bool,
    ) -> Result<Parameter<D>, EngineError> {
        let name = format!("{}.{suffix}", self.node);
        let stored = self.weights.remove(&name);
        let shape = stored
            .as_ref()
            .map(|tensor| <[usize; D]>::try_from(tensor.shape()));
        let (Some(stored), Some(Ok(shape))) = (stored, shape) else {
            let fault = format!("`{name}` should have {D} dimensions");
            return Err(WeightsError::Mismatch(fault).into());
        };
        let data = TensorData::new(stored.into_values(), shape);
        Ok(Parameter {
            name,
            tensor: Tensor::from_data(data, self.device),
            trained,
        })
    }

    pub(super) fn wrong(&self, expected: &'static str) -> EngineError {
        EngineError::WrongValue {
            node: self.node.to_owned(),
            expected,
        }
    }
}

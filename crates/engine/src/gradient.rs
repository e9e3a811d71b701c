//! How an output changes with the input: what an explanation is made of.

use crate::network::read_back;
use crate::{EngineError, Mode, Network, Value};

impl Network {
    /// The gradient of one of the output's numbers by each number of the input, for a
    /// [batch](Self::batch) given as numbers; as many numbers as were given. The parameters must not
    /// record gradients themselves, as they do not unless asked to.
    ///
    /// ```
    /// use finial_engine::{Network, device};
    /// use finial_graph::{Graph, Op, Shape, Tensor, Weights};
    ///
    /// let mut graph = Graph::new(Shape::Vector([2]));
    /// graph.push("logits", Op::Dense { units: 2 })?;
    /// let mut weights = Weights::new();
    /// weights.insert("logits.weight", Tensor::new("w", vec![2, 2], vec![2.0, 3.0, 5.0, 7.0])?);
    /// weights.insert("logits.bias", Tensor::new("b", vec![2], vec![1.0, 1.0])?);
    ///
    /// let network = Network::new(&graph, &weights, &device::named("cpu")?)?;
    /// assert_eq!(network.input_gradient(vec![1.0, 1.0], 1)?, [5.0, 7.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The numbers do not make whole values, there is no such output, the output does not depend on
    /// the input, or the device failed.
    pub fn input_gradient(
        &self,
        numbers: Vec<f32>,
        output: usize,
    ) -> Result<Vec<f32>, EngineError> {
        let outputs = self.graph().output_shape();
        if output >= outputs.len() {
            return Err(EngineError::WrongInput {
                expected: outputs,
                found: format!("output {output}"),
            });
        }
        let shape = self.graph().input_shape();
        let input = self.batch(numbers)?.into_rows().autodiff().require_grad();
        let answers = self.forward(Value::from_rows(input.clone(), shape), Mode::Inference)?;
        let sum = answers.into_rows().narrow(1, output, 1).sum();
        let none = || EngineError::WrongValue {
            node: self.graph().output().to_owned(),
            expected: "an input that its answer depends on",
        };
        if !sum.is_tracked() {
            return Err(none());
        }
        let gradient = input.grad(&sum.backward()).ok_or_else(none)?;
        read_back(gradient)
    }
}

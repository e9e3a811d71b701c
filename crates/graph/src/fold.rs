//! Folding: a network that computes the same with fewer passes over its maps.
//!
//! Batch normalisation by running statistics is a factor and an offset per channel, so behind a
//! convolution it can be moved into that convolution's weights and bias once, instead of being
//! applied to every map. Meant for networks that are only run; training and saving use the graph
//! as it was built.

use std::collections::HashMap;

use crate::{Graph, GraphError, Node, Op, Tensor, Weights, WeightsError};

/// What can go wrong: the weights do not fit the graph.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FoldError {
    /// The folded graph does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// A parameter is missing or of another shape.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] WeightsError),
}

/// Folds every batch norm that alone reads a convolution into that convolution.
///
/// The convolution takes the batch norm's name, so what read the batch norm reads it. Tensors of
/// `weights` that the graph does not use are left out.
///
/// # Errors
/// A parameter of the graph is missing from `weights` or has another shape.
pub fn fold_batch_norms(graph: &Graph, weights: &Weights) -> Result<(Graph, Weights), FoldError> {
    weights.check(&graph.parameters())?;
    let mut readers: HashMap<&str, usize> = HashMap::new();
    for input in graph.nodes().iter().flat_map(|node| &node.inputs) {
        *readers.entry(input).or_insert(0) += 1;
    }
    let convolutions: HashMap<&str, &Node> = graph
        .nodes()
        .iter()
        .filter(|node| matches!(node.op, Op::Conv2d { .. }))
        .filter(|node| readers.get(node.name.as_str()) == Some(&1))
        .map(|node| (node.name.as_str(), node))
        .collect();

    let mut nodes: Vec<Node> = Vec::new();
    let mut folded = Weights::new();
    for node in graph.nodes() {
        let convolution = node
            .inputs
            .first()
            .and_then(|i| convolutions.get(i.as_str()));
        if let (Op::BatchNorm { epsilon }, Some(convolution)) = (&node.op, convolution) {
            fold_one(convolution, node, *epsilon, weights, &mut folded)?;
            nodes.retain(|earlier| earlier.name != convolution.name);
            let mut op = convolution.op.clone();
            if let Op::Conv2d { bias, .. } = &mut op {
                *bias = true;
            }
            nodes.push(Node {
                name: node.name.clone(),
                op,
                inputs: convolution.inputs.clone(),
            });
            folded.remove(&format!("{}.weight", convolution.name));
            folded.remove(&format!("{}.bias", convolution.name));
        } else {
            nodes.push(node.clone());
            for parameter in graph.parameters_of(node) {
                if let Some(tensor) = weights.get(&parameter.name) {
                    folded.insert(parameter.name, tensor.clone());
                }
            }
        }
    }
    Ok((Graph::try_from(nodes)?, folded))
}

/// `w · γ/√(σ² + ε)` and `(b − μ) · γ/√(σ² + ε) + β`, per filter; in double precision, since the
/// published statistics span many orders of magnitude.
fn fold_one(
    convolution: &Node,
    norm: &Node,
    epsilon: f64,
    weights: &Weights,
    folded: &mut Weights,
) -> Result<(), WeightsError> {
    let values = |node: &Node, suffix: &str| {
        let tensor = weights.get(&format!("{}.{suffix}", node.name));
        tensor.map(Tensor::values).unwrap_or_default()
    };
    let kernel = format!("{}.weight", convolution.name);
    let Some(kernel) = weights.get(&kernel) else {
        return Ok(());
    };
    let (gamma, beta) = (values(norm, "weight"), values(norm, "bias"));
    let (mean, variance) = (values(norm, "running_mean"), values(norm, "running_var"));
    let old_bias = values(convolution, "bias");
    let filters = gamma.len();
    let per_filter = kernel.values().len() / filters.max(1);

    let mut scaled = Vec::with_capacity(kernel.values().len());
    let mut bias = Vec::with_capacity(filters);
    for filter in 0..filters {
        let factor = f64::from(gamma[filter]) / (f64::from(variance[filter]) + epsilon).sqrt();
        let own = &kernel.values()[filter * per_filter..(filter + 1) * per_filter];
        scaled.extend(own.iter().map(|&w| (f64::from(w) * factor) as f32));
        let old = f64::from(old_bias.get(filter).copied().unwrap_or(0.0));
        let moved = (old - f64::from(mean[filter])) * factor + f64::from(beta[filter]);
        bias.push(moved as f32);
    }
    let name = format!("{}.weight", norm.name);
    let tensor = Tensor::new(&name, kernel.shape().to_vec(), scaled)?;
    folded.insert(name, tensor);
    let name = format!("{}.bias", norm.name);
    let tensor = Tensor::new(&name, vec![filters], bias)?;
    folded.insert(name, tensor);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::BACKBONES;
    use crate::{Padding, Shape};

    fn convolution() -> Op {
        Op::Conv2d {
            filters: 2,
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::Same,
            groups: 1,
            bias: false,
        }
    }

    fn weights(graph: &Graph) -> Weights {
        let mut weights = Weights::new();
        for parameter in graph.parameters() {
            let count = parameter.shape.iter().product();
            let tensor = Tensor::new("", parameter.shape, vec![2.0; count]).unwrap();
            weights.insert(parameter.name, tensor);
        }
        weights
    }

    #[test]
    fn no_batch_norm_is_left_behind_a_convolution_of_a_backbone() {
        for backbone in BACKBONES {
            let graph = backbone.without_top().unwrap();
            let (folded, weights) = fold_batch_norms(&graph, &weights(&graph)).unwrap();
            let norm = |node: &&Node| matches!(node.op, Op::BatchNorm { .. });
            assert_eq!(folded.nodes().iter().filter(norm).count(), 0);
            assert_eq!(folded.output_shape(), graph.output_shape());
            weights.check(&folded.parameters()).unwrap();
        }
    }

    #[test]
    fn the_folded_numbers_follow_the_definition() {
        let mut graph = Graph::new(Shape::Map([1, 1, 1]));
        graph.push("conv", convolution()).unwrap();
        graph.push("norm", Op::BatchNorm { epsilon: 2.0 }).unwrap();
        let (folded, weights) = fold_batch_norms(&graph, &weights(&graph)).unwrap();
        assert_eq!(folded.output(), "norm");
        // factor 2 / √(2 + 2) = 1; bias (0 − 2) · 1 + 2 = 0
        assert_eq!(weights.get("norm.weight").unwrap().values(), [2.0, 2.0]);
        assert_eq!(weights.get("norm.bias").unwrap().values(), [0.0, 0.0]);
    }

    #[test]
    fn a_convolution_that_others_read_too_is_left_alone() {
        let mut graph = Graph::new(Shape::Map([2, 1, 1]));
        graph.push("conv", convolution()).unwrap();
        graph.push("norm", Op::BatchNorm { epsilon: 1e-3 }).unwrap();
        graph.push_after("sum", Op::Add, &["conv", "norm"]).unwrap();
        let weights = weights(&graph);
        let (folded, kept) = fold_batch_norms(&graph, &weights).unwrap();
        assert_eq!(folded, graph);
        assert_eq!(kept, weights);
    }
}

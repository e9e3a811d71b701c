//! Folding: a network that computes the same with fewer passes over its maps.
//!
//! Batch normalisation by running statistics is a factor and an offset per channel, so behind a
//! convolution it can be moved into that convolution's weights and bias once, instead of being
//! applied to every map. Meant for networks that are only run; training and saving use the graph
//! as it was built.

use std::collections::{HashMap, HashSet};

use crate::{Graph, GraphError, Node, Op, Parameter, Tensor, Weights, WeightsError};

/// Why a network cannot be folded.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FoldError {
    /// The folded graph does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// The weights do not fit the graph.
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
/// The weights do not fit the graph ([`Graph::check_weights`]), or with its new bias a convolution
/// has too many parameters.
pub fn fold_batch_norms(graph: &Graph, weights: &Weights) -> Result<(Graph, Weights), FoldError> {
    graph.check_weights(weights)?;
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
    let read_by = |norm: &Node| {
        let input = norm.inputs.first()?;
        convolutions.get(input.as_str()).copied()
    };
    let moved: HashSet<&str> = graph
        .nodes()
        .iter()
        .filter(|node| matches!(node.op, Op::BatchNorm { .. }))
        .filter_map(|norm| Some(read_by(norm)?.name.as_str()))
        .collect();

    let mut nodes: Vec<Node> = Vec::new();
    let mut folded = Weights::new();
    for node in graph.nodes() {
        if let (Op::BatchNorm { epsilon, scale }, Some(convolution)) = (&node.op, read_by(node)) {
            fold_one(convolution, node, *epsilon, *scale, weights, &mut folded)?;
            let mut op = convolution.op.clone();
            if let Op::Conv2d { bias, .. } = &mut op {
                *bias = true;
            }
            nodes.push(Node {
                name: node.name.clone(),
                op,
                inputs: convolution.inputs.clone(),
            });
        } else if !moved.contains(node.name.as_str()) {
            nodes.push(node.clone());
            for Parameter { name, .. } in graph.parameters_of(node) {
                let tensor = tensor(weights, &name)?.clone();
                folded.insert(name, tensor);
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
    scale: bool,
    weights: &Weights,
    folded: &mut Weights,
) -> Result<(), WeightsError> {
    let parameter = |node: &Node, suffix: &str| {
        let tensor = tensor(weights, &format!("{}.{suffix}", node.name))?;
        Ok::<_, WeightsError>(tensor.values())
    };
    let beta = parameter(norm, "bias")?;
    let ones = vec![1.0; beta.len()];
    let gamma = match scale {
        true => parameter(norm, "weight")?,
        false => &ones,
    };
    let mean = parameter(norm, "running_mean")?;
    let variance = parameter(norm, "running_var")?;
    let old_bias = match convolution.op {
        Op::Conv2d { bias: true, .. } => parameter(convolution, "bias")?.to_vec(),
        _ => vec![0.0; gamma.len()],
    };
    let kernel = tensor(weights, &format!("{}.weight", convolution.name))?;
    // The weights were checked, so every filter has one number in each of these.
    let per_filter = (kernel.values().len() / gamma.len().max(1)).max(1);
    let filters = kernel.values().chunks_exact(per_filter);
    let statistics = mean.iter().zip(variance).zip(gamma.iter().zip(beta));

    let mut scaled = Vec::with_capacity(kernel.values().len());
    let mut bias = Vec::with_capacity(gamma.len());
    for ((filter, old), ((mean, variance), (gamma, beta))) in filters.zip(old_bias).zip(statistics)
    {
        let factor = f64::from(*gamma) / (f64::from(*variance) + epsilon).sqrt();
        scaled.extend(filter.iter().map(|&w| (f64::from(w) * factor) as f32));
        let moved = (f64::from(old) - f64::from(*mean)) * factor + f64::from(*beta);
        bias.push(moved as f32);
    }
    let name = format!("{}.weight", norm.name);
    let tensor = Tensor::new(&name, kernel.shape().to_vec(), scaled)?;
    folded.insert(name, tensor);
    let name = format!("{}.bias", norm.name);
    let tensor = Tensor::new(&name, vec![bias.len()], bias)?;
    folded.insert(name, tensor);
    Ok(())
}

fn tensor<'a>(weights: &'a Weights, name: &str) -> Result<&'a Tensor, WeightsError> {
    weights.get(name).ok_or_else(|| WeightsError::missing(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::Backbone;
    use crate::{Padding, Shape};

    fn convolution() -> Op {
        Op::Conv2d {
            filters: 2,
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::Same,
            dilation: [1, 1],
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

    fn batch_norm(epsilon: f64) -> Op {
        Op::BatchNorm {
            epsilon,
            scale: true,
        }
    }

    #[test]
    fn no_batch_norm_is_left_where_each_follows_a_convolution() {
        let backbone = Backbone::named("efficientnet-lite0").unwrap();
        let graph = backbone.without_top().unwrap();
        let (folded, weights) = fold_batch_norms(&graph, &weights(&graph)).unwrap();
        let norm = |node: &&Node| matches!(node.op, Op::BatchNorm { .. });
        assert_eq!(folded.nodes().iter().filter(norm).count(), 0);
        assert_eq!(folded.output_shape(), graph.output_shape());
        weights.check(&folded.parameters()).unwrap();
    }

    #[test]
    fn a_batch_norm_without_scale_is_folded_as_one_of_ones() {
        let mut graph = Graph::new(Shape::Map([1, 1, 1]));
        graph.push("conv", convolution()).unwrap();
        let norm = Op::BatchNorm {
            epsilon: 2.0,
            scale: false,
        };
        graph.push("norm", norm).unwrap();
        let (_, weights) = fold_batch_norms(&graph, &weights(&graph)).unwrap();
        // factor 1 / √(2 + 2); bias (0 − 2) / 2 + 2
        assert_eq!(weights.get("norm.weight").unwrap().values(), [1.0, 1.0]);
        assert_eq!(weights.get("norm.bias").unwrap().values(), [1.0, 1.0]);
    }

    #[test]
    fn the_folded_numbers_follow_the_definition() {
        let mut graph = Graph::new(Shape::Map([1, 1, 1]));
        graph.push("conv", convolution()).unwrap();
        graph.push("norm", batch_norm(2.0)).unwrap();
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
        graph.push("norm", batch_norm(1e-3)).unwrap();
        graph.push_after("sum", Op::Add, &["conv", "norm"]).unwrap();
        let weights = weights(&graph);
        let (folded, kept) = fold_batch_norms(&graph, &weights).unwrap();
        assert_eq!(folded, graph);
        assert_eq!(kept, weights);
    }

    #[test]
    fn a_bias_of_the_convolution_is_folded_too() {
        let mut graph = Graph::new(Shape::Map([1, 1, 1]));
        let mut op = convolution();
        if let Op::Conv2d { bias, .. } = &mut op {
            *bias = true;
        }
        graph.push("conv", op).unwrap();
        graph.push("norm", batch_norm(2.0)).unwrap();
        let (_, weights) = fold_batch_norms(&graph, &weights(&graph)).unwrap();
        // (2 − 2) · 1 + 2
        assert_eq!(weights.get("norm.bias").unwrap().values(), [2.0, 2.0]);
    }

    #[test]
    fn a_negative_variance_is_not_folded_into_nan() {
        let mut graph = Graph::new(Shape::Map([1, 1, 1]));
        graph.push("conv", convolution()).unwrap();
        graph.push("norm", batch_norm(1e-3)).unwrap();
        let mut weights = weights(&graph);
        let negative = Tensor::new("", vec![2], vec![1.0, -1.0]).unwrap();
        weights.insert("norm.running_var", negative);
        assert!(matches!(
            fold_batch_norms(&graph, &weights),
            Err(FoldError::Weights(WeightsError::NegativeVariance { .. }))
        ));
    }
}

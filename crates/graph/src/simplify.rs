//! Simplifying: fewer nodes that compute the same.
//!
//! Meant for networks that are only run. What a layer with weights can do along with its own work
//! goes into its weights or its settings: factors and offsets of channels behind it or before it,
//! zeros around its map, the order of its channels. Results agree to about 10⁻⁶, since products
//! are rounded at other places.

use std::collections::HashMap;

use crate::{
    FoldError, Graph, Node, Op, Padding, Parameter, Scaling, Shape, Tensor, Weights, WeightsError,
    fold_batch_norms, reach,
};

/// The same network with fewer nodes. The last node keeps its name and its shape.
///
/// - Batch norms are folded ([`fold_batch_norms`]).
/// - Nodes that nothing reads and layers that only act in training are dropped.
/// - Zeros around a map become the padding of the convolution or pool that reads it.
/// - Channels in reverse order become the order of a convolution's weights.
/// - A factor and an offset for each channel, behind a layer with weights or, where it is exact,
///   before one, go into its weights.
///
/// # Errors
/// As [`fold_batch_norms`].
pub fn simplify(graph: &Graph, weights: &Weights) -> Result<(Graph, Weights), FoldError> {
    let (graph, weights) = fold_batch_norms(graph, weights)?;
    let mut network = Network {
        nodes: graph.into(),
        weights,
    };
    network.drop_idle();
    network.turn_channels()?;
    network.pad_in_place()?;
    while network.scale_layer_before()? {}
    while network.scale_layer_behind()? {}
    let graph = Graph::try_from(network.nodes)?;
    graph.check_weights(&network.weights)?;
    Ok((graph, network.weights))
}

struct Network {
    nodes: Vec<Node>,
    weights: Weights,
}

impl Network {
    /// Drops what does nothing, and what nothing reads.
    fn drop_idle(&mut self) {
        let last = self.nodes.len().saturating_sub(1);
        let mut stands_for: HashMap<String, String> = HashMap::new();
        for (at, node) in self.nodes.iter_mut().enumerate() {
            for input in &mut node.inputs {
                if let Some(other) = stands_for.get(input) {
                    input.clone_from(other);
                }
            }
            if let (Op::Identity | Op::Dropout { .. }, [input]) = (&node.op, &node.inputs[..])
                && at != last
            {
                stands_for.insert(node.name.clone(), input.clone());
            }
        }
        let mut needed: HashMap<&str, bool> = HashMap::new();
        let mut kept = vec![false; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if at == 0 || at == last || needed.contains_key(node.name.as_str()) {
                kept[at] = true;
                needed.extend(node.inputs.iter().map(|input| (input.as_str(), true)));
            }
        }
        let mut kept = kept.into_iter();
        self.nodes.retain(|_| kept.next().unwrap_or(true));
    }

    /// Turns the weights of the convolution that reads channels in reverse order, if nothing but
    /// scaling lies between.
    fn turn_channels(&mut self) -> Result<(), FoldError> {
        let Some(turn) = self.find(|op| matches!(op, Op::ReverseChannels)) else {
            return Ok(());
        };
        let mut between = Vec::new();
        let mut at = turn;
        loop {
            match self.sole_reader(at) {
                Some(reader) => at = reader,
                None => return Ok(()),
            }
            match &self.nodes[at].op {
                Op::Rescale { .. } => between.push(at),
                Op::ZeroPad { .. } => {}
                Op::Conv2d { groups: 1, .. } => break,
                _ => return Ok(()),
            }
        }
        for at in between {
            if let Op::Rescale { scale, offset } = &mut self.nodes[at].op {
                scale.reverse();
                offset.reverse();
            }
        }
        let name = format!("{}.weight", self.nodes[at].name);
        self.change(&name, |shape, values| {
            let taps = shape.iter().skip(2).product::<usize>().max(1);
            let filter = shape.get(1).copied().unwrap_or(1) * taps;
            for filter in values.chunks_exact_mut(filter.max(1)) {
                let turned: Vec<f32> = filter.chunks_exact(taps).rev().flatten().copied().collect();
                filter.copy_from_slice(&turned);
            }
        })?;
        self.bypass(turn);
        Ok(())
    }

    /// Lets the convolutions and pools that read a padded map pad it themselves.
    fn pad_in_place(&mut self) -> Result<(), FoldError> {
        let graph = Graph::try_from(self.nodes.clone())?;
        for at in (0..self.nodes.len()).rev() {
            let Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            } = self.nodes[at].op
            else {
                continue;
            };
            let Shape::Map([_, height, width]) = graph.shape_of(&self.nodes[at].name)? else {
                continue;
            };
            let zeros = [top, bottom, left, right];
            let is_positive = self.is_never_negative(at);
            let readers = self.readers(at);
            let padded: Option<Vec<Op>> = readers
                .iter()
                .map(|&reader| padded(&self.nodes[reader].op, zeros, [height, width], is_positive))
                .collect();
            let (Some(padded), false) = (padded, readers.is_empty()) else {
                continue;
            };
            for (reader, op) in readers.into_iter().zip(padded) {
                self.nodes[reader].op = op;
            }
            self.bypass(at);
        }
        Ok(())
    }

    /// Folds one scaling that alone reads a layer with weights into it; whether there was one.
    fn scale_layer_before(&mut self) -> Result<bool, FoldError> {
        for at in 0..self.nodes.len() {
            let Some(scaling) = Scaling::of(&self.nodes[at], &self.weights)? else {
                continue;
            };
            let Some(layer) = self.input(at) else {
                continue;
            };
            let prefix = match self.nodes[layer].op {
                Op::Conv2d { .. } | Op::Dense { .. } => "",
                Op::Attention { .. } => "proj.",
                _ => continue,
            };
            if self.sole_reader(layer) != Some(at) {
                continue;
            }
            let name = self.nodes[layer].name.clone();
            self.with_bias(layer)?;
            self.change(&format!("{name}.{prefix}weight"), |shape, values| {
                let row = shape.iter().skip(1).product::<usize>().max(1);
                for (row, factor) in values.chunks_exact_mut(row).zip(&scaling.factor) {
                    for value in row {
                        *value = (f64::from(*value) * factor) as f32;
                    }
                }
            })?;
            self.change(&format!("{name}.{prefix}bias"), |_, values| {
                let both = scaling.factor.iter().zip(&scaling.offset);
                for (value, (factor, offset)) in values.iter_mut().zip(both) {
                    *value = (f64::from(*value) * factor + offset) as f32;
                }
            })?;
            self.replace(at, layer)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Folds one scaling into the layer that alone reads it; whether there was one. Zeros around a
    /// map stay zeros only if there is no offset.
    fn scale_layer_behind(&mut self) -> Result<bool, FoldError> {
        for at in 0..self.nodes.len() {
            let (Some(scaling), Some(layer)) = (
                Scaling::of(&self.nodes[at], &self.weights)?,
                self.sole_reader(at),
            ) else {
                continue;
            };
            let has_offset = scaling.offset.iter().any(|&offset| offset != 0.0);
            let groups = match &self.nodes[layer].op {
                Op::Conv2d {
                    padding, groups, ..
                } if !has_offset || *padding == Padding::NONE => *groups,
                Op::Dense { .. } => 1,
                _ => continue,
            };
            let name = self.nodes[layer].name.clone();
            self.with_bias(layer)?;
            let mut added: Vec<f64> = Vec::new();
            self.change(&format!("{name}.weight"), |shape, values| {
                let filters = shape.first().copied().unwrap_or(1);
                let depth = shape.get(1).copied().unwrap_or(1).max(1);
                let taps = shape.iter().skip(2).product::<usize>().max(1);
                for (filter, values) in values.chunks_exact_mut(depth * taps).enumerate() {
                    let first = filter / (filters / groups).max(1) * depth;
                    let mut sum = 0.0;
                    for (channel, values) in values.chunks_exact_mut(taps).enumerate() {
                        for value in values {
                            sum += f64::from(*value) * scaling.offset[first + channel];
                            *value = (f64::from(*value) * scaling.factor[first + channel]) as f32;
                        }
                    }
                    added.push(sum);
                }
            })?;
            self.change(&format!("{name}.bias"), |_, values| {
                for (value, added) in values.iter_mut().zip(&added) {
                    *value = (f64::from(*value) + added) as f32;
                }
            })?;
            self.forget(at)?;
            self.bypass(at);
            return Ok(true);
        }
        Ok(false)
    }

    // Nodes.

    fn find(&self, is: impl Fn(&Op) -> bool) -> Option<usize> {
        self.nodes.iter().position(|node| is(&node.op))
    }

    /// The node that a node reads first.
    fn input(&self, at: usize) -> Option<usize> {
        let name = self.nodes[at].inputs.first()?;
        self.nodes.iter().position(|node| node.name == *name)
    }

    /// The nodes that read a node, each as often as it does.
    fn readers(&self, at: usize) -> Vec<usize> {
        let name = &self.nodes[at].name;
        let reads = self.nodes.iter().enumerate().flat_map(|(reader, node)| {
            let inputs = node.inputs.iter().filter(|input| *input == name);
            inputs.map(move |_| reader)
        });
        reads.collect()
    }

    fn sole_reader(&self, at: usize) -> Option<usize> {
        match self.readers(at)[..] {
            [reader] => Some(reader),
            _ => None,
        }
    }

    /// Whether what a node reads is at least 0 everywhere.
    fn is_never_negative(&self, at: usize) -> bool {
        let op = self.input(at).map(|input| &self.nodes[input].op);
        match op {
            Some(Op::Clamp { low, .. }) => *low >= 0.0,
            Some(op) => matches!(
                op,
                Op::Relu | Op::Relu6 | Op::Sigmoid | Op::HardSigmoid { .. } | Op::Softmax
            ),
            None => false,
        }
    }

    /// Takes a node out; what read it reads its input.
    fn bypass(&mut self, at: usize) {
        let gone = self.nodes.remove(at);
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            if let (true, Some(own)) = (*input == gone.name, gone.inputs.first()) {
                input.clone_from(own);
            }
        }
    }

    /// Puts a layer into the place and under the name of the scaling that reads it.
    fn replace(&mut self, scaling: usize, layer: usize) -> Result<(), FoldError> {
        let graph = Graph::try_from(self.nodes.clone())?;
        self.forget(scaling)?;
        let mut node = self.nodes[layer].clone();
        let name = self.nodes[scaling].name.clone();
        for Parameter { name: old, .. } in graph.parameters_of(&node) {
            let tensor = self
                .weights
                .remove(&old)
                .ok_or_else(|| WeightsError::missing(&old))?;
            let suffix = old.get(node.name.len()..).unwrap_or_default();
            self.weights.insert(format!("{name}{suffix}"), tensor);
        }
        node.name = name;
        self.nodes[scaling] = node;
        self.nodes.remove(layer);
        Ok(())
    }

    /// Drops the parameters of a node.
    fn forget(&mut self, at: usize) -> Result<(), FoldError> {
        let graph = Graph::try_from(self.nodes.clone())?;
        for Parameter { name, .. } in graph.parameters_of(&self.nodes[at]) {
            self.weights.remove(&name);
        }
        Ok(())
    }

    /// Gives a convolution that has none a bias of zeros.
    fn with_bias(&mut self, at: usize) -> Result<(), WeightsError> {
        let node = &mut self.nodes[at];
        if let Op::Conv2d { bias, filters, .. } = &mut node.op
            && !*bias
        {
            *bias = true;
            let (name, filters) = (format!("{}.bias", node.name), *filters);
            let zeros = Tensor::new(&name, vec![filters], vec![0.0; filters])?;
            self.weights.insert(name, zeros);
        }
        Ok(())
    }

    /// Changes the numbers of a tensor, given its shape.
    fn change(
        &mut self,
        name: &str,
        change: impl FnOnce(&[usize], &mut [f32]),
    ) -> Result<(), WeightsError> {
        let tensor = self
            .weights
            .remove(name)
            .ok_or_else(|| WeightsError::missing(name))?;
        let shape = tensor.shape().to_vec();
        let mut values = tensor.into_values();
        change(&shape, &mut values);
        self.weights.insert(name, Tensor::new(name, shape, values)?);
        Ok(())
    }
}

/// The operation that pads its map, of that size with the zeros, itself; none if it cannot.
fn padded(op: &Op, zeros: [usize; 4], size: [usize; 2], is_positive: bool) -> Option<Op> {
    let sum = |own: Padding, kernel: [usize; 2], stride: [usize; 2]| {
        let [(top, bottom), (left, right)] = own.resolve(size, kernel, stride);
        let [a, b, c, d] = zeros;
        [top + a, bottom + b, left + c, right + d]
    };
    let explicit = |[top, bottom, left, right]: [usize; 4]| Padding::Explicit {
        top,
        bottom,
        left,
        right,
    };
    let fits = |[top, bottom, left, right]: [usize; 4], kernel: &[usize; 2]| {
        top.max(bottom) < kernel[0] && left.max(right) < kernel[1]
    };
    let mut op = op.clone();
    match &mut op {
        Op::Conv2d {
            kernel,
            stride,
            padding,
            dilation,
            ..
        } => *padding = explicit(sum(*padding, reach(*kernel, *dilation), *stride)),
        // Zeros do not win where no number is below them.
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } if is_positive && fits(sum(*padding, *kernel, *stride), kernel) => {
            *padding = explicit(sum(*padding, *kernel, *stride));
        }
        Op::AveragePool {
            kernel,
            stride,
            padding,
            count_padding,
        } if sum(*padding, *kernel, *stride) == zeros && fits(zeros, kernel) => {
            *padding = explicit(zeros);
            *count_padding = true;
        }
        _ => return None,
    }
    Some(op)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::{BACKBONES, Backbone};

    fn weights(graph: &Graph) -> Weights {
        let mut weights = Weights::new();
        for Parameter { name, shape } in graph.parameters() {
            let count = shape.iter().product();
            let values = (0..count).map(|at| 0.5 + (at % 7) as f32 / 8.0).collect();
            weights.insert(name.clone(), Tensor::new(&name, shape, values).unwrap());
        }
        weights
    }

    fn simplified(name: &str) -> Graph {
        let graph = Backbone::named(name).unwrap().without_top().unwrap();
        let graph = graph.resized([64, 64]).unwrap();
        simplify(&graph, &weights(&graph)).unwrap().0
    }

    fn count(graph: &Graph, is: impl Fn(&Op) -> bool) -> usize {
        graph.nodes().iter().filter(|node| is(&node.op)).count()
    }

    #[test]
    fn resnet_is_left_with_convolutions_sums_and_activations() {
        let graph = simplified("resnet50");
        assert_eq!(count(&graph, |op| matches!(op, Op::ZeroPad { .. })), 0);
        assert_eq!(count(&graph, |op| matches!(op, Op::ReverseChannels)), 0);
        assert_eq!(count(&graph, |op| matches!(op, Op::BatchNorm { .. })), 0);
        // The offset of the preprocessing is not zero in the padding.
        assert_eq!(count(&graph, |op| matches!(op, Op::Rescale { .. })), 1);
    }

    #[test]
    fn a_scale_behind_a_convolution_and_an_unpadded_preprocessing_are_gone() {
        let graph = simplified("convnext-tiny");
        assert_eq!(count(&graph, |op| matches!(op, Op::LayerScale)), 0);
        assert_eq!(count(&graph, |op| matches!(op, Op::Rescale { .. })), 0);
        assert_eq!(count(&graph, |op| matches!(op, Op::Identity)), 0);
    }

    #[test]
    fn what_goes_out_keeps_its_name_and_shape() {
        for backbone in BACKBONES.iter().step_by(6) {
            let graph = backbone.without_top().unwrap();
            let (simple, _) = simplify(&graph, &weights(&graph)).unwrap();
            assert_eq!(simple.output(), graph.output());
            assert_eq!(simple.output_shape(), graph.output_shape());
            assert!(simple.nodes().len() <= graph.nodes().len());
        }
    }

    #[test]
    fn zeros_before_a_pool_of_numbers_below_zero_stay() {
        let mut graph = Graph::new(Shape::Map([1, 4, 4]));
        let pad = Op::ZeroPad {
            top: 1,
            bottom: 1,
            left: 1,
            right: 1,
        };
        graph.push("pad", pad).unwrap();
        let pool = Op::MaxPool {
            kernel: [3, 3],
            stride: [1, 1],
            padding: Padding::NONE,
        };
        graph.push("pool", pool).unwrap();
        let (simple, _) = simplify(&graph, &Weights::new()).unwrap();
        assert_eq!(simple, graph);
    }

    #[test]
    fn scales_before_and_behind_a_layer_are_in_its_weights() {
        let mut graph = Graph::new(Shape::Vector([1]));
        let rescale = |scale: f32, offset: f32| Op::Rescale {
            scale: vec![scale],
            offset: vec![offset],
        };
        graph.push("before", rescale(2.0, 3.0)).unwrap();
        graph.push("dense", Op::Dense { units: 1 }).unwrap();
        graph.push("behind", rescale(5.0, 7.0)).unwrap();
        let mut weights = Weights::new();
        for (name, shape, value) in [
            ("dense.weight", vec![1, 1], 11.0),
            ("dense.bias", vec![1], 13.0),
        ] {
            weights.insert(name, Tensor::new(name, shape, vec![value]).unwrap());
        }
        let (simple, weights) = simplify(&graph, &weights).unwrap();
        let names: Vec<&str> = simple
            .nodes()
            .iter()
            .map(|node| node.name.as_str())
            .collect();
        assert_eq!(names, ["input", "behind"]);
        // 5 · (11 · (2 x + 3) + 13) + 7
        assert_eq!(weights.get("behind.weight").unwrap().values(), [110.0]);
        assert_eq!(weights.get("behind.bias").unwrap().values(), [237.0]);
    }
}

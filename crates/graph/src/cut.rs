//! Where a whole classifier is cut when nobody says where: before its old head.
//!
//! The division itself is [`Graph::cut_at`].

use crate::{Graph, Node, Op, Shape};

impl Graph {
    /// The node in which a layer ends: the last one that is named `layer` or `layer/…`, as the
    /// activation that belongs to a convolution is. None if there is no such node.
    ///
    /// ```
    /// use finial_graph::{Graph, Op, Shape};
    ///
    /// let mut graph = Graph::new(Shape::Vector([8]));
    /// graph.push("fc1", Op::Dense { units: 4 })?;
    /// graph.push("fc1/activation", Op::Relu)?;
    /// graph.push("fc2", Op::Dense { units: 2 })?;
    /// assert_eq!(graph.end_of_layer("fc1"), Some("fc1/activation"));
    /// # Ok::<(), finial_graph::GraphError>(())
    /// ```
    pub fn end_of_layer(&self, layer: &str) -> Option<&str> {
        let of_layer = |node: &&Node| match node.name.strip_prefix(layer) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        let last = self.nodes().iter().rev().find(of_layer);
        last.map(|node| node.name.as_str())
    }

    /// The nodes through which everything passes, in running order: the graph can be cut at each.
    ///
    /// ```
    /// use finial_graph::{Graph, Op, Shape};
    ///
    /// let mut graph = Graph::with_input("image", Shape::Vector([8]));
    /// graph.push("fc1", Op::Dense { units: 8 })?;
    /// graph.push_after("sum", Op::Add, &["fc1", "image"])?;
    /// assert_eq!(graph.cuts(), ["image", "sum"]);
    /// # Ok::<(), finial_graph::GraphError>(())
    /// ```
    pub fn cuts(&self) -> Vec<&str> {
        let chain = Chain::of(self);
        let nodes = (0..chain.places.len()).filter_map(|at| chain.node(at));
        nodes.map(|node| node.name.as_str()).collect()
    }

    /// The last node before the classifier that a network ends in: where it is cut to be used
    /// for something else.
    ///
    /// That is the last map, so that pooling it or not is left to the new head; for a
    /// transformer it is the vector that its classifier reads, and for a network that only has
    /// dense layers what the last of them reads. A network without a classifier is cut at its
    /// output. Where the classes are made by a convolution before the pooling, as in SqueezeNet,
    /// the cut is before that; where the pooled map is normalised before its classifier, as in
    /// ConvNeXt, it is behind that.
    pub fn default_cut(&self) -> &str {
        let chain = Chain::of(self);
        let cut = chain.after_attention().or_else(|| chain.last_map());
        let cut = cut.or_else(|| chain.before_last_dense());
        cut.and_then(|at| chain.node(at))
            .map_or(self.output(), |node| node.name.as_str())
    }
}

/// The nodes through which everything passes, in running order: the graph can be cut at each.
pub(crate) struct Chain<'a> {
    pub(crate) graph: &'a Graph,
    /// Places in the graph's list of nodes.
    pub(crate) places: Vec<usize>,
}

impl<'a> Chain<'a> {
    pub(crate) fn of(graph: &'a Graph) -> Self {
        let nodes = graph.nodes();
        let index: std::collections::HashMap<&str, usize> = nodes
            .iter()
            .map(|node| node.name.as_str())
            .zip(0..)
            .collect();
        let mut last_reader = vec![0; nodes.len()];
        for (reader, node) in nodes.iter().enumerate() {
            for input in &node.inputs {
                if let Some(&read) = index.get(input.as_str()) {
                    last_reader[read] = reader;
                }
            }
        }
        let mut furthest = 0;
        let mut places = Vec::new();
        for (place, reader) in last_reader.into_iter().enumerate() {
            let is_read = reader > 0 || place + 1 == nodes.len();
            if furthest <= place && is_read {
                places.push(place);
            }
            furthest = furthest.max(reader);
        }
        Chain { graph, places }
    }

    pub(crate) fn node(&self, at: usize) -> Option<&'a Node> {
        self.graph.nodes().get(*self.places.get(at)?)
    }

    pub(crate) fn shape(&self, at: usize) -> Option<Shape> {
        self.graph.shape_of(&self.node(at)?.name).ok()
    }

    fn rposition(&self, is: impl Fn(usize) -> bool) -> Option<usize> {
        (0..self.places.len()).rev().find(|&at| is(at))
    }

    fn is_map(&self, at: usize) -> bool {
        matches!(self.shape(at), Some(Shape::Map(_)))
    }

    fn is_dense(&self, at: usize) -> bool {
        matches!(self.node(at), Some(node) if matches!(node.op, Op::Dense { .. }))
    }

    /// The place, or one before it that the nodes up to it only pass on outside training.
    fn without_dropout(&self, mut at: usize) -> usize {
        let passes = |at| {
            let node = self.node(at);
            node.is_some_and(|node| matches!(node.op, Op::Dropout { .. } | Op::Identity))
        };
        while at > 0 && passes(at) {
            at -= 1;
        }
        at
    }

    /// What the first dense layer behind all attention reads.
    fn after_attention(&self) -> Option<usize> {
        let attends = |node: &Node| matches!(node.op, Op::Attention { .. } | Op::MatMul { .. });
        let last = self.graph.nodes().iter().rposition(attends)?;
        let behind = self.places.iter().position(|&place| place > last)?;
        let dense = (behind..self.places.len()).find(|&at| self.is_dense(at));
        match dense {
            Some(dense) => Some(self.without_dropout(dense.checked_sub(1)?)),
            None => self.places.len().checked_sub(1),
        }
    }

    /// The last map that no pooling over the whole of it stands before.
    fn last_map(&self) -> Option<usize> {
        let large =
            |shape: Option<Shape>| matches!(shape, Some(Shape::Map([_, h, w])) if h * w > 1);
        let mut cut = self.rposition(|at| large(self.shape(at)))?;
        while self.is_map(cut + 1) && !self.is_global(cut + 1) {
            cut += 1;
        }
        let weighs = |node: &Node| !self.graph.parameters_of(node).is_empty();
        let split = |at: usize| {
            let nodes = self.graph.nodes();
            nodes.split_at(
                self.places
                    .get(at)
                    .map_or(0, |place| place + 1)
                    .min(nodes.len()),
            )
        };
        if split(cut).1.iter().any(weighs) {
            cut = self.normalised(cut);
        } else if let Some(classifier) = (1..=cut)
            .rev()
            .find(|&at| self.node(at).is_some_and(weighs))
            && (self.makes_classes(cut) || self.is_dropout(classifier - 1))
        {
            // The last convolution is the classifier.
            cut = classifier - 1;
        }
        let cut = self.without_dropout(cut);
        // Before the first weights there is only the image.
        split(cut).0.iter().any(weighs).then_some(cut)
    }

    /// Whether what follows brings a whole map to one place.
    fn is_global(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.shape(before));
        match (self.node(at).map(|node| &node.op), before) {
            (Some(Op::AveragePool { kernel, .. }), Some(Shape::Map([_, h, w]))) => {
                *kernel == [h, w] && h * w > 1
            }
            (Some(Op::GlobalAveragePool | Op::GlobalMaxPool | Op::Reshape { .. }), _) => true,
            _ => false,
        }
    }

    /// Whether a map is only pooled and made probabilities of.
    fn makes_classes(&self, cut: usize) -> bool {
        let behind = cut + 1..self.places.len();
        let ops = || behind.clone().filter_map(|at| Some(&self.node(at)?.op));
        ops().any(|op| matches!(op, Op::Softmax | Op::Sigmoid))
    }

    /// The last normalisation of the pooled map before the first dense layer: it belongs to the
    /// features. The map itself if there is none.
    fn normalised(&self, map: usize) -> usize {
        let behind = (map + 1..self.places.len()).take_while(|&at| !self.is_dense(at));
        let normalises = |at: &usize| {
            let node = self.node(*at);
            node.is_some_and(|node| matches!(node.op, Op::LayerNorm { .. } | Op::BatchNorm { .. }))
        };
        behind.filter(normalises).last().unwrap_or(map)
    }

    fn is_dropout(&self, at: usize) -> bool {
        matches!(self.node(at), Some(node) if matches!(node.op, Op::Dropout { .. }))
    }

    /// What the last dense layer reads, if it is not the image.
    fn before_last_dense(&self) -> Option<usize> {
        let dense = self.rposition(|at| self.is_dense(at))?;
        let before = self.without_dropout(dense.checked_sub(1)?);
        (0..=before).any(|at| self.is_dense(at)).then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Padding;

    fn convolution(filters: usize, kernel: usize) -> Op {
        Op::Conv2d {
            filters,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: Padding::Same,
            dilation: [1; 2],
            groups: 1,
            bias: true,
        }
    }

    fn network(size: usize, layers: &[(&str, Op)]) -> Graph {
        let mut graph = Graph::new(Shape::Map([3, size, size]));
        for (name, op) in layers {
            graph.push(*name, op.clone()).unwrap();
        }
        graph
    }

    const ORDER: crate::Order = crate::Order::ChannelsLast;
    const HALVE: Op = Op::MaxPool {
        kernel: [2, 2],
        stride: [2, 2],
        padding: Padding::NONE,
    };

    #[test]
    fn a_network_is_cut_at_its_last_map() {
        let mut layers = vec![
            ("conv", convolution(8, 3)),
            ("conv/activation", Op::Relu),
            ("pool", HALVE),
            ("flatten", Op::Flatten { order: ORDER }),
            ("fc1", Op::Dense { units: 4 }),
            ("fc1/activation", Op::Relu),
            ("predictions", Op::Dense { units: 2 }),
            ("predictions/activation", Op::Softmax),
        ];
        assert_eq!(network(8, &layers).default_cut(), "pool");
        // A map of one place is a map as long as it was not pooled as a whole.
        assert_eq!(network(2, &layers).default_cut(), "pool");
        layers[3] = ("flatten", Op::GlobalAveragePool);
        assert_eq!(network(8, &layers).default_cut(), "pool");
        assert_eq!(network(8, &layers[..4]).default_cut(), "pool");
        assert_eq!(network(8, &layers[..2]).default_cut(), "conv/activation");
    }

    #[test]
    fn classes_made_by_a_convolution_behind_the_pooling_are_cut_off() {
        let shape = Shape::Map([8, 1, 1]);
        let layers = [
            ("conv", convolution(8, 3)),
            ("pool", Op::GlobalAveragePool),
            ("pool/keepdims", Op::Reshape { shape }),
            ("predictions", convolution(4, 1)),
            ("flatten", Op::Flatten { order: ORDER }),
            ("softmax", Op::Softmax),
        ];
        assert_eq!(network(8, &layers).default_cut(), "conv");
    }

    #[test]
    fn classes_made_by_a_convolution_before_the_pooling_are_cut_off() {
        let layers = [
            ("fire", convolution(8, 3)),
            ("drop", Op::Dropout { rate: 0.5 }),
            ("classes", convolution(4, 1)),
            ("classes/activation", Op::Relu),
            ("pool", Op::GlobalAveragePool),
            ("loss", Op::Softmax),
        ];
        assert_eq!(network(8, &layers).default_cut(), "fire");
        assert_eq!(network(8, &layers[..5]).default_cut(), "fire");
        // Without probabilities and dropout it may be a network without a head.
        let mut layers = layers[..5].to_vec();
        layers.remove(1);
        assert_eq!(network(8, &layers).default_cut(), "classes/activation");
    }

    #[test]
    fn a_network_of_dense_layers_is_cut_before_the_last() {
        let layers = [
            ("flatten", Op::Flatten { order: ORDER }),
            ("hidden", Op::Dense { units: 16 }),
            ("hidden/activation", Op::Relu),
            ("dropout", Op::Dropout { rate: 0.5 }),
            ("classes", Op::Dense { units: 2 }),
            ("softmax", Op::Softmax),
        ];
        assert_eq!(network(4, &layers).default_cut(), "hidden/activation");
    }

    #[test]
    fn a_transformer_is_cut_at_the_vector_that_its_classifier_reads() {
        let slice = Op::Slice {
            axis: 0,
            start: 0,
            end: 1,
        };
        let layers = [
            ("patches", convolution(8, 1)),
            (
                "tokens",
                Op::Reshape {
                    shape: Shape::Tokens([8, 16]),
                },
            ),
            ("class", Op::ClassToken),
            ("norm", Op::LayerNorm { epsilon: 1e-6 }),
            ("attention", Op::Attention { heads: 4 }),
        ];
        let mut graph = network(4, &layers);
        graph
            .push_after("add", Op::Add, &["attention", "class"])
            .unwrap();
        graph.push("mlp", Op::Dense { units: 16 }).unwrap();
        graph.push_after("add2", Op::Add, &["mlp", "add"]).unwrap();
        graph.push("slice", slice).unwrap();
        graph
            .push(
                "vector",
                Op::Reshape {
                    shape: Shape::Vector([16]),
                },
            )
            .unwrap();
        graph.push("dropout", Op::Dropout { rate: 0.1 }).unwrap();
        graph.push("head", Op::Dense { units: 3 }).unwrap();
        assert_eq!(graph.default_cut(), "vector");
    }

    #[test]
    fn a_cut_inside_a_residual_block_is_never_chosen() {
        let mut graph = network(8, &[("a", convolution(4, 1))]);
        let input = [Graph::INPUT];
        graph.push_after("b", convolution(4, 3), &input).unwrap();
        graph.push_after("sum", Op::Add, &["a", "b"]).unwrap();
        graph.push("pool", Op::GlobalAveragePool).unwrap();
        graph.push("classes", Op::Dense { units: 2 }).unwrap();
        assert_eq!(graph.default_cut(), "sum");
        graph.cut_at(graph.default_cut()).unwrap();
    }

    #[test]
    fn every_backbone_is_cut_where_its_entry_says() {
        for backbone in crate::backbones::BACKBONES {
            let graph = backbone.classifier().unwrap();
            assert_eq!(graph.default_cut(), backbone.features, "{}", backbone.name);
        }
    }
}

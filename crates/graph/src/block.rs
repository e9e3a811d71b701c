//! Where the blocks of a network begin: from where on it is trained when it is not trained whole.
//!
//! Blocks are told by how a network is joined up, not by names, so that the rule holds for every
//! network that can be imported:
//!
//! - a block begins where the network branches and comes together again, in a sum or side by side,
//!   with weights on the way: a residual block, an inception module. A gate, which multiplies, is
//!   part of its block;
//! - layers that each pass on all that they read, as DenseNet's do, are one block together;
//! - in a transformer a block begins where attention branches off; what follows up to the next
//!   attention belongs to it;
//! - a network that does not branch has a block for each size of its maps;
//! - and one that has no maps, one for each layer with weights.
//!
//! A block ends where the next one begins; so layers between two of them, as those of a block that
//! changes the number of channels and is not residual, belong to the one before.

use crate::cut::Chain;
use crate::{Graph, Node, Op, Shape};

impl Graph {
    /// The node behind which the last block begins: everything passes through it, and there are
    /// weights behind it. The input, if the network is one block.
    pub fn last_block(&self) -> &str {
        let chain = Chain::of(self);
        let last = starts(&chain).last().copied().unwrap_or(0);
        chain.node(last).map_or("", |node| &node.name)
    }

    /// For each node, in running order, how many blocks have begun before it.
    pub fn blocks(&self) -> Vec<usize> {
        let chain = Chain::of(self);
        let starts: Vec<usize> = starts(&chain)
            .into_iter()
            .filter_map(|at| chain.places.get(at).copied())
            .collect();
        let begun = |place: usize| starts.iter().filter(|&&start| start < place).count();
        (0..self.nodes().len()).map(begun).collect()
    }

    /// The last node before a layer, or a group of layers, through which everything passes: where
    /// the network is cut to have all of it behind the cut. `layer` is the name of a node, or its
    /// beginning up to `/`, `.` or `_`, as `layer4` of `layer4.0.conv1`. None if there is no such
    /// node, or only the input.
    pub fn cut_before(&self, layer: &str) -> Option<&str> {
        let named = |node: &Node, ends: &[char]| match node.name.strip_prefix(layer) {
            Some(rest) => rest.is_empty() || rest.starts_with(ends),
            None => false,
        };
        let first = |ends: &[char]| self.nodes().iter().position(|node| named(node, ends));
        let first = first(&['/']).or_else(|| first(&['.', '_']))?;
        let chain = Chain::of(self);
        let before = chain.places.iter().rfind(|&&place| place < first)?;
        self.nodes().get(*before).map(|node| node.name.as_str())
    }
}

/// Where blocks begin, as places in the chain.
fn starts(chain: &Chain) -> Vec<usize> {
    let nodes = chain.graph.nodes();
    let weighs = |node: &Node| !chain.graph.parameters_of(node).is_empty();
    let attends = |node: &Node| matches!(node.op, Op::Attention { .. } | Op::MatMul { .. });
    let between = |at: usize| {
        let (from, to) = (chain.places.get(at), chain.places.get(at + 1));
        match (from, to) {
            (Some(&from), Some(&to)) => nodes.get(from + 1..to).unwrap_or_default(),
            _ => &[],
        }
    };
    let stretches = 0..chain.places.len().saturating_sub(1);
    let branches: Vec<usize> = stretches
        .clone()
        .filter(|&at| {
            let joins = |node: &Node| matches!(node.op, Op::Add | Op::Concat { .. });
            between(at).iter().any(weighs) && chain.node(at + 1).is_some_and(joins)
        })
        .collect();
    let with_attention = branches.iter().copied();
    let with_attention = with_attention.filter(|&at| between(at).iter().any(attends));
    let with_attention: Vec<usize> = with_attention.collect();
    if !with_attention.is_empty() {
        return with_attention;
    }
    if !branches.is_empty() {
        let passes_on = |at: usize| match (chain.node(at), chain.node(at + 1)) {
            (Some(from), Some(to)) => {
                matches!(to.op, Op::Concat { .. }) && to.inputs.contains(&from.name)
            }
            _ => false,
        };
        let goes_on = |at: usize| {
            at > 0 && passes_on(at) && passes_on(at - 1) && branches.contains(&(at - 1))
        };
        let first = |at: &usize| !goes_on(*at);
        return branches.iter().copied().filter(first).collect();
    }
    let layers: Vec<usize> = stretches
        .filter(|&at| chain.node(at + 1).is_some_and(weighs))
        .collect();
    let shrinks = |at: usize| match (chain.shape(at), chain.shape(at + 1)) {
        (Some(Shape::Map([_, h, w])), Some(Shape::Map([_, h2, w2]))) => h2 * w2 < h * w,
        _ => false,
    };
    // A pooling belongs to the block that it ends; a layer with weights begins its own.
    let sizes = (0..chain.places.len()).filter_map(|at| match shrinks(at) {
        true if layers.contains(&at) => Some(at),
        true => Some(at + 1),
        false => None,
    });
    let behind = |at: &usize| layers.iter().any(|layer| layer >= at);
    let mut sizes: Vec<usize> = sizes.filter(behind).collect();
    sizes.dedup();
    match sizes.is_empty() {
        true => layers,
        false => sizes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::BACKBONES;

    #[test]
    fn the_last_block_of_every_backbone_is_where_its_family_has_it() {
        let listed = include_str!("../tests/golden/last_blocks.txt");
        let listed: Vec<&str> = listed.lines().collect();
        let found: Vec<String> = BACKBONES
            .iter()
            .map(|backbone| {
                let graph = backbone.without_top().unwrap();
                let cut = graph.last_block();
                let (before, behind) = graph.cut_at(cut).unwrap();
                let count = |graph: &Graph| -> usize {
                    let sizes = graph.parameters().into_iter();
                    sizes.map(|p| p.shape.iter().product::<usize>()).sum()
                };
                let share = count(&behind) * 100 / count(&graph);
                assert!(
                    count(&before) > 0 && count(&behind) > 0,
                    "{}",
                    backbone.name
                );
                format!("{} {cut} {share} %", backbone.name)
            })
            .collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn a_layer_is_cut_before_at_the_last_node_that_everything_passes() {
        let graph = |name| {
            crate::backbones::Backbone::named(name)
                .unwrap()
                .without_top()
                .unwrap()
        };
        let torch = graph("resnet50-torchvision");
        let cut = torch.cut_before("layer4").unwrap();
        assert_eq!(
            torch.cut_at(cut).unwrap().1.nodes()[1].name,
            "layer4.0.conv1"
        );
        // Inside a residual block nothing can be cut: all of the block comes along.
        assert_eq!(torch.cut_before("layer4.0.conv2"), Some(cut));
        let keras = graph("resnet50");
        assert_eq!(keras.cut_before("conv5_block3"), Some(keras.last_block()));
        assert_eq!(keras.cut_before("conv9"), None);
        assert_eq!(keras.cut_before(Graph::INPUT), None);
    }

    #[test]
    fn blocks_are_counted_from_the_input() {
        let graph = crate::backbones::Backbone::named("resnet50").unwrap();
        let graph = graph.without_top().unwrap();
        let blocks = graph.blocks();
        let of = |name: &str| {
            let at = graph.nodes().iter().position(|node| node.name == name);
            blocks[at.unwrap()]
        };
        assert_eq!(of("conv1_conv"), 0);
        assert_eq!(of("conv2_block1_1_conv"), 1);
        assert_eq!(of("conv5_block3_3_conv"), 16);
    }

    #[test]
    fn a_network_of_dense_layers_has_a_block_for_each() {
        let mut graph = Graph::new(Shape::Vector([4]));
        graph.push("one", Op::Dense { units: 4 }).unwrap();
        graph.push("relu", Op::Relu).unwrap();
        graph.push("two", Op::Dense { units: 4 }).unwrap();
        assert_eq!(graph.last_block(), "relu");
        assert_eq!(graph.blocks(), [0, 1, 1, 2]);
    }
}

//! Self-attention, which files write as some twenty operations, as one node.
//!
//! Exporters differ in where they divide into heads, scale and transpose; in the graph, all of
//! that is reshapes, permutations and slices. Whether they amount to attention is found by
//! following each number through them, not by their order.

use std::collections::{HashMap, HashSet};

use finial_graph::{Graph, GraphError, Node, Op, Order, Shape, Tensor, Weights};

use super::array::{offsets, strides};

/// Numbers of one value that are followed.
const MOST_NUMBERS: usize = 1 << 22;

/// Operations that are followed between two layers.
const MOST_MOVES: usize = 16;

/// The graph with its attentions as single nodes, which keep the name of the last layer in them.
///
/// # Errors
/// Never: what is found fits.
pub(super) fn fuse(graph: Graph, weights: &mut Weights) -> Result<Graph, GraphError> {
    let finder = Finder::new(&graph);
    let found: Vec<Found> = (0..graph.nodes().len())
        .filter_map(|i| finder.at(i))
        .collect();
    if found.is_empty() {
        return Ok(graph);
    }
    let mut gone: HashSet<usize> = HashSet::new();
    let mut put: HashMap<usize, Node> = HashMap::new();
    for attention in found {
        if attention.inside.iter().any(|i| gone.contains(i)) {
            continue;
        }
        let Some(node) = attention.node(&graph, weights) else {
            continue;
        };
        gone.extend(attention.inside);
        put.insert(attention.last, node);
    }
    let mut nodes = Vec::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        match put.remove(&i) {
            Some(attention) => nodes.push(attention),
            None if gone.contains(&i) => {}
            None => nodes.push(node.clone()),
        }
    }
    Graph::try_from(nodes)
}

/// Attention in a graph.
struct Found {
    heads: usize,
    /// The layers of queries, keys and values, and their first unit in each.
    projections: [(usize, usize); 3],
    /// The layer behind them.
    last: usize,
    /// All nodes before that one.
    inside: HashSet<usize>,
}

impl Found {
    /// The node, with its parameters among the weights.
    fn node(&self, graph: &Graph, weights: &mut Weights) -> Option<Node> {
        let nodes = graph.nodes();
        let last = nodes.get(self.last)?;
        let input = nodes.get(self.projections[0].0)?.inputs.first()?.clone();
        let features = graph.shape_of(&input).ok()?.channels();
        let mut matrix = Vec::new();
        let mut bias = Vec::new();
        for (projection, first) in self.projections {
            let name = &nodes.get(projection)?.name;
            let rows = weights.get(&format!("{name}.weight"))?.values();
            let range = first * features..(first + features) * features;
            matrix.extend_from_slice(rows.get(range)?);
            let own = weights.get(&format!("{name}.bias"))?.values();
            bias.extend_from_slice(own.get(first..first + features)?);
        }
        let node = Node {
            name: last.name.clone(),
            op: Op::Attention { heads: self.heads },
            inputs: vec![input],
        };
        let name = &node.name;
        if weights.get(&format!("{name}.qkv.weight")).is_some() {
            return None;
        }
        let projection = ["weight", "bias"].map(|part| weights.remove(&format!("{name}.{part}")));
        let [Some(proj_weight), Some(proj_bias)] = projection else {
            return None;
        };
        let new = |suffix: &str, shape: Vec<usize>, values: Vec<f32>| {
            Tensor::new(suffix, shape, values).ok()
        };
        let parts = [
            (
                "qkv.weight",
                new("qkv.weight", vec![3 * features, features], matrix)?,
            ),
            ("qkv.bias", new("qkv.bias", vec![3 * features], bias)?),
            ("proj.weight", proj_weight),
            ("proj.bias", proj_bias),
        ];
        for (suffix, tensor) in parts {
            weights.insert(format!("{name}.{suffix}"), tensor);
        }
        for (projection, _) in self.projections {
            let name = &nodes.get(projection)?.name;
            weights.remove(&format!("{name}.weight"));
            weights.remove(&format!("{name}.bias"));
        }
        Some(node)
    }
}

struct Finder<'a> {
    graph: &'a Graph,
    index: HashMap<&'a str, usize>,
    readers: Vec<Vec<usize>>,
}

/// A value followed back to a layer through what only moves numbers.
struct Trace {
    /// The layer.
    root: usize,
    /// What is between, the nearest to the layer first.
    moves: Vec<usize>,
    /// What all numbers were multiplied by.
    factor: f64,
}

impl<'a> Finder<'a> {
    fn new(graph: &'a Graph) -> Self {
        let nodes = graph.nodes();
        let index: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| (node.name.as_str(), i))
            .collect();
        let mut readers = vec![Vec::new(); nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            for input in &node.inputs {
                if let Some(&read) = index.get(input.as_str()) {
                    readers[read].push(i);
                }
            }
        }
        Finder {
            graph,
            index,
            readers,
        }
    }

    fn node(&self, i: usize) -> Option<&'a Node> {
        self.graph.nodes().get(i)
    }

    fn input(&self, i: usize, k: usize) -> Option<usize> {
        self.index
            .get(self.node(i)?.inputs.get(k)?.as_str())
            .copied()
    }

    fn shape(&self, i: usize) -> Option<Shape> {
        self.graph.shape_of(&self.node(i)?.name).ok()
    }

    /// The attention that ends in a layer.
    fn at(&self, last: usize) -> Option<Found> {
        let Op::Dense { units } = self.node(last)?.op else {
            return None;
        };
        let Some(Shape::Tokens([tokens, features])) = self.shape(self.input(last, 0)?) else {
            return None;
        };
        if units != features || tokens.checked_mul(features)? > MOST_NUMBERS {
            return None;
        }
        let mixed = self.back(self.input(last, 0)?)?;
        let Op::MatMul { transposed: false } = self.node(mixed.root)?.op else {
            return None;
        };
        let (heads, width) = match self.shape(mixed.root)? {
            Shape::Map([heads, t, width]) if t == tokens => (heads, width),
            Shape::Tokens([t, width]) if t == tokens => (1, width),
            _ => return None,
        };
        if heads * width != features || mixed.factor != 1.0 {
            return None;
        }
        // Heads side by side in each token.
        let places = self.places(&mixed)?;
        let expected = offsets(&[tokens, heads, width], &[width, tokens * width, 1]);
        if !places.into_iter().eq(expected) {
            return None;
        }
        let softmax = self.input(mixed.root, 0)?;
        if self.node(softmax)?.op != Op::Softmax {
            return None;
        }
        let mut inside: HashSet<usize> = mixed.moves.iter().copied().collect();
        inside.extend([mixed.root, softmax]);
        let mut scores = self.input(softmax, 0)?;
        let mut factor = 1.0;
        if let Some(uniform) = self.uniform(scores) {
            inside.insert(scores);
            factor *= uniform;
            scores = self.input(scores, 0)?;
        }
        let Op::MatMul { transposed } = self.node(scores)?.op else {
            return None;
        };
        inside.insert(scores);
        let per_head = [heads, tokens, width];
        let turned = [heads, width, tokens];
        let parts = [
            (self.input(scores, 0)?, per_head, false),
            (
                self.input(scores, 1)?,
                if transposed { per_head } else { turned },
                !transposed,
            ),
            (self.input(mixed.root, 1)?, per_head, false),
        ];
        let mut projections = [(0, 0); 3];
        for (k, (value, dims, turned)) in parts.into_iter().enumerate() {
            let trace = self.back(value)?;
            let Op::Dense { units } = self.node(trace.root)?.op else {
                return None;
            };
            if k == 2 && trace.factor != 1.0 {
                return None;
            }
            factor *= trace.factor;
            let places = self.places(&trace)?;
            let first = *places.first()?;
            let steps = match turned {
                false => [width, units, 1],
                true => [width, 1, units],
            };
            let expected = offsets(&dims, &steps).map(|o| o + first);
            if first + features > units || !places.iter().copied().eq(expected) {
                return None;
            }
            projections[k] = (trace.root, first);
            inside.extend(trace.moves);
            inside.insert(trace.root);
        }
        let expected = (width as f64).sqrt().recip();
        if (factor - expected).abs() > 1e-5 * expected {
            return None;
        }
        let input = self.input(projections[0].0, 0)?;
        let one_input = projections
            .iter()
            .all(|&(p, _)| self.input(p, 0) == Some(input));
        let own = self.shape(input)? == Shape::Tokens([tokens, features]);
        let closed = inside.iter().all(|&i| {
            self.readers[i]
                .iter()
                .all(|reader| *reader == last || inside.contains(reader))
        });
        (one_input && own && closed).then_some(Found {
            heads,
            projections,
            last,
            inside,
        })
    }

    /// What a node multiplies all numbers by, if that is what it does.
    fn uniform(&self, i: usize) -> Option<f64> {
        let Op::Rescale { scale, offset } = &self.node(i)?.op else {
            return None;
        };
        let factor = *scale.first()?;
        let alike = scale.iter().all(|&s| s == factor) && offset.iter().all(|&o| o == 0.0);
        alike.then_some(f64::from(factor))
    }

    /// Follows a value back to what computed it.
    fn back(&self, mut i: usize) -> Option<Trace> {
        let mut moves = Vec::new();
        let mut factor = 1.0;
        loop {
            match &self.node(i)?.op {
                Op::Reshape { .. }
                | Op::Permute { .. }
                | Op::Slice { .. }
                | Op::Identity
                | Op::Dropout { .. }
                | Op::Flatten {
                    order: Order::ChannelsFirst,
                } => {}
                _ => match self.uniform(i) {
                    Some(uniform) => factor *= uniform,
                    None => break,
                },
            }
            if moves.len() == MOST_MOVES {
                return None;
            }
            moves.push(i);
            i = self.input(i, 0)?;
        }
        moves.reverse();
        Some(Trace {
            root: i,
            moves,
            factor,
        })
    }

    /// For each number of a value the place in its layer's value that it comes from.
    fn places(&self, trace: &Trace) -> Option<Vec<usize>> {
        let shape = self.shape(trace.root)?;
        if shape.len() > MOST_NUMBERS {
            return None;
        }
        let mut places: Vec<usize> = (0..shape.len()).collect();
        let mut dims = shape.dims().to_vec();
        for &i in &trace.moves {
            let own = strides(&dims);
            let new = self.shape(i)?.dims().to_vec();
            match &self.node(i)?.op {
                Op::Permute { axes } => {
                    let moved: Vec<usize> = axes.iter().map(|&a| own[a]).collect();
                    places = offsets(&new, &moved).map(|o| places[o]).collect();
                }
                Op::Slice { axis, start, .. } => {
                    let first = start * own[*axis];
                    places = offsets(&new, &own).map(|o| places[first + o]).collect();
                }
                _ => {}
            }
            dims = new;
        }
        Some(places)
    }
}

//! What is done to an image before a network that brings no preprocessing of its own.

use finial_graph::{Graph, GraphError, Node, Op};

/// How the pixels of an image, RGB from 0 to 255, are brought to what a network was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preprocessing {
    /// Left as they are.
    None,
    /// Divided by 255: 0 to 1.
    ZeroToOne,
    /// −1 to 1: what Keras calls `tf`.
    MinusOneToOne,
    /// 0 to 1, less the mean and by the deviation of ImageNet's pixels: PyTorch's habit, what
    /// Keras calls `torch`.
    ImageNet,
    /// Blue, green, red, less the means of ImageNet's pixels: what Keras calls `caffe`.
    Caffe,
}

impl Preprocessing {
    /// Each of them.
    pub const ALL: [Preprocessing; 5] = [
        Preprocessing::None,
        Preprocessing::ZeroToOne,
        Preprocessing::MinusOneToOne,
        Preprocessing::ImageNet,
        Preprocessing::Caffe,
    ];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Preprocessing::None => "none",
            Preprocessing::ZeroToOne => "zero-to-one",
            Preprocessing::MinusOneToOne => "minus-one-to-one",
            Preprocessing::ImageNet => "imagenet",
            Preprocessing::Caffe => "caffe",
        }
    }

    /// The operations, in order.
    fn operations(self) -> Vec<Op> {
        let scaled = |scale: [f64; 3], offset: [f64; 3]| Op::Rescale {
            scale: scale.map(|v| v as f32).to_vec(),
            offset: offset.map(|v| v as f32).to_vec(),
        };
        match self {
            Preprocessing::None => Vec::new(),
            Preprocessing::ZeroToOne => vec![scaled([1.0 / 255.0; 3], [0.0; 3])],
            Preprocessing::MinusOneToOne => vec![scaled([1.0 / 127.5; 3], [-1.0; 3])],
            Preprocessing::ImageNet => {
                let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
                let scale = deviation.map(|d: f64| 1.0 / (255.0 * d));
                let offset = [0, 1, 2].map(|i: usize| -mean[i] / deviation[i]);
                vec![scaled(scale, offset)]
            }
            Preprocessing::Caffe => vec![
                Op::ReverseChannels,
                scaled([1.0; 3], [-103.939, -116.779, -123.68]),
            ],
        }
    }

    /// The graph with these operations behind its input.
    ///
    /// # Errors
    /// The input has not three channels, or a name is taken.
    pub(super) fn before(self, graph: Graph) -> Result<Graph, GraphError> {
        let mut nodes: Vec<Node> = graph.into();
        let Some(input) = nodes.first().map(|node| node.name.clone()) else {
            return Graph::try_from(nodes);
        };
        let operations = self.operations();
        let count = operations.len();
        let name = |i: usize| match i {
            0 => input.clone(),
            i if i == count => "preprocessing".to_owned(),
            i => format!("preprocessing.{i}"),
        };
        let last = name(count);
        for node in nodes.iter_mut().skip(1) {
            for read in node.inputs.iter_mut().filter(|read| **read == input) {
                read.clone_from(&last);
            }
        }
        let new = operations.into_iter().enumerate().map(|(i, op)| Node {
            name: name(i + 1),
            op,
            inputs: vec![name(i)],
        });
        nodes.splice(1..1, new.collect::<Vec<_>>());
        Graph::try_from(nodes)
    }
}

/// Whether the graph scales its input before the first layer that learns from it.
pub(super) fn brings_its_own(graph: &Graph) -> bool {
    let learned = |op: &Op| {
        matches!(
            op,
            Op::Conv2d { .. } | Op::Dense { .. } | Op::Attention { .. }
        )
    };
    graph
        .nodes()
        .iter()
        .take_while(|node| !learned(&node.op))
        .any(|node| {
            matches!(
                node.op,
                Op::Rescale { .. } | Op::Normalize | Op::BatchNorm { .. } | Op::ReverseChannels
            )
        })
}

#[cfg(test)]
mod tests {
    use finial_graph::Shape;

    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::with_input("image", Shape::Map([3, 4, 4]));
        graph.push("pool", Op::GlobalAveragePool).unwrap();
        graph
    }

    #[test]
    fn operations_stand_between_the_input_and_its_readers() {
        let caffe = Preprocessing::Caffe.before(graph()).unwrap();
        let names: Vec<&str> = caffe.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["image", "preprocessing.1", "preprocessing", "pool"]);
        assert_eq!(caffe.nodes()[3].inputs, ["preprocessing"]);
        assert_eq!(Preprocessing::None.before(graph()).unwrap(), graph());
    }

    #[test]
    fn a_scale_before_the_first_weights_is_its_own_and_one_behind_is_not() {
        assert!(!brings_its_own(&graph()));
        let scaled = Preprocessing::ZeroToOne.before(graph()).unwrap();
        assert!(brings_its_own(&scaled));
        let mut later = graph();
        later.push("dense", Op::Dense { units: 1 }).unwrap();
        let rescale = Op::Rescale {
            scale: vec![2.0],
            offset: vec![0.0],
        };
        later.push("rescale", rescale).unwrap();
        assert!(!brings_its_own(&later));
    }
}

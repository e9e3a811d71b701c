//! What is done to the pixels of an image before a network, as the field's libraries do it.

use crate::{Graph, GraphError, Node, Op};

/// Mean and deviation of ImageNet's pixels: PyTorch's preprocessing.
pub(crate) const IMAGENET: Statistics = Statistics {
    mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
};

/// From 0…255 to −1…1: TensorFlow's preprocessing.
pub(crate) const UNIT: Statistics = Statistics {
    mean: [0.5; 3],
    deviation: [0.5; 3],
};

/// Statistics of pixels between 0 and 1.
pub(crate) struct Statistics {
    pub(crate) mean: [f64; 3],
    pub(crate) deviation: [f64; 3],
}

impl Statistics {
    /// `(x / 255 − mean) / deviation`.
    pub(crate) fn standardise(&self) -> Op {
        let channels = || self.mean.iter().zip(self.deviation);
        Op::Rescale {
            scale: channels()
                .map(|(_, d)| (1.0 / (255.0 * d)) as f32)
                .collect(),
            offset: channels().map(|(m, d)| (-m / d) as f32).collect(),
        }
    }
}

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
    pub(crate) fn operations(self) -> Vec<Op> {
        let scaled = |scale: f32, offset: [f32; 3]| Op::Rescale {
            scale: vec![scale; 3],
            offset: offset.to_vec(),
        };
        match self {
            Preprocessing::None => Vec::new(),
            Preprocessing::ZeroToOne => vec![scaled(1.0 / 255.0, [0.0; 3])],
            Preprocessing::MinusOneToOne => vec![UNIT.standardise()],
            Preprocessing::ImageNet => vec![IMAGENET.standardise()],
            Preprocessing::Caffe => {
                vec![
                    Op::ReverseChannels,
                    scaled(1.0, [-103.939, -116.779, -123.68]),
                ]
            }
        }
    }

    /// The graph with these operations behind its input.
    ///
    /// # Errors
    /// The input has not three channels, or a name is taken.
    pub fn before(self, graph: Graph) -> Result<Graph, GraphError> {
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
pub fn brings_preprocessing(graph: &Graph) -> bool {
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
    use super::*;
    use crate::Shape;

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
        assert!(!brings_preprocessing(&graph()));
        let scaled = Preprocessing::ZeroToOne.before(graph()).unwrap();
        assert!(brings_preprocessing(&scaled));
        let mut later = graph();
        later.push("dense", Op::Dense { units: 1 }).unwrap();
        let rescale = Op::Rescale {
            scale: vec![2.0],
            offset: vec![0.0],
        };
        later.push("rescale", rescale).unwrap();
        assert!(!brings_preprocessing(&later));
    }
}

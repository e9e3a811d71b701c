//! Inception v3: blocks of parallel branches, wide kernels factored into narrow ones.
//!
//! Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015,
//! arXiv 1512.00567.
//!
//! The two variants are one network with other names, but for three things: Keras's batch norms
//! do not scale, its average pooling does not count padding, and it has no dropout.

use super::layers::{CLASSES, KerasNames, PREPROCESSING, UNIT, conv, in_keras_order};
use super::published;
use super::{Backbone, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

const PAPER: &str = "arXiv 1512.00567";

pub(super) const KERAS: Backbone = Backbone {
    name: "inception-v3",
    paper: PAPER,
    input: [299, 299],
    features: "mixed10",
    publisher: Publisher::Keras,
    weights: published::keras(
        [
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
                "9a0d58056eeedaa3f26cb7ebd46da564",
            ],
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "bcbd6486424b2319ff4ef7d526e38f63",
            ],
        ],
        "Apache-2.0",
        77.9,
    ),
    build: keras,
};

/// Torchvision standardises the image with ImageNet's statistics, and the network undoes it:
/// together that is from −1 to 1, as in Keras.
pub(super) const TORCHVISION: Backbone = Backbone {
    name: "inception-v3-torchvision",
    paper: PAPER,
    input: [299, 299],
    features: "Mixed_7c.cat_2",
    publisher: Publisher::Torchvision,
    weights: published::torchvision(
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        "0cc3c7bd",
        77.294,
    ),
    build: torchvision,
};

fn keras() -> Result<Graph, GraphError> {
    let mut network = Network::new(Some(KerasNames::default()))?;
    network.convolutions()?;
    let mut graph = network.graph;
    graph.push("avg_pool", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    in_keras_order(graph)
}

fn torchvision() -> Result<Graph, GraphError> {
    let mut network = Network::new(None)?;
    network.convolutions()?;
    let mut graph = network.graph;
    graph.push("avgpool", Op::GlobalAveragePool)?;
    graph.push("dropout", Op::Dropout { rate: 0.5 })?;
    graph.push("fc", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

/// A convolution: the end of torchvision's name, filters, kernel, stride. With a stride it is not
/// padded.
type Layer = (&'static str, usize, [usize; 2], usize);

/// The last branch of a block.
enum Pool {
    /// Average pooling, then a 1×1 convolution to so many channels.
    Average(usize),
    /// Max pooling with stride 2.
    Max,
}

const ONE: [usize; 2] = [1, 1];
const THREE: [usize; 2] = [3, 3];
const FIVE: [usize; 2] = [5, 5];
const ACROSS: [usize; 2] = [1, 7];
const DOWN: [usize; 2] = [7, 1];

struct Network {
    graph: Graph,
    /// None for torchvision's names.
    keras: Option<KerasNames>,
}

impl Network {
    fn new(keras: Option<KerasNames>) -> Result<Self, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, 299, 299]));
        graph.push(PREPROCESSING, UNIT.standardise())?;
        Ok(Network { graph, keras })
    }

    #[rustfmt::skip]
    fn convolutions(&mut self) -> Result<(), GraphError> {
        self.stem()?;
        // 35 × 35
        for (keras, path, pool) in [("mixed0", "Mixed_5b", 32), ("mixed1", "Mixed_5c", 64), ("mixed2", "Mixed_5d", 64)] {
            self.mixed(keras, path, &[
                &[("branch1x1", 64, ONE, 1)],
                &[("branch5x5_1", 48, ONE, 1), ("branch5x5_2", 64, FIVE, 1)],
                &[("branch3x3dbl_1", 64, ONE, 1), ("branch3x3dbl_2", 96, THREE, 1), ("branch3x3dbl_3", 96, THREE, 1)],
            ], Pool::Average(pool))?;
        }
        self.mixed("mixed3", "Mixed_6a", &[
            &[("branch3x3", 384, THREE, 2)],
            &[("branch3x3dbl_1", 64, ONE, 1), ("branch3x3dbl_2", 96, THREE, 1), ("branch3x3dbl_3", 96, THREE, 2)],
        ], Pool::Max)?;
        // 17 × 17
        for (keras, path, c) in [("mixed4", "Mixed_6b", 128), ("mixed5", "Mixed_6c", 160), ("mixed6", "Mixed_6d", 160), ("mixed7", "Mixed_6e", 192)] {
            self.mixed(keras, path, &[
                &[("branch1x1", 192, ONE, 1)],
                &[("branch7x7_1", c, ONE, 1), ("branch7x7_2", c, ACROSS, 1), ("branch7x7_3", 192, DOWN, 1)],
                &[("branch7x7dbl_1", c, ONE, 1), ("branch7x7dbl_2", c, DOWN, 1), ("branch7x7dbl_3", c, ACROSS, 1),
                  ("branch7x7dbl_4", c, DOWN, 1), ("branch7x7dbl_5", 192, ACROSS, 1)],
            ], Pool::Average(192))?;
        }
        self.mixed("mixed8", "Mixed_7a", &[
            &[("branch3x3_1", 192, ONE, 1), ("branch3x3_2", 320, THREE, 2)],
            &[("branch7x7x3_1", 192, ONE, 1), ("branch7x7x3_2", 192, ACROSS, 1), ("branch7x7x3_3", 192, DOWN, 1),
              ("branch7x7x3_4", 192, THREE, 2)],
        ], Pool::Max)?;
        // 8 × 8
        self.forked("mixed9", "mixed9_0", "Mixed_7b")?;
        self.forked("mixed10", "mixed9_1", "Mixed_7c")
    }

    fn stem(&mut self) -> Result<(), GraphError> {
        let pool = Op::MaxPool {
            kernel: THREE,
            stride: [2, 2],
            padding: Padding::NONE,
        };
        let x = self.graph.output().to_owned();
        let x = self.layer(&x, "", ("Conv2d_1a_3x3", 32, THREE, 2), false)?;
        let x = self.layer(&x, "", ("Conv2d_2a_3x3", 32, THREE, 1), false)?;
        let x = self.layer(&x, "", ("Conv2d_2b_3x3", 64, THREE, 1), true)?;
        let x = self.node("max_pooling2d", "maxpool1", pool.clone(), &[&x])?;
        let x = self.layer(&x, "", ("Conv2d_3b_1x1", 80, ONE, 1), false)?;
        let x = self.layer(&x, "", ("Conv2d_4a_3x3", 192, THREE, 1), false)?;
        self.node("max_pooling2d", "maxpool2", pool, &[&x])?;
        Ok(())
    }

    /// A block: branches and a pooling side by side, joined.
    fn mixed(
        &mut self,
        keras: &str,
        path: &str,
        branches: &[&[Layer]],
        pool: Pool,
    ) -> Result<(), GraphError> {
        let input = self.graph.output().to_owned();
        let mut ends = Vec::new();
        for branch in branches {
            ends.push(self.branch(&input, path, branch)?);
        }
        ends.push(match pool {
            Pool::Average(filters) => self.pooled(&input, path, filters)?,
            Pool::Max => {
                let pool = Op::MaxPool {
                    kernel: THREE,
                    stride: [2, 2],
                    padding: Padding::NONE,
                };
                let name = format!("{path}.max_pool2d");
                self.node("max_pooling2d", &name, pool, &[&input])?
            }
        });
        self.join(Some(keras), &format!("{path}.cat"), &ends)?;
        Ok(())
    }

    /// A block of the last stage, whose 3×3 kernels end in a row and a column side by side.
    fn forked(&mut self, keras: &str, first: &str, path: &str) -> Result<(), GraphError> {
        let input = self.graph.output().to_owned();
        let one = self.branch(&input, path, &[("branch1x1", 320, ONE, 1)])?;
        let stem = self.branch(&input, path, &[("branch3x3_1", 384, ONE, 1)])?;
        let row = self.branch(&stem, path, &[("branch3x3_2a", 384, [1, 3], 1)])?;
        let column = self.branch(&stem, path, &[("branch3x3_2b", 384, [3, 1], 1)])?;
        let single = self.join(Some(first), &format!("{path}.cat"), &[row, column])?;

        let stem = [
            ("branch3x3dbl_1", 448, ONE, 1),
            ("branch3x3dbl_2", 384, THREE, 1),
        ];
        let stem = self.branch(&input, path, &stem)?;
        let row = self.branch(&stem, path, &[("branch3x3dbl_3a", 384, [1, 3], 1)])?;
        let column = self.branch(&stem, path, &[("branch3x3dbl_3b", 384, [3, 1], 1)])?;
        let double = self.join(None, &format!("{path}.cat_1"), &[row, column])?;

        let pooled = self.pooled(&input, path, 192)?;
        let ends = [one, single, double, pooled];
        self.join(Some(keras), &format!("{path}.cat_2"), &ends)?;
        Ok(())
    }

    fn branch(&mut self, input: &str, path: &str, layers: &[Layer]) -> Result<String, GraphError> {
        let mut end = input.to_owned();
        for &layer in layers {
            let is_padded = layer.3 == 1;
            end = self.layer(&end, &format!("{path}."), layer, is_padded)?;
        }
        Ok(end)
    }

    fn pooled(&mut self, input: &str, path: &str, filters: usize) -> Result<String, GraphError> {
        let pool = Op::AveragePool {
            kernel: THREE,
            stride: [1, 1],
            padding: self.padding(THREE),
            count_padding: self.keras.is_none(),
        };
        let name = format!("{path}.avg_pool2d");
        let pooled = self.node("average_pooling2d", &name, pool, &[input])?;
        self.branch(&pooled, path, &[("branch_pool", filters, ONE, 1)])
    }

    /// Convolution, batch norm, ReLU.
    fn layer(
        &mut self,
        input: &str,
        path: &str,
        (name, filters, kernel, stride): Layer,
        is_padded: bool,
    ) -> Result<String, GraphError> {
        let padding = if is_padded {
            self.padding(kernel)
        } else {
            Padding::NONE
        };
        let norm = Op::BatchNorm {
            epsilon: 1e-3,
            scale: self.keras.is_none(),
        };
        let path = format!("{path}{name}");
        let convolution = conv(filters, kernel, stride, padding);
        let x = self.node("conv2d", &format!("{path}.conv"), convolution, &[input])?;
        let x = self.node("batch_normalization", &format!("{path}.bn"), norm, &[&x])?;
        self.node("activation", &format!("{path}.relu"), Op::Relu, &[&x])
    }

    /// Joins channels, under Keras's name, or the next of its kind.
    fn join(
        &mut self,
        keras: Option<&str>,
        path: &str,
        ends: &[String],
    ) -> Result<String, GraphError> {
        let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
        let op = Op::Concat { axis: 0 };
        match keras {
            Some(name) if self.keras.is_some() => {
                self.graph.push_after(name, op, &ends)?;
                Ok(name.to_owned())
            }
            _ => self.node("concatenate", path, op, &ends),
        }
    }

    fn node(
        &mut self,
        kind: &'static str,
        path: &str,
        op: Op,
        inputs: &[&str],
    ) -> Result<String, GraphError> {
        let name = match &mut self.keras {
            Some(names) => names.next(kind),
            None => path.to_owned(),
        };
        self.graph.push_after(name.clone(), op, inputs)?;
        Ok(name)
    }

    /// What keeps a map's size; the same in both variants, each in its own terms.
    fn padding(&self, [rows, columns]: [usize; 2]) -> Padding {
        match self.keras {
            Some(_) => Padding::Same,
            None => Padding::around(rows / 2, columns / 2),
        }
    }
}

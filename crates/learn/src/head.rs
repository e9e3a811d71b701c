//! The layers behind the cut: dropout, a hidden layer, and the final layer that the task decides.

use finial_graph::{Graph, GraphError, Op, Order, Shape, Tensor, Weights, WeightsError};
use finial_task::{Activation, Targets, Task, TaskKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// The node in which the frozen part ends.
pub const CUT: &str = "pool";
/// The node whose values the loss is computed from.
pub const LOGITS: &str = "logits";
/// The last node: probabilities, or numbers in the target's own unit.
pub const OUTPUT: &str = "output";

/// Whether a node of the head may have that name.
pub(crate) fn is_reserved(name: &str) -> bool {
    [CUT, "dropout", "hidden", "hidden_relu", LOGITS, OUTPUT].contains(&name)
}

/// How the backbone's last map becomes a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The mean over height and width.
    #[default]
    Average,
    /// Every number of the map.
    Flatten,
}

/// What a user may choose about the head. The final layer is not among it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadOptions {
    /// How the map becomes a vector.
    pub pooling: Pooling,
    /// Share of features dropped in training, in [0, 1).
    pub dropout: f64,
    /// Units of the hidden layer; none for a linear probe.
    pub hidden: Option<usize>,
}

impl HeadOptions {
    /// More hidden units than this are taken for a typing error.
    pub const MOST_HIDDEN: usize = 65_536;
}

impl Default for HeadOptions {
    fn default() -> Self {
        HeadOptions {
            pooling: Pooling::Average,
            dropout: 0.2,
            hidden: Some(128),
        }
    }
}

/// The frozen part: the backbone, then pooling or flattening, which ends in [`CUT`]. A backbone
/// that ends in a vector is left as it is.
///
/// # Errors
/// The backbone ends in values of four axes, which have no mean over a place.
pub fn frozen(backbone: &Graph, pooling: Pooling) -> Result<Graph, GraphError> {
    let mut graph = backbone.clone();
    graph.push(
        CUT,
        match (backbone.output_shape(), pooling) {
            (Shape::Vector(_), _) => Op::Identity,
            (_, Pooling::Average) => Op::GlobalAveragePool,
            // As Keras flattens, so that a model means the same there.
            (_, Pooling::Flatten) => Op::Flatten {
                order: Order::ChannelsLast,
            },
        },
    )?;
    Ok(graph)
}

/// The trained part: from a vector at [`CUT`] to the answers of a task.
///
/// It can only be made for a task, or be checked against one, so its final layer always is the
/// one that the task calls for.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    graph: Graph,
    task: Task,
}

impl Head {
    /// The head of `task` for `features` numbers per image.
    ///
    /// `scale` is used by regression only; see [`Scale::of`].
    ///
    /// # Errors
    /// The options are out of range, or `scale` has not one entry per target of a regression.
    pub fn new(
        features: usize,
        task: &Task,
        options: &HeadOptions,
        scale: &Scale,
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::with_input(CUT, Shape::Vector([features]));
        if options.dropout > 0.0 {
            let rate = options.dropout;
            graph.push("dropout", Op::Dropout { rate })?;
        }
        if let Some(units) = options.hidden {
            graph.push("hidden", Op::Dense { units })?;
            graph.push("hidden_relu", Op::Relu)?;
        }
        let units = task.units();
        graph.push(LOGITS, Op::Dense { units })?;
        graph.push(
            OUTPUT,
            match task.activation() {
                Activation::Softmax => Op::Softmax,
                Activation::Sigmoid => Op::Sigmoid,
                Activation::Linear => Op::Rescale {
                    scale: scale.deviation.clone(),
                    offset: scale.mean.clone(),
                },
            },
        )?;
        Ok(Head {
            graph,
            task: task.clone(),
        })
    }

    /// A graph as a head of `task`, if its final layer is the one that the task calls for.
    ///
    /// # Errors
    /// Says what the task calls for and what the graph ends in.
    pub fn checked(graph: Graph, task: &Task) -> Result<Self, WrongHead> {
        let wrong = |expected: String, found: String| {
            let kind = task.kind();
            Err(WrongHead {
                kind,
                expected,
                found,
            })
        };
        let [.., logits, output] = graph.nodes() else {
            return wrong("a final layer".to_owned(), "none".to_owned());
        };
        let units = task.units();
        if logits.name != LOGITS || logits.op != (Op::Dense { units }) {
            return wrong(
                format!("a dense layer `{LOGITS}` of {units} units"),
                format!("`{}`, {:?}", logits.name, logits.op),
            );
        }
        let activation = match output.op {
            Op::Softmax => Some(Activation::Softmax),
            Op::Sigmoid => Some(Activation::Sigmoid),
            Op::Rescale { .. } => Some(Activation::Linear),
            _ => None,
        };
        if output.inputs != [LOGITS] || activation != Some(task.activation()) {
            return wrong(
                format!("{} behind it", task.activation()),
                format!("{:?}", output.op),
            );
        }
        match graph.input_shape() {
            Shape::Vector(_) => Ok(Head {
                graph,
                task: task.clone(),
            }),
            other => wrong("a vector at the cut".to_owned(), other.to_string()),
        }
    }

    /// The layers, from the vector at [`CUT`] to [`OUTPUT`].
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The task whose answers it gives.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Weights to start from: Glorot uniform, seeded; the final bias is the task's.
    ///
    /// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    /// networks", 2010: uniform within ±√(6 / (inputs + units)); Keras's default for Dense.
    ///
    /// # Errors
    /// Never: every tensor gets the shape that the graph asks for.
    pub fn initial_weights(&self, targets: &Targets, seed: u64) -> Result<Weights, WeightsError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Shuffling and dropout draw from the first stream of the same seed.
        rng.set_stream(1);
        let mut weights = Weights::new();
        for parameter in self.graph.parameters() {
            let count = parameter.shape.iter().product();
            let values = match parameter.shape.as_slice() {
                [units, inputs] => {
                    let limit = (6.0 / (units + inputs) as f64).sqrt() as f32;
                    (0..count)
                        .map(|_| rng.random_range(-limit..limit))
                        .collect()
                }
                _ if parameter.name == format!("{LOGITS}.bias") => self.task.initial_bias(targets),
                _ => vec![0.0; count],
            };
            let tensor = Tensor::new(&parameter.name, parameter.shape.clone(), values)?;
            weights.insert(parameter.name, tensor);
        }
        Ok(weights)
    }
}

/// A graph that ends in another final layer than its task calls for.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("a {kind} model ends in {expected}, found {found}")]
#[diagnostic(help("train the model again; this one was changed after it was saved"))]
pub struct WrongHead {
    kind: TaskKind,
    expected: String,
    found: String,
}

/// Mean and standard deviation of each target over the training images: what regression targets
/// are standardised by, and what the stored network undoes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// `[targets]`.
    pub mean: Vec<f32>,
    /// `[targets]`; 1 for a target that never varies.
    pub deviation: Vec<f32>,
}

impl Scale {
    /// The scale of training targets; nothing for tasks other than regression.
    pub fn of(task: &Task, targets: &Targets) -> Self {
        if task.kind() != TaskKind::Regression {
            return Scale::default();
        }
        let rows = targets.rows().max(1) as f64;
        let column = |c: usize| targets.iter().map(move |row| f64::from(row[c]));
        let mut scale = Scale::default();
        for c in 0..targets.columns() {
            let mean = column(c).sum::<f64>() / rows;
            let variance = column(c).map(|v| (v - mean).powi(2)).sum::<f64>() / rows;
            let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
            scale.mean.push(mean as f32);
            scale.deviation.push(deviation as f32);
        }
        scale
    }

    /// Targets as the loss takes them.
    pub fn standardise(&self, targets: &Targets) -> Targets {
        if self.mean.is_empty() {
            return targets.clone();
        }
        let values = targets.iter().flat_map(|row| {
            let scales = self.mean.iter().zip(&self.deviation);
            row.iter()
                .zip(scales)
                .map(|(v, (mean, deviation))| (v - mean) / deviation)
        });
        Targets::new(targets.columns(), values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(task: &Task, options: HeadOptions) -> Head {
        let targets = Targets::new(1, vec![1.0, 3.0]);
        Head::new(16, task, &options, &Scale::of(task, &targets)).unwrap()
    }

    #[test]
    fn the_head_ends_in_the_activation_that_the_task_decides() {
        let last = |task: &Task| {
            head(task, HeadOptions::default())
                .graph()
                .nodes()
                .last()
                .unwrap()
                .op
                .clone()
        };
        assert_eq!(
            last(&Task::multi_class(["a", "b", "c"]).unwrap()),
            Op::Softmax
        );
        assert_eq!(last(&Task::binary("a", "b").unwrap()), Op::Sigmoid);
        assert_eq!(last(&Task::multi_label(["a", "b"]).unwrap()), Op::Sigmoid);
        let unscale = Op::Rescale {
            scale: vec![1.0],
            offset: vec![2.0],
        };
        assert_eq!(last(&Task::regression(["a"]).unwrap()), unscale);
    }

    #[test]
    fn flattening_keeps_every_number_of_the_map_and_pooling_one_per_channel() {
        let backbone = Graph::new(Shape::Map([4, 2, 2]));
        let shape = |pooling| frozen(&backbone, pooling).unwrap().output_shape();
        assert_eq!(shape(Pooling::Flatten), Shape::Vector([16]));
        assert_eq!(shape(Pooling::Average), Shape::Vector([4]));
    }

    #[test]
    fn a_linear_probe_has_one_layer() {
        let task = Task::binary("a", "b").unwrap();
        let options = HeadOptions {
            hidden: None,
            dropout: 0.0,
            ..HeadOptions::default()
        };
        let head = head(&task, options);
        let names: Vec<&str> = head
            .graph()
            .nodes()
            .iter()
            .map(|n| n.name.as_str())
            .collect();
        assert_eq!(names, [CUT, LOGITS, OUTPUT]);
    }

    #[test]
    fn the_same_seed_gives_the_same_weights() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let head = head(&task, HeadOptions::default());
        let targets = Targets::new(1, vec![0.0, 1.0, 2.0]);
        let weights = |seed| head.initial_weights(&targets, seed).unwrap();
        assert_eq!(weights(3), weights(3));
        assert_ne!(weights(3), weights(4));
    }

    #[test]
    fn a_final_layer_that_another_task_calls_for_is_refused() {
        let binary = Task::binary("a", "b").unwrap();
        let labels = Task::multi_label(["a", "b"]).unwrap();
        let classes = Task::multi_class(["a", "b", "c"]).unwrap();
        let number = Task::regression(["a"]).unwrap();
        let tasks = [&binary, &labels, &classes, &number];
        for made_for in tasks {
            let graph = head(made_for, HeadOptions::default()).graph().clone();
            for task in tasks {
                let fits = Head::checked(graph.clone(), task).is_ok();
                assert_eq!(
                    fits,
                    task == made_for,
                    "{} as {}",
                    made_for.kind(),
                    task.kind()
                );
            }
        }
    }

    #[test]
    fn a_softmax_over_one_unit_is_refused() {
        let mut graph = Graph::with_input(CUT, Shape::Vector([4]));
        graph.push(LOGITS, Op::Dense { units: 1 }).unwrap();
        graph.push(OUTPUT, Op::Softmax).unwrap();
        let error = Head::checked(graph, &Task::binary("a", "b").unwrap()).unwrap_err();
        assert!(error.to_string().contains("ends in sigmoid"), "{error}");
    }

    #[test]
    fn standardised_targets_have_mean_zero_and_deviation_one() {
        let task = Task::regression(["a", "constant"]).unwrap();
        let targets = Targets::new(2, vec![1.0, 5.0, 3.0, 5.0, 8.0, 5.0]);
        let scale = Scale::of(&task, &targets);
        let standard = scale.standardise(&targets);
        let again = Scale::of(&task, &standard);
        assert!(again.mean.iter().all(|m| m.abs() < 1e-6));
        assert!((again.deviation[0] - 1.0).abs() < 1e-6);
        assert_eq!(standard.row(0).unwrap()[1], 0.0);
    }
}

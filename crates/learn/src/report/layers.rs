//! The network in plain words: what each layer does, and why the final one is what it is.

use finial_graph::{Graph, Node, Op, Shape};
use finial_report as page;
use finial_report::format;
use finial_task::{Task, TaskKind};

use crate::Model;
use crate::head::{LOGITS, OUTPUT};

/// The layers: the frozen part in one line, then each layer of the head.
pub(super) fn of(model: &Model) -> page::Head {
    let (frozen, head) = (model.frozen(), model.head().graph());
    let features = head.input_shape().len();
    let mut layers = vec![page::Layer {
        name: model.provenance().backbone.clone(),
        kind: format!(
            "pretrained network — turns an image into {} numbers that say what is in it",
            format::count(features)
        ),
        output_shape: extents(frozen.output_shape()),
        parameters: count(frozen.parameters().into_iter().map(|p| p.shape)),
        role: page::LayerRole::Frozen,
    }];
    layers.extend(head.nodes().iter().skip(1).map(|node| page::Layer {
        name: node.name.clone(),
        kind: in_words(node, model.task()),
        output_shape: output_shape(head, &node.name),
        parameters: count(head.parameters_of(node).into_iter().map(|p| p.shape)),
        role: match node.name.as_str() {
            LOGITS | OUTPUT => page::LayerRole::Final,
            _ => page::LayerRole::Trained,
        },
    }));
    page::Head {
        layers,
        final_layer: Some(final_layer(model.task())),
    }
}

fn count(shapes: impl Iterator<Item = Vec<usize>>) -> usize {
    shapes.map(|shape| shape.iter().product::<usize>()).sum()
}

fn output_shape(graph: &Graph, node: &str) -> Vec<usize> {
    graph.shape_of(node).map(extents).unwrap_or_default()
}

fn extents(shape: Shape) -> Vec<usize> {
    shape.dims().to_vec()
}

/// The kind of a layer and what it does.
fn in_words(node: &Node, task: &Task) -> String {
    let several = task.units() > 1;
    let does = match &node.op {
        Op::Dropout { rate } => {
            let share = format::percent(*rate);
            return format!(
                "dropout {rate} — in training, leaves out {share} of the numbers at random, so \
                 that none is relied on alone"
            );
        }
        Op::Dense { .. } if node.name == LOGITS => match (task.kind(), task.names()) {
            (TaskKind::MultiClass, _) => "one number for each class".to_owned(),
            (TaskKind::Binary, [_, positive]) => {
                format!("one number; the larger, the more likely is “{positive}”")
            }
            (TaskKind::MultiLabel, _) => "one number for each label".to_owned(),
            _ if several => "one number for each target".to_owned(),
            _ => "one number".to_owned(),
        },
        Op::Dense { units } => {
            format!(
                "{} weighted sums of the numbers before",
                format::count(*units)
            )
        }
        Op::Relu => "sets negative numbers to 0".to_owned(),
        Op::Softmax => "turns the numbers into probabilities that add up to 1".to_owned(),
        Op::Sigmoid if several => "turns each number into a probability of its own".to_owned(),
        Op::Sigmoid => "turns the number into a probability".to_owned(),
        Op::Rescale { .. } => {
            let back = match several {
                true => "brings each number back to its target's own unit",
                false => "brings the number back to the target's own unit",
            };
            return format!("linear — {back}");
        }
        _ => return node.op.name().to_owned(),
    };
    let name = match &node.op {
        Op::Relu => "ReLU".to_owned(),
        op => op.name().to_lowercase(),
    };
    format!("{name} — {does}")
}

/// The three choices and their reasons, in plain words.
fn final_layer(task: &Task) -> page::FinalLayer {
    let (units_why, activation_why, loss_why) = match task.kind() {
        TaskKind::MultiClass => (
            "One for each class.",
            "An image has exactly one class, so the probabilities share a total of 1.",
            "It asks for a high probability of the true class, which is all that is known.",
        ),
        TaskKind::Binary => (
            "Two classes are one yes-or-no question; a second unit would repeat the first.",
            "It turns one number into the probability of yes.",
            "It asks for a high probability of the true answer.",
        ),
        TaskKind::MultiLabel => (
            "One for each label.",
            "Labels can occur together, so each has a probability of its own.",
            "It takes each label as a yes-or-no question.",
        ),
        TaskKind::Regression => (
            "One for each number.",
            "A number may be any size, so nothing bends it.",
            "It asks for numbers close to the true ones.",
        ),
    };
    page::FinalLayer {
        units: task.units(),
        units_why: units_why.to_owned(),
        activation: task.activation().to_string(),
        activation_why: activation_why.to_owned(),
        loss: task.loss().to_string(),
        loss_why: loss_why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Head, HeadOptions, Scale};

    fn told(task: &Task) -> Vec<String> {
        let scale = Scale {
            mean: vec![0.0; task.units()],
            deviation: vec![1.0; task.units()],
        };
        let head = Head::new(8, task, &HeadOptions::default(), &scale).unwrap();
        let nodes = head.graph().nodes().iter().skip(1);
        nodes.map(|node| in_words(node, task)).collect()
    }

    #[test]
    fn every_layer_is_told_by_what_it_does() {
        let tasks = [
            Task::multi_class(["a", "b", "c"]).unwrap(),
            Task::binary("no", "yes").unwrap(),
            Task::multi_label(["a", "b"]).unwrap(),
            Task::regression(["a"]).unwrap(),
        ];
        for task in &tasks {
            for layer in told(task) {
                assert!(layer.contains(" — "), "{layer}");
            }
        }
        let last = |task: &Task| told(task).split_off(3);
        assert_eq!(
            last(&tasks[0]),
            [
                "dense — one number for each class",
                "softmax — turns the numbers into probabilities that add up to 1"
            ]
        );
        assert_eq!(
            last(&tasks[3]),
            [
                "dense — one number",
                "linear — brings the number back to the target's own unit"
            ]
        );
    }
}

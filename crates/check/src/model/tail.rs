//! ONNX and finial's own folders: the last operations, as Keras would write them.

use finial_formats::onnx::{Ends, Step};
use finial_task::{Task, TaskKind};
use serde_json::Value as Json;

use super::listing::{Line, Listing, quoted};
use crate::program::data::Data;

pub(super) fn onnx(ends: &Ends) -> Listing {
    let mut listing = Listing::new();
    for end in &ends.outputs {
        model(&mut listing, &end.steps);
    }
    let kind = ends.task.as_deref().and_then(|task| task.parse().ok());
    listing.data = task(kind, &ends.classes).map(Data::of_file);
    listing
}

/// What the names of the classes call for, as far as they alone can say it.
fn task(kind: Option<TaskKind>, classes: &[String]) -> Option<Task> {
    let names = classes.iter().cloned();
    match (kind?, classes) {
        (TaskKind::MultiClass, _) => Task::multi_class(names).ok(),
        (TaskKind::Binary, [negative, positive]) => Task::binary(negative, positive).ok(),
        (TaskKind::Binary, _) => None,
        (TaskKind::MultiLabel, _) => Task::multi_label(names).ok(),
        (TaskKind::Regression, _) => Task::regression(names).ok(),
    }
}

/// A model folder, by its `model.json`. The error is in words.
pub(super) fn folder(json: &[u8]) -> Result<Listing, String> {
    let record: Json = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let nodes = record.get("graph").and_then(Json::as_array);
    let nodes = nodes.ok_or("expected a model folder, found no `graph` in model.json")?;
    let text = |node: &Json, key: &str| node.get(key).and_then(Json::as_str).map(str::to_owned);
    let mut steps = Vec::new();
    let mut at = nodes.len().checked_sub(1);
    while let Some(index) = at
        && let Some(node) = nodes.get(index)
    {
        let operator = text(node, "op").unwrap_or_default();
        let number = |key: &str| {
            let number = node.get(key).and_then(Json::as_u64)?;
            usize::try_from(number).ok()
        };
        let units = number("units").or_else(|| number("filters"));
        steps.push(Step {
            name: text(node, "name").unwrap_or_default(),
            axis: None,
            units,
            operator: match operator.as_str() {
                "dense" => "Gemm",
                "conv2d" => "Conv",
                "softmax" => "Softmax",
                "sigmoid" => "Sigmoid",
                "tanh" => "Tanh",
                "relu" => "Relu",
                // Brings standardised targets back to their unit.
                "rescale" | "identity" => "Identity",
                other => other,
            }
            .to_owned(),
        });
        if units.is_some() || steps.len() > 32 {
            break;
        }
        // A node reads the one before it unless it says otherwise.
        let input = node.pointer("/inputs/0").and_then(Json::as_str);
        at = match input {
            Some(name) => nodes[..index]
                .iter()
                .position(|node| text(node, "name").as_deref() == Some(name)),
            None => index.checked_sub(1),
        };
    }
    steps.reverse();
    let mut listing = Listing::new();
    model(&mut listing, &steps);
    let task = record.get("task").cloned();
    let task = task.and_then(|task| serde_json::from_value::<Task>(task).ok());
    listing.data = task.map(Data::of_file);
    Ok(listing)
}

fn model(listing: &mut Listing, steps: &[Step]) {
    listing.push("model = Sequential()", Line::default());
    if steps.first().is_none_or(|step| step.units.is_none()) {
        listing.push("model.add(custom.Unknown())", Line::default());
    }
    for step in steps {
        let line = Line {
            layer: Some(step.name.clone()),
            ..Line::default()
        };
        listing.push(&format!("model.add({})", layer(step)), line);
    }
    listing.push("model.compile()", Line::default());
}

fn layer(step: &Step) -> String {
    let name = format!("name={}", quoted(&step.name));
    let activation = |activation: &str| format!("layers.Activation(\"{activation}\", {name})");
    match (step.operator.as_str(), step.units) {
        ("Gemm" | "MatMul", Some(units)) => format!("layers.Dense({units}, {name})"),
        ("Conv" | "ConvTranspose", Some(units)) => format!("layers.Conv2D({units}, {name})"),
        ("Softmax", _) => match step.axis {
            Some(axis) => format!("layers.Softmax(axis={axis}, {name})"),
            None => format!("layers.Softmax({name})"),
        },
        ("LogSoftmax", _) => activation("log_softmax"),
        ("Sigmoid", _) => activation("sigmoid"),
        ("Tanh", _) => activation("tanh"),
        ("Relu", _) => activation("relu"),
        ("Identity" | "Cast" | "Squeeze" | "Unsqueeze", _) => format!("layers.Identity({name})"),
        ("Flatten" | "Reshape" | "Transpose", _) => format!("layers.Reshape({name})"),
        // Dropout does nothing in a file that is only run.
        ("Dropout", _) => format!("layers.Identity({name})"),
        _ => format!("custom.Operation({name})"),
    }
}

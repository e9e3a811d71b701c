//! `finial backbones`

use std::path::Path;

use finial::formats::{ImportOptions, import};
use finial::graph::backbones::{BACKBONES, Backbone};
use finial::graph::{Graph, Shape};
use finial::learn::pretrained;
use serde_json::json;

use crate::args::{BackbonesArgs, Format};
use crate::error::CliError;
use crate::printer;
use crate::text::{Align, columns};

pub fn run(args: &BackbonesArgs) -> Result<(), CliError> {
    match (&args.name, args.format) {
        (None, Format::Text) => printer::print(&list()?),
        (None, Format::Json) => {
            let all: Result<Vec<_>, CliError> = BACKBONES.iter().map(entry).collect();
            printer::print_json(&json!(all?))
        }
        (Some(name), format) if pretrained::is_model_file(Path::new(name)) => {
            let options = ImportOptions::default();
            let model = import(Path::new(name), &options).map_err(finial::LearnError::from)?;
            match format {
                Format::Text => printer::print(&description_of_file(name, &model.graph)?),
                Format::Json => printer::print_json(&json!({
                    "name": name,
                    "cut": model.graph.default_cut(),
                    "layers": layers(&model.graph)?,
                })),
            }
        }
        (Some(name), format) => {
            let backbone = pretrained::backbone(name)?;
            let whole = backbone.classifier().map_err(finial::LearnError::from)?;
            match format {
                Format::Text => printer::print(&description(backbone, &whole)?),
                Format::Json => {
                    let mut document = entry(backbone)?;
                    document["layers"] = json!(layers(&whole)?);
                    printer::print_json(&document)
                }
            }
        }
    }
}

/// One line a backbone.
fn list() -> Result<String, CliError> {
    let titles = [
        "name",
        "parameters",
        "MB",
        "input",
        "features",
        "top-1 %",
        "weights",
        "licence",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for backbone in BACKBONES {
        let part = part(backbone)?;
        let [height, width] = backbone.input;
        rows.push(vec![
            backbone.name.to_owned(),
            format!("{:.1} M", part.parameters as f64 / 1e6),
            format!("{:.0}", part.megabytes()),
            format!("{height} × {width}"),
            part.features.to_string(),
            backbone
                .weights
                .top1
                .map_or("–".to_owned(), |top1| format!("{top1:.1}")),
            backbone.publisher.name().to_owned(),
            backbone.weights.licence.to_owned(),
        ]);
    }
    use Align::{Left, Right};
    let table = columns(
        &rows,
        &[Left, Right, Right, Right, Right, Right, Left, Left],
    );
    Ok(format!(
        "{table}\nParameters and megabytes are of the part that is used, without the classifier of \
         the original;\nfeatures are the numbers it gives for an image; top-1 is the published \
         accuracy on ImageNet.\nfinial backbones NAME shows the layers of one.\n"
    ))
}

/// What of a backbone is used.
struct Part {
    parameters: usize,
    features: usize,
}

impl Part {
    fn megabytes(&self) -> f64 {
        self.parameters as f64 * 4.0 / 1e6
    }
}

fn part(backbone: &Backbone) -> Result<Part, CliError> {
    let graph = backbone.without_top().map_err(finial::LearnError::from)?;
    Ok(Part {
        parameters: count(&graph),
        features: graph.output_shape().channels(),
    })
}

fn count(graph: &Graph) -> usize {
    let parameters = graph.parameters();
    let numbers = parameters.iter().map(|p| p.shape.iter().product::<usize>());
    numbers.sum()
}

fn entry(backbone: &Backbone) -> Result<serde_json::Value, CliError> {
    let part = part(backbone)?;
    let [height, width] = backbone.input;
    let published = &backbone.weights;
    let address = |file: Option<finial::graph::backbones::File>| file.map(|file| file.url);
    Ok(json!({
        "name": backbone.name,
        "paper": backbone.paper,
        "parameters": part.parameters,
        "bytes": part.parameters * 4,
        "input": {"height": height, "width": width},
        "features": part.features,
        "cut": backbone.features,
        "top1": published.top1,
        "weights": backbone.publisher.name(),
        "without_top": address(published.without_top),
        "with_top": address(published.with_top),
        "licence": published.licence,
    }))
}

/// A backbone, and what of it is used.
fn description(backbone: &Backbone, graph: &Graph) -> Result<String, CliError> {
    let part = part(backbone)?;
    let published = &backbone.weights;
    let file = published.without_top.or(published.with_top);
    Ok(format!(
        "{}, {}\n{}\nOutputs are channels, height and width. Transfer learning cuts the \
         network behind {}: {} of its {} parameters, {} features.\nWeights of {}, {}{}\n",
        backbone.name,
        backbone.paper,
        table(graph)?,
        backbone.features,
        part.parameters,
        count(graph),
        part.features,
        backbone.publisher.name(),
        published.licence,
        file.map_or(String::new(), |file| format!(": {}", file.url)),
    ))
}

/// A model from a file, and where it is cut.
fn description_of_file(name: &str, graph: &Graph) -> Result<String, CliError> {
    Ok(format!(
        "{name}\n{}\nOutputs are channels, height and width. Transfer learning cuts the network \
         behind {}, before its old head; --cut LAYER takes another layer.\n",
        table(graph)?,
        graph.default_cut(),
    ))
}

/// A network layer by layer, as Keras's `model.summary()` tells it.
fn table(graph: &Graph) -> Result<String, CliError> {
    let mut rows = vec![
        ["layer", "type", "output", "parameters", "reads"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut before = "";
    for (node, layer) in graph.nodes().iter().zip(layers(graph)?) {
        // Only what is not the layer above is worth a word.
        let reads = match &node.inputs[..] {
            [one] if one == before => String::new(),
            several => several.join(", "),
        };
        before = &node.name;
        rows.push(vec![
            node.name.clone(),
            node.op.name().to_owned(),
            layer.shape.to_string(),
            match layer.parameters {
                0 => String::new(),
                n => n.to_string(),
            },
            reads,
        ]);
    }
    use Align::{Left, Right};
    Ok(columns(&rows, &[Left, Left, Left, Right, Left]))
}

#[derive(serde::Serialize)]
struct Layer {
    name: String,
    r#type: &'static str,
    shape: Shape,
    parameters: usize,
    reads: Vec<String>,
}

fn layers(graph: &Graph) -> Result<Vec<Layer>, CliError> {
    let layer = |node: &finial::graph::Node| {
        let own = graph.parameters_of(node);
        Ok(Layer {
            name: node.name.clone(),
            r#type: node.op.name(),
            shape: graph
                .shape_of(&node.name)
                .map_err(finial::LearnError::from)?,
            parameters: own.iter().map(|p| p.shape.iter().product::<usize>()).sum(),
            reads: node.inputs.clone(),
        })
    };
    graph.nodes().iter().map(layer).collect()
}

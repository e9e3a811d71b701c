//! The entries of a `.keras` file.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value as Json, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::ExportOptions;
use super::network::{Arguments, Input, Layer, Network, Numbers, Variable};
use crate::FormatError;
use crate::hdf5::{Take, Writer};
use crate::keras::compile::Compile;
use crate::keras::file::{CONFIG, METADATA, NOTES, WEIGHTS, numbered, snake_case};
use crate::keras::kernel;
use crate::new_file::NewFile;

/// The Keras whose layout is written, and a date, so that a file depends on its content only.
const VERSION: &str = "3.15.1";
const DATE: &str = "1980-01-01@00:00:00";
/// The learning rate of Keras's Adam if none is given.
const ADAM_RATE: f64 = 1e-3;

pub(super) fn write(
    network: &Network<'_>,
    options: &ExportOptions,
    path: &Path,
) -> Result<(), FormatError> {
    let failed = |error: io::Error| FormatError::file(path, error);
    let output = network.value(network.graph.output())?;
    let output = output.node.parse().unwrap_or_default();
    let order = network.in_keras_order(output);
    let metadata = json!({ "keras_version": VERSION, "date_saved": DATE });
    let config = config(network, &order, output, options);
    let mut weights = weights(network, &order);
    if let Some(compile) = &options.compile {
        add_optimizer(&mut weights, network, &order, compile);
    }

    let new = NewFile::begin(path)?;
    let mut zip = ZipWriter::new(BufWriter::new(new.file()));
    let large = weights.size() > u64::from(u32::MAX) / 2;
    let entry = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(large);
    let written = (|| -> io::Result<()> {
        for (name, json) in [
            (METADATA, metadata.to_string()),
            (CONFIG, config.to_string()),
        ] {
            zip.start_file(name, entry)?;
            zip.write_all(json.as_bytes())?;
        }
        zip.start_file(WEIGHTS, entry)?;
        weights.write(&mut zip)?;
        if let Some(notes) = &options.notes {
            zip.start_file(NOTES, entry)?;
            zip.write_all(notes.as_bytes())?;
        }
        zip.finish()?.flush()
    })();
    written.map_err(failed)?;
    new.finish()
}

/// `config.json`: a Functional model.
fn config(network: &Network<'_>, order: &[usize], output: usize, options: &ExportOptions) -> Json {
    let layers: Vec<&Layer<'_>> = order
        .iter()
        .filter_map(|&at| network.layers.get(at))
        .collect();
    let end = |layer: Option<&Layer<'_>>| json!([layer.map(|layer| &layer.name), 0, 0]);
    let entry = layers.iter().find(|layer| layer.class == "InputLayer");
    let compile = options.compile.as_ref().map(|compile| compile.write());
    json!({
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "functional",
            "trainable": true,
            "layers": layers.iter().map(|layer| described(network, layer)).collect::<Vec<_>>(),
            "input_layers": end(entry.copied()),
            "output_layers": end(network.layers.get(output)),
        },
        "registered_name": "Functional",
        "compile_config": compile,
    })
}

fn described(network: &Network<'_>, layer: &Layer<'_>) -> Json {
    let value = |input: &Input| {
        let shape: Vec<Json> = std::iter::once(Json::Null)
            .chain(input.shape.iter().map(|dim| json!(dim)))
            .collect();
        let read = network.layers.get(input.layer).map(|layer| &layer.name);
        json!({
            "class_name": "__keras_tensor__",
            "config": { "shape": shape, "dtype": "float32", "keras_history": [read, 0, 0] },
        })
    };
    let values: Vec<Json> = layer.inputs.iter().map(value).collect();
    let arguments = match &layer.call {
        Arguments::Plain => json!(values),
        Arguments::List => json!([values]),
        Arguments::With(constant) => {
            let constant = std::iter::once(constant.clone());
            json!(values.into_iter().chain(constant).collect::<Vec<_>>())
        }
    };
    let calls = match layer.inputs.is_empty() {
        true => json!([]),
        false => json!([{ "args": arguments, "kwargs": {} }]),
    };
    // Classes that Keras does not publish are registered under their own name.
    let registered = match layer.module.starts_with("keras.src") {
        true => json!(layer.class),
        false => Json::Null,
    };
    json!({
        "module": layer.module,
        "class_name": layer.class,
        "config": layer.config,
        "registered_name": registered,
        "name": layer.name,
        "inbound_nodes": calls,
    })
}

/// `model.weights.h5`.
fn weights<'n>(network: &'n Network<'_>, order: &[usize]) -> Writer<'n> {
    let mut writer = Writer::new();
    let mut counts = HashMap::new();
    let layers = order.iter().filter_map(|&at| network.layers.get(at));
    for layer in layers.filter(|layer| layer.is_layer()) {
        let name = numbered(&mut counts, snake_case(layer.class));
        let mut places: HashMap<&str, usize> = HashMap::new();
        for variable in &layer.variables {
            let mut group = writer.root().group("layers").group(&name);
            if !variable.part.is_empty() {
                group = group.group(variable.part);
            }
            let place = places.entry(variable.part).or_default();
            let dataset = group.group("vars");
            dataset.dataset(&place.to_string(), &variable.shape, |take| {
                variable.give(take)
            });
            *place += 1;
        }
    }
    writer
}

/// The variables of an Adam that has not begun, without which Keras warns: the count of its steps,
/// the rate, and two means for each variable that is trained. Other optimizers warn.
fn add_optimizer<'n>(
    writer: &mut Writer<'n>,
    network: &'n Network<'_>,
    order: &[usize],
    compile: &Compile,
) {
    if compile.loss.is_none() || compile.optimizer.as_deref() != Some("adam") {
        return;
    }
    let rate = compile.learning_rate.unwrap_or(ADAM_RATE) as f32;
    let variables = writer.root().group("optimizer").group("vars");
    variables.zeros("0", &[]);
    variables.dataset("1", &[], move |take| take(&[rate]));
    let layers = order.iter().filter_map(|&at| network.layers.get(at));
    let trained = layers.flat_map(|layer| layer.trained());
    let means = trained.flat_map(|variable| [&variable.shape; 2]);
    for (place, shape) in (2..).zip(means) {
        variables.zeros(&place.to_string(), shape);
    }
}

impl Variable<'_> {
    /// Hands over the numbers, row-major as Keras has them.
    fn give(&self, take: &mut Take<'_>) -> io::Result<()> {
        let count: usize = self.shape.iter().product();
        match &self.numbers {
            Numbers::Of(tensor) => kernel::give(tensor, &self.shape, take),
            Numbers::Part { of, first } => {
                let part = of.values().get(*first..first + count);
                take(part.unwrap_or_default())
            }
            Numbers::Columns { of, first, rows } => {
                let width = of.shape().last().copied().unwrap_or(1);
                for column in 0..width {
                    let from = of
                        .values()
                        .iter()
                        .skip(first * width + column)
                        .step_by(width);
                    take(&from.take(*rows).copied().collect::<Vec<f32>>())?;
                }
                Ok(())
            }
            Numbers::Negative(tensor) => {
                take(&tensor.values().iter().map(|n| -n).collect::<Vec<f32>>())
            }
            Numbers::All(number) => take(&vec![*number; count]),
            Numbers::Before(tensor) => {
                let token = tensor.values().iter().map(|n| -n);
                let rest = count.saturating_sub(tensor.values().len());
                let zeros = std::iter::repeat_n(0.0, rest);
                take(&token.chain(zeros).collect::<Vec<f32>>())
            }
        }
    }
}

//! What finial makes of an ONNX file: its nodes, by the names at which it can be cut, with their
//! shapes. With a second path, the network is written there again.
//!
//! `cargo run --example onnx -- FILE [OUT] [--size HEIGHT WIDTH] [--until NODE]`

use std::path::Path;

use finial_formats::onnx::{self, Description, Input, Options};
use miette::{IntoDiagnostic, Result, miette};

fn main() -> Result<()> {
    let mut options = Options::default();
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || {
            arguments
                .next()
                .ok_or_else(|| miette!("{argument}: a value is missing"))
        };
        match argument.as_str() {
            "--size" => {
                let mut side = || next()?.parse::<usize>().into_diagnostic();
                options.size = Some([side()?, side()?]);
            }
            "--until" => options.until = Some(next()?),
            _ => files.push(argument),
        }
    }
    let Some(file) = files.first() else {
        return Err(miette!("name an ONNX file"));
    };
    let network = onnx::import_with(Path::new(file), &options)?;
    for node in network.graph.nodes() {
        let shape = network.graph.shape_of(&node.name)?;
        println!("{:60} {:18} {shape}", node.name, node.op.name());
    }
    if let Some(out) = files.get(1) {
        let description = match network.description.input {
            // A file that finial wrote, or one like it.
            Input::Rgb8 => network.description,
            Input::Float => Description {
                output: "output".to_owned(),
                ..network.description
            },
        };
        onnx::export(
            &network.graph,
            &network.weights,
            &description,
            Path::new(out),
        )?;
    }
    Ok(())
}

//! `finial export`

use std::path::PathBuf;

use finial::Model;
use finial::learn::ExportFormat;

use super::expect_model;
use crate::args::{ExportArgs, ExportTo};
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer;

pub fn run(args: &ExportArgs) -> Result<(), CliError> {
    expect_model(&args.model)?;
    let format = match args.to {
        ExportTo::Keras => ExportFormat::Keras,
        ExportTo::Onnx => ExportFormat::Onnx,
        ExportTo::Safetensors => ExportFormat::Safetensors,
    };
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| beside(&args.model, format));
    // Before the model is read: it may be large, and the name taken.
    NewFile::reserve(&out)?;
    let model = Model::load(&args.model)?;
    model.export(format, &out)?;
    let task = model.task();
    printer::print(&format!(
        "{}\n  {} model, {}\n  reads {}\n",
        out.display(),
        task.kind(),
        task.describe_final_layer(),
        reads(format, &model),
    ))
}

/// `MODEL.keras` and so on, beside the model's folder.
fn beside(model: &std::path::Path, format: ExportFormat) -> PathBuf {
    let mut name = model.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(format.extension());
    model.with_file_name(name)
}

/// What the file takes.
fn reads(format: ExportFormat, model: &Model) -> String {
    let image = model.image();
    let (height, width) = (image.height, image.width);
    match format {
        ExportFormat::Keras => format!("RGB images [N, {height}, {width}, 3], 0 to 255"),
        ExportFormat::Onnx => format!("8-bit RGB images [N, {height}, {width}, 3]"),
        ExportFormat::Safetensors => "nothing by itself: it holds the weights alone".to_owned(),
    }
}

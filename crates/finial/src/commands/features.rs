//! `finial features`: features, labels and splits as one safetensors file.
//!
//! Tensors: `features [N, D]` and `targets [N, W]` in 32-bit floating point, `split [N]` in 8-bit
//! integers (0 train, 1 validation, 2 test), and `images [B]` in 8-bit integers: the paths within
//! the data in the order of the rows, with a zero byte between them, which no path can hold. A
//! tensor, because the header has a limit of size and a list of paths has none. Targets are class
//! indices for exclusive classes, 0 or 1 for labels, and the numbers themselves for regression.
//! Images set aside are not in it.
//!
//! Metadata: `task`, `names` and `split` (lists in JSON, in the order of their numbers),
//! `backbone`, `engine` (what computed the features), and `data` as it was named.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use finial::Split;
use finial::learn::LearnError;
use finial::learn::prepare::{Prepared, prepare};

use super::{open_store, train_options};
use crate::args::FeaturesArgs;
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &FeaturesArgs) -> Result<(), CliError> {
    let out = NewFile::reserve(&args.out)?;
    let progress = Terminal::new(args.common.quiet);
    let options = train_options(&args.data, &args.task, &args.reading, &args.common);
    let store = open_store(&args.store, &progress);
    let prepared = prepare(&options, store.as_ref(), &progress)?;
    let rows: Vec<usize> = (0..prepared.plan.assignment.len())
        .filter(|&row| prepared.plan.assignment[row].is_some())
        .collect();
    out.write(|file| write(&prepared, &rows, file, args))?;
    printer::print(&format!(
        "{} images × {} features in {}\n",
        rows.len(),
        prepared.features.matrix.columns(),
        args.out.display()
    ))
}

/// Row by row, so that the file may be larger than memory.
fn write(
    prepared: &Prepared,
    rows: &[usize],
    file: &mut File,
    args: &FeaturesArgs,
) -> Result<(), CliError> {
    const BATCH: usize = 512;
    let failed = |error| {
        CliError::from(LearnError::File {
            path: args.out.clone(),
            error,
        })
    };
    let mut out = BufWriter::new(file);
    let header = header(prepared, rows, &args.data);
    out.write_all(&(header.len() as u64).to_le_bytes())
        .map_err(failed)?;
    out.write_all(header.as_bytes()).map_err(failed)?;
    let mut numbers = Vec::new();
    for batch in rows.chunks(BATCH) {
        prepared
            .features
            .matrix
            .gather(batch, &mut numbers)
            .map_err(LearnError::from)?;
        for number in &numbers {
            out.write_all(&number.to_le_bytes()).map_err(failed)?;
        }
    }
    for &row in rows {
        for number in prepared.targets.row(row).unwrap_or_default() {
            out.write_all(&number.to_le_bytes()).map_err(failed)?;
        }
    }
    for &row in rows {
        let split = match prepared.plan.assignment[row] {
            Some(Split::Validation) => 1,
            Some(Split::Test) => 2,
            Some(Split::Train) | None => 0u8,
        };
        out.write_all(&[split]).map_err(failed)?;
    }
    for (i, &row) in rows.iter().enumerate() {
        let end: &[u8] = if i > 0 { &[0] } else { &[] };
        out.write_all(end).map_err(failed)?;
        out.write_all(image(prepared, row)).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

/// The path of the row's image within the data, as the system has it.
fn image(prepared: &Prepared, row: usize) -> &[u8] {
    let path = &prepared.source.samples[prepared.features.kept[row]].path;
    let path = path.strip_prefix(&prepared.source.root).unwrap_or(path);
    path.as_os_str().as_encoded_bytes()
}

/// The safetensors header, padded so that the numbers start at a multiple of eight bytes.
fn header(prepared: &Prepared, rows: &[usize], data: &Path) -> String {
    let paths: usize = rows.iter().map(|&row| image(prepared, row).len()).sum();
    let rows = rows.len();
    let paths = paths + rows.saturating_sub(1);
    let task = &prepared.inference.task;
    let (features, targets) = (
        prepared.features.matrix.columns(),
        prepared.targets.columns(),
    );
    let ends = [rows * features * 4, rows * targets * 4, rows, paths];
    let ends = ends.iter().scan(0, |end, size| {
        *end += size;
        Some(*end)
    });
    let ends: Vec<usize> = ends.collect();
    let tensor = |kind: &str, shape: &[usize], start: usize, end: usize| serde_json::json!({ "dtype": kind, "shape": shape, "data_offsets": [start, end] });
    let header = serde_json::json!({
        "__metadata__": {
            "task": task.kind().to_string(),
            "names": serde_json::json!(task.names()).to_string(),
            "split": serde_json::json!(Split::ALL.map(|split| split.to_string())).to_string(),
            "backbone": prepared.backbone.name,
            "engine": prepared.engine.identity,
            "data": data.display().to_string(),
        },
        "features": tensor("F32", &[rows, features], 0, ends[0]),
        "targets": tensor("F32", &[rows, targets], ends[0], ends[1]),
        "split": tensor("U8", &[rows], ends[1], ends[2]),
        "images": tensor("U8", &[paths], ends[2], ends[3]),
    });
    let mut header = header.to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    header
}

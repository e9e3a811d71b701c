//! Reads Keras models and writes each again beside the original, as `<file>.out.keras`: what
//! `tests/golden/check_keras.py` compares by Keras itself.

use std::path::Path;

use finial_formats::keras::{ExportOptions, export, import};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in std::env::args().skip(1) {
        let written = format!("{file}.out.keras");
        let again = format!("{file}.again.keras");
        for (from, to) in [(&file, &written), (&written, &again)] {
            let model = import(Path::new(from))?;
            let options = ExportOptions {
                compile: model.compile.clone(),
                notes: model.notes.clone(),
            };
            export(&model.graph, &model.weights, &options, Path::new(to))?;
        }
        let same = std::fs::read(&written)? == std::fs::read(&again)?;
        std::fs::remove_file(&again)?;
        println!("{file} {}", if same { "same" } else { "different" });
    }
    Ok(())
}

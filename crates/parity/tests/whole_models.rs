//! Whole models as users have them, read from Keras's files and from ONNX, beside what Keras and
//! ONNX Runtime compute with them.

use std::path::Path;

use finial_formats::{ImportOptions, import};
use finial_parity::{Failure, Reference, TOLERANCE, deviation, folder, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = std::fs::read_dir(folder("models"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .map(|folder| {
            trial(&name_of(&folder), move || {
                agrees(&name_of(&folder), &folder)
            })
        })
        .collect();
    if trials.is_empty() {
        trials.push(trial("none", || {
            Err("`make parity` makes the models".into())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// One comparison; ignored unless asked for, since it needs the references.
fn trial(name: &str, check: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Trial {
    let check = move || check().map_err(|failure| Failed::from(failure.to_string()));
    Trial::test(format!("models::{name}"), check).with_ignored_flag(true)
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Each file of the folder gives the same.
fn agrees(name: &str, folder: &Path) -> Result<(), Failure> {
    let reference = Reference::open(folder)?;
    let (_, expected) = reference.tensor("output").ok_or("no `output`")?;
    let tolerance = tolerance(name);
    let mut line = format!("{name:36}");
    for file in reference.files()? {
        // Numbers of an ONNX file that are kept beside it.
        if file
            .extension()
            .is_some_and(|extension| extension == "data")
        {
            continue;
        }
        let imported = import(&file, &ImportOptions::default())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let found = run(&imported.graph, &imported.weights, reference.images())?;
        let apart = deviation(&found, &expected)?;
        if apart.is_nan() || apart > tolerance {
            return Err(format!("{}: differs by {apart:.1e}", file.display()).into());
        }
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        line += &format!(" {extension} {apart:.1e}");
    }
    println!("{line}");
    Ok(())
}

/// A number in the middle between two steps of a quantised network falls to either side.
fn tolerance(name: &str) -> f32 {
    match name {
        _ if name.ends_with("-quantised") => 5e-2,
        _ => TOLERANCE,
    }
}

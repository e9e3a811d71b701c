//! `finial explain`: where in a picture a model saw what it says.

use std::fs::create_dir_all;
use std::io::Write;
use std::path::{Path, PathBuf};

use finial::data::read_file;
use finial::learn::{Explainer, Explanation, LearnError};
use finial::{Model, Prediction};

use super::expect_model;
use super::predict::{files, in_words, why};
use crate::args::{ExplainArgs, Format};
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer;
use crate::progress::Terminal;
use crate::text::one_line;

/// The longer side of a picture, in pixels.
const SIDE: u32 = 1024;

pub fn run(args: &ExplainArgs) -> Result<(), CliError> {
    expect_model(&args.model)?;
    let progress = Terminal::new(args.quiet);
    let paths = files(&args.images)?;
    let model = Model::load(&args.model)?;
    let explainer = Explainer::new(&model, &args.device)?;
    create_dir_all(&args.out).map_err(|error| CliError::Io {
        what: args.out.display().to_string(),
        error,
    })?;
    let mut failed = 0;
    let mut entries = Vec::new();
    for path in &paths {
        match explained(&explainer, path, args) {
            Ok((prediction, maps)) => match args.format {
                Format::Text => printer::print(&told(path, &prediction, &maps))?,
                Format::Json => entries.push(entry(path, &prediction, &maps)),
            },
            Err(CliError::Learn(error @ LearnError::Image { .. })) => {
                failed += 1;
                progress.complain(&why(&error));
            }
            Err(other) => return Err(other),
        }
    }
    if args.format == Format::Json {
        printer::print_json(&serde_json::json!({ "explanations": entries }))?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(CliError::SomeUnreadable {
            failed,
            total: paths.len(),
        }),
    }
}

/// The maps of an image, written.
fn explained(
    explainer: &Explainer,
    path: &Path,
    args: &ExplainArgs,
) -> Result<(Prediction, Vec<(Explanation, PathBuf)>), CliError> {
    let unreadable = |reason: String| LearnError::Image {
        path: path.to_owned(),
        reason,
    };
    let bytes = read_file(path).map_err(|error| unreadable(error.to_string()))?;
    let found = explainer.explain_bytes(&bytes, path, &args.class)?;
    let mut written = Vec::new();
    for map in found.maps {
        let painted = map.heat.over(&bytes, &explainer.model().image(), SIDE);
        let png = painted
            .and_then(|painted| painted.png())
            .map_err(|error| unreadable(error.to_string()))?;
        let file = args.out.join(file_name(path, &map.name));
        NewFile::reserve(&file)?.write(|out| {
            out.write_all(&png).map_err(|error| CliError::Io {
                what: file.display().to_string(),
                error,
            })
        })?;
        written.push((map, file));
    }
    Ok((found.prediction, written))
}

/// `IMAGE.CLASS.png`, with what no file name may hold left out.
fn file_name(image: &Path, class: &str) -> String {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let possible = |letter: char| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        letter if letter.is_control() => '_',
        letter => letter,
    };
    let class: String = class.chars().map(possible).take(80).collect();
    format!("{stem}.{class}.png")
}

fn told(path: &Path, prediction: &Prediction, maps: &[(Explanation, PathBuf)]) -> String {
    let image = one_line(&path.to_string_lossy());
    let mut text = format!("{image}\t{}\n", in_words(prediction));
    for (map, file) in maps {
        let file = one_line(&file.to_string_lossy());
        let nowhere = match map.most > 0.0 {
            true => "",
            false => "\tno part of the picture speaks for it",
        };
        text.push_str(&format!("  {}\t{file}{nowhere}\n", one_line(&map.name)));
    }
    text
}

fn entry(
    path: &Path,
    prediction: &Prediction,
    maps: &[(Explanation, PathBuf)],
) -> serde_json::Value {
    let mut entry = serde_json::json!(prediction);
    entry["image"] = path.to_string_lossy().into();
    let maps = maps.iter().map(|(map, file)| {
        let rows: Vec<&[f32]> = map.heat.values.chunks(map.heat.width.max(1)).collect();
        serde_json::json!({
            "name": map.name,
            "file": file,
            "most": map.most,
            "heat": rows,
        })
    });
    entry["maps"] = maps.collect();
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_cannot_lead_the_file_elsewhere() {
        let name = |class: &str| file_name(Path::new("photos/a.b.jpg"), class);
        assert_eq!(name("cat"), "a.b.cat.png");
        assert_eq!(name("../x\n"), "a.b..._x_.png");
    }
}

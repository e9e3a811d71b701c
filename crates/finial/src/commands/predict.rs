//! `finial predict`

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use finial::data::images_in;
use finial::learn::{Answer, LearnError, Stage, cache};
use finial::report::format;
use finial::task::Guaranteed;
use finial::{Model, Prediction, Predictor, Progress, Task};

use super::{engine_options, expect_model};
use crate::args::{PredictArgs, PredictFormat};
use crate::error::CliError;
use crate::progress::Terminal;
use crate::text::{number, one_line};

pub fn run(args: &PredictArgs) -> Result<(), CliError> {
    expect_model(&args.model)?;
    let progress = Terminal::new(args.common.quiet);
    let paths = files(&args.images)?;
    let folder = cache::features().ok();
    let predictor = Predictor::for_images(
        Model::load(&args.model)?,
        paths.len(),
        &args.common.device,
        engine_options(&args.common),
        folder.as_deref(),
        &progress,
    )?;
    let predictor = match args.coverage {
        Some(coverage) => predictor.with_coverage(coverage)?,
        None => predictor,
    };

    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    let coverage = predictor.coverage();
    let mut printed = Printed::begin(args.format, predictor.task(), coverage, &mut out)?;
    // On a terminal the answers themselves show how far it is, and a bar would run into them.
    if paths.len() > 1 && !std::io::stdout().is_terminal() {
        progress.begin(Stage::Predictions, paths.len() as u64);
    }
    let mut stopped = None;
    let answered = predictor.predict_each(&paths, |answers| {
        let done = answers.len() as u64;
        for answer in answers {
            if let Err(error) = &answer.prediction {
                failed += 1;
                progress.complain(&why(error));
            }
            if let Err(error) = printed.answer(&answer) {
                stopped = Some(error);
                return ControlFlow::Break(());
            }
        }
        progress.advance(done, "");
        ControlFlow::Continue(())
    });
    progress.end();
    answered?;
    if let Some(error) = stopped {
        return Err(error);
    }
    printed.end()?;
    match failed {
        0 => Ok(()),
        failed => Err(CliError::SomeUnreadable {
            failed,
            total: paths.len(),
        }),
    }
}

/// The images asked about: files as they are named, folders with all images below them.
pub(super) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let found = images_in(path).map_err(LearnError::from)?;
            if found.is_empty() {
                return Err(CliError::NoImages(path.clone()));
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Why a file has no answer, without the system's number for it.
pub(super) fn why(error: &LearnError) -> String {
    match error {
        LearnError::Image { path, .. } if path.symlink_metadata().is_err_and(is_missing) => {
            format!("{}: there is no such file", path.display())
        }
        _ => error.to_string(),
    }
}

fn is_missing(error: std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// Answers on their way to standard output.
struct Printed<'a, W: Write> {
    format: PredictFormat,
    task: &'a Task,
    /// The coverage of sets or intervals, if the answers carry them.
    coverage: Option<f64>,
    out: W,
    answers: usize,
}

impl<'a, W: Write> Printed<'a, W> {
    fn begin(
        format: PredictFormat,
        task: &'a Task,
        coverage: Option<f64>,
        out: W,
    ) -> Result<Self, CliError> {
        let mut printed = Printed {
            format,
            task,
            coverage,
            out,
            answers: 0,
        };
        match format {
            PredictFormat::Text => {}
            PredictFormat::Json => {
                let coverage = coverage.map(|share| format!("\"coverage\":{share},"));
                printed.write(&format!(
                    "{{\"task\":\"{}\",{}\"predictions\":[",
                    task.kind(),
                    coverage.unwrap_or_default()
                ))?;
            }
            PredictFormat::Csv => {
                let answer = match task.kind() {
                    finial::TaskKind::Regression => vec![],
                    finial::TaskKind::MultiLabel => vec!["labels".to_owned()],
                    _ => vec!["class".to_owned()],
                };
                let columns = ["image".to_owned()].into_iter().chain(answer);
                let columns = columns.chain(task.names().iter().cloned());
                let guaranteed = match (coverage, task.kind()) {
                    (None, _) => vec![],
                    (_, finial::TaskKind::Regression) => {
                        let ends = |name: &String| [format!("{name} from"), format!("{name} to")];
                        task.names().iter().flat_map(ends).collect()
                    }
                    _ => vec!["set".to_owned()],
                };
                let columns = columns.chain(guaranteed);
                printed.row(columns.map(String::into_bytes).collect())?;
            }
        }
        Ok(printed)
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), CliError> {
        match (self.format, &answer.prediction) {
            (PredictFormat::Json, prediction) => {
                let mut entry = match prediction {
                    Ok(prediction) => serde_json::json!(prediction),
                    Err(error) => serde_json::json!({ "error": why(error) }),
                };
                entry["image"] = answer.path.to_string_lossy().into();
                match &answer.guaranteed {
                    Some(Guaranteed::Set { names }) => entry["set"] = serde_json::json!(names),
                    Some(Guaranteed::Intervals { intervals }) => {
                        entry["intervals"] = serde_json::json!(intervals);
                    }
                    None => {}
                }
                let comma = if self.answers > 0 { "," } else { "" };
                self.write(&format!("{comma}\n{entry}"))?;
            }
            (_, Err(_)) => {}
            (PredictFormat::Text, Ok(prediction)) => {
                let image = one_line(&answer.path.to_string_lossy());
                let guaranteed = answer
                    .guaranteed
                    .as_ref()
                    .map(|found| format!("\t{}", self.promised(found)));
                self.write(&format!(
                    "{image}\t{}{}\n",
                    in_words(prediction),
                    guaranteed.unwrap_or_default()
                ))?;
            }
            (PredictFormat::Csv, Ok(prediction)) => {
                let mut cells = self.cells(prediction);
                match &answer.guaranteed {
                    Some(Guaranteed::Set { names }) => cells.push(names.join("|")),
                    Some(Guaranteed::Intervals { intervals }) => {
                        let ends = |interval: &Option<[f32; 2]>| match interval {
                            Some(ends) => ends.map(|end| end.to_string()),
                            None => [String::new(), String::new()],
                        };
                        cells.extend(intervals.iter().flat_map(ends));
                    }
                    None => {}
                }
                // The bytes as they are: a path must lead to its file again.
                let image = answer.path.as_os_str().as_encoded_bytes().to_vec();
                let cells = cells.into_iter().map(String::into_bytes);
                self.row([image].into_iter().chain(cells).collect())?;
            }
        }
        self.answers += 1;
        Ok(())
    }

    fn end(mut self) -> Result<(), CliError> {
        if self.format == PredictFormat::Json {
            self.write("\n]}\n")?;
        }
        self.out.flush().map_err(CliError::stdout)
    }

    /// The answer, then a number per class, label or target, in the task's order.
    fn cells(&self, prediction: &Prediction) -> Vec<String> {
        let (answer, numbers) = match prediction {
            Prediction::Class {
                class,
                probabilities,
                ..
            } => (Some(class.clone()), probabilities),
            Prediction::Labels {
                labels,
                probabilities,
            } => (Some(labels.join("|")), probabilities),
            Prediction::Numbers { values } => {
                return values.iter().map(|v| v.value.to_string()).collect();
            }
        };
        let number = |name: &String| {
            let found = numbers.iter().find(|p| p.name == *name);
            found.map(|p| p.probability.to_string()).unwrap_or_default()
        };
        answer
            .into_iter()
            .chain(self.task.names().iter().map(number))
            .collect()
    }

    /// The set or the intervals, in words.
    fn promised(&self, guaranteed: &Guaranteed) -> String {
        let share = format::percent(self.coverage.unwrap_or_default());
        match guaranteed {
            Guaranteed::Set { names } if names.is_empty() => format!("{share} sure: no label"),
            Guaranteed::Set { names } => {
                let names: Vec<String> = names.iter().map(|name| one_line(name)).collect();
                format!("{share} sure: {}", names.join(" | "))
            }
            Guaranteed::Intervals { intervals } => {
                let told = intervals.iter().map(|interval| match interval {
                    Some([low, high]) => {
                        format!("{} to {}", number((*low).into()), number((*high).into()))
                    }
                    None => "anything".to_owned(),
                });
                format!("{share} sure: {}", told.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn row(&mut self, cells: Vec<Vec<u8>>) -> Result<(), CliError> {
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record(cells)
            .map_err(|error| CliError::stdout(error.into()))?;
        let line = line
            .into_inner()
            .map_err(|error| CliError::stdout(error.into_error()))?;
        self.out.write_all(&line).map_err(CliError::stdout)
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        self.out
            .write_all(text.as_bytes())
            .map_err(CliError::stdout)
    }
}

/// What was found, in one line: fields with tabs between them.
pub(super) fn in_words(prediction: &Prediction) -> String {
    let percent = |probability: f32| format!("{:.1} %", probability * 100.0);
    match prediction {
        Prediction::Class {
            class, probability, ..
        } => format!("{}\t{}", one_line(class), percent(*probability)),
        Prediction::Labels { labels, .. } if labels.is_empty() => "no label".to_owned(),
        Prediction::Labels {
            labels,
            probabilities,
        } => {
            let held = probabilities.iter().filter(|p| labels.contains(&p.name));
            let texts = held.map(|p| format!("{} {}", one_line(&p.name), percent(p.probability)));
            texts.collect::<Vec<_>>().join("\t")
        }
        Prediction::Numbers { values } => {
            let texts = values
                .iter()
                .map(|v| format!("{} {}", one_line(&v.name), number(v.value.into())));
            texts.collect::<Vec<_>>().join("\t")
        }
    }
}

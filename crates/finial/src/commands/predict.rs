//! `finial predict`

use std::io::Write;
use std::path::PathBuf;

use finial::data::images_in;
use finial::learn::{Answer, LearnError, Stage};
use finial::{Model, Prediction, Predictor, Progress, Task};

use crate::args::{PredictArgs, PredictFormat};
use crate::error::CliError;
use crate::progress::Terminal;

pub fn run(args: &PredictArgs) -> Result<(), CliError> {
    let progress = Terminal::new(args.common.quiet);
    let device = finial::engine::device::named(&args.common.device).map_err(LearnError::from)?;
    let predictor = Predictor::new(Model::load(&args.model)?, &device)?;
    let paths = files(&args.images)?;

    let mut failed = 0;
    let mut out = anstream::stdout().lock();
    let mut printed = Printed::begin(args.format, predictor.task(), &mut out)?;
    if paths.len() > 1 {
        progress.begin(Stage::Predictions, paths.len() as u64);
    }
    let mut stopped = None;
    predictor.predict_each(&paths, |answers| {
        let done = answers.len() as u64;
        for answer in answers {
            if let Err(error) = &answer.prediction {
                failed += 1;
                // Always said: a file without an answer must not go unnoticed.
                Terminal::new(false).say(&format!("note: {error}"));
            }
            if stopped.is_none() {
                stopped = printed.answer(&answer).err();
            }
        }
        progress.advance(done, "");
        Ok(())
    })?;
    progress.end();
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
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
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

/// Answers on their way to standard output.
struct Printed<'a, W: Write> {
    format: PredictFormat,
    task: &'a Task,
    out: W,
    answers: usize,
}

impl<'a, W: Write> Printed<'a, W> {
    fn begin(format: PredictFormat, task: &'a Task, out: W) -> Result<Self, CliError> {
        let mut printed = Printed {
            format,
            task,
            out,
            answers: 0,
        };
        match format {
            PredictFormat::Text => {}
            PredictFormat::Json => {
                printed.write(&format!("{{\"task\":\"{}\",\"predictions\":[", task.kind()))?;
            }
            PredictFormat::Csv => {
                let answer = match task.kind() {
                    finial::TaskKind::Regression => vec![],
                    finial::TaskKind::MultiLabel => vec!["labels".to_owned()],
                    _ => vec!["class".to_owned()],
                };
                let columns = ["image".to_owned()].into_iter().chain(answer);
                let columns = columns.chain(task.names().iter().cloned());
                printed.row(columns.collect())?;
            }
        }
        Ok(printed)
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), CliError> {
        let image = answer.path.display().to_string();
        match (self.format, &answer.prediction) {
            (PredictFormat::Json, prediction) => {
                let mut entry = match prediction {
                    Ok(prediction) => serde_json::json!(prediction),
                    Err(error) => serde_json::json!({ "error": error.to_string() }),
                };
                entry["image"] = image.into();
                let comma = if self.answers > 0 { "," } else { "" };
                self.write(&format!("{comma}\n{entry}"))?;
            }
            (_, Err(_)) => {}
            (PredictFormat::Text, Ok(prediction)) => {
                self.write(&format!("{image}\t{}\n", in_words(prediction)))?;
            }
            (PredictFormat::Csv, Ok(prediction)) => {
                let cells = self.cells(prediction);
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

    fn row(&mut self, cells: Vec<String>) -> Result<(), CliError> {
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

/// One line of text.
fn in_words(prediction: &Prediction) -> String {
    match prediction {
        Prediction::Class {
            class, probability, ..
        } => {
            format!("{class}\t{:.1} %", probability * 100.0)
        }
        Prediction::Labels { labels, .. } if labels.is_empty() => "no label".to_owned(),
        Prediction::Labels {
            labels,
            probabilities,
        } => {
            let held = probabilities.iter().filter(|p| labels.contains(&p.name));
            let text = |p: &finial::task::NamedProbability| {
                format!("{} {:.1} %", p.name, p.probability * 100.0)
            };
            held.map(text).collect::<Vec<_>>().join("\t")
        }
        Prediction::Numbers { values } => {
            let text = |v: &finial::task::NamedValue| format!("{} {}", v.name, v.value);
            values.iter().map(text).collect::<Vec<_>>().join("\t")
        }
    }
}

//! What a person reads: the run as the plain data that `finial-report` renders.
//!
//! - [`training`] and [`evaluation`]: the two pages, put together.
//! - [`question`]: the task, its title, its classes or the values of its targets.
//! - [`layers`]: the network in plain words.
//! - [`scores`]: the headline with what can be expected of it; [`guess`]: what it is compared to.
//! - [`evidence`]: what stands behind the scores.
//! - [`certainty`]: how sure the answers are.
//! - [`worst`]: the images answered most wrongly.
//! - [`findings`]: what is suspicious in the data.
//! - [`images`]: where the images come from, and which were set aside.
//! - [`wording`]: sentences and lists.
//!
//! How the page looks is decided in `finial-report`.

mod certainty;
mod evaluation;
mod evidence;
mod findings;
mod guess;
mod images;
mod layers;
mod question;
mod scores;
mod training;
mod wording;
mod worst;

use std::path::Path;

use finial_report::{Command, Fact, Report};

use crate::identity::hex;
use crate::{Decision, Model};
pub(crate) use evaluation::{Scored, of_evaluation};
pub(crate) use findings::groups;
pub(crate) use training::{Run, of_training};

/// Names the model's folder, once it is known.
pub(crate) fn name_model(report: &mut Report, folder: &Path) {
    report.model = folder.display().to_string();
    report.usage = usage(&report.model);
}

/// What every report of a model has.
fn frame(model: &Model) -> Report {
    let provenance = model.provenance();
    let engine = provenance.engine.as_ref();
    let engine = engine.map_or("not recorded".to_owned(), Decision::in_words);
    Report {
        title: question::title(model.task()),
        created: jiff::Zoned::now().strftime("%-d %B %Y, %H:%M").to_string(),
        finial_version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: vec![
            Fact::new("training data", &provenance.data),
            Fact::new("training data fingerprint", &provenance.data_fingerprint),
            Fact::new("backbone", &provenance.backbone),
            Fact::new("backbone weights", &provenance.backbone_source),
            Fact::new("backbone fingerprint", &provenance.backbone_fingerprint),
            Fact::new("model fingerprint", hex(&model.weights().fingerprint())),
            match provenance
                .tuned
                .as_ref()
                .filter(|tuned| tuned.best_epoch > 0)
            {
                Some(tuned) => Fact::new("frozen up to", &tuned.cut),
                None => Fact::new("frozen up to", model.frozen().output()),
            },
            Fact::new("trained", &provenance.created),
            Fact::new("finial", &provenance.finial),
            Fact::new("device", &provenance.device),
            Fact::new("engine", engine),
            Fact::new("seed", provenance.fit.seed.to_string()),
        ],
        ..Report::default()
    }
}

/// The command lines that use a model.
fn usage(model: &str) -> Vec<Command> {
    let line = |purpose: &str, line: String| Command {
        purpose: purpose.to_owned(),
        line,
    };
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    let model = match model.starts_with('-') {
        true => format!("./{model}"),
        false => model.to_owned(),
    };
    let model = match model.chars().all(plain) {
        true => model,
        false => format!("'{}'", model.replace('\'', r"'\''")),
    };
    vec![
        line(
            "Ask the model about images",
            format!("finial predict {model} IMAGE_OR_FOLDER"),
        ),
        line(
            "See where in a picture it saw what it says",
            format!("finial explain {model} IMAGE"),
        ),
        line(
            "Score it on other labelled images",
            format!("finial evaluate {model} DATA"),
        ),
    ]
}

//! Finds the wrong final layer in programs that already exist, and repairs it.
//!
//! A program of Keras or PyTorch is parsed and interpreted abstractly, never run. What it says
//! about its final layer, loss, labels and metrics becomes a neutral model of the program, which
//! each of the [`RULES`] looks at. What is not known is said nothing about.
//!
//! ```text
//! source → python (with keras, torch, data: what calls mean) → program → rules → report
//! ```
//!
//! - `model`: model files, as the programs that would build them.
//! - `source`: files, notebooks, folders, positions, suppressions, project settings.
//! - `python`: the abstract interpretation of the language.
//! - `keras`, `torch`, `data`: what calls of libraries mean.
//! - `program`: the neutral program model. `rules`: one file a rule.
//! - [`Report`]: findings as text, JSON, SARIF and annotations; repairs.
//!
//! There is no command line here: `finial check` and `finial rule` are in the binary.
//!
//! ```
//! use finial_check::{Options, check_text};
//!
//! let program = "
//! from keras import layers, models
//! model = models.Sequential([layers.Dense(1, activation='softmax')])
//! model.compile(loss='binary_crossentropy')
//! ";
//! let report = check_text("train.py", program, &Options::default());
//! assert_eq!(report.findings()[0].code(), "FIN001");
//! ```

mod check;
mod data;
mod keras;
mod model;
mod options;
mod program;
mod python;
mod report;
mod rules;
mod source;
mod torch;

pub use check::{check, check_text};
pub use options::{Options, OptionsError};
pub use report::fix::{FixError, Repaired};
pub use report::{Edit, Finding, Fix, Report, Skipped, SkippedWhat};
pub use rules::{RULES, Rule, Severity, page as rules_page, rule};
pub use source::Position;

//! One HTML page that tells a person what a model is, how good it is and where it errs.
//!
//! [`render`] takes a [`Report`], plain data with no tensor in it, and returns the page as one
//! string. The page needs nothing beside it: the style sheet, the charts and the thumbnails are
//! inside, there is no script, and its content security policy forbids every network request. It
//! follows the reader's light or dark mode, fits a phone, and prints.
//!
//! What lives where:
//!
//! - [`report`]: the data. Whoever trained or evaluated a model fills it in.
//! - [`mod@format`]: how numbers become text; the page and the sentences in the data share it.
//! - [`inspection`]: what is suspicious in a data set, a page and a section of the report.
//! - [`study`]: another page, on what wrong final layers cost, and the same as Markdown.
//! - `view`: what the page needs beyond the data, such as shaded matrices and sorted rows.
//! - `markup`: code within sentences, and places where a path may break.
//! - `charts`: curves and scatter plots as inline SVG.
//! - `page`: the template environment. The words and the layout are in `templates/`.
//!
//! What does not live here: computing a metric (see finial-task), training (see finial-learn),
//! and writing files (the caller writes the string where it wants it).
//!
//! # Example
//!
//! Everything but the title and the task may be left out; a page for a finished evaluation simply
//! has no training section.
//!
//! ```
//! use finial_report::{Better, Measure, Report, Score, Scores, Task, render};
//!
//! let report = Report {
//!     title: "Which flower is it?".into(),
//!     model: "flowers".into(),
//!     task: Task {
//!         kind: "multi-class".into(),
//!         reason: "Every image lies in exactly one of 5 folders.".into(),
//!         ..Task::default()
//!     },
//!     scores: Some(Scores {
//!         split: "test".into(),
//!         headline: vec![Score {
//!             name: "accuracy".into(),
//!             label: "Accuracy".into(),
//!             value: 0.912,
//!             measure: Measure::Share,
//!             validation: None,
//!             comparison: None,
//!             interval: None,
//!             baseline: None,
//!             explanation: "Names the right flower for 91 images in 100.".into(),
//!             better: Better::Higher,
//!         }],
//!         ..Scores::default()
//!     }),
//!     ..Report::default()
//! };
//!
//! let html = render(&report)?;
//! assert!(html.starts_with("<!DOCTYPE html>"));
//! assert!(html.contains("0.912"));
//! # Ok::<(), finial_report::ReportError>(())
//! ```

mod charts;
mod error;
pub mod format;
pub mod inspection;
mod markup;
mod page;
pub mod report;
pub mod study;
mod view;

pub use error::ReportError;
pub use page::render;
pub use report::{
    Baseline, Better, BinaryCounts, BinaryEvidence, Certainty, ClassRow, Command, Confusion, Data,
    Duplicates, Epoch, Evidence, Fact, FinalLayer, Head, Interval, LabelRow, Layer, LayerRole,
    Measure, MultiClassEvidence, MultiLabelEvidence, NamedCounts, NamedSpreads, NamesAre, PrPoint,
    PredictedPoint, RatePoint, RateRange, RegressionEvidence, Reliability, ReliabilityBin, Report,
    RocPoint, Score, Scores, SetAsideFile, SplitCounts, Spread, TargetEvidence, Task, Threshold,
    Training, WorstImage,
};

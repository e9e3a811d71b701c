//! The page on what wrong final layers cost: a table, a bar for each row, and a sentence.
//!
//! [`Study::html`] is a page like the report's, [`Study::markdown`] the same for a repository.
//! Numbers come as text: whoever made the study knows how its metrics are written.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::report::Fact;

/// A study of one data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Heading, such as "What a wrong final layer costs".
    pub title: String,
    /// What was done, a sentence or two.
    pub lead: String,
    /// Data, task, number of images, and so on.
    pub facts: Vec<Fact>,
    /// Headings of the columns behind the first: scores and losses.
    pub columns: Vec<String>,
    /// What the bar shows, and its scale: "accuracy, from 0 to 1".
    pub bar: String,
    /// The right pairing, then the others.
    pub rows: Vec<StudyRow>,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// Version of finial that made it.
    pub finial_version: String,
}

/// A pairing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyRow {
    /// Activation and loss.
    pub name: String,
    /// One per column.
    pub cells: Vec<StudyCell>,
    /// The first score on its bar; `None` if there is none.
    pub bar: Option<StudyBar>,
    /// What came of it.
    pub sentence: String,
}

/// A number and its interval, both as text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyCell {
    /// The number, or a dash.
    pub value: String,
    /// "0.85 to 0.91", or nothing.
    pub interval: String,
}

/// A score on a bar, in percent of its length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyBar {
    /// The score.
    pub value: f64,
    /// Where its interval begins.
    pub low: f64,
    /// How long its interval is.
    pub length: f64,
    /// The score of the right pairing.
    pub right: f64,
}

impl Study {
    /// The page: one HTML document that needs nothing beside it.
    ///
    /// # Errors
    /// Only if the template is at fault.
    pub fn html(&self) -> Result<String, ReportError> {
        crate::page::render_study(self)
    }

    /// The same as a table in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n\n", self.title, self.lead);
        for fact in &self.facts {
            // Writing to a string does not fail.
            let _ = writeln!(text, "- {}: {}", fact.name, escaped(&fact.value));
        }
        let _ = write!(
            text,
            "\n| final layer, loss | {} | what came of it |\n",
            self.columns.join(" | ")
        );
        let _ = writeln!(text, "|---|{}---|", "---:|".repeat(self.columns.len()));
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| match cell.interval.is_empty() {
                true => cell.value.clone(),
                false => format!("{} ({})", cell.value, cell.interval),
            });
            let cells: Vec<String> = cells.collect();
            let sentence = escaped(&row.sentence);
            let _ = writeln!(
                text,
                "| {} | {} | {sentence} |",
                row.name,
                cells.join(" | ")
            );
        }
        text.push('\n');
        for note in &self.notes {
            let _ = writeln!(text, "{note}\n");
        }
        let _ = writeln!(text, "Made by finial {}.", self.finial_version);
        text
    }
}

/// What cannot break out of its cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> Study {
        let row = |name: &str, value: &str| StudyRow {
            name: name.into(),
            cells: vec![StudyCell {
                value: value.into(),
                interval: "0.8 to 0.9".into(),
            }],
            bar: Some(StudyBar {
                value: 85.0,
                low: 80.0,
                length: 10.0,
                right: 85.0,
            }),
            sentence: "It <b>did</b> | no harm.".into(),
        };
        Study {
            title: "What a wrong final layer costs".into(),
            columns: vec!["accuracy".into()],
            rows: vec![row("softmax", "0.85"), row("relu", "0.31")],
            ..Study::default()
        }
    }

    #[test]
    fn a_page_is_made_and_escapes_what_it_is_given() {
        let page = study().html().expect("a page");
        assert!(page.starts_with("<!DOCTYPE html>"));
        assert!(page.contains("&lt;b&gt;did"), "{page}");
        assert_eq!(page.matches("class=\"meter-fill\"").count(), 2);
    }

    #[test]
    fn a_table_in_markdown_keeps_its_columns() {
        let text = study().markdown();
        let row = text
            .lines()
            .find(|line| line.starts_with("| relu"))
            .expect("a row");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
    }
}

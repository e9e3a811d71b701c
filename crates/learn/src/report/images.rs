//! Where the images come from, and which of them were set aside.

use finial_data::{Layout, Reason, Source, SplitPlan};
use finial_report::SetAsideFile;

use super::wording::{listed, sentence};
use crate::extract::Features;

/// Files set aside that are listed by name.
pub(super) const LISTED: usize = 200;

/// The images as they were found, and which of them could be read.
pub(super) struct Images<'a> {
    pub source: &'a Source,
    pub features: &'a Features,
}

impl Images<'_> {
    /// The path of a row of features, within the data.
    pub fn path(&self, row: usize) -> String {
        self.path_of_sample(self.features.kept[row])
    }

    fn path_of_sample(&self, sample: usize) -> String {
        let path = &self.source.samples[sample].path;
        path.strip_prefix(&self.source.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// The files that were not used: unreadable ones, then those the plan left out, the
    /// contradictory before the merely repeated.
    pub fn set_aside(&self, plan: Option<&SplitPlan>) -> Vec<SetAsideFile> {
        let unreadable = self.features.unreadable.iter().map(|file| SetAsideFile {
            path: self.path_of_sample(file.index),
            reason: file.reason.clone(),
            detail: None,
        });
        let mut left_out: Vec<_> = plan.iter().flat_map(|plan| &plan.set_aside).collect();
        left_out.sort_by_key(|entry| matches!(entry.reason, Reason::CopyOf { .. }));
        let left_out = left_out.into_iter().map(|entry| SetAsideFile {
            path: self.path(entry.index),
            reason: match entry.reason {
                Reason::CopyOf { .. } => "copies of an image that is used",
                Reason::Contradicts { .. } => "the same image with different labels",
            }
            .to_owned(),
            detail: Some(entry.reason.describe(|row| self.path(row))),
        });
        unreadable.chain(left_out).collect()
    }
}

/// The table, or the folder as it was given.
pub(super) fn source(source: &Source, given: &str) -> String {
    match &source.layout {
        Layout::Table { file, .. } => file.display().to_string(),
        _ => given.to_owned(),
    }
}

/// How the data is laid out; its path is not repeated.
pub(super) fn layout(source: &Source) -> String {
    match &source.layout {
        Layout::ClassFolders { splits } if splits.is_empty() => "A folder for each class.".into(),
        Layout::ClassFolders { splits } => {
            format!(
                "A folder for each split ({}), with a folder for each class.",
                listed(splits, "and")
            )
        }
        Layout::Table {
            image_column,
            split_column,
            ..
        } => sentence(&match split_column {
            Some(split) => {
                format!(
                    "a table with its images in column `{image_column}` and their splits in column `{split}`"
                )
            }
            None => format!("a table with its images in column `{image_column}`"),
        }),
    }
}

//! What stays frozen: kept on disk once, as far as the budget goes, or run anew.

use finial_graph::Graph;
use finial_store::FeatureMatrix;

use super::joint::{Start, count};
use crate::augment::Augmentation;
use crate::extract::Extractor;
use crate::feed::{Feed, Live};
use crate::{LearnError, Progress};

/// Makes feeds of what stays frozen.
pub(super) struct Feeds<'a> {
    pub start: &'a Start<'a>,
    /// What stays frozen.
    pub before: &'a Graph,
    /// Runs it; none if nothing stays frozen.
    pub extractor: Option<Extractor<'a>>,
    pub progress: &'a dyn Progress,
}

/// What a feed is made of.
pub(super) enum Examples<'a> {
    Stored(FeatureMatrix),
    Live(Live<'a>),
}

impl Examples<'_> {
    pub(super) fn feed(&self) -> Feed<'_> {
        match self {
            Examples::Stored(matrix) => Feed::Stored(matrix),
            Examples::Live(live) => Feed::Live(live),
        }
    }
}

impl<'a> Feeds<'a> {
    /// Whether activations of so many images are kept; says so if they should be and do not fit.
    pub(super) fn fit_on_disk(&self, images: usize) -> bool {
        if count(self.before) == 0 {
            return false;
        }
        let each = self.before.output_shape().len() as u64 * size_of::<f32>() as u64;
        let needed = each.saturating_mul(images as u64);
        let budget = self.start.options.disk_budget;
        let fits = needed <= budget;
        if !fits {
            let (needed, budget) = (gigabytes(needed), gigabytes(budget));
            self.progress.say(&format!(
                "note: what stays frozen gives {needed} for these images, more than the disk \
                 budget of {budget}, so it runs again in every epoch; a larger --disk-budget \
                 makes that once"
            ));
        }
        fits
    }

    /// The feed of these rows.
    ///
    /// # Errors
    /// An image has changed meanwhile, or no engine runs what stays frozen.
    pub(super) fn of(
        &self,
        rows: &[usize],
        stored: bool,
        augmentation: Option<&'a Augmentation>,
    ) -> Result<Examples<'a>, LearnError> {
        let Start { run, prepared, .. } = *self.start;
        if let (true, None, Some(extractor)) = (stored, augmentation, &self.extractor) {
            let matrix = prepared.rows_again(extractor, rows, self.progress)?;
            return Ok(Examples::Stored(matrix));
        }
        let (paths, hashes) = prepared.images(rows).into_iter().unzip();
        Ok(Examples::Live(Live {
            paths,
            hashes,
            decoder: Live::decoder(prepared.backbone.fit),
            frozen: self.extractor.as_ref().map(Extractor::frozen).transpose()?,
            augmentation,
            seed: run.fit.seed,
            width: self.before.output_shape().len(),
        }))
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

//! What the tuned network answers: features once more, for images that were not learned from.

use std::collections::HashMap;

use finial_graph::Weights;
use finial_store::{FeatureMatrix, FeatureStore};

use crate::extract::Extractor;
use crate::prepare::{Prepared, TrainOptions};
use crate::{Decision, LearnError, Progress};

/// The features that the final answers are made of.
pub(crate) enum Seen<'a> {
    /// Those that the head was trained on, all rows.
    Same(&'a FeatureMatrix),
    /// Those of the tuned network, of some rows only.
    Again {
        matrix: FeatureMatrix,
        places: HashMap<usize, usize>,
    },
}

impl Seen<'_> {
    /// One row for each image that it knows.
    pub(crate) fn matrix(&self) -> &FeatureMatrix {
        match self {
            Seen::Same(matrix) => matrix,
            Seen::Again { matrix, .. } => matrix,
        }
    }

    /// Where the rows of the run stand in its matrix.
    pub(crate) fn rows(&self, rows: &[usize]) -> Vec<usize> {
        match self {
            Seen::Same(_) => rows.to_vec(),
            // A row that is not there is refused by the matrix.
            Seen::Again { places, .. } => {
                let place = |row| places.get(row).copied().unwrap_or(usize::MAX);
                rows.iter().map(place).collect()
            }
        }
    }

    /// Runs the network as it is saved over images that were not learned from.
    pub(crate) fn again(
        prepared: &Prepared,
        options: &TrainOptions,
        weights: &Weights,
        rows: &[usize],
        store: Option<&FeatureStore>,
        progress: &dyn Progress,
    ) -> Result<(Self, Decision), LearnError> {
        let extractor = Extractor::new(
            &prepared.frozen,
            weights,
            prepared.backbone.fit,
            store,
            &options.device,
            options.engine,
            progress,
        )?;
        let features = prepared.rows_again(&extractor, rows, progress)?;
        let places = rows.iter().copied().zip(0..).collect();
        let seen = Seen::Again {
            matrix: features,
            places,
        };
        Ok((seen, extractor.decision().clone()))
    }
}

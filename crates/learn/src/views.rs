//! Several views of each training image for the head: what augmentation is to a frozen network.
//!
//! The views of an image are features like others, kept in the feature store; an epoch takes one
//! of them.

use finial_store::{DEFAULT_MEMORY_BUDGET_BYTES, FeatureMatrixBuilder, FeatureStore};

use crate::extract::{Extractor, View};
use crate::feed::Views;
use crate::prepare::{Prepared, TrainOptions};
use crate::{LearnError, Progress};

/// The views of the training images at `rows`, if there are several: the image itself, then
/// changed ones.
///
/// # Errors
/// An image has changed meanwhile, or the engine or the disk failed.
pub(crate) fn views(
    options: &TrainOptions,
    prepared: &Prepared,
    rows: &[usize],
    store: Option<&FeatureStore>,
    progress: &dyn Progress,
) -> Result<Option<Views>, LearnError> {
    if options.views <= 1 {
        return Ok(None);
    }
    let augmentation = options.augmentation.unwrap_or_default();
    let extractor = Extractor::new(
        &prepared.frozen,
        &prepared.backbone.weights,
        prepared.backbone.fit,
        store,
        &options.device,
        options.engine,
        progress,
    )?;
    let mut all = Vec::new();
    for number in 1..options.views {
        let viewed = extractor.viewed(View {
            augmentation: &augmentation,
            number,
            seed: options.fit.seed,
        })?;
        all.push(prepared.rows_again(&viewed, rows, progress)?);
    }
    let own = &prepared.features.matrix;
    let mut builder = FeatureMatrixBuilder::new(own.columns(), DEFAULT_MEMORY_BUDGET_BYTES)?;
    if let Some(store) = store {
        builder = builder.spill_folder(store.folder());
    }
    let mut numbers = Vec::new();
    for (at, &row) in rows.iter().enumerate() {
        own.gather(&[row], &mut numbers)?;
        builder.push_rows(&numbers)?;
        for view in &all {
            view.gather(&[at], &mut numbers)?;
            builder.push_rows(&numbers)?;
        }
    }
    Ok(Some(Views {
        matrix: builder.finish()?,
        each: options.views,
    }))
}

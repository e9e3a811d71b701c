//! What a step of training reads: stored features, or images that go through the frozen part anew.

use std::path::PathBuf;

use finial_data::{ContentHash, ImageFit, Pixels, read_file};
use finial_engine::Frozen;
use finial_store::FeatureMatrix;
use rayon::prelude::*;

use crate::LearnError;
use crate::augment::Augmentation;
use crate::chance::{Draw, generator};
use crate::decoder::Decoder;

/// Where the numbers of an example come from.
#[derive(Clone, Copy)]
pub(crate) enum Feed<'a> {
    /// From a matrix: the row of the same number.
    Stored(&'a FeatureMatrix),
    /// From a matrix that has several views of each image, one behind the other; an epoch takes
    /// one of them.
    Views(&'a Views),
    /// From the image file, each time.
    Live(&'a Live<'a>),
}

/// Several rows for each example.
pub(crate) struct Views {
    /// All views of the first example, then those of the second.
    pub matrix: FeatureMatrix,
    /// Views of an example.
    pub each: usize,
}

/// Images that are decoded whenever they are wanted.
pub(crate) struct Live<'a> {
    /// The files, by the number of the example.
    pub paths: Vec<PathBuf>,
    /// Their contents, by which chance goes.
    pub hashes: Vec<ContentHash>,
    /// To which size.
    pub decoder: Decoder,
    /// What stays frozen; none if the first layers are trained.
    pub frozen: Option<Box<dyn Frozen>>,
    /// How images are changed; none to take them as they are.
    pub augmentation: Option<&'a Augmentation>,
    /// Of the run.
    pub seed: u64,
    /// Numbers of an example.
    pub width: usize,
}

impl Feed<'_> {
    /// Numbers of an example.
    pub(crate) fn width(&self) -> usize {
        match self {
            Feed::Stored(matrix) => matrix.columns(),
            Feed::Views(views) => views.matrix.columns(),
            Feed::Live(live) => live.width,
        }
    }

    /// Replaces `out` with the numbers of the examples `rows` as they are in an epoch.
    pub(crate) fn gather(
        &self,
        rows: &[usize],
        epoch: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), LearnError> {
        match self {
            Feed::Stored(matrix) => Ok(matrix.gather(rows, out)?),
            Feed::Views(views) => {
                // Every image shows another view than in the epoch before.
                let view = |row: &usize| row * views.each + (row + epoch) % views.each;
                let rows: Vec<usize> = rows.iter().map(view).collect();
                Ok(views.matrix.gather(&rows, out)?)
            }
            Feed::Live(live) => live.gather(rows, epoch, out),
        }
    }
}

impl<'a> Live<'a> {
    pub(crate) fn decoder(fit: ImageFit) -> Decoder {
        Decoder::new(fit)
    }

    fn gather(&self, rows: &[usize], epoch: usize, out: &mut Vec<f32>) -> Result<(), LearnError> {
        let pixels = rows.par_iter().map(|&row| self.pixels(row, epoch));
        let pixels: Vec<Pixels> = pixels.collect::<Result<_, _>>()?;
        out.clear();
        match &self.frozen {
            Some(frozen) => {
                let images: Vec<&[u8]> = pixels.iter().map(|p| p.rgb.as_slice()).collect();
                for images in images.chunks(frozen.images_at_once()) {
                    out.extend(frozen.run(images)?);
                }
            }
            None => {
                for pixels in &pixels {
                    out.extend(pixels.planes());
                }
            }
        }
        Ok(())
    }

    fn pixels(&self, row: usize, epoch: usize) -> Result<Pixels, LearnError> {
        let (Some(path), Some(hash)) = (self.paths.get(row), self.hashes.get(row)) else {
            return Err(LearnError::ResultCount);
        };
        let unreadable = |reason: String| LearnError::Image {
            path: path.clone(),
            reason,
        };
        let bytes = read_file(path).map_err(|error| unreadable(error.to_string()))?;
        let pixels = self.decoder.decode(&bytes);
        let pixels = pixels.map_err(|error| unreadable(error.to_string()))?;
        Ok(match self.augmentation {
            Some(augmentation) => {
                let mut rng =
                    generator(self.seed, Draw::Augmentation, [epoch as u64, content(hash)]);
                augmentation.apply(&pixels, &mut rng)
            }
            None => pixels,
        })
    }
}

/// A number for a content.
pub(crate) fn content(hash: &ContentHash) -> u64 {
    let bytes = hash.as_bytes().as_chunks::<8>().0.first();
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

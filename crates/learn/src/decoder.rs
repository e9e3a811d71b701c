//! Decoding side by side, but large files one at a time.

use std::sync::Mutex;

use finial_data::{DecodeError, ImageFit, Pixels, decode};

/// Files larger than this are decoded one at a time: a photo of 50 megapixels takes 150 MB.
const LARGE_BYTES: usize = 8 << 20;

/// Brings image files to one size, from any number of threads.
pub(crate) struct Decoder {
    fit: ImageFit,
    /// Held while a large file is decoded.
    large: Mutex<()>,
}

impl Decoder {
    pub(crate) fn new(fit: ImageFit) -> Self {
        Decoder {
            fit,
            large: Mutex::new(()),
        }
    }

    /// How images are brought to size.
    pub(crate) fn fit(&self) -> ImageFit {
        self.fit
    }

    /// The pixels of an image file's bytes.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Pixels, DecodeError> {
        // A thread that panicked with the lock held leaves nothing half-done behind it.
        let _alone = (bytes.len() > LARGE_BYTES).then(|| self.large.lock());
        decode(bytes, &self.fit)
    }
}

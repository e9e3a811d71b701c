//! Labelled images: where they lie, what is in them, and which split each belongs to.
//!
//! The three steps of a training run that come before any network:
//!
//! 1. [`open`] lists a folder of class folders, or a table, as a [`Source`]: one [`Sample`] per
//!    image and the labels as they stand. No image is read yet.
//! 2. [`read_file`] reads one image file, and [`decode`] turns its bytes into [`Pixels`] of the
//!    size that a backbone wants, as a viewer would show it, or says why the file is no good.
//! 3. [`split`] divides the samples into train, validation and test, so that the same image never
//!    falls on two sides, and says what it did in one sentence.
//!
//! What the labels mean is decided in `finial-task`; this crate only hands them over as
//! [`finial_task::RawLabels`]. What becomes of the pixels is the business of `finial-engine`.
//!
//! ```
//! use finial_data::{SourceOptions, Split, open};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # for path in ["train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png"] {
//! #     let path = folder.path().join(path);
//! #     std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
//! #     std::fs::write(path, "")?;
//! # }
//! let source = open(folder.path(), &SourceOptions::default())?;
//! assert_eq!(source.samples.len(), 4);
//! assert_eq!(source.samples[0].split, Some(Split::Train));
//! assert_eq!(source.layout.to_string(), "class folders in split folders (train, test)");
//! # Ok(())
//! # }
//! ```

mod decode;
mod file;
mod hash;
mod source;
mod split;

pub use decode::{
    DECODING, DecodeError, Filter, Fit, Heat, ImageFit, Look, Painted, Pixels, Print, decode,
    thumbnail,
};
pub use file::{ReadError, read_file};
pub use hash::{ContentHash, content_hash};
pub use source::{Layout, Sample, Source, SourceError, SourceOptions, images_in, open};
pub use split::{
    Fractions, Reason, SetAside, SmallClass, Split, SplitCounts, SplitError, SplitPlan,
    SplitRequest, Strata, check_class_sizes, split,
};

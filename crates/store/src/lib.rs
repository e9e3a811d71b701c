//! Keeps feature vectors, so that a backbone sees each image once.
//!
//! Two things live here:
//!
//! - [`FeatureStore`]: on disk, across runs and across processes. A key names the image's
//!   bytes and everything that was done to them ([`FeatureKey`]); the value is the vector.
//! - [`FeatureMatrix`]: the vectors of one run as `[rows, columns]`, in memory while they are
//!   few, in a temporary file when they are not.
//!
//! # Why LMDB
//!
//! The store is one LMDB environment, through [`heed`]. Several processes may open the same
//! file at once: readers never block and are never blocked, there is one writer at a time, and
//! a process killed in the middle leaves the last commit. `redb`, the nearest alternative in
//! Rust, admits one process at a time, and two training runs side by side are normal here.
//!
//! What LMDB asks for in return is handled inside: it must not be opened twice in one process
//! (a second [`FeatureStore::open`] shares the first one's environment), its map counts as
//! resident memory once read (it is given back after every batch), and it must not lie on a
//! network file system (refused with [`StoreError::RemoteFolder`]).
//!
//! What does not live here: how an image becomes features (the engine), and what goes into a
//! [`PipelineHash`] (the caller, who knows every step).
//!
//! This is the one crate with `unsafe`: opening and resizing the map, in the module
//! `environment`, and giving its pages back, in the module `resident`.
//!
//! ```
//! use finial_store::{ContentHash, FeatureStore, PipelineHash};
//!
//! let folder = tempfile::tempdir()?;
//! let store = FeatureStore::open(folder.path(), finial_store::DEFAULT_LIMIT_BYTES)?;
//! let pipeline = PipelineHash::of(&[b"resize 224", b"backbone weights"]);
//! let image = ContentHash::of(b"the bytes of an image file");
//!
//! store.put_many(&pipeline, &[(image, &[0.0, 1.5, 6.0])])?;
//! let found = store.get_many(&pipeline, &[image, ContentHash::of(b"another")])?;
//! assert_eq!(found, [Some(vec![0.0, 1.5, 6.0]), None]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod environment;
mod error;
mod eviction;
mod folder;
mod key;
mod matrix;
mod registry;
mod resident;
mod store;
mod value;

pub use error::{MatrixError, StoreError};
pub use folder::Notice;
pub use key::{ContentHash, FeatureKey, PipelineHash};
pub use matrix::{DEFAULT_MEMORY_BUDGET_BYTES, FeatureMatrix, FeatureMatrixBuilder};
pub use store::{DEFAULT_LIMIT_BYTES, FeatureStore, LEAST_LIMIT_BYTES, PipelineStats, StoreStats};

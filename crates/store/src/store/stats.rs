//! How much a store holds, and for which pipelines.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::FeatureStore;
use crate::error::StoreError;
use crate::key::{self, PipelineHash};

/// How much a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Vectors.
    pub entries: u64,
    /// Bytes in pages that hold something. At most three quarters of the limit.
    pub live_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// The limit that this handle was opened with.
    pub limit_bytes: u64,
    /// Damaged vectors met since this process opened the store; they read as absent.
    pub corrupted_reads: u64,
    /// What belongs to each pipeline, in the order of their hashes.
    pub pipelines: Vec<PipelineStats>,
}

/// How much of a store belongs to one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineStats {
    /// The pipeline.
    pub pipeline: PipelineHash,
    /// Its vectors.
    pub entries: u64,
    /// Bytes of its encoded vectors, without what pages leave empty.
    pub bytes: u64,
}

impl FeatureStore {
    /// Counts what is there. Walks all keys, but reads no vector.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] and [`StoreError::Damaged`] from LMDB.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let shared = self.shared();
        let environment = &shared.environment;
        let mut pipelines = BTreeMap::new();
        let live_bytes = environment
            .read(|reader| {
                reader.walk(&environment.tables.features, |key, value| {
                    if let Some(pipeline) = key::pipeline_of(key) {
                        let (entries, bytes) = pipelines.entry(pipeline).or_insert((0, 0));
                        *entries += 1;
                        *bytes += value.len() as u64;
                    }
                })?;
                reader.live_bytes()
            })
            .map_err(|error| environment.error(error))?;
        let file_bytes = environment
            .file_bytes()
            .map_err(|error| environment.error(error))?;
        let pipelines: Vec<_> = pipelines
            .into_iter()
            .map(|(pipeline, (entries, bytes))| PipelineStats {
                pipeline,
                entries,
                bytes,
            })
            .collect();
        Ok(StoreStats {
            entries: pipelines.iter().map(|pipeline| pipeline.entries).sum(),
            live_bytes,
            file_bytes,
            limit_bytes: self.limit,
            corrupted_reads: shared.corrupted_reads.load(Ordering::Relaxed),
            pipelines,
        })
    }
}

//! The store as its users see it: open it, get vectors, remove them.
//!
//! Putting vectors, and making room for them, is in `store/put.rs`; counting them in
//! `store/stats.rs`. How a vector is written is in `value`, which one goes first in
//! `eviction`, and how processes share the files in `environment` and `folder`.

mod put;
mod stats;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use heed::{RoTxn, RwTxn, WithoutTls};

use crate::environment::{Table, Writer};
use crate::error::StoreError;
use crate::eviction;
use crate::folder::Notice;
use crate::key::{ContentHash, FeatureKey, KEY_BYTES, PipelineHash};
use crate::registry::{self, Shared};
use crate::value;

pub use stats::{PipelineStats, StoreStats};

/// The limit to open a store with unless the user says otherwise: 4 GiB, some 700,000 vectors
/// of 1,280 features of which half are zeros.
pub const DEFAULT_LIMIT_BYTES: u64 = 4 << 30;
/// The lowest limit a store opens with: 4 MiB.
pub const LEAST_LIMIT_BYTES: u64 = 4 << 20;
/// A higher limit means this one: 1 TiB, or 1 GiB where addresses have 32 bits. The map is as
/// long as the limit, and it must find room among the addresses.
const MOST_LIMIT_BYTES: u64 = if usize::BITS < 64 { 1 << 30 } else { 1 << 40 };

/// The most keys and bytes one read transaction copies before the map's pages are given back.
const MOST_READ_KEYS: usize = 256;
const MOST_READ_BYTES: usize = 2 << 20;
/// Entries that one transaction removes or marks as used.
const MOST_CHANGED: usize = 1024;
/// Uses remembered before they are written: 1 MiB of keys.
const MOST_USES: usize = 16 << 10;

/// Feature vectors on disk, shared by all processes that open the folder.
///
/// Cheap to clone, and usable from several threads at once. Opening the same folder twice in
/// one process is fine: both handles share one environment.
///
/// # Size
///
/// The file grows to the limit at most, and does not shrink until the store is emptied. Of the
/// limit, three quarters hold entries; the rest is room for LMDB to write before it forgets.
/// When a batch does not fit, the entries used longest ago are evicted. "Used" is counted per
/// run, and reading is counted only while the store is more than half full, so that reading
/// does not write.
pub struct FeatureStore {
    /// `None` only while dropping.
    shared: Option<Arc<Shared>>,
    limit: u64,
}

impl FeatureStore {
    /// Opens the store in `folder`, which is created (for the user only) if it is not there.
    ///
    /// Files of another format, or damaged ones, are dealt with here; [`notice`](Self::notice)
    /// then says what was done.
    ///
    /// # Errors
    ///
    /// [`StoreError::LimitTooSmall`] below [`LEAST_LIMIT_BYTES`]; [`StoreError::Folder`],
    /// [`StoreError::RemoteFolder`], [`StoreError::InUse`] and [`StoreError::DiskFull`] for
    /// what the folder is; [`StoreError::Database`] and [`StoreError::Damaged`] from LMDB.
    pub fn open(folder: &Path, limit_bytes: u64) -> Result<Self, StoreError> {
        if limit_bytes < LEAST_LIMIT_BYTES {
            return Err(StoreError::LimitTooSmall {
                limit: limit_bytes,
                least: LEAST_LIMIT_BYTES,
            });
        }
        // Pages of 64 KiB are the largest there are, so this is whole pages everywhere.
        let limit = limit_bytes.min(MOST_LIMIT_BYTES) >> 16 << 16;
        Ok(Self {
            shared: Some(registry::acquire(folder, limit as usize)?),
            limit,
        })
    }

    /// What was done on opening with files that did not fit, if anything.
    pub fn notice(&self) -> Option<&Notice> {
        self.shared().notice.as_ref()
    }

    /// The folder, in its canonical form.
    pub fn folder(&self) -> &Path {
        &self.shared().folder
    }

    /// Visits the vector of each of `contents`, in order: its index, then the vector, or `None`
    /// if it is absent or damaged.
    ///
    /// The slice is only valid during the visit; memory stays bounded however many contents
    /// there are. No lock is held during a visit, so it may use the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] and [`StoreError::Damaged`] from LMDB.
    pub fn get_each(
        &self,
        pipeline: &PipelineHash,
        contents: &[ContentHash],
        mut visit: impl FnMut(usize, Option<&[f32]>),
    ) -> Result<(), StoreError> {
        let mut batch = ReadBatch::default();
        let mut start = 0;
        while start < contents.len() {
            self.read_batch(pipeline, &contents[start..], &mut batch)?;
            for (offset, range) in batch.found.iter().enumerate() {
                let vector = range.clone().map(|range| &batch.values[range]);
                visit(start + offset, vector);
            }
            start += batch.found.len();
        }
        Ok(())
    }

    /// The vector of each of `contents`, `None` where it is absent or damaged.
    ///
    /// # Errors
    ///
    /// As [`get_each`](Self::get_each).
    pub fn get_many(
        &self,
        pipeline: &PipelineHash,
        contents: &[ContentHash],
    ) -> Result<Vec<Option<Vec<f32>>>, StoreError> {
        let mut vectors = Vec::with_capacity(contents.len());
        self.get_each(pipeline, contents, |_, vector| {
            vectors.push(vector.map(<[f32]>::to_vec));
        })?;
        Ok(vectors)
    }

    /// Removes everything. The disk space is given back when the last handle of the last
    /// process closes.
    ///
    /// # Errors
    ///
    /// [`StoreError::DiskFull`] and [`StoreError::Full`] if there is no room even to note it;
    /// [`StoreError::Database`] and [`StoreError::Damaged`] from LMDB.
    pub fn clear(&self) -> Result<(), StoreError> {
        let shared = self.shared();
        self.write(|writer| {
            let tables = &shared.environment.tables;
            [&tables.features, &tables.used, &tables.order]
                .iter()
                .try_for_each(|table| table.clear(&mut writer.txn))
        })?;
        shared.emptied.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes a pipeline's vectors and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear); what was removed before an error stays removed.
    pub fn remove_pipeline(&self, pipeline: &PipelineHash) -> Result<u64, StoreError> {
        let tables = &self.shared().environment.tables;
        let mut removed = 0;
        loop {
            let batch = self.write(|writer| {
                let keys = first_keys(&tables.features, &writer.txn, pipeline)?;
                for key in &keys {
                    eviction::remove(tables, &mut writer.txn, key)?;
                    writer.count_entry();
                }
                Ok(keys.len())
            })?;
            if batch == 0 {
                return Ok(removed);
            }
            removed += batch as u64;
        }
    }

    fn shared(&self) -> &Shared {
        // Taken only by `drop`, after which nobody can call.
        match &self.shared {
            Some(shared) => shared,
            None => unreachable!("a dropped store is not used"),
        }
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> heed::Result<T>,
    ) -> Result<T, StoreError> {
        let environment = &self.shared().environment;
        environment
            .write(work)
            .map_err(|error| environment.error(error))
    }

    /// Copies the vectors of the first contents, as many as one read transaction should.
    fn read_batch(
        &self,
        pipeline: &PipelineHash,
        contents: &[ContentHash],
        batch: &mut ReadBatch,
    ) -> Result<(), StoreError> {
        let shared = self.shared();
        let environment = &shared.environment;
        let tables = &environment.tables;
        let generation = shared.generation.load(Ordering::Relaxed);
        batch.values.clear();
        batch.found.clear();
        batch.used.clear();
        let mut corrupted = 0;
        environment
            .read(|reader| {
                let counts_use = reader.live_bytes()? > self.most_live_bytes() / 2;
                for content in contents.iter().take(MOST_READ_KEYS) {
                    let key = key_bytes(pipeline, content);
                    let start = batch.values.len();
                    let found = match reader.get(&tables.features, &key)? {
                        Some(bytes) if value::decode(&key, bytes, &mut batch.values) => {
                            Some(start..batch.values.len())
                        }
                        Some(_) => {
                            corrupted += 1;
                            None
                        }
                        None => None,
                    };
                    if found.is_some() && counts_use {
                        let last = reader.get(&tables.used, &key)?;
                        if last.and_then(eviction::to_generation) != Some(generation) {
                            batch.used.push(key);
                        }
                    }
                    batch.found.push(found);
                    if batch.values.len() * 4 >= MOST_READ_BYTES {
                        break;
                    }
                }
                Ok(())
            })
            .map_err(|error| environment.error(error))?;
        shared
            .corrupted_reads
            .fetch_add(corrupted, Ordering::Relaxed);
        if !batch.used.is_empty() {
            let mut used = registry::lock(&shared.used);
            used.append(&mut batch.used);
            let many = used.len() >= MOST_USES;
            drop(used);
            if many {
                self.write_uses();
            }
        }
        Ok(())
    }

    /// Writes which entries were used. Best effort: only the order of eviction depends on it.
    fn write_uses(&self) {
        let shared = self.shared();
        let used = std::mem::take(&mut *registry::lock(&shared.used));
        let tables = &shared.environment.tables;
        for keys in used.chunks(MOST_CHANGED) {
            let written = shared.environment.write(|writer| {
                let generation = self.generation(&mut writer.txn)?;
                for key in keys {
                    // It may have been evicted since it was read.
                    if tables.used.get(&writer.txn, key)?.is_some() {
                        eviction::mark_used(tables, &mut writer.txn, key, generation)?;
                    }
                    writer.count_entry();
                }
                Ok(generation)
            });
            match written {
                Ok(generation) => shared.generation.store(generation, Ordering::Relaxed),
                Err(_) => return,
            }
        }
    }

    /// This process's generation. To be stored once the transaction is committed.
    fn generation(&self, txn: &mut RwTxn<'_>) -> heed::Result<u64> {
        let shared = self.shared();
        match shared.generation.load(Ordering::Relaxed) {
            0 => eviction::next_generation(&shared.environment.tables, txn),
            generation => Ok(generation),
        }
    }
}

/// Vectors copied out of one read transaction.
#[derive(Default)]
struct ReadBatch {
    values: Vec<f32>,
    found: Vec<Option<std::ops::Range<usize>>>,
    used: Vec<[u8; KEY_BYTES]>,
}

fn key_bytes(pipeline: &PipelineHash, content: &ContentHash) -> [u8; KEY_BYTES] {
    let key = FeatureKey {
        content: *content,
        pipeline: *pipeline,
    };
    key.to_bytes()
}

fn first_keys(
    features: &Table,
    txn: &RoTxn<'_, WithoutTls>,
    pipeline: &PipelineHash,
) -> heed::Result<Vec<[u8; KEY_BYTES]>> {
    features
        .prefix_iter(txn, &pipeline.0)?
        .take(MOST_CHANGED)
        .filter_map(|entry| match entry {
            Ok((key, _)) => key.try_into().ok().map(Ok),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

impl Clone for FeatureStore {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            limit: self.limit,
        }
    }
}

impl Drop for FeatureStore {
    fn drop(&mut self) {
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| Arc::strong_count(shared) == 1)
        {
            self.write_uses();
        }
        if let Some(shared) = self.shared.take() {
            registry::release(shared);
        }
    }
}

impl fmt::Debug for FeatureStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FeatureStore")
            .field("folder", &self.folder())
            .field("limit", &self.limit)
            .finish()
    }
}

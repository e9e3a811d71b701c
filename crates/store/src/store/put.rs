//! Putting vectors, and making room for them.
//!
//! A batch that does not fit is preceded by evictions. Should LMDB still find no room, because
//! free pages are scattered or not free yet, more is evicted and the batch is tried again.

use std::sync::atomic::Ordering;

use heed::MdbError;

use super::{FeatureStore, MOST_CHANGED, key_bytes};
use crate::error::StoreError;
use crate::eviction;
use crate::key::{ContentHash, PipelineHash};
use crate::value;

/// The most one transaction writes; it is held in memory until it is committed.
const MOST_TRANSACTION_BYTES: u64 = 16 << 20;
/// Index entries of a vector in three tables, with the air between them.
const INDEX_BYTES: u64 = 512;
/// How often a batch is tried while the store is full.
const FULL_ATTEMPTS: u32 = 4;

impl FeatureStore {
    /// Stores vectors, evicting old entries if they do not fit. What is there already is
    /// replaced.
    ///
    /// One transaction, unless there is more than 16 MiB or a sixteenth of the limit: then as
    /// many as are needed, in order. When it returns, all of it is on the disk; after a crash
    /// or an error, the transactions before it are.
    ///
    /// # Errors
    ///
    /// [`StoreError::DiskFull`], after which the store can still be read;
    /// [`StoreError::TooLarge`], before anything is written; [`StoreError::Full`];
    /// [`StoreError::Database`] and [`StoreError::Damaged`] from LMDB.
    pub fn put_many(
        &self,
        pipeline: &PipelineHash,
        items: &[(ContentHash, &[f32])],
    ) -> Result<(), StoreError> {
        let most = MOST_TRANSACTION_BYTES.min(self.limit / 16);
        let needs = self.bytes_needed(items, most)?;
        let mut start = 0;
        while start < items.len() {
            let mut bytes = needs[start];
            let mut end = start + 1;
            while end < items.len() && bytes + needs[end] <= most {
                bytes += needs[end];
                end += 1;
            }
            self.put_batch(pipeline, &items[start..end], bytes)?;
            start = end;
        }
        Ok(())
    }

    /// What each item takes at most, in whole pages.
    fn bytes_needed(
        &self,
        items: &[(ContentHash, &[f32])],
        most: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let page = self.shared().environment.page_bytes();
        items
            .iter()
            .map(|(_, vector)| {
                let bytes = value::most_bytes(vector.len()) as u64;
                let bytes = bytes.next_multiple_of(page).saturating_add(INDEX_BYTES);
                if bytes > most || u32::try_from(vector.len()).is_err() {
                    return Err(StoreError::TooLarge {
                        columns: vector.len(),
                        limit: self.limit,
                    });
                }
                Ok(bytes)
            })
            .collect()
    }

    fn put_batch(
        &self,
        pipeline: &PipelineHash,
        items: &[(ContentHash, &[f32])],
        bytes: u64,
    ) -> Result<(), StoreError> {
        let shared = self.shared();
        let environment = &shared.environment;
        let tables = &environment.tables;
        let live = self.live_bytes()?;
        if live + bytes > self.most_live_bytes() {
            // A little more than needed, so that not every batch evicts.
            self.evict_to(
                self.most_live_bytes()
                    .saturating_sub(bytes + self.limit / 16),
            )?;
        }
        let mut encoded = Vec::new();
        for _ in 0..FULL_ATTEMPTS {
            let written = environment.write(|writer| {
                let generation = self.generation(&mut writer.txn)?;
                for (content, vector) in items {
                    let key = key_bytes(pipeline, content);
                    // Its length was checked by `bytes_needed`.
                    let _ = value::encode(&key, vector, &mut encoded);
                    let txn = &mut writer.txn;
                    if tables.features.get(txn, &key)? != Some(&encoded) {
                        tables.features.put(txn, &key, &encoded)?;
                    }
                    eviction::mark_used(tables, txn, &key, generation)?;
                    writer.count_entry();
                }
                Ok(generation)
            });
            match written {
                Ok(generation) => {
                    shared.generation.store(generation, Ordering::Relaxed);
                    return Ok(());
                }
                // Free pages are scattered, or a reader keeps old ones in use.
                Err(heed::Error::Mdb(MdbError::MapFull)) => {
                    environment
                        .clear_stale_readers()
                        .map_err(|error| environment.error(error))?;
                    let target = self
                        .live_bytes()?
                        .saturating_sub((2 * bytes).max(self.limit / 16));
                    self.evict_to(target)?;
                    self.pass_transaction()?;
                }
                Err(error) => return Err(environment.error(error)),
            }
        }
        Err(StoreError::Full {
            folder: shared.folder.clone(),
            limit: self.limit,
        })
    }

    /// Three quarters of the limit hold entries. LMDB writes beside what it replaces, and may
    /// reuse a page two transactions after it was freed; the rest is for that.
    pub(super) fn most_live_bytes(&self) -> u64 {
        self.limit / 4 * 3
    }

    fn live_bytes(&self) -> Result<u64, StoreError> {
        let environment = &self.shared().environment;
        environment
            .read(|reader| reader.live_bytes())
            .map_err(|error| environment.error(error))
    }

    fn evict_to(&self, live_bytes: u64) -> Result<(), StoreError> {
        let tables = &self.shared().environment.tables;
        while self.write(|writer| eviction::evict(tables, writer, live_bytes, MOST_CHANGED))?
            == MOST_CHANGED
        {}
        Ok(())
    }

    /// Commits a transaction of no content: what the one before freed can be reused by the one
    /// after.
    fn pass_transaction(&self) -> Result<(), StoreError> {
        let tables = &self.shared().environment.tables;
        self.write(|writer| eviction::next_generation(tables, &mut writer.txn))
            .map(|_| ())
    }
}

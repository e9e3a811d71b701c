//! The environments this process has open, one for each folder.
//!
//! LMDB must not be opened twice in one process: closing either would drop the file locks of
//! both. So a second opener shares what the first one opened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::environment::Environment;
use crate::error::StoreError;
use crate::folder::{self, Notice, Presence};
use crate::key::KEY_BYTES;

static OPEN: Mutex<BTreeMap<PathBuf, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// What all stores of one folder in this process share.
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    // Closed before `presence` is given up: fields drop in this order.
    pub(crate) environment: Environment,
    presence: Presence,
    pub(crate) notice: Option<Notice>,
    /// This process's generation (module `eviction`); 0 until it first writes.
    pub(crate) generation: AtomicU64,
    /// Keys of entries read whose generation is to be raised.
    pub(crate) used: Mutex<Vec<[u8; KEY_BYTES]>>,
    pub(crate) corrupted_reads: AtomicU64,
    /// Set when everything was removed.
    pub(crate) emptied: AtomicBool,
}

/// Opens the folder, or shares it if this process has it open already.
pub(crate) fn acquire(folder: &Path, map_bytes: usize) -> Result<Arc<Shared>, StoreError> {
    let folder = folder::prepare(folder)?;
    let mut open = lock(&OPEN);
    if let Some(shared) = open.get(&folder).and_then(Weak::upgrade) {
        shared
            .environment
            .resize(Some(map_bytes))
            .map_err(|error| shared.environment.error(error))?;
        return Ok(shared);
    }
    let (presence, notice) = folder::enter(&folder)?;
    let shared = Arc::new(Shared {
        environment: Environment::open(&folder, map_bytes)?,
        folder: folder.clone(),
        presence,
        notice,
        generation: AtomicU64::new(0),
        used: Mutex::new(Vec::new()),
        corrupted_reads: AtomicU64::new(0),
        emptied: AtomicBool::new(false),
    });
    open.insert(folder, Arc::downgrade(&shared));
    Ok(shared)
}

/// Gives a share back; the last one closes the environment.
pub(crate) fn release(shared: Arc<Shared>) {
    // Held while closing, so that nobody opens what is not closed yet.
    let mut open = lock(&OPEN);
    if let Some(shared) = Arc::into_inner(shared) {
        open.remove(&shared.folder);
        let Shared {
            folder,
            environment,
            presence,
            emptied,
            ..
        } = shared;
        drop(environment);
        folder::leave(&folder, presence, emptied.load(Ordering::Relaxed));
    }
}

/// Locks whatever a panicking thread left: each of these is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

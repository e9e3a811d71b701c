//! The LMDB environment: its tables, its transactions, and the map beneath them.
//!
//! ```text
//! table     key                                value
//! meta      "format"                           FORMAT
//! meta      "generation"                       u64, the last one given out
//! features  pipeline, content                  a vector (module `value`)
//! used      pipeline, content                  u64, the generation of the last use
//! order     generation, pipeline, content      nothing
//! ```
//!
//! Numbers are big-endian, so `order` lists the entries used longest ago first. The three last
//! tables always change together, in one transaction.
//!
//! What LMDB's errors mean is in `environment/failure.rs`. What is put and evicted is decided in `store` and `eviction`; which files there are, in
//! `folder`.

mod failure;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use heed::types::Bytes;
use heed::{CommitOrAbort, Env, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};

use crate::error::StoreError;
use crate::resident::Resident;

pub(crate) use failure::classify;

/// A table of the environment, by raw bytes.
pub(crate) type Table = heed::Database<'static, Bytes, Bytes>;

/// The mark of a feature store, then the version of everything this crate writes: tables,
/// keys, values. A change to any of them raises the version.
pub(crate) const MARK: &[u8] = b"finial features ";
pub(crate) const FORMAT: u32 = 1;
const FORMAT_KEY: &[u8] = b"format";

/// Read transactions that may be open at once, over all processes.
const MOST_READERS: u32 = 512;
/// Entries walked before the map's pages are given back.
const WALK_ENTRIES: usize = 1024;
/// Entries written before the map's pages are given back.
const WRITE_ENTRIES: usize = 32;

/// What an environment holds, before any of it is believed.
pub(crate) enum Contents {
    /// Nothing yet.
    Nothing,
    /// A feature store of this format; `entries` are counted in [`FORMAT`] only.
    Features { format: u32, entries: u64 },
    /// Tables of another program.
    Foreign,
}

/// The tables of the module documentation.
pub(crate) struct Tables {
    pub(crate) meta: Table,
    pub(crate) features: Table,
    pub(crate) used: Table,
    pub(crate) order: Table,
}

impl Tables {
    /// Bytes in pages that hold something, as the transaction sees it.
    pub(crate) fn live_bytes(&self, txn: &RoTxn<'_, WithoutTls>) -> heed::Result<u64> {
        let mut bytes = 0;
        for table in [&self.meta, &self.features, &self.used, &self.order] {
            let stat = table.stat(txn)?;
            let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
            bytes += pages as u64 * u64::from(stat.page_size);
        }
        Ok(bytes)
    }
}

/// An open environment with its tables.
pub(crate) struct Environment {
    folder: PathBuf,
    env: Env<WithoutTls>,
    pub(crate) tables: Tables,
    /// Shared by every transaction, held alone while the map is replaced.
    gate: RwLock<()>,
    resident: Resident,
}

/// Opens the files of `folder` as they are; `map_bytes` of `None` takes the size they name.
#[allow(unsafe_code)]
pub(crate) fn open_files(folder: &Path, map_bytes: Option<usize>) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.max_dbs(4).max_readers(MOST_READERS);
    if let Some(bytes) = map_bytes {
        options.map_size(bytes);
    }
    // SAFETY: the map must not change under us but through LMDB. The files belong to this
    // program alone (user-only permissions, its own folder); all processes use LMDB's locks
    // (no NO_LOCK) and nobody moves or removes the files while another has them open (module
    // `folder`); a network file system, where the locks do not hold, was refused. Values are
    // copied out, then checked, so even damage on the disk is noticed after the copy.
    unsafe { options.open(folder) }
}

/// Says what the files hold.
pub(crate) fn contents(env: &Env<WithoutTls>) -> heed::Result<Contents> {
    let txn = env.read_txn()?;
    // One snapshot for all of it: another process may be creating the tables.
    let opened = env.open_databases_and_commit(txn, |opener, txn| -> heed::Result<_> {
        let unnamed = opener.open_database::<Bytes, Bytes>(txn, None)?;
        if unnamed.map_or(Ok(0), |unnamed| unnamed.len(txn))? == 0 {
            return Ok(CommitOrAbort::Abort(Contents::Nothing));
        }
        let open = |name| opener.open_database::<Bytes, Bytes>(txn, Some(name));
        match (open("meta")?, open("features")?) {
            (Some(meta), features) => Ok(CommitOrAbort::Commit((meta, features))),
            (None, _) => Ok(CommitOrAbort::Abort(Contents::Foreign)),
        }
    });
    let (meta, features) = match opened {
        Ok(CommitOrAbort::Commit(tables)) => tables,
        Ok(CommitOrAbort::Abort(contents)) => return Ok(contents),
        Err(heed::Error::Mdb(MdbError::Incompatible)) => return Ok(Contents::Foreign),
        Err(error) => return Err(error),
    };
    let txn = env.read_txn()?;
    let format = meta
        .get(&txn, FORMAT_KEY)?
        .and_then(|bytes| bytes.strip_prefix(MARK))
        .and_then(|version| version.try_into().ok())
        .map(u32::from_be_bytes);
    Ok(match (format, features) {
        (None, _) => Contents::Foreign,
        (Some(FORMAT), Some(features)) => Contents::Features {
            format: FORMAT,
            entries: features.len(&txn)?,
        },
        (Some(format), _) => Contents::Features { format, entries: 0 },
    })
}

impl Environment {
    /// Opens the store of `folder`; its tables are created if there are none.
    ///
    /// Files that hold something else are refused: the folder was tidied, so another process
    /// sits on them.
    pub(crate) fn open(folder: &Path, map_bytes: usize) -> Result<Self, StoreError> {
        let failed = |error| classify(folder, map_bytes as u64, error);
        let in_use = |found| StoreError::InUse {
            folder: folder.to_owned(),
            found,
        };
        let env = open_files(folder, Some(map_bytes)).map_err(failed)?;
        match contents(&env).map_err(failed)? {
            Contents::Nothing | Contents::Features { format: FORMAT, .. } => {}
            Contents::Features { format, .. } => {
                return Err(in_use(format!("holds a feature store of format {format}")));
            }
            Contents::Foreign => return Err(in_use("holds another database".to_owned())),
        }
        // Only the first opener needs the writer's lock; the others do not wait for it.
        let tables = match open_tables(&env).map_err(failed)? {
            Some(tables) => tables,
            None => create_tables(&env).map_err(failed)?,
        };
        env.clear_stale_readers().map_err(failed)?;
        let environment = Self {
            folder: folder.to_owned(),
            env,
            tables,
            gate: RwLock::new(()),
            resident: Resident::default(),
        };
        environment.locate().map_err(failed)?;
        Ok(environment)
    }

    /// Bytes of a page.
    pub(crate) fn page_bytes(&self) -> u64 {
        u64::from(self.env.unnamed_database_stat().page_size)
    }

    /// Bytes of the data file.
    pub(crate) fn file_bytes(&self) -> heed::Result<u64> {
        self.env.real_disk_size()
    }

    /// Frees what killed readers kept in use.
    pub(crate) fn clear_stale_readers(&self) -> heed::Result<()> {
        self.env.clear_stale_readers().map(|_| ())
    }

    /// Works in a read transaction; the map's pages are given back at its end.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        // The transaction is named last so that it ends before the gate opens.
        let (_gate, txn) = self.begin(Env::read_txn)?;
        let reader = Reader {
            environment: self,
            txn,
        };
        let result = work(&reader);
        self.release_pages(&reader.txn);
        result
    }

    /// Works in a write transaction, which is committed unless the work fails; the map's pages
    /// are given back as it goes. Waits while another thread or process writes.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let (_gate, txn) = self.begin(Env::write_txn)?;
        let mut writer = Writer {
            environment: self,
            txn,
            entries: 0,
        };
        let result = work(&mut writer)?;
        self.release_pages(&writer.txn);
        writer.txn.commit()?;
        Ok(result)
    }

    #[allow(unsafe_code)]
    fn release_pages(&self, _open: &RoTxn<'_, WithoutTls>) {
        // SAFETY: a transaction of this environment is open, so the gate is held shared: the
        // map that `locate` found last is still there and is not replaced meanwhile.
        unsafe { self.resident.release() };
    }

    /// Finds where the map lies.
    fn locate(&self) -> heed::Result<()> {
        let (_gate, txn) = self.begin(Env::read_txn)?;
        let map_bytes = self.env.info().map_size;
        // Every store has this value, and a read transaction hands out slices of the map.
        if let Some(mapped) = self.tables.meta.get(&txn, FORMAT_KEY)? {
            self.resident.locate(mapped, map_bytes);
        }
        Ok(())
    }

    fn begin<'a, T>(
        &'a self,
        start: impl Fn(&'a Env<WithoutTls>) -> heed::Result<T>,
    ) -> heed::Result<(RwLockReadGuard<'a, ()>, T)> {
        loop {
            let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            match start(&self.env) {
                // A process with a higher limit has grown the file past our map.
                Err(heed::Error::Mdb(MdbError::MapResized)) => {
                    drop(gate);
                    self.resize(None)?;
                }
                Err(heed::Error::Mdb(MdbError::ReadersFull))
                    if self.env.clear_stale_readers()? > 0 => {}
                started => return Ok((gate, started?)),
            }
        }
    }

    /// Makes the map at least `bytes` long, a multiple of the page size; `None` takes the size
    /// that the files name.
    #[allow(unsafe_code)]
    pub(crate) fn resize(&self, bytes: Option<usize>) -> heed::Result<()> {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_some_and(|bytes| bytes <= self.env.info().map_size) {
            return Ok(());
        }
        self.resident.forget();
        // SAFETY: no transaction of this environment may be open. Each holds the gate shared
        // for its whole life, and here it is held alone.
        unsafe { self.env.resize(bytes.unwrap_or(0)) }?;
        drop(gate);
        self.locate()
    }

    /// Says what an LMDB error means for the caller.
    pub(crate) fn error(&self, error: heed::Error) -> StoreError {
        let map_bytes = self.env.info().map_size as u64;
        classify(&self.folder, map_bytes, error)
    }
}

/// A read transaction that sees to the map's pages.
pub(crate) struct Reader<'a> {
    environment: &'a Environment,
    txn: RoTxn<'a, WithoutTls>,
}

impl Reader<'_> {
    /// The value under `key`, in the map. It is to be copied, then checked.
    pub(crate) fn get(&self, table: &Table, key: &[u8]) -> heed::Result<Option<&[u8]>> {
        table.get(&self.txn, key)
    }

    /// Visits each key and value of a table, in the order of keys.
    pub(crate) fn walk(
        &self,
        table: &Table,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> heed::Result<()> {
        for (index, entry) in table.iter(&self.txn)?.enumerate() {
            let (key, value) = entry?;
            visit(key, value);
            if index % WALK_ENTRIES == WALK_ENTRIES - 1 {
                self.environment.release_pages(&self.txn);
            }
        }
        Ok(())
    }

    /// Bytes in pages that hold something.
    pub(crate) fn live_bytes(&self) -> heed::Result<u64> {
        self.environment.tables.live_bytes(&self.txn)
    }
}

/// A write transaction that sees to the map's pages.
pub(crate) struct Writer<'a> {
    environment: &'a Environment,
    pub(crate) txn: RwTxn<'a>,
    entries: usize,
}

impl Writer<'_> {
    /// Counts an entry that was put or removed. Each touches pages all over the map, since
    /// keys are hashes, so they are given back every few.
    pub(crate) fn count_entry(&mut self) {
        self.entries += 1;
        if self.entries.is_multiple_of(WRITE_ENTRIES) {
            self.environment.release_pages(&self.txn);
        }
    }
}

fn open_tables(env: &Env<WithoutTls>) -> heed::Result<Option<Tables>> {
    let txn = env.read_txn()?;
    let opened = env.open_databases_and_commit(txn, |opener, txn| -> heed::Result<_> {
        let open = |name| opener.open_database::<Bytes, Bytes>(txn, Some(name));
        let tables = (
            open("meta")?,
            open("features")?,
            open("used")?,
            open("order")?,
        );
        Ok(CommitOrAbort::<_, Infallible>::Commit(tables))
    })?;
    Ok(match opened {
        CommitOrAbort::Commit((Some(meta), Some(features), Some(used), Some(order))) => {
            Some(Tables {
                meta,
                features,
                used,
                order,
            })
        }
        CommitOrAbort::Commit(_) => None,
        CommitOrAbort::Abort(never) => match never {},
    })
}

fn create_tables(env: &Env<WithoutTls>) -> heed::Result<Tables> {
    let txn = env.write_txn()?;
    let created = env.create_databases_and_commit(txn, |opener, txn| -> heed::Result<_> {
        let meta = opener.create_database::<Bytes, Bytes>(txn, Some("meta"))?;
        let features = opener.create_database::<Bytes, Bytes>(txn, Some("features"))?;
        let used = opener.create_database::<Bytes, Bytes>(txn, Some("used"))?;
        let order = opener.create_database::<Bytes, Bytes>(txn, Some("order"))?;
        let format = [MARK, &FORMAT.to_be_bytes()].concat();
        meta.put(txn, FORMAT_KEY, &format)?;
        Ok(CommitOrAbort::<_, Infallible>::Commit((
            meta, features, used, order,
        )))
    })?;
    match created {
        CommitOrAbort::Commit((meta, features, used, order)) => Ok(Tables {
            meta,
            features,
            used,
            order,
        }),
        CommitOrAbort::Abort(never) => match never {},
    }
}

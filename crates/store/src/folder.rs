//! The store's folder: where it is, who is in it, and what is done with files that do not fit.
//!
//! ```text
//! data.mdb    the environment (LMDB)
//! lock.mdb    its lock table (LMDB)
//! open.lock   locked shared by every process that has the environment open
//! ```
//!
//! Files are renamed or removed only under the exclusive lock on `open.lock`, hence only while
//! nobody has them open: LMDB would not survive two data files behind one lock table.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use heed::{Env, MdbError, WithoutTls};

use crate::environment::{self, Contents, FORMAT};
use crate::error::StoreError;

const DATA: &str = "data.mdb";
const LOCK_TABLE: &str = "lock.mdb";
const OPEN_LOCK: &str = "open.lock";

/// An empty store keeps a file up to this size.
const EMPTY_FILE_BYTES: u64 = 1 << 20;

/// What was done, on opening, with files that were not a store of this format. To be shown to
/// the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A feature store of another format was removed; it fills again.
    ClearedOtherFormat {
        /// The format found.
        found: u32,
    },
    /// A file that is not a feature store was renamed.
    SetAside {
        /// Its name now.
        path: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClearedOtherFormat { found } => write!(
                formatter,
                "the feature store had format {found}, this version writes format {FORMAT}: \
                 it was cleared and fills again"
            ),
            Self::SetAside { path } => write!(
                formatter,
                "the feature store's file could not be read and was renamed to {}; delete it \
                 if you do not know it",
                path.display()
            ),
        }
    }
}

/// Says, for as long as it lives, that this process has the environment open.
pub(crate) struct Presence {
    _lock: File,
}

/// Creates the folder, for the user only, unless it is there, and returns its one true path.
pub(crate) fn prepare(folder: &Path) -> Result<PathBuf, StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| failed("create", folder, source))?;
    let folder = folder
        .canonicalize()
        .map_err(|source| failed("open", folder, source))?;
    match network_file_system(&folder) {
        Some(filesystem) => Err(StoreError::RemoteFolder { folder, filesystem }),
        None => Ok(folder),
    }
}

/// Enters the folder. If nobody else is in it, files that do not fit are dealt with first.
pub(crate) fn enter(folder: &Path) -> Result<(Presence, Option<Notice>), StoreError> {
    let path = folder.join(OPEN_LOCK);
    let lock = open_private(&path).map_err(|source| failed("open", &path, source))?;
    let notice = match lock.try_lock() {
        Ok(()) => {
            let notice = tidy(folder)?;
            // The way from the exclusive to the shared lock is not one step everywhere, so the
            // environment is closed on it, and opened again after it.
            lock.unlock()
                .map_err(|source| failed("unlock", &path, source))?;
            notice
        }
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path, source)),
    };
    lock.lock_shared()
        .map_err(|source| failed("lock", &path, source))?;
    Ok((Presence { _lock: lock }, notice))
}

/// Leaves the folder. An emptied store gives its disk space back if nobody else is in it.
pub(crate) fn leave(folder: &Path, presence: Presence, emptied: bool) {
    drop(presence);
    if !emptied {
        return;
    }
    // Best effort: the next process to enter tries again.
    if let Ok(lock) = open_private(&folder.join(OPEN_LOCK))
        && lock.try_lock().is_ok()
    {
        let _ = tidy(folder);
    }
}

/// Deals with files that do not fit. Needs the exclusive lock.
fn tidy(folder: &Path) -> Result<Option<Notice>, StoreError> {
    let data = folder.join(DATA);
    let file_bytes = match fs::metadata(&data) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", &data, source)),
    };
    let contents = environment::open_files(folder, None).and_then(|env| {
        fill_up(&data, file_bytes, &env)?;
        environment::contents(&env)
    });
    match contents {
        Ok(Contents::Nothing) => Ok(None),
        Ok(Contents::Features {
            format: FORMAT,
            entries,
        }) => {
            if entries == 0 && file_bytes > EMPTY_FILE_BYTES {
                remove(folder)?;
            }
            Ok(None)
        }
        Ok(Contents::Features { format, .. }) => {
            remove(folder)?;
            Ok(Some(Notice::ClearedOtherFormat { found: format }))
        }
        Ok(Contents::Foreign) => set_aside(folder).map(Some),
        Err(heed::Error::Mdb(
            MdbError::Invalid
            | MdbError::VersionMismatch
            | MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Incompatible,
        )) => set_aside(folder).map(Some),
        Err(error) => Err(environment::classify(folder, 0, error)),
    }
}

/// A file cut short would end the process on the first read past its end (SIGBUS). Filled up
/// with zeros, what is missing fails its checks instead.
fn fill_up(data: &Path, file_bytes: u64, env: &Env<WithoutTls>) -> heed::Result<()> {
    let pages = env.info().last_page_number as u64 + 1;
    let needed = pages.saturating_mul(u64::from(env.unnamed_database_stat().page_size));
    if file_bytes < needed {
        File::options().write(true).open(data)?.set_len(needed)?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    for name in [DATA, LOCK_TABLE] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &path, source));
            }
            _ => {}
        }
    }
    Ok(())
}

fn set_aside(folder: &Path) -> Result<Notice, StoreError> {
    let data = folder.join(DATA);
    let aside = (1_u32..)
        .map(|number| folder.join(format!("data.set-aside-{number}.mdb")))
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| folder.join("data.set-aside.mdb"));
    fs::rename(&data, &aside).map_err(|source| failed("rename", &data, source))?;
    remove(folder)?;
    Ok(Notice::SetAside { path: aside })
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Folder {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The name of the network file system that `folder` is on, if it is on one that is known.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    // From statfs(2) and the kernel's magic.h.
    const NETWORK: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "SMB (CIFS)"),
        (0xfe53_4d42, "SMB 2"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
    ];
    // The type's width differs between architectures; the numbers have 32 bits.
    let magic = rustix::fs::statfs(folder).ok()?.f_type as u32;
    NETWORK
        .iter()
        .find(|(number, _)| *number == magic)
        .map(|(_, name)| *name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn network_file_system(_folder: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_programs_database_is_set_aside_whole() {
        let folder = tempfile::tempdir().unwrap();
        let env = environment::open_files(folder.path(), None).unwrap();
        let txn = env.write_txn().unwrap();
        let created = env.create_databases_and_commit(txn, |opener, txn| {
            let table = opener.create_database::<heed::types::Str, heed::types::Str>(txn, None)?;
            table.put(txn, "meta", "theirs")?;
            Ok::<_, heed::Error>(heed::CommitOrAbort::<(), ()>::Commit(()))
        });
        assert!(created.is_ok());
        drop(env);
        let theirs = fs::read(folder.path().join(DATA)).unwrap();

        let (presence, notice) = enter(folder.path()).unwrap();
        let Some(Notice::SetAside { path }) = notice else {
            panic!("{notice:?}");
        };
        assert_eq!(fs::read(path).unwrap(), theirs);
        assert!(!folder.path().join(DATA).exists());
        leave(folder.path(), presence, false);
    }

    #[test]
    fn what_is_set_aside_does_not_replace_what_was_set_aside_before() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..3 {
            fs::write(folder.path().join(DATA), vec![number; 9000]).unwrap();
            let (_, notice) = enter(folder.path()).unwrap();
            let path = folder.path().join(format!("data.set-aside-{number}.mdb"));
            assert_eq!(notice, Some(Notice::SetAside { path: path.clone() }));
            assert_eq!(fs::read(path).unwrap(), vec![number; 9000]);
        }
    }
}

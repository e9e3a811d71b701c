//! What LMDB's errors mean for the caller.

use std::io::{self, Write};
use std::path::Path;

use heed::MdbError;

use crate::error::StoreError;

/// Says what an LMDB error means for the caller of a store of `limit` bytes in `folder`.
pub(crate) fn classify(folder: &Path, limit: u64, error: heed::Error) -> StoreError {
    let folder = folder.to_owned();
    match error {
        heed::Error::Mdb(MdbError::MapFull) => StoreError::Full { folder, limit },
        heed::Error::Mdb(
            MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Invalid
            | MdbError::CursorFull
            | MdbError::PageFull,
        ) => StoreError::Damaged {
            folder,
            source: error,
        },
        heed::Error::Io(source) => match disk_full(&folder, source) {
            Ok(source) => StoreError::DiskFull { folder, source },
            Err(source) => StoreError::Database {
                folder,
                source: heed::Error::Io(source),
            },
        },
        source => StoreError::Database { folder, source },
    }
}

/// Sorts out what a full disk, quota or file-size limit caused: `Ok` with the true cause.
///
/// LMDB reports a write that was cut short as an uncategorised EIO, whatever cut it. Then the
/// disk is asked again, with a file that leaves no trace.
fn disk_full(folder: &Path, error: io::Error) -> Result<io::Error, io::Error> {
    static PROBE: [u8; 1 << 16] = [0; 1 << 16];
    const PROBE_BYTES: usize = 16 << 20;
    let full = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    };
    if full(&error) {
        return Ok(error);
    }
    let known = [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound];
    if known.contains(&error.kind()) {
        return Err(error);
    }
    let probed = tempfile::tempfile_in(folder).and_then(|mut file| {
        (0..PROBE_BYTES / PROBE.len()).try_for_each(|_| file.write_all(&PROBE))
    });
    match probed {
        Err(cause) if full(&cause) => Ok(cause),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_full_quota_are_told_apart_from_other_failures() {
        let folder = Path::new("/nowhere");
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ] {
            let error = classify(folder, 1, heed::Error::Io(kind.into()));
            assert!(matches!(error, StoreError::DiskFull { .. }), "{kind:?}");
        }
        let denied = heed::Error::Io(io::ErrorKind::PermissionDenied.into());
        assert!(matches!(
            classify(folder, 1, denied),
            StoreError::Database { .. }
        ));
        let full = heed::Error::Mdb(MdbError::MapFull);
        assert!(matches!(
            classify(folder, 1, full),
            StoreError::Full { limit: 1, .. }
        ));
    }
}

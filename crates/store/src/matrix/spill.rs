//! The temporary file behind a matrix too large for memory: written once, read by position.
//!
//! Positioned reads, not a map: what they read does not count as the process's memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::MatrixError;

const WRITE_BUFFER_BYTES: usize = 1 << 20;
/// The most values one read takes: 1 MiB.
const MOST_READ_VALUES: usize = 1 << 18;

/// Writes the values, in native byte order: the file does not leave this process.
#[derive(Debug)]
pub(super) struct SpillWriter {
    file: BufWriter<File>,
    folder: PathBuf,
}

impl SpillWriter {
    pub(super) fn create(folder: &Path) -> Result<Self, MatrixError> {
        let file = tempfile::tempfile_in(folder).map_err(failed("create", folder))?;
        Ok(Self {
            file: BufWriter::with_capacity(WRITE_BUFFER_BYTES, file),
            folder: folder.to_owned(),
        })
    }

    pub(super) fn write(&mut self, values: &[f32]) -> Result<(), MatrixError> {
        self.file
            .write_all(bytemuck::cast_slice(values))
            .map_err(failed("write", &self.folder))
    }

    pub(super) fn finish(self) -> Result<Spill, MatrixError> {
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed("write", &self.folder)(error.into_error()))?;
        Ok(Spill {
            file,
            folder: self.folder,
        })
    }
}

/// The file, complete.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    folder: PathBuf,
}

impl Spill {
    /// Reads these rows into `out`, which is `[rows.len(), columns]`. Rows that are neighbours
    /// in the file are read at once, in whatever order they are asked for.
    pub(super) fn gather(
        &self,
        columns: usize,
        rows: &[usize],
        out: &mut [f32],
    ) -> Result<(), MatrixError> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_unstable_by_key(|&place| rows[place]);
        let most_rows = (MOST_READ_VALUES / columns).max(1);
        let mut run = Vec::new();
        let mut rest = order.as_slice();
        while let Some(&first_place) = rest.first() {
            let first = rows[first_place];
            let mut places = 1;
            while let Some(&place) = rest.get(places)
                && rows[place] - rows[rest[places - 1]] <= 1
                && rows[place] - first < most_rows
            {
                places += 1;
            }
            let (now, later) = rest.split_at(places);
            let last = rows[now[places - 1]];
            run.resize((last - first + 1) * columns, 0.0);
            self.read(first * columns, &mut run)?;
            for &place in now {
                let row = &run[(rows[place] - first) * columns..][..columns];
                out[place * columns..][..columns].copy_from_slice(row);
            }
            rest = later;
        }
        Ok(())
    }

    fn read(&self, first_value: usize, values: &mut [f32]) -> Result<(), MatrixError> {
        read_exact_at(
            &self.file,
            bytemuck::cast_slice_mut(values),
            first_value as u64 * 4,
        )
        .map_err(failed("read", &self.folder))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn failed(action: &'static str, folder: &Path) -> impl FnOnce(io::Error) -> MatrixError {
    let folder = folder.to_owned();
    move |source| MatrixError::Spill {
        action,
        folder,
        source,
    }
}

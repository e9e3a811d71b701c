//! The archive inside of the program: an uncompressed tar of the folder as it is to be written.
//!
//! Pictures do not shrink further, so nothing is unpacked in memory: [`files`] gives slices of the
//! archive itself. A picture that two data sets share is stored once and linked the second time;
//! on disk each gets a copy of its own, so that changing one leaves the other alone.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use tar::{Archive, EntryType};

use crate::DemoError;

const SAMPLE: &[u8] = include_bytes!("../sample/sample.tar");

/// What the pictures' licences ask to be passed on with them.
const NOTICES: [(&str, &str); 3] = [
    (
        "LICENSE-APACHE-2.0.txt",
        include_str!("../sample/LICENSE-APACHE-2.0.txt"),
    ),
    ("LICENSE-MIT.txt", include_str!("../sample/LICENSE-MIT.txt")),
    ("NOTICE.txt", include_str!("../sample/NOTICE.txt")),
];

/// Content of every file by its path in the demo folder.
pub(crate) type Files = BTreeMap<PathBuf, &'static [u8]>;

/// Every file that makes up the demo folder.
pub(crate) fn files() -> Result<Files, DemoError> {
    let mut files = read(SAMPLE).map_err(|source| DemoError::Damaged { source })?;
    files.extend(NOTICES.map(|(name, text)| (PathBuf::from(name), text.as_bytes())));
    Ok(files)
}

fn read(archive: &'static [u8]) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in Archive::new(archive).entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let content = match entry.header().entry_type() {
            EntryType::Regular => {
                let start = entry.raw_file_position() as usize;
                archive.get(start..start + entry.size() as usize)
            }
            EntryType::Link => match entry.link_name()? {
                Some(first) => files.get(first.as_ref()).copied(),
                None => None,
            },
            _ => None,
        };
        let content = content.ok_or_else(|| {
            let what = format!("`{}` has no content", path.display());
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        files.insert(path, content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_embedded_stays_below_six_megabytes() {
        let notices: usize = NOTICES.iter().map(|(_, text)| text.len()).sum();
        assert!(SAMPLE.len() + notices < 6_000_000);
    }

    #[test]
    fn a_shared_picture_is_stored_once_and_listed_twice() {
        let files = files().unwrap();
        let ant = |path: &str| files[Path::new(path)];
        let (one, two) = (ant("kinds/animal/ant.png"), ant("keywords/images/ant.png"));
        assert!(std::ptr::eq(one, two));
    }

    #[test]
    fn a_cut_off_archive_is_reported() {
        assert!(read(&SAMPLE[..SAMPLE.len() / 2]).is_err());
    }
}

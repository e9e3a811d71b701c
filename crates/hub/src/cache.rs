//! The place of one file on disk: its path, its part, its lock, and whether it is right.
//!
//! ```text
//! weights/HOST/DIGEST OF THE URL/
//!     NAME            the file, whole and checked
//!     NAME.checked    what it was checked against, with its size and time
//!     NAME.lock       locked by the process that fetches it
//!     NAME.part       what came so far
//!     NAME.version    which version of the file the part is of
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use finial_graph::backbones::{self, Checksum};
use url::{Host, Url};

use crate::checksum::{Digests, Mismatch, sha256_of};
use crate::error::HubError;

/// Digits of the URL's digest in the path.
const URL_DIGITS: usize = 16;

/// Endings of what lies beside a file.
const BESIDE: [&str; 4] = ["checked", "lock", "part", "version"];

/// The longest file name, so that the names beside it fit every file system.
const NAME_BYTES: usize = 120;

/// The files in the folders `HOST/DIGEST`, without what lies beside each.
pub(crate) fn kept(cache: &Path) -> Result<Vec<(PathBuf, u64)>, HubError> {
    let mut folders = vec![(cache.to_owned(), 0)];
    let mut files = Vec::new();
    while let Some((folder, depth)) = folders.pop() {
        let unread = |source| failed("read", &folder, source);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unread(error)),
        };
        for entry in entries {
            let entry = entry.map_err(unread)?;
            let path = entry.path();
            let metadata = entry.metadata().map_err(unread)?;
            let is_beside = BESIDE
                .iter()
                .any(|ending| path.extension().is_some_and(|own| own == *ending));
            if metadata.is_dir() && depth < 2 {
                folders.push((path, depth + 1));
            } else if metadata.is_file() && depth == 2 && !is_beside {
                files.push((path, metadata.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Where a file comes from and where it lies.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) url: Url,
    folder: PathBuf,
    name: String,
}

/// What is at a place.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    Good,
    /// Fetched once, changed since.
    Damaged(Mismatch),
}

impl Place {
    /// The place of `file` in the cache folder. Touches nothing.
    pub(crate) fn new(cache: &Path, file: &backbones::File) -> Result<Self, HubError> {
        let bad = |reason: String| HubError::BadUrl {
            url: file.url.to_owned(),
            reason,
        };
        let url = Url::parse(file.url).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(bad(format!("`{}` is not fetched from", url.scheme())));
        }
        let host = url.host_str().ok_or_else(|| bad("no host".to_owned()))?;
        if !is_secure(&url) {
            return Err(HubError::NotSecure {
                url: file.url.to_owned(),
                from: None,
            });
        }
        let last = url.path_segments().and_then(Iterator::last).unwrap_or("");
        let name = plain(last);
        if name.is_empty() {
            return Err(bad("it names a folder".to_owned()));
        }
        let digest = sha256_of(url.as_str());
        let folder = cache
            .join(plain(host))
            .join(digest.get(..URL_DIGITS).unwrap_or(&digest));
        Ok(Self { url, folder, name })
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub(crate) fn part(&self) -> PathBuf {
        self.beside("part")
    }

    pub(crate) fn version(&self) -> PathBuf {
        self.beside("version")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    /// Creates the folder, for the user only, unless it is there.
    pub(crate) fn prepare(&self) -> Result<(), HubError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.folder)
            .map_err(|source| failed("create", &self.folder, source))
    }

    /// Waits until no other process fetches this file. The lock holds while the result lives, and
    /// ends with the process in any case. The empty file stays: removing it would let two in.
    pub(crate) fn lock(&self) -> Result<File, HubError> {
        let path = self.beside("lock");
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| failed("open", &path, source))?;
        lock.lock()
            .map_err(|source| failed("lock", &path, source))?;
        Ok(lock)
    }

    /// What is there. A file is read if it was never checked against `checksum`, or if its size or
    /// time is no longer what it was then.
    pub(crate) fn find(&self, checksum: Checksum) -> Result<Found, HubError> {
        let path = self.file();
        let read = |source| failed("read", &path, source);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(read(error)),
        };
        let seal = self.seal();
        if let Some(seal) = &seal
            && seal.checksum == key(checksum)
            && seal.stamp == stamp(&metadata)
        {
            return Ok(Found::Good);
        }
        let digests = Digests::of(&path).map_err(read)?;
        let known = seal.as_ref().map(|seal| seal.sha256.as_str());
        match (digests.check(checksum, known), seal) {
            (Ok(()), seal) => {
                let fetched = seal.is_some_and(|seal| seal.fetched);
                self.write_seal(checksum, &digests, fetched);
                Ok(Found::Good)
            }
            (Err(mismatch), Some(Seal { fetched: true, .. })) => Ok(Found::Damaged(mismatch)),
            // Put there by hand, so it is not replaced.
            (Err(mismatch), _) => Err(self.wrong(mismatch)),
        }
    }

    /// Makes the part the file, after the part was checked.
    pub(crate) fn finish(&self, checksum: Checksum, digests: &Digests) -> Result<(), HubError> {
        let file = self.file();
        fs::rename(self.part(), &file).map_err(|source| failed("rename to", &file, source))?;
        // So that a power cut does not undo the renaming; not every system can.
        #[cfg(unix)]
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        let _ = fs::remove_file(self.version());
        self.write_seal(checksum, digests, true);
        Ok(())
    }

    pub(crate) fn wrong(&self, mismatch: Mismatch) -> HubError {
        HubError::WrongFile {
            url: self.url.to_string(),
            expected: mismatch.expected,
            found: mismatch.found,
            path: self.file(),
        }
    }

    fn seal(&self) -> Option<Seal> {
        let text = fs::read_to_string(self.beside("checked")).ok()?;
        let mut lines = text.lines();
        let mut next = || lines.next().map(str::to_owned);
        Some(Seal {
            checksum: next()?,
            sha256: next()?,
            stamp: next()?,
            fetched: next()? == "fetched",
        })
    }

    /// Without a seal the file is read again next time, so a folder that is only for reading is no
    /// error.
    fn write_seal(&self, checksum: Checksum, digests: &Digests, fetched: bool) {
        let write = || -> io::Result<()> {
            let stamp = stamp(&fs::metadata(self.file())?);
            let how = if fetched { "fetched" } else { "given" };
            let mut beside = tempfile::NamedTempFile::new_in(&self.folder)?;
            let (checksum, sha256) = (key(checksum), &digests.sha256);
            write!(beside, "{checksum}\n{sha256}\n{stamp}\n{how}\n")?;
            beside.persist(self.beside("checked"))?;
            Ok(())
        };
        let _ = write();
    }
}

/// What the file beside a checked file says.
struct Seal {
    checksum: String,
    sha256: String,
    stamp: String,
    fetched: bool,
}

/// Whether nobody on the way could change what is sent: TLS, or this machine alone.
pub(crate) fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the server is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> HubError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            HubError::DiskFull {
                path: path.to_owned(),
                source,
            }
        }
        _ => HubError::Folder {
            action,
            path: path.to_owned(),
            source,
        },
    }
}

/// A name that every file system takes, and that leads nowhere else.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => c,
            _ => '_',
        })
        .collect();
    // The end is kept: the ending says the format.
    let start = plain.len().saturating_sub(NAME_BYTES);
    let kept = plain.get(start..).unwrap_or_default();
    kept.trim_matches('.').to_owned()
}

fn key(checksum: Checksum) -> String {
    match checksum {
        Checksum::Md5(digest) => format!("md5 {digest}"),
        Checksum::Sha256(digest) => format!("sha256 {digest}"),
        Checksum::Sha256Prefix(digits) => format!("sha256 prefix {digits}"),
        Checksum::FromServer => "server".to_owned(),
    }
}

/// Size and time of last change, by which a change is noticed without reading.
fn stamp(metadata: &fs::Metadata) -> String {
    let time = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!("{} bytes {} ns", metadata.len(), time.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &'static str) -> Result<Place, HubError> {
        let checksum = Checksum::FromServer;
        Place::new(Path::new("cache"), &backbones::File { url, checksum })
    }

    #[test]
    fn files_of_one_name_do_not_meet() {
        let urls = [
            "https://one.example/model.safetensors",
            "https://two.example/model.safetensors",
            "https://one.example/other/model.safetensors",
            "https://one.example/model.safetensors?v=2",
            "https://one.example/Model.safetensors",
        ];
        let paths: std::collections::BTreeSet<String> = urls
            .iter()
            .map(|url| place(url).unwrap().file())
            .map(|path| path.to_string_lossy().to_lowercase())
            .collect();
        assert_eq!(paths.len(), urls.len());
    }

    #[test]
    fn a_file_keeps_its_published_name() {
        let path = place("https://download.example/models/resnet50-0676ba61.pth")
            .unwrap()
            .file();
        assert!(path.ends_with("resnet50-0676ba61.pth"));
        assert!(path.starts_with("cache/download.example"));
    }

    #[test]
    fn no_url_leads_out_of_the_folder() {
        for url in [
            "https://one.example/%2e%2e%2f%2e%2e%2fetc",
            "https://one.example/..%2f..%2fetc",
            "https://one.example/a%00b:c",
            "https://one.example/..\\..\\x",
            "https://[::1]/x.h5",
        ] {
            let path = place(url).unwrap().file();
            let mut parts = path.components();
            assert!(parts.all(|part| matches!(part, std::path::Component::Normal(_))));
            assert_eq!(path.components().count(), 4, "{path:?}");
            assert!(!path.to_string_lossy().contains([':', '\\', '\0']));
        }
        let url = format!("https://one.example/{}.h5", "x".repeat(5000)).leak();
        assert_eq!(place(url).unwrap().name.len(), NAME_BYTES);
    }

    #[test]
    fn what_is_not_the_url_of_a_file_is_refused() {
        for url in [
            "",
            "resnet50.h5",
            "file:///etc/passwd",
            "ftp://a.example/x",
            "https://a.example/",
            "https://a.example/models/",
        ] {
            let error = place(url).unwrap_err();
            assert!(matches!(error, HubError::BadUrl { .. }), "{error}");
        }
    }

    #[test]
    fn http_is_taken_from_this_machine_only() {
        for url in ["http://a.example/x.h5", "http://127.0.0.1.a.example/x.h5"] {
            let error = place(url).unwrap_err();
            assert!(matches!(error, HubError::NotSecure { .. }), "{error}");
        }
        for url in [
            "http://127.0.0.1:80/x.h5",
            "http://localhost/x",
            "http://[::1]/x",
        ] {
            assert!(place(url).is_ok());
        }
    }

    #[test]
    fn a_full_disk_is_said() {
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ] {
            let error = failed("write", Path::new("x"), kind.into());
            assert!(matches!(error, HubError::DiskFull { .. }));
        }
    }
}

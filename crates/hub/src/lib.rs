//! Fetches published weights into a cache folder, whole and checked.
//!
//! [`Hub::fetch`] takes a [`File`], which is a URL and what its content must be, and gives the
//! path of its copy on this machine. The second time nothing is asked of the network.
//!
//! What is kept to:
//!
//! - **Only what was published.** A file is at its place if it is whole and its digest is right;
//!   until then it is a `.part` beside. A page of HTML from a captive portal is said as such.
//! - **Only over TLS.** `http://` is taken for this machine alone (`localhost` and loopback
//!   addresses), as browsers do, and no redirect leads from `https` to `http`.
//! - **It ends.** Tries, redirects, silence and bytes are bounded by [`Limits`]. What a try brought
//!   is kept and the next one, or the next run, goes on from there, if the server says that it is
//!   still the same file.
//! - **Runs side by side.** A lock lets one process fetch while the others wait for its file.
//!
//! The certificates trusted are the system's, so a company's own are; where the system has none,
//! Mozilla's, which are compiled in. `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.
//!
//! The subject of each room: [`Hub`] and its settings here, the place on disk in `cache`, one
//! fetch with its tries in `fetch`, one answer with its redirects in `http`, digests in
//! `checksum`. What does not live here: which weights there are (`finial_graph::backbones`), and
//! reading them (`finial-formats`).
//!
//! ```
//! use finial_graph::backbones::{Checksum, File};
//! use finial_hub::{Hub, HubError};
//!
//! let folder = tempfile::tempdir()?;
//! let hub = Hub::new(folder.path()).offline(true);
//! let file = File {
//!     url: "https://example.org/weights/tiny.h5",
//!     checksum: Checksum::Md5("9e107d9d372bb6826bd81d3542a419d6"),
//! };
//! // Not there yet, and offline: the error says where it could be put by hand.
//! let error = hub.fetch(&file, &mut |_, _| {});
//! assert!(matches!(error, Err(HubError::Offline { .. })));
//!
//! std::fs::create_dir_all(hub.path_of(&file)?.parent().unwrap())?;
//! std::fs::write(hub.path_of(&file)?, "The quick brown fox jumps over the lazy dog")?;
//! assert_eq!(hub.fetch(&file, &mut |_, _| {})?, hub.path_of(&file)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod checksum;
mod error;
mod fetch;
mod http;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cache::{Found, Place};
use finial_graph::backbones::File;

pub use error::HubError;

/// The cache folder, and how files come into it.
#[derive(Clone, Debug)]
pub struct Hub {
    folder: PathBuf,
    offline: bool,
    limits: Limits,
}

/// What bounds a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest that finding a server and connecting to it may take each.
    pub connect: Duration,
    /// The longest that a server may be silent.
    pub silence: Duration,
    /// How often a fetch is tried. A server that is down, and a connection that breaks, are tried
    /// again; a wrong file or one that is not there is not. Half as often if no server ever
    /// answers, as without a network.
    pub tries: u32,
    /// The pause before the second try. It doubles with every further one, up to a minute, unless
    /// the server names a time.
    pub pause: Duration,
    /// Redirects followed in one try.
    pub redirects: u32,
    /// The largest file taken, in bytes.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            tries: 5,
            pause: Duration::from_secs(1),
            redirects: 10,
            bytes: 16 << 30,
        }
    }
}

impl Hub {
    /// A hub that keeps its files under `folder`, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            offline: false,
            limits: Limits::default(),
        }
    }

    /// The hub that the environment asks for: offline if `FINIAL_OFFLINE` is set to anything but
    /// `0`, `false` or `no`.
    pub fn from_environment(folder: impl Into<PathBuf>) -> Self {
        let offline = env::var_os("FINIAL_OFFLINE").is_some_and(|value| {
            let value = value.to_string_lossy().to_ascii_lowercase();
            !matches!(value.trim(), "" | "0" | "false" | "no")
        });
        Self::new(folder).offline(offline)
    }

    /// The same hub, which asks nothing of the network if `offline`.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The same hub with other bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether it asks nothing of the network.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Where the files are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the file is kept, whether it is there or not: `HOST/DIGEST OF THE URL/NAME` in the
    /// folder, so files of one name from two publishers, or of two networks, do not meet. A file
    /// that was fetched by other means can be put there by hand.
    ///
    /// # Errors
    ///
    /// [`HubError::BadUrl`] or [`HubError::NotSecure`] for a URL that is never fetched.
    pub fn path_of(&self, file: &File) -> Result<PathBuf, HubError> {
        Ok(Place::new(&self.folder, file)?.file())
    }

    /// The files that are kept, fetched or put there by hand, and their bytes, by path. What is
    /// still being fetched is not among them.
    ///
    /// # Errors
    ///
    /// [`HubError::Folder`] if the folder is there and cannot be read.
    pub fn kept(&self) -> Result<Vec<(PathBuf, u64)>, HubError> {
        cache::kept(&self.folder)
    }

    /// The file's path if it is there and right, with no request made. A file is read and its
    /// digest taken when it is met for the first time, and when its size or time has changed
    /// since. One put there by hand for which the publisher gives no digest beforehand is taken
    /// as it is.
    ///
    /// # Errors
    ///
    /// [`HubError::WrongFile`] for a file put there by hand with another digest,
    /// [`HubError::Folder`] for one that cannot be read, and those of [`path_of`](Self::path_of).
    pub fn cached(&self, file: &File) -> Result<Option<PathBuf>, HubError> {
        let place = Place::new(&self.folder, file)?;
        Ok(match place.find(file.checksum)? {
            Found::Good => Some(place.file()),
            Found::Nothing | Found::Damaged(_) => None,
        })
    }

    /// The path of the file, which is fetched unless it is there and right. A fetched file that
    /// was damaged since is fetched again.
    ///
    /// `progress` hears the bytes that are there and, if the server says it, the bytes of the
    /// whole file: once at the start of each try, which may be less than before, and after each
    /// piece. It is not called if nothing is fetched.
    ///
    /// While another process fetches the same file, this waits for it.
    ///
    /// # Errors
    ///
    /// Those of [`cached`](Self::cached); [`HubError::Offline`] if the file would have to be
    /// fetched and must not; [`HubError::GaveUp`] if the network fails or stays silent; and what
    /// else [`HubError`] says of a server's answer and of the disk.
    pub fn fetch(
        &self,
        file: &File,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<PathBuf, HubError> {
        let place = Place::new(&self.folder, file)?;
        match place.find(file.checksum)? {
            Found::Good => return Ok(place.file()),
            Found::Damaged(mismatch) if self.offline => return Err(place.wrong(mismatch)),
            Found::Nothing if self.offline => {
                return Err(HubError::Offline {
                    url: file.url.to_owned(),
                    path: place.file(),
                });
            }
            Found::Nothing | Found::Damaged(_) => {}
        }
        place.prepare()?;
        let _lock = place.lock()?;
        // Another process may have fetched it while this one waited.
        if !matches!(place.find(file.checksum)?, Found::Good) {
            fetch::fetch(&place, file.checksum, &self.limits, progress)?;
        }
        Ok(place.file())
    }
}

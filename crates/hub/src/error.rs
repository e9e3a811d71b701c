//! What can go wrong on the way from a publisher to the cache folder, and the way out of each.

use std::io;
use std::path::PathBuf;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum HubError {
    /// The URL is none, or not one to fetch from.
    #[error("expected the URL of a file, found `{url}`: {reason}")]
    #[diagnostic(help("give a whole URL, as in `https://example.org/weights.h5`"))]
    BadUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// Anybody on the way could change what is sent.
    #[error("expected a file behind https, found `{url}`{}", redirected(.from))]
    #[diagnostic(help(
        "use the https address; if the publisher has none, fetch the file by other means and \
         give it with `--weights FILE`"
    ))]
    NotSecure {
        /// The URL.
        url: String,
        /// The URL that led there, if a redirect did.
        from: Option<String>,
    },

    /// The file is not there, and the network must not be asked.
    #[error("offline, and `{url}` is not in the cache: expected it at `{}`", path.display())]
    #[diagnostic(help("unset FINIAL_OFFLINE to have it fetched, or {}", by_hand(url, path)))]
    Offline {
        /// Where it would be fetched from.
        url: String,
        /// Where it would lie.
        path: PathBuf,
    },

    /// The network, or the server, failed at every try.
    #[error("cannot fetch `{url}`: {reason}, at the last of {tries} tries")]
    #[diagnostic(help(
        "check the network, and behind a proxy HTTPS_PROXY, and run again{}; or {}",
        goes_on(*.kept), by_hand(url, path)
    ))]
    GaveUp {
        /// Where it was to be fetched from.
        url: String,
        /// What went wrong at the last try.
        reason: String,
        /// How often it was tried.
        tries: u32,
        /// Bytes that are kept for the next run.
        kept: u64,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// No secure connection.
    #[error("cannot fetch `{url}`: no secure connection to {host}: {reason}")]
    #[diagnostic(help(
        "check the clock; behind a proxy that opens secure connections, install its certificate \
         in the system or name it in SSL_CERT_FILE; or {}",
        by_hand(url, path)
    ))]
    NotTrusted {
        /// Where it was to be fetched from.
        url: String,
        /// The server spoken to.
        host: String,
        /// What is wrong.
        reason: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// The server answered, but not with the file.
    #[error("cannot fetch `{url}`: expected the file from {host}, found {found}")]
    #[diagnostic(help(
        "the publisher may have moved it or want a login: {}",
        by_hand(url, path)
    ))]
    Refused {
        /// Where it was to be fetched from.
        url: String,
        /// The server that answered.
        host: String,
        /// What it answered, as in `404 Not Found`.
        found: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// A web page came in place of the file.
    #[error("cannot fetch `{url}`: expected a file of weights from {host}, found a web page")]
    #[diagnostic(help(
        "the network may want a login first: open a page in a browser, then run again; or {}",
        by_hand(url, path)
    ))]
    WebPage {
        /// Where it was to be fetched from.
        url: String,
        /// The server that answered.
        host: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// One redirect led to the next.
    #[error("cannot fetch `{url}`: expected at most {most} redirects, found another one to {host}")]
    #[diagnostic(help("the publisher may have moved it: {}", by_hand(url, path)))]
    TooManyRedirects {
        /// Where it was to be fetched from.
        url: String,
        /// How many are followed.
        most: u32,
        /// Where the last one leads.
        host: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// The server says nothing by which the file could be checked.
    #[error("cannot check `{url}`: expected {host} to give a digest or a length, found neither")]
    #[diagnostic(help("{}", by_hand(url, path)))]
    Unchecked {
        /// Where it was to be fetched from.
        url: String,
        /// The server that answered.
        host: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// More bytes than there should be.
    #[error("cannot fetch `{url}`: expected {expected} bytes, found {found} from {host}")]
    #[diagnostic(help(
        "something on the way changed the file, or it was replaced; run again later; or {}",
        by_hand(url, path)
    ))]
    WrongLength {
        /// Where it was to be fetched from.
        url: String,
        /// The server that answered.
        host: String,
        /// As announced, or as allowed, as in `at most 100`.
        expected: Box<str>,
        /// What is sent, as in `200` or `more`.
        found: Box<str>,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// What was fetched is not what was published. It was removed.
    #[error("`{url}` is not what was published: expected {expected}, found {found}")]
    #[diagnostic(help(
        "something on the way changed it, or the publisher replaced it; what came was removed. \
         Run again; if it stays so, {}",
        by_hand(url, path)
    ))]
    Mismatch {
        /// Where it was fetched from.
        url: String,
        /// The algorithm and the digest promised.
        expected: String,
        /// The digest found.
        found: String,
        /// Where the file would lie.
        path: PathBuf,
    },

    /// The file in the cache is not what was published. It was left as it is.
    #[error(
        "`{}` is not the file that `{url}` gives: expected {expected}, found {found}",
        path.display()
    )]
    #[diagnostic(help(
        "delete it and run again online to have it fetched, put the right file there, or give \
         the file with `--weights FILE`"
    ))]
    WrongFile {
        /// Where it is published.
        url: String,
        /// The algorithm and the digest promised.
        expected: String,
        /// The digest found.
        found: String,
        /// The file.
        path: PathBuf,
    },

    /// The disk or the quota is full.
    #[error("no room on the disk for `{}`: {}", path.display(), in_words(source))]
    #[diagnostic(help(
        "free some space, or set FINIAL_CACHE to a folder on another disk; what came was removed"
    ))]
    DiskFull {
        /// The file that was written.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },

    /// A folder or file of the cache could not be created, opened, read or written.
    #[error("could not {action} `{}`: {}", path.display(), in_words(source))]
    #[diagnostic(help(
        "check that it may be read and written by you, or set FINIAL_CACHE to another folder"
    ))]
    Folder {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}

/// What the system reports, without its number.
pub(crate) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

fn by_hand(url: &str, path: &std::path::Path) -> String {
    format!(
        "fetch {url} by other means and put it at {}, or give the file with `--weights FILE`",
        path.display()
    )
}

fn goes_on(kept: u64) -> String {
    match kept {
        0 => String::new(),
        kept => format!(" (it goes on behind the {kept} bytes that came)"),
    }
}

fn redirected(from: &Option<String>) -> String {
    match from {
        Some(from) => format!(", where `{from}` leads"),
        None => String::new(),
    }
}

//! One fetch: tries until the part is the whole file, checks it and puts it in place.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::thread;
use std::time::Duration;

use finial_graph::backbones::Checksum;
use ureq::http::{HeaderMap, StatusCode};

use crate::Limits;
use crate::cache::{Place, failed};
use crate::checksum::Digests;
use crate::error::{HubError, in_words};
use crate::http::{Answer, Client, Fault, Rest, number, passing, text};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Fetches the file to its place. Needs the lock.
pub(crate) fn fetch(
    place: &Place,
    checksum: Checksum,
    limits: &Limits,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), HubError> {
    let client = Client::new(place, limits);
    let mut pause = limits.pause;
    let mut tries = 0;
    loop {
        tries += 1;
        let fault = match once(&client, place, checksum, limits, progress) {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        match fault {
            Fault::Final(error) => {
                let _ = Part::open(place).map(Part::sweep);
                return Err(error);
            }
            Fault::Passing { reason, .. } if tries >= client.tries() => {
                return Err(HubError::GaveUp {
                    url: place.url.to_string(),
                    reason,
                    tries,
                    kept: Part::open(place).map_or(0, Part::sweep),
                    path: place.file(),
                });
            }
            Fault::Passing { wait, .. } => {
                thread::sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE));
                pause = pause.saturating_mul(2);
            }
        }
    }
}

/// One try.
fn once(
    client: &Client<'_>,
    place: &Place,
    checksum: Checksum,
    limits: &Limits,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), Fault> {
    let mut part = Part::open(place).map_err(Fault::Final)?;
    let before = part.version.take();
    let rest = before.as_ref().map(|version| Rest {
        from: part.bytes,
        validator: &version.validator,
    });
    let answer = client.get(rest.as_ref())?;
    let status = answer.response.status();
    let headers = answer.response.headers();
    let total = match (status, &before) {
        (StatusCode::OK, _) => {
            let total = number(headers, "content-length");
            part.restart(Version::of(headers, total))?;
            total
        }
        (StatusCode::PARTIAL_CONTENT, Some(version)) => {
            if !version.goes_on(headers, part.bytes) {
                part.remove();
                return Err(passing("the file was replaced meanwhile".to_owned()));
            }
            Some(version.bytes)
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
            part.remove();
            return Err(passing("the file became shorter meanwhile".to_owned()));
        }
        _ if may_pass(status) => {
            return Err(Fault::Passing {
                reason: format!("{} says {status}", answer.host),
                wait: number(headers, "retry-after").map(Duration::from_secs),
            });
        }
        _ => return Err(client.refused_by(answer.host, status.to_string())),
    };
    sane(place, checksum, limits, &answer, total)?;
    let resumed = part.bytes > 0;
    let sha256 = answer.sha256.clone();
    receive(&mut part, answer, total, limits, progress)?;

    let digests = Digests::of(&place.part())
        .map_err(|source| Fault::Final(failed("read", &place.part(), source)))?;
    match digests.check(checksum, sha256.as_deref()) {
        Ok(()) => {
            // Open files cannot be renamed everywhere.
            drop(part);
            place.finish(checksum, &digests).map_err(Fault::Final)
        }
        Err(mismatch) => {
            part.remove();
            if resumed {
                // The fault may lie in what was there before.
                return Err(passing("what came in parts does not fit".to_owned()));
            }
            Err(Fault::Final(HubError::Mismatch {
                url: place.url.to_string(),
                expected: mismatch.expected,
                found: mismatch.found,
                path: place.file(),
            }))
        }
    }
}

/// Whether what the server says before the file can be true.
fn sane(
    place: &Place,
    checksum: Checksum,
    limits: &Limits,
    answer: &Answer,
    total: Option<u64>,
) -> Result<(), Fault> {
    let headers = answer.response.headers();
    if text(headers, "content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(web_page(place, answer.host.clone()));
    }
    if let Some(encoding) = text(headers, "content-encoding")
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err(Fault::Final(HubError::Refused {
            url: place.url.to_string(),
            host: answer.host.clone(),
            found: format!("it packed with {encoding}"),
            path: place.file(),
        }));
    }
    if checksum == Checksum::FromServer && answer.sha256.is_none() && total.is_none() {
        return Err(Fault::Final(HubError::Unchecked {
            url: place.url.to_string(),
            host: answer.host.clone(),
            path: place.file(),
        }));
    }
    match (total, answer.linked_bytes) {
        (Some(0), _) => Err(passing(format!("{} sent an empty file", answer.host))),
        (Some(total), Some(linked)) if total != linked => Err(wrong_length(
            place,
            answer.host.clone(),
            linked.to_string(),
            total.to_string(),
        )),
        (Some(total), _) if total > limits.bytes => Err(wrong_length(
            place,
            answer.host.clone(),
            format!("at most {}", limits.bytes),
            total.to_string(),
        )),
        _ => Ok(()),
    }
}

/// Writes the answer's body behind the part.
fn receive(
    part: &mut Part<'_>,
    answer: Answer,
    total: Option<u64>,
    limits: &Limits,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), Fault> {
    let most = total.or(answer.linked_bytes).unwrap_or(limits.bytes);
    let host = answer.host;
    let mut body = answer.response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    progress(part.bytes, total);
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let (bytes, words) = (part.bytes, in_words(&error));
                return Err(passing(format!(
                    "{host} broke off after {bytes} bytes: {words}"
                )));
            }
        };
        let piece = buffer.get(..count).unwrap_or_default();
        if part.bytes == 0 && is_html(piece) {
            part.remove();
            return Err(web_page(part.place, host));
        }
        if part.bytes.saturating_add(count as u64) > most {
            part.remove();
            let expected = match total.or(answer.linked_bytes) {
                Some(bytes) => bytes.to_string(),
                None => format!("at most {most}"),
            };
            return Err(wrong_length(part.place, host, expected, "more".to_owned()));
        }
        part.append(piece)?;
        progress(part.bytes, total);
    }
    if let Some(total) = total.or(answer.linked_bytes)
        && part.bytes < total
    {
        let bytes = part.bytes;
        return Err(passing(format!(
            "{host} broke off after {bytes} of {total} bytes"
        )));
    }
    part.sync()
}

/// What came so far.
struct Part<'a> {
    place: &'a Place,
    file: File,
    bytes: u64,
    /// Which version of the file it is of. None if there is nothing to go on from.
    version: Option<Version>,
}

/// A version of a file, as its server tells it from others.
struct Version {
    validator: String,
    bytes: u64,
}

impl<'a> Part<'a> {
    fn open(place: &'a Place) -> Result<Self, HubError> {
        let path = place.part();
        let open = || -> io::Result<(File, u64)> {
            let mut file = File::options()
                .create(true)
                .read(true)
                .write(true)
                .truncate(false)
                .open(&path)?;
            let bytes = file.seek(SeekFrom::End(0))?;
            Ok((file, bytes))
        };
        let (file, bytes) = open().map_err(|source| failed("open", &path, source))?;
        let version = Version::read(place).filter(|version| (1..version.bytes).contains(&bytes));
        Ok(Self {
            place,
            file,
            bytes,
            version,
        })
    }

    /// Removes what nothing can go on from, and says how many bytes are left.
    fn sweep(mut self) -> u64 {
        if self.version.is_none() {
            self.remove();
            return 0;
        }
        self.bytes
    }

    fn restart(&mut self, version: Option<Version>) -> Result<(), Fault> {
        let path = self.place.version();
        let mut restart = || -> io::Result<()> {
            // In this order: the bytes never belong to another version than is written.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            match &version {
                Some(Version { validator, bytes }) => {
                    fs::write(&path, format!("{bytes}\n{validator}\n"))
                }
                None => Ok(()),
            }
        };
        restart().map_err(|source| Fault::Final(failed("write", &path, source)))?;
        self.bytes = 0;
        Ok(())
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let written = self.file.write_all(piece);
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        self.or_remove(written)
    }

    fn sync(&mut self) -> Result<(), Fault> {
        let synced = self.file.sync_all();
        self.or_remove(synced)
    }

    /// Not even a part is left on a full disk.
    fn or_remove(&mut self, done: io::Result<()>) -> Result<(), Fault> {
        done.map_err(|source| {
            self.remove();
            Fault::Final(failed("write", &self.place.part(), source))
        })
    }

    /// The next try starts over. Emptied first, for where an open file cannot be removed.
    fn remove(&mut self) {
        let _ = self.file.set_len(0);
        let _ = fs::remove_file(self.place.version());
        let _ = fs::remove_file(self.place.part());
    }
}

impl Version {
    /// The version that a server sends whole, if it can be told from others: by a strong entity
    /// tag, or else by its date.
    fn of(headers: &HeaderMap, bytes: Option<u64>) -> Option<Self> {
        let strong = text(headers, "etag").filter(|tag| tag.starts_with('"'));
        let validator = strong.or_else(|| text(headers, "last-modified"))?;
        Some(Self {
            validator: validator.to_owned(),
            bytes: bytes?,
        })
    }

    fn read(place: &Place) -> Option<Self> {
        let text = fs::read_to_string(place.version()).ok()?;
        let (bytes, validator) = text.strip_suffix('\n')?.split_once('\n')?;
        Some(Self {
            validator: validator.to_owned(),
            bytes: bytes.parse().ok()?,
        })
    }

    /// Whether a partial answer is the rest behind `from` of this version. Some servers heed
    /// `Range` without `If-Range`.
    fn goes_on(&self, headers: &HeaderMap, from: u64) -> bool {
        let Some(range) = text(headers, "content-range") else {
            return false;
        };
        let last = self.bytes.saturating_sub(1);
        let same = match Self::of(headers, Some(self.bytes)) {
            Some(version) => version.validator == self.validator,
            None => true,
        };
        same && range == format!("bytes {from}-{last}/{}", self.bytes)
    }
}

/// Whether the server may answer otherwise after a while.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

/// Whether a file's start is that of a web page. Weights begin with a signature.
fn is_html(start: &[u8]) -> bool {
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    [&b"<!doctype html"[..], b"<html", b"<head"]
        .iter()
        .any(|tag| {
            start
                .get(..tag.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(tag))
        })
}

fn web_page(place: &Place, host: String) -> Fault {
    Fault::Final(HubError::WebPage {
        url: place.url.to_string(),
        host,
        path: place.file(),
    })
}

fn wrong_length(place: &Place, host: String, expected: String, found: String) -> Fault {
    Fault::Final(HubError::WrongLength {
        url: place.url.to_string(),
        host,
        expected: expected.into(),
        found: found.into(),
        path: place.file(),
    })
}

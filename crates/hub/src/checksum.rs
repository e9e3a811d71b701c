//! Digests of files, and whether they are those that were promised.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use finial_graph::backbones::Checksum;
use md5::Md5;
use sha2::{Digest, Sha256};

/// The fewest digits of a digest that say anything; torchvision gives 8.
const LEAST_DIGITS: usize = 8;

/// Both digests of a file, in lower-case hexadecimal.
#[derive(Debug)]
pub(crate) struct Digests {
    pub(crate) md5: String,
    pub(crate) sha256: String,
}

/// A digest that is not the one promised.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Digests {
    /// Of the file at `path`, read once.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let piece = buffer.get(..count).unwrap_or_default();
            md5.update(piece);
            sha256.update(piece);
        }
        Ok(Self {
            md5: format!("{:x}", md5.finalize()),
            sha256: format!("{:x}", sha256.finalize()),
        })
    }

    /// Compares with what the publisher promised or, if it promised nothing beforehand, with the
    /// SHA-256 that came with the file, if one did.
    pub(crate) fn check(&self, checksum: Checksum, came: Option<&str>) -> Result<(), Mismatch> {
        let (algorithm, expected, found) = match (checksum, came) {
            (Checksum::Md5(digest), _) => ("MD5", digest, self.md5.as_str()),
            (Checksum::Sha256(digest), _) | (Checksum::FromServer, Some(digest)) => {
                ("SHA-256", digest, self.sha256.as_str())
            }
            (Checksum::Sha256Prefix(digits), _) => {
                // A prefix without digits would fit everything.
                let count = digits.len().max(LEAST_DIGITS);
                let start = self.sha256.get(..count).unwrap_or(&self.sha256);
                ("SHA-256 beginning", digits, start)
            }
            (Checksum::FromServer, None) => return Ok(()),
        };
        if expected.eq_ignore_ascii_case(found) {
            Ok(())
        } else {
            Err(Mismatch {
                expected: format!("{algorithm} {expected}"),
                found: found.to_owned(),
            })
        }
    }
}

/// The SHA-256 of a text, in lower-case hexadecimal.
pub(crate) fn sha256_of(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// Whether `text` could be a SHA-256 in hexadecimal.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The digests of `abc` that RFC 1321 and FIPS 180-2 print.
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn abc() -> Digests {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        Digests::of(&path).unwrap()
    }

    #[test]
    fn the_digests_of_the_standards_are_found() {
        assert_eq!(abc().md5, MD5);
        assert_eq!(abc().sha256, SHA256);
    }

    #[test]
    fn each_kind_of_checksum_takes_the_right_file() {
        for checksum in [
            Checksum::Md5(MD5),
            Checksum::Sha256(SHA256),
            Checksum::Sha256Prefix("ba7816bf"),
            Checksum::Sha256Prefix(SHA256),
        ] {
            assert!(abc().check(checksum, Some("ignored")).is_ok());
        }
        assert!(abc().check(Checksum::FromServer, Some(SHA256)).is_ok());
        assert!(abc().check(Checksum::FromServer, None).is_ok());
        let upper = SHA256.to_ascii_uppercase();
        assert!(abc().check(Checksum::FromServer, Some(&upper)).is_ok());
    }

    #[test]
    fn each_kind_of_checksum_refuses_a_wrong_one() {
        for checksum in [
            Checksum::Md5("900150983cd24fb0d6963f7d28e17f73"),
            Checksum::Md5(SHA256),
            Checksum::Sha256(MD5),
            Checksum::Sha256Prefix("ba7816be"),
            Checksum::Sha256(""),
        ] {
            assert!(abc().check(checksum, None).is_err(), "{checksum:?}");
        }
        let word = SHA256.replace('b', "c");
        assert!(abc().check(Checksum::FromServer, Some(&word)).is_err());
    }

    #[test]
    fn a_prefix_too_short_to_say_anything_fits_nothing() {
        for digits in ["", "b", "ba7816b"] {
            assert!(abc().check(Checksum::Sha256Prefix(digits), None).is_err());
        }
    }
}

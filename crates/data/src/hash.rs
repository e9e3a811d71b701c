//! The fingerprint by which two image files are known to be the same.

use std::fmt;

/// The BLAKE3 hash of a file's bytes; its [`Display`](fmt::Display) is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash with the given bytes, as [`ContentHash::as_bytes`] gave them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        ContentHash(bytes)
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ContentHash({self})")
    }
}

/// Hashes the bytes of a file.
///
/// ```
/// use finial_data::content_hash;
/// let hash = content_hash(b"");
/// assert!(hash.to_string().starts_with("af1349b9f5f9a1a6"));
/// assert_ne!(hash, content_hash(b"a picture"));
/// ```
pub fn content_hash(bytes: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(bytes).as_bytes())
}

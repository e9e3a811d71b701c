//! What a stored vector is found by: the image's bytes, and everything done to them.
//!
//! How keys are laid out in the tables is decided here ([`FeatureKey::to_bytes`]); what the
//! tables are is in `environment`.

use std::fmt;

/// Length of a key in the store: pipeline, then content, 32 bytes each.
pub(crate) const KEY_BYTES: usize = 64;

/// The blake3 hash of an image file's bytes.
///
/// The file's bytes, not its pixels: hashing is cheap and needs no decoder, and the same
/// picture saved twice merely costs a second entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Hashes a file that is in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }
}

/// The blake3 hash of everything between an image file and its features: preprocessing, how
/// the image is fitted to the input size, the backbone's graph, its weights, and the cut.
///
/// Two runs share features exactly when their pipeline hashes are equal, so whatever changes
/// a feature must be in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineHash(pub [u8; 32]);

impl PipelineHash {
    /// Hashes the pipeline's parts in order, each with its length, so that
    /// `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// Names one feature vector: which image, through which pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeatureKey {
    /// The image.
    pub content: ContentHash,
    /// What was done to it.
    pub pipeline: PipelineHash,
}

impl FeatureKey {
    /// The key as stored. The pipeline comes first: a pipeline's entries are one range.
    pub(crate) fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        bytes[..32].copy_from_slice(&self.pipeline.0);
        bytes[32..].copy_from_slice(&self.content.0);
        bytes
    }
}

/// The pipeline of a stored key; `None` for a key of another length, which no put writes.
pub(crate) fn pipeline_of(key: &[u8]) -> Option<PipelineHash> {
    let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
    let mut pipeline = [0; 32];
    pipeline.copy_from_slice(&key[..32]);
    Some(PipelineHash(pipeline))
}

fn write_hex(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

impl fmt::Display for PipelineHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for PipelineHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_between_pipeline_parts_changes_the_hash() {
        assert_ne!(
            PipelineHash::of(&[b"ab", b"c"]),
            PipelineHash::of(&[b"a", b"bc"])
        );
    }

    #[test]
    fn the_pipeline_is_read_back_from_a_stored_key() {
        let pipeline = PipelineHash::of(&[b"p"]);
        let key = FeatureKey {
            content: ContentHash::of(b"c"),
            pipeline,
        };
        assert_eq!(pipeline_of(&key.to_bytes()), Some(pipeline));
        assert_eq!(pipeline_of(b"short"), None);
    }
}

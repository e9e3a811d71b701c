//! How publishers state where their weights are, and what they must be.

use super::{Checksum, File, Published};

/// A file for which its publisher gives no digest.
pub(super) const fn without_digest(url: &'static str) -> File {
    File {
        url,
        checksum: Checksum::FromServer,
    }
}

/// Weights of Keras, which come with and without the classifier. Most are another project's,
/// under its licence. Of each file, where it is and its digest.
pub(super) const fn keras(
    [with_top, without_top]: [[&'static str; 2]; 2],
    licence: &'static str,
    top1: f64,
) -> Published {
    Published {
        with_top: Some(md5(with_top)),
        without_top: Some(md5(without_top)),
        licence,
        top1: Some(top1),
    }
}

/// Weights of torchvision, the ones that it calls its default; the digits stand in their name.
pub(super) const fn torchvision(url: &'static str, digits: &'static str, top1: f64) -> Published {
    Published {
        with_top: Some(File {
            url,
            checksum: Checksum::Sha256Prefix(digits),
        }),
        without_top: None,
        licence: "BSD-3-Clause",
        top1: Some(top1),
    }
}

/// A file of Keras with its MD5 digest.
const fn md5([url, digest]: [&'static str; 2]) -> File {
    File {
        url,
        checksum: Checksum::Md5(digest),
    }
}

/// A file of Keras with its SHA-256 digest, which it gives for its later networks.
pub(super) const fn sha256([url, digest]: [&'static str; 2]) -> File {
    File {
        url,
        checksum: Checksum::Sha256(digest),
    }
}

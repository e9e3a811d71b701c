//! How the names of image files end.

use std::ffi::OsStr;
use std::path::Path;

/// Endings of the formats that are read, in lower case; `jfif` and `jpe` are JPEG, `apng` is PNG,
/// `dib` is BMP.
pub(super) const READ: [&str; 12] = [
    "jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "jfif", "jpe", "apng", "dib",
];

/// Endings of images that are not read. They are listed all the same: who put them there means
/// them to count, so each is set aside by its name and with the reason.
const UNREAD: [&str; 42] = [
    "heic", "heif", "hif", "avif", "jp2", "j2k", "jpf", "jpx", "jxl", "svg", "ico", "psd", "tga",
    "ppm", "pgm", "pbm", "pnm", "pam", "exr", "hdr", "qoi", "dds",
    // Raw files of cameras.
    "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srf", "dng", "orf", "rw2", "raf", "pef",
    "srw", "x3f", "3fr", "erf", "kdc", "mrw", "rwl",
];

/// Whether a path ends like an image file, of a format that is read or not.
pub(super) fn looks_like_image(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|end| {
        let is = |known: &&str| end.eq_ignore_ascii_case(known);
        READ.iter().any(is) || UNREAD.iter().any(is)
    })
}

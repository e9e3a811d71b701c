//! What a file is, told by its content: a format that is read, one that is not, or no image.

use std::io::Cursor;

use image::ImageFormat;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

use super::{DecodeError, pages};

/// The DNG version, which only files of that raw format state.
const DNG_VERSION: Tag = Tag::Unknown(0xC612);

/// What the first bytes of formats that are not read look like, from a given place on.
const UNREAD: [(usize, &[u8], &str); 14] = [
    (0, b"\0\0\0\x0CjP  ", "JPEG 2000"),
    (0, b"\xFF\x4F\xFF\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0CJXL ", "JPEG XL"),
    (0, b"\xFF\x0A", "JPEG XL"),
    (0, b"8BPS", "Photoshop's PSD"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)"),
    (0, b"IIRO", "a camera's raw file (ORF)"),
    (0, b"IIRS", "a camera's raw file (ORF)"),
    (0, b"MMOR", "a camera's raw file (ORF)"),
    (0, b"IIU\0", "a camera's raw file (RW2)"),
    (4, b"ftypcrx ", "a camera's raw file (CR3)"),
    (8, b"CR\x02\0", "a camera's raw file (CR2)"),
    (0, b"II+\0", "BigTIFF"),
    (0, b"MM\0+", "BigTIFF"),
];

/// The format that is read and its name.
pub(super) fn of(bytes: &[u8]) -> Result<(ImageFormat, &'static str), DecodeError> {
    if let Some(found) = unread(bytes) {
        return Err(DecodeError::Unsupported {
            found: found.to_owned(),
        });
    }
    let other = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => return Ok((ImageFormat::Jpeg, "JPEG")),
        Ok(ImageFormat::Png) => return Ok((ImageFormat::Png, "PNG")),
        Ok(ImageFormat::WebP) => return Ok((ImageFormat::WebP, "WebP")),
        Ok(ImageFormat::Bmp) => return Ok((ImageFormat::Bmp, "BMP")),
        Ok(ImageFormat::Gif) => return Ok((ImageFormat::Gif, "GIF")),
        Ok(ImageFormat::Tiff) if is_camera_raw(bytes) => {
            "a camera's raw file, or a TIFF that begins with a preview,".to_owned()
        }
        Ok(ImageFormat::Tiff) => return Ok((ImageFormat::Tiff, "TIFF")),
        Ok(ImageFormat::Ico) => "ICO".to_owned(),
        Ok(ImageFormat::Pnm) => "PNM (PBM, PGM, PPM)".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(_) => {
            return match text(bytes).map(|text| kind_of_text(&text)) {
                Some("SVG") => Err(DecodeError::Unsupported {
                    found: "SVG".to_owned(),
                }),
                found => Err(DecodeError::NotAnImage {
                    found: found.unwrap_or("other data"),
                }),
            };
        }
    };
    Err(DecodeError::Unsupported { found: other })
}

fn unread(bytes: &[u8]) -> Option<&'static str> {
    let matches = |(at, mark, _): &&(usize, &[u8], &str)| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark))
    };
    if let Some((_, _, name)) = UNREAD.iter().find(matches) {
        return Some(name);
    }
    // A container of many formats: the main brand comes first, the others some bytes later.
    let brands = bytes.get(..bytes.len().min(64))?;
    let has = |brand: &[u8]| brands.windows(4).any(|window| window == brand);
    match (bytes.get(4..8), bytes.get(8..12)?) {
        (Some(b"ftyp"), b"avif" | b"avis") => Some("AVIF"),
        (Some(b"ftyp"), b"mif1" | b"msf1") if has(b"avif") => Some("AVIF"),
        (
            Some(b"ftyp"),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1",
        ) => Some("HEIC"),
        _ => None,
    }
}

/// Whether a TIFF is a camera's raw file. Most of these are TIFFs whose first picture is a small
/// preview, and a network would learn from that without a word.
fn is_camera_raw(bytes: &[u8]) -> bool {
    let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) else {
        return false;
    };
    let is_dng = matches!(decoder.find_tag(DNG_VERSION), Ok(Some(_)));
    is_dng || pages::is_preview(&mut decoder)
}

/// The beginning of a file, in lower case, if it is text.
fn text(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(4096)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then(|| text.trim_start_matches('\u{feff}').to_ascii_lowercase())
}

/// A web page saved under an image's name is the usual case.
fn kind_of_text(text: &str) -> &'static str {
    let text = text.trim_start();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        "a web page"
    } else if text.starts_with('<') && text.contains("<svg") {
        "SVG"
    } else if text.starts_with("<?xml") {
        "XML"
    } else {
        "text"
    }
}

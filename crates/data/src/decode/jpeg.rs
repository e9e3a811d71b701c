//! JPEG files, read so that a half one is noticed.
//!
//! Viewers show what there is of a cut-off JPEG and grey for the rest, and so do decoders that
//! are lenient. A network would learn the grey. So the file is walked to its end mark first, and
//! then decoded in strict mode. What passes is a file that was cut and then given an end mark.
//!
//! Of a photo much larger than what is wanted, each block of 8 × 8 pixels is made 2 × 2 or 1 × 1
//! by a smaller inverse transform (`scaled`), which spares a third of the time and most of the
//! memory. Halving spares nothing beside a decoder that is fast at full size.

use image::RgbImage;
use jpeg_decoder::PixelFormat;
use memchr::memchr;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::DecodeError;

/// How many times a side may be divided while decoding, the most first.
const DIVISORS: [u32; 2] = [8, 4];

/// An image, and how much of its width and height shows the picture: the last column and row of
/// a scaled image may reach past the picture's edge.
pub(super) type Extended = (RgbImage, [f64; 2]);

/// Decodes an image of these dimensions, which the caller has checked, to RGB. Images without
/// colour, with inks (CMYK, YCCK) or with Adobe's inverted inks become RGB as well.
///
/// Neither side becomes shorter than `least` says, unless it was.
pub(super) fn rgb(
    bytes: &[u8],
    [width, height]: [u32; 2],
    least: [u32; 2],
) -> Result<Extended, DecodeError> {
    let structure = Structure::of(bytes);
    if !structure.is_complete {
        return Err(DecodeError::Truncated { format: "JPEG" });
    }
    let fits = |&divisor: &u32| width / divisor >= least[0] && height / divisor >= least[1];
    if let Some(divisor) = DIVISORS.into_iter().find(fits)
        && let Some(image) = scaled(bytes, [width, height], divisor)
    {
        let part = |length: u32| f64::from(length) / f64::from(divisor);
        return Ok((image, [part(width), part(height)]));
    }
    let pixels = whole(bytes, &structure)?;
    let image = RgbImage::from_raw(width, height, pixels).ok_or(DecodeError::Damaged {
        reason: "its size is not the size it claims".to_owned(),
    })?;
    Ok((image, [f64::from(width), f64::from(height)]))
}

/// The image with its sides divided; nothing if it is of a rare kind or does not hold together,
/// which is then left to [`whole`] to tell.
fn scaled(bytes: &[u8], [width, height]: [u32; 2], divisor: u32) -> Option<RgbImage> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    if (u32::from(info.width), u32::from(info.height)) != (width, height) {
        return None;
    }
    let part = |length: u32| u16::try_from(length.div_ceil(divisor)).ok();
    let (width, height) = decoder.scale(part(width)?, part(height)?).ok()?;
    let pixels = match info.pixel_format {
        PixelFormat::RGB24 => decoder.decode().ok()?,
        PixelFormat::L8 => {
            let grey = decoder.decode().ok()?;
            grey.into_iter().flat_map(|level| [level; 3]).collect()
        }
        _ => return None,
    };
    RgbImage::from_raw(width.into(), height.into(), pixels)
}

/// The image at its own size, row by row.
fn whole(bytes: &[u8], structure: &Structure) -> Result<Vec<u8>, DecodeError> {
    // Strict mode also refuses stray bytes between headers, which harm nothing.
    let options = DecoderOptions::default()
        .set_strict_mode(!structure.has_stray_bytes)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let rgb = decoder.decode().map_err(|error| match error {
        DecodeErrors::Unsupported(kind) => DecodeError::rare_kind("JPEG", &format!("{kind:?}")),
        DecodeErrors::ExhaustedData => DecodeError::Truncated { format: "JPEG" },
        error => DecodeError::Damaged {
            reason: error.to_string(),
        },
    })?;
    match decoder.output_colorspace() {
        Some(ColorSpace::RGB) => Ok(rgb),
        other => Err(DecodeError::rare_kind(
            "JPEG",
            &format!("colours {other:?}"),
        )),
    }
}

/// What the marks of a JPEG file say of it.
#[derive(Debug, PartialEq, Eq)]
struct Structure {
    /// There is an end-of-image mark where a mark may stand.
    is_complete: bool,
    /// There are bytes between the headers that belong to none.
    has_stray_bytes: bool,
}

impl Structure {
    fn of(bytes: &[u8]) -> Self {
        const STUFFING: u8 = 0x00;
        const TEMPORARY: u8 = 0x01;
        const RESTART: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
        const START_OF_IMAGE: u8 = 0xD8;
        const END_OF_IMAGE: u8 = 0xD9;
        const START_OF_SCAN: u8 = 0xDA;

        let mut has_stray_bytes = false;
        let mut in_scan = false;
        let mut rest = bytes;
        let is_complete = loop {
            // A mark is 0xFF, any number of times, and then its code.
            let Some(start) = memchr(0xFF, rest) else {
                break false;
            };
            has_stray_bytes |= start > 0 && !in_scan;
            rest = &rest[start..];
            let Some(code) = rest.iter().position(|&byte| byte != 0xFF) else {
                break false;
            };
            let mark = rest[code];
            rest = &rest[code + 1..];
            match mark {
                END_OF_IMAGE => break true,
                STUFFING if !in_scan => has_stray_bytes = true,
                STUFFING | TEMPORARY | START_OF_IMAGE => {}
                mark if RESTART.contains(&mark) => {}
                mark => {
                    let [high, low, ..] = rest else { break false };
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    if length > rest.len() {
                        break false;
                    }
                    rest = &rest[length..];
                    in_scan = mark == START_OF_SCAN;
                }
            }
        };
        Structure {
            is_complete,
            has_stray_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&[u8]; 5] = [
        &[0xFF, 0xD8],                               // start of image
        &[0xFF, 0xFE, 0, 4, 0xFF, 0xD9],             // a comment that looks like the end
        &[0xFF, 0xDA, 0, 3, 9],                      // start of scan
        &[1, 2, 0xFF, 0x00, 3, 0xFF, 0xD3, 4, 5, 6], // data with stuffing and a restart
        &[0xFF, 0xFF, 0xD9],                         // the end, after a fill byte
    ];

    #[test]
    fn only_the_end_mark_outside_of_segments_completes_a_file() {
        let whole = PARTS.concat();
        let complete = Structure {
            is_complete: true,
            has_stray_bytes: false,
        };
        assert_eq!(Structure::of(&whole), complete);
        assert_eq!(Structure::of(&[&whole[..], b"after"].concat()), complete);
        for end in 0..whole.len() {
            assert!(!Structure::of(&whole[..end]).is_complete, "cut at {end}");
        }
    }

    #[test]
    fn bytes_between_headers_are_stray_and_bytes_in_a_scan_are_not() {
        let mut parts = PARTS.to_vec();
        parts.insert(1, &[7, 7, 7, 7, 7]);
        assert!(Structure::of(&parts.concat()).has_stray_bytes);
    }
}

//! JPEG files, read so that a half one is noticed.
//!
//! Viewers show what there is of a cut-off JPEG and grey for the rest, and so do decoders that
//! are lenient. A network would learn the grey. So the file is walked to its end mark first, and
//! then decoded in strict mode. What passes is a file that was cut and then given an end mark.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::DecodeError;

/// Decodes to RGB, row by row; the caller has checked the dimensions. Images without colour, with
/// inks (CMYK, YCCK) or with Adobe's inverted inks become RGB as well.
pub(super) fn rgb(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let structure = Structure::of(bytes);
    if !structure.is_complete {
        return Err(DecodeError::Truncated { format: "JPEG" });
    }
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
            let Some(start) = rest.iter().position(|&byte| byte == 0xFF) else {
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

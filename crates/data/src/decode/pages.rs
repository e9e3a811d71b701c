//! Whether a file holds more than the one picture that is taken from it.

use std::io::{Cursor, Read, Seek};

use image::ImageFormat;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// Whether there are more pages or frames than the first. No pixels are decoded to find out; a
/// file that cannot be walked through counts as having none.
pub(super) fn has_more(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Tiff => has_pages(bytes),
        ImageFormat::Gif => has_frames(bytes),
        ImageFormat::WebP => {
            WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|decoder| decoder.has_animation())
        }
        ImageFormat::Png => PngDecoder::new(Cursor::new(bytes))
            .and_then(|decoder| decoder.is_apng())
            .unwrap_or(false),
        _ => false,
    }
}

/// Previews and masks of the first page are no pages of their own.
fn has_pages(bytes: &[u8]) -> bool {
    let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) else {
        return false;
    };
    while decoder.more_images() {
        if decoder.next_image().is_err() {
            return false;
        }
        if !is_preview(&mut decoder) {
            return true;
        }
    }
    false
}

fn has_frames(bytes: &[u8]) -> bool {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let Ok(mut decoder) = options.read_info(Cursor::new(bytes)) else {
        return false;
    };
    let mut next = || matches!(decoder.next_frame_info(), Ok(Some(_)));
    next() && next()
}

/// Whether the current picture of a TIFF is a smaller one of another, or its mask.
pub(super) fn is_preview<R: Read + Seek>(decoder: &mut Decoder<R>) -> bool {
    const REDUCED_OR_MASK: u32 = 0b101;
    let kind = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType);
    matches!(kind, Ok(Some(kind)) if kind & REDUCED_OR_MASK != 0)
}

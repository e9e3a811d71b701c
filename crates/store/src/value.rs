//! A feature vector as bytes: what it is says so itself, and damage is noticed.
//!
//! ```text
//! offset  bytes  what
//!      0      4  columns, u32
//!      4      4  layout, u32: 0 dense, 1 without zeros
//!      8      8  checksum: the start of blake3(key, bytes 0..8, body)
//!     16      …  body
//! ```
//!
//! Everything is little-endian. A dense body is `columns` f32. A body without zeros is a mask
//! of `columns` bits, lowest bit first, then one f32 for each set bit. The shorter of the two
//! is written.
//!
//! The second layout is there because LMDB stores a value in whole 4 KiB pages. Features
//! pooled after a ReLU are half exact zeros: 1,280 of them take 2.7 KB this way, hence one
//! page in place of two. On the same vectors zstd, at any level, was no smaller, and lz4 was
//! larger.
//!
//! The key is part of the checksum, so a value under another's key is noticed as well.

/// Bytes before the body.
const HEADER_BYTES: usize = 16;
const CHECKSUM: std::ops::Range<usize> = 8..16;
const DENSE: u32 = 0;
const WITHOUT_ZEROS: u32 = 1;

/// The most bytes [`encode`] writes for this many columns.
pub(crate) fn most_bytes(columns: usize) -> usize {
    HEADER_BYTES.saturating_add(columns.saturating_mul(4))
}

/// Writes `vector` into `bytes`, which is cleared first.
///
/// `false`, with nothing written, if there are more columns than a u32 counts.
pub(crate) fn encode(key: &[u8], vector: &[f32], bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    let Ok(columns) = u32::try_from(vector.len()) else {
        return false;
    };
    // By bits, not by value: -0.0 is kept.
    let kept = vector.iter().filter(|value| value.to_bits() != 0).count();
    let mask_bytes = vector.len().div_ceil(8);
    let without_zeros = mask_bytes + 4 * kept < 4 * vector.len();

    bytes.extend_from_slice(&columns.to_le_bytes());
    let layout = if without_zeros { WITHOUT_ZEROS } else { DENSE };
    bytes.extend_from_slice(&layout.to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    if without_zeros {
        bytes.resize(HEADER_BYTES + mask_bytes, 0);
        for (column, value) in vector.iter().enumerate() {
            if value.to_bits() != 0 {
                bytes[HEADER_BYTES + column / 8] |= 1 << (column % 8);
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
    } else {
        for value in vector {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    let checksum = checksum(key, bytes);
    bytes[CHECKSUM].copy_from_slice(&checksum);
    true
}

/// Appends the vector in `bytes` to `vector`; `false`, with nothing appended, if the bytes are
/// not what [`encode`] wrote under this key.
pub(crate) fn decode(key: &[u8], bytes: &[u8], vector: &mut Vec<f32>) -> bool {
    let start = vector.len();
    let whole = decode_checked(key, bytes, vector).is_some();
    if !whole {
        vector.truncate(start);
    }
    whole
}

fn decode_checked(key: &[u8], bytes: &[u8], vector: &mut Vec<f32>) -> Option<()> {
    let (header, body) = bytes.split_at_checked(HEADER_BYTES)?;
    if header[CHECKSUM] != checksum(key, bytes) {
        return None;
    }
    let (&columns, rest) = header.split_first_chunk()?;
    let (&layout, _) = rest.split_first_chunk()?;
    let columns = usize::try_from(u32::from_le_bytes(columns)).ok()?;
    match u32::from_le_bytes(layout) {
        DENSE => {
            let (values, rest) = body.as_chunks();
            if values.len() != columns || !rest.is_empty() {
                return None;
            }
            vector.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
        }
        WITHOUT_ZEROS => {
            let (mask, values) = body.split_at_checked(columns.div_ceil(8))?;
            let (values, rest) = values.as_chunks();
            if !rest.is_empty() {
                return None;
            }
            let mut values = values.iter();
            vector.reserve(columns);
            for column in 0..columns {
                let kept = mask[column / 8] >> (column % 8) & 1 == 1;
                vector.push(if kept {
                    f32::from_le_bytes(*values.next()?)
                } else {
                    0.0
                });
            }
            if values.next().is_some() {
                return None;
            }
        }
        _ => return None,
    }
    Some(())
}

fn checksum(key: &[u8], bytes: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key);
    hasher.update(&bytes[..CHECKSUM.start]);
    hasher.update(&bytes[CHECKSUM.end..]);
    let mut checksum = [0; 8];
    hasher.finalize_xof().fill(&mut checksum);
    checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(key: &[u8], vector: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(encode(key, vector, &mut bytes));
        bytes
    }

    fn round_trip(vector: &[f32]) -> Vec<u32> {
        let mut back = Vec::new();
        assert!(decode(b"key", &encoded(b"key", vector), &mut back));
        back.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn every_bit_survives_in_both_layouts() {
        let odd = [f32::NAN, -0.0, 0.0, f32::INFINITY, f32::MIN_POSITIVE / 2.0];
        let sparse: Vec<f32> = (0..77)
            .map(|i| if i % 9 == 3 { odd[i % 5] } else { 0.0 })
            .collect();
        let dense: Vec<f32> = (0..77).map(|i| i as f32 - 38.5).collect();
        for vector in [&sparse[..], &dense, &odd, &[], &[0.0]] {
            let bits: Vec<u32> = vector.iter().map(|value| value.to_bits()).collect();
            assert_eq!(round_trip(vector), bits);
        }
    }

    #[test]
    fn features_that_are_half_zeros_fit_one_page_of_four_kibibytes() {
        let vector: Vec<f32> = (0..1280).map(|i| (i % 2) as f32).collect();
        let bytes = encoded(b"key", &vector);
        assert_eq!(bytes.len(), 16 + 160 + 640 * 4);
    }

    #[test]
    fn no_value_is_longer_than_most_bytes() {
        for columns in [0, 1, 8, 1280] {
            let vector = vec![1.0; columns];
            assert_eq!(encoded(b"key", &vector).len(), most_bytes(columns));
        }
    }

    #[test]
    fn each_flipped_bit_and_each_cut_is_noticed() {
        for vector in [[0.0, 0.0, 0.0, 0.0, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0]] {
            let bytes = encoded(b"key", &vector);
            let mut out = vec![9.0];
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(!decode(b"key", &damaged, &mut out), "bit {bit}");
            }
            for length in 0..bytes.len() {
                assert!(!decode(b"key", &bytes[..length], &mut out), "cut {length}");
            }
            assert_eq!(out, [9.0]);
        }
    }

    #[test]
    fn a_value_under_another_key_is_noticed() {
        let bytes = encoded(b"key", &[1.0]);
        assert!(!decode(b"yek", &bytes, &mut Vec::new()));
    }

    #[test]
    fn a_sound_checksum_over_an_unsound_body_is_refused() {
        for (columns, layout, body) in [
            (2_u32, DENSE, vec![0; 4]),
            (1, DENSE, vec![0; 5]),
            (8, WITHOUT_ZEROS, vec![0b11, 0, 0, 0, 0]),
            (8, WITHOUT_ZEROS, vec![0b00, 0, 0, 0, 0]),
            (9, WITHOUT_ZEROS, vec![0b00]),
            (u32::MAX, WITHOUT_ZEROS, vec![0b00]),
            (1, 2, vec![0; 4]),
        ] {
            let mut bytes = [columns.to_le_bytes(), layout.to_le_bytes()].concat();
            bytes.extend([0; 8]);
            bytes.extend(body);
            let sum = checksum(b"key", &bytes);
            bytes[CHECKSUM].copy_from_slice(&sum);
            assert!(!decode(b"key", &bytes, &mut Vec::new()), "{bytes:?}");
        }
    }
}

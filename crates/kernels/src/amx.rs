//! Tiles of bf16 on x86-64: two tiles of rows by two of filters, 32 × 32 sums at once.
//!
//! A tile register has 16 rows of 64 bytes. Rust has no intrinsics for them on its stable
//! channel, so they are written as the processor's instructions. Between [`Session::begin`] and
//! its end a thread's tile registers belong to the kernel.

use std::arch::asm;
use std::arch::x86_64::*;
use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use crate::finish::Place;
use crate::scratch::Lines;

/// Rows that two tiles hold, and filters of a panel.
pub(crate) const SIDE: usize = 32;
/// Numbers of a row in a tile: one step of the depth.
pub(crate) const STEP: usize = 32;
/// Bytes of weights up to which they are read anew for every 32 rows, so that outputs are written one
/// behind the other.
const FEW_WEIGHTS: usize = 256 << 10;
/// `f32` in a panel's two tiles for one step.
const PANEL_STEP: usize = 2 * 16 * 16;
/// Steps that one thread packs, at least.
const LEAST: usize = 16;

/// Weights as tiles, in panels of 32 filters.
#[derive(Debug)]
pub(crate) struct TilePanels {
    filters: usize,
    /// Where in a row each step begins, in bytes.
    offsets: Vec<usize>,
    /// Numbers of a step: 32, or fewer where no step has as many; even.
    step: usize,
    data: Lines,
}

impl TilePanels {
    /// Packs weights: `fill(filter, step, to)` writes those of a filter for the numbers of a step,
    /// which begins at `offsets[step]` bytes; `to` holds zeros.
    pub fn new(
        filters: usize,
        offsets: Vec<usize>,
        step: usize,
        fill: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Self {
        let mut packed = Self::zeros(filters, offsets, step);
        let steps = packed.offsets.len().max(1);
        let pack = |(at, to): (usize, &mut [f32])| {
            let (panel, of) = (at / steps, at % steps);
            let mut rows = [[0.0; STEP]; SIDE];
            for (row, filter) in rows.iter_mut().zip(panel * SIDE..filters) {
                fill(filter, of, &mut row[..step]);
            }
            for (rows, to) in rows.chunks_exact(16).zip(to.chunks_exact_mut(256)) {
                // SAFETY: panels exist only where the machine has the instructions; the tile has
                // 16 rows of 16 pairs.
                unsafe { pair_rows(rows, to.as_mut_ptr(), 16) };
            }
        };
        let steps = packed.data.as_mut_slice().par_chunks_mut(PANEL_STEP);
        steps.enumerate().with_min_len(LEAST).for_each(pack);
        packed
    }

    /// Room for weights that [`Self::tile`] writes.
    pub fn zeros(filters: usize, offsets: Vec<usize>, step: usize) -> Self {
        Self {
            data: Lines::zeros(filters.div_ceil(SIDE) * offsets.len() * PANEL_STEP),
            filters,
            offsets,
            step,
        }
    }

    /// Where the 16 rows of pairs of a step are, for 16 filters of which `filter` is the first.
    ///
    /// # Panics
    ///
    /// If there are no such filters or no such step.
    pub fn tile(&mut self, filter: usize, step: usize) -> &mut [f32] {
        let at =
            (filter / SIDE * self.offsets.len() + step) * PANEL_STEP + filter % SIDE / 16 * 256;
        &mut self.data.as_mut_slice()[at..at + 256]
    }

    /// Multiplies `rows` rows with some panels, 32 rows at a time. `source` says where a row begins,
    /// and how many bytes it is to the next; `done` is given the panel, the first row and the sums.
    ///
    /// # Safety
    ///
    /// The machine has [`crate::Instructions::Amx`]; from every 32nd row on, 32 rows can be read.
    #[inline(always)]
    pub unsafe fn multiply(
        &self,
        panels: Range<usize>,
        rows: usize,
        source: impl Fn(usize) -> (*const u8, usize),
        done: impl Fn(usize, usize, &TileSums),
    ) {
        let (tiles, count) = (rows.div_ceil(SIDE), panels.len());
        let weights = 2 * self.offsets.len() * self.step * SIDE * count;
        let mut sums = [TileSums([0.0; SIDE * SIDE]); 2];
        // A pair of tiles is finished while the next is multiplied.
        let mut waiting = None;
        // SAFETY: as the caller says.
        let session = unsafe { Session::begin(self) };
        let mut turn = 0;
        for at in 0..tiles * count {
            let (panel, tile) = match weights <= FEW_WEIGHTS {
                true => (at % count, at / count),
                false => (at / tiles, at % tiles),
            };
            let (panel, row) = (panels.start + panel, tile * SIDE);
            let (from, pitch) = source(row);
            // SAFETY: as the caller says.
            unsafe { session.multiply(panel, from, pitch, SIDE.min(rows - row), &mut sums[turn]) };
            if let Some((panel, row)) = waiting.replace((panel, row)) {
                done(panel, row, &sums[1 - turn]);
            }
            turn = 1 - turn;
        }
        drop(session);
        if let Some((panel, row)) = waiting {
            done(panel, row, &sums[1 - turn]);
        }
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.filters.div_ceil(SIDE)
    }

    /// The filters of a panel.
    pub fn filters(&self, panel: usize) -> Range<usize> {
        panel * SIDE..self.filters.min((panel + 1) * SIDE)
    }
}

/// 32 × 32 sums.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct TileSums(pub [f32; SIDE * SIDE]);

/// What the tile registers hold, as `ldtilecfg` reads it.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// A thread's tile registers, in use.
struct Session<'a> {
    panels: &'a TilePanels,
}

impl<'a> Session<'a> {
    /// Sets the registers up for a panel's steps.
    ///
    /// # Safety
    ///
    /// The machine has [`crate::Instructions::Amx`].
    pub unsafe fn begin(panels: &'a TilePanels) -> Self {
        let bytes = 2 * panels.step as u16;
        let mut configuration = Configuration {
            palette: 1,
            start: 0,
            reserved: [0; 14],
            bytes: [0; 16],
            rows: [0; 16],
        };
        // Sums in 0 to 3, rows in 4 and 5, weights in 6 and 7.
        configuration.bytes[..8].copy_from_slice(&[64, 64, 64, 64, bytes, bytes, 64, 64]);
        let pairs = (panels.step / 2) as u8;
        configuration.rows[..8].copy_from_slice(&[16, 16, 16, 16, 16, 16, pairs, pairs]);
        // SAFETY: the caller has the instructions; the configuration is one of the processor's.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly)) };
        Self { panels }
    }

    /// The sums of up to 32 rows with a panel.
    ///
    /// # Safety
    ///
    /// At every offset of the panels, 16 rows (or 32 if `rows` is above 16), `pitch` bytes from
    /// one to the next, have a step's numbers to be read.
    #[inline(always)]
    pub unsafe fn multiply(
        &self,
        panel: usize,
        from: *const u8,
        pitch: usize,
        rows: usize,
        sums: &mut TileSums,
    ) {
        let offsets = &self.panels.offsets;
        // SAFETY: rows as the caller says; the panel has two tiles for each step; the sums are
        // 32 rows of 128 bytes. The registers named are set up, and no other code uses them.
        unsafe {
            let weights = self
                .panels
                .data
                .as_ptr()
                .add(panel * offsets.len() * PANEL_STEP);
            if rows > 16 {
                asm!(
                    "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                    "2:",
                    "mov {first}, [{offsets}]",
                    "lea {second}, [{lower} + {first}]",
                    "add {first}, {upper}",
                    "tileloadd tmm6, [{weights} + {line}*1]",
                    "tileloadd tmm4, [{first} + {pitch}*1]",
                    "tileloadd tmm7, [{weights} + {line}*1 + 1024]",
                    "tileloadd tmm5, [{second} + {pitch}*1]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {offsets}, 8",
                    "add {weights}, 2048",
                    "dec {steps}",
                    "jnz 2b",
                    "add {line}, 64",
                    "tilestored [{sums} + {line}*1], tmm0",
                    "tilestored [{sums} + {line}*1 + 64], tmm1",
                    "tilestored [{sums} + {line}*1 + 2048], tmm2",
                    "tilestored [{sums} + {line}*1 + 2112], tmm3",
                    first = out(reg) _,
                    second = out(reg) _,
                    offsets = inout(reg) offsets.as_ptr() => _,
                    steps = inout(reg) offsets.len() => _,
                    upper = in(reg) from,
                    lower = in(reg) from.add(16 * pitch),
                    pitch = in(reg) pitch,
                    weights = inout(reg) weights => _,
                    line = inout(reg) 64usize => _,
                    sums = in(reg) sums,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            } else {
                asm!(
                    "tilezero tmm0", "tilezero tmm1",
                    "2:",
                    "mov {first}, [{offsets}]",
                    "add {first}, {upper}",
                    "tileloadd tmm6, [{weights} + {line}*1]",
                    "tileloadd tmm4, [{first} + {pitch}*1]",
                    "tileloadd tmm7, [{weights} + {line}*1 + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "add {offsets}, 8",
                    "add {weights}, 2048",
                    "dec {steps}",
                    "jnz 2b",
                    "add {line}, 64",
                    "tilestored [{sums} + {line}*1], tmm0",
                    "tilestored [{sums} + {line}*1 + 64], tmm1",
                    first = out(reg) _,
                    offsets = inout(reg) offsets.as_ptr() => _,
                    steps = inout(reg) offsets.len() => _,
                    upper = in(reg) from,
                    pitch = in(reg) pitch,
                    weights = inout(reg) weights => _,
                    line = inout(reg) 64usize => _,
                    sums = in(reg) sums,
                    out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    }
}

impl Drop for Session<'_> {
    /// Gives the registers back, so that the system need not keep them.
    fn drop(&mut self) {
        // SAFETY: a session exists only where the processor has the instruction.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Writes `sum + bias + residual` of 32 filters as bf16, kept to the limits.
///
/// # Safety
///
/// The machine has AVX-512 with bf16; `sums`, on a cache line, and the place have `rows` rows of 32
/// numbers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn finish_clamped(
    sums: *const f32,
    rows: usize,
    bias: &[f32; SIDE],
    limits: [f32; 2],
    place: Place<bf16>,
) {
    let [low, high] = limits.map(|limit| _mm512_set1_ps(limit));
    // SAFETY: as the caller says; loads and stores ask for no alignment.
    unsafe {
        let bias = [
            _mm512_loadu_ps(bias.as_ptr()),
            _mm512_loadu_ps(bias.as_ptr().add(16)),
        ];
        for row in 0..rows {
            let from = sums.add(row * SIDE);
            let mut left = _mm512_add_ps(_mm512_load_ps(from), bias[0]);
            let mut right = _mm512_add_ps(_mm512_load_ps(from.add(16)), bias[1]);
            if !place.residual.is_null() {
                let added = place.residual.add(row * place.pitch).cast::<__m256i>();
                let wide = |half: __m256i| {
                    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)))
                };
                left = _mm512_add_ps(left, wide(_mm256_loadu_si256(added)));
                right = _mm512_add_ps(right, wide(_mm256_loadu_si256(added.add(1))));
            }
            // The sum stands second, so that a NaN stays one.
            left = _mm512_min_ps(high, _mm512_max_ps(low, left));
            right = _mm512_min_ps(high, _mm512_max_ps(low, right));
            let to = place.output.add(row * place.pitch).cast::<__m512i>();
            _mm512_storeu_si512(to, short(left, right));
        }
    }
}

/// The numbers of two vectors as bf16, one behind the other.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn short(first: __m512, second: __m512) -> __m512i {
    let both = _mm512_cvtne2ps_pbh(second, first);
    // SAFETY: 512 bits either way.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(both) }
}

/// Sixteen columns of up to 32 rows of `f32` as pairs of bf16: for each pair of rows, the sixteen
/// columns' pairs. Rows and columns that there are not are zero.
///
/// # Safety
///
/// The machine has AVX-512 with bf16; `from` has so many rows of so many columns, `pitch` numbers from
/// one to the next.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn paired(from: *const f32, pitch: usize, rows: usize, columns: usize) -> [__m512i; 16] {
    let mask = u16::MAX >> (16 - columns.min(16));
    // Of the numbers of two rows, one behind the other, the first of each, then the second …
    let order: [u16; 32] = std::array::from_fn(|at| (at % 2 * 16 + at / 2) as u16);
    // SAFETY: as the caller says.
    unsafe {
        let order = _mm512_loadu_si512(order.as_ptr().cast());
        let row = |row: usize| match row < rows {
            true => _mm512_maskz_loadu_ps(mask, from.add(row * pitch)),
            false => _mm512_setzero_ps(),
        };
        std::array::from_fn(|pair| {
            _mm512_permutexvar_epi16(order, short(row(2 * pair), row(2 * pair + 1)))
        })
    }
}

/// Writes [`paired`] columns as the rows of a tile of weights.
///
/// # Safety
///
/// As [`paired`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn pair(
    from: *const f32,
    pitch: usize,
    rows: usize,
    columns: usize,
    to: &mut [f32],
) {
    assert!(to.len() >= 256);
    // SAFETY: as the caller says; the tile has 16 rows of 16 pairs.
    unsafe {
        for (row, pairs) in paired(from, pitch, rows, columns).into_iter().enumerate() {
            _mm512_storeu_si512(to.as_mut_ptr().add(16 * row).cast(), pairs);
        }
    }
}

/// Writes [`paired`] columns one below the other, `to_pitch` pairs from one to the next.
///
/// # Safety
///
/// As [`paired`]; `to` has room for 16 rows of 16 pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn pair_turned(
    from: *const f32,
    pitch: usize,
    rows: usize,
    columns: usize,
    to: *mut f32,
    to_pitch: usize,
) {
    // SAFETY: as the caller says.
    unsafe { store_turned(paired(from, pitch, rows, columns), to, to_pitch) }
}

/// Writes rows of numbers as pairs of bf16, each row as a column of 16 pairs.
///
/// # Safety
///
/// The machine has AVX-512 with bf16; `to` has room for 16 rows of 16 pairs, `to_pitch` pairs from one
/// to the next.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn pair_rows(rows: &[[f32; STEP]], to: *mut f32, to_pitch: usize) {
    assert!(rows.len() == 16);
    // SAFETY: as the caller says; a row has 32 numbers.
    unsafe {
        let pairs = std::array::from_fn(|at| {
            let row = rows[at].as_ptr();
            short(_mm512_loadu_ps(row), _mm512_loadu_ps(row.add(16)))
        });
        store_turned(pairs, to, to_pitch);
    }
}

/// Writes the columns of 16 rows of 32-bit numbers as rows, `to_pitch` numbers from one to the next.
///
/// # Safety
///
/// The machine has AVX-512; `to` has room for them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn store_turned(rows: [__m512i; 16], to: *mut f32, to_pitch: usize) {
    // SAFETY: as the caller says.
    unsafe {
        // Squares of two by two, then of four by four, are turned in each quarter of a register …
        let mut twos = rows;
        for at in (0..16).step_by(2) {
            twos[at] = _mm512_unpacklo_epi32(rows[at], rows[at + 1]);
            twos[at + 1] = _mm512_unpackhi_epi32(rows[at], rows[at + 1]);
        }
        let mut fours = twos;
        for at in (0..16).step_by(4) {
            fours[at] = _mm512_unpacklo_epi64(twos[at], twos[at + 2]);
            fours[at + 1] = _mm512_unpackhi_epi64(twos[at], twos[at + 2]);
            fours[at + 2] = _mm512_unpacklo_epi64(twos[at + 1], twos[at + 3]);
            fours[at + 3] = _mm512_unpackhi_epi64(twos[at + 1], twos[at + 3]);
        }
        // … and then the quarters change places.
        for at in 0..4 {
            let [a, b, c, d] = [fours[at], fours[4 + at], fours[8 + at], fours[12 + at]];
            let (even, odd) = (
                [
                    _mm512_shuffle_i32x4::<0x88>(a, b),
                    _mm512_shuffle_i32x4::<0x88>(c, d),
                ],
                [
                    _mm512_shuffle_i32x4::<0xdd>(a, b),
                    _mm512_shuffle_i32x4::<0xdd>(c, d),
                ],
            );
            let store = |row: usize, pairs| {
                _mm512_storeu_si512(to.add((row + at) * to_pitch).cast(), pairs);
            };
            store(0, _mm512_shuffle_i32x4::<0x88>(even[0], even[1]));
            store(4, _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1]));
            store(8, _mm512_shuffle_i32x4::<0xdd>(even[0], even[1]));
            store(12, _mm512_shuffle_i32x4::<0xdd>(odd[0], odd[1]));
        }
    }
}

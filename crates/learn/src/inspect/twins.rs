//! Pictures that are nearly the same, where that matters: on two sides of the split, so that an
//! image is asked about that the model has seen, or with two labels, of which one is wrong.
//!
//! Two pictures are nearly the same if at most one in ten of the 256 bits of their perceptual hashes
//! differ ([`finial_data::Print`]), for one of them as it is or in a mirror, and if their mean
//! colours are alike. That holds for a picture that was saved anew, resized, made lighter or darker,
//! or mirrored; a crop or a turn is not found. Features do not tell this: the frozen network finds
//! two cells of a solar panel more alike than a picture and its JPEG of low quality.
//!
//! All are compared with all: 5 billion pairs of 100,000 images take half a minute of one core, and
//! 64 bytes of memory an image.

use finial_data::{Look, Print};
use rayon::prelude::*;
use serde::Serialize;

use super::Subject;
use super::odd::is_blank;
use crate::prepare::Prepared;

/// Of the bits, at most so many differ: one in ten.
pub const APART: u32 = Print::BITS / 10;
/// Mean colours may differ by so many of 256 levels of blue and red difference.
const COLOUR: f32 = 12.0;
/// Pairs that are listed.
pub const MOST: usize = 10_000;

/// Two pictures that are nearly the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Twins {
    /// The two.
    pub images: [Subject; 2],
    /// Whether one is the other in a mirror.
    pub mirrored: bool,
    /// How many bits of their hashes differ, of 256.
    pub bits_apart: u32,
    /// Whether they are on two sides of the split.
    pub across_splits: bool,
    /// Whether their labels differ.
    pub across_labels: bool,
}

/// The pairs among `rows`, the most alike first, and how many there are.
pub(super) fn find(prepared: &Prepared, rows: &[usize]) -> (Vec<Twins>, usize) {
    let looks = &prepared.features.looks;
    let plan = &prepared.plan.assignment;
    let seen: Vec<(usize, Look)> = rows
        .iter()
        .filter_map(|&row| Some((row, *looks.get(row)?)))
        .filter(|(_, look)| !is_blank(look))
        .collect();
    let mut pairs: Vec<Pair> = seen
        .par_iter()
        .enumerate()
        .flat_map_iter(|(at, one)| {
            let others = seen.get(at + 1..).unwrap_or_default().iter();
            others.filter_map(move |other| Pair::of(one, other))
        })
        .filter(|pair| {
            let across_labels =
                prepared.targets.row(pair.rows[0]) != prepared.targets.row(pair.rows[1]);
            across_labels || plan[pair.rows[0]] != plan[pair.rows[1]]
        })
        .collect();
    let in_all = pairs.len();
    pairs.sort_by_key(|pair| (pair.bits_apart, pair.rows));
    pairs.truncate(MOST);
    let twins = pairs.into_iter().map(|pair| {
        let images = pair.rows.map(|row| Subject::new(prepared, row));
        Twins {
            across_splits: images[0].split != images[1].split,
            across_labels: images[0].label != images[1].label,
            images,
            mirrored: pair.mirrored,
            bits_apart: pair.bits_apart,
        }
    });
    (twins.collect(), in_all)
}

struct Pair {
    rows: [usize; 2],
    bits_apart: u32,
    mirrored: bool,
}

impl Pair {
    /// Two pictures, if they are nearly the same.
    fn of((row, one): &(usize, Look), (other_row, other): &(usize, Look)) -> Option<Self> {
        let plain = one.print.apart(other.print, APART);
        let mirrored = || one.print.mirrored().apart(other.print, APART);
        let bits_apart = plain.or_else(mirrored)?;
        let colours = one.chroma.iter().zip(other.chroma);
        let alike = colours.into_iter().all(|(a, b)| (a - b).abs() <= COLOUR);
        alike.then_some(Pair {
            rows: [*row, *other_row],
            bits_apart,
            mirrored: plain.is_none(),
        })
    }
}

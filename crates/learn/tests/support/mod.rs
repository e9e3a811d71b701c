//! A small data set on disk, and options that train on it in a moment.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

use finial_learn::TrainOptions;
use image::{Rgb, RgbImage};

/// `folder/<class>/<n>.png`: discs of another colour for each class, `count` of each.
pub fn class_folders(folder: &Path, classes: &[&str], count: u32) {
    for (hue, class) in classes.iter().enumerate() {
        for number in 0..count {
            picture(
                &folder.join(class).join(format!("{number}.png")),
                hue,
                number,
            );
        }
    }
}

/// A disc of one of three colours, at a place of its own.
pub fn picture(path: &Path, hue: usize, number: u32) {
    let mut colour = [40u8; 3];
    colour[hue % 3] = 220;
    let (x0, y0) = (16 + number * 7 % 32, 16 + number * 13 % 32);
    let picture = RgbImage::from_fn(64, 64, |x, y| {
        match x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < 150 {
            true => Rgb(colour),
            false => Rgb([(90 + (number * 31 + x + y) % 50) as u8; 3]),
        }
    });
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// Options for a quick training.
pub fn options(data: impl Into<PathBuf>) -> TrainOptions {
    let mut options = TrainOptions::new(data);
    options.fit.epochs = 5;
    options
}

//! A scratch folder with small data sets in it, and the binary run as a user would run it.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "used by tests alone")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};

pub struct Scratch {
    folder: tempfile::TempDir,
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Scratch {
    pub fn new() -> Self {
        Scratch {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `finial` in the scratch folder, with a feature store of its own.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output: Output = self.command(arguments).output().unwrap();
        Ran {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_finial"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("FINIAL_CACHE", self.path("cache"));
        command
    }

    /// Runs it and reads the JSON document on standard output.
    pub fn run_json(&self, arguments: &[&str]) -> serde_json::Value {
        let ran = self.run(arguments);
        assert_eq!(ran.status, 0, "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Writes a picture: a disc of that colour and size on grey, different for each `number`.
    pub fn picture(&self, name: &str, colour: [u8; 3], radius: u32, number: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (x0, y0) = (20 + number * 7 % 24, 20 + number * 13 % 24);
        let picture = RgbImage::from_fn(64, 64, |x, y| {
            let apart = x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2);
            let shade = 100 + (number * 31 + x * 3 + y * 5) % 40;
            match apart <= radius * radius {
                true => Rgb(colour),
                false => Rgb([shade as u8; 3]),
            }
        });
        picture.save(path).unwrap();
    }

    /// `name/<class>/<n>.png`, `count` of each class.
    pub fn class_folders(&self, name: &str, classes: &[(&str, [u8; 3])], count: u32) {
        for (class, colour) in classes {
            for number in 0..count {
                self.picture(&format!("{name}/{class}/{number}.png"), *colour, 12, number);
            }
        }
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Names in the scratch folder, to see that nothing was left behind.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).filter(|n| n != "cache").collect();
        names.sort();
        names
    }
}

pub const RED: [u8; 3] = [220, 30, 30];
pub const GREEN: [u8; 3] = [30, 200, 40];
pub const BLUE: [u8; 3] = [30, 60, 220];

pub fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

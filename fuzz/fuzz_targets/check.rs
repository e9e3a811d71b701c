//! Any bytes as a program, a notebook and a model: `cargo +nightly fuzz run check`.

#![no_main]

use std::path::Path;

use finial_check::{Options, check_text};
use finial_task::{RawLabels, Request, infer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let folders = ["a", "b", "c"].repeat(3).into_iter().map(String::from);
    let labels = RawLabels::Folders(folders.collect());
    let Ok(all) = Options::new(vec!["ALL".to_owned()], Vec::new()) else {
        return;
    };
    let options = match infer(&labels, &Request::default(), &|at| at.to_string()) {
        Ok(labels) => all.beside(&labels, "photos"),
        Err(_) => all,
    };
    for name in ["a.py", "a.ipynb", "a.json"] {
        let report = check_text(Path::new(name), &text, &options);
        let narrow = report.text_within(true, Some(40));
        let _ = (narrow, report.json(), report.sarif(), report.github());
        for repaired in report.repaired() {
            let _ = repaired.diff();
        }
    }
});

//! Any bytes as a program and as a notebook: `cargo +nightly fuzz run check`.

#![no_main]

use finial_check::{Options, check_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for name in ["a.py", "a.ipynb"] {
        let report = check_text(name, &text, &Options::default());
        let _ = (report.text(false), report.json(), report.sarif(), report.github());
        for repaired in report.repaired() {
            let _ = repaired.diff();
        }
    }
});

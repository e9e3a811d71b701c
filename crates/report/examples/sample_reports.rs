//! Writes a sample page for each kind of task into a folder, to look at in a browser.
//!
//! ```text
//! cargo run -p finial-report --example sample_reports -- FOLDER
//! ```
//!
//! The numbers are made up, but hang together: the curves and the counts come from the same drawn
//! probabilities. The tests of this crate render the same samples.

mod samples;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("expected a folder to write the pages into")?;
    std::fs::create_dir_all(&folder)?;
    for (name, report) in samples::all() {
        let path = folder.join(format!("{name}.html"));
        std::fs::write(&path, finial_report::render(&report)?)?;
        println!("{}", path.display());
    }
    Ok(())
}

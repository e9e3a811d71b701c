//! `finial check` without the binary: `cargo run -p finial-check --example check -- PATH…`

use std::path::PathBuf;
use std::process::ExitCode;

use finial_check::{Options, check};

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let report = check(&paths, &Options::default());
    print!("{}", report.text(false));
    ExitCode::from(report.exit_code())
}

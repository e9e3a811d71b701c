//! `finial check` without the binary: `cargo run -p finial-check --example check -- [--fix] PATH…`

use std::path::PathBuf;
use std::process::ExitCode;

use finial_check::{Options, check};

fn main() -> ExitCode {
    let (flags, paths): (Vec<PathBuf>, Vec<PathBuf>) = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .partition(|argument| argument.starts_with("--fix"));
    let report = check(&paths, &Options::default());
    for repaired in report.repaired().iter().filter(|_| !flags.is_empty()) {
        match repaired.write() {
            Ok(()) => println!("wrote {}", repaired.target().display()),
            Err(error) => eprintln!("{error}"),
        }
    }
    print!("{}", report.text(false));
    ExitCode::from(report.exit_code())
}

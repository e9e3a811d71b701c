//! `finial check` without the binary:
//! `cargo run -p finial-check --example check -- [--fix] [--json|--sarif|--github] PATH…`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use finial_check::{Options, check};

fn main() -> ExitCode {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut flag = |name: &str| {
        let before = paths.len();
        paths.retain(|path| path != Path::new(name));
        paths.len() < before
    };
    let (fix, json, sarif) = (flag("--fix"), flag("--json"), flag("--sarif"));
    let github = flag("--github");
    let report = check(&paths, &Options::default());
    for repaired in report.repaired().iter().filter(|_| fix) {
        match repaired.write() {
            Ok(()) => println!("wrote {}", repaired.target().display()),
            Err(error) => eprintln!("{error}"),
        }
    }
    match (json, sarif, github) {
        (true, _, _) => println!("{:#}", report.json()),
        (_, true, _) => println!("{:#}", report.sarif()),
        (_, _, true) => print!("{}", report.github()),
        _ => print!("{}", report.text(false)),
    }
    ExitCode::from(report.exit_code())
}

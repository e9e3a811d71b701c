//! Small complete programs, right and wrong: recall and false alarms.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::PathBuf;

use finial_check::{Options, check_text};

fn programs(half: &str) -> Vec<(PathBuf, String)> {
    let mut files: Vec<_> = std::fs::read_dir(format!("corpus/{half}"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn found(path: &PathBuf, text: &str) -> Vec<&'static str> {
    let report = check_text(path, text, &Options::default());
    assert!(
        report.skipped().is_empty(),
        "{}: {:?}",
        path.display(),
        report.skipped()
    );
    let mut codes: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| finding.code())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn right_programs_are_silent() {
    let programs = programs("right");
    let alarms: Vec<_> = programs
        .iter()
        .map(|(path, text)| (path, found(path, text)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    println!(
        "false alarms: {} of {} right programs",
        alarms.len(),
        programs.len()
    );
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[test]
fn faults_of_wrong_programs_are_found() {
    let programs = programs("wrong");
    let (mut expected_count, mut found_count) = (0, 0);
    let mut missed = Vec::new();
    let mut surplus = Vec::new();
    for (path, text) in &programs {
        let first = text.lines().next().unwrap();
        let list = first
            .strip_prefix("# expected: ")
            .unwrap_or_else(|| panic!("{}: no codes", path.display()));
        let expected: Vec<&str> = list.split(", ").collect();
        let found = found(path, text);
        expected_count += expected.len();
        for code in &expected {
            if found.contains(code) {
                found_count += 1;
            } else {
                missed.push(format!("{}: {code}", path.display()));
            }
        }
        for code in found.iter().filter(|code| !expected.contains(code)) {
            surplus.push(format!("{}: {code}", path.display()));
        }
    }
    println!(
        "recall: {found_count} of {expected_count} faults in {} wrong programs",
        programs.len()
    );
    assert!(surplus.is_empty(), "not expected: {surplus:#?}");
    // What is missed today is written down, so that it can only become less.
    let known = std::fs::read_to_string("corpus/missed.txt").unwrap_or_default();
    let known: Vec<&str> = known.lines().collect();
    assert_eq!(missed, known);
}

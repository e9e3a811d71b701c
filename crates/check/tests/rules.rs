//! The registry, walked: codes and names, documentation, and the programs in it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::HashSet;

use finial_check::{Options, RULES, Report, Rule, check_text, rule, rules_page};
use finial_task::{RawLabels, Request, infer};

fn all() -> Options {
    Options::new(vec!["ALL".to_owned()], Vec::new()).unwrap()
}

fn look(program: &str) -> Report {
    check_text("train.py", program, &all())
}

/// A program of a rule's documentation; rules that compare it with labels get some of three
/// classes.
fn look_for(rule: &Rule, program: &str) -> Report {
    if !rule.code().starts_with("FIN4") {
        return look(program);
    }
    let folders = ["cat", "dog", "fox"]
        .repeat(4)
        .into_iter()
        .map(String::from);
    let labels = RawLabels::Folders(folders.collect());
    let labels = infer(&labels, &Request::default(), &|sample| sample.to_string()).unwrap();
    check_text("train.py", program, &all().beside(&labels, "photos/"))
}

fn codes(report: &Report) -> Vec<&'static str> {
    report
        .findings()
        .iter()
        .map(|finding| finding.code())
        .collect()
}

/// The Python programs in a piece of Markdown.
fn programs(markdown: &str) -> Vec<&str> {
    let blocks = markdown.split("```python\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn codes_and_names_are_unique_and_well_formed() {
    let mut seen = HashSet::new();
    let mut last = "";
    for rule in RULES {
        assert!(
            rule.code().len() == 6 && rule.code().starts_with("FIN"),
            "{}",
            rule.code()
        );
        assert!(rule.code() > last, "{} is out of order", rule.code());
        last = rule.code();
        assert!(
            rule.name()
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-'),
            "{}",
            rule.name()
        );
        assert!(seen.insert(rule.name()), "{} twice", rule.name());
    }
}

#[test]
fn every_rule_says_what_why_and_what_instead() {
    for rule in RULES {
        for heading in [
            "What it does",
            "Why is this bad?",
            "Example",
            "Use instead",
            "References",
        ] {
            let section = rule.section(heading).unwrap_or_default();
            assert!(!section.is_empty(), "{}: no {heading}", rule.code());
        }
    }
}

#[test]
fn the_page_of_rules_is_what_the_rules_say() {
    let page = std::fs::read_to_string("../../docs/rules.md").unwrap();
    assert!(
        page == rules_page(),
        "docs/rules.md is old: cargo run -p finial-check --example rules > docs/rules.md"
    );
}

#[test]
fn every_example_is_reported_and_its_alternative_is_silent() {
    let mut faults = Vec::new();
    for rule in RULES {
        for program in programs(rule.section("Example").unwrap()) {
            let found = codes(&look_for(rule, program));
            if !found.contains(&rule.code()) {
                faults.push(format!("{}: the example gives {found:?}", rule.code()));
            }
        }
        for program in programs(rule.section("Use instead").unwrap()) {
            let found = codes(&look_for(rule, program));
            if !found.is_empty() {
                faults.push(format!("{}: the alternative gives {found:?}", rule.code()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_case_beside_a_rule_is_as_it_says() {
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir("tests/cases").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let code = rule(&name)
            .unwrap_or_else(|| panic!("{name} is no rule"))
            .code();
        let text = std::fs::read_to_string(&path).unwrap();
        let (reported, silent) = text.split_once("## Silent").unwrap();
        for program in programs(reported) {
            count += 1;
            if !codes(&look(program)).contains(&code) {
                faults.push(format!("{name}: not reported:\n{program}"));
            }
        }
        for program in programs(silent) {
            count += 1;
            let found = codes(&look(program));
            if found.contains(&code) {
                faults.push(format!("{name}: reported:\n{program}"));
            }
        }
    }
    println!("{count} cases");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn examples_look_as_they_did() {
    for rule in RULES {
        let program = programs(rule.section("Example").unwrap())[0];
        let report = look_for(rule, program);
        let mut text = report.text(false);
        for repaired in report.repaired() {
            text.push_str(&repaired.diff());
        }
        insta::assert_snapshot!(rule.name(), text);
    }
}

#[test]
fn a_repaired_example_is_silent_about_its_fault() {
    for rule in RULES {
        let report = look_for(rule, programs(rule.section("Example").unwrap())[0]);
        let fixable = report
            .findings()
            .iter()
            .any(|finding| finding.code() == rule.code() && finding.fix().is_some());
        if !fixable {
            continue;
        }
        let repaired = report.repaired();
        let found = codes(&look(repaired[0].text()));
        assert!(
            !found.contains(&rule.code()),
            "{}: still there after its repair",
            rule.code()
        );
    }
}

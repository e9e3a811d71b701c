//! Each rule of Keras in the spelling of each era and form of a model, wrong and right.
//!
//! A scenario says the same once; it is written down in every spelling, and the snapshot shows what
//! is found where. Rules of PyTorch alone are in `tests/cases`.
//!
//! - [`scenarios`]: heads, losses, labels, metrics. [`transfer`]: published networks under them.
//! - [`program`]: eras and forms.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod program;
mod scenarios;
mod transfer;

use std::fmt::Write;

use finial_check::{Options, RULES, check_text, rule};
use finial_task::{RawLabels, Request, infer};

use program::{ERAS, Form, program};
use scenarios::SCENARIOS;
use transfer::TRANSFERS;

fn look(code: &str, program: &str) -> Vec<String> {
    let mut options = Options::new(vec!["ALL".to_owned()], Vec::new()).unwrap();
    if code.starts_with("FIN4") {
        let folders = ["cat", "dog", "fox"]
            .repeat(4)
            .into_iter()
            .map(String::from);
        let labels = RawLabels::Folders(folders.collect());
        let labels = infer(&labels, &Request::default(), &|at| at.to_string()).unwrap();
        options = options.beside(&labels, "photos/");
    }
    let report = check_text("train.py", program, &options);
    assert!(report.skipped().is_empty(), "{program}");
    let found = report.findings().iter();
    found
        .map(|f| format!("{} {}:{}", f.code(), f.position().line, f.position().column))
        .collect()
}

/// What is found, a line a spelling, and where it is not as it should be.
#[derive(Default)]
struct Table {
    text: String,
    faults: String,
}

impl Table {
    fn rule(&mut self, code: &str) {
        writeln!(self.text, "{code} {}", rule(code).unwrap().name()).unwrap();
    }

    fn spelling(&mut self, code: &str, era: &str, form: Form, wrong: &str, right: &str) {
        let name = form.name();
        let found = look(code, wrong);
        if !found.iter().any(|found| found.starts_with(code)) {
            let faults = &mut self.faults;
            writeln!(
                faults,
                "{era}, {name}: {code} is missed, found {found:?}:\n{wrong}"
            )
            .unwrap();
        }
        let alarms = look(code, right);
        if !alarms.is_empty() {
            let faults = &mut self.faults;
            writeln!(
                faults,
                "{era}, {name}: {code} is right, found {alarms:?}:\n{right}"
            )
            .unwrap();
        }
        writeln!(self.text, "    {era}, {name}: {}", found.join(", ")).unwrap();
    }
}

/// Eras and forms that exist together.
fn spellings() -> impl Iterator<Item = (&'static str, Form)> {
    let pairs = ERAS
        .iter()
        .flat_map(|era| Form::ALL.map(|form| (*era, form)));
    pairs.filter(|(era, form)| form.exists_in(era))
}

#[test]
fn every_era_and_form_is_understood() {
    let mut table = Table::default();
    for scenario in SCENARIOS {
        table.rule(scenario.code);
        for (era, form) in spellings().filter(|(era, _)| scenario.eras.contains(era)) {
            let wrong = program(era, form, scenario.data, &scenario.wrong);
            let right = program(era, form, scenario.right_data, &scenario.right);
            table.spelling(scenario.code, era, form, &wrong, &right);
        }
    }
    assert!(table.faults.is_empty(), "{}", table.faults);
    insta::assert_snapshot!(table.text);
}

#[test]
fn transfer_learning_is_understood_in_every_era_and_form() {
    let mut table = Table::default();
    for transfer in TRANSFERS {
        table.rule(transfer.code);
        for (era, form) in spellings().filter(|(era, form)| transfer.exists_in(era, *form)) {
            let [wrong, right] = [&transfer.wrong, &transfer.right].map(|it| it.program(era, form));
            table.spelling(transfer.code, era, form, &wrong, &right);
        }
    }
    assert!(table.faults.is_empty(), "{}", table.faults);
    insta::assert_snapshot!(table.text);
}

#[test]
fn every_rule_of_keras_is_spelt_and_every_other_has_cases() {
    for rule in RULES {
        let code = rule.code();
        let spelt = SCENARIOS.iter().any(|scenario| scenario.code == code)
            || TRANSFERS.iter().any(|transfer| transfer.code == code);
        let beside = std::path::Path::new("tests/cases").join(format!("{}.md", rule.name()));
        let torch = ["FIN012", "FIN013", "FIN014", "FIN015", "FIN510", "FIN511"].contains(&code);
        assert!(
            if torch { beside.exists() } else { spelt },
            "{code} has no cases"
        );
    }
}

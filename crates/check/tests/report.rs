//! What comes out: places, JSON, SARIF, annotations, suppression, repairs, notebooks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_check::{Options, Report, SkippedWhat, check, check_text};

const PROGRAM: &str = "\
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(1, activation='softmax'))
model.compile(loss='binary_crossentropy', optimizer='adam')
";

fn look(text: &str) -> Report {
    check_text("train.py", text, &Options::default())
}

#[test]
fn json_has_what_tools_ask_for() {
    let json = look(PROGRAM).json();
    let first = &json[0];
    assert_eq!(first["file"], "train.py");
    assert_eq!(
        (first["line"].as_u64(), first["column"].as_u64()),
        (Some(5), Some(31))
    );
    assert_eq!(first["code"], "FIN001");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["contradicts"]["line"], 5);
    assert_eq!(first["fix"]["edits"][0]["text"], "sigmoid");
}

#[test]
fn sarif_names_the_rule_and_the_place() {
    let sarif = look(PROGRAM).sarif();
    let run = &sarif["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "FIN001");
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 5);
    assert!(
        run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["id"] == "FIN001")
    );
}

#[test]
fn sarif_has_repairs_and_what_was_skipped() {
    let sarif = look(&format!("{PROGRAM}print 'done'\n")).sarif();
    let run = &sarif["runs"][0];
    let change = &run["results"][0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "train.py");
    let edit = &change["replacements"][0];
    assert_eq!(edit["insertedContent"]["text"], "sigmoid");
    assert_eq!(
        (
            &edit["deletedRegion"]["startColumn"],
            &edit["deletedRegion"]["endColumn"]
        ),
        (&32.into(), &39.into())
    );
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true);
    let notice = &invocation["toolExecutionNotifications"][0];
    assert_eq!(
        notice["locations"][0]["physicalLocation"]["region"]["startLine"],
        7
    );
}

#[test]
fn a_narrow_terminal_gets_no_line_that_is_too_long() {
    let program = PROGRAM.replace("optimizer='adam'", "optimizer='adam', metrics=['accuracy']");
    let program = program.replace("softmax", "relu");
    for columns in [40, 50, 80] {
        let text = look(&program).text_within(false, Some(columns));
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= columns, "{columns}:\n{text}");
        insta::assert_snapshot!(format!("columns_{columns}"), text);
    }
}

#[test]
fn no_file_name_drives_the_terminal() {
    let name = "a\u{1b}[2Jb\n.py";
    let found = check_text(name, PROGRAM, &Options::default());
    let skipped = check_text(name, "\0", &Options::default());
    for text in [found.text(false), skipped.text(false)] {
        assert!(
            !text.contains('\u{1b}') && text.contains("[2Jb\\n.py"),
            "{text}"
        );
    }
}

#[test]
fn github_gets_one_line_for_each_finding() {
    let text = look(PROGRAM).github();
    assert!(
        text.starts_with("::error file=train.py,line=5,col=31,"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_comment_silences_a_rule_on_its_line() {
    for comment in [
        "# finial: ignore[FIN001]",
        "# finial: ignore",
        "# finial: ignore[softmax-on-one-unit]",
    ] {
        let line = "model.add(Dense(1, activation='softmax'))";
        let quiet = look(&PROGRAM.replace(line, &format!("{line}  {comment}")));
        assert!(quiet.findings().is_empty(), "{comment}");
        let above = look(&PROGRAM.replace(line, &format!("{comment}\n{line}")));
        assert!(above.findings().is_empty(), "{comment} above");
    }
    let other = PROGRAM.replace("'softmax'))", "'softmax'))  # finial: ignore[FIN002]");
    assert_eq!(look(&other).findings().len(), 1);
}

#[test]
fn a_comment_that_silences_nothing_is_told() {
    for (comment, told) in [
        ("ignore[FIN999]", "found `FIN999`: did you mean"),
        ("ignore[FIN001", "expected `finial: ignore[CODE, …]`"),
        ("ignore(FIN001)", "expected `finial: ignore[CODE, …]`"),
    ] {
        let line = "model.add(Dense(1, activation='softmax'))";
        let report = look(&PROGRAM.replace(line, &format!("{line}  # finial: {comment}")));
        assert_eq!((report.findings().len(), report.exit_code()), (1, 1));
        let skipped = &report.skipped()[0];
        assert_eq!(skipped.what, SkippedWhat::Comment);
        assert_eq!(skipped.position.unwrap().line, 5);
        assert!(skipped.to_string().contains(told), "{skipped}");
    }
}

#[test]
fn wrong_settings_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.py", "b.py"] {
        std::fs::write(folder.path().join(name), PROGRAM).unwrap();
    }
    let settings = folder.path().join("pyproject.toml");
    std::fs::write(&settings, "[tool.finial]\nignored = []\n").unwrap();
    let report = check(&[folder.path().to_owned()], &Options::default());
    assert_eq!((report.skipped().len(), report.exit_code()), (1, 2));
    assert_eq!(report.skipped()[0].path, settings);
}

#[test]
fn a_project_says_which_rules_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.py");
    std::fs::write(&file, PROGRAM).unwrap();
    std::fs::write(
        folder.path().join("pyproject.toml"),
        "[tool.finial]\nignore = ['FIN001']\n",
    )
    .unwrap();
    assert_eq!(
        check(std::slice::from_ref(&file), &Options::default()).exit_code(),
        0
    );
    let asked = Options::new(vec!["FIN001".to_owned()], Vec::new()).unwrap();
    assert_eq!(check(std::slice::from_ref(&file), &asked).exit_code(), 1);
    std::fs::write(
        folder.path().join("pyproject.toml"),
        "[tool.finial]\nignore = ['FIN999']\n",
    )
    .unwrap();
    assert_eq!(check(&[file], &Options::default()).exit_code(), 2);
}

#[test]
fn a_repair_is_shown_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.py");
    std::fs::write(&file, PROGRAM).unwrap();
    let report = check(&[folder.path().to_owned()], &Options::default());
    let repaired = report.repaired();
    assert_eq!(repaired[0].repaired, 1);
    assert!(
        repaired[0]
            .diff()
            .contains("+model.add(Dense(1, activation='sigmoid'))")
    );
    repaired[0].write().unwrap();
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, PROGRAM.replace("softmax", "sigmoid"));
    assert_eq!(
        check(std::slice::from_ref(&file), &Options::default()).exit_code(),
        0
    );
    // The file is another one now.
    assert!(repaired[0].write().is_err());
}

#[test]
fn a_repair_that_would_break_the_program_is_not_made() {
    // The new argument would come inside the parentheses.
    let program = "\
from keras import layers, models
model = models.Sequential([layers.Dense((10))])
model.compile(loss='categorical_crossentropy')
";
    let report = look(program);
    assert_eq!(report.findings()[0].code(), "FIN004");
    for repaired in report.repaired() {
        assert!(
            look(repaired.text()).skipped().is_empty(),
            "{}",
            repaired.text()
        );
    }
}

#[test]
fn a_finding_in_a_notebook_names_its_cell() {
    let notebook = r##"{"cells": [
        {"cell_type": "markdown", "source": "# A model"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "from keras.layers import Dense\n", "from keras.models import Sequential"]},
        {"cell_type": "code", "source": ["!pip install keras\n", "model = Sequential()\n", "model.add(Dense(1, activation='softmax'))"]},
        {"cell_type": "code", "source": ["model.compile(loss='binary_crossentropy')"]}
    ], "nbformat": 4}"##;
    let report = check_text("a.ipynb", notebook, &Options::default());
    let finding = &report.findings()[0];
    let position = finding.position();
    assert_eq!(
        (position.cell, position.line, position.column),
        (Some(3), 3, 31)
    );
    assert!(
        report.text(false).contains("a.ipynb:cell 3:3:31"),
        "{}",
        report.text(false)
    );
    let repaired = report.repaired();
    assert_eq!(
        repaired[0].text(),
        notebook.replace("activation='softmax'", "activation='sigmoid'")
    );
    // Annotations are put at lines of the file.
    let github = report.github();
    assert!(github.contains("file=a.ipynb,line=4,title="), "{github}");
    assert!(github.contains("::cell 3, line 3: softmax"), "{github}");
    let sarif = report.sarif();
    let place = &sarif["runs"][0]["results"][0]["locations"][0];
    assert_eq!(place["physicalLocation"]["region"]["startLine"], 4);
    assert_eq!(place["logicalLocations"][0]["name"], "cell 3");
}

#[test]
fn a_notebook_fault_that_contradicts_another_cell_says_which() {
    let notebook = r##"{"cells": [
        {"cell_type": "code", "source": ["import keras\n", "model = keras.Sequential([keras.layers.Dense(10)])"]},
        {"cell_type": "code", "source": ["model.compile(loss='categorical_crossentropy')"]}
    ], "nbformat": 4}"##;
    let report = check_text("a.ipynb", notebook, &Options::default());
    assert!(
        report.text(false).contains("cell 2, 1:20"),
        "{}",
        report.text(false)
    );
}

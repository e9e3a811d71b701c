//! Which task follows from which labels, and what is said of it.
//!
//! Each case is a column, or a few, beside what must come out.

use finial_task::{
    Column, InferError, Inference, LabelSource, RawLabels, Request, TaskKind, infer,
};
use miette::Diagnostic;

fn column(name: &str, cells: &[&str]) -> Column {
    Column {
        name: name.to_owned(),
        cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
    }
}

/// `("a b  c", 2)`: the cells a, b, an empty one and c, all twice. `_` stands for a space.
fn cells(text: &str, times: usize) -> Vec<String> {
    let cells = || text.split(' ').map(|cell| cell.replace('_', " "));
    (0..times).flat_map(|_| cells()).collect()
}

fn one(name: &str, text: &str, times: usize) -> RawLabels {
    RawLabels::Table(vec![Column {
        name: name.to_owned(),
        cells: cells(text, times),
    }])
}

fn line(row: usize) -> String {
    format!("t.csv:{}", row + 2)
}

fn of(labels: &RawLabels, kind: Option<TaskKind>) -> Result<Inference, InferError> {
    let request = Request {
        kind,
        ..Request::default()
    };
    infer(labels, &request, &line)
}

fn plain(labels: &RawLabels) -> Result<Inference, InferError> {
    of(labels, None)
}

fn help(error: &InferError) -> String {
    error
        .help()
        .map(|help| help.to_string())
        .unwrap_or_default()
}

#[test]
fn one_column_gives_the_task_its_cells_and_heading_call_for() {
    let hundred: String = (0..100).map(|i| format!("{i} ")).collect();
    let hundred = hundred.trim_end();
    #[rustfmt::skip]
    let cases = [
        ("label", "cat dog cat", 4, "binary: column `label` gives one of 2 names: cat (8), dog (4); the output is the probability of `dog`"),
        ("label", "a b c a", 4, "multi-class: column `label` gives one of 3 names: a (8), b (4), c (4)"),
        ("kind", "a b c d e f", 4, "multi-class: column `kind` gives one of 6 names"),
        ("fine_label", hundred, 2, "multi-class: column `fine_label` gives one of 100 names, whole numbers that are taken as names because of the heading"),
        ("class_id", "3 7 250 12", 3, "multi-class: column `class_id` gives one of 4 names, whole numbers that are taken as names because of the heading: 3 (3), 7 (3), 12 (3), 250 (3)"),
        ("label", "0.5 1.5 2.5", 3, "regression: column `label` holds 3 different decimal numbers"),
        ("grade", "0 1 2", 3, "multi-class: column `grade` gives one of 3 names, whole numbers without a gap that are taken as names of classes: 0 (3), 1 (3), 2 (3)"),
        ("age", "1 2 3", 3, "regression: column `age` holds 3 different whole numbers, taken as amounts"),
        ("value", "3 7 250", 3, "regression: column `value` holds 3 different whole numbers, taken as amounts"),
        ("value", hundred, 2, "regression: column `value` holds 100 different whole numbers"),
        ("zone", "001 002 010", 3, "multi-class: column `zone` gives one of 3 names: 001 (3), 002 (3), 010 (3)"),
        ("grade", "1 1.0 2 3", 3, "multi-class: column `grade` gives one of 3 names, whole numbers without a gap that are taken as names of classes: 1 (6), 2 (3), 3 (3)"),
        ("tags", "a|b a b|c ", 2, "multi-label: column `tags` holds any number of 3 labels, separated by `|`: a (4), b (4), c (2)"),
        ("tags", r#"["a","b"] ["a"] []"#, 2, "multi-label: column `tags` holds lists of any number of 2 labels: a (4), b (2)"),
        ("tags", "['a',_'b'] ['a'] []", 2, "multi-label: column `tags` holds lists of any number of 2 labels: a (4), b (2)"),
        ("codes", "1,2 1,2,3 2,3 3", 4, "multi-label: column `codes` holds any number of 3 labels, separated by `,`: 1 (8), 2 (12), 3 (12)"),
        ("value", "0 9e18 -9e18", 3, "regression: column `value` holds 3 different whole numbers, taken as amounts"),
        ("value", "0 1e30 1", 3, "regression: column `value` holds 3 different whole numbers, taken as amounts"),
        ("gene", "+ - + +", 3, "binary: column `gene` gives one of 2 names: - (3), + (9); the output is the probability of `+`"),
        ("part", "3d 2d 1d", 3, "multi-class: column `part` gives one of 3 names: 1d (3), 2d (3), 3d (3)"),
    ];
    for (name, text, times, reason) in cases {
        let inference = of(&one(name, text, times), None);
        let inference = inference.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(inference.reason, reason);
    }
}

#[test]
fn what_is_asked_for_goes_before_what_is_inferred() {
    use TaskKind::*;
    #[rustfmt::skip]
    let cases = [
        ("label", "cat  cat ", 2, MultiLabel, "multi-label: as asked, column `label` holds one of 1 label or none: cat (4)"),
        ("label", "a b c", 2, MultiLabel, "multi-label: as asked, column `label` holds one of 3 labels or none: a (2), b (2), c (2)"),
        ("cat", "0 1 1", 2, MultiLabel, "multi-label: as asked, column `cat` says 0 or 1 for one label: cat (4)"),
        ("label", "0 1 2", 2, Regression, "regression: column `label` holds 3 different whole numbers"),
        ("dose", "5_mg 10_mg 20_mg", 2, MultiClass, "multi-class: column `dose` gives one of 3 names: 10 mg (2), 20 mg (2), 5 mg (2)"),
        ("dose", "5_mg 10_mg", 2, Binary, "binary: column `dose` gives one of 2 names: 10 mg (2), 5 mg (2); the output is the probability of `5 mg`"),
        ("label", "['a'] ['b'] ['c']", 2, MultiClass, "multi-class: column `label` gives one of 3 names: a (2), b (2), c (2)"),
        ("price", "1.5 2.5 3.5", 2, MultiClass, "multi-class: column `price` gives one of 3 names: 1.5 (2), 2.5 (2), 3.5 (2)"),
    ];
    for (name, text, times, kind, reason) in cases {
        let inference = of(&one(name, text, times), Some(kind));
        let inference = inference.unwrap_or_else(|error| panic!("{name}: {error}"));
        // A regression that would have been inferred otherwise says so elsewhere.
        assert!(inference.reason.starts_with(reason), "{}", inference.reason);
        assert_eq!(inference.way_out, "Leave --task out to have it inferred.");
    }
}

#[test]
fn a_column_that_makes_no_task_is_refused_with_the_way_out() {
    let many: String = (0..40).map(|i| format!("n{i} ")).collect();
    let ids: String = (1000..1040).map(|i| format!("{i} ")).collect();
    #[rustfmt::skip]
    let cases: [(&str, &str, usize, &str, &str); 18] = [
        ("label", "cat cat", 2, "found only `cat` in column `label`", "second class|another label"),
        ("label", "cat  cat", 2, "found only `cat` in column `label`", "--task multi-label"),
        ("label", " ", 2, "found 4 empty cells", "fill the column"),
        ("name", many.trim_end(), 1, "40 different values in 40 rows", "another column"),
        ("id", ids.trim_end(), 1, "`id` holds 40 different values", "--task regression"),
        ("patient_id", "17 4 9 23", 1, "looks like an identifier", "--label-column"),
        ("price", "1,5 2,5 3,75", 2, "t.csv:2: expected plain numbers in column `price`, found `1,5`", "write `1.5`"),
        ("price", "1,234 2,345 12", 2, "found `1,234`", "write `1234`"),
        ("size", "12_mm 14_mm 9_mm", 2, "found `12 mm`", "write `12`"),
        ("cover", "45% 50% 55%", 2, "found `45%`", "write `45`"),
        ("x", "1 2 \u{2212}3", 2, "t.csv:4: expected plain numbers in column `x`, found `\u{2212}3`", "write `-3`"),
        ("box", "[0.5,1.5] [2.5,1]", 2, "found `[0.5,1.5]`", "column of its own"),
        ("box", "0.5|1.5 2.5|1", 2, "found `0.5|1.5`", "column of its own"),
        ("cat", "0 1 0 1 0 1 0 1 0 x", 2, "t.csv:11: expected 0 or 1 in column `cat`, found `x`", "write 1"),
        ("cat", "0 1  1", 1, "t.csv:4: expected a label in column `cat`, found an empty cell (empty in 1 of 4 rows)", "remove the row"),
        ("price", "1.5 2.5 3.5 NA", 3, "t.csv:5: expected a finite number in column `price`, found `NA`", "correct the cell"),
        ("price", "1.5 2.5 NA NA 3.5", 3, "found `NA`", "remove the row"),
        ("label", "a b c  ", 2, "empty in 4 of 10 rows", "fill the cell"),
    ];
    for (name, text, times, message, way_out) in cases {
        let error = match of(&one(name, text, times), None) {
            Err(error) => error,
            Ok(inference) => panic!("{name} {text}: {}", inference.reason),
        };
        assert!(error.to_string().contains(message), "{error}");
        let found = way_out.split('|').any(|part| help(&error).contains(part));
        assert!(found, "{error}: {}", help(&error));
    }
}

#[test]
fn several_columns_give_the_task_they_call_for() {
    type Columns<'a> = &'a [(&'a str, &'a [&'a str])];
    #[rustfmt::skip]
    let cases: [(Columns, &str); 12] = [
        (&[("cat", &["0", "1", "1"]), ("dog", &["1", "1", "0"])],
         "multi-label: 2 columns hold 0 or 1: cat (2), dog (2)"),
        (&[("cat", &["0", "1", "0"]), ("dog", &["1", "0", "0"]), ("owl", &["0", "0", "1"])],
         "multi-class: each row has 1 in exactly one of 3 columns: cat (1), dog (1), owl (1)"),
        (&[("cat", &["0", "1", "0"]), ("dog", &["1", "1", "0"]), ("owl", &["0", "0", "1"])],
         "multi-label: 3 columns hold 0 or 1: cat (1), dog (2), owl (1)"),
        (&[("x", &["0.5", "1.5", "2.5"]), ("y", &["1.25", "2.75", "9.5"])],
         "regression: 2 columns hold numbers"),
        (&[("label", &["0", "1", "0"]), ("verified", &["1", "1", "0"])],
         "binary: column `label` gives one of 2 names: 0 (2), 1 (1); the output is the probability of `1`"),
        (&[("y", &["a", "b", "c"]), ("sex", &["m", "f", "m"])],
         "multi-class: column `y` gives one of 3 names: a (1), b (1), c (1)"),
        (&[("id", &["10", "11", "12"]), ("cat", &["0", "1", "1"]), ("dog", &["1", "1", "0"])],
         "multi-label: 2 columns hold 0 or 1: cat (2), dog (2)"),
        (&[("id", &["10", "11", "12"]), ("price", &["0.5", "1.5", "2.5"])],
         "regression: column `price` holds 3 different decimal numbers"),
        (&[("source", &["web", "web", "web"]), ("price", &["0.5", "1.5", "2.5"])],
         "regression: column `price` holds 3 different decimal numbers"),
        (&[("class_name", &["a", "b", "a"]), ("sex", &["m", "f", "m"])],
         "binary: column `class_name` gives one of 2 names: a (2), b (1); the output is the probability of `b`"),
        (&[("all", &["1", "1", "1"]), ("dog", &["1", "1", "0"])],
         "multi-label: 2 columns hold 0 or 1: all (3), dog (2)"),
        (&[("y", &["0.5", "1.5", "2.5"]), ("sex", &["m", "f", "m"])],
         "regression: column `y` holds 3 different decimal numbers"),
    ];
    for (columns, reason) in cases {
        let table = columns.iter().map(|(name, cells)| column(name, cells));
        let inference = plain(&RawLabels::Table(table.collect())).unwrap();
        assert_eq!(inference.reason, reason);
    }
}

#[test]
fn a_coordinate_y_is_not_the_only_label() {
    let x: Vec<String> = (0..30).map(|i| i.to_string()).collect();
    let whole = |name: &str| Column {
        name: name.to_owned(),
        cells: x.clone(),
    };
    let error = of(&RawLabels::Table(vec![whole("x"), whole("y")]), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "several columns could be the label: `x` (regression), `y` (regression)"
    );
}

#[test]
fn columns_that_are_left_unused_are_named() {
    let table = RawLabels::Table(vec![
        column("label", &["a", "b", "c"]),
        column("sex", &["m", "f", "m"]),
        column("price", &["1", "2", "4"]),
    ]);
    assert_eq!(
        plain(&table).unwrap().warnings,
        [
            "the columns `sex`, `price` were not used; if one is the label, name it with --label-column"
        ]
    );
    let asked = Request {
        label_columns: vec!["sex".to_owned()],
        ..Request::default()
    };
    assert!(infer(&table, &asked, &line).unwrap().warnings.is_empty());
}

#[test]
fn one_hot_columns_are_labels_if_that_is_asked_for() {
    let three = RawLabels::Table(vec![
        column("cat", &["0", "1", "0"]),
        column("dog", &["1", "0", "0"]),
        column("owl", &["0", "0", "1"]),
    ]);
    let inference = plain(&three).unwrap();
    let source = LabelSource::OneHot {
        columns: ["cat", "dog", "owl"].map(String::from).to_vec(),
    };
    assert_eq!(inference.source, source);
    assert_eq!(inference.targets.values(), [1.0, 0.0, 2.0]);
    assert!(inference.way_out.contains("--task multi-label"));
    let labels = of(&three, Some(TaskKind::MultiLabel)).unwrap();
    assert_eq!(labels.targets.columns(), 3);

    let two = RawLabels::Table(vec![
        column("ok", &["0", "1", "0"]),
        column("defect", &["1", "0", "1"]),
    ]);
    assert!(plain(&two).unwrap().way_out.contains("--task binary"));
    let binary = of(&two, Some(TaskKind::Binary)).unwrap();
    assert_eq!(binary.task.names(), ["ok", "defect"]);
    assert_eq!(binary.targets.values(), [1.0, 0.0, 1.0]);
}

#[test]
fn a_stray_cell_in_columns_of_flags_is_named_by_line() {
    for (stray, message) in [
        (
            "",
            "t.csv:4: expected a label in column `dog`, found an empty cell (empty in 1 of 4 rows)",
        ),
        ("x", "t.csv:4: expected 0 or 1 in column `dog`, found `x`"),
    ] {
        let table = RawLabels::Table(vec![
            column("cat", &["0", "1", "1", "0"]),
            column("dog", &["1", "1", stray, "1"]),
        ]);
        assert_eq!(of(&table, None).unwrap_err().to_string(), message);
    }
}

#[test]
fn what_looks_like_a_slip_is_warned_of() {
    #[rustfmt::skip]
    let cases = [
        ("a NA b", "`NA` is taken as a name like the others; if it means that the label is missing, remove those rows"),
        ("a null b", "`null` is taken as a name like the others; if it means that the label is missing, remove those rows"),
        ("Cat cat dog", "`Cat` and `cat` differ only in capitals and are taken as two names"),
        ("1 1.0 2 3", "`1.0` is the same number as `1`: both are taken as `1`"),
        ("1 1 2 2 3 3 4 4 5 5 6 6 other 1 2 3 4 5 6 1 2", "`other` stands among numbers in column `group` and is taken as a name like them"),
    ];
    for (text, warning) in cases {
        assert_eq!(plain(&one("group", text, 3)).unwrap().warnings, [warning]);
    }
    assert!(
        plain(&one("group", "a none b", 3))
            .unwrap()
            .warnings
            .is_empty()
    );
    let never = RawLabels::Table(vec![
        column("cat", &["0", "0", "0"]),
        column("dog", &["1", "1", "0"]),
    ]);
    assert_eq!(
        plain(&never).unwrap().warnings,
        ["no image carries `cat`: nothing can be learned about it"]
    );
}

fn folders(names: &[&str]) -> RawLabels {
    RawLabels::Folders(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn folders_are_classes() {
    let three = plain(&folders(&["b", "a", "c", "a"])).unwrap();
    assert_eq!(
        three.reason,
        "multi-class: the folder gives one of 3 names: a (2), b (1), c (1)"
    );
    assert_eq!(
        three.way_out,
        "Not so? If an image can carry several labels, use a table with a column such as `cat|dog`."
    );
    let two = plain(&folders(&["not ok", "ok", "ok"])).unwrap();
    assert_eq!(two.task.names(), ["not ok", "ok"]);
    assert!(two.way_out.starts_with(
        "Not so? To have the probability of `not ok` instead of `ok`, say --positive \"not ok\"."
    ));
    let regression_is_mentioned = |names: &[&str]| {
        plain(&folders(names))
            .unwrap()
            .way_out
            .contains("regression")
    };
    assert!(regression_is_mentioned(&["1", "2", "5"]));
    assert!(!regression_is_mentioned(&["1", "2", "five"]));
}

#[test]
fn one_folder_is_no_task_of_any_kind() {
    for kind in [None, Some(TaskKind::MultiLabel), Some(TaskKind::Regression)] {
        let error = of(&folders(&["1", "1"]), kind).unwrap_err();
        assert!(matches!(error, InferError::OneClass { .. }), "{error}");
    }
}

#[test]
fn folders_that_are_no_numbers_are_no_regression() {
    let error = of(&folders(&["1", "cat"]), Some(TaskKind::Regression)).unwrap_err();
    assert!(error.to_string().contains("found `cat`"), "{error}");
    let numbers = of(&folders(&["1", "2.5"]), Some(TaskKind::Regression)).unwrap();
    assert_eq!(numbers.targets.values(), [1.0, 2.5]);
}

#[test]
fn a_positive_name_needs_a_binary_task() {
    let request = Request {
        positive: Some("a".to_owned()),
        ..Request::default()
    };
    let error = infer(&folders(&["a", "b", "c"]), &request, &line).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--positive a expects a binary task, found multi-class: the folder gives one of 3 names"
    );
    let binary = infer(&folders(&["a", "b"]), &request, &line).unwrap();
    assert_eq!(binary.task.names(), ["b", "a"]);
}

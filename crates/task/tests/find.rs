//! A stored model is scored on other data: where are its labels, and how are they read?

use finial_task::{Column, InferError, LabelError, LabelSource, RawLabels, Task, TaskError};

fn table(columns: &[(&str, &[&str])]) -> RawLabels {
    let columns = columns.iter().map(|(name, cells)| Column {
        name: (*name).to_owned(),
        cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
    });
    RawLabels::Table(columns.collect())
}

fn folders(names: &[&str]) -> RawLabels {
    RawLabels::Folders(names.iter().map(|&name| name.to_owned()).collect())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn line(row: usize) -> String {
    format!("t.csv:{}", row + 2)
}

/// The targets that a model sees in `labels`.
fn targets(
    task: &Task,
    labels: &RawLabels,
    asked: &[&str],
    recorded: &LabelSource,
) -> Result<Vec<f32>, InferError> {
    let source = LabelSource::find(task, labels, &owned(asked), recorded, &line)?;
    Ok(source.read(task, labels, &line)?.values().to_vec())
}

fn insects() -> Result<Task, TaskError> {
    Task::multi_class(["ant", "bee", "fly", "moth", "wasp"])
}

fn flags(columns: &[&str]) -> LabelSource {
    LabelSource::Flags {
        columns: owned(columns),
    }
}

fn numbers(columns: &[&str]) -> LabelSource {
    LabelSource::Numbers {
        columns: owned(columns),
    }
}

#[test]
fn columns_are_read_by_name_whatever_their_order() {
    let task = Task::multi_label(["cat", "dog"]).unwrap();
    let shuffled = table(&[
        ("note", &["x", "y"]),
        ("dog", &["0", "1"]),
        ("cat", &["1", "0"]),
    ]);
    let read = flags(&["dog", "cat"]).read(&task, &shuffled, &line);
    assert_eq!(read.unwrap().values(), [1.0, 0.0, 0.0, 1.0]);

    let task = Task::regression(["width", "height"]).unwrap();
    let shuffled = table(&[("height", &["1", "2"]), ("width", &["10", "20"])]);
    let read = numbers(&["height", "width"]).read(&task, &shuffled, &line);
    assert_eq!(read.unwrap().values(), [10.0, 1.0, 20.0, 2.0]);

    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let shuffled = table(&[("c", &["0", "1"]), ("a", &["1", "0"]), ("b", &["0", "0"])]);
    let one_hot = LabelSource::OneHot {
        columns: owned(&["c", "a", "b"]),
    };
    assert_eq!(
        one_hot.read(&task, &shuffled, &line).unwrap().values(),
        [0.0, 2.0]
    );
}

#[test]
fn a_missing_column_is_named() {
    let task = Task::multi_label(["cat", "dog"]).unwrap();
    let narrow = table(&[("cat", &["1"]), ("note", &["x"])]);
    let missing = |error: LabelError| match error {
        LabelError::MissingColumn { expected, .. } => expected,
        other => panic!("{other}"),
    };
    let recorded = flags(&["cat", "dog"]);
    assert_eq!(
        missing(recorded.read(&task, &narrow, &line).unwrap_err()),
        "dog"
    );
    match targets(&task, &narrow, &[], &recorded) {
        Err(InferError::Label(error)) => assert_eq!(missing(error), "dog"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_single_column_may_be_called_otherwise() {
    let task = Task::regression(["price"]).unwrap();
    let renamed = table(&[("cost", &["1.5", "2.5"])]);
    let recorded = numbers(&["price"]);
    for asked in [&[][..], &["cost"]] {
        assert_eq!(
            targets(&task, &renamed, asked, &recorded).unwrap(),
            [1.5, 2.5]
        );
    }
    let task = Task::multi_label(["cat"]).unwrap();
    let renamed = table(&[("truth", &["1", "0"])]);
    assert_eq!(
        targets(&task, &renamed, &[], &flags(&["cat"])).unwrap(),
        [1.0, 0.0]
    );
}

#[test]
fn a_source_that_the_task_cannot_be_read_from_is_refused() {
    let labels = table(&[("a", &["1"]), ("b", &["0"]), ("c", &["0"])]);
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let error = flags(&["a", "b", "c"])
        .read(&task, &labels, &line)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a multi-class task cannot be read from columns of 0 or 1"
    );
}

#[test]
fn one_hot_rows_have_a_single_one() {
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let labels = table(&[("a", &["1", "0"]), ("b", &["0", "1"]), ("c", &["0", "1"])]);
    let source = LabelSource::OneHot {
        columns: owned(&["a", "b", "c"]),
    };
    let error = source.read(&task, &labels, &line).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.csv:3: expected 1 in exactly one of the columns `a`, `b`, `c`, found it in 2"
    );
}

#[test]
fn names_that_are_numbers_are_compared_by_value() {
    let task = Task::multi_class(["0", "1", "2"]).unwrap();
    let names = LabelSource::Names {
        column: "label".to_owned(),
    };
    let labels = table(&[("label", &["2.0", "1", "-0.0"])]);
    assert_eq!(
        targets(&task, &labels, &[], &names).unwrap(),
        [2.0, 1.0, 0.0]
    );
    let codes = table(&[("label", &["01"])]);
    assert!(matches!(
        targets(&task, &codes, &[], &names),
        Err(InferError::Label(LabelError::UnknownName { .. }))
    ));
}

#[test]
fn two_of_five_classes_or_one_can_be_scored() {
    let recorded = LabelSource::Folders;
    for (cells, wanted) in [
        (&["wasp", "ant"][..], &[4.0, 0.0][..]),
        (&["bee", "bee"], &[1.0, 1.0]),
    ] {
        let labels = table(&[("label", cells)]);
        assert_eq!(
            targets(&insects().unwrap(), &labels, &[], &recorded).unwrap(),
            wanted
        );
        assert_eq!(
            targets(&insects().unwrap(), &folders(cells), &[], &recorded).unwrap(),
            wanted
        );
    }
}

#[test]
fn the_column_that_holds_the_task_s_names_is_found() {
    let labels = table(&[
        ("place", &["wood", "field", "wood"]),
        ("insect", &["ant", "ant", "bee"]),
        ("label", &["good", "bad", "good"]),
    ]);
    let found = targets(&insects().unwrap(), &labels, &[], &LabelSource::Folders);
    assert_eq!(found.unwrap(), [0.0, 0.0, 1.0]);
}

#[test]
fn several_columns_that_fit_are_told_apart_by_heading_or_refused() {
    let cells = &["ant", "bee"][..];
    let guess = &["bee", "bee"][..];
    let labels = table(&[("guess", guess), ("label", cells)]);
    let recorded = LabelSource::Folders;
    assert_eq!(
        targets(&insects().unwrap(), &labels, &[], &recorded).unwrap(),
        [0.0, 1.0]
    );
    let labels = table(&[("guess", guess), ("truth", cells)]);
    assert!(matches!(
        targets(&insects().unwrap(), &labels, &[], &recorded),
        Err(InferError::AmbiguousColumns { .. })
    ));
    assert_eq!(
        targets(&insects().unwrap(), &labels, &["truth"], &recorded).unwrap(),
        [0.0, 1.0]
    );
}

#[test]
fn the_columns_asked_for_go_before_the_recorded_ones() {
    let labels = table(&[("label", &["ant", "bee"]), ("checked", &["fly", "bee"])]);
    let recorded = LabelSource::Names {
        column: "label".to_owned(),
    };
    assert_eq!(
        targets(&insects().unwrap(), &labels, &[], &recorded).unwrap(),
        [0.0, 1.0]
    );
    let asked = targets(&insects().unwrap(), &labels, &["checked"], &recorded);
    assert_eq!(asked.unwrap(), [2.0, 1.0]);
    match targets(&insects().unwrap(), &labels, &["cheked"], &recorded) {
        Err(InferError::UnknownColumn { near, .. }) => assert!(near.contains("checked")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_name_is_refused_with_its_line() {
    let labels = table(&[("label", &["ant", "spider"])]);
    let error = targets(&insects().unwrap(), &labels, &[], &LabelSource::Folders).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("t.csv:3: expected one of `ant`"),
        "{error}"
    );
    assert!(error.to_string().ends_with("found `spider`"), "{error}");
}

#[test]
fn labels_are_found_in_whatever_form_they_are_written() {
    let task = Task::multi_label(["cat", "dog"]).unwrap();
    let wanted = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    let recorded = flags(&["cat", "dog"]);
    for labels in [
        table(&[("dog", &["1", "1", "0"]), ("cat", &["1", "0", "0"])]),
        table(&[("tags", &["cat|dog", "dog", ""])]),
        table(&[("tags", &["dog; cat", "dog", ""])]),
        table(&[("tags", &["dog,cat", "dog", ""])]),
        table(&[("tags", &["['cat', 'dog']", "['dog']", "[]"])]),
    ] {
        assert_eq!(
            targets(&task, &labels, &[], &recorded).unwrap(),
            wanted,
            "{labels:?}"
        );
    }
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let one_hot = table(&[("b", &["1", "0"]), ("c", &["0", "1"]), ("a", &["0", "0"])]);
    let found = targets(&task, &one_hot, &[], &LabelSource::Folders);
    assert_eq!(found.unwrap(), [1.0, 2.0]);
}

#[test]
fn a_model_that_estimates_needs_a_table() {
    let task = Task::regression(["price"]).unwrap();
    let error = targets(&task, &folders(&["cheap"]), &[], &numbers(&["price"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a model that estimates `price` needs a table with numbers, found folders of images"
    );
}

#[test]
fn decimal_commas_are_refused_at_evaluation_too() {
    let task = Task::regression(["price"]).unwrap();
    for name in ["price", "cost"] {
        let labels = table(&[(name, &["1,5", "2,5"])]);
        let error = targets(&task, &labels, &[], &numbers(&["price"])).unwrap_err();
        assert!(
            matches!(error, InferError::NumberNotation { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_stored_source_is_read_again() {
    let sources = [
        LabelSource::OneHot {
            columns: owned(&["a", "b"]),
        },
        LabelSource::Lists {
            column: "tags".to_owned(),
        },
    ];
    for source in sources {
        let text = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<LabelSource>(&text).unwrap(), source);
    }
}

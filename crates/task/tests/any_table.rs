//! Whatever stands in a table, there is a task or an error, and never a panic.

use finial_task::{Column, LabelSource, RawLabels, Request, Task, TaskKind, infer};
use proptest::prelude::*;

fn cell() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        "0",
        "1",
        "1.0",
        "-1",
        "01",
        "1e30",
        "1e999",
        "9223372036854775807",
        "-9e18",
        "NaN",
        "inf",
        "cat",
        "Cat",
        "cat|dog",
        "['cat', 'dog']",
        "['",
        "[",
        "[]",
        "1,5",
        "1,234.5",
        "12 mm",
        "45%",
        "\u{2212}3",
        "-",
        "+",
        "|",
        ",",
        "NA",
        "ü",
        "’",
    ]);
    prop_oneof![4 => known.prop_map(String::from), 1 => "\\PC{0,6}"]
}

fn table() -> impl Strategy<Value = RawLabels> {
    let heading = prop::sample::select(vec!["label", "y", "id", "class_id", "x", "price", "", "É"]);
    (1..4usize, 1..30usize).prop_flat_map(move |(columns, rows)| {
        let cells = prop::collection::vec(cell(), rows);
        let column = (heading.clone(), cells).prop_map(|(name, cells)| Column {
            name: name.to_owned(),
            cells,
        });
        prop::collection::vec(column, columns).prop_map(RawLabels::Table)
    })
}

fn kind() -> impl Strategy<Value = Option<TaskKind>> {
    prop::option::of(prop::sample::select(TaskKind::ALL.to_vec()))
}

fn line(row: usize) -> String {
    format!("line {row}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inference_yields_a_row_of_targets_per_sample_or_an_error(labels in table(), kind in kind()) {
        let request = Request { kind, ..Request::default() };
        if let Ok(inference) = infer(&labels, &request, &line) {
            prop_assert_eq!(inference.targets.rows(), labels.len());
            prop_assert_eq!(inference.targets.columns(), inference.task.target_columns());
            prop_assert!(inference.targets.values().iter().all(|v| v.is_finite()));
            prop_assert!(kind.is_none_or(|kind| kind == inference.task.kind()));
            let bias = inference.task.initial_bias(&inference.targets);
            prop_assert!(bias.iter().all(|b| b.is_finite()));
        }
    }

    #[test]
    fn a_known_task_finds_its_labels_or_an_error(labels in table()) {
        for task in [
            Task::multi_class(["cat", "dog", "1"]),
            Task::binary("0", "1"),
            Task::multi_label(["cat", "dog"]),
            Task::regression(["price"]),
            Task::regression(["x", "y"]),
        ] {
            let task = task.unwrap();
            let found = LabelSource::find(&task, &labels, &[], &LabelSource::Folders, &line);
            if let Ok(targets) = found.map(|source| source.read(&task, &labels, &line)) {
                prop_assert!(targets.is_err() || targets.is_ok_and(|t| t.rows() == labels.len()));
            }
        }
    }
}

//! Tables: what is read of CSV, TSV, JSON Lines and Parquet, and what is refused on which line.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use finial_data::{Layout, Source, SourceError, SourceOptions, Split, open};
use finial_task::{Column, RawLabels};
use miette::Diagnostic;
use tempfile::TempDir;

/// A folder with a table and the images `a.jpg`, `b.jpg`, `c.jpg` and `in/d.jpg`.
fn table(name: &str, text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    for image in ["a.jpg", "b.jpg", "c.jpg", "in/d.jpg"] {
        fs::write(folder.path().join(image), "").unwrap();
    }
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn read(name: &str, text: impl AsRef<[u8]>) -> Result<Source, SourceError> {
    read_with(name, text, SourceOptions::default())
}

fn read_with(
    name: &str,
    text: impl AsRef<[u8]>,
    options: SourceOptions,
) -> Result<Source, SourceError> {
    let (folder, path) = table(name, text);
    let source = open(&path, &options);
    drop(folder);
    source
}

fn options(image_column: Option<&str>, label_columns: &[&str]) -> SourceOptions {
    SourceOptions {
        image_column: image_column.map(str::to_owned),
        label_columns: label_columns
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
    }
}

fn columns(source: &Source) -> &[Column] {
    match &source.labels {
        RawLabels::Table(columns) => columns,
        RawLabels::Folders(_) => panic!("labels of folders"),
    }
}

fn cells<'a>(source: &'a Source, name: &str) -> &'a [String] {
    let column = columns(source).iter().find(|column| column.name == name);
    &column.unwrap_or_else(|| panic!("no column {name}")).cells
}

fn images(source: &Source) -> Vec<String> {
    let relative = |path: &Path| {
        path.strip_prefix(&source.root)
            .unwrap()
            .display()
            .to_string()
    };
    source
        .samples
        .iter()
        .map(|sample| relative(&sample.path))
        .collect()
}

fn table_lines(source: &Source) -> Vec<u64> {
    source
        .samples
        .iter()
        .filter_map(|sample| sample.line)
        .collect()
}

fn help(error: &SourceError) -> String {
    error.help().unwrap().to_string()
}

#[test]
fn a_csv_gives_its_image_paths_and_all_other_columns() {
    let source = read(
        "t.csv",
        "label,image,price\ncat,a.jpg, 1.50 \n\"a, b\",in/d.jpg,\n",
    )
    .unwrap();
    assert_eq!(images(&source), ["a.jpg", "in/d.jpg"]);
    assert_eq!(table_lines(&source), [2, 3]);
    assert_eq!(cells(&source, "label"), ["cat", "a, b"]);
    assert_eq!(cells(&source, "price"), ["1.50", ""]);
    assert_eq!(columns(&source).len(), 2);
    assert!(matches!(
        &source.layout,
        Layout::Table { image_column, split_column: None, .. } if image_column == "image"
    ));
}

#[test]
fn byte_order_marks_line_ends_and_blank_lines_do_not_matter() {
    for text in [
        "\u{feff}image,label\r\n\r\na.jpg,\"two\r\nlines\"\r\n\r\nb.jpg,y\r\n",
        "\u{feff}image,label\n\na.jpg,\"two\nlines\"\n\nb.jpg,y",
        "image,label\r\ra.jpg,\"two\rlines\"\r\rb.jpg,y\r",
    ] {
        let source = read("t.csv", text).unwrap();
        assert_eq!(images(&source), ["a.jpg", "b.jpg"]);
        assert_eq!(cells(&source, "label"), ["two\nlines", "y"]);
        assert_eq!(table_lines(&source), [3, 6], "{text:?}");
    }
}

#[test]
fn rows_without_a_filled_cell_are_left_out_and_noted() {
    for (text, note) in [
        (
            "image,label\na.jpg,x\n  \n",
            "1 row without a filled cell was left out, on line 3",
        ),
        (
            " \n,,,\nimage,label\na.jpg,x\n,\n\n,,,,\n \t\n",
            "3 rows without a filled cell were left out, the first on line 5",
        ),
    ] {
        let source = read("t.csv", text).unwrap();
        assert_eq!(images(&source), ["a.jpg"], "{text:?}");
        assert_eq!(cells(&source, "label"), ["x"]);
        assert_eq!(source.notes, [note]);
    }
    let text =
        "{\"image\": \"a.jpg\", \"label\": \"x\"}\n{}\n{\"image\": \" \", \"label\": null}\n";
    let source = read("t.jsonl", text).unwrap();
    assert_eq!(images(&source), ["a.jpg"]);
    assert_eq!(
        source.notes,
        ["2 rows without a filled cell were left out, the first on line 2"]
    );
    let error = read("t.csv", "image,label\n,\n").unwrap_err();
    assert!(matches!(error, SourceError::NoRows { .. }), "{error}");
}

#[test]
fn the_delimiter_may_be_a_semicolon_or_a_tab() {
    let source = read("t.csv", "image;price\na.jpg;1,5\n").unwrap();
    assert_eq!(cells(&source, "price"), ["1,5"]);
    let source = read("t.tsv", "image\tlabel\na.jpg\tx, y\n").unwrap();
    assert_eq!(cells(&source, "label"), ["x, y"]);
}

#[test]
fn the_image_column_is_found_by_its_name_in_any_case() {
    let source = read("t.csv", "other,Filename\nb.jpg,a.jpg\n").unwrap();
    assert_eq!(images(&source), ["a.jpg"]);
}

#[test]
fn the_image_column_is_found_by_its_cells() {
    let source = read("t.csv", "label,what\ncat,a.jpg\ndog,B.JPG\n").unwrap_err();
    assert!(matches!(source, SourceError::MissingImages { line: 3, .. }));
    let source = read("t.csv", "path,what\n17,a.jpg\n18,b.jpg\n").unwrap();
    assert_eq!(images(&source), ["a.jpg", "b.jpg"]);
    assert_eq!(cells(&source, "path"), ["17", "18"]);
}

#[test]
fn the_image_column_may_be_named() {
    let options = options(Some("second"), &["first"]);
    let source = read_with("t.csv", "first,second\na.jpg,b.jpg\n", options).unwrap();
    assert_eq!(images(&source), ["b.jpg"]);
    assert_eq!(cells(&source, "first"), ["a.jpg"]);
}

#[test]
fn two_likely_image_columns_are_refused() {
    let error = read("t.csv", "first,second\na.jpg,b.jpg\n").unwrap_err();
    assert!(matches!(
        error,
        SourceError::SeveralImageColumns { columns, .. } if columns == "`first`, `second`"
    ));
}

#[test]
fn a_table_without_image_paths_is_refused() {
    let error = read("t.csv", "id,label\n1,cat\n").unwrap_err();
    assert!(matches!(
        &error,
        SourceError::NoImageColumn { columns, .. } if columns == "`id`, `label`"
    ));
    assert!(help(&error).contains("--image-column"));
}

#[test]
fn a_table_without_a_heading_is_refused() {
    let error = read("t.csv", "a.jpg,cat\nb.jpg,dog\n").unwrap_err();
    assert!(matches!(error, SourceError::NoHeading { cell, .. } if cell == "a.jpg"));
}

#[test]
fn a_table_without_rows_is_refused() {
    for (name, text) in [("t.csv", "image,label\n"), ("t.csv", ""), ("t.jsonl", "\n")] {
        let error = read(name, text).unwrap_err();
        let is_empty = matches!(error, SourceError::NoRows { .. });
        assert!(is_empty, "{name} {text:?}: {error}");
    }
}

#[test]
fn the_split_column_is_honoured() {
    let source = read(
        "t.csv",
        "image,Split,label\na.jpg,TRAIN,x\nb.jpg,val,x\nc.jpg,test,y\n",
    );
    let source = source.unwrap();
    let splits: Vec<_> = source.samples.iter().map(|sample| sample.split).collect();
    assert_eq!(splits, Split::ALL.map(Some));
    assert_eq!(columns(&source).len(), 1);
    assert_eq!(
        source.layout.gives_splits().unwrap(),
        "the splits of column `Split`"
    );
}

#[test]
fn an_unknown_split_is_refused_with_its_line() {
    for cell in ["holdout", ""] {
        let text = format!("image,split\na.jpg,train\nb.jpg,{cell}\n");
        let error = read("t.csv", text).unwrap_err();
        assert!(matches!(
            &error,
            SourceError::UnknownSplit { line: 3, found, .. } if found == cell
        ));
        let end = match cell {
            "" => "found an empty cell",
            _ => "found `holdout`",
        };
        assert!(error.to_string().ends_with(end), "{error}");
    }
}

#[test]
fn missing_images_are_counted_and_the_first_lines_named() {
    let text = "image,label\nx.jpg,1\na.jpg,1\ny.jpg,1\nz.jpg,1\nw.jpg,1\n";
    let error = read("t.csv", text).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("t.csv:2: expected an image at `"),
        "{message}"
    );
    assert!(message.contains("x.jpg`, found nothing"), "{message}");
    assert!(
        message.ends_with("4 images are missing, the first on lines 2, 4, 5"),
        "{message}"
    );

    let error = read("t.csv", "image,label\nx.jpg,1\n").unwrap_err();
    assert!(
        error.to_string().ends_with("x.jpg`, found nothing"),
        "{error}"
    );
}

#[test]
fn missing_images_come_with_the_likely_reason() {
    let error = read("t.csv", "image,label\nhttps://example.org/1.jpg,1\n").unwrap_err();
    assert!(help(&error).starts_with("download"));
    let error = read("t.csv", "image_id,label\nphoto17,1\n").unwrap_err();
    assert!(help(&error).contains("`photo17.jpg`"));
}

#[test]
fn backslashes_between_folders_are_understood() {
    let source = read("t.csv", "image,label\nin\\d.jpg,1\n").unwrap();
    assert_eq!(images(&source), ["in/d.jpg"]);
}

#[test]
fn an_absolute_path_is_taken_as_it_is() {
    let elsewhere = tempfile::tempdir().unwrap();
    let image = elsewhere.path().join("e.png");
    fs::write(&image, "").unwrap();
    let source = read("t.csv", format!("image,label\n{},1\n", image.display())).unwrap();
    assert_eq!(source.samples[0].path, image);
}

#[test]
fn an_image_listed_twice_is_refused() {
    let error = read("t.csv", "image,label\na.jpg,cat\nb.jpg,cat\n./a.jpg,dog\n").unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("t.csv:4: image `./a.jpg` is already listed on line 2"),
        "{message}"
    );
    assert!(help(&error).contains("cat|dog"));
}

#[test]
fn a_row_without_an_image_is_refused() {
    let error = read("t.csv", "image,label\na.jpg,cat\n,dog\n").unwrap_err();
    assert!(matches!(error, SourceError::EmptyImageCell { line: 3, .. }));
}

#[test]
fn ragged_rows_are_refused_with_their_line() {
    for (text, at, cells) in [
        ("image,label\r\na.jpg,cat\r\nb.jpg\r\n", 3, 1),
        ("image,label\na.jpg,cat,dog\n", 2, 3),
        ("image,label\na.jpg,cat\n\"b.jpg,dog\nc.jpg,cat\n", 3, 1),
    ] {
        let error = read("t.csv", text).unwrap_err();
        assert!(
            matches!(error, SourceError::Ragged { line, expected: 2, found, .. }
                if line == at && found == cells),
            "{error}"
        );
    }
}

#[test]
fn other_encodings_are_refused_with_the_line() {
    let error = read("t.csv", b"image,label\na.jpg,caf\xe9\n").unwrap_err();
    assert!(
        matches!(error, SourceError::NotUtf8 { line: 2, .. }),
        "{error}"
    );
    let error = read("t.jsonl", b"{\"image\":\"a.jpg\"}\n{\"image\":\"caf\xe9\"}").unwrap_err();
    assert!(
        matches!(error, SourceError::NotUtf8 { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn columns_of_one_name_are_refused_and_nameless_ones_left_out() {
    let error = read("t.csv", "image,label,label\na.jpg,1,2\n").unwrap_err();
    assert!(matches!(error, SourceError::ColumnTwice { column, .. } if column == "label"));
    let source = read("t.csv", ",image,label\n0,a.jpg,cat\n").unwrap();
    assert_eq!(columns(&source).len(), 1);
    assert_eq!(source.notes, ["1 column without a name was left out"]);
}

#[test]
fn a_label_column_that_is_not_there_is_refused_with_near_names() {
    let text = "image,label,price\na.jpg,cat,1\n";
    let error = read_with("t.csv", text, options(None, &["lable"])).unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("expected a column `lable`, found the columns `image`, `label`, `price`"),
        "{message}"
    );
    assert_eq!(help(&error), "did you mean `label`?");

    let error = read_with("t.csv", text, options(None, &["image"])).unwrap_err();
    assert!(matches!(
        error,
        SourceError::ColumnInUse {
            role: "image paths",
            ..
        }
    ));
}

#[test]
fn json_lines_give_text_numbers_truth_values_and_lists() {
    let text = concat!(
        "{\"image\": \"a.jpg\", \"tags\": [\"wet\", \"old\"], \"price\": 1.50, \"sold\": true}\n",
        "\n",
        "{\"sold\": null, \"image\": \"b.jpg\", \"tags\": [], \"note\": \" x \"}\r\n",
        "{\"image\": \"c.jpg\", \"tags\": \"wet\", \"price\": 10000000000000001}\n",
    );
    for name in ["t.jsonl", "t.NDJSON"] {
        let source = read(name, text).unwrap();
        assert_eq!(images(&source), ["a.jpg", "b.jpg", "c.jpg"]);
        assert_eq!(table_lines(&source), [1, 3, 4]);
        assert_eq!(cells(&source, "tags"), ["wet|old", "", "wet"]);
        assert_eq!(cells(&source, "price"), ["1.5", "", "10000000000000001"]);
        assert_eq!(cells(&source, "sold"), ["true", "", ""]);
        assert_eq!(cells(&source, "note"), ["", "x", ""]);
        let names: Vec<&str> = columns(&source)
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(names, ["tags", "price", "sold", "note"]);
    }
}

#[test]
fn malformed_json_is_refused_with_its_line() {
    for (second, found) in [
        (
            "{\"image\": \"b.jpg\",}",
            "a slip at character 19 (trailing comma)",
        ),
        ("{\"image\": \"b.jpg\"", "the beginning of one only"),
        (
            "{\"image\": \"b.jpg\"} {}",
            "more behind it, from character 20 on",
        ),
        ("[1, 2]", "the beginning of a list"),
        ("b.jpg", "other text"),
    ] {
        let text = format!("{{\"image\": \"a.jpg\"}}\n{second}\n");
        let message = read("t.jsonl", text).unwrap_err().to_string();
        let end = format!("t.jsonl:2: expected one JSON object, found {found}");
        assert!(message.ends_with(&end), "{message}");
    }
}

#[test]
fn a_json_key_that_comes_twice_is_refused_by_name() {
    let text = "{\"image\": \"a.jpg\"}\n{\"image\": \"b.jpg\", \"image\": \"c.jpg\"}\n";
    let message = read("t.jsonl", text).unwrap_err().to_string();
    let end = "t.jsonl:2: expected each key once, found `image` twice";
    assert!(message.ends_with(end), "{message}");
}

#[test]
fn json_that_is_no_label_is_refused_with_line_and_column() {
    for value in ["{\"x\": 1}", "[[1]]", "[null]", "[\"a|b\"]"] {
        let text = format!("{{\"image\": \"a.jpg\", \"label\": {value}}}\n");
        let error = read("t.jsonl", text).unwrap_err();
        assert!(
            matches!(&error, SourceError::Cell { line: 1, column, .. } if column == "label"),
            "{error}"
        );
    }
}

/// A Parquet file of `make_parquet.py` beside the images that it lists.
fn parquet(name: &str) -> Result<Source, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    for image in 1..=3 {
        fs::write(folder.path().join(format!("photo_{image}.jpg")), "").unwrap();
    }
    let made = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/parquet")
        .join(name);
    let path = folder.path().join(name);
    fs::copy(made, &path).unwrap();
    open(&path, &SourceOptions::default())
}

#[test]
fn parquet_columns_are_read_under_every_compression() {
    for name in ["none", "snappy", "gzip", "zstd", "lz4", "row_groups"] {
        let source = parquet(&format!("{name}.parquet")).unwrap();
        assert_eq!(
            images(&source),
            ["photo_1.jpg", "photo_2.jpg", "photo_3.jpg"]
        );
        assert_eq!(table_lines(&source), [1, 2, 3]);
        assert_eq!(cells(&source, "label"), ["cat", "dog", ""]);
        assert_eq!(cells(&source, "tags"), ["wet|small", "", "old"]);
        assert_eq!(cells(&source, "count"), ["1", "2", "3"]);
        assert_eq!(cells(&source, "price"), ["0.1", "2", ""]);
        assert_eq!(cells(&source, "sold"), ["true", "false", ""]);
    }
}

#[test]
fn parquet_of_a_data_frame_is_read() {
    let source = parquet("pandas.parquet").unwrap();
    assert_eq!(cells(&source, "label"), ["cat", "dog", "cat"]);
    assert_eq!(cells(&source, "price"), ["0.1", "2", "3.5"]);
}

#[test]
fn pictures_inside_a_parquet_file_are_refused_with_the_way_out() {
    let error = parquet("pictures.parquet").unwrap_err();
    assert!(
        matches!(error, SourceError::NoImageColumn { .. }),
        "{error}"
    );
    assert!(
        help(&error).contains("save them as files"),
        "{}",
        help(&error)
    );
}

#[test]
fn a_damaged_parquet_file_is_refused() {
    let error = read("t.parquet", "no table").unwrap_err();
    assert!(matches!(error, SourceError::Parquet { .. }), "{error}");
}

//! Class folders: which layouts are understood, what is left out, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use finial_data::{Layout, Source, SourceError, SourceOptions, Split, images_in, open};
use finial_task::RawLabels;
use tempfile::TempDir;

/// A folder with empty files; listing never looks inside.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn list(folder: &Path) -> Result<Source, SourceError> {
    open(folder, &SourceOptions::default())
}

/// Samples as `path class split`, paths relative to the folder.
fn lines(source: &Source) -> Vec<String> {
    let RawLabels::Folders(classes) = &source.labels else {
        panic!("labels of a table")
    };
    let pairs = source.samples.iter().zip(classes);
    let line = |(sample, class): (&finial_data::Sample, &String)| {
        let path = sample.path.strip_prefix(&source.root).unwrap().display();
        let split = sample
            .split
            .map_or("-".to_owned(), |split| split.to_string());
        format!("{path} {class} {split}")
    };
    pairs.map(line).collect()
}

#[test]
fn each_folder_is_a_class_and_deeper_folders_belong_to_it() {
    let folder = folder(&[
        "dog/b.PNG",
        "cat/2020/may/c.jpeg",
        "cat/a.jpg",
        "dog/x.webp",
    ]);
    let source = list(folder.path()).unwrap();
    assert_eq!(
        lines(&source),
        [
            "cat/2020/may/c.jpeg cat -",
            "cat/a.jpg cat -",
            "dog/b.PNG dog -",
            "dog/x.webp dog -",
        ]
    );
    assert_eq!(source.layout.to_string(), "class folders");
    assert_eq!(source.layout.gives_splits(), None);
    assert_eq!(
        source.notes,
        ["images in sub-folders count to the folder at the top: `cat` (`2020`)"]
    );
}

#[test]
fn split_folders_are_known_by_several_names_in_any_case() {
    let folder = folder(&[
        "Training/cat/1.jpg",
        "Training/dog/2.jpg",
        "valid/cat/3.jpg",
        "TEST/dog/4.jpg",
    ]);
    let source = list(folder.path()).unwrap();
    assert_eq!(
        lines(&source),
        [
            "Training/cat/1.jpg cat train",
            "Training/dog/2.jpg dog train",
            "valid/cat/3.jpg cat validation",
            "TEST/dog/4.jpg dog test",
        ]
    );
    assert_eq!(
        source.layout.to_string(),
        "class folders in split folders (Training, valid, TEST)"
    );
    assert_eq!(source.layout.gives_splits().unwrap(), "the split folders");
}

#[test]
fn a_class_may_be_called_train() {
    let folder = folder(&["bus/1.jpg", "car/2.jpg", "train/3.jpg"]);
    let source = list(folder.path()).unwrap();
    assert_eq!(lines(&source)[2], "train/3.jpg train -");
}

#[test]
fn what_the_operating_system_adds_is_not_seen_and_other_files_are_counted() {
    let folder = folder(&[
        ".DS_Store",
        "__MACOSX/cat/._1.jpg",
        "cat/.hidden.jpg",
        "cat/1.jpg",
        "cat/Thumbs.db",
        "cat/notes.txt",
        "dog/2.jpg",
        "dog/clip.mp4",
        "empty/readme.md",
        "LICENSE",
        "loose.jpg",
    ]);
    let source = list(folder.path()).unwrap();
    assert_eq!(lines(&source), ["cat/1.jpg cat -", "dog/2.jpg dog -"]);
    assert_eq!(
        source.notes,
        [
            "4 files are not images and were left out, the first is `LICENSE`",
            "1 image lies beside the class folders and was left out: `loose.jpg`",
            "there are no images in `empty`",
        ]
    );
}

#[test]
fn images_of_formats_that_are_not_read_are_listed_so_that_they_count() {
    let files = [
        "cat/1.jpg",
        "cat/2.HEIC",
        "cat/3.avif",
        "dog/4.jp2",
        "dog/5.jxl",
        "dog/6.svg",
        "dog/7.NEF",
        "dog/8.jfif",
    ];
    let folder = folder(&files);
    let source = list(folder.path()).unwrap();
    assert_eq!(source.samples.len(), files.len());
    assert!(source.notes.is_empty(), "{:?}", source.notes);
    assert_eq!(images_in(folder.path()).unwrap().len(), files.len());
}

#[test]
fn the_folder_that_was_meant_is_named() {
    let folder = folder(&["animals/cat/1.jpg", "animals/dog/2.jpg", "read.me"]);
    let source = list(folder.path()).unwrap();
    let meant = folder.path().join("animals");
    assert_eq!(
        source.notes[1..],
        [
            "images in sub-folders count to the folder at the top: `animals` (`cat`, `dog`)"
                .to_owned(),
            format!(
                "`animals` is the only folder with images, so all of them are of one class; did \
                 you mean `{}`?",
                meant.display()
            ),
        ]
    );
    assert!(list(&meant).unwrap().notes.is_empty());
}

#[test]
fn folders_in_class_folders_are_noted_in_split_folders_too() {
    let folder = folder(&[
        "train/animals/cat/1.jpg",
        "train/cars/2.jpg",
        "test/cars/3.jpg",
    ]);
    let source = list(folder.path()).unwrap();
    assert_eq!(
        source.notes,
        ["images in sub-folders count to the folder at the top: `animals` (`cat`)"]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let elsewhere = folder(&["birds/3.jpg"]);
    let folder = folder(&["cat/1.jpg", "dog/2.jpg"]);
    symlink(folder.path(), folder.path().join("cat/again")).unwrap();
    symlink("nowhere.jpg", folder.path().join("cat/0.jpg")).unwrap();
    symlink(elsewhere.path().join("birds"), folder.path().join("bird")).unwrap();
    let source = list(folder.path()).unwrap();
    assert_eq!(
        lines(&source),
        ["bird/3.jpg bird -", "cat/1.jpg cat -", "dog/2.jpg dog -"]
    );
    assert_eq!(
        source.notes,
        ["2 links lead nowhere or in a circle and were left out, the first is `cat/0.jpg`"]
    );
}

#[test]
fn images_of_a_split_without_class_folders_are_left_out() {
    let folder = folder(&[
        "train/cat/1.jpg",
        "train/dog/2.jpg",
        "test/3.jpg",
        "test/4.jpg",
    ]);
    let source = list(folder.path()).unwrap();
    assert_eq!(source.samples.len(), 2);
    assert!(
        source
            .samples
            .iter()
            .all(|sample| sample.split == Some(Split::Train))
    );
    assert_eq!(
        source.notes,
        [
            "2 images in `test` lie outside of any class folder and were left out, the first is \
            `test/3.jpg`"
        ]
    );
    assert!(matches!(&source.layout, Layout::ClassFolders { splits } if splits == &["train"]));
}

#[test]
fn a_class_that_is_never_trained_is_refused() {
    let folder = folder(&["train/cat/1.jpg", "train/dog/2.jpg", "test/cta/3.jpg"]);
    let error = list(folder.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::ClassNotInTrain { split, classes, known, .. }
            if split == "test" && classes == "cta" && known == "`cat`, `dog`"
    ));
}

#[test]
fn class_folders_beside_split_folders_are_refused() {
    let folder = folder(&["train/cat/1.jpg", "test/cat/2.jpg", "extra/cat/3.jpg"]);
    let error = list(folder.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::MixedFolders { split, others, .. } if split == "train" && others == "extra"
    ));
}

#[test]
fn folders_without_labelled_images_are_refused_each_with_its_reason() {
    let error = list(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");

    let empty = folder(&[]);
    let error = list(empty.path()).unwrap_err();
    assert!(matches!(error, SourceError::EmptyFolder { .. }), "{error}");

    let texts = folder(&["cat/1.txt", "2.txt"]);
    let error = list(texts.path()).unwrap_err();
    assert!(
        matches!(error, SourceError::NoImages { files: 2, .. }),
        "{error}"
    );
    let text = folder(&["cat/1.txt"]);
    let error = list(text.path()).unwrap_err();
    assert!(
        error.to_string().ends_with("found none among 1 file"),
        "{error}"
    );

    let loose = folder(&["1.jpg", "2.jpg"]);
    let error = list(loose.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::NoClassFolders { images: 2, example, .. } if example == "1.jpg"
    ));

    let flat = folder(&["train/1.jpg", "test/2.jpg"]);
    let error = list(flat.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::NoClassFolders { images: 2, example, .. } if example == "test/2.jpg"
    ));
}

#[test]
fn an_image_alone_is_no_data_set() {
    let folder = folder(&["1.jpg"]);
    let error = list(&folder.path().join("1.jpg")).unwrap_err();
    assert!(matches!(error, SourceError::UnknownTable { .. }));
    assert!(
        error
            .to_string()
            .contains(".csv, .tsv, .jsonl, .ndjson or .parquet")
    );
}

#[test]
fn a_folder_with_one_table_is_that_table() {
    let folder = folder(&["images/1.jpg"]);
    fs::write(
        folder.path().join("labels.csv"),
        "image,label\nimages/1.jpg,cat\n",
    )
    .unwrap();
    let source = list(folder.path()).unwrap();
    assert!(matches!(source.layout, Layout::Table { .. }));
    assert_eq!(
        source.notes,
        ["the table `labels.csv` says what the images in this folder show"]
    );
}

#[test]
fn several_tables_are_named_and_refused() {
    let folder = folder(&["a.csv", "b.parquet", "images/1.jpg"]);
    let error = list(folder.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::SeveralTables { tables, .. } if tables == "`a.csv`, `b.parquet`"
    ));
}

#[test]
fn a_table_beside_class_folders_is_refused_until_a_column_is_named() {
    let folder = folder(&["cat/1.jpg", "dog/2.jpg"]);
    fs::write(folder.path().join("labels.csv"), "image,age\ncat/1.jpg,3\n").unwrap();
    let error = list(folder.path()).unwrap_err();
    assert!(matches!(
        &error,
        SourceError::TableOrFolders { classes, .. } if classes == "cat`, `dog"
    ));
    let options = SourceOptions {
        label_columns: vec!["age".to_owned()],
        ..SourceOptions::default()
    };
    let source = open(folder.path(), &options).unwrap();
    assert_eq!(source.samples.len(), 1);
}

#[test]
fn columns_of_class_folders_are_refused() {
    let folder = folder(&["cat/1.jpg", "dog/2.jpg"]);
    let options = SourceOptions {
        image_column: Some("photo".to_owned()),
        ..SourceOptions::default()
    };
    let error = open(folder.path(), &options).unwrap_err();
    assert!(matches!(
        error,
        SourceError::ColumnsOfFolders { column, .. } if column == "photo"
    ));
}

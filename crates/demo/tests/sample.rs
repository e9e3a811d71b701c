//! The data sets as they lie on disk: what is in them, and what happens to a folder that is there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions below are part of the tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use finial_demo::{DemoError, DemoSet, write};
use tempfile::TempDir;

fn written() -> (TempDir, PathBuf, Vec<DemoSet>) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/demo");
    let sets = write(&folder).unwrap();
    (parent, folder, sets)
}

/// Every file under `folder` with its content, by its path relative to it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.replace('\\', "/"), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// How many files lie in each folder.
fn counts(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::new();
    for name in files.keys() {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        *counts.entry(folder.to_owned()).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// The image of each row with its label cell.
fn rows(set: &DemoSet) -> Vec<(PathBuf, String)> {
    let table = fs::read_to_string(&set.path).unwrap();
    let root = set.path.parent().unwrap();
    match set.name {
        "keywords" => {
            let mut lines = table.lines();
            assert_eq!(lines.next(), Some("image,keywords"));
            let cells = lines.map(|line| line.split_once(',').unwrap());
            cells
                .map(|(image, label)| (root.join(image), label.to_owned()))
                .collect()
        }
        "fish" => {
            let objects = table
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            objects
                .map(|row| {
                    let image = root.join(row["image"].as_str().unwrap());
                    (image, row["fish_count"].as_u64().unwrap().to_string())
                })
                .collect()
        }
        name => panic!("{name} is not a table"),
    }
}

#[test]
fn the_folders_hold_what_the_documentation_says() {
    let (_parent, folder, sets) = written();
    let expected = [
        ("", 3),
        ("animal-or-plant/test/animal", 24),
        ("animal-or-plant/test/plant", 13),
        ("animal-or-plant/train/animal", 74),
        ("animal-or-plant/train/plant", 37),
        ("animal-or-plant/val/animal", 24),
        ("animal-or-plant/val/plant", 13),
        ("fish", 1),
        ("fish/images", 200),
        ("keywords", 1),
        ("keywords/images", 392),
        ("kinds/animal", 122),
        ("kinds/building", 28),
        ("kinds/clothing", 41),
        ("kinds/food", 103),
        ("kinds/vehicle", 55),
    ];
    assert_eq!(
        counts(&files(&folder)),
        expected.map(|(name, count)| (name.to_owned(), count))
    );
    for set in sets {
        assert!(set.path.exists(), "{}", set.path.display());
        assert!(set.path.starts_with(folder.join(set.name)));
    }
}

#[test]
fn every_image_decodes() {
    let (_parent, folder, _) = written();
    let mut images = 0;
    for (name, content) in files(&folder) {
        if name.ends_with(".png") || name.ends_with(".jpg") {
            let image = image::load_from_memory(&content).unwrap();
            let side = if name.starts_with("fish") { 224 } else { 64 };
            assert_eq!((image.width(), image.height()), (side, side), "{name}");
            images += 1;
        }
    }
    assert_eq!(images, 1126);
}

#[test]
fn every_row_names_an_image_and_every_image_has_a_row() {
    let (_parent, folder, sets) = written();
    for set in &sets[2..] {
        let mut named: Vec<PathBuf> = rows(set).into_iter().map(|(image, _)| image).collect();
        let images = folder.join(set.name).join("images");
        let there = fs::read_dir(images).unwrap();
        let mut there: Vec<PathBuf> = there.map(|entry| entry.unwrap().path()).collect();
        named.sort();
        there.sort();
        assert_eq!(named, there);
    }
}

#[test]
fn each_keyword_has_at_least_39_images_and_forty_images_have_none() {
    let (_parent, _, sets) = written();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, cell) in rows(&sets[2]) {
        for label in cell.split('|') {
            *counts.entry(label.to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.remove(""), Some(40));
    assert_eq!(counts.len(), 9);
    assert!(counts.values().all(|&count| count >= 39), "{counts:?}");
}

#[test]
fn fish_are_counted_from_none_to_nine() {
    let (_parent, _, sets) = written();
    let mut counts = [0; 10];
    for (_, cell) in rows(&sets[3]) {
        counts[cell.parse::<usize>().unwrap()] += 1;
    }
    assert!(counts.iter().all(|&count| count >= 10), "{counts:?}");
}

#[test]
fn no_picture_of_animal_or_plant_lies_in_two_splits() {
    let (_parent, folder, _) = written();
    let all: Vec<Vec<u8>> = files(&folder.join("animal-or-plant"))
        .into_values()
        .collect();
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn two_runs_write_the_same_bytes() {
    let (_one, first, _) = written();
    let (_two, second, _) = written();
    assert_eq!(files(&first), files(&second));
}

#[test]
fn nothing_is_left_beside_the_folder() {
    let (_parent, folder, _) = written();
    assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_complete_folder_is_used_as_it_is() {
    let (_parent, folder, sets) = written();
    let file = folder.join("kinds/animal/ant.png");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(folder.join("kinds/.DS_Store"), "").unwrap();
    fs::create_dir(folder.join("models")).unwrap();
    assert_eq!(write(&folder).unwrap(), sets);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
}

#[test]
fn an_empty_folder_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("demo");
    fs::create_dir(&inside).unwrap();
    write(&inside).unwrap();
    assert!(inside.join("NOTICE.txt").exists());
}

#[test]
fn a_lacking_picture_is_reported() {
    let (_parent, folder, _) = written();
    fs::remove_file(folder.join("kinds/food/pizza.png")).unwrap();
    let error = write(&folder).unwrap_err();
    assert!(matches!(&error, DemoError::Missing { file, .. } if file.ends_with("pizza.png")));
}

#[test]
fn a_changed_table_is_reported_and_kept() {
    let (_parent, folder, sets) = written();
    fs::write(&sets[2].path, "image,keywords\n").unwrap();
    let error = write(&folder).unwrap_err();
    assert!(matches!(&error, DemoError::Changed { file, .. } if file.ends_with("keywords.csv")));
    assert_eq!(
        fs::read_to_string(&sets[2].path).unwrap(),
        "image,keywords\n"
    );
}

#[test]
fn an_added_picture_is_reported() {
    let (_parent, folder, _) = written();
    let cat = folder.join("animal-or-plant/train/animal/my-cat.png");
    fs::write(&cat, "").unwrap();
    let error = write(&folder).unwrap_err();
    assert!(matches!(&error, DemoError::Extra { file, .. } if cat.ends_with(file)));
    fs::remove_file(cat).unwrap();
    fs::create_dir(folder.join("kinds/robot")).unwrap();
    let error = write(&folder).unwrap_err();
    assert!(matches!(&error, DemoError::Extra { file, .. } if file == Path::new("kinds/robot")));
}

#[test]
fn a_folder_of_other_things_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "draft").unwrap();
    let error = write(folder.path()).unwrap_err();
    assert!(matches!(error, DemoError::Missing { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_the_folders_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo");
    fs::write(&file, "draft").unwrap();
    assert!(matches!(
        write(&file).unwrap_err(),
        DemoError::NotAFolder { .. }
    ));
    assert_eq!(fs::read_to_string(&file).unwrap(), "draft");
}

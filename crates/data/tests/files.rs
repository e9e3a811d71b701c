//! Which files are read whole, and which are refused before they are.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};

use finial_data::{ReadError, read_file};

#[test]
fn a_file_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    fs::write(&path, [1, 2, 3]).unwrap();
    assert_eq!(read_file(&path).unwrap(), [1, 2, 3]);
}

#[test]
fn a_file_larger_than_any_image_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.png");
    File::create(&path)
        .unwrap()
        .set_len(600_000_000_000)
        .unwrap();
    let error = read_file(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a file of at most 512 MB, found one of 600000 MB"
    );
}

#[test]
fn what_is_not_there_and_what_is_a_folder_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_file(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "expected a file, found a folder");
    let error = read_file(&folder.path().join("none.jpg")).unwrap_err();
    assert_eq!(error.to_string(), "there is no such file");
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_waited_for() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.jpg");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [pipe.as_path(), "/dev/zero".as_ref()] {
        let error = read_file(path).unwrap_err();
        assert!(matches!(error, ReadError::NotAFile { .. }), "{error}");
    }
}

#[test]
fn the_number_of_a_system_error_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = read_file(&file.join("a.jpg")).unwrap_err().to_string();
    assert!(!message.contains("os error"), "{message}");
}

//! What is there already, and what happens without a network.

use std::fs;

use crate::server::{Reply, Server};
use finial_graph::backbones::{Checksum, File};
use finial_hub::{Hub, HubError};

// MD5 of `right`.
const RIGHT: Checksum = Checksum::Md5("7c4f29407893c334a6cb7a87bf045c0d");

fn fetch(hub: &Hub, file: &File) -> Result<String, HubError> {
    hub.fetch(file, &mut |_, _| {})
        .map(|path| fs::read_to_string(path).unwrap())
}

fn put(hub: &Hub, file: &File, content: &str) {
    let path = hub.path_of(file).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn offline_a_missing_file_is_one_clear_error_and_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b"right"));
    let url = server.url("/a.h5");
    let file = File {
        url,
        checksum: RIGHT,
    };
    let hub = Hub::new(folder.path()).offline(true);
    let error = fetch(&hub, &file).unwrap_err();
    let path = hub.path_of(&file).unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "offline, and `{url}` is not in the cache: expected it at `{}`",
            path.display()
        )
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("FINIAL_OFFLINE") && help.contains("--weights FILE"));
    assert!(server.heard().is_empty());

    // Once fetched, it is there offline.
    assert_eq!(fetch(&hub.offline(false), &file).unwrap(), "right");
    let hub = Hub::new(folder.path()).offline(true);
    assert_eq!(fetch(&hub, &file).unwrap(), "right");
}

#[test]
fn a_file_put_there_by_hand_is_taken_if_it_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = File {
        url: "https://example.org/a.h5",
        checksum: RIGHT,
    };
    let hub = Hub::new(folder.path());
    put(&hub, &file, "right");
    assert_eq!(fetch(&hub, &file).unwrap(), "right");
}

#[test]
fn what_is_kept_is_listed_without_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::new(folder.path().join("weights"));
    assert_eq!(hub.kept().unwrap(), []);
    let server = Server::start(|_, _| Reply::whole(b"right"));
    let fetched = File {
        url: server.url("/a.h5"),
        checksum: RIGHT,
    };
    fetch(&hub, &fetched).unwrap();
    // Half of another one, which is still being fetched.
    let part = hub.path_of(&File {
        url: server.url("/b.h5"),
        checksum: RIGHT,
    });
    let part = part.unwrap().with_file_name("b.h5.part");
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(part, "ri").unwrap();
    let path = hub.path_of(&fetched).unwrap();
    assert_eq!(hub.kept().unwrap(), [(path, 5)]);
}

#[test]
fn a_wrong_file_put_there_by_hand_is_said_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = File {
        url: "https://example.org/a.h5",
        checksum: RIGHT,
    };
    let hub = Hub::new(folder.path());
    put(&hub, &file, "wrong");
    let error = fetch(&hub, &file).unwrap_err();
    assert!(matches!(error, HubError::WrongFile { .. }), "{error}");
    assert_eq!(fs::read(hub.path_of(&file).unwrap()).unwrap(), b"wrong");

    // Also after it was right once.
    put(&hub, &file, "right");
    assert!(fetch(&hub, &file).is_ok());
    put(&hub, &file, "wrong again");
    let error = fetch(&hub, &file).unwrap_err();
    assert!(matches!(error, HubError::WrongFile { .. }), "{error}");
}

#[test]
fn a_fetched_file_that_was_damaged_is_fetched_again() {
    for checksum in [RIGHT, Checksum::FromServer] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(|_, _| Reply::whole(b"right"));
        let file = File {
            url: server.url("/a.h5"),
            checksum,
        };
        let hub = Hub::new(folder.path());
        assert_eq!(fetch(&hub, &file).unwrap(), "right");
        put(&hub, &file, "righ");
        assert_eq!(hub.cached(&file).unwrap(), None);
        let error = fetch(&hub.clone().offline(true), &file).unwrap_err();
        assert!(matches!(error, HubError::WrongFile { .. }), "{error}");
        assert_eq!(fetch(&hub, &file).unwrap(), "right");
        assert_eq!(server.heard().len(), 2);
    }
}

#[test]
fn a_file_that_was_only_touched_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b"right"));
    let url = server.url("/a.h5");
    let file = File {
        url,
        checksum: RIGHT,
    };
    let hub = Hub::new(folder.path());
    fetch(&hub, &file).unwrap();
    let opened = fs::File::options()
        .write(true)
        .open(hub.path_of(&file).unwrap());
    opened.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(fetch(&hub, &file).unwrap(), "right");
    assert_eq!(server.heard().len(), 1);
}

#[test]
fn a_file_whose_published_digest_is_another_now_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, number| {
        Reply::whole(if number == 0 {
            b"older".as_slice()
        } else {
            b"right"
        })
    });
    let url = server.url("/a.h5");
    let hub = Hub::new(folder.path());
    let before = File {
        url,
        checksum: Checksum::FromServer,
    };
    assert_eq!(fetch(&hub, &before).unwrap(), "older");
    let now = File {
        url,
        checksum: RIGHT,
    };
    assert_eq!(fetch(&hub, &now).unwrap(), "right");
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("a file");
    fs::write(&blocked, "").unwrap();
    let file = File {
        url: "https://example.org/a.h5",
        checksum: RIGHT,
    };
    let error = fetch(&Hub::new(blocked), &file).unwrap_err();
    assert!(matches!(error, HubError::Folder { .. }), "{error}");
}

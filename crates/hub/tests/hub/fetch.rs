//! Fetching from a server that does what servers and networks do.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::server::{Reply, Server};
use finial_graph::backbones::{Checksum, File};
use finial_hub::{Hub, HubError, Limits};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Longer than any buffer, and no two pieces of it are alike.
fn weights() -> Vec<u8> {
    (0..100_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn sha256(bytes: &[u8]) -> &'static str {
    format!("{:x}", Sha256::digest(bytes)).leak()
}

fn right(url: &'static str) -> File {
    let checksum = Checksum::Sha256(sha256(&weights()));
    File { url, checksum }
}

fn quick() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(300),
        tries: 4,
        pause: Duration::from_millis(5),
        redirects: 4,
        bytes: 1 << 24,
    }
}

fn hub(folder: &TempDir) -> Hub {
    Hub::new(folder.path().join("weights")).with_limits(quick())
}

fn fetch(hub: &Hub, file: &File) -> Result<Vec<u8>, HubError> {
    hub.fetch(file, &mut |_, _| {})
        .map(|path| fs::read(path).unwrap())
}

/// Whether the folder of the file holds nothing that was fetched.
fn nothing_is_left(hub: &Hub, file: &File) -> bool {
    let path = hub.path_of(file).unwrap();
    fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .all(|path| path.extension().is_some_and(|ending| ending == "lock"))
}

fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[test]
fn a_file_is_fetched_once_and_then_taken_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(&weights()));
    let file = right(server.url("/resnet50.h5"));
    let hub = hub(&folder);
    assert_eq!(hub.cached(&file).unwrap(), None);

    let mut calls = Vec::new();
    let path = hub
        .fetch(&file, &mut |done, total| calls.push((done, total)))
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), weights());
    assert!(path.ends_with("resnet50.h5"));
    let total = Some(400_000);
    assert_eq!(calls.first(), Some(&(0, total)));
    assert_eq!(calls.last(), Some(&(400_000, total)));
    assert!(calls.len() > 2 && calls.is_sorted());
    assert!(!beside(&path, ".part").exists());

    assert_eq!(
        hub.fetch(&file, &mut |_, _| panic!("fetched again"))
            .unwrap(),
        path
    );
    assert_eq!(hub.cached(&file).unwrap(), Some(path));
    assert_eq!(server.heard().len(), 1);
    assert_eq!(
        server.heard()[0].header("accept-encoding"),
        Some("identity")
    );
}

#[test]
fn a_fetch_that_breaks_off_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|heard, _| {
        let reply = match heard.from() {
            None => Reply::whole(&weights()).cut_after(150_000),
            Some(from) => Reply::rest(&weights(), from).cut_after(150_000),
        };
        reply.with("ETag", "\"v1\"")
    });
    let file = right(server.url("/a.h5"));
    let mut last = 0;
    let mut starts_over = false;
    let path = hub(&folder)
        .fetch(&file, &mut |done, _| {
            starts_over |= done < last;
            last = done;
        })
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), weights());
    assert!(!starts_over);
    let heard = server.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[0].header("range"), None);
    assert_eq!(heard[1].from(), Some(150_000));
    assert_eq!(heard[1].header("if-range"), Some("\"v1\""));
    assert_eq!(heard[2].from(), Some(300_000));
}

#[test]
fn a_fetch_that_always_breaks_off_ends_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let server = Server::start(move |heard, number| {
        let reply = match heard.from() {
            None => Reply::whole(&weights()),
            Some(from) => Reply::rest(&weights(), from),
        };
        let reply = reply.with("Last-Modified", date);
        if number < 4 {
            reply.cut_after(10_000)
        } else {
            reply
        }
    });
    let file = right(server.url("/a.h5"));
    let error = fetch(&hub(&folder), &file).unwrap_err();
    let HubError::GaveUp { tries, kept, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((tries, kept), (4, 40_000));
    assert_eq!(server.heard().len(), 4);

    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
    assert_eq!(server.heard().len(), 5);
    assert_eq!(server.heard()[4].from(), Some(40_000));
    assert_eq!(server.heard()[4].header("if-range"), Some(date));
}

#[test]
fn a_server_that_ignores_ranges_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, number| {
        let reply = Reply::whole(&weights()).with("ETag", "\"v1\"");
        if number == 0 {
            reply.cut_after(150_000)
        } else {
            reply
        }
    });
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
    assert_eq!(server.heard()[1].from(), Some(150_000));
}

#[test]
fn without_a_strong_tag_or_a_date_a_fetch_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, number| {
        let reply = Reply::whole(&weights()).with("ETag", "W/\"weak\"");
        if number == 0 {
            reply.cut_after(150_000)
        } else {
            reply
        }
    });
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
    assert_eq!(server.heard()[1].from(), None);
}

#[test]
fn a_file_that_changes_between_tries_is_not_spliced() {
    let old: Vec<u8> = weights().iter().map(|byte| !byte).collect();
    // A server that heeds If-Range, and two that do not: one tells the tag, one another length.
    for kind in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let old = old.clone();
        let server = Server::start(move |heard, number| match (number, heard.from()) {
            (0, _) => Reply::whole(&old).with("ETag", "\"v1\"").cut_after(150_000),
            (_, Some(from)) if kind == 1 => Reply::rest(&weights(), from).with("ETag", "\"v2\""),
            (_, Some(from)) if kind == 2 => {
                Reply::rest(&[weights(), vec![0]].concat(), from).with("ETag", "\"v1\"")
            }
            _ => Reply::whole(&weights()).with("ETag", "\"v2\""),
        });
        let url = server.url("/a.h5");
        let checksum = Checksum::FromServer;
        let found = fetch(&hub(&folder), &File { url, checksum }).unwrap();
        assert!(found == weights(), "kind {kind}");
        assert_eq!(server.heard().len(), if kind == 0 { 2 } else { 3 });
    }
}

#[test]
fn a_part_that_went_bad_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|heard, number| {
        let reply = match heard.from() {
            None => Reply::whole(&weights()),
            Some(from) => Reply::rest(&weights(), from),
        };
        let reply = reply.with("ETag", "\"v1\"");
        if number < 4 {
            reply.cut_after(10_000)
        } else {
            reply
        }
    });
    let file = right(server.url("/a.h5"));
    let hub = hub(&folder);
    assert!(fetch(&hub, &file).is_err());
    let part = beside(&hub.path_of(&file).unwrap(), ".part");
    fs::write(&part, vec![0; 20_000]).unwrap();
    assert_eq!(fetch(&hub, &file).unwrap(), weights());
    assert_eq!(server.heard()[4].from(), Some(20_000));
    assert_eq!(server.heard()[5].from(), None);
}

#[test]
fn a_part_longer_than_the_file_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|heard, number| match (number, heard.from()) {
        (0, _) => Reply::whole(&[weights(), weights()].concat())
            .with("ETag", "\"v1\"")
            .cut_after(500_000),
        (_, Some(_)) => Reply::new("416 Range Not Satisfiable", b"").with("Content-Length", 0),
        _ => Reply::whole(&weights()),
    });
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
}

#[test]
fn wrong_bytes_are_removed_and_both_digests_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b"something else"));
    let file = right(server.url("/a.h5"));
    let hub = hub(&folder);
    let error = fetch(&hub, &file).unwrap_err();
    let HubError::Mismatch {
        expected, found, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*expected, format!("SHA-256 {}", sha256(&weights())));
    assert_eq!(*found, sha256(b"something else"));
    assert!(nothing_is_left(&hub, &file));
    assert_eq!(
        server.heard().len(),
        1,
        "wrong bytes are not asked for twice"
    );
}

#[test]
fn redirects_are_followed() {
    for hops in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(move |heard, number| {
            if number < hops {
                Reply::redirect(&format!("../hop/{number}?key=secret"))
            } else {
                assert_eq!(heard.path, format!("/hop/{}?key=secret", hops - 1));
                Reply::whole(&weights())
            }
        });
        let file = right(server.url("/models/a.h5"));
        assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
        assert_eq!(server.heard().len(), hops + 1);
    }
}

#[test]
fn redirects_in_a_ring_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::redirect("/a.h5"));
    let file = right(server.url("/a.h5"));
    let error = fetch(&hub(&folder), &file).unwrap_err();
    assert!(
        matches!(error, HubError::TooManyRedirects { most: 4, .. }),
        "{error}"
    );
    assert_eq!(server.heard().len(), 5);
}

#[test]
fn no_redirect_leads_to_an_unsecured_server() {
    let folder = tempfile::tempdir().unwrap();
    for to in [
        "http://weights.example/a.h5?key=secret",
        "ftp://127.0.0.1/a.h5",
    ] {
        let server = Server::start(move |_, _| Reply::redirect(to));
        let error = fetch(&hub(&folder), &right(server.url("/a.h5"))).unwrap_err();
        assert!(matches!(error, HubError::NotSecure { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn a_redirect_that_leads_nowhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::new("302 Found", b"").with("Content-Length", 0));
    let error = fetch(&hub(&folder), &right(server.url("/a.h5"))).unwrap_err();
    assert!(matches!(error, HubError::Refused { .. }), "{error}");
}

#[test]
fn a_digest_in_the_redirect_is_kept_to() {
    let server = Server::start(|heard, _| {
        let word = match heard.path.as_str() {
            "/right" => sha256(&weights()),
            "/wrong" => sha256(b"something else"),
            _ => return Reply::whole(&weights()).with("ETag", "\"an md5 or so\""),
        };
        Reply::redirect("/storage")
            .with("X-Linked-Etag", format!("\"{word}\""))
            .with("X-Linked-Size", weights().len())
    });
    let folder = tempfile::tempdir().unwrap();
    let checksum = Checksum::FromServer;
    let url = server.url("/right");
    assert!(fetch(&hub(&folder), &File { url, checksum }).is_ok());
    let url = server.url("/wrong");
    let error = fetch(&hub(&folder), &File { url, checksum }).unwrap_err();
    assert!(matches!(error, HubError::Mismatch { .. }), "{error}");
}

#[test]
fn a_tag_that_is_a_sha256_is_kept_to() {
    let server = Server::start(|heard, _| {
        let word = match heard.path.as_str() {
            "/right" => sha256(&weights()),
            _ => sha256(b"something else"),
        };
        Reply::whole(&weights()).with("ETag", format!("\"{word}\""))
    });
    let folder = tempfile::tempdir().unwrap();
    let checksum = Checksum::FromServer;
    let url = server.url("/right");
    assert!(fetch(&hub(&folder), &File { url, checksum }).is_ok());
    let url = server.url("/wrong");
    let error = fetch(&hub(&folder), &File { url, checksum }).unwrap_err();
    assert!(matches!(error, HubError::Mismatch { .. }), "{error}");
}

#[test]
fn a_file_that_nothing_is_said_of_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::new("200 OK", &weights()));
    let url = server.url("/a.h5");
    let checksum = Checksum::FromServer;
    let error = fetch(&hub(&folder), &File { url, checksum }).unwrap_err();
    assert!(matches!(error, HubError::Unchecked { .. }), "{error}");
    // With a digest of its own it is.
    assert_eq!(fetch(&hub(&folder), &right(url)).unwrap(), weights());
}

#[test]
fn a_file_that_is_not_there_is_asked_for_once() {
    let folder = tempfile::tempdir().unwrap();
    for status in [
        "404 Not Found",
        "403 Forbidden",
        "410 Gone",
        "204 No Content",
    ] {
        let server = Server::start(move |_, _| Reply::new(status, b"").with("Content-Length", 0));
        let file = right(server.url("/a.h5"));
        let hub = hub(&folder);
        let error = fetch(&hub, &file).unwrap_err();
        let HubError::Refused { found, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(found, status);
        assert_eq!(server.heard().len(), 1);
        assert!(nothing_is_left(&hub, &file));
    }
}

#[test]
fn a_server_that_is_down_for_a_moment_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, number| match number {
        0 => Reply::new("500 Internal Server Error", b"oh").with("Content-Length", 2),
        1 => Reply::new("503 Service Unavailable", b"").with("Retry-After", 0),
        2 => Reply::new("429 Too Many Requests", b"").with("Retry-After", "soon"),
        _ => Reply::whole(&weights()),
    });
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
    assert_eq!(server.heard().len(), 4);
}

#[test]
fn a_server_that_stays_down_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::new("502 Bad Gateway", b""));
    let error = fetch(&hub(&folder), &right(server.url("/a.h5"))).unwrap_err();
    assert!(
        error.to_string().contains("127.0.0.1 says 502 Bad Gateway"),
        "{error}"
    );
    assert_eq!(server.heard().len(), 4);
}

#[test]
fn a_web_page_is_said_as_such() {
    let page = b"\n<!DOCTYPE html><title>Welcome to the hotel</title>";
    let folder = tempfile::tempdir().unwrap();
    for kind in ["text/html; charset=utf-8", "application/octet-stream"] {
        let server = Server::start(move |_, _| Reply::whole(page).with("Content-Type", kind));
        let file = right(server.url("/a.h5"));
        let hub = hub(&folder);
        let error = fetch(&hub, &file).unwrap_err();
        assert!(matches!(error, HubError::WebPage { .. }), "{error}");
        assert!(nothing_is_left(&hub, &file));
    }
}

#[test]
fn a_packed_answer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(&weights()).with("Content-Encoding", "gzip"));
    let error = fetch(&hub(&folder), &right(server.url("/a.h5"))).unwrap_err();
    assert!(matches!(error, HubError::Refused { .. }), "{error}");
}

#[test]
fn bytes_behind_the_announced_end_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| {
        Reply::new("200 OK", &[weights(), weights()].concat())
            .with("Content-Length", weights().len())
    });
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
}

#[test]
fn more_bytes_than_the_hub_announces_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for announced in [true, false] {
        let server = Server::start(move |heard, _| match heard.path.as_str() {
            "/storage" if announced => Reply::whole(&weights()),
            "/storage" => Reply::new("200 OK", &weights()),
            _ => Reply::redirect("/storage").with("X-Linked-Size", 1000),
        });
        let file = right(server.url("/a.h5"));
        let hub = hub(&folder);
        let error = fetch(&hub, &file).unwrap_err();
        let HubError::WrongLength { expected, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(&**expected, "1000");
        assert!(nothing_is_left(&hub, &file));
    }
}

#[test]
fn an_endless_file_ends() {
    let folder = tempfile::tempdir().unwrap();
    for announced in [true, false] {
        let server = Server::start(move |_, _| {
            if announced {
                Reply::whole(&weights())
            } else {
                Reply::new("200 OK", &weights())
            }
        });
        let file = right(server.url("/a.h5"));
        let limits = Limits {
            bytes: 100_000,
            ..quick()
        };
        let hub = hub(&folder).with_limits(limits);
        let error = fetch(&hub, &file).unwrap_err();
        assert!(matches!(error, HubError::WrongLength { .. }), "{error}");
        assert!(nothing_is_left(&hub, &file));
    }
}

#[test]
fn an_empty_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b""));
    let url = server.url("/a.h5");
    let checksum = Checksum::FromServer;
    let error = fetch(&hub(&folder), &File { url, checksum }).unwrap_err();
    assert!(matches!(error, HubError::GaveUp { .. }), "{error}");
}

#[test]
fn a_silent_server_is_given_up_after_half_the_tries() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(&weights()).silent_for(Duration::from_secs(3)));
    let start = Instant::now();
    let hub = hub(&folder);
    let error = fetch(&hub, &right(server.url("/a.h5"))).unwrap_err();
    assert!(error.to_string().contains("is silent"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(server.heard().len(), 2);
}

#[test]
fn a_server_that_falls_silent_midway_is_asked_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|heard, _| match heard.from() {
        None => Reply::whole(&weights())
            .with("ETag", "\"v1\"")
            .cut_after(150_000)
            .hanging_for(Duration::from_secs(3)),
        Some(from) => Reply::rest(&weights(), from),
    });
    let start = Instant::now();
    let file = right(server.url("/a.h5"));
    assert_eq!(fetch(&hub(&folder), &file).unwrap(), weights());
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(server.heard()[1].from(), Some(150_000));
}

#[test]
fn a_refused_connection_says_every_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(&weights()));
    let file = right(server.url("/a.h5"));
    drop(server);
    let hub = hub(&folder);
    let error = fetch(&hub, &file).unwrap_err();
    assert!(
        matches!(error, HubError::GaveUp { tries: 2, .. }),
        "{error}"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    let path = hub.path_of(&file).unwrap().display().to_string();
    for part in [file.url, path.as_str(), "--weights FILE", "HTTPS_PROXY"] {
        assert!(help.contains(part), "{help}");
    }
    assert!(nothing_is_left(&hub, &file));
}

#[test]
fn fetches_of_one_file_at_once_ask_once() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(|_, _| Reply::whole(&weights()).silent_for(Duration::from_millis(100)));
    let file = right(server.url("/a.h5"));
    let hub = hub(&folder);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| fetch(&hub, &file).unwrap()))
            .collect();
        for one in all {
            assert!(one.join().unwrap() == weights());
        }
    });
    assert_eq!(server.heard().len(), 1);
}

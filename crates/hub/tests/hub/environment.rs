//! What the environment asks for: offline, proxy, certificates.

use std::process::Command;

use finial_graph::backbones::{Checksum, File};
use finial_hub::{Hub, HubError, Limits};

use crate::server::{Reply, Server};

// MD5 of `right`.
const RIGHT: Checksum = Checksum::Md5("7c4f29407893c334a6cb7a87bf045c0d");

fn fetch(hub: &Hub, url: &'static str) -> Result<String, HubError> {
    let file = File {
        url,
        checksum: RIGHT,
    };
    hub.fetch(&file, &mut |_, _| {})
        .map(|path| std::fs::read_to_string(path).unwrap())
}

fn once() -> Limits {
    Limits {
        tries: 1,
        ..Limits::default()
    }
}

/// Runs this test again in a process with another environment.
fn with_environment(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("HUB_TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_environment_forbids_the_network() {
    if std::env::var_os("HUB_TEST_CHILD").is_none() {
        return with_environment(
            "environment::the_environment_forbids_the_network",
            &[("FINIAL_OFFLINE", "1")],
        );
    }
    let hub = Hub::from_environment("some/cache/weights");
    let error = fetch(&hub, "https://example.org/a.h5").unwrap_err();
    assert!(matches!(error, HubError::Offline { .. }), "{error}");
}

#[test]
fn a_proxy_is_asked_for_other_machines_and_not_for_this_one() {
    if let Ok(proxy) = std::env::var("HUB_TEST_SERVER") {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(folder.path()).with_limits(once());
        assert!(fetch(&hub, "https://weights.example/a.h5").is_err());
        let here = format!("{proxy}/here.h5").leak();
        assert_eq!(fetch(&hub, here).unwrap(), "right");
        return;
    }
    let server = Server::start(|heard, _| match heard.path.as_str() {
        "/here.h5" => Reply::whole(b"right"),
        _ => Reply::new("502 Bad Gateway", b""),
    });
    let url = server.url("");
    with_environment(
        "environment::a_proxy_is_asked_for_other_machines_and_not_for_this_one",
        &[
            ("HUB_TEST_SERVER", url),
            ("HTTPS_PROXY", url),
            ("ALL_PROXY", url),
            ("NO_PROXY", ""),
        ],
    );
    let asked: Vec<String> = server.heard().into_iter().map(|heard| heard.path).collect();
    assert_eq!(asked, ["weights.example:443", "/here.h5"]);
}

/// A certificate of this machine that nobody trusts yet, and a server with it.
#[cfg(target_os = "linux")]
fn secure_server(
    answer: impl Fn(&crate::server::Heard, usize) -> Reply + Send + Sync + 'static,
) -> (String, Server) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), Server::start_secure(config, answer))
}

#[cfg(target_os = "linux")]
#[test]
fn a_certificate_that_the_system_trusts_is_trusted() {
    if let Ok(url) = std::env::var("HUB_TEST_SERVER") {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(folder.path()).with_limits(once());
        let right = format!("{url}/right.h5").leak();
        assert_eq!(fetch(&hub, right).unwrap(), "right");
        // What came over TLS is not sent away from it, not even to this machine.
        let error = fetch(&hub, format!("{url}/away.h5").leak()).unwrap_err();
        assert!(matches!(error, HubError::NotSecure { .. }), "{error}");
        return;
    }
    let plain = Server::start(|_, _| Reply::whole(b"right"));
    let away = plain.url("/a.h5");
    let (pem, server) = secure_server(move |heard, _| match heard.path.as_str() {
        "/away.h5" => Reply::redirect(away),
        _ => Reply::whole(b"right"),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("company.pem");
    std::fs::write(&file, pem).unwrap();
    with_environment(
        "environment::a_certificate_that_the_system_trusts_is_trusted",
        &[
            ("HUB_TEST_SERVER", server.url("")),
            ("SSL_CERT_FILE", file.to_str().unwrap()),
        ],
    );
    assert_eq!(server.heard().len(), 2);
    assert!(plain.heard().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_certificate_that_nobody_trusts_is_refused_even_if_the_system_has_none() {
    if let Ok(url) = std::env::var("HUB_TEST_SERVER") {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(folder.path());
        let error = fetch(&hub, format!("{url}/right.h5").leak()).unwrap_err();
        assert!(matches!(error, HubError::NotTrusted { .. }), "{error}");
        // Judged by Mozilla's certificates, where the system has none.
        assert!(error.to_string().contains("peer certificate"), "{error}");
        return;
    }
    let test =
        "environment::a_certificate_that_nobody_trusts_is_refused_even_if_the_system_has_none";
    let (_, server) = secure_server(|_, _| Reply::whole(b"right"));
    let url = ("HUB_TEST_SERVER", server.url(""));
    let (other, _) = secure_server(|_, _| Reply::whole(b"right"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.pem");
    std::fs::write(&file, other).unwrap();
    with_environment(test, &[url, ("SSL_CERT_FILE", file.to_str().unwrap())]);
    with_environment(test, &[url, ("SSL_CERT_FILE", "/dev/null")]);
    assert!(server.heard().is_empty());
}

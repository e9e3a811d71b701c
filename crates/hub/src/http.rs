//! One answer: the request, the redirects to it, and what servers say of the file on the way.

use std::cell::{Cell, OnceCell};
use std::io;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

use crate::Limits;
use crate::cache::{Place, is_loopback, is_secure};
use crate::checksum::is_sha256;
use crate::error::{HubError, in_words};

/// Why a try ended.
pub(crate) enum Fault {
    /// May go well the next time, after `wait` if the server named a time.
    Passing {
        reason: String,
        wait: Option<Duration>,
    },
    /// Goes the same way the next time.
    Final(HubError),
}

/// A wish for the rest of a file of which `from` bytes are there.
pub(crate) struct Rest<'a> {
    pub(crate) from: u64,
    /// The entity tag or date that says which version they are of.
    pub(crate) validator: &'a str,
}

/// An answer that is no redirect.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    /// The server that gave it.
    pub(crate) host: String,
    /// The file's SHA-256, if a server on the way said it.
    pub(crate) sha256: Option<String>,
    /// The length of the whole file, if the hub in front of the server said it.
    pub(crate) linked_bytes: Option<u64>,
}

/// Asks servers.
pub(crate) struct Client<'a> {
    place: &'a Place,
    limits: &'a Limits,
    /// For this machine, which no proxy reaches.
    direct: Agent,
    /// Trusts whom the system trusts.
    outside: Agent,
    /// Trusts whom Mozilla trusts, for a system without certificates, as small containers are.
    bundled: OnceCell<Agent>,
    answered: Cell<bool>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(place: &'a Place, limits: &'a Limits) -> Self {
        Self {
            place,
            limits,
            direct: agent(limits, RootCerts::PlatformVerifier, false),
            outside: agent(limits, RootCerts::PlatformVerifier, true),
            bundled: OnceCell::new(),
            answered: Cell::new(false),
        }
    }

    /// How often to try: half as often while no server ever answered, as without a network.
    pub(crate) fn tries(&self) -> u32 {
        if self.answered.get() {
            self.limits.tries
        } else {
            self.limits.tries.div_ceil(2)
        }
    }

    /// Asks for the file, or for its rest, and follows redirects.
    ///
    /// They are followed here and not by ureq, since Hugging Face's hub says the file's digest in
    /// the redirect, and since none may lead away from TLS.
    pub(crate) fn get(&self, rest: Option<&Rest<'_>>) -> Result<Answer, Fault> {
        let mut url = self.place.url.clone();
        let (mut sha256, mut linked_bytes) = (None, None);
        for _ in 0..=self.limits.redirects {
            let response = self.ask(&url, rest)?;
            let headers = response.headers();
            sha256 = tag(headers, "x-linked-etag").or(sha256);
            linked_bytes = number(headers, "x-linked-size").or(linked_bytes);
            if !is_redirect(response.status()) {
                sha256 = sha256.or_else(|| tag(headers, "etag"));
                return Ok(Answer {
                    host: host(&url),
                    response,
                    sha256,
                    linked_bytes,
                });
            }
            let next = text(headers, "location").and_then(|location| url.join(location).ok());
            let Some(next) = next else {
                return Err(self.refused(&url, "a redirect that leads nowhere".to_owned()));
            };
            if !is_secure(&next) || (url.scheme() == "https" && next.scheme() != "https") {
                return Err(Fault::Final(HubError::NotSecure {
                    url: without_query(&next),
                    from: Some(without_query(&url)),
                }));
            }
            url = next;
        }
        Err(Fault::Final(HubError::TooManyRedirects {
            url: self.place.url.to_string(),
            most: self.limits.redirects,
            host: host(&url),
            path: self.place.file(),
        }))
    }

    fn ask(&self, url: &Url, rest: Option<&Rest<'_>>) -> Result<Response<Body>, Fault> {
        let call = |agent: &Agent| {
            // A compressed answer would have another length, and no part to go on from.
            let request = agent
                .get(url.as_str())
                .header(header::ACCEPT_ENCODING, "identity");
            match rest {
                Some(rest) => request
                    .header(header::RANGE, format!("bytes={}-", rest.from))
                    .header(header::IF_RANGE, rest.validator)
                    .call(),
                None => request.call(),
            }
        };
        let answer = if is_loopback(url) {
            call(&self.direct)
        } else {
            call(self.bundled.get().unwrap_or(&self.outside))
        };
        let answer = match answer {
            // The system's certificates cannot be loaded; an untrusted server is another error.
            Err(ureq::Error::Rustls(_)) => {
                let bundled = || agent(self.limits, RootCerts::WebPki, true);
                call(self.bundled.get_or_init(bundled))
            }
            answer => answer,
        };
        let response = answer.map_err(|error| self.fault(url, error))?;
        self.answered.set(true);
        Ok(response)
    }

    fn fault(&self, url: &Url, error: ureq::Error) -> Fault {
        let untrusted = |reason: String| {
            Fault::Final(HubError::NotTrusted {
                url: self.place.url.to_string(),
                host: host(url),
                reason,
                path: self.place.file(),
            })
        };
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                untrusted(error.to_string())
            }
            ureq::Error::Rustls(error) => untrusted(error.to_string()),
            ureq::Error::Tls(reason) => untrusted(reason.to_owned()),
            ureq::Error::Io(error) => passing(format!("{}: {}", host(url), in_words(&error))),
            ureq::Error::HostNotFound => passing(format!("there is no way to {}", host(url))),
            ureq::Error::Timeout(_) => passing(format!("{} is silent", host(url))),
            error => passing(format!("{}: {}", host(url), error)),
        }
    }

    pub(crate) fn refused(&self, url: &Url, found: String) -> Fault {
        self.refused_by(host(url), found)
    }

    pub(crate) fn refused_by(&self, host: String, found: String) -> Fault {
        Fault::Final(HubError::Refused {
            url: self.place.url.to_string(),
            host,
            found,
            path: self.place.file(),
        })
    }
}

pub(crate) fn passing(reason: String) -> Fault {
    Fault::Passing { reason, wait: None }
}

/// The header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The header as a number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// The entity tag in the header, if it is a SHA-256.
fn tag(headers: &HeaderMap, name: &str) -> Option<String> {
    let tag = text(headers, name)?.trim_start_matches("W/");
    let digest = tag.trim_matches('"').to_ascii_lowercase();
    is_sha256(&digest).then_some(digest)
}

fn agent(limits: &Limits, roots: RootCerts, proxied: bool) -> Agent {
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_per_read(Some(limits.silence))
        .timeout_per_write(Some(limits.silence))
        .user_agent(concat!("finial/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots).build());
    let builder = if proxied {
        builder
    } else {
        builder.proxy(None)
    };
    builder.build().new_agent()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Addresses of storage servers carry keys behind the question mark.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

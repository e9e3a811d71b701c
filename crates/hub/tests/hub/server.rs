//! A server on this machine that answers as it is told, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request: its path and its headers, in lower case.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where the range asked for begins.
    pub fn from(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// What is sent back.
pub struct Reply {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
    /// Bytes of the body after which the connection ends.
    cut: usize,
    /// How long nothing is said before anything is sent.
    silent: Duration,
    /// How long the connection stays open behind the last byte.
    hanging: Duration,
}

impl Reply {
    pub fn new(status: &'static str, body: &[u8]) -> Self {
        Self {
            status,
            headers: String::new(),
            body: body.to_vec(),
            cut: usize::MAX,
            silent: Duration::ZERO,
            hanging: Duration::ZERO,
        }
    }

    /// The whole file, with its length.
    pub fn whole(body: &[u8]) -> Self {
        Self::new("200 OK", body).with("Content-Length", body.len())
    }

    /// The rest of the file behind `from`.
    pub fn rest(body: &[u8], from: usize) -> Self {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        Self::new("206 Partial Content", &body[from..])
            .with("Content-Length", body.len() - from)
            .with("Content-Range", range)
    }

    pub fn redirect(to: &str) -> Self {
        Self::new("302 Found", b"")
            .with("Content-Length", 0)
            .with("Location", to)
    }

    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = bytes;
        self
    }

    pub fn silent_for(mut self, time: Duration) -> Self {
        self.silent = time;
        self
    }

    pub fn hanging_for(mut self, time: Duration) -> Self {
        self.hanging = time;
        self
    }
}

pub struct Server {
    scheme: &'static str,
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers each request with what `answer` makes of it and of its number, from 0.
    pub fn start(answer: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, answer)
    }

    /// The same over TLS.
    pub fn start_secure(
        config: ServerConfig,
        answer: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(Arc::new(config)), answer)
    }

    fn listen(
        config: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if config.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, stopped, answer) = (heard.clone(), stop.clone(), Arc::new(answer));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (log, answer) = (log.clone(), answer.clone());
                let config = config.clone();
                // A client that has gone is no fault of the server's.
                thread::spawn(move || -> std::io::Result<()> {
                    let stream = stream?;
                    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
                    let Some(config) = config else {
                        return serve(stream, &log, &*answer);
                    };
                    let connection = ServerConnection::new(config).unwrap();
                    serve(StreamOwned::new(connection, stream), &log, &*answer)
                });
            }
        });
        Self {
            scheme,
            address,
            heard,
            stop,
            thread: Some(thread),
        }
    }

    /// A URL on it, for as long as the test runs.
    pub fn url(&self, path: &str) -> &'static str {
        format!("{}://{}{path}", self.scheme, self.address).leak()
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: impl Read + Write,
    log: &Mutex<Vec<Heard>>,
    answer: &dyn Fn(&Heard, usize) -> Reply,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut headers = Vec::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let Some(path) = first.split(' ').nth(1) else {
        return Ok(());
    };
    let heard = Heard {
        path: path.to_owned(),
        headers,
    };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(heard.clone());
        log.len() - 1
    };
    let reply = answer(&heard, number);
    thread::sleep(reply.silent);
    let head = format!(
        "HTTP/1.1 {}\r\n{}Connection: close\r\n\r\n",
        reply.status, reply.headers
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply.body[..reply.cut.min(reply.body.len())])?;
    stream.flush()?;
    thread::sleep(reply.hanging);
    Ok(())
}

//! A server of files for these tests: behind a proxy it is `https://cdn.example.com`, without one it speaks plain HTTP, as
//! an object store does. It gives parts of its files, and does what it should not when it is told to.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The host that it is behind its proxy.
pub(crate) const HOST: &str = "cdn.example.com";

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET` or `HEAD`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The headers, with names in lower case.
    pub(crate) headers: HashMap<String, String>,
}

/// What it does.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something else that it does wrong")]
pub(crate) struct Conduct {
    /// By their paths the files, each with its tag and when it was changed.
    pub(crate) files: HashMap<String, (Arc<Vec<u8>>, String, String)>,
    /// Every request.
    pub(crate) asked: Vec<Asked>,
    /// Answers this status to everything, with these lines of a head and this body.
    pub(crate) status: Option<(u16, &'static str, &'static str)>,
    /// So many answers come to nothing.
    pub(crate) faults: u32,
    /// Gives the whole where a part is asked for.
    pub(crate) whole: bool,
    /// Tells nothing of the version of a file.
    pub(crate) unversioned: bool,
    /// Has the same weak tag for everything.
    pub(crate) weak: bool,
    /// Tells not when a file was changed.
    pub(crate) undated: bool,
    /// Everything was changed just now.
    pub(crate) fresh: bool,
    /// What it says of a file that it does not have.
    pub(crate) missing: Option<&'static str>,
    /// So many answers are cut off after so many bytes.
    pub(crate) cuts: (u32, usize),
}

/// The server.
pub(crate) struct Shelf {
    port: u16,
    conduct: Arc<Mutex<Conduct>>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let conduct: Arc<Mutex<Conduct>> = Arc::default();
        let served = Arc::clone(&conduct);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let conduct = Arc::clone(&served);
                // What the other side leaves early is no failure here.
                thread::spawn(move || serve(socket?, &conduct));
            }
        });
        Self { port, conduct }
    }

    pub(crate) fn conduct(&self) -> MutexGuard<'_, Conduct> {
        self.conduct.lock().unwrap()
    }

    /// Puts a file there, or another one in its place.
    pub(crate) fn put(&self, path: &str, content: Vec<u8>) {
        let mut conduct = self.conduct();
        let tag = format!("\"tag-{}-{}\"", content.len(), conduct.asked.len());
        let (minute, second) = (conduct.asked.len() / 60 % 60, conduct.asked.len() % 60);
        let modified = format!("Thu, 01 Jan 2026 00:{minute:02}:{second:02} GMT");
        conduct.files.insert(path.to_owned(), (Arc::new(content), tag, modified));
    }

    /// A command that reaches it as `https://cdn.example.com`, and trusts it.
    pub(crate) fn behind_proxy(&self, mut command: Command) -> Command {
        let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/cdn-ca.pem");
        command.env("SSL_CERT_FILE", authority);
        command.env("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.port));
        command
    }

    /// Where it speaks plain HTTP.
    #[cfg(feature = "cloud")]
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn serve(mut socket: TcpStream, conduct: &Mutex<Conduct>) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut first = [0; 7];
    socket.peek(&mut first)?;
    if &first != b"CONNECT" {
        return answer_all(&mut socket, conduct);
    }
    head(&mut socket)?;
    socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let read = |name: &str| {
        std::fs::read(format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(read("cdn.der"))],
            PrivatePkcs8KeyDer::from(read("cdn.key.der")).into(),
        )
        .unwrap();
    let session = ServerConnection::new(Arc::new(config)).unwrap();
    answer_all(&mut StreamOwned::new(session, socket), conduct)
}

fn head(socket: &mut impl Read) -> std::io::Result<String> {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

fn answer_all(client: &mut (impl Read + Write), conduct: &Mutex<Conduct>) -> std::io::Result<()> {
    loop {
        let head = head(client)?;
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        let asked = Asked { method, target, headers: headers.collect() };
        let (answer, body, cut) = answer(&asked, &mut conduct.lock().unwrap());
        client.write_all(answer.as_bytes())?;
        let end = cut.unwrap_or(body.len()).min(body.len());
        for piece in body[..end].chunks(64 << 10) {
            client.write_all(piece)?;
        }
        client.flush()?;
        if cut.is_some() {
            return Ok(());
        }
    }
}

/// Head and body of an answer, and after how many bytes of that it is cut off.
fn answer(asked: &Asked, conduct: &mut Conduct) -> (String, Vec<u8>, Option<usize>) {
    conduct.asked.push(asked.clone());
    let plain = |status: u16, more: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}\r\n");
        (head, body.as_bytes().to_vec(), None)
    };
    if conduct.faults > 0 {
        conduct.faults -= 1;
        return plain(503, "", "<Error><Code>SlowDown</Code></Error>");
    }
    if let Some((status, more, body)) = conduct.status {
        return plain(status, more, body);
    }
    let path = asked.target.split('?').next().unwrap();
    let Some((content, tag, modified)) = conduct.files.get(path).cloned() else {
        let missing = conduct.missing.unwrap_or("<Error><Code>NoSuchKey</Code></Error>");
        return plain(404, "", missing);
    };
    if asked.headers.get("if-match").is_some_and(|wanted| *wanted != tag) {
        return plain(412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    }
    let size = content.len();
    let told = |is_told: bool, name: &str, value: &str| {
        if is_told { format!("{name}: {value}\r\n") } else { String::new() }
    };
    let tag = if conduct.weak { "W/\"weak\"" } else { &tag };
    let now = if conduct.fresh { &modified } else { "Fri, 02 Jan 2026 00:00:00 GMT" };
    let version = told(!conduct.unversioned, "ETag", tag)
        + &told(!conduct.unversioned && !conduct.undated, "Last-Modified", &modified)
        + &told(true, "Date", now);
    let range = asked.headers.get("range").filter(|_| !conduct.whole).map(|range| {
        let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let last = last.parse().unwrap_or(usize::MAX);
        (first.parse::<usize>().unwrap(), last.min(size.saturating_sub(1)))
    });
    let (status, head, body) = match range {
        Some((first, _)) if first >= size => {
            return plain(416, &format!("Content-Range: bytes */{size}\r\n"), "");
        }
        Some((first, last)) => {
            let range = format!("Content-Range: bytes {first}-{last}/{size}\r\n");
            (206, range, content[first..=last].to_vec())
        }
        None => (200, String::new(), content.to_vec()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} OK\r\nContent-Length: {length}\r\n{head}{version}\r\n");
    let body = if asked.method == "HEAD" { Vec::new() } else { body };
    let (cuts, after) = conduct.cuts;
    let cut = (cuts > 0 && length > after).then_some(after);
    conduct.cuts.0 = cuts - u32::from(cut.is_some());
    (head, body, cut)
}

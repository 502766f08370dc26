//! A server that answers like TikTok's posting API and throws the bytes away: TLS, a thread a
//! connection, no checks. What it sees goes to standard output, a JSON object a line.

use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::{Deserialize, Serialize};

/// The certificate that clients are to trust, in the sink's directory.
pub(crate) const CERTIFICATE: &str = "certificate.pem";

/// The longest head of a request.
const HEAD: usize = 16 << 10;

/// Something that the sink saw.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// Seconds since the sink began.
    pub(crate) at: f64,
    pub(crate) what: What,
    /// Which connection.
    pub(crate) connection: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// It listens on this port.
    Listening(u16),
    /// The head of a PUT is there.
    PutBegun,
    /// The body of a PUT is there; so many bytes.
    PutDone(u64),
    /// Another request was answered.
    Call(String),
}

impl Seen {
    /// The body of a PUT was there.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.what, What::PutDone(_))
    }

    /// Somebody asked what became of an upload.
    pub(crate) fn is_question(&self) -> bool {
        matches!(&self.what, What::Call(path) if path.contains("status"))
    }
}

struct Sink {
    begun: Instant,
    connections: AtomicU64,
    out: Mutex<io::Stdout>,
    host: String,
    port: u16,
    /// How long it takes to answer for tokens.
    delay: Duration,
}

/// Serves until the process is killed. Writes its certificate into `dir`.
pub(crate) fn serve(
    dir: &Path,
    address: SocketAddrV4,
    host: String,
    delay: Duration,
) -> anyhow::Result<()> {
    let certified = rcgen::generate_simple_self_signed([host.clone()])?;
    std::fs::write(dir.join(CERTIFICATE), certified.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind(address)?;
    let port = listener.local_addr()?.port();
    let sink = Arc::new(Sink {
        begun: Instant::now(),
        connections: AtomicU64::new(0),
        out: Mutex::new(io::stdout()),
        host,
        port,
        delay,
    });
    sink.tell(0, What::Listening(port));
    for stream in listener.incoming() {
        let (sink, config) = (Arc::clone(&sink), Arc::clone(&config));
        let stream = stream?;
        thread::spawn(move || {
            // A client that leaves ends its connection.
            _ = sink.connection(stream, config);
        });
    }
    Ok(())
}

/// A request without its body.
struct Head {
    method: String,
    path: String,
    length: u64,
    /// `Content-Range`: whether it ends where the file does.
    is_last: bool,
    expects: bool,
}

impl Sink {
    fn tell(&self, connection: u64, what: What) {
        let seen = Seen { at: self.begun.elapsed().as_secs_f64(), what, connection };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever started it reads it, or has gone.
        _ = serde_json::to_writer(&mut *out, &seen).map_err(io::Error::from);
        _ = out.write_all(b"\n").and_then(|()| out.flush());
    }

    fn connection(&self, stream: TcpStream, config: Arc<ServerConfig>) -> anyhow::Result<()> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        stream.set_nodelay(true)?;
        let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
        let mut buffer = vec![0_u8; 1 << 20];
        let mut there = 0;
        while let Some((head, used)) = read_head(&mut stream, &mut buffer, &mut there)? {
            if head.method == "PUT" {
                self.tell(number, What::PutBegun);
            }
            if head.expects {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let here = (there - used) as u64;
            // The start of the body, for the few requests that are answered by what they say.
            let mut form = String::from_utf8_lossy(&buffer[used..there]).into_owned();
            let mut left = head.length.saturating_sub(here);
            buffer.copy_within(used..there, 0);
            // What came behind this request, which is nothing unless the client is ahead of the answers.
            there = usize::try_from(here.saturating_sub(head.length))?;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let read = stream.read(&mut buffer[..most])?;
                anyhow::ensure!(read > 0, "cut off");
                if head.method == "POST" {
                    form.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
                left -= read as u64;
            }
            let (status, body) = self.answer(&head, &form);
            // Told first: what is told of the next request must not stand before it.
            self.tell(
                number,
                match head.method.as_str() {
                    "PUT" => What::PutDone(head.length),
                    _ => What::Call(head.path.clone()),
                },
            );
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            stream.flush()?;
        }
        Ok(())
    }

    fn answer(&self, head: &Head, form: &str) -> (u16, String) {
        let ok = |data: serde_json::Value| {
            let error = serde_json::json!({ "code": "ok", "message": "", "log_id": "1" });
            (200, serde_json::json!({ "data": data, "error": error }).to_string())
        };
        match head.path.as_str() {
            _ if head.method == "PUT" && head.is_last => (201, String::new()),
            _ if head.method == "PUT" => (206, String::new()),
            path if path.contains("oauth/token") => {
                thread::sleep(self.delay);
                let known = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
                let account = known.and_then(|known| known.split('.').nth(1)).unwrap_or_default();
                (200, crate::scratch::answer(account).to_string())
            }
            path if path.contains("creator_info") => ok(serde_json::json!({
                "creator_nickname": "Bench",
                "creator_username": "bench",
                "privacy_level_options": ["SELF_ONLY", "PUBLIC_TO_EVERYONE"],
                "comment_disabled": false,
                "duet_disabled": false,
                "stitch_disabled": false,
                "max_video_post_duration_sec": 3600,
            })),
            path if path.contains("status/fetch") => ok(serde_json::json!({
                "status": "PUBLISH_COMPLETE",
                "publicaly_available_post_id": [7],
            })),
            path if path.contains("init") => {
                let id = self.begun.elapsed().as_nanos();
                ok(serde_json::json!({
                    "publish_id": format!("v_pub_file~v2-1.{id}"),
                    "upload_url": format!("https://{}:{}/upload/{id}", self.host, self.port),
                }))
            }
            _ => (404, "{}".to_owned()),
        }
    }
}

/// Reads until the head of a request is whole. `there` is how much of the buffer is filled. `None`: the client
/// has gone.
fn read_head(
    stream: &mut impl Read,
    buffer: &mut [u8],
    there: &mut usize,
) -> anyhow::Result<Option<(Head, usize)>> {
    loop {
        if let Some(end) = buffer[..*there].windows(4).position(|four| four == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end])?;
            return Ok(Some((Head::parse(head).context("not a request")?, end + 4)));
        }
        anyhow::ensure!(*there < HEAD, "too long a head");
        match stream.read(&mut buffer[*there..HEAD]) {
            Ok(0) | Err(_) => return Ok(None),
            Ok(read) => *there += read,
        }
    }
}

impl Head {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut head = Self { method, path, length: 0, is_last: true, expects: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.parse().ok()?,
                "expect" => head.expects = true,
                "content-range" => {
                    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
                    let last: u64 = range.split_once('-')?.1.parse().ok()?;
                    head.is_last = last + 1 == total.parse::<u64>().ok()?;
                }
                _ => {}
            }
        }
        Some(head)
    }
}

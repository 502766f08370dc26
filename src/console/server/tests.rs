//! The server as visitors meet it, on real sockets.

use std::sync::Mutex;

use axum::routing::{get, put};
use futures_util::{StreamExt as _, stream};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;

const CERTIFICATE: &str = include_str!("test-cert.pem");
const KEY: &str = include_str!("test-key.pem");
const LONG: Duration = Duration::from_mins(1);
/// Long enough for a request of a test to get through, short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

struct Running {
    address: Listen,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(change: impl FnOnce(&mut Limits)) -> Self {
        let listen = Listen::Tcp("127.0.0.1:0".parse().unwrap());
        let mut server = Server::bind(&listen, None).await.unwrap();
        change(&mut server.limits);
        Self::serve(server)
    }

    fn serve(server: Server) -> Self {
        let address = server.address().clone();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { _ = stopped.await };
        let task = tokio::spawn(server.serve(router(), shutdown));
        Self { address, stop: Some(stop), task }
    }

    async fn connect(&self) -> TcpStream {
        let Listen::Tcp(address) = &self.address else { panic!() };
        TcpStream::connect(address).await.unwrap()
    }

    async fn ends(mut self) {
        _ = self.stop.take().unwrap().send(());
        timeout(LONG, self.task).await.unwrap().unwrap();
    }
}

fn router() -> Router {
    let zeros = || stream::repeat(Bytes::from(vec![0; 65536])).map(Ok::<_, io::Error>);
    let events = || stream::iter([Ok(Bytes::from_static(b"data: 1\n\n"))]).chain(stream::pending());
    let taken = |body: Body| async move {
        let mut taken = 0;
        let mut body = body.into_data_stream();
        while let Some(bytes) = body.next().await {
            match bytes {
                Ok(bytes) => taken += bytes.len(),
                Err(error) => return format!("stopped after {taken}: {error}"),
            }
        }
        format!("took {taken}")
    };
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/zeros", get(move || async move { Body::from_stream(zeros()) }))
        .route(
            "/events",
            get(move || async move {
                let body = Body::from_stream(events().map(|event: Result<_, io::Error>| event));
                ([(CONTENT_TYPE, "text/event-stream")], body)
            }),
        )
        .route("/file", put(taken))
        .route(
            "/kept",
            put(move |axum::Extension(here): axum::Extension<Connection>, body: Body| {
                here.keep();
                taken(body)
            }),
        )
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(stream).await
}

async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap();
    // A connection that is closed with bytes unread is reset.
    _ = read;
    String::from_utf8_lossy(&answer).into_owned()
}

const PUT: &str = "PUT /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn is_served(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200") && answer.ends_with("here")
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let server = Running::start(|_| {}).await;
    assert!(is_served(&ask(server.connect().await, GET).await));
    let Listen::Tcp(address) = server.address else { panic!() };
    server.ends().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_out() {
    let server = Running::start(|limits| limits.head_read = LONG).await;
    let mut idle = Vec::new();
    for at in 0..1000 {
        let mut stream = server.connect().await;
        if at % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x").await.unwrap();
        }
        idle.push(stream);
    }
    assert!(is_served(&ask(server.connect().await, GET).await));
    assert_eq!(rest(&mut idle[0]).await, "", "the oldest is closed");
    server.ends().await;
}

#[tokio::test]
async fn requests_that_stand_still_keep_nobody_out_and_cost_a_visitor_nothing() {
    let server = Running::start(|limits| limits.connections = 8).await;
    let mut upload = server.connect().await;
    upload
        .write_all(format!("{}Content-Length: 2\r\n\r\na", PUT.replace("file", "kept")).as_bytes())
        .await
        .unwrap();
    let mut stream = server.connect().await;
    let mut slow = Vec::new();
    // The upload's head is read before the last of these are.
    for _ in 0..20 {
        assert!(is_served(&ask(stream, GET).await));
        let mut sender = server.connect().await;
        let head = b"PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na";
        sender.write_all(head).await.unwrap();
        slow.push(sender);
        stream = server.connect().await;
    }
    assert!(is_served(&ask(stream, GET).await));
    upload.write_all(b"b").await.unwrap();
    assert!(rest(upload).await.contains("took 2"));
}

#[tokio::test]
async fn a_head_that_does_not_come_or_is_too_long_ends_the_connection() {
    let server = Running::start(|limits| limits.head_read = SHORT).await;
    for beginning in ["", "GET / HTTP/1.1\r\nHost:"] {
        assert_eq!(ask(server.connect().await, beginning).await, "");
    }
    let server = Running::start(|_| {}).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(17 * 1024));
    let answer = ask(server.connect().await, &long).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70 * 1024));
    let answer = ask(server.connect().await, &long).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    server.ends().await;
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up_and_one_that_flows_is_not() {
    // Longer than any pause that a busy machine makes between two bytes.
    let stall = 4 * SHORT;
    let server = Running::start(|limits| limits.stall = stall).await;
    let head = format!("{PUT}Content-Length: 10\r\n\r\n");
    let answer = ask(server.connect().await, &format!("{head}abc")).await;
    assert!(answer.contains("stopped after 3"), "{answer}");
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let began = std::time::Instant::now();
    let mut pace = tokio::time::interval(stall / 6);
    for byte in b"0123456789" {
        pace.tick().await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    assert!(began.elapsed() > stall);
    let answer = rest(stream).await;
    assert!(answer.contains("took 10"), "{answer}");
    server.ends().await;
}

#[tokio::test]
async fn whoever_does_not_read_is_given_up() {
    let server = Running::start(|limits| {
        limits.stall = SHORT;
        limits.grace = 2 * LONG;
    })
    .await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /zeros HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The head has come; from here on nothing is read. The end of the server waits for the connection alone.
    stream.read_exact(&mut [0; 12]).await.unwrap();
    server.ends().await;
}

#[tokio::test]
async fn event_streams_end_with_the_server_at_once() {
    let server = Running::start(|limits| limits.grace = 2 * LONG).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"data: 1\n\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
    server.ends().await;
    assert_eq!(rest(stream).await, "0\r\n\r\n", "and they end as they should");
}

#[tokio::test]
async fn a_socket_is_for_its_owner_alone_and_goes_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("console");
    let listen = Listen::Unix(path.clone());
    let server = Running::serve(Server::bind(&listen, None).await.unwrap());
    assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let answer = ask(UnixStream::connect(&path).await.unwrap(), GET).await;
    assert!(is_served(&answer), "{answer}");
    let second = Server::bind(&listen, None).await;
    assert!(matches!(second, Err(ServerError::Live { .. })), "{second:?}");
    server.ends().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn the_socket_of_a_dead_process_is_replaced_and_that_of_another_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("console");
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let listen = Listen::Unix(path.clone());
    let bound = Server::bind(&listen, None).await;
    assert!(matches!(bound, Err(ServerError::Live { .. })), "{bound:?}");
    // The file stays when the descriptor is closed, as after a kill.
    drop(other);
    let server = Running::serve(Server::bind(&listen, None).await.unwrap());
    assert!(is_served(&ask(UnixStream::connect(&path).await.unwrap(), GET).await));
    server.ends().await;
    fs::write(&path, "a file").unwrap();
    let bound = Server::bind(&listen, None).await;
    assert!(matches!(bound, Err(ServerError::Socket(FsError::Kind { .. }))), "{bound:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let server = Running::start(|_| {}).await;
    let error = Server::bind(&server.address, None).await.unwrap_err();
    assert!(matches!(&error, ServerError::Bind { source, .. }
        if source.kind() == io::ErrorKind::AddrInUse));
}

/// The files of a certificate and its key.
struct Files {
    _dir: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

fn files(certificate: &str, key: &str, mode: u32) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let [certificate_path, key_path] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
    fs::write(&certificate_path, certificate).unwrap();
    crate::fs::write_atomic(&key_path, key.as_bytes(), mode).unwrap();
    Files { _dir: dir, certificate: certificate_path, key: key_path }
}

#[tokio::test]
async fn it_serves_by_tls() {
    let files = files(CERTIFICATE, KEY, 0o600);
    let tls = Tls::read(&files.certificate, &files.key).unwrap();
    let listen = Listen::Tcp("127.0.0.1:0".parse().unwrap());
    let mut server = Server::bind(&listen, Some(tls)).await.unwrap();
    server.limits.head_read = 5 * SHORT;
    let server = Running::serve(server);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = TlsConnector::from(Arc::new(client));
    let stream = client.connect(name, server.connect().await).await.unwrap();
    assert!(is_served(&ask(stream, GET).await));
    // One that begins no TLS, or says nothing at all.
    assert!(!ask(server.connect().await, GET).await.contains("here"));
    assert_eq!(rest(server.connect().await).await, "");
    server.ends().await;
}

#[test]
fn certificates_and_keys_that_are_of_no_use_are_told() {
    let read = |files: &Files| Tls::read(&files.certificate, &files.key);
    let open = read(&files(CERTIFICATE, KEY, 0o640));
    assert!(matches!(open, Err(ServerError::TlsFile(FsError::Mode { .. }))), "{open:?}");
    let swapped = read(&files(KEY, CERTIFICATE, 0o600));
    assert!(matches!(swapped, Err(ServerError::TlsForm { wanted: "certificate", .. })));
    let twice = read(&files(CERTIFICATE, CERTIFICATE, 0o600));
    assert!(matches!(twice, Err(ServerError::TlsForm { wanted: "private key", .. })), "{twice:?}");
    let missing = Tls::read(Path::new("/nothing"), Path::new("/nothing"));
    assert!(matches!(missing, Err(ServerError::TlsMissing { .. })));
}

#[test]
fn a_key_behind_a_link_is_taken() {
    let files = files(CERTIFICATE, KEY, 0o600);
    let link = files.key.with_file_name("live.pem");
    std::os::unix::fs::symlink(&files.key, &link).unwrap();
    assert!(Tls::read(&files.certificate, &link).is_ok());
}

#[tokio::test]
async fn those_that_wait_longest_lose_their_place_first_and_known_visitors_never() {
    let mut open = Connections::default();
    let mut places = Vec::new();
    let kept = Arc::new(Mutex::new(Vec::new()));
    for at in 0..3 {
        let place = open.place(3).unwrap();
        let gone = Arc::clone(&kept);
        let task = open.tasks.spawn(async move {
            std::future::pending::<()>().await;
            gone.lock().unwrap().push(at);
        });
        open.entries.push(Entry { task, place: Arc::clone(&place) });
        places.push(place);
    }
    let left = |open: &Connections| {
        let is_there =
            |place: &&Arc<Place>| open.entries.iter().any(|entry| Arc::ptr_eq(&entry.place, place));
        places.iter().map(|place| is_there(&place)).collect::<Vec<_>>()
    };
    // The first was asked for something meanwhile.
    drop(Underway::begin(&places[0]));
    assert!(open.place(3).is_some());
    assert_eq!(left(&open), [true, false, true]);
    let first = Underway::begin(&places[0]);
    let _third = Underway::begin(&places[2]);
    Connection(Arc::clone(&places[2])).keep();
    assert!(open.place(2).is_some());
    assert_eq!(left(&open), [false, false, true]);
    assert!(open.place(1).is_none());
    drop(first);
}

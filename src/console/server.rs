//! The server of the console: listens on an address or on a unix socket, with or without TLS, and serves a router
//! within limits that no visitor can use to keep the others out.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::fs::Mode;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::fs::{FsError, Lock, LockError, PRIVATE_FILE, SIZE_LIMIT, read_private, step};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::Shortage;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Where the console listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// On an address of this machine.
    Tcp(SocketAddr),
    /// On a socket of this path, which only the user running this can use.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine reaches it. What others reach needs TLS and users with passwords.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

/// Why the console does not listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// The address is not to be had.
    #[error("failed to listen on {address}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said: `AddrInUse` if another program listens there.
        source: io::Error,
    },
    /// Another process listens on the socket.
    #[error("another process listens on `{}`", path.display())]
    Live {
        /// The socket's path.
        path: PathBuf,
    },
    /// The socket cannot be made, or something else lies in its place.
    #[error(transparent)]
    Socket(#[from] FsError),
    /// A file with the certificates or the key cannot be used.
    #[error(transparent)]
    TlsFile(FsError),
    /// There is no file of that name.
    #[error("there is no `{}`", path.display())]
    TlsMissing {
        /// Which file.
        path: PathBuf,
    },
    /// What is in it is no certificate, or no key.
    #[error("`{}` holds no {wanted} in PEM form", path.display())]
    TlsForm {
        /// Which file.
        path: PathBuf,
        /// `certificate` or `private key`.
        wanted: &'static str,
    },
    /// Certificate and key do not belong together, or their kind is not known.
    #[error("the certificate and its key are refused: {0}")]
    TlsRefused(rustls::Error),
}

impl Coded for ServerError {
    fn problem(&self) -> Problem {
        match self {
            Self::Bind { source, .. } => match Shortage::in_error(source) {
                Some(shortage) => shortage.behind(),
                None if source.kind() == io::ErrorKind::AddrInUse => {
                    ErrorCode::ConsolePortInUse.into()
                }
                None => ErrorCode::ConsoleAddress.into(),
            },
            Self::Live { .. } => ErrorCode::ConsolePortInUse.into(),
            Self::Socket(error) | Self::TlsFile(error) => error.problem(),
            Self::TlsMissing { .. } | Self::TlsForm { .. } | Self::TlsRefused(_) => {
                ErrorCode::ConsoleTls.into()
            }
        }
    }
}

/// What the server shows to a browser to prove who it is.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Reads the chain of certificates, the server's own first, and the key of that one. The key's file must be closed
    /// to others, as every file with a secret; links to it are followed, as programs that renew certificates make them.
    pub(crate) fn read(certificates: &Path, key: &Path) -> Result<Self, ServerError> {
        let missing = |path: &Path| ServerError::TlsMissing { path: path.to_owned() };
        let form = |path: &Path, wanted| ServerError::TlsForm { path: path.to_owned(), wanted };
        let resolved = |path: &Path| match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(path)),
            found => step("resolve", path, || found).map_err(ServerError::TlsFile),
        };
        let bytes = read_public(&resolved(certificates)?).map_err(ServerError::TlsFile)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|_| form(certificates, "certificate"))?;
        if chain.is_empty() {
            return Err(form(certificates, "certificate"));
        }
        let bytes = read_private(&resolved(key)?).map_err(ServerError::TlsFile)?;
        let bytes = bytes.ok_or_else(|| missing(key))?;
        let own = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| form(key, "private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, own))
            .map_err(ServerError::TlsRefused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// A file that anybody may read, if it is not longer than one of ours.
fn read_public(path: &Path) -> Result<Vec<u8>, FsError> {
    let size = step("examine", path, || fs::metadata(path))?;
    if !size.is_file() {
        return Err(FsError::Kind { path: path.to_owned() });
    }
    if size.len() > SIZE_LIMIT {
        let (path, size) = (path.to_owned(), size.len());
        return Err(FsError::Size { path, size, limit: SIZE_LIMIT });
    }
    step("read", path, || fs::read(path))
}

/// What one visitor may take of the server.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The longest request head, in bytes.
    head: usize,
    /// How long a visitor may take for TLS, for the head of a request, and between two requests.
    head_read: Duration,
    /// How many connections there are at once.
    connections: usize,
    /// How long a body or an answer may stand still.
    stall: Duration,
    /// How long requests that are under way may take once the server is to stop.
    grace: Duration,
    /// The same for connections without a request.
    last_bytes: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            head_read: Duration::from_secs(10),
            connections: 256,
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            last_bytes: Duration::from_millis(500),
        }
    }
}

/// A server that listens, and serves nobody yet.
#[derive(Debug)]
pub(crate) struct Server {
    listener: Listener,
    address: Listen,
    tls: Option<Tls>,
    limits: Limits,
}

impl Server {
    /// Begins to listen. A socket that a dead process has left is replaced.
    pub(crate) async fn bind(listen: &Listen, tls: Option<Tls>) -> Result<Self, ServerError> {
        let (listener, address) = match listen {
            Listen::Tcp(address) => {
                let failed = |source| ServerError::Bind { address: *address, source };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                (Listener::Tcp(listener), Listen::Tcp(bound))
            }
            Listen::Unix(path) => {
                let (listener, file) = listen_on_socket(path).await?;
                (Listener::Unix(listener, file), listen.clone())
            }
        };
        Ok(Self { listener, address, tls, limits: Limits::default() })
    }

    /// Where it listens, its port in place of a 0.
    pub(crate) fn address(&self) -> &Listen {
        &self.address
    }

    /// Whether browsers reach it by https.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until `shutdown` is ready. Event streams end with it at once, and so does what waits for a request;
    /// requests that are under way have ten seconds to end.
    pub(crate) async fn serve(self, router: Router, shutdown: impl Future<Output = ()> + Send) {
        let Self { listener, tls, limits, .. } = self;
        let stop = watch::Sender::new(false);
        let mut open = Connections::default();
        let mut shutdown = pin!(shutdown);
        loop {
            let stream = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
            };
            let Ok(stream) = stream else {
                // Out of descriptors, as a rule; it passes when connections close.
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            if let Some(place) = open.place(limits.connections) {
                let stop = stop.subscribe();
                let tls = tls.clone();
                let served =
                    connection(stream, tls, router.clone(), Arc::clone(&place), limits, stop);
                let task = open.tasks.spawn(served);
                open.entries.push(Entry { task, place });
            }
        }
        // The socket's file goes with it.
        drop(listener);
        stop.send_replace(true);
        let all = async { while open.tasks.join_next().await.is_some() {} };
        if timeout(limits.grace, all).await.is_err() {
            open.tasks.shutdown().await;
        }
    }
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "removes the socket's file when it is dropped")] SocketFile,
    ),
}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                // Events are small, and are to be seen when they happen.
                _ = stream.set_nodelay(true);
                Box::new(stream)
            }
            Self::Unix(listener, _) => Box::new(listener.accept().await?.0),
        })
    }
}

/// A connection, of whatever kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The file of a unix socket, removed with this unless it is another one by then.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    is: (u64, u64),
    /// Keeps other processes of ours from taking the socket for a dead one.
    _lock: Lock,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.is) {
            // What stays is taken for a dead one by the next server.
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on a socket of mode 0600. Nobody can connect before it has that mode, as it does not listen before.
async fn listen_on_socket(path: &Path) -> Result<(UnixListener, SocketFile), ServerError> {
    let live = || ServerError::Live { path: path.to_owned() };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let lock = Lock::try_acquire(Path::new(&beside)).map_err(|error| match error {
        LockError::Held { .. } => live(),
        LockError::File(error) => error.into(),
    })?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => {
            let found = step("examine", path, || found)?;
            if !found.file_type().is_socket() {
                return Err(FsError::Kind { path: path.to_owned() }.into());
            }
            if found.uid() != rustix::process::geteuid().as_raw() {
                return Err(FsError::Owner { path: path.to_owned(), owner: found.uid() }.into());
            }
            match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                // Also one that cannot take more connections just now.
                _ => return Err(live()),
            }
            step("remove", path, || fs::remove_file(path))?;
        }
    }
    let socket = step("open", path, UnixSocket::new_stream)?;
    // Linux makes the file with the mode of the descriptor; others need to be told afterwards.
    _ = rustix::fs::fchmod(&socket, Mode::from_raw_mode(PRIVATE_FILE));
    step("bind", path, || socket.bind(path))?;
    step("chmod", path, || fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_FILE)))?;
    let made = step("examine", path, || fs::symlink_metadata(path))?;
    let file = SocketFile { path: path.to_owned(), is: (made.dev(), made.ino()), _lock: lock };
    Ok((step("listen", path, || socket.listen(BACKLOG))?, file))
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// In the order in which they were accepted.
    entries: Vec<Entry>,
    turns: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Entry {
    task: AbortHandle,
    place: Arc<Place>,
}

impl Connections {
    /// The place of one more connection. If all are taken, the one that has waited longest for a request loses its
    /// own; if none waits, the oldest whose request is not known to be a visitor's. `None` if all of them are.
    fn place(&mut self, limit: usize) -> Option<Arc<Place>> {
        while self.tasks.try_join_next().is_some() {}
        self.entries.retain(|entry| !entry.task.is_finished());
        if self.entries.len() >= limit {
            let ranked = self.entries.iter().enumerate().filter_map(|(at, entry)| {
                let rank = entry.place.rank(at)?;
                Some((rank, at))
            });
            let (_, at) = ranked.min()?;
            self.entries.remove(at).task.abort();
        }
        let place = Place { turns: Arc::clone(&self.turns), ..Place::default() };
        place.rest();
        Some(Arc::new(place))
    }
}

/// What is known of a connection by those who need its place.
#[derive(Debug, Default)]
struct Place {
    busy: AtomicBool,
    known: AtomicBool,
    /// When it last began to wait for a request, in turns of all connections.
    rests_since: AtomicU64,
    turns: Arc<AtomicU64>,
}

impl Place {
    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn rest(&self) {
        self.rests_since.store(self.turns.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        self.known.store(false, Ordering::Relaxed);
        self.busy.store(false, Ordering::Release);
    }

    /// The lower, the sooner it has to go; `None`: it may stay.
    fn rank(&self, accepted: usize) -> Option<(bool, u64)> {
        if !self.is_busy() {
            return Some((false, self.rests_since.load(Ordering::Relaxed)));
        }
        let known = self.known.load(Ordering::Relaxed);
        (!known).then_some((true, accepted as u64))
    }
}

/// The connection that a request came by, among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Place>);

impl Connection {
    /// Says that the request is that of a visitor who is signed in: until its answer has ended, the connection is not
    /// closed for others to come in.
    pub(crate) fn keep(&self) {
        self.0.known.store(true, Ordering::Relaxed);
    }
}

/// A request from its head to the end of its answer.
#[derive(Debug)]
struct Underway(Arc<Place>);

impl Underway {
    fn begin(place: &Arc<Place>) -> Self {
        place.busy.store(true, Ordering::Release);
        Self(Arc::clone(place))
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.rest();
    }
}

/// Serves one connection to its end.
async fn connection(
    stream: Box<dyn Stream>,
    tls: Option<Tls>,
    router: Router,
    place: Arc<Place>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let stream = Moving { stream, limit: limits.stall, stands: None };
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(Tls(tls)) => match timeout(limits.head_read, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            // What a client does to its own connection is not our trouble.
            _ => return,
        },
    };
    let router = TowerToHyperService::new(router);
    let stopping = stop.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let underway = Underway::begin(&place);
        let flowing = |body| Flowing { body, limit: limits.stall, stands: None };
        let mut request = request.map(|body| Body::new(flowing(body)));
        request.extensions_mut().insert(Connection(Arc::clone(&place)));
        let answer = router.call(request);
        let stopping = stopping.clone();
        async move { answer.await.map(|answer| Answer::wrap(answer, underway, stopping)) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_read)
        .max_header_size(limits.head)
        .max_buf_size(4 * limits.head)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        // The sender outlives the connections.
        _ = stop.wait_for(|stop| *stop) => {}
    }
    served.as_mut().graceful_shutdown();
    // One that waits for a request may have the last bytes of an answer to send, or has half of a head.
    let left = if place.is_busy() { limits.grace } else { limits.last_bytes };
    _ = timeout(left, served).await;
}

/// Says that a connection stands still.
fn stalled() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// Whether something has been pending for as long as `limit`, from one call to the next; `stands` is kept between.
fn has_stalled<T>(
    outcome: &Poll<T>,
    stands: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    context: &mut Context<'_>,
) -> bool {
    if outcome.is_ready() {
        *stands = None;
        return false;
    }
    stands.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(context).is_ready()
}

/// A stream whose writes fail once nothing was taken for a while.
struct Moving {
    stream: Box<dyn Stream>,
    limit: Duration,
    stands: Option<Pin<Box<Sleep>>>,
}

impl Moving {
    fn heed<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if has_stalled(&outcome, &mut self.stands, self.limit, context) {
            return Poll::Ready(Err(stalled()));
        }
        outcome
    }
}

impl AsyncRead for Moving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Moving {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heed(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.heed(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of a request, which fails once nothing of it came for a while in which somebody waited for it.
struct Flowing {
    body: Incoming,
    limit: Duration,
    stands: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Flowing {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.body).poll_frame(context);
        if has_stalled(&outcome, &mut this.stands, this.limit, context) {
            return Poll::Ready(Some(Err(stalled().into())));
        }
        outcome.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that ends early when something happens, such as the end of the session that may see it.
pub(crate) struct Until {
    body: Body,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Until {
    /// Ends `body` with `end`, unless it ends by itself before.
    pub(crate) fn wrap(body: Body, end: impl Future<Output = ()> + Send + 'static) -> Body {
        Body::new(Self { body, end: Box::pin(end) })
    }
}

impl HttpBody for Until {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

/// Whether an answer is a stream of events, which ends only when somebody ends it.
pub(crate) fn is_event_stream<B>(answer: &Response<B>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// The body of an answer: the request is under way as long as it is there.
struct Answer {
    body: Body,
    _underway: Underway,
}

impl Answer {
    fn wrap(
        answer: Response<Body>,
        underway: Underway,
        mut stopping: watch::Receiver<bool>,
    ) -> Response<Self> {
        let is_endless = is_event_stream(&answer);
        answer.map(|body| {
            let stopped = async move { _ = stopping.wait_for(|stop| *stop).await };
            let body = if is_endless { Until::wrap(body, stopped) } else { body };
            Self { body, _underway: underway }
        })
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

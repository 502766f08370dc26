//! Connections: accepted, served one by one, and cut when a fault says so.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Cuts the connection that a request came on.
#[derive(Clone, Debug, Default)]
pub(super) struct Hangup(Arc<Notify>);

impl Hangup {
    /// Ends the connection without another byte; does not return.
    pub(super) async fn now(&self) -> Infallible {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// Serves until it is dropped, and its connections with it.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, router.clone()));
                }
                // Out of descriptors, or a connection that died in the queue: neither ends the
                // listener, but the first would spin.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Small answers must not wait for the acknowledgement of the ones before.
    let _ = stream.set_nodelay(true);
    let hangup = Hangup::default();
    let cut = hangup.clone();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(hangup.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        // An idle connection stays: a server that closes one just as a client reuses it would be a
        // fault that nobody scripted.
        .header_read_timeout(None)
        // The sandbox's own clock tells the date.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How a connection ends is the peer's business; what it did is in the log.
        _ = connection => {}
        () = cut.0.notified() => {}
    }
}

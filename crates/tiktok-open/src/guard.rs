//! Calls that are withheld if it has become too late for them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Says whether a call may still be made.
#[derive(Clone)]
pub(super) struct Guard(Arc<dyn Fn() -> bool + Send + Sync>);

impl Guard {
    pub(super) fn new(may_go: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may_go))
    }

    /// A body that asks before any of it goes.
    pub(super) fn body(&self, bytes: Vec<u8>) -> reqwest::Body {
        reqwest::Body::wrap(Guarded { bytes: Some(bytes.into()), guard: self.clone() })
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// That nothing of a body was sent, as it had become too late for it.
#[derive(Debug, thiserror::Error)]
#[error("it had become too late for it")]
pub(super) struct Withheld;

/// A body in one piece, which goes once the connection stands, if it may then.
struct Guarded {
    bytes: Option<Bytes>,
    guard: Guard,
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Withheld;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withheld>>> {
        if self.bytes.is_some() && !(self.guard.0)() {
            return Poll::Ready(Some(Err(Withheld)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use crate::{Client, Endpoints, Error, Secret};

    /// What comes of a status call, and all that its server was sent.
    async fn ask(may_go: bool) -> (Result<(), Error>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut got, mut piece) = (Vec::new(), [0; 1024]);
            loop {
                let read = stream.read(&mut piece).await.unwrap_or_default();
                got.extend_from_slice(&piece[..read]);
                if read == 0 || got.ends_with(b"}") {
                    break;
                }
            }
            _ = stream.write_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").await;
            String::from_utf8(got).unwrap()
        });
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().endpoints(Endpoints::new(Some(&base), None).unwrap());
        let client = client.build().unwrap().only_while(move || may_go);
        let asked = client.status(&Secret::new("act.1"), "v_1").await.map(drop);
        (asked, server.await.unwrap())
    }

    #[tokio::test]
    async fn nothing_of_a_call_that_is_too_late_is_sent_and_any_other_arrives_whole() {
        let (asked, got) = ask(false).await;
        let error = asked.unwrap_err();
        assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
        assert!(error.to_string().contains("too late"), "{error}");
        assert!(!got.contains("v_1"), "{got}");
        let (asked, got) = ask(true).await;
        assert!(matches!(asked.unwrap_err(), Error::NotTikTok { status: 500, .. }));
        let got = got.to_lowercase();
        assert!(got.contains("content-length: 20\r\n"), "{got}");
        assert!(got.ends_with("{\"publish_id\":\"v_1\"}"), "{got}");
    }
}

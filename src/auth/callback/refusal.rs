//! A connection on which hyper never answers in its own words.
//!
//! A head that is malformed or too long never reaches the service: hyper writes a bare status line and
//! nothing of what every answer here must carry. So what is written before the service was asked is
//! kept from the socket, and our own answer of the same status goes there instead.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::page::{Page, headers};

/// Longest status line that is looked at, in bytes.
const STATUS_LINE: usize = 64;

/// The stream of one connection with one request.
pub(super) struct Guarded<S> {
    stream: S,
    /// Whether the service has seen the request.
    asked: Arc<AtomicBool>,
    /// Our answer in place of hyper's, and how much of it was sent.
    refusal: Option<(Vec<u8>, usize)>,
}

impl<S> Guarded<S> {
    /// Guards a stream until `asked` is set.
    pub(super) fn new(stream: S, asked: Arc<AtomicBool>) -> Self {
        Self { stream, asked, refusal: None }
    }
}

/// The whole answer to a request that could not be read, with the status that hyper had chosen.
fn refusal(written: &[u8]) -> Vec<u8> {
    let line = written.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).ok();
    let line = line.filter(|line| line.starts_with("HTTP/1.1 4") && line.len() <= STATUS_LINE);
    let line = line.unwrap_or("HTTP/1.1 400 Bad Request");
    let page = Page::NotHere.html();
    let mut answer = format!("{line}\r\n").into_bytes();
    for (name, value) in &headers() {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    let length = page.len();
    answer.extend_from_slice(
        format!("connection: close\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
    );
    answer.extend_from_slice(&page);
    answer
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Sends what is left of our answer.
    fn send_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((answer, sent)) = &mut self.refusal else { return Poll::Ready(Ok(())) };
        while let Some(left) = answer.get(*sent..).filter(|left| !left.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => *sent += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.asked.load(Ordering::Acquire) {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        if self.refusal.is_none() {
            self.refusal = Some((refusal(bytes), 0));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send_refusal(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send_refusal(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_hyper_s_and_the_rest_is_ours() {
        let answer = String::from_utf8(refusal(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n",
        ));
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        for name in ["content-security-policy", "referrer-policy", "cache-control"] {
            assert!(head.contains(&format!("\r\n{name}: ")), "{name}");
        }
        assert_eq!(body.as_bytes(), Page::NotHere.html());
    }

    #[test]
    fn an_odd_status_line_becomes_a_plain_one() {
        for odd in [&b""[..], b"\xff\r\n", b"HTTP/1.1 200 OK\r\n", &[b'x'; 100]] {
            assert!(refusal(odd).starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
        }
    }
}

//! The PUT of a chunk.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>. What arrives is
//! counted and hashed, never kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use super::post::{Media, Post, Upload};
use crate::call::Call;
use crate::delivery::Reader;
use crate::envelope::Answer;
use crate::gateway::drain;
use crate::ids;
use crate::options::{Options, Resend, UploadedBytes};
use crate::state::Core;

/// How much of a file's beginning is kept, to know its container.
const HEAD: usize = 12;

/// Takes one chunk; `arrived` counts its bytes as they come.
pub(crate) async fn receive(
    core: &Core,
    call: &Call,
    mut reader: Reader,
    arrived: &mut u64,
) -> Answer {
    let opened = open(core, call);
    let mut chunk = match opened {
        Ok(chunk) => chunk,
        Err(answer) => {
            // The rest of the body is read, so that the client gets to read the answer.
            drain(reader, arrived).await;
            return answer;
        }
    };
    loop {
        match reader.next().await {
            None => break,
            Some(Ok(bytes)) => {
                *arrived += bytes.len() as u64;
                chunk.take(&bytes);
            }
            // What came of the chunk is forgotten with it.
            Some(Err(_)) => return Answer::lost(),
        }
    }
    close(core, call, &mut chunk)
}

/// A chunk on its way. Nothing of it counts before it is whole.
struct Chunk {
    index: u64,
    length: u64,
    received: u64,
    /// Of the whole file up to the chunk before it came, including it when it has come.
    hasher: Option<Sha256>,
    head: Vec<u8>,
    in_flight: Arc<AtomicU64>,
}

impl Chunk {
    fn take(&mut self, bytes: &[u8]) {
        if self.head.len() < HEAD {
            let missing = HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        }
        // Here rather than on a thread of its own: the bytes are still in this core's cache, and on two cores
        // the other one is the client's (docs/PERFORMANCE.md).
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.received += bytes.len() as u64;
        self.in_flight.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }

    /// From now on its bytes are not on their way.
    fn arrive(&mut self) {
        self.in_flight.fetch_sub(std::mem::take(&mut self.received), Ordering::Relaxed);
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.arrive();
    }
}

/// Checks everything that can be checked before a byte is read.
fn open(core: &Core, call: &Call) -> Result<Chunk, Answer> {
    let mut world = core.world();
    let world = &mut *world;
    let (id, token) = (call.query_value("upload_id"), call.query_value("upload_token"));
    let found = world.posts.of_upload(id.unwrap_or_default(), token.unwrap_or_default());
    let post = found.ok_or_else(|| Answer::chunk(StatusCode::NOT_FOUND))?;
    if !post.url_lives(call.now) {
        return Err(Answer::chunk(StatusCode::FORBIDDEN).noted("the upload_url has expired"));
    }
    let Media::File(upload) = &post.media else {
        return Err(Answer::chunk(StatusCode::NOT_FOUND));
    };
    let range = headers(&call.headers)?;
    let (plan, at) = (upload.plan, upload.stored);
    if range.total != plan.size {
        return Err(refused_range(upload, &world.rules, "the total is not the declared size"));
    }
    let sent = (range.first, range.last);
    if at < plan.count && sent == plan.range(at) {
        let Upload { hasher, head, in_flight, .. } = &**upload;
        return Ok(Chunk {
            index: at,
            length: range.last - range.first + 1,
            received: 0,
            hasher: hasher.clone(),
            head: head.clone(),
            in_flight: Arc::clone(in_flight),
        });
    }
    let stored = (0..at).any(|index| plan.range(index) == sent);
    if stored && world.rules.resend == Resend::Accepted {
        let answer = progress(upload, &world.rules);
        return Err(answer.noted("this chunk was stored before, nothing changed"));
    }
    let why = if stored {
        "this chunk was stored before"
    } else if at == plan.count {
        "everything was there already"
    } else {
        "the range is not the next one of the declared plan"
    };
    Err(refused_range(upload, &world.rules, why))
}

/// Stores a chunk that came whole.
fn close(core: &Core, call: &Call, chunk: &mut Chunk) -> Answer {
    let mut world = core.world();
    let world = &mut *world;
    if chunk.received != chunk.length {
        return Answer::chunk(StatusCode::BAD_REQUEST).noted("the body is not as long as declared");
    }
    let now = world.now();
    let (id, token) = (call.query_value("upload_id"), call.query_value("upload_token"));
    let found = world.posts.of_upload(id.unwrap_or_default(), token.unwrap_or_default());
    let Some(post) = found else { return Answer::chunk(StatusCode::NOT_FOUND) };
    if !post.url_lives(now) {
        return Answer::chunk(StatusCode::FORBIDDEN).noted("the upload_url expired on the way");
    }
    let Post { media: Media::File(upload), complete, .. } = post else {
        return Answer::chunk(StatusCode::NOT_FOUND);
    };
    if upload.stored != chunk.index {
        return refused_range(upload, &world.rules, "another connection brought this chunk first");
    }
    // Both before anybody else looks, so that no byte is counted twice.
    upload.stored += 1;
    chunk.arrive();
    upload.hasher.clone_from(&chunk.hasher);
    upload.head.clone_from(&chunk.head);
    if upload.stored == upload.plan.count {
        upload.sha256 = upload.hasher.take().map(|hasher| ids::hex(&hasher.finalize()));
        *complete = Some(now);
    }
    let answer = progress(upload, &world.rules);
    if call.headers.contains_key(AUTHORIZATION) {
        return answer.noted("an Authorization header was sent: the upload_url needs none");
    }
    answer
}

/// 206 while chunks are missing, 201 when all are there.
fn progress(upload: &Upload, rules: &Options) -> Answer {
    let whole = upload.stored == upload.plan.count;
    let status = if whole { StatusCode::CREATED } else { StatusCode::PARTIAL_CONTENT };
    with_progress(Answer::chunk(status), upload, rules)
}

fn refused_range(upload: &Upload, rules: &Options, why: &str) -> Answer {
    let answer = Answer::chunk(StatusCode::RANGE_NOT_SATISFIABLE).noted(why);
    if rules.progress_on_416 { with_progress(answer, upload, rules) } else { answer }
}

fn with_progress(answer: Answer, upload: &Upload, rules: &Options) -> Answer {
    let told = match rules.uploaded_bytes {
        UploadedBytes::Count => Some(upload.stored_bytes()),
        UploadedBytes::Index => upload.stored_bytes().checked_sub(1),
    };
    match told {
        Some(told) => answer.progress(told, upload.plan.size),
        None => answer,
    }
}

/// `bytes FIRST-LAST/TOTAL`.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    total: u64,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = Self { first: digits(first)?, last: digits(last)?, total: digits(total)? };
        (range.first <= range.last && range.last < range.total).then_some(range)
    }
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The three headers that every PUT needs.
fn headers(headers: &HeaderMap) -> Result<Range, Answer> {
    let bad = |why: &str| Answer::chunk(StatusCode::BAD_REQUEST).noted(why);
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(bad("the body is sent in HTTP chunks, without a Content-Length"));
    }
    let length = one(&CONTENT_LENGTH).and_then(digits).ok_or_else(|| bad("no Content-Length"))?;
    if !headers.contains_key(CONTENT_RANGE) {
        // As the field has seen it: not a 400.
        return Err(Answer::chunk(StatusCode::RANGE_NOT_SATISFIABLE).noted("no Content-Range"));
    }
    let range = one(&CONTENT_RANGE).and_then(Range::parse);
    let range = range.ok_or_else(|| bad("the Content-Range is not `bytes FIRST-LAST/TOTAL`"))?;
    let kind = one(&CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let known = ["video/mp4", "video/quicktime", "video/webm"];
    if !kind.is_some_and(|kind| known.iter().any(|known| kind.eq_ignore_ascii_case(known))) {
        return Err(bad("the Content-Type is none of video/mp4, video/quicktime, video/webm"));
    }
    if length != range.last - range.first + 1 {
        return Err(bad("the Content-Length is not the length of the range"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_exact() {
        let range = Range { first: 0, last: 9, total: 10 };
        assert_eq!(Range::parse("bytes 0-9/10"), Some(range));
        for text in [
            "bytes 0-10/10",
            "bytes 5-4/10",
            "bytes */10",
            "bytes 0-9/*",
            "bytes=0-9/10",
            "0-9/10",
            "bytes 0-9",
            "bytes 0 - 9/10",
            "bytes +0-9/10",
            "bytes 0-9/10 ",
            "bytes -9/10",
            "bytes 0-/10",
            "bytes 0-9/",
            "Bytes 0-9/10",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}

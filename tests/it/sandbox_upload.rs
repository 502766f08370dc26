//! The PUT of chunks to the sandbox, held against TikTok's media transfer guide.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::Value;
use tiktok_sandbox::{PostView, Resend, UploadedBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sandbox_client::{MP4, World, hash, text, until};

const MIB: u64 = 1 << 20;

/// Somebody who has inited an upload.
struct Uploader {
    world: World,
    token: String,
    id: String,
    url: String,
    bytes: Vec<u8>,
}

/// So many bytes that begin like a video and do not repeat themselves.
fn video(size: u64) -> Vec<u8> {
    let numbers = (0..=size / 8).flat_map(u64::to_le_bytes);
    let mut bytes: Vec<u8> = numbers.take(size.try_into().unwrap()).collect();
    let head = MP4.len().min(bytes.len());
    bytes[..head].copy_from_slice(&MP4[..head]);
    bytes
}

impl Uploader {
    async fn new(world: World, size: u64, chunk: u64, count: u64) -> Self {
        let token = world.login("@bea").await;
        let init = world.init(&token, size, chunk, count).await.data();
        let (id, url) = (text(&init["publish_id"]), text(&init["upload_url"]));
        Self { world, token, id, url, bytes: video(size) }
    }

    /// Two chunks of 5 MiB and a last one with a remainder.
    async fn of_three(world: World) -> Self {
        Self::new(world, 16 * MIB + 1, 5 * MIB, 3).await
    }

    fn range(first: u64, last: u64) -> String {
        format!("bytes {first}-{last}/{}", 16 * MIB + 1)
    }

    /// Sends the bytes from `first` to `last`; status and progress header.
    async fn put(&self, first: u64, last: u64) -> (u16, String) {
        let at = |position: u64| usize::try_from(position).unwrap();
        let body = self.bytes[at(first)..=at(last)].to_vec();
        let range = format!("bytes {first}-{last}/{}", self.bytes.len());
        let reply = self.world.put(&self.url, &range, body).await;
        assert_eq!(reply.text, "null");
        (reply.status, reply.header("content-range"))
    }

    async fn status(&self) -> Value {
        self.world.status(&self.token, &self.id).await.data()
    }

    fn post(&self) -> PostView {
        self.world.sandbox.posts().into_iter().find(|post| post.publish_id == self.id).unwrap()
    }
}

const FIRST: (u64, u64) = (0, 5 * MIB - 1);
const SECOND: (u64, u64) = (5 * MIB, 10 * MIB - 1);
const LAST: (u64, u64) = (10 * MIB, 16 * MIB);

#[tokio::test]
async fn the_guides_worked_example_gets_206_four_times_and_then_201() {
    let upload = Uploader::new(World::new(), 50_000_123, 10_000_000, 5).await;
    let mut statuses = Vec::new();
    for (first, last) in [
        (0, 9_999_999),
        (10_000_000, 19_999_999),
        (20_000_000, 29_999_999),
        (30_000_000, 39_999_999),
        (40_000_000, 50_000_122),
    ] {
        statuses.push(upload.put(first, last).await);
    }
    let progress = |last: u64| format!("bytes 0-{last}/50000123");
    assert_eq!(
        statuses,
        [
            (206, progress(9_999_999)),
            (206, progress(19_999_999)),
            (206, progress(29_999_999)),
            (206, progress(39_999_999)),
            (201, progress(50_000_122)),
        ]
    );
    assert_eq!(upload.status().await["status"], "PUBLISH_COMPLETE");
}

#[tokio::test]
async fn a_small_file_goes_whole_with_201() {
    let upload = Uploader::new(World::new(), 4_194_304, 4_194_304, 1).await;
    assert_eq!(upload.put(0, 4_194_303).await.0, 201);
}

#[tokio::test]
async fn what_arrived_is_told_by_size_and_hash() {
    let upload = Uploader::of_three(World::new()).await;
    assert_eq!((upload.post().stored, upload.post().sha256), (0, None));
    for (first, last) in [FIRST, SECOND, LAST] {
        upload.put(first, last).await;
    }
    let post = upload.post();
    assert_eq!((post.stored, post.received, post.size), {
        (16 * MIB + 1, 16 * MIB + 1, 16 * MIB + 1)
    });
    assert_eq!(post.sha256.unwrap(), hash(&upload.bytes));
}

#[tokio::test]
async fn the_progress_header_may_count_bytes_instead() {
    let world = World::with(|options| options.uploaded_bytes = UploadedBytes::Count);
    let upload = Uploader::of_three(world).await;
    let progress = format!("bytes 0-{}/{}", 5 * MIB, 16 * MIB + 1);
    assert_eq!(upload.put(FIRST.0, FIRST.1).await, (206, progress));
}

#[tokio::test]
async fn chunks_come_in_order_and_as_they_were_declared() {
    let upload = Uploader::of_three(World::new()).await;
    for (first, last) in [
        SECOND,
        LAST,
        (0, 5 * MIB),
        (0, 5 * MIB - 2),
        (1, 5 * MIB),
        (0, 10 * MIB - 1),
        (0, 16 * MIB),
    ] {
        assert_eq!(upload.put(first, last).await.0, 416, "{first}-{last}");
    }
    assert_eq!(upload.status().await["uploaded_bytes"], 0);
    assert_eq!(upload.put(FIRST.0, FIRST.1).await.0, 206);
    for (first, last) in [LAST, (5 * MIB, 10 * MIB), (5 * MIB - 1, 10 * MIB - 1)] {
        assert_eq!(upload.put(first, last).await.0, 416, "{first}-{last}");
    }
    assert_eq!(upload.put(SECOND.0, SECOND.1).await.0, 206);
    assert_eq!(upload.put(10 * MIB, 15 * MIB - 1).await.0, 416);
    assert_eq!(upload.put(LAST.0, LAST.1).await.0, 201);
}

#[tokio::test]
async fn a_stored_chunk_sent_again_is_refused() {
    let upload = Uploader::of_three(World::new()).await;
    assert_eq!(upload.put(FIRST.0, FIRST.1).await.0, 206);
    assert_eq!(upload.put(FIRST.0, FIRST.1).await, (416, String::new()));
    upload.put(SECOND.0, SECOND.1).await;
    upload.put(LAST.0, LAST.1).await;
    assert_eq!(upload.put(LAST.0, LAST.1).await.0, 416);
}

#[tokio::test]
async fn a_stored_chunk_sent_again_may_be_taken_and_changes_nothing() {
    let upload = Uploader::of_three(World::with(|options| options.resend = Resend::Accepted)).await;
    upload.put(FIRST.0, FIRST.1).await;
    upload.put(SECOND.0, SECOND.1).await;
    let (status, progress) = upload.put(FIRST.0, FIRST.1).await;
    assert_eq!((status, progress), (206, Uploader::range(0, 10 * MIB - 1)));
    assert_eq!(upload.put(LAST.0, LAST.1).await.0, 201);
    assert_eq!(upload.put(LAST.0, LAST.1).await.0, 201);
    assert_eq!(upload.post().sha256.unwrap(), hash(&upload.bytes));
}

#[tokio::test]
async fn a_416_may_tell_the_progress() {
    let upload = Uploader::of_three(World::with(|options| options.progress_on_416 = true)).await;
    assert_eq!(upload.put(SECOND.0, SECOND.1).await, (416, String::new()));
    upload.put(FIRST.0, FIRST.1).await;
    assert_eq!(upload.put(LAST.0, LAST.1).await, (416, Uploader::range(0, 5 * MIB - 1)));
}

/// Headers of a PUT of ten bytes, and what they lead to.
#[tokio::test]
async fn a_put_needs_its_three_headers_exactly() {
    let good = ["video/mp4", "bytes 0-9/10"];
    let cases: &[(Option<&str>, Option<&str>, u16)] = &[
        (None, Some(good[1]), 400),
        (Some("application/octet-stream"), Some(good[1]), 400),
        (Some("video/x-matroska"), Some(good[1]), 400),
        (Some("video/*"), Some(good[1]), 400),
        // As the field has seen it: no range at all is 416, a wrong one 400.
        (Some(good[0]), None, 416),
        (Some(good[0]), Some(""), 400),
        (Some(good[0]), Some("0-9/10"), 400),
        (Some(good[0]), Some("bytes=0-9/10"), 400),
        (Some(good[0]), Some("bytes 0-9/*"), 400),
        (Some(good[0]), Some("bytes 0-10/10"), 400),
        (Some(good[0]), Some("bytes 9-0/10"), 400),
        // The body is not as long as the range.
        (Some(good[0]), Some("bytes 0-8/10"), 400),
        (Some(good[0]), Some("bytes 0-10/11"), 400),
        // The size is not the declared one.
        (Some(good[0]), Some("bytes 0-9/11"), 416),
    ];
    let upload = Uploader::new(World::new(), 10, 10, 1).await;
    for (kind, range, expected) in cases {
        let mut request = upload.world.http.put(&upload.url).body(upload.bytes.clone());
        if let Some(kind) = kind {
            request = request.header("content-type", *kind);
        }
        if let Some(range) = range {
            request = request.header("content-range", *range);
        }
        let reply = upload.world.send(request).await;
        assert_eq!((reply.status, reply.text.as_str()), (*expected, "null"), "{kind:?} {range:?}");
    }
    assert_eq!(upload.put(0, 9).await.0, 201, "none of them stored anything");
}

#[tokio::test]
async fn each_of_the_three_video_types_is_taken() {
    for kind in ["video/mp4", "video/quicktime", "video/webm"] {
        let upload = Uploader::new(World::new(), 10, 10, 1).await;
        let request = upload.world.http.put(&upload.url).body(upload.bytes.clone());
        let request = request.header("content-type", kind).header("content-range", "bytes 0-9/10");
        assert_eq!(upload.world.send(request).await.status, 201, "{kind}");
    }
}

/// Writes text to the sandbox and reads what comes back until it closes or answers.
async fn raw(world: &World, head: &str, body: &[u8]) -> String {
    let address = world.sandbox.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn path_of(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

#[tokio::test]
async fn http_chunked_transfer_is_refused() {
    let upload = Uploader::new(World::new(), 10, 10, 1).await;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Range: bytes 0-9/10\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        path_of(&upload.url)
    );
    let answer = raw(&upload.world, &head, b"a\r\n0123456789\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_connection_that_breaks_in_a_chunk_stores_nothing_of_it() {
    let upload = Uploader::of_three(World::new()).await;
    upload.put(FIRST.0, FIRST.1).await;
    let address = upload.world.sandbox.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Range: {}\r\n\
         Content-Length: {}\r\n\r\n",
        path_of(&upload.url),
        Uploader::range(SECOND.0, SECOND.1),
        5 * MIB
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 1_000_000]).await.unwrap();
    drop(stream);
    until("the broken PUT in the log", || {
        let log = upload.world.sandbox.requests();
        log.iter().any(|entry| entry.endpoint == "upload" && entry.status.is_none())
    })
    .await;
    assert_eq!(upload.status().await["uploaded_bytes"], 5 * MIB);
    assert_eq!(upload.put(SECOND.0, SECOND.1).await.0, 206);
    assert_eq!(upload.put(LAST.0, LAST.1).await.0, 201);
    assert_eq!(upload.post().sha256.unwrap(), hash(&upload.bytes));
}

#[tokio::test]
async fn bytes_are_seen_while_a_chunk_is_on_its_way_and_count_when_it_is_whole() {
    let upload = Uploader::of_three(World::new()).await;
    let rule = serde_json::json!({"endpoint": "upload", "do": {"stall": "1h", "when": "middle"}});
    upload.world.sandbox.fault(&rule).unwrap();
    let sending = upload.put(FIRST.0, FIRST.1);
    tokio::select! {
        answer = sending => panic!("answered in a stall: {answer:?}"),
        () = until("half of the chunk", || upload.post().received >= 5 * MIB / 2) => {}
    }
    assert_eq!(upload.post().stored, 0);
}

#[tokio::test]
async fn an_upload_url_lives_one_hour() {
    let upload = Uploader::of_three(World::new()).await;
    upload.world.sandbox.advance(SignedDuration::from_mins(59));
    assert_eq!(upload.put(FIRST.0, FIRST.1).await.0, 206);
    upload.world.sandbox.advance(SignedDuration::from_mins(1));
    assert_eq!(upload.put(SECOND.0, SECOND.1).await.0, 403);
}

#[tokio::test]
async fn an_upload_url_must_be_used_as_it_was_given() {
    let upload = Uploader::new(World::new(), 10, 10, 1).await;
    let other = Uploader::new(World::new(), 10, 10, 1).await;
    let token = upload.url.split("upload_token=").nth(1).unwrap();
    for url in [
        upload.url.replace(token, "guess"),
        upload.url.replace("upload_id=", "upload_id=1"),
        upload.world.at("/upload"),
        upload.world.at(&path_of(&other.url)),
    ] {
        let reply = upload.world.put(&url, "bytes 0-9/10", upload.bytes.clone()).await;
        assert_eq!((reply.status, reply.text.as_str()), (404, "null"), "{url}");
    }
}

#[tokio::test]
async fn a_method_other_than_put_is_unsupported() {
    let upload = Uploader::new(World::new(), 10, 10, 1).await;
    for method in [Method::POST, Method::GET, Method::HEAD, Method::PATCH] {
        assert_eq!(upload.world.bare(method, &path_of(&upload.url)).await.status, 404);
    }
}

#[tokio::test]
async fn an_authorization_header_is_let_be_and_noted() {
    let upload = Uploader::new(World::new(), 10, 10, 1).await;
    let request = upload.world.http.put(&upload.url).bearer_auth(&upload.token);
    let request = request.header("content-type", "video/mp4");
    let request = request.header("content-range", "bytes 0-9/10").body(upload.bytes.clone());
    assert_eq!(upload.world.send(request).await.status, 201);
    let log = upload.world.sandbox.requests();
    assert!(log.last().unwrap().note.as_ref().unwrap().contains("Authorization"));
}

#[tokio::test]
async fn an_upload_goes_on_after_its_token_has_ended_and_after_the_app_was_removed() {
    let upload = Uploader::of_three(World::new()).await;
    upload.world.sandbox.remove_apps("@bea").unwrap();
    for ((first, last), expected) in [(FIRST, 206), (SECOND, 206), (LAST, 201)] {
        assert_eq!(upload.put(first, last).await.0, expected);
    }
    assert_eq!(upload.post().fail_reason.as_deref(), Some("auth_removed"));
}

#[tokio::test]
async fn hashing_can_be_left_out() {
    let upload = Uploader::new(World::with(|options| options.hash = false), 10, 10, 1).await;
    assert_eq!(upload.put(0, 9).await.0, 201);
    assert_eq!((upload.post().sha256, upload.post().stored), (None, 10));
}

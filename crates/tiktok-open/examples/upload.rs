//! Sends a video to the inbox of the owner of an access token, and waits until it is there.
//!
//! ```console
//! TIKTOK_ACCESS_TOKEN=act.… cargo run --example upload -- video.mp4
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::io::SeekFrom;
use std::time::Duration;

use tiktok_open::{Client, ContentRange, InboxInit, Secret, SourceInfo, State, UploadUrl};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Bytes of a chunk. TikTok takes 5 to 64 MB, and a final chunk of up to 128 MB
/// (<https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>).
const CHUNK: u64 = 10_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a video")?;
    let token = Secret::new(std::env::var("TIKTOK_ACCESS_TOKEN")?);
    let client = Client::builder().build()?;

    let mut file = File::open(path).await?;
    let total = file.metadata().await?.len();
    // The final chunk takes what is left over. A video of one chunk has a chunk of its own size.
    let chunk_size = if total < 2 * CHUNK { total } else { CHUNK };
    let count = total.checked_div(chunk_size).ok_or("the video is empty")?;

    let source_info =
        SourceInfo::FileUpload { video_size: total, chunk_size, total_chunk_count: count };
    let answer = client.inbox_init(&token, &InboxInit::new(source_info)).await?;
    println!("TikTok calls it {}", answer.publish_id);
    let url = answer.upload_url.ok_or("TikTok named no place for the bytes")?;
    let url = UploadUrl::check(&url, client.endpoints())?;

    for number in 0..count {
        let first = number * chunk_size;
        let end = if number + 1 == count { total } else { first + chunk_size };
        let range = ContentRange::new(first..end, total).ok_or("the chunk is empty")?;
        let mut chunk = vec![0; usize::try_from(range.len())?];
        file.seek(SeekFrom::Start(first)).await?;
        file.read_exact(&mut chunk).await?;
        let put = client.put_chunk(&url, "video/mp4", range, chunk).await?;
        println!("{range}: HTTP {}", put.status);
        if !matches!(put.status, 201 | 206) {
            return Err("the chunk was not taken".into());
        }
    }

    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        match client.status(&token, &answer.publish_id).await?.state {
            State::Processing => println!("TikTok works on it"),
            State::Inboxed => break println!("it is in the inbox of the TikTok app"),
            State::Published => break println!("it was posted"),
            State::Failed(reason) => return Err(reason.to_string().into()),
            _ => return Err("this program does not know that state".into()),
        }
    }
    Ok(())
}

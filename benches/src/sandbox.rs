//! How fast the sandbox takes a video, with its hash and without: from `tiktok-up`, and from a sender that does
//! nothing but read the file and write to the socket.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::rehearsal::Rehearsal;
use crate::scratch;
use crate::stats::Spread;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The program that sends, and that is the sandbox
    #[arg(long, default_value = "target/release/tiktok-up")]
    program: PathBuf,
    /// Size of the video, in bytes
    #[arg(long, default_value_t = 1 << 30)]
    size: u64,
    /// How often each of the two is run
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let program = args.program.canonicalize().with_context(|| {
        format!("{}: build it with `cargo build --release`", args.program.display())
    })?;
    let dir = tempfile::tempdir_in("target")?;
    let dir = dir.path().canonicalize()?;
    let video = dir.join("video.mp4");
    scratch::video(&video, args.size)?;
    let manifest = dir.join("manifest.json");
    let posts = json!([{ "video_path": video, "privacy_level": "SELF_ONLY" }]);
    std::fs::write(&manifest, serde_json::to_vec(&posts)?)?;
    let sides = [("with its hash", &[][..]), ("without a hash", &["--no-hash"])];
    let mut rates = [(); 2].map(|()| (Vec::new(), Vec::new()));
    for run in 0..args.runs {
        for ((_, options), (whole, bare)) in sides.iter().zip(&mut rates) {
            let home = dir.join(format!("run{run}-{}", options.len()));
            std::fs::create_dir(&home)?;
            let rehearsal = Rehearsal::start(&program, &home, *options)?;
            rehearsal.log_in("ada")?;
            rehearsal.upload(&manifest, 1)?;
            whole.push(rate(&rehearsal.requests()?)?);
            bare.push(send(&rehearsal, &video, args.size)?);
        }
    }
    for ((name, _), (whole, bare)) in sides.into_iter().zip(rates) {
        println!("{name}, GB/s from tiktok-up: {}", Spread::of(whole));
        println!("{name}, GB/s from a bare sender: {}", Spread::of(bare));
    }
    Ok(())
}

/// Sends a video in chunks on one connection and says how fast, in GB/s.
#[expect(clippy::cast_precision_loss, reason = "GB/s")]
fn send(rehearsal: &Rehearsal<'_>, video: &Path, size: u64) -> anyhow::Result<f64> {
    const CHUNK: u64 = 64_000_000;
    let count = (size / CHUNK).max(1);
    let chunk = if count == 1 { size } else { CHUNK };
    let url = rehearsal.init("ada", size, chunk, count)?;
    let url = url.strip_prefix("http://").context("not over plain HTTP")?;
    let (host, target) = url.split_once('/').context("an upload_url without a path")?;
    let mut connection = TcpStream::connect(host)?;
    let mut file = File::open(video)?;
    let mut buffer = vec![0; 1 << 20];
    let begun = Instant::now();
    for index in 0..count {
        let first = index * chunk;
        let length = if index + 1 == count { size - first } else { chunk };
        let last = first + length - 1;
        write!(
            connection,
            "PUT /{target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: video/mp4\r\n\
             Content-Length: {length}\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n"
        )?;
        file.seek(SeekFrom::Start(first))?;
        let mut left = length;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            file.read_exact(&mut buffer[..part])?;
            connection.write_all(&buffer[..part])?;
            left -= part as u64;
        }
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head);
        ensure!(head.contains(" 206 ") || head.contains(" 201 "), "chunk {index}: {head}");
    }
    Ok(size as f64 / begun.elapsed().as_secs_f64() / 1e9)
}

/// From the beginning of the first chunk to that of the last one, in GB/s.
#[expect(clippy::cast_precision_loss, reason = "GB/s")]
fn rate(log: &[Value]) -> anyhow::Result<f64> {
    let chunks: Vec<&Value> = log.iter().filter(|entry| entry["endpoint"] == "upload").collect();
    ensure!(chunks.len() > 1, "one chunk tells nothing: take a larger video");
    let time = |entry: &Value| -> anyhow::Result<Timestamp> {
        Ok(entry["time"].as_str().context("no time")?.parse()?)
    };
    let (first, last) = (chunks[0], chunks[chunks.len() - 1]);
    let bytes: u64 = chunks.iter().filter_map(|entry| entry["bytes"].as_u64()).sum();
    let bytes = bytes - last["bytes"].as_u64().unwrap_or_default();
    let took = time(last)?.duration_since(time(first)?);
    Ok(bytes as f64 / took.as_secs_f64() / 1e9)
}

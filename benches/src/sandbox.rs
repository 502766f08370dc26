//! How fast the sandbox takes what one upload sends, with its hash and without.

use std::path::PathBuf;

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
    let (mut hashed, mut plain) = (Vec::new(), Vec::new());
    for run in 0..args.runs {
        for (rates, options) in [(&mut hashed, &[][..]), (&mut plain, &["--no-hash"])] {
            let home = dir.join(format!("run{run}-{}", options.len()));
            std::fs::create_dir(&home)?;
            let rehearsal = Rehearsal::start(&program, &home, options)?;
            rehearsal.log_in("ada")?;
            rehearsal.upload(&manifest, 1)?;
            rates.push(rate(&rehearsal.requests()?)?);
        }
    }
    println!("with its hash, GB/s: {}", Spread::of(hashed));
    println!("without a hash, GB/s: {}", Spread::of(plain));
    Ok(())
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

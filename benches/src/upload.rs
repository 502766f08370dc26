//! One upload over TLS on loopback, beside `curl -T`.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::bed::{Bed, Curl, Running, Upload};
use crate::scratch;
use crate::stats::Spread;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The program that is measured
    #[arg(long, default_value = "target/release/tiktok-up")]
    program: PathBuf,
    /// Size of the video, in bytes
    #[arg(long, default_value_t = 1 << 30)]
    size: u64,
    /// How often each of the two is run
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Handed on to `upload`
    #[arg(long)]
    chunk_size: Option<String>,
    /// How many accounts upload at the same time, each its own file
    #[arg(long, default_value_t = 1)]
    accounts: usize,
    /// Handed on to `upload` and to curl
    #[arg(long)]
    limit_rate: Option<String>,
    /// Where the files lie
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let program = args.program.canonicalize().with_context(|| {
        format!("{}: build it with `cargo build --release`", args.program.display())
    })?;
    let dir = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir_in("target")?,
    };
    let dir = dir.path().canonicalize()?;
    let sink = Running::start(
        &dir,
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        "127.0.0.1",
        &[],
        Duration::ZERO,
    )?;
    let bed = Bed { program: &program, dir: &dir, sink: &sink, prefix: &[] };
    let videos: Vec<_> = (0..args.accounts).map(|n| dir.join(format!("video{n}.mp4"))).collect();
    for video in &videos {
        scratch::video(video, args.size)?;
    }
    let mut options = Vec::new();
    for (name, value) in [("--chunk-size", &args.chunk_size), ("--limit-rate", &args.limit_rate)] {
        options.extend(value.iter().flat_map(|value| [name, value]));
    }
    let (mut curls, mut ours) = (Vec::new(), Vec::new());
    // The first pair warms the page cache, and does not count.
    for pair in 0..=args.pairs {
        let curl = bed.curl(&videos, args.limit_rate.as_deref())?;
        let upload = bed.upload(&videos, &options)?;
        if pair > 0 {
            curls.push(curl);
            ours.push(upload);
        }
    }
    table(args, &curls, &ours);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "MiB")]
fn table(args: &Args, curls: &[Curl], ours: &[Upload]) {
    let pairs = || curls.iter().zip(ours);
    let size = args.size as f64 / f64::from(1 << 20);
    println!("{} x {size:.0} MiB over TLS on loopback, {} pairs", args.accounts, args.pairs);
    println!("median (least to most)\n");
    let row = |what: &str, spread: Spread| println!("{what:<44} {spread}");
    row("curl, wall s", Spread::of(curls.iter().map(|curl| curl.taken.wall)));
    row("tiktok-up without the wait, wall s", Spread::of(ours.iter().map(Upload::transfer)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.transfer() / curl.taken.wall)));
    row("tiktok-up, whole, wall s", Spread::of(ours.iter().map(|our| our.taken.wall)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.taken.wall / curl.taken.wall)));
    row("curl, CPU s", Spread::of(curls.iter().map(|curl| curl.taken.cpu)));
    row("tiktok-up, CPU s", Spread::of(ours.iter().map(|our| our.taken.cpu)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.taken.cpu / curl.taken.cpu)));
    let mib = |kib: u64| kib as f64 / 1024.0;
    row("curl, peak MiB", Spread::of(curls.iter().map(|curl| mib(curl.taken.peak))));
    row("tiktok-up, peak MiB", Spread::of(ours.iter().map(|our| mib(our.taken.peak))));
    row("first PUT to the end of the last, s", Spread::of(ours.iter().map(|our| our.sending)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.sending / curl.sending)));
    row("from there to the first question, s", Spread::of(ours.iter().map(|our| our.question)));
    if ours.iter().any(|our| !our.gaps.is_empty()) {
        let gaps = ours.iter().flat_map(|our| our.gaps.iter().map(|gap| gap * 1e3));
        row("between two chunks, ms", Spread::of(gaps));
    }
    row("connections with chunks", Spread::of(ours.iter().map(|our| our.connections as f64)));
}

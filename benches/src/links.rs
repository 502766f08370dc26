//! Uploads over emulated links, beside `curl -T`.

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::bed::{Bed, Running};
use crate::link::{Carried, HOST, Link};
use crate::scratch;
use crate::stats::Spread;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The program that is measured
    #[arg(long, default_value = "target/release/tiktok-up")]
    program: PathBuf,
    /// How often each of the two is run on each link
    #[arg(long, default_value_t = 3)]
    pairs: usize,
    /// Only links whose name contains this
    #[arg(long)]
    link: Option<String>,
    /// Chunk sizes in bytes that are tried beside the default
    #[arg(long, value_delimiter = ',')]
    chunk_sizes: Vec<String>,
}

/// A link, and how much is sent over it.
struct Row {
    name: &'static str,
    link: Link,
    size: u64,
}

const MBIT: u64 = 1_000_000;

fn rows() -> Vec<Row> {
    let row = |name, mbit, ms, loss, congestion, mb: u64| Row {
        name,
        link: Link { rate: mbit * MBIT, round_trip: Duration::from_millis(ms), loss, congestion },
        size: mb * 1_000_000,
    };
    vec![
        row("100 Mbit/s, 100 ms", 100, 100, 0, "cubic", 200),
        row("1 Gbit/s, 20 ms", 1000, 20, 0, "cubic", 400),
        row("1 Gbit/s, 100 ms", 1000, 100, 0, "cubic", 400),
        row("1 Gbit/s, 100 ms, bbr", 1000, 100, 0, "bbr", 400),
        row("10 Mbit/s, 300 ms", 10, 300, 0, "cubic", 80),
        row("100 Mbit/s, 100 ms, 1 % loss, bbr", 100, 100, 10, "bbr", 200),
    ]
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let program = args.program.canonicalize().with_context(|| {
        format!("{}: build it with `cargo build --release`", args.program.display())
    })?;
    let dir = tempfile::tempdir_in("target")?;
    let dir = dir.path().canonicalize()?;
    println!(
        "median (least to most) of {} pairs; seconds from the first byte of the first",
        args.pairs
    );
    println!("chunk to the last byte of the last one, as the server sees it\n");
    let wanted = |row: &Row| args.link.as_ref().is_none_or(|link| row.name.contains(link));
    for row in rows().iter().filter(|row| wanted(row)) {
        let carried = Carried::start(row.link)?;
        // TikTok's hosts are spoken to on this port only.
        let address = SocketAddrV4::new(carried.address, 443);
        let sink = Running::start(&dir, address, HOST, &carried.server.prefix(), Duration::ZERO)?;
        let prefix = carried.client.prefix();
        let bed = Bed { program: &program, dir: &dir, sink: &sink, prefix: &prefix };
        let videos = [dir.join("video.mp4")];
        scratch::video(&videos[0], row.size)?;
        println!("{}, {} MB", row.name, row.size / 1_000_000);
        let plans: Vec<Vec<&str>> = std::iter::once(Vec::new())
            .chain(args.chunk_sizes.iter().map(|size| vec!["--chunk-size", size.as_str()]))
            .collect();
        let (mut curls, mut ours) = (Vec::new(), vec![Vec::new(); plans.len()]);
        for _ in 0..args.pairs {
            let curl = bed.curl(&videos, None)?.sending;
            curls.push(curl);
            for (plan, ours) in plans.iter().zip(&mut ours) {
                let upload = bed.upload(&videos, plan)?;
                ours.push((upload.sending, upload.sending / curl, Spread::of(upload.gaps).median));
            }
        }
        println!("  {:<22} {}", "curl", Spread::of(curls));
        for (plan, ours) in plans.iter().zip(&ours) {
            let name = plan.last().map_or_else(|| "default".to_owned(), |&size| size.to_owned());
            let times = Spread::of(ours.iter().map(|our| our.0));
            let ratio = Spread::of(ours.iter().map(|our| our.1));
            let gap = Spread::of(ours.iter().map(|our| our.2 * 1e3));
            println!("  {name:<22} {times}   x curl {ratio}   gap {:.0} ms", gap.median);
        }
    }
    Ok(())
}

//! Many accounts with many posts each in one run, against the sandbox: what it takes beside the same accounts
//! run one by one, and whether any of them was kept waiting for the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::rehearsal::Rehearsal;
use crate::run::Taken;
use crate::scratch;
use crate::stats::Spread;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The program that is measured, and that is the sandbox
    #[arg(long, default_value = "target/release/tiktok-up")]
    program: PathBuf,
    /// How many accounts post in one run
    #[arg(long, default_value_t = 100)]
    accounts: usize,
    /// How many posts each of them has: TikTok takes six a minute
    #[arg(long, default_value_t = 20)]
    posts: usize,
    /// Handed on to `upload`
    #[arg(long, default_value_t = 16)]
    jobs: usize,
    /// How many more accounts are run each by itself, beside one another
    #[arg(long, default_value_t = 5)]
    alone: usize,
}

/// Of each account how many posts are published.
fn published(rehearsal: &Rehearsal<'_>) -> anyhow::Result<BTreeMap<String, usize>> {
    let state = rehearsal.state()?;
    let mut published = BTreeMap::new();
    for post in state["posts"].as_array().into_iter().flatten() {
        if post["status"] == "PUBLISH_COMPLETE" {
            let account = post["account"].as_str().unwrap_or_default().to_owned();
            *published.entry(account).or_default() += 1;
        }
    }
    Ok(published)
}

fn name(n: usize) -> String {
    format!("many{n}")
}

/// A manifest of so many posts for each of some accounts, each a video of its own.
fn manifest(dir: &Path, accounts: std::ops::Range<usize>, posts: usize) -> anyhow::Result<PathBuf> {
    let mut entries = Vec::new();
    // One after another of each, as a list of days would be.
    for post in 0..posts {
        for account in accounts.clone() {
            let video = dir.join(format!("video-{account}-{post}.mp4"));
            scratch::short_video(&video, account * posts + post)?;
            entries.push(json!({ "user_id": name(account), "video_path": video,
                "privacy_level": "SELF_ONLY" }));
        }
    }
    let path = dir.join(format!("manifest-{}-{}.json", accounts.start, accounts.end));
    std::fs::write(&path, serde_json::to_vec(&entries)?)?;
    Ok(path)
}

#[expect(clippy::cast_precision_loss, reason = "MiB")]
pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let program = args.program.canonicalize().with_context(|| {
        format!("{}: build it with `cargo build --release`", args.program.display())
    })?;
    let dir = tempfile::tempdir_in("target")?;
    let dir = dir.path().canonicalize()?;
    let all = args.accounts + args.alone;
    let names = (0..all).flat_map(|n| ["--account".to_owned(), name(n)]);
    let options = ["--daily-posts".to_owned(), args.posts.to_string()].into_iter().chain(names);
    let rehearsal = Rehearsal::start(&program, &dir, options)?;
    for n in 0..all {
        rehearsal.log_in(&name(n))?;
    }
    println!("{all} accounts are logged in");
    let alone = (args.accounts..all)
        .map(|n| manifest(&dir, n..n + 1, args.posts))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let single: Vec<Taken> = std::thread::scope(|scope| {
        let rehearsal = &rehearsal;
        let runs: Vec<_> =
            alone.iter().map(|path| scope.spawn(move || rehearsal.upload(path, 1))).collect();
        let ended =
            runs.into_iter().map(|run| run.join().map_err(|_| anyhow::anyhow!("a run died"))?);
        ended.collect::<anyhow::Result<_>>()
    })?;
    let cpu = Spread::of(single.iter().map(|run| run.cpu));
    let wall = Spread::of(single.iter().map(|run| run.wall));
    println!("one account, {} posts: wall s {wall}, CPU s {cpu}", args.posts);
    let whole = rehearsal.upload(&manifest(&dir, 0..args.accounts, args.posts)?, args.jobs)?;
    println!(
        "{} accounts, {} posts each, --jobs {}: wall s {:.1}, CPU s {:.2}, peak MiB {:.1}",
        args.accounts,
        args.posts,
        args.jobs,
        whole.wall,
        whole.cpu,
        whole.peak as f64 / 1024.0
    );
    println!(
        "CPU x the sum of single runs: {:.2}",
        whole.cpu / (cpu.median * args.accounts as f64)
    );
    let published = published(&rehearsal)?;
    let (least, most) = (published.values().min(), published.values().max());
    println!("published of each account: {least:?} to {most:?}, of {} accounts", published.len());
    Ok(())
}

//! One upload over TLS on loopback, beside `curl -T`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use crate::measure::Measured;
use crate::run::Taken;
use crate::scratch;
use crate::sink::{CERTIFICATE, Seen, What};
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
    /// Where the files lie
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// The sink, in a process of its own.
pub(crate) struct Running {
    child: Child,
    seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) port: u16,
}

impl Running {
    pub(crate) fn start(dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("sink")
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no output")?;
        let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
        let mut lines = BufReader::new(out).lines();
        let first: Seen = serde_json::from_str(&lines.next().context("the sink has gone")??)?;
        let What::Listening(port) = first.what else { anyhow::bail!("the sink does not listen") };
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Ok(one) = serde_json::from_str(&line) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            }
        });
        Ok(Self { child, seen, port })
    }

    /// What was seen since this was asked last, once `done` says that all is there.
    pub(crate) fn take(&self, done: impl Fn(&[Seen]) -> bool) -> anyhow::Result<Vec<Seen>> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if done(&seen) {
                return Ok(std::mem::take(&mut seen));
            }
            drop(seen);
            anyhow::ensure!(Instant::now() < until, "the sink has not seen the end");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// One run of the program, taken apart.
struct Upload {
    taken: Taken,
    /// From the head of the first PUT to the end of the last one's body.
    sending: f64,
    /// From the end of the last PUT's body to the first question about the outcome.
    question: f64,
    /// Between the end of a PUT's body and the head of the next PUT.
    gaps: Vec<f64>,
    connections: usize,
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
    let sink = Running::start(&dir)?;
    let videos: Vec<_> = (0..args.accounts).map(|n| dir.join(format!("video{n}.mp4"))).collect();
    for video in &videos {
        scratch::video(video, args.size)?;
    }
    let (mut curls, mut ours) = (Vec::new(), Vec::new());
    // The first pair warms the page cache, and does not count.
    for pair in 0..=args.pairs {
        let curl = curl(&sink, &dir, &videos)?;
        let upload = upload(&sink, &dir, &program, &videos, args)?;
        if pair > 0 {
            curls.push(curl);
            ours.push(upload);
        }
    }
    table(args, &curls, &ours);
    Ok(())
}

fn curl(sink: &Running, dir: &Path, videos: &[PathBuf]) -> anyhow::Result<Taken> {
    let mut curl = Measured::new("curl", dir).args([
        "--silent",
        "--show-error",
        "--fail",
        "--http1.1",
        "--cacert",
        CERTIFICATE,
    ]);
    if videos.len() > 1 {
        curl = curl.args(["--parallel", "--parallel-immediate"]);
    }
    for video in videos {
        let url = format!("https://127.0.0.1:{}/curl", sink.port);
        curl = curl.arg_pair("--upload-file", video).args([url]);
    }
    let taken = curl.run()?;
    sink.take(|seen| puts_done(seen) == videos.len())?;
    Ok(taken)
}

fn upload(
    sink: &Running,
    dir: &Path,
    program: &Path,
    videos: &[PathBuf],
    args: &Args,
) -> anyhow::Result<Upload> {
    let home = tempfile::tempdir_in(dir)?;
    let api = format!("https://127.0.0.1:{}", sink.port);
    scratch::accounts(home.path(), &api, videos.len())?;
    let entries: Vec<_> = videos
        .iter()
        .enumerate()
        .map(|(n, video)| {
            json!({ "user_id": format!("bench{n}"), "video_path": video, "description": "bench",
                    "privacy_level": "SELF_ONLY" })
        })
        .collect();
    let manifest = home.path().join("manifest.json");
    std::fs::write(&manifest, serde_json::to_vec(&entries)?)?;
    let mut run = Measured::new(program, dir)
        .args(["upload", "--skip-media-check"])
        .args([&manifest])
        .env("TIKTOK_UP_HOME", home.path())
        .env("TIKTOK_UP_API_URL", &api)
        .env("TIKTOK_CLIENT_KEY", "bench")
        .env("TIKTOK_CLIENT_SECRET", "benchsecret")
        .env("SSL_CERT_FILE", dir.join(CERTIFICATE));
    if let Some(size) = &args.chunk_size {
        run = run.args(["--chunk-size", size]);
    }
    if videos.len() > 1 {
        run = run.args(["--jobs".to_owned(), videos.len().to_string()]);
    }
    let taken = run.run()?;
    let is_question = |one: &Seen| matches!(&one.what, What::Call(path) if path.contains("status"));
    let seen =
        sink.take(|seen| seen.iter().filter(|one| is_question(one)).count() >= videos.len())?;
    let begun = seen.iter().find(|one| one.what == What::PutBegun).context("no PUT")?.at;
    let done: Vec<_> = seen.iter().filter(|one| matches!(one.what, What::PutDone(_))).collect();
    let last = done.last().context("no PUT was whole")?.at;
    let asked = seen.iter().find(|one| is_question(one) && one.at >= last);
    let mut gaps = Vec::new();
    if videos.len() == 1 {
        for done in &done[..done.len() - 1] {
            let next = seen.iter().find(|one| one.what == What::PutBegun && one.at > done.at);
            gaps.extend(next.map(|next| next.at - done.at));
        }
    }
    let mut connections: Vec<_> = done.iter().map(|one| one.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    Ok(Upload {
        taken,
        sending: last - begun,
        question: asked.map_or(f64::NAN, |asked| asked.at - last),
        gaps,
        connections: connections.len(),
    })
}

fn puts_done(seen: &[Seen]) -> usize {
    seen.iter().filter(|one| matches!(one.what, What::PutDone(_))).count()
}

#[expect(clippy::cast_precision_loss, reason = "MiB")]
fn table(args: &Args, curls: &[Taken], ours: &[Upload]) {
    let pairs = || curls.iter().zip(ours);
    let size = args.size as f64 / f64::from(1 << 20);
    println!("{} x {size:.0} MiB over TLS on loopback, {} pairs", args.accounts, args.pairs);
    println!("median (least to most)\n");
    let row = |what: &str, spread: Spread| println!("{what:<44} {spread}");
    row("curl, wall s", Spread::of(curls.iter().map(|curl| curl.wall)));
    row("tiktok-up without the wait, wall s", Spread::of(ours.iter().map(Upload::transfer)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.transfer() / curl.wall)));
    row("tiktok-up, whole, wall s", Spread::of(ours.iter().map(|our| our.taken.wall)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.taken.wall / curl.wall)));
    row("curl, CPU s", Spread::of(curls.iter().map(|curl| curl.cpu)));
    row("tiktok-up, CPU s", Spread::of(ours.iter().map(|our| our.taken.cpu)));
    row("  x curl", Spread::of(pairs().map(|(curl, our)| our.taken.cpu / curl.cpu)));
    let mib = |kib: u64| kib as f64 / 1024.0;
    row("curl, peak MiB", Spread::of(curls.iter().map(|curl| mib(curl.peak))));
    row("tiktok-up, peak MiB", Spread::of(ours.iter().map(|our| mib(our.taken.peak))));
    row("first PUT to the end of the last, s", Spread::of(ours.iter().map(|our| our.sending)));
    row("from there to the first question, s", Spread::of(ours.iter().map(|our| our.question)));
    if ours.iter().any(|our| !our.gaps.is_empty()) {
        let gaps = ours.iter().flat_map(|our| our.gaps.iter().map(|gap| gap * 1e3));
        row("between two chunks, ms", Spread::of(gaps));
    }
    row("connections with chunks", Spread::of(ours.iter().map(|our| our.connections as f64)));
}

impl Upload {
    /// Without what comes after the last byte: TikTok's processing takes as long as it takes.
    fn transfer(&self) -> f64 {
        self.taken.wall - self.question
    }
}

//! Many accounts with many posts each in one run, against the sandbox: what it takes beside the same accounts
//! run one by one, and whether any of them was kept waiting for the others.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::measure::Measured;
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

/// The sandbox, in a process of its own, and a home with logins at it.
struct Rehearsal<'a> {
    sandbox: Child,
    env: Vec<(String, String)>,
    program: &'a Path,
    dir: &'a Path,
}

impl Drop for Rehearsal<'_> {
    fn drop(&mut self) {
        _ = self.sandbox.kill();
        _ = self.sandbox.wait();
    }
}

impl<'a> Rehearsal<'a> {
    fn start(program: &'a Path, dir: &'a Path, args: &Args) -> anyhow::Result<Self> {
        let names = (0..args.accounts + args.alone).flat_map(|n| ["--account".to_owned(), name(n)]);
        let mut sandbox = Command::new(program)
            .args(["sandbox", "--auto-consent", "--daily-posts"])
            .arg(args.posts.to_string())
            .args(names)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = BufReader::new(sandbox.stdout.take().context("no output")?);
        let mut env = vec![("TIKTOK_UP_HOME".to_owned(), dir.join("home").display().to_string())];
        for line in out.lines() {
            let line = line?;
            let Some((name, value)) =
                line.strip_prefix("export ").and_then(|it| it.split_once('='))
            else {
                break;
            };
            env.push((name.to_owned(), value.to_owned()));
            if name == "TIKTOK_CLIENT_SECRET" {
                break;
            }
        }
        Ok(Self { sandbox, env, program, dir })
    }

    fn api(&self) -> &str {
        let api = self.env.iter().find(|(name, _)| name == "TIKTOK_UP_API_URL");
        api.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Logs an account in, as a browser would.
    fn log_in(&self, account: &str) -> anyhow::Result<()> {
        let plan = json!({ "account": account }).to_string();
        let control = format!("{}/_sandbox/consent", self.api());
        curl(&["-H", "Content-Type: application/json", "-d", &plan, &control])?;
        let mut login = Command::new(self.program)
            .args(["login", "--no-browser", "--port", "0", "--alias", account])
            .envs(self.env.iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(login.stderr.take().context("no output")?).lines();
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(url) =
                line.split_whitespace().find(|word| word.contains("/v2/auth/authorize"))
            {
                curl(&["-L", url])?;
            }
            said += &line;
        }
        ensure!(login.wait()?.success(), "the login of {account} failed: {said}");
        Ok(())
    }

    fn upload(&self, manifest: &Path, jobs: usize) -> anyhow::Result<Taken> {
        let mut run = Measured::new(self.program, self.dir)
            .args(["--quiet", "upload", "--skip-media-check", "--jobs", &jobs.to_string()])
            .args([manifest]);
        for (name, value) in &self.env {
            run = run.env(name, value);
        }
        run.run()
    }

    /// Of each account the posts that are published and the time of the last one, in seconds.
    fn published(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let state: Value =
            serde_json::from_str(&curl(&[&format!("{}/_sandbox/state", self.api())])?)?;
        let mut published = BTreeMap::new();
        for post in state["posts"].as_array().into_iter().flatten() {
            if post["status"] == "PUBLISH_COMPLETE" {
                let account = post["account"].as_str().unwrap_or_default().to_owned();
                *published.entry(account).or_default() += 1;
            }
        }
        Ok(published)
    }
}

fn name(n: usize) -> String {
    format!("many{n}")
}

fn curl(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
        .args(args)
        .output()?;
    ensure!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
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
    let rehearsal = Rehearsal::start(&program, &dir, args)?;
    let all = args.accounts + args.alone;
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
    let published = rehearsal.published()?;
    let (least, most) = (published.values().min(), published.values().max());
    println!("published of each account: {least:?} to {most:?}, of {} accounts", published.len());
    Ok(())
}

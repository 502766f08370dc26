//! What is measured beside `curl -T`: an upload to the sink, over loopback or over an emulated link.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddrV4;
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

/// The sink, a directory with the files that are sent, and the program that sends them.
pub(crate) struct Bed<'a> {
    pub(crate) program: &'a Path,
    pub(crate) dir: &'a Path,
    pub(crate) sink: &'a Running,
    /// What stands before each client's command line.
    pub(crate) prefix: &'a [OsString],
}

/// The sink, in a process of its own.
pub(crate) struct Running {
    child: Child,
    seen: Arc<Mutex<Vec<Seen>>>,
    host: String,
    port: u16,
}

impl Running {
    /// Starts it at an address that clients know by a name. `prefix` stands before its command line; `delay` is how
    /// long it takes to answer for tokens.
    pub(crate) fn start(
        dir: &Path,
        address: SocketAddrV4,
        host: &str,
        prefix: &[OsString],
        delay: Duration,
    ) -> anyhow::Result<Self> {
        let mut words = prefix.iter().cloned().chain([std::env::current_exe()?.into_os_string()]);
        let mut child = Command::new(words.next().context("no command")?)
            .args(words)
            .arg("sink")
            .arg(dir)
            .args([&address.to_string(), host, &delay.as_millis().to_string()])
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
        Ok(Self { child, seen, host: host.to_owned(), port })
    }

    pub(crate) fn url(&self) -> String {
        match self.port {
            443 => format!("https://{}", self.host),
            port => format!("https://{}:{port}", self.host),
        }
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

/// One run of curl.
pub(crate) struct Curl {
    pub(crate) taken: Taken,
    /// From the head of the first PUT to the end of the last one's body, as the sink saw it, in seconds.
    pub(crate) sending: f64,
}

/// One run of the program, taken apart.
pub(crate) struct Upload {
    pub(crate) taken: Taken,
    /// As [`Curl::sending`].
    pub(crate) sending: f64,
    /// From the end of the last PUT's body to the first question about the outcome.
    pub(crate) question: f64,
    /// Between the end of a PUT's body and the head of the next PUT.
    pub(crate) gaps: Vec<f64>,
    pub(crate) connections: usize,
}

impl Upload {
    /// Without what comes after the last byte: TikTok's processing takes as long as it takes.
    pub(crate) fn transfer(&self) -> f64 {
        self.taken.wall - self.question
    }
}

impl Bed<'_> {
    fn command(&self, program: &Path) -> Measured {
        match self.prefix {
            [] => Measured::new(program, self.dir),
            [first, rest @ ..] => Measured::new(first, self.dir).args(rest).args([program]),
        }
    }

    /// Sends every video with one curl, all at once if there are several.
    pub(crate) fn curl(&self, videos: &[PathBuf], limit: Option<&str>) -> anyhow::Result<Curl> {
        let mut curl = self.command(Path::new("curl")).args([
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
        if let Some(limit) = limit {
            curl = curl.args(["--limit-rate", limit]);
        }
        for video in videos {
            curl =
                curl.arg_pair("--upload-file", video).args([format!("{}/curl", self.sink.url())]);
        }
        let taken = curl.run()?;
        let seen = self
            .sink
            .take(|seen| seen.iter().filter(|one| one.is_done()).count() == videos.len())?;
        Ok(Curl { taken, sending: sending(&seen)? })
    }

    /// Sends every video with one run of the program, each for an account of its own, all at once.
    pub(crate) fn upload<S: AsRef<OsStr>>(
        &self,
        videos: &[PathBuf],
        options: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Upload> {
        let home = tempfile::tempdir_in(self.dir)?;
        let api = self.sink.url();
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
        let run = self
            .command(self.program)
            .args(["upload", "--skip-media-check", "--jobs"])
            .args([videos.len().to_string()])
            .args(options)
            .args([&manifest])
            .env("TIKTOK_UP_HOME", home.path())
            .env("TIKTOK_UP_API_URL", &api)
            .env("TIKTOK_CLIENT_KEY", "bench")
            .env("TIKTOK_CLIENT_SECRET", "benchsecret")
            .env("SSL_CERT_FILE", self.dir.join(CERTIFICATE));
        let taken = run.run()?;
        let seen = self
            .sink
            .take(|seen| seen.iter().filter(|one| one.is_question()).count() >= videos.len())?;
        let done: Vec<_> = seen.iter().filter(|one| one.is_done()).collect();
        let last = done.last().context("no PUT was whole")?.at;
        let asked = seen.iter().find(|one| one.is_question() && one.at >= last);
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
            sending: sending(&seen)?,
            question: asked.map_or(f64::NAN, |asked| asked.at - last),
            gaps,
            connections: connections.len(),
        })
    }
}

/// From the head of the first PUT to the end of the last one's body.
fn sending(seen: &[Seen]) -> anyhow::Result<f64> {
    let begun = seen.iter().find(|one| one.what == What::PutBegun).context("no PUT")?.at;
    let done = seen.iter().rfind(|one| one.is_done()).context("no PUT was whole")?.at;
    Ok(done - begun)
}

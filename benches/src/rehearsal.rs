//! A sandbox in a process of its own, and logins at it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::measure::Measured;
use crate::run::Taken;

/// The sandbox, in a process of its own, and a home with logins at it.
pub(crate) struct Rehearsal<'a> {
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
    /// Starts the sandbox with these options.
    pub(crate) fn start<S: AsRef<OsStr>>(
        program: &'a Path,
        dir: &'a Path,
        options: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Self> {
        let mut sandbox = Command::new(program)
            .args(["sandbox", "--auto-consent"])
            .args(options)
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
    pub(crate) fn log_in(&self, account: &str) -> anyhow::Result<()> {
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

    /// Announces a video and gives its `upload_url`.
    pub(crate) fn init(
        &self,
        account: &str,
        size: u64,
        chunk: u64,
        count: u64,
    ) -> anyhow::Result<String> {
        let token = Command::new(self.program)
            .args(["accounts", "token", account])
            .envs(self.env.iter().cloned())
            .output()?;
        let token = String::from_utf8(token.stdout)?;
        let authorization = format!("Authorization: Bearer {}", token.trim());
        let headers = ["-H", &authorization, "-H", "Content-Type: application/json"];
        let ask = |path: &str, body: &Value| -> anyhow::Result<Value> {
            let (url, body) = (format!("{}{path}", self.api()), body.to_string());
            let answer = curl(&[&headers[..], &["-d", &body, &url]].concat())?;
            Ok(serde_json::from_str(&answer)?)
        };
        ask("/v2/post/publish/creator_info/query/", &json!({}))?;
        let answer = ask(
            "/v2/post/publish/video/init/",
            &json!({ "post_info": { "privacy_level": "SELF_ONLY" }, "source_info": {
                "source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk,
                "total_chunk_count": count } }),
        )?;
        let url = answer["data"]["upload_url"].as_str().context("no upload_url")?;
        Ok(url.to_owned())
    }

    pub(crate) fn upload(&self, manifest: &Path, jobs: usize) -> anyhow::Result<Taken> {
        let mut run = Measured::new(self.program, self.dir)
            .args(["--quiet", "upload", "--skip-media-check", "--jobs", &jobs.to_string()])
            .args([manifest]);
        for (name, value) in &self.env {
            run = run.env(name, value);
        }
        run.run()
    }

    /// The whole state of the sandbox.
    pub(crate) fn state(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.see("state")?)?)
    }

    /// Its log of requests.
    pub(crate) fn requests(&self) -> anyhow::Result<Vec<Value>> {
        let log = self.see("requests")?;
        log.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    fn see(&self, what: &str) -> anyhow::Result<String> {
        curl(&[&format!("{}/_sandbox/{what}", self.api())])
    }
}

fn curl(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
        .args(args)
        .output()?;
    ensure!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

//! The vocabulary of these tests: a sandbox, a home, the real executable, and what it said.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tiktok_sandbox::{AccountPatch, ConsentPlan, LogEntry, Options, PostView, Sandbox};
use tiktok_up::testing::{self, Attempt, Phase, Post};
use tokio::runtime::Runtime;

use crate::process::eventually;
pub(crate) use crate::process::{Login, Ran, Running};

/// Waiting times that make minutes of waiting take milliseconds; only a loopback API honours them.
/// The watchdogs are slow, so that what a test holds back stays so until the test lets it go.
const FAST: &str = "backoff_base=2ms,backoff_cap=20ms,rate_limited=20ms,init_again=20ms,\
                    poll_first=5ms,poll_cap=50ms,qr_poll=20ms,quota_window=1s,\
                    answer=10m,stall=10m,chunk_answer=10m,final_wait=10m";

/// The smallest chunk, in bytes.
pub(crate) const CHUNK: u64 = 5_242_880;
/// The account that consents by itself.
pub(crate) const ADA: &str = "@ada";
/// A public account.
pub(crate) const BEA: &str = "@bea";

/// One TikTok, one home directory, one user.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    home: TempDir,
    timing: String,
    /// Where the executable keeps its store, if not in files.
    database: Option<String>,
    ahead: SignedDuration,
    runtime: Runtime,
}

impl World {
    /// Three accounts, nobody logged in, posts that are processed at once.
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    /// As [`World::new`], with a consent page that waits for a person's answer.
    pub(crate) fn asking() -> Self {
        Self::begin(Options::default())
    }

    /// As [`World::new`], with other options.
    pub(crate) fn with(options: Options) -> Self {
        Self::begin(Options { auto_consent: true, ..options })
    }

    /// As [`World::new`], with downloads that take so long.
    pub(crate) fn downloading(download: Duration) -> Self {
        let processing = Duration::ZERO;
        Self::on(Options { auto_consent: true, processing, download, ..Options::default() })
    }

    fn begin(options: Options) -> Self {
        let (processing, download) = (Duration::ZERO, Duration::ZERO);
        Self::on(Options { processing, download, ..options })
    }

    fn on(options: Options) -> Self {
        // The executable does the same; here it is for the browser that these tests play.
        _ = rustls::crypto::ring::default_provider().install_default();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let sandbox =
            runtime.block_on(async { Sandbox::builder().options(options).start() }).unwrap();
        let home = TempDir::with_prefix("tiktok-up-test-").unwrap();
        let (timing, ahead) = (FAST.to_owned(), SignedDuration::ZERO);
        crate::canary::world_begins();
        crate::process::inherit_no_ignored_signal();
        Self { sandbox, home, timing, database: None, ahead, runtime }
    }

    /// As [`World::new`], with `@ada` logged in.
    pub(crate) fn logged_in() -> Self {
        let world = Self::new();
        world.login(ADA);
        world
    }

    /// Replaces waiting times on top of the fast ones.
    pub(crate) fn timing(mut self, list: &str) -> Self {
        self.timing = format!("{},{list}", self.timing);
        self
    }

    /// Keeps the store in a database.
    #[cfg(feature = "postgres")]
    pub(crate) fn in_database(mut self, url: String) -> Self {
        self.database = Some(url);
        self
    }

    /// Lets time pass, at TikTok and here.
    pub(crate) fn advance(&mut self, by: SignedDuration) {
        self.sandbox.advance(by);
        self.ahead += by;
    }

    /// A fault at TikTok.
    pub(crate) fn fault(&self, rule: &Value) {
        self.sandbox.fault(rule).unwrap();
    }

    /// Makes TikTok keep the n-th call of an endpoint waiting until [`World::let_go`]: `before` or
    /// `after` its work, or in the `middle` of a chunk, or of the answer to any other call. Such an
    /// answer is in [`World::calls`] already.
    pub(crate) fn hold(&self, endpoint: &str, nth: u64, when: &str) {
        self.fault(&json!({ "endpoint": endpoint, "nth": nth,
            "do": { "stall": "1h", "when": when } }));
    }

    /// Ends all faults; what TikTok holds back goes on.
    pub(crate) fn let_go(&self) {
        self.sandbox.clear_faults();
    }

    /// Changes an account's settings at TikTok.
    pub(crate) fn account(&self, handle: &str, patch: &Value) {
        let patch: AccountPatch = serde_json::from_value(patch.clone()).unwrap();
        self.sandbox.account(handle, patch).unwrap();
    }

    /// Who consents next, and to what.
    pub(crate) fn consent(&self, plan: &Value) {
        let plan: ConsentPlan = serde_json::from_value(plan.clone()).unwrap();
        self.sandbox.consent(plan).unwrap();
    }

    /// The posts that TikTok has.
    pub(crate) fn posts(&self) -> Vec<PostView> {
        self.sandbox.posts()
    }

    /// The calls of one endpoint that TikTok saw.
    pub(crate) fn calls(&self, endpoint: &str) -> Vec<LogEntry> {
        self.sandbox.requests().into_iter().filter(|call| call.endpoint == endpoint).collect()
    }

    /// The `open_id` of an account.
    pub(crate) fn open_id(&self, handle: &str) -> String {
        self.sandbox.open_id(handle).unwrap()
    }

    /// The directory that holds everything of the user's.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path beside the manifest.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let folder = self.home().join("work");
        fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    /// A file beside the manifest.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A real video of exactly `size` bytes, unlike any other of its name and size.
    pub(crate) fn video(&self, name: &str, size: u64) -> PathBuf {
        let path = self.file(name, include_bytes!("../fixtures/fast-start.mp4"));
        let file = File::options().write(true).open(&path).unwrap();
        let head = file.metadata().unwrap().len();
        let rest = size.checked_sub(head).unwrap();
        if rest > 0 {
            // An MP4 may end in a box that players skip.
            assert!(rest >= 16, "no room for the padding of a {size}-byte video");
            let mut padding = Vec::new();
            padding.extend(1_u32.to_be_bytes());
            padding.extend(b"free");
            padding.extend(rest.to_be_bytes());
            file.write_all_at(&padding, head).unwrap();
            file.set_len(size).unwrap();
            let mark = format!("{name} {size}");
            let at = size.saturating_sub(mark.len() as u64).max(head + 16);
            let room = usize::try_from(size - at).unwrap().min(mark.len());
            file.write_all_at(&mark.as_bytes()[..room], at).unwrap();
        }
        path
    }

    /// A manifest beside the videos.
    pub(crate) fn manifest(&self, content: &Value) -> String {
        let path = self.file("videos_to_upload.json", content.to_string());
        path.to_str().unwrap().to_owned()
    }

    /// A manifest with one post of `video` by `user`, as `SELF_ONLY`.
    pub(crate) fn one_post(&self, user: &str, video: &str) -> String {
        self.manifest(&json!([
            { "user_id": self.open_id(user), "video_path": video, "description": "hello",
              "privacy_level": "SELF_ONLY" }
        ]))
    }

    /// A manifest with one video of one chunk, by `@ada`.
    pub(crate) fn short(&self) -> String {
        self.video("clip.mp4", 100_000);
        self.one_post(ADA, "clip.mp4")
    }

    /// A manifest with one video of three chunks (see [`World::upload`]), by `@ada`.
    pub(crate) fn long(&self) -> String {
        self.video("long.mp4", 3 * CHUNK + 1000);
        self.one_post(ADA, "long.mp4")
    }

    /// A manifest with one video that TikTok fetches.
    pub(crate) fn pull(&self) -> String {
        self.manifest(&json!([{ "user_id": self.open_id(ADA), "privacy_level": "SELF_ONLY",
            "video_url": "https://verified.example/clip.mp4" }]))
    }

    /// A manifest with one post of two photos.
    pub(crate) fn photos(&self) -> String {
        self.manifest(&json!([{ "user_id": self.open_id(ADA), "privacy_level": "SELF_ONLY",
            "photo_urls": ["https://verified.example/1.jpg", "https://verified.example/2.jpg"] }]))
    }

    /// Uploads a manifest, in chunks of the smallest size.
    pub(crate) fn upload(&self, manifest: &str) -> Ran {
        self.run(&["upload", "--chunk-size", &CHUNK.to_string(), manifest])
    }

    /// Starts [`World::upload`].
    pub(crate) fn start_upload(&self, manifest: &str) -> Running {
        Running::of(self.command(&["upload", "--chunk-size", &CHUNK.to_string(), manifest]))
    }

    /// Starts [`World::upload`] so that [`Running::fill_disk`] makes its writes fail.
    pub(crate) fn start_upload_on_small_disk(&self, manifest: &str) -> Running {
        let mut shell = Command::new("sh");
        // Without the trap the system would end the process at the first write.
        let script = "trap '' XFSZ; exec \"$0\" upload --chunk-size \"$1\" \"$2\"";
        let chunk = CHUNK.to_string();
        shell.args(["-c", script, env!("CARGO_BIN_EXE_tiktok-up"), &chunk, manifest]);
        Running::of(self.dress(shell))
    }

    /// The posts in the journal of this home, if there is one.
    pub(crate) fn posts_in_journal(&self) -> Option<Vec<Post>> {
        testing::posts(&self.home().join("home"), self.ahead)
    }

    /// The attempts at a post as the journal has them.
    pub(crate) fn attempts(&self, post: u32) -> Vec<Attempt> {
        testing::attempts(&self.home().join("home"), self.ahead, post)
    }

    /// Where the attempts at the first post stand.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        self.attempts(1).iter().map(|attempt| attempt.phase).collect()
    }

    /// The inits that reached TikTok, whatever came of them.
    pub(crate) fn inits(&self) -> usize {
        ["video_init", "inbox_init", "content_init"].map(|init| self.calls(init).len()).iter().sum()
    }

    /// The posts that TikTok published or put into an inbox.
    pub(crate) fn published(&self) -> usize {
        let done = |post: &PostView| {
            matches!(post.status.as_str(), "PUBLISH_COMPLETE" | "SEND_TO_USER_INBOX")
        };
        self.posts().iter().filter(|post| done(post)).count()
    }

    /// Makes TikTok answer calls of an endpoint with an error code.
    pub(crate) fn refuse(&self, endpoint: &str, nth: u64, times: u64, code: &str) {
        self.fault(&json!({ "endpoint": endpoint, "nth": nth, "times": times,
            "do": { "refuse": { "code": code } } }));
    }

    /// Makes TikTok answer status calls with these data.
    pub(crate) fn say_status(&self, times: u64, data: &Value) {
        let body = json!({ "data": data,
            "error": { "code": "ok", "message": "", "log_id": "2026010100000000000000000000000001" } });
        self.fault(&json!({ "endpoint": "status", "times": times,
            "do": { "answer": { "status": 200, "headers": { "Content-Type": "application/json" },
                                "body": body } } }));
    }

    /// Waits until something has come about.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        eventually(&format!("the moment when {what}"), || is(self).then_some(()));
    }

    /// The executable in this world, ready to run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiktok-up"));
        command.args(args);
        self.dress(command)
    }

    /// A command in this world.
    pub(crate) fn dress(&self, mut command: Command) -> Command {
        let timing = format!("{},clock_offset={}s", self.timing, self.ahead.as_secs());
        command
            .current_dir(self.home())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            // A sandbox has no certificate to hold against the system's; reading those takes an
            // unoptimised build longer than everything else that it does.
            .env("SSL_CERT_FILE", "/dev/null")
            .env("TIKTOK_UP_HOME", self.home().join("home"))
            .env("TIKTOK_UP_API_URL", self.sandbox.url())
            .env("TIKTOK_UP_AUTH_URL", self.sandbox.url())
            .env("TIKTOK_CLIENT_KEY", self.sandbox.client_key())
            .env("TIKTOK_CLIENT_SECRET", self.sandbox.client_secret().expose())
            .env("TIKTOK_UP_TIMING", timing)
            .stdin(Stdio::null());
        if let Some(url) = &self.database {
            command.env("TIKTOK_UP_DATABASE_URL", url);
        }
        command
    }

    /// Runs the executable to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args))
    }

    /// Logs an account in, as a person with a browser does.
    pub(crate) fn login(&self, handle: &str) -> Ran {
        self.consent(&serde_json::json!({ "account": handle }));
        self.login_with(&[])
    }

    /// `login --no-browser --port 0` with more arguments; the printed URL is opened.
    pub(crate) fn login_with(&self, more: &[&str]) -> Ran {
        let login = self.start_login(more);
        self.browse(&login.url);
        login.end()
    }

    /// Starts a login and reads the URL that it prints.
    pub(crate) fn start_login(&self, more: &[&str]) -> Login {
        let mut args = vec!["login", "--no-browser", "--port", "0"];
        args.extend(more);
        Login::of(self.command(&args))
    }

    /// A login by this command; whatever URL it prints is opened, and what comes of it may be nothing.
    pub(crate) fn login_by(&self, command: Command) -> Ran {
        Login::each_url(command, |url| {
            let page = self.runtime.block_on(reqwest::get(url));
            drop(page);
        })
    }

    /// Opens a URL as a browser does, redirects followed; the last status and page come back.
    pub(crate) fn browse(&self, url: &str) -> (u16, String) {
        let url = url.to_owned();
        self.runtime.block_on(async move {
            let answer = reqwest::get(&url).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// Runs a future beside the sandbox.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// SHA-256 of a file, in hex.
pub(crate) fn sha256(path: &Path) -> String {
    let mut hash = Sha256::new();
    let mut file = File::open(path).unwrap();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    let mut hex = String::new();
    for byte in hash.finalize() {
        use std::fmt::Write as _;
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

/// Sends raw bytes to a local port and reads what comes back.
pub(crate) fn raw_request(port: u16, request: &str) -> String {
    let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // A server may close with a reset once it has answered.
    let _ = socket.read_to_string(&mut answer);
    answer
}

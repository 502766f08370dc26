//! What the proofs share: one long-lived TikTok, a fresh home for every round, and the judge, which
//! believes TikTok's own count of posts and nothing else.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiktok_sandbox::{Options, PostView};

use crate::world::{ADA, Ran, World, sha256};

/// What a round posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file in one chunk.
    OneChunk,
    /// A file in three chunks.
    ThreeChunks,
    /// A URL that TikTok fetches: the init is the point of no return.
    Pull,
    /// Photos: likewise.
    Photos,
}

impl Kind {
    /// Whether the init itself makes the post, so that its lost answer leaves the outcome unknown.
    pub(crate) fn init_posts(self) -> bool {
        matches!(self, Self::Pull | Self::Photos)
    }
}

/// Waiting times of the rounds: proofs of 75 minutes are had by moving both clocks.
const TIMING: &str =
    "proof_gap=60ms,stall=2s,chunk_answer=2s,final_wait=2s,answer=5s,quota_window=5s";

/// One TikTok with `@ada` logged in, and the state that each round's home starts from.
pub(crate) struct Stage {
    pub(crate) world: World,
    rounds: u32,
    since_refresh: SignedDuration,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let options = Options {
            daily_posts: usize::MAX,
            pending_drafts: usize::MAX,
            download: Duration::ZERO,
            ..Options::default()
        };
        let world = World::with(options).timing(TIMING);
        world.login(ADA).exits(0);
        Self { world, rounds: 0, since_refresh: SignedDuration::ZERO }
    }

    fn state(&self) -> PathBuf {
        self.world.home().join("home")
    }

    pub(crate) fn advance(&mut self, by: SignedDuration) {
        self.world.advance(by);
        self.since_refresh += by;
    }

    /// The next round: a post that nobody has made, in a home that knows none.
    pub(crate) fn round(&mut self, kind: Kind) -> Round {
        self.rounds += 1;
        // Past the minute in which TikTok counts inits.
        self.advance(SignedDuration::from_secs(61));
        if self.since_refresh > SignedDuration::from_mins(80) {
            self.world.run(&["refresh", "--force"]).exits(0);
            self.since_refresh = SignedDuration::ZERO;
        }
        let caption = format!("round {}", self.rounds);
        let home = TempDir::with_prefix("tiktok-up-round-").unwrap();
        copy(&self.state(), &home.path().join("home"));
        let mut video = None;
        let mut post = json!({ "user_id": self.world.open_id(ADA), "privacy_level": "SELF_ONLY" });
        let number = self.rounds;
        match kind {
            Kind::OneChunk | Kind::ThreeChunks => {
                let size = if kind == Kind::OneChunk { 100_000 } else { 15_800_000 };
                let name = format!("{number}.mp4");
                video = Some(self.world.video(&name, size));
                post["video_path"] = json!(video);
                post["description"] = json!(caption);
            }
            Kind::Pull => {
                post["video_url"] = json!(format!("https://verified.example/{number}.mp4"));
                post["description"] = json!(caption);
            }
            Kind::Photos => {
                let url = |n: u32| format!("https://verified.example/{number}/{n}.jpg");
                post["photo_urls"] = json!([url(1), url(2)]);
                post["title"] = json!(caption);
            }
        }
        let manifest = home.path().join("videos_to_upload.json");
        fs::write(&manifest, json!([post]).to_string()).unwrap();
        Round { kind, caption, home, manifest, video }
    }

    /// The executable in a round's home.
    pub(crate) fn command(&self, round: &Round, args: &[&str]) -> Command {
        let mut command = self.world.command(args);
        command.current_dir(round.home.path()).env("TIKTOK_UP_HOME", round.home());
        command
    }

    /// `upload` of the round's manifest.
    pub(crate) fn upload(&self, round: &Round) -> Command {
        let mut command = self.command(round, &["upload", "--chunk-size", "5242880"]);
        command.arg(&round.manifest);
        command
    }

    /// Runs again without faults, time passing in between, until there is nothing more to do: the
    /// last exit code, 0 or 6 (or 3, if a login is needed).
    pub(crate) fn settle(&mut self, round: &Round) -> i32 {
        let mut said = Vec::new();
        // Enough for the quota, the proof that a chunk never arrived, the hour of orphaned inits.
        for minutes in [0, 2, 80, 61, 61, 61] {
            self.advance(SignedDuration::from_mins(minutes));
            let ran = Ran::of(self.upload(round));
            match ran.code {
                Some(code @ (0 | 3 | 6)) => return code,
                Some(5) => said.push(ran),
                _ => panic!("a run without faults went wrong: {ran:#?}, after {said:#?}"),
            }
        }
        panic!("never settled: {said:#?}");
    }

    /// A new login in a round's home.
    pub(crate) fn log_in_again(&self, round: &Round) {
        self.world.consent(&json!({ "account": ADA }));
        let args = ["login", "--no-browser", "--port", "0"];
        self.world.login_by(self.command(round, &args)).exits(0);
    }

    /// The posts of a round that TikTok made, and that anybody could see.
    pub(crate) fn made(&self, round: &Round) -> Vec<PostView> {
        let mut posts = self.world.posts();
        let done = |word: &str| matches!(word, "PUBLISH_COMPLETE" | "SEND_TO_USER_INBOX");
        posts.retain(|post| post.title == round.caption && done(&post.status));
        posts
    }

    /// Whether the init of a round reached TikTok.
    #[cfg(feature = "faults")]
    pub(crate) fn init_arrived(&self, round: &Round) -> bool {
        self.world.posts().iter().any(|post| post.title == round.caption)
    }

    /// Holds the end of a round (its last exit code, 0 or 6) against TikTok's count. An error says
    /// what is wrong.
    pub(crate) fn judge(&self, round: &Round, code: i32) -> Result<(), String> {
        let made = self.made(round);
        let status = Ran::of(self.command(round, &["status", "--all", "--json"]));
        let known = status.json();
        let [row] = known.as_slice() else {
            return Err(format!("the journal knows not one post: {status:#?}"));
        };
        match (made.as_slice(), code, row["state"].as_str()) {
            ([post], 0, Some("published")) => {
                if row["publish_id"] != json!(post.publish_id) || status.code != Some(0) {
                    return Err(format!("status does not name {post:#?}: {status:#?}"));
                }
                if let Some(video) = &round.video
                    && post.sha256.as_deref() != Some(sha256(video).as_str())
                {
                    return Err(format!("other bytes were posted: {post:#?}"));
                }
            }
            ([] | [_], 6, Some("unresolved")) if round.kind.init_posts() => {
                if status.code != Some(6) {
                    return Err(format!("status hides an unknown outcome: {status:#?}"));
                }
            }
            _ => return Err(format!("exit {code}, TikTok has {made:#?}, status says {status:#?}")),
        }
        tidy(&round.home()).or_else(|_| {
            // What a killed save left is the next save's to remove; this run had nothing to save.
            Ran::of(self.command(round, &["refresh", "--force"])).exits(0);
            tidy(&round.home())
        })
    }

    /// Ends a round: tokens that were renewed in it go into the next ones.
    pub(crate) fn end(&mut self, round: Round) {
        let kept = self.state();
        fs::remove_dir_all(&kept).unwrap();
        copy(&round.home(), &kept);
        forget_journal(&kept);
        if let Some(video) = round.video {
            fs::remove_file(video).unwrap();
        }
    }
}

/// Makes a home one that has never posted: neither the journal is there, nor what notes say beside it of its
/// posts, nor the marks that its tokens and locks keep of it.
fn forget_journal(home: &Path) {
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().as_encoded_bytes();
        if name.starts_with(b"journal") || name == b"notes.json" {
            fs::remove_file(path).unwrap();
        }
    }
    forget_marks(home);
}

/// Removes the marks of a journal from the tokens and locks of a home.
pub(crate) fn forget_marks(home: &Path) {
    // A home in which no attempt began has none.
    _ = fs::remove_file(home.join("locks/journal.mark"));
    let tokens = home.join("user_tokens.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&tokens).unwrap()).unwrap();
    document.as_object_mut().unwrap().remove("journal");
    fs::write(&tokens, document.to_string()).unwrap();
}

/// One post on its way.
pub(crate) struct Round {
    pub(crate) kind: Kind,
    pub(crate) caption: String,
    home: TempDir,
    manifest: PathBuf,
    video: Option<PathBuf>,
}

impl Round {
    /// `TIKTOK_UP_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.home.path().join("home")
    }

    /// Where the fault layer logs its operations.
    #[cfg(feature = "faults")]
    pub(crate) fn log(&self) -> PathBuf {
        self.home.path().join("operations")
    }
}

/// The token file can be read, and nothing half-written lies about.
pub(crate) fn tidy(home: &Path) -> Result<(), String> {
    let tokens = fs::read(home.join("user_tokens.json")).map_err(|e| e.to_string())?;
    let _: Value = serde_json::from_slice(&tokens).map_err(|e| format!("user_tokens.json: {e}"))?;
    let left: Vec<_> = files(home)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.contains(".tmp-") || Path::new(name).extension().is_some_and(|e| e == "new")
        })
        .collect();
    if left.is_empty() { Ok(()) } else { Err(format!("left behind: {left:?}")) }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// Runs many commands at once.
pub(crate) fn storm(commands: Vec<Command>) -> Vec<Ran> {
    let start = |mut command: Command| {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = commands.into_iter().map(start).collect();
    children.into_iter().map(|child| Ran::after(String::new(), child)).collect()
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Says a figure of a proof, also when the test passes.
#[expect(clippy::explicit_write, reason = "what `eprintln` says is shown for failed tests alone")]
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

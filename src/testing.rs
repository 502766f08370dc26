//! What the tests of the executable need of its inside: looking into its files, locking them, the state
//! machine for its model test, and logins by ways that no test can drive from outside. Not for others:
//! nothing of it is promised.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tiktok_open::{Endpoints, Scopes};
use tokio::sync::mpsc;

use crate::api::{self, App};
use crate::auth::paste::Lines;
use crate::auth::{Login, LoginMethod, Reporter};
use crate::clock::Clock;
use crate::output::Explain as _;
use crate::secret::Secret;
use crate::store::Store as _;
use crate::store::local::{LocalStore, Looked, SqliteJournal, TokenFile};
use crate::timing::Timing;
use crate::{cli, fs, model, sys};

pub use crate::auth::AuthEvent;
pub use crate::exit::Exit;
pub use crate::model::machine::{resume, step};
pub use crate::model::{Action, Event, Failed, Phase, ReportedStatus, Step, Transfer};
use crate::model::{FileIdentity, LocalFile, Mode, PostRequest, Source};

/// The command line.
pub fn command() -> clap::Command {
    <cli::Cli as clap::CommandFactory>::command()
}

/// Whether this process ignores a signal.
pub fn is_ignored(signal: i32) -> bool {
    sys::is_ignored(signal)
}

/// A lock of the program's, held as long as this lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held")] fs::Lock);

impl Lock {
    /// Takes it if it is free.
    pub fn take(path: &Path) -> Option<Self> {
        fs::Lock::try_acquire(path).ok().map(Self)
    }
}

/// The file that is locked while the login of an account is refreshed.
#[expect(clippy::expect_used, reason = "for tests")]
pub fn refresh_lock(state: &Path, open_id: &str) -> PathBuf {
    TokenFile::open(state, Clock::default()).expect("a token store").refresh_lock(open_id)
}

/// A post in the journal.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its number.
    pub number: u32,
    /// What people call its account.
    pub username: Option<String>,
    /// Its path or URL.
    pub label: String,
    /// Where its last attempt stands.
    pub phase: Option<Phase>,
}

/// An attempt at a post in the journal.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where it stands.
    pub phase: Phase,
    /// Whether it still has an `upload_url`.
    pub has_upload_url: bool,
    /// Ids of public posts.
    pub post_ids: Vec<u64>,
    /// Why it failed or was refused.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// TikTok's id of the answer.
    pub log_id: Option<String>,
}

/// The journal of a state directory, opened to look at it by a clock that is ahead by so much.
#[expect(clippy::expect_used, reason = "for tests")]
fn journal(state: &Path, ahead: SignedDuration) -> Option<SqliteJournal> {
    let opened = SqliteJournal::open_existing(state, Clock::shifted(ahead), Arc::new(()));
    let Looked { journal, .. } = opened.expect("a journal, or none");
    journal
}

/// Records a post of each of these files or URLs of an account as published, in the journal of a state
/// directory, which is made if there is none: for measurements.
#[expect(clippy::expect_used, reason = "for measurements")]
pub fn fill_journal(state: &Path, open_id: &str, sources: impl IntoIterator<Item = String>) {
    let tokens = TokenFile::open(state, Clock::default()).expect("a token store");
    let opened =
        SqliteJournal::open(state, Clock::default(), Arc::new(tokens), crate::store::Accept::Never);
    let journal = opened.expect("a journal");
    let posts: Vec<_> = sources.into_iter().map(|source| published(open_id, source)).collect();
    journal.fill(&posts).expect("room for the posts");
}

#[expect(clippy::expect_used, reason = "for measurements")]
fn published(open_id: &str, source: String) -> PostRequest {
    let label = source.clone();
    let source = if source.contains("://") {
        Source::Url(source)
    } else {
        let bytes = std::fs::read(&source).expect("the file");
        let identity = FileIdentity::of(&std::fs::metadata(&source).expect("the file"));
        Source::File(LocalFile {
            path: source.into(),
            identity,
            chunk_size: identity.size,
            chunks: 1,
            fingerprint: Some(blake3::hash(&bytes).to_hex().to_string()),
        })
    };
    PostRequest {
        account: open_id.to_owned(),
        username: None,
        mode: Mode::Direct,
        id: None,
        source,
        label,
        settings: String::new(),
        caption: None,
        publish_at: None,
        repost: false,
    }
}

/// The posts of that journal, if there is one.
#[expect(clippy::expect_used, reason = "for tests")]
pub fn posts(state: &Path, ahead: SignedDuration) -> Option<Vec<Post>> {
    let posts = journal(state, ahead)?.all().expect("the posts").into_iter().map(|post| Post {
        number: post.number.0,
        phase: post.phase(),
        username: post.username,
        label: post.label,
    });
    Some(posts.collect())
}

/// The attempts at a post of that journal; none if there is no such post.
pub fn attempts(state: &Path, ahead: SignedDuration, post: u32) -> Vec<Attempt> {
    let journal = journal(state, ahead);
    let attempts = journal.and_then(|journal| journal.attempts(model::PostNumber(post)).ok());
    let attempts = attempts.unwrap_or_default().into_iter().map(|attempt| Attempt {
        phase: attempt.phase,
        has_upload_url: attempt.upload_url.is_some(),
        post_ids: attempt.post_ids,
        code: attempt.code,
        message: attempt.message,
        log_id: attempt.log_id,
    });
    attempts.collect()
}

/// How somebody logs in.
#[derive(Debug)]
pub enum LoginBy {
    /// By a QR code.
    Qr,
    /// By pasting one of these addresses.
    Paste(mpsc::Receiver<Secret>),
}

/// A login against a sandbox.
#[derive(Debug)]
pub struct TestLogin<'a> {
    /// The sandbox.
    pub url: &'a str,
    /// Client key and client secret.
    pub app: (String, String),
    /// Where the tokens go.
    pub state: &'a Path,
    /// What is asked for.
    pub scopes: Scopes,
    /// How long the user may take.
    pub limit: Duration,
    /// The pause between two looks whether the QR code was confirmed.
    pub qr_poll: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct LoggedIn {
    /// Whose login it is.
    pub open_id: String,
    /// What was asked for and not granted.
    pub missing: Scopes,
}

/// Why nothing came of it.
#[derive(Debug)]
pub struct NotLoggedIn {
    /// The exit code that it leads to.
    pub exit: Exit,
    /// What happened.
    pub message: String,
}

/// Tells what happens to a function.
struct Tell<F>(F);

impl<F: Fn(AuthEvent) + Send + Sync> Reporter for Tell<F> {
    fn report(&self, event: AuthEvent) {
        (self.0)(event);
    }
}

impl TestLogin<'_> {
    /// Logs in.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub async fn run(
        self,
        by: LoginBy,
        told: impl Fn(AuthEvent) + Send + Sync,
    ) -> Result<LoggedIn, NotLoggedIn> {
        let timing = Timing { qr_poll: self.qr_poll, ..Timing::default() };
        let endpoints = Endpoints::new(Some(self.url), Some(self.url)).expect("its URL");
        let (client_key, client_secret) = self.app;
        let store = LocalStore::open(self.state, Clock::default()).expect("a store").accounts();
        let login = Login {
            client: &api::client(endpoints, Clock::default(), &timing).expect("a client"),
            store: store.as_ref(),
            app: &App {
                name: None,
                client_key,
                client_secret: Secret::new(client_secret),
                redirect_uri: None,
                scopes: None,
            },
            scopes: &self.scopes,
            name: None,
            limit: self.limit,
            clock: Clock::default(),
            timing: &timing,
            reporter: &Tell(told),
        };
        let way = match by {
            LoginBy::Qr => LoginMethod::Qr,
            LoginBy::Paste(mut lines) => {
                let (pass_on, lines_read) = mpsc::channel(1);
                tokio::spawn(async move {
                    while let Some(line) = lines.recv().await {
                        if pass_on.send(Ok(line)).await.is_err() {
                            return;
                        }
                    }
                });
                LoginMethod::Paste { port: None, lines: Lines::from_channel(lines_read) }
            }
        };
        match login.run(way).await {
            Ok(done) => Ok(LoggedIn { open_id: done.account.open_id, missing: done.missing }),
            Err(error) => Err(NotLoggedIn { exit: error.exit(), message: error.to_string() }),
        }
    }
}

//! The rules of the journal, one by one. What follows is the vocabulary that they are told in.

mod at_rest;
mod damage;
mod files;
mod identity;
mod memory;
mod quota;
mod repair;
mod steps;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::SqliteJournal;
use crate::clock::Clock;
use crate::exit::{Exit, Explain as _};
use crate::model::*;
use crate::secret::Secret;
use crate::store::{Accept, JournalError};

/// A directory with a journal in it.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The journal, as another process would open it.
    fn open(&self) -> SqliteJournal {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SqliteJournal, JournalError> {
        self.open_with(Clock::default())
    }

    fn open_with(&self, clock: Clock) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::open(self.path(), clock, Arc::new(()), Accept::Never)
    }

    /// The journal in another time.
    fn open_ahead(&self, by: SignedDuration) -> SqliteJournal {
        self.open_with(Clock::shifted(by)).unwrap()
    }

    fn look(&self) -> Result<Option<SqliteJournal>, JournalError> {
        let looked = SqliteJournal::open_existing(self.path(), Clock::default(), Arc::new(()))?;
        Ok(looked.journal)
    }
}

/// A file with a name; the number stands for what makes it another file on disk.
fn file(inode: u64, size: u64) -> LocalFile {
    LocalFile {
        path: format!("/videos/{inode}.mp4").into(),
        identity: FileIdentity {
            device: u64::MAX - 3,
            inode,
            size,
            mtime: 1_700_000_000_123_456_789,
            ctime: 1_700_000_000_987_654_321,
        },
        chunk_size: size,
        chunks: 3,
        fingerprint: None,
    }
}

fn fingerprint(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

/// An entry for a file.
fn entry(inode: u64, size: u64) -> PostRequest {
    PostRequest {
        account: "ana".to_owned(),
        username: Some("Ana".to_owned()),
        mode: Mode::Direct,
        id: None,
        source: Source::File(file(inode, size)),
        label: format!("{inode}.mp4"),
        settings: "0".repeat(64),
        publish_at: None,
        repost: false,
    }
}

/// An entry for a URL.
fn pull(url: &str) -> PostRequest {
    PostRequest { source: Source::Url(url.to_owned()), label: "a URL".to_owned(), ..entry(0, 0) }
}

fn photos(urls: &[&str]) -> Source<LocalFile> {
    Source::Photos { urls: urls.iter().map(|url| (*url).to_owned()).collect(), cover_index: 0 }
}

impl PostRequest {
    fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    fn of(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    fn draft(mut self) -> Self {
        self.mode = Mode::Draft;
        self
    }

    fn hashed(mut self, content: &str) -> Self {
        if let Source::File(file) = &mut self.source {
            file.fingerprint = Some(fingerprint(content));
        }
        self
    }

    fn again(mut self) -> Self {
        self.repost = true;
        self
    }
}

const NO_FACTS: AttemptUpdate = AttemptUpdate {
    publish_id: None,
    upload_url: None,
    issued_at: None,
    issued_there: None,
    fingerprint: None,
    post_ids: Vec::new(),
    code: None,
    message: None,
    log_id: None,
};

fn accepted() -> AttemptUpdate {
    AttemptUpdate {
        publish_id: Some("v_pub_1".to_owned()),
        upload_url: Some(Secret::new("https://upload.tiktokapis.com/?canary=Zq3")),
        issued_at: Some(Timestamp::from_millisecond(1_700_000_000_000).unwrap()),
        issued_there: Some(Timestamp::from_millisecond(1_700_000_001_000).unwrap()),
        ..NO_FACTS
    }
}

fn read_as(content: &str) -> AttemptUpdate {
    AttemptUpdate { fingerprint: Some(fingerprint(content)), ..NO_FACTS }
}

impl SqliteJournal {
    /// Walks a new attempt through phases.
    fn walk(&self, post: &RecordedPost, phases: &[(Phase, AttemptUpdate)]) -> Attempt {
        let mut attempt = self.begin_attempt(post.number).unwrap();
        for (phase, facts) in phases {
            self.advance(&mut attempt, *phase, facts).unwrap();
        }
        attempt
    }

    /// Posts an entry, of a file with that content.
    fn publish(&self, new: &PostRequest, content: &str) -> RecordedPost {
        let post = self.post_for(new).unwrap();
        let mut phases = vec![(OPEN, accepted()), (Phase::Published, NO_FACTS)];
        if post.file.is_some() {
            phases.insert(1, (INTENT, read_as(content)));
        }
        self.walk(&post, &phases);
        self.post(post.number).unwrap()
    }

    /// Everything that it holds about posts.
    fn content(&self) -> Vec<(RecordedPost, Vec<Attempt>)> {
        let posts = self.all().unwrap().into_iter();
        posts.map(|post| (post.clone(), self.attempts(post.number).unwrap())).collect()
    }
}

const OPEN: Phase = Phase::Open { stored: 0 };
const INTENT: Phase = Phase::FinalIntent { stored: 2 };
const BANNED: Phase = Phase::Failed(Failed::Final);

/// The error that was hoped for, and that it leads to this exit code.
fn refused<T: std::fmt::Debug>(outcome: Result<T, JournalError>, exit: Exit) -> JournalError {
    let error = outcome.unwrap_err();
    assert_eq!(error.exit(), exit, "{error}");
    error
}

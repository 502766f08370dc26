//! What can be wrong with the journal.

use std::io;
use std::path::PathBuf;

use super::AccountError;
use crate::encrypt::KeyId;
use crate::fs::{FsError, LockError};
use crate::model::{Phase, PostNumber, RecordedPost};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::text;

/// Why a journal may not know what was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Posts were made with a journal that is not there any more.
    Gone,
    /// Posts were made with a later state of it.
    Behind,
    /// Posts were made with another one.
    Other,
    /// It is a copy of the one that posts were made with, or was restored from a backup.
    Copied,
    /// It was put together from what could be read of a damaged one.
    Repaired,
    /// The witness says something that is never written.
    Unclear,
}

/// Why the journal could not be used. Unless said otherwise nothing was recorded, and no call to
/// TikTok may follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// A file or directory of the journal cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
    /// Another process is opening the journal and does not come to an end.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// SQLite refused.
    #[error("failed to {doing} in the journal `{}`", path.display())]
    Sqlite {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The journal.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The disk is full.
    #[error("no space left to {doing} in the journal `{}`", path.display())]
    NoSpace {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The journal.
        path: PathBuf,
        /// What SQLite or the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process kept the journal busy for longer than we wait.
    #[error("the journal `{}` is busy", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// A disk error at the commit.
    #[error("failed to {doing} in the journal `{}`", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was written by a later version of this program. It is left untouched.
    #[error("the journal `{}` has version {found}; this program knows up to {known}", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// It is damaged and was set aside, never deleted.
    #[error("the journal `{}` is damaged: {what}", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// The directory that it was moved into. `None`: it could not be moved and is where it was.
        moved_to: Option<PathBuf>,
    },
    /// It is damaged, and stays where it is as long as somebody posts with it.
    #[error("the journal `{}` is damaged, and {} is posting with it: {what}", path.display(),
        pid.map_or_else(|| "a run".to_owned(), |pid| format!("process {pid}")))]
    DamagedInUse {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// Who posts.
        pid: Option<u32>,
    },
    /// It was there when this run began, and is not any more.
    #[error("the journal `{}` was moved or deleted while it was in use", path.display())]
    Vanished {
        /// The journal.
        path: PathBuf,
    },
    /// Posts were made that it does not know, or it may be so.
    #[error("{} (`{}`)", reason(*doubt), path.display())]
    Doubtful {
        /// The journal.
        path: PathBuf,
        /// Why.
        doubt: Doubt,
    },
    /// The token store, which keeps the mark of the journal, cannot be used.
    #[error("{error}")]
    Tokens {
        /// What is wrong with it.
        error: Box<AccountError>,
    },
    /// A damaged journal lies beside the store. To begin an empty one would post everything again.
    #[error("a damaged journal was set aside in `{}`, and nobody has dealt with it", dir.display())]
    SetAside {
        /// Where it lies.
        dir: PathBuf,
    },
    /// The `upload_url`s are encrypted, and this run has not the key.
    #[error("the upload_urls in the journal `{}` are encrypted with the key {key}, which this run has \
        not got", path.display())]
    NoKey {
        /// The journal.
        path: PathBuf,
        /// The key that they are encrypted with.
        key: KeyId,
    },
    /// No post has that number.
    #[error("there is no post {0}")]
    NoPost(PostNumber),
    /// TikTok may still post it, or has.
    #[error("post {post} is {}: it cannot be settled as not posted", words(*phase))]
    NotSettled {
        /// The post.
        post: PostNumber,
        /// Where it stands.
        phase: Option<Phase>,
        /// Whether a person has said that it was posted.
        by_hand: bool,
    },
    /// It turned out to be the same as another post, which is the one that is asked for from then on.
    #[error("post {post} is the same as post {other}, which stands for both")]
    IsAnother {
        /// The post.
        post: PostNumber,
        /// The other one.
        other: PostNumber,
    },
    /// Another run changed the attempt meanwhile.
    #[error("another run changed attempt {attempt} of post {post} meanwhile")]
    MovedOn {
        /// The post.
        post: PostNumber,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Another one has taken the account over, who knows more by now: this one has lost its lease, and does
    /// nothing more for the account.
    #[error("another run has taken over the posts of this account")]
    TakenOver {
        /// Its `open_id`.
        account: String,
    },
    /// A phase that no attempt can come to from where it stands.
    #[error("attempt {attempt} of post {post} cannot go from {} to {}", words(Some(*from)), words(Some(*to)))]
    NoSuchStep {
        /// The post.
        post: PostNumber,
        /// Number of the attempt.
        attempt: u32,
        /// Where it stands.
        from: Phase,
        /// Where it should have gone.
        to: Phase,
    },
    /// An earlier attempt could still become a post, or became one (invariant I1).
    #[error("attempt {attempt} of post {post} is {}: another one could post it twice", words(Some(*phase)))]
    MayBePosted {
        /// The post.
        post: PostNumber,
        /// Number of the earlier attempt.
        attempt: u32,
        /// Where that one stands.
        phase: Phase,
    },
    /// Another post of the account and mode has, or may have, the same content: this
    /// one must not reach its final chunk.
    #[error("post {} of the same account {} the same content", other.number,
        if *certain { "has" } else { "may have" })]
    SameContent {
        /// That post.
        other: Box<RecordedPost>,
        /// Whether the content is known to be the same, or only its size is.
        certain: bool,
    },
    /// The content is not the one that the post was planned with.
    #[error("the content of post {0} changed")]
    OtherContent(PostNumber),
    /// A fingerprint that is not BLAKE3 in lowercase hex.
    #[error("`{}` is no fingerprint", text::plain(.0))]
    Fingerprint(String),
}

/// A phase as a message says it.
fn words(phase: Option<Phase>) -> &'static str {
    match phase {
        None => "not started",
        Some(Phase::InitIntent) => "being announced",
        Some(Phase::Open { .. }) => "being uploaded",
        Some(Phase::FinalIntent { .. }) => "at its final chunk",
        Some(Phase::Uploaded) => "uploaded",
        Some(Phase::Rejected) => "refused",
        Some(Phase::Lost) => "lost",
        Some(Phase::Abandoned) => "given up",
        Some(Phase::Failed(_)) => "failed",
        Some(Phase::Published) => "published",
        Some(Phase::Inboxed) => "in the inbox",
        Some(Phase::Unresolved) => "unresolved",
    }
}

impl Coded for JournalError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::File(error) => error.problem(),
            Self::Lock(error) => error.problem(),
            Self::NoSpace { path, .. } => Problem::new(Code::DiskFull).with("path", path.display()),
            Self::Io { path, source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                Problem::new(Code::FileSizeLimit).with("path", path.display())
            }
            Self::Busy { .. } => Code::JournalBusy.into(),
            Self::MovedOn { .. } => Code::PostMovedOn.into(),
            Self::TakenOver { .. } => Code::AccountTakenOver.into(),
            Self::Sqlite { .. } | Self::Io { .. } => Code::JournalFailed.into(),
            Self::Newer { .. } => Code::JournalNewer.into(),
            Self::Corrupt { path, moved_to: Some(dir), .. } => Problem::new(Code::JournalCorrupt)
                .with("dir", dir.display())
                .with("path", path.display()),
            Self::Corrupt { moved_to: None, .. } => Code::JournalCorruptInPlace.into(),
            Self::DamagedInUse { .. } => Code::JournalCorruptInUse.into(),
            Self::Vanished { .. } => Code::JournalVanished.into(),
            Self::Doubtful { doubt: Doubt::Repaired, .. } => Code::JournalRepaired.into(),
            Self::Doubtful { .. } => Code::JournalDoubtful.into(),
            Self::Tokens { error } => error.problem().of_kind(ErrorKind::Local),
            Self::SetAside { dir } => {
                Problem::new(Code::JournalSetAside).with("dir", dir.display())
            }
            Self::NoKey { .. } => Code::JournalNoKey.into(),
            Self::NoPost(_) => Code::PostMissing.into(),
            Self::NotSettled { by_hand: true, .. } => Code::PostSettledByHand.into(),
            Self::NotSettled { phase: Some(Phase::FinalIntent { .. }), .. } => {
                Code::PostUnconfirmed.into()
            }
            Self::NotSettled { post, .. } => {
                Problem::new(Code::PostNotUnresolved).with("post", post)
            }
            Self::IsAnother { other, .. } => Problem::new(Code::PostIsAnother).with("post", other),
            Self::MayBePosted { post, .. } => Problem::new(Code::MayBePosted).with("post", post),
            Self::SameContent { other, certain: false } => {
                Problem::new(Code::SameSize).with("post", other.number)
            }
            Self::SameContent { .. } => Code::SameContent.into(),
            Self::NoSuchStep { .. } => Code::StepImpossible.into(),
            Self::OtherContent(_) => Code::OtherContent.into(),
            Self::Fingerprint(_) => Code::FingerprintInvalid.into(),
        }
    }
}

/// Why a journal may not know what was posted.
fn reason(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Gone => "posts were made from here with a journal that is gone",
        Doubt::Behind => "the journal is an older copy: posts were made with a later state of it",
        Doubt::Other => "posts were last made from here with another journal than this one",
        Doubt::Copied => {
            "the journal is a copy or was restored from a backup, and may not know what was posted \
             since"
        }
        Doubt::Repaired => "the journal was repaired, and posts may be missing from it",
        Doubt::Unclear => {
            "it cannot be told whether this is the journal that posts were last made with, as its mark \
             in `locks` cannot be read"
        }
    }
}

//! What the journal holds, as values.

use std::fmt;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;

use crate::model::{Failed, FileIdentity, Mode, Phase, Transfer};
use crate::secret::Secret;

/// The short and stable number under which people know a post: `tiktok-up status 12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostNumber(pub u32);

impl fmt::Display for PostNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PostNumber {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A post that somebody asks for.
///
/// Its identity is `id` (within the account), else account, mode and content. An entry with an `id`
/// is still recognised as a post that was made without one from the same content, and the other way
/// round; two different `id`s are two posts whatever their content.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// `open_id` of the account.
    pub account: String,
    /// What people call the account.
    pub username: Option<String>,
    /// Posted at once, or put into the inbox.
    pub mode: Mode,
    /// The user's own identity for the post.
    pub id: Option<String>,
    /// What is posted.
    pub content: Content,
    /// The path or URL to show to people.
    pub label: String,
    /// A hash of all that its init says besides the source.
    pub settings: String,
    /// Not to be posted before.
    pub publish_at: Option<Timestamp>,
    /// Asks for another post of something that was posted, or refused for good. It does not touch a
    /// post that is under way or unresolved.
    pub repost: bool,
}

/// What is posted, in a [`NewPost`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A local file.
    File(LocalFile),
    /// A video that TikTok downloads.
    Url(String),
    /// Photos that TikTok downloads, in order.
    Photos(Vec<String>),
}

/// A local file as it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// What it must keep to be the same file; its size is the planned one.
    pub identity: FileIdentity,
    /// Bytes of every chunk but the last.
    pub chunk_size: u64,
    /// Number of chunks.
    pub chunks: u32,
    /// BLAKE3 of the whole content in lowercase hex, once it is known.
    pub fingerprint: Option<String>,
}

/// Where the content of a [`Post`] comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A local file.
    File(LocalFile),
    /// A URL, of which the journal keeps only the label and a hash: it may carry a signature.
    Url,
    /// URLs of photos, kept in the same way.
    Photos,
}

/// A post in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Its number, never given twice.
    pub number: PostNumber,
    /// `open_id` of the account.
    pub account: String,
    /// What people called the account when the post was made.
    pub username: Option<String>,
    /// Posted at once, or put into the inbox.
    pub mode: Mode,
    /// The user's own identity for the post.
    pub id: Option<String>,
    /// Where the content comes from.
    pub source: Source,
    /// The path or URL to show to people.
    pub label: String,
    /// A hash of all that its init says besides the source.
    pub settings: String,
    /// How often the same thing was asked for again before this post.
    pub repost: u32,
    /// The post that turned out to have the same content while this one was under way: this one was
    /// given up, and whoever looks for it finds that one.
    pub same_as: Option<PostNumber>,
    /// Not to be posted before.
    pub publish_at: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// The latest attempt: it alone tells where the post stands, for all earlier ones are dead.
    pub last: Option<Attempt>,
}

impl Post {
    /// Where the latest attempt stands. `None`: nothing was tried yet.
    pub fn phase(&self) -> Option<Phase> {
        self.last.as_ref().map(|attempt| attempt.phase)
    }

    /// How the content travels.
    pub fn transfer(&self) -> Transfer {
        match &self.source {
            Source::File(file) => Transfer::File { chunks: file.chunks },
            Source::Url | Source::Photos => Transfer::Pull,
        }
    }

    /// The file of the post, if it is one.
    pub fn file(&self) -> Option<&LocalFile> {
        match &self.source {
            Source::File(file) => Some(file),
            Source::Url | Source::Photos => None,
        }
    }

    /// Whether a new attempt may begin: no earlier one can still become a post, or was refused for
    /// good (invariant I1).
    pub fn may_begin(&self) -> bool {
        self.phase().is_none_or(allows_another)
    }

    /// Whether `--repost` makes another one: what is under way or unresolved could still become the
    /// post that is asked for, and what was never posted is simply tried again.
    pub fn may_repost(&self) -> bool {
        matches!(
            self.phase(),
            Some(
                Phase::Published
                    | Phase::Inboxed
                    | Phase::Failed(Failed::Final | Failed::AuthRemoved)
            )
        )
    }
}

/// Whether a new attempt may follow one in this phase.
pub(super) fn allows_another(phase: Phase) -> bool {
    phase.is_dead() && !matches!(phase, Phase::Failed(Failed::AuthRemoved | Failed::Final))
}

/// One attempt at a post: one init and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The post.
    pub post: PostNumber,
    /// Number of the attempt, from 1.
    pub number: u32,
    /// How the content travels.
    pub transfer: Transfer,
    /// Where it stands.
    pub phase: Phase,
    /// TikTok's name of the post.
    pub publish_id: Option<String>,
    /// Where the chunks go, as it rests: [`Journal::upload_url`](super::Journal::upload_url) reads it.
    /// Forgotten as soon as no chunk can follow.
    pub upload_url: Option<Secret>,
    /// When the init was sent that the `upload_url` came from: TikTok issued it no earlier.
    pub issued_at: Option<Timestamp>,
    /// TikTok's own clock when it answered that init; `None` if it did not say, or if an earlier
    /// version of this program recorded the attempt.
    pub issued_there: Option<Timestamp>,
    /// Ids of public posts.
    pub post_ids: Vec<u64>,
    /// Why it failed or was refused: TikTok's code, or ours.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// TikTok's id of the answer.
    pub log_id: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last recorded.
    pub updated_at: Timestamp,
}

/// What is recorded together with a phase. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// TikTok's name of the post.
    pub publish_id: Option<String>,
    /// Where the chunks go. Kept only while [`Phase::needs_url`].
    pub upload_url: Option<Secret>,
    /// When the init was sent that the `upload_url` came from.
    pub issued_at: Option<Timestamp>,
    /// TikTok's own clock when it answered that init.
    pub issued_there: Option<Timestamp>,
    /// BLAKE3 of the whole content in lowercase hex, due with [`Phase::FinalIntent`].
    pub fingerprint: Option<String>,
    /// Ids of public posts.
    pub post_ids: Vec<u64>,
    /// TikTok's code of a refusal or failure, or ours.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// TikTok's id of the answer.
    pub log_id: Option<String>,
}

/// A call that TikTok counts per minute and token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// One of the three inits: 6 a minute.
    Init,
    /// `creator_info`: 20 a minute.
    CreatorInfo,
    /// status/fetch: 30 a minute.
    Status,
}

/// A cap that TikTok said is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CapKind {
    /// `spam_risk_too_many_posts`: posts by API of one creator in 24 hours.
    Posts,
    /// `spam_risk_too_many_pending_share`: drafts of one creator that wait in the inbox.
    Drafts,
    /// `reached_active_user_cap`: creators of one app in 24 hours. Kept by account, as one that
    /// posted already may still be among them.
    ActiveUsers,
}

//! A post as the journal is asked for it and as it holds it, and its attempts.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use jiff::Timestamp;

use super::file::LocalFile;
use super::machine::{Failed, Phase, Transfer};
use super::mode::Mode;
use super::post::PostRef;
use super::source::{Source, SourceKind};
use crate::secret::Secret;

/// The short and stable number under which people know a post: `tiktok-up status 12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PostNumber(pub(crate) u32);

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
pub(crate) struct PostRequest {
    /// `open_id` of the account.
    pub(crate) account: String,
    /// What people call the account.
    pub(crate) username: Option<String>,
    /// Posted at once, or put into the inbox.
    pub(crate) mode: Mode,
    /// The user's own identity for the post.
    pub(crate) id: Option<String>,
    /// What is posted; a file as it was planned.
    pub(crate) source: Source<LocalFile>,
    /// The path or URL to show to people.
    pub(crate) label: String,
    /// A hash of all that its init says besides the source.
    pub(crate) settings: String,
    /// The caption of a direct post of a video, as TikTok gets it.
    pub(crate) caption: Option<String>,
    /// Not to be posted before.
    pub(crate) publish_at: Option<Timestamp>,
    /// Asks for another post of something that was posted, or refused for good. It does not touch a
    /// post that is under way or unresolved.
    pub(crate) repost: bool,
}

impl PostRequest {
    /// One that only asks which post a file is.
    pub(crate) fn of_file(account: &str, mode: Mode, id: Option<&str>, file: LocalFile) -> Self {
        Self {
            account: account.to_owned(),
            username: None,
            mode,
            id: id.map(str::to_owned),
            source: Source::File(file),
            label: String::new(),
            settings: String::new(),
            caption: None,
            publish_at: None,
            repost: false,
        }
    }
}

/// A post in the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedPost {
    /// Its number, never given twice.
    pub(crate) number: PostNumber,
    /// `open_id` of the account.
    pub(crate) account: String,
    /// What people called the account when the post was made.
    pub(crate) username: Option<String>,
    /// Posted at once, or put into the inbox.
    pub(crate) mode: Mode,
    /// The user's own identity for the post.
    pub(crate) id: Option<String>,
    /// Where the content comes from. Of URLs the journal keeps only the label and a hash: they may
    /// carry a signature.
    pub(crate) kind: SourceKind,
    /// The file, as it was planned, if the content comes from one.
    pub(crate) file: Option<LocalFile>,
    /// The machine that has the file, if it is another one: by its host name.
    pub(crate) elsewhere: Option<String>,
    /// The path or URL to show to people.
    pub(crate) label: String,
    /// A hash of all that its init says besides the source.
    pub(crate) settings: String,
    /// The caption of a direct post of a video, as TikTok gets it. Journals before version 5 do not have it.
    pub(crate) caption: Option<String>,
    /// How often the same thing was asked for again before this post.
    pub(crate) repost: u32,
    /// The post that turned out to have the same content while this one was under way: this one was
    /// given up, and whoever looks for it finds that one.
    pub(crate) same_as: Option<PostNumber>,
    /// Not to be posted before.
    pub(crate) publish_at: Option<Timestamp>,
    /// When it was recorded.
    pub(crate) created_at: Timestamp,
    /// The latest attempt: it alone tells where the post stands, for all earlier ones are dead.
    pub(crate) last: Option<Attempt>,
}

impl RecordedPost {
    /// How it is called when no manifest speaks of it.
    pub(crate) fn post_ref(&self) -> PostRef {
        let account = self.username.clone().unwrap_or_else(|| self.account.clone());
        PostRef { index: 0, account, video: self.label.clone() }
    }

    /// Whether it is of a file with a fingerprint (BLAKE3 in lowercase hex).
    pub(crate) fn is_of(&self, fingerprint: &str) -> bool {
        self.file.as_ref().and_then(|file| file.fingerprint.as_deref()) == Some(fingerprint)
    }

    /// Where the latest attempt stands. `None`: nothing was tried yet.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.last.as_ref().map(|attempt| attempt.phase)
    }

    /// How the content travels.
    pub(crate) fn transfer(&self) -> Transfer {
        match &self.file {
            Some(file) => Transfer::File { chunks: file.chunks },
            None => Transfer::Pull,
        }
    }

    /// Whether a new attempt may begin: no earlier one can still become a post, or was refused for
    /// good (invariant I1).
    pub(crate) fn may_begin(&self) -> bool {
        self.phase().is_none_or(Phase::allows_another)
    }

    /// Whether `--repost` makes another one: what is under way or unresolved could still become the
    /// post that is asked for, and what was never posted is simply tried again.
    pub(crate) fn may_repost(&self) -> bool {
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

/// One attempt at a post: one init and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// The post.
    pub(crate) post: PostNumber,
    /// Number of the attempt, from 1.
    pub(crate) number: u32,
    /// How the content travels.
    pub(crate) transfer: Transfer,
    /// Where it stands.
    pub(crate) phase: Phase,
    /// TikTok's name of the post.
    pub(crate) publish_id: Option<String>,
    /// Where the chunks go, as it rests, perhaps encrypted: the journal's `upload_url` reads it.
    /// Forgotten as soon as no chunk can follow.
    pub(crate) upload_url: Option<Secret>,
    /// When the init was sent that the `upload_url` came from: TikTok issued it no earlier.
    pub(crate) issued_at: Option<Timestamp>,
    /// TikTok's own clock when it answered that init; `None` if it did not say, or if an earlier
    /// version of this program recorded the attempt.
    pub(crate) issued_there: Option<Timestamp>,
    /// Ids of public posts.
    pub(crate) post_ids: Vec<u64>,
    /// Why it failed or was refused: TikTok's code, or ours.
    pub(crate) code: Option<String>,
    /// The same in words.
    pub(crate) message: Option<String>,
    /// TikTok's id of the answer.
    pub(crate) log_id: Option<String>,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// When it was last recorded.
    pub(crate) updated_at: Timestamp,
}

/// What is recorded together with a phase. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptUpdate {
    /// TikTok's name of the post.
    pub(crate) publish_id: Option<String>,
    /// Where the chunks go. Kept only while [`Phase::needs_url`].
    pub(crate) upload_url: Option<Secret>,
    /// When the init was sent that the `upload_url` came from.
    pub(crate) issued_at: Option<Timestamp>,
    /// TikTok's own clock when it answered that init.
    pub(crate) issued_there: Option<Timestamp>,
    /// BLAKE3 of the whole content in lowercase hex, due with [`Phase::FinalIntent`].
    pub(crate) fingerprint: Option<String>,
    /// Ids of public posts.
    pub(crate) post_ids: Vec<u64>,
    /// TikTok's code of a refusal or failure, or ours.
    pub(crate) code: Option<String>,
    /// The same in words.
    pub(crate) message: Option<String>,
    /// TikTok's id of the answer.
    pub(crate) log_id: Option<String>,
}

//! One post, from its init to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sha2::Sha256;

use super::plan::Plan;
use crate::accounts::{AccountNo, AppNo, Privacy};
use crate::clock::after;
use crate::faults::Outcome;
use crate::ids;
use crate::options::Options;

/// How long an `upload_url` lives.
const URL_LIFE: Duration = Duration::from_hours(1);

/// To the profile, or to the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Direct,
    Draft,
}

/// Where the content comes from.
#[derive(Debug)]
pub(crate) enum Media {
    /// A video in chunks.
    File(Box<Upload>),
    /// A video that TikTok fetches; here it fetches itself, with a size made up.
    Pull { url: String, size: u64 },
    /// Pictures that TikTok fetches.
    Photos { urls: Vec<String> },
}

/// A file on its way.
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(super) token: String,
    pub(crate) plan: Plan,
    /// Chunks that are there.
    pub(super) stored: u64,
    /// The hash of what is there.
    pub(super) hasher: Option<Sha256>,
    pub(crate) sha256: Option<String>,
    /// The file's first bytes.
    pub(super) head: Vec<u8>,
    /// Bytes of chunks on their way that are not stored yet, to be looked at.
    pub(super) in_flight: Arc<AtomicU64>,
}

impl Upload {
    pub(super) fn new(plan: Plan, hash: bool) -> Self {
        Self {
            id: ids::number().to_string(),
            token: ids::letters(40),
            plan,
            stored: 0,
            hasher: hash.then(Sha256::default),
            sha256: None,
            head: Vec::new(),
            in_flight: Arc::default(),
        }
    }

    /// The URL that its chunks go to.
    pub(super) fn url(&self, origin: &str) -> String {
        format!("{origin}/upload?upload_id={}&upload_token={}", self.id, self.token)
    }

    /// Bytes of the stored chunks.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.plan.bytes(self.stored)
    }

    /// Bytes that arrived, those of an unfinished chunk included.
    pub(crate) fn arrived(&self) -> u64 {
        (self.stored_bytes() + self.in_flight.load(Ordering::Relaxed)).min(self.plan.size)
    }

    fn is_video(&self) -> bool {
        is_container(&self.head)
    }
}

/// Leaves out the token and the hash's state.
impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("plan", &self.plan)
            .field("stored", &self.stored)
            .finish_non_exhaustive()
    }
}

/// Whether a file starts like MP4, MOV or `WebM`.
fn is_container(head: &[u8]) -> bool {
    let atoms: [&[u8]; 7] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];
    head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3])
        || head.get(4..8).is_some_and(|kind| atoms.contains(&kind))
}

/// A post.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) publish_id: String,
    pub(crate) app: AppNo,
    pub(crate) account: AccountNo,
    pub(crate) kind: Kind,
    pub(crate) media: Media,
    pub(crate) title: String,
    pub(crate) privacy: Option<Privacy>,
    pub(crate) created: Timestamp,
    /// When everything was there.
    pub(crate) complete: Option<Timestamp>,
    /// What becomes of it once it is there, other than success.
    pub(crate) outcome: Option<Outcome>,
    /// What it is from now on, whatever is there.
    pub(crate) forced: Option<Outcome>,
    /// What a person should know of the init.
    pub(crate) note: Option<String>,
    /// The id it has when it is public.
    public_id: i64,
}

/// What an init makes.
pub(super) struct NewPost {
    pub(super) app: AppNo,
    pub(super) account: AccountNo,
    pub(super) kind: Kind,
    pub(super) media: Media,
    pub(super) title: String,
    pub(super) privacy: Option<Privacy>,
    pub(super) outcome: Option<Outcome>,
    pub(super) note: Option<String>,
}

/// What `status/fetch` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) word: String,
    pub(crate) fail_reason: Option<String>,
    pub(crate) post_ids: Vec<i64>,
    pub(crate) uploaded: Option<u64>,
    pub(crate) downloaded: Option<u64>,
}

impl Status {
    fn word(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            fail_reason: None,
            post_ids: Vec::new(),
            uploaded: None,
            downloaded: None,
        }
    }

    pub(crate) fn is_processing(&self) -> bool {
        !matches!(self.word.as_str(), "PUBLISH_COMPLETE" | "SEND_TO_USER_INBOX" | "FAILED")
    }
}

impl Post {
    /// The post as it is at a moment.
    pub(crate) fn status(&self, now: Timestamp, rules: &Options) -> Status {
        let ready = match &self.media {
            Media::File(_) => self.complete.map(|at| after(at, rules.processing)),
            Media::Pull { .. } | Media::Photos { .. } => Some(after(self.created, rules.download)),
        };
        let told = self.outcome.as_ref().filter(|_| ready.is_some_and(|ready| ready <= now));
        let mut status = match (self.forced.as_ref().or(told), ready) {
            (Some(outcome), _) => self.told(outcome),
            (None, Some(ready)) if ready <= now => self.end(ready, now, rules),
            (None, _) => self.processing(),
        };
        if status.is_processing() {
            match &self.media {
                Media::File(upload) => {
                    let told = self.forced.as_ref().or(self.outcome.as_ref());
                    let told = told.and_then(|outcome| outcome.uploaded_bytes);
                    status.uploaded = Some(told.unwrap_or(upload.stored_bytes()));
                }
                Media::Pull { size, .. } => {
                    status.downloaded = Some(self.downloaded(*size, now, rules));
                }
                Media::Photos { .. } => {}
            }
        }
        status
    }

    fn processing(&self) -> Status {
        Status::word(match self.media {
            Media::File(_) => "PROCESSING_UPLOAD",
            Media::Pull { .. } | Media::Photos { .. } => "PROCESSING_DOWNLOAD",
        })
    }

    fn told(&self, outcome: &Outcome) -> Status {
        let public = self.privacy == Some(Privacy::PublicToEveryone);
        let ids = if outcome.status == "PUBLISH_COMPLETE" && public {
            vec![self.public_id]
        } else {
            Vec::new()
        };
        Status {
            fail_reason: outcome.fail_reason.clone(),
            post_ids: outcome.post_ids.clone().unwrap_or(ids),
            ..Status::word(&outcome.status)
        }
    }

    fn end(&self, ready: Timestamp, now: Timestamp, rules: &Options) -> Status {
        if matches!(&self.media, Media::File(upload) if !upload.is_video()) {
            let fail_reason = Some("file_format_check_failed".to_owned());
            return Status { fail_reason, ..Status::word("FAILED") };
        }
        if self.kind == Kind::Draft {
            return Status::word("SEND_TO_USER_INBOX");
        }
        let public = self.privacy == Some(Privacy::PublicToEveryone);
        let moderated = after(ready, rules.moderation) <= now;
        let post_ids = if public && moderated { vec![self.public_id] } else { Vec::new() };
        Status { post_ids, ..Status::word("PUBLISH_COMPLETE") }
    }

    fn downloaded(&self, size: u64, now: Timestamp, rules: &Options) -> u64 {
        let gone = now.duration_since(self.created).as_secs_f64().max(0.0);
        let whole = rules.download.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a made-up progress between 0 and the size"
        )]
        let bytes = (size as f64 * (gone / whole.max(0.001)).min(1.0)) as u64;
        bytes.min(size)
    }

    /// Whether a draft still waits for the creator.
    pub(super) fn is_pending(&self, now: Timestamp, rules: &Options) -> bool {
        !matches!(self.status(now, rules).word.as_str(), "PUBLISH_COMPLETE" | "FAILED")
    }

    /// Whether TikTok has come to know its `publish_id`.
    pub(super) fn is_known(&self, now: Timestamp, rules: &Options) -> bool {
        after(self.created, rules.publish_id_delay) <= now
    }

    pub(super) fn url_lives(&self, now: Timestamp) -> bool {
        now < after(self.created, URL_LIFE)
    }

    /// `public` posts as the account's profile shows them: id and when they appeared.
    pub(crate) fn shown(&self, now: Timestamp, rules: &Options) -> Vec<i64> {
        let status = self.status(now, rules);
        if status.word == "PUBLISH_COMPLETE" { status.post_ids } else { Vec::new() }
    }
}

/// All posts, by `publish_id`.
#[derive(Debug, Default)]
pub(crate) struct Posts {
    /// In the order of their inits.
    in_order: Vec<Post>,
    by_id: BTreeMap<String, usize>,
    by_upload: BTreeMap<String, usize>,
}

impl Posts {
    /// Adds a post and gives it its `publish_id`.
    pub(super) fn add(&mut self, new: NewPost, now: Timestamp) -> &Post {
        let prefix = match (&new.media, new.kind) {
            (Media::File(_), Kind::Direct) => "v_pub_file~v2-1",
            (Media::File(_), Kind::Draft) => "v_inbox_file~v2",
            (Media::Pull { .. }, Kind::Direct) => "v_pub_url~v2-1",
            (Media::Photos { .. }, Kind::Direct) => "p_pub_url~v2",
            (Media::Pull { .. } | Media::Photos { .. }, Kind::Draft) => "p_inbox_url~v2",
        };
        let post = Post {
            publish_id: format!("{prefix}.{}", ids::number()),
            app: new.app,
            account: new.account,
            kind: new.kind,
            media: new.media,
            title: new.title,
            privacy: new.privacy,
            created: now,
            complete: None,
            outcome: new.outcome,
            forced: None,
            note: new.note,
            public_id: ids::number(),
        };
        let at = self.in_order.len();
        self.by_id.insert(post.publish_id.clone(), at);
        if let Media::File(upload) = &post.media {
            self.by_upload.insert(upload.id.clone(), at);
        }
        self.in_order.push(post);
        &self.in_order[at]
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Post> {
        self.in_order.iter()
    }

    pub(crate) fn get(&self, publish_id: &str) -> Option<&Post> {
        self.by_id.get(publish_id).map(|at| &self.in_order[*at])
    }

    pub(crate) fn get_mut(&mut self, publish_id: &str) -> Option<&mut Post> {
        self.by_id.get(publish_id).map(|at| &mut self.in_order[*at])
    }

    /// The post of an upload URL, if both its id and its token are right.
    pub(super) fn of_upload(&mut self, id: &str, token: &str) -> Option<&mut Post> {
        let post = self.by_upload.get(id).map(|at| &mut self.in_order[*at])?;
        let right = matches!(&post.media, Media::File(upload) if upload.token == token);
        right.then_some(post)
    }

    pub(crate) fn publish_id_of_upload(&self, id: &str) -> Option<&str> {
        self.by_upload.get(id).map(|at| self.in_order[*at].publish_id.as_str())
    }

    pub(crate) fn account_of_upload(&self, id: &str) -> Option<AccountNo> {
        self.by_upload.get(id).map(|at| self.in_order[*at].account)
    }

    /// Everything of one person with one app that is under way fails.
    pub(crate) fn fail_running(
        &mut self,
        app: AppNo,
        account: AccountNo,
        reason: &str,
        now: Timestamp,
        rules: &Options,
    ) {
        for post in &mut self.in_order {
            if post.app == app && post.account == account && post.status(now, rules).is_processing()
            {
                let fail_reason = Some(reason.to_owned());
                let status = "FAILED".to_owned();
                post.forced = Some(Outcome { status, fail_reason, ..Outcome::default() });
            }
        }
    }
}

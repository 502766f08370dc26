//! What must be true before an init: scopes, room under TikTok's quotas of a day, the creator's current
//! options, the video's length.
//!
//! The quotas: <https://developers.tiktok.com/doc/content-sharing-guidelines>

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tiktok_open::{Code, CreatorInfo, Scopes};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::engine::calls::{CallError, Calls, INITS};
use crate::engine::events::{Progress, QuotaLeft, Warning};
use crate::engine::post::PreparedPost;
use crate::engine::status::poll;
use crate::engine::stop::StopReason;
use crate::limits::is_too_long;
use crate::model::{Mode, Phase, PostError, PostOutcome, QuotaKind, RecordedPost};
use crate::problem::{ErrorCode, ErrorKind, Problem};
use crate::store::StoreError;

/// How long a creator's options are taken as current.
const FRESH: Duration = Duration::from_mins(1);
/// Drafts that may wait in an inbox
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>).
const DRAFTS: u32 = 5;
/// The window of TikTok's quotas.
const DAY: Duration = Duration::from_hours(24);
/// How long TikTok is not asked again after it said that a quota is full.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Checks the posts of one account before their init.
pub(super) struct Preflight {
    calls: Arc<Calls>,
    scopes: Scopes,
    creator: Mutex<Option<(Instant, CreatorInfo)>>,
}

impl Preflight {
    pub(super) fn new(calls: Arc<Calls>, scopes: Scopes) -> Self {
        Self { calls, scopes, creator: Mutex::new(None) }
    }

    /// The profile's handle, once it is known.
    pub(super) async fn username(&self) -> Option<String> {
        self.creator.lock().await.as_ref().map(|(_, creator)| creator.username.clone())
    }

    /// Whether TikTok's options say that the account is private: only then they speak of followers.
    pub(super) async fn is_private(&self) -> bool {
        let creator = self.creator.lock().await;
        let offers = |level| {
            let options = creator.as_ref().map(|(_, creator)| &creator.privacy_level_options);
            options.is_some_and(|options| options.iter().any(|option| option == level))
        };
        offers("FOLLOWER_OF_CREATOR") && !offers("PUBLIC_TO_EVERYONE")
    }

    /// Checks a post against the scopes, the quotas and, in direct mode, against the creator's freshest
    /// options. Drafts need neither the scope nor the call.
    pub(super) async fn check(&self, post: &PreparedPost) -> Result<(), StopReason> {
        self.check_behind(post, 0).await
    }

    /// As [`Self::check`], for a post before which so many drafts will have been made that the journal does
    /// not know yet.
    pub(super) async fn check_behind(
        &self,
        post: &PreparedPost,
        drafts: u32,
    ) -> Result<(), StopReason> {
        let scope = post.asked.mode.scope();
        if !self.scopes.has(scope) {
            let post_error = Box::new(scope_missing(scope));
            return Err(StopReason::Unfit { post_error, kind: ErrorKind::Login });
        }
        self.check_quota(post, drafts).await?;
        if post.asked.mode == Mode::Draft {
            return Ok(());
        }
        let mut known = self.creator.lock().await;
        let fresh = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH);
        let creator = if let Some((_, creator)) = fresh {
            creator.clone()
        } else {
            let creator = self.calls.creator_info(&post.post_ref).await?;
            let nickname = creator.nickname.clone();
            self.calls.events.progress(&post.post_ref, Progress::Creator { nickname });
            known.insert((Instant::now(), creator)).1.clone()
        };
        if let Some(post_error) = mismatch(post, &creator) {
            return Err(unfit(post_error));
        }
        let Some((lasts, limit)) = too_long(post, &creator) else { return Ok(()) };
        if post.asked.skip_media_check {
            let warning = Progress::Warning(Warning::TooLong { lasts, limit });
            self.calls.events.progress(&post.post_ref, warning);
            return Ok(());
        }
        Err(unfit(length_refused(lasts, limit)))
    }

    /// Checks the quotas that the journal knows to be full. TikTok is not asked for what it would refuse.
    async fn check_quota(&self, post: &PreparedPost, behind: u32) -> Result<(), StopReason> {
        let Calls { journal, account, .. } = &*self.calls;
        for kind in quotas_of(post.asked.mode) {
            if let Some(until) = journal.quota_full_until(account, kind).await? {
                return Err(StopReason::QuotaFull { code: code_of(kind), until });
            }
        }
        let draft_room = async || match DRAFTS.saturating_sub(behind) {
            0 => Ok(self.calls.clock.now().checked_add(DAY).ok()),
            room => journal.next_draft(account, room, DAY).await,
        };
        if post.asked.mode == Mode::Draft && draft_room().await?.is_some() {
            self.ask_for_drafts(post).await?;
            if let Some(until) = draft_room().await? {
                if behind > 0 {
                    let pending = journal.pending_drafts(account, DAY).await?;
                    return Err(StopReason::DraftsAhead {
                        most: DRAFTS,
                        ahead: behind,
                        pending,
                        until,
                    });
                }
                return Err(StopReason::QuotaFull { code: code_of(QuotaKind::Drafts), until });
            }
        }
        Ok(())
    }

    /// A draft that its creator has finished in the app makes room.
    async fn ask_for_drafts(&self, post: &PreparedPost) -> Result<(), StopReason> {
        let waiting = |row: &RecordedPost| {
            row.account == self.calls.account
                && row.mode == Mode::Draft
                && row.phase() == Some(Phase::Inboxed)
        };
        let rows = self.calls.journal.all().await?;
        let latest = rows.into_iter().rev().filter(waiting).take(DRAFTS as usize);
        for row in latest {
            match poll(&self.calls, &post.post_ref, row).await {
                // One that cannot be asked for counts as waiting.
                Ok(_) | Err(CallError::Api(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// If TikTok just said that a quota is full, the journal remembers it for a while: from when on it is
    /// asked again, as there may be room.
    pub(super) async fn remember_full_quota(&self, outcome: &PostOutcome) -> Option<Timestamp> {
        let code = outcome.post_error.as_ref()?.theirs.as_ref()?;
        let kinds = [QuotaKind::Posts, QuotaKind::Drafts, QuotaKind::ActiveUsers];
        let kind = kinds.into_iter().find(|kind| code_of(*kind) == *code)?;
        let now = self.calls.clock.now();
        let ask_again = now.saturating_add(ASK_AGAIN).unwrap_or(now);
        let room = self.room_at(kind).await.filter(|at| *at > now).unwrap_or(ask_again);
        // What cannot be remembered is asked again; the post itself is recorded.
        let until = room.min(ask_again);
        _ = self.calls.journal.set_quota_full(&self.calls.account, kind, until).await;
        Some(until)
    }

    /// When the oldest post that fills a quota leaves its window, as far as the journal knows: a time for
    /// the report, so one that cannot be read now is none.
    async fn room_at(&self, kind: QuotaKind) -> Option<Timestamp> {
        let day = SignedDuration::try_from(DAY).ok()?;
        let Calls { journal, account, .. } = &*self.calls;
        match kind {
            QuotaKind::Posts => {
                let since = self.calls.clock.now().checked_sub(day).ok()?;
                let rows = journal.all().await.ok()?.into_iter();
                let ours = rows.filter(|row| row.account == *account && row.mode == Mode::Direct);
                let made = ours.filter_map(|row| row.last).filter(|last| !last.phase.is_dead());
                let oldest = made.map(|last| last.created_at).filter(|at| *at > since).min()?;
                oldest.checked_add(day).ok()
            }
            QuotaKind::Drafts => {
                // TikTok takes fewer than all that are pending: the first of them to end makes room.
                let pending = journal.pending_drafts(account, DAY).await.ok()?;
                journal.next_draft(account, pending.max(1), DAY).await.ok()?
            }
            QuotaKind::ActiveUsers => None,
        }
    }

    /// What TikTok's limits leave to the account, for posts of these modes, of which none has met a limit of
    /// a day before that time. `waiting`: the drafts that the manifest's others leave no room for.
    pub(super) async fn quota_left(
        &self,
        account: &str,
        modes: &[Mode],
        full_until: Option<Timestamp>,
        waiting: Vec<usize>,
    ) -> Result<QuotaLeft, StoreError> {
        let Calls { journal, account: open_id, .. } = &*self.calls;
        let drafts = if modes.contains(&Mode::Draft) {
            Some(DRAFTS.saturating_sub(journal.pending_drafts(open_id, DAY).await?))
        } else {
            None
        };
        Ok(QuotaLeft {
            account: account.to_owned(),
            inits: self.calls.inits_left().await?,
            inits_a_minute: INITS,
            drafts,
            drafts_a_day: DRAFTS,
            full_until,
            waiting,
            has_room: !modes.is_empty(),
        })
    }
}

/// The quotas that a post of this mode meets.
fn quotas_of(mode: Mode) -> [QuotaKind; 2] {
    let creators = match mode {
        Mode::Direct => QuotaKind::Posts,
        Mode::Draft => QuotaKind::Drafts,
    };
    [creators, QuotaKind::ActiveUsers]
}

/// TikTok's code for a full quota.
fn code_of(kind: QuotaKind) -> Code {
    match kind {
        QuotaKind::Posts => Code::TooManyPosts,
        QuotaKind::Drafts => Code::TooManyPendingShares,
        QuotaKind::ActiveUsers => Code::ActiveUserCap,
    }
}

fn scope_missing(scope: &str) -> PostError {
    PostError::new(
        ErrorCode::ScopeNotAuthorized,
        format!("the account did not grant the scope `{scope}`"),
        Problem::new(ErrorCode::ScopeNotGranted).with("scope", scope),
    )
}

/// Whether a post asks for what the creator does not offer now.
fn mismatch(post: &PreparedPost, creator: &CreatorInfo) -> Option<PostError> {
    let wanted = post.asked.effective_privacy().as_str();
    let offered = &creator.privacy_level_options;
    if offered.iter().any(|level| level == wanted) {
        return None;
    }
    Some(PostError::new(
        ErrorCode::PrivacyLevelMismatch,
        format!("the account does not offer the privacy level {wanted} now"),
        Problem::new(ErrorCode::PrivacyNotOffered).with("offered", offered.join(", ")),
    ))
}

/// How long a video lasts that is longer than the creator may post, and how long it may be: of direct
/// posts, nothing else limits it.
fn too_long(post: &PreparedPost, creator: &CreatorInfo) -> Option<(Duration, Duration)> {
    let lasts = post.checked_file()?.media.duration?;
    let limit = creator.max_video_duration?;
    is_too_long(lasts, limit).filter(|certainly| *certainly).map(|_| (lasts, limit))
}

fn length_refused(lasts: Duration, limit: Duration) -> PostError {
    PostError::new(
        ErrorCode::FailedDuration,
        format!(
            "the video lasts {:.1} s, and this creator may post up to {} s",
            lasts.as_secs_f64(),
            limit.as_secs()
        ),
        ErrorCode::VideoTooLong,
    )
}

/// That the creator may not post this now.
fn unfit(post_error: PostError) -> StopReason {
    StopReason::Unfit { post_error: Box::new(post_error), kind: ErrorKind::Final }
}

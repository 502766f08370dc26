//! Caps that last for a day: what the journal knows to be full, and until when.
//!
//! <https://developers.tiktok.com/doc/content-sharing-guidelines>

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tiktok_open::Code;

use crate::model::{Mode, Phase, PostOutcome, QuotaKind, RecordedPost};
use crate::upload::account::{AccountRun, Halted};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::leave::Leave;
use crate::upload::poll::poll;
use crate::upload::post::PreparedPost;

/// Drafts that may wait in an inbox
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>).
const DRAFTS: u32 = 5;
/// The window of TikTok's caps.
const DAY: Duration = Duration::from_hours(24);
/// How long TikTok is not asked again after it said that a cap is full.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

impl QuotaKind {
    /// The caps that a post of this mode meets.
    pub(super) fn of(mode: Mode) -> impl Iterator<Item = Self> {
        let creators = match mode {
            Mode::Direct => Self::Posts,
            Mode::Draft => Self::Drafts,
        };
        [creators, Self::ActiveUsers].into_iter()
    }

    /// TikTok's code for a full cap.
    pub(super) fn code(self) -> Code {
        match self {
            Self::Posts => Code::TooManyPosts,
            Self::Drafts => Code::TooManyPendingShares,
            Self::ActiveUsers => Code::ActiveUserCap,
        }
    }
}

/// Checks the caps that the journal knows to be full. TikTok is not asked for what it would refuse.
pub(super) async fn has_room<A: Authority>(
    calls: &Calls<'_, A>,
    post: &PreparedPost,
) -> Result<(), Leave> {
    let Calls { journal, account, .. } = *calls;
    for kind in QuotaKind::of(post.asked.mode) {
        if let Some(until) = journal.quota_full_until(account, kind)? {
            return Err(Leave::Capped { code: kind.code(), until });
        }
    }
    let draft_room = || journal.next_draft(account, DRAFTS, DAY);
    if post.asked.mode == Mode::Draft && draft_room()?.is_some() {
        ask_for_drafts(calls, post).await?;
        if let Some(until) = draft_room()? {
            return Err(Leave::Capped { code: QuotaKind::Drafts.code(), until });
        }
    }
    Ok(())
}

/// A draft that its creator has finished in the app makes room.
async fn ask_for_drafts<A: Authority>(
    calls: &Calls<'_, A>,
    post: &PreparedPost,
) -> Result<(), Leave> {
    let waiting = |row: &RecordedPost| {
        row.account == calls.account
            && row.mode == Mode::Draft
            && row.phase() == Some(Phase::Inboxed)
    };
    let rows = calls.journal.all()?;
    let latest = rows.into_iter().rev().filter(waiting).take(DRAFTS as usize);
    for row in latest {
        match poll(calls, &post.subject, row).await {
            // One that cannot be asked for counts as waiting.
            Ok(_) | Err(CallError::Api(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl<A: Authority> AccountRun<'_, A> {
    /// If TikTok just said that a cap is full, the journal remembers it for a while, and the report
    /// tells when there may be room again.
    pub(super) fn remember_cap(
        &self,
        report: PostOutcome,
        halted: Option<Halted>,
    ) -> (PostOutcome, Option<Halted>) {
        let code = report.trouble.as_ref().map(|trouble| Code::from(trouble.code.as_str()));
        let kinds = [QuotaKind::Posts, QuotaKind::Drafts, QuotaKind::ActiveUsers];
        let kind = kinds.into_iter().find(|kind| Some(kind.code()) == code);
        let (Some(kind), None, Some(halted)) = (kind, report.at, &halted) else {
            return (report, halted);
        };
        let now = self.options.clock.now();
        let ask_again = now.saturating_add(ASK_AGAIN).unwrap_or(now);
        let room = self.room_at(kind).filter(|at| *at > now).unwrap_or(ask_again);
        // What cannot be remembered is asked again; the post itself is recorded.
        _ = self.calls.journal.set_quota_full(self.calls.account, kind, room.min(ask_again));
        (PostOutcome { at: Some(room), ..report }, Some(halted.clone().until(room)))
    }

    /// When the oldest post that fills a cap leaves its window, as far as the journal knows: a time for
    /// the report, so one that cannot be read now is none.
    fn room_at(&self, kind: QuotaKind) -> Option<Timestamp> {
        let day = SignedDuration::try_from(DAY).ok()?;
        let journal = self.calls.journal;
        match kind {
            QuotaKind::Posts => {
                let since = self.options.clock.now().checked_sub(day).ok()?;
                let rows = journal.all().ok()?.into_iter();
                let ours = rows
                    .filter(|row| row.account == self.calls.account && row.mode == Mode::Direct);
                let made = ours.filter_map(|row| row.last).filter(|last| !last.phase.is_dead());
                let oldest = made.map(|last| last.created_at).filter(|at| *at > since).min()?;
                oldest.checked_add(day).ok()
            }
            QuotaKind::Drafts => journal.next_draft(self.calls.account, 1, DAY).ok()?,
            QuotaKind::ActiveUsers => None,
        }
    }
}

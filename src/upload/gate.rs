//! What must be true before an init: scopes, room under the caps, the creator's current options, the
//! video's length.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::journal::{CapKind, Post as Row};
use crate::manifest::Mode;
use crate::tiktok::{Code, CreatorInfo, Scopes};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::engine::Leave;
use crate::upload::poll::poll;
use crate::upload::post::{Content, Post};
use crate::upload::report::{Progress, Trouble};
use crate::upload::state::Phase;

/// How long a creator's options are taken as current.
const FRESH: Duration = Duration::from_mins(1);
/// Drafts that may wait in an inbox
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>).
const DRAFTS: u32 = 5;
/// The window of TikTok's caps.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Lets posts of one account pass to their init.
pub(super) struct Gate<'a, A> {
    calls: &'a Calls<'a, A>,
    scopes: &'a Scopes,
    creator: Mutex<Option<(Instant, CreatorInfo)>>,
}

impl<'a, A: Authority> Gate<'a, A> {
    pub(super) fn new(calls: &'a Calls<'a, A>, scopes: &'a Scopes) -> Self {
        Self { calls, scopes, creator: Mutex::new(None) }
    }

    /// The profile's handle, once it is known.
    pub(super) async fn username(&self) -> Option<String> {
        self.creator.lock().await.as_ref().map(|(_, creator)| creator.username.clone())
    }

    /// Checks a post against the scopes and, in direct mode, against the creator's freshest options.
    /// Drafts need neither the scope nor the call.
    pub(super) async fn admit(&self, post: &Post) -> Result<(), Leave> {
        let scope = post.scope();
        if !self.scopes.has(scope) {
            return Err(Leave::Unfit { trouble: scope_missing(scope), exit: Exit::Login });
        }
        self.has_room(post).await?;
        if post.mode == Mode::Draft {
            return Ok(());
        }
        let mut known = self.creator.lock().await;
        let fresh = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH);
        let creator = if let Some((_, creator)) = fresh {
            creator.clone()
        } else {
            let creator = self.calls.creator_info(&post.subject).await?;
            let nickname = creator.nickname.clone();
            self.calls.reporter.progress(&post.subject, &Progress::Creator { nickname });
            known.insert((Instant::now(), creator)).1.clone()
        };
        match unfit(post, &creator) {
            Some(trouble) => Err(Leave::Unfit { trouble, exit: Exit::Failed }),
            None => Ok(()),
        }
    }
}

impl<A: Authority> Gate<'_, A> {
    /// Checks the caps that the journal knows to be full. TikTok is not asked for what it would refuse.
    async fn has_room(&self, post: &Post) -> Result<(), Leave> {
        let Calls { journal, account, .. } = *self.calls;
        for kind in CapKind::of(post.mode) {
            if let Some(until) = journal.cap(account, kind)? {
                return Err(Leave::Capped { code: kind.code(), until });
            }
        }
        let draft_room = || journal.next_draft(account, DRAFTS, DAY);
        if post.mode == Mode::Draft && draft_room()?.is_some() {
            self.ask_for_drafts(post).await?;
            if let Some(until) = draft_room()? {
                return Err(Leave::Capped { code: CapKind::Drafts.code(), until });
            }
        }
        Ok(())
    }

    /// A draft that its creator has finished in the app makes room.
    async fn ask_for_drafts(&self, post: &Post) -> Result<(), Leave> {
        let waiting = |row: &Row| {
            row.account == self.calls.account
                && row.mode == Mode::Draft
                && row.phase() == Some(Phase::Inboxed)
        };
        let rows = self.calls.journal.all()?;
        let latest = rows.into_iter().rev().filter(waiting).take(DRAFTS as usize);
        for row in latest {
            match poll(self.calls, &post.subject, row).await {
                // One that cannot be asked for counts as waiting.
                Ok(_) | Err(CallError::Api(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl CapKind {
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

fn scope_missing(scope: &str) -> Trouble {
    Trouble {
        code: "scope_not_authorized".into(),
        message: format!("the account did not grant the scope `{scope}`"),
        hint: Some(format!(
            "run `tiktok-up login` again and leave `{scope}` switched on in TikTok's consent page"
        )),
        retryable: false,
        log_id: None,
    }
}

/// Why a creator may not post this now.
fn unfit(post: &Post, creator: &CreatorInfo) -> Option<Trouble> {
    let wanted = post.settings.privacy.as_str();
    let offered = &creator.privacy_level_options;
    if !offered.iter().any(|level| level == wanted) {
        return Some(Trouble {
            code: "privacy_level_option_mismatch".into(),
            message: format!("the account does not offer the privacy level {wanted} now"),
            hint: Some(format!("it offers {}", offered.join(", "))),
            retryable: false,
            log_id: None,
        });
    }
    let Content::File { duration: Some(length), .. } = &post.content else { return None };
    let longest = creator.max_video_duration.filter(|longest| length > longest)?;
    Some(Trouble {
        code: "duration_check_failed".into(),
        message: format!(
            "the video lasts {:.1} s, and this creator may post up to {} s",
            length.as_secs_f64(),
            longest.as_secs()
        ),
        hint: Some("shorten the video".into()),
        retryable: false,
        log_id: None,
    })
}

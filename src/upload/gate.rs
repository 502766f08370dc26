//! What must be true before an init: scopes, room under the caps, the creator's current options, the
//! video's length.

use std::time::Duration;

use tiktok_open::{CreatorInfo, Scopes};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::limits::is_too_long;
use crate::model::{Mode, PostError};
use crate::upload::calls::{Authority, Calls};
use crate::upload::cap::has_room;
use crate::upload::leave::Leave;
use crate::upload::post::PreparedPost;
use crate::upload::report::Progress;

/// How long a creator's options are taken as current.
const FRESH: Duration = Duration::from_mins(1);

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
    pub(super) async fn admit(&self, post: &PreparedPost) -> Result<(), Leave> {
        let scope = post.asked.mode.scope();
        if !self.scopes.has(scope) {
            return Err(Leave::Unfit { trouble: scope_missing(scope), exit: Exit::Login });
        }
        has_room(self.calls, post).await?;
        if post.asked.mode == Mode::Draft {
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

fn scope_missing(scope: &str) -> PostError {
    PostError {
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
fn unfit(post: &PreparedPost, creator: &CreatorInfo) -> Option<PostError> {
    let wanted = post.asked.effective_privacy().as_str();
    let offered = &creator.privacy_level_options;
    if !offered.iter().any(|level| level == wanted) {
        return Some(PostError {
            code: "privacy_level_option_mismatch".into(),
            message: format!("the account does not offer the privacy level {wanted} now"),
            hint: Some(format!("it offers {}", offered.join(", "))),
            retryable: false,
            log_id: None,
        });
    }
    let length = post.checked_file()?.duration?;
    let longest = creator.max_video_duration?;
    is_too_long(length, longest).filter(|certainly| *certainly)?;
    Some(PostError {
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

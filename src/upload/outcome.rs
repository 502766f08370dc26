//! From phases and reasons to leave, to what a post reports.

use std::time::Duration;

use tokio::time::Instant;

use crate::exit::Exit;
use crate::model::{
    Attempt, Failed, Phase, PostError, PostOutcome, PostState, RecordedPost, Transfer,
};
use crate::upload::leave::Leave;
use crate::upload::post::PreparedPost;

/// What is known about a post when its run ends.
pub(super) struct PostSnapshot<'a> {
    pub(super) post: &'a PreparedPost,
    pub(super) row: Option<&'a RecordedPost>,
    pub(super) attempt: Option<&'a Attempt>,
    pub(super) post_ids: &'a [u64],
    /// The handle of the profile, for the post's address.
    pub(super) username: Option<&'a str>,
    pub(super) took: Duration,
}

impl<'a> PostSnapshot<'a> {
    /// Nothing but the post itself.
    pub(super) fn new(post: &'a PreparedPost, started: Instant) -> Self {
        let took = started.elapsed();
        Self { post, row: None, attempt: None, post_ids: &[], username: None, took }
    }

    pub(super) fn report(&self, state: PostState, exit: Exit) -> PostOutcome {
        let post_ids = if self.post_ids.is_empty() {
            self.attempt.map(|attempt| attempt.post_ids.clone()).unwrap_or_default()
        } else {
            self.post_ids.to_vec()
        };
        let url = self.username.filter(|name| !name.is_empty()).and_then(|name| {
            post_ids.first().map(|id| format!("https://www.tiktok.com/@{name}/video/{id}"))
        });
        PostOutcome {
            subject: self.post.subject.clone(),
            state,
            publish_id: self.attempt.and_then(|attempt| attempt.publish_id.clone()),
            post_ids,
            url,
            bytes: self.row.and_then(|row| row.file.as_ref()).map_or(0, |file| file.identity.size),
            took: self.took,
            at: None,
            note: None,
            trouble: None,
            exit,
        }
    }

    /// The report of a post that is over, by its last phase.
    pub(super) fn over(
        &self,
        phase: Phase,
        trouble: Option<&PostError>,
        exit: Option<Exit>,
    ) -> PostOutcome {
        let plain = |state| self.report(state, Exit::Done);
        let failed = |exit: Exit| PostOutcome {
            trouble: trouble.cloned().or_else(|| self.recorded_trouble(phase)),
            ..self.report(PostState::Failed, exit)
        };
        match phase {
            Phase::Published => plain(PostState::Published),
            Phase::Inboxed => plain(PostState::Inbox),
            Phase::Unresolved => PostOutcome {
                trouble: Some(self.unresolved()),
                ..self.report(PostState::Unresolved, Exit::Unknown)
            },
            Phase::Rejected if exit == Some(Exit::Temporary) => PostOutcome {
                trouble: trouble.cloned(),
                ..self.report(PostState::Deferred, Exit::Temporary)
            },
            Phase::Failed(Failed::AuthRemoved) => failed(Exit::Login),
            _ => failed(exit.unwrap_or(Exit::Failed)),
        }
    }

    pub(super) fn number(&self) -> String {
        self.row.map_or_else(|| "POST".to_owned(), |row| row.number.to_string())
    }

    fn unresolved(&self) -> PostError {
        let number = self.number();
        PostError {
            code: "outcome_unknown".into(),
            message: "it is unknown whether TikTok posted it; it is not sent again".into(),
            hint: Some(format!(
                "look at the profile, then run `tiktok-up resolve {number} --posted` or \
                 `tiktok-up resolve {number} --not-posted`"
            )),
            retryable: false,
            log_id: None,
        }
    }

    /// The reason that the journal has, for a post that failed in an earlier run.
    fn recorded_trouble(&self, phase: Phase) -> Option<PostError> {
        let attempt = self.attempt?;
        let hint = match phase {
            Phase::Failed(_) => retry_hint(&self.number()),
            _ => "run the same command again".to_owned(),
        };
        Some(PostError {
            code: attempt.code.clone().unwrap_or_else(|| "failed".into()),
            message: attempt.message.clone().unwrap_or_else(|| "failed in an earlier run".into()),
            hint: Some(hint),
            retryable: false,
            log_id: attempt.log_id.clone(),
        })
    }

    /// The report of a post that the run had to leave where it is.
    pub(super) fn left(&self, leave: &Leave) -> PostOutcome {
        let phase = self.attempt.map(|attempt| attempt.phase);
        let exit = leave.exit(phase);
        let open = phase.is_some_and(|phase| !phase.is_over());
        let state = match (leave, open, exit) {
            (Leave::Unrecorded { phase: Phase::Published, .. }, ..) => PostState::Published,
            (Leave::Unrecorded { phase: Phase::Inboxed, .. }, ..) => PostState::Inbox,
            (_, true, _) => PostState::Processing,
            (_, false, Exit::Temporary | Exit::Signal(_)) => PostState::Deferred,
            (_, false, _) => PostState::Failed,
        };
        let (mut trouble, at) = (leave.trouble(self), leave.again_at());
        if exit == Exit::Login {
            trouble = self.warn_of_doubles(trouble);
        }
        PostOutcome { trouble: Some(trouble), at, ..self.report(state, exit) }
    }

    /// Says beside the trouble that a post may be there already.
    pub(super) fn warn_of_doubles(&self, trouble: PostError) -> PostError {
        if !self.may_be_live() {
            return trouble;
        }
        let hint = trouble.hint.map(|hint| format!("{hint}; ")).unwrap_or_default();
        let hint = format!(
            "{hint}then run the same command again: the post may be live, and it is not sent twice"
        );
        PostError { hint: Some(hint), ..trouble }
    }

    /// Whether TikTok may have everything already.
    pub(super) fn may_be_live(&self) -> bool {
        let pulled = self.attempt.is_some_and(|attempt| attempt.transfer == Transfer::Pull);
        match self.attempt.map(|attempt| attempt.phase) {
            Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
            Some(Phase::Open { .. }) => pulled,
            _ => false,
        }
    }
}

/// How a post that failed for good is tried again.
pub(super) fn retry_hint(number: &str) -> String {
    format!(
        "once the cause is mended, `tiktok-up resolve {number} --not-posted` lets the next run try it \
         again"
    )
}

//! From phases and reasons to leave, to what a post reports.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::exit::{Exit, Explain};
use crate::journal;
use crate::text;
use crate::upload::calls::{CallError, chain};
use crate::upload::engine::Leave;
use crate::upload::post::Post;
use crate::upload::report::{PostReport, PostState, Trouble};
use crate::upload::state::{Failed, Phase};

/// What is known about a post when its run ends.
pub(super) struct Known<'a> {
    pub(super) post: &'a Post,
    pub(super) row: Option<&'a journal::Post>,
    pub(super) attempt: Option<&'a journal::Attempt>,
    pub(super) post_ids: &'a [u64],
    /// The handle of the profile, for the post's address.
    pub(super) username: Option<&'a str>,
    pub(super) took: Duration,
}

impl<'a> Known<'a> {
    /// Nothing but the post itself.
    pub(super) fn new(post: &'a Post, started: Instant) -> Self {
        let took = started.elapsed();
        Self { post, row: None, attempt: None, post_ids: &[], username: None, took }
    }

    pub(super) fn report(&self, state: PostState, exit: Exit) -> PostReport {
        let post_ids = if self.post_ids.is_empty() {
            self.attempt.map(|attempt| attempt.post_ids.clone()).unwrap_or_default()
        } else {
            self.post_ids.to_vec()
        };
        let url = self.username.filter(|name| !name.is_empty()).and_then(|name| {
            post_ids.first().map(|id| format!("https://www.tiktok.com/@{name}/video/{id}"))
        });
        PostReport {
            subject: self.post.subject.clone(),
            state,
            publish_id: self.attempt.and_then(|attempt| attempt.publish_id.clone()),
            post_ids,
            url,
            bytes: self.row.and_then(journal::Post::file).map_or(0, |file| file.identity.size),
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
        trouble: Option<&Trouble>,
        exit: Option<Exit>,
    ) -> PostReport {
        let plain = |state| self.report(state, Exit::Done);
        let failed = |exit: Exit| PostReport {
            trouble: trouble.cloned().or_else(|| self.recorded_trouble(phase)),
            ..self.report(PostState::Failed, exit)
        };
        match phase {
            Phase::Published => plain(PostState::Published),
            Phase::Inboxed => plain(PostState::Inbox),
            Phase::Unresolved => PostReport {
                trouble: Some(self.unresolved()),
                ..self.report(PostState::Unresolved, Exit::Unknown)
            },
            Phase::Rejected if exit == Some(Exit::Temporary) => PostReport {
                trouble: trouble.cloned(),
                ..self.report(PostState::Deferred, Exit::Temporary)
            },
            Phase::Failed(Failed::AuthRemoved) => failed(Exit::Login),
            _ => failed(exit.unwrap_or(Exit::Failed)),
        }
    }

    fn number(&self) -> String {
        self.row.map_or_else(|| "POST".to_owned(), |row| row.number.to_string())
    }

    fn unresolved(&self) -> Trouble {
        let number = self.number();
        Trouble {
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
    fn recorded_trouble(&self, phase: Phase) -> Option<Trouble> {
        let attempt = self.attempt?;
        let hint = match phase {
            Phase::Failed(_) => "`--repost` starts it over once the cause is mended",
            _ => "run the same command again",
        };
        Some(Trouble {
            code: attempt.code.clone().unwrap_or_else(|| "failed".into()),
            message: attempt.message.clone().unwrap_or_else(|| "failed in an earlier run".into()),
            hint: Some(hint.into()),
            retryable: false,
            log_id: attempt.log_id.clone(),
        })
    }

    /// The report of a post that the run had to leave where it is.
    pub(super) fn left(&self, leave: &Leave) -> PostReport {
        let exit = leave.exit(self.attempt.map(|attempt| attempt.phase));
        let open = self.attempt.is_some_and(|attempt| !attempt.phase.is_over());
        let state = match (open, exit) {
            (true, _) => PostState::Processing,
            (false, Exit::Temporary | Exit::Interrupted | Exit::Terminated) => PostState::Deferred,
            (false, _) => PostState::Failed,
        };
        let at = leave.again_at();
        PostReport { trouble: Some(leave.trouble()), at, ..self.report(state, exit) }
    }
}

impl Leave {
    fn exit(&self, phase: Option<Phase>) -> Exit {
        match self {
            Self::Call(error) => error.exit(),
            Self::Journal(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Interrupted(signal) => signal.exit(),
            Self::Unfit { exit, .. } => *exit,
            Self::OutOfStep if matches!(phase, Some(Phase::FinalIntent { .. })) => Exit::Unknown,
            Self::ChunkRefused { .. } | Self::NoMoreAttempts { next: None } => Exit::Failed,
            Self::OutOfStep
            | Self::StillProcessing
            | Self::WaitingForProof { .. }
            | Self::ChunkFailed { .. }
            | Self::TooSlow { .. }
            | Self::NoMoreAttempts { next: Some(_) } => Exit::Temporary,
        }
    }

    fn again_at(&self) -> Option<Timestamp> {
        match self {
            Self::WaitingForProof { from } => Some(*from),
            Self::NoMoreAttempts { next } => *next,
            _ => None,
        }
    }

    fn trouble(&self) -> Trouble {
        let again = "run the same command again to go on";
        let (code, message, hint) = match self {
            Self::Call(error) => return error.trouble(),
            Self::Unfit { trouble, .. } => return trouble.clone(),
            Self::Journal(error) => {
                let message = format!("could not record a step: {}", chain(error));
                ("journal", message, error.hint())
            }
            Self::File(error) if error.is_missing() => (
                "file_gone",
                format!("{}; it was not posted", chain(error)),
                Some("put the file back, or take the post out of the manifest".into()),
            ),
            Self::File(error) => ("file", chain(error), error.hint()),
            Self::Interrupted(_) => ("interrupted", "interrupted".into(), Some(again.into())),
            Self::StillProcessing => (
                "processing",
                "TikTok is still working on it; nothing failed".into(),
                Some("`tiktok-up status` or the same command tells later how it ended".into()),
            ),
            Self::WaitingForProof { from } => (
                "waiting_for_proof",
                format!("only after {from} can be proved that the last chunk did not arrive"),
                Some("it is not sent again before that; run the same command then".into()),
            ),
            Self::ChunkFailed { why } => {
                ("chunk_failed", format!("a chunk failed too often: {why}"), Some(again.into()))
            }
            Self::OutOfStep => (
                "out_of_step",
                "TikTok and this program disagree about the bytes that arrived".into(),
                Some(again.into()),
            ),
            Self::ChunkRefused { status } => (
                "chunk_refused",
                format!("TikTok refused a chunk as malformed (HTTP {status})"),
                Some("please report this with the file's size".into()),
            ),
            Self::TooSlow { needs } => (
                "too_slow",
                "the upload did not finish within the hour that TikTok gives it".into(),
                Some(format!("it needs at least {needs:.1} Mbit/s")),
            ),
            Self::NoMoreAttempts { next: Some(next) } => (
                "too_many_attempts",
                "two attempts within an hour came to nothing".into(),
                Some(format!("nothing was posted; run again after {next}")),
            ),
            Self::NoMoreAttempts { next: None } => (
                "too_many_attempts",
                "TikTok failed it in every attempt".into(),
                Some("`--repost` starts it over".into()),
            ),
        };
        let message = text::plain(&message);
        Trouble {
            code: code.into(),
            message,
            hint,
            retryable: self.exit(None) == Exit::Temporary,
            log_id: None,
        }
    }

    /// Whether the account's other posts would meet the same.
    pub(super) fn stops_account(&self) -> bool {
        match self {
            Self::Call(CallError::Token(_)) | Self::Journal(_) | Self::Interrupted(_) => true,
            Self::Call(error) => error.exit() == Exit::Login,
            _ => false,
        }
    }
}
